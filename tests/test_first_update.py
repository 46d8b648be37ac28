"""The first updates by a rule: in one call as in several, and whether parameters stay finite."""

from typing import Any

import numpy as np
import pytest

import samenet
from samenet.fast import description, numba
from samenet.fast.kernels import backward, steps, training
from samenet.optimizers import UPDATE_RULES

RULES = [rule() for rule in UPDATE_RULES]
# Sizes, rows, of a batch, and other arguments: packed and wide, in parts, in one update or several.
WAYS: dict[str, tuple[list[int], int, int, dict[str, Any]]] = {
    "one update": ([20, 40, 3], 16, 16, {}),
    "one of many weights": ([300, 120, 3], 8, 8, {}),
    "one of weights that are packed at once": ([40, 230, 3], 8, 8, {}),
    "narrow": ([150, 1], 9, 9, {}),
    "several": ([300, 120, 3], 24, 8, {}),
    "several, narrow": ([150, 1], 27, 9, {}),
    "several without a hidden layer": ([40, 20], 20, 8, {}),
    "online": ([20, 40, 3], 5, 1, {}),
    "of one input": ([1, 300, 1, 40], 9, 9, {}),
    "wide": ([210, 220, 3], 20, 20, {}),
    "wide, few rows": ([210, 220, 3], 3, 3, {}),
    "wide, more rows": ([210, 220, 3], 40, 40, {}),
    "in parts": ([20, 60, 3], 300, 300, {}),
    "more than a block": ([300, 120, 3], 200, 200, {}),
    "clipped": ([300, 120, 3], 8, 8, {"clip_norm": 0.01}),
    "clipped, wide": ([210, 220, 3], 8, 8, {"clip_norm": 0.01, "clip_value": 0.1}),
}
PENALTIES: dict[str, dict[str, float]] = {"": {}, "l2": {"l2": 0.01}, "l1": {"l1": 0.01, "l2": 0.01}}


def _problem(way: str, dtype: str, **settings: float) -> tuple[Any, Any, Any, dict[str, Any]]:
    sizes, rows, size, more = WAYS[way]
    random = np.random.default_rng(0)
    X, Y = (random.random((rows, n)).astype(dtype) for n in (sizes[0], sizes[-1]))
    net = samenet.backend("numba").Network(sizes, seed=0, dtype=dtype, **settings)  # type: ignore[arg-type]
    return net, X, Y, {"batch_size": size, "alpha": 0.01, **more}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("rule", [RULES[0], RULES[-1]], ids=lambda rule: rule.name)
@pytest.mark.parametrize(
    "way", ["one update", "one of many weights", "narrow", "wide", "wide, few rows", "wide, more rows"]
)
def test_parameters_that_do_not_stay_finite_are_noticed(way: str, rule: Any, bad: float) -> None:
    for place in range(3):
        net, X, Y, given = _problem(way, "float64")
        flat, state = net.parameters, rule.state(net.model.theta)
        numba.run_updates(net.model, X, Y, rule, state=state, **given)
        assert state.is_finite is True
        flat[(0, flat.size // 2, flat.size - 1)[place]] = bad
        numba.run_updates(net.model, X, Y, rule, state=state, **given)
        assert state.is_finite is False


# Layers that are summed in parts, forward and backward; what one pass reads in several pieces; odd numbers.
WAYS_OF_ONE: dict[str, tuple[list[int], int, int, dict[str, Any]]] = {
    "many nodes": ([2000, 180, 230, 520, 2], 5, 5, {}),
    "many terms": ([1100, 210, 3], 2, 2, {"clip_value": 0.01}),
    "wide, many terms": ([530, 610, 520], 20, 20, {"clip_value": 0.01}),
    "odd": ([69, 363, 17], 2, 2, {}),
    "odd, more rows": ([340, 155, 19], 17, 17, {}),
}


@pytest.mark.compiled  # NumPy's products add in another order if an operand is transposed
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("way", [*(way for way in WAYS if way != "several"), *WAYS_OF_ONE])
def test_two_updates_are_two_calls(way: str, penalty: str, rule: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WAYS, way, {**WAYS, **WAYS_OF_ONE}[way])
    net, X, Y, given = _problem(way, "float32", **PENALTIES[penalty])
    once, twice = net.copy(), net.copy()
    state = rule.state(once.model.theta)
    costs = numba.run_updates(once.model, X, Y, rule, state=state, epochs=2, **given)
    other = rule.state(twice.model.theta)
    parts = [numba.run_updates(twice.model, X, Y, rule, state=other, **given) for _ in range(2)]
    assert once.parameters.tobytes() == twice.parameters.tobytes()
    assert state.values.tobytes() == other.values.tobytes()
    assert costs.tolist() == np.concatenate(parts).tolist()


# Batches of several blocks, and a last one whose blocks have other rows, of each kind of network.
PARTIAL: dict[str, tuple[list[int], int, int, dict[str, Any]]] = {
    "few nodes": ([64, 5], 496, 129, {}),
    "one node": ([200, 1], 367, 130, {}),
    "few nodes in all": ([12, 2], 1400, 513, {}),
    "narrow": ([64, 5, 3], 496, 129, {}),
    "packed": ([40, 40, 3], 367, 130, {}),
    "in parts": ([20, 60, 3], 701, 300, {}),
    "few rows": ([300, 20, 3], 67, 49, {}),
    "wide": ([210, 220, 3], 400, 257, {}),
}


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("way", PARTIAL)
def test_batches_of_an_epoch_are_calls(way: str, penalty: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A partial batch, too, has the same bits alone, as when training calls the backend several times in an epoch."""
    monkeypatch.setitem(WAYS, way, PARTIAL[way])
    net, X, Y, given = _problem(way, dtype, **PENALTIES[penalty])
    rule, rows, size = RULES[0], len(X), given["batch_size"]
    order = np.random.default_rng(1).permutation(rows).reshape(1, rows)
    for orders in (order, None):
        once, parts = net.copy(), net.copy()
        costs = numba.run_updates(once.model, X, Y, rule, order=orders, **given)
        found = []
        for start in range(0, rows, size):
            batch = slice(start, start + size)
            data = (X[batch], Y[batch]) if orders is None else (X, Y)
            one = None if orders is None else np.ascontiguousarray(orders[:, batch])
            found += [*numba.run_updates(parts.model, *data, rule, order=one, **given)]
        assert once.parameters.tobytes() == parts.parameters.tobytes()
        assert orders is None or costs.tolist() == found


@pytest.mark.without_jit
@pytest.mark.parametrize("way", ["one update", "one of many weights", "wide, few rows", "several"])
def test_a_rule_that_the_kernels_do_not_know_takes_its_own_step(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that was added to `steps` alone: its number is after the others, and every parameter takes that step."""
    net, X, Y, given = _problem(way, "float64")
    stepped: list[int] = []

    def counted(theta: Any, *others: Any) -> None:
        stepped.append(theta.size)
        steps.step(theta, *others)

    rule = next(rule for rule in RULES if rule.name == "momentum")
    known = description.constants
    monkeypatch.setattr(description, "constants", lambda rule: (len(steps.RULES), *known(rule)[1:]))
    for module in (backward, training):
        monkeypatch.setattr(module, "step", counted)
    costs = numba.run_updates(net.model, X, Y, rule, state=rule.state(net.model.theta), **given)
    assert sum(stepped) >= len(costs) * net.parameters.size
