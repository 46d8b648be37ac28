"""The classifier."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from samenet.estimators.base import Estimator, if_steps
from samenet.estimators.settings import Callback, HiddenActivation, Schedule, Settings, Solver
from samenet.estimators.targets import check_known, naming
from samenet.estimators.weights import Weights, of_classes
from samenet.validation import checks

Array = NDArray[Any]


class MLPClassifier(ClassifierMixin, Estimator):  # type: ignore[misc]
    """A network that classifies, as a scikit-learn estimator.

    It minimises the mean log loss over a batch of b samples, plus alpha / (2 b) sum W^2. The output layer is a softmax
    for more than two classes, one sigmoid for two classes, and a sigmoid for each label if samples have several.

    The parameters up to `max_fun` are those of `sklearn.neural_network.MLPClassifier`, with the same defaults and
    meaning. With the same `random_state`, weights, losses and predictions agree with scikit-learn's up to rounding,
    except that splits for `early_stopping` are stratified for more than two classes, too.

    hidden_layer_sizes   the number of nodes in each hidden layer, or one number
    activation           "identity", "logistic" (or "sigmoid"), "tanh" or "relu"; or a list, one for each hidden layer
    solver               "adam", "sgd" (with momentum), or "lbfgs" on all samples at once, see `estimators.steps`
    alpha                the penalty on weights
    batch_size           the samples of a step, at most m; "auto" is min(200, m)
    learning_rate        for "sgd": "constant"; "invscaling", learning_rate_init / (1 + t)^power_t after t samples; or
                         "adaptive", divided by 5 instead of ending, down to 1e-6
    learning_rate_init   the initial learning rate
    max_iter             the maximum number of epochs, or of iterations of "lbfgs"
    shuffle              whether each epoch visits the samples in a new order
    random_state         an int, a numpy.random.RandomState or None, for weights, splits, orders and dropout
    tol                  the smallest improvement that counts; for "lbfgs", it ends when no slope is larger than this
    n_iter_no_change     training ends after more epochs than this without an improvement of the loss, or, with
                         `early_stopping`, of the score; may be infinite
    verbose              whether to print the loss of every epoch
    warm_start           whether `fit` continues from the last call's weights
    momentum, nesterovs_momentum, power_t              for "sgd"
    beta_1, beta_2, epsilon                            for "adam"
    early_stopping       whether to hold out a part of the samples, stratified by class, of `validation_fraction` of
                         them, and to keep the weights of the best score on it
    max_fun              the maximum number of evaluations of "lbfgs"

    backend              "numba", "numpy" or "reference"
    dtype                numpy.float64 or numpy.float32; None for float32 where X is, else float64
    threads              see `samenet.network.Network`
    class_weight         None; "balanced", so that all classes have the same total weight; or a dictionary from labels
                         to weights, with 1 for those that it does not name. A sample's weight is multiplied by that of
                         its class, in training and for `early_stopping`, but not in `score`. Not for samples with
                         several labels
    dropout              the probability that a hidden node is dropped, one number or one for each hidden layer
    callbacks            a function of the estimator, or a list, called after every epoch; `samenet.StopTraining` raised
                         in it ends training

    Attributes of a fitted estimator, besides `n_features_in_` and `feature_names_in_`:

    classes_             the labels, sorted
    network_             the `Network`
    coefs_, intercepts_  for each layer its weights (n_in, n_out) and biases, views of the network's
    loss_, loss_curve_, best_loss_     the loss of the last epoch, of each, and the least
    validation_loss_curve_             with `early_stopping`: the mean log loss of the held-out samples after each epoch
    validation_scores_, best_validation_score_         and their scores
    n_iter_, t_          the epochs of the last call; the number of samples seen in all calls
    n_layers_, n_outputs_, out_activation_             the network's shape
    stopped_by_          what ended training: "training loss", "validation score", "callback", "interrupt", SciPy's
                         message, or None for `max_iter`

    >>> from samenet import MLPClassifier
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high"]
    >>> model = MLPClassifier((4,), solver="lbfgs", random_state=0, backend="numpy").fit(X, y)
    >>> model.predict([[0.5], [2.5]])
    array(['low', 'high'], dtype='<U4')
    """

    _is_classifier = True

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: HiddenActivation | Sequence[HiddenActivation] = "relu",
        *,
        solver: Solver = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: Schedule = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        backend: str = "numba",
        dtype: checks.DType | None = None,
        threads: int = 1,
        dropout: float | Sequence[float] = 0.0,
        callbacks: Callback | Sequence[Callback] | None = None,
        class_weight: Literal["balanced"] | Mapping[Any, float] | None = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes,
            activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
            backend=backend,
            dtype=dtype,
            threads=threads,
            dropout=dropout,
            callbacks=callbacks,
        )
        self.class_weight = class_weight

    @if_steps
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """As `Estimator.partial_fit`; classes: all labels that will ever occur, required in the first call."""
        known = getattr(self, "classes_", None)
        before = dict(vars(self))
        check_known("classes", classes)
        if known is None:
            check_known("y", y)
            with naming("y", y):
                several = type_of_target(y).startswith("multilabel")
            if classes is None and not several:
                raise ValueError("classes: they must be passed on the first call to partial_fit, got None")
            with naming("classes", classes):
                self._label_binarizer = LabelBinarizer().fit(y if several else unique_labels(classes))
            self.classes_ = self._label_binarizer.classes_
        elif classes is not None:
            with naming("classes", classes):
                is_same = np.array_equal(unique_labels(classes), known)
            if not is_same:
                raise ValueError(f"classes: expected those of earlier calls, {known}, got {checks.short(classes)}")
        try:
            return self._fit(X, y, sample_weight, once=True)
        except BaseException:
            self._restore(before)
            raise

    def predict(self, X: ArrayLike) -> Array:
        """The label of each sample, (m,); or (m, n_out), 1 where a sample has a label, if samples have several."""
        outputs, kind = self._outputs(X), self._label_binarizer.y_type_
        labels: Array  # for the usual kinds, `inverse_transform` returns the same and takes longer than the network
        if kind == "multiclass":
            labels = self.classes_.take(outputs.argmax(axis=1))
        elif kind == "binary" and len(self.classes_) == 2:
            labels = self.classes_.take(outputs.ravel() > 0.5)
        else:
            labels = self._label_binarizer.inverse_transform(outputs.ravel() if self.n_outputs_ == 1 else outputs)
        return labels

    def predict_proba(self, X: ArrayLike) -> Array:
        """The probability of each of `classes_`, (m, n_classes)."""
        outputs = self._outputs(X)
        return np.hstack([1 - outputs, outputs]) if self.n_outputs_ == 1 else outputs

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """The logarithm of `predict_proba`."""
        with np.errstate(all="ignore"):
            return np.log(self.predict_proba(X))

    def _targets(self, y: Array, settings: Settings, once: bool) -> Array:
        found = self._of_known(y) if once else None
        if found is not None:
            return found
        with naming("y", y):
            return self._binarized(y, settings, once)

    def _of_known(self, y: Array) -> Array | None:
        """As `_binarized`, for plain labels that are known; scikit-learn takes longer than training on few samples."""
        known, kind = self.classes_, self._label_binarizer.y_type_
        if y.ndim != 1 or not y.dtype.kind == known.dtype.kind in "biuU" or kind not in ("binary", "multiclass"):
            return None
        places = np.searchsorted(known, y)
        if not np.array_equal(known.take(places, mode="clip"), y):
            return None
        if kind == "binary":
            return places.reshape(-1, 1)
        targets = np.zeros((len(y), len(known)), int)
        targets[np.arange(len(y)), places] = 1
        return targets

    def _binarized(self, y: Array, settings: Settings, once: bool) -> Array:
        if not hasattr(self, "classes_") or not (settings.warm_start or once):
            check_classification_targets(y)
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            labels = unique_labels(y)
            if settings.warm_start and not once and set(labels) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                    f"Previously got {self.classes_}, `y` has {labels}"
                )
            if len(np.setdiff1d(labels, self.classes_)):
                raise ValueError(
                    f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {labels}."
                )
        targets: Array = self._label_binarizer.transform(y)
        return targets

    def _output(self) -> tuple[str, str]:
        if self._label_binarizer.y_type_ == "multiclass":
            return "softmax", "cross_entropy"
        return "sigmoid", "binary_cross_entropy"

    def _weighed(self, weights: Weights | None, Y: Array, once: bool) -> Weights | None:
        if self.class_weight is None:
            return weights
        given = checks.short(self.class_weight)
        classes = self._strata(Y)
        if classes is None:
            raise ValueError(f"class_weight: expected None for samples with several labels, got {given}")
        if once and isinstance(self.class_weight, str) and self.class_weight == "balanced":
            raise ValueError(
                "class_weight: expected None or a dictionary for partial_fit, which does not know how many samples of "
                "a class will come, got 'balanced'"
            )
        factors = of_classes(self.class_weight, self.classes_.tolist(), classes, weights)
        with np.errstate(all="ignore"):
            return factors if weights is None else factors * weights

    def _score_of(self, output: Array, Y: Array, weights: Weights | None) -> float:
        """The accuracy; a sample with several labels is correct if all its labels are."""
        right = ((output > 0.5) == (Y > 0.5)).all(axis=1)
        if self.out_activation_ == "softmax":
            right = output.argmax(axis=1) == Y.argmax(axis=1)
        return float(np.average(right, weights=weights))

    def _strata(self, Y: Array) -> NDArray[np.int64] | None:
        """The class of each sample, or None where samples have several labels."""
        if self._label_binarizer.y_type_.startswith("multilabel"):
            return None
        return Y[:, 0].astype(np.int64) if Y.shape[1] == 1 else Y.argmax(axis=1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
