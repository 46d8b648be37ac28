"""For every cell: the time, the observed / allowed error, and the speed-up over the loops over lists.

A cell with a wrong answer raises in all three, so that asv reports a failure and no number. A training call is several
epochs, fewer for the loops: compare its time over commits, and contenders by the speed-up.
"""

import math
import re
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import numpy as np

import samenet
from benchmarks import catalogue
from benchmarks.catalogue import CELLS, Cell
from samenet.compare.cases import LOOPS_OVER_LISTS

for _name in samenet.backends():  # once, in the process that asv forks for every cell
    samenet.backend(_name)


@cache
def _checked(network: str, operation: str, contender: str) -> Callable[[], object]:
    cell = Cell(network, operation, contender)
    comparison = catalogue.check(cell)
    if not comparison.ok:
        raise AssertionError(f"{cell}: {comparison}")
    call = catalogue.contender(cell).call
    call()
    return call


class _Skipped(list[tuple[str, str]]):
    """The pairs without a cell. asv reads this just before it times the others, so they are prepared at that moment.

    The first timed call would be too late: asv would take its duration as that of every call, conclude that one call
    fills a sample, and measure only single calls.
    """

    operation = ""

    def __contains__(self, pair: Any) -> bool:
        if super().__contains__(pair):
            return True
        network, contender = pair
        _checked(network, self.operation, contender)
        return False


class _Times:
    operation = ""
    version = "1"
    timeout = 300.0
    rounds, repeat, sample_time, warmup_time = 1, (2, 30, 0.4), 0.005, 0.05

    def time_call(self, network, contender):
        _checked(network, self.operation, contender)()


class _Tracks:
    operation = ""
    version = "1"
    timeout = 60.0

    def setup_cache(self):
        """Measure every operation with interleaved contenders; asv runs this once for all classes."""
        from samenet.compare.measurement import measure

        measured: dict[tuple[str, str], Any] = {}
        for one in catalogue.CASES:
            try:
                made = catalogue.case(one.network, one.operation)
                measured[one.network, one.operation] = measure(made, seconds=0.5).rows
            except Exception as problem:  # in one backend; continue with the other operations
                measured[one.network, one.operation] = repr(problem)
        return measured

    setup_cache.timeout = 900.0

    def _row(self, measured, network, contender):
        rows = measured[network, self.operation]
        if isinstance(rows, str):
            raise AssertionError(f"{network} | {self.operation}: {rows}")
        row = next(row for row in rows if row.name == contender)
        if not row.comparison.ok or row.seconds is None:
            raise AssertionError(f"{Cell(network, self.operation, contender)}: {row.comparison}")
        return row

    def track_error(self, measured, network, contender):
        return self._row(measured, network, contender).comparison.ratio

    track_error.unit = "observed / allowed"

    def track_speed_up(self, measured, network, contender):
        row = self._row(measured, network, contender)
        if Cell(network, self.operation, LOOPS_OVER_LISTS) not in CELLS:
            return math.nan
        return float(np.median(self._row(measured, network, LOOPS_OVER_LISTS).seconds / row.seconds))

    track_speed_up.unit = "times the loops over lists"


def _suite() -> dict[str, type]:
    """A class for every operation and base, with the networks and contenders that its cells have."""
    classes = {}
    for operation in dict.fromkeys(cell.operation for cell in CELLS):
        chosen = {(c.network, c.contender): None for c in CELLS if c.operation == operation}
        networks = list(dict.fromkeys(network for network, _ in chosen))
        contenders = [c for c in catalogue.CONTENDERS if any(c == contender for _, contender in chosen)]
        name = re.sub(r"\W", "", operation.title())
        name = f"Do{name}" if name[0].isdigit() else name
        given = {
            "__module__": __name__,
            "operation": operation,
            "params": [networks, contenders],
            "param_names": ["network", "contender"],
            "skip_params": [pair for pair in product(networks, contenders) if pair not in chosen],
        }
        skipped = _Skipped(given["skip_params"])
        skipped.operation = operation
        classes[name] = type(name, (_Times,), given | {"skip_params": skipped})
        classes[f"{name}Checked"] = type(f"{name}Checked", (_Tracks,), given)
    return classes


globals().update(_suite())
