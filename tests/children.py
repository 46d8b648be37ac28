"""Child processes. None is timed, because times on a loaded machine mean nothing."""

import os
import subprocess
import sys
from pathlib import Path

HANGS = 1800  # seconds after which a process or a thread counts as hanging; nothing else depends on it


def python(*arguments: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """`python ARGUMENTS` with some variables of the environment: its status and what it printed."""
    command, variables = [sys.executable, *arguments], os.environ | environ
    return subprocess.run(command, env=variables, cwd=cwd, capture_output=True, text=True, timeout=HANGS, check=False)


def printed(script: str, *arguments: str, **environ: str) -> str:
    """The output of a script, which must exit with status 0."""
    done = python("-c", script, *arguments, **environ)
    assert done.returncode == 0, done.stderr
    return done.stdout
