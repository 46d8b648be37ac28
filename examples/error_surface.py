"""Tutorial 004, part 2: the error of a network with two weights, as a surface over both."""

from typing import TYPE_CHECKING

import numpy as np

import samenet
from samenet import data
from samenet.examples.report import Report, Settings, run_as_script
from samenet.study.error_surface import Measure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "the error of a 2-1 network over both of its weights"
IDS = ("E14",)
SEED = 1

ITERATIONS, POINTS = 10000, 201
MEASURES: dict[str, Measure] = {"MAE": "mean_absolute_error", "SSE": "sum_of_squared_errors"}


def run(settings: Settings) -> Report:
    """Train the network with learning rate 1, then measure its error at every point of the grid."""
    report = Report()
    X, y = data.opposites()
    iterations, points = (1000, 21) if settings.quick else (ITERATIONS, POINTS)
    net = settings.network([2, 1], init="symmetric_uniform", bias=False, seed=settings.stream())
    net.train(X, y, alpha=1, epochs=iterations - 1, reduction="sum", record_every=0)
    report.row("output, as printed before the last update", net.predict(X).ravel(), y.ravel())
    net.train(X, y, alpha=1, epochs=1, reduction="sum")
    report.row("output after the last update", net.predict(X).ravel(), y.ravel())
    report.row("weights", net.weights[0].ravel(), ["high", "left as a question"])

    grid = np.linspace(-10, 10, points)
    for name, measure in MEASURES.items():
        surface = samenet.error_surface(net, X, y, [(0, 0, 0), (0, 0, 1)], grid, grid, measure=measure)
        report.row(f"{name}: weights with the smallest error", surface.best, ["high", "left as a question"])
        report.row(f"{name}: minimum", surface.lowest)
        report.row(f"{name}: maximum", surface.values.max())
        report.row(f"{name}: at the origin", surface.values[points // 2, points // 2])
        report.row(f"{name}: minimum is on the edge", surface.on_edge)
        report.curves[name] = surface
    best = report["MAE: weights with the smallest error"]
    report.note(
        "The tutorial asks where the second weight should be. It should be low: "
        f"{best[1]:g} where the first is {best[0]:g}. Both are on the edge of the grid: the error has no minimum, it "
        "keeps decreasing as the weights grow."
    )
    report.note(
        "The tutorial does not define its overall error; the figure shows both the mean of |y - h|, MAE, and the sum "
        "of (y - h)^2, SSE."
    )
    return report


def draw(report: Report, figure: "Figure") -> None:
    """A surface for each measure."""
    for place, name in enumerate(MEASURES, start=1):
        axes = figure.add_subplot(1, 2, place, projection="3d")
        samenet.plot.error_surface(report.curves[name], ax=axes)
        axes.set(xlabel="weight 1", ylabel="weight 2", zlabel="", title=name)
        axes.view_init(elev=30, azim=35)


if __name__ == "__main__":
    run_as_script(__file__)
