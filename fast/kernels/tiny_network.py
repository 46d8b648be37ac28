"""Training networks so small that a layer fits into a few vector registers.

What is done is that of `training`; here an update takes as long as its arithmetic, where calls would take several times
as long.
"""

import itertools
from typing import Any

import numpy as np

from samenet.fast.kernels.activations import (
    BINARY_CROSS_ENTROPY,
    CROSS_ENTROPY,
    RELU,
    SIGMOID,
    SOFTMAX,
    SQUARED_ERROR,
    SUM_OF_SQUARES,
    TANH,
    activate,
    value,
)
from samenet.fast.kernels.codegen.compiling import kernel
from samenet.fast.kernels.codegen.memory import close_heap, open_heap, zeroed
from samenet.fast.kernels.codegen.registers import broadcast, first, lanewise, load, load_first, products, store
from samenet.fast.kernels.codegen.vector import REGISTER, one_above_zero, zero_below
from samenet.fast.kernels.elementary import sigmoid, tanh
from samenet.fast.kernels.penalties import add_penalties
from samenet.fast.kernels.steps import DESCENT, Rule, step
from samenet.model import functions

# For which this is the faster way, as measured: the most inputs, since zeros among many are worth skipping; the most
# work of an update by one row; the most work of all rows, where there are more. In multiplications of registers.
_INPUTS, _ONLINE, _BATCH = 256, 3000, 830
_ROW, _LOGARITHMS = 40, 60  # work of any row, and of one with a softmax or with logarithms in the cost


def registers(model: Any) -> int:
    """1 if a register holds any layer after the input, and else 2, for several."""
    return 1 if max(model.sizes[1:]) * model.dtype.itemsize <= REGISTER else 2


def fits(model: Any, batch_size: int) -> bool:
    """Whether a model and a batch are for this module."""
    sizes, lanes = model.sizes, REGISTER // model.dtype.itemsize
    work = sum(n * -(-k // lanes) for n, k in itertools.pairwise(sizes))
    if sizes[0] > _INPUTS or work > _ONLINE or batch_size == 1:
        return bool(sizes[0] <= _INPUTS and work <= _ONLINE)
    logarithms = "softmax" in model.activations or model.cost_function in functions.MADE_FOR
    return bool(batch_size * (_ROW + work + _LOGARITHMS * logarithms) <= _BATCH)


_sigmoid, _tanh = lanewise(sigmoid), lanewise(tanh)
_relu = lanewise(lambda z: zero_below(z, 0.0, z))
_multiply_add = lanewise(lambda a, b, c: a * b + c)
_less = lanewise(lambda a, b: a - b)
_times = lanewise(lambda a, b: a * b)
_plus = lanewise(lambda a, b: a + b)
_through_sigmoid = lanewise(lambda h, e: e * (h * (1.0 - h)))
_through_tanh = lanewise(lambda h, e: e * ((1.0 - h) * (1.0 + h)))
_through_relu = lanewise(lambda h, e: e * one_above_zero(h))
_through_softmax = lanewise(lambda h, e, mean: h * (e - mean))
_through_softmax_and_cost = lanewise(lambda h, y, total, factor: h * total - factor * y)


@kernel(inlined=True)
def _activate(code, z):
    if code == SIGMOID:
        return _sigmoid(z)
    if code == TANH:
        return _tanh(z)
    if code == RELU:
        return _relu(z)
    return z


@kernel(inlined=True)
def _back_through(code, h, e):
    if code == SIGMOID:
        return _through_sigmoid(h, e)
    if code == TANH:
        return _through_tanh(h, e)
    if code == RELU:
        return _through_relu(h, e)
    return e


@kernel()
def _back_through_softmax(width, H, q, e, k):
    """e := dJ/dz in place of e = dJ/dh, from the k outputs of a softmax, which begin in H at q."""
    mean = 0.0
    for i in range(k):
        mean += e[i] * H[q + i]
    for v in range(0, k, len(width)):
        store(e, v, first(_through_softmax(load(width, H, q + v), load(width, e, v), mean), k - v))


@kernel(inlined=True)
def _row(width, several, k):
    """The numbers of as many registers as hold k: of one, where none is known to take several."""
    return len(width) if len(several) == 1 else -(-k // len(width)) * len(width)


@kernel()
def _pack(width, several, theta, sizes, bias, back, P):
    """P := theta with W^T for W, registers for each row and for the biases; or, with `back`, theta := P."""
    p = q = 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        row = _row(width, several, k)
        for j in range(n + bias):
            for i in range(k):
                place = p + i * n + j if j < n else p + n * k + i
                if back:
                    theta[place] = P[q + j * row + i]
                else:
                    P[q + j * row + i] = theta[place]
        p += k * (n + bias)
        q += (n + 1) * row


@kernel(inlined=True)
def _add_to(width, a, i, b, c):
    store(a, i, _multiply_add(b, c, load(width, a, i)))


@kernel(inlined=True)
def _forward(width, several, P, sizes, codes, cost, H, Z):
    """The activations of every layer, registers for each, from the input that H begins with; returns where the last is.

    Z gets what the cost is worked out from: z of the output layer, or ln h of its softmax.
    """
    lanes, layers = len(width), sizes.size - 1
    p, q, out = 0, 0, _row(width, (0, 0), sizes[0])
    for layer in range(layers):
        n, k = sizes[layer], sizes[layer + 1]
        row = _row(width, several, k)
        for v in range(0, row, lanes):
            z = load(width, P, p + n * row + v)
            for j in range(n):
                z = _multiply_add(broadcast(width, H, q + j), load(width, P, p + j * row + v), z)
            if cost == BINARY_CROSS_ENTROPY and layer == layers - 1:
                store(Z, v, z)
            store(H, out + v, first(_activate(codes[layer + 1], z), k - v))  # beyond, an infinite input has made NaN
        if codes[layer + 1] == SOFTMAX:
            is_of_cost = cost == CROSS_ENTROPY and layer == layers - 1
            activate(SOFTMAX, H[out : out + k], k, Z[: k if is_of_cost else 0])
        p += (n + 1) * row
        q, out = out, out + row
    return q


@kernel(inlined=True)
def _add_gradient(width, several, P, G, sizes, codes, at_once, factor, H, q, delta, below):
    """G += the gradient for one sample; or, `at_once`, P += factor times it.

    delta: dJ/dz of the output layer, which begins in H at q. below: for as many numbers as delta has.
    """
    lanes, p, bias = len(width), P.size, codes[0] == 1
    for layer in range(sizes.size - 2, -1, -1):
        n, k = sizes[layer], sizes[layer + 1]
        row = _row(width, several, k)
        p -= (n + 1) * row
        q = q - _row(width, several, n) if layer else 0
        if layer:
            for j in range(0, _row(width, several, n), lanes):
                errors = products(P, p + j * row, row, n - j, load(width, delta, 0))
                for v in range(lanes, row, lanes):
                    errors = _plus(errors, products(P, p + j * row + v, row, n - j, load(width, delta, v)))
                store(below, j, _back_through(codes[layer], load(width, H, q + j), errors))
            if codes[layer] == SOFTMAX:
                _back_through_softmax(width, H, q, below, n)
        for v in range(0, row, lanes):
            d = load(width, delta, v)
            if at_once:
                for j in range(n):
                    _add_to(width, P, p + j * row + v, _times(broadcast(width, H, q + j), d), factor)
                if bias:
                    _add_to(width, P, p + n * row + v, d, factor)
            else:
                for j in range(n):
                    _add_to(width, G, p + j * row + v, broadcast(width, H, q + j), d)
                if bias:
                    store(G, p + n * row + v, _plus(load(width, G, p + n * row + v), d))
        delta, below = below, delta


@kernel()
def _add_penalties(width, several, P, G, sizes, l1, l2):
    """G += the slope of the penalties on weights; returns the penalties."""
    p, total = 0, 0.0
    for layer in range(sizes.size - 1):
        n, row = sizes[layer], _row(width, several, sizes[layer + 1])
        total += add_penalties(G[p : p + n * row], P[p : p + n * row], l1, l2)
        p += (n + 1) * row
    return total


@kernel()
def _updates(width, several, P, G, layout, objective, data, batch, alphas, rule, state, H, Z, delta, below, costs):
    batch_size, mean = batch
    sizes, codes = layout
    cost, l1, l2 = objective
    x, y, order, m = data
    n_in, n_out, lanes = sizes[0], sizes[-1], len(width)
    plain = rule.code == DESCENT and rule.clip_value == rule.clip_norm == np.inf and l1 == 0 and l2 == 0
    of_squares = cost in (SQUARED_ERROR, SUM_OF_SQUARES)
    nothing = load_first(width, P, 0, 0)
    half = 1.0 if cost == SUM_OF_SQUARES else 0.5
    start = epoch = 0
    for update in range(costs.size):
        rows = min(batch_size, m - start)
        scale = 1.0 / rows if mean else 1.0
        factor = P.dtype.type(2.0 * half * scale if of_squares else scale)
        down = P.dtype.type(-alphas[epoch])
        at_once = plain and rows == 1
        squares, total = nothing, 0.0
        for s in range(start, start + rows):
            row = order[epoch, s] if order.size else s
            for j in range(0, n_in, lanes):
                store(H, j, load_first(width, x, row * n_in + j, n_in - j))
            q = _forward(width, several, P, sizes, codes, cost, H, Z)
            target = y[row * n_out : (row + 1) * n_out]
            sum_of_targets = P.dtype.type(0)
            if not of_squares:
                total += value(cost, H[q : q + n_out], Z[:n_out], target)
                for i in range(n_out):
                    sum_of_targets += factor * target[i]
            for v in range(0, _row(width, several, n_out), lanes):
                h, t = load(width, H, q + v), load_first(width, target, v, n_out - v)
                error = _less(h, t)
                slope = _times(error, factor)  # 0 past the last node
                if of_squares:
                    squares = _multiply_add(error, error, squares)
                    slope = _back_through(codes[-1], h, slope)
                elif cost == CROSS_ENTROPY:
                    slope = first(_through_softmax_and_cost(h, t, sum_of_targets, factor), n_out - v)
                store(delta, v, slope)
            if of_squares and codes[-1] == SOFTMAX:
                _back_through_softmax(width, H, q, delta, n_out)
            _add_gradient(width, several, P, G, sizes, codes, at_once, down, H, q, delta, below)
        if of_squares:
            store(below, 0, squares)
            for i in range(lanes):
                total += half * below[i]
        costs[update] = total * scale
        if l1 or l2:
            costs[update] += _add_penalties(width, several, P, G, sizes, l1, l2)
        if not plain:
            step(P, G, alphas[epoch], state, 0, rule, rule.t + update + 1)
        if not at_once:
            for p in range(0, P.size, lanes):
                if plain:
                    _add_to(width, P, p, load(width, G, p), down)
                store(G, p, nothing)
        start += rows
        if start == m:
            start = 0
            epoch += 1


@kernel()
def run_updates(width, several, theta, layout, objective, X, Y, order, batch, alphas, rule, state, costs):
    """What `training.run_updates` does, for a network that fits, on registers of this width; see `registers`.

    several: a tuple of one, if a register holds any layer after the input, and else of two, for a compilation each. P,
    G and H have registers for each row, filled up with zeros. A sample costs a function of registers and n
    multiplications of them forward for each layer of n inputs, and twice as many back.
    """
    sizes, codes = layout
    bias = codes[0] == 1
    size, widest, total = 0, 0, _row(width, (0, 0), sizes[0])
    for layer in range(sizes.size - 1):
        row = _row(width, several, sizes[layer + 1])
        size += (sizes[layer] + 1) * row
        widest, total = max(widest, row), total + row
    heap = open_heap()
    P, G, packed = zeroed(heap, size, X.dtype), zeroed(heap, size, X.dtype), zeroed(heap, (len(state), size), X.dtype)
    H, Z = zeroed(heap, total, X.dtype), zeroed(heap, widest, X.dtype)
    delta, below = zeroed(heap, widest, X.dtype), zeroed(heap, widest, X.dtype)
    _pack(width, several, theta, sizes, bias, False, P)
    for i in range(len(state)):
        _pack(width, several, state[i], sizes, bias, False, packed[i])
    data = X.reshape(X.size), Y.reshape(Y.size), order, order.shape[1] if order.size else X.shape[0]
    rule = Rule(*rule)
    _updates(width, several, P, G, layout, objective, data, batch, alphas, rule, packed, H, Z, delta, below, costs)
    _pack(width, several, theta, sizes, bias, True, P)
    for i in range(len(state)):
        _pack(width, several, state[i], sizes, bias, True, packed[i])
    close_heap(heap)
