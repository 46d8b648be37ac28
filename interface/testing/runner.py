"""Running one part of the suite on one backend: the answers, the first wrong one, and its most likely cause."""

import math
import warnings
from collections.abc import Iterator

import numpy as np

from samenet.backends import backend
from samenet.testing import diagnosis, report, shrink
from samenet.testing.answers import Answer
from samenet.testing.forms import Broken, printable
from samenet.testing.guard import Guard, NotOffered
from samenet.testing.inputs import Case
from samenet.testing.mistakes import MUTANTS, NOT_CAUGHT
from samenet.testing.mutation import Mutant, mutated
from samenet.testing.parts import Part

_PRINTED = 24  # the most numbers of a network that are shown
_CHANGES = "its answers are not the same each time: they depend on chance, on memory not set, or on earlier calls"


class Runner:
    """Runs parts on a backend, one after another; a mistake that was found is tried first in the next failure.

    shrinks  whether to look for the smallest network that shows a failure, with Hypothesis
    """

    def __init__(self, guard: Guard, level: str, shrinks: bool = True) -> None:
        self.guard, self.level, self.shrinks = guard, level, shrinks
        self.cls, self.trusted = guard.Network, backend("reference").Network
        self.cls.own_functions, self.cls.takes = guard.own, guard.takes
        self.known: list[str] = []  # mistakes found so far
        self.failing: Case | None = None  # the network on which the last part failed
        self.failed: set[str] = set()  # the failed parts
        self.explained: set[str] = set()  # the functions with a failed part

    def run(self, part: Part) -> report.Part:
        """The result of a part."""
        generic = part.function not in self.guard.own
        result = report.Part(part.name, part.function, "generic" if generic else "passed")
        result.mutants, result.caught = power(part, self.level)
        if not self.guard.takes(part.function, *part.needs):
            missing = [name for name in part.needs if not self.guard.takes(part.function, name)]
            result.status, result.reason = "not offered", f"{part.function} does not take {', '.join(missing)}"
            return result
        if reason := self._follows(part, generic):
            result.status, result.reason = "not run", reason
            return result
        skipped, offered = "", list[Case]()
        with warnings.catch_warnings(), np.errstate():
            warnings.simplefilter("ignore")
            for case in part.chosen(self.level):
                try:
                    failure = self._failure(part, case, result)
                    offered.append(case)
                except NotOffered as error:
                    skipped = skipped or str(error) or "NotImplementedError"
                    continue
                if failure is not None:
                    self.failing, result.status, result.failure = case, "failed", failure
                    self.failed.add(part.name)
                    return result
            if offered and self.level == "thorough" and part.shrinks:
                random = shrink.smallest(part, self.cls, self.trusted)
                if random is not None:
                    self.failing, result.status, result.failure = random, "failed", self._again(part, random)
                    self.failed.add(part.name)
                    return result
        if not offered:
            result.status, result.reason = "not offered", skipped
        elif skipped:
            result.reason = f"not all of it: {skipped}"
            result.caught = sum(self._catches(part, mutant, offered) for mutant in of_part(part))
        return result

    def _catches(self, part: Part, mutant: Mutant, cases: list[Case]) -> bool:
        """Whether the cases that a backend supports are enough to catch a mutant."""
        runner = Runner(Guard(mutated(mutant)), self.level, False)
        with warnings.catch_warnings(action="ignore"), np.errstate():
            found = any(runner._failure(part, case, report.Part("", "", "")) is not None for case in cases)
        return found or (part.name == "side effects" and bool(runner.guard.noted))

    def _follows(self, part: Part, generic: bool) -> str:
        """The reason why a part would only repeat an earlier failure; empty if it may show more."""
        if generic and part.function == "run_updates" and "gradient" in self.failed:
            return "made from gradient, which fails"
        if part.name in ("feed_forward", "activations") or not self.failed & {"feed_forward", "activations"}:
            return ""
        if generic:
            return "made from feed_forward, which fails"
        return "feed_forward fails" if part.function == "feed_forward" and "feed_forward" in self.failed else ""

    def explain(self, part: Part, result: report.Part) -> bool:
        """Add to a failure its most likely mistake and the smallest network that shows it; returns whether it
        changed."""
        failure = result.failure
        if failure is None or self.failing is None:
            return False
        with warnings.catch_warnings(), np.errstate():
            warnings.simplefilter("ignore")
            if not failure.mistake and self._changes(part, failure):
                failure.mistake = _CHANGES
            if failure.mistake in ("", diagnosis.SHAPES):
                first = part.function not in self.explained
                told = diagnosis.mistake(part, self.cls, self.trusted, self.level, self.known, first)
                failure.mistake = told or failure.mistake
                self.explained.add(part.function)
            is_known = failure.mistake in self.known
            if failure.mistake and not is_known:
                self.known.append(failure.mistake)
            if self.shrinks and part.shrinks and not is_known:
                kind = shrink.kind_of_failure(part, self.cls, self.trusted, self.failing)
                smaller = None if kind is None else shrink.smallest(part, self.cls, self.trusted, kind)
                found = None if smaller is None else self._failure(part, smaller, report.Part("", "", ""))
                if found is not None:
                    found.mistake, found.shrunk = failure.mistake, True
                    result.failure = found
        return True

    def _again(self, part: Part, case: Case) -> report.Failure:
        """The failure on a network on which the part failed before; it may not fail every time."""
        failure = self._failure(part, case, report.Part("", "", ""))
        if failure is None:
            got = "wrong answers, and right ones when it was asked the same again"
            failure = report.Failure(part.function, described(case), numbers(case), got=got, mistake=_CHANGES)
        return failure

    def _changes(self, part: Part, failure: report.Failure) -> bool:
        """Whether the network on which a part failed gives a different number in another call, or a right one."""
        assert self.failing is not None
        again = self._failure(part, self.failing, report.Part("", "", ""))
        return again is None or (failure.expected is not None and repr(again.got) != repr(failure.got))

    def _failure(self, part: Part, case: Case, result: report.Part) -> report.Failure | None:
        """The first wrong answer on a network; counts the answers."""
        try:
            for answer in part.run(self.cls, self.trusted, case):
                result.answers += 1
                if not answer.comparison.ok and answer.comparison.bounded:
                    return _wrong(answer, case)
                if math.isfinite(answer.comparison.ratio):
                    result.ratio = max(result.ratio, answer.comparison.ratio)
        except Broken as broken:
            return _broken(broken, case)
        except NotOffered:
            raise
        except Exception as error:
            got = f"{type(error).__name__}: {printable(error)[:200]}, from what the backend returned"
            return report.Failure(part.function, described(case), numbers(case), got=got)
        return None


def _broken(broken: Broken, case: Case) -> report.Failure:
    got = broken.text if broken.kind != "raised" else f"raised {broken.text}"
    hint = broken.hint or diagnosis.of_exception(broken.cause)
    return report.Failure(broken.function, described(case), numbers(case), got=got, mistake=hint)


def _wrong(answer: Answer, case: Case) -> report.Failure:
    """The worst entry of an answer, relative to the allowed difference."""
    failure = report.Failure(answer.name + answer.detail, described(case), numbers(case))
    if answer.comparison.problem:
        failure.got = answer.comparison.problem
        return failure
    got, expected = answer.got, answer.expected
    allowed = np.broadcast_to(np.asarray(answer.allowed, np.float64), got.shape)
    with np.errstate(all="ignore"):
        off = np.abs(got.astype(np.float64) - expected.astype(np.float64))
        ratio = np.where(off == 0, 0.0, np.nan_to_num(off / allowed, nan=np.inf))
    ratio = np.where(np.isposinf(allowed), -1.0, ratio)
    place = np.unravel_index(ratio.argmax(), got.shape) if got.ndim else ()
    failure.place = [int(i) for i in place]
    failure.got, failure.expected = got[place].item(), expected[place].item()
    failure.allowed = None if got.dtype == bool else float(allowed[place])
    return failure


def described(case: Case) -> str:
    """A network in one line: 4-3-2, sigmoid, squared_error, 3 samples.

    >>> described(Case((4, 3, 2), 3))
    '4-3-2, sigmoid, squared_error, 3 samples'
    """
    functions = case.functions
    names = functions.settings(len(case.sizes))["activation"]
    settings = [" ".join(dict.fromkeys(names)) if len(set(names)) == 1 else " ".join(names), functions.cost]
    settings += [f"{name}={getattr(functions, name)}" for name in ("l1", "l2") if getattr(functions, name)]
    settings += [] if case.bias else ["no biases"]
    settings += [] if case.dtype == "float64" else [case.dtype]
    settings += [f"{case.rows} sample{'' if case.rows == 1 else 's'}"]
    return ", ".join(["-".join(map(str, case.sizes)), *settings])


def numbers(case: Case) -> list[str]:
    """The network's numbers and the samples, one line each, if they are few and short."""
    weights, biases, X, Y = case.arrays
    named = [*((f"W{l + 1}", W) for l, W in enumerate(weights)), *((f"b{l + 1}", b) for l, b in enumerate(biases))]
    named += [("X", X), ("Y", Y)]
    size = sum(array.size for _, array in named)
    if size > _PRINTED or not all((array * 4 == np.round(array * 4)).all() for _, array in named):
        return []
    return [", ".join(f"{name} = {array.tolist()}" for name, array in named)]


def power(part: Part, level: str) -> tuple[int, int]:
    """How many mutants a part has, and how many of them it catches at this level."""
    mine = list(of_part(part))
    return len(mine), sum((part.name, mutant.name) not in NOT_CAUGHT[level] for mutant in mine)


def of_part(part: Part) -> Iterator[Mutant]:
    """The mutants that a part has to catch."""
    return (mutant for mutant in MUTANTS if mutant.part == part.name or mutant.part in part.like)
