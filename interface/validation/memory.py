"""Checks whose result is cached, because they are called with the same arguments again and again."""

from collections.abc import Callable, Iterable
from functools import wraps
from operator import is_
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

# Immutable types whose equal values are interchangeable; arguments of other types are checked again.
CONSTANT = frozenset((int, float, str, bool, type(None), type, type(np.dtype("f8")), type(np.dtype("f4"))))
_MOST = 1024  # sets of arguments cached for each check


class _Items:
    """Marks the start of a list or tuple in a key; the number of its items and the items follow."""


def remembers(check: Callable[..., T], constant: Iterable[type] = ()) -> Callable[..., T]:
    """The check, with a cache: it returns the earlier result for arguments of the same types and values.

    Results are cached for arguments that are plain numbers, texts and types, and lists and tuples of these. A check
    that raises is not cached, so its message always shows what was given. Results are never None, and must not be
    modified. constant: other immutable types whose equal values are interchangeable.
    """
    plain = CONSTANT.union(constant)
    known: dict[Any, T] = {}
    # The keys are immutable arguments, or these together with the items of lists and tuples; the values are the
    # results. The last arguments are kept with tuples in place of lists, which are treated alike.
    last: tuple[Any, Any] = (), None

    @wraps(check)
    def remembered(*arguments: Any) -> T:
        nonlocal last
        before, result = last
        if len(before) == len(arguments) and (all(map(is_, before, arguments)) or _have_same_items(before, arguments)):
            return result  # type: ignore[no-any-return]
        flat: Any = arguments
        kinds = [*map(type, arguments)]
        if list in kinds or tuple in kinds:
            flat = []
            for value in arguments:
                if type(value) is list or type(value) is tuple:
                    flat += (_Items, len(value), *value)
                else:
                    flat.append(value)
            kinds = [*map(type, flat)]
        if not plain.issuperset(kinds):
            return check(*arguments)
        key = (*kinds, *flat)
        result = known.get(key)
        if result is None:
            result = check(*arguments)
            if len(known) >= _MOST:
                known.clear()
            known[key] = result
        last = tuple([tuple(value) if type(value) is list else value for value in arguments]), result
        return result

    return remembered


def _have_same_items(before: tuple[Any, ...], arguments: tuple[Any, ...]) -> bool:
    """Whether the arguments are the same objects, or lists or tuples of the same objects; before: without lists."""
    same = [*map(is_, before, arguments)]
    while False in same:
        place = same.index(False)
        one, value = before[place], arguments[place]
        is_listing = type(one) is tuple and (type(value) is list or type(value) is tuple)
        if not (is_listing and len(one) == len(value) and all(map(is_, one, value))):
            return False
        same[place] = True
    return True
