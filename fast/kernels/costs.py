"""Costs in kernels, and their derivatives: the same equations as `samenet.reference.costs`.

A new cost needs a branch of `value` and of `apply_cost`.
"""

from numba import float64, int64

from samenet.fast.kernels.activations import (
    BINARY_CROSS_ENTROPY,
    CROSS_ENTROPY,
    IDENTITY,
    SIGMOID,
    SQUARED_ERROR,
    SUM_OF_SQUARES,
    TANH,
    activate,
    back_through,
    softmax,
)
from samenet.fast.kernels.codegen.arithmetic import where
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.loops import in_lanes, vectorized
from samenet.fast.kernels.elementary import exp, log1p, sigmoid, tanh

_errors = vectorized(lambda delta, h, y, factor: (factor * (h - y),), stores=1)
_squares, _squares_in_lanes = (make(lambda h, y: ((h - y) * (h - y),)) for make in (vectorized, in_lanes))


def _entropy(z, y):
    return where(z, "<", 0.0, 0.0, z) - y * z + log1p(exp(-abs(z)))


_binary_cross_entropy, _binary_cross_entropy_in_lanes = (
    make(lambda z, y: (_entropy(z, y),)) for make in (vectorized, in_lanes)
)


def _with_slope(f, slope):
    """In one pass over the output layer: delta and z := h, from z; returns the sum of squared errors."""

    def apply(delta, z, y, factor):
        h = f(z)
        return factor * (h - y) * slope(h), h, (h - y) * (h - y)

    return vectorized(apply, stores=2)


_of_sigmoids = _with_slope(sigmoid, lambda h: h * (1.0 - h))
_of_tanhs = _with_slope(tanh, lambda h: (1.0 - h) * (1.0 + h))
_of_sums = vectorized(lambda delta, z, y, factor: (factor * (z - y), (z - y) * (z - y)), stores=1)
_of_entropies = vectorized(lambda delta, z, y, factor: (factor * (sigmoid(z) - y), _entropy(z, y)), stores=1)
_each_square = vectorized(lambda z, y: ((z - y) * (z - y),), stores=1)
_each_entropy, _sum = vectorized(lambda z, y: (_entropy(z, y),), stores=1), vectorized(lambda a: (a,))


@external(lambda f: (int64, *(f[::1],) * 3, f), returns=float64)
def _squares_in_one_pass(code, delta, z, y, factor):
    if code == SIGMOID:
        return _of_sigmoids(delta, z, y, factor)
    return _of_tanhs(delta, z, y, factor)


@external(lambda f: (*(f[::1],) * 3, f), returns=float64)
def _entropies_in_one_pass(delta, z, y, factor):
    return _of_entropies(delta, z, y, factor)


@external(lambda f: (int64, *(f[::1],) * 2), returns=float64)
def value(cost, h, y):
    """J, summed over all rows, for a cost that is not the cross-entropy; h: z for the binary cross-entropy."""
    if cost == BINARY_CROSS_ENTROPY:
        return _binary_cross_entropy(h, y)
    total = _squares(h, y)
    return total if cost == SUM_OF_SQUARES else 0.5 * total


@kernel()
def values_in_lanes(cost, h, y, sums):
    """sums := the `value` of each lane."""
    if cost == BINARY_CROSS_ENTROPY:
        _binary_cross_entropy_in_lanes(h, y, sums)
        return
    _squares_in_lanes(h, y, sums)
    for r in range(sums.size if cost == SQUARED_ERROR else 0):
        sums[r] *= 0.5


@external(lambda f: (int64, int64, *(f[::1],) * 2, int64, float64, f[::1], float64), returns=float64)
def apply_cost(cost, code, z, y, width, scale, delta, costs):
    """Returns costs + J of rows of this width, from the weighted sums z of the output layer.

    If delta is empty, z := h. Otherwise delta := scale * dJ/dz; z := h for squared errors, and begins with the rows'
    costs for the cross-entropy.
    """
    delta, factor = delta[: y.size], z.dtype.type(2.0 * scale if cost == SUM_OF_SQUARES else scale)
    if cost == CROSS_ENTROPY:
        return softmax(z, y, width, factor, delta, costs)
    if cost == BINARY_CROSS_ENTROPY and delta.size:
        return costs + _entropies_in_one_pass(delta, z, y, factor)
    if cost == BINARY_CROSS_ENTROPY:
        costs += _binary_cross_entropy(z, y)
        activate(code, z, width)
        return costs
    if delta.size and code in (SIGMOID, TANH):
        total = _squares_in_one_pass(code, delta, z, y, factor)
    elif delta.size and code == IDENTITY:
        total = _of_sums(delta, z, y, factor)
    else:
        activate(code, z, width)
        total = _squares(z, y)
        if delta.size:
            _errors(delta, z, y, factor)
            back_through(code, z, delta, width)
    return costs + (total if cost == SUM_OF_SQUARES else 0.5 * total)


@external(lambda f: (int64, int64, *(f[::1],) * 2, int64, float64, *(f[::1],) * 2), returns=float64)
def weigh(cost, code, z, y, width, scale, factors, delta):
    """`apply_cost` with a factor for each row; returns the sum of the factors times the rows' costs.

    A row of factor 0 has no effect: its delta becomes 0, even if it was infinite.
    """
    total, zero, numbers = 0.0, z.dtype.type(0), 1 if cost == CROSS_ENTROPY else width
    half = 0.5 if cost == SQUARED_ERROR else 1.0
    if delta.size:  # all rows at once; then z has their costs, number by number
        apply_cost(cost, code, z, y, width, scale, delta, 0.0)
        if cost in (SQUARED_ERROR, SUM_OF_SQUARES):
            _each_square(z, y)
        elif cost == BINARY_CROSS_ENTROPY:
            _each_entropy(z, y)
    for s in range(factors.size):
        start, end = s * width, (s + 1) * width
        row = delta[start:end] if delta.size else delta
        if delta.size:
            result = half * _sum(z[s * numbers : (s + 1) * numbers])
        else:
            result = apply_cost(cost, code, z[start:end], y[start:end], width, scale, row, 0.0)
        if factors[s] != 0.0:
            total += factors[s] * result
        for i in range(row.size):
            row[i] = factors[s] * row[i] if factors[s] != 0.0 else zero
    return total
