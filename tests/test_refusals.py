"""Inputs that once were misread, or rejected with a message that names no argument.

`test_inputs` tests what every entry point rejects; this module has the cases that depend on the type of the input, and
short runs of the sequences, lives, hostile calls and guard pages of `tests/hardening`.
"""

import pickle
import random
import re
import subprocess
import sys
import warnings
from collections import UserList, deque
from collections.abc import Callable
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
import scipy.sparse
from agreement import Backend

import samenet
from samenet import data, optimizers, schedules
from samenet.model.parameters import Parameters
from samenet.validation import checks

HARDENING = Path(__file__).parent / "hardening"
SIZES = [3, 4, 2]
X, Y = np.random.default_rng(0).normal(size=(5, 3)), np.random.default_rng(1).random((5, 2))
HUGE = 10**5000


def make(backend: Backend, **settings: Any) -> Any:
    return backend.Network(SIZES, seed=1, **settings)


def refused(error: type[Exception], message: str, call: Callable[[], Any]) -> None:
    """Refused by `error` itself and in these words, without a warning."""
    with warnings.catch_warnings(action="error"), pytest.raises(error, match=message) as caught:
        call()
    assert caught.type is error


@pytest.mark.compiled
@pytest.mark.parametrize(
    "command",
    [
        "arrays_in_sequence.py --processes 1 --calls 600 --seed 1",
        "hostile_calls.py --calls 300 --seed 1",
        "lives.py --lives 6 --seed 1",
        "guard_pages.py --sizes 7 7 --rows 14 16",
    ],
)
def test_hardening(command: str) -> None:
    name, *arguments = command.split()
    ended = subprocess.run([sys.executable, HARDENING / name, *arguments], capture_output=True, text=True, timeout=600)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert " 0 failures" in ended.stdout


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["guard_pages.py --short 1", "guarded_heap.py"])
def test_guard_pages_see_one_number_too_few(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMENET_NARROW", "1")  # shortens the arrays on the heaps of kernels
    script, *short = name.split()
    command = [sys.executable, HARDENING / script, "--sizes", "5", "5", "--rows", "13", "13", *short]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert ended.returncode == 1
    # By SIGSEGV, or by SIGABRT where the C library sees it first, as with the oldest versions.
    assert re.search("ended with -(6|11) at n 5, 13 rows", ended.stdout)


def unaligned(values: np.ndarray) -> np.ndarray:
    room = bytearray(b"1" + values.tobytes())
    return np.frombuffer(room, np.uint8)[1:].view(values.dtype)


@pytest.mark.compiled
@pytest.mark.parametrize("order", ["unaligned, swapped, x", "swapped, unaligned, x"])
def test_one_kind_of_array_is_not_taken_for_another_called_before(order: str) -> None:
    """In a fresh process, because dispatchers remember array types for the whole process."""
    code = f"""
import numpy as np, samenet
for dtype in ("f8", "f4"):
    f = samenet.backend("numba").Network([3, 1], seed=1, dtype=dtype).predictor()
    x = np.array([0.5, 1.0, -2.0], dtype)
    unaligned = np.frombuffer(bytearray(b"1" + x.tobytes()), np.uint8)[1:].view(x.dtype)
    swapped = x.astype(x.dtype.newbyteorder())
    answers = [f(kind) for kind in 2 * ({order})]
    assert len({{answer.tobytes() for answer in answers}}) == 1, answers
    for out in (np.frombuffer(bytearray(9), np.uint8)[1:].view(dtype)[:1], np.zeros(1, swapped.dtype)):
        try:
            f(x, out)
        except (TypeError, ValueError) as error:
            assert str(error).startswith("out: "), error
        else:
            raise AssertionError(out.dtype)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_out_must_be_aligned_and_of_the_processors_byte_order(backend: Backend, dtype: Any) -> None:
    f = make(backend, dtype=dtype).predictor()
    for out in (unaligned(np.full(2, 7, dtype)), np.full(2, 7, np.dtype(dtype).newbyteorder())):
        with pytest.raises((TypeError, ValueError), match="out: expected"):
            f(X[0].astype(dtype), out)
        assert (out == 7).all()


# What holds a masked entry, made of an array with one.
MASKED: dict[str, Callable[[Any], Any]] = {
    "rows": list,
    "a tuple": tuple,
    "a deque": deque,
    "a list of one's own": UserList,
    "deep": lambda v: [list(row) if np.ndim(row) else row for row in v],
    "deeper": lambda v: [[v]],
    "after itself": lambda v: [[1.0], [[1.0]], v],
}


@pytest.mark.parametrize("kind", MASKED)
def test_masked_entries_inside_of_lists_are_refused(backend: Backend, kind: str) -> None:
    net, holds = make(backend), MASKED[kind]
    before = net.parameters.copy()

    def masked(values: np.ndarray) -> Any:
        return holds(np.ma.array(values, mask=values == values.flat[-1]))

    calls = {
        "X": lambda: net.predict(masked(X)),
        "x": lambda: net.predictor()(masked(X[0])),
        "Y": lambda: net.train(X, masked(Y), alpha=0.1, epochs=1),
        "parameters": lambda: setattr(net, "parameters", masked(before)),
    }
    for name, call in calls.items():
        refused(ValueError, f"{name}: expected numbers only, got a .* with masked entries", call)
    for make_scaler in (data.max_scaler, data.standard_scaler):
        refused(ValueError, "X: expected numbers only", lambda make=make_scaler: make(masked(X)))
    assert np.array_equal(net.parameters, before)


def test_lists_without_masked_entries_are_taken(backend: Backend) -> None:
    net = make(backend)
    expected = net.predict(X)
    for rows in ([np.ma.array(row, mask=False) for row in X], UserList(X.tolist()), [tuple(row) for row in X]):
        assert np.array_equal(net.predict(rows), expected)


@pytest.mark.parametrize("kind", ["csr_matrix", "csr_array", "coo_matrix", "dok_array"])
def test_sparse_matrices_are_refused_with_the_remedy(backend: Backend, kind: str) -> None:
    net = make(backend)
    sparse = getattr(scipy.sparse, kind)
    calls = {
        "X": lambda: net.predict(sparse(X)),
        "Y": lambda: net.cost(X, sparse(Y)),
        "x": lambda: net.feed_forward([sparse(X)]),
        r"weights\[0\]": lambda: backend.Network([3, 2], weights=[sparse(np.ones((2, 3)))]),
    }
    for name, call in calls.items():
        refused(TypeError, rf"^{name}: expected .*; use \.toarray\(\)$", call)
    refused(TypeError, r"^X: .*use \.toarray\(\)$", lambda: data.max_scaler(X).transform(sparse(X)))
    refused(TypeError, r"^X: .*use \.toarray\(\)$", lambda: data.split(sparse(X), Y))


def signalling(shape: Any, dtype: Any) -> np.ndarray:
    bits, pattern = (np.uint32, 0x7FA00000) if dtype == np.float32 else (np.uint64, 0x7FF4000000000000)
    return np.full(shape, pattern, bits).view(dtype)


@pytest.mark.parametrize("given", [np.float64, np.float32])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_signalling_nan_is_a_nan(backend: Backend, dtype: Any, given: Any) -> None:
    net = make(backend, dtype=dtype)
    refused(ValueError, "X: expected finite numbers, got nan", lambda: net.predict(signalling(3, given)))
    refused(ValueError, "Y: expected finite numbers, got nan", lambda: net.cost(X, signalling((5, 2), given)))
    with warnings.catch_warnings(action="ignore" if numba.config.DISABLE_JIT else "error"):
        assert np.isnan(net.predictor()(signalling(3, given))).all()


class FailingInteger(int):
    """An integer that fails when it is used."""

    def __int__(self) -> int:
        raise RuntimeError("not today")

    __index__ = __float__ = __int__  # type: ignore[assignment]


NO_NUMBERS = [np.timedelta64(1, "s"), np.timedelta64("NaT", "s"), np.zeros((), [("a", float)])[()], FailingInteger(1)]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda v: type(v).__name__)
def test_what_only_looks_like_a_number_is_refused_by_name(backend: Backend, value: Any) -> None:
    net = make(backend)
    good = {"X": X, "Y": Y, "alpha": 0.1, "epochs": 1}
    for name in ("alpha", "epochs", "batch_size", "record_every", "clip_norm", "dropout", "drop_connect", "seed"):
        refused(TypeError, f"^{name}: expected", lambda name=name: net.train(**{**good, name: value}))
    refused(TypeError, r"^sizes\[0\]: expected", lambda: backend.Network([value, 2]))
    refused(TypeError, "^X: expected", lambda: net.predict(np.array([1.0, 2.0, value], object)))
    refused(TypeError, "^alpha: expected", lambda: schedules.Constant(value))
    refused(TypeError, "^n_classes: expected", lambda: data.one_hot([0], value))


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "identity", "softmax"])
@pytest.mark.parametrize("cost", ["squared_error", "sum_of_squares"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.uncounted
def test_targets_at_the_end_of_the_range_have_one_answer(activation: str, cost: str, dtype: Any) -> None:
    """Finite, infinite or NaN alike on every backend, whatever the order of its sums."""
    random_, edge, seen = np.random.default_rng(0), float(np.finfo(dtype).max) ** 0.5, set()
    settings = {"seed": 1, "dtype": dtype, "activation": ["sigmoid", activation], "cost": cost}
    nets = [samenet.backend(name).Network(SIZES, **settings) for name in samenet.backends()]
    for size in (edge / 100, edge / 2, 0.7 * edge, edge, 1.2 * edge, 1.5 * edge, edge**1.9, 0.6 * edge**2):
        for rows in (1, 2, 5, 40):
            x, y = random_.normal(size=(rows, 3)), random_.choice([size, -size, 0, 0.5], (rows, 2))
            y[0, 0] = size
            for reduction in ("mean", "sum"):
                answers = [net.gradient(x, y, reduction=reduction) for net in nets]
                kinds = {(bool(np.isfinite(v)), *np.isfinite(g.flat).tolist()) for v, g in answers}
                assert len(kinds) == 1, (size, rows, reduction)
                assert [net.cost(x, y, reduction=reduction) for net in nets] == pytest.approx([v for v, _ in answers])
                assert not any(np.isnan(value) for value, _ in answers)
                seen |= {(kind[0], all(kind)) for kind in kinds}
    assert seen >= {(True, True), (False, False)}


def test_parameters_that_were_made_read_only_are_not_trained(backend: Backend) -> None:
    frozen: dict[str, Callable[[Any], np.ndarray]] = {
        "parameters": lambda net: net.parameters,
        r"weights\[1\]": lambda net: net.weights[1],
        r"biases\[0\]": lambda net: net.biases[0],
    }
    for name, part in frozen.items():
        net = make(backend)
        part(net).flags.writeable = False
        before, message = net.parameters.tobytes(), f"^{name}: expected .* written to, got a read-only one"
        refused(ValueError, message, lambda net=net: net.train(X, Y, alpha=0.1, epochs=1))
        refused(ValueError, message, lambda net=net: setattr(net, "parameters", np.zeros(26)))
        assert net.parameters.tobytes() == before
        assert net.history is None
        net.copy().train(X, Y, alpha=0.1, epochs=1)


def test_samples_may_be_the_networks_own_weights(backend: Backend) -> None:
    net, other = make(backend), make(backend)
    samples = net.weights[0]
    expected = other.train(samples.copy(), Y[:4], alpha=1.0, epochs=3, batch_size=1, shuffle=False)
    history = net.train(samples, Y[:4], alpha=1.0, epochs=3, batch_size=1, shuffle=False)
    assert net == other
    assert np.array_equal(history.cost, expected.cost)


def test_more_epochs_than_can_be_numbered_are_refused(backend: Backend) -> None:
    net = make(backend)
    for optimizer in ("descent", "adam", "lbfgs"):
        alpha = None if optimizer == "lbfgs" else schedules.Cosine(0.1, 3)
        for epochs in (2**63, 10**30, HUGE):
            refused(
                ValueError,
                "^epochs: expected an integer of at most 9223372036854775807, got",
                lambda e=epochs, a=alpha, o=optimizer: net.train(X, Y, alpha=a, epochs=e, optimizer=o),
            )


@pytest.mark.parametrize("epoch", [10**30, 10**400, HUGE], ids=["30 digits", "400", "5000"])
def test_schedules_of_integers_that_no_float_holds(epoch: int) -> None:
    assert schedules.Cosine(0.5, epoch, least=0.1)(epoch) == 0.1
    assert schedules.Cosine(0.5, 2 * epoch)(epoch) == pytest.approx(0.25, rel=1e-12)
    assert schedules.Cosine(0.5, epoch)(0) == 0.5
    assert schedules.Cosine(0.5, epoch)(3) == 0.5
    assert schedules.StepDecay(0.5, 0.5, 2)(epoch) == 0.0
    assert schedules.StepDecay(0.5, 1.0, 2)(epoch) == 0.5
    assert schedules.StepDecay(0.5, 1.5, 2)(epoch) == np.inf
    assert schedules.Exponential(0.5, 0.1)(epoch) == 0.0
    assert schedules.Exponential(0.5, 0.0)(epoch) == 0.5
    assert schedules.InverseTime(0.5, 0.1)(epoch) == pytest.approx(5.0 / min(epoch, 10**305), rel=1e-12, abs=1e-300)


def test_a_schedule_is_asked_for_an_epoch(backend: Backend) -> None:
    for schedule in (schedules.Constant(0.1), schedules.Cosine(0.1, 3), schedules.StepDecay(0.1, 0.5, 1)):
        refused(TypeError, "^epoch: expected an integer", lambda s=schedule: s("1"))
        refused(ValueError, "^epoch: expected an integer of at least 0", lambda s=schedule: s(-1))
    net = make(backend)
    net.train(X, Y, alpha=schedules.Cosine(0.1, HUGE), epochs=2)
    assert net.history.epochs_done == 2


PATHS = ["", "a\0b", "\ud800", "x" * 5000, "y" * 300]


@pytest.mark.parametrize("path", PATHS, ids=["empty", "NUL", "surrogate", "long path", "long name"])
def test_what_no_file_can_be_called(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(ValueError, "^path: expected the path of a file, got", lambda: data.read_idx(path))
    refused(ValueError, "^source: expected a folder or None, got", lambda: data.mnist(path))
    if path:
        refused(ValueError, "^path: expected", lambda: data.read_idx(Path(path)))
        if "\0" not in path and path != "\ud800":
            monkeypatch.setenv("SAMENET_DATA", path)
            refused(ValueError, "^SAMENET_DATA: expected the path of a folder", data.mnist)


def test_paths_that_fail_by_themselves() -> None:
    class Failing:
        def __fspath__(self) -> Any:
            raise RuntimeError("not today")

    class Bytes:
        def __fspath__(self) -> Any:
            return b"x"

    for bad in (Failing(), Bytes(), b"x", 3):
        refused(TypeError, "^path: expected the path of a file", lambda bad=bad: data.read_idx(bad))
    with pytest.raises(FileNotFoundError):
        data.read_idx("/no such file")
    refused(ValueError, "^scale: expected", lambda: data.mnist("/", scale=5e-324))


@pytest.mark.parametrize("make_scaler", [data.max_scaler, data.standard_scaler])
def test_scalers_name_their_argument(make_scaler: Callable[[Any], Any]) -> None:
    scaler = make_scaler(X)
    for method in (scaler.transform, scaler.inverse_transform, make_scaler):
        for bad in ("a", None, [[1, None, 2]], [[1j, 2, 3]]):
            refused(TypeError, "^X: expected", lambda method=method, bad=bad: method(bad))
        for bad in (3.0, [], [[np.nan, 1, 2]], [[1, 2, np.ma.masked]], [[1, 2], [3]]):
            refused(ValueError, "^X: expected", lambda method=method, bad=bad: method(bad))
    for method in (scaler.transform, scaler.inverse_transform):
        refused(ValueError, r"^X: expected shape \(m, 3\)", lambda method=method: method([[1.0, 2.0]]))
    again = pickle.loads(pickle.dumps(scaler))
    assert np.array_equal(again.transform(X), scaler.transform(X))
    np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(X)), X)
    assert np.array_equal(scaler.fit_transform(X), make_scaler(X).transform(X))


def test_scaling_beyond_the_range_is_refused() -> None:
    refused(ValueError, "^X: expected .* finite when scaled", lambda: data.constant_scaler(5e-324).transform([[1.0]]))
    refused(
        ValueError, "^X: expected .* finite when scaled", lambda: data.constant_scaler(1e300).inverse_transform(1e10)
    )
    refused(ValueError, "^X: expected", lambda: data.standard_scaler([[1e308], [-1e308]]))
    refused(ValueError, "^X: expected", lambda: data.max_scaler([[1e-10], [0]]).transform([[1e300]]))
    assert data.max_scaler([[1e308], [-1e308]]).transform([[1e308]]) == 1


def test_downhill_reports_what_overflows_without_a_warning() -> None:
    slopes: list[Callable[[Any], Any]] = [
        lambda x: 4.0 * x**3,  # a float's power raises OverflowError
        lambda x: x * 1e300,
        lambda x: np.float64(x) * 1e300,
    ]
    for slope in slopes:
        for start in (1e200, [1e200, 1.0]):
            refused(
                FloatingPointError,
                "^x did not stay finite in step 1 ",
                lambda slope=slope, start=start: samenet.downhill(slope, start, alpha=0.1),
            )
    for empty in ((), [], np.empty((0, 2))):
        refused(
            ValueError,
            "^x: expected a number, or an array of at least one",
            lambda e=empty: samenet.downhill(abs, e, alpha=1),
        )


def test_an_empty_tuple_is_no_sample(backend: Backend) -> None:
    for sizes in ([1, 1], SIZES):
        net = backend.Network(sizes, seed=0)
        for call in (net.predict, net.classify):
            refused(ValueError, "^X: expected shape", lambda call=call: call(()))
        for call in (net.feed_forward, net.predictor()):
            refused(ValueError, "^x: expected shape", lambda call=call: call(()))
        refused(ValueError, "^X: expected shape", lambda net=net: net.train((), (), alpha=1, epochs=1))


class Unreadable(UserList[Any]):
    """A sequence that fails when it is read."""

    def __iter__(self) -> Any:
        raise RuntimeError("not today")


def test_sequences_that_cannot_be_read_are_refused_by_name(backend: Backend) -> None:
    bad, net = Unreadable([1, 2]), make(backend)
    good = {"X": X, "Y": Y, "alpha": 0.1, "epochs": 1}
    for name in ("monitors", "dropout", "drop_connect", "stop"):
        for value in (bad, np.array(None)):
            refused(TypeError, f"^{name}: expected", lambda name=name, v=value: net.train(**{**good, name: v}))
    refused(TypeError, "^sizes: expected", lambda: backend.Network(bad))
    refused(TypeError, "^activation: expected", lambda: backend.Network(SIZES, activation=bad))
    refused(TypeError, "^activation: expected", lambda: backend.Network(SIZES, activation=np.array("relu")))
    refused(TypeError, "^weights: expected", lambda: backend.Network(SIZES, weights=bad))
    refused(TypeError, "^cost: expected", lambda: net.cost(X, Y, cost=np.array(["a", "b"])))
    refused(TypeError, "^dtype: expected", lambda: backend.Network(SIZES, dtype=np.float64(1)))
    refused(TypeError, "^places: expected", lambda: samenet.error_surface(net, X, Y, bad, [1.0]))
    refused(TypeError, "^texts: expected", lambda: data.word_counts(bad, ["a"]))


def test_memory_that_scipy_would_not_get_is_refused_before_training(backend: Backend) -> None:
    net = make(backend)
    before = net.parameters.tobytes()
    for memory in (10**9, 2**31 - 1):
        rule = optimizers.LBFGS(memory=memory)
        refused(
            ValueError, "^optimizer: expected a size that fits", lambda r=rule: net.train(X, Y, epochs=1, optimizer=r)
        )
    assert net.parameters.tobytes() == before
    assert net.history is None
    refused(ValueError, "^memory: expected", lambda: optimizers.LBFGS(memory=10**30))


def test_drawing_and_counting_name_what_they_are_given(backend: Backend) -> None:
    net = make(backend)
    refused(TypeError, "^ax: expected", lambda: samenet.plot.network(net, ax="axes"))
    count = samenet.DirectionChanges(net, X, Y)
    for other in (None, backend.Network([3, 2], seed=0)):
        refused(TypeError, "^net: expected", lambda other=other: count(other, None))
    refused(TypeError, "^net: expected", lambda: samenet.DirectionChanges(None, X, Y))


def test_a_dtype_with_notes_is_the_plain_one(backend: Backend) -> None:
    net = backend.Network(SIZES, seed=1, dtype=np.dtype("f8", metadata={"unit": "m"}))
    assert net.dtype is np.dtype(np.float64)
    assert pickle.loads(pickle.dumps(net)) == net


def test_numbers_of_other_kinds_are_numbers() -> None:
    assert checks.number("a", Fraction(1, 2)) == 0.5
    assert checks.integer("a", np.uint64(2**63), least=0) == 2**63
    refused(ValueError, "^a: expected an integer of at most 3, got", lambda: checks.integer("a", HUGE, 0, 3))
    random_ = random.Random(0)
    refused(TypeError, "^a: expected", lambda: checks.number("a", random_))
    assert re.fullmatch(r"Parameters\(.*\)", repr(Parameters.empty((2, 1), True, np.dtype(float))))


class _Odd(str):
    """Text that cannot be compared."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not to be compared")

    __hash__ = str.__hash__


def test_text_that_cannot_be_compared_is_refused_as_a_name(backend: Backend) -> None:
    net = make(backend)
    calls = {
        "activation": lambda: backend.Network([2, 2], activation=_Odd("tanh")),
        r"activation\[0\]": lambda: backend.Network([2, 2], activation=[_Odd("tanh")]),
        "cost": lambda: backend.Network([2, 2], cost=_Odd("squared_error")),
        "init": lambda: backend.Network([2, 2], init=_Odd("glorot")),
        "reduction": lambda: net.cost(X, Y, reduction=_Odd("mean")),
        r"monitors": lambda: net.train(X, Y, alpha=0.1, epochs=1, monitors=[_Odd("cost")]),
        "optimizer": lambda: net.train(X, Y, alpha=0.1, epochs=1, optimizer=_Odd("adam")),
        "labels": lambda: net.classify(X, labels=_Odd("one")),
        "backend": lambda: samenet.backend(_Odd("numpy")),
    }
    for name, call in calls.items():
        refused(TypeError, f"{name}: expected text, got a _Odd that cannot be compared", call)


def test_an_enumeration_of_texts_has_names(backend: Backend) -> None:
    class Name(str, Enum):  # noqa: UP042  whose str() is another text
        TANH = "tanh"
        RIGHT = "mean"

    net = backend.Network([3, 2], activation=Name.TANH)
    assert net.activations == ("tanh",)
    assert type(net.activations[0]) is str
    assert net.cost(X, Y[:, :2], reduction=Name.RIGHT) == net.cost(X, Y[:, :2])


@pytest.mark.parametrize("length", [1, 59, 60, 61, 200])
def test_what_was_given_is_shown_in_60_characters(length: int) -> None:
    text = repr("x" * (length - 2)) if length > 1 else "7"
    shown = checks.short("x" * (length - 2) if length > 1 else 7)
    assert shown == (text if length <= 60 else text[:57] + "...")
