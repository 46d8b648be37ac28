"""Tutorial 000, section 4, and tutorial 001: gradient descent on a function of one variable."""

from typing import TYPE_CHECKING

import numpy as np

from samenet.examples.report import Report, Settings, run_as_script
from samenet.output.formats import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "descent-1d"
SHOWS = "gradient descent on x^4 - 3 x^3 + 2, stopped when the steps become small"
IDS = ("A09", "B02")

START, GAMMA, PRECISION, MINIMUM = 6.0, 0.01, 1e-5, 9 / 4


def f(x: np.ndarray) -> np.ndarray:
    """What is minimised."""
    values: np.ndarray = x**4 - 3 * x**3 + 2
    return values


def df(x: float) -> float:
    """Its derivative."""
    return 4 * x**3 - 9 * x**2


def run(settings: Settings) -> Report:
    """Step against the slope until a step is no longer than the precision."""
    report = Report()
    path, step = [START], np.inf
    while abs(step) > PRECISION:
        step = -GAMMA * df(path[-1])
        path.append(path[-1] + step)

    for i, x in enumerate(path[:6]):
        report.row(f"x after {counted(i, 'step')}", x)
    report.row("steps", len(path) - 1)
    report.row("the minimum found", path[-1], 2.249965, digits=7)
    report.row("its distance to 9/4", abs(path[-1] - MINIMUM), f"at most {PRECISION:g}", digits=3)
    report.row("the last step", abs(step), digits=3)
    report.curves["path"] = np.array(path)
    report.note(
        "The tutorial says that the minimum found agrees with the true one to within the precision. But the precision "
        "bounds the last step, not the distance to the minimum, which is "
        f"{abs(path[-1] - MINIMUM):.1e}, more than {PRECISION:g}."
    )
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The function with the path, without the first step, and the distance step by step."""
    path = report.curves["path"]
    curve, distance = figure.subplots(1, 2)
    x = np.linspace(-0.5, 3.2, 200)
    curve.plot(x, f(x), color="grey")
    curve.plot(path[1:], f(path[1:]), ".-", label="path after the first step")
    curve.plot(path[-1], f(path[-1]), "x", color="black", markersize=10, label=f"x = {path[-1]:.6f}")
    curve.set(xlabel="x", ylabel="f(x)")
    curve.legend(fontsize="small")
    distance.semilogy(np.abs(path - MINIMUM), ".-")
    distance.set(xlabel="step", ylabel="distance to 9/4")


if __name__ == "__main__":
    run_as_script(__file__)
