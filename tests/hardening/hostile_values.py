"""Values that no caller should pass, each with its known properties: its type, and how it was made."""

import datetime
import decimal
import fractions
import random
import sys
from collections import UserList, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from arrays_in_sequence import KINDS, Liar

Random = random.Random


@dataclass(frozen=True)
class Value:
    """A value, its name in reports, its kind, and the number or text that it represents.

    kind: "int", "real", "bool", "text", "None", "function", "stream" (of random numbers) or "junk".
    """

    name: str
    value: Any
    kind: str
    means: Any = None


class Raising:
    """Raises on every operation."""

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("not today")

    __len__ = __iter__ = __getitem__ = __array__ = __float__ = __int__ = __index__ = __bool__ = _refuse
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __repr__ = __str__ = __getattr__ = __fspath__ = _refuse
    __hash__ = None  # type: ignore[assignment]


class RaisingInteger(int):
    """Looks like an integer, but fails when it is used as one."""

    __int__ = __index__ = __float__ = __trunc__ = Raising._refuse


class RaisingNumber(float):
    """Looks like a number, but fails when it is used as one."""

    __float__ = __int__ = Raising._refuse


class RaisingText(str):
    """Text that cannot be printed."""

    __repr__ = __str__ = Raising._refuse


class Path_:
    """A path that gives bytes, or fails."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __fspath__(self) -> Any:
        if self.value is None:
            raise OSError("no path")
        return self.value


def _loop() -> list[Any]:
    loop: list[Any] = [1.0]
    loop.append(loop)
    loop.append(loop)
    return loop


def _read_only_zero() -> Any:
    value = np.zeros(())
    value.flags.writeable = False
    return value


HUGE = 10**5000  # more digits than Python prints
_INTEGERS = [-HUGE, -(2**63) - 1, -(10**30), -2, -1, 0, 1, 2, 3, 2**31, 2**32, 2**63 - 1, 2**63, 10**30, 10**400, HUGE]
_REALS = [-1e308, -0.5, -5e-324, -0.0, 5e-324, 1e-300, 0.25, 0.5, 0.999, 1.0, 1.5, 1e9, 1e200, 1.7e308]
_REALS += [float("nan"), float("inf"), float("-inf")]
_NUMPY = (np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64)
_TEXTS = [
    "",
    " ",
    "1",
    "nan",
    "mean",
    "Mean",
    "mean ",
    "sum",
    "sigmoid",
    "relu",
    "softmax",
    "glorot",
    "descent",
    "adam",
    "adaptive",
]
_TEXTS += [
    "cost",
    "squared_error",
    "cross_entropy",
    "accuracy",
    "numpy",
    "slope",
    "\ud800",
    "a\0b",
    "ä" * 300,
    "x" * 9000,
]
_TEXTS += ["f8", "f8,,", ">f8", "float32"]

# New objects for each call, because some can be used only once.
JUNK: dict[str, Callable[[], Any]] = {
    "object": object,
    "a type": lambda: float,
    "a module": lambda: np,
    "bytes": lambda: b"mean",
    "bytearray": lambda: bytearray(b"ab"),
    "complex": lambda: 1 + 0j,
    "ellipsis": lambda: ...,
    "NotImplemented": lambda: NotImplemented,
    "a slice": lambda: slice(3),
    "a set": lambda: {1.0, 2.0},
    "a dict": lambda: {"a": 1.0},
    "a failing generator": lambda: (1 / 0 for _ in range(3)),
    "contains itself": _loop,
    "Decimal": lambda: decimal.Decimal("0.5"),
    "a date": lambda: datetime.date(2020, 1, 1),
    "timedelta64": lambda: np.timedelta64(1, "s"),
    "timedelta64 of nothing": lambda: np.timedelta64("NaT", "s"),
    "datetime64": lambda: np.datetime64("2020-01-01"),
    "a record": lambda: np.zeros((), [("a", float), ("b", "i4"), ("c", "i4")])[()],
    "an array of records": lambda: np.zeros(3, [("a", float)]),
    "masked records": lambda: np.ma.zeros(3, [("a", float)]),
    "masked": lambda: np.ma.masked,
    "a list of masked": lambda: [np.ma.masked, 1.0],
    "an array of rank 0": lambda: np.array(1.0),
    "a read-only array of rank 0": _read_only_zero,
    "an array of rank 0, integer": lambda: np.array(1),
    "an array of rank 0, text": lambda: np.array("mean"),
    "sparse": lambda: scipy.sparse.csr_array(np.eye(3)),
    "a list of sparse": lambda: [scipy.sparse.csr_matrix(np.eye(3))],
    "an exception": lambda: ValueError("x"),
    "raises": Raising,
    "raises, listed": lambda: [Raising()],
    "a liar": lambda: np.ones(3).view(Liar),
    "a failing integer": lambda: RaisingInteger(1),
    "a failing number": lambda: RaisingNumber(0.5),
    "a path of bytes": lambda: Path_(b"x"),
    "a failing path": lambda: Path_(None),
}


def scalar(draw: Random) -> Value:
    """Anything but an array of numbers."""
    which = draw.random()
    if which < 0.2:
        number = draw.choice(_INTEGERS)
        if draw.random() < 0.5:
            for kind in draw.sample(_NUMPY, len(_NUMPY)):
                if np.iinfo(kind).min <= number <= np.iinfo(kind).max:
                    return Value(f"{kind.__name__} {number}", kind(number), "int", number)
        return Value(f"int {number:e}" if abs(number) < 10**300 else "int of many digits", number, "int", number)
    if which < 0.4:
        number = draw.choice(_REALS)
        kind: Any = draw.choice([float, np.float64, np.float64, np.longdouble, fractions.Fraction])
        if kind is fractions.Fraction and not np.isfinite(number):
            kind = float
        return Value(f"{kind.__name__} {number}", kind(number), "real", number)
    if which < 0.45:
        return Value("a flag", draw.choice([True, False, np.True_, np.False_]), "bool")
    if which < 0.6:
        text = draw.choice(_TEXTS)
        kind = draw.choice([str, str, np.str_])
        return Value(f"{kind.__name__} {text[:20]!a}", kind(text), "text", text)
    if which < 0.63:
        return Value("None", None, "None")
    if which < 0.66:
        return Value("a function", lambda *args: 0.1, "function")
    if which < 0.7:
        seed = draw.randrange(2**32)
        kind = draw.choice([np.random.default_rng, np.random.RandomState, random.Random, np.random.PCG64])
        return Value(f"{kind.__name__}({seed})", kind(seed), "stream", kind.__name__)
    name = draw.choice(list(JUNK))
    return Value(name, JUNK[name](), "junk")


@dataclass(frozen=True)
class Numbers:
    """A value in place of an array: `good` says whether it holds finite real numbers; also its shape."""

    name: str
    value: Any
    good: bool
    shape: tuple[int, ...] | None = None
    not_finite: bool = False  # real numbers, but for NaN or infinity


def _put(values: np.ndarray, draw: Random, what: Any, dtype: Any = float) -> np.ndarray:
    result = values.astype(dtype)
    result.flat[draw.randrange(result.size)] = what
    return result


def _masked(values: np.ndarray, draw: Random) -> Any:
    mask = np.zeros(values.shape, bool)
    mask.flat[draw.randrange(mask.size)] = True
    return np.ma.array(values, mask=mask)


def _signalling(values: np.ndarray, draw: Random) -> Any:
    result = values.astype(np.float32)
    result.view(np.uint32).flat[draw.randrange(result.size)] = 0x7FA00000
    return result


# Invalid numbers in the right shape; all must be rejected.
SPOILED: dict[str, Callable[[np.ndarray, Random], Any]] = {
    "nan": lambda v, draw: _put(v, draw, np.nan),
    "inf": lambda v, draw: _put(v, draw, draw.choice([np.inf, -np.inf])),
    "nan in float32": lambda v, draw: _put(v, draw, np.nan, np.float32),
    "signalling nan": _signalling,
    "signalling nan in a list": lambda v, draw: list(_signalling(v, draw)),
    "nan in a list": lambda v, draw: _put(v, draw, np.nan).tolist(),
    "nan swapped": lambda v, draw: _put(v, draw, np.nan, ">f8"),
    "masked": _masked,
    "masked in a list": lambda v, draw: list(_masked(v, draw)),
    "masked in a deque": lambda v, draw: deque(_masked(v, draw)),
    "masked in a list of one's own": lambda v, draw: UserList(_masked(v, draw)),
    "masked, deep in lists": lambda v, draw: tuple(list(row) if np.ndim(row) else row for row in _masked(v, draw)),
    "masked objects": lambda v, draw: _put(v, draw, np.ma.masked, object),
    "text": lambda v, draw: v.astype(str),
    "a text": lambda v, draw: _put(v, draw, "x", object).tolist(),
    "complex": lambda v, draw: v + 0j,
    "a complex": lambda v, draw: _put(v, draw, 1j, object),
    "None in a list": lambda v, draw: _put(v, draw, None, object).tolist(),
    "durations": lambda v, draw: v.astype("m8[s]"),
    "a duration": lambda v, draw: _put(v, draw, np.timedelta64(1, "s"), object),
    "a duration in a list": lambda v, draw: _put(v, draw, np.timedelta64(1, "s"), object).tolist(),
    "dates": lambda v, draw: v.astype("M8[s]"),
    "records": lambda v, draw: np.zeros(v.shape, [("a", float)]),
    "masked records": lambda v, draw: np.ma.zeros(v.shape, [("a", float)]),
    "decimals": lambda v, draw: _put(v, draw, decimal.Decimal(1), object),
    "an integer too large": lambda v, draw: _put(v, draw, draw.choice([10**400, HUGE]), object),
    "a failing number": lambda v, draw: _put(v, draw, RaisingNumber(1.0), object),
    "an object": lambda v, draw: _put(v, draw, Raising(), object),
    "a long double too large": lambda v, draw: _put(v, draw, np.finfo(np.longdouble).max, np.longdouble),
    "sparse": lambda v, draw: scipy.sparse.coo_matrix(np.atleast_2d(v)),
    "sparse array": lambda v, draw: scipy.sparse.csr_array(np.atleast_2d(v)),
    "strings of bytes": lambda v, draw: v.astype("S8"),
    "ragged": lambda v, draw: [*v.tolist()[:-1], [1.0] * 77],
}


def array(draw: Random, values: np.ndarray) -> Numbers:
    """These numbers in some form; or spoiled, of another shape, or not numbers at all."""
    which = draw.random()
    if which < 0.3:
        name = draw.choice(list(KINDS))
        return Numbers(name, KINDS[name](values.copy()), True, values.shape)
    if which < 0.7 and values.size:
        name = draw.choice(list(SPOILED))
        not_finite = name.startswith(("nan", "inf", "signalling", "a long double"))
        return Numbers(name, SPOILED[name](values, draw), False, values.shape if not_finite else None, not_finite)
    if which < 0.85:
        shapes = [
            (),
            (0,),
            (0, 0),
            (1,),
            (*values.shape, 1),
            (1, *values.shape),
            values.shape[::-1],
            (0, *values.shape),
        ]
        shapes += [(*values.shape[:-1], values.shape[-1] + 1), (*values.shape[:-1], 0), values.shape[:-1]]
        shapes += [(values.shape[0] + 1, *values.shape[1:])]
        shape = draw.choice(shapes)
        name = draw.choice(["plain", "list", "swapped", "read-only"])
        form = KINDS[name](np.ones(shape)) if shape else draw.choice([1.0, np.float64(1)])
        return Numbers(f"shape {shape}, {name}", form, True, np.shape(form))
    if which < 0.88:
        return Numbers("an empty tuple", (), True, (0,))
    given = scalar(draw)
    if given.kind in ("int", "real", "bool"):
        good = given.kind == "bool" or bool(abs(given.means) <= sys.float_info.max)
        return Numbers(given.name, given.value, good, ())
    return Numbers(given.name, given.value, given.name in _NUMBERS_AFTER_ALL, _NUMBERS_AFTER_ALL.get(given.name))


# Junk that is an array of numbers.
_NUMBERS_AFTER_ALL: dict[str, tuple[int, ...]] = {
    "an array of rank 0": (),
    "a read-only array of rank 0": (),
    "an array of rank 0, integer": (),
    "a liar": (3,),
    "bytearray": (2,),
}


def path(draw: Random, folder: Path) -> tuple[str, Any, bool]:
    """A path, and whether the system could look it up."""
    texts = [
        "",
        "a\0b",
        "\ud800",
        "x" * 5000,
        str(folder / ("y" * 300)),
        "a/" * 3000,
        str(folder / "no such"),
        str(folder),
    ]
    which = draw.randrange(len(texts))
    kind = draw.choice([str, Path]) if which not in (0,) else str
    return f"{kind.__name__} {texts[which][:20]!a}", kind(texts[which]), which >= 6
