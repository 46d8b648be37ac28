"""Scaling: the points and their checks, slopes and crossovers, and the sizes at which kernels switch."""

from typing import Any

import numpy as np
import pytest
from report_inputs import paired, row

from benchmarks import catalogue, growth
from benchmarks.report import figures, scaling
from benchmarks.report.model import Case
from samenet.compare.cases import LOOPS_OVER_LISTS, example
from samenet.fast import ready
from samenet.fast.kernels import forward, gemm, lanes, tiny_network, training
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.testing import tolerance

pytestmark = pytest.mark.compiled  # the same without the JIT

MACHINE = {
    "multiply_adds_per_second": {"float64": 1e9, "float32": 2e9},
    "exp_seconds": {"float64": 1e-9, "float32": 1e-9},
    "call_seconds": 1e-7,
}


# The points


def test_points_are_on_lines_from_the_least_to_the_largest() -> None:
    found: dict[tuple[str, str], list[int]] = {}
    for point in catalogue.POINTS:
        found.setdefault((point.along, point.held), []).append(point.at)
    assert found["width", "forward, batch 128"] == list(catalogue.WIDTHS)
    assert found["batch", "gradient, 64-30-10"] == list(catalogue.GRADIENT_BATCHES)
    assert found["depth", "forward, batch 1"] == found["depth", "forward, batch 128"] == list(catalogue.DEPTHS)
    assert (catalogue.WIDTHS[-1], catalogue.BATCHES[-1], catalogue.DEPTHS[-1]) == (4096, 65_536, 64)
    assert len(found) == 6


def test_the_limit_of_a_point_is_that_of_its_arithmetic() -> None:
    forward, gradient = (catalogue.Point("batch", 7, "", (4, 3, 2), 7, way) for way in (False, True))
    # By hand: 7 (4 3 + 3 2) multiply-adds of 1 ns, 7 (3 + 2) sigmoids of 1 ns, a call of 100 ns.
    assert growth.about(forward, MACHINE)["limit_seconds"] == pytest.approx((126 + 35 + 100) * 1e-9)
    assert growth.about(gradient, MACHINE)["limit_seconds"] == pytest.approx((7 * (2 * 12 + 3 * 6) + 35 + 100) * 1e-9)


SMALL = [
    catalogue.Point("width", 4, "", (4, 4, 10), 9),
    catalogue.Point("batch", 5, "", (6, 3, 2), 5, gradient=True),
    catalogue.Point("depth", 3, "", (5, 5, 5, 5), 1),
]


@pytest.mark.parametrize("point", SMALL, ids=str)
def test_every_contender_is_checked_in_its_own_dtype(point: catalogue.Point) -> None:
    case = growth.case(point)
    names = [c.name for c in case.contenders]
    assert names == [LOOPS_OVER_LISTS, "numpy", "numba", catalogue.TWO_THREADS, catalogue.SINGLE]
    for contender in case.contenders:
        dtype, answer = contender.answer()
        assert dtype == ("float32" if contender.name == catalogue.SINGLE else "float64")
        assert case.check((dtype, answer)).ok
        error = 1e-3 if dtype == "float32" else 1e-9
        wrong = (answer[0] + error, answer[1]) if point.gradient else np.asarray(answer) + error
        assert not case.check((dtype, wrong)).ok


def test_the_loops_stay_away_where_a_call_takes_long() -> None:
    names = [c.name for c in growth.case(catalogue.Point("width", 512, "", (512, 512, 10), 128)).contenders]
    assert names[0] == "numpy"


# The report


def _line(times: dict[float, tuple[float, float]]) -> list[Case]:
    """Points along width with the times of NumPy and Numba."""
    found = []
    for at, (numpy_seconds, numba_seconds) in times.items():
        rows = [row("numpy", numpy_seconds, 1.0), row("numba", numba_seconds, numpy_seconds / numba_seconds)]
        point = {"along": ["width"], "held": "forward, batch 128", "width": at, "batch": 128, "limit_seconds": 1e-7}
        shape = {"sizes": [at, at, 10], "rows": rows, "noise": None, "ratios": paired(rows)}
        found.append(Case.read(point | shape))
    return found


def test_the_slope_is_that_of_the_large_end() -> None:
    x = [2.0**i for i in range(10)]
    assert scaling.slope(x, [max(1.0, (a / 32) ** 2) for a in x]) == pytest.approx(2)
    assert scaling.slope(x[:5], [1.0] * 5) == pytest.approx(0)


def test_crossings_name_who_is_faster_from_where() -> None:
    line = _line({1: (4e-6, 1e-6), 2: (4e-6, 1e-6), 4: (1.05e-6, 1e-6), 8: (1e-6, 4e-6), 16: (1e-6, 4e-6)})
    assert scaling.crossings(line) == (
        "- width, forward, batch 128: Numba is faster from 1 to 2; neither is significantly faster at 4; "
        "NumPy is faster from 8 to 16"
    )


def test_the_table_has_slope_and_limit() -> None:
    line = _line({w: (1e-6 * w, 1e-6 * w * w) for w in (16, 32, 64, 128, 256)})
    rows = scaling.growth(line).rows
    assert rows[0] == ("width", "forward, batch 128", "NumPy", "1.00", "256", "256 us", "2560x")
    assert rows[1][3] == "2.00"
    assert scaling.limits(line, "width") == [([16, 32, 64, 128, 256], [1e-7] * 5)]


class _Record:
    sweeps = tuple(_line({w: (1e-6 * w, 1e-6 * w * w) for w in (16, 32, 64)}))
    switches: dict[str, Any] = {"width": [{"at": 30, "what": "another way"}]}  # noqa: RUF012


def test_the_picture_marks_switches_and_the_limit() -> None:
    (axes,) = figures.scaling(_Record(), "width").axes  # type: ignore[arg-type]
    assert [text.get_text() for text in axes.texts] == ["30: another way"]
    styles = [line.get_linestyle() for line in axes.lines]
    assert styles.count(":") == 1
    (switch,) = [line for line in axes.lines if list(line.get_xdata()) == [30, 30]]
    assert switch.get_linestyle() == "-"


# The sizes at which kernels switch: both sides are right


def _agree(sizes: tuple[int, ...], rows: int, threads: int = 1) -> None:
    """Output and gradient of Numba against NumPy's, within the bound."""
    network, X, Y = example(sizes, rows)
    one, other = (network.on(name) for name in ("numba", "numpy"))
    one.threads = threads
    assert tolerance.compare(one.predict(X), other.predict(X), tolerance.forward(other.model, X)[-1]).ok
    (cost, slope), (want, expected) = one.gradient(X, Y), other.gradient(X, Y)
    cost_allowed, allowed = tolerance.gradient(other.model, X, Y)
    assert tolerance.compare(cost, want, cost_allowed).ok
    assert tolerance.compare(slope.flat, expected.flat, allowed.flat).ok


LANES = REGISTER // 8
SIZE = 64 * 30 + 30 + 30 * 10 + 10
IN_LANES = max(lanes.rows_in_lanes((64, 30, 10), 8))
PARTS = next(m for m in range(1, 10_000) if training.parts_of(m, SIZE) > 1)


@pytest.mark.parametrize("width", [gemm.WIDE - 1, gemm.WIDE])
def test_both_sides_of_wide(width: int) -> None:
    _agree((width, width, 3), 21)


@pytest.mark.parametrize(
    "rows", [LANES // 2, LANES // 2 + 1, IN_LANES, IN_LANES + 1, forward.BLOCK, forward.BLOCK + 1, PARTS - 1, PARTS]
)
def test_both_sides_of_numbers_of_rows(rows: int) -> None:
    _agree((64, 30, 10), rows)


@pytest.mark.parametrize("beyond", [0, 1])
def test_both_sides_of_threads(beyond: int) -> None:
    rows = -(-ready.PAYS // ready.work_of((64, 30, 10), SIZE)) - 1 + beyond
    network, _, _ = example((64, 30, 10), rows)
    threaded = network.on("numba")
    threaded.threads = 2
    assert (ready.helpers(threaded.model, rows, 2) == 1) is bool(beyond)
    _agree((64, 30, 10), rows, threads=2)


ROWS = tiny_network._BATCH[0] // (
    tiny_network._BATCH[1] + 5 + LANES
)  # the most in registers, of a network (5, LANES, 2)


@pytest.mark.parametrize(
    ("sizes", "batch_size", "in_registers"),
    [
        ((5, LANES, 2), ROWS, True),
        ((5, LANES, 2), ROWS + 1, False),
        ((5, LANES + 1, 2), 4, True),
        ((tiny_network._INPUTS, 3, 2), 1, True),
        ((tiny_network._INPUTS + 1, 3, 2), 1, False),
    ],
)
def test_both_sides_of_networks_in_registers(sizes: tuple[int, ...], batch_size: int, in_registers: bool) -> None:
    network, X, Y = example(sizes, batch_size)
    one, other = (network.on(name) for name in ("numba", "numpy"))
    assert tiny_network.fits(one.model, batch_size) is in_registers
    allowed = tolerance.update(other.model, X, Y, 0.5)
    for trained in (one, other):
        trained.train(X, Y, alpha=0.5, epochs=1, batch_size=batch_size, shuffle=False, record_every=0)
    assert tolerance.compare(one.parameters, other.parameters, allowed).ok


def test_the_marks_are_where_kernels_change() -> None:
    marks = growth.switches()
    assert [m["at"] for m in marks["width"]] == [gemm.WIDE]
    at = {m["what"]: m["at"] for m in marks["batch"]}
    assert at == {
        "samples in lanes": 7,
        "weights are packed": 81,
        "gradient in parts": PARTS,
        "2 threads": 661,
    }
