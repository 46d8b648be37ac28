"""The state of an optimizer's rule, which backends are given and change in training."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.model.parameters import Parameters


class State:
    """A rule's state, which persists between updates; backends change it in place.

    values  (k, size): one row, laid out as theta, for each of the rule's k state arrays; all start at zero
    arrays  the rows as `Parameters`, with `.weights` and `.biases`
    t       the number of updates so far
    prepared  memory that a backend keeps between calls, under its own keys
    made    the rows, if they have been requested or a backend has created them; otherwise None
    is_finite  whether all parameters are finite after the last update; None if the backend has not checked
    """

    is_finite: bool | None = None

    def __init__(self, count: int, theta: Parameters) -> None:
        self.count, self.t = count, 0
        self.prepared: dict[tuple[Any, ...], Any] = {}
        self._theta = theta
        self.made: NDArray[Any] | None = None

    @property
    def values(self) -> NDArray[Any]:
        """The rows; zeros unless a backend has created them."""
        if self.made is None:
            self.made = np.zeros((self.count, self._theta.flat.size), self._theta.flat.dtype)
        return self.made

    @values.setter
    def values(self, rows: NDArray[Any]) -> None:
        self.made = rows

    @cached_property
    def arrays(self) -> tuple[Parameters, ...]:
        """The rows as parameters."""
        return tuple(map(self._theta.like, self.values))
