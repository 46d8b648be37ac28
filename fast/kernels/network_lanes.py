"""The layers of many similar networks, with one network in each lane of the registers: forward and backward.

Every sum has the same order as in `forward`, `narrow` and `backward`; or, for tiny networks, as in `tiny_layers`.
"""

from samenet.fast.kernels import activations, tiny_layers
from samenet.fast.kernels.codegen import lane_products
from samenet.fast.kernels.codegen.compiling import kernel
from samenet.fast.kernels.codegen.microkernels import rows_at
from samenet.fast.kernels.codegen.registers import broadcast, lanewise, load, load_first, store
from samenet.fast.kernels.costs import values_in_lanes
from samenet.fast.kernels.dropout import draw, products
from samenet.fast.kernels.gemm import transposed
from samenet.fast.kernels.narrow import starts_narrow
from samenet.fast.kernels.parameter_lanes import sum_in_lanes
from samenet.fast.kernels.tiny_layers import less, multiply_add, plus, through_softmax_and_cost, times

_add_rounded_product = lanewise(lambda total, a, b: total + a * b, contract=False)


@kernel(inlined=True)
def _product(width, is_shared, is_narrow, A, B, S, C, shape):
    """C := S + A B for matrices of registers, (m, t) and (t, k); shape: (m, t, k).

    A matrix is a tuple of a vector, the index where the matrix begins, and the strides of its rows and columns; the row
    stride of S may be 0. is_shared: whether A has numbers, the same for all networks, in place of registers. is_narrow:
    whether sums are those of `narrow`.
    """
    given = *A, *B, *S, *C, *shape
    if is_shared:
        if is_narrow:
            lane_products.narrow_product_of_numbers(width, *given)
        else:
            lane_products.product_of_numbers(width, *given)
    elif is_narrow:
        lane_products.narrow_product(width, *given)
    else:
        lane_products.product(width, *given)


@kernel(inlined=True)
def gather(width, A, order, epoch, start, rows, gathered, a):
    """Copy rows of A into the lanes of a, in the epoch's order for each network or for all, or as they are."""
    lanes, n = len(width), A.shape[1]
    if len(order) <= 1:
        for s in range(rows):
            sample = A[order[0, epoch, start + s] if order.size else start + s]
            for j in range(n):
                store(a, (s * n + j) * lanes, broadcast(width, sample, j))
        return
    for r in range(lanes):
        network = min(r, len(order) - 1)
        for s in range(rows):
            sample = A[order[network, epoch, start + s]]
            for j in range(n):
                gathered[r, s * n + j] = sample[j]
    transposed(gathered[:, : rows * n], rows_at(a, 0, rows * n, lanes))


@kernel(inlined=True)
def draw_masks(width, dropout, number, rows, drawn, masks):
    """masks := the factors of the hidden nodes for some rows, (rows, nodes), from this number of a sample on.

    dropout: thresholds and factors of all nodes of so many rows, and the key of each network, or of all.
    """
    (thresholds, factors, keys), lanes = dropout, len(width)
    count = masks.size // lanes
    for r in range(lanes if keys.size > 1 else 1):
        given = keys[min(r, keys.size - 1)], number * (count // rows) + 1, 1, thresholds[:count], factors[:count]
        draw(drawn[r, :count], *given)
    if keys.size == 1:
        for i in range(count):
            store(masks, i * lanes, broadcast(width, drawn[0], i))
    else:
        transposed(drawn[:, :count], rows_at(masks, 0, count, lanes))


@kernel(inlined=True)
def _apply_masks(masks, rows, column, a, out):
    """out := masks a; the masks of a row are those of all hidden layers, and this layer's begin at `column`."""
    row, k = masks.size // rows, a.size // rows
    for s in range(rows if masks.size else 0):
        products(out[s * k : (s + 1) * k], a[s * k : (s + 1) * k], masks[s * row + column : s * row + column + k])


@kernel(inlined=True)
def forward(width, across, theta, layout, x, is_shared, rows, H, D, masks, out, zeros):
    """The activations of hidden layers in H, one after the other, and the z of the output layer in `out`.

    x: the inputs, (rows, n_in), and whether they are numbers, see `_product`. masks: with dropout, the factors of the
    hidden nodes, (rows, nodes); D then receives the masked activations. Without, D is H.
    """
    sizes, codes = layout[0], layout[1]
    lanes, p, q, below = len(width), 0, 0, x
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        W = (theta, p, lanes, n * lanes)  # W^T
        p += n * k * lanes
        start = (theta, p, 0, lanes) if codes[0] else (zeros, 0, 0, 0)
        p += codes[0] * k * lanes
        z = (H, q, k * lanes, lanes) if layer < sizes.size - 2 else (out, 0, k * lanes, lanes)
        is_narrow = layer == 0 and across == 0 and starts_narrow(sizes, lanes)
        _product(width, is_shared and layer == 0, is_narrow, below, W, start, z, (rows, n, k))
        if layer < sizes.size - 2:
            end = q + rows * k * lanes
            activations.activate(codes[layer + 1], H[q:end], k)
            _apply_masks(masks, rows, q // rows, H[q:end], D[q:end])
        below, q = (D, *z[1:]), q + rows * k * lanes


@kernel(inlined=True)
def share(lanes, is_tiny, cost, weights, order, epoch, start, rows, totals, scale, shares, factors):
    """shares := the weights of some rows, (rows, lanes), divided by the total of each network, or the scale for all
    rows; factors := those of delta. In tiny networks, costs are multiplied by shares that have not been rounded.
    """
    twice = 2.0 if is_tiny and cost == activations.SUM_OF_SQUARES else 1.0
    of_row = scale
    for s in range(rows if weights.size else 1):
        for r in range(lanes):
            i, place = s * lanes + r, start + s
            if weights.size and (r == 0 or len(order) > 1):
                of_row = weights[order[min(r, len(order) - 1), epoch, place] if order.size else place] / totals[r]
            factors[i] = twice * of_row
            shares[i] = of_row if is_tiny else float(factors[i])


@kernel(inlined=True)
def add_weights(weights, order, epoch, start, rows, totals):
    """totals := the sums of the weights of some rows, in the order of each network or of all."""
    total = 1.0
    for r in range(totals.size):
        if r == 0 or len(order) > 1:
            total = 0.0
            for s in range(rows):
                total += weights[order[min(r, len(order) - 1), epoch, start + s] if order.size else start + s]
        totals[r] = total


@kernel(inlined=True)
def add_values(cost, h, y, k, shares, is_weighed, sums, values):
    """values += the costs of each network, which are not cross-entropies of a softmax, times the shares of the rows."""
    size = k * sums.size
    for s in range(h.size // size):
        values_in_lanes(cost, h[s * size : (s + 1) * size], y[s * size : (s + 1) * size], sums)
        for r in range(values.size):
            values[r] += shares[s * sums.size + r if is_weighed else r] * sums[r]


@kernel(inlined=True)
def weigh(width, factors, delta):
    """The rows of delta, times their factors."""
    size = delta.size // factors.size * len(width)
    for s in range(0, factors.size, len(width)):
        factor, start = load(width, factors, s), s // len(width) * size
        for i in range(start, start + size, len(width)):
            store(delta, i, times(factor, load(width, delta, i)))


@kernel(inlined=True)
def tiny_outputs(width, across, layout, cost, out, y, factors, squares, overwrite, delta):
    """The output layer of tiny networks, from the z in `out`, and dJ/dz; squares += or := the sums of the squares.

    squares: as in `tiny_network`, a sum for each lane of its registers of `across` numbers. factors: of each row, or
    one for all.
    """
    k, code, lanes, is_entropy = layout[0, -1], layout[1, -1], len(width), cost == activations.BINARY_CROSS_ENTROPY
    activations.activate(code, out, k)
    nothing, down = load_first(width, out, 0, 0), lanes if factors.size > lanes else 0
    for i in range(across if overwrite else 0):
        store(squares, i * lanes, nothing)
    node = total = row = 0  # of a row; its sum; and where its factor is
    for place in range(0, out.size, lanes):
        h = load(width, out, place)
        error = less(h, load(width, y, place))
        error_slope = times(error, load(width, factors, row))
        store(squares, total, multiply_add(error, error_slope, load(width, squares, total)))
        store(delta, place, error_slope if is_entropy else tiny_layers.back_through(code, h, error_slope))
        node, total = node + 1, total + lanes
        if node == k:
            node, row = 0, row + down
        if node == 0 or total == across * lanes:
            total = 0


@kernel(inlined=True)
def cross_entropies(width, is_tiny, is_weighed, z, y, k, scale, of_rows, powers, costs, sums, delta):
    """sums += the cross-entropies of the rows of each network, from their z, which is overwritten; and dJ/dz in delta,
    unless it is empty.

    is_tiny: whether costs are scaled, and the order is that of `tiny_network`. of_rows: shares and factors, see
    `share`. powers, costs: memory for the registers of a row, and for one.
    """
    (shares, factors), size, factor, row = of_rows, k * len(width), z.dtype.type(scale), 0
    for start in range(0, z.size, size):
        of_y, total, of_a = activations.powers_of_columns(width, z, y, powers, start, size)
        store(costs, 0, activations.cost_of_sums(of_y, total, of_a))
        for r in range(sums.size):
            sums[r] += shares[row + r] * costs[r] if is_tiny or is_weighed else float(costs[r])
        if delta.size and is_tiny:
            of_targets, of_power, of_row = (
                load_first(width, z, 0, 0),
                activations.inverse(total),
                load(width, factors, row),
            )
            for i in range(start, start + size, len(width)):
                of_targets = _add_rounded_product(of_targets, load(width, y, i), of_row)
            for i in range(0, size, len(width)):
                h, target = times(load(width, powers, i), of_power), load(width, y, start + i)
                store(delta, start + i, through_softmax_and_cost(h, target, of_targets, of_row))
        elif delta.size:
            of_power = activations.factor_of_sums(of_y, total, factor)
            for i in range(0, size, len(width)):
                power, target = load(width, powers, i), load(width, y, start + i)
                store(delta, start + i, activations.through_softmax(power, target, of_power, factor))
        row += len(width) if is_weighed else 0


@kernel(inlined=True)
def backward(width, across, theta, layout, x, is_shared, rows, H, D, masks, delta, start, most, zeros, G, overwrite):
    """G += the gradient of the weights over some rows; G := with `overwrite`.

    delta: dJ/dz of each layer after the input, for `most` rows; that of the output layer is given, for the rows from
    `start` on. x, is_shared, D, masks: see `forward`. across: for tiny networks, the lanes of the registers of
    `tiny_network`; 0 for others.
    """
    sizes, codes = layout[0], layout[1]
    lanes, p, q, d = len(width), theta.size, 0, 0
    for n in sizes[1:]:
        q, d = q + rows * n * lanes, d + most * n * lanes
    q -= rows * sizes[-1] * lanes
    for layer in range(sizes.size - 2, -1, -1):
        n, k = sizes[layer], sizes[layer + 1]
        p -= (n + codes[0]) * k * lanes
        d -= most * k * lanes
        q -= rows * n * lanes if layer else 0
        slopes = (delta, d + start * k * lanes, k * lanes, lanes)
        if layer:
            e = d + (start - most) * n * lanes
            E, W = (delta, e, n * lanes, lanes), (theta, p, n * lanes, lanes)
            if across:
                lane_products.tree_product(width, *slopes, *W, *E, rows, k, n, across)
            else:
                _product(width, False, False, slopes, W, (zeros, 0, 0, 0), E, (rows, k, n))
            errors = delta[e : e + rows * n * lanes]
            _apply_masks(masks, rows, q // rows, errors, errors)
            activations.back_through(codes[layer], H[q : q + rows * n * lanes], errors, n)
        dW = (G, p, lanes, n * lanes)  # transposed, so that a tile has more rows than columns
        a, a_0, a_row, a_column = (D, q, n * lanes, lanes) if layer else x
        start_of_sums = (zeros, 0, 0, 0) if overwrite else dW
        inputs = a, a_0, a_column, a_row
        _product(width, is_shared and layer == 0, False, inputs, slopes, start_of_sums, dW, (n, rows, k))


@kernel(inlined=True)
def add_biases(width, across, layout, rows, delta, most, sums, overwrite, G):
    """G += the gradient of the biases over all rows in delta, see `backward`, as in `gemm.sum_of_rows`; G := with
    `overwrite`. In tiny networks, sums are in the order of the rows.
    """
    sizes, lanes, p, d = layout[0], len(width), 0, 0
    nothing, whole = load_first(width, G, 0, 0), 0 if across else rows // 4 * 4
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        p += n * k * lanes
        if k == 1 and across == 0:
            sum_in_lanes(delta[d : d + rows * lanes], sums)
            for r in range(lanes):
                G[p + r] = (0.0 if overwrite else G[p + r]) + sums[r]
        for i in range(k if k > 1 or across else 0):
            place, row = d + i * lanes, k * lanes
            s0 = s1 = s2 = s3 = nothing
            for _ in range(0, whole, 4):
                s0, s1 = plus(s0, load(width, delta, place)), plus(s1, load(width, delta, place + row))
                s2 = plus(s2, load(width, delta, place + 2 * row))
                s3 = plus(s3, load(width, delta, place + 3 * row))
                place += 4 * row
            for _ in range(whole, rows):
                s0 = plus(s0, load(width, delta, place))
                place += row
            total = plus(plus(s0, s1), plus(s2, s3))
            store(G, p + i * lanes, plus(nothing if overwrite else load(width, G, p + i * lanes), total))
        p, d = p + k * lanes, d + most * k * lanes
