"""The model: sizes, activations, a cost with its penalties, and all parameters in one flat vector.

Backends, optimizers, stop rules, training and `samenet.testing` work on a `Model`; users work with
`samenet.network.Network`, which holds one.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet.model.functions import ACTIVATIONS, COSTS, MADE_FOR, REDUCTIONS, Activation, Cost, Reduction
from samenet.model.parameters import Parameters
from samenet.validation import arrays, checks
from samenet.validation.memory import remembers


class Kind(NamedTuple):
    """A model's checked arguments: equal for models that differ only in parameters."""

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    bias: bool
    cost_function: Cost
    l1: float
    l2: float
    dtype: np.dtype[Any]
    normalized: tuple[bool, ...]  # for each layer after the first; empty if none is


class Model:
    """A network's description and its parameters; takes the arguments of `Network`, and checks them.

    theta          all weights, biases and normalization parameters, see `Parameters`; uninitialised at first
    activations    the name of the activation function of each layer after the first
    cost_function  the name of the cost; l1, l2: its penalties
    kind           all of this but the parameters, see `Kind`
    prepared       a cache of the values that each backend derives from the model, under its own keys; empty in copies

    Only the numbers in theta, the running statistics and `threads` ever change.
    """

    activations: tuple[Activation, ...]
    cost_function: Cost
    l1: float
    l2: float

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: Activation | Sequence[Activation] = "sigmoid",
        bias: bool = True,
        cost: Cost = "squared_error",
        l1: float = 0.0,
        l2: float = 0.0,
        dtype: checks.DType = np.float64,
        threads: int = 1,
        batch_normalization: bool | Sequence[bool] = False,
    ) -> None:
        given = sizes, activation, bias, cost, l1, l2, dtype, batch_normalization
        self.kind = kind = _checked(*given)
        self.activations, self.cost_function, self.l1, self.l2 = kind.activations, kind.cost_function, kind.l1, kind.l2
        self._threads = checks.integer("threads", threads, least=1)
        try:
            self.theta = Parameters.empty(kind.sizes, kind.bias, kind.dtype, kind.normalized)
        except (MemoryError, OverflowError, ValueError):
            raise checks.too_large("sizes", sizes) from None
        self.prepared: dict[Any, Any] = {}

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of nodes in each layer, the input layer first."""
        return self.theta.sizes

    @property
    def bias(self) -> bool:
        """Whether nodes have a bias."""
        return self.theta.bias

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the parameters."""
        return self.theta.flat.dtype

    @property
    def weights(self) -> tuple[NDArray[Any], ...]:
        """The matrix (n_out, n_in) of each layer after the first, as views."""
        return self.theta.weights

    @property
    def biases(self) -> tuple[NDArray[Any], ...]:
        """For each layer after the first its vector (n_out,), a view; empty without biases."""
        return self.theta.biases

    @property
    def gammas(self) -> tuple[NDArray[Any], ...]:
        """The factors of each layer after the first, see `Parameters`; empty if no layer is normalized."""
        return self.theta.gammas

    running = property(lambda self: self.theta.running, doc="Its running means and variances, see `Parameters`.")

    @property
    def batch_normalization(self) -> bool | tuple[bool, ...]:
        """Whether hidden layers are normalized, or a flag for each where they differ."""
        flags = self.theta.normalized[:-1]
        return any(flags) if len(set(flags)) < 2 else flags

    @property
    def parameters(self) -> NDArray[Any]:
        """All parameters as one flat vector, W1, b1, W2, b2, ..."""
        return self.theta.flat

    @property
    def threads(self) -> int:
        """The number of threads that may work on a batch."""
        return self._threads

    @threads.setter
    def threads(self, number: int) -> None:
        self._threads = checks.integer("threads", number, least=1)
        if self.theta.joint is not None:
            self.theta.joint.is_whole = False

    @property
    def activation(self) -> Activation | tuple[Activation, ...]:
        """The name of the activation function, or the names where layers differ."""
        return self.activations[0] if len(set(self.activations)) == 1 else self.activations

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that define the model, besides its sizes, dtype and parameters."""
        others = {"l1": self.l1, "l2": self.l2, "batch_normalization": self.batch_normalization}
        return {"activation": self.activation, "bias": self.bias, "cost": self.cost_function, **others}

    def fill(self, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike] | None) -> None:
        """Copy the user's weights and biases; if biases is None, they are zero."""
        theta, dtype = self.theta, self.dtype
        vectors: list[NDArray[Any]] = []
        matrices = arrays.matrices("weights", weights, [shape for _, _, shape in theta.matrix_slices()], dtype)
        if biases is not None:
            vectors = arrays.matrices("biases", biases, [b.shape for b in theta.biases], dtype)
        theta.flat.fill(0)
        for (start, end, _), W in zip(theta.matrix_slices(), matrices, strict=True):
            theta.flat[start:end] = W.reshape(-1)
        for view, b in zip(theta.biases if vectors else (), vectors, strict=True):
            view[:] = b
        theta.begin_normalization()

    def labelled(
        self, X: Any, Y: Any, reduction: Reduction = "mean", checks_X: bool = True
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Samples and targets for this model as (m, n_in) and (m, n_out), checked; `reduction` is checked, too."""
        checks.choice("reduction", reduction, REDUCTIONS)
        X, Y = arrays.labelled(X, Y, self.theta.sizes[0], self.theta.sizes[-1], self.theta.flat.dtype, checks_X)
        if self.cost_function in MADE_FOR and not (Y.item(Y.argmin()) >= 0 and Y.item(Y.argmax()) <= 1):
            what = f"probabilities from 0 to 1 for {self.cost_function!r}"
            raise ValueError(f"Y: expected {what}, got {Y.min()} to {Y.max()}")
        return X, Y

    def with_cost(self, cost: Cost | None) -> Self:
        """This model, or, for a different cost, a copy that shares its parameters' memory; always the same copy."""
        if cost is None or (isinstance(cost, str) and cost == self.cost_function):
            return self
        cost = _checked_cost(cost, self.activations[-1])
        model: Self = self.prepared.get((Model, cost)) or self._with(cost_function=cost)
        self.prepared[Model, cost], model._threads = model, self._threads
        return model

    def with_penalty(self, l2: float) -> Self:
        """The model with this l2, sharing its parameters' memory."""
        return self._with(l2=l2)

    def without_penalties(self) -> Self:
        """The model without l1 and l2, sharing its parameters' memory."""
        return self._with(l1=0.0, l2=0.0)

    def twin(self) -> Self:
        """Another object for the same model, to be given other parameters or settings."""
        model = object.__new__(type(self))
        vars(model).update(vars(self), prepared={})
        return model

    def _with(self, **others: Any) -> Self:
        """A copy that shares the parameters' memory, with other values of its kind."""
        model = self.twin()
        vars(model).update(others, kind=self.kind._replace(**others))
        return model

    def several(self, number: int) -> list[Self]:
        """So many other models of its kind, with uninitialised parameters."""
        models = [self.twin() for _ in range(number)]
        for model, theta in zip(models, self.theta.several(number), strict=True):
            model.theta = theta
        return models

    def holding(self, everything: NDArray[Any]) -> Self:
        """The same model with a copy of these parameters, and running statistics, in their dtype."""
        model, theta = self.twin(), self.theta
        model.theta = Parameters.holding(theta.sizes, theta.bias, everything, theta.normalized)
        return model

    def equals(self, other: "Model") -> bool:
        """Whether sizes, settings, dtype, parameters and running statistics are equal; `threads` is ignored."""
        return self.kind == other.kind and bool((self.theta.everything == other.theta.everything).all())

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "prepared": {}}


@remembers
def _checked(
    sizes: Any, activation: Any, bias: Any, cost: Any, l1: Any, l2: Any, dtype: Any, normalization: Any
) -> Kind:
    """The arguments of `Model`, checked and converted."""
    layers = checks.sizes(sizes)
    activations = checks.choices("activation", activation, ACTIVATIONS, len(layers) - 1)
    for i, (name, n) in enumerate(zip(activations, layers[1:], strict=True)):
        if name == "softmax" and n == 1:
            raise ValueError(
                f"activation: expected at least 2 nodes in a layer of 'softmax', got 1 in layer {i + 2}: a softmax "
                "of one node is always 1; for two classes, use one node of 'sigmoid'"
            )
    cost = _checked_cost(cost, activations[-1])
    l1, l2 = checks.number("l1", l1, least=0.0), checks.number("l2", l2, least=0.0)
    flags = checks.flags("batch_normalization", normalization, len(layers) - 2)
    normalized = (*flags, False) if any(flags) else ()
    return Kind(layers, activations, checks.flag("bias", bias), cost, l1, l2, checks.dtype(dtype), normalized)


def _checked_cost(cost: Any, output: str) -> Cost:
    """The name of a cost that is defined for this activation of the output layer."""
    name = checks.choice("cost", cost, COSTS)
    needed = MADE_FOR.get(name)
    if needed not in (None, output):
        raise ValueError(f"cost: expected {needed!r} in the output layer to go with {name!r}, got {output!r}")
    return name
