"""The network in NumPy, vectorised over the batch: the same functions as `samenet.reference`, the same answers.

Samples are rows, so the loops of the reference become matrix products: Z = H W^T + b.

NumPy's BLAS computes the products, with as many threads as it chooses. A process forked while another thread is in a
product may hang in its own first product, since OpenBLAS's locks are copied in their current state; if OpenBLAS runs
threads of its own, the parent may hang too. If threads compute products, start processes with "spawn" or "forkserver".
"""

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet import network as interface
from samenet.backends.adaptive import Sampler
from samenet.backends.dropout import DropConnect, Dropout
from samenet.fast.functions import ACTIVATIONS, COSTS
from samenet.fast.masks import masks_of, weight_masks_of
from samenet.fast.normalization import Batch, backward, by_batch, by_running, move
from samenet.fast.sample_weight import factors, left_out, weighed
from samenet.fast.sampler import Sampled, learn
from samenet.fast.steps import clip, step
from samenet.model import Model
from samenet.model.parameters import Parameters
from samenet.optimizers import State, UpdateRule
from samenet.validation.finite import all_finite

Array = NDArray[Any]
NORMALIZES = WEIGHS = True  # see `samenet.backends.generic`


class _Pass(NamedTuple):
    """The activations of all layers, before and after masks; the output layer's z, or its h."""

    h: list[Array]
    layer_inputs: list[Array]
    z: Array


def _forward(
    model: Model,
    x: Array,
    out: list[Array],
    masks: Array | None,
    keep_z: bool,
    weights: Sequence[Array] | None = None,
    batches: list[Batch | None] | None = None,
) -> _Pass:
    """Write layer l + 1 into out[l], computed with `weights` if given. Works on a vector or on rows.

    batches: receives the statistics of these rows, which then normalize the layers; if None, running ones do.
    """
    layers, layer_inputs, z, start = [x], [x], x, 0
    theta, normalized = model.theta, model.theta.normalized
    # Some BLAS kernels read beyond the end of a short row and set the floating-point flag "invalid" for unused numbers.
    with np.errstate(all="ignore"):
        for layer, W in enumerate(weights or model.weights):
            h = z = np.dot(layer_inputs[-1], W.T, out=out[layer])
            is_normalized = bool(normalized) and normalized[layer]
            if is_normalized and batches is None:
                by_running(theta, layer, z)
            elif not is_normalized and model.biases:
                z += model.biases[layer]
            if normalized and batches is not None:
                batches.append(by_batch(theta, layer, z) if is_normalized else None)
            last = layer == len(out) - 1
            if last and keep_z:
                z = z.copy()
            ACTIVATIONS[model.activations[layer]].activate(h)
            layers.append(h)
            if not last:
                layer_inputs.append(h if masks is None else h * masks[:, start : start + len(W)])
                start += len(W)
    return _Pass(layers, layer_inputs, z)


def _workspace(model: Model, *shape: int) -> list[Array]:
    """An uninitialised array of shape (*shape, n) for every layer after the first."""
    return [np.empty((*shape, len(W)), W.dtype) for W in model.weights]


def feed_forward(model: Model, x: Array) -> list[Array]:
    """The activations of every layer; see `samenet.reference.feed_forward`."""
    return _forward(model, x, _workspace(model, *x.shape[:-1]), None, keep_z=False).h


def predict(model: Model, x: Array) -> Array:
    """The output layer alone; see `samenet.reference.predict`."""
    return feed_forward(model, x)[-1]


def fast_predict(model: Model, otherwise: Callable[..., Any], one: bool) -> Callable[..., Any]:
    """f(x, out=None): the output layer for plain arrays, else otherwise(x, out); see `samenet.backends.prediction`.

    Plain: an array of the model's dtype, C-contiguous, aligned and writable; x is (n_in,), or unless `one` (m, n_in)
    and finite. With batch normalization, no array is plain.
    """
    if model.theta.normalized:
        return otherwise
    n_in, sample, answer, dtype = model.sizes[0], model.sizes[:1], model.sizes[-1:], model.dtype
    biases = model.biases or (None,) * len(model.weights)
    functions = [ACTIVATIONS[name].activate for name in model.activations]
    layers = list(zip([W.T for W in model.weights], biases, functions, strict=True))

    @np.errstate(all="ignore")
    def f(x: Any, out: Any = None) -> Any:
        if not (
            type(x) is np.ndarray
            and (x.shape == sample or (not one and x.ndim == 2 and x.shape[1] == n_in))
            and x.dtype == dtype
            and x.flags.carray
            and (one or all_finite(x))
            and (
                out is None
                or (type(out) is np.ndarray and out.shape == answer and out.dtype == dtype and out.flags.carray)
            )
        ):
            return otherwise(x) if out is None else otherwise(x, out)
        h = x
        for WT, b, activate in layers:
            h = h.dot(WT)  # a new array: in shared memory, threads would overwrite each other's results
            if b is not None:
                h += b
            activate(h)
        if out is None:
            return h
        out[:] = h
        return out

    return f


def _penalty(model: Model) -> float:
    """l1 sum |W| + l2/2 sum W^2."""
    total = 0.0
    for W in model.weights:
        total += model.l1 * float(np.abs(W).sum(dtype=np.float64)) if model.l1 else 0.0
        total += 0.5 * model.l2 * float(np.vdot(W, W)) if model.l2 else 0.0  # 0 times an infinite square would be NaN
    return total


def _scale(X: Sequence[Any] | Array, reduction: str) -> float:
    return 1 / len(X) if reduction == "mean" else 1.0


def evaluate(
    model: Model, X: Array, Y: Array, reduction: str = "mean", sample_weight: Array | None = None
) -> tuple[float, Array]:
    """The cost and the output; see `samenet.reference.evaluate`."""
    cost, c = COSTS[model.cost_function], None
    h, _, z = _forward(model, X, _workspace(model, len(X)), None, cost.needs_z)
    if sample_weight is not None:
        c, reduction = factors(sample_weight, reduction, X.dtype), "sum"
    return _scale(X, reduction) * cost.value(Y, h[-1], z, c) + _penalty(model), h[-1]


def _backpropagate(
    model: Model,
    X: Array,
    Y: Array,
    reduction: str,
    g: Parameters,
    H: list[Array],
    masks: Array | None,
    weight_masks: list[Array] | None,
    batches: list[Batch | None],
    sampled: Sampled | None = None,
    sample_weight: Array | None = None,
) -> float:
    """g := dJ/dtheta over the rows of X; returns J.

    H is memory for the activations; batches: see `_forward`; `sampled` receives squared norms.
    """
    c = None if sampled is None else sampled.factors
    if sample_weight is not None:
        c, reduction = factors(sample_weight, reduction, X.dtype), "sum"
        X = X if model.theta.normalized else left_out(X, c)  # statistics are of all
    cost, scale, used = COSTS[model.cost_function], _scale(X, reduction), model.weights
    if weight_masks is not None:
        used = tuple(M * W for M, W in zip(weight_masks, model.weights, strict=True))
    layers, layer_inputs, z = _forward(model, X, H, masks, cost.needs_z, used, batches)
    functions = [ACTIVATIONS[name] for name in model.activations]
    delta = cost.delta(Y, layers[-1], functions[-1].backward)
    if c is None:
        delta *= scale
    else:
        delta = weighed(delta, c * delta.dtype.type(scale))
    end = None if masks is None else masks.shape[1]
    for layer in range(len(H) - 1, -1, -1):
        W, h = model.weights[layer], layers[layer]
        batch = batches[layer] if batches else None
        if batch is not None:
            backward(model.theta, layer, delta, batch, g)
        if sampled is not None:
            sampled.add(delta, layer_inputs[layer], model.bias)
        np.dot(delta.T, layer_inputs[layer], out=g.weights[layer])
        if weight_masks is not None:
            g.weights[layer][:] *= weight_masks[layer]
        if batch is None and g.biases:
            np.sum(delta, axis=0, out=g.biases[layer])
        if layer > 0:
            delta = delta @ used[layer]
            if masks is not None and end is not None:
                delta *= masks[:, end - W.shape[1] : end]
                end -= W.shape[1]
            functions[layer - 1].backward(h, delta)
        if model.l2:
            g.weights[layer][:] += model.l2 * W
        if model.l1:
            g.weights[layer][:] += model.l1 * np.sign(W)
    return scale * cost.value(Y, layers[-1], z, c) + _penalty(model)


def gradient(
    model: Model,
    X: Array,
    Y: Array,
    reduction: str = "mean",
    dropout: Dropout | None = None,
    drop_connect: DropConnect | None = None,
    sample_weight: Array | None = None,
) -> tuple[float, Parameters]:
    """The cost and its gradient; see `samenet.reference.gradient`."""
    g, H = model.theta.empty_like(), _workspace(model, len(X))
    masks = masks_of(dropout, len(X)), weight_masks_of(drop_connect, model)
    with np.errstate(all="ignore"):
        return _backpropagate(model, X, Y, reduction, g, H, *masks, [], None, sample_weight), g


def run_updates(
    model: Model,
    X: Array,
    Y: Array,
    rule: UpdateRule,
    *,
    alpha: Any,
    batch_size: int,
    order: Array | None = None,
    epochs: int = 1,
    reduction: str = "mean",
    dropout: Dropout | None = None,
    drop_connect: DropConnect | None = None,
    state: State | None = None,
    clip_value: float = math.inf,
    clip_norm: float = math.inf,
    sampler: Sampler | None = None,
    sample_weight: Array | None = None,
) -> NDArray[np.float64]:
    """Many updates, in place; see `samenet.reference.run_updates`."""
    g, H = model.theta.empty_like(), _workspace(model, batch_size)
    costs: list[float] = []
    state = rule.state(model.theta) if state is None else state
    epochs = epochs if order is None else len(order)
    alphas = np.broadcast_to(alpha, epochs).tolist()
    m = len(X) if order is None else order.shape[1]
    for epoch in range(epochs):
        for start in range(0, m, batch_size):
            part = slice(start, start + batch_size)
            batch: Any = part if order is None else order[epoch, part]
            sampled = None if sampler is None else Sampled.by(sampler, batch, X.dtype)
            batch = batch if sampled is None else sampled.rows
            x, y = X[batch], Y[batch]
            masks = masks_of(dropout, len(x), epoch * m + start), weight_masks_of(drop_connect, model, len(costs))
            batches: list[Batch | None] = []
            weights = None if sample_weight is None else sample_weight[batch]
            given = g, [h[: len(x)] for h in H], *masks, batches, sampled, weights
            costs.append(_backpropagate(model, x, y, reduction, *given))
            if sampler is not None and sampled is not None:
                learn(sampler, sampled.rows, sampled.squares / _scale(x, reduction) ** 2)
            if clip_value < math.inf or clip_norm < math.inf:
                clip(g.flat, clip_value, clip_norm)
            step(model.theta.flat, g.flat, alphas[epoch], rule, state)
            if batches:
                move(model.theta, batches)
    return np.array(costs)


class Network(interface.Network):
    """The network on NumPy."""

    backend = sys.modules[__name__]
