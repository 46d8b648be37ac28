"""`samenet compare`: its checks, its timing, its output, and its errors."""

import dataclasses
import errno
import gc
import io
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np
import pytest
import scipy

import samenet
from samenet import __main__
from samenet.backends import MODULES, plugins
from samenet.compare import cases, chart, environment, measurement, rehearsal, timing
from samenet.compare import command as compare
from samenet.compare.cases import LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS
from samenet.output import files, formats
from samenet.testing import tolerance
from samenet.testing.tolerance import Comparison

NAMES = samenet.backends()


ROUNDS = timing._ROUNDS


@pytest.fixture(autouse=True)
def _keep_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environment.THREAD_VARIABLES:
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    monkeypatch.setattr(timing, "_SAMPLE", 1e-5)  # the measured times do not matter here
    monkeypatch.setattr(timing, "_ROUNDS", (3, 3))
    monkeypatch.delenv("COLUMNS", raising=False)


def broken(monkeypatch: pytest.MonkeyPatch, name: str, function: str, error: float) -> None:
    module = samenet.backend(name)
    right = getattr(module, function)

    def wrong(*given: Any) -> Any:
        answer = right(*given)
        return (lambda *x: answer(*x) + error) if function == "fast_predict" else answer + error

    monkeypatch.setattr(module, function, wrong)


def test_every_contender_is_checked_and_timed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "compare.json"
    assert __main__.main(["compare", "--sizes", "4-3-2", "--batch", "1", "5", "--json", str(file)]) == 0
    content = json.loads(file.read_text())
    titles = [case["title"] for case in content["cases"]]
    assert titles == [
        "4-3-2, forward, 1 sample",
        "4-3-2, forward, 5 samples",
        "4-3-2, gradient, 1 sample",
        "4-3-2, gradient, 5 samples",
    ]
    for case in content["cases"]:
        assert [row["name"] for row in case["rows"]] == [LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS, "numpy", "numba"]
        for row in case["rows"]:
            assert row["ok"]
            assert row["observed_error"] <= row["allowed_error"]
            assert 0 < row["timed"]["min_seconds"] <= row["timed"]["median_seconds"]
            assert row["first_call_seconds"] > 0
        assert case["noise"]["low"] <= case["noise"]["estimate"] <= case["noise"]["high"]
        assert case["rows"][0]["timed"]["speed_up"] == {"estimate": 1.0, "low": 1.0, "high": 1.0}
    printed = capsys.readouterr().out
    assert "Fastest here: " in printed.splitlines()[-1]
    assert "import Network" in printed.splitlines()[-1]
    assert "\x1b" not in printed, "no colours when the output is not a terminal"
    assert max(len(line) for line in printed.splitlines() if "times as long" not in line) <= 80


def test_the_record_names_versions_and_threads_but_no_host(tmp_path: Path) -> None:
    around = environment.describe()
    assert around["numpy"] == np.__version__
    assert set(around["threads"]) == set(environment.THREAD_VARIABLES)
    text = json.dumps(around)
    assert os.uname().nodename not in text
    assert str(Path.home()) not in text


def test_a_long_training_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    updates: list[int] = []

    class Shown(compare.Progress):
        def update(self, *given: object, completed: int, **named: object) -> None:
            updates.append(completed)

    network, split, Y = cases.tutorial_digits()
    few = split._replace(X_train=split.X_train[:9])
    monkeypatch.setattr(compare, "Progress", Shown)
    monkeypatch.setattr(cases, "tutorial_digits", lambda: (network, few, Y[:9]))
    full = compare._train_in_full(compare.Console(quiet=True), "numpy", 45)
    assert updates == [20, 40]
    assert full["epochs"] == 45
    trained = network.on("numpy")
    before = trained.cost(few.X_train, Y[:9])
    trained.train(few.X_train, Y[:9], alpha=0.25, epochs=45)
    assert (full["cost_before"], full["cost_after"]) == (before, trained.cost(few.X_train, Y[:9]))
    assert full["mean_norm_after"] == pytest.approx(
        np.sqrt(((trained.predict(few.X_train) - Y[:9]) ** 2).sum(axis=1)).mean()
    )
    assert full["test_accuracy"] == np.mean(trained.classify(split.X_test) == split.y_test)


CPUINFO = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R)  Xeon(R) CPU @ 2.50GHz : rest
model name\t: another one
"""


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (CPUINFO, "Intel(R) Xeon(R) CPU @ 2.50GHz : rest"),
        ("processor: 0\ncpu family: 26\nmodel: 2\nmodel name: AMD EPYC\n", "AMD EPYC family 26 model 2"),
        ("processor: 0\nmodel: 2\nmodel name: AMD EPYC\n", "AMD EPYC family unknown model 2"),
        ("processor: 0\n", "what Python says"),
        (None, "what Python says"),
    ],
)
def test_the_name_of_the_processor(lines: str | None, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(path: str, encoding: str) -> io.StringIO:
        if lines is None:
            raise FileNotFoundError(path)
        return io.StringIO(lines)

    monkeypatch.setattr("builtins.open", opened)
    monkeypatch.setattr(environment.platform, "processor", lambda: "what Python says")
    assert environment.processor() == name


def test_the_environment_is_that_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5} if pid == 0 else set(), raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    around = environment.describe()
    assert around["cores"] == 3
    assert around["threads"]["OMP_NUM_THREADS"] == "7"
    assert (around["samenet"], around["scipy"]) == (samenet.__version__, scipy.__version__)
    assert around["python"].split()[1] == ".".join(map(str, sys.version_info[:3]))
    assert abs((datetime.now(UTC) - datetime.fromisoformat(around["utc"])).total_seconds()) < 3600
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 9)
    monkeypatch.setattr(environment, "version", lambda name: raising(PackageNotFoundError(name)))
    around = environment.describe()
    assert around["cores"] == 9
    assert around["samenet"] is None


def raising(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(("name", "function"), [("numpy", "fast_predict"), ("numba", "fast_predict")])
def test_a_wrong_backend_prints_fail_and_no_time(
    name: str, function: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    broken(monkeypatch, name, function, 1e-9)
    file = tmp_path / "compare.json"
    status = __main__.main(["compare", "--sizes", "4-3-2", "--json", str(file)])
    assert status == 1
    row = next(r for r in json.loads(file.read_text())["cases"][0]["rows"] if r["name"] == name)
    assert not row["ok"]
    assert row["timed"] is None
    printed = capsys.readouterr().out
    line = next(line for line in printed.splitlines() if line.startswith(name))
    assert line.split()[1] == "FAIL"
    assert f"{name} in 4-3-2, forward" in " ".join(printed.split())


def test_a_rehearsal_does_all_that_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[str, str]] = []

    def call(case: str, what: str, raises: bool = False) -> None:
        called.append((case, what))
        if raises:
            raise SystemExit

    def made(title: str, names: Sequence[str]) -> cases.Case:
        calls = partial(call, title, "call", True), partial(call, title, "answer")
        return cases.Case(title, tuple(cases.Contender(name, name, *calls) for name in names), lambda _: None)

    monkeypatch.setattr(cases, "forward", lambda sizes, rows, names, *_: made(f"forward {sizes} {rows}", names))
    monkeypatch.setattr(cases, "gradient", lambda sizes, rows, names: made(f"gradient {sizes} {rows}", names))
    monkeypatch.setattr(cases, "full_batch_epoch", lambda names: made("digits", names))
    rehearsal.main({"name": "numpy", "sizes": [[3, 2]], "batches": [1, 5]})
    titles = [f"{what} (3, 2) {m}" for what in ("forward", "gradient") for m in (1, 5)]
    assert called == [(title, done) for title in titles for done in ("answer", "call")]
    called.clear()
    rehearsal.main({"name": "numpy", "sizes": None, "batches": []})
    assert len(called) == 2 * (len(cases.TUTORIAL) + 2)
    for given in ({"name": "no such", "sizes": None}, {"name": "numpy", "sizes": [[0, 2]]}):
        called.clear()
        monkeypatch.undo()
        rehearsal.main({**given, "batches": [1]})
        assert called == []


def test_a_nan_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken(monkeypatch, "numpy", "fast_predict", math.nan)
    file = tmp_path / "compare.json"
    assert __main__.main(["compare", "--sizes", "4-3-2", "--json", str(file)]) == 1
    row = next(r for r in json.loads(file.read_text())["cases"][0]["rows"] if r["name"] == "numpy")
    assert row["observed_error"] is None


def test_a_wrong_step_fails_the_training_case(monkeypatch: pytest.MonkeyPatch) -> None:
    network, X, Y = cases.example((4, 3, 2), 7)
    case = cases.training(network, X, Y, NAMES, what="training", alpha=0.25)
    assert all(row.comparison.ok for row in measurement.measure(case).rows)
    right = samenet.backend("numpy").run_updates

    def doubled(*given: object, **named: object) -> object:
        return right(*given, **{**named, "alpha": 2 * named["alpha"]})

    monkeypatch.setattr(samenet.backend("numpy"), "run_updates", doubled)
    result = measurement.measure(case)
    assert [row.name for row in result.rows if not row.comparison.ok] == ["numpy"]
    assert result.gain("numpy") is None


LEFT_OUT: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "nothing": lambda named: named,
    "epochs but the first": lambda named: named | {"epochs": 1},
    "one epoch": lambda named: named | {"epochs": max(1, named["epochs"] - 1)},
    "samples in twos": lambda named: named | {"batch_size": max(4, named["batch_size"])},
}


@pytest.mark.without_jit
@pytest.mark.parametrize("what", LEFT_OUT)
def test_a_plug_in_that_leaves_out_updates_of_the_timed_call_fails(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = samenet.backend("numpy")
    theirs = ModuleType("theirs")
    vars(theirs).update(
        feed_forward=right.feed_forward,
        run_updates=lambda *given, **named: right.run_updates(*given, **LEFT_OUT[what](named)),
    )
    plugins.adopt(theirs)
    monkeypatch.setattr(plugins, "plugins", lambda: {"theirs": None})
    monkeypatch.setattr(plugins, "load", lambda name: theirs)
    network, X, Y = cases.example((4, 3, 2), 7)
    case = cases.training(network, X, Y, ["numpy", "theirs"], what="training", alpha=0.25, epochs=20, batch_size=2)
    rows = measurement.measure(case, seconds=0.01).rows
    assert [row.comparison.ok for row in rows] == [True, what == "nothing"]
    assert (rows[1].seconds is None) == (what != "nothing")


def test_each_entry_of_a_gradient_has_its_own_bound() -> None:
    case = cases.gradient((4, 3, 2), 7, ["reference", "numpy"])
    network, X, Y = cases.example((4, 3, 2), 7)
    allowed = tolerance.gradient(network.model, X, Y)[1].flat
    for i in range(allowed.size):
        cost, slope = network.gradient(X, Y)
        assert case.check((cost, slope)).ok
        slope.flat[i] += 1.5 * allowed[i]
        assert not case.check((cost, slope)).ok, i


def test_a_speed_up_is_for_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """The baseline's call does half of the computation, the other's does it four times."""
    contenders = [
        cases.Contender(name, name, lambda: 0.0, lambda: 0.0, work)
        for name, work in (("reference", 0.5), ("numpy", 4.0))
    ]
    case = cases.Case("work", tuple(contenders), lambda answer: Comparison(abs(answer), 0.0))
    monkeypatch.setattr(timing, "interleave", lambda calls, seconds: {name: np.full(5, 2.0) for name in calls})
    result = measurement.measure(case)
    assert [row.median for row in result.rows] == [4.0, 0.5]
    assert result.gain("numpy") == pytest.approx(8)


def test_timed_calls_are_those_of_the_named_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    called = dict.fromkeys(NAMES, 0)
    for name in NAMES:
        module = samenet.backend(name)

        def counting(*given: Any, name: str = name, right: Any = module.fast_predict) -> Any:
            answer = right(*given)

            def counted(*x: Any) -> Any:
                called[name] += 1
                return answer(*x)

            return counted

        monkeypatch.setattr(module, "fast_predict", counting)
    case = cases.forward((4, 3, 2), None, ["numpy"])
    called.update(dict.fromkeys(NAMES, 0))
    case.contenders[0].call()
    assert called == {"reference": 0, "numpy": 1, "numba": 0}


@pytest.mark.without_jit
@pytest.mark.parametrize("case", [cases.full_batch_epoch, cases.mini_batch_epoch, cases.eleven_lines])
def test_every_way_of_training_is_checked(case: Callable[[list[str]], cases.Case]) -> None:
    made = case(["numpy"])
    answer = made.contenders[0].answer()
    assert made.check(answer).ok
    assert not made.check(answer + 1e-9).ok


def test_the_inputs_of_the_cases_do_not_saturate() -> None:
    for sizes in [(3, 3, 1), (3, 3, 3, 1), (100, 100, 50, 10), (64, 30, 10)]:
        network, X, _ = cases.example(sizes, 32)
        for h in network.feed_forward(X)[1:]:
            assert h.min() > 0.01
            assert h.max() < 0.99
            assert h.std(axis=0).min() > 0.005, "the samples differ in every node"


@pytest.mark.compiled
def test_the_digits(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the faster of two backends, and without the JIT on NumPy alone."""
    names = ["numpy"] if numba.config.DISABLE_JIT else ["numpy", "numba"]
    monkeypatch.setattr(cases, "TUTORIAL", {(3, 3, 1): {LOOPS_OVER_ARRAYS: 40e-6}})
    json_file, plot_file = tmp_path / "compare.json", tmp_path / "compare.png"
    chosen = ["--backends", *names, "--epochs", "3000", "--json", str(json_file), "--plot", str(plot_file)]
    assert __main__.main(["compare", *chosen]) == 0
    full = json.loads(json_file.read_text())["digits"]
    assert full["mean_norm_after"] == pytest.approx(0.423439110404, abs=1e-9)
    assert full["test_accuracy"] == pytest.approx(0.890125, abs=1e-6)
    out = capsys.readouterr().out.lower()
    assert "test accuracy 89.0 %" in out
    assert "one epoch of 1078 digits" in out, "what an epoch takes is shown, too"
    assert plot_file.read_bytes().startswith(b"\x89PNG")
    assert sorted(tmp_path.iterdir()) == [json_file, plot_file], "no temporary file is left"


@pytest.mark.without_jit
def test_without_scikit_learn_the_rest_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cases, "TUTORIAL", {(3, 3, 1): {}})
    monkeypatch.setitem(sys.modules, "sklearn", None)
    for name in [name for name in sys.modules if name.startswith("sklearn.")]:
        monkeypatch.delitem(sys.modules, name)
    assert __main__.main(["compare", "--backends", "numpy"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert 'pip install "samenet[data]"' in printed
    assert "3-3-1, forward" in printed


def result(**gains: float) -> measurement.Result:
    rows = []
    for name, gain in gains.items():
        backend, name = ("reference", LOOPS_OVER_LISTS) if name == "loops" else (name, name)
        speed_up = timing.Ratio(gain, gain, gain)
        rows.append(measurement.Row(name, backend, Comparison(0.0, 1.0), 0.0, None, np.ones(3) / gain, speed_up))
    return measurement.Result("3-3-1", rows)


def test_without_matplotlib_a_picture_is_refused_before_the_waiting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "samenet.compare.chart")
    monkeypatch.delattr(samenet.compare, "chart")
    assert __main__.main(["compare", "--sizes", "3-3-1", "--plot", str(tmp_path / "bars.png")]) == 3
    told = capsys.readouterr()
    assert 'pip install "samenet[plot]"' in told.err
    assert "3-3-1" not in told.out


def test_a_loss_of_a_fast_backend_to_a_simpler_one_is_said() -> None:
    said = compare._notes([result(loops=2, numpy=0.4)])
    assert said == ["3-3-1: NumPy takes 5.00 times as long as plain loops over lists."]
    said = compare._notes([result(loops=1, numpy=8, numba=4)])
    assert said == ["3-3-1: Numba takes 2.00 times as long as NumPy."]
    said = compare._notes([result(loops=4, numpy=1, numba=2)])
    assert said == [
        "3-3-1: NumPy takes 4.00 times as long as plain loops over lists.",
        "3-3-1: Numba takes 2.00 times as long as plain loops over lists.",
    ]
    assert compare._notes([result(loops=1, numpy=3), result(numpy=1)]) == []


def test_a_loss_that_the_rounds_do_not_agree_on_is_not_said() -> None:
    near = result(numpy=1.01, numba=1)
    noisy = np.array([0.8, 1.3, 1.0, 0.9, 1.2])
    near.rows[1] = dataclasses.replace(near.rows[1], seconds=noisy)
    near.rows[0] = dataclasses.replace(near.rows[0], seconds=np.ones(5))
    assert compare._notes([near]) == []


def test_the_fastest_backend_is_that_of_the_best_speed_ups() -> None:
    assert compare._in_order([result(loops=1, numpy=8, numba=2), result(loops=1, numpy=2, numba=9)])[0] == "numba"
    assert compare._in_order([result(loops=3, numpy=1), result(loops=1, numpy=2)]) == ["reference", "numpy"]
    failed = measurement.Result("x", [measurement.Row("numba", "numba", Comparison(1.0, 0.1), 0, None, None, None)])
    assert compare._in_order([result(numba=9), failed]) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_single_backend_is_not_called_the_fastest(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["compare", "--sizes", "3-2", "--backends", name]) == 0
    assert "Fastest" not in capsys.readouterr().out


def test_one_core_is_no_cores(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert __main__.main(["compare", "--sizes", "3-2", "--backends", "numpy"]) == 0
    assert ", 1 core, " in capsys.readouterr().out


def test_no_line_is_wrapped_where_the_output_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = "2-" + "-".join(["3"] * 60) + "-2"
    assert __main__.main(["compare", "--sizes", sizes, "--backends", "numpy"]) == 0
    assert f"{sizes}, forward, 1 sample\n" in capsys.readouterr().out


def test_a_narrow_terminal_cuts_no_cell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert __main__.main(["compare", "--sizes", "4-3-2", "--backends", "numpy", "numba"]) == 0
    printed = capsys.readouterr().out
    assert "\u2026" not in printed
    (heading, *_) = [line for line in printed.splitlines() if "median" in line and "1st call" in line]
    assert heading.split() == ["median", "spread", "speed-up", "error", "/", "allowed", "1st", "call"]


# --- files that cannot be written -------------------------------------------------------------------------------------

WRITERS = {
    "compare --json": ["compare", "--sizes", "3-2", "--json"],
    "compare --plot": ["compare", "--sizes", "3-2", "--plot"],
    "examples --plot": ["examples", "sigmoid", "--plot"],
}


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> int:
        pytest.fail("it ran before the file was looked at")

    monkeypatch.setattr(compare, "run", run)
    monkeypatch.setattr("samenet.examples.Example.run", run)


def unwritable(where: Path) -> dict[str, Path]:
    (where / "folder.png").mkdir()
    (where / "file").touch()
    (where / "read-only.png").touch()
    (where / "read-only.png").chmod(0o444)
    (where / "loop.png").symlink_to(where / "loop.png")
    (where / "elsewhere.png").symlink_to(where / "missing" / "x.png")
    if hasattr(os, "mkfifo"):
        os.mkfifo(where / "pipe.png")
    return {
        "a missing folder": where / "missing" / "x.png",
        "a folder": where / "folder.png",
        "a file for a folder": where / "file" / "x.png",
        "read-only": where / "read-only.png",
        "a name that is too long": where / f"{'x' * 300}.png",
        "a path that is too long": where / ("x/" * 3000) / "x.png",
        "a link to itself": where / "loop.png",
        "a link into a missing folder": where / "elsewhere.png",
        "no name": Path(),
        "a pipe": where / "pipe.png",
        "an unknown home": Path("~nobody-of-that-name/x.png"),
    }


@pytest.mark.without_jit
@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.usefixtures("nothing_runs")
def test_a_file_that_cannot_be_written_is_found_first(
    writer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for why, path in unwritable(tmp_path).items():
        before = sorted(tmp_path.rglob("*"))
        assert __main__.main([*WRITERS[writer], str(path)]) == 2, why
        told = capsys.readouterr().err
        assert f"{WRITERS[writer][-1]}: expected a" in told, why
        assert sorted(tmp_path.rglob("*")) == before, why


@pytest.mark.usefixtures("nothing_runs")
def test_a_nul_in_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["compare", "--json", "a\0b"]) == 2
    assert "expected a file that can be written" in capsys.readouterr().err


def test_a_full_disk_is_found_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Full:
        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def write(self, _: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Full())
    with pytest.raises(OSError, match="No space left"):
        files.check_writable(tmp_path / "x.json")


def test_a_device_is_not_replaced() -> None:
    with pytest.raises(OSError, match="not a regular file"):
        files.check_writable(Path(os.devnull))


def test_looking_at_a_file_leaves_it_as_it_is(tmp_path: Path) -> None:
    file, link, new = tmp_path / "x.json", tmp_path / "link.json", tmp_path / "new.json"
    file.write_text("old")
    link.symlink_to(file)
    for path in (file, link, new):
        files.check_writable(path)
    assert file.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == [link, file]
    files.write_text(link, "new")
    assert link.is_symlink()
    assert file.read_text() == "new"


@pytest.mark.usefixtures("nothing_runs")
def test_a_gallery_that_cannot_be_written_is_found_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "file").touch()
    (tmp_path / "gallery" / "sigmoid.png").mkdir(parents=True)
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "gallery", tmp_path / ("x" * 300)):
        assert __main__.main(["examples", "--gallery", str(folder)]) == 3
        assert str(folder) in capsys.readouterr().err
    assert __main__.main(["examples", "--gallery", str(tmp_path / "file")]) == 3
    assert "is not a folder" in capsys.readouterr().err


@pytest.mark.without_jit
@pytest.mark.parametrize(
    "arguments",
    [
        ["--sizes", "99999999-99999999"],
        ["--sizes", "3-3", "--batch", "1000000000000"],
        ["--sizes", "3-3", "--batch", "99999999999999999999"],
    ],
    ids=" ".join,
)
def test_what_does_not_fit_in_memory_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["compare", *arguments, "--backends", "numpy"]) == 3
    assert "samenet compare: error: --sizes, --batch: expected" in capsys.readouterr().err


@pytest.mark.without_jit
@pytest.mark.parametrize(
    "arguments",
    [
        ["--sizes", "3"],
        ["--sizes", "3-0"],
        ["--sizes", "a-b"],
        ["--batch", "4"],
        ["--sizes", "3-3-1", "--batch", "0"],
        ["--backends", "cupy"],
        ["--threads", "0"],
        ["--epochs", "-1"],
        ["--epochs", "3", "--sizes", "3-2"],
        ["--threads", "2", "--backends", "numba", "reference"],
        ["--json", "same.png", "--plot", "same.png"],
        ["--json", "no/such/folder/file.json"],
        ["--plot", "picture.txt"],
    ],
    ids=" ".join,
)
def test_wrong_options_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["compare", *arguments]) == 2
    message = capsys.readouterr().err
    assert any(option in message for option in arguments if option.startswith("--"))


def test_a_file_that_cannot_be_filled_says_why_though_it_is_gone(tmp_path: Path) -> None:
    def vanishes(path: Path) -> None:
        path.unlink()
        raise ValueError("no picture")

    with pytest.raises(ValueError, match="no picture"):
        files.write(tmp_path / "a.png", vanishes)
    assert not list(tmp_path.iterdir())


def test_what_is_compared_if_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, object]] = []
    monkeypatch.setattr(compare, "run", lambda **options: given.append(options) or 0)
    for arguments in ([], ["--epochs", "0"], ["--epochs", "7", "--backends", "numpy"]):
        assert __main__.main(["compare", *arguments]) == 0
    assert [one["epochs"] for one in given] == [3000, 0, 7]
    assert [one["names"] for one in given] == [list(NAMES), list(NAMES), ["numpy"]]
    assert given[0].items() >= {"sizes": None, "batches": [1], "json_file": None, "plot_file": None}.items()


@pytest.mark.compiled
@pytest.mark.parametrize(("epochs", "order", "trained"), [(0, ["numpy"], 0), (1, ["numpy"], 1), (5, [], 0)])
def test_the_whole_training_is_done_if_there_are_epochs_and_a_backend(
    epochs: int, order: list[str], trained: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []
    names = ("seconds", "cost_before", "cost_after", "mean_norm_after", "test_accuracy")
    monkeypatch.setattr(compare, "measure", lambda case, seconds: case)
    monkeypatch.setattr(compare, "_show", lambda *given: None)
    monkeypatch.setattr(compare, "_in_order", lambda results: order)
    monkeypatch.setattr(compare, "_train_in_full", lambda console, name, n: done.append(n) or dict.fromkeys(names, 0.5))
    full = compare._digits(compare.Console(quiet=True), ["numpy"], {}, {}, epochs)[1]
    assert done == [epochs] * trained
    assert (full is None) == (not trained)


_HOSTILE = [
    "",
    " ",
    "\0",
    "\ud800",
    "x" * 5000,
    "9" * 5000 + "-",
    "no/such/folder/x.png",
    "[/]",
    "%(prog)s",
    "{0}",
    "nan",
]
_NUMBERS = ["9" * 5000, "-1", "1e3", "0.5", "1_0", "\u00b2"]


@pytest.mark.without_jit
@pytest.mark.parametrize(
    ("command", "option", "given"),
    [
        *(("compare", name, text) for name in ("--sizes", "--batch", "--threads", "--epochs") for text in _HOSTILE),
        *(("compare", name, text) for name in ("--sizes", "--batch", "--threads", "--epochs") for text in _NUMBERS),
        *(("examples", "--seed", text) for text in (*_HOSTILE, *_NUMBERS, str(2**32))),
        *(("compare", "--backends", text) for text in (*_HOSTILE, *_NUMBERS)),
        *(("examples", "--backend", text) for text in (*_HOSTILE, *_NUMBERS)),
        *((name, "--plot", text) for name in ("compare", "examples") for text in (*_HOSTILE, *_NUMBERS)),
        *((name, "--plot", text + ".png") for name in ("compare", "examples") for text in ("\0", "\ud800", "x" * 5000)),
        *(
            ("compare", "--json", text)
            for text in ("", "\0", "\ud800", "x" * 5000, "no/such/folder/x.json", "/dev/null")
        ),
        *(("examples", "--gallery", text) for text in ("~no-one-has-this-name",)),
    ],
    ids=repr,
)
def test_hostile_arguments_are_refused_in_a_line_that_names_them(
    command: str, option: str, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert __main__.main([command, option, given]) == 2
    message = capsys.readouterr().err.partition("error: ")[2]
    assert message.startswith(f"{option}: ")
    assert len(message) < 400
    assert "invalid _" not in message, "the name of a function"
    assert message.count("\n") == 1


@pytest.mark.without_jit
def test_threads_are_set_before_numpy_is_loaded(tmp_path: Path) -> None:
    script = (
        "import os, sys, samenet.compare.environment as e; assert 'numpy' not in sys.modules\n"
        "e.set_threads(1)\n"
        "from samenet.fast import numpy\n"
        "import threadpoolctl\n"
        "assert all(p['num_threads'] == 1 for p in threadpoolctl.threadpool_info()), threadpoolctl.threadpool_info()\n"
    )
    plain = {k: v for k, v in os.environ.items() if k not in environment.THREAD_VARIABLES}
    subprocess.run([sys.executable, "-c", script], check=True, env=plain, cwd=tmp_path)


@pytest.mark.without_jit
def test_the_command_runs_as_a_module(tmp_path: Path) -> None:
    run = [sys.executable, "-m", "samenet", "--version"]
    done = subprocess.run(run, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.strip() == f"samenet {samenet.__version__}"


def test_ctrl_c_ends_the_command_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def pressed(**_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(compare, "run", pressed)
    assert __main__.main(["compare"]) == 130
    assert capsys.readouterr().err == "stopped\n"


def test_interleaving_calls_everyone_in_every_round_in_changing_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_ROUNDS", (20, 20))
    order: list[str] = []
    times = timing.interleave({name: partial(order.append, name) for name in "abc"}, seconds=0.01)
    assert [len(samples) for samples in times.values()] == [20, 20, 20]
    assert min(samples.min() for samples in times.values()) > 0
    turns = [name for i, name in enumerate(order) if i == 0 or order[i - 1] != name][-40:]
    assert {a + b for a, b in pairwise(turns)} == {"ab", "ac", "ba", "bc", "ca", "cb"}, "anyone may follow anyone"


@pytest.mark.parametrize(("seconds", "rounds"), [(10 * 5 * 2.0**-8, 10), (0.0, 5), (1e9, 51)])
def test_rounds_fill_the_time_that_is_asked_for(seconds: float, rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a fake clock: four calls of one contender fill a sample, and one call of the other is longer."""
    clock, calls, collects = [0.0], {"short": 0, "long": 0}, []

    def contender(name: str, takes: float) -> None:
        clock[0] += takes
        calls[name] += 1
        collects.append(gc.isenabled())

    monkeypatch.setattr(timing, "_ROUNDS", ROUNDS)
    monkeypatch.setattr(timing, "_SAMPLE", 2.0**-8)
    monkeypatch.setattr(timing, "clock", lambda: clock[0])
    contenders = {name: partial(contender, name, takes) for name, takes in (("short", 2.0**-10), ("long", 2.0**-6))}
    times = timing.interleave(contenders, seconds)
    assert {name: found.tolist() for name, found in times.items()} == {
        "short": rounds * [2.0**-10],
        "long": rounds * [2.0**-6],
    }
    assert calls == {"short": 1 + 4 + rounds * (1 + 4), "long": 1 + 3 + rounds}, "warm, and no longer than need be"
    assert not any(collects)
    assert gc.isenabled()
    assert timing.first_call(contenders["long"]) == 2.0**-6


def test_a_call_that_is_slow_once_does_not_decide_how_many_make_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the one that loads a kernel: later calls, alone in their samples, would be timed with cold caches."""
    clock, numbers, sample = [0.0], list[int](), timing._sample

    def call() -> None:
        clock[0] += 2.0**-3 if clock[0] == 0 else 2.0**-10

    def counted(call: Any, number: int) -> float:
        numbers.append(number)
        return sample(call, number)

    monkeypatch.setattr(timing, "_SAMPLE", 2.0**-8)
    monkeypatch.setattr(timing, "clock", lambda: clock[0])
    monkeypatch.setattr(timing, "_sample", counted)
    assert set(timing.interleave({"call": call}, 0.0)["call"]) == {2.0**-10}
    assert numbers[-1] == 4


def test_every_two_contenders_have_a_paired_ratio() -> None:
    seconds = {"a": np.array([4.0, 8.0, 4.0]), "b": np.array([2.0, 4.0, 2.0]), "c": np.array([1.0, 2.0, 1.0])}
    rows = [measurement.Row(n, n, Comparison(0.0, 1.0), 0.0, None, s, None) for n, s in seconds.items()]
    wrong = measurement.Row("wrong", "wrong", Comparison(1.0, 0.1), 0.0, None, None, None)
    ratios = measurement.Result("x", [*rows, wrong]).ratios()
    assert [(r["slow"], r["fast"], r["estimate"]) for r in ratios] == [("a", "b", 2), ("a", "c", 4), ("b", "c", 2)]


def test_a_ratio_is_the_median_of_paired_ratios() -> None:
    fast = np.array([1.0, 2.0, 1.0, 3.0, 1.0])
    assert timing.ratio(4 * fast, fast) == (4.0, 4.0, 4.0), "a machine that slows down for both changes nothing"
    ratio = timing.ratio(np.array([2.0, 6.0, 2.5, 9.0, 2.0]), fast)
    assert ratio.estimate == 2.5
    assert ratio.low < 2.5 < ratio.high
    once = timing.ratio(np.array([5.2]), np.array([1.0]))
    assert not once.has_interval
    assert once.as_json() == {"estimate": 5.2, "low": None, "high": None}


@pytest.mark.without_jit
@pytest.mark.parametrize(
    ("seconds", "text"),
    [(40.1e-6, "40.1 us"), (0.9996e-3, "1.00 ms"), (3.2e-9, "3.20 ns"), (125.0, "125 s"), (None, ""), (math.nan, "")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(0.000123456, "0.000123"), (9.999, "10.0"), (0.0, "0"), (1490.2, "1490")])
def test_digits_are_never_lost(value: float, text: str) -> None:
    assert formats.digits(value) == text


def test_the_spread_is_half_the_middle_half() -> None:
    row = measurement.Row("numba", "numba", Comparison(0.0, 0.1), 0.0, None, np.arange(1.0, 102.0), None)
    assert row.spread == (76 - 26) / 2 / 51


@pytest.mark.without_jit
def test_a_picture_of_a_failure(tmp_path: Path) -> None:
    wrong = measurement.Row("numba", "numba", Comparison(1.0, 0.1), 0.0, None, None, None)
    chart.bars([measurement.Result("3-3-1", [wrong])], tmp_path / "fail.svg")
    text = (tmp_path / "fail.svg").read_text()
    assert "<svg" in text


def test_what_is_compared_unless_sizes_are_given() -> None:
    """The networks that tutorial 000 times, one sample each, and a gradient; then every size with every batch."""
    titles = [case.title for case in cases.chosen(None, [5], ["numpy"])]
    timed = ("3-3-1", "3-3-3-1", "100-100-50-10")
    assert titles == [*(f"{name}, forward, one sample" for name in timed), "64-30-10, gradient, 32 samples"]
    given = [case.title for case in cases.chosen([[2, 1], [4, 3, 2]], [1, 5], ["numpy"])]
    assert given == [
        f"{name}, {what}, {rows}"
        for what in ("forward", "gradient")
        for name in ("2-1", "4-3-2")
        for rows in ("1 sample", "5 samples")
    ]


@pytest.mark.parametrize(
    ("make", "epochs", "parts"),
    [
        (cases.eleven_lines, {"reference": 600, "numpy": 60_000, "numba": 60_000}, 60_000),
        (cases.mini_batch_epoch, {"reference": 1, "numpy": 5, "numba": 5}, 1),
    ],
)
def test_a_training_says_how_much_of_it_a_call_does(
    make: Callable[[Sequence[str]], cases.Case], epochs: dict[str, int], parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[dict[str, object]] = []
    monkeypatch.setattr(cases, "_trained", lambda *given, **settings: trained.append(settings) or given[1])
    case = make(list(epochs))
    (checked,) = trained  # what is right
    assert checked["epochs"] == 1
    alpha = 0.25 if make is cases.mini_batch_epoch else 1.0  # the tutorials'
    assert checked["alpha"] == alpha
    assert [contender.backend for contender in case.contenders] == list(epochs)
    for contender in case.contenders:
        contender.call()
        assert trained[-1]["epochs"] == epochs[contender.backend]
        assert contender.work * parts == epochs[contender.backend]
        contender.answer()
        assert trained[-1]["epochs"] == 1


@pytest.mark.without_jit
def test_a_picture_has_a_bar_for_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def row(name: str, seconds: float | None) -> measurement.Row:
        times = None if seconds is None else np.array([seconds, 2 * seconds, 9 * seconds])
        return measurement.Row(name, name, Comparison(0.0, 1.0), 0.0, None, times, None)

    saved: list[tuple[object, Path]] = []
    monkeypatch.setattr(chart.figures, "save", lambda figure, path, dpi: saved.append((figure, path)))
    first = [row(LOOPS_OVER_ARRAYS, 1e-3), row(LOOPS_OVER_LISTS, 1e-4), row("numpy", 2e-6), row("numba", None)]
    results = [
        measurement.Result("3-3-1", first),
        measurement.Result("digits", [row("numba", 5e-3), row("other", 1.0)]),
    ]
    chart.bars(results, tmp_path / "bars.svg")
    ((figure, path),) = saved
    assert path == tmp_path / "bars.svg"
    (axes,) = figure.axes
    heights = [1, 2, 3, 4, 6.4, 7.4]  # a line of each case for its title, and a gap between
    names = [r.name for result in results for r in result.rows]
    assert list(zip(axes.get_yticks(), [t.get_text() for t in axes.get_yticklabels()], strict=True)) == [
        (pytest.approx(y), name) for y, name in zip(heights, names, strict=True)
    ]
    bars = [(bar.get_y() + bar.get_height() / 2, bar.get_width(), bar.get_facecolor()) for bar in axes.patches]
    assert [bar[0] for bar in bars] == pytest.approx([1, 2, 3, 6.4, 7.4]), "none where there is no time"
    assert [bar[1] for bar in bars] == pytest.approx([2e-3, 2e-4, 4e-6, 1e-2, 2.0])
    assert len({bar[2] for bar in bars}) == 5, "each contender has its colour"
    texts = [(text.get_text().strip(), text.get_position()) for text in axes.texts]
    labels = ["2.00 ms", "200 us", "4.00 us", "FAIL", "10.0 ms", "2.00 s"]
    assert [text for text, _ in texts] == ["3-3-1", *labels[:4], "digits", *labels[4:]]
    assert [y for _, (_, y) in texts] == pytest.approx([0, 1, 2, 3, 4, 5.4, 6.4, 7.4])
    assert [x for (text, (x, _)) in texts if text in labels and text != "FAIL"] == pytest.approx([b[1] for b in bars])
    assert len({bar.get_hatch() for bar in axes.patches}) == 5, "and its hatching"
    assert axes.get_xscale() == "log"
    assert axes.get_xlim()[1] > 2.0
    assert axes.get_ylim()[0] > 7.4 + 0.41
    assert axes.get_ylim()[1] < 0, "from above to below"
    assert "median seconds" in axes.get_xlabel()
    assert figure.get_figheight() > 0.3 * 8


@pytest.mark.without_jit
def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    files.write_text(path, "first")

    def interrupted(temporary: Path) -> None:
        temporary.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.write(path, interrupted)
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


# ----------------------------------------------------------------------------------- a backend that cannot be imported


@pytest.fixture(params=["ImportError('Numba needs NumPy 2.3 or less')", "AttributeError('_ARRAY_API')", "SystemError"])
def without_numba(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make importing the backend's module raise; returns the name of the exception."""
    (tmp_path / "broken_backend.py").write_text(f"raise {request.param}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(MODULES, "numba", "broken_backend")
    name: str = request.param.partition("(")[0]
    return name


def test_a_backend_that_cannot_be_imported_says_why(without_numba: str) -> None:
    net = samenet.backend("numpy").Network([3, 1], seed=0)
    for ask in (lambda: samenet.backend("numba"), lambda: net.on("numba")):
        with pytest.raises(ImportError, match=f"'numba' cannot be imported here .{without_numba}"):
            ask()
    assert samenet.backends() == NAMES
    assert net.on("reference").predict([0, 1, 2]) == pytest.approx(net.predict([0, 1, 2]))


@pytest.mark.without_jit
def test_the_others_are_compared(without_numba: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "compare.json"
    assert __main__.main(["compare", "--sizes", "3-2", "--json", str(file)]) == 0
    printed, content = capsys.readouterr().out, json.loads(file.read_text())
    assert [row["name"] for row in content["cases"][0]["rows"]] == [LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS, "numpy"]
    assert [line.split() for line in printed.splitlines()].count(["numba", "left", "out"]) == len(content["cases"])
    assert list(content["left_out"]) == ["numba"]
    assert without_numba in content["left_out"]["numba"]
    assert without_numba in printed
    assert __main__.main(["compare", "--sizes", "3-2", "--backends", "numba"]) == 3
    assert without_numba in capsys.readouterr().err


@pytest.mark.without_jit
@pytest.mark.uncounted
def test_examples_run_on_another(without_numba: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["examples"]) == 0
    assert without_numba not in capsys.readouterr().err
    assert __main__.main(["examples", "alpha", "--quick", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["backend"] == "numpy"
    assert without_numba in printed.err
    assert __main__.main(["examples", "alpha", "--quick", "--backend", "numba"]) == 3
    assert without_numba in capsys.readouterr().err


@pytest.mark.compiled  # the same without the JIT
def test_nothing_else_needs_numba() -> None:
    script = """
import sys
sys.modules["numba"] = None  # now importing it fails
from samenet import __main__, data
from samenet.fast.numpy import Network
Network([2, 1], seed=0).train([[0, 1]], [[1]], alpha=1.0, epochs=2)
status = __main__.main(["compare", "--sizes", "2-1"]), __main__.main(["examples", "alpha", "--quick"])
assert status == (0, 0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "'numba' cannot be imported here" in done.stdout
