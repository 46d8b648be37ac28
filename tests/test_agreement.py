"""Every backend agrees with the reference, within a derived bound."""

import itertools
import os
import subprocess
import sys
from dataclasses import replace

import agreement
import numpy as np
import pytest
import remembered
from agreement import Descent, Rule
from inputs import CASES, COMBINATIONS, PENALTIES, Case, Functions

import samenet
from samenet.model.functions import ACTIVATIONS
from samenet.optimizers import UPDATE_RULES, Adam, Momentum, Nesterov, RMSProp

PLAIN_KERNELS = True


@pytest.fixture(autouse=True)
def _the_trusted_answers_once(request, monkeypatch):
    if "pair" in request.fixturenames:
        remembered.once(monkeypatch)


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


@pytest.mark.parametrize("functions", COMBINATIONS, ids=str)
def test_every_activation_and_cost(pair, functions, record):
    kinds = [(True, "float64"), (False, "float32")] * 2
    first = COMBINATIONS.index(functions) % 2  # so that every penalty has met every function, and either kind
    for penalties, (bias, dtype) in zip(PENALTIES, kinds[first:], strict=False):
        case = Case((5, 7, 3, 2), 9, bias, dtype, functions=replace(functions, **penalties))
        networks = _both(pair, case)
        for name, comparison in agreement.forward(*networks, case.X):
            record(f"{functions.hidden}: {name}", comparison)
        for name, comparison in agreement.gradient(*networks, case.X, case.Y):
            record(f"{functions.cost}: {name}", comparison)


@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_dropout_and_drop_connect(pair, hidden, record):
    for sizes, rows in (((5, 7, 3, 2), 9), ((4, 3, 2), 130), ((3, 1), 4)):
        case = Case(sizes, rows, functions=Functions(hidden))
        for name, comparison in agreement.gradient(*_both(pair, case), case.X, case.Y, case.dropout):
            record(f"dropout: {name}", comparison)
        for dropout in (None, case.dropout):
            masks = dropout, case.drop_connect
            for name, comparison in agreement.gradient(*_both(pair, case), case.X, case.Y, *masks):
                record(f"DropConnect: {name}", comparison)


DESCENTS = [
    Descent(13, epochs=7),
    Descent(13, epochs=3, reduction="sum", alpha=0.1),
    Descent(1, epochs=2),
    Descent(1, epochs=2, shuffled=True, reduction="sum"),
    Descent(5, epochs=3),  # 5, 5, 3: the last batch is partial
    Descent(5, epochs=3, shuffled=True),
    Descent(4, epochs=3, shuffled=True, reduction="sum", alpha=0.2),  # 4, 4, 4, 1
]
SMALL = [
    Case((4, 3, 2), 13),
    Case((4, 3, 2), 13, bias=False),
    Case((5, 7, 3, 2), 13, dtype="float32"),
    Case((5, 7, 3, 2), 13),
]
LARGE = [
    Descent(66, epochs=2),
    Descent(65, epochs=2, shuffled=True),
    Descent(7, shuffled=True, reduction="sum", alpha=0.1),
]


@pytest.mark.parametrize("descent", DESCENTS, ids=str)
@pytest.mark.parametrize("case", SMALL, ids=str)
def test_lockstep(pair, case, descent, record):
    for name, comparison in agreement.lockstep(*_both(pair, case), case.X, case.Y, descent):
        record(name, comparison)


RULES = [
    *(Rule(rule()) for rule in UPDATE_RULES if rule.name != "descent"),
    Rule(Momentum(0.0)),
    Rule(RMSProp(0.5, 1e-3), clip_norm=0.05),
    Rule(Adam(0.5, 0.7, 1e-3), clip_value=0.01, dropout=True),
    Rule(clip_value=0.01),
    Rule(clip_norm=0.05),
    Rule(Nesterov(0.5), clip_value=0.02, clip_norm=0.05, dropout=True),
    Rule(dropout=True),
    Rule(drop_connect=True),
    Rule(Momentum(0.9), drop_connect=True),
    Rule(Nesterov(0.5), clip_value=0.02, dropout=True, drop_connect=True),
    Rule(RMSProp(0.5, 1e-3), clip_norm=0.05, drop_connect=True),
    Rule(Adam(0.5, 0.7, 1e-3), drop_connect=True),
]
RULED = [
    Case((5, 7, 3, 2), 13, functions=Functions("tanh", "softmax", "cross_entropy", l2=0.1)),
    Case((5, 7, 3, 2), 13, bias=False, dtype="float32", functions=Functions("relu", "identity")),
]


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("case", RULED, ids=str)
def test_updates_by_rule(pair, case, rule, record):
    for descent in (Descent(13, epochs=3, rule=rule), Descent(5, epochs=2, shuffled=True, reduction="sum", rule=rule)):
        for name, comparison in agreement.ruled(*_both(pair, case), case.X, case.Y, descent, case.masks):
            record(name, comparison)


@pytest.mark.compiled
@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("shuffled", [False, True])
def test_one_call_is_many(backend, rule, shuffled):
    """The bits are the same however updates are divided into calls, as long as the velocity is passed on."""
    case, descent = RULED[0], Descent(5, epochs=4, shuffled=shuffled)
    order, dropout, alphas = descent.order(13), case.dropout if rule.dropout else None, [0.5, 0.25, 0.2, 0.1]
    drop_connect = case.drop_connect if rule.drop_connect else None

    def run(cuts):
        network = case.network(backend.Network)
        settings = rule.settings(network) | {"batch_size": 5}
        costs = []
        for start, stop in itertools.pairwise(cuts):
            part = slice(start, stop)
            costs += list(
                agreement.run_updates(
                    network,
                    case.X,
                    case.Y,
                    alpha=alphas[part],
                    epochs=stop - start,
                    order=None if order is None else order[part],
                    dropout=None if dropout is None else dropout.after(13 * start),
                    drop_connect=None if drop_connect is None else drop_connect.after(3 * start),
                    **settings,
                )
            )
        return costs, network.parameters.tobytes()

    assert run([0, 4]) == run([0, 1, 2, 3, 4]) == run([0, 3, 4])
    assert len(run([0, 4])[0]) == 12


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
    "descent", [Descent(130, epochs=50), Descent(70, epochs=25, shuffled=True), Descent(64, epochs=17)], ids=str
)
def test_fifty_updates_of_more_than_one_block(pair, descent, record):
    case = Case((5, 7, 3, 2), 130)
    for name, comparison in agreement.free_run(*_both(pair, case), case.X, case.Y, descent):
        record(name, comparison)


def test_training_is_the_same_updates(pair, record):
    """`train` draws one permutation per epoch from its seed, the same for every backend."""
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
    """If a layer saturates, a comparison proves nothing."""
    from samenet.fast.numpy import Network

    for h in case.network(Network).feed_forward(case.X)[1:]:
        assert np.mean((h > 0.02) & (h < 0.98)) > 0.8


def test_l1_pulls_a_weight_to_0_and_leaves_it_there(backend):
    """Its slope is l1 sign(w), which is 0 at 0; in the gradient, and in the update of one sample and of several."""
    weights = [[[0.5, 0.0, -0.25], [0.0, -1.0, 0.0]], [[0.0, 2.0], [-2.0, 0.0]]]
    nets = [backend.Network([3, 2, 2], l1=l1, weights=weights) for l1 in (0.0, 0.125)]
    sign = np.sign(nets[0].parameters)
    for b in (*nets[0].biases, *nets[1].biases):
        assert (b == 0).all()
    for rows in (1, 5):
        X, Y = np.full((rows, 3), 0.5), np.full((rows, 2), 0.25)
        plain, pulled = (net.gradient(X, Y)[1].flat for net in nets)
        np.testing.assert_allclose(pulled - plain, 0.125 * sign, atol=1e-15)
        moved = [net.copy() for net in nets]
        for net in moved:
            net.train(X, Y, alpha=0.5, epochs=1)
        np.testing.assert_allclose(moved[1].parameters - moved[0].parameters, -0.0625 * sign, atol=1e-15)


@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("output", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_huge_weights_and_inputs_of_one_sign_overflow_alike(hidden, output, dtype):
    """If all terms of all sums have one sign, their order does not matter (in float32, without the reference)."""
    names = ("reference", "numpy", "numba") if dtype == "float64" else ("numpy", "numba")
    huge, overflows = 10.0 ** (300 if dtype == "float64" else 36), 0
    for seed in range(5):
        random = np.random.default_rng(seed)
        sizes = [random.choice([1.0, huge, huge**0.5], shape) for shape in ((4, 3), (2, 4), (5, 3))]
        *weights, X = (np.abs(random.normal(size=size.shape)) * size for size in sizes)
        ends = []
        for name in names:
            net = samenet.backend(name).Network([3, 4, 2], activation=[hidden, output], dtype=dtype, weights=weights)
            ends.append([net.predict(X), *map(net.predict, X), net.cost(X, np.eye(2)[[0, 1, 0, 1, 0]])])
        for end in ends[1:]:
            for got, expected in zip(end, ends[0], strict=True):
                assert np.isnan(got).tolist() == np.isnan(expected).tolist()
                assert np.isinf(got).tolist() == np.isinf(expected).tolist()
        with np.errstate(all="ignore"):
            overflows += np.isinf((X @ weights[0].T).astype(dtype)).sum()
    assert overflows > 5


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("z", [1000.0, 1e30])
def test_far_out_the_sigmoid_is_exactly_0_or_1(backend, z, dtype):
    """There is no warning either: a warning is an error in these tests."""
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
@pytest.mark.parametrize(
    ("output", "cost", "expected"),
    [("sigmoid", "binary_cross_entropy", 2000.0), ("softmax", "cross_entropy", 2000.0)],
)
def test_a_cross_entropy_is_finite_where_the_output_is_0_or_1(backend, output, cost, expected, dtype):
    """Its gradient is finite, too, and corrects an output of exactly 0 where the target is 1."""
    net = backend.Network([1, 2], activation=output, cost=cost, dtype=dtype, weights=[[[1000.0], [-1000.0]]])
    assert (net.predict([1.0]) == [1.0, 0.0]).all()
    right, wrong = [[1.0, 0.0]], [[0.0, 1.0]]
    assert net.cost([[1.0]], right) == 0.0
    assert net.cost([[1.0]], wrong) == expected
    value, slope = net.gradient([[1.0]], wrong)
    assert value == expected
    assert slope.weights[0].tolist() == [[1.0], [-1.0]]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_functions_far_out(backend, dtype):
    """They are exact, and give no warning, for one sample and for several."""
    far = [1e30, -1e30, 1000.0, -1000.0, 0.0]
    for activation, expected in {
        "tanh": [1.0, -1.0, 1.0, -1.0, 0.0],
        "relu": [1e30, 0.0, 1000.0, 0.0, 0.0],
        "identity": far,
        "softmax": [1.0, 0.0, 0.0, 0.0, 0.0],
    }.items():
        net = backend.Network([1, 5], activation=activation, dtype=dtype, weights=[[[z] for z in far]])
        for x in ([1.0], [[1.0]] * 5):
            assert (net.predict(x) == np.array(expected, dtype)).all(), activation


def test_tanh_of_a_small_number_keeps_its_digits(backend):
    net = backend.Network([1, 1], activation="tanh", weights=[[[1.0]]], bias=False)
    for z in (1e-300, 1e-20, 1e-8, 1e-3, 0.1, 0.34, 0.35, 1.0, 3.0):
        for x in (z, -z):
            assert float(net.predict([x])[0]) == pytest.approx(np.tanh(x), rel=1e-15)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_nan_passes_through_every_activation(backend, activation):
    net = backend.Network([2, 3, 2], activation=[activation, "sigmoid"], seed=0)
    net.weights[0][1, 0] = np.nan
    _, hidden, output = net.feed_forward([[1.0, 2.0]] * 5)
    assert np.isnan(hidden[:, 1]).all()
    assert np.isfinite(hidden[:, [0, 2]]).all() == (activation != "softmax")
    assert np.isnan(output).all()


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
import agreement, samenet
for name in samenet.backends():
    case = Case((100, 90, 50, 10), 5 if name == "reference" else 130)  # loops over lists are slow, and one thread
    net = case.network(samenet.backend(name).Network)
    bits = hashlib.sha256(net.predict(case.X).tobytes())
    cost, slope = net.gradient(case.X, case.Y)
    bits.update(repr(cost).encode() + slope.flat.tobytes())
    net.train(case.X, case.Y, alpha=0.5, epochs=1, batch_size=100, seed=1)
    bits.update(net.parameters.tobytes())
    print(name, bits.hexdigest())
_, trusted, *others = samenet.backends()  # the other tests compare them with the reference, with BLAS on one thread
for name in others:
    nets = [case.network(samenet.backend(n).Network) for n in (name, trusted)]
    assert all(c.ok for _, c in agreement.forward(*nets, case.X)), name
    assert all(c.ok for _, c in agreement.gradient(*nets, case.X, case.Y)), name
"""


@pytest.mark.compiled
def test_bits_do_not_depend_on_the_run_or_on_threads():
    """Loops and kernels give the same bits with any number of BLAS threads, NumPy with a given number of them.

    OpenBLAS divides a large product among its threads, which changes the order of its sums. The kernels pass it only
    pieces that it computes on one thread.
    """
    outputs = []
    for threads in ("1", "2", "2"):
        path = os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"OPENBLAS_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads, "PYTHONPATH": path}
        run = subprocess.run([sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        outputs.append(dict(line.split() for line in run.stdout.splitlines()))
    assert outputs[1] == outputs[2]
    for name in outputs[0]:
        if name != "numpy":
            assert outputs[0][name] == outputs[1][name], name
