"""The README's Python code runs as printed, and every number in the docs has a source.

Measurements are between markers, where `python -m benchmarks report` inserts them from results/, as a test in
test_report.py checks. Numbers elsewhere must agree with the code.
"""

import ast
import io
import json
import os
import re
import shlex
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest

from samenet import optimizers
from samenet.__main__ import main
from samenet.cli import application
from samenet.compare import environment
from samenet.fast import numpy
from samenet.fast.kernels import forward, gemm, inference
from samenet.model import functions
from samenet.network import Network
from samenet.training import checkpoint, loop

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
_SECTIONS = ("start", "compare", "do", "know")
PAGES = (
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/speed.md", "docs/sources.md", "docs/side-by-side.md"),
    *("docs/command_line.md", "docs/conformance.md"),
    *(path.relative_to(ROOT).as_posix() for part in _SECTIONS for path in sorted((ROOT / "docs" / part).glob("*.md"))),
)
CODE = ("reference", "fast", "interface", "examples", "benchmarks", "tests")


def blocks(text: str) -> list[tuple[int, str]]:
    """The ```python blocks of a page, each with the number of its first line."""
    found = re.finditer(r"^( *)```python *\n(.*?)^ *``` *$", text, re.MULTILINE | re.DOTALL)
    return [(text[: match.start(2)].count("\n") + 1, textwrap.dedent(match.group(2))) for match in found]


@pytest.mark.compiled  # it trains on the digits
def test_the_readme_runs_from_top_to_bottom(capsys: Any, tmp_path: Any, monkeypatch: Any) -> None:
    page = blocks(README.read_text("utf-8"))
    assert page, "no ```python block in README.md"
    monkeypatch.chdir(tmp_path)  # what it writes, it writes there
    namespace: dict[str, Any] = {"__name__": "readme"}
    for line, source in page:
        # Blank lines before it, so that a traceback shows the line of the page.
        exec(compile("\n" * (line - 1) + source, str(README), "exec"), namespace)


_DECIMAL = re.compile(r"\d+\.\d+(e[-+]\d+)?")


def test_the_page_on_backends_runs_and_shows_what_is_printed(
    capsys: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samenet.__main__ import main
    from samenet.testing import check_backend

    monkeypatch.delenv("COLUMNS", raising=False)  # pytest-xdist sets it
    page = (ROOT / "docs" / "conformance.md").read_text("utf-8")
    (_, first), _ = blocks(page)
    mine = tmp_path / "my_backend.py"
    mine.write_text(first)
    report = check_backend(mine)
    assert report.ok, str(report)
    assert report["activations"].reason == "not all of it: sigmoid, tanh and identity alone"
    monkeypatch.chdir(ROOT)
    for command, shown in re.findall(r"^\$ samenet (check .*)\n((?:.+\n)*)```", page, re.MULTILINE):
        assert main(command.split()) == 1
        assert _DECIMAL.sub("0.0", capsys.readouterr().out) == _DECIMAL.sub("0.0", shown), "the page is out of date"
    assert re.search(r"^FAIL: gradient", page, re.MULTILINE)


def test_no_page_has_the_marks_of_an_unfinished_merge() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "results").rglob("*.md")]:
        assert not re.search(r"^(<<<<<<<|>>>>>>>) ", path.read_text("utf-8"), re.MULTILINE), path


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_pages_name_tests_and_targets_that_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for files, word in re.findall(r"pytest ((?:tests/\w+\.py )+)-k (?!NAME)(\w+)", text):
        tests = " ".join((ROOT / file).read_text(encoding="utf-8") for file in files.split())
        assert re.search(rf"^def test\w*{word}", tests, re.MULTILINE), f"{files}-k {word}"
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= {*targets}


def test_blocks_are_found() -> None:
    text = "a\n\n```python\nx = 1\n```\n\n```bash\nls\n```\n\n  ```python\n  y = x\n  ```\n"
    assert blocks(text) == [(4, "x = 1\n"), (12, "y = x\n")]


_COMMAND_LINE = (ROOT / "docs" / "command_line.md").read_text("utf-8")


def same(text: str) -> list[str]:
    """The words of an output without its numbers, which depend on the machine."""
    return re.sub(r"[\d.]+(e-\d+)?", "0", text).split()


@pytest.mark.without_jit
def test_the_command_line_s_page_shows_what_is_printed(tmp_path: Any, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    for name in environment.THREAD_VARIABLES:
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    (table,) = re.findall(r"^```csv\n(.*?)^```", _COMMAND_LINE, re.MULTILINE | re.DOTALL)
    (tmp_path / "flowers.csv").write_text(table)
    sessions = "".join(re.findall(r"^```console\n(.*?)^```", _COMMAND_LINE, re.MULTILINE | re.DOTALL))
    shown = re.findall(r"^\$ (?:printf '(.*)' \| )?samenet (.*)\n((?:(?!\$ ).*\n)*)", sessions, re.MULTILINE)
    assert len(shown) == sessions.count("$ ") == 7
    for given, command, output in shown:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given.replace("\\n", "\n").encode())))
        main(shlex.split(command))
        printed = capsys.readouterr()
        assert same(printed.out + printed.err) == same(output), command


@pytest.mark.without_jit
def test_the_command_line_s_page_has_every_command() -> None:
    rows = re.findall(r"^\| `samenet (\w+)", _COMMAND_LINE, re.MULTILINE)
    assert set(rows) == application._names()
    assert len(rows) == len(set(rows))


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.without_jit
def test_every_name_that_an_option_takes_is_documented() -> None:
    page = (ROOT / "docs" / "do" / "options.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)=`(.*)$", page, re.MULTILINE))
    for option, known, documented in (
        ("activation", functions.ACTIVATIONS, [Network]),
        ("cost", functions.COSTS, [Network]),
        ("optimizer", optimizers.OPTIMIZERS, [optimizers, Network.train]),
    ):
        for name in known:
            assert f"`{name}`" in rows[option], f"docs/do/options.md has no {option} {name!r}"
            for where in documented:
                assert f'"{name}"' in (where.__doc__ or ""), f"the docstring of {where} has no {option} {name!r}"


# --- the path of a call ---------------------------------------------------------------------------------------------


@pytest.mark.without_jit
def test_train_reaches_a_backend_as_the_page_says() -> None:
    """The functions of the table, and no others, are on the stack when the backend is called."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    section = text[text.index("### From `net.train` to a backend") :]
    rows = re.findall(r"^\| (`.*?) \| `(interface/.*?)` \|", section[: section.index("\n## ")], re.MULTILINE)
    said = [(name, file) for names, file in rows for name in re.findall(r"`(.*?)`", names)]
    assert f"through {('seven', 'eight', 'nine')[len(said) - 8]} more\n" in section
    found: list[tuple[str, str]] = []

    def profile(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_name == "run_updates" and not found:
            while frame := frame.f_back:
                path = Path(frame.f_code.co_filename)
                if path.is_relative_to(ROOT / "interface"):
                    found.append((frame.f_code.co_qualname, path.relative_to(ROOT).as_posix()))

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        numpy.Network([2, 1]).train([[0.0, 1.0]], [[1.0]], alpha=0.1, epochs=2, monitors="mean_norm", record_every=2)
    finally:
        sys.setprofile(before)
    assert said == found[::-1]


# --- private interfaces ---------------------------------------------------------------------------------------------

PUBLIC = ("numba", "numba.extending", "numba.core.errors", "llvmlite", "llvmlite.ir", "llvmlite.binding")
DOCUMENTED = {("numba.core", "types"), ("numba.core", "cgutils")}  # for extensions


def private(source: str) -> set[tuple[str, str]]:
    """The names that a module imports from private modules of Numba and llvmlite, each with its module."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and node.module]
    names = {(str(node.module), alias.name) for node in found for alias in node.names}
    return {pair for pair in names - DOCUMENTED if pair[0].split(".")[0] in ("numba", "llvmlite")} - {
        pair for pair in names if pair[0] in PUBLIC
    }


def test_every_private_interface_of_the_compiler_stands_in_the_table_of_kernels() -> None:
    text = (ROOT / "fast" / "kernels" / "README.md").read_text("utf-8")
    rows = re.findall(
        r"^\| (.*) \| (.*) \| (.*) \| (.*) \|$", text[text.index("## Private interfaces") :], re.MULTILINE
    )[2:]
    said = [(set(re.findall(r"\w+", names)), names, set(where.split(", "))) for names, where, _, _ in rows]
    for path in sorted((ROOT / "fast").rglob("*.py")):
        for module, name in private(path.read_text("utf-8")):
            listed = any(
                path.stem in where and (name in words or f"`{module}" in names or f"`{module}.{name}" in names)
                for words, names, where in said
            )
            assert listed, f"{path.name} imports {module}.{name}, which no row for {path.stem} has"
    for test in re.findall(r"`(test_\w+)`", " ".join(tests for *_, tests in rows)):
        assert (ROOT / "tests" / f"{test}.py").is_file(), test


def test_private_imports_are_found() -> None:
    source = (
        "from numba import njit\nfrom numba.core import ir, types\ndef f():\n    from llvmlite.ir.values import Value\n"
    )
    assert private(source) == {("numba.core", "ir"), ("llvmlite.ir.values", "Value")}


# --- sources --------------------------------------------------------------------------------------------------------

_TUTORIAL = re.compile(r"\btutorials?((?:[\s,#]+(?:(?:and|or|to)\s+)?\d{3}\b)+)", re.IGNORECASE)


def mentioned(text: str) -> set[str]:
    """The numbers of the tutorials that a text speaks of: "tutorial 000", "tutorials 002 and 004"."""
    return {number for found in _TUTORIAL.findall(text) for number in re.findall(r"\d{3}", found)}


def test_every_tutorial_stands_in_the_table_of_sources() -> None:
    rows = re.findall(r"^\| (\d{3}) \|.*\| (.*) \|$", (ROOT / "docs" / "sources.md").read_text("utf-8"), re.MULTILINE)
    for number, link in rows:
        found = re.fullmatch(r"\[([\w.-]+)\]\(https://(?:www\.)?([\w.-]+)/[\w./-]+\)", link)
        assert found, f"{number}: {link}"
        assert found[1] == found[2], f"{number}: the text of a link is its host"
    in_code = {
        number: path
        for folder in CODE
        for path in (ROOT / folder).rglob("*.py")
        for number in mentioned(path.read_text("utf-8"))
    }
    assert in_code.keys() == {number for number, _ in rows}, in_code


def test_every_source_that_is_a_tutorial_points_to_the_table() -> None:
    for path in (path for folder in CODE[:-1] for path in (ROOT / folder).rglob("*.py")):
        for source in re.findall(r"\bSources?: ([^\n]*\btutorial \d{3}\b[^\n]*)", path.read_text("utf-8")):
            assert re.search(r"tutorial \d{3} \(docs/sources\.md\)", source), f"{path.name}: {source}"


def test_tutorials_are_found() -> None:
    text = "Tutorial 000, section 3; tutorials 001,\n002 and 004; not 003; test_tutorial_009 is a name"
    assert mentioned(text) == {"000", "001", "002", "004"}


# --- numbers --------------------------------------------------------------------------------------------------------

_UNITS = "x(?! \\d)|times|us|ns|ms|s|seconds?|minutes?|%|MiB|MB|GB|units|columns|samples|parameters|fold"
_NUMBER = re.compile(rf"(?<![\w.`-])\d[\d.,]*\s(?:{_UNITS})(?![\w-])|\d[\d.]*x\b|\[\d[\d.,]*, \d[\d.,]*\]")


def prose(page: str) -> str:
    """A page without code and without what is made from results."""
    text = re.sub(r"<!-- (\w+): begin -->.*?<!-- \1: end -->", "", page, flags=re.DOTALL)
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "`", text)


def numbers(page: str) -> list[str]:
    """The numbers with a unit, the ratios and the intervals in a page's prose."""
    return [" ".join(found.split()) for found in _NUMBER.findall(prose(page))]


def sources() -> set[str]:
    """The numbers that come from the code, in the wording of the pages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return {
        f"{inference.QUICK:,} parameters",
        f"{forward.BLOCK} samples",
        f"{gemm.WIDE} columns",
        f"{1000 * loop.CALL_SECONDS:.0f} ms",
        f"{checkpoint.SECONDS:.0f} seconds",
        f"{project['tool']['coverage']['report']['fail_under']} %",
        "97 %",  # of mistakes: `TARGET` in hardening/mutants.py
        "3 units",  # in the last place: `ULPS` in test_elementary.py
        "20 minutes",  # of reading
        "95 %",  # of every interval
    }


def test_every_number_in_prose_is_the_code_s() -> None:
    for name in PAGES:
        unknown = set(numbers((ROOT / name).read_text("utf-8"))) - sources()
        assert not unknown, f"{name}: a measured number belongs between the marks of `python -m benchmarks report`"


def test_numbers_are_found() -> None:
    text = "It is 5.2x, [1, 2], takes 40 us or 1,000 times; 6 x 4 registers and 64-30-10 are none, nor `9 ms`.\n"
    made = "<!-- a: begin -->\n1.5x\n<!-- a: end -->\n```\n2 ms\n```\n"
    assert sorted(numbers(text + made)) == ["1,000 times", "40 us", "5.2x", "[1, 2]"]


def test_the_sigmoid_is_as_accurate_as_the_page_says() -> None:
    from test_elementary import ULPS

    assert ULPS["sigmoid"] <= 3


def test_as_many_decisions_as_the_page_says() -> None:
    page = (ROOT / "docs" / "speed.md").read_text("utf-8")
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert "from eight decisions" in page
    assert headings.index("What each gains") == 8


def test_no_interval_without_a_width() -> None:
    """A single process, or a single pair of processes, has no interval."""
    for path in [*(ROOT / "results").rglob("*.md"), *(ROOT / "docs").rglob("*.md"), README]:
        for estimate, low, high in re.findall(r"([\d.]+)x \[([\d.]+), ([\d.]+)\]", path.read_text("utf-8")):
            assert not estimate == low == high, f"{path.name}: {estimate}x [{low}, {high}]"
    for path in (ROOT / "results").glob("*/*.json"):

        def check(value: Any, file: str = path.name) -> None:
            if isinstance(value, dict):
                if {"low", "high", "estimate"} <= value.keys() and value["low"] is not None:
                    assert value["low"] < value["high"] or value["estimate"] == 1, f"{file}: {value}"
                value = list(value.values())
            if isinstance(value, list):
                for one in value:
                    check(one)

        check(json.loads(path.read_text("utf-8")))
