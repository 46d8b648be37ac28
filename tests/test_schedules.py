"""Learning rate schedules: their values, and that training uses exactly these."""

import math
from typing import Any

import numpy as np
import pytest
from agreement import Backend

import samenet
from samenet.optimizers import UPDATE_RULES
from samenet.schedules import Constant, Cosine, Exponential, InverseTime, StepDecay
from samenet.training import loop

X = np.random.default_rng(0).normal(size=(7, 3))
Y = np.random.default_rng(1).random((7, 2))

VALUES: list[tuple[Any, list[float]]] = [
    (Constant(0.3), [0.3] * 6),
    (StepDecay(0.8, 0.5, 2), [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]),
    (Exponential(0.5, math.log(2)), [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625]),
    (InverseTime(1, 0.5), [1, 2 / 3, 1 / 2, 2 / 5, 1 / 3, 2 / 7]),
    (Cosine(0.5, 4), [0.5, 0.25 + 0.125 * 2**0.5, 0.25, 0.25 - 0.125 * 2**0.5, 0, 0]),
    (Cosine(0.5, 3, least=0.1), [0.5, 0.4, 0.2, 0.1, 0.1, 0.1]),
]


@pytest.mark.parametrize(("schedule", "values"), VALUES, ids=lambda v: str(v) if callable(v) else "")
def test_values(schedule: Any, values: list[float]) -> None:
    np.testing.assert_allclose([schedule(epoch) for epoch in range(6)], values, rtol=1e-15, atol=1e-17)


def make(backend: Backend) -> Any:
    return backend.Network([3, 4, 2], seed=2)


@pytest.mark.compiled
@pytest.mark.parametrize("seconds", [1e-12, 1e12], ids=["short calls", "long calls"])
@pytest.mark.parametrize("size", [2, 7])
@pytest.mark.parametrize("schedule", [*(s for s, _ in VALUES[:4]), Cosine(0.5, 9), lambda epoch: 1 / (epoch + 1)])
@pytest.mark.parametrize("optimizer", ["descent", "adam"])
def test_each_epoch_is_trained_at_its_rate(
    backend: Backend, optimizer: str, schedule: Any, size: int, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
    net, other, seen = make(backend), make(backend), []
    net.train(X, Y, alpha=schedule, epochs=6, batch_size=size, seed=5, optimizer=optimizer, record_every=0)
    if optimizer == "descent":
        random = np.random.default_rng(5)
        for epoch in range(6):
            other.train(X, Y, alpha=schedule(epoch), epochs=1, batch_size=size, seed=random)
    else:  # their state would be reset in a new call: one epoch per call, by a callback that changes nothing
        other.train(
            *(X, Y),
            **{"alpha": schedule, "epochs": 6, "batch_size": size, "seed": 5, "optimizer": optimizer},
            callback=lambda n, h: seen.append(h.epochs_done),
        )
        assert seen == [1, 2, 3, 4, 5, 6]
    assert net.parameters.tobytes() == other.parameters.tobytes()


def test_a_number_is_a_constant_schedule(backend: Backend) -> None:
    nets = [make(backend) for _ in range(3)]
    for net, alpha in zip(nets, [0.3, Constant(0.3), lambda epoch: np.float64(0.3)], strict=True):
        net.train(X, Y, alpha=alpha, epochs=5)
    assert nets[0] == nets[1] == nets[2]


def test_epochs_are_counted_from_zero_in_each_call(backend: Backend) -> None:
    net, epochs = make(backend), []
    for _ in range(2):
        net.train(X, Y, alpha=lambda epoch: epochs.append(epoch) or 0.1, epochs=1)
    assert epochs == [0, 0]


def test_an_epoch_at_rate_0_changes_nothing(backend: Backend) -> None:
    net, other = make(backend), make(backend)
    net.train(X, Y, alpha=Cosine(0.5, 3), epochs=8)
    other.train(X, Y, alpha=Cosine(0.5, 3), epochs=3)
    assert net == other


@pytest.mark.parametrize("seconds", [1e-12, 1e12], ids=["short calls", "long calls"])
@pytest.mark.parametrize(
    ("bad", "error"),
    [(-0.1, ValueError), (math.nan, ValueError), (math.inf, ValueError), ("0.1", TypeError), (None, TypeError)],
)
def test_a_bad_rate_ends_the_training_at_once(
    backend: Backend, bad: Any, error: type[Exception], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
    net, other = make(backend), make(backend)
    with pytest.raises(error, match=r"^alpha\(4\): expected a "):
        net.train(X, Y, alpha=lambda epoch: bad if epoch == 4 else 0.1, epochs=9, batch_size=3, seed=0)
    assert net.history.epochs_done == 4
    other.train(X, Y, alpha=0.1, epochs=4, batch_size=3, seed=0)
    assert net == other


@pytest.mark.parametrize(
    ("cls", "good", "argument", "bad"),
    [
        *[(Constant, {"alpha": 1}, "alpha", bad) for bad in (0, -1, math.nan, "1", None, True)],
        *[(StepDecay, {"alpha": 1, "factor": 0.5, "every": 2}, "factor", bad) for bad in (0, -1, math.inf, "x")],
        *[(StepDecay, {"alpha": 1, "factor": 0.5, "every": 2}, "every", bad) for bad in (0, 1.5, None)],
        *[(cls, {"alpha": 1, "rate": 0.5}, "rate", bad) for cls in (Exponential, InverseTime) for bad in (-1, "x")],
        *[(Cosine, {"alpha": 1, "epochs": 5}, "epochs", bad) for bad in (0, 2.5)],
        *[(Cosine, {"alpha": 1, "epochs": 5, "least": 0.1}, "least", bad) for bad in (-0.1, math.nan)],
    ],
)
def test_bad_settings(cls: Any, good: dict[str, Any], argument: str, bad: Any) -> None:
    cls(**good)
    with pytest.raises((ValueError, TypeError), match=f"^{argument}: expected"):
        cls(**(good | {argument: bad}))


def test_a_factor_above_1_grows_to_infinity_and_is_refused_there(backend: Backend) -> None:
    schedule = StepDecay(1e-300, 1e300, 1)
    assert schedule(3) == math.inf
    with pytest.raises(ValueError, match=r"^alpha\(3\): expected a finite number"):
        make(backend).train(X, Y * 0 + 0.5, alpha=lambda epoch: schedule(3) if epoch == 3 else 0.1, epochs=5)


@pytest.mark.parametrize("optimizer", [rule.name for rule in UPDATE_RULES])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["reference", "numpy", pytest.param("numba", marks=pytest.mark.compiled)])
def test_how_epochs_are_split_into_calls_changes_no_bit(name: str, dtype: str, optimizer: str) -> None:
    """A call of many epochs has an array of learning rates, one for each, the same as calls of one epoch."""
    random = np.random.default_rng(0)
    X, Y = random.normal(size=(5, 3)), random.random((5, 1))
    nets = [samenet.backend(name).Network([3, 4, 1], seed=0, dtype=dtype) for _ in range(2)]
    schedule: Any = Exponential(0.1, 0.99)
    for net, callback in zip(nets, (None, lambda *_: None), strict=True):
        net.train(X, Y, alpha=schedule, epochs=10, optimizer=optimizer, callback=callback)
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()
