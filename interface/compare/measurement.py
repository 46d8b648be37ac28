"""Measuring a case: every contender is checked against the reference first, and only those that pass are timed."""

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from samenet.backends import MODULES
from samenet.compare import timing
from samenet.compare.cases import Case, Contender
from samenet.testing.tolerance import Comparison

_AGAIN = ""  # the last contender once more; no plug-in has this name


@dataclass(frozen=True)
class Row:
    """The measurements of one contender; without `seconds`, its answer was wrong and it was not timed."""

    name: str
    backend: str
    comparison: Comparison
    first_call: float
    tutorial: float | None
    seconds: timing.Seconds | None
    speed_up: timing.Ratio | None

    @property
    def median(self) -> float:
        """Median seconds, NaN if it was not timed."""
        return math.nan if self.seconds is None else float(np.median(self.seconds))

    @property
    def spread(self) -> float:
        """Half the interquartile range, as a share of the median."""
        if self.seconds is None:
            return math.nan
        low, high = np.percentile(self.seconds, [25, 75])
        return float((high - low) / 2 / self.median)

    def as_json(self) -> dict[str, Any]:
        """Plain values for a file."""
        timed = None
        if self.seconds is not None and self.speed_up is not None:
            timed = {
                "median_seconds": self.median,
                "min_seconds": float(self.seconds.min()),
                "quartiles_seconds": np.percentile(self.seconds, [25, 75]).tolist(),
                "rounds": len(self.seconds),
                "speed_up": self.speed_up.as_json(),
            }
        return {
            "name": self.name,
            "backend": self.backend,
            "ok": self.comparison.ok,
            "observed_error": self.comparison.observed if math.isfinite(self.comparison.observed) else None,
            "allowed_error": self.comparison.allowed,
            "problem": self.comparison.problem or None,
            "first_call_seconds": None if math.isnan(self.first_call) else self.first_call,
            "tutorial_seconds": self.tutorial,
            "timed": timed,
        }


@dataclass(frozen=True)
class Result:
    """A case, its rows, and the noise: the fastest contender against itself, ideally a ratio of 1."""

    title: str
    rows: list[Row]
    noise: timing.Ratio | None = None

    def ratios(self) -> list[dict[str, Any]]:
        """The paired ratio of every two timed contenders: how many times as long `slow` takes as `fast`."""
        timed = [row for row in self.rows if row.seconds is not None]
        return [
            {"slow": a.name, "fast": b.name, **timing.ratio(a.seconds, b.seconds).as_json()}
            for a, b in combinations(timed, 2)
            if a.seconds is not None and b.seconds is not None
        ]

    def as_json(self) -> dict[str, Any]:
        """Plain values for a file."""
        noise = None if self.noise is None else self.noise.as_json()
        rows = [row.as_json() for row in self.rows]
        return {"title": self.title, "rows": rows, "ratios": self.ratios(), "noise": noise}

    def gain(self, name: str) -> float | None:
        """The speed-up of a contender over the first row, if it took part and was timed."""
        return next((row.speed_up.estimate for row in self.rows if row.name == name and row.speed_up is not None), None)


def _checked(case: Case, contender: Contender) -> tuple[float, Comparison]:
    """The seconds of the first call, and the comparison of its answer; an exception in a plug-in counts as wrong."""
    answers: list[Any] = []
    try:
        first_call = timing.first_call(lambda: answers.append(contender.answer()))
        comparison = case.check(answers[0])
        if not contender.is_clean():
            return first_call, Comparison(math.inf, 0.0, "it changes its input")
    except (Exception, SystemExit) as error:
        if contender.backend in MODULES:
            raise
        return math.nan, _raised(error)
    is_own = contender.backend in MODULES
    return first_call, comparison if is_own or not comparison.ok else _again(case, contender)


def _again(case: Case, contender: Contender) -> Comparison:
    """The comparison of another answer of a plug-in, and of its timed call: earlier calls may have changed something,
    and the timed call may do more than the answer."""
    try:
        comparison = case.check(contender.answer())
        if comparison.ok and not contender.is_done(contender.call()):
            comparison = Comparison(math.inf, 0.0, "the timed call does not do what it should")
        return comparison if contender.is_clean() else Comparison(math.inf, 0.0, "it changes its input")
    except (Exception, SystemExit) as error:
        return _raised(error)


def _raised(error: BaseException) -> Comparison:
    return Comparison(math.inf, 0.0, f"{type(error).__name__}: {' '.join(str(error).split())[:60]}")


def _timed(
    passed: dict[str, Contender], checked: dict[str, tuple[float, Comparison]], seconds: float
) -> tuple[dict[str, timing.Seconds], str | None]:
    """The times of those that passed, and the name of the last, which takes part twice. A plug-in that raises loses its
    place, and the others are timed again."""
    while passed:
        calls, again = {name: contender.call for name, contender in passed.items()}, next(reversed(passed))
        try:
            return timing.interleave(calls | {_AGAIN: calls[again]}, seconds), again
        except timing.Failed as failed:
            name, error = again if failed.name == _AGAIN else failed.name, failed.__cause__
            assert error is not None
            if passed.pop(name).backend in MODULES:
                raise error from None
            checked[name] = checked[name][0], _raised(error)
    return {}, None


def measure(case: Case, seconds: float = 3.0) -> Result:
    """Check every contender of a case, then time those that passed, interleaved and warm.

    seconds: roughly how long the timing takes. A contender whose answer is wrong is not timed; nor has a plug-in a time
    whose answer is wrong after the timing.
    """
    checked = {contender.name: _checked(case, contender) for contender in case.contenders}
    passed = {contender.name: contender for contender in case.contenders if checked[contender.name][1].ok}
    for contender in passed.values():
        if contender.backend in MODULES:  # others have been called
            contender.call()
    times, again = _timed(passed, checked, seconds)
    noise = None if again is None else timing.ratio(times[again], times[_AGAIN])
    baseline = next(iter(passed), None)
    rows = []
    for contender in case.contenders:
        first_call, comparison = checked[contender.name]
        samples, speed_up = None, None
        if comparison.ok and contender.backend not in MODULES:
            comparison = _again(case, contender)
        if comparison.ok and baseline is not None:
            samples = times[contender.name] / contender.work
            speed_up = timing.ratio(times[baseline] / passed[baseline].work, samples)
        name, tutorial = contender.name, contender.tutorial
        rows.append(Row(name, contender.backend, comparison, first_call, tutorial, samples, speed_up))
    return Result(case.title, rows, noise)
