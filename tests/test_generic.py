"""A backend with only `feed_forward` fulfils the whole contract, and gives the reference's answers."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import agreement
import numpy as np
import pytest
from agreement import Descent, Rule
from inputs import Case, Functions

import samenet
from samenet.network import Network as Interface
from samenet.optimizers import Adam, Momentum

CASES = [
    Case((5, 7, 3, 2), 7),
    Case((4, 3, 2), 5, bias=False, dtype="float32", functions=Functions("tanh", "identity")),
    Case((4, 3, 2), 5, functions=Functions("relu", "softmax", "cross_entropy", l1=0.1, l2=0.2)),
    Case((4, 3, 2), 5, functions=Functions("softmax", "sigmoid", "binary_cross_entropy")),
]


def learner(**functions: Any) -> Any:
    """The Network of a backend with only these functions and NumPy's `feed_forward`."""
    module = ModuleType("learner", "A first backend.")
    vars(module).update({"feed_forward": samenet.backend("numpy").feed_forward, **functions})
    return type("Network", (Interface,), {"backend": module})


def compared(case: Case, rule: Rule) -> Iterator[tuple[str, Any]]:
    networks = case.network(learner()), case.network(samenet.backend("reference").Network)
    yield from agreement.forward(*networks, case.X)
    yield from agreement.gradient(*networks, case.X, case.Y)
    yield from agreement.gradient(*networks, case.X, case.Y, case.dropout)
    yield from agreement.gradient(*networks, case.X, case.Y, None, case.drop_connect)
    yield from agreement.ruled(*networks, case.X, case.Y, Descent(3, epochs=2, rule=rule), case.masks)
    yield from agreement.lockstep(*networks, case.X, case.Y, Descent(3, epochs=2, shuffled=True, reduction="sum"))


@pytest.mark.parametrize(
    "rule",
    [Rule(Momentum(), drop_connect=True), Rule(Adam(epsilon=1e-2), clip_norm=0.5, dropout=True), Rule(Momentum())],
    ids=str,
)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_one_function_is_enough(case: Case, rule: Rule, record: Any) -> None:
    for name, comparison in compared(case, rule):
        record(f"{name}, generic", comparison)


def test_it_learns_and_predicts_as_any_other() -> None:
    case = Case((5, 7, 3, 2), 13)
    ends = []
    for cls in (learner(), samenet.backend("numpy").Network):
        net = case.network(cls)
        given = {"batch_size": 4, "seed": 0, "dropout": 0.2, "drop_connect": 0.3, "optimizer": "rmsprop"}
        net.train(case.X, case.Y, alpha=0.1, epochs=3, **given)
        ends.append(np.concatenate([net.parameters, net.history.cost, net.predictor()(case.X[0])]))
        with pytest.raises(ValueError, match="finite"):
            net.predict([np.nan] * 5)
    np.testing.assert_allclose(*ends, rtol=1e-9)


def test_what_a_backend_gives_is_left_as_it_is() -> None:
    def predict(model: Any, x: Any) -> Any:
        return np.full((*x.shape[:-1], 2), 7.0)

    net = learner(predict=predict)([3, 2], seed=0)
    assert (net.predict([1.0, 2.0, 3.0]) == 7).all()
    for name in samenet.backends():
        for function in ("predict", "evaluate", "gradient", "run_updates"):
            assert getattr(samenet.backend(name), function).__module__ != "samenet.backends.generic"


def test_costs_whose_sum_overflows() -> None:
    """They are infinite, as with any other backend; an exact sum must not raise."""
    X, Y = np.full((6, 1), 1e154), np.zeros((6, 1))
    for cls in (learner(), samenet.backend("reference").Network):
        net = cls([1, 1], activation="identity", weights=[[[1.0]]], l2=0.1)
        assert net.cost(X, Y) == net.cost(X, Y, sample_weight=range(6)) == np.inf
