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
        if comparison.ok and contender.backend not in MODULES:
            comparison = case.check(contender.answer())  # a second call, in case the first has changed something
            contender.call()  # the timed call may do more than the answer
        if not contender.is_clean():
            return first_call, Comparison(math.inf, 0.0, "it changes its input")
        return first_call, comparison
    except (Exception, SystemExit) as error:
        if contender.backend in MODULES:
            raise
        return math.nan, Comparison(math.inf, 0.0, f"{type(error).__name__}: {' '.join(str(error).split())[:60]}")


def measure(case: Case, seconds: float = 3.0) -> Result:
    """Check every contender of a case, then time those that passed, interleaved and warm.

    seconds: roughly how long the timing takes. A contender whose answer is wrong is not timed.
    """
    checked = []
    for contender in case.contenders:
        checked.append((contender, *_checked(case, contender)))
    passed = {contender.name: contender for contender, _, comparison in checked if comparison.ok}
    for contender in passed.values():
        contender.call()
    calls = {name: contender.call for name, contender in passed.items()}
    again = next(reversed(calls), None)  # the last contender takes part twice
    if again is not None:
        calls["again"] = calls[again]
    times = timing.interleave(calls, seconds) if calls else {}
    noise = timing.ratio(times[again], times.pop("again")) if again is not None else None
    baseline = next(iter(passed), None)
    rows = []
    for contender, first_call, comparison in checked:
        samples, speed_up = None, None
        if contender.name in passed and baseline is not None:
            samples = times[contender.name] / contender.work
            speed_up = timing.ratio(times[baseline] / passed[baseline].work, samples)
        name, tutorial = contender.name, contender.tutorial
        rows.append(Row(name, contender.backend, comparison, first_call, tutorial, samples, speed_up))
    return Result(case.title, rows, noise)
