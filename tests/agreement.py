"""What it means that two backends agree: every difference, measured by what `samenet.tolerance` allows.

Each function yields (name, Comparison). The tests of agreement assert that all of them are ok; the tests of mutants,
that for a backend with one line changed they are not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

import samenet
from samenet import tolerance
from samenet.tolerance import Comparison, compare

Compared = Iterator[tuple[str, Comparison]]
Array = NDArray[Any]


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
        allowed = tolerance.forward(trusted, x)
        layers, expected = network.feed_forward(x), trusted.feed_forward(x)
        yield "activations", compare(len(layers), len(expected), 0)
        for h, h_expected, bound in zip(layers, expected, allowed, strict=False):
            yield "activations", compare(h, h_expected, bound, network.dtype)
        yield "prediction", compare(network.predict(x), expected[-1], allowed[-1], network.dtype)


def gradient(network: Any, trusted: Any, X: Array, Y: Array) -> Compared:
    """The cost, and its gradient, with both reductions."""
    for reduction in ("mean", "sum"):
        (cost, slope), (cost_expected, expected) = (n.gradient(X, Y, reduction=reduction) for n in (network, trusted))
        cost_allowed, allowed = tolerance.gradient(trusted, X, Y, reduction)
        yield "cost", compare(cost, cost_expected, cost_allowed)
        yield "cost", compare(network.cost(X, Y, reduction=reduction), cost_expected, cost_allowed)
        for part in ("weights", "biases"):
            for got, want, bound in zip(*(getattr(p, part) for p in (slope, expected, allowed)), strict=True):
                yield f"gradient of {part}", compare(got, want, bound, network.dtype)


@dataclass(frozen=True)
class Descent:
    """How a backend's `descend` is called; `visits` lists the rows of every batch."""

    batch_size: int
    passes: int = 1
    shuffled: bool = False
    reduction: str = "mean"
    alpha: float = 0.5

    def __str__(self) -> str:
        order = "shuffled" if self.shuffled else "in_order"
        return f"batches_of_{self.batch_size}-{order}-{self.reduction}"

    def order(self, m: int) -> Array | None:
        """The rows to visit in each pass, as the contract has it."""
        if not self.shuffled:
            return None
        random = np.random.default_rng(m)
        return np.array([random.permutation(m) for _ in range(self.passes)], np.int64)

    def visits(self, m: int) -> list[Array]:
        """The same, batch by batch."""
        order = self.order(m)
        rows = np.arange(m) if order is None else order
        passes = np.broadcast_to(rows, (self.passes, m))
        return [visit[start : start + self.batch_size] for visit in passes for start in range(0, m, self.batch_size)]

    def run(self, network: Any, X: Array, Y: Array) -> Array:
        """All updates in one call of the backend, in place; returns the costs."""
        order, size = self.order(len(X)), self.batch_size
        settings = {"alpha": self.alpha, "batch_size": size, "passes": self.passes, "reduction": self.reduction}
        return np.asarray(network.backend.descend(network, X.copy(), Y.copy(), order=order, **settings))

    def update(self, network: Any, X: Array, Y: Array) -> Array:
        """One update with all of X as the batch; returns the cost before it, (1,)."""
        settings = {"alpha": self.alpha, "batch_size": self.batch_size, "reduction": self.reduction}
        return np.asarray(network.backend.descend(network, X.copy(), Y.copy(), **settings))


def lockstep(network: Any, trusted: Any, X: Array, Y: Array, descent: Descent) -> Compared:
    """Every update by itself: both take it from the parameters that the trusted backend has reached."""
    network, trusted = network.copy(), trusted.copy()
    for rows in descent.visits(len(X)):
        x, y = X[rows], Y[rows]
        network.parameters = trusted.parameters
        cost_allowed = tolerance.gradient(trusted, x, y, descent.reduction)[0]
        allowed = tolerance.update(trusted, x, y, descent.alpha, descent.reduction)
        cost, expected = descent.update(network, x, y), descent.update(trusted, x, y)
        yield "cost", compare(cost, expected, cost_allowed)
        yield "one update", compare(network.parameters, trusted.parameters, allowed, network.dtype)


def free_run(network: Any, trusted: Any, X: Array, Y: Array, descent: Descent) -> Compared:
    """All updates in one call, against the trusted backend taking them one by one."""
    network, trusted = network.copy(), trusted.copy()
    costs = descent.run(network, X, Y)
    expected, allowed, distance = one_by_one(trusted, X, Y, descent, descent.visits(len(X)))
    yield "costs of all updates", compare(costs, expected, allowed)
    yield "parameters after all updates", compare(network.parameters, trusted.parameters, distance, network.dtype)


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
        cost_allowed = tolerance.gradient(trusted, x, y, descent.reduction)[0]
        allowed.append(float(cost_allowed + 1.01 * np.linalg.norm(slope) * distance))
        growth = np.linalg.norm(np.eye(len(H)) - descent.alpha * H, 2)
        added = np.linalg.norm(tolerance.update(trusted, x, y, descent.alpha, descent.reduction))
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
