"""The weight penalties l1 sum |W| + l2/2 sum W^2, and their gradients; equations: `samenet.reference.objective`."""

from numba import float64, int64

from samenet.fast.kernels.codegen.arithmetic import where
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.loops import vectorized
from samenet.fast.kernels.packing import layer_length, matrix_length


def penalty_of(w, l1, l2):
    """The penalty of w."""
    return l1 * abs(w) + 0.5 * l2 * w * w


def penalty_slope(w, l1, l2):
    """The derivative of the penalty of w."""
    return where(w, ">", 0.0, l1, where(w, "<", 0.0, -l1, 0.0)) + l2 * w


_penalties = vectorized(lambda w, l1, l2: (penalty_of(w, l1, l2),))
_add_penalties = vectorized(lambda g, w, l1, l2: (g + penalty_slope(w, l1, l2), penalty_of(w, l1, l2)), stores=1)
_add_l2 = vectorized(lambda g, w, l2: (g + l2 * w, 0.5 * l2 * w * w), stores=1)  # in half the time


@kernel()
def add_penalties(g, w, l1, l2):
    """g += the gradient of the penalties of w, unless it is empty; returns the penalties."""
    if g.size == 0:
        return _penalties(w, l1, l2)
    if l1 == 0:
        return _add_l2(g, w, l2)
    return _add_penalties(g, w, l1, l2)


@external(lambda f: (f[::1], f[::1], int64[:, ::1], int64, float64, float64), returns=float64)
def penalty(P, G, layout, lanes, l1, l2):
    """l1 sum |W| + l2/2 sum W^2; and unless G is empty, G += l1 sign(W) + l2 W.

    P are the packed parameters, and G is laid out like them; or theta, if lanes is 1: see `packing.lanes_of`. The
    layout has flags of normalized layers, which have as many more parameters as nodes, if there are any.
    """
    p, total, sizes, is_normalized = 0, 0.0, layout[0], len(layout) > 2
    for layer in range(sizes.size - 1):
        end = p + matrix_length(sizes, layer, lanes)
        total += add_penalties(G[p:end] if G.size else G, P[p:end], l1, l2)
        p += layer_length(sizes, layer, layout[1, 0], lanes)
        p += sizes[layer + 1] if is_normalized and layout[2, layer + 1] else 0
    return total
