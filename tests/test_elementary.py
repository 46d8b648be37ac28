"""The elementary functions are as accurate as stated, on registers of every width and in NumPy.

Errors are in units in the last place of the answer, which mpmath gives with enough digits, also below the normal range.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import generated
import mpmath
import numpy as np
import pytest
from generated import WIDTHS, native
from numba import float32, float64, types

import samenet

DTYPES = {"float64": float64, "float32": float32}
KINDS = [(width, dtype) for width in WIDTHS for dtype in DTYPES]
Array = np.ndarray
generators = functools.cache(generated.load)

# `samenet.testing.activation_bounds` allows the sigmoid and exp 4, and the tanh 8; `cost_bounds` logarithms 4.
ULPS = {"exp": 1.25, "log": 1.0, "log1p": 2.0, "sigmoid": 3.0, "tanh": 3.0}
EXACT: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "tanh": mpmath.tanh,
}
# Where the answer of exp and of the sigmoid is the least number above 0, and the last exponent of a finite one.
LEAST, LAST = {"float64": -744.4, "float32": -103.2}, {"float64": 709.78, "float32": 88.72}


def numbers(name: str, dtype: str) -> Array:
    """Arguments of all magnitudes, denser where the computation changes or answers have few digits."""
    random, info, bits = np.random.default_rng(0), np.finfo(dtype), 8 * np.dtype(dtype).itemsize
    signs = np.array([1, -1]).repeat(700)
    any_bits = random.integers(0, 2 ** (bits - 1), 1400, f"int{bits}").view(dtype)
    ends = np.array([0, info.smallest_subnormal, info.tiny, np.nextafter(info.tiny, 0, dtype=dtype), info.eps, 1])
    sizes = [random.uniform(-size, size, 700) for size in (1e-4, 0.1, 0.5, 1, 3, 10, 40)]
    edges = np.arange(-60, 61) * math.log(2) / 4  # where the parts of exp change
    if name in ("log", "log1p"):
        sizes += [2.0 ** random.uniform(-60, 60, 700), math.sqrt(2) - 1 + sizes[0], math.sqrt(0.5) + sizes[0]]
        sizes += [random.uniform(0.4, 0.5, 700), random.uniform(1.3, 1.5, 700), -1 + 10 ** random.uniform(-15, 0, 99)]
    else:
        sizes += [random.uniform(LEAST[dtype], LAST[dtype], 1400), edges, edges + 1e-7]
        sizes += [random.uniform(LEAST[dtype], LEAST[dtype] * 0.95, 500)]  # with answers below the normal range
    with np.errstate(invalid="ignore"):
        a = np.concatenate([*(part.astype(dtype) for part in (*sizes, ends, -ends)), any_bits * signs.astype(dtype)])
    low, high = {
        "exp": (LEAST[dtype], LAST[dtype]),
        "log": (info.smallest_subnormal, info.max),
        "log1p": (np.nextafter(-1, 0, dtype=dtype), info.max),
        "sigmoid": (LEAST[dtype], info.max),
        "tanh": (-info.max, info.max),
    }[name]
    return a[(low <= a) & (a <= high)]


def functions(name: str, width: int, dtype: str) -> list[Callable[[Array], Array]]:
    """The generated code, and the NumPy function."""
    both = (ns := generators(width)).loops.elementwise(getattr(ns.elementary, name))
    kind = types.Array(DTYPES[dtype], 1, "C")
    return [_called(f) for f in (native(both, width, kind, kind, DTYPES[dtype]), both.plain)]


def _called(f: Any) -> Callable[[Array], Array]:
    def answer(a: Array) -> Array:
        out = np.empty_like(a)
        with np.errstate(all="ignore"):
            f(out, a, 0.0)
        return out

    return answer


@dataclass(frozen=True)
class Exact:
    """Numbers, their answers, these times `scale` as the sum high + low, and a unit in the last place, so scaled."""

    a: Array
    answers: list[Any]
    scale: Array
    high: Array
    low: Array
    units: Array


@functools.cache
def exact(name: str, dtype: str) -> Exact:
    a = numbers(name, dtype)
    with mpmath.workdps(60):
        answers = [EXACT[name](mpmath.mpf(float(x))) for x in a]
        scale = np.array([2.0**400 if abs(y) < 1e-150 else 1.0 for y in answers])  # low has its digits there, too
        scaled = [y * float(s) for y, s in zip(answers, scale, strict=True)]
        high = np.array([float(y) for y in scaled])
        low = np.array([float(y - h) for y, h in zip(scaled, high.tolist(), strict=True)])
    units = np.spacing(np.array([abs(float(y)) for y in answers]).astype(dtype)).astype(np.float64)
    return Exact(a, answers, scale, high, low, units * scale)


def ulps(name: str, dtype: str, f: Callable[[Array], Array]) -> Array:
    """The error of each answer in ulps."""
    e = exact(name, dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.abs((f(e.a) * e.scale - e.high) - e.low) / e.units


@pytest.mark.compiled
@pytest.mark.parametrize("name", ULPS)
@pytest.mark.parametrize(("width", "dtype"), KINDS)
def test_functions_are_as_accurate_as_they_say(name: str, width: int, dtype: str) -> None:
    a, answers = exact(name, dtype).a, exact(name, dtype).answers
    tiny = np.finfo(dtype).tiny
    if name != "log":
        assert sum(0 < abs(x) < tiny for x in answers) >= 5, "answers below the normal range"
    for f in functions(name, width, dtype):
        errors = ulps(name, dtype, f)
        worst = errors.argmax()
        assert errors[worst] <= ULPS[name], f"{name}({a[worst]!r}) is off by {errors[worst]} ulp"


WRONG = {
    "the low part of ln 2": ("exp", "(a - k * high) - k * low", "a - k * high"),
    "a term of exp": ("exp", "_series(r, _EXP[_bits(a)])", "_series(r, _EXP[_bits(a)][:-1])"),
    "the half of a power": (
        "exp",
        "(p * power + power) * _power_of_two(k - half, a)",
        "(p + 1.0) * _power_of_two(k, a)",
    ),
    "a scale of both sides": ("sigmoid", "half = k >> 1\n    power, scale", "half = k\n    power, scale"),
    "the digits of a small z": ("tanh", "p * power + (power - 1.0)", "(p * power + power) - 1.0"),
    "the sign of a tanh": ("tanh", "with_sign(E / (E + 2.0), z)", "E / (E + 2.0)"),
    "a term of the logarithm": ("log", "((64, 9), (32, 4))", "((64, 7), (32, 2))"),
    "numbers below the normal range": ("log", "shift + _PLACES[bits], shift)", "shift, shift)"),
    "what is lost of 1 + a": ("log1p", "f = f + c *", "f = f + 0.0 *"),
    "how large 1 + a is": ("log1p", "c * where(u", "c * where(0.0 * u"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("dtype", DTYPES)
def test_functions_without_any_of_it_are_less_accurate(wrong: str, dtype: str) -> None:
    name, old, new = WRONG[wrong]
    elementary = generated.load(max(WIDTHS), generated.change(old, new)).elementary
    f = _called(lambda out, a, shift: np.copyto(out, getattr(elementary, name)(a)))
    assert not ulps(name, dtype, f).max() <= ULPS[name]


@pytest.mark.compiled
@pytest.mark.parametrize(("width", "dtype"), KINDS)
def test_functions_at_the_ends(width: int, dtype: str) -> None:
    info = np.finfo(dtype)
    nan, inf, huge, tiny, least = np.nan, np.inf, info.max, info.tiny, info.smallest_subnormal
    ends = [-inf, -huge, -1e3, -1.0, -tiny, -least, -0.0, 0.0, least, tiny, 1e3, huge, inf, nan]
    one, below = [1.0], [nan] * 4
    log_tiny, log_least, log_huge = (float(np.log(np.longdouble(x))) for x in (tiny, least, huge))
    answers = {
        "sigmoid": [0, 0, 0, None, *[0.5] * 6, 1, 1, 1, nan],
        "tanh": [-1, -1, -1, None, -tiny, -least, 0, 0, least, tiny, 1, 1, 1, nan],
        "exp": [0, 0, 0, None, *one * 6, inf, inf, inf, nan],
        "log": [*below, nan, nan, -inf, -inf, log_least, log_tiny, None, log_huge, inf, nan],
        "log1p": [nan, nan, nan, -inf, -tiny, -least, 0, 0, least, tiny, None, log_huge, inf, nan],
    }
    for name, values in answers.items():
        kept = [i for i, value in enumerate(values) if value is not None]
        a = np.array([ends[i] for i in kept] * 5, dtype)  # in whole registers, and in the rest
        expected = np.array([values[i] for i in kept] * 5, dtype)
        for f in functions(name, width, dtype):
            assert np.array_equal(f(a), expected, equal_nan=True), name


# --- softmax --------------------------------------------------------------------------------------------------------


@pytest.mark.compiled  # NumPy's products differ in their bits by the number of rows
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 3, 7, 16, 17, 32, 33, 64, 65, 300])
def test_softmax_in_columns_and_in_rows(n: int, dtype: str) -> None:
    """The last of 129 rows is a block of its own, and has the same bits as among others."""
    net = samenet.backend("numba").Network([4, n], activation="softmax", cost="cross_entropy", seed=0, dtype=dtype)
    random, u = np.random.default_rng(0), np.finfo(dtype).eps / 2
    net.biases[0][:] = random.normal(size=n) * 3
    X = random.normal(size=(150, 4)).astype(dtype)
    h = net.predict(X)
    assert np.array_equal(h[:129], net.predict(X[:129]))
    z = X.astype(np.longdouble) @ net.weights[0].T + net.biases[0]
    expected = np.exp(z - z.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    size = np.abs(X) @ np.abs(net.weights[0].T) + np.abs(net.biases[0])
    assert (np.abs(h - expected) <= (n + 30 + 12 * size.max()) * u * expected).all()
    for rows in (1, 2, 20):
        X_some, Y = X[:rows], np.eye(n, dtype=dtype)[random.integers(0, n, rows)]
        cost = net.gradient(X_some, Y)[0]
        own = float(-np.log(expected[:rows])[Y == 1].mean())
        assert abs(cost - own) <= 60 * u * (1 + size.max() + own)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [3, 200])
@pytest.mark.parametrize("rows", [1, 40])
def test_softmax_of_what_is_not_finite(rows: int, n: int, dtype: str) -> None:
    net = samenet.backend("numba").Network([2, n], activation="softmax", cost="cross_entropy", seed=0, dtype=dtype)
    X, Y = np.ones((rows, 2), dtype), np.eye(n, dtype=dtype)[np.zeros(rows, int)]
    for number in (np.nan, np.inf):
        net.weights[0][n // 2, 0] = number
        assert np.isnan(net.predict(X)).all()
        assert np.isnan(net.gradient(X, Y)[0])
    net.weights[0][n // 2, 0] = -np.inf
    h = net.predict(X)
    assert (h[:, n // 2] == 0).all()
    assert np.allclose(h.sum(axis=1), 1)
