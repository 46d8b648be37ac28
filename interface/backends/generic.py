"""Fallbacks for the functions of the contract that a backend lacks, built on those it has: slow but correct.

    feed_forward  ->  predict, evaluate, gradient  ->  run_updates

So a backend may start with `feed_forward` alone. `complete` adds whichever of these functions are missing.

A backend's module may also set these attributes, some of which make calls faster:

SECONDS      upper estimates of the time of `run_updates` for an update, and for each of its samples and bytes of
             parameters; they limit the number of updates in the first call of a training run
QUIET        it never warns of overflow
SPREADS_NAN  after an update from a sample that is not finite, weights are not finite either, with every rule, unless
             entries of the gradient are clipped. So checking the weights after the first epoch is a check of X.
             And the cost without `sample_weight` is NaN, from `evaluate` too
MANY         a module that trains several similar networks together; see `samenet.training.alike`
FAST         functions that make faster versions of `gradient`, `evaluate` and `run_updates` for a model; see
             `samenet.backends.costs` and `samenet.backends.prepared`. For `predict`, it is the function `fast_predict`;
             see `samenet.backends.prediction`
NORMALIZES   its functions support batch normalization. A backend with `feed_forward` alone need not: it is given models
             without batch normalization that have the same outputs, and the NumPy backend trains. A backend that has
             more functions, but not this flag, is refused models with batch normalization
WEIGHS       its functions take `sample_weight`. Without this flag, the functions of this module are used where samples
             have weights; they need only the backend's `feed_forward`
"""

import math
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends import backend as named
from samenet.backends.adaptive import Sampler
from samenet.backends.dropout import DropConnect, Dropout
from samenet.backends.normalization import folded
from samenet.backends.weighing import weighing
from samenet.model import Model
from samenet.model.functions import Activation
from samenet.model.parameters import Parameters
from samenet.optimizers import State, UpdateRule

Array = NDArray[Any]


def complete(module: Any) -> None:
    """Give a backend's module the functions of the contract that it lacks."""
    for function in _FALLBACKS:
        if not hasattr(module, function.__name__):
            setattr(module, function.__name__, partial(function, module))
    if not hasattr(module, "WEIGHS"):
        module.FOR_WEIGHTS = {f.__name__: partial(f, module) for f in (evaluate, gradient, run_updates)}


def check_normalizes(module: Any, model: Model) -> None:
    """Raise ValueError for a backend with functions of its own that do not support batch normalization."""
    if not model.theta.normalized:
        return
    own = [f.__name__ for f in _FALLBACKS if not isinstance(getattr(module, f.__name__), partial)]
    if own and not hasattr(module, "NORMALIZES"):
        raise ValueError(
            f"batch_normalization: expected False for the backend {module.__name__}, whose {', '.join(own)} do not "
            "have it (see NORMALIZES in samenet.backends.generic), got True"
        )


def feed_forward(module: ModuleType, model: Model, x: Array) -> Any:
    """The backend's own function; if it does not support batch normalization, for an equivalent model without it."""
    is_known = hasattr(module, "NORMALIZES") or not model.theta.normalized
    return module.feed_forward(model if is_known else folded(model), x)


def predict(module: ModuleType, model: Model, x: Array) -> Any:
    """The last layer of `feed_forward`."""
    return feed_forward(module, model, x)[-1]


def fast_predict(module: ModuleType, model: Model, otherwise: Any, one: bool) -> Any:
    """No fast path: all input is checked."""
    return otherwise


def evaluate(
    module: ModuleType,
    model: Model,
    X: Array,
    Y: Array,
    reduction: str = "mean",
    sample_weight: Array | None = None,
) -> tuple[float, Array]:
    """The cost, from the weighted sums of the output layer, and the output."""
    h, _, z = _forward(module, folded(model) if model.theta.normalized else model, X, None)
    c, scale = _factors(model, len(X), reduction, sample_weight)
    return _cost(model, Y, h[-1], z, scale, c), h[-1]


def gradient(
    module: ModuleType,
    model: Model,
    X: Array,
    Y: Array,
    reduction: str = "mean",
    dropout: Dropout | None = None,
    drop_connect: DropConnect | None = None,
    sample_weight: Array | None = None,
) -> tuple[float, Parameters]:
    """Backpropagation through the activations that the backend computes; equations: `samenet.reference.backward`.

    With batch normalization, the NumPy backend computes it.
    """
    if model.theta.normalized:
        return named("numpy").gradient(model, X, Y, reduction, dropout, None, sample_weight)  # type: ignore[no-any-return]
    return _backpropagate(module, model, X, Y, reduction, dropout, drop_connect, sample_weight)


def _backpropagate(
    module: ModuleType,
    model: Model,
    X: Array,
    Y: Array,
    reduction: str,
    dropout: Dropout | None = None,
    drop_connect: DropConnect | None = None,
    sample_weight: Array | None = None,
    sampled: Any = None,
) -> tuple[float, Parameters]:
    """As `gradient`, without batch normalization. sampled: with adaptive sampling, a `samenet.fast.sampler.Sampled`."""
    reference, numpy, g = named("reference"), named("numpy"), model.theta.empty_like()
    c, scale = _factors(model, len(X), reduction, sample_weight)
    c = c if sampled is None else sampled.factors
    X = X if sample_weight is None else numpy.left_out(np, X, c)
    masks = None if dropout is None else np.array([reference.mask(dropout, s) for s in range(len(X))], model.dtype)
    used, weight_masks = model, [np.ones((), model.dtype)] * len(model.weights)
    if drop_connect is not None:
        used = model.holding(model.theta.flat)
        weight_masks = [np.array(M, model.dtype) for M in reference.weight_masks(drop_connect, 0, model.weights)]
        for W, M in zip(used.weights, weight_masks, strict=True):
            W *= M
    h, layer_inputs, z = _forward(module, used, X, masks)
    backward = [reference.ACTIVATIONS[name].backward for name in model.activations]
    delta = _rows(
        reference.COSTS[model.cost_function].delta(y, out, backward[-1]) for y, out in zip(Y, h[-1], strict=True)
    )
    delta = delta if c is None else numpy.weighed(np, delta, c)
    end = 0 if masks is None else masks.shape[1]
    for layer in range(len(model.weights) - 1, -1, -1):
        W = model.weights[layer]
        if sampled is not None:
            sampled.add(np, delta, layer_inputs[layer], model.bias)
        slope = scale * (delta.T @ layer_inputs[layer])
        g.weights[layer][:] = slope * weight_masks[layer]
        if model.bias:
            g.biases[layer][:] = scale * delta.sum(axis=0)
        if model.l1 or model.l2:  # 0 times an infinite weight would be NaN
            g.weights[layer][:] += model.l1 * np.sign(W) + model.l2 * W
        if layer > 0:
            errors = delta @ used.weights[layer]
            if masks is not None:
                errors *= masks[:, end - W.shape[1] : end]
                end -= W.shape[1]
            delta = _rows(backward[layer - 1](out, e) for out, e in zip(h[layer], errors, strict=True))
    return _cost(model, Y, h[-1], z, scale, c), g


def run_updates(
    module: ModuleType,
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
) -> Array:
    """One update after another, from the gradient of this backend, with the steps and clipping of the NumPy backend.

    With adaptive sampling, the gradient comes from `_backpropagate`, which supports it.
    """
    numpy, costs = named("numpy"), list[float]()
    if model.theta.normalized:
        options = {"alpha": alpha, "batch_size": batch_size, "order": order, "epochs": epochs, "reduction": reduction}
        options |= {"dropout": dropout, "state": state, "clip_value": clip_value, "clip_norm": clip_norm}
        options["sample_weight"] = sample_weight
        return numpy.run_updates(model, X, Y, rule, **options)  # type: ignore[no-any-return]
    epochs = epochs if order is None else len(order)
    alphas = np.broadcast_to(np.asarray(alpha, np.float64), epochs).tolist()
    m = len(X) if order is None else order.shape[1]
    state = rule.state(model.theta) if state is None else state
    for epoch in range(epochs):
        for start in range(0, m, batch_size):
            part = slice(start, start + batch_size)
            rows: Any = part if order is None else order[epoch, part]
            given: dict[str, Any] = {} if dropout is None else {"dropout": dropout.after(epoch * m + start)}
            given |= {} if drop_connect is None else {"drop_connect": drop_connect.after(len(costs))}
            if sampler is None:
                of = weighing(module, "gradient", None if sample_weight is None else sample_weight[rows])
                cost, slope = of(model, X[rows], Y[rows], reduction, **given)
            else:
                sampled = numpy.Sampled.by(sampler, rows, np.asarray, X.dtype)
                rows = sampled.rows
                cost, slope = _backpropagate(module, model, X[rows], Y[rows], reduction, **given, sampled=sampled)
                numpy.learn(sampler, rows, sum(sampled.squares))
            g = model.theta.empty_like()
            g.fill(slope.weights, slope.biases)
            direction = numpy.clip(np, g.flat, clip_value, clip_norm)
            numpy.step(model.theta.flat, direction, alphas[epoch], rule, state)
            costs.append(cost)
    return np.array(costs, np.float64)


_FALLBACKS = predict, fast_predict, evaluate, gradient, run_updates


def _rows(rows: Any) -> Array:
    return np.array(list(rows), np.float64)


def _forward(module: ModuleType, model: Model, X: Array, masks: Array | None) -> tuple[list[Array], list[Array], Array]:
    """Activations, layer inputs (with masks applied) and the output's z, from a one-layer network per layer."""
    h, layer_inputs, start = [X], [X], 0
    for layer, name in enumerate(model.activations):
        out, last = _layer(module, model, layer, name, layer_inputs[-1]), layer == len(model.weights) - 1
        if last:
            return [*h, out], layer_inputs, _layer(module, model, layer, "identity", layer_inputs[-1])
        n = out.shape[1]
        h.append(out)
        layer_inputs.append(out if masks is None else out * masks[:, start : start + n])
        start += n
    raise AssertionError("a network has at least two layers")


def _layer(module: ModuleType, model: Model, layer: int, activation: Activation, h: Array) -> Array:
    one = Model(model.sizes[layer : layer + 2], activation=activation, bias=model.bias, dtype=model.dtype)
    one.theta.fill([model.weights[layer]], [model.biases[layer]] if model.bias else [])
    return np.asarray(module.feed_forward(one, h)[-1], model.dtype)


def _factors(model: Model, m: int, reduction: str, sample_weight: Array | None) -> tuple[Array | None, float]:
    """The factors of the samples, if they have weights, and the common factor of all sums over samples."""
    if sample_weight is None:
        return None, 1 / m if reduction == "mean" else 1.0
    return named("numpy").factors(sample_weight, reduction, model.dtype), 1.0


def _cost(model: Model, Y: Array, h: Array, z: Array, scale: float, c: Array | None) -> float:
    reference = named("reference")
    value = reference.COSTS[model.cost_function].value
    costs = np.array([value(y, out, sums) for y, out, sums in zip(Y.tolist(), h.tolist(), z.tolist(), strict=True)])
    costs = costs if c is None else named("numpy").weighed(np, costs, c[:, 0])
    total = scale * float(np.sum(costs))  # it may be infinite
    return total + reference.penalty(model.weights, model.l1, model.l2) if model.l1 or model.l2 else total
