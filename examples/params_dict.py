"""Tutorial 002, second article: a network of any depth whose parameters are in a dictionary, with cross-entropy."""

from typing import TYPE_CHECKING, Any

import numpy as np

from samenet import check_gradient, data
from samenet.data.library import scikit_learn
from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "networks of any depth with cross-entropy: OR, XOR and the breast cancer data set"
IDS = ("C02",)
SEED = 3  # set inside the article's init_params

# The article has no data; these are tables that its code can take: name, layers, learning rate, epochs.
RUNS: list[tuple[str, list[int], float, int]] = [
    ("or", [2, 1], 0.5, 1000),
    ("or", [2, 4, 1], 0.5, 5000),
    ("xor", [2, 4, 1], 1.0, 20_000),
    ("xor3", [3, 4, 1], 1.0, 20_000),
    ("or", [2, 3, 3, 1], 1.0, 2000),
    ("breast cancer", [30, 8, 1], 0.5, 2000),
]
COST = "binary_cross_entropy"

BUGS = (
    "cost_function calls log(1-A), but only np.log is defined: a NameError.",
    "sigmoid(Z) returns a pair, the activation and its cache, so 1-sigmoid(Z) is a TypeError.",
    "update_parameters reads grads['W1'], but backprop stored 'dW1': a KeyError.",
    "update_parameters reads grads['b1'], but backprop stored 'db1': a KeyError.",
    "backprop stores the output layer's gradients under L-1, 'dW0', and overwrites them later: KeyError 'dW2'.",
)


def tables() -> dict[str, tuple[Any, Any]]:
    """Samples and targets by name; samples are rows here, and columns in the article."""
    tumours = scikit_learn().datasets.load_breast_cancer()
    cancer = data.standard_scaler(tumours.data).transform(tumours.data), tumours.target.reshape(-1, 1)
    return {"or": data.or_(), "xor": data.xor(), "xor3": data.xor3(), "breast cancer": cancer}


def run(settings: Settings) -> Report:
    """Every run with its bugs fixed: weights from 0.01 N(0, 1), biases 0, full batches, mean cross-entropy."""
    report, known = Report(), tables()
    for name, sizes, alpha, epochs in RUNS:
        X, Y = known[name]
        if settings.quick:
            X, Y, epochs = X[:50], Y[:50], 12
        net = settings.network(sizes, seed=settings.stream(), init="small_normal", cost=COST)
        history = net.train(X, Y, alpha=alpha, epochs=epochs)
        title = f"{name} {'-'.join(map(str, sizes))}"
        places = [i for i in (0, 1, 10, 100) if i < epochs]
        digits = 12 if "xor" in name else 6  # how close they stay to ln 2
        report.row(f"{title}: cost at iterations {', '.join(map(str, places))}", history.cost[places], digits=digits)
        report.row(f"{title}: cost after {epochs} iterations", net.cost(X, Y), digits=digits)
        report.row(f"{title}: first outputs", net.predict(X)[:4, 0])
        report.curves[f"{title}, alpha {alpha:g}"] = history.cost
    report.row(f"{title}: training accuracy, %", 100 * float(((net.predict(X) > 0.5) == Y).mean()), digits=4)

    random = settings.stream()
    wide = settings.network([3, 4, 2], init="normal", seed=random, cost=COST)
    X, Y = random.standard_normal((5, 3)), random.randint(0, 2, (5, 2))
    A = wide.predict(X).T
    report.row("cost for two outputs", wide.cost(X, Y), "a 2x2 matrix with this trace:")
    report.row("trace of the article's cost", -np.trace(np.log(A) @ Y + np.log(1 - A) @ (1 - Y)) / len(X))
    report.row(
        "relative error of the gradient against finite differences", check_gradient(wide, X, Y).relative_error, digits=2
    )
    saturated = settings.network([1, 1], weights=[[[1000]]], cost=COST)
    report.row("cost of output 1 with target 0, z = 1000", saturated.cost([[1]], [[0]]), "infinite")
    for number, bug in enumerate(BUGS, start=1):
        report.note(f"As printed, the code does not run ({number} of {len(BUGS)}): {bug}")
    report.note(f"From weights near 0, the cost of XOR stays at ln 2 = {np.log(2):.12f}, as its final cost shows.")
    report.note("init_params calls numpy.random.seed(3), so the weights are the same whatever seed was set before.")
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The cost of each run."""
    axes = figure.add_subplot()
    for i, (title, cost) in enumerate(report.curves.items()):
        axes.plot(np.arange(1, len(cost) + 1), cost, ("-", "--")[i % 2], label=title)
    axes.axhline(np.log(2), color="grey", linestyle=":", label="ln 2")
    axes.set(xlabel="iteration", ylabel="cross-entropy", xscale="log", yscale="log")
    axes.legend(fontsize="small")


if __name__ == "__main__":
    run_as_script(__file__)
