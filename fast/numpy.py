"""The network in NumPy, vectorised over the batch: the same functions as `samenet.reference`, the same answers.

Samples are rows, so the loops of the reference become matrix products: Z = H W^T + b.
"""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import network as interface
from samenet.parameters import Parameters


def _activations(network: interface.Network, x: NDArray[Any], out: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """[h1, ..., hL]; layer l + 1 is written into out[l]. Works on a vector and on rows alike."""
    layers, h = [x], x
    # exp(1000) is infinity, and 1 / (1 + infinity) is 0, as it should be; and some BLAS kernels raise the flag of an
    # invalid operation for numbers beyond the end of a short row, which are not used.
    with np.errstate(all="ignore"):
        for layer, W in enumerate(network.weights):
            z = np.dot(h, W.T, out=out[layer])
            if network.biases:
                z += network.biases[layer]
            np.negative(z, out=z)
            np.exp(z, out=z)
            z += 1
            h = np.reciprocal(z, out=z)
            layers.append(h)
    return layers


def _room(network: interface.Network, *shape: int) -> list[NDArray[Any]]:
    """An uninitialised array of shape (*shape, n) for every layer after the first."""
    return [np.empty((*shape, len(W)), W.dtype) for W in network.weights]


def feed_forward(network: interface.Network, x: NDArray[Any]) -> list[NDArray[Any]]:
    """The activations of every layer; see `samenet.reference.feed_forward`."""
    return _activations(network, x, _room(network, *x.shape[:-1]))


def predict(network: interface.Network, x: NDArray[Any]) -> NDArray[Any]:
    """The output layer alone; see `samenet.reference.predict`."""
    return feed_forward(network, x)[-1]


def _backpropagate(
    network: interface.Network,
    X: NDArray[Any],
    Y: NDArray[Any],
    scale: float,
    g: Parameters,
    H: list[NDArray[Any]],
) -> float:
    """g := scale * dJ/dtheta, summed over the rows of X; returns scale * J. H is room for the activations."""
    layers = _activations(network, X, H)
    h = layers[-1]
    error = h - Y
    cost = 0.5 * scale * float(np.vdot(error, error))
    delta = error
    delta *= scale
    for layer in range(len(H) - 1, -1, -1):
        delta *= h
        delta *= np.subtract(1, h, out=h)
        h = layers[layer]
        np.dot(delta.T, h, out=g.weights[layer])
        if g.biases:
            np.sum(delta, axis=0, out=g.biases[layer])
        if layer > 0:
            delta = delta @ network.weights[layer]
    return cost


def gradient(
    network: interface.Network, X: NDArray[Any], Y: NDArray[Any], reduction: str = "mean"
) -> tuple[float, Parameters]:
    """The cost and its gradient; see `samenet.reference.gradient`."""
    g = network.theta.empty_like()
    scale = 1 / len(X) if reduction == "mean" else 1
    return _backpropagate(network, X, Y, scale, g, _room(network, len(X))), g


def descend(
    network: interface.Network,
    X: NDArray[Any],
    Y: NDArray[Any],
    *,
    alpha: float,
    batch_size: int,
    order: NDArray[np.int64] | None = None,
    passes: int = 1,
    reduction: str = "mean",
) -> NDArray[np.float64]:
    """Many updates, in place; see `samenet.reference.descend`."""
    theta, g = network.theta.flat, network.theta.empty_like()
    H = _room(network, batch_size)
    costs = []
    for visit in range(passes if order is None else len(order)):
        m = len(X) if order is None else order.shape[1]
        for start in range(0, m, batch_size):
            batch: Any = slice(start, start + batch_size)
            if order is not None:
                batch = order[visit, batch]
            x, y = X[batch], Y[batch]
            scale = 1 / len(x) if reduction == "mean" else 1
            costs.append(_backpropagate(network, x, y, scale, g, [h[: len(x)] for h in H]))
            g.flat *= alpha
            theta -= g.flat
    return np.array(costs)


class Network(interface.Network):
    """The network on NumPy; everything about it is said in `samenet.network.Network`."""

    backend = sys.modules[__name__]
