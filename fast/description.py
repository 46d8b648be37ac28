"""Descriptions of models, rules and updates for the compiled kernels; and the code of kernels."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.fast.kernels import few_nodes, tiny_network, training
from samenet.fast.kernels.codegen.compiling import code_for
from samenet.fast.kernels.codegen.registers import width_for
from samenet.fast.kernels.steps import RULES
from samenet.model import Model, functions

NO_ORDER = np.empty((0, 0), np.int64)
NO_NUMBERS = np.empty(0)
NO_KEYS = np.empty(0, np.int64)
NO_SAMPLER = (0.0, 0.0, 0, *(NO_NUMBERS,) * 2, *(NO_NUMBERS.reshape(0, 0),) * 2)
NO_MASKS = {n: (np.empty(0, np.int64), np.empty(0, f"f{n}"), 0, 0) for n in (4, 8)}  # by itemsize, as the next
NO_STATE = {n: none[1].reshape(0, 0) for n, none in NO_MASKS.items()}
NO_DROP_CONNECT = {n: (*none, 0, *3 * (none[1],)) for n, none in NO_MASKS.items()}


def objective(model: Model) -> tuple[int, float, float]:
    """The cost's index in the list of costs, and the factors of the penalties."""
    return functions.COSTS.index(model.cost_function), model.l1, model.l2


def described(model: Model) -> tuple[NDArray[np.int64], bool, tuple[int, float, float]]:
    """The model's layout, whether it has biases, and its objective, computed once."""
    found: tuple[NDArray[np.int64], bool, tuple[int, float, float]] | None = model.prepared.get(described)
    if found is None:
        found = model.prepared[described] = layout(model), model.bias, objective(model)
    return found


def layout(model: Model) -> NDArray[np.int64]:
    """The model's description for kernels, computed once: the numbers of nodes, and the activations' indices.

    In place of the input layer's activation: whether there are biases. Then flags, if any layer is normalized.
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
    """A rule's constants for kernels: the index of its name, beta of the first and of the second moment, epsilon."""
    beta = getattr(rule, "beta1", getattr(rule, "beta", 0.0))
    of_squares = getattr(rule, "beta2", getattr(rule, "decay", 0.0))
    return RULES.index(rule.name), beta, of_squares, getattr(rule, "epsilon", 0.0)


class Plan(NamedTuple):
    """How to update a model with a rule and a batch size; independent of the values in theta.

    tiny       for a network that fits `tiny_network`: the first arguments of its kernel; None for others
    few_nodes  the same for `few_nodes`
    parts      the number of parts into which a batch is divided
    """

    rule: Any
    given: tuple[int, float, float]
    constants: tuple[int, float, float, float, float, float]  # all fields of a `Rule` but the last
    tiny: tuple[Any, ...] | None
    few_nodes: tuple[Any, ...] | None
    parts: int


def plan(model: Model, rule: Any, given: tuple[int, float, float]) -> Plan:
    """The plan, kept with the model for the next call; given: the batch size, and the limits of clipping."""
    found: Plan | None = model.prepared.get(plan)
    if found is None or found.rule is not rule or found.given != given:
        tiny, few, flat, (batch_size, clip_value, clip_norm) = None, None, model.theta.flat, given
        if tiny_network.fits(model, batch_size, rule.state_arrays > 0) and not model.theta.normalized:
            width = width_for(max(model.sizes[1:]), model.dtype.itemsize)
            tiny = width, (0,) * tiny_network.registers(model), flat.reshape(1, -1), layout(model), objective(model)
        parts = training.parts_of(batch_size, flat.size)
        is_short: bool = few_nodes.fits(model.sizes, model.dtype.itemsize)  # type: ignore[no-untyped-call]
        if is_short and parts == 1 and not model.theta.normalized:
            few = flat, layout(model), objective(model)
        of_rule = (*constants(rule), float(clip_value), float(clip_norm))
        found = model.prepared[plan] = Plan(rule, given, of_rule, tiny, few, parts)
    return found


_codes: dict[Any, Any] = {}  # of `code_of`


def code_of(kernel: Any, kinds: Any, given: tuple[Any, ...]) -> Any:
    """A kernel's code for such arguments, whose types follow from `kinds`: Numba need not find them out every time."""
    if (found := _codes.get((kernel, kinds))) is None:
        found = _codes[kernel, kinds] = code_for(kernel, *given)
    return found
