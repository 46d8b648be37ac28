"""The report, generated from a small handmade record; the committed one matches its JSON files."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from report_inputs import case, content, paired, row, write_history

from benchmarks.report import claims, figures, history, prose, scaling, tables, text, write
from benchmarks.report.model import Record, newest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.compiled  # the same without the JIT

README = f"# A project\n\nbefore\n{write.COMPARE[0]}\nold\n{write.COMPARE[1]}\nafter\n"


def saved(root: Path, made: dict[str, Any], name: str = "machine-2026-11-21") -> Record:
    folder = root / "results" / name
    folder.mkdir(parents=True)
    (folder / "comparison.json").write_text(json.dumps(made))
    (root / "README.md").write_text(README)
    return Record.read(folder)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return saved(tmp_path, content())


def every_table(text: str) -> list[list[str]]:
    """The tables of a markdown text, as their lines."""
    return [block.splitlines() for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_tables_are_well_formed(record: Record, tmp_path: Path) -> None:
    for page in write.texts(record, tmp_path).values():
        found = every_table(page)
        assert found
        for head, marks, *body in found:
            assert re.fullmatch(r"\|( --- \|)+( ---: \|)*", marks)
            assert {len(cells(line)) for line in (head, marks, *body)} == {len(cells(head))}


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    assert [len(cells(line)) for line in tables.Table(("a",), [("b|c",)]).markdown().splitlines()] == [1, 1, 1]


def test_wrong_answer_is_fail_and_has_no_time(record: Record, tmp_path: Path) -> None:
    for page in write.texts(record, tmp_path).values():
        (line,) = [line for line in page.splitlines() if line.startswith("| 3-3-3-1 | one sample |") and "FAIL" in line]
        assert "FAIL" in cells(line)
        assert "123" not in page.replace("0123456789ab", "")  # its time: 123 us; its minimum: 111 us
        assert "111 us" not in page
    whole = tables.everything(record.cases).rows
    (failed,) = [line for line in whole if line[:3] == ("3-3-3-1", "one sample", "Numba")]
    assert failed[3:7] == ("FAIL", "FAIL", tables.NONE, "FAIL")
    assert failed[7] == "not finite / 2e-15 (not finite where the reference is)"


def test_nan_for_an_error_and_missing_times(tmp_path: Path) -> None:
    made = content()
    made["cases"] = [case("3-3-1", "one sample", [row("numpy", 1e-5, 1.0, ok=False, observed=float("nan"))])]
    made["cases"][0] |= {"noise": None}
    made["cases"][0]["rows"][0]["timed"] = None
    found = saved(tmp_path, made)
    page = text.report(found)
    assert "not finite / 2e-15" in page
    assert "nan" not in page.lower().replace("nano", "")
    figures.draw(found, text.selected(found.cases))


def test_contenders_that_did_not_take_part(record: Record) -> None:
    headings, body = tables.compact(record.cases).headings, tables.compact(record.cases).rows
    table = {(line[0], line[1]): dict(zip(headings, line, strict=True)) for line in body}
    assert table["784-30-10", "batch of 1024"]["loops over lists"] == tables.NONE
    assert table["784-30-10", "batch of 1024"]["Numba over the loops"] == tables.NONE
    assert table["3-3-1", "one sample"]["Numba over the loops"] == "8.00x [7.20, 8.80]"
    assert table["64-30-10", "digits, full-batch epoch"]["Numba over the loops"] == "4.00x * [3.60, 4.40]"
    assert table["100-100-50-10", "one sample"]["worst error / allowed"] == "0.0500"


@pytest.mark.parametrize("quick", [True, False])
def test_quick_run_is_named(tmp_path: Path, quick: bool) -> None:
    made = content()
    made |= {"quick": quick, "cases": made["cases"][:1], "sweeps": made["sweeps"][::5]}
    found = saved(tmp_path, made)
    assert ("quick run" in text.report(found)) is quick
    assert ("quick run" in text.region(found)) is quick
    assert "Not measured here" in text.report(found)
    assert all(path.stat().st_size for path in figures.draw(found, found.cases))


def test_never_zero_with_digits(tmp_path: Path) -> None:
    made = content()
    made["cases"].append(case("64-30-10", "one sample", [row("loops, lists", 3e-10, 1.0), row("numpy", 1e2, 3e-12)]))
    found = saved(tmp_path, made)
    for page in write.texts(found, tmp_path).values():
        assert not re.search(r"(?<![\d.])0\.0+(?!\d)", page)
    assert "0.300 ns" in text.report(found)


def test_ratios(record: Record) -> None:
    one = record.case("3-3-1", "one sample")
    assert one is not None
    assert one.ratio("loops, arrays", "numba") == (8.0, 7.2, 8.8)
    back, between = one.ratio("numba", "loops, arrays"), one.ratio("numpy", "numba")
    assert back is not None
    assert between is not None
    assert back == (1 / 8, 1 / 8.8, 1 / 7.2)
    assert between == pytest.approx((16, 14.4, 17.6))
    failed = record.case("3-3-3-1", "one sample")
    assert failed is not None
    assert failed.ratio("loops, arrays", "numba") is None


def test_claims_are_answered_with_our_numbers(record: Record) -> None:
    fold, gain, growth, vectors = claims.answers(record)
    assert "take 488 [439, 537] times as long as NumPy: it agrees within the interval." in fold
    assert "loops over arrays NumPy loses 40.0 us (40.0 us - 80.0 us; 0.500x" in gain
    assert "NumPy 1.00x." in growth
    assert "NumPy is slower on 3-3-1 (0.250x" in vectors
    assert list(claims.table(record).rows[0][1:5]) == ["40 us", "–", "–", "40.0 us"]  # noqa: RUF001
    assert list(claims.table(record).rows[2][1:5]) == ["41 ms", "84 us", "40.9 ms, 488x", "41.0 ms"]


def test_reference_wins_and_noise_are_named(record: Record) -> None:
    assert "- 3-3-1, one sample: NumPy takes longer than loops over lists, 4.00x" in text.reference_wins(record)
    assert "Numba takes longer" not in text.reference_wins(record).replace("16-16-10, batch of 8: Numba", "")
    assert text.noise(record).startswith("4 of 5 A/A intervals contain 1;")
    assert "- 3-3-1, one sample: 1.0100x [1.0010, 1.0200]" in text.noise(record)


def test_slopes(record: Record) -> None:
    found = scaling.lines(record.sweeps, "width")
    assert set(found) >= {("numpy", "batch 1"), ("numpy", "batch 64"), ("loops, lists", "batch 1")}
    assert scaling.slope(*found["numpy", "batch 1"]) == pytest.approx(2)
    assert scaling.slope(*scaling.lines(record.sweeps, "depth")["numba", "batch 1"]) == pytest.approx(1)


def test_readme_keeps_what_stands_around_its_table(record: Record, tmp_path: Path) -> None:
    page = write.texts(record, tmp_path)[tmp_path / "README.md"]
    assert page.startswith(f"# A project\n\nbefore\n{write.COMPARE[0]}\n")
    assert page.endswith(f"{write.COMPARE[1]}\nafter\n")
    assert "old" not in page
    assert write.with_region(page, text.region(record)) == page
    with pytest.raises(ValueError, match="must have one"):
        write.with_region("no marks", "")


def test_command_writes_everything_twice_the_same(tmp_path: Path) -> None:
    record = saved(tmp_path, content())
    made = {}
    for turn in range(2):
        assert write.main(["--root", str(tmp_path)]) == 0
        made[turn] = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert made[0] == made[1]
    names = {path.name for path in record.folder.iterdir()}
    scales = {f"scaling-{along}.png" for along in ("width", "depth", "batch")}
    assert names == {"comparison.json", "tables.md", "times.png", "speed-up.png", "heat-map.png"} | scales
    readme = (tmp_path / "results" / "README.md").read_text()
    links = re.findall(r"\]\(([^)]+)\)", readme)
    assert all((tmp_path / "results" / link).exists() for link in links if link != "asv")


def test_newest_is_by_the_date_inside(tmp_path: Path) -> None:
    for name, utc in [("z", "2026-01-01T00:00:00+00:00"), ("a", "2026-02-01T00:00:00+00:00")]:
        made = content()
        made["environment"]["utc"] = utc
        saved(tmp_path, made, name)
    assert newest(tmp_path / "results") == tmp_path / "results" / "a"
    assert newest(tmp_path) is None


def test_without_a_record_the_command_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for given in (["--root", str(tmp_path)], [str(tmp_path)]):
        with pytest.raises(SystemExit, match="2"):
            write.main(given)
        assert "measure first: python -m benchmarks run" in capsys.readouterr().err


def test_history(tmp_path: Path) -> None:
    write_history(tmp_path)
    found = {(line.benchmark, line.parameters): line for line in history.lines(tmp_path)}
    timed = found["cells.OneSample.time_call", ("3-3-1", "numpy")]
    assert [(p.commit, p.value) for p in timed.points] == [("a" * 8, 2e-5), ("b" * 8, 2.5e-5), ("c" * 8, 3e-5)]
    assert timed.unit == "seconds"
    assert len(found["cells.OneSample.time_call", ("64-30-10", "numba")].points) == 2  # NaN is left out
    assert [p.value for p in found["cells.Old.track_error", ()].points] == [0.5, 0.5]  # version 1 is left out
    assert not any(name == "cells.Broken.time_call" for name, _ in found)
    assert history.lines(tmp_path / "nothing") == []


def test_sentences_tell_every_loss_with_its_interval(record: Record, tmp_path: Path) -> None:
    assert prose.sentences(record).splitlines() == [
        "- For one sample of a small network, NumPy takes longer than plain loops over lists: "
        "4.00x [3.64, 4.44] on 3-3-1; 4.00x [3.64, 4.44] on 3-3-3-1.",
        "- Numba takes longer than NumPy, which uses BLAS: in none of the measured cases.",
        "- Numba in float64 takes longer than in float32: in none of the measured cases.",
        "- Numba on one thread takes longer than on two: in none of the measured cases.",
        "- Numba's first calls in a process, one after the other: predict 200 ms, predict one 100 us, gradient 100 ms, "
        "train 300 ms; with cached kernels predict 200 ms, predict one 100 us, gradient 100 ms, train 300 ms.",
    ]
    made = content()
    line = [
        {"width": w, "batch": 8, "sizes": [w, w, 10], "title": "", "noise": None, "along": ["width"], "held": "forward"}
        | {"rows": [row("numpy", 1e-5, 1.0), row("numba", 1e-5 / gain, gain)]}
        for w, gain in ((1, 2.0), (2, 0.5), (4, 0.25), (8, 1.05), (16, 0.5))
    ]
    for point in line:
        point["ratios"] = paired(point["rows"])
    made["sweeps"] = line
    told = prose.sentences(saved(tmp_path / "other", made)).splitlines()
    assert told[1] == (
        "- Numba takes longer than NumPy, which uses BLAS: "
        "forward: 2.00x [1.82, 2.22] at width 2 to 4.00x [3.64, 4.44] at width 4; "
        "forward: 2.00x [1.82, 2.22] at width 16."
    )


def test_committed_report_is_what_its_json_gives() -> None:
    folder = newest(ROOT / "results")
    assert folder is not None, f"no results are committed: {text.MEASURE}, then {text.REPORT}"
    for path, page in write.texts(Record.read(folder), ROOT).items():
        name = path.relative_to(ROOT)
        assert path.exists(), f"{name} is missing: {text.REPORT}"
        assert path.read_text(encoding="utf-8") == page, f"{name} is out of date: {text.REPORT}"
    assert (ROOT / "results" / "compare.png").exists()
