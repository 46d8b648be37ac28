"""Tutorial 004, "future work": what the tutorial would add to its network, one at a time, from the same weights."""

from typing import TYPE_CHECKING, Any

import numpy as np

from samenet import data
from samenet.examples.report import Report, Settings, run_as_script
from samenet.schedules import InverseTime

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "momentum, dropout, delta trimming and other additions to the network of the 11 lines"
IDS = ()
SEED = 1

ITERATIONS = 10000
# What is added, as arguments of the network or of its training.
NETWORK: dict[str, dict[str, Any]] = {"bias units": {"bias": True}, "regularisation, L2 penalty 0.001": {"l2": 0.001}}
TRAINING: dict[str, dict[str, Any]] = {
    "nothing added": {},
    "mini-batches of 2": {"batch_size": 2},
    "mini-batches of 2, AW-SGD": {"batch_size": 2, "sampling": "adaptive"},
    "alpha 100": {"alpha": 100.0},
    "alpha 100, delta trimming to 0.01": {"alpha": 100.0, "clip_norm": 0.01},
    "dropout 0.1": {"dropout": 0.1},
    "DropConnect 0.1": {"drop_connect": 0.1},
    "momentum": {"optimizer": "momentum"},
    "Nesterov": {"optimizer": "nesterov"},
    "alpha annealed from 10": {"alpha": InverseTime(10.0, rate=0.001)},
    "BFGS": {"optimizer": "bfgs", "alpha": None},
    "L-BFGS": {"optimizer": "lbfgs", "alpha": None},
}


def run(settings: Settings) -> Report:
    """XOR with alpha 1, as in the tutorial; momentum and the like use the library's defaults."""
    report = Report()
    X, y = data.xor3()
    iterations = 200 if settings.quick else ITERATIONS
    for name in (*TRAINING, *NETWORK):
        made = {"bias": False} | NETWORK.get(name, {})
        net = settings.network([3, 4, 1], init="symmetric_uniform", seed=settings.stream(), **made)
        steps: dict[str, Any] = {"alpha": 1.0, "monitors": ["mean_absolute_error"]} | TRAINING.get(name, {})
        history = net.train(X, y, epochs=iterations, reduction="sum", seed=settings.seed, **steps)
        error = history["mean_absolute_error"]
        report.row(f"{name}: iterations", history.epochs_done)
        report.row(f"{name}: mean absolute error", np.abs(y - net.predict(X)).mean())
        below = np.flatnonzero(error < 0.01)
        report.row(f"{name}: iterations until the error is below 0.01", int(below[0]) if len(below) else "never")
        report.curves[name] = error
    if not settings.quick:
        stuck, trimmed = (
            report[f"{name}: mean absolute error"] for name in ("alpha 100", "alpha 100, delta trimming to 0.01")
        )
        report.note(
            f"With alpha 100, which is far too large, the error stays at {stuck:.3f}; with delta trimming, it falls to "
            f"{trimmed:.1e}."
        )
    report.note(
        "Of the tutorial's list, GPUs are not covered, and batch normalisation, `batch_normalization=True`, is not "
        "tried here."
    )
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The error by iteration."""
    axes = figure.add_subplot()
    for i, (name, error) in enumerate(report.curves.items()):
        again = "-." if i >= 10 else "-"  # the colours begin anew after ten
        line = "--" if name == "nothing added" else ":" if name in NETWORK else again
        axes.loglog(np.arange(1, len(error) + 1), error, line, label=name)
    axes.set(xlabel="iteration", ylabel="mean absolute error")
    axes.legend(fontsize="x-small")


if __name__ == "__main__":
    run_as_script(__file__)
