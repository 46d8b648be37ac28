"""Tutorial 004, part 2: gradient descent as a ball in a bucket, with slopes that are too steep or too flat for it."""

from typing import TYPE_CHECKING

import numpy as np

from samenet import downhill
from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "a ball in a bucket: steps by the slope or only its sign; slopes too steep or too flat"
IDS = ("E07", "E08", "E10")

START = 1.0


def bucket(x: np.ndarray) -> np.ndarray:
    """The bucket, 1.25 x^2: steep enough that a step of one whole slope overshoots."""
    return 1.25 * x**2


def flat(x: np.ndarray) -> np.ndarray:
    """A shallow valley in a plain, (1 - exp(-x^2 / 2)) / 20: far from it the slope is almost 0."""
    return (1 - np.exp(-(x**2) / 2)) / 20


def run(settings: Settings) -> Report:
    """The tutorial draws its buckets without formulas; these are the simplest that behave as it says."""
    report = Report()
    long = 500 if settings.quick else 10000
    paths = report.curves["paths"] = {}

    sign = downhill(lambda x: 0.5 * x, START, alpha=0.3, precision=0, max_steps=long, rule="sign")
    report.row("sign of the slope, steps of 0.3: number of steps", sign.steps, "until the slope is 0")
    report.row("sign of the slope, steps of 0.3: last two positions", sign.points[-2:])
    slope = downhill(lambda x: 0.5 * x, START, alpha=1, precision=0, max_steps=long)
    report.row("shallow bucket, x = x - slope: steps until the slope is 0", slope.steps)
    report.row(
        "shallow bucket, x = x - slope: steps until one is at most 1e-5",
        downhill(lambda x: 0.5 * x, START, alpha=1).steps,
    )

    for alpha in (1.0, 0.1, 0.01):
        steep = downhill(lambda x: 2.5 * x, START, alpha=alpha, max_steps=30 if alpha == 1 else long)
        report.row(f"steep bucket, alpha {alpha:g}: first positions", steep.points[:5])
        arrives = steep.steps if steep.converged else "never"
        report.row(f"steep bucket, alpha {alpha:g}: steps until one is at most 1e-5", arrives)
        paths[f"alpha {alpha:g}"] = steep.points[:12]

    for start, alpha in ((3.0, 0.1), (3.0, 1.0), (3.0, 10.0), (9.0, 10.0)):
        plain = downhill(lambda x: x * np.exp(-(x**2) / 2) / 20, start, alpha=alpha, precision=1e-12, max_steps=long)
        report.row(f"flat slope, from {start:g} with alpha {alpha:g}: number of steps", plain.steps)
        report.row(f"flat slope, from {start:g} with alpha {alpha:g}: final position", plain.x)
    report.note(
        "The tutorial stops when the slope is 0. With steps by the sign alone, a ball oscillates for ever unless it "
        f"lands exactly on the lowest point; with steps by the slope, it took {slope.steps} steps in the bucket x^2 / "
        "4."
    )
    return report


def draw(report: Report, figure: "Figure") -> None:
    """A step that is too long, and shorter ones; where the slope is almost 0."""
    first, second = figure.subplots(2, 1)
    x = np.linspace(-6, 6, 200)
    first.plot(x, bucket(x), color="grey")
    for name, points in report.curves["paths"].items():
        shown = points[abs(points) < 6]
        first.plot(shown, bucket(shown), ".-", linewidth=1, label=name)
    first.legend(fontsize="small")
    x = np.linspace(-10, 10, 400)
    second.plot(x, flat(x), color="black")
    second.plot([9, 3], flat(np.array([9.0, 3.0])), "o", label="starting positions")
    second.legend(fontsize="small")
    for axes in (first, second):
        axes.set(xlabel="x", ylabel="f(x)")


if __name__ == "__main__":
    run_as_script(__file__)
