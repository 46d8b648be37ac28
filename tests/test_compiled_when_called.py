"""A kernel is compiled, or loaded, when a call first needs it, and none that it does not need.

Kernels are made new to the process by emptying the slots that their addresses are in.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from children import printed, python

from samenet.fast.kernels.codegen import compiling
from samenet.fast.numba import Network

pytestmark = pytest.mark.compiled

# The kernels that some kinds of calls need, and others do not.
KINDS = {
    "zeros": {
        *("sparse_input.sparse_forward", "sparse_input.sparse_step"),
        *("gemm.product_indexed", "gemm._multiply_panel_indexed"),
    },
    "images": {"sparse_input.are_zeros_skipped", "sparse_input.list_nonzero_columns"},
    "narrow": {"narrow.narrow_product"},
    "few nodes": {"few_nodes.run"},
    "wide": {"gemm.packed_product", "gemm._multiply_packed"},
    "blocks": {"forward.forward", "packing.pack"},
    "backward": {"gemm.sum_of_rows"},
    "packed backward": {"backward.gradient", "packing.unpack"},
    "steps": {"steps.step"},
    "masks": {"dropout.fill_masks", "forward.apply_mask"},
    "penalties": {"penalties.penalty"},
    "weights": {"adaptive.weigh_rows", "costs.weigh"},
    "costs": {"costs.apply_cost"},
    "lanes": {"lanes.forward_in_lanes"},
    "one sample": {"forward.forward_sample"},
}
FIRST = "blocks", "backward", "packed backward", "costs"
NETWORKS = {"packed": [20, 30, 9], "images": [130, 40, 3], "narrow": [150, 1], "wide": [250, 250, 4]}


def calls(name: str, dtype: str) -> Iterator[tuple[set[str], Callable[[], Any]]]:
    """Calls of a network, and the kinds that each is of."""
    net, random = Network(NETWORKS[name], seed=0, dtype=dtype), np.random.default_rng(0)
    rows = 400 if name in ("wide", "images") else 60  # more than those whose gradient is computed from theta
    X, Y = (random.random((rows, n)).astype(dtype) for n in (net.sizes[0], net.sizes[-1]))
    zeros, own = X * (X > 0.95), {name} & KINDS.keys()
    if name == "wide":
        own.add("narrow")  # few rows are multiplied by its last layer's few nodes as in a first layer
    penalized = Network(NETWORKS[name], seed=0, dtype=dtype, l2=0.1)

    def trained(x: Any, net: Network = net, **settings: Any) -> Any:
        other = net.copy()
        other.train(x, Y, alpha=1e-3, epochs=2, **settings)
        return other.parameters

    yield {"one sample"}, lambda: net.predict(X[0])
    yield {"lanes"}, lambda: net.predict(X if name == "wide" else X[:60])
    of_gradient = {*(FIRST if name in ("images", "wide") else ("backward", "costs")), *own}
    yield of_gradient, lambda: net.gradient(X, Y)[1].flat
    yield {*of_gradient, "penalties"}, lambda: penalized.gradient(X, Y)[1].flat
    yield {*of_gradient, "weights"}, lambda: net.gradient(X, Y, sample_weight=X[:, 0])[1].flat
    in_short, of_batches = {"few nodes", "backward", "costs", "steps"}, {*FIRST, *own, "steps"}
    yield in_short if name == "narrow" else of_batches, lambda: trained(X)
    yield {*of_batches, "weights"}, lambda: trained(X, sample_weight=X[:, 0])
    of_batches = in_short if name == "narrow" else of_batches - {"wide"}  # few rows take dot products, and one pass
    yield {*of_batches, "lanes"}, lambda: trained(X, batch_size=30, optimizer="adam", seed=0)
    if name != "narrow":
        yield {*of_batches, "masks"}, lambda: trained(X, batch_size=30, dropout=0.1, optimizer="adam", seed=0)
    if name == "images":
        yield {*of_batches, "zeros"}, lambda: trained(zeros, batch_size=20, seed=0)


def forget() -> None:
    """No kernel that others call has been compiled, as in a new process."""
    for external in compiling._external.values():
        external.compiled.clear()
        for slot, _ in external.slots.values():
            slot.value = 0


def compiled() -> set[str]:
    """The names of those that have been since then, in any dtype."""
    return {
        name.removeprefix("samenet.samenet.fast.kernels.")
        for name, external in compiling._external.items()
        if external.compiled
    }


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_call_compiles_what_it_needs_and_gives_the_same_bits(name: str, dtype: str) -> None:
    for kinds, call in calls(name, dtype):
        expected = call()
        forget()
        found = call()
        assert found.tobytes() == expected.tobytes(), kinds
        names = compiled()
        for kind, kernels in KINDS.items():
            assert kind in (*kinds, "costs", "lanes") or not names & kernels, (kinds, kind)
            assert kind not in kinds - {"lanes"} or names & kernels, (kinds, kind)
        dtypes = {str(kind) for external in compiling._external.values() for kind in external.compiled}
        assert dtypes == {dtype}


def test_every_kind_is_of_kernels_that_there_are() -> None:
    known = {name.removeprefix("samenet.samenet.fast.kernels.") for name in compiling._external}
    assert known >= set().union(*KINDS.values())


MANY = 3000  # rows whose gradient is of packed parameters
FAILURES = MemoryError, KeyboardInterrupt, SystemExit


@pytest.mark.parametrize("error", FAILURES)
@pytest.mark.parametrize("name", ["forward.forward", "activations.back_through", "packing.unpack"])
def test_what_fails_within_a_call_is_raised_by_it(
    name: str, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From kernels that are two calls away from Python as well; and the next call is right."""
    net, random = Network([20, 30, 3], seed=0), np.random.default_rng(0)
    X, Y = random.random((MANY, 20)), random.random((MANY, 3))
    expected, before = net.gradient(X, Y)[1].flat.copy(), net.parameters.copy()
    external = compiling._external[f"samenet.samenet.fast.kernels.{name}"]

    def load(*given: Any) -> None:
        raise error("while compiling")

    forget()
    with monkeypatch.context() as patch:
        patch.setattr(external.cache, "load_overload", load)
        for _ in range(2):
            with pytest.raises(error, match="while compiling"):
                net.gradient(X, Y)
    assert net.parameters.tobytes() == before.tobytes()
    assert net.gradient(X, Y)[1].flat.tobytes() == expected.tobytes()


@pytest.mark.parametrize("error", FAILURES)
@pytest.mark.parametrize("name", ["forward.forward", "activations.back_through", "steps.step", "packing.unpack"])
def test_what_fails_within_a_training_leaves_no_half_of_an_update(
    name: str, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one update in a call of the backend, or with all."""
    random = np.random.default_rng(0)
    X, Y = random.random((60, 20)), random.random((60, 3))
    options: dict[str, Any] = {"alpha": 0.1, "epochs": 2, "batch_size": 20, "optimizer": "adam", "seed": 0}
    expected, external = Network([20, 30, 3], seed=0), compiling._external[f"samenet.samenet.fast.kernels.{name}"]
    expected.train(X, Y, **options)

    def load(*given: Any) -> None:
        raise error("while compiling")

    for more in ({}, {"callback": lambda net, history: None}):
        net, untouched = Network([20, 30, 3], seed=0), Network([20, 30, 3], seed=0)
        forget()
        with monkeypatch.context() as patch:
            patch.setattr(external.cache, "load_overload", load)
            with pytest.raises(error, match="while compiling"):
                net.train(X, Y, **options, **more)
        assert net == untouched
        assert net.history is None or net.history.epochs_done == 0
        net.train(X, Y, **options)
        assert net == expected


def test_threads_that_need_the_same_kernels_at_once() -> None:
    net, random = Network([20, 30, 3], seed=0), np.random.default_rng(0)
    X, Y = random.random((60, 20)), random.random((60, 3))
    expected, found = net.gradient(X, Y)[1].flat.tobytes(), list[bytes]()
    for _ in range(5):
        forget()
        threads = [
            threading.Thread(target=lambda: found.append(net.gradient(X, Y)[1].flat.tobytes())) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert found == [expected] * 20


_HELPER_FAILS = """
import sys, threading
import numpy as np
from samenet.fast import ready
from samenet.fast.kernels.codegen import compiling
from samenet.fast.numba import Network

ready.useful = lambda helpers: helpers  # however little these contribute
name, random, compile_now, asked = sys.argv[1], np.random.default_rng(0), compiling.uninterrupted, []
sizes = [64, 30, 10] if name == "gradient" else [8, 8, 4]
X, Y = random.random((30_000, sizes[0])), random.random((30_000, sizes[-1]))
net = Network(sizes, bias=False, seed=0, threads=1)  # so that the coordinator copies nothing
call = (lambda: net.gradient(X, Y)[1].flat) if name == "gradient" else (lambda: net.predict(X))
expected = call().tobytes()
net.threads = 2  # not before: a helper that has compiled a kernel must not find its slot emptied

def compile_for_main_alone(work):
    if threading.current_thread() is threading.main_thread():
        return compile_now(work)
    asked.append(work)
    raise MemoryError

compiling.uninterrupted = compile_for_main_alone
external = compiling._external["samenet.samenet.fast.kernels.packing.copy"]
kept = []
for _ in range(200):
    kept.append(dict(external.compiled))  # a helper may still be in its code
    external.compiled.clear()
    for slot, _ in external.slots.values():
        slot.value = 0
    assert call().tobytes() == expected
    if len(asked) > 3:
        break
print(len(asked))
"""


@pytest.mark.parametrize("call", ["gradient", "predict"])
def test_nobody_waits_for_a_helper_that_cannot_compile(call: str) -> None:
    """The helper has done a task, and would put it where it belongs: the coordinator does it itself."""
    done = subprocess.run(
        [sys.executable, "-c", _HELPER_FAILS, call], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0, "no helper came to that"


_ONCE = """
import json
from pathlib import Path
import numba
import numpy as np
from samenet.fast.kernels import inference, training
from samenet.fast.kernels.codegen import compiling
from samenet.fast.numba import Network

random = np.random.default_rng(0)
X, Y = (random.random((3000, n)).astype("float32") for n in (20, 3))
net = Network([20, 30, 3], seed=0, dtype="float32")
bits = [net.gradient(X, Y)[1].flat.tobytes().hex()]
names = [name for name, e in compiling._external.items() if e.compiled]
files = [path.name.rpartition("-")[0] for path in Path(numba.config.CACHE_DIR).rglob("*.nbc")]
net.train(X[:40], Y[:40], alpha=0.3, epochs=4, batch_size=7, seed=0)
bits += [net.parameters.tobytes().hex(), net.predict(X[:3]).tobytes().hex()]
stats = [training.run_updates.stats, inference.rows_of(X.dtype).stats]
print(json.dumps([[bits, names], files, [[sum(s.cache_hits.values()), sum(s.cache_misses.values())] for s in stats]]))
"""


def test_a_new_process_with_nothing_on_disk(tmp_path: Path) -> None:
    """Compiles what it needs, and keeps it; one that finds it there answers the same, and compiles nothing."""
    cold, warm = (json.loads(printed(_ONCE, NUMBA_CACHE_DIR=str(tmp_path))) for _ in range(2))
    (_, compiled), files, _ = cold
    names = {"samenet." + ".".join(name.split(".")[-2:]) for name in compiled}
    assert set(files) == names | {"samenet.training.run_updates"}
    assert not any("sparse" in name or "narrow" in name or "packed" in name or "step" in name for name in files)
    assert warm[0] == cold[0]
    assert cold[2] == [[0, 1], [0, 1]]
    assert warm[2] == [[1, 0], [1, 0]]


_AFTER_A_WARMUP = """
import json, sys
import numpy as np
import samenet
from samenet.fast.kernels.codegen import caching
from samenet.fast.numba import Network

compiled, save, dtype = [], caching.Cache.save_overload, sys.argv[1]

def saved(self, signature, result):
    compiled.append(f"{self._function.__module__}.{self._function.__name__} {signature}")
    save(self, signature, result)

caching.Cache.save_overload = saved
random = np.random.default_rng(0)
for sizes in ([3, 3, 1], [9, 5], [20, 30, 3], [130, 20, 3], [150, 1], [250, 250, 4]):
    for m in (1, 4, 20, 150, 600):
        X, Y = (random.random((m, n)).astype(dtype) for n in (sizes[0], sizes[-1]))
        X[:, ::2] *= X[:, ::2] > 0.9
        weights, read = random.random(m), X.copy()
        read.flags.writeable = False
        others = {"activation": "relu", "cost": "sum_of_squares", "l2": 0.1}
        for settings in ({}, others, {"batch_normalization": True}):
            if "batch_normalization" in settings and (m == 1 or len(sizes) == 2):
                continue
            net = Network(sizes, seed=0, dtype=dtype, **settings)
            for x in (X, read, np.asfortranarray(X)):
                net.predict(x), net.feed_forward(x), net.cost(x, Y), net.gradient(x, Y), net.predict(x[0])
            net.predictor()(X[0])
            if m > 1:
                net.gradient(X, Y, sample_weight=weights), net.cost(X, Y, sample_weight=weights)
            options = [{}, {"sample_weight": weights}, {"optimizer": "adam"}, {"clip_norm": 1.0}]
            if len(sizes) > 2:
                options += [{"dropout": 0.2}]
            if not net.model.theta.normalized:
                options += [{"drop_connect": 0.2}] + [{"sampling": "adaptive"}] * (m > 10)
            for more in options:
                batches = (None,) if "sampling" not in more else ()
                for size in (*batches, 10 if m > 1 else 1):
                    net.copy().train(X, Y, alpha=1e-3, epochs=2, batch_size=size, seed=0, **more)
            for count in (2, 12) if sizes[0] < 100 else ():
                samenet.train_many([net.copy() for _ in range(count)], X, Y, alpha=0.1, epochs=2, seeds=range(count))
print(json.dumps(compiled))
"""


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_nothing_is_compiled_after_a_warmup(dtype: str) -> None:
    """By a new process, whatever it calls; two processes have written the kernels."""
    done = python("-m", "samenet", "warmup", "--dtype", dtype, "--processes", "2", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["problems"] == []
    assert json.loads(printed(_AFTER_A_WARMUP, dtype)) == []
