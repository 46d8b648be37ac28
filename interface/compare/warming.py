"""Compiling all kernels of the Numba backend, so that no later process has to: `samenet warmup`."""

import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from typing import Any

import numpy as np

from samenet.backends import backend
from samenet.network import Network
from samenet.study.many import train_many

DTYPES = ("float64", "float32")
_OF_KERNELS = "kernels that kernels call"  # how the names of these jobs begin, which several processes do first
_PARTS = 16  # of these kernels, so that processes which compile them in any order finish together
_MOST = 8  # processes
_REGISTERS = (16, 32, 64, 72)  # bytes of a layer, so that each register width is used, and several registers


def jobs(dtype: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """The calls that make every kernel of a dtype compile, each with a name; the longest come first."""
    network = partial(_network, dtype)
    random = np.random.default_rng(0)
    X, Y = random.random((600, 70)).astype(dtype), random.random((600, 3)).astype(dtype)
    sparse = X * (X > 0.9)
    small, wide = network([70, 40, 3]), network([70, 300, 300, 3])
    for part in range(_PARTS):
        yield f"{_OF_KERNELS}, {part + 1} of {_PARTS}", partial(_compile, dtype, part, _PARTS)
    train = partial(_train, X, Y)
    yield "batch normalization", lambda: _normalized(network([70, 40, 3], batch_normalization=True), X, Y)
    tiny = partial(train, x=X[:9, :2], y=Y[:9, :1], batch_size=4)
    for size in _REGISTERS:
        yield f"tiny networks, layers of {size} bytes", partial(tiny, network([2, size // X.itemsize, 1]))
    yield "tiny networks with dropout", partial(tiny, network([2, 2, 1]), dropout=0.2)
    yield (
        "many networks",
        lambda: [
            train_many(made, X[:100, :9], Y[:100], seeds=range(18), alpha=0.1, epochs=1, batch_size=50)
            for made in (network([9, 20, 3]), network([9, 20, 3], l2=0.1))
        ],
    )
    yield "linear models", partial(train, network([70, 1]), y=Y[:, :1], batch_size=100)
    yield "training", lambda: [train(n) for n in (small, wide)]
    yield "training in batches", lambda: [train(n, batch_size=100) for n in (small, wide)]
    yield (
        "dropout, DropConnect",
        lambda: [train(small, batch_size=100, **{name: 0.2}) for name in ("dropout", "drop_connect")],
    )
    yield (
        "adaptive sampling",
        lambda: [train(small, batch_size=100, sampling="adaptive", **more) for more in ({}, {"drop_connect": 0.2})],
    )
    yield "one sample", lambda: (small.predictor()(X[0]), small.predict(X[0]), wide.predictor()(X[0]))
    yield (
        "a few samples",
        lambda: [(small.predict(x), small.predict(x.tolist()), small.feed_forward(x)) for x in (X[:3], X[:10], X[:20])],
    )
    yield "batches", lambda: [(n.predict(x), n.feed_forward(x)) for n in (small, wide) for x in (X, sparse)]
    yield "cost", lambda: [n.cost(x, Y) for n in (small, wide) for x in (X, sparse)]
    yield "gradient", lambda: [n.gradient(x, Y) for n in (small, wide) for x in (X, sparse)]
    few, w = (X[:4], Y[:4]), X[:4, 0]
    yield "gradient of a few samples", lambda: small.gradient(*few)
    yield "weights of samples", lambda: (small.cost(*few, sample_weight=w), small.gradient(*few, sample_weight=w))


def _network(dtype: Any, sizes: Sequence[int], **settings: Any) -> Network:
    cls: type[Network] = backend("numba").Network
    return cls(sizes, dtype=dtype, seed=0, **settings)


def _compile(dtype: str, part: int, parts: int) -> None:
    kept: Any = import_module("samenet.fast.kernel_cache")
    kept.compile_external(dtype, part, parts)


def _train(X: Any, Y: Any, network: Network, x: Any = None, y: Any = None, **settings: Any) -> None:
    X, Y = X if x is None else x, Y if y is None else y
    for optimizer in ("descent", "adam"):
        copy = network.copy()
        for _ in range(2):  # the second call has its samples checked by a kernel
            copy.train(X, Y, alpha=1e-3, epochs=1, optimizer=optimizer, seed=0, **settings)


def _normalized(network: Network, X: Any, Y: Any) -> None:
    network.gradient(X, Y)
    _train(X, Y, network, batch_size=100)
    network.predict(X)


def processes() -> int:
    """The number of processes that compile best: one for each core, up to a limit, because each needs 200 MiB."""
    affinity = getattr(os, "sched_getaffinity", None)
    return min(_MOST, len(affinity(0)) if affinity else os.cpu_count() or 1)


def warm_up(
    dtypes: Sequence[str] = DTYPES, begin: Callable[[str], object] | None = None, processes: int = 1
) -> tuple[list[dict[str, Any]], list[str]]:
    """Do all jobs, in this process or in several others; begin: called with the name of each that is waited for.

    Returns their seconds, and the errors in caching kernels.
    """
    tasks = [(dtype, name) for dtype in dtypes for name, _ in jobs(dtype)]
    first = [task for task in tasks if task[1].startswith(_OF_KERNELS)]
    done, problems = [], []
    with _each(processes) as each:
        for stage in (first, [task for task in tasks if task not in first]):
            results = iter(each(_do, stage))
            for dtype, name in stage:
                if begin is not None:
                    begin(f"{dtype}, {name}")
                seconds, found = next(results)
                done.append({"dtype": dtype, "kernels": name, "seconds": seconds})
                problems += found
    return done, problems


@contextmanager
def _each(processes: int) -> Iterator[Callable[..., Any]]:
    """A `map` that calls the function in so many processes, each of which takes the next task when it is free."""
    if processes == 1:
        yield map
        return
    # Forked processes have imported all modules; elsewhere than on Linux, system libraries may not work after a fork.
    context = get_context("fork" if sys.platform == "linux" else "spawn")
    pool = ProcessPoolExecutor(processes, context, signal.signal, (signal.SIGINT, signal.SIG_IGN))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside the console's thread, which is safe
            yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)


def _do(task: tuple[str, str]) -> tuple[float, list[str]]:
    """Do a job; returns its seconds, and the errors in caching kernels."""
    dtype, name = task
    job = dict(jobs(dtype))[name]
    with warnings.catch_warnings(record=True) as problems:
        warnings.simplefilter("always")
        started = time.perf_counter()
        job()
        seconds = time.perf_counter() - started
    return seconds, [str(problem.message) for problem in problems if issubclass(problem.category, RuntimeWarning)]
