"""Linked pages that are in no table of contents: source files, README, and the tables behind the results."""

import re
from collections.abc import Iterable
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.parsers import Parser

_UNLISTED = re.compile(r"README|results/[^/]+/.*")


_TO_SOURCE = re.compile(r"\]\(([\w./-]+\.py)(?:#[^)]*)?\)")
_CUT = re.compile(r"^\w+ \| ([\w/]+\.py) \| ", re.MULTILINE)


def linked(root: Path, pages: Iterable[Path]) -> list[str]:
    """The source files that pages link to or quote, as paths from the root."""
    found = set()
    for page in pages:
        text = page.read_text("utf-8")
        found |= {(page.parent / path).resolve() for path in _TO_SOURCE.findall(text)}
        found |= {(root / path).resolve() for path in _CUT.findall(text)}
    return sorted(path.relative_to(root).as_posix() for path in found if path.is_relative_to(root))


class SourceParser(Parser):
    """A source file as a page: its path as the title, then the file."""

    supported = ("python",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Fill the page."""
        env = document.settings.env
        path = f"{env.docname}.py"
        section = nodes.section(ids=["source"])
        section += nodes.title(path, path)
        section += nodes.literal_block(inputstring, inputstring, language="python", linenos=True)
        document += section
        env.metadata[env.docname].update(orphan=True, nosearch=True)  # a search finds prose


def _leave_out(app: Sphinx, doctree: nodes.document) -> None:
    if _UNLISTED.fullmatch(app.env.docname):
        app.env.metadata[app.env.docname].update(orphan=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the parser for `.py`, the name used by `source_suffix`."""
    app.add_source_parser(SourceParser)
    app.connect("doctree-read", _leave_out)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
