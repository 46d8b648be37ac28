"""Updates on the arrays of a library with the Python array API: masks, clipping, and the optimizers' rules.

The same as `samenet.fast.masks` and `samenet.fast.steps`, without in-place operations. Equations: `samenet.reference`.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.backends.dropout import DropConnect, Dropout
from samenet.fast.arrays import Array, Description, gradient, moved
from samenet.optimizers import UpdateRule

Put = Callable[[NDArray[Any]], Array]  # copies a NumPy array to the device


class Masks(NamedTuple):
    """Thresholds and factors of dropout and DropConnect on the library's arrays; None if not used.

    For DropConnect, both are (weights,): one for each weight.
    """

    dropout: tuple[Array, Array] | None = None
    drop_connect: tuple[Array, Array] | None = None

    @classmethod
    def of(cls, put: Put, d: Description, dropout: Dropout | None, drop_connect: DropConnect | None) -> "Masks":
        """Convert the arguments of the backend contract."""
        of_nodes = None if dropout is None else (put(dropout.thresholds), put(dropout.factors))
        if drop_connect is None:
            return cls(of_nodes)
        sizes = [n_in * n_out for n_in, n_out in pairwise(d.sizes)]
        of_weights = (np.repeat(values, sizes) for values in (drop_connect.thresholds, drop_connect.factors))
        return cls(of_nodes, tuple(map(put, of_weights)))


class Counters(NamedTuple):
    """The generator's key, and the counters before an update's masks: signed scalars, modulo 2^64."""

    key: Array
    dropout: Array
    drop_connect: Array

    @classmethod
    def of(cls, d: Description, dropout: Dropout | None, drop_connect: DropConnect | None) -> "Counters":
        """The counters of a call's first update, in NumPy's memory."""
        masks = dropout or drop_connect
        of_nodes = 0 if dropout is None else dropout.first * d.nodes
        of_weights = 0 if drop_connect is None else 2**63 + drop_connect.first * d.weights
        numbers = map(_signed, (masks.key if masks else 0, of_nodes, of_weights))
        return cls(*(np.array(n, np.int64) for n in numbers))

    def after(self, d: Description, samples: Any, updates: Any) -> "Counters":
        """The counters after this many samples and updates."""
        return Counters(self.key, self.dropout + samples * d.nodes, self.drop_connect + updates * d.weights)


def _signed(n: int) -> int:
    """The signed integer of 64 bits that is n modulo 2^64."""
    return (n + 2**63) % 2**64 - 2**63


_GROWTH, _FIRST, _SECOND = map(_signed, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def _random(key: Array, n: Array) -> Array:
    """splitmix64(key, n) >> 11; see `samenet.reference.dropout.splitmix64`. Signed integers wrap around too."""
    z = key + n * _GROWTH
    z = (z ^ _shifted(z, 30)) * _FIRST
    z = (z ^ _shifted(z, 27)) * _SECOND
    return _shifted(z ^ _shifted(z, 31), 11)


def _shifted(z: Array, bits: int) -> Array:
    """A logical right shift, computed with the arithmetic shift of signed integers."""
    return (z >> bits) & (2 ** (64 - bits) - 1)


def masks_of(
    xp: Any, d: Description, masks: Masks, counters: Counters, rows: int
) -> tuple[Array | None, list[Array] | None]:
    """The factors of all hidden nodes for a batch, (rows, n), and of all weights, one matrix per layer."""
    of_nodes, of_weights = None, None
    if masks.dropout is not None:
        of_nodes = _kept(xp, d, *masks.dropout, counters.key, counters.dropout, (rows, d.nodes))
    if masks.drop_connect is not None:
        flat, end, of_weights = _kept(xp, d, *masks.drop_connect, counters.key, counters.drop_connect, (-1,)), 0, []
        for n_in, n_out in pairwise(d.sizes):
            start, end = end, end + n_out * n_in
            of_weights.append(flat[start:end].reshape((n_out, n_in)))
    return of_nodes, of_weights


def _kept(
    xp: Any, d: Description, thresholds: Array, factors: Array, key: Array, first: Array, shape: tuple[int, ...]
) -> Array:
    """The factors, with 0 for dropped entries; shape: that of `thresholds`, or rows of it."""
    count = shape[0] * d.nodes if len(shape) > 1 else d.weights
    n = xp.arange(1, count + 1, dtype=xp.int64, device=getattr(first, "device", None))  # JAX finds it out
    return xp.where(_random(key, first + n).reshape(shape) >= thresholds, factors, xp.zeros_like(factors))


def clip(xp: Any, g: Array, clip_value: float, clip_norm: float) -> Array:
    """Each entry of g cut to +-clip_value; then g scaled to the length clip_norm, if it is longer."""
    if clip_value < math.inf:
        g = xp.clip(g, -clip_value, clip_value)
    if clip_norm < math.inf:
        entry = xp.max(xp.abs(g))  # g is divided by it first, because its squares may overflow, or all underflow
        largest = xp.where((entry > 0) & xp.isfinite(entry), entry, xp.ones_like(entry))
        scaled = g / largest
        length = xp.sqrt(xp.sum(scaled * scaled))
        g = xp.where(length > clip_norm / largest, scaled * (clip_norm / length), g)
    return g


def step(
    xp: Any, rule: UpdateRule, theta: Array, g: Array, values: Sequence[Array], first: Array, second: Array
) -> tuple[Array, list[Array]]:
    """theta and the rule's state after an update against g; first, second: see `scales`."""
    r: Any = rule
    match rule.name:
        case "descent":
            return theta - first * g, []
        case "momentum":
            v = r.beta * values[0] - first * g
            return theta + v, [v]
        case "nesterov":
            v = r.beta * values[0] - first * g
            return theta + r.beta * v - first * g, [v]
        case "rmsprop":
            s = r.decay * values[0] + (1 - r.decay) * g * g
            return theta - _quotient(xp, first * g, xp.sqrt(s) + r.epsilon), [s]
        case "adam":
            m = r.beta1 * values[0] + (1 - r.beta1) * g
            v = r.beta2 * values[1] + (1 - r.beta2) * g * g
            return theta - _quotient(xp, m * first, xp.sqrt(v * second) + r.epsilon), [m, v]
    raise ValueError(f"optimizer: expected a rule of samenet.optimizers, got {rule}")


def scales(rule: Any, alpha: float, t: int) -> tuple[float, float]:
    """alpha and 1; of Adam's t-th update alpha / (1 - beta1^t) and 1 / (1 - beta2^t)."""
    return (alpha / (1 - rule.beta1**t), 1 / (1 - rule.beta2**t)) if rule.name == "adam" else (alpha, 1.0)


def _quotient(xp: Any, a: Array, b: Array) -> Array:
    """a / b, and 0 where b is 0: with epsilon = 0, a parameter whose gradient was always 0 does not change."""
    return xp.where(b == 0, xp.zeros_like(a), a / xp.where(b == 0, xp.ones_like(b), b))


def update(
    xp: Any,
    d: Description,
    rule: UpdateRule,
    clipping: tuple[float, float],
    everything: Array,
    values: Sequence[Array],
    x: Array,
    y: Array,
    factors: tuple[Array, Array],
    masks: Masks,
    counters: Counters,
    sample_weight: Array | None,
) -> tuple[Array, list[Array], Array]:
    """Everything that training changes, and the rule's state, after an update from these rows; and the cost."""
    left_out = masks_of(xp, d, masks, counters, x.shape[0])
    cost, g, batches = gradient(xp, d, everything, x, y, *left_out, sample_weight)
    n = d.parameters
    theta, values = step(xp, rule, everything[:n], clip(xp, g, *clipping), values, *factors)
    running = [moved(xp, d, everything, batches)] if any(d.normalized) else []
    return xp.concat([theta, *running]) if running else theta, values, cost
