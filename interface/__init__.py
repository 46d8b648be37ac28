"""One small neural network, three backends, the same answer.

    from samenet.reference import Network     # nested loops to read
    from samenet.fast.numpy import Network    # the same in NumPy
    from samenet.fast.numba import Network    # the same, compiled

Importing this module is cheap: NumPy and Numba are imported with the first backend.
"""

import importlib
from typing import TYPE_CHECKING, Any

from samenet.backends import backends

if TYPE_CHECKING:
    from types import ModuleType

    from samenet import data, export, optimizers, schedules, stopping
    from samenet.estimators import MLPClassifier, MLPRegressor
    from samenet.model.parameters import Parameters
    from samenet.network import Network
    from samenet.stopping import StopTraining
    from samenet.storage.conversion import from_keras, from_torch
    from samenet.storage.loading import load
    from samenet.study import plot
    from samenet.study.diagram import draw_network
    from samenet.study.direction_changes import DirectionChanges
    from samenet.study.downhill import downhill
    from samenet.study.error_surface import error_surface
    from samenet.study.many import TrainingErrors, train_many
    from samenet.testing.gradient_check import check_gradient
    from samenet.training.adaptive_sampling import AdaptiveSampling
    from samenet.training.divergence import DivergenceWarning
    from samenet.training.history import History
    from samenet.training.reach import UnreachableTargetsWarning

    class Backend(ModuleType):
        """The type of a backend's module, for type checkers: `backend("numba").Network` is a network class."""

        Network: type[Network]

    def backend(name: str) -> Backend:
        """The module of a backend, see `samenet.backends.backend`."""
else:
    from samenet.backends import backend

__version__ = "0.2.0"
__all__ = [
    "AdaptiveSampling",
    "DirectionChanges",
    "DivergenceWarning",
    "History",
    "MLPClassifier",
    "MLPRegressor",
    "Network",
    "Parameters",
    "StopTraining",
    "TrainingErrors",
    "UnreachableTargetsWarning",
    "__version__",
    "backend",
    "backends",
    "check_gradient",
    "data",
    "downhill",
    "draw_network",
    "error_surface",
    "export",
    "from_keras",
    "from_torch",
    "load",
    "optimizers",
    "plot",
    "schedules",
    "stopping",
    "train_many",
]

_LATER = {
    "AdaptiveSampling": "samenet.training.adaptive_sampling",
    "DirectionChanges": "samenet.study.direction_changes",
    "DivergenceWarning": "samenet.training.divergence",
    "History": "samenet.training.history",
    "MLPClassifier": "samenet.estimators",
    "MLPRegressor": "samenet.estimators",
    "Network": "samenet.network",
    "Parameters": "samenet.model.parameters",
    "StopTraining": "samenet.stopping",
    "TrainingErrors": "samenet.study.many",
    "UnreachableTargetsWarning": "samenet.training.reach",
    "check_gradient": "samenet.testing.gradient_check",
    "downhill": "samenet.study.downhill",
    "draw_network": "samenet.study.diagram",
    "error_surface": "samenet.study.error_surface",
    "from_keras": "samenet.storage.conversion",
    "from_torch": "samenet.storage.conversion",
    "load": "samenet.storage.loading",
    "train_many": "samenet.study.many",
}
_MODULES = {
    **{name: f"samenet.{name}" for name in ("data", "export", "optimizers", "schedules", "stopping")},
    "plot": "samenet.study.plot",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
