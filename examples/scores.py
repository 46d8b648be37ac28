"""Tutorial 003, parts 1 to 3: an untrained 2-3-1 network, to predict a test score from hours of sleep and study."""

from typing import TYPE_CHECKING

import numpy as np

from samenet import data
from samenet.examples.report import Report, Settings, run_as_script
from samenet.network import Network

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "scores from hours of sleep and study: the data, an untrained network, its cost"
IDS = ("D01", "D02", "D03", "D04", "D05")


def scaled() -> data.Scores:
    """Hours divided by the largest of their column, scores by 100. The tutorial only asks for values in [0, 1]."""
    table = data.scores()
    largest = table.X.max(axis=0)
    return data.Scores(table.X / largest, table.Y / 100, table.query / largest)


def network(settings: Settings, **named: float) -> Network:
    """2-3-1 without biases, W1 and W2 from N(0, 1); the output layer is a sigmoid too."""
    return settings.network([2, 3, 1], bias=False, init="normal_in_out", seed=settings.stream(), **named)


def run(settings: Settings) -> Report:
    """Forward pass only: z2 = X W1, a2 = f(z2), z3 = a2 W2, yhat = f(z3), and J = 1/2 sum (y - yhat)^2."""
    report, (X, Y, query), unscaled = Report(), scaled(), data.scores()
    report.row("hours of sleep and study", unscaled.X, [[3, 5], [5, 1], [10, 2]])
    report.row("scores", unscaled.Y[:, 0], [75, 82, 93])
    report.row("X", X)
    report.row("y", Y[:, 0])
    report.row("query (8, 3), scaled", query[0])

    f = settings.network([1, 1], weights=[[[1.0]]], bias=False)
    for values in (1.0, [-1.0, 0.0, 1.0], [[-2.0, -1.0], [1.0, 2.0]]):
        z = np.array(values)
        report.row(f"sigmoid of {values}", f.predict(z.reshape(-1, 1)).reshape(z.shape))
    report.curves["z"] = z = np.linspace(-6, 6, 121)
    report.curves["f"] = f.predict(z.reshape(-1, 1))[:, 0]

    net = network(settings)
    report.row("W1", net.weights[0].T)
    report.row("W2", net.weights[1].T)
    report.row("number of weights", net.parameters.size, 9)
    _, a2, yhat = net.feed_forward(X)
    report.row("a2", a2)
    report.row("yhat before training", yhat[:, 0], "quite terrible")
    report.row("y - yhat in points", 100 * (Y - yhat)[:, 0], digits=3)
    report.row("J", net.cost(X, Y, reduction="sum"))
    report.row("J if the mean of y is predicted", float(((Y - Y.mean()) ** 2).sum() / 2))
    report.row("yhat of (8, 3)", net.predict(query)[0, 0])

    _, a2, yhat_unscaled = net.feed_forward(unscaled.X)
    report.row("a2 for unscaled hours", a2)
    report.row("yhat for unscaled hours", yhat_unscaled[:, 0])
    report.note(
        "The tutorial scales its data, but shows matrices of unscaled hours. With those, "
        f"{int(((a2 < 0.05) | (a2 > 0.95)).sum())} of the 9 hidden activations are within 0.05 of 0 or 1."
    )
    report.note(
        "The output is a sigmoid, which is below 1 whatever the hours; with these weights, it is at most "
        f"{f.predict([np.maximum(net.weights[1], 0).sum()])[0]:.4f}. The line in the tutorial's plot could never "
        "exceed 100 points."
    )
    report.curves["yhat"], report.curves["y"] = yhat[:, 0], Y[:, 0]
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The sigmoid, and yhat beside y."""
    curve, bars = figure.subplots(1, 2)
    curve.plot(report.curves["z"], report.curves["f"])
    curve.set(xlabel="z", ylabel="f(z)")
    curve.grid()
    places = np.arange(3)
    bars.bar(places - 0.18, report.curves["y"], 0.36, label="y")
    bars.bar(places + 0.18, report.curves["yhat"], 0.36, label="yhat, untrained")
    bars.set_xticks(places, ["3 h, 5 h", "5 h, 1 h", "10 h, 2 h"])
    bars.set(xlabel="sleep, study", ylabel="score / 100", ylim=(0, 1.2))
    bars.legend(loc="upper left")


if __name__ == "__main__":
    run_as_script(__file__)
