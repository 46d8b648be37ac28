"""The compiled backend's fast paths for arrays that need no conversion: the kernel checks them as it reads them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core.errors import NumbaError

from samenet.backends.normalization import folded, penalty
from samenet.fast import few_rows
from samenet.fast.description import NO_MASKS, NO_ORDER, NO_OTHERS, NO_STATE, described, layout, objective, plan
from samenet.fast.kernels import answers, tiny_network, training
from samenet.fast.kernels.codegen.compiling import code_for
from samenet.fast.kernels.lanes import rows_in_lanes
from samenet.fast.kernels.parallel import PAYS, new_queue
from samenet.fast.workspace import borrowed, give_back, is_small
from samenet.model import Model
from samenet.optimizers import State

OTHER_ARRAYS = TypeError, NumbaError  # raised by a kernel compiled for one type of array only
_MOST = 1 << 14  # numbers of samples that are checked by a kernel, which holds the GIL
_USUAL = 2.0**64  # costs up to this are far from the limits of `samenet.validation.overflow`


def fast_gradient(model: Model, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """f(X, Y): the mean cost of a batch and its gradient, or otherwise(X, Y); see `samenet.backends.costs`."""
    theta = model.theta
    if theta.normalized:
        return otherwise
    flat, described, size, dtype = theta.flat, (layout(model), *objective(model)), theta.flat.size, theta.flat.dtype
    most, like, array, empty = few_rows.most(theta.sizes, size, dtype.itemsize), theta.like, np.ndarray, np.empty
    answer: Any = None

    def gradient(X: Any, Y: Any) -> Any:
        nonlocal answer
        if type(X) is array and type(Y) is array:
            x, y, rank = X, Y, X.ndim
            if rank == 1 == Y.ndim:
                x, y = X.reshape(1, -1), Y.reshape(1, -1)
            elif rank != 2 or len(X) > most:
                return otherwise(X, Y)
            answer, g = answer or answers.gradient_of(dtype), empty(size, dtype)
            try:
                cost = answer(flat, *described, x, y, g)
            except OTHER_ARRAYS:
                return otherwise(X, Y)
            if -1.0 < cost < _USUAL:
                return cost, like(g)
        return otherwise(X, Y)

    return gradient


def rows_alone(model: Model) -> range:
    """The numbers of rows for which samples fill the lanes and no helper thread is used."""
    rows, size = rows_in_lanes(model.sizes, model.dtype.itemsize), model.theta.flat.size
    return range(rows.start, min(rows.stop, PAYS // size + 1))


def fast_cost(model: Model, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """f(X, Y): the mean cost of a batch, or otherwise(X, Y); see `samenet.backends.costs`."""
    array, rows, is_normalized, plain = np.ndarray, rows_alone(model), bool(model.theta.normalized), model
    if is_normalized:
        plain = folded(model.without_penalties())
    flat, described = plain.theta.flat, (layout(plain), *objective(plain))
    answer: Any = None

    def cost(X: Any, Y: Any) -> Any:
        nonlocal answer
        if type(X) is array and type(Y) is array and X.ndim == 2 and len(X) in rows:
            answer = answer or answers.cost_of(flat.dtype)
            theta = folded(model).theta.flat if is_normalized else flat
            try:
                found = answer(theta, *described, X, Y)
            except OTHER_ARRAYS:
                return otherwise(X, Y)
            if -1.0 < found < _USUAL:
                return found + penalty(model) if is_normalized else found
        return otherwise(X, Y)

    return cost


def fast_samples(model: Model, rows: int, limits: tuple[float, float], is_open: bool) -> Callable[..., Any] | None:
    """f(X, Y): both as (m, n), if they are as `samenet.backends.prepared` says, or None; None if they may not be."""
    theta, low, high = model.theta, *limits
    if rows * max(0 if is_open else theta.sizes[0], theta.sizes[-1]) > _MOST:
        return None
    everything, codes, cost, array = theta.everything, layout(model), objective(model)[0], np.ndarray
    answer = answers.samples_of(everything.dtype)

    def samples(X: Any, Y: Any) -> Any:
        if type(X) is array and type(Y) is array:
            if X.ndim == 1 == Y.ndim:
                X, Y = X.reshape(1, -1), Y.reshape(1, -1)
            try:
                return (X, Y) if answer(everything, codes, cost, low, high, rows, is_open, X, Y) else None
            except OTHER_ARRAYS:
                return None
        return None

    return samples


_codes: dict[Any, Any] = {}  # of `_code_of`


def _code_of(kernel: Any, given: tuple[Any, ...], *kinds: Any) -> Any:
    """A kernel's code for such arguments, whose types follow from `kinds`: Numba need not find them out every time."""
    if (found := _codes.get((kernel, kinds))) is None:
        found = _codes[kernel, kinds] = code_for(kernel, *given)
    return found


def fast_updates(
    model: Model, rule: Any, batch_size: int, reduction: str, **clipping: float
) -> Callable[..., Any] | None:
    """f(X, Y, state, alphas, order=None): the updates of `run_updates`; None if threads may share them."""
    limits = clipping.get("clip_value", math.inf), clipping.get("clip_norm", math.inf)
    theta, planned = model.theta, plan(model, rule, (batch_size, *limits))
    if theta.normalized or (planned.parts > 1 and batch_size * theta.flat.size >= PAYS):
        return None
    batch, constants = (batch_size, reduction == "mean"), planned.constants
    tiny, empty, flat, dtype, size = planned.tiny, np.empty, theta.flat, model.dtype, model.dtype.itemsize
    kinds = (dtype,) if tiny is None else (dtype, len(tiny[0]), len(tiny[1]))
    kernel = training.run_updates if tiny is None else tiny_network.run_updates
    parts, keeps, of_model, run = planned.parts, is_small(model, planned.parts), described(model), None
    spare: list[Any] = model.prepared.setdefault((fast_updates, parts), [])  # memory for the next call

    def updates(X: Any, Y: Any, state: State, alphas: Any, order: Any = None) -> Any:
        nonlocal run
        rows, order = (len(X), NO_ORDER) if order is None else (order.shape[1], order)
        costs = empty(len(alphas) * -(-rows // batch_size))
        more = batch, alphas, (*constants, state.t), state.values if state.count else NO_STATE[size], costs
        given: tuple[Any, ...]
        if tiny is not None:
            given = *tiny, X, Y, order, *more
        else:
            memory, queue = spare.pop() if spare else (borrowed(model, parts, state.prepared), new_queue(parts))
            queue.fill(0)
            of_parts = memory.G, memory.values, queue, True
            given = flat, memory.P, *of_model, (X, Y, order, NO_MASKS[size]), *more, *of_parts, *NO_OTHERS[size]
        run = run or _code_of(kernel, given, *kinds)
        state.is_finite = run(*given)
        if tiny is None and keeps:
            spare.append((memory, queue))
        elif tiny is None:
            give_back(model, memory, state.prepared)
        state.t += len(costs)
        return costs

    return updates
