"""Charts of a comparison. Importing this module raises ImportError where matplotlib is missing."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from samenet.compare.cases import LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS
from samenet.output import figures
from samenet.output.formats import duration

figures.load_matplotlib()

if TYPE_CHECKING:
    from samenet.compare.measurement import Result

# Colours that stay apart for the colour-blind and in grey (Okabe and Ito).
_COLOURS = {LOOPS_OVER_ARRAYS: "#999999", LOOPS_OVER_LISTS: "#56B4E9", "numpy": "#E69F00", "numba": "#009E73"}


def bars(results: Sequence["Result"], path: Path) -> None:
    """A bar for every contender's median time, on a logarithmic axis, case by case; written to `path`."""
    from matplotlib.figure import Figure

    rows = sum(len(result.rows) + 1.4 for result in results)
    figure = Figure(figsize=(9, 0.36 * rows + 0.8), layout="constrained")
    axes = figure.add_subplot()
    y, ticks, names = 0.0, [], []
    longest = max((row.median for result in results for row in result.rows if row.seconds is not None), default=1.0)
    for result in results:
        axes.text(0.0, y, result.title, transform=axes.get_yaxis_transform(), fontsize=14, weight="bold", va="center")
        y += 1
        for row in result.rows:
            if row.seconds is None:
                label = " FAIL"
            else:
                axes.barh(y, row.median, color=_COLOURS.get(row.name, "#CC79A7"), height=0.82)
                label = f" {duration(row.median)}"
            axes.text(row.median if row.seconds is not None else axes.get_xlim()[0], y, label, fontsize=13, va="center")
            ticks.append(y)
            names.append(row.name)
            y += 1
        y += 0.4
    axes.set_xscale("log")
    axes.set_xlim(right=longest * 12)
    axes.set_ylim(y - 0.6, -0.8)
    axes.set_yticks(ticks, names, fontsize=13)
    axes.tick_params(axis="x", labelsize=13)
    axes.set_xlabel("median seconds (logarithmic; shorter is better)", fontsize=13)
    axes.spines[["top", "right"]].set_visible(False)
    figures.save(figure, path, dpi=110)
