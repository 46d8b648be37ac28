"""Models and rules as the compiled kernels know them."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import functions
from samenet.fast.kernels.steps import RULES
from samenet.model import Model


def objective(model: Model) -> tuple[int, float, float]:
    """The cost by its place in the list, and the factors of the penalties."""
    return functions.COSTS.index(model.cost_function), model.l1, model.l2


def layout(model: Model) -> NDArray[np.int64]:
    """The model's description for kernels, made once: the numbers of nodes; activations by their places in the list.

    The input layer has none; in its place stands whether there are biases. Then flags, if any layer is normalized.
    """
    found: NDArray[np.int64] | None = model.prepared.get(__name__)
    if found is None:
        found = model.prepared[__name__] = _layout(model.sizes, model.bias, model.activations, model.theta.normalized)
    return found


@lru_cache(256)
def _layout(
    sizes: tuple[int, ...], bias: bool, activations: tuple[str, ...], normalized: tuple[bool, ...]
) -> NDArray[np.int64]:
    flags = [(False, *normalized)] if normalized else []
    return np.array([sizes, (bias, *map(functions.ACTIVATIONS.index, activations)), *flags], np.int64)


def constants(rule: Any) -> tuple[int, float, float, float]:
    """A rule as kernels know it: the place of its name, beta of the first mean, of that of squares, and epsilon."""
    beta = getattr(rule, "beta1", getattr(rule, "beta", 0.0))
    return (
        RULES.index(rule.name),
        beta,
        getattr(rule, "beta2", getattr(rule, "decay", 0.0)),
        getattr(rule, "epsilon", 0.0),
    )
