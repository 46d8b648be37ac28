"""`python -m benchmarks report`: write text and figures about the newest measurements, or about those in a folder."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks import ROOT, measure
from benchmarks.report import estimators, figures, page, peers, techniques, text
from benchmarks.report.model import Outcome, Record, newest
from samenet.output import files

COMPARE, PEERS, TECHNIQUES, ESTIMATORS = (
    tuple(f"<!-- {name}: {end} -->" for end in ("begin", "end"))
    for name in ("compare", "peers", "techniques", "estimators")
)


def with_region(whole: str, part: str, marks: tuple[str, str] = COMPARE) -> str:
    """A page with the text between two markers replaced."""
    begin, end = marks
    if whole.count(begin) != 1 or whole.count(end) != 1:
        raise ValueError(f"the page must have one {begin} and one {end}")
    return re.sub(f"{re.escape(begin)}.*{re.escape(end)}", lambda _: f"{begin}\n{part}{end}", whole, flags=re.DOTALL)


def texts(record: Record, root: Path) -> dict[Path, str]:
    """Every text of the report, by its file."""
    readme, speed = root / "README.md", root / "docs" / "speed.md"
    gains = newest(root / "results", "techniques.json")
    found, scores = {}, newest(root / "results", "estimators.json")
    fitted = root / "docs" / "estimators.md"
    if scores is not None and fitted.exists():
        part = f"\n{estimators.in_short(estimators.read(scores))}\n"
        found[fitted] = with_region(fitted.read_text(encoding="utf-8"), part, ESTIMATORS)
    if gains is not None and speed.exists():
        part = f"\n{techniques.in_short(gains)}\n"
        found[speed] = with_region(speed.read_text(encoding="utf-8"), part, TECHNIQUES)
    front = with_region(readme.read_text(encoding="utf-8"), text.region(record))
    compared = newest(root / "results", "peers.json")
    if compared is not None and PEERS[0] in front:
        front = with_region(front, f"\n{peers.in_short(Outcome.read(compared))}\n\n", PEERS)
    return found | {
        record.folder / "tables.md": text.markdown_tables(record),
        record.folder.parent / "README.md": text.report(record),
        readme: front,
    }


def main(given: Sequence[str]) -> int:
    """Write the report, or the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks report", description=measure.about(__doc__))
    parser.add_argument(
        "folder", type=Path, nargs="?", help="folder with comparison.json (default: the newest in results/)"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="where README.md and results/ are")
    parser.add_argument(
        "--page", type=Path, metavar="FOLDER", help="write FOLDER/index.html, one page for a browser, and nothing else"
    )
    options = parser.parse_args(given)
    results = options.root / "results"
    folder = options.folder or newest(results)
    if folder is None or not (folder / "comparison.json").exists():
        parser.error(f"no comparison.json in {folder or f'{results}/*'}; measure first: {text.MEASURE}")
    record = Record.read(folder.resolve())
    if options.page:
        files.writable_or_exit(parser, options.page, "index.html")
        print(page.write(record, results / "asv", options.page))
        return 0
    for path, made in texts(record, options.root).items():
        files.write_text(path, made)
        print(path)
    for path in figures.draw(record, text.selected(record.cases)):
        print(path)
    return 0
