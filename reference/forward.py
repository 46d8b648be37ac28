"""Feed-forward: from an input to the activations of every layer."""

from collections.abc import Sequence
from typing import Any

from samenet.reference.sigmoid import sigmoid


def forward_sample(weights: Sequence[Any], biases: Sequence[Any], x: Sequence[float]) -> list[Sequence[float]]:
    """The activations [h1, ..., hL] of one sample.

    h1 = x and, for every next layer, h_i = f(z_i) with z_i = sum_j W[i][j] h_j + b[i].

    weights: a (n_out, n_in) matrix for each layer after the first; biases: an (n_out,) vector for each, or nothing
    at all for a network without biases; x: (n_in,). Lists and arrays alike.
    Source: tutorial 000, section 3, `simple_looped_nn_calc`.

    >>> forward_sample([[[0.5, -0.5]]], [[0.0]], [1.0, 1.0])
    [[1.0, 1.0], [0.5]]
    """
    h: list[Sequence[float]] = [x]
    for l in range(len(weights)):
        h_next = []
        for i in range(len(weights[l])):
            z = 0.0
            for j in range(len(h[l])):
                z += weights[l][i][j] * h[l][j]
            if biases:
                z += biases[l][i]
            h_next.append(sigmoid(z))
        h.append(h_next)
    return h


def as_lists(values: Any) -> Any:
    """An array as nested lists, which plain loops index several times faster; anything else as it is."""
    return values.tolist() if hasattr(values, "tolist") else values


def feed_forward(network: Any, x: Any) -> list[Any]:
    """The activations of every layer, [h1, ..., hL], for one sample or for a batch.

    network: anything with `weights` and `biases`; x: (n_in,), or (m, n_in) with a sample a row.
    Returns for each layer (n,), or (m, n). Equation and source: `forward_sample`.
    """
    weights, biases = [as_lists(W) for W in network.weights], [as_lists(b) for b in network.biases]
    x = as_lists(x)
    if len(x) > 0 and not hasattr(x[0], "__len__"):
        return forward_sample(weights, biases, x)
    samples = [forward_sample(weights, biases, row) for row in x]
    return [[h[l] for h in samples] for l in range(len(weights) + 1)]


def predict(network: Any, x: Any) -> Any:
    """The activations of the output layer, hL: (n_out,) for one sample, (m, n_out) for a batch."""
    return feed_forward(network, x)[-1]
