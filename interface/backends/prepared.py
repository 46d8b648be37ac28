"""A backend's functions, prepared for many calls with the same model and options, as training makes them.

A backend's FAST, see `samenet.backends.costs`, may have two functions for `run_updates`. fast_samples(model, rows,
limits, is_open) returns samples(X, Y): both, if they need no conversion, are so many rows, finite (with is_open, only
Y), apart in memory from the parameters, and with targets within the limits and the range of the cost; otherwise None.
fast_updates(model, rule, batch_size, reduction, **clipping) returns f(X, Y, state, alphas, order=None, **others): the
updates of `run_updates`, with an alpha for each epoch. The first returns None for models without a faster way.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from samenet.backends.weighing import overflow_ignored, weighing
from samenet.model import Model
from samenet.model.parameters import Parameters

_ANY = -math.inf, math.inf  # limits of targets


def _nothing(*_: Any, **__: Any) -> None:
    """For a backend without fast paths."""


def samples(model: Model, backend: Any, rows: int, limits: tuple[float, float], is_open: bool) -> Callable[..., Any]:
    """The function of X and Y above: both if they need no conversion and no other check, otherwise None."""
    return _fast_updates(backend)[0](model, rows, limits, is_open) or _nothing


def ready(model: Model, backend: Any, name: str, X: Any, Y: Any, limits: tuple[float, float] = _ANY) -> Any:
    """X and Y as (m, n), if they need no conversion and no other check; None if they may.

    name: of what they are used for, such as "validation", always with the same limits. The function for them is made in
    the second call with as many rows: most networks are trained once.
    """
    if backend is None or type(X) is not np.ndarray or X.ndim == 0:
        return None
    rows, key = len(X) if X.ndim == 2 else 1, (ready, name)
    of_rows, found = model.prepared.get(key, (0, None))
    if of_rows != rows:
        model.prepared[key] = rows, None
        return None
    if found is None:
        found = samples(model, backend, rows, limits, False)
        model.prepared[key] = rows, found
    return found(X, Y)


def _fast_updates(backend: Any) -> Any:
    return getattr(backend, "FAST", {}).get(backend.run_updates, (_nothing, _nothing))


def cost(model: Model, backend: Any, reduction: str, weights: Any) -> Callable[[Any, Any], float]:
    """f(X, Y): the cost of checked samples as the backend computes it."""
    return _prepared("evaluate", _cost, model, backend, reduction, weights)


def evaluation(model: Model, backend: Any, reduction: str, weights: Any) -> Callable[[Any, Any], tuple[float, Any]]:
    """f(X, Y): the cost of checked samples, and the output, (m, n_out)."""
    return _prepared("evaluate", _evaluation, model, backend, reduction, weights, True)


def gradient(model: Model, backend: Any, reduction: str, weights: Any) -> Callable[[Any, Any], tuple[float, Any]]:
    """f(X, Y): the cost of checked samples and its gradient as the backend computes them."""
    return _prepared("gradient", _gradient, model, backend, reduction, weights)


def _prepared(
    name: str, usual: Callable[..., Any], model: Model, backend: Any, reduction: str, weights: Any, *others: Any
) -> Callable[..., Any]:
    """The usual way to call the backend's function of this name, or its faster version, which the model keeps."""
    if weights is not None or reduction != "mean":
        return partial(usual, backend, weighing(backend, name, weights), model, reduction)
    key = usual, (function := getattr(backend, name))
    found: Callable[..., Any] | None = model.prepared.get(key)
    if found is None:
        make = getattr(backend, "FAST", {}).get(function)
        found = partial(usual, backend, function, model, reduction)
        found = model.prepared[key] = found if make is None else make(model, found, *others)
    return found


def _cost(backend: Any, evaluate: Any, model: Model, reduction: str, X: Any, Y: Any) -> float:
    with overflow_ignored(backend):
        return float(evaluate(model, X, Y, reduction)[0])


def _evaluation(backend: Any, evaluate: Any, model: Model, reduction: str, X: Any, Y: Any) -> tuple[float, Any]:
    with overflow_ignored(backend):
        cost, output = evaluate(model, X, Y, reduction)
    return float(cost), np.asarray(output)


def _gradient(backend: Any, gradient: Any, model: Model, reduction: str, X: Any, Y: Any) -> tuple[float, Parameters]:
    with overflow_ignored(backend):
        cost, slope = gradient(model, X, Y, reduction)
        if not isinstance(slope, Parameters):
            lists, slope = slope, model.theta.empty_like()
            slope.fill(lists.weights, lists.biases, getattr(lists, "gammas", ()))
    return float(cost), slope


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
