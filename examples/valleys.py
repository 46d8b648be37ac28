"""Tutorial 004, part 2: a hundred balls on a line with five valleys, each in the one it started in."""

from typing import TYPE_CHECKING, Any

import numpy as np

from samenet import downhill
from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "a hundred balls dropped at random find all five valleys, the lowest among them"
IDS = ("E09",)
SEED = 1

BALLS, EDGE = 100, 5 * np.pi
TRIES = 2000


def f(x: Any) -> Any:
    """The line: five valleys between -5 pi and 5 pi, the lowest at 0. The tutorial draws one without a formula."""
    return x**2 / 40 - np.cos(x)


def slope(x: Any) -> Any:
    """Its derivative."""
    return x / 20 + np.sin(x)


def run(settings: Settings) -> Report:
    """All balls roll at once; then others in groups of five, the fewest that could find all valleys."""
    report = Report()
    random = settings.stream()

    def roll(starts: Any) -> Any:
        return downhill(slope, starts, alpha=0.5, precision=1e-9).x

    starts = random.uniform(-EDGE, EDGE, BALLS)
    ends = roll(starts)
    valley = np.rint(ends / (2 * np.pi)).astype(int)
    found, balls = np.unique(valley, return_counts=True)
    lowest = [ends[valley == k].mean() for k in found]
    report.row("balls", BALLS, 100)
    report.row("valleys found", len(found), 5)
    report.row("positions of their minima", lowest)
    report.row("heights of their minima", f(np.array(lowest)))
    report.row("balls in each valley", balls)
    report.row("share of balls in the lowest valley", (valley == 0).mean(), digits=3)

    groups = np.rint(roll(random.uniform(-EDGE, EDGE, (200 if settings.quick else TRIES, 5))) / (2 * np.pi))
    each = np.array([len(set(group)) for group in groups.tolist()])
    report.row("mean number of valleys found by five balls", each.mean(), 5, digits=3)
    share = float((each == 5).mean())
    report.row("share of groups of five balls that find all five", share, digits=2)
    report.note(
        f"In theory, as the tutorial says, five balls can find all five valleys; {100 * share:.1f} % of the groups of "
        f"five do. Of the hundred balls, {report['balls in each valley'][list(found).index(0)]} end in the lowest."
    )
    report.curves["balls"] = (starts, valley)
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The balls where they start, in the colours of the valleys where they end."""
    axes = figure.add_subplot()
    x = np.linspace(-EDGE, EDGE, 400)
    axes.plot(x, f(x), color="black")
    starts, valley = report.curves["balls"]
    axes.scatter(starts, f(starts), c=valley, cmap="Set1", zorder=3)
    axes.set(xlabel="x", ylabel="f(x)")


if __name__ == "__main__":
    run_as_script(__file__)
