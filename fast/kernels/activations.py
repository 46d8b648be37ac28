"""Activations and costs in kernels: the same equations as `samenet.reference.activations` and `costs`.

They are told by their indices in `samenet.model.functions`. A new activation needs a branch of `_activate` and of
`back_through`; a new cost, of `value` and of `slope`, and of `needs_z` if it is computed from z.
"""

from numba import float64, int64

from samenet.fast.kernels.codegen.arithmetic import where
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.loops import elementwise, in_lanes, largest, vectorized
from samenet.fast.kernels.codegen.microkernels import on_stack, rows_at
from samenet.fast.kernels.codegen.registers import broadcast, full_width, lanewise, load, load_first, store
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.elementary import exp, log, log1p, sigmoid, tanh
from samenet.fast.kernels.gemm import transposed
from samenet.model import functions

_sigmoids, _tanhs = (elementwise(f) for f in (sigmoid, tanh))

# What kernels receive instead of a name: its index in `samenet.model.functions`.
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
def _activate(code, z):
    zero = z.dtype.type(0)
    if code == SIGMOID:
        _sigmoids(z, z, zero)
    elif code == TANH:
        _tanhs(z, z, zero)
    elif code == RELU:
        for i in range(z.size):
            z[i] = zero if z[i] <= zero else z[i]  # NaN stays NaN


@kernel()
def activate_here(code, z):
    """z := f(z) in place for one row; inlined, because a call of `activate` takes as long as a small layer."""
    _activate(code, z)
    if code == SOFTMAX:
        total = _powers(z, largest(z))
        _scaled(z, z.dtype.type(1) / z.dtype.type(total))


@external(lambda f: (int64, f[::1], int64, f[::1]))
def activate(code, z, width, log_h):
    """z := f(z) in place; z holds rows of this width. Unless it is empty, log_h receives ln h of the softmax."""
    _activate(code, z)
    if code == SOFTMAX:
        if width <= _NARROW and z.size > 2 * width:
            _softmax_of_narrow_rows(z, width, log_h)
        else:
            _softmax_of_rows(z, width, log_h)


# exp(z_i) / sum_k exp(z_k) = exp(a_i) / sum_k exp(a_k), with a = z - max z; ln h_i = a_i - ln sum_k exp(a_k).
_NARROW = 64  # up to this row width, a register holds a column of several rows instead of numbers of one row
_SINGLE_ROWS = 4
_columns, _few = on_stack(1, _NARROW * REGISTER // 4), on_stack(1, REGISTER // 4)
_larger = lanewise(lambda a, b: where(a, ">", b, a, b))
_exp, _log, _inverse = lanewise(exp), lanewise(log), lanewise(lambda a: 1.0 / a)
_minus, _plus, _times = lanewise(lambda a, b: a - b), lanewise(lambda a, b: a + b), lanewise(lambda a, b: a * b)
_exps = vectorized(lambda row, shift: (exp(row - shift),) * 2, stores=1)
_less = vectorized(lambda out, a, shift: (a - shift,), stores=1)
_scaled = vectorized(lambda row, factor: (row * factor,), stores=1)


@external(lambda f: (f[::1], int64, f[::1]), "contract")
def _softmax_of_narrow_rows(z, width, log_h):
    """Softmax of as many rows at once as a register has lanes, transposed to columns and back."""
    full = full_width(z)
    lanes, size = len(full), width * len(full)
    a, h, zeros = _columns(z)[0], _columns(z)[0], load_first(full, z, 0, 0)
    columns, powers = rows_at(a, 0, width, lanes), rows_at(h, 0, width, lanes)
    for i in range(0, size, lanes):
        store(a, i, zeros)  # uninitialised numbers in unused lanes could be slow
    for start in range(0, z.size, size):
        count = min(lanes, (z.size - start) // width)
        group = rows_at(z, start, count, width)
        transposed(group, columns)
        shift = load(full, a, 0)
        for i in range(lanes, size, lanes):
            shift = _larger(load(full, a, i), shift)
        total = zeros
        for i in range(0, size, lanes):
            store(a, i, _minus(load(full, a, i), shift))
            power = _exp(load(full, a, i))
            store(h, i, power)
            total = _plus(total, power)
        factor = _inverse(total)
        for i in range(0, size, lanes):
            store(h, i, _times(load(full, h, i), factor))
        transposed(powers[:, :count], group)
        if log_h.size:
            logarithm = _log(total)
            for i in range(0, size, lanes):
                store(a, i, _minus(load(full, a, i), logarithm))
            transposed(columns[:, :count], rows_at(log_h, start, count, width))


@kernel()
def _powers(row, shift):
    """row := exp(row - shift); returns the sum, with the same bits as `_softmax_of_narrow_rows`."""
    total = _exps(row, shift)
    if row.size <= _NARROW:
        total = 0.0
        for i in range(row.size):
            total = row.dtype.type(total + row[i])
    return total


@external(lambda f: (f[::1], int64, f[::1]))
def _softmax_of_rows(z, width, log_h):
    """A few rows at a time, with their steps interleaved so that none waits for another."""
    one, shifts, totals = z.dtype.type(1), _few(z)[0], _few(z)[0]
    rows, logarithms = rows_at(z, 0, z.size // width, width), rows_at(log_h, 0, log_h.size // width, width)
    for first in range(0, len(rows), _SINGLE_ROWS):
        few = range(first, min(first + _SINGLE_ROWS, len(rows)))
        for r in few:
            shifts[r - first] = largest(rows[r])
        for r in few:
            row, shift = rows[r], shifts[r - first]
            if log_h.size:
                _less(logarithms[r], row, shift)
            totals[r - first] = _powers(row, shift)
        for r in few:
            _scaled(rows[r], one / totals[r - first])
            if log_h.size:
                row = logarithms[r]
                store(shifts, 0, _log(broadcast(full_width(z), totals, r - first)))
                _less(row, row, shifts[0])


_dot = vectorized(lambda a, b: (a * b,))


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
            mean = h.dtype.type(_dot(error, row))
            for i in range(width):
                error[i] = row[i] * (error[i] - mean)


_SHORT = 8  # up to this width, adding a row one by one is faster
_through_softmax = vectorized(lambda delta, h, y, factor: (h * factor - factor * y,), stores=1)  # the sum of y is 1
_errors = vectorized(lambda delta, h, y, factor: (factor * (h - y),), stores=1)
# In one pass over the numbers, with the same bits as `back_through`.
_errors_of_sigmoid = vectorized(lambda delta, h, y, factor: (factor * (h - y) * (h * (1.0 - h)),), stores=1)
_errors_of_tanh = vectorized(lambda delta, h, y, factor: (factor * (h - y) * ((1.0 - h) * (1.0 + h)),), stores=1)
_sum = vectorized(lambda a: (a,))
_squares, _squares_in_lanes = (make(lambda h, y: ((h - y) * (h - y),)) for make in (vectorized, in_lanes))
_binary_cross_entropy, _binary_cross_entropy_in_lanes = (
    make(lambda z, y: (where(z, "<", 0.0, 0.0, z) - y * z + log1p(exp(-abs(z))),)) for make in (vectorized, in_lanes)
)


@kernel()
def needs_z(cost):
    """Whether a cost is computed from the weighted sums z of the output layer, or from ln h of the softmax."""
    return True if cost == CROSS_ENTROPY else cost == BINARY_CROSS_ENTROPY


@external(lambda f: (int64, f[::1], f[::1], f[::1]), returns=float64)
def value(cost, h, z, y):
    """J, summed over all rows. z is used by the costs that need it; for the cross-entropy, it is ln h."""
    if cost == BINARY_CROSS_ENTROPY:
        return _binary_cross_entropy(z, y)
    if cost == CROSS_ENTROPY:
        return -_dot(y, z)
    total = _squares(h, y)
    return total if cost == SUM_OF_SQUARES else 0.5 * total


@kernel()
def values_in_lanes(cost, h, z, y, sums):
    """sums := the `value` of each lane, for a cost that is not the cross-entropy."""
    if cost == BINARY_CROSS_ENTROPY:
        _binary_cross_entropy_in_lanes(z, y, sums)
        return
    _squares_in_lanes(h, y, sums)
    for r in range(sums.size if cost == SQUARED_ERROR else 0):
        sums[r] *= 0.5


@external(lambda f: (int64, int64, f[::1], f[::1], int64, float64, f[::1]), "contract")
def slope(cost, code, h, y, width, scale, delta):
    """delta := scale * dJ/dz of the output layer, from its output h."""
    factor = h.dtype.type(2.0 * scale if cost == SUM_OF_SQUARES else scale)
    if cost == CROSS_ENTROPY:
        _through_softmax(delta[: y.size], h, y, factor)
        for start in range(0, y.size, width):
            total = h.dtype.type(0)
            if width > _SHORT:
                total = h.dtype.type(_sum(y[start : start + width]))
            else:
                for i in range(start, start + width):
                    total += y[i]
            if total != 1:
                for i in range(start, start + width):
                    delta[i] = h[i] * (factor * total) - factor * y[i]
        return
    delta = delta[: y.size]
    if needs_z(cost) or code == IDENTITY:
        _errors(delta, h, y, factor)
    elif code == SIGMOID:
        _errors_of_sigmoid(delta, h, y, factor)
    elif code == TANH:
        _errors_of_tanh(delta, h, y, factor)
    else:
        _errors(delta, h, y, factor)
        back_through(code, h, delta, width)
