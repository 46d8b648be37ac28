"""Backpropagation with batch normalization: layer by layer, each for all samples of the batch."""

from collections.abc import Sequence
from typing import Any

from samenet.reference.activations import ACTIVATIONS
from samenet.reference.backward import Gradient, average, penalized, zeros
from samenet.reference.costs import COSTS
from samenet.reference.forward import apply_mask, weighted_sums
from samenet.reference.normalization import Statistics, backward, normalize, of_batch, scale_and_shift
from samenet.reference.sample_weight import factors, weighed


def gradient_layer_by_layer(
    weights: Sequence[Any],
    biases: Sequence[Any],
    gammas: Sequence[Any],
    X: Sequence[Any],
    Y: Sequence[Any],
    reduction: str,
    activations: Sequence[str],
    cost: str = "squared_error",
    masks: Sequence[Any] | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    sample_weight: Sequence[float] | None = None,
) -> tuple[float, Gradient, list[Statistics | None]]:
    """The cost and its gradient, as `samenet.reference.backward.batch_gradient`; and each layer's statistics.

    gammas: for each layer after the first (n_out,), or an empty list where it is not normalized. Statistics count all
    samples equally, whatever their weights.
    Equations: `normalization`; and dJ/dgamma_i = sum_s delta_si n_si, dJ/db_i = sum_s delta_si, with delta = dJ/dz'.
    """
    functions, samples, last = [ACTIVATIONS[name] for name in activations], range(len(X)), len(weights) - 1
    H, inputs, N, statistics = [X], [X], list[Any](), list[Statistics | None]()
    Z: Sequence[Any] = X
    for l in range(last + 1):
        b = biases[l] if len(biases) > 0 else None
        is_normalized = len(gammas[l]) > 0
        Z = [weighted_sums(weights[l], None if is_normalized else b, inputs[l][s]) for s in samples]
        batch = of_batch(Z) if is_normalized else None
        N.append(None if batch is None else [normalize(Z[s], batch) for s in samples])
        if is_normalized:
            Z = [scale_and_shift(N[l][s], gammas[l], b) for s in samples]
        statistics.append(batch)
        H.append([functions[l].activate(Z[s]) for s in samples])
        if l < last:
            inputs.append(H[-1] if masks is None else [apply_mask(masks[s][l], H[-1][s]) for s in samples])

    total = zeros(weights, biases, gammas)
    deltas = [COSTS[cost].delta(Y[s], H[-1][s], functions[-1].backward) for s in samples]
    c = [1.0 for _ in samples] if sample_weight is None else factors(sample_weight, reduction)
    deltas = [weighed(c[s], deltas[s]) for s in samples]
    for l in range(last, -1, -1):
        batch = statistics[l]
        for s in samples:
            for i in range(len(deltas[s])):
                if len(biases) > 0:
                    total.biases[l][i] += deltas[s][i]
                if batch is not None:
                    total.gammas[l][i] += deltas[s][i] * N[l][s][i]
        if batch is not None:
            deltas = backward(deltas, N[l], gammas[l], batch)
        for s in samples:
            _add_outer_product(total.weights[l], deltas[s], inputs[l][s])
        if l > 0:
            errors = [_errors_of_inputs(weights[l], deltas[s]) for s in samples]
            if masks is not None:
                errors = [apply_mask(masks[s][l - 1], errors[s]) for s in samples]
            deltas = [functions[l - 1].backward(H[l][s], errors[s]) for s in samples]

    value = 0.0
    for s in samples:
        value += weighed(c[s], [COSTS[cost].value(Y[s], H[-1][s], Z[s])])[0]
    if sample_weight is None:
        value = average(value, total, weights, len(X), reduction)
    return penalized(value, total, weights, l1, l2), total, statistics


def _add_outer_product(total: Any, delta: Sequence[float], h: Sequence[float]) -> None:
    """dJ/dW[i][j] += delta_i h_j."""
    for i in range(len(delta)):
        for j in range(len(h)):
            total[i][j] += delta[i] * h[j]


def _errors_of_inputs(W: Sequence[Any], delta: Sequence[float]) -> list[float]:
    """dJ/dh_j = sum_i W[i][j] delta_i, of a layer's inputs."""
    errors = []
    for j in range(len(W[0])):
        error = 0.0
        for i in range(len(delta)):
            error += W[i][j] * delta[i]
        errors.append(error)
    return errors
