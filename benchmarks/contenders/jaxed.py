"""JAX: `jit` for a forward pass, and of `value_and_grad` for a gradient.

For training, `grad` is inside `lax.scan` over the updates, all in one `jit`; many networks are trained with `vmap` of
that. The equations of the update rules are written out: they are those of optax (a test compares them), which itself
takes up to 15 % longer for the smallest networks. Orders are drawn by NumPy, masks by JAX within the scan.

It reads the number of threads from the environment variable NPROC only once, when it starts.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.contenders import EVERYTHING, Peer, Way
from benchmarks.problem import SEED, Array, Call, Descent, Forward, Gradient, Many, flat
from samenet.network import Network


def _jax() -> Any:
    jax: Any = import_module("jax")
    jax.config.update("jax_enable_x64", True)  # float32 arrays stay float32
    jax.config.update("jax_platforms", "cpu")
    return jax


def _activation(jax: Any, name: str) -> Callable[[Any], Any]:
    return {"identity": lambda z: z, "tanh": jax.numpy.tanh}.get(name) or getattr(jax.nn, name)  # type: ignore[no-any-return]


def _output(jax: Any, activations: tuple[str, ...], layers: Any, h: Any, masks: Any = ()) -> tuple[Any, Any]:
    """The output, and its weighted sums."""
    z = h
    for i, ((W, *b), name) in enumerate(zip(layers, activations, strict=True)):
        z = h @ W.T
        z = z + b[0] if b else z
        h = _activation(jax, name)(z)
        if i < len(masks):
            h = h * masks[i]
    return h, z


def _layers(jax: Any, network: Network) -> list[tuple[Any, ...]]:
    return [tuple(jax.numpy.asarray(a) for a in (W, *network.biases[i : i + 1])) for i, W in enumerate(network.weights)]


def _numbers(network: Network, layers: Any) -> Array:
    return flat(network, [layer[0] for layer in layers], [b for layer in layers for b in layer[1:]])


def _forward(task: Forward) -> Call:
    jax = _jax()
    layers, x, activations = _layers(jax, task.network), jax.numpy.asarray(task.x), task.network.activations
    compiled = jax.jit(lambda layers, x: _output(jax, activations, layers, x)[0])
    return Call(lambda: compiled(layers, x).block_until_ready(), np.array)


def _cost(jax: Any, task: Descent | Gradient) -> Callable[..., Any]:
    """The mean or the sum of the costs of a batch, and the penalties."""
    jnp, model = jax.numpy, task.network.model
    costs = {
        "squared_error": lambda h, z, y: 0.5 * ((h - y) ** 2).sum(),
        "binary_cross_entropy": lambda h, z, y: (jax.nn.softplus(z) - y * z).sum(),
        "cross_entropy": lambda h, z, y: -(y * jax.nn.log_softmax(z)).sum(),
    }
    value = costs[model.cost_function]
    scale = 1 / len(task.X) if isinstance(task, Gradient) else task.rate / task.alpha

    def cost(layers: Any, x: Any, y: Any, masks: Any = ()) -> Any:
        total = scale * value(*_output(jax, model.activations, layers, x, masks), y)
        if model.l1:
            total += model.l1 * sum(jnp.abs(layer[0]).sum() for layer in layers)
        if model.l2:
            total += 0.5 * model.l2 * sum((layer[0] ** 2).sum() for layer in layers)
        return total

    return cost


def _gradient(task: Gradient) -> Call:
    jax = _jax()
    layers, X, Y = _layers(jax, task.network), jax.numpy.asarray(task.X), jax.numpy.asarray(task.Y)
    compiled = jax.jit(jax.value_and_grad(_cost(jax, task)))

    def read(found: Any) -> Array:
        cost, slopes = found
        return np.append(_numbers(task.network, slopes), np.asarray(cost))

    return Call(lambda: jax.block_until_ready(compiled(layers, X, Y)), read)


def rule(jax: Any, name: str, alpha: float) -> tuple[int, Callable[..., tuple[Any, ...]]]:
    """The number of the rule's state arrays, and its step: from parameters, gradient, state, t to parameters, state."""
    every, sqrt = jax.tree.map, jax.numpy.sqrt

    def descent(p: Any, g: Any, _: Any, t: Any) -> Any:
        return every(lambda p, g: p - alpha * g, p, g), ()

    def momentum(p: Any, g: Any, state: Any, t: Any) -> Any:
        v = every(lambda v, g: 0.9 * v - alpha * g, *state, g)
        if name == "nesterov":
            return every(lambda p, v, g: p + 0.9 * v - alpha * g, p, v, g), (v,)
        return every(lambda p, v: p + v, p, v), (v,)

    def rmsprop(p: Any, g: Any, state: Any, t: Any) -> Any:
        s = every(lambda s, g: 0.9 * s + 0.1 * g * g, *state, g)
        return every(lambda p, g, s: p - alpha * g / (sqrt(s) + 1e-8), p, g, s), (s,)

    def adam(p: Any, g: Any, state: Any, t: Any) -> Any:
        m = every(lambda m, g: 0.9 * m + 0.1 * g, state[0], g)
        v = every(lambda v, g: 0.999 * v + 0.001 * g * g, state[1], g)
        a, c = 1 - 0.9**t, 1 - 0.999**t

        def step(p: Any, m: Any, v: Any) -> Any:
            return p - alpha * (m / a.astype(m.dtype)) / (sqrt(v / c.astype(v.dtype)) + 1e-8)

        return every(step, p, m, v), (m, v)

    steps = {"descent": (0, descent), "rmsprop": (1, rmsprop), "adam": (2, adam)}
    return steps.get(name, (1, momentum))


def _masks(jax: Any, task: Descent, key: Any) -> Any:
    """Factors of the hidden nodes of a batch, layer by layer."""
    widths, keep = task.network.sizes[1:-1], 1 - task.dropout
    keys = jax.random.split(key, len(widths))
    shapes = [(task.batch_size, width) for width in widths]
    drawn = [jax.random.bernoulli(one, keep, shape) for one, shape in zip(keys, shapes, strict=True)]
    return [mask.astype(task.network.dtype) / task.network.dtype.type(keep) for mask in drawn]


def _training(jax: Any, task: Descent) -> Callable[..., Any]:
    """From the layers, the rows and their order to the layers and the rule's state after all updates.

    Without the state, which all others keep, training could not go on; and XLA would not compute what only it needs.
    """
    gradient, (states, step) = jax.grad(_cost(jax, task)), rule(jax, task.rule, task.alpha)

    def update(carry: Any, batch: Any) -> Any:
        layers, state, t, key = carry
        masks: Any = ()
        if task.dropout:
            key, one = jax.random.split(key)
            masks = _masks(jax, task, one)
        t = t + 1
        return (*step(layers, gradient(layers, *batch, masks), state, t), t, key), None

    def descend(layers: Any, X: Any, Y: Any, order: Any) -> Any:
        zeros = jax.tree.map(jax.numpy.zeros_like, layers)
        start = (layers, (zeros,) * states, jax.numpy.zeros(()), jax.random.key(SEED))
        if task.shuffle:
            return jax.lax.scan(lambda carry, rows: update(carry, (X[rows], Y[rows])), start, order)[0][:2]
        if task.batches == 1:  # a single scan over the passes: nested loops cost more
            return jax.lax.scan(lambda carry, _: update(carry, (X, Y)), start, length=task.passes)[0][:2]
        batches = [a.reshape(task.batches, task.batch_size, -1) for a in (X, Y)]
        return jax.lax.fori_loop(0, task.passes, lambda _, carry: jax.lax.scan(update, carry, batches)[0], start)[:2]

    return descend


def _arguments(jax: Any, task: Descent) -> Callable[[], tuple[Any, ...]]:
    """X, Y and, where rows are shuffled, their order, drawn anew in each call."""
    X, Y = jax.numpy.asarray(task.X), jax.numpy.asarray(task.Y)
    return lambda: (X, Y, task.orders() if task.shuffle else None)


def _descent(task: Descent) -> Call:
    jax = _jax()
    start, arguments, descend = _layers(jax, task.network), _arguments(jax, task), jax.jit(_training(jax, task))

    def read(found: Any) -> Array:
        return _numbers(task.network, found[0])

    random = (np.inf, "masks of its own") if task.dropout else (0.0, "")
    return Call(lambda: jax.block_until_ready(descend(start, *arguments())), read, *random)


def _many(task: Many) -> Call:
    jax = _jax()
    layers = [_layers(jax, network) for network in task.networks]
    start = jax.tree.map(lambda *several: jax.numpy.stack(several), *layers)
    descend = jax.jit(jax.vmap(_training(jax, task.one), in_axes=(0, None, None, None)))
    arguments = _arguments(jax, task.one)

    def read(found: Any) -> Array:
        several = [jax.tree.map(lambda a, i=i: a[i], found[0]) for i in range(len(layers))]
        return np.array([_numbers(task.network, one) for one in several])

    return Call(lambda: jax.block_until_ready(descend(start, *arguments())), read, note="vmap")


NAME = "JAX"
PEER = Peer(
    NAME,
    {NAME: Way(_forward, _descent, "#0072B2", "P", _many, _gradient, EVERYTHING)},
    module="jax",
    requires=("jax>=0.4.30",),
    distributions=("jax", "jaxlib"),
    variables={"NPROC": "{threads}"},
)
