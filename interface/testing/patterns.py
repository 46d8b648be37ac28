"""Patterns in wrong answers, for failures that no known mistake reproduces exactly."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.testing.answers import Answer
from samenet.testing.inputs import Case

Array = NDArray[Any]
_DIGITS = 1e-6  # relative error of an answer with float32's seven digits
_NEAR = 1e-9


def pattern(answers: Iterable[Answer]) -> str:
    """A pattern common to all wrong answers of the first kind that is wrong; empty if there is none."""
    wrong = [one for one in answers if not one.comparison.ok and one.comparison.bounded and not one.comparison.problem]
    wrong = [one for one in wrong if one.name == wrong[0].name and one.got.dtype.kind == "f"]
    pairs = [(one.got.astype(np.float64), one.expected.astype(np.float64)) for one in wrong]
    pairs = [(got, right) for got, right in pairs if np.isfinite(right).all()]
    if not pairs:
        return ""
    if any(np.isnan(got).any() for got, _ in pairs):
        return "NaN where there is a number: infinity - infinity, 0 * infinity or 0 / 0 on the way"
    if any(np.isinf(got).any() for got, _ in pairs):
        return "infinity where there is a number: exp overflows, or a division by 0, on the way"
    if any(one.got.dtype == np.float64 for one in wrong) and _all(pairs, _is_rounded):
        return "right to some digits: numbers are float32 on the way, or a small constant was added for safety"
    many = [(got, right) for got, right in pairs if right.size > 1]
    if many and _all(many, _is_reversed):
        return "the rows are in the opposite order"
    if many and _all(many, _is_first):
        return "all samples get the answer of the first"
    return _factor(pairs)


def _all(pairs: list[tuple[Array, Array]], holds: Callable[[Array, Array], bool]) -> bool:
    return all(holds(got, right) for got, right in pairs)


def _same(a: Array, b: Array) -> bool:
    return bool((np.abs(a - b) <= _NEAR * np.abs(b).max(initial=0.0)).all())


def _is_rounded(got: Array, right: Array) -> bool:
    return bool(np.abs(got - right).max() <= _DIGITS * np.abs(right).max())


def _is_reversed(got: Array, right: Array) -> bool:
    return _same(got, right[::-1])


def _is_first(got: Array, right: Array) -> bool:
    return right.ndim == 2 and len(right) > 1 and _same(got, np.broadcast_to(right[:1], right.shape))


def _factor(pairs: list[tuple[Array, Array]]) -> str:
    """The common factor of all numbers, if there are more than one or two."""
    got, right = (np.concatenate([pair[i].ravel() for pair in pairs]) for i in (0, 1))
    if np.count_nonzero(right) < 3:
        return ""
    squares = float(right @ right)
    factor = float(got @ right) / squares if squares > 0 else 0.0
    if factor == 0 or not (np.abs(got - factor * right) <= _NEAR * abs(factor) * np.abs(right).max()).all():
        return ""
    return "the wrong sign" if abs(factor + 1) < _NEAR else f"{factor:.6g} times what it should be, everywhere"


def place(given: Sequence[tuple[Case, Sequence[Answer]]]) -> str:
    """The one property that all networks with a wrong answer have, and no other network has; empty if there is none."""
    wrong, right = list[set[str]](), set[str]()
    for case, answers in given:
        if all(one.comparison.ok or not one.comparison.bounded for one in answers):
            right |= _features(case)
        else:
            wrong.append(_features(case))
    found = set.intersection(*wrong) - right if wrong and right else set()
    return f"right without {found.pop()}: look there" if len(found) == 1 else ""


def _features(case: Case) -> set[str]:
    functions = case.functions
    found = {f"the activation {name}" for name in functions.settings(len(case.sizes))["activation"]}
    found |= {f"the cost {functions.cost}"}
    found |= {f"the penalty {name}" for name in ("l1", "l2") if getattr(functions, name)}
    found |= {"penalties"} if functions.l1 or functions.l2 else set()
    found |= {"biases"} if case.bias else set()
    found |= {"more than one sample"} if case.rows > 1 else set()
    return found | ({"hidden layers"} if len(case.sizes) > 2 else set())
