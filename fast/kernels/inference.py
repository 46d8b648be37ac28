"""Predictions: the output for one sample or for many, and the activations of all layers."""

import ctypes
import sys
from functools import cache

from llvmlite import ir
from numba import boolean, from_dtype, int64
from numba.extending import register_jitable

from samenet.fast.kernels.codegen.compiling import for_exactly, kernel
from samenet.fast.kernels.codegen.dots import TOGETHER
from samenet.fast.kernels.codegen.generated import generated
from samenet.fast.kernels.codegen.memory import empty, open_heap
from samenet.fast.kernels.codegen.microkernels import flat, on_stack, rows_at
from samenet.fast.kernels.codegen.vector import BYTE, INT, LONG, REGISTER
from samenet.fast.kernels.forward import forward_sample, forward_together
from samenet.fast.kernels.lanes import forward_in_lanes, lanes_length
from samenet.fast.kernels.packing import is_wide, nodes
from samenet.fast.kernels.sparse_input import all_finite, are_finite

_WIDEST = 1024  # nodes of a layer up to which the workspace is on the stack, which is faster than the heap
_FEW = 4  # rows computed together, with one pass over the parameters; see `few`
_CACHED = 3 << 19  # bytes of parameters that stay in the L2 cache
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


@register_jitable
def few(size, itemsize):
    """The number of rows up to which `TOGETHER` rows at a time are faster than samples in the lanes.

    size: the number of parameters. Each group of rows reads all of them, which is slow outside the L2 cache.
    """
    return max(_FEW, REGISTER // itemsize - TOGETHER) if size * itemsize <= _CACHED else _FEW


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


@kernel(light=True)
def predict_rows(theta, layout, X, out):
    """out := the output layer; returns whether X is finite.

    `TOGETHER` rows at a time, with the same bits as for one, or with samples in the lanes.
    """
    heap, finite = open_heap(), False
    if len(X) > few(theta.size, theta.itemsize):
        lanes = empty(heap, lanes_length(layout[0], len(X), X), X.dtype)
        finite = forward_in_lanes(theta, layout, X, lanes, out, True, lanes[:0])
    else:
        workspace = empty(heap, (2, _row(layout, min(len(X), TOGETHER))), theta.dtype)
        if len(X) == 1:
            _answer(theta, layout, X[0], workspace, out[0])
        else:
            for s in range(0, len(X), TOGETHER):
                forward_together(theta, layout, X[s : s + TOGETHER], workspace, out[s:], out[0, :0], 0, 0)
    return finite or all_finite(flat(X))


def _rows(theta, layout, X, out):
    """The same if X is as wide as the input layer; returns whether it is, and is finite and native."""
    return is_native(X) and X.shape[1] == layout[0, 0] and predict_rows(theta, layout, X, out)


@cache
def rows_of(dtype):
    """`_rows` for a dtype; it raises for other types of arrays."""
    f = from_dtype(dtype)
    return for_exactly(_rows, (f[::1], int64[:, ::1], f[:, ::1], f[:, ::1]), holds_gil=False)


@kernel()
def _row(layout, rows):
    """The length of a row of the workspace for this many samples."""
    _, widest = nodes(layout[0])
    return rows * (widest + REGISTER)


@kernel()
def _answer(theta, layout, x, workspace, out):
    forward_sample(theta, layout, x, workspace, out[:0], 0, 0)
    h = workspace[layout.shape[1] % 2]
    for i in range(out.size):
        out[i] = h[i]


@kernel(light=True)
def all_layers(theta, layout, X, H):
    """The activations of layers 2 to L, one after the other in the flat vector H: the same bits as in predictions."""
    sizes, m, heap = layout[0], len(X), open_heap()
    if m <= few(theta.size, theta.itemsize):
        workspace = empty(heap, (2, _row(layout, min(m, TOGETHER))), theta.dtype)
        if m == 1:
            forward_sample(theta, layout, X[0], workspace, H, 0, 1)
        else:
            out = empty(heap, (TOGETHER, sizes[-1]), theta.dtype)
            for s in range(0, m, TOGETHER):
                forward_together(theta, layout, X[s : s + TOGETHER], workspace, out, H, s, m)
    else:
        lanes = empty(heap, lanes_length(sizes, 0 if is_wide(sizes) else m, X), X.dtype)
        forward_in_lanes(theta, layout, X, lanes, rows_at(H, H.size - m * sizes[-1], m, sizes[-1]), True, H)
