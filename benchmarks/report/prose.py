"""The sentences in README with measured numbers, generated from a record.

A ratio is reported only where its interval does not contain 1.
"""

from collections.abc import Sequence

from benchmarks.report import scaling
from benchmarks.report.model import Case, Record
from benchmarks.report.tables import times
from samenet.compare.cases import LOOPS_OVER_LISTS
from samenet.output.formats import duration

_LINES = ("width", "depth", "batch")


def sentences(record: Record) -> str:
    """Where a fast backend loses, and what a second thread and float32 gain: the list under README's table."""
    samples = [case for case in record.cases if case.operation == "one sample"]
    lost = [f"{ratio} on {case.network}" for case, ratio in _slower(samples, "numpy", LOOPS_OVER_LISTS)]
    lines = [
        ("For one sample of a small network, NumPy takes longer than plain loops over lists", lost),
        ("Numba takes longer than NumPy, which uses BLAS", _along(record, "numba", "numpy", _LINES)),
        ("Numba in float64 takes longer than in float32", _along(record, "numba", "numba, float32", ("batch",))),
        ("Numba on one thread takes longer than on two", _along(record, "numba", "numba, 2 threads", ("batch",))),
    ]
    told = [
        f"- {begin}: {'; '.join(found)}." if found else f"- {begin}: in none of the measured cases."
        for begin, found in lines
    ]
    return "\n".join([*told, *_first_calls(record)])


def _first_calls(record: Record) -> list[str]:
    """The cost of compiling: first calls with nothing cached, and with kernels loaded from the cache."""
    states = record.processes["first_calls"].get("numba")
    if not states:
        return []
    calls = [call for call in states["cold"] if call != "import"]
    cold, warm = (", ".join(f"{call} {duration(states[state][call])}" for call in calls) for state in ("cold", "warm"))
    return [f"- Numba's first calls in a process, one after the other: {cold}; with cached kernels {warm}."]


def _slower(points: Sequence[Case], slow: str, fast: str) -> list[tuple[Case, str]]:
    """The points at which one contender takes longer than another, by an interval above 1, and the ratio."""
    ratios = [(point, point.ratio(slow, fast)) for point in points]
    return [(point, times(ratio)) for point, ratio in ratios if ratio is not None and ratio.low > 1]


def _along(record: Record, slow: str, fast: str, lines: Sequence[str]) -> list[str]:
    """The same on the scaling curves: the first and the last point of each contiguous run."""
    told = []
    for along in lines:
        for what, some in scaling.held(record.sweeps, along).items():
            found, timed = _slower(some, slow, fast), [p for p in some if p.ratio(slow, fast)]
            runs: list[list[tuple[Case, str]]] = []
            for point, ratio in found:
                if not runs or timed.index(runs[-1][-1][0]) + 1 != timed.index(point):
                    runs.append([])
                runs[-1].append((point, ratio))
            for run in runs:
                ends = [run[0], run[-1]] if len(run) > 1 else run
                told.append(f"{what}: " + " to ".join(f"{ratio} at {along} {getattr(p, along):,}" for p, ratio in ends))
    return told
