"""Products with W read by rows, as theta has it: inputs fill the lanes of registers, for one sample, a few, or many.

Every dot product has one partial sum per lane, and these are added at the end in a fixed order: the same bits for one
row of X and for many.
"""

from numba.core import cgutils

from samenet.fast.kernels.codegen.generated import generated
from samenet.fast.kernels.codegen.loops import tiles
from samenet.fast.kernels.codegen.microkernels import MR
from samenet.fast.kernels.codegen.vector import REGISTER, REGISTERS, has

TOGETHER = 4  # rows of X, and of W, of a tile
# Bytes of a row up to which tiles are low, so that their rows stay in the L1 cache: 48 KiB with AVX-VNNI, or 32 KiB.
_LONG_ROW = 6656 if has("avxvnni") else 4096


def _gemv(W, x, z):
    """z[:k] := W x for W (k, n). z is padded to whole registers, and the padding is overwritten."""
    z[: len(W)] = W @ x[: W.shape[1]]


def _write_gemv(vb, W, x, z):
    """As many rows of W together as a register has lanes."""
    with vb.for_range(vb.pair(W.shape)[0], vb.lanes) as (i, _):
        _write_tile(vb, W, i, [vb.start(x)], [vb.start(z)], vb.lanes)


def _dots(W, X, Z):
    """Z[:, :k] := X W^T for W (k, n), X (m, n), like `gemv` for each row of X."""
    Z[: len(X), : len(W)] = X[:, : W.shape[1]] @ W.T


def _dots_and_more(W, X, b, Z):
    """The same with b (k) added, unless it is empty; nothing is stored past the last row of W."""
    Z[: len(X), : len(W)] = X[:, : W.shape[1]] @ W.T + (b if b.size else -0.0)


def _dots_of_block(W, X, b, Z, memory):
    """The same for many rows. memory: a vector, for X in whole registers and `MR` rows more."""
    _dots_and_more(W, X, b, Z)


def _write_dots_of_block(vb, W, X, b, Z, memory):
    """For some rows of W at a time, which stay in the L1 cache, all rows of X, in tiles.

    The registers of a tile's rows of X are copied side by side, so that the processor prefetches them all, whatever
    their addresses. Past the last row of X, it is repeated, and stored in the same place. Meanwhile, the next rows of W
    are prefetched, two at a time. Higher tiles load less; lower ones need fewer sums across lanes.
    """
    builder, (m, _), (k, n) = vb.builder, vb.pair(X.shape), vb.pair(W.shape)
    nodes, limit = _nodes(vb, TOGETHER, TOGETHER), builder.sub(m, vb.long(1))
    length = vb.times(builder.sdiv(builder.add(n, vb.long(vb.lanes - 1)), vb.long(vb.lanes)), REGISTER)
    (_, (*_, (_, middle, end))), tiled = tiles(vb, m, TOGETHER, TOGETHER - 1), []
    if MR > TOGETHER:
        long = builder.icmp_signed(">", length, vb.long(_LONG_ROW))
        _, (_, (_, first, last)) = tiles(vb, m, MR, TOGETHER)
        first, middle = (builder.select(long, a, b) for a, b in ((first, vb.long(0)), (last, middle)))
        tiled, end = [(MR, vb.long(0), first)], builder.select(long, last, end)
    tiled += [(TOGETHER, tiled[0][2] if tiled else vb.long(0), middle), (TOGETHER - 1, middle, end)]

    def for_each_tile(write):
        for rows, begin, end in tiled:
            with vb.for_range(end, rows, begin) as (s, _):
                places = [vb.minimum(builder.add(s, vb.long(r)), limit) for r in range(rows)]
                start = vb.at(vb.start(memory), vb.times(s, length))
                xs, zs = _rows_of(vb, X, places), _rows_of(vb, Z, places)
                write(s, xs, zs, [vb.at(start, vb.long(r * REGISTER)) for r in range(rows)])

    def copy(_s, xs, _zs, targets):
        def of_rows(offset, mask):
            for x, target in zip(xs, targets, strict=True):
                vb.store(vb.load(vb.at(x, offset), mask), vb.at(target, vb.times(offset, len(xs))))

        vb.for_each_vector(n, of_rows)

    for_each_tile(copy)
    with vb.for_range(k, nodes) as (i, _):
        more = _of_nodes(vb, b, i, nodes)

        def multiply(s, _xs, zs, copies):
            later = builder.add(builder.add(i, vb.long(nodes)), builder.sdiv(vb.times(s, nodes), m))
            _write_tile(vb, W, i, copies, zs, nodes, [later, builder.add(later, vb.long(1))], more, len(zs))

        for_each_tile(multiply)


def _write_dots(vb, W, X, b, Z):
    """Code for each possible number of rows of X, up to `TOGETHER`."""
    _write_dots_by_number(vb, W, X, Z, TOGETHER, b)


def _write_dots_by_number(vb, W, X, Z, most=MR, b=None):
    """Code for each possible number of rows of X, up to `most`."""
    for count in range(1, most + 1):
        nodes, rows = _nodes(vb, count, vb.lanes), [vb.long(r) for r in range(count)]
        with vb.when(vb.pair(X.shape)[0], "==", vb.long(count)), vb.for_range(vb.pair(W.shape)[0], nodes) as (i, _):
            xs, zs = _rows_of(vb, X, rows), _rows_of(vb, Z, rows)
            later = [vb.builder.add(i, vb.long(nodes + r)) for r in range(nodes if b and count == most else 0)]
            _write_tile(vb, W, i, xs, zs, nodes, later, b and _of_nodes(vb, b, i, nodes))


def _dots_of_few(X, W, b, Z):
    """`dots` for few rows of W, and any number of rows of X."""
    _dots_and_more(W, X, b, Z)


def _dots_of_few_indexed(X, W, b, Z, places):
    """The same for the rows of X with these indices."""
    _dots_and_more(W, X[places], b, Z)


def _write_dots_of_few(vb, X, W, b, Z, places=None):
    """No node is computed twice, and rows of X are read where they are."""
    (m, k), begin = vb.pair(Z.shape), vb.long(0)
    for nodes in (nodes for nodes in (4, 3, 2, 1) if nodes <= _nodes(vb, TOGETHER, TOGETHER)):
        left = vb.builder.sub(k, begin)
        end = vb.builder.add(begin, vb.times(vb.builder.sdiv(left, vb.long(nodes)), nodes))
        with vb.for_range(end, nodes, begin) as (i, _):
            first, more = vb.long(0), _of_nodes(vb, b, i, nodes)
            for rows in sorted({_nodes(vb, nodes, vb.lanes), TOGETHER, 1}, reverse=True):
                last = vb.times(vb.builder.sdiv(m, vb.long(rows)), rows)
                with vb.for_range(last, rows, first) as (s, _):
                    each = [vb.builder.add(s, vb.long(r)) for r in range(rows)]
                    zs = _rows_of(vb, Z, each)
                    if places is not None:
                        each = [vb.builder.load(vb.builder.gep(places.data, [number])) for number in each]
                    _write_tile(vb, W, i, _rows_of(vb, X, each), zs, nodes, b=more)
                first = last
        begin = end


def _nodes(vb, rows, most):
    """How many rows of W, a power of two, with this many of X: their sums take three quarters of the registers."""
    return min(1 << (3 * REGISTERS // 4 // rows).bit_length() - 1, most, vb.lanes)


def _rows_of(vb, M, rows):
    """The addresses of these rows."""
    return [vb.at(vb.start(M), vb.times(vb.pair(M.strides)[0], row)) for row in rows]


def _of_nodes(vb, b, i, nodes):
    """A register of b's numbers for this many nodes from i on, repeated; -0, which changes no sum, past its end."""
    count = vb.builder.sub(cgutils.unpack_tuple(vb.builder, b.shape, 1)[0], i)
    mask, zero = vb.first_n_mask(vb.minimum(count, vb.long(nodes))), vb.number(-0.0)
    numbers = vb.builder.select(mask, vb.load(vb.at(vb.start(b), vb.times(i, vb.size)), mask), zero)
    return vb.shuffle(numbers, zero, [lane % nodes for lane in range(vb.lanes)])


def _write_tile(vb, W, i, xs, zs, nodes, later=(), b=None, apart=0):
    """For each x at its address, this many rows of W from row i on; past the last row of W, it is repeated.

    All sums stay in registers; each register of numbers is loaded once for all sums that use it. later: rows of W that
    are prefetched. b: a register of what is added to the sums, as of `_of_nodes`; without, sums are also stored past
    the last row of W. apart: registers between those of an x, which are whole then, if not 0.
    """
    builder, (k, n) = vb.builder, vb.pair(W.shape)
    limit = builder.sub(k, vb.long(1))

    def starts_of(places):
        return _rows_of(vb, W, [vb.minimum(place, limit) for place in places])

    rows, ahead = starts_of(builder.add(i, vb.long(r)) for r in range(nodes)), starts_of(later)
    sums = [[vb.variable(vb.zero) for _ in rows] for _ in xs]

    def add(offset, mask):
        for row in ahead:
            vb.prefetch(vb.at(row, offset), cache=2)
        place = vb.times(offset, apart or 1)
        parts = [vb.load(vb.at(x, place), None if apart else mask) for x in xs]
        for r, row in enumerate(rows):
            weights = vb.load(vb.at(row, offset), mask)
            for part, totals in zip(parts, sums, strict=True):
                totals[r].value = vb.multiply_add(weights, part, totals[r].value)

    vb.for_each_vector(n, add)
    values, place = [total.value for totals in sums for total in totals], vb.times(i, vb.size)
    while values:
        count = min(1 << (len(values) - 1).bit_length(), vb.lanes)
        some, values = values[: count // nodes * nodes], values[count // nodes * nodes :]
        total = vb.sums(some + [vb.zero] * (count - len(some)))
        total = total if b is None else builder.fadd(total, b)
        for r in range(len(some) // nodes):
            vb.store_some(total, r * nodes, nodes, vb.at(zs[r], place), None if b is None else builder.sub(k, i))
        zs = zs[len(some) // nodes :]


gemv, dots = generated(_gemv, _write_gemv), generated(_dots_and_more, _write_dots)
# For at most `MR` rows of X; rows of Z are padded to whole registers, and the padding is overwritten.
dots_by_number = generated(_dots, _write_dots_by_number)
dots_of_block = generated(_dots_of_block, _write_dots_of_block)
dots_of_few = generated(_dots_of_few, _write_dots_of_few)
dots_of_few_indexed = generated(_dots_of_few_indexed, _write_dots_of_few)
