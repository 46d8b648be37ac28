"""Dropout masks for many samples at once, and DropConnect masks for all weights."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends.dropout import DropConnect, Dropout
from samenet.model import Model


def masks_of(dropout: Dropout | None, rows: int, start: int = 0) -> NDArray[Any] | None:
    """The factors of all hidden nodes for a call's samples from `start` on, (rows, n); None without dropout."""
    if dropout is None:
        return None
    n = len(dropout.factors)
    counter = np.arange(1, rows * n + 1, dtype=np.uint64) + np.uint64((dropout.first + start) * n)
    kept = (splitmix64(dropout.key, counter) >> 11).astype(np.int64).reshape(rows, n) >= dropout.thresholds
    return np.where(kept, dropout.factors, dropout.factors.dtype.type(0))


def weight_masks_of(drop_connect: DropConnect | None, model: Model, update: int = 0) -> list[NDArray[Any]] | None:
    """The factors of all weights for an update of a call, one matrix per layer; None without DropConnect."""
    if drop_connect is None:
        return None
    sizes = [W.size for W in model.weights]
    first = np.uint64(2**63 + (drop_connect.first + update) * sum(sizes))
    numbers = splitmix64(drop_connect.key, np.arange(1, sum(sizes) + 1, dtype=np.uint64) + first) >> 11
    kept = numbers.astype(np.int64) >= np.repeat(drop_connect.thresholds, sizes)
    masks = np.where(kept, np.repeat(drop_connect.factors, sizes), drop_connect.factors.dtype.type(0))
    layers = zip(np.split(masks, np.cumsum(sizes[:-1])), model.weights, strict=True)
    return [mask.reshape(W.shape) for mask, W in layers]


def splitmix64(key: int, n: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The numbers n = 1, 2, ... of a generator; see `samenet.reference.dropout.splitmix64`. Arrays wrap around."""
    z = np.uint64(key) + n * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
