"""The memory in which the compiled kernels of `samenet.fast.numba` work."""

import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.backends.dropout import DropConnect
from samenet.fast.kernels import packing
from samenet.fast.pages import keep_pages
from samenet.model import Model
from samenet.model.parameters import Parameters, aligned

_LARGE, _SPARE = 2**17, 2**22  # bytes
Kept = dict[tuple[Any, ...], Any]
_spare: Kept = {}  # memory kept from one call for the next


def packed_workspace(model: Model) -> NDArray[Any]:
    """Memory for P, or theta itself; see `samenet.fast.kernels.packing`."""
    if is_packed(model):
        return _rows(model, 1).ravel()
    keep_pages()  # for the activations of wide layers and their packed panels
    return model.theta.flat


def is_packed(model: Model) -> bool:
    """Whether P is not theta itself."""
    return _packed_length(model) > 0


def _rows(model: Model, times: int) -> NDArray[Any]:
    """This many rows of the length of P, uninitialised."""
    flat = model.theta.flat
    memory = aligned(times * (_packed_length(model) or flat.size), flat.dtype)
    if memory.nbytes > _LARGE:
        keep_pages()
    return memory.reshape(times, -1)


def _packed_length(model: Model) -> int:
    theta = model.theta
    return _total_length(theta.sizes, theta.bias, theta.flat.itemsize)


@functools.lru_cache(256)
def _total_length(sizes: tuple[int, ...], bias: bool, itemsize: int) -> int:
    length: int = packing.total_length(sizes, bias, itemsize)  # type: ignore[no-untyped-call]
    return length


def scratch(length: int, dtype: Any) -> NDArray[Any]:
    """Memory for so many numbers."""
    if length * dtype.itemsize > _LARGE:
        keep_pages()
    return np.empty(length, dtype)


def gradient_vector(model: Model) -> Parameters:
    """Memory for a gradient in the order of theta."""
    if model.theta.flat.nbytes > _LARGE:
        keep_pages()
    return model.theta.empty_like()


class Memory(NamedTuple):
    """The memory for a model's updates or gradient; one row, or one number, for each part of a batch."""

    G: NDArray[Any]  # the gradients of the parts
    P: NDArray[Any]  # the packed parameters, or theta
    values: NDArray[np.float64]  # the costs of the parts
    packed: NDArray[Any] | None  # G and P; None if P is theta


def workspace(model: Model, parts: int) -> Memory:
    """New memory for this many parts."""
    values = np.empty(parts)
    if not is_packed(model):
        return Memory(_rows(model, parts), model.theta.flat, values, None)
    memory = _rows(model, parts + 1)
    return Memory(memory[1:], memory[0], values, memory)


def borrowed(model: Model, parts: int, kept: Kept | None = None) -> Memory:
    """A `workspace`, possibly one returned by an earlier call; it belongs to the caller until `give_back`.

    Allocating one takes as long as an update of a tiny network. Another thread meanwhile finds none and allocates its
    own. kept: holds large workspaces for the duration of a training run.
    """
    found: Memory | None = model.prepared.pop((borrowed, parts), None)
    if found is not None:
        return found
    theta = model.theta
    found = (kept or _spare).pop((parts, theta.sizes, theta.bias, theta.flat.dtype), None)
    if found is not None and found.packed is None:
        found = found._replace(P=theta.flat)  # of this model: the earlier call may have trained a copy
    return found or workspace(model, parts)


def give_back(model: Model, memory: Memory, kept: Kept | None = None) -> None:
    """Keep memory for the next call: small workspaces with the model, and the last larger one for any model."""
    parts, theta, packed = len(memory.values), model.theta, memory.packed
    if packed is not None and packed.nbytes <= _LARGE:
        model.prepared[borrowed, parts] = memory
    elif packed is not None and packed.nbytes <= _SPARE:
        _spare.clear()
        _spare[parts, theta.sizes, theta.bias, theta.flat.dtype] = memory
    elif kept is not None:
        kept[parts, theta.sizes, theta.bias, theta.flat.dtype] = memory


def masking(model: Model, drop_connect: DropConnect) -> tuple[Any, ...]:
    """The fields of a `MaskedWeights`, see `samenet.fast.kernels.dropout`."""
    thresholds, factors, key, first = drop_connect
    memory = model.prepared.pop(masking, None)
    if memory is None:
        P, masks = _rows(model, 2)
        theta = np.empty_like(model.theta.flat) if is_packed(model) else P
        memory = sum(W.size for W in model.weights), theta, P, masks
    memory[2].fill(0)
    memory[3].fill(1)
    # 2^63 steps of an odd size are one of 2^63, modulo 2^64.
    return thresholds, factors, key - 2**63, first, *memory


def give_masks_back(model: Model, masked: tuple[Any, ...]) -> None:
    """Keep the memory of a `MaskedWeights` for the next call, if it is small."""
    if masked[-1].nbytes <= _LARGE:
        model.prepared[masking] = masked[4:]
