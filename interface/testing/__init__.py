"""The tests as a tool: checks whether a backend, a gradient or an answer is right, within derived bounds.

    from samenet.testing import check_backend
    print(check_backend("my_backend.py"))

`check_backend` runs the whole suite on a backend, and returns a `Report`; `assert_same` compares two backends on one
network; `check_gradient` compares a gradient with differences of the cost. docs/conformance.md is the guide.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samenet.testing.gradient_check import check_gradient
    from samenet.testing.report import Report
    from samenet.testing.same import assert_same
    from samenet.testing.suite import check_backend

__all__ = ["Report", "assert_same", "check_backend", "check_gradient"]

_LATER = {"Report": "report", "assert_same": "same", "check_backend": "suite", "check_gradient": "gradient_check"}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(f"samenet.testing.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
