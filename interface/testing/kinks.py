"""The kinks of a network's cost (relu at z = 0, and |w| at w = 0), and the slopes of single samples there.

A difference quotient of the cost is not a slope if a kink lies within the step. The samples affected are those for
which a relu node is on at one end of the step and off at the other. Their slope is computed by the chain rule instead,
implemented independently here, in NumPy, so that it shares no code with the gradient that is checked:

    delta = dJ/dz of every layer, dJ/dW[i][j] = delta_i h_j, dJ/db[i] = delta_i

Where z is 0 to within rounding, the slope of relu may be any number from 0 to 1. We use 1/2, and each delta has a
radius: the most that any other choice could change it.
"""

import copy
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.testing.probe import Answers

Array = NDArray[np.float64]
_EPS = float(np.finfo(np.float64).eps)


class Delta(NamedTuple):
    """dJ/dz of a layer and its radius, both (m, n)."""

    value: Array
    radius: Array


def switches(net: Answers, X: Array) -> NDArray[np.bool_]:
    """Which relu nodes are on, for each sample: (m, number of relu nodes); z > 0 is the same as h > 0."""
    layers = zip(net.feed_forward(X)[1:], net.model.activations, strict=True)
    on = [h > 0 for h, name in layers if name == "relu"]
    return np.concatenate(on, axis=1) if on else np.zeros((len(X), 0), bool)


class Kinks:
    """The kinks of a network's cost over samples X (m, n_in) with targets Y (m, n_out), at its current parameters.

    known        whether the cost is that of the named activations and cost, sample by sample; a subclass may compute a
                 different one
    on           the `switches` at these parameters
    unpenalized  the network without penalties, which do not belong to a sample; it shares the parameters' memory
    """

    def __init__(self, net: Answers, X: Array, Y: Array, J: float, reduction: str) -> None:
        self.net, self.X, self.Y = net, X, Y
        self.scale = 1 / len(X) if reduction == "mean" else 1.0
        self.unpenalized = copy.copy(net)
        self.unpenalized.model = net.model.without_penalties()
        self.has_relu = "relu" in net.model.activations
        with np.errstate(all="ignore"):
            self.h = [X, *net.feed_forward(X)[1:]]
            self.z, self.rounding = self._weighted_sums()
            expected = self.scale * self._cost() + self._penalty()
            is_plain = not net.model.theta.normalized  # with batch normalization, samples affect each other
            self.known = is_plain and bool(
                abs(J - expected) <= 1e-9 * (abs(J) + abs(expected)) + 1e-12 * self.scale * len(X)
            )
            self.deltas = self._deltas() if self.has_relu and self.known else []
        self.on = switches(net, X) if self.has_relu else np.zeros((len(X), 0), bool)

    def crossed(self) -> NDArray[np.bool_]:
        """The samples, as booleans (m,), for which moving the parameters has switched a relu node on or off."""
        changed: NDArray[np.bool_] = (switches(self.net, self.X) != self.on).any(axis=1)
        return changed

    def may_cross(self, step: float) -> NDArray[np.bool_]:
        """Which parameters may have a kink within the step, by a cheap bound: booleans (size,).

        Moving a parameter by s moves z of its node by s |h|, and z of a later node by at most that times the sum, over
        all paths, of the products of |W|, since no activation has a slope above 1.
        """
        found = self.net.model.theta.like(np.zeros(self.net.model.parameters.size, bool))
        if not self.known:
            return found.flat
        for layer, W in enumerate(self.net.model.weights):
            if self.net.model.l1:
                found.weights[layer][:] = np.abs(W) < step
            if not self.has_relu:
                continue
            reach = np.full((len(self.X), len(W)), np.inf)  # how far z of a node may move without a kink
            paths = np.eye(len(W))
            for later in range(layer, len(self.z)):
                if later > layer:
                    paths = np.abs(self.net.model.weights[later]) @ paths
                if self.net.model.activations[later] == "relu":
                    for node, size in enumerate(np.abs(self.z[later]).T):
                        away = np.where(paths[node] > 0, size[:, np.newaxis] / paths[node], np.inf)
                        np.minimum(reach, away, out=reach)
            for node, least in enumerate(reach.T):
                found.weights[layer][node] |= (2 * step * np.abs(self.h[layer]) >= least[:, np.newaxis]).any(axis=0)
                if self.net.model.bias:
                    found.biases[layer][node] = (2 * step >= least).any()
        return found.flat

    def cost(self, rows: NDArray[np.bool_]) -> float:
        """The contribution of these samples to the cost."""
        return self.scale * self.unpenalized.cost(self.X[rows], self.Y[rows], reduction="sum")

    def slope(self, rows: NDArray[np.bool_], layer: int, node: int, source: int | None) -> tuple[float, float, float]:
        """Their contribution to the slope of one parameter, see `differences`, with its radius and rounding error."""
        value, radius = (part[rows, node] for part in self.deltas[layer])
        h = np.ones(len(value)) if source is None else self.h[layer][rows, source]
        total, size = value @ h, np.abs(value) @ np.abs(h)
        return self.scale * float(total), self.scale * float(radius @ np.abs(h)), self.scale * 64 * _EPS * float(size)

    def _weighted_sums(self) -> tuple[list[Array], list[Array]]:
        """z of every layer, and bounds on its rounding error."""
        sums, errors, error = [], [], np.zeros_like(self.X)
        for layer, W in enumerate(self.net.model.weights):
            h, b = self.h[layer], self.net.model.biases[layer] if self.net.model.bias else np.zeros(len(W))
            sums.append(h @ W.T + b)
            error = error @ np.abs(W).T + (h.shape[1] + 1) * _EPS * (np.abs(h) @ np.abs(W).T + np.abs(b))
            errors.append(error)
            error = error + 16 * _EPS * np.abs(self.h[layer + 1])  # no activation has a slope above 1
        return sums, errors

    def _cost(self) -> float:
        """The sum of the costs over the samples, by the equations of the costs."""
        y, h, z = self.Y, self.h[-1], self.z[-1]
        if self.net.model.cost_function == "binary_cross_entropy":
            return float((np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).sum())
        if self.net.model.cost_function == "cross_entropy":
            top = z.max(axis=1, keepdims=True)
            return float((y * (top + np.log(np.exp(z - top).sum(axis=1, keepdims=True)) - z)).sum())
        return float(((y - h) ** 2).sum()) * (0.5 if self.net.model.cost_function == "squared_error" else 1.0)

    def _penalty(self) -> float:
        w = np.concatenate([W.ravel() for W in self.net.model.weights])
        return float(self.net.model.l1 * np.abs(w).sum() + 0.5 * self.net.model.l2 * (w @ w))

    def _deltas(self) -> list[Delta]:
        """dJ/dz of every layer, in the order of the layers."""
        y, h, cost, last = self.Y, self.h[-1], self.net.model.cost_function, len(self.z) - 1
        if cost == "binary_cross_entropy":
            delta = Delta(h - y, np.zeros_like(h))
        elif cost == "cross_entropy":
            delta = Delta(h * y.sum(axis=1, keepdims=True) - y, np.zeros_like(h))
        else:
            delta = self._back(last, Delta((h - y) * (1.0 if cost == "squared_error" else 2.0), np.zeros_like(h)))
        deltas = [delta]
        for layer in range(last, 0, -1):
            W = self.net.model.weights[layer]
            delta = self._back(layer - 1, Delta(delta.value @ W, delta.radius @ np.abs(W)))
            deltas.append(delta)
        return deltas[::-1]

    def _back(self, layer: int, e: Delta) -> Delta:
        """dJ/dz of a layer from its dJ/dh."""
        h, name = self.h[layer + 1], self.net.model.activations[layer]
        if name == "identity":
            return e
        if name == "softmax":
            mean, spread = ((h * part).sum(axis=1, keepdims=True) for part in e)
            return Delta(h * (e.value - mean), h * (e.radius + spread))
        if name == "relu":
            either = np.abs(self.z[layer]) <= self.rounding[layer]  # where it may be on or off
            middle = np.where(either, 0.5, np.where(h > 0, 1.0, 0.0))
            return Delta(e.value * middle, np.where(either, np.abs(e.value) / 2 + e.radius, e.radius * middle))
        slope = {"sigmoid": h * (1 - h), "tanh": (1 - h) * (1 + h)}[name]
        return Delta(e.value * slope, e.radius * slope)
