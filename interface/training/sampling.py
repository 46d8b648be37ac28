"""The random draws of training: the key of the masks, and for each epoch the order of the samples.

With adaptive sampling, a random number from [0, 1) for each draw takes the place of the order.
"""

import copy
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends.dropout import DropConnect, Dropout

Random = np.random.Generator | np.random.RandomState | random.Random
Orders = NDArray[Any] | None

MOST_DRAWN = 1 << 20  # numbers drawn ahead for one backend call


def is_stream(seed: Any) -> bool:
    """Whether a seed is a stream, from which training continues to draw."""
    return seed is not None and not isinstance(seed, int) and isinstance(seed, Random)


def numpy_stream(stream: Random) -> np.random.Generator | np.random.RandomState:
    """A NumPy stream as it is; for a `random.Random`, a new one seeded by a copy of it, which does not advance it."""
    if not isinstance(stream, random.Random):
        return stream
    return np.random.default_rng(copy.copy(stream).getrandbits(64))


class Draws:
    """The random numbers of a training run, from one stream: the key of its masks, then the order of every epoch.

    m         the number of samples
    shuffled  whether each epoch visits the samples in a random order
    dropout   the probability p that a node is dropped, for every hidden node, (hidden,); empty for no dropout
    drop_connect  likewise for a weight, for every layer of weights; empty for none
    batch_size    the number of samples of an update
    sampled       whether an epoch has random numbers from [0, 1), one for each draw of a row, instead of an order

    A `random.Random` shuffles the same list again in each epoch, starting from the order of the last, as in Nielsen's
    network.py; `random.seed(s)` there is `random.Random(s)` here. The key then comes from `numpy_stream`.
    No mask is drawn here: `dropout` and `drop_connect`, None where nothing is left out, define them.
    """

    def __init__(
        self,
        stream: Random,
        m: int,
        shuffled: bool,
        dropout: NDArray[np.float64],
        dtype: Any,
        drop_connect: Sequence[float] = (),
        batch_size: int = 1,
        sampled: bool = False,
    ) -> None:
        self.m, self.shuffled, self.batch_size, self.sampled = m, shuffled, batch_size, sampled
        self.python_random = stream if isinstance(stream, random.Random) else None
        self.rows = [] if self.python_random is None else list(range(m))
        self.random = numpy_stream(stream)
        key = _key(self.random) if dropout.size or drop_connect else 0
        self.dropout = Dropout.of(dropout, np.dtype(dtype), key) if dropout.size else None
        self.drop_connect = DropConnect.of(np.array(drop_connect), np.dtype(dtype), key) if drop_connect else None

    @property
    def epochs_at_once(self) -> int:
        """The number of epochs that may be drawn ahead."""
        return max(1, MOST_DRAWN // self.m)

    def masks(self, epochs: int, start: int = 0) -> dict[str, Any]:
        """The definition of the masks, as arguments of a backend call that begins after so many epochs and samples."""
        given: dict[str, Any] = {}
        if self.dropout is not None:
            given["dropout"] = self.dropout.after(epochs * self.m + start)
        if self.drop_connect is not None:
            updates = -(-self.m // self.batch_size)  # of an epoch
            given["drop_connect"] = self.drop_connect.after(epochs * updates + start // self.batch_size)
        return given

    def order(self) -> Orders:
        """The order of one epoch, (1, m), or None if samples are not shuffled."""
        if self.sampled:
            return self._numbers(1)
        if not self.shuffled:
            return None
        if self.python_random is None:
            return self.random.permutation(self.m).astype(np.int64, copy=False).reshape(1, -1)
        self.python_random.shuffle(self.rows)
        return np.array([self.rows], np.int64)

    def epochs(self, count: int) -> Orders:
        """The orders of the next epochs, (count, m), or None if samples are not shuffled."""
        if self.sampled:
            return self._numbers(count)
        if not self.shuffled:
            return None
        if count != 1 and self.python_random is None and isinstance(self.random, np.random.Generator):
            # The same random numbers as in `count` calls of `order`.
            rows = np.empty((count, self.m), np.int64)
            rows[:] = np.arange(self.m)
            return self.random.permuted(rows, axis=1, out=rows)
        orders = [order for _ in range(count) if (order := self.order()) is not None]
        return orders[0] if count == 1 else np.concatenate(orders)

    def _numbers(self, epochs: int) -> NDArray[np.float64]:
        if self.python_random is None:
            return self.random.random((epochs, self.m))
        return np.array([[self.python_random.random() for _ in range(self.m)] for _ in range(epochs)])


def _key(random: np.random.Generator | np.random.RandomState) -> int:
    if isinstance(random, np.random.Generator):
        return int(random.integers(2**63))
    return int(random.randint(2**63, dtype=np.uint64))
