"""The array backends: on NumPy arrays, for their shared code; on PyTorch and JAX, which `make test-arrays` installs."""

import importlib.util
import inspect
import pickle
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import array_numpy
import numpy as np
import pytest
from children import printed

import samenet
from samenet import optimizers
from samenet.backends import EXTRAS, backends, known_backends, missing
from samenet.compare import cases
from samenet.compare.measurement import measure
from samenet.schedules import StepDecay
from samenet.testing import check_backend
from samenet.testing.parts import PARTS

pytestmark = pytest.mark.without_jit
FUNCTIONS = ("feed_forward", "predict", "evaluate", "gradient", "run_updates")


def found(library: str) -> ModuleType:
    """The backend on a library's arrays, if the library is installed."""
    if absent := missing([library]):
        pytest.skip(f"{absent[library]}: no part of `make test`; `make test-arrays` installs it")
    return samenet.backend(library)


@pytest.fixture(params=["numpy", *EXTRAS])
def module(request: pytest.FixtureRequest) -> Any:
    """A backend on arrays."""
    return array_numpy if request.param == "numpy" else found(request.param)


@pytest.fixture(params=EXTRAS)
def name(request: pytest.FixtureRequest) -> str:
    """A backend of an extra."""
    found(request.param)
    return str(request.param)


def networks(module: Any, *sizes: int, **settings: Any) -> tuple[Any, Any]:
    """The same network on the backend and on the reference."""
    return tuple(m.Network(sizes, seed=3, **settings) for m in (module, samenet.backend("reference")))  # type: ignore[return-value]


def samples(n_in: int, n_out: int, m: int = 5) -> tuple[Any, Any]:
    random = np.random.default_rng(7)
    return random.normal(size=(m, n_in)), random.uniform(size=(m, n_out))


# ------------------------------------------------------------------------------------------------------ the contract


# JAX compiles each network separately, which takes most of the time, so that one network tests many options.
@pytest.mark.parametrize("part", [part.name for part in PARTS])
def test_the_contract(module: Any, part: str) -> None:
    report = check_backend(module, parts=[part], shrink=False)
    assert report.ok, str(report)
    assert [one.status for one in report.parts] == ["passed"], "offered, by functions of its own"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_functions_are_called_alike(module: Any, function: str) -> None:
    mine, theirs = (inspect.signature(getattr(m, function)) for m in (module, samenet.backend("reference")))
    shape = [[(p.name, p.kind, p.default) for p in one.parameters.values()] for one in (mine, theirs)]
    assert shape[0] == shape[1]


@pytest.mark.parametrize("bias", [True, False])
def test_every_option_of_the_loop_at_once(module: Any, bias: bool) -> None:
    """The streams of orders and masks are the same, so only rounding differs."""
    net, trusted = networks(module, 3, 4, 2, bias=bias, l2=0.01)
    X, Y = samples(3, 2, m=7)
    options: dict[str, Any] = {"alpha": StepDecay(0.2, 0.5, 2), "epochs": 5, "batch_size": 3, "seed": 1}
    options |= {"dropout": 0.3, "drop_connect": 0.2, "clip_value": 0.3, "clip_norm": 0.2, "optimizer": "adam"}
    options |= {"sample_weight": [1, 0, 2, 0.5, 0, 3, 1]}
    records = [one.train(X, Y, **options) for one in (net, trusted)]
    np.testing.assert_allclose(net.parameters, trusted.parameters, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(records[0].cost, records[1].cost, rtol=1e-9)


def test_a_sample_of_weight_0_is_met_by_nothing(module: Any) -> None:
    net, (X, Y) = networks(module, 3, 4, 2)[0], samples(3, 2)
    weights, X[1] = np.array([1.0, 0, 2, 1, 1]), 1e300
    kept = weights > 0
    cost, slope = net.backend.gradient(net.model, X, Y, "mean", sample_weight=weights)
    expected, direction = net.backend.gradient(net.model, X[kept], Y[kept], "mean", sample_weight=weights[kept])
    X[1] = np.nan
    assert net.backend.gradient(net.model, X, Y, "mean", sample_weight=weights)[0] == cost
    assert cost == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(slope.flat, direction.flat, rtol=1e-12, atol=1e-15)


def test_training_by_an_optimizer_of_scipy(module: Any) -> None:
    net, trusted = networks(module, 3, 4, 2)
    for one in (net, trusted):
        one.train(*samples(3, 2, m=7), epochs=4, optimizer="lbfgs")
    np.testing.assert_allclose(net.parameters, trusted.parameters, rtol=1e-7, atol=1e-9)


def test_one_call_is_many(module: Any) -> None:
    """However training is split into calls, its bits are the same."""
    net, (X, Y), rule = networks(module, 3, 4, 2)[0], samples(3, 2, m=7), optimizers.Adam()
    order, ends = np.array([[6, 5, 4, 3, 2, 1, 0], [0, 2, 4, 6, 1, 3, 5], [3, 1, 4, 0, 5, 2, 6]]), []
    for calls in ([slice(0, 3)], [slice(0, 1), slice(1, 3)], [slice(i, i + 1) for i in range(3)]):
        one = net.copy()
        state, run = rule.state(one.model.theta), one.backend.run_updates
        for part in calls:
            run(one.model, X, Y, rule, alpha=0.1, batch_size=3, order=order[part], state=state)
        assert state.t == 9
        ends.append(one.parameters.tobytes() + state.values.tobytes())
    assert len(set(ends)) == 1


def test_nothing_given_is_written_to_and_nothing_returned_is_shared(module: Any) -> None:
    net, (X, Y) = networks(module, 3, 4, 2, activation="identity")[0], samples(3, 2)
    before = net.parameters.copy(), X.copy(), Y.copy()
    for a in (net.parameters, X, Y):
        a.flags.writeable = False
    outputs = [net.predict(X), net.predict(X[0]), *net.feed_forward(X), net.gradient(X, Y)[1].flat]
    for output in outputs:
        output[...] = 7  # it is writable
    for a, b in zip((net.parameters, X, Y), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_options_beyond_float32(module: Any) -> None:
    """Limits that clip nothing, and a learning rate that becomes infinite: no warning, and no error of the library."""
    X, Y = np.ones((3, 2)), np.ones((3, 2))
    nets = [module.Network([2, 2], dtype="float32", seed=0) for _ in range(4)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for net, limit in zip(nets, ({}, {"clip_value": 1e300}, {"clip_norm": 1e300}), strict=False):
            net.train(X, Y, alpha=0.1, epochs=2, **limit)
            np.testing.assert_allclose(net.parameters, nets[0].parameters, rtol=1e-6)
        with pytest.raises(FloatingPointError, match="alpha"):
            nets[3].train(X, Y, alpha=1e39, epochs=1)


def test_samples_of_negative_strides(module: Any) -> None:
    """One row of a reversed array is contiguous to NumPy."""
    net, (X, Y) = networks(module, 3, 4, 2)[0], samples(3, 2, m=1)
    other = net.copy()
    net.train(X, Y, alpha=0.1, epochs=2)
    other.train(X[::-1], Y[::-1], alpha=0.1, epochs=2)
    assert other == net
    np.testing.assert_array_equal(net.predict(X[::-1]), net.predict(X))


def test_threads_that_predict_and_train_at_once(module: Any) -> None:
    X, Y = samples(3, 2, m=7)

    def work(_: int) -> bytes:
        net = networks(module, 3, 4, 2)[0]
        net.train(X, Y, alpha=0.1, epochs=3, batch_size=3, seed=1)
        return net.predict(X).tobytes() + net.parameters.tobytes()  # type: ignore[no-any-return]

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(work, range(8)))) == 1


# -------------------------------------------------------------------------------------------------------- the device


def test_a_device(module: Any) -> None:
    net = module.Network([2, 1], seed=0, device="cpu")
    assert net.device == net.copy().device == pickle.loads(pickle.dumps(net)).device == "cpu"
    assert module.Network([2, 1]).device == "cpu"
    assert not hasattr(net.on("numpy"), "device")
    assert net.on("numpy") == net
    net.device = "cpu"
    with pytest.raises(ValueError, match=r"device: expected one that .* has here, with float64, got 'nowhere'"):
        module.Network([2, 1], device="nowhere")
    with pytest.raises(ValueError, match="device: expected one that .* got ''"):
        net.device = ""
    with pytest.raises(TypeError, match=r"device: expected a name such as 'cpu', got 3 \(int\)"):
        net.device = 3
    assert net.device == "cpu"


def test_a_device_that_cannot_answer() -> None:
    with pytest.raises(ValueError, match="device: expected one that PyTorch has here, with float64, got 'meta'"):
        found("torch").Network([2, 1], device="meta")


SECOND = """
import jax, numpy as np, samenet
jax.config.update("jax_num_cpu_devices", 2)
cls = samenet.backend("jax").Network
one, two = (cls([2, 3, 1], seed=0, device=name) for name in ("cpu", "cpu:1"))
seen = []
put = jax.device_put
jax.device_put = lambda array, device: seen.append(f"{device.platform}:{device.id}") or put(array, device)
for net in (one, two, two.copy()):
    seen.clear()
    net.train(np.eye(2), np.ones((2, 1)), alpha=0.1, epochs=3, batch_size=1, seed=1, dropout=0.3, optimizer="adam")
    print(net.device, net.parameters.tobytes() == one.parameters.tobytes(), set(seen))
jax.config.update("jax_default_device", jax.devices("cpu")[1])
seen.clear()
print(one.predict(np.eye(2)).dtype, set(seen))
"""


def test_the_second_device_of_jax() -> None:
    found("jax")
    expected = [
        "cpu True set()",
        "cpu:1 True {'cpu:1'}",
        "cpu:1 True {'cpu:1'}",
        "float64 {'cpu:0'}",
    ]
    assert printed(SECOND).splitlines() == expected


# ------------------------------------------------------------------------------------------------- found by their name


def test_they_are_known_and_not_among_those_that_are_always_tested() -> None:
    assert not set(EXTRAS) & set(backends())
    assert known_backends() == (*backends(), *EXTRAS)
    assert {"torch", "jax"} == set(EXTRAS)
    assert all(importlib.util.find_spec(module) for module in EXTRAS.values())


@pytest.mark.parametrize("library", EXTRAS)
def test_without_the_library(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, EXTRAS[library], raising=False)
    text = rf"^the backend '{library}' cannot be imported here \(.*; try pip install 'samenet\[{library}\]'$"
    with pytest.raises(ImportError, match=text):
        samenet.backend(library)
    net = samenet.backend("numpy").Network([2, 1], seed=0)
    with pytest.raises(ImportError, match=text):
        net.on(library)


def test_every_door(name: str, tmp_path: Path) -> None:
    net = samenet.backend("numpy").Network([2, 3, 1], seed=0)
    X, Y = samples(2, 1)
    moved = net.on(name)
    assert moved == net
    np.testing.assert_allclose(moved.predict(X), net.predict(X), rtol=1e-14)
    moved.save(tmp_path / "net.npz")
    loaded = samenet.load(tmp_path / "net.npz", name)
    assert loaded.backend is samenet.backend(name)
    assert loaded.predict(X).tobytes() == moved.predict(X).tobytes()
    loaded.train(X, Y, alpha=0.1, epochs=2, seed=0, checkpoint=tmp_path / "checkpoint.npz", every=1e9)
    regressor = samenet.MLPRegressor((2,), backend=name, solver="sgd", random_state=0)
    assert regressor.partial_fit(X, Y[:, 0]).predict(X).shape == (5,)
    result = measure(cases.forward((2, 1), 1, ["reference", name]), seconds=0.01)
    assert [row.comparison.ok for row in result.rows if row.backend == name] == [True]


# ------------------------------------------------------------------------------------- settings of the user's library


def test_settings_of_jax_stay() -> None:
    found("jax")
    import jax

    net = samenet.backend("jax").Network([2, 1], seed=0)
    net.train(np.eye(2), np.ones((2, 1)), alpha=0.1, epochs=2)
    assert not jax.config.jax_enable_x64
    assert jax.config.jax_default_matmul_precision is None
    assert jax.numpy.ones(1).dtype == np.float32


TORCH = """
import numpy as np, torch, samenet
def settings():
    random = torch.get_rng_state().numpy().tobytes()
    others = torch.get_default_device(), torch.is_grad_enabled(), torch.get_num_threads(), random
    return torch.get_default_dtype(), *others
def work():
    net = samenet.backend("torch").Network([2, 3, 1], activation="relu", seed=0)
    options = {"batch_size": 1, "seed": 1, "optimizer": "adam", "clip_norm": 1, "sample_weight": [1, 2]}
    net.train(np.eye(2), np.ones((2, 1)), alpha=0.1, epochs=2, dropout=0.3, **options)
    return net.parameters.tobytes() + net.predict(np.eye(2)).tobytes()
expected = work()
torch.set_default_device("meta"), torch.set_default_dtype(torch.float16), torch.set_num_threads(1)
before = settings()
assert work() == expected
with torch.inference_mode():
    assert work() == expected
assert settings() == before
print("ok")
"""


def test_settings_of_torch_stay_and_change_nothing() -> None:
    found("torch")
    assert printed(TORCH).strip() == "ok"
