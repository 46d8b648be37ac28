"""The random draws of training: the key of the masks, and for each epoch the order of the samples.

With adaptive sampling, a random number from [0, 1) for each draw takes the place of the order.
"""

import copy
import os
import random
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends.dropout import DropConnect, Dropout
from samenet.validation import checks

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
    A seed is a stream that is made when first used, which takes longer than a short training; without one, the key is
    random. No mask is drawn here: `dropout` and `drop_connect`, None where nothing is left out, define them.
    """

    def __init__(
        self,
        stream: Random | int | None,
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
        self._random, self._seed = None, stream
        if isinstance(stream, Random):
            self._random, self._seed = numpy_stream(stream), None
        self._has_key, key = bool(dropout.size or drop_connect), 0
        if self._has_key:
            key = key_of(stream) if self._random is None else _key(self._random)
        self.dropout = Dropout.of(dropout, np.dtype(dtype), key) if dropout.size else None
        self.drop_connect = DropConnect.of(np.array(drop_connect), np.dtype(dtype), key) if drop_connect else None

    @property
    def random(self) -> np.random.Generator | np.random.RandomState:
        """The stream of the orders; if it was given as a seed, it is made when first used."""
        if self._random is None:
            self._random = checks.generator("seed", self._seed)
            if self._has_key:
                _key(self._random)  # drawn before the orders
        return self._random

    @random.setter
    def random(self, stream: np.random.Generator | np.random.RandomState) -> None:
        self._random = stream

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
        if count == 1 or not (self.shuffled or self.sampled):
            return self.order()
        if self.sampled:
            return self._numbers(count)
        if self.python_random is None and isinstance(self.random, np.random.Generator):
            # The same random numbers as in `count` calls of `order`.
            rows = np.empty((count, self.m), np.int64)
            rows[:] = np.arange(self.m)
            return self.random.permuted(rows, axis=1, out=rows)
        return np.concatenate([order for _ in range(count) if (order := self.order()) is not None])

    def _numbers(self, epochs: int) -> NDArray[np.float64]:
        if self.python_random is None:
            return self.random.random((epochs, self.m))
        return np.array([[self.python_random.random() for _ in range(self.m)] for _ in range(epochs)])


def _key(random: np.random.Generator | np.random.RandomState) -> int:
    if isinstance(random, np.random.Generator):
        return int(random.integers(2**63))
    return int(random.randint(2**63, dtype=np.uint64))


def key_of(seed: Any) -> int:
    """The key from the stream of this seed, or a random one."""
    return int.from_bytes(os.urandom(8)) >> 1 if seed is None else _key_of_number(seed)


@lru_cache(4096)
def _key_of_number(seed: int) -> int:
    return _key(checks.generator("seed", seed))
