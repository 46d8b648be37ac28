"""Training that is killed at random moments and resumed from checkpoints: tests/hardening/killed.py --moments 100

A process trains with `checkpoint=path, resume=path` and writes a checkpoint after every backend call. It is killed by
SIGKILL at a random moment after training began, and started again, until it completes: its weights, history, optimizer
state and random stream must have the same bits as those of training that was never stopped. After each kill, the
checkpoint must be a complete network file. Settings, formats and backends alternate. Prints a line for each training
run; exit status 1 if one is wrong.
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import samenet
from samenet.optimizers import Nesterov
from samenet.output import files
from samenet.schedules import Exponential
from samenet.stopping import CostChange, Patience
from samenet.storage import streams
from samenet.training.state import TrainingState

BACKENDS = ("numpy", "numba", "reference")
FORMATS = ("npz", "safetensors")
_numbers = np.random.default_rng(0)
X, Y = _numbers.normal(size=(60, 6)), _numbers.random((60, 2))
HELD = _numbers.normal(size=(20, 6)), _numbers.random((20, 2))
BATCHES: dict[str, Any] = {"alpha": 0.1, "batch_size": 7, "seed": 5, "optimizer": "adam"}
WAYS: dict[str, dict[str, Any]] = {
    "momentum": {"alpha": Exponential(0.3, 0.01), "optimizer": Nesterov(0.8), "monitors": ["mean_norm"]},
    "adam": BATCHES | {"clip_norm": 1.0},
    "masks": BATCHES | {"dropout": 0.3, "drop_connect": 0.1, "optimizer": "rmsprop", "alpha": 0.01},
    "sampling": BATCHES | {"sampling": "adaptive", "record_every": 3},
    "rules": BATCHES | {"alpha": 0.5, "stop": [CostChange(1e-15), Patience(*HELD, 1000)]},
    "watched": BATCHES | {"validation": HELD, "stop": Patience(epochs=1000, min_delta=1e-6), "monitors": ["mean_norm"]},
    "weights": BATCHES | {"sample_weight": np.arange(60) / 9},
    "streams": BATCHES | {"optimizer": "descent", "seed": "random.Random"},
    "normalized": BATCHES | {"reduction": "sum", "alpha": 0.01},
}
EPOCHS = 40


def trained(way: str, backend: str, **options: Any) -> str:
    """A checksum of the final state of a training run."""
    normalized = way == "normalized"
    net = samenet.backend(backend).Network([6, 8, 2], seed=3, batch_normalization=normalized)
    options = WAYS[way] | {"epochs": EPOCHS} | options
    if options.get("seed") == "random.Random":
        options["seed"] = random.Random(11)
    history = net.train(X, Y, callback=lambda net, history: None, **options)  # no short training
    left = net.training_state
    state = TrainingState.of(*left) if isinstance(left, tuple) else left
    found = hashlib.sha256(net.model.theta.everything.tobytes() + state.values.tobytes())
    for name in history:
        found.update(history[name].tobytes())
    text = (
        history.epochs.tolist(),
        history.epochs_done,
        history.stopped_by,
        history.best_epoch,
        state.t,
        str(history.validation_curve),
    )
    stream = None if state.draws is None else streams.state(state.draws.python_random or state.draws.random)
    found.update(repr((text, stream if "batch_size" in options else None)).encode())
    return found.hexdigest()


def expected(way: str, backend: str) -> str:
    """The output of a training run that was never stopped."""
    return f"begin\n{trained(way, backend)}\n"


def child(way: str, path: str, backend: str, dies: int) -> None:
    """Train with a checkpoint; `dies`: the number of the write to be killed in, before the file is renamed."""
    plain, writes = os.replace, 0

    def replace(*names: Any) -> None:
        nonlocal writes
        writes += 1
        if writes == dies:
            with open(names[0], "rb+") as half:
                half.truncate(100)
            os.kill(os.getpid(), signal.SIGKILL)
        plain(*names)

    files.os.replace = replace  # type: ignore[attr-defined]
    print("begin", flush=True)
    print(trained(way, backend, checkpoint=path, resume=path, every=0), flush=True)


def attempt(way: str, path: Path, backend: str, delay: float) -> tuple[str | None, float]:
    """The output of a process that is killed after this delay, or None if it was killed; and how long it took."""
    run = [sys.executable, __file__, "--train", way, str(path), "--backend", backend]
    with subprocess.Popen(run, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        begin = process.stdout.readline()
        began = time.perf_counter()
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()
        took = time.perf_counter() - began
        rest = process.stdout.read()
    if process.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"{way} on {backend} ended with {process.returncode}")
    return (begin + rest if process.returncode == 0 else None), took


def main() -> int:
    """Run all cases, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--train", nargs=2, metavar=("WAY", "PATH"), help="one training, in this process")
    parser.add_argument("--backend", default="numpy", choices=BACKENDS)
    parser.add_argument("--dies", type=int, default=0, metavar="N")
    given = parser.parse_args()
    if given.train:
        child(*given.train, given.backend, given.dies)
        return 0
    chance, kills, failed, trainings = random.Random(given.seed), 0, 0, 0
    whole: dict[tuple[str, str], str] = {}
    while kills < given.moments:
        way, backend = [*WAYS][trainings % len(WAYS)], BACKENDS[trainings % len(BACKENDS)]
        if (way, backend) not in whole:
            whole[way, backend] = expected(way, backend)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"net.{FORMATS[trainings % 2]}"
            _, seconds = attempt(way, path.with_stem("first"), backend, 600)
            found, here, wrong = None, 0, ""
            while found is None and not wrong:
                # At most four moments each, so that every training run completes.
                found, _ = attempt(way, path, backend, chance.uniform(0, seconds) if here < 4 else 600)
                here += found is None
                try:
                    if path.exists():
                        samenet.load(path, "numpy")
                except ValueError as error:
                    wrong = str(error)
            wrong = wrong or ("" if found == whole[way, backend] else "other bits")
            left = [file.name for file in Path(folder).iterdir() if file.stem not in ("net", "first")]
            wrong = wrong or (f"left {left}" if left else "")
        kills, trainings, failed = kills + here, trainings + 1, failed + bool(wrong)
        print(f"{way:10} {backend:9} {path.suffix:12} killed {here} times in {seconds:.2f} s {wrong or 'same bits'}")
    print(f"{trainings} trainings, killed at {kills} moments, seed {given.seed}: {failed} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
