"""Masks of dropout and DropConnect in kernels: the same numbers as `samenet.reference.dropout`."""

from llvmlite import ir
from numba import int64, types

from samenet.fast.kernels.codegen.compiling import intrinsic_of, kernel
from samenet.fast.kernels.codegen.loops import vectorized
from samenet.fast.kernels.codegen.vector import LONG
from samenet.fast.kernels.packing import is_turned, lanes_of, row_length, unpack

_WORD = 2**64 - 1
_STEP = 0x9E3779B97F4A7C15  # of the generator's state, for each number
_ROUNDS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))  # shifts and multipliers
_BITS = 53  # of a random number


def _random(key: int, n: int) -> int:
    """The first 53 bits of the n-th number of the generator splitmix64."""
    z = (int(key) + int(n) * _STEP) & _WORD
    for shift, factor in _ROUNDS:
        z = ((z ^ (z >> shift)) * factor) & _WORD
    return (z ^ (z >> 31)) >> (64 - _BITS)


def _typed_random(typing_context, key, n):
    """In integers of 64 bits without a sign, which wrap around; Numba would make floats of some of them."""

    def codegen(context, builder, signature, values):
        def constant(value):
            return ir.Constant(LONG, value)

        def mixed(z, shift):
            return builder.xor(z, builder.lshr(z, constant(shift)))

        z = builder.add(values[0], builder.mul(values[1], constant(_STEP)))
        for shift, factor in _ROUNDS:
            z = builder.mul(mixed(z, shift), constant(factor))
        return builder.lshr(mixed(z, 31), constant(64 - _BITS))

    return int64(int64, int64), codegen


_random = intrinsic_of(_random, _typed_random)


def dropout_type(f):
    """The type of what kernels are given: thresholds, factors, key and first of `samenet.backends.dropout.Dropout`."""
    return types.Tuple((int64[::1], f[::1], int64, int64))


@kernel()
def fill_masks(dropout, start, masks):
    """masks := the factors of all hidden nodes, for the samples of a call from `start` on."""
    thresholds, factors, key, first = dropout
    zero = masks.dtype.type(0)
    for s in range(len(masks)):
        row, n = masks[s], (first + start + s) * factors.size + 1
        for j in range(factors.size):
            row[j] = zero if _random(key, n + j) < thresholds[j] else factors[j]


products = vectorized(lambda out, a, b: (a * b,), stores=1)


@kernel()
def mask_weights(drop_connect, update, P, sizes, bias):
    """Fill the masks of all weights for an update of a call, and the parameters that they are applied to.

    drop_connect: thresholds, factors, key - 2^63 and first of `samenet.backends.dropout.DropConnect`; the number of
    weights; masked parameters laid out like theta, of which only the matrices after the first are filled, and like P;
    and the masks, laid out like P, with 1 for biases.
    """
    thresholds, factors, key, first, weights, masked_theta, masked_P, masks = drop_connect
    lanes, zero = lanes_of(sizes, P.itemsize), masks.dtype.type(0)
    counter, p = (first + update) * weights + 1, 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        threshold, factor = thresholds[layer], factors[layer]
        rows, columns, down, across = (n, k, 1, n) if is_turned(sizes, layer, lanes) else (k, n, n, 1)
        for i in range(rows):
            row = masks[p : p + columns]
            for j in range(columns):
                row[j] = zero if _random(key, counter + i * down + j * across) < threshold else factor
            p += row_length(columns, lanes)
        counter += n * k
        p += bias * row_length(k, lanes)
    products(masked_P, P, masks)
    unpack(masked_P, sizes, bias, True, masked_theta)
