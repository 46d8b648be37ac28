"""Early stopping: `StopTraining`, and rules for `stop=` of `Network.train`.

`stop=` takes one rule or a list. Each rule is evaluated after every epoch, which takes a forward pass (`GradientNorm`:
a gradient); the first rule that holds ends training, and `history.stopped_by` is its str().

>>> from samenet.fast.numpy import Network
>>> from samenet.stopping import CostChange
>>> net = Network([2, 1], seed=0)
>>> net.train([[0, 1]], [[1]], alpha=1.0, epochs=1000, stop=CostChange(least=1e-4)).stopped_by
'CostChange(least=0.0001)'
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import ArrayLike

from samenet.backends.objective import Objective
from samenet.model import Model
from samenet.training.history import History
from samenet.validation import checks
from samenet.validation.names import hint
from samenet.validation.overflow import norm


class StopTraining(Exception):
    """Raised by a callback to end training; also available as `samenet.StopTraining`.

        def callback(network, history):
            if history.cost[-1] < 0.01:
                raise samenet.StopTraining("good enough")

    `train` then returns as after its last epoch: weights and history stay as they are, `Patience` restores the best
    weights, and `history.stopped_by` is "callback", or, with a reason, "callback: good enough". With `MultiStart`, no
    further start begins. A callback's return value is ignored.

    Other code may raise it, too. If a function for `alpha=` raises it, training ends before the epoch for which it was
    called, and `stopped_by` is "alpha". A custom rule is named by its str(), and any other source (such as a signal
    handler) is "StopTraining". Outside `train`, it is an exception like any other.
    """


def nothing() -> None:
    """What a rule does at the end that restores no parameters."""


class Watch:
    """A rule applied to one training run.

    `ends` is called after every epoch, `close` when training is over, or `failed` when an exception or Ctrl-C ended it.
    state: what `ends` remembers between epochs: numbers and copies of `model.theta.everything`, by name. When training
    is resumed, see `resume` of `Network.train`, the earlier run's state is put into it; otherwise, the rule starts
    anew.
    """

    def __init__(
        self,
        ends: Callable[[], bool],
        close: Callable[[], None] = nothing,
        failed: Callable[[], None] = nothing,
        state: dict[str, Any] | None = None,
    ) -> None:
        self.ends, self.close, self.failed = ends, close, failed
        self.state = {} if state is None else state


class Rule(ABC):
    """The base class of all stop rules."""

    @property
    def needs_validation(self) -> bool:
        """Whether the rule needs `objective.validation`, the objective on the validation set of `train`."""
        return False

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
        state = {"last": objective.cost()}

        def ends() -> bool:
            before, state["last"] = state["last"], objective.cost()
            return abs(state["last"] - before) < self.least

        return Watch(ends, state=state)


@dataclass(frozen=True)
class GradientNorm(Rule):
    """End when the norm of the gradient over all training samples is below `least`: ||dJ/dtheta|| < least."""

    least: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "least", checks.number("least", self.least, positive=True))

    def watch(self, objective: Objective, history: History) -> Watch:
        """Start watching a training run that minimises the objective."""
        return Watch(lambda: float(norm(objective.gradient()[1].flat)) < self.least)


@dataclass(frozen=True, eq=False)
class Patience(Rule):
    """End when the cost of a validation set has not fallen for a number of epochs in a row.

    X: (m, n_in), Y: (m, n_out), the validation set, read at the start of training, never written to; if not given,
    the validation set of `train(..., validation=(X, Y))`
    epochs     this number
    restore    when to restore the weights of the lowest cost at the end of training: True, unless an exception ended
               it; "always", even after an exception or Ctrl-C; False, never
    min_delta  the cost counts as fallen only if it is lower by more than this than when it last fell; the weights
               restored are those of the lowest cost, even if it is lower by less

    The cost is the one that training minimises, penalties included, over the validation set. `history.best_epoch` is
    the number of completed epochs at the lowest cost: 0 if it never fell. `history.validation_curve` has the cost
    before training and after each epoch. If there are several such rules, the last one restores its weights and writes
    into the history.
    Source: L. Prechelt, Early stopping - but when? (1998), the criterion UP.
    """

    X: ArrayLike | None = field(default=None, repr=False)
    Y: ArrayLike | None = field(default=None, repr=False)
    epochs: int = 10
    restore: bool | Literal["always"] = True
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        if (self.X is None) != (self.Y is None):
            name, given, other = ("Y", self.X, "X") if self.Y is None else ("X", self.Y, "Y")
            hint = f"; did you mean epochs={given}?" if isinstance(given, int) else ""
            raise ValueError(f"{name}: expected a validation set (X, Y), or neither, got {other} alone{hint}")
        object.__setattr__(self, "epochs", checks.integer("epochs", self.epochs, least=1))
        object.__setattr__(self, "restore", checks.flag_or("restore", self.restore, "always"))
        object.__setattr__(self, "min_delta", checks.number("min_delta", self.min_delta, least=0.0))

    @property
    def needs_validation(self) -> bool:
        """Whether it uses the validation set of `train`."""
        return self.X is None

    def check(self, model: Model) -> None:
        """Raise ValueError or TypeError if X or Y do not fit the network."""
        if self.X is None:
            return
        try:
            model.labelled(self.X, self.Y)
        except (TypeError, ValueError) as error:
            raise type(error)(f"stop, Patience {error}") from None

    def watch(self, objective: Objective, history: History) -> Watch:
        """Start watching a training run; `objective` is that of its training samples."""
        if self.X is None:
            assert objective.validation is not None
            validation = objective.validation
        else:
            model = objective.model
            validation = objective.of(*map(model.theta.apart, model.labelled(self.X, self.Y)))
        theta, begin = objective.model.theta.everything, history.epochs_done
        least = validation.cost()
        state: dict[str, Any] = {
            "least": least,
            "mark": least,
            "best": theta.copy(),
            "best_at": begin,
            "fell_at": begin,
        }
        history.best_epoch, curve = begin, history.begin_validation_curve(least)

        def ends() -> bool:
            cost = validation.cost()
            curve.append(cost)
            if cost < state["least"]:
                state["least"], state["best_at"] = cost, history.epochs_done
                state["best"][:], history.best_epoch = theta, history.epochs_done
            if cost < state["mark"] - self.min_delta:
                state["mark"], state["fell_at"] = cost, history.epochs_done
            return bool(history.epochs_done - state["fell_at"] >= self.epochs)

        def restore() -> None:
            theta[:], history.best_epoch = state["best"], state["best_at"]

        close = restore if self.restore else nothing
        return Watch(ends, close, restore if self.restore == "always" else nothing, state)


_OWN = frozenset((CostChange, GradientNorm, Patience))  # `isinstance` takes longer


def rules(value: Any) -> tuple[Rule, ...]:
    """One rule or a list of rules, as a tuple; None is no rule."""
    if value is None:
        return ()
    if type(value) in _OWN or isinstance(value, Rule):
        return (value,)
    expected = "rules of samenet.stopping"
    given = (value,) if isinstance(value, str) else tuple(checks.listed("stop", value, expected))
    for rule in given:
        if not (type(rule) in _OWN or isinstance(rule, Rule)):
            known = ("CostChange", "GradientNorm", "Patience")
            raise TypeError(
                f"stop: expected {expected}, got {checks.short(rule)}{hint(rule, known, 'samenet.stopping')}"
            )
    return given
