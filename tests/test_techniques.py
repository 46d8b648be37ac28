"""Measuring techniques: the changes apply to the source, pairs of processes check and time, the table is right."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samenet
from benchmarks import catalogue, measure
from benchmarks.expected import Expected, few
from benchmarks.problem import Call
from benchmarks.report import techniques as text
from benchmarks.report.model import newest
from benchmarks.techniques import TECHNIQUES, Change, Technique, pair
from benchmarks.techniques.cases import HOW

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.compiled  # the same without the JIT

CHANGES = [(t.name, change) for t in TECHNIQUES for change in t.changes]


@pytest.mark.parametrize(("name", "change"), CHANGES, ids=[f"{name}: {c.file}" for name, c in CHANGES])
def test_a_change_fits_its_file_once_and_leaves_python(name: str, change: Change) -> None:
    source = (ROOT / change.file).read_text(encoding="utf-8")
    changed = change.apply(source)
    assert changed != source
    compile(changed, change.file, "exec")


def test_a_text_that_is_not_there_once_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' is 2 times in the source, not once"):
        Change("f.py", "a", "b").apply("a, a")
    with pytest.raises(ValueError, match="'a' is 0 times"):
        Change("f.py", "a", "b").apply("c")


def test_every_technique_is_turned_off_one_way_and_has_its_cases() -> None:
    assert len({t.name for t in TECHNIQUES}) == len(TECHNIQUES)
    for technique in TECHNIQUES:
        assert bool(technique.changes) != bool(technique.without), technique.name
        assert {technique.case, technique.without or technique.case} <= set(catalogue.TECHNIQUES)
    used = {case for t in TECHNIQUES for case in (t.case, t.without or t.case)}
    assert used == set(catalogue.TECHNIQUES)


def test_both_calls_of_a_technique_are_given_the_same_task() -> None:
    for technique in TECHNIQUES:
        if technique.without and "32" not in technique.name and "threads" not in technique.name:
            one, other = (catalogue.TECHNIQUES[name].task() for name in (technique.case, technique.without))
            assert type(one) is type(other)
            for name in ("x", "X", "Y"):
                assert np.array_equal(getattr(one, name, 0), getattr(other, name, 0))
            assert np.array_equal(one.network.parameters, other.network.parameters)


@pytest.mark.parametrize("name", ["11 lines, a call an update", "mini-batches of 64, a call an update", "online"])
def test_a_wrong_answer_is_seen(name: str) -> None:
    case = catalogue.TECHNIQUES[name]
    task = case.task()
    call = HOW[case.how](few(task))
    assert isinstance(call, Call)
    answer, expected = call.read(call.run()), Expected(task)
    assert expected.compare(answer, 0.0).ok
    assert not expected.compare(answer + 1e-9, 0.0).ok


@pytest.mark.parametrize(("name", "calls"), [("11 lines", 1), ("mini-batches of 64, a call an update", 100)])
def test_updates_are_one_call_or_as_many(name: str, calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    monkeypatch.setattr(samenet.backend("numba"), "run_updates", lambda *given, **named: counted.append(named))
    case = catalogue.TECHNIQUES[name]
    call = HOW[case.how](case.task())
    assert isinstance(call, Call)
    call.run()
    assert len(counted) == calls


def test_a_copy_is_the_package_but_for_its_changes(tmp_path: Path) -> None:
    technique = next(t for t in TECHNIQUES if t.name == "tiles of 6 x 4 registers")
    whole, changed = pair.copy(tmp_path / "a"), pair.copy(tmp_path / "b", technique.changes)
    files = {p.relative_to(whole) for p in whole.rglob("*.py")}
    assert {p.relative_to(changed) for p in changed.rglob("*.py")} == files
    different = {str(p) for p in files if (whole / p).read_bytes() != (changed / p).read_bytes()}
    assert different == {"samenet/fast/kernels/codegen/microkernels.py"}
    assert (whole / "samenet/__init__.py").read_bytes() == (ROOT / "interface/__init__.py").read_bytes()


class _Made:
    """Replaces a process: its messages, and its time by package."""

    right, started, asked = True, [], []  # type: ignore[var-annotated]

    def __init__(self, package: Path, case: str, **environment: str) -> None:
        self.seconds_a_call = 3e-3 if package.name == "changed" else 1e-3
        self.ok = self.right or package.name != "changed"
        self.name = package.name
        self.started.append((package.name, case))

    def ready(self) -> dict[str, Any]:
        error = {"observed": 1e-16 if self.ok else 1.0, "allowed": 1e-15, "problem": ""}
        return {"ok": self.ok, "first_call": self.seconds_a_call, **error}

    def seconds(self, number: int) -> float:
        self.asked.append((self.name, number))
        return self.seconds_a_call

    def __enter__(self) -> "_Made":
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> type[_Made]:
    monkeypatch.setattr(pair, "Process", _Made)
    monkeypatch.setattr(_Made, "right", True)
    monkeypatch.setattr(_Made, "started", [])
    monkeypatch.setattr(_Made, "asked", [])
    return _Made


WHOLE, CHANGED = Path("whole"), Path("changed")


def test_a_pair_takes_turns_and_the_ratio_is_without_over_with(made: type[_Made]) -> None:
    found = pair.timed(TECHNIQUES[0], WHOLE, CHANGED, 0.5)
    assert made.started == [("changed", "batch"), ("whole", "batch")]
    (row,) = found.ratios()
    assert (row["slow"], row["fast"], row["estimate"]) == ("without", "with", pytest.approx(3))
    assert [one.speed_up and one.speed_up.estimate for one in found.rows] == [1, pytest.approx(3)]
    in_rounds = made.asked[6:]
    assert all({a[0], b[0]} == {"whole", "changed"} for a, b in zip(in_rounds[::2], in_rounds[1::2], strict=True))
    assert dict(in_rounds) == {"whole": 20, "changed": 7}, "20 ms each"
    assert len(in_rounds) == 2 * 12, "as many rounds as fill half a second"


def test_another_call_is_timed_on_the_same_package(made: type[_Made]) -> None:
    technique = next(t for t in TECHNIQUES if t.without)
    pair.timed(technique, WHOLE, WHOLE, 0.1)
    assert made.started == [("whole", technique.without), ("whole", technique.case)]


def test_neither_is_timed_where_an_answer_is_wrong(made: type[_Made], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "right", False)
    found = pair.timed(TECHNIQUES[0], WHOLE, CHANGED, 0.1)
    assert made.asked == []
    assert [row.seconds for row in found.rows] == [None, None]
    assert [row.comparison.ok for row in found.rows] == [False, True]


def test_compiling_is_timed_once_with_nothing_cached(made: type[_Made]) -> None:
    technique = next(t for t in TECHNIQUES if pair.is_cold(t.case))
    (row,) = pair.timed(technique, WHOLE, CHANGED, 0.1).ratios()
    assert made.asked == []
    assert row["estimate"] == pytest.approx(3)


def _content(made: type[_Made], several: int, first: Technique = TECHNIQUES[0]) -> dict[str, Any]:
    found = [pair.timed(first, WHOLE, CHANGED, 0.1) for _ in range(several)]
    return {
        "environment": {"processor": "P", "cores": 2, "python": "CPython", "utc": "2026-11-21T06", "commit": "abc"},
        "quick": False,
        "repeats": several,
        "techniques": [pair.together(first, found)],
    }


def test_the_table_has_times_ratio_and_errors(made: type[_Made], tmp_path: Path) -> None:
    (tmp_path / "techniques.json").write_text(json.dumps(_content(made, 3)))
    (path,) = text.write(tmp_path)
    (line,) = [line for line in path.read_text().splitlines() if line.startswith("| registers of 64 bytes")]
    assert "| 1.00 ms | 3.00 ms | 3.00x [3.00, 3.00] | 1e-16 / 1e-15; 1e-16 / 1e-15 |" in line
    assert newest(tmp_path.parent, "techniques.json") == tmp_path
    assert "| registers of 64 bytes | 100-100-50-10, 10,000 samples | 3.00x" in text.mention(tmp_path)
    assert newest(tmp_path / "nothing", "techniques.json") is None


def test_a_wrong_answer_has_no_time_in_the_table(made: type[_Made], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "right", False)
    (row,) = text.table(_content(made, 2)).rows
    assert row[3:6] == ("–", "FAIL", "–")  # noqa: RUF001


def test_a_process_answers_by_its_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A separate process, in which the NumPy backend runs the case, so that nothing is compiled."""
    package, benchmarks = pair.copy(tmp_path / "package"), tmp_path / "benchmarks"
    shutil.copytree(ROOT / "benchmarks", benchmarks, ignore=shutil.ignore_patterns("__pycache__"))
    cases = benchmarks / "techniques" / "cases.py"
    cases.write_text(cases.read_text(encoding="utf-8").replace("ours.NUMBA", "ours.NUMPY"))
    monkeypatch.setattr(measure, "ROOT", tmp_path)
    with pair.Process(package, "one tiny sample") as one:
        found = one.ready()
        assert found["ok"]
        assert found["first_call"] > 0
        assert 0 < one.seconds(3) < 1
    with (
        pair.Process(tmp_path / "another", "one tiny sample") as one,
        pytest.raises(RuntimeError, match="was timed, not"),
    ):
        one.ready()
    with pair.Process(package, "no case") as one, pytest.raises(RuntimeError, match="ended with 1"):
        one.ready()
