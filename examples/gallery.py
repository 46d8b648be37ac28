"""The gallery: every example run, its table and its figure on one page.

`samenet examples --gallery FOLDER` writes FOLDER/README.md, and a picture beside it for every example that draws one.
"""

import time
from pathlib import Path

from samenet import files
from samenet.examples import Example, examples
from samenet.examples.report import Report
from samenet.figures import load_matplotlib

_HEAD = """# What the examples find

Each example repeats experiments of the tutorials, with the tutorial's numbers beside those found here.
`samenet examples NAME` runs one, `make examples` runs all and writes this page.
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def section(example: Example, report: Report) -> str:
    """An example's part of the page, in Markdown."""
    lines = [f"## {example.name}", "", f"{example.shows} ({', '.join(example.ids)})", ""]
    lines += ["| | tutorial | here |", "| --- | --- | --- |"]
    lines += ["| " + " | ".join(map(_cell, row.cells())) + " |" for row in report.rows]
    for note in report.notes:
        lines += ["", note]
    if example.has_figure:
        lines += ["", f"![{example.shows}]({example.name}.png)"]
    return "\n".join(lines) + "\n"


def write(folder: Path, backend: str = "numba", quick: bool = False) -> None:
    """Run every example and write the page, README.md, and its pictures into a folder."""
    load_matplotlib()  # so that a missing one is said before the waiting
    folder.mkdir(parents=True, exist_ok=True)
    sections = []
    for example in examples().values():
        begin = time.perf_counter()
        report = example.run(backend, quick)
        sections.append(section(example, report))
        if example.has_figure:
            example.draw(report, folder / f"{example.name}.png")
        print(f"{example.name}: {time.perf_counter() - begin:.1f} s")
    files.write_text(folder / "README.md", "\n".join([_HEAD, *sections]))
