"""Checks of a user's input, all in one place, with the same messages for every backend.

Every check returns the value in the form that the backends work on, or raises: TypeError for a wrong type, ValueError
for a wrong value. The message names the argument and says what was expected and what was given. Input is never written
to.
"""

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from functools import lru_cache
from numbers import Integral, Real
from typing import Any, Literal, TypeVar

import numpy as np

from samenet.validation.names import suggestion

Float = np.dtype[Any]
DType = type[np.float64 | np.float32] | np.dtype[np.float64] | np.dtype[np.float32] | Literal["float64", "float32"]
Name = TypeVar("Name", bound=str)


def short(value: object) -> str:
    """A value for an error message: its repr, cut to one short line."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # an integer of more digits than Python prints, or a repr that fails
        text = f"a value of type {type(value).__name__} that cannot be printed"
    return text if len(text) <= 60 else text[:57] + "..."


# Rejected as numbers, although Python accepts them: NumPy's durations count as integers.
_NOT_NUMBERS = bool | np.bool_ | np.timedelta64


def integer(name: str, value: Any, least: int, most: int | None = None) -> int:
    """An integer, at least `least`, and at most `most` if that is given."""
    if type(value) is int and least <= value and (most is None or value <= most):
        return value
    try:
        result = int(value) if isinstance(value, Integral) and not isinstance(value, _NOT_NUMBERS) else None
    except Exception:  # from a user-defined number
        result = None
    if result is None:
        raise TypeError(f"{name}: expected an integer, got {short(value)} ({type(value).__name__})")
    if result < least:
        raise ValueError(f"{name}: expected an integer of at least {least}, got {short(value)}")
    if most is not None and result > most:
        raise ValueError(f"{name}: expected an integer of at most {most}, got {short(value)}")
    return result


def number(name: str, value: Any, *, positive: bool = False, least: float = -math.inf) -> float:
    """A finite real number, above 0 if `positive`, and at least `least`."""
    if type(value) is float and least <= value < math.inf and (value > 0 or not positive) and value > -math.inf:
        return value
    try:
        result = float(value) if isinstance(value, Real) and not isinstance(value, _NOT_NUMBERS) else None
    except OverflowError:
        result = math.inf
    except Exception:  # from a user-defined number
        result = None
    if result is None:
        raise TypeError(f"{name}: expected a number, got {short(value)} ({type(value).__name__})")
    if not math.isfinite(result):
        raise ValueError(f"{name}: expected a finite number, got {short(value)}")
    if positive and result <= 0:
        raise ValueError(f"{name}: expected a number above 0, got {short(value)}")
    if result < least:
        raise ValueError(f"{name}: expected a number of at least {least:g}, got {short(value)}")
    return result


def fraction(name: str, value: Any) -> float:
    """A number in [0, 1)."""
    result = number(name, value)
    if not 0 <= result < 1:
        raise ValueError(f"{name}: expected a number in [0, 1), got {short(value)}")
    return result


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if value is True or value is False:
        return bool(value)
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: expected True or False, got {short(value)} ({type(value).__name__})")
    return bool(value)


def flag_or(name: str, value: Any, word: str) -> bool | str:
    """True, False or this word."""
    if isinstance(value, str) and str.__eq__(value, word):
        return word
    if isinstance(value, bool | np.bool_):
        return bool(value)
    error = ValueError if isinstance(value, str) else TypeError
    raise error(f"{name}: expected True, False or {word!r}, got {short(value)} ({type(value).__name__})")


def flags(name: str, value: Any, hidden: int) -> tuple[bool, ...]:
    """True or False for each hidden layer, given as one flag for all or as a list."""
    if not is_listing(value):
        if flag(name, value) and hidden == 0:
            raise ValueError(f"{name}: expected False for a network without hidden layers, got True")
        return (flag(name, value),) * hidden
    given = listed(name, value, "True or False, or a list of flags")
    if len(given) != hidden:
        raise ValueError(f"{name}: expected {hidden} flags, one for each hidden layer, got {len(given)}")
    return tuple(flag(f"{name}[{i}]", item) for i, item in enumerate(given))


def choice(name: str, value: Any, known: Iterable[Name], others: Mapping[str, str] | None = None) -> Name:
    """One of the known names; for any other, the message suggests the nearest. others: aliases of the known names."""
    if type(value) is str and type(known) in (tuple, dict) and value in known:  # type: ignore[operator]
        return value  # type: ignore[return-value]
    known = known if type(known) is tuple or type(known) is dict else list(known)
    if isinstance(value, str):
        try:
            if value in known:
                return str.__str__(value)  # type: ignore[return-value]  # a plain str, also of a `StrEnum`'s member
        except Exception as error:  # from a user-defined subclass of str
            raise TypeError(
                f"{name}: expected text, got a {type(value).__name__} that cannot be compared ({error})"
            ) from error
    hint = suggestion(value, known, others)
    names = ", ".join(map(repr, known))
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected one of {names}, got {short(value)} ({type(value).__name__}){hint}")
    raise ValueError(f"{name}: expected one of {names}, got {short(value)}{hint}")


def choices(name: str, value: Any, known: Iterable[Name], number: int) -> tuple[Name, ...]:
    """One of the known names for each of `number` layers, given as one name for all or as a list."""
    known = tuple(known)
    if isinstance(value, str) or not is_listing(value):
        return (choice(name, value, known),) * number
    given = listed(name, value, "one name, or a list of names")
    if len(given) != number:
        raise ValueError(f"{name}: expected one name, or one for each of {number} layers, got {short(value)}")
    return tuple(choice(f"{name}[{i}]", item, known) for i, item in enumerate(given))


def is_listing(value: Any) -> bool:
    """Whether a value is a sequence such as a list, a tuple or an array, but not text, a set or a dictionary."""
    if type(value) is list or type(value) is tuple:
        return True
    if isinstance(value, str | bytes | bytearray | AbstractSet | Mapping):
        return False
    try:
        return len(value) >= 0 and hasattr(value, "__iter__")
    except Exception:  # it has no length, such as an array of rank 0
        return False


def listed(name: str, value: Any, expected: str) -> list[Any]:
    """The items of a sequence, see `is_listing`."""
    try:
        if is_listing(value):
            return list(value)
    except Exception:  # from a user-defined sequence
        pass
    raise TypeError(f"{name}: expected {expected}, got {short(value)} ({type(value).__name__})")


@contextmanager
def fits(name: str, value: Any) -> Iterator[None]:
    """Reject a size for which no array can be allocated."""
    try:
        yield
    except (MemoryError, OverflowError, ValueError):
        raise too_large(name, value) from None


def too_large(name: str, value: Any) -> ValueError:
    """The error for a size for which no array can be allocated."""
    return ValueError(f"{name}: expected a size that fits in memory, got {short(value)}")


def sizes(value: Any) -> tuple[int, ...]:
    """The number of nodes in each layer: at least two integers, each at least 1."""
    rank = value.ndim if isinstance(value, np.ndarray) else 1
    given = listed("sizes", value, "the numbers of nodes as in [64, 30, 10]") if rank == 1 else []
    if len(given) < 2:
        raise ValueError(f"sizes: expected at least two layers as in [64, 30, 10], got {short(value)}")
    return tuple(integer(f"sizes[{i}]", n, least=1) for i, n in enumerate(given))


def dtype(value: Any) -> Float:
    """float64 or float32."""
    try:
        # NumPy would accept anything that has a dtype, such as an array.
        if value is not None and not isinstance(value, str | type | np.dtype):
            raise TypeError
        result: Float = np.dtype(value)
    except Exception:  # mostly a TypeError, but numpy.dtype("f8,,") raises a SyntaxError
        raise TypeError(f"dtype: expected numpy.float64 or numpy.float32, got {short(value)}") from None
    if value is None or result not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise ValueError(f"dtype: expected numpy.float64 or numpy.float32, got {short(value)}")
    return np.dtype(result.type)  # without the user's metadata


_STREAMS = np.random.Generator, np.random.RandomState


def seed(name: str, value: Any) -> None:
    """Reject a seed that `generator` would not accept."""
    if value is not None and not isinstance(value, _STREAMS):
        integer(name, value, least=0)


def generator(name: str, seed: Any) -> np.random.Generator | np.random.RandomState:
    """A random number generator: a new one from a seed or None; a Generator or legacy RandomState is returned as is."""
    if seed is not None and type(seed) is not int and isinstance(seed, _STREAMS):
        return seed
    words = _Fresh() if seed is None else _seeded(integer(name, seed, least=0))
    return np.random.Generator(np.random.PCG64(words))  # type: ignore[arg-type]


class _Seeded(np.random.bit_generator.ISeedSequence):
    """The seed sequence of `numpy.random.default_rng(seed)`, computed once, because it takes most of the time."""

    def __init__(self, seed: int) -> None:
        self.words = np.random.SeedSequence(seed).generate_state(4, np.uint64)  # the number that PCG64 needs

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        return self.words


class _Fresh(_Seeded):
    """A seed sequence from the system's random numbers; unlike a short seed, they need no mixing."""

    def __init__(self) -> None:
        self.words = np.frombuffer(os.urandom(32), np.uint64)


_seeded = lru_cache(4096)(_Seeded)
