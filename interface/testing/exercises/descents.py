"""A backend whose updates come from an exercise (the step, or the batches), and the gradients from NumPy's."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends import backend

Array = NDArray[Any]
Functions = dict[str, Callable[..., Any]]


def _descents(step: Callable[..., Any], rows_of: Callable[[Array, int], Any], rules: tuple[str, ...]) -> Functions:
    """Many updates, from a step and the batches of an epoch."""
    numpy = backend("numpy")

    def run_updates(
        model: Any,
        X: Array,
        Y: Array,
        rule: Any,
        *,
        alpha: Any,
        batch_size: int,
        order: Array | None = None,
        epochs: int = 1,
        reduction: str = "mean",
        state: Any = None,
    ) -> list[float]:
        if rule.name not in rules:
            raise NotImplementedError(f"the exercise is about {' and '.join(rules)}")
        state = rule.state(model.theta) if state is None else state
        orders, costs = [np.arange(len(X))] * epochs if order is None else order, []
        for rows, rate in zip(orders, np.broadcast_to(alpha, len(orders)).tolist(), strict=True):
            for batch in rows_of(rows, batch_size):
                cost, g = numpy.gradient(model, X[batch], Y[batch], reduction)
                step(model.theta.flat, g.flat, rate, rule, state)
                costs.append(cost)
        return costs

    return {"feed_forward": numpy.feed_forward, "run_updates": run_updates}


def _parts(rows: Array, size: int) -> list[Array]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def update(task: Any) -> Functions:
    """Plain descent."""

    def step(theta: Array, g: Array, alpha: float, rule: Any, state: Any) -> None:
        state.t += 1
        theta[:] = _kept(task.update, (theta, g), alpha)

    return _descents(step, _parts, ("descent",))


def momentum(task: Any) -> Functions:
    """Descent with a velocity."""

    def step(theta: Array, g: Array, alpha: float, rule: Any, state: Any) -> None:
        state.t += 1
        v = state.values[0]
        theta[:], v[:] = _kept(task.momentum, (theta, v, g), alpha, rule.beta)

    return _descents(step, _parts, ("momentum",))


def _kept(function: Callable[..., Any], arrays: tuple[Array, ...], *numbers: float) -> Any:
    """The result of a function, checked not to write into its arrays."""
    given = [array.copy() for array in arrays]
    for array in given:
        array.flags.writeable = False
    return function(*given, *numbers)


def mini_batches(task: Any) -> Functions:
    """The rows of each update."""
    return _descents(backend("numpy").step, task.batches, ("descent", "momentum"))
