"""Training on several machines: the bits do not depend on their number, and agree with one machine up to rounding."""

import contextlib
import importlib
import os
import random
import signal
import sys
import types
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from agreement import Backend

import samenet
from samenet import distributed, schedules, stopping
from samenet.fast.numpy import Network
from samenet.network import Network as Interface
from samenet.optimizers import UPDATE_RULES, Adam, MultiStart, Nesterov, RMSProp

dask = pytest.importorskip("dask")
Dask = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")

pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own
ON_NUMPY = True  # what is given no backend
Array = np.ndarray
M, STARTS = 60, (0, 7, 27, 40, 60)
_numbers = np.random.default_rng(0)
X, Y = _numbers.normal(size=(M, 5)), _numbers.random((M, 3))
W = np.where(_numbers.random(M) < 0.3, 0.0, _numbers.random(M) * 4)
W[STARTS[1] : STARTS[2]] = 0  # all of a partition
HELD = X[:9] + 0.1, Y[:9]
# Without what Dask measures of itself meanwhile, which takes a tenth of a processor.
SETTINGS = {
    "distributed.comm.timeouts.connect": "3s",
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.tick.interval": "1s",
}


def parts(values: Any, starts: tuple[int, ...] = STARTS) -> list[Any]:
    """The values in partitions of different sizes."""
    return [values[a:b] for a, b in pairwise(starts)]


def make(cls: Any = Network, **others: Any) -> Any:
    return cls([5, 4, 3], **{"seed": 0, "l1": 0.001, "l2": 0.01, **others})


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Workers in this process, with the same scheduler, messages and graphs as for separate processes."""
    with (
        dask.config.set(SETTINGS),
        Dask.LocalCluster(n_workers=2, threads_per_worker=2, processes=False, dashboard_address=":0") as cluster,
        Dask.Client(cluster, set_as_default=False) as client,
    ):
        yield client


WAYS: dict[str, dict[str, Any]] = {
    "descent": {"alpha": 0.5},
    "sum": {"alpha": 0.01, "reduction": "sum"},
    "nesterov, a schedule, clipping": {
        **{"alpha": schedules.Exponential(0.3, 0.1), "optimizer": Nesterov(0.8)},
        **{"clip_norm": 0.1, "clip_value": 0.05, "record_every": 2},
    },
    "masks": {"alpha": 0.1, "optimizer": "momentum", "dropout": 0.3, "drop_connect": 0.2, "seed": 3},
    "batches": {"alpha": 0.1, "optimizer": RMSProp(), "batch_size": 25, "seed": 3, "drop_connect": 0.1},
    "a list that is shuffled again": {"alpha": 0.1, "batch_size": 40, "seed": "random.Random"},
    "weights": {"alpha": 0.1, "optimizer": Adam(), "batch_size": 25, "seed": 1, "sample_weight": W},
    "weights of a sum": {"alpha": 0.01, "reduction": "sum", "sample_weight": W},
    "weights that are equal": {"alpha": 0.1, "sample_weight": np.full(M, 3.0)},
    "lbfgs": {"optimizer": "lbfgs", "sample_weight": W},
    "bfgs": {"optimizer": "bfgs", "stop": stopping.GradientNorm(1e-3)},
    "rules": {"alpha": 0.5, "stop": [stopping.CostChange(1e-3), stopping.GradientNorm(1e-9)], "epochs": 50},
    "a validation set": {"alpha": 0.01, "validation": HELD, "stop": stopping.Patience(epochs=2), "optimizer": "adam"},
    "several starts": {"alpha": 0.5, "optimizer": MultiStart(2, Adam()), "seed": 2},
    "another cost": {"alpha": 0.5, "cost": "binary_cross_entropy"},
}


def options_of(way: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of a setting for one machine, and for several."""
    options = {"epochs": 4} | WAYS[way]
    here, there = dict(options), dict(options)
    if options.get("seed") == "random.Random":
        here["seed"], there["seed"] = random.Random(7), random.Random(7)
    if "sample_weight" in options:
        there["sample_weight"] = parts(options["sample_weight"])
    return here, there


# That they run lines of their own is told by other tests, which are counted.
SLOW = ("rules", "weights", "a list that is shuffled again", "bfgs", "several starts")


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=pytest.mark.uncounted) if way in SLOW else way for way in WAYS]
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_as_on_one_machine(client: Any, way: str, dtype: str) -> None:
    here, there = options_of(way)
    net, one = make(dtype=dtype), make(dtype=dtype)
    history = distributed.train(net, parts(X), parts(Y), client=client, **there)
    expected = one.train(X, Y, **here)
    u = float(np.finfo(dtype).eps)
    assert np.abs(net.parameters - one.parameters).max() < 100 * u  # numbers of size 1, a few updates
    assert net.history is history
    assert (history.epochs == expected.epochs).all()
    assert history.stopped_by == expected.stopped_by
    assert list(history) == list(expected)
    for name in history:
        np.testing.assert_allclose(history[name], expected[name], rtol=100 * u)
    start = make(dtype=dtype)
    assert np.abs(net.parameters - start.parameters).max() > 1e-3


def test_within_the_derived_bound_of_one_update(client: Any, backend: Backend) -> None:
    from samenet.testing import tolerance

    net, one = make(backend.Network), make()
    distributed.train(net, parts(X), parts(Y), client=client, epochs=1, alpha=0.5)
    allowed = tolerance.update(one.model, X, Y, 0.5)
    one.train(X, Y, epochs=1, alpha=0.5)
    comparison = tolerance.compare(net.parameters, one.parameters, allowed)
    assert comparison.ok, comparison


OPTIMIZERS: dict[str, dict[str, Any]] = {
    "descent": {"alpha": 0.3},
    **{name: {"alpha": 0.01, "optimizer": name} for name in [rule.name for rule in UPDATE_RULES[1:]]},
    "lbfgs": {"optimizer": "lbfgs"},
}


@pytest.fixture(scope="module")
def clusters(client: Any) -> Iterator[list[Any]]:
    """One, two and four workers."""
    with contextlib.ExitStack() as stack:
        found = [client]
        for workers in (1, 4):
            settings: dict[str, Any] = {"n_workers": workers, "threads_per_worker": 1, "processes": False}
            cluster = stack.enter_context(Dask.LocalCluster(dashboard_address=":0", **settings))
            found.append(stack.enter_context(Dask.Client(cluster, set_as_default=False)))
        assert sorted(len(one.scheduler_info(n_workers=-1)["workers"]) for one in found) == [1, 2, 4]
        yield found


# Workers differ in who adds which sums: of whole partitions here in float64, of mini-batches in float32, and each kind
# once in the other dtype. What each optimizer makes of a sum, in both dtypes, is in `test_as_on_one_machine`.
SUMMED = [
    *((name, None, "float64") for name in OPTIMIZERS),
    *((name, 40, "float32") for name in OPTIMIZERS if name != "lbfgs"),
    *(("lbfgs", None, "float32"), ("adam", 40, "float64")),
]


@pytest.mark.uncounted  # the lines are those of `test_as_on_one_machine`
@pytest.mark.parametrize(("optimizer", "batch_size", "dtype"), SUMMED)
def test_the_bits_do_not_depend_on_the_number_of_workers(
    clusters: list[Any], optimizer: str, batch_size: int | None, dtype: str
) -> None:
    """Compared with each other, of 9 partitions, whose sums make a tree of two levels; L-BFGS has no batches."""
    starts, ends = (*range(0, M, 7), M), []
    for client in clusters:
        net = make(dtype=dtype)
        given = {"batch_size": batch_size, "seed": 1} if batch_size else {}
        options: dict[str, Any] = {"epochs": 1 if batch_size else 2, "client": client, **OPTIMIZERS[optimizer], **given}
        history = distributed.train(net, parts(X, starts), parts(Y, starts), **options)
        ends.append((net.parameters.tobytes(), history))
    assert ends[0] == ends[1] == ends[2]
    assert ends[0][0] != make(dtype=dtype).parameters.tobytes()


KINDS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "arrays": lambda client: (parts(X), parts(Y)),
    "nested lists": lambda client: ([part.tolist() for part in parts(X)], [part.tolist() for part in parts(Y)]),
    "delayed values": lambda client: ([*map(dask.delayed, parts(X))], [*map(dask.delayed, parts(Y))]),
    "futures": lambda client: (client.map(np.asarray, parts(X)), client.map(np.asarray, parts(Y))),
    "arrays of Dask": lambda client: (
        da.concatenate([da.from_array(part, chunks=(-1, 2)) for part in parts(X)]),
        da.from_array(Y, chunks=(11, 3)),  # other boundaries than those of X
    ),
    "data frames of Dask": lambda client: tuple(
        importlib.import_module("dask.dataframe").from_delayed([dask.delayed(pd.DataFrame)(part) for part in parts(of)])
        for of in (X, Y)
    ),
    "unknown sizes": lambda client: tuple(
        da.concatenate([da.from_array(part, chunks=-1) for part in parts(np.vstack([values, values]), (*STARTS, 120))])[
            da.from_array(np.arange(120) < 60, chunks=((7, 20, 13, 20, 60),))
        ]
        for values in (X, Y)
    ),
}


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_partitions_of_every_kind(client: Any, kind: str, keep: bool) -> None:
    """The same partitions give the same bits; the last kind has an empty partition."""
    net, other = make(), make()
    settings: dict[str, Any] = {"epochs": 2, "alpha": 0.3, "client": client}
    distributed.train(net, *KINDS[kind](client), keep=keep, **settings)
    distributed.train(other, parts(X), parts(Y), **settings)
    assert (net.parameters == other.parameters).all()


@pytest.mark.parametrize("keep", [True, False])
def test_files(client: Any, tmp_path: Path, keep: bool) -> None:
    files = [tmp_path / f"{i}.npz" for i in range(len(STARTS) - 1)]
    for file, x, y, w in zip(files, parts(X), parts(Y), parts(W), strict=True):
        np.savez(file, X=x, Y=y, sample_weight=w)
    settings: dict[str, Any] = {"epochs": 3, "optimizer": "lbfgs", "client": client}
    net, other = make(dtype="float32"), make(dtype="float32")
    distributed.train(net, distributed.read(files), None, keep=keep, **settings)
    distributed.train(other, parts(X), parts(Y), sample_weight=parts(W), **settings)
    assert (net.parameters == other.parameters).all()


def test_a_file_that_is_not_right(client: Any, tmp_path: Path) -> None:
    good, bad, net = tmp_path / "good.npz", tmp_path / "bad.npz", make()
    np.savez(good, X=X, Y=Y)
    with pytest.raises(ValueError, match=r"partition 1: expected an npz file, got .*No such file"):
        distributed.train(net, distributed.read([good, bad]), None, client=client, epochs=1, alpha=0.1)
    np.savez(bad, X=X)
    with pytest.raises(ValueError, match=r"partition 1: expected arrays X and Y in .*bad.npz, found no Y"):
        distributed.train(net, distributed.read([good, bad]), None, client=client, epochs=1, alpha=0.1)
    np.savez(bad, X=np.array([{}]), Y=Y)
    with pytest.raises(ValueError, match=r"partition 1: expected an npz file, got .*pickle"):
        distributed.train(net, distributed.read([good, bad]), None, client=client, epochs=1, alpha=0.1)
    np.savez(bad, X=X, Y=Y, sample_weight=W)
    with pytest.raises(ValueError, match="partition 0: expected sample_weight, which other partitions have"):
        distributed.train(net, distributed.read([good, bad]), None, client=client, epochs=1, alpha=0.1)
    with pytest.raises(ValueError, match="Y: expected None where X is files"):
        distributed.train(net, distributed.read([good]), Y, client=client, epochs=1, alpha=0.1)
    with pytest.raises(ValueError, match="files: expected at least one path"):
        distributed.read([])
    with pytest.raises(TypeError, match="files: expected a list of paths"):
        distributed.read("one.npz")
    assert (net.parameters == make().parameters).all()
    assert net.history is None


def fails() -> Array:
    raise OSError("the disk is gone")


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"X": [*parts(X)[:3], X[:20] * np.nan]}, ValueError, "partition 3: X: expected finite numbers"),
    ({"Y": [*parts(Y)[:3], Y[:19]]}, ValueError, r"partition 3: Y: expected shape \(20, 3\)"),
    ({"X": [*parts(X)[:3], "text"]}, TypeError, "partition 3: X: expected real numbers"),
    ({"Y": parts(Y)[:3]}, ValueError, "Y: expected as many partitions as X has, at least 1, got 3"),
    ({"X": [], "Y": []}, ValueError, "X: expected as many partitions as X has, at least 1, got 0"),
    ({"X": [X[:0]], "Y": [Y[:0]]}, ValueError, "X: expected at least one sample"),
    ({"X": dask.delayed(X)}, TypeError, "X: expected a Dask array, or a list of partitions, got Delayed"),
    ({"X": X.sum()}, TypeError, "X: expected a Dask array, or a list of partitions"),
    ({"X": da.from_array(X, chunks=(9, 5))}, TypeError, "Y: expected a Dask array, as X is one"),
    ({"Y": da.from_array(Y, chunks=(9, 3))}, TypeError, "Y: expected a list of partitions, as X is"),
    (
        {"X": da.from_array(X, chunks=(9, 5)), "Y": da.from_array(Y[:50], chunks=(9, 3))},
        *(ValueError, "Y: expected as many rows as X, 60, got 50"),
    ),
    (
        {"X": da.from_array(X, chunks=(9, 5)), "Y": da.from_array(Y[:, 0], chunks=9)},
        *(ValueError, "Y: expected a Dask array with 2 axes"),
    ),
    ({"X": [*parts(X)[:3], dask.delayed(fails)()]}, ValueError, "partition 3: OSError: the disk is gone"),
    ({"sample_weight": parts(-W)}, ValueError, "partition 0: sample_weight: expected weights of at least 0"),
    ({"sample_weight": parts(W * 0)}, ValueError, "sample_weight: expected at least one weight that is not zero"),
    (
        {"sample_weight": parts(W + 1e300)},
        ValueError,
        r"partition 0: sample_weight: expected weights of at most 2\^960",
    ),
    ({"sample_weight": W}, ValueError, "sample_weight: expected as many partitions as X has, at least 1, got 60"),
    ({"monitors": "mean_norm"}, ValueError, "monitors: expected none in distributed training"),
    ({"sampling": "adaptive"}, ValueError, "sampling: expected none in distributed training"),
    ({"net": make(batch_normalization=True)}, ValueError, "net: expected a network without batch normalization"),
    ({"net": 3}, TypeError, "net: expected a Network, got 3"),
    ({"no_such": 3}, TypeError, "options: expected those of Network.train: .*no_such"),
    ({"epochs": -1}, ValueError, "epochs: expected an integer of at least 0"),
    ({"keep": 1}, TypeError, "keep: expected True or False"),
    ({"reduction": "max"}, ValueError, "reduction: expected one of"),
    ({"client": 3}, TypeError, "client: expected a dask.distributed.Client"),
    ({"client": "tcp://127.0.0.1:1"}, ValueError, "client: expected the address of a scheduler"),
    ({"every": 3}, ValueError, "every: expected none without a checkpoint"),
    ({"optimizer": "lbfgs", "alpha": None, "resume": True}, ValueError, "resume: expected none for"),
]


@pytest.mark.parametrize(("changed", "error", "message"), REFUSED, ids=[message for *_, message in REFUSED])
def test_what_is_refused(client: Any, changed: dict[str, Any], error: type[Exception], message: str) -> None:
    given = {"net": make(), "X": parts(X), "Y": parts(Y), "client": client, "epochs": 1, "alpha": 0.1} | changed
    with pytest.raises(error, match=message):
        distributed.train(**given)
    net = given["net"]
    if "net" not in changed:
        assert (net.parameters == make().parameters).all()
        assert net.history is None


def test_targets_out_of_reach_give_one_warning(client: Any) -> None:
    with pytest.warns(samenet.UnreachableTargetsWarning, match="partition 0, Y: 21 of 21 targets") as found:
        distributed.train(make(), parts(X), parts(Y + 5), client=client, epochs=1, alpha=0.1)
    assert len([one for one in found if one.category is samenet.UnreachableTargetsWarning]) == 1


def test_divergence_and_overflow(client: Any) -> None:
    net = make(activation="identity")
    with pytest.warns(samenet.DivergenceWarning), pytest.raises(FloatingPointError, match="weights became infinite"):
        distributed.train(net, parts(X), parts(Y), client=client, epochs=900, alpha=1e9)
    assert np.isfinite(net.parameters).all()


def test_going_on(client: Any, tmp_path: Path) -> None:
    given: dict[str, Any] = {"alpha": 0.1, "optimizer": "adam", "batch_size": 40, "client": client}
    samples = parts(X), parts(Y)
    whole, resumed, path = make(), make(), tmp_path / "training.npz"
    distributed.train(whole, *samples, epochs=4, seed=1, **given)
    distributed.train(resumed, *samples, epochs=2, seed=1, **given)
    distributed.train(resumed, *samples, epochs=2, resume=True, **given)
    assert (resumed.parameters == whole.parameters).all()
    assert resumed.history == whole.history

    class Killed(Exception):
        pass

    def die(net: Any, history: Any) -> None:
        if history.epochs_done == 3:
            raise Killed

    kept: dict[str, Any] = {"checkpoint": path, "resume": path, "epochs": 4, "seed": 1, **given}
    with pytest.raises(Killed):
        distributed.train(make(), *samples, every=0.0, callback=die, **kept)
    with pytest.raises(ValueError, match="Y: expected the same values as in the checkpoint"):
        distributed.train(make(), parts(X), parts(Y[::-1]), **kept)
    again = make()
    distributed.train(again, *samples, **kept)
    assert (again.parameters == whole.parameters).all()


def test_a_backend_of_someone_else(client: Any) -> None:
    """With `feed_forward` alone, in a module that workers can import."""
    module = types.ModuleType("feed_forward_alone")
    module.feed_forward = lambda model, x: samenet.backend("numpy").feed_forward(model, x)  # type: ignore[attr-defined]
    cls = type("Network", (Interface,), {"backend": module, "__module__": "feed_forward_alone"})
    with pytest.raises(ValueError, match="net: expected a backend that workers can import; feed_forward_alone raised"):
        distributed.train(make(cls), parts(X), parts(Y), client=client, epochs=1, alpha=0.1)
    sys.modules["feed_forward_alone"] = module
    try:
        net, one = make(cls), make()
        options: dict[str, Any] = {"epochs": 2, "alpha": 0.3, "dropout": 0.2, "drop_connect": 0.1, "seed": 0}
        distributed.train(net, parts(X), parts(Y), client=client, sample_weight=parts(W), **options)
        one.train(X, Y, sample_weight=W, **options)
        np.testing.assert_allclose(net.parameters, one.parameters, atol=1e-14)
    finally:
        del sys.modules["feed_forward_alone"]


def test_search(client: Any) -> None:
    grid = {"alpha": [0.1, 1.0, 1e300], "activation": ["tanh", "identity"]}
    settings: dict[str, Any] = {"epochs": 3, "batch_size": 20, "stop": stopping.Patience(epochs=9)}
    given: dict[str, Any] = {"validation": HELD, "backend": "numpy", "client": client}
    trials = distributed.search([5, 4, 3], X, Y, grid, seeds=(0, 1), **given, **settings)
    assert len(trials) == 12
    assert [trial.cost for trial in trials] == sorted(trial.cost for trial in trials)
    best = trials[0]
    one = Network([5, 4, 3], seed=best.seed, activation=best.settings["activation"])
    options = {name: value for name, value in best.settings.items() if name != "activation"}
    one.train(X, Y, seed=best.seed, validation=HELD, **options)
    assert best.network == one
    assert best.cost == one.cost(*HELD)
    failed = [trial for trial in trials if trial.network is None]
    assert failed
    assert all(trial.cost == np.inf and "became infinite" in str(trial.error) for trial in failed)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"grid": 3}, TypeError, "grid: expected values by the names of settings"),
        ({"grid": {"alpha": []}}, ValueError, "grid: expected at least one value for each name"),
        ({"grid": {"alpha": [0.1, -1]}}, ValueError, "alpha: expected a number above 0"),
        ({"grid": {"seed": [1]}}, ValueError, "seed: expected none in a search.*use seeds"),
        ({"checkpoint": "a.npz"}, ValueError, "checkpoint: expected none in a search"),
        ({"seeds": []}, ValueError, "seeds: expected at least one"),
        ({"seeds": [0.5]}, TypeError, "seeds: expected an integer"),
        ({"validation": X}, TypeError, "validation: expected a pair"),
        ({"validation": (X[:, :2], Y)}, ValueError, "validation: X: expected shape"),
        ({"backend": "nump"}, ValueError, "did you mean 'numpy'"),
        ({"epochs": None}, TypeError, "epochs: expected an integer"),
    ],
)
def test_what_a_search_refuses(changed: dict[str, Any], error: type[Exception], message: str) -> None:
    given: dict[str, Any] = {"sizes": [5, 4, 3], "X": X, "Y": Y, "grid": {"alpha": [0.1]}, "validation": HELD}
    with pytest.raises(error, match=message):
        distributed.search(**given | {"epochs": 2, "backend": "numpy"} | changed)


def test_ctrl_c_leaves_the_last_update(client: Any) -> None:
    net, one = make(), make()

    def press(net: Any, history: Any) -> None:
        if history.epochs_done == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        distributed.train(net, parts(X), parts(Y), client=client, epochs=50, alpha=0.3, callback=press)
    assert net.history.epochs_done in (2, 3)
    distributed.train(one, parts(X), parts(Y), client=client, epochs=net.history.epochs_done, alpha=0.3)
    assert (net.parameters == one.parameters).all()


def test_without_a_client() -> None:
    with pytest.raises(ValueError, match=r"client: expected a dask.distributed.Client.*where none is current"):
        distributed.train(make(), parts(X), parts(Y), epochs=1, alpha=0.1)


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install samenet\[distributed\]"):
        distributed.train(make(), parts(X), parts(Y), epochs=1, alpha=0.1)


def test_a_scheduler_that_is_gone() -> None:
    cluster = Dask.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0")
    client = Dask.Client(cluster)
    given: dict[str, Any] = {"client": client, "alpha": 0.3}

    def close(net: Any, history: Any) -> None:
        if history.epochs_done == 2:
            cluster.close()

    net, one = make(), make()
    distributed.train(one, parts(X), parts(Y), epochs=2, **given)
    with pytest.raises(ConnectionError, match="client: the connection to the scheduler was lost"):
        distributed.train(net, parts(X), parts(Y), epochs=9, callback=close, **given)
    assert (net.parameters == one.parameters).all()
    assert net.history.epochs_done == 2
    client.close()
    with pytest.raises(ValueError, match="client: expected one that is connected .*, got one that is closed"):
        distributed.train(net, parts(X), parts(Y), epochs=9, **given)


def test_workers_in_processes_of_which_one_is_killed(client: Any) -> None:
    """Connected by the scheduler's address; the bits are the same as with other workers."""
    options: dict[str, Any] = {"epochs": 12, "optimizer": "adam", "alpha": 0.1}
    expected, net, killed = make(), make(), []
    history = distributed.train(expected, parts(X), parts(Y), client=client, **options)
    with Dask.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        with Dask.Client(cluster, set_as_default=False) as other:
            ids = list(other.run(os.getpid).values())

        def kill(net: Any, history: Any) -> None:
            if history.epochs_done == 4:
                killed.append(ids.pop())
                os.kill(killed[0], signal.SIGKILL)

        found = distributed.train(net, parts(X), parts(Y), client=cluster.scheduler_address, callback=kill, **options)
        lost = make()
        with Dask.Client(cluster, set_as_default=False) as other:
            scattered = other.scatter(parts(X), broadcast=False)

            def kill_all(net: Any, history: Any) -> None:
                for process in other.run(os.getpid).values():
                    os.kill(process, signal.SIGKILL)

            with pytest.raises(RuntimeError, match="X: a partition was lost with its worker"):
                distributed.train(lost, scattered, parts(Y), client=other, keep=False, callback=kill_all, **options)
    assert killed
    assert (net.parameters == expected.parameters).all()
    assert found == history
