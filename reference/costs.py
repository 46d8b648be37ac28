"""The costs, by name: how wrong the output h is for the target y, and dJ/dz of the output layer; and the penalties."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from samenet.reference.activations import sum_of

Vector = Sequence[float]


class Cost(NamedTuple):
    """J = value(y, h, z) of one sample, and delta(y, h, backward) = dJ/dz.

    y: the target; h: the output; z: its weighted sums; all (n_out,). backward(h, e): the output activation's map from e
    = dJ/dh to dJ/dz; a cost designed for one activation already includes it, and does not call it.
    """

    value: Callable[[Vector, Vector, Vector], float]
    delta: Callable[[Vector, Vector, Callable[[Vector, Vector], list[float]]], list[float]]


def squared_error(y: Vector, h: Vector, z: Vector) -> float:
    """J = 1/2 ||y - h||^2.

    Source: tutorial 000 (docs/sources.md), section 4.
    """
    total = 0.0
    for i in range(len(y)):
        error = y[i] - h[i]
        total += 0.5 * error * error  # error ** 2 would raise OverflowError where other backends give infinity
    return total


def squared_error_delta(y: Vector, h: Vector, backward: Any) -> list[float]:
    """delta_i = -(y_i - h_i) f'(z_i)."""
    return backward(h, [-(y[i] - h[i]) for i in range(len(y))])  # type: ignore[no-any-return]


def sum_of_squares(y: Vector, h: Vector, z: Vector) -> float:
    """J = ||y - h||^2, without the 1/2.

    Source: tutorial 002 (docs/sources.md), class NeuralNetwork.
    """
    total = 0.0
    for i in range(len(y)):
        error = y[i] - h[i]
        total += error * error
    return total


def sum_of_squares_delta(y: Vector, h: Vector, backward: Any) -> list[float]:
    """delta_i = -2 (y_i - h_i) f'(z_i)."""
    return backward(h, [-2.0 * (y[i] - h[i]) for i in range(len(y))])  # type: ignore[no-any-return]


def binary_cross_entropy(y: Vector, h: Vector, z: Vector) -> float:
    """J = -sum_i y_i ln h_i + (1 - y_i) ln(1 - h_i), where h is the sigmoid of z.

    Computed from z, with -ln h = ln(1 + exp(-z)) and -ln(1 - h) = ln(1 + exp(z)): finite even where h rounds to 0 or 1.
    Source: tutorial 002 (docs/sources.md), `cost_function`.

    >>> round(binary_cross_entropy([1.0], [0.0], [-1000.0]))
    1000
    """
    total = 0.0
    for i in range(len(y)):
        above = 0.0 if z[i] <= 0.0 else z[i]
        total += above - y[i] * z[i] + math.log1p(math.exp(-abs(z[i])))
    return total


def binary_cross_entropy_delta(y: Vector, h: Vector, backward: Any) -> list[float]:
    """delta_i = h_i - y_i: the sigmoid's slope h (1 - h) cancels."""
    return [h[i] - y[i] for i in range(len(y))]


def cross_entropy(y: Vector, h: Vector, z: Vector) -> float:
    """J = -sum_i y_i ln h_i, where h is the softmax of z, so that -ln h_i = ln(sum_k exp(z_k)) - z_i.

    >>> cross_entropy([0.0, 1.0], [1.0, 0.0], [1000.0, 0.0])
    1000.0
    """
    largest = max(z)
    logarithm = largest + math.log(sum_of([math.exp(value - largest) for value in z]))
    total = 0.0
    for i in range(len(y)):
        total += y[i] * (logarithm - z[i])
    return total


def cross_entropy_delta(y: Vector, h: Vector, backward: Any) -> list[float]:
    """delta_i = h_i sum_k y_k - y_i, which is h_i - y_i for targets that sum to 1."""
    total = sum_of(y)
    return [h[i] * total - y[i] for i in range(len(y))]


COSTS = {
    "squared_error": Cost(squared_error, squared_error_delta),
    "sum_of_squares": Cost(sum_of_squares, sum_of_squares_delta),
    "binary_cross_entropy": Cost(binary_cross_entropy, binary_cross_entropy_delta),
    "cross_entropy": Cost(cross_entropy, cross_entropy_delta),
}


def penalty(weights: Sequence[Any], l1: float, l2: float) -> float:
    """The penalty on large weights: l1 sum |W| + l2/2 sum W^2, over all weights, without the biases.

    Source: M. Nielsen, Neural Networks and Deep Learning (2015), chapter 3, with lambda/n = l2.
    """
    total = 0.0
    for W in weights:
        for row in W:
            for w in row:
                total += l1 * abs(w) + 0.5 * l2 * w * w
    return total


def penalty_slope(w: float, l1: float, l2: float) -> float:
    """The derivative of the penalty for one weight: l1 sign(w) + l2 w, with sign(0) = 0."""
    sign = 1.0 if w > 0.0 else -1.0 if w < 0.0 else 0.0
    return l1 * sign + l2 * w
