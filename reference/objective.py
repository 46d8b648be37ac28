"""The cost over many samples, which training minimises, and its gradient."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from samenet.reference.backward import Gradient, batch_gradient
from samenet.reference.costs import COSTS, penalty
from samenet.reference.dropout import mask, weight_masks
from samenet.reference.forward import as_lists, forward_pass, running_normalization
from samenet.reference.layerwise import gradient_layer_by_layer
from samenet.reference.normalization import Statistics
from samenet.reference.sample_weight import factors, weighed


class Objective(NamedTuple):
    """A model's activations, cost and penalties; by default, all sigmoids and the squared error without penalties."""

    activations: Sequence[str] | None
    cost: str
    l1: float
    l2: float

    @classmethod
    def of(cls, model: Any) -> "Objective":
        """From `activations`, `cost_function`, `l1` and `l2` of a model."""
        defaults = {"activations": None, "cost_function": "squared_error", "l1": 0.0, "l2": 0.0}
        values: list[Any] = [getattr(model, name, value) for name, value in defaults.items()]
        return cls(*values)


def gradient(
    model: Any,
    X: Any,
    Y: Any,
    reduction: str = "mean",
    dropout: Any = None,
    drop_connect: Any = None,
    sample_weight: Any = None,
) -> tuple[float, Gradient]:
    """The cost and its gradient, the mean or the sum over the samples.

    model: anything with `weights` and `biases`, see `Objective`; X: (m, n_in); Y: (m, n_out).
    dropout, drop_connect: see `mask` and `weight_masks` of `samenet.reference.dropout`.
    sample_weight: (m,), for the weighted mean or sum; see `samenet.reference.sample_weight`.
    Returns (cost, gradient), the gradient with `.weights`, `.biases` and `.gammas`. Equations: `sample_gradient`, and
    `samenet.reference.layerwise` where layers are normalized, with the statistics of these samples.
    """
    return gradient_and_statistics(model, X, Y, reduction, dropout, drop_connect, sample_weight)[:2]


def gradient_and_statistics(
    model: Any, X: Any, Y: Any, reduction: str, dropout: Any, drop_connect: Any, sample_weight: Any
) -> tuple[float, Gradient, list[Statistics | None]]:
    """As `gradient`, and the statistics of normalized layers."""
    weights, biases = [as_lists(W) for W in model.weights], [as_lists(b) for b in model.biases]
    masks = None if dropout is None else [by_layer(mask(dropout, s), weights) for s in range(len(X))]
    of_weights = None if drop_connect is None else weight_masks(drop_connect, 0, weights)
    activations, cost, l1, l2 = Objective.of(model)
    samples, sample_weight = (as_lists(X), as_lists(Y)), as_lists(sample_weight)
    if len(getattr(model, "gammas", ())) > 0:
        parameters = weights, biases, [as_lists(gamma) for gamma in model.gammas]
        of_cost = activations or [], cost
        return gradient_layer_by_layer(*parameters, *samples, reduction, *of_cost, masks, l1, l2, sample_weight)
    given = weights, biases, *samples, reduction, activations, cost
    return *batch_gradient(*given, masks, l1, l2, of_weights, sample_weight), []


def by_layer(row: Sequence[float], weights: Sequence[Any]) -> list[Sequence[float]]:
    """Split the factors of all hidden nodes, in the order of the layers, into a list for each hidden layer."""
    layers, start = [], 0
    for W in weights[:-1]:
        layers.append(row[start : start + len(W)])
        start += len(W)
    return layers


def evaluate(model: Any, X: Any, Y: Any, reduction: str = "mean", sample_weight: Any = None) -> tuple[float, list[Any]]:
    """The cost, as the mean or the sum over the samples, and the output (m, n_out); see `gradient`."""
    weights, biases = [as_lists(W) for W in model.weights], [as_lists(b) for b in model.biases]
    X, Y = as_lists(X), as_lists(Y)
    activations, cost, l1, l2 = Objective.of(model)
    normalization = running_normalization(model)
    value, outputs = 0.0, []
    c = [1.0] * len(X) if sample_weight is None else factors(as_lists(sample_weight), reduction)
    for s in range(len(X)):
        h, _, z = forward_pass(weights, biases, X[s], activations, None, normalization)
        value += weighed(c[s], [COSTS[cost].value(Y[s], h[-1], z)])[0]
        outputs.append(h[-1])
    if sample_weight is None and reduction == "mean":
        value /= len(X)
    if l1 or l2:
        value += penalty(weights, l1, l2)
    return value, outputs
