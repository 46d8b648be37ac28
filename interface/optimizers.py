"""Optimizers, for `optimizer=` of `Network.train`: by name, or as an object with its own settings.

g is the gradient of a batch (after clipping), theta the parameters, alpha the learning rate; all state starts at zero
in each call of `train`.

=============  ======================================================================================================
"descent"      theta := theta - alpha g
"momentum"     v := beta v - alpha g;  theta := theta + v
"nesterov"     v := beta v - alpha g;  theta := theta + beta v - alpha g
"rmsprop"      s := decay s + (1 - decay) g^2;  theta := theta - alpha g / (sqrt(s) + epsilon)
"adam"         m := beta1 m + (1 - beta1) g;  v := beta2 v + (1 - beta2) g^2;
               theta := theta - alpha (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) in update t = 1, 2, ...
"bfgs"         SciPy's quasi-Newton method on all samples at once; an epoch is one of its iterations
"lbfgs"        the same with limited memory
"cg"           SciPy's nonlinear conjugate gradient method, likewise
=============  ======================================================================================================

>>> from samenet.fast.numpy import Network
>>> from samenet.optimizers import Adam
>>> net = Network([2, 1], weights=[[[0.0, 0.0]]])
>>> _ = net.train([[1.0, 1.0]], [[1.0]], alpha=0.5, epochs=1, optimizer=Adam(epsilon=0.0))
>>> net.parameters  # the first step of Adam is alpha in every direction
array([0.5, 0.5, 0.5])
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, Literal

from samenet.backends.rule_state import State as State
from samenet.model.initialize import SCHEMES, Scheme
from samenet.model.parameters import Parameters
from samenet.validation import checks


class Optimizer(ABC):
    """Base class of all optimizers. They hold settings; `samenet.training` does the work."""

    @property
    @abstractmethod
    def takes_steps(self) -> bool:
        """Whether it takes one step per batch, so that alpha, batch_size, dropout, clipping and sampling apply."""


@dataclass(frozen=True)
class UpdateRule(Optimizer):
    """A rule that turns the gradient of each batch into a step: a name, constants, and state arrays.

    name          identifies the rule to backends; its constants are the fields
    state_arrays  how many state arrays it needs, each as large as theta
    """

    name: ClassVar[str]
    state_arrays: ClassVar[int] = 0

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if setting.name == "epsilon":
                value = checks.number("epsilon", value, least=0.0)
            else:
                value = checks.fraction(setting.name, value)
            object.__setattr__(self, setting.name, value)

    @property
    def takes_steps(self) -> bool:
        """True."""
        return True

    def state(self, theta: Parameters) -> State:
        """The state before the first update of these parameters."""
        return State(self.state_arrays, theta)


@dataclass(frozen=True)
class Descent(UpdateRule):
    """Plain gradient descent. Source: tutorial 000 (docs/sources.md), section 4."""

    name: ClassVar[str] = "descent"


@dataclass(frozen=True)
class Momentum(UpdateRule):
    """Descent with a velocity (the heavy ball), beta in [0, 1).

    Source: B. T. Polyak, Some methods of speeding up the convergence of iteration methods (1964).
    """

    beta: float = 0.9
    name: ClassVar[str] = "momentum"
    state_arrays: ClassVar[int] = 1


@dataclass(frozen=True)
class Nesterov(Momentum):
    """Momentum with the gradient taken at the look-ahead point; theta is that point, as in PyTorch.

    Source: Y. Nesterov (1983); I. Sutskever and others, On the importance of initialization and momentum (2013).
    """

    name: ClassVar[str] = "nesterov"


@dataclass(frozen=True)
class RMSProp(UpdateRule):
    """Each parameter's step divided by the root of a running mean of its squared gradient.

    Source: T. Tieleman and G. Hinton, Neural networks for machine learning, lecture 6.5 (2012); epsilon is added
    outside the root.
    """

    decay: float = 0.9
    epsilon: float = 1e-8
    name: ClassVar[str] = "rmsprop"
    state_arrays: ClassVar[int] = 1


@dataclass(frozen=True)
class Adam(UpdateRule):
    """Running means of the gradient and of its square, both corrected for their bias towards their initial zeros.

    Source: D. P. Kingma and J. Ba, Adam: a method for stochastic optimization (2015), algorithm 1.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    name: ClassVar[str] = "adam"
    state_arrays: ClassVar[int] = 2


@dataclass(frozen=True)
class Minimizer(Optimizer):
    """`scipy.optimize.minimize` on the flat vector of parameters, with the gradient of all samples.

    tolerance  stop when no entry of the gradient is larger than this in magnitude

    An epoch is one iteration, with as many evaluations as its line search needs. There is no alpha; the gradient is
    always that of the full batch. A float32 network is trained in float64, and each iterate is rounded.
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
        """The approximate size of SciPy's workspace, in numbers, besides a few vectors."""
        return 0


@dataclass(frozen=True)
class BFGS(Minimizer):
    """The method of Broyden, Fletcher, Goldfarb and Shanno: a dense estimate of the inverse Hessian.

    Memory, and time per iteration, are proportional to the square of the number of parameters.
    Source: tutorial 003 (docs/sources.md), part 6; J. Nocedal and S. Wright, Numerical Optimization (2006), 6.1.
    """

    method: ClassVar[str] = "BFGS"

    def workspace(self, parameters: int) -> int:
        """The inverse Hessian."""
        return parameters**2


@dataclass(frozen=True)
class LBFGS(Minimizer):
    """BFGS with only the last `memory` steps. Source: R. Byrd and others, A limited memory algorithm (1995)."""

    memory: int = 10
    method: ClassVar[str] = "L-BFGS-B"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "memory", checks.integer("memory", self.memory, least=1, most=2**31 - 1))

    def workspace(self, parameters: int) -> int:
        """The last steps, and small matrices of their inner products."""
        return self.memory * (2 * parameters + 11 * self.memory)

    def options(self) -> dict[str, Any]:
        """SciPy's names for the settings; its two other stopping criteria are disabled, since the other methods lack
        them."""
        return {"gtol": self.tolerance, "maxcor": self.memory, "ftol": 0.0, "maxfun": 2**31 - 1}


@dataclass(frozen=True)
class CG(Minimizer):
    """The nonlinear conjugate gradient method of Polak and Ribiere. Source: Nocedal and Wright (2006), section 5.2."""

    method: ClassVar[str] = "CG"


@dataclass(frozen=True)
class MultiStart(Optimizer):
    """Train from several initial weights and keep the network with the lowest final cost.

    starts     the number of starts; each draws new weights from the seed's stream before its training draws from it
    optimizer  the optimizer of each start, by name or as an object
    init       the initialization scheme, see `samenet.model.initialize`

    Each start trains for all epochs. A start whose weights overflow is discarded; if all overflow, the weights are
    restored and the error is raised. The history is that of the best start; its `starts` has the final costs of all
    starts.
    `StopTraining` or Ctrl-C ends all training; a stop rule ends only the current start. `stopped_by` says what ended
    all training or, if nothing did, what ended the best start. Short training without masks, a random order, stop rules
    or anything that is called or shown during it takes one call of the backend for several starts, as by
    `samenet.train_many`, with the same bits.
    """

    starts: int
    optimizer: Any = field(default_factory=Descent)
    init: Scheme = "glorot"

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", checks.integer("starts", self.starts, least=1))
        checks.choice("init", self.init, SCHEMES)
        inner = optimizer(self.optimizer)
        if isinstance(inner, MultiStart):
            raise TypeError("optimizer: expected one with a single start, got a MultiStart inside another")
        object.__setattr__(self, "optimizer", inner)

    @property
    def takes_steps(self) -> bool:
        """As for the inner optimizer."""
        return bool(self.optimizer.takes_steps)


OptimizerName = Literal["descent", "momentum", "nesterov", "rmsprop", "adam", "bfgs", "lbfgs", "cg"]
OPTIMIZERS: dict[OptimizerName, type[Optimizer]] = {
    "descent": Descent,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RMSProp,
    "adam": Adam,
    "bfgs": BFGS,
    "lbfgs": LBFGS,
    "cg": CG,
}
UPDATE_RULES = tuple(rule for rule in OPTIMIZERS.values() if issubclass(rule, UpdateRule))


def optimizer(value: Any) -> Optimizer:
    """The optimizer itself, or the one with this name, with default settings."""
    return value if isinstance(value, Optimizer) else _usual(checks.choice("optimizer", value, OPTIMIZERS))


@cache
def _usual(name: OptimizerName) -> Optimizer:
    return OPTIMIZERS[name]()
