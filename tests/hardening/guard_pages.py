"""Every array of the compiled kernels between guard pages: no read or write is out of bounds.

    python tests/hardening/guard_pages.py --sizes 1 70 --rows 1 40

Inputs, targets, orders, dropout, velocities, parameters and outputs are placed directly before one guard page, and then
directly after one; an access one byte beyond kills the process by a signal. The rest of the page on the other side is
filled with NaN, and must not change. Answers must have the same bits as in ordinary memory. The script tests, for each
size n and each number of rows, in both dtypes: `predict` of one, few and many samples, a predictor with and without
`out`, `feed_forward`, cost, gradient, and training with each rule, with dropout, clipping, orders, batches and threads,
with batch normalization, and of several networks together.
n is in turn the width of the input, of a hidden layer and of the output. Mostly-zero inputs have 128 more columns.
"""

import argparse
import ctypes
import math
import mmap
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import samenet
import samenet.fast.numba as backend
from samenet.backends.adaptive import Sampler
from samenet.backends.dropout import DropConnect, Dropout
from samenet.fast import many_networks, ready, workspace
from samenet.fast.kernels import packing
from samenet.model import parameters
from samenet.model.functions import MADE_FOR
from samenet.optimizers import Adam, Descent, Momentum, Nesterov, RMSProp, UpdateRule
from samenet.validation import arrays

PAGE = mmap.PAGESIZE
_protect = ctypes.CDLL(None, use_errno=True).mprotect
_protect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
ACTIVATIONS = ("sigmoid", "tanh", "relu", "identity", "softmax")


class Memory:
    """Arrays between guard pages, directly before one if `at_end`, else directly after one."""

    def __init__(self, at_end: bool) -> None:
        self.at_end, self.slack = at_end, list[np.ndarray]()

    def empty(self, shape: Any, dtype: Any = np.float64) -> np.ndarray:
        """As `numpy.empty`; every byte is that of a NaN."""
        dtype = np.dtype(dtype)
        shape = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
        size = math.prod(shape) * dtype.itemsize
        pages = -(-max(size, 1) // PAGE)
        room = np.frombuffer(mmap.mmap(-1, (pages + 2) * PAGE), np.uint8)
        for guard in (0, pages + 1):
            if _protect(room.ctypes.data + guard * PAGE, PAGE, 0):  # PROT_NONE
                raise OSError(ctypes.get_errno(), "mprotect")
        usable = room[PAGE : PAGE * (pages + 1)]
        usable[:] = 255
        start = usable.size - size if self.at_end else 0
        self.slack += [usable[:start], usable[start + size :]]
        array: np.ndarray = usable[start : start + size].view(dtype).reshape(shape)
        assert array.flags.carray
        return array

    def copy(self, values: Any) -> np.ndarray:
        """A copy of an array between guard pages."""
        array = self.empty(np.shape(values), values.dtype)
        array[...] = values
        return array

    def aligned(self, size: int, dtype: Any) -> np.ndarray:
        """Replaces `samenet.model.parameters.aligned`."""
        return self.empty(size, dtype)

    def full(self, shape: Any, value: Any, dtype: Any = None) -> np.ndarray:
        """As `numpy.full`."""
        array = self.empty(shape, np.float64 if dtype is None else dtype)
        array[...] = value
        return array

    def zeros(self, shape: Any, dtype: Any = np.float64) -> np.ndarray:
        """As `numpy.zeros`."""
        return self.full(shape, 0, dtype)

    def empty_like(self, values: np.ndarray) -> np.ndarray:
        """As `numpy.empty_like`."""
        return self.empty(values.shape, values.dtype)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def written(self) -> bool:
        """Whether anything was written outside the arrays."""
        return any((slack != 255).any() for slack in self.slack)

    @staticmethod
    def memory(model: Any, parts: int) -> workspace.Memory:
        """A workspace with each array allocated separately."""
        G, P = workspace._rows(model, parts), workspace.packed_workspace(model)
        return workspace.Memory(G, P, np.empty(parts), G if workspace.is_packed(model) else None)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """A context in which the backend allocates its memory here."""
        with ExitStack() as patches:
            for module in (parameters, workspace):
                patches.enter_context(patch.object(module, "aligned", self.aligned))
            for module in (backend, ready, many_networks):
                patches.enter_context(patch.object(module, "np", self))
            for module in (backend, ready, workspace):  # `many_networks` calls those of `workspace`
                patches.enter_context(
                    patch.object(module, "borrowed", lambda model, parts, *_: self.memory(model, parts))
                )
                patches.enter_context(patch.object(module, "give_back", lambda *_: None))
            yield


class Usual:
    """Arrays in ordinary memory."""

    copy = staticmethod(np.copy)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """A context that changes nothing."""
        yield


def settings(draw: random.Random, sizes: tuple[int, ...], rows: int) -> dict[str, Any]:
    """Activations, a cost, penalties, and batch normalization."""
    hidden, last = draw.choice(ACTIVATIONS), draw.choice(ACTIVATIONS)
    names = zip([hidden] * (len(sizes) - 2) + [last], sizes[1:], strict=True)
    activation = [name if n > 1 or name != "softmax" else "tanh" for name, n in names]  # of one node it is refused
    costs = ["squared_error", "sum_of_squares", *[c for c, needed in MADE_FOR.items() if needed == activation[-1]]]
    penalties = draw.choice([{}, {}, {"l1": 0.1}, {"l2": 0.1}])
    normalized = rows > 1 and len(sizes) > 2 and draw.random() < 0.15
    more = {"bias": draw.random() < 0.8, "batch_normalization": normalized}
    return {"activation": activation, "cost": draw.choice(costs), **more, **penalties}


def answers(memory: Any, sizes: tuple[int, ...], rows: int, dtype: Any, mostly_zero: bool, seed: int) -> list[bytes]:
    """The answers of a network of these sizes, and its parameters after training; everything is drawn from the seed."""
    draw, random_ = random.Random(seed), np.random.default_rng(seed)
    with memory.in_use():
        net = backend.Network(sizes, seed=seed, dtype=dtype, threads=2, **settings(draw, sizes, rows))
    X, Y = random_.normal(size=(rows, sizes[0])).astype(dtype), random_.random((rows, sizes[-1])).astype(dtype)
    if mostly_zero:
        X *= random_.random(X.shape) < 0.1
    X, Y = memory.copy(X), memory.copy(Y)
    net.model.prepared[backend.__name__] = memory.copy(backend.layout(net.model))
    one = memory.copy(X[0])
    data = [arrays.array("X", a, net.dtype).ctypes.data for a in (X, Y, one)]
    assert data == [a.ctypes.data for a in (X, Y, one)], "a copy would be looked at"
    found: list[np.ndarray] = []
    with memory.in_use():
        predict, out = net.predictor(), memory.copy(Y[0])
        assert predict(one, out) is out
        found += [
            out,
            predict(one),
            net.predict(one),
            net.predict(X),
            *net.feed_forward(X)[1:],
            *net.feed_forward(one)[1:],
        ]
        found += [np.array(net.cost(X, Y)), np.array(net.cost(X, Y, reduction="sum"))]
        cost, slope = net.gradient(X, Y)
        found += [np.array(cost), slope.flat]
        for _ in range(2):
            found += [trained(memory, net, X, Y, draw, random_), net.model.theta.everything.copy()]
        found += trained_together(net, X, Y, draw)
    return [value.tobytes() for value in found]


def trained(memory: Any, net: Any, X: Any, Y: Any, draw: random.Random, random_: np.random.Generator) -> np.ndarray:
    """The costs of a few updates by a random rule."""
    rows, hidden, epochs = len(X), sum(net.sizes[1:-1]), draw.choice([1, 2])
    normalized = bool(net.model.theta.normalized)
    rule: UpdateRule = Descent()
    given: dict[str, Any] = {"alpha": 0.01, "batch_size": draw.choice([1, min(rows, 5), min(rows, 16), rows])}
    if normalized and (given["batch_size"] == 1 or rows % given["batch_size"] == 1):
        given["batch_size"] = rows
    given |= {"epochs": epochs, "reduction": draw.choice(["mean", "sum"])}
    if draw.random() < 0.5:
        given["order"] = memory.copy(np.array([random_.permutation(rows) for _ in range(epochs)], np.int64))
    if draw.random() < 0.5:  # else plain descent, which has its own kernel for small networks
        if draw.random() < 0.6:
            rule = draw.choice([Momentum(), Nesterov(), RMSProp(), Adam()])
            given["state"] = state = rule.state(net.model.theta)
            state.values = memory.copy(state.values)
        if hidden and draw.random() < 0.5:
            dropout = Dropout.of(np.full(hidden, 0.5), net.dtype, key=rows)
            given["dropout"] = dropout._replace(
                thresholds=memory.copy(dropout.thresholds), factors=memory.copy(dropout.factors)
            )
        if draw.random() < 0.3 and not normalized:
            drop_connect = DropConnect.of(np.full(len(net.weights), 0.5), net.dtype, key=rows)
            given["drop_connect"] = drop_connect._replace(
                thresholds=memory.copy(drop_connect.thresholds), factors=memory.copy(drop_connect.factors)
            )
        if draw.random() < 0.5:
            given |= draw.choice([{"clip_value": 0.1}, {"clip_norm": 0.1}])
    if draw.random() < 0.2 and not normalized:
        sampler = Sampler.of(0.5, 0.1, rows)
        given["sampler"] = sampler._replace(tree=memory.copy(sampler.tree), mean=memory.copy(sampler.mean))
        given["order"] = memory.copy(random_.random((epochs, rows)))
    elif draw.random() < 0.3:
        given["sample_weight"] = memory.copy(random_.random(rows) * (random_.random(rows) < 0.8))
    return backend.run_updates(net.model, X, Y, rule, **given)


def trained_together(net: Any, X: Any, Y: Any, draw: random.Random) -> list[np.ndarray]:
    """The parameters of several networks like this one, as `train_many` trains them, and their costs."""
    if net.model.theta.normalized:  # trained one by one
        return []
    number, rows = draw.choice([2, 9, 17]), len(X)
    kind = {**net.model.settings, "dtype": net.dtype}
    nets = [backend.Network(net.sizes, seed=seed, **kind) for seed in range(number)]
    options = {"optimizer": draw.choice(["descent", "momentum", "adam"]), "batch_size": draw.choice([1, 5, 16, rows])}
    options |= {"record_every": draw.choice([0, 1]), "seeds": draw.choice([[*range(number)], [3] * number])}
    for _ in range(2):
        with suppress(samenet.TrainingErrors), warnings.catch_warnings(action="ignore"):
            samenet.train_many(nets, X, Y, alpha=0.01, epochs=2, **options)
    return [value for one in nets for value in (one.parameters.copy(), one.history.cost)]


def shapes(n: int, rows: int) -> list[tuple[int, ...]]:
    """Networks with a layer of width n."""
    a, b = 1 + (7 * n + rows) % 70, 1 + (3 * n + 11 * rows) % 70
    return [(n, a), (n, a, b), (a, n, b), (b, a, n), (n, 1 + a % 16, 1 + b % 8)]


def run(n: int, rows: int, chance: random.Random, every: bool) -> Iterator[str]:
    """All checks of a size and a number of rows; yields what is wrong, or an empty text for each check that passed."""
    todo = [(s, zero, d) for s in shapes(n, rows) for zero in (False, True) for d in (np.float64, np.float32)]
    for sizes, mostly_zero, dtype in todo if every else chance.sample(todo, 3):
        sizes = (sizes[0] + 128 * mostly_zero, *sizes[1:])
        seed, ready.PAYS = chance.randrange(2**32), chance.choice([0, 2_000_000])  # as if threads paid
        expected = answers(Usual(), sizes, rows, dtype, mostly_zero, seed)
        for at_end in (True, False):
            memory = Memory(at_end)
            what = (
                f"sizes {sizes}, {rows} rows, {np.dtype(dtype)}, at the {'end' if at_end else 'beginning'}, seed {seed}"
            )
            if answers(memory, sizes, rows, dtype, mostly_zero, seed) != expected:
                yield f"{what}: other bits"
            elif memory.written():
                yield f"{what}: written beside an array"
            else:
                yield ""


def child(given: argparse.Namespace) -> int:
    """Check a part of the sizes; the last line of the progress file names the current check."""
    done = failed = 0
    for n in range(given.sizes[0], given.sizes[1] + 1):
        for rows in range(given.rows[0], given.rows[1] + 1):
            Path(given.child).write_text(f"n {n}, {rows} rows")
            for wrong in run(n, rows, random.Random(f"{given.seed} {n} {rows}"), given.every):
                done += 1
                if wrong:
                    failed += 1
                    print(wrong)
    print(done, failed)
    return 0


def guards() -> bool:
    """Whether a read, and a write, of one byte beyond ends a process, on either side."""
    for at_end in (True, False):
        for act in (lambda place: ctypes.string_at(place, 1), lambda place: ctypes.memset(place, 0, 1)):
            process = os.fork()
            if process == 0:
                array = Memory(at_end).empty(5)
                act(array.ctypes.data + (array.nbytes if at_end else -1))
                os._exit(0)
            if os.waitpid(process, 0)[1] != signal.SIGSEGV:
                return False
    return True


def main(arguments: list[str] | None = None) -> int:
    """Run the checks in child processes, and print how many there were."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs=2, default=(1, 70), metavar=("FROM", "TO"))
    parser.add_argument("--rows", type=int, nargs=2, default=(1, 40), metavar=("FROM", "TO"))
    parser.add_argument("--every", action="store_true", help="every network of a size, not three of them by chance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--short", type=int, default=0, help="shorten the arrays by this many numbers: must fail")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.child:
        length = packing.total_length
        packing.total_length = lambda *sizes: length(*sizes) - given.short
        return child(given)
    begin, done, failed = time.perf_counter(), 0, 0
    if not guards():
        print("the guard pages do not guard")
        return 1
    with tempfile.NamedTemporaryFile() as progress:
        for n in range(given.sizes[0], given.sizes[1] + 1, 10):
            part = [str(n), str(min(n + 9, given.sizes[1]))]
            own = [
                "--child",
                progress.name,
                "--sizes",
                *part,
                "--rows",
                *map(str, given.rows),
                "--seed",
                str(given.seed),
            ]
            own += ["--short", str(given.short), *["--every"] * given.every]
            command = [sys.executable, "-X", "faulthandler", __file__, *own]
            ended = subprocess.run(command, capture_output=True, text=True)
            lines = ended.stdout.splitlines()
            if ended.returncode:
                failed += 1
                print(f"ended with {ended.returncode} at {Path(progress.name).read_text()}\n{ended.stderr[-3000:]}")
                continue
            print(*lines[:-1], sep="\n", end="\n" if lines[1:] else "")
            counts = lines[-1].split()
            done, failed = done + int(counts[0]), failed + int(counts[1])
    print(f"{done} networks between guard pages in {time.perf_counter() - begin:.0f} s, {failed} failures")
    (a, b), (c, d), every = given.sizes, given.rows, " --every" if given.every else ""
    print(
        f"again: python tests/hardening/{Path(__file__).name} --sizes {a} {b} --rows {c} {d} --seed {given.seed}{every}"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
