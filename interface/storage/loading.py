"""A network from a file."""

import os

from samenet.backends import backend as find_backend
from samenet.backends import known_backends
from samenet.model import Model
from samenet.network import Network
from samenet.storage.reading import read
from samenet.validation import checks


def load(path: str | os.PathLike[str], backend: str = "numba", *, limit: int = 1 << 30) -> Network:
    """The network in a file that `net.save(path)` wrote, or in a checkpoint, with the same bits, on any backend.

    backend  the name of the backend: "reference", "numpy" or "numba", or another that `samenet.backend` knows
    limit    the maximum size of its parameters in bytes

    The network has one thread and no history. Nothing in a file is executed, and a refused file takes little memory.
    Raises ValueError, with the reason, for a file that is truncated, damaged, not samenet's, from a newer samenet,
    beyond the limit, or contains NaN or infinity; OSError for one that cannot be read.

    >>> from samenet.fast.numpy import Network
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Network([2, 1], weights=[[[0.5, -0.5]]]).save(f"{folder}/net.npz")
    ...     load(f"{folder}/net.npz", "numpy").predict([1.0, 1.0])
    array([0.5])
    """
    checks.choice("backend", backend, known_backends())
    return network_of(read(path, limit), backend)


def network_of(model: Model, backend: str) -> Network:
    """A network on this backend, with this model."""
    cls: type[Network] = find_backend(backend).Network
    network = cls(model.sizes, dtype=model.dtype, seed=0, **model.settings)
    network.model = model
    return network
