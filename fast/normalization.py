"""Batch normalization on whole arrays.

`xp` is the namespace of the arrays' library, see `samenet.fast.arrays`. Equations and source:
`samenet.reference.normalization`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from samenet.model.functions import EPSILON, MOMENTUM
from samenet.model.parameters import Parameters

Array = Any  # an array of the library


class Batch(NamedTuple):
    """A layer's normalized z (m, n), and the statistics of z (n,): means, variances, 1 / sqrt(variances + EPSILON)."""

    N: Array
    means: Array
    variances: Array
    inverse: Array


def by_batch(xp: Any, z: Array) -> Batch:
    """z (m, n), normalized with its own statistics."""
    means = z.mean(axis=0)
    n = z - means
    variances = (n * n).mean(axis=0)
    inverse = 1 / xp.sqrt(variances + EPSILON)
    n *= inverse
    return Batch(n, means, variances, inverse)


def by_running(xp: Any, theta: Parameters, layer: int, z: Array) -> Array:
    """gamma n, with z normalized by the running statistics; for one sample or rows."""
    means, variances = theta.running[layer]
    z -= means
    z *= theta.gammas[layer] / xp.sqrt(variances + EPSILON)
    return z


def backward(xp: Any, gamma: Array, delta: Array, batch: Batch) -> tuple[Array, Array, Array]:
    """dJ/dz in place of dJ/dz' (m, n); dJ/db and dJ/dgamma."""
    m, N = delta.shape[0], batch.N
    total, product = delta.sum(axis=0), (delta * N).sum(axis=0)
    delta -= total / m
    delta -= N * (product / m)
    delta *= gamma * batch.inverse
    return delta, total, product


def moved(xp: Any, theta: Parameters, batches: Sequence[Batch | None]) -> list[Array]:
    """The running statistics of the normalized layers, moved towards those of a batch."""
    found = []
    for running, batch in zip(theta.running, batches, strict=False):
        if batch is not None:
            m = batch.N.shape[0]
            running *= 1 - MOMENTUM
            running += MOMENTUM * xp.stack([batch.means, batch.variances * (m / (m - 1))])
            found.append(running)
    return found
