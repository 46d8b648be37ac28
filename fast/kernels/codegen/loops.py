"""Loops over arrays, with the widest vector registers.

Numba's own loops use registers of 32 bytes, and the order of a sum may depend on the arrays' addresses.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from samenet.fast.kernels.codegen.generated import generated
from samenet.fast.kernels.codegen.lane_products import halved
from samenet.fast.kernels.codegen.vector import Vector

_PARTS = 4  # partial sums of the sum of rows


def vectorized(
    f: Callable[..., tuple[Any, ...]], stores: int = 0, contract: bool = True, in_double: bool = True
) -> Any:
    """A function g(*vectors, *numbers) for kernels: a loop over 1-D arrays of one dtype and length.

    f takes NumPy arrays, or `Vector` when code is generated, and returns a tuple. Its first `stores` results are stored
    in the first arrays. If there are more, g returns their sums (one, or a tuple), added in float64, or unless
    `in_double` in their dtype: each lane of a register has its own sum, and these are added at the end, so that all
    runs add in one order. contract: whether a product and a sum may become one fused multiply-add.
    """

    def plain(*given):
        results = f(*given)
        for array, result in zip(given, results[:stores], strict=False):
            array[:] = result
        sums = [float(np.sum(x, dtype=np.float64 if in_double else x.dtype)) for x in results[stores:]]
        return tuple(sums) if len(sums) > 1 else sums[0] if sums else None

    plain.__signature__ = inspect.signature(f)  # type: ignore[attr-defined]

    def write(vb, *given):
        vb.flags = vb.flags if contract else ()
        first = given[0]
        count = cgutils.unpack_tuple(vb.builder, first.shape, 1)[0]
        sums = ir.VectorType(ir.DoubleType(), vb.lanes) if in_double else vb.vector
        none = ir.Constant(sums, [0.0] * vb.lanes)
        totals = [vb.variable(none) for _ in range(summed)]

        def apply(offset, mask):
            places = [None if isinstance(x, ir.Value) else vb.at(vb.start(x), offset) for x in given]
            numbers = [x if place is None else vb.load(place, mask) for x, place in zip(given, places, strict=True)]
            results = [result.value for result in f(*(Vector(vb, number) for number in numbers))]
            for place, result in zip(places, results[:stores], strict=False):
                vb.store(result, place, mask)
            for total, result in zip(totals, results[stores:], strict=True):
                term = vb.builder.fpext(result, sums)  # the result itself if it is of this type
                term = term if mask is None else vb.builder.select(mask, term, none)
                total.value = vb.builder.fadd(total.value, term)

        # A masked store delays later loads from the memory behind it, such as a matrix's next row, so it comes first.
        vb.for_each_vector(count, apply, rest_first=True)
        found = [vb.across(total.value, vb.builder.fadd) for total in totals]
        found = [x if x.type == ir.DoubleType() else vb.builder.fpext(x, ir.DoubleType()) for x in found]
        return cgutils.pack_array(vb.builder, found) if summed > 1 else found[0] if found else None

    numbers = [np.ones(1, np.float64)] * len(inspect.signature(f).parameters)
    summed = len(f(*numbers)) - stores
    returns = types.UniTuple(types.float64, summed) if summed > 1 else types.float64 if summed else types.void
    return generated(plain, write, returns)


def in_lanes(f: Callable[..., tuple[Any, ...]]) -> Any:
    """A function g(*vectors, sums) for kernels: vectors of registers, each lane with numbers of its own.

    sums (lanes,), in float64: for each lane, the sum that `vectorized(f)` returns for its numbers, with the same bits.
    """

    def plain(*given):
        *vectors, sums = given
        sums[:] = f(*(vector.reshape(-1, len(sums)) for vector in vectors))[0].sum(0, dtype=np.float64)

    parameters = [*inspect.signature(f).parameters.values()]
    plain.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [*parameters, parameters[0].replace(name="sums")]
    )

    def write(vb, *given):
        *vectors, sums = given
        builder, lanes, kind = vb.builder, vb.lanes, ir.VectorType(ir.DoubleType(), vb.lanes)
        count = builder.sdiv(cgutils.unpack_tuple(builder, vectors[0].shape, 1)[0], vb.long(lanes))
        rest = builder.and_(count, vb.long(lanes - 1))
        totals = cgutils.alloca_once(builder, ir.ArrayType(kind, lanes))  # a register for each lane of `vectorized`
        places = [builder.gep(totals, [vb.long(0), vb.long(i)]) for i in range(lanes)]
        for place in places:
            builder.store(ir.Constant(kind, [0.0] * lanes), place)
        with vb.for_range(count) as (term, _):  # the rest comes first
            is_rest, after = builder.icmp_signed("<", term, rest), builder.sub(term, rest)
            number = builder.select(is_rest, builder.add(builder.sub(count, rest), term), after)
            lane = builder.and_(builder.select(is_rest, term, after), vb.long(lanes - 1))
            offset, place = vb.times(number, lanes * vb.size), builder.gep(totals, [vb.long(0), lane])
            value = f(*(Vector(vb, vb.load(vb.at(vb.start(x), offset))) for x in vectors))[0].value
            value = builder.fpext(value, kind)
            builder.store(builder.fadd(builder.load(place), value), place)
        total = halved(builder, [builder.load(place) for place in places])
        builder.store(total, builder.bitcast(sums.data, kind.as_pointer())).align = 8

    return generated(plain, write)


def _largest(a):
    """The largest number of an array; any of its numbers if there is a NaN."""
    return float(a.max())


def _write_largest(vb, a):
    def larger(x, y):
        return vb.builder.select(vb.builder.fcmp_ordered(">", x, y), x, y)

    found = vb.variable(vb.broadcast_load(vb.start(a)))

    def apply(offset, mask):
        numbers = vb.load(vb.at(vb.start(a), offset), mask)
        numbers = numbers if mask is None else vb.builder.select(mask, numbers, found.value)
        found.value = larger(numbers, found.value)

    vb.for_each_vector(cgutils.unpack_tuple(vb.builder, a.shape, 1)[0], apply)
    number = vb.across(found.value, larger)
    return number if vb.size == 8 else vb.builder.fpext(number, ir.DoubleType())


largest = generated(_largest, _write_largest, types.float64)


def elementwise(f: Callable[[Any], Any]) -> Any:
    """A function g(out, a, shift) for kernels: out := f(a - shift) for two 1-D arrays and a number of one dtype."""
    return vectorized(lambda out, a, shift: (f(a - shift),), stores=1)


def _add_rows(A, z):
    """z[:k] += the sum of the rows of A (m, k), whose rows are contiguous."""
    z[: A.shape[1]] += A.sum(0)


def _write_add_rows(vb, A, z):
    """`_PARTS` partial sums, each of every `_PARTS`-th row."""
    (m, k), step = vb.pair(A.shape), vb.pair(A.strides)[0]
    whole = vb.times(vb.builder.sdiv(m, vb.long(_PARTS)), _PARTS)

    def add(offset, mask):
        sums = [vb.variable(vb.zero) for _ in range(_PARTS)]

        def add_row(total, s):
            row = vb.load(vb.at(vb.at(vb.start(A), offset), vb.times(step, s)), mask)
            total.value = vb.builder.fadd(total.value, row)

        with vb.for_range(whole, _PARTS) as (s, _):
            for r, total in enumerate(sums):
                add_row(total, vb.builder.add(s, vb.long(r)))
        with vb.for_range(vb.builder.sub(m, whole)) as (s, _):
            add_row(sums[0], vb.builder.add(whole, s))
        place = vb.at(vb.start(z), offset)
        values = [total.value for total in sums]
        while len(values) > 1:
            values = [vb.builder.fadd(a, b) for a, b in zip(values[::2], values[1::2], strict=True)]
        vb.store(vb.builder.fadd(vb.load(place, mask), values[0]), place, mask)

    vb.for_each_vector(k, add)


add_rows = generated(_add_rows, _write_add_rows)


def tiles(vb, m, height, lower):
    """The number of tiles that m rows are divided into, and (height, begin, end) of the rows of those of each height.

    If m is not a multiple of the height, some tiles are lower, instead of computing the last row again.
    """
    count = vb.builder.sdiv(vb.builder.add(m, vb.long(height - 1)), vb.long(height))
    over = vb.builder.sub(vb.times(count, height), m)
    last = vb.minimum(vb.builder.sdiv(over, vb.long(height - lower)), count)  # so many are lower
    middle = vb.times(vb.builder.sub(count, last), height)
    return count, ((height, vb.long(0), middle), (lower, middle, vb.builder.add(middle, vb.times(last, lower))))
