"""Small stand-ins for PyTorch and Keras, for tests where these are not installed.

They have the attributes of a fitted model that `samenet.storage.conversion` reads, under the same names, and compute
nothing.
"""

from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np


class Tensor:
    def __init__(self, numbers: Any, dtype: str = "") -> None:
        self.numbers = np.asarray(numbers)
        self.dtype = f"torch.{dtype or self.numbers.dtype}"

    def is_floating_point(self) -> bool:
        return "float" in self.dtype

    def detach(self) -> "Tensor":
        return self

    cpu = detach

    def double(self) -> "Tensor":
        return Tensor(self.numbers.astype(float))

    def half(self) -> "Tensor":
        return Tensor(self.numbers.astype(np.float16))

    def numpy(self) -> Any:
        return self.numbers


class Module:
    def __init__(self, *given: Any, **settings: Any) -> None:
        self._forward_hooks: dict[int, Any] = {}
        self._forward_pre_hooks: dict[int, Any] = {}

    def forward(self, x: Any) -> Any:
        raise AssertionError("stand-ins compute nothing")

    def register_forward_hook(self, hook: Any) -> None:
        self._forward_hooks[0] = hook


class Sequential(Module):
    def forward(self, x: Any) -> Any:
        return super().forward(x)

    def __init__(self, *modules: Module) -> None:
        super().__init__()
        self._modules = {str(i): module for i, module in enumerate(modules)}

    def named_children(self) -> Any:
        first = {id(module): (name, module) for name, module in reversed(self._modules.items())}
        return [child for child in self._modules.items() if first[id(child[1])] == child]


class Linear(Module):
    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight, self.bias = Tensor(np.zeros((n_out, n_in))), Tensor(np.zeros(n_out))


class BatchNorm1d(Module):
    def __init__(self, n: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps, self.weight, self.bias = eps, Tensor(np.ones(n)), Tensor(np.zeros(n))
        self.running_mean, self.running_var = Tensor(np.zeros(n)), Tensor(np.ones(n))


class Softmax(Module):
    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim


class Flatten(Module):
    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim


def torch() -> ModuleType:
    """`torch`."""
    plain = ("Sigmoid", "Tanh", "ReLU", "Identity", "Dropout", "LogSoftmax", "LeakyReLU")
    made: Any = ModuleType("torch")
    made.tensor = Tensor
    classes = (
        Module,
        Sequential,
        Linear,
        BatchNorm1d,
        Softmax,
        Flatten,
        *(type(name, (Module,), {}) for name in plain),
    )
    made.nn = SimpleNamespace(**{cls.__name__: cls for cls in classes}, Parameter=lambda tensor: tensor)
    return made  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------------------------------- Keras


class Variable:
    def __init__(self, numbers: Any) -> None:
        self.assign(numbers)

    def assign(self, numbers: Any) -> None:
        self.numbers = np.asarray(numbers)
        self.dtype = str(self.numbers.dtype)


def _activation(name: str) -> Any:
    function = lambda x: x  # noqa: E731
    function.__name__ = name
    return function


ACTIVATIONS = SimpleNamespace(**{n: _activation(n) for n in ("linear", "sigmoid", "tanh", "relu", "softmax", "gelu")})


def _function(activation: Any) -> Any:
    return getattr(ACTIVATIONS, activation) if isinstance(activation, str) else activation


class Layer:
    """A layer, called on a tensor; one that has been called twice has no `input`."""

    def __init__(self, *given: Any, name: str = "layer") -> None:
        self.name, self.calls = name, list[Any]()

    def build(self, n: int) -> int:
        return n

    def __call__(self, tensor: Any) -> Any:
        output = SimpleNamespace(
            shape=(*tensor.shape[:-1], self.build(tensor.shape[-1])), made_by=[*tensor.made_by, self]
        )
        self.calls.append((tensor, output))
        return output

    @property
    def input(self) -> Any:
        ((tensor, _),) = self.calls
        return tensor

    @property
    def output(self) -> Any:
        return self.calls[-1][1]


class InputLayer(Layer):
    pass


class Dense(Layer):
    def __init__(self, units: int, activation: Any = None, use_bias: bool = True, **given: Any) -> None:
        super().__init__(**given)
        self.units, self.activation, self.use_bias = units, _function(activation or "linear"), use_bias
        self.quantization_mode: str | None = None

    def build(self, n: int) -> int:
        self.kernel = Variable(np.zeros((n, self.units)))
        self.bias = Variable(np.zeros(self.units)) if self.use_bias else None
        return self.units


class Activation(Layer):
    def __init__(self, activation: Any) -> None:
        super().__init__()
        self.activation = _function(activation)


class ReLU(Layer):
    def __init__(self, max_value: float | None = None) -> None:
        super().__init__()
        self.max_value, self.negative_slope, self.threshold = max_value, 0.0, 0.0


class AxisSoftmax(Layer):
    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        self.axis = axis


AxisSoftmax.__name__ = "Softmax"


class BatchNormalization(Layer):
    def __init__(self, axis: int = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True) -> None:
        super().__init__()
        self.axis, self.epsilon, self.center, self.scale = axis, epsilon, center, scale

    def build(self, n: int) -> int:
        self.gamma, self.beta = Variable(np.ones(n)), Variable(np.zeros(n))
        self.moving_mean, self.moving_variance = Variable(np.zeros(n)), Variable(np.ones(n))
        return n


class Model(Layer):
    def __new__(cls, *given: Any, **settings: Any) -> Any:
        return super().__new__(Functional if cls is Model else cls)


class KerasSequential(Model):
    def __init__(self, layers: Any, name: str = "sequential") -> None:
        super().__init__(name=name)
        tensor = layers[0] if isinstance(layers[0], SimpleNamespace) else None
        self.layers = layers if tensor is None else layers[1:]
        self.built = tensor is not None
        if tensor is not None:
            self._run(tensor)

    def _run(self, tensor: Any) -> Any:
        for layer in self.layers:
            tensor = layer(tensor)
        return tensor

    def build(self, n: int) -> int:
        self.built = True
        return int(self._run(SimpleNamespace(shape=(None, n), made_by=[])).shape[-1])


KerasSequential.__name__ = "Sequential"


class Functional(Model):
    def __init__(self, inputs: Any, outputs: Any) -> None:
        super().__init__(name="functional")
        listed = lambda value: value if isinstance(value, list) else [value]  # noqa: E731
        self.inputs, self.outputs, self.built = listed(inputs), listed(outputs), True
        self.layers = [InputLayer(), *dict.fromkeys(layer for one in self.outputs for layer in one.made_by)]


def keras() -> ModuleType:
    """`keras`."""
    plain = ("Dropout", "Flatten", "LeakyReLU", "Rescaling")
    made: Any = ModuleType("keras")
    layers = (InputLayer, Dense, Activation, ReLU, AxisSoftmax, BatchNormalization)
    made.layers = SimpleNamespace(
        **{cls.__name__: cls for cls in (*layers, *(type(name, (Layer,), {}) for name in plain))}
    )
    made.Model, made.Sequential, made.activations = Model, KerasSequential, ACTIVATIONS
    made.Input = lambda shape: SimpleNamespace(shape=(None, *shape), made_by=[])
    made.ops = SimpleNamespace(
        cast=lambda variable, dtype: Variable(variable.numbers.astype(dtype)),
        convert_to_numpy=lambda variable: variable.numbers,
    )
    return made  # type: ignore[no-any-return]
