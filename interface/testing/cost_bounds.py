"""Error bounds for the costs, delta of the output layer and the penalties, from bounded outputs and weighted sums.

Costs are summed over the samples before the mean is taken. Slopes are multiplied by the scale, which is 1 for a sum and
1/m for a mean. Backends do this at the start of backpropagation or at its end, so a slope may first be computed 1/scale
times as large, and overflow.
"""

from collections.abc import Callable

import numpy as np

from samenet.model import Model
from samenet.testing.activation_bounds import Back
from samenet.testing.rounding import Array, Bounded, Rounding, gamma

Value = Callable[[Bounded, Bounded, Array, Rounding], Bounded]
Delta = Callable[[Bounded, Array, float, Back, Rounding], Bounded]


def _total(terms: Bounded, roundings: float, r: Rounding) -> Bounded:
    """The sum of all terms, each with this many roundings in addition to those of the sum, and with one underflow."""
    size, n = terms.largest.sum(), terms.value.size
    error = terms.error.sum() + gamma(n + roundings, r.u) * size + n * r.least
    return Bounded(terms.value.sum(), error).unless(size > r.most)


def _squares(factor: float) -> Value:
    def value(h: Bounded, z: Bounded, y: Array, r: Rounding) -> Bounded:
        """factor sum r^2: roundings of the difference (twice), its square, the factor, and two of the mean."""
        residual = h.minus(y)
        total = _total(residual * residual, 6, r)
        return total.times(factor)

    return value


def _binary_cross_entropy(h: Bounded, z: Bounded, y: Array, r: Rounding) -> Bounded:
    """max(z, 0) - y z + ln(1 + exp(-|z|)), in which only the first two terms can cancel.

    Its slope is sigmoid(z) - y, which changes by at most 1/4 of the change in z, and by less than 1. exp is accurate to
    8 u, which changes the logarithm by a relative 8 u, and so is the logarithm itself.
    """
    logarithm = np.log1p(np.exp(-np.abs(z.value)))
    value = np.maximum(z.value, 0) - y * z.value + logarithm
    slope = np.abs(h.value - y) + np.fmin(z.error / 2, 1)
    size = z.largest * (1 + 2 * np.abs(y)) + logarithm
    error = slope * z.error + 16 * r.u * logarithm + 4 * r.u * size + r.flush + r.least
    total = _total(Bounded(value, error), 2, r)
    # The two parts of a term may be added to the sum separately: twice as many additions, of larger numbers.
    return total.rounded(gamma(2 * y.size + 4, r.u) * size.sum()).unless(size.sum() > r.most)


def _cross_entropy(h: Bounded, z: Bounded, y: Array, r: Rounding) -> Bounded:
    """y_i (L - z_i) with L = max z + ln sum exp(z_k - max z), dL <= max dz.

    The sum of powers, between 1 and n, has a relative error of gamma_(n+8) + u ln n, see the bound of the softmax, plus
    underflow; so its logarithm, at most ln n, has that absolute error plus 8 u of itself; two sums follow.
    """
    n = y.shape[1]
    largest = z.value.max(axis=1, keepdims=True)
    L = largest + np.log(np.exp(z.value - largest).sum(axis=1, keepdims=True))
    widest, size = z.error.max(axis=1, keepdims=True), z.largest.max(axis=1, keepdims=True) + np.log(n)
    logarithm = gamma(n + 8, r.u) + 9 * r.u * np.log(n) + n * r.flush
    difference = Bounded(L - z.value, z.error + widest + logarithm + 4 * r.u * size)
    return _total(Bounded(y * difference.value, np.abs(y) * difference.error), 4, r).unless(size.max() > r.most)


def _residual(factor: float) -> Delta:
    def delta(h: Bounded, y: Array, scale: float, back: Back, r: Rounding) -> Bounded:
        """factor scale (h - y), back through the activation: one rounding of the difference, three of the scale."""
        residual = h.minus(y).times(factor * scale)
        return back(h, residual.rounded(gamma(4, r.u) * residual.largest + r.least).within(r), r)

    return delta


def _difference(h: Bounded, y: Array, scale: float, back: Back, r: Rounding) -> Bounded:
    """scale (h - y): one rounding of the difference, three of the scale."""
    residual = h.minus(y).times(scale)
    return residual.rounded(gamma(4, r.u) * residual.largest + r.least).within(r)


def _weighted_difference(h: Bounded, y: Array, scale: float, back: Back, r: Rounding) -> Bounded:
    """scale (h t - y) with t = sum y: n roundings of t, one each of two products and the difference, three of scale."""
    n, t, size = y.shape[1], y.sum(axis=1, keepdims=True), np.abs(y).sum(axis=1, keepdims=True)
    residual = Bounded(scale * (h.value * t - y), scale * h.error * size)
    rounding = gamma(n + 6, r.u) * scale * (h.largest * size + np.abs(y)) + (n + 2) * r.least
    return residual.rounded(rounding).unless(scale * size > r.most)


COSTS: dict[str, tuple[Value, Delta]] = {
    "squared_error": (_squares(0.5), _residual(1.0)),
    "sum_of_squares": (_squares(1.0), _residual(2.0)),
    "binary_cross_entropy": (_binary_cross_entropy, _difference),
    "cross_entropy": (_cross_entropy, _weighted_difference),
}


def penalty(model: Model, r: Rounding) -> Bounded:
    """l1 sum |W| + l2/2 sum W^2: one addition per weight, and at most six roundings of each term.

    W^2 may underflow before it is multiplied by l2, or l2 W before it is multiplied by W.
    """
    w = np.abs(np.concatenate([W.ravel() for W in model.weights]).astype(np.float64))
    l1, l2, squares = model.l1, model.l2, w * w
    total = (l1 * w + 0.5 * l2 * w * w).sum()
    lost = r.least * (len(w) * (l2 + 2) + w.sum())
    largest = max(total, l1, l2, w.sum(), squares.sum())
    return Bounded(total, gamma(len(w) + 6, r.u) * total + lost).unless(np.asarray(not largest <= r.most))


def add_penalty(model: Model, W: Array, g: Bounded, r: Rounding) -> Bounded:
    """g + l1 sign(W) + l2 W: roundings of l2, its product and two sums; l2 and its product may underflow."""
    l1, l2 = model.l1, model.l2
    size = g.largest + l1 + np.abs(l2 * W)
    moved = Bounded(g.value + l1 * np.sign(W) + l2 * W, g.error)
    lost = gamma(4, r.u) * size + r.least * (np.abs(W) + 2)
    return moved.rounded(lost).unless(np.maximum(size, max(l1, l2)) > r.most)
