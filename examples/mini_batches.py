"""Tutorial 001: an update per sample, per mini-batch or per epoch, and how smoothly the cost falls."""

from typing import TYPE_CHECKING

import numpy as np

import samenet
from samenet import data
from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "updates with single samples, mini-batches and all samples: how smoothly the cost falls"
IDS = ("B06",)

SAMPLES, UPDATES, ALPHA = 500, 500, 0.5


def run(settings: Settings) -> Report:
    """The same network on the 8x8 digits, with the cost on all samples after every update."""
    report = Report()
    samples, updates = (20, 20) if settings.quick else (SAMPLES, UPDATES)
    X, y = data.digits()
    X, Y = X[:samples] / 16, data.one_hot(y[:samples], 10)

    one = settings.network([64, 30, 10], init="normal", seed=settings.stream())
    accumulated = sum(one.gradient(x, target)[1].flat for x, target in zip(X[:10], Y[:10], strict=True))
    by_hand = one.parameters - ALPHA / 10 * accumulated
    one.train(X[:10], Y[:10], alpha=ALPHA, epochs=1)
    spread = abs(one.parameters - by_hand).max()
    report.row(
        "largest difference between an update with a batch of 10 and one with the mean of ten gradients",
        spread,
        digits=2,
    )

    for size in (1, 10, samples):
        stream = settings.stream()
        net = settings.network([64, 30, 10], init="normal", seed=stream)
        costs, rest = [net.cost(X, Y)], np.empty(0, int)
        for _ in range(updates):
            if len(rest) < size:
                rest = stream.permutation(samples)
            rows, rest = rest[:size], rest[size:]
            net.train(X[rows], Y[rows], alpha=ALPHA, epochs=1, record_every=0)
            costs.append(net.cost(X, Y))
        steps = np.diff(costs)
        name = "full batch" if size == samples else f"batch size {size}"
        words = {1: "smoother", 10: "more jerky"}.get(size)
        report.row(f"{name}: share of updates that increase the cost", (steps > 0).mean(), words, digits=3)
        report.row(f"{name}: largest increase", max(0.0, steps.max()), digits=3)
        report.row(f"{name}: cost after {updates} updates", costs[-1], digits=4)
        report.curves[name] = costs
    shares = [100 * report[f"{name}: share of updates that increase the cost"] for name in report.curves]
    report.note(
        "The tutorial calls updates with single samples smoother, and updates with batches more jerky. It is the other "
        "way round: {:.0f} % of the updates with one sample increase the cost, {:.0f} % of those with ten samples, and "
        "{:.0f} % of those with all samples.".format(*shares)
    )
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The cost after each update."""
    axes = samenet.plot.history(report.curves, ax=figure.add_subplot())
    axes.set(xlabel="update", ylabel="cost on all samples")


if __name__ == "__main__":
    run_as_script(__file__)
