"""The inputs of the catalogue's tasks: networks that do not saturate, digits, images, the 11 lines, all settings.

Forward passes use a network whose layers do not saturate. Training begins with the initial weights of its source.
"""

import os
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.problem import Array, Descent, Forward, Many
from samenet import data
from samenet.backends import backend
from samenet.compare import cases
from samenet.network import Network


def forward(sizes: tuple[int, ...], rows: int | None = None) -> Forward:
    """One sample, or a batch."""
    network, X, _ = cases.example(sizes, rows or 1)
    return Forward(network, X[0] if rows is None else X)


def descent(
    sizes: tuple[int, ...], rows: int, size: int, *, alpha: float = 0.25, passes: int = 1, images: bool = False
) -> Descent:
    """Updates with batches of this size; `images`: whether inputs are as sparse as MNIST's."""
    network, X, Y = cases.example(sizes, rows)
    if images:
        X = np.abs(X) * (np.random.default_rng(1).random(X.shape) < ink(sizes[0]))
    return Descent(network, X, Y, alpha, size, passes)


_OF_UPDATES = {field.name for field in fields(Descent)}
_OUTPUTS = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}  # squared error: any, sigmoids here
_WORK, _UPDATES = 3e8, 320  # per call: about 20 ms of arithmetic, or this number of updates, whichever is less


def with_settings(sizes: tuple[int, ...], hidden: str, output: str, **settings: Any) -> Network:
    """The network of `cases.example` with other activations, and settings of `Network`."""
    example = cases.example(sizes, 1)[0]
    names, reference = [*[hidden] * (len(sizes) - 2), output], backend("reference").Network
    made: Network = reference(sizes, weights=example.weights, biases=example.biases, activation=names, **settings)
    return made


def batch(sizes: tuple[int, ...], rows: int, hidden: str = "sigmoid", output: str = "sigmoid") -> Forward:
    """A batch through a network with these activations."""
    return Forward(with_settings(sizes, hidden, output), cases.example(sizes, rows)[1])


def training(
    sizes: tuple[int, ...],
    rows: int,
    size: int,
    rule: str = "descent",
    *,
    hidden: str = "sigmoid",
    output: str = "",
    cost: str = "squared_error",
    weighted: bool = False,
    **options: Any,
) -> Descent:
    """Updates with shuffled batches of this size, for as many passes as take some milliseconds; 784 inputs are an
    image.

    Targets are classes for a softmax, labels 0 or 1 for cross-entropies of sigmoids, numbers for the squared error. A
    full batch is not shuffled. weighted: whether samples have weights. options: of the network, or of `Descent`.
    """
    output = output or _OUTPUTS.get(cost, "sigmoid")
    X, Y = cases.example(sizes, rows)[1:]
    if sizes[0] == 784:
        X = np.abs(X) * (np.random.default_rng(1).random(X.shape) < ink(784))
    if cost == "cross_entropy":
        Y = np.eye(sizes[-1])[np.arange(rows) % sizes[-1]]
    elif cost == "binary_cross_entropy":
        Y = np.round(Y) if sizes[-1] > 1 else np.arange(rows)[:, None] % 2.0  # both labels among the first rows
    network = with_settings(
        sizes, hidden, output, cost=cost, **{k: v for k, v in options.items() if k not in _OF_UPDATES}
    )
    work = 3 * rows * network.parameters.size
    passes = int(max(2, min(_UPDATES * size // rows, _WORK // work)))
    given = {key: value for key, value in options.items() if key in _OF_UPDATES}
    weights = np.random.default_rng(2).random(rows) if weighted else None
    return Descent(*(network, X, Y, 0.001, size, passes), rule=rule, shuffle=size < rows, weights=weights, **given)


def many(count: int, sizes: tuple[int, ...], rows: int, size: int, rule: str, passes: int) -> Many:
    """The same training for this number of networks, unshuffled, each from its own weights."""
    random, reference = np.random.default_rng(2026), backend("reference").Network
    networks = tuple(reference(sizes, seed=random) for _ in range(count))
    X, Y = cases.example(sizes, rows)[1:]
    return Many(Descent(networks[0], X, Y, 0.001, size, passes, rule=rule), networks)


def eleven_lines(passes: int) -> Descent:
    """Tutorial 004's full-batch training on its four samples."""
    network, X, Y = cases.eleven_lines_problem()
    return Descent(network, X, Y, 1.0, len(X), passes=passes, reduction="sum")


def digits(passes: int) -> Descent:
    """Tutorial 000's full-batch training on its 1078 digits."""
    network, split, Y = cases.tutorial_digits()
    return Descent(network, np.ascontiguousarray(split.X_train), Y, 0.25, len(Y), passes=passes)


@cache
def ink(pixels: int) -> Array:
    """How often each pixel of a synthetic image is nonzero: a third never are, and 19 % on average, as in MNIST."""
    often = np.linspace(-1.0, 2.0, pixels).clip(0.0)
    return often * (0.19 / often.mean())


def mnist() -> tuple[str, Array, Array, Array]:
    """The source, then 50,000 training images, their targets, and 10,000 other images; pixels from 0 to 1.

    MNIST if SAMENET_DATA has it, else random images that are as sparse, in similar places.
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


def images() -> Forward:
    """10,000 images forward."""
    return Forward(cases.example((784, 30, 10), 1)[0], mnist()[3])


def images_by_10(rows: int) -> Descent:
    """An epoch of this many images in batches of 10, from Nielsen's initial weights."""
    _, X, Y, _ = mnist()
    network = backend("reference").Network([784, 30, 10], init="normal", seed=np.random.RandomState(0))
    return Descent(network, X[:rows], Y[:rows], 3.0, 10)
