"""Docstrings and signatures as they are in the source: plain text with tables and equations; types by name.

Sphinx expects reStructuredText, and would expand type aliases, which for NumPy's takes half a page.
"""

import ast
import inspect
import re
import textwrap
from typing import Any

from sphinx.application import Sphinx

_MARKS = re.compile(r"([\\*|_])")
_ROW = re.compile(r"(\S(?:.*?\S)?) {2,}(\S.*)")


def _is_set_by_spaces(lines: list[str]) -> bool:
    """Whether lines are a table, an equation or a console session, which must not be wrapped."""
    return any(line.startswith((" ", ">>>", "===")) or _ROW.match(line.replace(".  ", ". ")) for line in lines)


def _paragraph(text: str) -> str:
    """Turn names in backticks into literals; keep everything else."""
    parts = enumerate(re.split(r"`([^`]+)`", text))
    return "".join(f"``{part}``" if odd % 2 else _MARKS.sub(r"\\\1", part) for odd, part in parts)


def _definitions(lines: list[str]) -> list[tuple[str, str]] | None:
    """The rows of a list of arguments (a name, spaces, and a description on one or more lines), or None."""
    rows: list[tuple[str, str]] = []
    for line in lines:
        if line.startswith("    ") and rows:
            rows[-1] = rows[-1][0], f"{rows[-1][1]} {line.strip()}"
        elif (row := _ROW.fullmatch(line)) and re.fullmatch(r"[\w, ]+", row[1]):
            rows.append((row[1], row[2]))
        else:
            return None
    return rows


def restructured(lines: list[str]) -> list[str]:
    """A docstring as reStructuredText: lists of arguments, preformatted blocks, and paragraphs."""
    out: list[str] = []
    for block in re.split(r"\n(?:[ ]*\n)+", "\n".join(lines).strip("\n")):
        part = block.split("\n")
        if not _is_set_by_spaces(part):
            out += [*_paragraph(block).split("\n"), ""]
        elif rows := _definitions(part):
            for name, text in rows:
                out += [f"``{name}``", f"    {_paragraph(text)}"]
            out.append("")
        else:
            directive = "::" if block.startswith(">>>") else ".. code-block:: none"
            out += [directive, "", *(f"    {line}" for line in part), ""]
    return out


def signature(function: Any) -> tuple[str, str] | None:
    """The arguments without `self`, and the return type, as in the source; None if there is no source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError):
        return None
    if not isinstance(tree, ast.FunctionDef):
        return None
    arguments = tree.args
    if arguments.args and arguments.args[0].arg in ("self", "cls"):
        arguments.args.pop(0)
    return f"({ast.unparse(arguments)})", ast.unparse(tree.returns) if tree.returns else ""


def _docstring(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    text = lines
    if str(getattr(obj, "__module__", "")).startswith("sklearn"):  # inherited: only the first sentence, without links
        first = "\n".join(lines).split("\n\n")[0]
        text = re.sub(r":\w+:`([^`<]+?)\s*(?:<[^>]*>)?`", r"\1", first).split("\n")
    lines[:] = restructured(text)


def _signature(
    app: Sphinx, what: str, name: str, obj: Any, options: object, given: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    is_class = what in ("class", "exception")
    found = signature(obj.__init__ if is_class else obj)
    if found is None:
        return given, returned
    return found[0], None if is_class else found[1] or None


def setup(app: Sphinx) -> dict[str, bool]:
    """Convert each docstring, and take each signature from the source."""
    app.connect("autodoc-process-docstring", _docstring)
    app.connect("autodoc-process-signature", _signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
