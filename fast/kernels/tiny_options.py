"""Dropout, DropConnect, sample weights and adaptive sampling for `tiny_network`, compiled only if used."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.fast.kernels.adaptive import draw as draw_row
from samenet.fast.kernels.adaptive import importance, learn
from samenet.fast.kernels.codegen.compiling import kernel
from samenet.fast.kernels.codegen.memory import empty, zeroed
from samenet.fast.kernels.dropout import draw, products
from samenet.fast.kernels.tiny_layers import row_of
from samenet.fast.kernels.training import total_weight

_NONE, _NO_NUMBERS = np.empty(0), np.empty((0, 0))
_NO_THRESHOLDS, _NO_FACTORS = np.empty(0, np.int64), {n: np.empty(0, f"f{n}") for n in (4, 8)}


class Options(NamedTuple):
    """The options in use, always of one type: those not in use are empty arrays."""

    dropout: Any  # thresholds, factors, key and first of `samenet.backends.dropout.Dropout`
    drop_connect: Any  # the same of `DropConnect`, with key - 2^63
    weights: Any  # of the samples
    sampler: Any  # rate, floor, rows, tree and mean of `samenet.backends.adaptive.Sampler`
    numbers: Any  # random numbers in [0, 1), one per draw


class Memory(NamedTuple):
    """The memory that the options need."""

    D: Any  # the masked activations, laid out like H
    masks: Any  # the factors of the nodes, laid out like H
    used: Any  # the parameters with DropConnect, laid out like P
    weight_masks: Any  # their factors
    rows: Any  # the rows drawn for an update
    squares: Any  # the squared norms of their gradients


def chosen(
    itemsize: int,
    dropout: Any,
    drop_connect: Any,
    weights: NDArray[Any] | None,
    sampler: Any,
    numbers: NDArray[Any] | None,
) -> tuple[Any, ...]:
    """The options of a call, as arguments of kernels."""
    none = _NO_THRESHOLDS, _NO_FACTORS[itemsize], 0, 0
    if drop_connect is not None:
        thresholds, factors, key, first = drop_connect
        drop_connect = thresholds, factors, key - 2**63, first  # 2^63 steps of an odd size are one of 2^63, mod 2^64
    return (
        none if dropout is None else tuple(dropout),
        drop_connect or none,
        _NONE if weights is None else weights.astype(np.float64, copy=False),
        (0.0, 0.5, 0, _NONE, _NONE) if sampler is None else tuple(sampler),
        _NO_NUMBERS if sampler is None else numbers,
    )


@kernel()
def memory_for(heap, options, P, H, batch_size):
    """The memory for an update; without dropout, H is D, and without DropConnect P is used."""
    none = H[:0]
    drops, masks_weights = options.dropout[0].size > 0, options.drop_connect[0].size > 0
    most = min(batch_size, options.numbers.shape[1])
    weight_masks = empty(heap, P.size if masks_weights else 0, P.dtype)
    for i in range(weight_masks.size):
        weight_masks[i] = 1
    return Memory(
        zeroed(heap, H.size, H.dtype) if drops else H,
        zeroed(heap, H.size, H.dtype) if drops else none,
        zeroed(heap, P.size, P.dtype) if masks_weights else P,
        weight_masks,
        empty(heap, most, np.int64),
        zeroed(heap, most, np.float64),
    )


@kernel()
def divisor_of(options, order, epoch, start, rows, mean):
    """The divisor of a batch's gradient: the sum of weights, or the number of rows."""
    if not mean:
        return 1.0
    return total_weight(options.weights, order, epoch, start, rows) if options.weights.size else float(rows)


@kernel()
def choose(options, memory, row, epoch, start, s, divisor):
    """The row at position s of an epoch, in a batch from `start` on, and its factor: this row, or the one drawn."""
    weight = 1.0
    if options.numbers.size:
        row = draw_row(options.sampler, options.numbers[epoch, s])
        memory.rows[s - start] = row
        weight = importance(options.sampler, row)
    elif options.weights.size:
        weight = options.weights[row]
    return row, weight / divisor


@kernel()
def fill_masks(width, several, options, sample, sizes, masks):
    """The factors of the hidden nodes for a sample of the call."""
    thresholds, factors, key, first = options.dropout
    place, i = row_of(width, (0, 0), sizes[0]), 0
    for layer in range(1, sizes.size - 1):
        k, number = sizes[layer], (first + sample) * factors.size + i + 1
        draw(masks[place : place + k], key, number, 1, thresholds[i : i + k], factors[i : i + k])
        place += row_of(width, several, k)
        i += k


@kernel()
def mask_weights(width, several, options, update, P, sizes, memory):
    """The factors of the weights for an update of the call, and the masked parameters."""
    thresholds, factors, key, first = options.drop_connect
    weights = p = 0
    for layer in range(sizes.size - 1):
        weights += sizes[layer] * sizes[layer + 1]
    number = (first + update) * weights + 1
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        row = row_of(width, several, k)
        for j in range(n):
            place = p + j * row
            draw(memory.weight_masks[place : place + k], key, number + j, n, thresholds[layer], factors[layer])
        number += n * k
        p += (n + 1) * row
    products(memory.used, P, memory.weight_masks)


@kernel()
def learn_from(options, memory, rows, mean):
    """Update the weights of the rows drawn for an update."""
    for s in range(rows):
        memory.squares[s] *= float(rows * rows) if mean else 1.0
    learn(options.sampler, memory.rows[:rows], memory.squares[:rows])
