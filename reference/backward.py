"""Backpropagation: the cost and its gradient with respect to every weight and bias."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from samenet.reference.forward import as_lists, forward_sample
from samenet.reference.sigmoid import sigmoid_slope


class Gradient(NamedTuple):
    """dJ/dW and dJ/db, as nested lists of the shapes of the weights and the biases."""

    weights: list[Any]
    biases: list[Any]


def sample_gradient(
    weights: Sequence[Any], biases: Sequence[Any], x: Sequence[float], y: Sequence[float], total: Gradient
) -> float:
    """The cost of one sample; its gradient is added to `total`.

    J = 1/2 ||y - h||^2
    delta_i = -(y_i - h_i) f'(z_i)                        in the output layer,
    delta_j = (sum_i W[i][j] delta_i) f'(z_j)             in a hidden layer, from the layer after it,
    dJ/dW[i][j] = delta_i h_j,  dJ/db[i] = delta_i

    Source: tutorial 000, section 4 (equations of delta, Delta W and Delta b).
    """
    h = forward_sample(weights, biases, x)
    cost = 0.0
    delta = []
    for i in range(len(y)):
        error = y[i] - h[-1][i]
        cost += 0.5 * error * error  # error ** 2 would raise OverflowError where the others give infinity
        delta.append(-error * sigmoid_slope(h[-1][i]))

    for l in range(len(weights) - 1, -1, -1):
        for i in range(len(delta)):
            for j in range(len(h[l])):
                total.weights[l][i][j] += delta[i] * h[l][j]
            if biases:
                total.biases[l][i] += delta[i]
        if l > 0:
            delta_before = []
            for j in range(len(h[l])):
                error = 0.0
                for i in range(len(delta)):
                    error += weights[l][i][j] * delta[i]
                delta_before.append(error * sigmoid_slope(h[l][j]))
            delta = delta_before
    return cost


def batch_gradient(
    weights: Sequence[Any], biases: Sequence[Any], X: Sequence[Any], Y: Sequence[Any], reduction: str
) -> tuple[float, Gradient]:
    """The cost and its gradient over many samples: accumulated sample by sample, then divided by m for the mean."""
    total = Gradient([[[0.0 for _ in row] for row in W] for W in weights], [[0.0 for _ in b] for b in biases])
    cost = 0.0
    for x, y in zip(X, Y, strict=True):
        cost += sample_gradient(weights, biases, x, y, total)

    if reduction == "mean":
        m = len(X)
        cost /= m
        for l in range(len(weights)):
            for i in range(len(weights[l])):
                for j in range(len(weights[l][i])):
                    total.weights[l][i][j] /= m
                if biases:
                    total.biases[l][i] /= m
    return cost, total


def gradient(network: Any, X: Any, Y: Any, reduction: str = "mean") -> tuple[float, Gradient]:
    """The cost and its gradient, the mean or the sum over the samples.

    network: anything with `weights` and `biases`; X: (m, n_in); Y: (m, n_out). Equations: `sample_gradient`.
    Returns (cost, gradient), the gradient with `.weights` and `.biases`.
    """
    weights, biases = [as_lists(W) for W in network.weights], [as_lists(b) for b in network.biases]
    return batch_gradient(weights, biases, as_lists(X), as_lists(Y), reduction)
