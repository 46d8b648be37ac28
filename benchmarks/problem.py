"""What is computed, in terms that no library owns: a forward pass, or updates by gradient descent.

Both come with samenet's own network, which holds the numbers to begin with and is what answers are checked against.
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

    run     what is timed; it begins at the same weights every time, and has done all of its work when it returns
    read    from what `run` returned to an array: outputs, or all parameters as one vector in samenet's order. Not timed
    looser  an error that is allowed in any case, for a library that computes less exactly by design
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
        """Its samples: what its time is proportional to."""
        return len(self.rows)

    def part(self, amount: int) -> "Forward":
        """Its first samples."""
        return self if self.x.ndim == 1 else replace(self, x=self.x[:amount])


@dataclass(frozen=True)
class Descent:
    """theta := theta - alpha dJ/dtheta with J = 1/2 ||y - h||^2, for one batch of rows after the other.

    X (m, n_in), Y (m, n_out), m a multiple of batch_size; all rows `passes` times, in their order. The gradient is the
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
        """What the sum of the gradients of a batch is multiplied by."""
        return self.alpha / self.batch_size if self.reduction == "mean" else self.alpha

    @property
    def batches(self) -> int:
        """Batches in a pass."""
        return len(self.X) // self.batch_size

    @property
    def amount(self) -> int:
        """Its updates: what its time is proportional to."""
        return self.passes * self.batches

    def part(self, amount: int) -> "Descent":
        """The first so many updates: of the passes, or of the batches of the first pass."""
        if amount >= self.amount:
            return self
        if amount >= self.batches:
            return replace(self, passes=amount // self.batches)
        rows = amount * self.batch_size
        return replace(self, X=self.X[:rows], Y=self.Y[:rows], passes=1)


def cast(task: Forward | Descent, dtype: str, threads: int) -> Forward | Descent:
    """The same task with its numbers rounded to a dtype, for so many threads."""
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
    """A call that is known to be one, and not the reason why there is none."""
    assert isinstance(made, Call)
    return made
