"""Fixtures that run a test on every backend, and the report of how close the backends came to the allowed error."""

import gc
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

# Set before NumPy is loaded: with several BLAS threads in each of several processes, most of the time would be waiting.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("HYPOTHESIS_NO_PLUGINS", "1")  # a plug-in from one of Selenium's packages loads Trio

import uninstalled  # noqa: F401
from agreement import BACKENDS, PAIRS, Backend, Pair
from counted import Counted

import samenet
from samenet.study import many
from samenet.testing.tolerance import Comparison

_RECORDS: pytest.StashKey[dict[tuple[str, str], list[Comparison]]] = pytest.StashKey()


@pytest.fixture(params=BACKENDS, ids=str)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Every backend: `backend.Network`, `backend.module`, `backend.name`."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(params=BACKENDS[1:], ids=str)
def fast(request: pytest.FixtureRequest) -> Backend:
    """Every backend except the reference."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(params=PAIRS, ids=str)
def pair(request: pytest.FixtureRequest) -> Pair:
    """Every other `pair.backend` with the reference, `pair.trusted`."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[[str, Comparison], None]:
    """Assert that a comparison is ok, and keep it for the report at the end: `record("cost", comparison)`."""
    params: dict[str, Any] = getattr(getattr(request.node, "callspec", None), "params", {})
    who = next((str(params[name]) for name in ("pair", "backend", "fast") if name in params), "")
    records = request.config.stash[_RECORDS]

    def keep(name: str, comparison: Comparison) -> None:
        records[name, who].append(comparison)
        assert comparison.ok, f"{name}: observed / allowed is {comparison}"

    return keep


@pytest.fixture
def found_again(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each call of `train_many` found its networks and options checked."""
    calls: list[bool] = []
    look = many.again

    def noted(*given: Any) -> Any:
        task = look(*given)
        calls.append(task is not None)
        return task

    monkeypatch.setattr(many, "again", noted)
    return calls


def _implementations(params: dict[str, Any]) -> set[str]:
    """The names of the backends among a test's parameters."""
    found = set()
    for value in params.values():
        if isinstance(value, Pair):
            found |= {value.backend.name, value.trusted.name}
        elif isinstance(value, Backend) or (isinstance(value, str) and value in samenet.backends()):
            found.add(str(value))
    return found


def pytest_collection() -> None:
    """Turn off garbage collection while tests are collected, which creates no garbage: it took half of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that are the same with and without the JIT, so that they run once; check that every test runs.

    A test is the same if all of its backends are never compiled, or if it has no backend and its module has ON_NUMPY. A
    test of Numba alone runs with the kernels as plain Python only if its module has PLAIN_KERNELS or the test is
    counted.
    """
    for item in items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        given, module = _implementations(params), getattr(item, "module", None)
        elsewhere = "numba" not in given if given else getattr(module, "ON_NUMPY", False)
        plain = getattr(module, "PLAIN_KERNELS", False) or item.get_closest_marker("counted")
        if elsewhere and not item.get_closest_marker("compiled"):
            item.add_marker("without_jit")
        elif given == {"numba"} and not plain and not item.get_closest_marker("without_jit"):
            item.add_marker("compiled")
        if item.get_closest_marker("compiled") and item.get_closest_marker("without_jit"):
            raise pytest.UsageError(f"{item.nodeid}: marked compiled and without_jit, it would run in neither way")


class Brief:
    """A plugin for workers: it reports a passing test once, not at its beginning, its end and each step in between."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        for report in runtestprotocol(item, log=False, nextitem=nextitem):
            if report.when == "call" or not report.passed:
                item.ihook.pytest_runtest_logreport(report=report)
        return True


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in processes that a shell starts in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.stash[_RECORDS] = defaultdict(list)
    tracer = sys.modules["coverage"].Coverage.current() if "coverage" in sys.modules else None
    if tracer and config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        tracer.stop()  # this process distributes tests and runs none
    elif tracer:
        config.pluginmanager.register(Counted(tracer, _implementations))
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(Brief())
        # Workers share what they compile.
        os.environ["NUMBA_CACHE_DIR"] = str(config.cache.mkdir("numba"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A pytest-xdist worker passes its records to the process that reports."""
    if hasattr(session.config, "workeroutput"):
        kept = session.config.stash[_RECORDS].items()
        session.config.workeroutput["records"] = [(key, list(map(tuple, values))) for key, values in kept]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    for key, values in getattr(node, "workeroutput", {}).get("records", ()):
        node.config.stash[_RECORDS][key] += [Comparison(*value) for value in values]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    records = config.stash[_RECORDS]
    if not records:
        return
    terminalreporter.section("worst observed / allowed difference")
    width = max(len(name) for name, _ in records)
    for (name, who), comparisons in sorted(records.items()):
        worst = max(comparisons, key=lambda comparison: comparison.ratio)
        line = f"{name:{width}}  {who:23}  {worst!s:>17} = {worst.ratio:7.1e}, worst of {len(comparisons)}"
        terminalreporter.write_line(line)
