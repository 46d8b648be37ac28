"""Tutorial 000, section 1, and tutorial 004: the sigmoid as a node with one input, h = f(w x + b)."""

from typing import TYPE_CHECKING

import numpy as np

from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "the sigmoid: the effect of a weight and of a bias, and its slope"
IDS = ("A01", "A02", "A03", "E05")

WEIGHTS = (0.5, 1.0, 2.0)
BIASES = (-8.0, 0.0, 8.0)
TANGENTS = (2.0, 0.0, -1.0)


def run(settings: Settings) -> Report:
    """Draw the curves point by point through 1-1 networks; slopes by central differences."""
    report = Report()
    x = np.arange(-8, 8, 0.1)

    def node(w: float, b: float, at: np.ndarray) -> np.ndarray:
        return settings.network([1, 1], weights=[[[w]]], biases=[[b]]).predict(at.reshape(-1, 1))[:, 0]

    def slope(w: float, at: float) -> float:
        low, high = node(w, 0.0, np.array([at - 1e-5, at + 1e-5]))
        return float((high - low) / 2e-5)

    report.row("number of points from -8 to 8", len(x))
    for w in WEIGHTS:
        report.curves[f"w = {w:g}"] = node(w, 0.0, x)
        report.row(f"slope at 0 for w = {w:g}", slope(w, 0.0))
    for b in BIASES:
        report.curves[f"w = 5, b = {b:g}"] = h = node(5.0, b, x)
        report.row(
            f"first x with f(x) >= 1/2 for w = 5, b = {b:g}", round(float(x[np.argmax(h > 0.5 - 1e-9)]), 1) + 0.0
        )
    for at in TANGENTS:
        report.row(f"slope at x = {at:g}", slope(1.0, at), "between 0 and 1")
    report.row("f(-1000)", node(1.0, 0.0, np.array([-1000.0]))[0])
    report.curves["x"] = x
    report.curves["tangents"] = {at: (node(1.0, 0.0, np.array([at]))[0], slope(1.0, at)) for at in TANGENTS}
    report.note(
        "The tutorial asks for a node that switches at x = 1; with the biases it shows, the node switches at "
        "x = -b/w = 1.6, 0 and -1.6."
    )
    report.note("Slopes lie between 0 and 1/4, not between 0 and 1: the largest is f'(0) = 1/4.")
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The curve, the family of slopes, the family of biases, the tangents."""
    x = report.curves["x"]
    (curve, weights), (biases, tangents) = figure.subplots(2, 2)
    curve.plot(x, report.curves["w = 1"])
    curve.set(xlabel="x", ylabel="f(x)")
    for axes, names, ylabel in (
        (weights, [f"w = {w:g}" for w in WEIGHTS], "h_w(x)"),
        (biases, [f"w = 5, b = {b:g}" for b in BIASES], "h_wb(x)"),
    ):
        for name in names:
            axes.plot(x, report.curves[name], label=name)
        axes.set(xlabel="x", ylabel=ylabel)
        axes.legend(loc=2, fontsize="small")
    tangents.plot(x, report.curves["w = 1"], color="black")
    for (at, (f, slope)), colour in zip(report.curves["tangents"].items(), ("green", "blue", "purple"), strict=True):
        near = np.array([at - 1.5, at + 1.5])
        tangents.plot(near, f + slope * (near - at), color=colour, label=f"slope {slope:.3f} at {at:g}")
    tangents.set(xlabel="x", ylabel="f(x)")
    tangents.legend(loc=2, fontsize="small")


if __name__ == "__main__":
    run_as_script(__file__)
