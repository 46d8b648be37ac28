"""Tutorial 001: Nielsen's network reads handwriting, with one hidden layer, two and none."""

import random
from typing import TYPE_CHECKING

import numpy as np

from samenet import data
from samenet.examples.report import Report, Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "784-30-10 learns MNIST by mini-batches, and what it makes of random pixels"
IDS = ("B07", "B08", "B09", "B10")

EPOCHS, BATCH, ETA, IMAGES = 30, 10, 3.0, 1000
# The hidden layers, with what the text has for them: right of 10000 after the first epoch and after the last.
HIDDEN = {(30,): (9032, 9458), (16, 16): (8957, 9385), (): (None, "down to 75 %")}


def mnist() -> data.Split | None:
    """MNIST as Nielsen's loader has it, grey values / 256 and 50000 images to train on; None if it is not to be had."""
    try:
        parts = data.mnist(scale=256)
    except OSError:
        return None
    return data.Split(parts.X_train, parts.X_test, parts.y_train, parts.y_test)


def run(settings: Settings) -> Report:
    """Train on the 8x8 digits, which take seconds, and, unless it is to be quick, on MNIST, which takes minutes."""
    report = Report()
    X, y = data.digits()
    study(report, settings, "8x8 digits", data.split(X / 16, y, test_size=0.4, seed=settings.seed))
    parts = None if settings.quick else mnist()
    if parts is None:
        report.note("MNIST is left out: it was not found, see samenet.data.mnist, or the run was to be quick.")
    else:
        study(report, settings, "MNIST", parts)
    return report


def study(report: Report, settings: Settings, name: str, parts: data.Split) -> None:
    """Each network on one data set; weights and order are those of numpy.random.seed(s) and random.seed(s)."""
    X, X_test, y, y_test = parts
    epochs = 2 if settings.quick else EPOCHS
    if settings.quick:
        X, y = X[:200], y[:200]
    Y = data.one_hot(y, 10)
    for hidden, printed in HIDDEN.items():
        sizes = [X.shape[1], *hidden, 10]
        what = f"{name}, {'-'.join(map(str, sizes))}"
        stream, order, right = settings.stream(), list(range(len(X))), []
        net = settings.network(sizes, init="normal", seed=stream)
        shuffler = random.Random(settings.seed)
        for _ in range(epochs):
            shuffler.shuffle(order)
            net.train(X[order], Y[order], alpha=ETA, epochs=1, batch_size=BATCH, shuffle=False, record_every=0)
            right.append(int((net.classify(X_test) == y_test).sum()))
        report.row(f"{what}: weights and biases", net.parameters.size, 13002 if sizes == [784, 16, 16, 10] else None)
        for epoch, text in ((0, printed[0]), (epochs - 1, printed[1])):
            report.row(f"{what}: Epoch {epoch}, of {len(y_test)}", right[epoch], text if name == "MNIST" else None)
        report.row(f"{what}: all epochs", right)
        images = data.random_images(IMAGES, X.shape[1], seed=stream)
        top = [float(net.predict(rows).max(axis=1).mean()) for rows in (images, X_test)]
        report.row(f"{what}: mean top output for random pixels", top[0], "just as confidently", digits=2)
        report.row(f"{what}: mean top output for test images", top[1], digits=2)
        report.row(f"{what}: digits never answered", sorted(set(range(10)) - set(net.classify(X_test).tolist())))
        report.curves[what] = 100 * np.array(right) / len(y_test)


def draw(report: Report, figure: "Figure") -> None:
    """The share of test images read right, after each epoch."""
    axes = figure.add_subplot()
    for name, share in report.curves.items():
        axes.plot(share, "-" if name.startswith("MNIST") else ":", label=name)
    axes.set(xlabel="epoch", ylabel="right, %")
    axes.legend(fontsize="small")
