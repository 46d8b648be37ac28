"""Updates of tiny networks: by the kernel for them, or with options by the one that has these."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.fast.description import described
from samenet.fast.kernels import tiny_network, tiny_options
from samenet.model import Model

_NO_ORDER = np.empty((0, 0), np.int64)


def run_updates(
    registers: tuple[Any, ...],
    model: Model,
    X: NDArray[Any],
    Y: NDArray[Any],
    order: NDArray[Any] | None,
    batch: tuple[int, bool],
    alphas: NDArray[np.float64],
    constants: tuple[float, ...],
    state: NDArray[Any],
    costs: NDArray[np.float64],
    options: tuple[Any, ...],
) -> None:
    """Updates in place, and their costs; the arguments are those of the kernels.

    order: of the rows, or None; with a sampler, the numbers that draw them. options: dropout, DropConnect, weights of
    samples and sampler, or None for each.
    """
    kinds, _, objective = described(model)
    rows = _NO_ORDER if order is None or options[-1] is not None else order
    given = model.theta.flat, kinds, objective, X, Y, rows, batch, alphas, constants, state, costs
    if all(option is None for option in options):
        tiny_network.run_updates(*registers, *given)
    else:
        chosen = tiny_options.chosen(X.itemsize, *options, order)
        tiny_network.run_updates_with(chosen, *tiny_network.widest(X.itemsize), *given)
