"""Training many similar networks in one call of compiled kernels; see `samenet.training.alike`.

In the lanes of registers where that gives the same bits, otherwise one after the other.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.fast import workspace
from samenet.fast.description import (
    NO_DROP_CONNECT,
    NO_MASKS,
    NO_NUMBERS,
    NO_ORDER,
    NO_SAMPLER,
    described,
    layout,
    plan,
)
from samenet.fast.kernels import by_address, many_networks, tiny_network
from samenet.fast.kernels.parallel import new_queue
from samenet.model import Model, functions
from samenet.optimizers import UpdateRule

_NO_ORDERS = np.empty((0, 0, 0), np.int64)


def _lanes(model: Model, batch_size: int) -> int:
    """How many such networks to train in the lanes of registers; 0 if that would give other bits."""
    if model.l1 or model.l2:
        return 0
    codes, cost = tuple(map(functions.ACTIVATIONS.index, model.activations)), functions.COSTS.index(model.cost_function)
    is_tiny = tiny_network.fits(model, batch_size)
    if is_tiny != tiny_network.fits(model, batch_size, has_state=True):
        return 0  # the order of its sums depends on the rule
    if is_tiny:
        fits = many_networks.fits_tiny(codes, cost, model.theta.flat.size)
    else:
        fits = many_networks.fits(model.sizes, codes, batch_size, model.dtype.itemsize)
    return many_networks.lanes_of(model.dtype) if fits else 0


def at_once(model: Model, batch_size: int) -> int:
    """How many such networks to train together; 0 if none can be trained in one call."""
    if model.theta.normalized:
        return 0
    found: int | None = model.prepared.get((at_once, batch_size))
    if found is None:
        is_possible = tiny_network.fits(model, batch_size) or workspace.is_packed(model)
        found = model.prepared[at_once, batch_size] = _lanes(model, batch_size) or int(is_possible)
    return found


class These:
    """Some objects, which a list may have."""

    def __init__(self, objects: Sequence[Any]) -> None:
        self._kept = [*objects], [*map(type, objects)]  # so that no other object gets their addresses
        self._objects, self._types = (np.array([*map(id, kept)], np.int64) for kept in self._kept)

    def are_in(self, given: list[Any]) -> bool:
        """Whether a list has these objects and no others, in this order, and of the same types as then."""
        return bool(by_address.are_in(id(given), self._objects, self._types))


class Where:
    """Where the parameters of some models are, while these have no more views of them."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._thetas = thetas = [model.theta for model in models]
        self._vectors = np.array([id(theta.flat) for theta in thetas], np.int64)
        self._views = np.array([id(view) for theta in thetas for view in theta.arrays()], np.int64)
        self._shape, self._dtype = (len(thetas), thetas[0].flat.size), thetas[0].flat.dtype
        # write(thetas) replaces the parameters of each model. It is a kernel, during which no signal is delivered.
        self.write: Callable[[NDArray[Any]], None] = partial(by_address.move, self._vectors, False)

    def are_writable(self) -> bool:
        """Whether a user has made none of them read-only."""
        return bool(by_address.are_writable(self._views))

    def read(self) -> NDArray[Any]:
        """The parameters of each model, (models, parameters)."""
        thetas = np.empty(self._shape, self._dtype)
        by_address.move(self._vectors, True, thetas)
        return thetas


def are_well(thetas: NDArray[Any], costs: NDArray[np.float64], limit: float) -> bool:
    """Whether all parameters are finite, and all costs less than the limit."""
    return bool(by_address.are_well(thetas, costs, limit))


def prepared(
    first: Model,
    number: int,
    rows: int,
    rule: UpdateRule,
    *,
    alpha: float,
    batch_size: int,
    epochs: int,
    reduction: str,
    record_every: int,
    evaluate: Callable[..., Any],
    clip_value: float = math.inf,
    clip_norm: float = math.inf,
) -> Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """run(thetas, X, Y, orders): the updates of the backend's `run_updates` for several models, in place.

    first: one of the models, which differ only in their parameters, and are not changed. number: how many these are.
    rows: of X. evaluate: of the backend. thetas: the parameters of each, (models, parameters). orders: an order of the
    rows for each model, (models, epochs, m), or for all, (1, epochs, m), or None. It returns the costs of the updates,
    (models, updates); and the cost over all samples before each epoch that is a multiple of `record_every`, (models,
    records); no records if it is 0.
    """
    planned, empty, batch = (
        plan(first, rule, (batch_size, clip_value, clip_norm)),
        np.empty,
        (batch_size, reduction == "mean"),
    )
    of_costs, of_records = (
        (number, epochs * -(-rows // batch_size)),
        (number, -(-epochs // record_every) if record_every else 0),
    )
    lanes, is_tiny, whole = at_once(first, batch_size), planned.tiny is not None, 0
    records_tiny = is_tiny and record_every > 0  # costs of all samples have other bits in the lanes
    if lanes > 1 and clip_norm == math.inf and not records_tiny:
        few = number % lanes
        whole = number - few if few * (8 if is_tiny else 2) <= lanes else number  # lanes would be idle
    across, cost = 0 if planned.tiny is None else len(planned.tiny[0]), functions.COSTS.index(first.cost_function)
    described, of_call = (rule.state_arrays, layout(first), cost), (float(alpha), (*planned.constants, 0), record_every)

    def run(thetas: NDArray[Any], X: Any, Y: Any, orders: NDArray[np.int64] | None) -> Any:
        costs, recorded = empty(of_costs), empty(of_records)
        orders = _NO_ORDERS if orders is None else orders
        if whole:
            of_lanes = orders[: whole if len(orders) > 1 else 1], batch, *of_call, costs[:whole], recorded[:whole]
            many_networks.run_updates(across, thetas[:whole], *described, X, Y, *of_lanes)
        if whole < number:
            orders = orders[whole:] if len(orders) > 1 else orders
            rest(thetas[whole:], X, Y, orders, costs[whole:], recorded[whole:])
        return costs, recorded

    def rest(thetas: NDArray[Any], X: Any, Y: Any, orders: NDArray[np.int64], costs: Any, recorded: Any) -> None:
        """Those that are trained one after the other."""
        updates, each = costs.shape[1] // epochs, record_every or epochs
        scratch = first.holding(first.theta.everything) if record_every else first
        states = np.zeros((len(thetas) * rule.state_arrays, thetas.shape[1]), X.dtype)
        for begin in range(0, epochs, each):
            end = min(epochs, begin + each)
            if record_every:
                for theta, records in zip(thetas, recorded, strict=True):
                    scratch.theta.flat[:] = theta
                    records[begin // each] = evaluate(scratch, X, Y, reduction)[0]
            alphas, of_rule = np.full(end - begin, float(alpha)), (*planned.constants, begin * updates)
            order = np.ascontiguousarray(orders[:, begin:end]).reshape(-1, len(X)) if orders.size else NO_ORDER
            found = np.empty((len(thetas), len(alphas) * updates))
            given = order, batch, alphas, of_rule, states, found.reshape(-1)
            if planned.tiny is not None:
                *width, _, kinds, objective = planned.tiny
                tiny_network.run_updates(*width, thetas, kinds, objective, X, Y, *given)
            else:
                _run_each(first, planned.parts, thetas, (X, Y, order), *given[1:])
            costs[:, begin * updates : end * updates] = found

    return run


def _run_each(model: Model, parts: int, thetas: NDArray[Any], data: tuple[Any, ...], *given: Any) -> None:
    """Updates of similar networks that are not tiny, one after the other."""
    memory = workspace.borrowed(model, parts)
    kinds, bias, objective = described(model)
    data, of_call = (*data, NO_MASKS[thetas.itemsize]), (memory.G, memory.values, new_queue(parts))
    more = NO_DROP_CONNECT[thetas.itemsize], NO_NUMBERS, NO_SAMPLER
    many_networks.run_each(thetas, memory.P, kinds, bias, objective, data, *given, of_call, more)
    workspace.give_back(model, memory)
