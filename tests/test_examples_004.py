"""The examples of tutorial 004, and of 001's handwriting, with full settings, against known results."""

import os

import numpy as np
import pytest

import samenet
from samenet import data
from samenet.examples import find
from samenet.examples.report import Report

pytestmark = pytest.mark.filterwarnings("error::samenet.UnreachableTargetsWarning")

XOR = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])


def _close(here: object, known: object, rtol: float = 1e-12) -> None:
    np.testing.assert_allclose(np.array(here), np.array(known), rtol=rtol, atol=0)


def _notes(report: Report) -> str:
    return " ".join(report.notes)


# What tutorial 004 prints, and its weights after the last update, in float64.
ERRORS = [0.4964100319027255, 0.008584525653247152, 0.00578945986250781]
ERRORS += [0.004629176776769985, 0.003958765280273649, 0.003510122567861677]
OUTPUT = [0.0026057245999589304, 0.9967220868897564, 0.9970171078634206, 0.0038675930955976733]
SYN0 = [
    [4.601357097887595, 4.171971929551631, -6.309562451905658, -4.197451175646529],
    [-2.5841348360008505, -5.814479292280622, -6.6079343531196, -3.683961233012227],
    [0.9753867879450971, -2.026857753141328, 2.529497509188097, 5.843717394604801],
]
SYN1 = [-6.967657631412922, 7.141019485765201, -10.31917382274882, 7.861284050871796]
THIRTEEN = [0.0037849203900773127, 0.9952015551149277, 0.9956982770063331, 0.005633788103566852]


@pytest.mark.compiled
def test_eleven_lines() -> None:
    """On the fastest backend; the next test runs the beginning on each."""
    report = find("11-lines").run("numba")
    _close([report[f"11 lines: mean absolute error at iteration {i}"] for i in range(0, 60000, 10000)], ERRORS)
    _close(report["11 lines: output, as printed before the last update"], OUTPUT)
    _close(report["11 lines: syn0"], SYN0)
    _close(report["11 lines: syn1"], SYN1)
    assert report["largest difference from the 11 lines run as printed"] < 1e-12
    _close(report["13 lines: output, as printed before the last update"], THIRTEEN)
    assert "r = 0.651" in _notes(report)
    assert "r = 0.707" in _notes(report)


@pytest.mark.compiled
@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("backend", samenet.backends())
def test_eleven_lines_of_another_seed(backend: str, seed: int) -> None:
    report = find("11-lines").run(backend, quick=True, seed=seed)
    assert report["largest difference from the 11 lines run as printed"] < 1e-12
    assert report["11 lines: mean absolute error at iteration 0"] != ERRORS[0]


@pytest.mark.parametrize("backend", ["numpy", pytest.param("numba", marks=pytest.mark.compiled)])
def test_perceptron(backend: str) -> None:
    report = find("perceptron").run(backend)
    known = [0.0096644916879683, 0.007865059671309264, 0.9935889804970555, 0.992119573219358]
    _close(report["output, as printed before the last update"], known)
    _close(report["syn0"], [9.672993027736892, -0.20784349926631962, -4.62963668773159])
    w = np.array([9.5, -0.20784349926631962, -4.62963668773159])
    l1 = 1 / (1 + np.exp(-XOR @ w))
    delta = (np.array([0, 0, 1, 1]) - l1) * l1 * (1 - l1)
    _close(report["update of all three weights"], delta[3] * XOR[3])
    _close(report["update of the weight 9.5, input x error x slope"], delta[3])
    _close(report["update of all three weights from all four samples"], delta @ XOR, rtol=1e-11)


def test_bucket() -> None:
    report = find("bucket").run("numpy")
    assert report["sign of the slope, steps of 0.3: number of steps"] == 10000
    assert report["sign of the slope, steps of 0.3: last two positions"] == pytest.approx([0.1, -0.2])
    assert report["shallow bucket, x = x - slope: steps until the slope is 0"] > 1000
    assert report["shallow bucket, x = x - slope: steps until one is at most 1e-5"] == 17
    assert report["steep bucket, alpha 1: first positions"] == [1, -1.5, 2.25, -3.375, 5.0625]
    steps = [report[f"steep bucket, alpha {alpha}: steps until one is at most 1e-5"] for alpha in ("1", "0.1", "0.01")]
    assert steps[0] == "never"
    assert steps[1] < steps[2]
    slow, middle, fast, stuck = (report.rows[i].here for i in (-8, -6, -4, -2))
    assert slow > 2 * middle > 4 * fast > 0 == stuck
    assert report["flat slope, from 3 with alpha 10: final position"] == pytest.approx(0, abs=1e-9)
    assert report["flat slope, from 9 with alpha 10: final position"] == 9


def test_valleys() -> None:
    report = find("valleys").run("numpy")
    assert report["valleys found"] == 5
    assert sum(report["balls in each valley"]) == 100
    lowest = np.array(report["positions of their minima"])
    np.testing.assert_allclose(lowest / 20 + np.sin(lowest), 0, atol=1e-8)
    np.testing.assert_allclose(lowest, [-12, -6, 0, 6, 12], atol=0.1)
    assert np.argmin(report["heights of their minima"]) == 2
    # All five: 5! times the product of the valleys' widths, a fifth each if they were equal.
    assert report["share of groups of five balls that find all five"] == pytest.approx(120 / 5**5, abs=0.02)
    assert report["mean number of valleys found by five balls"] == pytest.approx(5 * (1 - 0.8**5), abs=0.1)


@pytest.mark.parametrize("seed", [0, 2])
def test_valleys_of_other_seeds(seed: int) -> None:
    """The balls are the first hundred numbers of the stream, and each ends in the valley in which it began."""
    starts, valley = find("valleys").run("numpy", quick=True, seed=seed).curves["balls"]
    np.testing.assert_array_equal(starts, np.random.RandomState(seed).uniform(-5 * np.pi, 5 * np.pi, 100))
    clear = np.cos(starts) > -0.5  # of the tops, which are not quite at odd multiples of pi
    assert clear.sum() > 50
    np.testing.assert_array_equal(valley[clear], np.rint(starts / (2 * np.pi))[clear])


@pytest.mark.compiled
@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_error_surface(backend: str) -> None:
    report = find("error-surface").run(backend)
    known = [0.0050511902219722545, 0.0050511902219722545, 0.9949490511491181, 0.9949490511491181]
    _close(report["output, as printed before the last update"], known)
    _close(report["weights"], [5.283166180518819, -5.283118156627174])
    for name, lowest, highest, origin in (("MAE", 4.53979e-05, 0.999955, 0.5), ("SSE", 8.24387e-09, 3.99964, 1.0)):
        assert report.curves[name].values.shape == (201, 201)
        assert report[f"{name}: weights with the smallest error"] == [10, -10]
        assert report[f"{name}: minimum is on the edge"] is True
        assert report[f"{name}: minimum"] == pytest.approx(lowest, rel=1e-6)
        assert report[f"{name}: maximum"] == pytest.approx(highest, rel=1e-6)
        assert report[f"{name}: at the origin"] == origin


def test_error_surface_by_hand() -> None:
    """Every point of the coarse grid, w1 along the first axis."""
    report = find("error-surface").run("numpy", quick=True)
    grid = report.curves["MAE"].grids[0]
    w1, w2 = np.meshgrid(grid, grid, indexing="ij")
    zero, one = 1 / (1 + np.exp(-w2)), 1 / (1 + np.exp(-w1))
    np.testing.assert_allclose(report.curves["MAE"].values, (zero + (1 - one)) / 2, rtol=1e-12)
    np.testing.assert_allclose(report.curves["SSE"].values, 2 * zero**2 + 2 * (1 - one) ** 2, rtol=1e-9)


# (hidden, alpha): errors before iterations 0, 10000, ..., 50000 and at the end, and how far rounding takes them.
SWEEP = {
    (
        4,
        0.001,
    ): "0.496410031903 0.495164025493 0.493596043188 0.491606358559 0.489100166544 0.485977857846 0.482132314654",
    (
        4,
        0.01,
    ): "0.496410031903 0.457431074442 0.359097202563 0.239358137159 0.143070659013 0.0985964298089 0.0759537511368",
    (4, 1.0): "0.496410031903 0.00858452565325 0.00578945986251 0.00462917677677 0.00395876528027 0.00351012256786 "
    "0.00318350238587",
    (4, 10.0): "0.496410031903 0.00312938876301 0.00214459557985 0.00172397549956 0.00147821451229 0.00131274062834 "
    "0.00119180065353",
    (
        4,
        100.0,
    ): "0.496410031903 0.125476983853 0.125330333529 0.125267728768 0.125231073664 0.12520635276 0.12518826523",
    (4, 1000.0): "0.496410031903 0.5 0.5 0.5 0.5 0.5 0.5",
    (32, 0.1): "0.496439922501 0.0305404908386 0.0190638725334 0.0147643907296 0.0123892429905 0.0108421669738 "
    "0.00973672918948",
    (32, 10.0): "0.496439922501 0.00225381368217 0.0015410202525 0.00123879516941 0.00106233736445 0.000943487852261 "
    "0.000856579370018",
    (32, 100.0): "0.496439922501 0.5 0.5 0.5 0.5 0.5 0.5",
}
NOISE = {(4, 100.0): 2e-9, (32, 10.0): 2e-5}


@pytest.mark.compiled
def test_alpha() -> None:
    report = find("alpha").run("numba")
    for (hidden, alpha), text in SWEEP.items():
        known = [float(word) for word in text.split()]
        here = report[f"hidden width {hidden}, alpha {alpha:g}: error at iterations 0, 10000, ..., 60000"]
        np.testing.assert_allclose(here, known, rtol=0, atol=NOISE.get((hidden, alpha), 0) + 5e-12)
    for hidden, least in ((4, 0.00131274), (32, 0.00094349)):
        assert report[f"hidden width {hidden}: best alpha"] == 10
        assert report[f"hidden width {hidden}: smallest error printed for it"] == pytest.approx(
            least, abs=2e-8 + NOISE.get((hidden, 10.0), 0)
        )
        assert report[f"hidden width {hidden}: best alpha at iteration 10000"] == 10
    for hidden, last in ((3, 0.0045), (2, 0.252), (1, 0.376)):
        here = report[f"hidden width {hidden}, alpha 1: error at iterations 0, 10000, ..., 60000"][-1]
        assert here == pytest.approx(last, rel=0.02)
    largest = report[
        "hidden width 4: largest absolute weight for each alpha"
    ]  # the last, for 1000, depends on the order of a sum
    assert largest[:-1] == pytest.approx([1.535, 7.634, 9.403, 10.32, 14.88, 17.24], rel=1e-3)
    assert "settles. It does, at an error of 0.125" in _notes(report)


# Direction changes of synapse 0 (3, 4), of synapse 1 and of both in 10,000 updates, by the tutorial's own loop;
# test_directions.py counts all 60,000 of them.
CHANGES = {
    "0.001": ([[0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1]], [0, 0, 0, 1], 3),
    "0.01": ([[0, 1, 0, 0], [0, 0, 0, 0], [1, 0, 1, 1]], [1, 1, 0, 1], 7),
    "0.1": ([[1, 1, 0, 0], [2, 0, 0, 2], [4, 2, 1, 1]], [2, 1, 0, 1], 18),
    "1": ([[1, 1, 0, 0], [2, 0, 0, 2], [4, 2, 1, 1]], [2, 1, 0, 1], 18),
    "10": ([[7, 19, 2, 6], [7, 2, 0, 22], [19, 26, 9, 17]], [22, 15, 4, 15], 192),
    "100": ([[8, 7, 3, 2], [13, 8, 2, 4], [16, 13, 12, 8]], [13, 11, 11, 10], 141),
    "1000": ([[3, 2, 4, 1], [1, 2, 2, 1], [6, 6, 4, 1]], [7, 7, 7, 3], 57),
}


@pytest.mark.compiled
def test_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sixth of the run."""
    module = find("directions").module
    assert module.ITERATIONS == 60000
    monkeypatch.setattr(module, "ITERATIONS", 10000)
    report = find("directions").run("numba")
    for alpha, known in CHANGES.items():
        here = tuple(
            report[f"alpha {alpha}: direction changes in {part}"] for part in ("synapse 0", "synapse 1", "both")
        )
        assert here == known, alpha
        hidden = 1 / (1 + np.exp(-XOR @ report[f"alpha {alpha}: final synapse 0"]))
        output = 1 / (1 + np.exp(-hidden @ report[f"alpha {alpha}: final synapse 1"]))
        assert report[f"alpha {alpha}: final error"] == pytest.approx(abs([0, 1, 1, 0] - output).mean(), rel=1e-12)
        if (4, float(alpha)) in SWEEP:
            error = float(SWEEP[4, float(alpha)].split()[1])
            noise = NOISE.get((4, float(alpha)), 0)
            assert report[f"alpha {alpha}: final error"] == pytest.approx(error, rel=0, abs=noise + 5e-12)
    assert "it is 18 for alpha = 0.1, 1." in _notes(report)


@pytest.mark.compiled
def test_mini_batches() -> None:
    report = find("mini-batches").run("numpy")
    assert (
        report["largest difference between an update with a batch of 10 and one with the mean of ten gradients"] < 1e-14
    )
    names = ("batch size 1", "batch size 10", "full batch")
    shares = [report[f"{name}: share of updates that increase the cost"] for name in names]
    assert shares[0] > 0.3 > shares[1] > 0.1 > shares[2] == 0
    single, ten, whole = (report.curves[name] for name in names)
    assert single[0] == ten[0] == whole[0]
    assert shares[1] == (np.diff(ten) > 0).mean()
    assert report["batch size 10: largest increase"] == max(np.diff(ten))


# The 8x8 digits: of 719, correct after the first epoch and after the last, with seeds 0, 1 and 2.
DIGITS = {
    "64-30-10": [(364, 695), (344, 684), (421, 685)],
    "64-16-16-10": [(259, 697), (282, 691), (301, 683)],
    "64-10": [(247, 677), (303, 635), (371, 549)],
}


def _no_mnist(scale: float) -> data.Parts:
    raise FileNotFoundError("no such folder")


@pytest.mark.compiled
@pytest.mark.parametrize(("backend", "seed"), [("numba", 0), ("numba", 1), ("numba", 2), ("numpy", 0)])
def test_mnist_on_the_small_digits(backend: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "mnist", _no_mnist)
    report = find("mnist").run(backend, seed=seed)
    for sizes, known in DIGITS.items():
        what = f"8x8 digits, {sizes}"
        epochs = report[f"{what}: correct after each epoch"]
        here = (report[f"{what}: correct after epoch 0, of 719"], report[f"{what}: correct after epoch 29, of 719"])
        assert here == known[seed] == (epochs[0], epochs[-1])
        assert len(epochs) == 30
    assert report.notes[0] == "MNIST is left out. no such folder"


@pytest.mark.compiled
def test_mnist_in_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two epochs of the smallest network."""
    module = find("mnist").module
    monkeypatch.setattr(module, "EPOCHS", 2)
    monkeypatch.setattr(module, "HIDDEN", {(): (None, None)})
    monkeypatch.setattr(data, "mnist", _no_mnist)
    assert find("mnist").run("reference")["8x8 digits, 64-10: correct after each epoch"] == [247, 449]


@pytest.mark.compiled
@pytest.mark.skipif("SAMENET_DATA" not in os.environ, reason="needs the files of MNIST")
def test_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first epochs; without a hidden layer, rounding may change the first count of 10,000 by a few."""
    module = find("mnist").module
    monkeypatch.setattr(module, "EPOCHS", 2)
    monkeypatch.setattr(module, "HIDDEN", {(16, 16): (8957, 9385), (): (None, "down to 75 %")})
    report = find("mnist").run("numba")
    assert abs(report["MNIST, 784-10: correct after each epoch"][0] - 3697) <= 5
    assert report["MNIST, 784-16-16-10: weights and biases"] == 13002
    assert abs(report["MNIST, 784-16-16-10: correct after epoch 0, of 10000"] - 8799) < 300
    assert report["MNIST, 784-16-16-10: mean largest output, random pixels"] > 0.1
    assert report["MNIST, 784-10: mean largest output, random pixels"] < 1e-4


@pytest.mark.compiled
def test_future_work() -> None:
    report = find("future-work").run("numba")
    error = {row.what.rpartition(":")[0]: row.here for row in report.rows if row.what.endswith("mean absolute error")}
    assert error["nothing added"] == pytest.approx(ERRORS[1], rel=1e-12), "the network of 11 lines"
    assert error["alpha 100"] == pytest.approx(0.125476983853, abs=2e-9)
    assert error["alpha 100, delta trimming to 0.01"] < 0.001
    for name in ("momentum", "Nesterov", "alpha annealed from 10"):
        assert error[name] < 0.7 * error["nothing added"]
    assert error["regularisation, L2 penalty 0.001"] > 0.1
    assert len(set(error.values())) == len(error) == 14
    assert report["BFGS: iterations"] < 100
