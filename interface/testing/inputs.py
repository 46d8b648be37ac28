"""Fixed networks and samples that make comparisons meaningful.

With weights from U[0, 1), a wide network saturates: every output is about 1, and a comparison passes even if a bias is
left out or a matrix is transposed. So weights are scaled by fan-in and have both signs, biases are nonzero, adjacent
layers differ in width, and no layer saturates.
"""

import ctypes
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends.dropout import DropConnect, Dropout

Array = NDArray[Any]


@dataclass(frozen=True)
class Functions:
    """The activations of a network's hidden layers and output layer, and its cost."""

    hidden: str = "sigmoid"
    output: str = "sigmoid"
    cost: str = "squared_error"
    l1: float = 0.0
    l2: float = 0.0
    first: str = ""  # the first hidden layer's activation, if it differs from the others

    def __str__(self) -> str:
        penalties = "".join(f"-{name}" for name in ("l1", "l2") if getattr(self, name))
        first = f"{self.first}-" if self.first else ""
        return f"{first}{self.hidden}-{self.output}-{self.cost}{penalties}"

    def settings(self, layers: int) -> dict[str, Any]:
        """The arguments of a network with this many layers."""
        activation = [self.hidden] * (layers - 2) + [self.output]
        if self.first and layers > 2:
            activation[0] = self.first
        return {"activation": activation, "cost": self.cost, "l1": self.l1, "l2": self.l2}


@dataclass(frozen=True)
class Case:
    """A network with weights, and samples with targets, all drawn from one seed."""

    sizes: tuple[int, ...]
    rows: int
    bias: bool = True
    dtype: str = "float64"
    seed: int = 0
    functions: Functions = Functions()

    def __str__(self) -> str:
        bias = "" if self.bias else "-no_bias"
        functions = "" if self.functions == Functions() else f"-{self.functions}"
        return f"{'_'.join(map(str, self.sizes))}-{self.rows}_rows{bias}-{self.dtype}{functions}"

    def network(self, cls: type[Any]) -> Any:
        """The network on a backend, given its class."""
        weights, biases, _, _ = self.arrays
        settings = self.functions.settings(len(self.sizes))
        return cls(self.sizes, bias=self.bias, dtype=self.dtype, weights=weights, biases=biases, **settings)

    @property
    def arrays(self) -> tuple[list[Array], list[Array], Array, Array]:
        """Weights, biases, samples and targets, read-only."""
        return _drawn(self)

    @property
    def dropout(self) -> Dropout:
        """Dropout of about a third of the hidden nodes, each with a different probability."""
        p = np.random.default_rng(self.rows).uniform(0.2, 0.5, sum(self.sizes[1:-1]))
        return Dropout.of(p, np.dtype(self.dtype), key=1000 + self.rows)

    @property
    def drop_connect(self) -> DropConnect:
        """DropConnect of about a third of the weights, with a different probability for each layer."""
        p = np.random.default_rng(self.rows).uniform(0.2, 0.5, len(self.sizes) - 1)
        return DropConnect.of(p, np.dtype(self.dtype), key=1000 + self.rows)

    @property
    def masks(self) -> tuple[Dropout, DropConnect]:
        """Dropout and DropConnect."""
        return self.dropout, self.drop_connect

    @property
    def X(self) -> Array:
        """The samples, (rows, n_in)."""
        return self.arrays[2]

    @property
    def Y(self) -> Array:
        """The targets, (rows, n_out)."""
        return self.arrays[3]


def masks(dropout: Dropout | None, rows: int) -> Array | None:
    """The masks of a call's first samples, from their definition, (rows, hidden nodes), in integer arithmetic."""
    if dropout is None:
        return None
    found = np.empty((rows, len(dropout.factors)), dropout.factors.dtype)
    for place in np.ndindex(found.shape):
        n = (dropout.first + place[0]) * found.shape[1] + place[1] + 1
        is_kept = _random(dropout.key, n) >= dropout.thresholds[place[1]]
        found[place] = dropout.factors[place[1]] * is_kept
    return found


def weight_masks(drop_connect: DropConnect | None, sizes: tuple[int, ...], update: int = 0) -> list[Array] | None:
    """The masks of an update of a call, from their definition, a matrix for each layer of weights."""
    if drop_connect is None:
        return None
    shapes = list(zip(sizes[1:], sizes, strict=False))
    n = (drop_connect.first + update) * sum(rows * columns for rows, columns in shapes)
    found = [np.empty(shape, drop_connect.factors.dtype) for shape in shapes]
    for l, M in enumerate(found):
        for place in np.ndindex(M.shape):
            n += 1
            M[place] = drop_connect.factors[l] * (_random(drop_connect.key, 2**63 + n) >= drop_connect.thresholds[l])
    return found


def _random(key: int, n: int) -> int:
    z = ctypes.c_uint64(key + n * 0x9E3779B97F4A7C15).value
    z = ctypes.c_uint64((z ^ z >> 30) * 0xBF58476D1CE4E5B9).value
    z = ctypes.c_uint64((z ^ z >> 27) * 0x94D049BB133111EB).value
    return (z ^ z >> 31) // 2**11


@functools.lru_cache(1024)
def _drawn(case: Case) -> tuple[list[Array], list[Array], Array, Array]:
    random = np.random.default_rng([case.seed, case.rows, *case.sizes])
    layers = list(zip(case.sizes, case.sizes[1:], strict=False))
    weights = [random.normal(0, 1.5 / np.sqrt(n), (k, n)) for n, k in layers]
    biases = [random.uniform(0.2, 0.8, k) * random.choice([-1, 1], k) for _, k in layers] if case.bias else []
    X, Y = random.normal(size=(case.rows, case.sizes[0])), random.random((case.rows, case.sizes[-1]))
    drawn: list[Any] = [[v.astype(case.dtype) for v in weights], [v.astype(case.dtype) for v in biases]]
    drawn += [X.astype(case.dtype), Y.astype(case.dtype)]
    for array in (*drawn[0], *drawn[1], *drawn[2:]):
        array.flags.writeable = False
    return drawn[0], drawn[1], drawn[2], drawn[3]


def sample_weights(rows: int) -> Array:
    """Sample weights: positive numbers of several sizes, and some zeros; the first is nonzero, as not all may be 0."""
    random = np.random.default_rng(rows)
    weights: Array = random.lognormal(0, 1, rows) * (random.random(rows) < 0.8)
    weights[0] = 1.5
    return weights


def mostly_zero(X: Array) -> Array:
    """A copy with nine in ten numbers set to 0. Each row keeps its first number; the last column is 0."""
    kept = np.random.default_rng(X.size).random(X.shape) < 0.1
    kept[:, 0], kept[:, -1] = True, False
    zeroed: Array = np.where(kept, X, X.dtype.type(0))
    return zeroed
