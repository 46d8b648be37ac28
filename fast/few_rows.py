"""The gradient for few rows, with the kernel that does not pack parameters."""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.fast.description import code_of, layout, objective
from samenet.fast.kernels import few_rows
from samenet.fast.sample_weight import factors, left_out
from samenet.fast.workspace import gradient_vector
from samenet.model import Model
from samenet.model.parameters import Parameters

most = functools.cache(few_rows.most)


def fits(model: Model, rows: int) -> bool:
    """Whether this is faster; False with batch normalization, which it does not support."""
    theta = model.theta
    return rows <= most(theta.sizes, theta.flat.size) and not theta.normalized


def gradient(
    model: Model, X: NDArray[Any], Y: NDArray[Any], reduction: str, sample_weight: NDArray[Any] | None
) -> tuple[float, Parameters]:
    """The cost and its gradient, without masks; see `samenet.reference.gradient`."""
    g, scale = gradient_vector(model), 1.0
    weighed = model.theta.flat[:0]
    if sample_weight is not None:
        c = factors(sample_weight, reduction, X.dtype)
        X, weighed = left_out(np, X, c), c[:, 0]
    elif reduction == "mean":
        scale /= len(X)
    given = model.theta.flat, layout(model), objective(model), X, Y, scale, g.flat, weighed
    return code_of(few_rows.gradient, X.dtype, given)(*given)[0], g
