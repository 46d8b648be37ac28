"""Arrays that need no conversion take the backend's own way, which checks them as the others are checked."""

import itertools
import pickle
import random
from typing import Any

import numpy as np
import pytest
from numba import typeof

import samenet
from samenet.backends import costs, prepared
from samenet.fast import few_rows, ready
from samenet.fast.kernels import few_rows as kernels
from samenet.fast.sample_weight import factors
from samenet.training import short

PLAIN_KERNELS = True
DTYPES = ["float64", "float32"]
RANDOM = np.random.default_rng(0)
TOLERANCE = {"float64": 1e-12, "float32": 3e-5}
# Layers of one node and of several, of few inputs and many; those with softmax, logarithms and penalties.
NETWORKS: list[Any] = [
    ([3, 1], {"activation": "identity"}),
    ([4, 3, 2], {"activation": "tanh", "l2": 0.1}),
    ([40, 1], {"cost": "binary_cross_entropy", "bias": False}),
    ([70, 1, 3], {"cost": "sum_of_squares", "l1": 0.01}),
    ([9, 20, 3], {"activation": ["relu", "softmax"], "cost": "cross_entropy"}),
    ([2, 40, 1], {"activation": "relu"}),
    ([20, 9, 9, 1], {}),
]


def network(sizes: list[int], dtype: str, **settings: Any) -> Any:
    return samenet.backend("numba").Network(sizes, seed=1, dtype=dtype, **settings)


def data(sizes: list[int], rows: int, dtype: str) -> tuple[Any, Any]:
    return tuple(RANDOM.random((rows, n)).astype(dtype) for n in (sizes[0], sizes[-1]))


def only_ready(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the backend leaves to the checks in Python is an error."""
    for name in ("cost_of", "gradient_of"):
        monkeypatch.setattr(costs, name, lambda *_: pytest.fail("checked in Python"))
    for name in ("_cost", "_gradient"):
        vars(net).pop(name, None)


def with_checks(net: Any, X: Any, Y: Any) -> tuple[float, float, Any]:
    cost, slope = costs.gradient_of(net.model, net.backend, X, Y)
    return costs.cost_of(net.model, net.backend, X, Y), cost, slope.flat


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("sizes", "settings"), NETWORKS, ids=str)
def test_it_is_the_same_cost_and_gradient(
    sizes: list[int], settings: Any, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(sizes, dtype, **settings)
    trusted = (
        samenet.backend("numpy").Network(sizes, weights=net.weights, biases=net.biases, dtype=dtype, **settings)
        if net.bias
        else net.on("numpy")
    )
    samples = [data(sizes, rows, dtype) for rows in (1, 2, 5, 17, 49, 127, 128, 129, 300)]
    samples.append((samples[0][0][0], samples[0][1][0]))
    known = [with_checks(net, X, Y) for X, Y in samples]
    only_ready(net, monkeypatch)
    for (X, Y), (cost, cost_of_gradient, slope) in zip(samples, known, strict=True):
        found_cost, found = net.gradient(X, Y)
        assert (found_cost, found.flat.tobytes()) == (cost_of_gradient, slope.tobytes())
        right_cost, right = costs_by(trusted, X, Y)
        np.testing.assert_allclose(found.flat, right, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
        np.testing.assert_allclose([found_cost, cost], right_cost, rtol=TOLERANCE[dtype])
        if len(X) <= ready.rows_alone(net.model) and X.ndim == 2:
            assert net.cost(X, Y) == cost


def costs_by(net: Any, X: Any, Y: Any) -> tuple[float, Any]:
    cost, slope = net.backend.gradient(net.model, np.atleast_2d(X), np.atleast_2d(Y))
    return cost, slope.flat


def spoiled(array: Any, value: float, place: int = -1) -> Any:
    array = array.copy()
    array.flat[place] = value
    return array


def unaligned(array: Any) -> Any:
    memory = np.empty(array.nbytes + 1, np.uint8)[1:]
    other = memory.view(array.dtype).reshape(array.shape)
    other[:] = array
    assert not other.flags.aligned
    return other


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("sizes", "settings"), NETWORKS[:5], ids=str)
def test_what_is_not_ready_is_converted_or_refused_as_ever(sizes: list[int], settings: Any, dtype: str) -> None:
    net = network(sizes, dtype, **settings)
    X, Y = data(sizes, 6, dtype)
    expected = net.cost(X, Y), net.gradient(X, Y)
    read_only = X.copy()
    read_only.flags.writeable = False
    swapped = [a.astype(a.dtype.newbyteorder()) for a in (X, Y)]
    others: list[tuple[Any, Any]] = [(X.tolist(), Y), (X, Y.tolist()), (read_only, Y), (np.repeat(X, 2, 0)[::2], Y)]
    others += [
        (np.asfortranarray(X), np.asfortranarray(Y)),
        (unaligned(X), Y),
        (X, unaligned(Y)),
        (unaligned(X), unaligned(Y)),
    ]
    others += [(swapped[0], Y), (X, swapped[1]), (X.astype(np.longdouble), Y)]
    for x, y in others:
        assert net.cost(x, y) == expected[0]
        cost, slope = net.gradient(x, y)
        assert (cost, slope.flat.tobytes()) == (expected[1][0], expected[1][1].flat.tobytes())
    finite, shape = "expected finite numbers, got ", "expected shape "
    bad: list[tuple[Any, Any, str]] = [
        *((spoiled(X, value, place), Y, f"X: {finite}") for value in (np.nan, np.inf, -np.inf) for place in (0, -1)),
        *((X, spoiled(Y, value, place), f"Y: {finite}") for value in (np.nan, np.inf, -np.inf) for place in (0, -1)),
        (X[:, :-1].copy(), Y, f"X: {shape}"),
        (X, Y[:-1].copy(), f"Y: {shape}"),
        (X, np.hstack([Y, Y]), f"Y: {shape}"),
        (X[:0].copy(), Y[:0].copy(), "X: expected at least one sample"),
        (X[0].copy(), Y[:1].copy(), f"Y: {shape}"),
        (X[:1].copy(), Y[0].copy(), f"Y: {shape}"),
        (X[0, :-1].copy(), Y[0].copy(), f"X: {shape}"),
        (X.reshape(1, *X.shape), Y, f"X: {shape}"),
        (X[0, 0].reshape(()), Y, f"X: {shape}"),
    ]
    if "entropy" in net.cost_function:
        bad += [
            (X, spoiled(Y, value, place), "Y: expected probabilities") for value in (-0.5, 1.5) for place in (0, -1)
        ]
    for x, y, message in bad:
        for call in (net.cost, net.gradient):
            with pytest.raises(ValueError, match=f"^{message}"):
                call(x, y)
    assert net.cost(X, Y) == expected[0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_cost_near_the_limit_is_that_of_the_checks(dtype: str) -> None:
    net, large = network([2, 1], dtype, activation="identity"), {"float64": 1e155, "float32": 1e19}[dtype]
    X, Y = data([2, 1], 3, dtype)
    for factor in (1e-6, 1, 10):
        y = (Y * large * factor).astype(dtype)
        cost, slope = net.gradient(X, y)
        assert (net.cost(X, y), cost, slope.flat.tobytes()) == (
            *(known := with_checks(net, X, y))[:2],
            known[2].tobytes(),
        )
    net.weights[0][0, 1] = np.nan  # whose fault this is, only the checks can tell
    assert np.isnan(net.gradient(X, Y)[1].flat).any()
    assert np.isnan(net.cost(X, Y))


def test_parameters_that_were_trained_or_copied_are_those_that_count() -> None:
    net = network([4, 3, 2], "float64")
    X, Y = data([4, 3, 2], 5, "float64")
    first = net.gradient(X, Y)[0], net.cost(X, Y)
    others = [net.copy(), pickle.loads(pickle.dumps(net))]
    net.train(X, Y, alpha=0.5, epochs=3)
    second = net.gradient(X, Y)[0], net.cost(X, Y)
    assert second < first
    np.testing.assert_allclose(second, net.on("numpy").cost(X, Y), rtol=1e-12)
    for other in others:
        assert (other.gradient(X, Y)[0], other.cost(X, Y)) == first


def test_other_arguments_are_for_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network([4, 2], "float64")
    X, Y = data([4, 2], 3, "float64")
    cost, slope = net.gradient(X, Y)
    for given in ({"reduction": "sum"}, {"cost": "sum_of_squares"}, {"sample_weight": [1.0, 1, 2]}):
        assert net.cost(X, Y, **given) != cost
        assert net.gradient(X, Y, **given)[1].flat.tobytes() != slope.flat.tobytes()
    assert net.cost(X, Y, reduction="".join(["me", "an"])) == net.cost(X, Y)
    monkeypatch.setattr(net.backend, "gradient", lambda *_: (2.5, slope))
    assert net.copy().gradient(X, Y)[0] == 2.5, "a function in its place has no faster one"


def test_up_to_how_many_rows_nothing_is_packed() -> None:
    for sizes, least, most in (
        ([3, 1], 10**5, 10**6),
        ([300, 1], 5000, 10**4),
        ([784, 30, 10], 255, 255),
        ([400, 400], 255, 255),
    ):
        model = network(sizes, "float64").model
        rows = kernels.most(tuple(sizes), model.theta.flat.size)
        assert least <= rows <= most, sizes
        assert few_rows.fits(model, rows)
        assert not few_rows.fits(model, rows + 1)


WAYS: list[dict[str, Any]] = [
    {},
    {"epochs": 4, "record_every": 2, "reduction": "sum"},
    {"optimizer": "adam", "clip_norm": 0.1},
    {"optimizer": "momentum", "clip_value": 0.01, "epochs": 3},
    {"batch_size": 2, "seed": 0, "optimizer": "rmsprop"},
]


@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.compiled)])
@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize(("sizes", "settings"), NETWORKS, ids=str)
def test_a_repeated_training_is_as_the_first(
    sizes: list[int], settings: Any, way: dict[str, Any], dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of other samples, and of one; and nothing is checked in Python."""
    net, given = network(sizes, dtype, **settings), {"alpha": 0.01, "epochs": 1, **way}
    for rows in (5, 17, 1):
        for step in range(6):
            X, Y = data(sizes, rows, dtype)
            other = net.copy()
            expected = other.train(X, Y, **given)
            if step > 2:
                monkeypatch.setattr(type(net.model), "labelled", lambda *_: pytest.fail("checked in Python"))
            found = net.train(*((X[0], Y[0]) if rows == 1 and step > 3 else (X, Y)), **given)
            monkeypatch.undo()
            assert found == expected
            assert net.parameters.tobytes() == other.parameters.tobytes()
            if step % 2:  # it can go on
                assert net.train(X, Y, **given, resume=True) == other.train(X, Y, **given, resume=True)
                assert net.parameters.tobytes() == other.parameters.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("sizes", "settings"), NETWORKS[:5], ids=str)
def test_a_repeated_training_refuses_or_converts_what_the_first_does(
    sizes: list[int], settings: Any, dtype: str
) -> None:
    net, given = network(sizes, dtype, **settings), {"alpha": 0.01, "epochs": 2}
    X, Y = data(sizes, 6, dtype)
    for _ in range(3):
        net.train(X, Y, **given)
    samples = net.model.prepared[short.Short].samples
    assert samples(X, Y) is not None
    others = [(X.tolist(), Y), (np.repeat(X, 2, 0)[::2], Y), (np.asfortranarray(X), np.asfortranarray(Y))]
    others += [(unaligned(X), Y), (X, unaligned(Y)), (X[:3].copy(), Y[:3].copy())]
    others.append((X.astype(X.dtype.newbyteorder()), Y))
    if net.parameters.size >= X.size:
        others.append((net.parameters[: X.size].reshape(X.shape), Y))
    for x, y in others:
        assert samples(x, y) is None
        other = net.copy()
        expected = other.train(np.array(x), np.array(y), **given)
        assert net.train(x, y, **given) == expected
        assert net.parameters.tobytes() == other.parameters.tobytes()
        for _ in range(2):
            net.train(X, Y, **given)
    before, history = net.parameters.copy(), net.history
    for value, place in itertools.product((np.nan, np.inf, -np.inf), (0, -1)):
        for x, y, message in ((spoiled(X, value, place), Y, "X: "), (X, spoiled(Y, value, place), "Y: ")):
            assert samples(x, y) is None or y is Y  # the updates show whether X was finite
            with pytest.raises(ValueError, match=f"^{message}expected finite"):
                net.train(x, y, **given)
    for x, y in ((X[:, :-1].copy(), Y), (X, Y[:-1].copy()), (X[:0].copy(), Y[:0].copy()), (X[0], Y[:1])):
        assert samples(x, y) is None
        with pytest.raises(ValueError, match=r"^[XY]: expected "):
            net.train(x, y, **given)
    assert net.parameters.tobytes() == before.tobytes()
    assert net.history is history
    limited = {"sigmoid": (-0.5, 1.5), "tanh": (-1.5, 1.5), "softmax": (-0.5, 1.5)}.get(net.activations[-1], ())
    for value in limited:
        assert samples(X, spoiled(Y, value)) is None
        if "entropy" not in net.cost_function:
            with pytest.warns(samenet.UnreachableTargetsWarning):
                net.train(X, spoiled(Y, value), **given)
    slightly = spoiled(Y, 1 + 5e-6)
    assert (samples(X, slightly) is None) == ("entropy" in net.cost_function)
    net.parameters.flags.writeable = False
    with pytest.raises(ValueError, match="^parameters: expected an array that can be written to"):
        net.train(X, Y, **given)


def test_another_cost_is_repeated_too() -> None:
    net = network([4, 3, 2], "float64")
    X, Y = data([4, 3, 2], 5, "float64")
    for threads in (1, 1, 1, 2):
        net.threads, other = threads, net.copy()
        net.train(X, Y, alpha=0.1, epochs=1, cost="sum_of_squares")
        other.train(X, Y, alpha=0.1, epochs=1, cost="sum_of_squares")
        assert net.parameters.tobytes() == other.parameters.tobytes()
        assert net.model.with_cost("sum_of_squares").threads == threads
    assert net.model.with_cost("sum_of_squares") is net.model.with_cost("sum_of_squares")
    assert short.Short in net.model.with_cost("sum_of_squares").prepared
    assert net.cost_function == "squared_error"


@pytest.mark.parametrize("given", [{}, {"batch_size": 2, "seed": 0, "optimizer": "adam", "record_every": 0}], ids=str)
def test_a_learning_rate_that_changes_is_repeated_too(given: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    net = network([4, 3, 2], "float64")
    X, Y = data([4, 3, 2], 5, "float64")
    for step in range(6):
        other, alpha = net.copy(), 0.5 / (1 + step)
        expected = other.train(X, Y, alpha=alpha, epochs=2, **given)
        if step > 1:
            monkeypatch.setattr(type(net.model), "labelled", lambda *_: pytest.fail("checked in Python"))
        assert net.train(X, Y, alpha=alpha, epochs=2, **given) == expected
        monkeypatch.undo()
        assert net.parameters.tobytes() == other.parameters.tobytes()
        assert net.train(X, Y, alpha=alpha, epochs=2, resume=True, **given).epochs_done == 4
        net.parameters = other.parameters
        net.train(X, Y, alpha=alpha, epochs=2, **given)
        net.parameters = other.parameters
    theta, history = net.parameters.copy(), net.history
    for wrong in (0.0, -0.5, np.nan, np.inf):
        with pytest.raises(ValueError, match="^alpha: "):
            net.train(X, Y, alpha=wrong, epochs=2, **given)
    assert net.parameters.tobytes() == theta.tobytes()
    assert net.history is history
    with pytest.raises(TypeError, match="^epochs: "):
        net.train(X, Y, alpha=0.1, epochs=2.5, **given)  # type: ignore[arg-type]


@pytest.mark.compiled  # the calls are the same without the JIT, and take a minute
@pytest.mark.parametrize("dtype", DTYPES)
def test_prepared_updates_have_arguments_of_the_same_types_in_every_call(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernels' code would read others as if they were of these types."""
    found: dict[Any, Any] = {}
    calls: list[Any] = []

    def code_of(kernel: Any, kinds: Any, given: Any) -> Any:
        def run(*given: Any) -> Any:
            types = tuple(map(typeof, given))
            assert found.setdefault((kernel, kinds), types) == types
            calls.append(kernel)
            return kernel(*given)

        return run

    monkeypatch.setattr(ready, "code_of", code_of)
    for sizes in ([3, 4, 2], [20, 9, 9, 1], [40, 230, 210, 3], [150, 1]):
        X, Y = data(sizes, 6, dtype)
        readonly, many = X.copy(), data(sizes, 3000, dtype)
        readonly.flags.writeable = False
        for rule in ("descent", "adam"):
            net = network(sizes, dtype)
            for x, y in (
                (X, Y),
                (X, Y),
                (readonly, Y),
                (np.asfortranarray(X), Y),
                (X.tolist(), Y.tolist()),
                (X[0], Y[0]),
            ):
                net.train(x, y, alpha=0.01, optimizer=rule, epochs=1)
            for seed in (1, np.random.default_rng(1), np.random.RandomState(1), random.Random(1), None):
                for epochs, size in ((1, 2), (3, 2), (3, None)):
                    given = {"alpha": 0.01, "optimizer": rule, "epochs": epochs, "batch_size": size, "seed": seed}
                    net.train(X, Y, **given)
                    net.train(X, Y, **given, record_every=2)
                    net.train(X, Y, **given, callback=lambda *_: None)
                    net.train(X, Y, **{**given, "alpha": samenet.schedules.Exponential(0.01, 0.1)}, resume=True)
            others: list[dict[str, Any]] = [{"drop_connect": 0.2}, {"sample_weight": np.arange(6.0)}, {"sum": True}]
            others += [{"dropout": 0.5}, {"dropout": 0.5, "sample_weight": [1, 2] * 3}] if len(sizes) > 2 else []
            others += [{"sampling": "adaptive", "batch_size": 3}, {"drop_connect": [0.1] * (len(sizes) - 1)}]
            for i, more in enumerate(others):
                more = {"reduction": "sum" if more.pop("sum", False) else "mean", "batch_size": 2, **more}
                for seed in (1, 2**70, None, random.Random(1)):
                    net.train(X, Y, alpha=0.01, epochs=1 + i % 2, seed=seed, optimizer=rule, **more)
            net.gradient(X, Y, sample_weight=np.arange(6.0))
            net.gradient(*many, sample_weight=np.arange(3000.0), reduction="sum")
            net.gradient(*many)
            if len(sizes) > 2:
                flags = [True, *[False] * (len(sizes) - 3)]
                for other in (network(sizes, dtype, batch_normalization=flags), network(sizes, dtype, l1=0.1, l2=1)):
                    for more in ({}, {"dropout": 0.5}, {"sample_weight": np.arange(6.0)}, {"batch_size": 2}):
                        other.train(X, Y, alpha=0.01, epochs=2, optimizer=rule, **more)
                    other.gradient(X, Y)
                    other.gradient(X, Y, sample_weight=np.arange(6.0))
    assert len(found) >= 6
    assert len(calls) > 1000


@pytest.mark.parametrize("dtype", DTYPES)
def test_statistics_that_have_changed_since(dtype: str) -> None:
    """With batch normalization, each call folds them into the weights anew."""
    net = network([4, 5, 3, 2], dtype, batch_normalization=[True, False], bias=dtype == "float64", l2=0.1)
    X, Y = data([4, 5, 3, 2], 6, dtype)
    answer, plain = net.predictor(), net.on("numpy")
    for change in range(6):
        for one in (net, plain):
            theta = one.model.theta
            if change == 1:
                theta.running[0][:] = 2.0
            elif change == 2:
                theta.gammas[0][:] = -0.5
            elif change == 3:
                theta.flat[:3] = 1.0
            elif change == 4:
                theta.running[0][1] = np.nan
        if change == 5:
            net.model = plain.on("numba").model
            for one in (net, plain):
                one.model.theta.running[0][1] = 0.5
            answer = net.predictor()
        rounding = 1e-5 if dtype == "float32" else 1e-12
        np.testing.assert_allclose(net.predict(X), plain.predict(X), rtol=rounding)
        np.testing.assert_allclose(net.predict(X[0]), plain.predict(X[0]), rtol=rounding)
        np.testing.assert_allclose(net.predict(X.tolist()), plain.predict(X), rtol=rounding)
        np.testing.assert_allclose(answer(X[1]), plain.predict(X[1]), rtol=rounding)
        np.testing.assert_allclose(net.feed_forward(X)[1], plain.feed_forward(X)[1], rtol=rounding)
        if change != 4:
            np.testing.assert_allclose(net.cost(X, Y), plain.cost(X, Y), rtol=rounding)
            np.testing.assert_allclose(net.cost(X[0], Y[0]), plain.cost(X[0], Y[0]), rtol=rounding)


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_that_the_code_of_kernels_would_misread_are_converted(dtype: str) -> None:
    """Where the backend's functions are called without the checks of the network."""
    sizes, rows = [30, 20, 3], 700
    X, Y = data(sizes, rows, dtype)
    weights, order = RANDOM.random(rows), RANDOM.permutation(rows).reshape(1, -1)
    readonly = X.copy()
    readonly.flags.writeable = False
    ways = [(X, Y, weights, order), (np.asfortranarray(X), np.repeat(Y, 2, 0)[::2], weights[::-1][::-1], order)]
    ways += [
        (readonly, Y, np.repeat(weights, 2)[::2], np.asfortranarray(order.repeat(2, 0))[:1]),
        (X, Y, weights, order),
    ]
    ways.append((X.astype(X.dtype.newbyteorder()), unaligned(Y), weights, order.astype(np.int32)))
    for settings in ({}, {"batch_normalization": True}):
        found = set()
        for x, y, w, rows_ in ways:
            net, rule = network(sizes, dtype, **settings), samenet.optimizers.Descent()
            backend, given = net.backend, {"alpha": 0.1, "batch_size": 256}
            slopes = [backend.gradient(net.model, x, y)[1], backend.gradient(net.model, x, y, sample_weight=w)[1]]
            costs = backend.run_updates(net.model, x, y, rule, order=rows_, **given)
            more = backend.run_updates(net.model, x, y, rule, sample_weight=w, **given)
            numbers = [costs, more, net.parameters, *(slope.flat for slope in slopes)]
            found.add(b"".join(a.tobytes() for a in numbers))
        assert len(found) == 1


@pytest.mark.compiled  # the calls are the same without the JIT, and take long
@pytest.mark.parametrize("settings", [{}, {"l1": 0.1, "l2": 0.2}, {"batch_normalization": True}], ids=str)
@pytest.mark.parametrize("sizes", [[3, 4, 2], [13, 32, 32, 1], [40, 64, 3]], ids=str)
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_prepared_functions_give_what_the_backend_does(dtype: str, sizes: list[int], settings: Any) -> None:
    backend = samenet.backend("numba")
    model = backend.Network(sizes, seed=0, dtype=dtype, **settings).model
    random = np.random.default_rng(0)
    for rows in (2, 16, 300):
        X, Y = random.random((rows, sizes[0])).astype(dtype), random.random((rows, sizes[-1])).astype(dtype)
        for weights in (None, random.random(rows)):
            others = {} if weights is None else {"sample_weight": weights}
            for reduction in ("mean", "sum"):
                given = model, backend, reduction, weights
                cost, output = backend.evaluate(model, X, Y, reduction, **others)
                for _ in range(2):
                    found, out = prepared.evaluation(*given)(X, Y)
                    assert (found, out.tobytes()) == (cost, output.tobytes())
                    assert prepared.cost(*given)(X, Y) == cost
                cost, slope = backend.gradient(model, X, Y, reduction, **others)
                found, g = prepared.gradient(*given)(X, Y)
                assert (found, g.flat.tobytes()) == (cost, slope.flat.tobytes())
        X[-1, -1] = np.nan
        assert np.isnan(prepared.evaluation(model, backend, "mean", None)(X, Y)[1][-1]).all()


def test_factors_are_those_of_the_weights_as_they_are() -> None:
    weights = np.array([1.0, 2.0, 3.0])
    for _ in range(2):
        for dtype in (np.dtype("f8"), np.dtype("f4")):
            for reduction, total in (("mean", weights.sum()), ("sum", 1.0)):
                found = factors(weights, reduction, dtype)
                assert found.dtype == dtype
                assert found[:, 0] == pytest.approx(weights / total)
        weights[0] = 5.0
