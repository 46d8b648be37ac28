"""The notebooks of docs/notebooks run and print what they say; `samenet examples NAME --notebook` writes valid ones.

An example that a page runs on the NumPy backend is run in full. An example that a page runs with default settings takes
too long: it is run briefly, and the page's output is compared with the gallery, which has the numbers of a full run.
"""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samenet.__main__ import main
from samenet.examples import Example, examples, notebooks
from samenet.examples.report import Report, Row

nbformat = pytest.importorskip("nbformat")

pytestmark = pytest.mark.without_jit

ROOT = Path(__file__).resolve().parent.parent
GALLERY = (ROOT / "docs" / "gallery" / "README.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", GALLERY, re.MULTILINE | re.DOTALL))
PAGES = [name for name in notebooks.tutorials() if name != "notebooks"]


def cells_of(line: str) -> list[str]:
    """The cells of a row in Markdown."""
    cells = re.split(r"(?<!\\)\|", line)[1:-1]
    return [cell.strip().replace("\\|", "|").replace("<br>", "\n") for cell in cells]


def recorded(name: str) -> tuple[list[Row], list[str]]:
    """The rows and the remarks in the gallery."""
    table = [line for line in SECTIONS[name].splitlines() if line.startswith("| ")][2:]
    rows = [Row(what.removesuffix(" *"), said, here, None) for what, said, here, *_ in map(cells_of, table)]
    text = SECTIONS[name].strip().split("\n\n")[2:]
    return rows, [part for part in text if not part.startswith(("![", "Numbers marked *"))]


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Example.run

    def run_or_recorded(self: Example, backend: str = "", **named: Any) -> Report:
        if backend:
            return run(self, backend, **named)
        report = run(self, "numpy", quick=True)
        report.rows, report.notes = recorded(self.name)
        return report

    monkeypatch.setattr(Example, "run", run_or_recorded)


def execute(notebook: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """The output of each code cell, run in one namespace, as in Jupyter; and the namespace."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    outputs = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(cell["source"], cell["id"], "exec"), namespace)
            outputs.append(printed.getvalue())
    return outputs, namespace


def said(notebook: dict[str, Any]) -> list[str]:
    """The stated output of each code cell."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return ["".join(output["text"] for output in cell["outputs"]) for cell in code]


# --- pages ----------------------------------------------------------------------------------------------------------


def test_each_tutorial_has_a_notebook() -> None:
    assert PAGES == ["000", "001", "002", "003", "004", "your-own-backend"]


@pytest.mark.uncounted  # the lines are those of tests of what a page calls: `test_examples`, `test_conformance`
@pytest.mark.parametrize("name", PAGES)
def test_a_page_prints_what_it_says(name: str, brief: None) -> None:
    notebook = notebooks.of_tutorial(name)
    outputs, _ = execute(notebook)
    assert outputs == said(notebook)
    assert any(outputs)


def test_wrong_output_is_noticed() -> None:
    cell = {"cell_type": "code", "id": "a", "source": "print(1)", "outputs": [{"text": "2\n"}]}
    outputs, _ = execute({"cells": [cell]})
    assert outputs != said({"cells": [cell]})


@pytest.mark.parametrize("name", PAGES)
def test_a_tutorial_s_notebook_is_valid_and_stands_alone(name: str, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "a.ipynb"
    assert main(["examples", name, str(file), "--notebook"]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# ")
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"\]\((?!https?:)", cell.source), "a link to what is not beside it"
            assert "```" not in cell.source


# --- examples -------------------------------------------------------------------------------------------------------


# An example's own lines are those of `test_examples`.
@pytest.mark.parametrize(
    "name", [n if n == "sigmoid" else pytest.param(n, marks=pytest.mark.uncounted) for n in examples()]
)
def test_an_example_s_notebook_is_valid_and_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["examples", name, "--notebook", "--quick", "--backend", "numpy", "--seed", "5"]) == 0
    assert capsys.readouterr().out == f"{name}.ipynb\n"
    notebook = nbformat.read(f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    example = examples()[name]
    story = notebook.cells[0].source
    assert story.startswith(f"# {name}\n")
    assert example.shows[1:] in story
    assert str(example.module.__doc__).strip() in story
    for number in set(re.findall(r"utorial (\d{3})", story)):
        assert "](https://" in story, number
    outputs, namespace = execute(notebook)
    assert not any(outputs)
    expected = example.run("numpy", quick=True, seed=5)
    timed = {row.what for row in expected.rows if row.timed}
    here = {row.what: row.here for row in namespace["report"].rows if row.what not in timed}
    assert here == {row.what: row.here for row in expected.rows if row.what not in timed}
    source = Path(str(example.module.__file__)).read_text("utf-8")
    code = "".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    for function in re.findall(r"^def \w+\(.*$", source, re.MULTILINE):
        assert function in code
    assert "run_as_script" not in code


def test_jupyter_shows_the_table_and_the_figure(tmp_path: Path) -> None:
    example = examples()["sigmoid"]
    report = example.run("numpy")
    shown = report._repr_html_()
    assert "<td>slope at x = 0</td><td>between 0 and 1</td><td>0.25</td>" in shown
    assert "&gt;= 1/2" in shown
    assert report.notes[-1].replace("'", "&#x27;") in shown
    pytest.importorskip("matplotlib")
    assert example.picture(report)._repr_png_().startswith(b"\x89PNG")


def test_a_report_as_text() -> None:
    report = Report()
    report.row("a", np.array([[1.0, 2.0], [3.0, 4.0]]))
    report.row("a long one", 0.123456789, tutorial="0.1")
    report.row("b", 1)
    assert report.text("a", "b").splitlines() == [
        "            tutorial  here",
        "a                     1, 2; 3, 4",
        "a long one  0.1       0.123457",
        "b                     1",
    ]
    assert report.text("b") == "b  1"
    with pytest.raises(KeyError, match="no row begins with .*; the rows are a, a long one, b"):
        report.text("c")


# --- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--notebook"], "--notebook needs the name"),
        (["sigmoyd", "--notebook"], "did you mean 'sigmoid'"),
        (["005", "--notebook"], "or of a tutorial, 000, 001, 002, 003, 004, your-own-backend"),
        (["../001", "--notebook"], "or of a tutorial"),
        (["sigmoid", "a.txt", "--notebook"], "ends in .ipynb"),
        (["sigmoid", ".ipynb", "--notebook"], "ends in .ipynb"),
        (["sigmoid", "no/such/a.ipynb", "--notebook"], "no/such"),
        (["sigmoid", "a.ipynb"], "a file name needs --notebook"),
        (["sigmoid", "--notebook", "--json"], "--json: --notebook writes a notebook"),
        (["sigmoid", "--notebook", "--rounding", "--plot", "a.png"], "--plot, --rounding: --notebook writes"),
        (["000", "--notebook", "--quick"], "--quick needs the name of an example"),
        (["--notebook", "--gallery", "folder"], "--notebook: --gallery runs every example"),
        (["sigmoid", "--notebook", "--seed", str(2**32)], "from 0 to 4294967295"),
    ],
)
def test_what_is_refused(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    assert main(["examples", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in " ".join(captured.err.split())
    assert captured.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_that_exists_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sigmoid.ipynb").write_text("mine")
    assert main(["examples", "sigmoid", "--notebook"]) == 2
    assert "FILE: 'sigmoid.ipynb' exists; --force replaces it" in " ".join(capsys.readouterr().err.split())
    assert Path("sigmoid.ipynb").read_text() == "mine"


# --- the gallery ----------------------------------------------------------------------------------------------------

# Where the digits are the point: they agree to the last bit, or stay at ln 2, or are those of the text.
EXACT = {"worked-step": "", "feed-forward": "output", "params-dict": "xor", "descent-1d": "the minimum found"}


def test_the_gallery_has_six_digits_at_most() -> None:
    for name, section in SECTIONS.items():
        for line in section.splitlines():
            if not line.startswith("| ") or (name in EXACT and line.startswith(f"| {EXACT[name]}")):
                continue
            for number in re.findall(r"\d+\.\d+", cells_of(line)[2]):
                assert len(number.replace(".", "").lstrip("0")) <= 6, f"{name}: {line}"


def test_the_gallery_links_sources_names_machines_and_marks_what_is_chaotic() -> None:
    assert list(SECTIONS) == list(examples())
    for name, section in SECTIONS.items():
        source = f"{examples()[name].module.__name__.rpartition('.')[2]}.py"
        assert f"[{source}](../../examples/{source})" in section
        table = [cells_of(line) for line in section.splitlines() if line.startswith("| ")][2:]
        for what, _, _, *moved in table:
            assert what.endswith(" *") == any(moved), f"{name}: {what}"
        assert ("\nNumbers marked * change if" in section) == any(any(moved) for _, _, _, *moved in table)
        times = any(re.search(r", us$|: seconds$", what) for what, *_ in table)
        assert ("\nTimes were measured on " in section) == times


def test_a_report_with_times_names_the_machine_once() -> None:
    report = Report()
    report.row("a", 1.0)
    assert report.notes == []
    report.row("b", 1.0, timed=True)
    report.row("c", 1.0, timed=True)
    (note,) = report.notes
    assert re.fullmatch(
        r"Times were measured on [\d-]{10} on this machine: .+, \d+ cores?, \w+ [\d.]+, NumPy [\d.]+, Numba \S+\.",
        note,
    )
