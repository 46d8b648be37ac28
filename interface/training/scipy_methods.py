"""Optimizers of `scipy.optimize.minimize`: the cost as a function of the flat vector of parameters."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from samenet.parameters import Parameters
from samenet.training import adaptive
from samenet.training.optimizer import Optimizer, Release
from samenet.validation import checks
from samenet.validation.finite import all_finite

if TYPE_CHECKING:
    from samenet.network import Network
    from samenet.training.options import Settings, Training


@dataclass(frozen=True)
class _Minimizing(Optimizer):
    """`scipy.optimize.minimize` on the flat vector of parameters, with the gradient of all samples.

    tolerance  end when no entry of the gradient is larger than it

    An epoch is an iteration, with as many gradients as its line search needs. There is no alpha; the gradient is
    always that of the full batch. A network in float32 is trained as one in float64, and each iterate rounded.
    """

    tolerance: float = 1e-5
    method: ClassVar[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "tolerance", checks.number("tolerance", self.tolerance, positive=True))

    def options(self) -> dict[str, Any]:
        """SciPy's names for the settings."""
        return {"gtol": self.tolerance}

    @property
    def takes_steps(self) -> bool:
        """False."""
        return False

    def workspace(self, parameters: int) -> int:
        """About how many numbers SciPy keeps, beside a few vectors."""
        return 0

    def train(self, network: "Network", settings: "Settings", release: Release) -> None:
        """Train in place, on all samples."""
        from samenet.training.options import Training

        with checks.fits("optimizer", self):
            np.empty(self.workspace(network.theta.flat.size))
        training = Training(network, settings)
        training.run(lambda: minimize(training, release, self.method, self.options()))


@dataclass(frozen=True)
class BFGS(_Minimizing):
    """The method of Broyden, Fletcher, Goldfarb and Shanno: a dense estimate of the inverse Hessian.

    Its memory and time an iteration go with the square of the number of parameters.
    Source: tutorial 003 (docs/sources.md), part 6; J. Nocedal and S. Wright, Numerical Optimization (2006), 6.1.
    """

    method: ClassVar[str] = "BFGS"

    def workspace(self, parameters: int) -> int:
        """The inverse Hessian."""
        return parameters**2


@dataclass(frozen=True)
class LBFGS(_Minimizing):
    """BFGS from the last `memory` steps only. Source: R. Byrd and others, A limited memory algorithm (1995)."""

    memory: int = 10
    method: ClassVar[str] = "L-BFGS-B"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "memory", checks.integer("memory", self.memory, least=1, most=2**31 - 1))

    def workspace(self, parameters: int) -> int:
        """The last steps, and small matrices of the products between them."""
        return self.memory * (2 * parameters + 11 * self.memory)

    def options(self) -> dict[str, Any]:
        """SciPy's names for the settings; its other two ways to end are switched off, so that all methods end alike."""
        return {"gtol": self.tolerance, "maxcor": self.memory, "ftol": 0.0, "maxfun": 2**31 - 1}


@dataclass(frozen=True)
class CG(_Minimizing):
    """Nonlinear conjugate gradients, Polak and Ribiere's. Source: Nocedal and Wright (2006), section 5.2."""

    method: ClassVar[str] = "CG"


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
    X, Y = settings.X.astype(np.float64, copy=False), settings.Y.astype(np.float64, copy=False)
    before = math.nan  # the cost of the network's weights
    failures: list[StopIteration] = []

    def cost_and_slope(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal before
        release()
        twin.theta.flat[:] = theta
        cost, slope = adaptive.slope(twin, X, Y, settings.reduction, None)
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
        if settings.record_every > 0 and epoch % settings.record_every == 0:
            training.record(epoch, before, network.predict(settings.X) if settings.monitors else None)
        with np.errstate(over="ignore"):
            theta = intermediate_result.x.astype(network.dtype)
        if not all_finite(theta):  # in float32
            raise FloatingPointError(
                f"the weights did not stay finite in epoch {epoch}; they are left as they were before it"
            )
        network.theta.flat[:] = theta
        before = float(intermediate_result.fun)
        history.epochs_done += 1
        try:
            over = training.ends()
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
            method=method,
            callback=iterated,
            options={**options, "maxiter": settings.epochs},
        )
    if failures:
        raise failures[0]
    if history.epochs_done < settings.epochs and history.stopped_by is None:
        history.stopped_by = str(result.message)
