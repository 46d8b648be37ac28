"""The network on arrays of NumPy, or of another library with the Python array API, such as PyTorch's or JAX's.

Samples are rows, so the loops of the reference become matrix products: Z = H W^T + b. `xp` is the library's namespace.
`z += b` changes an array in place if the library can; JAX, whose arrays cannot change, makes another. So these
functions return what they compute, and may overwrite only what was computed for them. Where `xp is np`, they take what
costs NumPy less. Equations and sources: `samenet.reference`; the array API: data-apis.org/array-api.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from samenet.fast.functions import ACTIVATIONS, COSTS
from samenet.fast.normalization import Batch, backward, by_batch, by_running, moved
from samenet.fast.sample_weight import factors_of, left_out, weighed
from samenet.fast.sampler import Sampled
from samenet.fast.steps import clip, step
from samenet.model import Model
from samenet.model.parameters import Parameters
from samenet.optimizers import UpdateRule

Array = Any  # an array of the library
Theta = Parameters  # with the library's arrays


class Objective(NamedTuple):
    """The settings of a model and of a call that do not change between updates."""

    activations: tuple[str, ...]
    cost: str
    l1: float
    l2: float
    reduction: str

    @classmethod
    def of(cls, model: Model, reduction: str = "mean") -> "Objective":
        """That of a model."""
        return cls(model.activations, model.cost_function, model.l1, model.l2, reduction)

    def scale(self, rows: int, sample_weight: Array | None) -> float:
        """The factor of a sum over this many samples: 1 if they have weights."""
        return 1 / rows if self.reduction == "mean" and sample_weight is None else 1.0


def _product(xp: Any, a: Array, b: Array, out: Array | None = None) -> Array:
    """The matrix product; NumPy's is in `out`, if that is given."""
    return a.dot(b, out) if xp is np else a @ b  # `@` takes NumPy half a microsecond more


class Pass(NamedTuple):
    """The activations of all layers, before and after masks, and the output layer's z."""

    h: list[Array]
    layer_inputs: list[Array]
    z: Array


def forward(
    xp: Any,
    of: Objective,
    theta: Theta,
    x: Array,
    masks: Array | None = None,
    weights: Sequence[Array] | None = None,
    batches: list[Batch | None] | None = None,
) -> Pass:
    """One sample (n_in,) or a batch (m, n_in), with `weights` in place of theta's if given.

    batches: receives the statistics of these rows, which then normalize the layers; if None, running ones do.
    """
    h, layer_inputs, z, start = [x], [x], x, 0
    for layer, W in enumerate(weights or theta.weights):
        z = _product(xp, layer_inputs[-1], W.T)
        if theta.normalized:
            batch = by_batch(xp, z) if theta.normalized[layer] and batches is not None else None
            if batch is not None:
                z = theta.gammas[layer] * batch.N
            elif theta.normalized[layer]:
                z = by_running(xp, theta, layer, z)
            if batches is not None:
                batches.append(batch)
        if theta.bias:
            z += theta.biases[layer]
        h.append(ACTIVATIONS[of.activations[layer]].activate(xp, z))
        n = W.shape[0]
        if layer < len(of.activations) - 1:
            layer_inputs.append(h[-1] if masks is None else h[-1] * masks[:, start : start + n])
            start += n
    return Pass(h, layer_inputs, z)


def _cost(xp: Any, of: Objective, theta: Theta, scale: float, *outputs: Array | None) -> Array:
    """The cost, with penalties l1 sum |W| + l2/2 sum W^2; outputs: see `functions.Cost`."""
    total = scale * COSTS[of.cost].value(xp, *outputs)
    for W in theta.weights if of.l1 or of.l2 else ():
        if of.l1:
            total = total + of.l1 * xp.abs(W).sum(dtype=xp.float64)
        if of.l2:  # 0 times an infinite square would be NaN
            total = total + 0.5 * of.l2 * (W * W).sum(dtype=xp.float64)
    return total


def evaluate(
    xp: Any, of: Objective, theta: Theta, X: Array, Y: Array, sample_weight: Array | None
) -> tuple[Array, Array]:
    """The cost over the rows of X, and the output."""
    h, _, z = forward(xp, of, theta, X)
    c = None if sample_weight is None else factors_of(xp, sample_weight, of.reduction, X.dtype)
    return _cost(xp, of, theta, of.scale(X.shape[0], sample_weight), Y, h[-1], z, c), h[-1]


def gradient(
    xp: Any,
    of: Objective,
    theta: Theta,
    X: Array,
    Y: Array,
    sample_weight: Array | None = None,
    masks: Array | None = None,
    weight_masks: Sequence[Array] | None = None,
    sampled: Sampled | None = None,
    into: Theta | None = None,
) -> tuple[Array, Array, list[Batch | None]]:
    """The cost over the rows of X, its gradient as one vector, and the batch statistics of normalized layers.

    sampled: receives squared norms; into: receives the gradient, if it is NumPy's.
    """
    c, used, batches = None if sampled is None else sampled.factors, theta.weights, list[Batch | None]()
    if sample_weight is not None:
        c = factors_of(xp, sample_weight, of.reduction, X.dtype)
        X = X if theta.normalized else left_out(xp, X, c)  # statistics are of all
    if weight_masks is not None:
        used = tuple(M * W for M, W in zip(weight_masks, theta.weights, strict=True))
    h, layer_inputs, z = forward(xp, of, theta, X, masks, used, batches)
    functions, scale = [ACTIVATIONS[name] for name in of.activations], of.scale(X.shape[0], sample_weight)
    delta = COSTS[of.cost].delta(xp, Y, h[-1], functions[-1].backward)
    delta = delta if c is None else weighed(xp, delta, c)
    delta *= scale
    slopes: list[Array] = []
    end = 0 if masks is None else masks.shape[1]
    for layer in range(len(used) - 1, -1, -1):
        W, others = theta.weights[layer], list[Array]()
        batch = batches[layer] if batches else None
        if batch is not None:
            delta, *others = backward(xp, theta.gammas[layer], delta, batch)
            others = others if theta.bias else others[1:]
        elif theta.bias:
            others = [delta.sum(axis=0)]
        if sampled is not None:
            sampled.add(xp, delta, layer_inputs[layer], theta.bias)
        slope = _product(xp, delta.T, layer_inputs[layer], into and into.weights[layer])
        if weight_masks is not None:
            slope *= weight_masks[layer]
        if of.l2:
            slope += of.l2 * W
        if of.l1:
            slope += of.l1 * xp.sign(W)
        if into is None:
            slopes = [slope.reshape((-1,)), *others, *slopes]
        else:
            for vectors, values in zip(filter(None, (into.biases, into.gammas)), others, strict=False):
                vectors[layer][:] = values
        if layer > 0:
            delta = _product(xp, delta, used[layer])
            if masks is not None:
                delta *= masks[:, end - W.shape[1] : end]
                end -= W.shape[1]
            delta = functions[layer - 1].backward(xp, h[layer], delta)
    return _cost(xp, of, theta, scale, Y, h[-1], z, c), into.flat if into else xp.concat(slopes), batches


class Run(NamedTuple):
    """The parameters that are constant during a call of `run_updates`."""

    of: Objective
    rule: UpdateRule
    clip_value: float
    clip_norm: float
    batch_size: int
    m: int  # samples per epoch


def update(
    xp: Any,
    run: Run,
    theta: Theta,
    values: Sequence[Array],
    scales: tuple[Any, Any],
    batch: tuple[Array, Array, Array | None],
    masks: tuple[Array | None, Sequence[Array] | None],
    sampled: Sampled | None = None,
    into: Theta | None = None,
) -> tuple[Theta, Sequence[Array], Array]:
    """The parameters and the rule's state after an update from a batch X, Y and sample weights; and the cost before.

    scales: see `steps.scales`. into: see `gradient`.
    """
    cost, g, batches = gradient(xp, run.of, theta, *batch, *masks, sampled, into)
    flat, values = step(xp, run.rule, theta.flat, clip(xp, g, run.clip_value, run.clip_norm), values, *scales)
    running = moved(xp, theta, batches)
    if flat is theta.flat:  # changed in place
        return theta, values, cost
    return theta.like(xp.concat([flat, *(pair.reshape((-1,)) for pair in running)]) if running else flat), values, cost
