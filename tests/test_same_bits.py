"""The techniques of compiled kernels change no bit: skipped zeros, threads, wide layers."""

import importlib
import pkgutil
from typing import Any

import numpy as np
import pytest
from children import printed

import samenet
from samenet.fast import ready
from samenet.fast.kernels import sparse_input, tiny_network
from samenet.optimizers import OPTIMIZERS, UPDATE_RULES, Adam, Descent, Momentum, Nesterov
from samenet.testing import tolerance

pytestmark = pytest.mark.compiled
DTYPES = ["float64", "float32"]
N, M = 150, 40  # inputs, of which most are 0, and samples


@pytest.fixture(scope="module")
def numba() -> Any:
    return samenet.backend("numba")


# --- zeros ----------------------------------------------------------------------------------------------------------


def images(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Samples in which a fifth of the numbers are not 0, so that kernels skip the zeros."""
    random = np.random.default_rng(0)
    X = np.where(random.random((M, N)) < 0.2, random.normal(size=(M, N)), 0)
    X[:, 7] = 0
    assert N >= sparse_input.LEAST
    assert np.count_nonzero(X) < sparse_input._SHARE * X.size
    return X.astype(dtype), random.random((M, 5)).astype(dtype)


def beside_numbers(net: Any, X: np.ndarray) -> tuple[Any, np.ndarray]:
    """The same network and samples with more inputs, which are not 0, so that no zero is skipped.

    The inputs are so small, with weights 0, that they change nothing.
    """
    tiny, more = (1e-300 if net.dtype == np.float64 else 1e-30), 4 * N
    sizes = [N + more, *net.sizes[1:]]
    weights = [np.hstack([net.weights[0], np.zeros((sizes[1], more))]), *net.weights[1:]]
    settings = {"activation": net.activation, "l1": 0.0, "l2": net.l2, "dtype": net.dtype}
    wider = type(net)(sizes, weights=weights, biases=list(net.biases), **settings)
    dense = np.hstack([X, np.full((len(X), more), tiny, X.dtype)])
    assert np.count_nonzero(dense, axis=1).min() > sparse_input._SHARE * sizes[0]
    return wider, dense


def same_bits(net: Any, wider: Any) -> bool:
    parts = [(net.weights[0], wider.weights[0][:, :N]), *zip(net.weights[1:], wider.weights[1:], strict=True)]
    parts += zip(net.biases, wider.biases, strict=True)
    return all(np.array_equal(a, b) and np.isfinite(a).all() for a, b in parts)


def small(numba: Any, dtype: str, **settings: Any) -> Any:
    return numba.Network([N, 17, 5], seed=0, dtype=dtype, **settings)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_skipping_zeros_forward_and_back(numba: Any, dtype: str, activation: str) -> None:
    X, Y = images(dtype)
    net = small(numba, dtype, activation=activation)
    wider, dense = beside_numbers(net, X)
    assert np.array_equal(net.predict(X), wider.predict(dense))
    assert np.array_equal(net.feed_forward(X)[1], wider.feed_forward(dense)[1])
    assert net.cost(X, Y) == wider.cost(dense, Y)
    (cost, slope), (cost_of_all, slope_of_all) = net.gradient(X, Y), wider.gradient(dense, Y)
    assert cost == cost_of_all
    assert same_bits(slope, slope_of_all)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"rule": Momentum(0.9)},
        {"rule": Nesterov(0.9)},
        {"rule": Adam()},
        {"clip_value": 1e-3},
        {"l2": 0.01},
    ],
    ids=str,
)
def test_skipping_zeros_in_training(numba: Any, dtype: str, settings: dict[str, Any]) -> None:
    X, Y = images(dtype)
    settings = {"rule": Descent(), **settings}
    rule = settings.pop("rule")
    net = small(numba, dtype, l2=settings.pop("l2", 0.0))
    wider, dense = beside_numbers(net, X)
    order = np.array([np.random.default_rng(i).permutation(M) for i in range(6)])
    costs = []
    for one, samples in ((net, X), (wider, dense)):
        given = {"alpha": 0.5, "batch_size": 10, "order": order, **settings}
        costs.append(one.backend.run_updates(one.model, samples, Y, rule, **given))
    # Penalties of a wider layer are added in another order.
    np.testing.assert_allclose(*costs, rtol=8 * np.finfo(dtype).eps if net.l2 else 0)
    assert len(set(costs[0])) == len(costs[0])
    assert same_bits(net, wider)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_not_finite_shows_though_its_input_is_0(numba: Any, dtype: str, value: float) -> None:
    X, Y = images(dtype)
    net = small(numba, dtype, activation="identity")
    net.weights[0][3, 7] = value
    for rows in (1, 5, M):
        assert np.isnan(net.predict(X[:rows])).all()
    assert np.isnan(net.predict(X[0])).all()
    assert np.isnan(net.gradient(X, Y)[1].flat).any()
    net.backend.run_updates(net.model, X, Y, Descent(), alpha=0.5, batch_size=10)
    assert np.isnan(net.parameters).all()


@pytest.mark.parametrize("sizes", [[N, 17, 5], [6, 3, 2], [6, 17, 2], [6, 170, 2]], ids=str)
@pytest.mark.parametrize("activation", ["relu", "identity", "sigmoid"])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_what_overflows_on_the_way_shows_as_in_numpy(
    numba: Any, sizes: list[int], activation: str, batch_size: int
) -> None:
    """Forward and backward: which parameters are NaN or infinite after an update.

    Or as in the reference: on a processor without fused multiply-adds, a product may overflow where the sum does not.
    """
    random = np.random.default_rng(0)
    X = np.where(random.random((4, sizes[0])) < 0.2, 10.0, 0)
    X[:, 0] = 10
    for large, Y in ((1e308, np.zeros((4, sizes[-1]))), (1.0, np.full((4, sizes[-1]), 1.7e308))):
        ends = []
        for module in (numba, samenet.backend("numpy"), samenet.backend("reference")):
            net = module.Network(sizes, activation=[activation, "sigmoid" if large > 1 else "identity"], seed=1)
            net.weights[0][:2, 0] = large
            net.weights[1][:] *= 1e3
            with np.errstate(all="ignore"):
                net.backend.run_updates(net.model, X, Y, Descent(), alpha=1.0, batch_size=batch_size)
            ends.append(net.parameters)
        assert np.array_equal(np.isfinite(ends[0]), np.isfinite(ends[1]))
        if tiny_network.fits(net.model, batch_size):  # it adds infinities in another order, like the reference
            continue
        found, *others = (np.isnan(end) for end in ends)
        assert np.any([found == other for other in others], axis=0).all()


# --- threads --------------------------------------------------------------------------------------------------------


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of helpers that each call requested."""
    asked: list[int] = []
    run_parallel = ready.run_parallel

    def counting(work: Any, arguments: Any, helpers: int, slots: int, *more: Any) -> Any:
        asked.append(helpers)
        return run_parallel(work, arguments, helpers, slots, *more)

    monkeypatch.setattr(ready, "run_parallel", counting)
    monkeypatch.setattr(ready, "useful", lambda helpers: helpers)  # however little they contribute
    return asked


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_number_of_threads_changes_no_bit(numba: Any, dtype: str, helpers: list[int]) -> None:
    random, found = np.random.default_rng(0), set()
    X, Y = random.normal(size=(1500, 40)).astype(dtype), random.random((1500, 10)).astype(dtype)
    for threads in (1, 2, 3, 7, 1):
        net = numba.Network([40, 60, 10], seed=0, dtype=dtype, activation="tanh", l2=0.01, threads=threads)
        answers = [net.predict(X), np.array(net.cost(X, Y))]
        cost, slope = net.gradient(X, Y)
        answers += [np.array(cost), slope.flat]
        for settings in ({"batch_size": None}, {"batch_size": 800, "optimizer": "momentum", "seed": 0}):
            answers.append(net.train(X, Y, alpha=0.3, epochs=3, **settings).cost)
        answers.append(net.parameters)
        found.add(b"".join(answer.tobytes() for answer in answers))
        assert len(helpers) >= 5
        assert set(helpers) == {threads - 1} if threads < 6 else max(helpers) > 2
        helpers.clear()
    assert len(found) == 1


_AT_ONCE = """
import os, threading, warnings
import numpy as np
import samenet
module = samenet.backend("numba")
random = np.random.default_rng(0)
X, Y = random.normal(size=(1500, 40)), random.random((1500, 10))

def work(threads):
    net = module.Network([40, 60, 10], seed=0, threads=threads)
    history = net.train(X, Y, alpha=0.3, epochs=4, batch_size=700, seed=0)
    slope = net.gradient(X, Y)[1]
    return net.predict(X).tobytes() + slope.flat.tobytes() + net.parameters.tobytes() + history.cost.tobytes()

expected = work(1)

def at_once():
    results = [None] * 6
    def run(i):
        results[i] = work(2)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(6)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    return results

assert at_once() == [expected] * 6
if hasattr(os, "fork"):
    warnings.simplefilter("ignore")
    for _ in range(2):
        child = os.fork()
        if not child:
            os._exit(0 if [work(2), *at_once()] == [expected] * 7 else 1)
        assert os.waitpid(child, 0)[1] == 0, "a forked process has its own threads"
assert work(3) == expected
print("well")
"""


def test_many_threads_that_each_ask_for_helpers() -> None:
    assert printed(_AT_ONCE) == "well\n"


# --- few rows -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [[100, 100, 50, 10], [90, 80, 60, 3], [300, 40, 7], [250, 300, 20]], ids=str)
def test_predictions_and_all_layers_of_any_number_of_rows(numba: Any, dtype: str, sizes: list[int]) -> None:
    """Whole registers of rows are in the lanes; the last rows, few of them, are not."""
    net = numba.Network(sizes, activation=["tanh", *["sigmoid"] * (len(sizes) - 3), "softmax"], seed=0, dtype=dtype)
    X = np.random.default_rng(0).normal(size=(140, sizes[0])).astype(dtype)
    allowed = tolerance.forward(net.model, X)
    trusted = net.on("numpy").feed_forward(X)
    for m in (*range(1, 70), 96, 97, 100, 128, 129, 140):
        layers = net.feed_forward(X[:m])
        for h, expected, bound in zip(layers, trusted, allowed, strict=True):
            assert (abs(h.astype(float) - expected[:m]) <= bound[:m]).all(), m
        assert net.predict(X[:m]).tobytes() == layers[-1].tobytes(), m


# --- wide layers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_node_that_does_nothing_changes_no_bit_of_a_wide_layer(numba: Any, dtype: str) -> None:
    """However the nodes are divided into panels, and the samples into blocks."""
    from samenet.fast.kernels.gemm import WIDE
    from samenet.fast.kernels.packing import is_wide

    random = np.random.default_rng(0)
    m = 333
    X, Y = random.normal(size=(m, 300)).astype(dtype), random.random((m, 7)).astype(dtype)
    widest = WIDE + 60
    W, b = random.normal(size=(widest, 300)) / 20, random.normal(size=widest)
    V, c = random.normal(size=(7, widest)) / 15, random.normal(size=7)
    W[WIDE:], b[WIDE:], V[:, WIDE:] = 0, 0, 0
    found = []
    for k in (WIDE, WIDE + 1, WIDE + 23, WIDE + 60):
        assert is_wide((300, k, 7))
        net = numba.Network([300, k, 7], weights=[W[:k], V[:, :k]], biases=[b[:k], c], dtype=dtype)
        layers, allowed = net.feed_forward(X), tolerance.forward(net.model, X)
        for h, expected, bound in zip(layers, net.on("numpy").feed_forward(X), allowed, strict=True):
            assert (abs(h.astype(float) - expected) <= bound).all()
        for rows in (64, 192, 320, m):
            assert net.predict(X[:rows]).tobytes() == layers[2][:rows].tobytes(), "a row does not depend on the others"
        cost, slope = net.gradient(X, Y)
        bits = [layers[1][:, :WIDE], layers[2], np.array(cost)]
        bits += [slope.weights[0][:WIDE], slope.weights[1][:, :WIDE], slope.biases[1]]
        found.append([np.ascontiguousarray(a).tobytes() for a in bits])
    for one, *others in zip(*found, strict=True):
        assert others == [one] * 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_of_a_wide_product_do_not_depend_on_where_the_result_begins(dtype: str) -> None:
    """Panels begin where cache lines do, if the rows of the result are as long as several lines."""
    from samenet.fast.kernels import gemm
    from samenet.fast.kernels.codegen.compiling import kernel

    @kernel()
    def steps(D: Any, X: Any, W: Any) -> None:
        gemm.packed_product(D.T, X, W, W, -0.5)

    random = np.random.default_rng(2)
    for rows, k in ((34, 256), (34, 257), (7, 208)):
        D, X = (random.normal(size=(rows, n)).astype(dtype) for n in (210, k))
        W = random.normal(size=(210, k)).astype(dtype)
        found = []
        for past in range(64 // W.itemsize + 1):
            moved = np.full(W.size + past + 20, 7, dtype)
            result = moved[past : past + W.size].reshape(W.shape)
            result[...] = W
            steps(D, X, result)
            assert (moved[:past] == 7).all()
            assert (moved[past + W.size :] == 7).all()
            found.append(result.tobytes())
        assert found == found[:1] * len(found)
        expected, size = W - 0.5 * (D.T.astype(float) @ X), abs(W) + abs(D.T) @ abs(X)
        assert (abs(result - expected) <= rows * np.finfo(dtype).eps * size).all()


@pytest.mark.parametrize("rule", [rule.name for rule in UPDATE_RULES])
@pytest.mark.parametrize("dtype", DTYPES)
def test_calls_and_threads_change_no_bit_of_a_wide_network(numba: Any, rule: str, dtype: str) -> None:
    random = np.random.default_rng(1)
    X, Y = random.normal(size=(1100, 220)).astype(dtype), random.random((1100, 3)).astype(dtype)
    ends = []
    for threads, cuts in ((1, (4,)), (3, (4,)), (1, (1, 1, 1, 1)), (2, (3, 1))):
        net = numba.Network([220, 600, 3], seed=0, dtype=dtype, threads=threads)
        state = OPTIMIZERS[rule]().state(net.model.theta)
        for epochs in cuts:
            net.backend.run_updates(
                net.model, X, Y, OPTIMIZERS[rule](), alpha=0.01, batch_size=1100, epochs=epochs, state=state
            )
        ends.append(net.parameters.tobytes())
    assert ends == ends[:1] * 4


# --- compiling ------------------------------------------------------------------------------------------------------


def compiled(numba: Any) -> dict[str, int]:
    """The number of compiled variants of each kernel."""
    from numba.core.dispatcher import Dispatcher

    from samenet.fast import kernels

    names = [m.name for m in pkgutil.iter_modules(kernels.__path__, kernels.__name__ + ".")]
    found = {
        f"{name}.{key}": len(value.signatures)
        for name in names
        for key, value in vars(importlib.import_module(name)).items()
        if isinstance(value, Dispatcher)
    }
    assert len(found) > 20
    return found


def everything(net: Any) -> None:
    random = np.random.default_rng(0)
    for m in (1, 3, 20, 300):
        X, Y = random.normal(size=(m, net.sizes[0])), random.random((m, net.sizes[-1]))
        net.predict(X)
        net.feed_forward(X)
        net.cost(X, Y)
        net.gradient(X, Y)
        net.predictor()(X[0].astype(net.dtype))
        net.train(X, Y, alpha=0.1, epochs=2, batch_size=7, seed=0)
        net.train(X, Y, alpha=0.1, epochs=2, optimizer="momentum", seed=0)
    net.feed_forward(X[0])


def test_no_compilation_for_another_depth_or_width(numba: Any) -> None:
    for dtype in DTYPES:
        for sizes in ([5, 20, 3], [5, 4, 3], [160, 40, 16]):  # one by each way: of narrow, tiny and other layers
            everything(numba.Network(sizes, seed=0, dtype=dtype))
    before = compiled(numba)
    assert before["samenet.fast.kernels.training.run_updates"] >= len(DTYPES)
    assert (
        before["samenet.fast.kernels.inference.predict_rows"] > 0
    )  # float64 samples of a float64 network do not need it
    others = [[3, 1], [140, 33, 2], [7, 6, 5, 4, 3, 2], [2, 210, 3], [9, 80, 2]]
    for sizes in others:
        for dtype in DTYPES:
            net = numba.Network(sizes, seed=0, dtype=dtype, bias=sizes[0] != 9, activation="relu", threads=2, l1=0.1)
            everything(net)
    after = compiled(numba)
    for counts in (before, after):  # it is compiled for a register's width: four of them, of each dtype
        assert counts.pop("samenet.fast.kernels.tiny_network.run_updates") <= 4 * len(DTYPES)
    assert after == before


# --- few rows of wide networks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [5, 16, 31, 49])
def test_a_step_of_few_rows_where_rows_compete_for_places(numba: Any, dtype: str, rows: int) -> None:
    """With layers longer than a block of terms, whose rows are whole pages apart; in momentum, too."""
    random, sizes = np.random.default_rng(0), [512, 1024, 512, 3]
    X, Y = random.normal(size=(rows, 512)).astype(dtype), random.random((rows, 3)).astype(dtype)
    for rule in (Descent(), Momentum(0.9)):
        ends = []
        for module in (numba, samenet.backend("numpy")):
            net = module.Network(sizes, activation="tanh", seed=1, dtype=dtype)
            net.backend.run_updates(net.model, X, Y, rule, alpha=0.01, batch_size=rows)
            ends.append(net.parameters)
        assert np.allclose(*ends, rtol=0, atol=1e-5 if dtype == "float32" else 1e-13)
