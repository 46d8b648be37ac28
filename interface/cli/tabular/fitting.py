"""Training a network on a table."""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.backends import backend as find_backend
from samenet.cli.tabular import files
from samenet.cli.tabular.columns import Category, Column, Number
from samenet.cli.tabular.errors import TableError
from samenet.cli.tabular.figures import Figures, figures
from samenet.cli.tabular.part import Part
from samenet.cli.tabular.preparation import Classes, Preparation
from samenet.cli.tabular.table import Table
from samenet.cli.tabular.task import Task
from samenet.network import Network
from samenet.stopping import Patience
from samenet.training.history import History


class Settings(NamedTuple):
    """The settings of a network for a table and of its training; see `samenet train --help`."""

    backend: str = "numba"
    layers: tuple[int, ...] = (32,)
    activation: str = "relu"
    epochs: int = 200
    batch: int = 32
    alpha: float = 0.01
    l2: float = 0.0
    validation: float = 0.2
    patience: int = 20
    seed: int = 0
    dtype: str = "float64"
    threads: int = 1


class Fitted(NamedTuple):
    """A trained network, its preparation, its history, and its figures on the held-out rows, or on all rows."""

    network: Network
    preparation: Preparation
    history: History
    figures: Figures
    rows: dict[str, int]
    seconds: float


def fit(table: Table, task: Task, settings: Settings, advance: Callable[[int], object] | None = None) -> Fitted:
    """Prepare a table and train with Adam; with held-out rows, until their cost has not fallen for `patience` epochs.

    advance: called with the number of epochs done. Raises TableError if the settings leave no rows, FloatingPointError
    if training diverges.
    """
    random = np.random.default_rng(settings.seed)
    train_rows, valid_rows = _held_out(table, task, settings.validation, random)
    part, held_out = table.only(train_rows), table.only(valid_rows)
    columns = tuple(_column(part, table, name) for name in table.inputs)
    target = (
        Number.of(task.target.name, part.numbers(task.target.name)) if isinstance(task.target, Number) else task.target
    )
    preparation = Preparation(columns, target, table.has_header)
    files.check(preparation, table.part.source)
    X, Y = preparation.X(part), preparation.Y(part)
    network: Network = find_backend(settings.backend).Network(
        [X.shape[1], *settings.layers, Y.shape[1]],
        activation=[*[settings.activation] * len(settings.layers), _output(target)[0]],
        cost=_output(target)[1],
        l2=settings.l2,
        seed=random,
        dtype=settings.dtype,
        threads=settings.threads,
    )
    stop = Patience(preparation.X(held_out), preparation.Y(held_out), settings.patience) if len(valid_rows) else None
    begin = time.perf_counter()
    history = network.train(
        *(X, Y),
        alpha=settings.alpha,
        epochs=settings.epochs,
        batch_size=min(settings.batch, len(X)),
        optimizer="adam",
        stop=stop,
        seed=random,
        record_every=max(1, settings.epochs // 100),
        callback=None if advance is None else lambda _, history: advance(history.epochs_done),
    )
    seconds = time.perf_counter() - begin
    measured = figures(target)
    checked = held_out if len(valid_rows) else part
    measured.add(preparation.Y(checked), network.predict(preparation.X(checked)))
    rows = {"training": len(train_rows), "validation": len(valid_rows), "left_out": table.left_out}
    return Fitted(network, preparation, history, measured, rows, seconds)


def _output(target: Classes | Number) -> tuple[str, str]:
    """The activation of the output layer, and the cost."""
    if isinstance(target, Number):
        return "identity", "squared_error"
    return ("sigmoid", "binary_cross_entropy") if target.width == 1 else ("softmax", "cross_entropy")


def _column(part: Part, table: Table, name: str) -> Column:
    """A column with its mean and scale from the training rows, or with its texts from all rows."""
    cells = part.columns[name]
    if isinstance(cells, np.ndarray):
        return Number.of(name, cells)
    return Category(name, tuple(sorted(set(table.part.columns[name]))))


def _held_out(
    table: Table, task: Task, share: float, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The training rows and the held-out rows: the same share of every class, at least one of each for training."""
    m = table.rows
    groups = task.target.indices(table.part) if isinstance(task.target, Classes) else np.zeros(m, np.int64)
    is_held_out = np.zeros(m, bool)
    for group in np.unique(groups):
        rows = random.permutation(np.flatnonzero(groups == group))
        is_held_out[rows[: min(len(rows) - 1, math.floor(share * len(rows) + 0.5))]] = True
    train, valid = np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)
    if share > 0 and not len(valid):
        classes = len(np.unique(groups))
        got = f"{m} in {classes} classes" if classes > 1 else f"{m}"
        raise TableError(
            f"{table.part.source}: expected enough rows to hold some out, got {got}; --validation 0 holds out none"
        )
    return train, valid
