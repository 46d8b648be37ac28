"""Tutorial 004, part 2: the same network with alphas from 0.001 to 1000, and with hidden layers of other widths."""

from typing import TYPE_CHECKING, Any

import numpy as np

from samenet import data
from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "seven alphas and five widths of the hidden layer, on XOR"
IDS = ("E15", "E17")
SEED = 1

ALPHAS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
ITERATIONS = 60000
BEST = {4: 0.0013, 32: 0.0009}  # the least error that the tutorial finds
WIDTHS = (3, 2, 1)


def errors(settings: Settings, hidden: int, alpha: float, iterations: int) -> tuple[Any, Any]:
    """The mean absolute error at 600 iterations and at the end, and the largest weight."""
    X, y = data.xor3()
    net = settings.network([3, hidden, 1], init="symmetric_uniform", bias=False, seed=settings.stream())
    watch: dict[str, Any] = {"monitors": ["mean_absolute_error"], "record_every": iterations // 600}
    history = net.train(X, y, alpha=alpha, epochs=iterations, reduction="sum", **watch)
    last = np.abs(y - net.predict(X)).mean()
    return np.append(history["mean_absolute_error"], last), np.abs(net.parameters).max()


def run(settings: Settings) -> Report:
    """Train 3-4-1 and 3-32-1 with each alpha; then 3, 2 and 1 hidden nodes with alpha 1."""
    report = Report()
    iterations, alphas = (600, (0.1, 10.0)) if settings.quick else (ITERATIONS, ALPHAS)
    every = iterations // 6
    what = f"error at iterations 0, {every}, ..., {iterations}"
    for hidden in BEST:
        largest, shown = [], {}
        for alpha in alphas:
            curve, weight = errors(settings, hidden, alpha, iterations)
            report.curves[f"{hidden} {alpha:g}"] = curve
            shown[alpha] = curve[::100]
            largest.append(weight)
            report.row(f"hidden width {hidden}, alpha {alpha:g}: {what}", shown[alpha])
        report.row(f"hidden width {hidden}: largest absolute weight for each alpha", largest, digits=4)
        best = min(shown, key=lambda alpha: shown[alpha][:-1].min())
        report.row(f"hidden width {hidden}: best alpha", best, 10.0)
        report.row(f"hidden width {hidden}: smallest error printed for it", shown[best][:-1].min(), BEST[hidden])
        early = min(shown, key=lambda alpha: shown[alpha][1])
        report.row(f"hidden width {hidden}: best alpha at iteration {every}", early, 10.0)
    for hidden in WIDTHS:
        curve, _ = errors(settings, hidden, 1.0, iterations)
        report.row(f"hidden width {hidden}, alpha 1: {what}", curve[::100])
    if not settings.quick:
        wild = report.curves["4 100"]
        report.note(
            f"The tutorial says that alpha 100 never settles. It does, at an error of {wild[-1]:.3f}: one of the four "
            f"samples stays wrong, and over the last 10000 iterations the error changes by {np.ptp(wild[-101:]):.0e}."
        )
    report.curves["iteration"] = np.linspace(0, iterations, 601)
    report.note(
        "The tutorial calls alpha 1000 a more extreme version of its problem 3. It is a version of problem 1, "
        "overshooting."
    )
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The error by iteration, a line for each alpha."""
    for axes, hidden in zip(figure.subplots(1, 2, sharey=True), BEST, strict=True):
        for name, curve in report.curves.items():
            if name.startswith(f"{hidden} "):
                axes.loglog(report.curves["iteration"][1:], curve[1:], label=name.split()[1])
        axes.set(xlabel="iteration", title=f"{hidden} hidden nodes")
    figure.axes[0].set(ylabel="mean absolute error")
    figure.axes[1].legend(title="alpha", fontsize="small")


if __name__ == "__main__":
    run_as_script(__file__)
