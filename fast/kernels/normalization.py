"""Training with batch normalization: layer by layer, each for all rows of the batch.

Equations: `samenet.reference.normalization`. It uses one thread, and parameters are not packed: theta has W (k, n), b
and gamma of one layer after the other. In the forward pass, each W is transposed when it is needed.
"""

import math
from typing import Any, NamedTuple

from samenet.fast.kernels.activations import activate, back_through
from samenet.fast.kernels.backward import weigh
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.memory import empty, open_heap, zeroed
from samenet.fast.kernels.codegen.microkernels import flat, rows_at
from samenet.fast.kernels.codegen.transpose import gather
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.costs import apply_cost
from samenet.fast.kernels.dropout import fill_masks
from samenet.fast.kernels.forward import apply_mask
from samenet.fast.kernels.gemm import product, sum_of_rows, transposed
from samenet.fast.kernels.narrow import errors_below
from samenet.fast.kernels.packing import nodes, packed_matrix, row_length
from samenet.fast.kernels.penalties import add_penalties
from samenet.fast.kernels.steps import Rule, step
from samenet.fast.kernels.training import total_weight, weigh_rows
from samenet.model.functions import EPSILON, MOMENTUM

_MEANS, _VARIANCES, _INVERSE, _DELTA, _PRODUCT, _NO_BIAS = range(6)  # the rows of a layer's `sums`


class _Workspace(NamedTuple):
    """The memory for an update; H, D and N hold layers 2 to L, one after the other."""

    H: Any  # activations
    D: Any  # with dropout, the activations after masking
    N: Any  # the normalized weighted sums, of normalized layers
    masks: Any  # with dropout, the factors of the hidden nodes, (rows, nodes)
    delta: Any  # dJ/dz of a layer
    back: Any  # the same for the layer below
    zeros: Any  # one per node of the widest layer
    WT: Any  # the transposed matrix of a layer
    sums: Any  # for each layer and node: mean, variance, 1 / deviation; means of delta and of delta n; unused
    x: Any  # the rows of a batch, and their targets, if they are not contiguous
    y: Any
    factors: Any  # with sample weights: one per row of the batch


@external(lambda f: (f[:, ::1], *(f[::1],) * 2, *(f[:, ::1],) * 2), "contract")
def _by_batch(Z, gamma, b, N, sums):
    """Z := gamma N + b, N = (Z - mean) / sqrt(variance + EPSILON), with the statistics of each column of Z."""
    m, k = Z.shape
    means, variances, inverse = sums[_MEANS], sums[_VARIANCES], sums[_INVERSE]
    one, count, epsilon = Z.dtype.type(1), Z.dtype.type(m), Z.dtype.type(EPSILON)
    sum_of_rows(Z, means[:k], True)
    for i in range(k):
        means[i] /= count
        variances[i] = 0
    for s in range(m):
        z, n = Z[s], N[s]
        for i in range(k):
            n[i] = z[i] - means[i]
            variances[i] += n[i] * n[i]
    for i in range(k):
        variances[i] /= count
        inverse[i] = one / math.sqrt(variances[i] + epsilon)
    for s in range(m):
        z, n = Z[s], N[s]
        for i in range(k):
            n[i] *= inverse[i]
            z[i] = gamma[i] * n[i] + b[i]


@external(lambda f: (*(f[:, ::1],) * 2, *(f[::1],) * 3, f[:, ::1]), "contract")
def _back(delta, N, gamma, dgamma, db, sums):
    """Replace dJ/dz' by dJ/dz in delta; compute dJ/dgamma and dJ/db."""
    m, k = delta.shape
    inverse, of_delta, of_product, count = sums[_INVERSE], sums[_DELTA], sums[_PRODUCT], delta.dtype.type(m)
    sum_of_rows(delta, db, True)
    for i in range(k):
        dgamma[i] = 0
    for s in range(m):
        row, n = delta[s], N[s]
        for i in range(k):
            dgamma[i] += row[i] * n[i]
    for i in range(k):
        of_delta[i], of_product[i] = db[i] / count, dgamma[i] / count
    for s in range(m):
        row, n = delta[s], N[s]
        for i in range(k):
            row[i] = gamma[i] * inverse[i] * (row[i] - of_delta[i] - n[i] * of_product[i])


@kernel()
def _forward(theta, layout, x, masks, workspace):
    """The activations of all layers, in H; unless it is empty, z receives the `z` of `value`."""
    sizes, codes, normalized = layout[0], layout[1], layout[2]
    H, zeros, rows, bias = workspace.H, workspace.zeros, len(x), codes[0]
    p, q, place, lanes = 0, 0, 0, REGISTER // theta.itemsize
    layer_inputs = x
    for layer in range(sizes.size - 1):
        n, k, last = sizes[layer], sizes[layer + 1], layer == sizes.size - 2
        W, h, sums = rows_at(theta, p, k, n), H[q : q + rows * k], rows_at(H, q, rows, k)
        p += k * n
        b = theta[p : p + k] if bias else zeros[:k]
        if normalized[layer + 1] and rows < k and -rows % lanes < theta.itemsize:  # few rows to transpose
            XT, ZT = packed_matrix(workspace.WT, 0, n, rows), rows_at(workspace.delta, 0, k, rows)
            transposed(layer_inputs, XT)
            product(W, XT, rows_at(zeros, 0, 1, rows), ZT)
            transposed(ZT, sums)
        else:
            start, WT = zeros if normalized[layer + 1] or not bias else b, packed_matrix(workspace.WT, 0, n, k)
            transposed(W, WT)
            product(layer_inputs, WT, rows_at(start, 0, 1, k), sums)
        p += k * bias
        if normalized[layer + 1]:
            _by_batch(sums, theta[p : p + k], b, rows_at(workspace.N, q, rows, k), workspace.sums[layer])
            p += k
        if not last:
            activate(codes[layer + 1], h, k)
        layer_inputs = sums
        if len(masks) and not last:
            layer_inputs = rows_at(workspace.D, q, rows, k)
            apply_mask(masks, place, h, layer_inputs)
            place += k
        q += rows * k


@kernel()
def _gradient(theta, layout, cost, scale, x, y, masks, g, workspace, factors):
    """g := the gradient of scale times the cost's sum over the rows of x; returns that sum.

    factors: those of the rows, or empty.
    """
    sizes, codes, normalized = layout[0], layout[1], layout[2]
    H, zeros, rows, bias = workspace.H, workspace.zeros, len(x), codes[0]
    delta, back = workspace.delta, workspace.back
    _forward(theta, layout, x, masks, workspace)
    total, _ = nodes(sizes)
    p, q, place = theta.size, rows * total, masks.shape[1]
    of_output = cost, codes[-1], H[q - y.size : q], flat(y), sizes[-1], scale
    costs = weigh(*of_output, factors, delta) if factors.size else apply_cost(*of_output, delta, 0.0)
    for layer in range(sizes.size - 2, -1, -1):
        n, k = sizes[layer], sizes[layer + 1]
        q -= rows * k
        deltas, sums = rows_at(delta, 0, rows, k), workspace.sums[layer]
        p -= k * normalized[layer + 1]
        dgamma, gamma = g[p : p + k], theta[p : p + k]
        p -= k * bias
        db = g[p : p + k] if bias else sums[_NO_BIAS][:k]
        if normalized[layer + 1]:
            _back(deltas, rows_at(workspace.N, q, rows, k), gamma, dgamma, db, sums)
        elif bias:
            sum_of_rows(deltas, db, True)
        p -= k * n
        layer_inputs = rows_at(workspace.D if len(masks) else H, q - rows * n, rows, n) if layer else x
        product(deltas.T, layer_inputs, rows_at(zeros, 0, 1, n), rows_at(g, p, k, n))
        if layer:
            errors = rows_at(back, 0, rows, n)
            errors_below(deltas, rows_at(theta, p, k, n), zeros, errors)
            if len(masks):
                place -= n
                apply_mask(masks, place, back, errors)
            back_through(codes[layer], H[q - rows * n :][: rows * n], back[: rows * n], n)
        delta, back = back, delta
    return costs


@kernel()
def _penalty(theta, g, layout, l1, l2):
    """Return l1 sum |W| + l2/2 sum W^2; g += its gradient."""
    sizes, codes, normalized = layout[0], layout[1], layout[2]
    p, total = 0, 0.0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        total += add_penalties(g[p : p + k * n], theta[p : p + k * n], l1, l2)
        p += k * (n + codes[0] + normalized[layer + 1])
    return total


@kernel()
def _move(running, layout, rows, workspace):
    """Move the running means and variances of each layer towards those of a batch of this many rows."""
    sizes, normalized = layout[0], layout[2]
    r = 0
    for layer in range(1, sizes.size):
        k, sums = sizes[layer], workspace.sums[layer - 1]
        if normalized[layer]:
            for i in range(k):
                variance = sums[_VARIANCES, i] * rows / (rows - 1)
                running[r + i] = (1 - MOMENTUM) * running[r + i] + MOMENTUM * sums[_MEANS, i]
                running[r + k + i] = (1 - MOMENTUM) * running[r + k + i] + MOMENTUM * variance
            r += 2 * k


@kernel()
def _updates(theta, running, layout, objective, data, batch, alphas, rule, state, costs, g, workspace, weights):
    """Make all updates; see `run_updates`."""
    X, Y, order, dropout = data
    batch_size, mean = batch
    cost, l1, l2 = objective
    m = order.shape[1] if order.size else len(X)
    updates = -(-m // batch_size)
    for update in range(costs.size):
        epoch, start = update // updates, update % updates * batch_size
        rows = min(batch_size, m - start)
        x, y = X[start : start + rows], Y[start : start + rows]
        scale, factors = 1.0 / len(x) if mean else 1.0, workspace.factors[:0]
        if weights.size:
            scale, factors = 1.0, workspace.factors[:rows]
            divisor = total_weight(weights, order, epoch, start, rows) if mean else 1.0
            weigh_rows(factors, weights, order, epoch, start, divisor)  # all rows count in the statistics
        if order.size:
            x, y = workspace.x[:rows], workspace.y[:rows]
            gather(X, order[epoch, start : start + rows], x)
            gather(Y, order[epoch, start : start + rows], y)
        masks = workspace.masks[:rows]
        fill_masks(dropout, epoch * m + start, masks)
        costs[update] = scale * _gradient(theta, layout, cost, scale, x, y, masks, g, workspace, factors)
        if l1 or l2:
            costs[update] += _penalty(theta, g, layout, l1, l2)
        if alphas.size == 0:
            return
        t = rule.t + update + 1
        step(theta, g, alphas[epoch], state, 0, rule, t)
        _move(running, layout, rows, workspace)


@kernel()
def fold(theta, running, layout, flat):
    """flat := the parameters of `samenet.backends.normalization.folded`, which has biases."""
    sizes, codes, normalized = layout[0], layout[1], layout[2]
    p, q, r, bias, number = 0, 0, 0, codes[0], theta.dtype.type
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        b, gamma = p + k * n, p + k * (n + bias)
        for i in range(k):
            factor, shift = number(1), theta[b + i] if bias else number(0)
            if normalized[layer + 1]:
                factor = theta[gamma + i] / math.sqrt(running[r + k + i] + number(EPSILON))
                shift -= factor * running[r + i]
            for j in range(i * n, i * n + n):
                flat[q + j] = factor * theta[p + j]
            flat[q + k * n + i] = shift
        p, q, r = gamma + k * normalized[layer + 1], q + k * (n + 1), r + 2 * k * normalized[layer + 1]


@kernel(light=True)
def run_updates(theta, running, layout, objective, data, batch, alphas, rule, state, costs, g, weights):
    """Make as many updates as `costs` is long; theta and the running statistics change in place.

    layout: rows of sizes, activations, and flags of normalized layers. g: memory for the gradient; if there are no
    alphas, it is only computed, and no step is taken. weights: the samples' weights, or empty. The rest: see
    `samenet.fast.kernels.training.run_updates`.
    """
    X, Y, order, dropout = data
    batch_size, _ = batch
    sizes = layout[0]
    total, widest = nodes(sizes)
    most, drops, dtype = min(batch_size, max(len(X), order.size)), dropout[1].size > 0, theta.dtype
    length = 0
    for layer in range(sizes.size - 1):
        length = max(length, sizes[layer] * row_length(sizes[layer + 1], REGISTER // theta.itemsize))
    heap = open_heap()
    H, N = empty(heap, most * total, dtype), empty(heap, most * total, dtype)
    D, masks = (
        empty(heap, most * total if drops else 0, dtype),
        empty(heap, (most if drops else 0, total - sizes[-1]), dtype),
    )
    delta, back = empty(heap, most * widest, dtype), empty(heap, most * widest, dtype)
    zeros, sums = zeroed(heap, max(widest, sizes[0]), dtype), zeroed(heap, (sizes.size - 1, 6, widest), dtype)
    weighed, gathered = most if weights.size else 0, most if order.size else 0
    x, y = empty(heap, (gathered, X.shape[1]), dtype), empty(heap, (gathered, Y.shape[1]), dtype)
    factors = empty(heap, weighed, dtype)
    workspace = _Workspace(H, D, N, masks, delta, back, zeros, zeroed(heap, length, dtype), sums, x, y, factors)
    of_updates = alphas, Rule(*rule), state, costs, g, workspace, weights
    _updates(theta, running, layout, objective, data, batch, *of_updates)
