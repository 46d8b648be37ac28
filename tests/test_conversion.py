"""Networks from PyTorch and Keras predict the same; what samenet cannot represent is refused with its reason.

The tests use the libraries if they are installed, otherwise stand-ins; expected answers are computed here, in NumPy.
"""

import importlib.util
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import stand_ins
from agreement import Backend
from children import printed

import samenet
from samenet.storage.conversion import torch_module as torch_module_
from samenet.storage.conversion.chain import Chain

random = np.random.default_rng(5)
X = random.standard_normal((40, 5))
W = [random.standard_normal(shape) for shape in ((7, 5), (4, 7), (3, 4))]
B = [random.standard_normal(n) for n in (7, 4, 3)]


def norm(n: int, epsilon: float = 1e-5) -> tuple[Any, ...]:
    gamma, beta, mean = random.uniform(0.5, 2, n), random.standard_normal(n), random.standard_normal(n)
    return "norm", gamma, beta, mean, random.uniform(0.1, 2, n), epsilon


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
}

# The layers of a model, the network's activations, and the layers that are normalized.
MODELS: dict[str, tuple[list[tuple[Any, ...]], tuple[str, ...], tuple[bool, ...]]] = {
    "three layers": (
        [("dense", W[0], B[0]), ("tanh",), ("dense", W[1], None), ("sigmoid",), ("dense", W[2], B[2]), ("softmax",)],
        ("tanh", "sigmoid", "softmax"),
        (False, False),
    ),
    "no biases": ([("dense", W[0], None), ("relu",), ("dense", W[1], None)], ("relu", "identity"), (False,)),
    "only in training": (
        [("flatten",), ("dropout",), ("dense", W[0], B[0]), ("dropout",), ("relu",), ("dense", W[1], B[1])],
        ("relu", "identity"),
        (False,),
    ),
    "normalized": (
        [("dense", W[0], B[0]), norm(7), ("relu",), ("dense", W[1], None), norm(4, 1e-3), ("dense", W[2], B[2])],
        ("relu", "identity", "identity"),
        (True, True),
    ),
    "normalized elsewhere": (
        [
            norm(5),
            ("dense", W[0], B[0]),
            ("relu",),
            norm(7),
            norm(7, 0.1),
            ("dense", W[1], None),
            norm(4),
            ("sigmoid",),
        ],
        ("relu", "sigmoid"),
        (False,),
    ),
    "normalized at its end": ([("dense", W[0], None), norm(7), norm(7)], ("identity",), ()),
    "tiny variances": (
        [("dense", W[0], B[0]), ("norm", B[0], B[0], B[0], np.full(7, 1e-9), 1e-8), ("tanh",), ("dense", W[1], None)],
        ("tanh", "identity"),
        (False,),
    ),
}


def expected(model: list[tuple[Any, ...]], h: Any) -> Any:
    for kind, *given in model:
        if kind == "dense":
            h = h @ given[0].T + (0 if given[1] is None else given[1])
        elif kind == "norm":
            gamma, beta, mean, variance, epsilon = given
            h = gamma * (h - mean) / np.sqrt(variance + epsilon) + beta
        else:
            h = FUNCTIONS.get(kind, lambda z: z)(h)
    return h


@pytest.fixture(name="torch")
def installed_torch(monkeypatch: pytest.MonkeyPatch) -> Any:
    if importlib.util.find_spec("torch") is not None:
        return importlib.import_module("torch")
    made = stand_ins.torch()
    monkeypatch.setitem(sys.modules, "torch", made)
    return made


@pytest.fixture(name="keras")
def installed_keras(monkeypatch: pytest.MonkeyPatch) -> Any:
    if importlib.util.find_spec("keras") is not None:
        keras = importlib.import_module("keras")
        keras.config.set_floatx("float64")
        return keras
    made = stand_ins.keras()
    monkeypatch.setitem(sys.modules, "keras", made)
    return made


def torch_layer(torch: Any, kind: str, *given: Any) -> Any:
    nn, parameter = torch.nn, lambda array: torch.nn.Parameter(torch.tensor(array))
    if kind == "dense":
        layer = nn.Linear(given[0].shape[1], given[0].shape[0])
        layer.weight, layer.bias = parameter(given[0]), None if given[1] is None else parameter(given[1])
        return layer
    if kind == "norm":
        layer = nn.BatchNorm1d(len(given[0]), eps=given[4])
        layer.weight, layer.bias = parameter(given[0]), parameter(given[1])
        layer.running_mean, layer.running_var = torch.tensor(given[2]), torch.tensor(given[3])
        return layer
    names = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "ReLU", "dropout": "Dropout", "flatten": "Flatten"}
    return nn.Softmax(dim=1) if kind == "softmax" else getattr(nn, names[kind])()


def torch_module(torch: Any, model: list[tuple[Any, ...]]) -> Any:
    return torch.nn.Sequential(*(torch_layer(torch, *layer) for layer in model))


def keras_model(keras: Any, model: list[tuple[Any, ...]], functional: bool = False) -> Any:
    layers, made = keras.layers, []
    for kind, *given in model:
        if kind == "dense":
            made.append(layers.Dense(len(given[0]), use_bias=given[1] is not None))
        elif kind == "norm":
            made.append(layers.BatchNormalization(epsilon=given[4]))
        elif kind in FUNCTIONS:
            made.append(layers.ReLU() if kind == "relu" else layers.Activation(kind))
        else:
            made.append({"dropout": lambda: layers.Dropout(0.5), "flatten": layers.Flatten}[kind]())
    start = keras.Input((5,))
    if functional:
        end = start
        for layer in made:
            end = layer(end)
        found = keras.Model(start, end)
    else:
        found = keras.Sequential([start, *made])
    for layer, (kind, *given) in zip(made, model, strict=True):
        if kind == "dense":
            layer.kernel.assign(given[0].T)
            if given[1] is not None:
                layer.bias.assign(given[1])
        elif kind == "norm":
            names = ("gamma", "beta", "moving_mean", "moving_variance")
            for name, numbers in zip(names, given[:4], strict=True):
                getattr(layer, name).assign(numbers)
    return found


def check(net: samenet.Network, name: str) -> None:
    model, activations, normalized = MODELS[name]
    assert np.abs(net.predict(X) - expected(model, X)).max() < 1e-12
    assert net.activations == activations
    assert net.dtype == np.float64
    flags = net.batch_normalization
    assert (flags if isinstance(flags, tuple) else (flags,) * len(normalized)) == normalized


@pytest.mark.parametrize("name", MODELS)
def test_a_module_of_torch_predicts_the_same(name: str, torch: Any, backend: Backend) -> None:
    module = torch_module(torch, MODELS[name][0])
    check(samenet.from_torch(module, backend=backend.name), name)
    if hasattr(torch, "no_grad"):
        with torch.no_grad():
            theirs = module.eval()(torch.tensor(X)).numpy()
        assert np.abs(samenet.from_torch(module, backend=backend.name).predict(X) - theirs).max() < 1e-12


@pytest.mark.parametrize("functional", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_keras_predicts_the_same(name: str, functional: bool, keras: Any, backend: Backend) -> None:
    check(samenet.from_keras(keras_model(keras, MODELS[name][0], functional), backend=backend.name), name)


def test_a_module_in_modules_and_a_single_layer(torch: Any) -> None:
    model = MODELS["three layers"][0]
    inner = torch.nn.Sequential(torch_module(torch, model[:3]), torch_module(torch, model[3:]), torch.nn.Identity())
    check(samenet.from_torch(inner, backend="numpy"), "three layers")
    one = samenet.from_torch(torch_layer(torch, *model[0]), backend="numpy")
    np.testing.assert_allclose(one.predict(X), X @ W[0].T + B[0], rtol=0, atol=1e-12)


def test_a_module_of_torch_that_is_there_again(torch: Any, backend: Backend) -> None:
    """One activation is often used for all layers; a layer and a Sequential can be used again, too."""
    act, layer = torch.nn.Sigmoid(), torch_layer(torch, "dense", W[0][:4, :4], B[0][:4])
    both = torch.nn.Sequential(layer, act)
    net = samenet.from_torch(torch.nn.Sequential(both, layer, act, both), backend=backend.name)
    assert (net.sizes, net.activations) == ((4, 4, 4, 4), ("sigmoid",) * 3)
    expected = X[:, :4]
    for _ in range(3):
        expected = 1 / (1 + np.exp(-(expected @ W[0][:4, :4].T + B[0][:4])))
    np.testing.assert_allclose(net.predict(X[:, :4]), expected, rtol=0, atol=1e-12)


def test_a_model_in_a_model(keras: Any) -> None:
    inner = keras.Sequential([keras.layers.Dense(4, activation="tanh")])
    outer = keras.Sequential([keras.Input((5,)), inner, keras.layers.Dense(2, activation="softmax")])
    net = samenet.from_keras(outer, backend="numpy", cost="cross_entropy")
    assert (net.sizes, net.activations, net.cost_function) == ((5, 4, 2), ("tanh", "softmax"), "cross_entropy")


def test_weights_are_copied_and_can_be_trained(torch: Any) -> None:
    module = torch_module(torch, MODELS["normalized"][0])
    net = samenet.from_torch(module, backend="numpy", cost="sum_of_squares")
    net.train(X, np.zeros((40, 3)), alpha=0.01, epochs=3)
    assert net.history is not None
    assert net.history.cost[-1] < net.history.cost[0]
    check(samenet.from_torch(module, backend="numpy"), "normalized")


def test_the_dtype_is_the_modules_or_the_one_that_is_given(torch: Any) -> None:
    module = torch_module(torch, [("dense", W[0].astype(np.float32), B[0].astype(np.float32))])
    assert samenet.from_torch(module, backend="numpy").dtype == np.float32
    assert samenet.from_torch(module, backend="numpy", dtype=np.float64).dtype == np.float64
    layer = torch_layer(torch, "dense", W[0], B[0])
    layer.weight, layer.bias = (torch.nn.Parameter(one.detach().half()) for one in (layer.weight, layer.bias))
    with pytest.raises(ValueError, match=r"^dtype: expected .* for weights of float16, got None"):
        samenet.from_torch(layer)
    net = samenet.from_torch(layer, backend="numpy", dtype="float32")
    np.testing.assert_array_equal(net.weights[0], W[0].astype(np.float16).astype(np.float32))


DENSE = ("dense", W[0], B[0])
REFUSED: dict[str, Any] = {  # what a module of torch is made of, and what is said
    "no such layer": (
        lambda t: [torch_layer(t, *DENSE), t.nn.LeakyReLU()],
        r"module\[1\] \(LeakyReLU\): samenet has no",
    ),
    "before all weights": (lambda t: [t.nn.ReLU(), torch_layer(t, *DENSE)], r"module\[0\] \(ReLU\): no weights"),
    "two activations": (
        lambda t: [torch_layer(t, *DENSE), t.nn.ReLU(), t.nn.Tanh()],
        r"module\[2\] .*another activation",
    ),
    "a logarithm": (lambda t: [torch_layer(t, *DENSE), t.nn.LogSoftmax(1)], r"module\[1\] .*replace it by Softmax"),
    "along samples": (lambda t: [torch_layer(t, *DENSE), t.nn.Softmax(0)], r"module\[1\] .*dim=0"),
    "one node": (lambda t: [torch_layer(t, "dense", W[0][:1], None), t.nn.Softmax(1)], r"module\[1\] .*always 1"),
    "widths": (lambda t: [torch_layer(t, *DENSE), torch_layer(t, *DENSE)], r"module\[1\] .*takes 5 .* 7 nodes"),
    "width of a norm": (
        lambda t: [torch_layer(t, *DENSE), torch_layer(t, *norm(4))],
        r"module\[1\] .*of 4 nodes, not of 7",
    ),
    "nothing": (lambda t: [t.nn.Dropout()], "expected at least one layer with weights"),
    "at the end": (
        lambda t: [torch_layer(t, *DENSE), t.nn.ReLU(), torch_layer(t, *norm(7))],
        "its end: .*normalization",
    ),
    "flattened late": (lambda t: [torch_layer(t, *DENSE), t.nn.Flatten()], r"module\[1\] \(Flatten\): samenet has no"),
    "infinite": (lambda t: [torch_layer(t, "dense", W[0] + np.inf, B[0])], r"module\[0\] .*weight: expected finite"),
}


@pytest.mark.without_jit
@pytest.mark.parametrize(("make", "said"), REFUSED.values(), ids=REFUSED)
def test_a_module_that_cannot_be_represented(make: Any, said: str, torch: Any) -> None:
    with pytest.raises(ValueError, match=f"^module: {said}"):
        samenet.from_torch(torch.nn.Sequential(*make(torch)))


@pytest.mark.without_jit
def test_a_module_that_may_answer_anything(torch: Any) -> None:
    class Own(torch.nn.Linear):  # type: ignore[name-defined, misc]
        pass

    class Chain(torch.nn.Sequential):  # type: ignore[name-defined, misc]
        pass

    class Twice(torch.nn.Sequential):  # type: ignore[name-defined, misc]
        def forward(self, x: Any) -> Any:
            return super().forward(super().forward(x))

    assert samenet.from_torch(Chain(torch_layer(torch, *DENSE)), backend="numpy").sizes == (5, 7)
    with pytest.raises(ValueError, match=r"^module: module \(Twice\): .*own classes"):
        samenet.from_torch(Twice(torch_layer(torch, "dense", W[0][:5], None)))
    hooked, patched, bare = (torch_layer(torch, *DENSE) for _ in range(3))
    hooked.register_forward_hook(lambda *given: None)
    patched.forward = lambda x: x
    statistics = torch_layer(torch, *norm(7))
    statistics.running_mean = statistics.running_var = None
    cases = ((Own(5, 7), "own classes"), (hooked, "hooks"), (patched, "forward has been replaced"))
    for layer, said in cases:
        with pytest.raises(ValueError, match=rf"^module: module\[0\] .*{said}"):
            samenet.from_torch(torch.nn.Sequential(layer))
    with pytest.raises(ValueError, match=r"^module: module\[1\] .*no running statistics"):
        samenet.from_torch(torch.nn.Sequential(bare, statistics))


@pytest.mark.without_jit
def test_a_model_that_cannot_be_represented(keras: Any) -> None:
    layers = keras.layers
    cases = {
        "activation, gelu": [layers.Dense(3, activation="gelu")],
        r"\(LeakyReLU\): samenet has no such layer": [layers.Dense(3), layers.LeakyReLU()],
        "no maximum": [layers.Dense(3), layers.ReLU(max_value=6)],
        "axis=0": [layers.Dense(3), layers.Softmax(axis=0)],
        "no weights are before it": [layers.ReLU(), layers.Dense(3)],
    }
    for said, made in cases.items():
        with pytest.raises(ValueError, match=f"^model: .*{said}"):
            samenet.from_keras(keras.Sequential([keras.Input((5,)), *made]))
    with pytest.raises(ValueError, match=r"^model: .*takes \(None, 4, 5\), not samples that are rows"):
        samenet.from_keras(keras.Sequential([keras.Input((4, 5)), layers.Dense(3)]))
    with pytest.raises(ValueError, match="^model: expected a model that is built"):
        samenet.from_keras(keras.Sequential([layers.Dense(3)]))
    start, shared = keras.Input((5,)), layers.Dense(5)
    once = layers.Dense(4)(start)
    with pytest.raises(ValueError, match="neither Sequential nor a functional model of one"):
        samenet.from_keras(keras.Model(start, [once, layers.Dense(2)(once)]))
    with pytest.raises(ValueError, match="does not simply follow|not that of its last layer"):
        samenet.from_keras(keras.Model(start, shared(shared(start))))


@pytest.mark.without_jit
@pytest.mark.parametrize("convert", ["from_torch", "from_keras"])
def test_other_objects_and_arguments_are_refused(convert: str, torch: Any, keras: Any) -> None:
    for other in (None, 3, [1], samenet.backend("numpy").Network([2, 1])):
        with pytest.raises(TypeError, match="^(module|model): expected a"):
            getattr(samenet, convert)(other)
    model = torch_module(torch, [DENSE]) if convert == "from_torch" else keras_model(keras, [DENSE])
    for name, value in {"backend": "nump", "dtype": "int8", "cost": "mse"}.items():
        with pytest.raises((ValueError, TypeError), match=f"^{name}: expected"):
            getattr(samenet, convert)(model, **{name: value})


@pytest.mark.compiled
def test_neither_library_is_imported() -> None:
    code = (
        "import sys, samenet\nfor f in (samenet.from_torch, samenet.from_keras):\n try: f(3)\n except TypeError: pass\n"
    )
    assert printed(code + "print({'torch', 'keras', 'sklearn', 'numba'} & set(sys.modules))").strip() == "set()"


@pytest.mark.without_jit
def test_numbers_that_are_not_real_or_cannot_be_read() -> None:
    for is_real, said in ((False, "expected real numbers, got complex64"), (True, "its numbers cannot be read")):
        tensor = SimpleNamespace(is_floating_point=lambda is_real=is_real: is_real, dtype="complex64")
        with pytest.raises(ValueError, match=rf"^module: W: {said}"):
            torch_module_._numbers(Chain("module"), "W", tensor)
