"""Masks of dropout and DropConnect. Backends are given their definition, and compute them when they need them."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Dropout(NamedTuple):
    """Inverted dropout of the hidden nodes: factors m of their activations, from counter-based random numbers.

        m_sj = 0 if splitmix64(key, s n + j + 1) >> 11 < thresholds_j, else factors_j

    for hidden node j = 0, 1, ... of n, counted through all hidden layers, and sample s, counted from the start of
    training: sample i of epoch e of a call, by its position in the order, is s = first + e m + i.

    thresholds  (n,) integers of 53 bits: a node is dropped with probability thresholds_j / 2^53 = p_j
    factors     (n,) 1 / (1 - p_j) in the network's dtype: the expected activation is the one without dropout
    key         the state of the generator before its first number, 0 <= key < 2^63
    first       the number of a call's first sample

    A node is dropped if its random number in [0, 1), (splitmix64 >> 11) / 2^53, is less than p. Each number is a
    function of its position, so backends compute masks where they need them, in any order. The generator is defined in
    `samenet.reference.dropout`.
    Source: N. Srivastava and others, Dropout: a simple way to prevent neural networks from overfitting (2014), section
    10, for the scaling.
    """

    thresholds: NDArray[np.int64]
    factors: NDArray[Any]
    key: int
    first: int = 0

    @classmethod
    def of(cls, p: NDArray[np.float64], dtype: np.dtype[Any], key: int) -> "Dropout":
        """With probability p_j for each hidden node."""
        return cls(*_of(p.tobytes(), dtype), key)

    def after(self, samples: int) -> "Dropout":
        """The same for a call that begins this number of samples later."""
        return self._replace(first=self.first + samples) if samples else self


class DropConnect(NamedTuple):
    """DropConnect: factors m of the weights, the same for all samples of an update, from the same generator.

        m_w = 0 if splitmix64(key, 2^63 + u n + w + 1) >> 11 < thresholds_l, else factors_l

    for weight w = 0, 1, ... of n, counted row by row through the matrices of all layers, and its layer l; and update u,
    counted from the start of training: batch b of epoch e of a call, in B batches an epoch, is u = first + e B + b.

    thresholds  (layers,) integers of 53 bits: a weight is left out with probability thresholds_l / 2^53 = p_l
    factors     (layers,) 1 / (1 - p_l) in the network's dtype: the expected weight is the one without DropConnect
    key         as for `Dropout`; with the same key, `Dropout` uses other numbers, those before the 2^63-th
    first       the number of a call's first update

    Source: L. Wan, M. Zeiler, S. Zhang, Y. LeCun and R. Fergus, Regularization of neural networks using DropConnect
    (2013). In the paper, each sample has its own mask, as here only in batches of one. The paper does not scale kept
    weights, and samples the mean over masks in inference; here the factors make the expected weights equal to the
    unmasked ones.
    """

    thresholds: NDArray[np.int64]
    factors: NDArray[Any]
    key: int
    first: int = 0

    @classmethod
    def of(cls, p: NDArray[np.float64], dtype: np.dtype[Any], key: int) -> "DropConnect":
        """With probability p_l for each layer of weights."""
        return cls(*Dropout.of(p, dtype, key))

    def after(self, updates: int) -> "DropConnect":
        """The same for a call that begins this number of updates later."""
        return self._replace(first=self.first + updates) if updates else self


@lru_cache(64)
def _of(p: bytes, dtype: np.dtype[Any]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Thresholds and factors. They are shared by many short training runs, so they must not be changed."""
    given = np.frombuffer(p)
    return np.ceil(np.ldexp(given, 53)).astype(np.int64), (1 / (1 - given)).astype(dtype)
