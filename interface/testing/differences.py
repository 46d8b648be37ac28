"""The slope of a cost along one parameter, from finite differences, with the step that has the smallest error.

The central difference D(s) = (J(t + s) - J(t - s)) / 2s has a truncation error of about s^2/6 J''', estimated from how
D changes with s, and the rounding error of J divided by s.
Source: C. Ridders, Accurate computation of F'(x) and F'(x) F''(x) (1982); J. Moré and S. Wild, Estimating computational
noise (2011), for measuring the rounding error of a function from its own values.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.model.functions import Reduction
from samenet.model.parameters import Parameters
from samenet.testing.kinks import Kinks
from samenet.testing.probe import Answers

_EPS = float(np.finfo(np.float64).eps)
_LARGEST, _LEAST, _FACTOR = 0.03, 1e-7, 4.0  # the steps that are tried in addition to the user's
_SHARPEST = 1e-11  # the smallest step, where the cost bends sharply
_SAFETY = 4.0  # factor on the estimate of the rounding error


class Sides(NamedTuple):
    """The slopes of the cost to the left and to the right of a parameter's value, over a step.

    error   a bound on the rounding error of either
    radius  how far the slope may be from both because of samples exactly at a kink
    kink    whether a known kink lies within the step
    """

    left: float
    right: float
    error: float
    radius: float
    kink: bool

    @property
    def slope(self) -> float:
        """The central difference."""
        return (self.left + self.right) / 2

    @property
    def gap(self) -> float:
        """The distance between the slopes of the two sides."""
        return abs(self.right - self.left)


class Estimate(NamedTuple):
    """A slope; a bound on its error; at a kink, the distance to the slopes of both sides; whether there is a kink."""

    slope: float
    error: float
    radius: float
    kink: bool


def noise(cost: Callable[[], float], flat: NDArray[Any]) -> float:
    """The rounding error of the cost: its range while every parameter is perturbed by up to two ulps.

    Moré and Wild use differences of high order; perturbations of this size make them unnecessary.
    """
    random, kept = np.random.default_rng(0), flat.copy()
    unit = _EPS * np.where(kept == 0, np.abs(kept).mean() or 1.0, np.abs(kept))
    values = []
    try:
        for _ in range(12):
            flat[:] = kept + unit * random.integers(-2, 3, kept.shape)
            values.append(cost())
    finally:
        flat[:] = kept
    return float(np.ptp(values))


class Slopes:
    """The slopes of a network's cost at its current parameters, one parameter at a time.

    Parameters are changed while a cost is computed, and restored when a call returns.
    """

    def __init__(self, net: Answers, X: NDArray[Any], Y: NDArray[Any], reduction: Reduction) -> None:
        self.net, self.flat = net, net.model.theta.flat
        self.cost: Callable[[], float] = lambda: net.cost(X, Y, reduction=reduction)
        if net.model.theta.normalized:  # `cost` uses running statistics, but the gradient those of X
            self.cost = lambda: net.gradient(X, Y, reduction=reduction)[0]
        self.J = self.cost()
        self.noise = noise(self.cost, self.flat)
        self.kinks = Kinks(net, X, Y, self.J, reduction)
        self.places = list(_places(net.model.theta))

    def plain(self, i: int, step: float) -> Sides:
        """The slopes over one step, ignoring any kinks within it: two evaluations of the cost."""
        low, high = self._moved(i, step)
        before, after = self._costs(i, (low, high), self.cost)
        at = self.flat[i]
        left, right = (self.J - before) / (at - low), (after - self.J) / (high - at)
        return Sides(float(left), float(right), self._rounding(before, after) / float(high - at), 0.0, False)

    def sides(self, i: int, step: float) -> Sides:
        """The slopes over one step; for samples and weights with a kink within it, analytic ones are used."""
        found, kinks = self.plain(i, step), self.kinks
        left, right, error, radius, _ = found
        if not kinks.known:
            return found
        at, (low, high) = self.flat[i], self._moved(i, step)
        layer, node, source = self.places[i]
        kink = False
        if source is not None and self.net.model.l1 and at == 0:
            kink, radius = True, self.net.model.l1
        elif source is not None and self.net.model.l1 and abs(at) < step:
            kink = True
            # The slope of |w| is `sign`, but its difference quotient on the side of 0 differs:
            sign = float(np.sign(at))
            quotient = float((abs(at) - abs(low if at > 0 else high)) / (at - (low if at > 0 else high)))
            left += self.net.model.l1 * (sign - quotient if at > 0 else 0.0)
            right += self.net.model.l1 * (0.0 if at > 0 else sign - quotient)
        if kinks.has_relu:
            rows = np.logical_or(*self._costs(i, (low, high), kinks.crossed))
            if rows.any():
                kink = True
                before, here, after = self._costs(i, (low, at, high), lambda: kinks.cost(rows))
                slope, free, rounding = kinks.slope(rows, layer, node, source)
                radius += free
                left += slope - float((here - before) / (at - low))
                right += slope - float((after - here) / (high - at))
                error = 2 * error + rounding
        return Sides(left, right, error, radius, kink)

    def best(self, i: int, step: float) -> Estimate:
        """The slope with the smallest estimated error: steps get smaller until the rounding error dominates."""
        chosen, least, tried, sharp = None, np.inf, list[Sides](), False
        size = max(step, _LARGEST)
        while size >= min(step, _LEAST) or (sharp and size >= _SHARPEST):
            tried.append(self.sides(i, size))
            size /= _FACTOR
            if len(tried) < 3:
                continue
            first, second, third = tried[-3:]
            # If the slopes of the sides diverge as the step gets smaller, the cost bends within less than the step.
            sharp = any(b.gap > 1.5 * a.gap + 4 * b.error for a, b in pairwise((first, second, third)))
            # In theory the error of the second is 1/16 of the first's. Agreement of only two may be by chance.
            narrow, wide = abs(third.slope - second.slope), abs(second.slope - first.slope)
            # Where all three agree, the largest step is the best: it has the smallest rounding error.
            for sides, error in ((third, max(narrow, wide / 8)), (first, 2 * max(narrow, wide))):
                if error + sides.error < least and not sharp:
                    chosen, least = sides, error + sides.error
            if third.error > least or least <= 1e-7 * abs(third.slope):
                break
        if chosen is None:  # no step was small enough, or costs are not finite
            slope = tried[-1].slope
            return Estimate(slope if np.isfinite(slope) else np.nan, np.inf, 0.0, False)
        return Estimate(chosen.slope, least, chosen.radius, chosen.radius > 0)

    def corner(self, i: int) -> Estimate | None:
        """At a kink, where the slopes of the two sides stay apart for all steps, however small: a slope between them.

        From curvature alone, the gap would shrink in proportion to the step; then the result is None. It is also None
        if this cannot be decided, or if the kink is a known one, which `sides` has handled.
        """
        tried = [self.sides(i, 10.0**-k) for k in (5, 6, 7)]
        if any(sides.radius > 0 for sides in tried) or any(
            not b.gap > max(a.gap / 2, 4 * b.error) for a, b in pairwise(tried)
        ):
            return None
        first, second = tried[-2:]
        error = max(abs(first.left - second.left), abs(first.right - second.right)) + second.error
        return Estimate(second.slope, error, second.gap / 2, True)

    def is_level(self, i: int) -> bool:
        """Whether even a wide step changes the cost by no more than rounding: then a slope of 0 proves nothing."""
        before, after = self._costs(i, self._moved(i, _LARGEST), self.cost)
        moved = max(abs(before - self.J), abs(after - self.J))
        return not moved > 16 * self._rounding(before, after)

    def _moved(self, i: int, step: float) -> tuple[Any, Any]:
        at = self.flat[i]
        step = max(step, 1e-12 * abs(at))  # large enough that t + s does not round to t
        return at - step, at + step

    def _costs(self, i: int, values: tuple[Any, ...], of: Callable[[], Any]) -> list[Any]:
        """The values of a function with parameter i at each of these values."""
        at, found = self.flat[i], []
        try:
            for value in values:
                self.flat[i] = value
                found.append(of())
        finally:
            self.flat[i] = at
        return found

    def _rounding(self, *values: float) -> float:
        """The rounding error of a difference of costs: measured at J, and scaled up for larger costs.

        The error of a squared residual r is about r times that of the output, so it grows as the square root of the
        cost.
        """
        largest = max(map(abs, values))
        base = max(abs(self.J), self.noise) or 1.0
        return float(_SAFETY * (self.noise * max(1.0, np.sqrt(largest / base)) + 2 * _EPS * largest))


def _places(theta: Parameters) -> Iterator[tuple[int, int, int | None]]:
    """For every parameter its layer, the node it leads to, and the node it comes from; None for a bias or gamma."""
    for layer, W in enumerate(theta.weights):
        yield from ((layer, i, j) for i in range(W.shape[0]) for j in range(W.shape[1]))
        for _ in range(theta.bias + (theta.normalized[layer] if theta.normalized else 0)):
            yield from ((layer, i, None) for i in range(W.shape[0]))
