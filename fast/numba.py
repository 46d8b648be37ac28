"""The network in compiled Numba kernels: the same functions as `samenet.reference`, the same answers.

The kernels are in `samenet.fast.kernels`, which says how they are built; here they are called. They take the flat
parameter vector theta and the layout (sizes and activations) as arrays, so one compilation serves every network of a
dtype. They share no scratch memory, so any number of threads may call them at once. They release the GIL, but for one
sample of a network of at most `inference.QUICK` parameters, which is done before another thread could begin.
"""

import math
import sys
from typing import Any

import numpy as np
from numba.core.errors import NumbaError
from numpy.typing import ArrayLike, NDArray

from samenet import functions, one_sample
from samenet import network as interface
from samenet.fast.kernels import descent, forward, inference, packing, tiny_network
from samenet.fast.kernels.codegen.registers import width_for
from samenet.fast.kernels.parallel import run_parallel
from samenet.parameters import Parameters, aligned

_OTHER_ARRAYS = TypeError, NumbaError  # what a kernel raises that is for arrays of one kind alone
_PAYS = 2_000_000  # multiply-adds of a call, or of an update, from which another thread saves time


def _helpers(network: interface.Network, rows: int, pieces: int) -> int:
    """How many threads to call in, for work on so many rows that is cut into so many pieces."""
    if rows * network.theta.flat.size < _PAYS:
        return 0
    return min(network.threads, pieces) - 1


def _room(network: interface.Network, times: int = 1) -> NDArray[Any]:
    """Zeros, as many as P is long, so many times over: see `samenet.fast.kernels.packing`."""
    theta = network.theta
    room = aligned(times * packing.total_length(theta.sizes, theta.bias, theta.flat.itemsize), theta.flat.dtype)
    room[:] = 0
    return room


def _objective(network: interface.Network) -> tuple[int, float, float]:
    return functions.COSTS.index(network.cost_function), network.l1, network.l2


def feed_forward(network: interface.Network, x: NDArray[Any]) -> list[NDArray[Any]]:
    """The activations of every layer; see `samenet.reference.feed_forward`."""
    theta = network.theta
    X = x.reshape(-1, theta.sizes[0])
    H = np.empty(len(X) * sum(theta.sizes[1:]), x.dtype)
    inference.all_layers(theta.flat, _room(network), network.layout, theta.bias, X, H)
    found, q = [x], 0
    for n in theta.sizes[1:]:
        found.append(H[q : q + len(X) * n].reshape((*x.shape[:-1], n)))
        q += len(X) * n
    return found


def predict(network: interface.Network, x: NDArray[Any]) -> NDArray[Any]:
    """The output layer alone; see `samenet.reference.predict`."""
    return _predict(network, x)[0]


def predict_finite(network: interface.Network, x: NDArray[Any]) -> NDArray[Any] | None:
    """The same, if all numbers are finite; see `samenet.reference.predict_finite`."""
    output, finite = _predict(network, x)
    return output if finite else None


def predict_ready(network: interface.Network, x: NDArray[Any]) -> NDArray[Any] | None:
    """The output layer for one sample, a C-contiguous array of the network's dtype; None if there is anything about it.

    To look at its length and its numbers in Python takes longer than a small network, so the kernel does it.
    """
    theta = network.theta.flat
    out = np.empty(network.theta.sizes[-1], x.dtype)
    answered = inference.one_of(x.dtype, theta.size <= inference.QUICK)(theta, network.layout, x, out)
    return out if answered else None


def _predict(network: interface.Network, x: NDArray[Any]) -> tuple[NDArray[Any], bool]:
    """The output layer, and whether x is finite."""
    theta = network.theta
    if x.ndim == 1:
        out = np.empty(theta.sizes[-1], x.dtype)
        return out, inference.predict_few(theta.flat, network.layout, x.reshape(1, x.size), out.reshape(1, out.size))
    out = np.empty((len(x), theta.sizes[-1]), x.dtype)
    if len(x) <= inference.FEW:
        return out, inference.predict_few(theta.flat, network.layout, x, out)
    return out, not math.isnan(_evaluate(network, x, out[:0], 1.0, out))


def predictor(network: interface.Network) -> one_sample.Predictor:
    """A function for one sample; see `samenet.network.Network.predictor`."""
    theta, layout, n_out, dtype = network.theta.flat, network.layout, network.sizes[-1], network.dtype
    answer_one, array, empty = inference.one_of(dtype, theta.size <= inference.QUICK), np.ndarray, np.empty

    def f(x: Any, out: Any = None) -> Any:
        answer = empty(n_out, dtype) if out is None else out
        try:
            if type(x) is array and type(answer) is array and answer_one(theta, layout, x, answer):
                return answer
        except _OTHER_ARRAYS:
            pass
        return one_sample.predict(network, x, out)

    return f


def evaluate(
    network: interface.Network, X: NDArray[Any], Y: NDArray[Any], reduction: str = "mean"
) -> tuple[float, NDArray[Any]]:
    """The cost, and the output that it is of; see `samenet.reference.evaluate`."""
    out = np.empty_like(Y)
    return _evaluate(network, X, Y, 1.0 / len(X) if reduction == "mean" else 1.0, out), out


def _evaluate(network: interface.Network, X: NDArray[Any], Y: NDArray[Any], scale: float, out: NDArray[Any]) -> float:
    theta = network.theta
    values = np.empty(-(-len(X) // forward.BLOCK))
    model = theta.flat, _room(network), network.layout, theta.bias, _objective(network)
    cost: float = run_parallel(
        inference.evaluate, (*model, X, Y, scale, out, values), _helpers(network, len(X), values.size)
    )
    return cost


def gradient(
    network: interface.Network,
    X: NDArray[Any],
    Y: NDArray[Any],
    reduction: str = "mean",
    masks: NDArray[Any] | None = None,
) -> tuple[float, Parameters]:
    """The cost and its gradient; see `samenet.reference.gradient`."""
    g = Parameters.holding(network.theta.sizes, network.theta.bias, network.theta.flat)
    costs = _descend(network, g.flat, X, Y, np.empty(0), len(X), None, 1, reduction, masks)
    return float(costs[0]), g


def descend(
    network: interface.Network,
    X: NDArray[Any],
    Y: NDArray[Any],
    *,
    alpha: Any,
    batch_size: int,
    order: NDArray[np.int64] | None = None,
    passes: int = 1,
    reduction: str = "mean",
    masks: NDArray[Any] | None = None,
    momentum: float = 0.0,
    velocity: Parameters | None = None,
    nesterov: bool = False,
    clip_value: float = math.inf,
    clip_norm: float = math.inf,
) -> NDArray[np.float64]:
    """Many updates in one compiled call, in place; see `samenet.reference.descend`."""
    theta = network.theta
    passes = passes if order is None else len(order)
    rule = momentum, nesterov, float(clip_value), float(clip_norm)
    v = None if velocity is None else velocity.flat
    alphas = np.full(passes, alpha, np.float64)
    if masks is None and v is None and clip_value == clip_norm == math.inf and tiny_network.fits(network, batch_size):
        return _descend_small(network, X, Y, alphas, batch_size, order, passes, reduction)
    return _descend(network, theta.flat, X, Y, alphas, batch_size, order, passes, reduction, masks, rule, v)


def _descend_small(
    network: interface.Network,
    X: NDArray[Any],
    Y: NDArray[Any],
    alphas: NDArray[np.float64],
    batch_size: int,
    order: NDArray[np.int64] | None,
    passes: int,
    reduction: str,
) -> NDArray[np.float64]:
    rows = len(X) if order is None else order.shape[1]
    costs = np.empty(passes * -(-rows // batch_size))
    order = np.empty((0, 0), np.int64) if order is None else order
    batch = batch_size, reduction == "mean"
    width = width_for(max(network.sizes[1:]), network.dtype.itemsize)
    tiny_network.run_updates(
        width, network.theta.flat, network.layout, _objective(network)[0], X, Y, order, batch, alphas, costs
    )
    return costs


def _descend(
    network: interface.Network,
    theta: NDArray[Any],
    X: NDArray[Any],
    Y: NDArray[Any],
    alphas: NDArray[np.float64],
    batch_size: int,
    order: NDArray[np.int64] | None,
    passes: int,
    reduction: str,
    masks: NDArray[Any] | None,
    rule: tuple[float, bool, float, float] = (0.0, False, math.inf, math.inf),
    velocity: NDArray[Any] | None = None,
) -> NDArray[np.float64]:
    """The updates, or if there is no alpha the gradient, in place of theta; returns the costs."""
    rows = len(X) if order is None else order.shape[1]
    costs = np.empty(passes * -(-rows // batch_size))
    parts = descent.parts_of(batch_size, theta.size)
    G, values = _room(network, parts).reshape(parts, -1), np.empty(parts)
    masks = np.empty((0, 0), X.dtype) if masks is None else masks.reshape(math.prod(masks.shape[:-1]), masks.shape[-1])
    data = X, Y, np.empty((0, 0), np.int64) if order is None else order, masks
    batch = batch_size, reduction == "mean"
    v = theta[:0] if velocity is None else velocity
    model = theta, _room(network), network.layout, network.theta.bias, _objective(network)
    helpers = _helpers(network, batch_size, parts)
    run_parallel(descent.descend, (*model, data, batch, alphas, rule, v, costs, G, values), helpers)
    return costs


class Network(interface.Network):
    """The network on compiled Numba kernels; everything about it is said in `samenet.network.Network`."""

    backend = sys.modules[__name__]

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The activations of the output layer; see `samenet.network.Network.predict`."""
        # The interface's way asks more of an array, which takes a fifth of the time of the smallest network.
        if type(X) is np.ndarray and X.ndim == 1 and X.dtype == self.theta.flat.dtype and X.flags.carray:
            output = predict_ready(self, X)
            if output is not None:
                return output
        return super().predict(X)
