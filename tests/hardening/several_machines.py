"""Long tests of training on several machines, with workers in processes: tests/hardening/several_machines.py

kills    ten times, at random moments during training, a random worker is killed by SIGKILL; the network and its history
         must have the same bits as after undisturbed training. Repeated with several settings
memory   training on files of three times the memory limit of the single worker, whose memory is measured
cost     the time of an update on 1, 2 and 4 workers, by the number of partitions, parameters and rows

    python tests/hardening/several_machines.py kills memory cost --seed 1

Prints a line for each; exit status 1 if one is wrong.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as Dask has it in workers

import dask.array as da
import numpy as np
from dask.distributed import Client, LocalCluster

from samenet import distributed
from samenet.fast.numpy import Network

KILLS, EPOCHS = 10, 100
WAYS: dict[str, dict[str, Any]] = {
    "adam": {"alpha": 0.01, "optimizer": "adam"},
    "lbfgs": {"optimizer": "lbfgs"},
    "batches with dropout": {"alpha": 0.1, "optimizer": "momentum", "batch_size": 500, "seed": 1, "dropout": 0.2},
}
MB = 10**6


@contextmanager
def cluster(workers: int, memory: str = "1GB") -> Iterator[tuple[Any, Client]]:
    """This many workers with one thread each, in separate processes."""
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, memory_limit=memory, dashboard_address=":0") as own,
        Client(own) as client,
    ):
        yield own, client


def processes(client: Client) -> list[int]:
    """The ids of the workers' processes."""
    return [found for found in client.run(os.getpid, on_error="ignore").values() if isinstance(found, int)]


class Killer(threading.Thread):
    """Kills random workers at random moments, only while there are two; replaces one that is not restarted."""

    def __init__(self, own: Any, client: Client, moments: random.Random) -> None:
        super().__init__(daemon=True)
        self.own, self.client, self.moments = own, client, moments
        self.killed, self.done = 0, threading.Event()

    def run(self) -> None:
        waited = 0
        while self.killed < KILLS and not self.done.wait(self.moments.uniform(0.2, 1.0)):
            found = processes(self.client)
            if len(found) > 1:
                os.kill(self.moments.choice(found), signal.SIGKILL)
                self.killed, waited = self.killed + 1, 0
            elif (waited := waited + 1) == 10:
                self.own.scale(len(self.own.worker_spec) + 1)
                waited = 0

    def watch(self, net: Any, history: Any) -> None:
        """The training callback, which slows training down so that all kills happen during it."""
        while self.killed < KILLS and self.is_alive():
            time.sleep(0.1)
            if history.epochs_done < EPOCHS - 5:
                return


def kills(seed: int) -> bool:
    """Whether kills change nothing."""
    moments, numbers, is_well = random.Random(seed), np.random.default_rng(0), True
    X, Y = numbers.normal(size=(4000, 20)), numbers.random((4000, 3))
    for way, options in WAYS.items():
        ends, killed = [], 0
        for is_disturbed in (False, True):
            with cluster(3) as (own, client):
                net, killer = Network([20, 30, 3], seed=0), Killer(own, client, moments)
                given = da.from_array(X, chunks=(400, 20)), da.from_array(Y, chunks=(400, 3))
                if is_disturbed:
                    options = options | {"callback": killer.watch}
                    killer.start()
                history = distributed.train(net, *given, client=client, epochs=EPOCHS, **options)
                killed = killer.killed
                killer.done.set()
                if is_disturbed:
                    killer.join()
                ends.append((net.parameters.tobytes(), history))
        same = ends[0] == ends[1] and killed == KILLS
        print(f"{way}: {killed} kills in {history.epochs_done} epochs, the same bits: {same}", flush=True)
        is_well &= same
    return is_well


def memory(seed: int) -> bool:
    """Whether samples of three times the memory limit can be trained on, with the same result as in one process."""
    limit, rows, n_in = 300 * MB, 25_000, 50
    numbers, largest = np.random.default_rng(seed), 0
    with tempfile.TemporaryDirectory() as folder, cluster(1, f"{limit // MB}MB") as (_, client):
        files = [Path(folder, f"{i}.npz") for i in range(90)]
        for file in files:
            np.savez(file, X=numbers.normal(size=(rows, n_in)), Y=numbers.random((rows, 1)))
        amount = sum(file.stat().st_size for file in files)
        (process,) = processes(client)
        done = threading.Event()

        def measure() -> None:
            nonlocal largest
            while not done.wait(0.02):
                largest = max(largest, 4096 * int(Path(f"/proc/{process}/statm").read_text().split()[1]))

        thread = threading.Thread(target=measure)
        thread.start()
        net, one = Network([n_in, 20, 1], seed=0), Network([n_in, 20, 1], seed=0)
        history = distributed.train(net, distributed.read(files), None, client=client, epochs=3, alpha=0.5)
        done.set()
        thread.join()
        same_process = processes(client) == [process]
        parts = [np.load(file) for file in files]
        X, Y = (np.concatenate([part[name] for part in parts]) for name in "XY")
    one.train(X, Y, epochs=3, alpha=0.5)
    error = float(np.abs(one.parameters - net.parameters).max())
    is_well = error < 1e-12 and same_process and amount > 3 * limit
    print(
        f"{amount / MB:.0f} MB of files, a worker of {limit / MB:.0f} MB: {history.epochs_done} epochs, its memory at "
        f"most {largest / MB:.0f} MB, never killed: {same_process}, differs from one process by {error:.1e}",
        flush=True,
    )
    return is_well


def cost(seed: int) -> bool:
    """Print the time of an update, averaged over many."""
    numbers = np.random.default_rng(seed)
    for workers in (1, 2, 4):
        with cluster(workers) as (_, client):
            for parts, rows, hidden in ((8, 10, 10), (64, 10, 10), (8, 5000, 100), (64, 625, 100), (8, 10, 3000)):
                X, Y = numbers.normal(size=(parts * rows, 100)), numbers.random((parts * rows, 10))
                net = Network([100, hidden, 10], seed=0)
                given = da.from_array(X, chunks=(rows, 100)), da.from_array(Y, chunks=(rows, 10))
                times = list[float]()

                def clock(net: Any, history: Any, times: list[float] = times) -> None:
                    times.append(time.perf_counter())

                distributed.train(net, *given, client=client, epochs=9, alpha=0.1, callback=clock)
                update = float(np.median(np.diff(times[1:])))
                began = time.perf_counter()
                net.train(X, Y, epochs=3, alpha=0.1)
                here = (time.perf_counter() - began) / 3
                print(
                    f"{workers} workers, {parts} partitions of {rows} rows, {net.parameters.size} parameters: "
                    f"{1e3 * update:.0f} ms an update; {1e3 * here:.1f} ms in one process",
                    flush=True,
                )
    return True


def main() -> int:
    """Run the requested parts."""
    parts = {"kills": kills, "memory": memory, "cost": cost}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(parts))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    return int(sum(not parts[name](given.seed) for name in given.parts) > 0)


if __name__ == "__main__":
    sys.exit(main())
