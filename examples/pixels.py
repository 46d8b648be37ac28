"""Tutorial 001: an image as the input of a network, row by row."""

from typing import TYPE_CHECKING

import numpy as np

from samenet.examples.report import Report, Settings, run_as_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWS = "a black-and-white image of a 2, 6x6 pixels, becomes a column of 36 inputs"
IDS = ("B01", "B03")

PICTURE = """
.####.
#....#
....#.
..##..
.#....
######
"""


def run(settings: Settings) -> Report:
    """Flatten the image, and pass it to a network with a node for each pixel."""
    report = Report()
    image = np.array([[float(pixel == "#") for pixel in row] for row in PICTURE.split()])
    column = image.reshape(-1)
    report.row("inputs", len(column), 36)
    report.row("the first row of pixels", column[:6])
    report.row("reshaping restores the image", bool((column.reshape(6, 6) == image).all()))
    net = settings.network([36, 10], seed=settings.stream())
    report.row("outputs of the network", net.predict(column).size, 10)
    report.row("inputs for an MNIST image", 28 * 28, 784)
    report.row("outputs needed to encode ten digits in binary", int(np.ceil(np.log2(10))), 4)
    report.row("digits", len(range(10)), "from 0 to 10")
    report.note(
        "The tutorial speaks of digits from 0 to 10, which would be 11 digits; its network has 10 outputs, for 0 to 9."
    )
    report.curves["image"] = image
    return report


def draw(report: Report, figure: "Figure") -> None:
    """The grid, and the column it becomes."""
    image = report.curves["image"]
    grid, column = figure.subplots(1, 2, width_ratios=[3, 1])
    grid.matshow(1 - image, cmap="gray")
    grid.set(title="6x6")
    column.matshow(1 - image.reshape(-1, 1), cmap="gray", aspect="auto")
    column.set(title="36 inputs", xticks=[])


if __name__ == "__main__":
    run_as_script(__file__)
