"""Dropout masks as backends are given them: by their definition, so that none is drawn ahead or stored."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Dropout(NamedTuple):
    """Inverted dropout of the hidden nodes: factors m of their activations, from numbers that a counter defines.

        m_sj = 0 if splitmix64(key, s n + j + 1) >> 11 < thresholds_j, else factors_j

    for hidden node j = 0, 1, ... of n, counted through all hidden layers, and sample s, counted from the start of
    training: sample i of epoch e of a call, by its position in the order, is s = first + e m + i.

    thresholds  (n,) integers of 53 bits: a node is dropped with probability thresholds_j / 2^53 = p_j
    factors     (n,) 1 / (1 - p_j) in the network's dtype: the expected activation is the one without dropout
    key         the state of the generator before its first number, 0 <= key < 2^63
    first       the number of a call's first sample

    A node is dropped if its random number in [0, 1), (splitmix64 >> 11) / 2^53, is less than p. As each number is a
    function of its place, backends work masks out where they need them, in any order. The generator is defined in
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
        return cls(np.ceil(np.ldexp(p, 53)).astype(np.int64), (1 / (1 - p)).astype(dtype), key)

    def after(self, samples: int) -> "Dropout":
        """The same for a call that begins so many samples later."""
        return self._replace(first=self.first + samples)
