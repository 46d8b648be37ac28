"""Agreement of training: one update after another by every rule, and many of them in one call.

Both backends start every update from the parameters and the state that the more trusted one has reached, so that the
bound of a single update applies.
"""

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import optimizers
from samenet.backends import backend
from samenet.backends.dropout import DropConnect, Dropout
from samenet.optimizers import UpdateRule
from samenet.testing import tolerance
from samenet.testing.answers import Answer, Compared
from samenet.testing.inputs import masks, weight_masks

Array = NDArray[Any]
_DESCENT = optimizers.Descent()


@dataclass(frozen=True)
class Rule:
    """The settings of an update, besides the gradient of a batch."""

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
        clipping = {"clip_value": self.clip_value, "clip_norm": self.clip_norm}
        given = {name: limit for name, limit in clipping.items() if limit < math.inf}
        return {"rule": self.optimizer, "state": state, **given}


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
        """The order of the rows in each epoch, as in the contract."""
        if not self.shuffled:
            return None
        random = np.random.default_rng(m)
        return np.array([random.permutation(m) for _ in range(self.epochs)], np.int64)

    def visits(self, m: int) -> list[Array]:
        """The rows of every batch."""
        order = self.order(m)
        rows = np.arange(m) if order is None else order
        epochs = np.broadcast_to(rows, (self.epochs, m))
        return [visit[start : start + self.batch_size] for visit in epochs for start in range(0, m, self.batch_size)]

    def run(self, network: Any, X: Array, Y: Array) -> Array:
        """All updates in one call of the backend, in place; returns the costs."""
        order, size = self.order(len(X)), self.batch_size
        settings: dict[str, Any] = {
            "alpha": self.alpha,
            "batch_size": size,
            "epochs": self.epochs,
            "reduction": self.reduction,
        }
        return run_updates(network, X, Y, order=order, **settings)

    def update(self, network: Any, X: Array, Y: Array) -> Array:
        """One update with all of X as the batch; returns the cost before it, (1,)."""
        settings: dict[str, Any] = {"alpha": self.alpha, "batch_size": self.batch_size, "reduction": self.reduction}
        return run_updates(network, X, Y, **settings)


def given_masks(
    dropout: Dropout | None, drop_connect: DropConnect | None, sample_weight: Array | None = None
) -> dict[str, Any]:
    """The given masks and weights, as arguments; others are left out, since a backend need not support them."""
    masks = {"dropout": dropout, "drop_connect": drop_connect, "sample_weight": sample_weight}
    return {name: mask for name, mask in masks.items() if mask is not None}


def lockstep(network: Any, trusted: Any, X: Array, Y: Array, descent: Descent) -> Compared:
    """Every update separately: both start it from the parameters that the trusted backend has reached."""
    network, trusted = network.copy(), trusted.copy()
    for rows in descent.visits(len(X)):
        x, y = X[rows], Y[rows]
        network.parameters = trusted.parameters
        cost_allowed = tolerance.gradient(trusted.model, x, y, descent.reduction)[0]
        allowed = tolerance.update(trusted.model, x, y, descent.alpha, descent.reduction)
        cost, expected = descent.update(network, x, y), descent.update(trusted, x, y)
        yield Answer("cost", cost, expected, cost_allowed)
        yield Answer("one update", network.parameters, trusted.parameters, allowed, network.dtype)


Masks = tuple[Dropout, DropConnect]


def ruled(
    network: Any,
    trusted: Any,
    X: Array,
    Y: Array,
    descent: Descent,
    masked: Masks,
    sample_weight: Array | None = None,
    before: int = 0,
) -> Compared:
    """As `lockstep`, with another rule, clipping or masks; both start each update from the trusted backend's state.

    masked: the masks to use if the rule has dropout or DropConnect. before: the number of earlier updates, of which the
    rule has a state.
    """
    network, trusted, rule = network.copy(), trusted.copy(), descent.rule
    given, expected = rule.settings(network), rule.settings(trusted)
    if before:
        state = expected["state"]
        state.t, state.values[:] = before, np.random.default_rng(before).uniform(0.01, 0.1, state.values.shape)
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
            run_updates(one, x, y, **given_masks(own, of_weights, weights), **settings)
        yield Answer("one update by rule", network.parameters, trusted.parameters, allowed, network.dtype)
        yield Answer("number of updates", given["state"].t, before + number + 1, 0)
        if isinstance(rule.optimizer, optimizers.Momentum):
            mine, its = (settings["state"].values[0] for settings in (given, expected))
            yield Answer("velocity", mine, its, of_velocity, network.dtype)


def ruled_at_once(
    network: Any,
    X: Array,
    Y: Array,
    descent: Descent,
    masked: Masks,
    sample_weight: Array | None = None,
    allowed: float = 0.0,
) -> Compared:
    """The same updates in one call, against separate calls of the same backend, each of which `ruled` checks.

    Over several updates, there is no bound against another backend, because RMSProp and Adam divide small slopes by
    their magnitude.
    """
    at_once, one_by_one, rule = network.copy(), network.copy(), descent.rule
    constant: dict[str, Any] = {
        "alpha": descent.alpha,
        "batch_size": descent.batch_size,
        "reduction": descent.reduction,
    }
    whole = given_masks(masked[0] if rule.dropout else None, masked[1] if rule.drop_connect else None, sample_weight)
    whole |= {"order": descent.order(len(X))} if descent.shuffled else {}
    run_updates(at_once, X, Y, epochs=descent.epochs, **whole, **constant, **rule.settings(at_once))
    settings = rule.settings(one_by_one)
    batches = -(-len(X) // descent.batch_size)
    for number, rows in enumerate(descent.visits(len(X))):
        visit, start = number // batches, number % batches * descent.batch_size
        own = masked[0].after(visit * len(X) + start) if rule.dropout else None
        of_weights = masked[1].after(number) if rule.drop_connect else None
        weights = None if sample_weight is None else sample_weight[rows]
        run_updates(one_by_one, X[rows], Y[rows], **given_masks(own, of_weights, weights), **constant, **settings)
    yield Answer("several updates by rule", at_once.parameters, one_by_one.parameters, allowed)


def free_run(network: Any, trusted: Any, X: Array, Y: Array, descent: Descent) -> Compared:
    """All updates in one call, against the trusted backend making them one by one."""
    network, trusted = network.copy(), trusted.copy()
    costs = descent.run(network, X, Y)
    expected, allowed, distance = one_by_one(trusted, X, Y, descent, descent.visits(len(X)))
    yield Answer("costs of all updates", costs, expected, allowed)
    yield Answer("parameters after all updates", network.parameters, trusted.parameters, distance, network.dtype)


def schedule(network: Any, trusted: Any, X: Array, Y: Array, alphas: list[float], **options: Any) -> Compared:
    """An alpha for each epoch: too many updates for a bound, but a wrong alpha has a far larger effect than allowed."""
    ends = []
    for one in (network.copy(), trusted.copy()):
        run_updates(one, X, Y, alpha=np.array(alphas), batch_size=3, epochs=len(alphas), **options)
        ends.append(one.parameters)
    yield Answer("updates of several alphas", ends[0], ends[1], 1e-9)


def one_by_one(
    trusted: Any, X: Array, Y: Array, descent: Descent, visits: list[Array]
) -> tuple[list[float], list[float], float]:
    """Updates in place, and bounds on another backend's deviation: (costs, allowed for costs, allowed for parameters).

    Let d be the distance of the parameters, a the error of one update, and H the Hessian of the batch's cost. Then d'
    <= ||I - alpha H|| d + ||a||, and the costs differ by ||g|| d in addition to their own rounding; in the 2-norm, to
    first order, with 1 % for the rest.
    """
    distance, costs, allowed = 0.0, list[float](), list[float]()
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
    """The gradient and the Hessian, from central differences of the gradient: an error of 1e-8 suffices for a bound."""
    probe = backend("numpy").Network(network.sizes, bias=network.bias, weights=network.weights)
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
