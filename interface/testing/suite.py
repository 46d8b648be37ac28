"""`check_backend`: the whole suite on a backend, which may crash, hang or lie without ending it."""

import os
import queue
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from samenet.testing import report
from samenet.testing.loading import spelled
from samenet.testing.parts import LEVELS, PARTS, Part
from samenet.testing.report import Failure, Report
from samenet.testing.workers import ProcessWorker, ThreadWorker, refuse_within
from samenet.validation import checks

_POLL = 0.05
_IDLE = 300.0  # extra seconds for the suite's own work between two calls, which a returned object may also hang
_EFFECTS = "side effects"
_MISTAKES = {
    "changes": "it writes into arrays that are not its own",
    "prints": "a print that was left in",
    "forks": "os.fork, whose child has to end by os._exit",
    "handling": "np.seterr in place of `with np.errstate(...)`",
}


def check_backend(
    backend: Any,
    *,
    level: str = "standard",
    parts: Iterable[str] | None = None,
    time_limit: float | None = None,
    shrink: bool = True,
    progress: Callable[[str], object] | None = None,
) -> Report:
    """Check whether a backend fulfils the contract: its answers against the reference's, within derived bounds.

    backend     a module, or any object with the contract's functions, at least `feed_forward(model, x)`; a Python file;
                or the name of a backend or of a module. A module runs in a thread of this process; a file or a named
                backend, in a process of its own, which it may crash
    level       "standard"; "thorough" adds larger networks, and random ones, which takes some minutes for slow loops
    parts       the names of the parts to run, all if None; see `samenet.testing.parts`
    time_limit  the seconds after which a call of the backend counts as hanging; by default 60 for a file, and 600 for
                others, whose first call may compile
    shrink      whether to search for the smallest network that shows a failure, which needs Hypothesis
                (`pip install 'samenet[testing]'`); without it, the first network of the suite that fails is shown
    progress    called with the name of each part before it runs

    Functions that the backend lacks come from `samenet.backends.generic`, and are marked as such. A function that
    raises NotImplementedError does not offer what it was asked for. Anything else that goes wrong, from a wrong number
    to an endless loop, is a failure in the report, not an exception.

    Returns a `Report`: `report.ok`, `print(report)`, `report.to_json()`. Raises ValueError or TypeError, naming the
    argument, for a missing backend and other invalid arguments.
    """
    text = spelled(backend)
    checks.choice("level", level, LEVELS)
    limit = 60.0 if text is not None and text.endswith(".py") else 600.0
    if time_limit is not None:
        limit = checks.number("time_limit", time_limit, positive=True)
    checks.flag("shrink", shrink)
    if progress is not None and not callable(progress):
        raise TypeError(f"progress: expected a function of a part's name, got {checks.short(progress)}")
    chosen = _chosen(parts)
    title = _title(backend, text)

    def start(pending: Sequence[Part]) -> ThreadWorker | ProcessWorker:
        if text is None:
            return ThreadWorker(backend, pending, level, shrink)
        return ProcessWorker(text, pending, level, shrink)

    return Check(start, chosen, limit, progress).run(Report(title, level))


def _chosen(parts: Iterable[str] | None) -> Sequence[Part]:
    if parts is None:
        return PARTS
    known = [part.name for part in PARTS]
    if isinstance(parts, str):
        raise TypeError(f"parts: expected a list of names, got {checks.short(parts)} (str)")
    given = {checks.choice("parts", name, known) for name in checks.listed("parts", parts, "a list of names")}
    if not given:
        raise ValueError("parts: expected at least one name, got none")
    return [part for part in PARTS if part.name in given]


def _title(backend: Any, text: str | None) -> str:
    if text is None:
        return str(getattr(backend, "__name__", type(backend).__name__))
    return os.path.basename(text) if text.endswith(".py") else text


class Check:
    """Runs workers, one after another, until every part has a result; start: creates one for the remaining parts."""

    def __init__(self, start: Any, parts: Sequence[Part], time_limit: float, progress: Any = None) -> None:
        self.start, self.parts, self.limit, self.progress = start, parts, time_limit, progress
        self.results: dict[str, report.Part] = {}
        self.noted: dict[str, str] = {}
        self.times: dict[str, float] = {}  # for an exercise
        self.stops: list[str] = []  # functions during which a worker ended, twice for one that hung

    def run(self, found: Report) -> Report:
        """The report, with the results of all parts. Raises ValueError within the check of a backend."""
        refuse_within()
        while pending := [part for part in self.parts if part.name not in self.results]:
            worker = self.start(pending)
            try:
                if error := self._follow(worker):
                    failure = Failure("the backend cannot be loaded", "", got=error)
                    found.parts = [report.Part("loading", "", "failed", failure=failure)]
                    return found
            finally:
                worker.stop()
            self._leave_out()
        self._effects()
        found.parts = [self.results[part.name] for part in self.parts]
        return found

    def _follow(self, worker: ThreadWorker | ProcessWorker) -> str:
        """Process a worker's events until it is done or has to be stopped; returns the reason if it could not begin."""
        current, seen, since = "", (-1, ""), time.monotonic()
        while True:
            try:
                event = worker.events.get(timeout=_POLL)
            except queue.Empty:
                state, now = worker.progress(), time.monotonic()
                if state != seen:
                    seen, since = state, now
                ended = worker.ended()
                hangs = now - since > self.limit + (0 if seen[1] else _IDLE)
                if not ended and not hangs:
                    continue
                what = ended or f"did not return within {self.limit:g} s"
                function = seen[1].split(" ")[0] or "the backend"
                if not current:
                    return f"{what}, while {seen[1] or 'it began'}"
                self.stops += [function] * (1 if ended else 2)
                self._stopped(current, function, seen[1], what)
                return ""
            if "part" in event:
                current = event["part"]
                if self.progress is not None:
                    self.progress(current)
            elif "result" in event:
                result = report.part_of(event["result"])
                self.results[result.name] = result
            elif "times" in event:
                self.times = event["times"]
            elif "noted" in event:
                self.noted = event["noted"] | self.noted
            elif "error" in event:
                return str(event["error"])
            else:
                return ""

    def _stopped(self, name: str, function: str, call: str, what: str) -> None:
        """Record that the worker had to be ended during a part; a part that had already failed keeps its result."""
        if name in self.results:
            return
        part = next(part for part in self.parts if part.name == name)
        failure = Failure(call or function, "", got=what)
        if "did not return" in what:
            failure.mistake = "a loop that does not end"
        self.results[name] = report.Part(name, part.function, "failed", failure=failure)

    def _leave_out(self) -> None:
        """Skip parts that need a function that hangs or has crashed twice; all parts need feed_forward."""
        given_up = {function for function in self.stops if self.stops.count(function) > 1}
        for part in self.parts:
            if part.name not in self.results and (part.function in given_up or "feed_forward" in given_up):
                reason = f"{', '.join(sorted(given_up))} did not return before"
                self.results[part.name] = report.Part(part.name, part.function, "not run", reason=reason)

    def _effects(self) -> None:
        """Add the violations noted in any part to the part on side effects."""
        result = self.results.get(_EFFECTS)
        if self.noted and result is not None and result.failure is None:
            result.status, result.reason = "failed", ""
            result.failure = Failure("in the course of the check", "", got="; ".join(self.noted.values()))
            result.failure.mistake = _MISTAKES[next(iter(self.noted))]
