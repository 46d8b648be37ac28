"""The examples: every one runs on every backend, reports the right results as text and JSON, and draws its figure."""

import dataclasses
import json
import re
import runpy
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samenet
from samenet import __main__
from samenet.examples import examples, find, gallery
from samenet.examples.report import Report, Settings
from samenet.output.formats import counted

pytestmark = pytest.mark.filterwarnings("error::samenet.UnreachableTargetsWarning")

NAMES = list(examples())
# The experiments of the catalogue: five tutorials, A to E.
KNOWN = {
    f"{letter}{n:02}"
    for letter, last in {"A": 20, "B": 10, "C": 2, "D": 10, "E": 17}.items()
    for n in range(1, last + 1)
}
KNOWN -= {"E11", "E12"}  # were never given out


def run(*arguments: str) -> int:
    return __main__.main(["examples", *arguments])


@pytest.fixture(autouse=True)
def _keep_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samenet.compare.environment.set_threads", lambda threads: None)
    monkeypatch.setenv("COLUMNS", "100")


# ------------------------------------------------------------------------------------------------------- the list


def test_the_list_names_each_example_and_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    printed = capsys.readouterr().out
    for example in examples().values():
        assert re.search(rf"^{example.name} +{re.escape(example.shows[:40])}", printed, re.MULTILINE)


@pytest.mark.parametrize("columns", ["0", "", "wide"])
def test_a_width_that_says_nothing_is_none(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert run() == 0
    assert len(capsys.readouterr().out.splitlines()) == len(examples())


def test_the_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in found] == NAMES
    for entry in found:
        assert set(entry) == {"name", "ids", "shows"}
        assert 10 < len(entry["shows"]) < 90
        assert "\n" not in entry["shows"]
    ids = [number for entry in found for number in entry["ids"]]
    assert len(ids) == len(set(ids)), "an experiment belongs to one example"
    assert set(ids) <= KNOWN


def test_every_module_is_an_example_or_known_not_to_be() -> None:
    folder = Path(samenet.examples.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {
        "__init__",
        "__main__",
        "report",
        "gallery",
        "notebooks",
        "picture",
    }
    assert files == {example.module.__name__.rpartition(".")[2] for example in examples().values()}
    for name in files:
        assert len((folder / f"{name}.py").read_text("utf-8").splitlines()) <= 94, "an example is short"


# --------------------------------------------------------------------------------------------------------- one run


# Without the JIT, what counts is the lines of an example: one backend goes through them.
EACH = [b if b == "numpy" else pytest.param(b, marks=pytest.mark.compiled) for b in samenet.backends()]


@pytest.mark.parametrize("backend", EACH)
@pytest.mark.parametrize("name", NAMES)
def test_each_runs_quick_on_each_backend(
    name: str, backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each example with a figure also draws it, on NumPy."""
    file = tmp_path / "figure.svg"
    drawn = backend == "numpy" and examples()[name].has_figure and find_spec("matplotlib") is not None
    plot = ["--plot", str(file)] if drawn else []
    assert run(name, "--backend", backend, "--quick", "--json", *plot) == 0
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
    if drawn:
        check_figure(file)


def check_figure(file: Path) -> None:
    assert import_module("matplotlib").rcParams["svg.hashsalt"] is None, "settings of matplotlib are left as they were"
    picture = file.read_text("utf-8")
    assert 'id="axes_1"' in picture
    assert picture.endswith("</svg>\n")


@pytest.mark.without_jit
def test_a_figure_is_drawn_beside_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / "figure.svg"
    assert run("sigmoid", "--quick", "--backend", "numpy", "--plot", str(file)) == 0
    check_figure(file)
    assert examples()["sigmoid"].shows[:40] in capsys.readouterr().out


def test_a_seed_changes_what_is_drawn_at_random() -> None:
    first, again, other = (Settings(seed=seed).stream().random_sample() for seed in (1, 1, 2))
    assert first == again != other


# ---------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sigmoyd"], "did you mean 'sigmoid'"),
        (["--plot", "figure.png"], "--plot needs the name"),
        (["--backend", "numpy"], "--backend needs the name"),
        (["--quick", "--seed", "0"], "--quick, --seed needs the name"),
        (["--rounding"], "--rounding needs the name"),
        (["sigmoid", "--plot", "figure.txt"], "ends in .png"),
        (["sigmoid", "--seed", "-1"], "from 0 to 4294967295"),
        (["sigmoid", "--seed", str(2**32)], "from 0 to 4294967295"),
        (["sigmoid", "--gallery", "folder"], "NAME: --gallery runs every example"),
        (["--gallery", "folder", "--json", "--rounding"], "--json, --rounding: --gallery runs every example"),
        (["--gallery", "folder", "--seed", "0"], "with its own seed"),
        (["sigmoid", "--backend", "theano"], "invalid choice: 'theano'"),
        (["backpropagation", "--plot", "figure.png"], "backpropagation has no figure"),
    ],
)
def test_what_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
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
    assert run("sigmoid") == 3
    assert capsys.readouterr().err == f"samenet examples: error: {error}\n"


def test_a_missing_matplotlib_is_said_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)  # now importing it fails
    for arguments in (["sigmoid", "--plot", str(tmp_path / "figure.png")], ["--gallery", str(tmp_path / "new")]):
        assert run(*arguments) == 3
        captured = capsys.readouterr()
        assert "samenet[plot]" in captured.err
        assert captured.out == ""
    assert list(tmp_path.iterdir()) == []


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
    assert report["number of points from -8 to 8"] == 160
    for w in (0.5, 1, 2):
        assert report[f"slope at 0 for w = {w:g}"] == pytest.approx(w / 4, rel=1e-8)
    for b, at in ((-8, 1.6), (0, 0), (8, -1.6)):
        assert report[f"first x with f(x) >= 1/2 for w = 5, b = {b}"] == at
    slopes = [report[f"slope at x = {x}"] for x in (2, 0, -1)]
    assert slopes == pytest.approx([0.10499358540350662, 0.25, 0.19661193324148185], rel=1e-8)
    assert report["f(-1000)"] == 0


@pytest.mark.parametrize("backend", samenet.backends())
def test_feed_forward(backend: str) -> None:
    report = find("feed-forward").run(backend)
    assert report["output"] == report["output by loops"] == report["output by matrices"] == 0.8354556612475645
    assert report["output by hand, from hidden activations of 4 digits"] == pytest.approx(0.835449, abs=5e-7)
    assert report["largest difference between a backend and the matrices"] == 0


def test_speed_sets_ratios_of_its_own_times_beside_the_tutorial() -> None:
    report = find("speed").run("numpy", quick=True)
    name = "100-100-50-10: "
    ratio = report[name + "loops over arrays, us"] / report[name + "matrices in NumPy, us"]
    assert report[name + "time of the loops / time of the matrices"] == pytest.approx(ratio)
    printed = {row.what: row.tutorial for row in report.rows}[name + "time of the loops / time of the matrices"]
    assert printed == pytest.approx(488, abs=0.5)


def test_descent_1d() -> None:
    report = find("descent-1d").run("numpy")
    assert report["steps"] == 70
    assert report["the minimum found"] == 2.2499646074278457
    path = [6, 0.5999999999999996, 0.6237599999999996, 0.6490692731402646, 0.6760475763767438, 0.704821965498881]
    assert [report[f"x after {counted(i, 'step')}"] for i in range(6)] == path
    assert report["the last step"] <= 1e-5 < report["its distance to 9/4"]


@pytest.mark.parametrize("backend", samenet.backends())
def test_backpropagation(backend: str) -> None:
    report = find("backpropagation").run(backend, seed=7)
    assert report["the network's cost"] == pytest.approx(report["1/2 ||y - h||^2"], rel=1e-14)
    assert report["largest difference between network and equations"] < 1e-15
    assert report["largest difference between network and central differences"] < 1e-9
    assert max(map(abs, report["delta of the output layer"])) > 1e-3, "nothing is shown by zeros"
    assert report["mean cost of 4 equal samples / cost of one"] == pytest.approx(1, rel=1e-15)


@pytest.mark.compiled
@pytest.mark.parametrize("backend", samenet.backends())
def test_contours(backend: str) -> None:
    report = find("contours").run(backend)
    costs = [report[f"cost at p{i}"] for i in range(1, 5)]
    assert costs == sorted(costs, reverse=True)
    assert report["final weights"] == pytest.approx([2, -1], abs=1e-9)
    assert report.curves["surface"].best == pytest.approx([2, -1])
    assert len(report.curves["path"]) == report["steps"] + 1


def test_digits_data() -> None:
    report = find("digits-data").run()
    for row in report.rows[:2]:
        assert row.here == row.tutorial
    scaled = next(row for row in report.rows if row.what == "first row of the first image, scaled")
    assert scaled.here == pytest.approx(scaled.tutorial, abs=5e-9)
    assert report["share of scaled values between -2 and 2"] == pytest.approx(0.976, abs=5e-4)
    assert report["largest scaled value"] == pytest.approx(42.4, abs=0.05)
    assert report["constant columns, which are scaled to 0"] == [0, 32, 39]
    assert report["samples in the training set, in the test set"] == [1078, 719]
    assert report["first labels of the training set"] == [6, 5, 3, 0, 2]
    assert report["largest change of a value"] > 0
    assert report["one-hot target of a 1"] == [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.compiled
def test_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of the run; test_golden.py makes all 3000 iterations of the same network."""
    module = find("digits").module
    monkeypatch.setattr(module, "ITERATIONS", 1000)
    monkeypatch.setattr(module, "MORE", 100)
    report = find("digits").run("numba")
    known = {0: 2.824933527950, 1: 2.823390822202, 10: 2.808890799228, 100: 2.600138398016}
    for iteration, value in known.items():
        assert report[f"average J at iteration {iteration}"] == pytest.approx(value, abs=1e-10)
    epochs, norm = report.curves["further"]
    assert epochs[0] == 1000
    assert norm[0] == pytest.approx(0.759552964778, abs=1e-10), "the curve goes on where it stopped"
    assert report["average J after 1100 iterations"] < norm[0] - 0.01
    test, train = (report[f"{what} accuracy after 1000 iterations, %"] for what in ("test", "training"))
    assert 50 < test < train < 100


def test_the_order_of_scaling_and_splitting(monkeypatch: pytest.MonkeyPatch) -> None:
    module = find("digits").module
    assert abs(module.prepared(0).X_train.mean(axis=0)).max() > 1e-3, "scaled on all rows"
    monkeypatch.setattr(module, "SCALE_BEFORE_SPLIT", False)
    assert abs(module.prepared(0).X_train.mean(axis=0)).max() < 1e-12, "scaled on these rows"


def test_pixels() -> None:
    report = find("pixels").run("numpy")
    for row in report.rows:
        if row.what in ("inputs", "outputs of the network", "inputs for an MNIST image"):
            assert row.here == row.tutorial
    assert report["the first row of pixels"] == [0, 1, 1, 1, 1, 0]
    assert report["reshaping restores the image"] is True


@pytest.mark.parametrize("backend", samenet.backends())
def test_worked_step(backend: str) -> None:
    report = find("worked-step").run(backend)
    assert report["numbers equal to the last bit"] == 19
    difference = report["largest difference from the network's own"]
    assert difference == 0 if backend == "reference" else difference < 1e-15


@pytest.mark.parametrize("backend", samenet.backends())
def test_online_step(backend: str) -> None:
    report = find("2-3-2").run(backend)
    known = {
        "output before training": [0.2767680516374988, 0.294409667503439],
        "cost before training": 0.2872291358599124,
        "b1 after one step": [0.5370138388568242, 0.7599472770415682, 0.01702787718854813],
        "b2 after one step": [-0.33337477682095795, 0.07526987250180259],
        "output after one step": [0.2747327668163648, 0.300632907393537],
        "cost after one step": 0.28229621169169605,
        "cost after 1000 steps": 0.002791804788937767,
    }
    for what, value in known.items():
        assert report[what] == pytest.approx(value, rel=0, abs=1e-12), what
    W1 = [
        [-0.11738907891454071, 0.45404967777136485],
        [-0.6577281283667454, 0.5662596554083136],
        [-0.1582082062491615, -0.8753298065622904],
    ]
    W2 = [
        [0.007213398685085713, -0.49464210969243627, -0.8201381409764879],
        [-0.865302316289459, -0.07493331265769729, -0.7690447247644799],
    ]
    for what, rows in (("W1 after one step", W1), ("W2 after one step", W2)):
        for here, row in zip(report[what], rows, strict=True):
            assert here == pytest.approx(row, rel=0, abs=1e-12)


# ------------------------------------------------------------------------------------------ what depends on rounding


def test_what_one_ulp_in_the_weights_changes_is_marked() -> None:
    report, moved = Report(), Report()
    values = {"stays": (1.0, 1.0 + 1e-9), "near 0": (1e-16, -2e-16), "grew": (0.5, 0.51), "count": (9031, 9042)}
    values |= {"in a list": ([1, [2.0]], [1, [2.1]]), "words": ("a", "a")}
    for what, (here, there) in values.items():
        report.row(what, here)
        moved.row(what, there)
    report.row("a time", 1.0, timed=True)
    moved.row("a time", 2.0, timed=True)
    assert report.table()[0] == ["", "tutorial", "here"]
    assert "depends_on_rounding" not in report.as_json()["rows"][0]
    report.beside(moved)
    assert [row.what for row in report.rows if row.depends_on_rounding] == ["grew", "count", "in a list"]
    headings, cells = report.table()
    assert headings[3] == "weights perturbed by one ulp"
    assert ["count *", "", "9031", "9042"] in cells
    assert ["stays", "", "1", ""] in cells
    assert report.as_json()["rows"][3] == {
        "what": "count",
        "tutorial": None,
        "here": 9031,
        "depends_on_rounding": True,
        "moved": 9042,
    }


def test_a_moved_network_differs_in_its_last_layer_by_one_ulp() -> None:
    """All of its weights change, because the input of one may be 0 in every sample, as in the corner of an image."""
    net, moved = (Settings("numpy", moved=moved).network([3, 2, 2], seed=0) for moved in (False, True))
    assert np.array_equal(moved.weights[1], np.nextafter(net.weights[1], np.inf))
    assert (moved.weights[1] != net.weights[1]).all()
    assert np.array_equal(moved.weights[0], net.weights[0])


def test_rounding_by_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("feed-forward", "--backend", "numpy", "--rounding", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert not any(row["depends_on_rounding"] for row in rows)


def test_rounding_moves_the_second_run_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moved, once = [], type(find("feed-forward")).run

    def noted(example: Any, *arguments: Any, **named: Any) -> Report:
        moved.append(named.get("moved", False))
        return once(example, *arguments, **named)

    monkeypatch.setattr(type(find("feed-forward")), "run", noted)
    assert run("feed-forward", "--backend", "numpy", "--rounding") == 0
    assert moved == [False, True]


# --------------------------------------------------------------------------------------------------- files as scripts


FILES = sorted(path.stem for path in Path(samenet.examples.__file__).parent.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("stem", FILES)
def test_each_file_does_something_when_python_runs_it(
    stem: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(samenet.examples.__file__).parent / f"{stem}.py"
    modules = {example.module.__name__.rpartition(".")[2]: name for name, example in examples().items()}
    called: list[list[str]] = []
    monkeypatch.setattr("samenet.__main__.main", lambda arguments: called.append(arguments) or 0)
    monkeypatch.setattr(sys, "argv", [str(path), "--quick"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(path), run_name="__main__")
    assert ended.value.code == 0
    assert called == [["examples", *([modules[stem]] if stem in modules else []), "--quick"]]


# ----------------------------------------------------------------------------------------------------- the gallery


def test_the_gallery_has_every_table_and_every_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    two = {name: find(name) for name in ("sigmoid", "backpropagation", "feed-forward")}
    two["feed-forward"] = dataclasses.replace(two["feed-forward"], ids=())  # an example of no experiment
    monkeypatch.setattr(gallery, "examples", lambda: two)
    assert run("--gallery", str(tmp_path / "new"), "--quick", "--backend", "numpy") == 0
    page = (tmp_path / "new" / "README.md").read_text("utf-8")
    assert re.findall("^## (.*)$", page, re.MULTILINE) == list(two)
    assert "| output | 0.8354 | 0.8354556612475645 |" in page
    assert "truncates its numbers" in page
    assert "()" not in page.replace("f()", "")
    pictures = re.findall(r"!\[.*\]\((.*)\)", page)
    assert pictures == ["sigmoid.png", "feed-forward.png"], "backpropagation draws nothing"
    assert (tmp_path / "new" / "sigmoid.png").read_bytes().startswith(b"\x89PNG")


def test_a_matrix_stays_in_its_cell() -> None:
    report = Report()
    report.row("a|b", [[1, 2], [3, 4]])
    assert "| a\\|b |  | 1, 2<br>3, 4 |" in gallery.section(find("feed-forward"), report)


def test_the_gallery_in_the_repository_has_every_example() -> None:
    folder = Path(__file__).resolve().parent.parent / "docs" / "gallery"
    page = (folder / "README.md").read_text("utf-8")
    assert re.findall("^## (.*)$", page, re.MULTILINE) == NAMES, "make examples regenerates it"
    pictures = re.findall(r"!\[.*\]\((.*)\)", page)
    assert pictures == [f"{name}.png" for name, example in examples().items() if example.has_figure]
    for picture in pictures:
        assert 0 < (folder / picture).stat().st_size < 150_000
