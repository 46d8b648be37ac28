"""A backend from the functions of an exercise, completed by the functions of the NumPy backend.

Each adapter takes the module of a learner's file and returns a module with functions of the contract.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends import backend
from samenet.testing.exercises.descents import Functions, mini_batches, momentum, update
from samenet.testing.forms import shaped

Array = NDArray[Any]


def _only(model: Any, activations: set[str], costs: tuple[str, ...] = ("squared_error",)) -> None:
    """Raise NotImplementedError for a network that the exercise does not cover."""
    if not set(model.activations) <= activations or model.cost_function not in costs or model.l1 or model.l2:
        names = ", ".join((*sorted(activations), *costs))
        raise NotImplementedError(f"the exercise is about {names}")


def _share(X: Array, reduction: str) -> float:
    return 1 / len(X) if reduction == "mean" else 1.0


def _layers(model: Any, x: Array, activate: Callable[[str, Array], Any]) -> list[Array]:
    h = [x]
    for l, W in enumerate(model.weights):
        z = h[-1] @ W.T
        z = z + model.biases[l] if model.bias else z
        h.append(activate(model.activations[l], z))
    return h


def sigmoid(task: Any) -> Functions:
    """The sigmoid of a number."""

    def feed_forward(model: Any, x: Array) -> list[Array]:
        _only(model, {"sigmoid"}, (model.cost_function,))

        def each(_: str, z: Array) -> Array:
            return np.array([task.sigmoid(v) for v in z.ravel().tolist()], np.float64).astype(z.dtype).reshape(z.shape)

        return _layers(model, x, each)

    return {"feed_forward": feed_forward}


def feed_forward_loops(task: Any) -> Functions:
    """Feed-forward of one sample, in lists."""

    def feed_forward(model: Any, x: Array) -> list[Any]:
        _only(model, {"sigmoid"})
        parameters = [W.tolist() for W in model.weights], [b.tolist() for b in model.biases]
        if x.ndim == 1:
            return list(task.feed_forward(*parameters, x.tolist()))
        rows = [list(task.feed_forward(*parameters, row)) for row in x.tolist()]
        return [[row[l] for row in rows] for l in range(min(map(len, rows)))]

    return {"feed_forward": feed_forward}


def feed_forward_arrays(task: Any) -> Functions:
    """Feed-forward of rows of samples."""

    def feed_forward(model: Any, x: Array) -> Any:
        _only(model, {"sigmoid"})
        layers = task.feed_forward(list(model.weights), list(model.biases), np.atleast_2d(x))
        return layers if x.ndim == 2 or not isinstance(layers, list) else [h[0] for h in layers]

    return {"feed_forward": feed_forward}


def activations(task: Any) -> Functions:
    """Activations on arrays."""
    numpy = backend("numpy")

    def activate(name: str, z: Array) -> Any:
        if name in ("tanh", "relu", "softmax"):
            z.flags.writeable = False  # the function must return a new array
            return getattr(task, name)(z)
        with np.errstate(all="ignore"):
            return numpy.ACTIVATIONS[name].activate(np, z)

    return {"feed_forward": lambda model, x: _layers(model, x, activate)}


def _backpropagation(
    output: Callable[..., Any], hidden: Callable[..., Any], weights: Callable[..., Any], deep: bool
) -> Functions:
    """The gradient for sigmoids and the squared error, from its three steps; deep: whether there are hidden layers."""
    numpy = backend("numpy")

    def gradient(model: Any, X: Array, Y: Array, reduction: str = "mean") -> tuple[float, Any]:
        _only(model, {"sigmoid"})
        if len(model.weights) > 1 and not deep:
            raise NotImplementedError("networks without hidden layers")
        cost, h = numpy.evaluate(model, X, Y, reduction)[0], numpy.feed_forward(model, X)
        g = model.theta.empty_like()
        delta = shaped("output_delta", output(Y, h[-1]), Y.shape) * model.dtype.type(_share(X, reduction))
        for l in range(len(model.weights) - 1, -1, -1):
            dW, db = weights(delta, h[l])
            for name, given, place in (("dW", dW, g.weights[l]), ("db", db, g.biases[l] if model.bias else None)):
                if place is not None:
                    place[:] = shaped(name, given, place.shape)
            if l > 0:
                delta = shaped("hidden_delta", hidden(model.weights[l], delta, h[l]), h[l].shape)
        return cost, g

    return {"feed_forward": numpy.feed_forward, "gradient": gradient}


def _output(Y: Array, H: Array) -> Array:
    return (H - Y) * H * (1 - H)  # type: ignore[no-any-return]


def _hidden(W: Array, delta: Array, H: Array) -> Array:
    return (delta @ W) * H * (1 - H)  # type: ignore[no-any-return]


def _weights(delta: Array, H: Array) -> tuple[Array, Array]:
    return delta.T @ H, delta.sum(axis=0)


def output_delta(task: Any) -> Functions:
    """The output's delta, in networks without hidden layers."""
    return _backpropagation(task.output_delta, _hidden, _weights, deep=False)


def hidden_delta(task: Any) -> Functions:
    """Within backpropagation."""
    return _backpropagation(_output, task.hidden_delta, _weights, deep=True)


def weight_gradient(task: Any) -> Functions:
    """Within backpropagation."""
    return _backpropagation(_output, _hidden, task.weight_gradient, deep=True)


def softmax_cross_entropy(task: Any) -> Functions:
    """Softmax and cross-entropy in the output layer, after sigmoids."""
    numpy = backend("numpy")

    def forward(model: Any, x: Array) -> tuple[list[Array], Array]:
        if model.activations[-1] != "softmax" or "softmax" in model.activations[:-1]:
            raise NotImplementedError("softmax in the output layer")
        kept: list[Array] = []

        def activate(name: str, z: Array) -> Any:
            if name == "softmax":
                kept.append(z)
                return task.softmax(z)
            return numpy.ACTIVATIONS[name].activate(np, z)

        return _layers(model, np.atleast_2d(x), activate), kept[0]

    def feed_forward(model: Any, x: Array) -> list[Any]:
        h = forward(model, x)[0]
        return h if x.ndim == 2 else [layer[0] for layer in h]

    def evaluate(model: Any, X: Array, Y: Array, reduction: str = "mean") -> tuple[float, Array]:
        _only(model, {*model.activations}, ("cross_entropy",))
        h, z = forward(model, X)
        return float(_share(X, reduction) * task.cost(Y, z)), h[-1]

    def gradient(model: Any, X: Array, Y: Array, reduction: str = "mean") -> tuple[float, Any]:
        cost, _ = evaluate(model, X, Y, reduction)
        h, g = forward(model, X)[0], model.theta.empty_like()
        delta = np.asarray(task.delta(Y, h[-1])) * model.dtype.type(_share(X, reduction))
        for l in range(len(model.weights) - 1, -1, -1):
            g.weights[l][:] = delta.T @ h[l]
            if model.bias:
                g.biases[l][:] = delta.sum(axis=0)
            if l > 0:
                delta = delta @ model.weights[l]
                delta = numpy.ACTIVATIONS[model.activations[l - 1]].backward(np, h[l], delta)
        return cost, g

    return {"feed_forward": feed_forward, "evaluate": evaluate, "gradient": gradient}


def compile_it(task: Any) -> Functions:
    """One layer of one sample, by a function that Numba has compiled."""

    def feed_forward(model: Any, x: Array) -> list[Array]:
        _only(model, {"sigmoid"})
        if not hasattr(task.layer, "py_func"):
            raise NotImplementedError("layer is not compiled: decorate it with @njit")
        rows = []
        for row in np.atleast_2d(x):
            h = [row]
            for l, W in enumerate(model.weights):
                h.append(task.layer(W, model.biases[l] if model.bias else np.zeros(len(W), W.dtype), h[-1]))
            rows.append(h)
        layers = (np.array([row[l] for row in rows]) for l in range(len(model.sizes)))
        return [h if x.ndim == 2 else h[0] for h in layers]

    return {"feed_forward": feed_forward}


def _as_it_is(task: Any) -> Functions:
    return {name: getattr(task, name) for name in ("feed_forward", "gradient", "run_updates") if hasattr(task, name)}


ADAPTERS: dict[str, Callable[[Any], Functions]] = {
    "sigmoid": sigmoid,
    "feed-forward-loops": feed_forward_loops,
    "feed-forward-arrays": feed_forward_arrays,
    "activations": activations,
    "output-delta": output_delta,
    "hidden-delta": hidden_delta,
    "weight-gradient": weight_gradient,
    "update": update,
    "mini-batches": mini_batches,
    "softmax-cross-entropy": softmax_cross_entropy,
    "momentum": momentum,
    "compile-it": compile_it,
    "find-the-bug": _as_it_is,
    "find-the-bug-in-training": _as_it_is,
}


def module(name: str, task: Any) -> ModuleType:
    """The backend built from an exercise's file."""
    vars(made := ModuleType("exercise")).update(ADAPTERS[name](task))
    return made
