"""The examples: every one runs on every backend, says what it should as text and as JSON, and draws its figure."""

import json
import re
from pathlib import Path
from typing import Any

import numba
import pytest

import samenet
from samenet import __main__
from samenet.examples import examples, find
from samenet.examples.report import Report, Settings

NAMES = list(examples())
# The experiments of the catalogue: five tutorials, A to E.
KNOWN = {
    f"{letter}{n:02}"
    for letter, last in {"A": 20, "B": 10, "C": 2, "D": 10, "E": 17}.items()
    for n in range(1, last + 1)
}
KNOWN -= {"E11", "E12"}  # were never given out

# Loops in Python take their time, and so do compiled ones without the compiler: the others are run quick on all.
SLOW_IN_LOOPS: set[str] = set()


def run(*arguments: str) -> int:
    return __main__.main(["examples", *arguments])


@pytest.fixture(autouse=True)
def _keep_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(__main__.environment, "set_threads", lambda threads: None)
    monkeypatch.setenv("COLUMNS", "100")


# ------------------------------------------------------------------------------------------------------- the list


def test_the_list_names_each_example_and_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    printed = capsys.readouterr().out
    for example in examples().values():
        assert re.search(rf"^{example.name} +{re.escape(example.shows[:40])}", printed, re.MULTILINE)


def test_the_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in found] == NAMES
    for entry in found:
        assert set(entry) == {"name", "ids", "shows"}
        assert entry["ids"]
        assert 10 < len(entry["shows"]) < 90
        assert "\n" not in entry["shows"]
    ids = [number for entry in found for number in entry["ids"]]
    assert len(ids) == len(set(ids)), "an experiment belongs to one example"
    assert set(ids) <= KNOWN


def test_every_module_is_an_example_or_known_not_to_be() -> None:
    folder = Path(samenet.examples.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "report", "gallery"}
    assert files == {example.module.__name__.rpartition(".")[2] for example in examples().values()}
    for name in files:
        assert len((folder / f"{name}.py").read_text("utf-8").splitlines()) <= 90, "an example is short"


# --------------------------------------------------------------------------------------------------------- one run


@pytest.mark.parametrize("backend", samenet.backends())
@pytest.mark.parametrize("name", NAMES)
def test_each_runs_quick_on_each_backend(name: str, backend: str, capsys: pytest.CaptureFixture[str]) -> None:
    if name in SLOW_IN_LOOPS and (backend == "reference" or (backend == "numba" and numba.config.DISABLE_JIT)):
        pytest.skip("takes too long in loops")
    assert run(name, "--backend", backend, "--quick", "--json") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    content = json.loads(captured.out, parse_constant=pytest.fail)  # NaN and Infinity are no JSON
    assert list(content) == ["name", "ids", "shows", "backend", "quick", "seed", "rows", "notes"]
    assert (content["name"], content["backend"], content["quick"]) == (name, backend, True)
    assert content["seed"] == examples()[name].seed
    assert content["rows"]
    for row in content["rows"]:
        assert list(row) == ["what", "tutorial", "here"]
        assert row["here"] is not None


@pytest.mark.parametrize("name", [name for name, example in examples().items() if example.has_figure])
def test_each_figure_is_drawn(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    backend = "numpy" if numba.config.DISABLE_JIT else "numba"
    file = tmp_path / "figure.svg"
    assert run(name, "--quick", "--backend", backend, "--plot", str(file)) == 0
    assert matplotlib.rcParams["svg.hashsalt"] is None, "the settings of matplotlib are left as they were"
    picture = file.read_text("utf-8")
    assert 'id="axes_1"' in picture
    assert picture.endswith("</svg>\n")
    assert examples()[name].shows[:40] in capsys.readouterr().out


def test_a_seed_changes_what_is_drawn_at_random() -> None:
    first, again, other = (Settings(seed=seed).stream().random_sample() for seed in (1, 1, 2))
    assert first == again != other


# ---------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sigmoyd"], "did you mean 'sigmoid'"),
        (["--plot", "figure.png"], "--plot goes with the name"),
        (["sigmoid", "--plot", "figure.txt"], "ends in .png"),
        (["sigmoid", "--seed", "-1"], "from 0 to 4294967295"),
        (["sigmoid", "--seed", str(2**32)], "from 0 to 4294967295"),
        (["sigmoid", "--backend", "torch"], "invalid choice: 'torch'"),
        (["feed-forward", "--plot", "figure.png"], "feed-forward has no figure"),
    ],
)
def test_what_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("error", [ImportError("this needs scikit-learn"), FileNotFoundError("no MNIST here")])
def test_what_an_example_lacks_is_said(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(settings: Settings) -> Report:
        raise error

    monkeypatch.setattr(find("sigmoid").module, "run", fails)
    assert run("sigmoid") == 2
    assert capsys.readouterr().err == f"samenet: {error}\n"


def test_a_report_holds_numbers_that_json_can() -> None:
    import numpy as np

    report = Report()
    report.row("a", np.array([[1.0, 2.0]]), tutorial=(1, 2))
    report.row("b", np.int64(3), tutorial="three")
    assert report["a"] == [[1.0, 2.0]]
    assert type(report["b"]) is int
    wrong: list[tuple[Any, type[Exception], str]] = [
        (float("nan"), ValueError, "here, c: expected finite numbers, got nan"),
        (np.array([1.0, np.inf]), ValueError, "got inf"),
        ({1: 2}, TypeError, "got dict"),
    ]
    for value, error, message in wrong:
        with pytest.raises(error, match=message):
            report.row("c", value)
    with pytest.raises(ValueError, match="no row has yet, got 'a'"):
        report.row("a", 1)
    with pytest.raises(KeyError, match="the rows are a, b"):
        report["c"]
    with pytest.raises(ValueError, match="at most 4294967295"):
        find("sigmoid").run("numpy", seed=2**32)


def test_the_table_has_the_digits_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    report = Report()
    report.row("short", 0.123456789, tutorial=0.1235, digits=4)
    report.row("long", 0.1 + 0.2, digits=None)
    report.row("matrix", [[1, 2], [True, None]])
    report.note("[not markup]")
    report.print(Console())
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert ["short", "0.1235", "0.1235"] in lines
    assert ["long", "0.30000000000000004"] in lines
    assert lines[-3:] == [["matrix", "1,", "2"], ["yes,"], ["[not", "markup]"]]


# ------------------------------------------------------------------------- full settings, against what is known


def test_sigmoid() -> None:
    report = find("sigmoid").run("numpy")
    assert report["points from -8 to 8"] == 160
    for w in (0.5, 1, 2):
        assert report[f"slope at 0 for w = {w:g}"] == pytest.approx(w / 4, rel=1e-8)
    for b, at in ((-8, 1.6), (0, 0), (8, -1.6)):
        assert report[f"first point with f >= 1/2 for w = 5, b = {b}"] == at
    slopes = [report[f"slope at x = {x}"] for x in (2, 0, -1)]
    assert slopes == pytest.approx([0.10499358540350662, 0.25, 0.19661193324148185], rel=1e-8)
    assert report["f(-1000)"] == 0


@pytest.mark.parametrize("backend", samenet.backends())
def test_feed_forward(backend: str) -> None:
    report = find("feed-forward").run(backend)
    assert report["output"] == report["output by loops"] == report["output by matrices"] == 0.8354556612475645
    assert report["output by hand, from hidden nodes of 4 digits"] == pytest.approx(0.835449, abs=5e-7)
    assert report["largest difference of a backend to it"] == 0
