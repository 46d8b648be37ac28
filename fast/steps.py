"""Clipping, and one step of an optimizer's rule, on whole arrays.

The NumPy backend uses them, as do backends without their own updates. Equations and sources:
`samenet.reference.optimizers`.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.optimizers import State, UpdateRule

Array = NDArray[Any]


def clip(g: Array, clip_value: float, clip_norm: float) -> Array:
    """Each entry of g cut to +-clip_value; then g scaled to the length clip_norm, if it is longer. In place.

    The same as `samenet.reference.descent.clip`, on whole arrays.
    Source: R. Pascanu, T. Mikolov, Y. Bengio, On the difficulty of training recurrent neural networks (2013), 3.2.
    """
    if clip_value < math.inf:
        np.clip(g, -clip_value, clip_value, out=g)
    if clip_norm < math.inf:
        length, largest = math.sqrt(np.vdot(g, g)), 1.0
        if not (1e-150 if g.itemsize == 8 else 1e-15) < length < math.inf:  # squares overflowed, or lost digits
            entry = float(np.abs(g).max())
            if 0 < entry < math.inf:
                length, largest = math.sqrt(np.vdot(g / entry, g / entry)), entry
        if length > clip_norm / largest:
            g /= largest
            g *= clip_norm / length
    return g


def step(theta: Array, g: Array, alpha: float, rule: UpdateRule, state: State) -> None:
    """Update theta and the state in place with the gradient g, which is overwritten."""
    state.t += 1
    _STEPS[rule.name](theta, g, alpha, rule, state.t, *state.values)


def _descent(theta: Array, g: Array, alpha: float, rule: Any, t: int) -> None:
    g *= alpha
    theta -= g


def _momentum(theta: Array, g: Array, alpha: float, rule: Any, t: int, v: Array) -> None:
    g *= alpha
    v *= rule.beta
    v -= g
    theta += v


def _nesterov(theta: Array, g: Array, alpha: float, rule: Any, t: int, v: Array) -> None:
    g *= alpha
    v *= rule.beta
    v -= g
    theta += rule.beta * v
    theta -= g


def _rmsprop(theta: Array, g: Array, alpha: float, rule: Any, t: int, s: Array) -> None:
    s[:] = rule.decay * s + (1 - rule.decay) * g * g
    theta -= _quotient(alpha * g, np.sqrt(s) + rule.epsilon)


def _adam(theta: Array, g: Array, alpha: float, rule: Any, t: int, m: Array, v: Array) -> None:
    m[:] = rule.beta1 * m + (1 - rule.beta1) * g
    v[:] = rule.beta2 * v + (1 - rule.beta2) * g * g
    root = np.sqrt(v * (1 / (1 - rule.beta2**t)))
    theta -= _quotient(m * (alpha / (1 - rule.beta1**t)), root + rule.epsilon)


def _quotient(a: Array, b: Array) -> Array:
    """a / b, and 0 where b is 0: with epsilon = 0, a parameter whose gradient was always 0 does not change."""
    quotient: Array = np.divide(a, b, out=np.zeros_like(a), where=b != 0)
    return quotient


_STEPS: dict[str, Callable[..., None]] = {
    "descent": _descent,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "rmsprop": _rmsprop,
    "adam": _adam,
}
