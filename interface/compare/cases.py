"""The cases of `samenet compare`: for each, the contenders, and the answer that all of them must give."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import data
from samenet.backends import EXTRAS, MODULES, backend
from samenet.model.functions import Reduction
from samenet.network import Network
from samenet.testing import tolerance
from samenet.testing.tolerance import Comparison

LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS = "loops, arrays", "loops, lists"

# The times that tutorial 000 prints for feed-forward: seconds of its loops over arrays, and of its matrix version.
TUTORIAL = {
    (3, 3, 1): {LOOPS_OVER_ARRAYS: 40e-6},
    (3, 3, 3, 1): {LOOPS_OVER_ARRAYS: 70e-6, "numpy": 46e-6},
    (100, 100, 50, 10): {LOOPS_OVER_ARRAYS: 41e-3, "numpy": 84e-6},
}


def _always(*_: Any) -> bool:
    """True: there are no arrays that it could change, or the timed call is the answer."""
    return True


@dataclass(frozen=True)
class Contender:
    """One way to compute a case.

    name      as shown in tables
    backend   the backend it belongs to
    call      the function that is timed
    answer    the function whose result is checked: usually the timed call itself
    work      how many times one call does the computation; below 1, a fraction of it
    tutorial  the seconds that tutorial 000 prints for it, if any
    is_clean  returns whether it has left its arrays unchanged
    is_done   whether the result of a timed call is right; needed only where it is not an answer
    """

    name: str
    backend: str
    call: Callable[[], Any]
    answer: Callable[[], Any]
    work: float = 1.0
    tutorial: float | None = None
    is_clean: Callable[[], bool] = _always
    is_done: Callable[[Any], bool] = _always


@dataclass(frozen=True)
class Case:
    """A computation, its contenders (the plain loops first), and the check of an answer against the reference."""

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


def _samples(rows: int | None) -> str:
    return "one sample" if rows is None else f"{rows} sample{'' if rows == 1 else 's'}"


# The two kinds of data that the reference's loops can index: arrays, as in the tutorial, and nested lists.
_FORMS: dict[str, Callable[[Any], Any]] = {
    LOOPS_OVER_ARRAYS: list,
    LOOPS_OVER_LISTS: lambda arrays: [a.tolist() for a in arrays],
}


def _loop_forward(forward_sample: Any, weights: Any, biases: Any, samples: Any, single: bool) -> Any:
    outputs = [forward_sample(weights, biases, sample)[-1] for sample in samples]
    return outputs[0] if single else outputs


def _given(name: str, *arrays: NDArray[Any]) -> tuple[tuple[NDArray[Any], ...], Callable[[], bool]]:
    """The arrays for a backend (copies for a plug-in, which may modify them), and a check that they are unchanged."""
    if name in MODULES | EXTRAS:
        return arrays, lambda: True
    own = tuple(array.copy() for array in arrays)
    return own, lambda: all(a.tobytes() == b.tobytes() for a, b in zip(own, arrays, strict=True))


def forward(
    sizes: tuple[int, ...], rows: int | None, names: Sequence[str], tutorial: dict[str, float] | None = None
) -> Case:
    """The output of a network for a batch of `rows` samples, or for a single sample if `rows` is None."""
    sample, tutorial = backend("reference").forward_sample, tutorial or {}
    network, X, _ = example(sizes, rows or 1)
    x, samples = X[0] if rows is None else X, X.tolist()
    contenders = []
    for name in names:
        if name == "reference":
            for way, form in _FORMS.items():
                loops = partial(
                    _loop_forward, sample, form(network.weights), form(network.biases), samples, rows is None
                )
                contenders.append(Contender(way, name, loops, loops, tutorial=tutorial.get(way)))
        else:
            (own,), is_clean = _given(name, x)
            predict = partial(network.on(name).predict, own)
            found = Contender(name, name, predict, predict, tutorial=tutorial.get(name), is_clean=is_clean)
            contenders.append(found)
    expected, allowed = network.predict(x), tolerance.forward(network.model, x)[-1]
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
            own, is_clean = _given(name, X, Y)
            run = partial(network.on(name).gradient, own[0], own[1])
            contenders.append(Contender(name, name, run, run, is_clean=is_clean))
    cost, slope = network.gradient(X, Y)
    cost_allowed, slope_allowed = tolerance.gradient(network.model, X, Y)
    expected, allowed = np.append(slope.flat, cost), np.append(slope_allowed.flat, cost_allowed)
    packed = slope_allowed  # reused as a buffer for answers in nested lists

    def check(answer: Any) -> Comparison:
        cost, slope = answer
        packed.fill(slope.weights, slope.biases)
        return tolerance.compare(np.append(packed.flat, cost), expected, allowed)

    return Case(f"{title(sizes)}, gradient, {_samples(rows)}", tuple(contenders), check)


def training(
    initial: Network,
    X: NDArray[Any],
    Y: NDArray[Any],
    names: Sequence[str],
    *,
    what: str,
    alpha: float,
    epochs: int = 1,
    loop_epochs: int = 1,
    counted: int = 1,
    batch_size: int | None = None,
    reduction: Reduction = "mean",
) -> Case:
    """`counted` epochs of training from `initial`, timed over `epochs` at a time, or `loop_epochs` on the slow loops.

    Every call starts from `initial` again, so that it always does the same work. The check is of one update by a batch,
    from weights that do not saturate any layer: the tutorials' initial weights do, and then a comparison proves little.
    A plug-in must also end a timed call near NumPy's weights, as it may leave out some of its updates.
    """
    safe = example(initial.sizes, 1)[0] if initial.bias else initial
    settings = {"alpha": alpha, "batch_size": batch_size, "reduction": reduction, "shuffle": False}
    x, y = X[:batch_size], Y[:batch_size]
    contenders = []
    for name in names:
        some = loop_epochs if name == "reference" else epochs
        own, is_clean = _given(name, X, Y, x, y)
        call = partial(_trained, initial.on(name), initial.parameters, *own[:2], epochs=some, **settings)
        answer = partial(_trained, safe.on(name), safe.parameters, *own[2:], epochs=1, **settings)
        shown = LOOPS_OVER_LISTS if name == "reference" else name
        made = partial(_trained, initial.on("numpy"), initial.parameters, X, Y, epochs=some, **settings)
        is_done = partial(_is_near, made, initial.parameters)
        contenders.append(Contender(shown, name, call, answer, some / counted, is_clean=is_clean, is_done=is_done))
    expected = _trained(safe.on("reference"), safe.parameters, x, y, epochs=1, **settings)
    allowed = tolerance.update(safe.model, x, y, alpha, reduction)
    return Case(
        f"{title(initial.sizes)}, {what}",
        tuple(contenders),
        lambda answer: tolerance.compare(answer, expected, allowed),
    )


def _is_near(trained: Callable[[], NDArray[Any]], start: NDArray[Any], ends: NDArray[Any]) -> bool:
    """Whether training ended within a thousandth of its way: far more than rounding makes, less than an epoch."""
    expected = trained()
    return bool(np.linalg.norm(ends - expected) <= 1e-3 * np.linalg.norm(expected - start))


def _trained(network: Network, start: NDArray[Any], X: Any, Y: Any, **settings: Any) -> NDArray[Any]:
    """The parameters after training from `start`."""
    network.parameters = start
    network.train(X, Y, record_every=0, **settings)
    return network.parameters


def tutorial_digits() -> tuple[Network, data.Split, NDArray[np.float64]]:
    """Tutorial 000, section 5: the 64-30-10 network with weights from U[0, 1), the split, and one-hot targets.

    All rows are scaled before the split, as in the tutorial; 40 % of them are for testing. Seed 0 throughout.
    """
    images = data.digits()
    scaled = data.standard_scaler(images.X).transform(images.X)
    split = data.split(scaled, images.y, test_size=0.4, seed=0)
    network = backend("reference").Network([64, 30, 10], init="uniform", seed=np.random.RandomState(0))
    return network, split, data.one_hot(split.y_train, 10)


def full_batch_epoch(names: Sequence[str], epochs: int = 50) -> Case:
    """One epoch of tutorial 000's training on the digits: one update by the gradient over all samples."""
    network, split, Y = tutorial_digits()
    what = f"training, one epoch of {len(Y)} digits"
    return training(network, split.X_train, Y, names, what=what, alpha=0.25, epochs=epochs)


def mini_batch_epoch(names: Sequence[str]) -> Case:
    """One epoch on the digits in batches of 10, in their order: 108 updates, the last of 8 samples."""
    network, split, Y = tutorial_digits()
    what = f"training, one epoch of {len(Y)} digits in batches of 10"
    return training(network, split.X_train, Y, names, what=what, alpha=0.25, epochs=5, batch_size=10)


def eleven_lines_problem() -> tuple[Network, NDArray[np.float64], NDArray[np.float64]]:
    """Tutorial 004: the network in 11 lines, 3-4-1 without biases, and its four samples."""
    legacy = np.random.RandomState(1)
    network = backend("reference").Network([3, 4, 1], bias=False, init="symmetric_uniform", seed=legacy)
    X = np.array([[0.0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
    return network, X, np.array([[0.0], [1], [1], [0]])


def eleven_lines(names: Sequence[str]) -> Case:
    """Tutorial 004's training: 60,000 full-batch updates on four samples, with learning rate 1."""
    network, X, Y = eleven_lines_problem()
    several = {"epochs": 60_000, "loop_epochs": 600, "counted": 60_000}
    return training(network, X, Y, names, what="training, 60,000 updates", alpha=1.0, reduction="sum", **several)


def chosen(sizes: Sequence[Sequence[int]] | None, batches: Sequence[int], names: Sequence[str]) -> list[Case]:
    """The cases of networks with these sizes, or else those of tutorial 000."""
    if sizes is not None:
        layers = [tuple(s) for s in sizes]
        wanted = [forward(s, m, names) for s in layers for m in batches]
        return wanted + [gradient(s, m, names) for s in layers for m in batches]
    return [forward(s, None, names, printed) for s, printed in TUTORIAL.items()] + [gradient((64, 30, 10), 32, names)]
