"""The network of the page: 784-32-16-10, trained on MNIST where its files are, else on scikit-learn's 8x8 digits."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import samenet
from samenet import data
from samenet.data import mnist_loader
from samenet.demo.centring import BOX, SIDE, as_mnist, resampling
from samenet.network import Network

SIZES = (SIDE * SIDE, 32, 16, 10)
_DECIMALS = 4  # of weights and biases on the page, which makes it a third as large


class Reader(NamedTuple):
    """A network that reads digits, what it learned from, and how many digits of a test set it reads rightly.

    X (m, 784) and y (m,) are that test set.
    """

    network: Network
    learned_from: str
    right: int
    X: NDArray[np.float64]
    y: NDArray[np.int64]


def trained() -> Reader:
    """Train; the same bits every time.

    Nothing is downloaded. Raises FileNotFoundError or ValueError for files of MNIST that are missing or damaged, and
    ImportError if there are none and scikit-learn is missing.
    """
    if mnist_loader.default_folder() is None:
        return _trained("scikit-learn's 8x8 digits, enlarged", *_enlarged(), epochs=30, alpha=2e-3)
    found = data.mnist()
    split = found.X_train, found.y_train, found.X_test, found.y_test
    return _trained("MNIST", *split, epochs=6, alpha=3e-3)


def _enlarged() -> tuple[Any, ...]:
    """The 8x8 digits as MNIST has its own: a fifth of them for the test."""
    X, y = data.digits()
    up = resampling(8, BOX)
    large = np.clip(2 * (up @ (X.reshape(-1, 8, 8) / 16) @ up.T) - 0.5, 0, 1)  # enlarged edges are soft: sharpen them
    pictures = np.array([as_mnist(ink).ravel() for ink in large])
    split = data.split(pictures, y, test_size=0.2, seed=0)
    return split.X_train, split.y_train, split.X_test, split.y_test


def _trained(learned_from: str, X: Any, y: Any, X_test: Any, y_test: Any, *, epochs: int, alpha: float) -> Reader:
    how: dict[str, Any] = {"activation": ["sigmoid", "sigmoid", "softmax"], "cost": "cross_entropy", "seed": 0}
    net: Network = samenet.backend("numpy").Network(SIZES, **how)
    Y = data.one_hot(y, SIZES[-1])
    net.train(X, Y, alpha=alpha, optimizer="adam", batch_size=50, epochs=epochs, seed=0, record_every=0)
    net.parameters[:] = np.round(net.parameters, _DECIMALS)
    return Reader(net, learned_from, int((net.classify(X_test) == y_test).sum()), X_test, y_test)
