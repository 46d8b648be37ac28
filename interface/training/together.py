"""Independent training runs at the same time, on several threads."""

import itertools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress

from samenet.stopping import StopTraining
from samenet.training.interrupts import deferred_interrupt

Task = Callable[[Callable[[], None]], None]  # task(release); release() delivers a Ctrl-C between two updates


class Cancelled(BaseException):
    """Ends the tasks of other threads after Ctrl-C has ended that of the main thread."""


def run_together(
    tasks: Sequence[Task], threads: int, release: Callable[[], None] | None = None
) -> dict[int, Exception]:
    """Run all tasks on this number of threads; returns the exceptions of the tasks that failed, by their numbers.

    Ctrl-C, and any other exception that is not an `Exception`, is raised again when all threads have stopped. release:
    delivers a Ctrl-C that the caller has deferred; without it, Ctrl-C is deferred here.
    """
    if release is None:
        done: dict[int, Exception] | None = None
        try:
            with deferred_interrupt() as release:
                done = run_together(tasks, threads, release)
        except StopTraining:  # raised by the user's handler of Ctrl-C
            if done is None:
                raise
        return done
    numbers, failed, stopped, busy = itertools.count(), dict[int, Exception](), False, list[None]()

    def work(release: Callable[[], None]) -> None:
        while not stopped and (i := next(numbers)) < len(tasks):
            try:
                tasks[i](release)
            except Exception as error:
                failed[i] = error

    def check() -> None:
        if stopped:
            raise Cancelled

    def work_beside() -> None:
        busy.append(None)  # before `stopped` is looked at
        try:
            with suppress(Cancelled):
                work(check)
        finally:
            busy.pop()

    helpers = min(threads, len(tasks)) - 1
    if helpers <= 0:
        work(release)
        return failed
    with ThreadPoolExecutor(helpers, thread_name_prefix="samenet-train") as pool:
        try:
            others = [pool.submit(work_beside) for _ in range(helpers)]
            work(release)
            while wait(others, timeout=0.05).not_done:
                release()
            for other in others:
                other.result()
        finally:
            stopped = True
            while busy:  # the pool does not know a thread whose start an exception of a signal's handler interrupted
                time.sleep(0.001)
    return dict(sorted(failed.items()))
