"""How cost grows with width, depth and batch: the points that one process measures, and where the kernels change.

    width   width-width-10, batch 128         depth   layers of 64 units, one sample and batch 128
    batch   64-30-10

forward at every point, the gradient at some. Numba takes part with one thread, with two, and in float32. Rounds are as
many as fill the seconds that are given, but five where a call is slow; the loops take part up to about a second a call.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from peers.limits import limit

from samenet.backends import backend
from samenet.compare import cases
from samenet.compare.cases import LOOPS_OVER_LISTS, Case, Contender
from samenet.network import Network
from samenet.testing import tolerance
from samenet.testing.tolerance import Comparison

WIDTHS, DEPTHS = tuple(2**i for i in range(13)), tuple(2**i for i in range(7))
BATCHES = tuple(4**i for i in range(9))
GRADIENT_WIDTHS, GRADIENT_BATCHES = (1, 16, 64, 256, 1024), (1, 16, 256, 4096)
_BATCH, _CHECKED_ROWS = 128, 8
_LOOPS_UP_TO = 10_000_000  # multiply-adds of one call: less than a second
TWO_THREADS, SINGLE = "numba, 2 threads", "numba, float32"


@dataclass(frozen=True)
class Point:
    """A place on a line: what grows, how far it has, what is held, and whether it is the gradient."""

    along: str
    at: int
    held: str
    sizes: tuple[int, ...]
    rows: int
    gradient: bool = False

    @property
    def work(self) -> dict[str, float]:
        """Multiply-adds and sigmoids."""
        products = [a * b for a, b in pairwise(self.sizes)]
        each = 3 * sum(products) - products[0] if self.gradient else sum(products)
        return {"multiply_adds": float(self.rows * each), "sigmoids": float(self.rows * sum(self.sizes[1:]))}

    def about(self, machine: dict[str, Any]) -> dict[str, Any]:
        """What the record says of it, with the least time for its arithmetic on a machine; see `peers.limits`."""
        known = {"along": [self.along], "held": self.held, self.along: self.at, "sizes": list(self.sizes)}
        operation = f"{'gradient' if self.gradient else 'forward'}, batch of {self.rows}"
        return known | {
            "operation": operation,
            "batch": self.rows,
            "limit_seconds": limit(self.work, "float64", 1, machine),
        }


def points() -> Iterator[Point]:
    """Every point of every line."""
    for gradient, widths, batches in ((False, WIDTHS, BATCHES), (True, GRADIENT_WIDTHS, GRADIENT_BATCHES)):
        what = "gradient" if gradient else "forward"
        for width in widths:
            yield Point("width", width, f"{what}, batch {_BATCH}", (width, width, 10), _BATCH, gradient)
        for rows in batches:
            yield Point("batch", rows, f"{what}, 64-30-10", (64, 30, 10), rows, gradient)
    for rows in (1, _BATCH):
        for depth in DEPTHS:
            yield Point("depth", depth, f"forward, batch {rows}", (64,) * (depth + 1), rows)


def case(point: Point) -> Case:
    """A point with its contenders. NumPy is what they are checked against: the loops would take hours for some."""
    network, X, Y = cases.example.__wrapped__(point.sizes, point.rows)  # not kept: the widest has 134 MB of weights
    contenders, checks = [], {}
    for name, threads, dtype in (
        ("numpy", 1, "float64"),
        ("numba", 1, "float64"),
        (TWO_THREADS, 2, "float64"),
        (SINGLE, 1, "float32"),
    ):
        one = _in(network, name.partition(",")[0], dtype)
        one.threads = threads
        x, y = X.astype(dtype, copy=False), Y.astype(dtype, copy=False)
        call = partial(one.gradient, x, y) if point.gradient else partial(one.predict, x)
        contenders.append(Contender(name, name.partition(",")[0], call, partial(_named, dtype, call)))
        if dtype not in checks:
            checks[dtype] = _check(one, x, y, point.gradient)
    if point.work["multiply_adds"] <= _LOOPS_UP_TO:
        contenders.insert(0, _loops(network, X, Y, point.gradient))
    return Case(
        f"{point.along} {point.at}, {point.held}", tuple(contenders), lambda answer: checks[answer[0]](answer[1])
    )


def _in(network: Network, name: str, dtype: str) -> Network:
    cls: type[Network] = backend(name).Network
    return cls(network.sizes, weights=network.weights, biases=network.biases, dtype=dtype)


def _named(dtype: str, call: Callable[[], Any]) -> tuple[str, Any]:
    return dtype, call()


def _loops(network: Network, X: NDArray[Any], Y: NDArray[Any], gradient: bool) -> Contender:
    """The reference's loops over lists, as the list of cases has them."""
    sizes, rows = network.sizes, len(X)
    whole = cases.gradient(sizes, rows, ["reference"]) if gradient else cases.forward(sizes, rows, ["reference"])
    found = next(c for c in whole.contenders if c.name == LOOPS_OVER_LISTS)
    return Contender(found.name, found.backend, found.call, partial(_named, "float64", found.call))


def _check(network: Network, X: NDArray[Any], Y: NDArray[Any], gradient: bool) -> Callable[[Any], Comparison]:
    """Against NumPy in float64 with the same numbers: all of a gradient, or some rows of an output."""
    exact = _in(network, "numpy", "float64")
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
    """Where Numba's kernels change their way of working, along width and along batch."""
    from samenet.fast import numba
    from samenet.fast.kernels import forward, gemm, inference, training

    size = 64 * 30 + 30 + 30 * 10 + 10
    parts = next(m for m in range(1, 1 << 20) if training.parts_of(m, size) > 1)
    shared = -(-numba._PAYS // size)
    return {
        "width": [_switch(gemm.WIDE, "operands are copied")],  # one block, and one part: threads have nothing to share
        "batch": [
            _switch(inference.FEW + 1, "weights are turned"),
            _switch(forward.BLOCK + 1, "several blocks"),
            _switch(parts, "gradient in parts"),
            _switch(shared, "2 threads"),
        ],
    }


def _switch(at: int, what: str) -> dict[str, Any]:
    return {"at": at, "what": what}
