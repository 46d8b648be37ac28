"""scikit-learn's scalers with samenet's checks of X. Importing it needs scikit-learn; see `samenet.data.scaling`."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from samenet.validation import arrays, checks
from samenet.validation.finite import within_range

Array = NDArray[np.float64]


def _rows(X: Any, width: int | None = None) -> Array:
    rows = arrays.finite("X", arrays.array("X", X, np.dtype(np.float64)))
    if rows.ndim != 2 or 0 in rows.shape or width not in (None, rows.shape[1]):
        n = "n" if width is None else width
        raise ValueError(f"X: expected shape (m, {n}) with m, n >= 1, got {rows.shape}")
    return rows


def _columns(X: Any) -> list[str] | None:
    """The names of a data frame's columns, or None if there are none."""
    try:
        columns = getattr(X, "columns", None)
        names = None if columns is None else list(columns)
    except Exception:  # from a user-defined object that is not a data frame
        return None
    return names if names and all(isinstance(name, str) for name in names) else None


def _check_columns(X: Any, fitted: list[str] | None) -> None:
    """Reject a data frame whose columns, or their order, differ from those that the scaler was fitted to."""
    given = _columns(X)
    if fitted is None or given is None or given == fitted:
        return
    if sorted(given) == sorted(fitted):
        raise ValueError(f"X: expected its columns in the order {checks.short(fitted)}, got {checks.short(given)}")
    raise ValueError(f"X: expected the columns {checks.short(fitted)}, got {checks.short(given)}")


def _scaled(scale: Callable[[Array], Array], X: Any, width: int) -> Array:
    rows = _rows(X, width)
    with np.errstate(all="ignore"):
        return within_range(np.asarray(scale(rows)), "some")


class CheckedStandardScaler(StandardScaler):  # type: ignore[misc]
    """`StandardScaler` for arrays, lists and data frames of finite numbers; it returns arrays, for frames too."""

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> "CheckedStandardScaler":
        """Find the mean and the standard deviation of each column of X (m, n)."""
        rows = _rows(X)
        self.columns_ = _columns(X)
        with np.errstate(all="ignore"):
            super().fit(rows, y, sample_weight)
        if not (np.isfinite(self.mean_).all() and np.isfinite(self.var_).all()):
            raise ValueError("X: expected numbers whose squares can be summed, got columns of infinite spread")
        return self

    def transform(self, X: Any, copy: bool | None = None) -> Array:
        """(x - mean) / standard deviation, (m, n)."""
        _check_columns(X, self.columns_)
        scale = super().transform
        return _scaled(lambda rows: scale(rows, copy=True), X, self.n_features_in_)

    def inverse_transform(self, X: Any, copy: bool | None = None) -> Array:
        """x times the standard deviation + mean, (m, n)."""
        _check_columns(X, self.columns_)
        back = super().inverse_transform
        return _scaled(lambda rows: back(rows, copy=True), X, self.n_features_in_)


class CheckedMaxAbsScaler(MaxAbsScaler):  # type: ignore[misc]
    """`MaxAbsScaler` for arrays, lists and data frames of finite numbers; it returns arrays, for frames too."""

    def fit(self, X: Any, y: Any = None) -> "CheckedMaxAbsScaler":
        """Find the largest absolute value in each column of X (m, n)."""
        super().fit(_rows(X), y)
        self.columns_ = _columns(X)
        return self

    def transform(self, X: Any) -> Array:
        """x / max |x|, (m, n)."""
        _check_columns(X, self.columns_)
        return _scaled(super().transform, X, self.n_features_in_)

    def inverse_transform(self, X: Any) -> Array:
        """x times max |x|, (m, n)."""
        _check_columns(X, self.columns_)
        return _scaled(super().inverse_transform, X, self.n_features_in_)
