"""Tutorial 002, first article: `class NeuralNetwork`, 3-4-1 without biases, learns the exclusive or of two inputs."""

from typing import TYPE_CHECKING

import numpy as np

import samenet
from samenet import data
from samenet.examples.report import Report, Settings, run_as_script
from samenet.network import Network
from samenet.training.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "a class of 20 lines, a 3-4-1 network without biases: its loss over 1500 iterations"
IDS = ("C01",)

ITERATIONS, LONGER, SEEDS = 1500, 15_000, 5


def trained(settings: Settings, iterations: int) -> tuple[Network, History]:
    """As in the class: weights from U[0, 1), minus the full gradient of the sum of squared errors, factor 2 kept."""
    net = settings.network([3, 4, 1], bias=False, init="uniform_in_out", cost="sum_of_squares", seed=settings.stream())
    return net, net.train(*data.xor3(), alpha=1, epochs=iterations, reduction="sum")


def run(settings: Settings) -> Report:
    """The article's run from this seed and the next ones, and a run ten times as long."""
    report = Report()
    X, Y = data.xor3()
    iterations, longer = (20, 40) if settings.quick else (ITERATIONS, LONGER)
    net, history = trained(settings, iterations)
    for i in (0, 1, 10, 100, 1000):
        if i < iterations:
            report.row(f"loss at iteration {i}", history.cost[i])
    report.row(f"loss after {iterations} iterations", net.cost(X, Y, reduction="sum"))
    outputs = net.predict(X)
    report.row("predictions", outputs[:, 0])
    report.row("y", Y[:, 0])
    for number, W in enumerate(net.weights, start=1):
        report.row(f"weights{number}", W.T)
    report.row("biases", len(net.biases), "updated")

    for seed in range(settings.seed, settings.seed + SEEDS):
        other, losses = trained(settings.with_seed(seed % 2**32), iterations)
        report.curves[f"seed {seed}"] = losses.cost
        report.row(f"loss after {iterations} iterations, seed {seed}", other.cost(X, Y, reduction="sum"))
        rises = int((np.diff(losses.cost) > 0).sum())
        report.row(f"iterations in which the loss increases, seed {seed}", rises, "monotonically decreasing")
    far, _ = trained(settings, longer)
    near, left = float(abs(outputs - Y).max()), float(abs(far.predict(X) - Y).max())
    report.row(f"largest error of a prediction after {iterations} iterations", near, "prevents overfitting")
    report.row(f"largest error of a prediction after {longer} iterations", left)
    if left < near:
        report.note(
            "The tutorial welcomes the slight difference that is left, because it prevents overfitting. But it is only "
            f"unfinished training: {near:.4f} after {iterations} iterations becomes {left:.4f} after {longer}, and "
            "these four rows are all the data."
        )
    report.note(f"The tutorial says that biases are updated, but all {net.parameters.size} parameters are weights.")
    rows = np.hstack([X, outputs, Y])
    report.curves["table"] = [[f"{value:g}" if value in (0, 1) else f"{value:.3f}" for value in row] for row in rows]
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The loss of each iteration, and the table of predictions."""
    loss, predictions = figure.subplots(1, 2, width_ratios=[3, 2])
    samenet.plot.history({name: curve for name, curve in report.curves.items() if name != "table"}, ax=loss)
    loss.set(xlabel="iteration", ylabel="loss, the sum of squared errors", ylim=(0, None))
    table = predictions.table(report.curves["table"], colLabels=["x1", "x2", "x3", "output", "y"], loc="center")
    table.scale(1, 2)
    table.auto_set_font_size(False)
    predictions.axis("off")


if __name__ == "__main__":
    run_as_script(__file__)
