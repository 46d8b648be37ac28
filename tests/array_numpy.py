"""A backend on NumPy arrays by the functions of `samenet.fast.arrays`, written like that of another library."""

import sys
from collections.abc import Callable
from functools import wraps
from types import SimpleNamespace
from typing import Any

import numpy as np

from samenet.fast import array_backend
from samenet.fast.array_backend import ArrayBackend, one_by_one

LIBRARY = "NumPy"
NORMALIZES = WEIGHS = True


def _quiet(f: Callable[..., Any]) -> Callable[..., Any]:
    """f without NumPy's warnings of overflow, which no other library has."""

    @wraps(f)
    def call(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return f(*args)

    return call


_xp = SimpleNamespace(**vars(np))  # not `np` itself, for which the functions have ways of its own
_backend = ArrayBackend(_xp, lambda array, device: array, np.asarray, _quiet(one_by_one(_xp, np.asarray)), _quiet)
feed_forward, predict, evaluate = _backend.feed_forward, _backend.predict, _backend.evaluate
gradient, run_updates = _backend.gradient, _backend.run_updates


def try_device(device: str) -> None:
    np.empty(0, device=device)  # type: ignore[arg-type]


class Network(array_backend.OnDevice):
    """The network on NumPy's arrays."""

    backend = sys.modules[__name__]
