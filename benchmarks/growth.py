"""How time scales with width, depth and batch: a point of a curve with its contenders, and where the kernels switch.

Numba takes part with one thread, with two, and in float32. There are as many rounds as fit into the given seconds, but
at least five; the loops take part where a call takes less than about a second.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.catalogue import SINGLE, TWO_THREADS, Point
from benchmarks.limits import limit, work
from benchmarks.problem import in_dtype
from samenet.compare import cases
from samenet.compare.cases import LOOPS_OVER_LISTS, Case, Contender
from samenet.network import Network
from samenet.testing import tolerance
from samenet.testing.tolerance import Comparison

_CHECKED_ROWS = 8
_LOOPS_UP_TO = 10_000_000  # multiply-adds of one call: less than a second


def about(point: Point, machine: dict[str, Any]) -> dict[str, Any]:
    """The record's description of a point, with its limit on a machine; see `limits`."""
    return {
        "along": [point.along],
        "held": point.held,
        point.along: point.at,
        "sizes": list(point.sizes),
        "operation": f"{'gradient' if point.gradient else 'forward'}, batch of {point.rows}",
        "batch": point.rows,
        "limit_seconds": limit(_work(point), "float64", 1, machine),
    }


def _work(point: Point) -> dict[str, float]:
    return work(point.sizes, point.rows, backward=point.gradient)


def case(point: Point) -> Case:
    """A point with its contenders. They are checked against NumPy: the loops would take hours for some points."""
    network, X, Y = cases.example.__wrapped__(point.sizes, point.rows)  # not kept: the widest has 134 MB of weights
    contenders, checks = [], {}
    for name, threads, dtype in (
        ("numpy", 1, "float64"),
        ("numba", 1, "float64"),
        (TWO_THREADS, 2, "float64"),
        (SINGLE, 1, "float32"),
    ):
        one = in_dtype(network, dtype, name.partition(",")[0])
        one.threads = threads
        x, y = X.astype(dtype, copy=False), Y.astype(dtype, copy=False)
        call = partial(one.gradient, x, y) if point.gradient else partial(one.predict, x)
        contenders.append(Contender(name, name.partition(",")[0], call, partial(_named, dtype, call)))
        if dtype not in checks:
            checks[dtype] = _check(one, x, y, point.gradient)
    if _work(point)["multiply_adds"] <= _LOOPS_UP_TO:
        contenders.insert(0, _loops(network, X, Y, point.gradient))
    return Case(
        f"{point.along} {point.at}, {point.held}", tuple(contenders), lambda answer: checks[answer[0]](answer[1])
    )


def _named(dtype: str, call: Callable[[], Any]) -> tuple[str, Any]:
    return dtype, call()


def _loops(network: Network, X: NDArray[Any], Y: NDArray[Any], gradient: bool) -> Contender:
    """The reference's loops over lists, as in the list of cases."""
    sizes, rows = network.sizes, len(X)
    whole = cases.gradient(sizes, rows, ["reference"]) if gradient else cases.forward(sizes, rows, ["reference"])
    found = next(c for c in whole.contenders if c.name == LOOPS_OVER_LISTS)
    return Contender(found.name, found.backend, found.call, partial(_named, "float64", found.call))


def _check(network: Network, X: NDArray[Any], Y: NDArray[Any], gradient: bool) -> Callable[[Any], Comparison]:
    """A check against NumPy in float64 with the same numbers: of a whole gradient, or of some rows of an output."""
    exact = in_dtype(network, "float64", "numpy")
    if gradient:
        (cost, slope), (cost_allowed, allowed) = exact.gradient(X, Y), tolerance.gradient(network.model, X, Y)
        expected, limits, packed = np.append(slope.flat, cost), np.append(allowed.flat, cost_allowed), slope

        def all_of_it(answer: Any) -> Comparison:
            packed.fill(answer[1].weights, answer[1].biases)
            return tolerance.compare(np.append(packed.flat, answer[0]), expected, limits)

        return all_of_it
    rows = np.unique(np.linspace(0, len(X) - 1, _CHECKED_ROWS).astype(int))
    expected, limits = exact.predict(X[rows]), tolerance.forward(network.model, X[rows])[-1]
    return lambda answer: tolerance.compare(np.asarray(answer)[rows], expected, limits)


def switches() -> dict[str, list[dict[str, Any]]]:
    """The widths and batch sizes at which Numba switches to other kernels."""
    from samenet.fast.kernels import gemm, inference, lanes, parallel, training

    size = 64 * 30 + 30 + 30 * 10 + 10
    parts = next(m for m in range(1, 1 << 20) if training.parts_of(m, size) > 1)
    shared = -(-parallel.PAYS // parallel.work_of((64, 30, 10), size))
    width = {gemm.WIDE: "operands are copied"}  # one block and one part, so nothing for threads to share
    batch = {
        next(m for m in range(1, 100) if inference.few_of(m, (64, 30, 10), size, 8) < m): "samples in lanes",
        max(lanes.rows_in_lanes((64, 30, 10), 8)) + 1: "weights are packed",
        parts: "gradient in parts",
        shared: "2 threads",
    }
    return {
        along: [{"at": at, "what": what} for at, what in found.items()]
        for along, found in (("width", width), ("batch", batch))
    }
