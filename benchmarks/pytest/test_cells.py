"""Every cell of the catalogue, checked and then timed, grouped by network and operation.

    python -m pytest benchmarks/pytest --benchmark-enable

A wrong answer fails before it is timed. With --benchmark-disable each cell runs once, as a test. A training call is
several epochs, fewer for the loops: `extra_info` has their number as `work`, and `median_seconds` per unit of work.
"""

import numpy as np
import pytest

from benchmarks import catalogue
from benchmarks.catalogue import Cell
from samenet.compare import environment


def _param(cell: Cell) -> object:
    group = pytest.mark.benchmark(group=f"{cell.network}, {cell.operation}")
    one = catalogue.entry(cell.network, cell.operation)
    if one is not None and cell.contender in one.slow:
        group = pytest.mark.benchmark(group=group.kwargs["group"], min_rounds=2, warmup=False)
    return pytest.param(cell, id=name(cell), marks=group)


def name(cell: Cell) -> str:
    """A cell's name without commas and spaces, which -k would not take."""
    words = (cell.network, cell.operation, cell.contender)
    return ":".join(word.replace(",", "").replace(" ", "-") for word in words)


CELLS = [_param(cell) for cell in catalogue.CELLS]


@pytest.fixture(scope="session")
def around() -> dict[str, object]:
    described = environment.describe()
    return {name: described[name] for name in ("threads", "blas")}


@pytest.mark.compiled
@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")  # by what failed before it
@pytest.mark.parametrize("cell", CELLS)
def test_cell(cell, benchmark, around):
    comparison = catalogue.check(cell)
    assert comparison.ok, f"{cell}: {comparison}"
    contender = catalogue.contender(cell)
    call = contender.call
    checkable = call is contender.answer  # for training, the check uses a shorter call
    first = call() if benchmark.enabled and not checkable else None
    benchmark.extra_info.update(
        network=cell.network,
        operation=cell.operation,
        contender=cell.contender,
        backend=contender.backend,
        work=contender.work,
        observed_error=comparison.observed,
        allowed_error=comparison.allowed,
        **around,
    )
    answer = benchmark(call)
    if checkable:
        again = catalogue.case(cell.network, cell.operation).check(answer)
        assert again.ok, f"{cell}: {again}"
    else:
        assert np.isfinite(answer).all()
        assert first is None or np.array_equal(answer, first), f"{cell}: another answer than that of the first call"
