"""Brute force: the cost on a grid of values of a few weights, its lowest point, and the time for more weights.

    found = error_surface(net, X, Y, [(0, 0, 0)], numpy.linspace(-5, 5, 1000))
    found.best, found.lowest
    in_words(search_time(9, values=1000, seconds=found.seconds / 1000))

Source: tutorial 003 (docs/sources.md), part 3 (brute force); tutorial 004, part 2 (the error surface over two weights).
"""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet.model.functions import REDUCTIONS, Reduction
from samenet.network import Network
from samenet.output.formats import digits, duration
from samenet.testing.probe import probe
from samenet.validation import arrays, checks

Array = NDArray[Any]
Place = int | tuple[int, int] | tuple[int, int, int]


def _mean_absolute_error(net: Network, X: Array, Y: Array) -> float:
    return float(np.abs(net.predict(X) - Y).mean())


def _sum_of_squared_errors(net: Network, X: Array, Y: Array) -> float:
    error = (net.predict(X) - Y).ravel()
    return float(np.vdot(error, error))


Measure = Literal["cost", "mean_absolute_error", "sum_of_squared_errors"]
_MEASURES: dict[str, Callable[[Network, Array, Array], float]] = {
    "mean_absolute_error": _mean_absolute_error,
    "sum_of_squared_errors": _sum_of_squared_errors,
}


@dataclass(frozen=True)
class Surface:
    """A measure of the error at every point of a grid.

    places   the parameters that vary, as indices of the flat vector `net.parameters`
    grids    the values that each of them takes
    values   the measure, an axis for each place: values[i, j] belongs to grids[0][i] and grids[1][j]
    seconds  how long all evaluations took
    """

    places: tuple[int, ...]
    grids: tuple[Array, ...]
    values: Array
    seconds: float

    @property
    def lowest(self) -> float:
        """The lowest value on the grid."""
        return float(self.values[self._at])

    @property
    def best(self) -> tuple[float, ...]:
        """The position of the lowest value, a number for each place; the first one if there are several."""
        return tuple(float(grid[i]) for grid, i in zip(self.grids, self._at, strict=True))

    @property
    def on_edge(self) -> bool:
        """Whether the lowest value lies on the edge of the grid, so that there may be a lower one outside."""
        return any(i in (0, len(grid) - 1) for grid, i in zip(self.grids, self._at, strict=True))

    @property
    def _at(self) -> tuple[int, ...]:
        known = np.where(np.isnan(self.values), np.inf, self.values)
        return tuple(int(i) for i in np.unravel_index(known.argmin(), known.shape))


def error_surface(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    places: Sequence[Place],
    *grids: ArrayLike,
    measure: Measure = "cost",
    reduction: Reduction = "mean",
) -> Surface:
    """Measure the error for every combination of values of a few parameters, with all others fixed.

    places   a list of places, (layer, i, j) for net.weights[layer][i, j], (layer, i) for net.biases[layer][i], or an
             index of net.parameters
    grids    for each place, the values that it takes, (k,)
    measure  "cost" is net.cost with this reduction; "mean_absolute_error" is the mean of |y - h| over samples and
             outputs; "sum_of_squared_errors" is sum ||y - h||^2 over the samples

    The network is never changed; it computes in float64. Each point is a forward pass over X: a grid of a million takes
    half a minute for a small network on the numba backend, `net.on("numba")`.

    >>> from samenet.fast.numpy import Network
    >>> net = Network([1, 1], weights=[[[0.0]]], bias=False)
    >>> error_surface(net, [[1.0]], [[1.0]], [(0, 0, 0)], [-1.0, 0.0, 1.0]).best
    (1.0,)
    """
    trial = probe(net)
    X, Y = arrays.labelled(X, Y, net.sizes[0], net.sizes[-1], trial.dtype)
    checks.choice("measure", measure, get_args(Measure))
    checks.choice("reduction", reduction, REDUCTIONS)
    given = checks.listed("places", places, "a list of places as in [(0, 0, 0)]")
    if len(given) == 0 or len(given) != len(grids):
        raise ValueError(f"grids: expected one for each of {len(given)} places, at least one, got {len(grids)}")
    indices = [_index(f"places[{k}]", place, trial) for k, place in enumerate(given)]
    if len(set(indices)) < len(indices):
        raise ValueError(f"places: expected different places, got {checks.short(places)}")
    axes = [_grid(f"grids[{k}]", grid) for k, grid in enumerate(grids)]
    with checks.fits("grids", [len(axis) for axis in axes]):
        values = np.empty([len(axis) for axis in axes])
    theta, found = trial.model.theta.flat, values.reshape(-1)
    begin = time.perf_counter()
    with np.errstate(all="ignore"):  # the cost may be infinite for extreme values
        for k, point in enumerate(itertools.product(*(axis.tolist() for axis in axes))):
            for i, value in zip(indices, point, strict=True):
                theta[i] = value
            found[k] = trial.cost(X, Y, reduction=reduction) if measure == "cost" else _MEASURES[measure](trial, X, Y)
    return Surface(tuple(indices), tuple(axes), values, time.perf_counter() - begin)


def _index(name: str, place: Any, net: Network) -> int:
    """A place as an index of the flat vector."""
    theta = net.model.theta
    if not checks.is_listing(place):
        i = checks.integer(name, place, least=0)
        if i >= theta.flat.size:
            raise ValueError(f"{name}: expected an index below {theta.flat.size}, got {checks.short(i)}")
        return i
    given = checks.listed(name, place, "(layer, i, j) or (layer, i)")
    if len(given) not in (2, 3):
        raise ValueError(f"{name}: expected (layer, i, j) or (layer, i), got {checks.short(place)}")
    layer, *at = (checks.integer(name, k, least=0) for k in given)
    numbers = theta.like(np.arange(theta.flat.size))
    layers, kind = (numbers.weights, "weights") if len(at) == 2 else (numbers.biases, "biases")
    if layer >= len(layers):
        raise ValueError(f"{name}: expected a layer below {len(layers)} for {kind}, got {checks.short(place)}")
    if any(k >= n for k, n in zip(at, layers[layer].shape, strict=True)):
        inside = f"expected indices in range: {kind}[{layer}] has shape {layers[layer].shape}"
        raise ValueError(f"{name}: {inside}, got {checks.short(place)}")
    return int(layers[layer][tuple(at)])


def _grid(name: str, value: Any) -> Array:
    grid = arrays.finite(name, arrays.array(name, value, np.dtype(np.float64)))
    if grid.ndim != 1 or len(grid) == 0:
        raise ValueError(f"{name}: expected the values of a parameter, shape (k,) with k >= 1, got {grid.shape}")
    return grid.copy()


def search_time(parameters: int, *, values: int = 1000, seconds: float) -> float:
    """How long brute force takes: values^parameters evaluations of `seconds` each; in seconds, infinity if too long.

    Nine weights at 0.04 s per thousand evaluations, as in tutorial 003:

    >>> in_words(search_time(9, values=1000, seconds=0.04 / 1000))
    '1268391679350 millennia'
    """
    parameters = checks.integer("parameters", parameters, least=0)
    values = checks.integer("values", values, least=1)
    each = checks.number("seconds", seconds, positive=True)
    try:
        return float(values) ** (parameters if values > 1 else 0) * each
    except OverflowError:
        return float("inf")


def in_words(seconds: float) -> str:
    """A time that may be very long, in years of 365 days and whole millennia.

    >>> in_words(110.0), in_words(1e5), in_words(4e8)
    ('110 s', '27.8 hours', '12.7 years')
    """
    if seconds == float("inf"):
        return "longer than a float can say"
    seconds = checks.number("seconds", seconds)
    year = 365 * 24 * 3600.0
    if seconds >= 1000 * year:
        return f"{int(seconds / (1000 * year))} millennia"
    for unit, size, least in (("years", year, 1), ("days", 86400.0, 2), ("hours", 3600.0, 1)):
        if seconds >= least * size:
            return f"{digits(seconds / size)} {unit}"
    return duration(seconds)
