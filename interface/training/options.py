"""The options of `Network.train`, checked once."""

import copy
import random
from collections.abc import Callable, Mapping
from operator import is_
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from samenet import stopping
from samenet.backends import prepared
from samenet.backends.objective import Objective
from samenet.model import Model
from samenet.model.functions import MADE_FOR, REDUCTIONS
from samenet.model.parameters import Parameters
from samenet.optimizers import Optimizer, UpdateRule
from samenet.schedules import Schedule
from samenet.training.history import History
from samenet.training.monitors import monitor
from samenet.training.reach import check_reach, is_reachable, limits_of
from samenet.training.reporting import Report
from samenet.training.sampling import Draws, Random, is_stream
from samenet.training.settings import ALPHA_AT, MONITORS_AT, Given, Settings, are_constant, settings_of
from samenet.training.validation_set import ValidationSet, recorded
from samenet.validation import arrays, checks
from samenet.validation.weights import sample_weight

_NO_DROPOUT, _NO_MONITORS = np.empty(0), dict[str, Any]()


def apart(theta: Parameters, X: NDArray[Any], Y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The samples, copied if they share memory with the parameters; ValueError if the parameters are read-only."""
    theta.check_writable()
    return theta.apart(X), theta.apart(Y)


class Trained(Protocol):
    """The user's network: it is passed to callbacks, and holds the history and the state to resume from."""

    history: History | None
    training_state: Any  # a `TrainingState`, or the arguments for one, or None


Callback = Callable[[Any, History], object]


class _Last:
    """The options of the last call, for the next one with the same arguments; what a user may change is checked again.

    plan: of `samenet.training.watched`
    """

    plan: Any = None
    samples: Callable[..., Any] | None = None  # None until the second call: most networks are trained once

    def __init__(self, given: Given, options: "Options", backend: Any) -> None:
        self.given, self.settings, self.batch_size = given[:-4], options.settings, options.batch_size
        self.rows, self.run_updates = len(options.X), backend.run_updates

    def are_these(self, given: Given, backend: Any) -> bool:
        """Whether these arguments, up to the seed, and the backend are the same."""
        if backend is None or self.run_updates is not backend.run_updates or not all(map(is_, self.given, given)):
            return False
        return type(given[MONITORS_AT]) is not list or tuple(given[MONITORS_AT]) == self.settings.monitors

    def ready(self, model: Model, backend: Any, limits: tuple[float, float], X: Any, Y: Any) -> Any:
        """As `prepared.ready`; None, too, if the arguments do not keep their values."""
        if self.samples is None:
            keeps = self._keep_values()
            self.samples = prepared.samples(model, backend, self.rows, limits, False) if keeps else _nothing
        return self.samples(X, Y)

    def _keep_values(self) -> bool:
        """Any schedule does, as it is called; what is in a list of monitors is compared."""
        given = [*self.given]
        given[ALPHA_AT] = None if callable(given[ALPHA_AT]) else given[ALPHA_AT]
        given[MONITORS_AT] = None if type(given[MONITORS_AT]) is list else given[MONITORS_AT]
        return are_constant(tuple(given))


def _nothing(*_: Any) -> None:
    """For arguments that are checked again."""


class Options:
    """The arguments of `Network.train`, checked and converted; their meaning is documented there.

    Attributes with a default value here are rarely changed.
    """

    monitors: Mapping[str, Callable[[NDArray[Any]], float]] = _NO_MONITORS  # by name, functions of the output
    callback: Callback | None = None
    stop: tuple[stopping.Rule, ...] = ()
    dropout: NDArray[np.float64] = _NO_DROPOUT  # a probability for every hidden node; empty for no dropout
    validation: ValidationSet | None = None
    report: Report | None = None  # the display during training
    given: Given = ()  # the arguments they were made from
    last: Any = None  # if these were kept: where what follows from them is kept, too
    has_others = False  # whether any of the following is set
    is_watched = False  # whether anything is called, measured or shown between epochs
    sample_weight: NDArray[np.float64] | None = None  # see `samenet.validation.weights`
    unchecked = False  # whether X may hold NaN or infinity, which the first epoch detects
    stream: Random | None = None
    saved: Any = None  # the `TrainingState` to resume from
    completes = False  # whether it comes from a checkpoint, whose call is to be completed
    checkpoint: Any = None  # the `Checkpoint` to write

    def __init__(
        self, X: NDArray[Any], Y: NDArray[Any], settings: Settings, batch_size: int, seed: Any, warns: bool = True
    ) -> None:
        self.X, self.Y, self.settings, self.batch_size, self.seed = X, Y, settings, batch_size, seed
        self.warns = warns  # whether divergence gives a warning

    @property
    def recorded(self) -> tuple[str, ...]:
        """The names in the history besides the cost."""
        return recorded(tuple(self.monitors), self.validation is not None)

    @property
    def held(self) -> tuple[NDArray[Any], ...]:
        """The samples and the targets of the validation set, if there is one."""
        return () if self.validation is None else self.validation[:2]

    @property
    def random(self) -> Random:
        """The random number generator, created when first used."""
        if self.stream is None:
            is_stream = isinstance(self.seed, random.Random)
            self.stream = self.seed if is_stream else checks.generator("seed", self.seed)
        return self.stream

    def draws(self, dtype: Any, shuffled: bool) -> Draws:
        """The random draws of a training run."""
        given = self.random, len(self.X), shuffled, self.dropout, dtype, self.settings.drop_connect
        return Draws(*given, self.batch_size, self.settings.sampling is not None)

    def objective(self, model: Model, backend: Any) -> Objective:
        """The objective to minimise."""
        return Objective(model, backend, self.X, self.Y, self.settings.reduction, self.sample_weight)

    @classmethod
    def of(cls, model: Model, X: Any, Y: Any, given: Given, backend: Any = None) -> "Options":
        """From the arguments of `train`. Raises ValueError or TypeError, naming the argument.

        The check of X for NaN and infinity may be left to the first epoch, after which the weights show whether X was
        finite. This is possible if nothing but updates happens until then.
        """
        limited = None if model.cost_function in MADE_FOR else model.activations[-1]  # that cost refuses other targets
        limits, last = limits_of(limited), model.prepared.get(Options)
        if last is not None and last.are_these(given, backend):
            ready = last.ready(model, backend, limits, X, Y)
            if ready is not None:
                model.theta.check_writable()
                options = cls(ready[0], ready[1], last.settings, last.batch_size, given[-5])
                options.given, options.last = given, last
                options._add_others(model, backend, *given[-4:])
                return options
        checks.choice("reduction", given[0], REDUCTIONS)
        ready = prepared.ready(model, backend, "X", X, Y, limits)
        if ready is not None:
            model.theta.check_writable()
            X, Y = ready
            options = cls.checked(model, X, Y, given, backend)
            model.prepared[Options] = _Last(given, options, backend)
            return options
        may_wait = hasattr(backend, "SPREADS_NAN") and not model.theta.normalized
        X, Y = model.labelled(X, Y, given[0], not may_wait)
        X, Y = apart(model.theta, X, Y)
        options = cls.checked(model, X, Y, given, backend)
        options.unchecked = may_wait
        if may_wait and not options._shows_all:
            options.check_samples()
        if limited is not None:
            if options.unchecked and not is_reachable(limited, options.Y):
                options.check_samples()  # raise an error before giving a warning
            check_reach(limited, options.Y, options.sample_weight)
        return options

    def for_another(self, model: Model, seed: Any) -> "Options":
        """The same options for another network, with as many layers and the same output, dtype and cost, and another
        seed."""
        model.theta.check_writable()
        if not isinstance(seed, random.Random):
            checks.seed("seed", seed)
        another = Options(self.X, self.Y, self.settings, self.batch_size, seed, self.warns)
        if self.has_others:
            another.monitors, another.callback, another.stop = self.monitors, self.callback, self.stop
            another.dropout, another.validation, another.sample_weight = (
                self.dropout,
                self.validation,
                self.sample_weight,
            )
            another.is_watched, another.has_others = self.is_watched, True
        return another

    def with_schedule(self, schedule: Schedule, optimizer: Optimizer | None = None) -> "Options":
        """The same options with a schedule without side effects, and another optimizer if one is given."""
        another, settings, rule = copy.copy(self), self.settings, optimizer or self.settings.optimizer
        is_simple = isinstance(rule, UpdateRule) and settings.sampling is None and settings.epochs > 0
        is_simple = is_simple and not settings.monitors
        another.settings = settings._replace(alpha=schedule, optimizer=rule, is_simple=is_simple)
        another.given = ()
        return another

    @property
    def _shows_all(self) -> bool:
        """Whether the weights after an epoch show if X was finite, and nothing but updates happens until then."""
        if not self.settings.is_open or is_stream(self.seed) or self.sample_weight is not None:
            return False  # a sample of weight 0 would be missed
        return not (self.stop or self.validation or self.report)

    def check_samples(self) -> None:
        """Raise ValueError if X is not finite."""
        arrays.finite("X", self.X)
        self.unchecked = False

    @classmethod
    def checked(
        cls, model: Model, X: NDArray[Any], Y: NDArray[Any], given: Given, backend: Any = None, warns: bool = True
    ) -> "Options":
        """As `of`, from samples that were already checked, by `apart` too."""
        theta = model.theta
        settings = settings_of(len(theta.sizes) - 2, *given[:-5])
        seed, callback, stop, held, weights = given[-5:]
        if seed is not None and not isinstance(seed, random.Random):
            checks.seed("seed", seed)
        rows, size = len(X), settings.batch_size
        options = cls(X, Y, settings, rows if size is None or size > rows else size, seed, warns)
        options.given = given
        options._add_others(model, backend, callback, stop, held, weights)
        return options

    def _add_others(self, model: Model, backend: Any, callback: Any, stop: Any, held: Any, weights: Any) -> None:
        """Check and add the rarely used options."""
        settings, is_plain = self.settings, callback is None and stop is None and held is None and weights is None
        if is_plain and settings.is_usual and not model.theta.normalized:
            return
        self.has_others = True
        if callback is not None:
            if not callable(callback):
                raise TypeError(f"callback: expected a function of (network, history), got {checks.short(callback)}")
            self.callback, self.is_watched = callback, True
        if model.theta.normalized:
            self._check_normalized()
        if held is not None:
            self.validation, self.is_watched = ValidationSet.of(model, held, settings.monitors, backend), True
        if weights is not None:  # None where all are equal
            self.sample_weight = sample_weight(weights, len(self.X), settings.reduction, model.dtype)
        if settings.sampling is not None:
            self._check_sampling(weights is not None)
        if stop is not None:
            self.stop = stopping.rules(stop)
            for rule in self.stop:
                self.is_watched = True
                rule.check(model)
                if rule.needs_validation and self.validation is None:
                    raise ValueError(
                        f"stop: expected a validation set for {rule}, as validation=(X, Y) or by Patience(X, Y), got "
                        "none"
                    )
        if settings.monitors:
            self.monitors = {name: monitor(name, model.activations[-1], self.Y[:]) for name in settings.monitors}
        if settings.dropout:
            self.dropout = np.repeat(settings.dropout, model.sizes[1:-1])
        if settings.verbose or settings.progress:
            self.report, self.is_watched = Report.of(settings), True

    def _check_normalized(self) -> None:
        """Check the options for a network with batch normalization."""
        rows, size, settings = len(self.X), self.batch_size, self.settings
        if size == 1 or rows % size == 1:
            raise ValueError(
                "batch_size: expected batches of at least 2 samples, for the statistics of batch normalization; of "
                f"{rows} samples, batches of {size} leave one of 1"
            )
        if settings.drop_connect:
            raise ValueError(
                "drop_connect: expected 0 for a network with batch normalization, got masks of its weights"
            )
        if settings.sampling is not None:
            raise ValueError(
                "sampling: expected None for a network with batch normalization, in which no row has a gradient of "
                f"its own, got {settings.sampling}"
            )

    def _check_sampling(self, weighs: bool) -> None:
        """Check the options for adaptive sampling."""
        settings, rows = self.settings, len(self.X)
        if weighs:
            raise ValueError(f"sample_weight: expected None, as rows are drawn by {settings.sampling}, got weights")
        if (settings.batch_size or rows) >= rows:
            raise ValueError(
                f"sampling: expected batches smaller than the {rows} samples, got batch_size={settings.batch_size}"
            )
