"""The network of the page: 784-32-16-10, trained on MNIST if its files are available, else on scikit-learn's digits."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import samenet
from samenet import data
from samenet.data import mnist_loader
from samenet.export.demo.centring import BOX, SIDE, as_mnist, resampling
from samenet.network import Network

SIZES = (SIDE * SIDE, 32, 16, 10)
_WIDTHS, _SLANTS = (20, 26), (-0.2, 0.1, 0.4)  # MNIST's digits are wider than the 8x8 ones, and lean to the right
_DECIMALS = 4  # digits after the point of weights on the page, which make it a third as large


class Reader(NamedTuple):
    """A network that reads digits, its training data, and how many digits of a test set it reads correctly.

    X (m, 784) and y (m,) are that test set.
    """

    network: Network
    learned_from: str
    right: int
    X: NDArray[np.float64]
    y: NDArray[np.int64]


def trained() -> Reader:
    """Train, with the same bits every time.

    Nothing is downloaded. Raises FileNotFoundError or ValueError for missing or damaged MNIST files, and ImportError if
    there are none and scikit-learn is missing.
    """
    if mnist_loader.default_folder() is None:
        return _trained("scikit-learn's 8x8 digits, enlarged", *_enlarged(), epochs=10, alpha=2e-3)
    found = data.mnist()
    split = found.X_train, found.y_train, found.X_test, found.y_test
    return _trained("MNIST", *split, epochs=6, alpha=3e-3)


def _enlarged() -> tuple[Any, ...]:
    """The 8x8 digits in MNIST's format: a fifth of them for the test, the others in several widths and slants."""
    X, y = data.digits()
    up = resampling(8, BOX)
    large = up @ (X.reshape(-1, 8, 8) / 16) @ up.T
    train, test, y_train, y_test = data.split(large.reshape(len(large), -1), y, test_size=0.2, seed=0)
    train, test = (part.reshape(-1, BOX, BOX) for part in (train, test))
    varied = [_prepared(_slanted(train @ resampling(BOX, n).T, slant)) for n in _WIDTHS for slant in _SLANTS]
    return np.concatenate(varied), np.tile(y_train, len(varied)), _prepared(test), y_test


def _slanted(pictures: Any, slant: float) -> Any:
    """Each row shifted by whole pixels, `slant` more than the one below."""
    count, height, width = pictures.shape
    room = int(height * abs(slant)) + 1
    found = np.zeros((count, height, width + 2 * room))
    for row in range(height):
        begin = room + round((height / 2 - row) * slant)
        found[:, row, begin : begin + width] = pictures[:, row]
    return found


def _prepared(pictures: Any) -> Any:
    """In MNIST's format, with edges sharpened, because enlarging makes them soft."""
    return np.array([as_mnist(ink).ravel() for ink in np.clip(2 * pictures - 0.5, 0, 1)])


def _trained(learned_from: str, X: Any, y: Any, X_test: Any, y_test: Any, *, epochs: int, alpha: float) -> Reader:
    how: dict[str, Any] = {"activation": ["sigmoid", "sigmoid", "softmax"], "cost": "cross_entropy", "seed": 0}
    net: Network = samenet.backend("numpy").Network(SIZES, **how)
    Y = data.one_hot(y, SIZES[-1])
    net.train(X, Y, alpha=alpha, optimizer="adam", batch_size=50, epochs=epochs, seed=0, record_every=0)
    net.parameters[:] = np.round(net.parameters, _DECIMALS)
    return Reader(net, learned_from, int((net.classify(X_test) == y_test).sum()), X_test, y_test)
