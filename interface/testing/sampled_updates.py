"""Agreement of training with adaptive sampling: the updates, and the learned weights of the rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends.adaptive import Sampler
from samenet.testing import sampling_bounds, tolerance
from samenet.testing.answers import Answer, Compared
from samenet.testing.inputs import masks, weight_masks
from samenet.testing.updates import Descent, Masks, given_masks, run_updates

Array = NDArray[Any]


def sampled(network: Any, trusted: Any, X: Array, Y: Array, descent: Descent, masked: Masks) -> Compared:
    """Update after update from rows drawn by importance; both backends start each from the trusted backend's state.

    The initial weights of the rows, and the numbers that draw them, are random; a row may be drawn more than once. The
    running mean is first that of the batches, then far smaller, so that squared norms reach their limit.
    """
    network, trusted, rule = network.copy(), trusted.copy(), descent.rule
    given, expected = rule.settings(network), rule.settings(trusted)
    random, size, m = np.random.default_rng(len(X)), descent.batch_size, len(X)
    begun = drawing(random.uniform(0.05, 4, m))
    for batch in range(4 * descent.epochs):
        own = masked[0].after(batch * size) if rule.dropout else None
        connected = masked[1].after(batch) if rule.drop_connect else None
        numbers, samplers = random.random((1, size)), [begun.copy(), begun.copy()]
        rows = np.array([rows_of(begun, u) for u in numbers[0]])
        network.parameters = trusted.parameters
        seen, factors = (masks(own, size), weight_masks(connected, trusted.sizes)), sampling_bounds.factors(begun, rows)
        known = expected | {"masks": seen[0], "weight_masks": seen[1], "factors": factors}
        allowed, _ = tolerance.step(trusted.model, X[rows], Y[rows], descent.alpha, descent.reduction, **known)
        of_cost, of_weights, of_mean = tolerance.learned(trusted.model, X, Y, begun, rows, descent.reduction, *seen)
        given["state"].values[:], given["state"].t = expected["state"].values, expected["state"].t
        costs = []
        for one, settings, sampler in zip((network, trusted), (given, expected), samplers, strict=True):
            settings = settings | {"alpha": descent.alpha, "batch_size": size, "reduction": descent.reduction}
            settings |= given_masks(own, connected)
            costs.append(run_updates(one, X, Y, order=numbers, sampler=sampler, **settings))
        mine, its = samplers
        yield Answer("cost of a sampled batch", costs[0], costs[1], of_cost)
        yield Answer("one sampled update", network.parameters, trusted.parameters, allowed, network.dtype)
        yield Answer("learned weights", mine.weights, its.weights, of_weights)
        yield Answer("learned mean", mine.mean, its.mean, of_mean)
        yield Answer("tree of sums", mine.tree, drawing(mine.weights).tree, 0)
        yield Answer("rows that were not drawn", np.delete(mine.weights, rows), np.delete(begun.weights, rows), 0)
        begun = its
        begun.mean[0] *= 0.05 if batch == 1 else 1.0


def sampled_at_once(network: Any, X: Array, Y: Array, descent: Descent, masked: Masks) -> Compared:
    """Several such updates in one call, with a rate for each epoch, against as many calls of the same backend."""
    at_once, one_by_one, rule, m = network.copy(), network.copy(), descent.rule, len(X)
    samplers = [drawing(np.linspace(0.5, 2, m)) for _ in range(2)]
    numbers, alphas = np.random.default_rng(m).random((descent.epochs, m)), 0.5 / np.arange(1, descent.epochs + 1)
    constant: dict[str, Any] = {"batch_size": descent.batch_size, "reduction": descent.reduction}
    whole: dict[str, Any] = {"order": numbers, "sampler": samplers[0]}
    whole |= given_masks(masked[0] if rule.dropout else None, masked[1] if rule.drop_connect else None)
    costs, ones = run_updates(at_once, X, Y, alpha=alphas, **whole, **constant, **rule.settings(at_once)), list[float]()
    kept = rule.settings(one_by_one)
    for epoch in range(descent.epochs):
        for start in range(0, m, descent.batch_size):
            own = masked[0].after(epoch * m + start) if rule.dropout else None
            connected = masked[1].after(len(ones)) if rule.drop_connect else None
            part: dict[str, Any] = {
                "order": numbers[epoch : epoch + 1, start : start + descent.batch_size],
                "sampler": samplers[1],
            }
            part |= given_masks(own, connected)
            ones.extend(run_updates(one_by_one, X, Y, alpha=alphas[epoch], **part, **constant, **kept))
    yield Answer("costs of sampled updates", costs, ones, 0)
    yield Answer("sampled updates in one call", at_once.parameters, one_by_one.parameters, 0)
    yield Answer("weights of them", samplers[0].tree, samplers[1].tree, 0)


def drawing(weights: Array, rate: float = 0.3, floor: float = 0.2) -> Sampler:
    """A sampler with these weights, before its first batch."""
    sampler = Sampler.of(rate, floor, len(weights))
    n = len(sampler.tree) // 2
    sampler.tree[n : n + len(weights)] = weights
    for k in range(n - 1, 0, -1):
        sampler.tree[k] = sampler.tree[2 * k] + sampler.tree[2 * k + 1]
    return sampler


def rows_of(sampler: Sampler, u: float) -> int:
    """The row that a random number selects, by cumulative sums from the first row."""
    if u < sampler.floor:
        return int(u / sampler.floor * sampler.rows)
    place = (u - sampler.floor) / (1 - sampler.floor) * sampler.weights.sum()
    return int(np.searchsorted(np.cumsum(sampler.weights), place, side="right"))
