"""Matrix products of kernels, for blocks of samples. Read it from the end."""

from numba import boolean, float64, int32, int64, types
from numba.extending import register_jitable

from samenet.fast.kernels.codegen import microkernels
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.loops import add_rows, vectorized
from samenet.fast.kernels.codegen.memory import empty, open_heap
from samenet.fast.kernels.codegen.microkernels import flat, multiply_panel, multiply_panel_indexed, rows_at
from samenet.fast.kernels.codegen.packed import PACKED_MR, PACKED_NR, multiply_packed, past_boundary
from samenet.fast.kernels.codegen.transpose import copy_rows, transpose
from samenet.fast.kernels.codegen.vector import REGISTER

WIDE = 200  # rows and columns of a matrix from which packing the operands of products pays
_MC, _KC, _BLOCK = 256, 512, 1 << 19  # rows, terms and bytes of a packed block of A, which stays in the L2 cache
PAGE = 4096  # bytes: rows this far apart compete for the same few cache sets
_COLUMNS = 64  # of B up to which neither B nor A is packed
_LONE = 256  # bytes of a row of C up to which it stays in registers
_FEW_TERMS = 128  # up to which a panel of B stays in the L1 cache, unless its rows are PAGE apart
_UNPACKED = 32  # rows of A up to which packing B costs more than it saves, unless its rows are PAGE apart


def matrix(dtype):
    """The type of a matrix of any order."""
    return types.Array(dtype, 2, "A")


@external(lambda f: (*(matrix(f),) * 4, int64, int64, int64), light=True)
def _multiply_panel(A, B, S, C, i, registers, lanes):
    """C := S + A B for some columns; see `microkernels.multiply_panel`."""
    multiply_panel(A, B, S, C, i, registers, lanes)


@external(lambda f: (*(matrix(f),) * 4, int64, int64, int64, int32[::1]), light=True)
def _multiply_panel_indexed(A, B, S, C, i, registers, lanes, used):
    """The same with only the terms listed in `used`; see `microkernels.multiply_panel_indexed`."""
    multiply_panel_indexed(A, B, S, C, i, registers, lanes, used)


@external(lambda f: (matrix(f),) * 2)
def transposed(A, B):
    """B := A^T; see `transpose.transpose`."""
    transpose(A, B)


@external(lambda f: (matrix(f),) * 2)
def copied(A, B):
    """B := A; A has contiguous rows or columns, B contiguous rows."""
    if A.strides[1] == A.itemsize:
        copy_rows(A, B)
    else:
        transposed(A.T, B)


@external(lambda f: (*(matrix(f),) * 6, int64, float64), light=True)
def _multiply_packed(A, B, S, C, ahead, target, registers, alpha):
    """C := S + alpha A B for some columns; see `packed.multiply_packed`."""
    multiply_packed(A, B, S, C, ahead, target, registers, alpha)


@kernel()
def _columns(A, B, S, C, used):
    """C := S + A B in panels of a few registers of columns.

    used: None, or a list of the terms to include.
    """
    k = B.shape[1]
    lanes = REGISTER // C.itemsize
    i = 0
    while i < k:
        left = -(-(k - i) // lanes)
        count = -(-left // -(-left // microkernels.NR))  # about as many in each
        width = min(count * lanes, k - i)
        last = width - (count - 1) * lanes
        if used is not None:
            _multiply_panel_indexed(A, B, S, C, i, count, last, used)
        else:
            _multiply_panel(A, B, S, C, i, count, last)
        i += width


@kernel()
def _width(columns, lanes):
    """The number of registers of the next panel, when this many columns are left: about as many as the others."""
    left = -(-columns // lanes)
    return max(PACKED_NR - 1, -(-left // max(1, -(-left // PACKED_NR))))


@register_jitable
def terms_at_once(t):
    """The number of terms in each part of a sum of t terms: the parts are about equal."""
    return -(-t // -(-t // _KC))


@external(lambda f: (*(matrix(f),) * 4, float64))
def packed_product(A, B, S, C, alpha):
    """C := S + alpha A B, with packed panels of B, and packed blocks of A unless its rows can be read in place.

    Raises MemoryError if there is no memory for these.
    """
    (m, k), t = C.shape, len(B)
    lanes, contiguous, by_columns = REGISTER // C.itemsize, B.strides[1] == B.itemsize, A.strides[1] != A.itemsize
    terms = terms_at_once(t)
    height = min(_BLOCK // (terms * C.itemsize) if by_columns else _MC, m)
    many = k > _COLUMNS
    copies = by_columns or (many and A.strides[0] % PAGE == 0)
    packs = not contiguous or (many and m > (PACKED_MR if B.strides[0] % PAGE == 0 else _UNPACKED))
    meanwhile = packs and contiguous and not by_columns  # the next panel is packed while this one is multiplied
    heap, rows, row = open_heap(), height if copies else 0, (-(-terms // lanes) + 1) * lanes
    size = terms * PACKED_NR * lanes  # of a panel
    memory = empty(heap, rows * row + (2 if meanwhile else 1) * size, C.dtype)
    block = rows_at(memory, 0, rows, row)
    panel = rows_at(memory, rows * row, terms, PACKED_NR * lanes)
    other = rows_at(memory, rows * row + (size if meanwhile else 0), terms if meanwhile else 0, PACKED_NR * lanes)
    for start in range(0, t, terms):
        count = min(terms, t - start)
        for top in range(0, m, height):
            a, c = A[top : top + height, start : start + count], C[top : top + height]
            if copies:
                copied(a, block)
                a = block[: len(c), :count]
            begin = c if start else S[top : top + height] if len(S) > 1 else S
            i = -past_boundary(C) if packs else 0  # no register of later panels is on two cache lines
            while i < k:
                registers = _width(k - i, lanes)
                first, end = max(i, 0), min(i + registers * lanes, k)
                after = min(end + _width(k - end, lanes) * lanes, k)
                b, ahead = B[start : start + count, first:end], B[start : start + count, end:after]
                whole, target = end - first == registers * lanes, panel[:0]
                if not (meanwhile and first) and (packs or not whole):
                    if not whole:
                        panel[:] = 0
                    copied(b, panel)
                if packs or not whole:
                    b = panel[:count, : end - first]
                if meanwhile and end < k:
                    target = other
                    if after - end < PACKED_NR * lanes:
                        other[:] = 0
                elif by_columns:
                    ahead = c[PACKED_MR:, first:end]
                elif not contiguous:
                    ahead = ahead.T
                _multiply_packed(a, b, begin[:, first:end], c[:, first:end], ahead, target[:count], registers, alpha)
                if meanwhile:
                    panel, other = other, panel
                i = end


add_scaled = vectorized(lambda c, a, b, s: (a * b + s,), stores=1)
add_four = vectorized(
    lambda c, b0, b1, b2, b3, a0, a1, a2, a3: (a3 * b3 + (a2 * b2 + (a1 * b1 + (a0 * b0 + c))),), stores=1
)
_total = vectorized(lambda a: (a,))


@register_jitable
def begins_with_start(t, k, itemsize):
    """Whether sums of t terms for k columns, with B by rows, begin with S; otherwise, S is added to them."""
    return k < WIDE or t == 1 or (t <= _FEW_TERMS and k * itemsize % PAGE != 0)


@external(lambda f: (matrix(f),) * 4)
def _sum_of_scaled(A, B, S, C):
    """C := S + A B for one row, reading B once, several rows at a time."""
    c = C[0]
    for j in range(c.size):
        c[j] = S[0, j]
    last = len(B) - len(B) % 4
    for s in range(0, last, 4):
        add_four(c, B[s], B[s + 1], B[s + 2], B[s + 3], A[0, s], A[0, s + 1], A[0, s + 2], A[0, s + 3])
    for s in range(last, len(B)):
        add_scaled(c, B[s], A[0, s], c)


@external(lambda f: (matrix(f),) * 4)
def product(A, B, S, C):
    """C := S + A B.

    A (m, t) and B (t, k) with contiguous rows, or columns; C (m, k) with contiguous rows; S like C, or one row (1, k)
    for all. 2 m t k flops. The order of a sum depends only on t and the layout of B: the bits of a row or column of C
    do not depend on the other rows and columns, nor on how the matrices are divided.
    """
    k, by_rows = C.shape[1], B.strides[1] == B.itemsize
    if k == len(B) == len(S) == 1 and A.strides[0] == C.strides[0] == C.itemsize:  # by columns, lanes would be empty
        add_scaled(C[:, 0], A[:, 0], B[0, 0], S[0, 0])
    elif k >= WIDE and len(B) == len(S) == 1 and by_rows:
        for s in range(len(C)):
            add_scaled(C[s], B[0], A[s, 0], S[0])
    elif len(C) == 1 and k * C.itemsize > _LONE and A.strides[0] == A.itemsize and by_rows:  # a gradient
        _sum_of_scaled(A, B, S, C)
    elif by_rows and begins_with_start(len(B), k, C.itemsize):
        _columns(A, B, S, C, None)
    else:
        packed_product(A, B, S, C, 1.0)


@external(lambda f: (*(matrix(f),) * 4, int32[::1]))
def product_indexed(A, B, S, C, used):
    """The same with only the terms listed in `used`; the rows of B are contiguous."""
    _columns(A, B, S, C, used)


@external(lambda f: (f[:, ::1], f[::1], boolean))
def sum_of_rows(delta, db, overwrite):
    """db += the sum of delta's rows, as several independent sums; db := with `overwrite`."""
    if overwrite:
        for i in range(db.size):
            db[i] = 0
    if db.size == 1:
        db[0] += _total(flat(delta))
    else:
        add_rows(delta, db)
