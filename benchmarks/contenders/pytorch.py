"""PyTorch: eager modules with autograd as in its manual, and TorchScript.

TorchScript is a frozen `torch.jit.trace` for inference; for training, `torch.jit.script` of the whole loop with the
gradient written out, since it does not cover autograd and optimizers. `torch.compile` needs a C++ compiler and 10 to 40
seconds per shape, and is left out.
"""

import sys
import warnings
from functools import partial
from typing import Any

import numpy as np

from benchmarks.contenders import Peer, Way
from benchmarks.problem import Call, Descent, Forward, flat
from samenet.network import Network


def _module(network: Network, threads: int) -> Any:
    import torch

    torch.set_num_threads(threads)
    layers: list[Any] = []
    kind = getattr(torch, network.dtype.name)
    for i, W in enumerate(network.weights):
        layer = torch.nn.Linear(W.shape[1], W.shape[0], bias=network.bias, dtype=kind)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W))
            if network.bias:
                layer.bias.copy_(torch.from_numpy(network.biases[i]))
        layers += [layer, torch.nn.Sigmoid()]
    return torch.nn.Sequential(*layers)


def _forward(compiled: bool, task: Forward) -> Call:
    import torch

    module, x = _module(task.network, task.threads).eval(), torch.from_numpy(task.x)
    if compiled:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is deprecated
            module = torch.jit.freeze(torch.jit.trace(module, x))  # type: ignore[no-untyped-call]

    def run() -> Any:
        with torch.inference_mode():
            return module(x)

    return Call(run, lambda h: h.numpy().copy())


def _eager_descent(task: Descent) -> Call:
    import torch

    module = _module(task.network, task.threads)
    start = [p.detach().clone() for p in module.parameters()]
    X, Y, m, alpha = torch.from_numpy(task.X), torch.from_numpy(task.Y), task.batch_size, task.alpha
    scale = 0.5 * task.rate / alpha

    def run() -> Any:
        with torch.no_grad():
            for p, begin in zip(module.parameters(), start, strict=True):
                p.copy_(begin)
        optimizer = torch.optim.SGD(module.parameters(), lr=alpha)
        for _ in range(task.passes):
            for first in range(0, len(X), m):
                optimizer.zero_grad()
                loss = scale * ((module(X[first : first + m]) - Y[first : first + m]) ** 2).sum()
                loss.backward()
                optimizer.step()
        return module

    return Call(run, lambda module: np.concatenate([p.detach().numpy().ravel() for p in module.parameters()]))


def _script() -> Any:
    """The loop, compiled."""
    import torch

    def descend(
        X: torch.Tensor,
        Y: torch.Tensor,
        weights: list[torch.Tensor],
        biases: list[torch.Tensor],
        batch: int,
        passes: int,
        rate: float,
    ) -> None:
        for _ in range(passes):
            for start in range(0, X.size(0), batch):
                layers = [X[start : start + batch]]
                for l in range(len(weights)):
                    z = torch.mm(layers[-1], weights[l].t())
                    if len(biases) > 0:
                        z = z + biases[l]
                    layers.append(torch.sigmoid(z))
                h = layers[-1]
                delta = (h - Y[start : start + batch]) * h * (1 - h)
                for k in range(len(weights)):
                    l = len(weights) - 1 - k
                    below, ahead = layers[l], delta
                    if l > 0:
                        ahead = torch.mm(delta, weights[l]) * below * (1 - below)
                    weights[l].addmm_(delta.t(), below, alpha=-rate)
                    if len(biases) > 0:
                        biases[l].sub_(delta.sum(0), alpha=rate)
                    delta = ahead

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated
        return torch.jit.script(descend)


def _script_descent(task: Descent) -> Call:
    import torch

    torch.set_num_threads(task.threads)
    descend, network = _script(), task.network
    X, Y = torch.from_numpy(task.X), torch.from_numpy(task.Y)

    def run() -> Any:
        weights, biases = ([torch.tensor(a) for a in arrays] for arrays in (network.weights, network.biases))
        with torch.no_grad():
            descend(X, Y, weights, biases, task.batch_size, task.passes, task.rate)
        return weights, biases

    return Call(run, lambda found: flat(network, *found), note="gradient written out")


EAGER, SCRIPT = "PyTorch, eager", "PyTorch, TorchScript"
# The CPU build has a separate index: on Linux, PyPI's brings gigabytes for CUDA.
_INDEX = "https://download.pytorch.org/whl/cpu"
_CPU = ("torch==2.13.0+cpu", "--extra-index-url", _INDEX) if sys.platform == "linux" else ("torch==2.13.0",)
PEER = Peer(
    "PyTorch",
    {
        EAGER: Way(partial(_forward, False), _eager_descent, "#D55E00", "v"),
        SCRIPT: Way(partial(_forward, True), _script_descent, "#D55E00", "*"),
    },
    module="torch",
    requires=_CPU,
    distributions=("torch",),
)
