"""Machinery: whether an array from Python is in the processor's own byte order, and aligned.

Numba's dispatcher remembers the type of an array by marks that tell neither apart, for the whole process: after one
array that is not aligned, which it takes for any other, one of the other byte order passes as well. To ask in Python
takes a tenth of the time of the smallest network; so the kernel looks at NumPy's own object.
"""

import ctypes
import sys

from llvmlite import ir
from numba import boolean

from samenet.fast.kernels.instructions import BYTE, INT, LONG
from samenet.fast.kernels.machine import generated

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

    _fields_ = (
        _HEAD,
        ("typeobj", ctypes.c_void_p),
        ("kind", ctypes.c_char),
        ("type", ctypes.c_char),
        ("byteorder", ctypes.c_char),
    )


def _is_native(a):
    """Whether the array, an argument of a kernel that Python calls, is of this machine's byte order and aligned."""
    return a.dtype.isnative and a.flags.aligned


def _write_is_native(emit, a):
    builder = emit.builder

    def read(start, offset, kind):
        return builder.load(builder.bitcast(emit.at(start, emit.long(offset)), kind.as_pointer()))

    array = builder.bitcast(a.parent, BYTE.as_pointer())
    dtype = builder.inttoptr(read(array, _Array.descr.offset, LONG), BYTE.as_pointer())
    aligned = builder.and_(read(array, _Array.flags.offset, INT), ir.Constant(INT, _ALIGNED))
    order = read(dtype, _Dtype.byteorder.offset, BYTE)
    return builder.and_(
        builder.icmp_unsigned("!=", aligned, ir.Constant(INT, 0)),
        builder.icmp_unsigned("!=", order, ir.Constant(BYTE, _OTHER_ORDER)),
    )


is_native = generated(_is_native, _write_is_native, boolean)
