"""Gradient descent without a network: x := x - alpha f'(x), and the path it takes.

x is a number, a point (n,), or many points at once; the call is the same:

    downhill(lambda x: 4 * x**3 - 9 * x**2, 6, alpha=0.01).x      # 2.24996..., of 9/4
    downhill(slope, [2.0, 1.0], alpha=0.1).points                 # (k + 1, 2), to draw over contours
    downhill(numpy.sin, random.uniform(-9, 9, 100), alpha=0.5).x  # 100 balls, each in the valley it started in

Source: tutorial 000 (docs/sources.md), section 4 (to a precision); tutorial 001 (one step); tutorial 004, part 2 (balls
in a bucket).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet.validation import arrays, checks

Rule = Literal["slope", "sign"]


@dataclass(frozen=True)
class Path:
    """The path of a descent.

    points     x before the first step and after every step, (steps + 1, *shape of x)
    converged  whether it ended because the last step was small enough, not because of `max_steps`
    """

    points: NDArray[np.float64]
    converged: bool

    @property
    def x(self) -> Any:
        """The end point: a float, or an array of the shape of the start."""
        return self.points[-1].copy() if self.points.ndim > 1 else float(self.points[-1])

    @property
    def steps(self) -> int:
        """The number of steps."""
        return len(self.points) - 1


def downhill(
    slope: Callable[[Any], Any],
    x: ArrayLike,
    *,
    alpha: float,
    precision: float = 1e-5,
    max_steps: int = 10_000,
    rule: Rule = "slope",
) -> Path:
    """Descend from x by x := x - alpha f'(x), until no coordinate moves by more than `precision`.

    slope      f', called with a float, or an array of the shape of x; returns the same shape
    x          the start: a number, or an array of any shape with at least one number
    alpha      the step size: the factor of the slope
    precision  the descent ends after a step whose largest |move| is at most this; with 0, when nothing moves
    max_steps  or after this many steps
    rule       "sign" moves by alpha whatever the slope, x := x - alpha sign(f'(x)): then, if alpha is above the
               precision, only a slope of 0 ends it, and it oscillates around a minimum that it does not hit exactly

    A small last step does not mean that the minimum is as close: in tutorial 000 it is 3.5e-5 away at a precision of
    1e-5. Returns a `Path`. Raises ValueError or TypeError, naming the argument, and FloatingPointError, naming the
    step, where x or the slope is no longer finite.

    >>> downhill(lambda x: 2 * x, 1.0, alpha=0.25, precision=0.1).points
    array([1.    , 0.5   , 0.25  , 0.125 , 0.0625])
    """
    if not callable(slope):
        raise TypeError(f"slope: expected a function of x, got {checks.short(slope)}")
    at = arrays.finite("x", arrays.array("x", x, np.dtype(np.float64)))
    if at.size == 0:
        raise ValueError(f"x: expected a number, or an array of at least one, got shape {at.shape}")
    alpha = checks.number("alpha", alpha, positive=True)
    precision = checks.number("precision", precision, least=0.0)
    max_steps = checks.integer("max_steps", max_steps, least=0)
    checks.choice("rule", rule, get_args(Rule))
    points, converged = [at.copy()], False
    while len(points) <= max_steps and not converged:
        before = points[-1]
        # A copy, so that a function that writes into x does not change the path; a float if x is one, for functions
        # that use Python's arithmetic or the `math` module.
        try:
            with np.errstate(all="ignore"):  # overflow is reported below
                given = slope(before.copy() if before.ndim else float(before))
        except OverflowError as error:  # Python's arithmetic raises it
            raise _diverged(len(points), alpha) from error
        direction = arrays.array("slope(x)", given, np.dtype(np.float64))
        if direction.shape != before.shape:
            raise ValueError(f"slope(x): expected shape {before.shape}, that of x, got {direction.shape}")
        with np.errstate(all="ignore"):
            after = np.asarray(before - alpha * (np.sign(direction) if rule == "sign" else direction))
            move = float(np.abs(after - before).max())
        if not np.isfinite(after).all():
            raise _diverged(len(points), alpha)
        converged = move <= precision
        if move > 0:
            points.append(after)
    return Path(np.array(points), converged)


def _diverged(step: int, alpha: float) -> FloatingPointError:
    return FloatingPointError(f"x did not stay finite in step {step} (alpha = {alpha:g}). Try a smaller alpha")
