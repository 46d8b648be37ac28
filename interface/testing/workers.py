"""Workers that run a backend: in a process of its own, which it may crash or hang; or, for a module, in a thread.

A worker sends events, dictionaries with one key: {"part": name} before a part, {"result": ...} and {"noted": ...} after
it, {"error": text} if the backend cannot be loaded, {"done": True} at the end. It also reports the current call of the
backend and the number of calls, so that a long run can be distinguished from a hanging one.
"""

import contextlib
import ctypes
import json
import mmap
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import Any

from samenet.testing import printing, processes, report
from samenet.testing.forms import printable
from samenet.testing.guard import Guard, Stopped
from samenet.testing.parts import PARTS, Part
from samenet.testing.report import Failure, asdict_of
from samenet.testing.runner import Runner

Emit = Callable[[dict[str, Any]], None]
_PATIENCE = 2.0  # seconds
_SIZE = 256  # bytes of the file that holds the current call


def run(guard: Guard, parts: Sequence[Part], level: str, shrinks: bool, emit: Emit) -> None:
    """Run the parts, and send the result of each."""
    runner = Runner(guard, level, shrinks)
    with printing.kept() as printed:
        for part in parts:
            emit({"part": part.name})
            result = None
            try:
                result = runner.run(part)
                if text := printable("".join(printed)):
                    guard.note("prints", f"it prints {text[:60]!r}")
                emit({"result": asdict_of(result)})
                if runner.explain(part, result):
                    emit({"result": asdict_of(result)})
            except Stopped:
                raise
            except BaseException as error:  # if a backend makes the suite itself fail, that is its failure
                if result is None:
                    got = f"{type(error).__name__}: {printable(error)}, in the suite"
                    failure = Failure(part.function, "", got=got)
                    result = report.Part(part.name, part.function, "failed", failure=failure)
                    emit({"result": asdict_of(result)})
            emit({"noted": dict(guard.noted)})


def refuse_within() -> None:
    """Raise ValueError if a backend is being checked: a file that checks itself would start workers without end."""
    if processes.WITHIN in os.environ or threading.current_thread().name.startswith(printing.THREAD):
        raise ValueError(
            "backend: expected no check within that of a backend, which imports its file; put the call, as all that a "
            'script does, under `if __name__ == "__main__":`'
        )


class ThreadWorker:
    """Runs the parts on a module, in a thread of this process."""

    def __init__(self, module: Any, parts: Sequence[Part], level: str, shrinks: bool) -> None:
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        self.call, self.count = "", 0
        given = Guard(module, self._enter), parts, level, shrinks
        self.thread = threading.Thread(target=self._run, args=given, daemon=True, name=printing.THREAD)
        self.thread.start()

    def _enter(self, call: str) -> None:
        self.call, self.count = call, self.count + 1

    def _run(self, guard: Guard, parts: Sequence[Part], level: str, shrinks: bool) -> None:
        try:
            run(guard, parts, level, shrinks, self.events.put)
            self.events.put({"done": True})
        except Stopped:
            pass

    def progress(self) -> tuple[int, str]:
        """The number of calls, and the current one."""
        return self.count, self.call

    def ended(self) -> str:
        """The reason why it ended prematurely; empty while it has not."""
        return "" if self.thread.is_alive() or not self.events.empty() else "its thread ended"

    def stop(self) -> None:
        """End it, if it is in Python code; a call of compiled code that hangs keeps its thread to the end."""
        if self.thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self.thread.ident or 0), ctypes.py_object(Stopped)
            )
            self.thread.join(_PATIENCE)


class ProcessWorker:
    """The parts on a backend that is loaded in a process of its own; or on what a learner's exercise makes one of."""

    def __init__(self, text: str, parts: Sequence[Part], level: str, shrinks: bool, exercise: str = "") -> None:
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        number, self.path = tempfile.mkstemp(prefix="samenet-check-")
        with os.fdopen(number, "r+b") as file:
            file.write(bytes(_SIZE))
            file.flush()
            self.memory = mmap.mmap(file.fileno(), _SIZE)
        options = {"backend": text, "level": level, "shrinks": shrinks, "calls": self.path}
        options |= {"parts": [part.name for part in parts], "exercise": exercise}
        self.process = processes.start("samenet.testing.workers", options, subprocess.PIPE)
        self.is_done = False
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                event = json.loads(line)
                self.is_done = self.is_done or "done" in event
                self.events.put(event)
            except ValueError:  # cut off, when the process died
                break

    def progress(self) -> tuple[int, str]:
        """The number of calls, and the current one."""
        content = self.memory[:_SIZE]
        return int.from_bytes(content[:8], "little"), content[8:].rstrip(b"\0").decode("utf-8", "replace")

    def ended(self) -> str:
        """The reason why it ended prematurely; empty while it has not."""
        status = self.process.poll()
        if status is None or not self.events.empty():
            return ""
        return processes.ending(status)

    def stop(self) -> None:
        """End the process, and those that it started; one that is done may end by itself."""
        if self.is_done:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_PATIENCE)
        processes.end(self.process)
        self.reader.join(_PATIENCE)  # a process of the backend's own may hold the pipe open
        if self.process.stdout is not None and not self.reader.is_alive():
            self.process.stdout.close()
        self.memory.close()
        os.unlink(self.path)


def main(options: dict[str, Any]) -> None:
    """The other end of `ProcessWorker`: standard output is for events, and what the backend writes is noted."""
    threading.current_thread().name, process = printing.THREAD, os.getpid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this is told, and ends it
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    written = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the process
    os.dup2(written.fileno(), 1)
    os.dup2(written.fileno(), 2)
    with open(options["calls"], "r+b") as file:
        calls, count = mmap.mmap(file.fileno(), _SIZE), 0
    guard: Guard | None = None

    def emit(event: dict[str, Any]) -> None:
        if "noted" in event and guard is not None and os.fstat(1).st_size > 0:
            guard.note("prints", "it writes to standard output or standard error")
            event = {"noted": dict(guard.noted)}
        events.write(json.dumps(event) + "\n")
        events.flush()

    def enter(call: str) -> None:
        nonlocal count
        count += 1
        text = call.encode("utf-8")[: _SIZE - 8]
        calls[:_SIZE] = count.to_bytes(8, "little") + text.ljust(_SIZE - 8, b"\0")

    from samenet.testing.loading import execute, load

    enter("loading it")
    try:
        if options["exercise"]:
            from samenet.testing.exercises import grading

            module = grading.adapted(options["exercise"], execute(options["backend"]))
        else:
            module = load(options["backend"])
        if os.getpid() != process:  # a copy, by os.fork
            os._exit(0)
        enter("")
        guard = Guard(module, enter)
    except BaseException as error:  # whatever its code raises as it is run, sys.exit among them
        emit({"error": f"{type(error).__name__}: {printable(error)}".removesuffix(": ")})
        return
    os.ftruncate(1, 0)  # what is printed when it is loaded, is
    os.lseek(1, 0, os.SEEK_SET)
    parts = [part for part in PARTS if part.name in options["parts"]]
    run(guard, parts, options["level"], options["shrinks"], emit)
    if options["exercise"]:
        enter("timing of an exercise")
        with printing.kept():
            emit({"times": grading.times(options["exercise"], module)})
    emit({"done": True})


if __name__ == "__main__":
    main(processes.options_of(sys.argv[1]))
