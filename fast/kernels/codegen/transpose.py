"""Copying and transposing matrices, by whole registers, and products with transposed matrices."""

from numba.core import cgutils

from samenet.fast.kernels.codegen.generated import generated
from samenet.fast.kernels.codegen.vector import LONG, REGISTERS

_AHEAD = 2  # rows


def _transpose(A, B):
    """B := A^T for A (m, n), B with n rows of at least m numbers; rows of both are contiguous."""
    B[: A.shape[1], : A.shape[0]] = A.T


def turned(vb, square):
    """As many registers as one has lanes, transposed: halves are exchanged, then quarters, down to single numbers."""
    square, size = list(square), vb.lanes
    while size > 1:
        apart = size // 2
        for r in range(vb.lanes):
            if not r & apart:
                square[r], square[r + apart] = vb.halves(square[r], square[r + apart], size)
        size = apart
    return square


def _write_transpose(vb, A, B):
    """In square blocks that fit the registers; the rows of the next are prefetched."""
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
                vb.prefetch(vb.at(a, builder.add(place, vb.times(a_row, vb.lanes))))
            square = turned(vb, square)
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

# --- products with W^T, transposed in registers --------------------------------------------------------------------


def _add_product(X, W, Z):
    """Z[:, :k] += X W^T for X (m, n), W (k, n). Rows of all are contiguous; those of Z are padded to whole registers.

    Every sum is in the order of n, as in `microkernels.multiply_panel`, with nodes in the lanes of registers.
    """
    Z[:, : len(W)] += X @ W.T


def _write_add_product(vb, X, W, Z):
    """Square blocks of W, as many side by side as sums are needed in flight: each is transposed for all rows of X."""
    builder, (k, n), m = vb.builder, vb.pair(W.shape), vb.pair(X.shape)[0]
    limit, x_row, w_row, z_row = builder.sub(k, vb.long(1)), *(vb.pair(a.strides)[0] for a in (X, W, Z))
    whole = vb.times(builder.sdiv(n, vb.long(vb.lanes)), vb.lanes)

    def add_block(i, j, left, count):
        """The terms from j on, all or as many as are left, of `count` registers of nodes from i on."""
        mask, blocks = None if left is None else vb.first_n_mask(left), []
        for v in range(count):
            nodes = [vb.minimum(builder.add(i, vb.long(v * vb.lanes + r)), limit) for r in range(vb.lanes)]
            starts = [builder.add(vb.times(node, w_row), vb.times(j, vb.size)) for node in nodes]
            blocks.append(turned(vb, [vb.load(vb.at(vb.start(W), start), mask) for start in starts]))
        with vb.for_range(m) as (s, _):
            x = vb.at(vb.at(vb.start(X), vb.times(x_row, s)), vb.times(j, vb.size))
            z = vb.at(vb.at(vb.start(Z), vb.times(z_row, s)), vb.times(i, vb.size))
            places = [vb.at(z, vb.long(v * vb.lanes * vb.size)) for v in range(count)]
            sums = [vb.variable(vb.load(place)) for place in places]

            def add_term(r):
                number = vb.broadcast_load(vb.at(x, vb.long(r * vb.size)))
                for block, total in zip(blocks, sums, strict=True):
                    total.value = vb.multiply_add(number, block[r], total.value)

            for r in range(vb.lanes):
                if left is None:
                    add_term(r)
                else:
                    with vb.when(vb.long(r), "<", left):
                        add_term(r)
            for place, total in zip(places, sums, strict=True):
                vb.store(total.value, place)

    def add_nodes(i, count):
        with vb.for_range(whole, vb.lanes) as (j, _):
            add_block(i, j, None, count)
        with vb.when(whole, "<", n):
            add_block(i, whole, builder.sub(n, whole), count)

    abreast = max(1, REGISTERS // 2 // vb.lanes)
    together = vb.times(builder.sdiv(k, vb.long(abreast * vb.lanes)), abreast * vb.lanes) if abreast > 1 else vb.long(0)
    if abreast > 1:
        with vb.for_range(together, abreast * vb.lanes) as (i, _):
            add_nodes(i, abreast)
    with vb.for_range(builder.sub(k, together), vb.lanes) as (i, _):
        add_nodes(builder.add(together, i), 1)


add_product = generated(_add_product, _write_add_product)
