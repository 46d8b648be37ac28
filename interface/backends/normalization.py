"""Batch normalization: its definition and constants, and an equivalent model without it.

In a layer with batch normalization, the affine map comes first, then the normalization, then the activation (and then
dropout): with z = W h for every sample,

    h' = f(gamma (z - mean) / sqrt(variance + EPSILON) + b)

for each node. b, the layer's bias, takes the place of the shift beta; a bias added to z itself would be subtracted
again with the mean. gamma is initially 1, and is a parameter like W and b; penalties apply to W only.

In `gradient` and `run_updates`, mean and variance are those of z over the rows of the batch, with variance sum (z -
mean)^2 / m, and the gradient includes their dependence on z. Each update moves the running statistics, which are not
parameters:

    running mean     := (1 - MOMENTUM) running mean + MOMENTUM mean
    running variance := (1 - MOMENTUM) running variance + MOMENTUM variance m / (m - 1)

starting from 0 and 1. Everything else, such as `predict`, `evaluate` and recorded costs, uses the running statistics.
Source: S. Ioffe and C. Szegedy, Batch normalization: accelerating deep network training by reducing internal covariate
shift (2015), with the running averages, and the constants, of PyTorch's BatchNorm1d.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.model import Model
from samenet.model.functions import EPSILON
from samenet.model.parameters import Parameters


def folded(model: Model) -> Model:
    """A model without batch normalization whose layers give the same outputs as this one's with its running statistics.

    W' = factor W and b' = b - factor mean, with factor = gamma / sqrt(variance + EPSILON). It has biases.
    """
    theta, plain = model.theta, model.twin()
    plain.theta = Parameters.empty(theta.sizes, True, theta.flat.dtype)
    with np.errstate(all="ignore"):
        for layer, (W, b) in enumerate(zip(plain.theta.weights, plain.theta.biases, strict=True)):
            b[:] = theta.biases[layer] if theta.bias else 0
            if theta.normalized and theta.normalized[layer]:
                factor = factors(theta, layer)
                np.multiply(factor[:, np.newaxis], theta.weights[layer], out=W)
                b -= factor * theta.running[layer][0]
            else:
                W[:] = theta.weights[layer]
    return plain


def factors(theta: Parameters, layer: int) -> NDArray[Any]:
    """gamma / sqrt(variance + EPSILON), from the running variance."""
    found: NDArray[Any] = theta.gammas[layer] / np.sqrt(theta.running[layer][1] + EPSILON)
    return found


def penalty(model: Model) -> float:
    """l1 sum |W| + l2/2 sum W^2 of the original W; needed for the cost of a folded model, whose weights differ."""
    total = 0.0
    if not (model.l1 or model.l2):
        return total
    with np.errstate(all="ignore"):
        for W in model.weights:
            total += model.l1 * float(np.abs(W).sum(dtype=np.float64)) if model.l1 else 0.0
            total += 0.5 * model.l2 * float(np.square(W).sum(dtype=np.float64)) if model.l2 else 0.0
    return total
