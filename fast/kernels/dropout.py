"""Masks of dropout and DropConnect in kernels: the same numbers as `samenet.reference.dropout`."""

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import boolean, int64, types
from numba.core import cgutils

from samenet.fast.kernels.codegen.compiling import external
from samenet.fast.kernels.codegen.generated import generated
from samenet.fast.kernels.codegen.loops import vectorized
from samenet.fast.kernels.codegen.vector import LONG
from samenet.fast.kernels.packing import is_transposed, lanes_of, row_length, unpack

_WORD = 2**64 - 1
_STEP = 0x9E3779B97F4A7C15  # the increment of the generator's state
_ROUNDS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))  # shifts and multipliers
_BITS = 53  # of a random number
HALF = -(1 << 63)  # added to keys for DropConnect, see `samenet.fast.workspace.masking`


def _random(key: int, n: int) -> int:
    """The first 53 bits of the n-th number of the generator splitmix64."""
    z = (int(key) + int(n) * _STEP) & _WORD
    for shift, factor in _ROUNDS:
        z = ((z ^ (z >> shift)) * factor) & _WORD
    return (z ^ (z >> 31)) >> (64 - _BITS)


def _draw(out, key, first, step, thresholds, factors):
    """out := 0 where the random number is below its threshold, else the factor.

    out[j] uses random number first + j step. thresholds, factors: one for each j, or one number for all.
    """
    for j in range(len(out)):
        threshold, factor = (np.broadcast_to(given, len(out))[j] for given in (thresholds, factors))
        out[j] = 0 if _random(key, first + j * step) < threshold else factor


def _write_draw(vb, out, key, first, step, thresholds, factors):
    """Draw a register of numbers at a time, with unsigned 64-bit integers, which wrap around."""
    builder, kind = vb.builder, ir.VectorType(LONG, vb.lanes)
    pace = builder.mul(step, vb.long(_STEP))
    places = builder.mul(ir.Constant(kind, list(range(vb.lanes))), vb.broadcast(pace))
    start = builder.add(vb.broadcast(builder.add(key, builder.mul(first, vb.long(_STEP)))), places)

    def constant(value):
        return ir.Constant(kind, [value] * vb.lanes)

    def mixed(z, shift):
        return builder.xor(z, builder.lshr(z, constant(shift)))

    def apply(offset, mask):
        j = builder.sdiv(offset, vb.long(vb.size))
        z = builder.add(start, vb.broadcast(builder.mul(j, pace)))
        for shift, factor in _ROUNDS:
            z = builder.mul(mixed(z, shift), constant(factor))
        numbers = builder.lshr(mixed(z, 31), constant(64 - _BITS))
        limits = vb.broadcast(thresholds) if isinstance(thresholds, ir.Value) else vb.longs(thresholds, j, mask)
        kept = factors if isinstance(factors, ir.Value) else vb.load(vb.at(vb.start(factors), offset), mask)
        drops = builder.icmp_unsigned("<", numbers, limits)
        vb.store(builder.select(drops, vb.zero, kept), vb.at(vb.start(out), offset), mask)

    vb.for_each_vector(cgutils.unpack_tuple(builder, out.shape, 1)[0], apply)


draw = generated(_draw, _write_draw)


def dropout_type(f):
    """The type of the kernels' argument, see `samenet.backends.dropout.Dropout`."""
    return types.Tuple((int64[::1], f[::1], int64, int64))


@external(lambda f: (dropout_type(f), int64, f[:, ::1]))
def fill_masks(dropout, start, masks):
    """masks := the factors of all hidden nodes for a call's samples from `start` on."""
    thresholds, factors, key, first = dropout
    for s in range(len(masks)):
        draw(masks[s], key, (first + start + s) * factors.size + 1, 1, thresholds, factors)


products = vectorized(lambda out, a, b: (a * b,), stores=1)


class MaskedWeights(NamedTuple):
    """DropConnect, see `samenet.backends.dropout.DropConnect`, with its memory; without it, the arrays are empty."""

    thresholds: Any
    factors: Any
    key: Any  # less 2^63
    first: Any
    count: Any  # of the weights
    theta: Any  # masked parameters laid out like theta; only the matrices after the first are filled
    P: Any  # the same, laid out like P
    masks: Any  # laid out like P, with 1 for biases


def masked_type(f):
    """The type of `MaskedWeights`."""
    return types.NamedTuple((int64[::1], f[::1], *(int64,) * 3, *(f[::1],) * 3), MaskedWeights)


@external(lambda f: (masked_type(f), int64, f[::1], int64[::1], boolean))
def mask_weights(masked, update, P, sizes, bias):
    """Fill the masks of all weights for an update of a call, and the masked parameters."""
    key, masked_P, masks = masked.key, masked.P, masked.masks
    lanes, counter, p = lanes_of(sizes, P.itemsize), (masked.first + update) * masked.count + 1, 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        threshold, factor = masked.thresholds[layer], masked.factors[layer]
        rows, columns, down, across = (n, k, 1, n) if is_transposed(sizes, layer, lanes) else (k, n, n, 1)
        for i in range(rows):
            end = p + columns
            draw(masks[p:end], key, counter + i * down, across, threshold, factor)
            products(masked_P[p:end], P[p:end], masks[p:end])
            p += row_length(columns, lanes)
        counter += n * k
        for i in range(p, p + bias * k):
            masked_P[i] = P[i]
        p += bias * row_length(k, lanes)
    unpack(masked_P, sizes, bias, True, masked.theta)
