"""The layers of many similar networks, with one network in each lane of the registers: forward and backward.

Every sum has the same order as in `forward`, `narrow` and `backward`; or, for tiny networks, as in `tiny_layers`.
"""

from samenet.fast.kernels.codegen import lane_products
from samenet.fast.kernels.codegen.compiling import kernel
from samenet.fast.kernels.codegen.microkernels import rows_at
from samenet.fast.kernels.codegen.registers import broadcast, load, load_first, store
from samenet.fast.kernels.cost_lanes import activate, back_through
from samenet.fast.kernels.dropout import draw, products
from samenet.fast.kernels.gemm import transposed
from samenet.fast.kernels.narrow import starts_narrow
from samenet.fast.kernels.parameter_lanes import sum_in_lanes
from samenet.fast.kernels.tiny_layers import plus


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
            activate(width, codes[layer + 1], H[q:end], k)
            _apply_masks(masks, rows, q // rows, H[q:end], D[q:end])
        below, q = (D, *z[1:]), q + rows * k * lanes


@kernel(inlined=True)
def backward(
    width, across, theta, layout, x, is_shared, rows, H, D, masks, delta, start, most, zeros, G, overwrite, memory
):
    """G += the gradient of the weights over some rows; G := with `overwrite`.

    delta: dJ/dz of each layer after the input, for `most` rows; that of the output layer is given, for the rows from
    `start` on. x, is_shared, D, masks: see `forward`. across: for tiny networks, the lanes of the registers of
    `tiny_network`; 0 for others. memory: see `back_through`.
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
            back_through(width, across > 0, codes[layer], H[q : q + rows * n * lanes], errors, n, *memory)
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
