"""All weights and biases of a network in one flat vector, theta, with a view for every matrix."""

from collections.abc import Iterator, Sequence
from ctypes import addressof, c_byte
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.validation import checks


class Parameters:
    """theta = (W1, b1, W2, b2, ...), each matrix row by row, in one C-contiguous vector.

    In a layer with batch normalization, gamma follows W and b: theta = (W1, b1, gamma1, W2, b2, ...).

    flat        the vector itself, (size,)
    weights     views of it: for each layer after the first, (n_out, n_in)
    biases      views of it: for each layer after the first, (n_out,); empty for a network without biases
    gammas      views of it: for each layer after the first, (n_out,), or (0,) for a layer without batch normalization;
                empty for a network without any
    sizes       the number of nodes in each layer
    bias        whether there are biases
    normalized  whether each layer after the first has batch normalization; empty for a network without any
    everything  flat, followed in memory by the running statistics of the normalized layers: everything that training
                changes. If there are none, as in a gradient, it is flat itself
    running     views of it: for each layer after the first its means and variances, (2, n_out), or (2, 0); or empty

    A gradient is also an object of this class, with dJ/dW, dJ/db and dJ/dgamma in place of W, b and gamma.

    `Parameters(sizes, bias, flat, normalized)` is a view of an existing vector. Raises ValueError or TypeError for
    invalid sizes and for a vector of the wrong length or not contiguous.
    """

    __slots__ = (
        *("_biases", "_gammas", "_running", "_shown", "_weights"),
        *("bias", "everything", "flat", "joint", "normalized", "sizes"),
    )

    def __init__(self, sizes: Sequence[int], bias: bool, flat: NDArray[Any], normalized: tuple[bool, ...] = ()) -> None:
        sizes, bias = checks.sizes(sizes), checks.flag("bias", bias)
        n = checks.short(self.count(sizes, bias, normalized))
        if not isinstance(flat, np.ndarray):
            raise TypeError(f"flat: expected a NumPy array of shape ({n},), got {checks.short(flat)}")
        if flat.shape != (self.count(sizes, bias, normalized),) or not flat.flags.c_contiguous:
            contiguous = "" if flat.flags.c_contiguous else ", not contiguous"
            raise ValueError(f"flat: expected a contiguous array of shape ({n},), got shape {flat.shape}{contiguous}")
        self._view(sizes, bias, flat[:], normalized)

    def _view(self, sizes: tuple[int, ...], bias: bool, everything: NDArray[Any], normalized: tuple[bool, ...]) -> None:
        self.sizes = sizes
        self.bias = bias
        self.normalized = normalized
        self.everything = everything
        self.flat = everything[: _layers(sizes, bias, normalized)[-1]] if normalized else everything
        # Views are created when first used: a gradient may be needed only as a vector.
        self._weights: tuple[NDArray[Any], ...] | None = None
        self._biases: tuple[NDArray[Any], ...] | None = None
        self._gammas: tuple[NDArray[Any], ...] | None = None
        self._running: tuple[NDArray[Any], ...] | None = None
        self._shown: Parameters | None = None
        self.joint: Any = None  # the `Joint` that knows these views, and is told of others

    def apart(self, values: NDArray[Any]) -> NDArray[Any]:
        """The array, or a copy of it if it shares memory with the parameters, because training would change it."""
        owner = values if values.base is None else values.base
        is_own = type(owner) is np.ndarray and owner.flags.owndata and owner is not self.everything.base
        return values if is_own or not np.may_share_memory(values, self.everything) else values.copy()

    @property
    def shown(self) -> "Parameters":
        """The same parameters in other array objects: a user who changes their shape or dtype changes no others."""
        if self._shown is None:
            self._tell()
            self._shown = Parameters.of(self.sizes, self.bias, self.everything[:], self.normalized)
            self._shown.joint = self.joint
        return self._shown

    @property
    def weights(self) -> tuple[NDArray[Any], ...]:
        """The matrices, views of the vector."""
        if self._weights is None:
            self._tell()
            matrices, _, _, _ = _layers(self.sizes, self.bias, self.normalized)
            self._weights = tuple([self.flat[start:end].reshape(shape) for start, end, shape in matrices])
        return self._weights

    @property
    def biases(self) -> tuple[NDArray[Any], ...]:
        """The vectors of biases, views of the vector."""
        if self._biases is None:
            self._tell()
            _, vectors, _, _ = _layers(self.sizes, self.bias, self.normalized)
            self._biases = tuple([self.flat[start:end] for start, end in vectors])
        return self._biases

    @property
    def gammas(self) -> tuple[NDArray[Any], ...]:
        """The factors of normalized layers, views of the vector."""
        if self._gammas is None:
            self._tell()
            _, _, factors, _ = _layers(self.sizes, self.bias, self.normalized)
            self._gammas = tuple([self.flat[start:end] for start, end in factors])
        return self._gammas

    @property
    def running(self) -> tuple[NDArray[Any], ...]:
        """The running means and variances of normalized layers, views of what follows the vector."""
        if self._running is None:
            rest, found = self.everything[self.flat.shape[0] :], []
            for n, is_normalized in zip(self.sizes[1:], self.normalized if rest.shape[0] else (), strict=False):
                size = 2 * n * is_normalized
                found.append(rest[:size].reshape((2, n * is_normalized)))
                rest = rest[size:]
            self._running = tuple(found)
        return self._running

    def begin_normalization(self) -> None:
        """Set gamma to 1, and running means and variances to their initial values, 0 and 1."""
        if self.normalized:
            self.everything[self.flat.size :] = 0
            self.everything[_ones(self.sizes, self.bias, self.normalized)] = 1

    @staticmethod
    def count(sizes: tuple[int, ...], bias: bool, normalized: tuple[bool, ...] = ()) -> int:
        """The length of theta.

        >>> Parameters.count((784, 16, 16, 10), bias=True)
        13002
        """
        return _layers(sizes, bias, normalized)[-1]

    @classmethod
    def empty(
        cls, sizes: tuple[int, ...], bias: bool, dtype: np.dtype[Any], normalized: tuple[bool, ...] = ()
    ) -> "Parameters":
        """Uninitialised parameters, and running statistics of normalized layers."""
        size = cls.count(sizes, bias, normalized)
        if normalized:
            size += 2 * sum(n for n, is_normalized in zip(sizes[1:], normalized, strict=True) if is_normalized)
        return cls.of(sizes, bias, aligned(size, dtype), normalized)

    def several(self, number: int) -> "list[Parameters]":
        """So many others like these, uninitialised; a block of memory is shared by several small ones."""
        dtype, size = self.everything.dtype, self.everything.size
        lines = -(-size * dtype.itemsize // _LINE)  # of each
        each, step, found = max(1, _BLOCK // (lines * _LINE)), lines * _LINE // dtype.itemsize, list[Parameters]()
        while len(found) < number:
            few = min(each, number - len(found))
            block = aligned(few * step, dtype)
            places = range(0, few * step, step)
            found += [self.of(self.sizes, self.bias, block[i : i + size], self.normalized) for i in places]
        return found

    @classmethod
    def of(
        cls, sizes: tuple[int, ...], bias: bool, everything: NDArray[Any], normalized: tuple[bool, ...]
    ) -> "Parameters":
        """Views of this vector of `everything`, which may be of another library; it is not checked."""
        parameters = cls.__new__(cls)
        parameters._view(sizes, bias, everything, normalized)
        return parameters

    def join(self, joint: Any) -> None:
        """Tell this object of views that are made from now on, in place of another."""
        if self.joint is not None:
            self.joint.is_whole = False
        self.joint = joint
        if self._shown is not None:
            self._shown.joint = joint

    def _tell(self) -> None:
        if self.joint is not None:
            self.joint.has_new_views = True

    def arrays(self) -> Iterator[NDArray[Any]]:
        """The vector and all views of it, including those that are shown: a user can make any of them read-only."""
        for one in (self, self._shown):
            if one is not None:
                yield one.flat
                for views in (one._weights, one._biases, one._gammas):
                    yield from views or ()

    def check_writable(self) -> None:
        """Raise ValueError, naming the array, if a user has made the vector or a view read-only."""
        shown = self._shown
        has_views = self._weights or self._biases or self._gammas or shown
        if self.flat.flags.writeable if not has_views else self._is_writable and (not shown or shown._is_writable):
            return
        for one in (self, self.shown):
            if not one.flat.flags.writeable:
                raise ValueError("parameters: expected an array that can be written to, got a read-only one")
            for name, views in (("weights", one._weights), ("biases", one._biases), ("gammas", one._gammas)):
                for layer, view in enumerate(views or ()):
                    if not view.flags.writeable:
                        raise ValueError(
                            f"{name}[{layer}]: expected an array that can be written to, got a read-only one"
                        )

    @property
    def _is_writable(self) -> bool:
        writable = self.flat.flags.writeable
        for views in (self._weights, self._biases, self._gammas):
            if views:
                for view in views:
                    writable = writable and view.flags.writeable
        return writable

    def matrix_slices(self) -> tuple[tuple[int, int, tuple[int, int]], ...]:
        """The start and end of each matrix in the vector, and its shape."""
        found: tuple[tuple[int, int, tuple[int, int]], ...] = _layers(self.sizes, self.bias, self.normalized)[0]
        return found

    def empty_like(self) -> "Parameters":
        """Uninitialised parameters of the same shape and dtype, without running statistics."""
        size, dtype = self.flat.size, self.flat.dtype
        return self.like(np.empty(size, dtype) if size <= _SMALL else aligned(size, dtype))

    def like(self, flat: NDArray[Any]) -> "Parameters":
        """Parameters of the same shape in this vector: a view of it."""
        return Parameters.of(self.sizes, self.bias, flat, self.normalized)

    def is_like(self, other: "Parameters") -> bool:
        """Whether both have the same shape."""
        return (self.sizes, self.bias, self.normalized) == (other.sizes, other.bias, other.normalized)

    def fill(self, weights: Any, biases: Any, gammas: Any = ()) -> None:
        """Copy in matrices and vectors of the right shapes, as arrays or nested lists."""
        for view, values in zip((*self.weights, *self.biases, *self.gammas), (*weights, *biases, *gammas), strict=True):
            view[:] = values

    @classmethod
    def holding(
        cls, sizes: tuple[int, ...], bias: bool, values: NDArray[Any], normalized: tuple[bool, ...] = ()
    ) -> "Parameters":
        """Parameters with a copy of the given values of `everything`."""
        parameters = cls.of(sizes, bias, aligned(values.size, values.dtype), normalized)
        parameters.everything[:] = values
        return parameters

    def __reduce__(self) -> tuple[Any, ...]:
        # Only the vector is pickled or copied; the views are created again, because their copies would be separate
        # arrays. `holding` copies the vector: a worker process may receive read-only memory, which cannot be trained.
        return Parameters.holding, (self.sizes, self.bias, self.everything, self.normalized)

    def __repr__(self) -> str:
        return f"Parameters(sizes={list(self.sizes)}, bias={self.bias}, {self.flat.size} numbers, {self.flat.dtype})"


@lru_cache(256)
def _layers(sizes: tuple[int, ...], bias: bool, normalized: tuple[bool, ...]) -> tuple[Any, Any, Any, int]:
    """Where matrices (start, end, shape), biases and gammas (start, end) lie in theta, and its length."""
    matrices, vectors, factors, start = [], [], [], 0
    for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
        matrices.append((start, start := start + n_out * n_in, (n_out, n_in)))
        if bias:
            vectors.append((start, start := start + n_out))
        if normalized:
            factors.append((start, start := start + n_out * normalized[layer]))
    return tuple(matrices), tuple(vectors), tuple(factors), start


@lru_cache(256)
def _ones(sizes: tuple[int, ...], bias: bool, normalized: tuple[bool, ...]) -> NDArray[np.intp]:
    """The places of gammas, and of the running variances, which follow the means of their layers."""
    _, _, factors, end = _layers(sizes, bias, normalized)
    places = [np.arange(*one) for one in factors]
    for n, is_normalized in zip(sizes[1:], normalized, strict=False):
        if is_normalized:
            places.append(np.arange(end + n, end := end + 2 * n))
    return np.concatenate(places)


_SMALL = 4096  # up to this size, writing takes less time than finding an aligned place
_BLOCK = 1 << 14  # bytes of memory shared by several small ones
_LINE = 64  # bytes of a cache line, and of the longest vector registers


def aligned(size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """An uninitialised vector aligned to a cache line, so that a load of 64 bytes touches one line, not two."""
    buffer = np.empty(size + _LINE // dtype.itemsize, dtype)
    address = addressof(c_byte.from_buffer(buffer))  # type: ignore[arg-type]  # faster than buffer.ctypes.data
    start = -address % _LINE // dtype.itemsize
    return buffer[start : start + size]
