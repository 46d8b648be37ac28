"""Images: the 8x8 digits that scikit-learn ships, and random pixels."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.data.library import scikit_learn
from samenet.training.trainable import Seed
from samenet.validation import checks


class Digits(NamedTuple):
    """The 8x8 digits of UCI, as in tutorial 000: grey values X (1797, 64) from 0 to 16, and the digits y (1797,)."""

    X: NDArray[np.float64]
    y: NDArray[np.int64]

    @property
    def images(self) -> NDArray[np.float64]:
        """The rows of X as images, (1797, 8, 8)."""
        return self.X.reshape(-1, 8, 8)


def digits() -> Digits:
    """The 1797 handwritten digits of tutorial 000, which scikit-learn ships.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI (1998).
    """
    found = scikit_learn().datasets.load_digits()
    return Digits(found.data, found.target)


def random_images(m: int, n: int = 784, *, seed: Seed = None) -> NDArray[np.float64]:
    """Images of random pixels, X (m, n) from U[0, 1), to see how a network trained on digits classifies noise.

    Source: tutorial 001 (docs/sources.md), which finds that they are classified "just as confidently".
    """
    m, n = checks.integer("m", m, least=0), checks.integer("n", n, least=1)
    random = checks.generator("seed", seed)
    with checks.fits("m, n", (m, n)):
        return random.random((m, n))
