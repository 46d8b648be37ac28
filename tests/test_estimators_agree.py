"""With the same random_state, the estimators make scikit-learn's steps, up to rounding, on every backend."""

import inspect
import warnings
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning

import samenet
from samenet.estimators import steps
from samenet.estimators.settings import Settings
from samenet.model import Model
from samenet.optimizers import Momentum

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ON_NUMPY = True  # what is given no backend

# NumPy runs every line of the estimators; the others take longer without the JIT, and under coverage.
NAMES = [n if n == "numpy" else pytest.param(n, marks=pytest.mark.compiled) for n in samenet.backends()]
RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(47, 5))
SCORE = X @ RANDOM.normal(size=(5, 3)) + 0.3 * RANDOM.normal(size=(47, 3))
TARGETS: dict[str, Any] = {
    "two classes": np.where(SCORE[:, 0] > 0, "yes", "no"),
    "three classes": np.array([30, 10, 20])[SCORE.argmax(axis=1)],
    "several labels": (SCORE > 0).astype(int),
    "one number": SCORE[:, 0],
    "three numbers": SCORE,
}
SMALL: dict[str, Any] = {"hidden_layer_sizes": (7, 4), "batch_size": 10, "max_iter": 6, "random_state": 5, "tol": 0.0}


def both(kind: str, name: str, **settings: Any) -> tuple[Any, Any]:
    """Ours and theirs, not yet fitted."""
    cls = "MLPRegressor" if "number" in kind else "MLPClassifier"
    settings = SMALL | settings
    return getattr(samenet, cls)(backend=name, **settings), getattr(neural_network, cls)(**settings)


def fitted(kind: str, name: str, **settings: Any) -> tuple[Any, Any]:
    ours, theirs = both(kind, name, **settings)
    return ours.fit(X, TARGETS[kind]), theirs.fit(X, TARGETS[kind])


def agree(ours: Any, theirs: Any, rtol: float = 1e-9) -> None:
    """Assert that all common attributes are equal up to rounding."""
    assert len(ours.coefs_) == len(theirs.coefs_)
    parts = zip([*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True)
    for mine, other in parts:
        assert mine.shape == other.shape
        np.testing.assert_allclose(mine, other, rtol=rtol, atol=rtol)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("loss_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"):
        if not hasattr(theirs, name):
            continue
        expected = getattr(theirs, name)
        if expected is None:
            assert getattr(ours, name) is None, name
        else:
            np.testing.assert_allclose(getattr(ours, name), expected, rtol=rtol, atol=rtol, err_msg=name)
    mine, other = ours.predict(X), theirs.predict(X)
    assert (mine.shape, mine.dtype) == (other.shape, other.dtype)
    if hasattr(theirs, "predict_proba"):
        assert (mine == other).all()
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=rtol, atol=rtol)
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), rtol=rtol, atol=1e-6)
        assert np.array_equal(ours.classes_, theirs.classes_)
    else:
        np.testing.assert_allclose(mine, other, rtol=rtol, atol=10 * rtol)


def comparable(kind: str, solver: str) -> bool:
    """Not for several regression targets with "lbfgs", where scikit-learn's gradient is not that of its cost."""
    return (kind, solver) != ("three numbers", "lbfgs")


@pytest.mark.parametrize(
    ("kind", "solver"),
    [(kind, solver) for kind in TARGETS for solver in ("adam", "sgd", "lbfgs") if comparable(kind, solver)],
)
@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_target(name: str, kind: str, solver: str) -> None:
    agree(*fitted(kind, name, solver=solver, learning_rate_init=0.01), rtol=1e-7 if solver == "lbfgs" else 1e-9)


OPTIONS: dict[str, dict[str, Any]] = {
    "a large penalty": {"alpha": 3.0},
    "no penalty": {"alpha": 0.0},
    "plain descent": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.7},
    "Nesterov's momentum": {"solver": "sgd", "momentum": 0.95},
    "inverse scaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5, "power_t": 0.3},
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "tol": 0.05,
        "n_iter_no_change": 2,
        "max_iter": 80,
        "learning_rate_init": 0.1,
    },
    "a small adaptive rate": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "tol": 0.5,
        "n_iter_no_change": 1,
        "max_iter": 80,
        "learning_rate_init": 1e-4,
    },
    "a large epsilon": {"epsilon": 0.1},
    "other betas": {"beta_1": 0.5, "beta_2": 0.7},
    "no means": {"beta_1": 0.0, "beta_2": 0.0, "epsilon": 1e-3},
    "logistic": {"activation": "logistic"},
    "tanh": {"activation": "tanh"},
    "identity": {"activation": "identity"},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "no hidden layer, logistic": {"hidden_layer_sizes": (), "activation": "logistic"},
    "one hidden layer": {"hidden_layer_sizes": 6},
    "no shuffling": {"shuffle": False},
    "batches without a rest": {"batch_size": 47},
    "online": {"batch_size": 1, "max_iter": 2},
    "automatic batches": {"batch_size": "auto"},
    "the end by the loss": {"tol": 0.05, "n_iter_no_change": 2, "max_iter": 60},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "early stopping that stops": {
        "early_stopping": True,
        "validation_fraction": 0.3,
        "n_iter_no_change": 2,
        "max_iter": 60,
        "tol": 0.01,
        "learning_rate_init": 0.02,
    },
    "lbfgs with few evaluations": {"solver": "lbfgs", "max_fun": 4, "max_iter": 20},
    "a small network": {"hidden_layer_sizes": (2,)},
}


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        (kind, option)
        for kind in ("two classes", "one number", "three numbers", "several labels")
        for option, settings in OPTIONS.items()
        if comparable(kind, settings.get("solver", "adam"))
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_every_option(name: str, kind: str, option: str) -> None:
    agree(*fitted(kind, name, **OPTIONS[option]), rtol=1e-8)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_float32(name: str, kind: str, solver: str) -> None:
    ours, theirs = both(kind, name, solver=solver, max_iter=3)
    y = TARGETS[kind].astype(np.float32) if "number" in kind else TARGETS[kind]
    ours.fit(X.astype(np.float32), y)
    theirs.fit(X.astype(np.float32), y)
    assert ours.network_.dtype == ours.coefs_[0].dtype == np.float32
    for mine, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_partial_fit_keeps_the_state_of_the_optimizer(name: str, kind: str, solver: str) -> None:
    ours, theirs = both(kind, name, solver=solver, learning_rate="invscaling", learning_rate_init=0.05)
    given = {} if "number" in kind else {"classes": np.unique(TARGETS[kind])}
    if kind == "several labels":
        given = {"classes": [0, 1, 2]}
    for call in range(5):
        rows = slice(0, 30) if call % 2 else slice(10, 47)
        for estimator in (ours, theirs):
            estimator.partial_fit(X[rows], TARGETS[kind][rows], **given)
        given = {}
    agree(ours, theirs)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("name", NAMES)
def test_warm_start_and_then_partial_fit(name: str, solver: str) -> None:
    settings: dict[str, Any] = {"learning_rate": "invscaling", "learning_rate_init": 0.05, "warm_start": True}
    for kind in ("three classes", "one number"):
        ours, theirs = both(kind, name, solver=solver, **settings)
        for rows in (slice(0, 40), slice(5, 47), slice(0, 47)):
            ours.fit(X[rows], TARGETS[kind][rows])
            theirs.fit(X[rows], TARGETS[kind][rows])
        agree(ours, theirs, rtol=1e-6 if solver == "lbfgs" else 1e-9)
        if solver != "lbfgs":
            ours.partial_fit(X, TARGETS[kind])
            theirs.partial_fit(X, TARGETS[kind])
            agree(ours, theirs)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_warm_start_with_early_stopping_keeps_the_best_weights(solver: str) -> None:
    given = {
        "early_stopping": True,
        "tol": 1e-3,
        "warm_start": True,
        "n_iter_no_change": 3,
        "max_iter": 30,
        "learning_rate_init": 0.1,
    }
    ours, theirs = both("two classes", "numpy", solver=solver, **given)
    ours.fit(X, TARGETS["two classes"])
    theirs.fit(X, TARGETS["two classes"])
    agree(ours, theirs)
    assert ours.stopped_by_ == "validation score"
    best, kept = ours.best_validation_score_, [W.copy() for W in ours.coefs_]
    for _ in range(2):  # each one epoch without a better score, as the count goes on
        ours.fit(X, TARGETS["two classes"])
        theirs.fit(X, TARGETS["two classes"])
        assert (
            (ours.n_iter_, ours.best_validation_score_) == (theirs.n_iter_, theirs.best_validation_score_) == (1, best)
        )
        assert all(map(np.array_equal, ours.coefs_, kept))
    assert not all(map(np.allclose, theirs.coefs_, kept)), "theirs are those of the last epoch"


def test_after_a_very_long_time_adam_corrects_no_bias() -> None:
    ours, theirs = fitted("two classes", "numpy", hidden_layer_sizes=(2,), batch_size=1, max_iter=30, beta_2=0.5)
    assert 0.5**ours._memory.t == 0.0
    agree(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_regression_of_several_numbers_by_lbfgs_ends_at_a_minimum(name: str) -> None:
    ours, _ = both("three numbers", name, solver="lbfgs", hidden_layer_sizes=(), max_iter=500, tol=1e-9, alpha=1.5)
    ours.fit(X, SCORE)
    # The ridge regression: X with a column of ones, whose weight is not penalised.
    A = np.c_[X, np.ones(len(X))]
    W = np.linalg.solve(A.T @ A + 1.5 * np.diag([1.0] * 5 + [0.0]), A.T @ SCORE)
    np.testing.assert_allclose(ours.coefs_[0], W[:5], atol=1e-4)
    np.testing.assert_allclose(ours.intercepts_[0], W[5], atol=1e-4)
    residual = SCORE - ours.predict(X)
    assert ours.loss_ == pytest.approx((residual**2).mean() / 2 + 1.5 * (ours.coefs_[0] ** 2).sum() / 2 / len(X))


def test_the_same_warning_when_epochs_run_out() -> None:
    for kind in ("two classes", "one number"):
        for estimator in both(kind, "numpy"):
            with pytest.warns(ConvergenceWarning, match="Maximum iterations \\(6\\) reached"):
                estimator.fit(X, TARGETS[kind])
            with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge after 2 iteration"):
                estimator.set_params(solver="lbfgs", max_iter=2).fit(X, TARGETS[kind])
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                estimator.set_params(solver="adam", max_iter=50, tol=1e9).fit(X, TARGETS[kind])
            assert estimator.n_iter_ == 12


def _no_corrections(self: Any, updates: int) -> np.ndarray:
    return np.full(updates, self.rate)


def _same_penalty(init: Any) -> Any:
    def changed(self: Any, *given: Any) -> None:
        init(self, *given)
        self.last = self.whole

    return changed


def _larger(with_penalty: Any) -> Any:
    return lambda self, l2: with_penalty(self, 1.01 * l2)


MUTANTS: dict[str, tuple[Any, str, Any, dict[str, Any]]] = {
    "corrected twice": (steps, "_LATE", 0, {}),
    "not corrected": (steps.Steps, "_rates", _no_corrections, {}),
    "the last batch as the others": (steps.Steps, "__init__", _same_penalty(steps.Steps.__init__), {"alpha": 1.0}),
    "another penalty": (Model, "with_penalty", _larger(Model.with_penalty), {"alpha": 1.0}),
    "other weights": (Settings, "initial_factors", lambda self: (6.0,) * 3, {"activation": "logistic"}),
    "the sum of outputs": (steps, "shown", lambda cost, penalty, outputs: cost, {"solver": "sgd"}),
    "momentum at another place": (steps, "Nesterov", Momentum, {"solver": "sgd"}),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mistake_is_noticed(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, value, settings = MUTANTS[mutant]
    agree(*fitted("three numbers", "numpy", **settings))
    monkeypatch.setattr(where, name, value)
    with pytest.raises(AssertionError):
        agree(*fitted("three numbers", "numpy", **settings))


# ------------------------------------------------------------------------------------------------ weights of samples

OWN = np.random.default_rng(11)
WEIGHTS = OWN.lognormal(0, 1, 47) * (OWN.random(47) < 0.8)
takes_weights = pytest.mark.skipif(
    "sample_weight" not in inspect.signature(neural_network.MLPClassifier.fit).parameters,
    reason="scikit-learn's own take weights from 1.7 on",
)


@takes_weights
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_weights_of_samples(name: str, kind: str) -> None:
    """Batches with different penalties, without penalties, and all samples at once; and one weight for all."""
    for settings in (
        {"solver": "adam", "alpha": 3.0, "learning_rate_init": 0.01},
        {"solver": "adam", "alpha": 0.0},
        {"solver": "sgd", "alpha": 0.3, "batch_size": 47},
        {"solver": "lbfgs", "alpha": 0.3, "activation": "tanh"},
    ):
        if not comparable(kind, settings["solver"]):
            continue
        for weights in (WEIGHTS, 2.5 * np.ones(47)):
            ours, theirs = (
                model.fit(X, TARGETS[kind], sample_weight=weights) for model in both(kind, name, **settings)
            )
            agree(ours, theirs, rtol=1e-7 if settings["solver"] == "lbfgs" else 1e-9)
            y = TARGETS[kind]
            assert ours.score(X, y, sample_weight=WEIGHTS) == pytest.approx(theirs.score(X, y, sample_weight=WEIGHTS))


@takes_weights
@pytest.mark.parametrize("kind", ["two classes", "three numbers"])
@pytest.mark.parametrize("name", NAMES)
def test_weights_of_samples_that_are_held_out(name: str, kind: str) -> None:
    settings: dict[str, Any] = {"early_stopping": True, "validation_fraction": 0.3, "learning_rate_init": 0.03}
    agree(*(model.fit(X, TARGETS[kind], sample_weight=WEIGHTS) for model in both(kind, name, **settings)))


@takes_weights
@pytest.mark.parametrize("kind", ["three classes", "one number"])
@pytest.mark.parametrize("name", NAMES)
def test_weights_of_samples_in_partial_fits(name: str, kind: str) -> None:
    ours, theirs = both(kind, name)
    given = {"classes": np.unique(TARGETS[kind])} if kind == "three classes" else {}
    for rows in (slice(0, 20), slice(15, 47)):
        for model in (ours, theirs):
            model.partial_fit(X[rows], TARGETS[kind][rows], sample_weight=WEIGHTS[rows], **given)
    agree(ours, theirs)


@takes_weights
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_weights_of_sparse_samples(solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks of a few rows, one of which has weight 0."""
    monkeypatch.setattr("samenet.estimators.samples.MOST_DENSE", 50)
    weights = WEIGHTS.copy()
    weights[10:20] = 0
    ours, theirs = both("three classes", "numpy", solver=solver, activation="tanh", alpha=0.5)
    sparse = csr_matrix(X)
    agree(
        *(model.fit(sparse, TARGETS["three classes"], sample_weight=weights) for model in (ours, theirs)),
        rtol=1e-7,
    )
