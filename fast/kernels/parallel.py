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
from ctypes import addressof, c_int64
from functools import cache
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numpy.typing import NDArray

from samenet.fast.kernels.codegen.atomic import add as _add
from samenet.fast.kernels.codegen.atomic import exchange as _exchange
from samenet.fast.kernels.codegen.atomic import lock, place_of
from samenet.fast.kernels.codegen.atomic import read as _read
from samenet.fast.kernels.codegen.compiling import intrinsic_of, kernel

# A queue has four counters, each in its own cache line, and a turn for each slot, where the result of a task is stored;
# further the address of the pool's counter of calls, the call's number by that counter, and the coordinator's tasks.
_ADDED, _CLAIMED, _DONE, _CLOSED, _SHARED, _NUMBER, _OWN, _TURNS = 0, 8, 16, 24, 25, 26, 27, 32
_LOOK = 8  # multiply-adds per check while the coordinator waits: in all twice the time it would need itself
_MOST = 64  # helper threads
_LOOKS = 1_000  # how often a helper looks for the next call, which takes some tenths of a millisecond, before it sleeps
PAYS = 2_000_000  # multiply-adds of a call or an update from which another thread saves time
# Helpers are of use if they do this part of the tasks; otherwise there are none for so many times as long as the call.
_PART, _WHILE = 8, 20


def _add_shared(queue: NDArray[np.int64], number: int) -> int:
    """Atomically add to the pool's counter of calls; returns the previous value."""
    with lock:
        counter = c_int64.from_address(int(queue[_SHARED]))
        counter.value += number
        return counter.value - number


def _typed_add_shared(typing_context, queue, number):
    def codegen(context, builder, signature, values):
        address = builder.load(place_of(context, builder, queue, values[0], ir.Constant(values[1].type, _SHARED)))
        pointer = builder.inttoptr(address, ir.IntType(64).as_pointer())
        return builder.atomic_rmw("add", pointer, values[1], "seq_cst")

    return types.int64(queue, types.int64), codegen


def _give_way() -> None:
    """Yield the processor to another thread."""
    time.sleep(0)


def _typed_give_way(typing_context):
    def codegen(context, builder, signature, values):
        if hasattr(os, "sched_yield"):
            kind = ir.FunctionType(ir.IntType(32), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), codegen


_add_shared = intrinsic_of(_add_shared, _typed_add_shared)
_give_way = intrinsic_of(_give_way, _typed_give_way)


@kernel()
def add_tasks(queue, number):
    """Add this many tasks to the queue; with the first, tell the helpers that look for a call."""
    if queue[_SHARED] and queue[_NUMBER] == 0:
        queue[_NUMBER] = _add_shared(queue, 1) + 1
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
def take_over(queue, slots, turn, work):
    """Own and return the slot of a task of this turn that no other thread finishes in time; -1 if there is none.

    work: the multiply-adds of a task, which determine how long to wait.
    """
    for _ in range(work // _LOOK):
        if _read(queue, _DONE) >= _read(queue, _ADDED):
            return -1
    for slot in range(slots):
        if own(queue, slot, turn):
            return slot
    return -1


@kernel()
def next_task(queue, slots, turn, work):
    """The number of the next task for the caller, or -1 if there is none; turn: -1 for a helper.

    The coordinator then owns the result, and takes over tasks of helpers; slots, work: see `take_over`.
    """
    task = claim(queue)
    if turn >= 0:
        if task >= 0:
            own(queue, task % slots, turn)
        else:
            slot = take_over(queue, slots, turn, work)
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
def _look_for_calls(queue):
    """Wait, but not long, until the coordinator of a later call has entered its kernel."""
    for _ in range(_LOOKS if queue[_SHARED] else 0):
        if _add_shared(queue, 0) > queue[_NUMBER]:
            return
        _give_way()


@kernel()
def wait_for_tasks(queue):
    """Whether there will be more tasks; if there are none now, yields to other threads first.

    To wake a sleeping thread takes as long as a small call. After a call, a helper therefore looks for the next one
    before it returns from its kernel to Python, where it would wait for the GIL, and so sleep.
    """
    if _read(queue, _CLOSED):
        _look_for_calls(queue)
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
        self._begun = c_int64()  # calls that have entered their kernels
        self._in_vain = 0  # calls in succession to which helpers contributed little
        self.until = 0.0  # when the next call may have helpers
        atexit.register(self._end)

    def begin(
        self, queue: NDArray[np.int64], helpers: int, work: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> None:
        """Call work(*arguments) in as many helpers, or in fewer if the system has no more threads.

        Its results and errors are dropped.
        """
        queue[_SHARED] = addressof(self._begun)
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

    def learn(self, queue: NDArray[np.int64], seconds: float) -> None:
        """Learn from a call of this length what its helpers have contributed."""
        is_little = _PART * (queue[_DONE] - queue[_OWN]) < queue[_DONE]
        self._in_vain = self._in_vain + 1 if is_little else 0
        if self._in_vain > 1:
            self._in_vain, self.until = 0, time.perf_counter() + _WHILE * seconds

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
    """This many helpers; or none for a while after they twice had no processor."""
    return helpers if helpers < 1 or time.perf_counter() >= _pool().until else 0


def run_parallel(work: Callable[..., Any], arguments: tuple[Any, ...], helpers: int, slots: int, *more: Any) -> Any:
    """Call work(*arguments, queue, True, *more) as coordinator, and with False in this many helper threads."""
    queue = new_queue(slots)
    try:
        if not helpers:
            return work(*arguments, queue, True, *more)
        began = time.perf_counter()
        _pool().begin(queue, helpers, work, (*arguments, queue, False, *more))
        result = work(*arguments, queue, True, *more)
        _pool().learn(queue, time.perf_counter() - began)
        return result
    finally:
        queue[_CLOSED] = 1
        if helpers:
            _pool().end(queue)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # the threads do not exist in a forked process
