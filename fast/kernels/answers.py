"""The cost and the gradient of arrays passed by Python: computed and checked in one call; or checked before training.

Checking arrays in Python takes several times as long as the gradient of a tiny network. Here, a sum of the first layer
depends on every input of its sample, and the cost on every target: if the results are finite, so are the arrays.
"""

from functools import cache

import numpy as np
from numba import boolean, float64, from_dtype, int64

from samenet.fast.kernels import few_rows
from samenet.fast.kernels.activations import BINARY_CROSS_ENTROPY, CROSS_ENTROPY
from samenet.fast.kernels.codegen.compiling import for_exactly, kernel
from samenet.fast.kernels.codegen.microkernels import flat
from samenet.fast.kernels.costs import apply_cost
from samenet.fast.kernels.forward import most_rows
from samenet.fast.kernels.inference import forward_rows, is_native
from samenet.fast.kernels.penalties import penalty
from samenet.fast.kernels.sparse_input import are_finite


@kernel("reassoc")
def _are_probabilities(values):
    """Whether all values are in [0, 1]."""
    found = 0
    for i in range(values.size):
        found += (values[i] >= 0) & (values[i] <= 1)
    return found == values.size


@kernel()
def _fit(sizes, cost, X, Y):
    """Whether X and Y have the same nonzero length, the layers' widths, and targets in the cost's range."""
    m = len(X)
    if m == 0 or len(Y) != m or X.shape[1] != sizes[0] or Y.shape[1] != sizes[-1]:
        return False
    return _are_probabilities(flat(Y)) if cost in (BINARY_CROSS_ENTROPY, CROSS_ENTROPY) else True


def _gradient(theta, layout, cost, l1, l2, X, Y, g):
    """g := the gradient; returns the mean cost, or NaN if X or Y does not fit or is not finite."""
    if not (is_native(X) and is_native(Y) and _fit(layout[0], cost, X, Y)):
        return np.nan
    result, finite = few_rows.gradient(theta, layout, (cost, l1, l2), X, Y, 1.0 / len(X), g)
    return result if finite else np.nan


def _cost(theta, layout, cost, l1, l2, X, Y, out, most):
    """out := the output; returns the mean cost, or NaN. With samples in the lanes for up to `most` rows."""
    if not (is_native(X) and is_native(Y) and _fit(layout[0], cost, X, Y)):
        return np.nan
    sizes, result, finite = layout[0], 0.0, forward_rows(theta, layout, X, out, most, False)
    rows = most_rows(sizes)
    for start in range(0, len(X), rows):
        z, y = flat(out[start : start + rows]), flat(Y[start : start + rows])
        result += apply_cost(cost, layout[1, -1], z, y, sizes[-1], 0.0, y[:0], 0.0)
    result *= 1.0 / len(X)
    if l1 or l2:
        result += penalty(theta, theta[:0], layout, 1, l1, l2)
    return result if finite else np.nan


def _samples(theta, layout, cost, low, high, rows, is_open, X, Y):
    """Whether X and Y are this many samples and targets, from low to high, in memory apart from theta; and finite.

    is_open: whether X need not be finite, because updates show whether it was.
    """
    if not (is_native(X) and is_native(Y) and _fit(layout[0], cost, X, Y)) or len(X) != rows:
        return False
    targets, start = flat(Y), theta.ctypes.data
    found, end = 0, start + theta.size * theta.itemsize
    for i in range(targets.size):
        found += (targets[i] >= low) & (targets[i] <= high)
    for values in (flat(X), targets):
        if values.ctypes.data < end and start < values.ctypes.data + values.size * values.itemsize:
            return False
    return found == targets.size and (is_open or are_finite(flat(X))) and are_finite(targets)


@cache
def gradient_of(dtype):
    """`_gradient` for a dtype; it raises for other types of arrays."""
    f = from_dtype(dtype)
    model = f[::1], int64[:, ::1], int64, float64, float64
    return for_exactly(_gradient, (*model, f[:, ::1], f[:, ::1], f[::1]), holds_gil=False)


@cache
def cost_of(dtype):
    """`_cost` for a dtype; it raises for other types of arrays."""
    f = from_dtype(dtype)
    model = f[::1], int64[:, ::1], int64, float64, float64
    return for_exactly(_cost, (*model, *(f[:, ::1],) * 3, int64), holds_gil=False)


@cache
def samples_of(dtype):
    """`_samples` for a dtype; it raises for other types of arrays."""
    f = from_dtype(dtype)
    model = f[::1], int64[:, ::1], int64, float64, float64
    return for_exactly(_samples, (*model, int64, boolean, f[:, ::1], f[:, ::1]), holds_gil=True)
