"""What ends training: `StopTraining`, whoever raises it, but never a callback's return value."""

import signal
import threading
import warnings
from typing import Any

import numpy as np
import pytest
from agreement import Backend

import samenet
from samenet.optimizers import MultiStart
from samenet.stopping import CostChange, Patience, Rule, StopTraining, Watch
from samenet.training import divergence, loop, short

X = np.random.default_rng(0).normal(size=(7, 3))
Y = np.random.default_rng(1).random((7, 2))
STEPS: dict[str, Any] = {"alpha": 0.5, "seed": 0}
WAYS: list[dict[str, Any]] = [
    STEPS,
    STEPS | {"batch_size": 2},
    STEPS | {"batch_size": 1, "record_every": 0},
    STEPS | {"optimizer": "nesterov", "dropout": 0.5, "drop_connect": 0.2},
    STEPS | {"optimizer": "adam", "batch_size": 3},
    {"optimizer": "bfgs"},
    {"optimizer": "lbfgs"},
    {"optimizer": "cg"},
]


def make(backend: Backend) -> Any:
    return backend.Network([3, 4, 2], seed=2)


def stop_after(epochs: int, *reason: str) -> Any:
    def callback(network: Any, history: Any) -> None:
        if history.epochs_done == epochs:
            raise StopTraining(*reason)

    return callback


class Answer:
    """A value that a callback may return, without a truth value."""

    def __bool__(self) -> bool:
        raise AssertionError("asked whether it is true")


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_what_a_callback_returns_ends_nothing(backend: Backend, way: dict[str, Any]) -> None:
    plain = make(backend)
    plain.train(X, Y, epochs=2, **way)
    for answer in (True, 1, "stop", np.ones(3), Answer(), StopTraining, StopTraining("returned"), False, None):
        net, calls = make(backend), []
        history = net.train(X, Y, epochs=2, **way, callback=lambda n, h, a=answer, c=calls: c.append(1) or a)
        assert (history.epochs_done, history.stopped_by, len(calls)) == (2, None, 2)
        assert net == plain


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("epochs", [1, 5])
def test_a_callback_ends_it_by_raising(backend: Backend, way: dict[str, Any], epochs: int) -> None:
    shorter, net = make(backend), make(backend)
    expected = shorter.train(X, Y, epochs=epochs, **way)
    history = net.train(X, Y, epochs=5, **way, callback=stop_after(epochs))
    assert (history.epochs_done, history.stopped_by) == (epochs, "callback"), "after the last epoch, too"
    assert history is net.history
    assert net == shorter
    assert history.cost.tolist() == expected.cost.tolist()


def test_its_reason_is_kept(backend: Backend) -> None:
    class Mine(StopTraining):
        pass

    def callback(network: Any, history: Any) -> None:
        raise Mine("good enough")

    assert make(backend).train(X, Y, epochs=5, **STEPS, callback=callback).stopped_by == "callback: good enough"
    assert samenet.StopTraining is StopTraining


@pytest.mark.parametrize("way", [WAYS[0], WAYS[4], WAYS[5]], ids=str)
def test_patience_puts_the_best_back(backend: Backend, way: dict[str, Any]) -> None:
    net, start = make(backend), make(backend)
    rule = Patience(X, start.predict(X), epochs=100)  # every step leads away
    history = net.train(X, Y, epochs=9, **way, stop=rule, callback=stop_after(3))
    assert (history.epochs_done, history.stopped_by, history.best_epoch) == (3, "callback", 0)
    assert net == start


@pytest.mark.parametrize("seconds", [1e-12, 1e12], ids=["short calls", "long calls"])
@pytest.mark.parametrize("size", [None, 2])
@pytest.mark.parametrize("epochs", [0, 4])
def test_a_schedule_ends_it_before_an_epoch(
    backend: Backend, epochs: int, size: int | None, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
    asked: list[int] = []

    def alpha(epoch: int) -> float:
        asked.append(epoch)
        if epoch == epochs:
            raise StopTraining("cold")
        return 0.5

    net, shorter = make(backend), make(backend)
    history = net.train(X, Y, alpha=alpha, epochs=9, batch_size=size, seed=0)
    assert (history.epochs_done, history.stopped_by) == (epochs, "alpha: cold")
    assert asked == [*range(epochs), epochs], "once for each epoch: it may not say it twice"
    shorter.train(X, Y, alpha=0.5, epochs=epochs, batch_size=size, seed=0)
    assert net == shorter


def test_a_schedule_that_will_end_it_did_not_if_something_else_does(backend: Backend, monkeypatch: Any) -> None:
    monkeypatch.setattr(loop, "CALL_SECONDS", 1e12)

    def alpha(epoch: int) -> float:
        if epoch == 8:
            raise StopTraining
        return 1e308 if epoch == 5 else 1e-22

    net = make(backend)
    with pytest.raises(FloatingPointError, match="in epoch 5"):
        net.train(X, 1e20 * Y, alpha=alpha, epochs=9)
    assert net.history.stopped_by is None


@pytest.mark.parametrize("when", [0, 2], ids=["when it begins", "when it is asked"])
@pytest.mark.parametrize("way", [WAYS[0], WAYS[5]], ids=str)
def test_a_rule_of_ones_own_ends_it(backend: Backend, way: dict[str, Any], when: int) -> None:
    class Mine(Rule):
        def watch(self, objective: Any, history: Any) -> Watch:
            def ends() -> bool:
                if history.epochs_done == when:
                    raise StopTraining
                return False

            ends()
            return Watch(ends)

        def __str__(self) -> str:
            return "Mine"

    net, shorter = make(backend), make(backend)
    history = net.train(X, Y, epochs=9, **way, stop=[CostChange(1e-300), Mine()])
    assert (history.epochs_done, history.stopped_by) == (when, "Mine")
    shorter.train(X, Y, epochs=when, **way)
    assert net == shorter


@pytest.mark.parametrize("inner", ["descent", "bfgs"])
def test_all_starts_end_and_the_best_is_kept(backend: Backend, inner: str) -> None:
    way = STEPS if inner == "descent" else {"seed": 0}
    for number in range(2, 8):
        net, calls = make(backend), []

        def callback(network: Any, history: Any, number: int = number, calls: list[Any] = calls) -> None:
            calls.append(network.cost(X, Y))
            if len(calls) == number:
                raise StopTraining

        history = net.train(X, Y, epochs=3, optimizer=MultiStart(4, inner), **way, callback=callback)
        assert len(calls) == number
        assert history is net.history
        assert (len(history.starts), history.stopped_by) == (-(-number // 3), "callback"), "whichever start was kept"
        assert net.cost(X, Y) == min(history.starts)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("error", [StopIteration("mine"), ValueError("mine"), GeneratorExit("mine")], ids=repr)
def test_other_exceptions_go_through(backend: Backend, way: dict[str, Any], error: BaseException) -> None:
    def callback(network: Any, history: Any) -> None:
        if history.epochs_done == 2:
            raise error

    net = make(backend)
    with pytest.raises(type(error), match="mine") as caught:
        net.train(X, Y, epochs=5, **way, callback=callback)
    assert caught.value is error
    assert caught.value.__cause__ is None
    assert (net.history.epochs_done, net.history.stopped_by) == (2, None)


def test_it_leaves_no_trace_in_what_comes_later(backend: Backend) -> None:
    net = make(backend)
    net.train(X, Y, epochs=5, **STEPS, callback=stop_after(2))
    with pytest.raises(ValueError, match="^X: ") as caught:
        net.predict([1.0])
    assert caught.value.__context__ is None
    history = net.train(X, Y, epochs=5, **STEPS)
    assert (history.epochs_done, history.stopped_by) == (5, None)


def test_outside_of_a_training_it_is_an_exception(backend: Backend) -> None:
    with pytest.raises(StopTraining, match="here"):
        raise StopTraining("here")
    outer, inner, ends = make(backend), make(backend), []

    def callback(network: Any, history: Any) -> None:  # the inner training is ended, the outer is not
        ends.append(inner.train(X, Y, epochs=5, **STEPS, callback=stop_after(2)).stopped_by)

    assert outer.train(X, Y, epochs=3, **STEPS, callback=callback).stopped_by is None
    assert ends == ["callback"] * 3


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_history_is_that_of_the_training_whatever_the_callback_does(backend: Backend, way: dict[str, Any]) -> None:
    """The callback trains the same network, and removes its history."""
    net, seen = make(backend), list[Any]()

    def callback(network: Any, history: Any) -> None:
        seen.append(history)
        network.history = network.training_state = None
        if len(seen) in (2, 4):
            network.train(X, Y, alpha=0.1, epochs=3)

    history = net.train(X, Y, epochs=4, **way, callback=callback)
    assert history is net.history
    assert all(one is history for one in seen)
    assert history.epochs_done == len(seen) == 4
    assert history.epochs.tolist() == ([] if way.get("record_every") == 0 else [0, 1, 2, 3])


class Reshaping(Rule):
    """A rule that gives an array another shape."""

    def __init__(self, change: Any) -> None:
        self.change = change

    def watch(self, objective: Any, history: Any) -> Watch:
        return Watch(lambda: bool(self.change()))


@pytest.mark.parametrize("which", range(6))
@pytest.mark.parametrize("by", ["callback", "stop", "alpha"])
def test_arrays_that_are_given_another_shape_during_training(backend: Backend, by: str, which: int) -> None:
    """They are read as they were: compiled kernels would read beyond their end."""
    given = [values[:6].copy() for values in (X, Y, X, Y, X, Y)]
    net, plain = make(backend), make(backend)

    def change(*_: Any) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            given[which].shape = given[which].shape[::-1]
        return 0.5 if by == "alpha" else 0.0

    def train(net: Any, **user: Any) -> Any:
        arguments: dict[str, Any] = {"alpha": 0.5, "epochs": 3, "batch_size": 2, "seed": 0, "monitors": "mean_norm"}
        arguments |= {"validation": given[2:4], **user, "stop": [Patience(*given[4:], 2), *user.get("stop", [])]}
        return net.train(*given[:2], **arguments)

    expected = train(plain)
    assert train(net, **{by: [Reshaping(change)] if by == "stop" else change}) == expected
    assert given[which].shape != (X, Y)[which % 2][:6].shape, "after an odd number of changes"
    assert net == plain


def test_in_another_thread(backend: Backend) -> None:
    net, found = make(backend), []
    thread = threading.Thread(
        target=lambda: found.append(net.train(X, Y, epochs=5, **STEPS, callback=stop_after(2)).stopped_by)
    )
    thread.start()
    thread.join()
    assert found == ["callback"]


@pytest.mark.parametrize("epochs", [3, 9], ids=["in the last epoch", "before"])
def test_a_handler_of_ctrl_c_may_raise_it(backend: Backend, epochs: int) -> None:
    def handler(signum: int, frame: Any) -> None:
        raise StopTraining("enough")

    def callback(network: Any, history: Any) -> None:
        if history.epochs_done == 3:
            signal.raise_signal(signal.SIGINT)

    before, net = signal.signal(signal.SIGINT, handler), make(backend)
    try:
        history = net.train(X, Y, epochs=epochs, **STEPS, callback=callback)
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert history is net.history
    if epochs == 3:
        assert (history.epochs_done, history.stopped_by) == (3, None)
    else:
        assert 3 <= history.epochs_done < 9
        assert history.stopped_by == "StopTraining: enough"


def test_a_handler_of_ctrl_c_may_raise_it_in_a_short_training(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler(signum: int, frame: Any) -> None:
        raise StopTraining("enough")

    def interrupted(*_: Any) -> bool:
        signal.raise_signal(signal.SIGINT)
        return True

    monkeypatch.setattr(divergence, "is_harmless", interrupted)
    before, net = signal.signal(signal.SIGINT, handler), make(backend)
    try:
        history = net.train(X, Y, epochs=2, **STEPS)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (history.epochs_done, history.stopped_by) == (2, "StopTraining: enough")


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("kind", [StopTraining, KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("given", [{}, {"batch_size": 2, "seed": 0, "optimizer": "adam"}], ids=str)
def test_a_signal_in_a_repeated_training(
    backend: Backend, given: dict[str, Any], kind: type[BaseException], times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The updates are made all the same, once; unless a second signal comes."""
    left = [0]

    def handler(signum: int, frame: Any) -> None:
        raise kind("enough")

    def interrupted(*arguments: Any) -> bool:
        if left[0]:
            left[0] -= 1
            signal.raise_signal(signal.SIGINT)
        return right(*arguments)

    right, settings = divergence.is_harmless, {**STEPS, "epochs": 2, "batch_size": None, **given}
    monkeypatch.setattr(divergence, "is_harmless", interrupted)
    before, net = signal.signal(signal.SIGINT, handler), make(backend)
    try:
        for _ in range(3):
            net.train(X, Y, **settings)
        theta, earlier, other = net.parameters.copy(), net.history, net.copy()
        left[0] = times
        if kind is StopTraining:
            history = net.train(X, Y, **settings)
            assert history is net.history
            assert (history.epochs_done, history.stopped_by) == (2 * (times == 1), "StopTraining: enough")
        else:
            with pytest.raises(kind, match="enough"):
                net.train(X, Y, **settings)
            assert (net.history is earlier) == (times == 2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert left == [0]
    other.train(X, Y, **settings)
    assert net.parameters.tobytes() == (other.parameters if times == 1 else theta).tobytes()


def test_a_signal_at_the_end_of_a_repeated_training(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """The updates that have been made are not made again."""
    net = make(backend)
    for _ in range(3):
        net.train(X, Y, epochs=2, **STEPS)
    trained, other = short._train, net.copy()

    def train(*given: Any) -> Any:
        trained(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(short, "_train", train)
        with pytest.raises(KeyboardInterrupt):
            net.train(X, Y, epochs=2, **STEPS)
    other.train(X, Y, epochs=2, **STEPS)
    assert net.parameters.tobytes() == other.parameters.tobytes()
    assert net.history == other.history


def test_ctrl_c_is_not_lost_with_it(backend: Backend) -> None:
    def callback(network: Any, history: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        raise StopTraining

    net = make(backend)
    with pytest.raises(KeyboardInterrupt):
        net.train(X, Y, epochs=9, **STEPS, callback=callback)
    assert (net.history.epochs_done, net.history.stopped_by) == (1, "callback")
