"""Tutorial 000, section 5: the digits, scaled, split and one-hot encoded, before any training."""

from typing import TYPE_CHECKING

import numpy as np

import samenet
from samenet import data
from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "the 8x8 digits: the picture of a 1, scaling, a split, one-hot targets"
IDS = ("A13", "A14", "A15", "A16")


def run(settings: Settings) -> Report:
    """Prepare the digits as the text does; the seed is for the split."""
    report = Report()
    digits = data.digits()
    report.row("shape", digits.X.shape, [1797, 64])
    report.row("first row of the first picture", digits.X[0, :8], [0, 0, 5, 13, 9, 1, 0, 0])
    report.row("largest grey value", digits.X.max(), 15)

    X = data.standard_scaler(digits.X).transform(digits.X)
    printed = [0, -0.33501649, -0.04308102, 0.27407152, -0.66447751, -0.84412939, -0.40972392, -0.12502292]
    report.row("the same, scaled", X[0, :8], printed, digits=4)
    report.row("share of scaled values within -2 and 2", (abs(X) <= 2).mean(), "most")
    report.row("largest scaled value", X.max())
    report.row("columns that are constant, and scaled to 0", np.flatnonzero(digits.X.std(axis=0) == 0))

    parts = data.split(X, digits.y, test_size=0.4, seed=settings.seed)
    report.row("rows to train on, to test on", [len(parts.X_train), len(parts.X_test)])
    report.row("first digits to train on", parts.y_train[:5])
    raw = data.split(digits.X, digits.y, test_size=0.4, seed=settings.seed).X_train
    moved = data.standard_scaler(raw).transform(raw) - parts.X_train
    report.row("mean that a value moves if the test part is not looked at", abs(moved).mean(), digits=3)
    report.row("most that one moves", abs(moved).max(), digits=3)
    report.row("the target of a 1", data.one_hot([1], 10)[0], [0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    report.curves["images"] = digits.images
    report.note("The text calls the data MNIST; it is the 8x8 set of UCI. Its grey values go to 16, not 15.")
    report.note("The scaler sees the test part too: the text fits it before the split.")
    return report


def draw(report: Report, figure: "Figure") -> None:
    """Image 1 of the set, which is a 1."""
    samenet.plot.digits(report.curves["images"][1:2], ax=figure.add_subplot()).set(title="digits.images[1]")


if __name__ == "__main__":
    run_as_script(__file__)
