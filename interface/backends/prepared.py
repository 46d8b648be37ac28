"""A backend's functions, prepared for many calls with the same model and options, as training makes them.

A backend's FAST, see `samenet.backends.costs`, may have two functions for `run_updates`. fast_samples(model, rows,
limits, is_open) returns samples(X, Y): both, if they need no conversion, are so many rows, finite (with is_open, only
Y), apart in memory from the parameters, and with targets within the limits and the range of the cost; otherwise None.
fast_updates(model, rule, batch_size, reduction, **clipping) returns f(X, Y, state, alphas, order=None, **others): the
updates of `run_updates`, with an alpha for each epoch. The first returns None for models without a faster way.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from samenet.backends.weighing import overflow_ignored, weighing
from samenet.model import Model


def _nothing(*_: Any, **__: Any) -> None:
    """For a backend without fast paths."""


def samples(model: Model, backend: Any, rows: int, limits: tuple[float, float], is_open: bool) -> Callable[..., Any]:
    """The function of X and Y above: both if they need no conversion and no other check, otherwise None."""
    return _fast_updates(backend)[0](model, rows, limits, is_open) or _nothing


def _fast_updates(backend: Any) -> Any:
    return getattr(backend, "FAST", {}).get(backend.run_updates, (_nothing, _nothing))


def cost(model: Model, backend: Any, reduction: str, weights: Any) -> Callable[[Any, Any], float]:
    """f(X, Y): the cost of checked samples as the backend computes it."""
    if weights is not None or reduction != "mean":
        return partial(_cost, backend, weighing(backend, "evaluate", weights), model, reduction)
    key = cost, backend.evaluate
    found: Callable[[Any, Any], float] | None = model.prepared.get(key)
    if found is None:
        make = getattr(backend, "FAST", {}).get(backend.evaluate)
        found = partial(_cost, backend, backend.evaluate, model, reduction)
        found = model.prepared[key] = found if make is None else make(model, found)
    return found


def _cost(backend: Any, evaluate: Any, model: Model, reduction: str, X: Any, Y: Any) -> float:
    with overflow_ignored(backend):
        return float(evaluate(model, X, Y, reduction)[0])


def updates(
    model: Model, backend: Any, rule: Any, batch_size: int, given: dict[str, Any], weights: Any
) -> Callable[..., Any]:
    """f(X, Y, state, alphas, order=None, **others): many updates, and their costs; others: masks and a sampler.

    given: the reduction and the limits of clipping, by name.
    """
    key, (last, found) = (backend.run_updates, rule, batch_size, given), model.prepared.get(updates, ((), None))
    if last != key:
        found = _fast_updates(backend)[1](model, rule, batch_size, **given)
        model.prepared[updates] = key, found
    if found is not None:
        return found if weights is None else partial(found, sample_weight=weights)
    run_updates = weighing(backend, "run_updates", weights)
    return partial(_updates, backend, run_updates, model, rule, {"batch_size": batch_size, **given})


def _updates(
    backend: Any,
    run_updates: Any,
    model: Model,
    rule: Any,
    arguments: dict[str, Any],
    X: Any,
    Y: Any,
    state: Any,
    alphas: Any,
    order: Any = None,
    **others: Any,
) -> Any:
    is_constant = len(alphas) == 1 or alphas.min() == alphas.max()
    of_call = {"alpha": alphas.item(0) if is_constant else alphas, "order": order, "epochs": len(alphas)}
    with overflow_ignored(backend):
        return np.asarray(run_updates(model, X, Y, rule, state=state, **of_call, **arguments, **others))
