"""Training many similar networks in one call of compiled kernels; see `samenet.training.alike`.

In the lanes of registers where that gives the same bits, otherwise one after the other.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends.dropout import DropConnect
from samenet.fast import workspace
from samenet.fast.description import (
    NO_DROP_CONNECT,
    NO_KEYS,
    NO_MASKS,
    NO_NUMBERS,
    NO_ORDER,
    NO_SAMPLER,
    code_of,
    described,
    layout,
    objective,
    plan,
)
from samenet.fast.kernels import by_address, many_networks, tiny_network, training
from samenet.fast.kernels.activations import NARROW
from samenet.fast.kernels.forward import UNPACKED_ROWS
from samenet.fast.kernels.gemm import WIDE
from samenet.fast.kernels.narrow import starts_narrow
from samenet.fast.kernels.parallel import new_queue
from samenet.fast.kernels.sparse_input import LEAST
from samenet.fast.sample_weight import factors
from samenet.model import Model
from samenet.optimizers import UpdateRule

_NO_ORDERS = np.empty((0, 0, 0), np.int64)
_IN_CACHE = 1 << 14  # parameters of a network, so that those of a group stay in the L2 cache
_KEPT = 1 << 19  # bytes of new parameters up to which their memory is kept for the next call


def _lanes(model: Model, batch_size: int, may_be_tiny: bool = True) -> int:
    """How many such networks to train in the lanes of registers; 0 if that would give other bits: if sums have another
    order there than when they are trained one by one.

    The costs of all samples are not those of `tiny_network`, nor are updates with DropConnect.
    """
    sizes, activations, lanes = model.sizes, model.activations, many_networks.lanes_of(model.dtype)
    is_tiny = may_be_tiny and tiny_network.fits(model, batch_size)
    if may_be_tiny and is_tiny != tiny_network.fits(model, batch_size, has_state=True):
        return 0  # the order of its sums depends on the rule
    size = sum((n + 1) * k for n, k in itertools.pairwise(sizes))
    is_narrow: bool = starts_narrow(sizes, lanes)  # type: ignore[no-untyped-call]
    most = WIDE if is_narrow else min(WIDE, LEAST)
    is_small = is_tiny or (max(sizes) < most and training.parts_of(batch_size, size) == 1)
    softmaxes = [k for k, name in zip(sizes[1:], activations, strict=True) if name == "softmax"]
    are_few = max(softmaxes, default=0) * model.dtype.itemsize <= NARROW
    return lanes if is_small and size <= _IN_CACHE and are_few else 0


# As measured: a register of a layer after the input takes as long as so many more inputs, the softmax of a row as so
# many; work in lanes takes these shares of the time for one network, tiny or not, twice as much for so many rows.
_MORE, _SOFTMAX, _SHARES, _ROWS = 16, 30, {True: 0.6, False: 0.7}, 300


def _fill(model: Model, few: int, lanes: int, batch_size: int, is_tiny: bool) -> bool:
    """Whether so few networks are trained faster in lanes, of which the others are idle, than one after the other."""
    layers, softmaxes = [*itertools.pairwise(model.sizes)], model.activations.count("softmax")
    of_one = sum((n + _MORE) * -(-k // lanes) for n, k in layers) + _SOFTMAX * softmaxes
    of_lanes = sum((n + _MORE) * k for n, k in layers) * (1 + batch_size / _ROWS)
    return few * of_one >= _SHARES[is_tiny] * of_lanes


def _are_used(weights: NDArray[np.float64], dtype: Any) -> bool:
    """Whether all weights of samples, if any, are above 0, divided by their sum or not: other rows are left out."""
    return weights.size == 0 or bool(dtype.type(weights.min() / max(1.0, weights.sum())) > 0.0)


def at_once(model: Model, batch_size: int, masks_weights: bool = False) -> int:
    """How many such networks to train together, with DropConnect or not; 0 if none can be trained in one call."""
    if model.theta.normalized or (masks_weights and not workspace.is_packed(model)):
        return 0
    found: int | None = model.prepared.get((at_once, batch_size, masks_weights))
    if found is None:
        is_possible = tiny_network.fits(model, batch_size) or workspace.is_packed(model)
        found = _lanes(model, batch_size, not masks_weights) or int(is_possible)
        model.prepared[at_once, batch_size, masks_weights] = found
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
        thetas = [model.theta for model in models]
        self._kept = [theta.flat for theta in thetas], [view for theta in thetas for view in theta.arrays()]
        self.vectors, self._views = (np.array([*map(id, arrays)], np.int64) for arrays in self._kept)
        by_address.look_up(self.vectors)
        # write(thetas) replaces the parameters of each model. It is a kernel, during which no signal is delivered.
        self.write: Callable[[NDArray[Any]], None] = partial(by_address.move, self.vectors, False)

    def are_writable(self) -> bool:
        """Whether a user has made none of them read-only."""
        return bool(by_address.are_writable(self._views))


def prepared(
    first: Model,
    number: int,
    rows: int,
    rule: UpdateRule,
    limit: float,
    *,
    alphas: NDArray[np.float64],
    batch_size: int,
    reduction: str,
    record_every: int,
    returns_costs: bool,
    evaluate: Callable[..., Any],
    clip_value: float = math.inf,
    clip_norm: float = math.inf,
    weights: NDArray[np.float64] = NO_NUMBERS,
    drop_connect: tuple[float, ...] = (),
) -> Callable[..., tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64], bool]]:
    """run(where, X, Y, orders, dropout): the updates of the backend's `run_updates` for several models, unchanged.

    first: one of the models, which differ only in their parameters. number: how many these are. rows: of X.
    returns_costs: whether the costs of updates, too, need the same bits. evaluate: of the backend, with the samples'
    weights if there are any. alphas: of each epoch. drop_connect: the probability for
    each layer, or empty. where: the models' `Where`. orders: if rows are shuffled, an order for each model, (models,
    epochs, m), or for all, (1, epochs, m). dropout: if nodes are dropped, thresholds, factors and keys as in
    `samenet.backends.dropout`, a key for each model or for all, which are those of `drop_connect`, too; without
    thresholds if only weights are masked. It returns the new parameters, (models, parameters), to be used before the
    next call; the costs of the updates, (models, updates); the cost over all samples
    before each epoch that is a multiple of `record_every`, (models, records), no records if it is 0; and whether all
    parameters are finite, and the costs of all updates less than the limit.
    """
    planned, flat, empty = plan(first, rule, (batch_size, clip_value, clip_norm)), first.theta.flat, np.empty
    epochs, batch, whole = len(alphas), (batch_size, reduction == "mean"), 0
    each, none = record_every or epochs, (*NO_MASKS[first.dtype.itemsize][:2], NO_KEYS)
    updates, records = epochs * -(-rows // batch_size), -(-epochs // each) if record_every else 0
    shapes = (number, flat.size), (number, updates), (number, records)
    lanes, tiny = at_once(first, batch_size, bool(drop_connect)), None if drop_connect else planned.tiny
    # The penalties of few rows are those of the pass over unpacked weights, in an order of its own.
    is_unpacked = tiny is None and batch_size <= UNPACKED_ROWS and clip_norm == math.inf and (first.l1 or first.l2)
    is_unpacked = returns_costs and is_unpacked and not drop_connect
    gives_costs = _lanes(first, batch_size, False) if record_every else not is_unpacked
    if lanes > 1 and _are_used(weights, flat.dtype) and gives_costs:
        few = number % lanes
        whole = number if _fill(first, few, lanes, batch_size, tiny is not None) else number - few
    kept = empty(shapes[0], flat.dtype) if number * flat.nbytes <= _KEPT else None
    described = rule.state_arrays, layout(first), objective(first)
    of_records = factors(weights, reduction, flat.dtype)[:, 0].astype(float) if weights.size else weights
    others = weights, of_records, *DropConnect.of(np.array(drop_connect), flat.dtype, 0)[:2]
    # The lanes of one network's registers: with masks or weights, the widest.
    across = (0, 0) if tiny is None else (len(tiny[0]), len(tiny_network.widest(flat.itemsize)[0]))
    of_rule = alphas, (*planned.constants, 0), record_every, limit

    def run(
        where: Where, X: Any, Y: Any, orders: NDArray[np.int64] = _NO_ORDERS, dropout: tuple[Any, ...] = none
    ) -> Any:
        thetas = empty(shapes[0], flat.dtype) if kept is None else kept
        costs, recorded, is_well = empty(shapes[1]), empty(shapes[2]), True
        if whole:
            more = (X, Y, orders[: whole if len(orders) > 1 else 1], dropout), others, batch, *of_rule
            of_whole, of_costs = (where.vectors[:whole], thetas[:whole]), (costs[:whole], recorded[:whole])
            with_options = bool(weights.size or dropout[0].size)
            given = across[with_options], *of_whole, *described, *more, *of_costs
            is_well = code_of(many_networks.run_updates, flat.dtype, given)(*given)
        if whole < number:
            rest, orders = thetas[whole:], orders[whole:] if len(orders) > 1 else orders
            by_address.move(where.vectors[whole:], True, rest)
            keys = dropout[2][whole:] if len(dropout[2]) > 1 else dropout[2]
            in_turn(rest, X, Y, orders, (*dropout[:2], keys), costs[whole:], recorded[whole:])
            is_well = is_well and by_address.are_well(rest, costs[whole:], limit)
        return thetas, costs, recorded, is_well

    def in_turn(thetas: NDArray[Any], X: Any, Y: Any, orders: Any, dropout: Any, costs: Any, recorded: Any) -> None:
        """Updates of those that are trained one after the other, in place."""
        of_epoch, keys = updates // epochs, np.resize(dropout[2], len(thetas) if dropout[2].size else 0)
        scratch = first.holding(first.theta.everything) if record_every else first
        states = np.zeros((len(thetas), rule.state_arrays, flat.size), X.dtype)
        for begin in range(0, epochs, each):
            end = min(epochs, begin + each)
            if record_every:
                for theta, records in zip(thetas, recorded, strict=True):
                    scratch.theta.flat[:] = theta
                    records[begin // each] = evaluate(scratch, X, Y, reduction)[0]
            done = begin * of_epoch
            connect = DropConnect.of(np.array(drop_connect), flat.dtype, 0).after(done) if drop_connect else None
            order = np.ascontiguousarray(orders[:, begin:end]).reshape(-1, rows) if orders.size else NO_ORDER
            found = np.empty((len(thetas), (end - begin) * of_epoch))
            data = X, Y, order, (*dropout[:2], 0, begin * rows)
            given = batch, alphas[begin:end], (*planned.constants, done), states.reshape(-1, flat.size)
            _run_each(first, planned, (keys, connect, weights), thetas, data, *given, found.reshape(-1))
            costs[:, done : end * of_epoch] = found

    return run


def _run_each(
    model: Model, planned: Any, others: tuple[Any, ...], thetas: NDArray[Any], data: tuple[Any, ...], *given: Any
) -> None:
    """Updates of similar networks, one after the other; others: the keys of masks, DropConnect, and weights."""
    (kinds, bias, objective), (*samples, masks), size = described(model), data, thetas.itemsize
    keys, drop_connect, weights = others
    if planned.tiny is not None and drop_connect is None:
        of_tiny = thetas, kinds, objective, *samples, *given
        if keys.size or weights.size:
            tiny_network.run_updates_with(masks, keys, weights, *tiny_network.widest(size), *of_tiny)
        else:
            tiny_network.run_updates(*planned.tiny[:2], *of_tiny)
        return
    memory = workspace.borrowed(model, planned.parts)
    connect = NO_DROP_CONNECT[size] if drop_connect is None else workspace.masking(model, drop_connect)
    of_call = (memory.G, memory.values, new_queue(planned.parts)), keys, (connect, weights, NO_SAMPLER)
    many_networks.run_each(thetas, memory.P, kinds, bias, objective, data, *given, *of_call)
    workspace.give_back(model, memory)
    if drop_connect is not None:
        workspace.give_masks_back(model, connect)
