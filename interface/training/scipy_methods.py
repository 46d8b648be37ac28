"""Optimizers of `scipy.optimize.minimize`: the cost as a function of the flat vector of parameters."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.optimizers import Minimizer
from samenet.training.session import Training
from samenet.validation import checks
from samenet.validation.finite import all_finite


def check_memory(optimizer: Minimizer, parameters: int) -> None:
    """ValueError if there is no memory for what SciPy keeps."""
    with checks.fits("optimizer", optimizer):
        np.empty(optimizer.workspace(parameters))


def minimize(training: Training, optimizer: Minimizer, release: Callable[[], None]) -> None:
    """Train until the epochs, which are iterations, are done or SciPy says that it is at a minimum.

    Trial points are visited by a twin: the model itself holds the last iterate, whatever happens. Ctrl-C is let
    through before each gradient. Raises FloatingPointError if the cost or its gradient is not finite to begin with.
    """
    import scipy.optimize

    model, history, options = training.model, training.history, training.options
    twin = model.holding(model.theta.flat.astype(np.float64))
    X, Y = options.X.astype(np.float64, copy=False), options.Y.astype(np.float64, copy=False)
    objective = replace(training.objective, model=twin, X=X, Y=Y)
    before = math.nan  # the cost of the model's weights
    failures: list[StopIteration] = []

    def cost_and_slope(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal before
        release()
        twin.theta.flat[:] = theta
        cost, gradient = objective.slope()
        slope = gradient.flat
        if math.isnan(before):
            if not (math.isfinite(cost) and all_finite(slope)):
                raise FloatingPointError(
                    "the cost or its gradient is not finite in epoch 0; the weights are left as they were"
                )
            before = cost
        return cost, slope

    # The name of the parameter is how SciPy knows that the function takes the cost too.
    def iterated(intermediate_result: Any) -> None:
        nonlocal before
        epoch = history.epochs_done
        if options.record_every > 0 and epoch % options.record_every == 0:
            training.note_state(epoch, before, training.output())
        with np.errstate(over="ignore"):
            theta = intermediate_result.x.astype(model.dtype)
        if not all_finite(theta):  # in float32
            raise FloatingPointError(
                f"the weights did not stay finite in epoch {epoch}; they are left as they were before it"
            )
        model.theta.flat[:] = theta
        before = float(intermediate_result.fun)
        history.epochs_done += 1
        try:
            over = training.should_stop()
        except StopIteration as error:  # a callback's own, which SciPy would take for its sign to halt
            failures.append(error)
            raise
        if over:
            raise StopIteration

    with np.errstate(all="ignore"):  # a line search may try points where the cost overflows
        result = scipy.optimize.minimize(
            cost_and_slope,
            twin.theta.flat.copy(),
            jac=True,
            method=optimizer.method,
            callback=iterated,
            options={**optimizer.options(), "maxiter": options.epochs},
        )
    if failures:
        raise failures[0]
    if history.epochs_done < options.epochs and history.stopped_by is None:
        history.stopped_by = str(result.message)
