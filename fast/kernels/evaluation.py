"""The cost of many samples, and their output, in blocks that threads share."""

import numpy as np

from samenet.fast.kernels.codegen.compiling import kernel
from samenet.fast.kernels.codegen.memory import empty, open_heap, zeroed
from samenet.fast.kernels.codegen.microkernels import flat, rows_at
from samenet.fast.kernels.costs import apply_cost, weigh
from samenet.fast.kernels.forward import forward, most_rows, nonzero_workspace
from samenet.fast.kernels.lanes import forward_in_lanes, lanes_length
from samenet.fast.kernels.packing import copy, nodes, pack
from samenet.fast.kernels.parallel import add_tasks, finish_task, next_task, own, wait_for_all, wait_for_tasks
from samenet.fast.kernels.penalties import penalty
from samenet.fast.kernels.sparse_input import all_finite


@kernel()
def _each_block(model, cost, X, Y, out, H, workspace, lanes, values, queue, is_coordinator, factors):
    """Claim blocks while there are any, and compute their outputs and costs; see `evaluate`.

    workspace: for `forward`; lanes: for `forward_in_lanes`, unless it is empty. H: the hidden layers, if `forward` is
    to store them, then the output of a helper, which does not yet know whether it will own the block.
    """
    theta, P, layout, bias = model
    (m, n_out), activates, code = out.shape, len(Y) == 0, layout[1, -1]
    most = most_rows(layout[0])
    last = H.size // min(m, most) - n_out  # where the output layer begins in H, for one row
    while is_coordinator or wait_for_tasks(queue):
        block = next_task(queue, values.size, 0 if is_coordinator else -1)
        if block < 0 and is_coordinator:
            return
        if block >= 0:
            start = block * most
            rows = min(most, m - start)
            x = X[start : start + rows]
            answer = flat(out[start : start + rows])
            h = answer if is_coordinator else H[rows * last : rows * (last + n_out)]
            if lanes.size:
                finite = forward_in_lanes(theta, layout, x, lanes, rows_at(h, 0, rows, n_out), activates, h[:0], 0)
            else:
                masks, zeros, used, flags = workspace
                finite = forward(P, True, layout, bias, x, masks, H, h, H, activates, zeros, zeros[:0], used, flags)
            target, result = flat(Y[start : start + rows]), 0.0
            if factors.size:
                result = weigh(cost, code, h, target, n_out, 0.0, factors[start : start + rows], h[:0])
            elif not finite and not all_finite(flat(x)):  # checking every number takes longer than looking at sums
                result = np.nan
            elif len(Y):
                result = apply_cost(cost, code, h, target, n_out, 0.0, h[:0], 0.0)
            if not is_coordinator:
                copy(h[:0], answer[:0])  # so that it is compiled before others wait for the result
            if is_coordinator or own(queue, block, 0):
                values[block] = result
                if not is_coordinator:
                    copy(h, answer)
                finish_task(queue)


@kernel()
def _evaluate(model, objective, X, Y, scale, out, H, workspace, lanes, values, queue, is_coordinator, factors):
    """See `evaluate`, and `_each_block`."""
    cost, l1, l2 = objective
    if is_coordinator:
        add_tasks(queue, values.size)
    _each_block(model, cost, X, Y, out, H, workspace, lanes, values, queue, is_coordinator, factors)
    if not is_coordinator:
        return 0.0, True
    wait_for_all(queue)
    result = 0.0
    for block in range(values.size):
        result += values[block]
    result *= scale
    if (l1 or l2) and len(Y):
        theta, _, layout, _ = model
        result += penalty(theta, theta[:0], layout, 1, l1, l2)
    return result, not np.isnan(result)


@kernel(light=True)
def evaluate(theta, P, layout, bias, objective, X, Y, scale, out, values, queue, is_coordinator, factors):
    """out := the output layer for the rows of X, in blocks that threads share.

    Returns the cost, which is NaN if X is not finite, unless there are factors; and whether it is not NaN. Without rows
    of Y, it is 0 or NaN. values: a number for each block. P: memory for the packed parameters; if it is empty, nothing
    is packed, and samples are in the lanes. factors: the rows' factors, by which their costs are multiplied, unless it
    is empty.
    """
    sizes, dtype, heap, in_lanes = layout[0], theta.dtype, open_heap(), P.size == 0
    total, widest = nodes(sizes)
    rows = min(len(X), most_rows(sizes))
    H = empty(heap, rows * (sizes[-1] if in_lanes else total), dtype)
    lanes = empty(heap, lanes_length(sizes, rows, X) if in_lanes else 0, dtype)
    workspace = empty(heap, (0, 0), dtype), zeroed(heap, widest, dtype), *nonzero_workspace(heap, sizes, theta.itemsize)
    if is_coordinator and not in_lanes:
        pack(theta, sizes, bias, P)
    model, asked = (theta, P, layout, bias), (values, queue, is_coordinator, factors)
    return _evaluate(model, objective, X, Y, scale, out, H, workspace, lanes, *asked)
