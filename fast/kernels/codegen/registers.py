"""Vector registers as values in kernels, for networks so small that a layer fits into a few.

Fewer lanes have a lower latency. A kernel receives the number of lanes as the length of a tuple, `width`, because the
compiler knows the length from the tuple's type. If the JIT is disabled, a register is a NumPy array.
"""

import numpy as np
from numba import types

from samenet.fast.kernels.codegen.compiling import intrinsic_of
from samenet.fast.kernels.codegen.generated import Register, generated
from samenet.fast.kernels.codegen.vector import REGISTER, Vector

_LEAST = 16  # bytes of the smallest register


def width_for(nodes: int, itemsize: int) -> tuple[int, ...]:
    """The width of the smallest register that holds this many numbers; of the largest register if none does."""
    size = _LEAST
    while size < min(REGISTER, nodes * itemsize):
        size *= 2
    return (0,) * (size // itemsize)


def full_width(a):
    """The width of the largest register of the dtype of a."""
    return (0,) * (REGISTER // a.itemsize)


def _typed_full_width(typing_context, a):
    width = types.UniTuple(types.int64, REGISTER * 8 // a.dtype.bitwidth)
    return width(a), lambda context, builder, signature, values: context.get_constant_null(width)


full_width = intrinsic_of(full_width, _typed_full_width)


def _at(vb, a, i):
    return vb.at(vb.start(a), vb.times(i, vb.size))


def _load(width, a, i):
    """A register of the numbers of a from i on."""
    return a[i : i + len(width)].copy()


def _load_first(width, a, i, n):
    """A register of the first n numbers of a from i on, then zeros."""
    n = min(n, len(width))
    return np.concatenate([a[i : i + n], np.zeros(len(width) - n, a.dtype)])


def _store(a, i, v):
    """a[i : i + lanes] := v."""
    a[i : i + len(v)] = v


def _broadcast(width, a, i):
    """a[i] in all lanes."""
    return np.full(len(width), a[i])


def _first(v, n):
    """v, with zeros from lane n on."""
    return np.where(np.arange(len(v)) < n, v, v.dtype.type(0))


def _products(a, i, step, n, v):
    """In lane j < n: the dot product of v with a register of a from i + j step on; then zeros."""
    n = min(n, len(v))
    rows = np.reshape([a[i + j * step : i + j * step + len(v)] for j in range(n)], (n, len(v)))
    return _first(np.concatenate([rows @ v, np.zeros(len(v) - n, v.dtype)]), n)


def _write_products(vb, a, i, step, n, v):
    rows = []
    for r in range(vb.lanes):  # past n, the first row, whose sums are not used
        row = vb.builder.select(vb.builder.icmp_signed("<", vb.long(r), n), vb.long(r), vb.long(0))
        place = _at(vb, a, vb.builder.add(i, vb.times(row, step)))
        rows.append(vb.builder.fmul(vb.load(place), v))
    return vb.builder.select(vb.first_n_mask(n), vb.sums(rows), vb.zero)


load = generated(_load, lambda vb, width, a, i: vb.load(_at(vb, a, i)), Register)
load_first = generated(_load_first, lambda vb, width, a, i, n: vb.load(_at(vb, a, i), vb.first_n_mask(n)), Register)
store = generated(_store, lambda vb, a, i, v: vb.store(v, _at(vb, a, i)))
broadcast = generated(_broadcast, lambda vb, width, a, i: vb.broadcast_load(_at(vb, a, i)), Register)
first = generated(_first, lambda vb, v, n: vb.builder.select(vb.first_n_mask(n), v, vb.zero), Register)
products = generated(_products, _write_products, Register)


def lanewise(f, contract=True):
    """f as a function for kernels: of registers and numbers, written for both NumPy arrays and `Vector`.

    contract: whether a product and a sum may become one fused multiply-add.
    """

    def write(vb, *values):
        if not contract:
            vb.flags = ()
        return f(*(Vector(vb, value) for value in values)).value

    return generated(f, write, Register)
