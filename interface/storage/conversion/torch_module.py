"""A network from a PyTorch module."""

import sys
from typing import Any

import numpy as np

from samenet.backends import known_backends
from samenet.model.functions import Activation, Cost
from samenet.network import Network
from samenet.storage.conversion.chain import Array, Chain, Normalization, named
from samenet.validation import checks

_ACTIVATIONS: dict[str, Activation] = {
    **{"Sigmoid": "sigmoid", "Tanh": "tanh", "ReLU": "relu", "Identity": "identity", "Softmax": "softmax"}
}
_ONLY_IN_TRAINING = ("Dropout", "Dropout1d", "AlphaDropout", "FeatureAlphaDropout")


def from_torch(
    module: Any, *, backend: str = "numba", dtype: checks.DType | None = None, cost: Cost = "squared_error"
) -> Network:
    """A network that predicts the same as a `torch.nn.Sequential` after `.eval()`, up to rounding.

    module   a Sequential, also of others, of Linear, Sigmoid, Tanh, ReLU, Softmax, Identity, BatchNorm1d, dropout, and
             a Flatten at its beginning; or a single Linear
    backend  the name of the backend
    dtype    that of the network; the module's if None
    cost     what further training minimises

    Weights are copied; modules that matter only in training are left out. Batch normalization of a hidden layer before
    its activation is kept; elsewhere it is folded into weights, see `samenet.storage.conversion.chain`. Raises
    TypeError for anything else, and ValueError, with the reason, for a module that a network cannot represent.
    """
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(module, torch.nn.Sequential | torch.nn.Linear):
        got = f"{checks.short(module)} ({type(module).__name__})"
        raise TypeError(f"module: expected a torch.nn.Sequential or a Linear, got {got}")
    checks.choice("backend", backend, known_backends())
    wanted = None if dtype is None else checks.dtype(dtype)
    chain = Chain("module")
    _add(chain, torch.nn, "module", module)
    return chain.network(backend, wanted, cost)


def _add(chain: Chain, nn: Any, where: str, module: Any) -> None:
    """Add a module, and those in it."""
    shown = f"{where} ({named(module)})"
    if getattr(module, "_forward_hooks", None) or getattr(module, "_forward_pre_hooks", None):
        raise chain.refused(shown, "it has hooks, which may change its output")
    if "forward" in vars(module):
        raise chain.refused(shown, "its forward has been replaced")
    kind = type(module).__name__
    is_sequential = isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward
    if not is_sequential and type(module) is not getattr(nn, kind, None):
        raise chain.refused(shown, "it is not one of torch.nn's own classes, and may compute anything")
    if is_sequential:
        for name, inner in module._modules.items():  # named_children omits a module that occurs again
            _add(chain, nn, f"{where}[{name}]", inner)
    elif kind == "Linear":
        W = _numbers(chain, f"{shown}.weight", module.weight)
        b = None if module.bias is None else _numbers(chain, f"{shown}.bias", module.bias)
        chain.linear(shown, W, b)
    elif kind == "BatchNorm1d":
        _normalize(chain, shown, module)
    elif kind == "Softmax":
        if module.dim not in (None, 1, -1):
            raise chain.refused(shown, f"its sums are along dim={module.dim}, not along the nodes of a layer")
        chain.activate(shown, "softmax")
    elif kind in _ACTIVATIONS:
        chain.activate(shown, _ACTIVATIONS[kind])
    elif kind == "Flatten" and not chain.layers and (module.start_dim, module.end_dim) == (1, -1):
        pass  # of samples that are rows already
    elif kind == "LogSoftmax":
        raise chain.refused(shown, "samenet has no logarithm of a softmax; replace it by Softmax, of the same classes")
    elif kind not in _ONLY_IN_TRAINING:
        raise chain.refused(shown, "samenet has no such layer")


def _normalize(chain: Chain, shown: str, module: Any) -> None:
    if module.running_mean is None:
        raise chain.refused(shown, "it has no running statistics: its answers depend on the other samples of a batch")
    mean, variance = (_numbers(chain, f"{shown}.running_{s}", getattr(module, f"running_{s}")) for s in ("mean", "var"))
    gamma, beta = np.ones_like(mean), np.zeros_like(mean)
    if module.weight is not None:
        gamma, beta = (_numbers(chain, f"{shown}.{s}", getattr(module, s)) for s in ("weight", "bias"))
    chain.normalize(shown, Normalization(gamma, beta, mean, variance, float(module.eps)))


def _numbers(chain: Chain, where: str, tensor: Any) -> Array:
    """The numbers of a tensor in float64, which can represent those of every other floating-point type."""
    if not tensor.is_floating_point():
        raise chain.refused(where, f"expected real numbers, got {tensor.dtype}")
    try:
        numbers = np.array(tensor.detach().cpu().double().numpy())
    except Exception as error:  # a tensor on the meta device has none; a sparse one is no array
        raise chain.refused(where, f"its numbers cannot be read ({checks.short(error)})") from error
    chain.dtypes.add(str(tensor.dtype).removeprefix("torch."))
    return chain.numbers(where, numbers)
