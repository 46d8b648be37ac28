"""`MultiStart`: starts that are trained in one call of the backend end like those trained one after the other."""

import signal
import threading
import warnings
from typing import Any

import numpy as np
import pytest
from numba import config

import samenet
from samenet import train_many
from samenet.fast import many_networks
from samenet.model.initialize import initialize
from samenet.optimizers import UPDATE_RULES, Adam, MultiStart, RMSProp
from samenet.schedules import Exponential
from samenet.stopping import CostChange, StopTraining
from samenet.training import alike, multistart, scipy_methods

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(30, 4)), RANDOM.random((30, 3))
SLOW = pytest.mark.compiled
STARTS = 11
RULES = [rule(epsilon=1e-6) if rule in (Adam, RMSProp) else rule() for rule in UPDATE_RULES]
OPTIONS: dict[str, dict[str, Any]] = {
    "full batch": {"epochs": 5},
    "batches": {"epochs": 4, "batch_size": 7, "shuffle": False, "record_every": 3},
    "no records": {"epochs": 4, "batch_size": 8, "shuffle": False, "record_every": 0, "clip_norm": 0.1},
    "weights": {"epochs": 4, "batch_size": 8, "shuffle": False, "sample_weight": RANDOM.random(30)},
    "schedule": {"epochs": 5, "alpha": Exponential(0.1, 0.9), "reduction": "sum", "clip_value": 0.5},
    "other cost": {"epochs": 5, "cost": "binary_cross_entropy"},
}
SEEN: set[int] = set()  # by a callback: the threads of the network, which is the user's
OVERFLOWING = {"epochs": 100, "optimizer": MultiStart(STARTS, init="normal"), "seed": 1}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of starts in each call of the kernel for several networks."""
    found: list[int] = []
    prepared = many_networks.prepared

    def counted(first: Any, number: int, *given: Any, **named: Any) -> Any:
        found.append(number)
        return prepared(first, number, *given, **named)

    monkeypatch.setattr(many_networks, "prepared", counted)
    return found


def in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have starts trained one after the other."""
    monkeypatch.setattr(multistart, "_groups", lambda plan, model, backend, options: ([], options))


def best_by_hand(make: Any, seed: int, init: Any = "glorot", **options: Any) -> tuple[Any, list[float]]:
    """The best of the networks trained from each start, and the costs of all."""
    random, nets, costs = np.random.default_rng(seed), [], []
    weights = options.get("sample_weight")
    for _ in range(STARTS):
        nets.append(make())
        initialize(nets[-1].model.theta, init, random)
        nets[-1].train(X, Y, **options)
        model = nets[-1].model.with_cost(options.get("cost"))
        of = {"reduction": options.get("reduction", "mean"), "sample_weight": weights}
        costs.append(
            type(nets[-1])(
                model.sizes, weights=model.weights, biases=model.biases, dtype=model.dtype, **model.settings
            ).cost(X, Y, **of)
        )
    return nets[int(np.argmin(costs))], costs


def assert_same(net: Any, other: Any) -> None:
    if config.DISABLE_JIT:  # plain kernels sum in NumPy's order
        assert np.allclose(net.parameters, other.parameters, rtol=1e-3, atol=5e-3)
        assert np.allclose(net.history.cost, other.history.cost, rtol=1e-3)
    else:
        assert net.parameters.tobytes() == other.parameters.tobytes()
        assert net.history.cost.tobytes() == other.history.cost.tobytes()
    assert net.history.epochs.tolist() == other.history.epochs.tolist()
    assert net.history.epochs_done == other.history.epochs_done


@pytest.mark.parametrize("threads", [1, pytest.param(2, marks=SLOW)])
@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=SLOW)])
@pytest.mark.parametrize("rule", [RULES[0], *(pytest.param(rule, marks=SLOW) for rule in RULES[1:])], ids=str)
@pytest.mark.parametrize("name", [name if name == "batches" else pytest.param(name, marks=SLOW) for name in OPTIONS])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_the_best_start_is_that_of_networks_trained_one_by_one(
    calls: list[int], backend: str, name: str, rule: Any, dtype: str, threads: int
) -> None:
    for sizes, others in (([4, 8, 3], {}), ([4, 40, 3], {"activation": ["tanh", "sigmoid"], "l2": 0.01})):
        options = {"alpha": 0.05, **OPTIONS[name]}

        def make(sizes: Any = sizes, others: Any = others) -> Any:
            return samenet.backend(backend).Network(sizes, seed=5, dtype=dtype, threads=threads, **others)

        best, costs = best_by_hand(make, 3, optimizer=rule, **options)
        net, stream = make(), np.random.default_rng(3)
        calls.clear()
        history = net.train(X, Y, optimizer=MultiStart(STARTS, rule), seed=stream, **options)
        assert sum(calls) == (STARTS if backend == "numba" else 0)
        assert_same(net, best)
        assert history is net.history
        assert (history.stopped_by, history.diverged_at) == (None, None)
        if config.DISABLE_JIT:
            assert np.allclose(history.starts, costs, rtol=1e-3)
        else:
            assert history.starts == tuple(costs)
        assert net.threads == threads


@pytest.mark.parametrize("init", ["normal", "he_uniform", "uniform"])
@pytest.mark.parametrize("stream", [np.random.default_rng, np.random.RandomState])
def test_starts_draw_in_turn(calls: list[int], stream: Any, init: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = []
    for _ in range(2):
        net, random = samenet.backend("numba").Network([4, 8, 3], seed=0), stream(4)
        net.train(X, Y, alpha=0.1, epochs=3, optimizer=MultiStart(STARTS, "descent", init), seed=random)
        ends.append((net, random.random()))
        assert sum(calls) == STARTS
        in_turn(monkeypatch)
    assert_same(ends[0][0], ends[1][0])
    assert ends[0][1] == ends[1][1]


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 6, "stop": CostChange(1e-2)},
        {"epochs": 3, "batch_size": 7},
        {"epochs": 3, "batch_size": 7, "shuffle": False, "dropout": 0.3},
        {"epochs": 3, "callback": lambda net, history: SEEN.add(net.threads)},
        {"epochs": 3, "validation": (X, Y)},
        {"epochs": 3, "monitors": "mean_norm"},
        {"epochs": 3, "alpha": lambda epoch: 0.1},
        {"epochs": 0},
    ],
    ids=lambda options: "-".join(options),
)
def test_starts_that_depend_on_each_other_are_trained_in_turn(
    calls: list[int], options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = []
    for _ in range(2):
        net = samenet.backend("numba").Network([4, 8, 3], seed=0, threads=2)
        net.train(X, Y, optimizer=MultiStart(4), seed=1, **{"alpha": 0.1, **options})
        ends.append((net.parameters.tobytes(), net.history))
        in_turn(monkeypatch)
    assert calls == []
    assert ends[0] == ends[1]
    assert len(ends[0][1].starts) == 4
    assert SEEN.issubset({2})


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("alpha", "size", "some"), [(1.0, None, True), (10.0, None, False), (0.5, 7, True), (9.0, 7, False)]
)
def test_starts_that_diverge_are_left_out(
    calls: list[int], alpha: float, size: Any, some: bool, threads: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[Any] = []
    for _ in range(2):
        net = samenet.backend("numba").Network(
            [4, 5, 3], activation=["relu", "identity"], threads=threads, seed=0, dtype=dtype
        )
        before, error = net.parameters.copy(), None
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                net.train(X, Y, alpha=alpha, batch_size=size, shuffle=False, **OVERFLOWING)
            except FloatingPointError as raised:
                error = str(raised)
                assert net.parameters.tobytes() == before.tobytes()
        ends.append((net.parameters.tobytes(), error, net.history, [str(one.message) for one in said]))
        assert sum(calls) == STARTS
        in_turn(monkeypatch)
    assert ends[0] == ends[1]
    assert (ends[0][1] is None) is some
    assert len({*np.isinf(ends[0][2].starts)}) == 1 + some


@pytest.mark.parametrize("threads", [1, 2])
def test_it_warns_if_the_best_start_diverged(calls: list[int], threads: int) -> None:
    net = samenet.backend("numba").Network([4, 3], activation="identity", threads=threads, seed=0)
    with pytest.warns(samenet.DivergenceWarning, match="the best of 11 starts ends at a cost of") as said:
        history = net.train(X, Y, alpha=2.0, epochs=30, optimizer=MultiStart(STARTS), seed=0)
    assert len(said) == 1
    assert sum(calls) == STARTS
    assert history.diverged_at is not None


@pytest.mark.parametrize("raised", [None, StopTraining("enough"), ValueError("mine")], ids=repr)
def test_ctrl_c_ends_all_starts(raised: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the call under way are compared."""
    net = samenet.backend("numba").Network([4, 8, 3], seed=0)
    prepared, begun = many_networks.prepared, list[int]()

    def with_ctrl_c(first: Any, number: int, *given: Any, **named: Any) -> Any:
        begun.append(number)
        if len(begun) == 2:
            signal.raise_signal(signal.SIGINT)
        return prepared(first, number, *given, **named)

    def handler(*_: Any) -> None:
        raise KeyboardInterrupt if raised is None else raised

    monkeypatch.setattr(many_networks, "prepared", with_ctrl_c)
    monkeypatch.setattr(alike, "_MOST", 0)  # so that calls are of as few starts as possible
    before = signal.signal(signal.SIGINT, handler)
    error: BaseException | None = None
    try:
        net.train(X, Y, alpha=0.1, epochs=3, optimizer=MultiStart(60), seed=0)
    except (KeyboardInterrupt, ValueError) as caught:
        error = caught
    finally:
        signal.signal(signal.SIGINT, before)
    assert isinstance(error, KeyboardInterrupt if raised is None else ValueError) is not isinstance(
        raised, StopTraining
    )
    assert len(net.history.starts) == sum(begun[:2]) < 60
    assert net.history.stopped_by == ("StopTraining: enough" if isinstance(raised, StopTraining) else None)
    assert net.cost(X, Y) == pytest.approx(min(net.history.starts))
    assert net.training_state is None


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_handler_of_ctrl_c_that_raises_stop_training(
    backend: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends starts that are trained by themselves, too."""
    net, is_pressed = samenet.backend(backend).Network([4, 8, 3], seed=0, threads=threads), threading.Event()
    run_updates = net.backend.run_updates

    def handler(*_: Any) -> None:
        raise StopTraining

    def with_ctrl_c(*given: Any, **named: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            is_pressed.wait(20)
        elif not is_pressed.is_set():
            signal.raise_signal(signal.SIGINT)
            is_pressed.set()
        return run_updates(*given, **named)

    monkeypatch.setattr(alike, "groups", lambda kinds, seeds, threads: [[i] for i in range(len(seeds))])
    monkeypatch.setattr(net.backend, "run_updates", with_ctrl_c)
    before = signal.signal(signal.SIGINT, handler)
    try:
        history = net.train(X, Y, alpha=0.1, epochs=1, optimizer=MultiStart(60), seed=0)
    finally:
        signal.signal(signal.SIGINT, before)
    assert history.stopped_by == "StopTraining", "whichever start was kept"
    assert len(history.starts) == 1 or threads == 2, "a second thread may begin some before it ends"


def test_what_ended_all_starts_is_named_whatever_ended_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its method had converged."""
    minimize, seen = scipy_methods.minimize, list[Any]()

    def handler(*_: Any) -> None:
        raise StopTraining("enough")

    def with_ctrl_c(training: Any, *given: Any) -> None:
        minimize(training, *given)
        if threading.current_thread() is threading.main_thread():
            seen.append(training.history.stopped_by)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(scipy_methods, "minimize", with_ctrl_c)
    net = samenet.backend("numpy").Network([4, 3], activation="identity", seed=0, threads=2)
    before = signal.signal(signal.SIGINT, handler)
    try:
        history = net.train(X, Y, epochs=100, optimizer=MultiStart(60, "bfgs"), seed=0)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen[0] is not None
    assert history.stopped_by == "StopTraining: enough"


@pytest.mark.parametrize("raised", [KeyboardInterrupt, StopTraining, ValueError])
def test_a_second_ctrl_c_before_any_start_is_done(raised: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net = samenet.backend("numba").Network([4, 8, 3], seed=0)
    net.train(X, Y, alpha=0.1, epochs=3)
    before, earlier = net.parameters.tobytes(), net.history

    def handler(*_: Any) -> None:
        raise raised

    def with_ctrl_c(*given: Any, **named: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(many_networks, "prepared", with_ctrl_c)
    standing = signal.signal(signal.SIGINT, handler)
    error: Any = None
    try:
        net.train(X, Y, alpha=0.1, epochs=3, optimizer=MultiStart(STARTS), seed=0)
    except (KeyboardInterrupt, ValueError) as caught:
        error = caught
    finally:
        signal.signal(signal.SIGINT, standing)
    assert type(error) is (type(None) if raised is StopTraining else raised)
    assert net.parameters.tobytes() == before
    assert (net.history.epochs_done, net.history.starts) == (0, ())
    assert net.history.stopped_by == ("StopTraining" if raised is StopTraining else None)
    assert (earlier.epochs_done, earlier.starts, earlier.stopped_by) == (3, (), None)


def test_the_network_is_as_after_any_training() -> None:
    Network, given = samenet.backend("numba").Network, {"alpha": 0.1, "epochs": 3, "seed": 1}
    nets = train_many([Network([4, 8, 3], seed=seed) for seed in range(3)], X, Y, alpha=0.1, epochs=3)
    earlier = nets[0].history
    history = nets[0].train(X, Y, optimizer=MultiStart(STARTS), **given)
    assert nets[0].history is history is not earlier
    assert earlier.starts == ()
    again = Network([4, 8, 3], seed=9)
    again.train(X, Y, optimizer=MultiStart(STARTS), **given)
    assert again == nets[0]
    assert again.history == history
    again.train(X, Y, **given)
    train_many(nets, X, Y, seeds=[1] * 3, alpha=0.1, epochs=3)
    assert_same(again, nets[0])
    assert nets[0].history.starts == ()
    assert history.starts != ()
