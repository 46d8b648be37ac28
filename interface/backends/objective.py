"""The objective J(theta), a model's cost on given samples, and its gradient, computed by a backend."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends import prepared
from samenet.model import Model
from samenet.model.functions import Reduction
from samenet.model.parameters import Parameters
from samenet.validation.overflow import cost_in_range, has_gradient

_USUAL = 2.0**60  # costs below it are far from the limits of `samenet.validation.overflow`


@dataclass(eq=False, slots=True)
class Objective:
    """J at the model's current parameters; backend: a module that implements the contract.

    X: (m, n_in), Y: (m, n_out), already checked, of the model's dtype; reduction: "mean" or "sum".
    sample_weight: (m,), from `samenet.validation.weights`, for the weighted mean or sum over X and Y.
    validation: in training with a validation set, the objective on that set.

    Backends' functions are prepared when first called, see `samenet.backends.prepared`.
    """

    model: Model
    backend: Any
    X: NDArray[Any]
    Y: NDArray[Any]
    reduction: Reduction = "mean"
    sample_weight: NDArray[np.float64] | None = None
    validation: "Objective | None" = None
    _cost: Callable[..., float] | None = field(default=None, init=False)
    _evaluation: Callable[..., tuple[float, NDArray[Any]]] | None = field(default=None, init=False)
    _gradient: Callable[..., tuple[float, Parameters]] | None = field(default=None, init=False)

    def of(self, X: NDArray[Any], Y: NDArray[Any]) -> "Objective":
        """The same objective on other samples, without weights; on views, whose shapes a user cannot change."""
        return replace(self, X=X[:], Y=Y[:], sample_weight=None)

    @property
    def targets(self) -> NDArray[Any]:
        """The targets of the samples that count: samples of weight 0 are left out."""
        return self.Y if self.sample_weight is None else self.Y[self.sample_weight > 0]

    def plain_cost(self) -> float:
        """The cost as the backend computes it."""
        if self._cost is None:
            self._cost = prepared.cost(self.model, self.backend, self.reduction, self.sample_weight)
        return self._cost(self.X, self.Y)

    def evaluate(self) -> tuple[float, NDArray[Any]]:
        """The cost as the backend computes it, and the output (m, n_out)."""
        if self._evaluation is None:
            self._evaluation = prepared.evaluation(self.model, self.backend, self.reduction, self.sample_weight)
        return self._evaluation(self.X, self.Y)

    def slope(self) -> tuple[float, Parameters]:
        """The cost and its gradient as the backend computes them."""
        if self._gradient is None:
            self._gradient = prepared.gradient(self.model, self.backend, self.reduction, self.sample_weight)
        return self._gradient(self.X, self.Y)

    def cost(self) -> float:
        """The cost; infinite if it is so large that the sum over the samples could depend on the order of its terms."""
        return self._in_range(self.plain_cost())

    def gradient(self) -> tuple[float, Parameters]:
        """The cost and its gradient, which is NaN if targets are too large."""
        if len(self.X) == 1 and self.model.theta.normalized:
            raise ValueError("X: expected at least 2 samples for the statistics of batch normalization, got 1")
        cost, slope = self.slope()
        cost = self._in_range(cost)
        if not (math.isfinite(cost) or has_gradient(cost, self.targets)):
            slope.flat[:] = np.nan
        return cost, slope

    def _in_range(self, cost: float) -> float:
        if cost < _USUAL:
            return cost
        return cost_in_range(cost, len(self.X) if self.reduction == "mean" else 1, self.model.dtype)
