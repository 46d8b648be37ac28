"""The masks of dropout and DropConnect on whole arrays, computed from a counter.

`xp` is the namespace of the arrays' library, see `samenet.fast.arrays`. Integers are signed, which all libraries have;
they wrap around like unsigned ones. Definitions and equivalent loops: `samenet.backends.dropout`,
`samenet.reference.dropout`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.backends.dropout import DropConnect, Dropout
from samenet.model.parameters import Parameters

Array = Any  # an array of the library
Put = Callable[[NDArray[Any]], Array]  # copies a NumPy array to the library's device


class Masks(NamedTuple):
    """What the masks of a call are computed from, on the library's arrays; None for what is not used.

    Each has thresholds and factors, (n,) for n hidden nodes or n weights; the generator's key, and the counter before
    the call's first mask: integers modulo 2^64.
    """

    dropout: tuple[Array, Array, Array, Array] | None = None
    drop_connect: tuple[Array, Array, Array, Array] | None = None

    @classmethod
    def of(cls, put: Put, theta: Parameters, dropout: Dropout | None, drop_connect: DropConnect | None) -> "Masks":
        """Convert the arguments of the backend contract."""

        def on_device(thresholds: Any, factors: Any, key: int, counter: int) -> Any:
            integers = (np.array(_signed(n), np.int64) for n in (key, counter))
            return tuple(put(values) for values in (thresholds, factors, *integers))

        of_nodes = of_weights = None
        if dropout is not None:
            thresholds, factors, key, first = dropout
            of_nodes = on_device(thresholds, factors, key, first * len(factors))
        if drop_connect is not None:
            sizes = [end - start for start, end, _ in theta.matrix_slices()]
            thresholds, factors = (np.repeat(values, sizes) for values in drop_connect[:2])
            _, _, key, first = drop_connect
            of_weights = on_device(thresholds, factors, key, 2**63 + first * len(factors))
        return cls(of_nodes, of_weights)


def masks_of(
    xp: Any, theta: Parameters, masks: Masks, rows: int, samples: Any = 0, updates: Any = 0
) -> tuple[Array | None, list[Array] | None]:
    """The factors of all hidden nodes for a batch, (rows, n), and of all weights, one matrix per layer.

    The batch comes after so many samples, and updates, of the call.
    """
    of_nodes, of_weights = None, None
    if masks.dropout is not None:
        n = masks.dropout[1].shape[0]
        of_nodes = _kept(xp, masks.dropout, samples * n, rows * n, (rows, n))
    if masks.drop_connect is not None:
        n, end, of_weights = masks.drop_connect[1].shape[0], 0, []
        flat = _kept(xp, masks.drop_connect, updates * n, n, (n,))
        for first, last, shape in theta.matrix_slices():
            start, end = end, end + last - first
            of_weights.append(flat[start:end].reshape(shape))
    return of_nodes, of_weights


def _kept(xp: Any, mask: tuple[Array, ...], before: Any, count: int, shape: tuple[int, ...]) -> Array:
    """The factors, with 0 for dropped entries."""
    thresholds, factors, key, first = mask
    n = xp.arange(1, count + 1, dtype=xp.int64, device=getattr(first, "device", None))  # JAX finds it out
    kept = (splitmix64(key, first + before + n) >> 11) & (2**53 - 1)
    return xp.where(kept.reshape(shape) >= thresholds, factors, 0)


def splitmix64(key: Array, n: Array) -> Array:
    """The numbers n = 1, 2, ... of a generator; see `samenet.reference.dropout.splitmix64`."""
    z = key + n * _GROWTH
    z = (z ^ _shifted(z, 30)) * _FIRST
    z = (z ^ _shifted(z, 27)) * _SECOND
    return z ^ _shifted(z, 31)


def _shifted(z: Array, bits: int) -> Array:
    """A logical right shift, computed with the arithmetic shift of signed integers."""
    return (z >> bits) & (2 ** (64 - bits) - 1)


def _signed(n: int) -> int:
    """The signed integer of 64 bits that is n modulo 2^64."""
    return (n + 2**63) % 2**64 - 2**63


_GROWTH, _FIRST, _SECOND = map(_signed, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
