"""Parts to train on and to test with, drawn by chance from a seed."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet import checks
from samenet.data.library import scikit_learn
from samenet.network import Seed


class Split(NamedTuple):
    """The two parts of a split."""

    X_train: NDArray[Any]
    X_test: NDArray[Any]
    y_train: NDArray[Any]
    y_test: NDArray[Any]


def split(X: ArrayLike, y: ArrayLike, *, test_size: float = 0.4, seed: Seed = None) -> Split:
    """Shuffle the samples and part them: scikit-learn's `train_test_split`.

    test_size: the share of the test part, between 0 and 1. seed: an int gives the split that `random_state` does.
    """
    share = checks.number("test_size", test_size, positive=True)
    if share >= 1:
        raise ValueError(f"test_size: expected a share below 1, got {share:g}")
    random = checks.generator("seed", seed)
    given = seed if isinstance(seed, int | np.integer) else None
    if given is not None and given >= 2**32:
        raise ValueError(f"seed: expected an integer of at most {2**32 - 1}, got {checks.short(seed)}")
    rows, targets = checks.plain("X", X), checks.plain("y", y)
    if rows.ndim == 0 or targets.ndim == 0 or len(rows) != len(targets):
        raise ValueError(f"y: expected as many entries as X has rows, got shapes {targets.shape} and {rows.shape}")
    if len(rows) < 2:
        raise ValueError(f"X: expected at least two samples to split, got shape {rows.shape}")
    if math.ceil(share * len(rows)) == len(rows):
        raise ValueError(f"test_size: expected a share that leaves a row to train on, got {share:g} of {len(rows)}")
    divide = scikit_learn().model_selection.train_test_split
    state: Any = random
    if isinstance(random, np.random.Generator):  # scikit-learn takes an int or a RandomState
        state = given if given is not None else int(random.integers(2**32))
    return Split(*divide(rows, targets, test_size=share, random_state=state))
