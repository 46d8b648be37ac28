"""The network in PyTorch, on the CPU or on an accelerator: the same functions as `samenet.reference`, the same answers.

`Network(sizes, device="cuda")` computes on the GPU; parameters stay in NumPy's memory and are copied in each call.
PyTorch chooses the number of its threads (`torch.set_num_threads`), so `threads=` has no effect.
"""

import sys
from typing import Any

import array_api_compat.torch as xp
import torch
from numpy.typing import NDArray

from samenet.fast import array_backend
from samenet.fast.array_backend import ArrayBackend, one_by_one

LIBRARY = "PyTorch"
NORMALIZES = WEIGHS = True  # see `samenet.backends.generic`
SECONDS = 1e-3, 1e-8


def _put(array: NDArray[Any], device: str) -> torch.Tensor:
    # NumPy considers one row of a reversed array contiguous; PyTorch does not accept its negative stride.
    is_taken = array.flags.writeable and min(array.strides, default=0) >= 0
    tensor = torch.from_numpy(array if is_taken else array.copy())
    return tensor if device == "cpu" else tensor.to(device)


def _get(tensor: torch.Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.cpu().numpy()
    return array


_backend = ArrayBackend(xp, _put, _get, one_by_one(xp, _get))
feed_forward, predict, evaluate = _backend.feed_forward, _backend.predict, _backend.evaluate
gradient, run_updates = _backend.gradient, _backend.run_updates


def try_device(device: str) -> None:
    """Raise an exception if the device is not available to PyTorch or has no float64."""
    torch.ones(1, dtype=torch.float64, device=device).cpu()


class Network(array_backend.OnDevice):
    """The network on PyTorch; documented in `samenet.network.Network`."""

    backend = sys.modules[__name__]
