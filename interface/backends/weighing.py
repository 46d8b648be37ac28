"""A backend's functions, with or without sample weights."""

from collections.abc import Callable
from functools import partial
from typing import Any


def weighing(module: Any, function: str, sample_weight: Any) -> Callable[..., Any]:
    """The backend's function of this name, bound to these weights; unchanged if they are None.

    If a backend's own functions do not take weights, its FOR_WEIGHTS has others that do, see
    `samenet.backends.generic`.
    """
    own: Callable[..., Any] = getattr(module, function)
    if sample_weight is None:
        return own
    return partial(getattr(module, "FOR_WEIGHTS", {}).get(function, own), sample_weight=sample_weight)
