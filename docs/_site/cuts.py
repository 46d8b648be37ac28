"""Code of several backends beside each other, cut from the sources by name, so that a page cannot differ from them.

    ```{beside}
    Reference | reference/costs.py | cross_entropy_delta
    NumPy | fast/numpy.py | fast_predict | h = h.dot(WT) | h += b
    ```

A line has a column's heading, a file, and a function or another top-level name; then, to show only a part, the
beginnings of its first and last lines. Each must be the beginning of exactly one line, the last after the first.
Docstrings are left out.
"""

import ast
import textwrap
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Cut(NamedTuple):
    """One line of the directive."""

    heading: str
    path: str
    name: str
    first: str = ""
    last: str = ""

    @classmethod
    def of(cls, line: str) -> "Cut":
        """Parse one line."""
        return cls(*(part.strip() for part in line.split(" | ")))

    def code(self, root: Path = ROOT) -> str:
        """The lines, without their common indent; raises ValueError unless they are found exactly once."""
        lines = _definition((root / self.path).read_text("utf-8"), self.name, self.path)
        if self.first:
            start = self._only(lines, self.first)
            lines = lines[start:]
            lines = lines[: self._only(lines, self.last or self.first) + 1]
        lines = [line.split("  # type: ")[0] for line in lines]
        return textwrap.dedent("\n".join(lines)).strip("\n")

    def _only(self, lines: list[str], beginning: str) -> int:
        found = [i for i, line in enumerate(lines) if line.strip().startswith(beginning)]
        if len(found) != 1:
            raise ValueError(f"{self.path}, {self.name}: {len(found)} lines begin with {beginning!r}, expected one")
        return found[0]


def _definition(source: str, name: str, path: str) -> list[str]:
    """The lines that define a top-level name of a module, without its docstring."""
    lines = source.split("\n")
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        names = {leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)}
        if getattr(node, "name", None) != name and name not in names:
            continue
        assert node.end_lineno is not None
        kept = set(range(node.lineno - 1, node.end_lineno))
        body = getattr(node, "body", None)
        if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            kept -= set(range(body[0].lineno - 1, body[0].end_lineno or 0))
        return [lines[i] for i in sorted(kept)]
    raise ValueError(f"{path}: it defines no {name}")
