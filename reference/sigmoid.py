"""The sigmoid and its slope."""

import math

_OVERFLOW = -709.0  # below it, exp(-z) may overflow; the sigmoid is then less than 1e-307


def sigmoid(z: float) -> float:
    """The activation of a node, f(z) = 1 / (1 + exp(-z)).

    z: any number; defined everywhere, from 0.0 at z = -1000 to 1.0 at z = 1000. Error below 2 ulp.
    Source: tutorial 000 (docs/sources.md), section 2.1.

    >>> sigmoid(0.0), sigmoid(-1000.0), sigmoid(1000.0)
    (0.5, 0.0, 1.0)
    """
    if z < _OVERFLOW:
        return 0.0
    return 1.0 / (1.0 + math.exp(-z))


def sigmoid_slope(h: float) -> float:
    """The derivative of the sigmoid, from its output h = f(z): f'(z) = h (1 - h), at most 1/4.

    Source: tutorial 000 (docs/sources.md), section 4.3.

    >>> sigmoid_slope(sigmoid(0.0))
    0.25
    """
    return h * (1.0 - h)
