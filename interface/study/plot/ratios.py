"""A heat map of ratios over two variables."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import ArrayLike

from samenet.output.formats import digits
from samenet.study.plot.style import canvas, check_axes, numbers, text_on
from samenet.validation import checks

_PARTING = LinearSegmentedColormap.from_list("parting", ["#D55E00", "#FFFFFF", "#0072B2"])


def heat_map(
    ratios: ArrayLike,
    rows: Sequence[Any],
    columns: Sequence[Any],
    *,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw ratios, such as speed-ups, as a map: blue above 1, orange below, and each as a number; returns the axes.

    ratios         (k, n), above 0; NaN where there is none
    rows, columns  the k and n labels, the first row at the bottom
    """
    check_axes(ax)
    values = numbers("ratios", ratios, 2)
    if (values <= 0).any():
        raise ValueError(f"ratios: expected numbers above 0, got {float(np.nanmin(values)):g}")
    labels = []
    for name, given, n in (("rows", rows, values.shape[0]), ("columns", columns, values.shape[1])):
        texts = [str(item) for item in checks.listed(name, given, f"a list of {n} labels")]
        if len(texts) != n:
            raise ValueError(f"{name}: expected {n} labels, got {len(texts)}")
        labels.append(texts)
    for name, text in (("xlabel", xlabel), ("ylabel", ylabel), ("title", title)):
        if not isinstance(text, str):
            raise TypeError(f"{name}: expected text, got {checks.short(text)} ({type(text).__name__})")
    logs = np.log10(values)
    most = float(np.fmax.reduce(np.abs(logs), axis=None, initial=0.05))
    made = canvas(ax, 1.8 + 0.85 * values.shape[1], 1.4 + 0.5 * values.shape[0])
    axes = made.axes
    image = axes.imshow(logs, cmap=_PARTING, vmin=-most, vmax=most, aspect="auto", origin="lower")
    for (i, j), value in np.ndenumerate(values):
        colour = "black" if np.isnan(value) else text_on(_PARTING((logs[i, j] / most + 1) / 2))
        text = "-" if np.isnan(value) else f"{digits(float(value))}x"
        axes.text(j, i, text, ha="center", va="center", fontsize=made.font, color=colour)
    axes.set_yticks(range(len(labels[0])), labels[0])
    axes.set_xticks(range(len(labels[1])), labels[1])
    axes.spines[:].set_visible(False)
    bar = made.bar(image, "")
    powers = [-most, -most / 2, 0.0, most / 2, most]
    bar.set_ticks(powers, labels=[f"{digits(10.0**p, 2)}x" for p in powers])
    made.label(xlabel, ylabel, title)
    axes.tick_params(length=0)
    return axes
