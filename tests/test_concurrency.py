"""Eight concurrent threads get bit for bit the same answers as sequential calls."""

import importlib
import pkgutil
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

import samenet
from samenet.optimizers import Descent

pytestmark = pytest.mark.compiled  # plain Python holds the GIL

NAMES = samenet.backends()
SIZES = [5, 7, 6, 3]
THREADS, ROUNDS = 8, 6


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """work(0), ..., work(7), each in a thread, all released at the same moment."""
    results: list[Any] = [None] * THREADS
    failures: list[BaseException] = []
    gate = threading.Barrier(THREADS)

    def run(number: int) -> None:
        try:
            gate.wait()
            results[number] = work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    return results


def samples(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples of several lengths, two threads for each, so that shared or cached memory would show."""
    random, m = np.random.default_rng(number), 3 + 10 * (number // 2)
    return random.normal(size=(m, SIZES[0])), random.random((m, SIZES[-1]))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NAMES)
def test_one_network_asked_by_many_threads(name: str, dtype: Any) -> None:
    net = samenet.backend(name).Network(SIZES, seed=0, dtype=dtype)
    before = net.parameters.tobytes()

    def work(number: int) -> list[bytes]:
        X, Y = samples(number)
        answers = []  # read only at the end: a later answer must not overwrite an earlier one
        for turn in range(ROUNDS):
            value, slope = net.gradient(X + turn, Y)
            answers += [net.predict(X + turn), net.predict(X[0] + turn), slope.flat, np.array(value)]
            answers += net.feed_forward(X + turn)
        return [answer.tobytes() for answer in answers]

    expected = [work(number) for number in range(THREADS)]
    assert at_once(work) == expected
    assert len({answers[0] for answers in expected}) == THREADS, "each thread has an answer of its own"
    assert net.parameters.tobytes() == before


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NAMES)
def test_one_predictor_called_by_many_threads(name: str, dtype: Any) -> None:
    """Each with its own `out`, and without: a workspace shared between threads would mix their answers."""
    f = samenet.backend(name).Network(SIZES, seed=0, dtype=dtype).predictor()

    def work(number: int) -> list[bytes]:
        rows = np.random.default_rng(number).normal(size=(200, SIZES[0])).astype(dtype)
        outs = np.empty((len(rows), SIZES[-1]), dtype)
        answers = [f(row) for row in rows] + [f(row, out) for row, out in zip(rows, outs, strict=True)]
        return [answer.tobytes() for answer in answers]

    expected = [work(number) for number in range(THREADS)]
    assert at_once(work) == expected
    assert len({answers[0] for answers in expected}) == THREADS


@pytest.mark.parametrize("size", [None, 4])
@pytest.mark.parametrize("name", NAMES)
def test_networks_trained_by_many_threads(name: str, size: int | None) -> None:
    def work(number: int) -> tuple[bytes, bytes]:
        net = samenet.backend(name).Network(SIZES, seed=number)
        history = net.train(*samples(number), alpha=0.5, epochs=4 * ROUNDS, batch_size=size, seed=number)
        return net.parameters.tobytes(), history.cost.tobytes()

    expected = [work(number) for number in range(THREADS)]
    assert at_once(work) == expected
    assert len(set(expected)) == THREADS


@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits_every_time(name: str) -> None:
    X, Y = samples(7)
    runs = set()
    for _ in range(3):
        net = samenet.backend(name).Network(SIZES, seed=0)
        net.train(X, Y, alpha=0.5, epochs=5, batch_size=4, seed=1)
        runs.add((net.parameters.tobytes(), net.predict(X).tobytes(), net.gradient(X, Y)[1].flat.tobytes()))
    assert len(runs) == 1


@pytest.mark.parametrize("sizes", [SIZES, [40, 30, 20]], ids=["in registers", "in layers"])
def test_compiled_kernels_let_other_threads_run(sizes: list[int]) -> None:
    """This thread runs many times during a single compiled call, so that call does not hold the GIL."""
    module = samenet.backend("numba")
    net, random = module.Network(sizes, seed=0), np.random.default_rng(0)
    X, Y = random.normal(size=(13, sizes[0])), random.random((13, sizes[-1]))
    settings = {"alpha": 1e-3, "batch_size": len(X)}
    module.run_updates(net.model, X, Y, Descent(), **settings)  # compile it first
    turns, epochs = 0, 1000
    while turns < 20 and epochs < 10**8:  # a longer call, if this one was too short for so many
        call = threading.Thread(
            target=module.run_updates, args=(net.model, X, Y, Descent()), kwargs={**settings, "epochs": epochs}
        )
        call.start()
        turns = 0
        while call.is_alive():
            turns += 1
            time.sleep(1e-3)
        epochs *= 4
    assert turns >= 20


def test_every_kernel_is_told_to_release_the_gil() -> None:
    from numba.core.dispatcher import Dispatcher

    from samenet.fast import kernels

    modules = [importlib.import_module(m.name) for m in pkgutil.iter_modules(kernels.__path__, kernels.__name__ + ".")]
    found = {value for module in modules for value in vars(module).values() if isinstance(value, Dispatcher)}
    assert len(found) > 20
    compiled = [kernel for kernel in found if kernel.targetoptions.get("inline") != "always"]  # into its callers
    holding = {kernel.py_func.__name__ for kernel in compiled if kernel.targetoptions.get("nogil") is not True}
    assert holding == {"are_in"}  # which reads a list of Python while nothing may change it


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="plain Python has no such option")
def test_only_one_sample_of_a_small_network_keeps_the_gil(monkeypatch: pytest.MonkeyPatch) -> None:
    """What README says, and up to how many parameters."""
    from samenet.fast.kernels import inference

    module = samenet.backend("numba")
    asked: list[Any] = []
    one_of = inference.one_of
    monkeypatch.setattr(module.inference, "one_of", lambda *given: asked.append(one_of(*given)) or asked[-1])
    for sizes, holds in (([99, 99, 1], True), ([99, 99, 2], False)):
        net = module.Network(sizes, seed=0)
        assert (net.parameters.size <= inference.QUICK) is holds
        net.predictor()(np.ones(99))
        net.predict(np.ones(99))
        assert len(asked) == 2
        assert {kernel.targetoptions["nogil"] for kernel in asked} == {not holds}
        asked.clear()


def test_a_short_soak() -> None:
    """A run of three seconds of `tests/hardening/threads.py`, which can run for an hour."""
    script = Path(__file__).parent / "hardening" / "threads.py"
    short = {"minutes": 0.05, "jobs": 150, "fork-every": 0.5, "process-every": 60, "patience": 100, "seed": 1}
    options = [f"--{name}={value}" for name, value in short.items()]
    done = subprocess.run([sys.executable, script, *options], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {
        kind: int(number.replace(",", ""))
        for number, kind in re.findall(r"^ *([\d,]+) (\D+)$", done.stdout, re.MULTILINE)
    }
    assert counts["fork"] >= 1
    assert min(counts[kind] for kind in ("predictor", "predict", "gradient", "train", "train while asked")) >= 1
    assert any(kind.startswith("process") for kind in counts)
