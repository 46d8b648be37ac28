"""How a backend's functions are called: with or without sample weights, and without warnings of overflow."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np

_nothing = nullcontext()


def overflow_ignored(backend: Any) -> Any:
    """A context in which overflow gives infinity or NaN without a warning, on every backend."""
    return _nothing if hasattr(backend, "QUIET") else np.errstate(all="ignore")


def weighing(module: Any, function: str, sample_weight: Any) -> Callable[..., Any]:
    """The backend's function of this name, bound to these weights; unchanged if they are None.

    If a backend's own functions do not take weights, its FOR_WEIGHTS has others that do, see
    `samenet.backends.generic`.
    """
    own: Callable[..., Any] = getattr(module, function)
    if sample_weight is None:
        return own
    return partial(getattr(module, "FOR_WEIGHTS", {}).get(function, own), sample_weight=sample_weight)
