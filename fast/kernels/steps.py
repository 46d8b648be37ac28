"""The optimizers' rules: clipping, and one step against the gradient; equations: `samenet.reference.optimizers`."""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import boolean, float64, int64, types

from samenet.fast.kernels.codegen.arithmetic import clip, sqrt, where
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.loops import vectorized

RULES = ("descent", "momentum", "nesterov", "rmsprop", "adam")  # kernels use their indices; new ones go last
DESCENT, MOMENTUM, NESTEROV, RMSPROP, ADAM = map(RULES.index, ("descent", "momentum", "nesterov", "rmsprop", "adam"))
_TINY_32, _TINY_64 = float(np.finfo(np.float32).tiny), float(np.finfo(np.float64).tiny)
_EPSILON = 1e-10  # from which the root of a subnormal number is negligible beside it


class Rule(NamedTuple):
    """A rule with its constants, clipping, and the number of updates before a call."""

    code: int  # its place in `RULES`
    beta1: float = 0.0  # or beta
    beta2: float = 0.0  # or decay
    epsilon: float = 0.0
    clip_value: float = math.inf
    clip_norm: float = math.inf
    t: int = 0


RULE = types.NamedTuple((int64, *(float64,) * 5, int64), Rule)


class Update(NamedTuple):
    """The step of one update, and the penalties in its gradient."""

    alpha: Any
    rule: Any
    t: Any  # its number
    state: Any  # a row for each of the rule's state arrays
    l1: Any
    l2: Any
    is_of_theta: Any  # whether the step changes theta, and state is laid out like theta instead of P
    is_unpacked: Any  # whether the forward pass reads theta, too


def update_type(f):
    """The type of an `Update`."""
    return types.NamedTuple((float64, RULE, int64, f[:, ::1], float64, float64, *(boolean,) * 2), Update)


_sum_of_squares = vectorized(lambda a: (a * a,))
cut = vectorized(lambda g, limit: (clip(g, -limit, limit),), stores=1)


@kernel()
def _over_largest(values):
    """The largest absolute entry, and the norm divided by it; 1 and the norm if the gradient is 0 or overflowed."""
    largest = 0.0
    for i in range(values.size):
        largest = max(largest, abs(values[i]))
    if not 0.0 < largest < np.inf:
        return 1.0, math.sqrt(_sum_of_squares(values))
    total = 0.0
    for i in range(values.size):
        scaled = values[i] / largest
        total += scaled * scaled
    return largest, math.sqrt(total)


@kernel()
def is_exact(length, itemsize):
    """Whether the squares of a vector of this length neither overflowed nor lost digits."""
    return (1e-150 if itemsize == 8 else 1e-15) < length < np.inf


@kernel()
def limits_of(g, squares, clip_norm):
    """What g, whose squares have this sum, is to be divided by and multiplied by, so that its norm is limited."""
    largest, length = 1.0, math.sqrt(squares)
    if not is_exact(length, g.itemsize):
        largest, length = _over_largest(g)
    if length > clip_norm / largest:
        return largest, g.dtype.type(clip_norm / length)
    return 1.0, g.dtype.type(1)


@kernel()
def _clipped(g, clip_value, clip_norm):
    """Clip the entries of g in place; returns the factor that limits its norm to `clip_norm`."""
    if clip_value < np.inf:
        cut(g, clip_value)
    if clip_norm == np.inf:
        return g.dtype.type(1)
    largest, shrink = limits_of(g, _sum_of_squares(g), clip_norm)
    for i in range(g.size if largest != 1.0 else 0):
        g[i] /= largest
    return shrink


def _normal(a, tiny):
    """The numbers, with subnormal ones, which take the processor 100 times as long, replaced by 0.

    A velocity would decay to a subnormal number and stay there if its parameter's gradient stays 0, as for a dead relu.
    """
    return where(abs(a), "<", tiny, 0.0, a)


def descent(theta, g, step, shrink):
    """The new parameters, alone in a tuple."""
    return (theta - step * (shrink * g),)


def momentum(theta, v, g, step, shrink, beta, tiny):
    """The new parameters and velocity."""
    v = _normal(beta * v - step * (shrink * g), tiny)
    return theta + v, v


def nesterov(theta, v, g, step, shrink, beta, tiny):
    """The same, with the gradient at the point looked ahead to."""
    move = step * (shrink * g)
    v = _normal(beta * v - move, tiny)
    return theta + (beta * v - move), v


def _quotient(a, b):
    """a / b, and 0 where b is 0."""
    return where(b, "!=", 0.0, a / b, 0.0)


def rmsprop(theta, s, g, step, shrink, keep, rest, epsilon, tiny):
    """The new parameters and mean of squares."""
    g = shrink * g
    s = _normal(keep * s + rest * g * g, tiny)
    return theta - _quotient(step * g, sqrt(s) + epsilon), s


def adam(theta, m, v, g, step, shrink, keep_m, rest_m, keep_v, rest_v, factor, epsilon, tiny):
    """The new parameters and both means."""
    g = shrink * g
    m = _normal(keep_m * m + rest_m * g, tiny)
    v = _normal(keep_v * v + rest_v * g * g, tiny)
    return theta - _quotient(m * step, sqrt(v * factor) + epsilon), m, v


_step_of_descent = vectorized(descent, stores=1)
_step_of_momentum, _step_of_nesterov = (vectorized(rule, stores=2) for rule in (momentum, nesterov))
# These use no fused multiply-adds, so that the bits are those of NumPy.
_step_of_rmsprop, _step_of_adam = vectorized(rmsprop, 2, contract=False), vectorized(adam, 3, contract=False)


class Numbers(NamedTuple):
    """What a step is computed with: the learning rate and the rule's constants, as of one update."""

    step: Any  # the learning rate, with Adam corrected for the bias of the first moment
    beta1: Any
    rest1: Any
    beta2: Any
    rest2: Any
    factor: Any  # Adam's correction for the bias of the second moment
    epsilon: Any
    tiny: Any  # the numbers below which state becomes 0


NUMBERS = types.NamedUniTuple(float64, 8, Numbers)


@kernel()
def numbers_of(rule, alpha, t, itemsize):
    """The numbers for update t."""
    beta1, beta2, epsilon, factor = rule.beta1, rule.beta2, rule.epsilon, 1.0
    tiny = _TINY_32 if itemsize == 4 else _TINY_64
    if (rule.code == RMSPROP or rule.code == ADAM) and epsilon < _EPSILON:
        tiny = 0.0
    if rule.code == ADAM:
        alpha, factor = alpha / (1.0 - math.pow(beta1, float(t))), 1.0 / (1.0 - math.pow(beta2, float(t)))
    return Numbers(alpha, beta1, 1.0 - beta1, beta2, 1.0 - beta2, factor, epsilon, tiny)


@external(lambda f: (f[::1], f[::1], float64, f[:, ::1], int64, RULE, int64))
def step(theta, g, alpha, state, left, rule, t):
    """Update t: one step against g, which is clipped first; `samenet.reference.optimizers` has the equations.

    left: the index in the rows of state at which theta begins.
    """
    code, end, of = rule.code, left + theta.size, numbers_of(rule, alpha, t, theta.itemsize)
    shrink = _clipped(g, rule.clip_value, rule.clip_norm)
    if code == DESCENT:
        _step_of_descent(theta, g, of.step, shrink)
    elif code == NESTEROV:
        _step_of_nesterov(theta, state[0][left:end], g, of.step, shrink, of.beta1, of.tiny)
    elif code == RMSPROP:
        of_squares = of.beta2, of.rest2, of.epsilon, of.tiny
        _step_of_rmsprop(theta, state[0][left:end], g, of.step, shrink, *of_squares)
    elif code == ADAM:
        of_rule = of.beta1, of.rest1, of.beta2, of.rest2, of.factor, of.epsilon, of.tiny
        _step_of_adam(theta, state[0][left:end], state[1][left:end], g, of.step, shrink, *of_rule)
    else:
        _step_of_momentum(theta, state[0][left:end], g, of.step, shrink, of.beta1, of.tiny)
