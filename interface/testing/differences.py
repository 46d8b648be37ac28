"""The slope of a cost in one direction, from differences: of several steps the one that errs least.

With D(s) = (J(t + s) - J(t - s)) / 2s, a slope errs by about s^2/6 J''', which is seen from how D changes with s, and
by the rounding of J over s. Source: C. Ridders, Accurate computation of F'(x) and F'(x) F''(x) (1982); J. Moré and
S. Wild, Estimating computational noise (2011), for measuring the rounding of a function from its own values.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.parameters import Parameters
from samenet.testing.kinks import Kinks
from samenet.testing.probe import Answers

_EPS = float(np.finfo(np.float64).eps)
_LARGEST, _LEAST, _FACTOR = 0.03, 1e-7, 4.0  # the steps that are tried beside the user's
_SHARPEST = 1e-11  # how far they go down where the cost turns sharply


class Sides(NamedTuple):
    """The slopes of the cost to the left and to the right of a parameter, over a step.

    error   how far rounding may have moved either of them
    radius  how far the slope of samples at a kink may be from what stands in both
    kink    whether a kink that is known lies within the step
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
        """How far the two sides are apart."""
        return abs(self.right - self.left)


class Estimate(NamedTuple):
    """A slope, how far it may be off; at a kink how far the slopes of its sides are from it; whether there is one."""

    slope: float
    error: float
    radius: float
    kink: bool


def noise(cost: Callable[[], float], flat: NDArray[Any]) -> float:
    """How far rounding moves the cost: seen by moving every parameter by an ulp or two, which hardly moves it else.

    Moré and Wild take differences of a high order; parameters that move by ulps need none.
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
    """The slopes of a network's cost, J at the parameters that it has, one parameter at a time.

    The network's parameters are moved while a cost is computed, and are as they were when a call returns.
    """

    def __init__(self, net: Answers, X: NDArray[Any], Y: NDArray[Any], reduction: str) -> None:
        self.net, self.flat = net, net.model.theta.flat
        self.cost: Callable[[], float] = lambda: net.cost(X, Y, reduction=reduction)
        self.J = self.cost()
        self.noise = noise(self.cost, self.flat)
        self.kinks = Kinks(net, X, Y, self.J, reduction)
        self.places = list(_places(net.model.theta))

    def plain(self, i: int, step: float) -> Sides:
        """Over one step, whatever kinks lie within it: two costs."""
        low, high = self._moved(i, step)
        before, after = self._costs(i, (low, high), self.cost)
        at = self.flat[i]
        left, right = (self.J - before) / (at - low), (after - self.J) / (high - at)
        return Sides(float(left), float(right), self._rounding(before, after) / float(high - at), 0.0, False)

    def sides(self, i: int, step: float) -> Sides:
        """Over one step, with the slopes of samples and weights of which a kink lies within it put in their place."""
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
            sign = float(np.sign(at))  # |w| rises by `sign` to the side away from 0, and what is seen on the other is:
            seen = float((abs(at) - abs(low if at > 0 else high)) / (at - (low if at > 0 else high)))
            left += self.net.model.l1 * (sign - seen if at > 0 else 0.0)
            right += self.net.model.l1 * (0.0 if at > 0 else sign - seen)
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
        """From larger steps to smaller ones, until rounding makes it worse: the slope that errs least."""
        chosen, least, tried, sharp = None, np.inf, list[Sides](), False
        size = max(step, _LARGEST)
        while size >= min(step, _LEAST) or (sharp and size >= _SHARPEST):
            tried.append(self.sides(i, size))
            size /= _FACTOR
            if len(tried) < 3:
                continue
            first, second, third = tried[-3:]
            # Where the sides come apart as the step gets smaller, the cost turns more sharply than the step can see.
            sharp = any(b.gap > 1.5 * a.gap + 4 * b.error for a, b in pairwise((first, second, third)))
            # By theory the second is 16 times as near as the first. A chance agreement of two of them is not trusted.
            narrow, wide = abs(third.slope - second.slope), abs(second.slope - first.slope)
            # Where all three agree, the largest step is the best: rounding has the least of it.
            for sides, error in ((third, max(narrow, wide / 8)), (first, 2 * max(narrow, wide))):
                if error + sides.error < least and not sharp:
                    chosen, least = sides, error + sides.error
            if third.error > least or least <= 1e-7 * abs(third.slope):
                break
        if chosen is None:  # no step that could tell, or no costs that are finite
            slope = tried[-1].slope
            return Estimate(slope if np.isfinite(slope) else np.nan, np.inf, 0.0, False)
        return Estimate(chosen.slope, least, chosen.radius, chosen.radius > 0)

    def corner(self, i: int) -> Estimate | None:
        """Where the sides stay apart, however small the step: a slope between the two, as that of a cost with a kink.

        Curvature alone makes the gap as much smaller as the step; then, or if there is no telling, or if the kink is a
        known one whose sides were examined before, None.
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
        """Whether the cost hardly changes, in a wide step, by more than rounding: then a slope of 0 says nothing."""
        before, after = self._costs(i, self._moved(i, _LARGEST), self.cost)
        moved = max(abs(before - self.J), abs(after - self.J))
        return not moved > 16 * self._rounding(before, after)

    def _moved(self, i: int, step: float) -> tuple[Any, Any]:
        at = self.flat[i]
        step = max(step, 1e-12 * abs(at))  # not so small that t + s is t
        return at - step, at + step

    def _costs(self, i: int, values: tuple[Any, ...], of: Callable[[], Any]) -> list[Any]:
        """What a function gives with parameter i at each of these values."""
        at, found = self.flat[i], []
        try:
            for value in values:
                self.flat[i] = value
                found.append(of())
        finally:
            self.flat[i] = at
        return found

    def _rounding(self, *values: float) -> float:
        """That of a difference of costs: measured at J, and as much more where the cost is larger.

        A squared error with a residual r errs by about r times what the output errs by, as the square root of the cost.
        """
        largest = max(map(abs, values))
        base = max(abs(self.J), self.noise) or 1.0
        return float(_SAFETY * (self.noise * max(1.0, np.sqrt(largest / base)) + 2 * _EPS * largest))


_SAFETY = 4.0


def _places(theta: Parameters) -> Iterator[tuple[int, int, int | None]]:
    """Of every parameter its layer, the node it leads to, and the node it comes from: None for a bias."""
    for layer, W in enumerate(theta.weights):
        yield from ((layer, i, j) for i in range(W.shape[0]) for j in range(W.shape[1]))
        if theta.bias:
            yield from ((layer, i, None) for i in range(W.shape[0]))
