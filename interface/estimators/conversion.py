"""Conversion of scikit-learn's own estimators, and back."""

import inspect
from typing import Any, TypeVar

import numpy as np
from sklearn import neural_network
from sklearn.utils.validation import check_is_fitted

from samenet.backends import backend as find_backend
from samenet.estimators.settings import ACTIVATIONS, Settings
from samenet.validation import checks

E = TypeVar("E")

# Attributes of a fitted estimator that mean the same in both; some solvers do not set all of them.
_SAME = (
    *("n_layers_", "n_outputs_", "out_activation_", "n_features_in_", "feature_names_in_", "n_iter_", "t_", "loss_"),
    *("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_", "_no_improvement_count"),
    *("classes_", "_label_binarizer"),
)
_THEIRS = {name: name for name in ("identity", "tanh", "relu")} | {"sigmoid": "logistic", "logistic": "logistic"}


def _parameters(cls: type) -> set[str]:
    return set(inspect.signature(cls).parameters)


def from_sklearn(cls: type[E], estimator: Any, **others: Any) -> E:
    """An estimator of class `cls` from a fitted one of scikit-learn, with the same weights and records.

    The optimizer's state is not copied: `partial_fit` starts with a new one.
    Raises TypeError for anything but an estimator of the same kind, ValueError for a Poisson loss.
    """
    kind = getattr(neural_network, cls.__name__)
    if not isinstance(estimator, kind):
        raise TypeError(f"estimator: expected a sklearn.neural_network.{cls.__name__}, got {checks.short(estimator)}")
    check_is_fitted(estimator, "coefs_")
    given = estimator.get_params(deep=False)
    if given.get("loss", "squared_error") != "squared_error":
        raise ValueError(f"estimator: expected loss='squared_error', got {given['loss']!r}")
    ours: Any = cls(**{name: value for name, value in given.items() if name in _parameters(cls)} | others)
    settings = Settings.of(ours)
    ours._begin_records()
    for name in _SAME:
        if hasattr(estimator, name):
            value = getattr(estimator, name)
            setattr(ours, name, list(value) if isinstance(value, list) else value)
    sizes = (*(W.shape[0] for W in estimator.coefs_), estimator.coefs_[-1].shape[1])
    dtype = settings.dtype or estimator.coefs_[0].dtype
    weights = [W.T for W in estimator.coefs_]
    backend = find_backend(settings.backend)
    ours.network_ = ours._network(backend, settings, sizes, dtype, weights, estimator.intercepts_)
    if ours.validation_scores_ is not None:
        ours.validation_loss_curve_, ours._best = [], ours.network_.parameters.copy()
    return ours  # type: ignore[no-any-return]


def to_sklearn(estimator: Any) -> Any:
    """This estimator as scikit-learn's own, fitted if this one is.

    Raises ValueError for features that scikit-learn lacks: hidden layers with different activations, and dropout.
    """
    cls = getattr(neural_network, type(estimator).__name__)
    settings = Settings.of(estimator)
    if len(set(settings.activations)) > 1:
        raise ValueError(
            f"activation: expected the same for all hidden layers, got {checks.short(estimator.activation)}, which "
            "scikit-learn's own does not have"
        )
    given = {name: value for name, value in estimator.get_params(deep=False).items() if name in _parameters(cls)}
    given["activation"] = _THEIRS[settings.activations[0]] if settings.activations else _name(estimator.activation)
    theirs = cls(**given)
    if hasattr(estimator, "network_"):
        for name in _SAME:
            if hasattr(estimator, name):
                value = getattr(estimator, name)
                setattr(theirs, name, list(value) if isinstance(value, list) else value)
        theirs.coefs_ = [np.array(W, order="C") for W in estimator.coefs_]
        theirs.intercepts_ = [b.copy() for b in estimator.intercepts_]
        theirs._best_coefs = [W.copy() for W in theirs.coefs_]
        theirs._best_intercepts = [b.copy() for b in theirs.intercepts_]
    return theirs


def _name(activation: Any) -> str:
    """The activation of a network without hidden layers, which nothing uses."""
    return _THEIRS[checks.choice("activation", activation, ACTIVATIONS)] if isinstance(activation, str) else "relu"
