"""Training many networks at once: the same bits as one after the other; a failure does not affect the others."""

import copy
import signal
import threading
import time
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import samenet
from samenet import StopTraining, TrainingErrors, train_many
from samenet.optimizers import Adam, MultiStart
from samenet.stopping import CostChange
from samenet.study import tasks as many
from samenet.training.together import run_together

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(30, 4)), RANDOM.random((30, 3))
NAMES = samenet.backends()
SETTINGS: list[dict[str, Any]] = [
    {"alpha": 0.5, "epochs": 3},
    {"alpha": 0.5, "epochs": 3, "batch_size": 7, "record_every": 2},
    {"alpha": 0.01, "epochs": 3, "batch_size": 8, "optimizer": Adam(), "record_every": 0, "clip_norm": 0.1},
    {"alpha": lambda epoch: 0.5 / (1 + epoch), "epochs": 3, "batch_size": 7, "dropout": 0.3, "monitors": ["mean_norm"]},
    {"alpha": 0.5, "epochs": 3, "batch_size": 8, "drop_connect": [0.3, 0.0], "record_every": 2},
    {"epochs": 3, "optimizer": "lbfgs"},
    {"alpha": 0.5, "epochs": 9, "stop": CostChange(1e-2), "cost": "binary_cross_entropy"},
    {"alpha": 0.5, "epochs": 2, "optimizer": MultiStart(2), "batch_size": 7},
]


def same(some: Any, others: Any) -> bool:
    return len(some) == len(others) and all(
        a == b and a.parameters.tobytes() == b.parameters.tobytes() and a.history == b.history
        for a, b in zip(some, others, strict=True)
    )


@pytest.mark.parametrize("size", [None, 7])
@pytest.mark.parametrize("every", [3, 2**40, 2**63 - 1, 2**63, 10**30])
@pytest.mark.parametrize("name", NAMES[1:])
def test_records_rarer_than_epochs_take_no_more_memory(name: str, every: int, size: int | None) -> None:
    """As by users who ask for a record of the beginning alone, with a very large number."""
    Network, given = samenet.backend(name).Network, {"alpha": 0.5, "epochs": 3, "batch_size": size}
    one = [Network([4, 5, 3], seed=seed) for seed in range(3)]
    for net in one:
        net.train(X, Y, seed=1, record_every=3, **given)
    new = train_many([Network([4, 5, 3], seed=n) for n in range(3)], X, Y, seeds=[1] * 3, record_every=every, **given)
    assert same(new, one)
    assert new[0].history.epochs.tolist() == [0]


@pytest.mark.compiled
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("settings", SETTINGS, ids=range(len(SETTINGS)))
@pytest.mark.parametrize("name", NAMES)
def test_the_bits_are_those_of_one_after_the_other(name: str, settings: dict[str, Any], threads: int) -> None:
    Network, seeds = samenet.backend(name).Network, [5, 0, 3, 2**70]
    one = [Network([4, 5, 3], seed=seed, activation=["tanh", "sigmoid"], l2=0.01) for seed in seeds]
    for net, seed in zip(one, seeds, strict=True):
        net.train(X, Y, seed=seed, **settings)
    pattern = Network([4, 5, 3], activation=["tanh", "sigmoid"], l2=0.01, threads=threads)
    before = pattern.copy()
    new = train_many(pattern, X, Y, seeds=seeds, **settings)
    assert same(new, one)
    assert pattern == before
    assert pattern.history is None
    assert all(net.threads == threads for net in new)
    nets = [Network([4, 5, 3], seed=seed, activation=["tanh", "sigmoid"], l2=0.01, threads=threads) for seed in seeds]
    assert train_many(tuple(nets), X, Y, seeds=iter(seeds), **settings) == nets
    assert same(nets, one)


def test_networks_of_all_kinds_each_with_its_own_samples() -> None:
    def made() -> list[Any]:
        return [
            samenet.backend(name).Network([4, *hidden, 3], seed=i, dtype=dtype, threads=2)
            for i, (name, hidden, dtype) in enumerate(
                (name, hidden, dtype) for name in NAMES[1:] for hidden in ((), (5,), (40, 9)) for dtype in ("f4", "f8")
            )
        ]

    some, others = made(), made()
    xs, ys = [X[: 3 + i] for i in range(len(some))], [Y[: 3 + i] for i in range(len(some))]
    for net, x, y in zip(some, xs, ys, strict=True):
        net.train(x, y, seed=7, alpha=0.1, epochs=4, batch_size=2)
    train_many(others, xs, ys, seeds=[7] * len(others), alpha=0.1, epochs=4, batch_size=2)
    assert same(others, some)


def test_samples_are_shared_or_have_one_dimension_more() -> None:
    Network = samenet.backend("numpy").Network
    both, twice = np.stack([X, X[::-1]]), np.stack([Y, Y[::-1]])
    expected = [Network([4, 3], seed=s) for s in (0, 1)]
    expected[0].train(X, Y, alpha=1, epochs=2)
    expected[1].train(X[::-1], Y[::-1], alpha=1, epochs=2)
    for xs in (both, list(both), both.tolist()):
        for ys in (twice, tuple(twice), twice.tolist()):
            assert same(train_many(Network([4, 3]), xs, ys, seeds=[0, 1], alpha=1, epochs=2), expected)
    expected[1] = Network([4, 3], seed=1)
    expected[1].train(X, Y[::-1], alpha=1, epochs=2)
    for xs in (X, X.tolist(), list(X)):
        assert same(train_many(Network([4, 3]), xs, twice, seeds=[0, 1], alpha=1, epochs=2), expected)
    assert train_many([], X, Y, alpha=1, epochs=2) == []


def test_one_stream_for_two_trainings_is_drawn_from_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once: list[int] = []

    def counted(tasks: Any, threads: int) -> Any:
        at_once.append(threads)
        return run_together(tasks, threads)

    monkeypatch.setattr(many, "run_together", counted)
    for threads in (1, 3):
        nets = [samenet.backend("numba").Network([4, 3], seed=0, threads=threads) for _ in range(6)]
        stream = np.random.default_rng(1)
        train_many(nets, X, Y, seeds=[stream] * 6, alpha=1.0, epochs=3, batch_size=1)
        if threads == 1:
            one = nets
    assert same(nets, one)
    assert len({net.parameters.tobytes() for net in nets}) == 6
    train_many(nets, X, Y, seeds=[1, 1, np.int64(1), None, None, np.random.default_rng(1)], alpha=1.0, epochs=1)
    assert at_once == [1, 1, 3]


@pytest.mark.parametrize("threads", [1, 2])
def test_one_that_fails_is_named_and_the_others_are_done(threads: int) -> None:
    Network = samenet.backend("numba").Network

    def alpha_of(nets: list[Any]) -> Any:
        def callback(net: Any, history: Any) -> None:
            if net is nets[1]:
                raise RuntimeError("mine")
            if net is nets[2]:
                raise StopTraining("enough")

        return callback

    nets = [Network([4, 5, 3], seed=seed, threads=threads, activation="identity") for seed in range(4)]
    nets[3].parameters = np.full(nets[3].parameters.size, 1e200)
    expected = Network([4, 5, 3], seed=0, activation="identity")
    expected.train(X, Y, alpha=0.1, epochs=5, callback=lambda net, history: None)  # epoch by epoch, as below
    with pytest.raises(TrainingErrors, match=r"2 of 4 .*, networks\[1\], networks\[3\]; the others are done") as raised:
        train_many(nets, X, Y, alpha=0.1, epochs=5, callback=alpha_of(nets))
    assert raised.value.networks == nets
    assert {i: type(error) for i, error in raised.value.failed.items()} == {1: RuntimeError, 3: FloatingPointError}
    assert [error.__notes__ for error in raised.value.exceptions] == [
        [f"in train_many, for networks[{i}]"] for i in (1, 3)
    ]
    rest = raised.value.subgroup(FloatingPointError)
    assert isinstance(rest, TrainingErrors)
    assert [*rest.failed] == [3]
    assert nets[0].parameters.tobytes() == expected.parameters.tobytes()
    assert nets[1].history.epochs_done == 1
    assert (nets[2].history.epochs_done, nets[2].history.stopped_by) == (1, "callback: enough")
    assert (nets[3].parameters == 1e200).all()


def test_those_that_diverge_are_named_once_where_it_was_called() -> None:
    nets = [samenet.backend("numpy").Network([4, 5, 3], seed=s, activation="identity") for s in range(3)]
    nets.append(samenet.backend("numpy").Network([4, 5, 3], seed=0))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train_many(nets, X, Y, alpha=1.5, epochs=6)
    assert [str(w.message).partition(";")[0] for w in caught] == [
        "training diverges: 3 of 4 networks do, networks[0], networks[1], networks[2]"
    ]
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"X": np.full((30, 4), np.nan)}, ValueError, r"X: expected finite"),
        ({"X": np.stack([X] * 3)}, ValueError, r"X: expected 2 matrices, one for each network, got 3"),
        ({"Y": [Y, Y[1:]]}, ValueError, r"Y: expected shape \(30, 3\)"),
        ({"alpha": -1}, ValueError, "alpha: expected a number above 0"),
        ({"seeds": [1]}, ValueError, "seeds: expected 2, one for each network, got 1"),
        ({"seeds": 3}, TypeError, "seeds: expected a list, got 3"),
        ({"seeds": "ab"}, TypeError, "seeds: expected a list, got 'ab'"),
        ({"seeds": [1, -1]}, ValueError, "seed: expected an integer of at least 0, got -1"),
        ({"networks": 3}, TypeError, "networks: expected a list, got 3"),
        ({"networks": [None, 1]}, TypeError, r"networks\[0\]: expected a Network, got None"),
        ({"epoch": 3}, ValueError, "train_many: expected one of .*; did you mean 'epochs'"),
        ({"seed": 3}, ValueError, "train_many: expected one of"),
        ({"init": "glorott", "seeds": [1]}, ValueError, "did you mean 'glorot'"),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_before_anything_is_trained(wrong: dict[str, Any], error: Any, message: str) -> None:
    nets: Any = [samenet.backend("numpy").Network([4, 3], seed=s) for s in range(2)]
    before = [net.parameters.tobytes() for net in nets]
    given: dict[str, Any] = {"networks": nets[0] if "init" in wrong else nets, "X": X, "Y": Y, "alpha": 1, "epochs": 2}
    with pytest.raises(error, match=message):
        train_many(**{**given, **wrong})
    assert [net.parameters.tobytes() for net in nets] == before
    assert [net.history for net in nets] == [None, None]


def test_more_that_is_refused() -> None:
    net = samenet.backend("numpy").Network([4, 3], seed=0)
    with pytest.raises(ValueError, match=r"networks\[2\]: expected each network once, got networks\[0\] again"):
        train_many([net, net.copy(), net], X, Y, alpha=1, epochs=1)
    with pytest.raises(ValueError, match=r"networks\[2\]: expected parameters of its own, got those of networks\[1\]"):
        train_many([net.copy(), net, copy.copy(net)], X, Y, alpha=1, epochs=1)
    assert net.history is None
    with pytest.raises(ValueError, match="seeds: expected one for each new network"):
        train_many(net, X, Y, alpha=1, epochs=1)
    with pytest.raises(TypeError, match="expected epochs to be given"):
        train_many([net], X, Y, alpha=1)
    with pytest.raises(ValueError, match="X: expected finite") as raised:
        train_many([net, net.copy()], [X, np.full((30, 4), np.nan)], Y, alpha=1, epochs=1)
    assert raised.value.__notes__ == ["in train_many, for networks[1]"]


def test_tasks_run_together() -> None:
    meeting = threading.Barrier(3, timeout=20)

    def task(release: Any) -> None:
        meeting.wait()
        release()

    assert run_together([task] * 6, threads=3) == {}
    assert run_together([], threads=3) == {}
    assert run_together([lambda release: None], threads=3) == {}


@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_ends_all_of_them(threads: int) -> None:
    begun: list[int] = []

    def task(i: int) -> Any:
        def run(release: Any) -> None:
            begun.append(i)
            if threading.current_thread() is threading.main_thread():
                signal.raise_signal(signal.SIGINT)
            for _ in range(2000):
                release()
                time.sleep(0.01)

        return run

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run_together([task(i) for i in range(9)], threads)
    assert len(begun) <= threads
    assert signal.getsignal(signal.SIGINT) is before


def test_a_handler_of_ctrl_c_that_raises_stop_training_when_all_is_done() -> None:
    def handler(signum: int, frame: Any) -> None:
        raise samenet.StopTraining

    before = signal.signal(signal.SIGINT, handler)
    try:
        assert run_together([lambda release: signal.raise_signal(signal.SIGINT)], threads=1) == {}
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("exit_of_helper", [False, True])
def test_the_main_thread_that_waits_for_a_helper(exit_of_helper: bool) -> None:
    """It delivers Ctrl-C, and raises exceptions that are not an `Exception`."""
    meeting, ended = threading.Barrier(2, timeout=20), list[bool]()

    def task(release: Any) -> None:
        meeting.wait()
        if threading.current_thread() is threading.main_thread():
            if not exit_of_helper:
                signal.raise_signal(signal.SIGINT)
            return
        if exit_of_helper:
            raise SystemExit
        for _ in range(500):
            release()
            time.sleep(0.01)
        ended.append(True)

    with pytest.raises(SystemExit if exit_of_helper else KeyboardInterrupt):
        run_together([task] * 2, threads=2)
    assert ended == []


def test_a_helper_whose_start_is_interrupted_has_stopped_when_the_exception_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As by the handler of a signal that is not deferred; then the pool does not know the thread."""
    begun, go_on, ended = threading.Event(), threading.Event(), list[bool]()
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        assert begun.wait(20)
        raise KeyboardInterrupt

    def task(release: Any) -> None:
        begun.set()
        assert go_on.wait(20)
        ended.append(True)

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    monkeypatch.setattr(time, "sleep", lambda seconds: go_on.set())
    try:
        with pytest.raises(KeyboardInterrupt):
            run_together([task] * 2, threads=2)
        assert ended == [True]
    finally:
        go_on.set()


class Unfriendly:
    """Raises on every operation."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


@pytest.mark.without_jit
@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("X", {"X": Unfriendly()}),
        ("Y", {"Y": [Unfriendly(), Y]}),
        ("validation", {"validation": (Unfriendly(), Y)}),
        ("sample_weight", {"sample_weight": Unfriendly()}),
        ("sample_weight", {"sample_weight": scipy.sparse.csr_array(np.ones((2, 30)))}),
    ],
    ids=["X", "Y", "validation", "sample_weight", "sparse"],
)
def test_what_cannot_be_asked_how_many_dimensions_it_has_is_refused(name: str, given: dict[str, Any]) -> None:
    networks = [samenet.backend("numpy").Network([4, 5, 3], seed=seed) for seed in (0, 1)]
    with pytest.raises((TypeError, ValueError), match=name):
        train_many(networks, **{"X": X, "Y": Y, "alpha": 0.5, "epochs": 1} | given)


@pytest.mark.without_jit
@pytest.mark.parametrize(
    "seeds",
    [b"ab", bytearray(b"ab"), memoryview(b"ab"), {1, 2}, frozenset({1, 2}), {1: 2}.keys()],
    ids=lambda seeds: type(seeds).__name__,
)
def test_seeds_are_a_list_in_an_order(seeds: Any) -> None:
    with pytest.raises(TypeError, match="seeds: expected a list"):
        train_many(samenet.backend("numpy").Network([4, 5, 3]), X, Y, seeds=seeds, alpha=0.5, epochs=1)


OPTIONS: dict[str, Any] = {"alpha": 0.5, "epochs": 2, "batch_size": 7}


def small(number: int = 6, **given: Any) -> list[Any]:
    return [samenet.backend("numba").Network([4, 5, 3], seed=seed, **given) for seed in range(number)]


def replaced(nets: list[Any]) -> None:
    nets[3] = small(10)[9]


def of_another_class(nets: list[Any]) -> None:
    nets[3] = type("Mine", (type(nets[3]),), {})([4, 5, 3], seed=5)


def with_a_class_of_its_own(nets: list[Any]) -> None:
    nets[3].__class__ = type("Mine", (type(nets[3]),), {})


def model_of_another(nets: list[Any]) -> None:
    nets[3].model = small(10, l2=0.5)[9].model


def more_threads(nets: list[Any]) -> None:
    nets[-1].threads = 2


# What changes between two calls (networks, or other arguments), and whether the second call finds all checked.
BETWEEN: list[tuple[Any, dict[str, Any], bool]] = [
    (None, {}, True),
    (None, {"X": X[::-1].copy(), "Y": Y[::-1].copy()}, True),
    (None, {"X": X.tolist(), "Y": Y.tolist()}, True),
    (None, {"X": X[:20].copy(), "Y": Y[:20].copy()}, False),
    (None, {"X": np.vstack([X, X])[:30]}, False),
    (None, {"Y": np.vstack([Y, Y])[30:]}, False),
    (None, {"X": np.stack([X] * 6)}, False),
    (None, {"X": [X] * 6, "Y": [Y[::-1]] * 6}, False),
    (None, {"alpha": 0.25}, False),
    (None, {"batch_size": 8}, False),
    (None, {"record_every": 2}, False),
    (None, {"cost": "binary_cross_entropy"}, False),
    (None, {"seeds": [1] * 6}, False),
    (None, {"seeds": None}, True),
    (replaced, {}, False),
    (of_another_class, {}, False),
    (with_a_class_of_its_own, {}, False),
    (model_of_another, {}, False),
    (more_threads, {}, False),
    (list.reverse, {}, False),
    (list.pop, {}, False),
]


@pytest.mark.parametrize(("change", "given", "is_found"), BETWEEN, ids=range(len(BETWEEN)))
def test_a_second_call_gives_the_bits_of_one_that_checks_all(
    change: Any, given: dict[str, Any], is_found: bool, found_again: list[bool]
) -> None:
    seeded = given.get("seeds", ()) is not None
    both, first = (small(), small()), {**OPTIONS, "shuffle": seeded}  # without seeds, orders would differ
    for nets in both:
        train_many(nets, X, Y, seeds=[*range(6)] if seeded else [None] * 6, **first)
        if change is not None:
            change(nets)
    options = {"X": X, "Y": Y, "seeds": [*range(len(both[0]))], **first, **given}
    train_many(both[0], **options)
    assert found_again == [False, False, is_found]
    train_many(tuple(both[1]), **options)  # checks all
    assert same(*both)


def test_samples_that_change_in_place_are_read_again(found_again: list[bool]) -> None:
    (x, y), nets = (X.copy(), Y.copy()), small()
    train_many(nets, x, y, seeds=[*range(6)], **OPTIONS)
    expected = [net.copy() for net in nets]
    x *= 2
    y[:] = y[::-1].copy()
    train_many(nets, x, y, seeds=[*range(6)], **OPTIONS)
    train_many(tuple(expected), x, y, seeds=[*range(6)], **OPTIONS)
    assert same(nets, expected)
    assert found_again == [False, True, False]
    x[2, 1] = np.nan
    with pytest.raises(ValueError, match="X: expected finite"):
        train_many(nets, x, y, seeds=[*range(6)], **OPTIONS)
    assert same(nets, expected)


@pytest.mark.parametrize("name", ["alpha", "sample_weight"])
def test_what_is_read_again(name: str, found_again: list[bool]) -> None:
    """Functions and weights, which may change between two calls."""
    rates, weights, nets = [0.5], np.linspace(0.5, 1.5, 30), small()
    values: dict[str, Any] = {"alpha": lambda epoch: rates[-1], "sample_weight": weights}
    more = {name: values[name]}
    expected = [net.copy() for net in nets]
    for i in range(5):
        train_many(nets, X, Y, seeds=[*range(6)], **{**OPTIONS, **more})
        train_many(tuple(expected), X, Y, seeds=[*range(6)], **{**OPTIONS, **more})
        assert same(nets, expected)
        if i == 1:
            rates.append(0.25)
            weights[:7] = 3.0
    assert found_again[::2] == [False, True, name == "alpha", True, True]
    weights[3] = -1.0
    rates.append(-1.0)
    with pytest.raises((samenet.TrainingErrors, ValueError)):
        train_many(nets, X, Y, seeds=[*range(6)], **{**OPTIONS, **more})
    assert all((a.parameters == b.parameters).all() for a, b in zip(nets, expected, strict=True))


@pytest.mark.parametrize(
    "more",
    [
        {"validation": (X, Y)},
        {"cost": "sum_of_squares"},
        {"monitors": ["mean_norm"]},
        {"callback": lambda net, history: None},
        {"verbose": True},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_is_not_kept(more: dict[str, Any], found_again: list[bool], capsys: pytest.CaptureFixture[str]) -> None:
    """Options that can change between two calls, or with which more is done than to train."""
    nets, shown = small(), list[str]()
    for _ in range(2):
        train_many(nets, X, Y, seeds=[*range(6)], **{**OPTIONS, **more})
        shown.append(capsys.readouterr().out)
    assert found_again == [False, False]
    assert (shown[1] != "") == ("verbose" in more)


def test_lists_that_change_after_a_call(found_again: list[bool]) -> None:
    nets, seeds = small(), [*range(6)]
    train_many(nets, X, Y, seeds=seeds, **OPTIONS)
    expected, seeds[2] = [net.copy() for net in nets], 9
    train_many(nets, X, Y, seeds=seeds, **OPTIONS)
    train_many(tuple(expected), X, Y, seeds=seeds, **OPTIONS)
    assert same(nets, expected)
    new = train_many(nets, X, Y, seeds=seeds, **OPTIONS)
    assert new == nets
    assert new is not nets
    assert found_again == [False, False, False, True]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"X": np.full((30, 4), np.nan)}, ValueError, "X: expected finite"),
        ({"Y": Y[1:]}, ValueError, "Y: expected"),
        ({"seeds": [np.array([1, 2])] * 6}, TypeError, "seed: expected"),
        ({"seeds": [0, 1, 2, 3, 4, True]}, TypeError, "seed: expected"),
        ({"seeds": [0, 1, 2, 3, 4, 5.0]}, TypeError, "seed: expected"),
        ({"seeds": [0, 1, 2, 3, 4]}, ValueError, "seeds: expected 6"),
        ({"networks": [Unfriendly()] * 6}, TypeError, r"networks\[0\]: expected a Network"),
        ({"networks": []}, None, ""),
    ],
    ids=range(8),
)
def test_a_second_call_refuses_what_the_first_refuses(given: dict[str, Any], error: Any, message: str) -> None:
    nets = small()
    options = {"networks": nets, "X": X, "Y": Y, "seeds": [*range(6)], **OPTIONS}
    train_many(**options)
    before = [net.parameters.tobytes() for net in nets]
    if error is None:
        assert train_many(**{**options, **given, "seeds": None}) == []
    else:
        with pytest.raises(error, match=message):
            train_many(**{**options, **given})
    nets[4].model.theta.flat.flags.writeable = False
    with pytest.raises(ValueError, match="parameters") as raised:
        train_many(**options)
    assert raised.value.__notes__ == ["in train_many, for networks[4]"]
    assert [net.parameters.tobytes() for net in nets] == before


def test_a_second_call_warns_of_unreachable_targets() -> None:
    nets = small()
    train_many(nets, X, Y, seeds=[*range(6)], **OPTIONS)
    with pytest.warns(UserWarning, match="Y"):
        train_many(nets, X, Y + 5, seeds=[*range(6)], **OPTIONS)


SHAPED = {
    "rows": lambda x, y: setattr(x, "shape", (10, 12)),
    "dtype": lambda x, y: setattr(x, "dtype", np.dtype("f4")),
    "targets": lambda x, y: setattr(y, "shape", (9, 10)),
}


@pytest.mark.compiled
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # later versions of NumPy advise against it
@pytest.mark.parametrize("change", SHAPED)
@pytest.mark.parametrize(
    "options", [{}, {"batch_size": 7}, {"drop_connect": 0.2}, {"sample_weight": range(30)}], ids=str
)
@pytest.mark.parametrize("name", NAMES)
def test_a_schedule_that_changes_shapes_changes_no_training(name: str, options: dict[str, Any], change: str) -> None:
    """The samples of networks trained together are checked before schedules are called, and kernels rely on it."""
    x, y, Network = X.copy(), Y.copy(), samenet.backend(name).Network

    def alpha(epoch: int) -> float:
        if x.shape == X.shape and y.shape == Y.shape:
            SHAPED[change](x, y)
        return 0.1

    nets, others = ([Network([4, 5, 3], seed=seed) for seed in range(9)] for _ in range(2))
    train_many(nets, x, y, seeds=range(9), epochs=3, alpha=alpha, **options)
    train_many(others, X, Y, seeds=range(9), epochs=3, alpha=lambda epoch: 0.1, **options)
    assert (x.shape, x.dtype, y.shape) != (X.shape, X.dtype, Y.shape)
    assert same(nets, others)
