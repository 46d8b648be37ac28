"""Predictions: the output for one sample or for many, and the activations of all layers."""

import ctypes
import sys
from functools import cache

from llvmlite import ir
from numba import boolean, from_dtype, int64
from numba.extending import register_jitable

from samenet.fast.kernels.codegen.compiling import external, for_exactly, kernel
from samenet.fast.kernels.codegen.dots import TOGETHER
from samenet.fast.kernels.codegen.generated import generated
from samenet.fast.kernels.codegen.memory import empty, open_heap, zeroed
from samenet.fast.kernels.codegen.microkernels import flat, on_stack, rows_at
from samenet.fast.kernels.codegen.vector import BYTE, INT, LONG, REGISTER
from samenet.fast.kernels.forward import forward, forward_few, forward_sample, most_rows, nonzero_workspace
from samenet.fast.kernels.lanes import fill_lanes, forward_in_lanes, lanes_length
from samenet.fast.kernels.packing import copy, is_wide, nodes, pack, row_length, total_length
from samenet.fast.kernels.sparse_input import all_finite, are_finite

_WIDEST = 1024  # nodes of a layer up to which the workspace is on the stack, which is faster than the heap
_FILLED = 0.8  # the share of the lanes from which they are faster than dot products
# Up to so many rows, all of them are multiplied by dot products then; up to so many, the last ones, if they fill no
# more than this share, and the network has so many parameters that another call pays.
_FEW, _LAST, _REST, _LARGE = 32, 128, 0.4, 10_000
QUICK = 10_000  # parameters up to which releasing the GIL takes longer than the prediction

_stack = on_stack(2, _WIDEST + REGISTER)


# --- arrays passed by Python ----------------------------------------------------------------------------------------
# Numba's dispatcher caches array types for the whole process, with keys that contain neither byte order nor alignment:
# after one unaligned array, which it accepts like any other, it also accepts an array of the other byte order. Checking
# in Python takes a tenth of the time of the smallest network, so the kernel reads NumPy's array object itself.

_HEAD = ("head", ctypes.c_byte * object.__basicsize__)  # the header of every Python object
_ALIGNED = 0x100
_OTHER_ORDER = ord(">" if sys.byteorder == "little" else "<")


class ArrayObject(ctypes.Structure):
    """The beginning of a NumPy array: `PyArrayObject_fields`, which is part of NumPy's ABI."""

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
    """The beginning of a dtype: `PyArray_Descr`."""

    _fields_ = (_HEAD, ("typeobj", ctypes.c_void_p), *((name, ctypes.c_char) for name in ("kind", "type", "byteorder")))


def _is_native(a):
    """Whether an array passed by Python to a kernel has this machine's byte order and is aligned."""
    return a.dtype.isnative and a.flags.aligned


def _write_is_native(vb, a):
    builder = vb.builder

    def read(start, offset, kind):
        return builder.load(builder.bitcast(vb.at(start, vb.long(offset)), kind.as_pointer()))

    array = builder.bitcast(a.parent, BYTE.as_pointer())
    dtype = builder.inttoptr(read(array, ArrayObject.descr.offset, LONG), BYTE.as_pointer())
    aligned = builder.and_(read(array, ArrayObject.flags.offset, INT), ir.Constant(INT, _ALIGNED))
    order = read(dtype, _Dtype.byteorder.offset, BYTE)
    return builder.and_(
        builder.icmp_unsigned("!=", aligned, ir.Constant(INT, 0)),
        builder.icmp_unsigned("!=", order, ir.Constant(BYTE, _OTHER_ORDER)),
    )


is_native = generated(_is_native, _write_is_native, boolean)


# --- one sample, and few ----------------------------------------------------------------------------------------------


def _one(theta, layout, x, out):
    """out := the output layer for one sample x, if both have the layers' lengths, x is finite and no layer is wide.

    Returns whether this is so and both arrays are aligned and of native byte order; otherwise out is unchanged.
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
    """`_one` for a dtype; quick: whether the network has at most `QUICK` parameters.

    For other types of arrays it raises or returns False, so callers need not check them.
    """
    f = from_dtype(dtype)
    return for_exactly(_one, (f[::1], int64[:, ::1], f[::1], f[::1]), holds_gil=quick)


@kernel()
def _forward_packed(P, layout, X, H, out, activates):
    """`forward` without masks: of packed parameters, or of a wide network, whose theta takes the place of P."""
    sizes, heap = layout[0], open_heap()
    _, widest = nodes(sizes)
    zeros, none = zeroed(heap, widest, P.dtype), empty(heap, (0, 0), P.dtype)
    skipping = nonzero_workspace(heap, sizes, P.itemsize)
    return forward(P, True, layout, layout[1, 0] != 0, X, none, H, out, H, activates, zeros, zeros[:0], *skipping)


@external(lambda f: (f[::1], int64[:, ::1], *(f[:, ::1],) * 2, int64, boolean), returns=boolean, light=True)
def forward_rows(theta, layout, X, out, most, activates):
    """out := the output layer, or its sums unless `activates`, with samples in the lanes for up to `most` rows.

    With packed parameters for more, and with those of a wide network, which are not, for rows that do not fill the
    lanes. Returns whether the first node's sum of every row is finite: then so is X.
    """
    heap, finite, sizes, m, bias = open_heap(), True, layout[0], len(X), layout[1, 0] != 0
    if m <= most and fill_lanes(m, sizes, X.itemsize):
        workspace = empty(heap, lanes_length(sizes, m, X), X.dtype)
        return forward_in_lanes(theta, layout, X, workspace, out, activates, workspace[:0], 0)
    length, rows = total_length(sizes, bias, theta.itemsize), min(m, most_rows(sizes))
    packed, H = empty(heap, length, theta.dtype), empty(heap, rows * (nodes(sizes)[0] - sizes[-1]), theta.dtype)
    P = packed if length else theta
    pack(theta, sizes, bias, P)
    for s in range(0, m, rows):
        finite &= _forward_packed(P, layout, X[s : s + rows], H, flat(out[s : s + rows]), activates)
    return finite


@register_jitable
def few_of(m, sizes, size, itemsize):
    """Of m rows the number, all or the last, for which dot products are faster than lanes of which too many are idle.

    size: the number of parameters.
    """
    lanes = REGISTER // itemsize
    if m <= TOGETHER:
        return m
    row, last = row_length(m, lanes), m % lanes
    if row <= _FEW and not is_wide(sizes):
        return m if m < _FILLED * row else 0
    are_last = m <= _LAST and last <= _REST * lanes and size >= _LARGE and fill_lanes(m - last, sizes, itemsize)
    return last if are_last else 0


@kernel()
def _few_rows(theta, layout, X, out, H):
    """`forward_few` for out (m, n_out)."""
    row = row_length(nodes(layout[0])[1], REGISTER // X.itemsize)
    return forward_few(theta, layout, X, H, flat(out), empty(open_heap(), len(X) * row, X.dtype), True)


@kernel(light=True)
def predict_rows(theta, layout, X, out, most):
    """out := the output layer; returns whether X is finite. One row as a sample, many as `forward_rows`."""
    finite, (m, n_out), heap, (total, widest) = True, out.shape, open_heap(), nodes(layout[0])
    if m == 1:
        _answer(theta, layout, X[0], empty(heap, (2, widest + REGISTER), theta.dtype), out[0])
        return all_finite(X[0])
    few = few_of(m, layout[0], theta.size, theta.itemsize)
    if few < m:
        finite = forward_rows(theta, layout, X[: m - few], out[: m - few], most, True)
    if few:
        H = empty(heap, few * (total - n_out), theta.dtype)
        finite &= _few_rows(theta, layout, X[m - few :], out[m - few :], H)
    return finite or all_finite(flat(X))


def _rows(theta, layout, X, out, most):
    """The same if X is as wide as the input layer; returns whether it is, and is finite and native."""
    return is_native(X) and X.shape[1] == layout[0, 0] and predict_rows(theta, layout, X, out, most)


@cache
def rows_of(dtype):
    """`_rows` for a dtype; it raises for other types of arrays."""
    f = from_dtype(dtype)
    return for_exactly(_rows, (f[::1], int64[:, ::1], f[:, ::1], f[:, ::1], int64), holds_gil=False)


@kernel()
def _answer(theta, layout, x, workspace, out):
    forward_sample(theta, layout, x, workspace)
    h = workspace[layout.shape[1] % 2]
    for i in range(out.size):
        out[i] = h[i]


@kernel(light=True)
def all_layers(theta, layout, X, H):
    """The activations of layers 2 to L, one after the other in the flat vector H: the same bits as in predictions."""
    sizes, m, heap = layout[0], len(X), open_heap()
    few, hidden = few_of(m, sizes, theta.size, theta.itemsize), H.size - m * sizes[-1]
    out, last, p, q = rows_at(H, hidden, m, sizes[-1]), H, 0, 0
    if few < m and not fill_lanes(m - few, sizes, X.itemsize):
        _forward_packed(theta, layout, X, H, flat(out), True)
    elif few < m:
        workspace = empty(heap, lanes_length(sizes, m - few, X), X.dtype)
        forward_in_lanes(theta, layout, X[: m - few], workspace, out[: m - few], True, H, m)
        last = empty(heap, hidden // m * few, X.dtype)
    if few:
        _few_rows(theta, layout, X[m - few :], out[m - few :], last)
    for k in sizes[1 : sizes.size - 1 if 0 < few < m else 1]:
        copy(last[p : p + few * k], H[q + (m - few) * k : q + m * k])
        p, q = p + few * k, q + m * k
