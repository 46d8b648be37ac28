"""Operations with which elementary functions are written, for both NumPy arrays and `Vector`."""

from typing import Any

import numpy as np
from llvmlite import ir

from samenet.fast.kernels.codegen.vector import Vector, VectorBuilder


def where(a: Any, sign: str, b: Any, yes: Any, no: Any) -> Any:
    """`yes` where the comparison of a with b is true, `no` elsewhere; for NaN, only "!=" is true."""
    if not isinstance(a, Vector):
        b, yes, no = (x if isinstance(x, np.ndarray) else a.dtype.type(x) for x in (b, yes, no))
        return np.where({"<": np.less, ">": np.greater, "==": np.equal, "!=": np.not_equal}[sign](a, b), yes, no)
    compare = a.vb.builder.fcmp_unordered if sign == "!=" else a.vb.builder.fcmp_ordered
    found = compare(sign, a.value, a.vb.number(b))
    return Vector(a.vb, a.vb.builder.select(found, a.vb.number(yes), a.vb.number(no)))


def clip(a: Any, least: Any, most: Any) -> Any:
    """The numbers, limited to [least, most]; NaN stays NaN."""
    above = where(a, "<", least, least, a)
    return where(above, ">", most, most, above)


def sqrt(a: Any) -> Any:
    """The square root, correctly rounded."""
    return a.intrinsic("sqrt") if isinstance(a, Vector) else np.sqrt(a)


def with_sign(a: Any, b: Any) -> Any:
    """The numbers a with the signs of b."""
    return a.intrinsic("copysign", b) if isinstance(a, Vector) else np.copysign(a, b)


def widened(a: Any) -> Any:
    """The numbers in double precision, whose squares neither overflow nor underflow if `a` is in single precision."""
    if not isinstance(a, Vector):
        return np.asarray(a, np.float64)
    return Vector(a.vb, a.vb.builder.fpext(a.value, ir.VectorType(ir.DoubleType(), a.vb.lanes)))


class Bits:
    """The bits of a `Vector` as integers; for NumPy arrays, an array of integers takes its place."""

    def __init__(self, vb: VectorBuilder, value: Any) -> None:
        self.vb, self.value = vb, value

    def _by(self, write: Any, other: Any) -> "Bits":
        if not isinstance(other, Bits):
            other = Bits(self.vb, ir.Constant(self.value.type, [other] * self.vb.lanes))
        return Bits(self.vb, write(self.value, other.value))

    def __add__(self, other: Any) -> "Bits":
        return self._by(self.vb.builder.add, other)

    def __sub__(self, other: Any) -> "Bits":
        return self._by(self.vb.builder.sub, other)

    def __neg__(self) -> "Bits":
        return Bits(self.vb, self.vb.builder.neg(self.value))

    def __lshift__(self, places: int) -> "Bits":
        return self._by(self.vb.builder.shl, places)

    def __rshift__(self, places: int) -> "Bits":
        return self._by(self.vb.builder.ashr, places)

    def view(self, dtype: Any) -> Vector:
        """The numbers with these bits."""
        return Vector(self.vb, self.vb.builder.bitcast(self.value, self.vb.vector))


def bits_of(a: Any) -> Any:
    """The bits of the numbers as integers of the same size; `view` converts them back."""
    bits = 8 * a.dtype.itemsize
    if not isinstance(a, Vector):
        return np.asarray(a).view(f"int{bits}")
    return Bits(a.vb, a.vb.builder.bitcast(a.value, ir.VectorType(ir.IntType(bits), a.vb.lanes)))
