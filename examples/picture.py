"""The figure of an example: in Jupyter, an image below its cell; else a file."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from samenet.examples.report import Report, run_as_script
from samenet.output import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Picture:
    """The figure that an example's `draw` makes from the report of its `run`. Needs matplotlib."""

    def __init__(self, draw: Callable[[Report, "Figure"], None], report: Report) -> None:
        self._draw, self._report = draw, report

    def figure(self) -> "Figure":
        """A new figure of matplotlib."""
        figure = figures.load_matplotlib().figure.Figure(figsize=(8, 5), dpi=80, layout="constrained")
        self._draw(self._report, figure)
        return cast("Figure", figure)

    def save(self, path: Path) -> None:
        """Write it as png, svg or pdf, by the file's suffix."""
        figures.save(self.figure(), path)

    def _repr_png_(self) -> bytes:
        """For Jupyter."""
        image = io.BytesIO()
        self.figure().savefig(image, format="png")
        return image.getvalue()


if __name__ == "__main__":
    run_as_script(__file__)
