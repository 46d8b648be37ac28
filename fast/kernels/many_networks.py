"""Training many similar networks, with one network in each lane of the registers.

Each number of a network becomes a register that holds this number for as many networks as there are lanes, so no lane
is idle when a layer is narrow. Samples that all networks share stay numbers. All layers, the gradient and the step are
computed for all networks at once, in `network_lanes`, `cost_lanes` and `parameter_lanes`. Every sum has the same order
as when networks are trained one by one, so the bits are the same.
"""

import numpy as np
from numba import boolean, float64, int64, types

from samenet.fast.kernels import adaptive, cost_lanes, few_nodes, network_lanes, parameter_lanes, training
from samenet.fast.kernels.activations import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, IDENTITY, SOFTMAX
from samenet.fast.kernels.by_address import are_well, move
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.memory import empty, open_heap, zeroed
from samenet.fast.kernels.codegen.microkernels import flat
from samenet.fast.kernels.codegen.registers import full_width
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.kernels.costs import apply_cost, values_in_lanes
from samenet.fast.kernels.dropout import HALF, MaskedWeights, products
from samenet.fast.kernels.forward import block_rows, most_rows
from samenet.fast.kernels.gemm import transposed
from samenet.fast.kernels.packing import copy, nodes
from samenet.fast.kernels.steps import RULE, Rule, step

# The fewest rows of a pass; bytes of activations that leave room for weights in the cache.
_LEAST, _CACHED = 16, 1 << 14


def lanes_of(dtype: np.dtype) -> int:
    """The number of networks trained together."""
    return REGISTER // dtype.itemsize


def _workspace(f):
    return types.Tuple((*(f[::1],) * 9, f[:, ::1], float64[::1], f[::1], *(float64[::1],) * 2, f[::1], float64[::1]))


@kernel(inlined=True)
def _pass(across, theta, layout, cost, data, weights, epoch, first, whole, piece, scale, G, workspace, values):
    """Unless it is empty, G := the gradient over the rows; values := the sums of their costs.

    Costs are added in pieces of `piece` rows, as when one network is trained. A few rows pass through all layers
    together, so that their activations stay in the L1 cache. across: see `network_lanes.backward`; the costs of tiny
    networks' batches are means or sums already, and so are costs with weights, which the totals divide.
    """
    width, (X, Y, order, dropout) = full_width(theta), data
    H, D, masks, delta, out, y, inputs, squares, zeros, gathered, sums, _, more, shares, scales, totals = workspace
    sizes, code = layout[0], layout[1, -1]
    n_in, n_out, lanes = sizes[0], sizes[-1], len(width)
    total, _ = nodes(sizes)
    most, rows_of_delta = inputs.size // (n_in * lanes), delta.size // (total * lanes)
    is_tiny, is_shared = across > 0 and G.size > 0, len(order) <= 1
    is_entropy, is_binary = cost == CROSS_ENTROPY, cost == BINARY_CROSS_ENTROPY
    is_softmax = code == SOFTMAX and not is_entropy
    powers, of_row = flat(gathered)[: n_out * lanes], flat(gathered)[n_out * lanes :]  # free between calls of `gather`
    for r in range(values.size):
        values[r] = 0.0
    is_weighed = weights.size > 0
    for begin in range(0, whole, piece):
        end = min(begin + piece, whole)
        if is_tiny or is_weighed:
            shared = order, epoch, first + begin, end - begin, totals, scale, shares, scales
            cost_lanes.share(lanes, is_tiny, cost, weights, *shared)
        for start in range(begin, end, most):
            rows, done = min(most, end - start), start - begin
            x, x_0, row, column = inputs, 0, n_in, 1
            if order.size == 0:
                x, x_0 = flat(X), (first + start) * n_in
            elif is_shared:
                for s in range(rows):
                    copy(X[order[0, epoch, first + start + s]], inputs[s * n_in : (s + 1) * n_in])
            else:
                network_lanes.gather(width, X, order, epoch, first + start, rows, gathered, inputs)
                row, column = n_in * lanes, lanes
            of_inputs = x, x_0, row, column
            a, b = done * n_out * lanes, (done + rows) * n_out * lanes
            network_lanes.gather(width, Y, order, epoch, first + start, rows, gathered, y[a:b])
            factors = masks[: rows * (total - n_out) * lanes if G.size and masks.size else 0]
            of_hidden = H, D if factors.size else H, factors
            if factors.size:
                network_lanes.draw_masks(width, dropout, epoch * len(X) + first + start, rows, gathered, factors)
            network_lanes.forward(width, across, theta, layout, of_inputs, is_shared, rows, *of_hidden, out[a:b], zeros)
            d = rows_of_delta * (total - n_out) * lanes + a
            slopes, s = delta[d : d + (b - a if G.size else 0)], done * lanes if is_weighed else 0
            of_rows = shares[s:], scales[s : s + (rows if is_weighed else 1) * lanes]
            if is_entropy:
                if done == 0:
                    sums[:] = 0.0
                memory = of_rows, powers, of_row, sums, slopes
                cost_lanes.cross_entropies(width, is_tiny, is_weighed, out[a:b], y[a:b], n_out, scale, *memory)
            elif is_tiny:
                if is_binary:
                    cost_lanes.add_values(cost, out[a:b], y[a:b], n_out, of_rows[0], is_weighed, sums, values)
                cost_lanes.tiny_outputs(
                    width, across, layout, cost, out[a:b], y[a:b], of_rows[1], squares, start == 0, slopes
                )
            elif G.size:
                if is_softmax:
                    cost_lanes.activate(width, code, out[a:b], n_out)
                apply_cost(cost, IDENTITY if is_softmax else code, out[a:b], y[a:b], n_out, scale, slopes, 0.0)
            elif not is_binary:
                cost_lanes.activate(width, code, out[a:b], n_out)
            if G.size and is_softmax:
                cost_lanes.back_through(width, is_tiny, code, out[a:b], slopes, n_out, more, of_row)
            if G.size and is_weighed and not is_tiny:
                cost_lanes.weigh(width, of_rows[1], slopes)
            if G.size:
                given = width, across, theta, layout, of_inputs, is_shared, rows, *of_hidden, delta
                network_lanes.backward(*given, done, rows_of_delta, zeros, G, start == 0, (more, of_row))
        if is_entropy or not is_tiny:
            b = (end - begin) * n_out * lanes
            if is_weighed and not is_entropy:
                more[:] = 0.0
                cost_lanes.add_values(cost, out[:b], y[:b], n_out, shares, is_weighed, sums, more)
            elif not is_entropy:
                values_in_lanes(cost, out[:b], y[:b], sums)
            found = more if is_weighed and not is_entropy else sums
            for r in range(values.size):
                values[r] += found[r]
        if G.size and layout[1, 0]:  # afterwards, because `sums` is used again
            network_lanes.add_biases(width, across, layout, end - begin, delta, rows_of_delta, sums, begin == 0, G)
    for r in range(values.size if is_tiny and not (is_entropy or is_binary) else 0):
        squared = 0.0
        for i in range(across):
            squared += 0.5 * squares[i * lanes + r]
        values[r] = squared


@external(
    lambda f: (
        *(int64, f[::1], f[:, ::1], int64[:, ::1], types.Tuple((int64, float64, float64))),
        types.Tuple((*(f[:, ::1],) * 2, int64[:, :, ::1], types.Tuple((int64[::1], f[::1], int64[::1])))),
        types.Tuple((*(float64[::1],) * 2, int64[::1], *(f[::1],) * 3)),
        *(types.Tuple((int64, boolean)), float64[::1], RULE, int64, f[::1], _workspace(f), *(float64[:, ::1],) * 2),
    )
)
def _updates(
    across, theta, state, layout, aim, data, more, batch, alphas, rule, record_every, G, workspace, costs, recorded
):
    """All updates of the networks in the lanes; see `run_updates`. aim: the objective. more: the first four as there,
    and memory for the masks of weights and the masked parameters.
    """
    (X, Y, order, dropout), (batch_size, mean), (cost, l1, l2) = data, batch, aim
    weights, of_records, thresholds, factors, masks, masked = more
    m, most, lanes, memory = len(X), most_rows(layout[0]), across, (workspace[10], workspace[11], workspace[12])
    width, totals, is_weighed = full_width(theta), workspace[15], weights.size > 0
    if across == 0:  # as in `training.run`
        is_short = few_nodes.fits(layout[0], theta.itemsize) and not (is_weighed or masks.size)
        lanes = 1 if is_short else REGISTER // theta.itemsize
    unclipped = rule
    if rule.clip_norm < np.inf:
        unclipped = Rule(rule.code, rule.beta1, rule.beta2, rule.epsilon, np.inf, np.inf, rule.t)
    updates = -(-m // batch_size)  # of an epoch
    for update in range(costs.shape[1]):
        epoch, first = update // updates, update % updates * batch_size
        whole = min(batch_size, m - first)
        is_recorded = recorded.size and first == 0 and epoch % record_every == 0
        for is_update in range(0 if is_recorded else 1, 2):  # before it, the costs of all samples, which take no step
            begin, rows, scale, piece = first, whole, 1.0 / whole if mean else 1.0, block_rows(whole, most)
            given, g, values, tiny, used, shared = order, G, costs[:, update], across, theta, weights
            totals[:] = 1.0
            if is_update == 0:
                begin, rows, scale, piece, shared = 0, m, 0.0, most, of_records
                given, g, values, tiny = order[:0], G[:0], recorded[:, epoch // record_every], 0
            elif masks.size:
                given_keys = thresholds, factors, dropout[2], update, workspace[9], masks
                parameter_lanes.mask_weights(width, layout, *given_keys)
                products(masked, theta, masks)
                used = masked
            if is_update and is_weighed and mean:
                cost_lanes.add_weights(weights, order, epoch, first, whole, totals)
            scale = 1.0 if is_weighed else scale
            of_rows = (X, Y, given, dropout), shared, epoch, begin, rows, piece, scale
            _pass(tiny, used, layout, cost, *of_rows, g, workspace, values)
            if is_update and masks.size:
                products(G, G, masks)
            for r in range(values.size if mean and not is_weighed else 0):
                if is_update == 0:
                    values[r] *= 1.0 / m
                elif across == 0:
                    values[r] /= rows
            if l1 or l2:
                of_all = width, layout, across, lanes if is_update else 1, theta
                parameter_lanes.add_penalties_of_each(*of_all, l1, l2, g, *memory, values)
        if rule.clip_norm < np.inf:
            limits, memory_of_clip = (rule.clip_value, rule.clip_norm), (workspace[11], workspace[12], workspace[9][0])
            parameter_lanes.clip_each(width, layout, across, lanes, G, *limits, *memory_of_clip)
        step(theta, G, alphas[epoch], state, 0, unclipped, rule.t + update + 1)


@kernel(light=True)
def run_updates(
    across, vectors, thetas, states, layout, aim, data, more, batch, alphas, rule, record_every, limit, costs, recorded
):
    """Make as many updates of each network as `costs` has columns; the results are those of `training`.

    across: 0, or for networks that fit `tiny_network`, whose results they have, the lanes of its registers.
    vectors: the parameters, see `by_address`; thetas: those after the updates, (networks, parameters). states: the
    number of the rule's state arrays; they start at 0. data: X, Y, orders (networks, epochs, m), or (1, epochs, m) for
    all, or empty to use the rows as they are; and dropout, the thresholds, factors and keys of
    `samenet.backends.dropout`, a key for each network, or for all, or none. more: the samples' weights, all above 0,
    for updates and for records; DropConnect, the threshold and the factor of each layer; what is not used is empty.
    batch: its size, and whether the gradient is divided by it. recorded: (networks, records), the cost over all samples
    before every epoch that is a multiple of `record_every`; or empty. alphas, rule, and aim, the objective, see
    `training.run_updates`, are the same for all.
    Returns whether all went well, see `by_address.are_well`.
    """
    (X, Y, orders, dropout), penalized = data, aim[1] != 0 or aim[2] != 0
    sizes, rule = layout[0], Rule(*rule)
    number, size = thetas.shape
    m, n_out = len(X), Y.shape[1]
    lanes = REGISTER // thetas.itemsize
    total, _ = nodes(sizes)
    rows = max(_LEAST, _CACHED // ((sizes[0] + total) * REGISTER) // _LEAST * _LEAST)  # in a pass
    most = min(m, most_rows(sizes))
    heap, hidden = open_heap(), total - n_out
    masked = rows * hidden if dropout[0].size else 0
    thresholds, factors = empty(heap, masked, np.int64), empty(heap, masked, X.dtype)
    for i in range(masked):
        thresholds[i], factors[i] = dropout[0][i % hidden], dropout[1][i % hidden]
    H, delta = empty(heap, rows * hidden * lanes, X.dtype), empty(heap, most * total * lanes, X.dtype)
    D, masks = empty(heap, masked * lanes, X.dtype), empty(heap, masked * lanes, X.dtype)
    out, y = empty(heap, most * n_out * lanes, X.dtype), empty(heap, most * n_out * lanes, X.dtype)
    inputs = empty(heap, rows * sizes[0] * lanes, X.dtype)
    of_weights = size if more[2].size else 0  # their masks
    gathered = empty(heap, (lanes, max(rows * max(sizes[0], n_out), masked, of_weights)), X.dtype)
    squares, zeros = empty(heap, across * lanes, X.dtype), zeroed(heap, lanes, X.dtype)
    group, G = zeroed(heap, (size, lanes), X.dtype), empty(heap, size * lanes, X.dtype)
    each = lanes * (most if more[0].size else 1)
    shares, factors_of_rows = empty(heap, each, np.float64), empty(heap, each, X.dtype)
    masks_of_weights = empty(heap, of_weights * lanes, X.dtype)
    masked_weights = empty(heap, of_weights * lanes, X.dtype)
    theta, state, sums = flat(group), zeroed(heap, (states, group.size), X.dtype), empty(heap, lanes, np.float64)
    most = (size + total) * lanes * (lanes + 1) if penalized or rule.clip_norm < np.inf else 0  # P, each row padded
    terms, values, totals = empty(heap, most, X.dtype), empty(heap, lanes, np.float64), empty(heap, lanes, np.float64)
    of_rows = sums, terms, values, shares, factors_of_rows, totals
    workspace = H, D, masks, delta, out, y, inputs, squares, zeros, gathered, *of_rows
    of_all = *more, masks_of_weights, masked_weights
    well = True
    for first in range(0, number, lanes):
        count = min(lanes, number - first)
        of_group, of_costs = thetas[first : first + count], costs[first : first + count]
        move(vectors[first : first + count], True, of_group)
        transposed(of_group, group)
        for p in range(size):  # in lanes of no network copies of the first: zeros could become subnormal, and so slow
            for r in range(count if first == 0 else lanes, lanes):
                group[p, r] = group[p, 0]
        state[:] = 0
        order = orders[first : first + count] if len(orders) > 1 else orders
        keys = dropout[2][first : first + count] if len(dropout[2]) > 1 else dropout[2]
        given = layout, aim, (X, Y, order, (thresholds, factors, keys)), of_all, batch, alphas, rule, record_every
        _updates(across, theta, state, *given, G, workspace, of_costs, recorded[first : first + count])
        transposed(group[:, :count], of_group)
        well = well and are_well(of_group, of_costs, limit)
    return well


@kernel(light=True)
def run_each(thetas, P, layout, bias, objective, data, batch, alphas, rule, states, costs, memory, keys, more):
    """`training.run_updates` of several networks whose parameters are packed, one after the other in this thread.

    thetas: (networks, parameters); each network has as many rows of states, and numbers of costs. The order in data:
    the rows of each network, or those of all. memory: G, values and the queue; more: what follows the queue. keys: of
    the masks of each network, in place of those in dropout and DropConnect; or empty.
    """
    (X, Y, orders, dropout), (G, values, queue), (drop_connect, weights, sampled) = data, memory, more
    number, (thresholds, factors, key, first), connect = len(thetas), dropout, MaskedWeights(*drop_connect)
    count, updates, of_connect, last = len(states) // number, costs.size // number, 0, adaptive.Sampled(*sampled)
    for i in range(number):
        queue[:] = 0
        if keys.size:
            key, of_connect = keys[i], keys[i] + HALF
        masked = MaskedWeights(connect.thresholds, connect.factors, of_connect, *connect[3:])
        start, model = i * alphas.size % max(1, len(orders)), (thetas[i], P, layout, bias)
        given = X, Y, orders[start : start + alphas.size], (thresholds, factors, key, first)
        state, of_one = states[i * count : (i + 1) * count], costs[i * updates : (i + 1) * updates]
        of_call = alphas, Rule(*rule), state, of_one, (G, values, queue), True, masked, weights, last
        training.run(model, objective, given, batch, *of_call)
