"""The part of `mutants.py` that runs inside pytest: a plugin, `pytest -p inside`.

MUTANTS_RECORD=FILE   record which lines each test runs, and how long it takes
MUTANTS_TESTS=FILE    run only the tests of this list, in its order
MUTANTS_SERVE=IN,OUT  collect all tests; for every line of JSON from one pipe, run some in a child with a mutation
"""

import contextlib
import gc
import json
import os
import signal
import sys
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import coverage
import pytest

# These tests replace text of the source themselves, so they would notice any other change of that text.
_NOT_THESE = ("test_generated_code_that_is_wrong_fails", "test_mutant_fails")
NOTHING_CHANGED = 77  # the status of a child in which all tests passed, but no function had the mutation

_cover: Any = None
_seconds: dict[str, float] = {}


@pytest.hookimpl(trylast=True)  # after conftest.py has looked for a tracer, to leave some tests out
def pytest_configure(config: pytest.Config) -> None:
    global _cover
    if "MUTANTS_RECORD" in os.environ:
        folders = ["interface", "reference", "fast"]
        _cover = coverage.Coverage(os.environ["MUTANTS_RECORD"], source=folders, config_file=False)
        _cover.start()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if not item.nodeid.split("::")[-1].startswith(_NOT_THESE)]
    if "MUTANTS_TESTS" in os.environ:
        order = {test: place for place, test in enumerate(json.loads(Path(os.environ["MUTANTS_TESTS"]).read_text()))}
        items[:] = sorted((item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    if _cover:
        _cover.switch_context(item.nodeid)
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.outcome == "passed":
        _seconds[report.nodeid] = _seconds.get(report.nodeid, 0.0) + report.duration
    else:
        _seconds[report.nodeid] = -1e9  # fails, or is skipped, without any mistake


def pytest_sessionfinish() -> None:
    if _cover:
        _cover.stop()
        _cover.save()
        kept = {test: seconds for test, seconds in _seconds.items() if seconds >= 0}
        Path(os.environ["MUTANTS_RECORD"] + ".json").write_text(json.dumps(kept))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Serve, if requested: a forked child has all modules loaded, which would take a second."""
    if "MUTANTS_SERVE" not in os.environ:
        return None
    requests, answers = map(int, os.environ["MUTANTS_SERVE"].split(","))
    items = {item.nodeid: item for item in session.items}
    gc.freeze()
    with os.fdopen(requests) as lines, os.fdopen(answers, "w") as out:
        print("ready", file=out, flush=True)
        for line in lines:
            request = json.loads(line)
            child = os.fork()
            if not child:
                _be_the_child(session, [items[test] for test in request["tests"] if test in items], request)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)  # and processes that it left running
            print(status, file=out, flush=True)
    return True


def _be_the_child(session: pytest.Session, items: list[pytest.Item], request: dict[str, Any]) -> None:
    """Run tests until one fails: exit status 1, else 0."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(
            signal.ITIMER_REAL, request["limit"]
        )  # SIGALRM; and SIGPROF after so much of a processor's time
        signal.setitimer(signal.ITIMER_PROF, request["limit"] / 4)
        found = _change(Path(request["file"]), request["text"])
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                return
        status = 0 if found else NOTHING_CHANGED
    finally:
        os._exit(status)


def _change(path: Path, text: str) -> bool:
    """Give every function of a file, wherever it is stored, its code from the new text; returns whether one changed."""
    sys.setrecursionlimit(10_000)
    pairs: dict[CodeType, CodeType] = {}

    def pair(old: CodeType, new: CodeType) -> None:
        inner = [[c for c in code.co_consts if isinstance(c, CodeType)] for code in (old, new)]
        if old != new:
            pairs[old] = new
        if len(inner[0]) == len(inner[1]):
            for a, b in zip(*inner, strict=True):
                pair(a, b)

    pair(compile(path.read_text(encoding="utf-8"), str(path), "exec"), compile(text, str(path), "exec"))
    path.write_text(text, encoding="utf-8")  # for subprocesses, and for tests that read it
    found = False
    gc.unfreeze()
    for f in gc.get_objects():
        if type(f) is FunctionType and f.__code__ in pairs:
            new = pairs[f.__code__]
            if len(new.co_freevars) == len(f.__code__.co_freevars):
                f.__code__ = new
                found = True
    return found
