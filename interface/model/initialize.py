"""Initial weights and biases, by name.

Each tutorial's scheme draws in the order of the tutorial's code. So with the legacy stream,
`seed=numpy.random.RandomState(s)`, a tutorial that calls `numpy.random.seed(s)` is reproduced to the bit.

====================  ===========================================================================================
"glorot"              W uniform in +-sqrt(6 / (n_in + n_out)), b = 0 (Glorot and Bengio, 2010)
"he_normal"           W from N(0, 2 / n_in), b = 0, for relu (He et al., 2015)
"he_uniform"          W uniform in +-sqrt(6 / n_in), b = 0: the same variance, 2 / n_in
"lecun_normal"        W from N(0, 1 / n_in), b = 0 (LeCun et al., Efficient BackProp, 1998)
"lecun_uniform"       W uniform in +-sqrt(3 / n_in), b = 0: the same variance, 1 / n_in
"uniform"             W, b from U[0, 1), drawn W1, b1, W2, b2, ... (tutorial 000); the outputs saturate
"normal"              W, b from N(0, 1), drawn b1, b2, ..., then W1, W2, ... (tutorial 001 and Nielsen's network.py)
"small_normal"        W from 0.01 N(0, 1), b = 0 (tutorial 002, params dictionary)
"symmetric_uniform"   W from U[-1, 1), each drawn as (n_in, n_out), then b likewise (tutorial 004)
"uniform_in_out"      W from U[0, 1), each drawn as (n_in, n_out), then b likewise (tutorial 002, class)
"normal_in_out"       W from N(0, 1), each drawn as (n_in, n_out), then b likewise (tutorial 003)
====================  ===========================================================================================

"glorot" has the variance 2 / (n_in + n_out). The normal distributions are not truncated. The tutorials of the last
three schemes have no biases; if a network has biases, they are drawn after all weights.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from samenet.model.parameters import Parameters

Random = np.random.Generator | np.random.RandomState
Array = NDArray[np.float64]
Draw = Callable[[Random, tuple[int, ...]], Array]
Scale = Callable[[tuple[int, ...]], float]  # for a matrix's shape, the standard deviation or the bound of its weights


def _uniform(random: Random, shape: tuple[int, ...]) -> Array:
    return random.random(shape)


def _symmetric_uniform(random: Random, shape: tuple[int, ...]) -> Array:
    return 2 * random.random(shape) - 1


def _normal(random: Random, shape: tuple[int, ...]) -> Array:
    return random.standard_normal(shape)


def _small(shape: tuple[int, ...]) -> float:
    return 0.01


def _glorot(shape: tuple[int, ...]) -> float:
    return math.sqrt(6 / sum(shape))


def _fan_in_normal(variance: float) -> Scale:
    """N(0, variance / n_in), for a matrix (n_out, n_in)."""
    return lambda shape: math.sqrt(variance / shape[1])


def _fan_in_uniform(variance: float) -> Scale:
    """Uniform, with variance `variance` / n_in: the uniform distribution in +-a has variance a^2 / 3."""
    return lambda shape: math.sqrt(3 * variance / shape[1])


_FEW = 4096  # up to this many weights are drawn at once: calls for small matrices take longer than their numbers


def _draw_each(views: Sequence[NDArray[Any]], random: Random, draw: Draw) -> None:
    """Fill the views one after the other."""
    sizes = [view.size for view in views]
    if sum(sizes) > _FEW:
        for view in views:
            view[:] = draw(random, view.shape)
        return
    numbers, end = draw(random, (sum(sizes),)), 0
    for view, size in zip(views, sizes, strict=True):
        view[:] = numbers[end : end + size].reshape(view.shape)
        end += size


def _layer_by_layer(theta: Parameters, random: Random, draw: Draw) -> None:
    pairs = zip(theta.weights, theta.biases, strict=True) if theta.bias else zip(theta.weights)
    _draw_each([view for layer in pairs for view in layer], random, draw)


def _biases_first(theta: Parameters, random: Random, draw: Draw) -> None:
    _draw_each((*theta.biases, *theta.weights), random, draw)


def _in_out(theta: Parameters, random: Random, draw: Draw) -> None:
    _draw_each([*[W.T for W in theta.weights], *theta.biases], random, draw)


Places = list[tuple[Any, Any]]  # for each matrix, where it lies in theta, and its numbers among those drawn


@lru_cache(256)
def _parts(slices: tuple[tuple[int, int, tuple[int, int]], ...], scale: Scale) -> list[tuple[Places, int, Any, Any]]:
    """The matrices drawn in one call each, their number of weights, their scale or scales, and twice these."""
    counts, scales = [end - start for start, end, _ in slices], [scale(shape) for _, _, shape in slices]
    if sum(counts) > _FEW:
        return [
            ([((..., slice(start, end)), ...)], count, of, 2 * of)
            for (start, end, _), count, of in zip(slices, counts, scales, strict=True)
        ]
    each, ends = np.repeat(scales, counts), np.cumsum(counts).tolist()
    drawn = [(..., slice(end - count, end)) for end, count in zip(ends, counts, strict=True)]
    places = [((..., slice(start, end)), of) for (start, end, _), of in zip(slices, drawn, strict=True)]
    return [(places, len(each), each, 2 * each)]


def _scaled_normal(theta: Parameters, random: Random, scale: Scale) -> None:
    theta.flat.fill(0)
    for places, count, scales, _ in _parts(theta.matrix_slices(), scale):
        _put(theta.flat, places, random.standard_normal(count) * scales)


def _scaled_uniform(theta: Parameters, random: Random, scale: Scale) -> None:
    theta.flat.fill(0)
    for places, count, scales, twice in _parts(theta.matrix_slices(), scale):
        numbers = random.random(count)
        numbers *= twice
        numbers -= scales
        _put(theta.flat, places, numbers)


def _put(flat: NDArray[Any], places: Places, numbers: Array) -> None:
    """Store the numbers, one matrix after the other, in a vector of all parameters; or those of several, in rows."""
    for place, drawn in places:
        flat[place] = numbers[drawn]


Fill = Callable[[Parameters, Random, Any], None]
Tutorials = Literal["uniform", "normal", "small_normal", "symmetric_uniform", "uniform_in_out", "normal_in_out"]
Scheme = Literal["glorot", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform", Tutorials]
SCHEMES: dict[Scheme, tuple[Fill, Draw | Scale]] = {
    "glorot": (_scaled_uniform, _glorot),
    "he_normal": (_scaled_normal, _fan_in_normal(2)),
    "he_uniform": (_scaled_uniform, _fan_in_uniform(2)),
    "lecun_normal": (_scaled_normal, _fan_in_normal(1)),
    "lecun_uniform": (_scaled_uniform, _fan_in_uniform(1)),
    "uniform": (_layer_by_layer, _uniform),
    "normal": (_biases_first, _normal),
    "small_normal": (_scaled_normal, _small),
    "symmetric_uniform": (_in_out, _symmetric_uniform),
    "uniform_in_out": (_in_out, _uniform),
    "normal_in_out": (_in_out, _normal),
}


def initialize(theta: Parameters, scheme: Scheme, random: Random) -> None:
    """Fill theta by a scheme, with numbers drawn from `random`."""
    fill, draw = SCHEMES[scheme]
    fill(theta, random, draw)
    theta.begin_normalization()


def initialize_each(several: Sequence[Parameters], scheme: Scheme, randoms: Sequence[Any]) -> None:
    """`initialize` several that have the same shape, each with numbers from a `Generator` of its own, to the same bits.

    Only the drawing takes a call for each of them, if their weights are few.
    """
    (fill, draw), first = SCHEMES[scheme], several[0]
    parts = _parts(first.matrix_slices(), draw) if fill in (_scaled_uniform, _scaled_normal) else []
    if len(parts) != 1:
        for theta, random in zip(several, randoms, strict=True):
            initialize(theta, scheme, random)
        return
    ((places, count, scales, twice),) = parts
    numbers, flat = np.empty((len(several), count)), np.zeros((len(several), first.flat.size), first.flat.dtype)
    for random, row in zip(randoms, numbers, strict=True):
        if fill is _scaled_uniform:
            random.random(out=row)
        else:
            random.standard_normal(out=row)
    numbers *= twice if fill is _scaled_uniform else scales
    if fill is _scaled_uniform:
        numbers -= scales
    _put(flat, places, numbers)
    for theta, row in zip(several, flat, strict=True):
        theta.flat[:] = row
        theta.begin_normalization()
