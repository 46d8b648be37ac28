"""The environment that times depend on: machine, versions, thread counts. No host names or paths."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

# BLAS libraries, OpenMP and Numba read these when they load, so they must be set before NumPy is imported.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def set_threads(threads: int) -> None:
    """Ask every library for this many threads; works only for libraries that are not loaded yet."""
    for name in THREAD_VARIABLES:
        os.environ[name] = str(threads)


def processor() -> str:
    """The name of the processor; if it has no number, as in many virtual machines, with its family and model."""
    found: dict[str, str] = {}
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                key, _, value = line.partition(":")
                found.setdefault(key.strip(), " ".join(value.split()))
    except OSError:
        pass
    name = found.get("model name") or platform.processor() or platform.machine()
    if "model" in found and not any(map(str.isdigit, name)):
        return f"{name} family {found.get('cpu family', 'unknown')} model {found['model']}"
    return name


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _blas() -> str:
    import numpy as np

    config: Any = np.show_config(mode="dicts")
    blas = config["Build Dependencies"]["blas"]
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def describe() -> dict[str, Any]:
    """The environment as plain values, for a file or a line of text."""
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "processor": processor(),
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "samenet": _version("samenet"),
        "numpy": _version("numpy"),
        "blas": _blas(),
        "numba": _version("numba"),
        "scipy": _version("scipy"),
        "threads": {name: os.environ.get(name) for name in THREAD_VARIABLES},
        "utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }
