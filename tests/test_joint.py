"""Networks trained together again and again: what they share, and what each has for itself."""

import copy
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from samenet import train_many
from samenet.fast import numba
from samenet.fast.kernels import by_address
from samenet.model.initialize import SCHEMES
from samenet.training import alike

RANDOM = np.random.default_rng(3)
X, Y = RANDOM.normal(size=(30, 4)), RANDOM.random((30, 3))
OPTIONS: dict[str, Any] = {"alpha": 0.5, "epochs": 3, "batch_size": 7, "optimizer": "momentum"}
SEEDS = [*range(20)]


def made() -> list[Any]:
    return [numba.Network([4, 5, 3], seed=seed) for seed in SEEDS]


def together(nets: list[Any], **more: Any) -> None:
    train_many(nets, X, Y, seeds=SEEDS, **{**OPTIONS, **more})


def one_by_one(nets: list[Any], **more: Any) -> None:
    for net, seed in zip(nets, SEEDS, strict=True):
        net.train(X, Y, seed=seed, **{**OPTIONS, **more})


def same(some: list[Any], others: list[Any]) -> bool:
    return all(
        a.parameters.tobytes() == b.parameters.tobytes() and a.history == b.history
        for a, b in zip(some, others, strict=True)
    )


@pytest.mark.compiled
@pytest.mark.parametrize("every", [0, 1, 2])
@pytest.mark.parametrize("size", [None, 7])
def test_each_call_has_histories_of_its_own(every: int, size: int | None, found_again: list[bool]) -> None:
    nets, others = made(), made()
    more, kept = {"record_every": every, "batch_size": size}, list[Any]()
    for _ in range(3):
        together(nets, **more)
        one_by_one(others, **more)
        kept.append([(net.history, net.history.cost.tobytes()) for net in nets])
        assert [net.history for net in nets] == [net.history for net in others]
        assert all(net.history is history for net, (history, _) in zip(nets, kept[-1], strict=True))
        assert all(net.training_state is None for net in nets)
    assert same(nets, others)
    assert len({id(history) for of_call in kept for history, _ in of_call}) == 60
    assert all(history.cost.tobytes() == cost for of_call in kept for history, cost in of_call)
    assert found_again == [False, True, True]


def _trained(nets: list[Any]) -> None:
    nets[2].train(X, Y, alpha=0.1, epochs=1)


def _told(nets: list[Any]) -> None:
    nets[2].history = None


def _threads(nets: list[Any]) -> None:
    nets[2].threads = 2
    nets[2].threads = 1


def _in_another_list(nets: list[Any]) -> None:
    train_many(nets[1:9], X, Y, seeds=SEEDS[1:9], **OPTIONS)


def _in_a_group_that_is_trained_again(nets: list[Any]) -> None:
    for _ in range(2):
        train_many(nets[1:9], X, Y, seeds=SEEDS[1:9], **OPTIONS)


def _read(nets: list[Any]) -> None:
    assert [net.weights[0].sum() for net in nets]
    assert nets[1].parameters.size == 43


def _copied(nets: list[Any]) -> None:
    for other in (nets[1].copy(), copy.copy(nets[1]), copy.deepcopy(nets[1]), pickle.loads(pickle.dumps(nets[1]))):
        other.model = nets[3].copy().model
        other.train(X, Y, alpha=0.1, epochs=1)


# What happens between calls, and whether the next call has to check everything.
BETWEEN = [
    (_trained, True),
    (_told, True),
    (_threads, True),
    (_in_another_list, True),
    (_in_a_group_that_is_trained_again, True),
    (_read, False),
    (_copied, True),  # a shallow copy shares its parameters, and is given another model
]


@pytest.mark.compiled
@pytest.mark.parametrize(("between", "checks_all"), BETWEEN)
def test_what_happens_between_calls(
    between: Callable[[list[Any]], None], checks_all: bool, found_again: list[bool]
) -> None:
    nets, others = made(), made()
    for _ in range(2):
        together(nets)
        one_by_one(others)
    for one in (nets, others):
        between(one)
    assert same(nets, others) if between is not _told else nets[2].history is None
    found_again.clear()
    for _ in range(2):
        together(nets)
        one_by_one(others)
        assert same(nets, others)
        assert all(net.training_state is None for net in nets)
    assert found_again == [not checks_all, True]


def _others(nets: list[Any]) -> list[Any]:
    return [nets[0], *made()[1:]]


def _in_another_order(nets: list[Any]) -> list[Any]:
    return [nets[0], *nets[:0:-1]]


def _of_another_class(nets: list[Any]) -> list[Any]:
    nets[3].__class__ = type("Other", (numba.Network,), {})
    return nets


@pytest.mark.compiled
@pytest.mark.parametrize("changed", [_others, _in_another_order, _of_another_class])
def test_other_networks_in_a_list_are_noticed(
    changed: Callable[[list[Any]], list[Any]], found_again: list[bool]
) -> None:
    nets, others = made(), made()
    for _ in range(2):
        together(nets)
        one_by_one(others)
    nets, others = changed(nets), changed(others)
    together(nets)
    one_by_one(others)
    assert same(nets, others)
    assert found_again == [False, True, False]


@pytest.mark.compiled
@pytest.mark.parametrize("seeds", [[*range(19), 0], [*range(19), np.int64(19)], [*range(19), 1000], [None] * 20])
def test_other_seeds_are_noticed(seeds: list[Any], found_again: list[bool]) -> None:
    nets = made()
    for _ in range(2):
        together(nets)
    train_many(nets, X, Y, seeds=seeds, **OPTIONS)
    assert found_again == [False, True, False]


@pytest.mark.compiled
def test_copies_keep_the_history_of_their_time() -> None:
    nets = made()
    together(nets)
    copies = [copy.copy(nets[4]), copy.deepcopy(nets[4]), pickle.loads(pickle.dumps(nets[4]))]
    history = nets[4].history
    together(nets)
    assert all(one.history == history for one in copies)
    assert nets[4].history != history


@pytest.mark.compiled
@pytest.mark.parametrize("which", ["parameters", "weights", "biases"])
def test_a_view_that_was_made_read_only_is_noticed(which: str, found_again: list[bool]) -> None:
    nets = made()
    for _ in range(2):
        together(nets)
    view = nets[7].parameters if which == "parameters" else getattr(nets[7], which)[1]
    together(nets)  # which knows the view now
    before = [net.parameters.tobytes() for net in nets]
    view.flags.writeable = False
    with pytest.raises(ValueError, match=which) as raised:
        together(nets)
    assert raised.value.__notes__ == ["in train_many, for networks[7]"]
    assert [net.parameters.tobytes() for net in nets] == before
    view.flags.writeable = True
    together(nets)
    assert found_again == [False, True, True, False, True]


@pytest.mark.compiled
@pytest.mark.parametrize("which", ["weights", "biases"])
def test_views_made_one_call_after_others(which: str, found_again: list[bool]) -> None:
    """`parameters` makes an object that makes the views of weights and biases later."""
    nets = made()
    for _ in range(2):
        together(nets)
    assert nets[7].parameters.size == 43
    together(nets)
    getattr(nets[7], which)[0].flags.writeable = False
    with pytest.raises(ValueError, match=which):
        together(nets)
    assert found_again == [False, True, True, False]


@pytest.mark.compiled
def test_many_records_are_not_kept_for_all(monkeypatch: pytest.MonkeyPatch, found_again: list[bool]) -> None:
    """One network that is kept would keep the records and the orders of all."""
    nets, others = made(), made()
    monkeypatch.setattr(alike, "MOST", 8)
    for _ in range(2):
        together(nets)
        one_by_one(others)
        assert same(nets, others)
        assert [net.history for net in nets] == [net.history for net in others]
    assert all(net.joint is None for net in nets)
    assert found_again == [False, False]


@pytest.mark.parametrize("init", [*SCHEMES])
def test_new_networks_are_those_that_are_made_one_by_one(init: Any) -> None:
    pattern = numba.Network([4, 5, 3], activation=["tanh", "sigmoid"], dtype="float32", l2=0.01, threads=2)
    nets = train_many(pattern, X, Y, seeds=range(3), init=init, alpha=0.1, epochs=1)
    for seed, net in enumerate(nets):
        one = numba.Network([4, 5, 3], init=init, seed=seed, **pattern.model.settings, dtype="float32", threads=2)
        one.train(X, Y, alpha=0.1, epochs=1, seed=seed)
        assert np.allclose(net.parameters, one.parameters, rtol=1e-4, atol=1e-6)  # without the JIT, sums differ
        assert (net.threads, net.history.epochs_done) == (2, 1)
        assert np.allclose(net.history.cost, one.history.cost, rtol=1e-4)


@pytest.mark.compiled
def test_a_pattern_of_a_class_with_its_own_constructor_makes_its_own() -> None:
    class Mine(numba.Network):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self.mine = 1

    assert [net.mine for net in train_many(Mine([4, 5, 3]), X, Y, seeds=range(3), alpha=0.1, epochs=1)] == [1] * 3


@pytest.mark.compiled
@pytest.mark.parametrize("most", [alike.MOST, 8])
def test_nothing_interrupts_the_changes(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals are delivered when Python code runs, so none does between the first change and the last."""
    called: list[str] = []

    def profile(frame: Any, event: str, _: Any) -> None:
        if event == "call" and frame.f_code is not by_address.move.py_func.__code__:  # Numba tells of its own calls
            called.append(frame.f_code.co_qualname)

    def watched(changes: Iterable[None], length: int) -> None:
        sys.setprofile(profile)
        deque(changes, length)
        sys.setprofile(None)

    monkeypatch.setattr(alike, "MOST", most)
    monkeypatch.setattr(alike, "deque", watched)
    nets = made()
    together(nets)
    together(nets)
    nets[0].train(X, Y, seed=0, **OPTIONS)
    together(nets)
    assert called == []
