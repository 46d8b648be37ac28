"""Processes for code that may crash them: how one ended, in words, and how it is ended with all that it started."""

import contextlib
import os
import signal
import subprocess
from typing import Any


def ending(status: int) -> str:
    """How a process ended that did not come to its end."""
    if status >= 0:
        return f"ended its process with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"crashed its process: {name}"


def end(process: "subprocess.Popen[Any]") -> None:
    """End a process, begun with `start_new_session=True`, and those that it started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
