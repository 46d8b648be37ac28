"""What the compiled kernels are handed by `samenet.fast.numba`: the model's description, and memory to work in."""

import functools
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import functions
from samenet.fast.kernels import lanes, packing
from samenet.model import Model
from samenet.parameters import aligned

_LARGE = 2**17  # bytes
_BACKEND = "samenet.fast.numba"


def layout(model: Model) -> NDArray[np.int64]:
    """The model's description for kernels, made once: the numbers of nodes; activations by their places in the list.

    The input layer has none; in its place stands whether there are biases. Then flags, if any layer is normalized.
    """
    found: NDArray[np.int64] | None = model.prepared.get(_BACKEND)
    if found is None:
        found = model.prepared[_BACKEND] = _layout(model.sizes, model.bias, model.activations, model.theta.normalized)
    return found


@functools.lru_cache(256)
def _layout(
    sizes: tuple[int, ...], bias: bool, activations: tuple[str, ...], normalized: tuple[bool, ...]
) -> NDArray[np.int64]:
    flags = [(False, *normalized)] if normalized else []
    return np.array([sizes, (bias, *map(functions.ACTIVATIONS.index, activations)), *flags], np.int64)


def packed_workspace(model: Model) -> NDArray[Any]:
    """Memory for P: zeros, or theta itself; see `samenet.fast.kernels.packing`."""
    return _rows(model, 1)[0] if is_packed(model) else model.theta.flat


def is_packed(model: Model) -> bool:
    """Whether P is not theta itself."""
    return _packed_length(model) > 0


def _rows(model: Model, times: int) -> NDArray[Any]:
    """So many rows as long as P: zeros; or, if P is theta, uninitialised, as kernels then write every number."""
    flat, length = model.theta.flat, _packed_length(model)
    memory = aligned(times * (length or flat.size), flat.dtype)
    if length:
        memory[:] = 0
    if memory.nbytes > _LARGE:
        _keep_pages()
    return memory.reshape(times, -1)


def _packed_length(model: Model) -> int:
    theta = model.theta
    return _total_length(theta.sizes, theta.bias, theta.flat.itemsize)


@functools.lru_cache(256)
def _total_length(sizes: tuple[int, ...], bias: bool, itemsize: int) -> int:
    return packing.total_length(sizes, bias, itemsize)


def workspace(model: Model, parts: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Memory for the gradient of each part of a batch, and for P."""
    return _rows(model, parts), packed_workspace(model)


@functools.cache
def _keep_pages() -> None:
    """Have glibc keep the memory of freed workspaces, up to 64 MiB, whose pages take long to fault in again.

    It does once it has freed a block of 32 MiB; before, it returns what is larger than `_LARGE` (mallopt(3)).
    """
    np.empty(32 * 2**20 - 2**16, np.uint8)


@functools.lru_cache(256)
def most_in_lanes(sizes: tuple[int, ...], itemsize: int) -> int:
    """Up to how many rows samples, not nodes, go into the lanes."""
    if packing.is_wide(sizes):  # type: ignore[no-untyped-call]
        return 0  # the bits of a row are not to depend on how many there are
    is_narrow = lanes.is_narrow(sizes, itemsize)  # type: ignore[no-untyped-call]
    return sys.maxsize if is_narrow else lanes.FEW
