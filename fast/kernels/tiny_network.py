"""Training networks so small that a layer fits into one vector register: everything about a sample stays in registers.

What is done is that of `descent`; here it costs as much as its arithmetic, where calls would take several times as
long.
"""

from typing import Any

import numpy as np

from samenet import functions
from samenet.fast.kernels.activations import (
    IDENTITY,
    RELU,
    SIGMOID,
    SQUARED_ERROR,
    SUM_OF_SQUARES,
    TANH,
    sigmoid,
    tanh,
)
from samenet.fast.kernels.codegen.compiling import kernel
from samenet.fast.kernels.codegen.registers import first, lanewise, load, load_first, products, spread, store
from samenet.fast.kernels.codegen.vector import REGISTER, one_above_zero, zero_below

_INPUTS, _ROWS = 64, 16  # the most inputs, and rows of a batch, for which this is the faster way


def fits(model: Any, codes: Any, batch_size: int) -> bool:
    """Whether a model, its activations' codes, and a batch are for this module."""
    lanes = REGISTER // model.dtype.itemsize
    sizes = model.sizes
    return (
        max(sizes[1:]) <= lanes
        and sizes[0] <= _INPUTS
        and batch_size <= _ROWS
        and functions.COSTS.index(model.cost_function) in (SQUARED_ERROR, SUM_OF_SQUARES)
        and all(code in (SIGMOID, TANH, RELU, IDENTITY) for code in codes[1:].tolist())
        and model.l1 == model.l2 == 0
    )


_sigmoid, _tanh = lanewise(sigmoid), lanewise(tanh)
_relu = lanewise(lambda z: zero_below(z, 0.0, z))
_multiply_add = lanewise(lambda a, b, c: a * b + c)
_less = lanewise(lambda a, b: a - b)
_times = lanewise(lambda a, b: a * b)
_plus = lanewise(lambda a, b: a + b)
_through_sigmoid = lanewise(lambda h, e: e * (h * (1.0 - h)))
_through_tanh = lanewise(lambda h, e: e * ((1.0 - h) * (1.0 + h)))
_through_relu = lanewise(lambda h, e: e * one_above_zero(h))


@kernel()
def _activate(code, z):
    if code == SIGMOID:
        return _sigmoid(z)
    if code == TANH:
        return _tanh(z)
    if code == RELU:
        return _relu(z)
    return z


@kernel()
def _back_through(code, h, e):
    if code == SIGMOID:
        return _through_sigmoid(h, e)
    if code == TANH:
        return _through_tanh(h, e)
    if code == RELU:
        return _through_relu(h, e)
    return e


@kernel()
def _spaced(theta, sizes, bias, back, P, lanes):
    """P := theta with W^T for W, a register for each row and one for the biases; or, with `back`, theta := P."""
    p = q = 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        for j in range(n + bias):
            for i in range(k):
                place = p + i * n + j if j < n else p + n * k + i
                if back:
                    theta[place] = P[q + j * lanes + i]
                else:
                    P[q + j * lanes + i] = theta[place]
        p += k * (n + bias)
        q += (n + 1) * lanes


@kernel()
def _add_to(width, a, i, b, c):
    store(a, i, _multiply_add(b, c, load(width, a, i)))


@kernel(makes_arrays=True)
def run_updates(width, theta, layout, cost, X, Y, order, batch, alphas, costs):
    """What `descent.descend` does, for a network that fits, on registers of this width; see `registers`.

    P, G and H are rows of a register, filled up with zeros. A sample costs one function of a register and n
    multiplications of registers forward for each layer of n inputs, and twice as many back, whatever the number of
    nodes.
    """
    batch_size, mean = batch
    sizes, codes = layout
    bias, layers, lanes = codes[0] == 1, sizes.size - 1, len(width)
    n_in, n_out = sizes[0], sizes[-1]
    size = 0
    for layer in range(layers):
        size += (sizes[layer] + 1) * lanes
    P, G = np.zeros(size, theta.dtype), np.zeros(size, theta.dtype)
    inputs = -(-n_in // lanes) * lanes
    H = np.zeros(inputs + layers * lanes, theta.dtype)
    _spaced(theta, sizes, bias, False, P, lanes)
    x, y = X.reshape(X.size), Y.reshape(Y.size)
    shuffled = order.size > 0
    m = order.shape[1] if shuffled else X.shape[0]
    nothing = load_first(width, P, 0, 0)
    half = 1.0 if cost == SUM_OF_SQUARES else 0.5
    start = epoch = 0
    for update in range(costs.size):
        rows = min(batch_size, m - start)
        scale = 1.0 / rows if mean else 1.0
        step = theta.dtype.type(-alphas[epoch])
        squares = nothing
        store(H, 0, _plus(nothing, theta.dtype.type(2.0 * half * scale)))
        factor = load_first(width, H, 0, n_out)
        for s in range(start, start + rows):
            row = order[epoch, s] if shuffled else s
            for j in range(0, n_in, lanes):
                store(H, j, load_first(width, x, row * n_in + j, n_in - j))
            p = q = 0
            h = nothing
            for layer in range(layers):
                n = sizes[layer]
                z = load(width, P, p + n * lanes)
                for j in range(n):
                    z = _multiply_add(spread(width, H, q + j), load(width, P, p + j * lanes), z)
                h = first(_activate(codes[layer + 1], z), sizes[layer + 1])  # beyond, an infinite input has made NaN
                q = inputs + layer * lanes
                store(H, q, h)
                p += (n + 1) * lanes
            error = _less(h, load_first(width, y, row * n_out, n_out))
            squares = _multiply_add(error, error, squares)
            delta = _back_through(codes[layers], h, _times(error, factor))  # 0 past the last node
            for layer in range(layers - 1, -1, -1):
                n = sizes[layer]
                p -= (n + 1) * lanes
                q = inputs + (layer - 1) * lanes if layer else 0
                errors = products(P, p, n, delta) if layer else nothing
                if rows == 1:
                    for j in range(n):
                        _add_to(width, P, p + j * lanes, _times(spread(width, H, q + j), delta), step)
                    if bias:
                        _add_to(width, P, p + n * lanes, delta, step)
                else:
                    for j in range(n):
                        _add_to(width, G, p + j * lanes, spread(width, H, q + j), delta)
                    if bias:
                        store(G, p + n * lanes, _plus(load(width, G, p + n * lanes), delta))
                if layer:
                    delta = _back_through(codes[layer], load(width, H, q), errors)
        store(H, 0, squares)
        total = 0.0
        for i in range(n_out):
            total += H[i]
        costs[update] = half * total * scale
        if rows > 1:
            for p in range(0, size, lanes):
                _add_to(width, P, p, load(width, G, p), step)
                store(G, p, nothing)
        start += rows
        if start == m:
            start = 0
            epoch += 1
    _spaced(theta, sizes, bias, True, P, lanes)
