"""Tutorial 004, part 1: a network without a hidden layer, and what one update does to its weights."""

from typing import TYPE_CHECKING, Any

import numpy as np

from samenet import data
from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "a 3-1 network learns to output its first input; one of its updates in detail"
IDS = ("E02", "E06")
SEED = 1

ITERATIONS = 10000
WEIGHT, SAMPLE = 9.5, 3  # the tutorial's weight, and a sample whose inputs are all 1.0


def run(settings: Settings) -> Report:
    """Train with learning rate 1 on minus the gradient of 1/2 (y - l1)^2, summed over the samples."""
    report = Report()
    X, y = data.first3()
    iterations = ITERATIONS // 10 if settings.quick else ITERATIONS
    net = settings.network([3, 1], init="symmetric_uniform", bias=False, seed=settings.stream())
    watch: dict[str, Any] = {"monitors": ["mean_absolute_error"], "record_every": 10}
    history = net.train(X, y, alpha=1, epochs=iterations - 1, reduction="sum", **watch)
    printed = [0.00966, 0.00787, 0.99359, 0.99212]
    report.row("output, as printed before the last update", net.predict(X).ravel(), printed)
    net.train(X, y, alpha=1, epochs=1, reduction="sum")
    report.row("output after the last update", net.predict(X).ravel())
    report.row("syn0", net.weights[0].ravel())

    net.weights[0][0, 0] = WEIGHT
    x, target = X[SAMPLE], y[SAMPLE]
    l1 = net.predict(x)
    error, slope = target - l1, l1 * (1 - l1)
    update = -net.gradient(x, target)[1].flat
    report.row("inputs of one sample", x, "1.0 at the weight 9.5")
    report.row("error of this sample", error[0])
    report.row("slope of the sigmoid there", slope[0])
    report.row("update of the weight 9.5, input x error x slope", x[0] * error[0] * slope[0], "very small")
    report.row("update of all three weights", update)
    whole = -net.gradient(X, y, reduction="sum")[1].flat
    report.row("update of all three weights from all four samples", whole)
    report.row("relative change of the weight 9.5 by one sample", update[0] / WEIGHT, digits=3)
    report.note("The tutorial's table calls l1 the hidden layer. There is none: l1 is the output.")

    outputs = net.predict(X)
    report.curves["updates"] = X * ((y - outputs) * outputs * (1 - outputs))
    report.curves["whole"] = whole
    report.curves["error"] = (history.epochs, history["mean_absolute_error"])
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The error, and how a full-batch update is the sum of the samples' updates."""
    curve, parts = figure.subplots(1, 2)
    iteration, error = report.curves["error"]
    curve.loglog(iteration[1:], error[1:])
    curve.set(xlabel="iteration", ylabel="mean absolute error")
    rows = np.vstack([report.curves["updates"], report.curves["whole"]])
    largest = abs(rows).max()
    parts.matshow(rows, cmap="RdBu", vmin=-1.5 * largest, vmax=1.5 * largest, aspect="auto")
    for (i, j), value in np.ndenumerate(rows):
        parts.text(j, i, f"{value:+.1e}" if value else "0", ha="center", va="center")
    parts.axhline(3.5, color="black")
    parts.set_yticks(range(5), ["sample 1", "sample 2", "sample 3", "sample 4", "all four"])
    parts.set_xticks(range(3), ["w1 = 9.5", "w2", "w3"])
    parts.set_title("updates of one step")


if __name__ == "__main__":
    run_as_script(__file__)
