"""The compiled backend's fast paths for arrays that need no conversion: the kernel checks them as it reads them."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numba.core.errors import NumbaError

from samenet.backends.normalization import penalty
from samenet.fast import few_rows
from samenet.fast.description import (
    NO_DROP_CONNECT,
    NO_KEYS,
    NO_MASKS,
    NO_NUMBERS,
    NO_ORDER,
    NO_SAMPLER,
    NO_STATE,
    code_of,
    described,
    layout,
    objective,
    plan,
)
from samenet.fast.kernels import answers, few_nodes, normalization, normalized_layers, tiny_network, training
from samenet.fast.kernels.forward import most_rows
from samenet.fast.kernels.lanes import rows_in_lanes
from samenet.fast.kernels.parallel import PAYS, new_queue, run_parallel, useful, work_of
from samenet.fast.workspace import Memory, borrowed, give_back, give_masks_back, masking, scratch
from samenet.model import Model
from samenet.model.parameters import Parameters
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
    most, like, array, empty = few_rows.most(theta.sizes, size), theta.like, np.ndarray, np.empty
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


def rows_alone(model: Model) -> int:
    """The number of rows up to which no helper thread is used."""
    block: int = most_rows(model.sizes)  # type: ignore[no-untyped-call]
    return max(block, (PAYS - 1) // _work(model.theta))


def _work(theta: Parameters) -> int:
    work: int = work_of(theta.sizes, theta.flat.size)  # type: ignore[no-untyped-call]
    return work


def folded(model: Model) -> Model:
    """As `samenet.backends.normalization.folded`; the model itself, without batch normalization."""
    if not model.theta.normalized:
        return model
    plain, fold = folding(model)
    fold()
    return plain


def folding(model: Model) -> tuple[Model, Callable[[], None]]:
    """The memory for `folded` of a normalized model, and what fills it: in several threads at once, with the same."""
    plain, theta = model.twin(), model.theta
    plain.theta = Parameters.empty(theta.sizes, True, model.dtype)
    given = theta.flat, theta.everything[theta.flat.size :], layout(model), plain.theta.flat
    return plain, partial(code_of(normalization.fold, model.dtype, given), *given)


def fast_cost(model: Model, otherwise: Callable[..., Any], outputs: bool = False) -> Callable[..., Any]:
    """f(X, Y): the mean cost of a batch, if `outputs` also the output; or otherwise(X, Y). See `backends.costs`."""
    array, rows, is_normalized = np.ndarray, rows_alone(model), bool(model.theta.normalized)
    plain, fold = folding(model.without_penalties()) if is_normalized else (model, None)
    in_lanes = rows_in_lanes(model.sizes, model.dtype.itemsize).stop
    flat, described, empty, n_out = plain.theta.flat, (layout(plain), *objective(plain)), np.empty, model.sizes[-1]
    answer: Any = None

    def cost(X: Any, Y: Any) -> Any:
        nonlocal answer
        is_usual = type(X) is array and type(Y) is array and X.ndim == 2
        if is_usual and (len(X) <= rows or model.threads == 1):
            answer = answer or answers.cost_of(flat.dtype)
            out = empty((len(X), n_out), flat.dtype)
            if fold is not None:
                fold()
            try:
                found = answer(flat, *described, X, Y, out, in_lanes)
            except OTHER_ARRAYS:
                return otherwise(X, Y)
            if -1.0 < found < _USUAL:
                found = found + penalty(model) if is_normalized else found
                return (found, out) if outputs else found
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
            else:  # views, whose shapes and dtypes no other thread changes after the check
                X, Y = X[...], Y[...]
            try:
                return (X, Y) if answer(everything, codes, cost, low, high, rows, is_open, X, Y) else None
            except OTHER_ARRAYS:
                return None
        return None

    return samples


_LIKE = new_queue(0)  # the queues that `run_parallel` makes


def helpers(model: Model, rows: int, pieces: int) -> int:
    """The number of helper threads for work on this many rows, divided into this many pieces."""
    most = min(model.threads, pieces) - 1
    return useful(most) if most > 0 and rows * _work(model.theta) >= PAYS else 0


def run(kernel: Any, arguments: tuple[Any, ...], model: Model, rows: int, pieces: int, *more: Any) -> Any:
    """Call a kernel of `parallel`, whose arguments' types follow from the dtype, on the threads that pay."""
    code = code_of(kernel, model.theta.flat.dtype, (*arguments, _LIKE, True, *more))
    return run_parallel(code, arguments, helpers(model, rows, pieces), pieces, *more)


def descend_normalized(model: Model, g: Any, given: Any, weights: Any) -> None:
    """The same as `descend` with batch normalization, where the gradient is written to g."""
    (kinds, _, objective), (X, _, order, _), (batch_size, _), theta = described(model), given[0], given[1], model.theta
    pieces = normalized_layers.blocks_of(batch_size, theta.sizes, g)  # type: ignore[no-untyped-call]
    memory = scratch(normalization.shared_length(theta.sizes, min(batch_size, max(len(X), order.size))), g.dtype)
    arguments = (theta.flat, theta.everything[g.size :], kinds), objective, *given, g, memory
    others, weights = helpers(model, batch_size, pieces), NO_NUMBERS if weights is None else weights
    code = code_of(normalization.run_updates, g.dtype, (*arguments, _LIKE, True, weights, True))
    if others:
        run_parallel(code, arguments, others, pieces, weights, False)
    else:
        code(*arguments, _LIKE, True, weights, True)


def descend(
    model: Model, theta: Any, memory: Memory, given: Any, drop_connect: Any, weights: Any, sampler: Any = None
) -> bool:
    """Make the updates in place and write their costs; if there is no alpha, replace theta by the gradient.

    given: the arguments of all kernels, from data to costs; drop_connect, weights, sampler: None if there are none. If
    P is theta, the gradient is written to G, not theta. Returns whether parameters are finite afterwards.
    """
    (G, P, values, _), size = memory, theta.itemsize
    kinds, bias, objective = described(model)
    weights = NO_NUMBERS if weights is None else weights
    connect = NO_DROP_CONNECT[size] if drop_connect is None else masking(model, drop_connect)
    drawn = NO_SAMPLER
    if sampler is not None:
        X, Y, numbers, masks = given[0]
        weights, order = np.empty(len(X)), np.zeros(numbers.shape, np.int64)
        given, drawn = ((X, Y, order, masks), *given[1:]), (*sampler, numbers, np.empty((len(G), given[1][0])))
    arguments = (theta, P, kinds, bias), objective, *given, G, values
    found: bool = run(training.run_updates, arguments, model, given[1][0], len(G), connect, weights, drawn)
    if drop_connect is not None:
        give_masks_back(model, connect)
    return found


def fast_updates(model: Model, rule: Any, batch_size: int, reduction: str, **clipping: float) -> Callable[..., Any]:
    """f(X, Y, state, alphas, order=None, **others): the updates of `run_updates`; see `samenet.backends.prepared`."""
    limits = clipping.get("clip_value", math.inf), clipping.get("clip_norm", math.inf)
    theta, dtype, planned = model.theta, model.dtype, plan(model, rule, (batch_size, *limits))
    batch, constants, tiny, empty = (batch_size, reduction == "mean"), planned.constants, planned.tiny, np.empty
    size, flat, parts, (*of_model, of_aim) = dtype.itemsize, theta.flat, planned.parts, described(model)
    kinds = dtype if tiny is None else (dtype, len(tiny[0]), len(tiny[1]))
    short, kernel = (tiny, tiny_network) if tiny is not None else (planned.few_nodes, few_nodes)
    is_usual, rest = not theta.normalized, (NO_DROP_CONNECT[size], NO_NUMBERS, NO_SAMPLER)
    code: Any = None

    def updates(X: Any, Y: Any, state: State, alphas: Any, order: Any = None, **others: Any) -> Any:
        nonlocal code
        rows, order = (len(X), NO_ORDER) if order is None else (order.shape[1], order)
        costs = empty(len(alphas) * -(-rows // batch_size))
        more = batch, alphas, (*constants, state.t), state.values if state.count else NO_STATE[size], costs
        given: tuple[Any, ...]
        if others or not is_usual:
            with_others(state, (X, Y, order), more, **others)
        elif short is not None:
            given = *short, X, Y, order, *more
            code = code or code_of(kernel.run_updates, kinds, given)
            state.is_finite = code(*given)
        else:
            memory = borrowed(model, parts, state.prepared)
            given = (flat, memory[1], *of_model), of_aim, (X, Y, order, NO_MASKS[size]), *more, memory[0], memory[2]
            code = code or code_of(training.run_updates, kinds, (*given, _LIKE, True, *rest))
            if parts == 1:
                state.is_finite = code(*given, new_queue(1), True, *rest)
            else:
                state.is_finite = run_parallel(code, given, helpers(model, batch_size, parts), parts, *rest)
            give_back(model, memory, state.prepared)
        state.t += len(costs)
        return costs

    def with_others(
        state: State,
        data: tuple[Any, ...],
        more: tuple[Any, ...],
        dropout: Any = None,
        drop_connect: Any = None,
        sampler: Any = None,
        sample_weight: Any = None,
    ) -> None:
        masks, given = NO_MASKS[size] if dropout is None else (*dropout,), (drop_connect, sample_weight, sampler)
        if tiny is not None and drop_connect is sampler is None:
            weights = NO_NUMBERS if sample_weight is None else sample_weight
            of_tiny = masks, NO_KEYS, weights, *tiny_network.widest(size), *tiny[2:], *data, *more
            state.is_finite = code_of(tiny_network.run_updates_with, dtype, of_tiny)(*of_tiny)
        elif theta.normalized:
            descend_normalized(model, empty(flat.size, dtype), ((*data, masks), *more), sample_weight)
        else:
            memory = borrowed(model, parts, state.prepared)
            state.is_finite = descend(model, flat, memory, ((*data, masks), *more), *given)
            give_back(model, memory, state.prepared)

    return updates
