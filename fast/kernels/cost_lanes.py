"""The activations and costs of many similar networks, with one network in each lane of the registers, forward and back.

Every sum has the same order as in `activations` and `costs`; or, for tiny networks, as in `tiny_layers`.
"""

from samenet.fast.kernels import activations, tiny_layers
from samenet.fast.kernels.codegen.compiling import kernel
from samenet.fast.kernels.codegen.registers import lanewise, load, load_first, store
from samenet.fast.kernels.costs import values_in_lanes
from samenet.fast.kernels.tiny_layers import less, multiply_add, through_softmax, through_softmax_and_cost, times

_add_rounded_product = lanewise(lambda total, a, b: total + a * b, contract=False)


@kernel(inlined=True)
def activate(width, code, z, k):
    """z := f(z) in place; z holds rows of k registers."""
    size = k * len(width)
    if code != activations.SOFTMAX:
        activations.activate(code, z, k)
        return
    for start in range(0, z.size, size):
        row = z[start : start + size]
        _, total, _ = activations.powers_of_columns(width, row, z[:0], row, 0, size)
        share = activations.inverse(total)
        for i in range(0, size, len(width)):
            store(row, i, times(load(width, row, i), share))


@kernel(inlined=True)
def back_through(width, is_tiny, code, h, e, k, sums, means):
    """e := dJ/dz in place of e = dJ/dh, from the layer's output h; both are rows of k registers.

    sums, means: memory for a number of each network.
    """
    size, lanes = k * len(width), len(width)
    if code != activations.SOFTMAX:
        activations.back_through(code, h, e, k)
        return
    for start in range(0, e.size, size):
        row, error = h[start : start + size], e[start : start + size]
        if is_tiny:
            sums[:] = 0.0
            for i in range(size):
                sums[i % lanes] += error[i] * row[i]
        else:
            activations.dots_in_lanes(error, row, sums)
        for r in range(lanes):
            means[r] = sums[r]
        mean = load(width, means, 0)
        for i in range(0, size, lanes):
            store(error, i, through_softmax(load(width, row, i), load(width, error, i), mean))


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
    """The output layer of tiny networks, from the z in `out`, and dJ/dz, or for a softmax dJ/dh; squares += or := the
    sums of the squares.

    squares: as in `tiny_network`, a sum for each lane of its registers of `across` numbers. factors: of each row, or
    one for all.
    """
    k, code, lanes, is_entropy = layout[0, -1], layout[1, -1], len(width), cost == activations.BINARY_CROSS_ENTROPY
    activate(width, code, out, k)
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
