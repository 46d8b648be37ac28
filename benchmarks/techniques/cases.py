"""What is timed: samenet's Numba backend at a task of the comparison with its peers, which also checks the answer."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from peers import ours
from peers.problem import Array, Call, Descent, Forward
from peers.tasks import Expected, cast, few, ink

from samenet import optimizers
from samenet.backends import backend
from samenet.compare import cases
from samenet.testing.tolerance import Comparison


class Case(NamedTuple):
    """What it is, in words; the task; the way to do it; and whether its first call is timed, instead of the later."""

    title: str
    task: Callable[[], Forward | Descent]
    make: Callable[[Any], Call | str]
    first: bool = False


def _one(sizes: tuple[int, ...]) -> Forward:
    network, X, _ = cases.example(sizes, 1)
    return Forward(network, X[0])


def _batch(dtype: str, threads: int) -> Forward | Descent:
    network, X, _ = cases.example((100, 100, 50, 10), 10_000)
    return cast(Forward(network, X), dtype, threads)


def _full_batch(dtype: str, threads: int) -> Forward | Descent:
    network, X, Y = cases.example((64, 30, 10), 1_078)
    return cast(Descent(network, X, Y, 0.25, len(X), passes=5), dtype, threads)


def _mini_batches(sizes: tuple[int, ...], rows: int, size: int, images: bool = False, alpha: float = 0.25) -> Descent:
    network, X, Y = cases.example(sizes, rows)
    if images:
        X = np.abs(X) * (np.random.default_rng(1).random(X.shape) < ink(sizes[0]))
    return Descent(network, X, Y, alpha, size)


def _eleven_lines(passes: int) -> Descent:
    network, X, Y = cases.eleven_lines_problem()
    return Descent(network, X, Y, 1.0, len(X), passes=passes, reduction="sum")


def _compiling() -> Descent:
    return _mini_batches((64, 30, 10), 32, 32)


def _updates(task: Descent, at_once: bool) -> Call:
    """The backend's own `run_updates`, for all updates or for each."""
    network, X, Y, size = task.network.on("numba"), task.X, task.Y, task.batch_size
    batches = [(X[s : s + size], Y[s : s + size]) for s in range(0, len(X), size)]
    settings = {"rule": optimizers.Descent(), "alpha": task.alpha, "batch_size": size, "reduction": task.reduction}
    run_updates = partial(backend("numba").run_updates, network.model, **settings)
    start = task.network.parameters

    def run() -> Array:
        network.parameters = start
        if at_once:
            run_updates(X, Y, epochs=task.passes)
        else:
            for _ in range(task.passes):
                for x, y in batches:
                    run_updates(x, y)
        return network.parameters

    return Call(run, np.array)


def _compiled(task: Descent) -> Call:
    """A first prediction, a first gradient, and first updates."""
    network = task.network.on("numba")
    train = _updates(task, True).run

    def run() -> Array:
        network.predict(task.X)
        network.predict(task.X[0])
        network.gradient(task.X, task.Y)
        return train()  # type: ignore[no-any-return]

    return Call(run, np.array)


_PREDICT, _TRAIN = ours.FORWARD[ours.NUMBA], ours.DESCENT[ours.NUMBA]
_AT_ONCE, _ONE_BY_ONE = partial(_updates, at_once=True), partial(_updates, at_once=False)
_EPOCH = partial(_mini_batches, (64, 30, 10), 1_000, 10)

CASES = {
    "batch": Case("100-100-50-10, 10,000 samples", partial(_batch, "float64", 1), _PREDICT),
    "batch, 2 threads": Case("100-100-50-10, 10,000 samples", partial(_batch, "float64", 2), _PREDICT),
    "batch, float32": Case("100-100-50-10, 10,000 samples", partial(_batch, "float32", 1), _PREDICT),
    "full batch": Case("64-30-10, 5 updates by 1,078 samples", partial(_full_batch, "float64", 1), _TRAIN),
    "full batch, 2 threads": Case("64-30-10, 5 updates by 1,078 samples", partial(_full_batch, "float64", 2), _TRAIN),
    "full batch, float32": Case("64-30-10, 5 updates by 1,078 samples", partial(_full_batch, "float32", 1), _TRAIN),
    "mini-batches of images": Case(
        "784-30-10, 2,000 images by 10, 81 % zeros",
        partial(_mini_batches, (784, 30, 10), 2_000, 10, images=True),
        _TRAIN,
    ),
    "mini-batches of 64": Case("64-30-10, 1,000 samples by 10", _EPOCH, _AT_ONCE),
    "mini-batches of 64, a call an update": Case("64-30-10, 1,000 samples by 10", _EPOCH, _ONE_BY_ONE),
    "11 lines": Case("3-4-1, 5,000 updates by 4 samples", partial(_eleven_lines, 5_000), _AT_ONCE),
    "11 lines, a call an update": Case("3-4-1, 5,000 updates by 4 samples", partial(_eleven_lines, 5_000), _ONE_BY_ONE),
    "online": Case("2-3-2, 10,000 samples", partial(_mini_batches, (2, 3, 2), 10_000, 1, alpha=0.125), _AT_ONCE),
    "one sample": Case("100-100-50-10, one sample", partial(_one, (100, 100, 50, 10)), ours.FORWARD[ours.PREDICTOR]),
    "one tiny sample": Case("3-3-1, one sample", partial(_one, (3, 3, 1)), _PREDICT),
    "one tiny sample, predictor": Case("3-3-1, one sample", partial(_one, (3, 3, 1)), ours.FORWARD[ours.PREDICTOR]),
    "compiling": Case("first calls of all kinds, nothing cached", _compiling, _compiled, first=True),
}


class Ready:
    """A case in this process: its answer checked, and the call that is timed, warm."""

    def __init__(self, name: str) -> None:
        case = CASES[name]
        task = case.task()
        small = few(task)
        call = _call(case.make(small))
        begin = time.perf_counter()
        answer = call.run()
        self.first_call = time.perf_counter() - begin
        self.comparison: Comparison = Expected(task).compare(call.read(answer), 0.0)
        self.run = _call(case.make(task)).run
        if not case.first:
            self.run()

    def seconds(self, number: int) -> float:
        """Of a call, over so many calls."""
        begin = time.perf_counter()
        for _ in range(number):
            self.run()
        return (time.perf_counter() - begin) / number


def _call(made: Call | str) -> Call:
    assert isinstance(made, Call)
    return made
