"""Interrupts at random moments of a first call, with nothing compiled: tests/hardening/interrupts.py --moments 50

For each moment and each first call, a new process with an empty cache begins the call, is interrupted, and must then
give the right bits: in a repeated call, which finishes compiling, and in all other calls, whose kernels are loaded from
a full cache (with --compile, they are compiled, too, which takes three times as long). A process is interrupted by
Ctrl-C, by a signal whose handler raises SystemExit or MemoryError, or by an exception that another thread raises in the
calling one. Training defers Ctrl-C until its first update is done. If the call ends before the moment, an earlier one
is drawn. Prints a line for each; exit status 1 if one is wrong.
"""

import argparse
import ctypes
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np

KINDS = ("one", "few", "predictor", "batch", "cost", "gradient", "descent", "momentum", "adam", "tiny", "layers")
WAYS = ("ctrl-c", "exit", "memory", "thread")


def calls(dtype: str) -> dict[str, Callable[[], Any]]:
    """A call of each kind; they return arrays or numbers."""
    from samenet.fast.numba import Network

    random = np.random.default_rng(0)
    X, Y = random.normal(size=(32, 20)).astype(dtype), random.random((32, 3)).astype(dtype)

    def net() -> Any:
        return Network([20, 30, 3], seed=0, dtype=dtype)

    def trained(network: Any, X: Any, Y: Any, **settings: Any) -> Any:
        network.train(X, Y, epochs=2, seed=0, **settings)
        return network.parameters

    return {
        "one": lambda: net().predict(X[0]),
        "few": lambda: net().predict(X[:3]),
        "predictor": lambda: net().predictor()(X[0]),
        "batch": lambda: net().predict(X),
        "cost": lambda: net().cost(X, Y),
        "gradient": lambda: net().gradient(X, Y)[1].flat,
        "descent": lambda: trained(net(), X, Y, alpha=0.1),
        "momentum": lambda: trained(net(), X, Y, alpha=0.1, optimizer="momentum"),
        "adam": lambda: trained(net(), X, Y, alpha=0.01, optimizer="adam"),
        "tiny": lambda: trained(Network([3, 4, 1], seed=0, dtype=dtype), X[:, :3], Y[:, :1], alpha=0.1, batch_size=4),
        "layers": lambda: np.concatenate([h.ravel() for h in net().feed_forward(X)]),
    }


def bits(answer: Any) -> str:
    """A digest of an answer."""
    return hashlib.sha256(np.ascontiguousarray(answer).tobytes()).hexdigest()[:16]


class Interrupted(BaseException):
    """Raised by the other thread."""


def process(kind: str, dtype: str, way: str, moment: float, full: str) -> None:
    """Interrupt the first call of a kind, then make all calls; print the interrupt, its time and all bits."""

    def handler(number: int, frame: Any) -> None:
        raise SystemExit(3) if way == "exit" else MemoryError

    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background processes do not have
    every, caller = calls(dtype), threading.get_ident()

    def interrupt() -> None:
        if way == "thread":
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(caller), ctypes.py_object(Interrupted))
        else:
            os.kill(os.getpid(), signal.SIGINT if way == "ctrl-c" else signal.SIGTERM)

    timer = threading.Timer(moment, interrupt)
    begin, caught = time.perf_counter(), "nothing"
    timer.start()
    try:
        every[kind]()
        timer.cancel()
        timer.join()
    except BaseException as error:
        caught = type(error).__name__
    seconds = time.perf_counter() - begin
    again = bits(every[kind]())
    if full:
        vars(numba.config)["CACHE_DIR"] = full
    found = {name: bits(call()) for name, call in every.items()} | {"again": again}
    print(json.dumps({"caught": caught, "seconds": seconds, "bits": found}))


def run(folder: str, *arguments: object) -> dict[str, Any]:
    """Run one such process; returns its output, or how it ended."""
    done = subprocess.run(
        [sys.executable, __file__, "--process", *map(str, arguments)],
        env={**os.environ, "NUMBA_CACHE_DIR": folder},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    if done.returncode or done.stderr:
        return {"caught": f"ended by {done.returncode}: {done.stderr[-2000:]}", "seconds": np.nan, "bits": None}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def moments(number: int, seed: int) -> Iterator[tuple[str, str, str, float]]:
    """This many cases, kind by kind: each is a dtype, a way to interrupt, and a share of the call's time."""
    random = np.random.default_rng(seed)
    for i in range(number):
        dtype = "float32" if random.random() < 0.25 else "float64"
        way = WAYS[0] if random.random() < 0.5 else WAYS[1 + random.integers(3)]
        yield KINDS[i % len(KINDS)], dtype, way, float(random.random())


EXPECTED = {"ctrl-c": "KeyboardInterrupt", "exit": "SystemExit", "memory": "MemoryError", "thread": "Interrupted"}


def main() -> int:
    """Run all moments, one process after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=50, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--compile", action="store_true", help="the other kinds too")
    parser.add_argument("--process", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.process:
        kind, dtype, way, moment, full = options.process
        process(kind, dtype, way, float(moment), full)
        return 0
    with tempfile.TemporaryDirectory() as full:
        failed = check(options.moments, options.seed, full, options.compile)
    return 1 if failed else 0


def check(number: int, seed: int, full: str, compile_all: bool) -> int:
    """The number of moments that failed."""
    failed, latest = 0, 0.0
    right: dict[str, Any] = {}
    lengths: dict[tuple[str, str], float] = {}
    for count, (kind, dtype, way, share) in enumerate(moments(number, seed), 1):
        if dtype not in right:
            right[dtype] = run(full, "one", dtype, "ctrl-c", 1e6, "")["bits"]
        longest = lengths.get((kind, dtype), 20.0)
        while True:
            moment = share * longest
            with tempfile.TemporaryDirectory() as folder:
                found = run(folder, kind, dtype, way, moment, "" if compile_all else full)
            if found["caught"] != "nothing":
                break
            lengths[kind, dtype] = longest = min(found["seconds"], 0.7 * longest)
        late = found["seconds"] - moment
        ok = found["caught"] == EXPECTED[way] and found["bits"] == {**right[dtype], "again": right[dtype][kind]}
        failed, latest = failed + (not ok), max(latest, late)
        print(f"{count:3} {kind:9} {dtype} {way:6} at {moment:6.3f} s: {found['caught']} {1000 * late:.0f} ms later")
        if not ok:
            print(f"    WRONG: {found['bits']}, expected {right[dtype]}")
        sys.stdout.flush()
    print(f"{number} moments, seed {seed}: {failed} failed; the latest was {latest:.2f} s late")
    return failed


if __name__ == "__main__":
    sys.exit(main())
