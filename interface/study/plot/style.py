"""The common parts of all plots: axes to draw on, and styles that can be told apart without colour."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from samenet.validation import arrays, checks

# M. Okabe and K. Ito, Color universal design (2008); without yellow, which is too light on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
DASHES = ("-", "--", "-.", ":")
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "+++", "ooo")
GREY = "#595959"

FONT = 12.0  # points, for figures created here


class Canvas(NamedTuple):
    """Axes, and their font size."""

    axes: Axes
    font: float

    def label(self, x: str = "", y: str = "", title: str = "") -> None:
        """Label the axes, in this font size."""
        self.axes.set_xlabel(x, fontsize=self.font)
        self.axes.set_ylabel(y, fontsize=self.font)
        if title:
            self.axes.set_title(title, fontsize=self.font)
        self.axes.tick_params(labelsize=self.font)

    def legend(self, **where: Any) -> None:
        """Draw a legend."""
        self.axes.legend(fontsize=self.font, frameon=False, **where)

    def bar(self, image: Any, label: str) -> Any:
        """Draw a colour bar for an image."""
        figure = self.axes.figure
        bar = figure.colorbar(image, ax=self.axes)
        bar.set_label(label, fontsize=self.font)
        bar.ax.tick_params(labelsize=self.font)
        return bar


def check_axes(ax: Any) -> None:
    """Reject anything but axes."""
    if ax is not None and not isinstance(ax, Axes):
        raise TypeError(f"ax: expected matplotlib axes or None, got {checks.short(ax)} ({type(ax).__name__})")


def canvas(ax: Axes | None, width: float = 5.2, height: float = 3.8) -> Canvas:
    """The given axes, in the user's font size; or those of a new figure of this width and height in inches."""
    if ax is not None:
        return Canvas(ax, float(rcParams["font.size"]))
    figure = Figure(figsize=(width, height), layout="constrained")
    return Canvas(figure.add_subplot(), FONT)


def numbers(name: str, value: Any, rank: int, finite: bool = False) -> NDArray[np.float64]:
    """Real numbers in a non-empty array of this rank; NaN and infinity are left out of plots, or refused."""
    found = arrays.array(name, value, np.dtype(np.float64))
    if found.ndim != rank or found.size == 0:
        raise ValueError(f"{name}: expected an array of rank {rank} that is not empty, got shape {found.shape}")
    return arrays.finite(name, found) if finite else np.where(np.isfinite(found), found, np.nan)


def text_on(colour: Any) -> str:
    """Black or white, whichever is readable on a colour, by the luminance of WCAG 2."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3])
    return "black" if 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 else "white"
