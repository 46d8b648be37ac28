"""A queue of numbered tasks, which several threads claim one by one.

The division into tasks does not depend on the number of threads, and results are combined in the order of the tasks, so
neither do the bits. One thread, the coordinator, called the kernel; the others are helpers. The coordinator never waits
for a helper that has not started, and not long for one that has, since the operating system may suspend a helper for
milliseconds. The coordinator then does the helper's task itself, and the first of the two to ask owns the result. A
helper therefore works in private memory, and writes to shared memory only once it owns the result. What it reads after
losing a task may have changed; its result is then dropped. A helper that raises an error owns nothing: everything it
calls after owning a result has been called, and so compiled, before.
"""

import atexit
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import register_jitable
from numpy.typing import NDArray

from samenet.fast.kernels.codegen.atomic import add as _add
from samenet.fast.kernels.codegen.atomic import exchange as _exchange
from samenet.fast.kernels.codegen.atomic import read as _read
from samenet.fast.kernels.codegen.compiling import intrinsic_of, kernel
from samenet.fast.kernels.codegen.memory import array_at
from samenet.fast.kernels.codegen.vector import INT, LONG
from samenet.fast.kernels.packing import nodes

# A queue has four counters, each in its own cache line, and a turn for each slot, where the result of a task is stored;
# further the address of the pool's counter of calls, the call's number by that counter, the coordinator's tasks, since
# when it has been busy with them, and how long it was busy and has waited for others, in nanoseconds.
_ADDED, _CLAIMED, _DONE, _CLOSED, _SHARED, _NUMBER, _OWN, _SINCE, _BUSY, _WAITED = 0, 8, 16, *range(24, 31)
_TURNS, _LOST = 32, 2  # the length of all these; tasks whose time may be lost by waiting
_MOST = 64  # helper threads
_LOOKS = 1_000  # how often a helper looks for the next call, which takes some tenths of a millisecond, before it sleeps
PAYS = 2_000_000  # the work of a call or an update, in multiply-adds, from which another thread saves time
_ACTIVATION, _INPUT = 16, 2  # multiply-adds that take as long as a node's activation, and as reading an input
# Helpers are of use if they save this part of a call's time. If they do not in so many calls in succession, because
# others have the processors, there are none for so many calls, or seconds.
_PART, _VAIN, _CALLS, _SECONDS = 8, 4, 40, 1.0


def _give_way() -> None:
    """Yield the processor to another thread."""
    time.sleep(0)


def _typed_give_way(typing_context):
    def codegen(context, builder, signature, values):
        if hasattr(os, "sched_yield"):
            kind = ir.FunctionType(INT, [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), codegen


def _now() -> int:
    """The processor time of this thread in nanoseconds; always 0 where kernels cannot read it."""
    return time.thread_time_ns()


def _typed_now(typing_context):
    def codegen(context, builder, signature, values):
        pair = cgutils.alloca_once(builder, ir.ArrayType(LONG, 2), zfill=True)
        if hasattr(time, "CLOCK_THREAD_CPUTIME_ID"):
            kind = ir.FunctionType(INT, [INT, pair.type])
            read = cgutils.get_or_insert_function(builder.module, kind, "clock_gettime")
            builder.call(read, [INT(time.CLOCK_THREAD_CPUTIME_ID), pair])
        seconds, rest = cgutils.unpack_tuple(builder, builder.load(pair), 2)
        return builder.add(builder.mul(seconds, LONG(10**9)), rest)

    return types.int64(), codegen


_give_way = intrinsic_of(_give_way, _typed_give_way)
_now = intrinsic_of(_now, _typed_now)


@kernel()
def add_tasks(queue, number):
    """Add this many tasks to the queue; with the first, tell the helpers that look for a call."""
    if queue[_SHARED] and queue[_NUMBER] == 0:
        queue[_NUMBER] = _add(array_at(queue[_SHARED], 1, np.int64), 0, 1) + 1
    queue[_SINCE] = _now() if queue[_SHARED] else 0
    _add(queue, _ADDED, number)


@kernel()
def claim(queue):
    """Claim the next task and return its number; -1 if there is none."""
    while True:
        task = _read(queue, _CLAIMED)
        if task >= _read(queue, _ADDED):
            return -1
        if _exchange(queue, _CLAIMED, task, task + 1):
            return task


@kernel()
def own(queue, slot, turn):
    """Whether the caller is the first to ask for a slot in this turn, and so owns the result and must finish."""
    return _exchange(queue, _TURNS + slot, turn, turn + 1)


@kernel()
def take_over(queue, slots, turn):
    """Own and return the slot of a task of this turn that no other thread finishes in time; -1 if there is none.

    To wait as long as a task takes costs at most as much again. Helpers for which that is no gain are sent away.
    """
    began = now = _now() if queue[_SINCE] else 0
    queue[_BUSY] += began - queue[_SINCE]
    of_task = queue[_BUSY] // max(1, queue[_OWN])
    while now < began + of_task and _read(queue, _DONE) < _read(queue, _ADDED):
        now = _now()
    queue[_SINCE] = now
    queue[_WAITED] += now - began
    if queue[_WAITED] > (_LOST + _read(queue, _DONE) - queue[_OWN]) * of_task:
        queue[_CLOSED] = 1
    for slot in range(slots if _read(queue, _DONE) < _read(queue, _ADDED) else 0):
        if own(queue, slot, turn):
            return slot
    return -1


@kernel()
def next_task(queue, slots, turn):
    """The number of the next task for the caller, or -1 if there is none; turn: -1 for a helper.

    The coordinator then owns the result, and takes over tasks of helpers; slots: see `take_over`.
    """
    task = claim(queue)
    if turn >= 0:
        if task >= 0:
            own(queue, task % slots, turn)
        else:
            slot = take_over(queue, slots, turn)
            task = turn * slots + slot if slot >= 0 else -1
        queue[_OWN] += task >= 0
    return task


@kernel()
def finish_task(queue):
    """Mark one task as done."""
    _add(queue, _DONE, 1)


@kernel()
def wait_for_all(queue):
    """Wait until all tasks that were added and are owned are done."""
    while _read(queue, _DONE) < _read(queue, _ADDED):
        _give_way()


@kernel()
def wait_for_tasks(queue):
    """Whether there will be more tasks; if there are none now, yields to other threads first.

    To wake a sleeping thread takes as long as a small call. After a call, a helper therefore looks for the next one
    before it returns from its kernel to Python, where it would wait for the GIL, and so sleep.
    """
    if _read(queue, _CLOSED):
        for _ in range(_LOOKS if queue[_SHARED] else 0):
            if _read(array_at(queue[_SHARED], 1, np.int64), 0) > queue[_NUMBER]:
                break
            _give_way()
        return False
    if _read(queue, _CLAIMED) >= _read(queue, _ADDED):
        _give_way()
    return True


def new_queue(slots: int) -> NDArray[np.int64]:
    """A queue without tasks."""
    return np.zeros(_TURNS + slots, np.int64)


class _Pool:
    """Helper threads shared by all calls."""

    def __init__(self) -> None:
        self._work: SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...]] | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._wanted: dict[int, int] = {}  # helpers, by the queues of the calls in progress
        self._lock = Lock()
        self._begun = np.zeros(1, np.int64)  # calls that have entered their kernels
        self._in_vain = 0  # calls in succession in which helpers were of no use
        self.skipped, self.until = 0, 0.0  # how many calls are to have no helpers, and for how long
        atexit.register(self._end)

    def begin(
        self, queue: NDArray[np.int64], helpers: int, work: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> None:
        """Call work(*arguments) in as many helpers, or in fewer if the system has no more threads.

        Its results and errors are dropped.
        """
        queue[_SHARED] = self._begun.ctypes.data
        with self._lock, suppress(RuntimeError):
            self._wanted[id(queue)] = helpers
            while len(self._threads) < min(sum(self._wanted.values()), _MOST):
                thread = Thread(target=self._help, name="samenet", daemon=True)
                thread.start()
                self._threads.append(thread)
        for _ in range(min(helpers, len(self._threads))):
            self._work.put((work, arguments))

    def end(self, queue: NDArray[np.int64]) -> None:
        """Let other calls have the helpers."""
        with self._lock:
            self._wanted.pop(id(queue), None)

    def learn(self, queue: NDArray[np.int64], seconds: float, processor: float) -> None:
        """Learn what helpers have saved; processor: the coordinator's own time, without what it lost to them."""
        saved = (queue[_DONE] - queue[_OWN]) * queue[_BUSY] / max(1, queue[_OWN]) - queue[_WAITED]
        is_little = _PART * (1e-9 * saved - (seconds - processor)) < seconds
        self._in_vain = self._in_vain + 1 if is_little else 0
        if self._in_vain >= _VAIN:
            self._in_vain, self.skipped, self.until = 0, _CALLS, time.perf_counter() + _SECONDS

    def _help(self) -> None:
        while call := self._work.get():
            work, arguments = call
            with suppress(BaseException):
                work(*arguments)
            del call, work, arguments  # a sleeping helper keeps no array alive

    def _end(self) -> None:
        """Wait for the helpers, which must not run while the interpreter ends."""
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()


_pool = cache(_Pool)


def useful(helpers: int) -> int:
    """This many helpers; or none for a while after they were of no use in several calls."""
    pool = _pool()
    if helpers < 1 or pool.skipped == 0 or time.perf_counter() >= pool.until:
        return helpers
    pool.skipped -= 1
    return 0


@register_jitable
def work_of(sizes, size):
    """The work of a row, in multiply-adds; size: the number of parameters."""
    total, _ = nodes(sizes)
    return size + _INPUT * sizes[0] + _ACTIVATION * total


def run_parallel(work: Callable[..., Any], arguments: tuple[Any, ...], helpers: int, slots: int, *more: Any) -> Any:
    """Call work(*arguments, queue, True, *more) as coordinator, and with False in this many helper threads."""
    queue = new_queue(slots)
    try:
        if not helpers:
            return work(*arguments, queue, True, *more)
        began, processor = time.perf_counter(), time.thread_time()
        _pool().begin(queue, helpers, work, (*arguments, queue, False, *more))
        result = work(*arguments, queue, True, *more)
        _pool().learn(queue, time.perf_counter() - began, time.thread_time() - processor)
        return result
    finally:
        queue[_CLOSED] = 1
        if helpers:
            _pool().end(queue)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # the threads do not exist in a forked process
