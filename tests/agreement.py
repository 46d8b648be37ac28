"""What it means for two backends to agree: every difference, relative to what `samenet.testing.tolerance` allows.

Each function yields (name, Comparison). The agreement tests assert that all of them pass; the mutant tests, that they
fail for a backend with one line changed.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
from inputs import masks, weight_masks
from numpy.typing import NDArray

import samenet
from samenet import optimizers
from samenet.backends.adaptive import Sampler
from samenet.backends.dropout import DropConnect, Dropout
from samenet.optimizers import UpdateRule
from samenet.parameters import Parameters
from samenet.testing import bounds, normalization_bounds, sampling_bounds, tolerance
from samenet.testing.rounding import Rounding
from samenet.testing.tolerance import Comparison, compare

Compared = Iterator[tuple[str, Comparison]]
Array = NDArray[Any]
_DESCENT = optimizers.Descent()


@dataclass(frozen=True)
class Backend:
    """An implementation, by name; the name is its part of a test's id."""

    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def module(self) -> ModuleType:
        """The module with the functions of the contract."""
        return samenet.backend(self.name)

    @property
    def Network(self) -> Any:
        """The user's class on this backend."""
        return self.module.Network


@dataclass(frozen=True)
class Pair:
    """A backend, and the more trusted one it is compared with."""

    backend: Backend
    trusted: Backend

    def __str__(self) -> str:
        return f"{self.backend}-against-{self.trusted}"


BACKENDS = tuple(Backend(name) for name in samenet.backends())
# The chain of trust: finite differences prove the reference; each backend is compared with all that stand before it.
PAIRS = tuple(Pair(BACKENDS[i], BACKENDS[j]) for i in range(len(BACKENDS)) for j in range(i))


def forward(network: Any, trusted: Any, X: Array) -> Compared:
    """Activations of every layer and the output, for the batch and for its first sample alone."""
    for x in (X, X[0]):
        allowed = tolerance.forward(trusted.model, x)
        layers, expected = network.feed_forward(x), trusted.feed_forward(x)
        yield "activations", compare(len(layers), len(expected), 0)
        for h, h_expected, bound in zip(layers, expected, allowed, strict=False):
            yield "activations", compare(h, h_expected, bound, network.dtype)
        yield "prediction", compare(network.predict(x), expected[-1], allowed[-1], network.dtype)


def gradient(
    network: Any,
    trusted: Any,
    X: Array,
    Y: Array,
    dropout: Dropout | None = None,
    drop_connect: DropConnect | None = None,
    sample_weight: Array | None = None,
) -> Compared:
    """The cost, and its gradient, with both reductions; with masks, of the backend's own functions."""
    left_out = masks(dropout, len(X)), weight_masks(drop_connect, trusted.sizes), sample_weight
    for reduction in ("mean", "sum"):
        (cost, slope), (cost_expected, expected) = (
            _gradient(n, X, Y, reduction, dropout, drop_connect, sample_weight) for n in (network, trusted)
        )
        cost_allowed, allowed = tolerance.gradient(trusted.model, X, Y, reduction, *left_out)
        yield "cost", compare(cost, cost_expected, cost_allowed)
        if dropout is drop_connect is None:
            cost = network.cost(X, Y, reduction=reduction, sample_weight=sample_weight)
            yield "cost", compare(cost, cost_expected, cost_allowed)
        for part in ("weights", "biases"):
            for got, want, bound in zip(*(getattr(p, part) for p in (slope, expected, allowed)), strict=True):
                yield f"gradient of {part}", compare(got, want, bound, network.dtype)


def _gradient(network: Any, X: Array, Y: Array, reduction: str, *options: Any) -> tuple[float, Parameters]:
    dropout, drop_connect, sample_weight = options
    if dropout is drop_connect is None:
        return network.gradient(X, Y, reduction=reduction, sample_weight=sample_weight)  # type: ignore[no-any-return]
    cost, lists = network.backend.gradient(network.model, X.copy(), Y.copy(), reduction, *options)
    slope = network.model.theta.empty_like()
    slope.fill(lists.weights, lists.biases)
    return cost, slope


def normalized(
    network: Any,
    trusted: Any,
    X: Array,
    Y: Array,
    dropout: Dropout | None = None,
    sample_weight: Array | None = None,
) -> Compared:
    """Predictions, gradients and an update of networks with batch normalization, and what moves their statistics."""
    yield from forward(network, trusted, X)
    kept = masks(dropout, len(X))
    costs = [one.cost(X, Y, reduction="sum") for one in (network, trusted)]
    yield "cost by running statistics", compare(*costs, 1e-5 * abs(costs[1]))
    for reduction in ("mean", "sum"):
        (cost, g), (cost_expected, expected) = (
            one.backend.gradient(one.model, X, Y, reduction, dropout, None, sample_weight) for one in (network, trusted)
        )
        cost_allowed, allowed = tolerance.gradient(trusted.model, X, Y, reduction, kept, None, sample_weight)
        yield "cost", compare(cost, cost_expected, cost_allowed)
        for part in ("weights", "biases", "gammas"):
            for got, want, bound in zip(*(getattr(one, part) for one in (g, expected, allowed)), strict=True):
                values = [np.asarray(one, trusted.dtype) for one in (got, want)]
                yield f"gradient of {part}", compare(*values, bound)
    batches: dict[int, Any] = {}
    bounds.forward(trusted.model, X, kept, batches=batches)
    r = Rounding.of(trusted.dtype)
    moved = {l: normalization_bounds.moved(trusted.running[l], b, len(X), r) for l, b in batches.items()}
    limits = {l: 2.02 * one.error for l, one in moved.items()}
    for rule in (_DESCENT, optimizers.Adam()):
        ends = [one.copy() for one in (network, trusted)]
        for one in ends:
            given = {"batch_size": len(X), "dropout": dropout, "sample_weight": sample_weight}
            run_updates(one, X, Y, rule, alpha=0.5, **given)
        theta = tolerance.update(trusted.model, X, Y, 0.5, rule=rule, masks=kept, sample_weight=sample_weight)
        yield "one update", compare(ends[0].parameters, ends[1].parameters, theta, trusted.dtype)
        for l, limit in limits.items():
            yield "running statistics", compare(ends[0].running[l], ends[1].running[l], limit, trusted.dtype)
    order = np.random.default_rng(len(X)).permutation(len(X)).reshape(1, -1)
    ends = [one.copy() for one in (network, trusted)]
    for one in ends:
        given = {"batch_size": len(X) // 2 + 1, "order": order, "dropout": dropout, "sample_weight": sample_weight}
        run_updates(one, X, Y, alpha=0.1, clip_norm=0.1, **given)
    theta = np.abs(ends[1].model.theta.everything)
    allowed = (1e-9 if trusted.dtype == np.float64 else 1e-3) * (
        1 + theta
    )  # several updates, for which none is derived
    yield "several updates", compare(*(one.model.theta.everything for one in ends), allowed)


@dataclass(frozen=True)
class Rule:
    """How an update is made, beside the gradient of a batch."""

    optimizer: UpdateRule = _DESCENT
    clip_value: float = math.inf
    clip_norm: float = math.inf
    dropout: bool = False
    drop_connect: bool = False

    def __str__(self) -> str:
        return "-".join(f"{f.name}_{getattr(self, f.name)}" for f in fields(self) if getattr(self, f.name) != f.default)

    def settings(self, network: Any) -> dict[str, Any]:
        """The arguments of `run_updates` that stay the same, and the state before the first update."""
        state = self.optimizer.state(network.model.theta)
        return {"clip_value": self.clip_value, "clip_norm": self.clip_norm, "rule": self.optimizer, "state": state}


def run_updates(network: Any, X: Array, Y: Array, rule: UpdateRule = _DESCENT, **settings: Any) -> Array:
    """Updates by the network's backend, in place; returns the costs."""
    costs = network.backend.run_updates(network.model, X.copy(), Y.copy(), rule, **settings)
    return np.asarray(costs, np.float64)


@dataclass(frozen=True)
class Descent:
    """How a backend's `run_updates` is called; `visits` lists the rows of every batch."""

    batch_size: int
    epochs: int = 1
    shuffled: bool = False
    reduction: str = "mean"
    alpha: float = 0.5
    rule: Rule = Rule()

    def __str__(self) -> str:
        order = "shuffled" if self.shuffled else "in_order"
        rule = "" if self.rule == Rule() else f"-{self.rule}"
        return f"batches_of_{self.batch_size}-{order}-{self.reduction}{rule}"

    def order(self, m: int) -> Array | None:
        """The rows to visit in each pass, as the contract has it."""
        if not self.shuffled:
            return None
        random = np.random.default_rng(m)
        return np.array([random.permutation(m) for _ in range(self.epochs)], np.int64)

    def visits(self, m: int) -> list[Array]:
        """The same, batch by batch."""
        order = self.order(m)
        rows = np.arange(m) if order is None else order
        epochs = np.broadcast_to(rows, (self.epochs, m))
        return [visit[start : start + self.batch_size] for visit in epochs for start in range(0, m, self.batch_size)]

    def run(self, network: Any, X: Array, Y: Array) -> Array:
        """All updates in one call of the backend, in place; returns the costs."""
        order, size = self.order(len(X)), self.batch_size
        settings = {"alpha": self.alpha, "batch_size": size, "epochs": self.epochs, "reduction": self.reduction}
        return run_updates(network, X, Y, order=order, **settings)

    def update(self, network: Any, X: Array, Y: Array) -> Array:
        """One update with all of X as the batch; returns the cost before it, (1,)."""
        settings = {"alpha": self.alpha, "batch_size": self.batch_size, "reduction": self.reduction}
        return run_updates(network, X, Y, **settings)


def lockstep(network: Any, trusted: Any, X: Array, Y: Array, descent: Descent) -> Compared:
    """Every update by itself: both take it from the parameters that the trusted backend has reached."""
    network, trusted = network.copy(), trusted.copy()
    for rows in descent.visits(len(X)):
        x, y = X[rows], Y[rows]
        network.parameters = trusted.parameters
        cost_allowed = tolerance.gradient(trusted.model, x, y, descent.reduction)[0]
        allowed = tolerance.update(trusted.model, x, y, descent.alpha, descent.reduction)
        cost, expected = descent.update(network, x, y), descent.update(trusted, x, y)
        yield "cost", compare(cost, expected, cost_allowed)
        yield "one update", compare(network.parameters, trusted.parameters, allowed, network.dtype)


Masks = tuple[Dropout, DropConnect]


def ruled(
    network: Any,
    trusted: Any,
    X: Array,
    Y: Array,
    descent: Descent,
    masked: Masks,
    sample_weight: Array | None = None,
) -> Compared:
    """As `lockstep`, by another rule, with clipping or masks; both take each update from the trusted backend's state.

    masked: what is used if the rule has dropout, or DropConnect.
    """
    network, trusted, rule = network.copy(), trusted.copy(), descent.rule
    given, expected = rule.settings(network), rule.settings(trusted)
    batches = -(-len(X) // descent.batch_size)
    for number, rows in enumerate(descent.visits(len(X))):
        x, y = X[rows], Y[rows]
        visit, start = number // batches, number % batches * descent.batch_size
        own = masked[0].after(visit * len(X) + start) if rule.dropout else None
        of_weights = masked[1].after(number) if rule.drop_connect else None
        network.parameters = trusted.parameters
        weights = None if sample_weight is None else sample_weight[rows]
        known = expected | {"masks": masks(own, len(rows)), "weight_masks": weight_masks(of_weights, trusted.sizes)}
        known["sample_weight"] = weights
        allowed, of_velocity = tolerance.step(trusted.model, x, y, descent.alpha, descent.reduction, **known)
        given["state"].values[:], given["state"].t = expected["state"].values, expected["state"].t
        for one, settings in ((network, given), (trusted, expected)):
            settings = settings | {"alpha": descent.alpha, "batch_size": len(rows), "reduction": descent.reduction}
            settings |= {"dropout": own, "drop_connect": of_weights, "sample_weight": weights}
            run_updates(one, x, y, **settings)
        yield "one update by rule", compare(network.parameters, trusted.parameters, allowed, network.dtype)
        yield "number of updates", compare(given["state"].t, number + 1, 0)
        if isinstance(rule.optimizer, optimizers.Momentum):
            mine, its = (settings["state"].values[0] for settings in (given, expected))
            yield "velocity", compare(mine, its, of_velocity, network.dtype)


def ruled_at_once(
    network: Any, X: Array, Y: Array, descent: Descent, masked: Masks, sample_weight: Array | None = None
) -> Compared:
    """The same in one call, against as many calls by the same backend, each of which `ruled` holds to the bound.

    Over several updates there is no bound against another backend: RMSProp and Adam divide small slopes by their size.
    """
    at_once, one_by_one, rule = network.copy(), network.copy(), descent.rule
    constant = {"alpha": descent.alpha, "batch_size": descent.batch_size, "reduction": descent.reduction}
    whole = {
        "dropout": masked[0] if rule.dropout else None,
        "drop_connect": masked[1] if rule.drop_connect else None,
        "sample_weight": sample_weight,
        "order": descent.order(len(X)),
    }
    run_updates(at_once, X, Y, epochs=descent.epochs, **whole, **constant, **rule.settings(at_once))
    settings = rule.settings(one_by_one)
    batches = -(-len(X) // descent.batch_size)
    for number, rows in enumerate(descent.visits(len(X))):
        visit, start = number // batches, number % batches * descent.batch_size
        own = masked[0].after(visit * len(X) + start) if rule.dropout else None
        of_weights = masked[1].after(number) if rule.drop_connect else None
        masks = {"dropout": own, "drop_connect": of_weights}
        masks["sample_weight"] = None if sample_weight is None else sample_weight[rows]
        run_updates(one_by_one, X[rows], Y[rows], **masks, **constant, **settings)
    yield "several updates by rule", compare(at_once.parameters, one_by_one.parameters, 0)


def sampled(network: Any, trusted: Any, X: Array, Y: Array, descent: Descent, masked: Masks) -> Compared:
    """Update after update from rows drawn by importance; both take each from the trusted backend's state.

    The weights of the rows, and the numbers that draw them, begin at random; a row may be drawn more than once. The
    running mean is that of the batches, then far less, so that rows count for the most that is allowed.
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
            settings |= {"dropout": own, "drop_connect": connected}
            costs.append(run_updates(one, X, Y, order=numbers, sampler=sampler, **settings))
        mine, its = samplers
        yield "cost of a sampled batch", compare(*costs, of_cost)
        yield "one sampled update", compare(network.parameters, trusted.parameters, allowed, network.dtype)
        yield "learned weights", compare(mine.weights, its.weights, of_weights)
        yield "learned mean", compare(mine.mean, its.mean, of_mean)
        yield "tree of sums", compare(mine.tree, drawing(mine.weights).tree, 0)
        yield "rows that were not drawn", compare(np.delete(mine.weights, rows), np.delete(begun.weights, rows), 0)
        begun = its
        begun.mean[0] *= 0.05 if batch == 1 else 1.0


def sampled_at_once(network: Any, X: Array, Y: Array, descent: Descent, masked: Masks) -> Compared:
    """Several such updates in one call, at a rate for each epoch, against as many calls by the same backend."""
    at_once, one_by_one, rule, m = network.copy(), network.copy(), descent.rule, len(X)
    samplers = [drawing(np.linspace(0.5, 2, m)) for _ in range(2)]
    numbers, alphas = np.random.default_rng(m).random((descent.epochs, m)), 0.5 / np.arange(1, descent.epochs + 1)
    constant = {"batch_size": descent.batch_size, "reduction": descent.reduction}
    whole = {"order": numbers, "sampler": samplers[0], "dropout": masked[0] if rule.dropout else None}
    whole["drop_connect"] = masked[1] if rule.drop_connect else None
    costs, ones = run_updates(at_once, X, Y, alpha=alphas, **whole, **constant, **rule.settings(at_once)), list[float]()
    kept = rule.settings(one_by_one)
    for epoch in range(descent.epochs):
        for start in range(0, m, descent.batch_size):
            own = masked[0].after(epoch * m + start) if rule.dropout else None
            connected = masked[1].after(len(ones)) if rule.drop_connect else None
            part = {"order": numbers[epoch : epoch + 1, start : start + descent.batch_size], "sampler": samplers[1]}
            part |= {"dropout": own, "drop_connect": connected}
            ones.extend(run_updates(one_by_one, X, Y, alpha=alphas[epoch], **part, **constant, **kept))
    yield "costs of sampled updates", compare(costs, ones, 0)
    yield "sampled updates in one call", compare(at_once.parameters, one_by_one.parameters, 0)
    yield "weights of them", compare(samplers[0].tree, samplers[1].tree, 0)


def drawing(weights: Array, rate: float = 0.3, floor: float = 0.2) -> Sampler:
    """A sampler with these weights, before its first batch."""
    sampler = Sampler.of(rate, floor, len(weights))
    n = len(sampler.tree) // 2
    sampler.tree[n : n + len(weights)] = weights
    for k in range(n - 1, 0, -1):
        sampler.tree[k] = sampler.tree[2 * k] + sampler.tree[2 * k + 1]
    return sampler


def rows_of(sampler: Sampler, u: float) -> int:
    """The row that a number draws, by sums from the first row on."""
    if u < sampler.floor:
        return int(u / sampler.floor * sampler.rows)
    place = (u - sampler.floor) / (1 - sampler.floor) * sampler.weights.sum()
    return int(np.searchsorted(np.cumsum(sampler.weights), place, side="right"))


def free_run(network: Any, trusted: Any, X: Array, Y: Array, descent: Descent) -> Compared:
    """All updates in one call, against the trusted backend taking them one by one."""
    network, trusted = network.copy(), trusted.copy()
    costs = descent.run(network, X, Y)
    expected, allowed, distance = one_by_one(trusted, X, Y, descent, descent.visits(len(X)))
    yield "costs of all updates", compare(costs, expected, allowed)
    yield "parameters after all updates", compare(network.parameters, trusted.parameters, distance, network.dtype)


def schedule(network: Any, trusted: Any, X: Array, Y: Array, alphas: list[float]) -> Compared:
    """An alpha for each epoch: too many updates for a bound, but what is allowed is far less than a wrong one."""
    ends = []
    for one in (network.copy(), trusted.copy()):
        run_updates(one, X, Y, alpha=np.array(alphas), batch_size=3, epochs=len(alphas))
        ends.append(one.parameters)
    yield "updates of several alphas", compare(*ends, 1e-9)


def spoiled(network: Any, trusted: Any, X: Array, Y: Array) -> Compared:
    """Which numbers are finite is the same, when a weight of an input that is always 0 is not, or a delta overflows."""
    assert not X[:, -1].any()
    for value in (math.nan, math.inf):
        ends = []
        for one in (network.copy(), trusted.copy()):
            one.weights[0][0, -1] = value
            ends.append([one.predict(X), one.gradient(X, Y)[1].flat])
        for got, expected in zip(*ends, strict=True):
            yield "finite under a weight", compare(np.isfinite(got), np.isfinite(expected), 0)
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
        yield "finite under a delta", compare(np.isnan(got), np.isnan(expected), 0)


def finite_input(network: Any, X: Array) -> Compared:
    """A number that is not finite is seen wherever it stands, in one sample, in few and in many."""
    seen = object()  # what is not plain goes another way
    has_none = isinstance(network.backend.fast_predict, partial)  # that of `samenet.backends.generic`
    fast = network.backend.fast_predict(network.model, lambda X: seen, False)
    for rows in (1, 2, 3, len(X)):
        yield "finite", compare(fast(X[:rows].copy()) is seen, has_none, 0)
        for row in {0, rows // 2, rows - 1}:
            spoiled = X[:rows].copy()
            spoiled[row, row % X.shape[1]] = math.inf
            yield "not finite", compare(fast(spoiled) is seen, True, 0)
            yield "not finite", compare(fast(spoiled[row].copy()) is seen, True, 0)
            for wrong in (spoiled, spoiled[row]):
                try:
                    network.predict(wrong)
                except ValueError:
                    continue
                yield "not finite, and predicted", compare(True, False, 0)


def infinite_inside(cls: type[Any], trusted: type[Any]) -> Compared:
    """The same when a hidden node is infinite, and the output is not, nor what goes back."""
    ends = []
    for one in (cls, trusted):
        net = one([2, 1, 1], activation=["relu", "sigmoid"], weights=[[[1e308, 1.0]], [[10.0]]])
        run_updates(net, np.full((2, 2), 10.0), np.zeros((2, 1)), alpha=1.0, batch_size=2)
        ends.append(np.isnan(net.parameters))
    yield "finite beside an infinite node", compare(*ends, 0)


def overflowing(cls: type[Any], trusted: type[Any]) -> Compared:
    """The same when a weight gets infinite on the way: at a sample that is not zero, or all but one number of it is."""
    for kept, large, rows, size in ((1.0, 1e200, 3, 1), (0.0, 1e200, 3, 1), (1.0, 1e100, 7, 6)):
        X = np.zeros((rows, 6))
        X[:, 0] = 1.0
        X[1, 1:-1] = kept
        X[1, -1] = large
        ends = []
        for one in (cls([6, 3], activation="identity", seed=0), trusted([6, 3], activation="identity", seed=0)):
            run_updates(one, X, np.zeros((rows, 3)), alpha=1.0, batch_size=size, epochs=size // 3 or 1)
            ends.append(np.isfinite(one.parameters))
        yield "finite after an overflow", compare(*ends, 0)


def one_by_one(
    trusted: Any, X: Array, Y: Array, descent: Descent, visits: list[Array]
) -> tuple[list[float], list[float], float]:
    """Updates in place, and how far another backend may be after them: (costs, allowed for costs, for parameters).

    With d the distance of the parameters, a what one update may add to it and H the Hessian of the batch's cost,
    d' <= ||I - alpha H|| d + ||a||, and the costs differ by ||g|| d beside their own rounding; in the 2-norm, to first
    order, with 1 % for the rest.
    """
    distance, costs, allowed = 0.0, [], []
    for rows in visits:
        x, y = X[rows], Y[rows]
        slope, H = _hessian(trusted, x, y, descent.reduction)
        cost_allowed = tolerance.gradient(trusted.model, x, y, descent.reduction)[0]
        allowed.append(float(cost_allowed + 1.01 * np.linalg.norm(slope) * distance))
        growth = np.linalg.norm(np.eye(len(H)) - descent.alpha * H, 2)
        added = np.linalg.norm(tolerance.update(trusted.model, x, y, descent.alpha, descent.reduction))
        distance = float(1.01 * growth * distance + added)
        costs.extend(descent.update(trusted, x, y))
    return costs, allowed, distance


def _hessian(network: Any, X: Array, Y: Array, reduction: str) -> tuple[Array, Array]:
    """The gradient and the Hessian, which is of central differences of the gradient: 1e-8 is enough for a bound."""
    probe = samenet.backend("numpy").Network(network.sizes, bias=network.bias, weights=network.weights)
    theta = network.parameters.astype(np.float64)
    H, step = np.empty((theta.size, theta.size)), 1e-4
    for i in range(theta.size):
        ends = []
        for sign in (1, -1):
            probe.parameters[:] = theta
            probe.parameters[i] += sign * step
            ends.append(probe.gradient(X, Y, reduction=reduction)[1].flat)
        H[i] = (ends[0] - ends[1]) / (2 * step)
    probe.parameters[:] = theta
    return probe.gradient(X, Y, reduction=reduction)[1].flat, H
