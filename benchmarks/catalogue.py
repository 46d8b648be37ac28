"""The catalogue: every case that is measured, and the contenders of `run` with their labels and markers.

    CASES          of `run`, asv and pytest: one line adds a case to all of them, and to the report
    GRID, POINTS   of `run`: the heat map, and the lines along width, depth and batch
    PEERS          of `peers`; the kinds of settings are in kinds.py
    TECHNIQUES     of `techniques`

Inputs are fixed, do not saturate, and are created before anything is timed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

import samenet
from benchmarks import inputs
from benchmarks.kinds import KINDS, PeerCase
from benchmarks.limits import products
from benchmarks.problem import Descent, Forward, cast
from samenet.compare import cases
from samenet.compare.cases import LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS, Contender
from samenet.testing.tolerance import Comparison

# The contenders of `run`


@dataclass(frozen=True)
class Way:
    """How a contender is shown, and the maximum multiply-adds per call for which it takes part: about a second of
    loops.

    Colours can be distinguished by colour-blind readers and in greyscale (Okabe and Ito), and each has a marker.
    """

    label: str
    colour: str = "#CC79A7"
    marker: str = "P"
    up_to: float = math.inf


TWO_THREADS, SINGLE = "numba, 2 threads", "numba, float32"  # only in the scaling curves
WAYS = {
    LOOPS_OVER_ARRAYS: Way("loops over arrays", "#999999", "s", 600_000),
    LOOPS_OVER_LISTS: Way("loops over lists", "#56B4E9", "D", 4_000_000),
    "numpy": Way("NumPy", "#E69F00", "o"),
    "numba": Way("Numba", "#009E73", "^"),
    TWO_THREADS: Way("Numba, 2 threads", "#0072B2", "v"),
    SINGLE: Way("Numba, float32", "#D55E00", "*"),
}
# Every registered backend, the reference by its loops; one without a line above has the default style.
CONTENDERS = (LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS, *(name for name in samenet.backends() if name != "reference"))


def way(name: str) -> Way:
    """How a contender is shown."""
    return WAYS.get(name, Way(name))


# The cases of `run`


@dataclass(frozen=True)
class Case:
    """A case of `run` and of both suites.

    make        from names of backends, the case of `samenet.compare`: its contenders, and the check of their answers
    contenders  which take part
    quick       whether it is also in a quick run
    shown       whether it is also in README's table
    slow        contenders whose call takes a second or more
    """

    network: str
    operation: str
    make: Callable[[Sequence[str]], cases.Case]
    contenders: tuple[str, ...] = CONTENDERS[1:]  # training over arrays would take too long
    quick: bool = False
    shown: bool = False
    slow: tuple[str, ...] = ()


def _usual(sizes: tuple[int, ...], *, quick: Sequence[str] = (), shown: Sequence[str] = ()) -> list[Case]:
    """Forward passes for several batch sizes, and a gradient; loops are left out where a call would take too long."""
    found: list[tuple[str, Callable[[Sequence[str]], cases.Case], int]] = [
        (f"batch of {rows}" if rows else "one sample", partial(cases.forward, sizes, rows), rows or 1)
        for rows in (None, 1, 32, 1024)
    ]
    found.append(("gradient of 32", partial(cases.gradient, sizes, 32), 3 * 32))
    return [
        Case(
            cases.title(sizes),
            operation,
            make,
            tuple(name for name in CONTENDERS if samples * products(sizes) <= way(name).up_to),
            operation in quick,
            operation in shown,
        )
        for operation, make, samples in found
    ]


_LOOPS = (LOOPS_OVER_LISTS,)
CASES = (
    *_usual((3, 3, 1), quick=["one sample"], shown=["one sample"]),
    *_usual((3, 3, 3, 1), quick=["one sample"], shown=["one sample"]),
    *_usual((100, 100, 50, 10), quick=["one sample"], shown=["one sample", "batch of 32"]),
    *_usual(
        (64, 30, 10), quick=["gradient of 32"], shown=["one sample", "batch of 32", "batch of 1024", "gradient of 32"]
    ),
    *_usual((784, 30, 10), shown=["one sample", "batch of 32", "gradient of 32"]),
    Case("64-30-10", "digits, full-batch epoch", cases.full_batch_epoch, quick=True, shown=True, slow=_LOOPS),
    Case("64-30-10", "digits, mini-batch epoch", cases.mini_batch_epoch, shown=True, slow=_LOOPS),
    Case("3-4-1", "60,000 updates", cases.eleven_lines, shown=True, slow=("numpy",)),
)
_BY_NAME = {(case.network, case.operation): case for case in CASES}


@dataclass(frozen=True, order=True)
class Cell:
    """One contender in one case."""

    network: str
    operation: str
    contender: str

    def __str__(self) -> str:
        return f"{self.network} | {self.operation} | {self.contender}"


# Cells are listed without creating the cases: the reference's answers to all of them take a while.
CELLS = tuple(Cell(case.network, case.operation, name) for case in CASES for name in case.contenders)


def entry(network: str, operation: str) -> Case | None:
    """A case of the list by its names; None if it is not listed, as in an older record."""
    return _BY_NAME.get((network, operation))


@cache
def case(network: str, operation: str) -> cases.Case:
    """A case with its contenders, ready to run, and the check of their answers."""
    one = _BY_NAME[network, operation]
    whole = one.make(samenet.backends())
    return cases.Case(whole.title, tuple(c for c in whole.contenders if c.name in one.contenders), whole.check)


def contender(cell: Cell) -> Contender:
    """The contender of a cell; its `call` is timed."""
    return next(c for c in case(cell.network, cell.operation).contenders if c.name == cell.contender)


def check(cell: Cell) -> Comparison:
    """The observed and the allowed error of the cell's answer, relative to the reference's."""
    return case(cell.network, cell.operation).check(contender(cell).answer())


# The heat map, and the scaling curves


@dataclass(frozen=True)
class Point:
    """A point of a scaling curve: what varies, its value, what is held fixed, and whether a gradient is timed."""

    along: str
    at: int
    held: str
    sizes: tuple[int, ...]
    rows: int
    gradient: bool = False


GRID = tuple((width, batch) for width in (4, 16, 64, 256) for batch in (1, 8, 64, 512))  # of width-width-10, forward
WIDTHS, DEPTHS, BATCHES = tuple(2**i for i in range(13)), tuple(2**i for i in range(7)), tuple(4**i for i in range(9))
GRADIENT_WIDTHS, GRADIENT_BATCHES = (1, 16, 64, 256, 1024), (1, 16, 256, 4096)
POINTS = (
    *(Point("width", n, "forward, batch 128", (n, n, 10), 128) for n in WIDTHS),
    *(Point("batch", m, "forward, 64-30-10", (64, 30, 10), m) for m in BATCHES),
    *(Point("width", n, "gradient, batch 128", (n, n, 10), 128, gradient=True) for n in GRADIENT_WIDTHS),
    *(Point("batch", m, "gradient, 64-30-10", (64, 30, 10), m, gradient=True) for m in GRADIENT_BATCHES),
    *(Point("depth", d, f"forward, batch {m}", (64,) * (d + 1), m) for m in (1, 128) for d in DEPTHS),
)


# The cases for other libraries


PEERS = (
    PeerCase("3-3-1", "one sample", lambda _: inputs.forward((3, 3, 1)), threads=False, single=False),
    PeerCase("3-3-3-1", "one sample", lambda _: inputs.forward((3, 3, 3, 1)), threads=False, single=False),
    PeerCase("100-100-50-10", "one sample", lambda _: inputs.forward((100, 100, 50, 10)), threads=False, single=False),
    PeerCase("100-100-50-10", "batch of 10,000", lambda _: inputs.forward((100, 100, 50, 10), 10_000)),
    PeerCase("784-30-10", "batch of 10,000 images", lambda _: inputs.images()),
    PeerCase("64-30-10", "full-batch step, 1078 digits", lambda quick: inputs.digits(5 if quick else 50), 1),
    PeerCase(
        "784-30-10",
        "epoch of 50,000 images by 10",
        lambda quick: inputs.images_by_10(2_000 if quick else 50_000),
        5_000,
    ),
    PeerCase(
        "3-4-1", "11 lines, 60,000 full-batch steps", lambda _: inputs.eleven_lines(60_000), 60_000, threads=False
    ),
    PeerCase(
        "2-3-2",
        "online, 60,000 samples",
        lambda _: inputs.descent((2, 3, 2), 60_000, 1, alpha=0.125),
        60_000,
        threads=False,
    ),
    *KINDS,
)


# The cases for techniques


@dataclass(frozen=True)
class TechniqueCase:
    """A case of `techniques`: its title, its task, and how it is run, one of `techniques.cases.HOW`."""

    title: str
    task: Callable[[], Forward | Descent]
    how: str


def _of_batch(dtype: str = "float64", threads: int = 1) -> TechniqueCase:
    return TechniqueCase(
        "100-100-50-10, 10,000 samples",
        lambda: cast(inputs.forward((100, 100, 50, 10), 10_000), dtype, threads),
        "predict",
    )


def _of_full_batch(dtype: str = "float64", threads: int = 1) -> TechniqueCase:
    return TechniqueCase(
        "64-30-10, 5 updates by 1,078 samples",
        lambda: cast(inputs.descent((64, 30, 10), 1_078, 1_078, passes=5), dtype, threads),
        "train",
    )


def _images() -> Forward:
    task = inputs.descent((784, 30, 10), 10_000, 10, images=True)
    return Forward(task.network, task.X)


def _of_64(how: str) -> TechniqueCase:
    return TechniqueCase("64-30-10, 1,000 samples by 10", partial(inputs.descent, (64, 30, 10), 1_000, 10), how)


def _of_eleven_lines(how: str) -> TechniqueCase:
    return TechniqueCase("3-4-1, 5,000 updates by 4 samples", partial(inputs.eleven_lines, 5_000), how)


TECHNIQUES = {
    "batch": _of_batch(),
    "batch, 2 threads": _of_batch(threads=2),
    "batch, float32": _of_batch(dtype="float32"),
    "full batch": _of_full_batch(),
    "full batch, 2 threads": _of_full_batch(threads=2),
    "full batch, float32": _of_full_batch(dtype="float32"),
    "mini-batches of images": TechniqueCase(
        "784-30-10, 2,000 images by 10, 81 % zeros",
        partial(inputs.descent, (784, 30, 10), 2_000, 10, images=True),
        "train",
    ),
    "images": TechniqueCase("784-30-10, 10,000 images, 81 % zeros", _images, "predict"),
    "many inputs": TechniqueCase(
        "784-30-10, 10,000 samples", partial(inputs.forward, (784, 30, 10), 10_000), "predict"
    ),
    "few nodes": TechniqueCase(
        "500-3-2, 1,000 samples by 20", partial(inputs.descent, (500, 3, 2), 1_000, 20), "all updates at once"
    ),
    "linear model": TechniqueCase(
        "300-1, 1,000 samples by 10", partial(inputs.descent, (300, 1), 1_000, 10), "all updates at once"
    ),
    "mini-batches of 64": _of_64("all updates at once"),
    "mini-batches of 64, a call an update": _of_64("a call an update"),
    "updates of few rows": TechniqueCase(
        "600-150-20, 64 samples by 4", partial(inputs.descent, (600, 150, 20), 64, 4), "a call an update"
    ),
    "11 lines": _of_eleven_lines("all updates at once"),
    "11 lines, a call an update": _of_eleven_lines("a call an update"),
    "online": TechniqueCase(
        "2-3-2, 10,000 samples", partial(inputs.descent, (2, 3, 2), 10_000, 1, alpha=0.125), "all updates at once"
    ),
    "one sample": TechniqueCase("100-100-50-10, one sample", partial(inputs.forward, (100, 100, 50, 10)), "predictor"),
    "one tiny sample": TechniqueCase("3-3-1, one sample", partial(inputs.forward, (3, 3, 1)), "predict"),
    "one tiny sample, predictor": TechniqueCase("3-3-1, one sample", partial(inputs.forward, (3, 3, 1)), "predictor"),
    "compiling": TechniqueCase(
        "first calls of all kinds, nothing cached", partial(inputs.descent, (64, 30, 10), 32, 32), "first calls"
    ),
}
