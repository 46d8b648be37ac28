"""The activation functions, by name: what a layer does to its weighted sums, and how errors propagate back."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from samenet.reference.sigmoid import sigmoid, sigmoid_slope

Vector = Sequence[float]


class Activation(NamedTuple):
    """h = activate(z) for a whole layer; backward(h, e) is dJ/dz from e = dJ/dh and the layer's own output h."""

    activate: Callable[[Vector], list[float]]
    backward: Callable[[Vector, Vector], list[float]]


def _each(f: Callable[[float], float], slope: Callable[[float], float]) -> Activation:
    """An elementwise activation: h_i = f(z_i), dJ/dz_i = e_i f'(z_i), with f' computed from the output."""
    return Activation(
        lambda z: [f(value) for value in z],
        lambda h, e: [e[i] * slope(h[i]) for i in range(len(h))],
    )


def tanh_slope(h: float) -> float:
    """The derivative of tanh, from its output h = tanh(z): 1 - h^2, as (1 - h)(1 + h) to avoid cancellation.

    >>> tanh_slope(0.0), tanh_slope(1.0)
    (1.0, 0.0)
    """
    return (1.0 - h) * (1.0 + h)


def relu(z: float) -> float:
    """The rectified linear unit, max(0, z); NaN stays NaN.

    Source: V. Nair and G. Hinton, Rectified linear units improve restricted Boltzmann machines (2010).

    >>> relu(-2.0), relu(2.0)
    (0.0, 2.0)
    """
    return 0.0 if z <= 0.0 else z


def relu_slope(h: float) -> float:
    """The derivative of relu, from its output: 1 if z > 0, else 0; at z = 0 this is a convention."""
    return 1.0 if h > 0.0 else 0.0


def softmax(z: Vector) -> list[float]:
    """h_i = exp(z_i) / sum_k exp(z_k): positive, summing to 1. The largest z is subtracted first, to avoid overflow.

    Source: J. Bridle, Probabilistic interpretation of feedforward classification network outputs (1990).

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
    largest = max(z)
    powers = [math.exp(value - largest) for value in z]
    total = sum_of(powers)
    return [power / total for power in powers]


def softmax_backward(h: Vector, e: Vector) -> list[float]:
    """dJ/dz_i = sum_k e_k dh_k/dz_i = h_i (e_i - sum_k e_k h_k): every output depends on every z."""
    mean = 0.0
    for k in range(len(h)):
        mean += e[k] * h[k]
    return [h[i] * (e[i] - mean) for i in range(len(h))]


def sum_of(values: Vector) -> float:
    """The sum, from left to right (since Python 3.12 the built-in `sum` compensates for rounding)."""
    total = 0.0
    for value in values:
        total += value
    return total


ACTIVATIONS = {
    "sigmoid": _each(sigmoid, sigmoid_slope),
    "tanh": _each(math.tanh, tanh_slope),
    "relu": _each(relu, relu_slope),
    "identity": Activation(list, lambda h, e: list(e)),
    "softmax": Activation(softmax, softmax_backward),
}
