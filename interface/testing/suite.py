"""`check_backend`: the whole suite on a backend, which may crash, hang or lie without ending it."""

import os
import queue
import time
from collections.abc import Callable, Iterable
from typing import Any

from samenet.testing import report
from samenet.testing.loading import spelled
from samenet.testing.parts import LEVELS, PARTS
from samenet.testing.report import Failure, Report
from samenet.testing.workers import ProcessWorker, ThreadWorker
from samenet.validation import checks

_POLL = 0.05
_EFFECTS = "side effects"
_MOST_HANGS = 2


def check_backend(
    backend: Any,
    *,
    level: str = "standard",
    parts: Iterable[str] | None = None,
    time_limit: float = 60.0,
    shrink: bool = True,
    progress: Callable[[str], object] | None = None,
) -> Report:
    """Whether a backend keeps to the contract: its answers beside the reference's, within derived bounds.

    backend     a module, or any object with the contract's functions, at least `feed_forward(model, x)`; a Python file;
                or the name of a backend or of a module. A module is run in this process, in a thread; a file, and what
                is named, in a process of its own, which it may crash
    level       "standard"; "thorough" adds larger networks, and random ones, which takes some minutes for slow loops
    parts       the names of the parts to run, all if None; see `samenet.testing.parts`
    time_limit  the seconds after which a call of the backend is taken to hang. The first call may compile
    shrink      whether to look for the smallest network that shows a failure, which takes Hypothesis
                (`pip install 'samenet[testing]'`); without it, the network is the first of the suite that does
    progress    called with the name of each part before it runs

    Functions that the backend lacks are those of `samenet.backends.generic`, and so are marked. One that raises
    NotImplementedError does not offer what it was asked for. Anything else that goes wrong, from a wrong number to an
    endless loop, is a failure in the report, and not an error.

    Returns a `Report`: `report.ok`, `print(report)`, `report.to_json()`. Raises ValueError or TypeError, naming the
    argument, for a backend that is not there and other arguments that make no sense.
    """
    text = spelled(backend)
    checks.choice("level", level, LEVELS)
    time_limit = checks.number("time_limit", time_limit, positive=True)
    checks.flag("shrink", shrink)
    if progress is not None and not callable(progress):
        raise TypeError(f"progress: expected a function of a part's name, got {checks.short(progress)}")
    names = _chosen(parts)
    title = _title(backend, text)

    def start(pending: list[str]) -> ThreadWorker | ProcessWorker:
        if text is None:
            return ThreadWorker(backend, pending, level, shrink)
        return ProcessWorker(text, pending, level, shrink)

    return _Check(start, names, time_limit, progress).run(Report(title, level))


def _chosen(parts: Iterable[str] | None) -> list[str]:
    known = [part.name for part in PARTS]
    if parts is None:
        return known
    given = {checks.choice("parts", name, known) for name in checks.listed("parts", parts, "a list of names")}
    if not given:
        raise ValueError("parts: expected at least one name, got none")
    return [name for name in known if name in given]


def _title(backend: Any, text: str | None) -> str:
    if text is None:
        return str(getattr(backend, "__name__", type(backend).__name__))
    return os.path.basename(text) if text.endswith(".py") else text


class _Check:
    """Workers, one after another, until every part has a result."""

    def __init__(self, start: Any, names: list[str], time_limit: float, progress: Any) -> None:
        self.start, self.pending, self.limit, self.progress = start, names, time_limit, progress
        self.results: dict[str, report.Part] = {}
        self.noted: dict[str, str] = {}
        self.hangs: list[str] = []
        self.names = list(names)

    def run(self, found: Report) -> Report:
        while self.pending:
            worker = self.start(self.pending)
            try:
                if error := self._follow(worker):
                    failure = Failure("the backend cannot be loaded", "", got=error)
                    found.parts = [report.Part("loading", "", "failed", failure=failure)]
                    return found
            finally:
                worker.stop()
            self.pending = [name for name in self.pending if name not in self.results]
            self._leave_out()
        self._effects()
        found.parts = [self.results[name] for name in self.names]
        return found

    def _follow(self, worker: ThreadWorker | ProcessWorker) -> str:
        """Take a worker's events until it is done, or has to be stopped; returns why it could not even begin."""
        current, seen, since = "", (-1, ""), time.monotonic()
        while True:
            try:
                event = worker.events.get(timeout=_POLL)
            except queue.Empty:
                state, now = worker.progress(), time.monotonic()
                if state != seen:
                    seen, since = state, now
                ended = worker.ended()
                hangs = bool(seen[1]) and now - since > self.limit
                if not ended and not hangs:
                    continue
                what = ended or f"did not return within {self.limit:g} s"
                function = seen[1].split(" ")[0] or "the backend"
                if not current:
                    return f"{what}, while {seen[1] or 'it began'}"
                self.hangs += [] if ended else [function]
                self._stopped(current, function, seen[1], what)
                return ""
            if "part" in event:
                current = event["part"]
                if self.progress is not None:
                    self.progress(current)
            elif "result" in event:
                result = report.part_of(event["result"])
                self.results[result.name] = result
            elif "noted" in event:
                self.noted = event["noted"] | self.noted
            elif "error" in event:
                return str(event["error"])
            elif "fault" in event:
                raise event["fault"]
            else:
                return ""

    def _stopped(self, name: str, function: str, call: str, what: str) -> None:
        """A part during which the worker had to be ended; one that has failed before stays as it is."""
        if name in self.results:
            return
        part = next(part for part in PARTS if part.name == name)
        failure = Failure(call or function, "", got=what)
        if "did not return" in what:
            failure.mistake = "a loop that does not end"
        self.results[name] = report.Part(name, part.function, "failed", failure=failure)

    def _leave_out(self) -> None:
        """After a call that hangs, what needs the same function is not tried, and after two, nothing."""
        for part in PARTS:
            if part.name in self.pending and self.hangs:
                if part.function not in self.hangs and len(self.hangs) < _MOST_HANGS and "loading" not in self.hangs:
                    continue
                failure = Failure(part.function, "", got=f"not run, since {', '.join(self.hangs)} did not return")
                self.results[part.name] = report.Part(part.name, part.function, "failed", failure=failure)
        self.pending = [name for name in self.pending if name not in self.results]

    def _effects(self) -> None:
        """What was noted in any part belongs to the one on side effects."""
        result = self.results.get(_EFFECTS)
        if self.noted and result is not None and result.failure is None:
            kinds = {"changes": "it writes into arrays that are not its own", "prints": "a print that was left in"}
            kind, text = next(iter(self.noted.items()))
            result.status = "failed"
            result.failure = Failure(text, "", got="; ".join(self.noted.values()), mistake=kinds[kind])
