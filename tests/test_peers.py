"""samenet against other libraries: which take part, the checks before timing, and the tables."""

import copy
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import report_inputs

import samenet
from benchmarks import contenders, limits, measure
from benchmarks.catalogue import PeerCase
from benchmarks.contenders import genann, lean, ours, pytorch, scikit, tutorial
from benchmarks.expected import Expected, few
from benchmarks.peers import process
from benchmarks.problem import Call, Descent, Forward, cast
from benchmarks.report import figures, write
from benchmarks.report import peers as text
from benchmarks.report import text as whole_report
from benchmarks.report.model import Outcome, Record, newest
from samenet.compare import environment, timing
from samenet.compare.cases import eleven_lines_problem, example
from samenet.compare.measurement import measure as in_turns
from samenet.compare.timing import Ratio

pytestmark = pytest.mark.compiled  # the same without the JIT
ROOT = Path(__file__).resolve().parent.parent

HERE = [peer for peer in contenders.registered() if not peer.missing()]  # a new file is tested without being listed
MEASURED = [module.PEER for module in (ours, tutorial, lean, scikit)]  # for pages that are the same wherever tests run
reference = samenet.backend("reference").Network


def forward(sizes: tuple[int, ...], rows: int | None) -> Forward:
    network, X, _ = example(sizes, rows or 1)
    return Forward(network, X[0] if rows is None else X)


def descent(rows: int, batch_size: int, passes: int = 1, sizes: tuple[int, ...] = (5, 4, 3)) -> Descent:
    network, X, Y = example(sizes, rows)
    return Descent(network, X, Y, 0.5, batch_size, passes)


def eleven_lines() -> Descent:
    network, X, Y = eleven_lines_problem()
    return Descent(network, X, Y, 1.0, 4, passes=4, reduction="sum")


TASKS: dict[str, Callable[[], Forward | Descent]] = {
    "one sample": partial(forward, (3, 3, 1), None),
    "one sample of many outputs": partial(forward, (5, 4, 3), None),
    "a batch": partial(forward, (5, 4, 3), 23),
    "a batch of more than one block": partial(forward, (4, 3, 2), 1100),
    "full batch": partial(descent, 12, 12, 3),
    "mini-batches": partial(descent, 12, 4, 2),
    "online": partial(descent, 9, 1),
    "deep": partial(descent, 8, 4, 1, (4, 3, 5, 2)),
    "without biases": eleven_lines,
}


def made(task: Forward | Descent) -> dict[str, Call | str]:
    """The calls of all installed contenders for a task."""
    return {name: way.make(task) for name, way in contenders.ways(HERE).items()}


def shorten(patch: pytest.MonkeyPatch) -> None:
    """Make measuring short, with the installed peers."""
    patch.setattr(timing, "_SAMPLE", 1e-5)
    patch.setattr(timing, "_ROUNDS", (3, 3))
    patch.setattr(process, "registered", lambda: MEASURED)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch)


# The registry


def test_every_file_of_a_contender_is_found_and_has_what_it_needs():
    registered = contenders.registered()
    files = {path.stem for path in (ROOT / "benchmarks" / "contenders").glob("*.py")} - {"__init__"}
    assert len({peer.name for peer in registered}) == len(registered) == len(files)
    assert registered[0].name == "samenet"
    names = [name for peer in registered for name in peer.ways]
    assert len(set(names)) == len(names)
    shown = contenders.ways(registered)
    del shown[ours.PREDICTOR]  # the others are compared with it
    marks = [(way.colour, way.marker) for way in shown.values()]
    assert len(set(marks)) == len(marks), "each has a mark of its own in the figure"
    assert ("#000000", "p") not in marks
    for peer in registered:
        assert not (peer.module and peer.name != "samenet") or peer.requires, "a library that is imported is installed"


def test_variables_are_those_of_the_number_of_threads(monkeypatch):
    monkeypatch.setenv("NPROC", "")
    monkeypatch.setenv("ORT_LOGGING_LEVEL", "")
    contenders.set_variables(2)
    assert (os.environ["NPROC"], os.environ["ORT_LOGGING_LEVEL"]) == ("2", "3")


def test_registering_loads_no_library():
    done = output_of(
        "import sys, benchmarks.contenders as peers; peers.registered();"
        " print([m for m in ('torch', 'jax', 'sklearn') if m in sys.modules])"
    )
    assert done == "[]"


def output_of(script: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({str(ROOT)!r}); {script}"],
        check=True,
        capture_output=True,
        text=True,
    )
    return run.stdout.strip()


def test_a_peer_whose_library_is_missing_says_so(monkeypatch):
    monkeypatch.delenv(genann.VARIABLE, raising=False)
    assert genann.VARIABLE in genann.PEER.missing()
    monkeypatch.setenv(genann.VARIABLE, os.devnull)
    assert genann.PEER.missing()
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "torch" in pytorch.PEER.missing()
    assert contenders.needs("json", "a_module_that_is_not_there") == "No module named 'a_module_that_is_not_there'"
    assert contenders.needs("json") == ""


def test_a_missing_peer_is_left_out_and_the_others_take_part(monkeypatch):
    absent = replace(scikit.PEER, absent=lambda: "it is not installed")
    monkeypatch.setattr(process, "registered", lambda: [absent if peer is scikit.PEER else peer for peer in MEASURED])
    names = process.contenders(forward((3, 3, 1), None))
    assert scikit.NAME not in names
    assert {ours.NUMBA, tutorial.NAME, lean.NAME} <= set(names)
    assert next(iter(names)) == ours.PREDICTOR, "what the others are compared with comes first"


def test_two_threads_are_for_those_that_have_them(monkeypatch):
    monkeypatch.setattr(process, "registered", lambda: MEASURED)
    assert tutorial.NAME not in process.contenders(replace(forward((3, 3, 1), 4), threads=2))


# The answers


def test_every_contender_that_is_here_does_some_task():
    """So that its answers are compared below: a way that refuses every task would never be checked."""
    calls = [(name, call) for make in TASKS.values() for name, call in made(few(make())).items()]
    assert {name for name, call in calls if isinstance(call, Call)} == {*contenders.ways(HERE)}
    assert {ours.NUMBA, ours.NUMPY, tutorial.NAME, lean.NAME, scikit.NAME} <= {name for name, _ in calls}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("what", TASKS)
def test_those_that_are_here_give_the_reference_s_answer(what, dtype):
    task = cast(TASKS[what](), dtype, 1)
    expected, checked, took_part = Expected(task), few(task), set()
    for name, call in made(checked).items():
        if isinstance(call, Call):
            for _ in range(2):  # the second call begins where the first did
                answer = call.read(call.run())
                comparison = expected.compare(answer, call.looser)
                assert comparison.ok, f"{name}: {comparison}"
            took_part.add(name)
    assert took_part >= {ours.NUMBA, ours.NUMPY, tutorial.NAME, lean.NAME}
    assert (scikit.NAME in took_part) is isinstance(task, Forward)


def test_the_training_that_is_timed_is_the_one_that_is_meant():
    task = descent(12, 4, 2)
    network = task.network.copy()
    network.train(task.X, task.Y, alpha=0.5, epochs=2, batch_size=4, shuffle=False, record_every=0)
    for name, call in made(task).items():
        if isinstance(call, Call):
            np.testing.assert_allclose(call.read(call.run()), network.parameters, rtol=1e-12, err_msg=name)
    assert np.abs(network.parameters - task.network.parameters).max() > 1e-3


@pytest.mark.parametrize(
    "wrong",
    [
        lambda task: replace(task, alpha=task.alpha * (1 + 1e-9)),
        lambda task: replace(task, X=task.X[::-1].copy(), Y=task.Y[::-1].copy()),
        lambda task: replace(task, passes=task.passes - 1),
        lambda task: replace(task, reduction="sum"),
    ],
    ids=["rate", "order", "passes", "reduction"],
)
def test_wrong_training_is_noticed(wrong):
    task = descent(12, 4, 2)
    call = lean._descent(wrong(few(task)))
    assert not Expected(task).compare(call.read(call.run()), 0.0).ok


@pytest.mark.parametrize(
    "spoil", [lambda h: h + 1e-12, lambda h: h[:-1], lambda h: h.astype(np.float32), lambda h: h * np.nan]
)
def test_wrong_outputs_are_noticed(spoil):
    task = forward((5, 4, 3), 23)
    call = lean._forward(task)
    assert Expected(task).compare(call.read(call.run()), 0.0).ok
    assert not Expected(task).compare(spoil(call.read(call.run())), 0.0).ok


def test_the_last_row_of_a_batch_is_checked():
    task = forward((5, 4, 3), 333)
    answer = task.network.predict(task.x)
    answer[-1] += 1e-3
    assert not Expected(task).compare(answer, 0.0).ok


def test_a_looser_error_is_allowed_to_those_who_ask_for_it():
    task = forward((5, 4, 3), 23)
    answer = task.network.predict(task.x) + 1e-4
    assert [Expected(task).compare(answer, looser).ok for looser in (0.0, 1e-3)] == [False, True]


@pytest.mark.usefixtures("short")
def test_a_wrong_contender_fails_and_is_not_timed(monkeypatch):
    def off(task: Forward) -> Call:
        right = lean._forward(task)
        return Call(right.run, lambda h: right.read(h) + 1e-9)

    wrong = replace(lean.PEER, ways={lean.NAME: replace(lean.PEER.ways[lean.NAME], forward=off)})
    monkeypatch.setattr(process, "registered", lambda: [wrong if peer is lean.PEER else peer for peer in MEASURED])
    task = forward((5, 4, 3), 23)
    case, left_out, _ = process.case(PeerCase("5-4-3", "a batch", lambda quick: task), task)
    rows = {row.name: row for row in in_turns(case, 0.01).rows}
    assert not rows[lean.NAME].comparison.ok
    assert rows[lean.NAME].seconds is None
    assert rows[tutorial.NAME].seconds is not None
    assert left_out == {ours.PREDICTOR: "a predictor takes one sample"}


# What is counted


def test_parts_of_a_task():
    whole = descent(12, 4, 6)
    assert (whole.amount, whole.batches, whole.rate) == (18, 3, 0.5 / 4)
    assert replace(whole, reduction="sum").rate == 0.5
    assert whole.part(18) is whole
    assert (whole.part(6).passes, whole.part(6).amount) == (2, 6)
    assert (len(whole.part(2).X), whole.part(2).passes, whole.part(2).amount) == (8, 1, 2)
    assert forward((3, 3, 1), 8).part(3).amount == 3
    assert forward((3, 3, 1), None).part(1).x.shape == (3,)


@pytest.mark.usefixtures("short")
def test_a_part_is_timed_where_all_of_it_takes_long(monkeypatch):
    task = descent(1000, 1)
    seconds = iter([0.001, 0.001, 10.0])

    def fake(call: Callable[[], object]) -> float:
        return next(seconds)

    monkeypatch.setattr(timing, "first_call", fake)
    # 10 updates take so long: all 1000 in 0.1 s, which is less than the limit, or in 1000 s.
    assert process.part(tutorial._descent, task).amount == 1000
    monkeypatch.setattr(process, "_LONGEST_TRAINING", 0.05)
    assert process.part(tutorial._descent, task).amount == 100
    assert process.part(tutorial._descent, task).amount == 10


def test_the_arithmetic_of_the_limit():
    # 1078 digits: 2220 products forward, as many for the weights, 300 for the hidden layer, and the update.
    step = limits.work((64, 30, 10), 1078, 1)
    assert step == {"multiply_adds": 1078 * (2220 + 2220 + 300) + 2220, "sigmoids": 1078 * 40}
    assert limits.work((64, 30, 10), 10) == {"multiply_adds": 22200, "sigmoids": 400}
    task = descent(12, 4, 2)
    assert process.work_counted(task, 7) == limits.work((5, 4, 3), 28, 7)
    assert process.work_counted(forward((5, 4, 3), 8), 0) == limits.work((5, 4, 3), 8)
    machine = {
        "multiply_adds_per_second": {"float64": 1e9, "float32": 2e9},
        "exp_seconds": {"float64": 1e-9, "float32": 5e-10},
        "call_seconds": 1e-7,
    }
    work = {"multiply_adds": 3e6, "sigmoids": 1e6}
    assert limits.limit(work, "float64", 1, machine) == pytest.approx(1e-7 + 3e-3 + 1e-3)
    assert limits.limit(work, "float32", 2, machine) == pytest.approx(1e-7 + 1.5e-3 + 2.5e-4)
    faster = {"call_seconds": 3e-7, "exp_seconds": {"float64": 3e-9}}
    slower = {"call_seconds": 1e-7, "exp_seconds": {"float64": 1e-9}}
    assert limits.median([faster, slower]) == {"call_seconds": 2e-7, "exp_seconds": {"float64": 2e-9}}


# From processes to the page


@pytest.fixture
def content(measured_once: dict[str, Any]) -> dict[str, Any]:
    """A copy, to be changed."""
    return copy.deepcopy(measured_once)


@pytest.fixture(scope="module")
def measured_once() -> dict[str, Any]:
    """The combined measurements of small cases in two processes, with invented numbers for those made once."""
    operations = (
        PeerCase("3-3-1", "one sample", lambda quick: forward((3, 3, 1), None), threads=False, single=False),
        PeerCase("5-4-3", "two steps", lambda quick: descent(12, 4, 2), counted=2),
    )
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch)
        patch.setattr(limits, "_STEPS", 100)
        patch.setattr(limits, "_MEMORY", 1000)
        patch.setattr(process, "mnist", lambda: ("made up",))
        patch.setattr(process, "PEERS", operations)
        found = {threads: [process.measured(threads, 0.01, quick=True) for _ in range(2)] for threads in (1, 2)}
    several = json.loads(json.dumps(list(found.values())))
    cases = [case for of_one in several for case in measure.combine([one["cases"] for one in of_one])]
    machine = {str(threads): limits.median([one["machine"] for one in of_one]) for threads, of_one in found.items()}
    for case in cases:
        case["limit_seconds"] = limits.limit(
            case["work"], case["dtype"], case["threads"], machine[str(case["threads"])]
        )
    around = environment.describe() | {"commit": "0123456789ab", "packages": {"numpy": "2.4.6", "torch": None}}
    return {
        "environment": around | {"utc": "2026-11-21T06:15:59+00:00"},
        "quick": True,
        "repeats": 2,
        "absent": {"PyTorch": "No module named 'torch'"},
        "images": "made up",
        "cases": cases,
        "machine": machine,
        "once": {
            "first_answer_seconds": 0.5,
            "import_seconds": {"numba": 0.3},
            "kernels": {"cold_seconds": 12.0, "kernels": 20, "more_for_another_shape": 0},
            "memory": {"data_bytes": 4000, "added_bytes": 1000},
        },
    }


def outcome(content: dict[str, Any], folder: Path) -> Outcome:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "peers.json").write_text(json.dumps(content))
    return Outcome.read(folder)


def test_the_page_of_a_run(content, tmp_path):
    found = outcome(content, tmp_path / "results" / "machine")
    assert [str(s) for s in found.settings] == [
        "3-3-1, one sample",
        "5-4-3, two steps",
        "5-4-3, two steps, float32",
        "5-4-3, two steps, 2 threads",
        "5-4-3, two steps, float32, 2 threads",
    ]
    page = text.page(found)
    for line in (
        "- PyTorch: absent, No module named 'torch'",
        f"- {scikit.NAME}: {scikit.REASON} (5-4-3, two steps)",
        "| further kernels compiled for another depth and width | 0 |",
        "| memory added by training on MNIST, relative to its data | 25.0 % |",
        "| the same, minus importing Numba alone | 200 ms |",
        "- wrong answers: none.",
    ):
        assert line in page, line
    assert "A quick run: do not quote it." in page
    assert not re.search(r"\bnan\b", page)
    one = found.settings[0]
    assert one.ours == ours.PREDICTOR
    assert one.best in {tutorial.NAME, lean.NAME, scikit.NAME}
    head, _, *rows = text.whole(one).markdown().splitlines()
    assert rows[0].startswith(f"| {ours.PREDICTOR} |")
    assert len(rows) == 7
    assert {row.count("|") for row in rows} == {head.count("|")}
    path, _ = figures.draw_peers(found.folder)
    assert path.stat().st_size > 10_000
    assert text.write(found.folder)[0].read_text(encoding="utf-8") == page


def with_ratio(content: dict[str, Any], estimate: float, low: float, high: float) -> dict[str, Any]:
    """Only the first case, with this ratio of scikit-learn's time to samenet's, and far larger ones for the others."""
    case = content["cases"][0]
    for ratio in case["ratios"]:
        mine = ratio["slow"] == scikit.NAME
        ratio |= (
            {"estimate": estimate, "low": low, "high": high} if mine else {"estimate": 99.0, "low": 98.0, "high": 100.0}
        )
    return content | {"cases": [case]}


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        ((0.5, 0.4, 0.6), "**samenet is slower** in 1:"),
        ((1.1, 0.9, 1.2), "no significant difference (the interval contains 1, or without one, the ratio is within"),
        ((3.0, 2.0, 4.0), "samenet is faster in 1:"),
    ],
)
def test_losses_are_told_as_wins_are(content, tmp_path, ratio, words):
    found = outcome(with_ratio(content, *ratio), tmp_path)
    assert found.settings[0].best == scikit.NAME
    told = text.standings(found.settings)
    assert words in told
    assert told.count(" in 0.") == 2
    (row,) = text.summary(found.settings).rows
    assert row[3] == scikit.NAME
    assert row[7].startswith(f"{ratio[0]:.2f}x" if ratio[0] >= 1 else "0.500x")
    over_limit = found.settings[0].case.median(ours.PREDICTOR) / found.settings[0].limit
    assert float(row[9].removesuffix("x")) == pytest.approx(over_limit, rel=0.01)


@pytest.mark.parametrize(("ratio", "found"), [(0.9, "slower"), (0.97, "same"), (1.0, "same"), (1.2, "faster")])
def test_a_ratio_of_one_process_is_judged_without_an_interval(ratio, found):
    assert text.verdict(Ratio(ratio, math.nan, math.nan)) == found


def test_a_failure_is_shown_and_has_no_time(content, tmp_path):
    made_up = with_ratio(content, 0.5, 0.4, 0.6)
    (row,) = [row for row in made_up["cases"][0]["rows"] if row["name"] == scikit.NAME]
    row |= {"ok": False, "observed_error": 0.25}
    found = outcome(made_up, tmp_path)
    assert found.settings[0].best != scikit.NAME
    (line,) = [line for line in text.whole(found.settings[0]).rows if line[0] == scikit.NAME]
    assert line[2] == "FAIL"
    assert line[4].startswith("0.25 / ")
    assert f"- wrong answers: 3-3-1, one sample: {scikit.NAME}." in text.standings(found.settings)
    figures.beside(found)


def test_samenet_itself_may_fail(content, tmp_path):
    made_up = with_ratio(content, 0.5, 0.4, 0.6)
    made_up["cases"][0]["rows"][0] |= {"ok": False}
    found = outcome(made_up, tmp_path)
    assert found.settings[0].best is None
    assert "FAIL" in text.summary(found.settings).markdown()
    assert "FAIL" in text.whole(found.settings[0]).markdown()
    figures.beside(found)


def test_the_report_mentions_the_newest_run(content, tmp_path):
    results = tmp_path / "results"
    assert newest(results, "peers.json") is None
    assert whole_report._beside(results) == {}
    outcome(content, results / "b-old")
    later = content | {"environment": content["environment"] | {"utc": "2026-11-22T06:15:59+00:00"}}
    outcome(later, results / "a-new")
    (section,) = whole_report._beside(results).values()
    assert "(a-new/peers.md)" in section
    assert "(a-new/peers.png)" in section


def test_the_front_page_counts_the_settings(content, tmp_path):
    found = outcome(content, tmp_path / "results" / "machine")
    (found.folder / "comparison.json").write_text(json.dumps(report_inputs.content()))
    front = tmp_path / "README.md"
    for marks in ("", "".join(write.PEERS)):
        front.write_text("".join(write.COMPARE) + marks)
        page = write.texts(Record.read(found.folder), tmp_path)[front]
        assert (f"in each of {len(found.settings)} settings" in page) == bool(marks)
        assert ("(results/machine/peers.md)" in page) == bool(marks)
