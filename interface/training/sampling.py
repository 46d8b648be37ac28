"""What training draws for each epoch: the order of the samples, and the nodes that dropout leaves out."""

import copy
import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

Random = np.random.Generator | np.random.RandomState | random.Random
Orders = NDArray[np.int64] | None
Masks = NDArray[Any] | None

_LIMIT = 1 << 20  # numbers drawn ahead for one call of a backend


def numpy_stream(stream: Random) -> np.random.Generator | np.random.RandomState:
    """The stream itself, or one that a copy of Python's seeds, whose own numbers are left as they are."""
    if not isinstance(stream, random.Random):
        return stream
    return np.random.default_rng(copy.copy(stream).getrandbits(64))


class Draws:
    """The random numbers of every epoch, from one stream: its order first, then its masks, sample by sample.

    m         the number of samples
    shuffled  whether an epoch has an order of its own
    dropout   for every hidden node the probability to be left out, (hidden,); None or an empty vector for no dropout

    A `random.Random` shuffles one list over and over, each epoch beginning with the order of the last, as Nielsen's
    network.py does; `random.seed(s)` there is `random.Random(s)` here. Masks then come from `numpy_stream`.

    Inverted dropout: a node that stays, with probability 1 - p, is multiplied by 1 / (1 - p), one that is left out by
    0, so that its expected activation is that of a network without dropout, as it is used for prediction.
    Source: N. Srivastava and others, Dropout: a simple way to prevent neural networks from overfitting (2014),
    section 10, for the scaling.
    """

    def __init__(self, stream: Random, m: int, shuffled: bool, dropout: NDArray[np.float64], dtype: Any) -> None:
        self.m, self.shuffled, self.dtype = m, shuffled, dtype
        self.one_list = stream if isinstance(stream, random.Random) else None
        self.rows = [] if self.one_list is None else list(range(m))
        self.random, self.p = numpy_stream(stream), dropout
        self.stays = (1 / (1 - dropout)).astype(dtype)

    @property
    def epochs_at_once(self) -> int:
        """How many epochs may be drawn ahead."""
        return max(1, _LIMIT // (self.m * max(1, self.p.size)))

    @property
    def rows_at_once(self) -> int:
        """For how many samples masks may be drawn ahead."""
        return max(1, _LIMIT // max(1, self.p.size))

    def order(self) -> Orders:
        """The order of one epoch, (1, m), or None for the rows as they stand."""
        if not self.shuffled:
            return None
        if self.one_list is None:
            return self.random.permutation(self.m).astype(np.int64, copy=False).reshape(1, -1)
        self.one_list.shuffle(self.rows)
        return np.array([self.rows], np.int64)

    def masks(self, rows: int) -> Masks:
        """The masks of the next samples of an epoch, (1, rows, hidden); the same however an epoch is cut into parts."""
        if self.p.size == 0:
            return None
        return np.where(self.random.random((1, rows, self.p.size)) < self.p, self.dtype.type(0), self.stays)

    def epochs(self, count: int) -> tuple[Orders, Masks]:
        """The orders (count, m) and the masks (count, m, hidden) of whole epochs; None where there are none."""
        if isinstance(self.random, np.random.Generator) and self.one_list is None and self.shuffled and not self.p.size:
            # The numbers that as many calls of `order` would draw.
            rows = np.tile(np.arange(self.m, dtype=np.int64), (count, 1))
            return self.random.permuted(rows, axis=1, out=rows), None
        drawn = [(self.order(), self.masks(self.m)) for _ in range(count)] if self.shuffled or self.p.size else []
        orders = [order for order, _ in drawn if order is not None]
        masks = [mask for _, mask in drawn if mask is not None]
        return np.concatenate(orders) if orders else None, np.concatenate(masks) if masks else None
