"""A backend's functions, to be called with weights of samples or without."""

from collections.abc import Callable
from functools import partial
from typing import Any


def weighing(module: Any, function: str, sample_weight: Any) -> Callable[..., Any]:
    """The backend's function of this name, bound to these weights; as it is for None.

    A backend whose own functions do not take any has others in its FOR_WEIGHTS, see `samenet.backends.generic`.
    """
    own: Callable[..., Any] = getattr(module, function)
    if sample_weight is None:
        return own
    return partial(getattr(module, "FOR_WEIGHTS", {}).get(function, own), sample_weight=sample_weight)
