"""Dropout and clipping: which nodes are dropped, what that does to an update, and how gradients are clipped."""

import math
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from agreement import Backend
from inputs import masks

import samenet
from samenet.backends.dropout import Dropout
from samenet.fast import masks as fast
from samenet.model import Model
from samenet.optimizers import UPDATE_RULES
from samenet.reference.dropout import splitmix64
from samenet.training import loop, sampling
from samenet.training.sampling import Draws

M = 7
X = np.random.default_rng(0).normal(size=(M, 3))
Y = np.random.default_rng(1).random((M, 2))
STEPWISE = [rule.name for rule in UPDATE_RULES]


def make(backend: Backend, sizes: Any = (3, 4, 2), **others: Any) -> Any:
    return backend.Network(list(sizes), **({"seed": 2} | others))


def without(net: Any, kept: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The gradient at one sample if hidden nodes are multiplied by `kept`, from a network with W2, W3, ... scaled by
    it.

    h2 = f(W2 (kept * h) + b2) = f((W2 * kept) h + b2), and dJ/dW2 = dJ/d(W2 * kept) * kept.
    """
    other, factors = net.copy(), np.split(kept, np.cumsum(net.sizes[1:-2]))
    for W, factor in zip(other.weights[1:], factors, strict=True):
        W[:] *= factor
    g = other.gradient(x, y)[1]
    for W, factor in zip(g.weights[1:], factors, strict=True):
        W[:] *= factor
    return g.flat  # type: ignore[no-any-return]


@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])
@pytest.mark.parametrize("size", [1, 3, M])
@pytest.mark.parametrize("hidden", [(4,), (4, 5), (4, 6, 3, 5)], ids=str)
def test_updates_leave_out_the_nodes_that_the_seed_draws(
    backend: Backend, hidden: tuple[int, ...], size: int, shuffle: bool
) -> None:
    net, probe = (make(backend, (3, *hidden, 2)) for _ in range(2))
    stream, p = np.random.default_rng(5), 0.4
    dropout = Dropout.of(np.full(sum(hidden), p), np.dtype(float), key=int(stream.integers(2**63)))
    for epoch in range(3):
        order = stream.permutation(M) if shuffle and size < M else np.arange(M)
        kept = masks(dropout.after(epoch * M), M)
        for start in range(0, M, size):
            places = range(start, min(M, start + size))
            slopes = [without(probe, kept[i], X[order[i]], Y[order[i]]) for i in places]
            probe.parameters -= 0.5 * sum(slopes) / len(slopes)
    net.train(X, Y, alpha=0.5, epochs=3, batch_size=size, shuffle=shuffle, seed=5, dropout=p)
    np.testing.assert_allclose(net.parameters, probe.parameters, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("optimizer", STEPWISE)
def test_every_optimizer_leaves_nodes_out(backend: Backend, optimizer: str) -> None:
    a, b, c = (make(backend, (3, 4, 5, 2)) for _ in range(3))
    for net, p in ((a, 0.5), (b, [0.5, 0.5]), (c, 0.0)):
        net.train(X, Y, alpha=0.1, epochs=3, batch_size=2, seed=5, optimizer=optimizer, dropout=p)
    assert a == b != c


def test_layers_have_probabilities_of_their_own(backend: Backend) -> None:
    net = make(backend, (3, 4, 5, 2))
    before = [W.copy() for W in net.weights]
    net.train(X, Y, alpha=0.1, epochs=1, batch_size=1, seed=0, dropout=[0.0, 1 - 1e-12])  # nothing but b3 is reached
    assert all(np.array_equal(W, old) for W, old in zip(net.weights, before, strict=True))
    net.train(X[0], Y[0], alpha=0.1, epochs=1, seed=0, dropout=[1 - 1e-12, 0.0])
    moved = [not np.array_equal(W, old) for W, old in zip(net.weights, before, strict=True)]
    assert moved == [False, False, True], "the second hidden layer answers to its biases"


@pytest.mark.parametrize("p", [0, 0.0, [0.0], [0]])
def test_no_dropout_draws_nothing(backend: Backend, p: Any) -> None:
    a, b, stream = make(backend), make(backend), np.random.default_rng(5)
    a.train(X, Y, alpha=0.5, epochs=3, batch_size=2, shuffle=False, seed=stream, dropout=p)
    b.train(X, Y, alpha=0.5, epochs=3, batch_size=2, shuffle=False)
    assert a == b
    assert stream.random() == np.random.default_rng(5).random()


@pytest.mark.parametrize("size", [3, None])
def test_the_recorded_cost_is_that_of_the_whole_network(backend: Backend, size: int | None) -> None:
    net = make(backend)
    costs = [net.cost(X, Y)]
    history = net.train(
        *(X, Y),
        **{"alpha": 0.5, "epochs": 4, "batch_size": size, "seed": 5, "dropout": 0.5},
        callback=lambda n, h: costs.append(n.cost(X, Y)),
    )
    np.testing.assert_allclose(history.cost, costs[:-1], rtol=1e-12)


@pytest.mark.parametrize("seed_of", [np.random.default_rng, np.random.RandomState, random.Random])
@pytest.mark.parametrize("limit", [1, 9, 40])
@pytest.mark.parametrize("seconds", [1e-12, 1e12], ids=["short calls", "long calls"])
@pytest.mark.parametrize("size", [1, 3, M])
def test_masks_do_not_depend_on_how_an_epoch_is_split_into_calls(
    backend: Backend, size: int, seconds: float, limit: int, seed_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, other = make(backend), make(backend)
    settings: dict[str, Any] = {"alpha": 0.5, "epochs": 5, "batch_size": size, "dropout": 0.3}
    net.train(X, Y, **settings, seed=seed_of(1))
    monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
    monkeypatch.setattr(sampling, "MOST_DRAWN", limit)
    other.train(X, Y, **settings, seed=seed_of(1))
    assert net.parameters.tobytes() == other.parameters.tobytes()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("bias", [True, False])
def test_all_backends_draw_the_same_masks(dtype: Any, bias: bool) -> None:
    """A network of identities with weights 0 and 1 adds up what is kept, without rounding."""
    found = []
    for name in samenet.backends():
        net = samenet.backend(name).Network([3, 70, 9, 2], bias=bias, activation="identity", seed=0, dtype=dtype)
        net.parameters[:] = np.arange(net.parameters.size) % 2
        dropout = Dropout.of(np.where(np.arange(79) % 2, 0.5, 0.75), net.dtype, key=2**62 + 12345).after(10**6)
        X, Y = (np.arange(60.0) % 3).reshape(20, 3).astype(dtype), np.ones((20, 2), dtype)
        gradient = net.backend.gradient(net.model, X, Y, "sum", dropout)
        found.append([np.concatenate([*map(np.ravel, g.weights), *g.biases]) for _, g in [gradient]])
    assert np.isfinite(found[0]).all()
    assert all(np.array_equal(one, found[0]) for one in found)


def test_a_node_is_dropped_exactly_where_its_number_is_less_than_p() -> None:
    """Thresholds are rounded up to integers: k / 2^53 < p for all k below."""
    p = [0.1, 0.25, 1 / 3, 2.0**-60, 0.0]
    expected = [math.ceil(Fraction(value) * 2**53) for value in p]
    assert Dropout.of(np.array(p), np.dtype(float), 0).thresholds.tolist() == expected


def test_the_first_numbers_of_the_generator() -> None:
    """Those of Java's SplittableRandom(1234567)."""
    numbers = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert [splitmix64(1234567, n) for n in range(1, 6)] == numbers
    assert [n % 2**64 for n in fast.splitmix64(np.int64(1234567), np.arange(1, 6)).tolist()] == numbers


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_masks_are_0_or_the_inverse_of_what_stays(dtype: Any) -> None:
    p = np.array([0.2, 0.5, 0.9])
    drawn = Draws(np.random.default_rng(0), 20_000, False, p, np.dtype(dtype)).dropout
    theta = Model([2, 3, 1]).theta
    mask, _ = fast.masks_of(np, theta, fast.Masks.of(np.asarray, theta, drawn, None), 20_000)
    assert mask is not None
    assert mask.dtype == dtype
    assert mask.shape == (20_000, 3)
    for node in range(3):
        assert set(np.unique(mask[:, node])) == {0, dtype(1 / (1 - p[node]))}
        share = (mask[:, node] == 0).mean()
        assert abs(share - p[node]) < 5 * math.sqrt(p[node] * (1 - p[node]) / 20_000)  # five standard errors


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        *[(v, ValueError, "dropout: expected a number in \\[0, 1\\)") for v in (1, 1.0, -0.1)],
        *[(v, ValueError, "dropout: expected a finite number") for v in (math.nan, math.inf)],
        *[(v, TypeError, "dropout: expected a number") for v in ("0.5", None, True, {0.5})],
        ([0.5, 0.5], ValueError, "dropout: expected 1 numbers, one for each hidden layer, got 2"),
        ([], ValueError, "dropout: expected 1 numbers"),
        ([1.0], ValueError, r"dropout\[0\]: expected a number in \[0, 1\)"),
        (["x"], TypeError, r"dropout\[0\]: expected a number"),
    ],
)
def test_probabilities_that_are_refused(backend: Backend, value: Any, error: type[Exception], words: str) -> None:
    net = make(backend)
    before = net.parameters.tobytes()
    with pytest.raises(error, match=f"^{words}"):
        net.train(X, Y, alpha=0.1, epochs=1, dropout=value)
    assert net.parameters.tobytes() == before
    with pytest.raises(ValueError, match="^dropout: expected 0 for a network without hidden layers, got 0.5"):
        make(backend, (3, 2)).train(X, Y, alpha=0.1, epochs=1, dropout=0.5)
    make(backend, (3, 2)).train(X, Y, alpha=0.1, epochs=1, dropout=[])


# ------------------------------------------------------------------------------------------------------- clipping


def clipped(g: np.ndarray, value: float | None, norm: float | None) -> np.ndarray:
    """Entry by entry in plain Python."""
    entries = [float(x) for x in g]
    if value is not None:
        entries = [min(max(x, -value), value) for x in entries]
    length = math.sqrt(math.fsum(x * x for x in entries))
    if norm is not None and length > norm:
        entries = [x * norm / length for x in entries]
    return np.array(entries)


@pytest.mark.parametrize("optimizer", ["descent", "momentum", "rmsprop"])
@pytest.mark.parametrize(("value", "norm"), [(0.01, None), (None, 0.02), (0.01, 0.02), (1e3, 1e3)])
def test_gradients_are_limited_before_the_step(
    backend: Backend, optimizer: str, value: float | None, norm: float | None
) -> None:
    net, probe = make(backend), make(backend)
    v = s = np.zeros(net.parameters.size)
    for _ in range(3):
        whole = probe.gradient(X, Y)[1].flat
        g = clipped(whole, value, norm)
        assert np.array_equal(g, whole) == (value == 1e3)
        if optimizer == "rmsprop":
            s = 0.9 * s + 0.1 * g * g
            probe.parameters -= 0.5 * g / (np.sqrt(s) + 1e-8)
        else:
            v = (0.9 if optimizer == "momentum" else 0) * v - 0.5 * g
            probe.parameters += v
    net.train(X, Y, alpha=0.5, epochs=3, optimizer=optimizer, clip_value=value, clip_norm=norm)
    np.testing.assert_allclose(net.parameters, probe.parameters, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("argument", ["clip_value", "clip_norm"])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (0, ValueError),
        (-1, ValueError),
        (math.nan, ValueError),
        (math.inf, ValueError),
        ("1", TypeError),
        ([1], TypeError),
    ],
)
def test_limits_that_are_refused(backend: Backend, argument: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"^{argument}: expected"):
        make(backend).train(X, Y, alpha=0.1, epochs=1, **{argument: value})
