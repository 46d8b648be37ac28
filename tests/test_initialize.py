"""Initial weights: each tutorial's own draws, written as in its code, reproduced bit for bit."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import samenet
from samenet.model.initialize import SCHEMES

ON_NUMPY = True  # what is given no backend

NAMES = samenet.backends()
SIZES = [4, 3, 5, 2]
SHAPES = [(n_out, n_in) for n_in, n_out in pairwise(SIZES)]
Drawn = tuple[list[np.ndarray], list[np.ndarray]]


def tutorial_000(seed: int) -> Drawn:
    """`setup_and_init_weights`: U[0, 1), the matrix and the vector of a layer, then the next layer."""
    np.random.seed(seed)
    W, b = [], []
    for layer in range(1, len(SIZES)):
        W.append(np.random.random_sample((SIZES[layer], SIZES[layer - 1])))
        b.append(np.random.random_sample((SIZES[layer],)))
    return W, b


def tutorial_001(seed: int) -> Drawn:
    """Nielsen's network.py: N(0, 1), the biases of all layers as columns, then all matrices."""
    np.random.seed(seed)
    b = [np.random.randn(y, 1) for y in SIZES[1:]]
    W = [np.random.randn(y, x) for x, y in pairwise(SIZES)]
    return W, [column.ravel() for column in b]


def tutorial_002_class(seed: int) -> Drawn:
    """U[0, 1) as (n_in, n_out), no biases."""
    np.random.seed(seed)
    return [np.random.rand(x, y).T for x, y in pairwise(SIZES)], []


def tutorial_002_parameters(seed: int) -> Drawn:
    """0.01 N(0, 1) and zeros."""
    np.random.seed(seed)
    W = [np.random.randn(SIZES[layer], SIZES[layer - 1]) * 0.01 for layer in range(1, len(SIZES))]
    return W, [np.zeros((n, 1)).ravel() for n in SIZES[1:]]


def tutorial_003(seed: int) -> Drawn:
    """N(0, 1) as (n_in, n_out), no biases."""
    np.random.seed(seed)
    return [np.random.randn(x, y).T for x, y in pairwise(SIZES)], []


def tutorial_004(seed: int) -> Drawn:
    """U[-1, 1) as (n_in, n_out), no biases."""
    np.random.seed(seed)
    return [2 * np.random.random((x, y)).T - 1 for x, y in pairwise(SIZES)], []


TUTORIALS: dict[str, Callable[[int], Drawn]] = {
    "uniform": tutorial_000,
    "normal": tutorial_001,
    "uniform_in_out": tutorial_002_class,
    "small_normal": tutorial_002_parameters,
    "normal_in_out": tutorial_003,
    "symmetric_uniform": tutorial_004,
}


@pytest.fixture(autouse=True)
def _the_legacy_stream_is_left_as_it_was() -> Any:
    state = np.random.get_state()
    yield
    np.random.set_state(state)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", [0, 1, 3])
@pytest.mark.parametrize("scheme", TUTORIALS)
def test_a_tutorials_weights_to_the_bit(scheme: str, seed: int, name: str) -> None:
    W, b = TUTORIALS[scheme](seed)
    legacy = np.random.RandomState(seed)
    net = samenet.backend(name).Network(SIZES, init=scheme, bias=bool(b), seed=legacy)
    assert [w.shape for w in net.weights] == SHAPES
    for mine, theirs in zip((*net.weights, *net.biases), (*W, *b), strict=True):
        assert mine.tobytes() == theirs.tobytes()
    assert legacy.random_sample() == np.random.random_sample(), "as many numbers drawn as the tutorial draws"


def test_every_scheme_is_tested() -> None:
    assert set(SCHEMES) == {*TUTORIALS, "glorot", *FAN_IN}


def test_known_first_numbers() -> None:
    """Published numbers, so that the test does not only compare two uses of NumPy's streams."""
    Network = samenet.backend("numpy").Network
    first = Network([3, 1], init="symmetric_uniform", bias=False, seed=np.random.RandomState(1)).weights[0][0]
    np.testing.assert_allclose(first, [-0.16595599, 0.44064899, -0.99977125], atol=5e-9)  # seed 1, tutorial 004
    first = Network([2, 2], init="small_normal", seed=np.random.RandomState(3)).weights[0]
    np.testing.assert_allclose(first, [[0.01788628, 0.0043651], [0.00096497, -0.01863493]], atol=5e-9)  # seed 3, 002


@pytest.mark.parametrize("scheme", ["uniform_in_out", "normal_in_out", "symmetric_uniform"])
def test_biases_where_the_tutorial_has_none_come_after_all_weights(scheme: str) -> None:
    Network = samenet.backend("numpy").Network
    without = Network(SIZES, init=scheme, bias=False, seed=4)
    net = Network(SIZES, init=scheme, seed=4)
    assert all(np.array_equal(*pair) for pair in zip(net.weights, without.weights, strict=True))
    assert len({*np.concatenate(net.biases).tolist()}) == sum(SIZES[1:])
    low, high = (0, 1) if scheme == "uniform_in_out" else (-1, 1) if scheme == "symmetric_uniform" else (-9, 9)
    assert all(((low <= b) & (b < high)).all() for b in net.biases)


@pytest.mark.parametrize("bias", [True, False])
def test_glorot(bias: bool) -> None:
    net = samenet.backend("numpy").Network([50, 30, 20], bias=bias, seed=0)
    assert net == samenet.backend("numpy").Network([50, 30, 20], bias=bias, seed=0, init="glorot")
    for W in net.weights:
        limit = (6 / sum(W.shape)) ** 0.5
        assert np.abs(W).max() <= limit
        assert np.abs(W).max() > 0.98 * limit
        assert abs(W.mean()) < 0.1 * limit
        assert W.var() == pytest.approx(limit**2 / 3, rel=0.1)
    assert not any(b.any() for b in net.biases)
    random = np.random.default_rng(0)
    limit = np.sqrt(6 / 80)
    assert np.array_equal(net.weights[0], random.uniform(-limit, limit, (30, 50)))


FAN_IN = {"he_normal": 2, "he_uniform": 2, "lecun_normal": 1, "lecun_uniform": 1}  # the variance of W, times n_in


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("scheme", FAN_IN)
def test_variances_by_fan_in(scheme: str, bias: bool) -> None:
    net = samenet.backend("numpy").Network([500, 50, 300], bias=bias, seed=0, init=scheme)
    for W in net.weights:
        variance = FAN_IN[scheme] / W.shape[1]
        # The errors of the mean and of the variance of n draws: v^(1/2) / n^(1/2), and v ((k - 1) / n)^(1/2) with the
        # kurtosis k, 3 for a normal and 9/5 for a uniform distribution.
        n, kurtosis = W.size, 3 if scheme.endswith("normal") else 9 / 5
        assert abs(W.mean()) < 4 * (variance / n) ** 0.5
        assert abs(W.var() - variance) < 4 * variance * ((kurtosis - 1) / n) ** 0.5
        assert abs(np.mean(W**4) / np.mean(W**2) ** 2 - kurtosis) < 0.15
        limit = (3 * variance) ** 0.5
        if scheme.endswith("uniform"):
            assert 0.999 * limit < np.abs(W).max() <= limit
        else:
            assert np.abs(W).max() > 3.5 * variance**0.5, "not truncated"
    assert not any(b.any() for b in net.biases)
    random = np.random.default_rng(0)
    drawn = random.standard_normal((50, 500)) * np.sqrt(FAN_IN[scheme] / 500)
    if scheme.endswith("uniform"):
        limit = np.sqrt(3 * FAN_IN[scheme] / 500)
        drawn = np.random.default_rng(0).uniform(-limit, limit, (50, 500))
    assert np.array_equal(net.weights[0], drawn)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("bias", [True, False])
def test_the_same_weights_on_every_backend(scheme: str, bias: bool) -> None:
    nets = [samenet.backend(name).Network(SIZES, init=scheme, bias=bias, seed=8) for name in NAMES]
    assert len({net.parameters.tobytes() for net in nets}) == 1
    assert np.isfinite(nets[0].parameters).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_sources_of_chance(scheme: str, name: str) -> None:
    Network = samenet.backend(name).Network
    net = Network(SIZES, init=scheme, seed=5)
    assert net == Network(SIZES, init=scheme, seed=np.int64(5))
    random = np.random.default_rng(5)
    assert net == Network(SIZES, init=scheme, seed=random), "an int is the seed of a Generator"
    assert net != Network(SIZES, init=scheme, seed=random), "which has moved on"
    assert net != Network(SIZES, init=scheme, seed=6)
    assert Network(SIZES, init=scheme) != Network(SIZES, init=scheme), "None is another network each time"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_float32_is_the_same_draw_rounded(scheme: str) -> None:
    Network = samenet.backend("numpy").Network
    net = Network(SIZES, init=scheme, seed=5, dtype=np.float32)
    assert np.array_equal(net.parameters, Network(SIZES, init=scheme, seed=5).parameters.astype(np.float32))


def test_the_global_stream_is_never_touched() -> None:
    before = np.random.get_state()[1].tolist()
    for scheme in SCHEMES:
        samenet.backend("numpy").Network(SIZES, init=scheme, seed=0)
        samenet.backend("numpy").Network(SIZES, init=scheme)
    assert np.random.get_state()[1].tolist() == before


def test_explicit_weights_draw_nothing() -> None:
    random = np.random.default_rng(0)
    samenet.backend("numpy").Network([2, 1], weights=[[[1, 2]]], seed=random)
    assert random.random() == np.random.default_rng(0).random()
