"""Error bounds for the parameters after one update by a rule, from a bounded gradient.

Before the update, theta and the rule's state are exact: they are stored numbers.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.testing.rounding import Bounded, Rounding, exact, gamma


@np.errstate(all="ignore")
def clipped(g: Bounded, value: float, norm: float, r: Rounding) -> Bounded:
    """A gradient with entries clipped to +-value, then its 2-norm to `norm`, as in `samenet.reference.descent.clip`.

    Clipping entries increases no error, but the limit is rounded. The norm is clipped by the factor norm / ||g||, at
    most 1. With d the 2-norm of the errors, ||c|| of computed numbers differs by at most d from the exact one, and 2 d
    from that of the values. A computed norm has a relative error of gamma_(n/2 + 2), and its square an absolute one of
    n least; so the relative error of the factor is at most d / ||c|| + gamma_(n/2 + 5) + n least / ||c||^2.
    """
    if value < math.inf:
        limit = np.where(g.largest >= value, r.u * value + r.least, 0.0)
        g = Bounded(np.clip(g.value, -value, value), g.error + limit)
    if norm == math.inf:
        return g
    n = g.value.size
    length, d, rounding = math.sqrt((g.value**2).sum()), math.sqrt((g.error**2).sum()), gamma(n / 2 + 5, r.u)
    high = math.sqrt((length + 2 * d) ** 2 * (1 + 2 * rounding) + n * r.least)
    overflows = np.full(n, not high * high <= r.most)  # no bound, though `clip` rescales if squares overflow
    if high <= norm * (1 - rounding):
        return g.unless(overflows)
    low = math.sqrt(max(max(length - 2 * d, 0.0) ** 2 * (1 - 2 * rounding) - n * r.least, 0.0))
    largest = min(1.0, norm / low) if low > 0 else 1.0
    relative = min(1.0, d / low + rounding + n * r.least / low**2) if low > 0 else 1.0
    shrunk = g * Bounded(np.full(n, min(1.0, norm / length) if length > 0 else 1.0), np.full(n, largest * relative))
    lost = gamma(2, r.u) * shrunk.largest + r.least * (g.largest + 1)
    return shrunk.rounded(lost).unless(overflows)


def _plus(a: Bounded, b: Bounded, r: Rounding) -> Bounded:
    """The sum, rounded."""
    total = a + b
    return total.rounded(r.u * total.largest).within(r)


def _scaled(a: Bounded, factor: float, roundings: int, r: Rounding) -> Bounded:
    """The product with a factor that is itself rounded; both may underflow."""
    scaled = a.times(factor)
    scaled = scaled.rounded(gamma(roundings, r.u) * scaled.largest + r.least * (a.largest + 2))
    return scaled.unless(np.maximum(scaled.largest, abs(factor)) > r.most)


_FLUSHED_FROM = 1e-10


def _tiny(theta: NDArray[Any]) -> float:
    """The smallest normal number; a backend may replace smaller numbers of a rule's state by 0."""
    return float(np.finfo(theta.dtype).tiny)


@np.errstate(all="ignore")
def moved(
    theta: NDArray[Any], g: Bounded, alpha: float, momentum: float, v: NDArray[Any] | None, nesterov: bool
) -> tuple[Bounded, Bounded]:
    """theta and v after an update; without a velocity, theta and the move; see `samenet.reference.optimizers`.

    The move alpha g has three roundings: of alpha, of the product, and when it is stored. Then

    theta - alpha g                                  one of the result
    v' = mu v - alpha g;  theta + v'                 two of mu v, one of v', one of the result
    theta + mu v' - alpha g                          two of mu v', one of the intermediate sum, one of the result; an
                                                     error of g changes theta by (1 + mu) alpha times as much

    A v' below the smallest normal number may be replaced by 0.
    """
    r, start = Rounding.of(theta.dtype), exact(theta)
    move = _scaled(g, -alpha, 3, r)
    if v is None:
        return _plus(start, move, r), move
    velocity = _plus(_scaled(exact(v), momentum, 2, r), move, r).rounded(_tiny(theta))
    if not nesterov:
        return _plus(start, velocity, r), velocity
    carried = _scaled(velocity, momentum, 2, r)
    total = start + carried + move
    first = np.maximum((carried + move).largest, (start + carried).largest)
    return total.rounded(r.u * (first + total.largest)).unless(np.maximum(first, total.largest) > r.most), velocity


class Adaptive(NamedTuple):
    """The constants of Adam and t, the number of the update; for RMSProp, beta1 is 0 and t None."""

    beta1: float
    beta2: float
    epsilon: float
    t: int | None

    @property
    def unbiased(self) -> tuple[float, float]:
        """The divisors that correct the bias of the running means."""
        return (1.0, 1.0) if self.t is None else (1 - self.beta1**self.t, 1 - self.beta2**self.t)


@np.errstate(all="ignore")
def adapted(theta: NDArray[Any], g: Bounded, alpha: float, rule: Adaptive, m: NDArray[Any], s: NDArray[Any]) -> Bounded:
    """theta - (p + q g) / D, of p = alpha beta1 m / c1, q = alpha (1 - beta1) / c1, D = R + epsilon, and

    R^2 = a + b g^2, of a = beta2 s / c2, b = (1 - beta2) / c2; c1 = 1 - beta1^t, c2 = 1 - beta2^t, or 1.

    An error e of g changes p / D by at most |p| (b |g| / R) / D^2 e, and q g / D, which increases with g, by at most
    |q| (a / R + epsilon) / D^2 e, both with R and D at the smallest possible |g|. As g / D lies within +-1 / sqrt(b),
    it changes by at most twice that bound, and p / D by at most itself. There are some 20 roundings.

    R^2 loses up to `lost` by underflow, a relative error of lost / (R^2 - lost). If that is not small, R may be as
    small as 0; D is then at least epsilon, or the root of the smallest number, because no step is made if D is 0.
    Either |g| / D is at most sqrt(2 / b), or b g^2 is less than 2 `lost`. alpha g may underflow, too, before it is
    divided by D. With epsilon = 0, the bound then holds only between computed steps, not to the exact one, because the
    stored s' has lost its digits.

    If epsilon >= 1e-10, an m' or s' below the smallest normal number may be replaced by 0: for m', this changes the
    step by at most alpha / (c1 D) times that number; for s', it changes D, which is at least epsilon, by less than a
    rounding.
    """
    r, start, mean, squares = Rounding.of(theta.dtype), exact(theta), exact(m), exact(s)
    c1, c2 = rule.unbiased
    p, q = alpha * rule.beta1 * mean.value / c1, alpha * (1 - rule.beta1) / c1
    a, b = rule.beta2 * squares.value / c2, (1 - rule.beta2) / c2
    high, near = g.largest, np.fmax(np.abs(g.value) - 2 * g.error, 0)
    lost = 2 * r.least * (2 + high) / c2
    R2 = a + b * near**2
    small = 3 * lost > R2
    number = r.least / 4
    R = np.where(small, 0.0, np.sqrt(np.fmax(R2 - lost, 0)))
    least = max(rule.epsilon * (1 - 2 * r.u) - number, number) if rule.epsilon > 0 else math.sqrt(number)
    D = np.maximum(R + max(rule.epsilon - number, 0.0), least)
    reach = np.fmin(high / D, np.fmax(math.sqrt(2 / b), np.where(small, np.sqrt(2 * lost / b) / D, 0)))
    size = np.abs(p) / D + abs(q) * reach
    slope = (np.abs(p) * b * high / R + abs(q) * (a / R + rule.epsilon)) / D**2
    error = np.where(small, 2 * size, np.fmin(slope * g.error, 2 * size))
    error += gamma(21, r.u) * size + np.where(small, 0.0, lost / np.fmax(R2 - lost, number) + number / D) * size
    error += r.least * ((abs(alpha) * (4 + 2 * np.abs(mean.value)) / c1 + 2 * high + 1) / D + 1)
    if rule.epsilon >= _FLUSHED_FROM:
        error += _tiny(theta) * abs(alpha) / (c1 * D)
    whole = np.sqrt(a + b * g.value**2) + rule.epsilon
    value = np.divide(p + q * g.value, whole, out=np.zeros_like(whole), where=whole != 0)
    between = high**2, (high + np.abs(mean.value)) / c1, np.abs(p) + abs(q) * high, size, a
    largest = np.maximum(np.maximum.reduce(between), abs(alpha) / c1)
    step = Bounded(value, error + mean.error + squares.error).unless(~(largest <= r.most))
    return _plus(start, step.times(-1), r)
