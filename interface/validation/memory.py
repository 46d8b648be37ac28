"""Checks whose outcome is remembered, since the same arguments come again and again."""

from collections.abc import Callable, Iterable
from functools import wraps
from operator import is_
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

# Types of which two values that are equal are the same, and whose values never change; others are checked anew.
CONSTANT = frozenset((int, float, str, bool, type(None), type, type(np.dtype("f8")), type(np.dtype("f4"))))
_MOST = 1024  # sets of arguments remembered of a check


class _Items:
    """Stands before the number of items of a list or tuple, and the items."""


def remembers(check: Callable[..., T], constant: Iterable[type] = ()) -> Callable[..., T]:
    """check, which returns what it returned before for arguments of the same types and values.

    Remembered are arguments that are plain numbers, texts and types, and lists and tuples of them. A check that raises
    is made again, so that its message shows what was given. What it returns, never None, must not be changed by anyone.
    constant: other types whose values never change, and of which two that are equal are the same.
    """
    plain = CONSTANT.union(constant)
    known: dict[Any, T] = {}
    # Arguments whose values cannot change; these, with the items of lists and tuples; and what was returned for them.
    last: tuple[Any, Any, Any] = (), (), None

    @wraps(check)
    def remembered(*arguments: Any) -> T:
        nonlocal last
        before, items, result = last
        if len(before) == len(arguments) and all(map(is_, before, arguments)):
            return result  # type: ignore[no-any-return]
        flat: Any = arguments
        kinds = [*map(type, arguments)]
        if list in kinds or tuple in kinds:  # whether it is a list or a tuple makes no difference
            flat = []
            for value in arguments:
                if type(value) is list or type(value) is tuple:
                    flat += (_Items, len(value), *value)
                else:
                    flat.append(value)
            if len(items) == len(flat) and all(map(is_, items, flat)):
                return result  # type: ignore[no-any-return]
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
        last = arguments if list not in map(type, arguments) else (), flat, result
        return result

    return remembered
