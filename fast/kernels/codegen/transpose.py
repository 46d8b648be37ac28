"""Copying and transposing matrices, by whole registers."""

from numba.core import cgutils

from samenet.fast.kernels.codegen.generated import generated
from samenet.fast.kernels.codegen.vector import LONG

_AHEAD = 2  # rows


def _transpose(A, B):
    """B := A^T for A (m, n), B with n rows of at least m numbers; rows of both are contiguous."""
    B[: A.shape[1], : A.shape[0]] = A.T


def _write_transpose(vb, A, B):
    """In square blocks that fit the registers: load rows, then exchange halves, quarters, down to single numbers."""
    builder, (m, n) = vb.builder, vb.pair(A.shape)
    limit = builder.sub(m, vb.long(1))
    a, b, a_row, b_row = vb.start(A), vb.start(B), vb.pair(A.strides)[0], vb.pair(B.strides)[0]
    past = vb.past_boundary(A)  # each cache line of A is then loaded once
    with vb.for_range(m, vb.lanes) as (top, _):
        below, corner = vb.first_n_mask(builder.sub(m, top)), vb.at(b, vb.times(top, vb.size))
        with cgutils.for_range_slice(builder, builder.neg(past), n, vb.long(vb.lanes), LONG) as (before, _):
            left = vb.maximum(before, vb.long(0))
            count = builder.sub(vb.minimum(builder.add(before, vb.long(vb.lanes)), n), left)
            right = vb.first_n_mask(count)
            square = []
            for r in range(vb.lanes):
                row = vb.minimum(builder.add(top, vb.long(r)), limit)
                place = builder.add(vb.times(row, a_row), vb.times(left, vb.size))
                square.append(vb.load(vb.at(a, place), right))
            size = vb.lanes
            while size > 1:
                apart = size // 2
                for r in range(vb.lanes):
                    if not r & apart:
                        square[r], square[r + apart] = vb.halves(square[r], square[r + apart], size)
                size = apart
            last = builder.sub(count, vb.long(1))
            for r in reversed(range(vb.lanes)):  # rows past the last one are stored in its place, before it
                row = builder.add(left, vb.minimum(vb.long(r), last))
                vb.store(square[r], vb.at(corner, vb.times(row, b_row)), below)


transpose = generated(_transpose, _write_transpose)


def _copy_rows(A, B):
    """B[:m, :n] := A for A (m, n); rows of both are contiguous."""
    B[: A.shape[0], : A.shape[1]] = A


def _gather(A, places, B):
    """B[:m] := the rows of A with these m indices; rows of both are contiguous."""
    B[: len(places)] = A[places]


def _write_copy_rows(vb, A, B):
    _write_rows(vb, A, B, vb.pair(A.shape)[0], lambda r: r)


def _write_gather(vb, A, places, B):
    """The row after the next is prefetched."""
    m = cgutils.unpack_tuple(vb.builder, places.shape)[0]

    def place(r):
        return vb.builder.load(vb.builder.gep(places.data, [r]))

    limit = vb.builder.sub(m, vb.long(1))
    _write_rows(vb, A, B, m, place, lambda r: place(vb.minimum(vb.builder.add(r, vb.long(_AHEAD)), limit)))


def _write_rows(vb, A, B, m, place, later=None):
    n, a_row, b_row = vb.pair(A.shape)[1], vb.pair(A.strides)[0], vb.pair(B.strides)[0]
    with vb.for_range(m) as (r, _):
        a, b = vb.at(vb.start(A), vb.times(a_row, place(r))), vb.at(vb.start(B), vb.times(b_row, r))
        ahead = later and vb.at(vb.start(A), vb.times(a_row, later(r)))

        def copy(offset, mask, a=a, b=b, ahead=ahead):
            vb.store(vb.load(vb.at(a, offset), mask), vb.at(b, offset), mask)
            if ahead:
                vb.prefetch(vb.at(ahead, offset))

        vb.for_each_vector(n, copy)


copy_rows, gather = generated(_copy_rows, _write_copy_rows), generated(_gather, _write_gather)
