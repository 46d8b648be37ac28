"""The network as an object: one vector behind all views, independent copies, comparison, pickling, description."""

import copy
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import samenet
from samenet.model.parameters import Parameters

PLAIN_KERNELS = True

NAMES = samenet.backends()
SIZES = [3, 5, 4, 2]
X = np.random.default_rng(0).normal(size=(6, 3))
Y = np.random.default_rng(1).random((6, 2))


@pytest.fixture(params=NAMES)
def Network(request: pytest.FixtureRequest) -> Any:
    return samenet.backend(request.param).Network


def test_views_of_one_contiguous_vector(Network: Any) -> None:
    net = Network(SIZES, seed=0)
    theta = net.parameters
    assert theta.flags.c_contiguous
    assert theta.ctypes.data % 64 == 0  # a cache line
    assert theta.shape == (5 * 4 + 4 * 6 + 2 * 5,)
    assert [W.shape for W in net.weights] == [(5, 3), (4, 5), (2, 4)]
    assert [b.shape for b in net.biases] == [(5,), (4,), (2,)]
    # Numbered in the order W1, b1, W2, b2, ...: in the views, every number is in its place.
    theta[:] = np.arange(theta.size)
    expected = 0
    for W, b in zip(net.weights, net.biases, strict=True):
        for view in (W, b):
            assert np.shares_memory(view, theta)
            assert view.ravel().tolist() == list(range(expected, expected + view.size))
            expected += view.size
    # And the other way: what is written through a view is in the vector.
    net.weights[1][3, 2] = -1
    net.biases[2][1] = -2
    assert theta[5 * 4 + 3 * 5 + 2] == -1
    assert theta[-1] == -2
    assert net.parameters is theta


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")
def test_other_shapes_and_dtypes_of_views_are_the_users_own(Network: Any, asked: bool, normalized: bool) -> None:
    net, other = (Network(SIZES, seed=0, batch_normalization=normalized) for _ in range(2))

    def answers(net: Any) -> list[Any]:
        net.train(X, Y, alpha=0.1, epochs=2)
        net.train(X, Y, alpha=0.1, epochs=1, optimizer="adam", batch_size=2, seed=0)
        cost, slope = net.gradient(X, Y)
        found = [net.predict(X), net.predict(X[0]), net.predictor()(X[0]), net.cost(X, Y), cost, slope.flat]
        found += [*net.feed_forward(X), *(one.predict(X) for one in (net.copy(), copy.deepcopy(net), net.on("numpy")))]
        return [np.asarray(one).tolist() for one in found]

    if asked:
        assert answers(net) == answers(other)
    theta, halves = net.parameters, net.weights[0]
    views = [theta, halves, *net.weights[1:], *net.biases, *(view for view in net.running if view.size)]
    for view in views[1:]:
        view.shape = (view.size, 1)
    theta.shape = (1, theta.size, 1)
    assert answers(net) == answers(other)
    for view in views:
        view.dtype = np.uint8
    assert answers(net) == answers(other)
    with pytest.raises(ValueError, match="^parameters: expected shape"):
        net.parameters = np.zeros((2, 1))
    halves.flags.writeable = False
    with pytest.raises(ValueError, match=r"^weights\[0\]: expected an array that can be written to"):
        net.train(X, Y, alpha=0.1, epochs=1)


@pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")
def test_another_shape_of_a_vector_does_not_change_parameters_in_it() -> None:
    vector = np.arange(8.0)
    theta = Parameters([3, 2], True, vector)
    vector.shape = (2, 4)
    assert theta.flat.tolist() == list(range(8))
    assert theta.weights[0].shape == (2, 3)
    theta.flat[0] = -1
    assert vector[0, 0] == -1


@pytest.mark.parametrize("asked", [False, True])
def test_another_model_is_that_of_every_answer(Network: Any, asked: bool) -> None:
    others = [
        Network(SIZES, seed=1),
        Network(SIZES, seed=2, activation="tanh", l2=0.1),
        Network([3, 2], seed=3),
        Network(SIZES, seed=4, batch_normalization=True),
        Network(SIZES, seed=5, dtype="float32"),
    ]
    net = Network(SIZES, seed=0)
    for other in others:
        for _ in range(3 if asked else 0):
            net.predict(X), net.predict(X[0]), net.cost(X, Y), net.gradient(X, Y)
            net.train(X, Y, alpha=0.1, epochs=1)
        was_like = (net.sizes, net.dtype, net.gammas == ()) == (other.sizes, other.dtype, other.gammas == ())
        net.model, expected = other.copy().model, other.copy()
        assert net == expected
        if asked and not was_like:
            with pytest.raises(ValueError, match="^resume: expected a network whose last training can be resumed"):
                net.train(X, Y, alpha=0.1, epochs=1, resume=True)
        for one in (net, copy.copy(net), pickle.loads(pickle.dumps(net))):
            assert one.predict(X).tobytes() == expected.predict(X).tobytes()
            assert one.predict(X[0]).tobytes() == expected.predict(X[0]).tobytes()
            assert one.cost(X, Y) == expected.cost(X, Y)
            assert one.gradient(X, Y)[1].flat.tobytes() == expected.gradient(X, Y)[1].flat.tobytes()
        assert net.train(X, Y, alpha=0.1, epochs=1) == expected.train(X, Y, alpha=0.1, epochs=1)
        assert net == expected
    for wrong in (None, net, "model"):
        with pytest.raises(TypeError, match="^model: expected a Model, got "):
            net.model = wrong
    assert net == expected


def test_writing_through_a_view_changes_the_answer(Network: Any) -> None:
    for change in (lambda n: n.weights[0], lambda n: n.biases[1], lambda n: n.parameters[-1:]):
        net = Network(SIZES, seed=0)
        before = net.predict(X)
        change(net)[...] += 0.5
        assert not np.array_equal(net.predict(X), before)


def test_attributes_cannot_be_replaced_by_accident(Network: Any) -> None:
    net = Network(SIZES, seed=0)
    for name in ("sizes", "weights", "biases", "bias", "dtype", "activation"):
        with pytest.raises(AttributeError):
            setattr(net, name, getattr(net, name))
    with pytest.raises(TypeError):
        net.weights[0] = np.zeros((5, 3))


@pytest.mark.parametrize(
    ("sizes", "bias", "count"),
    [
        ([784, 16, 16, 10], True, 13002),  # "13,000 dimensional" in tutorial 001
        ([784, 16, 16, 10], False, 12960),
        ([3, 3, 1], True, 16),
        ([64, 30, 10], True, 2260),
        ([1, 1], False, 1),
    ],
)
def test_count_of_parameters(Network: Any, sizes: list[int], bias: bool, count: int) -> None:
    assert Network(sizes, bias=bias, seed=0).parameters.size == count
    assert Parameters.count(tuple(sizes), bias) == count


def test_explicit_parameters_are_copied(Network: Any) -> None:
    random = np.random.default_rng(5)
    W, b = [random.normal(size=(4, 3)), random.normal(size=(2, 4))], [random.normal(size=4), random.normal(size=2)]
    net = Network([3, 4, 2], weights=W, biases=b)
    assert all(np.array_equal(*pair) for pair in zip((*W, *b), (*net.weights, *net.biases), strict=True))
    assert not any(np.shares_memory(given, net.parameters) for given in (*W, *b))
    expected = net.predict(X)
    for given in (*W, *b):
        given[...] = 9
    assert np.array_equal(net.predict(X), expected)
    kept = [given.copy() for given in (*W, *b)]
    net.parameters[:] = 1
    assert all(np.array_equal(*pair) for pair in zip((*W, *b), kept, strict=True))


def test_weights_alone_give_zero_biases(Network: Any) -> None:
    net = Network([3, 2], weights=[np.ones((2, 3))])
    assert net.biases[0].tolist() == [0.0, 0.0]


def test_setting_parameters_copies_into_the_same_vector(Network: Any) -> None:
    net = Network(SIZES, seed=0)
    theta, values = net.parameters, np.linspace(-1, 1, net.parameters.size)
    net.parameters = values
    assert net.parameters is theta
    assert np.array_equal(theta, values)
    assert not np.shares_memory(theta, values)
    net.parameters = net.parameters[::-1]
    assert np.array_equal(net.parameters, values[::-1])
    net.parameters += 1
    assert np.array_equal(net.parameters, values[::-1] + 1)


@pytest.mark.parametrize("settings", [{}, {"bias": False}, {"dtype": np.float32}], ids=str)
def test_a_copy_is_independent(Network: Any, settings: dict[str, Any]) -> None:
    net = Network(SIZES, seed=0, **settings)
    other = net.copy()
    assert type(other) is type(net)
    assert other == net
    assert (other.bias, other.dtype) == (net.bias, net.dtype)
    assert not np.shares_memory(other.parameters, net.parameters)
    expected = net.predict(X)
    other.train(X, Y, alpha=1, epochs=1)
    assert other != net
    assert np.array_equal(net.predict(X), expected)


@pytest.mark.parametrize("other", NAMES)
@pytest.mark.parametrize("settings", [{}, {"bias": False}, {"dtype": np.float32}], ids=str)
def test_on_another_backend(Network: Any, other: str, settings: dict[str, Any]) -> None:
    net = Network(SIZES, seed=0, **settings)
    moved = net.on(other)
    assert type(moved) is samenet.backend(other).Network
    assert moved == net
    assert moved.parameters.tobytes() == net.parameters.tobytes()
    assert moved.dtype == net.dtype
    assert not np.shares_memory(moved.parameters, net.parameters)
    np.testing.assert_allclose(moved.predict(X), net.predict(X), rtol=1e-5 if net.dtype == np.float32 else 1e-13)


def test_equality_is_of_values_on_any_backend(Network: Any) -> None:
    net = Network(SIZES, seed=0)
    for name in NAMES:
        Other = samenet.backend(name).Network
        assert net == Other(SIZES, seed=0)
        assert net != Other(SIZES, seed=1)
        assert net != Other([3, 5, 4, 3], seed=0)
        assert net != Other(SIZES, seed=0, dtype=np.float32)
        assert net != Other(SIZES, seed=0, bias=False)
        ones = [np.ones((1, 2))]  # the same numbers in either dtype
        assert Network([2, 1], weights=ones) != Other([2, 1], weights=ones, dtype=np.float32)
        # As many parameters, other sizes: 2-1 without biases and 1-1 with one.
        weights = [np.ones((1, 2))]
        assert Network([2, 1], weights=weights, bias=False) != Other([1, 1], weights=[[[1]]], biases=[[1]])
        changed = Other(SIZES, seed=0)
        changed.parameters[-1] = np.nextafter(changed.parameters[-1], 1)
        assert net != changed
    assert net != "net"
    assert net != net.parameters.tolist()


def test_unhashable(Network: Any) -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Network(SIZES, seed=0))


def by_pickle(net: Any) -> Any:
    return pickle.loads(pickle.dumps(net))


def by_shared_memory(net: Any) -> Any:
    """As a worker process may receive it: the arrays outside the pickle, in read-only memory."""
    buffers: list[pickle.PickleBuffer] = []
    text = pickle.dumps(net, protocol=5, buffer_callback=buffers.append)
    assert buffers, "the vector is large enough to travel beside the pickle"
    return pickle.loads(text, buffers=[bytes(buffer.raw()) for buffer in buffers])


@pytest.mark.parametrize("through", [by_pickle, by_shared_memory, copy.deepcopy], ids=lambda f: f.__name__)
@pytest.mark.parametrize("settings", [{}, {"bias": False}, {"dtype": np.float32}], ids=str)
def test_pickled_and_deep_copied_networks_keep_their_views(Network: Any, through: Any, settings: Any) -> None:
    net = Network(SIZES, seed=0, **settings)
    history = net.train(X, np.eye(2)[[0, 1, 1, 0, 1, 0]], alpha=0.5, epochs=3, monitors=["accuracy"])
    again = through(net)
    assert not again.model.prepared, "it is rebuilt"
    assert type(again) is type(net)
    assert again == net
    assert again.history.cost.tolist() == history.cost.tolist()
    assert again.history["accuracy"].tolist() == history["accuracy"].tolist()
    assert np.array_equal(again.predict(X), net.predict(X))
    assert not np.shares_memory(again.parameters, net.parameters)
    assert all(np.shares_memory(W, again.parameters) for W in again.weights)
    assert again.parameters.flags.writeable, "kernels are compiled for arrays that are"
    before = again.predict(X)
    again.weights[0][...] = 3
    assert again.parameters[:15].tolist() == [3] * 15
    assert not np.array_equal(again.predict(X), before)
    again.train(X, Y, alpha=0.5, epochs=1)
    assert np.array_equal(net.predict(X), net.copy().predict(X)), "the first network is as it was"


def test_repr_tells_what_matters(Network: Any) -> None:
    text = repr(Network([64, 30, 10], seed=0, bias=False, dtype=np.float32))
    for word in ("[64, 30, 10]", "sigmoid", "bias=False", "float32", "2220", Network.backend.__name__):
        assert word in text
    assert "bias" not in repr(Network([64, 30, 10], seed=0))
    assert repr(Network([2, 1], seed=0).gradient([0, 0], [1])[1]) == (
        "Parameters(sizes=[2, 1], bias=True, 3 numbers, float64)"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sizes": [3]}, "sizes"),
        ({"sizes": [2, 1.5]}, "sizes"),
        ({"bias": 1}, "bias"),
        ({"flat": [0.0] * 3}, "flat: expected a NumPy array"),
        ({"flat": np.zeros(4)}, r"flat: .*\(3,\), got shape \(4,\)"),
        ({"flat": np.zeros((3, 1))}, r"flat: .*\(3, 1\)"),
        ({"flat": np.zeros(6)[::2]}, "flat: .*not contiguous"),
    ],
)
def test_parameters_are_views_of_a_vector_that_fits(given: dict[str, Any], message: str) -> None:
    right = {"sizes": [2, 1], "bias": True, "flat": np.arange(3.0)}
    parameters = Parameters(**right)
    assert parameters.sizes == (2, 1)
    assert parameters.weights[0].base is right["flat"]
    assert parameters.biases[0][0] == 2
    with pytest.raises((TypeError, ValueError), match=message):
        Parameters(**right | given)


@pytest.mark.parametrize("given", [scipy.sparse.eye(2), np.ones(2), np.float32(1), pd.Series([1.0]), None, 8, "f8,,"])
def test_what_has_a_dtype_is_none(Network: Any, given: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"dtype: expected numpy.float64 or numpy.float32"):
        Network([2, 1], dtype=given)


def test_threads(Network: Any) -> None:
    net = Network(SIZES, seed=0)
    assert net.threads == 1
    assert "threads" not in repr(net)
    expected = net.predict(X), net.gradient(X, Y)[1].flat
    net.threads = np.int64(3)
    assert (net.threads, type(net.threads)) == (3, int)
    assert "threads=3" in repr(net)
    for twin in (net.copy(), net.on("numpy"), net.on("numba"), by_pickle(net), copy.copy(net), copy.deepcopy(net)):
        assert twin.threads == 3
        assert twin == net
    assert net == Network(SIZES, seed=0) == Network(SIZES, seed=0, threads=2)
    assert all(map(np.array_equal, (net.predict(X), net.gradient(X, Y)[1].flat), expected))
    for wrong, error in ((0, ValueError), (1.0, TypeError), (None, TypeError), (True, TypeError)):
        with pytest.raises(error, match="threads: expected an integer"):
            net.threads = wrong
    assert net.threads == 3


def test_without_biases(Network: Any) -> None:
    net = Network([2, 3, 1], bias=False, seed=0)
    assert net.bias is False
    assert net.biases == ()
    W1, W2 = net.weights
    expected = 1 / (1 + np.exp(-W2 @ (1 / (1 + np.exp(-W1 @ [0.3, -0.7])))))
    np.testing.assert_allclose(net.predict([0.3, -0.7]), expected, rtol=1e-14)
    assert net.predict([0.0, 0.0]) != 0.5  # a hidden layer of one half each
    _, slope = net.gradient([0.3, -0.7], [1])
    assert slope.biases == ()
    assert slope.flat.shape == net.parameters.shape


def test_float32_in_float32_out(Network: Any) -> None:
    net = Network(SIZES, seed=0, dtype=np.float32)
    assert net.dtype == np.float32
    assert net.parameters.dtype == np.float32
    assert np.array_equal(net.parameters, Network(SIZES, seed=0).parameters.astype(np.float32))
    for x in (X, X.astype(np.float32), X[0]):
        assert net.predict(x).dtype == np.float32
        assert [h.dtype for h in net.feed_forward(x)] == [np.float32] * 4
    value, slope = net.gradient(X, Y)
    assert type(value) is float
    assert slope.flat.dtype == np.float32
    assert Network(SIZES, dtype="float32", seed=0) == net


def test_the_interface_alone_is_no_backend() -> None:
    with pytest.raises(TypeError, match=r"samenet\.fast\.numba"):
        samenet.Network([2, 1])
    assert all(issubclass(samenet.backend(name).Network, samenet.Network) for name in NAMES)


def test_one_sample_a_batch_of_one_and_a_row_of_a_batch(Network: Any) -> None:
    net = Network(SIZES, seed=0)
    for i in range(len(X)):
        one, batch = net.predict(X[i]), net.predict(X[i : i + 1])
        assert one.shape == (2,)
        assert batch.shape == (1, 2)
        np.testing.assert_allclose(batch[0], one, rtol=1e-14)
        np.testing.assert_allclose(net.predict(X)[i], one, rtol=1e-14)
        for single, rows in zip(net.feed_forward(X[i]), net.feed_forward(X), strict=True):
            np.testing.assert_allclose(rows[i], single, rtol=1e-14)
        value, slope = net.gradient(X[i], Y[i])
        value_of_batch, slope_of_batch = net.gradient(X[i : i + 1], Y[i : i + 1])
        assert value == value_of_batch
        assert np.array_equal(slope.flat, slope_of_batch.flat)
        assert net.cost(X[i], Y[i]) == pytest.approx(value, rel=1e-14)


def test_layers_of_feed_forward(Network: Any) -> None:
    net = Network(SIZES, seed=0)
    layers = net.feed_forward(X)
    assert [h.shape for h in layers] == [(6, 3), (6, 5), (6, 4), (6, 2)]
    assert np.array_equal(layers[0], X)
    assert np.array_equal(layers[-1], net.predict(X))


def test_classify(Network: Any) -> None:
    # The outputs order as the inputs do: the largest is plain to see, and the first of equals wins.
    net = Network([3, 3], weights=[np.eye(3)], biases=[[0, 0, 0]])
    answer = net.classify([[1, 2, 3], [3, 2, 1], [0, 5, 0], [1, 1, 1]])
    assert answer.tolist() == [2, 0, 1, 0]
    assert answer.dtype == np.int64
    assert net.classify([0, 0, 1]) == 2
    assert np.ndim(net.classify([0, 0, 1])) == 0


def test_costs_by_hand(Network: Any) -> None:
    net = Network([2, 2], weights=[np.zeros((2, 2))])  # every output is one half
    x, y = [[1, 2], [3, 4]], [[1, 0], [0.5, 1.5]]
    assert net.cost(x, y) == (0.25 + 0.5) / 2
    assert net.cost(x, y, reduction="sum") == 0.25 + 0.5
    assert net.gradient(x, y)[0] == 0.375
    assert net.gradient(x, y, reduction="sum")[0] == 0.75


def test_a_subclass_is_a_network(Network: Any) -> None:
    class Named(Network):
        """With an attribute and a method of its own."""

        label = "mine"

        def predict(self, X: Any) -> Any:
            return super().predict(X) * 2

    net = Named(SIZES, seed=0)
    plain = Network(SIZES, seed=0)
    assert net == plain
    assert np.array_equal(net.predict(X), 2 * plain.predict(X))
    assert type(net.copy()) is Named
    assert type(net.on("numpy")) is samenet.backend("numpy").Network
    assert net.train(X, Y, alpha=1, epochs=2).epochs_done == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_has_what_was_written_into_the_views(name: str) -> None:
    net = samenet.backend(name).Network([2, 1], seed=0)
    net.weights[0][0, 0] = np.nan
    for twin in (net.copy(), net.on("numpy")):
        assert np.array_equal(twin.parameters, net.parameters, equal_nan=True)
