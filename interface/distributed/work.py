"""What workers do: each function is a task, of values that are where it runs."""

import importlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.backends.dropout import DropConnect, Dropout
from samenet.model import Model

Array = NDArray[Any]
Sum = tuple[float, Array]  # a cost, and its gradient as one vector


class Part(NamedTuple):
    """A partition's samples (m, n_in) and targets (m, n_out), checked."""

    X: Array
    Y: Array


class Facts(NamedTuple):
    """What must be known of a partition before training."""

    rows: int
    bytes: int
    largest: float  # max |Y|


def part(number: int, X: Any, Y: Any, model: Model) -> Part:
    """A partition of these samples; raises ValueError or TypeError, naming its number, if they do not fit the model."""
    try:
        return Part(*model.labelled(X, Y))
    except (TypeError, ValueError) as error:
        raise type(error)(f"partition {number}: {error}") from None


def part_of_file(number: int, path: str, model: Model) -> Part:
    """The partition in an npz file, from its arrays X and Y."""
    with np.load(path, allow_pickle=False) as arrays:
        if missing := {"X", "Y"} - set(arrays.files):
            raise ValueError(
                f"partition {number}: expected arrays X and Y in {path}, found no {' and no '.join(missing)}"
            )
        return part(number, arrays["X"], arrays["Y"], model)


def facts(samples: Part) -> Facts:
    """Those of a partition."""
    return Facts(len(samples.X), samples.X.nbytes + samples.Y.nbytes, float(np.abs(samples.Y).max()))


def cost(samples: Part, rows: Any, model: Model, backend: str) -> float:
    """The cost as the sum over these rows of a partition."""
    X, Y = _chosen(samples, rows, model)
    value, _ = importlib.import_module(backend).evaluate(model, X, Y, "sum")
    return float(value)


def gradient(
    samples: Part, rows: Any, model: Model, backend: str, dropout: Dropout | None, drop_connect: DropConnect | None
) -> Sum:
    """The cost as the sum over these rows of a partition, and its gradient."""
    X, Y = _chosen(samples, rows, model)
    masks: dict[str, Any] = {"dropout": dropout, "drop_connect": drop_connect}
    given = {name: value for name, value in masks.items() if value is not None}
    with np.errstate(all="ignore"):
        value, slope = importlib.import_module(backend).gradient(model, X, Y, "sum", **given)
    flat = getattr(slope, "flat", None)
    if flat is None:  # lists, of the reference
        g = model.theta.empty_like()
        g.fill(slope.weights, slope.biases)
        flat = g.flat
    return float(value), flat


def _chosen(samples: Part, rows: Any, model: Model) -> tuple[Array, Array]:
    """These rows of a partition, or all for None, in the model's dtype: that of SciPy's methods is float64."""
    X, Y = samples if rows is None else (values[rows] for values in samples)
    return X.astype(model.dtype, copy=False), Y.astype(model.dtype, copy=False)


def total_cost(costs: list[float]) -> float:
    """Their sum, in order."""
    return sum(costs)


def total(sums: list[Sum]) -> Sum:
    """Their sum, in order."""
    cost, flat = sums[0]
    flat = flat.copy()
    for value, others in sums[1:]:
        cost += value
        flat += others
    return cost, flat
