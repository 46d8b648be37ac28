"""Notebooks for Jupyter, of an example or of a tutorial: `samenet examples NAME --notebook`.

An example's notebook has its description, its source in editable cells, and a cell that runs it. A tutorial's notebook
is its page in docs/notebooks, where each ```python block is a cell, and the ```text block after it is its output;
Jupytext can read these pages, too. Files have the notebook format of `nbformat`, version 4.5.
"""

import ast
import json
import re
from pathlib import Path
from typing import Any

import samenet
from samenet.examples import Example
from samenet.examples.report import run_as_script
from samenet.output import files, manual

Cell = dict[str, Any]

_FOLDER = "notebooks/"
_HEADER = re.compile(r"\A---\n.*?^---\n", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_IMAGE = re.compile(r"^!\[[^\]]*\]\([^)]*\)\n", re.MULTILINE)  # a cell draws the image
_LINK = re.compile(r"\[([^\]]*)\]\((?!\w+:)[^)]*\)")  # links to pages that a notebook does not have


def tutorials() -> list[str]:
    """The names of the notebooks from pages: those of the five tutorials, and others."""
    return [name.removeprefix(_FOLDER) for name in manual.pages() if name.startswith(_FOLDER)]


def of_tutorial(name: str) -> dict[str, Any]:
    """The notebook of a page of docs/notebooks."""
    page = _HEADER.sub("", manual.pages()[_FOLDER + name].read_text("utf-8"))
    cells: list[Cell] = []
    end = 0
    for fence in _FENCE.finditer(page):
        cells += _markdown(_LINK.sub(r"\1", _IMAGE.sub("", page[end : fence.start()])))
        end = fence.end()
        if fence[1] == "python":
            cells += _code(fence[2])
        else:
            cells[-1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": fence[2]}]
    return _notebook([*cells, *_markdown(_LINK.sub(r"\1", _IMAGE.sub("", page[end:])))])


def of_example(example: Example, backend: str, quick: bool, seed: int) -> dict[str, Any]:
    """The notebook of an example, to run with these settings."""
    source = Path(str(example.module.__file__)).read_text("utf-8")
    experiments = f"Experiments {', '.join(example.ids)}. " if example.ids else ""
    doc = str(example.module.__doc__).strip()
    shows = example.shows[0].upper() + example.shows[1:]
    cells = _markdown(f"# {example.name}\n\n{shows}.\n\n{doc}\n\n{experiments}{_read_at(doc)}")
    cells += [cell for part in _parts(source) for cell in _code(part)]
    settings = f"Settings(backend={backend!r}, quick={quick}, seed={seed})"
    cells += _markdown(
        "## What it finds\n\nChange the settings, or anything above, and run it again. Beside each number found here "
        "stands the tutorial's, where it has one; below the table, what to make of the difference."
    )
    cells += _code(f"report = run({settings})\nreport")
    if example.has_figure:
        cells += _code("from samenet.examples.picture import Picture\n\nPicture(draw, report)")
    file = f"examples/{Path(str(example.module.__file__)).name}"
    return _notebook([*cells, *_markdown(f"This is `{file}` of samenet {samenet.__version__}.")])


def write(path: Path, notebook: dict[str, Any]) -> None:
    """Write a notebook."""
    files.write_text(path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


def _read_at(text: str) -> str:
    """A line with links to the tutorials that a text mentions."""
    sources = manual.pages()["sources"].read_text("utf-8")
    found = []
    for number, title, _, url in re.findall(
        r"^\| (\d{3}) \| (.*?) \| (.*?) \| .*\]\((.*?)\) \|$", sources, re.MULTILINE
    ):
        if f"utorial {number}" in text:
            found.append(f"[{title}]({url})")
    return f"Read the tutorial at {' and '.join(found)}." if found else ""


def _parts(source: str) -> list[str]:
    """A module's source without its docstring and its script part: the code before the functions, and each function."""
    lines, parts, begin = source.split("\n"), [""], 0
    for node in ast.parse(source).body:
        end = int(node.end_lineno or 0)
        text = "\n".join(lines[begin:end])
        begin = end
        as_script = isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)
        if isinstance(node, ast.Expr) or as_script:
            continue
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            parts += [text, ""]
        else:
            parts[-1] += text + "\n"
    return [part.replace(", run_as_script", "") for part in parts if part.strip()]


def _markdown(text: str) -> list[Cell]:
    text = text.strip()
    return [{"cell_type": "markdown", "metadata": {}, "source": text}] if text else []


def _code(source: str) -> list[Cell]:
    cell: Cell = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": source.strip("\n"),
    }
    return [cell]


def _notebook(cells: list[Cell]) -> dict[str, Any]:
    for i, cell in enumerate(cells, 1):
        cell["id"] = f"cell-{i}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


if __name__ == "__main__":
    run_as_script(__file__)
