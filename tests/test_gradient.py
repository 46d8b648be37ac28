"""Backpropagation of the reference against central differences of its cost: the first link of the chain of trust.

(J(t + s) - J(t - s)) / 2s has errors of about s^2/6 J''' and 2^-53 J / s. At s = 1e-5 both are near 1e-11: far below
the required 1e-7, for gradients above 3e-4.
"""

import dataclasses

import numpy as np
import pytest
from inputs import CASES, COMBINATIONS, PENALTIES, Case

from samenet.reference import Network

SHAPES = [
    Case((3, 1), 4),
    Case((4, 3, 2), 3),
    Case((4, 3, 2), 3, bias=False),
    Case((5, 7, 3, 2), 1),
    Case((5, 7, 3, 2), 5),
    Case((9, 8, 5, 4, 3), 2, bias=False),
    Case((9, 8, 5, 4, 3), 2),
]


def _differences(case, reduction, step=1e-5, cls=Network):
    """The gradient of the printed cost, parameter by parameter."""
    net = case.network(cls)
    slope = np.empty(net.parameters.size)
    for i in range(slope.size):
        at = net.parameters[i]
        ends = []
        for moved in (at + step, at - step):
            net.parameters[i] = moved
            ends.append((net.cost(case.X, case.Y, reduction=reduction), moved))
        net.parameters[i] = at
        slope[i] = (ends[0][0] - ends[1][0]) / (ends[0][1] - ends[1][1])
    return slope


def _relative_error(got, expected):
    return np.linalg.norm(got - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("case", SHAPES, ids=str)
def test_reference_against_finite_differences(case, reduction):
    net = case.network(Network)
    cost, slope = net.gradient(case.X, case.Y, reduction=reduction)
    assert cost == pytest.approx(net.cost(case.X, case.Y, reduction=reduction), rel=1e-15)
    numeric = net.model.theta.empty_like()
    numeric.flat[:] = _differences(case, reduction)

    for part in ("weights", "biases"):
        for got, expected in zip(getattr(slope, part), getattr(numeric, part), strict=True):
            assert got.shape == expected.shape
            assert np.linalg.norm(expected) > 3e-4  # not two zeros that agree
            assert (expected != 0).all()
            assert _relative_error(got, expected) < 1e-7
    # Every entry by itself, beside the error that the difference has whatever its size.
    floor = 1e-10 * (1 if reduction == "mean" else case.rows)
    assert (abs(slope.flat - numeric.flat) <= 1e-7 * abs(numeric.flat) + floor).all()


@pytest.mark.compiled
@pytest.mark.parametrize("functions", COMBINATIONS, ids=str)
def test_every_activation_cost_and_penalty(backend, functions):
    """On every backend, with and without biases; no sample is so close to relu's kink that a difference crosses it."""
    first = COMBINATIONS.index(functions) % 2 == 0  # so that every penalty has met every function, and either bias
    for bias, penalties in zip((first, not first, first), PENALTIES, strict=True):
        case = Case((4, 3, 2), 3, bias, functions=dataclasses.replace(functions, **penalties))
        net = case.network(backend.Network)
        layers = net.feed_forward(case.X)[1:]
        assert all(h[h != 0].min() > 1e-3 for h, f in zip(layers, net.activations, strict=True) if f == "relu")
        numeric = _differences(case, "mean", cls=backend.Network)
        cost, slope = net.gradient(case.X, case.Y)
        assert cost == pytest.approx(net.cost(case.X, case.Y), rel=1e-14)
        assert np.linalg.norm(numeric) > 1e-2
        assert _relative_error(slope.flat, numeric) < 1e-7


def test_the_check_sees_a_wrong_gradient():
    """It detects one entry that is off by a ten-thousandth, and a matrix read in another memory order."""
    case = Case((4, 3, 2), 3)
    numeric = _differences(case, "mean")
    _, slope = case.network(Network).gradient(case.X, case.Y)
    right = slope.flat.copy()
    assert _relative_error(right, numeric) < 1e-7
    for i in range(right.size):
        slope.flat[:] = right
        slope.flat[i] *= 1.01
        assert not abs(slope.flat - numeric)[i] <= 1e-7 * abs(numeric[i]) + 1e-10
    slope.flat[:] = right
    for W in slope.weights:
        W[:] = W.T.copy().reshape(W.shape)
    assert _relative_error(slope.flat, numeric) > 1e-2


def test_the_mean_is_the_sum_divided():
    case = Case((5, 7, 3, 2), 5)
    net = case.network(Network)
    (mean, slope), (total, whole) = (net.gradient(case.X, case.Y, reduction=r) for r in ("mean", "sum"))
    assert mean == pytest.approx(total / 5, rel=1e-15)
    np.testing.assert_allclose(slope.flat, whole.flat / 5, rtol=1e-15)
    assert np.linalg.norm(whole.flat) > 0.05


def test_neighbouring_layers_differ_in_width():
    """So a transposed matrix has another shape."""
    for case in (*SHAPES, *(case for p in CASES for case in p.values)):
        assert all(n != k for n, k in zip(case.sizes, case.sizes[1:], strict=False))
