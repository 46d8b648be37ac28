"""Dot products of rows that are given by their indices, which need not be copied side by side."""

from samenet.fast.kernels.codegen.generated import generated

_ROWS, _NODES = (4, 1), (4, 2, 1)  # whose dot products are computed together


def _dots_of(X, places, W, Z):
    """Z := X[places] W^T for W (k, n), in the order of `microkernels.dots`; rows of X and W are contiguous."""
    Z[:] = X[places] @ W.T


def _write_dots_of(vb, X, places, W, Z):
    m, (k, _), begin = vb.builder.extract_value(places.shape, 0), vb.pair(W.shape), vb.long(0)
    for nodes in (nodes for nodes in _NODES if nodes <= vb.lanes):  # whose sums one register holds
        end = vb.times(vb.builder.sdiv(k, vb.long(nodes)), nodes)
        with vb.for_range(end, nodes, begin) as (i, _):
            first = vb.long(0)
            for rows in _ROWS:
                last = vb.times(vb.builder.sdiv(m, vb.long(rows)), rows)
                with vb.for_range(last, rows, first) as (s, _):
                    _write_tile(vb, X, places, W, Z, s, i, rows, nodes)
                first = last
        begin = end


def _write_tile(vb, X, places, W, Z, s, i, rows, nodes):
    """Each register of numbers is loaded once for all sums, which stay in registers."""

    def row_of(array, number):
        return vb.at(vb.start(array), vb.times(vb.pair(array.strides)[0], number))

    each = [vb.builder.add(s, vb.long(r)) for r in range(rows)]
    xs = [row_of(X, vb.builder.load(vb.builder.gep(places.data, [number]))) for number in each]
    ws = [row_of(W, vb.builder.add(i, vb.long(v))) for v in range(nodes)]
    sums = [[vb.variable(vb.zero) for _ in ws] for _ in xs]

    def add(offset, mask):
        weights = [vb.load(vb.at(w, offset), mask) for w in ws]
        for x, row in zip(xs, sums, strict=True):
            numbers = vb.load(vb.at(x, offset), mask)
            for w, total in zip(weights, row, strict=True):
                total.value = vb.multiply_add(numbers, w, total.value)

    vb.for_each_vector(vb.pair(W.shape)[1], add)
    values = [total.value for row in sums for total in row]
    values += [vb.zero] * (-len(values) % vb.lanes)
    found = [vb.sums(values[start : start + vb.lanes]) for start in range(0, len(values), vb.lanes)]
    for number, start in zip(each, range(0, rows * nodes, nodes), strict=True):
        place = vb.at(row_of(Z, number), vb.times(i, vb.size))
        vb.store_some(found[start // vb.lanes], start % vb.lanes, nodes, place)


dots_of = generated(_dots_of, _write_dots_of)
