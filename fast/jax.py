"""The network in JAX, compiled by XLA: the same functions as `samenet.reference`, the same answers.

A function is compiled on its first call for each network and number of samples. `Network(sizes, device="gpu")` computes
on an accelerator, `device="gpu:1"` on the second; parameters stay in NumPy's memory and are copied in each call. Inside
these functions JAX uses 64 bits, whatever its own setting; `threads=` has no effect.
"""

import sys
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from samenet.fast import array_backend
from samenet.fast.array_backend import ArrayBackend
from samenet.fast.arrays import Run, Theta, update
from samenet.fast.masks import Masks, Put, masks_of
from samenet.model.parameters import Parameters

LIBRARY = "JAX"
NORMALIZES = WEIGHS = True  # see `samenet.backends.generic`
SECONDS = 1e-3, 2.5e-9
jax.tree_util.register_pytree_node(
    Parameters,
    lambda theta: ((theta.everything,), (theta.sizes, theta.bias, theta.normalized)),
    lambda settings, vectors: Parameters.of(settings[0], settings[1], vectors[0], settings[2]),
)


def _compiled(f: Callable[..., Any]) -> Callable[..., Any]:
    """f, compiled for each objective or run (its first argument)."""
    compiled = jax.jit(f, static_argnums=0)

    @wraps(f)
    def call(*args: Any) -> Any:
        with jax.enable_x64(True), jax.default_matmul_precision("highest"):
            return compiled(*args)

    return call


@cache
def _device(name: str) -> Any:
    """The device of a name such as "cpu", "gpu" or "gpu:1"."""
    platform, _, number = name.partition(":")
    if not platform:
        raise ValueError("it has no name")
    return jax.devices(platform)[int(number or 0)]


def _put(array: NDArray[Any], device: str) -> Any:
    if device == jax.default_backend() and jax.config.jax_default_device is None:
        return array  # compiled functions copy it to the CPU device faster
    with jax.enable_x64(True):
        return jax.device_put(array, _device(device))


@_compiled
def _epochs(
    run: Run,
    epochs: Any,
    theta: Theta,
    values: Any,
    data: Any,
    order: Any,
    factors: Any,
    masks: Masks,
) -> Any:
    """Make this many epochs; `factors`, (epochs, batches, 2), may have more, which are ignored."""
    m, size = run.m, run.batch_size
    whole = m // size

    def one(state: Any, epoch: Any, batch: Any, rows: int) -> Any:
        theta, values, costs = state
        start = batch * size
        if order is not None:
            numbers = lax.dynamic_slice(order, (epoch, start), (1, rows))[0]
            given: Any = [None if A is None else A[numbers] for A in data]
        else:
            given = [None if A is None else lax.dynamic_slice_in_dim(A, start, rows) for A in data]
        now = masks_of(jnp, theta, masks, rows, epoch * m + start, epoch * factors.shape[1] + batch)
        theta, values, cost = update(jnp, run, theta, values, factors[epoch, batch], given, now)
        return theta, values, costs.at[epoch, batch].set(cost)

    def one_epoch(epoch: Any, state: Any) -> Any:
        state = lax.fori_loop(0, whole, lambda batch, state: one(state, epoch, batch, size), state)
        return one(state, epoch, whole, m - whole * size) if whole * size < m else state

    start = theta, values, jnp.zeros(factors.shape[:2])
    return lax.fori_loop(0, epochs, one_epoch, start)


def _updates(
    run: Run,
    put: Put,
    order: Any,
    factors: NDArray[Any],
    theta: Theta,
    values: Any,
    data: Any,
    masks: Masks,
    sampler: None,
) -> Any:
    """Make all updates in one compiled loop; it is compiled only for powers of two of epochs."""
    epochs = len(factors)
    most = 1 << (epochs - 1).bit_length()
    given = [None if a is None else put(_lengthened(a, most)) for a in (order, factors)]
    theta, values, costs = _epochs(run, epochs, theta, values, data, *given, masks)
    return theta, values, costs[:epochs]


def _lengthened(rows: NDArray[Any], count: int) -> NDArray[Any]:
    longer = np.zeros((count, *rows.shape[1:]), rows.dtype)
    longer[: len(rows)] = rows
    return longer


_backend = ArrayBackend(jnp, _put, np.array, _updates, _compiled, samples=False)  # np.asarray would be read-only
feed_forward, predict, evaluate = _backend.feed_forward, _backend.predict, _backend.evaluate
gradient, run_updates = _backend.gradient, _backend.run_updates


def try_device(device: str) -> None:
    """Raise an exception if the device is not available to JAX or has no float64."""
    with jax.enable_x64(True):
        np.asarray(jax.device_put(np.ones(1), _device(device)))


class Network(array_backend.OnDevice):
    """The network on JAX; documented in `samenet.network.Network`."""

    backend = sys.modules[__name__]
