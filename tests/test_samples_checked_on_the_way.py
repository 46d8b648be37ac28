"""X is checked by the first epoch itself, and refused as if it had been checked before."""

import warnings
from typing import Any

import numpy as np
import pytest

import samenet
from samenet import StopTraining
from samenet.optimizers import UPDATE_RULES
from samenet.training import loop

SHAPES: list[Any] = [
    ([3, 2], "sigmoid", 1),
    ([3, 4, 2], "relu", 2),
    ([5, 3, 3, 2], ["relu", "relu", "identity"], 7),
    ([70, 20, 3], "tanh", 5),
    ([200, 40, 3], ["relu", "softmax"], 10),
    ([64, 300, 2], "sigmoid", 32),
    ([12, 33, 9, 1], "sigmoid", None),
]
RULES = [rule() for rule in UPDATE_RULES]


def problem(sizes: list[int], dtype: str, sparse: bool) -> tuple[Any, Any]:
    random = np.random.default_rng(3)
    X = random.normal(size=(70, sizes[0]))
    if sparse:
        X *= random.random(X.shape) < 0.1
    return X.astype(dtype), random.random((70, sizes[-1])).astype(dtype)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize(("sizes", "activation", "batch"), SHAPES, ids=str)
@pytest.mark.compiled
def test_no_number_that_is_not_finite_goes_unseen(
    sizes: Any, activation: Any, batch: Any, rule: Any, dtype: str, sparse: bool
) -> None:
    X, Y = problem(sizes, dtype, sparse)
    net = samenet.backend("numba").Network(sizes, activation=activation, seed=0, dtype=dtype)
    kept = net.train(X[:1], Y[:1], alpha=0.01, epochs=1)
    before = net.parameters.copy()
    for row, column in ((0, 0), (69, sizes[0] - 1), (33, 1)):
        for bad in (np.nan, np.inf, -np.inf):
            spoiled = X.copy()
            spoiled[row, column] = bad
            for rows in (slice(row, row + 1), slice(row - row % 35, row - row % 35 + 35), slice(None)):
                with pytest.raises(ValueError, match=rf"X: expected finite numbers, got {bad} at X\[.*, {column}\]"):
                    net.gradient(spoiled[rows], Y[rows])
                with pytest.raises(ValueError, match=rf"X: expected finite numbers, got {bad} at X\[.*, {column}\]"):
                    net.cost(spoiled[rows], Y[rows])
                assert np.isnan(net.backend.evaluate(net.model, spoiled[rows], Y[rows])[0])
            options = {"alpha": 0.01, "epochs": 2, "batch_size": batch, "optimizer": rule, "seed": 1}
            for more in ({}, {"record_every": 0}, {"clip_norm": 1.0}, {"callback": lambda *_: None}):
                with (
                    warnings.catch_warnings(action="error"),
                    pytest.raises(ValueError, match=rf"X: expected finite numbers, got {bad} at X\[{row}, {column}\]"),
                ):
                    net.train(spoiled, Y, **options, **more)
                assert net.parameters.tobytes() == before.tobytes()
                assert net.history is kept


@pytest.mark.parametrize("name", samenet.backends())
@pytest.mark.counted
def test_the_same_is_refused_and_the_same_is_learned(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    X, Y = problem([3, 4, 2], "float64", False)
    spoiled = X.copy()
    spoiled[40, 1] = np.inf

    def stops(epoch: int) -> float:
        raise StopTraining

    nets = []
    for is_before in (False, True):
        if is_before:
            monkeypatch.delattr(samenet.backend(name), "SPREADS_NAN", raising=False)
        net = samenet.backend(name).Network([3, 4, 2], seed=0)
        stream = np.random.default_rng(0)
        for options in (
            {"clip_value": 0.1},
            {"alpha": stops},
            {"alpha": None, "optimizer": "bfgs"},
            {"dropout": 0.2},
            {"drop_connect": 0.2},
            {"monitors": ["mean_norm"]},
            {"seed": stream, "batch_size": 3},
            {"epochs": 0},
            {"cost": "binary_cross_entropy", "optimizer": samenet.optimizers.MultiStart(2)},
        ):
            with pytest.raises(ValueError, match="X: expected finite numbers, got inf"):
                net.train(spoiled, Y, **{"alpha": 0.1, "epochs": 2, **options})
            assert net.history is None
        assert stream.random() == np.random.default_rng(0).random()
        net.train(X, Y, alpha=0.5, epochs=3, batch_size=4, seed=0)
        nets.append(net)
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()
    assert nets[0].history == nets[1].history


@pytest.mark.parametrize("seconds", [1e-12, 1e12], ids=["short calls", "long calls"])
def test_weights_that_overflow_are_not_blamed_on_the_samples(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
    X, Y = problem([3, 4, 2], "float64", False)
    ends = []
    for is_before in (False, True):
        if is_before:
            monkeypatch.delattr(samenet.backend("numba"), "SPREADS_NAN")
        net = samenet.backend("numba").Network([3, 4, 2], seed=0, activation="identity")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with pytest.raises(FloatingPointError) as raised:
                net.train(X, Y, alpha=50.0, epochs=90, batch_size=20, seed=0)
        ends.append((str(raised.value), [str(w.message) for w in caught], net.parameters.tobytes(), repr(net.history)))
    assert ends[0] == ends[1]
