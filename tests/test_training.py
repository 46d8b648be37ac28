"""Training: the updates and their order, the records, and how training ends early.

The expected weights are computed here, step by step from `gradient`, which other tests check.
"""

import math
import pickle
import random
import signal
import threading
import tracemalloc
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from children import printed

import samenet
from samenet.fast.pages import keep_pages
from samenet.optimizers import MultiStart
from samenet.training import loop
from samenet.training.history import History
from samenet.training.sampling import Draws
from samenet.validation.finite import all_finite

NAMES = samenet.backends()
SIZES = [3, 4, 2]
M = 7
X = np.random.default_rng(0).normal(size=(M, 3))
Y = np.random.default_rng(1).random((M, 2))
CLASSES = np.eye(2)[[0, 1, 1, 0, 1, 0, 0]]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param  # type: ignore[no-any-return]


def make(name: str, **settings: Any) -> samenet.Network:
    return samenet.backend(name).Network(SIZES, **({"seed": 2} | settings))


def by_hand(
    net: samenet.Network, epochs: int, size: int, alpha: float, order: Any = None, reduction: str = "mean"
) -> tuple[np.ndarray, list[float]]:
    """The parameters after `epochs` epochs and the cost before each, one `gradient` at a time; `net` is not changed."""
    net, costs = net.copy(), []
    for _ in range(epochs):
        costs.append(net.cost(X, Y, reduction=reduction))
        rows = np.arange(M) if order is None else order()
        for start in range(0, M, size):
            batch = rows[start : start + size]
            net.parameters -= alpha * net.gradient(X[batch], Y[batch], reduction=reduction)[1].flat
    return net.parameters, costs


def close(a: Any, b: Any, dtype: Any = np.float64) -> None:
    np.testing.assert_allclose(a, b, rtol=1e-12 if dtype == np.float64 else 1e-5, atol=1e-14)


# --------------------------------------------------------------------------------------- updates and their order


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 100, None])
def test_in_the_order_of_the_rows_with_the_last_partial_batch(name: str, size: int | None, reduction: str) -> None:
    net = make(name)
    expected, costs = by_hand(net, 3, size or M, 0.7, reduction=reduction)
    assert not np.allclose(expected, net.parameters, rtol=1e-3)
    history = net.train(X, Y, alpha=0.7, epochs=3, batch_size=size, shuffle=False, reduction=reduction)
    close(net.parameters, expected)
    close(history.cost, costs)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_in_the_order_that_the_seed_draws(name: str, size: int) -> None:
    net, other = make(name), make(name)
    random = np.random.default_rng(11)
    expected, costs = by_hand(net, 4, size, 0.7, order=lambda: random.permutation(M))
    history = net.train(X, Y, alpha=0.7, epochs=4, batch_size=size, seed=11)
    close(net.parameters, expected)
    close(history.cost, costs)
    other.train(X, Y, alpha=0.7, epochs=4, batch_size=size, seed=12)
    assert not np.allclose(other.parameters, expected, rtol=1e-6), "another seed is another order"


def test_a_full_batch_is_a_full_batch_however_it_is_asked_for(name: str) -> None:
    nets = [make(name) for _ in range(4)]
    for net, settings in zip(nets, [{}, {"batch_size": M}, {"batch_size": M + 5}, {"seed": 9}], strict=True):
        net.train(X, Y, alpha=0.7, epochs=5, **settings)
    assert all(net == nets[0] for net in nets)


def test_a_seed_gives_the_same_bits_and_none_does_not(name: str) -> None:
    nets = [make(name) for _ in range(4)]
    for net, seed in zip(nets, [5, 5, np.random.default_rng(5), None], strict=True):
        net.train(X, Y, alpha=0.7, epochs=5, batch_size=1, seed=seed)
    assert nets[0] == nets[1] == nets[2]
    assert nets[0] != nets[3]


def test_a_generator_is_advanced_by_one_order_an_epoch(name: str) -> None:
    for seed_of in (np.random.default_rng, np.random.RandomState):
        used, expected = seed_of(6), seed_of(6)
        net = make(name)
        net.train(X, Y, alpha=0.7, epochs=5, batch_size=2, seed=used)
        for _ in range(5):
            expected.permutation(M)
        assert used.random() == expected.random()


@pytest.mark.parametrize("settings", [{}, {"batch_size": M}, {"batch_size": 2, "shuffle": False}], ids=str)
def test_a_generator_is_left_alone_where_there_is_no_order_to_draw(name: str, settings: dict[str, Any]) -> None:
    used = np.random.default_rng(6)
    make(name).train(X, Y, alpha=0.7, epochs=5, seed=used, **settings)
    assert used.random() == np.random.default_rng(6).random()


def test_training_goes_on_where_it_stopped(name: str) -> None:
    whole, parts = make(name), make(name)
    whole.train(X, Y, alpha=0.7, epochs=6, batch_size=2, seed=np.random.default_rng(1))
    random = np.random.default_rng(1)
    for epochs in (1, 3, 2):
        history = parts.train(X, Y, alpha=0.7, epochs=epochs, batch_size=2, seed=random)
        assert history.epochs_done == epochs, "a history is of one call"
    assert parts == whole


@pytest.mark.compiled
def test_the_cost_comes_down(name: str) -> None:
    net = make(name)
    history = net.train(X, Y, alpha=1, epochs=200 if name == "reference" else 500)
    assert (np.diff(history.cost) < 0).all()
    assert net.cost(X, Y) < history.cost[-1] < 0.9 * history.cost[0]


def test_one_sample_trains_as_a_batch_of_one(name: str) -> None:
    a, b = make(name), make(name)
    a.train(X[0], Y[0], alpha=1, epochs=3)
    b.train(X[:1], Y[:1], alpha=1, epochs=3, batch_size=1, seed=0)
    assert a == b


@pytest.mark.parametrize("size", [None, 1, 3])
def test_float32(name: str, size: int | None) -> None:
    net = make(name, dtype=np.float32)
    random = np.random.default_rng(3)
    expected, costs = by_hand(net, 4, size or M, 0.5, order=lambda: random.permutation(M))
    history = net.train(X, Y, alpha=0.5, epochs=4, batch_size=size, seed=3)
    assert net.parameters.dtype == np.float32
    close(net.parameters, expected, np.float32)
    close(history.cost, costs, np.float32)


def test_no_biases_and_a_single_layer(name: str) -> None:
    net = samenet.backend(name).Network([3, 2], bias=False, seed=0)
    expected, _ = by_hand(net, 3, 2, 0.5)
    net.train(X, Y, alpha=0.5, epochs=3, batch_size=2, shuffle=False)
    close(net.parameters, expected)


# ----------------------------------------------------------------------------------------------------- history


@pytest.mark.parametrize("size", [None, 3, 1])
def test_the_cost_is_that_before_each_epoch(name: str, size: int | None) -> None:
    net = make(name)
    seen = [net.cost(X, Y)]
    history = net.train(
        X, Y, alpha=1, epochs=5, batch_size=size, seed=0, callback=lambda n, h: seen.append(n.cost(X, Y))
    )
    close(history.cost, seen[:-1])
    assert history is net.history
    assert history.epochs.tolist() == [0, 1, 2, 3, 4]
    assert history.epochs_done == len(history.cost) == 5
    assert np.array_equal(history["cost"], history.cost)


@pytest.mark.parametrize("size", [None, 3])
def test_monitors_are_what_they_say(name: str, size: int | None) -> None:
    net = make(name)
    expected: dict[str, list[float]] = {"mean_norm": [], "mean_absolute_error": [], "accuracy": []}

    def look(n: samenet.Network, _: Any = None) -> None:
        h = n.predict(X)
        expected["mean_norm"].append(sum(sum((CLASSES[s] - h[s]) ** 2) ** 0.5 for s in range(M)) / M)
        expected["mean_absolute_error"].append(sum(sum(abs(CLASSES[s] - h[s])) for s in range(M)) / (M * 2))
        expected["accuracy"].append(
            sum(
                max(range(2), key=list(h[s]).__getitem__) == max(range(2), key=list(CLASSES[s]).__getitem__)
                for s in range(M)
            )
            / M
        )

    look(net)
    history = net.train(X, CLASSES, alpha=3, epochs=4, batch_size=size, seed=0, monitors=list(expected), callback=look)
    assert len(set(expected["accuracy"])) > 1, "something to tell apart"
    for monitor, values in expected.items():
        close(history[monitor], values[:-1])
    assert history.cost[0] == pytest.approx(make(name).cost(X, CLASSES), rel=1e-12)


def test_monitors_do_not_change_the_training(name: str) -> None:
    plain, watched = make(name), make(name)
    one = plain.train(X, CLASSES, alpha=1, epochs=6)
    two = watched.train(X, CLASSES, alpha=1, epochs=6, monitors="accuracy")
    assert plain == watched
    close(one.cost, two.cost)


@pytest.mark.compiled
@pytest.mark.parametrize("every", [0, 1, 2, 3, 100])
@pytest.mark.parametrize("settings", [{}, {"monitors": ("accuracy",)}, {"batch_size": 2, "seed": 0}], ids=str)
def test_recorded_now_and_then(name: str, settings: dict[str, Any], every: int) -> None:
    full, net = make(name), make(name)
    expected = full.train(X, CLASSES, alpha=1, epochs=7, **settings)
    history = net.train(X, CLASSES, alpha=1, epochs=7, record_every=every, **settings)
    assert net == full
    assert history.epochs_done == 7
    epochs = list(range(0, 7, every)) if every else []
    assert history.epochs.tolist() == epochs
    assert history.cost.tolist() == expected.cost[epochs].tolist()
    if "monitors" in settings:
        assert history["accuracy"].tolist() == expected["accuracy"][epochs].tolist()


def test_no_epochs(name: str) -> None:
    net, random = make(name), np.random.default_rng(0)
    called: list[Any] = []
    history = net.train(
        *(X, CLASSES),
        alpha=1,
        epochs=0,
        batch_size=2,
        seed=random,
        monitors=["accuracy"],
        callback=lambda *_: called.append(1),
    )
    assert (history.epochs_done, len(history.epochs), len(history.cost), len(history["accuracy"])) == (0, 0, 0, 0)
    assert not called
    assert net == make(name)
    assert random.random() == np.random.default_rng(0).random()


def test_history_says_what_it_has(name: str) -> None:
    history = make(name).train(X, Y, alpha=1, epochs=2, monitors=["mean_norm"])
    with pytest.raises(KeyError, match="'accuracy' was not recorded; recorded were cost, mean_norm"):
        history["accuracy"]
    assert "2 epochs done" in repr(history)
    assert f"mean_norm {history['mean_norm'][-1]:.6g}" in repr(history)
    for values, dtype in ((history.cost, np.float64), (history["mean_norm"], np.float64), (history.epochs, np.int64)):
        assert values.dtype == dtype


# ---------------------------------------------------------------------------------------------------- callback


@pytest.mark.parametrize("size", [None, 2])
def test_the_callback_sees_every_epoch_and_may_stop(name: str, size: int | None) -> None:
    net, seen = make(name), []

    def callback(network: Any, history: Any) -> None:
        assert network is net
        assert history is net.history
        seen.append((history.epochs_done, len(history.cost)))
        if history.epochs_done == 3:
            raise samenet.StopTraining

    history = net.train(X, Y, alpha=1, epochs=9, batch_size=size, seed=0, callback=callback)
    assert seen == [(1, 1), (2, 2), (3, 3)]
    assert history.epochs_done == 3
    other = make(name)
    other.train(X, Y, alpha=1, epochs=3, batch_size=size, seed=0)
    assert net == other, "a callback changes nothing but when it ends"


def test_an_exception_of_the_callback_goes_through(name: str) -> None:
    class Mine(Exception):
        pass

    def callback(network: Any, history: Any) -> None:
        if history.epochs_done == 2:
            raise Mine

    net, before = make(name), signal.getsignal(signal.SIGINT)
    with pytest.raises(Mine):
        net.train(X, Y, alpha=1, epochs=9, callback=callback)
    assert net.history.epochs_done == len(net.history.cost) == 2
    other = make(name)
    other.train(X, Y, alpha=1, epochs=2)
    assert net == other
    assert signal.getsignal(signal.SIGINT) is before


# ----------------------------------------------------------------------------------- how it is cut into calls


def with_calls_of(seconds: float, monkeypatch: pytest.MonkeyPatch, net: Any, **settings: Any) -> tuple[list[int], Any]:
    """Train with backend calls of about this many seconds; returns the updates of each call, and the history."""
    monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
    updates: list[int] = []
    module = net.backend

    class Counting:
        """The backend, with a record of each call."""

        def __getattr__(self, attribute: str) -> Any:
            return getattr(module, attribute)

        @staticmethod
        def run_updates(*arguments: Any, **named: Any) -> Any:
            costs = module.run_updates(*arguments, **named)
            updates.append(len(costs))
            return costs

    monkeypatch.setattr(type(net), "backend", Counting())
    history = net.train(X, Y, alpha=1, **settings)
    monkeypatch.undo()
    return updates, history


@pytest.mark.parametrize(
    "settings",
    [{}, {"batch_size": 2, "seed": 3}, {"batch_size": 1, "shuffle": False}, {"batch_size": 3, "seed": 3}],
    ids=str,
)
def test_the_answer_does_not_depend_on_the_clock(
    name: str, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    short, long = make(name), make(name)
    a, one = with_calls_of(1e-12, monkeypatch, short, epochs=20, record_every=10, **settings)
    b, two = with_calls_of(1e12, monkeypatch, long, epochs=20, record_every=10, **settings)
    assert set(a) == {1}, "one update per call"
    assert max(b) > 7, "many updates in a call"
    assert sum(a) == sum(b) == 20 * -(-M // settings.get("batch_size", M))
    assert short.parameters.tobytes() == long.parameters.tobytes()
    assert one.cost.tobytes() == two.cost.tobytes()
    assert one.epochs_done == two.epochs_done == 20


@pytest.mark.compiled
def test_short_updates_are_taken_many_at_a_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, history = with_calls_of(1e12, monkeypatch, make(name), epochs=300, record_every=7)
    assert calls == [300]
    assert history.epochs.tolist() == list(range(0, 300, 7))
    calls, _ = with_calls_of(1e12, monkeypatch, make(name), epochs=54, record_every=18, monitors=["mean_norm"])
    assert calls == [18, 18, 18]
    monkeypatch.setattr(loop, "seconds_of", lambda *given: 1e13)
    calls, _ = with_calls_of(1e12, monkeypatch, make(name), epochs=300, record_every=7)
    assert calls == [1, 16, 256, 27], "the first is short, since an update may take long"
    monkeypatch.setattr(loop, "seconds_of", lambda *given: 1e13)
    calls, _ = with_calls_of(1e12, monkeypatch, make(name), epochs=54, record_every=18, monitors=["mean_norm"])
    assert calls == [1, 16, 1, 18, 18], "one that a record cut short does not make the next shorter"


def test_calls_are_as_long_as_they_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a fake clock: 512 updates fit in a call, but for a while only 4 do."""
    net, module = make("numpy"), samenet.backend("numpy")
    clock, calls = [0.0], list[int]()

    class Timed:
        SECONDS = 2.0**-4, 0.0  # as far as is known before the first call

        def __getattr__(self, attribute: str) -> Any:
            return getattr(module, attribute)

        @staticmethod
        def run_updates(*arguments: Any, **named: Any) -> Any:
            clock[0] += named["epochs"] * (2.0**-6 if len(calls) == 3 else 2.0**-13)
            calls.append(named["epochs"])
            return module.run_updates(*arguments, **named)

    monkeypatch.setattr(loop, "CALL_SECONDS", 2.0**-4)
    monkeypatch.setattr(loop.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(type(net), "backend", Timed())
    net.train(X, Y, alpha=0.1, epochs=2000)
    monkeypatch.undo()
    # 256 is near enough; the fourth call was the slow one; the last is what is left.
    assert calls == [1, 16, 256, 256, 4, 64, 512, 512, 379]


def test_a_callback_for_every_epoch_does_not_lengthen_calls_without_end(name: str) -> None:
    calls: list[int] = []
    history = make(name).train(
        X, Y, alpha=0.1, epochs=200, callback=lambda n, h: calls.append(len(h.cost)), record_every=3
    )
    assert history.epochs_done == len(calls) == 200
    assert calls == [-(-epoch // 3) for epoch in range(1, 201)]


@pytest.mark.parametrize("stream", [np.random.default_rng, np.random.RandomState, random.Random])
@pytest.mark.parametrize("m", [2, 3, 7, 100])
def test_orders_drawn_together_are_those_drawn_one_by_one(stream: Any, m: int) -> None:
    together, single = (Draws(stream(5), m, True, np.empty(0), np.dtype(float)) for _ in range(2))
    for some in (1, 4, 9):
        orders = together.epochs(some)
        assert orders.dtype == np.int64
        assert orders.flags.carray
        assert orders.tolist() == [single.order()[0].tolist() for _ in range(some)]
        assert all(sorted(order) == list(range(m)) for order in orders)


@pytest.mark.parametrize("done", range(1, 12))
def test_epochs_are_recorded_at_the_same_places_wherever_training_begins(done: int) -> None:
    X = np.random.default_rng(0).random((6, 2))
    net = samenet.backend("numpy").Network([2, 3, 1], seed=0)
    settings: dict[str, Any] = {"alpha": 0.1, "batch_size": 2, "record_every": 5}
    net.train(X, X[:, :1], epochs=done, seed=0, **settings)
    assert net.train(X, X[:, :1], epochs=14 - done, resume=True, **settings).epochs.tolist() == [0, 5, 10]


@pytest.mark.parametrize("every", [1, 2, 7, 1000])
def test_costs_of_many_epochs_recorded_at_once(every: int) -> None:
    costs, together, single = np.random.default_rng(0).random(50), History(), History()
    for start, end in ((0, 1), (1, 17), (17, 30), (30, 50)):
        together.record_costs(start, costs[start:end], every)
    for epoch in range(0, 50, every):
        single.record(epoch, float(costs[epoch]), {})
    assert together.epochs.tolist() == single.epochs.tolist()
    assert together.cost.tobytes() == single.cost.tobytes()
    assert repr(together) == repr(single)
    again = pickle.loads(pickle.dumps(together))
    assert again.cost.tobytes() == single.cost.tobytes()


@pytest.mark.compiled  # the memory of loops that run as plain Python is Python's own
@pytest.mark.parametrize("fast", NAMES[1:])
@pytest.mark.parametrize("size", [10, None])
@pytest.mark.parametrize("way", ["descent", "adam"])
def test_training_does_not_copy_the_samples(fast: str, size: int | None, way: str) -> None:
    net = samenet.backend(fast).Network([500, 3, 2], seed=0)
    many, targets = np.random.default_rng(0).random((4000, 500)), np.random.default_rng(1).random((4000, 2))
    settings: dict[str, Any] = {"alpha": 0.1, "epochs": 2, "batch_size": size, "seed": 0, "optimizer": way}
    net.train(many[:20], targets[:20], **settings)  # compile it first
    keep_pages()  # once in a process, it makes and frees a block of 32 MiB
    tracemalloc.start()
    try:
        net.train(many, targets, **settings)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.2 * many.nbytes, "its own rooms, and of the samples a batch at most"


# ------------------------------------------------------------------------------------------------------ Ctrl-C


@pytest.fixture
def restored() -> Iterator[Any]:
    """Restore the handler of Ctrl-C after the test."""
    before = signal.getsignal(signal.SIGINT)
    yield before
    after = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)
    assert after is before


def interrupt_in_call(number: int, net: Any, monkeypatch: pytest.MonkeyPatch, times: int = 1) -> None:
    """Press Ctrl-C, once or more, inside the `number`th call of the backend."""
    module, calls = net.backend, [0]

    class Interrupting:
        def __getattr__(self, attribute: str) -> Any:
            return getattr(module, attribute)

        @staticmethod
        def run_updates(*arguments: Any, **named: Any) -> Any:
            calls[0] += 1
            if calls[0] == number:
                for _ in range(times):
                    signal.raise_signal(signal.SIGINT)
            return module.run_updates(*arguments, **named)

    monkeypatch.setattr(type(net), "backend", Interrupting())


@pytest.mark.parametrize("number", [1, 4])
@pytest.mark.parametrize("settings", [{}, {"batch_size": 2, "seed": 0}], ids=str)
def test_ctrl_c_ends_after_the_call_at_hand(
    name: str, settings: dict[str, Any], number: int, monkeypatch: pytest.MonkeyPatch, restored: Any
) -> None:
    net = make(name)
    interrupt_in_call(number, net, monkeypatch)
    monkeypatch.setattr(loop, "CALL_SECONDS", 1e-12)  # one update a call
    with pytest.raises(KeyboardInterrupt):
        net.train(X, Y, alpha=1, epochs=50, **settings)
    monkeypatch.undo()
    an_epoch = -(-M // settings.get("batch_size", M))
    assert net.history.epochs_done == number // an_epoch
    expected, order, size = make(name), np.random.default_rng(0), settings.get("batch_size", M)
    for update in range(number):
        if update % an_epoch == 0:
            rows = order.permutation(M) if settings else np.arange(M)
        batch = rows[update % an_epoch * size :][:size]
        expected.train(X[batch], Y[batch], alpha=1, epochs=1)
    assert net == expected, "the weights of exactly the updates done"


def test_a_second_ctrl_c_does_not_wait(name: str, monkeypatch: pytest.MonkeyPatch, restored: Any) -> None:
    net = make(name)
    interrupt_in_call(3, net, monkeypatch, times=2)
    monkeypatch.setattr(loop, "CALL_SECONDS", 1e-12)
    with pytest.raises(KeyboardInterrupt):
        net.train(X, Y, alpha=1, epochs=50)
    monkeypatch.undo()
    expected = make(name)
    expected.train(X, Y, alpha=1, epochs=2)
    assert net == expected
    assert net.history.epochs_done == 2, "raised before the third call did anything"


def test_ctrl_c_in_the_last_call_and_in_the_callback(name: str, monkeypatch: pytest.MonkeyPatch, restored: Any) -> None:
    net = make(name)
    interrupt_in_call(1, net, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        net.train(X, Y, alpha=1, epochs=1)
    monkeypatch.undo()
    assert net.history.epochs_done == 1
    with pytest.raises(KeyboardInterrupt):
        net.train(X, Y, alpha=1, epochs=1, callback=lambda n, h: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        net.train(X, Y, alpha=1, epochs=90, callback=lambda n, h: signal.raise_signal(signal.SIGINT))
    assert net.history.epochs_done < 3


def test_a_handler_of_the_caller_is_respected(name: str, restored: Any) -> None:
    seen: list[int] = []

    def mine(signum: int, frame: Any) -> None:
        seen.append(signum)

    signal.signal(signal.SIGINT, mine)
    net = make(name)
    net.train(X, Y, alpha=1, epochs=5, callback=lambda n, h: h.epochs_done == 2 and signal.raise_signal(signal.SIGINT))
    assert seen == [signal.SIGINT]
    assert net.history.epochs_done == 5, "it chose to go on"
    assert signal.getsignal(signal.SIGINT) is mine
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    net.train(X, Y, alpha=1, epochs=5, callback=lambda n, h: signal.raise_signal(signal.SIGINT))
    assert net.history.epochs_done == 5
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    signal.signal(signal.SIGINT, restored)


INTERRUPTED = """
import sys, threading, os, signal
import numpy as np, samenet
name, size = sys.argv[1], None if sys.argv[2] == "None" else int(sys.argv[2])
random = np.random.default_rng(0)
X, Y = random.normal(size=(40, 6)), random.random((40, 2))
make = lambda: samenet.backend(name).Network([6, 8, 2], seed=0)
make().train(X, Y, alpha=0.1, epochs=2, batch_size=size)  # compiled, where there is something to compile
net, handler, backend = make(), signal.getsignal(signal.SIGINT), samenet.backend(name)
under_way = threading.Event()

class Telling:
    def __getattr__(self, attribute):
        return getattr(backend, attribute)

    @staticmethod
    def run_updates(model, *arguments, **named):
        if net.history.epochs_done >= 3:
            under_way.set()
        return backend.run_updates(model, *arguments, **named)

def press():
    under_way.wait()  # after that, it comes at any moment
    os.kill(os.getpid(), signal.SIGINT)

type(net).backend = Telling()
threading.Thread(target=press, daemon=True).start()
try:
    net.train(X, Y, alpha=0.1, epochs=10**9, batch_size=size, shuffle=False)
except KeyboardInterrupt:
    pass
else:
    sys.exit("not interrupted")
type(net).backend = backend
done = net.history.epochs_done
assert signal.getsignal(signal.SIGINT) is handler
assert done >= 3 and len(net.history.cost) in (done, done + 1), (done, len(net.history.cost))
assert np.isfinite(net.parameters).all() and np.isfinite(net.history.cost).all()
same = make()
same.train(X, Y, alpha=0.1, epochs=done, batch_size=size, shuffle=False)
an_epoch = 1 if size is None else -(-len(X) // size)
for update in range(an_epoch):  # full batch: at once; else somewhere in the epoch that was begun
    if same == net:
        break
    rows = slice(update * (size or 40), (update + 1) * (size or 40))
    assert size is not None, "a full batch stops between epochs"
    same.train(X[rows], Y[rows], alpha=0.1, epochs=1)
assert same == net, "the weights of so many updates, to the bit"
assert same.history is not None
print("ok")
"""


@pytest.mark.compiled
@pytest.mark.parametrize("size", [None, 16])
def test_ctrl_c_from_outside(name: str, size: int | None) -> None:
    assert printed(INTERRUPTED, name, str(size)) == "ok\n"


def test_training_in_another_thread(name: str) -> None:
    net, expected, before = make(name), make(name), signal.getsignal(signal.SIGINT)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            net.train(X, Y, alpha=1, epochs=5, batch_size=2, seed=0)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not failures
    expected.train(X, Y, alpha=1, epochs=5, batch_size=2, seed=0)
    assert net == expected
    assert signal.getsignal(signal.SIGINT) is before


# -------------------------------------------------------------------------------------------------- divergence


MAX = float(np.finfo(float).max)
# A weight may come near the largest number only while its input is tiny, or the sigmoid saturates and nothing moves
# any more; a target as large makes the steps large enough.
TINY, TARGET, ALPHA = 1e-308, 1e308, 1.7e308


def overflow_by_hand(w: float, updates: int) -> tuple[int, list[float]]:
    """The epoch in which w leaves the range of a float, and w before each epoch up to it: plain Python."""
    before = []
    while True:
        before.append(w)
        for _ in range(updates):
            h = 1 / (1 + math.exp(-w * TINY))
            w += ALPHA * ((TARGET - h) * h * (1 - h) * TINY)
        if not abs(w) <= MAX:
            return len(before) - 1, before


@pytest.mark.parametrize("every", [1, 0], ids=["recorded", "not recorded"])
@pytest.mark.parametrize("seconds", [1e-12, 1e12], ids=["short calls", "long calls"])
@pytest.mark.parametrize("updates", [1, 3], ids=["full batch", "online"])
@pytest.mark.parametrize(("begin", "at_least"), [(1.6e308, 0), (0.5e308, 0), (-1.7e308, 2)])
def test_weights_that_overflow_are_an_error_that_names_the_epoch(
    name: str, begin: float, at_least: int, updates: int, seconds: float, every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch, before = overflow_by_hand(begin, updates)
    assert epoch >= at_least
    monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
    net = samenet.backend(name).Network([1, 1], bias=False, weights=[[[begin]]])
    x, y = np.full((3, 1), TINY), np.full((3, 1), TARGET)
    size = None if updates == 1 else 1
    with pytest.raises(FloatingPointError, match=rf"in epoch {epoch} \(alpha = 1\.7e\+308\)"):
        net.train(x, y, alpha=ALPHA, epochs=60, batch_size=size, shuffle=False, record_every=every)
    close(net.parameters, before[-1])
    assert net.history.epochs_done == epoch
    if every:
        assert len(net.history.cost) in (epoch, epoch + 1), "the cost before the epoch that failed may be known, or not"
    else:
        assert len(net.history.cost) == 0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_step_that_is_far_too_large(name: str, dtype: Any) -> None:
    net = make(name, dtype=dtype)
    before = net.parameters.tobytes()
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(FloatingPointError, match="in epoch 0 .*smaller alpha"):
        net.train(X, 1e20 * Y, alpha=1e308, epochs=5, batch_size=3, seed=0)
    assert net.parameters.tobytes() == before
    assert net.history.epochs_done == 0
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_cost_beyond_float_is_infinite_and_weights_go_on(name: str) -> None:
    net = make(name)
    assert net.cost(X, Y * 1e200) == np.inf
    value, slope = net.gradient(X, Y * 1e200)
    assert value == np.inf
    assert np.isfinite(slope.flat).all()
    history = net.train(X, Y * 1e200, alpha=1e-200, epochs=2)
    assert history.cost.tolist() == [np.inf, np.inf]
    assert np.isfinite(net.parameters).all()


def test_weights_that_were_not_finite_are_named_at_once(name: str) -> None:
    net = make(name)
    net.weights[0][0, 0] = np.nan
    assert np.isnan(net.predict(X)).all()
    with pytest.raises(FloatingPointError, match="before epoch 0"):
        net.train(X, Y, alpha=1, epochs=5)


def test_pythons_own_stream_shuffles_one_list_over_and_over(backend):
    """As tutorial 001's program does with its list of samples."""
    net = backend.Network([4, 3, 2], seed=0)
    other, rows, stream = net.copy(), list(range(13)), random.Random(5)
    X, Y = np.random.default_rng(1).random((13, 4)), np.random.default_rng(2).random((13, 2))
    net.train(X, Y, alpha=0.5, epochs=4, batch_size=5, seed=random.Random(5))
    for _ in range(4):
        stream.shuffle(rows)
        other.train(X[rows], Y[rows], alpha=0.5, epochs=1, batch_size=5, shuffle=False)
    assert net.parameters.tobytes() == other.parameters.tobytes()


def test_pythons_own_stream_with_dropout_and_several_starts(backend):
    X, Y = np.random.default_rng(1).random((13, 4)), np.random.default_rng(2).random((13, 2))
    given = {"alpha": 0.5, "epochs": 3, "batch_size": 5, "dropout": 0.5, "optimizer": MultiStart(2)}
    given["drop_connect"] = 0.2
    nets = [backend.Network([4, 3, 2], seed=0) for _ in range(3)]
    for net, seed in zip(nets, (5, 5, 6), strict=True):
        net.train(X, Y, seed=random.Random(seed), **given)
    assert nets[0] == nets[1]
    assert nets[0] != nets[2]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("size", [1, 32, 33, 8192, 8193, 20_000, 4 * 8192 - 1, 4 * 8192, 50_000])
def test_all_finite_on_both_sides_of_every_way_to_add_up(size: int, dtype: Any) -> None:
    values = np.random.default_rng(size).normal(size=size).astype(dtype)
    with warnings.catch_warnings(action="error"):
        assert all_finite(values)
        assert all_finite(np.full(size, np.finfo(dtype).max)), "whose sum overflows"
        for place in (0, size // 2, size - 1):
            for bad in (np.nan, np.inf, -np.inf):
                spoiled = values.copy()
                spoiled[place] = bad
                assert not all_finite(spoiled)
        if size > 1:
            spoiled[:2] = np.inf, -np.inf
            assert not all_finite(spoiled)
