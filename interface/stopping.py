"""What ends training early: `StopTraining`, and rules for `stop=` of `Network.train`.

`stop=` takes one rule or a list. Each is evaluated after every epoch, at the cost of a forward pass (`GradientNorm`: a
gradient); the first that holds ends training, and `history.stopped_by` is its str().

>>> from samenet.fast.numpy import Network
>>> from samenet.stopping import CostChange
>>> net = Network([2, 1], seed=0)
>>> net.train([[0, 1]], [[1]], alpha=1.0, epochs=1000, stop=CostChange(least=1e-4)).stopped_by
'CostChange(least=0.0001)'
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from samenet.backends.objective import Objective
from samenet.history import History
from samenet.model import Model
from samenet.validation import checks


class StopTraining(Exception):
    """Raised by a callback to end training; also available as `samenet.StopTraining`.

        def callback(network, history):
            if history.cost[-1] < 0.01:
                raise samenet.StopTraining("good enough")

    `train` then returns as after its last epoch: weights and history stay as they are, `Patience` restores the best
    weights, and `history.stopped_by` is "callback", or with a reason "callback: good enough". With `MultiStart` all
    starts end. A callback's return value is ignored.

    Other code may raise it, too. A function for `alpha=` ends training before the epoch it was called for, and
    `stopped_by` is "alpha"; a custom rule is named by its str(), and anything else (a signal handler, perhaps) is
    "StopTraining". Outside `train` it is an exception like any other.
    """


class Watch:
    """A rule applied to one training run: `ends` is called after every epoch, `close` when training is over."""

    def __init__(self, ends: Callable[[], bool], close: Callable[[], None] = lambda: None) -> None:
        self.ends, self.close = ends, close


class Rule(ABC):
    """The base class of all stop rules."""

    def check(self, model: Model) -> None:
        """Raise ValueError or TypeError if the rule does not fit the network."""
        return

    @abstractmethod
    def watch(self, objective: Objective, history: History) -> Watch:
        """Start watching a training run that minimises the objective."""


@dataclass(frozen=True)
class CostChange(Rule):
    """End when the cost of the training samples changes by less than `least` in an epoch: |J_t - J_(t-1)| < least."""

    least: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "least", checks.number("least", self.least, positive=True))

    def watch(self, objective: Objective, history: History) -> Watch:
        """Start watching a training run that minimises the objective."""
        last = objective.cost()

        def ends() -> bool:
            nonlocal last
            before, last = last, objective.cost()
            return abs(last - before) < self.least

        return Watch(ends)


@dataclass(frozen=True)
class GradientNorm(Rule):
    """End when the norm of the gradient over all training samples is below `least`: ||dJ/dtheta|| < least."""

    least: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "least", checks.number("least", self.least, positive=True))

    def watch(self, objective: Objective, history: History) -> Watch:
        """Start watching a training run that minimises the objective."""
        return Watch(lambda: float(np.linalg.norm(objective.gradient()[1].flat)) < self.least)


@dataclass(frozen=True, eq=False)
class Patience(Rule):
    """End when `epochs` epochs in a row have not lowered the cost of a validation set below its minimum so far.

    X: (m, n_in), Y: (m, n_out), the validation set; read at the start of training, never written to.
    restore  restore the weights of the lowest cost when training ends, unless an exception ended it

    `history.best_epoch` is the number of completed epochs at the lowest cost: 0 if it never fell.
    Source: L. Prechelt, Early stopping - but when? (1998), the criterion UP.
    """

    X: ArrayLike = field(repr=False)
    Y: ArrayLike = field(repr=False)
    epochs: int = 10
    restore: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "epochs", checks.integer("epochs", self.epochs, least=1))
        object.__setattr__(self, "restore", checks.flag("restore", self.restore))

    def check(self, model: Model) -> None:
        """Raise ValueError or TypeError if X or Y do not fit the network."""
        try:
            model.labelled(self.X, self.Y)
        except (TypeError, ValueError) as error:
            raise type(error)(f"stop, Patience {error}") from None

    def watch(self, objective: Objective, history: History) -> Watch:
        """Start watching a training run; `objective` is that of its training samples."""
        X, Y = objective.model.labelled(self.X, self.Y)
        validation, theta = objective.of(X, Y), objective.model.theta.everything
        least, best = validation.cost(), theta.copy()
        history.best_epoch = 0

        def ends() -> bool:
            nonlocal least
            cost = validation.cost()
            if cost < least:
                least, history.best_epoch = cost, history.epochs_done
                best[:] = theta
            return history.epochs_done - (history.best_epoch or 0) >= self.epochs

        def close() -> None:
            if self.restore:
                theta[:] = best

        return Watch(ends, close)


def rules(value: Any) -> tuple[Rule, ...]:
    """One rule or a list of rules, as a tuple; None is no rule."""
    if value is None:
        return ()
    expected = "rules of samenet.stopping"
    given = (value,) if isinstance(value, Rule) else tuple(checks.listed("stop", value, expected))
    for rule in given:
        if not isinstance(rule, Rule):
            raise TypeError(f"stop: expected {expected}, got {checks.short(rule)}")
    return given
