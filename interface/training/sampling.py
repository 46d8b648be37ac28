"""What training draws at random for each epoch: the order of the samples, and the dropout masks."""

import copy
import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

Random = np.random.Generator | np.random.RandomState | random.Random
Orders = NDArray[np.int64] | None
Masks = NDArray[Any] | None

MOST_DRAWN = 1 << 20  # numbers drawn ahead for one backend call


def is_stream(seed: Any) -> bool:
    """Whether a seed is a stream, which a training continues."""
    return seed is not None and not isinstance(seed, int) and isinstance(seed, Random)


def numpy_stream(stream: Random) -> np.random.Generator | np.random.RandomState:
    """A NumPy stream as it is; for a `random.Random`, a new one seeded by a copy of it, which does not advance it."""
    if not isinstance(stream, random.Random):
        return stream
    return np.random.default_rng(copy.copy(stream).getrandbits(64))


class Draws:
    """The random numbers of every epoch, all from one stream: first its order, then its masks, sample by sample.

    m         the number of samples
    shuffled  whether each epoch visits the samples in a random order
    dropout   the probability p that a node is dropped, for every hidden node, (hidden,); empty for no dropout

    A `random.Random` shuffles the same list again in each epoch, starting from the order of the last, as in Nielsen's
    network.py; `random.seed(s)` there is `random.Random(s)` here. Masks then come from `numpy_stream`.

    Inverted dropout: a mask multiplies the activation of a dropped node by 0 and that of any other by 1 / (1 - p), so
    that the expected activation is the one without dropout, which prediction uses.
    Source: N. Srivastava and others, Dropout: a simple way to prevent neural networks from overfitting (2014),
    section 10, for the scaling.
    """

    def __init__(self, stream: Random, m: int, shuffled: bool, dropout: NDArray[np.float64], dtype: Any) -> None:
        self.m, self.shuffled, self.dtype = m, shuffled, dtype
        self.python_random = stream if isinstance(stream, random.Random) else None
        self.rows = [] if self.python_random is None else list(range(m))
        self.random, self.p = numpy_stream(stream), dropout
        self.kept_factor = (1 / (1 - dropout)).astype(dtype) if dropout.size else dropout

    @property
    def epochs_at_once(self) -> int:
        """The number of epochs that may be drawn ahead."""
        return max(1, MOST_DRAWN // (self.m * max(1, self.p.size)))

    @property
    def rows_at_once(self) -> int:
        """The number of samples for which masks may be drawn ahead."""
        return max(1, MOST_DRAWN // max(1, self.p.size))

    def order(self) -> Orders:
        """The order of one epoch, (1, m), or None if samples are not shuffled."""
        if not self.shuffled:
            return None
        if self.python_random is None:
            return self.random.permutation(self.m).astype(np.int64, copy=False).reshape(1, -1)
        self.python_random.shuffle(self.rows)
        return np.array([self.rows], np.int64)

    def masks(self, rows: int) -> Masks:
        """The masks of the epoch's next samples, (1, rows, hidden), whatever the parts in which an epoch is drawn."""
        if self.p.size == 0:
            return None
        return np.where(self.random.random((1, rows, self.p.size)) < self.p, self.dtype.type(0), self.kept_factor)

    def epochs(self, count: int) -> tuple[Orders, Masks]:
        """The orders (count, m) and masks (count, m, hidden) of the next epochs, each None if not used."""
        orders_only = self.shuffled and not self.p.size
        if orders_only and self.python_random is None and isinstance(self.random, np.random.Generator):
            # The same random numbers as in `count` calls of `order`.
            rows = np.tile(np.arange(self.m, dtype=np.int64), (count, 1))
            return self.random.permuted(rows, axis=1, out=rows), None
        drawn = [(self.order(), self.masks(self.m)) for _ in range(count)] if self.shuffled or self.p.size else []
        orders = [order for order, _ in drawn if order is not None]
        masks = [mask for _, mask in drawn if mask is not None]
        return np.concatenate(orders) if orders else None, np.concatenate(masks) if masks else None
