"""A case in a separate process: how its task is run on the Numba backend, the check of its answer, its time."""

import gc
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import samenet
from benchmarks.catalogue import TECHNIQUES
from benchmarks.contenders import ours
from benchmarks.expected import Expected, few
from benchmarks.problem import Array, Call, Descent, ready
from samenet import optimizers
from samenet.backends import backend
from samenet.testing.tolerance import Comparison


def _updates(task: Descent, at_once: bool) -> Call:
    """The backend's `run_updates`, called once for all updates or once for each."""
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
    """The first predictions, the first gradient and the first updates."""
    network = task.network.on("numba")
    train = _updates(task, True).run

    def run() -> Array:
        network.predict(task.X)
        network.predict(task.X[0])
        network.gradient(task.X, task.Y)
        return train()  # type: ignore[no-any-return]

    return Call(run, np.array)


_WAYS = ours.PEER.ways
HOW: dict[str, Callable[[Any], Call | str]] = {
    "predict": _WAYS[ours.NUMBA].make,
    "predictor": _WAYS[ours.PREDICTOR].make,
    "train": _WAYS[ours.NUMBA].make,
    "all updates at once": partial(_updates, at_once=True),
    "a call an update": partial(_updates, at_once=False),
    "first calls": _compiled,  # its first call is timed, instead of later ones
}
FIRST = "first calls"


class Ready:
    """A case in this process: its answer checked, and the timed call warmed up."""

    def __init__(self, name: str) -> None:
        case = TECHNIQUES[name]
        task, make = case.task(), HOW[case.how]
        small = few(task)
        call = ready(make(small))
        begin = time.perf_counter()
        answer = call.run()
        self.first_call = time.perf_counter() - begin
        self.comparison: Comparison = Expected(task).compare(call.read(answer), 0.0)
        self.run = ready(make(task)).run
        if case.how != FIRST:
            self.run()

    def seconds(self, number: int) -> float:
        """Seconds per call, over `number` calls."""
        begin = time.perf_counter()
        for _ in range(number):
            self.run()
        return (time.perf_counter() - begin) / number


def one_process(name: str) -> None:
    """Prepare a case and print its check; then for each number of calls read from stdin, print seconds per call."""
    case = Ready(name)
    found = case.comparison
    about = {"ok": found.ok, "observed": found.observed, "allowed": found.allowed, "problem": found.problem}
    about |= {"first_call": case.first_call, "package": str(Path(samenet.__file__).parent)}
    print(json.dumps(about), flush=True)
    gc.disable()
    for line in sys.stdin:
        print(case.seconds(int(line)), flush=True)
