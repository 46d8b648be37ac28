"""The backends for the tests, by name and in pairs; `samenet.testing` defines how they are compared."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import samenet
from samenet.testing.agreement import forward, gradient, normalized
from samenet.testing.answers import Answer, Compared
from samenet.testing.extremes import finite_input, infinite_inside, overflowing, spoiled
from samenet.testing.sampled_updates import drawing, rows_of, sampled, sampled_at_once
from samenet.testing.tolerance import Comparison, compare
from samenet.testing.updates import (
    Descent,
    Rule,
    free_run,
    lockstep,
    one_by_one,
    ruled,
    ruled_at_once,
    run_updates,
    schedule,
)

__all__ = [
    "BACKENDS",
    "PAIRS",
    "Answer",
    "Backend",
    "Compared",
    "Comparison",
    "Descent",
    "Pair",
    "Rule",
    "compare",
    "drawing",
    "finite_input",
    "forward",
    "free_run",
    "gradient",
    "infinite_inside",
    "lockstep",
    "normalized",
    "one_by_one",
    "overflowing",
    "rows_of",
    "ruled",
    "ruled_at_once",
    "run_updates",
    "sampled",
    "sampled_at_once",
    "schedule",
    "spoiled",
]


@dataclass(frozen=True)
class Backend:
    """An implementation, by name; the name is its part of a test's id."""

    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def module(self) -> ModuleType:
        """The module with the functions of the contract."""
        return samenet.backend(self.name)

    @property
    def Network(self) -> Any:
        """The user's class on this backend."""
        return self.module.Network


@dataclass(frozen=True)
class Pair:
    """A backend, and the reference, with which it is compared."""

    backend: Backend
    trusted: Backend

    def __str__(self) -> str:
        return f"{self.backend}-against-{self.trusted}"


BACKENDS = tuple(Backend(name) for name in samenet.backends())
# Finite differences prove the reference, and every other backend is compared with it. Comparing the others with one
# another would prove nothing more: the bound, which is the same, is for both to be right.
PAIRS = tuple(Pair(backend, BACKENDS[0]) for backend in BACKENDS[1:])
