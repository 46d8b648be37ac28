"""Error bounds of a correct computation: rounding errors, propagated forward through the network and back.

The bounds start from the stored parameters and samples, and each operation is rounded with the unit roundoff u = eps /
2 of the network's dtype (2^-53 or 2^-24). A sum of n products, in any order and with or without fused multiply-adds,
has an error of at most gamma_n sum |w||x|, where gamma_n = n u / (1 - n u), plus n least where products underflow. So,
with e the error of the layer's input, and |h| the largest magnitude that a computed h may have:

    z = W h + b                dz <= |W| e + gamma_(n+1) (|W| |h| + |b|) + n least
    h' = f(z)                  e' <= max |f'| dz + 8 u (|h'| + 2 max |f'| dz) + underflow of exp, with the largest slope
                               near z; 16 u for tanh
    delta = scale dJ/dz        by dJ/dh and the activation's derivative, product by product; for the sigmoid
                               s = h' (1 - h'), ds <= e' (|1 - 2 h'| + 3 e'), and, r being h - y in the last layer and
                               W^T delta before it,
                               d <= dr s + |r| ds + gamma_3 |r| s + least (|r| + 8)
    dJ/dW = sum delta h^T      d |h| + |delta| e + gamma_(m+1) |delta| |h| + m least, summed over m samples
    J = scale/2 sum r^2        scale/2 times the sum of dr (2 |r| + dr), gamma_(m n_out + 6) r^2 and least

DropConnect's m W in place of W, and m dJ/d(m W), are one more product each, as are the products of dropout with h and
with its error.

A row drawn by importance has a rounded factor c, and c delta and c J are rounded, too: this adds gamma_3 |c delta| and
2 least to the error of delta, and gamma_(m+4) sum c J and m least to that of J, summed over m rows. The same holds for
the factor of a sample with a weight: w itself for a sum; for the mean, w / sum w, which has an error of gamma_(m+2) w /
sum w and least. A sample of weight 0 is left out, except in the statistics of batch normalization.

The terms of the other activations, the costs and the penalties are similar; they are derived where they are computed,
in the modules of `samenet.testing`. `rounding` defines the error. Where a number may overflow, there is no bound, and
the error is infinite. Relu has a kink: where z may have either sign, its slope may be 0 or 1.

The reference computes in float64 and rounds what it stores, which is within the bound for either dtype.
Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms (2002), sections 2.2, 3.1 and 3.3.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from samenet.model import Model
from samenet.model.parameters import Parameters
from samenet.testing import normalization_bounds
from samenet.testing.activation_bounds import ACTIVATIONS
from samenet.testing.cost_bounds import COSTS, add_penalty, penalty
from samenet.testing.normalization_bounds import Batch
from samenet.testing.rounding import Array, Bounded, Rounding, exact, gamma, product

T = TypeVar("T")


class Pass(NamedTuple):
    """The activations of every layer; the inputs of every layer after the first; the output's weighted sums."""

    layers: list[Bounded]
    layer_inputs: list[Bounded]
    z: Bounded


def _masked(values: Bounded, mask: Array | None, r: Rounding) -> Bounded:
    """Activations or errors times their dropout mask; weights or their gradient times that of DropConnect."""
    if mask is None:
        return values
    masked = values * exact(mask)
    return masked.rounded(r.u * masked.largest + r.least).within(r)


def _weights(model: Model, weight_masks: Sequence[NDArray[Any]] | None, r: Rounding) -> list[Bounded]:
    """The weights that the network is evaluated with: with DropConnect, times their masks."""
    if weight_masks is None:
        return [exact(W) for W in model.weights]
    return [_masked(exact(W), M.astype(np.float64), r) for W, M in zip(model.weights, weight_masks, strict=True)]


def _by_layer(model: Model, masks: NDArray[Any] | None) -> list[Array | None]:
    """The columns of the dropout masks that belong to each layer after the first."""
    if masks is None:
        return [None] * len(model.weights)
    ends = np.cumsum(model.sizes[1:-1])
    return [*np.split(masks.astype(np.float64), ends[:-1], axis=1), None] if len(ends) else [None]


@np.errstate(all="ignore")  # where numbers overflow, there is no bound: the error is infinite
def forward(
    model: Model,
    X: NDArray[Any],
    masks: NDArray[Any] | None = None,
    weight_masks: Sequence[NDArray[Any]] | None = None,
    batches: dict[int, Batch] | None = None,
) -> Pass:
    """Every layer of a batch (m, n_in).

    batches: if given, normalization uses the statistics of the batch, not running ones, and they are stored in it.
    """
    r = Rounding.of(model.dtype)
    weights = _weights(model, weight_masks, r)
    layers = [exact(X)]
    layer_inputs, z = [layers[0]], layers[0]
    for layer, (W, mask) in enumerate(zip(weights, _by_layer(model, masks), strict=True)):
        b = model.biases[layer].astype(np.float64) if model.bias else 0.0
        is_normalized = len(model.gammas) > 0 and model.gammas[layer].size > 0
        if is_normalized and batches is None:
            z = normalization_bounds.by_running(model, layer, layer_inputs[-1], r)
        else:
            z = product(layer_inputs[-1], W.transposed(), r, 0.0 if is_normalized else b)
        if is_normalized and batches is not None:
            z, batches[layer] = normalization_bounds.by_batch(model, layer, z, r)
        layers.append(_derived("activation", model.activations[layer], ACTIVATIONS)[0](z, r))
        layer_inputs.append(_masked(layers[-1], mask, r))
    return Pass(layers, layer_inputs, z)


def _derived(kind: str, name: str, bounds: dict[str, T]) -> T:
    if name not in bounds:
        raise TypeError(f"{kind}: no bound is derived for {name!r}")
    return bounds[name]


def _rows_costs(of: Callable[..., Bounded], h: Bounded, z: Bounded, y: Array, c: Bounded, r: Rounding) -> Bounded:
    """The sum of the costs over the rows, each times its factor."""
    total = exact(np.zeros(()))
    m = len(c.value)
    for s in range(m):
        one = slice(s, s + 1)
        row = [Bounded(x.value[one], x.error[one]) for x in (h, z)]
        total = total + of(*row, y[one], r) * Bounded(c.value[s], c.error[s])
    return total.rounded(gamma(m + 4, r.u) * total.largest + m * r.least).within(r)


def _factors(sample_weight: Array, reduction: str, r: Rounding) -> Bounded:
    """The factors of the rows."""
    total = sample_weight.sum()
    if reduction == "sum" or total == 0:
        return exact(sample_weight)
    c = exact(sample_weight / total)
    return c.rounded(gamma(len(sample_weight) + 2, r.u) * c.value + r.least)


def _squares(delta: Bounded, h: Bounded, bias: bool, parameters: int, r: Rounding) -> Bounded:
    """Each row's ||delta||^2 (||h||^2 + 1), or the sum of (delta_i h_j)^2 in any order, and of delta_i^2."""
    parts = []
    for x in (delta, h):
        square = x * x
        parts.append(Bounded(square.value.sum(axis=1), square.error.sum(axis=1) + x.value.shape[1] * r.least))
    whole = parts[0] * Bounded(parts[1].value + bias, parts[1].error)
    lost = r.least * (1 + parts[0].largest + parts[1].largest) * delta.value.shape[1] * h.value.shape[1]
    return whole.rounded(gamma(parameters + 8, r.u) * whole.largest + lost).within(r)


def backward(
    model: Model,
    X: NDArray[Any],
    Y: NDArray[Any],
    reduction: str,
    masks: NDArray[Any] | None = None,
    weight_masks: Sequence[NDArray[Any]] | None = None,
    factors: Array | None = None,
    sample_weight: Array | None = None,
) -> tuple[Bounded, list[Bounded]]:
    """The cost, and the gradient for each matrix, bias vector and gamma, in the order of the flat vector.

    Batch normalization uses the statistics of the batch. factors: of the rows, (m,), with adaptive sampling.
    sample_weight: (m,), in the form that backends are given.
    """
    return sampled(model, X, Y, reduction, masks, weight_masks, factors, sample_weight)[:2]


@np.errstate(all="ignore")
def sampled(
    model: Model,
    X: NDArray[Any],
    Y: NDArray[Any],
    reduction: str,
    masks: NDArray[Any] | None,
    weight_masks: Sequence[NDArray[Any]] | None,
    factors: Array | None,
    sample_weight: Array | None = None,
) -> tuple[Bounded, list[Bounded], Bounded]:
    """As `gradient`, and ||scale c_s dJ_s/dtheta||^2 of every row that is not left out, (m,)."""
    c, scale = None if factors is None else exact(factors), 1 / len(X) if reduction == "mean" else 1.0
    if sample_weight is not None:
        if not len(model.gammas) and sample_weight.any():
            kept = sample_weight > 0
            X, Y, sample_weight = X[kept], Y[kept], sample_weight[kept]
            masks = None if masks is None else masks[kept]
        c, scale = _factors(sample_weight, reduction, Rounding.of(model.dtype)), 1.0
    m, y = len(X), Y.astype(np.float64)
    whole = Rounding.of(model.dtype)
    r = whole.times(scale)
    batches: dict[int, Batch] = {}
    layers, layer_inputs, z = forward(model, X, masks, weight_masks, batches)
    backs = [ACTIVATIONS[name][1] for name in model.activations]
    value, delta_of = _derived("cost", model.cost_function, COSTS)
    delta = delta_of(layers[-1], y, scale, backs[-1], r)
    if c is None:
        cost = value(layers[-1], z, y, whole).times(scale)
    else:
        cost = _rows_costs(value, layers[-1], z, y, c, whole).times(scale)
        delta = delta * Bounded(c.value[:, None], c.error[:, None])
        delta = delta.rounded(gamma(3, r.u) * delta.largest + 2 * r.least).within(r)
    squares = exact(np.zeros(m))
    pieces: list[Bounded] = []
    by_layer, weights = _by_layer(model, masks), _weights(model, weight_masks, whole)
    for layer in range(len(model.weights) - 1, -1, -1):
        W = exact(model.weights[layer])
        squares = squares + _squares(
            delta, layer_inputs[layer], model.bias, Parameters.count(model.sizes, model.bias), r
        )
        if layer in batches:
            delta, of_gamma, of_bias = normalization_bounds.backward(model, layer, delta, batches[layer], r)
            pieces += [of_gamma, of_bias] if model.bias else [of_gamma]
        elif model.bias:
            pieces.append(delta.summed(r))
        slope = product(delta.transposed(), layer_inputs[layer], r)
        slope = slope if weight_masks is None else _masked(slope, weight_masks[layer].astype(np.float64), r)
        pieces.append(add_penalty(model, W.value, slope, whole) if model.l1 or model.l2 else slope)
        if layer > 0:
            e = _masked(product(delta, weights[layer], r), by_layer[layer - 1], r)
            delta = backs[layer - 1](layers[layer], e, r)
    if model.l1 or model.l2:
        cost = cost + penalty(model, whole)
        cost = cost.rounded(whole.u * cost.largest).within(whole)
    return cost, pieces[::-1], squares
