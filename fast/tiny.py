"""Updates of tiny networks: with their kernel, or, if options are used, with the kernel that supports them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends.adaptive import Sampler
from samenet.backends.dropout import DropConnect, Dropout
from samenet.fast.description import NO_ORDER
from samenet.fast.kernels import tiny_network, tiny_options


def run_updates(
    planned: tuple[Any, ...],
    X: NDArray[Any],
    Y: NDArray[Any],
    order: NDArray[Any],
    batch: tuple[int, bool],
    alphas: NDArray[np.float64],
    constants: tuple[float, ...],
    state: NDArray[Any],
    costs: NDArray[np.float64],
    dropout: Dropout | None,
    drop_connect: DropConnect | None,
    sample_weight: NDArray[Any] | None,
    sampler: Sampler | None,
) -> bool:
    """Make the updates in place and write their costs; returns whether all parameters are finite afterwards.

    The arguments are those of the kernels. planned: the first of them, registers and the model. order: of the rows;
    with a sampler, the random numbers that draw them.
    """
    if dropout is None and drop_connect is None and sample_weight is None and sampler is None:
        return bool(tiny_network.run_updates(*planned, X, Y, order, batch, alphas, constants, state, costs))
    chosen = tiny_options.chosen(X.itemsize, dropout, drop_connect, sample_weight, sampler, order)
    rows, (_, _, *model) = order if sampler is None else NO_ORDER, planned
    given = *model, X, Y, rows, batch, alphas, constants, state, costs
    return bool(tiny_network.run_updates_with(chosen, *tiny_network.widest(X.itemsize), *given))
