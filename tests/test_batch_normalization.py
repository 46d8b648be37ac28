"""Batch normalization of hidden layers: against its definition and differences, on every backend, and its state."""

import copy
import itertools
import pickle
import types
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import agreement
import numba
import numpy as np
import pytest
from agreement import PAIRS, Backend, Pair

import samenet
from samenet import check_gradient, optimizers, stopping, train_many
from samenet.backends import generic
from samenet.backends.dropout import Dropout
from samenet.backends.normalization import folded
from samenet.model.functions import ACTIVATIONS
from samenet.network import Network as Interface
from samenet.optimizers import UPDATE_RULES
from samenet.training import loop

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(9, 3))
Y = RANDOM.dirichlet([1.0, 1.0], 9)
RULES = [rule.name for rule in UPDATE_RULES]
EPSILON, MOMENTUM = 1e-5, 0.1


def make(backend: Backend, sizes: Any = (3, 5, 4, 2), **others: Any) -> Any:
    """A network whose gammas, biases and running statistics differ from the initial ones."""
    net = backend.Network(list(sizes), **({"seed": 2, "batch_normalization": True, "init": "normal"} | others))
    random = np.random.default_rng(3)
    for gamma, running in zip(net.gammas, net.running, strict=True):
        gamma[:] = random.uniform(0.5, 2.0, gamma.shape)
        running[:] = random.uniform(0.5, 2.0, running.shape)
    return net


def by_definition(net: Any, x: Any, in_training: bool) -> tuple[Any, list[Any]]:
    """The output, and mean and variance of each normalized layer's sums, by identities and tanh alone."""
    h, found = np.asarray(x, np.float64), []
    for layer, W in enumerate(net.weights):
        z = h @ np.asarray(W, np.float64).T
        b = net.biases[layer] if net.bias else 0.0
        if net.gammas and net.gammas[layer].size:
            own = np.array([z.mean(axis=0), z.var(axis=0)])
            mean, variance = own if in_training else net.running[layer]
            found.append(own)
            z = net.gammas[layer] * (z - mean) / np.sqrt(variance + EPSILON)
        h = np.tanh(z + b)
    return h, found


@pytest.mark.parametrize("flags", [True, [True, False], [False, True]], ids=str)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_predictions_are_by_the_running_statistics(backend: Backend, flags: Any, bias: bool, dtype: str) -> None:
    net = make(backend, activation="tanh", batch_normalization=flags, bias=bias, dtype=dtype)
    expected, tolerance = by_definition(net, X, False)[0], 1e-13 if dtype == "float64" else 1e-5
    f = net.predictor()
    for found in (net.predict(X), [net.predict(x) for x in X], net.feed_forward(X)[-1], [f(x) for x in X]):
        np.testing.assert_allclose(found, expected, atol=tolerance)
    assert net.predict(X).dtype == net.dtype
    np.testing.assert_allclose(net.cost(X, Y, reduction="sum"), ((Y - expected) ** 2).sum() / 2, rtol=1e-5)
    for changed in (net.weights[0], net.running[flags == [False, True]]):
        changed *= 1.5  # both are read in every call
        expected = by_definition(net, X, False)[0]
        for found in (net.predict(X), [net.predict(x) for x in X], [f(x) for x in X]):
            np.testing.assert_allclose(found, expected, atol=tolerance)
        np.testing.assert_allclose(net.cost(X, Y), ((Y - expected) ** 2).sum() / 2 / len(X), rtol=1e-5)


def test_several_threads_predict_at_once(backend: Backend) -> None:
    net = make(backend, batch_normalization=True)
    expected = net.predict(X)
    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(net.predict, [X] * 200):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.compiled
@pytest.mark.parametrize("flags", [True, [True, False], [False, True]], ids=str)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_gradients_are_the_slopes_of_the_cost_by_the_batch(
    backend: Backend, flags: Any, bias: bool, hidden: str
) -> None:
    activation = [hidden, "tanh", "tanh"]
    net = make(backend, activation=activation, batch_normalization=flags, bias=bias, l1=0.01, l2=0.02)
    before = net.model.theta.everything.copy()
    check = check_gradient(net, X, Y)
    assert check.ok, check
    assert [g.size for g in check.analytic.gammas] == [g.size for g in net.gammas]
    assert all(g.any() for g in check.analytic.gammas if g.size)
    assert np.array_equal(net.model.theta.everything, before), "gradients move no statistics"
    if hidden == "tanh":
        output, _ = by_definition(net, X, True)
        w = np.concatenate([W.ravel() for W in net.weights])
        penalty = 0.01 * np.abs(w).sum() + 0.01 * (w @ w)
        cost = ((Y - output) ** 2).sum(axis=1).mean() / 2 + penalty
        np.testing.assert_allclose(net.gradient(X, Y)[0], cost, rtol=1e-12)


@pytest.mark.parametrize("optimizer", RULES)
@pytest.mark.parametrize(("size", "order"), [(9, None), (3, "shuffled"), (4, "in order"), (4, "shuffled")])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_updates_follow_the_gradient_and_move_the_statistics(
    backend: Backend, optimizer: str, size: int, order: Any, dtype: str
) -> None:
    m = 9 if size != 4 else 8
    net = make(backend, activation="tanh", dtype=dtype, seed=4)
    probe = make(Backend("reference"), activation="tanh", seed=4)
    probe.model.theta.everything[:] = net.model.theta.everything
    rule = optimizers.optimizer(optimizer)
    state = rule.state(probe.model.theta)  # type: ignore[attr-defined]
    orders = [np.random.default_rng(i).permutation(m) if order == "shuffled" else np.arange(m) for i in range(2)]
    x, y = X[:m].astype(dtype), Y[:m].astype(dtype)
    rows = np.array(orders, np.int64) if order == "shuffled" else None
    net.backend.run_updates(net.model, x, y, rule, alpha=0.05, batch_size=size, order=rows, epochs=2)
    for visit, start in itertools.product(orders, range(0, m, size)):
        batch = visit[start : start + size]
        _, statistics = by_definition(probe, x[batch], True)
        _, g = probe.gradient(x[batch], y[batch])
        samenet.backend("numpy").step(probe.model.theta.flat, g.flat, 0.05, rule, state)
        for running, (mean, variance) in zip(probe.running, statistics, strict=False):
            running *= 1 - MOMENTUM
            running += MOMENTUM * np.array([mean, variance * len(batch) / (len(batch) - 1)])
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    np.testing.assert_allclose(net.model.theta.everything, probe.model.theta.everything, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("cost", samenet.model.functions.COSTS)
@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_backends_train_alike(backend: Backend, cost: str, hidden: str, dtype: str) -> None:
    """With all options at once: dropout, clipping, penalties, a smaller last batch, monitors."""
    output = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}.get(cost, "identity")
    settings = {"activation": [hidden, hidden, output], "cost": cost, "l1": 0.01, "l2": 0.02, "dtype": dtype}
    options = {"batch_size": 4, "seed": 1, "dropout": 0.3, "clip_norm": 0.5, "clip_value": 0.3, "epochs": 3}
    ends = []
    for one in (backend, Backend("reference")):
        net = make(one, (3, 17, 6, 2), batch_normalization=[True, False], **settings)
        history = net.train(
            X[:7],
            Y[:7],
            alpha=0.1,
            optimizer="momentum",
            monitors="mean_norm",
            **options,  # type: ignore[arg-type]
        )
        ends.append([net.model.theta.everything, history.cost])
    rtol, atol = (1e-9, 1e-10) if dtype == "float64" else (2e-3, 1e-3)
    for found, expected in zip(*ends, strict=True):
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize(("sizes", "m"), [((3, 210, 205, 2), 16), ((3, 5, 2), 300)], ids=["wide", "many rows"])
def test_a_wide_network_and_a_large_batch(backend: Backend, sizes: tuple[int, ...], m: int) -> None:
    random = np.random.default_rng(5)
    x, y = random.normal(size=(m, 3)), random.random((m, 2))
    ends = []
    for one in (backend, Backend("numpy")):
        net = make(one, sizes, activation="relu", init="glorot")
        net.train(x, y, alpha=0.01, epochs=1, batch_size=m // 2, seed=1)
        ends.append(np.concatenate([net.model.theta.everything, net.predict(x).ravel(), net.predict(x[0])]))
    np.testing.assert_allclose(*ends, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seconds", [1e-12, 1e12], ids=["short calls", "long calls"])
def test_the_same_bits_however_it_is_split_into_calls(
    backend: Backend, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, other = make(backend), make(backend, threads=2)
    settings: dict[str, Any] = {"alpha": 0.5, "epochs": 5, "batch_size": 3, "dropout": 0.3, "optimizer": "adam"}
    net.train(X, Y, **settings, seed=1)
    monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
    other.train(X, Y, **settings, seed=1)
    assert net.model.theta.everything.tobytes() == other.model.theta.everything.tobytes()


@pytest.mark.parametrize("size", [3, None])
def test_records_are_of_the_running_statistics(backend: Backend, size: int | None) -> None:
    net, other = make(backend), make(backend)
    costs = [net.cost(X, Y)]
    settings: dict[str, Any] = {"alpha": 0.5, "epochs": 4, "batch_size": size, "seed": 5}
    history = net.train(X, Y, **settings, callback=lambda n, h: costs.append(n.cost(X, Y)))
    np.testing.assert_allclose(history.cost, costs[:-1], rtol=1e-12)
    assert other.train(X, Y, **settings).cost.tolist() == history.cost.tolist()
    assert other == net


def test_copies_keep_gammas_and_statistics(backend: Backend) -> None:
    net = make(backend)
    net.train(X, Y, alpha=0.1, epochs=2, batch_size=3, seed=1)
    others = [net.copy(), copy.deepcopy(net), copy.copy(net), pickle.loads(pickle.dumps(net))]
    others += [net.on(name) for name in samenet.backends()]
    for other in others:
        assert other == net
        np.testing.assert_allclose(other.predict(X), net.predict(X), rtol=1e-12)
    for other in others[:2] + others[3:]:
        other.running[0][0, 0] += 1
        assert other != net
    others[0].train(X, Y, alpha=0.1, epochs=1)
    assert others[1].model.theta.flat.base is not net.model.theta.flat.base
    assert "batch_normalization=True" in repr(net)
    assert net.batch_normalization is True
    assert make(backend, batch_normalization=[True, False]).batch_normalization == (True, False)
    assert make(backend, batch_normalization=[False, False]) == backend.Network([3, 5, 4, 2], seed=2, init="normal")


def test_how_it_begins(backend: Backend) -> None:
    net = backend.Network([3, 4, 2], seed=0, batch_normalization=True)
    plain = backend.Network([3, 4, 2], seed=0)
    assert np.array_equal(net.weights[0], plain.weights[0])
    assert net.parameters.size == plain.parameters.size + 4
    assert np.array_equal(net.parameters[16:20], np.ones(4)), "gamma lies after W and b of its layer"
    assert np.array_equal(net.running[0], [np.zeros(4), np.ones(4)])
    assert [g.shape for g in net.gammas] == [(4,), (0,)]
    assert plain.gammas == plain.running == ()
    given = backend.Network([3, 4, 2], weights=plain.weights, batch_normalization=[True])
    assert np.array_equal(given.gammas[0], np.ones(4))
    assert np.array_equal(given.running[0], net.running[0])


def test_what_is_put_back(backend: Backend) -> None:
    net = make(backend)
    patience = stopping.Patience(X, 10 + Y, epochs=2)  # gets worse from the start
    before = net.model.theta.everything.copy()
    net.train(X, -10 + 0 * Y, alpha=1e-3, epochs=9, stop=patience, optimizer="momentum")
    assert net.history.best_epoch in range(9)
    if net.history.best_epoch == 0:
        assert np.array_equal(net.model.theta.everything, before)
    net = make(backend, activation="identity")
    with warnings.catch_warnings(action="ignore"), pytest.raises(FloatingPointError):
        net.train(X, Y * 1e200, alpha=1e300, epochs=5, seed=1)
    assert np.array_equal(net.model.theta.everything, make(backend, activation="identity").model.theta.everything)


@pytest.mark.parametrize("optimizer", ["bfgs", "lbfgs", "cg"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_methods_of_scipy_minimise_the_cost_by_the_batch(backend: Backend, optimizer: str, dtype: str) -> None:
    net = make(backend, dtype=dtype)
    before, costs = net.gradient(X, Y)[0], [net.cost(X, Y)]
    moved = net.copy()
    moved.backend.run_updates(
        *(moved.model, X.astype(dtype), Y.astype(dtype), optimizers.Descent()), alpha=0.0, batch_size=len(X)
    )
    history = net.train(X, Y, epochs=1, optimizer=optimizer)
    assert net.gradient(X, Y)[0] < before
    np.testing.assert_allclose(history.cost, costs, rtol=1e-5)
    for found, expected in zip(net.running, moved.running, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_many_trainings(backend: Backend) -> None:
    options: dict[str, Any] = {"alpha": 0.1, "epochs": 3, "batch_size": 3}
    pattern = backend.Network([3, 4, 2], batch_normalization=True, threads=2)
    many = train_many(pattern, X, Y, seeds=range(3), **options)
    for seed, net in enumerate(many):
        one = backend.Network([3, 4, 2], batch_normalization=True, seed=seed)
        one.train(X, Y, seed=seed, **options)
        assert one == net
    starts = optimizers.MultiStart(3, optimizer="descent")
    for threads in (1, 2):
        net = backend.Network([3, 4, 2], batch_normalization=True, seed=0, threads=threads)
        history = net.train(X, Y, alpha=0.1, epochs=3, optimizer=starts, seed=1)
        np.testing.assert_allclose(net.cost(X, Y), min(history.starts), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("sizes", [(20, 100, 33, 9, 2), (30, 410, 4), (520, 210, 1)], ids=str)
def test_threads_do_not_change_bits(sizes: tuple[int, ...], activation: str, dtype: str) -> None:
    """Layers of several blocks and of one, wide and narrow; and a last batch of few rows.

    Without the JIT, NumPy multiplies, in an order that may depend on how the nodes are divided.
    """
    compare: Any = np.testing.assert_array_equal
    if numba.config.DISABLE_JIT:
        compare = partial(np.testing.assert_allclose, rtol=5e-3, atol=5e-3)  # training amplifies the difference
    rows = 130 if sizes[1] < 200 else 100
    random = np.random.default_rng(1)
    X, Y = random.standard_normal((rows, sizes[0])).astype(dtype), random.random((rows, sizes[-1])).astype(dtype)
    activations = [activation, *["sigmoid"] * (len(sizes) - 2)]
    for options in (
        {"batch_size": rows},
        {"batch_size": rows - 20, "dropout": 0.2, "optimizer": "adam"},
        {"batch_size": rows - 4},
    ):
        ends = []
        for threads in (1, 2, 3):
            cls = samenet.backend("numba").Network
            net = cls(sizes, seed=0, batch_normalization=True, activation=activations, dtype=dtype, threads=threads)
            net.train(X, Y, alpha=0.1, epochs=3, seed=2, **options)
            ends.append((net.model.theta.everything, net.gradient(X, Y)[1].flat))
        for end in ends[1:]:
            compare(np.concatenate(end), np.concatenate(ends[0]))


def test_what_is_refused(backend: Backend) -> None:
    cls = backend.Network
    for value, error, words in (
        (1, TypeError, "batch_normalization: expected True or False"),
        (None, TypeError, "batch_normalization: expected True or False"),
        ("yes", TypeError, "batch_normalization: expected True or False"),
        ([True], ValueError, "batch_normalization: expected 2 flags, one for each hidden layer, got 1"),
        ([True, 0], TypeError, r"batch_normalization\[1\]: expected True or False"),
    ):
        with pytest.raises(error, match=words):
            cls([3, 5, 4, 2], batch_normalization=value)
    with pytest.raises(ValueError, match="batch_normalization: expected False for a network without hidden layers"):
        cls([3, 2], batch_normalization=True)
    assert cls([3, 2], batch_normalization=[], seed=0) == cls([3, 2], batch_normalization=False, seed=0)
    net = make(backend)
    before = net.model.theta.everything.copy()
    for m, size in ((9, 1), (9, 4), (9, 8), (1, None), (1, 5)):
        with pytest.raises(ValueError, match="^batch_size: expected batches of at least 2 samples"):
            net.train(X[:m], Y[:m], alpha=0.1, epochs=1, batch_size=size)
    with pytest.raises(ValueError, match="^X: expected at least 2 samples"):
        net.gradient(X[0], Y[0])
    assert np.array_equal(net.model.theta.everything, before)
    net.train(X, Y, alpha=0.1, epochs=1, batch_size=3)
    cls([3, 5, 2]).train(X, Y, alpha=0.1, epochs=1, batch_size=4)


def test_a_folded_model_answers_the_same(backend: Backend) -> None:
    for bias in (True, False):
        net = make(backend, bias=bias, batch_normalization=[False, True])
        plain = folded(net.model)
        assert plain.theta.normalized == ()
        np.testing.assert_allclose(net.backend.predict(plain, X), net.predict(X), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_backends_agree_within_the_derived_bound(pair: Pair, hidden: str, bias: bool, dtype: str) -> None:
    settings = {"activation": [hidden, "tanh", "sigmoid"], "bias": bias, "dtype": dtype, "init": "glorot", "l2": 0.1}
    x, y = X.astype(dtype), Y.astype(dtype)
    for flags, p in ((True, 0.0), ([True, False], 0.3)):
        net, trusted = (make(one, batch_normalization=flags, **settings) for one in (pair.backend, pair.trusted))
        found = agreement.normalized(net, trusted, x, y, Dropout.of(np.full(9, p), net.dtype, 5) if p else None)
        wrong = [(name, str(one)) for name, one in found if not one.ok]
        assert not wrong, wrong


def test_plugged_in_backends() -> None:
    """A backend with `feed_forward` alone supports it by folded models; one with more must support it itself."""
    numpy = samenet.backend("numpy")

    def feed_forward(model: Any, x: Any) -> Any:
        assert not model.theta.normalized
        return numpy.feed_forward(model, x)

    alone = types.SimpleNamespace(__name__="alone", feed_forward=feed_forward)
    other = types.SimpleNamespace(__name__="other", feed_forward=feed_forward, gradient=numpy.gradient)
    nets = [type("Network", (Interface,), {"backend": module}) for module in (alone, other)]
    net, trusted = (
        nets[0]([3, 4, 2], seed=0, batch_normalization=True),
        make(Backend("numpy"), (3, 4, 2), init="glorot"),
    )
    trusted.model.theta.everything[:] = net.model.theta.everything
    for one in (net, trusted):
        one.train(X, Y, alpha=0.1, epochs=3, batch_size=3, seed=1)
    np.testing.assert_allclose(net.model.theta.everything, trusted.model.theta.everything, rtol=1e-12)
    np.testing.assert_allclose(net.feed_forward(X)[1], trusted.feed_forward(X)[1], rtol=1e-12)
    np.testing.assert_allclose(net.cost(X, Y), trusted.cost(X, Y), rtol=1e-12)
    assert generic.feed_forward(numpy, trusted.model, X)[-1].shape == (9, 2)
    nets[1]([3, 4, 2], seed=0)
    with pytest.raises(ValueError, match="batch_normalization: expected False for the backend other, whose gradient"):
        nets[1]([3, 4, 2], seed=0, batch_normalization=True)
