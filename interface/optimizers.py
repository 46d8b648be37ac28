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

from typing import Any

from samenet.training.multistart import MultiStart
from samenet.training.optimizer import Optimizer
from samenet.training.rules import Adam, Descent, Momentum, Nesterov, RMSProp
from samenet.training.scipy_methods import BFGS, CG, LBFGS
from samenet.validation import checks

__all__ = [
    "BFGS",
    "CG",
    "LBFGS",
    "Adam",
    "Descent",
    "Momentum",
    "MultiStart",
    "Nesterov",
    "Optimizer",
    "RMSProp",
    "optimizer",
]

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
