"""The contract: every backend offers the same functions and the same class, all of them documented."""

import doctest
import importlib
import importlib.util
import inspect
import math
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import samenet
from samenet.backends import EXTRAS, generic, missing
from samenet.model.functions import ACTIVATIONS, COSTS, MADE_FOR
from samenet.optimizers import UPDATE_RULES

PLAIN_KERNELS = True

NAMES = samenet.backends()
FUNCTIONS = ("feed_forward", "predict", "evaluate", "gradient", "run_updates")
OTHERS = ("samenet.reference", "samenet.fast", "samenet.examples")
FOUND = [module.name for module in pkgutil.walk_packages(samenet.__path__, "samenet.") if module.ispkg]
PACKAGES = ("samenet", *(name for name in FOUND if not name.startswith(OTHERS)), *OTHERS)


def shape(function: Any) -> list[tuple[str, Any, Any]]:
    """The parameters of a function: names, kinds and defaults. Their annotations may differ."""
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


def test_the_backends_by_name() -> None:
    assert NAMES[:3] == ("reference", "numpy", "numba"), "each is compared with all that stand before it"
    for name in NAMES:
        module = samenet.backend(name)
        assert isinstance(module, ModuleType)
        assert samenet.backend(name) is module
        assert module.Network.backend is module
        assert module.Network.__name__ == "Network"
        assert issubclass(module.Network, samenet.Network)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", NAMES)
def test_the_functions_are_called_alike(name: str, function: str) -> None:
    module, reference = samenet.backend(name), samenet.backend("reference")
    assert shape(getattr(module, function)) == shape(getattr(reference, function))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_a_backend_lacks_is_called_alike(function: str) -> None:
    backend = ModuleType("made_of_one")
    backend.feed_forward = samenet.backend("numpy").feed_forward  # type: ignore[attr-defined]
    generic.complete(backend)
    assert shape(getattr(backend, function)) == shape(getattr(samenet.backend("reference"), function))


def test_the_functions_are_those_of_the_contract() -> None:
    by_keyword, anyhow = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    reference = samenet.backend("reference")
    none = inspect.Parameter.empty
    assert shape(reference.feed_forward) == shape(reference.predict) == [("model", anyhow, none), ("x", anyhow, none)]
    given = [("model", anyhow, none), ("X", anyhow, none), ("Y", anyhow, none)]
    weights = ("sample_weight", anyhow, None)
    assert shape(reference.evaluate) == [*given, ("reduction", anyhow, "mean"), weights]
    masks = [("dropout", anyhow, None), ("drop_connect", anyhow, None)]
    assert shape(reference.gradient) == [*given, ("reduction", anyhow, "mean"), *masks, weights]
    assert shape(reference.run_updates) == [
        *given,
        ("rule", anyhow, none),
        ("alpha", by_keyword, none),
        ("batch_size", by_keyword, none),
        ("order", by_keyword, None),
        ("epochs", by_keyword, 1),
        ("reduction", by_keyword, "mean"),
        ("dropout", by_keyword, None),
        ("drop_connect", by_keyword, None),
        ("state", by_keyword, None),
        ("clip_value", by_keyword, math.inf),
        ("clip_norm", by_keyword, math.inf),
        ("sampler", by_keyword, None),
        ("sample_weight", by_keyword, None),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_fast_path_is_called_alike(name: str) -> None:
    anyhow, none = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty
    expected = [(argument, anyhow, none) for argument in ("model", "otherwise", "one")]
    backend = samenet.backend(name)
    assert backend.Network.backend is backend, "which gives a backend the functions that it lacks"
    assert shape(backend.fast_predict) == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("layer", ["hidden", "output"])
def test_every_activation_is_known_to_every_backend(name: str, layer: str) -> None:
    """A backend that confuses an unknown name with another would give the other's answers."""
    X, Y, ends = np.array([[0.5, -1.0], [2.0, 0.25]]), np.array([[0.0, 1.0], [1.0, 0.0]]), set()
    for activation in ACTIVATIONS:
        functions = [activation, "sigmoid"] if layer == "hidden" else ["sigmoid", activation]
        net, trusted = (samenet.backend(n).Network([2, 3, 2], activation=functions, seed=3) for n in (name, NAMES[0]))
        np.testing.assert_allclose(net.predict(X), trusted.predict(X), rtol=1e-12)
        slope, expected = net.gradient(X, Y)[1].flat, trusted.gradient(X, Y)[1].flat
        np.testing.assert_allclose(slope, expected, rtol=1e-9, atol=1e-12)
        ends.add(expected.tobytes())
        assert_trained_alike(net, trusted, X, Y)
    assert len(ends) == len(ACTIVATIONS)


@pytest.mark.parametrize("name", NAMES)
def test_every_cost_is_known_to_every_backend(name: str) -> None:
    X, Y, ends = np.array([[0.5, -1.0], [2.0, 0.25]]), np.array([[0.0, 1.0], [1.0, 0.0]]), set()
    for cost in COSTS:
        settings = {"activation": MADE_FOR.get(cost, "tanh"), "cost": cost, "seed": 3}
        net, trusted = (samenet.backend(n).Network([2, 3, 2], **settings) for n in (name, NAMES[0]))
        (value, slope), (expected, direction) = net.gradient(X, Y), trusted.gradient(X, Y)
        assert math.isclose(net.cost(X, Y), expected, rel_tol=1e-12)
        assert math.isclose(value, expected, rel_tol=1e-12)
        np.testing.assert_allclose(slope.flat, direction.flat, rtol=1e-9, atol=1e-12)
        ends.add(expected)
        assert_trained_alike(net, trusted, X, Y)
    assert len(ends) == len(COSTS)


def assert_trained_alike(net: Any, trusted: Any, X: Any, Y: Any) -> None:
    """By single samples, which small networks may learn from in functions of their own."""
    for network in (net, trusted):
        network.train(X, Y, alpha=0.1, epochs=2, batch_size=1, shuffle=False)
    np.testing.assert_allclose(net.parameters, trusted.parameters, rtol=1e-9, atol=1e-12)


LARGE = [pytest.param(name, [2, 250, 250, 1], "numpy", marks=pytest.mark.compiled) for name in NAMES[2:]]


@pytest.mark.parametrize(("name", "sizes", "other"), [*((name, [2, 1], NAMES[0]) for name in NAMES), *LARGE])
def test_every_rule_is_known_to_every_backend(name: str, sizes: list[int], other: str) -> None:
    """In large networks, too, whose steps a backend may take in another function; there, the loops would take long."""
    ends = set()
    for rule in (rule() for rule in UPDATE_RULES):
        net, trusted = (samenet.backend(n).Network(sizes, seed=0) for n in (name, other))
        state = rule.state(net.model.theta)
        args = net.model, np.eye(2), np.ones((2, 1)), rule
        net.backend.run_updates(*args, alpha=0.1, batch_size=1, epochs=3, state=state)
        assert state.t == 6
        assert all(values.any() for values in state.values)
        trusted.backend.run_updates(trusted.model, *args[1:], alpha=0.1, batch_size=1, epochs=3)
        np.testing.assert_allclose(net.parameters, trusted.parameters, rtol=1e-9, atol=1e-12)
        ends.add(net.parameters.tobytes())
    assert len(ends) == len(UPDATE_RULES)


def members(cls: type) -> dict[str, Any]:
    return {name: value for name, value in inspect.getmembers(cls) if not name.startswith("_") and name != "backend"}


@pytest.mark.parametrize("name", NAMES)
def test_the_class_is_the_same_to_a_user(name: str) -> None:
    mine, base = samenet.backend(name).Network, samenet.Network
    assert members(mine).keys() == members(base).keys()
    assert inspect.signature(mine) == inspect.signature(base)
    for member, value in members(base).items():
        if callable(value):
            assert inspect.signature(getattr(mine, member)) == inspect.signature(value), member
        else:
            assert isinstance(getattr(mine, member), property) == isinstance(value, property), member
    for expected in ("sizes", "weights", "biases", "parameters", "copy", "on", "feed_forward", "predict", "classify"):
        assert expected in members(mine)


def modules() -> list[str]:
    """Every module of the installed package. In an editable install, its folders are separate, so each is searched."""
    found = set(PACKAGES)
    for package in PACKAGES:
        where = importlib.import_module(package).__path__
        found |= {module.name for module in pkgutil.iter_modules(where, package + ".")}
    found -= {module for name, module in EXTRAS.items() if missing([name])}
    return sorted(name for name in found if not name.endswith(".__main__"))


def test_all_folders_are_walked() -> None:
    found = set(modules())
    assert {"samenet.network", "samenet.reference.backward", "samenet.fast.numba", "samenet.study.plot.nodes"} <= found


def unexplained(name: str, thing: Any) -> Iterator[str]:
    """The public functions, classes and methods below a module or a class that have no docstring."""
    for attribute, value in vars(thing).items():
        value = getattr(value, "__func__", value)
        if attribute.startswith("_") or not (inspect.isfunction(value) or inspect.isclass(value)):
            continue
        if value.__module__ != (thing.__name__ if inspect.ismodule(thing) else thing.__module__):
            continue  # imported from elsewhere, and explained there
        text = value.__doc__ or ""
        # A dataclass without a docstring gets its signature as docstring.
        if not text.strip() or text.startswith(value.__name__ + "("):
            yield f"{name}.{attribute}"
        if inspect.isclass(value):
            yield from unexplained(f"{name}.{attribute}", value)


@pytest.mark.compiled  # the same without the JIT
@pytest.mark.parametrize("name", modules())
def test_everything_public_is_explained(name: str) -> None:
    module = importlib.import_module(name)
    assert (module.__doc__ or "").strip(), "a module begins with what it is for"
    assert not list(unexplained(name, module))


def test_what_is_unexplained_is_found() -> None:
    module = ModuleType("sample", "A module.")
    source = "def f(): pass\ndef g(): 'Said.'\nclass A:\n    'Said.'\n    def m(self): pass\n    def _p(self): pass\n"
    exec(source, vars(module))
    vars(module)["__name__"] = "sample"
    for value in (module.f, module.g, module.A, module.A.m):
        value.__module__ = "sample"
    assert list(unexplained("sample", module)) == ["sample.f", "sample.A.m"]


@pytest.mark.parametrize("name", modules())
def test_examples_in_docstrings(name: str) -> None:
    module = importlib.import_module(name)
    result = doctest.testmod(module, verbose=False)
    assert result.failed == 0


def test_there_are_examples_in_docstrings() -> None:
    finder = doctest.DocTestFinder()
    found = [test for name in modules() for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(found) >= 5


def test_lazy_names() -> None:
    assert set(samenet.__all__) <= set(dir(samenet))
    for name in samenet.__all__:
        assert getattr(samenet, name) is not None
    for module in (samenet, samenet.backend("reference")):
        with pytest.raises(AttributeError, match="no_such_name"):
            module.no_such_name  # noqa: B018
