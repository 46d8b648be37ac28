"""Placeholders for samples and targets that are on the workers."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


class Elsewhere(np.ndarray[Any, np.dtype[np.float64]]):
    """A placeholder for an array that is on the workers.

    checksums  those of its partitions, for checkpoints; None for a part of the array
    """

    checksums: NDArray[np.int64] | None

    def __array_finalize__(self, other: Any) -> None:
        self.checksums = None

    @classmethod
    def of(cls, values: NDArray[np.float64], checksums: list[int] | None) -> Self:
        """A placeholder with these values."""
        array = values.view(cls)
        array.checksums = None if checksums is None else np.array(checksums, np.int64)
        return array


class Rows(Elsewhere):
    """Row numbers (m, 1), in place of samples."""


def rows(m: int, checksums: list[int] | None) -> Rows:
    """The numbers of all m rows."""
    return Rows.of(np.arange(m, dtype=np.float64)[:, None], checksums)


def targets(m: int, n_out: int, largest: float, checksums: list[int] | None) -> Elsewhere:
    """A placeholder for (m, n_out) targets, of which only the largest magnitude is needed. Takes no memory."""
    return Elsewhere.of(np.broadcast_to(np.float64(largest), (m, n_out)), checksums)
