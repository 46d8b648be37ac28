"""The samples that the user gives: Dask arrays, or lists of partitions."""

import math
from typing import Any

import numpy as np

from samenet.validation import checks


def triples(X: Any, Y: Any, sample_weight: Any) -> list[tuple[Any, Any, Any]]:
    """The samples, the targets and the weights of each partition; None for weights that are not given.

    Raises ValueError or TypeError, naming the argument, for partitions that do not match.
    """
    given = {"X": X, "Y": Y} | ({} if sample_weight is None else {"sample_weight": sample_weight})
    given = {name: _array_of(value) for name, value in given.items()}
    if _is_dask_array(given["X"]):
        columns = _blocks(given)
    else:
        columns = []
        for name, value in given.items():
            if _is_dask(value):
                expected = "a Dask array, or a list of partitions" if name == "X" else "a list of partitions, as X is"
                raise TypeError(f"{name}: expected {expected}, got {checks.short(value)} ({type(value).__name__})")
            columns.append(checks.listed(name, value, "a Dask array, or a list of partitions"))
    for name, column in zip(given, columns, strict=True):
        if not column or len(column) != len(columns[0]):
            raise ValueError(f"{name}: expected as many partitions as X has, at least 1, got {len(column)}")
    if sample_weight is None:
        columns.append([None] * len(columns[0]))
    return list(zip(*columns, strict=True))


def _is_dask(value: Any) -> bool:
    """Whether a value is one of Dask's collections, some of which are iterable."""
    import dask

    return bool(dask.is_dask_collection(value))


def _is_dask_array(value: Any) -> bool:
    import dask.array

    return isinstance(value, dask.array.Array)


def _array_of(value: Any) -> Any:
    """A Dask data frame as an array, whose sizes are not known yet; any other value unchanged."""
    is_frame = _is_dask(value) and hasattr(type(value), "to_dask_array")
    return value.to_dask_array() if is_frame else value


def _blocks(given: dict[str, Any]) -> list[list[Any]]:
    """The blocks of rows of each array, with the same boundaries as the blocks of X."""
    for name, array in given.items():
        axes = 1 if name == "sample_weight" else 2
        if not _is_dask_array(array):
            raise TypeError(f"{name}: expected a Dask array, as X is one, got {checks.short(array)}")
        if array.ndim != axes:
            raise ValueError(f"{name}: expected a Dask array with {axes} axes, got shape {array.shape}")
    rows = given["X"].chunks[0]
    columns = []
    for name, array in given.items():
        if array.ndim == 2:
            array = array.rechunk({1: -1})
        is_known = not any(map(math.isnan, (*rows, *array.chunks[0])))
        if is_known and array.shape[0] != sum(rows):
            raise ValueError(f"{name}: expected as many rows as X, {sum(rows)}, got {array.shape[0]}")
        if is_known and array.chunks[0] != rows:
            array = array.rechunk({0: rows})
        columns.append(list(np.ravel(array.to_delayed())))
    return columns
