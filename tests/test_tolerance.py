"""The bound itself: wide enough for rounding, tight enough to be meaningful, and never silent about NaN."""

import math

import numpy as np
import pytest
from agreement import BACKENDS, compare
from inputs import Case

from samenet.fast.numpy import Network
from samenet.optimizers import Adam, Nesterov, RMSProp, UpdateRule
from samenet.testing import tolerance
from samenet.testing.tolerance import Comparison


def test_compare_reports_the_worst_entry():
    comparison = compare([1.0, 2.0, 3.0], [1.5, 2.25, 3.0], [1.0, 0.25, 1.0])
    assert comparison == Comparison(0.25, 0.25)
    assert comparison.ok
    assert comparison.ratio == 1
    assert str(Comparison(1.1e-16, 4.4e-16)) == "1.1e-16 / 4.4e-16"
    worse = compare([1.0, 2.0], [1.5, 2.25], [1.0, 0.125])
    assert (worse.observed, worse.ok, worse.ratio) == (0.25, False, 2)


def test_compare_takes_scalars_and_nothing():
    assert compare(1.0, 1.0, 0).ok
    assert compare(np.float64(1), 1.5, 0.5).ok
    assert not compare(1.0, 1.5, 0.25).ok
    assert compare([], [], 0).ok


@pytest.mark.parametrize(
    ("value", "reference", "allowed"),
    [
        (math.nan, 0.0, 1.0),
        (0.0, math.nan, 1.0),
        (math.nan, math.nan, 1.0),
        (0.0, 0.0, math.nan),
        (math.inf, math.inf, 1.0),
        (math.inf, 0.0, math.inf),
        ([0.0, math.nan, 5.0], [0.0, 0.0, 0.0], 1.0),
        (1.0, np.nextafter(1.0, 2.0), 0.0),  # an allowance of 0 asks for equality
    ],
)
def test_compare_fails(value, reference, allowed):
    comparison = compare(value, reference, allowed)
    assert not comparison.ok
    assert comparison.ratio > 1


def test_compare_sees_shape_and_dtype_first():
    assert str(compare([1.0], [1.0, 1.0], 9)) == "shape (1,) for (2,)"
    assert str(compare(np.ones(2, np.float32), np.ones(2), 9, "float64")) == "dtype float32 for float64"
    for failed in (compare([1.0], 1.0, 9), compare([[1.0]], [1.0], 9), compare(1, 1, 9, float)):
        assert not failed.ok
        assert failed.ratio == math.inf
    assert compare(np.ones(2, np.float32), np.ones(2), 0, "float32").ok


def test_tight_enough_to_mean_something():
    case = Case((64, 30, 10), 65)
    net = case.network(Network)
    inputs, *layers = tolerance.forward(net.model, case.X)
    assert (inputs == 0).all()
    assert all(h.min() > 0 and h.max() < 1e-13 for h in layers)
    cost, slope = tolerance.gradient(net.model, case.X, case.Y)
    assert 0 < cost < 1e-12
    assert slope.flat.min() > 0
    assert slope.flat.max() < 1e-13
    assert tolerance.update(net.model, case.X, case.Y, 0.25).max() < 2e-14
    # And in proportion to the unit roundoff.
    single = tolerance.forward(Case((64, 30, 10), 65, dtype="float32").network(Network), case.X)[-1]
    np.testing.assert_allclose(single / layers[-1], 2.0**29, rtol=0.05)


def test_shapes():
    case = Case((5, 7, 3, 2), 6)
    net = case.network(Network)
    assert [e.shape for e in tolerance.forward(net.model, case.X)] == [(6, 5), (6, 7), (6, 3), (6, 2)]
    assert [e.shape for e in tolerance.forward(net.model, case.X[0])] == [(5,), (7,), (3,), (2,)]
    for ours, theirs in zip(tolerance.forward(net.model, case.X), tolerance.forward(net.model, case.X[2]), strict=True):
        np.testing.assert_allclose(ours[2], theirs, rtol=1e-12)
    _, slope = tolerance.gradient(net.model, case.X, case.Y)
    assert [W.shape for W in slope.weights] == [W.shape for W in net.weights]
    assert tolerance.update(net.model, case.X, case.Y, 1.0).shape == net.parameters.shape
    assert Case((4, 3, 2), 1, bias=False).network(Network).biases == ()
    (mean, part), (total, whole) = (tolerance.gradient(net.model, case.X, case.Y, r) for r in ("mean", "sum"))
    assert total == pytest.approx(6 * mean)
    np.testing.assert_allclose(whole.flat, 6 * part.flat)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("sizes", [(3, 1), (5, 7, 3, 2), (64, 30, 10)])
def test_single_precision_stays_within_half_of_it(sizes, bias, record):
    """Against float64, only one side has an error, so half of the bound applies.

    The same network in float32 and, from the same rounded parameters, in float64: the difference is rounding in
    float32.
    """
    case = Case(sizes, 40, bias, "float32")
    net = case.network(Network)
    exact = Network(sizes, bias=bias, weights=net.weights, biases=net.biases if bias else None)
    X, Y = case.X.astype(np.float64), case.Y.astype(np.float64)
    for got, expected, allowed in zip(
        net.feed_forward(X), exact.feed_forward(X), tolerance.forward(net.model, X), strict=True
    ):
        record("float32: activations", compare(got, expected, allowed / 2))
    cost, slope = net.gradient(X, Y)
    cost_expected, expected = exact.gradient(X, Y)
    cost_allowed, allowed = tolerance.gradient(net.model, X, Y)
    record("float32: cost", compare(cost, cost_expected, cost_allowed / 2))
    record("float32: gradient", compare(slope.flat, expected.flat, allowed.flat / 2))


def test_a_wrong_last_digit_fails():
    """A hundred times the rounding unit, anywhere in a small network, is more than the bound allows."""
    case = Case((4, 3, 2), 5)
    net = case.network(Network)
    cost, slope = net.gradient(case.X, case.Y)
    _, allowed = tolerance.gradient(net.model, case.X, case.Y)
    for i in range(slope.flat.size):
        moved = slope.flat.copy()
        moved[i] += 100 * 2.0**-53
        assert not compare(moved, slope.flat, allowed.flat).ok
    assert not compare(cost + 100 * 2.0**-53, cost, tolerance.gradient(net.model, case.X, case.Y)[0]).ok


def test_where_there_is_no_bound_a_comparison_says_so():
    """It fails, because it proves nothing, and is distinguished from one with too large a difference."""
    nothing = compare([1.0, 2.0, math.inf], [1.0, 2.0, 7.0], [0.0, math.inf, math.inf])
    assert not nothing.ok
    assert not nothing.bounded
    assert nothing.ratio == math.inf
    assert str(nothing) == tolerance.OVERFLOWS
    found = compare([1.0, 2.0, math.nan], [1.5, 2.0, 7.0], [0.25, 1.0, math.inf])
    assert (found.observed, found.allowed, found.bounded, found.ok) == (0.5, 0.25, True, False)
    assert compare([1.0, math.nan], [1.0, 7.0], [0.0, 1.0]).bounded
    assert compare([1.0], [1.0], [1.0]).bounded


def _networks(*arguments, **settings):
    return [backend.Network(*arguments, **settings) for backend in BACKENDS]


def _agree(networks, X, Y):
    """Assert that predictions, costs and gradients are within a finite bound."""
    trusted = networks[0]
    allowed, (cost_allowed, slope_allowed) = (
        tolerance.forward(trusted.model, X)[-1],
        tolerance.gradient(trusted.model, X, Y),
    )
    cost, slope = trusted.gradient(X, Y)
    for net in networks[1:]:
        own_cost, own_slope = net.gradient(X, Y)
        for comparison in (
            compare(net.predict(X), trusted.predict(X), allowed),
            compare(own_cost, cost, cost_allowed),
            compare(own_slope.flat, slope.flat, slope_allowed.flat),
        ):
            assert comparison.ok, str(comparison)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("output", "cost"),
    [
        ("softmax", "cross_entropy"),
        ("softmax", "squared_error"),
        ("sigmoid", "binary_cross_entropy"),
        ("tanh", "squared_error"),
    ],
)
def test_results_below_the_normal_range(output, cost, dtype):
    """Outputs, slopes and products that are subnormal, or where exp is replaced by 0, multiplied by 1e12 afterwards."""
    far = 87.5 if dtype == "float32" else 708.5
    tiny = float(np.finfo(dtype).tiny)
    X = np.array([[1.0, 1e12], [1.01, -1e12], [1.1, 1e12], [1e-3, 1.0]])
    for W in ([[far, 0.0], [0.0, 0.0], [-far, 0.0]], [[4 * tiny, 0.0], [0.0, tiny / 8], [-tiny, tiny / 2]]):
        networks = _networks([2, 3], activation=output, cost=cost, dtype=dtype, weights=[W])
        _agree(networks, X, np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]))
        _agree(networks, X, np.full((4, 3), 0.25))


def test_a_saturated_sigmoid_is_as_sensitive_as_its_weighted_sum():
    """sigmoid(-40) is e^-40, and moves with z in proportion, however near to 1 its mirror image is."""
    net = Network([2, 1], bias=False, weights=[[[1e6, -1e6 - 40.0]]])
    output, allowed = net.predict([1.0, 1.0])[0], tolerance.forward(net.model, [1.0, 1.0])[-1][0]
    z_allowed = tolerance.forward(Network([2, 1], bias=False, activation="identity", weights=net.weights), [1.0, 1.0])
    assert output < 1e-17
    assert allowed > output * z_allowed[-1][0]
    assert allowed < 1.1 * output * (z_allowed[-1][0] + 16 * 2.0**-53) + 1e-300


@pytest.mark.parametrize("hidden", ["relu", "identity"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_deep_network_that_grows_has_a_bound_until_it_may_overflow(hidden, dtype):
    """Then the bound is infinite, never NaN, without a warning, which would be an error here."""
    net = Network([3, *[4] * 7, 2], activation=hidden, seed=0, dtype=dtype)
    X, Y = np.ones((2, 3)), np.ones((2, 2))
    seen = set()
    for exponent in range(0, 36, 3):
        grown = net.copy()
        grown.parameters = np.abs(net.parameters) * np.asarray(10.0**exponent, dtype)
        bounds = [*tolerance.forward(grown.model, X), *tolerance.gradient(grown.model, X, Y)[1].weights]
        bounds += [tolerance.update(grown.model, X, Y, 0.5), np.array(tolerance.gradient(grown.model, X, Y)[0])]
        assert not any(np.isnan(b).any() for b in bounds)
        assert (bounds[0] == 0).all()
        seen.add(bool(np.isfinite(bounds[-2]).all()))
        if np.isfinite(bounds[-2]).all():
            with np.errstate(all="raise"):
                grown.gradient(X, Y)
    assert seen == {True, False}


def test_a_velocity_that_overflowed_has_no_bound():
    case = Case((4, 3, 2), 5)
    net = case.network(Network)
    for value in (math.inf, -math.inf, math.nan):
        for rule in (Nesterov(0.0), Nesterov(0.9)):
            state = rule.state(net.model.theta)
            state.values[0] = 1.0
            state.values[0, 3] = value
            for allowed in tolerance.step(net.model, case.X, case.Y, 0.5, rule=rule, state=state):
                assert np.isposinf(allowed).tolist() == [i == 3 for i in range(allowed.size)]


def test_an_update_by_adam_is_tight_enough_to_mean_something():
    case = Case((5, 7, 3, 2), 13)
    net = case.network(Network)
    for way in (Adam(epsilon=1e-3), RMSProp(epsilon=1e-3)):
        state = way.state(net.model.theta)
        limits = []
        for _ in range(3):
            limits.append(tolerance.update(net.model, case.X, case.Y, 0.01, rule=way, state=state))
            net.backend.run_updates(net.model, case.X, case.Y, way, alpha=0.01, batch_size=13, state=state)
        assert all((limit > 0).all() and limit.max() < 1e-14 for limit in limits)


def test_a_rule_without_a_bound_is_not_held_to_another_ones():
    class Other(UpdateRule):
        name = "other"

    case = Case((2, 3, 1), 4)
    with pytest.raises(TypeError, match="^rule: no bound is derived for 'other'"):
        tolerance.update(case.network(Network).model, case.X, case.Y, 0.1, rule=Other())
