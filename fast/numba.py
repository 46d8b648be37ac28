"""The network in compiled Numba kernels: the same functions as `samenet.reference`, the same answers.

This module calls the kernels; `samenet.fast.kernels` contains and explains them. They take the flat parameter vector
theta and the layout (sizes and activations) as arrays, so one compilation serves every network of a dtype. They share
no scratch memory, so any number of threads may call them at once. They release the GIL, except for one sample of a
network of at most `inference.QUICK` parameters, which takes less time than switching threads.
"""

import functools
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import network as interface
from samenet.backends.adaptive import Sampler
from samenet.backends.dropout import DropConnect, Dropout
from samenet.backends.normalization import penalty
from samenet.fast import few_rows, many_networks, ready, workspace
from samenet.fast.description import NO_MASKS, NO_NUMBERS, NO_ORDER, NO_STATE, described, layout
from samenet.fast.kernels import evaluation, forward, inference, training
from samenet.fast.kernels.lanes import fill_lanes, rows_in_lanes
from samenet.fast.kernels.steps import DESCENT, Rule
from samenet.fast.pages import keep_pages
from samenet.fast.sample_weight import factors
from samenet.fast.workspace import borrowed, give_back, packed_workspace
from samenet.model import Model
from samenet.model.parameters import Parameters
from samenet.optimizers import State, UpdateRule
from samenet.validation import arrays

Array = NDArray[Any]
MANY = many_networks
SPREADS_NAN = QUIET = NORMALIZES = WEIGHS = True  # see `samenet.backends.generic`
SECONDS = 1e-5, 1.5e-11
_DOUBLE = np.dtype(np.float64)
_NO_RULE = tuple(Rule(DESCENT))  # Numba is slow to determine the type of a named tuple
_most_rows = functools.cache(forward.most_rows)


def feed_forward(model: Model, x: Array) -> list[Array]:
    """The activations of every layer; see `samenet.reference.feed_forward`."""
    model = ready.folded(model)
    theta = model.theta
    X = x if x.ndim == 2 else x.reshape(1, -1)
    rows, found, q = len(X), [x], 0
    H = np.empty(rows * sum(theta.sizes[1:]), x.dtype)
    inference.all_layers(theta.flat, layout(model), X, H)
    for n in theta.sizes[1:]:
        h, q = H[q : q + rows * n], q + rows * n
        found.append(h.reshape(rows, n) if x.ndim == 2 else h)
    return found


def predict(model: Model, x: Array) -> Array:
    """The output layer alone; see `samenet.reference.predict`."""
    return _predict(ready.folded(model), x)[0]


def _predict(model: Model, x: Array) -> tuple[Array, bool]:
    """The output layer, and whether x is finite."""
    theta = model.theta
    if x.ndim == 1:
        out = np.empty(theta.sizes[-1], x.dtype)
        if _answered(model, x, out):  # by a kernel that compiles faster
            return out, True
        one = x.reshape(1, x.size), out.reshape(1, out.size), 1
        return out, inference.predict_rows(theta.flat, layout(model), *one)
    out = np.empty((len(x), theta.sizes[-1]), x.dtype)
    if ready.helpers(model, len(x), -(-len(x) // _most_rows(theta.sizes))):
        return out, _evaluate(model, x, out[:0], 1.0, out)[1]
    most = rows_in_lanes(theta.sizes, x.itemsize).stop
    return out, inference.predict_rows(theta.flat, layout(model), x, out, most)


def _answered(model: Model, x: Array, out: Array) -> bool:
    """Try `one_of`; False for another type of array, a wide layer, or a sample that is not finite."""
    theta = model.theta.flat
    try:
        return bool(inference.one_of(x.dtype, theta.size <= inference.QUICK)(theta, layout(model), x, out))
    except ready.OTHER_ARRAYS:
        return False


def fast_predict(model: Model, otherwise: Callable[..., Any], one: bool) -> Callable[..., Any]:
    """f(x, out=None): the output layer for plain arrays, else otherwise(x, out); as in `samenet.fast.numpy`.

    Checking an array's length and numbers in Python takes longer than evaluating a small network, so the kernel does
    it. A single sample that is not finite is also left to `otherwise`.
    """
    if model.theta.normalized:
        plain, fold = ready.folding(model)
        of_plain = fast_predict(plain, otherwise, one)
        return lambda *given: (fold(), of_plain(*given))[1]
    theta, codes, n_in, n_out, dtype = model.theta.flat, layout(model), model.sizes[0], model.sizes[-1], model.dtype
    answer_one, array, empty = inference.one_of(dtype, theta.size <= inference.QUICK), np.ndarray, np.empty
    most, alone, answer_rows = rows_in_lanes(model.sizes, dtype.itemsize).stop, ready.rows_alone(model), None
    if theta.nbytes > workspace._LARGE:
        keep_pages()

    def converted(name: str, x: Any, answer: Any) -> Any:
        """Predict one sample after converting it; returns whether that was possible."""
        x = arrays.array(name, x, dtype)
        try:
            return answer_one(theta, codes, x, answer)
        except ready.OTHER_ARRAYS:
            return False

    def of_one(x: Any, out: Any = None) -> Any:
        answer = empty(n_out, dtype) if out is None else out
        if type(x) is array and type(answer) is array:
            try:
                done = answer_one(theta, codes, x, answer)
            except ready.OTHER_ARRAYS:
                done = None
            if done or (done is None and converted("x", x, answer)):
                return answer
        return otherwise(x, out)

    def of_many(X: Any) -> Any:
        nonlocal answer_rows
        if type(X) is array:
            if X.ndim == 1:
                answer = empty(n_out, dtype)
                try:
                    done = answer_one(theta, codes, X, answer)
                except ready.OTHER_ARRAYS:
                    done = None
                if done or (done is None and converted("X", X, answer)):
                    return answer
            elif X.ndim == 2 and (len(X) <= alone or model.threads == 1):
                answer_rows = answer_rows or inference.rows_of(dtype)  # compiled when first needed
                answer = empty((len(X), n_out), dtype)
                try:
                    if answer_rows(theta, codes, X, answer, most):
                        return answer
                except ready.OTHER_ARRAYS:
                    pass
            elif X.ndim == 2 and X.shape[1] == n_in and X.dtype == dtype and X.flags.carray:
                answer, finite = _predict(model, X)
                if finite:
                    return answer
        return otherwise(X)

    return of_one if one else of_many


def evaluate(
    model: Model, X: Array, Y: Array, reduction: str = "mean", sample_weight: Array | None = None
) -> tuple[float, Array]:
    """The cost and the output; see `samenet.reference.evaluate`."""
    out = np.empty_like(Y)
    if model.theta.normalized:  # penalties apply to W itself, not to the folded W
        cost, out = evaluate(ready.folded(model.without_penalties()), X, Y, reduction, sample_weight)
        return cost + penalty(model), out
    if sample_weight is not None:
        return _evaluate(model, X, Y, 1.0, out, factors(sample_weight, reduction, X.dtype)[:, 0])[0], out
    return _evaluate(model, X, Y, 1.0 / len(X) if reduction == "mean" else 1.0, out)[0], out


def _evaluate(
    model: Model, X: Array, Y: Array, scale: float, out: Array, factors: Array | None = None
) -> tuple[float, bool]:
    """The cost if Y has rows, times their factors if given; if Y has none, whether X is finite."""
    flat, sizes, dtype = model.theta.flat, model.theta.sizes, model.theta.flat.dtype
    blocks, none = -(-len(X) // _most_rows(sizes)), flat[:0]
    does_fill: bool = fill_lanes(len(X), sizes, dtype.itemsize)  # type: ignore[no-untyped-call]
    in_lanes = does_fill and len(X) in rows_in_lanes(sizes, dtype.itemsize)
    packed = none if in_lanes else packed_workspace(model)
    if flat.nbytes > workspace._LARGE:
        keep_pages()
    given = flat, packed, *described(model), _ready(X, dtype), _ready(Y, dtype), scale, out, np.empty(blocks)
    factors = none if factors is None else factors
    found: tuple[float, bool] = ready.run(evaluation.evaluate, given, model, len(X), blocks, factors)
    return found


def _ready(values: Any, dtype: Any) -> Any:
    """The array, or None; a copy if the kernels' code, which checks nothing, would misread it, such as a view."""
    return values if values is None or arrays.is_ready(values, dtype) else np.require(values, dtype, ["C", "A", "W"])


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
    theta, costs = model.theta.flat, np.empty(1)
    X, Y, sample_weight = _ready(X, model.dtype), _ready(Y, model.dtype), _ready(sample_weight, _DOUBLE)
    if dropout is None and drop_connect is None and few_rows.fits(model, len(X)):
        return few_rows.gradient(model, X, Y, reduction, sample_weight)
    data = X, Y, NO_ORDER, NO_MASKS[X.itemsize] if dropout is None else tuple(dropout)
    given = data, (len(X), reduction == "mean"), NO_NUMBERS, _NO_RULE, NO_STATE[X.itemsize], costs
    if model.theta.normalized:
        g = model.theta.empty_like()
        ready.descend_normalized(model, g.flat, given, sample_weight)
        return costs.item(), g
    memory = borrowed(model, training.parts_of(len(X), theta.size))
    if memory.packed is None:  # the gradient stays in G
        ready.descend(model, theta, memory, given, drop_connect, sample_weight)
        return costs.item(), model.theta.like(memory.G[0] if len(memory.G) == 1 else memory.G[0].copy())
    found = theta.copy()
    ready.descend(model, found, memory, given, drop_connect, sample_weight)  # replaced by the gradient
    give_back(model, memory)
    return costs.item(), model.theta.like(found)


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
    """Many updates in one compiled call, in place; see `samenet.reference.run_updates`."""
    alphas, state = np.empty(epochs if order is None else len(order)), state or rule.state(model.theta)
    alphas[:] = alpha
    order, weights = _ready(order, np.dtype(np.int64) if sampler is None else _DOUBLE), _ready(sample_weight, _DOUBLE)
    updates = ready.fast_updates(model, rule, batch_size, reduction, clip_value=clip_value, clip_norm=clip_norm)
    others = {"dropout": dropout, "drop_connect": drop_connect, "sampler": sampler, "sample_weight": weights}
    others = {name: value for name, value in others.items() if value is not None}
    X, Y = _ready(X, model.dtype), _ready(Y, model.dtype)
    costs: NDArray[np.float64] = updates(X, Y, state, alphas, order, **others)
    return costs


FAST = {gradient: ready.fast_gradient, evaluate: ready.fast_cost, run_updates: (ready.fast_samples, ready.fast_updates)}


class Network(interface.Network):
    """The network on compiled Numba kernels."""

    backend = sys.modules[__name__]
