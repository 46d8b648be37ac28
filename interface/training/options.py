"""The options of `Network.train`, checked once."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from samenet import optimizers, schedules, stopping
from samenet.history import History
from samenet.model import Model
from samenet.training.monitors import MONITORS, monitor
from samenet.training.sampling import Random
from samenet.validation import checks

_MOST_EPOCHS = 2**63 - 1  # a history counts epochs in int64


class Trained(Protocol):
    """The network as the user sees it: it is passed to callbacks, and holds the history."""

    history: History | None


Callback = Callable[[Any, History], object]


@dataclass(frozen=True, eq=False)
class Options:
    """The arguments of `Network.train`, checked and converted; their meaning is documented there."""

    X: NDArray[Any]
    Y: NDArray[Any]
    reduction: str
    alpha: schedules.Schedule | None  # None for an optimizer that takes no learning rate
    epochs: int
    batch_size: int
    shuffle: bool
    random: Random
    monitors: dict[str, Callable[[NDArray[Any]], float]]  # by name, functions of the output
    record_every: int
    callback: Callback | None
    optimizer: optimizers.Optimizer
    stop: tuple[stopping.Rule, ...]
    dropout: NDArray[np.float64]  # a probability for every hidden node; empty for no dropout
    clipping: dict[str, float]  # "clip_value" and "clip_norm", where given
    warns: bool = True  # whether divergence gives a warning

    @classmethod
    def of(cls, model: Model, X: Any, Y: Any, given: dict[str, Any]) -> "Options":
        """From the arguments of `train`, by name. Raises ValueError or TypeError, naming the argument."""
        X, Y = model.labelled(X, Y, given["reduction"])
        model.theta.check_writable()
        # Samples that share memory with the parameters would change during training.
        X, Y = (v.copy() if np.may_share_memory(v, model.theta.flat) else v for v in (X, Y))
        optimizer = optimizers.optimizer(given["optimizer"])
        alpha = schedules.schedule(given["alpha"]) if optimizer.takes_steps else None
        dropout = _dropout(given["dropout"], model.sizes[1:-1])
        limits = {name: given[name] for name in ("clip_value", "clip_norm")}
        clipping = {name: checks.number(name, v, positive=True) for name, v in limits.items() if v is not None}
        if not optimizer.takes_steps:
            _reject_step_options(optimizer, {**given, "dropout": given["dropout"] if dropout.size else None})
        epochs = checks.integer("epochs", given["epochs"], least=0, most=_MOST_EPOCHS)
        size, seed = given["batch_size"], given["seed"]
        batch_size = len(X) if size is None else min(len(X), checks.integer("batch_size", size, least=1))
        stream = seed if isinstance(seed, random.Random) else checks.generator("seed", seed)
        shuffle = checks.flag("shuffle", given["shuffle"])
        names = _names(given["monitors"])
        record_every = checks.integer("record_every", given["record_every"], least=0)
        callback = given["callback"]
        if callback is not None and not callable(callback):
            raise TypeError(f"callback: expected a function of (network, history), got {checks.short(callback)}")
        stop = stopping.rules(given["stop"])
        for rule in stop:
            rule.check(model)
        return cls(
            *(X, Y, given["reduction"], alpha, epochs, batch_size, shuffle, stream),
            monitors={name: monitor(name, model.activations[-1], Y) for name in names},
            record_every=record_every,
            callback=callback,
            optimizer=optimizer,
            stop=stop,
            dropout=dropout,
            clipping=clipping,
        )


def _reject_step_options(optimizer: optimizers.Optimizer, given: dict[str, Any]) -> None:
    """Reject options that apply only to optimizers that take one step per batch."""
    for name in ("alpha", "batch_size", "dropout", "clip_value", "clip_norm"):
        if given[name] is not None:
            raise ValueError(
                f"{name}: expected none for {optimizer}, which chooses its own steps on the full batch, "
                f"got {checks.short(given[name])}"
            )


def _names(monitors: Any) -> tuple[str, ...]:
    try:
        names = (monitors,) if isinstance(monitors, str) else tuple(monitors)
    except Exception:  # not iterable, or iterating it raised
        raise TypeError(f"monitors: expected a list of names, got {checks.short(monitors)}") from None
    return tuple(checks.choice("monitors", name, MONITORS) for name in names)


def _dropout(value: Any, hidden: tuple[int, ...]) -> NDArray[np.float64]:
    """A probability for every hidden node, from one number for all layers or one for each; empty if all are 0."""
    if checks.is_listing(value):
        given = checks.listed("dropout", value, "a number, or a list of numbers")
        if len(given) != len(hidden):
            raise ValueError(f"dropout: expected {len(hidden)} numbers, one for each hidden layer, got {len(given)}")
        p = [checks.fraction(f"dropout[{i}]", item) for i, item in enumerate(given)]
    else:
        one = checks.fraction("dropout", value)
        if one > 0 and not hidden:
            raise ValueError(f"dropout: expected 0 for a network without hidden layers, got {one:g}")
        p = [one] * len(hidden)
    return np.repeat(p, hidden) if any(p) else np.empty(0)
