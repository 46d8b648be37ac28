"""JAX: `jit` for a forward pass; for training, `grad` inside `lax.scan` over the batches, all of it one `jit`.

It reads the number of threads from the environment variable NPROC only once, when it starts.
"""

from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.contenders import Peer, Way
from benchmarks.problem import Array, Call, Descent, Forward, flat


def _jax() -> Any:
    jax: Any = import_module("jax")
    jax.config.update("jax_enable_x64", True)  # float32 arrays stay float32
    jax.config.update("jax_platforms", "cpu")
    return jax


def _output(jax: Any, layers: Any, h: Any) -> Any:
    for W, *b in layers:
        z = h @ W.T
        h = jax.nn.sigmoid(z + b[0] if b else z)
    return h


def _layers(jax: Any, task: Forward | Descent) -> list[tuple[Any, ...]]:
    network = task.network
    return [tuple(jax.numpy.asarray(a) for a in (W, *network.biases[i : i + 1])) for i, W in enumerate(network.weights)]


def _forward(task: Forward) -> Call:
    jax = _jax()
    layers, x = _layers(jax, task), jax.numpy.asarray(task.x)
    compiled = jax.jit(lambda layers, x: _output(jax, layers, x))
    return Call(lambda: compiled(layers, x).block_until_ready(), np.array)


def _descent(task: Descent) -> Call:
    jax = _jax()
    start, m, rate = _layers(jax, task), task.batch_size, task.rate
    X, Y = (jax.numpy.asarray(a.reshape(task.batches, m, -1)) for a in (task.X, task.Y))

    def cost(layers: Any, x: Any, y: Any) -> Any:
        return 0.5 * ((_output(jax, layers, x) - y) ** 2).sum()

    def update(layers: Any, batch: Any) -> Any:
        slopes = jax.grad(cost)(layers, *batch)
        return jax.tree.map(lambda p, g: p - rate * g, layers, slopes), None

    def a_pass(_: Any, layers: Any, X: Any, Y: Any) -> Any:
        return jax.lax.scan(update, layers, (X, Y))[0]

    @jax.jit  # type: ignore[untyped-decorator]
    def descend(layers: Any, X: Any, Y: Any) -> Any:
        if task.batches == 1:  # a single scan over the passes: nested loops cost more
            return jax.lax.scan(lambda p, _: update(p, (X[0], Y[0])), layers, length=task.passes)[0]
        return jax.lax.fori_loop(0, task.passes, lambda i, p: a_pass(i, p, X, Y), layers)

    def read(layers: Any) -> Array:
        return flat(task.network, [layer[0] for layer in layers], [b for layer in layers for b in layer[1:]])

    return Call(lambda: jax.block_until_ready(descend(start, X, Y)), read)


NAME = "JAX"
PEER = Peer(
    NAME,
    {NAME: Way(_forward, _descent, "#0072B2", "P")},
    module="jax",
    requires=("jax>=0.4.30",),
    distributions=("jax", "jaxlib"),
    variables={"NPROC": "{threads}"},
)
