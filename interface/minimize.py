"""Training by `scipy.optimize.minimize`: the cost as a function of the flat vector of parameters."""

import copy
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samenet.finite import all_finite
from samenet.parameters import Parameters

if TYPE_CHECKING:
    from samenet.network import Network
    from samenet.training import Training


def _in_float64(network: "Network") -> "Network":
    """A network of its own with the same values in float64; everything else is shared."""
    twin = copy.copy(network)
    theta = network.theta
    twin.theta = Parameters.holding(theta.sizes, theta.bias, theta.flat.astype(np.float64))
    return twin


def minimize(training: "Training", release: Callable[[], None], method: str, options: dict[str, Any]) -> None:
    """Train until the epochs, which are iterations, are done or SciPy says that it is at a minimum.

    Trial points are visited by a twin: the network itself holds the last iterate, whatever happens. Ctrl-C is let
    through before each gradient. Raises FloatingPointError if the cost or its gradient is not finite to begin with.
    """
    import scipy.optimize

    network, history, settings = training.network, training.history, training.settings
    twin = _in_float64(network)
    X, Y = settings.X.astype(np.float64), settings.Y.astype(np.float64)
    before = math.nan  # the cost of the network's weights

    def cost_and_slope(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal before
        release()
        twin.theta.flat[:] = theta
        cost, slope = twin.gradient(X, Y, reduction=settings.reduction)
        if math.isnan(before):
            if not (math.isfinite(cost) and all_finite(slope.flat)):
                raise FloatingPointError(
                    "the cost or its gradient is not finite in epoch 0; the weights are left as they were"
                )
            before = cost
        return cost, slope.flat

    # The name of the parameter is how SciPy knows that the function takes the cost too.
    def iterated(intermediate_result: Any) -> None:
        nonlocal before
        epoch = history.epochs_done
        if settings.record_every > 0 and epoch % settings.record_every == 0:
            output = network.predict(settings.X) if settings.monitors else None
            history.record(epoch, before, output, settings.Y)
        with np.errstate(over="ignore"):
            theta = intermediate_result.x.astype(network.dtype)
        if not all_finite(theta):  # in float32
            raise FloatingPointError(
                f"the weights did not stay finite in epoch {epoch}; they are left as they were before it"
            )
        network.theta.flat[:] = theta
        before = float(intermediate_result.fun)
        history.epochs_done += 1
        if training.ends():
            raise StopIteration

    with np.errstate(all="ignore"):  # a line search may try points where the cost overflows
        result = scipy.optimize.minimize(
            cost_and_slope,
            twin.theta.flat.copy(),
            jac=True,
            method=method,
            callback=iterated,
            options={**options, "maxiter": settings.epochs},
        )
    if history.epochs_done < settings.epochs and history.stopped_by is None:
        history.stopped_by = str(result.message)
