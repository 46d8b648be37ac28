"""Matrix products of kernels, for blocks of samples. Read it from the end."""

import numpy as np
from numba import int64, types

from samenet.fast.kernels import machine
from samenet.fast.kernels.compiling import external, kernel
from samenet.fast.kernels.instructions import REGISTER
from samenet.fast.kernels.machine import panel, transpose

WIDE = 200  # columns from which it pays to copy the operands, so that neighbours in a sum are neighbours in memory
_TERMS = 256  # terms of a sum that are copied together: the panel of B then stays in the second cache


def matrix(dtype):
    """The type of a matrix of any order."""
    return types.Array(dtype, 2, "A")


@external(lambda f: (*(matrix(f),) * 4, int64, int64, int64))
def _panel(A, B, S, C, i, registers, lanes):
    """C := S + A B for some columns; see `machine.panel`."""
    panel(A, B, S, C, i, registers, lanes)


@kernel()
def _copy_panel(B, room):
    """room := B, whose rows or columns are contiguous."""
    t, width = B.shape
    if B.strides[1] != B.itemsize:
        transpose(B.T, room)
        return
    for r in range(t):
        source, copy = B[r], room[r]
        for j in range(width):
            copy[j] = source[j]


@kernel()
def _columns(A, B, S, C, room):
    """C := S + A B by panels of three registers of columns; if there is room, each of B is copied first."""
    t, k = B.shape
    lanes = REGISTER // C.itemsize
    i = 0
    while i < k:
        left = -(-(k - i) // lanes)
        count = min(left, machine.COLUMNS) if left != machine.COLUMNS + 1 else 2  # of four, two and two
        width = min(count * lanes, k - i)
        last = width - (count - 1) * lanes
        if len(room):
            _copy_panel(B[:, i : i + width], room)
            _panel(A, room[:t], S[:, i:], C[:, i:], 0, count, last)
        else:
            _panel(A, B, S, C, i, count, last)
        i += width


@external(lambda f: (matrix(f),) * 4)
def product(A, B, S, C):
    """C := S + A B.

    A (m, t) with any strides; B (t, k) with contiguous rows, or columns; C (m, k) with contiguous rows; S like C, or
    one row (1, k) for all. 2 m t k flops. Sums are made in the order of t, wherever they are cut: the bits do not
    depend on it.
    """
    (m, k), t = C.shape, len(B)
    if k < WIDE and B.strides[1] == B.itemsize:
        _columns(A, B, S, C, B[:0])
        return
    terms = min(_TERMS, t)
    rows = np.empty((m, terms), C.dtype)[::1, ::1]
    room = np.empty((terms, machine.COLUMNS * REGISTER // C.itemsize), C.dtype)[::1, ::1]
    for start in range(0, t, terms):
        count = min(terms, t - start)
        for r in range(m):
            source, copy = A[r, start : start + count], rows[r, :count]
            for j in range(count):
                copy[j] = source[j]
        _columns(rows[:, :count], B[start : start + count], C if start else S, C, room)
