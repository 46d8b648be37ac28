"""Every public entry point with its arguments: what each accepts, and a valid call.

An argument is a function of a random stream that returns a value, a name for it and whether it is valid.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import Any

import hostile_values as hostile
import numpy as np
from hostile_values import Random, Value

import samenet
from samenet import data, optimizers, schedules, stopping, testing
from samenet.estimators.settings import ACTIVATIONS as OF_ESTIMATORS
from samenet.estimators.settings import SCHEDULES, SOLVERS, Settings
from samenet.model.functions import ACTIVATIONS, REDUCTIONS
from samenet.model.initialize import SCHEMES
from samenet.training.monitors import MONITORS

Argument = Callable[[Random, np.dtype[Any]], tuple[Any, str, bool]]  # the value, its name, whether it is right
X = np.random.default_rng(0).integers(-6, 7, (5, 3)) / 4
Y = np.random.default_rng(1).integers(0, 5, (5, 2)) / 4
FOLDER = Path(tempfile.gettempdir())
SIZES = (3, 4, 2)


def is_finite(value: Value) -> bool:
    """Whether a number has a finite float; NaN has none."""
    return bool(abs(value.means) <= sys.float_info.max)


def of(right: Callable[[Value], bool]) -> Argument:
    """A setting, with a function that says whether a value is valid."""

    def draw(chance: Random, dtype: Any) -> tuple[Any, str, bool]:
        value = hostile.scalar(chance)
        return value.value, value.name, right(value)

    return draw


def integer(least: int, most: float = float("inf"), none: bool = False) -> Argument:
    return of(lambda v: (v.kind == "int" and least <= v.means <= most) or (none and v.kind == "None"))


def number(right: Callable[[float], bool], none: bool = False) -> Argument:
    def taken(v: Value) -> bool:
        if v.kind not in ("int", "real"):
            return none and v.kind == "None"
        return is_finite(v) and right(float(v.means))

    return of(taken)


positive, at_least_0, share = number(lambda x: x > 0), number(lambda x: x >= 0), number(lambda x: 0 <= x < 1)
inside = number(lambda x: 0 < x < 0.8)
flag = of(lambda v: v.kind == "bool")


def name(*known: str, none: bool = False) -> Argument:
    return of(lambda v: (v.kind == "text" and v.means in known) or (none and v.kind == "None"))


def seed(*streams: str, most: float = float("inf")) -> Argument:
    known = ("default_rng", "RandomState", *streams)

    def taken(v: Value) -> bool:
        if v.kind == "int":
            return bool(0 <= v.means <= most)
        return v.kind == "None" or (v.kind == "stream" and v.means in known)

    return of(taken)


def array(
    values: np.ndarray,
    *shapes: tuple[int | None, ...],
    any_rank: bool = False,
    as_is: Any = None,
    empty: bool = False,
    extremes: bool = True,
) -> Argument:
    """An array of one of these shapes, None for any length; in the network's dtype or in `as_is`."""

    def draw(chance: Random, dtype: Any) -> tuple[Any, str, bool]:
        given = hostile.array(chance, values)
        kind = np.dtype(as_is or dtype)
        fits = any_rank or any(
            given.shape is not None
            and len(given.shape) == len(shape)
            and all(b is None or a == b for a, b in zip(given.shape, shape, strict=True))
            for shape in shapes
        )
        fits = fits and (empty or 0 not in (given.shape or ()))
        good, value, label = given.good, given.value, given.name
        if extremes and given.name == "plain" and chance.random() < 0.2:  # numbers at the limits of the range
            value = values * 1.0
            value.flat[0] = chance.choice([1e300, -1e308, 1e30, 1e39])
            label, limit = f"plain with {value.flat[0]:g}", float(np.finfo(kind).max)
            good = abs(value.flat[0]) <= limit
        return value, label, bool(good and fits)

    return draw


_of_samples = array(np.array([0.5, 1, 2, 0, 4]), (5,), as_is=np.float64, extremes=False)
labels = array(np.array([0.0, 1, 2, 1, 0]), (None,), as_is=np.float64, extremes=False)


def sample_weight(chance: Random, dtype: Any) -> tuple[Any, str, bool]:
    """A weight for each sample; None for none."""
    value, label, good = _of_samples(chance, dtype)
    return value, label, value is None or good


def length(value: Any) -> int | None:
    """The length of a value, or None if it has none."""
    try:
        return len(value)
    except Exception:
        return None


def batch(n: int, values: np.ndarray) -> Argument:
    return array(values, (n,), (None, n), empty=True)


def listing(*cases: tuple[str, Callable[[], Any], bool], also: Callable[[Value], bool] = lambda v: False) -> Argument:
    """One of these lists, or a value that is not a list."""

    def draw(chance: Random, dtype: Any) -> tuple[Any, str, bool]:
        if chance.random() < 0.6:
            label, make, good = chance.choice(cases)
            return make(), label, good
        value = hostile.scalar(chance)
        return value.value, value.name, also(value)

    return draw


def _ones(*shape: int) -> Callable[[], Any]:
    return lambda: np.ones(shape)


sizes = listing(
    *[
        (repr(s), partial(list, s), good)
        for s, good in (((3, 4, 2), True), ((3,), False), ((), False), ((3, 0), False))
    ],
    *[(f"{s!r:.30}", partial(list, s), False) for s in ((3, 1.0), (3, True), (3, "2"), (3, -1), (10**12, 10**12))],
    ("huge", lambda: [hostile.HUGE, 2], False),
    ("durations", lambda: np.array([3, 2], "m8[s]"), False),
    ("int8", lambda: np.array([3, 4, 2], np.int8), True),
    ("swapped", lambda: np.array([3, 4, 2], ">i4"), True),
    ("rank 2", lambda: np.array([[3, 2]]), False),
    ("masked", lambda: np.ma.array([3, 2], mask=[0, 1]), False),
    ("raises", lambda: [3, hostile.Raising()], False),
)
activation = listing(
    ("two", lambda: ["relu", "sigmoid"], True),
    ("as an array", lambda: np.array(["tanh", "sigmoid"]), True),
    ("one", lambda: ["relu"], False),
    ("none", list, False),
    ("unknown", lambda: ["relu", "sigmond"], False),
    ("numbers", lambda: [1, 2], False),
    also=lambda v: v.kind == "text" and v.means in ACTIVATIONS,
)
monitors = listing(
    ("two", lambda: ["mean_absolute_error", "mean_norm"], True),
    ("none", tuple, True),
    ("unknown", lambda: ["loss"], False),
    ("None inside", lambda: [None], False),
    also=lambda v: v.kind == "text" and v.means in MONITORS,
)
dropout = listing(
    ("one", lambda: [0.5], True),
    ("two", lambda: [0.5, 0.5], False),
    ("none", list, False),
    ("1", lambda: [1.0], False),
    ("nan", lambda: np.array([np.nan]), False),
    ("text", lambda: ["0.5"], False),
    also=lambda v: v.kind in ("int", "real") and 0 <= v.means < 1,
)
normalization = listing(
    ("one", lambda: [True], True),
    ("two", lambda: [True, False], False),
    ("none", list, False),
    ("1", lambda: [1], False),
    ("text", lambda: ["True"], False),
    also=lambda v: v.kind == "bool",
)
drop_connect = listing(
    ("one", lambda: [0.5], False),
    ("two", lambda: [0.5, 0.5], True),
    ("none", list, False),
    ("1", lambda: [0.5, 1.0], False),
    ("nan", lambda: np.array([np.nan, 0.5]), False),
    ("text", lambda: ["0.5", "0.5"], False),
    also=lambda v: v.kind in ("int", "real") and 0 <= v.means < 1,
)
stop = listing(
    ("a rule", lambda: stopping.CostChange(1e-9), True),
    ("a class", lambda: stopping.CostChange, False),
    ("rules", lambda: [stopping.CostChange(1e-9), stopping.GradientNorm(1e-9)], True),
    ("none", tuple, True),
    ("a None", lambda: [None], False),
    ("patience", lambda: stopping.Patience(X, Y), True),
    ("patience, wrong width", lambda: stopping.Patience(Y, X), False),
    ("patience, nan", lambda: stopping.Patience(X * np.nan, Y), False),
    ("patience, masked", lambda: stopping.Patience([[1, 2, np.ma.masked]], Y[:1]), False),
    ("patience, nothing", lambda: stopping.Patience((), ()), False),
    ("patience, text", lambda: stopping.Patience(X, "Y"), False),
    also=lambda v: v.kind == "None",
)
validation = listing(
    ("a pair", lambda: (X, Y), True),
    ("a list of two", lambda: [X.tolist(), Y.tolist()], True),
    ("one sample", lambda: (X[0], Y[0]), True),
    ("three", lambda: (X, Y, Y), False),
    ("one", lambda: (X,), False),
    ("swapped", lambda: (Y, X), False),
    ("nothing", lambda: ((), ()), False),
    ("nan", lambda: (X * np.nan, Y), False),
    ("masked", lambda: ([[1, 2, np.ma.masked]], Y[:1]), False),
    ("an array", lambda: np.zeros((2, 5, 3)), False),
    ("raises", lambda: [hostile.Raising(), Y], False),
    also=lambda v: v.kind == "None",
)
always = of(lambda v: v.kind == "bool" or (v.kind == "text" and v.means == "always"))
optimizer = listing(
    ("Adam", optimizers.Adam, True),
    ("a class", lambda: optimizers.Adam, False),
    ("MultiStart", lambda: optimizers.MultiStart(2), True),
    ("a list", lambda: ["adam"], False),
    also=lambda v: v.kind == "text" and v.means in optimizers.OPTIMIZERS,
)
weights = listing(
    ("right", lambda: [np.ones((4, 3)), np.ones((2, 4))], True),
    ("transposed", lambda: [np.ones((3, 4)), np.ones((2, 4))], False),
    ("one", lambda: [np.ones((4, 3))], False),
    ("nan", lambda: [np.full((4, 3), np.nan), np.ones((2, 4))], False),
    ("masked", lambda: [np.ma.array(np.ones((4, 3)), mask=True), np.ones((2, 4))], False),
    ("masked in lists", lambda: [[[1, 2, np.ma.masked]] * 4, np.ones((2, 4))], False),
    ("text", lambda: ["abc", np.ones((2, 4))], False),
    ("swapped", lambda: [np.ones((4, 3), ">f8"), np.ones((2, 4), ">f4")], True),
    ("sparse", lambda: [hostile.scipy.sparse.csr_matrix(np.ones((4, 3))), np.ones((2, 4))], False),
    ("raises", lambda: [hostile.Raising(), np.ones((2, 4))], False),
    also=lambda v: v.kind == "None",
)
places = listing(
    ("one", lambda: [(0, 0, 0)], True),
    ("an index", lambda: [3], True),
    ("beyond", lambda: [26], False),
    ("negative", lambda: [-1], False),
    ("beyond a layer", lambda: [(0, 4, 0)], False),
    ("no layer", lambda: [(2, 0)], False),
    ("one number", lambda: [(0,)], False),
    ("empty", lambda: [()], False),
    ("nothing", list, False),
    ("durations", lambda: [np.array([0, 0], "m8[s]")], False),
    ("text", lambda: ["ab"], False),
    ("raises", lambda: [hostile.Raising()], False),
    ("huge", lambda: [hostile.HUGE], False),
)
out = listing(
    ("right", _ones(2), True),
    ("longer", _ones(3), False),
    ("rank 2", _ones(1, 2), False),
    ("list", lambda: [0.0, 0.0], False),
    ("read-only", lambda: hostile.KINDS["read-only"](np.ones(2)), False),
    ("unaligned", lambda: hostile.KINDS["unaligned"](np.ones(2)), False),
    ("swapped", lambda: np.ones(2, ">f8"), False),
    ("strided", lambda: np.ones(4)[::2], False),
    ("half", lambda: np.ones(2, np.float16), False),
    ("a liar", lambda: np.ones(2).view(hostile.Liar), False),
    ("empty tuple", tuple, False),
    also=lambda v: v.kind == "None",
)
texts = listing(
    ("two", lambda: ["a b", "c"], True),
    ("none", list, True),
    ("numbers", lambda: ["a", 1], False),
    ("surrogates", lambda: ["\ud800", "a\0"], True),
    ("a text that fails", lambda: [hostile.RaisingInteger(3)], False),
    ("raises", lambda: [hostile.Raising()], False),
)
vocabulary = listing(
    ("two", lambda: ["a", "b"], True),
    ("twice", lambda: ["a", "A"], False),
    ("none", list, False),
    ("two words", lambda: ["a b"], False),
    ("a number", lambda: ["a", 1], False),
    ("a surrogate", lambda: ["\ud800"], False),
    ("empty", lambda: [""], False),
)
flat = listing(
    ("right", _ones(26), True),
    ("of float32", lambda: np.ones(26, np.float32), True),
    ("longer", _ones(27), False),
    ("rank 2", _ones(2, 13), False),
    ("strided", lambda: np.ones(52)[::2], False),
    ("list", lambda: [0.0] * 26, False),
)
recorded = listing(
    ("two", lambda: ["accuracy", "a"], True),
    ("none", tuple, True),
    ("cost", lambda: ["cost"], False),
    ("twice", lambda: ["a", "a"], False),
    ("None inside", lambda: [None], False),
    ("a list inside", lambda: [["a"]], False),
)
seeds = listing(
    ("two", lambda: [1, np.int64(2)], True),
    ("none", list, True),
    ("a generator", lambda: iter([3, None]), True),
    ("one stream twice", lambda: [np.random.default_rng(1)] * 2, True),
    ("negative", lambda: [1, -1], False),
    ("a float", lambda: [1.0], False),
    ("text inside", lambda: [1, "2"], False),
    ("a set", lambda: {1, 2}, False),
    ("raises", lambda: [hostile.Raising()], False),
)
alpha = of(  # float of an epoch is a schedule too
    lambda v: (v.kind in ("int", "real") and is_finite(v) and v.means > 0) or v.kind == "function" or v.name == "a type"
)
callback = of(lambda v: v.kind in ("None", "function") or v.name == "a type")


def is_dtype(value: Value) -> bool:
    """Whether a value means float64 or float32."""
    return (value.kind == "text" and value.means in ("f8", "float32")) or value.name == "a type"


dtype = of(is_dtype)


def unless(left_out: Callable[[Any], bool], argument: Argument) -> Argument:
    """An argument without some values."""

    def draw(chance: Random, dtype: Any) -> tuple[Any, str, bool]:
        while True:
            value, label, good = argument(chance, dtype)
            if not left_out(value):
                return value, label, good

    return draw


# Valid, but would take too long, or would download MNIST.
epochs = unless(lambda value: isinstance(value, Integral) and 3 < value < 2**63, integer(0, 3))


def path(chance: Random, dtype: Any) -> tuple[Any, str, bool]:
    if chance.random() < 0.5:
        label, value, good = hostile.path(chance, FOLDER)
        return value, label, good
    value = hostile.scalar(chance)
    known = value.kind == "text" and 0 < len(value.means.encode(errors="replace")) < 256
    return value.value, value.name, known and not set("\0\ud800") & set(value.means)


def saved_path(chance: Random, dtype: Any) -> tuple[Any, str, bool]:
    """The path of a file to write: a valid one, or one without the suffix of a format."""
    if chance.random() < 0.2:
        suffix = chance.choice([".npz", ".safetensors"])
        return FOLDER / f"samenet-hostile{suffix}", f"a file {suffix}", True
    value, label, _ = path(chance, dtype)
    return value, label, False


def _to_resume(chance: Random, dtype: Any) -> tuple[Any, str, bool]:
    """False, as the network has not been trained, or the path of a checkpoint."""
    value, label, good = path(chance, dtype)
    return value, label, not value if isinstance(value, bool | np.bool_) else good


def _to_checkpoint(chance: Random, dtype: Any) -> tuple[Any, str, bool]:
    value, label, good = saved_path(chance, dtype)
    return value, label, value is None or good


def is_identifier(value: Value) -> bool:
    """Whether a value can be the prefix of names in C."""
    text = value.means
    return value.kind == "text" and text.isascii() and text.isidentifier() and text[0] != "_" and len(text) <= 40


def _not_looked_at(chance: Random, dtype: Any) -> tuple[Any, str, bool]:
    """A sample of a predictor, which may have NaN and infinity in it."""
    given = hostile.array(chance, X[0])
    finite = given.good or given.not_finite
    return given.value, given.name, finite and given.shape == (3,)


@dataclass(frozen=True)
class Entry:
    """A function, its arguments, and their values in a valid call.

    by_network: whether its first argument is a network of a backend. also: exceptions that a valid call may raise,
    because they concern its numbers.
    """

    call: Callable[..., Any]
    arguments: dict[str, Argument]
    right: Callable[[], dict[str, Any]] = dict
    by_network: bool = True
    also: tuple[type[Exception], ...] = ()
    says: dict[str, str] = field(default_factory=dict)  # the names in messages, where they differ


def _with_optimizer(kind: Any) -> Callable[..., Any]:
    return lambda net, **settings: net.copy().train(X, Y, alpha=0.1, epochs=1, optimizer=kind(**settings))


def _scaled(make: Any, method: str) -> Callable[..., Any]:
    scaler = make(np.abs(X) + 1)
    return lambda X: getattr(scaler, method)(X)


def _train(net: Any, **settings: Any) -> Any:
    return net.train(**settings)


def _train_many(net: Any, **settings: Any) -> Any:
    return samenet.train_many([net.copy(), net.copy()], **settings)


def _assign(attribute: str) -> Callable[..., Any]:
    return lambda net, **value: setattr(net, attribute, value[attribute])


TRAIN: dict[str, Argument] = {
    "X": array(X, (5, 3)),
    "Y": array(Y, (5, 2)),
    "alpha": alpha,
    "epochs": epochs,
    "batch_size": integer(1, none=True),
    "shuffle": flag,
    "seed": seed("Random"),
    "cost": name("squared_error", none=True),
    "reduction": name(*REDUCTIONS),
    "monitors": unless(lambda value: isinstance(value, str) and value == "accuracy", monitors),  # it depends on Y
    "record_every": integer(0),
    "callback": callback,
    "optimizer": optimizer,
    "stop": stop,
    "dropout": dropout,
    "drop_connect": drop_connect,
    "clip_value": number(lambda x: x > 0, none=True),
    "clip_norm": number(lambda x: x > 0, none=True),
    "sampling": name(none=True),  # of a full batch
    "validation": validation,
    "verbose": unless(lambda value: isinstance(value, bool | np.bool_) and bool(value), flag),  # which prints
    "progress": unless(lambda value: isinstance(value, str) and value == "always", always),
    "sample_weight": sample_weight,
}
_SAMPLES: dict[str, Argument] = {"X": array(X, (5, 3)), "Y": array(Y, (5, 2))}
_WEIGHTS: dict[str, Argument] = {"sample_weight": sample_weight}
_IN_FLOAT64: dict[str, Argument] = {
    "X": array(X, (5, 3), as_is=np.float64),
    "Y": array(Y, (5, 2), as_is=np.float64),
}
_COSTS: dict[str, Argument] = {"cost": name("squared_error", none=True), "reduction": name(*REDUCTIONS)}


_PAIR = {"X": "X|Y"}  # an X of another length may be reported for Y


def _samples() -> dict[str, Any]:
    return {"X": X.copy(), "Y": Y.copy()}


ENTRIES: dict[str, Entry] = {
    "Network": Entry(
        lambda net, **settings: type(net)(**{"sizes": SIZES, "weights": None} | settings),
        {
            **{"sizes": sizes, "activation": activation, "bias": flag, "cost": name("squared_error")},
            **{"l1": at_least_0, "l2": at_least_0, "init": name(*SCHEMES), "seed": seed(), "dtype": dtype},
            **{"threads": integer(1), "batch_normalization": normalization},
        },
    ),
    "Network, weights": Entry(lambda net, weights: type(net)(SIZES, weights=weights), {"weights": weights}),
    "predict": Entry(lambda net, X: net.predict(X), {"X": batch(3, X)}),
    "predict one": Entry(lambda net, X: net.predict(X), {"X": batch(3, X[0])}),
    "classify": Entry(lambda net, X: net.classify(X), {"X": batch(3, X)}),
    "feed_forward": Entry(lambda net, x: net.feed_forward(x), {"x": batch(3, X)}),
    "predictor": Entry(
        lambda net, x, out=None: net.predictor()(x, out), {"x": _not_looked_at, "out": out}, lambda: {"x": X[0].copy()}
    ),
    "cost": Entry(lambda net, **given: net.cost(**given), _SAMPLES | _COSTS | _WEIGHTS, _samples, says=_PAIR),
    "gradient": Entry(lambda net, **given: net.gradient(**given), _SAMPLES | _COSTS | _WEIGHTS, _samples, says=_PAIR),
    "train": Entry(
        _train, TRAIN, lambda: _samples() | {"alpha": 0.1, "epochs": 1}, also=(FloatingPointError,), says=_PAIR
    ),
    "train in batches": Entry(
        _train,
        {key: value for key, value in TRAIN.items() if key not in ("optimizer", "sampling")},
        lambda: _samples() | {"alpha": 0.1, "epochs": 2, "batch_size": 2, "seed": 0},
        also=(FloatingPointError,),
        says=_PAIR,
    ),
    "train on rows drawn": Entry(
        _train,
        {
            key: value
            for key, value in TRAIN.items()
            if key not in ("batch_size", "shuffle", "optimizer", "sample_weight")
        }
        | {"sampling": name("adaptive", none=True)},
        lambda: _samples() | {"alpha": 0.1, "epochs": 2, "batch_size": 2, "seed": 0, "sampling": "adaptive"},
        also=(FloatingPointError,),
        says=_PAIR,
    ),
    "resume": Entry(_train, {"resume": _to_resume}, lambda: _samples() | {"alpha": 0.1, "epochs": 1}, also=(OSError,)),
    "checkpoint": Entry(
        _train, {"checkpoint": _to_checkpoint}, lambda: _samples() | {"alpha": 0.1, "epochs": 1}, also=(OSError,)
    ),
    "every": Entry(
        _train,
        {"every": number(lambda x: x >= 0, none=True)},
        lambda: _samples() | {"alpha": 0.1, "epochs": 1, "checkpoint": FOLDER / "samenet-hostile.npz"},
    ),
    "AdaptiveSampling": Entry(
        samenet.AdaptiveSampling, {"rate": share, "floor": number(lambda x: 0 < x < 1)}, by_network=False
    ),
    "train_many": Entry(
        _train_many,
        {key: value for key, value in TRAIN.items() if key not in ("seed", "sampling")},
        lambda: _samples() | {"alpha": 0.1, "epochs": 2, "batch_size": 2, "seeds": [0, 1]},
        also=(samenet.TrainingErrors,),
        says=_PAIR,
    ),
    "train_many, seeds": Entry(
        samenet.train_many,
        {"seeds": seeds, "init": name(*SCHEMES)},
        lambda: _samples() | {"seeds": [0], "alpha": 0.1, "epochs": 1},
    ),
    "parameters": Entry(_assign("parameters"), {"parameters": array(np.arange(26) / 8 - 1, (26,))}),
    "Parameters": Entry(
        samenet.Parameters,
        {
            "sizes": sizes,
            "bias": of(lambda v: v.kind == "bool" and bool(v.value)),  # the vector holds biases
            "flat": flat,
        },
        lambda: {"sizes": SIZES, "bias": True, "flat": np.zeros(26)},
        by_network=False,
        says={"sizes": "sizes|flat", "bias": "bias|flat"},
    ),
    "History": Entry(samenet.History, {"monitors": recorded}, lambda: {"monitors": []}, by_network=False),
    "save": Entry(lambda net, path: net.save(path), {"path": saved_path}),
    "load": Entry(
        samenet.load,
        {"path": path, "backend": name(*samenet.backends()), "limit": integer(1)},
        lambda: {"path": FOLDER / "no such file"},
        by_network=False,
        also=(OSError,),
    ),
    "to_c": Entry(
        lambda net, **given: samenet.export.to_c(net, FOLDER / "samenet-hostile.h", **given),
        {
            "name": of(lambda v: v.kind == "None" or is_identifier(v)),
            "dtype": of(lambda v: v.kind == "None" or is_dtype(v)),
            "within": positive,
        },
    ),
    "to_js": Entry(
        lambda net, **given: samenet.export.to_js(net, FOLDER / "samenet-hostile.mjs", **given), {"within": positive}
    ),
    "threads": Entry(_assign("threads"), {"threads": integer(1)}),
    "on": Entry(lambda net, backend: net.on(backend), {"backend": name(*samenet.backends())}),
    "check_gradient": Entry(
        lambda net, **given: samenet.check_gradient(net, **given),
        _IN_FLOAT64 | {"step": number(lambda x: x >= 1e-100), "reduction": name(*REDUCTIONS)},
        _samples,
        says=_PAIR,
    ),
    "check_backend": Entry(
        lambda **given: testing.check_backend(samenet.backend("numpy"), parts=["predict"], **given),
        {"time_limit": number(lambda x: x > 0, none=True)},
        lambda: {"shrink": False},
        by_network=False,
    ),
    "assert_same": Entry(
        lambda net, **given: testing.assert_same("numpy", net.backend, net, **given),
        {name: unless(lambda value: value is None, one) for name, one in _SAMPLES.items()}
        | {"seed": seed()},  # or drawn
        _samples,
        also=(AssertionError,),
        says=_PAIR,
    ),
    "error_surface": Entry(
        lambda net, X, Y, places, grid, **given: samenet.error_surface(net, X, Y, places, grid, **given),
        {
            **_IN_FLOAT64,
            **{"places": places, "grid": array(np.arange(3.0), (None,), as_is=np.float64)},
            **{"measure": name("cost", "mean_absolute_error", "sum_of_squared_errors"), "reduction": name(*REDUCTIONS)},
        },
        lambda: _samples() | {"places": [(0, 0, 0)], "grid": np.arange(3.0)},
        says=_PAIR | {"grid": "grids", "places": "places|grids"},
    ),
    "DirectionChanges": Entry(
        lambda net, X, Y, **given: samenet.DirectionChanges(net, X, Y, **given),
        _SAMPLES | {"reduction": name(*REDUCTIONS)},
        _samples,
        says=_PAIR,
    ),
    "plot.network": Entry(
        lambda net, **given: samenet.plot.network(net, **given), {"biases": flag, "numbers": flag, "most": integer(1)}
    ),
    "plot.activations": Entry(
        lambda net, X, **given: samenet.plot.activations(net, X, **given),
        {"X": unless(lambda value: length(value) == 0, batch(3, X)), "output": flag},
        lambda: {"X": X.copy()},
    ),
    "plot.history": Entry(
        lambda **given: samenet.plot.history({"a": [1.0, 2.0]}, **given), {"log": flag}, by_network=False
    ),
    "plot.digits": Entry(
        lambda **given: samenet.plot.digits(np.eye(4), **given), {"columns": integer(1, none=True)}, by_network=False
    ),
    "plot.confusion_matrix": Entry(
        lambda **given: samenet.plot.confusion_matrix([0, 1], [0, 1], **given), {"normalize": flag}, by_network=False
    ),
    "downhill": Entry(
        lambda slope, x, **given: samenet.downhill(slope, x, **given),
        {
            **{
                "slope": of(lambda v: v.kind == "function" or v.name == "a type"),
                "x": array(X, any_rank=True, as_is=np.float64),
            },
            **{"alpha": positive, "precision": at_least_0, "max_steps": integer(0), "rule": name("slope", "sign")},
        },
        lambda: {"slope": lambda x: 0.5 * x, "x": 1.0, "alpha": 0.5},
        by_network=False,
        also=(FloatingPointError,),
    ),
    "backend": Entry(
        lambda backend: samenet.backend(backend), {"backend": name(*samenet.backends())}, by_network=False
    ),
    "one_hot": Entry(
        data.one_hot,
        {"y": unless(lambda value: length(value) == 0, labels), "n_classes": integer(3, 1000, none=True)},
        lambda: {"y": [0, 1, 2]},
        by_network=False,
        says={"y": "y|n_classes", "n_classes": "n_classes|y"},
    ),
    "from_one_hot": Entry(data.from_one_hot, {"Y": array(X, (None, None), as_is=np.float64)}, by_network=False),
    **{
        f"{make.__name__}{method}": Entry(
            call, {"X": array(X, shape, as_is=np.float64, extremes=False)}, by_network=False
        )
        for make in (data.standard_scaler, data.max_scaler)
        for method, call, shape in (
            ("", make, (None, None)),
            (".transform", _scaled(make, "transform"), (None, 3)),
            (".inverse_transform", _scaled(make, "inverse_transform"), (None, 3)),
        )
    },
    "constant_scaler": Entry(data.constant_scaler, {"constant": positive}, by_network=False),
    "constant_scaler.transform": Entry(
        lambda X: data.constant_scaler(2.0).transform(X),
        {"X": array(X, any_rank=True, as_is=np.float64, empty=True)},
        by_network=False,
    ),
    "random_images": Entry(
        data.random_images,
        {"m": integer(0, 1000), "n": integer(1, 1000), "seed": seed()},
        lambda: {"m": 2, "n": 3},
        by_network=False,
    ),
    "split": Entry(
        data.split,
        {"test_size": inside, "seed": seed(most=2**32 - 1)},
        lambda: {"X": X.copy(), "y": Y.copy()},
        by_network=False,
    ),
    "three_way_split": Entry(
        data.three_way_split,
        {
            "test_size": number(lambda x: 0 < x < 0.6),
            "valid_size": number(lambda x: 0 < x < 0.6),
            "seed": seed(most=2**32 - 1),
        },
        lambda: {"X": X.copy(), "y": Y.copy()},
        by_network=False,
    ),
    "letter_one_hot": Entry(
        data.letter_one_hot,
        {"text": of(lambda v: v.kind == "text" and ((v.means.isascii() and v.means.isalpha()) or v.means == ""))},
        by_network=False,
    ),
    "word_counts": Entry(
        data.word_counts,
        {"texts": texts, "vocabulary": vocabulary},
        lambda: {"texts": ["a"], "vocabulary": ["a"]},
        by_network=False,
    ),
    "read_idx": Entry(data.read_idx, {"path": path}, by_network=False, also=(OSError,)),
    "mnist": Entry(
        data.mnist,
        {"source": unless(lambda value: value is None, path), "scale": number(lambda x: x > 1e-305)},
        lambda: {"source": str(FOLDER / "no such folder")},
        by_network=False,
        also=(OSError,),
    ),
    "MLPRegressor": Entry(
        lambda **given: Settings.of(samenet.MLPRegressor(**given)),
        {
            **{"hidden_layer_sizes": integer(1), "activation": name(*OF_ESTIMATORS), "solver": name(*SOLVERS)},
            **{"batch_size": of(lambda v: (v.kind == "int" and v.means >= 1) or v.means == "auto")},
            **{"learning_rate": name(*SCHEDULES), "learning_rate_init": positive, "power_t": at_least_0},
            **{"max_iter": integer(1), "max_fun": integer(1), "tol": at_least_0, "alpha": at_least_0},
            **{"n_iter_no_change": unless(lambda value: isinstance(value, float), integer(1))},
            **dict.fromkeys(("shuffle", "warm_start", "nesterovs_momentum", "early_stopping"), flag),
            **dict.fromkeys(("momentum", "validation_fraction", "beta_1", "beta_2", "dropout"), share),
            **{"epsilon": positive, "backend": name(*samenet.backends()), "threads": integer(1)},
            **{"verbose": of(lambda v: v.kind == "bool" or (v.kind == "int" and v.means >= 0))},
            **{"callbacks": callback},
        },
        by_network=False,
        says={"dropout": "dropout|solver", "solver": "solver|dropout"},
    ),
    "Momentum": Entry(_with_optimizer(optimizers.Momentum), {"beta": share}),
    "Nesterov": Entry(_with_optimizer(optimizers.Nesterov), {"beta": share}),
    "RMSProp": Entry(_with_optimizer(optimizers.RMSProp), {"decay": share, "epsilon": at_least_0}),
    "Adam": Entry(_with_optimizer(optimizers.Adam), {"beta1": share, "beta2": share, "epsilon": at_least_0}),
    **{
        kind.__name__: Entry(kind, settings, by_network=False)
        for kind, settings in (
            (optimizers.BFGS, {"tolerance": positive}),
            (optimizers.LBFGS, {"tolerance": positive, "memory": integer(1, 2**31 - 1)}),
            (optimizers.CG, {"tolerance": positive}),
            (
                optimizers.MultiStart,
                {
                    "starts": integer(1),
                    "optimizer": of(lambda v: v.kind == "text" and v.means in optimizers.OPTIMIZERS),
                    "init": name(*SCHEMES),
                },
            ),
            (schedules.Constant, {"alpha": positive}),
            (schedules.StepDecay, {"alpha": positive, "factor": positive, "every": integer(1)}),
            (schedules.Exponential, {"alpha": positive, "rate": at_least_0}),
            (schedules.InverseTime, {"alpha": positive, "rate": at_least_0}),
            (schedules.Cosine, {"alpha": positive, "epochs": integer(1), "least": at_least_0}),
            (stopping.CostChange, {"least": positive}),
            (stopping.GradientNorm, {"least": positive}),
            (stopping.Patience, {"epochs": integer(1), "restore": always, "min_delta": at_least_0}),
        )
    },
    **{
        f"{kind.__class__.__name__}(epoch)": Entry(kind, {"epoch": integer(0)}, by_network=False)
        for kind in (
            schedules.Constant(0.1),
            schedules.StepDecay(0.1, 0.5, 2),
            schedules.Exponential(0.1, 0.1),
            schedules.InverseTime(0.1, 0.1),
            schedules.Cosine(0.1, hostile.HUGE),
        )
    },
}
_RIGHT: dict[str, dict[str, Any]] = {
    "MultiStart": {"starts": 1},
    "Constant": {"alpha": 0.1},
    "StepDecay": {"alpha": 0.1, "factor": 0.5, "every": 1},
    "Exponential": {"alpha": 0.1, "rate": 0.1},
    "InverseTime": {"alpha": 0.1, "rate": 0.1},
    "Cosine": {"alpha": 0.1, "epochs": 3},
    "Patience": {"X": X, "Y": Y},
}


def right(entry: str) -> dict[str, Any]:
    """The arguments of a valid call."""
    return {**_RIGHT.get(entry, {}), **ENTRIES[entry].right()}
