"""The estimators within scikit-learn: its checks and tools, data of every kind, attributes and errors."""

import functools
import inspect
import io
import pickle
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from children import printed
from sklearn import neural_network
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelBinarizer, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import samenet
from samenet import MLPClassifier, MLPRegressor
from samenet.estimators import descent, samples

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ON_NUMPY = True  # what is given no backend

# NumPy runs every line of the estimators; the others take longer without the JIT, and under coverage.
NAMES = [n if n == "numpy" else pytest.param(n, marks=pytest.mark.compiled) for n in samenet.backends()]
RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(40, 4))
SCORE = X @ RANDOM.normal(size=(4, 3))
THREE = np.array(["red", "green", "blue"])[SCORE.argmax(axis=1)]
TWO = SCORE[:, 0] > 0
SMALL: dict[str, Any] = {
    "hidden_layer_sizes": (6,),
    "max_iter": 8,
    "random_state": 0,
    "batch_size": 16,
    "learning_rate_init": 0.02,
}


def classifier(name: str = "numpy", **settings: Any) -> Any:
    return MLPClassifier(**{**SMALL, "backend": name, **settings})


def regressor(name: str = "numpy", **settings: Any) -> Any:
    return MLPRegressor(**{**SMALL, "backend": name, **settings})


# ----------------------------------------------------------------------------------------- scikit-learn's own checks


@functools.cache
def checked(module: Any, kind: str, epochs: int, **more: Any) -> dict[str, str]:
    """The outcome of each of scikit-learn's checks."""
    estimator = getattr(module, kind)(hidden_layer_sizes=(8,), max_iter=epochs, learning_rate_init=0.02, **more)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    found: dict[str, str] = {}
    for result in results:
        # Some checks run twice, on other data: one that failed once has failed.
        found[result["check_name"]] = min(found.get(result["check_name"], "~"), str(result["status"]))
    return found


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize("name", NAMES)
def test_no_check_fails_that_theirs_passes(name: str, kind: str) -> None:
    """The loops train for fewer epochs; `test_estimators_agree` checks that they give the same results as the
    others."""
    epochs = 10 if name == "reference" else 60
    theirs, ours = checked(neural_network, kind, epochs), checked(samenet, kind, epochs, backend=name)
    assert len(ours) > 40
    failed = {check for check, status in ours.items() if status == "failed"}
    assert not {check for check in failed if theirs.get(check, "passed") == "passed"}
    page = (Path(__file__).parent.parent / "docs" / "estimators.md").read_text("utf-8")
    if f"scikit-learn {sklearn.__version__}, " in page and epochs == 60:  # the table there is of this version
        rows = [[cell.strip(" `") for cell in row.split("|")[1:-1]] for row in page.splitlines() if "| `check_" in row]
        first = 1 if kind == "MLPClassifier" else 3
        for found, column in ((theirs, first), (ours, first + 1)):
            assert {row[0]: row[column] for row in rows if row[column].isalpha()} == found
    assert not set(theirs) - set(ours)


WITHOUT = """
import sys
sys.modules["sklearn"] = None  # as if it were not installed
import samenet
try:
    samenet.MLPClassifier
except ImportError as error:
    print(error)
"""


def test_without_scikit_learn_the_error_says_how_to_get_it() -> None:
    assert printed(WITHOUT).strip() == 'this needs scikit-learn; install it with: pip install "samenet[estimators]"'


# ------------------------------------------------------------------------------------------------- tools around them


@pytest.mark.parametrize("name", NAMES)
def test_in_a_pipeline_with_data_frames(name: str) -> None:
    frame = pd.DataFrame(X, columns=list("abcd"))
    steps = make_pipeline(StandardScaler(), classifier(name, max_iter=40)).set_output(transform="pandas")
    steps.fit(frame, pd.Series(THREE, name="colour"))
    last = steps[-1]
    assert list(last.feature_names_in_) == list("abcd")
    assert last.classes_.tolist() == ["blue", "green", "red"]
    assert steps.score(frame, THREE) > 0.8
    with pytest.raises(ValueError, match="feature names"):
        steps.predict(frame.rename(columns={"a": "z"}))


@pytest.mark.compiled
@pytest.mark.parametrize("name", samenet.backends())
def test_a_grid_in_processes(name: str) -> None:
    grid = {"alpha": [1e-4, 1e-2], "hidden_layer_sizes": [(3,), (4, 3)], "activation": ["relu", ["tanh", "relu"]]}
    settings = {"max_iter": 3, "hidden_layer_sizes": (4, 3)}
    del grid["hidden_layer_sizes"]
    search = GridSearchCV(classifier(name, **settings), grid, cv=2, n_jobs=2).fit(X, TWO)
    alone = GridSearchCV(classifier(name, **settings), grid, cv=2).fit(X, TWO)
    assert search.best_params_ == alone.best_params_
    assert np.array_equal(search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
    assert np.array_equal(search.predict_proba(X), alone.predict_proba(X))
    assert len(cross_val_score(regressor(name), X, SCORE, cv=2)) == 2


def test_the_two_have_the_same_parameters_but_for_weights_of_classes() -> None:
    """scikit-learn and type checkers read them from each `__init__`, so they are written out in both."""
    ours = dict(inspect.signature(MLPClassifier.__init__).parameters)
    assert ours.pop("class_weight").default is None
    assert list(ours.values()) == list(inspect.signature(MLPRegressor.__init__).parameters.values())
    given = {name: object() for name in ours if name != "self"}
    assert MLPClassifier(**given).get_params() == given | {"class_weight": None}


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize("name", NAMES)
def test_cloned_pickled_and_copied(name: str, make: Any) -> None:
    y = THREE if make is classifier else SCORE
    model = make(name, early_stopping=True, dropout=0.2).partial_fit(*(X, y), **_classes(make, y))
    bare = clone(model)
    assert bare.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        bare.predict(X)
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    for copied in (pickle.loads(pickle.dumps(model)), joblib.load(file)):
        assert np.array_equal(copied.predict(X), model.predict(X))
        assert copied.coefs_[0].base is not None
        assert np.shares_memory(copied.coefs_[0], copied.network_.parameters)
        for _ in range(3):
            copied.partial_fit(X, y)
        expected = pickle.loads(pickle.dumps(model))
        for _ in range(3):
            expected = pickle.loads(pickle.dumps(expected.partial_fit(X, y)))
        assert np.array_equal(copied.network_.parameters, expected.network_.parameters)


def _classes(make: Any, y: Any) -> dict[str, Any]:
    return {"classes": np.unique(y)} if make is classifier else {}


# ------------------------------------------------------------------------------------------------------- their input


@pytest.mark.parametrize("labels", ["strings", "bools", "numbers", "objects", "category", "list"])
@pytest.mark.parametrize("name", NAMES)
def test_labels_of_every_kind(name: str, labels: str) -> None:
    y: Any = {
        "strings": np.where(TWO, "yes", "no"),
        "bools": TWO,
        "numbers": np.where(TWO, 7.0, -3.0),
        "objects": np.where(TWO, "b", "a").astype(object),
        "category": pd.Series(THREE, dtype="category"),
        "list": THREE.tolist(),
    }[labels]
    model = classifier(name, max_iter=60).fit(X, y)
    predicted = model.predict(X)
    assert (predicted == np.asarray(y)).mean() > 0.8
    assert model.score(X, y) == (predicted == np.asarray(y)).mean()
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (40, len(set(np.asarray(y).tolist())))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (model.classes_[probabilities.argmax(axis=1)] == predicted).all()
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), probabilities)


@pytest.mark.parametrize("name", NAMES)
def test_several_labels_and_several_numbers(name: str) -> None:
    labels = (SCORE > 0).astype(int)
    model = classifier(name, max_iter=60).fit(X, labels)
    assert model.predict(X).shape == model.predict_proba(X).shape == (40, 3)
    assert model.score(X, labels) == (model.predict(X) == labels).all(axis=1).mean() > 0.6
    of_sparse = classifier(name, max_iter=60).fit(X, scipy.sparse.csr_matrix(labels))
    assert np.array_equal(of_sparse.predict(X).toarray(), model.predict(X)), "sparse as theirs are"
    numbers = regressor(name, max_iter=300).fit(X, SCORE)
    assert numbers.predict(X).shape == (40, 3)
    assert numbers.score(X, SCORE) > 0.8
    with pytest.warns(DataConversionWarning):
        column = regressor(name).fit(X, SCORE[:, :1])
    assert np.array_equal(column.predict(X), regressor(name).fit(X, SCORE[:, 0]).predict(X))


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "coo_array", "csr_array"])
@pytest.mark.parametrize("name", NAMES)
def test_sparse_samples_are_never_dense_as_a_whole(
    name: str, kind: str, solver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dense = X * (np.random.default_rng(2).random(X.shape) < 0.5)
    sparse = getattr(scipy.sparse, kind)(dense)
    settings: dict[str, Any] = {"solver": solver, "batch_size": 6, "early_stopping": solver == "adam"}
    largest, rows = [], samples.Samples.rows

    def watched(self: Any, chosen: Any) -> Any:
        found = rows(self, chosen)
        largest.append(found.size if self.is_sparse else 0)
        return found

    monkeypatch.setattr(samples.Samples, "rows", watched)
    for make, y in ((classifier, THREE), (regressor, SCORE[:, 0])):
        expected = make(name, **settings).fit(dense, y)
        for most in (1, 50, 1 << 20):
            monkeypatch.setattr(samples, "MOST_DENSE", most)
            largest.clear()
            model = make(name, **settings).fit(sparse, y)
            np.testing.assert_allclose(model.network_.parameters, expected.network_.parameters, rtol=1e-9, atol=1e-9)
            mine, other = model.predict(sparse), expected.predict(dense)
            assert (mine == other).all() if make is classifier else np.allclose(mine, other, rtol=1e-9)
            assert max(largest) <= max(most, 6 * 4)


@pytest.mark.parametrize("name", NAMES)
def test_dtypes_and_layouts(name: str) -> None:
    single = classifier(name).fit(X.astype(np.float32), TWO)
    assert single.network_.dtype == np.float32
    assert single.predict_proba(X).dtype == np.float32
    assert classifier(name, dtype=np.float64).fit(X.astype(np.float32), TWO).network_.dtype == np.float64
    assert classifier(name, dtype="float32").fit(X, TWO).network_.dtype == np.float32
    expected = classifier(name).fit(X, TWO).predict_proba(X)
    frozen = X.copy()
    frozen.flags.writeable = False
    for given in (X.tolist(), np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2], frozen, pd.DataFrame(X.copy())):
        assert np.array_equal(classifier(name).fit(given, TWO).predict_proba(given), expected)
    whole = np.round(4 * X).astype(np.int8)
    assert classifier(name).fit(whole, TWO).network_.dtype == np.float64
    single.partial_fit(X, TWO)
    assert single.network_.dtype == np.float32


@pytest.mark.compiled
def test_threads_change_no_bit() -> None:
    many = np.random.default_rng(0).normal(size=(3000, 30))
    y = many[:, 0] > 0
    found = [classifier("numba", threads=n, batch_size=1500, hidden_layer_sizes=(50,)).fit(many, y) for n in (1, 2)]
    assert [model.network_.threads for model in found] == [1, 2]
    assert np.array_equal(*(model.network_.parameters for model in found))


# -------------------------------------------------------------------------------------- what is recorded, what ends it


@pytest.mark.parametrize("dtype", [None, "float32"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_strict_floating_point_settings_of_the_caller_do_not_matter(solver: str, dtype: Any) -> None:
    """numpy.seterr(all="raise") is for the caller's own code, also near the limits of numbers."""
    given, tiny = X * [1e-300, 1e-20, 1.0, 1e3], X * 1e-300
    early = {"early_stopping": solver == "adam", "learning_rate_init": 1e-3}

    def answers() -> list[Any]:
        one, other = classifier(solver=solver, dtype=dtype, **early), regressor(solver=solver, dtype=dtype, **early)
        one.set_params(class_weight="balanced").fit(given, TWO, sample_weight=[1e-300, 1.0, 2.0, 1.0] * 10)
        other.fit(given, np.where(TWO, 1e10, -1e10), sample_weight=[1e-300, 1.0, 2.0, 1.0] * 10)
        found = [one.predict_log_proba(given), other.predict(given), other.predict(tiny)]
        return [one.loss_, *(answer.tolist() for answer in found)]

    expected = answers()
    with np.errstate(all="raise"):
        assert answers() == expected


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_targets_beyond_float32_are_refused(solver: str) -> None:
    model, y = regressor(solver=solver, dtype="float32"), SCORE[:, 0].copy()
    y[3] = 1e300
    for targets in (y, np.stack([SCORE[:, 1], y], axis=1)):
        with pytest.raises(ValueError, match=r"y: expected finite numbers, got inf at y\[3.*as float32"):
            model.fit(X, targets)
    assert not hasattr(model, "network_")
    model.fit(X, y.clip(-3, 3))


@pytest.mark.parametrize("name", NAMES)
def test_early_stopping_keeps_the_best_weights(name: str) -> None:
    for make, y in ((classifier, THREE), (regressor, SCORE), (classifier, (SCORE > 0).astype(int))):
        seen: list[Any] = []
        settings = {"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 3, "max_iter": 60}
        model = make(name, **settings, callbacks=lambda m, seen=seen: seen.append(m.network_.parameters.copy()))
        model.fit(X, y)
        scores = model.validation_scores_
        assert len(scores) == len(model.loss_curve_) == len(model.validation_loss_curve_) == len(seen) == model.n_iter_
        assert model.best_validation_score_ == max(scores)
        assert np.array_equal(model.network_.parameters, seen[int(np.argmax(scores))])
        assert model.stopped_by_ == ("validation score" if model.n_iter_ < 60 else None)


def held_out(make: Any, y: Any, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> tuple[Any, Any]:
    """A fitted model, and the samples and targets that it held out."""
    kept, run = [], descent.Fit.run

    def watched(self: Any) -> None:
        kept.append(self.held[:2])
        run(self)

    monkeypatch.setattr(descent.Fit, "run", watched)
    return make(early_stopping=True, **settings).fit(X, y), kept[0]


@pytest.mark.parametrize("name", NAMES)
def test_the_curve_of_the_validation_loss(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for make, y in ((classifier, THREE), (classifier, TWO), (regressor, SCORE)):
        model, (kept, Y) = held_out(lambda make=make, **s: make(name, max_iter=1, **s), y, monkeypatch)
        output = model.network_.predict(kept.X)
        if make is regressor:
            expected = ((Y - output) ** 2).mean() / 2
        elif Y.shape[1] == 1:
            expected = -(Y * np.log(output) + (1 - Y) * np.log(1 - output)).mean()
        else:
            expected = -(Y * np.log(output)).sum(axis=1).mean()
        assert model.validation_loss_curve_ == pytest.approx([expected])


def test_splits_are_stratified(monkeypatch: pytest.MonkeyPatch) -> None:
    y = np.repeat(["a", "b", "c"], [24, 12, 4])
    for seed in range(5):
        settings = {"validation_fraction": 0.25, "random_state": seed}
        _, (_, Y) = held_out(lambda **s: classifier(**s), y, monkeypatch, **settings)
        assert Y.sum(axis=0).tolist() == [6, 3, 1]
        _, (_, Y) = held_out(lambda **s: classifier(**s), np.repeat([0, 1], [32, 8]), monkeypatch, **settings)
        assert Y.sum() == 2
    rare = np.repeat(["a", "b", "c"], [20, 19, 1])  # one sample of a class cannot be in both parts
    _, (_, Y) = held_out(lambda **s: classifier(**s), rare, monkeypatch)
    assert len(Y) == 4


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("name", NAMES)
def test_callbacks(name: str, solver: str) -> None:
    seen: list[tuple[int, int]] = []

    def watch(model: Any) -> None:
        seen.append((model.n_iter_, len(model.loss_curve_)))
        model.predict(X)
        if model.n_iter_ == 3:
            raise samenet.StopTraining("enough")

    model = classifier(name, solver=solver, callbacks=[watch, lambda m: None]).fit(X, TWO)
    assert seen == [(1, 1), (2, 2), (3, 3)]
    assert model.stopped_by_ == "callback: enough"
    assert model.n_iter_ == 3
    plain = classifier(name, solver=solver, max_iter=3).fit(X, TWO)
    assert np.array_equal(plain.network_.parameters, model.network_.parameters)
    assert plain.stopped_by_ is None


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_ctrl_c_keeps_what_was_learned(solver: str) -> None:
    def press(model: Any) -> None:
        if model.n_iter_ == 2:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model = classifier(solver=solver, callbacks=press).fit(X, TWO)
    assert model.stopped_by_ == "interrupt"
    assert np.array_equal(
        model.network_.parameters, classifier(solver=solver, max_iter=2).fit(X, TWO).network_.parameters
    )


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize("name", NAMES)
def test_partial_fit_with_early_stopping(name: str, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, run = [], descent.Fit.run

    def watched(self: Any) -> None:
        kept.append(self.held[0].X)
        run(self)
        weights.append(self.model.theta.flat.copy())

    monkeypatch.setattr(descent.Fit, "run", watched)
    y, weights = THREE if make is classifier else SCORE, list[Any]()
    stream = np.random.RandomState(3)
    model = make(name, early_stopping=True, validation_fraction=0.3, n_iter_no_change=2, random_state=stream)
    given = _classes(make, y)
    while getattr(model, "stopped_by_", None) is None:
        model.partial_fit(X, y, **given)
        assert len(kept) < 200
    assert model.stopped_by_ == "validation score"
    assert all(np.array_equal(part, kept[0]) for part in kept), "no sample is held out now and trained on then"
    assert len(model.validation_scores_) == len(model.loss_curve_) == len(kept)
    best = int(np.argmax(model.validation_scores_))
    assert np.array_equal(model.network_.parameters, weights[best])
    model.partial_fit(X, y)
    assert model.stopped_by_ is None


@pytest.mark.parametrize("name", NAMES)
def test_dropout(name: str) -> None:
    settings: dict[str, Any] = {"hidden_layer_sizes": (30, 20), "dropout": [0.5, 0.2], "shuffle": False}
    model = classifier(name, max_iter=2, **settings).fit(X, THREE)
    parts = classifier(name, **settings).partial_fit(X, THREE, classes=np.unique(THREE)).partial_fit(X, THREE)
    assert np.array_equal(model.network_.parameters, parts.network_.parameters), "masks go on where they ended"
    plain = classifier(name, max_iter=2, **(settings | {"dropout": 0.0})).fit(X, THREE)
    assert not np.allclose(model.network_.parameters, plain.network_.parameters)
    assert classifier(name, max_iter=60, **settings).fit(X, THREE).score(X, THREE) > 0.8
    assert np.array_equal(model.predict_proba(X), model.predict_proba(X))


def test_backends_draw_the_same_masks() -> None:
    found = [
        classifier(name, dropout=0.5, hidden_layer_sizes=(20,)).fit(X, THREE).network_.parameters
        for name in ("reference", "numpy")
    ]
    np.testing.assert_allclose(*found, rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_an_activation_for_each_layer(name: str) -> None:
    model = classifier(name, hidden_layer_sizes=(5, 4, 3), activation=["tanh", "sigmoid", "relu"]).fit(X, THREE)
    assert model.network_.activations == ("tanh", "sigmoid", "relu", "softmax")
    same = classifier(name, hidden_layer_sizes=(5, 4), activation=["logistic", "sigmoid"]).fit(X, THREE)
    one = classifier(name, hidden_layer_sizes=(5, 4), activation="logistic").fit(X, THREE)
    assert np.array_equal(same.network_.parameters, one.network_.parameters)


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    settings = {"early_stopping": True, "verbose": True, "n_iter_no_change": 1, "tol": 1.0, "max_iter": 5}
    for make in (lambda **s: classifier(**s), lambda **s: neural_network.MLPClassifier(**{**SMALL, **s})):
        make(**settings).fit(X, TWO)
        make(**settings | {"early_stopping": False, "solver": "sgd", "learning_rate": "adaptive"}).fit(X, TWO)
        shown.append(capsys.readouterr().out.splitlines())
    assert shown[0] == shown[1]
    assert any("Setting learning rate to" in line for line in shown[0])


# -------------------------------------------------------------------------------------------- to and from scikit-learn


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("kind", ["two", "three", "several", "number", "numbers"])
@pytest.mark.parametrize("name", NAMES)
def test_there_and_back(name: str, kind: str, solver: str) -> None:
    y = {"two": TWO, "three": THREE, "several": (SCORE > 0).astype(int), "number": SCORE[:, 0], "numbers": SCORE}[kind]
    cls = MLPRegressor if "number" in kind else MLPClassifier
    settings: dict[str, Any] = {**SMALL, "solver": solver, "activation": "logistic", "hidden_layer_sizes": (6, 5)}
    theirs = getattr(neural_network, cls.__name__)(**settings).fit(X, y)
    ours = cls.from_sklearn(theirs, backend=name)
    assert ours.backend == name
    back = cls(**settings, backend=name).fit(X, y).to_sklearn()
    again = cls.from_sklearn(back, backend=name)
    for a, b in ((theirs, ours), (back, again), (theirs, ours.to_sklearn())):
        assert a.get_params().items() >= {k: v for k, v in b.get_params().items() if k in a.get_params()}.items()
        if cls is MLPClassifier:
            assert np.array_equal(a.predict(X), b.predict(X))
            np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), rtol=0, atol=1e-12)
        else:
            np.testing.assert_allclose(a.predict(X), b.predict(X), rtol=1e-12, atol=1e-12)
        assert a.n_iter_ == b.n_iter_
        assert a.loss_ == b.loss_
    if solver == "adam":
        ours.partial_fit(X, y)
        back.partial_fit(X, y)


def test_what_scikit_learn_cannot_be() -> None:
    with pytest.raises(ValueError, match=r"activation: expected the same for all hidden layers"):
        classifier(activation=["relu", "tanh"], hidden_layer_sizes=(3, 3)).to_sklearn()
    assert classifier().to_sklearn().get_params()["alpha"] == 0.0001
    with pytest.raises(TypeError, match=r"estimator: expected a sklearn.neural_network.MLPRegressor, got"):
        MLPRegressor.from_sklearn(neural_network.MLPClassifier())
    with pytest.raises(NotFittedError):
        MLPClassifier.from_sklearn(neural_network.MLPClassifier())
    theirs = neural_network.MLPRegressor(max_iter=2).fit(X, SCORE[:, 0])
    if "loss" in theirs.get_params():
        with pytest.raises(ValueError, match="loss='squared_error'"):
            MLPRegressor.from_sklearn(theirs.set_params(loss="poisson"))


def test_weights_can_be_set() -> None:
    model = classifier().fit(X, THREE)
    other = classifier(random_state=9).fit(X, THREE)
    model.coefs_, model.intercepts_ = other.coefs_, other.intercepts_
    assert np.array_equal(model.predict_proba(X), other.predict_proba(X))
    model.coefs_[0][0, 0] = 7.0
    assert model.network_.weights[0][0, 0] == 7.0
    with pytest.raises(ValueError, match=r"coefs_: expected shapes \[\(4, 6\), \(6, 3\)\], got \[\(4, 6\)\]"):
        model.coefs_ = other.coefs_[:1]
    with pytest.raises(ValueError, match=r"intercepts_: expected shapes"):
        model.intercepts_ = [[0.0]]


# ------------------------------------------------------------------------------------------------------- what is wrong

WRONG: list[tuple[str, Any, type[Exception]]] = [
    ("hidden_layer_sizes", (3, 0), ValueError),
    ("hidden_layer_sizes", -1, ValueError),
    ("hidden_layer_sizes", (3, 2.5), TypeError),
    ("hidden_layer_sizes", "10", TypeError),
    ("activation", "rleu", ValueError),
    ("activation", "softmax", ValueError),
    ("activation", ["relu", "tanh"], ValueError),
    ("solver", "adamw", ValueError),
    ("solver", None, TypeError),
    ("alpha", -1e-4, ValueError),
    ("alpha", float("nan"), ValueError),
    ("batch_size", 0, ValueError),
    ("batch_size", "all", ValueError),
    ("batch_size", 2.0, TypeError),
    ("learning_rate", "linear", ValueError),
    ("learning_rate_init", 0.0, ValueError),
    ("power_t", -1, ValueError),
    ("max_iter", 0, ValueError),
    ("shuffle", 1, TypeError),
    ("tol", -1.0, ValueError),
    ("verbose", "yes", TypeError),
    ("warm_start", None, TypeError),
    ("momentum", 1.0, ValueError),
    ("nesterovs_momentum", "no", TypeError),
    ("early_stopping", 2, TypeError),
    ("validation_fraction", 1.0, ValueError),
    ("beta_1", 1.0, ValueError),
    ("beta_2", -0.1, ValueError),
    ("epsilon", 0.0, ValueError),
    ("n_iter_no_change", 0, ValueError),
    ("n_iter_no_change", float("nan"), TypeError),
    ("max_fun", 0, ValueError),
    ("backend", "theano", ValueError),
    ("dtype", np.float16, ValueError),
    ("threads", 0, ValueError),
    ("dropout", 1.0, ValueError),
    ("dropout", [0.1, 0.1], ValueError),
    ("callbacks", 3, TypeError),
    ("callbacks", [3], TypeError),
]


@pytest.mark.parametrize(("name", "value", "error"), WRONG, ids=lambda value: str(value))
def test_wrong_parameters_are_named_and_nothing_is_changed(name: str, value: Any, error: type[Exception]) -> None:
    for make, y in ((classifier, THREE), (regressor, SCORE)):
        fresh = make(**{name: value})
        with pytest.raises(error, match=rf"^{name}(\[\d\])?: expected") as caught:
            fresh.fit(X, y)
        assert caught.type is error
        assert not [attribute for attribute in vars(fresh) if attribute.endswith("_")]
        model = make().fit(X, y)
        before = pickle.dumps(model)
        with pytest.raises(error, match=rf"^{name}"):
            model.set_params(**{name: value}).fit(X, y)
        assert pickle.dumps(model.set_params(**{name: make().get_params()[name]})) == before


@pytest.mark.parametrize("name", NAMES)
def test_failing_calls_change_nothing(name: str) -> None:
    def fail(model: Any) -> None:
        raise RuntimeError("mine")

    huge = np.full_like(X, 1e200)
    for make, y in ((classifier, THREE), (regressor, SCORE)):
        model = make(name, warm_start=True, early_stopping=True).fit(X, y)
        before = pickle.dumps(model)
        bad: list[tuple[Any, Any, str]] = [
            (X[:, :3], y, "features"),
            (X[:5], y, "inconsistent numbers of samples"),
            (np.where(np.eye(40, 4) > 0, np.nan, X), y, "NaN"),
            (X[:3], y[:3], "validation_fraction: expected a part of at least 2 of 3 samples|warm_start can only"),
            (X.astype(complex), y, "Complex data"),
            (X[0], y, "2D"),
        ]
        for samples_, targets, message in bad:
            for call in (model.fit, model.partial_fit):
                with pytest.raises(ValueError, match=message):
                    call(samples_, targets)
                assert pickle.dumps(model) == before
        with pytest.raises(RuntimeError, match="mine"):
            model.set_params(callbacks=fail).partial_fit(X, y)
        model.set_params(callbacks=None)
        assert pickle.dumps(model) == before
        with pytest.raises(ValueError, match=r"hidden_layer_sizes: expected \(6,\) and 3 outputs"):
            model.set_params(hidden_layer_sizes=(5,)).fit(X, y)
        model.set_params(hidden_layer_sizes=(6,))
        assert pickle.dumps(model) == before
    numbers = regressor(name, solver="sgd", learning_rate_init=10.0, warm_start=True).set_params(max_iter=1)
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        numbers.set_params(max_iter=50).fit(huge, SCORE)
    assert not hasattr(numbers, "network_")


@pytest.mark.parametrize("make", [classifier, regressor])
def test_masked_entries_are_refused(make: Any) -> None:
    y = TWO.astype(float)
    masked, fitted = np.ma.masked_greater(X, 1), make().fit(X, y)
    assert (make().fit(np.ma.array(X), y).predict(X) == fitted.predict(X)).all()  # nothing is masked
    for call in (
        lambda: make().fit(masked, y),
        lambda: make().fit(X, np.ma.masked_equal(y, 1)),
        lambda: fitted.partial_fit(masked, y),
        lambda: fitted.predict(masked),
        lambda: fitted.score(masked, y),
        lambda: make().fit(X, y, np.ma.masked_equal(y, 1)),
    ):
        with pytest.raises(ValueError, match="^(X|y|sample_weight): expected numbers only, got a masked array with"):
            call()


def test_wrong_labels() -> None:
    model = classifier()
    with pytest.raises(ValueError, match="classes: they must be passed on the first call to partial_fit"):
        model.partial_fit(X, THREE)
    assert not hasattr(model, "classes_")
    with pytest.raises(ValueError, match="`y` has classes not in"):
        model.partial_fit(X, THREE, classes=["red", "green", "yellow"])
    assert not hasattr(model, "classes_")
    model.partial_fit(X, THREE, classes=["red", "green", "blue", "black"])
    assert model.predict_proba(X).shape == (40, 4)
    with pytest.raises(ValueError, match="classes: expected those of earlier calls"):
        model.partial_fit(X, THREE, classes=["red", "green"])
    warm = classifier(warm_start=True).fit(X, THREE)
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same classes"):
        warm.fit(X, TWO)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        classifier().fit(X, SCORE[:, 0])


LABELS: dict[str, Any] = {
    "texts": np.array(["red", "green", "blue", "a longer one"]),
    "integers": np.array([-3, 0, 7, 2**40]),
    "unsigned": np.array([3, 9, 1], np.uint8),
    "two": np.array([1, -1]),
    "flags": np.array([True, False]),
    "one": np.array([5]),
}


@pytest.mark.without_jit
@pytest.mark.parametrize("name", LABELS)
def test_known_labels_become_the_targets_that_scikit_learn_makes(name: str) -> None:
    labels, model = LABELS[name], classifier("numpy")
    y = labels[np.random.default_rng(0).integers(0, len(labels), 9)]
    model._label_binarizer = LabelBinarizer().fit(labels)
    model.classes_ = model._label_binarizer.classes_
    for given in (y, y[:1]):
        found = model._of_known(given)
        expected = model._label_binarizer.transform(given)
        assert np.array_equal(found, expected)
        assert found.dtype == expected.dtype
    unknown = {"U": "grey", "i": 99, "u": 200, "b": None}[y.dtype.kind]
    if unknown is not None:
        for place in (0, 8):
            wrong = y.copy()
            wrong[place] = unknown
            assert model._of_known(wrong) is None
    assert model._of_known(y.astype(object)) is None
    assert model._of_known(y.reshape(-1, 1)) is None


def test_partial_fit_is_there_for_solvers_that_take_steps() -> None:
    for make in (classifier, regressor):
        assert hasattr(make(solver="sgd"), "partial_fit")
        assert not hasattr(make(solver="lbfgs"), "partial_fit")
        with pytest.raises(ValueError, match=r"dropout: expected 0 for solver='lbfgs', got 0\.2"):
            make(solver="lbfgs", dropout=0.2).fit(X, TWO)


def test_an_infinite_patience() -> None:
    with pytest.warns(ConvergenceWarning):
        model = classifier(n_iter_no_change=np.inf, tol=1e9, max_iter=30).fit(X, TWO)
    assert model.n_iter_ == 30


def test_a_random_state_is_continued() -> None:
    stream = np.random.RandomState(4)
    first, second = (classifier(random_state=stream).fit(X, TWO) for _ in range(2))
    assert not np.array_equal(first.network_.parameters, second.network_.parameters)
    again = classifier(random_state=np.random.RandomState(4)).fit(X, TWO)
    assert np.array_equal(first.network_.parameters, again.network_.parameters)
    with pytest.raises(ValueError, match="seed"):
        classifier(random_state="four").fit(X, TWO)


# ------------------------------------------------------------------------------------------------ weights of samples


MISSING: dict[str, Any] = {
    "None": np.array(["a", None] * 2, object),
    "NaN": np.array(["a", np.nan] * 2, object),
    "NaT": np.array([pd.Timestamp(0), pd.NaT] * 2, object),
    "texts": pd.Series(["a", None] * 2, dtype="string"),
    "categories": pd.Series(["a", None] * 2, dtype="category"),
    "integers": np.array([1, pd.NA] * 2, object),
}


@pytest.mark.without_jit
@pytest.mark.parametrize("kind", MISSING)
def test_missing_labels_are_refused_by_name(kind: str) -> None:
    x, y, known = np.zeros((4, 2)), MISSING[kind], ["a", "b"]
    fitted = classifier().partial_fit(x, known * 2, classes=known)
    theta = fitted.network_.parameters.tobytes()
    for call, name in (
        (lambda: classifier().fit(x, y), "y"),
        (lambda: regressor().fit(x, y), "y"),
        (lambda: classifier().partial_fit(x, y, classes=known), "y"),
        (lambda: classifier().partial_fit(x, known * 2, classes=y), "classes"),
        (lambda: fitted.partial_fit(x, y), "y"),
        (lambda: fitted.partial_fit(x, known * 2, classes=y), "classes"),
    ):
        with pytest.raises(ValueError, match=f"^{name}: expected no missing values, got (None|nan|NaT|<NA>)$"):
            call()
    assert fitted.network_.parameters.tobytes() == theta


@pytest.mark.without_jit
@pytest.mark.parametrize("classes", ["ab", 5, [], {"a", "b"}, [["a"], ["b"]], [0.5, np.nan], iter("ab"), [b"a", b"b"]])
def test_classes_that_are_no_labels_are_refused_by_name(classes: Any) -> None:
    x, y, known = np.zeros((4, 2)), ["a", "b"] * 2, ["a", "b"]
    for model in (classifier(), classifier().partial_fit(x, y, classes=known)):
        with pytest.raises((TypeError, ValueError), match="^classes: expected (labels|those of earlier calls), "):
            model.partial_fit(x, y, classes=classes)


@pytest.mark.without_jit
@pytest.mark.parametrize(
    "y",
    [
        np.array(["2020", "2021"] * 2, "M8[D]"),
        np.array([1, 2] * 2, "m8[s]"),
        np.array(["1", "2"] * 2),
        np.array([1, "a"] * 2, object),
        scipy.sparse.csr_array(np.eye(4)),
        [[1], [1, 2]] * 2,
    ],
    ids=lambda y: getattr(getattr(y, "dtype", None), "name", "ragged"),
)
def test_targets_that_are_no_numbers_are_refused_by_name(y: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="^y: expected (real numbers|an array of numbers|rows of equal)"):
        regressor().fit(np.zeros((4, 2)), y)


@pytest.mark.parametrize("labels", [["a", 1], [1, "a", 2, 3]])
def test_labels_that_cannot_be_sorted_are_refused_by_name(labels: list[Any]) -> None:
    x, y = np.zeros((4, 2)), np.array((labels * 2)[:4], object)
    for call, name in (
        (lambda: classifier().fit(x, y), "y"),
        (lambda: classifier().partial_fit(x, y, classes=["a", "b"]), "y"),
        (lambda: classifier().partial_fit(x, ["a", "b"] * 2, classes=y), "classes"),
    ):
        with pytest.raises(TypeError, match=f"^{name}: expected labels of one kind, got array"):
            call()


def test_class_weights_are_weights_of_samples() -> None:
    w = np.random.default_rng(1).random(40)
    for y, given, factors in (
        (THREE, {"red": 2, "blue": 0.5}, {"red": 2.0, "blue": 0.5, "green": 1.0}),
        (TWO, {True: 3}, {True: 3.0, False: 1.0}),
        (TWO, {np.True_: 3.0, np.False_: 1}, {True: 3.0, False: 1.0}),
    ):
        each = np.array([factors[label] for label in y.tolist()])
        for weights, expected in ((None, each), (w, w * each)):
            models = [classifier(class_weight=given), classifier()]
            models[0].fit(X, y, sample_weight=weights)
            models[1].fit(X, y, sample_weight=expected)
            assert np.array_equal(models[0].network_.parameters, models[1].network_.parameters)
    balanced = classifier(class_weight="balanced").fit(X, THREE)
    counts = {label: (label == THREE).sum() for label in np.unique(THREE)}
    each = np.array([40 / (3 * counts[label]) for label in THREE])
    assert np.array_equal(
        balanced.network_.parameters, classifier().fit(X, THREE, sample_weight=each).network_.parameters
    )
    repeated = np.random.default_rng(2).integers(0, 4, 40)
    rows = np.arange(40).repeat(repeated)
    settings: dict[str, Any] = {"class_weight": "balanced", "batch_size": 200}
    one = classifier(**settings).fit(X, THREE, sample_weight=repeated)
    other = classifier(**settings).fit(X[rows], THREE[rows])
    np.testing.assert_allclose(one.network_.parameters, other.network_.parameters, rtol=1e-9)


def test_class_weights_find_a_rare_class() -> None:
    y = np.where(SCORE[:, 0] > 1.5 * SCORE[:, 0].std(), "rare", "common")
    x = X + np.random.default_rng(0).normal(size=X.shape)  # noise, so that no network is right about all
    found = {}
    for given in (None, "balanced"):
        model = classifier(class_weight=given, max_iter=300, hidden_layer_sizes=(), solver="lbfgs").fit(x, y)
        found[given] = (model.predict(x) == "rare").sum()
    assert found["balanced"] > found[None]


def test_class_weights_are_a_parameter() -> None:
    model = classifier(class_weight={"red": 2})
    assert clone(model).get_params()["class_weight"] == {"red": 2}
    assert "class_weight" not in regressor().get_params()
    assert "class_weight={'red': 2}" in repr(model)
    assert model.fit(X, THREE).to_sklearn().predict(X).tolist() == model.predict(X).tolist()
    with pytest.raises(TypeError, match="clas_weight"):
        MLPClassifier(clas_weight="balanced")
    with pytest.raises(TypeError, match="class_weight"):
        MLPRegressor(class_weight="balanced")
    model = classifier(class_weight={"red": 2}).partial_fit(X, THREE, classes=np.unique(THREE))
    weights = np.where(THREE == "red", 2.0, 1.0)
    other = classifier().partial_fit(X, THREE, weights, np.unique(THREE))
    assert np.array_equal(model.network_.parameters, other.network_.parameters)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("balance", ValueError, "class_weight: expected one of 'balanced', got 'balance'; did you mean 'balanced'"),
        (3, TypeError, "class_weight: expected None, 'balanced' or a dictionary .*, got 3"),
        ([1, 2, 3], TypeError, "class_weight: expected None, 'balanced' or a dictionary"),
        ({"rad": 2, "blue": 1}, ValueError, r"class_weight: expected weights of \['blue', .*, got one of 'rad'"),
        ({"red": -1}, ValueError, r"class_weight\['red'\]: expected a number of at least 0, got -1"),
        ({"red": "2"}, TypeError, r"class_weight\['red'\]: expected a number, got '2'"),
        ({"red": np.nan}, ValueError, r"class_weight\['red'\]: expected a finite number"),
        ({"red": 0, "green": 0, "blue": 0}, ValueError, "sample_weight: expected at least one weight that is not zero"),
    ],
    ids=str,
)
def test_class_weights_that_make_no_sense(given: Any, error: Any, message: str) -> None:
    model = classifier().fit(X, THREE)
    before = model.network_.parameters.copy()
    with pytest.raises(error, match=message):
        model.set_params(class_weight=given).fit(X, THREE)
    assert np.array_equal(model.network_.parameters, before)


def test_weights_of_1_change_no_bit() -> None:
    expected = classifier().fit(X, THREE).network_
    for weights in (np.ones(40), 1, np.float32(1)):
        assert classifier().fit(X, THREE, sample_weight=weights).network_ == expected
    with pytest.raises(ValueError, match="sample_weight: expected weights whose sum is finite"):
        classifier(class_weight={"red": 1e300}).fit(X, THREE, sample_weight=1e300)


def test_where_there_are_no_class_weights() -> None:
    with pytest.raises(ValueError, match="class_weight: expected None for samples with several labels, got 'balanced'"):
        classifier(class_weight="balanced").fit(X, (SCORE > 0).astype(int))
    with pytest.raises(ValueError, match="class_weight: expected None or a dictionary for partial_fit"):
        classifier(class_weight="balanced").partial_fit(X, THREE, classes=np.unique(THREE))


@pytest.mark.parametrize("make", [classifier, regressor])
def test_weights_that_make_no_sense(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    y = THREE if make is classifier else SCORE
    for weights, message in (
        (np.ones(39), r"expected shape \(40,\), one weight for each sample, got \(39,\)"),
        (np.ones((40, 1)), r"expected shape \(40,\).*use .ravel"),
        (np.full(40, -1.0), "expected weights of at least 0"),
        (np.full(40, np.nan), "expected finite numbers"),
        (np.full(40, 1e308), "expected weights whose sum is finite"),
        (0, "expected at least one weight that is not zero"),
    ):
        with pytest.raises(ValueError, match=f"^sample_weight: {message}"):
            make().fit(X, y, sample_weight=weights)
    parts = np.arange(28), np.arange(28, 40)
    monkeypatch.setattr(descent.Fit, "_split", lambda *_: parts)
    for place, part in ((1, "holds out"), (0, "leaves to train on")):
        weights = np.ones(40)
        weights[parts[place]] = 0
        with pytest.raises(ValueError, match=f"not zero among the samples that early_stopping {part}"):
            make(early_stopping=True).fit(X, y, sample_weight=weights)


def test_a_batch_of_no_weight_has_no_penalty_either() -> None:
    """The first of two batches changes nothing, so plain descent makes only one step."""
    settings: dict[str, Any] = {"solver": "sgd", "momentum": 0.0, "batch_size": 20, "shuffle": False, "max_iter": 1}
    weights = np.r_[np.zeros(20), np.ones(20)]
    first = regressor(alpha=2.0, **settings).fit(X, SCORE, sample_weight=weights)
    alone = regressor(alpha=2.0, **settings).fit(X[20:], SCORE[20:])
    np.testing.assert_allclose(first.network_.parameters, alone.network_.parameters, rtol=1e-12)
