"""Tutorial 004's sweeps: the error by alpha and by hidden layer width, and how often weights reverse direction."""

import numpy as np
import pytest

import samenet
from samenet import DirectionChanges

X, Y = [[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], [[0], [1], [1], [0]]


def _network(backend, hidden=4):
    return backend.Network([3, hidden, 1], init="symmetric_uniform", bias=False, seed=np.random.RandomState(1))


# (alpha, hidden): mean absolute errors before epochs 0, 10,000, ..., 50,000 and at the end, known to 12 digits; the
# largest |w| at the end, to 4 digits, unless it depends on the order of a sum; and how far the same in long double is
# from the same in float64.
SWEEP = {
    (0.001, 4): (
        [0.496410031903, 0.495164025493, 0.493596043188, 0.491606358559, 0.489100166544, 0.485977857846],
        (0.482132314654, 1.535, 3e-16),
    ),
    (0.01, 4): (
        [0.496410031903, 0.457431074442, 0.359097202563, 0.239358137159, 0.143070659013, 0.0985964298089],
        (0.0759537511368, 7.634, 8e-16),
    ),
    (0.1, 4): (
        [0.496410031903, 0.0428880170001, 0.0240989942285, 0.0181106521468, 0.0149876162722, 0.0130144905381],
        (0.0116312401778, 9.403, 1e-16),
    ),
    (1, 4): (
        [0.496410031903, 0.00858452565325, 0.00578945986251, 0.00462917677677, 0.00395876528027, 0.00351012256786],
        (0.00318350238587, 10.32, 1e-16),
    ),
    (10, 4): (
        [0.496410031903, 0.00312938876301, 0.00214459557985, 0.00172397549956, 0.00147821451229, 0.00131274062834],
        (0.00119180065353, 14.88, 6e-17),
    ),
    (100, 4): (
        [0.496410031903, 0.125476983853, 0.125330333529, 0.125267728768, 0.125231073664, 0.12520635276],
        (0.12518826523, 17.24, 2e-11),
    ),
    (1000, 4): ([0.496410031903, 0.5, 0.5, 0.5, 0.5, 0.5], (0.5, None, 6e-17)),
    (0.001, 32): (
        [0.496439922501, 0.491049468129, 0.484976307027, 0.477830678793, 0.46903846539, 0.458029258565],
        (0.444277528537, 1.549, 1e-16),
    ),
    (0.01, 32): (
        [0.496439922501, 0.356379061648, 0.146939845465, 0.0880156127416, 0.065147819275, 0.0529658087026],
        (0.0453039645077, 4.773, 4e-16),
    ),
    (0.1, 32): (
        [0.496439922501, 0.0305404908386, 0.0190638725334, 0.0147643907296, 0.0123892429905, 0.0108421669738],
        (0.00973672918948, 5.762, 9e-17),
    ),
    (1, 32): (
        [0.496439922501, 0.00736052234249, 0.00497251705039, 0.00396863978159, 0.00338641021983, 0.00299625684932],
        (0.00271211489906, 7.109, 3e-17),
    ),
    (10, 32): (
        [0.496439922501, 0.00225381368217, 0.0015410202525, 0.00123879516941, 0.00106233736445, 0.000943487852261],
        (0.000856579370018, None, 2e-07),
    ),
    (100, 32): ([0.496439922501, 0.5, 0.5, 0.5, 0.5, 0.5], (0.5, 6.3, 0)),
    (1000, 32): ([0.496439922501, 0.5, 0.5, 0.5, 0.5, 0.5], (0.5, 62.04, 0)),
}


def _sweep(backend, alpha, hidden, epochs=60000):
    """Train, and compare with the row; the final rounding error may be a few times `spread`."""
    net = _network(backend, hidden)
    settings = {"monitors": ["mean_absolute_error"], "record_every": 10000, "reduction": "sum"}
    history = net.train(X, Y, alpha=alpha, epochs=epochs, **settings)
    errors, (at_end, largest, spread) = SWEEP[alpha, hidden]
    atol = 5e-12 + 100 * spread
    got = history["mean_absolute_error"]
    np.testing.assert_allclose(got, errors[: len(got)], rtol=0, atol=atol)
    if epochs == 60000:
        assert len(got) == 6
        assert abs(abs(net.predict(X) - Y).mean() - at_end) <= atol
        assert largest is None or abs(net.parameters).max() == pytest.approx(largest, rel=1e-3)
    return net


@pytest.mark.compiled
@pytest.mark.parametrize(("alpha", "hidden"), SWEEP)
def test_sweep(alpha, hidden):
    _sweep(samenet.backend("numba"), alpha, hidden)


@pytest.mark.compiled
@pytest.mark.parametrize(("alpha", "hidden", "epochs"), [(0.1, 4, 10001), (10, 4, 10001), (1, 32, 60000)])
def test_sweep_in_numpy(alpha, hidden, epochs):
    """The whole with one alpha; `test_golden.test_eleven_lines` has all 60,000 with another."""
    _sweep(samenet.backend("numpy"), alpha, hidden, epochs)


@pytest.mark.compiled
@pytest.mark.parametrize(("alpha", "hidden"), [(1, 4), (10, 32)])
def test_sweep_begins_so_in_the_reference(alpha, hidden):
    _sweep(samenet.backend("reference"), alpha, hidden, epochs=10001)


# Direction changes in 60,000 updates: those of the first matrix (n_in, n_out), of the second, and their sum. With the
# other alphas, the last change comes within the 10,000 that test_examples_004.py counts.
CHANGES = {
    0.001: ([[0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 1, 1]], [1, 1, 0, 1], 6),
    0.01: ([[1, 1, 0, 0], [2, 0, 0, 2], [4, 2, 1, 1]], [2, 1, 0, 1], 18),
    100: ([[8, 7, 3, 2], [13, 8, 2, 4], [16, 13, 12, 8]], [13, 11, 12, 10], 142),
}


@pytest.mark.compiled
@pytest.mark.parametrize("alpha", CHANGES)
def test_direction_changes(alpha):
    net = _network(samenet.backend("numba"))
    count = DirectionChanges(net, X, Y, reduction="sum")
    net.train(X, Y, alpha=alpha, epochs=60000, reduction="sum", record_every=0, callback=count)
    first, second, total = CHANGES[alpha]
    assert count.changes.weights[0].T.tolist() == first
    assert count.changes.weights[1].ravel().tolist() == second
    assert count.total == total


def _changes_as_the_tutorial(alpha, iterations):
    """The tutorial's own loop, in its own names."""
    random, (x, y) = np.random.RandomState(1), (np.array(X), np.array(Y))
    synapses = [2 * random.random_sample(shape) - 1 for shape in ((3, 4), (4, 1))]
    previous, count = None, [np.zeros(s.shape, int) for s in synapses]
    for _ in range(iterations):
        layer_1 = 1 / (1 + np.exp(-x @ synapses[0]))
        layer_2 = 1 / (1 + np.exp(-layer_1 @ synapses[1]))
        layer_2_delta = (y - layer_2) * layer_2 * (1 - layer_2)
        layer_1_delta = layer_2_delta @ synapses[1].T * layer_1 * (1 - layer_1)
        updates = [x.T @ layer_1_delta, layer_1.T @ layer_2_delta]
        if previous is not None:
            for c, update, before in zip(count, updates, previous, strict=True):
                c += abs(((update > 0) + 0) - ((before > 0) + 0))
        for synapse, update in zip(synapses, updates, strict=True):
            synapse += alpha * update
        previous = updates
    return count


@pytest.mark.compiled
@pytest.mark.parametrize("alpha", [1, 10, 100])
@pytest.mark.parametrize("epochs", [1, 2, 300])
def test_direction_changes_of_the_first_steps(backend, alpha, epochs):
    net, plain = _network(backend), _network(backend)
    count = DirectionChanges(net, X, Y, reduction="sum")
    settings = {"alpha": alpha, "epochs": epochs, "reduction": "sum"}
    assert net.train(X, Y, **settings, callback=count).epochs_done == epochs  # it does not end the training
    plain.train(X, Y, **settings)
    np.testing.assert_array_equal(net.parameters, plain.parameters)
    expected = _changes_as_the_tutorial(alpha, epochs)
    assert [W.T.tolist() for W in count.changes.weights] == [c.tolist() for c in expected]
    if epochs != 2:
        assert (count.total > 0) == (epochs > 2)


def test_directions_go_on_from_training_to_training(backend):
    """Biases are counted, too, and counting continues in a second call of `train`."""
    whole = backend.Network([3, 4, 1], seed=0)
    parts = whole.copy()
    counts = []
    for net, epochs in ((whole, (60,)), (parts, (20, 40))):
        counts.append(DirectionChanges(net, X, Y))
        for e in epochs:
            net.train(X, Y, alpha=30, epochs=e, callback=counts[-1])
    assert counts[0].changes.flat.tolist() == counts[1].changes.flat.tolist()
    assert sum(b.sum() for b in counts[0].changes.biases) > 0


def test_the_directions_of_a_hand_made_descent(backend):
    """One weight and x = 1, with targets that alternately pull it up and down; a slope of 0 is not up."""
    net = backend.Network([1, 1], bias=False, weights=[[[0.0]]])
    count = DirectionChanges(net, [[1.0]], [[0.5]])  # no slope at all at w = 0
    slopes = []
    for w in (-1.0, 0.0, -1.0, 1.0, 2.0):  # up, none, up, down, and one that is not made any more
        net.parameters = [w]
        slopes.append(net.gradient([[1.0]], [[0.5]])[1].flat[0])
        assert count(net, None) is None
    assert (np.sign(slopes) == [-1, 0, -1, 1, 1]).all()
    assert count.total == 4  # from none to up and back, and to up again and down


def test_bad_input():
    net = _network(samenet.backend("numpy"))
    with pytest.raises(TypeError, match="net: expected a Network, got 3"):
        DirectionChanges(3, X, Y)
    with pytest.raises(ValueError, match="Y: expected shape"):
        DirectionChanges(net, X, Y[:2])
    with pytest.raises(ValueError, match="reduction"):
        DirectionChanges(net, X, Y, reduction="none")


def test_the_table_of_hidden_states(backend):
    """Tutorial 004, part 1: how a hidden node goes with the output; its table, as the states of a hidden layer.

    The text calls the second column slightly correlated; the first is more so.
    """
    table = np.array([[0.1, 0.2, 0.5, 0.2], [0.2, 0.6, 0.7, 0.1], [0.3, 0.2, 0.3, 0.9], [0.2, 0.1, 0.3, 0.8]])
    before_sigmoid = np.log(table / (1 - table))
    net = backend.Network([4, 4, 1], bias=False, weights=[before_sigmoid.T, [[1.0] * 4]])
    _, hidden, output = net.feed_forward(np.eye(4))
    np.testing.assert_allclose(hidden, table, rtol=1e-14)
    np.testing.assert_allclose(output, 1 / (1 + np.exp(-table.sum(axis=1, keepdims=True))), rtol=1e-14)
    r = [np.corrcoef(column, np.ravel(Y))[0, 1] for column in hidden.T]
    assert r[1] == pytest.approx(0.651, abs=5e-4)
    assert r[0] == pytest.approx(0.707, abs=5e-4)
