"""The README's Python runs as printed."""

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).resolve().parent.parent / "README.md"


def blocks(text: str) -> list[tuple[int, str]]:
    """The ```python blocks of a page, each with the number of its first line."""
    found = re.finditer(r"^( *)```python *\n(.*?)^ *``` *$", text, re.MULTILINE | re.DOTALL)
    return [(text[: match.start(2)].count("\n") + 1, textwrap.dedent(match.group(2))) for match in found]


@pytest.mark.compiled  # it trains on the digits
def test_the_readme_runs_from_top_to_bottom(capsys: Any, tmp_path: Any, monkeypatch: Any) -> None:
    page = blocks(README.read_text("utf-8"))
    assert page, "no ```python block in README.md"
    monkeypatch.chdir(tmp_path)  # what it writes, it writes there
    namespace: dict[str, Any] = {"__name__": "readme"}
    for line, source in page:
        # Blank lines before it, so that a traceback shows the line of the page.
        exec(compile("\n" * (line - 1) + source, str(README), "exec"), namespace)


def test_blocks_are_found() -> None:
    text = "a\n\n```python\nx = 1\n```\n\n```bash\nls\n```\n\n  ```python\n  y = x\n  ```\n"
    assert blocks(text) == [(4, "x = 1\n"), (12, "y = x\n")]
