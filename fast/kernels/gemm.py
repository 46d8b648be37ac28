"""Matrix products of kernels, for blocks of samples. Read it from the end."""

import numpy as np
from numba import int32, int64, types

from samenet.fast.kernels.codegen import microkernels
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.microkernels import multiply_panel, multiply_panel_indexed, transpose
from samenet.fast.kernels.codegen.vector import REGISTER

WIDE = 200  # columns from which it pays to copy the operands, so that neighbours in a sum are neighbours in memory
_TERMS = 256  # terms of a sum that are copied together: the panel of B then stays in the second cache


def matrix(dtype):
    """The type of a matrix of any order."""
    return types.Array(dtype, 2, "A")


@external(lambda f: (*(matrix(f),) * 4, int64, int64, int64))
def _multiply_panel(A, B, S, C, i, registers, lanes):
    """C := S + A B for some columns; see `microkernels.multiply_panel`."""
    multiply_panel(A, B, S, C, i, registers, lanes)


@external(lambda f: (*(matrix(f),) * 4, int64, int64, int64, int32[::1]))
def _multiply_panel_indexed(A, B, S, C, i, registers, lanes, used):
    """The same, from the terms that `used` lists; see `microkernels.multiply_panel_indexed`."""
    multiply_panel_indexed(A, B, S, C, i, registers, lanes, used)


@external(lambda f: (matrix(f),) * 2)
def transposed(A, B):
    """B := A^T; see `microkernels.transpose`."""
    transpose(A, B)


@kernel()
def _pack_panel(B, workspace):
    """room := B, whose rows or columns are contiguous."""
    t, width = B.shape
    if B.strides[1] != B.itemsize:
        transposed(B.T, workspace)
        return
    for r in range(t):
        source, copy = B[r], workspace[r]
        for j in range(width):
            copy[j] = source[j]


@kernel()
def _columns(A, B, S, C, workspace, used):
    """C := S + A B by panels of a few registers of columns; if there is room, each of B is copied first.

    used: None, or a list of the terms that count.
    """
    t, k = B.shape
    lanes = REGISTER // C.itemsize
    i = 0
    while i < k:
        left = -(-(k - i) // lanes)
        count = -(-left // -(-left // microkernels.NR))  # about as many in each
        width = min(count * lanes, k - i)
        last = width - (count - 1) * lanes
        if used is not None:
            _multiply_panel_indexed(A, B, S, C, i, count, last, used)
        elif len(workspace):
            _pack_panel(B[:, i : i + width], workspace)
            _multiply_panel(A, workspace[:t], S[:, i:], C[:, i:], 0, count, last)
        else:
            _multiply_panel(A, B, S, C, i, count, last)
        i += width


@external(lambda f: (matrix(f),) * 4, makes_arrays=True)
def _product_of_copies(A, B, S, C):
    """C := S + A B, by terms that are copied together."""
    m, t = C.shape[0], len(B)
    terms = min(_TERMS, t)
    rows = np.empty((m, terms), C.dtype)[::1, ::1]
    workspace = np.empty((terms, microkernels.NR * REGISTER // C.itemsize), C.dtype)[::1, ::1]
    for start in range(0, t, terms):
        count = min(terms, t - start)
        for r in range(m):
            source, copy = A[r, start : start + count], rows[r, :count]
            for j in range(count):
                copy[j] = source[j]
        _columns(rows[:, :count], B[start : start + count], C if start else S, C, workspace, None)


@external(lambda f: (matrix(f),) * 4)
def product(A, B, S, C):
    """C := S + A B.

    A (m, t) with any strides; B (t, k) with contiguous rows, or columns; C (m, k) with contiguous rows; S like C, or
    one row (1, k) for all. 2 m t k flops. Sums are made in the order of t, wherever they are cut: the bits do not
    depend on it.
    """
    if C.shape[1] < WIDE and B.strides[1] == B.itemsize:
        _columns(A, B, S, C, B[:0], None)
    else:
        _product_of_copies(A, B, S, C)


@external(lambda f: (*(matrix(f),) * 4, int32[::1]))
def product_indexed(A, B, S, C, used):
    """The same from the terms that `used` lists, as if the others were not there; the rows of B are contiguous."""
    _columns(A, B, S, C, B[:0], used)
