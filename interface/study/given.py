"""The arguments of `samenet.train_many`: for all networks, or for each."""

import inspect
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from operator import attrgetter
from typing import Any

import numpy as np

from samenet.network import Network
from samenet.validation import checks

_THETA = attrgetter("model.theta")


def arguments(options: dict[str, Any]) -> dict[str, Any]:
    """All arguments of `Network.train`, by name; TypeError for others."""
    known, required = _defaults()
    for name, value in options.items():
        if name not in known:
            checks.choice("train_many", name, known)
        if name in ("resume", "checkpoint", "every") and value is not known[name]:
            raise ValueError(
                f"{name}: expected none in train_many, which keeps no state to resume from, got {value!r:.60}"
            )
    if not required <= options.keys():
        missing = [name for name in known if name in required and name not in options]
        raise TypeError(f"train_many: expected {', '.join(missing)} to be given")
    return {**known, **options}


@cache
def _defaults() -> tuple[dict[str, Any], set[str]]:
    """The defaults of those arguments, by name, and the names of those that have none."""
    parameters = inspect.signature(Network.train).parameters.items()
    known = {name: parameter.default for name, parameter in parameters if name not in ("self", "X", "Y", "seed")}
    return known, {name for name, default in known.items() if default is inspect.Parameter.empty}


def listed(name: str, value: Iterable[Any]) -> list[Any]:
    """The items of a list, a range or an iterator, which have an order."""
    if type(value) in (list, tuple, range):
        return list(value)
    if isinstance(value, str | bytes | bytearray | memoryview | AbstractSet | Mapping):
        raise TypeError(f"{name}: expected a list, got {checks.short(value)} ({type(value).__name__})")
    try:
        return list(value)
    except Exception:
        raise TypeError(f"{name}: expected a list, got {checks.short(value)} ({type(value).__name__})") from None


def distinct(networks: Iterable[Any]) -> list[Network]:
    """The networks, none of them twice, and none that shares its parameters with another, as by `copy.copy`."""
    found = listed("networks", networks)
    is_each = all(issubclass(kind, Network) for kind in {*map(type, found)})
    if is_each and len({*map(id, map(_THETA, found))}) == len(found):
        return found
    places: dict[int, int] = {}
    for i, network in enumerate(found):
        if not isinstance(network, Network):
            raise TypeError(
                f"networks[{i}]: expected a Network, got {checks.short(network)} ({type(network).__name__})"
            )
        first = places.setdefault(id(network.model.theta), i)
        if network is not found[first]:
            raise ValueError(
                f"networks[{i}]: expected parameters of its own, got those of networks[{first}]; use copy()"
            )
        if first != i:
            raise ValueError(f"networks[{i}]: expected each network once, got networks[{first}] again")
    return found


def validation_sets(value: Any, count: int) -> Any:
    """The validation set of all networks, or a list with that of each."""
    if not (isinstance(value, tuple | list) and len(value) == 2 and 3 in map(_rank, value)):
        return value
    X, Y = (each("validation", part, count) or [part] * count for part in value)
    return list(zip(X, Y, strict=True))


def each(name: str, value: Any, count: int, rank: int = 3) -> list[Any] | None:
    """The separate values of each network, or None if all share one."""
    if _rank(value) != rank:
        return None
    given = list(value) if isinstance(value, list | tuple) else np.asarray(value)
    if isinstance(given, np.ndarray) and given.ndim != rank:  # a sparse matrix is refused on conversion
        return None
    if len(given) != count:
        what = "matrices" if rank == 3 else "vectors"
        raise ValueError(f"{name}: expected {count} {what}, one for each network, got {len(given)}")
    return list(given)


def _rank(value: Any) -> int:
    """The number of dimensions, judging by the first items."""
    try:
        rank = getattr(value, "ndim", None)
    except Exception:  # a user-defined class, refused on conversion
        return 0
    if isinstance(rank, int):
        return rank
    return 1 + _rank(value[0]) if isinstance(value, list | tuple) and value else int(checks.is_listing(value))


def named(numbers: Iterable[int]) -> str:
    """Networks by their numbers, the first few of many."""
    places = [f"networks[{i}]" for i in numbers]
    return ", ".join(places[:5]) + (f" and {len(places) - 5} more" if len(places) > 5 else "")
