"""`check_gradient` passes right gradients, and finds and names wrong ones."""

import copy
import math

import numpy as np
import pytest
from hardening.gradient_check import run
from inputs import Case, Functions

import samenet
from samenet import check_gradient, data
from samenet.model.functions import ACTIVATIONS, MADE_FOR
from samenet.testing.differences import Slopes
from samenet.testing.kinks import Kinks

ON_NUMPY = True  # what is given no backend

CASE = Case((4, 3, 2), 5)
RIGHT = [CASE, Case((5, 7, 3, 2), 4, bias=False), Case((4, 3, 2), 5, dtype="float32")]


def _with_gradient(change, case=CASE, cls=None, same=False):
    """A network whose gradient is changed by `change(slope)` after it is computed."""
    cls = cls or samenet.backend("numpy").Network

    class Changed(cls):
        def gradient(self, X, Y, *args, **settings):
            cost, slope = super().gradient(X, Y, *args, **settings)
            change(slope)
            return cost, slope

    return case.network(Changed)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    "case", [CASE, Case((5, 7, 3, 2), 4, bias=False), Case((4, 3, 2), 5, dtype="float32")], ids=str
)
def test_a_right_gradient_passes(backend, case, reduction):
    net = case.network(backend.Network)
    before = net.parameters.copy()
    X, Y = case.X.copy(), case.Y.copy()
    report = check_gradient(net, X, Y, reduction=reduction)
    assert report.ok
    assert not report.wrong.flat.any()
    assert not report.nothing
    assert 0 < report.relative_error < 1e-8
    assert report.worst.ok
    np.testing.assert_array_equal(net.parameters, before)
    np.testing.assert_array_equal(X, case.X)
    np.testing.assert_array_equal(Y, case.Y)
    text = str(report)
    assert f"OK: all {net.parameters.size} entries agree" in text
    assert "weights[1]" in text
    assert ("biases[0]" in text) == case.bias
    assert max(map(len, text.splitlines())) <= 100
    assert repr(report).startswith("GradientCheck(ok")


# Tutorial 003's series: norm(g - n) / norm(g + n), as its own numbers have it with a step of 1e-4.
@pytest.mark.parametrize(("seed", "error"), list(enumerate([5.4e-10, 3.4e-10, 1.7e-10, 2.2e-10, 1.5e-10])))
def test_relative_error_of_the_scores(backend, seed, error):
    X, Y = np.array([[3, 5], [5, 1], [10, 2]]) / [10, 5], np.array([[75], [82], [93]]) / 100
    net = backend.Network([2, 3, 1], init="normal_in_out", bias=False, seed=np.random.RandomState(seed))
    report = check_gradient(net, X, Y, step=1e-4, reduction="sum")
    assert report.ok
    assert error * 0.8 < report.relative_error < error * 1.2


@pytest.mark.parametrize(("kind", "index"), [("weight", (1, 2)), ("weight", (0, 0)), ("bias", (1,))])
@pytest.mark.parametrize("layer", [0, 1])
def test_one_wrong_entry_is_named(layer, kind, index):
    def change(slope):
        (slope.weights if kind == "weight" else slope.biases)[layer][index] *= 1.01

    report = check_gradient(_with_gradient(change), CASE.X, CASE.Y)
    assert not report.ok
    assert (report.worst.layer, report.worst.kind, report.worst.index) == (layer, kind, index)
    assert not report.worst.ok
    assert report.worst.analytic == pytest.approx(1.01 * report.worst.numeric, rel=1e-5)
    assert report.worst.relative_error == pytest.approx(0.01 / 2.01, rel=1e-3)
    assert report.wrong.flat.sum() == 1
    assert [entry.ok for entry in report.entries(3)] == [False, True, True]
    name = f"{'weights' if kind == 'weight' else 'biases'}[{layer}]"
    wrong = [line for line in str(report).splitlines() if "WRONG" in line]
    assert wrong[0].startswith(name)
    assert wrong[1].startswith(f"{name}[{', '.join(map(str, index))}] ")
    assert wrong[2].startswith("WRONG: 1 of 23 entries")


def _transpose(slope):
    slope.weights[0][:] = slope.weights[0].T.copy().reshape(slope.weights[0].shape)


def _double(slope):
    slope.weights[1][:] *= 2


def _sign(slope):
    slope.biases[0][:] *= -1


def _none(slope):
    slope.weights[0][:] = 0


def _not_a_number(slope):
    slope.weights[0][2, 3] = np.nan


@pytest.mark.parametrize(
    ("change", "name", "guess"),
    [
        (_transpose, "weights[0]", "looks transposed"),
        (_double, "weights[1]", "looks like 2 times the right one"),
        (_sign, "biases[0]", "looks like -1 times the right one"),
        (_none, "weights[0]", "all zero where they should not be"),
        (_not_a_number, "weights[0]", "1 of 12"),
    ],
)
def test_a_wrong_matrix_is_named(change, name, guess):
    report = check_gradient(_with_gradient(change), CASE.X, CASE.Y)
    assert not report.ok
    assert not report.relative_error < 1e-3
    lines = [line for line in str(report).splitlines() if line.startswith((f"{name} ",))]
    assert len(lines) == 1
    assert "WRONG" in lines[0]
    assert guess in lines[0]
    others = [line for line in str(report).splitlines()[1:5] if not line.startswith(name)]
    assert len(others) == 3
    assert not any("WRONG" in line for line in others)
    assert str(report.worst).startswith(name)
    assert repr(report).startswith("GradientCheck(wrong")


def test_of_a_layer_some_slopes_may_be_zero():
    X = CASE.X.copy()
    X[:, 0] = 0
    report = check_gradient(CASE.network(samenet.backend("numpy").Network), X, CASE.Y)
    assert report.ok
    assert not report.analytic.weights[0][:, 0].any()
    assert "proves nothing" not in str(report)


def test_a_cost_without_neighbours_cannot_be_checked():
    class Alone(samenet.backend("numpy").Network):
        def cost(self, *args, **settings):
            return super().cost(*args, **settings) if self.parameters.sum() == total else math.nan

    net = CASE.network(Alone)
    total = net.parameters.sum()
    report = check_gradient(net, CASE.X, CASE.Y)
    assert not report.ok
    assert np.isnan(report.numeric.flat).all()


def test_a_wrong_cost_shows_too():
    """A factor missing in the whole gradient: every layer is wrong by the same factor."""
    report = check_gradient(_with_gradient(lambda slope: np.multiply(slope.flat, 0.5, out=slope.flat)), CASE.X, CASE.Y)
    assert report.wrong.flat.all()
    assert report.relative_error == pytest.approx(1 / 3, rel=1e-6)
    assert str(report).count("looks like 0.5 times") == 4


@pytest.mark.parametrize("change", [lambda slope: None, lambda slope: np.multiply(slope.flat, 3, out=slope.flat)])
def test_zeros_that_agree_prove_nothing(change):
    net = _with_gradient(change)
    net.parameters[:] = 200  # every output is 1 to the last bit, so every slope is 0
    report = check_gradient(net, abs(CASE.X), CASE.Y)
    assert not report.wrong.flat.any()
    assert report.nothing
    assert not report.ok
    assert "NOTHING COMPARED" in str(report)
    assert "proves nothing" in str(report)
    assert "nothing" in repr(report)


def test_a_network_that_is_not_finite_does_not_pass():
    net = CASE.network(samenet.backend("numpy").Network)
    net.weights[1][0, 0] = np.nan
    report = check_gradient(net, CASE.X, CASE.Y)
    assert not report.ok
    assert not report.nothing


class _Corner(samenet.Network):
    """A cost with a kink at 0: the leaky |w| of its first weight, plus its square, with a given slope at 0."""

    at_zero = 1.0

    def cost(self, X, Y, reduction="mean"):
        w = self.parameters[0]
        return float(3 * w if w > 0 else w) + float(w**2) + 2 * float(self.parameters[1])

    def gradient(self, X, Y, reduction="mean"):
        slope = self.model.theta.empty_like()
        slope.flat[:] = 0, 2
        w = self.parameters[0]
        slope.flat[0] = self.at_zero if w == 0 else (3 if w > 0 else 1) + 2 * w
        return self.cost(X, Y), slope


@pytest.mark.parametrize(
    ("at", "slope", "ok", "kink"),
    [
        (0.0, 1.0, True, True),
        (0.0, 2.5, True, True),
        (0.0, 2.0, True, False),  # the mean of both sides: as the central difference has it
        (0.0, 3.1, False, True),
        (0.0, 0.0, False, True),
        (4e-6, 0.0, True, False),  # inside the first step, outside the second
        (-1e-8, 0.0, True, True),
        (1.0, 0.0, True, False),
    ],
)
def test_a_kink_takes_the_slopes_of_either_side(at, slope, ok, kink):
    class Corner(_Corner, samenet.backend("numpy").Network):
        at_zero = slope

    net = Corner([1, 1], weights=[[[at]]], biases=[[0.3]])
    report = check_gradient(net, [[1.0]], [[1.0]])
    assert (report.ok, bool(report.kinks.flat[0])) == (ok, kink)
    assert not report.kinks.flat[1]
    assert ("entries at a kink" in str(report)) == kink
    assert next(entry for entry in report.entries(2) if entry.kind == "weight").kink == kink


def test_the_network_is_left_alone_when_the_check_fails_midway():
    class Breaks(samenet.backend("numpy").Network):
        calls = 0

        def cost(self, *args, **settings):
            type(self).calls += 1
            if self.calls == 5:
                raise KeyboardInterrupt
            return super().cost(*args, **settings)

    net = CASE.network(Breaks)
    before = copy.deepcopy(net)
    with pytest.raises(KeyboardInterrupt):
        check_gradient(net, CASE.X, CASE.Y)
    np.testing.assert_array_equal(net.parameters, before.parameters)
    assert np.shares_memory(net.parameters, net.weights[0])


def test_a_step_is_not_lost_in_a_large_weight():
    net = samenet.backend("numpy").Network([2, 1], weights=[[[1e15, 0.5]]], biases=[[-0.2]])
    assert check_gradient(net, [[0.0, 2.0]], [[1.0]]).ok


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"net": [1, 2]}, TypeError, "net: expected a Network"),
        ({"X": [[1.0]]}, ValueError, "X: expected shape"),
        ({"Y": [[np.nan, 1.0]] * 5}, ValueError, "Y: expected finite"),
        ({"step": 0}, ValueError, "step: expected a number above 0"),
        ({"step": "1e-5"}, TypeError, "step: expected a number"),
        ({"reduction": "men"}, ValueError, "reduction: .*did you mean 'mean'"),
    ],
)
def test_bad_input(arguments, error, message):
    net = CASE.network(samenet.backend("numpy").Network)
    with pytest.raises(error, match=message):
        check_gradient(**{"net": net, "X": CASE.X, "Y": CASE.Y, **arguments})


def test_a_gradient_of_another_shape_is_refused():
    def other(self, X, Y, **settings):
        return 0.0, samenet.Parameters.empty((2, 1), True, np.dtype(float))

    Wrong = type("Wrong", (samenet.backend("numpy").Network,), {"gradient": other})
    with pytest.raises(ValueError, match="expected a gradient of shape"):
        check_gradient(CASE.network(Wrong), CASE.X, CASE.Y)


# ------------------------------------------------------------------------------------------------------------- kinks


def _numpy(sizes, cls=None, **settings):
    return (cls or samenet.backend("numpy").Network)(sizes, **settings)


def _changed(change):
    """A class whose gradient is changed by `change(slope, network)`."""

    class Changed(samenet.backend("numpy").Network):
        def gradient(self, X, Y, *args, **settings):
            cost, slope = super().gradient(X, Y, *args, **settings)
            change(slope, self)
            return cost, slope

    return Changed


def _digits():
    """Thirty digits, with two rows of their pixels."""
    found = data.digits()
    return data.standard_scaler(found.X).transform(found.X)[:30, 17:31], data.one_hot(found.y[:30], 10)


@pytest.mark.compiled
@pytest.mark.parametrize("layers", [[14, 10, 10, 10, 10], [14, 10, 10, 10]])
def test_weighted_sums_smaller_than_the_step_make_nothing_wrong(layers):
    X, Y = _digits()
    report = check_gradient(_numpy(layers, activation="relu", init="small_normal", seed=0), X, Y)
    assert report.ok, report
    assert report.kinks.flat.any()
    assert "entries at a kink: a kink lies within the step" in str(report)
    assert report.relative_error < 1e-7


def _scaled(layer, factor):
    def change(slope, net):
        slope.weights[layer][:] *= factor

    return change


def _zeroed(slope, net):
    for b in slope.biases[:-1]:
        b[:] = 0


def _turned(slope, net):
    slope.weights[1][:] = slope.weights[1].T.copy()


def _one_entry(slope, net):
    slope.flat[np.argmax(abs(slope.weights[0]))] *= 1.001


@pytest.mark.compiled
@pytest.mark.parametrize(
    "change", [_scaled(0, 2), _scaled(0, 0.5), _scaled(1, -1), _scaled(2, 0), _zeroed, _turned, _one_entry]
)
def test_no_wrong_gradient_hides_among_kinks(change):
    """Also where a kink lies within the step of most entries."""
    X, Y = _digits()
    for step in (1e-5, 1e-2):
        net = _numpy([14, 10, 10, 10], _changed(change), activation="relu", init="small_normal", seed=1)
        right = _numpy([14, 10, 10, 10], activation="relu", init="small_normal", seed=1).gradient(X, Y)[1]
        moved = abs(net.gradient(X, Y)[1].flat - right.flat)
        report = check_gradient(net, X, Y, step=step)
        assert not report.ok
        assert moved.max() > 1e-9
        assert report.wrong.flat[(moved > 5e-4 * abs(right.flat)) & (moved > 1e-11)].all()
        assert not report.wrong.flat[moved == 0].any()


@pytest.mark.parametrize("penalty", [{}, {"l2": 0.1}, {"l1": 0.1}, {"l1": 0.1, "l2": 0.1}])
@pytest.mark.parametrize("step", [1e-8, 1e-5, 1e-2])
def test_rows_of_zeros(penalty, step):
    random = np.random.default_rng(0)
    X, Y = random.normal(size=(20, 3)), random.random((20, 2))
    net = _numpy([3, 5, 4, 2], activation=["relu", "relu", "sigmoid"], seed=0, **penalty)
    net.weights[0][2] = net.weights[1][0] = 0
    report = check_gradient(net, X, Y, step=step)
    assert report.ok, report
    assert report.kinks.weights[0][2].all()
    assert report.kinks.biases[1][0]
    wrong = _numpy([3, 5, 4, 2], _changed(_zeroed), activation=["relu", "relu", "sigmoid"], seed=0, **penalty)
    wrong.parameters = net.parameters
    found = check_gradient(wrong, X, Y, step=step).wrong
    assert found.biases[0].sum() >= 3
    assert found.biases[1].sum() >= 2


def test_inputs_of_zeros():
    X, Y = np.zeros((6, 3)), np.array([[0.0, 1.0], [1.0, 0.0]] * 3)
    report = check_gradient(_numpy([3, 4, 2], activation=["relu", "sigmoid"], seed=0), X, Y)
    assert report.ok  # every slope is 0, by targets that cancel
    assert not report.nothing
    assert report.relative_error == 0
    assert "OK: all 26 entries are zero, as their differences; relative error 0.0" in str(report)
    assert repr(report) == "GradientCheck(ok, relative error 0.0e+00)"
    report = check_gradient(_numpy([3, 4, 2], activation=["relu", "sigmoid"], seed=0), X[:5], Y[:5])
    assert report.ok
    assert report.kinks.biases[0].any()


def test_two_kinks_of_a_sample_that_make_a_straight_line():
    """relu(t) - relu(-t) = t: its slope is 1 everywhere, but by the chain rule with relu'(0) = 0 it is 0 at 0."""
    net = _numpy(
        [1, 1, 2, 1],
        activation=["identity", "relu", "identity"],
        bias=False,
        weights=[[[0.0]], [[1.0], [-1.0]], [[1.0, -1.0]]],
    )
    report = check_gradient(net, [[1.0]], [[1.0]])
    assert not report.wrong.flat.any()
    assert report.kinks.flat[0]


@pytest.mark.parametrize("w", [1e-12, -1e-9, 3e-6, -0.02])
@pytest.mark.parametrize("step", [1e-5, 1e-2])
def test_l1_at_a_weight_smaller_than_the_step(w, step):
    def without(slope, net):
        for W, values in zip(slope.weights, net.weights, strict=True):
            W -= net.l1 * np.sign(values)

    settings = {"weights": [[[w, -0.5]]], "l1": 0.3}
    report = check_gradient(_numpy([2, 1], **settings), [[1.0, 2.0], [0.5, -1.0]], [[1.0], [0.0]], step=step)
    assert report.ok
    assert report.kinks.flat[0] == (abs(w) < step)
    wrong = check_gradient(
        _numpy([2, 1], _changed(without), **settings), [[1.0, 2.0], [0.5, -1.0]], [[1.0], [0.0]], step=step
    )
    assert wrong.wrong.weights[0].all()


@pytest.mark.parametrize("step", [1e-8, 1e-7, 1e-5, 1e-3, 1e-2])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("function", ACTIVATIONS)
def test_any_step_serves(function, size, step):
    """If it is too large, smaller ones are tried; if rounding hides everything, larger ones."""
    case = Case((4, 3, 2), 5, functions=Functions(function, function))
    X = size * case.X
    assert not check_gradient(case.network(samenet.backend("numpy").Network), X, case.Y, step=step).wrong.flat.any()

    def change(slope, net):
        slope.flat[np.argmax(abs(slope.flat))] *= 1.01

    wrong = check_gradient(case.network(_changed(change)), X, case.Y, step=step).wrong
    assert wrong.flat.sum() == 1


def test_what_rounding_hides_at_the_step_is_found_with_another():
    """A slope of 1e-8 beside a cost of 1: at a step of 1e-8 the cost does not change at all."""

    def change(slope, net):
        slope.weights[0][0, 0] = 0

    X, Y = [[1e-8, 1.0], [-1e-8, 0.5]], [[0.0], [1.0]]
    for step in (1e-8, 1e-5):
        assert check_gradient(_numpy([2, 1], weights=[[[0.3, 0.4]]]), X, Y, step=step).ok
        report = check_gradient(_numpy([2, 1], _changed(change), weights=[[[0.3, 0.4]]]), X, Y, step=step)
        assert report.wrong.flat.tolist() == [True, False, False]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("offset", [1.0, 1e4, 1e8])
def test_rounding_is_measured(offset, reduction):
    """Distant targets make the cost large, and with it the rounding error of a difference of two costs."""
    random = np.random.default_rng(1)
    X, Y = random.normal(size=(50, 3)), offset + random.random((50, 2))
    for step in (1e-8, 1e-5):
        settings = {"activation": "identity", "seed": 1}
        report = check_gradient(_numpy([3, 4, 2], **settings), X, Y, step=step, reduction=reduction)
        assert not report.wrong.flat.any(), report
        changed = _numpy([3, 4, 2], _changed(_scaled(1, 2 if offset == 1e8 else 1.001)), **settings)
        report = check_gradient(changed, X, Y, step=step, reduction=reduction)
        assert report.wrong.weights[1].all()
        assert not report.wrong.weights[0].any()


@pytest.mark.compiled
def test_random_networks():
    """The short form of tests/hardening/gradient_check.py."""
    kinks = tried = 0
    for seed in range(3):
        failures, mutants, kinked = run(seed, "numpy")
        assert not failures, (seed, failures)
        tried, kinks = tried + mutants, kinks + kinked
    assert tried > 15
    assert kinks


@pytest.mark.parametrize(("share", "ok"), [(0.0, True), (0.7, True), (1.0, True), (1.2, False), (-0.2, False)])
@pytest.mark.parametrize("step", [1e-5, 1e-2])
def test_at_a_kink_of_relu_any_slope_of_its_sides_is_right(share, ok, step):
    """J = 1/2 (1 - 2 relu(w))^2 at w = 0 has the slope 0 to the left and -2 to the right."""

    def change(slope, net):
        slope.flat[0] = -2 * share

    settings = {"activation": ["relu", "identity"], "bias": False, "weights": [[[0.0]], [[2.0]]]}
    report = check_gradient(_numpy([1, 1, 1], _changed(change), **settings), [[1.0]], [[1.0]], step=step)
    assert report.wrong.flat.tolist() == [not ok, False]
    assert report.kinks.flat[0]


@pytest.mark.parametrize(("share", "ok"), [(0.0, True), (0.7, True), (-1.0, True), (1.2, False), (-1.2, False)])
@pytest.mark.parametrize("step", [1e-5, 1e-2])
def test_at_a_kink_of_l1_any_slope_of_its_sides_is_right(share, ok, step):
    def change(slope, net):
        slope.flat[0] += 0.3 * share

    settings = {"bias": False, "weights": [[[0.0, 1.0]]], "l1": 0.3}
    report = check_gradient(_numpy([2, 1], _changed(change), **settings), [[1.0, 2.0]], [[1.0]], step=step)
    assert report.wrong.flat.tolist() == [not ok, False]
    assert report.kinks.flat.tolist() == [True, False]


def test_half_a_slope_does_not_pass_for_a_whole_one():
    """With every weighted sum just above 0, a node is on at one end only, and the difference is half the slope."""
    settings = {
        "activation": ["relu", "identity"],
        "bias": False,
        "weights": [np.full((3, 2), 1e-13), [[1.0, 2.0, 3.0]]],
    }
    X, Y = [[1.0, 2.0], [3.0, 1.0]], [[1.0], [2.0]]
    assert not check_gradient(_numpy([2, 3, 1], **settings), X, Y, step=1e-6).wrong.flat.any()
    report = check_gradient(_numpy([2, 3, 1], _changed(_scaled(0, 0.5)), **settings), X, Y, step=1e-6)
    assert report.wrong.weights[0].all()


@pytest.mark.parametrize("seed", range(4))
def test_rounding_is_that_of_the_outputs_where_they_cancel(seed):
    """Outputs and targets near 1e8: the cost is 1, but has rounding errors as for 1e8."""
    random = np.random.default_rng(seed)
    X, Y = 1e-4 * random.normal(size=(30, 3)), 1e8 + random.normal(size=(30, 2))
    net = _numpy([3, 4, 2], activation="identity", seed=seed)
    net.biases[1][:] = 1e8
    for step in (1e-8, 1e-5, 1e-3):
        assert not check_gradient(net, X, Y, step=step).wrong.flat.any()


def test_half_a_slope_does_not_pass_where_the_kink_is_in_a_later_layer():
    settings = {"activation": ["tanh", "relu", "identity"], "weights": [[[0.5]], [[2.0]], [[3.0]]]}
    settings["biases"] = [[0.1], [1e-13 - 2 * np.tanh(0.6)], [0.2]]
    assert not check_gradient(_numpy([1, 1, 1, 1], **settings), [[1.0]], [[1.0]], step=1e-7).wrong.flat.any()
    report = check_gradient(_numpy([1, 1, 1, 1], _changed(_scaled(0, 0.5)), **settings), [[1.0]], [[1.0]], step=1e-7)
    assert report.wrong.flat.tolist() == [True, False, False, False, False, False]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("above", ACTIVATIONS)
@pytest.mark.parametrize(
    "output", [("sigmoid", "squared_error"), ("tanh", "sum_of_squares"), *zip(MADE_FOR.values(), MADE_FOR, strict=True)]
)
def test_the_slope_of_samples_at_a_kink(above, output, reduction):
    """Every sample has kinks within the step; if its slope is defined on one side only, the chain rule gives it."""
    random = np.random.default_rng(0)
    X, Y = random.normal(size=(4, 2)), random.random((4, 2))
    net = _numpy([2, 3, 2, 2], activation=["relu", above, output[0]], cost=output[1], l1=0.1, l2=0.2, seed=0)
    net.weights[0][:] *= 1e-6
    net.weights[1][:] *= 3
    report = check_gradient(net, X, Y, step=1e-4, reduction=reduction)
    assert not report.wrong.flat.any(), report
    assert report.kinks.weights[0].all()
    changed = _numpy(
        [2, 3, 2, 2],
        _changed(_scaled(0, 1.01)),
        activation=["relu", above, output[0]],
        cost=output[1],
        l1=0.1,
        l2=0.2,
        seed=0,
    )
    changed.parameters = net.parameters
    assert check_gradient(changed, X, Y, step=1e-4, reduction=reduction).wrong.weights[0].all()


@pytest.mark.parametrize("size", [1e3, 1e5, 1e6])
@pytest.mark.parametrize("step", [1e-5, 1e-2])
def test_a_cost_that_turns_more_sharply_than_the_step_can_see(size, step):
    """Inputs of a million: within 1e-6 the sigmoid goes from 0 to 1, and every larger step sees a slope of 0."""
    X, Y = [[size], [-size / 3]], [[0.3], [0.2]]
    net = _numpy([1, 1], weights=[[[1e-9]]])
    assert not check_gradient(net, X, Y, step=step).wrong.flat.any()
    for factor in (0.0, 2.0, -1.0):
        changed = _numpy([1, 1], _changed(_scaled(0, factor)), weights=[[[1e-9]]])
        assert check_gradient(changed, X, Y, step=step).wrong.flat.tolist() == [True, False]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
def test_where_a_kink_may_lie_within_the_step(layers, bias):
    """Wherever one sample of many crosses a kink, and not wherever none does."""
    random, step, seen = np.random.default_rng(layers), 1e-3, [0, 0]
    for seed in range(6):
        sizes = [3, *[4] * layers, 2]
        net = samenet.backend("numpy").Network(sizes, activation=["relu"] * layers + ["sigmoid"], bias=bias, seed=seed)
        X = random.uniform(0.5, 1, (5, 3))
        w, b = net.weights[0][seed % 4], net.biases[0][seed % 4] if bias else 0.0
        X[seed % 5] -= (w @ X[seed % 5] + b) / (w @ w) * w  # that of one node is where it has its kink
        kinks = Kinks(net, X, np.zeros((5, 2)), net.cost(X, np.zeros((5, 2))), "mean")
        with np.errstate(all="ignore"):
            may, kept = kinks.may_cross(step).copy(), net.parameters.copy()
        for i in range(kept.size):
            crosses = False
            for moved in (-step, step):
                net.parameters[:] = kept
                net.parameters[i] += moved
                crosses |= bool(kinks.crossed().any())
            net.parameters[:] = kept
            assert may[i] >= crosses
            seen[0] += crosses
        seen[1] += int((~may).sum())
    assert min(seen) > 5


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    ("output", "cost", "Y"),
    [
        ("sigmoid", "squared_error", [[0, 1], [1, 0]]),
        ("sigmoid", "binary_cross_entropy", [[0, 1], [1, 0]]),
        ("softmax", "cross_entropy", [[0, 1], [1, 0]]),
        ("tanh", "squared_error", [[-1, 0.5], [1, -0.5]]),
        ("identity", "sum_of_squares", [[-3, 7], [3, -7]]),
    ],
)
def test_a_gradient_of_zeros_is_right_where_slopes_cancel(output, cost, Y, reduction):
    """A nonzero gradient is wrong there, in every entry; zeros are wrong where the gradient is not zero."""
    how = {"activation": ["tanh", output], "cost": cost, "seed": 2}
    X, Y = np.zeros((6, 3)), np.array(Y * 3, float)
    report = check_gradient(_numpy([3, 4, 2], **how), X, Y, reduction=reduction)
    assert report.ok, report
    assert not report.nothing
    for size in (1e-8, 1.0):
        for i in (0, 14, 24):  # of weights and of biases, in both layers

            def change(slope, network, i=i, size=size):
                slope.flat[i] += size

            report = check_gradient(_numpy([3, 4, 2], _changed(change), **how), X, Y, reduction=reduction)
            assert report.wrong.flat.nonzero()[0].tolist() == [i]
            assert not report.ok
            assert not report.nothing
    zeros = _changed(lambda slope, network: slope.flat.fill(0))
    report = check_gradient(_numpy([3, 4, 2], zeros, **how), X[:5], Y[:5], reduction=reduction)
    assert not report.ok
    assert not report.nothing
    assert report.wrong.biases[1].all()


def test_rounding_grows_with_the_root_of_a_cost():
    """As that of a squared error grows with the residual; at least the measured error, plus an ulp of the cost."""
    slopes = Slopes(_numpy([2, 1], seed=0), np.ones((3, 2)), np.zeros((3, 1)), "mean")
    slopes.J, slopes.noise = 2.0, 1e-3
    for largest, factor in ((0.5, 1), (2.0, 1), (8.0, 2), (200.0, 10)):
        for values in ((largest,), (0.1, -largest), (-largest, 0.1)):
            assert slopes._rounding(*values) == pytest.approx(4 * (1e-3 * factor + 2.0**-51 * largest), rel=1e-12)
    slopes.J = slopes.noise = 0.0
    assert slopes._rounding(4.0) == pytest.approx(4 * 2.0**-49)
