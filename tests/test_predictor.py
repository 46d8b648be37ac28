"""`net.predictor()`: one sample at a time with little overhead, and the answer of `predict` to the bit."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
from inputs import CASES, COMBINATIONS, Case, Functions

import samenet
from samenet.backends import prediction

PLAIN_KERNELS = True

NAMES = samenet.backends()
SIZES = [3, 5, 4, 2]
x = np.random.default_rng(0).normal(size=3)
FUNCTIONS = list({(f.hidden, f.output): f for f in COMBINATIONS}.values())


@pytest.fixture(params=NAMES)
def Network(request: pytest.FixtureRequest) -> Any:
    return samenet.backend(request.param).Network


def no_warnings() -> Any:
    """Turns warnings into errors, except for kernels run as plain Python, where NumPy warns of more."""
    return warnings.catch_warnings(action="ignore" if numba.config.DISABLE_JIT else "error")


def same_bits(net: Any, x: np.ndarray) -> None:
    f, expected = net.predictor(), net.predict(x)
    out = np.full_like(expected, 7)
    for answer in (f(x), f(x, out), f(x, out=out), f(x=x, out=None), f(x.tolist()), f(x.tolist(), out)):
        assert type(answer) is np.ndarray
        assert answer.dtype == net.dtype
        assert answer.tobytes() == expected.tobytes()
        assert answer.shape == expected.shape


@pytest.mark.parametrize("case", CASES)
def test_the_bits_of_predict(Network: Any, case: Case) -> None:
    net = case.network(Network)
    for row in case.X[:2].copy():
        same_bits(net, row)


@pytest.mark.parametrize("functions", FUNCTIONS, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_bits_of_predict_with_every_activation(Network: Any, functions: Functions, dtype: str) -> None:
    case = Case((5, 7, 3, 2), 3, dtype=dtype, functions=functions)
    same_bits(case.network(Network), case.X[0].copy())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", [[3, 2], SIZES, [3, 120, 90, 2]], ids=str)
@pytest.mark.parametrize("name", NAMES[1:])
def test_arrays_that_are_ready_take_the_quick_way(
    name: str, sizes: list[int], dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both paths give the same answers, so the slow one is removed."""
    net = samenet.backend(name).Network(sizes, seed=0, dtype=dtype)
    sample, out = x.astype(dtype), np.empty(2, dtype)
    batches = [np.stack([sample] * rows) for rows in (1, 5, 200)]
    expected, of_batches = net.predict(sample), [net.predict(X) for X in batches]

    def slow(*_: Any) -> Any:
        raise AssertionError("the slow way")

    monkeypatch.setattr(prediction, "_samples", slow)
    monkeypatch.setattr(prediction, "_one", slow)
    net = net.copy()
    f = net.predictor()
    for answer in (f(sample), f(sample, out), net.predict(sample)):
        assert answer.tobytes() == expected.tobytes()
    for X, answer in zip(batches, of_batches, strict=True):
        assert net.predict(X).tobytes() == answer.tobytes()
        spoiled = X.copy()
        spoiled[-1, -1] = np.inf
        for other in (spoiled, X[:, :2].copy(), X.tolist(), np.asfortranarray(np.vstack([X, X]))):
            with pytest.raises(AssertionError, match="slow"):
                net.predict(other)
        with pytest.raises(AssertionError, match="slow"):
            f(X)
    for other in (sample.tolist(), sample[:2]):
        with pytest.raises(AssertionError, match="slow"):
            f(other)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NAMES[1:])
def test_samples_of_another_kind_are_converted_and_never_changed(name: str, dtype: str) -> None:
    net = samenet.backend(name).Network([3, 5, 2], seed=0, dtype=dtype)
    numbers, f = np.array([1.0, 0.0, 3.0]), net.predictor()
    read_only, padded = numbers.astype(dtype), np.zeros((3, 2), dtype)
    read_only.flags.writeable, padded[:, 1] = False, numbers
    unaligned = np.frombuffer(b"-" + numbers.astype(dtype).tobytes(), np.uint8)[1:].view(dtype)
    kinds = ["float16", "float32", "float64", "longdouble", "int8", "uint64", "bool", ">f8", ">i4"]
    for other in [*[numbers.astype(kind) for kind in kinds], read_only, padded[:, 1], padded[::-1, 1], unaligned]:
        expected, before = net.predict(other.astype(dtype).tolist()), other.tobytes()
        out = np.empty(2, dtype)
        for answer in (net.predict(other), f(other), f(other, out), net.predict(other[np.newaxis])[0]):
            assert answer.tobytes() == expected.tobytes(), other.dtype
        assert other.tobytes() == before
    with warnings.catch_warnings(action="error"):
        assert not np.isfinite(f(np.array([1.0, np.nan, np.inf], "float64" if dtype == "float32" else "float32"))).all()
        if dtype == "float32":
            with pytest.raises(ValueError, match="X: expected finite numbers, got inf"):
                net.predict(np.array([1.0, 1e300, 0.0]))
    for other, error in (
        (numbers.astype(str), TypeError),
        (numbers * 1j, TypeError),
        (numbers[:2].astype("f2"), ValueError),
    ):
        for call in (net.predict, f):
            with pytest.raises(error, match="^[xX]: expected"):
                call(other)


def test_out_is_returned_and_else_every_answer_is_new(Network: Any) -> None:
    f = Network(SIZES, seed=0).predictor()
    out = np.empty(2)
    assert f(x, out) is out
    assert f(list(x), out) is out
    one, other = f(x), f(x + 1)
    assert not np.shares_memory(one, other)
    assert not np.array_equal(one, other)
    assert one.flags.writeable


def test_it_is_bound_to_the_weights(Network: Any) -> None:
    net = Network(SIZES, seed=0)
    f = net.predictor()
    answers = [f(x)]
    changes: list[Callable[[], Any]] = [
        lambda: net.train([x], [[0, 1]], alpha=1, epochs=3),
        lambda: net.weights[1].fill(0.5),
        lambda: net.biases[0].fill(-1),
        lambda: setattr(net, "parameters", np.linspace(-1, 1, net.parameters.size)),
    ]
    for change in changes:
        change()
        answers.append(f(x))
        assert answers[-1].tobytes() == net.predict(x).tobytes()
    assert len({answer.tobytes() for answer in answers}) == len(changes) + 1
    kept, twin = f(x), net.copy()
    twin.parameters[:] = 0
    assert np.array_equal(f(x), kept), "a copy has weights of its own"


@pytest.mark.counted
def test_it_outlives_the_name_of_its_network(Network: Any) -> None:
    net = Network(SIZES, seed=0)
    f, expected = net.predictor(), net.predict(x)
    del net
    assert np.array_equal(f(x), expected)


@pytest.mark.parametrize("sizes", [[3, 3], [3, 4, 3], [9, 8, 5, 9], [100, 90, 100]], ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_out_may_share_memory_with_x(Network: Any, sizes: list[int], dtype: Any) -> None:
    net, n = Network(sizes, seed=0, dtype=dtype), sizes[0]
    f, values = net.predictor(), np.random.default_rng(1).normal(size=n).astype(dtype)
    expected = net.predict(values)
    for shift in (-1, 0, 1):
        memory = np.full(n + 4, 7, dtype)
        here, there = memory[2 : n + 2], memory[2 + shift : n + 2 + shift]
        here[:] = values
        assert f(here, there) is there
        assert there.tobytes() == expected.tobytes()
        for outside in (memory[: 1 + shift], memory[n + 3 + shift :]):
            assert (outside == 7).all(), "written beyond out"


ODD_FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "list": np.ndarray.tolist,
    "tuple": tuple,
    "strided": lambda v: np.repeat(v, 2)[::2],
    "backwards": lambda v: v[::-1].copy()[::-1],
    "a column": lambda v: np.stack([v, v + 1], axis=1)[:, 0],
    "one number": lambda v: np.broadcast_to(v[:1], v.shape),
    "float32": lambda v: v.astype(np.float32),
    "float16": lambda v: v.astype(np.float16),
    "longdouble": lambda v: v.astype(np.longdouble),
    "other byte order": lambda v: v.astype(">f8"),
    "integers": lambda v: (4 * v).astype(int),
    "flags": lambda v: v > 0,
    "objects": lambda v: v.astype(object),
    "read-only": lambda v: np.frombuffer(v.tobytes()),
    "unaligned": lambda v: np.frombuffer(bytearray(b"1" + v.tobytes()), np.uint8)[1:].view(float),
    "masked, but nowhere": lambda v: np.ma.array(v),
    "a subclass": lambda v: v.copy().view(np.recarray),
}


@pytest.mark.parametrize("form", ODD_FORMS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_odd_input_is_converted_and_not_written_to(Network: Any, form: str, dtype: Any) -> None:
    net, given = Network(SIZES, seed=0, dtype=dtype), ODD_FORMS[form](x)
    before = np.array(given).tolist()
    f, expected, out = net.predictor(), net.predict(given), np.empty(2, dtype)
    with no_warnings():
        for answer in (f(given), f(given, out)):
            assert answer.tobytes() == expected.tobytes()
    assert np.array(given).tolist() == before


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "identity", "softmax"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_is_not_finite_goes_through_without_a_warning(
    Network: Any, activation: str, value: float, dtype: Any
) -> None:
    net = Network([3, 4, 2], seed=0, activation=[activation, "identity"], dtype=dtype)
    spoiled = np.array([0.5, value, 1.0], dtype)
    with no_warnings():
        answer, slowly = net.predictor()(spoiled), net.predictor()(spoiled.tolist())
    assert np.array_equal(answer, slowly, equal_nan=True)
    if np.isnan(value) or activation in ("identity", "softmax"):
        assert not np.isfinite(answer).any()
    if activation in ("sigmoid", "tanh"):
        assert np.isnan(answer).all() == np.isnan(value)


@pytest.mark.parametrize("n", [1, 3, 16, 17, 65])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_predict_finds_a_nonfinite_number_anywhere(Network: Any, n: int, dtype: Any) -> None:
    net, large = Network([n, 2], seed=0, dtype=dtype), np.finfo(dtype).max
    for place in range(n):
        for value in (np.nan, np.inf, -np.inf):
            spoiled = np.zeros(n, dtype)
            spoiled[place] = value
            with pytest.raises(ValueError, match=rf"X: expected finite numbers, got -?{abs(value)} at X\[{place}\]"):
                net.predict(spoiled)
        fine = np.zeros(n, dtype)
        fine[place] = large  # whose square overflows
        with no_warnings():
            assert net.predict(fine).tobytes() == net.predict(fine.tolist()).tobytes()


def test_its_arguments_have_the_same_names_on_every_backend(Network: Any) -> None:
    parameters = inspect.signature(Network(SIZES, seed=0).predictor()).parameters.values()
    assert [(p.name, p.default) for p in parameters] == [("x", inspect.Parameter.empty), ("out", None)]
