"""Library-independent tasks: a forward pass, one gradient, updates of a network, or updates of many networks.

All come with a samenet network, which holds the settings and initial parameters; its answers are the expected ones.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.backends import backend
from samenet.network import Network

Array = NDArray[Any]
SEED = 0  # for orders and masks


class Call(NamedTuple):
    """A contender, ready to be timed.

    run     the timed function; it starts from the same weights every time, and all of its work is done when it returns;
            if it is `Prepared`, only the second part is timed
    read    converts the result of `run`, untimed: outputs, or all parameters as one vector in samenet's order, or their
            gradient and the cost
    looser  an error that is always allowed, for a library that is less accurate by design; infinite for one that draws
            its own dropout masks, where only the shape and dtype of the answer can be compared
    note    a note for the reader
    """

    run: Callable[[], Any]
    read: Callable[[Any], Array]
    looser: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class Forward:
    """The output of a network for x: (n_in,), one sample, or (m, n_in), a batch."""

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
        """The first samples."""
        return self if self.x.ndim == 1 else replace(self, x=self.x[:amount])


@dataclass(frozen=True)
class Gradient:
    """The mean cost of a batch with its penalties, and its gradient: X (m, n_in), Y (m, n_out)."""

    network: Network
    X: Array
    Y: Array
    threads: int = 1

    @property
    def amount(self) -> int:
        """The number of samples."""
        return len(self.X)

    def part(self, amount: int) -> "Gradient":
        """All of it: the gradient of fewer samples is another."""
        return self


@dataclass(frozen=True)
class Descent:
    """Updates by a rule, one batch of rows after the other: theta := theta - alpha dJ/dtheta for "descent".

    X (m, n_in), Y (m, n_out), m a multiple of batch_size; `passes` passes over all rows, in order, or shuffled in each
    pass. J is the network's cost with its penalties; the gradient of the cost is the mean over a batch, or the sum.

    rule     "descent", "momentum", "nesterov", "rmsprop" or "adam", with the constants of `samenet.optimizers`
    dropout  the probability that a hidden node is dropped
    shuffle  whether each pass has a different order, see `orders`
    drop_connect  the probability that a weight is left out
    clip_value, clip_norm  the limits of the gradient's entries, and then of its norm
    decay    the learning rate of pass e, from 0, is alpha / (1 + decay e)
    weights  of the rows, (m,), or None
    """

    network: Network
    X: Array
    Y: Array
    alpha: float
    batch_size: int
    passes: int = 1
    reduction: str = "mean"
    threads: int = 1
    rule: str = "descent"
    dropout: float = 0.0
    shuffle: bool = False
    drop_connect: float = 0.0
    clip_value: float = math.inf
    clip_norm: float = math.inf
    decay: float = 0.0
    weights: Array | None = None

    def orders(self) -> Array:
        """The rows of each batch in turn, (passes * batches, batch_size): as samenet draws them from the seed."""
        rows, random = np.tile(np.arange(len(self.X)), (self.passes, 1)), np.random.default_rng(SEED)
        if self.dropout or self.drop_connect:
            random.integers(2**63)  # the key of its masks
        if self.shuffle:
            random.permuted(rows, axis=1, out=rows)
        return rows.reshape(-1, self.batch_size)

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
        return replace(self.of_rows(amount * self.batch_size), passes=1)

    def of_rows(self, rows: int) -> "Descent":
        """The same with the first rows alone."""
        weights = None if self.weights is None else self.weights[:rows]
        return replace(self, X=self.X[:rows], Y=self.Y[:rows], weights=weights)


@dataclass(frozen=True)
class Many:
    """The same training for many networks of the same sizes, independently.

    one       the training of the first network
    networks  all networks
    """

    one: Descent
    networks: tuple[Network, ...]

    @property
    def network(self) -> Network:
        """The first network; all have its sizes and settings."""
        return self.one.network

    @property
    def threads(self) -> int:
        """The number of threads that may be used."""
        return self.one.threads

    @property
    def amount(self) -> int:
        """The number of updates of all networks, to which its time is proportional."""
        return len(self.networks) * self.one.amount

    def part(self, amount: int) -> "Many":
        """Fewer networks."""
        return replace(self, networks=self.networks[: max(1, amount // self.one.amount)])

    def each(self) -> list[Descent]:
        """The training of each network."""
        return [replace(self.one, network=network) for network in self.networks]


Task = Forward | Gradient | Descent | Many


def features(task: Task) -> list[str]:
    """The features that a library needs beyond sigmoids, squared error and plain unshuffled descent, one word each."""
    model = task.network.model
    found = [name for name in dict.fromkeys(model.activations) if name != "sigmoid"]
    if isinstance(task, Forward):
        return found
    names, has = [model.cost_function], {"l1": model.l1, "l2": model.l2}
    if not isinstance(task, Gradient):
        one = task.one if isinstance(task, Many) else task
        names, has = [*names, one.rule], {**has, "dropout": one.dropout, "shuffle": one.shuffle, **_options(one)}
    return [
        *found,
        *(name for name in names if name not in ("squared_error", "descent")),
        *(name for name, used in has.items() if used),
    ]


def _options(task: Descent) -> dict[str, object]:
    return {
        "batch_normalization": task.network.model.batch_normalization,
        "drop_connect": task.drop_connect,
        "clip_value": task.clip_value < math.inf,
        "clip_norm": task.clip_norm < math.inf,
        "decay": task.decay,
        "weights": task.weights is not None,
    }


def cast(task: Task, dtype: str, threads: int) -> Task:
    """The same task rounded to a dtype, for a number of threads."""
    if isinstance(task, Many):
        one = cast(task.one, dtype, threads)
        assert isinstance(one, Descent)
        return Many(one, tuple(in_dtype(network, dtype) for network in task.networks))
    network = in_dtype(task.network, dtype)
    if isinstance(task, Forward):
        return Forward(network, task.x.astype(dtype, copy=False), threads)
    X, Y = (a.astype(dtype, copy=False) for a in (task.X, task.Y))
    return replace(task, network=network, X=X, Y=Y, threads=threads)


def in_dtype(network: Network, dtype: str, name: str = "reference") -> Network:
    """A network with the same settings and numbers, rounded to a dtype, on a backend."""
    cls: type[Network] = backend(name).Network
    biases = network.biases if network.bias else None
    return cls(network.sizes, weights=network.weights, biases=biases, dtype=dtype, **network.model.settings)


def flat(network: Network, weights: Sequence[Any], biases: Sequence[Any], gammas: Sequence[Any] = ()) -> Array:
    """Matrices (n_out, n_in), vectors (n_out,) and gammas of batch normalization as one, in samenet's order."""
    other = network.copy()
    gammas_of = [gamma for gamma in other.model.gammas if gamma.size]
    for place, given in zip((*other.weights, *other.biases, *gammas_of), (*weights, *biases, *gammas), strict=True):
        place[:] = np.asarray(given).reshape(place.shape)
    return other.parameters


def ready(made: Call | str) -> Call:
    """The call; asserts that it is not the reason why there is none."""
    assert isinstance(made, Call)
    return made
