"""Adaptive sampling on whole arrays: rows are drawn and weighted in NumPy, their gradients are of any library.

Equations and equivalent loops: `samenet.AdaptiveSampling`, `samenet.reference.sampling`.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.backends.adaptive import Sampler
from samenet.fast.masks import Put

Array = NDArray[Any]
_MOST, _MEMORY, _LIMIT = 10.0, 100.0, 1e150


class Sampled(NamedTuple):
    """The rows of a batch; their factors c, (B, 1); and the terms of ||c_s dJ_s/dtheta||^2, (B,), for each layer."""

    rows: NDArray[np.int64]
    factors: Any
    squares: list[Any]

    @classmethod
    def by(cls, sampler: Sampler, numbers: Array, put: Put, dtype: Any) -> "Sampled":
        """The batch drawn by these random numbers."""
        rows = draw(sampler, numbers)
        weights = sampler.weights[rows] * sampler.rows / sampler.tree[1]
        factors = 1.0 / ((1.0 - sampler.floor) * weights + sampler.floor)
        return cls(rows, put(factors[:, None].astype(dtype)), [])

    def add(self, xp: Any, delta: Any, layer_inputs: Any, bias: bool) -> None:
        """Add a layer's term, from its c dJ/dz: ||delta h^T||^2 = ||delta||^2 ||h||^2, and ||delta||^2 for biases."""
        self.squares.append(_squares(xp, delta) * (_squares(xp, layer_inputs) + bias))


def _squares(xp: Any, rows: Any) -> Any:
    """The sums of squares of rows, in float64."""
    wide = xp.asarray(rows, dtype=xp.float64)
    return (wide * wide).sum(axis=1)


def draw(sampler: Sampler, numbers: Array) -> NDArray[np.int64]:
    """The rows selected by random numbers in [0, 1)."""
    floor, tree, leaves = sampler.floor, sampler.tree, len(sampler.tree) // 2
    node, rest = np.ones(len(numbers), np.int64), (numbers - floor) / (1.0 - floor) * tree[1]
    while node[0] < leaves:
        node *= 2
        left = tree[node]
        beyond = rest >= left
        rest -= np.where(beyond, left, 0.0)
        node += beyond
    uniform = np.where(numbers < floor, numbers / floor * sampler.rows, 0.0).astype(np.int64)
    return np.minimum(np.where(numbers < floor, uniform, node - leaves), sampler.rows - 1)


def learn(sampler: Sampler, rows: NDArray[np.int64], squares: NDArray[np.float64]) -> None:
    """Update the weights of the rows drawn."""
    tree, mean, count = sampler.tree, float(squares.sum()) / len(squares), len(squares)
    running = float(sampler.mean[0]) or mean
    if not 0.0 < running < math.inf or not mean < math.inf:
        return
    places = rows + len(tree) // 2
    least = max(sampler.floor * float(tree[1]) / sampler.rows, 1.0 / _LIMIT)
    factors = np.exp(sampler.rate * (np.minimum(squares / running, _MOST) - 1.0))
    for place, factor in zip(places.tolist(), factors.tolist(), strict=True):  # a row may occur more than once
        tree[place] = min(max(float(tree[place]) * factor, least), _LIMIT)
    while places[0] > 1:
        places //= 2
        tree[places] = tree[2 * places] + tree[2 * places + 1]
    sampler.mean[0] = running + count / (count + _MEMORY) * (mean - running)
