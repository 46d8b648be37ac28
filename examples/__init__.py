"""The tutorials' experiments, one short script each: `samenet examples` lists and runs them.

An example is a module here with

    SHOWS = "what it shows, in a line"
    IDS = ("A01", "A02")    # the experiments it repeats, numbered as in docs/sources.md, or none
    SEED = 0                # the tutorial's, or the one its known numbers belong to; default: 0
    NAME = "11-lines"       # on the command line; default: the module's name with dashes

    def run(settings: Settings) -> Report: ...
    def draw(report: Report, figure: Figure) -> None: ...   # only if there is a figure

    if __name__ == "__main__":   # `python examples/eleven_lines.py` is `samenet examples 11-lines`
        run_as_script(__file__)

`run` creates its networks with `settings.network(...)`, draws random numbers from `settings.stream()`, is short if
`settings.quick`, and stores the data for `draw` in `report.curves`. `draw` adds its axes to the given figure.
"""

import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from samenet.examples.picture import Picture
from samenet.examples.report import Report, Settings
from samenet.validation import checks

_NO_EXAMPLES = {"__main__", "gallery", "notebooks", "picture", "report"}


@dataclass(frozen=True)
class Example:
    """An example: its name, the experiments it repeats, a line on what it shows, and its default seed."""

    name: str
    ids: tuple[str, ...]
    shows: str
    seed: int
    module: ModuleType

    def about(self) -> dict[str, Any]:
        """Its name, ids and line, for JSON."""
        return {"name": self.name, "ids": list(self.ids), "shows": self.shows}

    def run(
        self, backend: str = "numba", quick: bool = False, seed: int | None = None, *, moved: bool = False
    ) -> Report:
        """Run it. `seed` is from 0 to 2**32 - 1, by default the example's own; `moved`: see `Settings`."""
        seed = self.seed if seed is None else checks.integer("seed", seed, least=0)
        if seed >= 2**32:
            raise ValueError(f"seed: expected an integer of at most {2**32 - 1}, got {seed}")
        report: Report = self.module.run(Settings(backend, quick, seed, moved))
        return report

    @property
    def has_figure(self) -> bool:
        """Whether it has a figure."""
        return hasattr(self.module, "draw")

    def draw(self, report: Report, path: Path) -> None:
        """Draw the results of `run` into a file: png, svg or pdf, by its suffix. Needs matplotlib."""
        self.picture(report).save(path)

    def picture(self, report: Report) -> Picture:
        """The figure of the results of `run`, which Jupyter shows."""
        return Picture(self.module.draw, report)


def examples() -> dict[str, Example]:
    """All examples by name, in the order of the tutorials."""
    found = []
    for entry in pkgutil.iter_modules(__path__):
        if entry.name not in _NO_EXAMPLES:
            module = importlib.import_module(f"{__name__}.{entry.name}")
            name = getattr(module, "NAME", entry.name.replace("_", "-"))
            found.append(Example(name, module.IDS, module.SHOWS, getattr(module, "SEED", 0), module))
    return {example.name: example for example in sorted(found, key=lambda example: example.ids or ("later",))}


def find(name: str) -> Example:
    """The example with this name. Raises ValueError for an unknown name, suggesting the nearest."""
    known = examples()
    others = {example.module.__name__.rpartition(".")[2]: example.name for example in known.values()}
    others |= {number: example.name for example in known.values() for number in example.ids}
    return known[checks.choice("name", name, known, others)]
