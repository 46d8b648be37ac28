"""Training: what it was asked to do, what is recorded, and what ends it. How it descends is said in `optimizers`."""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samenet import optimizers, schedules, stopping
from samenet.history import MONITORS, History, monitor
from samenet.stopping import StopTraining
from samenet.training.interrupts import deferred_interrupt
from samenet.training.sampling import Random
from samenet.validation import checks

if TYPE_CHECKING:
    from samenet.network import Network

Callback = Callable[["Network", History], object]
_MOST_EPOCHS = 2**63 - 1  # what a history can number


@dataclass(frozen=True, eq=False)
class Settings:
    """The arguments of `Network.train`, checked, in the form that training works with."""

    user: "Network"  # what callbacks see, and what keeps the history; the network that is trained shares its parameters
    X: NDArray[Any]
    Y: NDArray[Any]
    alpha: schedules.Schedule | None  # None for an optimizer that takes no learning rate
    epochs: int
    batch_size: int
    shuffle: bool
    random: Random
    reduction: str
    monitors: dict[str, Callable[[NDArray[Any]], float]]  # by name, functions of the output
    record_every: int
    callback: Callback | None
    optimizer: optimizers.Optimizer
    stop: tuple[stopping.Rule, ...]
    dropout: NDArray[np.float64]  # for every hidden node, or empty
    clipping: dict[str, float]  # what is limited, and how
    warns: bool = True  # of divergence, at once


def settings(
    network: "Network",
    X: NDArray[Any],
    Y: NDArray[Any],
    *,
    user: "Network",
    alpha: Any,
    epochs: Any,
    batch_size: Any,
    shuffle: Any,
    seed: Any,
    reduction: str,
    monitors: Any,
    record_every: Any,
    callback: Any,
    optimizer: Any,
    stop: Any,
    dropout: Any,
    clip_value: Any,
    clip_norm: Any,
) -> Settings:
    """The arguments of `Network.train`, X, Y and `reduction` checked before; ValueError or TypeError for bad ones."""
    way = optimizers.optimizer(optimizer)
    rate = schedules.schedule(alpha) if way.takes_steps else None
    left_out = _dropout(dropout, user.sizes[1:-1])
    limits = {"clip_value": clip_value, "clip_norm": clip_norm}
    clipping = {name: checks.number(name, v, positive=True) for name, v in limits.items() if v is not None}
    if not way.takes_steps:
        given = {"alpha": alpha, "batch_size": batch_size, "dropout": dropout if left_out.size else None, **limits}
        for name, value in given.items():
            if value is not None:
                raise ValueError(
                    f"{name}: expected none for {way}, which finds its own steps on the full batch, "
                    f"got {checks.short(value)}"
                )
    epochs = checks.integer("epochs", epochs, least=0, most=_MOST_EPOCHS)
    size = len(X) if batch_size is None else min(len(X), checks.integer("batch_size", batch_size, least=1))
    stream = seed if isinstance(seed, random.Random) else checks.generator("seed", seed)
    shuffle = checks.flag("shuffle", shuffle)
    try:
        names = (monitors,) if isinstance(monitors, str) else tuple(monitors)
    except Exception:  # not iterable, or not to its end
        raise TypeError(f"monitors: expected a list of names, got {checks.short(monitors)}") from None
    names = tuple(checks.choice("monitors", name, MONITORS) for name in names)
    record_every = checks.integer("record_every", record_every, least=0)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback: expected a function of (network, history), got {checks.short(callback)}")
    rules = stopping.rules(stop)
    for rule in rules:
        rule.check(network)
    watched = {name: monitor(name, network.activations[-1], Y) for name in names}
    return Settings(
        user=user,
        X=X,
        Y=Y,
        alpha=rate,
        epochs=epochs,
        batch_size=size,
        shuffle=shuffle,
        random=stream,
        reduction=reduction,
        monitors=watched,
        record_every=record_every,
        callback=callback,
        optimizer=way,
        stop=rules,
        dropout=left_out,
        clipping=clipping,
    )


def _dropout(value: Any, hidden: tuple[int, ...]) -> NDArray[np.float64]:
    """The probability for every hidden node, from one for all or one for each layer; empty if all are 0."""
    if checks.is_listing(value):
        given = checks.listed("dropout", value, "a number, or a list of numbers")
        if len(given) != len(hidden):
            raise ValueError(f"dropout: expected {len(hidden)} numbers, one for each hidden layer, got {len(given)}")
        p = [checks.share(f"dropout[{i}]", item) for i, item in enumerate(given)]
    else:
        one = checks.share("dropout", value)
        if one > 0 and not hidden:
            raise ValueError(f"dropout: expected 0 for a network without hidden layers, got {one:g}")
        p = [one] * len(hidden)
    return np.repeat(p, hidden) if any(p) else np.empty(0)


class Training:
    """One training of a network, from the weights that it has and with a history of its own."""

    def __init__(self, network: "Network", settings: Settings) -> None:
        self.network, self.settings = network, settings
        self.history = settings.user.history = History(tuple(settings.monitors))
        self.watches: list[stopping.Watch] = []

    def run(self, descend: Callable[[], None]) -> None:
        """Let an optimizer descend, watched by the stop rules."""
        s = self.settings
        if s.epochs == 0:
            return
        who: object = None
        try:
            for rule in s.stop:
                who = rule
                self.watches.append(rule.watch(self.network, s.X, s.Y, s.reduction, self.history))
            who = "StopTraining"  # whoever else can raise it, such as a handler of signals
            descend()
        except StopTraining as reason:
            self.note(who, reason)
            self._close()
            raise
        self._close()

    def _close(self) -> None:
        for watch in self.watches:
            watch.close()

    def note(self, who: object, reason: StopTraining) -> None:
        """Note in the history who it was that raised `StopTraining`, unless that is known; it goes on up to `train`."""
        if self.history.stopped_by is None:
            self.history.stopped_by = f"{who}: {reason}" if str(reason) else str(who)

    @property
    def asks_every_epoch(self) -> bool:
        """Whether someone wants to see the network after every epoch."""
        return self.settings.callback is not None or bool(self.watches)

    def look(self) -> None:
        """Record the state before the next epoch, by a forward pass, if it is one that is recorded."""
        s, epoch = self.settings, self.history.epochs_done
        if s.record_every > 0 and epoch % s.record_every == 0:
            with np.errstate(all="ignore"):
                cost, output = self.network.backend.evaluate(self.network, s.X, s.Y, s.reduction)
            self.record(epoch, float(cost), np.asarray(output) if s.monitors else None)

    def record(self, epoch: int, cost: float, output: NDArray[Any] | None) -> None:
        """Note the state before an epoch; the output is needed for monitors only."""
        watched = {} if output is None else {name: of(output) for name, of in self.settings.monitors.items()}
        self.history.record(epoch, cost, watched)

    def ends(self) -> bool:
        """Call the callback and ask the rules after an epoch; the history notes which rule ended the training."""
        who: object = "callback"
        try:
            if self.settings.callback is not None:
                self.settings.callback(self.settings.user, self.history)
            for who, watch in zip(self.settings.stop, self.watches, strict=True):
                if watch.ends():
                    self.history.stopped_by = str(who)
                    return True
        except StopTraining as reason:
            self.note(who, reason)
            raise
        return False


def train(network: "Network", settings: Settings) -> History:
    """Train as the settings say; Ctrl-C is held back until the update at hand is done."""
    # Twice, since a handler of Ctrl-C, which may raise it too, is called at the end of the inner block or of the outer.
    with suppress(StopTraining), deferred_interrupt() as release, suppress(StopTraining):
        settings.optimizer.train(network, settings, release)
    assert settings.user.history is not None
    return settings.user.history
