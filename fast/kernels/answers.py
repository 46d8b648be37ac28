"""What a backend asks of the kernels forward: the output of one sample or of many, all layers, and the cost."""

import numpy as np

from samenet.fast.kernels.backward import penalty
from samenet.fast.kernels.compiling import kernel
from samenet.fast.kernels.functions import needs_z, value
from samenet.fast.kernels.instructions import REGISTER
from samenet.fast.kernels.layers import BLOCK, forward, forward_sample, nodes, turn, zero_lists
from samenet.fast.kernels.sharing import finish, open_tickets, take, wait, wait_for_more

FEW = 12  # rows up to which to turn the weights takes longer than it saves


@kernel()
def predict_sample(theta, layout, bias, x, out):
    """out := the output layer for one sample (n_in,); returns whether x is finite."""
    _, widest = nodes(layout[0])
    room = np.empty((2, widest + REGISTER), out.dtype)
    return _sample(theta, layout, bias, x, room, out)


@kernel()
def _sample(theta, layout, bias, x, room, out):
    h = forward_sample(theta, layout, bias, x, room[0], room[1])
    zero = x.dtype.type(0)
    nothing = zero
    for j in range(x.size):
        nothing += zero * x[j]  # NaN, unless all of x is finite
    for i in range(out.size):
        out[i] = h[i]
    return nothing == zero


@kernel()
def predict_few(theta, layout, bias, X, out):
    """out := the output layer, row by row: the same bits as for one sample."""
    _, widest = nodes(layout[0])
    room = np.empty((2, widest + REGISTER), out.dtype)
    for s in range(len(X)):
        _sample(theta, layout, bias, X[s], room, out[s])


@kernel()
def all_layers(theta, layout, bias, X, H):
    """The activations of layers 2 to L, one layer after the other in the flat vector H."""
    sizes = layout[0]
    _, widest = nodes(sizes)
    P = np.empty_like(theta)
    turn(theta, sizes, bias, P)
    forward(P, layout, bias, X, np.empty((0, 0), theta.dtype), H, H, H[:0], np.zeros(widest, theta.dtype), zero_lists(sizes, 0))


@kernel()
def evaluate(theta, P, layout, bias, objective, X, Y, scale, out, values, desk, leads):
    """out := the output layer for the rows of X, by blocks that threads share; returns their cost if Y has rows.

    values: a number for each block. P: room for theta as kernels want it.
    """
    sizes = layout[0]
    m, n_out = out.shape
    cost, l1, l2 = objective
    total, widest = nodes(sizes)
    H = np.empty(min(m, BLOCK) * total, out.dtype)
    labelled = len(Y) > 0
    most = min(m, BLOCK) * n_out if labelled and needs_z(cost) else 0
    Z, room = np.empty(most, out.dtype), np.empty(most, out.dtype)
    zeros, masks = np.zeros(widest, out.dtype), np.empty((0, 0), out.dtype)
    lists = zero_lists(sizes, min(m, BLOCK))
    if leads:
        turn(theta, sizes, bias, P)
        open_tickets(desk, values.size)
    while leads or wait_for_more(desk):
        block = take(desk)
        if block >= 0:
            start = block * BLOCK
            rows = min(BLOCK, m - start)
            z = Z[: min(rows * n_out, most)]
            forward(P, layout, bias, X[start : start + rows], masks, H, H, z, zeros, lists)
            h = H[rows * (total - n_out) : rows * total]
            if labelled:
                target = Y[start : start + rows].reshape(rows * n_out)
                values[block] = value(cost, h, z, target, n_out, room)
            answer = out[start : start + rows].reshape(rows * n_out)
            for i in range(h.size):
                answer[i] = h[i]
            finish(desk)
        elif leads:
            break
    if not leads:
        return 0.0
    wait(desk)
    result = 0.0
    for block in range(values.size):
        result += values[block]
    result *= scale
    if labelled and (l1 or l2):
        result += penalty(theta, sizes, bias, l1, l2)
    return result
