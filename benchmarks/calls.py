"""How long Python takes in front of the compiled kernels: each call of a network, and the kernels alone.

    taskset -c 1 python -m benchmarks calls [--only WORD...] [--repeats 200]

Every kernel that Python calls during one call of a network is recorded with its arguments, and called again without the
network. Both are timed in turn, as the process's CPU time; the least of many repetitions is taken. The difference is
what Python takes: the checks, the history, and everything else. Nothing is written; the table is printed.
"""

import argparse
import gc
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np

from samenet import StopTraining, schedules, stopping
from samenet.fast import few_rows, many_networks, numba, ready
from samenet.fast.kernels import answers
from samenet.fast.kernels.parallel import new_queue
from samenet.fast.numba import Network
from samenet.study.many import train_many

_CALLERS = numba, ready, few_rows, many_networks  # modules that call kernels
_MADE = {"gradient_of", "cost_of", "samples_of", "one_of", "rows_of"}  # functions that return a kernel
_EMPTY = new_queue(0)
SIZES = ([4, 8, 3], [13, 32, 32, 1])
Call = Callable[[], Any]


class _Recorder:
    """A kernel that notes its arguments, unless it refuses them."""

    def __init__(self, kernel: Any, calls: list[tuple[Any, tuple[Any, ...]]]) -> None:
        self.kernel, self.calls = kernel, calls

    def __call__(self, *given: Any) -> Any:
        found = self.kernel(*given)
        self.calls.append((self.kernel, given))
        return found

    def compile(self, kinds: Any) -> "_Recorder":
        return _Recorder(self.kernel.compile(kinds), self.calls)


class _Recording(ModuleType):
    """A module whose kernels note their arguments."""

    def __init__(self, module: ModuleType, calls: list[Any]) -> None:
        super().__init__(module.__name__)
        self.module, self.calls = module, calls

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.module, name)
        if hasattr(value, "py_func"):
            return _Recorder(value, self.calls)
        if name in _MADE:
            return lambda *given: _Recorder(value(*given), self.calls)
        return value


def kernels_of(make: Callable[[], Call]) -> tuple[list[tuple[Any, tuple[Any, ...]]], Call]:
    """The kernels, and their arguments, of the call that make() prepares; and the call, which may own their memory."""
    calls: list[Any] = []
    replaced = []
    for module in _CALLERS:
        for name, value in list(vars(module).items()):
            if isinstance(value, ModuleType) and value.__name__.startswith(answers.__package__ or ""):
                replaced.append((module, name, value))
                setattr(module, name, _Recording(value, calls))
    try:
        call = make()
        for _ in range(4):
            calls.clear()
            call()
    finally:
        for module, name, value in replaced:
            setattr(module, name, value)
    return list(calls), call


def _is_queue(value: Any) -> bool:
    """Whether a kernel's argument is its queue of tasks, which is empty before the call."""
    is_counters = isinstance(value, np.ndarray) and value.dtype == np.int64 and value.ndim == 1
    return is_counters and len(value) >= len(_EMPTY) and bool((value[1:8] == 0).all())  # not addresses


def _queues(given: tuple[Any, ...]) -> list[Any]:
    """The queues among a kernel's arguments: followed by True, or the last of the memory for many networks."""
    of_many = [one[-1] for one in given if isinstance(one, tuple) and len(one) == 3 and _is_queue(one[-1])]
    return [queue for queue, flag in pairwise(given) if flag is True and _is_queue(queue)] + of_many


def _least(call: Call, other: Call, repeats: int) -> tuple[float, float]:
    """The least CPU seconds of each, timed in turn."""
    found = [float("inf")] * 2
    clock = time.process_time_ns
    for _ in range(repeats):
        for place, one in enumerate((call, other)):
            start = clock()
            for _ in range(5):
                one()
            found[place] = min(found[place], (clock() - start) / 5e9)
    return found[0], found[1]


def measure(make: Callable[[], Call], repeats: int) -> tuple[float, float]:
    """The seconds of a call, and of its kernels alone."""
    kernels, _owner = kernels_of(make)
    queues = [_queues(given) for _, given in kernels]

    def alone() -> None:
        for (kernel, given), of_call in zip(kernels, queues, strict=True):
            for queue in of_call:
                queue.fill(0)
            kernel(*given)

    call = make()
    for _ in range(5):
        call()
        alone()
    return _least(call, alone, repeats)


def _options(m: int, hidden: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The options of `train`, by name; each is one call of `train` with one of them."""
    random = np.random.default_rng(0)
    weights = random.random(m) + 0.5
    yield "plain", {}
    for rule in ("momentum", "nesterov", "rmsprop", "adam"):
        yield rule, {"optimizer": rule}
    yield "seed", {"seed": 3}
    yield "seed, a Generator", {"seed": np.random.default_rng(1)}
    yield "sample weights", {"sample_weight": weights}
    yield "sample weights, a list", {"sample_weight": weights.tolist()}
    yield "dropout", {"dropout": 0.2, "seed": 3}
    yield "dropout, no seed", {"dropout": 0.2}
    yield "dropout, a list", {"dropout": [0.2] * hidden, "seed": 3}
    yield "DropConnect", {"drop_connect": 0.2, "seed": 3}
    yield "clip_value", {"clip_value": 1.0}
    yield "clip_norm", {"clip_norm": 1.0}
    yield "no records", {"record_every": 0}
    yield "records of every third", {"record_every": 3}
    yield "another cost", {"cost": "sum_of_squares"}
    yield "sum", {"reduction": "sum"}
    yield "schedule", {"alpha": schedules.Exponential(0.01, 0.1)}
    yield "schedule, a function", {"alpha": lambda epoch: 0.01}
    callback, rule = lambda network, history: None, stopping.GradientNorm(1e-30)
    yield "callback", {"callback": callback}
    yield "stop rule", {"stop": rule}
    yield "stop rule, CostChange", {"stop": stopping.CostChange(1e-30)}
    yield "stop rule, Patience", {"stop": stopping.Patience(epochs=10**9), "validation": None}
    yield "monitor", {"monitors": ["mean_norm"]}
    yield "monitor, mean_absolute_error", {"monitors": "mean_absolute_error"}
    yield "monitors, several", {"monitors": ("mean_norm", "mean_absolute_error")}
    yield "monitor, accuracy", {"monitors": ["accuracy"]}
    yield "accuracy and validation", {"monitors": ["accuracy"], "validation": None}
    yield "validation", {"validation": None}
    yield "all hooks", {"callback": callback, "stop": [rule], "monitors": ["mean_norm"], "validation": None}
    for kind in ("lists", "float32 or float64 data", "integers", "read-only data", "columns"):
        yield kind, {}
    yield "l2", {}
    yield "resume", {"resume": True}
    yield "resume Adam", {"resume": True, "optimizer": "adam"}
    yield "AW-SGD", {"sampling": "adaptive", "seed": 3}
    yield "batch normalization", {}
    yield "alpha changes", {}


def trainings(sizes: Sequence[int], dtype: str, batches: bool) -> Iterator[tuple[str, Callable[[], Call]]]:
    """The measured calls of `train`: of one update of 16 rows, or of ten epochs of batches of 5."""
    random = np.random.default_rng(0)
    X, Y = random.random((16, sizes[0])).astype(dtype), random.random((16, sizes[-1])).astype(dtype)
    common: dict[str, Any] = {"alpha": 1e-3, "epochs": 10, "batch_size": 5} if batches else {"alpha": 1e-3, "epochs": 1}
    for name, given in _options(16, len(sizes) - 2):

        def make(name: str = name, given: dict[str, Any] = given) -> Call:
            settings = {"batch_normalization": name == "batch normalization", "l2": 0.01 * (name == "l2")}
            net = Network(sizes, dtype=dtype, seed=0, **settings)
            options, (x, y) = common | given, _as(name, X, Y)
            if name == "batch normalization" and batches:
                options["batch_size"] = 6  # none of one row
            if "validation" in given:
                options["validation"] = x[:8].copy(), y[:8].copy()
            if "resume" in given:
                net.train(X, Y, **{**options, "resume": False})
            if name == "alpha changes":
                alphas = iter(range(10**9))
                return lambda: net.train(X, Y, **options | {"alpha": 1e-3 + 1e-12 * next(alphas)})
            return lambda: net.train(x, y, **options)

        if batches or name != "AW-SGD":
            yield name, make


def _as(kind: str, X: Any, Y: Any) -> tuple[Any, Any]:
    """The samples in this form, if it is the name of one."""
    if kind == "lists":
        return X.tolist(), Y.tolist()
    if kind == "float32 or float64 data":
        other = np.float32 if X.dtype == np.float64 else np.float64
        return X.astype(other), Y.astype(other)
    if kind == "integers":
        return (8 * X).astype(int), (Y > 0.5).astype(int)
    if kind == "read-only data":
        X, Y = X.copy(), Y.copy()
        X.flags.writeable = Y.flags.writeable = False
    if kind == "columns":
        return np.asfortranarray(X), np.asfortranarray(Y)
    if "accuracy" in kind:
        return X, (Y.max(axis=1, keepdims=True) == Y).astype(Y.dtype)  # one-hot
    return X, Y


def others(sizes: Sequence[int], dtype: str) -> Iterator[tuple[str, Callable[[], Call]]]:
    """The other calls of a network, on 16 rows."""
    random = np.random.default_rng(0)
    X, Y = random.random((16, sizes[0])).astype(dtype), random.random((16, sizes[-1])).astype(dtype)
    x, y, w = X[0].copy(), Y[0].copy(), random.random(16) + 0.5
    net = Network(sizes, dtype=dtype, seed=0)
    lists, integers = (X.tolist(), Y.tolist()), (8 * X).astype(int)
    floats = X.astype(np.float32 if X.dtype == np.float64 else np.float64)
    yield "Network(sizes)", lambda: lambda: Network(sizes, dtype=dtype)
    yield "Network(sizes, seed=0)", lambda: lambda: Network(sizes, dtype=dtype, seed=0)
    yield (
        "Network(sizes, tanh, he_normal)",
        lambda: lambda: Network(sizes, dtype=dtype, activation="tanh", init="he_normal", seed=1),
    )
    weights = [W.copy() for W in net.weights]
    yield "Network(sizes, weights=)", lambda: lambda: Network(sizes, dtype=dtype, weights=weights)
    calls: dict[str, Callable[[Any], Call]] = {
        "predict of 1": lambda net: lambda: net.predict(x),
        "predict of 16": lambda net: lambda: net.predict(X),
        "predict of a list": lambda net: lambda: net.predict(lists[0]),
        "predict of 16, integers": lambda net: lambda: net.predict(integers),
        "predict of 16, other floats": lambda net: lambda: net.predict(floats),
        "predictor of 1": lambda net: (f := net.predictor()) and (lambda: f(x)),
        "feed_forward of 16": lambda net: lambda: net.feed_forward(X),
        "classify of 16": lambda net: lambda: net.classify(X) if sizes[-1] > 1 else net.predict(X),
        "gradient of 1": lambda net: lambda: net.gradient(x, y),
        "gradient of 16": lambda net: lambda: net.gradient(X, Y),
        "gradient of 16, sum": lambda net: lambda: net.gradient(X, Y, reduction="sum"),
        "gradient of 16, another cost": lambda net: lambda: net.gradient(X, Y, cost="sum_of_squares"),
        "gradient of 16, weights": lambda net: lambda: net.gradient(X, Y, sample_weight=w),
        "gradient of lists": lambda net: lambda: net.gradient(*lists),
        "gradient of other floats": lambda net: lambda: net.gradient(floats, Y),
        "cost of 1": lambda net: lambda: net.cost(x, y),
        "cost of 16": lambda net: lambda: net.cost(X, Y),
        "cost of 16, sum": lambda net: lambda: net.cost(X, Y, reduction="sum"),
        "cost of 16, weights": lambda net: lambda: net.cost(X, Y, sample_weight=w),
    }
    kinds: dict[str, dict[str, Any]] = {"": {}, "batch normalization: ": {"batch_normalization": True}}
    for words, settings in (kinds | {"l1, l2: ": {"l1": 0.01, "l2": 0.01}}).items():
        for name, of in calls.items():
            if not ("batch" in words and name == "gradient of 1"):  # which has no statistics
                yield words + name, lambda of=of, settings=settings: of(Network(sizes, dtype=dtype, seed=0, **settings))
    for count in (2, 16):
        nets = [Network(sizes, dtype=dtype, seed=i) for i in range(count)]
        yield f"train_many of {count}", lambda nets=nets: lambda: train_many(nets, X, Y, alpha=1e-3, epochs=1)


def main(given: Sequence[str]) -> int:
    """Measure and print; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks calls", description=__doc__)
    parser.add_argument("--only", nargs="*", default=(), help="measure calls whose names contain one of these words")
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--kinds", nargs="*", default=("update", "batches", "others"))
    options = parser.parse_args(given)
    gc.disable()
    table: dict[tuple[str, str], list[str]] = {}
    columns = [(sizes, dtype) for sizes in SIZES for dtype in ("f8", "f4")]
    for kind in options.kinds:
        for sizes, dtype in columns:
            calls = others(sizes, dtype) if kind == "others" else trainings(sizes, dtype, kind == "batches")
            for name, make in calls:
                if options.only and not any(word in name for word in options.only):
                    continue
                try:
                    whole, kernels = measure(make, options.repeats)
                    cell = f"{(whole - kernels) * 1e6:6.1f} ({kernels * 1e6:.1f})"
                except (StopTraining, Exception) as error:
                    cell = f"{type(error).__name__}: {error}"[:40]
                table.setdefault((kind, name), []).append(cell)
    heads = [f"{'-'.join(map(str, sizes))} {dtype}" for sizes, dtype in columns]
    print("microseconds over the kernels (of the kernels)")
    print(f"{'':40}" + "".join(f"{head:>20}" for head in heads))
    for (kind, name), cells in table.items():
        print(f"{kind + ': ' + name:40}" + "".join(f"{cell:>20}" for cell in cells))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
