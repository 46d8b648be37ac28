"""The mutation runner: which mutations it makes, and that it distinguishes killed from surviving mutants."""

import ast
import bisect
import itertools
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from children import HANGS

HARDENING = Path(__file__).parent / "hardening"
sys.path.append(str(HARDENING))

import changes  # noqa: E402
import mutants  # noqa: E402

CODE = '''"""Not 1 + 1."""
import math
SIZE: int = 3

@decorated(4)
class Thing:
    """Nor 2 - 2."""

    def total(self, rows: list[int], start: "1 + 1" = 5) -> int:
        """Nor this."""
        if not rows:
            raise ValueError(f"rows: expected {1 + 1}, got {len(rows)}")
        for row in rows:
            start += min(row, 7) * self.w[row:]
        return f(start, 1.5)
'''
AFTER = {
    "SIZE: int = 4",
    "SIZE: int = 2",
    'def total(self, rows: list[int], start: "1 + 1" = 6) -> int:',
    'def total(self, rows: list[int], start: "1 + 1" = 4) -> int:',
    "if (rows):",
    "pass",
    "for row in list(rows)[:1]:",
    "for row in list(rows)[:2]:",
    "for row in list(rows)[1:]:",
    "start = min(row, 7) * self.w[row:]",
    "start -= min(row, 7) * self.w[row:]",
    "start += (min(row, 7) / self.w[row:])",
    "start += max(row, 7) * self.w[row:]",
    "start += min(row, 8) * self.w[row:]",
    "start += min(row, 6) * self.w[row:]",
    "start += min(row, 7) * (self.w[:])",
    "return None",
    "return f(1.5, start)",
    "return f(start, 3.0)",
}


def test_which_mistakes_there_are(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(CODE)
    found = changes.changes(tmp_path, "code.py")
    assert {change.after for change in found} == AFTER
    assert len(found) == len(AFTER) + 1, "both the error and the sum are left out once"
    assert {change.function for change in found} == {"", "Thing", "Thing.total"}, (
        "what is given by default is the class's"
    )
    for change in found:
        text = change.applied(CODE)
        assert text != CODE
        assert change.after in text
        ast.parse(text)


@pytest.mark.compiled  # the same without the JIT
def test_all_code_can_have_mistakes() -> None:
    """The module-level statement that contains a mutation can be parsed by itself."""
    for folder in mutants.FOLDERS:
        for path in (mutants.ROOT / folder).rglob("*.py"):
            text, file = path.read_text(encoding="utf-8"), path.relative_to(mutants.ROOT).as_posix()
            lines = text.splitlines(keepends=True)
            ends = [statement.end_lineno or 0 for statement in ast.parse(text).body]
            places = [0, *itertools.accumulate(len("".join(lines[a:b])) for a, b in itertools.pairwise([0, *ends]))]
            for change in changes.changes(mutants.ROOT, file)[::29]:
                number = bisect.bisect_left(ends, change.lines[0])
                start, end = places[number], places[number + 1]
                assert start <= change.place[0] <= change.place[1] <= end
                ast.parse(change.applied(text)[start : end + len(change.new) - change.place[1] + change.place[0]])


def test_each_mistake_that_changes_nothing_says_why() -> None:
    known = tomllib.loads((HARDENING / "equivalents.toml").read_text(encoding="utf-8"))
    assert all(entry.keys() == {"file", "function", "before", "after", "reason"} for entry in known["equivalent"])
    assert all(entry.keys() == {"file", "before", "after", "reason"} for entry in known["kind"])
    assert all(any(mutants.ROOT.glob(e["file"])) and len(e["reason"]) > 10 for part in known.values() for e in part)


@pytest.mark.parametrize(
    ("after", "of_a_kind"),
    [("if (size >= r.most):", True), ("if (size < r.most):", False), ("if (size >= r.most + 1):", False)],
)
def test_a_kind_is_one_text_for_another_and_nothing_else(after: str, of_a_kind: bool) -> None:
    kind = {"file": "a/*.py", "before": "> r.most", "after": ">= r.most", "reason": ""}
    known = {"equivalent": [], "kind": [kind]}
    change = changes.Change("a/b.py", "f", (1, 1), (0, 0), "if size > r.most:", after, "")
    assert mutants.is_equivalent(change, known) is of_a_kind
    assert not mutants.is_equivalent(replace(change, file="b/b.py"), known)
    assert mutants.outdated(known, [change]) == ([] if of_a_kind else [kind])


@pytest.mark.compiled  # the same without the JIT
def test_mistakes_are_noticed_in_a_copy(tmp_path: Path) -> None:
    tree = mutants.Tree(tmp_path)
    tests = SimpleNamespace(of=lambda change, budget: [["tests/test_golden.py::test_worked_step[reference]"]])
    copied = tree.root / "reference" / "sigmoid.py"
    text = copied.read_text(encoding="utf-8")
    for after, lives in (("(1.0 * (1.0 + math.exp(-z)))", ""), ("_OVERFLOW = -1418.0", "without the JIT")):
        change = next(c for c in changes.changes(mutants.ROOT, "reference/sigmoid.py") if after in c.after)
        assert mutants.survives(change, tree, tests, None, 60.0, HANGS) == lives
        assert copied.read_text(encoding="utf-8") == text
    assert (mutants.ROOT / "reference" / "sigmoid.py").read_text(encoding="utf-8") == text
    never_run = SimpleNamespace(of=lambda change, budget: [])
    assert mutants.survives(change, tree, never_run, None, 60.0, HANGS) == "no test runs it"
