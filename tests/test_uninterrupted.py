"""Interrupts while kernels compile: the caller receives them at once, and the next call is right.

Interrupts are triggered by events, not by time: the interrupted code itself sends one, and waits until it arrives.
"""

import ctypes
import itertools
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from children import printed
from compiled_once import kernels
from numba.core import codegen, compiler, dispatcher
from numba.core.compiler_lock import global_compiler_lock

from samenet.fast.kernels.codegen import caching, pipeline, uninterrupted

A = np.arange(4.0)
SECONDS = 120  # after this time, a test counts as stuck


def interrupt_main() -> None:
    os.kill(os.getpid(), signal.SIGINT)


class Stage:
    """Work that interrupts its caller at its first run, and continues afterwards."""

    def __init__(self, interrupt: Callable[[], None]) -> None:
        self.interrupt, self.reached, self.caught = interrupt, False, threading.Event()

    def __call__(self) -> None:
        if not self.reached:
            self.reached = True
            self.interrupt()
            assert self.caught.wait(SECONDS)


@pytest.fixture(autouse=True)
def _as_python_has_it() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


# --- the thread -----------------------------------------------------------------------------------------------------


def test_work_is_done_elsewhere_and_its_answer_or_error_comes_back() -> None:
    threads = []

    def inner() -> str:
        threads.append(threading.current_thread())
        return "answer"

    def outer() -> Any:
        threads.append(threading.current_thread())
        return uninterrupted.uninterrupted(inner)

    assert uninterrupted.uninterrupted(outer) == "answer"
    assert threads[0] is threads[1] is not threading.current_thread(), "work within work stays where it is"
    assert uninterrupted.uninterrupted(lambda: None) is None
    for error in (ValueError("no"), MemoryError(), SystemExit(3), KeyboardInterrupt(), RuntimeError("no")):

        def fail(error: BaseException = error) -> None:
            raise error

        with pytest.raises(type(error)) as caught:
            uninterrupted.uninterrupted(fail)
        assert caught.value is error
    assert not uninterrupted._jobs
    with global_compiler_lock:  # as in someone's own compilation, which would wait for ever for another thread
        assert uninterrupted.uninterrupted(threading.current_thread) is threading.current_thread()


def test_ctrl_c_ends_the_waiting_and_what_was_begun_goes_on() -> None:
    done, went_on = threading.Event(), []
    stage = Stage(interrupt_main)

    def work() -> None:
        try:
            stage()
            went_on.append("to the checkpoint")
            uninterrupted.checkpoint()
            went_on.append("too far")
        finally:
            done.set()

    with pytest.raises(KeyboardInterrupt):
        uninterrupted.uninterrupted(work)
    stage.caught.set()
    assert uninterrupted.uninterrupted(lambda: "next") == "next", "which waits for the other's end"
    assert done.is_set()
    assert went_on == ["to the checkpoint"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError, RuntimeError])
def test_an_exception_from_another_thread(error: type[BaseException]) -> None:
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            uninterrupted.uninterrupted(stage)
        except BaseException as raised:
            caught.append(raised)
            stage.caught.set()

    thread = threading.Thread(target=wait)

    def interrupt() -> None:
        assert (
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(error)) == 1
        )

    stage = Stage(interrupt)
    thread.start()
    thread.join(SECONDS)
    assert [type(raised) for raised in caught] == [error]
    assert uninterrupted.uninterrupted(lambda: "next") == "next"


def test_a_handler_that_raises_something_else() -> None:
    def handler(number: int, frame: Any) -> None:
        raise SystemExit(7)

    before = signal.signal(signal.SIGTERM, handler)
    try:
        stage = Stage(lambda: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(SystemExit):
            uninterrupted.uninterrupted(stage)
        stage.caught.set()
        assert uninterrupted.uninterrupted(lambda: "next") == "next"
    finally:
        signal.signal(signal.SIGTERM, before)


def test_messages_reach_the_thread_that_waits() -> None:
    heard = []

    def work() -> None:
        uninterrupted.tell(lambda: heard.append(threading.current_thread()))
        while not heard:
            assert not spoken.wait(0.01)
        uninterrupted.tell(lambda: heard.append(threading.current_thread()))

    spoken = threading.Event()
    uninterrupted.uninterrupted(work)
    uninterrupted.tell(lambda: heard.append(threading.current_thread()))
    assert heard == [threading.current_thread()] * 3


def test_where_no_thread_can_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    assert uninterrupted.uninterrupted(threading.current_thread) is threading.current_thread()
    assert not uninterrupted._jobs


def test_the_end_waits_for_the_kernel_at_hand() -> None:
    """When the interpreter ends, another thread's work continues to its next checkpoint, and no further."""
    went_on, begun, checked = [], threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert checked.wait(SECONDS)
        went_on.append("to the checkpoint")
        uninterrupted.checkpoint()
        went_on.append("too far")

    def wait() -> None:
        with pytest.raises(SystemExit):
            uninterrupted.uninterrupted(work)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert begun.wait(SECONDS)
    ending = threading.Thread(target=uninterrupted._finish)
    ending.start()
    while not all(job.abandoned for job in list(uninterrupted._jobs)):
        assert waiting.is_alive()
    assert ending.is_alive()
    checked.set()
    ending.join(SECONDS)
    waiting.join(SECONDS)
    assert went_on == ["to the checkpoint"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.compiled  # without the JIT, nothing is due at a fork
def test_a_fork_waits_for_the_kernel_at_hand() -> None:
    begun, forking, held = threading.Event(), threading.Event(), []

    def work() -> None:
        begun.set()
        assert forking.wait(SECONDS)
        held.append(True)

    thread = threading.Thread(target=lambda: uninterrupted.uninterrupted(work))
    thread.start()
    assert begun.wait(SECONDS)
    threading.Timer(0.2, forking.set).start()  # the fork has begun by then, or else this proves nothing
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        warnings.simplefilter("ignore", RuntimeWarning)  # of JAX, if a test before this one has loaded it
        child = os.fork()
    if child == 0:
        right = held == [True] and uninterrupted.uninterrupted(lambda: 1) == 1
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    thread.join(SECONDS)


_FORKS_WHILE_IT_IMPORTS = """
import os, signal, sys, threading
import numpy as np
from samenet.fast.numba import Network

assert "numpy.ma" not in sys.modules, "or this proves nothing"
begun, forking = threading.Event(), threading.Event()

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy.ma":
            begun.set()
            forking.wait(60)

sys.meta_path.insert(0, Finder())
net = Network([3, 2], seed=0)
thread = threading.Thread(target=lambda: net.predict(np.zeros((5, 3))))
thread.start()
assert begun.wait(60)
threading.Timer(0.2, forking.set).start()
child = os.fork()
if child == 0:
    signal.alarm(60)
    net.predict(np.zeros((5, 3)))
    os._exit(0)
thread.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.compiled
def test_a_fork_waits_for_what_another_thread_imports() -> None:
    """As Numba does when it first sees an array: the child would wait for a thread that it does not have."""
    assert printed(_FORKS_WHILE_IT_IMPORTS) == "0\n"


# --- kernels --------------------------------------------------------------------------------------------------------


STAGES = [
    (compiler, "compile_extra"),
    (pipeline._Library, "_optimize_final_module"),
    (codegen.JITCPUCodegen, "_add_module"),
    (codegen.JITCodeLibrary, "_finalize_specific"),
    (dispatcher._DispatcherBase, "add_overload"),
    (pipeline.FunctionToCall, "_compile_core"),
    (caching.Cache, "save_overload"),
    (pipeline, "_call_template"),
]
IDS = [name for _, name in STAGES]
ONCE = {"add_overload"}  # of what Python calls alone


def hook(patch: pytest.MonkeyPatch, owner: Any, name: str, number: int, after: bool, act: Callable[[], None]) -> None:
    """Do something before or after one of the runs of a stage."""
    right, runs = getattr(owner, name), itertools.count(1)

    def hooked(*given: Any, **named: Any) -> Any:
        here = next(runs) == number
        if here and not after:
            act()
        result = right(*given, **named)
        if here and after:
            act()
        return result

    patch.setattr(owner, name, hooked)


@pytest.mark.compiled  # the same without the JIT
@pytest.mark.parametrize(("owner", "name"), STAGES, ids=IDS)
def test_ctrl_c_at_each_stage(owner: Any, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for number, after in ((1, False), (1 if name in ONCE else 2, True)):
        module = kernels(monkeypatch, tmp_path / f"cache {after}")
        stage = Stage(interrupt_main)
        with monkeypatch.context() as patch:
            hook(patch, owner, name, number, after, stage)
            with pytest.raises(KeyboardInterrupt):
                module.twice(A)
            stage.caught.set()
        assert module.twice(A) == 12


@pytest.mark.compiled
# An LLVM module without an owner is compiled along with the next one, and the lookup of its owner fails.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("owner", "name"), STAGES, ids=IDS)
def test_the_compiler_runs_out_of_memory(
    owner: Any, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A kernel is either complete or absent. (For Numba's own parts, Numba ensures this.)"""

    def fail() -> None:
        raise MemoryError

    for number, after in ((1, True), (1 if name in ONCE else 2, False)):
        module = kernels(monkeypatch, tmp_path / f"cache {after}")
        with monkeypatch.context() as patch:
            hook(patch, owner, name, number, after, fail)
            with pytest.raises(MemoryError):
                module.twice(A)
        assert module.twice(A) == 12


@pytest.mark.compiled
def test_two_threads_that_compile_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One is interrupted; neither the other nor the next call suffers."""
    module, answers = kernels(monkeypatch, tmp_path / "cache"), []
    stage = Stage(interrupt_main)
    with monkeypatch.context() as patch:
        hook(patch, codegen.JITCodeLibrary, "_finalize_specific", 2, False, stage)
        others = [threading.Thread(target=lambda: answers.append(module.twice(A))) for _ in range(2)]
        for other in others:
            other.start()
        with pytest.raises(KeyboardInterrupt):
            module.twice(A)
        stage.caught.set()
        for other in others:
            other.join(SECONDS)
    assert answers == [12, 12]
    assert module.twice(A) == 12


def test_a_kernel_that_is_called_in_another_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By an attribute of a module, as `others.total`: it is compiled, too, and found when loaded from disk."""
    text = """
from numba import float64

@compiling.external(lambda f: (f[::1],), returns=float64)
def total(a):
    return a.sum() if False else a[0] + a[1] + a[2] + a[3]

others.total = total

@compiling.kernel()
def twice(a):
    return 2 * others.total(a)
"""
    for found in (0, 1):
        module = kernels(monkeypatch, tmp_path / "cache", text)
        assert module.twice(A) == 12
        assert sum(module.twice.stats.cache_hits.values()) == found
        assert [str(dtype) for dtype in module.total.external.compiled] == ["float64"]


_ENDS = """
import os, signal, sys, threading
import numpy as np
from numba.core import codegen
from samenet.fast.numba import Network
right = codegen.JITCodeLibrary._finalize_specific
signal.signal(signal.SIGINT, signal.default_int_handler)

def stage(library):
    codegen.JITCodeLibrary._finalize_specific = right
    os.kill(os.getpid(), signal.SIGINT)
    right(library)

codegen.JITCodeLibrary._finalize_specific = stage
Network([64, 30, 10], seed=0).predict(np.zeros((32, 64)))
"""


@pytest.mark.compiled
def test_a_process_that_ends_by_ctrl_c(tmp_path: Path) -> None:
    """With the exception that ends Python, and no other error, although a kernel was being compiled."""
    around = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", _ENDS], env=around, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode in (1, -signal.SIGINT), done.stderr
    assert done.stderr.splitlines()[-1] == "KeyboardInterrupt"
    assert done.stderr.count("Traceback") == 1


@pytest.mark.parametrize("forks", [True, False])
def test_what_is_prepared_in_a_process(forks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler's lock is held while a process forks, where the system has fork, and released on both sides."""
    at_end: list[object] = []
    at_fork: list[dict[str, object]] = []
    monkeypatch.setattr(uninterrupted, "atexit", SimpleNamespace(register=at_end.append))
    system = SimpleNamespace(register_at_fork=lambda **given: at_fork.append(given)) if forks else SimpleNamespace()
    monkeypatch.setattr(uninterrupted, "os", system)
    uninterrupted.prepare()
    release = global_compiler_lock.release
    held = {"before": uninterrupted._before_fork, "after_in_parent": release, "after_in_child": release}
    assert at_fork == [held] * forks
    assert at_end == [uninterrupted._finish]
