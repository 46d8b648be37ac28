"""Cached checks: never reused for values that only look the same, never cached if they raise."""

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import samenet
from samenet.validation import arrays, checks
from samenet.validation.memory import _MOST, remembers


def counted() -> tuple[Any, list[Any]]:
    calls: list[Any] = []

    @remembers
    def check(*arguments: Any) -> tuple[Any, ...]:
        calls.append(arguments)
        if type(arguments[0]) is str and arguments[0] == "wrong":
            raise ValueError("wrong")
        return ("checked", *arguments)

    return check, calls


class Text(StrEnum):
    A = "a"


class Own(int):
    pass


@pytest.mark.parametrize(
    "value", [1, 1.0, True, "a", None, float, (1, 2), [1, 2], (), [], np.dtype("f4"), 2**70], ids=repr
)
def test_plain_arguments_are_remembered(value: Any) -> None:
    check, calls = counted()
    for other in (value, 0, value):
        assert check(other, value) == ("checked", other, value)
    assert len(calls) == 2 if value != 0 else 1


@pytest.mark.parametrize(
    "value",
    [np.ones(2), [1, [2]], ((1,), 2), {1: 2}, Text.A, Own(1), np.float64(1), np.int64(1), [np.int64(1)], object],
    ids=repr,
)
def test_others_are_checked_anew(value: Any) -> None:
    check, calls = counted()
    for _ in range(3):
        check(value, 1)
    assert len(calls) == (1 if value is object else 3)


def test_equal_values_of_other_types_are_others() -> None:
    check, calls = counted()
    alike = [1, 1.0, True, (1,), (1.0,), (True,), (1, 1), "1", Own(1)]
    for value in alike * 2:
        (found,) = check(value)[1:]
        assert found == value
        assert type(found) is type(value)
        assert not isinstance(value, tuple) or [*map(type, found)] == [*map(type, value)]
    assert {type(found) for (found,) in calls} == {int, float, bool, tuple, str, Own}


def test_lists_may_change_and_errors_are_raised_again() -> None:
    check, calls = counted()
    sizes = [1, 2]
    assert check(sizes) == ("checked", [1, 2])
    sizes.append(3)
    check(sizes)
    assert calls[-1] == ([1, 2, 3],)
    assert len(calls) == 2
    for _ in range(2):
        with pytest.raises(ValueError, match="wrong") as raised:
            check("wrong")
        assert raised.value.__context__ is None
    assert len(calls) == 4


def test_they_are_not_remembered_without_end() -> None:
    check, calls = counted()
    for _ in range(2):
        for i in range(2 * _MOST):
            assert check(i) == ("checked", i)
    assert len(calls) == 4 * _MOST


def test_a_network_of_what_only_looks_like_sizes() -> None:
    Network = samenet.backend("numpy").Network
    assert Network([4, 3], l1=0).sizes == (4, 3)
    for sizes in ([4.0, 3], [4, True], (4, "3"), [4, None]):
        with pytest.raises(TypeError, match=r"sizes\["):
            Network(sizes)
    for options in ({"bias": 1}, {"l1": True}, {"l2": "0"}, {"cost": None}, {"dtype": None}, {"dtype": int}):
        Network([4, 3])
        with pytest.raises((TypeError, ValueError), match=next(iter(options))):
            Network([4, 3], **options)
    net, X, Y = Network([4, 3], seed=0), np.ones((2, 4)), np.ones((2, 3))
    net.train(X, Y, alpha=1.0, epochs=1, shuffle=True, record_every=1)
    for wrong in (
        {"alpha": True},
        {"epochs": 1.0},
        {"epochs": True},
        {"shuffle": 1},
        {"record_every": True},
        {"monitors": [1]},
    ):
        with pytest.raises(TypeError, match=next(iter(wrong))):
            net.train(X, Y, **{"alpha": 1.0, "epochs": 1, **wrong})


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**32, 2**70])
def test_the_stream_of_a_seed_is_numpys(seed: int) -> None:
    for _ in range(2):
        assert checks.generator("seed", seed).bytes(64) == np.random.default_rng(seed).bytes(64)
    assert checks.generator("seed", None).bytes(16) != checks.generator("seed", None).bytes(16)


LISTS = [[0.5, 2.0, -1.0], [[0.5, 2.0], [-1.0, 4.0], [0.0, 1.0]], [[0.5, 2.0], [True, -1]], [[0.5, 2.0], [1e300, 1.0]]]


def listed_as(value: Any, numbers: Any) -> Any:
    """The list with these in place of its numbers."""
    return [listed_as(one, numbers) if type(one) is list else numbers(one) for one in value]


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("value", LISTS, ids=repr)
def test_lists_are_converted_as_they_are_now(value: Any, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, value, calls, plain = np.dtype(dtype), listed_as(value, lambda one: one), [], arrays.plain
    monkeypatch.setattr(arrays, "plain", lambda *given: calls.append(given) or plain(*given))
    with np.errstate(all="ignore"):
        expected = np.array(value, kind)
    for _ in range(5):
        found = arrays.array("X", value, kind)
        assert found.dtype == kind
        assert found.flags.carray
        assert found.tobytes() == expected.tobytes()
        found[:] = 7  # which changes nothing that is kept
    assert len(calls) == (5 if expected.max() > 1e30 else 2)  # a sum could overflow
    rows = value if type(value[0]) is list else [value]
    rows[0][1] = expected.ravel()[1] = 3.0
    assert arrays.array("X", value, kind).tobytes() == expected.tobytes()
    rows[-1].append(1.0)
    if len(rows) > 1:
        with pytest.raises(ValueError, match="rows of equal length"):
            arrays.array("X", value, kind)


class Always:
    """Equal to everything, and not a number."""

    def __init__(self, number: float) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("value", LISTS[:2], ids=repr)
def test_what_equals_the_numbers_of_a_list_is_checked(value: Any) -> None:
    kind = np.dtype("f8")
    for _ in range(3):
        arrays.array("X", value, kind)
    for numbers in (Decimal, complex, lambda one: np.ma.array(one, mask=True), Always):
        with pytest.raises((TypeError, ValueError), match="X: expected"):
            arrays.array("X", listed_as(value, numbers), kind)
    for numbers in (Fraction, np.float64, np.array, lambda one: np.ma.array(one, mask=False)):
        assert (arrays.array("X", listed_as(value, numbers), kind) == np.array(value)).all()


def test_numbers_of_numpy_give_no_warning_of_overflow() -> None:
    value = [np.float64(1e308)] * 3
    for _ in range(4):
        assert arrays.array("X", value, np.dtype("f8")).tolist() == value
