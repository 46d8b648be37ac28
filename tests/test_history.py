"""The history of training: a mapping whose values are copies."""

import copy
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from agreement import Backend

import samenet
from samenet.optimizers import MultiStart
from samenet.stopping import CostChange, Patience
from samenet.training.history import History

X = np.random.default_rng(0).normal(size=(6, 3))
Y = np.eye(2)[[0, 1, 1, 0, 1, 0]]
SETTINGS: dict[str, Any] = {"alpha": 0.5, "epochs": 4, "monitors": ["mean_norm", "accuracy"]}
NAMES = ["cost", "mean_norm", "accuracy"]


def make(backend: Backend) -> Any:
    return backend.Network([3, 4, 2], seed=0)


def test_it_is_a_mapping_from_names_to_what_was_recorded(backend: Backend) -> None:
    history = make(backend).train(X, Y, **SETTINGS)
    assert isinstance(history, Mapping)
    assert list(history) == list(history.keys()) == NAMES
    assert len(history) == 3
    as_dict = dict(history)
    assert list(as_dict) == list({**history}) == NAMES
    for (name, values), also in zip(history.items(), history.values(), strict=True):
        assert values.tolist() == also.tolist() == as_dict[name].tolist() == history[name].tolist()
        assert (values.shape, values.dtype) == ((4,), np.float64)
    assert "cost" in history
    assert "label_accuracy" not in history
    assert 0 not in history
    assert history.get("cost").tolist() == history.cost.tolist()
    assert history.get("label_accuracy") is None
    assert history.get("label_accuracy", 7) == 7
    with pytest.raises(KeyError, match="'label_accuracy' was not recorded; recorded were cost, mean_norm, accuracy"):
        history["label_accuracy"]
    with pytest.raises(KeyError, match="0 was not recorded"):
        history[0]
    match history:
        case {"cost": cost, "accuracy": _}:
            assert cost.tolist() == history.cost.tolist()
        case _:
            pytest.fail("no mapping to match")


@pytest.mark.parametrize("settings", [{"epochs": 0}, {"record_every": 0}], ids=str)
def test_with_nothing_recorded_it_still_has_its_names(backend: Backend, settings: dict[str, Any]) -> None:
    history = make(backend).train(X, Y, **(SETTINGS | settings))
    assert list(history) == NAMES
    assert [len(values) for values in history.values()] == [0, 0, 0]
    assert len(history.epochs) == 0
    assert repr(history) == f"History({history.epochs_done} epochs done, 0 recorded of cost, mean_norm, accuracy)"


def test_what_it_gives_are_copies(backend: Backend) -> None:
    history = make(backend).train(X, Y, **SETTINGS)
    cost, epochs = history.cost.tolist(), history.epochs.tolist()
    for values in (history.cost, history.epochs, *history.values(), dict(history)["cost"]):
        values[:] = -1
    assert (history.cost.tolist(), history.epochs.tolist()) == (cost, epochs)


def test_a_second_training_begins_a_new_one(backend: Backend) -> None:
    net = make(backend)
    assert net.history is None
    first = net.train(X, Y, **SETTINGS)
    before = copy.copy(first)
    second = net.train(X, Y, alpha=0.5, epochs=2)
    assert net.history is second is not first
    assert first == before, "the first is left as it was"
    assert list(second) == ["cost"]
    assert second.epochs.tolist() == [0, 1]
    assert second.cost[0] < first.cost[-1]


def test_equal_if_all_they_hold_is(backend: Backend) -> None:
    one, two = (make(backend).train(X, Y, **SETTINGS) for _ in range(2))
    assert one is not two
    assert one == two
    others = [
        make(backend).train(X, Y, **(SETTINGS | change))
        for change in (
            {"alpha": 0.6},
            {"epochs": 3},
            {"monitors": ["mean_norm"]},
            {"monitors": ["accuracy", "mean_norm"]},
            {"record_every": 2},
            {"stop": CostChange(1e300), "epochs": 1},
            {"stop": Patience(X, Y, 100)},
            {"optimizer": MultiStart(1), "seed": 0},
        )
    ]
    assert all(one != other for other in others)
    stopped, done = (
        make(backend).train(X, Y, **(SETTINGS | {"epochs": 1} | how)) for how in ({"stop": CostChange(1e300)}, {})
    )
    assert stopped.cost.tolist() == done.cost.tolist()
    assert stopped != done
    assert one != dict(one)
    assert one != "history"
    empty = [History(("accuracy",)) for _ in range(2)]
    for history in empty:
        history.record(0, np.nan, {"accuracy": 0.5})
    assert empty[0] == empty[1], "NaN is what both recorded"
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


@pytest.mark.parametrize("through", [lambda h: pickle.loads(pickle.dumps(h)), copy.deepcopy, copy.copy])
def test_pickled_and_copied(backend: Backend, through: Any) -> None:
    kept: list[History] = []
    net = make(backend)
    last = net.train(X, Y, **SETTINGS, callback=lambda n, h: kept.append(through(h)))
    assert [len(history.cost) for history in kept] == [1, 2, 3, 4], "a copy made in a callback stays as it is"
    assert [history.epochs_done for history in kept] == [1, 2, 3, 4]
    assert kept[-1] == last
    assert repr(kept[-1]) == repr(last)
    assert type(kept[-1]) is History


def test_it_says_what_it_has(backend: Backend) -> None:
    history = make(backend).train(X, Y, **SETTINGS, stop=CostChange(1e300))
    last = ", ".join(f"{name} {history[name][-1]:.6g}" for name in NAMES)
    assert repr(history) == (
        f"History(1 epochs done, 1 recorded of cost, mean_norm, accuracy; last: {last}; "
        "stopped by CostChange(least=1e+300))"
    )
    assert samenet.History is History


@pytest.mark.parametrize("monitors", [["cost"], ["accuracy", "accuracy"], [None], [["accuracy"]], 3, "accuracy"])
def test_a_history_records_names_each_once(monitors: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="monitors: expected"):
        History(monitors)
