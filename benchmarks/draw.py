"""Settings drawn at random of the kinds that `peers` measures, so that none of them was chosen, or tuned for.

One layer to four of 1 to 1,100 nodes, on a logarithmic scale so that there are as many tiny networks as wide ones; any
number of rows; rules, costs, activations, penalties, dropout and more options, dtype. Each setting is drawn by its
place and the seed alone: the same with others or without. Kinds take turns, so that a few settings have them all.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import log
from typing import Any

import numpy as np

from benchmarks import inputs
from benchmarks.kinds import MANY, RULES, PeerCase
from benchmarks.limits import products
from benchmarks.problem import Forward, Gradient, Task
from samenet.compare.cases import title

WIDEST, INPUTS, ROWS, DEEPEST = 1_100, 1_000, 2_000, 4
SCALES = ((1, 10), (5, 100), (50, WIDEST))  # tiny, middling, wide
# Multiply-adds of a forward pass, a gradient, or a pass over all rows, and updates of many networks: tens of
# milliseconds of a compiled library's, a second at most of any.
_WORK, _UPDATES = 5e8, 20_000

MORE: dict[str, dict[str, Any]] = {  # options of training besides rules, costs, penalties and dropout
    "normalized": {"batch_normalization": True},
    "DropConnect": {"drop_connect": 0.5},
    "clipped values": {"clip_value": 1e-3},
    "clipped norms": {"clip_norm": 1e-2},
    "falling rates": {"decay": 0.1},
    "sample weights": {"weighted": True},
}

Random = np.random.Generator
Sizes = tuple[int, ...]
Drawn = tuple[Sizes, str, Callable[[], Task]]  # the operation in words


def cases(count: int, seed: int) -> tuple[PeerCase, ...]:
    """So many settings."""
    return tuple(map(partial(_case, seed), range(count)))


def _case(seed: int, place: int) -> PeerCase:
    random = np.random.default_rng((seed, place))
    kind = TURNS[place % len(TURNS)]
    sizes, operation, make = KINDS[kind](random)
    dtype = _any(random, "float64", "float32")
    name = f"no. {place}: {title(sizes)}"
    return PeerCase(name, operation, lambda _: make(), threads=False, kind=kind, only=dtype)


def _any(random: Random, *of: Any) -> Any:
    return of[random.integers(len(of))]


def _number(random: Random, most: float, least: int = 1) -> int:
    """From the least to the most, or the least if that is less, on a logarithmic scale."""
    return int(np.exp(random.uniform(log(least), log(max(least, int(most)) + 1))))


def _sizes(random: Random, *scales: tuple[int, int]) -> Sizes:
    """Inputs, hidden layers and outputs, each on a scale: least and most nodes."""
    inputs_on, hidden_on, outputs_on = (_any(random, *(scales or SCALES)) for _ in range(3))
    hidden = (_number(random, hidden_on[1], hidden_on[0]) for _ in range(random.integers(DEEPEST)))
    first, last = (_number(random, on[1], on[0]) for on in (inputs_on, outputs_on))
    return min(first, INPUTS), *hidden, last


def _rows(random: Random, sizes: Sizes, passes: int = 1, most: int = ROWS, least: int = 1) -> int:
    """So few that the work is within its bounds; `passes` through the layers."""
    return _number(random, min(most, _WORK / (passes * products(sizes))), least)


def _activations(random: Random, sizes: Sizes, outputs: tuple[str, ...]) -> tuple[str, str]:
    """Of hidden layers, and of the last; a softmax of one output is always 1."""
    hidden = _any(random, "sigmoid", "tanh", "relu")
    return hidden, _any(random, *(name for name in outputs if name != "softmax" or sizes[-1] > 1))


def _forward(random: Random, is_batch: bool) -> Drawn:
    sizes = _sizes(random)
    rows = _rows(random, sizes) if is_batch else 1
    hidden, output = _activations(random, sizes, ("sigmoid", "tanh", "identity", "softmax"))
    make = partial(inputs.batch, sizes, rows, hidden, output)
    words = f"{f'batch of {rows}' if is_batch else 'one sample'}, {_of_layers(sizes, hidden, output)}"
    return sizes, words, make if is_batch else lambda: _first(make())


def _first(task: Forward) -> Forward:
    return replace(task, x=task.x[0])


def _of_layers(sizes: Sizes, hidden: str, output: str) -> str:
    return f"{hidden} and {output}" if len(sizes) > 2 else output


def _options(random: Random, sizes: Sizes) -> tuple[str, dict[str, Any]]:
    """Activations, a cost that goes with them, maybe a penalty: in words and as arguments of `inputs.training`."""
    cost = _any(random, "squared_error", "squared_error", "binary_cross_entropy", "cross_entropy")
    if sizes[-1] == 1 and cost == "cross_entropy":
        cost = "binary_cross_entropy"
    made_for = {"binary_cross_entropy": ("sigmoid",), "cross_entropy": ("softmax",)}
    hidden, output = _activations(random, sizes, made_for.get(cost, ("sigmoid", "tanh", "identity")))
    penalty = _any(random, "", "", "", "l1", "l2")
    words = [_of_layers(sizes, hidden, output), cost.replace("_", " "), *([penalty] if penalty else [])]
    given = {"hidden": hidden, "output": output, "cost": cost, **({penalty: 1e-4} if penalty else {})}
    return ", ".join(words), given


def _gradient(random: Random) -> Drawn:
    sizes = _sizes(random)
    rows = _rows(random, sizes, 3, 256)
    words, given = _options(random, sizes)

    def make() -> Gradient:
        task = inputs.training(sizes, rows, rows, **given)
        return Gradient(task.network, task.X, task.Y)

    return sizes, f"gradient of {rows}, {words}", make


def _training(random: Random, by: str) -> Drawn:
    """By batches of one row, of some, or of all; or a single update."""
    sizes = _sizes(random)
    size = 1 if by == "online" else _rows(random, sizes, 3, ROWS // 2 if by == "mini-batches" else ROWS, 2)
    left = min(ROWS, _WORK / (3 * products(sizes))) / size
    batches = 1 if by in ("full batch", "single update") else 1 + _number(random, max(1, left - 1))
    rule, (words, given) = _any(random, *RULES), _options(random, sizes)
    dropout = _any(random, 0.0, 0.0, 0.0, 0.2, 0.5) if len(sizes) > 2 else 0.0
    is_normalizable = len(sizes) > 2 and size > 1
    name = _any(random, *("",) * len(MORE), *(name for name in MORE if is_normalizable or name != "normalized"))
    what = {"mini-batches": f"by {size} of {size * batches}", "online": f"online, {batches} rows"}
    words = ", ".join((words, *([f"dropout {dropout}"] if dropout else []), *([name] if name else [])))
    operation = f"{rule}, {what.get(by, f'{by} of {size}')}, {words}"
    given |= MORE.get(name, {})

    def make() -> Task:
        task = inputs.training(sizes, size * batches, size, rule, dropout=dropout, **given)
        return replace(task, passes=1) if by == "single update" else task

    return sizes, operation, make


def _many(random: Random) -> Drawn:
    sizes, count = _sizes(random, (1, 10), (5, 40)), 10 + _number(random, 990)
    passes = 2
    size = _rows(random, sizes, 3 * passes * count, 300)
    left = _WORK / (3 * passes * count * products(sizes)) / size
    batches = _number(random, min(left, _UPDATES / (passes * count)))
    rule = _any(random, *RULES)
    make = partial(inputs.many, count, sizes, size * batches, size, rule, passes)
    return sizes, f"{count} networks, {rule}, by {size} of {size * batches}", make


KINDS: dict[str, Callable[[Random], Drawn]] = {
    "one sample": partial(_forward, is_batch=False),
    "batches forward": partial(_forward, is_batch=True),
    "gradients": _gradient,
    **{by: partial(_training, by=by) for by in ("online", "mini-batches", "full batch", "single update")},
    MANY: _many,
}
# More than one turn of twelve for what people do most; many networks have one.
TURNS = (
    *("mini-batches", "gradients", "batches forward", "single update", "online", "full batch"),
    *("mini-batches", "one sample", "gradients", "batches forward", "single update", MANY),
)
