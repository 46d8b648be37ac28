"""Error bounds for activations of bounded weighted sums, and for errors propagated back through them.

e is the error of the weighted sum, u the unit roundoff; exp and similar functions are accurate to 4 ulp, or 8 u, in
every backend.
"""

from collections.abc import Callable

import numpy as np

from samenet.testing.rounding import Array, Bounded, Rounding, gamma

Forward = Callable[[Bounded, Rounding], Bounded]
Back = Callable[[Bounded, Bounded, Rounding], Bounded]


def _at_most(moved: Array, e: Array, limit: float) -> Array:
    """The change of a function, limited to the width of its range; but it may be NaN where z has no bound."""
    return np.where(np.isfinite(e), np.fmin(moved, limit), np.inf)


def nearest(z: Bounded) -> Array:
    """The smallest magnitude that the weighted sum may have: a computed one may differ from the value by 2 errors."""
    return np.fmax(np.abs(z.value) - 2 * z.error, 0)


def stable_sigmoid(z: Array) -> Array:
    """The sigmoid, without overflow."""
    t = np.exp(-np.abs(z))
    h: Array = np.where(z < 0, t, 1.0) / (1 + t)
    return h


def _sigmoid(z: Bounded, r: Rounding) -> Bounded:
    """The largest slope near z, t / (1 + t)^2 with t = exp(-|z|), times e; plus 8 u of the result and underflow of
    exp."""
    t = np.exp(-nearest(z))
    moved = _at_most(t / (1 + t) ** 2 * z.error, z.error, 1)
    value = stable_sigmoid(z.value)
    return Bounded(value, moved + 8 * r.u * (value + 2 * moved) + r.flush)


def _tanh(z: Bounded, r: Rounding) -> Bounded:
    """Likewise with the slope 4 t / (1 + t)^2, t = exp(-2 |z|); two more sums than in the sigmoid, so 16 u."""
    t = np.exp(-2 * nearest(z))
    moved = _at_most(4 * t / (1 + t) ** 2 * z.error, z.error, 2)
    value = np.tanh(z.value)
    return Bounded(value, moved + 16 * r.u * (np.abs(value) + 2 * moved) + 2 * r.least)


def _relu(z: Bounded, r: Rounding) -> Bounded:
    """No rounding, and no error where z is certainly negative."""
    return Bounded(np.maximum(z.value, 0), np.where(z.value < -2 * z.error, 0.0, z.error))


def _identity(z: Bounded, r: Rounding) -> Bounded:
    return z


def _softmax(z: Bounded, r: Rounding) -> Bounded:
    """ln h_i = a_i - ln sum_k exp(a_k), a = z - max z, changes by at most w = e_i + max e, and h by 1 - exp(-w) of it.

    Relative rounding errors: of exp in numerator and denominator, 8 u each; of the sum and the quotient, gamma_n; and
    of a, u |a|, which adds u |a_i| in the numerator and, weighted by the terms, sum_k h_k |a_k| u <= u ln n in the
    denominator, since the entropy of h, ln sum exp(a_k) + sum h_k |a_k|, is at most ln n. The sum is at least 1; each
    of its terms, and the numerator, may underflow.
    """
    n = z.value.shape[1]
    a = z.value - z.value.max(axis=1, keepdims=True)
    logarithm = np.log(np.exp(a).sum(axis=1, keepdims=True))
    w = z.error + z.error.max(axis=1, keepdims=True)
    largest = np.exp(np.fmin(a - logarithm + 2 * w, 0))
    relative = gamma(n + 18, r.u) + r.u * (np.abs(a) + 2 * w + np.log(n))
    error = _at_most(largest * (-np.expm1(-w) + relative), w, 1) + (n + 2) * r.flush
    return Bounded(np.exp(a - logarithm), error)


def _through(e: Bounded, slope: Bounded, roundings: int, r: Rounding) -> Bounded:
    """e times a slope of at most 1, which may itself be a product computed first; its error is then multiplied by e.

    The factors of the cost may be applied before or after, so that the error of a product is multiplied by up to 2.
    """
    size = gamma(roundings, r.u) * e.largest * slope.largest
    return (e * slope).rounded(size + r.least * (e.largest + 8)).within(r)


def _sigmoid_back(h: Bounded, e: Bounded, r: Rounding) -> Bounded:
    """The slope h (1 - h): one difference and two products, with c (1 - c) - x (1 - x) = (c - x) (1 - c - x)."""
    slope = Bounded(h.value * (1 - h.value), h.error * (np.abs(1 - 2 * h.value) + 3 * h.error))
    return _through(e, slope, 3, r)


def _tanh_back(h: Bounded, e: Bounded, r: Rounding) -> Bounded:
    """The slope (1 - h) (1 + h): a difference, a sum and two products."""
    slope = Bounded((1 - h.value) * (1 + h.value), h.error * (2 * np.abs(h.value) + 3 * h.error))
    return _through(e, slope, 4, r)


def _relu_back(h: Bounded, e: Bounded, r: Rounding) -> Bounded:
    """e or 0; either of the two where z may have either sign. Where z is certainly negative, h has no error."""
    kink = (h.error > 0) & (h.value <= 2 * h.error)
    error = np.where(kink, e.largest, np.where(h.value > 0, e.error, 0.0))
    return Bounded(np.where(h.value > 0, e.value, 0.0), np.where(np.isfinite(e.error), error, np.inf))


def _identity_back(h: Bounded, e: Bounded, r: Rounding) -> Bounded:
    return e


def _softmax_back(h: Bounded, e: Bounded, r: Rounding) -> Bounded:
    """h_i (e_i - mean), where mean = sum_k e_k h_k is a sum of n products."""
    n = h.value.shape[1]
    products = e * h
    size = (e.largest * h.largest).sum(axis=1, keepdims=True)
    mean = Bounded(products.value.sum(axis=1, keepdims=True), products.error.sum(axis=1, keepdims=True))
    mean = mean.rounded(gamma(n, r.u) * size + n * r.least).unless(size > r.most)
    rest = Bounded(e.value - mean.value, e.error + mean.error)
    lost = gamma(2, r.u) * rest.largest * h.largest + 2 * r.least * (h.largest * n + 1)
    return (rest * h).rounded(lost).unless(rest.largest > r.most)


ACTIVATIONS: dict[str, tuple[Forward, Back]] = {
    "sigmoid": (_sigmoid, _sigmoid_back),
    "tanh": (_tanh, _tanh_back),
    "relu": (_relu, _relu_back),
    "identity": (_identity, _identity_back),
    "softmax": (_softmax, _softmax_back),
}
