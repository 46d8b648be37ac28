"""Memory and time of compiling: the first call of each kind, in a new process with an empty cache.

    python tests/hardening/compile_memory.py

Prints a row for each kind, and one for an import alone: CPU seconds, peak resident memory, and peak address space,
which is what `ulimit -v` limits. Linux only: both peaks are read from /proc.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KINDS = {
    "import alone": (),
    "one sample": ("one",),
    "a batch": ("batch",),
    "a gradient": ("gradient",),
    "training": ("descent",),
    "training, tiny network": ("tiny",),
    "all of these": ("one", "batch", "gradient", "descent", "tiny"),
}


def measured(*kinds: str) -> str:
    """The row of a process that makes these calls, one after the other."""
    import interrupts
    from numba import config

    with tempfile.TemporaryDirectory() as folder:
        vars(config)["CACHE_DIR"] = folder
        every = interrupts.calls("float64")
        begin = time.process_time()
        for kind in kinds:
            every[kind]()
        seconds = time.process_time() - begin
    status = Path("/proc/self/status").read_text("utf-8")
    peaks = [int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) / 1024 for name in ("VmHWM", "VmPeak")]
    return " | ".join([f"{seconds:.1f} s", *(f"{peak:.0f} MiB" for peak in peaks)])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--process"]:
        print(measured(*sys.argv[2:]))
    else:
        print("| first call | processor time | memory | address space |\n| --- | ---: | ---: | ---: |")
        for name, kinds in KINDS.items():
            command = [sys.executable, __file__, "--process", *kinds]
            print(f"| {name} | {subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()} |")
