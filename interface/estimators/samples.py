"""Dense or sparse samples, as the dense rows that a backend takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_DENSE = 1 << 23  # numbers of sparse samples that are made dense at a time: 64 MiB of float64

Array = NDArray[Any]


@dataclass(frozen=True)
class Samples:
    """X (m, n_in): an array, C-contiguous and of the network's dtype, or a SciPy CSR matrix.

    A sparse X is never made dense as a whole. Its rows are made dense when they are needed, at most `MOST_DENSE`
    numbers at a time, or one batch if that is more.
    """

    X: Any

    def __len__(self) -> int:
        return int(self.X.shape[0])

    @property
    def is_sparse(self) -> bool:
        """Whether X is a sparse matrix."""
        return not isinstance(self.X, np.ndarray)

    @property
    def most_rows(self) -> int:
        """The maximum number of rows made dense at a time."""
        return max(1, MOST_DENSE // self.X.shape[1]) if self.is_sparse else max(1, len(self))

    def rows(self, chosen: Any) -> Array:
        """The chosen rows of X, dense."""
        rows = self.X[chosen]
        dense: Array = rows.toarray(order="C") if self.is_sparse else rows
        return dense

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """All rows in order, dense, in blocks."""
        for start in range(0, len(self), self.most_rows):
            rows = slice(start, start + self.most_rows)
            yield rows, self.rows(rows)

    def select(self, chosen: Any) -> "Samples":
        """The samples with these row numbers."""
        return Samples(self.X[chosen])
