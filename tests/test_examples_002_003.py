"""The examples of tutorials 002 and 003 with their full settings, against what the tutorials' own code gives."""

import numpy as np
import pytest

from samenet.examples import find
from samenet.examples.report import Report


def run(name: str, backend: str, seed: int | None = None, quick: bool = False) -> Report:
    return find(name).run(backend, quick, seed)


def test_encodings() -> None:
    report = run("encodings", "reference")
    assert report["word counts of the e-mail"] == [2, 2, 0, 0, 0, 0, 0, 1]
    assert [report[f"the node that is 1 for {letter}"] for letter in "abc"] == [1, 2, 3]
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
    """What the article's class does, in its own words: the losses before each iteration, and output and weights."""
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
@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("seed", [*CLASS, 17])
def test_class_in_numpy(backend: str, seed: int) -> None:
    report = run("class-in-numpy", backend, seed)
    losses, (output, weights1, weights2) = as_the_class(seed, 1500)
    here = [report[f"loss at iteration {i}"] for i in (0, 1, 10, 100, 1000)] + [report["loss after 1500"]]
    np.testing.assert_allclose(here, [losses[i] for i in (0, 1, 10, 100, 1000, 1500)], rtol=1e-12)
    np.testing.assert_allclose(report["predictions"], output[:, 0], rtol=1e-12)
    np.testing.assert_allclose(report["weights1"], weights1, rtol=1e-12)
    np.testing.assert_allclose(report["weights2"], weights2, rtol=1e-12)
    if seed in CLASS:
        np.testing.assert_allclose(here, CLASS[seed][0], rtol=6e-12)  # known to 12 digits
        np.testing.assert_allclose(report["predictions"], CLASS[seed][1], rtol=0, atol=6e-10)
        assert report[f"loss after 1500 from seed {seed}"] == report["loss after 1500"]
    for other in range(seed, seed + 5):
        assert report[f"iterations in which it rises from seed {other}"] == 0
    assert report["the same after 15000"] < report["largest difference of a prediction"] / 3


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
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_params_dict(backend: str) -> None:
    report = run("params-dict", backend)
    for title, epochs, costs, outputs in DICTIONARY:
        here = [*report[f"{title}: cost at iterations 0, 1, 10, 100"], report[f"{title}: cost after {epochs}"]]
        np.testing.assert_allclose(here, costs, rtol=2e-10, err_msg=title)
        np.testing.assert_allclose(report[f"{title}: first outputs"], outputs, rtol=0, atol=6e-7, err_msg=title)
    assert report["accuracy on the tumours, %"] == pytest.approx(98.95, abs=0.005)
    assert report["trace of the article's cost"] == pytest.approx(report["cost for two outputs"], rel=1e-14)
    assert report["gradient against differences"] < 1e-9
    assert report["cost of 1 where 0 is wanted, z = 1000"] == 1000
