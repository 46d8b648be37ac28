"""The gallery: the table and the figure of every example on one page.

`samenet examples --gallery FOLDER` writes FOLDER/README.md, and an image for every example with a figure.
"""

import time
from pathlib import Path

from samenet.examples import Example, examples
from samenet.examples.report import Report, run_as_script
from samenet.output import files
from samenet.output.figures import load_matplotlib

_HEAD = """# What the examples find

Each example repeats experiments from the tutorials, and compares the tutorial's numbers with ours.
`samenet examples NAME` runs one; `make examples` runs them all and writes this page.

Each example was run twice, the second time with every initial weight of the last layer perturbed by one unit in the
last place (ulp). A number that then differs by more than one part in a million is marked with `*`, and both values are
shown. Such a number is chaotic: it depends on how sums are rounded, and differs between versions, backends and
processors.

Numbers have at most six significant digits, or more where the digits themselves are compared; `--json` prints all
digits. Times are those of the day and the machine that stand below them; [the results](../../results/README.md) have
those of the current version.
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def section(example: Example, report: Report) -> str:
    """An example's part of the page, in Markdown."""
    ids = f" ({', '.join(example.ids)})" if example.ids else ""
    headings, cells = report.table()
    source = f"{example.module.__name__.rpartition('.')[2]}.py"
    lines = [f"## {example.name}", "", f"{example.shows}{ids}: [{source}](../../examples/{source})", ""]
    lines += ["| " + " | ".join(headings).strip() + " |", "| " + " | ".join(["---"] * len(headings)) + " |"]
    lines += ["| " + " | ".join(map(_cell, line)) + " |" for line in cells]
    for note in report.notes:
        lines += ["", note]
    if example.has_figure:
        lines += ["", f"![{example.shows}]({example.name}.png)"]
    return "\n".join(lines) + "\n"


def write(folder: Path, backend: str = "numba", quick: bool = False) -> None:
    """Run every example and write the page, README.md, and its images into a folder."""
    load_matplotlib()  # so that an import error comes before the wait
    known = examples().values()
    files.check_writable_folder(folder, ("README.md", *(f"{e.name}.png" for e in known if e.has_figure)))
    sections = []
    for example in known:
        begin = time.perf_counter()
        report = example.run(backend, quick)
        report.beside(example.run(backend, quick, moved=True))
        sections.append(section(example, report))
        if example.has_figure:
            example.draw(report, folder / f"{example.name}.png")
        print(f"{example.name}: {time.perf_counter() - begin:.1f} s")
    files.write_text(folder / "README.md", "\n".join([_HEAD, *sections]))


if __name__ == "__main__":
    run_as_script(__file__)
