"""The examples of tutorials 002 and 003 with their full settings, against the results of the tutorials' own code."""

import numpy as np
import pytest

import samenet
from samenet.examples import find
from samenet.examples.report import Report

pytestmark = pytest.mark.filterwarnings("error::samenet.UnreachableTargetsWarning")


def run(name: str, backend: str, seed: int | None = None, quick: bool = False) -> Report:
    return find(name).run(backend, quick, seed)


def test_encodings() -> None:
    report = run("encodings", "reference")
    assert report["word counts of the e-mail"] == [2, 2, 0, 0, 0, 0, 0, 1]
    assert [report[f"position of the 1 for {letter}"] for letter in "abc"] == [1, 2, 3]
    assert report["output nodes for a letter"] == 26


# Tutorial 002, the class: loss at 0, 1, 10, 100, 1000 and after 1500; outputs after 1500.
CLASS = {
    0: (
        [1.29810381349, 1.02728076005, 0.997567990841, 0.787766966657, 0.00497731030039, 0.00279765196993],
        [0.010091422, 0.971590484, 0.971678133, 0.032963411],
    ),
    3: (
        [1.36683171171, 1.12216716369, 1.00207723536, 0.962659422544, 0.00289471950103, 0.00159581997488],
        [0.014780417, 0.979954817, 0.978634368, 0.022782881],
    ),
}


def as_the_class(seed: int, iterations: int) -> tuple[list[float], list[np.ndarray]]:
    """The article's class in its own notation: the losses before each iteration, and output and weights."""
    random = np.random.RandomState(seed)
    x, y = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]]), np.array([[0], [1], [1], [0]])
    weights1, weights2 = random.rand(3, 4), random.rand(4, 1)
    losses = []
    for _ in range(iterations + 1):
        layer1 = 1 / (1 + np.exp(-np.dot(x, weights1)))
        output = 1 / (1 + np.exp(-np.dot(layer1, weights2)))
        losses.append(float(((y - output) ** 2).sum()))
        found = [output, weights1.copy(), weights2.copy()]
        error = 2 * (y - output) * output * (1 - output)
        d_weights1 = np.dot(x.T, np.dot(error, weights2.T) * layer1 * (1 - layer1))
        weights1, weights2 = weights1 + d_weights1, weights2 + np.dot(layer1.T, error)
    return losses, found


@pytest.mark.compiled
@pytest.mark.parametrize(("backend", "seed"), [("numpy", 0), ("numba", 0), ("numba", 3), ("numba", 17)])
def test_class_in_numpy(backend: str, seed: int) -> None:
    report = run("class-in-numpy", backend, seed)
    losses, (output, weights1, weights2) = as_the_class(seed, 1500)
    here = [report[f"loss at iteration {i}"] for i in (0, 1, 10, 100, 1000)] + [report["loss after 1500 iterations"]]
    np.testing.assert_allclose(here, [losses[i] for i in (0, 1, 10, 100, 1000, 1500)], rtol=1e-12)
    np.testing.assert_allclose(report["predictions"], output[:, 0], rtol=1e-12)
    np.testing.assert_allclose(report["weights1"], weights1, rtol=1e-12)
    np.testing.assert_allclose(report["weights2"], weights2, rtol=1e-12)
    if seed in CLASS:
        np.testing.assert_allclose(here, CLASS[seed][0], rtol=6e-12)  # known to 12 digits
        np.testing.assert_allclose(report["predictions"], CLASS[seed][1], rtol=0, atol=6e-10)
        assert report[f"loss after 1500 iterations, seed {seed}"] == report["loss after 1500 iterations"]
    for other in range(seed, seed + 5):
        assert report[f"iterations in which the loss increases, seed {other}"] == 0
    near, far = (report[f"largest error of a prediction after {iterations} iterations"] for iterations in (1500, 15000))
    assert far < near / 3


def test_class_on_the_reference() -> None:
    report = run("class-in-numpy", "reference", 17, quick=True)
    losses, (output, *_) = as_the_class(17, 20)
    here = [report[f"loss at iteration {i}"] for i in (0, 1, 10)] + [report["loss after 20 iterations"]]
    np.testing.assert_allclose(here, [losses[i] for i in (0, 1, 10, 20)], rtol=1e-12)
    np.testing.assert_allclose(report["predictions"], output[:, 0], rtol=1e-12)


# Tutorial 002, the parameters in a dictionary, seed 3: the run, its epochs, cost at 0, 1, 10, 100, at the end, outputs.
DICTIONARY = [
    (
        "or 2-1",
        1000,
        [0.687610399838, 0.604168889831, 0.400338431872, 0.15604528906, 0.0188180318101],
        [0.041236, 0.983561, 0.983562, 0.999988],
    ),
    (
        "or 2-4-1",
        5000,
        [0.694331909048, 0.639162252621, 0.561385424972, 0.502692298269, 0.00119649873681],
        [0.003230, 0.999237, 0.999237, 0.999976],
    ),
    (
        "xor 2-4-1",
        20_000,
        [0.693149988486, 0.693147883294, 0.693147180566, 0.693147180563, 0.693147180559],
        [0.499997, 0.500000, 0.500000, 0.500003],
    ),
    (
        "xor3 3-4-1",
        20_000,
        [0.693162711362, 0.693151069217, 0.693147180698, 0.693147180683, 0.693147180579],
        [0.500000, 0.500007, 0.499993, 0.500000],
    ),
    (
        "or 2-3-3-1",
        2000,
        [0.696297679402, 0.608484348879, 0.562352237002, 0.562329754162, 0.00205074153336],
        [0.005594, 0.998875, 0.998874, 0.999659],
    ),
    (
        "breast cancer 30-8-1",
        2000,
        [0.687201310853, 0.670345048723, 0.609952571843, 0.126989599089, 0.043938431913],
        [0.001749, 0.001847, 0.001758, 0.002354],
    ),
]


@pytest.mark.compiled
def test_params_dict() -> None:
    """On the fastest backend; `test_examples` runs each example, quick, on each."""
    report = run("params-dict", "numba")
    for title, epochs, costs, outputs in DICTIONARY:
        here = [
            *report[f"{title}: cost at iterations 0, 1, 10, 100"],
            report[f"{title}: cost after {epochs} iterations"],
        ]
        np.testing.assert_allclose(here, costs, rtol=2e-10, err_msg=title)
        np.testing.assert_allclose(report[f"{title}: first outputs"], outputs, rtol=0, atol=6e-7, err_msg=title)
    assert report["breast cancer 30-8-1: training accuracy, %"] == pytest.approx(98.95, abs=0.005)
    assert report["trace of the article's cost"] == pytest.approx(report["cost for two outputs"], rel=1e-14)
    assert report["relative error of the gradient against finite differences"] < 1e-9
    assert report["cost of output 1 with target 0, z = 1000"] == 1000


def test_params_dict_on_the_reference() -> None:
    report = run("params-dict", "reference", quick=True)  # less of the tumours, all of the small tables
    for title, _, costs, _ in DICTIONARY[:-1]:
        np.testing.assert_allclose(report[f"{title}: cost at iterations 0, 1, 10"], costs[:3], rtol=2e-12)


# Tutorial 003: yhat, J, J of BFGS, its iterations and evaluations, score for (8, 3), J after 10,000 updates with rate 3
# in batch and sample by sample. BFGS ends as soon as its gradient is small enough, so that its J has few digits.
SCORES = {
    0: ([0.6739991541, 0.6446156414, 0.6696858329], 0.05214963371099622, 2.83e-10, [89, 96], 90.69, 7.319e-7, 2.079e-4),
    1: ([0.5358253139, 0.7056511929, 0.7445490046], 0.04666925876834949, 1.91e-11, [30, 32], 91.61, 4.36e-10, 6.752e-6),
    2: ([0.5103575366, 0.3833562472, 0.4516450411], 0.238454871922793, 1.19e-10, [57, 69], 91.04, 4.902e-8, 1.881e-5),
    3: ([0.4191393815, 0.3983026828, 0.3901499517], 0.2893677254053929, 2.3e-10, [98, 106], 91.15, 4.948e-6, 1.202e-3),
    4: ([0.4673431977, 0.5189210872, 0.5066395732], 0.1748887153039038, 2.22e-10, [45, 53], 97.08, 2.683e-7, 6.096e-5),
}
HOURS, POINTS = np.array([[0.3, 1.0], [0.5, 0.2], [1.0, 0.4]]), np.array([[0.75], [0.82], [0.93]])


def weights(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """W1 and W2 as the series draws them."""
    random = np.random.RandomState(seed)
    return random.randn(2, 3), random.randn(3, 1)


def slopes(X: np.ndarray, y: np.ndarray, W1: np.ndarray, W2: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """J, dJ/dW1 and dJ/dW2 in the notation of the series, for weights (in, out)."""
    a2 = 1 / (1 + np.exp(-np.dot(X, W1)))
    yhat = 1 / (1 + np.exp(-np.dot(a2, W2)))
    delta3 = -(y - yhat) * yhat * (1 - yhat)
    delta2 = np.dot(delta3, W2.T) * a2 * (1 - a2)
    return 0.5 * float(((y - yhat) ** 2).sum()), np.dot(X.T, delta2), np.dot(a2.T, delta3)


def as_the_series(seed: int, updates: int, one_by_one: bool) -> tuple[float, float]:
    """J before the first of this many updates with learning rate 3, and after the last."""
    W1, W2 = weights(seed)
    first = slopes(HOURS, POINTS, W1, W2)[0]
    for update in range(updates):
        rows = [update % 3] if one_by_one else [0, 1, 2]
        _, dW1, dW2 = slopes(HOURS[rows], POINTS[rows], W1, W2)
        W1, W2 = W1 - 3 * dW1, W2 - 3 * dW2
    return first, slopes(HOURS, POINTS, W1, W2)[0]


@pytest.mark.parametrize("backend", samenet.backends())
def test_scores(backend: str) -> None:
    for seed, (yhat, J, *_) in SCORES.items():
        report = run("scores", backend, seed)
        np.testing.assert_allclose(report["yhat before training"], yhat, rtol=0, atol=6e-11)
        assert report["J"] == pytest.approx(J, rel=1e-14)
    assert report["X"] == HOURS.tolist()
    assert report["y"] == POINTS[:, 0].tolist()
    assert report["query (8, 3), scaled"] == [0.8, 0.6]
    assert report["sigmoid of [[-2.0, -1.0], [1.0, 2.0]]"][1][0] == pytest.approx(1 / (1 + np.exp(-1)))


@pytest.mark.compiled
@pytest.mark.parametrize("backend", samenet.backends())
def test_brute_force(backend: str) -> None:
    """The coarse grid of two weights includes the corner in which the fine one has its best point."""
    report = run("brute-force", backend, 0, quick=True)
    assert report["one weight: best point"] == [5.0]
    assert report["one weight: J at the best point"] == pytest.approx(0.04294148115247452, rel=1e-14)
    assert report["two weights: best point"] == [5.0, -5.0]
    assert report["two weights: J at the best point"] == pytest.approx(0.03441065727503051, rel=1e-14)
    assert report["two weights: best point is on the edge of [-5, 5]"]
    assert report["nine weights at 0.04 s per 1000 evaluations"] == "1268391679350 millennia"
    assert report["three weights if two take 100 s"] == "27.8 hours"
    assert "J is 0.042941 there, and 0.041095 at 20." in report.notes[2]


@pytest.mark.compiled
@pytest.mark.parametrize("seed", [*SCORES, 11])
def test_batch_or_stochastic(seed: int) -> None:
    report = run("batch-or-stochastic", "numba", seed)
    for name, one_by_one in (("full batch", False), ("sample by sample", True)):
        last = report[f"{name}: J after 10000 updates"]
        if seed in SCORES:
            assert last == pytest.approx(SCORES[seed][5 + one_by_one], rel=6e-4)  # known to 4 digits
        else:
            first, known = as_the_series(seed, 10_000, one_by_one)
            assert report[f"{name}: J after 0 epochs"] == pytest.approx(first, rel=1e-14)
            assert last == pytest.approx(known, rel=1e-9)
    assert report["largest difference between their sum and the gradient of all samples"] < 1e-16
    exact, batch, one = (
        report[f"Adaline{what}"]
        for what in (": least-squares weights, and their J", ", batch: weights and J", ", stochastic: weights and J")
    )
    np.testing.assert_allclose(batch, exact, rtol=1e-5)
    np.testing.assert_allclose(one, exact, rtol=0.05)
    assert one[2] > exact[2]


@pytest.mark.compiled
@pytest.mark.parametrize("backend", samenet.backends())
@pytest.mark.parametrize("seed", [0, 4])
def test_score_training(backend: str, seed: int) -> None:
    report = run("score-training", backend, seed)
    _, _, J, counts, _, _, _ = SCORES[seed]
    assert report["BFGS: J"] == pytest.approx(J, rel=0.02)
    alone, *found = report["SciPy alone: J, iterations, evaluations"]
    assert alone == pytest.approx(report["BFGS: J"], rel=1e-6)
    assert found == counts
    assert report["BFGS: iterations"] == counts[0]
    scores = report["penalty 0: score for (8, 3) from 5 seeds"]
    known = [SCORES[other][4] for other in range(seed, 5)]
    np.testing.assert_allclose(scores[: len(known)], known, rtol=0, atol=0.006)
    assert report["BFGS: score for (8, 3)"] == pytest.approx(known[0], abs=0.006)
    assert 1e-12 < report["||g - n|| / ||g + n||"] < 1e-9
    _, dW1, dW2 = slopes(HOURS, POINTS, *weights(seed))
    np.testing.assert_allclose(report["dJ/dW1"], dW1, rtol=1e-12)
    np.testing.assert_allclose(report["dJ/dW2"], dW2, rtol=1e-12)
    np.testing.assert_allclose(report["dJ/dW1 by central differences"], dW1, rtol=1e-6)
    without, with_penalty = report["range of these scores, without and with the penalty"]
    assert with_penalty < without / 5
