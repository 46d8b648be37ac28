"""Tutorial 004: the network in 11 lines, the same with its error printed, and the 13 lines with an alpha."""

from typing import TYPE_CHECKING, Any

import numpy as np

from samenet import data
from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "11-lines"
SHOWS = "the 11 lines: a 3-4-1 network learns XOR in 60000 iterations; and the 13 lines"
IDS = ("E01", "E03", "E04", "E13")
SEED = 1

ITERATIONS = 60000
# What the tutorial shows of a hidden layer, a row for each sample.
HIDDEN = np.array([[0.1, 0.2, 0.5, 0.2], [0.2, 0.6, 0.7, 0.1], [0.3, 0.2, 0.3, 0.9], [0.2, 0.1, 0.3, 0.8]])


def eleven_lines(random: np.random.RandomState, X: Any, y: Any, iterations: int) -> tuple[Any, Any, Any]:
    """The lines as printed; l2 is the output before the last update."""
    syn0 = 2 * random.random_sample((3, 4)) - 1
    syn1 = 2 * random.random_sample((4, 1)) - 1
    for _ in range(iterations):
        l1 = 1 / (1 + np.exp(-(np.dot(X, syn0))))
        l2 = 1 / (1 + np.exp(-(np.dot(l1, syn1))))
        l2_delta = (y - l2) * (l2 * (1 - l2))
        l1_delta = l2_delta.dot(syn1.T) * (l1 * (1 - l1))
        syn1 += l1.T.dot(l2_delta)
        syn0 += X.T.dot(l1_delta)
    return syn0, syn1, l2


def correlations(hidden: Any, y: Any) -> list[float]:
    """Of each hidden node with the targets."""
    return [float(np.corrcoef(column, y.ravel())[0, 1]) for column in hidden.T]


def run(settings: Settings) -> Report:
    """Train on XOR with a constant third input; the cost is the sum of 1/2 (y - l2)^2, and the learning rate 1."""
    report = Report()
    X, y = data.xor3()
    iterations = ITERATIONS // 100 if settings.quick else ITERATIONS
    every, often = iterations // 6, iterations // 600
    for alpha, lines in ((1.0, "11 lines"), (0.5, "13 lines")):
        net = settings.network([3, 4, 1], init="symmetric_uniform", bias=False, seed=settings.stream())
        step: dict[str, Any] = {"alpha": alpha, "reduction": "sum", "monitors": ["mean_absolute_error"]}
        history = net.train(X, y, epochs=iterations - 1, record_every=often, **step)
        error = history["mean_absolute_error"]
        _, hidden, output = net.feed_forward(X)
        net.train(X, y, epochs=1, **step)
        for i in range(0, iterations, every):
            report.row(f"{lines}: mean absolute error at iteration {i}", error[i // often])
        report.row(f"{lines}: output, as printed before the last update", output.ravel(), y.ravel())
        report.row(f"{lines}: syn0", net.weights[0].T)
        report.row(f"{lines}: syn1", net.weights[1].ravel())
        report.curves[f"alpha {alpha:g}"] = (history.epochs, error)
        if alpha == 1:
            syn0, syn1, l2 = eleven_lines(settings.stream(), X, y, iterations)
            differences = (net.weights[0].T - syn0, net.weights[1].T - syn1, output - l2)
            spread = max(abs(difference).max() for difference in differences)
            report.row("largest difference from the 11 lines run as printed", spread, digits=2)
            report.row("hidden layer", hidden, HIDDEN, digits=3)
            report.row(
                "correlations of the hidden nodes with y", correlations(hidden, y), correlations(HIDDEN, y), digits=3
            )
    first, second = correlations(HIDDEN, y)[:2]
    report.note(
        f"In the tutorial's hidden layer, the second column correlates with y, r = {second:.3f}, but the first one "
        f"does so even more, r = {first:.3f}."
    )
    report.note(
        f"The tutorial speaks of two input columns. There are {X.shape[1]}: the third is always 1 and acts as a bias."
    )
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The error by iteration."""
    axes = figure.add_subplot()
    for name, (iteration, error) in report.curves.items():
        axes.loglog(iteration[1:], error[1:], label=name)
    axes.set(xlabel="iteration", ylabel="mean absolute error")
    axes.legend()


if __name__ == "__main__":
    run_as_script(__file__)
