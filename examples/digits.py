"""Tutorial 000, sections 5 and 6: a 64-30-10 network learns to read digits, set up as in the tutorial."""

from typing import TYPE_CHECKING

import numpy as np

from samenet import data
from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "a 64-30-10 network learns the 8x8 digits in 3000 iterations, then in 7000 more"
IDS = ("A17", "A18", "A19")

SCALE_BEFORE_SPLIT = True  # as the tutorial does: the scaler is fitted to the test set too
INIT = "uniform"  # U[0, 1), also for the biases: every output begins near 1
ALPHA, ITERATIONS, MORE = 0.25, 3000, 7000


def prepared(seed: int) -> data.Split:
    """The digits scaled and split."""
    X, y = data.digits()
    if SCALE_BEFORE_SPLIT:
        return data.split(data.standard_scaler(X).transform(X), y, test_size=0.4, seed=seed)
    parts = data.split(X, y, test_size=0.4, seed=seed)
    scaler = data.standard_scaler(parts.X_train)
    return parts._replace(X_train=scaler.transform(parts.X_train), X_test=scaler.transform(parts.X_test))


def run(settings: Settings) -> Report:
    """Train on full batches, monitoring the tutorial's average cost, the mean of ||y - h||, before each update."""
    report = Report()
    X, X_test, y, y_test = prepared(settings.seed)
    iterations, more, rows = (10, 20, 50) if settings.quick else (ITERATIONS, MORE, None)
    X, y = X[:rows], y[:rows]
    Y = data.one_hot(y, 10)
    net = settings.network([64, 30, 10], init=INIT, seed=settings.stream())
    report.row("first labels of the training set", y[:5].tolist())
    report.row("mean output before training", net.predict(X).mean(), digits=4)

    def accuracies() -> list[float]:
        return [100 * float((net.classify(rows) == labels).mean()) for rows, labels in ((X_test, y_test), (X, y))]

    history = net.train(X, Y, alpha=ALPHA, epochs=iterations, monitors=["mean_norm"])
    norm = history["mean_norm"]
    for i in sorted({0, 1, 10, 100, 1000, 2000, iterations - 1}):
        if i < iterations:
            report.row(f"average J at iteration {i}", norm[i])
    report.row(f"minimised cost, 1/2 ||y - h||^2, at iteration {iterations - 1}", history.cost[-1])
    report.row(f"average J after {iterations} iterations", np.linalg.norm(Y - net.predict(X), axis=1).mean())
    for l, (W, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        report.row(f"norms of W{l} and b{l} after {iterations} iterations", [np.linalg.norm(W), np.linalg.norm(b)])
    test, train = accuracies()
    report.row(f"test accuracy after {iterations} iterations, %", test, 86)
    report.row(f"training accuracy after {iterations} iterations, %", train)

    longer = net.train(X, Y, alpha=ALPHA, epochs=more, monitors=["mean_norm"], record_every=10)
    last = np.linalg.norm(Y - net.predict(X), axis=1).mean()
    report.row(f"average J after {iterations + more} iterations", last, "a plateau")
    test_longer, _ = accuracies()
    report.row(f"test accuracy after {iterations + more} iterations, %", test_longer, "not much better")
    report.note(
        f"The tutorial sees a plateau at 3000 iterations. There is none: {more} more take the average J from "
        f"{norm[-1]:.4f} to {last:.4f}, and the test accuracy from {test:.1f} % to {test_longer:.1f} %."
    )
    report.note("The average J that it plots is the mean of ||y - h||, not the cost that is minimised.")
    report.curves["tutorial"] = (history.epochs, norm)
    report.curves["further"] = (iterations + longer.epochs, longer["mean_norm"])
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The tutorial's curve, and its continuation."""
    axes = figure.add_subplot()
    axes.plot(*report.curves["tutorial"], label="as in the tutorial")
    axes.plot(*report.curves["further"], label="continued")
    axes.set(xlabel="Iteration number", ylabel="Average J", ylim=(0, None))
    axes.legend()


if __name__ == "__main__":
    run_as_script(__file__)
