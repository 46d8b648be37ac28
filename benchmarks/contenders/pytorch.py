"""PyTorch: eager modules with autograd and `torch.optim` as in its manual, and TorchScript.

TorchScript is a frozen `torch.jit.trace` for inference; for training, `torch.jit.script` of the whole loop with the
gradient written out, since it does not cover autograd and optimizers: plain descent only. `torch.compile` is left out:
it needs a C++ compiler and 6 to 45 seconds per shape, and a compiled training step is slower than eager modules on
small networks (684 us against 219 for 4-8-3 in batches of 16) and about as fast on 784-128-10. Optimizers are fused
where possible, which is fastest on a CPU. Many networks are trained at once, with stacked parameters.
"""

import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.contenders import ACTIVATIONS, EVERYTHING, Peer, Way
from benchmarks.problem import Call, Descent, Forward, Gradient, Many, features, flat
from samenet.network import Network


def _activation(name: str) -> Callable[[Any], Any]:
    import torch

    if name == "softmax":
        return torch.nn.Softmax(dim=-1)
    modules = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "ReLU", "identity": "Identity"}
    return getattr(torch.nn, modules[name])()  # type: ignore[no-any-return]


def _module(network: Network, threads: int, dropout: float = 0.0, drop_connect: float = 0.0) -> Any:
    """The layers and activations. With a cross-entropy, the last activation is in the loss, as the manual advises."""
    import torch
    from torch.nn import functional

    class DropConnect(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return functional.linear(x, functional.dropout(self.weight, drop_connect), self.bias)

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layers: list[Any] = []
    kind = getattr(torch, network.dtype.name)
    for i, W in enumerate(network.weights):
        is_normalized = len(network.model.gammas) > 0 and network.model.gammas[i].size > 0
        linear = DropConnect if drop_connect else torch.nn.Linear
        layer = linear(W.shape[1], W.shape[0], bias=network.bias and not is_normalized, dtype=kind)
        normalize = [torch.nn.BatchNorm1d(W.shape[0], dtype=kind)] if is_normalized else []
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W))
            if network.bias:
                (normalize or [layer])[0].bias.copy_(torch.from_numpy(network.biases[i]))
        layers += [layer, *normalize, _activation(network.model.activations[i])]
        if dropout and i < len(network.weights) - 1:
            layers.append(torch.nn.Dropout(dropout))
    return torch.nn.Sequential(*layers)


def _parts(module: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """The parameters: weights, biases, and the factors of batch normalization."""
    named = list(module.named_parameters())
    weights, biases = [p for _, p in named if p.ndim == 2], [p for name, p in named if name.endswith("bias")]
    return weights, biases, [p for name, p in named if p.ndim == 1 and name.endswith("weight")]


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


def _loss(task: Descent | Gradient) -> tuple[bool, Callable[..., Any]]:
    """Whether the loss takes weighted sums instead of outputs; and a batch's cost, the sum of rows times factors."""
    from torch.nn import functional

    def total(costs: Any, *weight: Any) -> Any:
        return (costs * weight[0] if weight else costs).sum()

    return {
        "squared_error": (False, lambda h, y, *weight: 0.5 * total((h - y) ** 2, *weight)),
        "binary_cross_entropy": (True, partial(functional.binary_cross_entropy_with_logits, reduction="sum")),
        "cross_entropy": (True, lambda z, y, *weight: -total(functional.log_softmax(z, -1) * y, *weight)),
    }[task.network.model.cost_function]


def _optimizer(task: Descent, weights: list[Any], others: list[Any]) -> Any:
    """The task's rule, with l2 as weight decay of the weights only."""
    import torch

    groups = [{"params": weights, "weight_decay": task.network.model.l2}, *([{"params": others}] if others else [])]
    if task.rule == "rmsprop":
        return torch.optim.RMSprop(groups, lr=task.alpha, alpha=0.9)
    if task.rule == "adam":
        return torch.optim.Adam(groups, lr=task.alpha, fused=True)
    beta = 0.0 if task.rule == "descent" else 0.9
    return torch.optim.SGD(groups, lr=task.alpha, momentum=beta, nesterov=task.rule == "nesterov", fused=True)


def _steps(task: Descent, weights: list[Any], others: list[Any], cost: Callable[..., Any]) -> None:
    """All updates of the parameters; `cost` is the scaled cost of a batch, without penalties."""
    import torch

    X, Y, m, l1 = torch.from_numpy(task.X), torch.from_numpy(task.Y), task.batch_size, task.network.model.l1
    orders, optimizer = torch.from_numpy(task.orders()), _optimizer(task, weights, others)
    of_rows = None if task.weights is None else torch.from_numpy(task.weights).to(X.dtype)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda e: 1 / (1 + task.decay * e)) if task.decay else None
    for i, rows in enumerate(orders):
        first = i % task.batches * m
        part: Any = rows if task.shuffle else slice(first, first + m)
        optimizer.zero_grad()
        factors = []
        if of_rows is not None:
            w = of_rows[part][:, None]
            factors = [m * w / w.sum() if task.reduction == "mean" else w]
        loss = cost(X[part], Y[part], *factors)
        if l1:
            loss = loss + l1 * sum(W.abs().sum() for W in weights)
        loss.backward()
        if task.clip_value < np.inf:
            torch.nn.utils.clip_grad_value_([*weights, *others], task.clip_value)
        if task.clip_norm < np.inf:
            _clip_norm([p.grad for p in (*weights, *others)], task.clip_norm)
        optimizer.step()
        if rates is not None and (i + 1) % task.batches == 0:
            rates.step()


def _clip_norm(slopes: list[Any], limit: float) -> None:
    """Like `clip_grad_norm_`, which adds 1e-6 to the norm, and multiplies gradients that are not clipped by 1."""
    import torch

    if (norm := torch.nn.utils.get_total_norm(slopes)) > limit:
        torch._foreach_mul_(slopes, limit / norm)


def _eager_gradient(task: Gradient) -> Call:
    """By `autograd.grad`, which allocates nothing but the gradient."""
    import torch

    module, (of_sums, loss) = _module(task.network, task.threads), _loss(task)
    X, Y, m = torch.from_numpy(task.X), torch.from_numpy(task.Y), len(task.X)
    network, parts = module[:-1] if of_sums else module, _parts(module)
    weights, l1, l2 = parts[0], task.network.model.l1, task.network.model.l2

    def run() -> Any:
        cost = loss(network(X), Y) / m
        if l1:
            cost = cost + l1 * sum(W.abs().sum() for W in weights)
        if l2:
            cost = cost + 0.5 * l2 * sum((W * W).sum() for W in weights)
        return cost, torch.autograd.grad(cost, [p for part in parts for p in part])

    def read(found: Any) -> Any:
        cost, slopes = found
        each = iter(p.numpy() for p in slopes)
        return np.append(flat(task.network, *([next(each) for _ in part] for part in parts)), cost.detach().numpy())

    return Call(run, read)


def _eager_descent(task: Descent) -> Call:
    import torch

    module, (of_sums, loss) = _module(task.network, task.threads, task.dropout, task.drop_connect), _loss(task)
    start = [p.detach().clone() for p in module.parameters()]
    weights, *others = _parts(module)
    scale, network = task.rate / task.alpha, module[:-1] if of_sums else module

    def run() -> Any:
        with torch.no_grad():
            for p, begin in zip(module.parameters(), start, strict=True):
                p.copy_(begin)
        _steps(task, weights, [*others[0], *others[1]], lambda x, y, *w: scale * loss(network(x), y, *w))
        return module

    def read(module: Any) -> Any:
        return flat(task.network, *([p.detach().numpy() for p in part] for part in _parts(module)))

    return Call(run, read, *((np.inf, "masks of its own") if task.dropout or task.drop_connect else ()))


def _many(task: Many) -> Call:
    """All networks trained by batched products, with parameters (networks, n_out, n_in) and (networks, 1, n_out)."""
    import torch

    torch.set_num_threads(task.threads)
    one, layers = task.one, range(len(task.network.weights))
    weights = [torch.from_numpy(np.stack([n.weights[i] for n in task.networks])).requires_grad_() for i in layers]
    has_bias = task.network.bias
    biases = [torch.from_numpy(np.stack([n.biases[i] for n in task.networks])[:, None]) for i in layers if has_bias]
    biases = [b.requires_grad_() for b in biases]
    of_sums, loss = _loss(one)
    parameters, scale = [*weights, *biases], one.rate / one.alpha
    start = [p.detach().clone() for p in parameters]
    steps = [_activation(name) for name in task.network.model.activations]

    def cost(x: Any, y: Any, *w: Any) -> Any:
        h = x.expand(len(task.networks), *x.shape)
        for i, W in enumerate(weights):
            z = torch.baddbmm(biases[i], h, W.mT) if has_bias else h @ W.mT
            h = z if of_sums and i == layers[-1] else steps[i](z)
        return scale * loss(h, y.expand_as(h), *w)

    def run() -> Any:
        with torch.no_grad():
            for p, begin in zip(parameters, start, strict=True):
                p.copy_(begin)
        _steps(one, weights, biases, cost)
        return [p.detach().numpy() for p in weights], [b.detach().numpy() for b in biases]

    def read(found: Any) -> Any:
        return np.array([flat(n, *([p[i] for p in ps] for ps in found)) for i, n in enumerate(task.networks)])

    return Call(run, read, note="stacked")


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


def _script_descent(task: Descent) -> Call | str:
    import torch

    if unusual := features(task):
        return unusual[0]
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
        EAGER: Way(partial(_forward, False), _eager_descent, "#D55E00", "v", _many, _eager_gradient, EVERYTHING),
        SCRIPT: Way(partial(_forward, True), _script_descent, "#D55E00", "*", takes=ACTIVATIONS),
    },
    module="torch",
    requires=_CPU,
    distributions=("torch",),
)
