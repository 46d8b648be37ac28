"""Batch normalization: z of a node is shifted and scaled to mean b and standard deviation gamma, which are learned.

    n = (z - mean) / sqrt(variance + EPSILON);  z' = gamma n + b

Training uses the mean and the variance of z over the samples of the batch; everything else uses running means and
variances, which training updates. The layer's affine map comes first, z = W h, then this, then the activation, h' =
f(z'). b is the bias.
Source: S. Ioffe and C. Szegedy, Batch normalization: accelerating deep network training by reducing internal covariate
shift (2015), algorithms 1 and 2, with b for their beta.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

EPSILON = 1e-5
MOMENTUM = 0.1


class Statistics(NamedTuple):
    """The mean and the variance of z, for each node of a layer."""

    means: Sequence[float]
    variances: Sequence[float]


def of_batch(Z: Sequence[Sequence[float]]) -> Statistics:
    """mean = sum_s z_s / m;  variance = sum_s (z_s - mean)^2 / m, over the m samples of a batch, for each node.

    >>> of_batch([[1.0], [3.0]])
    Statistics(means=[2.0], variances=[1.0])
    """
    m, nodes = len(Z), range(len(Z[0]))
    means, variances = [0.0 for _ in nodes], [0.0 for _ in nodes]
    for i in nodes:
        for s in range(m):
            means[i] += Z[s][i]
        means[i] /= m
        for s in range(m):
            variances[i] += (Z[s][i] - means[i]) * (Z[s][i] - means[i])
        variances[i] /= m
    return Statistics(means, variances)


def normalize(z: Sequence[float], statistics: Statistics) -> list[float]:
    """n_i = (z_i - mean_i) / sqrt(variance_i + EPSILON), for the nodes of a layer."""
    means, variances = statistics
    return [(z[i] - means[i]) / math.sqrt(variances[i] + EPSILON) for i in range(len(z))]


def scale_and_shift(n: Sequence[float], gamma: Sequence[float], b: Sequence[float] | None) -> list[float]:
    """z'_i = gamma_i n_i + b_i."""
    scaled = [gamma[i] * n[i] for i in range(len(n))]
    return scaled if b is None else [scaled[i] + b[i] for i in range(len(n))]


def backward(
    deltas: Sequence[Sequence[float]], N: Sequence[Sequence[float]], gamma: Sequence[float], statistics: Statistics
) -> list[list[float]]:
    """dJ/dz of every sample of a batch, from deltas = dJ/dz' and the normalized N, both (m, n).

    dJ/dz_s = gamma / sqrt(variance + EPSILON) (delta_s - sum_t delta_t / m - n_s sum_t delta_t n_t / m)

    for each node: the two sums are how the mean and the variance depend on z_s.
    """
    m = len(deltas)
    errors = [[0.0 for _ in row] for row in deltas]
    for i in range(len(gamma)):
        mean = mean_product = 0.0
        for s in range(m):
            mean += deltas[s][i]
            mean_product += deltas[s][i] * N[s][i]
        mean /= m
        mean_product /= m
        factor = gamma[i] / math.sqrt(statistics.variances[i] + EPSILON)
        for s in range(m):
            errors[s][i] = factor * (deltas[s][i] - mean - N[s][i] * mean_product)
    return errors


def move_running(running: Any, batch: Statistics, m: int) -> None:
    """running := (1 - MOMENTUM) running + MOMENTUM batch, in place, with sum (z - mean)^2 / (m - 1) for the variance.

    running: the running means and variances of a layer, (2, n); m: the number of samples of the batch.
    """
    for i in range(len(batch.means)):
        running[0][i] = (1 - MOMENTUM) * running[0][i] + MOMENTUM * batch.means[i]
        running[1][i] = (1 - MOMENTUM) * running[1][i] + MOMENTUM * (batch.variances[i] * m / (m - 1))
