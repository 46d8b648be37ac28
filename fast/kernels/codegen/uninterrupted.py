"""Work that Ctrl-C does not interrupt, while its caller waits and can be interrupted.

Ctrl-C can raise KeyboardInterrupt anywhere. In the middle of a compilation, this would leave Numba and LLVM with half a
kernel, which later aborts the process. So kernels are compiled in a separate thread, which receives no signals. If the
caller is interrupted, the current kernel is finished in the background, and no other is started.
"""

import atexit
import importlib
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from numba.core.compiler_lock import global_compiler_lock

# A waiting thread wakes up every so many seconds: some signals, and exceptions from other threads, do not wake it.
_TICK = 0.05


class _Job:
    """Work in a separate thread, and its result or exception."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work, self.abandoned = work, False
        self.answer: Any = None
        self.error: BaseException | None = None
        self.messages: deque[Callable[[], None]] = deque()
        # A plain lock: an interrupt within an Event or a Condition could leave its lock held for ever.
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


_here = threading.local()  # `job`: the job that runs in this thread
_jobs: set[_Job] = set()


def uninterrupted(work: Callable[[], Any]) -> Any:
    """Return work(), run under Numba's compiler lock; its exceptions are raised here.

    Ctrl-C raises at once; the work continues until its next `checkpoint`.
    """
    if global_compiler_lock.is_locked():  # by this thread, which is already compiling
        return work()
    job = _Job(work)
    thread = threading.Thread(target=job.run, name="samenet compiler", daemon=True)
    try:
        try:
            thread.start()
        except RuntimeError:
            if thread.ident is not None:  # raised by a signal handler; the thread has started
                raise
            with global_compiler_lock:  # no thread can be started, for example at interpreter shutdown
                return work()
        job.wait()
    except BaseException:
        job.abandoned = True
        raise
    if job.error is not None:
        try:
            raise job.error
        finally:
            del job  # its error refers to this frame
    return job.answer


def checkpoint() -> None:
    """A point where work ends early if its caller no longer waits or the interpreter shuts down."""
    job = getattr(_here, "job", None)
    if job is not None and job.abandoned:
        raise SystemExit  # ends the thread silently, and a caller that still waits


def tell(message: Callable[[], None]) -> None:
    """Call a function in the waiting thread, whose warning filters and log apply."""
    job = getattr(_here, "job", None)
    if job is None:
        message()
    else:
        job.messages.append(message)


def _finish() -> None:
    """Before the interpreter shuts down, wait for the current kernel: the compiler must not outlive it."""
    jobs = list(_jobs)
    for job in jobs:
        job.abandoned = True
    if jobs:
        with global_compiler_lock:
            pass


def _before_fork() -> None:
    """Wait for other threads' work whose locks a child would otherwise wait for in vain."""
    global_compiler_lock.acquire()
    # Numba uses it when it first sees an array, outside its lock; NumPy imports it at that point.
    importlib.import_module("numpy.ma")


def prepare() -> None:
    """Register, once per process, the functions for its exit and for forks."""
    atexit.register(_finish)
    if hasattr(os, "register_at_fork"):
        # A child has no other threads: a compilation in one of them would stay unfinished, and its lock held.
        os.register_at_fork(
            before=_before_fork,
            after_in_parent=global_compiler_lock.release,
            after_in_child=global_compiler_lock.release,
        )
