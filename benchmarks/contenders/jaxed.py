"""JAX: `jit` for a forward pass, and of `value_and_grad` for a gradient.

For training, `grad` is inside `lax.scan` over the updates, all in one `jit`; many networks are trained with `vmap` of
that. The equations of the update rules are written out: they are those of optax (a test compares them), which itself
takes up to 15 % longer for the smallest networks. Orders are drawn by NumPy, masks by JAX within the scan.

It reads the number of threads from the environment variable NPROC only once, when it starts.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.contenders import EVERYTHING, Peer, Way
from benchmarks.problem import SEED, Array, Call, Descent, Forward, Gradient, Many, flat
from samenet.model.functions import EPSILON, MOMENTUM
from samenet.network import Network


def _jax() -> Any:
    jax: Any = import_module("jax")
    jax.config.update("jax_enable_x64", True)  # float32 arrays stay float32
    jax.config.update("jax_platforms", "cpu")
    return jax


def _activation(jax: Any, name: str) -> Callable[[Any], Any]:
    return {"identity": lambda z: z, "tanh": jax.numpy.tanh}.get(name) or getattr(jax.nn, name)  # type: ignore[no-any-return]


def _output(
    jax: Any, activations: tuple[str, ...], layers: Any, h: Any, masks: Any = (), of_weights: Any = ()
) -> tuple[Any, Any, Any]:
    """The output, its weighted sums, and the statistics of layers with batch normalization."""
    z, statistics = h, []
    for i, ((W, *b), name) in enumerate(zip(layers, activations, strict=True)):
        z = h @ (W * of_weights[i] if of_weights else W).T
        if len(b) > 1:
            mean = z.mean(0)
            variance = ((z - mean) ** 2).mean(0)
            statistics.append((mean, variance))
            z = (z - mean) * jax.lax.rsqrt(variance + EPSILON) * b[1]
        z = z + b[0] if b else z
        h = _activation(jax, name)(z)
        if i < len(masks):
            h = h * masks[i]
    return h, z, statistics


def _layers(jax: Any, network: Network) -> list[tuple[Any, ...]]:
    """For each layer W, b if there is one, and gamma if it has batch normalization."""
    layers, gammas = range(len(network.weights)), network.model.gammas
    each = [(*network.biases[i : i + 1], *(gamma for gamma in gammas[i : i + 1] if gamma.size)) for i in layers]
    return [tuple(map(jax.numpy.asarray, (network.weights[i], *each[i]))) for i in layers]


def _numbers(network: Network, layers: Any) -> Array:
    return flat(network, *([layer[i] for layer in layers if i < len(layer)] for i in range(3)))


def _forward(task: Forward) -> Call:
    jax = _jax()
    layers, x, activations = _layers(jax, task.network), jax.numpy.asarray(task.x), task.network.activations
    compiled = jax.jit(lambda layers, x: _output(jax, activations, layers, x)[0])
    return Call(lambda: compiled(layers, x).block_until_ready(), np.array)


def _cost(jax: Any, task: Descent | Gradient) -> Callable[..., Any]:
    """The mean or the sum of the costs of a batch, and the penalties; and the statistics of batch normalization."""
    jnp, model = jax.numpy, task.network.model
    costs = {
        "squared_error": lambda h, z, y: 0.5 * (h - y) ** 2,
        "binary_cross_entropy": lambda h, z, y: jax.nn.softplus(z) - y * z,
        "cross_entropy": lambda h, z, y: -(y * jax.nn.log_softmax(z)),
    }
    value = costs[model.cost_function]
    scale = 1 / len(task.X) if isinstance(task, Gradient) else task.rate / task.alpha
    is_mean = isinstance(task, Gradient) or task.reduction == "mean"

    def cost(layers: Any, x: Any, y: Any, w: Any = None, masks: Any = (), of_weights: Any = ()) -> Any:
        h, z, statistics = _output(jax, model.activations, layers, x, masks, of_weights)
        costs = value(h, z, y)
        total = scale * costs.sum() if w is None else ((w / w.sum() if is_mean else w)[:, None] * costs).sum()
        if model.l1:
            total += model.l1 * sum(jnp.abs(layer[0]).sum() for layer in layers)
        if model.l2:
            total += 0.5 * model.l2 * sum((layer[0] ** 2).sum() for layer in layers)
        return total, statistics

    return cost


def _gradient(task: Gradient) -> Call:
    jax = _jax()
    layers, X, Y = _layers(jax, task.network), jax.numpy.asarray(task.X), jax.numpy.asarray(task.Y)
    compiled = jax.jit(jax.value_and_grad(_cost(jax, task), has_aux=True))

    def read(found: Any) -> Array:
        (cost, _), slopes = found
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


def _masks(jax: Any, task: Descent, key: Any) -> tuple[Any, Any]:
    """Factors of the hidden nodes of a batch, layer by layer, and of the weights; none where nothing is left out."""
    of_nodes, of_weights = jax.random.split(key) if task.dropout and task.drop_connect else (key, key)
    shapes = [(task.batch_size, width) for width in task.network.sizes[1:-1]]
    nodes = _drawn(jax, task, of_nodes, task.dropout, shapes) if task.dropout else ()
    shapes = [W.shape for W in task.network.weights]
    return nodes, _drawn(jax, task, of_weights, task.drop_connect, shapes) if task.drop_connect else ()


def _drawn(jax: Any, task: Descent, key: Any, p: float, shapes: Sequence[tuple[int, ...]]) -> Any:
    keys, keep = jax.random.split(key, len(shapes)), 1 - p
    drawn = [jax.random.bernoulli(one, keep, shape) for one, shape in zip(keys, shapes, strict=True)]
    return [mask.astype(task.network.dtype) / task.network.dtype.type(keep) for mask in drawn]


def _clipped(jax: Any, task: Descent, g: Any) -> Any:
    """By value, then by norm, as in optax."""
    jnp, every = jax.numpy, jax.tree.map
    if task.clip_value < np.inf:
        g = every(lambda g: jnp.clip(g, -task.clip_value, task.clip_value), g)
    if task.clip_norm < np.inf:
        norm = jnp.sqrt(sum((one * one).sum() for one in jax.tree.leaves(g)))
        g = every(lambda g: jnp.where(norm > task.clip_norm, g * (task.clip_norm / norm), g), g)
    return g


def _running(jax: Any, network: Network) -> list[Any]:
    return [tuple(map(jax.numpy.asarray, both)) for both in network.model.running if both.size]


def _move(running: Any, batch: Any, m: int) -> Any:
    """The running means and variances after a batch of m rows."""
    rest = 1 - MOMENTUM
    return [
        (rest * mean + MOMENTUM * b_mean, rest * variance + MOMENTUM * (b_variance * m / (m - 1)))
        for (mean, variance), (b_mean, b_variance) in zip(running, batch, strict=True)
    ]


def _training(jax: Any, task: Descent) -> Callable[..., Any]:
    """From the layers, the rows and their order to the layers and the rule's state after all updates.

    Without the state, which all others keep, training could not go on; and XLA would not compute what only it needs.
    """
    gradient, (states, _) = jax.grad(_cost(jax, task), has_aux=True), rule(jax, task.rule, task.alpha)
    has_masks, running = task.dropout > 0 or task.drop_connect > 0, _running(jax, task.network)

    def update(carry: Any, batch: Any) -> Any:
        layers, state, running, t, key = carry
        masks: Any = ()
        if has_masks:
            key, one = jax.random.split(key)
            masks = _masks(jax, task, one)
        alpha = task.alpha
        if task.decay:
            alpha = (alpha / (1 + task.decay * (t // task.batches))).astype(task.network.dtype)
        t = t + 1
        g, statistics = gradient(layers, *batch, *masks)
        layers, state = rule(jax, task.rule, alpha)[1](layers, _clipped(jax, task, g), state, t)
        return (layers, state, _move(running, statistics, task.batch_size), t, key), None

    def descend(layers: Any, X: Any, Y: Any, w: Any, order: Any) -> Any:
        zeros = jax.tree.map(jax.numpy.zeros_like, layers)
        start = (layers, (zeros,) * states, running, jax.numpy.zeros(()), jax.random.key(SEED))
        samples = X, Y, w
        if task.shuffle:

            def of_rows(carry: Any, rows: Any) -> Any:
                return update(carry, jax.tree.map(lambda a: a[rows], samples))

            return jax.lax.scan(of_rows, start, order)[0][:3]
        if task.batches == 1:  # a single scan over the passes: nested loops cost more
            return jax.lax.scan(lambda carry, _: update(carry, samples), start, length=task.passes)[0][:3]
        batches = jax.tree.map(lambda a: a.reshape(task.batches, task.batch_size, *a.shape[1:]), samples)
        return jax.lax.fori_loop(0, task.passes, lambda _, carry: jax.lax.scan(update, carry, batches)[0], start)[:3]

    return descend


def _arguments(jax: Any, task: Descent) -> Callable[[], tuple[Any, ...]]:
    """X, Y, weights if rows have any and, where rows are shuffled, their order, drawn anew in each call."""
    X, Y = jax.numpy.asarray(task.X), jax.numpy.asarray(task.Y)
    w = None if task.weights is None else jax.numpy.asarray(task.weights, task.X.dtype)
    return lambda: (X, Y, w, task.orders() if task.shuffle else None)


def _descent(task: Descent) -> Call:
    jax = _jax()
    start, arguments, descend = _layers(jax, task.network), _arguments(jax, task), jax.jit(_training(jax, task))

    def read(found: Any) -> Array:
        return _numbers(task.network, found[0])

    random = (np.inf, "masks of its own") if task.dropout or task.drop_connect else (0.0, "")
    return Call(lambda: jax.block_until_ready(descend(start, *arguments())), read, *random)


def _many(task: Many) -> Call:
    jax = _jax()
    layers = [_layers(jax, network) for network in task.networks]
    start = jax.tree.map(lambda *several: jax.numpy.stack(several), *layers)
    descend = jax.jit(jax.vmap(_training(jax, task.one), in_axes=(0, *[None] * 4)))
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
