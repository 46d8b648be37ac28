"""Networks and samples at the ends of a dtype's range: no door warns, and norms neither overflow nor underflow."""

import contextlib
import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any

import agreement
import numpy as np
import pytest
from agreement import Backend

import samenet
from samenet.backends.adaptive import Sampler
from samenet.stopping import GradientNorm, Patience
from samenet.validation.overflow import norm

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(4, 3)), RANDOM.random((4, 2))
FEW: dict[str, Any] = {"alpha": 0.1, "epochs": 2, "batch_size": 2}
WATCHED: dict[str, Any] = {"monitors": ["mean_norm", "mean_absolute_error"], "validation": (X, Y)}
DOORS: dict[str, Callable[[Any], object]] = {
    "predict": lambda net: net.predict(X),
    "predict one": lambda net: net.predict(X[0]),
    "predictor": lambda net: net.predictor()(X[0]),
    "feed_forward": lambda net: net.feed_forward(X),
    "feed_forward one": lambda net: net.feed_forward(X[0]),
    "cost": lambda net: net.cost(X, Y),
    "gradient": lambda net: net.gradient(X, Y, sample_weight=[1, 2, 3, 4]),
    "train": lambda net: net.train(X, Y, **FEW, **WATCHED, stop=[GradientNorm(1e-9), Patience()]),
    "full batch": lambda net: net.train(X, Y, alpha=1e-30, epochs=2),
    "clipped": lambda net: net.train(X, Y, **FEW, optimizer="adam", clip_norm=1),
    "dropout": lambda net: net.train(X, Y, **FEW, dropout=0.5),
    "bfgs": lambda net: net.train(X, Y, epochs=2, optimizer="bfgs"),
    "check_gradient": lambda net: samenet.check_gradient(net, X, Y),
}


@pytest.mark.parametrize(
    ("dtype", "factor"), [("float32", 1e38), ("float32", 1e-38), ("float64", 1e300), ("float64", 1e-308)]
)
@pytest.mark.parametrize("settings", [{}, {"batch_normalization": True, "l2": 1e30}], ids=["plain", "normalized"])
@pytest.mark.parametrize("activation", ["identity", "sigmoid"])
def test_no_door_warns(backend: Backend, activation: Any, settings: Any, dtype: str, factor: float) -> None:
    for call in DOORS.values():
        net = backend.Network([3, 4, 2], seed=0, activation=activation, dtype=dtype, **settings)
        net.parameters[:] *= net.dtype.type(factor)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", samenet.DivergenceWarning)
            with contextlib.suppress(FloatingPointError):  # weights, a cost or a gradient that is not finite
                call(net)


@pytest.mark.parametrize(
    ("dtype", "factor"), [("float32", 1e-25), ("float32", 1e25), ("float64", 1e-200), ("float64", 1e160)]
)
def test_norms_of_very_small_and_very_large_numbers(backend: Backend, dtype: str, factor: float) -> None:
    net = backend.Network([3, 2], activation="identity", dtype=dtype, weights=[[[0] * 3] * 2], bias=False)
    far = Y * factor
    length = float(norm(net.gradient(X, far)[1].flat))
    assert length == pytest.approx(factor * np.linalg.norm(Y.T @ X / 4), rel=1e-5)
    assert net.train(X, far, alpha=1e-9, epochs=3, stop=GradientNorm(length * 0.9)).stopped_by is None
    history = net.train(X, far, alpha=1e-9, epochs=3, stop=GradientNorm(length * 1.1), monitors="mean_norm")
    assert history.epochs_done == 1
    assert history["mean_norm"][0] == pytest.approx(factor * np.linalg.norm(Y, axis=1).mean(), rel=1e-5)


@pytest.mark.parametrize("shape", [(5,), (5, 1), (1, 5), (2, 5)])
@pytest.mark.parametrize("axis", [None, 1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_norms_give_no_warning(dtype: str, axis: int | None, shape: tuple[int, ...]) -> None:
    """Nor an error where the user turned NumPy's warnings into errors."""
    if axis is not None and len(shape) == 1:
        return
    for factor in (1e-200, 1e-30, 1.0, 1e30, 1e200, np.inf, np.nan):
        with np.errstate(all="ignore"):
            values = np.full(shape, factor).astype(dtype)
        value = float(values.flat[0]) * math.sqrt(shape[-1] if axis else values.size)
        with warnings.catch_warnings(), np.errstate(all="raise"):
            warnings.simplefilter("error")
            np.testing.assert_allclose(norm(values, axis), value, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [[3, 2], [3, 40, 2]])
def test_gradients_of_any_size_are_clipped_alike(backend: Backend, sizes: list[int], dtype: str) -> None:
    """From those whose squares underflow, in part or all, to those whose squares overflow."""
    small, large = (range(-28, -12), (10, 18, 19, 25)) if dtype == "float32" else (range(-166, -146), (100, 153, 154))
    start = [0.1 * np.ones((n_out, n_in)) for n_in, n_out in itertools.pairwise(sizes)]
    start[-1][:] = 0
    settings: dict[str, Any] = {"activation": "identity", "dtype": dtype, "bias": False, "weights": start}
    updates = []
    for factor in [1.0, *(10.0**power for power in (*small, *large))]:
        net = backend.Network(sizes, **settings)
        far = (Y * factor).astype(dtype)
        length = float(norm(net.gradient(X, far)[1].flat))
        net.train(X, far, alpha=1.0 / factor, epochs=1, clip_norm=length / 2)
        updates.append(net.parameters - backend.Network(sizes, **settings).parameters)
    for update in updates[1:]:
        np.testing.assert_allclose(update, updates[0], rtol=1e-5, atol=1e-6)
    whole = backend.Network(sizes, **settings).gradient(X, Y.astype(dtype))[1].flat
    assert np.linalg.norm(updates[0]) == pytest.approx(np.linalg.norm(whole) / 2, rel=1e-5)


_FACTORS = [("float32", 1e-25, 1.0), ("float32", 1e25, 1.0), ("float32", 1.0, 1e-25), ("float64", 1e-120, 1.0)]


@pytest.mark.parametrize(("dtype", "of_x", "of_y"), _FACTORS)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_very_small_and_very_large_gradients_teach_as_others_do(
    backend: Backend, reduction: str, dtype: str, of_x: float, of_y: float
) -> None:
    """The importance of rows depends on the ratios of their gradients, which are proportional to these factors."""
    numbers, samplers = (np.arange(12).reshape(3, 4) + 0.5) / 12, [Sampler.of(0.5, 0.1, 4) for _ in range(2)]
    settings: dict[str, Any] = {"activation": "identity", "weights": [np.zeros((2, 3))], "bias": of_x == 1}
    settings |= {"biases": [np.zeros(2)]} if of_x == 1 else {}
    given: dict[str, Any] = {"alpha": 0.0, "batch_size": 2, "reduction": reduction}
    for sampler, (a, b) in zip(samplers, ((1.0, 1.0), (of_x, of_y)), strict=True):
        net, (x, y) = backend.Network([3, 2], dtype=dtype, **settings), ((a * X).astype(dtype), (b * Y).astype(dtype))
        agreement.run_updates(net, x, y, order=numbers, sampler=sampler, **given)
    usual, other = samplers
    np.testing.assert_allclose(other.tree, usual.tree, rtol=1e-5)
    assert other.mean[0] == pytest.approx(usual.mean[0] * (of_x * of_y) ** 2, rel=1e-5)
    assert usual.weights.std() > 0.1


def test_norms_along_an_axis() -> None:
    rows = np.array([[3.0, 4.0], [3e-200, 4e-200], [3e200, 4e200], [0.0, 0.0], [np.inf, 1.0]])
    assert norm(rows, axis=1).tolist() == pytest.approx([5.0, 5e-200, 5e200, 0.0, np.inf], rel=1e-15)
    assert np.isnan(norm(np.array([np.nan, 1.0])))
    plain = RANDOM.normal(size=(5, 3))
    assert norm(plain, axis=1) == pytest.approx(np.linalg.norm(plain, axis=1), rel=1e-15)
    assert norm(plain) == np.linalg.norm(plain)


def test_a_relative_error_of_very_small_gradients() -> None:
    net = samenet.backend("numpy").Network([3, 2], activation="identity", weights=[[[1e-180] * 3] * 2], bias=False)
    found = samenet.check_gradient(net, X * 1e-90, Y * 1e-100)
    assert np.isfinite(found.relative_error)


@pytest.mark.filterwarnings("ignore:training diverges")
@pytest.mark.parametrize("sizes", [[3, 4, 2], [3, 40, 2]])
@pytest.mark.parametrize(("dtype", "factor"), [("float32", 1e20), ("float64", 1e160)])
@pytest.mark.parametrize("normalization", [False, True])
@pytest.mark.parametrize("l1", [0.0, 0.1])
def test_weights_whose_squares_overflow_have_a_cost_without_l2(
    backend: Backend, l1: float, normalization: bool, dtype: str, factor: float, sizes: list[int]
) -> None:
    net = backend.Network(sizes, seed=0, dtype=dtype, batch_normalization=normalization)
    net.weights[0][:] *= factor
    weighed = backend.Network(sizes, dtype=dtype, batch_normalization=normalization, l1=l1)
    weighed.parameters[:] = net.parameters
    penalty = l1 * sum(float(np.abs(W).sum(dtype=np.float64)) for W in net.weights)
    assert weighed.cost(X, Y) == pytest.approx(net.cost(X, Y) + penalty, rel=1e-5)
    assert weighed.gradient(X, Y)[0] == pytest.approx(net.gradient(X, Y)[0] + penalty, rel=1e-5)
    if not normalization:  # the statistics of a batch would overflow
        for options in ({}, {"batch_size": 2, "shuffle": False}):
            found = weighed.copy().train(X, Y, alpha=1e-30, epochs=1, **options)
            assert found.cost[0] == pytest.approx(net.cost(X, Y) + penalty, rel=1e-5)
