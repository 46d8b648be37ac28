"""Scaling of columns, with the way back: scikit-learn's transformers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from samenet import checks
from samenet.data.library import scikit_learn


def standard_scaler(X: ArrayLike) -> Any:
    """scikit-learn's `StandardScaler`, fitted to X (m, n): x' = (x - mean) / standard deviation, column by column.

    Returns the fitted scaler: `.transform(X)`, `.inverse_transform(X)`, `.mean_`, `.scale_`. A constant column is
    only centred, never divided by zero.
    """
    rows = checks.finite("X", checks.array("X", X, np.dtype(np.float64)))
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"X: expected shape (m, n) with m, n >= 1, got {rows.shape}")
    return scikit_learn().preprocessing.StandardScaler().fit(rows)
