"""Machinery: a vector register as a value in a kernel, for networks so small that a layer fits into one.

With the compiler off, a register is a NumPy array of as many numbers.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import models, register_model

from samenet.fast.kernels.compiling import intrinsic_of
from samenet.fast.kernels.instructions import REGISTER, Emit, Lanes


class Register(types.Type):
    """The numbers of a dtype that fill a vector register."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(name=f"Register({dtype})")


@register_model(Register)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, kind):
        scalar = ir.DoubleType() if kind.dtype == types.float64 else ir.FloatType()
        super().__init__(manager, kind, ir.VectorType(scalar, REGISTER // (kind.dtype.bitwidth // 8)))


def _lanes(a):
    return REGISTER // a.itemsize


def _intrinsic(plain, write, returns_register=True):
    """What kernels call: `write(emit, *values)`, where an array comes as the address of its first number."""

    def typed(typing_context, *kinds):
        dtype = next(kind.dtype for kind in kinds if isinstance(kind, types.Array | Register))

        def codegen(context, builder, signature, values):
            emit = Emit(context, builder, dtype)
            given = []
            for kind, value in zip(kinds, values, strict=True):
                if isinstance(kind, types.Array):
                    value = emit.start(context.make_array(kind)(context, builder, value))
                elif isinstance(kind, types.Float):
                    value = emit.splat(context.cast(builder, value, kind, dtype))
                elif isinstance(kind, types.Integer):
                    value = context.cast(builder, value, kind, types.int64)
                given.append(value)
            result = write(emit, *given)
            return result if returns_register else context.get_dummy_value()

        return (Register(dtype) if returns_register else types.void)(*kinds), codegen

    return intrinsic_of(plain, typed)


def _at(emit, a, i):
    return emit.at(a, emit.times(i, emit.size))


def _load(a, i):
    """The numbers of a from i on."""
    return a[i : i + _lanes(a)].copy()


def _load_first(a, i, n):
    """The first n numbers of a from i on, and zeros; at most a register of them."""
    n = min(n, _lanes(a))
    return np.concatenate([a[i : i + n], np.zeros(_lanes(a) - n, a.dtype)])


def _store(a, i, v):
    """a[i:] := v, as far as the register goes."""
    a[i : i + _lanes(a)] = v


def _spread(a, i):
    """a[i] in all lanes."""
    return np.full(_lanes(a), a[i])


def _first(v, n):
    """v, with zeros from lane n on."""
    return np.where(np.arange(len(v)) < n, v, v.dtype.type(0))


def _products(a, i, n, v):
    """In lane j < n, the sum of a[i + j L : i + (j + 1) L] v, where L numbers fill a register; then zeros."""
    rows = a[i : i + n * len(v)].reshape(n, len(v))
    return _first(np.concatenate([rows @ v, np.zeros(len(v) - n, v.dtype)]), n)


def _write_products(emit, a, i, n, v):
    rows = []
    for r in range(emit.lanes):  # past n, the first row: its sums are not asked for
        row = emit.builder.select(emit.builder.icmp_signed("<", emit.long(r), n), emit.long(r), emit.long(0))
        place = _at(emit, a, emit.builder.add(i, emit.times(row, emit.lanes)))
        rows.append(emit.builder.fmul(emit.load(place), v))
    return emit.builder.select(emit.first(n), emit.sums(rows), emit.zero)


load = _intrinsic(_load, lambda emit, a, i: emit.load(_at(emit, a, i)))
load_first = _intrinsic(_load_first, lambda emit, a, i, n: emit.load(_at(emit, a, i), emit.first(n)))
store = _intrinsic(_store, lambda emit, a, i, v: emit.store(v, _at(emit, a, i)), returns_register=False)
spread = _intrinsic(_spread, lambda emit, a, i: emit.number_at(_at(emit, a, i)))
first = _intrinsic(_first, lambda emit, v, n: emit.builder.select(emit.first(n), v, emit.zero))
products = _intrinsic(_products, _write_products)


def lanewise(f):
    """What kernels call for f, a function of registers and numbers, written for NumPy arrays and `Lanes` alike."""

    def write(emit, *values):
        return f(*(Lanes(emit, value) for value in values)).value

    return _intrinsic(f, write)
