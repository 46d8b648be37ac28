"""Tutorial 001: a 2-3-2 network and one sample, one online step and then a thousand."""

from typing import TYPE_CHECKING

import samenet
from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "2-3-2"
SHOWS = "one online step of a 2-3-2 network from given weights, then a thousand steps"
IDS = ("B05",)

WEIGHTS = [
    [[-0.11499179, 0.454649], [-0.65801895, 0.56618695], [-0.15686814, -0.87499479]],
    [[0.01071228, -0.49139708, -0.81775586], [-0.87455946, -0.08351883, -0.77534763]],
]
BIASES = [[0.54001045, 0.75958375, 0.01870296], [-0.32783478, 0.06061246]]
X, Y, STEP = [[0.8, 0.2]], [[0.0, 1.0]], 0.1


def run(settings: Settings) -> Report:
    """Train on the one sample; the cost is 1/2 ||a - y||^2."""
    report = Report()
    net = settings.network([2, 3, 2], weights=WEIGHTS, biases=BIASES)
    report.row("output before training", net.predict(X)[0])
    report.row("cost before training", net.cost(X, Y))
    first = net.train(X, Y, alpha=STEP, epochs=1, batch_size=1)
    for layer, (W, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        report.row(f"W{layer} after one step", W)
        report.row(f"b{layer} after one step", b)
    report.row("output after one step", net.predict(X)[0])
    report.row("cost after one step", net.cost(X, Y))
    steps = 100 if settings.quick else 1000
    history = net.train(X, Y, alpha=STEP, epochs=steps - 1, batch_size=1)
    report.row(f"cost after {steps} steps", net.cost(X, Y))
    report.curves["cost"], report.curves["network"] = [*first.cost, *history.cost], net
    report.note(
        "The tutorial prints no numbers. Its code updates in place, so the arrays passed to it change too; here the "
        "network copies them."
    )
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The final network, and the cost before each step."""
    network, axes = figure.subplots(1, 2)
    samenet.plot.network(report.curves["network"], biases=True, numbers=True, ax=network)
    samenet.plot.history({"cost": report.curves["cost"]}, log=True, ax=axes)
    axes.set(xlabel="step", ylabel="cost, 1/2 ||a - y||^2")


if __name__ == "__main__":
    run_as_script(__file__)
