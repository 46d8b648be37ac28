"""The cost and the gradient from a user's input: checked, converted if necessary, with an optional fast path.

The gradient of a small network takes less time than checking the input in Python. So a backend's module may have

    FAST = {gradient: fast_gradient, evaluate: fast_cost}

a dictionary from the module's functions to functions that make a faster version for a model, f = fast_gradient(model,
otherwise). f(X, Y) returns the mean cost and its gradient, or the cost, and with fast_cost(model, otherwise, True) the
output too, if X and Y need no conversion (see `arrays.is_ready`) and there is nothing to report: they are batches or
single samples of the right shapes, with finite numbers and targets in the range of the cost, and the cost is far from
overflow. In all other cases, it returns otherwise(X, Y). If a function of the module is replaced, the new one has no
faster version. For `run_updates`, the dictionary has two functions, for repeated calls of `train`: see
`samenet.backends.prepared`.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from samenet.backends import prepared
from samenet.backends.objective import Objective
from samenet.model import Model
from samenet.model.functions import REDUCTIONS, Cost, Reduction
from samenet.model.parameters import Parameters
from samenet.validation import arrays, checks
from samenet.validation.finite import all_finite
from samenet.validation.weights import sample_weight as checked_weights

_MANY = 1024  # up to this many numbers of X, checking X is faster than checking the results


def fast_cost(model: Model, backend: Any) -> Callable[[Any, Any], float]:
    """f(X, Y): `cost` of a batch or a sample, with default arguments."""
    return _fast("evaluate", model, backend, cost_of)


def fast_gradient(model: Model, backend: Any) -> Callable[[Any, Any], tuple[float, Parameters]]:
    """f(X, Y): `gradient` of a batch or a sample, with default arguments."""
    return _fast("gradient", model, backend, gradient_of)


def _fast(name: str, model: Model, backend: Any, checked: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    make, otherwise = getattr(backend, "FAST", {}).get(getattr(backend, name)), partial(checked, model, backend)
    return make(model, otherwise) if make else otherwise


def cost_of(model: Model, backend: Any, X: ArrayLike, Y: ArrayLike, *options: Any) -> float:
    """The implementation of `Network.cost`; options: those of `_objective`."""
    objective, is_open = _objective(model, backend, X, Y, *options)
    found = objective.cost()
    if is_open and math.isnan(found):
        arrays.finite("X", objective.X)
    return found


def gradient_of(model: Model, backend: Any, X: ArrayLike, Y: ArrayLike, *options: Any) -> tuple[float, Parameters]:
    """The implementation of `Network.gradient`; options: those of `_objective`."""
    objective, is_open = _objective(model, backend, X, Y, *options)
    found = objective.gradient()
    if is_open and not all_finite(found[1].flat):  # the gradient is finite unless a number in X was not
        arrays.finite("X", objective.X)
    return found


def _objective(
    model: Model,
    backend: Any,
    X: ArrayLike,
    Y: ArrayLike,
    cost: Cost | None = None,
    reduction: Reduction = "mean",
    sample_weight: ArrayLike | None = None,
) -> tuple[Objective, bool]:
    """The objective on checked samples, and whether X is still to be checked, as its results show."""
    theta, model = model.theta, model.with_cost(cost)
    is_large = type(X) is np.ndarray and X.size > max(_MANY, theta.flat.size)
    is_open = is_large and hasattr(backend, "SPREADS_NAN") and sample_weight is None and not theta.normalized
    checks.choice("reduction", reduction, REDUCTIONS)
    X, Y = prepared.ready(model, backend, "cost", X, Y) or model.labelled(X, Y, reduction, not is_open)
    weights = None
    if sample_weight is not None:
        weights = checked_weights(sample_weight, len(X), reduction, model.dtype)
    return Objective(model, backend, X, Y, reduction, weights), is_open
