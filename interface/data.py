"""Data sets, and what prepares them: one-hot targets, a seeded split, standard scaling.

Digits, split and scaling are scikit-learn's; `pip install "samenet[data]"` brings it.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet import checks
from samenet.network import Seed


class Digits(NamedTuple):
    """The 8x8 digits of UCI, as in tutorial 000: grey values X (1797, 64) from 0 to 16, and the digits y (1797,)."""

    X: NDArray[np.float64]
    y: NDArray[np.int64]

    @property
    def images(self) -> NDArray[np.float64]:
        """The rows of X as pictures, (1797, 8, 8)."""
        return self.X.reshape(-1, 8, 8)


class Split(NamedTuple):
    """The two parts of a split."""

    X_train: NDArray[Any]
    X_test: NDArray[Any]
    y_train: NDArray[Any]
    y_test: NDArray[Any]


def _scikit_learn() -> Any:
    try:
        import sklearn.datasets
        import sklearn.model_selection
        import sklearn.preprocessing
    except ImportError as error:
        raise ImportError('this needs scikit-learn; install it with: pip install "samenet[data]"') from error
    return sklearn


def digits() -> Digits:
    """The 1797 handwritten digits of tutorial 000, which scikit-learn ships.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI (1998).
    """
    found = _scikit_learn().datasets.load_digits()
    return Digits(found.data, found.target)


def one_hot(y: ArrayLike, n_classes: int | None = None) -> NDArray[np.float64]:
    """Class numbers (m,) as rows of zeros with a single one, (m, n_classes).

    n_classes: max(y) + 1 unless given. Raises for labels that are not whole numbers from 0 to n_classes - 1.

    >>> one_hot([1, 0], 3)
    array([[0., 1., 0.],
           [1., 0., 0.]])
    """
    labels = checks.plain("y", y)
    if labels.dtype.kind in "fO":  # whole numbers may come as floats, or from pandas as objects
        floats = checks.array("y", y, np.dtype(np.float64))
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
    """The class numbers (m,) of one-hot rows or output activations (m, n_classes): the place of the largest.

    >>> from_one_hot([[0, 1, 0], [1, 0, 0]])
    array([1, 0])
    """
    rows = checks.finite("Y", checks.array("Y", Y, np.dtype(np.float64)))
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise ValueError(f"Y: expected shape (m, n_classes), got {rows.shape}")
    labels: NDArray[np.int64] = rows.argmax(axis=1)
    return labels


def split(X: ArrayLike, y: ArrayLike, *, test_size: float = 0.4, seed: Seed = None) -> Split:
    """Shuffle the samples and part them: scikit-learn's `train_test_split`.

    test_size: the share of the test part, between 0 and 1. seed: an int gives the split that `random_state` does.
    """
    share = checks.number("test_size", test_size, positive=True)
    if share >= 1:
        raise ValueError(f"test_size: expected a share below 1, got {share:g}")
    random = checks.generator("seed", seed)
    given = seed if isinstance(seed, int | np.integer) else None
    if given is not None and given >= 2**32:
        raise ValueError(f"seed: expected an integer of at most {2**32 - 1}, got {checks.short(seed)}")
    rows, targets = checks.plain("X", X), checks.plain("y", y)
    if rows.ndim == 0 or targets.ndim == 0 or len(rows) != len(targets):
        raise ValueError(f"y: expected as many entries as X has rows, got shapes {targets.shape} and {rows.shape}")
    if len(rows) < 2:
        raise ValueError(f"X: expected at least two samples to split, got shape {rows.shape}")
    if math.ceil(share * len(rows)) == len(rows):
        raise ValueError(f"test_size: expected a share that leaves a row to train on, got {share:g} of {len(rows)}")
    divide = _scikit_learn().model_selection.train_test_split
    state: Any = random
    if isinstance(random, np.random.Generator):  # scikit-learn takes an int or a RandomState
        state = given if given is not None else int(random.integers(2**32))
    return Split(*divide(rows, targets, test_size=share, random_state=state))


def standard_scaler(X: ArrayLike) -> Any:
    """scikit-learn's `StandardScaler`, fitted to X (m, n): x' = (x - mean) / standard deviation, column by column.

    Returns the fitted scaler: `.transform(X)`, `.inverse_transform(X)`, `.mean_`, `.scale_`. A constant column is
    only centred, never divided by zero.
    """
    rows = checks.finite("X", checks.array("X", X, np.dtype(np.float64)))
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"X: expected shape (m, n) with m, n >= 1, got {rows.shape}")
    return _scikit_learn().preprocessing.StandardScaler().fit(rows)
