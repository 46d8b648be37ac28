"""Scaling of columns, and its inverse: scikit-learn's transformers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet.data.library import scikit_learn
from samenet.validation import arrays, checks
from samenet.validation.finite import within_range


def standard_scaler(X: ArrayLike) -> Any:
    """scikit-learn's `StandardScaler`, fitted to X (m, n): x' = (x - mean) / standard deviation, column by column.

    Returns the fitted scaler: `.transform(X)`, `.inverse_transform(X)`, `.mean_`, `.scale_`. A constant column is only
    centred, never divided by zero. Both this function and the scaler's methods check X, and raise ValueError or
    TypeError, naming X.
    """
    scikit_learn()
    from samenet.data.scalers import CheckedStandardScaler

    return CheckedStandardScaler().fit(X)


def max_scaler(X: ArrayLike) -> Any:
    """scikit-learn's `MaxAbsScaler`, fitted to X (m, n): x' = x / max |x|, column by column, so within -1 and 1.

    Returns the fitted scaler: `.transform(X)`, `.inverse_transform(X)`, `.scale_`. A column of zeros is not changed.
    Both this function and the scaler's methods check X, and raise ValueError or TypeError, naming X.
    Source: tutorial 003 (docs/sources.md), whose columns are positive.

    >>> max_scaler([[3, 5], [10, 2]]).transform([[8, 3]])
    array([[0.8, 0.6]])
    """
    scikit_learn()
    from samenet.data.scalers import CheckedMaxAbsScaler

    return CheckedMaxAbsScaler().fit(X)


def constant_scaler(constant: float) -> Any:
    """scikit-learn's `FunctionTransformer` of x' = x / constant, constant > 0: 100 for percent, 255 for grey values.

    Returns the transformer, ready for arrays of any shape: `.transform(X)`, `.inverse_transform(X)`. They raise
    ValueError or TypeError, naming X, for anything but an array of finite numbers that are still finite after scaling.

    >>> constant_scaler(100).transform([[75], [82]])
    array([[0.75],
           [0.82]])
    """
    constant = checks.number("constant", constant, positive=True)
    settings = {"kw_args": {"constant": constant}, "inv_kw_args": {"constant": constant}}
    return scikit_learn().preprocessing.FunctionTransformer(_divide, _multiply, **settings)


def _divide(X: ArrayLike, constant: float) -> NDArray[np.float64]:
    given = arrays.finite("X", arrays.array("X", X, np.dtype(np.float64)))
    with np.errstate(all="ignore"):
        return within_range(np.asarray(given / constant), f"x / {constant:g}")


def _multiply(X: ArrayLike, constant: float) -> NDArray[np.float64]:
    given = arrays.finite("X", arrays.array("X", X, np.dtype(np.float64)))
    with np.errstate(all="ignore"):
        return within_range(np.asarray(given * constant), f"x times {constant:g}")
