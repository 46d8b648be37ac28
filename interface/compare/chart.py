"""The chart of a comparison. Importing this module raises ImportError if matplotlib is missing."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from samenet.output import figures

figures.load_matplotlib()

from samenet.study import plot  # noqa: E402

if TYPE_CHECKING:
    from samenet.compare.measurement import Result


def bars(results: Sequence["Result"], path: Path) -> None:
    """A bar for every contender's median time, on a logarithmic axis, case by case; written to `path`."""
    cases = {r.title: {row.name: None if row.seconds is None else row.median for row in r.rows} for r in results}
    axes = plot.times(cases)
    axes.set_xlabel("median seconds, logarithmic; shorter is better")
    figure = axes.get_figure(root=True)
    assert figure is not None
    figures.save(figure, path, dpi=110)
