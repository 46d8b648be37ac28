"""Learning rates that change from epoch to epoch, for `alpha=` of `Network.train`.

A schedule is a function of the epoch's number, counted from 0 in each call of `train`; any function will do. Its value
holds for all updates of that epoch.

>>> from samenet.schedules import StepDecay
>>> [StepDecay(1.0, factor=0.5, every=2)(epoch) for epoch in range(5)]
[1.0, 1.0, 0.5, 0.5, 0.25]

Source: Y. Bengio, Practical recommendations for gradient-based training of deep architectures (2012), section 3.1.1,
for 1/t annealing; I. Loshchilov and F. Hutter, SGDR (2017), equation 5, for the cosine.
"""

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.validation import checks
from samenet.validation.names import hint

Schedule = Callable[[int], float]


@dataclass(frozen=True)
class _Checked(ABC):
    """Checks settings: alpha, factor above 0; `every`, `epochs` integers of at least 1; the others at least 0."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value: Any = getattr(self, field.name)
            if field.name in ("every", "epochs"):
                value = checks.integer(field.name, value, least=1)
            else:
                value = checks.number(field.name, value, positive=field.name in ("alpha", "factor"), least=0.0)
            object.__setattr__(self, field.name, value)

    def __call__(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        return self._rate(checks.integer("epoch", epoch, least=0))

    @abstractmethod
    def _rate(self, epoch: int) -> float:
        """The learning rate of an epoch, which may be an integer too large for a float."""


def _as_float(epoch: int) -> float:
    return float(min(epoch, sys.float_info.max))


@dataclass(frozen=True)
class Constant(_Checked):
    """alpha in every epoch: what a plain number means."""

    alpha: float

    def _rate(self, epoch: int) -> float:
        return self.alpha


def constant(alpha: float) -> Constant:
    """A constant that has been checked already."""
    found = object.__new__(Constant)
    object.__setattr__(found, "alpha", alpha)
    return found


@dataclass(frozen=True)
class StepDecay(_Checked):
    """alpha factor^floor(epoch / every): multiplied by `factor` after every `every` epochs."""

    alpha: float
    factor: float
    every: int

    def _rate(self, epoch: int) -> float:
        return _times_power(self.alpha, self.factor, epoch // self.every)


@dataclass(frozen=True)
class Exponential(_Checked):
    """alpha exp(-rate epoch)."""

    alpha: float
    rate: float

    def _rate(self, epoch: int) -> float:
        return self.alpha * math.exp(-self.rate * _as_float(epoch))


@dataclass(frozen=True)
class InverseTime(_Checked):
    """alpha / (1 + rate epoch): 1/t annealing, which halves alpha after 1 / rate epochs."""

    alpha: float
    rate: float

    def _rate(self, epoch: int) -> float:
        return self.alpha / (1 + self.rate * _as_float(epoch))


@dataclass(frozen=True)
class Cosine(_Checked):
    """least + (alpha - least) (1 + cos(pi epoch / epochs)) / 2 up to epoch `epochs`, and `least` from then on."""

    alpha: float
    epochs: int
    least: float = 0.0

    def _rate(self, epoch: int) -> float:
        if epoch >= self.epochs:
            return self.least
        excess = max(0, self.epochs.bit_length() - 1000)  # low bits to drop, so that the division cannot overflow
        angle = math.pi * (epoch >> excess) / (self.epochs >> excess)
        return self.least + (self.alpha - self.least) * (1 + math.cos(angle)) / 2


def _times_power(alpha: float, factor: float, times: int) -> float:
    try:
        return alpha * factor**times
    except OverflowError:  # the power of a factor above 1 overflows, or `times` itself is too large for a float
        return math.inf if factor > 1 else 0.0 if factor < 1 else alpha


@dataclass
class Called:
    """What a function returned for the first epochs, and what it raised for the next, if anything."""

    alphas: tuple[float, ...]
    error: Exception | None = None

    def __call__(self, epoch: int) -> float:
        """The learning rate of an epoch, or the exception again."""
        if epoch == len(self.alphas) and self.error is not None:
            raise self.error
        return self.alphas[epoch]


# Schedules without side effects, whose values may be computed at any time.
PURE = frozenset((Constant, StepDecay, Exponential, InverseTime, Cosine, Called))


def is_pure(value: Any) -> bool:
    """Whether it is one of these."""
    return type(value) in PURE


def schedule(value: Any) -> Schedule:
    """A number as a schedule, or a function unchanged; TypeError or ValueError for anything else."""
    if callable(value):
        return value  # type: ignore[no-any-return]
    if isinstance(value, str):
        meant = hint(value, ("StepDecay", "Exponential", "InverseTime", "Cosine"), "samenet.schedules")
        raise TypeError(f"alpha: expected a number or a function of the epoch, got {checks.short(value)} (str){meant}")
    return Constant(checks.number("alpha", value, positive=True))


def rate(schedule: Schedule, epoch: int) -> float:
    """The learning rate of an epoch, checked to be finite and not negative; it may be 0, as at the end of a cosine."""
    value = schedule(epoch)
    return value if type(value) is float and 0.0 <= value < math.inf else _checked_rate(epoch, value)


def _checked_rate(epoch: int, value: Any) -> float:
    return checks.number(f"alpha({epoch})", value, least=0.0)


def called(schedule: Schedule, epochs: int) -> Called:
    """A schedule, called once for each of so many epochs, up to the first for which it raises."""
    alphas: list[float] = []
    try:
        for epoch in range(epochs):
            value = schedule(epoch)  # checked as in `rate`, whose calls would take as long as the function's
            alphas.append(value if type(value) is float and 0.0 <= value < math.inf else _checked_rate(epoch, value))
    except Exception as error:
        return Called((*alphas,), error)
    return Called((*alphas,))


def rates(schedule: Schedule | None, epochs: int, first: int = 0) -> NDArray[np.float64] | None:
    """The learning rates of so many epochs from the first on; None if the schedule raises."""
    assert schedule is not None
    alphas = np.empty(epochs)
    if type(schedule) is Constant:
        alphas.fill(schedule.alpha)
        return alphas
    try:
        for epoch in range(epochs):
            alphas[epoch] = rate(schedule, first + epoch)
    except Exception:
        return None
    return alphas
