"""Errors about targets and labels that name the argument, where scikit-learn's own do not."""

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np

from samenet.validation import arrays, checks
from samenet.validation.containers import is_sparse

_MIXED = "not supported between instances", "Unknown label type: unknown"  # in errors about labels of several kinds


def check_known(name: str, values: Any) -> None:
    """Refuse missing values in objects, such as None or pandas' NA, and what is no array at all."""
    if values is None or is_sparse(values):  # scikit-learn takes sparse labels, or says what is missing
        return
    given = arrays.plain(name, values)
    for value in given.flat if given.dtype.kind == "O" else ():
        if _is_missing(value):
            raise ValueError(f"{name}: expected no missing values, got {checks.short(value)}")


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except Exception:  # pandas' NA equals nothing, and differs from nothing
        return True


def check_numbers(name: str, values: Any) -> None:
    """Refuse what scikit-learn would take as numbers, such as dates, or refuse without the argument's name.

    It refuses complex numbers itself, and its checks of estimators expect that error.
    """
    if values is None:
        return
    given = arrays.plain(name, values)
    is_object = given.dtype.kind == "O"
    if given.dtype.kind not in "biufcO" or (is_object and not all(isinstance(v, Real) for v in given.flat)):
        raise TypeError(f"{name}: expected real numbers, got {checks.short(values)} ({given.dtype})")


@contextmanager
def naming(name: str, labels: Any) -> Iterator[None]:
    """Name the argument in errors about labels of several kinds, which cannot be sorted, and in errors without it."""
    try:
        with np.errstate(all="ignore"):
            yield
    except (TypeError, ValueError) as error:
        is_mixed = any(part in str(error) for part in _MIXED)
        if is_mixed or name not in str(error):
            expected = "labels of one kind" if is_mixed else "labels"
            kind = TypeError if is_mixed or isinstance(error, TypeError) else ValueError
            raise kind(f"{name}: expected {expected}, got {checks.short(labels)}: {error}") from None
        raise
