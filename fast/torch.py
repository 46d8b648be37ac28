"""The network in PyTorch, on the CPU or on an accelerator: the same functions as `samenet.reference`, the same answers.

`Network(sizes, device="cuda")` computes there; parameters stay in NumPy's memory, and travel with each call. PyTorch
chooses the number of its threads (`torch.set_num_threads`), so `threads=` has no effect.
"""

import sys
from typing import Any

import array_api_compat.torch as xp
import numpy as np
import torch
from numpy.typing import NDArray

from samenet.fast import array_backend
from samenet.fast.array_backend import ArrayBackend, Put, Run
from samenet.fast.array_updates import Counters, Masks, update

NORMALIZES = QUIET = True  # see `samenet.backends.generic`
SECONDS = 1e-3, 1e-8


def _put(array: NDArray[Any], device: str) -> torch.Tensor:
    tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
    return tensor if device == "cpu" else tensor.to(device)


def _get(tensor: torch.Tensor) -> NDArray[Any]:
    return tensor.cpu().numpy()


def _updates(
    run: Run,
    put: Put,
    order: NDArray[np.int64] | None,
    factors: NDArray[Any],
    everything: torch.Tensor,
    values: list[torch.Tensor],
    X: torch.Tensor,
    Y: torch.Tensor,
    masks: Masks,
    counters: Counters,
) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]:
    """One update after another."""
    rows, costs, d = None if order is None else put(order), list[torch.Tensor](), run.d
    for epoch, pairs in enumerate(factors.tolist()):
        for i, pair in enumerate(pairs):
            start = i * run.batch_size
            part: Any = slice(start, start + run.batch_size)
            part = part if rows is None else rows[epoch, part]
            now = counters.after(d, epoch * run.m + start, len(costs))
            given = everything, values, X[part], Y[part], pair, masks, now
            everything, values, cost = update(xp, d, run.rule, run.clipping, *given)
            costs.append(cost)
    return everything, values, torch.stack(costs)


_backend = ArrayBackend(xp, _put, _get, _updates)
feed_forward, predict, evaluate = _backend.feed_forward, _backend.predict, _backend.evaluate
gradient, run_updates = _backend.gradient, _backend.run_updates


def check_device(device: str) -> None:
    """Raise ValueError for a device that PyTorch does not have here."""
    try:
        torch.empty(0, device=device)
    except Exception as error:
        raise ValueError(f"device: expected one that PyTorch has here, got {device!r}: {error}") from None


class Network(array_backend.OnDevice):
    """The network on PyTorch; documented in `samenet.network.Network`."""

    backend = sys.modules[__name__]
