"""The activation functions and costs on whole arrays, by name: what the NumPy backend computes.

Equations and sources: `samenet.reference.activations` and `samenet.reference.costs`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.fast.sample_weight import weighed

Array = NDArray[Any]


class Activation(NamedTuple):
    """activate(z) turns z into h; backward(h, e) turns e = dJ/dh into dJ/dz. Both work in place, on a vector or
    rows."""

    activate: Callable[[Array], object]
    backward: Callable[[Array, Array], object]


def _sigmoid(z: Array) -> None:
    np.negative(z, out=z)
    np.exp(z, out=z)  # exp(1000) is infinity, and 1 / (1 + infinity) is 0, as it should be
    z += 1
    np.reciprocal(z, out=z)


def _sigmoid_backward(h: Array, e: Array) -> None:
    e *= h
    e *= 1 - h


def _tanh_backward(h: Array, e: Array) -> None:
    e *= 1 - h
    e *= 1 + h


def _softmax(z: Array) -> None:
    z -= z.max(axis=-1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=-1, keepdims=True)


def _softmax_backward(h: Array, e: Array) -> None:
    e -= (e * h).sum(axis=-1, keepdims=True)
    e *= h


def _nothing(*_: Array) -> None:
    """The identity, forward and backward."""


ACTIVATIONS = {
    "sigmoid": Activation(_sigmoid, _sigmoid_backward),
    "tanh": Activation(lambda z: np.tanh(z, out=z), _tanh_backward),
    "relu": Activation(lambda z: np.maximum(z, 0, out=z), lambda h, e: np.multiply(e, h > 0, out=e)),
    "identity": Activation(_nothing, _nothing),
    "softmax": Activation(_softmax, _softmax_backward),
}


class Cost(NamedTuple):
    """value(Y, h, z, c): the sum over the samples, times their factors c (m, 1) unless that is None; delta(Y, h,
    backward): dJ/dz; and whether the value needs z.
    """

    value: Callable[[Array, Array, Array, Array | None], float]
    delta: Callable[[Array, Array, Callable[[Array, Array], object]], Array]
    needs_z: bool = False


def _sum(terms: Array, c: Array | None) -> float:
    return float((terms if c is None else weighed(terms, c)).sum(dtype=np.float64))


def _squares(Y: Array, h: Array, z: Array, c: Array | None) -> float:
    error = h - Y
    return float(np.vdot(error, error)) if c is None else _sum(error * error, c)


def _squares_delta(Y: Array, h: Array, backward: Callable[[Array, Array], object]) -> Array:
    delta: Array = h - Y
    backward(h, delta)
    return delta


def _binary_cross_entropy(Y: Array, h: Array, z: Array, c: Array | None) -> float:
    return _sum(np.maximum(z, 0) - Y * z + np.log1p(np.exp(-np.abs(z))), c)


def _cross_entropy(Y: Array, h: Array, z: Array, c: Array | None) -> float:
    largest = z.max(axis=1, keepdims=True)
    logarithm = largest + np.log(np.exp(z - largest).sum(axis=1, keepdims=True))
    return _sum(Y * (logarithm - z), c)


COSTS = {
    "squared_error": Cost(lambda Y, h, z, c: 0.5 * _squares(Y, h, z, c), _squares_delta),
    "sum_of_squares": Cost(_squares, lambda Y, h, backward: 2 * _squares_delta(Y, h, backward)),
    "binary_cross_entropy": Cost(_binary_cross_entropy, lambda Y, h, _: h - Y, needs_z=True),
    "cross_entropy": Cost(_cross_entropy, lambda Y, h, _: h * Y.sum(axis=1, keepdims=True) - Y, needs_z=True),
}
