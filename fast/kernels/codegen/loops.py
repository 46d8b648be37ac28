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
from samenet.fast.kernels.codegen.vector import Vector


def vectorized(f: Callable[..., tuple[Any, ...]], stores: int = 0, contract: bool = True) -> Any:
    """A function g(*vectors, *numbers) for kernels: a loop over 1-D arrays of one dtype and length.

    f takes NumPy arrays, or `Vector` when code is generated, and returns a tuple. Its first `stores` results are stored
    in the first arrays. If there is one more, g returns its sum in float64: each lane of a register has its own sum,
    and these are added at the end, so that all runs add in one order. contract: whether a product and a sum may become
    one fused multiply-add.
    """

    def plain(*given):
        results = f(*given)
        for array, result in zip(given, results[:stores], strict=False):
            array[:] = result
        return float(np.sum(results[stores], dtype=np.float64)) if len(results) > stores else None

    plain.__signature__ = inspect.signature(f)  # type: ignore[attr-defined]

    def write(vb, *given):
        vb.flags = vb.flags if contract else ()
        first = given[0]
        count = cgutils.unpack_tuple(vb.builder, first.shape, 1)[0]
        sums = ir.VectorType(ir.DoubleType(), vb.lanes)
        total = vb.variable(ir.Constant(sums, [0.0] * vb.lanes)) if summed else None

        def apply(offset, mask):
            places = [None if isinstance(x, ir.Value) else vb.at(vb.start(x), offset) for x in given]
            numbers = [x if place is None else vb.load(place, mask) for x, place in zip(given, places, strict=True)]
            results = [result.value for result in f(*(Vector(vb, number) for number in numbers))]
            for place, result in zip(places, results[:stores], strict=False):
                vb.store(result, place, mask)
            if total:
                term = results[stores] if mask is None else vb.builder.select(mask, results[stores], vb.zero)
                term = term if term.type == sums else vb.builder.fpext(term, sums)
                total.value = vb.builder.fadd(total.value, term)

        # A masked store delays later loads from the memory behind it, such as a matrix's next row, so it comes first.
        vb.for_each_vector(count, apply, rest_first=True)
        return vb.across(total.value, vb.builder.fadd) if total else None

    numbers = [np.ones(1, np.float64)] * len(inspect.signature(f).parameters)
    summed = len(f(*numbers)) > stores
    return generated(plain, write, types.float64 if summed else types.void)


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
