"""Training networks so small that a layer fits into a few vector registers.

The results are those of `training`; here, an update takes only as long as its arithmetic, whereas calls would take
several times as long.
"""

import itertools
from typing import Any

import numpy as np

from samenet.fast.kernels import few_nodes
from samenet.fast.kernels.activations import CROSS_ENTROPY, SOFTMAX, SQUARED_ERROR, SUM_OF_SQUARES
from samenet.fast.kernels.adaptive import total_weight
from samenet.fast.kernels.codegen.compiling import kernel
from samenet.fast.kernels.codegen.memory import open_heap, zeroed
from samenet.fast.kernels.codegen.microkernels import flat, rows_at
from samenet.fast.kernels.codegen.registers import first, load, load_first, store
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.costs import apply_cost, value
from samenet.fast.kernels.dropout import draw
from samenet.fast.kernels.sparse_input import LEAST, all_finite
from samenet.fast.kernels.steps import DESCENT, Rule, step
from samenet.fast.kernels.tiny_layers import (
    add_gradient,
    add_to,
    back_through,
    back_through_softmax,
    forward,
    less,
    multiply_add,
    pack,
    penalty,
    row_length,
    row_of,
    through_softmax_and_cost,
    times,
)
from samenet.model import functions

# The functions that `tiny_layers` supports; networks with others are trained like larger ones.
_KNOWN = {
    *("sigmoid", "tanh", "relu", "identity", "softmax"),
    *("squared_error", "sum_of_squares", "binary_cross_entropy", "cross_entropy"),
}
# Limits up to which this is faster, as measured: inputs, since zeros among many are worth skipping; the work of an
# update with one row; the same for rules with state, which `training` does not copy if there is one update. Work is
# counted in multiplications of registers. With `LEAST` inputs, `training` takes the step with the gradient, so that
# half of the work is too much.
_INPUTS, _ONLINE, _WITH_STATE = 512, 2800, 1000
# The work of all rows, if there are more, and that of a row besides its multiplications, which is less without a hidden
# layer; and the work of a softmax, or of logarithms in the cost.
_BATCH, _LINEAR, _LOGARITHMS = (360, 22), (290, 10), 28
_SHORT, _SAMPLE = 40, 5  # the same for networks that `few_nodes` trains, and the work of a row besides its inputs


def registers(model: Any) -> int:
    """1 if one register holds any layer after the input, otherwise 2 (several)."""
    return 1 if max(model.sizes[1:]) * model.dtype.itemsize <= REGISTER else 2


def widest(itemsize: int) -> tuple[tuple[int, ...], ...]:
    """The first arguments of `run_updates` that suit every network: with options, one compilation serves all."""
    return (0,) * (REGISTER // itemsize), (0, 0)


def fits(model: Any, batch_size: int, has_state: bool = False) -> bool:
    """Whether this module should train a model with this batch size, by a rule that has state or none."""
    if not _KNOWN.issuperset((*model.activations, model.cost_function)):
        return False
    sizes, lanes = model.sizes, REGISTER // model.dtype.itemsize
    if few_nodes.fits(sizes, model.dtype.itemsize):
        return bool(batch_size * (_SAMPLE + sizes[0]) <= _SHORT)
    work = sum(n * -(-k // lanes) for n, k in itertools.pairwise(sizes))
    if sizes[0] > _INPUTS or work * (1 + (sizes[0] >= LEAST)) > (_WITH_STATE if has_state else _ONLINE):
        return False
    most, row = _LINEAR if len(sizes) == 2 else _BATCH
    if "softmax" in model.activations or model.cost_function in functions.MADE_FOR:
        row += _LOGARITHMS
    return batch_size == 1 or bool(batch_size * (row + work) <= most)


@kernel()
def _fill_masks(width, several, dropout, sample, sizes, masks):
    """The factors of the hidden nodes for a sample of the call."""
    thresholds, factors, key, first = dropout
    place, i = row_of(width, (0, 0), sizes[0]), 0
    for layer in range(1, sizes.size - 1):
        k, number = sizes[layer], (first + sample) * factors.size + i + 1
        draw(masks[place : place + k], key, number, 1, thresholds[i : i + k], factors[i : i + k])
        place += row_of(width, several, k)
        i += k


@kernel()
def _updates(
    width, several, P, G, layout, objective, data, batch, alphas, rule, state, workspace, costs, dropout, weights
):
    """Make all updates; see `run_updates`. dropout, weights: None, or as in `run_updates_with`."""
    batch_size, mean = batch
    sizes, codes = layout[0], layout[1]
    cost, l1, l2 = objective
    x, y, order, m = data
    H, D, masks, Z, delta, below = workspace
    n_in, n_out, lanes = sizes[0], sizes[-1], len(width)
    plain = rule.code == DESCENT and rule.clip_value == rule.clip_norm == np.inf
    of_squares = cost in (SQUARED_ERROR, SUM_OF_SQUARES)
    nothing = load_first(width, P, 0, 0)
    half = 1.0 if cost == SUM_OF_SQUARES else 0.5
    start = epoch = 0
    for update in range(costs.size):
        rows = min(batch_size, m - start)
        share, total_share = 1.0 / rows if mean else 1.0, 1.0
        down = P.dtype.type(-alphas[epoch])
        at_once = plain and l1 == 0 and l2 == 0 and rows == 1
        if weights is not None and weights.size and mean:
            total_share = total_weight(weights, order, epoch, start, rows)
        squares, total = nothing, 0.0
        for s in range(start, start + rows):
            row = order[epoch, s] if order.size else s
            if weights is not None and weights.size:
                share = weights[row] / total_share
                if P.dtype.type(share) == 0.0:  # in the dtype, as in `adaptive.weigh_rows`
                    continue
            if dropout is not None and masks.size:
                _fill_masks(width, several, dropout, epoch * m + s, sizes, masks)
            factor = P.dtype.type(2.0 * half * share if of_squares else share)
            for j in range(0, n_in, lanes):
                store(D, j, load_first(width, x, row * n_in + j, n_in - j))
            q = forward(width, several, P, sizes, codes, cost, H, D, masks, Z)
            target = y[row * n_out : (row + 1) * n_out]
            sum_of_targets = P.dtype.type(0)
            if not of_squares:
                if cost == CROSS_ENTROPY:  # of sums, which become h
                    h = H[q : q + n_out]
                    total += share * apply_cost(cost, SOFTMAX, h, target, n_out, 0.0, h[:0], 0.0)
                else:
                    total += share * value(cost, Z[:n_out], target)
                for i in range(n_out):
                    sum_of_targets += factor * target[i]
            for v in range(0, row_of(width, several, n_out), lanes):
                h, t = load(width, H, q + v), load_first(width, target, v, n_out - v)
                error = less(h, t)
                slope = times(error, factor)  # 0 past the last node
                if of_squares:
                    squares = multiply_add(error, slope, squares)
                    slope = back_through(codes[-1], h, slope)
                elif cost == CROSS_ENTROPY:
                    slope = first(through_softmax_and_cost(h, t, sum_of_targets, factor), n_out - v)
                store(delta, v, slope)
            if of_squares and codes[-1] == SOFTMAX:
                back_through_softmax(width, H, q, delta, n_out)
            add_gradient(width, several, P, G, sizes, codes, at_once, down, H, D, masks, q, delta, below)
        if of_squares:
            store(below, 0, squares)
            for i in range(lanes):
                total += 0.5 * below[i]
        costs[update] = total
        if l1 or l2:
            costs[update] += penalty(lanes, len(several) > 1, P, G, sizes, l1, l2)
        if not plain:
            step(P, G, alphas[epoch], state, 0, rule, rule.t + update + 1)
        if not at_once:
            for p in range(0, P.size, lanes):
                if plain:
                    add_to(width, P, p, load(width, G, p), down)
                store(G, p, nothing)
        start += rows
        if start == m:
            start = 0
            epoch += 1


@kernel()
def _memory(heap, lanes, several, theta, layout, states):
    """Memory for P, G, the packed state, H, Z, and delta of two layers; zeros, which remain in the padding."""
    sizes = layout[0]
    size, widest, total = 0, 0, row_length(lanes, True, sizes[0])
    for layer in range(sizes.size - 1):
        row = row_length(lanes, several, sizes[layer + 1])
        size += (sizes[layer] + 1) * row
        widest, total = max(widest, row), total + row
    numbers = zeroed(heap, (2 + states) * size + total + 3 * widest, theta.dtype)
    H, more = numbers[(2 + states) * size :], numbers[(2 + states) * size + total :]
    P, G, packed = numbers[:size], numbers[size : 2 * size], rows_at(numbers, 2 * size, states, size)
    return P, G, packed, H[:total], more[:widest], more[widest : 2 * widest], more[2 * widest :]


@kernel()
def _pack(lanes, several, theta, state, layout, back, P, packed):
    """Pack the parameters and the state into registers, or copy them back."""
    sizes, bias = layout[0], layout[1, 0] == 1
    pack(lanes, several, theta, sizes, bias, back, P)
    for i in range(len(state)):
        pack(lanes, several, state[i], sizes, bias, back, packed[i])


@kernel()
def _each(
    width, several, dropout, keys, weights, thetas, layout, objective, X, Y, orders, batch, alphas, rule, states, costs
):
    """The updates of each network. dropout, keys, weights: None, or as in `run_updates_with`."""
    heap, lanes, is_wider = open_heap(), len(width), len(several) > 1
    number = len(thetas)
    count, updates = len(states) // number, costs.size // number
    P, G, packed, H, Z, delta, below = _memory(heap, lanes, is_wider, thetas, layout, count)
    D, masks = H, H[:0]
    if dropout is not None:
        masks = zeroed(heap, H.size if dropout[0].size else 0, H.dtype)
        D = zeroed(heap, H.size, H.dtype) if masks.size else H
    m = orders.shape[1] if orders.size else X.shape[0]
    finite = True
    for i in range(number):
        state, start = states[i * count : (i + 1) * count], i * alphas.size % max(1, len(orders))
        _pack(lanes, is_wider, thetas[i], state, layout, False, P, packed)
        data = flat(X), flat(Y), orders[start : start + alphas.size], m
        given = P, G, layout, objective, data, batch, alphas, Rule(*rule), packed
        of_one = dropout
        if keys is not None and keys.size:
            of_one = dropout[0], dropout[1], keys[i], dropout[3]
        of_call = (H, D, masks, Z, delta, below), costs[i * updates : (i + 1) * updates], of_one, weights
        _updates(width, several, *given, *of_call)
        _pack(lanes, is_wider, thetas[i], state, layout, True, P, packed)
        finite = finite and all_finite(thetas[i])
    return finite


@kernel(full=True)
def run_updates(width, several, thetas, layout, objective, X, Y, orders, batch, alphas, rule, states, costs):
    """The updates of `training.run_updates`, for networks that fit, with registers of this width; see `registers`.

    thetas: (networks, parameters); each network has as many rows of states, and numbers of costs. orders: the rows of
    each network, or those of all. several: a tuple of length `registers(model)`, so that each has its own compilation.
    Rows of P, G and H are zero-padded to whole registers. Per sample, a layer of n inputs takes n multiplications of
    registers and one activation function forward, and twice as many multiplications backward. Returns whether all
    parameters are finite afterwards.
    """
    given = thetas, layout, objective, X, Y, orders, batch, alphas, rule, states, costs
    return _each(width, several, None, None, None, *given)


@kernel(full=True)
def run_updates_with(
    dropout, keys, weights, width, several, thetas, layout, objective, X, Y, orders, batch, alphas, rule, states, costs
):
    """The same with dropout, see `dropout_type`, or sample weights; what is not used is empty.

    keys: of the masks of each network, in place of the one in dropout; or empty.
    """
    given = thetas, layout, objective, X, Y, orders, batch, alphas, rule, states, costs
    return _each(width, several, dropout, keys, weights, *given)
