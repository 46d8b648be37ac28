"""The most likely mistake of a failing backend: that of a mutant that gives exactly the same wrong answers."""

from itertools import islice
from typing import Any

import numpy as np

from samenet.testing.answers import Answer
from samenet.testing.forms import printable
from samenet.testing.inputs import Case
from samenet.testing.mistakes import MUTANTS
from samenet.testing.mutation import Mutant, mutated
from samenet.testing.parts import Part
from samenet.testing.patterns import pattern, place

_FORWARD = ("feed_forward", "activations")
_BACKWARD = ("gradient", "activations and costs", "penalties")
# The parts whose mutants are tried for a function, besides those of the failing part itself.
_TRIED = {
    "feed_forward": _FORWARD,
    "predict": (*_FORWARD, "predict"),
    "evaluate": (*_FORWARD, "evaluate"),
    "gradient": (*_BACKWARD, *_FORWARD, "evaluate"),
    "run_updates": ("descent", "momentum", "epochs", *_BACKWARD, *_FORWARD),
}
SHAPES = "the shapes of a product do not fit: a matrix is transposed, or the factors are in the wrong order"
_MOST = 400  # answers of a part that are compared


def mistake(part: Part, cls: Any, trusted: Any, level: str, known: list[str], first: bool) -> str:
    """A hint for the author of the backend; if no mutant gives the same answers, a pattern in the numbers.

    known: mistakes found before, which are tried first; first: whether this is the first failure of a function. For
    later failures, only the known mistakes and those of the part itself are tried.
    """
    if not part.tells:
        return ""
    given = [(case, _answers(part, cls, trusted, case)) for case in part.chosen(level)]
    usable = [(case, answers) for case, answers in given if answers]
    if not usable:
        square = [
            Case((3,) * len(case.sizes), 3, case.bias, case.dtype, functions=case.functions) for case, _ in given[:2]
        ]
        usable = [(case, answers) for case in square if (answers := _answers(part, cls, trusted, case))]
    if not usable:
        return ""
    told = next((m.mistake for m in _candidates(part, known, first) if _is_like(m, part, trusted, usable)), "")
    seen = [pattern(answer for _, answers in usable for answer in answers)]
    if part.function != "run_updates":  # their networks differ in little but their size
        seen.append(place(usable))
    return told or "; ".join(filter(None, seen))


def _candidates(part: Part, known: list[str], first: bool) -> list[Mutant]:
    tags = [part.name, *(_TRIED[part.function] if first else ())]
    before = [m for m in MUTANTS if m.mistake in known]
    return list(dict.fromkeys([*before, *(m for tag in tags for m in MUTANTS if m.part == tag and m.mistake)]))


def _answers(part: Part, cls: Any, trusted: Any, case: Case) -> list[Answer]:
    """The answers of a backend, right or wrong; empty if one of them cannot be obtained."""
    try:
        return list(islice(part.run(cls, trusted, case), _MOST))
    except Exception:  # such as Broken
        return []


def _is_like(mutant: Mutant, part: Part, trusted: Any, given: list[tuple[Case, list[Answer]]]) -> bool:
    """Whether a mutant gives the same answers, and some of them are wrong."""
    network, is_wrong = mutated(mutant).Network, False
    for case, answers in given:
        its = islice(part.run(network, trusted, case), _MOST)
        try:
            for answer in answers:
                other = next(its, None)
                if other is None or not _same(other, answer):
                    return False
                is_wrong = is_wrong or not other.comparison.ok
        except Exception:
            return False
    return is_wrong


def _same(a: Answer, b: Answer) -> bool:
    """Whether two answers are the same except for rounding."""
    if a.got.shape != b.got.shape or a.name != b.name:
        return False
    x, y = (answer.got.astype(np.float64) for answer in (a, b))
    allowed = np.asarray(a.allowed, np.float64)
    size = float(np.abs(y[np.isfinite(y)]).max(initial=0.0))
    slack = 1e-4 if b.got.dtype == np.float32 else 1e-9
    with np.errstate(all="ignore"):
        near = np.abs(x - y) <= 8 * np.where(np.isfinite(allowed), allowed, 0.0) + slack * size
    return bool((near | (x == y) | (np.isnan(x) & np.isnan(y))).all())


def of_exception(error: BaseException | None) -> str:
    """The most likely cause of an exception, if its type tells."""
    text = printable(error)
    if isinstance(error, SystemExit):
        return "it ends the process: raise an error instead of calling sys.exit"
    if isinstance(error, FloatingPointError) and "invalid" in text:
        return "0 / 0 or infinity / infinity, far from 0: in softmax, subtract the largest z of each sample before exp"
    if isinstance(error, FloatingPointError) and "divide by zero" in text:
        return "ln 0, or a division by 0, where h rounds to 0: compute it from z"
    if isinstance(error, FloatingPointError | OverflowError):
        return "exp overflows far from 0: use exp of negative numbers only, or np.errstate(over='ignore')"
    if isinstance(error, ValueError) and ("core dimension" in text or "not aligned" in text):
        return SHAPES
    if isinstance(error, ValueError) and ("read-only" in text):
        return "it writes into an array that is not its own"
    is_of_call = error is not None and error.__traceback__ is not None and error.__traceback__.tb_next is None
    if isinstance(error, TypeError) and ("keyword argument" in text or ("positional argument" in text and is_of_call)):
        return "the function does not take all parameters of the contract"
    return ""
