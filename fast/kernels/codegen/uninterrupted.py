"""Machinery: work that no interrupt reaches, while whoever asked for it waits and can be interrupted.

Ctrl-C raises its exception anywhere. In the middle of a compilation that leaves Numba and LLVM with half a kernel,
which ends the process as soon as they come across it. So kernels are compiled in a thread of their own, which receives
no signals. When its caller is interrupted, the kernel at hand is finished in the background, and no other is begun.
"""

import atexit
import importlib
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from numba.core.compiler_lock import global_compiler_lock

# Seconds after which a waiting thread looks up: some signals, and exceptions from other threads, do not wake it.
_TICK = 0.05


class _Job:
    """Work in a thread of its own, and what came of it."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work, self.abandoned = work, False
        self.answer: Any = None
        self.error: BaseException | None = None
        self.messages: deque[Callable[[], None]] = deque()
        # A bare lock: an interrupt within an event or a condition could leave it locked, and the thread waiting for it.
        self.done = threading.Lock()
        self.done.acquire()

    def run(self) -> None:
        _here.job = self
        _jobs.add(self)
        try:
            with global_compiler_lock:
                checkpoint()
                self.answer = self.work()
        except BaseException as error:
            self.error = error
        finally:
            _jobs.discard(self)
            self.done.release()

    def wait(self) -> None:
        while not self.done.acquire(timeout=_TICK):
            self._deliver()
        self._deliver()

    def _deliver(self) -> None:
        while self.messages:
            self.messages.popleft()()


_here = threading.local()  # its `job` is the one whose thread this is
_jobs: set[_Job] = set()


def uninterrupted(work: Callable[[], Any]) -> Any:
    """work(), holding Numba's lock of its compiler; what it raises is raised here.

    An interrupt raises at once; the work goes on to its next `checkpoint`.
    """
    if global_compiler_lock.is_locked():  # by this thread: it is at such work already, or compiles a caller of kernels
        return work()
    job = _Job(work)
    thread = threading.Thread(target=job.run, name="samenet compiler", daemon=True)
    try:
        try:
            thread.start()
        except RuntimeError:
            if thread.ident is not None:  # a signal's, and the thread is there
                raise
            with global_compiler_lock:  # no thread can begin, as when the interpreter ends
                return work()
        job.wait()
    except BaseException:
        job.abandoned = True
        raise
    if job.error is not None:
        try:
            raise job.error
        finally:
            del job  # its error holds this frame
    return job.answer


def checkpoint() -> None:
    """Where work may end early: does so if nobody waits for it any more, or the interpreter ends."""
    job = getattr(_here, "job", None)
    if job is not None and job.abandoned:
        raise SystemExit  # which also ends a thread that still waits, and without a word


def tell(message: Callable[[], None]) -> None:
    """Call a function in the thread that waits, since it is its filters of warnings, and its log, that count."""
    job = getattr(_here, "job", None)
    if job is None:
        message()
    else:
        job.messages.append(message)


def _finish() -> None:
    """Before the interpreter ends, let the kernel at hand be finished: the compiler must not run on without it."""
    jobs = list(_jobs)
    for job in jobs:
        job.abandoned = True
    if jobs:
        with global_compiler_lock:
            pass


def _before_fork() -> None:
    """Wait for what other threads are at that a child would wait for in vain."""
    global_compiler_lock.acquire()
    # Numba asks for it as it first looks at an array, outside of its lock; NumPy imports it then.
    importlib.import_module("numpy.ma")


def prepare() -> None:
    """Once in a process: what is due when it ends, and when it forks."""
    atexit.register(_finish)
    if hasattr(os, "register_at_fork"):
        # A child has none of the threads: what one of them were compiling would stay half done, and its lock held.
        os.register_at_fork(
            before=_before_fork,
            after_in_parent=global_compiler_lock.release,
            after_in_child=global_compiler_lock.release,
        )
