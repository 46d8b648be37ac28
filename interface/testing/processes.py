"""Processes for code that may crash: starting one, describing how it ended, and ending it with its children."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from typing import Any

WITHIN = "SAMENET_WITHIN_A_CHECK"  # set in the environment of such a process and of its children


def start(module: str, options: dict[str, Any], stdout: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    """Start a module in a process of its own, with options that its `options_of` reads from its arguments."""
    given = options | {"path": [os.path.abspath(entry) for entry in sys.path]}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, json.dumps(given)],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {WITHIN: "1"},
    )


def options_of(argument: str) -> dict[str, Any]:
    """The options that a process was started with; also gives it the parent's module search path."""
    options: dict[str, Any] = json.loads(argument)
    sys.path += [entry for entry in options["path"] if entry not in sys.path]
    return options


def ending(status: int) -> str:
    """A description of how a process ended prematurely."""
    if status >= 0:
        return f"ended its process with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"crashed its process: {name}"


def end(process: "subprocess.Popen[Any]") -> None:
    """End a process and its children."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
