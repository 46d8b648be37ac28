"""Ways to descend, for `optimizer=` of `Network.train`: by name, or as an object with settings of its own.

With g the gradient of a batch (after clipping), theta the parameters, alpha the learning rate; all state begins at
zero in each call of `train`.

=============  ======================================================================================================
"descent"      theta := theta - alpha g
"momentum"     v := beta v - alpha g;  theta := theta + v
"nesterov"     v := beta v - alpha g;  theta := theta + beta v - alpha g
"rmsprop"      s := decay s + (1 - decay) g^2;  theta := theta - alpha g / (sqrt(s) + epsilon)
"adam"         m := beta1 m + (1 - beta1) g;  v := beta2 v + (1 - beta2) g^2;
               theta := theta - alpha (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) in update t = 1, 2, ...
"bfgs"         SciPy's quasi-Newton method on all samples at once; an epoch is one of its iterations
"lbfgs"        the same with limited memory
"cg"           SciPy's nonlinear conjugate gradients, likewise
=============  ======================================================================================================

>>> from samenet.fast.numpy import Network
>>> from samenet.optimizers import Adam
>>> net = Network([2, 1], weights=[[[0.0, 0.0]]])
>>> _ = net.train([[1.0, 1.0]], [[1.0]], alpha=0.5, epochs=1, optimizer=Adam(epsilon=0.0))
>>> net.parameters  # the first step of Adam is alpha in every direction
array([0.5, 0.5, 0.5])
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet import adaptive, checks
from samenet.initialize import SCHEMES
from samenet.parameters import Parameters

if TYPE_CHECKING:
    from samenet.network import Network
    from samenet.training import Settings


class Steps(NamedTuple):
    """An optimizer at work: a function like a backend's `descend`, and its state, which it updates in place."""

    descend: Callable[..., Any]
    state: tuple[NDArray[Any], ...] = ()


Release = Callable[[], None]  # lets a Ctrl-C through that was held back


class Optimizer(ABC):
    """What all optimizers have."""

    @property
    @abstractmethod
    def takes_steps(self) -> bool:
        """Whether it follows alpha, batches, dropout and clipping."""

    @abstractmethod
    def train(self, network: "Network", settings: "Settings", release: Release) -> None:
        """Train in place."""


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
        from samenet.passes import Passes
        from samenet.training import Training

        training = Training(network, settings)
        training.run(lambda: Passes(training, self.start(network.theta)).run(release))


def _backend_descends(network: "Network", X: Any, Y: Any, **settings: Any) -> Any:
    return network.backend.descend(network, X, Y, **settings)


@dataclass(frozen=True)
class Descent(_Stepwise):
    """Plain gradient descent. Source: tutorial 000, section 4."""

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

    def train(self, network: "Network", settings: "Settings", release: Release) -> None:
        """Train in place, on all samples."""
        from samenet.minimize import minimize
        from samenet.training import Training

        training = Training(network, settings)
        training.run(lambda: minimize(training, release, self.method, self.options()))


@dataclass(frozen=True)
class BFGS(_Minimizing):
    """The method of Broyden, Fletcher, Goldfarb and Shanno: a dense estimate of the inverse Hessian.

    Its memory and time an iteration go with the square of the number of parameters.
    Source: J. Nocedal and S. Wright, Numerical Optimization (2006), section 6.1; tutorial 003, part 6.
    """

    method: ClassVar[str] = "BFGS"


@dataclass(frozen=True)
class LBFGS(_Minimizing):
    """BFGS from the last `memory` steps only. Source: R. Byrd and others, A limited memory algorithm (1995)."""

    memory: int = 10
    method: ClassVar[str] = "L-BFGS-B"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "memory", checks.integer("memory", self.memory, least=1))

    def options(self) -> dict[str, Any]:
        """SciPy's names for the settings; its other two ways to end are switched off, so that all methods end alike."""
        return {"gtol": self.tolerance, "maxcor": self.memory, "ftol": 0.0, "maxfun": 2**31 - 1}


@dataclass(frozen=True)
class CG(_Minimizing):
    """Nonlinear conjugate gradients, Polak and Ribiere's. Source: Nocedal and Wright (2006), section 5.2."""

    method: ClassVar[str] = "CG"


@dataclass(frozen=True)
class MultiStart(Optimizer):
    """Train from several initial weights and keep the network that ends with the least cost.

    starts     how many; each begins with new weights, drawn from the seed's stream before what the training draws
    optimizer  that of each start, by name or object
    init       the scheme of the weights, see `samenet.initialize`

    Each start trains for all epochs. A start that diverges does not count; if all do, the weights are as they were
    and the error is raised. The history is that of the start that was kept, and its `starts` has the costs of all. A
    true value of the callback, or Ctrl-C, ends the whole; a stop rule ends the start at hand.
    """

    starts: int
    optimizer: Any = field(default_factory=Descent)
    init: str = "glorot"

    def __post_init__(self) -> None:
        checks.integer("starts", self.starts, least=1)
        checks.choice("init", self.init, SCHEMES)
        inner = optimizer(self.optimizer)
        if isinstance(inner, MultiStart):
            raise TypeError("optimizer: expected one of a single start, got a MultiStart inside another")
        object.__setattr__(self, "optimizer", inner)

    @property
    def takes_steps(self) -> bool:
        """As the optimizer inside."""
        return bool(self.optimizer.takes_steps)

    def train(self, network: "Network", settings: "Settings", release: Release) -> None:
        """Train from every start."""
        from samenet.starts import best_of

        best_of(self, network, settings, release)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "descent": Descent,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RMSProp,
    "adam": Adam,
    "bfgs": BFGS,
    "lbfgs": LBFGS,
    "cg": CG,
}


def optimizer(value: Any) -> Optimizer:
    """An optimizer as it is, or that of a name with its usual settings."""
    return value if isinstance(value, Optimizer) else OPTIMIZERS[checks.choice("optimizer", value, OPTIMIZERS)]()
