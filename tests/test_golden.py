"""Numbers known independently: computed by hand, or with the tutorials' own programs.

The tutorials are the sources of the network: 000 (digits), 001 (a worked step), 002 (a class), 003 (scores) and 004
(eleven lines). Each test reproduces a tutorial's initial weights from its own random stream.
"""

import functools
import math

import numpy as np
import pytest
from agreement import compare

from samenet import data
from samenet.testing import tolerance

pytestmark = pytest.mark.filterwarnings("error::samenet.UnreachableTargetsWarning")

# Tutorial 000, section 3: one sample through 3-3-1 ------------------------------------------------------------------


def test_first_network_of_the_tutorial(backend, record):
    net = backend.Network(
        [3, 3, 1], weights=[[[0.2] * 3, [0.4] * 3, [0.6] * 3], [[0.5] * 3]], biases=[[0.8] * 3, [0.2]]
    )
    x = [1.5, 2.0, 3.0]
    _, hidden, output = net.feed_forward(x)
    assert output[0] == 0.8354556612475645
    assert net.predict(x)[0] == 0.8354556612475645
    assert (net.predict([x] * 5)[:, 0] == 0.8354556612475645).all()
    expected = [0.8909031788043871, 0.9677045353015495, 0.990986701347152]
    record("golden: activations", compare(hidden, expected, tolerance.forward(net.model, x)[1], "float64"))


# Tutorial 001: one step of 1-1-1 ------------------------------------------------------------------------------------

# x = .8, y = 1, w1 = 1.58, b1 = -.14, w2 = 2.45, b2 = -.11, step .1; worked in plain floats, in this order.
STEP = {
    "z1": 1.124,  # w1 x + b1
    "a1": 0.7547299213576082,  # sigmoid(z1)
    "z2": 1.73908830732614,  # w2 a1 + b2
    "a2": 0.850571226530534,
    "cost": 0.011164479170294499,  # (a2 - y)^2 / 2
    "slope1": 0.18511266716514674,  # sigmoid'(z1)
    "slope2": 0.12709981512887705,
    "dc_da2": -0.14942877346946604,  # a2 - y
    "dc_db2": -0.018992369482903983,  # slope2 dc_da2
    "dc_dw2": -0.014334109526226761,  # a1 dc_db2
    "dc_da1": -0.04653130523311476,  # w2 dc_db2
    "dc_db1": -0.008613534018377424,  # slope1 dc_da1
    "dc_dw1": -0.006890827214701939,  # x dc_db1
    "new w1": 1.5806890827214704,
    "new b1": -0.13913864659816227,
    "new w2": 2.451433410952623,
    "new b2": -0.1081007630517096,
    "new a2": 0.8510309824120517,
    "new cost": 0.011095884100559231,
}


def test_worked_step(backend, record):
    x, y, w1, b1, w2, b2, step = 0.8, 1.0, 1.58, -0.14, 2.45, -0.11, 0.1
    net = backend.Network([1, 1, 1], weights=[[[w1]], [[w2]]], biases=[[b1], [b2]])
    before = net.copy()
    _, (a1,), (a2,) = net.feed_forward([x])
    cost, slope = net.gradient([x], [y])
    dw1, db1, dw2, db2 = slope.flat
    net.train([[x]], [[y]], alpha=step, epochs=1)

    # What the network does not return follows from what it does, in the tutorial's formulas.
    got = {"z1": w1 * x + b1, "a1": a1, "z2": w2 * a1 + b2, "a2": a2, "cost": cost}
    got |= {"slope1": a1 * (1 - a1), "slope2": a2 * (1 - a2), "dc_da2": a2 - y}
    got |= {"dc_db2": db2, "dc_dw2": dw2, "dc_da1": w2 * db2, "dc_db1": db1, "dc_dw1": dw1}
    got |= dict(zip(("new w1", "new b1", "new w2", "new b2"), net.parameters, strict=True))
    got |= {"new a2": net.predict([x])[0], "new cost": net.cost([x], [y])}
    assert list(got) == list(STEP)
    assert len(got) == 19
    if backend.name == "reference":
        assert got == STEP  # bit by bit: the same operations in the same order

    (_, (e1,), (e2,)), (e_cost, e) = tolerance.forward(before.model, [x]), tolerance.gradient(before.model, [x], [y])
    ulp = 2.0**-52  # one operation on numbers below 2 adds less
    allowed = {"z1": 0, "a1": e1, "z2": w2 * e1 + 2 * ulp, "a2": e2, "cost": e_cost}
    allowed |= {"slope1": e1 + ulp, "slope2": e2 + ulp, "dc_da2": e2 + ulp}
    allowed |= dict(zip(("dc_dw1", "dc_db1", "dc_dw2", "dc_db2"), e.flat, strict=True))
    allowed["dc_da1"] = w2 * allowed["dc_db2"] + ulp
    moved = tolerance.update(before.model, [x], [y], step)
    allowed |= dict(zip(("new w1", "new b1", "new w2", "new b2"), moved, strict=True))
    # The new output moves by less than the sum of what its weights move by: every slope is below 1.
    e2 = tolerance.forward(net.model, [x])[2][0] + moved.sum()
    allowed |= {"new a2": e2, "new cost": e2 + ulp}
    for name, value in STEP.items():
        record("golden: worked step", compare(got[name], value, allowed[name]))


# Tutorial 001: a network 2-3-2, online ------------------------------------------------------------------------------

AFTER_ONE_STEP = {
    "weights": [
        [
            [-0.11738907891454071, 0.45404967777136485],
            [-0.6577281283667454, 0.5662596554083136],
            [-0.1582082062491615, -0.8753298065622904],
        ],
        [
            [0.007213398685085713, -0.49464210969243627, -0.8201381409764879],
            [-0.865302316289459, -0.07493331265769729, -0.7690447247644799],
        ],
    ],
    "biases": [
        [0.5370138388568242, 0.7599472770415682, 0.01702787718854813],
        [-0.33337477682095795, 0.07526987250180259],
    ],
}
X_001, Y_001 = [[0.8, 0.2]], [[0.0, 1.0]]


def test_online_steps(backend):
    """The weights after the first step are known, so the initial ones are computed from them.

    theta_1 = theta_0 - alpha g(theta_0). Because alpha g changes slowly with theta, iterating theta_0 = theta_1 + alpha
    g(theta_0) converges to the last digit.
    """
    after = backend.Network([2, 3, 2], **AFTER_ONE_STEP)
    net = after.copy()
    for _ in range(40):
        net.parameters = after.parameters + 0.1 * net.gradient(X_001, Y_001)[1].flat

    np.testing.assert_allclose(net.predict(X_001[0]), [0.2767680516374988, 0.294409667503439], rtol=0, atol=1e-12)
    assert abs(net.cost(X_001, Y_001) - 0.2872291358599124) < 1e-12
    net.train(X_001, Y_001, alpha=0.1, epochs=1, batch_size=1)
    np.testing.assert_allclose(net.parameters, after.parameters, rtol=0, atol=1e-12)
    np.testing.assert_allclose(net.predict(X_001[0]), [0.2747327668163648, 0.300632907393537], rtol=0, atol=1e-12)
    assert abs(net.cost(X_001, Y_001) - 0.28229621169169605) < 1e-12
    net.train(X_001, Y_001, alpha=0.1, epochs=999, batch_size=1)
    assert abs(net.cost(X_001, Y_001) - 0.002791804788937767) < 1e-12


# Tutorials 002 to 004: small tables ---------------------------------------------------------------------------------

X_XOR, Y_XOR = [[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], [[0], [1], [1], [0]]

CLASS_IN_NUMPY = {  # seed: (sum of squared errors at 0, 1, 10, 100, 1000 and after 1500; outputs after 1500)
    0: (
        [1.29810381349, 1.02728076005, 0.997567990841, 0.787766966657, 0.00497731030039, 0.00279765196993],
        [0.010091422, 0.971590484, 0.971678133, 0.032963411],
    ),
    1: (
        [1.31183821494, 1.06887065806, 0.999362005063, 0.983370126967, 0.00599953957902, 0.00335576644567],
        [0.009653537, 0.968947488, 0.968861582, 0.036451558],
    ),
    2: (
        [1.25069152331, 1.03753101779, 0.998948606103, 0.93030893286, 0.00320852355697, 0.00181972305861],
        [0.018364486, 0.981441712, 0.975552318, 0.023245848],
    ),
    3: (
        [1.36683171171, 1.12216716369, 1.00207723536, 0.962659422544, 0.00289471950103, 0.00159581997488],
        [0.014780417, 0.979954817, 0.978634368, 0.022782881],
    ),
    4: (
        [1.503745183, 1.24069471672, 1.00389150935, 0.831362020081, 0.00286173950732, 0.00160785200412],
        [0.012731660, 0.978982701, 0.978758216, 0.023512052],
    ),
}


@pytest.mark.compiled
@pytest.mark.parametrize("seed", CLASS_IN_NUMPY)
def test_class_in_numpy(backend, seed):
    """Tutorial 002 descends the sum of squares, twice our cost, with step 1: so alpha is 2."""
    net = backend.Network([3, 4, 1], init="uniform_in_out", bias=False, seed=np.random.RandomState(seed))
    history = net.train(X_XOR, Y_XOR, alpha=2, epochs=1501, reduction="sum")
    squares, outputs = CLASS_IN_NUMPY[seed]
    got = 2 * history.cost[[0, 1, 10, 100, 1000, 1500]]
    np.testing.assert_allclose(got, squares, rtol=6e-12)  # known to 12 digits
    net = backend.Network([3, 4, 1], init="uniform_in_out", bias=False, seed=np.random.RandomState(seed))
    net.train(X_XOR, Y_XOR, alpha=2, epochs=1500, reduction="sum")
    np.testing.assert_allclose(net.predict(X_XOR).ravel(), outputs, rtol=0, atol=6e-10)  # to 9 places


SCORES = {  # seed: (outputs, cost)
    0: ([0.6739991541, 0.6446156414, 0.6696858329], 0.05214963371099622),
    1: ([0.5358253139, 0.7056511929, 0.7445490046], 0.046669258768349486),
    2: ([0.5103575366, 0.3833562472, 0.4516450411], 0.238454871922793),
    3: ([0.4191393815, 0.3983026828, 0.3901499517], 0.2893677254053929),
    4: ([0.4673431977, 0.5189210872, 0.5066395732], 0.17488871530390376),
}


@pytest.mark.parametrize("seed", SCORES)
def test_scores(backend, seed):
    """Tutorial 003: hours of sleep and study over their largest, scores over 100."""
    X, Y = np.array([[3, 5], [5, 1], [10, 2]]) / [10, 5], np.array([[75], [82], [93]]) / 100
    net = backend.Network([2, 3, 1], init="normal_in_out", bias=False, seed=np.random.RandomState(seed))
    outputs, cost = SCORES[seed]
    np.testing.assert_allclose(net.predict(X).ravel(), outputs, rtol=0, atol=6e-11)  # to 10 places
    assert abs(net.cost(X, Y, reduction="sum") - cost) < 1e-15
    assert abs(net.gradient(X, Y, reduction="sum")[0] - cost) < 1e-15


@pytest.mark.compiled
def test_eleven_lines(fast):
    """Tutorial 004: 60,000 steps; its output is that of the last step's forward pass, before the update.

    In loops, the first 10,000 of them: `test_directions.test_sweep_begins_so_in_the_reference`.
    """
    net = fast.Network([3, 4, 1], init="symmetric_uniform", bias=False, seed=np.random.RandomState(1))
    settings = {"alpha": 1, "reduction": "sum", "monitors": ["mean_absolute_error"], "record_every": 10000}
    history = net.train(X_XOR, Y_XOR, epochs=59999, **settings)
    assert history.epochs.tolist() == [0, 10000, 20000, 30000, 40000, 50000]
    errors = [0.4964100319027255, 0.008584525653247152, 0.00578945986250781]
    errors += [0.004629176776769985, 0.003958765280273649, 0.003510122567861677]
    np.testing.assert_allclose(history["mean_absolute_error"], errors, rtol=0, atol=1e-12)
    outputs = [0.0026057245999589304, 0.9967220868897564, 0.9970171078634206, 0.0038675930955976733]
    np.testing.assert_allclose(net.predict(X_XOR).ravel(), outputs, rtol=0, atol=1e-12)

    net.train(X_XOR, Y_XOR, alpha=1, epochs=1, reduction="sum")
    synapse_0 = [
        [4.601357097887595, 4.171971929551631, -6.309562451905658, -4.197451175646529],
        [-2.5841348360008505, -5.814479292280622, -6.6079343531196, -3.683961233012227],
        [0.9753867879450971, -2.026857753141328, 2.529497509188097, 5.843717394604801],
    ]
    synapse_1 = [-6.967657631412922, 7.141019485765201, -10.31917382274882, 7.861284050871796]
    np.testing.assert_allclose(net.weights[0].T, synapse_0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(net.weights[1].ravel(), synapse_1, rtol=0, atol=1e-12)


# Tutorial 000, section 5: the digits --------------------------------------------------------------------------------


@functools.cache
def _digits(seed):
    """Scaled on all rows and then split, as the tutorial does."""
    digits = data.digits()
    parts = data.split(data.standard_scaler(digits.X).transform(digits.X), digits.y, test_size=0.4, seed=seed)
    return parts, data.one_hot(parts.y_train, 10)


# The mean of ||y - h||, the tutorial's average cost, before epochs 0, 1, 10, 100, 1000, 2000, 2999, and at the end.
MEAN_NORM = [2.824933527950, 2.823390822202, 2.808890799228, 2.600138398016]
MEAN_NORM += [0.759552964778, 0.555719733542, 0.423538536950, 0.423439110404]


@pytest.mark.compiled
def test_digits(fast):
    parts, Y = _digits(0)
    assert parts.y_train[:5].tolist() == [6, 5, 3, 0, 2]
    net = fast.Network([64, 30, 10], init="uniform", seed=np.random.RandomState(0))
    history = net.train(parts.X_train, Y, alpha=0.25, epochs=3000, monitors=["mean_norm"])
    at_end = np.linalg.norm(Y - net.predict(parts.X_train), axis=1).mean()
    got = [*history["mean_norm"][[0, 1, 10, 100, 1000, 2000, 2999]], at_end]
    np.testing.assert_allclose(got[:4], MEAN_NORM[:4], rtol=0, atol=2e-12)  # known to 12 places
    np.testing.assert_allclose(got, MEAN_NORM, rtol=0, atol=1e-10)
    norms = [np.linalg.norm(p) for p in (*net.weights, *net.biases)]
    np.testing.assert_allclose(norms, [26.4314690235, 11.3459258251, 2.3483668831, 7.3246938345], rtol=0, atol=1e-10)
    accuracies = [(net.classify(X) == y).mean() for X, y in zip(parts[:2], parts[2:], strict=True)]
    np.testing.assert_allclose(accuracies, [0.927644, 0.890125], atol=5e-7)


@pytest.mark.compiled
def test_digits_on_the_reference():
    from samenet.reference import Network

    parts, Y = _digits(0)
    net = Network([64, 30, 10], init="uniform", seed=np.random.RandomState(0))
    history = net.train(parts.X_train, Y, alpha=0.25, epochs=2, monitors=["mean_norm"])
    np.testing.assert_allclose(history["mean_norm"], MEAN_NORM[:2], rtol=0, atol=1e-12)


# The same training in the tutorial's form: dictionaries of layers from 1, one sample at a time, sums of the gradients.


def _f(z):
    return 1 / (1 + np.exp(-z))


def _f_deriv(z):
    f = _f(z)
    return f * (1 - f)


def _initial(structure, random):
    W, b = {}, {}
    for layer in range(1, len(structure)):
        W[layer] = random.random_sample((structure[layer], structure[layer - 1]))
        b[layer] = random.random_sample((structure[layer],))
    return W, b


def _descend_as_the_tutorial(W, b, X, Y, alpha, iterations, keep):
    """Changes W and b in place; returns the costs, and copies of W and b after the iterations in `keep`."""
    last, m, costs, kept = len(W) + 1, len(X), [], {}
    for iteration in range(iterations):
        sum_W, sum_b = ({layer: np.zeros(p.shape) for layer, p in group.items()} for group in (W, b))
        cost = 0.0
        for x, y in zip(X, Y, strict=True):
            h, z, delta = {1: x}, {}, {}
            for layer in range(1, last):
                z[layer + 1] = W[layer].dot(h[layer]) + b[layer]
                h[layer + 1] = _f(z[layer + 1])
            for layer in range(last, 0, -1):
                if layer == last:
                    delta[layer] = -(y - h[layer]) * _f_deriv(z[layer])
                    cost += np.linalg.norm(y - h[layer])
                    continue
                if layer > 1:
                    back = W[layer].T.dot(delta[layer + 1])
                    delta[layer] = back * _f_deriv(z[layer])
                sum_W[layer] += delta[layer + 1][:, np.newaxis].dot(h[layer][np.newaxis, :])
                sum_b[layer] += delta[layer + 1]
        for layer in range(last - 1, 0, -1):
            W[layer] += -alpha * (1 / m * sum_W[layer])
            b[layer] += -alpha * (1 / m * sum_b[layer])
        costs.append(cost / m)
        if iteration + 1 in keep:
            kept[iteration + 1] = np.concatenate([p[layer].ravel() for layer in W for p in (W, b)])
    return np.array(costs), kept


@functools.cache
def _tutorial_run(seed, rows, iterations):
    parts, Y = _digits(seed)
    X, Y = parts.X_train[:rows], Y[:rows]
    W, b = _initial([64, 30, 10], np.random.RandomState(seed))
    return X, Y, *_descend_as_the_tutorial(W, b, X, Y, 0.25, iterations, (20, iterations))


def _compare_with_the_tutorial(cls, seed, rows, iterations):
    X, Y, costs, parameters = _tutorial_run(seed, rows, iterations)
    net = cls([64, 30, 10], init="uniform", seed=np.random.RandomState(seed))
    start = net.parameters.copy()
    for epochs, bound in ((20, 1e-12), (iterations, 1e-10)):
        net.parameters = start
        history = net.train(X, Y, alpha=0.25, epochs=epochs, monitors=["mean_norm"])
        np.testing.assert_allclose(net.parameters, parameters[epochs], rtol=0, atol=bound)
        np.testing.assert_allclose(history["mean_norm"], costs[:epochs], rtol=0, atol=bound)
    assert abs(net.parameters - start).max() > 0.05  # it has moved at all


@pytest.mark.compiled
@pytest.mark.parametrize(("seed", "rows", "iterations"), [(101, 300, 300), (2024, None, 20)])
def test_training_code_of_the_tutorial(fast, seed, rows, iterations):
    """`test_digits` uses all rows, in many iterations."""
    _compare_with_the_tutorial(fast.Network, seed, rows, iterations)


@pytest.mark.compiled
def test_training_code_of_the_tutorial_on_the_reference():
    from samenet.reference import Network

    _compare_with_the_tutorial(Network, 101, 40, 60)  # each is held to its own cost


def test_sigmoid_of_the_worked_step():
    """Plain floats give the literals above on this machine, too, so a failure of those tests is due to the network."""
    a1 = 1 / (1 + math.exp(-(1.58 * 0.8 - 0.14)))
    assert (a1, 1 / (1 + math.exp(-(2.45 * a1 - 0.11)))) == (STEP["a1"], STEP["a2"])
