"""Data: the tutorial's one-hot targets, the same split and scaler as scikit-learn's, the digits."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
import sklearn.model_selection
import sklearn.preprocessing
from children import printed

from samenet import data

ON_NUMPY = True  # what is given no backend


def convert_y_to_vect(y: Any) -> np.ndarray:
    """Tutorial 000's way: ten columns of zeros, and a one in the column of the digit, a row at a time."""
    y_vect = np.zeros((len(y), 10))
    for i in range(len(y)):
        y_vect[i, y[i]] = 1
    return y_vect


def test_one_hot_is_what_the_tutorial_makes_of_the_digits() -> None:
    y = data.digits().y
    expected, rows = convert_y_to_vect(y), data.one_hot(y)
    assert (rows.dtype, rows.shape) == (expected.dtype, (1797, 10))
    assert rows.tobytes() == expected.tobytes()
    assert data.one_hot(y, 10).tobytes() == expected.tobytes()


def test_one_hot_and_back() -> None:
    y = np.random.default_rng(0).integers(0, 7, 50)
    rows = data.one_hot(y, 9)
    assert rows.shape == (50, 9)
    assert (rows.sum(axis=1) == 1).all()
    assert set(np.unique(rows)) == {0.0, 1.0}
    back = data.from_one_hot(rows)
    assert back.dtype == np.int64
    assert back.tolist() == y.tolist()


@pytest.mark.parametrize(
    "y",
    [
        [2, 0, 1],
        (2, 0, 1),
        np.array([2, 0, 1], np.uint8),
        np.array([2.0, 0.0, 1.0]),
        np.array([2, 0, 1], ">i4"),
        np.array([2, 0, 1], object),
        np.array([2, 9, 0, 9, 1, 9])[::2],
        pd.Series([2, 0, 1], index=[7, 5, 3]),
        pd.Series([2, 0, 1], dtype="Int64"),
    ],
    ids=lambda y: f"{type(y).__name__}-{getattr(y, 'dtype', '')}",
)
def test_one_hot_of_any_labels(y: Any) -> None:
    assert data.one_hot(y).tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]


def test_one_hot_of_nothing() -> None:
    assert data.one_hot([], 4).shape == (0, 4)
    assert data.one_hot(np.array([], int), 4).shape == (0, 4)


def test_from_one_hot_takes_activations_too() -> None:
    assert data.from_one_hot([[0.2, 0.9, 0.1], [0.7, 0.1, 0.7]]).tolist() == [1, 0]
    assert data.from_one_hot([[0], [0]]).tolist() == [0, 0]


@pytest.mark.parametrize("seed", [0, 7, np.int64(7), 2**32 - 1])
@pytest.mark.parametrize("test_size", [0.4, 0.1, 0.75])
def test_split_is_scikit_learns(seed: int, test_size: float) -> None:
    X, y = np.arange(60.0).reshape(20, 3), np.arange(20)
    parts = data.split(X, y, test_size=test_size, seed=seed)
    expected = sklearn.model_selection.train_test_split(X, y, test_size=test_size, random_state=int(seed))
    assert all(np.array_equal(*pair) for pair in zip(parts, expected, strict=True))
    assert all(
        np.array_equal(part.X, 3 * part.y[:, None] + np.arange(3))
        for part in (data.Digits(parts.X_train, parts.y_train), data.Digits(parts.X_test, parts.y_test))
    ), "rows and targets stay together"


def test_the_share_is_four_tenths_unless_said() -> None:
    parts = data.split(np.zeros((1797, 2)), np.zeros(1797), seed=0)
    assert (len(parts.X_train), len(parts.X_test)) == (1078, 719)  # tutorial 000


def test_split_by_other_sources_of_chance() -> None:
    X, y = np.arange(60.0).reshape(20, 3), np.arange(20)
    legacy = data.split(X, y, seed=np.random.RandomState(3))
    expected = sklearn.model_selection.train_test_split(X, y, test_size=0.4, random_state=np.random.RandomState(3))
    assert all(np.array_equal(*pair) for pair in zip(legacy, expected, strict=True))
    random = np.random.default_rng(3)
    first, second = data.split(X, y, seed=random), data.split(X, y, seed=random)
    again = data.split(X, y, seed=np.random.default_rng(3))
    assert np.array_equal(first.y_test, again.y_test), "a Generator repeats"
    assert not np.array_equal(first.y_test, second.y_test), "and moves on"
    orders = {tuple(data.split(X, y).y_test) for _ in range(4)}
    assert len(orders) > 1, "without a seed every split is another"


def test_split_copies_and_keeps_types() -> None:
    X, y = np.arange(60, dtype=np.float32).reshape(20, 3), np.array(list("ab" * 10))
    X.flags.writeable = y.flags.writeable = False
    parts = data.split(X, y, seed=0)
    assert parts.X_train.dtype == np.float32
    assert parts.y_test.dtype == y.dtype
    assert not np.shares_memory(parts.X_train, X)
    frame = data.split(pd.DataFrame(X), pd.Series(y), seed=0)
    assert np.array_equal(frame.X_test, parts.X_test)
    nested = data.split(X.tolist(), y.tolist(), seed=0)
    assert np.array_equal(nested.y_train, parts.y_train)


def test_digits_are_the_tutorials() -> None:
    digits = data.digits()
    assert digits.X.shape == (1797, 64)
    assert digits.X.dtype == np.float64
    assert (digits.X.min(), digits.X.max()) == (0, 16)
    assert digits.y.shape == (1797,)
    assert digits.y.dtype == np.int64
    assert sorted(set(digits.y.tolist())) == list(range(10))
    assert digits.images.shape == (1797, 8, 8)
    assert digits.images[1].ravel().tolist() == digits.X[1].tolist()
    assert digits.y[:10].tolist() == list(range(10))
    assert digits.X[0, :8].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]  # as the tutorial prints it
    assert np.array_equal(digits.X, sklearn.datasets.load_digits().data)


def test_the_scaler_is_safe_for_constant_columns() -> None:
    X = data.digits().X
    constant = np.flatnonzero(X.std(axis=0) == 0)
    assert constant.tolist() == [0, 32, 39]
    scaler = data.standard_scaler(X)
    scaled = scaler.transform(X)
    assert np.isfinite(scaled).all()
    assert not scaled[:, constant].any()
    others = np.delete(scaled, constant, axis=1)
    np.testing.assert_allclose(others.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(others.std(axis=0), 1, rtol=1e-12)
    assert scaled.max() == pytest.approx(42.4, abs=0.05)  # what the tutorial's own scaling gives
    assert np.array_equal(scaled, sklearn.preprocessing.StandardScaler().fit_transform(X))
    np.testing.assert_allclose(scaler.inverse_transform(scaled), X, atol=1e-12)


def test_a_scaler_fitted_to_some_rows_serves_for_others() -> None:
    scaler = data.standard_scaler([[0, 5], [2, 5]])
    assert scaler.transform([[4, 5], [1, 6]]).tolist() == [[3, 0], [0, 1]]


WITHOUT = """
import os, sys
os.environ.pop("SAMENET_DATA", None)
sys.modules["sklearn"] = None  # as if it were not installed
import samenet
from samenet import data
assert data.one_hot([1, 0]).shape == (2, 2)  # these need nothing
assert data.from_one_hot([[0, 1]]).tolist() == [1]
assert data.letter_one_hot("a").shape == (1, 26)
for call in (
    data.digits,
    data.mnist,
    lambda: data.split([[1], [2]], [0, 1]),
    lambda: data.standard_scaler([[1.0]]),
    lambda: data.max_scaler([[1.0]]),
    lambda: data.constant_scaler(2),
    lambda: data.word_counts(["a"], ["a"]),
):
    try:
        call()
    except ImportError as error:
        assert 'pip install "samenet[data]"' in str(error), error
    else:
        sys.exit("no ImportError")
print("ok")
"""


def test_without_scikit_learn_the_error_says_how_to_get_it() -> None:
    assert printed(WITHOUT) == "ok\n"
