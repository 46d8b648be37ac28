"""DropConnect: which weights are left out, and what that does to an update."""

import math
import random
from typing import Any

import numpy as np
import pytest
from agreement import BACKENDS, Backend
from inputs import weight_masks

import samenet
from samenet.backends.dropout import DropConnect, Dropout
from samenet.fast import masks as fast
from samenet.model import Model
from samenet.optimizers import UPDATE_RULES
from samenet.reference import dropout as reference
from samenet.training import loop, sampling

M = 7
X = np.random.default_rng(0).normal(size=(M, 3))
Y = np.random.default_rng(1).random((M, 2))
STEPWISE = [rule.name for rule in UPDATE_RULES]


def make(backend: Backend, sizes: Any = (3, 4, 2), **others: Any) -> Any:
    return backend.Network(list(sizes), **({"seed": 2} | others))


def without(net: Any, kept: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The gradient if weights are multiplied by `kept`, which does not affect the penalty."""
    other = type(net)(net.sizes, weights=net.weights, biases=net.biases)
    for W, factor in zip(other.weights, kept, strict=True):
        W[:] *= factor
    g = other.gradient(x, y)[1]
    for dW, W, factor in zip(g.weights, net.weights, kept, strict=True):
        dW[:] = dW * factor + net.l1 * np.sign(W) + net.l2 * W
    return g.flat  # type: ignore[no-any-return]


@pytest.mark.parametrize("penalties", [{}, {"l1": 0.02, "l2": 0.1}], ids=["", "penalties"])
@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])
@pytest.mark.parametrize("size", [1, 3, M])
@pytest.mark.parametrize("hidden", [(), (4,), (4, 6, 3, 5)], ids=str)
def test_updates_leave_out_the_weights_that_the_seed_draws(
    backend: Backend, hidden: tuple[int, ...], size: int, shuffle: bool, penalties: dict[str, float]
) -> None:
    net, probe = (make(backend, (3, *hidden, 2), **penalties) for _ in range(2))
    stream, p = np.random.default_rng(5), 0.4
    drop_connect = DropConnect.of(np.full(len(net.weights), p), np.dtype(float), key=int(stream.integers(2**63)))
    update = 0
    for _ in range(3):
        order = stream.permutation(M) if shuffle and size < M else np.arange(M)
        for start in range(0, M, size):
            kept = weight_masks(drop_connect, net.sizes, update)
            assert kept is not None
            rows = order[start : start + size]
            probe.parameters -= 0.5 * without(probe, kept, X[rows], Y[rows])
            update += 1
    net.train(X, Y, alpha=0.5, epochs=3, batch_size=size, shuffle=shuffle, seed=5, drop_connect=p)
    np.testing.assert_allclose(net.parameters, probe.parameters, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("cost", ["squared_error", "cross_entropy"])
@pytest.mark.parametrize("with_dropout", [False, True])
def test_the_gradient_is_the_slope_of_the_cost_with_these_masks(
    backend: Backend, with_dropout: bool, cost: str
) -> None:
    """Central differences of the backend's own cost, with fixed masks."""
    net = make(backend, (3, 5, 4, 2), activation=["tanh", "tanh", "softmax"], cost=cost, l2=0.1)
    drop_connect = DropConnect.of(np.array([0.3, 0.5, 0.2]), np.dtype(float), key=9).after(3)
    masks = Dropout.of(np.full(9, 0.3), np.dtype(float), key=9) if with_dropout else None, drop_connect
    targets = Y / Y.sum(axis=1, keepdims=True)

    def of(theta: np.ndarray) -> Any:
        return net.backend.gradient(net.model.holding(theta), X, targets, "mean", *masks)

    theta, differences = net.parameters, []
    for place in range(theta.size):
        step = np.zeros(theta.size)
        step[place] = 1e-6
        differences.append((of(theta + step)[0] - of(theta - step)[0]) / 2e-6)
    slope, found = net.model.theta.empty_like(), of(theta)[1]
    slope.fill(found.weights, found.biases)
    np.testing.assert_allclose(slope.flat, differences, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("optimizer", STEPWISE)
def test_every_optimizer_leaves_weights_out(backend: Backend, optimizer: str) -> None:
    nets = [make(backend, (3, 4, 5, 2)) for _ in range(4)]
    for net, p in zip(nets, (0.5, [0.5, 0.5, 0.5], 0.0, [0.5, 0.5, 0.0]), strict=True):
        net.train(X, Y, alpha=0.1, epochs=3, batch_size=2, seed=5, optimizer=optimizer, drop_connect=p)
    assert nets[0] == nets[1]
    assert nets[0] != nets[2]
    assert nets[0] != nets[3]


@pytest.mark.parametrize("layer", range(3))
def test_layers_have_probabilities_of_their_own(backend: Backend, layer: int) -> None:
    net, p = make(backend, (3, 4, 5, 2)), [0.0, 0.0, 0.0]
    before, p[layer] = net.copy(), 1 - 1e-12
    net.train(X, Y, alpha=0.1, epochs=1, seed=0, drop_connect=p)
    moved = [not np.array_equal(W, old) for W, old in zip(net.weights, before.weights, strict=True)]
    assert moved == [l > layer for l in range(3)], "nothing goes back through it"
    moved = [not np.array_equal(b, old) for b, old in zip(net.biases, before.biases, strict=True)]
    assert moved == [l >= layer for l in range(3)]


@pytest.mark.parametrize("p", [0, 0.0, [0.0, 0.0], (0, 0)])
def test_without_it_nothing_is_drawn(backend: Backend, p: Any) -> None:
    a, b, stream = make(backend), make(backend), np.random.default_rng(5)
    a.train(X, Y, alpha=0.5, epochs=3, batch_size=2, shuffle=False, seed=stream, drop_connect=p)
    b.train(X, Y, alpha=0.5, epochs=3, batch_size=2, shuffle=False)
    assert a == b
    assert stream.random() == np.random.default_rng(5).random()


def test_dropout_of_a_seed_is_the_same_beside_it(backend: Backend) -> None:
    """One key is drawn for both. With p = 1e-300, a weight is left out with probability 2^-53."""
    given: dict[str, Any] = {"alpha": 0.5, "epochs": 2, "batch_size": 2, "seed": 5, "dropout": 0.5}
    nets = [make(backend) for _ in range(3)]
    for net, p in zip(nets, (0.0, 1e-300, 0.5), strict=True):
        net.train(X, Y, **given, drop_connect=p)
    np.testing.assert_allclose(nets[1].parameters, nets[0].parameters, rtol=1e-12)
    assert nets[2] != nets[0]


@pytest.mark.parametrize("size", [3, None])
def test_the_recorded_cost_is_that_of_the_whole_network(backend: Backend, size: int | None) -> None:
    net, other = make(backend), make(backend)
    costs = [net.cost(X, Y)]
    given: dict[str, Any] = {"alpha": 0.5, "epochs": 4, "batch_size": size, "seed": 5, "drop_connect": 0.5}
    history = net.train(X, Y, **given, callback=lambda n, h: costs.append(n.cost(X, Y)))
    np.testing.assert_allclose(history.cost, costs[:-1], rtol=1e-12)
    assert other.train(X, Y, **given) == history, "in one call of the backend"


@pytest.mark.parametrize("seed_of", [np.random.default_rng, np.random.RandomState, random.Random])
@pytest.mark.parametrize("limit", [1, 9, 40])
@pytest.mark.parametrize("seconds", [1e-12, 1e12], ids=["short calls", "long calls"])
@pytest.mark.parametrize("size", [1, 3, M])
def test_masks_do_not_depend_on_how_an_epoch_is_split_into_calls(
    backend: Backend, size: int, seconds: float, limit: int, seed_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, other = make(backend), make(backend)
    settings: dict[str, Any] = {"alpha": 0.5, "epochs": 5, "batch_size": size, "drop_connect": 0.3}
    net.train(X, Y, **settings, seed=seed_of(1))
    monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
    monkeypatch.setattr(sampling, "MOST_DRAWN", limit)
    other.train(X, Y, **settings, seed=seed_of(1))
    assert net.parameters.tobytes() == other.parameters.tobytes()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("sizes", [(3, 70, 9, 2), (260, 256, 5)], ids=["packed", "wide"])
def test_all_backends_draw_the_same_masks(dtype: Any, bias: bool, sizes: tuple[int, ...]) -> None:
    """A network of identities with weights 0 and 1 adds up what is kept, without rounding."""
    found = []
    for backend in BACKENDS:
        net = backend.Network(sizes, bias=bias, activation="identity", seed=0, dtype=dtype)
        net.parameters[:] = np.arange(net.parameters.size) % 2
        p = np.array([0.75, 0.5, 0.875])[: len(net.weights)]
        drop_connect = DropConnect.of(p, net.dtype, key=2**62 + 12345).after(10**6)
        X, Y = (np.arange(2.0 * sizes[0]) % 3).reshape(2, -1).astype(dtype), np.ones((2, sizes[-1]), dtype)
        gradient = net.backend.gradient(net.model, X, Y, "sum", None, drop_connect)[1]
        found.append(np.concatenate([*map(np.ravel, gradient.weights), *gradient.biases]))
    assert np.isfinite(found[0]).all()
    assert found[0].any()
    assert all(np.array_equal(one, found[0]) for one in found)


def computed(drop_connect: DropConnect, model: Model, update: int = 0) -> Any:
    """Those of `samenet.fast.masks` in an update of a call."""
    masks = fast.Masks.of(np.asarray, model.theta, None, drop_connect)
    with np.errstate(over="ignore"):
        return fast.masks_of(np, model.theta, masks, 1, 0, update)[1]


def test_the_numbers_are_none_of_dropouts() -> None:
    """They begin half of the generator's period later."""
    drop_connect = DropConnect.of(np.array([0.5]), np.dtype(float), key=7).after(3)
    numbers = [reference.splitmix64(7, 2**63 + 3 * 6 + w + 1) / 2**64 for w in range(6)]
    expected = [[0.0 if numbers[3 * i + j] < 0.5 else 2.0 for j in range(3)] for i in range(2)]
    assert {0.0, 2.0} == set(np.ravel(expected))
    assert reference.weight_masks(drop_connect, 0, [np.zeros((2, 3))]) == [expected]
    (mask,) = computed(drop_connect.after(-2), Model([3, 2]), 2)
    assert mask.tolist() == expected


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_masks_are_0_or_the_inverse_of_what_stays(dtype: Any) -> None:
    p = np.array([0.2, 0.5, 0.9])
    found = computed(DropConnect.of(p, np.dtype(dtype), key=3), Model([100, 200, 100, 200]))
    for mask, q in zip(found, p, strict=True):
        assert mask.dtype == dtype
        assert set(np.unique(mask)) == {0, dtype(1 / (1 - q))}
        share = (mask == 0).mean()
        assert abs(share - q) < 5 * math.sqrt(q * (1 - q) / mask.size)  # five standard errors


@pytest.mark.compiled
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(threads: int) -> None:
    """All threads read the masked weights that one of them computes."""
    stream = np.random.default_rng(0)
    X, Y = stream.normal(size=(2000, 30)), stream.random((2000, 10))
    nets = [samenet.backend("numba").Network([30, 60, 10], seed=0, threads=n) for n in (1, threads)]
    for net in nets:
        net.train(X, Y, alpha=0.1, epochs=8, batch_size=1000, seed=1, drop_connect=0.3, dropout=0.2)
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        *[(v, ValueError, "drop_connect: expected a number in \\[0, 1\\)") for v in (1, 1.0, -0.1)],
        *[(v, ValueError, "drop_connect: expected a finite number") for v in (math.nan, math.inf)],
        *[(v, TypeError, "drop_connect: expected a number") for v in ("0.5", None, True, {0.5})],
        ([0.5], ValueError, "drop_connect: expected 2 numbers, one for each layer of weights, got 1"),
        ([], ValueError, "drop_connect: expected 2 numbers"),
        ([0.5, 1.0], ValueError, r"drop_connect\[1\]: expected a number in \[0, 1\)"),
        (["x", 0.5], TypeError, r"drop_connect\[0\]: expected a number"),
    ],
)
def test_probabilities_that_are_refused(backend: Backend, value: Any, error: type[Exception], words: str) -> None:
    net = make(backend)
    before, stream = net.parameters.tobytes(), np.random.default_rng(5)
    with pytest.raises(error, match=f"^{words}"):
        net.train(X, Y, alpha=0.1, epochs=1, drop_connect=value, seed=stream)
    assert net.parameters.tobytes() == before
    assert stream.random() == np.random.default_rng(5).random()
