"""`samenet docs`: the pages of the documentation, which are installed with the package, in a terminal.

The same pages are the site that `make docs` builds from the repository.
"""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable

from rich.markdown import Markdown

from samenet.output.console import console
from samenet.validation import checks
from samenet.validation.names import nearest

_HIDDEN = re.compile(
    r"\A---\n.*?^---\n+|"  # Jupytext's header
    r"^```\{toctree\}\n.*?^```\n|"  # only for the site
    r"^</?details>\n|^<summary>(?=.*</summary>$)|</summary>$|"
    r"^<!-- .*? -->\n",
    re.MULTILINE | re.DOTALL,
)
_DIRECTIVE = re.compile(r"^```\{([\w-]+)\}(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pages() -> dict[str, Traversable]:
    """All pages by name, such as "learn/node"; "learn" is the first page of that section."""
    found: dict[str, Traversable] = {}
    root = files("samenet.docs")
    for entry in sorted(root.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".md"):
            found[entry.name.removesuffix(".md")] = entry
        elif entry.is_dir():
            for page in sorted(entry.iterdir(), key=lambda page: page.name):
                if page.name.endswith(".md"):
                    name = page.name.removesuffix(".md")
                    found[entry.name if name in ("index", "README") else f"{entry.name}/{name}"] = page
    return found


def text(page: Traversable) -> str:
    """A page as plain Markdown: parts that only the site can show are named, and equations are lines of LaTeX."""
    plain = _HIDDEN.sub("", page.read_text("utf-8"))
    plain = re.sub(r"\$\$.*?\$\$", lambda match: " ".join(match[0].split()), plain, flags=re.DOTALL)
    return _DIRECTIVE.sub(lambda match: f"*(on the site: {match[1]})*", plain)


def find(name: str) -> Traversable:
    """The page with this name, or with this last part of its name; raises ValueError for an unknown name."""
    known = pages()
    wanted = name.removesuffix(".md").removesuffix("/index")
    for page, file in known.items():
        if wanted in (page, page.rpartition("/")[2]):
            return file
    near = nearest(name, tuple(known))
    hint = f"; did you mean {near!r}?" if near else ""
    raise ValueError(f"page: expected one of those that `samenet docs` lists, got {checks.short(name)}{hint}")


def show(name: str | None) -> int:
    """Print a page, or the list of pages; in a pipe or a file, a page is Markdown."""
    out = console()
    if name is not None:
        page = text(find(name))
        out.print(Markdown(page) if out.is_terminal else page, markup=False, soft_wrap=not out.is_terminal)
        return 0
    known = pages()
    for page, file in known.items():
        title = re.search(r"^# (.*)$", file.read_text("utf-8"), re.MULTILINE)
        out.print(f"[bold]{page:{max(map(len, known))}}[/]  {title[1] if title else ''}")
    return 0
