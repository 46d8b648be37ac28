"""Tutorial 003, the later parts in outline: checking the gradient, BFGS, and a penalty against overfitting."""

from typing import TYPE_CHECKING

import numpy as np

from samenet import check_gradient
from samenet.examples.report import Report, Settings, run_as_script
from samenet.examples.scores import network, scaled
from samenet.model.functions import Reduction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "training on the scores: gradient check, BFGS, and a penalty against overfitting"
IDS = ("D10",)

STEP, ITERATIONS, L2, SEEDS = 1e-4, 200, 1e-4, 5
PENALTIES: tuple[tuple[float, Reduction], ...] = ((0.0, "sum"), (L2, "mean"))


def run(settings: Settings) -> Report:
    """BFGS on J = 1/2 sum (y - yhat)^2; with the penalty, on half the mean square + L2/2 sum W^2, as in the series."""
    import scipy.optimize  # not above: the list of examples loads every one

    report, (X, Y, query) = Report(), scaled()
    net = network(settings)
    check = check_gradient(net, X, Y, step=STEP, reduction="sum")
    for i, (by_hand, by_differences) in enumerate(zip(check.analytic.weights, check.numeric.weights, strict=True), 1):
        report.row(f"dJ/dW{i}", by_hand.T)
        report.row(f"dJ/dW{i} by central differences", by_differences.T)
    report.row("||g - n|| / ||g + n||", check.relative_error, digits=2)

    start = net.parameters.copy()
    history = net.train(X, Y, optimizer="bfgs", epochs=ITERATIONS, reduction="sum")
    report.row("BFGS: J", net.cost(X, Y, reduction="sum"), digits=3)
    report.row("BFGS: iterations", history.epochs_done)
    report.row("BFGS: yhat", net.predict(X)[:, 0])
    report.row("BFGS: score for (8, 3)", 100 * net.predict(query)[0, 0], digits=4)
    report.curves["J"] = history.cost
    trial = net.copy()

    def cost_and_slope(theta: np.ndarray) -> tuple[float, np.ndarray]:
        trial.parameters = theta
        J, slope = trial.gradient(X, Y, reduction="sum")
        return J, slope.flat

    alone = scipy.optimize.minimize(cost_and_slope, start, jac=True, method="BFGS", options={"maxiter": ITERATIONS})
    report.row("SciPy alone: J, iterations, evaluations", [float(alone.fun), alone.nit, alone.nfev], digits=3)

    spread, seeds = [], range(settings.seed, settings.seed + SEEDS)
    for l2, how in PENALTIES:
        scores = []
        for seed in seeds:
            other = network(settings.with_seed(seed % 2**32), l2=l2)
            other.train(X, Y, optimizer="bfgs", epochs=ITERATIONS, reduction=how)
            scores.append(100 * float(other.predict(query)[0, 0]))
            if seed == settings.seed:
                cost, squares = other.cost(X, Y, reduction=how), (other.parameters**2).sum()
                report.row(f"penalty {l2:g}: cost, sum of W^2", [cost, squares])
                report.row(f"penalty {l2:g}: yhat", other.predict(X)[:, 0])
        report.row(f"penalty {l2:g}: score for (8, 3) from {SEEDS} seeds", scores, digits=4)
        report.curves[f"penalty {l2:g}"] = (seeds, scores)
        spread.append(max(scores) - min(scores))
    report.row("range of these scores, without and with the penalty", spread, digits=3)
    report.note(
        f"Nine weights can fit three scores in many ways: for (8, 3), the scores from {SEEDS} seeds differ by up to "
        f"{spread[0]:.1f} points, and by up to {spread[1]:.1f} with the penalty."
    )
    return report


def draw(report: Report, figure: "Figure") -> None:
    """J over the iterations of BFGS, and the predictions of networks from five seeds."""
    descent, answers = figure.subplots(1, 2)
    descent.semilogy(report.curves["J"])
    descent.set(xlabel="iteration of BFGS", ylabel="J")
    for name in ("penalty 0", f"penalty {L2:g}"):
        answers.plot(*report.curves[name], "o", label=name)
    answers.set(xlabel="seed", ylabel="score for (8, 3)")
    answers.legend()


if __name__ == "__main__":
    run_as_script(__file__)
