"""Tutorial 004, "future work": AW-SGD, which draws the rows by the size of their gradients, on a rare class."""

from typing import TYPE_CHECKING, Any

import numpy as np

from samenet.examples.report import Report, Settings, run_as_script
from samenet.training.adaptive_sampling import SamplingName

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "importance sampling (AW-SGD), where a few samples contribute most of the gradient"
IDS = ()

SAMPLES, RARE, SEEDS, EPOCHS = 500, 10, 5, 12
ALPHAS = (0.1, 0.3, 1.0, 3.0)
WAYS: dict[str, SamplingName | None] = {"shuffled epochs": None, "importance sampling": "adaptive"}


def run(settings: Settings) -> Report:
    """Two classes, one of 10 rows among 500, by batches of 4: the cost on all rows, a geometric mean over seeds."""
    report = Report()
    samples, rare, seeds = (60, 3, 1) if settings.quick else (SAMPLES, RARE, SEEDS)
    stream = settings.stream()
    X, y = stream.normal(size=(samples, 5)), np.zeros((samples, 1))
    X[:rare, :2], y[:rare] = stream.normal(3.0, 0.3, (rare, 2)), 1.0
    made: dict[str, Any] = {"activation": ["tanh", "sigmoid"], "cost": "binary_cross_entropy"}
    for alpha in ALPHAS:
        for way, sampling in WAYS.items():
            curves = []
            for seed in range(seeds):
                net = settings.network([5, 8, 1], seed=settings.seed + seed, **made)
                history = net.train(
                    *(X, y), alpha=alpha, epochs=EPOCHS, batch_size=4, seed=settings.seed + seed, sampling=sampling
                )
                curves.append(np.log([*history.cost, net.cost(X, y)]))
            curve = np.exp(np.mean(curves, axis=0))
            for epoch in (4, EPOCHS):
                report.row(f"alpha {alpha:g}, {way}: cost after {epoch} epochs", float(curve[epoch]), digits=3)
            report.curves[f"alpha {alpha:g}, {way}"] = curve
    found = []
    for epoch in (4, EPOCHS):
        turns, drawn = (
            [report[f"alpha {alpha:g}, {way}: cost after {epoch} epochs"] for alpha in ALPHAS] for way in WAYS
        )
        times = ", ".join(f"{a / b:.3g} for alpha {alpha:g}" for a, b, alpha in zip(turns, drawn, ALPHAS, strict=True))
        found.append(
            f"After {epoch} epochs, the cost of shuffled epochs over that of importance sampling is {times}; with the "
            f"best alpha for each, it is {min(turns) / min(drawn):.3g}."
        )
    report.note(" ".join(["The source claims that AW-SGD converges faster.", *found]))
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The cost by epoch."""
    axes = figure.add_subplot()
    for number, (name, curve) in enumerate(report.curves.items()):
        axes.semilogy(curve, "-" if name.endswith("sampling") else ":", color=f"C{number // 2}", label=name)
    axes.set(xlabel="epoch", ylabel="cost on all samples")
    axes.legend(fontsize="x-small")


if __name__ == "__main__":
    run_as_script(__file__)
