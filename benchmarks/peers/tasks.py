"""The cases: what is computed, by which network, on which data; and the reference's answer to a part of each.

A sample or a batch goes forward through a network whose layers do not saturate. Training begins at the weights that its
source has, and is checked, over a few updates, from weights that do not saturate: a check proves little where they do.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from peers.problem import Array, Descent, Forward
from samenet import data
from samenet.backends import backend
from samenet.compare import cases
from samenet.network import Network
from samenet.testing import tolerance
from samenet.testing.tolerance import Comparison

_CHECKED_ROWS, _CHECKED_UPDATES = 20, 3

# An error in the parameters grows by what an update multiplies it with, the norm of I - alpha H: with steps that
# descend it is about 1, and a few updates have ten times its sum as room.
_GROWTH = 10.0


@dataclass(frozen=True)
class Operation:
    """A case of the list.

    make     the task, in float64 on one thread
    counted  the updates that the time is given for; 0 for a forward pass
    threads  whether there is a batch that threads could share
    single   whether it is measured in float32 too
    """

    network: str
    operation: str
    make: Callable[[bool], Forward | Descent]
    counted: int = 0
    threads: bool = True
    single: bool = True

    def task(self, quick: bool, dtype: str, threads: int) -> Forward | Descent:
        """The task in a dtype, for so many threads."""
        return cast(self.make(quick), dtype, threads)


def cast(task: Forward | Descent, dtype: str, threads: int) -> Forward | Descent:
    """The same task with its numbers rounded to a dtype."""
    network = _in(task.network, dtype)
    if isinstance(task, Forward):
        return Forward(network, task.x.astype(dtype, copy=False), threads)
    X, Y = (a.astype(dtype, copy=False) for a in (task.X, task.Y))
    return replace(task, network=network, X=X, Y=Y, threads=threads)


def _in(network: Network, dtype: str) -> Network:
    biases = network.biases if network.bias else None
    cls: type[Network] = backend("reference").Network
    settings: dict[str, Any] = {"bias": network.bias, "dtype": dtype}
    return cls(network.sizes, weights=network.weights, biases=biases, **settings)


def _one(sizes: tuple[int, ...], quick: bool) -> Forward:
    network, X, _ = cases.example(sizes, 1)
    return Forward(network, X[0])


def _batch(sizes: tuple[int, ...], quick: bool) -> Forward:
    network, X, _ = cases.example(sizes, 10_000)
    return Forward(network, X)


@cache
def ink(pixels: int) -> Array:
    """How often a pixel of a made-up image is not zero: a third never is, and 19 % are on average, as in MNIST."""
    often = np.linspace(-1.0, 2.0, pixels).clip(0.0)
    return often * (0.19 / often.mean())


def mnist() -> tuple[str, Array, Array, Array]:
    """Where they come from, then 50,000 images to train on, their targets, 10,000 other images; pixels from 0 to 1.

    MNIST where SAMENET_DATA has it. Otherwise random pixels of which as many are zero, at places as alike.
    """
    home = os.environ.get("SAMENET_DATA")
    for folder in (Path(home), Path(home) / "mnist") if home else ():
        try:
            parts = data.mnist(folder)
        except FileNotFoundError:
            continue
        X = np.ascontiguousarray(parts.X_train)
        return "MNIST", X, data.one_hot(parts.y_train, 10), np.ascontiguousarray(parts.X_test)
    random = np.random.default_rng(2026)
    X = random.random((60_000, 784))
    X *= random.random(X.shape, np.float32) < ink(784)
    return "made up, as sparse as MNIST", X[:50_000], data.one_hot(random.integers(0, 10, 50_000), 10), X[50_000:]


def _images(quick: bool) -> Forward:
    return Forward(cases.example((784, 30, 10), 1)[0], mnist()[3])


def _digits(quick: bool) -> Descent:
    network, split, Y = cases.tutorial_digits()
    return Descent(network, np.ascontiguousarray(split.X_train), Y, 0.25, len(Y), passes=5 if quick else 50)


def _epoch(quick: bool) -> Descent:
    _, X, Y, _ = mnist()
    rows = 2_000 if quick else len(X)
    network = backend("reference").Network([784, 30, 10], init="normal", seed=np.random.RandomState(0))
    return Descent(network, X[:rows], Y[:rows], 3.0, 10)


def _eleven_lines(quick: bool) -> Descent:
    network, X, Y = cases.eleven_lines_problem()
    return Descent(network, X, Y, 1.0, len(X), passes=60_000, reduction="sum")


def _online(quick: bool) -> Descent:
    network, X, Y = cases.example((2, 3, 2), 60_000)
    return Descent(network, X, Y, 0.125, 1)


OPERATIONS = (
    *(
        Operation(cases.title(sizes), "one sample", partial(_one, sizes), threads=False, single=False)
        for sizes in ((3, 3, 1), (3, 3, 3, 1), (100, 100, 50, 10))
    ),
    Operation("100-100-50-10", "batch of 10,000", partial(_batch, (100, 100, 50, 10))),
    Operation("784-30-10", "batch of 10,000 images", _images),
    Operation("64-30-10", "full-batch step, 1078 digits", _digits, counted=1),
    Operation("784-30-10", "epoch of 50,000 images by 10", _epoch, counted=5_000),
    Operation("3-4-1", "11 lines, 60,000 full-batch steps", _eleven_lines, counted=60_000, threads=False),
    Operation("2-3-2", "online, 60,000 samples", _online, counted=60_000, threads=False),
)


def few(task: Forward | Descent) -> Forward | Descent:
    """What is checked: all of a forward pass, or a few updates from weights that do not saturate, on a few rows."""
    if isinstance(task, Forward):
        return task
    safe = cases.example(task.network.sizes, 1)[0] if task.network.bias else task.network
    rows = min(task.batch_size, 5 * _CHECKED_ROWS)
    m = rows * min(task.batches, _CHECKED_UPDATES)
    X, Y, passes = task.X[:m], task.Y[:m], min(task.passes, _CHECKED_UPDATES)
    network = _in(safe, task.network.dtype.name)
    return replace(task, network=network, X=X, Y=Y, batch_size=rows, passes=passes)


class Expected:
    """The reference's answer to `few` of a task, and how far another may be from it."""

    def __init__(self, task: Forward | Descent) -> None:
        found = few(task)
        self.dtype = task.network.dtype
        self.places: slice | Array = slice(None)
        if isinstance(found, Forward):
            if found.x.ndim > 1:
                self.places = np.linspace(0, len(found.x) - 1, _CHECKED_ROWS).astype(int)
            x = found.x[self.places]
            self.values, self.allowed = found.network.predict(x), tolerance.forward(found.network.model, x)[-1]
            self.shape = (*found.x.shape[:-1], found.network.sizes[-1])
        else:
            self.values, self.allowed = _descended(found)
            self.shape = self.values.shape

    def compare(self, answer: Array, looser: float) -> Comparison:
        """An answer against it."""
        if answer.shape != self.shape:
            return tolerance.compare(answer, np.empty(self.shape), 0.0)
        allowed = np.maximum(self.allowed, looser)
        return tolerance.compare(answer[self.places], self.values, allowed, dtype=self.dtype)


def _descended(task: Descent) -> tuple[Array, Array]:
    """Where the reference's updates end, and what is allowed: the updates' own bounds, added up, with room to grow."""
    network, allowed = task.network.copy(), np.zeros(task.network.parameters.shape)
    for _ in range(task.passes):
        for start in range(0, len(task.X), task.batch_size):
            x, y = (a[start : start + task.batch_size] for a in (task.X, task.Y))
            allowed += tolerance.update(network.model, x, y, task.alpha, task.reduction)
            network.train(x, y, alpha=task.alpha, epochs=1, reduction=task.reduction, record_every=0)
    return network.parameters, _GROWTH * allowed


def work(sizes: tuple[int, ...], samples: int, updates: int = 0) -> dict[str, float]:
    """Multiply-adds and sigmoids of a forward pass of so many samples, or of training that sees so many in its updates.

    With P = sum n_in n_out over the layers: P a sample forward. To train, P for the gradient with respect to weights,
    P without its first term for that with respect to the layers, and P for each update. A sigmoid for each node after
    the input, and sample.
    """
    products = [a * b for a, b in pairwise(sizes)]
    P = sum(products)
    each = 3 * P - products[0] if updates else P
    return {"multiply_adds": float(samples * each + updates * P), "sigmoids": float(samples * sum(sizes[1:]))}


def work_counted(task: Forward | Descent, counted: int) -> dict[str, float]:
    """The work of a task's case: of a forward pass, or of as many updates as its time is given for."""
    sizes = task.network.sizes
    return work(sizes, task.amount) if isinstance(task, Forward) else work(sizes, counted * task.batch_size, counted)
