"""NumPy as the tutorials write it: lists of arrays, one sample at a time, a new array for every step.

Source: tutorial 000 (docs/sources.md), section 3; M. Nielsen, Neural Networks and Deep Learning, chapter 2 (the
algorithm, not the text).
"""

from typing import Any

import numpy as np

from benchmarks.contenders import Peer, Way
from benchmarks.problem import Array, Call, Descent, Forward, flat
from samenet.network import Network


def _sigmoid(z: Array) -> Any:
    return 1.0 / (1.0 + np.exp(-z))


def _copies(network: Network) -> tuple[list[Array], list[Array]]:
    """Matrices, and vectors as columns; zeros if the network has no biases."""
    weights = [W.copy() for W in network.weights]
    biases = network.biases or [np.zeros(len(W), W.dtype) for W in weights]
    return weights, [b.reshape(-1, 1).copy() for b in biases]


def _output(weights: list[Array], biases: list[Array], x: Array) -> Array:
    for w, b in zip(weights, biases, strict=True):
        x = _sigmoid(w.dot(x) + b)
    return x


def _forward(task: Forward) -> Call:
    weights, biases = _copies(task.network)
    columns = [x.reshape(-1, 1) for x in task.rows]

    def run() -> list[Array]:
        return [_output(weights, biases, x) for x in columns]

    return Call(run, lambda outputs: np.array(outputs).reshape(*task.x.shape[:-1], -1))


def _backpropagate(weights: list[Array], biases: list[Array], x: Array, y: Array) -> tuple[list[Array], list[Array]]:
    """The gradient for one sample, with respect to weights and biases."""
    layers = [x]
    for w, b in zip(weights, biases, strict=True):
        layers.append(_sigmoid(w.dot(layers[-1]) + b))
    h = layers[-1]
    delta = (h - y) * h * (1 - h)
    of_weights, of_biases = [delta.dot(layers[-2].T)], [delta]
    for i in range(len(weights) - 1, 0, -1):
        h = layers[i]
        delta = weights[i].T.dot(delta) * h * (1 - h)
        of_weights.insert(0, delta.dot(layers[i - 1].T))
        of_biases.insert(0, delta)
    return of_weights, of_biases


def _descent(task: Descent) -> Call:
    columns = [(x.reshape(-1, 1), y.reshape(-1, 1)) for x, y in zip(task.X, task.Y, strict=True)]
    rate, has_bias = task.X.dtype.type(task.rate), task.network.bias

    def run() -> tuple[list[Array], list[Array]]:
        weights, biases = _copies(task.network)
        for _ in range(task.passes):
            for start in range(0, len(columns), task.batch_size):
                sum_w, sum_b = [np.zeros_like(w) for w in weights], [np.zeros_like(b) for b in biases]
                for x, y in columns[start : start + task.batch_size]:
                    of_weights, of_biases = _backpropagate(weights, biases, x, y)
                    sum_w = [s + g for s, g in zip(sum_w, of_weights, strict=True)]
                    sum_b = [s + g for s, g in zip(sum_b, of_biases, strict=True)]
                weights = [w - rate * g for w, g in zip(weights, sum_w, strict=True)]
                if has_bias:
                    biases = [b - rate * g for b, g in zip(biases, sum_b, strict=True)]
        return weights, biases

    return Call(run, lambda found: flat(task.network, found[0], found[1] if has_bias else []))


NAME = "NumPy, tutorial"
PEER = Peer(NAME, {NAME: Way(_forward, _descent, "#E69F00", "s", model=True)}, distributions=("numpy",), threaded=False)
