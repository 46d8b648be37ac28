"""Fitting by "lbfgs": SciPy's L-BFGS-B on all samples at once, with the same limits as in scikit-learn."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from samenet.backends.objective import Objective
from samenet.estimators.samples import Samples
from samenet.estimators.settings import Settings
from samenet.estimators.steps import penalty, shown
from samenet.estimators.weights import Weights, share
from samenet.stopping import StopTraining
from samenet.training.interrupts import deferred_interrupt
from samenet.validation.finite import all_finite

Array = NDArray[Any]


def minimize(estimator: Any, settings: Settings, samples: Samples, Y: Array, weights: Weights | None) -> None:
    """Minimise, over m samples, the mean of their costs + alpha / (2 m) sum W^2, in place; with weights, sum w for m.

    The gradient is the mean of the gradients of the blocks of samples, weighted by their numbers of rows or sums of
    weights, in float64. It is the gradient of the cost that is minimised; in scikit-learn, the two do not match for a
    regression with several outputs.
    """
    import scipy.optimize

    network, m = estimator.network_, len(samples)
    model, amount = network.model, m if weights is None else float(weights.sum())
    trial = model.holding(model.theta.flat.astype(np.float64)).with_penalty(settings.alpha / amount)
    outputs = 1 if estimator._is_classifier else Y.shape[1]
    Y = Y.astype(np.float64, copy=False)
    estimator.n_iter_, estimator.stopped_by_ = 0, None

    def of(theta: Array) -> tuple[float, Array]:
        release()
        trial.theta.flat[:] = theta
        cost, slope = 0.0, np.zeros_like(theta)
        for rows, X in samples.blocks():
            x = X.astype(np.float64, copy=False)
            w, part = None if weights is None else weights[rows], share(weights, rows, m)
            value, gradient = Objective(trial, network.backend, x, Y[rows], "mean", w).slope()
            cost += part * value
            slope += part * gradient.flat
        return cost, slope

    def keep(theta: Array, cost: float) -> None:
        trial.theta.flat[:] = theta
        model.theta.flat[:] = theta
        estimator.loss_ = shown(float(cost), penalty(trial), outputs)

    # SciPy recognises by the parameter's name that the callback takes the cost, too.
    def iterated(intermediate_result: Any) -> None:
        keep(intermediate_result.x, intermediate_result.fun)
        estimator.n_iter_ += 1
        estimator.loss_curve_.append(estimator.loss_)
        if settings.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")
        try:
            for callback in settings.callbacks:
                callback(estimator)
        except StopTraining as reason:
            estimator.stopped_by_ = f"callback: {reason}" if str(reason) else "callback"
            raise StopIteration from None

    limits = {"maxfun": settings.max_fun, "maxiter": settings.max_iter, "gtol": settings.tol}
    try:
        with deferred_interrupt() as release, np.errstate(all="ignore"):
            start = trial.theta.flat.copy()
            result = scipy.optimize.minimize(of, start, jac=True, method="L-BFGS-B", callback=iterated, options=limits)
    except KeyboardInterrupt:
        estimator.stopped_by_ = "interrupt"
        warnings.warn("Training interrupted by user.", stacklevel=4)
        return
    with np.errstate(all="ignore"):  # in float32
        keep(result.x, result.fun)
    if not all_finite(model.theta.flat):
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
            "preprocessed."
        )
    estimator.n_iter_ = min(result.nit, settings.max_iter)
    if estimator.stopped_by_ is None and result.success:
        estimator.stopped_by_ = str(result.message)
    elif estimator.stopped_by_ is None:
        warnings.warn(
            f"lbfgs failed to converge after {result.nit} iteration(s) (status={result.status}): {result.message}. "
            "You might also want to scale the data, or to increase max_iter.",
            ConvergenceWarning,
            stacklevel=4,
        )
