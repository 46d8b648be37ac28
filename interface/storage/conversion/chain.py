"""A network built from the layers of other libraries; parts that samenet cannot represent are refused.

Batch normalization of a hidden layer before its activation is kept. Anywhere else it is z := s z + t with constants,
which is folded into the adjacent weights: the following layer gets W s and b + W t; an output layer becomes s W and s b
+ t.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.backends import backend as find_backend
from samenet.model.functions import EPSILON, Activation, Cost
from samenet.network import Network
from samenet.validation import arrays, checks

Array = NDArray[Any]
FLOAT64 = np.dtype(np.float64)


class Normalization(NamedTuple):
    """gamma (z - mean) / sqrt(variance + epsilon) + beta, each (n,)."""

    gamma: Array
    beta: Array
    mean: Array
    variance: Array
    epsilon: float

    @property
    def affine(self) -> tuple[Array, Array]:
        """The same as s z + t."""
        s = self.gamma / np.sqrt(self.variance + self.epsilon)
        return s, self.beta - s * self.mean


@dataclass
class Layer:
    """W (n_out, n_in), b (n_out,), and the normalization and activation that follow them."""

    W: Array
    b: Array | None
    normalization: Normalization | None = None
    activation: Activation | None = None

    def fold(self, s: Array, t: Array) -> None:
        """Scale and shift its weighted sums."""
        self.W, self.b = s[:, np.newaxis] * self.W, t if self.b is None else s * self.b + t


class Chain:
    """The layers so far, in float64; `where` names the part that is added, for errors.

    name    the argument that they come from
    dtypes  the dtypes of the weights; if there are others than "float64" and "float32", `dtype` must be given
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.layers: list[Layer] = []
        self.dtypes: set[str] = set()
        self.next: tuple[Array, Array] | None = None  # s and t of the next layer's input

    def refused(self, where: str, reason: str) -> ValueError:
        """The error for a part that cannot be represented."""
        return ValueError(f"{self.name}: {where}: {reason}")

    def numbers(self, where: str, value: Any) -> Array:
        """Weights of a layer, checked to be finite."""
        return arrays.finite(f"{self.name}: {where}", arrays.array(f"{self.name}: {where}", value, FLOAT64))

    def linear(self, where: str, W: Array, b: Array | None) -> None:
        """W h + b."""
        before = self.layers[-1].W.shape[0] if self.layers else W.shape[1]
        if W.shape[1] != before:
            raise self.refused(where, f"it takes {W.shape[1]} inputs, and the layer before it has {before} nodes")
        if self.next is not None:
            s, t = self.next
            W, b = W * s, W @ t + (0 if b is None else b)
            self.next = None
        self.layers.append(Layer(W, b))

    def normalize(self, where: str, normalization: Normalization) -> None:
        """Batch normalization by running statistics."""
        last = self.layers[-1] if self.layers else None
        if last is not None and normalization.mean.shape != last.W.shape[:1]:
            raise self.refused(where, f"it is of {normalization.mean.size} nodes, not of {last.W.shape[0]}")
        if last is not None and last.activation is None and last.normalization is None:
            last.normalization = normalization
            return
        s, t = normalization.affine
        self.next = (s, t) if self.next is None else (s * self.next[0], s * self.next[1] + t)

    def activate(self, where: str, activation: Activation) -> None:
        """An activation; the identity changes nothing."""
        if activation == "identity":
            return
        if not self.layers:
            raise self.refused(where, "no weights are before it, and samenet has no activation of inputs")
        if self.next is not None or self.layers[-1].activation is not None:
            raise self.refused(where, "it follows another activation, and a layer of samenet has one")
        if activation == "softmax" and self.layers[-1].W.shape[0] == 1:
            raise self.refused(where, "a softmax of one node is always 1")
        self.layers[-1].activation = activation

    def network(self, backend: str, dtype: Any, cost: Cost) -> Network:
        """The network."""
        if not self.layers:
            raise ValueError(f"{self.name}: expected at least one layer with weights, got none")
        if dtype is None:
            if not self.dtypes <= {"float64", "float32"}:
                kinds = " and ".join(sorted(self.dtypes))
                raise ValueError(f"dtype: expected numpy.float64 or numpy.float32 for weights of {kinds}, got None")
            dtype = np.float64 if "float64" in self.dtypes else np.float32
        last = self.layers[-1]
        if self.next is not None and last.activation is not None:
            raise self.refused("its end", "samenet has no normalization after the last activation")
        for layer in self.layers:
            found = layer.normalization
            if found is not None and (layer is last or not (found.variance + found.epsilon > EPSILON).all()):
                layer.fold(*found.affine)
                layer.normalization = None
        if self.next is not None:
            last.fold(*self.next)
        return self._made(find_backend(backend), dtype, cost)

    def _made(self, backend: Any, dtype: Any, cost: Cost) -> Network:
        norms = [layer.normalization for layer in self.layers]
        bias = any(layer.b is not None or layer.normalization is not None for layer in self.layers)
        biases = []
        for layer, norm in zip(self.layers, norms, strict=True):
            zero = np.zeros(layer.W.shape[0])
            biases.append(norm.beta if norm is not None else zero if layer.b is None else layer.b)
        network: Network = backend.Network(
            [self.layers[0].W.shape[1], *(layer.W.shape[0] for layer in self.layers)],
            activation=[layer.activation or "identity" for layer in self.layers],
            cost=cost,
            dtype=dtype,
            bias=bias,
            batch_normalization=[norm is not None for norm in norms[:-1]] if any(norms) else False,
            weights=[layer.W for layer in self.layers],
            biases=biases if bias else None,
        )
        for i, (layer, norm) in enumerate(zip(self.layers, norms, strict=True)):
            if norm is not None:
                network.gammas[i][:] = norm.gamma
                network.running[i][0] = norm.mean - (0 if layer.b is None else layer.b)
                network.running[i][1] = norm.variance + (norm.epsilon - EPSILON)
        return network


def named(module: Any) -> str:
    """The class of a layer, for errors."""
    return checks.short(type(module).__name__).strip("'")
