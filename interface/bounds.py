"""How far a correct computation may be off: rounding errors, carried through the network and back.

It starts from stored parameters and samples, and rounds each operation at unit roundoff u = eps / 2 of the
network's dtype (2^-53 or 2^-24). A sum of n products, whatever its order and with or without fused multiply-adds, errs
by at most gamma_n sum |w||x|, where gamma_n = n u / (1 - n u). So, with e the error that layer l inherits:

    z = W h + b                dz <= |W| e + gamma_(n+1) (|W| (|h| + e) + |b|)
    h' = f(z)                  e' <= max |f'| dz + 8 u (|h'| + max |f'| dz), with the largest slope near z, at most 1/4
                               for the sigmoid. 8 u, because exp is good to 3 ulp (6 u) in every backend, the sum and
                               the quotient to u; tanh is of two sums more and has 16 u
    delta = dJ/dz              by dJ/dh and the activation's way back, product by product; for the sigmoid
                               s = h' (1 - h'), ds <= e' (|1 - 2 h'| + e'), and
                               d <= dr (s + ds) + |r| ds + gamma_8 (|r| + dr) (s + ds), where the residual r is
                               h - y in the last layer (dr = e), W^T delta before it (dr as for z). gamma_8 counts the
                               difference, the product, the slope and the division by the number of samples
    dJ/dW = sum delta h^T      d (|h| + e) + |delta| e, plus gamma_(m+3) (|delta| + d) (|h| + e), summed over m samples
    J = 1/2 sum r^2            1/2 sum dr (2 |r| + dr), plus gamma_(m n_out + 4) of 1/2 sum (|r| + dr)^2

The other activations and costs have the same kinds of terms, beside the functions below. Relu has a kink: where z may
be on either side of 0, its slope is uncertain by 1.

The reference computes in float64 and rounds what it stores, which is within the bound of either dtype.
Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms (2002), sections 3.1 and 3.3.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.network import Network

Array = NDArray[np.float64]


def gamma(n: int, u: float) -> float:
    """n u / (1 - n u): the relative error of n roundings."""
    return n * u / (1 - n * u)


@dataclass(frozen=True)
class Bounded:
    """A value, and how far one computation of it may be off; both float64, of the same shape."""

    value: Array
    error: Array

    @property
    def largest(self) -> Array:
        """The magnitude that the computed value may have."""
        return np.abs(self.value) + self.error

    def __mul__(self, other: "Bounded") -> "Bounded":
        """The product entry by entry, before it is rounded itself."""
        return Bounded(self.value * other.value, self.error * other.largest + np.abs(self.value) * other.error)

    def __matmul__(self, other: "Bounded") -> "Bounded":
        """The matrix product, before it is rounded itself."""
        return Bounded(self.value @ other.value, self.error @ other.largest + np.abs(self.value) @ other.error)

    def rounded(self, by: Array) -> "Bounded":
        """The same with so much more error."""
        return Bounded(self.value, self.error + by)

    def transposed(self) -> "Bounded":
        """The matrix transposed."""
        return Bounded(self.value.T, self.error.T)


def _exact(values: NDArray[Any]) -> Bounded:
    value = values.astype(np.float64)
    return Bounded(value, np.zeros_like(value))


class Rounding(NamedTuple):
    """Unit roundoff, and the number below which digits are lost and a tiny result may be rounded to 0."""

    u: float
    tiny: float

    @classmethod
    def of(cls, network: Network) -> "Rounding":
        """That of a network's dtype."""
        info = np.finfo(network.dtype)
        return cls(float(info.eps) / 2, float(info.tiny))


def _stable_sigmoid(z: Array) -> Array:
    t = np.exp(-np.abs(z))
    h: Array = np.where(z < 0, t, 1.0) / (1 + t)
    return h


def _sigmoid(z: Bounded, r: Rounding) -> Bounded:
    flattest = _stable_sigmoid(np.maximum(np.abs(z.value) - 2 * z.error, 0))  # twice: z itself may be off by its error
    moved = flattest * (1 - flattest) * z.error
    value = _stable_sigmoid(z.value)
    return Bounded(value, moved + 8 * r.u * (value + moved) + r.tiny)


def _sigmoid_back(h: Bounded, e: Bounded, r: Rounding) -> Bounded:
    slope = Bounded(h.value * (1 - h.value), h.error * (np.abs(1 - 2 * h.value) + h.error))
    return (e * slope).rounded(gamma(8, r.u) * e.largest * slope.largest + r.tiny)


def _tanh(z: Bounded, r: Rounding) -> Bounded:
    flattest = np.tanh(np.maximum(np.abs(z.value) - 2 * z.error, 0))
    moved = (1 - flattest) * (1 + flattest) * z.error
    value = np.tanh(z.value)
    return Bounded(value, moved + 16 * r.u * (np.abs(value) + moved) + r.tiny)


def _tanh_back(h: Bounded, e: Bounded, r: Rounding) -> Bounded:
    slope = Bounded((1 - h.value) * (1 + h.value), h.error * (2 * np.abs(h.value) + h.error))
    return (e * slope).rounded(gamma(8, r.u) * e.largest * slope.largest + r.tiny)


def _relu(z: Bounded, r: Rounding) -> Bounded:
    return Bounded(np.maximum(z.value, 0), np.where(z.value < -2 * z.error, 0.0, z.error))


def _relu_back(h: Bounded, e: Bounded, r: Rounding) -> Bounded:
    kink = (h.error > 0) & (h.value <= 2 * h.error)  # z may be on either side of 0; surely below it, h has no error
    slope = Bounded((h.value > 0).astype(float), kink.astype(float))
    return (e * slope).rounded(gamma(8, r.u) * e.largest * slope.largest)


def _identity(z: Bounded, r: Rounding) -> Bounded:
    return z


def _identity_back(h: Bounded, e: Bounded, r: Rounding) -> Bounded:
    return e.rounded(gamma(2, r.u) * e.largest)


def _softmax(z: Bounded, r: Rounding) -> Bounded:
    """Relative: e^(dz_i + max dz) - 1 from z, gamma_(n+16) from exp, sum and quotient, u |z_i - max z| in exp twice."""
    n = z.value.shape[1]
    powers = np.exp(z.value - z.value.max(axis=1, keepdims=True))
    value = powers / powers.sum(axis=1, keepdims=True)
    widest = z.error.max(axis=1, keepdims=True)
    relative = np.expm1(z.error + widest) + gamma(n + 16, r.u) + 4 * r.u * z.largest.max(axis=1, keepdims=True)
    return Bounded(value, 1.01 * value * relative + r.tiny)


def _softmax_back(h: Bounded, e: Bounded, r: Rounding) -> Bounded:
    product = e * h
    rounding = gamma(h.value.shape[1] + 1, r.u) * (e.largest * h.largest).sum(axis=1, keepdims=True)
    mean = product.value.sum(axis=1, keepdims=True), product.error.sum(axis=1, keepdims=True) + rounding
    rest = Bounded(e.value - mean[0], e.error + mean[1])
    size = e.largest + np.abs(mean[0]) + mean[1]
    return (rest * h).rounded(gamma(8, r.u) * size * h.largest + r.tiny)


_Forward = Callable[[Bounded, Rounding], Bounded]
_Back = Callable[[Bounded, Bounded, Rounding], Bounded]
_ACTIVATIONS: dict[str, tuple[_Forward, _Back]] = {
    "sigmoid": (_sigmoid, _sigmoid_back),
    "tanh": (_tanh, _tanh_back),
    "relu": (_relu, _relu_back),
    "identity": (_identity, _identity_back),
    "softmax": (_softmax, _softmax_back),
}


class Pass(NamedTuple):
    """The activations of every layer; the same as the next layer sees them; the output's weighted sums."""

    layers: list[Bounded]
    seen: list[Bounded]
    z: Bounded


def _masked(values: Bounded, mask: Array | None, r: Rounding) -> Bounded:
    if mask is None:
        return values
    masked = Bounded(values.value * mask, values.error * mask)
    return masked.rounded(r.u * masked.largest)


def _by_layer(network: Network, masks: NDArray[Any] | None) -> list[Array | None]:
    """Of each layer after the first, its columns of the dropout masks."""
    if masks is None:
        return [None] * len(network.weights)
    ends = np.cumsum(network.sizes[1:-1])
    return [*np.split(masks.astype(np.float64), ends[:-1], axis=1), None] if len(ends) else [None]


def forward(network: Network, X: NDArray[Any], masks: NDArray[Any] | None = None) -> Pass:
    """Every layer of a batch (m, n_in)."""
    r = Rounding.of(network)
    layers = [_exact(X)]
    seen, z = [layers[0]], layers[0]
    for layer, (W, mask) in enumerate(zip(network.weights, _by_layer(network, masks), strict=True)):
        h, weights = seen[-1], _exact(W)
        b = network.biases[layer].astype(np.float64) if network.bias else np.zeros(len(W))
        n = W.shape[1]
        sums = h @ weights.transposed()
        rounding = gamma(n + 1, r.u) * (h.largest @ np.abs(weights.value.T) + np.abs(b)) + n * r.tiny
        z = Bounded(sums.value + b, sums.error + rounding)
        layers.append(_ACTIVATIONS[network.activations[layer]][0](z, r))
        seen.append(_masked(layers[-1], mask, r))
    return Pass(layers, seen, z)


def _squares(h: Bounded, z: Bounded, y: Array, r: Rounding, factor: float) -> Bounded:
    residual = Bounded(h.value - y, h.error)
    squares = residual * residual
    rounding = gamma(y.size + 4, r.u) * (residual.largest**2).sum()
    return Bounded(np.asarray(factor * squares.value.sum()), np.asarray(factor * (squares.error.sum() + rounding)))


def _binary_cross_entropy(h: Bounded, z: Bounded, y: Array, r: Rounding) -> Bounded:
    """max(z, 0) - y z + ln(1 + exp(-|z|)): its slope is h - y, at most 1; logarithm and exp are good to 8 u."""
    logarithm = np.log1p(np.exp(-np.abs(z.value)))
    value = np.maximum(z.value, 0) - y * z.value + logarithm
    size = 2 * z.largest + logarithm
    error = z.error + 8 * r.u * size
    return Bounded(np.asarray(value.sum()), np.asarray(error.sum() + gamma(3 * y.size + 4, r.u) * size.sum()))


def _cross_entropy(h: Bounded, z: Bounded, y: Array, r: Rounding) -> Bounded:
    """y_i (L - z_i) with L = ln sum exp(z_k): dL <= max dz, and the roundings of exp, sum and logarithm."""
    n = y.shape[1]
    largest = z.value.max(axis=1, keepdims=True)
    L = largest + np.log(np.exp(z.value - largest).sum(axis=1, keepdims=True))
    widest, size = z.error.max(axis=1, keepdims=True), z.largest.max(axis=1, keepdims=True) + np.log(n) + 1
    value = y * (L - z.value)
    error = y * (z.error + widest + gamma(n + 16, r.u) * size + 4 * r.u * size)
    rounding = gamma(y.size + 4, r.u) * (y * 2 * size).sum()
    return Bounded(np.asarray(value.sum()), np.asarray(error.sum() + rounding))


def _residual(factor: float) -> Callable[[Bounded, Array, _Back, Rounding], Bounded]:
    def delta(h: Bounded, y: Array, back: _Back, r: Rounding) -> Bounded:
        return back(h, Bounded(factor * (h.value - y), factor * h.error), r)

    return delta


def _difference(h: Bounded, y: Array, back: _Back, r: Rounding) -> Bounded:
    return Bounded(h.value - y, h.error).rounded(gamma(4, r.u) * (h.largest + y))


def _weighted_difference(h: Bounded, y: Array, back: _Back, r: Rounding) -> Bounded:
    total = y.sum(axis=1, keepdims=True)
    rounding = gamma(y.shape[1] + 6, r.u) * (h.largest * total + y)
    return Bounded(h.value * total - y, h.error * total).rounded(rounding)


_Value = Callable[[Bounded, Bounded, Array, Rounding], Bounded]
_Delta = Callable[[Bounded, Array, _Back, Rounding], Bounded]
_COSTS: dict[str, tuple[_Value, _Delta]] = {
    "squared_error": (lambda h, z, y, r: _squares(h, z, y, r, 0.5), _residual(1.0)),
    "sum_of_squares": (lambda h, z, y, r: _squares(h, z, y, r, 1.0), _residual(2.0)),
    "binary_cross_entropy": (_binary_cross_entropy, _difference),
    "cross_entropy": (_cross_entropy, _weighted_difference),
}


def _with_penalty(network: Network, cost: Bounded, pieces: list[Bounded], r: Rounding) -> Bounded:
    """The cost with the penalties; the gradients of the weights, every second piece with biases, get theirs."""
    if not (network.l1 or network.l2):
        return cost
    total, step = 0.0, 1 + network.bias
    for layer, W in enumerate(network.weights):
        w = W.astype(np.float64)
        total += (network.l1 * np.abs(w) + 0.5 * network.l2 * w * w).sum()
        g = pieces[step * layer]
        slope = network.l1 * np.sign(w) + network.l2 * w
        moved = Bounded(g.value + slope, g.error)
        size = g.largest + network.l1 + np.abs(network.l2 * w)
        pieces[step * layer] = moved.rounded(gamma(4, r.u) * size + r.tiny)
    weights = sum(W.size for W in network.weights)
    return Bounded(cost.value + total, cost.error + gamma(weights + 6, r.u) * total + r.u * np.abs(cost.value))


def backward(
    network: Network, X: NDArray[Any], Y: NDArray[Any], reduction: str, masks: NDArray[Any] | None = None
) -> tuple[Bounded, list[Bounded]]:
    """The cost, and the gradient of every view of the flat vector, in its order."""
    r = Rounding.of(network)
    m, y = len(X), Y.astype(np.float64)
    scale = 1 / m if reduction == "mean" else 1.0
    layers, seen, z = forward(network, X, masks)
    backs = [_ACTIVATIONS[name][1] for name in network.activations]
    value, delta_of = _COSTS[network.cost_function]
    cost = value(layers[-1], z, y, r)
    delta = delta_of(layers[-1], y, backs[-1], r)
    pieces: list[Bounded] = []
    by_layer = _by_layer(network, masks)
    for layer in range(len(network.weights) - 1, -1, -1):
        h = seen[layer]
        if network.bias:
            total = Bounded(delta.value.sum(axis=0), delta.error.sum(axis=0))
            pieces.append(total.rounded(gamma(m + 3, r.u) * delta.largest.sum(axis=0)))
        product = delta.transposed() @ h
        pieces.append(product.rounded(gamma(m + 3, r.u) * (delta.largest.T @ h.largest) + m * r.tiny))
        if layer > 0:
            W = _exact(network.weights[layer])
            e = delta @ W
            e = e.rounded(gamma(len(W.value), r.u) * (delta.largest @ W.largest) + len(W.value) * r.tiny)
            delta = backs[layer - 1](layers[layer], _masked(e, by_layer[layer - 1], r), r)
    pieces = [Bounded(scale * p.value, scale * p.error) for p in reversed(pieces)]
    cost = Bounded(scale * cost.value, scale * cost.error)
    return _with_penalty(network, cost, pieces, r), pieces
