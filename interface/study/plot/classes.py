"""Plots of predicted classes: images with their classes, and a confusion matrix."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from samenet.study.plot.style import COLOURS, canvas, check_axes, numbers, text_on
from samenet.validation import arrays, checks

_MOST_IMAGES, _MOST_NUMBERS = 400, 30


def digits(
    X: ArrayLike,
    y: ArrayLike | None = None,
    predicted: ArrayLike | None = None,
    *,
    shape: Sequence[int] | None = None,
    columns: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw images in a grid, dark where numbers are large; returns the axes.

    X          (m, n), an image of n = height times width numbers per row, or (m, height, width); at most 400 images
    y          (m,), their classes, written below them
    predicted  (m,), the predicted classes; with y, a misclassified image is framed, with a text such as "2, not 3":
               predicted 2 where y is 3
    shape      height and width; a square if None
    columns    the number of images in a row of the grid; as many as make it about square if None
    """
    check_axes(ax)
    images = _images(X, shape)
    m = len(images)
    true = None if y is None else as_classes("y", y, m)
    found = None if predicted is None else as_classes("predicted", predicted, m)
    given = math.ceil(math.sqrt(m)) if columns is None else checks.integer("columns", columns, least=1)
    across, (height, width) = min(given, m), images.shape[1:]
    down, texts = math.ceil(m / across), true is not None or found is not None
    gap = max(1, round(0.15 * width))
    below = round(0.4 * max(height, width)) if texts else gap
    across_all, down_all = across * (width + gap) + gap, down * (height + below) + gap
    inches = max(2.0, 0.85 * across)
    made = canvas(ax, inches, inches * down_all / across_all)
    axes = made.axes
    lowest, highest = np.nanmin(images), np.nanmax(images)
    for k, image in enumerate(images):
        left, top = (k % across) * (width + gap), (k // across) * (height + below)
        extent = (left, left + width, top + height, top)
        axes.imshow(image, cmap="gray_r", vmin=lowest, vmax=max(highest, lowest + 1e-300), extent=extent)
        is_wrong = true is not None and found is not None and found[k] != true[k]
        frame = (COLOURS[1], 2.5) if is_wrong else ("#999999", 0.5)
        axes.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor=frame[0], linewidth=frame[1]))
        if texts:
            text = str((true if found is None else found)[k])  # type: ignore[index]
            text += f", not {true[k]}" if is_wrong and true is not None else ""
            style: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": made.font * (0.85 if is_wrong else 1)}
            axes.text(left + width / 2, top + height + 0.04 * below, text, **style)
    axes.set_xlim(-gap, across_all - gap)
    axes.set_ylim(down_all - gap, -gap)
    axes.set_aspect("equal")
    axes.axis("off")
    return axes


def _images(X: Any, shape: Any) -> NDArray[np.float64]:
    given = arrays.array("X", X, np.dtype(np.float64))
    if given.ndim not in (2, 3) or given.size == 0:
        raise ValueError(f"X: expected images (m, n) or (m, height, width), at least one, got shape {given.shape}")
    if len(given) > _MOST_IMAGES:
        raise ValueError(f"X: expected at most {_MOST_IMAGES} images, got {len(given)}; X[:{_MOST_IMAGES}] are fewer")
    images, n = numbers("X", given, given.ndim), math.prod(given.shape[1:])
    if shape is not None:
        listed = checks.listed("shape", shape, "height and width")
        sides = [checks.integer(f"shape[{i}]", side, least=1) for i, side in enumerate(listed)]
        if len(sides) != 2 or math.prod(sides) != n:
            raise ValueError(f"shape: expected height and width of {n} numbers, got {checks.short(shape)}")
        images = images.reshape(-1, *sides)
    elif images.ndim == 2:
        side = math.isqrt(n)
        if side**2 != n:
            raise ValueError(f"shape: expected height and width, as {n} numbers make no square image, got None")
        images = images.reshape(-1, side, side)
    if np.isnan(images).all():
        raise ValueError("X: expected images with finite numbers, got none")
    return images


def as_classes(name: str, value: Any, m: int | None = None) -> NDArray[Any]:
    """Classes, one for each sample: integers, texts or flags."""
    found = arrays.plain(name, value)
    if found.ndim != 1 or len(found) == 0 or (m is not None and len(found) != m):
        expected = "(m,), m >= 1," if m is None else f"({m},)"
        raise ValueError(f"{name}: expected classes of shape {expected}, got shape {found.shape}")
    if found.dtype.kind == "f" and np.isfinite(found).all() and (found == np.rint(found)).all():
        found = found.astype(np.int64)
    if found.dtype.kind == "O" and all(isinstance(item, str) for item in found):
        found = found.astype(str)
    if found.dtype.kind not in "biuUS":
        raise TypeError(f"{name}: expected classes, integers or texts, got {checks.short(value)} ({found.dtype})")
    return found


def confusion_matrix(
    y: ArrayLike,
    predicted: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    normalize: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw the number of samples for each true and predicted class; returns the axes.

    y, predicted  (m,), the classes of samples, and those that were predicted: integers or texts
    classes       all classes, in the order of rows and columns; those that occur, sorted, if None
    normalize     whether each row shows shares of its class instead of numbers of samples

    A row is a true class, a column a predicted class; the diagonal is correct. The title is the accuracy.
    """
    check_axes(ax)
    true = as_classes("y", y)
    found = as_classes("predicted", predicted, len(true))
    if (true.dtype.kind in "US") != (found.dtype.kind in "US"):
        raise TypeError(f"predicted: expected classes like those of y, {true.dtype}, got {found.dtype}")
    known = np.unique(np.concatenate([true, found])) if classes is None else as_classes("classes", classes)
    place = {value: i for i, value in enumerate(known.tolist())}
    if len(place) < len(known):
        raise ValueError(f"classes: expected each class once, got {checks.short(known.tolist())}")
    for name, values in (("y", true), ("predicted", found)):
        if unknown := [value for value in values.tolist() if value not in place]:
            raise ValueError(f"{name}: expected one of the classes {checks.short(known.tolist())}, got {unknown[0]!r}")
    shares = checks.flag("normalize", normalize)
    counts = np.zeros((len(known), len(known)))
    np.add.at(counts, ([place[v] for v in true.tolist()], [place[v] for v in found.tolist()]), 1)
    values = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) if shares else counts
    side = min(9.0, 2.6 + 0.5 * len(known))
    made = canvas(ax, side + 0.6, side)
    axes, colours = made.axes, colormaps["Blues"]
    most = max(float(values.max()), 1e-300)
    axes.imshow(values, cmap=colours, vmin=0, vmax=most)
    for (i, j), value in np.ndenumerate(values if len(known) <= _MOST_NUMBERS else np.empty((0, 0))):
        text = f"{value:.2f}".lstrip("0") if shares and 0 < value < 1 else f"{value:.0f}"
        style: dict[str, Any] = {"ha": "center", "va": "center", "weight": "bold" if i == j else "normal"}
        axes.text(j, i, text, color=text_on(colours(value / most)), fontsize=made.font, **style)
    every = math.ceil(len(known) / _MOST_NUMBERS)
    ticks = range(0, len(known), every)
    texts = [str(known[k]) for k in ticks]
    axes.set_xticks(ticks, texts, rotation=90 if max(map(len, texts)) > 3 else 0)
    axes.set_yticks(ticks, texts)
    made.label("predicted", "true", f"{100 * float((true == found).mean()):.1f} % right")
    return axes
