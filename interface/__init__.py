"""One small neural network, three backends, the same answer.

    from samenet.reference import Network     # nested loops to read
    from samenet.fast.numpy import Network    # the same in NumPy
    from samenet.fast.numba import Network    # the same, compiled

This module is light: NumPy and Numba load with the first backend.
"""

import importlib
from typing import TYPE_CHECKING, Any

from samenet.backends import backend, backends

if TYPE_CHECKING:
    from samenet import data, optimizers, schedules, stopping
    from samenet.descent_1d import downhill
    from samenet.diagram import draw_network
    from samenet.directions import DirectionChanges
    from samenet.gradient_check import check_gradient
    from samenet.history import History
    from samenet.network import Network
    from samenet.parameters import Parameters
    from samenet.search import error_surface
    from samenet.stopping import StopTraining
    from samenet.training.divergence import DivergenceWarning

__version__ = "0.1.0"
__all__ = [
    "DirectionChanges",
    "DivergenceWarning",
    "History",
    "Network",
    "Parameters",
    "StopTraining",
    "__version__",
    "backend",
    "backends",
    "check_gradient",
    "data",
    "downhill",
    "draw_network",
    "error_surface",
    "optimizers",
    "schedules",
    "stopping",
]

_LATER = {
    "DirectionChanges": "samenet.directions",
    "DivergenceWarning": "samenet.training.divergence",
    "History": "samenet.history",
    "Network": "samenet.network",
    "Parameters": "samenet.parameters",
    "StopTraining": "samenet.stopping",
    "check_gradient": "samenet.gradient_check",
    "downhill": "samenet.descent_1d",
    "draw_network": "samenet.diagram",
    "error_surface": "samenet.search",
}
_MODULES = ("data", "optimizers", "schedules", "stopping")


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"samenet.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
