"""Error bounds of batch normalization, from bounded weighted sums; equations: `samenet.reference.normalization`.

Statistics are computed in two passes: first the mean, then the mean of squared differences to it. Each is a sum of m
terms.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.model import Model
from samenet.model.functions import EPSILON, MOMENTUM
from samenet.testing.rounding import Array, Bounded, Rounding, exact, gamma, product


class Batch(NamedTuple):
    """The normalized n (m, n), and for each node the mean, the variance and 1 / sqrt(variance + EPSILON)."""

    n: Bounded
    mean: Bounded
    variance: Bounded
    inverse: Bounded


def by_running(model: Model, layer: int, h: Bounded, r: Rounding) -> Bounded:
    """factor (W h - mean) + b, with factor = gamma / sqrt(variance + EPSILON); or (factor W) h + (b - factor mean).

    The factor has some 4 roundings, and so has each term, in addition to those of the sum. It may first be multiplied
    by each weight, and that product may underflow.
    """
    W, (mean, variance) = exact(model.weights[layer]), model.running[layer].astype(np.float64)
    factor = np.abs(model.gammas[layer].astype(np.float64)) / np.sqrt(variance + EPSILON)
    sums, b = product(h, W.transposed(), r), _shift(model, layer)
    size, terms = h.largest @ W.largest.T + np.abs(mean), h.value.shape[1]
    value = np.sign(model.gammas[layer]) * factor * (sums.value - mean) + b
    error = factor * sums.error + gamma(terms + 12, r.u) * (factor * size + np.abs(b))
    lost = r.least * (factor * terms + h.largest.sum(axis=1, keepdims=True) + size + 4)
    overflows = np.maximum(factor * size + np.abs(b), np.maximum(size, factor * np.abs(W.value).max(axis=1))) > r.most
    return Bounded(value, error + lost).unless(overflows)


def by_batch(model: Model, layer: int, z: Bounded, r: Rounding) -> tuple[Bounded, Batch]:
    """gamma n + b, with the statistics of z.

    1 / sqrt(v) changes by at most d / (2 w^1.5) if v changes by d and neither is less than w; it has 4 roundings.
    """
    m, g, b = len(z.value), exact(model.gammas[layer]), _shift(model, layer)
    mean = z.summed(r).times(1 / m)
    mean = mean.rounded(2 * r.u * mean.largest + r.least)
    c = Bounded(z.value - mean.value, z.error + mean.error)
    c = c.rounded(r.u * c.largest).within(r)
    squares = (c * c).rounded(2 * r.u * (c * c).largest + r.least).within(r)
    variance = squares.summed(r).times(1 / m)
    variance = variance.rounded(2 * r.u * variance.largest + r.least)
    least = np.fmax(variance.value - 2 * variance.error, 0) + EPSILON * (1 - 4 * r.u)
    moved = np.where(np.isfinite(variance.error), variance.error / (2 * least**1.5), np.inf)
    inverse = Bounded(1 / np.sqrt(variance.value + EPSILON), moved + gamma(4, r.u) / np.sqrt(least))
    n = c * inverse
    n = n.rounded(gamma(2, r.u) * n.largest + r.least).within(r)
    scaled = n * g
    size = scaled.largest + np.abs(b)
    out = Bounded(scaled.value + b, scaled.error + gamma(2, r.u) * size + r.least)
    return out.unless(size > r.most), Batch(n, mean, variance, inverse)


def backward(model: Model, layer: int, delta: Bounded, batch: Batch, r: Rounding) -> tuple[Bounded, Bounded, Bounded]:
    """dJ/dz, dJ/dgamma and dJ/db from delta = dJ/dz': sums of m terms; a difference of three, times a factor of two."""
    m, db, products = len(delta.value), delta.summed(r), delta * batch.n
    dgamma = products.rounded(r.u * products.largest + r.least).within(r).summed(r)
    mean, moved = db.times(1 / m), batch.n * dgamma.times(1 / m)
    size = delta.largest + mean.largest + moved.largest
    inner = Bounded(delta.value - mean.value - moved.value, delta.error + mean.error + moved.error)
    inner = inner.rounded(gamma(6, r.u) * size + r.least * (4 + batch.n.largest)).unless(size > r.most)
    factor = exact(model.gammas[layer]) * batch.inverse
    dz = inner * factor
    lost = gamma(3, r.u) * dz.largest + r.least * (2 + inner.largest + factor.largest)
    return dz.rounded(lost).within(r), dgamma, db


def moved(running: NDArray[Any], batch: Batch, m: int, r: Rounding) -> Bounded:
    """The running means and variances (2, n) after an update."""
    kept, parts = running.astype(np.float64), (batch.mean, batch.variance.times(m / (m - 1)))
    new = Bounded(*(np.array([getattr(p, name) for p in parts]) for name in ("value", "error"))).times(MOMENTUM)
    size = np.abs(kept) + new.largest
    total = Bounded((1 - MOMENTUM) * kept + new.value, new.error + gamma(6, r.u) * size + 3 * r.least)
    return total.unless(size > r.most)


def _shift(model: Model, layer: int) -> Array:
    b = model.biases[layer].astype(np.float64) if model.bias else np.zeros(model.sizes[layer + 1])
    return b
