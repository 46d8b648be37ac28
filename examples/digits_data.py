"""Tutorial 000, section 5: the digits, scaled, split and one-hot encoded, before any training."""

from typing import TYPE_CHECKING

import numpy as np

import samenet
from samenet import data
from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "the 8x8 digits: an image of a 1, scaling, the split, one-hot targets"
IDS = ("A13", "A14", "A15", "A16")


def run(settings: Settings) -> Report:
    """Prepare the digits as the tutorial does; the seed is for the split."""
    report = Report()
    digits = data.digits()
    report.row("shape", digits.X.shape, [1797, 64])
    report.row("first row of the first image", digits.X[0, :8], [0, 0, 5, 13, 9, 1, 0, 0])
    report.row("largest grey value", digits.X.max(), 15)

    X = data.standard_scaler(digits.X).transform(digits.X)
    printed = [0, -0.33501649, -0.04308102, 0.27407152, -0.66447751, -0.84412939, -0.40972392, -0.12502292]
    report.row("first row of the first image, scaled", X[0, :8], printed, digits=4)
    report.row("share of scaled values between -2 and 2", (abs(X) <= 2).mean(), "most")
    report.row("largest scaled value", X.max())
    report.row("constant columns, which are scaled to 0", np.flatnonzero(digits.X.std(axis=0) == 0))

    parts = data.split(X, digits.y, test_size=0.4, seed=settings.seed)
    report.row("samples in the training set, in the test set", [len(parts.X_train), len(parts.X_test)])
    report.row("first labels of the training set", parts.y_train[:5])
    raw = data.split(digits.X, digits.y, test_size=0.4, seed=settings.seed).X_train
    moved = data.standard_scaler(raw).transform(raw) - parts.X_train
    report.row("mean change of a value if the scaler is fitted to the training set only", abs(moved).mean(), digits=3)
    report.row("largest change of a value", abs(moved).max(), digits=3)
    report.row("one-hot target of a 1", data.one_hot([1], 10)[0], [0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    report.curves["images"] = digits.images
    report.note(
        "The tutorial calls the data MNIST; it is UCI's set of 8x8 digits. Its grey values go up to 16, not 15."
    )
    report.note("The tutorial fits the scaler before the split, and so to the test set too.")
    return report


def draw(report: Report, figure: "Figure") -> None:
    """Image 1 of the set, which is a 1."""
    samenet.plot.digits(report.curves["images"][1:2], ax=figure.add_subplot()).set(title="digits.images[1]")


if __name__ == "__main__":
    run_as_script(__file__)
