"""Tutorial 000, section 4: gradient descent in two variables, the two weights of a 2-1 network."""

from typing import TYPE_CHECKING

import numpy as np

import samenet
from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "the path of gradient descent over the contours of a cost of two weights"
IDS = ("A11",)

X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]])
TARGET, START, ALPHA = [2.0, -1.0], [-2.0, 3.0], 6.0


def run(settings: Settings) -> Report:
    """The targets are the outputs of the network with weights (2, -1), so that the cost is 0 there."""
    report = Report()
    Y = settings.network([2, 1], bias=False, weights=[[TARGET]]).predict(X)
    net = settings.network([2, 1], bias=False, weights=[[START]])
    report.row("gradient at the start", net.gradient(X, Y, reduction="sum")[1].flat, [2.1, 0.7])
    path = [net.parameters.copy()]
    history = net.train(
        X,
        Y,
        alpha=ALPHA,
        epochs=100 if settings.quick else 1000,
        reduction="sum",
        callback=lambda network, history: path.append(network.parameters.copy()),
    )
    for i in range(4):
        report.row(f"p{i + 1}", path[i], digits=4)
        report.row(f"cost at p{i + 1}", history.cost[i], digits=4)
    report.row("steps", len(path) - 1)
    report.row("final weights", path[-1])
    report.row("final cost", net.cost(X, Y, reduction="sum"), digits=3)

    grid = np.linspace(-4, 4, 17 if settings.quick else 81)
    report.curves["surface"] = samenet.error_surface(net, X, Y, [0, 1], grid, grid, reduction="sum")
    report.curves["path"] = np.array(path)
    report.note(
        "The tutorial's gradient, [2.1, 0.7], only illustrates that a gradient has two elements; its figure has no "
        "scale."
    )
    return report


def draw(report: Report, figure: "Figure") -> None:
    """Contours of the cost, the path, and its first three points by name."""
    path = report.curves["path"]
    axes = samenet.plot.error_surface(report.curves["surface"], path, ax=figure.add_subplot())
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    for i in range(3):
        axes.annotate(f"p{i + 1}", path[i], xytext=(0, 12), textcoords="offset points", ha="center", bbox=box)
    axes.set(xlabel="w1", ylabel="w2", aspect="equal")


if __name__ == "__main__":
    run_as_script(__file__)
