"""Activations and costs in kernels: the same equations as `samenet.reference.activations` and `costs`.

The first part is functions of numbers, written once for NumPy arrays and for vector registers alike. In the second,
five kernels hold all that is said about activations and costs, by their places in `samenet.functions`: a new one is a
branch in them and nowhere else.
"""

import math

import numpy as np
from numba import float64, int64

from samenet import functions
from samenet.fast.kernels.codegen import microkernels
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.vector import beyond, clip, power_of_two, zero_below

# exp(a) = 2^k exp(r) with k = round(a / ln 2) and r = a - k ln 2, ln 2 in two parts so that k ln 2 is exact in the
# first. Adding 1.5 * 2^52, or 1.5 * 2^23, rounds to the nearest integer and leaves it in the low bits.
_LOG2_E = 1.4426950408889634
_ROUND = {64: 6755399441055744.0, 32: 12582912.0}
_LN2 = {64: (6.93147180369123816490e-01, 1.90821492927058770002e-10), 32: (0.693359375, -2.12194440054690582767e-04)}
# The Taylor coefficients 1/n!. On |r| <= ln(2)/2 the first term left out is below 5e-18, and 6e-9 with 32 bits.
_LAST = {64: 13, 32: 7}


def _exp_parts(a):
    """p and 2^k with exp(a) = (p + 1) 2^k. Error of exp(a) below 1.25 ulp, while 2^k is a normal number or infinity."""
    bits = 8 * a.dtype.itemsize
    (high, low), shift = _LN2[bits], _ROUND[bits]
    t = a * _LOG2_E + shift
    k = t - shift
    r = (a - k * high) - k * low
    return r + r * r * _series(r, 2, _LAST[bits] + 1), power_of_two(t)


def _series(r, first, end):
    """The sum of r^(n - first) / n! for n from `first` to before `end`, by pairs, so that chains are short."""
    terms = [1.0 / math.factorial(n) for n in range(first, end)]
    power = r
    while len(terms) > 1:
        pairs = [terms[i + 1] * power + terms[i] for i in range(0, len(terms) - 1, 2)]
        terms = pairs + terms[len(pairs) * 2 :]
        power = power * power
    return terms[0]


def sigmoid(z):
    """1 / (1 + exp(-z)). Error below 3 ulp."""
    # 2^1024 is infinity, and 1 / (1 + infinity) is 0. Further out the bits are no exponent: the answer is 0 or 1.
    p, power = _exp_parts(-z)
    return beyond(z, 709.0 if z.dtype.itemsize == 8 else 88.0, 0.0, 1.0, 1.0 / (p * power + (power + 1.0)))


def tanh(z):
    """E / (E + 2) with E = exp(2 z) - 1; E as p 2^k + (2^k - 1) keeps the digits of a small z. Error below 4 ulp."""
    p, power = _exp_parts(clip(2.0 * z, -40.0, 40.0))  # beyond, the quotient is 1 or -1
    E = p * power + (power - 1.0)
    return E / (E + 2.0)


def exp(a):
    """exp(a) for a <= 0; where it would not be a normal number it is taken for 0."""
    least = -708.0 if a.dtype.itemsize == 8 else -87.0
    p, power = _exp_parts(clip(a, least, 0.0))
    return zero_below(a, least, p * power + power)


_sigmoids, _tanhs, _exps = (microkernels.elementwise(f) for f in (sigmoid, tanh, exp))

# What kernels are handed for a name: its place in `samenet.functions`.
SIGMOID = functions.ACTIVATIONS.index("sigmoid")
TANH = functions.ACTIVATIONS.index("tanh")
RELU = functions.ACTIVATIONS.index("relu")
IDENTITY = functions.ACTIVATIONS.index("identity")
SOFTMAX = functions.ACTIVATIONS.index("softmax")
SQUARED_ERROR = functions.COSTS.index("squared_error")
SUM_OF_SQUARES = functions.COSTS.index("sum_of_squares")
BINARY_CROSS_ENTROPY = functions.COSTS.index("binary_cross_entropy")
CROSS_ENTROPY = functions.COSTS.index("cross_entropy")


@kernel()
def activate_here(code, z, width):
    """z := f(z) in place; z is rows of this width, flat."""
    zero = z.dtype.type(0)
    if code == SIGMOID:
        _sigmoids(z, z, zero)
    elif code == TANH:
        _tanhs(z, z, zero)
    elif code == RELU:
        for i in range(z.size):
            z[i] = zero if z[i] <= zero else z[i]  # NaN stays NaN
    elif code == SOFTMAX:
        for start in range(0, z.size, width):
            _softmax(z[start : start + width])


@external(lambda f: (int64, f[::1], int64))
def activate(code, z, width):
    """The same, not compiled again into each of its callers."""
    activate_here(code, z, width)


@kernel("contract")
def _softmax(row):
    """exp(z_i) / sum_k exp(z_k), in place."""
    _exps(row, row, _largest(row))
    total = 0.0
    for i in range(row.size):
        total += row[i]
    for i in range(row.size):
        row[i] /= total


@kernel()
def _largest(row):
    largest = row[0]
    for i in range(row.size):
        largest = row[i] if row[i] > largest else largest
    return largest


@external(lambda f: (int64, f[::1], f[::1], int64), "contract")
def back_through(code, h, e, width):
    """e := dJ/dz in place of e = dJ/dh, from the layer's output h; both are rows of this width, flat."""
    one, zero = h.dtype.type(1), h.dtype.type(0)
    if code == SIGMOID:
        for i in range(e.size):
            e[i] *= h[i] * (one - h[i])
    elif code == TANH:
        for i in range(e.size):
            e[i] *= (one - h[i]) * (one + h[i])
    elif code == RELU:
        for i in range(e.size):
            e[i] *= one if h[i] > zero else zero
    elif code == SOFTMAX:
        for start in range(0, e.size, width):
            row, error = h[start : start + width], e[start : start + width]
            mean = 0.0
            for i in range(width):
                mean += error[i] * row[i]
            for i in range(width):
                error[i] = row[i] * (error[i] - mean)


@kernel()
def needs_z(cost):
    """Whether a cost is worked out from the weighted sums z of the output layer."""
    return cost in (BINARY_CROSS_ENTROPY, CROSS_ENTROPY)


# Sums stand in loops of their own. A sum whose loop also stores would be ordered by whether arrays happen to lie near
# each other in memory, which the compiler checks as it runs: the same input would not always give the same bits.
@external(lambda f: (int64, f[::1], f[::1], f[::1], int64, f[::1]), "reassoc", "contract", returns=float64)
def value(cost, h, z, y, width, workspace):
    """J, summed over rows of this width, flat; z and `workspace`, as large, serve the costs that need z."""
    total = 0.0
    if not needs_z(cost):
        for i in range(y.size):
            error = h[i] - y[i]
            total += error * error
        return total if cost == SUM_OF_SQUARES else 0.5 * total
    if cost == BINARY_CROSS_ENTROPY:
        for i in range(y.size):
            workspace[i] = -abs(z[i])
        powers = workspace[: y.size]
        _exps(powers, powers, h.dtype.type(0))
        for i in range(y.size):
            total += math.log1p(np.float64(workspace[i]))
            total += (0.0 if z[i] <= 0.0 else z[i]) - y[i] * z[i]
        return total
    for start in range(0, y.size, width):
        row, powers = z[start : start + width], workspace[start : start + width]
        largest = _largest(row)
        _exps(powers, row, largest)
        power = 0.0
        for i in range(width):
            power += powers[i]
        logarithm = largest + math.log(power)
        for i in range(width):
            total += y[start + i] * (logarithm - row[i])
    return total


@external(lambda f: (int64, int64, f[::1], f[::1], int64, float64, f[::1]), "contract")
def slope(cost, code, h, y, width, scale, delta):
    """delta := scale * dJ/dz of the output layer, from its output h."""
    factor = h.dtype.type(2.0 * scale if cost == SUM_OF_SQUARES else scale)
    if cost == CROSS_ENTROPY:
        for start in range(0, y.size, width):
            total = factor * y[start]
            for i in range(1, width):
                total += factor * y[start + i]
            for i in range(start, start + width):
                delta[i] = h[i] * total - factor * y[i]
        return
    for i in range(y.size):
        delta[i] = factor * (h[i] - y[i])
    if not needs_z(cost):
        back_through(code, h, delta[: y.size], width)
