"""Docstrings are plain text, with tables and equations set by spaces; Sphinx wants reStructuredText."""

import re

from sphinx.application import Sphinx

_MARKS = re.compile(r"([\\*|_])")


def _is_set_by_spaces(lines: list[str]) -> bool:
    """Whether lines are a table, an equation or a session, which lose their sense if they are wrapped."""
    return any(
        line.startswith((" ", ">>>", "===")) or re.search(r"\S {2,}\S", line.replace(".  ", ". ")) for line in lines
    )


def _paragraph(lines: list[str]) -> list[str]:
    """Names in backticks become literals, and all else is what it is."""
    parts = re.split(r"`([^`]+)`", "\n".join(lines))
    text = "".join(f"``{part}``" if odd % 2 else _MARKS.sub(r"\\\1", part) for odd, part in enumerate(parts))
    return [*text.split("\n"), ""]


def restructured(lines: list[str]) -> list[str]:
    """The same docstring: paragraphs as they are, and what is set by spaces in literal blocks."""
    out: list[str] = []
    for block in re.split(r"\n(?:[ ]*\n)+", "\n".join(lines).strip("\n")):
        part = block.split("\n")
        if _is_set_by_spaces(part):
            out += ["::", "", *(f"    {line}" for line in part), ""]
        else:
            out += _paragraph(part)
    return out


def _process(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    text = lines
    if str(getattr(obj, "__module__", "")).startswith("sklearn"):  # inherited: the first sentence, without its links
        first = "\n".join(lines).split("\n\n")[0]
        text = re.sub(r":\w+:`([^`<]+?)\s*(?:<[^>]*>)?`", r"\1", first).split("\n")
    lines[:] = restructured(text)


def setup(app: Sphinx) -> dict[str, bool]:
    """Translate each docstring."""
    app.connect("autodoc-process-docstring", _process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
