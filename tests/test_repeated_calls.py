"""Calls again and again on tiny networks: what is kept between them is never a check that is lost, nor a number."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from agreement import Backend

import samenet
from samenet.optimizers import BFGS, Adam

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(6, 4)), RANDOM.uniform(size=(6, 3))


def calls_of(net: Any, x: Any, y: Any) -> dict[str, Any]:
    return {
        "train": lambda: net.train(x, y, alpha=0.1, epochs=1),
        "gradient": lambda: net.gradient(x, y),
        "cost": lambda: net.cost(x, y),
    }


@pytest.mark.parametrize("call", ["train", "gradient", "cost"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_arrays_that_were_checked_and_have_changed_since(backend: Backend, call: str, dtype: str) -> None:
    net, x, y = backend.Network([4, 3, 3], seed=0, dtype=dtype), X.astype(dtype), Y.astype(dtype)
    run = calls_of(net, x, y)[call]
    for name, array in (("X", x), ("Y", y)):
        for wrong in (np.nan, np.inf, -np.inf):
            run()
            theta, before = net.parameters.copy(), array[2, 1]
            array[2, 1] = wrong
            for _ in range(2):
                with pytest.raises(ValueError, match=rf"^{name}: expected finite numbers, got .* at {name}\[2, 1\]"):
                    run()
            assert net.parameters.tobytes() == theta.tobytes()
            array[2, 1] = before
    run()
    x.shape = (4, 6)
    with pytest.raises(ValueError, match=r"^X: expected shape"):
        run()
    x.shape = (6, 4)
    y.flags.writeable = False
    run()
    net.parameters.flags.writeable = False
    if call == "train":
        with pytest.raises(ValueError, match=r"^parameters: "):
            run()


def test_targets_that_have_changed_since(backend: Backend) -> None:
    net, y = backend.Network([4, 3, 3], activation="softmax", cost="cross_entropy", seed=0), np.eye(3)[[0, 1, 2] * 2]
    for run in calls_of(net, X, y).values():
        for wrong in (1.5, -0.5):
            run()
            y[1, 1] = wrong
            with pytest.raises(ValueError, match="^Y: expected probabilities"):
                run()
            y[1, 1] = 1


def test_the_same_bytes_of_another_dtype() -> None:
    """As float64 they are finite, as float32 every other number is NaN."""
    halves = np.full((6, 8), 1.0, np.float32)
    halves[:, ::2] = np.nan
    wholes = halves.view(np.float64)
    assert np.isfinite(wholes).all()
    Network = samenet.backend("numpy").Network
    Network([4, 3], seed=0).train(wholes, Y, alpha=0.1, epochs=1)
    with pytest.raises(ValueError, match="^X: expected finite"):
        Network([8, 3], seed=0, dtype="float32").train(halves, Y.astype(np.float32), alpha=0.1, epochs=1)


def test_another_learning_rate_is_checked_and_used() -> None:
    Network = samenet.backend("numpy").Network
    for kind, wrong in ((ValueError, (0.0, -0.1, np.nan, np.inf)), (TypeError, (True, "0.1", None, [0.1], 1j))):
        for value in wrong:
            net = Network([4, 3], seed=0)
            net.train(X, Y, alpha=0.1, epochs=1)
            with pytest.raises(kind, match="^alpha: "):
                net.train(X, Y, alpha=value, epochs=1)
    for alpha in (0.25, 0.5, 1, np.float64(0.75)):
        net, other = Network([4, 3], seed=0), Network([4, 3], seed=0)
        net.train(X, Y, alpha=alpha, epochs=1)
        other.parameters -= float(alpha) * other.gradient(X, Y)[1].flat
        np.testing.assert_allclose(net.parameters, other.parameters, rtol=1e-13)
    net = Network([4, 3], seed=0)
    with pytest.raises(ValueError, match=r"^alpha: expected none for .*, got 0\.125$") as raised:
        net.train(X, Y, alpha=0.125, epochs=1, optimizer=BFGS())
    assert raised.value.__context__ is None
    with pytest.raises(ValueError, match=r"^monitors: "):
        net.train(X, Y, alpha=0.0625, epochs=1, monitors=iter(["mean_norm", "wrong"]))
    assert list(net.train(X, Y, alpha=0.03125, epochs=1, monitors=iter(["mean_norm"]))) == ["cost", "mean_norm"]


def test_rules_with_other_settings_are_others() -> None:
    Network, found = samenet.backend("numpy").Network, []
    for rule in (Adam(), Adam(beta1=0.5), Adam(epsilon=1.0), "adam", Adam(beta1=0.5)):
        net = Network([4, 3], seed=0)
        for _ in range(2):
            net.train(X, Y, alpha=0.1, epochs=2, optimizer=rule)
        found.append(net.parameters.tobytes())
    assert len(set(found)) == 3
    assert found[0] == found[3]
    assert found[1] == found[4]


@pytest.mark.parametrize("rows", [6, 300])
def test_memory_that_is_kept_is_one_calls_at_a_time(fast: Backend, rows: int) -> None:
    random = np.random.default_rng(1)
    net, x, y = fast.Network([4, 3, 3], seed=0), random.normal(size=(rows, 4)), random.uniform(size=(rows, 3))
    expected = net.gradient(x, y)[1].flat.tobytes()
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda _: net.gradient(x, y)[1].flat.tobytes(), range(40))
    assert set(found) == {expected}
    first, second = net.gradient(x, y)[1], net.gradient(-x, y)[1]
    assert first.flat.tobytes() == expected, "a later call changes no earlier answer"
    assert not np.shares_memory(first.flat, second.flat)


@pytest.mark.parametrize("sizes", [[4, 3, 3], [4, 9, 9, 3]], ids=str)
@pytest.mark.parametrize("rule", ["descent", "adam"])
@pytest.mark.parametrize("size", [None, 2])
def test_nothing_is_left_of_a_training_that_failed(
    fast: Backend, sizes: list[int], rule: str, size: int | None
) -> None:
    settings: dict[str, Any] = {"optimizer": rule, "batch_size": size, "clip_norm": 1e300, "shuffle": False}
    net, other = (fast.Network(sizes, activation=["relu"] * (len(sizes) - 2) + ["identity"], seed=0) for _ in range(2))
    with pytest.raises(FloatingPointError):
        net.train(X * 1e150, Y * 1e200, alpha=1e300, epochs=20, **settings)
    net.parameters = other.parameters
    for one in (net, copy.deepcopy(net), pickle.loads(pickle.dumps(net)), other):
        one.train(X, Y, alpha=0.01, epochs=3, **settings)
    assert net.parameters.tobytes() == other.parameters.tobytes()
    assert net.gradient(X, Y)[1].flat.tobytes() == other.gradient(X, Y)[1].flat.tobytes()
