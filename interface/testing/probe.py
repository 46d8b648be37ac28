"""A copy of the user's network for tools that change parameters."""

import copy
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet.model import HasModel, Model
from samenet.model.functions import Cost, Reduction
from samenet.model.parameters import Parameters
from samenet.validation import checks


class Answers(Protocol):
    """The part of `Network` that the tools use; a subclass may override any method."""

    model: Model

    def feed_forward(self, x: ArrayLike) -> list[NDArray[Any]]:
        """The activations of every layer."""

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The output layer."""

    def cost(self, X: ArrayLike, Y: ArrayLike, cost: Cost | None = None, reduction: Reduction = "mean") -> float:
        """The cost."""

    def gradient(
        self, X: ArrayLike, Y: ArrayLike, cost: Cost | None = None, reduction: Reduction = "mean"
    ) -> tuple[float, Parameters]:
        """The cost and its gradient."""


def probe(net: Any) -> Any:
    """A float64 copy of a network, whose parameters may be overwritten; otherwise it is like `net`.

    It is in float64, because the difference of two costs in float32 has hardly any correct digits.
    """
    if not isinstance(net, HasModel):
        raise TypeError(f"net: expected a Network, got {checks.short(net)} ({type(net).__name__})")
    other = copy.copy(net)  # not `net.copy()`, to keep a subclass and methods replaced on the instance
    other.model = net.model.holding(net.model.theta.everything.astype(np.float64))
    return other
