"""Each part of the bound in isolation: inputs with given errors lead to outputs within the stated error.

The exact number x lies within the error of the value, and the computed number c within the error of x. They are drawn
mostly at the ends of these intervals; they must never change a result by more than the bound, and must come close to
it. The errors are far above rounding; `test_random_networks` tests the effects of rounding and underflow.
"""

import math
from functools import partial

import exact
import numpy as np
import pytest
from inputs import COMBINATIONS, PENALTIES, Case, Functions, masks, weight_masks

import samenet
from samenet import reference
from samenet.model.functions import ACTIVATIONS as NAMES
from samenet.model.functions import MADE_FOR
from samenet.testing import bounds, update_bounds
from samenet.testing.activation_bounds import ACTIVATIONS
from samenet.testing.cost_bounds import COSTS
from samenet.testing.rounding import Bounded, Rounding, product
from samenet.testing.rounding import exact as stored

ON_NUMPY = True  # what is given no backend

R = Rounding.of(np.float64)
LEAST_ROOM, DRAWS = 0.3, 200  # how close to the bound the worst of this many draws must come


def _drawn(random, b):
    """An exact number for each value, and a computed one."""
    ends = np.sign(random.uniform(-1, 1, (2, *b.value.shape))) * random.choice([1, 1, 1, 0.5], (2, *b.value.shape))
    if random.random() < 0.5:  # all to one side, as errors may be
        ends = np.abs(ends) * np.sign(random.uniform(-1, 1))
    x = b.value + ends[0] * b.error
    return x, x + ends[1] * b.error


def _worst(function, bounded, given, tight=LEAST_ROOM, draws=DRAWS):
    """Assert that `function` of numbers with errors stays within the bounded result, and comes close to its bound."""
    random, worst = np.random.default_rng(0), 0.0
    for _ in range(draws):
        pairs = [_drawn(random, b) for b in given]
        x, c = (function(*side) for side in zip(*pairs, strict=True))
        for off in (np.abs(c - x), np.abs(bounded.value - x)):
            assert (off <= bounded.error * (1 + 1e-6)).all()  # the numbers drawn are rounded themselves
            worst = max(worst, float((off / np.fmax(bounded.error, 1e-300)).max()))
    assert tight <= worst


def _rows(f, *arrays):
    """A function of the reference for one row, applied to the rows of arrays."""
    return np.array([f(*rows) for rows in zip(*(a.tolist() for a in arrays), strict=True)])


@pytest.mark.parametrize("size", [1e-6, 1e-2, 1.0])
@pytest.mark.parametrize("far", [0.5, 5.0, 30.0])
@pytest.mark.parametrize("name", NAMES)
def test_activations_move_by_what_their_bound_says(name, far, size):
    """Also for large z, where 1 minus the sigmoid of z rounds to 0, but the sigmoid of -z still changes with z."""
    random = np.random.default_rng(1)
    forward, back = (partial(_rows, f) for f in reference.ACTIVATIONS[name])
    z = Bounded(random.normal(0, far, (3, 4)), random.random((3, 4)) * size)
    tight = 0.05 if size == 1.0 else LEAST_ROOM
    _worst(forward, ACTIVATIONS[name][0](z, R), [z], tight)
    value = forward(z.value)
    h = Bounded(value, size / 4 * random.random((3, 4)) * np.abs(value))
    e = Bounded(random.normal(0, 2, (3, 4)), random.random((3, 4)) * size)
    _worst(back, ACTIVATIONS[name][1](h, e, R), [h, e], tight)


@pytest.mark.parametrize("name", COSTS)
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_costs_and_their_slopes_move_by_what_their_bound_says(name, scale):
    random = np.random.default_rng(2)
    z = Bounded(random.normal(0, 2, (4, 3)), random.random((4, 3)) * 1e-5)
    y = random.random((4, 3))
    value, delta = COSTS[name]
    output = MADE_FOR.get(name, "sigmoid")
    (f, back), cost = reference.ACTIVATIONS[output], reference.COSTS[name]
    h = ACTIVATIONS[output][0](z, R)
    if name in MADE_FOR:
        _worst(lambda z: _rows(cost.value, y, _rows(f, z), z).sum(), value(h, z, y, R), [z])
    else:
        _worst(lambda h: _rows(cost.value, y, h, h).sum(), value(h, z, y, R), [h])
    slope = delta(h, y, scale, ACTIVATIONS[output][1], R)
    _worst(lambda h: scale * _rows(partial(cost.delta, backward=back), y, h), slope, [h])


def test_products_and_sums_move_by_what_their_bound_says():
    random = np.random.default_rng(3)
    a = Bounded(random.normal(size=(3, 4)), 0.01 * random.random((3, 4)))
    b = Bounded(random.normal(size=(4, 2)), 0.01 * random.random((4, 2)))
    _worst(lambda a, b: 0.5 + a @ b, product(a, b, R, 0.5), [a, b])
    _worst(lambda a: 0.5 + a @ b.value, product(a, stored(b.value), R, 0.5), [a])
    _worst(lambda a: a.sum(axis=0), a.summed(R), [a])
    _worst(lambda a, b: a * b, a * Bounded(a.value[::-1], a.error[::-1]), [a, Bounded(a.value[::-1], a.error[::-1])])


def _moved(momentum, nesterov, alpha, theta, v):
    def function(g):
        velocity = momentum * v - alpha * g
        return theta + (momentum * velocity - alpha * g if nesterov else velocity)

    return function


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_steps_move_by_what_their_bound_says(momentum):
    """Exactly alpha times the error of the gradient, and with Nesterov 1 + mu times as much."""
    random, alpha = np.random.default_rng(4), 0.3
    theta, v = random.normal(size=(2, 6))
    g = Bounded(random.normal(size=6), 1e-3 * random.random(6))
    for nesterov in (False, True):
        moved, velocity = update_bounds.moved(theta, g, alpha, momentum, v, nesterov)
        np.testing.assert_allclose(moved.error, alpha * g.error * (1 + momentum * nesterov), rtol=1e-9)
        np.testing.assert_allclose(velocity.error, alpha * g.error, rtol=1e-9)
        np.testing.assert_allclose(velocity.value, momentum * v - alpha * g.value)
        _worst(_moved(momentum, nesterov, alpha, theta, v), moved, [g])
    plain, move = update_bounds.moved(theta, g, alpha, 0.0, None, False)
    np.testing.assert_allclose(plain.error, alpha * g.error, rtol=1e-9)
    np.testing.assert_allclose(move.value, -alpha * g.value)
    _worst(lambda g: theta - alpha * g, plain, [g])


@pytest.mark.parametrize("limits", [(math.inf, 1.0), (0.5, math.inf), (0.5, 0.7), (math.inf, 2.46), (math.inf, 9.0)])
def test_clipping_moves_by_what_its_bound_says(limits):
    """Also where it is not certain that the gradient is clipped: its norm is 2.4605."""
    random = np.random.default_rng(5)
    g = Bounded(random.normal(size=6), 1e-3 * random.random(6))
    value, norm = limits

    def clip(g):
        g = np.clip(g, -value, value)
        return g * min(1.0, norm / np.linalg.norm(g))

    _worst(clip, update_bounds.clipped(g, value, norm, R), [g])


@pytest.mark.parametrize("size", [1e-7, 1e-3])
@pytest.mark.parametrize("epsilon", [1e-8, 1e-3, 0.0])
@pytest.mark.parametrize("t", [None, 1, 5])
def test_adaptive_steps_move_by_what_their_bound_says(t, epsilon, size):
    random, alpha = np.random.default_rng(6), 0.3
    rule = update_bounds.Adaptive(0.0 if t is None else 0.9, 0.99, epsilon, t)
    g = Bounded(random.normal(size=40) * 10.0 ** random.uniform(-4, 1, 40), size * random.random(40))
    theta, m, s = random.normal(size=40), random.normal(size=40), random.random(40) * random.integers(0, 2, 40)
    if t == 1:
        m, s = 0 * m, 0 * s
    if t is None:
        m = 0 * m
    c1, c2 = rule.unbiased

    def step(g):
        mean = (rule.beta1 * m + (1 - rule.beta1) * g) / c1
        root = np.sqrt((rule.beta2 * s + (1 - rule.beta2) * g * g) / c2)
        return theta - alpha * mean / (root + epsilon)

    _worst(step, update_bounds.adapted(theta, g, alpha, rule, m, s), [g], tight=0.1)


@pytest.mark.compiled
@pytest.mark.parametrize("functions", COMBINATIONS, ids=str)
def test_the_bound_is_of_the_same_network(functions):
    """Its own values, computed in float64, are within the bound of the network in decimal arithmetic."""
    for penalties in PENALTIES:
        case = Case((4, 3, 2), 2, functions=Functions(functions.hidden, functions.output, functions.cost, **penalties))
        net = case.network(samenet.backend("reference").Network)
        nodes, weights = masks(case.dropout, case.rows), weight_masks(case.drop_connect, case.sizes)
        for seen in ((None, None), (nodes, None), (None, weights), (nodes, weights)):
            for reduction in ("mean", "sum"):
                outputs, cost, slope = exact.run(net, case.X, case.Y, reduction, *seen)
                value, pieces = bounds.backward(net.model, case.X, case.Y, reduction, *seen)
                flat = Bounded(*(np.concatenate([getattr(p, n).ravel() for p in pieces]) for n in ("value", "error")))
                assert exact.distance(value.value, cost) <= value.error < 1e-12
                assert (exact.distance(flat.value, slope) <= flat.error).all()
                assert flat.error.max() < 3e-12  # with factors of weights that are kept
                h = bounds.forward(net.model, case.X).layers[-1]
                assert (exact.distance(h.value, outputs) <= h.error.ravel()).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rounding_of_a_dtype(dtype):
    r, info = Rounding.of(dtype), np.finfo(dtype)
    assert r.u == info.eps / 2
    assert 0 < r.least <= 8 * float(info.smallest_subnormal)
    assert float(info.tiny) < r.flush < 2 * float(info.tiny)
    assert float(info.max) / 16 < r.most < float(info.max) / 4
    assert r.times(0.25) == (r.u, r.least, r.flush, r.most / 4)


def test_what_is_0_by_itself_cannot_underflow():
    a, b = np.array([[0.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [2.0, 0.0]])
    error = product(stored(a), stored(b), R).error
    assert (error[0] == 0).all()
    assert error[1, 1] == 0
    assert error[1, 0] > 0


@np.errstate(all="ignore")
def test_where_a_number_may_overflow_there_is_no_bound():
    """The error is infinite, never NaN, for that number and all that depend on it; other numbers keep their bounds."""
    for value in (np.inf, np.nan, 1e308):
        a = product(stored(np.array([[value, 1.0], [1.0, 1.0]])), stored(np.array([[1.0, 0.0], [0.0, 1.0]])), R)
        assert np.isposinf(a.error[0]).tolist() == [True, value != 1e308]
        assert (a.error[1] < 1e-15).all()
        assert np.isfinite(a.value).all()
        for forward, back in ACTIVATIONS.values():
            h = forward(a, R)
            assert np.isposinf(h.error[0, 0])
            assert np.isfinite(h.error[1]).all()
            e = back(stored(np.full((2, 2), 0.5)), a, R)
            assert np.isposinf(e.error[0, 0])
            assert np.isfinite(e.error[1]).all()
        for moved in update_bounds.moved(np.ones(2), stored(np.ones(2)), 0.1, 0.9, np.array([value, 1.0]), True):
            assert np.isposinf(moved.error).tolist() == [True, False]
        rule = update_bounds.Adaptive(0.9, 0.9, 1e-8, 1)
        for state in ((np.array([value, 1.0]), np.ones(2)), (np.ones(2), np.array([value, 1.0]))):
            assert np.isposinf(update_bounds.adapted(np.ones(2), stored(np.ones(2)), 0.1, rule, *state).error[0])


def test_targets_that_add_up_to_much_round_as_much():
    """h t - y with t = 1000: a node without a target has the rounding error of h t, as float32 shows."""
    h, y = np.array([[0.3, 0.7]]), np.array([[0.0, 1000.0]])
    error = COSTS["cross_entropy"][1](stored(h), y, 1.0, None, Rounding.of(np.float32)).error
    computed = np.float32(h) * np.float32(1000) - np.float32(y)
    off = np.abs(computed - (np.float32(h).astype(float) * 1000 - y))
    assert (off <= error).all()
    assert (error >= Rounding.of(np.float32).u * 300).all()
