"""The on-disk cache of compiled kernels: its location and size, for `samenet info` and `samenet warmup`."""

import os
from pathlib import Path

from numba import config

from samenet.fast.kernels import inference
from samenet.fast.kernels.codegen import caching
from samenet.fast.kernels.codegen.compiling import compile_external

__all__ = ["compile_external", "count", "folder", "is_compiled"]


def is_compiled() -> bool:
    """Whether kernels are compiled; False if NUMBA_DISABLE_JIT is set."""
    return not vars(config)["DISABLE_JIT"]


def folder() -> Path | None:
    """The first folder in which new kernels can be stored; None if there is none."""
    for candidate in caching.folders(inference.one_of.__wrapped__):
        nearest = candidate
        while not nearest.exists() and nearest != nearest.parent:
            nearest = nearest.parent
        if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
            return candidate
    return None


def count(where: Path) -> tuple[int, int]:
    """The number of kernels in a folder, and their bytes."""
    files = list(where.glob("samenet.*.nbc")) if where.is_dir() else []
    return len(files), sum(file.stat().st_size for file in files)
