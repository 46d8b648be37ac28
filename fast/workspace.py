"""What the compiled kernels are handed by `samenet.fast.numba`: the model's description, and memory to work in."""

import functools
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends.dropout import DropConnect
from samenet.fast.kernels import lanes, packing
from samenet.model import Model
from samenet.model.parameters import Parameters, aligned

_LARGE = 2**17  # bytes
Kept = dict[tuple[Any, ...], Any]


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


def unpacked(model: Model) -> Parameters:
    """Memory for a gradient in the order of theta."""
    if model.theta.flat.nbytes > _LARGE:
        _keep_pages()
    return model.theta.empty_like()


def workspace(model: Model, parts: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Memory for the gradient of each part of a batch, and for P."""
    if not is_packed(model):
        return _rows(model, parts), model.theta.flat
    memory = _rows(model, parts + 1)
    return memory[1:], memory[0]


def borrowed(model: Model, parts: int, kept: Kept | None = None) -> tuple[NDArray[Any], NDArray[Any]]:
    """`workspace`, or what an earlier call has given back: the caller's own until it gives that back.

    Making it takes as long as an update of a tiny network. Another thread meanwhile finds none, and makes its own.
    kept: where what is large may be, for as long as a training.
    """
    found: tuple[NDArray[Any], NDArray[Any]] | None = model.prepared.pop((borrowed, parts), None)
    if found is not None:
        G, P = found
        if P is not model.theta.flat:
            G.fill(0)
            P.fill(0)
        return found
    theta = model.theta
    found = kept.pop((borrowed, parts, theta.sizes, theta.bias), None) if kept else None
    if found is None:
        return workspace(model, parts)
    G, P = found
    return G, P if is_packed(model) else theta.flat  # of this model: the training may have been of its copy


def give_back(model: Model, parts: int, G: NDArray[Any], P: NDArray[Any], kept: Kept | None = None) -> None:
    """Keep memory for the next call: with the model, if there is little of it."""
    if G.nbytes + P.nbytes <= _LARGE:
        model.prepared[borrowed, parts] = G, P
    elif kept is not None:
        kept[borrowed, parts, model.theta.sizes, model.theta.bias] = G, P


def masking(model: Model, drop_connect: DropConnect) -> tuple[Any, ...]:
    """DropConnect, and memory for masked parameters and masks, as `samenet.fast.kernels.dropout` says."""
    thresholds, factors, key, first = drop_connect
    P, masks = _rows(model, 2)
    masks[:] = 1
    theta = np.empty_like(model.theta.flat) if is_packed(model) else P
    # 2^63 steps of an odd size are one of 2^63, modulo 2^64.
    return thresholds, factors, key - 2**63, first, sum(W.size for W in model.weights), theta, P, masks


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
