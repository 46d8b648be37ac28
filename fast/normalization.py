"""Batch normalization on whole arrays, for the NumPy backend.

Equations and source: `samenet.reference.normalization`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.backends.normalization import factors
from samenet.model.functions import EPSILON, MOMENTUM
from samenet.model.parameters import Parameters

Array = NDArray[Any]


class Batch(NamedTuple):
    """A layer's normalized z (m, n), and the statistics of z (n,): means, variances, 1 / sqrt(variances + EPSILON)."""

    N: Array
    means: Array
    variances: Array
    inverse: Array


def by_batch(theta: Parameters, layer: int, z: Array) -> Batch:
    """z := gamma n + b in place, with the statistics of z (m, n)."""
    means = z.mean(axis=0)
    n = z - means
    variances = np.square(n).mean(axis=0)
    inverse = 1 / np.sqrt(variances + EPSILON)
    n *= inverse
    np.multiply(n, theta.gammas[layer], out=z)
    if theta.bias:
        z += theta.biases[layer]
    return Batch(n, means, variances, inverse)


def by_running(theta: Parameters, layer: int, z: Array) -> None:
    """The same with the running statistics, for one sample or rows."""
    z -= theta.running[layer][0]
    z *= factors(theta, layer)
    if theta.bias:
        z += theta.biases[layer]


def backward(theta: Parameters, layer: int, delta: Array, batch: Batch, g: Parameters) -> None:
    """Replace dJ/dz' by dJ/dz in delta; write dJ/dgamma and dJ/db into g."""
    m, N = delta.shape[0], batch.N
    mean, mean_product = delta.sum(axis=0), (delta * N).sum(axis=0)
    g.gammas[layer][:] = mean_product
    if g.bias:
        g.biases[layer][:] = mean
    delta -= mean / m
    delta -= N * (mean_product / m)
    delta *= theta.gammas[layer] * batch.inverse


def move(theta: Parameters, batches: Sequence[Batch | None]) -> None:
    """Move the running statistics towards those of a batch."""
    for running, batch in zip(theta.running, batches, strict=False):
        if batch is not None:
            m = len(batch.N)
            running *= 1 - MOMENTUM
            running += MOMENTUM * np.array([batch.means, batch.variances * (m / (m - 1))], running.dtype)
