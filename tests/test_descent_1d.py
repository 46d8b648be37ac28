"""Descent of a function: tutorial 000's x^4 - 3x^3 + 2, and tutorial 004's balls in buckets."""

import math

import numpy as np
import pytest

from samenet import downhill

ON_NUMPY = True  # what is given no backend


def _slope(x):
    """The slope of x^4 - 3x^3 + 2, whose minimum is at 9/4."""
    return 4 * x**3 - 9 * x**2


def test_the_descent_of_the_tutorial():
    path = downhill(_slope, 6, alpha=0.01, precision=0.00001)
    first = [6, 0.5999999999999996, 0.6237599999999996, 0.6490692731402646, 0.6760475763767438, 0.704821965498881]
    assert path.points[:6].tolist() == first
    assert (path.x, path.steps, path.converged) == (2.2499646074278457, 70, True)
    assert path.points.shape == (71,)
    assert abs(path.x - 9 / 4) > 1e-5  # "within the precision" is said of the step, not of the answer
    moves = abs(np.diff(path.points))
    assert moves[-1] <= 1e-5 < moves[-2]


def test_one_step():
    """Tutorial 001: step = df/dx * step_size; x = x - step."""
    path = downhill(lambda x: 2 * x, 3.0, alpha=0.1, max_steps=1)
    assert path.points.tolist() == [3.0, 3.0 - 6.0 * 0.1]
    assert not path.converged
    assert downhill(lambda x: 2 * x, 3.0, alpha=0.1, max_steps=0).points.tolist() == [3.0]


def test_the_sign_of_the_slope_alone():
    """Tutorial 004: while the slope is not 0, a step against its sign."""
    path = downhill(lambda x: 2 * x, -2.0, alpha=0.5, rule="sign")
    assert path.points.tolist() == [-2.0, -1.5, -1.0, -0.5, 0.0]
    assert path.converged
    back_and_forth = downhill(lambda x: 2 * x, 0.75, alpha=0.5, rule="sign", max_steps=5)
    assert back_and_forth.points.tolist() == [0.75, 0.25, -0.25, 0.25, -0.25, 0.25]
    assert not back_and_forth.converged


def test_precision_zero_ends_where_nothing_moves():
    path = downhill(lambda x: 2 * x, 1.0, alpha=0.5, precision=0)
    assert path.points.tolist() == [1.0, 0.0]
    assert path.converged
    assert downhill(lambda x: 0 * x, 1.0, alpha=0.5).points.tolist() == [1.0]


def test_overshoot():
    """Tutorial 004: with a curvature above 2 / alpha, the ball goes further each time; a smaller alpha fixes it."""
    path = downhill(lambda x: 2 * x, 1.0, alpha=1.5, max_steps=4)
    assert path.points.tolist() == [1.0, -2.0, 4.0, -8.0, 16.0]
    with pytest.raises(FloatingPointError, match=r"in step 1024 \(alpha = 1.5\)"):
        downhill(lambda x: 2 * x, 1.0, alpha=1.5)
    assert downhill(lambda x: 2 * x, 1.0, alpha=0.1).x == pytest.approx(0, abs=1e-4)


def test_a_path_over_contours():
    """Two coordinates: f = x^2 + 10 y^2."""
    path = downhill(lambda p: np.array([2, 20]) * p, [4.0, 1.0], alpha=0.04, precision=1e-9)
    assert path.points.shape == (path.steps + 1, 2)
    np.testing.assert_allclose(path.points[:3], [[4, 1], [3.68, 0.2], [3.3856, 0.04]], rtol=1e-14)
    f = path.points**2 @ [1, 10]
    assert (np.diff(f) < 0).all()
    np.testing.assert_allclose(path.x, 0, atol=1e-7)
    path.x[0] = 5
    assert path.points[-1, 0] != 5


def test_a_hundred_balls_in_five_valleys():
    """Tutorial 004: each ends in the valley in which it began. f = -cos x, with minima at multiples of 2 pi."""
    x = np.random.RandomState(1).uniform(-5 * np.pi, 5 * np.pi, 100)
    path = downhill(np.sin, x, alpha=0.5, precision=1e-10)
    assert path.converged
    valleys = np.round(path.x / (2 * np.pi))
    np.testing.assert_allclose(path.x, 2 * np.pi * valleys, atol=1e-8)
    np.testing.assert_array_equal(valleys, np.round(x / (2 * np.pi)))
    assert np.unique(valleys).tolist() == [-2, -1, 0, 1, 2]
    # Together they go as each would by itself.
    np.testing.assert_array_equal(path.points[:9, 7], downhill(np.sin, x[7], alpha=0.5, max_steps=8).points)


def test_a_slope_may_use_math_and_write_into_x():
    assert downhill(lambda x: math.sin(x), 1, alpha=0.5).x == pytest.approx(0, abs=1e-4)

    def slope(x):
        x *= 2
        return x

    start = np.array([1.0])
    assert downhill(slope, start, alpha=0.25, max_steps=2).points.tolist() == [[1.0], [0.5], [0.25]]
    assert start == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"slope": 3}, TypeError, "slope: expected a function"),
        ({"slope": lambda x: [x, x]}, ValueError, r"slope\(x\): expected shape \(\), that of x, got \(2,\)"),
        ({"slope": lambda x: "up"}, TypeError, r"slope\(x\): expected"),
        ({"slope": lambda x: math.nan}, FloatingPointError, "in step 1"),
        ({"x": math.inf}, ValueError, "x: expected finite"),
        ({"x": "a"}, TypeError, "x: expected real numbers"),
        ({"alpha": 0}, ValueError, "alpha: expected a number above 0"),
        ({"precision": -1}, ValueError, "precision: expected a number of at least 0"),
        ({"max_steps": 1.5}, TypeError, "max_steps: expected an integer"),
        ({"rule": "slop"}, ValueError, "rule: .*did you mean 'slope'"),
    ],
)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        downhill(**{"slope": lambda x: x, "x": 1.0, "alpha": 0.1, **arguments})
