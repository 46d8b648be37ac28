"""Tutorial 004, part 2: gradient descent as a ball in a bucket, and three ways in which it fails."""

from typing import TYPE_CHECKING

import numpy as np

from samenet import downhill
from samenet.examples.report import Report, Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "a ball in a bucket: too long steps, 100 balls in five valleys, too small slopes"
IDS = ("E07", "E08", "E09", "E10")
SEED = 1

START, BALLS, EDGE = 1.0, 100, 5 * np.pi


def bucket(x: np.ndarray) -> np.ndarray:
    """The bucket, 1.25 x^2: steep enough that a step of one whole slope overshoots."""
    return 1.25 * x**2


def valleys(x: np.ndarray) -> np.ndarray:
    """Five valleys between -5 pi and 5 pi, the lowest of them at 0."""
    return x**2 / 40 - np.cos(x)


def flat(x: np.ndarray) -> np.ndarray:
    """A shallow valley in a plain, (1 - exp(-x^2 / 2)) / 20: far from it the slope is next to nothing."""
    return (1 - np.exp(-(x**2) / 2)) / 20


def run(settings: Settings) -> Report:
    """Each of the text's problems on a function of one variable; the text draws them, and gives no formulas."""
    report = Report()
    long = 500 if settings.quick else 10000
    paths = report.curves["paths"] = {}

    sign = downhill(lambda x: 0.5 * x, START, alpha=0.3, precision=0, max_steps=long, rule="sign")
    report.row("by the sign of the slope, steps of 0.3: steps", sign.steps, "until the slope is 0")
    report.row("its last two places", sign.points[-2:])
    slope = downhill(lambda x: 0.5 * x, START, alpha=1, precision=0, max_steps=long)
    report.row("x = x - slope in a shallow bucket: steps until the slope is 0", slope.steps)
    report.row("until a step is at most 1e-5", downhill(lambda x: 0.5 * x, START, alpha=1).steps)

    for alpha in (1.0, 0.1, 0.01):
        steep = downhill(lambda x: 2.5 * x, START, alpha=alpha, max_steps=30 if alpha == 1 else long)
        report.row(f"steep bucket, alpha {alpha:g}: the first places", steep.points[:5])
        arrives = steep.steps if steep.converged else "never"
        report.row(f"steep bucket, alpha {alpha:g}: steps until one is at most 1e-5", arrives)
        paths[f"alpha {alpha:g}"] = steep.points[:12]

    starts = settings.stream().uniform(-EDGE, EDGE, BALLS)
    ends = downhill(lambda x: x / 20 + np.sin(x), starts, alpha=0.5, precision=1e-9, max_steps=long).x
    places = np.rint(ends / 6).astype(int)
    found, balls = np.unique(places, return_counts=True)
    report.row("balls", len(starts), 100)
    report.row("valleys that they find", len(found), 5)
    report.row("where these are lowest", [ends[places == k].mean() for k in found])
    report.row("balls in each", balls)
    report.row("valleys that the first five balls find", len(np.unique(places[:5])), 5)
    report.curves["balls"] = (starts, places)

    for start, alpha in ((3.0, 0.1), (3.0, 1.0), (3.0, 10.0), (9.0, 10.0)):
        plain = downhill(lambda x: x * np.exp(-(x**2) / 2) / 20, start, alpha=alpha, precision=1e-12, max_steps=long)
        report.row(f"flat slope, from {start:g} with alpha {alpha:g}: steps", plain.steps)
        report.row(f"flat slope, from {start:g} with alpha {alpha:g}: place", plain.x)
    report.note(
        "The text stops when the slope is 0. By the sign alone a ball goes to and fro for ever unless it meets the "
        f"lowest point; by the slope it took {slope.steps} steps in the bucket x^2 / 4."
    )
    return report


def draw(report: Report, figure: "Figure") -> None:
    """A step too long, and shorter ones; the balls in the colours of their valleys; the ball that is stuck."""
    first, second, third = figure.subplots(3, 1)
    x = np.linspace(-6, 6, 200)
    first.plot(x, bucket(x), color="grey")
    for name, points in report.curves["paths"].items():
        shown = points[abs(points) < 6]
        first.plot(shown, bucket(shown), ".-", linewidth=1, label=name)
    first.legend(fontsize="small")
    x = np.linspace(-EDGE, EDGE, 400)
    second.plot(x, valleys(x), color="black")
    starts, places = report.curves["balls"]
    second.scatter(starts, valleys(starts), c=places, cmap="Set1", zorder=3)
    x = np.linspace(-10, 10, 400)
    third.plot(x, flat(x), color="black")
    third.plot([9, 3], flat(np.array([9.0, 3.0])), "o", label="where balls begin")
    third.legend(fontsize="small")
    for axes in (first, second, third):
        axes.set(xlabel="x", ylabel="f(x)")
