"""Library-independent tasks: a forward pass, or updates by gradient descent.

Both come with a samenet network, which holds the initial parameters and whose answers are the expected ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.backends import backend
from samenet.network import Network

Array = NDArray[Any]


class Call(NamedTuple):
    """A contender, ready to be timed.

    run     what is timed; it starts from the same weights every time, and all of its work is done when it returns
    read    converts the result of `run`, untimed: outputs, or all parameters as one vector in samenet's order
    looser  an error that is always allowed, for a library that is less accurate by design
    note    what a reader has to know
    """

    run: Callable[[], Any]
    read: Callable[[Any], Array]
    looser: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class Forward:
    """The output of a network of sigmoids for x: (n_in,), one sample, or (m, n_in), a batch."""

    network: Network
    x: Array
    threads: int = 1

    @property
    def rows(self) -> Array:
        """x as (m, n_in)."""
        return np.atleast_2d(self.x)

    @property
    def amount(self) -> int:
        """The number of samples, to which its time is proportional."""
        return len(self.rows)

    def part(self, amount: int) -> "Forward":
        """Its first samples."""
        return self if self.x.ndim == 1 else replace(self, x=self.x[:amount])


@dataclass(frozen=True)
class Descent:
    """theta := theta - alpha dJ/dtheta with J = 1/2 ||y - h||^2, one batch of rows after the other.

    X (m, n_in), Y (m, n_out), m a multiple of batch_size; `passes` passes over all rows, in order. The gradient is the
    mean over a batch, or the sum.
    """

    network: Network
    X: Array
    Y: Array
    alpha: float
    batch_size: int
    passes: int = 1
    reduction: str = "mean"
    threads: int = 1

    @property
    def rate(self) -> float:
        """The factor for the sum of the gradients of a batch."""
        return self.alpha / self.batch_size if self.reduction == "mean" else self.alpha

    @property
    def batches(self) -> int:
        """Batches in a pass."""
        return len(self.X) // self.batch_size

    @property
    def amount(self) -> int:
        """The number of updates, to which its time is proportional."""
        return self.passes * self.batches

    def part(self, amount: int) -> "Descent":
        """The first `amount` updates: whole passes, or batches of the first pass."""
        if amount >= self.amount:
            return self
        if amount >= self.batches:
            return replace(self, passes=amount // self.batches)
        rows = amount * self.batch_size
        return replace(self, X=self.X[:rows], Y=self.Y[:rows], passes=1)


def cast(task: Forward | Descent, dtype: str, threads: int) -> Forward | Descent:
    """The same task rounded to a dtype, for a number of threads."""
    network = in_dtype(task.network, dtype)
    if isinstance(task, Forward):
        return Forward(network, task.x.astype(dtype, copy=False), threads)
    X, Y = (a.astype(dtype, copy=False) for a in (task.X, task.Y))
    return replace(task, network=network, X=X, Y=Y, threads=threads)


def in_dtype(network: Network, dtype: str, name: str = "reference") -> Network:
    """A network with the same numbers, rounded to a dtype, on a backend."""
    cls: type[Network] = backend(name).Network
    settings: dict[str, Any] = {"bias": network.bias, "dtype": dtype}
    biases = network.biases if network.bias else None
    return cls(network.sizes, weights=network.weights, biases=biases, **settings)


def flat(network: Network, weights: Sequence[Any], biases: Sequence[Any]) -> Array:
    """Matrices (n_out, n_in) and vectors (n_out,) as one vector, in samenet's order."""
    other = network.copy()
    for place, given in zip((*other.weights, *other.biases), (*weights, *biases), strict=True):
        place[:] = np.asarray(given).reshape(place.shape)
    return other.parameters


def ready(made: Call | str) -> Call:
    """Assert that it is a call, and not the reason why there is none."""
    assert isinstance(made, Call)
    return made
