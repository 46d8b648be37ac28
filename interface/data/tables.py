"""The small tables of the tutorials: a few rows X (m, n_in) with their targets Y (m, n_out), new arrays each time.

===============  =================================================  ==========================
xor()            exclusive or of two inputs                         tutorial 002
or_()            or of two inputs                                   tutorial 002
xor3()           exclusive or, the third input always 1             tutorials 002 and 004
first3()         the first of three inputs, the third always 1      tutorial 004, two layers
opposites()      the first of two inputs that are never the same    tutorial 004, part 2
scores()         test scores after hours of sleep and of study      tutorial 003
===============  =================================================  ==========================

An input that is always 1 takes the place of biases in networks without them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Table(NamedTuple):
    """Samples X (m, n_in) and their targets Y (m, n_out)."""

    X: NDArray[np.float64]
    Y: NDArray[np.float64]


class Scores(NamedTuple):
    """Hours of sleep and of study X (3, 2), test scores in percent Y (3, 1), and the hours asked about, (1, 2)."""

    X: NDArray[np.float64]
    Y: NDArray[np.float64]
    query: NDArray[np.float64]


def _table(X: list[list[int]], y: list[int]) -> Table:
    return Table(np.array(X, np.float64), np.array(y, np.float64).reshape(-1, 1))


def xor() -> Table:
    """Exclusive or: 1 where one of two inputs is 1, but not both."""
    return _table([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0])


def or_() -> Table:
    """Or: 1 where one of two inputs is 1, or both."""
    return _table([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 1])


def xor3() -> Table:
    """Exclusive or of the first two inputs; the third is always 1.

    Source: tutorial 004 (docs/sources.md), the "3 layer network"; tutorial 002, the class without bias.
    """
    return _table([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], [0, 1, 1, 0])


def first3() -> Table:
    """The first of three inputs, which one node can learn; the third is always 1.

    Source: tutorial 004 (docs/sources.md), the "2 layer network".
    """
    return _table([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], [0, 0, 1, 1])


def opposites() -> Table:
    """The first of two inputs of which one is 1 and the other 0, each row twice.

    Source: tutorial 004 (docs/sources.md), part 2, the network whose error is drawn over its two weights.
    """
    return _table([[0, 1], [0, 1], [1, 0], [1, 0]], [0, 0, 1, 1])


def scores() -> Scores:
    """Test scores after hours of sleep and of study, and the hours whose score is to be predicted, all unscaled.

    The tutorial scales the hours as `max_scaler(X)` does, and the scores as `constant_scaler(100)` does.
    Source: tutorial 003 (docs/sources.md).
    """
    X, Y, query = [[3, 5], [5, 1], [10, 2]], [[75], [82], [93]], [[8, 3]]
    return Scores(np.array(X, np.float64), np.array(Y, np.float64), np.array(query, np.float64))
