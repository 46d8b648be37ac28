"""Masks of dropout and DropConnect: random numbers that are functions of a key and a counter."""

from collections.abc import Sequence
from typing import Any

_WORD = 2**64 - 1  # arithmetic is modulo 2^64


def splitmix64(key: int, n: int) -> int:
    """The n-th 64-bit number, n = 1, 2, ..., of the generator whose initial state is `key`.

    For each number, the state grows by the odd integer nearest to 2^64 / golden ratio, and is mixed by two rounds of
    shift, exclusive or and multiplication.
    Source: G. L. Steele, D. Lea and C. H. Flood, Fast splittable pseudorandom number generators (2014), with the
    constants of Java's SplittableRandom (D. Stafford's variant 13).

    >>> splitmix64(1234567, 1)
    6457827717110365317
    """
    z = (key + n * 0x9E3779B97F4A7C15) & _WORD
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _WORD
    return z ^ (z >> 31)


def mask(dropout: Any, sample: int) -> list[float]:
    """The factors of all hidden nodes for a sample of a call: 0 for a dropped node, else 1 / (1 - p).

    dropout: an object with `thresholds`, `factors`, `key` and `first`; see `samenet.backends.dropout.Dropout`.
    """
    factors = []
    for j in range(len(dropout.factors)):
        n = (dropout.first + sample) * len(dropout.factors) + j + 1
        dropped = splitmix64(dropout.key, n) >> 11 < dropout.thresholds[j]
        factors.append(0.0 if dropped else float(dropout.factors[j]))
    return factors


def weight_masks(drop_connect: Any, update: int, weights: Sequence[Any]) -> list[list[list[float]]]:
    """The factors of all weights for an update of a call: 0 for a weight that is left out, else 1 / (1 - p).

    drop_connect: an object with the same attributes; see `samenet.backends.dropout.DropConnect`.
    """
    n = (drop_connect.first + update) * sum(len(W) * len(W[0]) for W in weights)
    masks = []
    for l in range(len(weights)):
        factors = []
        for i in range(len(weights[l])):
            factors.append([0.0] * len(weights[l][i]))
            for j in range(len(weights[l][i])):
                n += 1
                if splitmix64(drop_connect.key, 2**63 + n) >> 11 >= drop_connect.thresholds[l]:
                    factors[i][j] = float(drop_connect.factors[l])
        masks.append(factors)
    return masks
