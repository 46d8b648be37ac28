"""How far two correct computations of the same thing may lie apart: a bound with a derivation, not a constant.

Both start from the same stored parameters and samples, and round each operation at unit roundoff u = eps / 2 of the
network's dtype (2^-53 or 2^-24). A sum of n products, whatever its order and with or without fused multiply-adds, errs
by at most gamma_n sum |w||x|, where gamma_n = n u / (1 - n u). So, with e the error that layer l inherits:

    z = W h + b                dz <= |W| e + gamma_(n+1) (|W| (|h| + e) + |b|)
    h' = f(z)                  e' <= max f' dz + 8 u (h' + max f' dz); the largest slope near z is 1/4 or less.
                               8 u, because exp is good to 3 ulp (6 u) in every backend, the sum and the quotient to u
    s = h' (1 - h')            ds <= e' (|1 - 2 h'| + e')
    delta = r s                d <= dr (s + ds) + |r| ds + gamma_8 (|r| + dr) (s + ds), where the residual r is
                               h - y in the last layer (dr = e), W^T delta before it (dr as for z). gamma_8 counts the
                               difference, the product, the slope and the division by the number of samples
    dJ/dW = sum delta h^T      d (|h| + e) + |delta| e, plus gamma_(m+3) (|delta| + d) (|h| + e), summed over m samples
    J = 1/2 sum r^2            1/2 sum dr (2 |r| + dr), plus gamma_(m n_out + 4) of 1/2 sum (|r| + dr)^2

Each side stays within the bound, so they differ by at most twice that. The reference computes in float64 and rounds
what it stores, which is within the bound of either dtype. The values in the bound come from a run in float64, with
errors of their own, which matter in second order only: less than the 1 % added here.
Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms (2002), sections 3.1 and 3.3.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from samenet import checks
from samenet.network import Network
from samenet.parameters import Parameters

Array = NDArray[np.float64]

_SIDES = 2 * 1.01  # two computations, and second-order terms


def _gamma(n: int, u: float) -> float:
    return n * u / (1 - n * u)


def _sigmoid(z: Array) -> Array:
    t = np.exp(-np.abs(z))
    h: Array = np.where(z < 0, t, 1.0) / (1 + t)
    return h


@dataclass(frozen=True)
class _Bounded:
    """A value, and how far one computation of it may be off; both float64, of the same shape."""

    value: Array
    error: Array

    @property
    def largest(self) -> Array:
        return np.abs(self.value) + self.error

    def __mul__(self, other: "_Bounded") -> "_Bounded":
        """The product entry by entry, before it is rounded itself."""
        return _Bounded(self.value * other.value, self.error * other.largest + np.abs(self.value) * other.error)

    def __matmul__(self, other: "_Bounded") -> "_Bounded":
        """The matrix product, before it is rounded itself."""
        return _Bounded(self.value @ other.value, self.error @ other.largest + np.abs(self.value) @ other.error)

    def rounded(self, by: Array) -> "_Bounded":
        return _Bounded(self.value, self.error + by)

    def transposed(self) -> "_Bounded":
        return _Bounded(self.value.T, self.error.T)


def _exact(values: NDArray[Any]) -> _Bounded:
    value = values.astype(np.float64)
    return _Bounded(value, np.zeros_like(value))


def _forward(network: Network, X: NDArray[Any]) -> list[_Bounded]:
    """Every layer of a batch (m, n_in)."""
    info = np.finfo(network.dtype)
    u = float(info.eps) / 2
    tiny = float(info.tiny)  # below it numbers lose digits, and the sigmoid may be rounded to 0
    layers = [_exact(X)]
    for layer, W in enumerate(network.weights):
        h, weights = layers[-1], _exact(W)
        b = network.biases[layer].astype(np.float64) if network.bias else np.zeros(len(W))
        n = W.shape[1]
        z = h @ weights.transposed()
        dz = z.error + _gamma(n + 1, u) * (h.largest @ np.abs(weights.value.T) + np.abs(b)) + n * tiny
        centre = z.value + b
        flattest = _sigmoid(np.maximum(np.abs(centre) - 2 * dz, 0))  # twice: `centre` may be off by dz itself
        moved = flattest * (1 - flattest) * dz
        value = _sigmoid(centre)
        layers.append(_Bounded(value, moved + 8 * u * (value + moved) + tiny))
    return layers


def _backward(network: Network, X: NDArray[Any], Y: NDArray[Any], reduction: str) -> tuple[_Bounded, list[_Bounded]]:
    """The cost, and the gradient of every view of the flat vector, in its order."""
    info = np.finfo(network.dtype)
    u, tiny = float(info.eps) / 2, float(info.tiny)
    m = len(X)
    scale = 1 / m if reduction == "mean" else 1.0
    layers = _forward(network, X)
    residual = _Bounded(layers[-1].value - Y.astype(np.float64), layers[-1].error)
    squares = residual * residual
    rounding = _gamma(Y.size + 4, u) * (residual.largest**2).sum()
    cost = _Bounded(np.asarray(squares.value.sum()), np.asarray(squares.error.sum() + rounding))
    pieces: list[_Bounded] = []
    for layer in range(len(network.weights) - 1, -1, -1):
        h = layers[layer + 1]
        slope = _Bounded(h.value * (1 - h.value), h.error * (np.abs(1 - 2 * h.value) + h.error))
        delta = (residual * slope).rounded(_gamma(8, u) * residual.largest * slope.largest + tiny)
        h = layers[layer]
        if network.bias:
            total = _Bounded(delta.value.sum(axis=0), delta.error.sum(axis=0))
            pieces.append(total.rounded(_gamma(m + 3, u) * delta.largest.sum(axis=0)))
        product = delta.transposed() @ h
        pieces.append(product.rounded(_gamma(m + 3, u) * (delta.largest.T @ h.largest) + m * tiny))
        W = _exact(network.weights[layer])
        residual = delta @ W
        residual = residual.rounded(_gamma(len(W.value), u) * (delta.largest @ W.largest) + len(W.value) * tiny)
    pieces = [_Bounded(scale * p.value, scale * p.error) for p in reversed(pieces)]
    return _Bounded(0.5 * scale * cost.value, 0.5 * scale * cost.error), pieces


def forward(network: Network, X: ArrayLike) -> list[Array]:
    """How far the activations of each layer may differ, for X (n_in,) or (m, n_in); the input layer not at all."""
    x = checks.samples("X", X, network.sizes[0], network.dtype)
    layers = _forward(network, x.reshape(-1, network.sizes[0]))
    return [_SIDES * h.error.reshape(*x.shape[:-1], n) for h, n in zip(layers, network.sizes, strict=True)]


def gradient(network: Network, X: ArrayLike, Y: ArrayLike, reduction: str = "mean") -> tuple[float, Parameters]:
    """How far the cost, and each entry of its gradient, may differ."""
    x, y = checks.labelled(X, Y, network.sizes[0], network.sizes[-1], network.dtype)
    cost, pieces = _backward(network, x, y, reduction)
    flat = np.concatenate([p.error.ravel() for p in pieces])
    return _SIDES * float(cost.error), Parameters(network.sizes, network.bias, _SIDES * flat)


def update(network: Network, X: ArrayLike, Y: ArrayLike, alpha: float, reduction: str = "mean") -> Array:
    """How far each parameter may differ after one step theta - alpha g from the same theta.

    |alpha| dg, plus 3 roundings of the step (alpha, its product, its storing) and one of the difference.
    """
    x, y = checks.labelled(X, Y, network.sizes[0], network.sizes[-1], network.dtype)
    u = float(np.finfo(network.dtype).eps) / 2
    pieces = _backward(network, x, y, reduction)[1]
    error = abs(alpha) * np.concatenate([p.error.ravel() for p in pieces])
    step = abs(alpha) * np.concatenate([p.largest.ravel() for p in pieces])
    theta = np.abs(network.parameters.astype(np.float64))
    allowed: Array = _SIDES * (error + _gamma(3, u) * step + u * (theta + step))
    return allowed


class Comparison(NamedTuple):
    """The difference that was observed and the one that is allowed, at the entry where their ratio is worst."""

    observed: float
    allowed: float
    problem: str = ""  # why values could not be compared at all: another shape, or another dtype

    @property
    def ok(self) -> bool:
        """Whether the difference is within what is allowed."""
        return not self.problem and self.observed <= self.allowed < math.inf  # false for NaN on either side

    @property
    def ratio(self) -> float:
        """Observed / allowed: at most 1 if all is well, and infinity for what no allowance would excuse."""
        if self.observed == 0 and self.ok:
            return 0.0
        comparable = not self.problem and 0 < self.allowed < math.inf and not math.isnan(self.observed)
        return self.observed / self.allowed if comparable else math.inf

    def __str__(self) -> str:
        return self.problem or f"{self.observed:.1e} / {self.allowed:.1e}"


def compare(value: Any, reference: Any, allowed: Any, dtype: DTypeLike | None = None) -> Comparison:
    """The worst entry of |value - reference|, measured by what is allowed there.

    Scalars and arrays; `allowed` is of the same shape, or one number. Another shape, or another dtype than the one that
    is asked for, is a comparison that failed. NaN fails, even where both sides have it; an allowance of 0 asks for
    equality. Nothing to compare is all well.
    """
    got, expected = np.asarray(value), np.asarray(reference)
    if got.shape != expected.shape:
        return Comparison(math.inf, 0.0, f"shape {got.shape} for {expected.shape}")
    if dtype is not None and got.dtype != np.dtype(dtype):
        return Comparison(math.inf, 0.0, f"dtype {got.dtype} for {np.dtype(dtype)}")
    if got.size == 0:
        return Comparison(0.0, 0.0)
    bounds = np.broadcast_to(np.asarray(allowed, np.float64), got.shape)
    with np.errstate(all="ignore"):  # infinity minus infinity is a NaN, which fails
        observed = np.abs(got.astype(np.float64) - expected.astype(np.float64))
        ratios = np.where((observed == 0) & (bounds >= 0), 0.0, observed / bounds)
    worst = np.unravel_index(np.nan_to_num(ratios, nan=math.inf).argmax(), got.shape)
    return Comparison(float(observed[worst]), float(bounds[worst]))
