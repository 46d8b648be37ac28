"""Tutorial 003, part 3: descent by the gradient of all samples, or of one sample at a time."""

from typing import TYPE_CHECKING, Any

import numpy as np

from samenet.examples.report import Report, Settings, run_as_script
from samenet.examples.scores import network, scaled
from samenet.output.formats import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "batch and stochastic gradient descent, on the scores and for Adaline"
IDS = ("D09",)

ALPHA, UPDATES = 3.0, 10_000


def adaline(report: Report, settings: Settings) -> None:
    """A node whose activation is the identity: descent converges to the least-squares solution, which is known."""
    X, Y, query = scaled()
    exact = np.linalg.lstsq(X, Y)[0]
    lowest = float(((Y - X @ exact) ** 2).sum() / 2)
    report.row("Adaline: least-squares weights, and their J", [*exact[:, 0], lowest])
    for name, size in (("batch", None), ("stochastic", 1)):
        random = settings.stream()
        net = settings.network([2, 1], activation="identity", bias=False, init="normal_in_out", seed=random)
        history = net.train(X, Y, alpha=0.1, epochs=300, batch_size=size, reduction="sum", seed=random)
        report.row(f"Adaline, {name}: weights and J", [*net.parameters, net.cost(X, Y, reduction="sum")])
        report.row(f"Adaline, {name}: score for (8, 3)", 100 * net.predict(query)[0, 0], digits=4)
        report.curves[f"Adaline, {name}"] = history.cost - lowest


def run(settings: Settings) -> Report:
    """The same number of updates for both; the stochastic ones take the samples in turn."""
    report, (X, Y, _) = Report(), scaled()
    updates = 100 if settings.quick else UPDATES
    net = network(settings)
    _, whole = net.gradient(X, Y, reduction="sum")
    parts = [net.gradient(x, y, reduction="sum")[1] for x, y in zip(X, Y, strict=True)]
    report.row("dJ/dW1 of all samples", whole.weights[0].T)
    report.row("dJ/dW2 of all samples", whole.weights[1].T)
    for i, part in enumerate(parts, start=1):
        report.row(f"dJ/dW2 of sample {i}", part.weights[1].T)
    difference = float(abs(sum(part.flat for part in parts) - whole.flat).max())
    report.row("largest difference between their sum and the gradient of all samples", difference, 0, digits=2)

    how: dict[str, Any] = {"alpha": ALPHA, "reduction": "sum"}
    batch, one, long = (network(settings) for _ in range(3))
    history = batch.train(X, Y, epochs=updates, **how)
    passes, rest = divmod(updates, len(X))
    one.train(X, Y, batch_size=1, shuffle=False, epochs=passes, **how)
    one.train(X[:rest], Y[:rest], batch_size=1, shuffle=False, epochs=1, **how)
    cyclic = long.train(X, Y, batch_size=1, shuffle=False, epochs=updates, **how)
    for name, costs in (("full batch", history.cost), ("sample by sample", cyclic.cost)):
        for i in (0, 1, 10, 100, 1000):
            if i < updates:
                report.row(f"{name}: J after {counted(i, 'epoch')}", costs[i])
        report.row(f"{name}: epochs in which J increases", int((np.diff(costs) > 0).sum()))
        report.curves[name] = costs
    J = [net.cost(X, Y, reduction="sum") for net in (batch, one, long)]
    report.row(f"full batch: J after {updates} updates", J[0], digits=4)
    report.row(f"sample by sample: J after {updates} updates", J[1], digits=4)
    report.row(f"sample by sample: J after {updates} epochs", J[2], digits=4)
    for name, net in (("full batch", batch), ("sample by sample", one)):
        report.row(f"{name}: yhat after {updates} updates", net.predict(X)[:, 0])
    report.note(
        f"After {updates} updates, J is {J[0]:.1e} with the full batch and {J[1]:.1e} sample by sample. But each "
        f"update with the full batch takes the gradients of {len(X)} samples; with as many gradients, J is {J[2]:.1e} "
        "sample by sample."
    )
    adaline(report, settings)
    return report


def draw(report: Report, figure: "Figure") -> None:
    """J by epoch, of the network and of Adaline."""
    scores, linear = figure.subplots(1, 2)
    for name, costs in report.curves.items():
        axes = linear if name.startswith("Adaline") else scores
        axes.plot(np.arange(1, len(costs) + 1), costs, label=name)
    scores.set(xlabel="epoch", ylabel="J", xscale="log", yscale="log")
    scores.legend()
    linear.set(xlabel="epoch", ylabel="J minus J of least squares", yscale="log")
    linear.legend()


if __name__ == "__main__":
    run_as_script(__file__)
