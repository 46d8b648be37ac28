"""The network in compiled Numba kernels: the same functions as `samenet.reference`, the same answers.

The kernels take the flat parameter vector theta and the layer sizes as arrays, so one compilation serves every
network of a dtype. They release the GIL and share no scratch memory, so any number of threads may call them at once.
Order of reading: sigmoid, the two matrix products, forward, gradient, descent, then the functions of the contract.

Floating-point flags: sums may be reassociated and products contracted into fused multiply-adds, inside the bound
that `samenet.tolerance` derives. NaN and infinity are kept.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

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
def _sigmoid(z, b, width):
    """z := 1 / (1 + exp(-(z + b))) in place; z is rows of this width, flat; b is one row, or empty.

    `math.exp` would keep this loop scalar; written out, the compiler turns it into vector code. Error below 3 ulp.
    """
    if b.size:
        for start in range(0, z.size, width):
            row = z[start : start + width]
            for i in range(width):
                row[i] += b[i]
    for i in range(z.size):
        a: Any = -np.float64(z[i])
        a = 710.0 if a > 710.0 else a  # 2^1024 is infinity, and 1 / (1 + infinity) is 0; a NaN passes both lines
        a = -40.0 if a < -40.0 else a  # exp(-40) is lost against 1
        t = a * _LOG2_E + _ROUND
        k = t - _ROUND
        r = (a - k * _LN2_HIGH) - k * _LN2_LOW
        r2 = r * r
        r4 = r2 * r2
        high = ((_C13 * r + _C12) * r4 + ((_C11 * r + _C10) * r2 + (_C9 * r + _C8))) * (r4 * r4)
        low = ((_C7 * r + _C6) * r2 + (_C5 * r + _C4)) * r4 + ((_C3 * r + 0.5) * r2 + r)
        power = np.int64((np.float64(t).view(np.int64) + 1023) << 52).view(np.float64)
        z[i] = 1.0 / (1.0 + ((high + low) + 1.0) * power)


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
def _forward(theta, sizes, bias, X, H):
    """The activations of layers 2 to L for the rows of X, one layer after the other in the flat vector H."""
    rows = X.shape[0]
    p = q = 0
    h = X
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        z = H[q : q + rows * k]
        _weighted_sums(theta[p : p + k * n].reshape(k, n), h, z.reshape(rows, k))
        p += k * n
        _sigmoid(z, theta[p : p + bias * k], k)
        p += bias * k
        q += rows * k
        h = z.reshape(rows, k)


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
def _predict(theta, sizes, bias, X, out):
    m, n_out = out.shape
    total, _ = _nodes(sizes)
    H = np.empty(min(m, _BLOCK) * total, out.dtype)
    for start in range(0, m, _BLOCK):
        rows = min(_BLOCK, m - start)
        _forward(theta, sizes, bias, X[start : start + rows], H)
        q = rows * (total - n_out)
        for s in range(rows):
            for i in range(n_out):
                out[start + s, i] = H[q + s * n_out + i]


@_kernel()
def _predict_one(theta, sizes, bias, x, out):
    total, _ = _nodes(sizes)
    H = np.empty(total, out.dtype)
    _forward(theta, sizes, bias, x.reshape(1, x.size), H)
    for i in range(out.size):
        out[i] = H[total - out.size + i]


@_kernel()
def _scratch(theta, sizes, rows):
    """Room for the activations, two deltas and the gradient of one weight matrix."""
    rows = min(rows, _BLOCK)
    total, widest = _nodes(sizes)
    H = np.empty(rows * total, theta.dtype)
    delta = np.empty(rows * widest, theta.dtype)
    back = np.empty(rows * widest, theta.dtype)
    return H, delta, back, np.empty(theta.size, theta.dtype)


@_kernel("reassoc", "contract")
def _gradient(theta, sizes, bias, X, Y, scale, g, scratch):
    """g := scale * dJ/dtheta, summed over the rows of X; returns scale * J."""
    H, delta, back, dW = scratch
    one = theta.dtype.type(1)
    factor = theta.dtype.type(scale)
    squares = 0.0
    for start in range(0, X.shape[0], _BLOCK):
        x, y = X[start : start + _BLOCK], Y[start : start + _BLOCK]
        rows = x.shape[0]
        _forward(theta, sizes, bias, x, H)
        p, q = theta.size, rows * _nodes(sizes)[0]
        h = H[q - y.size : q]
        target = y.reshape(y.size)
        # Two loops. A sum whose loop also stores would be ordered by whether arrays happen to lie near each other in
        # memory, which the compiler checks as it runs: the same input would not always give the same bits.
        for i in range(y.size):
            error = h[i] - target[i]
            squares += error * error
        for i in range(y.size):
            delta[i] = factor * (h[i] - target[i]) * h[i] * (one - h[i])
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
            into = dW[: k * n] if start else g[p : p + k * n]
            delta_T = delta[: rows * k].reshape(rows, k).T
            _product(delta_T, h.reshape(rows, n), into.reshape(k, n))
            if start:
                whole = g[p : p + k * n]
                for i in range(k * n):
                    whole[i] += into[i]
            if layer:
                W = theta[p : p + k * n].reshape(k, n)
                _product(delta[: rows * k].reshape(rows, k), W, back[: rows * n].reshape(rows, n))
                for i in range(rows * n):
                    back[i] *= h[i] * (one - h[i])
                delta, back = back, delta
    return 0.5 * scale * squares


@_kernel()
def _gradient_once(theta, sizes, bias, X, Y, scale, g):
    return _gradient(theta, sizes, bias, X, Y, scale, g, _scratch(theta, sizes, X.shape[0]))


@_kernel("contract")
def _descend(theta, sizes, bias, X, Y, alpha, batch_size, order, mean, costs):
    """As many updates as `costs` is long, over and over the rows of `order` (when it is empty: of X as it stands)."""
    shuffled = order.size > 0
    m = order.shape[1] if shuffled else X.shape[0]
    scratch = _scratch(theta, sizes, batch_size)
    g = np.empty(theta.size, theta.dtype)
    step = theta.dtype.type(alpha)
    gathered = batch_size if shuffled else 0
    x, y = np.empty((gathered, X.shape[1]), X.dtype), np.empty((gathered, Y.shape[1]), Y.dtype)
    start = visit = 0
    for update in range(costs.size):
        rows = min(batch_size, m - start)
        scale = 1.0 / rows if mean else 1.0
        if shuffled:
            for s in range(rows):
                row, target = X[order[visit, start + s]], Y[order[visit, start + s]]
                for j in range(row.size):
                    x[s, j] = row[j]
                for i in range(target.size):
                    y[s, i] = target[i]
            costs[update] = _gradient(theta, sizes, bias, x[:rows], y[:rows], scale, g, scratch)
        else:
            end = start + rows
            costs[update] = _gradient(theta, sizes, bias, X[start:end], Y[start:end], scale, g, scratch)
        for i in range(theta.size):
            theta[i] -= step * g[i]
        start += rows
        if start == m:
            start = 0
            visit += 1


def feed_forward(network: interface.Network, x: NDArray[Any]) -> list[NDArray[Any]]:
    """The activations of every layer; see `samenet.reference.feed_forward`."""
    theta = network.theta
    X = x.reshape(-1, theta.sizes[0])
    H = np.empty(len(X) * sum(theta.sizes[1:]), x.dtype)
    _forward(theta.flat, theta.layout, theta.bias, X, H)
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
        _predict_one(theta.flat, theta.layout, theta.bias, x, out)
    else:
        out = np.empty((len(x), theta.sizes[-1]), x.dtype)
        _predict(theta.flat, theta.layout, theta.bias, x, out)
    return out


def gradient(
    network: interface.Network, X: NDArray[Any], Y: NDArray[Any], reduction: str = "mean"
) -> tuple[float, Parameters]:
    """The cost and its gradient; see `samenet.reference.gradient`."""
    theta = network.theta
    g = theta.empty_like()
    scale = 1.0 / len(X) if reduction == "mean" else 1.0
    return _gradient_once(theta.flat, theta.layout, theta.bias, X, Y, scale, g.flat), g


def descend(
    network: interface.Network,
    X: NDArray[Any],
    Y: NDArray[Any],
    *,
    alpha: float,
    batch_size: int,
    order: NDArray[np.int64] | None = None,
    passes: int = 1,
    reduction: str = "mean",
) -> NDArray[np.float64]:
    """Many updates in one compiled call, in place; see `samenet.reference.descend`."""
    theta = network.theta
    if order is None:
        order, rows = np.empty((0, 0), np.int64), len(X)
    else:
        passes, rows = order.shape
    costs = np.empty(passes * -(-rows // batch_size))
    mean = reduction == "mean"
    _descend(theta.flat, theta.layout, theta.bias, X, Y, alpha, batch_size, order, mean, costs)
    return costs


class Network(interface.Network):
    """The network on compiled Numba kernels; everything about it is said in `samenet.network.Network`."""

    backend = sys.modules[__name__]
