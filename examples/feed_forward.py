"""Tutorial 000, section 3: one sample through a 3-3-1 network, by loops, by matrices and by hand."""

import math
from typing import TYPE_CHECKING

import numpy as np

import samenet
from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "one sample through a 3-3-1 network, by hand, by loops and by matrices"
IDS = ("A04", "A05", "A06", "A08")

WEIGHTS = [[[0.2, 0.2, 0.2], [0.4, 0.4, 0.4], [0.6, 0.6, 0.6]], [[0.5, 0.5, 0.5]]]
BIASES = [[0.8, 0.8, 0.8], [0.2]]
X = [1.5, 2.0, 3.0]


def f(z: float) -> float:
    """The sigmoid, 1 / (1 + exp(-z))."""
    return 1 / (1 + math.exp(-z))


def run(settings: Settings) -> Report:
    """Compare the four ways; the matrices are those of the tutorial, f(W h + b)."""
    report = Report()
    net = settings.network([3, 3, 1], weights=WEIGHTS, biases=BIASES)
    _, hidden, output = net.feed_forward(X)
    for i, (here, printed) in enumerate(zip(hidden, (0.8909, 0.9677, 0.9909), strict=True), start=1):
        report.row(f"hidden node {i}", here, printed)
    report.row("output", output[0], 0.8354, digits=None)

    report.row("output by hand, from hidden activations of 4 digits", f(0.5 * (0.8909 + 0.9677 + 0.9909) + 0.2), 0.8354)
    report.row("output by loops", net.on("reference").predict(X)[0], digits=None)
    h = np.array(X)
    for W, b in zip(WEIGHTS, BIASES, strict=True):
        h = 1 / (1 + np.exp(-(np.array(W).dot(h) + b)))
    report.row("output by matrices", h[0], digits=None)
    spread = max(abs(net.on(name).predict(X)[0] - h[0]) for name in samenet.backends())
    report.row("largest difference between a backend and the matrices", spread)
    report.note("The tutorial truncates its numbers: 0.990987 would round to 0.9910, and 0.835456 to 0.8355.")
    report.curves["network"], report.curves["node"] = net, settings.network([3, 1], weights=[[[0.2, 0.4, 0.6]]])
    return report


def draw(report: Report, figure: "Figure") -> None:
    """A node, the same with its bias, the network, the same with its biases."""
    for axes, (name, biases) in zip(
        figure.subplots(2, 2).flat,
        [("node", False), ("node", True), ("network", False), ("network", True)],
        strict=True,
    ):
        samenet.plot.network(report.curves[name], biases=biases, numbers=name == "node", ax=axes)


if __name__ == "__main__":
    run_as_script(__file__)
