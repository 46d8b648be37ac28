"""Comparisons of two backends: every difference, relative to the one that `samenet.testing.tolerance` allows.

Each function yields the answers of a network on one backend, each with that of a more trusted backend. The tests assert
that all comparisons pass; the mutation tests assert that they fail for a backend with one line changed; `check_backend`
reports them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import optimizers
from samenet.backends.dropout import DropConnect, Dropout
from samenet.model.parameters import Parameters
from samenet.testing import bounds, normalization_bounds, tolerance
from samenet.testing.answers import Answer, Compared
from samenet.testing.inputs import masks, weight_masks
from samenet.testing.rounding import Rounding
from samenet.testing.updates import given_masks, run_updates

Array = NDArray[Any]


def forward(network: Any, trusted: Any, X: Array) -> Compared:
    """Activations of every layer and the output, for the batch and for its first sample alone."""
    yield from activations(network, trusted, X)
    yield from predictions(network, trusted, X)


def activations(network: Any, trusted: Any, X: Array) -> Compared:
    """Every layer, for the batch and for its first sample alone."""
    for x in (X, X[0]):
        layers, expected = network.feed_forward(x), trusted.feed_forward(x)
        yield Answer("activations", len(layers), len(expected), 0)
        for h, h_expected, bound in zip(layers, expected, tolerance.forward(trusted.model, x), strict=False):
            yield Answer("activations", h, h_expected, bound, network.dtype)


def predictions(network: Any, trusted: Any, X: Array) -> Compared:
    """The output, for the batch and for its first sample alone."""
    for x in (X, X[0]):
        allowed = tolerance.forward(trusted.model, x)[-1]
        yield Answer("prediction", network.predict(x), trusted.predict(x), allowed, network.dtype)


def costs(network: Any, trusted: Any, X: Array, Y: Array, sample_weight: Array | None = None) -> Compared:
    """The cost alone, with both reductions."""
    for reduction in ("mean", "sum"):
        given = {"reduction": reduction, "sample_weight": sample_weight}
        cost, expected = (one.cost(X, Y, **given) for one in (network, trusted))
        allowed = tolerance.gradient(trusted.model, X, Y, reduction, sample_weight=sample_weight)[0]
        yield Answer("cost", cost, expected, allowed)


def gradient(
    network: Any,
    trusted: Any,
    X: Array,
    Y: Array,
    dropout: Dropout | None = None,
    drop_connect: DropConnect | None = None,
    sample_weight: Array | None = None,
) -> Compared:
    """The cost and its gradient, with both reductions; with masks, by the backend's own functions."""
    if dropout is None and drop_connect is None:
        yield from costs(network, trusted, X, Y, sample_weight)
    yield from slopes(network, trusted, X, Y, dropout, drop_connect, sample_weight)


def slopes(
    network: Any,
    trusted: Any,
    X: Array,
    Y: Array,
    dropout: Dropout | None = None,
    drop_connect: DropConnect | None = None,
    sample_weight: Array | None = None,
) -> Compared:
    """The gradient, and the cost that comes with it."""
    left_out = masks(dropout, len(X)), weight_masks(drop_connect, trusted.sizes), sample_weight
    for reduction in ("mean", "sum"):
        (cost, slope), (cost_expected, expected) = (
            _gradient(n, X, Y, reduction, dropout, drop_connect, sample_weight) for n in (network, trusted)
        )
        cost_allowed, allowed = tolerance.gradient(trusted.model, X, Y, reduction, *left_out)
        yield Answer("cost", cost, cost_expected, cost_allowed)
        for part in ("weights", "biases"):
            layers = zip(*(getattr(p, part) for p in (slope, expected, allowed)), strict=True)
            for layer, (got, want, bound) in enumerate(layers):
                name, detail = f"gradient of {part}", f"[{layer}], {reduction}"
                yield Answer(name, got, want, bound, network.dtype, detail)


def _gradient(network: Any, X: Array, Y: Array, reduction: str, *options: Any) -> tuple[float, Parameters]:
    dropout, drop_connect, sample_weight = options
    if dropout is None and drop_connect is None:
        return network.gradient(X, Y, reduction=reduction, sample_weight=sample_weight)  # type: ignore[no-any-return]
    given = given_masks(dropout, drop_connect, sample_weight)
    cost, lists = network.backend.gradient(network.model, X.copy(), Y.copy(), reduction, **given)
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
    """Predictions, gradients and an update of networks with batch normalization, and the update of their statistics."""
    yield from forward(network, trusted, X)
    kept, given = masks(dropout, len(X)), given_masks(dropout, None, sample_weight)
    costs = [one.cost(X, Y, reduction="sum") for one in (network, trusted)]
    yield Answer("cost by running statistics", costs[0], costs[1], 1e-5 * abs(costs[1]))
    for reduction in ("mean", "sum"):
        (cost, g), (cost_expected, expected) = (
            one.backend.gradient(one.model, X, Y, reduction, **given) for one in (network, trusted)
        )
        cost_allowed, allowed = tolerance.gradient(trusted.model, X, Y, reduction, kept, None, sample_weight)
        yield Answer("cost", cost, cost_expected, cost_allowed)
        for part in ("weights", "biases", "gammas"):
            for got, want, bound in zip(*(getattr(one, part) for one in (g, expected, allowed)), strict=True):
                values = [np.asarray(one, trusted.dtype) for one in (got, want)]
                yield Answer(f"gradient of {part}", values[0], values[1], bound)
    batches: dict[int, Any] = {}
    bounds.forward(trusted.model, X, kept, batches=batches)
    r = Rounding.of(trusted.dtype)
    moved = {l: normalization_bounds.moved(trusted.running[l], b, len(X), r) for l, b in batches.items()}
    limits = {l: 2.02 * one.error for l, one in moved.items()}
    for rule in (optimizers.Descent(), optimizers.Adam()):
        ends = [one.copy() for one in (network, trusted)]
        for one in ends:
            run_updates(one, X, Y, rule, alpha=0.5, batch_size=len(X), **given)
        theta = tolerance.update(trusted.model, X, Y, 0.5, rule=rule, masks=kept, sample_weight=sample_weight)
        yield Answer("one update", ends[0].parameters, ends[1].parameters, theta, trusted.dtype)
        for l, limit in limits.items():
            yield Answer("running statistics", ends[0].running[l], ends[1].running[l], limit, trusted.dtype)
    order = np.random.default_rng(len(X)).permutation(len(X)).reshape(1, -1)
    half = len(X) // 2 + 1
    size = len(X) if len(X) % half == 1 else half  # a batch of one sample has no variance
    ends = [one.copy() for one in (network, trusted)]
    for one in ends:
        clipping: dict[str, Any] = {"clip_value": 0.05, "clip_norm": 0.1}
        run_updates(one, X, Y, alpha=0.1, batch_size=size, order=order, reduction="sum", **clipping, **given)
    theta = np.abs(ends[1].model.theta.everything)
    allowed = (1e-9 if trusted.dtype == np.float64 else 1e-3) * (
        1 + theta
    )  # several updates, for which no bound is derived
    mine, its = (one.model.theta.everything for one in ends)
    yield Answer("several updates", mine, its, allowed)
