"""Every backend gives the same answers as each one that is trusted more, to within a derived bound."""

import os
import subprocess
import sys

import agreement
import numpy as np
import pytest
from agreement import Descent
from inputs import CASES, Case


def _both(pair, case):
    return case.network(pair.backend.Network), case.network(pair.trusted.Network)


@pytest.mark.parametrize("case", CASES)
def test_forward(pair, case, record):
    for name, comparison in agreement.forward(*_both(pair, case), case.X):
        record(name, comparison)


@pytest.mark.parametrize("case", CASES)
def test_gradient(pair, case, record):
    for name, comparison in agreement.gradient(*_both(pair, case), case.X, case.Y):
        record(name, comparison)


DESCENTS = [
    Descent(13, passes=7),
    Descent(13, passes=3, reduction="sum", alpha=0.1),
    Descent(1, passes=2),
    Descent(1, passes=2, shuffled=True, reduction="sum"),
    Descent(5, passes=3),  # 5, 5, 3: the last batch is partial
    Descent(5, passes=3, shuffled=True),
    Descent(4, passes=3, shuffled=True, reduction="sum", alpha=0.2),  # 4, 4, 4, 1
]
SMALL = [
    Case((4, 3, 2), 13),
    Case((4, 3, 2), 13, bias=False),
    Case((5, 7, 3, 2), 13, dtype="float32"),
    Case((5, 7, 3, 2), 13),
]
LARGE = [
    Descent(66, passes=2),
    Descent(65, passes=2, shuffled=True),
    Descent(7, shuffled=True, reduction="sum", alpha=0.1),
]


@pytest.mark.parametrize("descent", DESCENTS, ids=str)
@pytest.mark.parametrize("case", SMALL, ids=str)
def test_lockstep(pair, case, descent, record):
    for name, comparison in agreement.lockstep(*_both(pair, case), case.X, case.Y, descent):
        record(name, comparison)


@pytest.mark.compiled
@pytest.mark.parametrize("descent", LARGE, ids=str)
def test_lockstep_on_a_larger_network(pair, descent, record):
    case = Case((64, 30, 10), 66)
    for name, comparison in agreement.lockstep(*_both(pair, case), case.X, case.Y, descent):
        record(name, comparison)


@pytest.mark.parametrize("descent", DESCENTS, ids=str)
@pytest.mark.parametrize("case", [*SMALL[:2], Case((4, 3, 2), 13, dtype="float32")], ids=str)
def test_all_updates_in_one_call(pair, case, descent, record):
    for name, comparison in agreement.free_run(*_both(pair, case), case.X, case.Y, descent):
        record(name, comparison)


@pytest.mark.compiled
@pytest.mark.parametrize(
    "descent", [Descent(130, passes=50), Descent(70, passes=25, shuffled=True), Descent(64, passes=17)], ids=str
)
def test_fifty_updates_of_more_than_one_block(pair, descent, record):
    case = Case((5, 7, 3, 2), 130)
    for name, comparison in agreement.free_run(*_both(pair, case), case.X, case.Y, descent):
        record(name, comparison)


def test_training_is_the_same_updates(pair, record):
    """`train` draws one permutation an epoch from its seed, for every backend the same."""
    case = Case((4, 3, 2), 13)
    network, trusted = _both(pair, case)
    history = network.train(case.X, case.Y, alpha=0.5, epochs=12, batch_size=5, seed=3)
    random = np.random.default_rng(3)
    orders = [random.permutation(13) for _ in range(12)]
    visits = [order[start : start + 5] for order in orders for start in (0, 5, 10)]
    start = trusted.cost(case.X, case.Y)
    _, _, distance = agreement.one_by_one(trusted, case.X, case.Y, Descent(5), visits)
    record("training: parameters", agreement.compare(network.parameters, trusted.parameters, distance))
    assert len(history.cost) == 12
    assert history.cost[0] == pytest.approx(start, rel=1e-13)
    assert network.cost(case.X, case.Y) < history.cost[11] < history.cost[0]


@pytest.mark.parametrize("case", {str(c): c for p in CASES for c in p.values}.values(), ids=str)
def test_no_layer_saturates(case):
    """Where it does, a comparison proves nothing."""
    from samenet.fast.numpy import Network

    for h in case.network(Network).feed_forward(case.X)[1:]:
        assert np.mean((h > 0.02) & (h < 0.98)) > 0.8


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("z", [1000.0, 1e30])
def test_far_out_the_sigmoid_is_exactly_0_or_1(backend, z, dtype):
    """And without a warning: a warning is an error in these tests."""
    net = backend.Network([1, 3, 2], dtype=dtype, weights=[[[z], [-z], [0]], [[z, z, 0], [-z, 0, -z]]])
    for x in ([1.0], [[1.0]] * 5):
        _, hidden, output = net.feed_forward(x)
        assert (hidden == [1.0, 0.0, 0.5]).all()
        assert (output == [1.0, 0.0]).all()
        assert (net.predict(x) == [1.0, 0.0]).all()
    cost, slope = net.gradient([[1.0]] * 5, [[0.0, 0.0]] * 5)
    assert cost == 0.5
    assert (slope.flat == 0).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rows", [1, 6])
def test_nan_is_kept(backend, rows, dtype):
    case = Case((4, 3, 2), rows, dtype=dtype)
    net = case.network(backend.Network)
    net.weights[0][1, 2] = np.nan
    _, hidden, output = net.feed_forward(case.X)
    assert np.isnan(hidden[:, 1]).all()
    assert np.isfinite(hidden[:, [0, 2]]).all()
    assert np.isnan(output).all()
    assert np.isnan(net.predict(case.X)).all()
    assert np.isnan(net.predict(case.X[0])).all()
    cost, slope = net.gradient(case.X, case.Y)
    assert np.isnan(cost)
    assert np.isnan(slope.flat).all()


def test_infinite_weights_saturate(backend):
    net = backend.Network([1, 2], weights=[[[1.0], [1.0]]])
    net.weights[0][:, 0] = np.inf, -np.inf
    with np.errstate(invalid="ignore"):  # BLAS may multiply infinity by the zeros that it pads a matrix with
        assert (net.predict([2.0]) == [1.0, 0.0]).all()
        assert (net.predict([[2.0]] * 5) == [1.0, 0.0]).all()


def test_the_same_call_gives_the_same_bits(backend):
    case = Case((5, 7, 3, 2), 9)
    net = case.network(backend.Network)
    assert net.predict(case.X).tobytes() == net.predict(case.X).tobytes()
    (cost, slope), (cost_again, slope_again) = net.gradient(case.X, case.Y), net.gradient(case.X, case.Y)
    assert cost == cost_again
    assert slope.flat.tobytes() == slope_again.flat.tobytes()
    runs = [case.network(backend.Network) for _ in range(2)]
    for run in runs:
        run.train(case.X, case.Y, alpha=0.5, epochs=5, batch_size=2, seed=1)
    assert runs[0].parameters.tobytes() == runs[1].parameters.tobytes()
    assert runs[0] != net


DIGEST = """
import hashlib, sys
from inputs import Case
import samenet
case = Case((100, 90, 50, 10), 130)
for name in samenet.backends():
    net = case.network(samenet.backend(name).Network)
    bits = hashlib.sha256(net.predict(case.X).tobytes())
    cost, slope = net.gradient(case.X, case.Y)
    bits.update(repr(cost).encode() + slope.flat.tobytes())
    net.train(case.X, case.Y, alpha=0.5, epochs=1, batch_size=100, seed=1)
    bits.update(net.parameters.tobytes())
    print(name, bits.hexdigest())
"""


@pytest.mark.compiled
def test_bits_do_not_depend_on_the_run_or_on_threads():
    """Loops and kernels give the same bits on any number of BLAS threads, NumPy for a given number of them.

    OpenBLAS parts a large product among its threads, so that its sums are made in another order. The kernels hand it
    only pieces that it keeps on one thread.
    """
    outputs = []
    for threads in ("1", "1", "2", "2"):
        path = os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"OPENBLAS_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads, "PYTHONPATH": path}
        run = subprocess.run([sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        outputs.append(dict(line.split() for line in run.stdout.splitlines()))
    assert outputs[0] == outputs[1]
    assert outputs[2] == outputs[3]
    for name in outputs[0]:
        if name != "numpy":
            assert outputs[0][name] == outputs[2][name], name
