"""Short epochs with hooks in between: the same as in the loop, whatever happens; and options that are used again."""

import copy
import pickle
import signal
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import samenet
from samenet import schedules
from samenet.stopping import CostChange, GradientNorm, Patience, StopTraining
from samenet.training import run, watched
from samenet.training.session import Training
from samenet.training.state import TrainingState

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(13, 3)), RANDOM.random((13, 2))
HELD = RANDOM.normal(size=(5, 3)), RANDOM.random((5, 2))
BATCHES: dict[str, Any] = {"batch_size": 4, "seed": 5}
WAYS: dict[str, dict[str, Any]] = {
    "whole": {},
    "momentum": {"optimizer": "momentum", "clip_norm": 0.3},
    "adam": BATCHES | {"optimizer": "adam", "reduction": "sum"},
    "stream": BATCHES | {"seed": None, "dropout": 0.3},  # a Generator, see `trained`
    "in order": BATCHES | {"shuffle": False, "cost": "sum_of_squares"},
    "masks": BATCHES | {"dropout": 0.5, "drop_connect": 0.2},
    "weights": {"sample_weight": np.arange(13) / 7},
    "schedule": BATCHES | {"alpha": schedules.Exponential(0.3, 0.1)},
    "monitors": {"monitors": ["mean_norm"], "validation": HELD, "record_every": 2},
    "validation": {"validation": HELD},
    "change": {"stop": CostChange(1e-2)},
    "rules": {"stop": [GradientNorm(1e-9), Patience(*HELD, epochs=9)], "validation": HELD},
    "no records": {"record_every": 0, "stop": [Patience(epochs=9, restore="always")], "validation": HELD},
}


class Broken(Exception):
    """Raised by a hook."""


def network(**settings: Any) -> Any:
    return samenet.backend("numpy").Network([3, 4, 2], seed=2, l2=0.01, **settings)


def state_of(net: Any) -> Any:
    """What training has left, as bytes that can be compared."""
    state = net.training_state
    if state is None:
        return None
    if isinstance(state, tuple):
        state = TrainingState.of(*state)
    named = {name: value for name, value in vars(state).items() if name not in ("history", "draws")}
    draws = None if state.draws is None else state.draws.random.bit_generator.state
    return pickle.dumps([named, draws])


def outcome(act: Callable[[Any], Any], **settings: Any) -> Any:
    """What comes of training a network: its parameters, history and state, the warnings, the error."""
    net, error = network(**settings), None
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        try:
            act(net)
        except (Exception, KeyboardInterrupt) as raised:
            error = type(raised), str(raised)
    told = [str(one.message) for one in given]
    return net.model.theta.everything.tobytes(), copy.copy(net.history), told, error, state_of(net)


def trained(net: Any, way: str, epochs: int, **others: Any) -> None:
    options = {"alpha": 0.5, "seed": 0} | WAYS[way] | others
    if way == "stream":
        options["seed"] = np.random.default_rng(3)
    net.train(X.astype(net.dtype), Y.astype(net.dtype), epochs=epochs, **options)


def assert_alike(act: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Any:
    """It is the same where the loop does it; returns what came of it."""
    made: list[int] = []
    with monkeypatch.context() as patch:
        usual = watched.Watched
        patch.setattr(run, "Watched", lambda *given: made.append(1) or usual(*given))
        found = outcome(act, **settings)
    assert made
    with monkeypatch.context() as patch:
        patch.setattr(run, "plan", lambda *given: None)
        expected = outcome(act, **settings)
    assert found == expected
    return found


@pytest.mark.without_jit
@pytest.mark.parametrize("settings", [{}, {"dtype": "f4"}, {"batch_normalization": True}], ids=str)
@pytest.mark.parametrize("epochs", [1, 5])
@pytest.mark.parametrize("way", WAYS)
def test_hooks_see_and_leave_the_same(
    way: str, epochs: int, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if settings.get("batch_normalization") and WAYS[way].get("batch_size"):
        pytest.skip("the last batch has one row")
    seen: list[Any] = []

    def look(net: Any, history: Any) -> None:
        assert net.history is history
        assert net.training_state is None
        seen.append((net.parameters.tobytes(), copy.copy(history)))
        net.weights[0][0, 0] += 0.25  # which counts

    def act(net: Any) -> None:
        trained(net, way, epochs, callback=look)
        trained(net, way, 2, resume=True, **({} if way == "stream" else {"callback": look}), seed=None)

    if way == "stream":
        act = lambda net: trained(net, way, epochs, callback=look)  # noqa: E731
    assert_alike(act, monkeypatch, **settings)
    half = len(seen) // 2
    assert half
    assert seen[:half] == seen[half:]


@pytest.mark.without_jit
@pytest.mark.parametrize(
    "options", [{"validation": HELD}, {"monitors": "mean_norm"}, {"stop": CostChange(1e-9)}], ids=str
)
@pytest.mark.parametrize("way", ["momentum", "adam", "stream", "masks"])
def test_what_is_measured_in_each_epoch(way: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert_alike(lambda net: trained(net, way, 5, **options), monkeypatch)


@pytest.mark.without_jit
@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize("error", [Broken("no"), StopTraining("enough"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("way", ["momentum", "adam", "masks", "rules", "no records", "monitors"])
def test_hooks_that_raise(way: str, error: BaseException, epoch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def callback(net: Any, history: Any) -> None:
        if history.epochs_done == epoch:
            raise error

    def act(net: Any) -> None:
        try:
            trained(net, way, 4, callback=callback)
        except (Broken, KeyboardInterrupt):
            net.train(X, Y, epochs=2, resume=True, **{"alpha": 0.5} | WAYS[way])
            raise

    _, _, _, found, _ = assert_alike(act, monkeypatch)
    assert found == (None if isinstance(error, StopTraining) else (type(error), str(error)))


@pytest.mark.without_jit
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("call", [1, 3])
@pytest.mark.parametrize("way", ["momentum", "adam", "stream", "masks", "rules", "monitors"])
def test_ctrl_c_in_an_update(way: str, call: int, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = samenet.backend("numpy")
    usual, calls = backend.run_updates, list[int]()

    def counted(model: Any, *given: Any, **named: Any) -> Any:
        calls.append(1)
        costs = usual(model, *given, **named)
        for _ in range(times if len(calls) == call else 0):
            signal.raise_signal(signal.SIGINT)  # the second one does not wait
        return costs

    def act(net: Any) -> None:
        calls.clear()
        with monkeypatch.context() as patch:
            patch.setattr(backend, "run_updates", counted)
            try:
                trained(net, way, 4, callback=lambda net, history: None)
            finally:
                done = net.history.epochs_done
        assert done

    _, history, _, error, state = assert_alike(act, monkeypatch)
    assert error[0] is KeyboardInterrupt or (times == 2 and call == 1)
    assert history.epochs_done == call - (times == 2)
    assert state is not None


@pytest.mark.without_jit
@pytest.mark.parametrize("way", ["whole", "momentum", "adam", "stream", "monitors", "validation", "rules"])
@pytest.mark.parametrize("alpha", [1e3, 1e100, 1e200, 1.7e308])
@pytest.mark.parametrize("epochs", [1, 6])
def test_training_that_diverges(way: str, alpha: float, epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def act(net: Any) -> None:
        net.parameters[:] *= 9
        trained(net, way, epochs, alpha=alpha, callback=lambda net, history: None)

    _, _, told, error, _ = assert_alike(act, monkeypatch, activation="identity")
    if epochs > 1 and way not in ("adam", "momentum"):
        assert told or error


@pytest.mark.without_jit
def test_an_error_after_the_update(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, calls = Training.record_costs, list[int]()

    def interrupted(self: Any, costs: Any) -> None:
        usual(self, costs)
        calls.append(1)
        if len(calls) % 3 == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(Training, "record_costs", interrupted)
    _, history, _, error, _ = assert_alike(
        lambda net: trained(net, "momentum", 5, callback=lambda net, history: None), monkeypatch
    )
    assert error[0] is KeyboardInterrupt
    assert len(history.cost) == history.epochs_done == 2


@pytest.mark.without_jit
@pytest.mark.parametrize("value", [0.1, 1e300, -1.0, np.inf, Broken("no"), StopTraining("enough")], ids=repr)
@pytest.mark.parametrize("way", ["whole", "adam", "monitors", "rules"])
def test_a_schedule_is_called_once_for_an_epoch(way: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def alpha(epoch: int) -> float:
        calls.append(epoch)
        if isinstance(value, Exception):
            raise value
        return float(value)

    assert_alike(lambda net: trained(net, way, 1, alpha=alpha), monkeypatch, activation="identity")
    assert calls == [0, 0]


@pytest.mark.without_jit
def test_a_schedule_of_its_own_is_called_by_the_loop_where_there_are_several_epochs() -> None:
    calls: list[int] = []
    trained(network(), "whole", 4, alpha=lambda epoch: calls.append(epoch) or 0.1, callback=lambda net, history: None)
    assert calls == [0, 1, 2, 3]


# --------------------------------------------------------------------------------------------- options that are kept


def test_what_has_changed_counts(fast: Any) -> None:
    held, monitors, stop, seen = (HELD[0].copy(), HELD[1].copy()), ["mean_norm"], [GradientNorm(1e-9)], list[int]()
    options: dict[str, Any] = {"alpha": 0.1, "epochs": 1, "callback": lambda net, history: seen.append(1)}
    net, other = (fast.Network([3, 4, 2], seed=2) for _ in range(2))

    def both(**given: Any) -> Any:
        history = net.train(X, Y, **options | given)
        other.model.prepared.clear()
        assert other.train(X.copy(), Y.copy(), **options | given) == history
        assert net == other
        return history

    for _ in range(3):
        history = both(validation=held, monitors=monitors, stop=stop)
    before = history["validation_cost"]
    held[0][:] *= 2
    assert both(validation=held, monitors=monitors, stop=stop)["validation_cost"] != before
    monitors.append("mean_absolute_error")
    assert "mean_absolute_error" in both(validation=held, monitors=monitors, stop=stop)
    monitors[:] = ["mean_norm"]
    stop[:] = [GradientNorm(1e9)]
    assert both(validation=held, monitors=monitors, stop=stop).stopped_by == "GradientNorm(least=1000000000.0)"
    held[0][0, 0] = np.nan
    theta = net.parameters.copy()
    with pytest.raises(ValueError, match="^validation, X: expected finite numbers"):
        net.train(X, Y, validation=held, monitors=monitors, stop=stop, **options)
    monitors[:] = ["accurate"]
    with pytest.raises(ValueError, match="^monitors: "):
        net.train(X, Y, monitors=monitors, **options)
    stop[:] = [1]  # type: ignore[list-item]
    with pytest.raises(TypeError, match="^stop: "):
        net.train(X, Y, stop=stop, **options)
    with pytest.raises(TypeError, match="^callback: "):
        net.train(X, Y, alpha=0.1, epochs=1, callback=1)
    assert (net.parameters == theta).all()
    weights = np.arange(13.0)
    for factor in (1, 1, 1, 2):
        weights[3] *= factor
        both(sample_weight=weights)
    net.threads = 2
    both()
    net.model.theta.flat.flags.writeable = False
    with pytest.raises(ValueError, match="^parameters: "):
        net.train(X, Y, **options)


def test_hooks_that_are_added_later_are_called(fast: Any) -> None:
    net, seen = fast.Network([3, 4, 2], seed=2), list[int]()
    options: dict[str, Any] = {"alpha": lambda epoch: 0.1, "epochs": 1}
    for _ in range(3):
        net.train(X, Y, **options)
    for resume in (False, True):
        net.train(X, Y, callback=lambda net, history: seen.append(1), resume=resume, **options)
        history = net.train(X, Y, stop=GradientNorm(1e9), **options)
        assert history.stopped_by == "GradientNorm(least=1000000000.0)"
        net.train(X, Y, **options)
    assert seen == [1, 1]


def test_samples_are_checked_each_time(fast: Any) -> None:
    net, x, y = fast.Network([3, 4, 2], seed=2), X.copy(), Y.copy()
    options: dict[str, Any] = {"alpha": 0.1, "epochs": 1, "callback": lambda net, history: None}
    for _ in range(3):
        net.train(x, y, **options)
    theta = net.parameters.copy()
    for array, name in ((x, "X"), (y, "Y")):
        kept, array[2, 1] = array[2, 1], np.inf
        with pytest.raises(ValueError, match=f"^{name}: expected finite numbers"):
            net.train(x, y, **options)
        array[2, 1] = kept
    y[0, 0] = 3
    with pytest.warns(samenet.UnreachableTargetsWarning):
        net.train(x, y, **options)
    y[0, 0] = 0.5
    assert (net.parameters != theta).any()
    for given in ((x[:5], y[:5]), (x.tolist(), y.tolist()), (x.astype("f4"), y), (x[0], y[0])):
        other = fast.Network([3, 4, 2], seed=2)
        other.model.fill(net.weights, net.biases)
        assert net.train(*given, **options) == other.train(*given, **options)
        assert net == other


def test_a_function_in_the_place_of_the_backends_is_called(fast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net, calls, usual = fast.Network([3, 4, 2], seed=2), list[int](), fast.module.run_updates
    options: dict[str, Any] = {"alpha": 0.1, "epochs": 1, "callback": lambda net, history: None}
    for _ in range(3):
        net.train(X, Y, **options)
    monkeypatch.setattr(fast.module, "run_updates", lambda *given, **named: calls.append(1) or usual(*given, **named))
    net.train(X, Y, **options)
    assert calls == [1]
