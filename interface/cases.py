"""What `samenet compare` compares: for each case, who takes part, and the answer that everyone must give."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import tolerance
from samenet.backends import backend
from samenet.network import Network
from samenet.tolerance import Comparison

LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS = "loops, arrays", "loops, lists"


@dataclass(frozen=True)
class Contender:
    """One way to compute a case.

    name      as a table shows it
    backend   the backend it belongs to
    call      what is timed
    answer    what is checked: as a rule the timed call itself
    work      how many times one call does the computation
    tutorial  the seconds that tutorial 000 prints for it, if it does
    """

    name: str
    backend: str
    call: Callable[[], Any]
    answer: Callable[[], Any]
    work: int = 1
    tutorial: float | None = None


@dataclass(frozen=True)
class Case:
    """A computation, its contenders with the plain loops first, and the check of an answer against the reference."""

    title: str
    contenders: tuple[Contender, ...]
    check: Callable[[Any], Comparison]


@cache
def example(sizes: tuple[int, ...], rows: int) -> tuple[Network, NDArray[np.float64], NDArray[np.float64]]:
    """A network that does not saturate (Glorot weights, biases in +-1/2), normal samples, targets in [0, 1)."""
    random = np.random.default_rng(2026)
    network: Network = backend("reference").Network(sizes, seed=random)
    for b in network.biases:
        b[:] = random.uniform(-0.5, 0.5, b.shape)
    return network, random.standard_normal((rows, sizes[0])), random.random((rows, sizes[-1]))


def title(sizes: Sequence[int]) -> str:
    """A network's name: 64-30-10.

    >>> title((64, 30, 10))
    '64-30-10'
    """
    return "-".join(map(str, sizes))


def _samples(rows: int) -> str:
    return "one sample" if rows == 1 else f"{rows} samples"


# The two things that the reference's loops can index: arrays, as in the tutorial, and nested lists.
_FORMS: dict[str, Callable[[Any], Any]] = {
    LOOPS_OVER_ARRAYS: list,
    LOOPS_OVER_LISTS: lambda arrays: [a.tolist() for a in arrays],
}


def _loop_forward(forward_sample: Any, weights: Any, biases: Any, samples: Any, single: bool) -> Any:
    outputs = [forward_sample(weights, biases, sample)[-1] for sample in samples]
    return outputs[0] if single else outputs


def forward(sizes: tuple[int, ...], rows: int, names: Sequence[str], tutorial: dict[str, float] | None = None) -> Case:
    """The output of a network for one sample, or for a batch of rows."""
    sample, tutorial = backend("reference").forward_sample, tutorial or {}
    network, X, _ = example(sizes, rows)
    x, samples = X[0] if rows == 1 else X, X.tolist()
    contenders = []
    for name in names:
        if name == "reference":
            for way, form in _FORMS.items():
                loops = partial(_loop_forward, sample, form(network.weights), form(network.biases), samples, rows == 1)
                contenders.append(Contender(way, name, loops, loops, tutorial=tutorial.get(way)))
        else:
            predict = partial(network.on(name).predict, x)
            contenders.append(Contender(name, name, predict, predict, tutorial=tutorial.get(name)))
    expected, allowed = network.predict(x), tolerance.forward(network, x)[-1]
    return Case(
        f"{title(sizes)}, forward, {_samples(rows)}",
        tuple(contenders),
        lambda answer: tolerance.compare(answer, expected, allowed),
    )


def gradient(sizes: tuple[int, ...], rows: int, names: Sequence[str]) -> Case:
    """The cost and its gradient over a batch."""
    batch_gradient = backend("reference").batch_gradient
    network, X, Y = example(sizes, rows)
    contenders = []
    for name in names:
        if name == "reference":
            for way, form in _FORMS.items():
                loops = partial(batch_gradient, form(network.weights), form(network.biases), form(X), form(Y), "mean")
                contenders.append(Contender(way, name, loops, loops))
        else:
            run = partial(network.on(name).gradient, X, Y)
            contenders.append(Contender(name, name, run, run))
    cost, slope = network.gradient(X, Y)
    cost_allowed, slope_allowed = tolerance.gradient(network, X, Y)
    expected, allowed = np.append(slope.flat, cost), np.append(slope_allowed.flat, cost_allowed)
    packed = slope_allowed  # room for answers in nested lists; its values are not needed any more

    def check(answer: Any) -> Comparison:
        cost, slope = answer
        packed.fill(slope.weights, slope.biases)
        return tolerance.compare(np.append(packed.flat, cost), expected, allowed)

    return Case(f"{title(sizes)}, gradient, {_samples(rows)}", tuple(contenders), check)


def training(initial: Network, X: NDArray[Any], Y: NDArray[Any], alpha: float, names: Sequence[str]) -> Case:
    """One epoch of full-batch training, from `initial`.

    What is checked is one update from weights that leave no layer saturated: the tutorial's own initial weights do not,
    and a comparison there would prove little.
    """
    unsaturated = example(initial.sizes, 1)[0]
    contenders = []
    for name in names:
        network, work = initial.on(name), 1 if name == "reference" else 50
        call = partial(network.train, X, Y, alpha=alpha, epochs=work, record_every=0)
        update = partial(_updated, unsaturated.on(name), X, Y, alpha)
        contenders.append(Contender(LOOPS_OVER_LISTS if name == "reference" else name, name, call, update, work))
    expected, allowed = _updated(unsaturated.copy(), X, Y, alpha), tolerance.update(unsaturated, X, Y, alpha)
    return Case(
        f"{title(initial.sizes)}, training, one epoch of {len(X)} digits",
        tuple(contenders),
        lambda answer: tolerance.compare(answer, expected, allowed),
    )


def _updated(network: Network, X: NDArray[Any], Y: NDArray[Any], alpha: float) -> NDArray[Any]:
    """The parameters after one full-batch update of a copy."""
    network = network.copy()
    network.train(X, Y, alpha=alpha, epochs=1)
    return network.parameters
