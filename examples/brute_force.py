"""Tutorial 003, part 3: the best of 1000 values for a weight, of a million for two, and how long nine would take."""

from typing import TYPE_CHECKING

import numpy as np

import samenet
from samenet.examples.report import Report, Settings, run_as_script
from samenet.examples.scores import network, scaled
from samenet.study.error_surface import error_surface, in_words, search_time

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "brute-force search over one weight, over two, and the time it would take over nine"
IDS = ("D06", "D07", "D08")

FIRST, SECOND = (0, 0, 0), (0, 1, 0)  # W1[0, 0] and W1[0, 1] of the tutorial, whose W1 is (in, out)
STATED = 0.11  # seconds for 1000 evaluations


def run(settings: Settings) -> Report:
    """All other weights keep their random values; J = 1/2 sum (y - yhat)^2."""
    report, net, (X, Y, _) = Report(), network(settings), scaled()
    drawn = net.cost(X, Y, reduction="sum")
    values, coarse = np.linspace(-5, 5, 1000), np.linspace(-5, 5, 51 if settings.quick else 1000)
    line = error_surface(net, X, Y, [FIRST], values, reduction="sum")
    square = error_surface(net, X, Y, [FIRST, SECOND], coarse, coarse, reduction="sum")
    report.row("J of the initial weights", drawn)
    for what, found in (("one weight", line), ("two weights", square)):
        report.row(f"{what}: values tried", found.values.size, 1000 if found is line else 1_000_000)
        report.row(f"{what}: best point", found.best)
        report.row(f"{what}: J at the best point", found.lowest)
        report.row(f"{what}: best point is on the edge of [-5, 5]", found.on_edge)
        report.row(f"{what}: seconds", found.seconds, STATED if found is line else 100, digits=3, timed=True)
    report.row("two weights at the tutorial's rate", in_words(search_time(2, seconds=STATED / 1000)), "100 s")
    report.row("three weights at the tutorial's rate", in_words(search_time(3, seconds=STATED / 1000)), "27 hours")
    report.row("three weights if two take 100 s", in_words(1000 * 100.0), "27 hours")
    stated = "1268391679350 millennia"
    nine = {pace: in_words(search_time(9, seconds=pace / 1000)) for pace in (0.04, STATED, line.seconds)}
    for pace, time in nine.items():
        here = pace == line.seconds
        if pace != 0.04:  # whose digits are the tutorial's
            number, unit = time.split(maxsplit=1)
            time = nine[pace] = f"{float(number):.3g} {unit}"
        report.row(
            f"nine weights at {'our rate' if here else f'{pace} s per 1000 evaluations'}", time, stated, timed=here
        )
    report.note(
        "The tutorial uses two rates: its 27 hours are 1000 times its 100 s, or 0.1 s per 1000 evaluations; its "
        f"1,268,391,679,350 millennia correspond to 0.04 s. At 0.11 s, it would be {nine[STATED]}."
    )
    if line.on_edge:
        wider = error_surface(net, X, Y, [FIRST], values[::9] * 4, reduction="sum")
        report.note(
            f"The best value is on the edge of the range, so it is not a minimum: J is {line.lowest:.6f} there, and "
            f"{wider.lowest:.6f} at {wider.best[0]:g}."
        )
    report.curves.update(line=line, square=square)
    return report


def draw(report: Report, figure: "Figure") -> None:
    """J over one weight, and over two."""
    curve, surface = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2, projection="3d")
    for found, axes in zip(report.curves.values(), (curve, surface), strict=True):
        samenet.plot.error_surface(found, ax=axes)
    curve.set(xlabel="W1[0, 0]", ylabel="J")
    surface.set(xlabel="W1[0, 0]", ylabel="W1[0, 1]", zlabel="", title="J")
    surface.set_box_aspect(None, zoom=0.9)


if __name__ == "__main__":
    run_as_script(__file__)
