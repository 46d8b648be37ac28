"""The compiled backend's fast paths for arrays that need no conversion: the kernel checks them as it reads them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core.errors import NumbaError

from samenet.fast import few_rows
from samenet.fast.description import layout, objective
from samenet.fast.kernels import answers
from samenet.fast.kernels.lanes import rows_in_lanes
from samenet.fast.kernels.parallel import PAYS
from samenet.model import Model

OTHER_ARRAYS = TypeError, NumbaError  # raised by a kernel compiled for one type of array only
_USUAL = 2.0**64  # costs up to this are far from the limits of `samenet.validation.overflow`


def fast_gradient(model: Model, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """f(X, Y): the mean cost of a batch and its gradient, or otherwise(X, Y); see `samenet.backends.costs`."""
    theta = model.theta
    if theta.normalized:
        return otherwise
    flat, described, size, dtype = theta.flat, (layout(model), *objective(model)), theta.flat.size, theta.flat.dtype
    most, like, array, empty = few_rows.most(theta.sizes, size, dtype.itemsize), theta.like, np.ndarray, np.empty
    answer: Any = None

    def gradient(X: Any, Y: Any) -> Any:
        nonlocal answer
        if type(X) is array and type(Y) is array:
            x, y, rank = X, Y, X.ndim
            if rank == 1 == Y.ndim:
                x, y = X.reshape(1, -1), Y.reshape(1, -1)
            elif rank != 2 or len(X) > most:
                return otherwise(X, Y)
            answer, g = answer or answers.gradient_of(dtype), empty(size, dtype)
            try:
                cost = answer(flat, *described, x, y, g)
            except OTHER_ARRAYS:
                return otherwise(X, Y)
            if -1.0 < cost < _USUAL:
                return cost, like(g)
        return otherwise(X, Y)

    return gradient


def rows_alone(model: Model) -> range:
    """The numbers of rows for which samples fill the lanes and no helper thread is used."""
    rows, size = rows_in_lanes(model.sizes, model.dtype.itemsize), model.theta.flat.size
    return range(rows.start, min(rows.stop, PAYS // size + 1))


def fast_cost(model: Model, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """f(X, Y): the mean cost of a batch, or otherwise(X, Y); see `samenet.backends.costs`."""
    theta = model.theta
    if theta.normalized:
        return otherwise
    flat, described, array = theta.flat, (layout(model), *objective(model)), np.ndarray
    rows = rows_alone(model)
    answer: Any = None

    def cost(X: Any, Y: Any) -> Any:
        nonlocal answer
        if type(X) is array and type(Y) is array and X.ndim == 2 and len(X) in rows:
            answer = answer or answers.cost_of(flat.dtype)
            try:
                found = answer(flat, *described, X, Y)
            except OTHER_ARRAYS:
                return otherwise(X, Y)
            if -1.0 < found < _USUAL:
                return found
        return otherwise(X, Y)

    return cost
