"""Activations and costs in kernels: the same equations as `samenet.reference.activations` and `costs`.

They are told by their indices in `samenet.model.functions`. A new activation needs a branch of `_activate` and of
`back_through`.
"""

from numba import float64, int64

from samenet.fast.kernels.codegen.arithmetic import where
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.loops import elementwise, in_lanes, largest, vectorized
from samenet.fast.kernels.codegen.microkernels import on_stack, rows_at
from samenet.fast.kernels.codegen.registers import full_width, lanewise, load, load_first, store
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.elementary import exp, log, sigmoid, tanh
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
        total = _powers(z, z, largest(z))
        _scaled(z, z.dtype.type(1) / z.dtype.type(total))


@external(lambda f: (int64, f[::1], int64))
def activate(code, z, width):
    """z := f(z) in place; z holds rows of this width."""
    _activate(code, z)
    if code == SOFTMAX:
        softmax(z, z[:0], width, z.dtype.type(0), z[:0], 0.0)


# exp(z_i) / sum_k exp(z_k) = exp(a_i) / sum_k exp(a_k), with a = z - max z; ln h_i = a_i - ln sum_k exp(a_k).
NARROW = 256  # bytes of a row up to which a register holds a column of several rows instead of numbers of one row
_SINGLE_ROWS = min(4, REGISTER // 8)  # as a register has lanes, at most
_columns, _few = on_stack(1, NARROW // 4 * REGISTER // 4), on_stack(1, REGISTER // 4)
_larger = lanewise(lambda a, b: where(a, ">", b, a, b))
_exp, inverse = lanewise(exp), lanewise(lambda a: 1.0 / a)
_minus, _plus, _times = lanewise(lambda a, b: a - b), lanewise(lambda a, b: a + b), lanewise(lambda a, b: a * b)
_add_product = lanewise(lambda total, a, b: a * b + total)
# Of rows: the cost, from the sums of y, exp(a) and y a; the factor of exp(a) in delta; and delta.
cost_of_sums = lanewise(lambda of_y, total, of_a: of_y * log(total) - of_a)
factor_of_sums = lanewise(lambda of_y, total, factor: of_y * factor * (1.0 / total))
through_softmax = lanewise(lambda power, y, of_power, factor: power * of_power - factor * y)
_exps = vectorized(lambda out, z, shift: (exp(z - shift),) * 2, stores=1, in_double=False)
_exps_and_sums = vectorized(
    lambda out, z, y, shift: (*(exp(z - shift),) * 2, y * (z - shift), y), stores=1, in_double=False
)
_scaled = vectorized(lambda row, factor: (row * factor,), stores=1)
_errors_of_powers = vectorized(lambda power, y, of_power, factor: (power * of_power - factor * y,), stores=1)


@kernel(inlined=True)
def powers_of_columns(full, a, t, h, start, size):
    """a := a - max a, and h := exp(a), for columns of registers that begin in a and t at `start`; returns the sums of
    t, h and t a, see `cost_of_sums`.

    size: the numbers in a column's registers. t: the targets, or empty.
    """
    lanes, shift, zeros = len(full), load(full, a, start), load_first(full, a, 0, 0)
    for i in range(start + lanes, start + size, lanes):
        shift = _larger(load(full, a, i), shift)
    total = of_a = of_y = zeros
    for i in range(0, size, lanes):
        store(a, start + i, _minus(load(full, a, start + i), shift))
        power = _exp(load(full, a, start + i))
        store(h, i, power)
        total = _plus(total, power)
    for i in range(start, start + size if t.size else start, lanes):
        of_a = _add_product(of_a, load(full, t, i), load(full, a, i))
        of_y = _plus(of_y, load(full, t, i))
    return of_y, total, of_a


@kernel()
def softmax(z, y, width, factor, delta, costs):
    """The softmax of rows, in place, or if delta is not empty, delta := factor times dJ/dz; returns costs + J.

    y: the targets of the cross-entropy, or empty. Costs are added row by row; with delta, they remain in z, one a row.
    """
    if width * z.itemsize <= NARROW and z.size > 2 * width:
        return _softmax_of_narrow_rows(z, y, width, factor, delta, costs)
    return _softmax_of_rows(z, y, width, factor, delta, costs)


@external(lambda f: (*(f[::1],) * 2, int64, f, f[::1], float64), "contract", returns=float64)
def _softmax_of_narrow_rows(z, y, width, factor, delta, costs):
    """As many rows at once as a register has lanes, transposed to columns and back."""
    full, out = full_width(z), delta if delta.size else z
    lanes, size = len(full), width * len(full)
    a, h, t, zeros = _columns(z)[0], _columns(z)[0], _columns(z)[0], load_first(full, z, 0, 0)
    columns, powers = rows_at(a, 0, width, lanes), rows_at(h, 0, width, lanes)
    targets = rows_at(t, 0, width, lanes)
    for i in range(0, size, lanes):
        store(a, i, zeros)  # uninitialised numbers in unused lanes could be slow
        store(t, i, zeros)
    for start in range(0, z.size, size):
        count = min(lanes, (z.size - start) // width)
        transposed(rows_at(z, start, count, width), columns)
        if y.size:
            transposed(rows_at(y, start, count, width), targets)
        of_y, total, of_a = powers_of_columns(full, a, t[: size if y.size else 0], h, 0, size)
        if y.size:
            store(a, 0, cost_of_sums(of_y, total, of_a))
            for s in range(count):
                costs += float(a[s])
                if delta.size:
                    z[start // width + s] = a[s]
        if delta.size:
            of_power = factor_of_sums(of_y, total, factor)
            for i in range(0, size, lanes):
                store(h, i, through_softmax(load(full, h, i), load(full, t, i), of_power, factor))
        else:
            share = inverse(total)
            for i in range(0, size, lanes):
                store(h, i, _times(load(full, h, i), share))
        transposed(powers[:, :count], rows_at(out, start, count, width))
    return costs


@kernel()
def _powers(out, row, shift):
    """out := exp(row - shift); returns the sum, with the same bits as `_softmax_of_narrow_rows`."""
    total = _exps(out, row, shift)
    if row.size * row.itemsize <= NARROW:
        total = 0.0
        for i in range(row.size):
            total = row.dtype.type(total + out[i])
    return total


@external(lambda f: (*(f[::1],) * 2, int64, f, f[::1], float64), "contract", returns=float64)
def _softmax_of_rows(z, y, width, factor, delta, costs):
    """A few rows at a time, with their steps interleaved so that none waits for another."""
    full, out, zeros = full_width(z), delta if delta.size else z, load_first(full_width(z), z, 0, 0)
    shifts, totals, of_a, of_y = _few(z)[0], _few(z)[0], _few(z)[0], _few(z)[0]
    rows, targets = rows_at(z, 0, z.size // width, width), rows_at(y, 0, y.size // width, width)
    results = rows_at(out, 0, z.size // width, width)
    store(totals, 0, zeros)
    store(of_a, 0, zeros)
    store(of_y, 0, zeros)
    for first in range(0, len(rows), _SINGLE_ROWS):
        few = range(first, min(first + _SINGLE_ROWS, len(rows)))
        for r in few:
            shifts[r - first] = largest(rows[r])
        for r in few:
            i, row, shift = r - first, rows[r], shifts[r - first]
            if y.size == 0:
                totals[i] = _powers(results[r], row, shift)
            elif width * z.itemsize > NARROW:
                totals[i], of_a[i], of_y[i] = _exps_and_sums(results[r], row, targets[r], shift)
            else:
                of_a[i] = of_y[i] = 0
                for j in range(width):
                    of_a[i] += targets[r, j] * (row[j] - shift)
                    of_y[i] += targets[r, j]
                totals[i] = _powers(results[r], row, shift)
        sums = load(full, of_y, 0), load(full, totals, 0), load(full, of_a, 0)
        store(shifts, 0, cost_of_sums(*sums))
        store(totals, 0, factor_of_sums(sums[0], sums[1], factor) if delta.size else inverse(sums[1]))
        for r in few:
            if y.size:
                costs += float(shifts[r - first])
            if delta.size:
                z[r] = shifts[r - first]
                _errors_of_powers(results[r], targets[r], totals[r - first], factor)
            else:
                _scaled(results[r], totals[r - first])
    return costs


_dot, _dots_in_lanes = (make(lambda a, b: (a * b,)) for make in (vectorized, in_lanes))


@kernel("contract")
def dots_in_lanes(e, h, sums):
    """sums := for each lane, the dot product that `back_through` computes for its numbers, with the same bits."""
    _dots_in_lanes(e, h, sums)


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
