"""The pages of the site: their code runs and prints what they say, their links lead somewhere, and what they cut from
the sources is there. `make docs` checks the rest: cross-references, and that nothing comes from a network.
"""

import contextlib
import importlib.util
import io
import re
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console

import samenet
from samenet.__main__ import main
from samenet.output import manual

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [
    *sorted(DOCS.rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "fast/kernels/README.md")),
    *sorted((ROOT / "results").rglob("*.md")),
]

_FENCE = re.compile(r"^( *)```(\w*) *\n(.*?)^ *``` *$", re.MULTILINE | re.DOTALL)

_TABLE = re.compile(r"^\| \[.*$", re.MULTILINE)


def of_site(name: str) -> ModuleType:
    """A module of docs/_site that needs no Sphinx."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "_site" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- code -----------------------------------------------------------------------------------------------------------


def run_page(path: Path, text: str) -> int:
    """Run the ```python blocks of a page in one namespace; a ```text block is the output of the blocks before it.

    Returns the number of ```text blocks.
    """
    namespace: dict[str, Any] = {"__name__": "page"}
    printed, compared = io.StringIO(), 0
    for fence in _FENCE.finditer(text):
        line = text[: fence.start(3)].count("\n")
        if fence[2] == "python":
            source = "\n" * line + textwrap.dedent(fence[3])  # a traceback shows the line of the page
            with contextlib.redirect_stdout(printed):
                exec(compile(source, str(path), "exec"), namespace)
        elif fence[2] == "text":
            said = [one.removeprefix(fence[1]) for one in fence[3].strip("\n").split("\n")]
            assert [one.rstrip() for one in printed.getvalue().strip("\n").split("\n")] == said, f"{path}:{line}"
            printed, compared = io.StringIO(), compared + 1
    assert printed.getvalue() == "", f"{path}: it prints more than it says"
    return compared


@pytest.mark.compiled  # the same without the JIT
@pytest.mark.parametrize(
    "page",
    # Notebooks are run by test_notebooks.py.
    [
        p
        for p in PAGES
        if p.is_relative_to(DOCS) and p.parent.name != "notebooks" and "```python" in p.read_text("utf-8")
    ],
    ids=lambda path: path.relative_to(DOCS).as_posix(),
)
def test_the_code_of_a_page_prints_what_it_says(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(page, page.read_text("utf-8"))


def test_wrong_output_is_noticed() -> None:
    page = "```python\nprint(1)\n```\n\nso\n\n```text\n{}\n```\n"
    assert run_page(Path("page"), page.format("1")) == 1
    with pytest.raises(AssertionError):
        run_page(Path("page"), page.format("2"))
    with pytest.raises(AssertionError, match="more than"):
        run_page(Path("page"), page.format("1") + "```python\nprint(2)\n```\n")


# --- cuts -----------------------------------------------------------------------------------------------------------

STEPS = (
    "Weighted sum",
    "Activation",
    "Delta of the output layer",
    "Hidden delta",
    "Delta W",
    "Delta b",
    "Update",
    "Momentum",
    "Adam",
    "Softmax with cross-entropy",
)


@pytest.mark.without_jit
def test_side_by_side_has_every_step_in_every_backend() -> None:
    Cut = of_site("cuts").Cut
    _, *parts = re.split(r"^## (.*)$", (DOCS / "side-by-side.md").read_text("utf-8"), flags=re.MULTILINE)
    assert tuple(parts[::2]) == STEPS
    for step, part in zip(parts[::2], parts[1::2], strict=True):
        assert r"\underset{(" in part, f"{step}: no shapes"
        directives = re.findall(r"```\{beside\}\n(.*?)```", part, re.DOTALL)
        cuts = [Cut.of(line) for directive in directives for line in directive.splitlines()]
        assert {cut.heading for cut in cuts} == {"Reference", "NumPy", "Numba"}, step
        folders = {"Reference": "reference/", "NumPy": "fast/", "Numba": "fast/kernels/"}
        for cut in cuts:
            assert cut.path.startswith(folders[cut.heading]), cut
            assert cut.code(ROOT), cut


@pytest.mark.without_jit
def test_a_cut_that_drifts_is_an_error(tmp_path: Path) -> None:
    Cut = of_site("cuts").Cut
    (tmp_path / "a.py").write_text(
        'def f(x):\n    """Text."""\n    y = x\n    z = y  # type: ignore\n    z += 1\n    return z\n\n\n'
        "_a, _b = f(1), 2\n"
    )
    assert Cut.of("A | a.py | f").code(tmp_path) == "def f(x):\n    y = x\n    z = y\n    z += 1\n    return z"
    assert Cut.of("A | a.py | f | y = | z = y").code(tmp_path) == "y = x\nz = y"
    assert Cut.of("A | a.py | f | y =").code(tmp_path) == "y = x"
    assert Cut.of("A | a.py | _b").code(tmp_path) == "_a, _b = f(1), 2"
    for wrong in ("g", "f | w =", "f | z", "f | z += | y ="):
        with pytest.raises(ValueError, match=r"a\.py"):
            Cut.of(f"A | a.py | {wrong}").code(tmp_path)


# --- links ----------------------------------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: dict[str, int] = {}
    for title in re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    ):
        slug = re.sub(r"[^\w\- ]", "", title.lower().strip()).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    return {f"{slug}-{i}" if i else slug for slug, most in found.items() for i in range(most + 1)}


def links(text: str) -> list[str]:
    """The targets of a page's links and pictures, without code."""
    prose = re.sub(r"`[^`\n]*`", "", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))
    return re.findall(r"\]\(([^()\s]+)\)", prose)


@pytest.mark.without_jit
@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page.read_text("utf-8")):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{link}: no such file"
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), f"{link}: no such heading"


@pytest.mark.without_jit
def test_links_and_anchors_are_found() -> None:
    text = "# A `b`, c's\n\n## One\n\n## One\n\n[x](y.md#z) `[no](no.md)` ![p](p.png)\n\n```\n[no](no)\n# no\n```\n"
    assert anchors(text) == {"a-b-cs", "one", "one-1"}
    assert links(text) == ["y.md#z", "p.png"]


@pytest.mark.without_jit
def test_what_would_be_loaded_from_elsewhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text('<a href="https://a.b/">c</a><img src="d.png"><link rel="canonical" href="https://a.b/">')
    assert of_site("elsewhere").loaded_from_elsewhere(tmp_path) == []
    for tag in (
        '<script async src="https://a.b/c.js">',
        "<img alt='' src='//a.b/c.png'>",
        '<link href="https://a.b/c.css" rel="stylesheet">',
        "<style>@import 'https://a.b/c.css'</style>",
        "<style>p { background: url(https://a.b/c.png) }</style>",
    ):
        page.write_text(tag)
        assert len(of_site("elsewhere").loaded_from_elsewhere(tmp_path)) == 1, tag


# --- in a terminal --------------------------------------------------------------------------------------------------


@pytest.mark.without_jit
def test_samenet_docs_lists_the_pages_and_prints_them(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # pytest-xdist sets it
    assert main(["docs"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert {"start", "learn/node", "side-by-side", "know/glossary", "gallery"} <= set(listed)
    assert len(listed) == len([path for path in PAGES if path.is_relative_to(DOCS)])
    for name in listed:
        assert main(["docs", name]) == 0
        page = capsys.readouterr().out
        assert page.startswith("# "), name
        assert "toctree" not in page, name
        assert "<summary>" not in page, name
    for name in ("node", "learn/node.md"):
        assert main(["docs", name]) == 0
        assert capsys.readouterr().out.startswith("# A node\n")


@pytest.mark.without_jit
def test_samenet_docs_renders_for_a_terminal(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manual, "console", lambda: Console(force_terminal=True, width=60))
    assert main(["docs", "learn/backpropagation"]) == 0
    page = capsys.readouterr().out
    assert "\x1b[" in page
    assert "```" not in page
    assert r"\frac{\partial J}{\partial W_{ij}}" in page.replace("\n", "")


@pytest.mark.without_jit
@pytest.mark.parametrize("name", ["learn/nodes", "../x", "", "/etc/passwd", "[red]", "x" * 200])
def test_samenet_docs_refuses_other_names(name: str, capsys: Any) -> None:
    assert main(["docs", name]) == 2
    message = capsys.readouterr().err
    assert "page: expected one of those" in message
    assert "did you mean 'learn/node'?" in message or name != "learn/nodes"
    assert len(message) < 400


# --- completeness ---------------------------------------------------------------------------------------------------


@pytest.mark.without_jit
def test_every_public_name_is_in_the_api() -> None:
    text = "".join(path.read_text("utf-8") for path in (DOCS / "api").glob("*.md"))
    documented = set(re.findall(r"^\.\. auto\w+:: (\S+)$", text, re.MULTILINE))
    names = {name for name in documented if name.startswith("samenet.")}
    for name in set(samenet.__all__) - {"__version__"}:
        assert names & {f"samenet.{name}", f"samenet.{name}.{name}"}, f"{name} is not in docs/api"


@pytest.mark.without_jit
def test_every_graded_exercise_has_its_place_in_learn(capsys: Any) -> None:
    assert main(["exercises"]) == 0
    names = re.findall(r"^([\w-]+) +\*+ ", capsys.readouterr().out, re.MULTILINE)
    placed = re.findall(r"`([\w-]+)`", "".join(_TABLE.findall((DOCS / "learn" / "exercises.md").read_text("utf-8"))))
    assert sorted(names) == sorted(placed)


@pytest.mark.without_jit
def test_every_page_is_in_a_table_of_contents() -> None:
    listed = {DOCS / "index.md"}
    for page in DOCS.rglob("*.md"):
        for toctree in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            entries = re.findall(r"^(?!:)(?:.* <)?([\w./-]+)>?$", toctree, re.MULTILINE)
            listed |= {(page.parent / f"{entry}.md").resolve() for entry in entries}
    assert {page for page in PAGES if page.is_relative_to(DOCS)} <= listed
