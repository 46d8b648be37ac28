"""`train(resume=True)`: training in parts gives the same bits as training in one call, however a part ended."""

import copy
import itertools
import os
import pickle
import random
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from agreement import Backend

import samenet
from samenet.backends.objective import Objective
from samenet.optimizers import Adam, MultiStart
from samenet.schedules import Exponential
from samenet.stopping import CostChange, GradientNorm, Patience, Rule, StopTraining, Watch
from samenet.training import loop

random_numbers = np.random.default_rng(0)
X, Y = random_numbers.normal(size=(23, 3)), random_numbers.random((23, 2))
X_VAL, Y_VAL = random_numbers.normal(size=(9, 3)), random_numbers.random((9, 2))
BATCHES: dict[str, Any] = {"alpha": 0.1, "batch_size": 5, "seed": 5}
WAYS: dict[str, dict[str, Any]] = {
    "whole": {"alpha": 0.1, "optimizer": "momentum"},
    "momentum": BATCHES | {"optimizer": "momentum", "clip_norm": 0.3},
    "nesterov": BATCHES | {"optimizer": "nesterov", "shuffle": False},
    "rmsprop": BATCHES | {"optimizer": "rmsprop", "record_every": 3},
    "adam": BATCHES | {"optimizer": "adam", "monitors": ["mean_norm"], "cost": "sum_of_squares"},
    "schedule": BATCHES | {"alpha": Exponential(0.3, 0.1), "record_every": 0},
    "masks": BATCHES | {"dropout": 0.5, "drop_connect": 0.2, "optimizer": "adam"},
    "sampling": BATCHES | {"sampling": "adaptive"},
    "rules": BATCHES | {"stop": [CostChange(1e-12), GradientNorm(1e-12), Patience(X_VAL, Y_VAL, 50)]},
    "weights": BATCHES | {"sample_weight": np.arange(23) / 7, "reduction": "sum", "alpha": 0.01, "shuffle": False},
    "measured": {"alpha": 0.1, "optimizer": "nesterov", "validation": (X_VAL, Y_VAL), "record_every": 2},
    "watched": BATCHES
    | {"validation": (X_VAL, Y_VAL), "stop": Patience(epochs=50, min_delta=1e-3), "monitors": ["mean_norm"]},
}


class Broken(Exception):
    """Raised by a callback."""


def make(backend: Backend, **settings: Any) -> Any:
    return backend.Network([3, 4, 2], seed=2, **settings)


def numpy_network(**settings: Any) -> Any:
    return samenet.backend("numpy").Network([3, 4, 2], seed=2, **settings)


def assert_same(found: Any, expected: Any) -> None:
    assert found.model.theta.everything.tobytes() == expected.model.theta.everything.tobytes()
    assert found.history == expected.history
    assert found.history.epochs.tolist() == expected.history.epochs.tolist()


@pytest.mark.parametrize("seconds", [0.05, 1e-9], ids=["long calls", "short calls"])
@pytest.mark.parametrize("way", WAYS)
def test_parts_are_the_whole(backend: Backend, way: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
    whole, parts = make(backend), make(backend)
    whole.train(X, Y, epochs=9, **WAYS[way])
    first = parts.train(X, Y, epochs=4, **WAYS[way])
    before = copy.copy(first)
    parts.train(X, Y, epochs=0, resume=True, **WAYS[way])
    parts.train(X, Y, epochs=3, resume=True, **WAYS[way])
    history = parts.train(X, Y, epochs=2, resume=True, **WAYS[way])
    assert_same(parts, whole)
    assert history is parts.history
    assert history.epochs_done == 9
    assert first == before, "it is left alone"


@pytest.mark.parametrize("way", ["whole", "adam"])
@pytest.mark.parametrize("settings", [{"dtype": "f4"}, {"batch_normalization": True}], ids=str)
def test_of_other_networks(backend: Backend, settings: dict[str, Any], way: str) -> None:
    options, whole, parts = WAYS[way], make(backend, **settings), make(backend, **settings)
    whole.train(X, Y, epochs=5, **options)
    for epochs in (1, 2, 2):
        parts.train(X, Y, epochs=epochs, resume=parts.history is not None, **options)
    assert_same(parts, whole)


STREAMS: dict[str, Callable[[], Any]] = {
    "Generator": lambda: np.random.default_rng(7),
    "MT19937": lambda: np.random.Generator(np.random.MT19937(7)),
    "RandomState": lambda: np.random.RandomState(7),
    "Random": lambda: random.Random(7),
}


@pytest.mark.without_jit
@pytest.mark.parametrize(
    "way", [{}, {"batch_size": 5}, {"sample_weight": np.arange(23.0) + 1e3}, {"optimizer": "adam", "dropout": 0.5}]
)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_short_training_leaves_what_a_long_one_does(
    way: dict[str, Any], reduction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = []
    for seconds in (1e9, 1e-9):
        monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
        net = numpy_network()
        net.train(X, Y, alpha=1e-9, epochs=3, seed=5, reduction=reduction, **way)
        net.train(X, Y, alpha=1e-9, epochs=0, resume=True, reduction=reduction, **way)
        state = net.training_state
        arrays = [state.values.tobytes(), state.first.tobytes()]
        left.append([state.kept, state.seed, state.t, state.history, state.largest, state.is_done, *arrays])
    assert left[0] == left[1]


@pytest.mark.without_jit
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_goes_on(name: str) -> None:
    options = BATCHES | {"dropout": 0.5}
    whole, parts, again = numpy_network(), numpy_network(), numpy_network()
    streams = [STREAMS[name]() for _ in range(3)]
    whole.train(X, Y, epochs=6, **options | {"seed": streams[0]})
    parts.train(X, Y, epochs=2, **options | {"seed": streams[1]})
    parts.train(X, Y, epochs=4, resume=True, **options | {"seed": None})
    assert_same(parts, whole)
    again.train(X, Y, epochs=2, **options | {"seed": streams[2]})
    elsewhere = pickle.loads(pickle.dumps(again))
    with pytest.raises(ValueError, match="^seed: expected none, or that of the last training"):
        elsewhere.train(X, Y, epochs=4, resume=True, **options | {"seed": STREAMS[name]()})
    elsewhere.train(X, Y, epochs=4, resume=True, **options | {"seed": streams[2]})
    assert_same(elsewhere, whole)
    draw = [stream.random() if isinstance(stream, random.Random) else stream.random(1)[0] for stream in streams]
    assert len(set(draw)) == 1, "the user's stream is drawn from"


@pytest.mark.without_jit
def test_random_numbers_nobody_knows_go_on() -> None:
    net = numpy_network()
    net.train(X, Y, epochs=2, **BATCHES | {"seed": None})
    twin = copy.deepcopy(net)
    for one in (net, twin):
        one.train(X, Y, epochs=2, resume=True, **BATCHES | {"seed": None})
    assert_same(twin, net)


def ended_by(error: BaseException, epoch: int) -> Any:
    def callback(network: Any, history: Any) -> None:
        if history.epochs_done == epoch:
            raise error

    return callback


@pytest.mark.without_jit
@pytest.mark.parametrize("way", ["rules", "adam", "masks", "watched", "measured"])
@pytest.mark.parametrize("error", [Broken(), StopTraining("enough"), KeyboardInterrupt()], ids=repr)
def test_it_goes_on_after_an_exception(way: str, error: BaseException) -> None:
    seen: list[int] = []
    whole, parts = numpy_network(), numpy_network()
    whole.train(X, Y, epochs=6, **WAYS[way])
    with suppress(Broken, KeyboardInterrupt):
        parts.train(X, Y, epochs=6, callback=ended_by(error, 2), **WAYS[way])
    assert parts.history.epochs_done == 2
    parts.train(X, Y, epochs=4, resume=True, callback=lambda n, h: seen.append(h.epochs_done), **WAYS[way])
    assert_same(parts, whole)
    assert seen == [3, 4, 5, 6]


@pytest.mark.without_jit
@pytest.mark.parametrize("way", WAYS)
def test_it_goes_on_after_ctrl_c_between_any_two_updates(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the middle of an epoch."""
    monkeypatch.setattr(loop, "CALL_SECONDS", 1e-12)
    whole, numpy = numpy_network(), samenet.backend("numpy")
    options = WAYS[way]
    whole.train(X, Y, epochs=2, **options)
    updates, plain = 2 * (1 if "batch_size" not in options else 5), numpy.run_updates
    for number in range(1, updates):
        calls: list[int] = []

        def counted(*given: Any, number: int = number, calls: list[int] = calls, **named: Any) -> Any:
            calls.append(1)
            if len(calls) == number:
                signal.raise_signal(signal.SIGINT)
            return plain(*given, **named)

        monkeypatch.setattr(numpy, "run_updates", counted)
        parts = numpy_network()
        with pytest.raises(KeyboardInterrupt):
            parts.train(X, Y, epochs=2, **options)
        assert len(calls) == number
        monkeypatch.setattr(numpy, "run_updates", plain)
        parts = pickle.loads(pickle.dumps(parts))
        parts.train(X, Y, epochs=2 - parts.history.epochs_done, resume=True, **options)
        assert_same(parts, whole)


@pytest.mark.without_jit
@pytest.mark.parametrize("seconds", [1e9, 1e-12], ids=["long calls", "short calls"])
def test_it_goes_on_with_a_smaller_alpha_where_weights_overflowed(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
    options = {"batch_size": 5, "seed": 1, "optimizer": "adam"}
    targets = 1e150 * Y

    def alpha(epoch: int) -> float:
        return 1e-3 if epoch < 3 or smaller else 1e308

    whole, parts = (samenet.backend("numpy").Network([3, 4, 2], seed=2, activation="identity") for _ in range(2))
    smaller = True
    with warnings.catch_warnings(action="ignore"):
        whole.train(X, targets, epochs=6, alpha=alpha, **options)
        smaller = False
        with pytest.raises(FloatingPointError, match="in epoch 3"):
            parts.train(X, targets, epochs=6, alpha=alpha, **options)
        smaller = True
        parts.train(X, targets, epochs=3, alpha=alpha, resume=True, **options)
    assert_same(parts, whole)


@pytest.mark.without_jit
def test_a_warning_of_divergence_is_given_once_in_all_parts() -> None:
    whole, parts = (samenet.backend("numpy").Network([3, 2], seed=2, activation="identity") for _ in range(2))
    options = {"alpha": 3.0, "batch_size": 5, "seed": 1}
    with pytest.warns(samenet.DivergenceWarning):
        whole.train(X, Y, epochs=6, **options)
    at = whole.history.diverged_at
    assert 1 < at < 6
    parts.train(X, Y, epochs=at - 1, **options)
    with pytest.raises(samenet.DivergenceWarning), warnings.catch_warnings(action="error"):
        parts.train(X, Y, epochs=7 - at, resume=True, **options)
    assert parts.history.epochs_done == at
    with warnings.catch_warnings(action="error"):
        parts.train(X, Y, epochs=6 - at, resume=True, **options)
    assert_same(parts, whole)


@pytest.mark.without_jit
def test_patience_goes_on_from_the_last_weights_unless_they_were_changed() -> None:
    options = BATCHES | {"alpha": 3.0}
    rule = Patience(X_VAL, Y_VAL, 100)
    whole, parts, changed, anew = (numpy_network() for _ in range(4))
    whole.train(X, Y, epochs=12, stop=rule, **options)
    for net in (parts, changed, anew):
        net.train(X, Y, epochs=7, stop=rule, **options)
    last = numpy_network()
    last.train(X, Y, epochs=7, **options)
    assert parts != last, "the best are there"
    parts.train(X, Y, epochs=5, resume=True, stop=Patience(X_VAL, Y_VAL, 100), **options)
    assert_same(parts, whole)
    changed.parameters = np.zeros(26)
    changed.train(X, Y, epochs=0, resume=True, **options)
    changed.train(X, Y, epochs=1, resume=True, **options)
    last.train(X, Y, epochs=0, resume=True, **options)
    last.parameters = np.zeros(26)
    last.train(X, Y, epochs=1, resume=True, **options)
    assert changed == last, "the user's weights, with the optimizer's state and orders that go on"
    history = anew.train(X, Y, epochs=5, resume=True, stop=Patience(X_VAL, Y_VAL, 99), **options)
    assert history.best_epoch >= 7, "another rule begins"


@pytest.mark.without_jit
def test_patience_that_restores_after_an_exception_goes_on_from_the_last_weights() -> None:
    options = BATCHES | {"alpha": 3.0, "stop": Patience(X_VAL, Y_VAL, 100, restore="always")}
    whole, parts, last = numpy_network(), numpy_network(), numpy_network()
    whole.train(X, Y, epochs=12, **options)
    with pytest.raises(Broken):
        parts.train(X, Y, epochs=12, callback=ended_by(Broken(), 7), **options)
    last.train(X, Y, epochs=7, **options | {"stop": ()})
    assert parts != last
    parts.train(X, Y, epochs=5, resume=True, **options)
    assert_same(parts, whole)


@pytest.mark.without_jit
def test_lines_are_printed_of_each_part_alone(capsys: pytest.CaptureFixture[str]) -> None:
    net = numpy_network()
    net.train(X, Y, epochs=2, verbose=True, **BATCHES)
    first = capsys.readouterr().out.splitlines()
    net.train(X, Y, epochs=3, resume=True, verbose=True, **BATCHES)
    second = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in first[:-1]] == ["epoch 0", "epoch 1"]
    assert [line.split(",")[0] for line in second[:-1]] == ["epoch 2", "epoch 3", "epoch 4"]
    assert second[-1].startswith("3 epochs in")


@pytest.mark.without_jit
def test_a_rule_that_ended_it_ends_it_again() -> None:
    always = GradientNorm(1e300)
    net = numpy_network()
    assert net.train(X, Y, epochs=5, stop=always, **BATCHES).epochs_done == 1
    history = net.train(X, Y, epochs=5, stop=always, resume=True, **BATCHES)
    assert (history.epochs_done, history.stopped_by) == (2, str(always))
    history = net.train(X, Y, epochs=5, resume=True, **BATCHES)
    assert (history.epochs_done, history.stopped_by) == (7, None)


@pytest.mark.without_jit
def test_a_rule_of_ones_own() -> None:
    class Count(Rule):
        """Ends after a number of epochs."""

        def watch(self, objective: Any, history: Any) -> Watch:
            state = {"count": 0}

            def ends() -> bool:
                state["count"] += 1
                return state["count"] == 5

            return Watch(ends, state=state)

        def __str__(self) -> str:
            return "Count"

    net = numpy_network()
    net.train(X, Y, epochs=3, stop=Count(), **BATCHES)
    assert net.train(X, Y, epochs=9, stop=Count(), resume=True, **BATCHES).epochs_done == 5


@pytest.mark.without_jit
def test_what_may_change_in_between() -> None:
    options = BATCHES | {"optimizer": Adam(), "record_every": 2}
    net, asked = numpy_network(), []

    def alpha(epoch: int) -> float:
        asked.append(epoch)
        return 0.01

    net.train(X, Y, epochs=3, **options)
    net.threads = 2
    history = net.train(
        *(2 * X, Y**2), epochs=3, resume=True, **options | {"alpha": alpha, "record_every": 1, "clip_value": 1.0}
    )
    assert asked == [3, 4, 5]
    assert history.epochs.tolist() == [0, 2, 3, 4, 5]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "optimizer": (
        {"optimizer": "momentum"},
        r"optimizer: expected Adam\(.*\) as in the last training, got Momentum\(beta=0.9",
    ),
    "constants": ({"optimizer": Adam(beta1=0.8)}, r"optimizer: expected Adam\(beta1=0.9"),
    "samples": ({"X": X[1:], "Y": Y[1:]}, "X: expected 23 samples as in the last training, got 22"),
    "batch_size": ({"batch_size": 4}, "batch_size: expected 5 .*, got 4"),
    "no batches": ({"batch_size": None}, "batch_size: expected 5 .*, got 23"),
    "shuffle": ({"shuffle": False}, "shuffle: expected True"),
    "cost": ({"cost": "sum_of_squares"}, "cost: expected squared_error .*, got sum_of_squares"),
    "reduction": ({"reduction": "sum"}, "reduction: expected mean"),
    "dropout": ({"dropout": 0.4}, r"dropout: expected \(0.5,\)"),
    "drop_connect": ({"drop_connect": 0.4}, r"drop_connect: expected \(\)"),
    "monitors": ({"monitors": "mean_norm"}, "monitors: expected"),
    "sampling": ({"sampling": "adaptive"}, "sampling: expected None"),
    "validation": ({"validation": (X_VAL, Y_VAL)}, "validation: expected None .*, got a validation set"),
    "seed": ({"seed": 6}, "seed: expected none, or that of the last training"),
    "stream": ({"seed": np.random.default_rng(5)}, "seed: expected none, or that"),
    "bfgs": ({"optimizer": "bfgs", "alpha": None, "batch_size": None, "dropout": 0}, "resume: expected none for BFGS"),
    "starts": ({"optimizer": MultiStart(2, "adam")}, "resume: expected none for MultiStart"),
    "epochs": ({"epochs": 2**63 - 2}, "epochs: expected at most 9223372036854775805 after the 2 that were done"),
    "1": ({"resume": 1}, "resume: expected True, False or the path of a checkpoint, got 1"),
    "None": ({"resume": None}, "resume: expected True, False or the path"),
    "every": ({"every": 3.0}, "every: expected none without a checkpoint, got 3.0"),
}


@pytest.mark.without_jit
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_changes_nothing(name: str) -> None:
    options, (others, reason) = BATCHES | {"dropout": 0.5, "optimizer": "adam"}, REFUSED[name]
    net, other = numpy_network(), numpy_network()
    for one in (net, other):
        history = one.train(X, Y, epochs=2, **options)
    before = net.parameters.tobytes()
    with pytest.raises((ValueError, TypeError), match=f"^{reason}"):
        net.train(**{"X": X, "Y": Y, "epochs": 2, "resume": True} | options | others)
    assert net.parameters.tobytes() == before
    assert net.history == history
    for one in (net, other):
        one.train(X, Y, epochs=2, resume=True, **options)
    assert_same(net, other)


@pytest.mark.without_jit
@pytest.mark.parametrize(
    "change",
    [
        lambda net: net.copy(),
        lambda net: net.on("numpy"),
        lambda net: numpy_network(),
        lambda net: net.train(X, Y, epochs=1, optimizer="bfgs") and net,
        lambda net: net.train(X, Y, epochs=1, alpha=0.1, seed=0, optimizer=MultiStart(2)) and net,
        lambda net: samenet.train_many([net], X, Y, epochs=1, alpha=0.1)[0],
        lambda net: samenet.train_many([net, numpy_network()], X, Y, epochs=1, alpha=0.1, batch_size=5)[0],
    ],
    ids=["copy", "on", "new", "bfgs", "starts", "many", "several"],
)
def test_what_has_nothing_to_go_on_from(change: Callable[[Any], Any]) -> None:
    net = numpy_network()
    net.train(X, Y, epochs=1, alpha=0.1)
    with pytest.raises(ValueError, match="^resume: expected a network whose last training can be resumed"):
        change(net).train(X, Y, epochs=1, alpha=0.1, resume=True)


@pytest.mark.parametrize("seconds", [0.05, 1e-9], ids=["long calls", "short calls"])
@pytest.mark.parametrize("way", ["whole", "masks", "sampling", "weights", "measured"])
def test_a_training_that_was_broken_off_in_an_update(
    backend: Backend, way: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a second Ctrl-C, no memory, or a kernel that cannot be compiled: what it has left half done is undone."""
    monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
    module = samenet.backend(backend.name)
    plain, options = module.run_updates, WAYS[way]
    whole = make(backend)
    whole.train(X, Y, epochs=3, **options)
    for error, number in itertools.product((KeyboardInterrupt, MemoryError), (1, 2, 7)):
        calls: list[int] = []

        def broken(
            model: Any, *given: Any, calls: list[int] = calls, error: Any = error, number: int = number, **named: Any
        ) -> Any:
            calls.append(1)
            costs = plain(model, *given, **named)
            if len(calls) == number:
                model.theta.everything[::2] = 7.0
                raise error
            return costs

        parts = make(backend)
        monkeypatch.setattr(module, "run_updates", broken)
        with suppress(error):
            parts.train(X, Y, epochs=3, **options)
        monkeypatch.setattr(module, "run_updates", plain)
        if parts.history is None:
            assert parts == make(backend)
            assert parts.training_state is None
            parts.train(X, Y, epochs=3, **options)
        else:
            done = parts.history.epochs_done
            expected = make(backend)
            expected.train(X, Y, epochs=done, **options)
            assert parts == expected
            parts.train(X, Y, epochs=3 - done, resume=True, **options)
        assert_same(parts, whole)


@pytest.mark.without_jit
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("number", range(1, 5))
def test_ctrl_c_while_a_rule_measures(number: int, error: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its turn when training goes on: the curve has a cost for each epoch."""
    options, calls = BATCHES | {"stop": [CostChange(1e-12), Patience(X_VAL, Y_VAL, 50)]}, list[int]()
    whole, parts = numpy_network(), numpy_network()
    whole.train(X, Y, epochs=5, **options)
    plain = Objective.cost

    def cost(self: Objective) -> float:
        if np.shares_memory(self.X, X):
            return plain(self)
        calls.append(1)
        if len(calls) == number + 1:  # the first is before the first epoch
            raise error
        return plain(self)

    with monkeypatch.context() as patch:
        patch.setattr(Objective, "cost", cost)
        with pytest.raises(error):
            parts.train(X, Y, epochs=5, **options)
    assert parts.history.epochs_done == number
    parts.train(X, Y, epochs=5 - number, resume=True, **options)
    assert_same(parts, whole)
    assert len(parts.history.validation_curve) == 6


class Interrupting:
    """Raises KeyboardInterrupt at one of the places in `train` where Python looks for signals: when calls begin or end.

    It stands for the second of two, since the first is deferred.
    """

    def __init__(self, number: int) -> None:
        self.number, self.depth, self.is_in = number, 0, False

    def __call__(self, frame: Any, event: str, argument: object) -> None:
        code = frame.f_code
        place = code.co_name, os.path.basename(code.co_filename)
        if place in (("train", "run.py"), ("again", "short.py")) and event in ("call", "return"):
            self.is_in = event == "call"
        if code.co_filename.endswith("interrupts.py") or not self.is_in or event not in ("call", "c_return"):
            return
        if code.co_name == "gc_callback":  # of Hypothesis: Python ignores what is raised during garbage collection
            return
        self.number -= 1
        if self.number == 0:
            sys.setprofile(None)
            raise KeyboardInterrupt


@pytest.mark.without_jit
@pytest.mark.uncounted
@pytest.mark.parametrize("seconds", [0.05, 1e-9], ids=["long calls", "short calls"])
@pytest.mark.parametrize("way", [*sorted(WAYS.keys() - {"rules", "watched"}), "bfgs", "statistics"])
def test_a_second_ctrl_c_anywhere(way: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parameters are those of so many epochs, or what goes on from there is the whole to the bit."""
    monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
    is_bfgs = way in ("bfgs", "statistics")
    options: dict[str, Any] = {"optimizer": "bfgs"} if is_bfgs else WAYS[way]
    settings = {"batch_normalization": way == "statistics"}

    def trained(epochs: int) -> Any:
        net = numpy_network(**settings)
        net.train(X, Y, epochs=epochs, **options)
        return net

    whole, after, ways = trained(2), [trained(epochs) for epochs in range(3)], set[str]()
    for number in range(1 + len(way) % 7, 10**9, 7):
        net = numpy_network(**settings)
        sys.setprofile(Interrupting(number))
        try:
            net.train(X, Y, epochs=2, **options)
            break
        except KeyboardInterrupt:
            pass
        finally:
            sys.setprofile(None)
        if net.history is None:
            ways.add("nothing has happened")
            assert net == after[0]
            assert net.training_state is None
            continue
        done = net.history.epochs_done
        if net.training_state is None:
            ways.add("it cannot go on")
            assert net == after[done]
            continue
        ways.add("it goes on")
        net.train(X, Y, epochs=2 - done, resume=True, **options)
        assert_same(net, whole)
    assert "nothing has happened" in ways
    assert seconds == 0.05 or len(ways) > 1


@pytest.mark.without_jit
@pytest.mark.parametrize("option", [{"resume": True}, {"checkpoint": "a.npz"}, {"every": 1.0}], ids=str)
def test_many_networks_keep_nothing(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(option))}: expected none in train_many"):
        samenet.train_many([numpy_network()], X, Y, epochs=1, alpha=0.1, **option)


@pytest.mark.without_jit
def test_what_is_kept_holds_no_samples_and_no_functions() -> None:
    net = numpy_network()
    many = np.tile(X, (500, 1)), np.tile(Y, (500, 1))
    for optional in ({}, {"callback": lambda n, h: None, "stop": CostChange(1e-300)}):
        net.train(*many, alpha=lambda epoch: 0.1, epochs=1, optimizer="adam", batch_size=1000, seed=0, **optional)
        assert len(pickle.dumps(net)) < 20_000
    net.train(*many, alpha=0.1, epochs=1)
    assert len(pickle.dumps(net)) < 20_000
