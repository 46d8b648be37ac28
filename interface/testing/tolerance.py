"""Tolerances: how much two correct computations may differ, by derived bounds instead of constants.

Each side is within the bound that `samenet.testing.bounds` derives, so the two differ by at most twice the bound. The
bound itself is computed in float64, with rounding errors far below the 1 % added here. Where a number may overflow,
there is no bound: the tolerance is infinite, and `compare` reports `OVERFLOWS`.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from samenet.backends.adaptive import Sampler
from samenet.model import Model
from samenet.model.parameters import Parameters
from samenet.optimizers import Adam, Descent, Momentum, Nesterov, RMSProp, State, UpdateRule
from samenet.testing import bounds, sampling_bounds, update_bounds
from samenet.testing.rounding import Bounded, Rounding
from samenet.validation import arrays

Array = NDArray[np.float64]

_DESCENT = Descent()
_SIDES = 2 * 1.01  # two computations, plus 1 % for the rounding of the bound itself


def forward(model: Model, X: ArrayLike) -> list[Array]:
    """How far the activations of each layer may differ, for X (n_in,) or (m, n_in); 0 for the input layer."""
    x = arrays.samples("X", X, model.sizes[0], model.dtype)
    layers = bounds.forward(model, x.reshape(-1, model.sizes[0])).layers
    return [_SIDES * h.error.reshape(*x.shape[:-1], n) for h, n in zip(layers, model.sizes, strict=True)]


def gradient(
    model: Model,
    X: ArrayLike,
    Y: ArrayLike,
    reduction: str = "mean",
    masks: NDArray[Any] | None = None,
    weight_masks: Sequence[NDArray[Any]] | None = None,
    sample_weight: Array | None = None,
) -> tuple[float, Parameters]:
    """How far the cost, and each entry of its gradient, may differ.

    masks: with dropout, (m, hidden nodes). weight_masks: with DropConnect, a matrix for each layer of weights.
    sample_weight: (m,), in the form that backends are given.
    """
    x, y = arrays.labelled(X, Y, model.sizes[0], model.sizes[-1], model.dtype)
    cost, pieces = bounds.backward(model, x, y, reduction, masks, weight_masks, None, sample_weight)
    flat = np.concatenate([p.error.ravel() for p in pieces])
    theta = getattr(model, "model", model).theta  # a network works, too: it has everything else that a bound needs
    return _SIDES * float(cost.error), theta.like(_SIDES * flat)


def _slope(
    model: Model,
    X: ArrayLike,
    Y: ArrayLike,
    reduction: str,
    masks: NDArray[Any] | None,
    weight_masks: Sequence[NDArray[Any]] | None,
    clip_value: float,
    clip_norm: float,
    factors: NDArray[Any] | None,
    sample_weight: Array | None,
) -> Bounded:
    """The gradient, clipped, as a flat vector."""
    x, y = arrays.labelled(X, Y, model.sizes[0], model.sizes[-1], model.dtype)
    pieces = bounds.backward(model, x, y, reduction, masks, weight_masks, factors, sample_weight)[1]
    g = Bounded(*(np.concatenate([getattr(p, part).ravel() for p in pieces]) for part in ("value", "error")))
    return update_bounds.clipped(g, clip_value, clip_norm, Rounding.of(model.dtype))


def step(
    model: Model,
    X: ArrayLike,
    Y: ArrayLike,
    alpha: float,
    reduction: str = "mean",
    *,
    rule: UpdateRule = _DESCENT,
    state: State | None = None,
    masks: NDArray[Any] | None = None,
    weight_masks: Sequence[NDArray[Any]] | None = None,
    clip_value: float = math.inf,
    clip_norm: float = math.inf,
    factors: NDArray[Any] | None = None,
    sample_weight: Array | None = None,
) -> tuple[Array, Array]:
    """How far each parameter, and each entry of the velocity, may differ after one update from equal parameters.

    state: the rule's state before the update; zero if None. Without a velocity, the second array is, for descent, the
    allowed difference of the move -alpha g, and for RMSProp and Adam, the first array again. Derived in
    `samenet.testing.update_bounds`. factors: of the rows of X, if they were drawn by importance; sample_weight: as for
    `gradient`.
    """
    g = _slope(model, X, Y, reduction, masks, weight_masks, clip_value, clip_norm, factors, sample_weight)
    theta, state = model.parameters, rule.state(model.theta) if state is None else state
    if isinstance(rule, Adam | RMSProp):
        kept = state.values if isinstance(rule, Adam) else (np.zeros_like(theta), *state.values)
        error = _SIDES * update_bounds.adapted(theta, g, alpha, _adaptive(rule, state.t + 1), *kept).error
        return error, error
    if not isinstance(rule, Descent | Momentum):
        raise TypeError(f"rule: no bound is derived for {rule.name!r}")
    beta = rule.beta if isinstance(rule, Momentum) else 0.0
    v = state.values[0] if isinstance(rule, Momentum) else None
    moved = update_bounds.moved(theta, g, alpha, beta, v, isinstance(rule, Nesterov))
    return _SIDES * moved[0].error, _SIDES * moved[1].error


def _adaptive(rule: Adam | RMSProp, t: int) -> update_bounds.Adaptive:
    if isinstance(rule, Adam):
        return update_bounds.Adaptive(rule.beta1, rule.beta2, rule.epsilon, t)
    return update_bounds.Adaptive(0.0, rule.decay, rule.epsilon, None)


def update(model: Model, X: ArrayLike, Y: ArrayLike, alpha: float, reduction: str = "mean", **rule: Any) -> Array:
    """How far each parameter may differ after one update; keyword arguments as in `step`."""
    return step(model, X, Y, alpha, reduction, **rule)[0]


def learned(
    model: Model,
    X: ArrayLike,
    Y: ArrayLike,
    sampler: Sampler,
    rows: NDArray[np.int64],
    reduction: str = "mean",
    masks: NDArray[Any] | None = None,
    weight_masks: Sequence[NDArray[Any]] | None = None,
) -> tuple[float, Array, float]:
    """How far the cost of a batch drawn from X, the weights learned from it, and the running mean may differ.

    sampler: its state before the batch; rows: the rows it drew. Derived in `samenet.testing.sampling_bounds`.
    """
    x, y = arrays.labelled(X, Y, model.sizes[0], model.sizes[-1], model.dtype)
    factors = sampling_bounds.factors(sampler, rows)
    cost, _, squares = bounds.sampled(model, x[rows], y[rows], reduction, masks, weight_masks, factors)
    squares = squares.times(len(rows) ** 2) if reduction == "mean" else squares
    weights, mean = sampling_bounds.learned(sampler, rows, squares, Rounding.of(model.dtype))
    return _SIDES * float(cost.error), _SIDES * weights, _SIDES * mean


OVERFLOWS = "may overflow: no bound"


class Comparison(NamedTuple):
    """The observed and the allowed difference, at the entry with the largest ratio of the two."""

    observed: float
    allowed: float
    problem: str = ""  # why values could not be compared: a different shape or dtype, or no bound

    @property
    def ok(self) -> bool:
        """Whether the difference is within the tolerance."""
        return not self.problem and self.observed <= self.allowed < math.inf  # false for NaN on either side

    @property
    def bounded(self) -> bool:
        """Whether there is a bound; if a number may overflow, there is none, and the comparison proves nothing."""
        return self.problem != OVERFLOWS

    @property
    def ratio(self) -> float:
        """Observed / allowed: at most 1 if ok; infinite if no tolerance would do."""
        if self.observed == 0 and self.ok:
            return 0.0
        comparable = not self.problem and 0 < self.allowed < math.inf and not math.isnan(self.observed)
        return self.observed / self.allowed if comparable else math.inf

    def __str__(self) -> str:
        return self.problem or f"{self.observed:.1e} / {self.allowed:.1e}"


def compare(value: Any, reference: Any, allowed: Any, dtype: DTypeLike | None = None) -> Comparison:
    """The worst entry of |value - reference|, relative to the tolerance.

    Takes scalars and arrays; `allowed` has the same shape, or is one number. The comparison fails if shapes differ, if
    `value` has another dtype than `dtype`, or for NaN, even if both sides have it. An allowed difference of 0 requires
    equality; empty arrays are ok. Entries with an infinite tolerance are not compared: backends need not even agree on
    which of them are finite, because an intermediate result may overflow in one backend and not in another. If there
    are such entries, and all others are within their tolerance, the comparison fails with the problem `OVERFLOWS`.
    """
    got, expected = np.asarray(value), np.asarray(reference)
    if got.shape != expected.shape:
        return Comparison(math.inf, 0.0, f"shape {got.shape} for {expected.shape}")
    if dtype is not None and got.dtype != np.dtype(dtype):
        return Comparison(math.inf, 0.0, f"dtype {got.dtype} for {np.dtype(dtype)}")
    if got.size == 0:
        return Comparison(0.0, 0.0)
    limits = np.broadcast_to(np.asarray(allowed, np.float64), got.shape)
    with np.errstate(all="ignore"):  # infinity minus infinity is NaN, which fails
        observed = np.abs(got.astype(np.float64) - expected.astype(np.float64))
        ratios = np.where((observed == 0) & (limits >= 0), 0.0, observed / limits)
    free = np.isposinf(limits)
    ratios = np.where(free, -1.0, np.nan_to_num(ratios, nan=math.inf))
    worst = np.unravel_index(ratios.argmax(), got.shape)
    if free.any() and ratios[worst] <= 1:
        return Comparison(float(observed[free].max()), math.inf, OVERFLOWS)
    return Comparison(float(observed[worst]), float(limits[worst]))
