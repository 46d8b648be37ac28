"""The one list of what is benchmarked: networks, operations, contenders. Both suites and the report read it.

A cell of the list is one contender at one operation on one network. `prepare` gives what is timed, a callable without
arguments, so that making inputs is outside the timed region by construction; `check` compares its answer with the
reference's. Inputs are fixed, do not saturate, and are made in one place, `samenet.compare.cases`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import samenet
from samenet.compare import cases
from samenet.compare.cases import LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS, Case, Contender
from samenet.parameters import Parameters
from samenet.testing.tolerance import Comparison

NAMES = samenet.backends()
CONTENDERS = (LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS, *(name for name in NAMES if name != "reference"))

# Multiply-adds of one call up to which the loops take part: about a second.
_LOOPS_UP_TO = {LOOPS_OVER_ARRAYS: 600_000, LOOPS_OVER_LISTS: 4_000_000}

_FORWARD: dict[str, int | None] = {"one sample": None, "batch of 1": 1, "batch of 32": 32, "batch of 1024": 1024}
_GRADIENT = {"gradient of 32": 32}
_TRAINING: dict[str, Callable[[], Case]] = {
    "digits, full-batch epoch": partial(cases.full_batch_epoch, NAMES),
    "digits, mini-batch epoch": partial(cases.mini_batch_epoch, NAMES),
    "60,000 updates": partial(cases.eleven_lines, NAMES),
}

NETWORKS: dict[str, tuple[int, ...]] = {
    cases.title(sizes): sizes
    for sizes in [(3, 3, 1), (3, 3, 3, 1), (100, 100, 50, 10), (64, 30, 10), (784, 30, 10), (3, 4, 1)]
}


@dataclass(frozen=True, order=True)
class Cell:
    """One contender at one operation on one network."""

    network: str
    operation: str
    contender: str

    def __str__(self) -> str:
        return f"{self.network} | {self.operation} | {self.contender}"


@cache
def case(network: str, operation: str) -> Case:
    """An operation on a network with all of its contenders, and the check of their answers."""
    sizes = NETWORKS[network]
    if operation in _TRAINING:
        return _TRAINING[operation]()
    if operation in _GRADIENT:
        whole = cases.gradient(sizes, _GRADIENT[operation], NAMES)
    else:
        whole = cases.forward(sizes, _FORWARD[operation], NAMES)
    names = contenders(network, operation)
    return Case(whole.title, tuple(c for c in whole.contenders if c.name in names), whole.check)


def contenders(network: str, operation: str) -> tuple[str, ...]:
    """Who takes part in an operation on a network: everyone, but for the loops where they would never end."""
    if operation in _TRAINING:
        return tuple(name for name in CONTENDERS if name != LOOPS_OVER_ARRAYS)
    passes = 3 * _GRADIENT[operation] if operation in _GRADIENT else _FORWARD[operation] or 1
    work = passes * Parameters.count(NETWORKS[network], bias=False)
    return tuple(name for name in CONTENDERS if work <= _LOOPS_UP_TO.get(name, work))


@cache
def operations() -> tuple[tuple[str, str], ...]:
    """Every network with every operation that is benchmarked on it."""
    pairs = [(n, op) for n in NETWORKS if n != "3-4-1" for op in (*_FORWARD, *_GRADIENT)]
    digits = [("64-30-10", op) for op in _TRAINING if op.startswith("digits")]
    return (*pairs, *digits, ("3-4-1", "60,000 updates"))


@cache
def cells() -> tuple[Cell, ...]:
    """The list. To name them, no case is made: the reference's answers to all of them take a while."""
    return tuple(Cell(n, op, name) for n, op in operations() for name in contenders(n, op))


def contender(cell: Cell) -> Contender:
    """The contender of a cell."""
    return next(c for c in case(cell.network, cell.operation).contenders if c.name == cell.contender)


def prepare(cell: Cell) -> Callable[[], object]:
    """What is timed."""
    return contender(cell).call


def check(cell: Cell) -> Comparison:
    """The observed and the allowed difference between the cell's answer and the reference's."""
    return case(cell.network, cell.operation).check(contender(cell).answer())
