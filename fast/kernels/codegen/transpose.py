"""Machinery: matrices copied and transposed, by whole registers."""

from samenet.fast.kernels.codegen.generated import generated


def _transpose(A, B):
    """B := A^T for A (m, n), B with n rows of m numbers at least; the numbers of a row are neighbours in both."""
    B[: A.shape[1], : A.shape[0]] = A.T


def _write_transpose(vb, A, B):
    """In squares that fit the registers: rows are loaded, and their halves exchanged, quarters, down to numbers."""
    builder, (m, n) = vb.builder, vb.pair(A.shape)
    limit = builder.sub(m, vb.long(1))
    a, b, a_row, b_row = vb.start(A), vb.start(B), vb.pair(A.strides)[0], vb.pair(B.strides)[0]
    with vb.for_range(m, vb.lanes) as (top, _):
        below = vb.first_n_mask(builder.sub(m, top))
        with vb.for_range(n, vb.lanes) as (left, _):
            right = vb.first_n_mask(builder.sub(n, left))
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
            for r in range(vb.lanes):
                row = builder.add(left, vb.long(r))
                with vb.when(row, "<", n):
                    place = builder.add(vb.times(row, b_row), vb.times(top, vb.size))
                    vb.store(square[r], vb.at(b, place), below)


transpose = generated(_transpose, _write_transpose)


def _copy_rows(A, B):
    """B[:m, :n] := A for A (m, n); the numbers of a row are neighbours in both."""
    B[: A.shape[0], : A.shape[1]] = A


def _write_copy_rows(vb, A, B):
    (m, n), a_row, b_row = vb.pair(A.shape), vb.pair(A.strides)[0], vb.pair(B.strides)[0]
    with vb.for_range(m) as (r, _):
        a, b = vb.at(vb.start(A), vb.times(a_row, r)), vb.at(vb.start(B), vb.times(b_row, r))
        vb.for_each_vector(n, lambda offset, mask: vb.store(vb.load(vb.at(a, offset), mask), vb.at(b, offset), mask))


copy_rows = generated(_copy_rows, _write_copy_rows)
