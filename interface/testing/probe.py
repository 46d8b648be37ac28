"""A network to try parameters on: what the tools change instead of the user's own."""

import copy
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet.model import HasModel, Model
from samenet.parameters import Parameters
from samenet.validation import checks


class Answers(Protocol):
    """What the tools ask of a `Network`, whose methods someone may have replaced."""

    model: Model

    def feed_forward(self, x: ArrayLike) -> list[NDArray[Any]]:
        """The activations of every layer."""

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The output layer."""

    def cost(self, X: ArrayLike, Y: ArrayLike, cost: str | None = None, reduction: str = "mean") -> float:
        """The cost."""

    def gradient(
        self, X: ArrayLike, Y: ArrayLike, cost: str | None = None, reduction: str = "mean"
    ) -> tuple[float, Parameters]:
        """The cost and its gradient."""


def probe(net: Any) -> Any:
    """A float64 copy of a network whose parameters may be written over; all else about it is as in `net`.

    Float64, because a difference of two costs of float32 has hardly a digit left.
    """
    if not isinstance(net, HasModel):
        raise TypeError(f"net: expected a Network, got {checks.short(net)} ({type(net).__name__})")
    other = copy.copy(net)  # not `net.copy()`, so that a subclass, or a method replaced, stays what it is
    other.model = net.model.holding(net.parameters.astype(np.float64))
    return other
