"""Parts to train on, to validate with and to test with, drawn by chance from a seed."""

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


class Parts(NamedTuple):
    """Three parts: to train on, to choose settings with, and to judge by at the end."""

    X_train: NDArray[Any]
    y_train: NDArray[Any]
    X_valid: NDArray[Any]
    y_valid: NDArray[Any]
    X_test: NDArray[Any]
    y_test: NDArray[Any]


def split(X: ArrayLike, y: ArrayLike, *, test_size: float = 0.4, seed: Seed = None) -> Split:
    """Shuffle the samples and part them: scikit-learn's `train_test_split`.

    test_size: the share of the test part, between 0 and 1. seed: an int gives the split that `random_state` does.
    """
    rows, targets, (n_test,), state = _prepared(X, y, {"test_size": test_size}, seed)
    return Split(*scikit_learn().model_selection.train_test_split(rows, targets, test_size=n_test, random_state=state))


def three_way_split(
    X: ArrayLike, y: ArrayLike, *, valid_size: float = 0.2, test_size: float = 0.2, seed: Seed = None
) -> Parts:
    """Shuffle the samples and part them in three.

    valid_size, test_size: shares of all samples, each between 0 and 1, that leave some to train on.
    seed: with an int, the test part is that of `split`; the validation part is then drawn from the rest.
    """
    rows, targets, (n_test, n_valid), state = _prepared(X, y, {"test_size": test_size, "valid_size": valid_size}, seed)
    divide = scikit_learn().model_selection.train_test_split
    X_rest, X_test, y_rest, y_test = divide(rows, targets, test_size=n_test, random_state=state)
    X_train, X_valid, y_train, y_valid = divide(X_rest, y_rest, test_size=n_valid, random_state=state)
    return Parts(X_train, y_train, X_valid, y_valid, X_test, y_test)


def _prepared(
    X: ArrayLike, y: ArrayLike, sizes: dict[str, float], seed: Seed
) -> tuple[NDArray[Any], NDArray[Any], list[int], Any]:
    """X and y as arrays, the numbers of rows that shares of them stand for, and scikit-learn's `random_state`."""
    shares = {name: checks.number(name, size, positive=True) for name, size in sizes.items()}
    for name, share in shares.items():
        if share >= 1:
            raise ValueError(f"{name}: expected a share below 1, got {share:g}")
    random = checks.generator("seed", seed)
    given = seed if isinstance(seed, int | np.integer) else None
    if given is not None and given >= 2**32:
        raise ValueError(f"seed: expected an integer of at most {2**32 - 1}, got {checks.short(seed)}")
    rows, targets = checks.plain("X", X), checks.plain("y", y)
    if rows.ndim == 0 or targets.ndim == 0 or len(rows) != len(targets):
        raise ValueError(f"y: expected as many entries as X has rows, got shapes {targets.shape} and {rows.shape}")
    if len(rows) <= len(shares):
        least = {1: "two", 2: "three"}[len(shares)]
        raise ValueError(f"X: expected at least {least} samples to split, got shape {rows.shape}")
    counts = {name: math.ceil(share * len(rows)) for name, share in shares.items()}  # rounded up as scikit-learn does
    if sum(counts.values()) >= len(rows):
        name, share = " + ".join(shares), sum(shares.values())
        raise ValueError(f"{name}: expected a share that leaves a row to train on, got {share:g} of {len(rows)}")
    state: Any = random
    if isinstance(random, np.random.Generator):  # scikit-learn takes an int or a RandomState
        state = given if given is not None else int(random.integers(2**32))
    return rows, targets, list(counts.values()), state
