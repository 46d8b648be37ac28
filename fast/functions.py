"""The activation functions and costs on whole arrays, by name: what the backends on arrays compute.

`xp` is the namespace of the arrays' library, see `samenet.fast.arrays`. Equations and sources:
`samenet.reference.activations` and `samenet.reference.costs`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from samenet.fast.sample_weight import weighed

Array = Any  # an array of the library


class Activation(NamedTuple):
    """activate(xp, z): h, of a vector or rows; backward(xp, h, e): dJ/dz, from e = dJ/dh, which it may overwrite."""

    activate: Callable[[Any, Array], Array]
    backward: Callable[[Any, Array, Array], Array]


def _sigmoid(xp: Any, z: Array) -> Array:
    h = xp.exp(-z)  # exp(1000) is infinity, and 1 / (1 + infinity) is 0, as it should be
    h += 1
    return 1 / h


def _sigmoid_backward(xp: Any, h: Array, e: Array) -> Array:
    e *= h
    e *= 1 - h
    return e


def _tanh_backward(xp: Any, h: Array, e: Array) -> Array:
    e *= 1 - h
    e *= 1 + h
    return e


def _relu_backward(xp: Any, h: Array, e: Array) -> Array:
    e *= xp.sign(h)  # not e * (h > 0), which XLA rewrites so that NaN becomes 0
    return e


def _softmax(xp: Any, z: Array) -> Array:
    h = xp.exp(z - xp.max(z, axis=-1, keepdims=True))
    h /= h.sum(axis=-1, keepdims=True)
    return h


def _softmax_backward(xp: Any, h: Array, e: Array) -> Array:
    e -= (e * h).sum(axis=-1, keepdims=True)
    e *= h
    return e


ACTIVATIONS = {
    "sigmoid": Activation(_sigmoid, _sigmoid_backward),
    "tanh": Activation(lambda xp, z: xp.tanh(z), _tanh_backward),
    "relu": Activation(lambda xp, z: np.maximum(z, 0) if xp is np else z.clip(0), _relu_backward),
    "identity": Activation(lambda xp, z: z, lambda xp, h, e: e),
    "softmax": Activation(_softmax, _softmax_backward),
}


class Cost(NamedTuple):
    """value(xp, Y, h, z, c): the sum over the samples, times their factors c (m, 1) unless that is None; delta(xp, Y,
    h, backward): dJ/dz.
    """

    value: Callable[[Any, Array, Array, Array, Array | None], Array]
    delta: Callable[[Any, Array, Array, Callable[[Any, Array, Array], Array]], Array]


def _sum(xp: Any, terms: Array, c: Array | None) -> Array:
    return (terms if c is None else weighed(xp, terms, c)).sum(dtype=xp.float64)


def _squares(xp: Any, Y: Array, h: Array, z: Array, c: Array | None) -> Array:
    error = h - Y
    return np.vdot(error, error) if xp is np and c is None else _sum(xp, error * error, c)


def _squares_delta(xp: Any, Y: Array, h: Array, backward: Callable[[Any, Array, Array], Array]) -> Array:
    return backward(xp, h, h - Y)


def _binary_cross_entropy(xp: Any, Y: Array, h: Array, z: Array, c: Array | None) -> Array:
    return _sum(xp, z.clip(0) - Y * z + xp.log1p(xp.exp(-xp.abs(z))), c)


def _cross_entropy(xp: Any, Y: Array, h: Array, z: Array, c: Array | None) -> Array:
    largest = xp.max(z, axis=-1, keepdims=True)
    logarithm = largest + xp.log(xp.exp(z - largest).sum(axis=-1, keepdims=True))
    return _sum(xp, Y * (logarithm - z), c)


COSTS = {
    "squared_error": Cost(lambda xp, Y, h, z, c: 0.5 * _squares(xp, Y, h, z, c), _squares_delta),
    "sum_of_squares": Cost(_squares, lambda xp, Y, h, backward: 2 * _squares_delta(xp, Y, h, backward)),
    "binary_cross_entropy": Cost(_binary_cross_entropy, lambda xp, Y, h, _: h - Y),
    "cross_entropy": Cost(_cross_entropy, lambda xp, Y, h, _: h * Y.sum(axis=-1, keepdims=True) - Y),
}
