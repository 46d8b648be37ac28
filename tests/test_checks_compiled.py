"""The checks of `test_conformance` and `test_exercises`, for compiled functions."""

import pytest
from solutions import report, solved

import samenet
from samenet.testing import check_backend
from samenet.testing.exercises.catalogue import EXERCISES

pytestmark = pytest.mark.compiled


def test_the_compiled_backend_passes() -> None:
    result = check_backend(samenet.backend("numba"))
    assert result.ok, str(result)
    assert {part.status for part in result.parts} == {"passed"}


def test_the_compiled_solution_passes() -> None:
    name = "compile-it"
    text = EXERCISES[name].text()
    assert report(name, solved(name, text)).ok
    plain = solved(name, text).replace("@njit\n", "")
    assert [part.reason for part in report(name, plain).parts] == ["layer is not compiled: decorate it with @njit"]
