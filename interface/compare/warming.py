"""Compiling all kernels of the Numba backend, so that no later process has to: `samenet warmup`."""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from samenet.backends import backend
from samenet.network import Network
from samenet.study.many import train_many

DTYPES = ("float64", "float32")
_REGISTERS = (1, 2, 4, 8, 16, 17)  # nodes of a layer, so that each register width is used, and several registers


def jobs(dtype: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """The calls that make every kernel of a dtype compile, each with a name."""
    network = partial(_network, dtype)
    random = np.random.default_rng(0)
    X, Y = random.random((600, 70)).astype(dtype), random.random((600, 3)).astype(dtype)
    sparse = X * (X > 0.9)
    small, wide = network([70, 40, 3]), network([70, 300, 300, 3])
    yield "one sample", lambda: (small.predictor()(X[0]), small.predict(X[0]), wide.predictor()(X[0]))
    yield "a few samples", lambda: [(small.predict(X[:m]), small.feed_forward(X[:m])) for m in (3, 10, 20)]
    yield "batches", lambda: [(n.predict(x), n.feed_forward(x)) for n in (small, wide) for x in (X, sparse)]
    yield "cost", lambda: [n.cost(x, Y) for n in (small, wide) for x in (X, sparse)]
    yield "gradient", lambda: [n.gradient(x, Y) for n in (small, wide) for x in (X, sparse)]
    train = partial(_train, X, Y)
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
    yield "batch normalization", lambda: _normalized(network([70, 40, 3], batch_normalization=True), X, Y)
    yield (
        "tiny networks",
        lambda: [train(network([2, k, 1]), x=X[:9, :2], y=Y[:9, :1], batch_size=4) for k in _REGISTERS],
    )
    yield "kernels that few calls need", lambda: _kernel_cache().compile_external(dtype)
    yield (
        "many networks",
        lambda: [
            train_many(made, X[:100, :9], Y[:100], seeds=range(16), alpha=0.1, epochs=1, batch_size=50)
            for made in (network([9, 20, 3]), network([9, 20, 3], l2=0.1))
        ],
    )


def _network(dtype: Any, sizes: Sequence[int], **settings: Any) -> Network:
    cls: type[Network] = backend("numba").Network
    return cls(sizes, dtype=dtype, seed=0, **settings)


def _kernel_cache() -> Any:
    return import_module("samenet.fast.kernel_cache")


def _train(X: Any, Y: Any, network: Network, x: Any = None, y: Any = None, **settings: Any) -> None:
    X, Y = (X, Y) if x is None else (x, y)
    for optimizer in ("descent", "adam"):
        network.copy().train(X, Y, alpha=1e-3, epochs=1, optimizer=optimizer, seed=0, **settings)


def _normalized(network: Network, X: Any, Y: Any) -> None:
    network.gradient(X, Y)
    _train(X, Y, network, batch_size=100)
    network.predict(X)


def warm_up(
    dtypes: Sequence[str] = DTYPES, begin: Callable[[str], object] | None = None
) -> tuple[list[dict[str, Any]], list[str]]:
    """Run all jobs; begin: called with the name of each. Returns their seconds, and the errors in caching kernels."""
    done = []
    with warnings.catch_warnings(record=True) as problems:
        warnings.simplefilter("always")
        for dtype in dtypes:
            for name, job in jobs(dtype):
                if begin is not None:
                    begin(f"{dtype}, {name}")
                started = time.perf_counter()
                job()
                done.append({"dtype": dtype, "kernels": name, "seconds": time.perf_counter() - started})
    return done, [str(problem.message) for problem in problems if issubclass(problem.category, RuntimeWarning)]
