"""Generating LLVM's vector instructions. No mathematics of the network here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import config
from numba.core import cgutils

INT, LONG, BYTE = ir.IntType(32), ir.IntType(64), ir.IntType(8)
_CONTRACT = ("contract",)  # a product and a sum may become one fused multiply-add


def has(feature: str) -> bool:
    """Whether the target processor has a feature, by LLVM's name."""
    wanted: str | None = vars(config)["CPU_FEATURES"]
    if wanted is not None:
        return f"+{feature}" in wanted.split(",")
    return bool(llvmlite.binding.get_host_cpu_features().get(feature, False))


REGISTER = 64 if has("avx512f") else 32 if has("avx") else 16  # bytes of a vector register
REGISTERS = 16 if has("avx") and not has("avx512f") else 32


class Vector:
    """The numbers in a register while code is generated: arithmetic on them emits vector instructions."""

    def __init__(self, vb: "VectorBuilder", value: Any) -> None:
        self.vb, self.value, self.dtype = vb, value, vb.dtype

    def _by(self, write: Any, a: Any, b: Any) -> "Vector":
        return Vector(self.vb, write(self.vb.number(a), self.vb.number(b), flags=self.vb.flags))

    def intrinsic(self, name: str, *others: "Vector") -> "Vector":
        """Call one of LLVM's intrinsics on this register, and others."""
        kind = f"llvm.{name}.v{self.vb.lanes}f{8 * self.vb.size}"
        return Vector(self.vb, self.vb.call(kind, self.vb.vector, [self.value, *(other.value for other in others)]))

    def __abs__(self) -> "Vector":
        return self.intrinsic("fabs")

    def __add__(self, other: Any) -> "Vector":
        return self._by(self.vb.builder.fadd, self, other)

    def __sub__(self, other: Any) -> "Vector":
        return self._by(self.vb.builder.fsub, self, other)

    def __rsub__(self, other: Any) -> "Vector":
        return self._by(self.vb.builder.fsub, other, self)

    def __mul__(self, other: Any) -> "Vector":
        return self._by(self.vb.builder.fmul, self, other)

    def __truediv__(self, other: Any) -> "Vector":
        return self._by(self.vb.builder.fdiv, self, other)

    def __rtruediv__(self, other: Any) -> "Vector":
        return self._by(self.vb.builder.fdiv, other, self)

    def __neg__(self) -> "Vector":
        return Vector(self.vb, self.vb.builder.fneg(self.value))

    __radd__, __rmul__ = __add__, __mul__


class VectorBuilder:
    """Emits instructions for registers of one dtype: the widest, unless the number of lanes is given.

    Addresses are pointers to bytes; offsets are in bytes. flags: LLVM's fast-math flags for arithmetic on `Vector`.
    """

    flags: tuple[str, ...] = _CONTRACT

    def __init__(self, context: Any, builder: Any, dtype: Any, lanes: int = 0) -> None:
        self.builder = builder
        self.dtype = np.dtype(str(dtype))
        self.scalar = context.get_data_type(dtype)
        self.size = self.dtype.itemsize
        self.lanes = lanes or REGISTER // self.size
        self.vector = ir.VectorType(self.scalar, self.lanes)
        self.zero = ir.Constant(self.vector, [0.0] * self.lanes)

    def number(self, value: Any) -> Any:
        """A constant broadcast to all lanes; the value of a `Vector`."""
        if isinstance(value, Vector):
            return value.value
        return ir.Constant(self.vector, [float(self.dtype.type(value))] * self.lanes)

    def long(self, value: int) -> Any:
        """A constant integer."""
        return ir.Constant(LONG, value)

    def start(self, array: Any) -> Any:
        """The address of an array's first number."""
        return self.builder.bitcast(array.data, BYTE.as_pointer())

    def past_boundary(self, array: Any) -> Any:
        """How many numbers a matrix's rows begin after multiples of a register; 0 if they differ in this."""
        past, apart = self.builder.ptrtoint(self.start(array), LONG), self.pair(array.strides)[0]
        past, apart = (self.builder.and_(place, self.long(REGISTER - 1)) for place in (past, apart))
        alike = self.builder.icmp_signed("==", apart, self.long(0))
        return self.builder.select(alike, self.builder.udiv(past, self.long(self.size)), self.long(0))

    def pair(self, values: Any) -> Any:
        """The two numbers of a shape or of strides."""
        return cgutils.unpack_tuple(self.builder, values, 2)

    def at(self, pointer: Any, offset: Any) -> Any:
        """The address plus an offset in bytes."""
        return self.builder.gep(pointer, [offset], source_etype=BYTE)

    def times(self, a: Any, b: Any) -> Any:
        """The product of two integers; b may be a Python int."""
        return self.builder.mul(a, b if isinstance(b, ir.Value) else self.long(b))

    def minimum(self, a: Any, b: Any) -> Any:
        """The smaller of two integers."""
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    def maximum(self, a: Any, b: Any) -> Any:
        """The larger of two integers."""
        return self.builder.select(self.builder.icmp_signed(">", a, b), a, b)

    def broadcast(self, value: Any, lanes: int = 0) -> Any:
        """A number in all lanes of a register, or in this many lanes."""
        kind = ir.VectorType(value.type, lanes or self.lanes)
        one = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(INT, 0))
        places = ir.Constant(ir.VectorType(INT, kind.count), [0] * kind.count)
        return self.builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), places)

    def broadcast_load(self, pointer: Any) -> Any:
        """The number at an address, in all lanes."""
        return self.broadcast(self.builder.load(self.builder.bitcast(pointer, self.scalar.as_pointer())))

    def index_at(self, places: Any, c: Any) -> Any:
        """The number at index c of an array of int32."""
        return self.builder.sext(self.builder.load(self.builder.gep(places.data, [c])), LONG)

    def first_n_mask(self, count: Any) -> Any:
        """A mask of the first `count` lanes."""
        places = ir.Constant(ir.VectorType(LONG, self.lanes), list(range(self.lanes)))
        return self.builder.icmp_signed("<", places, self.broadcast(count))

    def _masked(self, name: str, result: Any, arguments: Any) -> Any:
        return self.call(f"llvm.masked.{name}.v{self.lanes}f{self.size * 8}.p0", result, arguments)

    def call(self, name: str, result: Any, arguments: Any) -> Any:
        """Call an LLVM intrinsic."""
        kind = ir.FunctionType(result, [a.type for a in arguments])
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), arguments)

    def load(self, pointer: Any, mask: Any = None) -> Any:
        """Load a register; lanes outside the mask are 0, and their memory is not accessed."""
        pointer = self.builder.bitcast(pointer, self.vector.as_pointer())
        if mask is not None:
            return self._masked("load", self.vector, [pointer, ir.Constant(INT, self.size), mask, self.zero])
        loaded = self.builder.load(pointer)
        loaded.align = self.size
        return loaded

    def longs(self, array: Any, place: Any, mask: Any) -> Any:
        """As many integers as a register has lanes, from an index of an array of int64 on; see `load`."""
        kind = ir.VectorType(LONG, self.lanes)
        pointer = self.builder.bitcast(self.builder.gep(array.data, [place]), kind.as_pointer())
        if mask is not None:
            none = ir.Constant(kind, [0] * self.lanes)
            return self.call(f"llvm.masked.load.v{self.lanes}i64.p0", kind, [pointer, ir.Constant(INT, 8), mask, none])
        loaded = self.builder.load(pointer)
        loaded.align = 8
        return loaded

    def store(self, value: Any, pointer: Any, mask: Any = None) -> None:
        """Store a register; memory of lanes outside the mask is not accessed."""
        pointer = self.builder.bitcast(pointer, self.vector.as_pointer())
        if mask is not None:
            self._masked("store", ir.VoidType(), [value, pointer, ir.Constant(INT, self.size), mask])
        else:
            self.builder.store(value, pointer).align = self.size

    def store_some(self, value: Any, first: int, count: int, pointer: Any, most: Any = None) -> None:
        """Store `count` numbers of a register, from lane `first` on, or as many as `most` if that is less."""
        places = ir.Constant(ir.VectorType(INT, count), list(range(first, first + count)))
        some, builder = self.builder.shuffle_vector(value, value, places), self.builder
        pointer = builder.bitcast(pointer, some.type.as_pointer())
        if most is None:
            builder.store(some, pointer).align = self.size
            return
        kept = builder.icmp_signed(
            "<", ir.Constant(ir.VectorType(LONG, count), [*range(count)]), self.broadcast(most, count)
        )
        name = f"llvm.masked.store.v{count}f{self.size * 8}.p0"
        self.call(name, ir.VoidType(), [some, pointer, ir.Constant(INT, self.size), kept])

    def prefetch(self, pointer: Any, cache: int = 1) -> None:
        """Prefetch the cache line at an address into the L1 or L2 cache."""
        self.call("llvm.prefetch.p0", ir.VoidType(), [pointer, *(ir.Constant(INT, n) for n in (0, 4 - cache, 1))])

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """a b + c, rounded once if the processor has fused multiply-adds."""
        return self.builder.fadd(self.builder.fmul(a, b, flags=_CONTRACT), c, flags=_CONTRACT)

    def shuffle(self, a: Any, b: Any, places: list[int]) -> Any:
        """The numbers with these indices in the concatenation of a and b."""
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(INT, self.lanes), places))

    def halves(self, a: Any, b: Any, size: int) -> tuple[Any, Any]:
        """For every block of `size` lanes: a's and b's first halves side by side, and their second halves."""
        half = size // 2
        first = [side + q + j for q in range(0, self.lanes, size) for side in (0, self.lanes) for j in range(half)]
        return self.shuffle(a, b, first), self.shuffle(a, b, [place + half for place in first])

    def sums(self, vectors: list[Any]) -> Any:
        """Horizontal sums: a register that begins with the sums of these registers; their number is a power of two.

        The halves of each pair of registers are added, which leaves one register per pair; and so on, until one is
        left, whose own parts are added.
        """
        size = self.lanes
        while size > 1:
            half = len(vectors) // 2
            pairs = [self.halves(vectors[r], vectors[r + half], size) for r in range(half)]
            if not pairs:
                first = [q + j for q in range(0, self.lanes, size) for j in range(size // 2)] * 2
                (one,) = vectors
                parts = [self.shuffle(one, one, [place + more for place in first]) for more in (0, size // 2)]
                pairs = [(parts[0], parts[1])]
            vectors, size = [self.builder.fadd(a, b) for a, b in pairs], size // 2
        return vectors[0]

    def across(self, value: Any, combine: Any) -> Any:
        """Reduce a register to one number: its halves are combined, and so on, until one is left."""
        while (half := value.type.count // 2) > 0:
            first, second = (ir.Constant(ir.VectorType(INT, half), list(range(i, i + half))) for i in (0, half))
            value = combine(*(self.builder.shuffle_vector(value, value, places) for places in (first, second)))
        return self.builder.extract_element(value, ir.Constant(INT, 0))

    def are_zero(self, value: Any) -> Any:
        """Whether all numbers of a register are 0."""
        bits = self.builder.bitcast(self.builder.fcmp_unordered("!=", value, self.zero), ir.IntType(self.lanes))
        return self.builder.icmp_signed("==", bits, ir.Constant(bits.type, 0))

    def nonzero_mask(self, values: list[Any]) -> Any:
        """A mask of the nonzero numbers of some registers, one after the other."""
        masks = [self.builder.fcmp_unordered("!=", value, self.zero) for value in values]
        while len(masks) > 1:
            both = ir.Constant(ir.VectorType(INT, 2 * masks[0].type.count), list(range(2 * masks[0].type.count)))
            masks = [self.builder.shuffle_vector(a, b, both) for a, b in zip(masks[::2], masks[1::2], strict=True)]
        return masks[0]

    @contextmanager
    def when(self, a: Any, sign: str, b: Any) -> Iterator[None]:
        """The code emitted inside is executed if this comparison of integers is true."""
        with self.builder.if_then(self.builder.icmp_signed(sign, a, b)):
            yield

    def for_range(self, end: Any, step: int = 1, begin: Any = None) -> Any:
        """A loop from `begin`, or 0, in steps, to below `end`."""
        return cgutils.for_range_slice(self.builder, begin or self.long(0), end, self.long(step), LONG)

    def for_each_vector(self, count: Any, write: Any, rest_first: bool = False) -> None:
        """For `count` numbers: `write(offset, mask)` for whole registers, in a loop, and for the rest."""
        whole = self.times(self.builder.sdiv(count, self.long(self.lanes)), self.lanes)
        for is_rest in (rest_first, not rest_first):
            if is_rest:
                with self.when(whole, "<", count):
                    write(self.times(whole, self.size), self.first_n_mask(self.builder.sub(count, whole)))
            else:
                with self.for_range(whole, self.lanes) as (i, _):
                    write(self.times(i, self.size), None)

    def variable(self, value: Any) -> "Variable":
        """A mutable variable, which LLVM keeps in a register if possible."""
        return Variable(self.builder, value)


class Variable:
    """A variable of the generated code."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.place = builder, cgutils.alloca_once_value(builder, value)

    @property
    def value(self) -> Any:
        """Its current value."""
        return self.builder.load(self.place)

    @value.setter
    def value(self, value: Any) -> None:
        self.builder.store(value, self.place)
