"""Clipping, and one step of an optimizer's rule, on whole arrays.

`xp` is the namespace of the arrays' library, see `samenet.fast.arrays`. Equations and sources:
`samenet.reference.optimizers`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samenet.optimizers import UpdateRule

Array = Any  # an array of the library
Values = Sequence[Array]


def clip(xp: Any, g: Array, clip_value: float, clip_norm: float) -> Array:
    """Each entry of g cut to +-clip_value; then g scaled to the length clip_norm, if it is longer.

    The same as `samenet.reference.descent.clip`, on whole arrays.
    Source: R. Pascanu, T. Mikolov, Y. Bengio, On the difficulty of training recurrent neural networks (2013), 3.2.
    """
    if clip_value <= float(xp.finfo(g.dtype).max):  # PyTorch refuses a limit that the dtype cannot hold
        g = xp.clip(g, -clip_value, clip_value)
    if clip_norm < math.inf:
        length = math.sqrt(g.dot(g)) if xp is np else 0.0
        if 1e-12 < length < math.inf:  # no square that counts underflowed
            return g * (clip_norm / length) if length > clip_norm else g
        limits = xp.finfo(g.dtype)
        largest = xp.abs(g).max().clip(float(limits.smallest_normal), float(limits.max))
        scaled = g / largest  # because the squares of g may overflow, or all underflow
        length = xp.sqrt((scaled * scaled).sum())
        g = xp.where(length > clip_norm / largest, scaled * (clip_norm / length), g)
    return g


def step(
    xp: Any, rule: UpdateRule, theta: Array, g: Array, values: Values, first: Any, second: Any
) -> tuple[Array, Values]:
    """theta and the rule's state after an update against g, which it may overwrite; first, second: see `scales`."""
    theta, *values = _STEPS[rule.name](xp, rule, theta, g, *values, first, second)
    return theta, values


def scales(rule: Any, alpha: float, t: int) -> tuple[float, float]:
    """alpha and 1; of Adam's t-th update alpha / (1 - beta1^t) and 1 / (1 - beta2^t)."""
    return (alpha / (1 - rule.beta1**t), 1 / (1 - rule.beta2**t)) if rule.name == "adam" else (alpha, 1.0)


def _descent(xp: Any, rule: Any, theta: Array, g: Array, alpha: Any, _: Any) -> Values:
    g *= alpha
    theta -= g
    return (theta,)


def _momentum(xp: Any, rule: Any, theta: Array, g: Array, v: Array, alpha: Any, _: Any) -> Values:
    g *= alpha
    v *= rule.beta
    v -= g
    theta += v
    return theta, v


def _nesterov(xp: Any, rule: Any, theta: Array, g: Array, v: Array, alpha: Any, _: Any) -> Values:
    g *= alpha
    v *= rule.beta
    v -= g
    theta += rule.beta * v
    theta -= g
    return theta, v


def _rmsprop(xp: Any, rule: Any, theta: Array, g: Array, s: Array, alpha: Any, _: Any) -> Values:
    s *= rule.decay
    s += (1 - rule.decay) * g * g
    theta -= _quotient(xp, alpha * g, xp.sqrt(s) + rule.epsilon)
    return theta, s


def _adam(xp: Any, rule: Any, theta: Array, g: Array, m: Array, v: Array, of_m: Any, of_v: Any) -> Values:
    m *= rule.beta1
    m += (1 - rule.beta1) * g
    v *= rule.beta2
    v += (1 - rule.beta2) * g * g
    theta -= _quotient(xp, m * of_m, xp.sqrt(v * of_v) + rule.epsilon)
    return theta, m, v


def _quotient(xp: Any, a: Array, b: Array) -> Array:
    """a / b, and 0 where b is 0: with epsilon = 0, a parameter whose gradient was always 0 does not change."""
    return a / xp.where(b == 0, math.inf, b)


_STEPS: dict[str, Callable[..., Values]] = {
    "descent": _descent,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "rmsprop": _rmsprop,
    "adam": _adam,
}
