"""How far two correct computations of the same thing may lie apart: a bound with a derivation, not a constant.

Each side stays within the bound that `samenet.bounds` derives, so they differ by at most twice that. The values in the
bound come from a run in float64, with errors of their own, which matter in second order only: less than the 1 % added
here.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from samenet import bounds, checks
from samenet.network import Network
from samenet.parameters import Parameters

Array = NDArray[np.float64]

_SIDES = 2 * 1.01  # two computations, and second-order terms


def forward(network: Network, X: ArrayLike) -> list[Array]:
    """How far the activations of each layer may differ, for X (n_in,) or (m, n_in); the input layer not at all."""
    x = checks.samples("X", X, network.sizes[0], network.dtype)
    layers = bounds.forward(network, x.reshape(-1, network.sizes[0])).layers
    return [_SIDES * h.error.reshape(*x.shape[:-1], n) for h, n in zip(layers, network.sizes, strict=True)]


def gradient(
    network: Network, X: ArrayLike, Y: ArrayLike, reduction: str = "mean", masks: NDArray[Any] | None = None
) -> tuple[float, Parameters]:
    """How far the cost, and each entry of its gradient, may differ."""
    x, y = checks.labelled(X, Y, network.sizes[0], network.sizes[-1], network.dtype)
    cost, pieces = bounds.backward(network, x, y, reduction, masks)
    flat = np.concatenate([p.error.ravel() for p in pieces])
    return _SIDES * float(cost.error), Parameters(network.sizes, network.bias, _SIDES * flat)


def update(
    network: Network,
    X: ArrayLike,
    Y: ArrayLike,
    alpha: float,
    reduction: str = "mean",
    *,
    masks: NDArray[Any] | None = None,
    momentum: float = 0.0,
    velocity: Parameters | None = None,
    clip_value: float = math.inf,
    clip_norm: float = math.inf,
) -> Array:
    """How far each parameter may differ after one update from the same theta and the same velocity v.

    A plain step: |alpha| dg, plus 3 roundings of the step (alpha, its product, its storing) and one of the difference.
    With momentum mu, the step is that of mu v - alpha g and, by Nesterov, of mu times it once more. Clipping by value
    moves no entry more than g; by norm it multiplies by N / ||g||, of relative error ||dg|| / ||g|| and roundings.
    """
    x, y = checks.labelled(X, Y, network.sizes[0], network.sizes[-1], network.dtype)
    u = float(np.finfo(network.dtype).eps) / 2
    pieces = bounds.backward(network, x, y, reduction, masks)[1]
    g = bounds.Bounded(*(np.concatenate([getattr(p, part).ravel() for p in pieces]) for part in ("value", "error")))
    g = bounds.Bounded(np.clip(g.value, -clip_value, clip_value), g.error)
    length, moved = float(np.linalg.norm(g.value)), float(np.linalg.norm(g.error))
    if length + moved > clip_norm:
        shrink, relative = min(1.0, clip_norm / length), moved / length + bounds.gamma(len(g.value) + 8, u)
        g = bounds.Bounded(shrink * g.value, shrink * (g.error + relative * g.largest))
    error, step = abs(alpha) * g.error, abs(alpha) * g.largest
    if velocity is not None:
        step = step + momentum * np.abs(velocity.flat.astype(np.float64))
        error, step = (1 + momentum) * error, (1 + momentum) * step  # Nesterov's; plain momentum has less
    theta = np.abs(network.parameters.astype(np.float64))
    allowed: Array = _SIDES * (error + bounds.gamma(6 if velocity is not None else 3, u) * step + u * (theta + step))
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
    limits = np.broadcast_to(np.asarray(allowed, np.float64), got.shape)
    with np.errstate(all="ignore"):  # infinity minus infinity is a NaN, which fails
        observed = np.abs(got.astype(np.float64) - expected.astype(np.float64))
        ratios = np.where((observed == 0) & (limits >= 0), 0.0, observed / limits)
    worst = np.unravel_index(np.nan_to_num(ratios, nan=math.inf).argmax(), got.shape)
    return Comparison(float(observed[worst]), float(limits[worst]))
