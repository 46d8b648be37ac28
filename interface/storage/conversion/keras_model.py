"""A network from a Keras 3 model."""

import sys
from typing import Any

import numpy as np

from samenet.backends import known_backends
from samenet.model.functions import Activation, Cost
from samenet.network import Network
from samenet.storage.conversion.chain import Array, Chain, Normalization, named
from samenet.validation import checks

_ACTIVATIONS: dict[str, Activation] = {
    **{"linear": "identity", "sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu", "softmax": "softmax"}
}
_NOTHING = ("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization", "Identity")


def from_keras(
    model: Any, *, backend: str = "numba", dtype: checks.DType | None = None, cost: Cost = "squared_error"
) -> Network:
    """A network that predicts the same as a Keras model, up to rounding.

    model    built: a Sequential, or a functional model whose layers follow each other, of Dense, Activation, ReLU,
             Softmax, BatchNormalization, dropout and noise, and a Flatten at its beginning; Sequential models in
             Sequential models too
    backend  the name of the backend
    dtype    that of the network; the model's if None
    cost     what further training minimises

    Weights are copied; layers that matter only in training are left out. Batch normalization of a hidden layer before
    its activation is kept; elsewhere it is folded into weights, see `samenet.storage.conversion.chain`. Raises
    TypeError for anything else, and ValueError, with the reason, for a model that a network cannot represent.
    """
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(model, keras.Model):
        got = f"{checks.short(model)} ({type(model).__name__})"
        raise TypeError(f"model: expected a Sequential or functional model of Keras, got {got}")
    checks.choice("backend", backend, known_backends())
    wanted = None if dtype is None else checks.dtype(dtype)
    chain = Chain("model")
    if not model.built:
        raise ValueError("model: expected a model that is built, got one without weights; call it, or give it an Input")
    for where, layer in _layers(chain, keras, "model", model):
        _add(chain, keras, where, layer)
    return chain.network(backend, wanted, cost)


def _layers(chain: Chain, keras: Any, where: str, model: Any) -> list[tuple[str, Any]]:
    """The layers of a model, in order, each with its position."""
    listed = [layer for layer in model.layers if type(layer) is not keras.layers.InputLayer]
    if type(model) is keras.Sequential:
        found = []
        for i, layer in enumerate(listed):
            place = f"{where}.layers[{i}]"
            is_model = isinstance(layer, keras.Model)
            found += _layers(chain, keras, place, layer) if is_model else [(place, layer)]
        return found
    if type(model).__name__ != "Functional" or len(model.inputs) != 1 or len(model.outputs) != 1:
        shown = f"{where} ({named(model)})"
        raise chain.refused(shown, "it is neither Sequential nor a functional model of one input and one output")
    flowing = model.inputs[0]
    for layer in listed:
        try:
            follows = layer.input is flowing
        except Exception:  # the layer was called more than once
            follows = False
        if not follows or isinstance(layer, keras.Model):
            shown = f"{where}: {layer.name} ({named(layer)})"
            raise chain.refused(shown, "it does not simply follow the layer before it")
        flowing = layer.output
    if flowing is not model.outputs[0]:
        raise chain.refused(f"{where} ({named(model)})", "its output is not that of its last layer")
    return [(f"{where}: {layer.name}", layer) for layer in listed]


def _add(chain: Chain, keras: Any, where: str, layer: Any) -> None:
    shown, kind = f"{where} ({named(layer)})", type(layer).__name__
    if type(layer) is not getattr(keras.layers, kind, None):
        raise chain.refused(shown, "it is not one of keras.layers' own classes, and may compute anything")
    if kind == "Dense":
        if getattr(layer, "quantization_mode", None) is not None:
            raise chain.refused(shown, f"its weights are quantized to {layer.quantization_mode}")
        if len(layer.input.shape) != 2:
            raise chain.refused(shown, f"it takes {layer.input.shape}, not samples that are rows; see Flatten")
        W = _numbers(chain, keras, f"{shown}.kernel", layer.kernel).T
        b = None if layer.bias is None else _numbers(chain, keras, f"{shown}.bias", layer.bias)
        chain.linear(shown, W, b)
        _activate(chain, keras, shown, layer.activation)
    elif kind == "Activation":
        _activate(chain, keras, shown, layer.activation)
    elif kind == "ReLU":
        if layer.max_value is not None or layer.negative_slope or layer.threshold:
            raise chain.refused(shown, "samenet's relu has no maximum, no slope below 0 and no threshold")
        chain.activate(shown, "relu")
    elif kind == "Softmax":
        if layer.axis not in (-1, 1):
            raise chain.refused(shown, f"its sums are along axis={layer.axis}, not along the nodes of a layer")
        chain.activate(shown, "softmax")
    elif kind == "BatchNormalization":
        _normalize(chain, keras, shown, layer)
    elif kind == "Flatten" and not chain.layers:
        pass  # of samples that are rows already
    elif kind not in _NOTHING:
        raise chain.refused(shown, "samenet has no such layer")


def _activate(chain: Chain, keras: Any, shown: str, function: Any) -> None:
    """An activation by Keras's own function of a name."""
    for name, ours in _ACTIVATIONS.items():
        if function is None or function is getattr(keras.activations, name):
            chain.activate(shown, "identity" if function is None else ours)
            return
    name = getattr(function, "__name__", named(function))
    raise chain.refused(shown, f"samenet does not have its activation, {name}")


def _normalize(chain: Chain, keras: Any, shown: str, layer: Any) -> None:
    if layer.axis not in (-1, 1):
        raise chain.refused(shown, f"it is along axis={layer.axis}, not along the nodes of a layer")
    mean = _numbers(chain, keras, f"{shown}.moving_mean", layer.moving_mean)
    variance = _numbers(chain, keras, f"{shown}.moving_variance", layer.moving_variance)
    gamma = _numbers(chain, keras, f"{shown}.gamma", layer.gamma) if layer.scale else np.ones_like(mean)
    beta = _numbers(chain, keras, f"{shown}.beta", layer.beta) if layer.center else np.zeros_like(mean)
    chain.normalize(shown, Normalization(gamma, beta, mean, variance, float(layer.epsilon)))


def _numbers(chain: Chain, keras: Any, where: str, variable: Any) -> Array:
    found = keras.ops.convert_to_numpy(keras.ops.cast(variable, "float64"))
    chain.dtypes.add(str(variable.dtype).rpartition(".")[2])
    return chain.numbers(where, np.array(found, np.float64))
