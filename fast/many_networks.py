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
from samenet.fast.kernels import many_networks, tiny_network
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


class Where:
    """Where the parameters of some models are, while these have no more views of them."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._thetas = thetas = [model.theta for model in models]
        self._vectors = np.array([id(theta.flat) for theta in thetas], np.int64)
        self._views = np.array([id(view) for theta in thetas for view in theta.arrays()], np.int64)
        # write(thetas) replaces the parameters of each model. It is a kernel, during which no signal is delivered.
        self.write: Callable[[NDArray[Any]], None] = partial(many_networks.move, self._vectors, False)

    def are_writable(self) -> bool:
        """Whether a user has made none of them read-only."""
        return bool(many_networks.are_writable(self._views))

    def read(self) -> NDArray[Any]:
        """The parameters of each model, (models, parameters)."""
        first = self._thetas[0].flat
        thetas = np.empty((len(self._thetas), first.size), first.dtype)
        many_networks.move(self._vectors, True, thetas)
        return thetas


def run_updates(
    thetas: NDArray[Any],
    first: Model,
    X: NDArray[Any],
    Y: NDArray[Any],
    rule: UpdateRule,
    *,
    alpha: float,
    batch_size: int,
    orders: NDArray[np.int64] | None,
    epochs: int,
    reduction: str,
    record_every: int,
    evaluate: Callable[..., Any],
    clip_value: float = math.inf,
    clip_norm: float = math.inf,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The updates of the backend's `run_updates` for models that differ only in their parameters, in place.

    thetas: the parameters of each, (models, parameters). first: one of the models, which are not changed. orders: an
    order of the rows for each model, (models, epochs, m), or for all, (1, epochs, m), or None. evaluate: of the
    backend. Returns the costs of the updates, (models, updates); and the cost over all samples before each epoch that
    is a multiple of `record_every`, (models, records); no records if it is 0.
    """
    number = len(thetas)
    costs = np.empty((number, epochs * -(-len(X) // batch_size)))
    recorded = np.empty((number, -(-epochs // record_every) if record_every else 0))
    orders = _NO_ORDERS if orders is None else orders
    planned = plan(first, rule, (batch_size, clip_value, clip_norm))
    of_rule, batch, whole = (*planned.constants, 0), (batch_size, reduction == "mean"), 0
    lanes = at_once(first, batch_size)
    records_tiny = planned.tiny is not None and record_every > 0  # costs of all samples have other bits in the lanes
    if lanes > 1 and clip_norm == math.inf and not records_tiny:
        few = number % lanes
        whole = number - few if few * (2 if planned.tiny is None else 8) <= lanes else number  # lanes would be idle
    if whole:
        across, cost = 0 if planned.tiny is None else len(planned.tiny[0]), functions.COSTS.index(first.cost_function)
        many_networks.run_updates(
            *(across, thetas[:whole], rule.state_arrays, layout(first), cost, X, Y),
            *(orders[: whole if len(orders) > 1 else 1], batch, float(alpha), of_rule, record_every, costs[:whole]),
            recorded[:whole],
        )
    if whole == number:
        return costs, recorded
    rest, updates = thetas[whole:], -(-len(X) // batch_size)
    scratch = first.holding(first.theta.everything) if record_every else first
    states = np.zeros((len(rest) * rule.state_arrays, rest.shape[1]), X.dtype)
    orders = orders[whole:] if len(orders) > 1 else orders
    for begin in range(0, epochs, record_every or epochs):
        end = min(epochs, begin + (record_every or epochs))
        if record_every:
            for theta, records in zip(rest, recorded[whole:], strict=True):
                scratch.theta.flat[:] = theta
                records[begin // record_every] = evaluate(scratch, X, Y, reduction)[0]
        alphas, of_rule = np.full(end - begin, float(alpha)), (*planned.constants, begin * updates)
        order = np.ascontiguousarray(orders[:, begin:end]).reshape(-1, len(X)) if orders.size else NO_ORDER
        found = np.empty((len(rest), len(alphas) * updates))
        if planned.tiny is not None:
            *width, _, kinds, objective = planned.tiny
            given = (*width, rest, kinds, objective, X, Y, order, batch, alphas, of_rule, states, found.reshape(-1))
            tiny_network.run_updates(*given)
        else:
            _run_each(first, planned.parts, rest, (X, Y, order), batch, alphas, of_rule, states, found.reshape(-1))
        costs[whole:, begin * updates : end * updates] = found
    return costs, recorded


def _run_each(model: Model, parts: int, thetas: NDArray[Any], data: tuple[Any, ...], *given: Any) -> None:
    """Updates of similar networks that are not tiny, one after the other."""
    memory = workspace.borrowed(model, parts)
    kinds, bias, objective = described(model)
    data, of_call = (*data, NO_MASKS[thetas.itemsize]), (memory.G, memory.values, new_queue(parts))
    more = NO_DROP_CONNECT[thetas.itemsize], NO_NUMBERS, NO_SAMPLER
    many_networks.run_each(thetas, memory.P, kinds, bias, objective, data, *given, of_call, more)
    workspace.give_back(model, memory)
