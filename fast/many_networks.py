"""Training many similar networks together in compiled kernels; see `samenet.training.alike`."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.fast.description import constants, layout
from samenet.fast.kernels import many_networks, narrow, tiny_network
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.model import Model, functions
from samenet.optimizers import UpdateRule

_NO_ORDERS = np.empty((0, 0, 0), np.int64)


def at_once(model: Model, batch_size: int) -> int:
    """How many such networks to train together; 0 if one by one is faster or would give different bits."""
    if model.theta.normalized or model.l1 or model.l2 or tiny_network.fits(model, batch_size):
        return 0
    if narrow.starts_narrow(model.sizes, REGISTER // model.dtype.itemsize):  # type: ignore[no-untyped-call]
        return 0  # its sums have a different order
    codes = tuple(map(functions.ACTIVATIONS.index, model.activations))
    return many_networks.lanes_of(model.dtype) if many_networks.fits(model.sizes, codes, batch_size) else 0


def run_updates(
    models: Sequence[Model],
    X: NDArray[Any],
    Y: NDArray[Any],
    rule: UpdateRule,
    *,
    alpha: float,
    batch_size: int,
    orders: Sequence[NDArray[np.int64]] | None,
    epochs: int,
    reduction: str,
    record_every: int,
    clip_value: float = math.inf,
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64]]:
    """The updates of the backend's `run_updates` for models that differ only in their parameters.

    orders: an order of the rows for each model, (epochs, m), or None. Returns the parameters after all updates,
    (models, parameters); the costs of the updates, (models, updates); and the cost over all samples before each epoch
    that is a multiple of `record_every`, (models, records); no records if it is 0. The models are not changed.
    """
    first = models[0]
    thetas = np.array([model.theta.flat for model in models])
    costs = np.empty((len(models), epochs * -(-len(X) // batch_size)))
    recorded = np.empty((len(models), -(-epochs // record_every) if record_every else 0))
    state = rule.state(first.theta)
    of_rule = (*constants(rule), float(clip_value), math.inf, 0)
    many_networks.run_updates(
        *(thetas, len(state.values), layout(first), functions.COSTS.index(first.cost_function), X, Y),
        *(_NO_ORDERS if orders is None else np.array(orders), (batch_size, reduction == "mean"), float(alpha)),
        *(of_rule, record_every, costs, recorded),
    )
    return thetas, costs, recorded
