"""The activations of a network's layers."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from samenet.network import Network
from samenet.study.plot.classes import as_classes
from samenet.study.plot.style import canvas, check_axes
from samenet.validation import arrays, checks

_MOST_ROWS = 2000


def activations(
    net: Network, X: ArrayLike, y: ArrayLike | None = None, *, output: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw the activations of hidden layers, a row for each sample and a column for each node; returns the axes.

    X       (m, n_in), at most 2000 samples, or one sample (n_in,)
    y       (m,), the classes of the samples, by which rows are grouped
    output  whether the output layer is drawn, too; it always is for a network without hidden layers

    A column of a single colour is a node that carries no information, such as a relu that is always 0; columns at the
    ends of the scale are saturated. Numbers that are not finite are left white.
    """
    check_axes(ax)
    if not isinstance(net, Network):
        raise TypeError(f"net: expected a Network, got {checks.short(net)} ({type(net).__name__})")
    samples = np.atleast_2d(arrays.samples("X", X, net.sizes[0], net.dtype))
    if not 1 <= len(samples) <= _MOST_ROWS:
        raise ValueError(f"X: expected from 1 to {_MOST_ROWS} samples, got {len(samples)}")
    classes = None if y is None else as_classes("y", y, len(samples))
    layers = range(1, len(net.sizes) if checks.flag("output", output) or len(net.sizes) == 2 else len(net.sizes) - 1)
    order = np.arange(len(samples)) if classes is None else np.argsort(classes, kind="stable")
    with np.errstate(all="ignore"):
        h = net.feed_forward(samples[order])
    found = [np.where(np.isfinite(h[layer]), h[layer], np.nan).astype(np.float64) for layer in layers]
    gap = max(1, round(0.03 * sum(part.shape[1] for part in found)))
    space = np.full((len(samples), gap), np.nan)
    pieces: list[Any] = [found[0]]
    for part in found[1:]:
        pieces += [space, part]
    image = np.concatenate(pieces, axis=1)
    made = canvas(ax, 6.0, 4.2)
    lowest, highest = (float(f.reduce(image, axis=None, initial=0.0)) for f in (np.fmin, np.fmax))
    largest = max(-lowest, highest, 1e-300)
    look: dict[str, Any] = {"cmap": colormaps["PuOr"], "vmin": -largest, "vmax": largest}
    if lowest >= 0:
        look = {"cmap": colormaps["cividis"], "vmin": 0.0, "vmax": largest}
    drawn = made.axes.imshow(image, aspect="auto", interpolation="nearest", **look)
    made.bar(drawn, "activation")
    centres, start = [], 0
    for part in found:
        centres.append(start + (part.shape[1] - 1) / 2)
        start += part.shape[1] + gap
    names = [f"layer {layer + 1}\n{net.activations[layer - 1]}, {net.sizes[layer]}" for layer in layers]
    made.axes.set_xticks(centres, names)
    made.axes.tick_params(axis="x", length=0)
    made.axes.spines[:].set_visible(False)
    if classes is None:
        made.label("", "sample")
    else:
        values, firsts, counts = np.unique(classes[order], return_index=True, return_counts=True)
        made.axes.set_yticks(firsts + (counts - 1) / 2, [str(value) for value in values])
        for first in firsts[1:]:
            made.axes.axhline(first - 0.5, color="white", linewidth=1.5)
        made.label("", "class")
    return made.axes
