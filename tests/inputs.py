"""The cases of the tests: networks and samples of `samenet.testing.inputs`, small and large."""

from typing import Any

import pytest

from samenet.model.functions import ACTIVATIONS, COSTS, MADE_FOR
from samenet.testing.inputs import Case, Functions, masks, mostly_zero, weight_masks

__all__ = ["CASES", "COMBINATIONS", "PENALTIES", "Case", "Functions", "masks", "mostly_zero", "weight_masks"]

# Every pair of activations with every compatible cost.
COMBINATIONS = [
    Functions(hidden, output, cost)
    for hidden in ACTIVATIONS
    for cost in COSTS
    for output in ([MADE_FOR[cost]] if cost in MADE_FOR else ACTIVATIONS)
]
PENALTIES = [{}, {"l2": 0.3}, {"l1": 0.2, "l2": 0.1}]

SMALL = ((3, 1), (4, 3, 2), (5, 7, 3, 2), (9, 8, 5, 4, 3))
LARGE = ((64, 30, 10), (100, 90, 50, 10))
# The compiled kernels take samples four at a time, and in blocks of a power of two: these are sizes on both sides of
# both.
ROWS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 63, 64, 65, 127, 128, 129, 130)


def _cases() -> list[Any]:
    both = [(bias, dtype) for bias in (True, False) for dtype in ("float64", "float32")]
    every = {(5, 7, 3, 2): ROWS[:9]}  # the other shapes at two sizes of batch
    cases = [pytest.param(Case(sizes, m, *kind)) for sizes in SMALL for m in every.get(sizes, (1, 3)) for kind in both]
    # Without the JIT a larger batch goes through the kernels' inner loops number by number.
    slow = [Case((5, 7, 3, 2), m, *kind) for m in ROWS[9:] for kind in both]
    slow += [Case(sizes, m, *kind) for sizes in LARGE for m in (1, 3, 65) for kind in both]
    slow += [Case((64, 30, 10), 130), Case((3, 1), 65), Case((9, 8, 5, 4, 3), 400), Case((40, 3, 2), 150)]
    slow += [Case((40, 1), 65, False, "float32"), Case((40, 5, 3), 65, dtype="float32")]  # many inputs to few nodes
    fast = {Case((5, 7, 3, 2), 130), Case((5, 7, 3, 2), 129, False, "float32"), Case((64, 30, 10), 3)}
    cases += [pytest.param(case, marks=() if case in fast else pytest.mark.compiled) for case in slow]
    return [pytest.param(*p.values, marks=p.marks, id=str(p.values[0])) for p in cases]


CASES = _cases()
