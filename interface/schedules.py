"""Learning rates that change from epoch to epoch, for `alpha=` of `Network.train`.

A schedule is a function of the number of an epoch, counted from 0 in each call of `train`; any function will do. Its
value holds for all updates of that epoch.

>>> from samenet.schedules import StepDecay
>>> [StepDecay(1.0, factor=0.5, every=2)(epoch) for epoch in range(5)]
[1.0, 1.0, 0.5, 0.5, 0.25]

Source: Y. Bengio, Practical recommendations for gradient-based training of deep architectures (2012), section 3.1.1,
for 1/t annealing; I. Loshchilov and F. Hutter, SGDR (2017), equation 5, for the cosine.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from samenet import checks

Schedule = Callable[[int], float]


@dataclass(frozen=True)
class _Checked:
    """Settings that are numbers: alpha is above 0, `every` and `epochs` are whole, the others are at least 0."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value: Any = getattr(self, field.name)
            if field.name in ("every", "epochs"):
                value = checks.integer(field.name, value, least=1)
            else:
                value = checks.number(field.name, value, positive=field.name in ("alpha", "factor"), least=0.0)
            object.__setattr__(self, field.name, value)


@dataclass(frozen=True)
class Constant(_Checked):
    """alpha in every epoch: what a plain number means."""

    alpha: float

    def __call__(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        return self.alpha


@dataclass(frozen=True)
class StepDecay(_Checked):
    """alpha factor^floor(epoch / every): multiplied by `factor` after every so many epochs."""

    alpha: float
    factor: float
    every: int

    def __call__(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        return _times_power(self.alpha, self.factor, epoch // self.every)


@dataclass(frozen=True)
class Exponential(_Checked):
    """alpha exp(-rate epoch)."""

    alpha: float
    rate: float

    def __call__(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        return self.alpha * math.exp(-self.rate * epoch)


@dataclass(frozen=True)
class InverseTime(_Checked):
    """alpha / (1 + rate epoch): 1/t annealing, half of alpha after 1 / rate epochs."""

    alpha: float
    rate: float

    def __call__(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        return self.alpha / (1 + self.rate * epoch)


@dataclass(frozen=True)
class Cosine(_Checked):
    """least + (alpha - least) (1 + cos(pi epoch / epochs)) / 2 up to epoch `epochs`, and `least` from there on."""

    alpha: float
    epochs: int
    least: float = 0.0

    def __call__(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        if epoch >= self.epochs:
            return self.least
        return self.least + (self.alpha - self.least) * (1 + math.cos(math.pi * epoch / self.epochs)) / 2


def _times_power(alpha: float, factor: float, times: int) -> float:
    try:
        return alpha * factor**times
    except OverflowError:  # a factor above 1, for long
        return math.inf


def schedule(value: Any) -> Schedule:
    """A number as a schedule, or a function as it is; TypeError or ValueError for anything else."""
    if callable(value):
        return value  # type: ignore[no-any-return]
    return Constant(checks.number("alpha", value, positive=True))


def rate(schedule: Schedule, epoch: int) -> float:
    """The learning rate of an epoch: finite and not negative; it may come down to 0, as a cosine does at its end."""
    return checks.number(f"alpha({epoch})", schedule(epoch), least=0.0)
