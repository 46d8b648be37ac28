"""Every term of the bound, compared number by number with the second derivation in `derivation.py`.

The unit roundoff is set to a twentieth of a percent, and underflow to a thousandth, so that no term hides behind
another: a missing term, or a wrong sign, factor or maximum, shows in the first digits. Where a number is too large for
a bound, both derivations have to report this at the same limit.
"""

import math
from types import SimpleNamespace

import derivation
import numpy as np
import pytest
from agreement import drawing
from derivation import Number
from inputs import COMBINATIONS, Case, Functions, masks, weight_masks

import samenet
from samenet.model.functions import ACTIVATIONS as NAMES
from samenet.testing import bounds, cost_bounds, sampling_bounds, update_bounds
from samenet.testing.activation_bounds import ACTIVATIONS
from samenet.testing.cost_bounds import COSTS
from samenet.testing.rounding import Bounded, Rounding, product

ON_NUMPY = True  # what is given no backend

ROUGH = Rounding(u=2.0**-11, least=1e-3, flush=3e-3, most=1e6)
LIMITS = [ROUGH._replace(most=most) for most in (*np.geomspace(1e-3, 1e3, 48).tolist(), 1e9)]
ERRORS = [0.0, 1e-6, 1e-3, 0.03, 0.4, 3.0, 30.0]


def _given(seed, shape, size=1.0, errors=ERRORS):
    random = np.random.default_rng(seed)
    value = random.normal(0, size, shape) * random.choice([0, 0.1, 1, 1, 1, 10], shape)
    return Bounded(value, random.choice(errors, shape) * random.uniform(0.5, 1, shape))


def _numbers(b):
    """Rows of the scalars of a derivation."""
    return [
        [Number(v, e) for v, e in zip(*rows, strict=True)]
        for rows in zip(b.value.tolist(), b.error.tolist(), strict=True)
    ]


def _same(bounded, numbers):
    """Equal to many digits, apart from the rounding of the bound itself; infinite where there is no bound."""
    flat = np.array(numbers, float).reshape(-1, 2)
    np.testing.assert_allclose(bounded.value.ravel(), flat[:, 0], rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(bounded.error.ravel(), flat[:, 1], rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_activations(name):
    (forward, back), (ours, ours_back) = ACTIVATIONS[name], derivation.ACTIVATIONS[name]
    for seed, size in enumerate([0.1, 1.0, 5.0]):
        z, e = _given(seed, (4, 3), size), _given(seed + 10, (4, 3), size, [*ERRORS, math.inf])
        z.error[0, 0] = math.inf
        h = Bounded(np.abs(z.value) / 10, _given(seed + 20, (4, 3), errors=[0, 1e-3, 0.1]).error)
        h.value[1], h.error[1] = [0.25, 0.15, 0.05], 0.1  # more than twice its error from a kink, and less
        z.value[1], z.error[1] = [-2.5, -1.5, 0.5], 1.0
        for r in LIMITS:
            _same(forward(z, r), [ours(row, r) for row in _numbers(z)])
            pairs = zip(_numbers(h), _numbers(e), strict=True)
            with np.errstate(invalid="ignore"):
                _same(back(h, e, r), [ours_back(*pair, r) for pair in pairs])


@pytest.mark.parametrize("name", COSTS)
@pytest.mark.uncounted
def test_costs(name):
    value, delta = COSTS[name]
    output = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}.get(name, "tanh")
    forward, back = ACTIVATIONS[output]
    for seed, size in enumerate([0.1, 1.0, 5.0]):
        for errors in ([0.0], ERRORS):
            z, y = _given(seed, (4, 3), size, errors), _given(seed + 10, (4, 3)).value
            h = forward(z, ROUGH)
            rows, ys = (_numbers(h), _numbers(z)), y.tolist()
            for r in LIMITS:
                _same(value(h, z, y, r), derivation.cost(name, *rows, ys, r))
                for scale in (1.0, 0.25):
                    ours = [
                        derivation.delta(name, *row, scale, derivation.ACTIVATIONS[output][1], r)
                        for row in zip(rows[0], ys, strict=True)
                    ]
                    _same(delta(h, y, scale, back, r), ours)


@pytest.mark.parametrize(
    ("w", "l1", "l2"),
    [
        ([0.5, -0.25, 0.0, 2.0], 0.5, 0.25),
        ([0.5, -0.25], 30.0, 0.0),  # l1 is the largest that stands between
        ([0.5, -0.25], 0.125, 30.0),  # l2
        ([0.5, -0.25, 0.5, -0.5], 0.125, 0.0),  # the sum of the weights
        ([4.0, -3.0, 0.125], 0.0, 0.125),  # that of the squares
        ([8.0, -3.0], 5.0, 6.0),  # all of it
    ],
)
def test_penalties(w, l1, l2):
    net = SimpleNamespace(weights=[np.array([w[:1]]), np.array([w[1:]])], l1=l1, l2=l2)
    g = _given(3, len(w))
    for r in LIMITS:
        _same(cost_bounds.penalty(net, r), derivation.penalty(w, l1, l2, r))
        ours = [derivation.with_penalty(x, v, l1, l2, r) for x, v in zip(_numbers(_rows(g))[0], w, strict=True)]
        _same(cost_bounds.add_penalty(net, np.array(w), g, r), ours)


def _rows(b):
    return Bounded(b.value[np.newaxis], b.error[np.newaxis])


def test_products_and_sums():
    a, b, start = _given(1, (4, 3)), _given(2, (3, 5)), _given(3, 5).value
    a.value[0, :2], a.error[0, :2], b.value[1:, 0], b.error[1:, 0] = 0, 0, 0, 0
    columns = _numbers(b.transposed())
    for r in LIMITS:
        ours = [
            [derivation.dot(row, c, s, r) for c, s in zip(columns, start.tolist(), strict=True)] for row in _numbers(a)
        ]
        _same(product(a, b, r, start), ours)
        _same(b.summed(r), [derivation.column_sum(column, r) for column in columns])


@pytest.mark.compiled
@pytest.mark.parametrize("value", [math.inf, 0.8])
@pytest.mark.parametrize("errors", [[0.0], [0.0, 1e-3, 0.02], ERRORS])
def test_clipping(errors, value):
    """To norms below, near and above its own, and for a nearly zero gradient."""
    for seed, size in enumerate([1e-9, 0.01, 1.0]):
        g = _given(seed, 6, size, errors)
        length = float(np.linalg.norm(np.clip(g.value, -value, value)))
        rows = _numbers(_rows(g))[0]
        for norm in (
            math.inf,
            *(length * np.array([0.1, 0.9, *np.linspace(0.99, 1.03, 17), 1.3, 3.0, 100.0])).tolist(),
        ):
            for r in LIMITS[::4] if norm < math.inf else LIMITS[:1]:
                _same(update_bounds.clipped(g, value, norm, r), derivation.clipped(rows, value, norm, r))
        fine = Rounding.of(np.float32)
        for norm in (length, 2.0 * length):
            _same(update_bounds.clipped(g, value, norm, fine), derivation.clipped(rows, value, norm, fine))


def test_no_gradient_is_clipped():
    nothing = Bounded(np.zeros(2), np.zeros(2))
    for errors in (np.zeros(2), np.full(2, 0.1)):
        for norm in (1e-3, 10.0):
            g = Bounded(nothing.value, errors)
            _same(
                update_bounds.clipped(g, math.inf, norm, ROUGH),
                derivation.clipped(_numbers(_rows(g))[0], math.inf, norm, ROUGH),
            )


def _with(monkeypatch, r):
    for module in (update_bounds, bounds):
        monkeypatch.setattr(module, "Rounding", SimpleNamespace(of=lambda dtype: r))


@pytest.mark.parametrize("alpha", [0.3, 40.0, -0.3])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 30.0])
@pytest.mark.uncounted
def test_steps(momentum, alpha, monkeypatch):
    theta, g, v = _given(1, 8).value, _given(2, 8), _given(3, 8, 5.0).value
    v[:3], theta[:3] = [1e3, -40.0, 0.0], [1e-3, 0.0, 40.0]
    for r in LIMITS:
        _with(monkeypatch, r)
        for velocity, nesterov in ((None, False), (v, False), (v, True)):
            found = update_bounds.moved(theta, g, alpha, momentum, velocity, nesterov)
            states = [None] * 8 if velocity is None else velocity.tolist()
            rows = zip(theta.tolist(), _numbers(_rows(g))[0], states, strict=True)
            ours = [derivation.moved(t, x, alpha, momentum, s, nesterov, r) for t, x, s in rows]
            for number, one in enumerate(found):
                _same(one, [pair[number] for pair in ours])


@pytest.mark.compiled
@pytest.mark.parametrize("alpha", [0.3, 40.0, -0.3])
@pytest.mark.parametrize("rule", [(0.9, 0.99, 1e-3, 3), (0.5, 0.9, 0.25, 1), (0.0, 0.9, 0.3, None), (0.5, 0.6, 0.0, 2)])
def test_adaptive_steps(rule, alpha, monkeypatch):
    random = np.random.default_rng(5)
    theta, g, m = _given(1, 40).value, _given(2, 40, 3.0), _given(3, 40).value
    s = random.random(40) * random.choice([0, 1e-3, 1, 100], 40)
    m[:2], s[:3] = [500.0, -50.0], [0.0, 500.0, 50.0]
    for r in (*LIMITS, *(limit._replace(least=1e-9) for limit in LIMITS[::4])):
        _with(monkeypatch, r)
        found = update_bounds.adapted(theta, g, alpha, update_bounds.Adaptive(*rule), m, s)
        rows = zip(theta.tolist(), _numbers(_rows(g))[0], m.tolist(), s.tolist(), strict=True)
        _same(found, [derivation.adapted(t, x, alpha, rule, *state, r) for t, x, *state in rows])


@pytest.mark.compiled
@pytest.mark.parametrize("functions", COMBINATIONS, ids=str)
def test_networks(functions, monkeypatch):
    """Layer by layer, with and without masks and penalties."""
    for penalties, bias, sizes in (
        ({}, True, (3, 2)),
        ({"l1": 0.25, "l2": 0.5}, True, (3, 2, 4, 2)),
        ({"l2": 2.0}, False, (2, 3, 2)),
    ):
        case = Case(
            sizes, 3, bias, functions=Functions(functions.hidden, functions.output, functions.cost, **penalties)
        )
        net = case.network(samenet.backend("reference").Network)
        for r in LIMITS[::16]:
            _with(monkeypatch, r)
            nodes, weights = masks(case.dropout, case.rows), weight_masks(case.drop_connect, case.sizes)
            for seen, reduction in (((None, None), "sum"), ((nodes, None), "mean"), ((nodes, weights), "mean")):
                cost, pieces = bounds.backward(net, case.X, case.Y, reduction, *seen)
                J, slope, _ = derivation.run(net, case.X, case.Y, reduction, r, *seen)
                _same(cost, J)
                flat = Bounded(*(np.concatenate([getattr(p, n).ravel() for p in pieces]) for n in ("value", "error")))
                _same(flat, slope)


@pytest.mark.compiled
@pytest.mark.parametrize("functions", COMBINATIONS[::3], ids=str)
def test_networks_of_sampled_rows(functions, monkeypatch):
    """Each row with a factor, and the squared norms of their gradients."""
    factors = np.array([0.3, 1.0, 4.5])
    for sizes, bias, penalties in (((3, 2, 4, 2), True, {"l2": 0.5}), ((2, 3, 2), False, {})):
        case = Case(
            sizes, 3, bias, functions=Functions(functions.hidden, functions.output, functions.cost, **penalties)
        )
        net = case.network(samenet.backend("reference").Network)
        for r in LIMITS[::16]:
            _with(monkeypatch, r)
            nodes, weights = masks(case.dropout, case.rows), weight_masks(case.drop_connect, case.sizes)
            for seen, reduction in (((None, None), "sum"), ((nodes, None), "mean"), ((nodes, weights), "mean")):
                cost, pieces, squares = bounds.sampled(net, case.X, case.Y, reduction, *seen, factors)
                J, slope, norms = derivation.run(net, case.X, case.Y, reduction, r, *seen, factors.tolist())
                _same(cost, J)
                flat = Bounded(*(np.concatenate([getattr(p, n).ravel() for p in pieces]) for n in ("value", "error")))
                _same(flat, slope)
                _same(squares, norms)


@pytest.mark.parametrize("functions", COMBINATIONS[1::3], ids=str)
@pytest.mark.uncounted
def test_networks_of_weighted_samples(functions, monkeypatch):
    """With some weights 0, one that is nearly 0, and a batch in which all weights are 0."""
    for sizes, bias, penalties in (((3, 2, 4, 2), True, {"l2": 0.5}), ((2, 3, 2), False, {})):
        case = Case(
            sizes, 4, bias, functions=Functions(functions.hidden, functions.output, functions.cost, **penalties)
        )
        net = case.network(samenet.backend("reference").Network)
        for r, weights in zip(LIMITS[::16], ([0.3, 0.0, 4.5, 1e-9], [2.0, 1.0, 1.0, 1.0], [0.0] * 4), strict=False):
            _with(monkeypatch, r)
            nodes, of_weights = masks(case.dropout, case.rows), weight_masks(case.drop_connect, case.sizes)
            for seen, reduction in (((None, None), "sum"), ((nodes, None), "mean"), ((nodes, of_weights), "mean")):
                cost, pieces = bounds.backward(net, case.X, case.Y, reduction, *seen, None, np.array(weights))
                J, slope, _ = derivation.run(net, case.X, case.Y, reduction, r, *seen, None, weights)
                _same(cost, J)
                flat = Bounded(*(np.concatenate([getattr(p, n).ravel() for p in pieces]) for n in ("value", "error")))
                _same(flat, slope)


@np.errstate(all="ignore")
@pytest.mark.parametrize("stored", [0.0, 0.7, 1e-9])
@pytest.mark.parametrize("error", [0.0, 1e-9, 0.3, np.inf])
def test_what_is_learned(error, stored):
    """The logarithms of the weights, row by row; one row occurs twice."""
    r, rows = ROUGH._replace(u=2.0**-24), np.array([4, 1, 4, 2])
    squares = Bounded(np.array([0.5, 3.0, 0.2, 0.0]), error * np.array([1.0, 0.5, 2.0, 1.0]))
    sampler = drawing(np.array([1.0, 2.0, 0.001, 1.0, 4.0]))
    sampler.mean[0] = stored
    weights, mean = sampling_bounds.learned(sampler, rows, squares, r)
    M = sum(squares.value.tolist()) / 4
    dM = float(squares.error.mean())
    dM += 7 * r.u / (1 - 7 * r.u) * (M + dM)
    D, dD = (stored, 0.0) if stored else (M, dM)
    if dM == np.inf or dD >= D:
        assert np.isposinf(weights).all()
        assert mean == np.inf
        return
    for row in range(5):
        logarithm, w = 0.0, float(sampler.weights[row])
        for i in np.flatnonzero(rows == row):
            q = squares.value[i] / D
            dq = (squares.error[i] + q * dD) / (D - dD) + 6 * r.u / (1 - 6 * r.u) * q
            logarithm += 0.3 * dq + 16 * 2.0**-53 * 4
            w = max(w * np.exp(0.3 * (min(q + dq, 10) - 1)), 0.2 * 8.001 / 5)
        assert weights[row] == pytest.approx(w * np.expm1(logarithm), rel=1e-12)
    assert mean == pytest.approx(4 / 104 * dM + 100 / 104 * dD + 6 * 2.0**-53 * (D + dD + M), rel=1e-12)
