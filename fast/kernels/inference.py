"""What a backend asks of the kernels forward: the output of one sample or of many, all layers, and the cost."""

import ctypes
import sys
from functools import cache
from typing import Any, NamedTuple

from llvmlite import ir
from numba import boolean, float64, from_dtype, int32, int64, types
from numba.extending import register_jitable

from samenet.fast.kernels.activations import needs_z, value
from samenet.fast.kernels.backward import weigh
from samenet.fast.kernels.codegen.compiling import external, for_exactly, kernel
from samenet.fast.kernels.codegen.generated import generated
from samenet.fast.kernels.codegen.memory import close_heap, empty, open_heap, zeroed
from samenet.fast.kernels.codegen.microkernels import TOGETHER, on_stack
from samenet.fast.kernels.codegen.vector import BYTE, INT, LONG, REGISTER
from samenet.fast.kernels.forward import forward, forward_sample, forward_together, most_rows, nonzero_workspace
from samenet.fast.kernels.lanes import forward_in_lanes, lanes_length
from samenet.fast.kernels.packing import is_wide, nodes, pack
from samenet.fast.kernels.parallel import add_tasks, claim, finish_task, own, take_over, wait_for_all, wait_for_tasks
from samenet.fast.kernels.penalties import penalty
from samenet.fast.kernels.sparse_input import are_finite

_WIDEST = 1024  # nodes of a layer for which there is room on the stack, which is sooner had than memory from the heap
_FEW = 4  # rows that read all parameters together, once; see `few`
_CACHED = 3 << 19  # bytes of parameters that stay in the second cache
QUICK = 10_000  # parameters up to which to let other threads run takes longer than it would keep them waiting

_stack = on_stack(2, _WIDEST + REGISTER)


# --- what Python hands over -----------------------------------------------------------------------------------------
#
# Numba's dispatcher remembers the type of an array by marks that tell neither byte order nor alignment, for the whole
# process: after one array that is not aligned, which it takes for any other, one of the other byte order passes as
# well. To ask in Python takes a tenth of the time of the smallest network; so the kernel looks at NumPy's own object.

_HEAD = ("head", ctypes.c_byte * object.__basicsize__)  # what every Python object begins with
_ALIGNED = 0x100
_OTHER_ORDER = ord(">" if sys.byteorder == "little" else "<")


class _Array(ctypes.Structure):
    """How a NumPy array begins: `PyArrayObject_fields`, which is part of NumPy's binary interface."""

    _fields_ = (
        _HEAD,
        ("data", ctypes.c_void_p),
        ("nd", ctypes.c_int),
        ("dimensions", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("base", ctypes.c_void_p),
        ("descr", ctypes.c_void_p),
        ("flags", ctypes.c_int),
    )


class _Dtype(ctypes.Structure):
    """How a dtype begins: `PyArray_Descr`."""

    _fields_ = (_HEAD, ("typeobj", ctypes.c_void_p), *((name, ctypes.c_char) for name in ("kind", "type", "byteorder")))


def _is_native(a):
    """Whether the array, an argument of a kernel that Python calls, is of this machine's byte order and aligned."""
    return a.dtype.isnative and a.flags.aligned


def _write_is_native(vb, a):
    builder = vb.builder

    def read(start, offset, kind):
        return builder.load(builder.bitcast(vb.at(start, vb.long(offset)), kind.as_pointer()))

    array = builder.bitcast(a.parent, BYTE.as_pointer())
    dtype = builder.inttoptr(read(array, _Array.descr.offset, LONG), BYTE.as_pointer())
    aligned = builder.and_(read(array, _Array.flags.offset, INT), ir.Constant(INT, _ALIGNED))
    order = read(dtype, _Dtype.byteorder.offset, BYTE)
    return builder.and_(
        builder.icmp_unsigned("!=", aligned, ir.Constant(INT, 0)),
        builder.icmp_unsigned("!=", order, ir.Constant(BYTE, _OTHER_ORDER)),
    )


is_native = generated(_is_native, _write_is_native, boolean)


# --- one sample, and few ----------------------------------------------------------------------------------------------


@register_jitable
def few(size, itemsize):
    """The number of rows up to which a few at a time are sooner done than with samples in the lanes: more fill these.

    size: the number of parameters. Every few rows read all, which takes long if they are not in the second cache.
    """
    return max(_FEW, REGISTER // itemsize - TOGETHER) if size * itemsize <= _CACHED else _FEW


def _one(theta, layout, x, out):
    """out := the output layer for one sample x, if both are as long as the layers, x is finite and no layer is wide.

    Returns whether that is so, and both are of the byte order and the alignment that the processor wants.
    """
    if not (is_native(x) and is_native(out)):
        return False
    _, widest = nodes(layout[0])
    if x.size != layout[0, 0] or out.size != layout[0, -1] or widest > _WIDEST or not are_finite(x):
        return False
    _answer(theta, layout, x, _stack(theta), out)
    return True


@cache
def one_of(dtype, quick):
    """`_one` for a dtype; it is quick up to `QUICK` parameters.

    It raises for arrays of another kind, or returns False, so that those who call it need not look at them.
    """
    f = from_dtype(dtype)
    return for_exactly(_one, (f[::1], int64[:, ::1], f[::1], f[::1]), holds_gil=quick)


@kernel()
def predict_few(theta, layout, X, out):
    """out := the output layer, a few rows at a time: the same bits as for one; returns whether X is finite."""
    heap = open_heap()
    workspace = empty(heap, (2, _row(layout, min(len(X), TOGETHER))), theta.dtype)
    if len(X) == 1:
        _answer(theta, layout, X[0], workspace, out[0])
    else:
        for s in range(0, len(X), TOGETHER):
            forward_together(theta, layout, X[s : s + TOGETHER], workspace, out[s:], out[0, :0], 0, 0)
    close_heap(heap)
    return are_finite(X.reshape(X.size))


@kernel()
def _row(layout, rows):
    """The length of a row of the workspace of so many samples."""
    _, widest = nodes(layout[0])
    return rows * (widest + REGISTER)


@kernel()
def _answer(theta, layout, x, workspace, out):
    forward_sample(theta, layout, x, workspace, out[:0], 0, 0)
    h = workspace[layout.shape[1] % 2]
    for i in range(out.size):
        out[i] = h[i]


@kernel()
def predict_in_lanes(theta, layout, X, out):
    """out := the output layer for the rows of X; returns whether X is finite."""
    heap = open_heap()
    workspace = empty(heap, lanes_length(layout[0], len(X), X), X.dtype)
    finite = forward_in_lanes(theta, layout, X, workspace, out, workspace[:0], workspace[:0])
    close_heap(heap)
    return finite or are_finite(X.reshape(X.size))


@kernel()
def all_layers(theta, layout, X, H):
    """The activations of layers 2 to L, one after the other in the flat vector H: the same bits as in an answer."""
    sizes, m, heap = layout[0], len(X), open_heap()
    if m <= few(theta.size, theta.itemsize):
        workspace = empty(heap, (2, _row(layout, min(m, TOGETHER))), theta.dtype)
        if m == 1:
            forward_sample(theta, layout, X[0], workspace, H, 0, 1)
        else:
            out = empty(heap, (TOGETHER, sizes[-1]), theta.dtype)
            for s in range(0, m, TOGETHER):
                forward_together(theta, layout, X[s : s + TOGETHER], workspace, out, H, s, m)
    elif is_wide(sizes):  # then theta takes the place of P
        _, widest = nodes(sizes)
        zeros, none = zeroed(heap, widest, theta.dtype), empty(heap, (0, 0), theta.dtype)
        forward(theta, layout, layout[1, 0] != 0, X, none, H, H, H[:0], zeros, *nonzero_workspace(heap, sizes, 0))
    else:
        lanes = empty(heap, lanes_length(sizes, m, X), X.dtype)
        forward_in_lanes(theta, layout, X, lanes, H[H.size - m * sizes[-1] :].reshape(m, sizes[-1]), H[:0], H)
    close_heap(heap)


class _Workspace(NamedTuple):
    """What a block of samples is evaluated in."""

    H: Any  # the activations of layers 2 to L, one layer after the other
    lanes: Any  # or, with samples in the lanes, what `forward_in_lanes` needs; H is then for the output layer
    Z: Any  # what `value` is told of the output layer, for costs that need it
    zeros: Any  # as many as the widest layer has nodes
    masks: Any  # none
    lists: Any  # none
    flags: Any  # see `sparse_input`


def _workspace_type(f):
    return types.NamedTuple((*(f[::1],) * 4, f[:, ::1], int32[:, ::1], int64[::1]), _Workspace)


@kernel()
def _each_block(model, cost, X, Y, out, workspace, values, queue, is_coordinator, factors):
    """Block after block, as long as there are any: its output, and its cost; see `evaluate`."""
    theta, P, layout, bias = model
    H, Z, zeros = workspace.H, workspace.Z, workspace.zeros
    masks, lists, flags = workspace.masks, workspace.lists, workspace.flags
    m, n_out = out.shape
    most = most_rows(layout[0])
    last = H.size // min(m, most) - n_out  # where the output layer begins in H, for one row
    while is_coordinator or wait_for_tasks(queue):
        block = claim(queue)
        if block < 0 and is_coordinator:
            block = take_over(queue, values.size, 0, most * theta.size)
            if block < 0:
                return
        elif block >= 0 and is_coordinator:
            own(queue, block, 0)
        if block >= 0:
            start = block * most
            rows = min(most, m - start)
            x = X[start : start + rows]
            z = Z[: min(rows * n_out, Z.size)]
            h = H[rows * last : rows * (last + n_out)]
            if workspace.lanes.size:
                finite = forward_in_lanes(theta, layout, x, workspace.lanes, h.reshape(rows, n_out), z, z[:0])
            else:
                finite = forward(P, layout, bias, x, masks, H, H, z, zeros, lists, flags)
            if factors is not None:
                target = Y[start : start + rows].reshape(rows * n_out)
                result = weigh(cost, h, z, target, n_out, factors[start : start + rows], h[:0])
            elif len(Y):
                target = Y[start : start + rows].reshape(rows * n_out)
                result = value(cost, h, z, target)
            else:  # to look at every number takes longer, and is done only if a sum is not finite by itself
                result = 1.0 if finite or are_finite(x.reshape(x.size)) else 0.0
            if is_coordinator or own(queue, block, 0):
                values[block] = result
                answer = out[start : start + rows].reshape(rows * n_out)
                for i in range(h.size):
                    answer[i] = h[i]
                finish_task(queue)


@external(
    lambda f: (
        *(types.Tuple((f[::1], f[::1], int64[:, ::1], boolean)), int64, *(f[:, ::1],) * 3),
        *(_workspace_type(f), float64[::1], int64[::1], boolean),
    )
)
def _blocks(model, cost, X, Y, out, workspace, values, queue, is_coordinator):
    """The same without factors of rows."""
    _each_block(model, cost, X, Y, out, workspace, values, queue, is_coordinator, None)


@kernel()
def evaluate(theta, P, layout, bias, objective, X, Y, scale, out, values, queue, is_coordinator, factors=None):
    """out := the output layer for the rows of X, by blocks that threads share.

    Returns (cost, finite): the cost of the rows if Y has rows; if not, whether all of X is finite, and no cost.
    values: a number for each block. P: for the packed parameters; if it is empty, samples go into the lanes.
    factors: of the rows, by which their costs are multiplied.
    """
    sizes, in_lanes, heap = layout[0], P.size == 0, open_heap()
    m, n_out = out.shape
    cost, l1, l2 = objective
    total, widest = nodes(sizes)
    rows = min(m, most_rows(sizes))
    H = empty(heap, rows * (n_out if in_lanes else total), out.dtype)
    lanes = empty(heap, lanes_length(sizes, rows, theta) if in_lanes else 0, out.dtype)
    most = rows * n_out if len(Y) and needs_z(cost) else 0
    Z = empty(heap, most, out.dtype)
    lists, flags = nonzero_workspace(heap, sizes, 0)
    workspace = _Workspace(H, lanes, Z, zeroed(heap, widest, out.dtype), empty(heap, (0, 0), out.dtype), lists, flags)
    if is_coordinator:
        if not in_lanes:
            pack(theta, sizes, bias, P)
        add_tasks(queue, values.size)
    model = theta, P, layout, bias
    if factors is None:
        _blocks(model, cost, X, Y, out, workspace, values, queue, is_coordinator)
    else:
        _each_block(model, cost, X, Y, out, workspace, values, queue, is_coordinator, factors)
    close_heap(heap)
    if not is_coordinator:
        return 0.0, True
    wait_for_all(queue)
    if len(Y) == 0:
        finite = True
        for block in range(values.size):
            finite &= values[block] != 0.0
        return 0.0, finite
    result = 0.0
    for block in range(values.size):
        result += values[block]
    result *= scale
    if l1 or l2:
        result += penalty(theta, theta[:0], sizes, bias, 1, l1, l2)
    return result, True
