"""The network in compiled Numba kernels: the same functions as `samenet.reference`, the same inference.

The kernels are in `samenet.fast.kernels`, which says how they are built; here they are called. They take the flat
parameter vector theta and the layout (sizes and activations) as arrays, so one compilation serves every network of a
dtype. They share no scratch memory, so any number of threads may call them at once. They release the GIL, but for one
sample of a network of at most `inference.QUICK` parameters, which is done before another thread could begin.
"""

import functools
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core.errors import NumbaError
from numpy.typing import NDArray

from samenet import network as interface
from samenet.backends.adaptive import Sampler
from samenet.backends.dropout import DropConnect, Dropout
from samenet.backends.normalization import folded, penalty
from samenet.fast import many_networks
from samenet.fast.description import constants as _constants
from samenet.fast.description import layout
from samenet.fast.description import objective as _objective
from samenet.fast.kernels import adaptive, forward, inference, normalization, tiny_network, training
from samenet.fast.kernels.codegen.registers import width_for
from samenet.fast.kernels.parallel import run_parallel
from samenet.fast.kernels.steps import DESCENT, Rule
from samenet.fast.sample_weight import factors
from samenet.fast.workspace import is_packed, masking, most_in_lanes, packed_workspace, workspace
from samenet.model import Model
from samenet.optimizers import State, UpdateRule
from samenet.parameters import Parameters
from samenet.validation import arrays

Array = NDArray[Any]
_OTHER_ARRAYS = TypeError, NumbaError  # what a kernel raises that is for arrays of one kind alone
MANY = many_networks
SPREADS_NAN = QUIET = NORMALIZES = WEIGHS = (
    True  # see `samenet.backends.generic`, which says what they and the next mean
)
SECONDS = 1e-5, 2.5e-10
_NO_RULE = tuple(Rule(DESCENT))  # Numba takes long to see the type of a named one
_NO_ORDER = np.empty((0, 0), np.int64)
_PAYS = 2_000_000  # multiply-adds of a call, or of an update, from which another thread saves time


_most_rows = functools.cache(forward.most_rows)


def _helpers(model: Model, rows: int, pieces: int) -> int:
    """How many threads to call in, for work on so many rows that is cut into so many pieces."""
    return 0 if rows * model.theta.flat.size < _PAYS else min(model.threads, pieces) - 1


def feed_forward(model: Model, x: Array) -> list[Array]:
    """The activations of every layer; see `samenet.reference.feed_forward`."""
    model = folded(model) if model.theta.normalized else model
    theta = model.theta
    X = x.reshape(-1, theta.sizes[0])
    H = np.empty(len(X) * sum(theta.sizes[1:]), x.dtype)
    inference.all_layers(theta.flat, layout(model), X, H)
    found, q = [x], 0
    for n in theta.sizes[1:]:
        found.append(H[q : q + len(X) * n].reshape((*x.shape[:-1], n)))
        q += len(X) * n
    return found


def predict(model: Model, x: Array) -> Array:
    """The output layer alone; see `samenet.reference.predict`."""
    return _predict(folded(model) if model.theta.normalized else model, x)[0]


def _predict(model: Model, x: Array) -> tuple[Array, bool]:
    """The output layer, and whether x is finite."""
    theta = model.theta
    if x.ndim == 1:
        out = np.empty(theta.sizes[-1], x.dtype)
        one = x.reshape(1, x.size), out.reshape(1, out.size)
        return out, inference.predict_few(theta.flat, layout(model), *one)
    out = np.empty((len(x), theta.sizes[-1]), x.dtype)
    if len(x) <= inference.few(theta.flat.size, x.itemsize):  # type: ignore[no-untyped-call]
        return out, inference.predict_few(theta.flat, layout(model), x, out)
    blocks = -(-len(x) // _most_rows(theta.sizes))
    if len(x) <= most_in_lanes(theta.sizes, x.itemsize) and not _helpers(model, len(x), blocks):
        return out, inference.predict_in_lanes(theta.flat, layout(model), x, out)
    return out, _evaluate(model, x, out[:0], 1.0, out)[1]


def fast_predict(model: Model, otherwise: Callable[..., Any], one: bool) -> Callable[..., Any]:
    """f(x, out=None): the output layer for plain arrays, else otherwise(x, out); as in `samenet.fast.numpy`.

    Checking an array's length and numbers in Python takes longer than evaluating a small network, so the kernel does
    it. A single sample that is not finite is also left to `otherwise`.
    """
    if model.theta.normalized:
        return otherwise
    theta, codes, n_in, n_out, dtype = model.theta.flat, layout(model), model.sizes[0], model.sizes[-1], model.dtype
    answer_one, array, empty = inference.one_of(dtype, theta.size <= inference.QUICK), np.ndarray, np.empty

    def converted(name: str, x: Any, answer: Any) -> Any:
        """Whether one sample could be answered after a conversion."""
        x = arrays.array(name, x, dtype)
        try:
            return answer_one(theta, codes, x, answer)
        except _OTHER_ARRAYS:
            return False

    def of_one(x: Any, out: Any = None) -> Any:
        answer = empty(n_out, dtype) if out is None else out
        if type(x) is array and type(answer) is array:
            try:
                done = answer_one(theta, codes, x, answer)
            except _OTHER_ARRAYS:
                done = None
            if done or (done is None and converted("x", x, answer)):
                return answer
        return otherwise(x, out)

    def of_many(X: Any) -> Any:
        if type(X) is array:
            if X.ndim == 1:
                answer = empty(n_out, dtype)
                try:
                    done = answer_one(theta, codes, X, answer)
                except _OTHER_ARRAYS:
                    done = None
                if done or (done is None and converted("X", X, answer)):
                    return answer
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
    if model.theta.normalized:  # penalties are on W as it is, not folded
        cost, out = evaluate(folded(model.without_penalties()), X, Y, reduction, sample_weight)
        return cost + penalty(model), out
    if sample_weight is not None:
        return _evaluate(model, X, Y, 1.0, out, factors(sample_weight, reduction, X.dtype)[:, 0])[0], out
    return _evaluate(model, X, Y, 1.0 / len(X) if reduction == "mean" else 1.0, out)[0], out


def _evaluate(model: Model, X: Array, Y: Array, scale: float, out: Array, *factors: Array) -> tuple[float, bool]:
    """The cost if Y has rows, each times its factor if they are given; and if not, whether X is finite."""
    theta = model.theta
    values = np.empty(-(-len(X) // _most_rows(theta.sizes)))
    P = theta.flat[:0] if len(X) <= most_in_lanes(theta.sizes, X.itemsize) else packed_workspace(model)
    given = theta.flat, P, layout(model), theta.bias, _objective(model), X, Y, scale, out, values
    helpers = _helpers(model, len(X), values.size)
    found: tuple[float, bool] = run_parallel(inference.evaluate, given, helpers, values.size, *factors)
    return found


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
    given = X, Y, np.empty(0), len(X), None, 1, reduction, dropout, drop_connect, sample_weight
    theta, g = model.theta.flat, model.theta.empty_like()
    if model.theta.normalized:
        return float(_descend(model, theta, g.flat.reshape(1, -1), g.flat, *given)[0]), g
    G, P = workspace(model, training.parts_of(len(X), theta.size))
    if P is not theta:
        g.flat[:] = theta
        theta = g.flat  # the gradient takes its place
    elif len(G) == 1:
        G = g.flat.reshape(1, -1)
    costs = _descend(model, theta, G, P, *given)
    if theta is not g.flat and len(G) > 1:
        g.flat[:] = G[0]
    return float(costs[0]), g


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
    epochs = epochs if order is None else len(order)
    alphas = np.empty(epochs)
    alphas[:] = alpha
    given = X, Y, alphas, batch_size, order, epochs, reduction
    state = rule.state(model.theta) if state is None else state
    constants = (*_constants(rule), float(clip_value), float(clip_norm), state.t)  # a `Rule`
    theta, more = model.theta, (dropout, drop_connect, sample_weight)
    is_plain = dropout is None and drop_connect is None and sampler is None and sample_weight is None
    if is_plain and not theta.normalized and tiny_network.fits(model, batch_size):
        return _descend_tiny(model, given, constants, state)
    if theta.normalized:
        G = np.empty((1, theta.flat.size), model.dtype)
        P = G[0]
    else:
        parts = training.parts_of(batch_size, theta.flat.size) if sampler is None else 1
        if (key := (__name__, parts, theta.sizes, theta.bias)) not in state.prepared:
            state.prepared[key] = workspace(model, parts)
        G, P = state.prepared[key]
        P = P if is_packed(model) else theta.flat  # of this model: the state may have been used for its copy
    costs = _descend(model, theta.flat, G, P, *given, *more, constants, state.values, sampler)
    state.t += costs.size
    return costs


def _descend_tiny(
    model: Model, given: tuple[Any, ...], rule: tuple[int, float, float, float, float, float, int], state: State
) -> NDArray[np.float64]:
    X, Y, alphas, batch_size, order, epochs, reduction = given
    rows = len(X) if order is None else order.shape[1]
    costs = np.empty(epochs * -(-rows // batch_size))
    order = _NO_ORDER if order is None else order
    register = width_for(max(model.sizes[1:]), model.dtype.itemsize), (0,) * tiny_network.registers(model)
    own = model.theta.flat, layout(model), _objective(model), X, Y, order, (batch_size, reduction == "mean"), alphas
    tiny_network.run_updates(*register, *own, rule, state.values, costs)
    state.t += costs.size
    return costs


def _descend(
    model: Model,
    theta: Array,
    G: Array,
    P: Array,
    X: Array,
    Y: Array,
    alphas: NDArray[np.float64],
    batch_size: int,
    order: Array | None,
    epochs: int,
    reduction: str,
    dropout: Dropout | None,
    drop_connect: DropConnect | None,
    sample_weight: Array | None,
    rule: tuple[float, ...] = _NO_RULE,
    state: Array | None = None,
    sampler: Sampler | None = None,
) -> NDArray[np.float64]:
    """The updates, or if there is no alpha the gradient, in place of theta; returns the costs.

    G: memory for the gradient of each part of a batch. If P is theta, the gradient is left in G[0], not in theta.
    """
    rows = len(X) if order is None else order.shape[1]
    costs = np.empty(epochs * -(-rows // batch_size))
    masks = (np.empty(0, np.int64), np.empty(0, X.dtype), 0, 0) if dropout is None else tuple(dropout)
    data = X, Y, _NO_ORDER if order is None else order, masks
    batch = batch_size, reduction == "mean"
    state = G[:0] if state is None else state
    weighed = () if sample_weight is None else (sample_weight,)
    if model.theta.normalized:
        described = theta, model.theta.everything[theta.size :], layout(model), _objective(model)
        normalization.run_updates(*described, data, batch, alphas, rule, state, costs, G[0], *weighed)
        return costs
    given = theta, P, layout(model), model.theta.bias, _objective(model), data, batch, alphas, rule, state, costs
    more = () if drop_connect is None else (masking(model, drop_connect),)
    if sampler is not None:
        adaptive.run_updates(*given, G[0], tuple(sampler), *more)
        return costs
    options = (*(more or (None,)), *weighed) if weighed else more
    helpers = _helpers(model, batch_size, len(G))
    run_parallel(training.run_updates, (*given, G, np.empty(len(G))), helpers, len(G), *options)
    return costs


class Network(interface.Network):
    """The network on compiled Numba kernels."""

    backend = sys.modules[__name__]
