"""Tutorial 004, part 2: how often each weight reverses direction, by alpha."""

from typing import TYPE_CHECKING

import numpy as np

from samenet import DirectionChanges, data
from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "how often the weights of a 3-4-1 network reverse direction, by alpha"
IDS = ("E16",)
SEED = 1

# The tutorial's words for how often weights reverse direction, for a tiny, the best and a huge alpha.
ALPHAS = {0.001: "almost never", 0.01: None, 0.1: None, 1.0: None, 10.0: "a ton", 100.0: None, 1000.0: "medium"}
ITERATIONS = 60000


def run(settings: Settings) -> Report:
    """Train with every alpha; an update by a gradient of 0 counts as not going up."""
    report = Report()
    X, y = data.xor3()
    iterations = 100 if settings.quick else ITERATIONS
    for alpha, words in ALPHAS.items():
        net = settings.network([3, 4, 1], init="symmetric_uniform", bias=False, seed=settings.stream())
        count = DirectionChanges(net, X, y, reduction="sum")
        net.train(X, y, alpha=alpha, epochs=iterations, reduction="sum", record_every=0, callback=count)
        first, second = count.changes.weights
        report.row(f"alpha {alpha:g}: direction changes in synapse 0", first.T)
        report.row(f"alpha {alpha:g}: direction changes in synapse 1", second.ravel())
        report.row(f"alpha {alpha:g}: direction changes in both", count.total, words)
        report.row(f"alpha {alpha:g}: final error", np.abs(y - net.predict(X)).mean())
        report.row(f"alpha {alpha:g}: final synapse 0", net.weights[0].T)
        report.row(f"alpha {alpha:g}: final synapse 1", net.weights[1].ravel())
        report.curves[f"{alpha:g}"] = (int(first.sum()), int(second.sum()))
    report.note(
        "For this run, the tutorial changes the sign of its error, from l2 - y to y - l2, and adds the update instead "
        "of subtracting it: the steps and the errors stay the same."
    )
    totals = {f"{alpha:g}": report[f"alpha {alpha:g}: direction changes in both"] for alpha in ALPHAS}
    same = [alpha for alpha, total in totals.items() if total == totals["1"]]
    report.note(f"The count says little about alpha: it is {totals['1']} for alpha = {', '.join(same)}.")
    return report


def draw(report: Report, figure: "Figure") -> None:
    """A bar for each alpha."""
    axes = figure.add_subplot()
    first, second = np.array(list(report.curves.values())).T
    axes.bar(list(report.curves), first, label="synapse 0, 12 weights")
    axes.bar(list(report.curves), second, bottom=first, label="synapse 1, 4 weights")
    axes.set(xlabel="alpha", ylabel="changes of direction")
    axes.legend()


if __name__ == "__main__":
    run_as_script(__file__)
