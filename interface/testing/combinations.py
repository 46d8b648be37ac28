"""Options of updates together: rules, clipping, masks, weights, penalties and sampling, in networks of several kinds.

The other parts of the suite check each option by itself. Here, each case has several, drawn so that the cases together
have every two of them.
"""

import math
import random
from typing import Any

from samenet.optimizers import Adam, Descent, Momentum, Nesterov, RMSProp
from samenet.testing import agreement, updates
from samenet.testing.answers import Compared
from samenet.testing.guard import NotOffered
from samenet.testing.inputs import Case, Functions, sample_weights
from samenet.testing.sampled_updates import sampled
from samenet.testing.updates import Rule

_RULES = Descent(), Momentum(0.8), Nesterov(0.7), RMSProp(0.7, 1e-2), Adam(0.7, 0.9, 1e-2)
_ENDS = (
    ("sigmoid", "squared_error"),
    ("tanh", "sum_of_squares"),
    ("identity", "squared_error"),
    ("sigmoid", "binary_cross_entropy"),
    ("softmax", "cross_entropy"),
)
NEEDS = ("order", "reduction", "state", "clip_value", "clip_norm", "dropout", "drop_connect", "sample_weight")


def _case(number: int) -> Case:
    chance = random.Random(number)
    output, cost = _ENDS[number % len(_ENDS)]
    penalties = (chance.choice([0.0, 0.05]), chance.choice([0.0, 0.2]))
    functions = Functions(chance.choice(["sigmoid", "tanh", "relu", "softmax"]), output, cost, *penalties)
    sizes = ((3, 2), (4, 3, 2), (4, 5, 3, 2))[number % 3]
    return Case(sizes, 7, chance.random() < 0.5, chance.choice(["float64", "float32"]), number, functions)


CASES = tuple(map(_case, range(45)))


def combined(cls: Any, trusted: Any, case: Case) -> Compared:
    """Updates with several options, one by one and in one call, with sampling, and with batch normalization."""
    chance, networks = random.Random(case.seed), (case.network(cls), case.network(trusted))
    clipping = chance.choice([math.inf, 0.02]), chance.choice([math.inf, 0.05])
    masked = [chance.random() < 0.5 for _ in range(2)]
    rule = Rule(chance.choice(_RULES), *clipping, masked[0] and len(case.sizes) > 2, masked[1])
    size, reduction = chance.choice([1, 3, 4, 7]), chance.choice(["mean", "sum"])
    weights = sample_weights(case.rows) + (size == 1) if chance.random() < 0.5 else None
    used = {"dropout": rule.dropout, "drop_connect": rule.drop_connect, "sample_weight": weights is not None}
    lacking = [name for name, is_used in used.items() if is_used and not cls.takes("gradient", name)]
    if lacking:  # for `run_updates` as well, where it is made from the gradient
        raise NotOffered(f"gradient does not take {', '.join(lacking)}")
    descent = updates.Descent(size, 1, chance.random() < 0.5, reduction, 0.1, rule)
    yield from updates.ruled(*networks, case.X, case.Y, descent, case.masks, weights)
    # JAX compiles anew for other options, and may round differently; that bits are equal is for the other parts.
    allowed = 1e-9 if case.dtype == "float64" else 1e-3
    yield from updates.ruled_at_once(networks[0], case.X, case.Y, descent, case.masks, weights, allowed)
    if weights is None:
        drawn = updates.Descent(chance.choice([1, 2, 3]), 1, False, reduction, 0.1, rule)
        yield from sampled(*networks, case.X, case.Y, drawn, case.masks)
    if len(case.sizes) > 2 and hasattr(cls.backend, "NORMALIZES"):
        settings: dict[str, Any] = case.functions.settings(len(case.sizes))
        settings |= {"batch_normalization": True, "bias": case.bias, "dtype": case.dtype, "init": "normal", "seed": 1}
        normal = [one(case.sizes, **settings) for one in (cls, trusted)]
        dropout = case.dropout if masked[0] else None
        yield from agreement.normalized(normal[0], normal[1], case.X, case.Y, dropout, weights)
