"""A soak test: many threads predict and train, with their own and with shared networks, and processes fork meanwhile.

    python tests/hardening/threads.py --minutes 60 --seed 0

Every answer is compared, to the bit, with the one that a single thread computed before. Networks and batches have sizes
on both sides of each switch between compiled kernels. There are also:

- a network that one thread trains while others use it: their answers are ignored, but the trained weights are checked;
- a forked child, which predicts and trains with its own threads and exits, without NumPy's products: see `Soak.fork`;
- a process of `multiprocessing`, by fork, forkserver or spawn, which is sent a network.

Exit status 1 after a different bit, an exception, a failed child, or when a call hangs (`--patience`); a signal ends it
with that signal, and prints where each thread was. The seed reproduces the choices, not their timing.
"""

import argparse
import faulthandler
import hashlib
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

# OpenBLAS's own threads may wait for ever if another thread forks while they multiply, whoever called NumPy. Even with
# one thread, a forked child may wait for ever in its own product (`Soak.fork`).
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

import samenet
from samenet.optimizers import UPDATE_RULES

Work = Callable[[int], bytes]  # from a number of threads to the bytes of the answers

ACTIVATIONS = ("sigmoid", "tanh", "relu", "softmax")
# At each switch: a register's lanes, 64 inputs, 128 from which zeros are looked for, 200 columns, 1,024 nodes,
# 10,000 parameters.
SIZES = (
    *([2, 1], [3, 3, 1], [2, 3, 2], [5, 8, 8, 2], [5, 9, 2], [64, 8, 3], [65, 8, 3], [5, 16, 16], [5, 17, 3]),
    *([40, 60, 10], [99, 99, 1], [100, 99, 1], [30, 199, 5], [30, 200, 5], [30, 201, 5], [5, 1024, 3], [5, 1025, 3]),
    *([127, 30, 10], [128, 30, 10], [784, 30, 10], [300, 210, 7]),
)
ROWS = (1, 2, 11, 12, 13, 31, 33, 127, 128, 129, 257, 700)
MANY = 2_500_000  # multiply-adds: enough for a second thread to be used
BATCHES = (None, 1, 7, 16, 17, 128, 256, 600)
OPTIMIZERS = tuple(rule.name for rule in UPDATE_RULES)


def bits(*answers: Any) -> bytes:
    """A digest, because the answers of all jobs would take a gigabyte, more than a pipe holds."""
    digest = hashlib.sha256()
    for answer in answers:
        digest.update(np.ascontiguousarray(answer))
    return digest.digest()


class World:
    """One network, its data, and all operations on it."""

    def __init__(self, draw: random.Random, backend: str) -> None:
        slow = backend == "reference"
        self.sizes = draw.choice([sizes for sizes in SIZES if not slow or max(sizes) <= 9])
        dtype = draw.choice([np.float64, np.float32])
        parameters = sum((n + 1) * k for n, k in zip(self.sizes, self.sizes[1:], strict=False))
        rows = draw.choice([m for m in ROWS if m * parameters < 2 * MANY])
        if draw.random() < 0.4:
            rows = min(2000, MANY // parameters + draw.randrange(9))
        rows = min(rows, 5) if slow else rows
        draws = np.random.default_rng(draw.randrange(2**32))
        X = draws.normal(size=(rows, self.sizes[0]))
        X = np.where(draws.random(X.shape) < draw.choice([0.05, 0.2, 1.0]), X, 0)
        if draw.random() < 0.3:  # a pixel that no image uses
            X[:, :: draw.randrange(2, 9)] = 0
        self.X, self.Y = X.astype(dtype), draws.random((rows, self.sizes[-1])).astype(dtype)
        hidden = [draw.choice(ACTIVATIONS[:3]) for _ in self.sizes[2:]]
        last = draw.choice(ACTIVATIONS if self.sizes[-1] > 1 else ACTIVATIONS[:1])
        cost = {"softmax": "cross_entropy", "sigmoid": draw.choice(["squared_error", "binary_cross_entropy"])}
        settings = {"activation": [*hidden, last], "cost": cost.get(last, "squared_error")}
        settings["l2"] = draw.choice([0.0, 0.0, 1e-3])
        self.make = lambda: samenet.backend(backend).Network(self.sizes, seed=1, dtype=dtype, **settings)
        self.batch = draw.choice([b for b in BATCHES if b is None or rows / b * parameters < 4e5])
        self.training = {"alpha": 1e-2, "epochs": draw.choice([1, 2, 3]), "batch_size": self.batch, "seed": 5}
        self.training["optimizer"] = draw.choice(OPTIMIZERS)
        if draw.random() < 0.2 and hidden:
            self.training["dropout"] = 0.3
        if draw.random() < 0.2:
            self.training["drop_connect"] = 0.3
        if draw.random() < 0.2:
            self.training["clip_norm"] = 0.1
        if draw.random() < 0.2 and self.batch is not None and self.batch < rows:
            self.training["sampling"] = "adaptive"
        elif draw.random() < 0.2:
            self.training["sample_weight"] = draws.random(rows)
        self.shared, self.moving, self.trained = self.make(), self.make(), threading.Lock()
        self.predictor = self.shared.predictor()
        self.start = self.moving.parameters.copy()

    def kinds(self) -> dict[str, Work]:
        """All operations with a single right answer, by name."""
        return {
            "predictor": self.ask_predictor,
            "predict one": lambda threads: bits(*(self.ask(threads).predict(x) for x in self.X[:20])),
            "predict": lambda threads: bits(self.ask(threads).predict(self.X)),
            "predict few": lambda threads: bits(*(self.ask(threads).predict(self.X[: m + 1]) for m in range(14))),
            "feed_forward": lambda threads: bits(*self.ask(threads).feed_forward(self.X)),
            "cost": lambda threads: bits(self.ask(threads).cost(self.X, self.Y)),
            "gradient": self.ask_gradient,
            "train": lambda threads: self.train(self.make(), threads),
            "train a copy": lambda threads: self.train(self.shared.copy(), threads),
            "train while asked": self.train_shared,
        }

    def ask(self, threads: int) -> Any:
        """An operation on the shared network, after setting its number of threads."""
        self.shared.threads = threads
        return self.shared

    def ask_predictor(self, threads: int) -> bytes:
        answers = []
        for i, x in enumerate(self.X[:40]):
            out = np.empty(self.sizes[-1], self.X.dtype) if i % 2 else None
            answers.append(self.predictor(x, out) if i % 5 else self.predictor(x.tolist()))
        return bits(*answers)

    def ask_gradient(self, threads: int) -> bytes:
        cost, slope = self.ask(threads).gradient(self.X, self.Y)
        return bits(cost, slope.flat)

    def train(self, net: Any, threads: int) -> bytes:
        net.threads = threads
        history = net.train(self.X, self.Y, **self.training)
        return bits(history.cost, net.parameters)

    def train_shared(self, threads: int) -> bytes:
        with self.trained:
            self.moving.parameters = self.start
            return self.train(self.moving, threads)

    def ask_moving(self) -> None:
        """An operation while the network may be training: any answer of the right shape is accepted."""
        for x in self.X[:10]:
            assert self.moving.predict(x).shape == (self.sizes[-1],)
        assert self.moving.predict(self.X).shape == self.Y.shape
        assert self.moving.gradient(self.X, self.Y)[1].flat.shape == self.start.shape


class Job:
    """One operation and its expected answer."""

    def __init__(self, world: World, backend: str, kind: str, work: Work) -> None:
        self.world, self.kind, self.work = world, kind, work
        self.forks = backend != "numpy"  # whether a forked child may run it
        self.expected, self.name = work(1), f"{kind} of {backend} {world.sizes}, {world.X.shape[0]} rows"

    def done(self, threads: int) -> bool:
        return self.work(threads) == self.expected


def jobs(seed: int, number: int) -> Iterator[Job]:
    """This many jobs, with their answers from this single thread; afterwards, all kernels are compiled."""
    draw = random.Random(seed)
    while number > 0:
        backend = draw.choices(["numba", "numpy", "reference"], [10, 1, 1])[0]
        world = World(draw, backend)
        for kind, work in world.kinds().items():
            yield Job(world, backend, kind, work)
        number -= len(world.kinds())


def child_of_fork(chosen: list[tuple[Job, int]], patience: int) -> None:
    """In a forked process, run the chosen jobs, in this thread and in others at once; never returns."""
    ok = False
    try:
        signal.alarm(patience)  # ends it if it hangs
        answers = [job.done(threads) for job, threads in chosen]
        others = [
            threading.Thread(target=lambda job=job, threads=threads: answers.append(job.done(threads)))
            for job, threads in chosen
        ]
        for thread in others:
            thread.start()
        for thread in others:
            thread.join()
        ok = len(answers) == 2 * len(chosen) and all(answers)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0 if ok else 1)


def in_process(net: Any, X: Any, Y: Any, training: dict[str, Any], results: Any) -> None:
    """Run in a process of `multiprocessing`."""
    history = net.train(X, Y, **training)
    results.put(bits(history.cost, net.parameters, net.predict(X)))


class Soak:
    """Threads that run random jobs until the time is up."""

    def __init__(self, jobs: list[Job], arguments: argparse.Namespace) -> None:
        self.jobs, self.patience, self.seed = jobs, arguments.patience, arguments.seed
        self.fork_every, self.processes_every = arguments.fork_every, arguments.process_every
        self.end = time.monotonic() + 60 * arguments.minutes
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self.lock = threading.Lock()
        self.forking = threading.Lock()  # one at a time
        self.last = [time.monotonic()] * arguments.threads  # when each thread last returned from a call
        self.doing = ["nothing yet"] * arguments.threads
        self.next_fork = self.next_process = time.monotonic()

    def count(self, kind: str, ok: bool, failure: str) -> None:
        with self.lock:
            self.counts[kind] += 1
            if not ok:
                self.failures.append(failure)
                print("FAILED", failure, flush=True)

    def thread(self, number: int) -> None:
        draw = random.Random(f"{self.seed} {number}")
        while time.monotonic() < self.end and not self.failures:
            job, threads = draw.choice(self.jobs), draw.randint(1, 4)
            self.doing[number] = f"{job.name}, threads={threads}"
            try:
                if draw.random() < 0.1:
                    job.world.ask_moving()
                    self.count("ask in training", True, "")
                if self.due("next_fork", self.fork_every):
                    self.fork(draw)
                if self.due("next_process", self.processes_every):
                    self.process(draw)
                ok = job.done(threads)
                self.count(job.kind, ok, f"other bits: {self.doing[number]}")
            except BaseException:
                self.count(job.kind, False, f"{self.doing[number]}\n{traceback.format_exc()}")
            self.last[number] = time.monotonic()
        self.last[number] = float("inf")

    def due(self, which: str, every: float) -> bool:
        with self.lock:
            due: bool = time.monotonic() >= getattr(self, which)
            if due:
                setattr(self, which, time.monotonic() + every)
            return due

    def fork(self, draw: random.Random) -> None:
        if not hasattr(os, "fork"):
            return
        # A world that is in training here stays locked for ever there. So does OpenBLAS, if another thread was in a
        # product: in plain NumPy, one of a hundred forks beside eight threads that multiply.
        choices = [(draw.choice(self.jobs), draw.randint(1, 4)) for _ in range(6)]
        chosen = [(job, threads) for job, threads in choices if job.kind != "train while asked" and job.forks]
        with self.forking:
            child = os.fork()
            if not child:
                child_of_fork(chosen, self.patience)
        status = os.waitpid(child, 0)[1]
        self.count("fork", status == 0, f"a forked child ended with status {status}: {[job.name for job, _ in chosen]}")

    def process(self, draw: random.Random) -> None:
        method = draw.choice(multiprocessing.get_all_start_methods())
        world = draw.choice([job.world for job in self.jobs if job.forks or method != "fork"])
        net, threads = world.make(), draw.randint(1, 4)
        trained = net.copy()
        history = trained.train(world.X, world.Y, **world.training)
        expected = bits(history.cost, trained.parameters, trained.predict(world.X))
        net.threads = threads
        context = multiprocessing.get_context(method)
        results = context.SimpleQueue()
        process = context.Process(target=in_process, args=(net, world.X, world.Y, world.training, results))
        process.start()
        process.join(0.8 * self.patience)
        ended = process.exitcode == 0 and not results.empty()
        ok = ended and results.get() == expected
        if process.is_alive():
            process.kill()
        name = f"{type(net).backend.__name__} {world.sizes}, {method}, threads={threads}"
        self.count(f"process, {method}", ok, f"a process ended with {process.exitcode}: {name}")

    def run(self) -> None:
        threads = [threading.Thread(target=self.thread, args=(i,), daemon=True) for i in range(len(self.last))]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            # If this thread does not return here, because another keeps the GIL, every stack is printed and the process
            # ends.
            faulthandler.dump_traceback_later(self.patience, exit=True)
            time.sleep(0.5)
            late = [i for i, last in enumerate(self.last) if time.monotonic() - last > self.patience]
            if late and self.patience > 0:
                faulthandler.dump_traceback(all_threads=True)
                self.failures += [f"did not come back in {self.patience} s: {self.doing[i]}" for i in late]
                break
        faulthandler.cancel_dump_traceback_later()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--jobs", type=int, default=1500, help="different questions")
    parser.add_argument("--fork-every", type=float, default=1.0, help="seconds")
    parser.add_argument("--process-every", type=float, default=15.0, help="seconds")
    parser.add_argument("--patience", type=int, default=240, help="seconds after which a call hangs")
    given = parser.parse_args(arguments)
    faulthandler.enable()
    warnings.simplefilter("ignore", DeprecationWarning)  # since Python 3.12, a fork with threads gives a warning
    begun = time.monotonic()
    soak = Soak(list(jobs(given.seed, given.jobs)), given)
    print(f"{len(soak.jobs)} answers by one thread in {time.monotonic() - begun:.0f} s", flush=True)
    soak.end = time.monotonic() + 60 * given.minutes
    soak.last = [time.monotonic()] * given.threads
    soak.run()
    for kind, count in sorted(soak.counts.items()):
        print(f"{count:10,} {kind}")
    calls = sum(soak.counts.values())
    print(f"{calls:10,} calls by {given.threads} threads in {given.minutes:g} minutes, seed {given.seed}:", end=" ")
    print(f"{len(soak.failures)} failures")
    for failure in soak.failures:
        print(failure)
    sys.stdout.flush()
    os._exit(1 if soak.failures else 0)  # do not wait for a thread that hangs


if __name__ == "__main__":
    sys.exit(main())
