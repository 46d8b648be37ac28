"""The network in compiled Numba kernels: the same functions as `samenet.reference`, the same answers.

The kernels take the flat parameter vector theta and the layout (sizes and activations) as arrays, so one compilation
serves every network of a dtype. They release the GIL and share no scratch memory, so any number of threads may call
them at once. Order of reading: activations and costs, the two matrix products, forward, gradient, descent, then the
functions of the contract.

Floating-point flags: sums may be reassociated and products contracted into fused multiply-adds, inside the bound
that `samenet.tolerance` derives. NaN and infinity are kept.
"""

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from samenet import checks, functions, one_sample
from samenet import network as interface
from samenet.parameters import Parameters


def _kernel(*flags: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile on first use, cache on disk, release the GIL; no exception for a division by zero."""
    compiler: Any = njit(cache=True, nogil=True, error_model="numpy", fastmath=set(flags))
    return compiler  # type: ignore[no-any-return]


# exp(a) = 2^k exp(r) with k = round(a / ln 2) and r = a - k ln 2, ln 2 in two parts so that k ln 2 is exact in the
# first. Adding 1.5 * 2^52 rounds to the nearest integer and leaves it in the low bits; the exponent is made of those.
_LOG2_E = 1.4426950408889634
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_ROUND = 6755399441055744.0
# The Taylor coefficients 1/n!. On |r| <= ln(2)/2 the first term left out, r^14/14!, is below 5e-18.
_C3, _C4, _C5, _C6, _C7, _C8 = 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320
_C9, _C10, _C11, _C12, _C13 = 1 / 362880, 1 / 3628800, 1 / 39916800, 1 / 479001600, 1 / 6227020800


@_kernel("contract")
def _exp_parts(a):
    """p and 2^k with exp(a) = (p + 1) 2^k, for a from -708 to 710; a NaN stays one. Error of exp(a) below 1 ulp.

    `math.exp` would keep a loop scalar; written out, the compiler turns it into vector code.
    """
    t = a * _LOG2_E + _ROUND
    k = t - _ROUND
    r = (a - k * _LN2_HIGH) - k * _LN2_LOW
    r2 = r * r
    r4 = r2 * r2
    high = ((_C13 * r + _C12) * r4 + ((_C11 * r + _C10) * r2 + (_C9 * r + _C8))) * (r4 * r4)
    low = ((_C7 * r + _C6) * r2 + (_C5 * r + _C4)) * r4 + ((_C3 * r + 0.5) * r2 + r)
    return high + low, np.int64((np.float64(t).view(np.int64) + 1023) << 52).view(np.float64)


@_kernel("contract")
def _exp_below_0(a):
    """exp(a) for a <= 0; below -708 it is taken for 0."""
    p, power = _exp_parts(-708.0 if a < -708.0 else a)
    return 0.0 if a < -708.0 else (p + 1.0) * power


@_kernel("contract")
def _sigmoid(z):
    """z := 1 / (1 + exp(-z)) in place. Error below 3 ulp."""
    for i in range(z.size):
        a: Any = -np.float64(z[i])
        a = 710.0 if a > 710.0 else a  # 2^1024 is infinity, and 1 / (1 + infinity) is 0; a NaN passes both lines
        a = -40.0 if a < -40.0 else a  # exp(-40) is lost against 1
        p, power = _exp_parts(a)
        z[i] = 1.0 / (1.0 + (p + 1.0) * power)


@_kernel("contract")
def _tanh(z):
    """z := E / (E + 2) with E = exp(2 z) - 1, in place; E as p 2^k + (2^k - 1) keeps the digits of a small z."""
    for i in range(z.size):
        a: Any = 2.0 * np.float64(z[i])
        a = 40.0 if a > 40.0 else a  # beyond, the quotient is 1 or -1
        a = -40.0 if a < -40.0 else a
        p, power = _exp_parts(a)
        E = p * power + (power - 1.0)
        z[i] = E / (E + 2.0)


@_kernel()
def _relu(z):
    """z := max(0, z) in place; NaN stays NaN."""
    zero = z.dtype.type(0)
    for i in range(z.size):
        z[i] = zero if z[i] <= zero else z[i]


@_kernel("contract")
def _softmax(z, width):
    """exp(z_i) / sum_k exp(z_k) for each row of this width, in place."""
    for start in range(0, z.size, width):
        row = z[start : start + width]
        _exp_less_largest(row, row)
        total = 0.0
        for i in range(width):
            total += row[i]
        for i in range(width):
            row[i] /= total


@_kernel("contract")
def _exp_less_largest(row, out):
    """out := exp(row - max(row)), which is at most 1; returns the maximum."""
    largest = np.float64(row[0])
    for i in range(row.size):
        largest = row[i] if row[i] > largest else largest
    for i in range(row.size):
        out[i] = _exp_below_0(np.float64(row[i]) - largest)
    return largest


# The next five functions hold all that is said about activations and costs, by their places in `samenet.functions`:
# a new one is a branch in them and nowhere else.
_SIGMOID, _TANH, _RELU, _IDENTITY, _SOFTMAX = range(len(functions.ACTIVATIONS))
_SQUARED_ERROR, _SUM_OF_SQUARES, _BINARY_CROSS_ENTROPY, _CROSS_ENTROPY = range(len(functions.COSTS))


@_kernel()
def _activate(code, z, width):
    """z := f(z) in place; z is rows of this width, flat."""
    if code == _SIGMOID:
        _sigmoid(z)
    elif code == _TANH:
        _tanh(z)
    elif code == _RELU:
        _relu(z)
    elif code == _SOFTMAX:
        _softmax(z, width)


@_kernel("contract")
def _back_through(code, h, e, width):
    """e := dJ/dz in place of e = dJ/dh, from the layer's output h; both are rows of this width, flat."""
    one, zero = h.dtype.type(1), h.dtype.type(0)
    if code == _SIGMOID:
        for i in range(e.size):
            e[i] *= h[i] * (one - h[i])
    elif code == _TANH:
        for i in range(e.size):
            e[i] *= (one - h[i]) * (one + h[i])
    elif code == _RELU:
        for i in range(e.size):
            e[i] *= one if h[i] > zero else zero
    elif code == _SOFTMAX:
        for start in range(0, e.size, width):
            row, error = h[start : start + width], e[start : start + width]
            mean = 0.0
            for i in range(width):
                mean += error[i] * row[i]
            for i in range(width):
                error[i] = row[i] * (error[i] - mean)


@_kernel()
def _needs_z(cost):
    """Whether a cost is worked out from the weighted sums z of the output layer."""
    return cost in (_BINARY_CROSS_ENTROPY, _CROSS_ENTROPY)


# Sums stand in loops of their own. A sum whose loop also stores would be ordered by whether arrays happen to lie near
# each other in memory, which the compiler checks as it runs: the same input would not always give the same bits.
@_kernel("reassoc", "contract")
def _cost(cost, h, z, y, width, room):
    """J, summed over rows of this width, flat; z and `room`, as large, serve the costs that need z."""
    total = 0.0
    if not _needs_z(cost):
        for i in range(y.size):
            error = h[i] - y[i]
            total += error * error
        return total if cost == _SUM_OF_SQUARES else 0.5 * total
    if cost == _BINARY_CROSS_ENTROPY:
        for i in range(y.size):
            total += math.log1p(_exp_below_0(-abs(np.float64(z[i]))))
            total += (0.0 if z[i] <= 0.0 else z[i]) - y[i] * z[i]
        return total
    for start in range(0, y.size, width):
        row, powers = z[start : start + width], room[start : start + width]
        logarithm = _exp_less_largest(row, powers)
        power = 0.0
        for i in range(width):
            power += powers[i]
        logarithm += math.log(power)
        for i in range(width):
            total += y[start + i] * (logarithm - row[i])
    return total


@_kernel("contract")
def _delta(cost, code, h, y, width, scale, delta):
    """delta := scale * dJ/dz of the output layer, from its output h."""
    factor = h.dtype.type(2.0 * scale if cost == _SUM_OF_SQUARES else scale)
    if cost == _CROSS_ENTROPY:
        for start in range(0, y.size, width):
            total = factor * y[start]
            for i in range(1, width):
                total += factor * y[start + i]
            for i in range(start, start + width):
                delta[i] = h[i] * total - factor * y[i]
        return
    for i in range(y.size):
        delta[i] = factor * (h[i] - y[i])
    if not _needs_z(cost):
        _back_through(code, h, delta[: y.size], width)


@_kernel("reassoc", "contract")
def _weighted_sums(W, X, Z):
    """Z = X W^T, in tiles of four samples by four nodes: each number that is loaded is used four times."""
    m, n = X.shape
    k = W.shape[0]
    zero = X.dtype.type(0)
    tiled = m - m % 4
    for s in range(0, tiled, 4):
        x0, x1, x2, x3 = X[s], X[s + 1], X[s + 2], X[s + 3]
        z0, z1, z2, z3 = Z[s], Z[s + 1], Z[s + 2], Z[s + 3]
        i = 0
        while i + 4 <= k:
            w0, w1, w2, w3 = W[i], W[i + 1], W[i + 2], W[i + 3]
            a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = zero
            for j in range(n):
                a0 += x0[j] * w0[j]
                a1 += x0[j] * w1[j]
                a2 += x0[j] * w2[j]
                a3 += x0[j] * w3[j]
                b0 += x1[j] * w0[j]
                b1 += x1[j] * w1[j]
                b2 += x1[j] * w2[j]
                b3 += x1[j] * w3[j]
                c0 += x2[j] * w0[j]
                c1 += x2[j] * w1[j]
                c2 += x2[j] * w2[j]
                c3 += x2[j] * w3[j]
                d0 += x3[j] * w0[j]
                d1 += x3[j] * w1[j]
                d2 += x3[j] * w2[j]
                d3 += x3[j] * w3[j]
            z0[i], z0[i + 1], z0[i + 2], z0[i + 3] = a0, a1, a2, a3
            z1[i], z1[i + 1], z1[i + 2], z1[i + 3] = b0, b1, b2, b3
            z2[i], z2[i + 1], z2[i + 2], z2[i + 3] = c0, c1, c2, c3
            z3[i], z3[i + 1], z3[i + 2], z3[i + 3] = d0, d1, d2, d3
            i += 4
        while i < k:
            w0 = W[i]
            a0 = b0 = c0 = d0 = zero
            for j in range(n):
                a0 += x0[j] * w0[j]
                b0 += x1[j] * w0[j]
                c0 += x2[j] * w0[j]
                d0 += x3[j] * w0[j]
            z0[i], z1[i], z2[i], z3[i] = a0, b0, c0, d0
            i += 1
    for s in range(tiled, m):
        x0, z0 = X[s], Z[s]
        for i in range(k):
            w0 = W[i]
            a0 = zero
            for j in range(n):
                a0 += w0[j] * x0[j]
            z0[i] = a0


_BLAS_FROM = 2048  # multiply-adds below which calling BLAS costs more than it saves
_ONE_THREAD = 262144  # multiply-adds up to which OpenBLAS stays on one thread, so that its threads never change a bit


@_kernel("reassoc", "contract")
def _product(A, B, C):
    """C = A B: by loops when it is small, else by BLAS, as many rows of A at a time as keep BLAS on one thread."""
    p, m = A.shape
    n = B.shape[1]
    rows = _ONE_THREAD // (m * n)
    if rows == 0 or p * m * n < _BLAS_FROM:
        for i in range(p):
            a, c = A[i], C[i]
            for j in range(n):
                c[j] = 0
            for s in range(m):
                x, b = a[s], B[s]
                for j in range(n):
                    c[j] += x * b[j]
    elif rows >= p:
        np.dot(A, B, out=C)
    else:
        A = np.ascontiguousarray(A)
        for i in range(0, p, rows):
            np.dot(A[i : i + rows], B, out=C[i : i + rows])


_BLOCK = 128  # samples that go through all layers together, so that their activations stay in the cache


@_kernel()
def _forward(theta, layout, bias, X, masks, H, D, Z):
    """The activations of layers 2 to L for the rows of X, one layer after the other in the flat vector H.

    With dropout masks, D is laid out like H and gets the hidden layers as the next layer sees them. Unless it is
    empty, Z gets the weighted sums of the output layer.
    """
    rows = X.shape[0]
    sizes, codes = layout
    p = q = column = 0
    seen = X
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        z = H[q : q + rows * k]
        _weighted_sums(theta[p : p + k * n].reshape(k, n), seen, z.reshape(rows, k))
        p += k * n
        if bias:
            b = theta[p : p + k]
            for start in range(0, z.size, k):
                row = z[start : start + k]
                for i in range(k):
                    row[i] += b[i]
            p += k
        last = layer == sizes.size - 2
        if last and Z.size:
            for i in range(z.size):
                Z[i] = z[i]
        _activate(codes[layer + 1], z, k)
        seen = z.reshape(rows, k)
        if masks.size and not last:
            seen = D[q : q + rows * k].reshape(rows, k)
            _through(masks, column, z, seen)
            column += k
        q += rows * k


@_kernel()
def _through(masks, column, h, out):
    """out := masks h, for the columns of the masks from this one on."""
    rows, k = out.shape
    for s in range(rows):
        mask, row = masks[s], out[s]
        for i in range(k):
            row[i] = mask[column + i] * h[s * k + i]


# Loops stand below where NumPy's whole-array operations would be shorter: those take seconds each to compile.
@_kernel()
def _nodes(sizes):
    """The number of nodes after the input layer, and the largest number in a layer."""
    total = widest = 0
    for layer in range(1, sizes.size):
        total += sizes[layer]
        widest = max(widest, sizes[layer])
    return total, widest


@_kernel()
def _predict(theta, layout, bias, X, out):
    m, n_out = out.shape
    total, _ = _nodes(layout[0])
    H = np.empty(min(m, _BLOCK) * total, out.dtype)
    masks = np.empty((0, 0), out.dtype)
    for start in range(0, m, _BLOCK):
        rows = min(_BLOCK, m - start)
        _forward(theta, layout, bias, X[start : start + rows], masks, H, H, H[:0])
        q = rows * (total - n_out)
        for s in range(rows):
            for i in range(n_out):
                out[start + s, i] = H[q + s * n_out + i]


@_kernel()
def _predict_one(theta, layout, bias, x, out):
    """out := the output layer for one sample; returns whether all of x is finite."""
    total, _ = _nodes(layout[0])
    H = np.empty(total, out.dtype)
    _forward(theta, layout, bias, x.reshape(1, x.size), np.empty((0, 0), out.dtype), H, H, H[:0])
    for i in range(out.size):
        out[i] = H[total - out.size + i]
    finite = True
    for i in range(x.size):
        finite &= math.isfinite(x[i])
    return finite


@_kernel()
def _evaluate(theta, layout, bias, objective, X, Y, scale, out):
    """The cost of all rows; out := the output layer."""
    m, n_out = out.shape
    cost, l1, l2 = objective
    total, _ = _nodes(layout[0])
    H = np.empty(min(m, _BLOCK) * total, out.dtype)
    Z, room = np.empty(min(m, _BLOCK) * n_out, out.dtype), np.empty(min(m, _BLOCK) * n_out, out.dtype)
    masks = np.empty((0, 0), out.dtype)
    value = 0.0
    for start in range(0, m, _BLOCK):
        rows = min(_BLOCK, m - start)
        _forward(theta, layout, bias, X[start : start + rows], masks, H, H, Z[: rows * n_out])
        h = H[rows * (total - n_out) : rows * total]
        target = Y[start : start + rows].reshape(rows * n_out)
        value += _cost(cost, h, Z, target, n_out, room)
        for s in range(rows):
            for i in range(n_out):
                out[start + s, i] = h[s * n_out + i]
    value *= scale
    if l1 or l2:
        value += _penalty(theta, layout[0], bias, l1, l2)
    return value


@_kernel("reassoc", "contract")
def _penalty(theta, sizes, bias, l1, l2):
    """l1 sum |W| + l2/2 sum W^2."""
    p = 0
    absolute = squares = 0.0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        for i in range(p, p + k * n):
            absolute += abs(theta[i])
            squares += theta[i] * theta[i]
        p += k * (n + bias)
    return l1 * absolute + 0.5 * l2 * squares


@_kernel("contract")
def _add_penalty(theta, sizes, bias, l1, l2, g):
    """g += l1 sign(W) + l2 W."""
    p = 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        for i in range(p, p + k * n):
            w = theta[i]
            sign = 1.0 if w > 0.0 else -1.0 if w < 0.0 else 0.0
            g[i] += l1 * sign + l2 * w
        p += k * (n + bias)


@_kernel()
def _scratch(theta, sizes, cost, rows, dropout):
    """Room for the activations, the same as seen, the output's z, two deltas, and a weight matrix's gradient."""
    rows = min(rows, _BLOCK)
    total, widest = _nodes(sizes)
    H = np.empty(rows * total, theta.dtype)
    D = np.empty(rows * total if dropout else 0, theta.dtype)
    Z = np.empty(rows * sizes[-1] if _needs_z(cost) else 0, theta.dtype)
    delta = np.empty(rows * widest, theta.dtype)
    back = np.empty(rows * widest, theta.dtype)
    return H, D, Z, delta, back, np.empty(theta.size, theta.dtype)


@_kernel("contract")
def _gradient(theta, layout, bias, objective, X, Y, masks, scale, g, scratch):
    """g := dJ/dtheta, where J is scale times the sum over the rows of X, and the penalties; returns J."""
    H, D, Z, delta, back, dW = scratch
    sizes, codes = layout
    cost, l1, l2 = objective
    n_out = sizes[-1]
    dropout = masks.size > 0
    value = 0.0
    for start in range(0, X.shape[0], _BLOCK):
        x, y, mask = X[start : start + _BLOCK], Y[start : start + _BLOCK], masks[start : start + _BLOCK]
        rows = x.shape[0]
        total, _ = _nodes(sizes)
        p, q = theta.size, rows * total
        z = Z[: rows * n_out] if _needs_z(cost) else Z
        _forward(theta, layout, bias, x, mask, H, D, z)
        h = H[q - y.size : q]
        target = y.reshape(y.size)
        value += _cost(cost, h, z, target, n_out, delta)
        _delta(cost, codes[-1], h, target, n_out, scale, delta)
        column = masks.shape[1]
        for layer in range(sizes.size - 2, -1, -1):
            n, k = sizes[layer], sizes[layer + 1]
            if bias:
                p -= k
                db = g[p : p + k]
                if start == 0:
                    for i in range(k):
                        db[i] = 0
                for s in range(rows):
                    row = delta[s * k : (s + 1) * k]
                    for i in range(k):
                        db[i] += row[i]
            p -= k * n
            q -= rows * k
            h = H[q - rows * n : q] if layer else x.reshape(rows * n)
            seen = D[q - rows * n : q] if layer and dropout else h
            into = dW[: k * n] if start else g[p : p + k * n]
            delta_T = delta[: rows * k].reshape(rows, k).T
            _product(delta_T, seen.reshape(rows, n), into.reshape(k, n))
            if start:
                whole = g[p : p + k * n]
                for i in range(k * n):
                    whole[i] += into[i]
            if layer:
                W = theta[p : p + k * n].reshape(k, n)
                errors = back[: rows * n].reshape(rows, n)
                _product(delta[: rows * k].reshape(rows, k), W, errors)
                if dropout:
                    column -= n
                    _through(mask, column, back, errors)
                _back_through(codes[layer], h, back[: rows * n], n)
                delta, back = back, delta
    value *= scale
    if l1 or l2:
        value += _penalty(theta, sizes, bias, l1, l2)
        _add_penalty(theta, sizes, bias, l1, l2, g)
    return value


@_kernel()
def _gradient_once(theta, layout, bias, objective, X, Y, masks, scale, g):
    scratch = _scratch(theta, layout[0], objective[0], X.shape[0], masks.size > 0)
    return _gradient(theta, layout, bias, objective, X, Y, masks, scale, g, scratch)


@_kernel("reassoc", "contract")
def _sum_of_squares(values):
    total = 0.0
    for i in range(values.size):
        total += values[i] * values[i]
    return total


@_kernel("contract")
def _step(theta, g, alpha, velocity, rule):
    """One step against g, which is clipped first; `samenet.reference.descent` has the equations."""
    momentum, nesterov, clip_value, clip_norm = rule
    if clip_value < np.inf:
        for i in range(g.size):
            if g[i] > clip_value:
                g[i] = clip_value
            if g[i] < -clip_value:
                g[i] = -clip_value
    shrink = theta.dtype.type(1)
    if clip_norm < np.inf:
        length = math.sqrt(_sum_of_squares(g))
        if length > clip_norm:
            shrink = theta.dtype.type(clip_norm / length)
    step, factor = theta.dtype.type(alpha), theta.dtype.type(momentum)
    if velocity.size == 0:
        for i in range(theta.size):
            theta[i] -= step * (shrink * g[i])
        return
    for i in range(theta.size):
        move = step * (shrink * g[i])
        velocity[i] = factor * velocity[i] - move
        if nesterov:
            theta[i] += factor * velocity[i] - move
        else:
            theta[i] += velocity[i]


@_kernel("contract")
def _descend(theta, layout, bias, objective, X, Y, alphas, batch_size, order, masks, mean, rule, velocity, costs):
    """As many updates as `costs` is long, over and over the rows of `order` (when it is empty: of X as it stands).

    alphas: one for each pass. masks: for the rows of each pass, one pass after the other, or empty.
    """
    shuffled = order.size > 0
    m = order.shape[1] if shuffled else X.shape[0]
    scratch = _scratch(theta, layout[0], objective[0], batch_size, masks.size > 0)
    g = np.empty(theta.size, theta.dtype)
    gathered = batch_size if shuffled else 0
    x, y = np.empty((gathered, X.shape[1]), X.dtype), np.empty((gathered, Y.shape[1]), Y.dtype)
    start = visit = 0
    for update in range(costs.size):
        rows = min(batch_size, m - start)
        scale = 1.0 / rows if mean else 1.0
        mask = masks[visit * m + start : visit * m + start + rows]
        if shuffled:
            for s in range(rows):
                row, target = X[order[visit, start + s]], Y[order[visit, start + s]]
                for j in range(row.size):
                    x[s, j] = row[j]
                for i in range(target.size):
                    y[s, i] = target[i]
            costs[update] = _gradient(theta, layout, bias, objective, x[:rows], y[:rows], mask, scale, g, scratch)
        else:
            end = start + rows
            costs[update] = _gradient(
                theta, layout, bias, objective, X[start:end], Y[start:end], mask, scale, g, scratch
            )
        _step(theta, g, alphas[visit], velocity, rule)
        start += rows
        if start == m:
            start = 0
            visit += 1


def _objective(network: interface.Network) -> tuple[int, float, float]:
    return functions.COSTS.index(network.cost_function), network.l1, network.l2


def _scale(X: NDArray[Any], reduction: str) -> float:
    return 1.0 / len(X) if reduction == "mean" else 1.0


def feed_forward(network: interface.Network, x: NDArray[Any]) -> list[NDArray[Any]]:
    """The activations of every layer; see `samenet.reference.feed_forward`."""
    theta = network.theta
    X = x.reshape(-1, theta.sizes[0])
    H = np.empty(len(X) * sum(theta.sizes[1:]), x.dtype)
    _forward(theta.flat, network.layout, theta.bias, X, np.empty((0, 0), x.dtype), H, H, H[:0])
    layers, q = [x], 0
    for n in theta.sizes[1:]:
        layers.append(H[q : q + len(X) * n].reshape((*x.shape[:-1], n)))
        q += len(X) * n
    return layers


def predict(network: interface.Network, x: NDArray[Any]) -> NDArray[Any]:
    """The output layer alone; see `samenet.reference.predict`."""
    theta = network.theta
    if x.ndim == 1:
        out = np.empty(theta.sizes[-1], x.dtype)
        _predict_one(theta.flat, network.layout, theta.bias, x, out)
    else:
        out = np.empty((len(x), theta.sizes[-1]), x.dtype)
        _predict(theta.flat, network.layout, theta.bias, x, out)
    return out


def predict_one(network: interface.Network, x: NDArray[Any]) -> NDArray[Any] | None:
    """The same for one sample, if its numbers are finite; see `samenet.reference.predict_one`."""
    theta = network.theta
    out = np.empty(theta.sizes[-1], x.dtype)
    return out if _predict_one(theta.flat, network.layout, theta.bias, x, out) else None


def predictor(network: interface.Network) -> one_sample.Predictor:
    """A function for one sample; see `samenet.network.Network.predictor`."""
    n_in, n_out, dtype = network.sizes[0], network.sizes[-1], network.dtype
    theta, layout, bias = network.theta.flat, network.layout, network.bias

    def f(x: Any, out: Any = None) -> Any:
        if not checks.is_one(x, n_in, dtype) or not (out is None or checks.is_one(out, n_out, dtype)):
            return one_sample.predict(network, x, out)
        answer = np.empty(n_out, dtype) if out is None else out
        _predict_one(theta, layout, bias, x, answer)
        return answer

    return f


def evaluate(
    network: interface.Network, X: NDArray[Any], Y: NDArray[Any], reduction: str = "mean"
) -> tuple[float, NDArray[Any]]:
    """The cost, and the output that it is of; see `samenet.reference.evaluate`."""
    theta, out = network.theta, np.empty_like(Y)
    objective, scale = _objective(network), _scale(X, reduction)
    return _evaluate(theta.flat, network.layout, theta.bias, objective, X, Y, scale, out), out


def gradient(
    network: interface.Network,
    X: NDArray[Any],
    Y: NDArray[Any],
    reduction: str = "mean",
    masks: NDArray[Any] | None = None,
) -> tuple[float, Parameters]:
    """The cost and its gradient; see `samenet.reference.gradient`."""
    theta = network.theta
    g = theta.empty_like()
    masks = np.empty((0, 0), X.dtype) if masks is None else masks
    objective, scale = _objective(network), _scale(X, reduction)
    return _gradient_once(theta.flat, network.layout, theta.bias, objective, X, Y, masks, scale, g.flat), g


def descend(
    network: interface.Network,
    X: NDArray[Any],
    Y: NDArray[Any],
    *,
    alpha: Any,
    batch_size: int,
    order: NDArray[np.int64] | None = None,
    passes: int = 1,
    reduction: str = "mean",
    masks: NDArray[Any] | None = None,
    momentum: float = 0.0,
    velocity: Parameters | None = None,
    nesterov: bool = False,
    clip_value: float = math.inf,
    clip_norm: float = math.inf,
) -> NDArray[np.float64]:
    """Many updates in one compiled call, in place; see `samenet.reference.descend`."""
    theta = network.theta
    if order is None:
        order, rows = np.empty((0, 0), np.int64), len(X)
    else:
        passes, rows = order.shape
    alphas = np.full(passes, alpha, np.float64)
    masks = np.empty((0, 0), X.dtype) if masks is None else masks.reshape(-1, masks.shape[-1])
    rule = momentum, nesterov, float(clip_value), float(clip_norm)
    v = theta.flat[:0] if velocity is None else velocity.flat
    costs = np.empty(passes * -(-rows // batch_size))
    data = theta.flat, network.layout, theta.bias, _objective(network), X, Y
    _descend(*data, alphas, batch_size, order, masks, reduction == "mean", rule, v, costs)
    return costs


class Network(interface.Network):
    """The network on compiled Numba kernels; everything about it is said in `samenet.network.Network`."""

    backend = sys.modules[__name__]
