"""A second derivation of the bound, number by number, from the docstrings of `samenet.testing`.

A number is a pair: its value and its error bound. The derivation is written as loops over plain floats, in the style of
the reference. It shares no line with the bound, and checks every sign, factor and maximum of it.
"""

import math
from collections.abc import Callable, Sequence
from math import exp, inf, log
from typing import Any, NamedTuple

from samenet.testing.rounding import Rounding


class Number(NamedTuple):
    v: float
    e: float = 0.0

    @property
    def top(self) -> float:
        return abs(self.v) + 2 * self.e


Row = list[Number]
NOTHING = Number(0.0, inf)


def gamma(n: float, r: Rounding) -> float:
    return n * r.u / (1 - n * r.u)


def fitting(x: Number, *sizes: float, most: float) -> Number:
    """The number, or one without a bound if an intermediate magnitude exceeds `most`."""
    return x if math.isfinite(x.v) and math.isfinite(x.e) and all(s <= most for s in sizes) else NOTHING


def times(a: Number, b: Number) -> Number:
    return Number(a.v * b.v, a.e * b.top + (abs(a.v) + a.e) * b.e)


def more(x: Number, by: float) -> Number:
    return Number(x.v, x.e + by)


def scaled(x: Number, factor: float) -> Number:
    return Number(x.v * factor, x.e * abs(factor))


def less(x: Number, stored: float) -> Number:
    return Number(x.v - stored, x.e)


def total(row: Sequence[Number]) -> Number:
    return Number(sum(x.v for x in row), sum(x.e for x in row))


def column_sum(column: Row, r: Rounding) -> Number:
    size = sum(x.top for x in column)
    return fitting(more(total(column), gamma(len(column), r) * size), size, most=r.most)


def dot(a: Row, b: Row, start: float, r: Rounding) -> Number:
    size = abs(start) + sum(x.top * y.top for x, y in zip(a, b, strict=True))
    terms = min(sum(x.top > 0 for x in a), sum(y.top > 0 for y in b))
    s = total([times(x, y) for x, y in zip(a, b, strict=True)])
    return fitting(Number(s.v + start, s.e + gamma(len(a) + 1, r) * size + r.least * terms), size, most=r.most)


# --- activations ------------------------------------------------------------------------------------------------------


def _capped(limit: float, moved: float, e: float) -> float:
    return min(limit, moved) if e < inf else inf


def _near(z: Number) -> float:
    return max(abs(z.v) - 2 * z.e, 0.0)


def sigmoid(row: Row, r: Rounding) -> Row:
    found = []
    for z in row:
        t, h = exp(-_near(z)), 1 / (1 + exp(-z.v))
        moved = _capped(1, t / (1 + t) ** 2 * z.e, z.e)
        found.append(Number(h, moved + 8 * r.u * (h + 2 * moved) + r.flush))
    return found


def tanh(row: Row, r: Rounding) -> Row:
    found = []
    for z in row:
        h, slope = math.tanh(z.v), 1 / math.cosh(_near(z)) ** 2
        moved = _capped(2, slope * z.e, z.e)
        found.append(Number(h, moved + 16 * r.u * (abs(h) + 2 * moved) + 2 * r.least))
    return found


def relu(row: Row, r: Rounding) -> Row:
    return [Number(max(z.v, 0.0), 0.0 if z.v + 2 * z.e < 0 else z.e) for z in row]


def identity(row: Row, r: Rounding) -> Row:
    return row


def softmax(row: Row, r: Rounding) -> Row:
    n, widest, top = len(row), max(z.e for z in row), max(z.v for z in row)
    logarithm = log(sum(exp(z.v - top) for z in row))
    found = []
    for z in row:
        a, w = z.v - top, z.e + widest
        relative = gamma(n + 18, r) + r.u * (abs(a) + 2 * w + log(n))
        moved = min(exp(a - logarithm + 2 * w), 1.0) * (1 - exp(-w) + relative) if w < inf else inf
        found.append(Number(exp(a - logarithm), _capped(1, moved, w) + (n + 2) * r.flush))
    return found


def _through(e: Number, slope: Number, roundings: int, r: Rounding) -> Number:
    x = more(times(e, slope), gamma(roundings, r) * e.top * slope.top + r.least * (e.top + 8))
    return fitting(x, x.top, most=r.most)


def sigmoid_back(hs: Row, es: Row, r: Rounding) -> Row:
    slopes = [Number(h.v * (1 - h.v), h.e * (abs(1 - 2 * h.v) + 3 * h.e)) for h in hs]
    return [_through(e, s, 3, r) for e, s in zip(es, slopes, strict=True)]


def tanh_back(hs: Row, es: Row, r: Rounding) -> Row:
    slopes = [Number(1 - h.v**2, h.e * (2 * abs(h.v) + 3 * h.e)) for h in hs]
    return [_through(e, s, 4, r) for e, s in zip(es, slopes, strict=True)]


def relu_back(hs: Row, es: Row, r: Rounding) -> Row:
    found = []
    for h, e in zip(hs, es, strict=True):
        either = h.e > 0 and h.v - 2 * h.e <= 0
        off = e.top if either else e.e if h.v > 0 else 0.0
        found.append(Number(e.v if h.v > 0 else 0.0, off if e.e < inf else inf))
    return found


def identity_back(hs: Row, es: Row, r: Rounding) -> Row:
    return es


def softmax_back(hs: Row, es: Row, r: Rounding) -> Row:
    n, size = len(hs), sum(h.top * e.top for h, e in zip(hs, es, strict=True))
    mean = total([times(e, h) for e, h in zip(es, hs, strict=True)])
    mean = fitting(more(mean, gamma(n, r) * size + n * r.least), size, most=r.most)
    found = []
    for h, e in zip(hs, es, strict=True):
        rest = Number(e.v - mean.v, e.e + mean.e)
        x = more(times(rest, h), gamma(2, r) * rest.top * h.top + 2 * r.least * (n * h.top + 1))
        found.append(fitting(x, rest.top, most=r.most))
    return found


Way = Callable[[Row, Rounding], Row]
Back = Callable[[Row, Row, Rounding], Row]
ACTIVATIONS: dict[str, tuple[Way, Back]] = {
    "sigmoid": (sigmoid, sigmoid_back),
    "tanh": (tanh, tanh_back),
    "relu": (relu, relu_back),
    "identity": (identity, identity_back),
    "softmax": (softmax, softmax_back),
}


# --- costs ------------------------------------------------------------------------------------------------------------


def _summed(terms: Row, roundings: int, r: Rounding) -> Number:
    size, n = sum(x.top for x in terms), len(terms)
    return fitting(more(total(terms), gamma(n + roundings, r) * size + n * r.least), size, most=r.most)


def cost(name: str, hs: list[Row], zs: list[Row], ys: Any, r: Rounding) -> Number:
    """The cost of rows of outputs, weighted sums and targets."""
    triples = [one for rows in zip(hs, zs, ys, strict=True) for one in zip(*rows, strict=True)]
    if name in ("squared_error", "sum_of_squares"):
        residuals = [less(h, y) for h, _, y in triples]
        return scaled(_summed([times(d, d) for d in residuals], 6, r), 0.5 if name == "squared_error" else 1.0)
    terms, sizes = [], []
    if name == "binary_cross_entropy":
        for h, z, y in triples:
            logarithm = math.log1p(exp(-abs(z.v)))
            size = z.top * (1 + 2 * abs(y)) + logarithm
            moved = (abs(h.v - y) + min(z.e / 2, 1)) * z.e
            off = moved + 16 * r.u * logarithm + 4 * r.u * size + r.flush + r.least
            terms.append(Number(max(z.v, 0) - y * z.v + logarithm, off))
            sizes.append(size)
        whole = sum(sizes)
        return fitting(more(_summed(terms, 2, r), gamma(2 * len(terms) + 4, r) * whole), whole, most=r.most)
    n = len(ys[0])
    for row, y in zip(zs, ys, strict=True):
        widest, size = max(z.e for z in row), max(z.top for z in row) + log(n)
        L = log(sum(exp(z.v) for z in row))
        off = widest + gamma(n + 8, r) + 9 * r.u * log(n) + n * r.flush + 4 * r.u * size
        terms += [Number(t * (L - z.v), abs(t) * (z.e + off)) for z, t in zip(row, y, strict=True)]
        sizes.append(size)
    return fitting(_summed(terms, 4, r), *sizes, most=r.most)


def delta(name: str, hs: Row, ys: Sequence[float], scale: float, back: Back, r: Rounding) -> Row:
    """dJ/dz of one sample."""
    if name == "cross_entropy":
        n, t, size = len(ys), sum(ys), sum(map(abs, ys))
        found = []
        for h, y in zip(hs, ys, strict=True):
            rounding = gamma(n + 6, r) * scale * (h.top * size + abs(y)) + (n + 2) * r.least
            found.append(
                fitting(Number(scale * (h.v * t - y), scale * h.e * size + rounding), scale * size, most=r.most)
            )
        return found
    factor = scale * (2 if name == "sum_of_squares" else 1)
    residuals = []
    for h, y in zip(hs, ys, strict=True):
        x = scaled(less(h, y), factor)
        x = more(x, gamma(4, r) * x.top + r.least)
        residuals.append(fitting(x, x.top, most=r.most))
    return residuals if name == "binary_cross_entropy" else back(hs, residuals, r)


def penalty(w: Sequence[float], l1: float, l2: float, r: Rounding) -> Number:
    value = sum(l1 * abs(v) + l2 / 2 * v * v for v in w)
    whole = sum(map(abs, w))
    lost = r.least * (len(w) * (l2 + 2) + whole)
    x = Number(value, gamma(len(w) + 6, r) * value + lost)
    return fitting(x, value, l1, l2, whole, sum(v * v for v in w), most=r.most)


def with_penalty(g: Number, w: float, l1: float, l2: float, r: Rounding) -> Number:
    size = g.top + l1 + abs(l2 * w)
    sign = (w > 0) - (w < 0)
    x = Number(g.v + l1 * sign + l2 * w, g.e + gamma(4, r) * size + r.least * (abs(w) + 2))
    return fitting(x, size, l1, l2, most=r.most)


# --- updates ----------------------------------------------------------------------------------------------------------


def clipped(g: Row, value: float, norm: float, r: Rounding) -> Row:
    g = [Number(min(max(x.v, -value), value), x.e + (r.u * value + r.least if x.top >= value else 0.0)) for x in g]
    if norm == inf:
        return g
    n, rounding = len(g), gamma(len(g) / 2 + 5, r)
    length, d = math.hypot(*(x.v for x in g)), math.hypot(*(x.e for x in g))
    square = (length + 2 * d) ** 2 * (1 + 2 * rounding) + n * r.least
    if math.sqrt(square) <= norm * (1 - rounding):
        return [fitting(x, square, most=r.most) for x in g]
    low = math.sqrt(max(max(length - 2 * d, 0) ** 2 * (1 - 2 * rounding) - n * r.least, 0))
    factor = Number(min(1.0, norm / length) if length else 1.0, 1.0)
    if low:
        factor = Number(factor.v, min(1.0, norm / low) * min(1.0, d / low + rounding + n * r.least / low**2))
    found = []
    for x in g:
        shrunk = times(x, factor)
        shrunk = more(shrunk, gamma(2, r) * shrunk.top + r.least * (x.top + 1))
        found.append(fitting(shrunk, square, most=r.most))
    return found


def _plus(a: Number, b: Number, r: Rounding) -> Number:
    x = Number(a.v + b.v, a.e + b.e)
    x = more(x, r.u * x.top)
    return fitting(x, x.top, most=r.most)


def _by(x: Number, factor: float, roundings: int, r: Rounding) -> Number:
    y = scaled(x, factor)
    y = more(y, gamma(roundings, r) * y.top + r.least * (x.top + 2))
    return fitting(y, y.top, abs(factor), most=r.most)


def moved(
    theta: float, g: Number, alpha: float, momentum: float, v: float | None, nesterov: bool, r: Rounding
) -> tuple[Number, Number]:
    start, move = Number(theta), _by(g, -alpha, 3, r)
    if v is None:
        return _plus(start, move, r), move
    velocity = _plus(_by(Number(v), momentum, 2, r), move, r)
    if not nesterov:
        return _plus(start, velocity, r), velocity
    carried = _by(velocity, momentum, 2, r)
    # Either sum may be computed first.
    first = max(total([carried, move]).top, total([start, carried]).top)
    x = total([start, carried, move])
    top = x.top
    return fitting(more(x, r.u * (first + top)), first, top, most=r.most), velocity


def adapted(
    theta: float, g: Number, alpha: float, rule: tuple[float, float, float, int | None], m: float, s: float, r: Rounding
) -> Number:
    beta1, beta2, epsilon, t = rule
    c1, c2 = (1.0, 1.0) if t is None else (1 - beta1**t, 1 - beta2**t)
    p, q = alpha * beta1 * m / c1, alpha * (1 - beta1) / c1
    a, b = beta2 * s / c2, (1 - beta2) / c2
    high, tiny = g.top, r.least / 4
    lost = 2 * r.least * (2 + high) / c2
    R2 = a + b * _near(g) ** 2
    small = 3 * lost > R2
    R = 0.0 if small else math.sqrt(R2 - lost)
    least = max(epsilon * (1 - 2 * r.u) - tiny, tiny) if epsilon else math.sqrt(tiny)
    D = max(R + max(epsilon - tiny, 0), least)
    reach = min(high / D, max(math.sqrt(2 / b), math.sqrt(2 * lost / b) / D if small else 0.0))
    size = abs(p) / D + abs(q) * reach
    if small:
        off = 2 * size + gamma(21, r) * size
    else:
        slope = (abs(p) * b * high / R + abs(q) * (a / R + epsilon)) / D**2
        off = min(slope * g.e, 2 * size) + gamma(21, r) * size + (lost / (R2 - lost) + tiny / D) * size
    off += r.least * ((abs(alpha) * (4 + 2 * abs(m)) / c1 + 2 * high + 1) / D + 1)
    whole = math.sqrt(a + b * g.v**2) + epsilon
    step = Number((p + q * g.v) / whole if whole else 0.0, off)
    between = high**2, (high + abs(m)) / c1, abs(p) + abs(q) * high, size, a, abs(alpha) / c1
    return _plus(Number(theta), scaled(fitting(step, *between, most=r.most), -1), r)


# --- a network --------------------------------------------------------------------------------------------------------


def run(
    net: Any,
    X: Any,
    Y: Any,
    reduction: str,
    r: Rounding,
    masks: Any,
    weight_masks: Any,
    factors: Sequence[float] | None = None,
    sample_weight: Sequence[float] | None = None,
) -> tuple[Number, Row, Row]:
    """The cost, the flat gradient, and the squared norm of each row's gradient, with its factor."""
    scale = 1 / len(X) if reduction == "mean" else 1.0
    c = None if factors is None else [Number(factor) for factor in factors]
    if sample_weight is not None:
        used = [s for s, w in enumerate(sample_weight) if w or not any(sample_weight)]
        X, Y, scale = X[used], Y[used], 1.0
        masks = None if masks is None else masks[used]
        whole = sum(sample_weight) if reduction == "mean" and any(sample_weight) else 1.0
        c = [Number(sample_weight[s] / whole) for s in used]
        if reduction == "mean" and any(sample_weight):
            c = [more(x, gamma(len(used) + 2, r) * x.v + r.least) for x in c]
    small = r._replace(most=r.most * scale)
    weights = [[list(map(Number, row)) for row in W.tolist()] for W in net.weights]
    if weight_masks is not None:
        weights = [
            [[_mask(w, k, r) for w, k in zip(*rows, strict=True)] for rows in zip(W, M.tolist(), strict=True)]
            for W, M in zip(weights, weight_masks, strict=True)
        ]
    hs, zs, ways = [], [], []
    for s in range(len(X)):
        layers = [[Number(float(x)) for x in X[s]]]
        seen, start = [layers[0]], 0
        for l, W in enumerate(net.weights):
            starts = net.biases[l].tolist() if net.bias else [0.0] * len(W)
            z = [dot(seen[-1], row, b, r) for row, b in zip(weights[l], starts, strict=True)]
            layers.append(ACTIVATIONS[net.activations[l]][0](z, r))
            last = l == len(net.weights) - 1
            kept = [1.0] * len(W) if masks is None or last else masks[s, start : start + len(W)].tolist()
            start += len(W)
            seen.append(
                layers[-1] if masks is None or last else [_mask(h, k, r) for h, k in zip(layers[-1], kept, strict=True)]
            )
        hs.append(layers[-1])
        zs.append(z)
        ways.append((layers, seen))
    deltas: list[list[Row]] = [[] for _ in net.weights]
    for s, (layers, _) in enumerate(ways):
        d = delta(net.cost_function, layers[-1], Y[s].tolist(), scale, ACTIVATIONS[net.activations[-1]][1], small)
        if c is not None:
            weighed = [times(x, c[s]) for x in d]
            weighed = [more(x, gamma(3, r) * x.top + 2 * r.least) for x in weighed]
            d = [fitting(x, x.top, most=small.most) for x in weighed]
        deltas[-1].append(d)
        end = sum(net.sizes[1:-1])
        for l in range(len(net.weights) - 1, 0, -1):
            W = weights[l]
            e = [dot(d, [row[j] for row in W], 0.0, small) for j in range(len(W[0]))]
            if masks is not None:
                e = [_mask(x, k, small) for x, k in zip(e, masks[s, end - len(e) : end].tolist(), strict=True)]
            end -= len(e)
            d = ACTIVATIONS[net.activations[l - 1]][1](layers[l], e, small)
            deltas[l - 1].append(d)
    penalised = bool(net.l1 or net.l2)
    flat: Row = []
    for l, W in enumerate(net.weights):
        for i, row in enumerate(W.tolist()):
            for j, w in enumerate(row):
                g = dot([d[i] for d in deltas[l]], [seen[l][j] for _, seen in ways], 0.0, small)
                g = g if weight_masks is None else _mask(g, float(weight_masks[l][i, j]), small)
                flat.append(with_penalty(g, w, net.l1, net.l2, r) if penalised else g)
        if net.bias:
            flat += [column_sum([d[i] for d in deltas[l]], small) for i in range(len(W))]
    parameters, squares = len(flat), []
    for s, (_, seen) in enumerate(ways):
        found = []
        for l in range(len(net.weights)):
            sides = []
            for row in (deltas[l][s], seen[l]):
                square = total([times(x, x) for x in row])
                sides.append(more(square, len(row) * r.least))
            d2, h2 = sides[0], Number(sides[1].v + net.bias, sides[1].e)
            lost = r.least * (1 + d2.top + sides[1].top) * len(seen[l]) * len(deltas[l][s])
            x = times(d2, h2)
            x = more(x, gamma(parameters + 8, r) * x.top + lost)
            found.append(fitting(x, x.top, most=small.most))
        squares.append(total(found[::-1]))
    if c is None:
        J = scaled(cost(net.cost_function, hs, zs, Y.tolist(), r), scale)
    else:
        costs = [cost(net.cost_function, hs[s : s + 1], zs[s : s + 1], Y[s : s + 1].tolist(), r) for s in range(len(X))]
        J = total([times(x, factor) for x, factor in zip(costs, c, strict=True)])
        J = more(J, gamma(len(X) + 4, r) * J.top + len(X) * r.least)
        J = scaled(fitting(J, J.top, most=r.most), scale)
    if penalised:
        weights = [w for W in net.weights for w in W.ravel().tolist()]
        J = total([J, penalty(weights, net.l1, net.l2, r)])
        J = more(J, r.u * J.top)
        J = fitting(J, J.top, most=r.most)
    return J, flat, squares


def _mask(x: Number, kept: float, r: Rounding) -> Number:
    y = times(x, Number(kept))
    y = more(y, r.u * y.top + r.least)
    return fitting(y, y.top, most=r.most)
