"""A backend's behaviour beyond right numbers: extreme and non-finite input, memory, repeated and parallel calls."""

import math
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.model.functions import MADE_FOR
from samenet.optimizers import Descent
from samenet.testing import agreement, extremes, tolerance
from samenet.testing.answers import Answer, Compared
from samenet.testing.gradient_check import check_gradient
from samenet.testing.guard import NotOffered
from samenet.testing.inputs import Case
from samenet.testing.printing import THREAD
from samenet.testing.updates import run_updates

Array = NDArray[Any]
_FAR = (1e30, -1e30, 1000.0, -1000.0, 0.0)
_FAR_OUT = {
    "sigmoid": (1.0, 0.0, 1.0, 0.0, 0.5),
    "tanh": (1.0, -1.0, 1.0, -1.0, 0.0),
    "relu": (1e30, 0.0, 1000.0, 0.0, 0.0),
    "identity": _FAR,
    "softmax": (1.0, 0.0, 0.0, 0.0, 0.0),
}
_ON_THE_WAY = (1.0, -1.0, 2.0, -2.0, 3.5, -3.5, 8.0, -8.0)  # times each of the samples
_AT_0 = {"sigmoid": 0.5, "softmax": 0.2}  # the others are 0


def differences(cls: Any, trusted: Any, case: Case) -> Compared:
    """The gradient against differences of the backend's own cost."""
    for reduction in ("mean", "sum"):
        found = check_gradient(case.network(cls), case.X, case.Y, reduction=reduction)
        yield Answer("gradient against differences", found.analytic.flat, found.numeric.flat, found.allowed.flat)


def normalized(cls: Any, trusted: Any, case: Case) -> Compared:
    """Predictions, gradients and updates with batch normalization of all hidden layers, of some, and without biases."""
    module = cls.backend
    if not hasattr(module, "NORMALIZES") and len(getattr(cls, "own_functions", ("feed_forward",))) > 1:
        raise NotOffered("its functions do not know batch normalization")
    settings: dict[str, Any] = {"activation": ["tanh", "relu", "sigmoid"], "l2": 0.1, "init": "normal"}
    for flags, bias in ((True, True), ([True, False], True), ([False, True], False)):
        settings |= {"batch_normalization": flags, "bias": bias}
        networks = [one(case.sizes, seed=1, **settings) for one in (cls, trusted)]
        for network in networks:
            random = np.random.default_rng(0)
            for numbers in (*network.gammas, *network.running):
                numbers[:] = random.uniform(0.5, 2.0, numbers.shape)
        yield from agreement.normalized(networks[0], networks[1], case.X, case.Y)


def saturated(cls: Any, trusted: Any, case: Case) -> Compared:
    """For very large inputs, activations are exact and costs finite, without overflow or a warning of it; for large
    ones, activations that are nearly 0 have the right digits.
    """
    name, cost = case.functions.output, case.functions.cost
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for dtype in ("float64", "float32"):
            net = cls([1, 5], activation=name, dtype=dtype, weights=[[[z] for z in _FAR]])
            expected = np.array(_FAR_OUT[name], dtype)
            yield Answer(f"{name} far out", net.predict([1.0]), expected, 0)
            yield Answer(f"{name} far out", net.feed_forward([[1.0]] * 3)[-1], np.tile(expected, (3, 1)), 0)
            rows, near = np.array([expected, np.full(5, _AT_0.get(name, 0.0), dtype), expected]), np.finfo(dtype).eps
            yield Answer(f"{name} far out, and at 0", net.feed_forward([[1.0], [0.0], [1.0]])[-1], rows, near)
            half: dict[str, Any] = {"activation": name, "dtype": dtype, "weights": [[[z] for z in _ON_THE_WAY]]}
            X = np.array([[z] for z in (1.0, 10.0, 80.0)], dtype)
            yield from agreement.forward(cls([1, 8], **half), trusted([1, 8], **half), X)
        if cost in MADE_FOR:
            net = cls([1, 2], activation=name, cost=cost, weights=[[[1000.0], [-1000.0]]])
            beside = net.cost([[1.0], [0.0]], [[1.0, 0.0]] * 2, reduction="sum")
            of_two = math.log(2) * (1 if cost == "cross_entropy" else 2)
            yield Answer("cost of a sample at 0, beside one far out", beside, of_two, 1e-15)
            yield Answer("cost of the right class", net.cost([[1.0]], [[1.0, 0.0]]), 0.0, 0)
            yield Answer("cost of the wrong class", net.cost([[1.0]], [[0.0, 1.0]]), 2000.0, 1e-9)
            value, slope = net.gradient([[1.0]], [[0.0, 1.0]])
            yield Answer("cost of the wrong class", value, 2000.0, 1e-9)
            yield Answer("gradient of the wrong class", slope.weights[0], [[1.0], [-1.0]], 0)


def not_finite(cls: Any, trusted: Any, case: Case) -> Compared:
    """NaN and infinity propagate as in the reference."""
    with np.errstate(all="ignore"):
        for value in (math.nan, math.inf):
            ends = []
            for one in (cls, trusted):
                net = case.network(one)
                net.weights[0][1, 2] = value
                layers, slope = net.feed_forward(case.X), net.gradient(case.X, case.Y)[1]
                ends.append([*layers, net.predict(case.X), net.predict(case.X[0]), slope.flat])
            for got, expected in zip(*ends, strict=True):
                yield Answer(
                    f"which numbers are NaN, of a weight that is {value}", np.isnan(got), np.isnan(expected), 0
                )
        if case.functions.output == "sigmoid" == case.functions.hidden:
            net = cls([1, 2], weights=[[[1.0], [1.0]]])
            net.weights[0][:, 0] = np.inf, -np.inf
            yield Answer("outputs of infinite weights", net.predict([[2.0]] * 3), [[1.0, 0.0]] * 3, 0)
            X = case.X.copy()
            X[:, -1] = 0
            yield from extremes.spoiled(
                case.network(cls), case.network(trusted), np.tile(X, (2, 1)), case.Y.repeat(2, 0)
            )


def layouts(cls: Any, trusted: Any, case: Case) -> Compared:
    """Samples in any memory layout give the same bits as plain ones, and are not changed."""
    net, X, Y = case.network(cls), case.X.copy(), case.Y.copy()
    read_only, strided = X.copy(), np.repeat(X, 2, axis=0)[::2]
    read_only.flags.writeable = False
    rounded = np.round(X * 4)
    forms = {
        "read-only": (read_only, X),
        "Fortran-ordered": (np.asfortranarray(X), X),
        "strided": (strided, X),
        "reversed": (X[:, ::-1].copy()[:, ::-1], X),
        "nested lists": (X.tolist(), X),
        "float32": (X.astype(np.float32), X.astype(np.float32).astype(np.float64)),
        "integers": (rounded.astype(np.int64), rounded),
    }
    for name, (given, plain) in forms.items():
        before = np.array(given)
        yield Answer(f"output for {name} samples", net.predict(given), net.predict(plain), 0)
        yield Answer(f"output for one {name} sample", net.predict(given[0]), net.predict(plain[0]), 0)
        yield Answer(f"layers for {name} samples", net.feed_forward(given)[1], net.feed_forward(plain)[1], 0)
        got, expected = net.gradient(given, Y)[1].flat, net.gradient(plain, Y)[1].flat
        yield Answer(f"gradient for {name} samples", got, expected, 0)
        yield Answer(f"{name} samples afterwards", given, before, 0)
    moved = [case.network(cls) for _ in range(2)]
    for one, given in zip(moved, (read_only, X), strict=True):
        one.train(given, Y, alpha=0.5, epochs=2, batch_size=2, seed=0)
    yield Answer("training on read-only samples", moved[0].parameters, moved[1].parameters, 0)


@contextmanager
def _switching() -> Iterator[None]:
    """Make threads switch as often as possible."""
    kept = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(kept)


def threads(cls: Any, trusted: Any, case: Case) -> Compared:
    """Several threads that call at once, and any number of a network's own threads, give the same bits as one."""
    net, Y = case.network(cls), case.Y
    inputs = [case.X * factor for factor in (1.0, 0.5, -1.0, 2.0)]

    def asked(X: Array) -> list[Array]:
        return [net.predict(X), *net.feed_forward(X)[1:], net.gradient(X, Y)[1].flat]

    alone = [[part.copy() for part in asked(X)] for X in inputs]
    with ThreadPoolExecutor(4, f"{THREAD}-caller") as pool, _switching():
        together = list(pool.map(asked, inputs * 5))
    for i, parts in enumerate(together):
        for got, expected in zip(parts, alone[i % len(inputs)], strict=True):
            yield Answer("an answer beside other threads", got, expected, 0)
    net.threads = 3
    for got, expected in zip(asked(inputs[0]), alone[0], strict=True):
        yield Answer("an answer with threads=3", got, expected, 0)


def repeated(cls: Any, trusted: Any, case: Case) -> Compared:
    """The same call gives the same bits, whatever was called before, and other weights give their own answers."""
    net, other, X, Y = case.network(cls), Case((3, 6, 1), 4).network(cls), case.X, case.Y
    asked: tuple[Callable[[], Any], ...] = (
        lambda: net.predict(X),
        lambda: net.predict(X[0]),
        lambda: net.feed_forward(X)[1],
        lambda: net.cost(X, Y),
        lambda: net.gradient(X, Y)[1].flat,
    )
    first = [np.array(ask()) for ask in asked]
    other.gradient(np.ones((4, 3)), np.ones((4, 1)))
    net.gradient(X[:2], Y[:2])
    for ask, expected in zip(asked, first, strict=True):
        yield Answer("the same call again", ask(), expected, 0)
    for weight in (0.75, -0.25):
        net.weights[0][0, 0] = net.biases[-1][0] = weight
        changed = trusted(net.sizes, weights=net.weights, biases=net.biases)
        allowed = tolerance.forward(changed.model, X)[-1]
        yield Answer("output after a weight was changed", net.predict(X), changed.predict(X), allowed)
        allowed = tolerance.gradient(changed.model, X, Y)[1].flat
        yield Answer("gradient after a weight was changed", asked[-1](), changed.gradient(X, Y)[1].flat, allowed)
    moved = [case.network(cls) for _ in range(2)]
    for one in moved:
        run_updates(one, X, Y, Descent(), alpha=0.5, batch_size=4, epochs=3)
    yield Answer("the same updates again", moved[0].parameters, moved[1].parameters, 0)


def refused(cls: Any, trusted: Any, case: Case) -> Compared:
    """Bad input is refused with ValueError or TypeError, and changes nothing."""
    net, X, Y = case.network(cls), case.X, case.Y
    before, wide, with_nan = net.parameters.copy(), np.ones((3, X.shape[1] + 1)), X.copy()
    with_nan[-1, -1] = math.nan
    calls: dict[str, Callable[[], Any]] = {
        "too many columns": lambda: net.predict(wide),
        "one sample too long": lambda: net.predict(wide[0]),
        "three dimensions": lambda: net.predict(X[None]),
        "NaN": lambda: net.predict(with_nan),
        "text": lambda: net.predict("abc"),
        "complex numbers": lambda: net.predict(X + 1j),
        "rows of different lengths": lambda: net.feed_forward([[1.0], [1.0, 2.0]]),
        "targets for other samples": lambda: net.gradient(X, Y[1:]),
        "an unknown reduction": lambda: net.cost(X, Y, reduction="median"),
        "NaN to learn from": lambda: net.train(with_nan, Y, alpha=0.1, epochs=1),
        "infinite targets": lambda: net.train(X, Y + math.inf, alpha=0.1, epochs=1),
    }
    for name, call in calls.items():
        try:
            call()
            was_refused = False
        except (ValueError, TypeError):
            was_refused = True
        yield Answer(f"{name}: refused", was_refused, True, 0)
    yield Answer("weights afterwards", net.parameters, before, 0)
    yield from extremes.finite_input(net, X)


def side_effects(cls: Any, trusted: Any, case: Case) -> Compared:
    """Returned arrays belong to the caller; a backend does not change NumPy's random state or error handling."""
    net, X, Y = case.network(cls), case.X.copy(), case.Y.copy()
    backend, model = net.backend, net.model
    user, handling = np.random.get_state(), np.geterr()  # noqa: NPY002  # the global stream is what this is about
    np.random.seed(7)  # noqa: NPY002  # so that a backend which seeds it does not find it as it leaves it
    random = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    layers, output = backend.feed_forward(model, X), backend.predict(model, X)
    slope = backend.gradient(model, X, Y)[1]
    returned = {
        **{f"h[{l}]": h for l, h in enumerate(layers) if l > 0},
        "the output of predict": output,
        **{f"the gradient of weights[{l}]": W for l, W in enumerate(slope.weights)},
    }
    arrays = {name: value for name, value in returned.items() if isinstance(value, np.ndarray)}
    kept = {name: value.copy() for name, value in arrays.items()}
    for name, value in arrays.items():
        yield Answer(f"{name} is a view of the weights", np.may_share_memory(value, model.theta.everything), False, 0)
        yield Answer(f"{name} is a view of the input", np.may_share_memory(value, X), False, 0)
    backend.feed_forward(model, -X), backend.predict(model, -X), backend.gradient(model, -X, Y)
    for name, value in arrays.items():
        yield Answer(f"{name} after another call", value, kept[name], 0)
    run_updates(net, X, Y, Descent(), alpha=0.5, batch_size=2)
    for name, value in arrays.items():
        yield Answer(f"{name} after an update", value, kept[name], 0)
    drawn = np.random.get_state()[1]  # type: ignore[index]  # noqa: NPY002
    np.random.set_state(user)  # noqa: NPY002
    yield Answer("numbers drawn from NumPy's global stream", (drawn != random).any(), False, 0)
    yield Answer("NumPy's error handling is changed", np.geterr() != handling, False, 0)
