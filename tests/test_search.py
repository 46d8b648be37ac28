"""Brute force: tutorial 003's search for one and two weights, and tutorial 004's error surface."""

import numpy as np
import pytest

import samenet
from samenet import error_surface
from samenet.study.error_surface import Surface, in_words, search_time

X_SCORES, Y_SCORES = np.array([[3, 5], [5, 1], [10, 2]]) / [10, 5], np.array([[75], [82], [93]]) / 100


def _scores(backend):
    return backend.Network([2, 3, 1], init="normal_in_out", bias=False, seed=np.random.RandomState(0))


def test_one_weight(backend):
    """Tutorial 003: a thousand values of the first weight; the best one lies on the edge."""
    net = _scores(backend)
    found = error_surface(net, X_SCORES, Y_SCORES, [(0, 0, 0)], np.linspace(-5, 5, 1000), reduction="sum")
    assert found.values.shape == (1000,)
    assert found.best == (5.0,)
    assert found.on_edge
    assert abs(found.lowest - 0.04294148115247452) < 1e-15
    assert found.seconds > 0


@pytest.mark.compiled
def test_two_weights(fast):
    """The first row of the tutorial's matrix (n_in, n_out); the best of a thousand by a thousand is the same corner."""
    grid, places = np.linspace(-5, 5, 101), [(0, 0, 0), (0, 1, 0)]
    net = _scores(fast)
    found = error_surface(net, X_SCORES, Y_SCORES, places, grid, grid, reduction="sum")
    assert found.values.shape == (101, 101)
    assert found.best == (5.0, -5.0)
    assert abs(found.lowest - 0.03441065727503051) < 1e-15
    assert found.values.argmin() == 100 * 101
    squares = error_surface(net, X_SCORES, Y_SCORES, places, grid, grid, measure="sum_of_squared_errors")
    np.testing.assert_allclose(squares.values, 2 * found.values, rtol=1e-14)


X_SURFACE, Y_SURFACE = [[0, 1], [0, 1], [1, 0], [1, 0]], [[0], [0], [1], [1]]


# (lowest, highest, at the origin), as known to six digits
@pytest.mark.parametrize(
    ("measure", "lowest", "highest", "origin"),
    [("mean_absolute_error", 4.53979e-05, 0.999955, 0.5), ("sum_of_squared_errors", 8.24387e-09, 3.99964, 1.0)],
)
@pytest.mark.compiled
def test_error_surface(fast, measure, lowest, highest, origin):
    """Tutorial 004, part 2: both weights of 2-1 from -10 to 10."""
    net = fast.Network([2, 1], init="symmetric_uniform", bias=False, seed=np.random.RandomState(1))
    grid = np.linspace(-10, 10, 201)
    found = error_surface(net, X_SURFACE, Y_SURFACE, ((0, 0, 0), (0, 0, 1)), grid, grid, measure=measure)
    assert found.best == (10.0, -10.0)
    np.testing.assert_allclose([found.lowest, found.values.max()], [lowest, highest], rtol=1e-5)
    assert found.values[100, 100] == pytest.approx(origin, abs=1e-15)


@pytest.mark.compiled
def test_error_surface_end_of_training(backend):
    """Where the tutorial's 10,000 steps lead: far down in the corner that the surface shows."""
    net = backend.Network([2, 1], init="symmetric_uniform", bias=False, seed=np.random.RandomState(1))
    net.train(X_SURFACE, Y_SURFACE, alpha=1, epochs=10000, reduction="sum", record_every=0)
    np.testing.assert_allclose(net.weights[0], [[5.283166180518819, -5.283118156627174]], rtol=0, atol=1e-12)


def test_values_are_those_of_a_network_with_these_parameters(backend):
    net = backend.Network([3, 2, 2], seed=0)
    random = np.random.default_rng(0)
    X, Y = random.random((4, 3)), random.random((4, 2))
    grids = [[-1.0, 2.0], [0.0, 0.5, 1.0], [3.0]]
    found = error_surface(net, X, Y, [(1, 0, 1), (0, 1), 3], *grids)  # a weight, a bias, and weights[0][1, 0]
    assert found.values.shape == (2, 3, 1)
    assert found.places == (9, 7, 3)
    for at in np.ndindex(2, 3, 1):
        other = net.copy()
        other.weights[1][0, 1], other.biases[0][1], other.weights[0][1, 0] = (grids[k][at[k]] for k in range(3))
        assert found.values[at] == other.cost(X, Y)
    best = np.unravel_index(found.values.argmin(), (2, 3, 1))
    assert found.best == tuple(grids[k][best[k]] for k in range(3))
    absolute = error_surface(net, X, Y, [0], [net.parameters[0]], measure="mean_absolute_error")
    assert absolute.lowest == abs(net.predict(X) - Y).mean()


def test_an_inner_minimum_is_not_on_the_edge():
    net = samenet.backend("numpy").Network([1, 1], weights=[[[0.0]]], bias=False)
    found = error_surface(net, [[1.0]], [[0.5]], [0], [-1.0, 0.0, 2.0])
    assert (found.best, found.on_edge) == ((0.0,), False)


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("places", [1, 2])
def test_either_end_of_a_grid_is_its_edge(places, at):
    grid, values = np.array([3.0, -1.0, 2.0, 7.0]), np.ones((4,) * places)
    values[(1, at)[-places:]] = 0.0
    assert _surface(grid, values).on_edge == (at in (0, 3))


def _surface(grid, values):
    return Surface(tuple(range(values.ndim)), (grid,) * values.ndim, values, 0.0)


def test_a_value_that_is_no_number_is_not_the_best():
    class Odd(samenet.backend("numpy").Network):
        def cost(self, X, Y, **settings):
            return np.nan if self.parameters[0] < 1 else self.parameters[0]

    found = error_surface(Odd([1, 1]), [[1.0]], [[0.5]], [0], [0.0, 1.0, 2.0])
    assert (found.best, found.lowest) == ((1.0,), 1.0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_network_is_left_alone(backend, dtype):
    net = backend.Network([2, 3, 1], seed=0, dtype=dtype)
    before, grid = net.parameters.copy(), np.linspace(-1, 1, 3)
    grid.flags.writeable = False
    error_surface(net, X_SCORES, Y_SCORES, [0], grid)
    np.testing.assert_array_equal(net.parameters, before)

    class Breaks(type(net)):
        def cost(self, *args, **settings):
            raise KeyboardInterrupt

    net = Breaks([2, 3, 1], seed=0)
    before = net.parameters.copy()
    with pytest.raises(KeyboardInterrupt):
        error_surface(net, X_SCORES, Y_SCORES, [0], grid)
    np.testing.assert_array_equal(net.parameters, before)


@pytest.mark.parametrize(
    ("places", "grids", "error", "message"),
    [
        ("ab", [[1]], TypeError, "places: expected a list"),
        ([], [], ValueError, "grids: expected one for each of 0 places"),
        ([0], [[1], [2]], ValueError, "grids: expected one for each of 1 places"),
        ((0, 0, 0), [[1]], ValueError, "grids: expected one for each of 3 places"),
        ([0, (0, 0, 0)], [[1], [2]], ValueError, "places: expected different places"),
        ([9], [[1]], ValueError, r"places\[0\]: expected an index below 9"),
        ([-1], [[1]], ValueError, r"places\[0\]: expected an integer of at least 0"),
        ([0.5], [[1]], TypeError, r"places\[0\]: expected an integer"),
        ([(0, 0, 0, 0)], [[1]], ValueError, r"expected \(layer, i, j\) or \(layer, i\)"),
        ([(2, 0, 0)], [[1]], ValueError, "expected a layer below 2 for weights"),
        ([(0, 1)], [[1]], ValueError, "expected a layer below 0 for biases"),
        ([(0, 3, 0)], [[1]], ValueError, r"weights\[0\] has shape \(3, 2\)"),
        ([0], [[[1, 2]]], ValueError, r"grids\[0\]: expected the values of a parameter"),
        ([0], [[]], ValueError, r"grids\[0\]: expected the values"),
        ([0], [[np.inf]], ValueError, r"grids\[0\]: expected finite"),
    ],
)
def test_bad_places(places, grids, error, message):
    with pytest.raises(error, match=message):
        error_surface(_scores(samenet.backend("numpy")), X_SCORES, Y_SCORES, places, *grids)


def test_bad_input():
    net = _scores(samenet.backend("numpy"))
    with pytest.raises(ValueError, match="measure: .*'mean_absolute_error'"):
        error_surface(net, X_SCORES, Y_SCORES, [0], [1.0], measure="absolute_error")
    with pytest.raises(ValueError, match="reduction: "):
        error_surface(net, X_SCORES, Y_SCORES, [0], [1.0], reduction="min")
    with pytest.raises(TypeError, match="net: expected a Network"):
        error_surface(None, X_SCORES, Y_SCORES, [0], [1.0])
    with pytest.raises(ValueError, match="Y: expected shape"):
        error_surface(net, X_SCORES, Y_SCORES.ravel(), [0], [1.0])


def test_how_long_nine_weights_take():
    """Tutorial 003: 0.11 s for a thousand evaluations; its last number is right for 0.04 s only."""
    assert search_time(2, values=1000, seconds=0.11 / 1000) == pytest.approx(110)
    assert in_words(search_time(3, values=1000, seconds=0.1 / 1000)) == "27.8 hours"
    assert in_words(search_time(9, values=1000, seconds=0.04 / 1000)) == "1268391679350 millennia"
    assert search_time(9, values=1000, seconds=0.11 / 1000) / (365 * 24 * 3600e3) == pytest.approx(3.49e12, rel=1e-3)
    assert search_time(0, values=7, seconds=2.0) == 2.0
    assert search_time(999, seconds=1.0) == np.inf
    assert search_time(102, seconds=1e9) == np.inf
    assert in_words(2 * 86400.0) == "2.00 days"
    assert in_words(np.inf) == "longer than a float can say"


@pytest.mark.parametrize("arguments", [{"parameters": -1}, {"values": 0}, {"seconds": 0.0}])
def test_bad_times(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        search_time(**{"parameters": 1, "seconds": 1.0, **arguments})


YEAR = 365 * 86400.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3590.0, "3590 s"),
        (3600.0, "1.00 hours"),
        (1.99 * 86400, "47.8 hours"),
        (2.0 * 86400, "2.00 days"),
        (0.999 * YEAR, "365 days"),
        (YEAR, "1.00 years"),
        (999.4 * YEAR, "999 years"),
        (1000 * YEAR, "1 millennia"),
        (2999 * YEAR, "2 millennia"),
    ],
)
def test_the_unit_changes_where_it_is_one(seconds: float, text: str) -> None:
    assert in_words(seconds) == text
