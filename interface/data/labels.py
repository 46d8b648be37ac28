"""Class labels as one-hot rows, and back."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet.validation import arrays, checks


def one_hot(y: ArrayLike, n_classes: int | None = None) -> NDArray[np.float64]:
    """Class numbers (m,) as rows of zeros with a single one, (m, n_classes).

    n_classes: max(y) + 1 by default. Raises ValueError or TypeError for labels that are not whole numbers from 0 to
    n_classes - 1.

    >>> one_hot([1, 0], 3)
    array([[0., 1., 0.],
           [1., 0., 0.]])
    """
    labels = arrays.plain("y", y)
    if labels.dtype.kind in "fO":  # whole numbers may be floats, or objects from pandas
        floats = arrays.array("y", y, np.dtype(np.float64))
        if (np.abs(floats) < 2**53).all() and (floats == np.trunc(floats)).all():
            labels = floats.astype(np.int64)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"y: expected whole class numbers, got {checks.short(y)} ({labels.dtype})")
    if labels.ndim != 1:
        raise ValueError(f"y: expected shape (m,), got {labels.shape}")
    if n_classes is None:
        if len(labels) == 0:
            raise ValueError("n_classes: expected a number when y is empty, got None")
        n_classes = int(labels.max()) + 1
    n_classes = checks.integer("n_classes", n_classes, least=1)
    if len(labels) and (labels.min() < 0 or labels.max() >= n_classes):
        raise ValueError(f"y: expected classes from 0 to {n_classes - 1}, got {labels.min()} to {labels.max()}")
    with checks.fits("n_classes", n_classes):
        result = np.zeros((len(labels), n_classes))
    result[np.arange(len(labels)), labels] = 1
    return result


def from_one_hot(Y: ArrayLike) -> NDArray[np.int64]:
    """The class numbers (m,) of one-hot rows or output activations (m, n_classes): the index of the largest.

    >>> from_one_hot([[0, 1, 0], [1, 0, 0]])
    array([1, 0])
    """
    rows = arrays.finite("Y", arrays.array("Y", Y, np.dtype(np.float64)))
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise ValueError(f"Y: expected shape (m, n_classes), got {rows.shape}")
    labels: NDArray[np.int64] = rows.argmax(axis=1)
    return labels
