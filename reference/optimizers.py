"""The optimizers' rules, by name: what one update does to a row of parameters.

Each function updates in place theta, a row of parameters (a row of W, or b), and the same row of each state array,
its last arguments. g is that row of the gradient, alpha the learning rate, t the number of the update, counted from 1;
`rule` has the constants as attributes.
"""

import math
from collections.abc import Callable
from typing import Any


def descent(theta: Any, g: Any, alpha: float, rule: Any, t: int) -> None:
    """theta := theta - alpha g.

    Source: tutorial 000 (docs/sources.md), section 4.
    """
    for j in range(len(g)):
        theta[j] -= alpha * g[j]


def momentum(theta: Any, g: Any, alpha: float, rule: Any, t: int, v: Any) -> None:
    """v := beta v - alpha g;  theta := theta + v.

    Source: B. T. Polyak, Some methods of speeding up the convergence of iteration methods (1964).
    """
    for j in range(len(g)):
        velocity = rule.beta * v[j] - alpha * g[j]
        v[j] = velocity
        theta[j] += velocity


def nesterov(theta: Any, g: Any, alpha: float, rule: Any, t: int, v: Any) -> None:
    """v := beta v - alpha g;  theta := theta + beta v - alpha g, where theta is the look-ahead point.

    Sources: Y. Nesterov (1983), in the form of Y. Bengio, N. Boulanger-Lewandowski and R. Pascanu, Advances in
    optimizing recurrent networks (2013).
    """
    for j in range(len(g)):
        move = -alpha * g[j]
        velocity = rule.beta * v[j] + move
        v[j] = velocity
        theta[j] += rule.beta * velocity + move


def rmsprop(theta: Any, g: Any, alpha: float, rule: Any, t: int, s: Any) -> None:
    """s := decay s + (1 - decay) g^2;  theta := theta - alpha g / (sqrt(s) + epsilon).

    Source: T. Tieleman and G. Hinton, Neural networks for machine learning, lecture 6.5 (2012); epsilon stands
    outside the root. Where the divisor is 0, since every gradient so far was 0, theta is not changed.
    """
    for j in range(len(g)):
        s[j] = rule.decay * s[j] + (1 - rule.decay) * g[j] * g[j]
        divisor = math.sqrt(s[j]) + rule.epsilon
        if divisor != 0:
            theta[j] -= alpha * g[j] / divisor


def adam(theta: Any, g: Any, alpha: float, rule: Any, t: int, m: Any, v: Any) -> None:
    """m := beta1 m + (1 - beta1) g;  v := beta2 v + (1 - beta2) g^2;

    theta := theta - alpha m' / (sqrt(v') + epsilon), where m' = m / (1 - beta1^t) and v' = v / (1 - beta2^t) correct
    the bias of m and v towards their initial zeros. Where the divisor is 0, theta is not changed.
    Source: D. P. Kingma and J. Ba, Adam: a method for stochastic optimization (2015), algorithm 1.
    """
    of_m, of_v = 1 - rule.beta1**t, 1 - rule.beta2**t
    for j in range(len(g)):
        m[j] = rule.beta1 * m[j] + (1 - rule.beta1) * g[j]
        v[j] = rule.beta2 * v[j] + (1 - rule.beta2) * g[j] * g[j]
        divisor = math.sqrt(v[j] / of_v) + rule.epsilon
        if divisor != 0:
            theta[j] -= alpha * (m[j] / of_m) / divisor


RULES: dict[str, Callable[..., None]] = {
    "descent": descent,
    "momentum": momentum,
    "nesterov": nesterov,
    "rmsprop": rmsprop,
    "adam": adam,
}
