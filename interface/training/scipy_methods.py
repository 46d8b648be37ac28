"""Optimizers of `scipy.optimize.minimize`: the cost as a function of the flat vector of parameters."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends.objective import Objective
from samenet.optimizers import Descent, Minimizer
from samenet.training.session import Training
from samenet.validation import checks
from samenet.validation.finite import all_finite

_BLOCK = 1 << 20  # float32 numbers that are converted at once


def check_memory(optimizer: Minimizer, parameters: int) -> None:
    """ValueError if SciPy's workspace does not fit in memory."""
    with checks.fits("optimizer", optimizer):
        np.empty(optimizer.workspace(parameters))


def _in_float64(objective: Objective) -> Callable[[], tuple[float, NDArray[np.float64]]]:
    """The cost and its gradient in float64, at the model's parameters, from samples that may be of float32.

    Large sets are converted one block of rows at a time, because a float64 copy would take twice the memory of the
    samples. The sum over all rows is the sum over the blocks; the mean is the mean of the blocks' means, weighted by
    their numbers of rows or by the sums of their sample weights.
    """
    X, Y, m = objective.X, objective.Y, len(objective.X)
    is_whole = X.dtype == np.float64 or objective.model.theta.normalized  # which needs the statistics of all rows
    rows = m if is_whole else max(1, _BLOCK // (X.shape[1] + Y.shape[1]))
    if rows >= m:
        whole = replace(objective, X=X.astype(np.float64, copy=False), Y=Y.astype(np.float64, copy=False))

        def of_whole() -> tuple[float, NDArray[np.float64]]:
            cost, gradient = whole.slope()
            return cost, gradient.flat

        return of_whole
    is_mean, others = objective.reduction == "mean", objective.model.without_penalties()
    weights = objective.sample_weight

    def of_blocks() -> tuple[float, NDArray[np.float64]]:
        cost, slope = 0.0, np.zeros_like(objective.model.theta.flat)
        for start in range(0, m, rows):
            x, y = (values[start : start + rows].astype(np.float64) for values in (X, Y))
            model = objective.model if is_mean or start == 0 else others  # a sum includes the penalties once
            w = None if weights is None else weights[start : start + rows]
            value, gradient = replace(objective, model=model, X=x, Y=y, sample_weight=w).slope()
            share = len(x) / m if weights is None or w is None else w.sum() / weights.sum()
            weight = float(share) if is_mean else 1.0
            cost += weight * value
            slope += weight * gradient.flat
        return cost, slope

    return of_blocks


def _moved_statistics(training: Training) -> NDArray[Any]:
    """The running statistics of normalized layers after one step from the current parameters."""
    theta, objective = training.model.theta, training.objective
    moved = replace(objective, model=training.model.holding(theta.everything))
    moved.backend.run_updates(
        *(moved.model, moved.X, moved.Y, Descent()), alpha=0.0, batch_size=len(moved.X), reduction=moved.reduction
    )
    found: NDArray[Any] = moved.model.theta.everything[theta.flat.size :]
    return found


def minimize(training: Training, optimizer: Minimizer, release: Callable[[], None]) -> None:
    """Train until all epochs (iterations) are done or SciPy terminates.

    Trial points are evaluated on a copy: the model itself holds the last iterate, whatever happens. With batch
    normalization the cost that is minimised is that of the batch's statistics. A deferred Ctrl-C is delivered before
    each gradient. Raises FloatingPointError if the initial weights, cost or gradient are not finite.
    """
    import scipy.optimize

    model, history, options = training.model, training.history, training.options
    flat, everything, size = model.theta.flat, model.theta.everything, model.theta.flat.size
    trial = model.holding(model.theta.everything.astype(np.float64))
    slope_at = _in_float64(replace(training.objective, model=trial))
    current = math.nan  # the cost at the model's weights
    failures: list[StopIteration] = []

    def cost_and_slope(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal current
        release()
        trial.theta.flat[:] = theta
        cost, slope = slope_at()
        if math.isnan(current):
            if not (math.isfinite(cost) and all_finite(slope) and all_finite(theta)):
                what = "the weights, the cost or its gradient are not finite in epoch 0"
                raise FloatingPointError(f"{what}; the weights are unchanged")
            current = cost
        return cost, slope

    # SciPy recognises by the parameter's name that the callback takes the cost, too.
    def iterated(intermediate_result: Any) -> None:
        nonlocal current
        epoch = history.epochs_done
        statistics = everything[size:]
        if model.theta.normalized:
            training.record()
            statistics = _moved_statistics(training)
        elif options.settings.record_every > 0 and epoch % options.settings.record_every == 0:
            training.record_state(epoch, current, training.output())
        with np.errstate(all="ignore"):
            theta = intermediate_result.x.astype(model.dtype)
        if not all_finite(theta):  # in float32
            raise FloatingPointError(
                f"the weights became infinite or NaN in epoch {epoch}; they keep their values from before it"
            )
        current = float(intermediate_result.fun)
        # Between these there is no call, during which a second Ctrl-C could be raised.
        flat[:], everything[size:] = theta, statistics
        history.epochs_done += 1
        training.hooks_begun = 0
        try:
            over = training.should_stop()
        except StopIteration as error:  # the callback's own, which SciPy would take for a request to stop
            failures.append(error)
            raise
        if over:
            raise StopIteration

    with np.errstate(all="ignore"):  # a line search may try points where the cost overflows
        result = scipy.optimize.minimize(
            cost_and_slope,
            trial.theta.flat.copy(),
            jac=True,
            method=optimizer.method,
            callback=iterated,
            options={**optimizer.options(), "maxiter": options.settings.epochs},
        )
    if failures:
        raise failures[0]
    if history.epochs_done < options.settings.epochs and history.stopped_by is None:
        history.stopped_by = str(result.message)
