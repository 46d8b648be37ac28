"""Sample weights: the weighted mean or sum of the samples' costs, with every backend, option and kind of training."""

import types
import warnings
from dataclasses import replace
from typing import Any

import agreement
import numpy as np
import pytest
from agreement import Backend, Descent, Pair, Rule
from inputs import COMBINATIONS, Case, Functions, mostly_zero
from test_generic import learner

import samenet
from samenet import stopping
from samenet.network import Network as Interface
from samenet.optimizers import Adam, MultiStart, Nesterov
from samenet.testing import tolerance
from samenet.testing.inputs import sample_weights as weights_of
from samenet.testing.tolerance import compare
from samenet.training import loop, scipy_methods
from samenet.validation.weights import sample_weight as checked

Array = np.ndarray
M = 9
X = np.random.default_rng(0).normal(size=(M, 3))
Y = np.random.default_rng(1).random((M, 2))
W = np.array([0.5, 2.0, 0.0, 1.0, 4.0, 0.0, 0.25, 1.5, 3.0])
TRAINING: dict[str, Any] = {"alpha": 0.3, "epochs": 4, "batch_size": 2, "seed": 5}


def make(backend: Backend, **others: Any) -> Any:
    return backend.Network([3, 4, 2], **({"seed": 2} | others))


@pytest.mark.parametrize("functions", COMBINATIONS, ids=str)
def test_backends_agree(pair: Pair, functions: Functions, record: Any) -> None:
    for dtype, penalties in (("float64", {"l1": 0.1, "l2": 0.2}), ("float32", {})):
        case = Case((4, 5, 3, 2), 7, dtype == "float64", dtype, functions=replace(functions, **penalties))
        networks = case.network(pair.backend.Network), case.network(pair.trusted.Network)
        for name, comparison in agreement.gradient(*networks, case.X, case.Y, None, None, weights_of(7)):
            record(f"weights of samples: {name}", comparison)


RULES = [
    Descent(5, 2, shuffled=True, alpha=0.2, rule=Rule(dropout=True)),
    Descent(13, 2, reduction="sum", alpha=0.02, rule=Rule(Nesterov(), clip_norm=0.5)),
    Descent(4, 2, rule=Rule(Adam(0.7, 0.9, 1e-2), drop_connect=True)),
    Descent(1, 1, shuffled=True, rule=Rule(dropout=True, drop_connect=True)),
]


@pytest.mark.parametrize("descent", RULES, ids=str)
def test_lockstep(pair: Pair, descent: Descent, record: Any) -> None:
    for dtype, functions in (("float64", Functions()), ("float32", Functions("tanh", "softmax", "cross_entropy"))):
        if dtype == "float32" and descent.rule.drop_connect:
            continue  # either changes the compiled code
        case = Case((4, 3, 2), 13, dtype=dtype, functions=functions)
        networks = case.network(pair.backend.Network), case.network(pair.trusted.Network)
        given = case.X, case.Y, descent, case.masks, weights_of(13)
        for name, comparison in agreement.ruled(*networks, *given):
            record(f"weights of samples: {name}", comparison)
        for name, comparison in agreement.ruled_at_once(networks[0], *given):
            record(f"weights of samples: {name}", comparison)


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("sizes", "rows", "size"), [((64, 30, 10), 400, 390), ((140, 20, 3), 70, 65), ((8, 300, 260, 4), 9, 9)]
)
def test_larger_networks_agree(sizes: tuple[int, ...], rows: int, size: int, record: Any) -> None:
    """Several parts of a batch, zeros among the inputs, and wide layers."""
    case, names = Case(sizes, rows, functions=Functions(cost="binary_cross_entropy")), ("numba", "numpy")
    networks = [case.network(samenet.backend(name).Network) for name in names]
    x = mostly_zero(case.X)
    for name, comparison in agreement.gradient(*networks, x, case.Y, None, None, weights_of(rows)):
        record(f"weights of samples: {name}", comparison)
    descent = Descent(size, 2, shuffled=True, alpha=0.1)
    for name, comparison in agreement.ruled(*networks, x, case.Y, descent, case.masks, weights_of(rows)):
        record(f"weights of samples: {name}", comparison)


def test_batch_normalization(pair: Pair, record: Any) -> None:
    dropout = Case((3, 5, 4, 2), M).dropout
    for dtype, masks in (("float64", None), ("float64", dropout), ("float32", None)):
        if dtype == "float32" and pair.backend.name == "numba":
            continue  # it would be compiled only for this
        settings: dict[str, Any] = {"batch_normalization": True, "dtype": dtype, "seed": 1, "cost": "cross_entropy"}
        names = ["tanh", "relu", "softmax"]
        nets = [one.Network([3, 5, 4, 2], activation=names, **settings) for one in (pair.backend, pair.trusted)]
        nets[0].parameters = nets[1].parameters
        for name, comparison in agreement.normalized(*nets, X.astype(dtype), Y.astype(dtype), masks, W):
            record(f"weights of samples: {name}", comparison)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("cost", ["squared_error", "sum_of_squares", "binary_cross_entropy", "cross_entropy"])
def test_the_gradient_is_that_of_the_weighted_cost(cost: str, reduction: str) -> None:
    """By central differences on the reference; and the cost is the weighted mean, or sum, of the samples' costs."""
    output = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}.get(cost, "tanh")
    net = make(Backend("reference"), activation=["tanh", output], cost=cost)
    costs = [net.cost(X[s], Y[s]) for s in range(M)]
    expected = np.average(costs, weights=W) if reduction == "mean" else W @ costs
    given = {"reduction": reduction, "sample_weight": W}
    J, g = net.gradient(X, Y, **given)
    assert J == net.cost(X, Y, **given) == pytest.approx(expected, rel=1e-14)
    for i, at in enumerate(net.parameters.tolist()):
        ends = []
        for net.parameters[i] in (at + 1e-5, at - 1e-5):
            ends.append(net.cost(X, Y, **given))
        net.parameters[i] = at
        assert g.flat[i] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_weights_are_repetitions(backend: Backend, reduction: str, record: Any) -> None:
    """A whole weight k equals repeating the row k times, within the bounds of both; penalties count once."""
    counts = np.array([1, 3, 0, 2, 1, 0, 4, 1, 2])
    net = make(backend, l1=0.01, l2=0.1, activation=["tanh", "sigmoid"])
    x, y = X.repeat(counts, axis=0), Y.repeat(counts, axis=0)
    given, many = {"reduction": reduction, "sample_weight": counts}, {"reduction": reduction}
    allowed = tolerance.gradient(net.model, x, y, reduction)
    weighted = tolerance.gradient(net.model, X, Y, reduction, sample_weight=counts.astype(float))
    (J, g), (expected, slope) = net.gradient(X, Y, **given), net.gradient(x, y, **many)
    record("repeated rows: cost", compare(J, expected, allowed[0] + weighted[0]))
    record("repeated rows: cost", compare(net.cost(X, Y, **given), expected, allowed[0] + weighted[0]))
    record("repeated rows: gradient", compare(g.flat, slope.flat, allowed[1].flat + weighted[1].flat))
    other = net.copy()
    histories = [net.train(X, Y, alpha=0.1, epochs=5, **given), other.train(x, y, alpha=0.1, epochs=5, **many)]
    np.testing.assert_allclose(net.parameters, other.parameters, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(histories[0].cost, histories[1].cost, rtol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_weight_0_leaves_a_sample_out(backend: Backend, reduction: str) -> None:
    """Even if it has numbers such as 1e300, whose product with a weight is infinite."""
    x, y, kept = X.copy(), Y.copy(), W > 0
    x[2], y[5] = 1e300, -1e300
    net = make(backend, activation=["relu", "identity"])
    net.weights[0][:] *= 1e10
    given, without = {"reduction": reduction, "sample_weight": W}, {"reduction": reduction, "sample_weight": W[kept]}
    for got, expected in zip(net.gradient(x, y, **given), net.gradient(x[kept], y[kept], **without), strict=True):
        np.testing.assert_allclose(getattr(got, "flat", got), getattr(expected, "flat", expected), rtol=1e-13)
    np.testing.assert_allclose(net.cost(x, y, **given), net.cost(x[kept], y[kept], **without), rtol=1e-13)
    net, training = make(backend), {"alpha": 0.1, "epochs": 3, "batch_size": 3, "shuffle": False}
    other = net.copy()
    net.train(x, y, **training, **given)
    for _ in range(3):
        for start in range(0, M, 3):
            rows = np.arange(start, start + 3)[kept[start : start + 3]]
            other.train(x[rows], y[rows], alpha=0.1, epochs=1, reduction=reduction, sample_weight=W[rows])
    np.testing.assert_allclose(net.parameters, other.parameters, rtol=1e-12)


@pytest.mark.parametrize("sizes", [(3, 2), (3, 4, 2), (9, 1), (70, 40, 2), (70, 20, 20, 2)])
def test_a_weight_that_rounds_to_0_leaves_a_sample_out(backend: Backend, sizes: tuple[int, ...]) -> None:
    """In float32, 1e-60 of the weight of a batch is 0; in the reference, which computes in float64, it is not."""
    if backend.name == "reference":
        return
    random = np.random.default_rng(0)
    x, y = random.random((6, sizes[0]), np.float32), random.random((6, sizes[-1]), np.float32)
    x[1] = 1e38
    for cost, last in (("squared_error", "identity"), ("binary_cross_entropy", "sigmoid")):
        functions = {"cost": cost, "activation": [*["identity"] * (len(sizes) - 2), last]}
        for size in (2, 3, 6):
            nets = [backend.Network(sizes, dtype="float32", seed=0, **functions) for _ in range(2)]
            for net, weight in zip(nets, (1e-60, 0.0), strict=True):
                net.weights[0][:] = 5 + np.abs(net.weights[0])
                given = {"batch_size": size, "shuffle": False, "sample_weight": [1, weight, 2, 1, 1, 2]}
                net.train(x, y, alpha=1e-9, epochs=2, record_every=0, **given)
            assert np.array_equal(nets[0].parameters, nets[1].parameters)


def test_equal_weights_give_the_same_bits(backend: Backend) -> None:
    for reduction, value in (("mean", 1.0), ("mean", 0.3), ("mean", 1e-320), ("mean", 1.7e308), ("sum", 1.0)):
        nets = [make(backend), make(backend)]
        given = [{"reduction": reduction}, {"reduction": reduction, "sample_weight": [value] * M}]
        costs = [net.train(X, Y, **TRAINING, **one).cost for net, one in zip(nets, given, strict=True)]
        assert np.array_equal(*costs)
        assert nets[0] == nets[1]
        assert nets[0].cost(X, Y, **given[0]) == nets[0].cost(X, Y, **given[1])
        slopes = [nets[0].gradient(X, Y, **one)[1].flat for one in given]
        assert np.array_equal(*slopes)


def test_a_batch_of_no_weight_has_the_gradient_of_the_penalties(backend: Backend) -> None:
    weights = np.array([0, 0, 0, 1.0, 0, 0, 0, 0, 0])  # the first batch has none
    for reduction in ("mean", "sum"):
        given = {"batch_size": 3, "shuffle": False, "reduction": reduction, "sample_weight": weights}
        net, penalized = make(backend), make(backend, l2=0.5)
        start = net.parameters.copy()
        once = net.copy()
        net.train(X, Y, alpha=0.1, epochs=1, **given)
        once.train(X[3], Y[3], alpha=0.1, epochs=1)
        np.testing.assert_allclose(net.parameters, once.parameters, rtol=1e-14)
        assert not np.array_equal(net.parameters, start)
        costs = agreement.run_updates(
            *(penalized, X[:3], Y[:3]), alpha=0.1, batch_size=3, reduction=reduction, sample_weight=weights[:3]
        )
        assert costs[0] == pytest.approx(0.25 * sum((v**2).sum() for v in make(backend).weights))
        np.testing.assert_allclose(penalized.weights[0], 0.95 * make(backend).weights[0], rtol=1e-14)
        assert np.array_equal(penalized.biases[0], make(backend).biases[0])


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    "others", [{}, {"optimizer": "adam", "dropout": 0.2, "drop_connect": 0.2}], ids=["plain", "adam"]
)
def test_the_result_does_not_depend_on_calls(
    backend: Backend, others: dict[str, Any], shuffle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    nets, given = [make(backend) for _ in range(3)], TRAINING | {"sample_weight": W, "shuffle": shuffle, **others}
    ends = [nets[0].train(X, Y, **given), nets[1].train(X, Y, callback=lambda *_: None, **given)]
    monkeypatch.setattr(loop, "CALL_SECONDS", 1e-12)
    ends.append(nets[2].train(X, Y, **given))
    assert ends[0] == ends[1] == ends[2]
    assert nets[0] == nets[1] == nets[2]
    assert not np.array_equal(nets[0].parameters, make(backend).parameters)


def test_what_is_weighted(backend: Backend) -> None:
    """Recorded costs are weighted; monitors, and the cost of Patience, are not."""
    net = make(backend)
    stop = stopping.Patience(X, Y, epochs=1)
    history = net.train(X, Y, alpha=0.0001, epochs=3, batch_size=4, sample_weight=W, monitors="mean_norm", stop=stop)
    first = make(backend)
    assert history.cost[0] == first.cost(X, Y, sample_weight=W) != first.cost(X, Y)
    assert history["mean_norm"][0] == pytest.approx(np.linalg.norm(Y - first.predict(X), axis=1).mean())
    kept: list[float] = []
    net.train(
        *(X, Y), alpha=1.0, epochs=30, sample_weight=np.eye(M)[0], stop=replace(stop, epochs=40),
        callback=lambda net, history: kept.append(net.cost(X, Y)),
    )  # fmt: skip
    assert net.cost(X, Y) <= min(kept)


@pytest.mark.parametrize("optimizer", ["bfgs", "lbfgs", "cg"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_scipy_s_methods(optimizer: str, reduction: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.array([1, 3, 0, 2, 1, 0, 4, 1, 2])
    ends = []
    for block, x, y, weights in (
        (1 << 20, X, Y, counts),
        (1 << 20, X.repeat(counts, axis=0), Y.repeat(counts, axis=0), None),
        (15, X, Y, counts),  # by blocks of rows, one of which has no weight
    ):
        monkeypatch.setattr(scipy_methods, "_BLOCK", block)
        net = make(Backend("numpy"), dtype="float32", l2=0.01)
        history = net.train(x, y, epochs=6, optimizer=optimizer, reduction=reduction, sample_weight=weights)
        ends.append((net.parameters, history.cost))
    for end in ends[1:]:
        for got, expected in zip(end, ends[0], strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_a_block_of_no_weight_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scipy_methods, "_BLOCK", 15)  # three rows
    weights = np.array([0, 0, 0, 1, 2, 3, 0, 0, 0.5])
    nets = [make(Backend("numpy"), dtype="float32"), make(Backend("numpy"), dtype="float32")]
    nets[0].train(X, Y, epochs=3, optimizer="bfgs", sample_weight=weights)
    nets[1].train(X[[3, 4, 5, 8]], Y[[3, 4, 5, 8]], epochs=3, optimizer="bfgs", sample_weight=weights[[3, 4, 5, 8]])
    np.testing.assert_allclose(nets[0].parameters, nets[1].parameters, rtol=1e-5)


def test_several_starts_and_many_networks(backend: Backend) -> None:
    net, starts = make(backend), MultiStart(3, optimizer="momentum")
    history = net.train(X, Y, alpha=0.2, epochs=3, batch_size=4, seed=1, optimizer=starts, sample_weight=W)
    assert min(history.starts) == net.cost(X, Y, sample_weight=W)
    seeds, each = [1, 2, 3], [W, np.ones(M), W[::-1].copy()]
    given = {"alpha": 0.2, "epochs": 3, "batch_size": 4}
    for weights in (W, each, np.array(each)):
        nets = samenet.train_many(make(backend), X, Y, seeds=seeds, sample_weight=weights, **given)
        for i, (net, seed) in enumerate(zip(nets, seeds, strict=True)):
            one = backend.Network([3, 4, 2], seed=seed)
            one.train(X, Y, seed=seed, sample_weight=W if weights is W else each[i], **given)
            assert net == one
            assert np.array_equal(net.history.cost, one.history.cost)
    with pytest.raises(ValueError, match="sample_weight: expected 3 vectors, one for each network, got 2"):
        samenet.train_many(make(backend), X, Y, seeds=seeds, sample_weight=each[:2], **given)


@pytest.mark.compiled
def test_threads_give_the_same_bits() -> None:
    random = np.random.default_rng(3)
    x, y, weights = random.normal(size=(3000, 40)), random.random((3000, 5)), weights_of(3000)
    ends = []
    for threads in (1, 2, 3):
        net = samenet.backend("numba").Network([40, 60, 5], seed=0, threads=threads)
        history = net.train(x, y, alpha=0.1, epochs=3, optimizer="momentum", sample_weight=weights)
        slope = net.gradient(x, y, sample_weight=weights)[1].flat
        ends.append(np.concatenate([net.parameters, history.cost, slope, [net.cost(x, y, sample_weight=weights)]]))
    assert np.array_equal(ends[0], ends[1])
    assert np.array_equal(ends[0], ends[2])


def test_one_function_is_enough(record: Any) -> None:
    for functions in (Functions(), Functions("relu", "softmax", "cross_entropy", l1=0.1)):
        case = Case((4, 5, 3, 2), 7, functions=functions)
        networks = case.network(learner()), case.network(samenet.backend("reference").Network)
        for name, comparison in agreement.gradient(*networks, case.X, case.Y, None, None, weights_of(7)):
            record(f"{name}, generic", comparison)
        descent = Descent(3, rule=Rule(Nesterov(), dropout=True, drop_connect=True))
        for name, comparison in agreement.ruled(*networks, case.X, case.Y, descent, case.masks, weights_of(7)):
            record(f"{name}, generic", comparison)


def test_a_backend_that_knows_no_weights_is_not_asked_for_them() -> None:
    """Its own functions take no weights: with weights, generic functions on its `feed_forward` are used instead."""
    numpy, called = samenet.backend("numpy"), []

    def without(name: str) -> Any:
        def function(*given: Any, **options: Any) -> Any:
            assert "sample_weight" not in options
            called.append(name)
            return getattr(numpy, name)(*given, **options)

        return function

    own = {name: without(name) for name in ("evaluate", "gradient", "run_updates")}
    for functions in (own, {"gradient": own["gradient"]}, {"run_updates": own["run_updates"]}):
        module = types.SimpleNamespace(__name__="other", feed_forward=numpy.feed_forward, **functions)
        net = type("Network", (Interface,), {"backend": module})([3, 4, 2], seed=2)
        called.clear()
        trusted = make(Backend("numpy"))
        for one in (net, trusted):
            one.train(X, Y, **TRAINING, sample_weight=W)
            one.train(X, Y, epochs=2, optimizer="bfgs", sample_weight=W)
        assert not called
        np.testing.assert_allclose(net.parameters, trusted.parameters, rtol=1e-9)
        assert net.cost(X, Y, sample_weight=W) == pytest.approx(trusted.cost(X, Y, sample_weight=W), rel=1e-12)
        net.train(X, Y, **TRAINING)
        net.gradient(X, Y)
        assert called


REFUSED = [
    (W[:-1], ValueError, r"sample_weight: expected shape \(9,\), one weight for each sample, got \(8,\)"),
    (np.append(W, 1.0), ValueError, r"expected shape \(9,\)"),
    (W[:, None], ValueError, r"expected shape \(9,\).*got \(9, 1\); use .ravel\(\)"),
    (np.ones((M, M)), ValueError, r"expected shape \(9,\)"),
    (2.0, ValueError, r"expected shape \(9,\), one weight for each sample, got \(\)"),
    ([], ValueError, r"expected shape \(9,\)"),
    ([*W[:-1], -0.5], ValueError, "sample_weight: expected weights of at least 0, got -0.5 for sample 8"),
    ([*W[:-1], np.nan], ValueError, "sample_weight: expected finite numbers"),
    ([*W[:-1], np.inf], ValueError, "sample_weight: expected finite numbers"),
    (np.zeros(M), ValueError, "sample_weight: expected at least one weight that is not zero"),
    (["a"] * M, TypeError, "sample_weight: expected real numbers"),
    ([None] * M, TypeError, "sample_weight: expected real numbers"),
    (W + 1j, TypeError, "sample_weight: expected real numbers"),
    ("balanced", TypeError, "sample_weight: expected real numbers"),
    (np.ma.masked_less(W, 1), ValueError, "sample_weight: expected numbers only, got a masked array"),
]


@pytest.mark.parametrize(("weights", "error", "message"), REFUSED)
def test_what_makes_no_sense_is_refused(weights: Any, error: Any, message: str) -> None:
    net = make(Backend("numpy"))
    history = net.train(X, Y, alpha=0.1, epochs=1)
    before = net.parameters.copy()
    for call in (net.cost, net.gradient, lambda *given, **weights: net.train(*given, **TRAINING, **weights)):
        with pytest.raises(error, match=message):
            call(X, Y, sample_weight=weights)
    assert np.array_equal(net.parameters, before)
    assert net.history is history
    with pytest.raises(error, match="^sample_weight: expected"):
        samenet.train_many([net], X, Y, alpha=0.1, epochs=1, sample_weight=weights)


def test_adaptive_sampling_is_refused_with_weights(backend: Backend) -> None:
    net = make(backend)
    with pytest.raises(ValueError, match="^sample_weight: expected None, as rows are drawn by AdaptiveSampling"):
        net.train(X, Y, **TRAINING, sampling="adaptive", sample_weight=np.ones(M))


def test_x_is_checked_even_where_its_weight_is_0() -> None:
    x = np.full((1, 1 << 20), 1.0).repeat(2, axis=0)
    x[1, 7] = np.nan
    net = samenet.backend("numba").Network([1 << 20, 1], seed=0)
    with pytest.raises(ValueError, match="X: expected finite"):
        net.train(x, [[0.0], [1.0]], alpha=0.1, epochs=1, sample_weight=[1, 0])


def test_weights_are_read_once_and_never_written_to() -> None:
    for given in (W.tolist(), tuple(W), W.astype(np.float32), W[::-1][::-1], np.asfortranarray(W), W.astype(">f8")):
        net, trusted = make(Backend("numpy")), make(Backend("numpy"))
        net.train(X, Y, **TRAINING, sample_weight=given)
        trusted.train(X, Y, **TRAINING, sample_weight=W)
        assert net == trusted
    weights = W.copy()

    def change(*_: Any) -> None:
        weights[:] = 1e9

    net.train(X, Y, alpha=0.1, epochs=2, sample_weight=weights, callback=change)
    trusted.train(X, Y, alpha=0.1, epochs=2, sample_weight=W)
    assert net == trusted
    weights = W.copy()
    weights.flags.writeable = False
    net.train(X, Y, alpha=0.1, epochs=2, sample_weight=weights)


@pytest.mark.parametrize("call", ["cost", "gradient", "train"])
def test_weights_that_are_objects_are_read_in_every_call(backend: Backend, call: str) -> None:
    """The memory of such an array has addresses, and an object may take the place of another."""

    class Number(float):
        value = 1.0
        __float__ = lambda self: self.value  # noqa: E731

    def outcome(given: Any) -> Any:
        net = make(backend)
        if call == "train":
            net.train(X, Y, alpha=0.1, epochs=1, sample_weight=given)
            return net.parameters.tobytes()
        found = getattr(net, call)(X, Y, sample_weight=given)
        return found if call == "cost" else found[1].flat.tobytes()

    weights, number = W.astype(object), Number(1.0)
    for value in (0.5, 3.5, 7.5):
        weights[1] = None  # makes room where the next may be
        weights[1] = float(str(value))
        assert outcome(weights) == outcome([float(w) for w in weights])
    weights[2] = number
    for value in (2.0, 9.0):
        number.value = value
        assert outcome(weights) == outcome(weights.astype(float))


def test_very_large_and_very_small_weights(backend: Backend) -> None:
    """Only their quotients matter for the mean; nothing overflows, and no precision is lost."""
    for dtype in ("float64", "float32"):
        net = make(backend, dtype=dtype)
        expected = net.gradient(X, Y, sample_weight=W)
        for factor in (2.0**1021, 2.0**-1060, 1e40, 1e-40):
            J, g = net.gradient(X, Y, sample_weight=W * factor)
            assert pytest.approx(expected[0], rel=1e-6) == J
            np.testing.assert_allclose(g.flat, expected[1].flat, rtol=1e-5, atol=1e-9)
    with pytest.raises(ValueError, match="sample_weight: expected finite numbers"):
        net.cost(X, Y, reduction="sum", sample_weight=W * 1e39)


def test_a_sum_of_large_weights_is_no_divergence(backend: Backend) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        given = {"reduction": "sum", "sample_weight": 1e9 * W, "seed": 0}
        net = make(backend)
        net.train(X, Y, alpha=1e-10, epochs=5, batch_size=2, **given)
    with pytest.warns(samenet.DivergenceWarning):
        make(backend, activation="identity").train(X, Y, alpha=1e-8, epochs=4, **given)


def test_the_targets_of_samples_that_are_left_out_do_not_count() -> None:
    """Neither for the limit of divergence, nor for the range check of gradients."""
    y = Y.copy()
    y[5] = 1e300
    net = make(Backend("numpy"), activation="identity")
    with pytest.warns(samenet.DivergenceWarning):
        net.train(X, y, alpha=20.0, epochs=4, sample_weight=W)
    net.weights[0][:] = net.weights[1][:] = 1e80
    J, g = net.gradient(X, y, sample_weight=W)
    assert np.isinf(J)
    assert not np.isnan(g.flat).any()


def test_weights_as_backends_take_them() -> None:
    f8, f4 = np.dtype("f8"), np.dtype("f4")
    assert checked(None, 3, "mean", f8) is None
    assert checked([2, 2, 2], 3, "mean", f8) is None
    assert checked([2, 2, 2], 3, "sum", f8).tolist() == [2, 2, 2]
    assert checked([1, 1, 1], 3, "sum", f4) is None
    assert checked([0.1, 1, 1], 3, "sum", f4).tolist() == [float(np.float32(0.1)), 1, 1]
    assert checked([0.1, 1, 1], 3, "mean", f4).tolist() == [0.1, 1, 1]
    assert checked([1.5e308, 1e308, 0], 3, "mean", f8).sum() < 1e308
