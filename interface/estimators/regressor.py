"""The regressor."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from samenet.estimators.base import Estimator
from samenet.estimators.settings import Settings
from samenet.estimators.weights import Weights

Array = NDArray[Any]


class MLPRegressor(RegressorMixin, Estimator):  # type: ignore[misc]
    """A network that predicts numbers, as a scikit-learn estimator.

    It minimises the mean of 1/2 ||y - h||^2 over a batch of b samples, plus alpha / (2 b) sum W^2; the output layer is
    linear. The parameters and attributes are those of `samenet.MLPClassifier`, except `classes_`, and those of
    `sklearn.neural_network.MLPRegressor` with `loss="squared_error"`. With the same `random_state`, weights, losses and
    predictions agree with scikit-learn's up to rounding, except that "lbfgs" uses the right gradient for several
    outputs.

    For several outputs, `loss_curve_` and `validation_loss_curve_` show the mean of the cost over the outputs, as in
    scikit-learn, while the steps are those of the sum. The score is the coefficient of determination, R^2.

    >>> from samenet import MLPRegressor
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0]
    >>> model = MLPRegressor((), solver="lbfgs", alpha=0.0, tol=1e-9, random_state=0, backend="numpy").fit(X, y)
    >>> model.predict([[10.0]]).round(3)
    array([21.])
    """

    _is_classifier = False

    def predict(self, X: ArrayLike) -> Array:
        """The outputs, (m,), or (m, n_out) for several."""
        outputs = self._outputs(X)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _targets(self, y: Array, settings: Settings, once: bool) -> Array:
        return y

    def _output(self) -> tuple[str, str]:
        return "identity", "squared_error"

    def _score_of(self, output: Array, Y: Array, weights: Weights | None) -> float:
        """R^2."""
        with np.errstate(all="ignore"):
            return float(r2_score(Y, output, sample_weight=weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
