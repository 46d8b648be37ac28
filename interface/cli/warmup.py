"""`samenet warmup`."""

import importlib
import json as as_json
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Annotated, Any

import typer

from samenet.cli import values


def warmup(
    dtype: Annotated[
        str | None,
        typer.Option(
            parser=partial(values.one_of, known=("float64", "float32")),
            metavar="float64|float32",
            help="Only for this dtype.  [default: both]",
        ),
    ] = None,
    processes: Annotated[
        Any,
        typer.Option(
            parser=values.positive,
            metavar="N",
            help="How many processes.  [default: one for each core, at most 8]",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print a report as JSON and nothing else.")] = False,
) -> int:
    """Compile the Numba backend's kernels, and cache them on disk.

    Use it for container images, and wherever a first call should not wait: later processes load the cached kernels.
    Several processes share the work, one for each core.
    Kernels are specific to this processor and these versions; NUMBA_CACHE_DIR names the folder. Exits with 3 if they
    cannot be cached.
    """
    from samenet.backends import backend
    from samenet.cli.tabular.errors import TableError
    from samenet.compare import warming
    from samenet.output.console import Console
    from samenet.output.formats import digits

    backend("numba")  # an ImportError says why, if it cannot be imported
    kept: Any = importlib.import_module("samenet.fast.kernel_cache")
    if not kept.is_compiled():
        raise TableError("NUMBA_DISABLE_JIT is set, so nothing is compiled")
    folder = kept.folder()
    if folder is None:
        raise TableError("no writable folder for compiled kernels; NUMBA_CACHE_DIR can name one")
    before = kept.count(folder)[0]
    console, started = Console(stderr=True), time.perf_counter()
    with console.status("compiling") as status:
        begin = (lambda text: status.update(f"compiling: {text}")) if console.is_terminal else None
        number = processes or warming.processes()
        try:
            done, problems = warming.warm_up([dtype] if dtype else warming.DTYPES, begin, number)
        except BrokenProcessPool:
            raise TableError("a process was ended, perhaps for lack of memory; --processes 1 needs the least") from None
    kernels, size = kept.count(folder)
    seconds = time.perf_counter() - started
    told = {"folder": str(folder), "kernels": kernels, "new": kernels - before, "bytes": size, "seconds": seconds}
    told["processes"] = number
    if json:
        print(as_json.dumps(told | {"parts": done, "problems": problems}, indent=1))
    else:
        for one in done:
            print(f"{one['dtype']}, {one['kernels']}: {digits(one['seconds'])} s")
        print(f"{kernels} kernels, {kernels - before} of them new, {size / 2**20:.1f} MiB, in {folder}")
        print(f"It took {digits(seconds)} s.")
    for problem in problems:
        print(f"samenet warmup: error: {problem.removeprefix('samenet: ')}", file=sys.stderr)
    return 3 if problems else 0
