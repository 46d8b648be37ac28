"""Random splits into training, validation and test parts, from a seed."""

import math
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.data.library import scikit_learn
from samenet.training.trainable import Seed
from samenet.validation import arrays, checks


class Split(NamedTuple):
    """The two parts of a split: arrays, or data frames and series if these were given."""

    X_train: Any
    X_test: Any
    y_train: Any
    y_test: Any


class Parts(NamedTuple):
    """Three parts, of the same types: for training, for choosing settings, and for the final test."""

    X_train: Any
    y_train: Any
    X_valid: Any
    y_valid: Any
    X_test: Any
    y_test: Any


def split(X: Any, y: Any, *, test_size: float = 0.4, seed: Seed = None, stratify: Any = None) -> Split:
    """Shuffle the samples and split them in two: scikit-learn's `train_test_split`.

    X, y: m rows and m entries or rows. Data frames and series of pandas and polars are returned as such, with their
    columns and index; anything else as arrays.
    test_size  the share of the test part, between 0 and 1
    seed       an int gives the same split as `random_state`
    stratify   labels (m,), or one-hot rows (m, n): every part gets about the same share of each class; usually y itself

    Raises ValueError or TypeError, naming the argument; for `stratify` also if a class is too rare to be in every part.
    """
    rows = _Rows(X, y, {"test_size": test_size}, seed, stratify)
    train, test = rows.divide(np.arange(rows.m), "test_size")
    return Split(*(rows.of(values, part) for values in (rows.X, rows.y) for part in (train, test)))


def three_way_split(
    X: Any, y: Any, *, valid_size: float = 0.2, test_size: float = 0.2, seed: Seed = None, stratify: Any = None
) -> Parts:
    """Shuffle the samples and split them in three.

    valid_size, test_size: shares of all samples, each between 0 and 1, that leave some samples to train on.
    seed: with an int, the test part is that of `split`; the validation part is then drawn from the rest.
    X, y, stratify: as for `split`.
    """
    rows = _Rows(X, y, {"test_size": test_size, "valid_size": valid_size}, seed, stratify)
    rest, test = rows.divide(np.arange(rows.m), "test_size")
    train, valid = rows.divide(rest, "valid_size")
    return Parts(*(rows.of(values, part) for part in (train, valid, test) for values in (rows.X, rows.y)))


def _is_frame(value: Any) -> bool:
    """Whether a value is a data frame or a series, of pandas or polars, without importing either."""
    library = type(value).__module__.partition(".")[0]
    return hasattr(type(value), "iloc") or (library == "polars" and hasattr(type(value), "__len__"))


class _Rows:
    """The checked arguments of a split: X and y, the number of rows, the size of each part, a random number generator.

    state: scikit-learn's `random_state`. labels: what to stratify by, or None.
    """

    def __init__(self, X: Any, y: Any, sizes: dict[str, float], seed: Seed, stratify: Any) -> None:
        shares = {name: checks.number(name, size, positive=True) for name, size in sizes.items()}
        for name, share in shares.items():
            if share >= 1:
                raise ValueError(f"{name}: expected a share below 1, got {share:g}")
        random = checks.generator("seed", seed)
        given = seed if isinstance(seed, int | np.integer) else None
        if given is not None and given >= 2**32:
            raise ValueError(f"seed: expected an integer of at most {2**32 - 1}, got {checks.short(seed)}")
        self.X, self.y = (v if _is_frame(v) else arrays.plain(name, v) for name, v in (("X", X), ("y", y)))
        for name, value, rows in (("X", X, self.X), ("y", y, self.y)):
            if np.ndim(rows) == 0:
                kind = type(value).__name__
                raise ValueError(f"{name}: expected rows to split, got {checks.short(value)} ({kind}) of shape ()")
        if len(self.X) != len(self.y):
            shapes = f"{np.shape(self.y)} and {np.shape(self.X)}"
            raise ValueError(f"y: expected as many entries as X has rows, got shapes {shapes}")
        self.m = len(self.X)
        if self.m <= len(shares):
            least = {1: "two", 2: "three"}[len(shares)]
            raise ValueError(f"X: expected at least {least} samples to split, got shape {np.shape(self.X)}")
        # Rounded up as scikit-learn does.
        self.counts = {name: math.ceil(share * self.m) for name, share in shares.items()}
        if sum(self.counts.values()) >= self.m:
            name, share = " + ".join(shares), sum(shares.values())
            raise ValueError(f"{name}: expected a share that leaves a row to train on, got {share:g} of {self.m}")
        self.labels = None if stratify is None else self._classes(stratify)
        self.state: Any = random
        if isinstance(random, np.random.Generator):  # scikit-learn takes an int or a RandomState
            self.state = given if given is not None else int(random.integers(2**32))

    def _classes(self, stratify: Any) -> NDArray[Any]:
        """The labels to stratify by, checked so that each class has at least two rows."""
        labels = stratify if checks.is_listing(stratify) or _is_frame(stratify) else None
        if labels is None:
            raise TypeError(
                f"stratify: expected labels to stratify by, such as stratify=y, got {checks.short(stratify)} "
                f"({type(stratify).__name__})"
            )
        found = arrays.plain("stratify", labels)
        if found.ndim not in (1, 2) or len(found) != self.m:
            raise ValueError(f"stratify: expected a label for each of {self.m} rows, got shape {found.shape}")
        items = found.tolist() if found.ndim == 1 else [tuple(row) for row in found.tolist()]
        try:
            numbers = Counter(items)
        except TypeError:
            raise TypeError(f"stratify: expected labels, got {checks.short(stratify)}") from None
        if any(part != part for item in numbers for part in (item if isinstance(item, tuple) else (item,))):
            raise ValueError("stratify: expected a label for each row, got nan")  # NaN does not equal itself
        rarest = min(numbers, key=lambda item: numbers[item])
        if numbers[rarest] < 2:
            raise ValueError(f"stratify: expected at least two rows of every class, got one of {checks.short(rarest)}")
        try:
            np.unique(found)
        except TypeError:  # labels that cannot be sorted are replaced by numbers
            places = {item: i for i, item in enumerate(numbers)}
            found = np.array([places[item] for item in items])
        return found

    def divide(self, rows: NDArray[np.int64], name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Split some of the rows in two; `name` selects the size of the second part."""
        labels, size = None if self.labels is None else self.labels[rows], self.counts[name]
        divide = scikit_learn().model_selection.train_test_split
        try:
            first, second = divide(rows, test_size=size, random_state=self.state, stratify=labels)
        except ValueError:
            if labels is None:
                raise
            classes = len(np.unique(labels, axis=0))
            raise ValueError(
                f"stratify: expected a row of each class in every part, and two per class, got {classes} classes "
                f"for parts of {len(rows) - size} and {size} rows"
            ) from None
        return first, second

    @staticmethod
    def of(values: Any, rows: NDArray[np.int64]) -> Any:
        """These rows of an array or a data frame."""
        return values.iloc[rows] if hasattr(values, "iloc") else values[rows]
