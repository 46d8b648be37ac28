"""Agreement on non-finite numbers: numbers that are NaN or infinite in one backend must be so in the other."""

import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.testing.answers import Answer, Compared
from samenet.testing.updates import run_updates

Array = NDArray[Any]


def spoiled(network: Any, trusted: Any, X: Array, Y: Array) -> Compared:
    """The same numbers are finite if a weight of an input that is always 0 is not finite, or a delta overflows."""
    assert not X[:, -1].any()
    for value in (math.nan, math.inf):
        ends = []
        for one in (network.copy(), trusted.copy()):
            one.weights[0][0, -1] = value
            ends.append([one.predict(X), one.gradient(X, Y)[1].flat])
        for got, expected in zip(*ends, strict=True):
            yield Answer("finite under a weight", np.isfinite(got), np.isfinite(expected), 0)
    ends = []
    for one in (network, trusted):
        with_relu = type(one)(one.sizes, activation="relu", weights=[abs(W) for W in one.weights])
        with_relu.weights[-1][:] = 1e3
        ends.append([with_relu.gradient(abs(X), -1.7e308 * np.ones_like(Y))[1].flat])
        for rows in (8, 4):
            moved = with_relu.copy()
            run_updates(moved, abs(X[:rows]), -1.7e308 * np.ones_like(Y[:rows]), alpha=1.0, batch_size=rows)
            ends[-1].append(moved.parameters)
    for got, expected in zip(*ends, strict=True):
        assert np.isnan(expected).any()
        yield Answer("finite under a delta", np.isnan(got), np.isnan(expected), 0)


def finite_input(network: Any, X: Array) -> Compared:
    """A non-finite input is detected at any position, in one sample, in a few and in many."""
    seen = object()  # marks input that is not handled by the fast path
    has_none = isinstance(network.backend.fast_predict, partial)  # `fast_predict` of `samenet.backends.generic`
    fast = network.backend.fast_predict(network.model, lambda X: seen, False)
    for rows in (1, 2, 3, len(X)):
        yield Answer("finite", fast(X[:rows].copy()) is seen, has_none, 0)
        for row in {0, rows // 2, rows - 1}:
            spoiled = X[:rows].copy()
            spoiled[row, row % X.shape[1]] = math.inf
            yield Answer("not finite", fast(spoiled) is seen, True, 0)
            yield Answer("not finite", fast(spoiled[row].copy()) is seen, True, 0)
            for wrong in (spoiled, spoiled[row]):
                try:
                    network.predict(wrong)
                except ValueError:
                    continue
                yield Answer("not finite, and predicted", True, False, 0)


def infinite_inside(cls: type[Any], trusted: type[Any]) -> Compared:
    """The same numbers are finite if a hidden node is infinite, but the output and the propagated errors are not."""
    ends = []
    for one in (cls, trusted):
        net = one([2, 1, 1], activation=["relu", "sigmoid"], weights=[[[1e308, 1.0]], [[10.0]]])
        run_updates(net, np.full((2, 2), 10.0), np.zeros((2, 1)), alpha=1.0, batch_size=2)
        ends.append(np.isnan(net.parameters))
    yield Answer("finite beside an infinite node", ends[0], ends[1], 0)


def overflowing(cls: type[Any], trusted: type[Any]) -> Compared:
    """The same if training makes a weight infinite: at a nonzero sample, at one with a single nonzero number, or
    before a sample of weight 0.
    """
    for kept, large, rows, size in ((1.0, 1e200, 3, 1), (0.0, 1e200, 3, 1), (1.0, 1e100, 7, 6), (0.0, 1e200, 4, 1)):
        given: dict[str, Any] = {"sample_weight": np.array([1.0, 1.0, 0.0, 1.0])} if rows == 4 else {}
        X = np.zeros((rows, 6))
        X[:, 0] = 1.0
        X[1, 1:-1] = kept
        X[1, -1] = large
        ends = []
        for one in (cls([6, 3], activation="identity", seed=0), trusted([6, 3], activation="identity", seed=0)):
            run_updates(one, X, np.zeros((rows, 3)), alpha=1.0, batch_size=size, epochs=size // 3 or 1, **given)
            ends.append(np.isfinite(one.parameters))
        yield Answer("finite after an overflow", ends[0], ends[1], 0)
