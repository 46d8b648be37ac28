"""Optimizers that take a step from the gradient of each batch; their equations stand in `samenet.optimizers`."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.parameters import Parameters
from samenet.training import adaptive
from samenet.training.optimizer import Optimizer, Release
from samenet.validation import checks

if TYPE_CHECKING:
    from samenet.network import Network
    from samenet.training.options import Settings


class Steps(NamedTuple):
    """An optimizer at work: a function like a backend's `descend`, and its state, which it updates in place."""

    descend: Callable[..., Any]
    state: tuple[NDArray[Any], ...] = ()


@dataclass(frozen=True)
class _Stepwise(Optimizer):
    """Optimizers that take a step from the gradient of each batch."""

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if setting.name == "epsilon":
                value = checks.number("epsilon", value, least=0.0)
            else:
                value = checks.share(setting.name, value)
            object.__setattr__(self, setting.name, value)

    @abstractmethod
    def start(self, theta: Parameters) -> Steps:
        """The optimizer with its state at zero."""

    @property
    def takes_steps(self) -> bool:
        """True."""
        return True

    def train(self, network: "Network", settings: "Settings", release: Release) -> None:
        """Train in place, batch by batch."""
        from samenet.training.loop import Passes
        from samenet.training.options import Training

        training = Training(network, settings)
        training.run(lambda: Passes(training, self.start(network.theta)).run(release))


def _backend_descends(network: "Network", X: Any, Y: Any, **settings: Any) -> Any:
    return network.backend.descend(network, X, Y, **settings)


@dataclass(frozen=True)
class Descent(_Stepwise):
    """Plain gradient descent. Source: tutorial 000 (docs/sources.md), section 4."""

    def start(self, theta: Parameters) -> Steps:
        """No state."""
        return Steps(_backend_descends)


@dataclass(frozen=True)
class Momentum(_Stepwise):
    """Descent with a velocity (the heavy ball), beta in [0, 1).

    Source: B. T. Polyak, Some methods of speeding up the convergence of iteration methods (1964).
    """

    beta: float = 0.9
    nesterov: ClassVar[bool] = False

    def start(self, theta: Parameters) -> Steps:
        """The velocity."""
        velocity = theta.empty_like()
        velocity.flat[:] = 0
        settings = {"momentum": self.beta, "nesterov": self.nesterov, "velocity": velocity}

        def descend(network: "Network", X: Any, Y: Any, **others: Any) -> Any:
            return _backend_descends(network, X, Y, **settings, **others)

        return Steps(descend, (velocity.flat,))


@dataclass(frozen=True)
class Nesterov(Momentum):
    """Momentum that takes the gradient where the velocity leads to; theta is that point, as it is in PyTorch.

    Source: Y. Nesterov (1983); I. Sutskever and others, On the importance of initialization and momentum (2013).
    """

    nesterov: ClassVar[bool] = True


@dataclass(frozen=True)
class RMSProp(_Stepwise):
    """Each parameter's step divided by the root of a running mean of its squared slope.

    Source: T. Tieleman and G. Hinton, Neural networks for machine learning, lecture 6.5 (2012); epsilon stands
    outside the root.
    """

    decay: float = 0.9
    epsilon: float = 1e-8

    def start(self, theta: Parameters) -> Steps:
        """The running mean of squares."""
        s = np.zeros_like(theta.flat)

        def step(g: NDArray[Any], alpha: float) -> NDArray[Any]:
            s[:] = self.decay * s + (1 - self.decay) * g * g
            return _quotient(alpha * g, np.sqrt(s) + self.epsilon)

        return _in_numpy(step, s)


@dataclass(frozen=True)
class Adam(_Stepwise):
    """Running means of the slope and of its square, both freed of their bias towards the zeros they begin at.

    Source: D. P. Kingma and J. Ba, Adam: a method for stochastic optimization (2015), algorithm 1.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def start(self, theta: Parameters) -> Steps:
        """Both means, and the number of updates."""
        m, v, t = np.zeros_like(theta.flat), np.zeros_like(theta.flat), np.zeros(1, np.int64)

        def step(g: NDArray[Any], alpha: float) -> NDArray[Any]:
            t[0] += 1
            updates = int(t[0])
            m[:] = self.beta1 * m + (1 - self.beta1) * g
            v[:] = self.beta2 * v + (1 - self.beta2) * g * g
            root = np.sqrt(v / (1 - self.beta2**updates))
            return _quotient(alpha * (m / (1 - self.beta1**updates)), root + self.epsilon)

        return _in_numpy(step, m, v, t)


def _quotient(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """a / b, and 0 where b is 0: with epsilon = 0, a parameter that never had a slope stays."""
    quotient: NDArray[Any] = np.divide(a, b, out=np.zeros_like(a), where=b != 0)
    return quotient


def _in_numpy(step: adaptive.Step, *state: NDArray[Any]) -> Steps:
    def descend(network: "Network", X: Any, Y: Any, **settings: Any) -> Any:
        return adaptive.descend(network, X, Y, step=step, **settings)

    return Steps(descend, state)
