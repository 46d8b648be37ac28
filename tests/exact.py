"""The network in decimal arithmetic with 60 digits and unbounded exponents: rounding errors are far below a float's.

It is written from the equations, not from a backend, to test the bound on the error of a single computation.
"""

from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = list[Decimal]
_DIGITS = Context(prec=60, Emin=-(10**17), Emax=10**17, traps=[])
ZERO, ONE, _SMALL = Decimal(0), Decimal(1), Decimal("1e-20")


def _numbers(values: NDArray[Any]) -> Any:
    """An array as nested lists; a float is a decimal number exactly."""
    return [_numbers(v) for v in values] if values.ndim else Decimal(float(values))


def _sigmoid(z: Decimal) -> Decimal:
    t = (-abs(z)).exp()
    return (t if z < 0 else ONE) / (ONE + t)


def _tanh(z: Decimal) -> Decimal:
    if abs(z) < _SMALL:  # where 1 - t would be left with too few digits; the next term is z^5 2/15
        return z - z**3 / 3
    t = (-2 * abs(z)).exp()
    return (ONE - t) / (ONE + t) * (1 if z > 0 else -1)


def _softmax(z: Vector) -> Vector:
    powers = [(v - max(z)).exp() for v in z]
    return [power / sum(powers) for power in powers]


def _softmax_back(h: Vector, e: Vector) -> Vector:
    mean = sum(a * b for a, b in zip(h, e, strict=True))
    return [a * (b - mean) for a, b in zip(h, e, strict=True)]


def _each(f: Callable[..., Any]) -> Callable[..., Vector]:
    return lambda *vectors: [f(*values) for values in zip(*vectors, strict=True)]


_ACTIVATIONS: dict[str, tuple[Callable[..., Vector], Callable[..., Vector]]] = {
    "sigmoid": (_each(_sigmoid), _each(lambda h, e: e * h * (ONE - h))),
    "tanh": (_each(_tanh), _each(lambda h, e: e * (ONE - h) * (ONE + h))),
    "relu": (_each(lambda z: max(z, ZERO)), _each(lambda h, e: e if h > 0 else ZERO)),
    "identity": (_each(lambda z: z), _each(lambda h, e: e)),
    "softmax": (_softmax, _softmax_back),
}


def _cost(name: str, y: Vector, h: Vector, z: Vector) -> Decimal:
    if name == "cross_entropy":
        largest = max(z)
        L = largest + sum((v - largest).exp() for v in z).ln()
        return sum((a * (L - v) for a, v in zip(y, z, strict=True)), ZERO)
    if name == "binary_cross_entropy":
        return sum((max(v, ZERO) - a * v + (ONE + (-abs(v)).exp()).ln() for a, v in zip(y, z, strict=True)), ZERO)
    return sum(((a - b) ** 2 for a, b in zip(y, h, strict=True)), ZERO) / (2 if name == "squared_error" else 1)


def _delta(name: str, y: Vector, h: Vector, back: Callable[..., Vector]) -> Vector:
    if name in ("cross_entropy", "binary_cross_entropy"):
        total = sum(y) if name == "cross_entropy" else ONE
        return [a * total - b for a, b in zip(h, y, strict=True)]
    factor = 1 if name == "squared_error" else 2
    return back(h, [factor * (a - b) for a, b in zip(h, y, strict=True)])


def _sums(W: Any, b: Any, h: Vector) -> Vector:
    return [sum((w * v for w, v in zip(row, h, strict=True)), b[i] if b else ZERO) for i, row in enumerate(W)]


def _times(M: Any, W: Any) -> Any:
    return [[m * w for m, w in zip(*rows, strict=True)] for rows in zip(M, W, strict=True)]


def run(
    network: Any,
    X: NDArray[Any],
    Y: NDArray[Any],
    reduction: str,
    masks: NDArray[Any] | None = None,
    weight_masks: list[NDArray[Any]] | None = None,
    sample_weight: NDArray[np.float64] | None = None,
) -> tuple[Any, Decimal, Vector]:
    """The output for each sample, without masks; the cost and the flat gradient, with masks."""
    with localcontext(_DIGITS):
        weights, biases = [_numbers(W) for W in network.weights], [_numbers(b) for b in network.biases]
        activations = [_ACTIVATIONS[name] for name in network.activations]
        outputs, cost, used = [], ZERO, weights
        if weight_masks is not None:
            used = [_times(M, W) for M, W in zip(map(_numbers, weight_masks), weights, strict=True)]
        dW = [[[ZERO] * len(row) for row in W] for W in weights]
        db = [[ZERO] * len(b) for b in biases]
        c = [ONE] * len(X) if sample_weight is None else _numbers(sample_weight)
        for s in range(len(X)):
            x, y = _numbers(X[s]), _numbers(Y[s])
            h = x
            for l, W in enumerate(weights):
                h = activations[l][0](_sums(W, biases[l] if biases else None, h))
            outputs.append(h)
            layers, seen, z, start, kept = [x], [x], x, 0, []
            for l, W in enumerate(used):
                z = _sums(W, biases[l] if biases else None, seen[-1])
                layers.append(activations[l][0](z))
                n = len(W)
                dropped = masks is not None and l < len(weights) - 1
                kept.append(_numbers(masks[s, start : start + n]) if dropped else [ONE] * n)
                seen.append([a * b for a, b in zip(layers[-1], kept[-1], strict=True)])
                start += n
            cost += c[s] * _cost(network.cost_function, y, layers[-1], z)
            delta = [c[s] * d for d in _delta(network.cost_function, y, layers[-1], activations[-1][1])]
            for l in range(len(weights) - 1, -1, -1):
                for i, d in enumerate(delta):
                    dW[l][i] = [a + d * b for a, b in zip(dW[l][i], seen[l], strict=True)]
                    if biases:
                        db[l][i] += d
                if l:
                    columns = zip(*used[l], strict=True)
                    e = [sum(w * d for w, d in zip(column, delta, strict=True)) for column in columns]
                    e = [a * b for a, b in zip(e, kept[l - 1], strict=True)]
                    delta = activations[l - 1][1](layers[l], e)
        if weight_masks is not None:
            dW = [_times(M, g) for M, g in zip(map(_numbers, weight_masks), dW, strict=True)]
        return outputs, *_reduced(network, weights, cost, dW, db, sum(c) or ONE if reduction == "mean" else ONE)


def _reduced(network: Any, weights: Any, cost: Decimal, dW: Any, db: Any, m: Decimal) -> tuple[Decimal, Vector]:
    """The cost and gradient divided by m, the sum of the weights, with penalties, in the order of the flat vector."""
    l1, l2 = Decimal(network.l1), Decimal(network.l2)
    flat: Vector = []
    cost /= m
    for l, W in enumerate(weights):
        for row, slopes in zip(W, dW[l], strict=True):
            for w, g in zip(row, slopes, strict=True):
                flat.append(g / m + l1 * (w > 0) - l1 * (w < 0) + l2 * w)
                cost += l1 * abs(w) + l2 * w * w / 2
        flat += [g / m for g in db[l]] if db else []
    return cost, flat


def distance(computed: Any, exact: Any) -> NDArray[np.float64]:
    """|computed - exact|, flat, rounded at the end."""
    flat = np.ravel(np.array(exact, object)).tolist()
    with localcontext(_DIGITS):
        values = np.ravel(np.asarray(computed, np.float64)).tolist()
        return np.array([float(abs(Decimal(a) - b)) for a, b in zip(values, flat, strict=True)])
