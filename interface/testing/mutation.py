"""Backends with one known mistake: the NumPy backend's own source with a fragment replaced.

They show which mistakes the suite catches, and identify mistakes: a backend that gives exactly the same answers as such
a mutant most likely makes the same mistake.
"""

import ast
import functools
import importlib
import inspect
import itertools
import re
import sys
import threading
from dataclasses import dataclass
from types import CodeType, ModuleType
from typing import Any

MODULES = (
    *(f"samenet.fast.{name}" for name in ("pages", "sample_weight", "functions", "steps", "masks", "sampler")),
    *(f"samenet.fast.{name}" for name in ("normalization", "arrays", "array_backend", "numpy")),
)
_lock = threading.Lock()


@dataclass(frozen=True)
class Mutant:
    """A mistake, made by replacing `old`, which occurs exactly once in the sources of the backend, by `new`.

    A whole expression or statement is found regardless of its formatting; a part of one, regardless of spaces and line
    breaks.

    part     the part of the suite that must catch it, see `samenet.testing.parts`
    mistake  the hint for someone who makes this mistake
    others   more replacements, if one is not enough
    """

    name: str
    old: str
    new: str
    part: str = ""
    mistake: str = ""
    others: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.name.replace(" ", "_")

    def applied(self, texts: dict[str, str]) -> dict[str, str]:
        """The sources with the mistake. Raises ValueError for a fragment that does not occur exactly once."""
        for old, new in ((self.old, self.new), *self.others):
            texts = replaced(old, new, texts)
        return texts


def _shape(node: ast.AST) -> str:
    """The content of a node, without its position, line breaks and brackets."""
    return ast.dump(node.value if isinstance(node, ast.Expr) else node)


@functools.cache
def _places(text: str) -> dict[str, list[tuple[int, int]]]:
    """The start and the end of each expression and each statement of a module."""
    starts = list(itertools.accumulate(map(len, text.splitlines(keepends=True)), initial=0))
    assert text.isascii(), "columns are bytes"
    found: dict[str, list[tuple[int, int]]] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.expr | ast.stmt) and not isinstance(node, ast.Expr):
            end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
            found.setdefault(_shape(node), []).append((starts[node.lineno - 1] + node.col_offset, end))
    return found


@functools.cache
def _fragment(old: str) -> str | None:
    """The content of a fragment; None for a part of an expression, and for several statements."""
    try:
        (node,) = ast.parse(old).body
    except (SyntaxError, ValueError):
        return None
    return _shape(node)


@functools.cache
def _pattern(old: str) -> re.Pattern[str]:
    """A fragment's words and signs, with any spaces and line breaks between them."""
    core = old.strip()
    before, _, after = old.partition(core)
    words = r"\s*".join(map(re.escape, re.findall(r"\w+|[^\w\s]", core)))
    return re.compile(re.escape(before) + words + re.escape(after))


def places_of(old: str, text: str) -> list[tuple[int, int]]:
    """The positions of a mutant's fragment in a module."""
    shape = _fragment(old)
    found = _places(text).get(shape, []) if shape else []
    return found or [found.span() for found in _pattern(old).finditer(text)]


def replaced(old: str, new: str, texts: dict[str, str]) -> dict[str, str]:
    """The sources with a fragment replaced. Raises ValueError if it does not occur exactly once in all of them."""
    found = [(name, *place) for name, text in texts.items() for place in places_of(old, text)]
    if len(found) != 1:
        raise ValueError(f"{old!r} is {len(found)} times in the source, not once")
    ((name, start, end),) = found
    return texts | {name: texts[name][:start] + new + texts[name][end:]}


@functools.cache  # most modules are the same in every mutant
def code(text: str, file: str) -> CodeType:
    """The compiled source of a module."""
    return compile(text, file, "exec")


@functools.cache
def sources() -> dict[str, str]:
    """The text of each module of the NumPy backend."""
    return {name: inspect.getsource(importlib.import_module(name)) for name in MODULES}


@functools.lru_cache(256)
def mutated(mutant: Mutant | None) -> ModuleType:
    """The NumPy backend with a mistake, or unchanged, as separate modules that nothing else uses."""
    texts, package = sources(), "samenet_mutated"
    texts = {name: texts[name].replace("samenet.fast", package) for name in MODULES}
    texts = texts if mutant is None else mutant.applied(texts)
    with _lock:
        try:
            for original, text in texts.items():
                name = original.replace("samenet.fast", package)
                module = sys.modules[name] = ModuleType(name)
                exec(code(text, name), module.__dict__)
        finally:
            loaded: list[Any] = [sys.modules.pop(name.replace("samenet.fast", package), None) for name in MODULES]
    return loaded[-1]  # type: ignore[no-any-return]
