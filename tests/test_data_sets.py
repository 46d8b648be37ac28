"""Built-in data: the tutorials' tables, splits, scaling and its inverse, random images, text as numbers."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.model_selection
import sklearn.pipeline
import sklearn.preprocessing

from samenet import data
from samenet.fast.numpy import Network

ON_NUMPY = True  # what is given no backend

TABLES: dict[str, tuple[Callable[[], Any], Callable[[int, int], int], bool]] = {
    "xor": (data.xor, lambda a, b: a ^ b, False),
    "or": (data.or_, lambda a, b: a | b, False),
    "xor3": (data.xor3, lambda a, b: a ^ b, True),
    "first3": (data.first3, lambda a, b: a, True),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_its_function(name: str) -> None:
    table, function, constant = TABLES[name]
    X, Y = table()
    assert X.dtype == Y.dtype == np.float64
    assert X[:, :2].tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert X[:, 2:].tolist() == ([[1]] * 4 if constant else [[]] * 4)
    assert Y.tolist() == [[function(int(a), int(b))] for a, b in X[:, :2]]


@pytest.mark.parametrize("table", [data.xor, data.or_, data.xor3, data.first3, data.opposites, data.scores])
def test_each_call_makes_new_arrays(table: Callable[[], Any]) -> None:
    first, second = table(), table()
    for values in first:
        values[:] = -1
    assert all((values >= 0).all() for values in second)
    assert all((values >= 0).all() for values in table())


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("table", "outputs"),
    [
        (data.first3, [0.0096644916879683, 0.007865059671309264, 0.9935889804970555, 0.992119573219358]),
        (data.opposites, [0.0050511902219722545, 0.0050511902219722545, 0.9949490511491181, 0.9949490511491181]),
    ],
)
def test_one_node_learns_them_as_in_tutorial_004(table: Callable[[], data.Table], outputs: list[float]) -> None:
    """10000 steps of step 1; the tutorial prints the outputs of the last step, before its update."""
    X, Y = table()
    net = Network([X.shape[1], 1], init="symmetric_uniform", bias=False, seed=np.random.RandomState(1))
    net.train(X, Y, alpha=1, epochs=9999, reduction="sum")
    np.testing.assert_allclose(net.predict(X).ravel(), outputs, rtol=0, atol=1e-12)


def test_scores_scaled_as_tutorial_003_does() -> None:
    X, Y, query = data.scores()
    assert (X.tolist(), Y.tolist(), query.tolist()) == ([[3, 5], [5, 1], [10, 2]], [[75], [82], [93]], [[8, 3]])
    hours, percent = data.max_scaler(X), data.constant_scaler(100)
    assert hours.transform(X).tolist() == [[0.3, 1], [0.5, 0.2], [1, 0.4]]
    assert hours.transform(query).tolist() == [[0.8, 0.6]]
    assert percent.transform(Y).tolist() == [[0.75], [0.82], [0.93]]
    net = Network([2, 3, 1], init="normal_in_out", bias=False, seed=np.random.RandomState(0))
    cost = net.cost(hours.transform(X), percent.transform(Y), reduction="sum")
    assert cost == pytest.approx(0.05214963371099622, rel=1e-14)  # the series' own numbers, as in test_golden.py


def test_samples_in_columns_are_given_transposed() -> None:
    columns = np.random.default_rng(0).normal(size=(3, 5))
    net = Network([3, 2], seed=0)
    W, b = net.weights[0], net.biases[0]
    expected = 1 / (1 + np.exp(-(W @ columns + b[:, None])))  # tutorial 002: A = sigmoid(W X + b)
    np.testing.assert_allclose(net.predict(columns.T).T, expected, rtol=1e-14)


# -------------------------------------------------------------------------------------------------------- in parts

X, Y = np.arange(60.0).reshape(20, 3), np.arange(20)


@pytest.mark.parametrize(
    ("valid_size", "test_size", "counts"),
    [(0.2, 0.2, (12, 4, 4)), (0.1, 0.3, (12, 2, 6)), (0.01, 0.01, (18, 1, 1)), (0.15, 0.8, (1, 3, 16))],
)
@pytest.mark.parametrize("seed", [0, 2**32 - 1, np.random.RandomState(0), np.random.default_rng(0), None])
def test_three_parts(valid_size: float, test_size: float, counts: tuple[int, ...], seed: Any) -> None:
    parts = data.three_way_split(X, Y, valid_size=valid_size, test_size=test_size, seed=seed)
    assert tuple(map(len, parts[::2])) == tuple(map(len, parts[1::2])) == counts
    assert sorted(np.concatenate(parts[1::2]).tolist()) == list(range(20)), "each sample once"
    for rows, targets in zip(parts[::2], parts[1::2], strict=True):
        assert np.array_equal(rows, X[targets]), "rows and targets stay together"
        assert not np.shares_memory(rows, X)


def test_three_parts_by_the_share_of_mnist() -> None:
    parts = data.three_way_split(np.zeros((70000, 1)), np.zeros(70000), valid_size=1 / 7, test_size=1 / 7, seed=0)
    assert [len(y) for y in parts[1::2]] == [50000, 10000, 10000]


def test_three_parts_repeat_and_have_the_test_part_of_two() -> None:
    first, again, other = (data.three_way_split(X, Y, test_size=0.3, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(*pair) for pair in zip(first, again, strict=True))
    assert not np.array_equal(first.y_test, other.y_test)
    two = data.split(X, Y, test_size=0.3, seed=1)
    assert np.array_equal(first.y_test, two.y_test)
    train, valid = sklearn.model_selection.train_test_split(two.y_train, test_size=4, random_state=1)
    assert (first.y_train.tolist(), first.y_valid.tolist()) == (train.tolist(), valid.tolist())
    one, same = (data.three_way_split(X, Y, seed=np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.y_valid, same.y_valid), "a Generator repeats"


BAD_PARTS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "valid_size 0": ({"valid_size": 0}, ValueError, "valid_size: expected a number above 0"),
    "valid_size 1": ({"valid_size": 1.0}, ValueError, "valid_size: expected a share below 1"),
    "valid_size '0.2'": ({"valid_size": "0.2"}, TypeError, "valid_size: expected a number"),
    "test_size nan": ({"test_size": np.nan}, ValueError, "test_size: expected a finite"),
    "nothing left": ({"valid_size": 0.5, "test_size": 0.5}, ValueError, r"test_size \+ valid_size: .*got 1 of 20"),
    "more than all": ({"valid_size": 0.9, "test_size": 0.5}, ValueError, r"test_size \+ valid_size: .*got 1.4 of 20"),
    "nothing left by rounding": ({"valid_size": 0.49, "test_size": 0.49}, ValueError, "test_size .*got 0.98 of 20"),
    "two samples": ({"X": [[1], [2]], "y": [0, 1]}, ValueError, "X: expected at least three samples"),
    "y shorter": ({"y": [0, 1]}, ValueError, "y: expected as many entries"),
    "seed -1": ({"seed": -1}, ValueError, "seed: expected"),
    "seed beyond 32 bits": ({"seed": 2**32}, ValueError, "seed: expected"),
}


@pytest.mark.parametrize("bad", BAD_PARTS)
def test_bad_parts(bad: str) -> None:
    given, error, words = BAD_PARTS[bad]
    random = np.random.default_rng(0)
    with pytest.raises(error, match=f"^{words}"):
        data.three_way_split(**({"X": X, "y": Y, "seed": random} | given))
    assert random.random() == np.random.default_rng(0).random(), "a refused call draws no random numbers"


# --------------------------------------------------------------------------------------------------------- scaling


def test_scaling_by_the_largest_of_a_column() -> None:
    values = np.array([[1.0, -8.0, 0.0], [4.0, 2.0, 0.0]])
    values.flags.writeable = False
    scaler = data.max_scaler(values)
    assert scaler.transform(values).tolist() == [[0.25, -1, 0], [1, 0.25, 0]]
    assert scaler.scale_.tolist() == [4, 8, 1]
    random = np.random.default_rng(0).normal(size=(7, 3))
    np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(random)), random, rtol=1e-15)
    assert isinstance(scaler, sklearn.preprocessing.MaxAbsScaler)


@pytest.mark.parametrize("given", [[[75, 82], [93, 100]], [75, 82], 75, pd.DataFrame({"a": [75, 82]})], ids=str)
def test_scaling_by_a_constant(given: Any) -> None:
    before = np.array(given).tolist()
    scaler = data.constant_scaler(100)
    scaled = scaler.transform(given)
    assert scaled.tolist() == (np.array(given) / 100).tolist()
    np.testing.assert_allclose(scaler.inverse_transform(scaled), np.array(given), rtol=1e-15)
    assert np.array(given).tolist() == before


def test_scaling_by_a_constant_as_part_of_scikit_learn() -> None:
    scaler = data.constant_scaler(16)
    assert pickle.loads(pickle.dumps(scaler)).transform([[8]]).tolist() == [[0.5]]
    assert copy.deepcopy(scaler).inverse_transform([[0.5]]).tolist() == [[8]]
    steps = sklearn.pipeline.make_pipeline(scaler, sklearn.preprocessing.StandardScaler())
    images = data.digits().X
    np.testing.assert_allclose(steps.fit_transform(images), data.standard_scaler(images).transform(images), atol=1e-9)


@pytest.mark.parametrize("bad", [0, -1, np.nan, np.inf, "100", None, True, [100]], ids=str)
def test_bad_constants(bad: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="^constant: expected"):
        data.constant_scaler(bad)


@pytest.mark.parametrize("bad", [[1.0, 2.0], np.zeros((0, 3)), [[np.nan]], [["a"]], None], ids=str)
def test_bad_columns(bad: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=r"^X: expected"):
        data.max_scaler(bad)
    scaler = data.constant_scaler(2)
    with pytest.raises(TypeError, match="^X: expected"):
        scaler.transform([["a"]])


# ---------------------------------------------------------------------------------------- random pictures, and text


def test_random_images() -> None:
    images = data.random_images(50, seed=3)
    assert images.shape == (50, 784)
    assert images.dtype == np.float64
    assert images.min() >= 0
    assert images.max() < 1
    assert images.mean() == pytest.approx(0.5, abs=6 / np.sqrt(12 * images.size))
    assert images.var() == pytest.approx(1 / 12, abs=6 / np.sqrt(180 * images.size))
    assert np.array_equal(images, np.random.default_rng(3).random((50, 784)))
    assert np.array_equal(data.random_images(2, 3, seed=np.random.RandomState(3)), np.random.RandomState(3).rand(2, 3))
    assert not np.array_equal(data.random_images(1), data.random_images(1))
    assert data.random_images(0).shape == (0, 784)


@pytest.mark.parametrize(
    ("given", "error", "argument"),
    [
        ((-1,), ValueError, "m"),
        ((2.0,), TypeError, "m"),
        ((2, 0), ValueError, "n"),
        ((2, 3, "1"), TypeError, "seed"),
        ((10**12, 10**12), ValueError, "m, n"),
        ((10**30, 2), ValueError, "m, n"),
    ],
    ids=str,
)
def test_bad_random_images(given: tuple[Any, ...], error: type[Exception], argument: str) -> None:
    with pytest.raises(error, match=f"^{argument}: expected"):
        data.random_images(*given[:2], seed=given[2] if len(given) > 2 else 0)


def test_letters() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    assert np.array_equal(data.letter_one_hot(letters), np.eye(26))
    assert np.array_equal(data.letter_one_hot(letters.upper()), np.eye(26))
    assert [letters[i] for i in data.from_one_hot(data.letter_one_hot("Samenet"))] == list("samenet")
    assert data.letter_one_hot("").shape == (0, 26)


@pytest.mark.parametrize("bad", ["a b", "\u00e9", "1", "\u0130", "\u212a", b"ab", ["a"], None], ids=ascii)
def test_what_is_no_letter(bad: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="^text: expected letters.* got "):
        data.letter_one_hot(bad)


def test_words() -> None:
    texts = ["Buy, BUY and buy: a free prize!", "I see you; you see a buyer.", ""]
    vocabulary = ["free", "buy", "You", "a", "pill"]
    counts = data.word_counts(texts, vocabulary)
    assert counts.tolist() == [[1, 3, 0, 1, 0], [0, 0, 2, 1, 0], [0, 0, 0, 0, 0]]
    assert counts.dtype == np.float64
    assert vocabulary[2] == "You"
    assert np.array_equal(data.word_counts(np.array(texts), tuple(vocabulary)), counts)
    assert np.array_equal(data.word_counts(pd.Series(texts), pd.Series(vocabulary)), counts)
    assert data.word_counts([], ["free"]).shape == (0, 1)


@pytest.mark.parametrize(
    ("texts", "vocabulary", "words"),
    [
        ("a b", ["a"], "texts: expected a list of str, got 'a b'"),
        ([1], ["a"], r"texts\[0\]: expected str, got 1"),
        (["a", b"b"], ["a"], r"texts\[1\]: expected str"),
        (None, ["a"], "texts: expected a list"),
        (["a"], "a", "vocabulary: expected a list"),
        (["a"], {"a"}, "vocabulary: expected a list"),
        (["a"], [], "vocabulary: expected at least one word"),
        (["a"], ["a", None], r"vocabulary\[1\]: expected str"),
        (["a"], ["a b"], r"vocabulary\[0\]: expected a single word, got 'a b'"),
        (["a"], ["a", ""], r"vocabulary\[1\]: expected a single word"),
        (["a"], ["a", "b", "A"], r"vocabulary\[2\]: expected words that differ, got 'a' again"),
    ],
)
def test_bad_words(texts: Any, vocabulary: Any, words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{words}"):
        data.word_counts(texts, vocabulary)
