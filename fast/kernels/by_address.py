"""Python's objects read by their addresses: which of them a list has, and the parameters of many networks."""

import ctypes

import numpy as np

from samenet.fast.kernels.codegen.compiling import kernel
from samenet.fast.kernels.codegen.memory import array_at
from samenet.fast.kernels.codegen.microkernels import flat
from samenet.fast.kernels.inference import ArrayObject
from samenet.fast.kernels.packing import copy
from samenet.fast.kernels.sparse_input import all_finite

_DATA, _FLAGS, _WRITABLE = ArrayObject.data.offset, ArrayObject.flags.offset, 0x400
_POINTER = ctypes.sizeof(ctypes.c_void_p)
_TYPE = object.__basicsize__ - _POINTER  # where an object has its type
_LENGTH = list.__basicsize__ - 3 * _POINTER  # where a list has its length, and then the address of its items


@kernel(light=True, holds_gil=True)
def are_in(address, objects, kinds):
    """Whether the list at this address has these objects and no others, in this order, of these types."""
    head = array_at(address + _LENGTH, 2, np.int64)
    length = head[0]
    if length != objects.size:
        return False
    found = array_at(head[1], length, np.int64)
    for i in range(length):
        if found[i] != objects[i] or array_at(found[i] + _TYPE, 1, np.int64)[0] != kinds[i]:
            return False
    return True


@kernel(light=True)
def are_writable(objects):
    """Whether all of these arrays may be written to."""
    found = _WRITABLE
    for i in range(objects.size):
        found &= array_at(objects[i] + _FLAGS, 1, np.int32)[0]
    return found == _WRITABLE


@kernel(light=True)
def look_up(objects):
    """Replace these arrays' addresses by those of their numbers."""
    for i in range(objects.size):
        objects[i] = array_at(objects[i] + _DATA, 1, np.int64)[0]


@kernel(light=True)
def move(vectors, is_read, thetas):
    """Copy the vectors at these addresses into the rows of thetas; or, unless `is_read`, the rows into the vectors."""
    for i in range(vectors.size):
        vector = array_at(vectors[i], thetas.shape[1], thetas.dtype)
        if is_read:
            copy(vector, thetas[i])
        else:
            copy(thetas[i], vector)


@kernel(light=True)
def are_well(thetas, costs, limit):
    """Whether all numbers of thetas are finite, and all costs less than the limit."""
    for i in range(len(costs)):
        for update in range(costs.shape[1]):
            if not costs[i, update] < limit:
                return False
    return all_finite(flat(thetas))
