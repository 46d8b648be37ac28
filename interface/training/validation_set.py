"""The validation set: samples on which the network is measured during training, but not trained."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from numpy.typing import NDArray

from samenet.backends import prepared
from samenet.backends.objective import Objective
from samenet.model import Model
from samenet.training.monitors import monitor
from samenet.validation import checks

Monitors = Mapping[str, Callable[[NDArray[Any]], float]]


@cache
def recorded(monitors: tuple[str, ...], has_validation: bool) -> tuple[str, ...]:
    """The names in a history besides the cost: first the monitors."""
    return (*monitors, *(f"validation_{name}" for name in ("cost", *monitors) if has_validation))


class ValidationSet(NamedTuple):
    """The argument `validation` of `Network.train`, checked and converted; monitors are functions of the output."""

    X: NDArray[Any]
    Y: NDArray[Any]
    monitors: Monitors

    @classmethod
    def of(cls, model: Model, value: Any, monitors: Sequence[str], backend: Any = None) -> "ValidationSet":
        """From a pair (X, Y). Raises ValueError or TypeError, naming the argument."""
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            hint = "; samenet.data.split makes one" if isinstance(value, float | int) else ""
            raise TypeError(
                f"validation: expected a pair (X, Y) of samples and targets, got {checks.short(value)} "
                f"({type(value).__name__}){hint}"
            )
        try:
            ready = prepared.ready(model, backend, "validation", *value)
            X, Y = ready or map(model.theta.apart, model.labelled(*value))
            return cls(X, Y, {name: monitor(name, model.activations[-1], Y[:]) for name in monitors})
        except (TypeError, ValueError) as error:
            raise type(error)(f"validation, {error}") from None

    def objective(self, training: Objective) -> "ValidationObjective":
        """The objective of training, evaluated on this set."""
        return ValidationObjective(
            *(training.model, training.backend, self.X[:], self.Y[:], training.reduction), monitors=self.monitors
        )


@dataclass(eq=False, slots=True)
class ValidationObjective(Objective):
    """J on the validation set; measurements are cached until the parameters change."""

    monitors: Monitors = field(kw_only=True)
    _theta: bytes = field(default=b"", init=False)
    _measured: dict[str, float] = field(default_factory=dict, init=False)

    def measure(self) -> dict[str, float]:
        """The cost and the monitors at the model's parameters, by their names in the history."""
        theta = self.model.theta.everything.tobytes()
        if self._theta != theta:
            if self.monitors:
                cost, output = self.evaluate()
                monitors = {f"validation_{name}": f(output) for name, f in self.monitors.items()}
                self._measured = {"validation_cost": cost, **monitors}
            else:
                self._measured = {"validation_cost": self.plain_cost()}
            self._theta = theta
        return self._measured

    def cost(self) -> float:
        """The cost; it may be infinite, as in `Objective.cost`."""
        return self._in_range(self.measure()["validation_cost"])
