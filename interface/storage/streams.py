"""Random streams as plain numbers, and back.

A state is checked before NumPy gets it, because NumPy would accept a position beyond its buffer, and read there.
"""

import random
from typing import Any

import numpy as np

from samenet.storage.contents import Unreadable

Stream = np.random.Generator | np.random.RandomState | random.Random

GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
_MOST = {"pos": 624, "buffer_pos": 4, "has_uint32": 1, "has_gauss": 1, "uinteger": 2**32 - 1}  # others have 128 bits


def kind(stream: Stream) -> str:
    """The kind of a stream, as text."""
    if isinstance(stream, np.random.Generator):
        return f"Generator({type(stream.bit_generator).__name__})"
    return "RandomState" if isinstance(stream, np.random.RandomState) else "Random"


def state(stream: Stream) -> dict[str, Any]:
    """The state of a stream as numbers, lists and dictionaries; ValueError for an unknown kind of stream."""
    try:
        found = _state(stream)
    except (AttributeError, NotImplementedError, TypeError):
        found = {}
    name = found.get("bit_generator")
    if name not in (("MT19937",) if isinstance(stream, np.random.RandomState) else (*GENERATORS, "Random")):
        raise ValueError(f"seed: expected a stream of {', '.join(GENERATORS)} or random.Random, got {kind(stream)}")
    plain: dict[str, Any] = _plain(found)
    return plain


def _state(stream: Stream) -> dict[str, Any]:
    if isinstance(stream, random.Random):
        version, numbers, gauss = stream.getstate()
        return {"bit_generator": "Random", "version": version, "state": list(numbers), "gauss": gauss}
    if isinstance(stream, np.random.RandomState):
        return dict(stream.get_state(legacy=False))
    return dict(stream.bit_generator.state)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def stream(kind: Any, given: Any) -> Stream:
    """A stream of this kind in this state; raises Unreadable if the state is invalid."""
    if kind == "Random":
        return _python_stream(given)
    name = kind[10:-1] if isinstance(kind, str) and kind.startswith("Generator(") else None
    if name not in GENERATORS and kind != "RandomState":
        raise Unreadable("its random stream is of a kind that this version of samenet does not know")
    if kind == "RandomState":
        found = np.random.RandomState(0)
        found.set_state(_checked(found.get_state(legacy=False), given))
        return found
    generator = getattr(np.random, str(name))(0)
    generator.state = _checked(generator.state, given)
    return np.random.Generator(generator)


def _python_stream(given: Any) -> random.Random:
    found = random.Random(0)
    numbers, gauss = (given.get("state"), given.get("gauss")) if isinstance(given, dict) else (None, None)
    if not isinstance(numbers, list) or len(numbers) != 625 or not all(_is_integer(n, 2**32 - 1) for n in numbers):
        raise _wrong()
    if numbers[-1] > 624 or not (gauss is None or type(gauss) is float):
        raise _wrong()
    found.setstate((3, tuple(numbers), gauss))
    return found


def _checked(template: Any, given: Any, name: str = "") -> Any:
    """The given state, checked to have the structure of the template, and numbers in their ranges."""
    if isinstance(template, dict):
        if not isinstance(given, dict) or given.keys() != template.keys():
            raise _wrong()
        return {key: _checked(item, given[key], key) for key, item in template.items()}
    if isinstance(template, np.ndarray):
        most = int(np.iinfo(template.dtype).max)
        if not isinstance(given, list) or len(given) != len(template) or not all(_is_integer(n, most) for n in given):
            raise _wrong()
        return np.array(given, template.dtype)
    if isinstance(template, str):
        fits = given == template
    elif isinstance(template, float):
        fits = type(given) in (float, int)
    else:
        fits = _is_integer(given, _MOST.get(name, 2**128 - 1))
    if not fits:
        raise _wrong()
    return given


def _is_integer(value: Any, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def _wrong() -> Unreadable:
    return Unreadable("its random stream has an invalid state")


def take_over(stream: Stream, other: Stream) -> None:
    """Set a stream to the state of another of its kind."""
    if isinstance(stream, random.Random) and isinstance(other, random.Random):
        stream.setstate(other.getstate())
    elif isinstance(stream, np.random.RandomState) and isinstance(other, np.random.RandomState):
        stream.set_state(other.get_state(legacy=False))
    elif isinstance(stream, np.random.Generator) and isinstance(other, np.random.Generator):
        stream.bit_generator.state = other.bit_generator.state
