"""The state of adaptive sampling that backends are given: the weights of all rows, which they update in training."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Sampler(NamedTuple):
    """The state of `samenet.AdaptiveSampling`, which persists between calls; backends change it in place.

    rate, floor  the settings
    rows         how many rows there are, m
    tree         (2 n,) a tree of sums, n being the least power of two that is at least m: tree[n + i] is the weight of
                 row i, or 0 if there is none, tree[k] = tree[2 k] + tree[2 k + 1] for k = 1, ..., n - 1; tree[0] is 0
    mean         (1,) the running mean D, 0 before the first batch

    In place of row numbers, backends are given uniform random numbers from [0, 1), one for each draw. The row and its
    importance are computed from them in float64, in the order of operations of `samenet.reference.sampling`, so equal
    weights give the same bits in every backend. The norms differ by rounding between backends, and so do the updated
    weights; a draw selects another row only if its random number is within rounding of the boundary between two rows.
    """

    rate: float
    floor: float
    rows: int
    tree: NDArray[np.float64]
    mean: NDArray[np.float64]

    @classmethod
    def of(cls, rate: float, floor: float, rows: int) -> "Sampler":
        """The state before the first batch: all weights are 1."""
        n = 1 << (rows - 1).bit_length()
        tree = np.zeros(2 * n)
        tree[n : n + rows] = 1
        for k in range(n - 1, 0, -1):
            tree[k] = tree[2 * k] + tree[2 * k + 1]
        return cls(rate, floor, rows, tree, np.zeros(1))

    @property
    def weights(self) -> NDArray[np.float64]:
        """The weights w of the rows, a view."""
        n = len(self.tree) // 2
        return self.tree[n : n + self.rows]

    def copy(self) -> "Sampler":
        """A copy of the state in its own memory."""
        return self._replace(tree=self.tree.copy(), mean=self.mean.copy())

    def restore(self, saved: "Sampler") -> None:
        """Take over the state of a copy."""
        self.tree[:], self.mean[:] = saved.tree, saved.mean
