"""A digit of any size in MNIST's format: 28x28 pixels, in a box of 20x20, with its centre of mass in the middle.

Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits; tutorial 003 (docs/sources.md), which
plans this for one's own pictures.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE, BOX = 28, 20
Array = NDArray[Any]


def as_mnist(ink: Array) -> Array:
    """Crop a digit, scale its longer side to 20 pixels, and move its centre of mass to the middle of 28x28 pixels.

    ink      (height, width), from 0, paper, to 1
    returns  (28, 28); all 0 if there is no ink. A digit of MNIST comes back unchanged
    """
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return np.zeros((SIDE, SIDE))
    cropped = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    largest = max(cropped.shape)
    height, width = (max(1, int(BOX * n / largest + 0.5)) for n in cropped.shape)
    return centred(resampling(cropped.shape[0], height) @ cropped @ resampling(cropped.shape[1], width).T)


def resampling(n: int, wanted: int) -> Array:
    """The matrix (wanted, n) that resamples n pixels to `wanted` pixels, each a weighted mean of those near it.

    Weights fall off linearly to 0 at a distance of one pixel, old or new, whichever is larger.
    """
    scale = n / wanted
    middles = (np.arange(wanted) + 0.5) * scale
    distance = np.abs(np.arange(n) + 0.5 - middles[:, None]) / max(scale, 1.0)
    weights = np.maximum(0.0, 1.0 - distance)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def centred(box: Array) -> Array:
    """At most 20x20 pixels in 28x28, by whole pixels: the centre of mass is in the pixel [14, 14], as in MNIST."""
    found = np.zeros((SIDE, SIDE))
    total = box.sum()
    at = []
    for axis, n in enumerate(box.shape):
        mass = (np.arange(n) + 0.5) @ box.sum(axis=1 - axis) / total
        at.append(min(max(int(np.ceil(SIDE / 2 - mass - 1e-9)), 0), SIDE - n))  # 1e-9 makes it independent of rounding
    found[at[0] : at[0] + box.shape[0], at[1] : at[1] + box.shape[1]] = box
    return found
