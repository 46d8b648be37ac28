"""Adaptive sampling: rows drawn by importance, the weighted gradient, and the update of the weights."""

import itertools
import math
import random
import threading
from typing import Any

import agreement
import numpy as np
import pytest
from agreement import Backend, Descent, Pair, Rule, drawing, rows_of
from inputs import COMBINATIONS, Case, Functions
from test_generic import learner

import samenet
from samenet import AdaptiveSampling, optimizers
from samenet.backends.adaptive import Sampler
from samenet.fast import sampler as arrays
from samenet.fast.kernels import adaptive as kernels
from samenet.fast.kernels.codegen.compiling import kernel
from samenet.optimizers import Adam, Momentum
from samenet.reference import sampling as loops
from samenet.training import loop
from samenet.training import sampling as drawn
from samenet.training.adaptive_sampling import sampling

Array = np.ndarray
M = 9
X = np.random.default_rng(0).normal(size=(M, 3))
Y = np.random.default_rng(1).random((M, 2))
WEIGHTS = np.array([1.0, 0.25, 4.0, 1.0, 0.001, 30.0, 2.0, 0.5, 1.5])
SETTINGS: dict[str, Any] = {"alpha": 0.3, "epochs": 4, "batch_size": 2, "seed": 5}


def make(backend: Backend, sizes: Any = (3, 4, 2), **others: Any) -> Any:
    return backend.Network(list(sizes), **({"seed": 2} | others))


def probabilities(sampler: Sampler) -> Array:
    """q of every row, by the equation."""
    w = sampler.weights
    q: Array = (1 - sampler.floor) * w / w.sum() + sampler.floor / len(w)
    return q


def number_for(sampler: Sampler, row: int, uniform: bool = False) -> float:
    """A random number that selects this row, from the middle of its interval in the floor or in the rest."""
    if uniform:
        return sampler.floor * (row + 0.5) / sampler.rows
    before, w = sampler.weights[:row].sum(), sampler.weights
    return float(sampler.floor + (1 - sampler.floor) * (before + w[row] / 2) / w.sum())


def draws(sampler: Sampler, numbers: Array) -> list[list[int]]:
    """The rows drawn by every implementation."""
    return [
        [loops.draw(sampler, u) for u in numbers.tolist()],
        arrays.draw(sampler, numbers).tolist(),
        [kernels.draw(tuple(sampler), u) for u in numbers.tolist()],
    ]


@pytest.mark.parametrize("m", [2, 3, 7, 8, 9, 33])
@pytest.mark.parametrize("floor", [1e-9, 0.1, 0.5, 0.999])
def test_rows_are_drawn_with_their_probabilities(m: int, floor: float) -> None:
    """The share of an even grid of numbers that selects a row is q, up to the ends of its two intervals."""
    sampler = drawing(np.random.default_rng(m).uniform(0, 1, m) ** 4 + 1e-3, floor=floor)
    numbers = (np.arange(5000) + 0.5) / 5000
    of_loops, of_arrays, of_kernels = draws(sampler, numbers)
    assert of_loops == of_arrays == of_kernels
    assert of_loops == [rows_of(sampler, u) for u in numbers]
    np.testing.assert_allclose(np.bincount(of_loops, minlength=m) / 5000, probabilities(sampler), atol=4.1 / 5000)


def test_all_draw_the_same_rows_to_the_bit_at_every_boundary() -> None:
    """Numbers on a boundary between two rows, and on both sides of it."""
    for m, floor in itertools.product((2, 3, 5, 64, 1000), (1e-3, 0.3)):
        sampler = drawing(np.random.default_rng(m).lognormal(0, 3, m), floor=floor)
        edges = floor + (1 - floor) * np.cumsum(sampler.weights) / sampler.weights.sum()
        edges = np.concatenate([edges, floor * np.arange(m + 1) / m, [0.0, floor, 1 - 2**-53]])
        numbers = np.concatenate([edges, np.nextafter(edges, 0), np.nextafter(edges, 1)])
        found = draws(sampler, numbers[(numbers >= 0) & (numbers < 1)])
        assert found[0] == found[1] == found[2]
        assert 0 <= min(found[0]) <= max(found[0]) < m


def test_a_fresh_sampler_is_uniform() -> None:
    for m in (2, 5, 8, 1000):
        sampler = Sampler.of(0.3, 0.1, m)
        assert sampler.tree.tolist() == drawing(np.ones(m)).tree.tolist()
        assert sampler.weights.tolist() == [1.0] * m
        assert sampler.mean.tolist() == [0.0]
        assert sampler.tree[1] == m


def slope(net: Any, sampler: Sampler, rows: Any, reduction: str = "mean", uniform: bool = False) -> Array:
    """The gradient of a batch of these rows, from one step of plain descent with alpha = 1; the network stays."""
    sampler, other = sampler.copy(), net.copy()
    numbers = np.array([[number_for(sampler, row, uniform) for row in rows]])
    given = {"alpha": 1.0, "batch_size": len(rows), "reduction": reduction}
    agreement.run_updates(other, X, Y, order=numbers, sampler=sampler, **given)
    return net.parameters - other.parameters  # type: ignore[no-any-return]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("size", [1, 2])
def test_the_expected_gradient_is_that_of_all_rows(backend: Backend, size: int, reduction: str) -> None:
    """All batches, each times its probability."""
    net, sampler = make(backend, l1=0.01, l2=0.1, activation=["tanh", "sigmoid"]), drawing(WEIGHTS)
    q, total = probabilities(sampler), 0.0
    for rows in itertools.product(range(M), repeat=size):
        total = total + math.prod(q[list(rows)]) * slope(net, sampler, rows, reduction)
    data, whole = net.copy(), net.gradient(X, Y)[1].flat
    if reduction == "sum":  # penalties are added once
        data = backend.Network(net.sizes, activation=["tanh", "sigmoid"], weights=net.weights, biases=net.biases)
        of_data = data.gradient(X, Y)[1].flat
        whole = size * of_data + (whole - of_data)
    np.testing.assert_allclose(total, whole, rtol=1e-10, atol=1e-13)


def test_a_row_counts_alike_however_it_was_drawn(backend: Backend) -> None:
    net, sampler = make(backend), drawing(WEIGHTS)
    for row in range(M):
        assert np.array_equal(slope(net, sampler, [row]), slope(net, sampler, [row], uniform=True))
        factor = 1 / (M * probabilities(sampler)[row])
        np.testing.assert_allclose(
            slope(net, sampler, [row]), factor * net.gradient(X[row], Y[row])[1].flat, rtol=1e-12, atol=1e-15
        )


@kernel()
def learn_rows(sampled, rows):  # type: ignore[no-untyped-def]
    """The kernel of this name, which only kernels can call."""
    kernels.learn_rows(sampled, rows, 1.0)


def taught(sampler: Sampler, rows: list[int], squares: list[float]) -> list[Sampler]:
    """The state that every implementation learns."""
    copies = [sampler.copy() for _ in range(3)]
    loops.learn(copies[0], rows, squares)
    arrays.learn(copies[1], np.array(rows), np.array(squares))
    sampled = kernels.Sampled(*copies[2], np.empty((0, 0)), np.array([squares], np.float64))
    learn_rows(sampled, np.array(rows))
    return copies


def by_hand(sampler: Sampler, rows: list[int], squares: list[float]) -> tuple[Array, float]:
    """tau and D after a batch, from the equations: the logarithms of the weights, and no tree."""
    tau, mean, D = np.log(sampler.weights), float(np.mean(squares)), float(sampler.mean[0])
    least, D = np.log(sampler.floor * sampler.weights.mean()), D or mean
    for row, square in zip(rows, squares, strict=True):
        tau[row] = max(tau[row] + sampler.rate * (min(square / D, 10) - 1), least)
    B = len(rows)
    return np.exp(tau), D + B / (B + 100) * (mean - D)


@pytest.mark.parametrize("before", [0.0, 0.2, 5.0], ids=["first", "after less", "after more"])
@pytest.mark.parametrize("rows", [[0], [8], [3, 5], [2, 2, 2], [0, 1, 5, 1, 8, 7, 5]], ids=str)
def test_weights_move_as_the_equations_say(rows: list[int], before: float) -> None:
    for seed, rate in itertools.product(range(5), (0.0, 0.3, 0.99)):
        squares = np.random.default_rng(seed).lognormal(0, 2, len(rows)).tolist()
        sampler = drawing(WEIGHTS, rate)
        sampler.mean[0] = before
        weights, mean = by_hand(sampler, rows, squares)
        for found in taught(sampler, rows, squares):
            np.testing.assert_allclose(found.weights, weights, rtol=1e-13)
            assert found.mean[0] == pytest.approx(mean, rel=1e-13)
            assert np.array_equal(found.tree, drawing(found.weights).tree)


def test_weights_keep_to_their_limits() -> None:
    for weight, square, expected in ((9e149, 100.0, 1e150), (1e150, 100.0, 1e150), (2e-150, 0.0, 1e-150)):
        sampler = drawing(np.full(4, weight), 0.99)
        sampler.mean[0] = 1.0
        for found in taught(sampler, [1], [square]):
            assert found.weights[1] == expected or expected == 1e-150 < found.weights[1] < weight
            assert np.isfinite(found.tree).all()
            assert min(draws(found, np.array([0.01, 0.5, 0.99]))) == max(draws(found, np.array([0.01, 0.5, 0.99])))
    sampler = drawing(np.full(4, 1e-149), 0.99, floor=1e-3)
    for _ in range(200):
        sampler.mean[0] = 1.0
        sampler = taught(sampler, [0, 1, 2, 3], [0.0] * 4)[0]
    assert sampler.weights.tolist() == [1e-150] * 4


@pytest.mark.parametrize("squares", [[0.0, 0.0], [math.nan, 1.0], [math.inf, 1.0], [1e308, 1e308]], ids=str)
@pytest.mark.parametrize("before", [0.0, 2.0, math.inf])
def test_norms_that_tell_nothing_change_nothing(squares: list[float], before: float) -> None:
    sampler = drawing(WEIGHTS)
    sampler.mean[0] = before
    with np.errstate(all="ignore"):
        samplers = taught(sampler, [0, 3], squares)
    for found in samplers:
        if before == 2.0 and squares == [0.0, 0.0]:  # a mean is known: both rows lose
            assert (found.weights[[0, 3]] < sampler.weights[[0, 3]]).all()
        else:
            assert np.array_equal(found.tree, sampler.tree)
            assert found.mean[0] == before


def test_the_expected_step_descends_the_variance() -> None:
    """For a small floor and a known mean, E[step] = -rate / D dV/dtau: V, the variance, by central differences."""
    norms = np.random.default_rng(3).uniform(0.5, 2, M)

    def second_moment(tau: Array) -> float:  # of ||d||, which differs from V by the norm of the mean gradient
        q = np.exp(tau) / np.exp(tau).sum()
        return float((norms**2 / (M * M * q)).sum())

    tau, rate = np.random.default_rng(4).uniform(-0.5, 0.5, M), 0.01
    sampler = drawing(np.exp(tau), rate, floor=1e-12)
    D, q = second_moment(tau), probabilities(sampler)
    sampler.mean[0] = D
    step = np.zeros(M)
    for row in range(M):
        learned = sampler.copy()
        loops.learn(learned, [row], [(norms[row] / (M * q[row])) ** 2])
        step += q[row] * (np.log(learned.weights) - tau)
    slopes = [(second_moment(tau + e) - second_moment(tau - e)) / 2e-5 for e in np.eye(M) * 1e-5]
    np.testing.assert_allclose(step, -rate / D * np.array(slopes), atol=1e-9)
    assert np.abs(step).max() > 1e-4


def test_the_probabilities_become_those_of_least_variance(backend: Backend) -> None:
    """A row with large gradients is drawn more often, and one with gradient 0 less often; the others stay equal."""
    net = make(backend, (3, 2), activation="identity")
    x, y = np.vstack([np.eye(3)] * 4), np.zeros((12, 2))
    y[:] = net.predict(x) - 1
    y[3], y[7] = net.predict(x[3]) - 6, net.predict(x[7])
    sampler, stream = Sampler.of(0.3, 0.1, 12), np.random.default_rng(0)
    given = {"alpha": 0.0, "batch_size": 3, "sampler": sampler}
    agreement.run_updates(net, x, y, order=stream.random((30, 12)), **given)
    q = 12 * probabilities(sampler)
    assert q[3] > 2.5
    assert q[7] < 0.3
    others = np.delete(q, [3, 7])
    assert others.max() < 1.5 < 3 * others.min()


RULES = [Rule(drop_connect=True), Rule(Momentum(0.9), dropout=True), Rule(Adam(0.7, 0.9, 1e-2), clip_norm=0.5)]


@pytest.mark.compiled
@pytest.mark.parametrize("functions", COMBINATIONS, ids=str)
def test_backends_agree(pair: Pair, functions: Functions, record: Any) -> None:
    for dtype, penalties, rule in zip(("float64", "float32", "float64"), ({}, {"l1": 0.1, "l2": 0.2}, {}), RULES):  # noqa: B905
        used = Functions(functions.hidden, functions.output, functions.cost, **penalties)
        case = Case((4, 5, 3, 2), 7, dtype == "float64", dtype, functions=used)
        networks = (case.network(one.Network) for one in (pair.backend, pair.trusted))
        descent = Descent(3, 1, False, "mean" if penalties else "sum", 0.02, rule)
        for name, comparison in agreement.sampled(*networks, case.X, case.Y, descent, case.masks):
            record(name, comparison)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("sizes", "rows", "size"), [((33, 18, 10), 150, 140), ((3, 1), 3, 1), ((40, 2), 30, 17)])
@pytest.mark.parametrize("rule", [Rule(), Rule(drop_connect=True)], ids=["plain", "drop_connect"])
@pytest.mark.uncounted
def test_larger_and_smaller_networks_agree(
    sizes: tuple[int, ...], rows: int, size: int, dtype: str, rule: Rule, fast: Backend, record: Any
) -> None:
    case, trusted = Case(sizes, rows, dtype=dtype), samenet.backend("reference").Network
    networks = case.network(fast.Network), case.network(trusted)
    for name, comparison in agreement.sampled(*networks, case.X, case.Y, Descent(size, rule=rule), case.masks):
        record(name, comparison)


def test_one_function_is_enough(record: Any) -> None:
    for functions in (Functions(), Functions("relu", "softmax", "cross_entropy", l1=0.1)):
        case = Case((4, 5, 3, 2), 7, functions=functions)
        networks = case.network(learner()), case.network(samenet.backend("reference").Network)
        descent = Descent(3, rule=Rule(Momentum(), dropout=True, drop_connect=True))
        for name, comparison in agreement.sampled(*networks, case.X, case.Y, descent, case.masks):
            record(f"{name}, generic", comparison)


def test_an_epoch_is_m_draws_from_the_seed(backend: Backend) -> None:
    """By hand: the weights, the batches and the steps, in NumPy."""
    net, probe = make(backend), make(Backend("numpy"))
    net.train(X, Y, **SETTINGS, sampling=AdaptiveSampling(0.5, 0.2))
    sampler, stream = drawing(np.ones(M), 0.5, 0.2), np.random.default_rng(5)
    for _ in range(4):
        numbers = stream.random(M)
        for start in range(0, M, 2):
            rows = [rows_of(sampler, u) for u in numbers[start : start + 2]]
            factors = 1 / (M * probabilities(sampler)[rows])
            slopes = [c * probe.gradient(X[row], Y[row])[1].flat for c, row in zip(factors, rows, strict=True)]
            weights, mean = by_hand(sampler, rows, [float(d @ d) for d in slopes])
            probe.parameters -= 0.3 * np.mean(slopes, axis=0)
            sampler = drawing(weights, 0.5, 0.2)
            sampler.mean[0] = mean
    np.testing.assert_allclose(net.parameters, probe.parameters, rtol=1e-11)


@pytest.mark.parametrize("seed_of", [np.random.default_rng, np.random.RandomState, random.Random])
@pytest.mark.parametrize("limit", [1, 11, 40])
@pytest.mark.parametrize("seconds", [1e-12, 1e12], ids=["short calls", "long calls"])
def test_the_result_does_not_depend_on_calls(
    backend: Backend, seconds: float, limit: int, seed_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, other, third = make(backend), make(backend), make(backend)
    settings = SETTINGS | {
        "sampling": "adaptive",
        "dropout": 0.2,
        "drop_connect": 0.2,
        "optimizer": "adam",
        "alpha": 0.05,
    }
    net.train(X, Y, **(settings | {"seed": seed_of(1)}))
    monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
    monkeypatch.setattr(drawn, "MOST_DRAWN", limit)
    other.train(X, Y, **(settings | {"seed": seed_of(1)}))
    third.train(X, Y, **(settings | {"seed": seed_of(1)}), callback=lambda net, history: None)
    assert net.parameters.tobytes() == other.parameters.tobytes() == third.parameters.tobytes()


def test_the_result_does_not_depend_on_threads(fast: Backend) -> None:
    case, found = Case((20, 30, 2), 600), []
    for threads in (1, 2):
        net = case.network(fast.Network)
        net.threads = threads
        net.train(case.X, case.Y, alpha=0.1, epochs=2, batch_size=300, seed=0, sampling="adaptive")
        found.append(net.parameters.tobytes())
    assert found[0] == found[1]


def test_trainings_at_once_do_not_disturb_each_other(fast: Backend) -> None:
    found: dict[int, bytes] = {}

    def train(number: int) -> None:
        net = make(fast)
        net.train(X, Y, **(SETTINGS | {"epochs": 50}), sampling="adaptive")
        found[number] = net.parameters.tobytes()

    threads = [threading.Thread(target=train, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found.values())) == 1
    assert len(found) == 4


def test_all_backends_train_alike() -> None:
    ends = []
    for name in samenet.backends():
        net = make(Backend(name), activation=["tanh", "sigmoid"])
        history = net.train(X, Y, **SETTINGS, sampling="adaptive", monitors="mean_norm")
        ends.append([*net.parameters, *history.cost, *history["mean_norm"]])
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-10)
    np.testing.assert_allclose(ends[2], ends[0], rtol=1e-10)


def test_recorded_costs_are_those_of_all_rows(backend: Backend) -> None:
    net = make(backend)
    costs = [net.cost(X, Y)]
    history = net.train(X, Y, **SETTINGS, sampling="adaptive", callback=lambda n, h: costs.append(n.cost(X, Y)))
    np.testing.assert_allclose(history.cost, costs[:-1], rtol=1e-12)


def test_rate_0_stays_uniform(backend: Backend) -> None:
    """For any floor, every row has the factor 1, up to rounding, and the weights do not change."""
    a, b = make(backend), make(backend)
    for net, floor in ((a, 0.5), (b, 0.25)):
        sampler = drawing(np.ones(8), 0.0, floor)
        agreement.run_updates(net, X[:8], Y[:8], alpha=0.1, batch_size=3, order=np.full((1, 8), 0.1), sampler=sampler)
        assert sampler.weights.tolist() == [1.0] * 8
    np.testing.assert_allclose(
        slope(a, drawing(np.ones(M), 0.0), [4]), a.gradient(X[4], Y[4])[1].flat, rtol=1e-12, atol=1e-16
    )


@pytest.mark.filterwarnings("ignore::samenet.DivergenceWarning")
def test_an_epoch_that_overflows_is_undone_with_its_weights(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training in parts of an epoch, which fails after the first call: the sampler's state is restored, too."""
    saved: list[Any] = []
    restore = Sampler.restore
    monkeypatch.setattr(Sampler, "restore", lambda self, other: (restore(self, other), saved.append(self.copy()))[0])
    for seconds in (1e-12, 1e12):
        monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
        net = make(backend, activation="identity")
        with pytest.raises(FloatingPointError, match="epoch 0"):
            net.train(X, Y, alpha=1e200, epochs=1, batch_size=1, seed=0, sampling="adaptive")
        assert net == make(backend, activation="identity")
        assert saved[-1].weights.tolist() == [1.0] * M
        assert saved[-1].mean[0] == 0


@pytest.mark.parametrize("name", [n for n, kind in optimizers.OPTIMIZERS.items() if kind().takes_steps])
def test_every_rule_takes_it(backend: Backend, name: str) -> None:
    a, b, c = (make(backend) for _ in range(3))
    a.train(X, Y, **SETTINGS, optimizer=name, sampling="adaptive")
    b.train(X, Y, **SETTINGS, optimizer=name, sampling=AdaptiveSampling())
    c.train(X, Y, **SETTINGS, optimizer=name)
    assert a == b != c


def test_starts_and_many_networks_take_it(backend: Backend) -> None:
    alone = make(backend)
    alone.train(X, Y, **SETTINGS, sampling="adaptive")
    together = [make(backend), make(backend)]
    samenet.train_many(
        together, X, Y, seeds=[5, 5], **{k: v for k, v in SETTINGS.items() if k != "seed"}, sampling="adaptive"
    )
    assert together == [alone, alone]
    net = make(backend)
    history = net.train(X, Y, **SETTINGS, sampling="adaptive", optimizer=optimizers.MultiStart(3))
    assert len(history.starts) == 3
    assert net.cost(X, Y) == pytest.approx(min(history.starts))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batch_size": None}, "sampling: expected batches smaller than the 9 samples, got batch_size=None"),
        ({"batch_size": 9}, "sampling: expected batches smaller than the 9 samples, got batch_size=9"),
        ({"batch_size": 100}, "sampling: expected batches smaller than the 9 samples, got batch_size=100"),
        ({"shuffle": False}, "sampling: expected none with shuffle=False"),
        ({"optimizer": "bfgs", "alpha": None, "batch_size": None}, "sampling: expected none for BFGS"),
        ({"sampling": "adaptiv"}, "sampling: expected one of 'adaptive', got 'adaptiv'; did you mean 'adaptive'"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(backend: Backend, given: dict[str, Any], message: str) -> None:
    net, before, history = make(backend), make(backend).parameters, None
    net.history = history
    with pytest.raises(ValueError, match=message):
        net.train(X, Y, **(SETTINGS | {"sampling": "adaptive"} | given))
    assert np.array_equal(net.parameters, before)
    assert net.history is history


@pytest.mark.parametrize(
    "value",
    [1, 0.5, True, ["adaptive"], AdaptiveSampling, {}, object()],
    ids=["1", "0.5", "True", "list", "class", "dict", "object"],
)
def test_what_is_no_sampling_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="^sampling: expected one of 'adaptive', got"):
        sampling(value)


def test_settings_are_checked() -> None:
    assert AdaptiveSampling() == AdaptiveSampling(rate=0.3, floor=0.1) == sampling("adaptive")
    assert sampling(None) is None
    for name, values in (("rate", (-0.1, 1.0, math.nan, math.inf)), ("floor", (0, 0.0, 1.0, 2, -1, math.nan))):
        for value in values:
            with pytest.raises(ValueError, match=f"^{name}: expected a"):
                AdaptiveSampling(**{name: value})
        for wrong in ("a", None, True, 1j, [0.5]):
            with pytest.raises(TypeError, match=f"^{name}: expected a number"):
                AdaptiveSampling(**{name: wrong})
    assert AdaptiveSampling(rate=np.float32(0.5), floor=np.float64(0.25)) == AdaptiveSampling(0.5, 0.25)
