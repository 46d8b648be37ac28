"""User input: bad input is rejected in the same way by every backend and changes nothing; unusual input works.

Bad input raises a TypeError or a ValueError whose message names the argument, and says what was expected and what was
given. Every table below is run on every backend, and the messages are compared word for word.
"""

import array
import datetime
import decimal
import re
import warnings
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import samenet
from samenet import data
from samenet.backends import prepared
from samenet.validation import arrays

NAMES = samenet.backends()
SIZES = [3, 4, 2]
M = 5
HUGE = 10**5000  # more digits than Python is willing to print


def make(name: str, **settings: Any) -> samenet.Network:
    net = samenet.backend(name).Network(SIZES, seed=1, **settings)
    net.history = "kept"  # any object: what matters is that a refused call leaves it alone
    return net


def grid(*shape: int) -> np.ndarray:
    """Small whole numbers, which every dtype holds exactly; no two rows or columns are equal."""
    return (np.arange(np.prod(shape, dtype=int)) * 5 % 7).astype(float).reshape(shape)


X, Y = grid(M, 3), grid(M, 2)


# ---------------------------------------------------------------------------------------------------- refusals


def refused(error: type[Exception], argument: str, calls: list[Callable[[], Any]], *words: str) -> None:
    """Each call raises `error` itself, all with the same message, in the form all messages have."""
    messages = []
    for call in calls:
        with warnings.catch_warnings(action="error"), pytest.raises((TypeError, ValueError)) as caught:
            call()
        assert caught.type is error, f"{caught.type.__name__}: {caught.value}"
        messages.append(str(caught.value))
    assert len(set(messages)) == 1, messages
    message = messages[0]
    assert re.match(rf"{re.escape(argument)}(\[\d+\])?: expected .*got .*", message), message
    assert len(message) < 400, "a message, not a print of the data"
    for word in words:
        assert word in message, (word, message)


class Unhelpful:
    """An object that fails when it is asked to become an array."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise RuntimeError("not today")


def spoiled(shape: tuple[int, ...], value: Any, dtype: Any = float) -> np.ndarray:
    result = grid(*shape).astype(dtype)
    result.flat[-1] = value
    return result


def ragged(shape: tuple[int, ...]) -> list[Any]:
    rows = grid(*shape).tolist()
    rows[-1] = rows[-1][:-1] if len(shape) > 1 else [1.0]
    return rows


def itself() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


# Values that are not arrays of numbers: how to make one for a shape, the error, a word of the message.
NOT_NUMBERS: dict[str, tuple[Callable[[tuple[int, ...]], Any], type[Exception], str]] = {
    "None": (lambda s: None, TypeError, "None"),
    "string": (lambda s: "1 2 3", TypeError, "1 2 3"),
    "bytes": (lambda s: b"123", TypeError, "123"),
    "object": (lambda s: object(), TypeError, "object"),
    "function": (lambda s: len, TypeError, "len"),
    "strings": (lambda s: grid(*s).astype(str), TypeError, "real numbers"),
    "strings listed": (lambda s: grid(*s).astype(str).tolist(), TypeError, "real numbers"),
    "one string": (lambda s: spoiled(s, "x", object), TypeError, "real numbers"),
    "one None": (lambda s: spoiled(s, None, object), TypeError, "real numbers"),
    "one array": (lambda s: spoiled(s, np.array(1.0), object), TypeError, "real numbers"),
    "decimals": (lambda s: spoiled(s, decimal.Decimal(1), object), TypeError, "real numbers"),
    "dates": (lambda s: np.full(s, np.datetime64("2020-01-01")), TypeError, "datetime64"),
    "date objects": (lambda s: np.full(s, datetime.date(2020, 1, 1)), TypeError, "real numbers"),
    "durations": (lambda s: np.full(s, np.timedelta64(1, "s")), TypeError, "timedelta64"),
    "complex": (lambda s: grid(*s) + 0j, TypeError, "complex128"),
    "complex listed": (lambda s: (grid(*s) + 1j).tolist(), TypeError, "complex128"),
    "complex object": (lambda s: spoiled(s, 1j, object), TypeError, "real numbers"),
    "records": (lambda s: np.zeros(s, [("a", float)]), TypeError, "'a'"),
    "missing value": (lambda s: spoiled(s, pd.NA, object), TypeError, "real numbers"),
    "generator": (lambda s: (row for row in grid(*s)), TypeError, "generator"),
    "set": (lambda s: {1.0, 2.0}, TypeError, "set"),
    "dict": (lambda s: {"a": 1.0}, TypeError, "dict"),
    "sparse": (lambda s: scipy.sparse.csr_matrix(np.atleast_2d(grid(*s))), TypeError, "csr_matrix"),
    "no array": (lambda s: Unhelpful(), TypeError, "not today"),
    "ragged": (ragged, ValueError, "equal length"),
    "contains itself": (lambda s: itself(), ValueError, "[[...]]"),
    "nan": (lambda s: spoiled(s, np.nan), ValueError, "nan"),
    "inf": (lambda s: spoiled(s, np.inf), ValueError, "got inf"),
    "-inf": (lambda s: spoiled(s, -np.inf), ValueError, "got -inf"),
    "nan object": (lambda s: spoiled(s, float("nan"), object), ValueError, "nan"),
    "nan float16": (lambda s: spoiled(s, np.nan, np.float16), ValueError, "nan"),
    "int beyond float": (lambda s: spoiled(s, 10**400, object), ValueError, "too large"),
    "int beyond print": (lambda s: spoiled(s, HUGE, object), ValueError, "too large"),
    "longdouble beyond float": (
        lambda s: spoiled(s, np.finfo(np.longdouble).max, np.longdouble),
        ValueError,
        "got inf",
    ),
    "masked": (lambda s: np.ma.array(grid(*s), mask=spoiled(s, 9) == 9), ValueError, "a masked array"),
    "masked integers": (lambda s: np.ma.array(grid(*s).astype(int), mask=spoiled(s, 9) == 9), ValueError, "masked"),
}

# Arrays of numbers that do not fit the shape.
WRONG_SHAPES: dict[str, Callable[[tuple[int, ...]], Any]] = {
    "a number": lambda s: 1.0,
    "a rank more": lambda s: grid(*s, 2),
    "two ranks more": lambda s: grid(1, 1, *s),
    "wider": lambda s: grid(*s[:-1], s[-1] + 1),
    "narrower": lambda s: grid(*s[:-1], s[-1] - 1),
    "no width": lambda s: grid(*s[:-1], 0),
    "empty list": lambda s: [],
}

# Every argument that is an array: its name in messages, its expected shape, the call.
ARRAYS: dict[str, tuple[str, tuple[int, ...], Callable[[Any, Any], Any]]] = {
    "predict": ("X", (M, 3), lambda net, v: net.predict(v)),
    "predict one": ("X", (3,), lambda net, v: net.predict(v)),
    "feed_forward": ("x", (M, 3), lambda net, v: net.feed_forward(v)),
    "classify": ("X", (M, 3), lambda net, v: net.classify(v)),
    "cost X": ("X", (M, 3), lambda net, v: net.cost(v, Y)),
    "cost Y": ("Y", (M, 2), lambda net, v: net.cost(X, v)),
    "gradient X": ("X", (M, 3), lambda net, v: net.gradient(v, Y)),
    "gradient Y": ("Y", (M, 2), lambda net, v: net.gradient(X, v)),
    "train X": ("X", (M, 3), lambda net, v: net.train(v, Y, alpha=1, epochs=1)),
    "train Y": ("Y", (M, 2), lambda net, v: net.train(X, v, alpha=1, epochs=1)),
    "one sample": ("X", (3,), lambda net, v: net.predict(v)),
    "one target": ("Y", (2,), lambda net, v: net.gradient(X[0], v)),
    "parameters": ("parameters", (26,), lambda net, v: setattr(net, "parameters", v)),
    "weights": ("weights[1]", (2, 4), lambda net, v: type(net)(SIZES, weights=[grid(4, 3), v])),
    "biases": (
        "biases[0]",
        (4,),
        lambda net, v: type(net)(SIZES, weights=[grid(4, 3), grid(2, 4)], biases=[v, grid(2)]),
    ),
}


def refused_by_all(
    error: type[Exception], argument: str, call: Callable[[Any], Any], *words: str, **settings: Any
) -> None:
    """Every backend refuses it with the same message, and the network is unchanged."""
    nets = [make(name, **settings) for name in NAMES]
    before = [net.parameters.tobytes() for net in nets]
    refused(error, argument, [lambda net=net: call(net) for net in nets], *words)
    assert [net.parameters.tobytes() for net in nets] == before
    assert all(net.history == "kept" for net in nets)


def content(value: Any) -> Any:
    """The contents of a container, to check whether a call has written to it."""
    if isinstance(value, pd.DataFrame | pd.Series):
        value = value.to_numpy()
    if scipy.sparse.issparse(value):
        value = value.toarray()
    if hasattr(value, "tobytes") and not (isinstance(value, np.ndarray) and value.dtype.hasobject):
        return value.tobytes()
    if isinstance(value, np.ndarray):
        return [id(item) for item in value.flat]
    return [content(item) for item in value] if isinstance(value, list | tuple) else value


# X, Y, a flat vector and a matrix are each checked in one place, which is tested with every bad value. For all other
# arguments, a few values, one of each kind, show that they are checked there, too.
EACH_WAY = ("predict", "predict one", "feed_forward", "cost Y", "parameters", "weights")
ONE_OF_EACH = ("None", "one string", "complex", "sparse", "ragged", "nan", "-inf", "int beyond print", "masked")
REFUSED = [(entry, bad) for entry in ARRAYS for bad in (NOT_NUMBERS if entry in EACH_WAY else ONE_OF_EACH)]


@pytest.mark.parametrize(("entry", "bad"), REFUSED)
@pytest.mark.without_jit  # refused before a backend is asked
def test_what_is_not_an_array_of_finite_real_numbers_is_refused(entry: str, bad: str) -> None:
    argument, shape, call = ARRAYS[entry]
    value_of, error, word = NOT_NUMBERS[bad]
    value = value_of(shape)
    before = None if bad == "contains itself" else content(value)
    refused_by_all(error, argument, lambda net: call(net, value), word)
    assert before is None or content(value) == before, "the input was written to"


@pytest.mark.parametrize("bad", WRONG_SHAPES)
@pytest.mark.parametrize("entry", ARRAYS)
@pytest.mark.without_jit
def test_wrong_shapes_are_refused(entry: str, bad: str) -> None:
    argument, shape, call = ARRAYS[entry]
    value = WRONG_SHAPES[bad](shape)
    given = str(np.shape(value))
    refused_by_all(ValueError, argument, lambda net: call(net, value), "shape", str(shape[-1]), given)


# A predictor does not check for NaN and infinity, which propagate to its answer.
NOT_FINITE = {"nan", "inf", "-inf", "nan object", "nan float16", "longdouble beyond float"}


@pytest.mark.parametrize("bad", NOT_NUMBERS)
def test_a_predictor_refuses_all_but_what_is_not_finite(bad: str) -> None:
    value_of, error, word = NOT_NUMBERS[bad]
    value = value_of((3,))
    if bad not in NOT_FINITE:
        refused_by_all(error, "x", lambda net: net.predictor()(value), word)
        return
    for name in NAMES:
        with warnings.catch_warnings(action="ignore" if numba.config.DISABLE_JIT else "error"):
            sigmoid, linear = (make(name, activation=a).predictor()(value) for a in ("sigmoid", "identity"))
        assert not np.isfinite(linear).any()
        assert np.isnan(sigmoid).all() or np.isfinite(sigmoid).all(), "a sigmoid of infinity is finite"


@pytest.mark.parametrize("bad", WRONG_SHAPES)
def test_a_predictor_refuses_wrong_shapes(bad: str) -> None:
    value = WRONG_SHAPES[bad]((3,))
    given = str(np.shape(value))
    refused_by_all(ValueError, "x", lambda net: net.predictor()(value), "shape (3,)", given)
    refused_by_all(ValueError, "x", lambda net: net.predictor()(value, np.zeros(2)), "shape (3,)", given)


WRONG_OUT: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "a list": (lambda: [0.0, 0.0], TypeError, "list"),
    "a number": (lambda: 1.0, TypeError, "float"),
    "not None but false": (lambda: False, TypeError, "bool"),
    "masked": (lambda: np.ma.zeros(2), TypeError, "MaskedArray"),
    "float32": (lambda: np.zeros(2, np.float32), TypeError, "float32"),
    "integers": (lambda: np.zeros(2, np.int64), TypeError, "int64"),
    "other byte order": (lambda: np.zeros(2, ">f8"), TypeError, ">f8"),
    "longer": (lambda: np.zeros(3), ValueError, "(3,)"),
    "shorter": (lambda: np.zeros(1), ValueError, "(1,)"),
    "empty": (lambda: np.zeros(0), ValueError, "(0,)"),
    "a row": (lambda: np.zeros((1, 2)), ValueError, "(1, 2)"),
    "a scalar": (lambda: np.zeros(()), ValueError, "()"),
    "strided": (lambda: np.zeros(4)[::2], ValueError, "strides (16,)"),
    "backwards": (lambda: np.zeros(2)[::-1], ValueError, "strides (-8,)"),
    "one number twice": (
        lambda: np.lib.stride_tricks.as_strided(np.zeros(1), (2,), (0,), writeable=True),
        ValueError,
        "strides (0,)",
    ),
    "read-only": (lambda: read_only(np.zeros(2)), ValueError, "read-only"),
    "unaligned": (lambda: np.zeros(17, np.uint8)[1:].view(float), ValueError, "unaligned"),
}


@pytest.mark.parametrize("bad", WRONG_OUT)
def test_a_predictor_refuses_what_it_cannot_write_into(bad: str) -> None:
    value_of, error, word = WRONG_OUT[bad]
    out = value_of()
    before = content(out)
    for x in (grid(3), [1, 2, 3]):  # by the short way and by the slow one
        refused_by_all(error, "out", lambda net, x=x: net.predictor()(x, out), word)
    assert content(out) == before


@pytest.mark.parametrize("entry", ["predict", "cost X", "gradient Y", "train X", "parameters", "weights", "biases"])
@pytest.mark.without_jit
def test_numbers_beyond_float32_are_refused_by_a_float32_network(entry: str) -> None:
    argument, shape, call = ARRAYS[entry]
    if entry in ("weights", "biases"):

        def call(net: Any, v: Any) -> Any:
            W, b = [grid(4, 3), grid(2, 4)], [grid(4), grid(2)]
            (W if entry == "weights" else b)[1 if entry == "weights" else 0] = v
            return type(net)(SIZES, weights=W, biases=b, dtype=np.float32)

    refused_by_all(
        ValueError, argument, lambda net: call(net, spoiled(shape, 1e300)), "inf", "float32", dtype=np.float32
    )


PAIRS = {
    "X longer": (grid(6, 3), grid(5, 2), "Y", "(6, 2)"),
    "Y longer": (grid(5, 3), grid(6, 2), "Y", "(5, 2)"),
    "Y one sample": (grid(5, 3), grid(2), "Y", "(5, 2)"),
    "X one sample": (grid(3), grid(5, 2), "Y", "(2,)"),
    "X one sample, Y a batch of one": (grid(3), grid(1, 2), "Y", "(2,)"),
    "Y class labels": (grid(5, 3), [0, 1, 0, 1, 0], "Y", "one_hot"),
    "no rows": (np.empty((0, 3)), np.empty((0, 2)), "X", "at least one sample"),
    "no rows of X": (np.empty((0, 3)), grid(5, 2), "X", "at least one sample"),
    "no rows of Y": (grid(5, 3), np.empty((0, 2)), "Y", "(0, 2)"),
}


@pytest.mark.parametrize("what", ["cost", "gradient", "train"])
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.without_jit
def test_samples_and_targets_must_go_together(pair: str, what: str) -> None:
    x, y, argument, word = PAIRS[pair]
    settings = {"alpha": 1, "epochs": 1} if what == "train" else {}
    refused_by_all(ValueError, argument, lambda net: getattr(net, what)(x, y, **settings), word)


def test_targets_as_a_vector_for_a_single_output_are_refused_with_the_remedy() -> None:
    nets = [samenet.backend(name).Network([3, 1], seed=0) for name in NAMES]
    calls = [lambda net=net: net.gradient(grid(5, 3), grid(5)) for net in nets]
    refused(ValueError, "Y", calls, "Y.reshape(-1, 1)")
    calls = [lambda net=net: net.gradient(grid(5, 3), grid(5).tolist()) for net in nets]
    refused(ValueError, "Y", calls, "[[y] for y in Y]")


# Settings: the argument, the values it refuses, the error, words of the message.
NOT_INTEGERS = [True, np.True_, 1.0, np.float64(1), "1", None, [1], 1 + 0j, np.array(1)]
WHOLE = [*[(v, TypeError, "integer") for v in NOT_INTEGERS], (-1, ValueError, "-1"), (-HUGE, ValueError, "at least")]
POSITIVE = [*WHOLE, (0, ValueError, "at least 1"), (np.int8(0), ValueError, "at least 1")]
FLAGS = [(v, TypeError, "True or False") for v in (0, 1, None, "yes", [True], np.array(True))]
ALPHAS = [
    *[(v, TypeError, "a number") for v in (True, np.False_, "0.1", None, [0.1], 1j, np.array(0.1), decimal.Decimal(1))],
    *[(v, ValueError, "above 0") for v in (0, -1, 0.0, -0.0, -0.1, np.float32(-1), -(10**300))],
    *[(v, ValueError, "finite") for v in (float("nan"), np.inf, -np.inf, np.float32("nan"), 10**400, HUGE)],
]
SEEDS = [
    *[(v, TypeError, "integer") for v in ("1", 1.0, True, [1], np.array(1), np.random, np.random.PCG64(1))],
    (-1, ValueError, "at least 0"),
]
NOT_NAMES = [(v, TypeError, "expected one of") for v in (None, 1, True, ["x"], b"x", {"x"})]
COSTS = [
    *NOT_NAMES[1:],  # None is the network's own
    ("squared_eror", ValueError, "did you mean 'squared_error'?"),
    ("cross_entropy", ValueError, "expected 'softmax' in the output layer"),
]
PENALTIES = [
    *[case for case in ALPHAS if case[1] is TypeError or case[2] == "finite"],
    *[(v, ValueError, "at least 0") for v in (-1, -0.1, np.float32(-1), -(10**300))],
]

TRAIN_SETTINGS = {
    "alpha": ALPHAS,
    "epochs": WHOLE,
    "batch_size": [case for case in POSITIVE if case[0] is not None],
    "record_every": WHOLE,
    "shuffle": FLAGS,
    "seed": SEEDS,
    "cost": COSTS,
    "reduction": [*NOT_NAMES, ("meen", ValueError, "'mean', 'sum'"), ("meen", ValueError, "did you mean 'mean'?")],
    "monitors": [
        *[(v, TypeError, "got") for v in (None, 1, True, [None], [1], ("accuracy", 2.0), len)],
        ("acuracy", ValueError, "did you mean 'accuracy'?"),
        (["mean_norm", "loss"], ValueError, "'mean_norm', 'mean_absolute_error', 'accuracy'"),
        ("", ValueError, "got ''"),
        (["cost"], ValueError, "got 'cost'"),
    ],
    "callback": [(v, TypeError, "function") for v in (1, "print", [print], False)],
}
NETWORK_SETTINGS = {
    "activation": [
        *[case for case in NOT_NAMES if case[0] != ["x"]],
        ("sigmod", ValueError, "did you mean 'sigmoid'?"),
        ("zzz", ValueError, "'sigmoid'"),
        (["sigmoid"] * 7, ValueError, "one for each of"),
        ([], ValueError, "one for each of"),
    ],
    "cost": [NOT_NAMES[0], *COSTS],
    "l1": PENALTIES,
    "l2": PENALTIES,
    "bias": FLAGS,
    "init": [*NOT_NAMES, ("Glorot", ValueError, "did you mean 'glorot'?"), ("zzz", ValueError, "'normal_in_out'")],
    "seed": SEEDS,
    "dtype": [
        *[(v, TypeError, "numpy.float64") for v in ("float65", 1, len, [1], ("f8", -1), {"names": 1}, "f8,,", "(2")],
        *[
            (v, ValueError, "numpy.float32")
            for v in (None, int, bool, "f2", complex, object, str, np.longdouble, ">f8")
        ],
    ],
    "threads": POSITIVE,
}


def table(settings: dict[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(argument, *case, id=f"{argument}-{number}-{type(case[0]).__name__}")
        for argument, cases in settings.items()
        for number, case in enumerate(cases)
    ]


@pytest.mark.parametrize(("argument", "value", "error", "word"), table(TRAIN_SETTINGS))
@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])
@pytest.mark.without_jit
def test_settings_of_train(argument: str, value: Any, error: type[Exception], word: str, shuffle: bool) -> None:
    random = np.random.default_rng(3)
    state = random.bit_generator.state
    settings = {"alpha": 0.1, "epochs": 2, "batch_size": 2, "seed": random, "shuffle": shuffle, argument: value}
    refused_by_all(error, argument, lambda net: net.train(X, Y, **settings), word)
    assert random.bit_generator.state == state, "a refused call draws no random numbers"


@pytest.mark.parametrize(("argument", "value", "error", "word"), table(NETWORK_SETTINGS))
@pytest.mark.without_jit
def test_settings_of_a_network(argument: str, value: Any, error: type[Exception], word: str) -> None:
    random = np.random.default_rng(3)
    state = random.bit_generator.state
    settings = {"seed": random, argument: value}
    refused_by_all(error, argument, lambda net: type(net)(SIZES, **settings), word)
    assert random.bit_generator.state == state, "a refused call draws no random numbers"


@pytest.mark.parametrize("what", ["cost", "gradient"])
@pytest.mark.parametrize(
    ("argument", "value", "error", "word"), table({key: TRAIN_SETTINGS[key] for key in ("cost", "reduction")})
)
@pytest.mark.without_jit
def test_settings_of_cost_and_gradient(what: str, argument: str, value: Any, error: type[Exception], word: str) -> None:
    refused_by_all(error, argument, lambda net: getattr(net, what)(X, Y, **{argument: value}), word)


@pytest.mark.parametrize(("cost", "last"), [("binary_cross_entropy", "sigmoid"), ("cross_entropy", "softmax")])
@pytest.mark.parametrize("wrong", [-0.1, 1.1])
def test_a_cross_entropy_wants_probabilities(cost: str, last: str, wrong: float) -> None:
    activation = ["tanh"] * (len(SIZES) - 2) + [last]
    targets = np.clip(Y, 0, 1)
    targets[0, 0] = wrong

    def call(net: Any) -> None:
        entropic = type(net)(SIZES, activation=activation, cost=cost, seed=0)
        entropic.cost(X, np.clip(Y, 0, 1))
        entropic.gradient(X, targets)

    refused_by_all(ValueError, "Y", call, "probabilities from 0 to 1")


NO_SIZES = {
    "None": (None, TypeError, "[64, 30, 10]"),
    "a number": (3, TypeError, "[64, 30, 10]"),
    "a string": ("64", TypeError, "[64, 30, 10]"),
    "bytes": (b"ab", TypeError, "[64, 30, 10]"),
    "a bytearray": (bytearray(b"ab"), TypeError, "[64, 30, 10]"),
    "a generator": ((n for n in (3, 2)), TypeError, "[64, 30, 10]"),
    "a set": ({3, 2}, TypeError, "[64, 30, 10]"),
    "a frozenset": (frozenset({3, 2}), TypeError, "[64, 30, 10]"),
    "a dict": ({3: 1, 2: 1}, TypeError, "[64, 30, 10]"),
    "none": ([], ValueError, "at least two layers"),
    "one": ([3], ValueError, "at least two layers"),
    "an array of rank 0": (np.array(3), ValueError, "at least two layers"),
    "an array of rank 2": (np.array([[3, 2]]), ValueError, "at least two layers"),
    "floats": ([3, 2.0], TypeError, "2.0"),
    "an array of floats": (np.array([3.0, 2.0]), TypeError, "3.0"),
    "truth": ([3, True], TypeError, "True"),
    "an array of truth": (np.array([True, True]), TypeError, "True"),
    "a string inside": ([3, "2"], TypeError, "'2'"),
    "None inside": ([3, None], TypeError, "None"),
    "a list inside": ([3, [2]], TypeError, "[2]"),
    "zero": ([3, 0, 2], ValueError, "at least 1"),
    "negative": ([-3, 2], ValueError, "at least 1"),
    "more than an array holds": ([10**12, 10**12], ValueError, "memory"),
    "more than 64 bits": ([10**30, 2], ValueError, "memory"),
    "more than can be printed": ([HUGE, 2], ValueError, "memory"),
    "more than the machine has": ([10**8, 10**9], ValueError, "memory"),
}


@pytest.mark.parametrize("bad", NO_SIZES)
@pytest.mark.without_jit
def test_sizes(bad: str) -> None:
    value, error, word = NO_SIZES[bad]
    refused_by_all(error, "sizes", lambda net: type(net)(value), word)


W, B = [grid(4, 3), grid(2, 4)], [grid(4), grid(2)]
NO_PARAMETERS = {
    "a string": ({"weights": "ab"}, TypeError, "weights", "list of 2 arrays"),
    "a number": ({"weights": 1.0}, TypeError, "weights", "list of 2 arrays"),
    "a generator": ({"weights": (w for w in W)}, TypeError, "weights", "list of 2 arrays"),
    "a dict": ({"weights": {0: W[0], 1: W[1]}}, TypeError, "weights", "list of 2 arrays"),
    "biases in a set": ({"weights": W, "biases": {1, 2}}, TypeError, "biases", "list of 2 arrays"),
    "too few": ({"weights": W[:1]}, ValueError, "weights", "got 1"),
    "too many": ({"weights": [*W, W[0]]}, ValueError, "weights", "got 3"),
    "transposed": ({"weights": [w.T for w in W]}, ValueError, "weights[0]", "(4, 3)"),
    "too few biases": ({"weights": W, "biases": B[:1]}, ValueError, "biases", "got 1"),
    "columns as biases": ({"weights": W, "biases": [b[:, None] for b in B]}, ValueError, "biases[0]", "(4, 1)"),
    "biases alone": ({"biases": B}, ValueError, "biases", "weights"),
    "biases for none": ({"weights": W, "biases": B, "bias": False}, ValueError, "biases", "got 2"),
}


@pytest.mark.parametrize("bad", NO_PARAMETERS)
@pytest.mark.without_jit
def test_weights_and_biases_as_lists(bad: str) -> None:
    settings, error, argument, word = NO_PARAMETERS[bad]
    refused_by_all(error, argument, lambda net: type(net)(SIZES, **settings), word)


@pytest.mark.parametrize("bad", [None, 1, True, b"numpy", ["numpy"], {"numpy"}, np])
@pytest.mark.without_jit
def test_a_backend_is_asked_for_by_name(bad: Any) -> None:
    refused(TypeError, "backend", [lambda: samenet.backend(bad)], "'reference', 'numpy', 'numba'")
    refused_by_all(TypeError, "backend", lambda net: net.on(bad), "'reference', 'numpy', 'numba'")


@pytest.mark.without_jit
def test_an_unknown_backend_gets_the_known_ones_and_the_nearest() -> None:
    calls = [lambda: samenet.backend("NumPy"), *[lambda name=name: make(name).on("NumPy") for name in NAMES]]
    refused(ValueError, "backend", calls, "'reference', 'numpy', 'numba'", "did you mean 'numpy'?")
    with pytest.raises(ValueError, match="got 'tensorflow'$"):  # nothing is near: no guess
        samenet.backend("tensorflow")


# --------------------------------------------------------------------------------------------- data preparation

ONE_HOT = {
    "None": (None, {}, TypeError, "y"),
    "strings": (["a", "b"], {}, TypeError, "y"),
    "truth": ([True, False], {}, TypeError, "y"),
    "dates": (np.array(["2020-01-01"], "M8[D]"), {}, TypeError, "y"),
    "complex": ([1j], {}, TypeError, "y"),
    "a set": ({0, 1}, {}, TypeError, "y"),
    "a generator": ((n for n in (0, 1)), {}, TypeError, "y"),
    "sparse": (scipy.sparse.csr_matrix([[0, 1]]), {}, TypeError, "y"),
    "fractions": ([0.0, 0.5], {}, TypeError, "y"),
    "None inside": ([0, None], {}, TypeError, "y"),
    "nan": ([0, np.nan], {}, TypeError, "y"),
    "inf": ([0, np.inf], {}, TypeError, "y"),
    "masked": (np.ma.array([0, 1], mask=[0, 1]), {}, ValueError, "y"),
    "ragged": ([[0, 1], [0]], {}, ValueError, "y"),
    "a number": (3, {}, ValueError, "y"),
    "a column": ([[0], [1]], {}, ValueError, "y"),
    "negative": ([0, -1], {}, ValueError, "y"),
    "beyond n_classes": ([0, 3], {"n_classes": 3}, ValueError, "y"),
    "a float beyond integers": ([0.0, 1e300], {}, TypeError, "y"),
    "a label beyond integers": ([0, 2**64], {}, TypeError, "y"),
    "whole numbers as objects": ([0, "1"], {}, TypeError, "y"),
    "a label beyond floats": ([0, 10**400], {}, ValueError, "y"),
    "more than fits": ([0, 10**17], {}, ValueError, "n_classes"),
    "no labels, no number": ([], {}, ValueError, "n_classes"),
    "n_classes 0": ([0], {"n_classes": 0}, ValueError, "n_classes"),
    "n_classes 2.0": ([0], {"n_classes": 2.0}, TypeError, "n_classes"),
    "n_classes True": ([0], {"n_classes": True}, TypeError, "n_classes"),
    "n_classes '2'": ([0], {"n_classes": "2"}, TypeError, "n_classes"),
    "n_classes huge": ([0], {"n_classes": 10**30}, ValueError, "n_classes"),
}


@pytest.mark.parametrize("bad", ONE_HOT)
@pytest.mark.without_jit
def test_one_hot(bad: str) -> None:
    value, settings, error, argument = ONE_HOT[bad]
    refused(error, argument, [lambda: data.one_hot(value, **settings)])


@pytest.mark.parametrize("bad", NOT_NUMBERS)
@pytest.mark.without_jit
def test_from_one_hot_and_scaler_want_numbers(bad: str) -> None:
    value_of, error, word = NOT_NUMBERS[bad]
    value = value_of((M, 3))
    refused(error, "Y", [lambda: data.from_one_hot(value)], word)
    value = value_of((M, 3))
    refused(error, "X", [lambda: data.standard_scaler(value)], word)


@pytest.mark.parametrize("value", [1.0, [1.0, 2.0], grid(2, 2, 2), np.empty((2, 0)), []], ids=np.shape)
@pytest.mark.without_jit
def test_from_one_hot_and_scaler_want_rows(value: Any) -> None:
    refused(ValueError, "Y", [lambda: data.from_one_hot(value)], "shape", str(np.shape(value)))
    refused(ValueError, "X", [lambda: data.standard_scaler(value)], "shape", str(np.shape(value)))


def test_a_scaler_needs_a_row_and_from_one_hot_does_not() -> None:
    refused(ValueError, "X", [lambda: data.standard_scaler(np.empty((0, 3)))], "(0, 3)")
    assert data.from_one_hot(np.empty((0, 3))).shape == (0,)


SPLIT = {
    "test_size 0": ({"test_size": 0}, ValueError, "test_size", "above 0"),
    "test_size 1": ({"test_size": 1}, ValueError, "test_size", "below 1"),
    "test_size -0.1": ({"test_size": -0.1}, ValueError, "test_size", "above 0"),
    "test_size 2": ({"test_size": 2}, ValueError, "test_size", "below 1"),
    "test_size nan": ({"test_size": np.nan}, ValueError, "test_size", "finite"),
    "test_size huge": ({"test_size": HUGE}, ValueError, "test_size", "finite"),
    "test_size True": ({"test_size": True}, TypeError, "test_size", "number"),
    "test_size None": ({"test_size": None}, TypeError, "test_size", "number"),
    "test_size '0.4'": ({"test_size": "0.4"}, TypeError, "test_size", "number"),
    "test_size leaves nothing": ({"test_size": 0.99}, ValueError, "test_size", "train"),
    "seed -1": ({"seed": -1}, ValueError, "seed", "at least 0"),
    "seed 1.0": ({"seed": 1.0}, TypeError, "seed", "integer"),
    "seed '1'": ({"seed": "1"}, TypeError, "seed", "integer"),
    "seed True": ({"seed": True}, TypeError, "seed", "integer"),
    "seed beyond 32 bits": ({"seed": 2**32}, ValueError, "seed", str(2**32 - 1)),
    "y shorter": ({"y": [0, 1]}, ValueError, "y", "(2,)"),
    "y a number": ({"y": 1}, ValueError, "y", "()"),
    "y None": ({"y": None}, ValueError, "y", "()"),
    "y ragged": ({"y": [[1], [1, 2], [1], [1], [1]]}, ValueError, "y", "equal length"),
    "X ragged": ({"X": [[1], [1, 2], [1], [1], [1]]}, ValueError, "X", "equal length"),
    "X masked": ({"X": np.ma.array(grid(5, 3), mask=grid(5, 3) > 5)}, ValueError, "X", "masked"),
    "one sample": ({"X": grid(1, 3), "y": [0]}, ValueError, "X", "two samples"),
}


@pytest.mark.parametrize("bad", SPLIT)
@pytest.mark.without_jit
def test_split(bad: str) -> None:
    given, error, argument, word = SPLIT[bad]
    generator, legacy = np.random.default_rng(0), np.random.RandomState(0)
    settings = {"X": X, "y": [0, 1, 2, 3, 4]}
    calls = [lambda seed=seed: data.split(**(settings | {"seed": seed} | given)) for seed in (generator, legacy)]
    refused(error, argument, calls, word)
    assert generator.random() == np.random.default_rng(0).random(), "a refused call draws no random numbers"
    assert legacy.random() == np.random.RandomState(0).random(), "a refused call draws no random numbers"


# ----------------------------------------------------------------------------------------------- odd, but good


class Own(np.ndarray):
    """A subclass, like arrays with units or labels."""


def read_only(values: np.ndarray) -> np.ndarray:
    result = values.copy()
    result.flags.writeable = False
    return result


def strided(values: np.ndarray) -> np.ndarray:
    room = np.full([2 * n for n in values.shape], 99.0)
    result = room[(slice(None, None, 2),) * values.ndim]
    result[...] = values
    return result


def backwards(values: np.ndarray) -> np.ndarray:
    turn = (slice(None, None, -1),) * values.ndim
    return values[turn].copy()[turn]


def unaligned(values: np.ndarray) -> np.ndarray:
    packed = np.zeros(values.size, np.dtype([("a byte", "u1"), ("value", "f8")]))
    packed["value"] = values.ravel()
    result = (
        packed["value"]
        if values.ndim == 1
        else np.lib.stride_tricks.as_strided(packed["value"], values.shape, [9 * s // 8 for s in values.strides])
    )
    assert not result.flags.aligned
    return result


def on_disk(values: np.ndarray, tmp_path: Any) -> np.ndarray:
    path = tmp_path / f"values {len(list(tmp_path.iterdir()))}"
    values.tofile(path)
    return np.memmap(path, float, "r", shape=values.shape)


def as_objects(values: np.ndarray) -> np.ndarray:
    return values.astype(int).astype(object)


def frame(values: np.ndarray, dtype: Any = None) -> Any:
    return pd.DataFrame(values).astype(dtype or float) if values.ndim == 2 else pd.Series(values).astype(dtype or float)


def mixed_frame(values: np.ndarray) -> Any:
    result = frame(values)
    return result.astype({0: "int8"}) if values.ndim == 2 else result


ODD: dict[str, Callable[..., Any]] = {
    "read-only": read_only,
    "strided": strided,
    "negative strides": backwards,
    "Fortran-ordered": np.asfortranarray,
    "read-only Fortran": lambda v: read_only(np.asfortranarray(v)).T.copy().T,
    "unaligned": unaligned,
    "big-endian": lambda v: v.astype(">f8"),
    **{
        dtype: lambda v, dtype=dtype: v.astype(dtype)
        for dtype in ("float16", "float32", "longdouble", "int8", "uint8", "int64", "uint64", ">i4")
    },
    "bool": lambda v: v > 3,
    "lists": lambda v: v.tolist(),
    "tuples": lambda v: tuple(map(tuple, v.tolist())) if v.ndim == 2 else tuple(v.tolist()),
    "rows in a list": lambda v: list(v),
    "whole numbers in lists": lambda v: v.astype(int).tolist(),
    "objects": as_objects,
    "matrix": lambda v: np.asmatrix(v) if v.ndim == 2 else v.view(Own),
    "memmap": on_disk,
    "DataFrame": frame,
    "DataFrame Int64": lambda v: frame(v, "Int64"),
    "DataFrame of two types": mixed_frame,
    "array.array": lambda v: array.array("d", v) if v.ndim == 1 else [array.array("f", row) for row in v],
    "memoryview": lambda v: memoryview(read_only(v)),
    "subclass": lambda v: v.view(Own).copy(),
    "masked, nothing masked": lambda v: np.ma.array(v, mask=False),
}


def odd(kind: str, values: np.ndarray, tmp_path: Any) -> Any:
    make_odd = ODD[kind]
    result = make_odd(values, tmp_path) if make_odd is on_disk else make_odd(values)
    if isinstance(result, np.ndarray) and not isinstance(result, np.matrix):
        result.flags.writeable = False  # a backend that writes here fails at once
    return result


def plain(kind: str, values: np.ndarray) -> np.ndarray:
    return (values > 3).astype(float) if kind == "bool" else values.copy()


def same(a: Any, b: Any) -> bool:
    """Equal to the bit: type, dtype, shape and bytes."""
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return (
        type(a) is type(b)
        and np.asarray(a).dtype == np.asarray(b).dtype
        and np.shape(a) == np.shape(b)
        and (np.asarray(a).tobytes() == np.asarray(b).tobytes())
    )


def everything(name: str, x: Any, y: Any) -> list[Any]:
    """Every answer of a network to X and Y."""
    net = make(name)
    history = net.train(x, y, alpha=0.1, epochs=2, batch_size=2, seed=0, monitors=("mean_norm",))
    full = net.train(x, y, alpha=0.1, epochs=2)
    value, slope = net.gradient(x, y)
    answers = [net.feed_forward(x), net.predict(x), net.classify(x), net.cost(x, y), value, slope.flat]
    return [*answers, net.parameters, history.cost, history["mean_norm"], full.cost]


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ODD)
def test_odd_samples_and_targets_are_as_good_as_plain_ones(kind: str, name: str, tmp_path: Any) -> None:
    x, y = odd(kind, X, tmp_path), odd(kind, Y, tmp_path)
    before = content(x), content(y)
    expected = everything(name, plain(kind, X), plain(kind, Y))
    assert same(everything(name, x, plain(kind, Y)), expected)
    assert same(everything(name, plain(kind, X), y), expected)
    assert same(everything(name, x, y), expected)
    assert (content(x), content(y)) == before, "the input was written to"


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ODD)
def test_one_odd_sample_is_as_good_as_a_plain_one(kind: str, name: str, tmp_path: Any) -> None:
    x = odd(kind, X[1], tmp_path)
    net = make(name)
    assert same(net.predict(x), net.predict(plain(kind, X[1])))
    assert same(net.feed_forward(x), net.feed_forward(plain(kind, X[1])))
    assert net.predict(x).shape == (2,)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ODD)
def test_odd_parameters_are_as_good_as_plain_ones(kind: str, name: str, tmp_path: Any) -> None:
    weights = [odd(kind, w, tmp_path) for w in W]
    biases = [odd(kind, b, tmp_path) for b in B]
    before = [content(v) for v in (*weights, *biases)]
    Network = samenet.backend(name).Network
    net = Network(SIZES, weights=weights, biases=biases)
    assert same(net.weights, tuple(plain(kind, w) for w in W))
    assert same(net.biases, tuple(plain(kind, b) for b in B))
    flat = np.concatenate([W[0].ravel(), B[0], W[1].ravel(), B[1]])
    other = Network(SIZES, seed=0)
    other.parameters = odd(kind, flat, tmp_path)
    assert other == net
    other.train(X, Y, alpha=1, epochs=1)
    net.train(X, Y, alpha=1, epochs=1)
    assert same(net.parameters, other.parameters)
    assert [content(v) for v in (*weights, *biases)] == before, "the input was written to"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "sizes",
    [
        (3, 2),
        range(3, 1, -1),
        np.array([3, 2]),
        [np.uint8(3), np.int64(2)],
        array.array("i", [3, 2]),
        pd.Series([3, 2]),
    ],
    ids=lambda s: type(s).__name__,
)
def test_sizes_may_be_any_sequence_of_integers(sizes: Any, name: str) -> None:
    net = samenet.backend(name).Network(sizes, seed=0)
    assert net.sizes == (3, 2)
    assert all(type(n) is int for n in net.sizes)


@pytest.mark.parametrize("name", NAMES)
def test_settings_may_be_numpy_scalars(name: str) -> None:
    a, b = make(name), make(name)
    a.train(X, Y, alpha=0.5, epochs=3, batch_size=2, seed=4, shuffle=True, record_every=2)
    b.train(
        X,
        Y,
        alpha=np.float32(0.5),
        epochs=np.int8(3),
        batch_size=np.uint64(2),
        seed=np.int32(4),
        shuffle=np.True_,
        record_every=np.int64(2),
    )
    assert same(a.parameters, b.parameters)
    assert same(a.history.cost, b.history.cost)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_none(name: str) -> None:
    net = make(name)
    for empty in (np.empty((0, 3)), np.empty((0, 3), np.float32), np.empty((3, 0)).T):
        assert net.predict(empty).shape == (0, 2)
        assert net.classify(empty).shape == (0,)
        assert [h.shape for h in net.feed_forward(empty)] == [(0, 3), (0, 4), (0, 2)]
        assert all(h.dtype == np.float64 for h in net.feed_forward(empty))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("x", [X, X[0], X[:1]], ids=["batch", "sample", "batch of one"])
def test_no_answer_shares_memory_with_input_or_parameters(x: np.ndarray, name: str) -> None:
    net = make(name)
    y = Y[: len(x)] if x.ndim == 2 else Y[0]
    _, slope = net.gradient(x, y)
    answers = [*net.feed_forward(x), net.predict(x), slope.flat]
    for number, answer in enumerate(answers):
        assert not np.shares_memory(answer, x)
        assert not np.shares_memory(answer, net.parameters)
        assert not any(np.shares_memory(answer, other) for other in answers[:number])
        assert answer.flags.writeable
    expected = net.predict(x)
    for answer in answers:
        answer[...] = 7
    assert same(net.predict(x), expected)
    again = net.predict(x)
    net.predict(x + 1)
    assert same(again, expected), "a later answer was written over an earlier one"


@pytest.mark.parametrize("name", NAMES)
def test_arrays_that_need_no_conversion_are_only_read(name: str) -> None:
    """They are passed to the backend unchanged, so it could write to them."""
    x, y = X.copy(), Y.copy()
    everything(name, x, y)
    make(name).predict(x[0])
    assert (x.tobytes(), y.tobytes()) == (X.tobytes(), Y.tobytes())


@pytest.mark.parametrize("name", NAMES)
def test_strict_floating_point_settings_of_the_caller_do_not_matter(name: str) -> None:
    """numpy.seterr(all="raise") is for the caller's own code: a sigmoid that underflows to 0 is not an error."""
    net = samenet.backend(name).Network([2, 1], weights=[[[1.0, 1.0]]])
    expected = net.predict([[-1000.0, 0], [1000.0, 0], [-700.0, 0]])
    with np.errstate(all="raise"):
        assert same(net.predict([[-1000.0, 0], [1000.0, 0], [-700.0, 0]]), expected)
        net.gradient([[-700.0, 0]], [[1.0]])
        net.train([[-700.0, 0]], [[1.0]], alpha=1, epochs=2)
        small = samenet.backend(name).Network([2, 1], seed=0, dtype=np.float32)
        small.predict([1e-300, 1.0])
    assert expected.ravel()[:2].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("options", [{}, {"batch_size": 2, "seed": 0}, {"optimizer": "lbfgs", "alpha": None}], ids=str)
@pytest.mark.parametrize("settings", [{}, {"batch_normalization": True}, {"dtype": np.float32}], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_strict_settings_do_not_matter_near_the_limits_of_numbers(name: str, settings: Any, options: Any) -> None:
    scale = 1e-30 if "dtype" in settings else 1e-200
    Network, random = samenet.backend(name).Network, np.random.default_rng(0)
    made = {"activation": ["tanh", "identity"], "l1": scale, "l2": 0.1, **settings}
    given, targets = scale * random.normal(size=(4, 2)), random.normal(size=(4, 1)) / scale**0.5
    weights = [1e300, 1e-300, 1.0, 0.0]

    def answers() -> list[Any]:
        net, asked = Network([2, 3, 1], seed=0, **made), {"alpha": scale, "epochs": 2, **options}
        net.weights[0][:] *= scale
        found = [net.cost(given, targets), net.cost(given, targets, sample_weight=weights), net.predict(given)]
        found += [net.gradient(given, targets, sample_weight=weights)[1].flat]
        for others in ({}, {"sample_weight": weights}):
            found += [net.train(given, targets, **asked, **others).cost, net.parameters.copy()]
        return found

    expected = answers()
    with np.errstate(all="raise"):
        assert all(map(same, answers(), expected))


@pytest.mark.without_jit
@pytest.mark.parametrize("text", ["float32", np.str_("float32")])
def test_a_dtype_may_be_named(text: str) -> None:
    assert samenet.backend("numpy").Network([2, 1], dtype=text).dtype == np.float32


# ------------------------------------------------------------------------------- what is changed after it was checked


class Lending:
    """An object whose array remains its own."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.values


@pytest.mark.without_jit
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # later versions of NumPy advise against it
@pytest.mark.parametrize("lent", [lambda values: values, Lending], ids=["given", "lent"])
def test_checked_arrays_keep_their_shapes_and_dtypes(lent: Any) -> None:
    """Kernels rely on them; the memory is that of the given arrays, which are not copied."""
    f8 = np.dtype("f8")
    for check, shape in (
        (lambda x: [arrays.array("X", lent(x), f8)], (6, 2)),
        (lambda x: [arrays.samples("X", lent(x), 2, f8)], (6, 2)),
        (lambda x: [arrays.sample("x", lent(x), 12, f8)], (12,)),
        (lambda x: arrays.labelled(lent(x), lent(x), 2, 2, f8), (6, 2)),
        (lambda x: arrays.labelled(lent(x), lent(x), 12, 12, f8), (12,)),
        (lambda x: samenet.backend("numpy").Network([2, 2]).model.labelled(lent(x), lent(x)), (6, 2)),
    ):
        x = np.zeros(shape)
        found = check(x)
        before = [(v.shape, v.dtype) for v in found]
        x.shape, x.dtype = (3, 4), np.dtype("f4")
        assert [(v.shape, v.dtype) for v in found] == before
        assert all(np.shares_memory(v, x) for v in found)


@pytest.mark.compiled
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_arrays_that_a_kernel_has_checked_keep_their_shapes() -> None:
    net, x, y = samenet.backend("numba").Network([2, 2]), np.zeros((6, 2)), np.zeros((6, 2))
    found = prepared.samples(net.model, net.backend, 6, (0.0, 1.0), False)(x, y)
    x.shape, y.shape = (3, 4), (4, 3)
    assert [v.shape for v in found] == [(6, 2)] * 2


@pytest.mark.without_jit
def test_views_of_samples_are_apart_from_parameters() -> None:
    net, x = samenet.backend("numpy").Network([2, 2]), np.zeros((6, 2))
    theta, f8 = net.model.theta, np.dtype("f8")
    for values in (x, x[:], x[2:], np.frombuffer(bytearray(96)).reshape(6, 2)):
        assert theta.apart(values) is values
    for values in (
        net.parameters,
        net.weights[0],
        theta.everything.base,
        theta.everything.base[:1],
        net.weights[0][:1],
    ):
        found = theta.apart(values)
        assert np.shares_memory(values, theta.everything) == (found is not values)
        assert not np.shares_memory(found, theta.everything)
    assert arrays.is_apart(arrays.array("X", x, f8), x)
    assert arrays.is_apart(arrays.array("X", x.tolist(), f8), x.tolist())
    assert not arrays.is_apart(arrays.array("X", net.weights[0], f8), net.weights[0])
