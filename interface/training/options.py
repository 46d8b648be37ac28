"""The options of `Network.train`, checked once."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from samenet import optimizers, schedules, stopping
from samenet.backends.objective import Objective
from samenet.functions import MADE_FOR, Reduction
from samenet.history import History
from samenet.model import Model
from samenet.training.adaptive_sampling import AdaptiveSampling, sampling
from samenet.training.monitors import MONITORS, monitor
from samenet.training.reach import check_reach
from samenet.training.reporting import Report
from samenet.training.sampling import Draws, Random, is_stream
from samenet.training.validation_set import ValidationSet
from samenet.validation import arrays, checks
from samenet.validation.memory import remembers
from samenet.validation.weights import sample_weight

LARGE = 1 << 19  # numbers of X that are checked on the way: more than caches hold
MOST_EPOCHS = 2**63 - 1  # a history counts epochs in int64


class Trained(Protocol):
    """The network as the user sees it: it is passed to callbacks, and holds the history and what can go on."""

    history: History | None
    training_state: Any  # a `TrainingState`, or what makes one; None if there is none


Callback = Callable[[Any, History], object]


class Settings(NamedTuple):
    """The arguments of `Network.train` that have nothing to do with the samples, checked and converted."""

    reduction: Reduction
    alpha: schedules.Schedule | None  # None for an optimizer that takes no learning rate
    epochs: int
    batch_size: int | None
    shuffle: bool
    monitors: tuple[str, ...]
    record_every: int
    optimizer: optimizers.Optimizer
    dropout: tuple[float, ...]  # a probability for every hidden layer; empty for no dropout
    clipping: dict[str, float]  # "clip_value" and "clip_norm", where given
    sampling: AdaptiveSampling | None
    is_simple: bool  # whether there are updates by a rule at one alpha, and no monitors
    arguments: dict[str, Any]  # those of all calls of a backend's `run_updates`, if it is
    drop_connect: tuple[float, ...]  # a probability for every layer of weights; empty for no DropConnect
    verbose: bool
    progress: bool | str

    @property
    def has_masks(self) -> bool:
        """Whether nodes or weights are left out."""
        return bool(self.dropout or self.drop_connect)


@dataclass(eq=False, slots=True)
class Options:
    """The arguments of `Network.train`, checked and converted; their meaning is documented there."""

    X: NDArray[Any]
    Y: NDArray[Any]
    settings: Settings
    batch_size: int
    seed: Any
    monitors: dict[str, Callable[[NDArray[Any]], float]]  # by name, functions of the output
    callback: Callback | None
    stop: tuple[stopping.Rule, ...]
    dropout: NDArray[np.float64]  # a probability for every hidden node; empty for no dropout
    warns: bool = True  # whether divergence gives a warning
    stream: Random | None = None
    validation: ValidationSet | None = None
    report: Report | None = None  # what is shown meanwhile
    unchecked: bool = False  # whether X may hold NaN or infinity, as the first epoch will show
    sample_weight: NDArray[np.float64] | None = None  # see `samenet.validation.weights`
    saved: Any = None  # the `TrainingState` to go on from
    completes: bool = False  # whether the call is completed that left it in a checkpoint
    checkpoint: Any = None  # the `Checkpoint` to write

    @property
    def is_watched(self) -> bool:
        """Whether something is called, measured or shown between epochs."""
        return bool(self.callback is not None or self.stop or self.validation or self.report)

    @property
    def recorded(self) -> tuple[str, ...]:
        """The names in the history besides the cost."""
        return (*self.monitors, *(() if self.validation is None else self.validation.names))

    @property
    def held(self) -> tuple[NDArray[Any], ...]:
        """The samples and the targets of the validation set, if there is one."""
        return () if self.validation is None else self.validation[:2]

    @property
    def random(self) -> Random:
        """The random number generator, made when it is first asked for."""
        if self.stream is None:
            is_stream = isinstance(self.seed, random.Random)
            self.stream = self.seed if is_stream else checks.generator("seed", self.seed)
        return self.stream

    def draws(self, dtype: Any, shuffled: bool) -> Draws:
        """What is drawn for a training."""
        given = self.random, len(self.X), shuffled, self.dropout, dtype, self.settings.drop_connect
        return Draws(*given, self.batch_size, self.settings.sampling is not None)

    def objective(self, model: Model, backend: Any) -> Objective:
        """What is minimised."""
        return Objective(model, backend, self.X, self.Y, self.settings.reduction, self.sample_weight)

    @classmethod
    def of(cls, model: Model, X: Any, Y: Any, given: dict[str, Any], may_wait: bool = False) -> "Options":
        """From the arguments of `train`, by name. Raises ValueError or TypeError, naming the argument.

        may_wait: whether a large X need not be checked before the first epoch, which reads it anyway, and after which
        no weight is finite that a number met which was not. That is so where nothing but updates happens until then.
        """
        may_wait = may_wait and not model.theta.normalized
        X, Y = model.labelled(X, Y, given["reduction"], LARGE if may_wait else math.inf)
        options = cls.checked(model, X, Y, given)
        if may_wait and X.size > LARGE:
            settings = options.settings
            options.unchecked = (
                settings.is_simple
                and "clip_value" not in settings.clipping  # which makes infinity a number
                and options.sample_weight is None  # a sample of weight 0 would not be met
                and not (settings.has_masks or options.stop or is_stream(options.seed))
                and not (options.validation or options.report)
            )
            if not options.unchecked:
                options.check_samples()
        if model.cost_function not in MADE_FOR:  # those refuse targets out of reach
            check_reach(model.activations[-1], options.Y, options.sample_weight)
        return options

    def for_another(self, model: Model, seed: Any) -> "Options":
        """The same for another network, of as many layers and the same output, dtype and cost, with another seed."""
        model.theta.check_writable()
        if not isinstance(seed, random.Random):
            checks.seed("seed", seed)
        return Options(
            *(self.X, self.Y, self.settings, self.batch_size, seed, self.monitors, self.callback, self.stop),
            *(self.dropout, self.warns, None, self.validation),
            sample_weight=self.sample_weight,
        )

    def check_samples(self) -> None:
        """Raise ValueError if X is not finite."""
        arrays.finite("X", self.X)
        self.unchecked = False

    @classmethod
    def checked(
        cls, model: Model, X: NDArray[Any], Y: NDArray[Any], given: dict[str, Any], warns: bool = True
    ) -> "Options":
        """The same, from samples that were checked."""
        theta, seed, callback = model.theta, given["seed"], given["callback"]
        theta.check_writable()
        X, Y = (v if v.flags.owndata else theta.apart(v) for v in (X, Y))
        settings = _settings(len(theta.sizes) - 2, *_values(given))
        if not isinstance(seed, random.Random):
            checks.seed("seed", seed)
        if callback is not None and not callable(callback):
            raise TypeError(f"callback: expected a function of (network, history), got {checks.short(callback)}")
        batch_size = min(len(X), settings.batch_size or len(X))
        if model.theta.normalized and (batch_size == 1 or len(X) % batch_size == 1):
            raise ValueError(
                "batch_size: expected batches of at least 2 samples, for the statistics of batch normalization; of "
                f"{len(X)} samples, batches of {batch_size} leave one of 1"
            )
        if model.theta.normalized and settings.drop_connect:
            raise ValueError(
                "drop_connect: expected 0 for a network with batch normalization, got masks of its weights"
            )
        if model.theta.normalized and settings.sampling is not None:
            raise ValueError(
                "sampling: expected None for a network with batch normalization, in which no row has a gradient of "
                f"its own, got {settings.sampling}"
            )
        held = given["validation"]
        validation = None if held is None else ValidationSet.of(model, held, settings.monitors)
        weights = given["sample_weight"]
        if weights is not None:
            weights = sample_weight(weights, len(X), settings.reduction, model.dtype)
        if settings.sampling is not None and given["sample_weight"] is not None:
            raise ValueError(f"sample_weight: expected None, as rows are drawn by {settings.sampling}, got weights")
        stop = stopping.rules(given["stop"])
        for rule in stop:
            rule.check(model)
            if rule.needs_validation and validation is None:
                raise ValueError(
                    f"stop: expected a validation set for {rule}, as validation=(X, Y) or by Patience(X, Y), got none"
                )
        if settings.sampling is not None and (settings.batch_size or len(X)) >= len(X):
            raise ValueError(
                f"sampling: expected batches smaller than the {len(X)} samples, got batch_size={settings.batch_size}"
            )
        return cls(
            *(X, Y, settings, batch_size, seed),
            *({name: monitor(name, model.activations[-1], Y) for name in settings.monitors}, callback, stop),
            np.repeat(settings.dropout, theta.sizes[1:-1]) if settings.dropout else _NO_DROPOUT,
            *(warns, None, validation),
            Report.of(settings) if settings.verbose or settings.progress else None,
            sample_weight=weights,
        )


_NO_DROPOUT = np.empty(0)
_NAMES = (
    *("reduction", "alpha", "epochs", "batch_size", "shuffle", "monitors", "record_every", "optimizer", "dropout"),
    *("clip_value", "clip_norm", "drop_connect", "sampling", "verbose", "progress"),
)
_values = itemgetter(*_NAMES)


@remembers
def _settings(hidden_layers: int, *values: Any) -> Settings:
    """The settings, from the values of the arguments with these names."""
    given = dict(zip(_NAMES, values, strict=True))
    optimizer = optimizers.optimizer(given["optimizer"])
    alpha = schedules.schedule(given["alpha"]) if optimizer.takes_steps else None
    dropout = probabilities("dropout", given["dropout"], hidden_layers, "hidden layer")
    drop_connect = probabilities("drop_connect", given["drop_connect"], hidden_layers + 1, "layer of weights")
    limits = {name: given[name] for name in ("clip_value", "clip_norm")}
    clipping = {name: checks.number(name, v, positive=True) for name, v in limits.items() if v is not None}
    if not optimizer.takes_steps:
        without = {name: None for name, p in (("dropout", dropout), ("drop_connect", drop_connect)) if not p}
        _reject_step_options(optimizer, given | without)
    epochs = checks.integer("epochs", given["epochs"], least=0, most=MOST_EPOCHS)
    size = given["batch_size"]
    batch_size = None if size is None else checks.integer("batch_size", size, least=1)
    shuffle, names = checks.flag("shuffle", given["shuffle"]), _monitors(given["monitors"])
    record_every = checks.integer("record_every", given["record_every"], least=0)
    constant = alpha if type(alpha) is schedules.Constant else None
    at_alpha = {} if constant is None else {"alpha": constant.alpha}
    arguments = {"reduction": given["reduction"], **clipping, **at_alpha}
    sampled = sampling(given["sampling"])
    if sampled is not None and not shuffle:
        raise ValueError(f"sampling: expected none with shuffle=False, since it draws rows at random, got {sampled}")
    is_plain = constant is not None and isinstance(optimizer, optimizers.UpdateRule) and sampled is None
    is_simple = is_plain and epochs > 0 and not names
    return Settings(
        *(given["reduction"], alpha, epochs, batch_size, shuffle, names, record_every, optimizer, dropout, clipping),
        *(sampled, is_simple, arguments, drop_connect),
        *(checks.flag("verbose", given["verbose"]), checks.flag_or("progress", given["progress"], "always")),
    )


def _reject_step_options(optimizer: optimizers.Optimizer, given: dict[str, Any]) -> None:
    """Reject options that apply only to optimizers that take one step per batch."""
    for name in ("alpha", "batch_size", "dropout", "drop_connect", "clip_value", "clip_norm", "sampling"):
        if given[name] is not None:
            raise ValueError(
                f"{name}: expected none for {optimizer}, which chooses its own steps on the full batch, "
                f"got {checks.short(given[name])}"
            )


def _monitors(monitors: Any) -> tuple[str, ...]:
    try:
        names = (monitors,) if isinstance(monitors, str) else tuple(monitors)
    except Exception:  # not iterable, or iterating it raised
        raise TypeError(f"monitors: expected a list of names, got {checks.short(monitors)}") from None
    return tuple(checks.choice("monitors", name, MONITORS) for name in names)


def probabilities(name: str, value: Any, layers: int, layer: str) -> tuple[float, ...]:
    """A probability for every such layer, from one number for all or one for each; empty if all are 0."""
    if checks.is_listing(value):
        given = checks.listed(name, value, "a number, or a list of numbers")
        if len(given) != layers:
            raise ValueError(f"{name}: expected {layers} numbers, one for each {layer}, got {len(given)}")
        p = [checks.fraction(f"{name}[{i}]", item) for i, item in enumerate(given)]
    else:
        one = checks.fraction(name, value)
        if one > 0 and layers == 0:
            raise ValueError(f"{name}: expected 0 for a network without {layer}s, got {one:g}")
        p = [one] * layers
    return tuple(p) if any(p) else ()
