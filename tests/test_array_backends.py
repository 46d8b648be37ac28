"""The backends on arrays of PyTorch and JAX, where these libraries are installed: `make test-arrays` does that."""

import importlib.util
import pickle
from typing import Any

import agreement
import numpy as np
import pytest

import samenet
from samenet import optimizers
from samenet.functions import ACTIVATIONS, COSTS, MADE_FOR
from samenet.schedules import StepDecay

pytestmark = pytest.mark.without_jit
LIBRARIES = ("torch", "jax")


@pytest.fixture(params=LIBRARIES)
def name(request: pytest.FixtureRequest) -> str:
    """A backend whose library is here."""
    library: str = request.param
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed, as it is no part of `make test`; `make test-arrays` installs it")
    return library


def networks(name: str, *sizes: int, **settings: Any) -> tuple[Any, Any]:
    """The same network on the backend and on the reference."""
    both = (samenet.backend(n).Network(sizes, seed=3, **settings) for n in (name, "reference"))
    return next(both), next(both)


def samples(n_in: int, n_out: int, m: int = 5) -> tuple[Any, Any]:
    random = np.random.default_rng(7)
    return random.normal(size=(m, n_in)), random.uniform(size=(m, n_out))


def agree(compared: agreement.Compared) -> None:
    found = list(compared)
    assert found
    assert not [f"{what}: {comparison}" for what, comparison in found if not comparison.ok]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("cost", COSTS)
def test_outputs_costs_and_gradients(name: str, cost: str, dtype: Any) -> None:
    output = MADE_FOR.get(cost, "tanh")
    others = [a for a in ACTIVATIONS if a != "identity"]
    for hidden in others if cost == "squared_error" else others[:1]:
        settings = {"activation": [hidden, output], "cost": cost, "l1": 0.01, "l2": 0.1, "dtype": dtype}
        net, trusted = networks(name, 3, 4, 2, **settings)
        X, Y = (a.astype(dtype) for a in samples(3, 2))
        agree(agreement.forward(net, trusted, X))
        agree(agreement.gradient(net, trusted, X, Y))


RULES = [optimizers.Descent(), optimizers.Momentum(), optimizers.Nesterov(), optimizers.RMSProp(), optimizers.Adam()]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("bias", [True, False])
def test_training(name: str, rule: Any, bias: bool) -> None:
    """Every option of the loop at once; the streams of orders and masks are the same, so errors alone remain."""
    net, trusted = networks(name, 3, 4, 2, bias=bias, l2=0.01)
    X, Y = samples(3, 2, m=7)
    options: dict[str, Any] = {"alpha": StepDecay(0.2, 0.5, 2), "epochs": 5, "batch_size": 3, "seed": 1}
    options |= {"dropout": 0.3, "drop_connect": 0.2, "clip_value": 0.3, "clip_norm": 0.2, "optimizer": rule}
    records = [one.train(X, Y, **options) for one in (net, trusted)]
    np.testing.assert_allclose(net.parameters, trusted.parameters, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(records[0].cost, records[1].cost, rtol=1e-9)


@pytest.mark.parametrize(
    "options", [{"sampling": "adaptive"}, {"optimizer": "lbfgs", "alpha": None, "batch_size": None}]
)
def test_training_by_what_all_backends_share(name: str, options: dict[str, Any]) -> None:
    net, trusted = networks(name, 3, 4, 2)
    for one in (net, trusted):
        one.train(*samples(3, 2, m=7), **{"alpha": 0.1, "epochs": 4, "batch_size": 3, "seed": 1} | options)
    np.testing.assert_allclose(net.parameters, trusted.parameters, rtol=1e-7, atol=1e-9)


def test_batch_normalization(name: str) -> None:
    net, trusted = networks(name, 3, 4, 5, 2, batch_normalization=[True, False])
    X, Y = samples(3, 2, m=7)
    for one in (net, trusted):
        one.train(X, Y, alpha=0.1, epochs=4, batch_size=4, seed=1, optimizer="adam", dropout=0.2)
    np.testing.assert_allclose(net.model.theta.everything, trusted.model.theta.everything, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(net.predict(X), trusted.predict(X), rtol=1e-9)
    np.testing.assert_allclose(net.gradient(X, Y)[1].flat, trusted.gradient(X, Y)[1].flat, rtol=1e-9, atol=1e-12)


def test_one_call_is_many(name: str) -> None:
    """However training is split into calls, its bits are the same."""
    net, (X, Y), rule = networks(name, 3, 4, 2)[0], samples(3, 2, m=7), optimizers.Adam()
    order, ends = np.array([[6, 5, 4, 3, 2, 1, 0], [0, 2, 4, 6, 1, 3, 5], [3, 1, 4, 0, 5, 2, 6]]), []
    for calls in ([slice(0, 3)], [slice(0, 1), slice(1, 3)], [slice(i, i + 1) for i in range(3)]):
        one = net.copy()
        state, run = rule.state(one.model.theta), one.backend.run_updates
        for part in calls:
            run(one.model, X, Y, rule, alpha=0.1, batch_size=3, order=order[part], state=state)
        assert state.t == 9
        ends.append(one.parameters.tobytes() + state.values.tobytes())
    assert len(set(ends)) == 1


def test_nothing_given_is_written_to_and_nothing_returned_is_shared(name: str) -> None:
    net, (X, Y) = networks(name, 3, 4, 2)[0], samples(3, 2)
    before = net.parameters.copy(), X.copy(), Y.copy()
    for a in (net.parameters, X, Y):
        a.flags.writeable = False
    outputs = [net.predict(X), net.predict(X[0]), *net.feed_forward(X), net.gradient(X, Y)[1].flat]
    for output in outputs:
        output[...] = 7  # it is writable
    for a, b in zip((net.parameters, X, Y), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_device(name: str) -> None:
    cls = samenet.backend(name).Network
    net = cls([2, 1], seed=0, device="cpu")
    assert net.device == net.copy().device == pickle.loads(pickle.dumps(net)).device == "cpu"
    assert cls([2, 1]).device == "cpu"
    assert not hasattr(net.on("numpy"), "device")
    assert net.on("numpy") == net
    with pytest.raises(ValueError, match=r"device: expected one that .* has here, got 'nowhere'"):
        cls([2, 1], device="nowhere")


def test_saturation_and_what_is_not_finite(name: str) -> None:
    for activation in ACTIVATIONS:
        net, trusted = (
            samenet.backend(n).Network([1, 2], activation=activation, weights=[[[1.0], [-1.0]]])
            for n in (name, "reference")
        )
        f, expected = net.predictor(), trusted.predictor()
        for x in (1e3, -1e3, np.inf, -np.inf, np.nan):
            np.testing.assert_allclose(f([x]), expected([x]), err_msg=f"{activation} of {x}")


def test_settings_of_the_library_stay() -> None:
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed, as it is no part of `make test`; `make test-arrays` installs it")
    import jax

    net = samenet.backend("jax").Network([2, 1], seed=0)
    net.train(np.eye(2), np.ones((2, 1)), alpha=0.1, epochs=2)
    assert not jax.config.jax_enable_x64
    assert jax.numpy.ones(1).dtype == np.float32
