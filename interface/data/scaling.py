"""Scaling of columns, with the way back: scikit-learn's transformers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet import checks
from samenet.data.library import scikit_learn


def _rows(X: ArrayLike) -> NDArray[np.float64]:
    rows = checks.finite("X", checks.array("X", X, np.dtype(np.float64)))
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"X: expected shape (m, n) with m, n >= 1, got {rows.shape}")
    return rows


def standard_scaler(X: ArrayLike) -> Any:
    """scikit-learn's `StandardScaler`, fitted to X (m, n): x' = (x - mean) / standard deviation, column by column.

    Returns the fitted scaler: `.transform(X)`, `.inverse_transform(X)`, `.mean_`, `.scale_`. A constant column is
    only centred, never divided by zero.
    """
    return scikit_learn().preprocessing.StandardScaler().fit(_rows(X))


def max_scaler(X: ArrayLike) -> Any:
    """scikit-learn's `MaxAbsScaler`, fitted to X (m, n): x' = x / max |x|, column by column, so within -1 and 1.

    Returns the fitted scaler: `.transform(X)`, `.inverse_transform(X)`, `.scale_`. A column of zeros stays as it is.
    Source: tutorial 003, whose columns are positive.

    >>> max_scaler([[3, 5], [10, 2]]).transform([[8, 3]])
    array([[0.8, 0.6]])
    """
    return scikit_learn().preprocessing.MaxAbsScaler().fit(_rows(X))


def constant_scaler(constant: float) -> Any:
    """scikit-learn's `FunctionTransformer` of x' = x / constant, constant > 0: 100 for percent, 255 for grey values.

    Returns it ready for use, on arrays of any shape: `.transform(X)`, `.inverse_transform(X)`.

    >>> constant_scaler(100).transform([[75], [82]])
    array([[0.75],
           [0.82]])
    """
    constant = checks.number("constant", constant, positive=True)
    settings = {"kw_args": {"constant": constant}, "inv_kw_args": {"constant": constant}}
    return scikit_learn().preprocessing.FunctionTransformer(_divide, _multiply, **settings)


def _divide(X: ArrayLike, constant: float) -> NDArray[np.float64]:
    result: NDArray[np.float64] = checks.array("X", X, np.dtype(np.float64)) / constant
    return result


def _multiply(X: ArrayLike, constant: float) -> NDArray[np.float64]:
    result: NDArray[np.float64] = checks.array("X", X, np.dtype(np.float64)) * constant
    return result
