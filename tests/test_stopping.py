"""Stop rules: when training ends, why, and with which weights."""

import math
from typing import Any

import numpy as np
import pytest
from agreement import Backend

from samenet.stopping import CostChange, GradientNorm, Patience, StopTraining

X = np.random.default_rng(0).normal(size=(7, 3))
Y = np.random.default_rng(1).random((7, 2))
X_VAL = np.random.default_rng(8).normal(size=(5, 3))
Y_VAL = np.random.default_rng(9).random((5, 2))
SETTINGS: dict[str, Any] = {"alpha": 2.0, "epochs": 60, "batch_size": 3, "seed": 4}


def make(backend: Backend) -> Any:
    return backend.Network([3, 4, 2], seed=2)


def stop_after(epochs: int) -> Any:
    def callback(network: Any, history: Any) -> None:
        if history.epochs_done == epochs:
            raise StopTraining

    return callback


def watched(backend: Backend, look: Any, **settings: Any) -> tuple[list[np.ndarray], list[Any]]:
    """The weights, and the values of `look`, before the first epoch and after each."""
    net = make(backend)
    weights, seen = [net.parameters.copy()], [look(net)]

    def callback(network: Any, history: Any) -> None:
        weights.append(network.parameters.copy())
        seen.append(look(network))

    net.train(X, Y, callback=callback, **(SETTINGS | settings))
    return weights, seen


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("size", [3, None])
def test_the_change_of_cost(backend: Backend, size: int | None, reduction: str) -> None:
    few: dict[str, Any] = {"batch_size": size, "reduction": reduction, "alpha": 0.4}
    weights, costs = watched(backend, lambda n: n.cost(X, Y, reduction=reduction), **few)
    changes = np.abs(np.diff(costs))
    least = float(np.sort(changes)[20]) * 1.0001
    first = int(np.argmax(changes < least)) + 1
    assert 1 < first < 60
    net = make(backend)
    history = net.train(X, Y, **(SETTINGS | few), stop=CostChange(least))
    assert history.epochs_done == first
    assert history.stopped_by == f"CostChange(least={least})"
    assert np.array_equal(net.parameters, weights[first])


def test_the_norm_of_the_gradient(backend: Backend) -> None:
    weights, norms = watched(backend, lambda n: math.sqrt(sum(g * g for g in n.gradient(X, Y)[1].flat)))
    least = float(np.sort(norms)[10]) * 1.0001
    first = next(epoch for epoch in range(1, 61) if norms[epoch] < least)
    assert 1 < first < 60
    net = make(backend)
    history = net.train(X, Y, **SETTINGS, stop=GradientNorm(least))
    assert (history.epochs_done, history.stopped_by) == (first, f"GradientNorm(least={least})")
    assert np.array_equal(net.parameters, weights[first])


@pytest.mark.compiled
@pytest.mark.parametrize("restore", [True, False])
@pytest.mark.parametrize("epochs", [1, 3, 500])
def test_patience(backend: Backend, epochs: int, restore: bool) -> None:
    weights, costs = watched(backend, lambda n: n.cost(X_VAL, Y_VAL))
    best = end = 0
    for end in range(1, 61):
        if costs[end] < costs[best]:
            best = end
        if end - best >= epochs:
            break
    assert 0 < best < end
    net = make(backend)
    history = net.train(X, Y, **SETTINGS, stop=Patience(X_VAL, Y_VAL, epochs, restore))
    assert (history.epochs_done, history.best_epoch) == (end, best)
    assert history.stopped_by == (f"Patience(epochs={epochs}, restore={restore}, min_delta=0.0)" if end < 60 else None)
    assert np.array_equal(net.parameters, weights[best if restore else end])


def test_patience_when_the_weights_of_the_beginning_are_the_best(backend: Backend) -> None:
    net = make(backend)
    before = net.parameters.copy()
    history = net.train(X, Y, alpha=2, epochs=9, stop=Patience(X, net.predict(X), epochs=2))
    assert (history.epochs_done, history.best_epoch) == (2, 0)
    assert np.array_equal(net.parameters, before)


def test_patience_restores_however_training_ends(backend: Backend) -> None:
    weights, costs = watched(backend, lambda n: n.cost(X_VAL, Y_VAL))
    best = int(np.argmin(costs))
    for ending in ({"epochs": best + 1}, {"callback": stop_after(best + 1)}):
        net = make(backend)
        history = net.train(X, Y, **(SETTINGS | ending), stop=[Patience(X_VAL, Y_VAL, 100)])
        assert (history.epochs_done, history.best_epoch) == (best + 1, best)
        assert history.stopped_by == ("callback" if "callback" in ending else None)
        assert np.array_equal(net.parameters, weights[best])


def test_the_first_rule_that_says_so_ends_it(backend: Backend) -> None:
    never, always = CostChange(1e-300), GradientNorm(1e300)
    for rules in ([never, always], (always, never), [always, CostChange(1e300)]):
        history = make(backend).train(X, Y, **SETTINGS, stop=rules)
        assert (history.epochs_done, history.stopped_by) == (1, "GradientNorm(least=1e+300)")
    history = make(backend).train(X, Y, **SETTINGS, stop=[])
    assert (history.epochs_done, history.stopped_by, history.best_epoch) == (60, None, None)


def test_rules_change_nothing_but_the_end(backend: Backend) -> None:
    plain, ruled = make(backend), make(backend)
    one = plain.train(X, Y, **SETTINGS)
    two = ruled.train(X, Y, **SETTINGS, stop=[CostChange(1e-300), Patience(X_VAL, Y_VAL, 100, restore=False)])
    assert plain == ruled
    assert one.cost.tolist() == two.cost.tolist()
    assert ruled.train(X, Y, **(SETTINGS | {"epochs": 0}), stop=CostChange(1e300)).stopped_by is None


def test_a_rule_may_serve_many_trainings(backend: Backend) -> None:
    rule = Patience(X_VAL.tolist(), Y_VAL.tolist(), epochs=3)
    nets = [make(backend), make(backend)]
    histories = [net.train(X, Y, **SETTINGS, stop=rule) for net in nets]
    assert nets[0] == nets[1]
    assert histories[0].epochs_done == histories[1].epochs_done < 60


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1e-3, "rules of samenet.stopping"),
        ("CostChange", "rules of samenet.stopping"),
        ([CostChange(1), 3], "rules of samenet.stopping, got 3"),
        (CostChange, "rules of samenet.stopping"),
        (Patience([[1, 2]], [[1, 2]]), "Patience X: expected shape"),
        (Patience([[1, 2, 3]], [[1]]), "Patience Y: expected shape"),
        (Patience([[1, 2, math.nan]], [[1, 2]]), "Patience X: expected finite"),
        ([CostChange(1), Patience([[1, 2, 3]], [["a", "b"]])], "Patience Y: expected real"),
    ],
)
def test_rules_that_are_refused(backend: Backend, value: Any, words: str) -> None:
    net, random = make(backend), np.random.default_rng(0)
    before = net.parameters.tobytes()
    with pytest.raises((ValueError, TypeError), match=rf"^stop.*{words}"):
        net.train(X, Y, **(SETTINGS | {"seed": random}), stop=value)
    assert net.parameters.tobytes() == before
    assert net.history is None
    assert random.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize(
    ("make_rule", "argument"),
    [
        *[(lambda cls=cls, bad=bad: cls(bad), "least") for cls in (CostChange, GradientNorm) for bad in (0, -1, "x")],
        (lambda: Patience(X, Y, epochs=0), "epochs"),
        (lambda: Patience(X, Y, epochs=1.5), "epochs"),  # type: ignore[arg-type]
        (lambda: Patience(X, Y, restore=1), "restore"),  # type: ignore[arg-type]
    ],
)
def test_settings_that_are_refused(make_rule: Any, argument: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{argument}: expected"):
        make_rule()


def test_each_of_many_rules_is_asked(backend: Backend) -> None:
    never = CostChange(least=1e-300)
    for place in range(4):
        rules: list[Any] = [never] * 4
        rules[place] = GradientNorm(least=1e9)
        net = backend.Network([2, 3, 1], seed=0)
        history = net.train([[0.0, 1.0], [1.0, 1.0]], [[0.0], [1.0]], alpha=0.5, epochs=9, stop=rules)
        assert (history.epochs_done, history.stopped_by) == (1, "GradientNorm(least=1000000000.0)")
