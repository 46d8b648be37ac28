"""Backpropagation: the cost and its gradient with respect to every weight and bias."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from samenet.reference.activations import ACTIVATIONS
from samenet.reference.costs import COSTS, penalty, penalty_slope
from samenet.reference.forward import apply_mask, forward_pass
from samenet.reference.sample_weight import factors


class Gradient(NamedTuple):
    """dJ/dW, dJ/db and dJ/dgamma, as nested lists in the shapes of the weights, biases and gammas."""

    weights: list[Any]
    biases: list[Any]
    gammas: Sequence[Any] = ()


def zeros(weights: Sequence[Any], biases: Sequence[Any], gammas: Sequence[Any] = ()) -> Gradient:
    """A gradient of zeros."""
    vectors = [[[0.0 for _ in vector] for vector in vectors] for vectors in (biases, gammas)]
    return Gradient([[[0.0 for _ in row] for row in W] for W in weights], *vectors)


def sample_gradient(
    weights: Sequence[Any],
    biases: Sequence[Any],
    x: Sequence[float],
    y: Sequence[float],
    total: Gradient,
    activations: Sequence[str] | None = None,
    cost: str = "squared_error",
    masks: Sequence[Any] | None = None,
    factor: float = 1.0,
) -> float:
    """The cost of one sample, times a factor; adds its gradient, times the same factor, to `total`.

    J = 1/2 ||y - h||^2, or another of `COSTS`
    delta_i = -(y_i - h_i) f'(z_i)                        in the output layer,
    delta_j = (sum_i W[i][j] delta_i) f'(z_j)             in a hidden layer, from the layer after it,
    dJ/dW[i][j] = delta_i h_j,  dJ/db[i] = delta_i

    activations, masks: see `forward_pass`; with dropout, dJ/dW has m_j h_j in place of h_j, and the sum over i in
    delta_j is multiplied by m_j.
    Source: tutorial 000 (docs/sources.md), section 4 (equations of delta, Delta W and Delta b).
    """
    functions = [ACTIVATIONS[name] for name in activations or ["sigmoid"] * len(weights)]
    h, layer_inputs, z = forward_pass(weights, biases, x, activations, masks)
    delta = [factor * d for d in COSTS[cost].delta(y, h[-1], functions[-1].backward)]

    for l in range(len(weights) - 1, -1, -1):
        for i in range(len(delta)):
            for j in range(len(layer_inputs[l])):
                total.weights[l][i][j] += delta[i] * layer_inputs[l][j]
            if biases:
                total.biases[l][i] += delta[i]
        if l > 0:
            errors = []
            for j in range(len(h[l])):
                error = 0.0
                for i in range(len(delta)):
                    error += weights[l][i][j] * delta[i]
                errors.append(error)
            if masks is not None:
                errors = apply_mask(masks[l - 1], errors)
            delta = functions[l - 1].backward(h[l], errors)
    return factor * COSTS[cost].value(y, h[-1], z)


def batch_gradient(
    weights: Sequence[Any],
    biases: Sequence[Any],
    X: Sequence[Any],
    Y: Sequence[Any],
    reduction: str,
    activations: Sequence[str] | None = None,
    cost: str = "squared_error",
    masks: Sequence[Any] | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    weight_masks: Sequence[Any] | None = None,
    sample_weight: Sequence[float] | None = None,
) -> tuple[float, Gradient]:
    """The cost and its gradient over many samples: summed sample by sample, then divided by m for the mean.

    masks: for each sample, the masks of its hidden layers. l1, l2: the penalties, added once for either reduction.
    weight_masks: for DropConnect, a factor m for each weight: J is computed with m W in place of W, and dJ/dW = m
    dJ/d(m W).
    sample_weight: for each sample; see `samenet.reference.sample_weight`. A sample of weight 0 is left out.
    """
    used = weights if weight_masks is None else masked(weight_masks, weights)
    total = zeros(weights, biases)
    value = 0.0
    c = None if sample_weight is None else factors(sample_weight, reduction)
    for s in range(len(X)):
        mask = None if masks is None else masks[s]
        factor = 1.0 if c is None else c[s]
        if factor != 0.0:
            value += sample_gradient(used, biases, X[s], Y[s], total, activations, cost, mask, factor)
    if c is None:
        value = average(value, total, weights, len(X), reduction)
    if weight_masks is not None:
        total = Gradient(masked(weight_masks, total.weights), total.biases)
    return penalized(value, total, weights, l1, l2), total


def average(value: float, total: Gradient, weights: Sequence[Any], m: int, reduction: str) -> float:
    """The cost from its sum over m samples; its gradient is computed from its sum likewise, in place."""
    if reduction == "mean":
        value /= m
        for l in range(len(weights)):
            for i in range(len(weights[l])):
                for j in range(len(weights[l][i])):
                    total.weights[l][i][j] /= m
                if total.biases:
                    total.biases[l][i] /= m
                if total.gammas and total.gammas[l]:
                    total.gammas[l][i] /= m

    return value


def penalized(value: float, total: Gradient, weights: Sequence[Any], l1: float, l2: float) -> float:
    """The cost with the penalties; theirs are also added to its gradient, in place."""
    if l1 or l2:
        value += add_penalty(total, weights, l1, l2)
    return value


def masked(weight_masks: Sequence[Any], matrices: Sequence[Any]) -> list[Any]:
    """m W, elementwise, for each layer: the factors of DropConnect applied to its weights, or to their gradient."""
    layers = zip(weight_masks, matrices, strict=True)
    return [[apply_mask(mask, row) for mask, row in zip(M, W, strict=True)] for M, W in layers]


def add_penalty(total: Gradient, weights: Sequence[Any], l1: float, l2: float) -> float:
    """Add the slope of the penalties to a gradient; returns their value."""
    for l in range(len(weights)):
        for i in range(len(weights[l])):
            for j in range(len(weights[l][i])):
                total.weights[l][i][j] += penalty_slope(weights[l][i][j], l1, l2)
    return penalty(weights, l1, l2)
