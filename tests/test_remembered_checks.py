"""Cached checks: never reused for values that only look the same, never cached if they raise."""

from enum import StrEnum
from typing import Any

import numpy as np
import pytest

import samenet
from samenet.validation import checks
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
