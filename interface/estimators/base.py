"""The base of both estimators: their parameters, and the path from samples to a trained network."""

from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar, Literal, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from samenet.backends import backend as find_backend
from samenet.estimators import descent, lbfgs
from samenet.estimators.samples import Samples
from samenet.estimators.settings import Callback, HiddenActivation, Schedule, Settings, Solver
from samenet.estimators.targets import check_known, check_numbers
from samenet.estimators.weights import Weights, of_samples, some
from samenet.network import Network
from samenet.validation import arrays, checks

Array = NDArray[Any]
Method = TypeVar("Method")


def _takes_steps(estimator: Any) -> bool:
    if estimator.solver == "lbfgs":
        raise AttributeError(f"partial_fit: expected solver='adam' or 'sgd', got {estimator.solver!r}")
    return True


def if_steps(method: Method) -> Method:
    """A method that exists only if the solver takes steps: `partial_fit`."""
    return available_if(_takes_steps)(method)  # type: ignore[no-any-return]


class Estimator(BaseEstimator):  # type: ignore[misc]
    """The base of `MLPClassifier` and `MLPRegressor`; `samenet.estimators.classifier` documents the parameters."""

    _is_classifier: ClassVar[bool]
    network_: Network

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
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.backend = backend
        self.dtype = dtype
        self.threads = threads
        self.dropout = dropout
        self.callbacks = callbacks

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train from new weights, or with `warm_start` from those of the last call. Returns the estimator.

        X: (m, n_in), an array, a data frame or a SciPy sparse matrix; y: (m,) or (m, n_out). sample_weight: (m,), at
        least 0, or one number for all. The loss of a batch with weights w is the weighted mean, plus alpha / (2 sum w)
        sum W^2. The scores and losses of `early_stopping` are weighted, too. Raises ValueError or TypeError, naming the
        argument; then nothing is changed.
        """
        return self._fit(X, y, sample_weight, once=False)

    @if_steps
    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """One epoch over these samples, from the weights and the optimizer's state of the last call.

        With `early_stopping`, a part of the samples is held out in each call, always the same part of the same data,
        and the score on them is recorded. After `n_iter_no_change` calls without a better score, the best weights are
        restored, and `stopped_by_` is "validation score" after this call, a signal to end your loop. Returns the
        estimator.
        """
        return self._fit(X, y, sample_weight, once=True)

    def _fit(self, X: Any, y: Any, sample_weight: Any, once: bool) -> Self:
        settings, random = Settings.of(self), check_random_state(self.random_state)
        backend = find_backend(settings.backend)
        before = dict(vars(self))
        try:
            first = not hasattr(self, "network_") or not (settings.warm_start or once)
            dtype = settings.dtype or ([np.float64, np.float32] if first else self.network_.dtype)
            X, Y = self._validated(X, y, settings, dtype, first, once)
            weights = self._weighed(of_samples(sample_weight, len(Y)), Y, once)
            some(weights, slice(None), "when those of classes are multiplied in")
            if first:
                self._begin(backend, settings, X, Y, random)
            else:
                self._continue(backend, settings, X, Y)
            samples = Samples(X)
            if settings.solver == "lbfgs":
                lbfgs.minimize(self, settings, samples, Y, weights)
            else:
                descent.Fit(self, settings, samples, Y, weights, random, once).run()
        except BaseException:
            self._restore(before)
            raise
        return self

    def _restore(self, before: dict[str, Any]) -> None:
        """Restore the attributes from before a failed call."""
        self.__dict__.clear()
        self.__dict__.update(before)

    @np.errstate(all="ignore")
    def _validated(self, X: Any, y: Any, settings: Settings, dtype: Any, first: bool, once: bool) -> tuple[Any, Array]:
        """X, and the targets Y (m, n_out), of the network's dtype."""
        arrays.check_unmasked("X", X)  # scikit-learn ignores masks
        check_known("y", y)
        if not self._is_classifier:
            check_numbers("y", y)
        how: dict[str, Any] = {"accept_sparse": "csr", "dtype": dtype, "order": "C", "reset": first}
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=not self._is_classifier, **how)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        Y = arrays.finite("y", np.asarray(self._targets(y, settings, once), X.dtype))  # beyond the range of float32
        return X, np.ascontiguousarray(Y.reshape(len(Y), -1))

    def _begin(self, backend: Any, settings: Settings, X: Any, Y: Array, random: np.random.RandomState) -> None:
        """New weights, and empty records."""
        sizes = (X.shape[1], *settings.hidden, Y.shape[1])
        weights, biases = [], []
        for (n_in, n_out), factor in zip(pairwise(sizes), settings.initial_factors(), strict=True):
            bound = np.sqrt(factor / (n_in + n_out))
            weights.append(random.uniform(-bound, bound, (n_in, n_out)).T)
            biases.append(random.uniform(-bound, bound, n_out))
        self.network_ = self._network(backend, settings, sizes, X.dtype, weights, biases)
        self.n_layers_, self.n_outputs_ = len(sizes), Y.shape[1]
        self.out_activation_ = {"sigmoid": "logistic"}.get(self.network_.activations[-1], self.network_.activations[-1])
        self._begin_records()

    def _begin_records(self) -> None:
        self.n_iter_ = self.t_ = 0
        self.stopped_by_: str | None = None
        self.loss_ = np.inf
        self.loss_curve_: list[float] = []
        self.best_loss_: float | None = None
        self.validation_scores_: list[float] | None = None
        self.validation_loss_curve_: list[float] | None = None
        self.best_validation_score_: float | None = None
        self._memory = self._best = self._split_seed = self._dropout_key = None
        self._no_improvement_count = 0

    def _continue(self, backend: Any, settings: Settings, X: Any, Y: Array) -> None:
        """The weights and records of the last call, copied, so that they are kept if this call fails."""
        old = self.network_
        sizes = (X.shape[1], *settings.hidden, Y.shape[1])
        if old.sizes != sizes:
            raise ValueError(
                f"hidden_layer_sizes: expected {old.sizes[1:-1]} and {old.sizes[-1]} outputs to continue from the last "
                f"call, got {settings.hidden} and {Y.shape[1]}; use warm_start=False to start again"
            )
        self.network_ = self._network(backend, settings, sizes, X.dtype, old.weights, old.biases)
        for name in ("loss_curve_", "validation_scores_", "validation_loss_curve_"):
            if getattr(self, name) is not None:
                setattr(self, name, list(getattr(self, name)))

    def _network(
        self, backend: Any, settings: Settings, sizes: tuple[int, ...], dtype: Any, weights: Any, biases: Any
    ) -> Network:
        output, cost = self._output()
        return backend.Network(  # type: ignore[no-any-return]
            sizes,
            activation=[*settings.activations, output],
            cost=cost,
            dtype=dtype,
            threads=settings.threads,
            weights=weights,
            biases=biases,
        )

    @abstractmethod
    def _targets(self, y: Array, settings: Settings, once: bool) -> Array:
        """The targets of the network, (m,) or (m, n_out)."""

    @abstractmethod
    def _output(self) -> tuple[str, str]:
        """The activation of the output layer, and the cost."""

    @abstractmethod
    def _score_of(self, output: Array, Y: Array, weights: Weights | None) -> float:
        """The score of outputs for targets, both (m, n_out), with sample weights or None."""

    def _weighed(self, weights: Weights | None, Y: Array, once: bool) -> Weights | None:
        """The sample weights, times those of their classes."""
        return weights

    def _strata(self, Y: Array) -> NDArray[np.int64] | None:
        """The classes by which a split is stratified, or None."""
        return None

    @np.errstate(all="ignore")
    def _outputs(self, X: Any) -> Array:
        """The network's outputs (m, n_out) for a user's samples."""
        check_is_fitted(self)
        arrays.check_unmasked("X", X)
        X = validate_data(self, X, accept_sparse="csr", dtype=self.network_.dtype, order="C", reset=False)
        blocks = [self.network_.predict(rows) for _, rows in Samples(X).blocks()]
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    @property
    def coefs_(self) -> list[Array]:
        """The weights (n_in, n_out) of each layer after the first, views of `network_.weights`."""
        return [W.T for W in self.network_.weights]

    @coefs_.setter
    def coefs_(self, values: Any) -> None:
        _copy_into("coefs_", [W.T for W in self.network_.weights], values)

    @property
    def intercepts_(self) -> list[Array]:
        """The biases (n_out,) of each layer after the first, views of `network_.biases`."""
        return list(self.network_.biases)

    @intercepts_.setter
    def intercepts_(self, values: Any) -> None:
        _copy_into("intercepts_", self.network_.biases, values)

    def to_sklearn(self) -> Any:
        """This estimator, fitted or not, as scikit-learn's own, which predicts the same up to rounding."""
        from samenet.estimators.conversion import to_sklearn

        return to_sklearn(self)

    @classmethod
    def from_sklearn(cls, estimator: Any, **others: Any) -> Self:
        """An estimator of this class from a fitted one of scikit-learn; others: parameters such as `backend`."""
        from samenet.estimators.conversion import from_sklearn

        ours: Self = from_sklearn(cls, estimator, **others)
        return ours

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _copy_into(name: str, views: Sequence[Array], values: Any) -> None:
    given = checks.listed(name, values, "a list of arrays, one for each layer after the first")
    found = [np.asarray(value) for value in given]
    shapes, expected = [array.shape for array in found], [view.shape for view in views]
    if shapes != expected:
        raise ValueError(f"{name}: expected shapes {expected}, got {shapes}")
    for view, array in zip(views, found, strict=True):
        view[:] = array
