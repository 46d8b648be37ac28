"""The tasks of the workers: each function is a task, whose arguments are on the worker that runs it."""

import importlib
import threading
import zlib
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.backends import generic
from samenet.backends.dropout import DropConnect, Dropout
from samenet.backends.weighing import weighing
from samenet.model import Model
from samenet.model.functions import MADE_FOR
from samenet.training.reach import unreachable
from samenet.validation import checks, weights

Array = NDArray[Any]
Sum = tuple[float, Array]  # a cost, and its gradient as one vector
_reading = threading.Lock()  # NumPy parses headers with `ast`, which is not thread-safe in Python 3.11


class Part(NamedTuple):
    """A partition's samples (m, n_in), targets (m, n_out) and weights (m,), or None without, checked."""

    X: Array
    Y: Array
    weights: Array | None = None


class File(NamedTuple):
    """A partition in an npz file with the arrays X and Y, and sample_weight if samples have weights."""

    number: int
    path: str


class Facts(NamedTuple):
    """The properties of a partition that are needed before training."""

    rows: int
    bytes: int
    largest: float  # max |Y|
    unreachable: str | None  # a description of targets that the network cannot reach
    weights: Array | None
    sums: tuple[int, int] | None  # CRC-32 of X and of Y, if asked for


class Shared(NamedTuple):
    """The common arguments of all tasks of a sum.

    model      without penalties; in float64 for SciPy's methods
    backend    the name of its module
    dtype      that of the samples, which is that of the network
    reduction  that of the training, for which samples have weights
    """

    model: Model
    backend: str
    dtype: np.dtype[Any]
    reduction: str


def part(number: int, X: Any, Y: Any, sample_weight: Any, shared: Shared) -> Part:
    """A partition of these samples; raises ValueError or TypeError, naming its number, if they do not fit the model."""
    model = shared.model
    if model.dtype != shared.dtype:
        model = model.holding(model.theta.everything.astype(shared.dtype))
    if all(checks.is_listing(values) and len(values) == 0 for values in (X, Y)):  # such as a filter may produce
        X, Y = (np.empty((0, n), model.dtype) for n in (model.sizes[0], model.sizes[-1]))
        return Part(X, Y, None if sample_weight is None else np.empty(0))
    try:
        X, Y = model.labelled(X, Y)
        if sample_weight is None:
            return Part(X, Y)
        dtype = np.dtype(np.float64) if shared.reduction == "mean" else model.dtype
        return Part(X, Y, weights.of_part(sample_weight, len(X), dtype))
    except (TypeError, ValueError) as error:
        raise type(error)(f"partition {number}: {error}") from None


def part_of_file(file: File, shared: Shared) -> Part:
    """The partition in a file; raises ValueError or TypeError, naming its number."""
    number, path = file
    try:
        with _reading, np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in ("X", "Y", "sample_weight") if name in arrays}
    except Exception as error:  # a damaged file can raise many errors
        raise ValueError(f"partition {number}: expected an npz file, got {path} ({error})") from None
    if missing := {"X", "Y"} - set(found):
        raise ValueError(
            f"partition {number}: expected arrays X and Y in {path}, found no {' and no '.join(sorted(missing))}"
        )
    return part(number, found["X"], found["Y"], found.get("sample_weight"), shared)


def facts(samples: Part | File, shared: Shared, checksums: bool) -> Facts:
    """The facts of a partition; raises ValueError if the backend is not available."""
    backend_of(shared.backend)
    X, Y, weights = _part(samples, shared)
    name = shared.model.activations[-1]
    is_any = len(Y) > 0 and shared.model.cost_function not in MADE_FOR  # these costs refuse targets out of range
    return Facts(
        len(X),
        sum(values.nbytes for values in (X, Y, weights) if values is not None),
        float(np.abs(Y).max(initial=0)),
        unreachable(name, Y, weights) if is_any else None,
        weights,
        (zlib.crc32(X.data), zlib.crc32(Y.data)) if checksums else None,
    )


def backend_of(name: str) -> ModuleType:
    """A backend's module, with all functions of the contract."""
    try:
        module = importlib.import_module(name)
    except Exception as error:
        raise ValueError(
            f"net: expected a backend that workers can import; {name} raised {type(error).__name__}: {error}"
        ) from None
    generic.complete(module)
    return module


def cost(samples: Part | File, rows: Any, shared: Shared, weighs: bool) -> float:
    """The cost as the sum over these rows of a partition."""
    X, Y, weights = _chosen(samples, rows, shared, weighs)
    with np.errstate(all="ignore"):
        value, _ = weighing(backend_of(shared.backend), "evaluate", weights)(shared.model, X, Y, "sum")
    return float(value)


def gradient(
    samples: Part | File,
    rows: Any,
    shared: Shared,
    weighs: bool,
    dropout: Dropout | None,
    drop_connect: DropConnect | None,
) -> Sum:
    """The cost as the sum over these rows of a partition, and its gradient."""
    model, (X, Y, weights) = shared.model, _chosen(samples, rows, shared, weighs)
    masks: dict[str, Any] = {"dropout": dropout, "drop_connect": drop_connect}
    given = {name: value for name, value in masks.items() if value is not None}
    with np.errstate(all="ignore"):
        value, slope = weighing(backend_of(shared.backend), "gradient", weights)(model, X, Y, "sum", **given)
    flat = getattr(slope, "flat", None)
    if flat is None:  # nested lists, from the reference
        g = model.theta.empty_like()
        g.fill(slope.weights, slope.biases)
        flat = g.flat
    return float(value), flat


def _part(samples: Part | File, shared: Shared) -> Part:
    return part_of_file(samples, shared) if isinstance(samples, File) else samples


def _chosen(samples: Part | File, rows: Any, shared: Shared, weighs: bool) -> Part:
    """These rows of a partition, or all for None, in the form that backends take: writable, in the computing dtype."""
    X, Y, weights = _part(samples, shared)
    weights = weights if weighs else None
    if rows is not None:
        X, Y, weights = X[rows], Y[rows], None if weights is None else weights[rows]
    X, Y = (np.require(values, shared.model.dtype, ["C", "A", "W"]) for values in (X, Y))
    return Part(X, Y, weights)


def total_cost(costs: list[float]) -> float:
    """Their sum, in order."""
    return sum(costs)


def total(sums: list[Sum]) -> Sum:
    """Their sum, in order."""
    cost, flat = sums[0]
    flat = flat.copy()
    with np.errstate(all="ignore"):
        for value, others in sums[1:]:
            cost += value
            flat += others
    return cost, flat
