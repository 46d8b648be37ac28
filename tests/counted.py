"""Which cases of a test are traced for coverage: only those that can run lines that earlier cases did not.

Tracing doubles the time. A case whose parameter values, and the fields of these values, have all occurred with the same
backends runs without tracing, so that in a product of parameters, each value of each factor is traced once. A case with
the reference or Numba is not traced either: `test_mutants` runs their lines, and the same case with NumPy runs those of
the interface. Tests marked `counted` are traced all the same; tests marked `uncounted`, whose lines other tests run,
are not.
"""

import dataclasses
from collections.abc import Callable, Hashable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import coverage


class Counted:
    """A plugin. `implementations(params)` are the backends that a test is given."""

    def __init__(self, tracer: "coverage.Coverage", implementations: Callable[[dict[str, Any]], set[str]]) -> None:
        self.tracer, self.implementations = tracer, implementations
        self.uncounted: set[str] = set()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        seen: set[Hashable] = set()
        for item in items:
            params = getattr(getattr(item, "callspec", None), "params", {})
            backends = frozenset(self.implementations(params))
            test = item.nodeid.partition("[")[0], backends
            new = {(test, value) for value in _values("", params)} - seen
            elsewhere = backends - {"numpy"} and not item.get_closest_marker("counted")
            if (not new and params) or elsewhere or item.get_closest_marker("uncounted"):
                self.uncounted.add(item.nodeid)
            seen |= new

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        if item.nodeid not in self.uncounted:
            return (yield)
        self.tracer.stop()
        try:
            return (yield)
        finally:
            self.tracer.start()


def _values(name: str, value: Any) -> Iterator[Hashable]:
    """A parameter's value, or the values of its parts; objects that are not plain values are identified by id."""
    if type(value) is dict and value:
        for key, part in value.items():
            yield from _values(f"{name}.{key}", part)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _values(f"{name}.{field.name}", getattr(value, field.name))
    else:
        yield name, _key(value)


def _key(value: Any) -> Hashable:
    if type(value) is tuple:
        return tuple(map(_key, value))
    return (type(value), value) if type(value) in (bool, bytes, float, int, str) else id(value)
