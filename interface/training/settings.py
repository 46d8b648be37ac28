"""The settings of `Network.train`: its arguments that do not depend on the samples, checked once."""

import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from operator import is_, itemgetter
from typing import Any, NamedTuple

import numpy as np

from samenet import optimizers, schedules
from samenet.model.functions import Reduction
from samenet.training.adaptive_sampling import AdaptiveSampling, sampling
from samenet.training.monitors import MONITORS
from samenet.validation import checks
from samenet.validation.memory import CONSTANT, remembers

Given = tuple[Any, ...]  # arguments of `train`: first those of `Settings`, in the order of `_NAMES`, then `_OTHERS`
MOST_EPOCHS = 2**63 - 1  # a history counts epochs in int64


class Settings(NamedTuple):
    """The arguments of `Network.train` that do not depend on the samples, checked and converted."""

    reduction: Reduction
    alpha: schedules.Schedule | None  # None for an optimizer that takes no learning rate
    epochs: int
    batch_size: int | None
    shuffle: bool
    monitors: tuple[str, ...]
    record_every: int
    optimizer: optimizers.Optimizer
    dropout: tuple[float, ...]  # a probability for every hidden layer; empty for no dropout
    arguments: dict[str, Any]  # of a backend's `run_updates`: the reduction, "clip_value" and "clip_norm" where given
    sampling: AdaptiveSampling | None
    is_simple: bool  # whether it uses an update rule with an alpha known in advance, and no monitors
    is_usual: bool  # whether it also has no measurements, masks, sampling or display
    drop_connect: tuple[float, ...]  # a probability for every layer of weights; empty for no DropConnect
    verbose: bool
    progress: bool | str
    has_masks: bool  # whether there are dropout or DropConnect masks
    is_open: bool  # simple, with a constant alpha, and non-finite numbers propagate to all weights that they meet


_NAMES = (
    *("reduction", "alpha", "epochs", "batch_size", "shuffle", "monitors", "record_every", "optimizer", "dropout"),
    *("clip_value", "clip_norm", "drop_connect", "sampling", "verbose", "progress"),
)
_READ_AGAIN = frozenset((tuple, list, str))  # of monitors: anything else may be read only once
ALPHA_AT, MONITORS_AT = _NAMES.index("alpha"), _NAMES.index("monitors")  # their places among the arguments
_SIMPLE = Settings._fields.index("is_simple")
_OTHERS = "seed", "callback", "stop", "validation", "sample_weight"
by_name: Callable[[dict[str, Any]], Given] = itemgetter(*_NAMES, *_OTHERS)  # as `Options` takes them
_immutable = schedules.PURE.union(optimizers.UPDATE_RULES)
_remembers = partial(remembers, constant=_immutable)
_CONSTANT = CONSTANT.union(_immutable, (tuple, np.random.Generator))


def frozen(given: Given) -> Given:
    """The arguments with tuples in place of lists, which a user may change later."""
    return tuple([tuple(value) if type(value) is list else value for value in given])


def are_constant(given: Given) -> bool:
    """Whether these argument objects always keep the same values, or are streams, from which each call draws."""
    items = [kind for value in given if type(value) is tuple for kind in map(type, value)]
    return _CONSTANT.issuperset(map(type, given)) and CONSTANT.issuperset(items)


def are_same(before: Given, given: Given) -> bool:
    """Whether the arguments are the same objects, or tuples and lists of equal numbers of the same types."""
    return all(a is b or _are_equal(a, b) for a, b in zip(before, given, strict=False))


def _are_equal(before: Any, value: Any) -> bool:
    is_listing = type(before) is tuple and (type(value) is list or type(value) is tuple)
    return is_listing and [*map(type, before)] == [*map(type, value)] and before == tuple(value)


def differ_in_alpha(before: Given, given: Given) -> bool:
    """Whether these arguments differ only in alpha, a number: the learning rate of users who change it themselves."""
    numbers = len(before) == len(given) and type(before[ALPHA_AT]) is type(given[ALPHA_AT]) is float
    return numbers and all(before[i] is given[i] for i in range(len(given)) if i != ALPHA_AT)


_last: Any = (), None, None, None  # arguments that do not change; settings with alpha = 1; another alpha; with that


def settings_of(*given: Any) -> Settings:
    """The settings, from the number of hidden layers and the values of the arguments with these names."""
    global _last
    before, with_1, last_alpha, found = _last  # read at once, as another thread may check others
    if len(before) == len(given) and all(map(is_, before, given)):
        return found  # type: ignore[no-any-return]
    hidden_layers, reduction, alpha, *others = given
    is_number = type(alpha) is float and 0 < alpha < math.inf
    if not ((is_number or callable(alpha)) and type(given[1 + MONITORS_AT]) in _READ_AGAIN):
        return _settings(*given)
    usual = None
    with suppress(TypeError, ValueError):  # raised again below, with what was given
        usual = _settings(hidden_layers, reduction, 1.0, *others)
    if usual is None:
        return _settings(*given)
    if usual is with_1 and alpha is last_alpha:
        return found  # type: ignore[no-any-return]
    if not (is_number or schedules.is_pure(alpha)):
        # Faster than `_replace`.
        return Settings._make((reduction, alpha, *usual[2:_SIMPLE], False, *usual[_SIMPLE + 1 : -1], False))
    known = {"alpha": schedules.constant(alpha)} if is_number else {"alpha": alpha, "is_open": False}
    found = usual._replace(**known)
    _last = given if are_constant(given) else (), usual, alpha, found
    return found


@_remembers
def _settings(hidden_layers: int, *values: Any) -> Settings:
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
    arguments = {"reduction": given["reduction"], **clipping}
    sampled = sampling(given["sampling"])
    if sampled is not None and not shuffle:
        raise ValueError(f"sampling: expected none with shuffle=False, since it draws rows at random, got {sampled}")
    is_plain = schedules.is_pure(alpha) and isinstance(optimizer, optimizers.UpdateRule) and sampled is None
    is_simple = is_plain and epochs > 0 and not names
    is_constant = type(alpha) is schedules.Constant
    shown = checks.flag("verbose", given["verbose"]), checks.flag_or("progress", given["progress"], "always")
    has_masks = bool(dropout or drop_connect)
    is_usual = not (names or has_masks or sampled is not None or any(shown))
    return Settings(
        *(given["reduction"], alpha, epochs, batch_size, shuffle, names, record_every, optimizer, dropout, arguments),
        *(sampled, is_simple, is_usual, drop_connect, *shown, has_masks),
        is_simple and is_constant and not has_masks and "clip_value" not in clipping,  # which makes infinity finite
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
    """A probability for each of these layers, from one number for all or one for each; empty if all are 0."""
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
