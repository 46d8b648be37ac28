"""Repeated calls on tiny networks: state cached between them never loses a check or changes a number."""

import copy
import gc
import itertools
import pickle
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from agreement import Backend

import samenet
from samenet.optimizers import BFGS, Adam
from samenet.schedules import InverseTime, StepDecay
from samenet.training import short
from samenet.training.sampling import Draws
from samenet.training.state import TrainingState

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(6, 4)), RANDOM.uniform(size=(6, 3))


def calls_of(net: Any, x: Any, y: Any) -> dict[str, Any]:
    return {
        "train": lambda: net.train(x, y, alpha=0.1, epochs=1),
        "gradient": lambda: net.gradient(x, y),
        "cost": lambda: net.cost(x, y),
    }


@pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")  # NumPy 2.5; it still works
@pytest.mark.parametrize("call", ["train", "gradient", "cost"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_arrays_that_were_checked_and_have_changed_since(backend: Backend, call: str, dtype: str) -> None:
    net, x, y = backend.Network([4, 3, 3], seed=0, dtype=dtype), X.astype(dtype), Y.astype(dtype)
    run = calls_of(net, x, y)[call]
    for name, array in (("X", x), ("Y", y)):
        for wrong in (np.nan, np.inf, -np.inf):
            run()
            theta, before = net.parameters.copy(), array[2, 1]
            array[2, 1] = wrong
            for _ in range(2):
                with pytest.raises(ValueError, match=rf"^{name}: expected finite numbers, got .* at {name}\[2, 1\]"):
                    run()
            assert net.parameters.tobytes() == theta.tobytes()
            array[2, 1] = before
    run()
    x.shape = (4, 6)
    with pytest.raises(ValueError, match=r"^X: expected shape"):
        run()
    x.shape = (6, 4)
    y.flags.writeable = False
    run()
    net.parameters.flags.writeable = False
    if call == "train":
        with pytest.raises(ValueError, match=r"^parameters: "):
            run()


def test_a_validation_set_that_was_checked_and_has_changed_since(backend: Backend) -> None:
    """What was found to be finite is remembered for two pairs of samples and targets."""
    net, x, y = backend.Network([4, 3, 3], seed=0), X[:4].copy(), Y[:4].copy()
    for array, name in ((x, "X"), (y, "Y")):
        for _ in range(3):
            net.train(X, Y, alpha=0.1, epochs=1, validation=(x, y))
        theta, before, array[1, 2] = net.parameters.copy(), array[1, 2], np.nan
        for _ in range(2):
            with pytest.raises(ValueError, match=f"^validation, {name}: expected finite numbers"):
                net.train(X, Y, alpha=0.1, epochs=1, validation=(x, y))
            with pytest.raises(ValueError, match=f"^{name}: expected finite numbers"):
                net.train(x, y, alpha=0.1, epochs=1, validation=(X, Y))
        assert net.parameters.tobytes() == theta.tobytes()
        array[1, 2] = before
    x = net.model.theta.everything.base  # that the parameters are a part of
    assert x is not None
    assert net.model.theta.apart(x) is not x
    assert net.model.theta.apart(X) is X


def test_targets_that_have_changed_since(backend: Backend) -> None:
    net, y = backend.Network([4, 3, 3], activation="softmax", cost="cross_entropy", seed=0), np.eye(3)[[0, 1, 2] * 2]
    for run in calls_of(net, X, y).values():
        for wrong in (1.5, -0.5):
            run()
            y[1, 1] = wrong
            with pytest.raises(ValueError, match="^Y: expected probabilities"):
                run()
            y[1, 1] = 1


def test_the_same_bytes_of_another_dtype() -> None:
    """As float64, they are finite; as float32, every other number is NaN."""
    halves = np.full((6, 8), 1.0, np.float32)
    halves[:, ::2] = np.nan
    wholes = halves.view(np.float64)
    assert np.isfinite(wholes).all()
    Network = samenet.backend("numpy").Network
    Network([4, 3], seed=0).train(wholes, Y, alpha=0.1, epochs=1)
    with pytest.raises(ValueError, match="^X: expected finite"):
        Network([8, 3], seed=0, dtype="float32").train(halves, Y.astype(np.float32), alpha=0.1, epochs=1)


def test_another_learning_rate_is_checked_and_used() -> None:
    Network = samenet.backend("numpy").Network
    for kind, wrong in ((ValueError, (0.0, -0.1, np.nan, np.inf)), (TypeError, (True, "0.1", None, [0.1], 1j))):
        for value in wrong:
            net = Network([4, 3], seed=0)
            net.train(X, Y, alpha=0.1, epochs=1)
            with pytest.raises(kind, match="^alpha: "):
                net.train(X, Y, alpha=value, epochs=1)
    for alpha in (0.25, 0.5, 1, np.float64(0.75)):
        net, other = Network([4, 3], seed=0), Network([4, 3], seed=0)
        net.train(X, Y, alpha=alpha, epochs=1)
        other.parameters -= float(alpha) * other.gradient(X, Y)[1].flat
        np.testing.assert_allclose(net.parameters, other.parameters, rtol=1e-13)
    net = Network([4, 3], seed=0)
    with pytest.raises(ValueError, match=r"^alpha: expected none for .*, got 0\.125$") as raised:
        net.train(X, Y, alpha=0.125, epochs=1, optimizer=BFGS())
    assert raised.value.__context__ is None
    with pytest.raises(ValueError, match=r"^monitors: "):
        net.train(X, Y, alpha=0.0625, epochs=1, monitors=iter(["mean_norm", "wrong"]))
    assert list(net.train(X, Y, alpha=0.03125, epochs=1, monitors=iter(["mean_norm"]))) == ["cost", "mean_norm"]


def test_rules_with_other_settings_are_others() -> None:
    Network, found = samenet.backend("numpy").Network, []
    for rule in (Adam(), Adam(beta1=0.5), Adam(epsilon=1.0), "adam", Adam(beta1=0.5)):
        net = Network([4, 3], seed=0)
        for _ in range(2):
            net.train(X, Y, alpha=0.1, epochs=2, optimizer=rule)
        found.append(net.parameters.tobytes())
    assert len(set(found)) == 3
    assert found[0] == found[3]
    assert found[1] == found[4]


@pytest.mark.parametrize("rows", [6, 300])
def test_memory_that_is_kept_is_one_calls_at_a_time(fast: Backend, rows: int) -> None:
    random = np.random.default_rng(1)
    net, x, y = fast.Network([4, 3, 3], seed=0), random.normal(size=(rows, 4)), random.uniform(size=(rows, 3))
    expected = net.gradient(x, y)[1].flat.tobytes()
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda _: net.gradient(x, y)[1].flat.tobytes(), range(40))
    assert set(found) == {expected}
    first, second = net.gradient(x, y)[1], net.gradient(-x, y)[1]
    assert first.flat.tobytes() == expected, "a later call changes no earlier answer"
    assert not np.shares_memory(first.flat, second.flat)


@pytest.mark.parametrize("sizes", [[4, 3, 3], [4, 9, 9, 3]], ids=str)
@pytest.mark.parametrize("rule", ["descent", "adam"])
@pytest.mark.parametrize("size", [None, 2])
def test_nothing_is_left_of_a_training_that_failed(
    fast: Backend, sizes: list[int], rule: str, size: int | None
) -> None:
    settings: dict[str, Any] = {"optimizer": rule, "batch_size": size, "clip_norm": 1e300, "shuffle": False}
    net, other = (fast.Network(sizes, activation=["relu"] * (len(sizes) - 2) + ["identity"], seed=0) for _ in range(2))
    with pytest.raises(FloatingPointError):
        net.train(X * 1e150, Y * 1e200, alpha=1e300, epochs=20, **settings)
    net.parameters = other.parameters
    for one in (net, copy.deepcopy(net), pickle.loads(pickle.dumps(net)), other):
        one.train(X, Y, alpha=0.01, epochs=3, **settings)
    assert net.parameters.tobytes() == other.parameters.tobytes()
    assert net.gradient(X, Y)[1].flat.tobytes() == other.gradient(X, Y)[1].flat.tobytes()


_WAYS: list[dict[str, Any]] = [
    {},
    {"optimizer": "adam", "record_every": 2},
    {"batch_size": 2, "seed": 3, "optimizer": "momentum"},
    {"batch_size": 4, "seed": 0, "dropout": 0.5, "record_every": 3, "reduction": "sum"},
    {"drop_connect": [0.5, 0.0], "shuffle": False, "batch_size": 6, "seed": 2},
    {"sample_weight": [1.0, 2.0, 0.0, 1.0, 3.0, 1.0], "batch_size": 4, "seed": 1},
    {"sample_weight": np.arange(6.0), "optimizer": Adam(), "clip_norm": 0.1, "record_every": 0},
    {"alpha": InverseTime(0.1, 0.5), "batch_size": 4, "seed": 1, "record_every": 2},
    {"alpha": StepDecay(0.1, 1e200, 1), "optimizer": "momentum"},  # too large in the third epoch
    {"dropout": 0.5, "batch_size": 4, "seed": 5},
    {"drop_connect": 0.5, "seed": 4},
]


@pytest.mark.parametrize("given", _WAYS, ids=str)
def test_a_short_way_and_the_loop_go_on_to_the_same_bits(
    fast: Backend, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repeated, resumed, with other arguments, and from the state before an epoch that failed."""
    first = {"alpha": 0.1, "epochs": 1, **given}
    others = {name: value for name, value in first.items() if name != "seed"}
    calls = [first] * 3 + [others | {"resume": True, "epochs": epochs} for epochs in (1, 1, 3, 2)]
    calls += [others | {"resume": True, "alpha": 1e300}, others | {"resume": True, "alpha": 0.05}, first, first]
    found = []
    for is_short in (short.is_short, lambda *_: False):
        monkeypatch.setattr(short, "is_short", is_short)
        net, seen = fast.Network([4, 5, 3], activation=["tanh", "identity"], seed=0), []
        for call in calls:
            error, before = None, net.history
            copied = copy.copy(before)
            try:
                net.train(10 * X, 10 * Y, **call)
            except (FloatingPointError, ValueError) as raised:
                error = str(raised)
            assert before == copied, "an earlier history does not change"
            seen.append((net.parameters.tobytes(), net.history, net.training_state is None, error))
        found.append(seen)
    for step, (one, other) in enumerate(zip(*found, strict=True)):
        assert one == other, f"call {step}"
    assert any(error is not None for *_, error in found[0])


@pytest.mark.parametrize("masks", [{}, {"dropout": 0.5}, {"drop_connect": 0.5}], ids=str)
@pytest.mark.parametrize("seed", [5, "stream"])
def test_the_seed_of_training_that_was_resumed_is_not_that_of_the_next(
    fast: Backend, seed: Any, masks: dict[str, Any]
) -> None:
    net, stream = fast.Network([4, 5, 3], seed=0), np.random.default_rng(5)
    seed = stream if seed == "stream" else seed
    given: dict[str, Any] = {"alpha": 0.1, "epochs": 1, "batch_size": 2, **masks}
    for _ in range(2):
        net.train(X, Y, **given)  # prepares what the next call without a seed finds
        net.train(X, Y, **given, seed=seed)
        net.train(X, Y, **given, resume=True)
        net.train(X, Y, **given, seed=seed, resume=True)
        net.train(X, Y, **given, resume=True)
        net.train(X, Y, **given, seed=seed, resume=True)
        net.train(X, Y, **given, resume=True)
    theta, state, found = net.parameters.copy(), stream.bit_generator.state, set[bytes]()
    for _ in range(12):
        net.parameters = theta
        net.train(X, Y, **given)
        found.add(net.parameters.tobytes())
    assert len(found) > 6, "random orders and masks"
    assert stream.bit_generator.state == state


@pytest.mark.parametrize("given", [{}, {"dropout": 0.5}, {"optimizer": "adam", "record_every": 2}], ids=str)
@pytest.mark.parametrize("seed", [5, "stream"])
@pytest.mark.parametrize("resumed", [0, 1, 2])
def test_resumed_training_that_was_interrupted_loses_nothing(
    fast: Backend, given: dict[str, Any], seed: Any, resumed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the orders that were drawn nor the number of updates, wherever a second Ctrl-C comes."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    makes: dict[str, Any] = {"costs": ("samenet.training.divergence.worst", interrupt)}
    after = TrainingState.after

    def leave(*arguments: Any) -> None:
        after(*arguments)
        raise KeyboardInterrupt

    makes["the end"] = "samenet.training.state.TrainingState.after", leave
    found: dict[str, Any] = {}
    for place in (None, *makes):
        net = fast.Network([4, 5, 3], seed=0)
        one: dict[str, Any] = {"alpha": 0.1, "epochs": 1, "batch_size": 2, **given}
        net.train(X, Y, seed=np.random.default_rng(5) if seed == "stream" else seed, **one)
        for _ in range(resumed):
            net.train(X, Y, resume=True, **one)
        if place:
            theta, history = net.parameters.copy(), net.history
            with monkeypatch.context() as patch:
                patch.setattr(*makes[place])
                with pytest.raises(KeyboardInterrupt):
                    net.train(X, Y, resume=True, **one)
            assert net.parameters.tobytes() == theta.tobytes()
            assert net.history is history
        for _ in range(2):
            net.train(X, Y, resume=True, **one)
        found[str(place)] = net.parameters.tobytes(), net.history.epochs_done, net.history.cost.tolist()
    assert found["costs"] == found["the end"] == found["None"]


def test_resumed_training_that_is_interrupted_as_it_draws_cannot_go_on(
    fast: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, one = fast.Network([4, 5, 3], seed=0), {"alpha": 0.1, "epochs": 2, "batch_size": 2}
    net.train(X, Y, seed=5, **one)
    epochs = Draws.epochs

    def broken(*arguments: Any) -> None:
        epochs(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Draws, "epochs", broken)
        with pytest.raises(KeyboardInterrupt):
            net.train(X, Y, resume=True, **one)
    with pytest.raises(ValueError, match="^resume: .* interrupted while it drew random numbers"):
        net.train(X, Y, resume=True, **one)
    net.train(X, Y, seed=5, **one)


def test_going_on_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the loop's preparations for long training."""
    net = samenet.backend("numpy").Network([4, 3], seed=0)
    net.train(X, Y, alpha=0.1, epochs=1)
    monkeypatch.setattr("samenet.training.run.descend", lambda *_: pytest.fail("by the loop"))
    for _ in range(3):
        assert net.train(X, Y, alpha=0.1, epochs=2, resume=True).epochs_done == net.history.epochs_done
    assert net.history.epochs_done == 7
    assert len(net.history.cost) == 7


def test_arguments_are_remembered_where_they_cannot_have_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    Network, checked = samenet.backend("numpy").Network, list[Any]()
    options = short.Options
    make = options.checked.__func__
    monkeypatch.setattr(options, "checked", classmethod(lambda *given: checked.append(1) or make(*given)))

    class Half(float):
        """A number that may change."""

    for given, most in (
        ({}, 1),
        ({"seed": 1, "batch_size": 2}, 1),
        ({"dropout": [0.5], "drop_connect": (0.1, 0)}, 1),
        ({"monitors": [], "sample_weight": [1, 2, 3, 4, 5, 6]}, 1),
        ({"monitors": ["mean_norm"]}, 5),
        ({"dropout": np.array([0.5])}, 5),
        ({"dropout": [np.float64(0.5)]}, 5),
        ({"dropout": (Half(0.5),)}, 5),
    ):
        checked.clear()
        net = Network([4, 2, 3], seed=0)
        for _ in range(5):
            again = {name: value[:] if isinstance(value, list) else value for name, value in given.items()}
            net.train(X, Y, alpha=0.1, epochs=1, **again)
        assert len(checked) == most, given


def test_equal_lists_of_other_types_are_checked_anew(fast: Backend) -> None:
    net, given = fast.Network([4, 3, 3], seed=0), {"alpha": 0.1, "epochs": 1}
    for name, values, wrong in (("dropout", [0.0], [False]), ("drop_connect", [0.5, 0.0], (0.5, np.bool_(0)))):
        for _ in range(3):
            net.train(X, Y, **given, **{name: values})
        theta = net.parameters.copy()
        with pytest.raises(TypeError, match=f"^{name}"):
            net.train(X, Y, **given, **{name: wrong})
        for others in ([*values, 0.0], values[1:], [], [1.0] * len(values), [np.nan] * len(values)):
            with pytest.raises(ValueError, match=f"^{name}"):
                net.train(X, Y, **given, **{name: others})
        assert net.parameters.tobytes() == theta.tobytes()


def test_lists_that_have_changed_since_are_read_again(fast: Backend) -> None:
    dropout, monitors, random = [0.0], list[Any](), np.random.default_rng(1)
    net, other = (fast.Network([4, 3, 3], seed=0) for _ in range(2))
    for step in range(6):
        if step == 3:
            dropout[0] = 0.5
        if step == 5:
            monitors.append("mean_norm")
        net.train(X, Y, alpha=0.1, epochs=1, dropout=dropout, monitors=monitors, seed=5)
        other.train(X, Y, alpha=0.1, epochs=1, dropout=0.0 if step < 3 else 0.5, seed=5)
        assert net.parameters.tobytes() == other.parameters.tobytes(), step
    assert list(net.history) == ["cost", "mean_norm"]
    orders = [fast.Network([4, 3], seed=0) for _ in range(4)]
    for one in orders:
        one.train(X, Y, alpha=0.1, epochs=1, batch_size=1, seed=random)
    assert len({one.parameters.tobytes() for one in orders}) == 4, "a stream goes on"
    dropout[0] = 1.5
    with pytest.raises(ValueError, match="^dropout"):
        net.train(X, Y, alpha=0.1, epochs=1, dropout=dropout, monitors=monitors, seed=5)


@pytest.mark.parametrize("size", [None, 2, 5])
def test_other_samples_by_the_same_arguments(fast: Backend, size: int | None) -> None:
    """With other lengths, dtypes and kinds: as for a network without cached checks."""
    random = np.random.default_rng(2)
    net, arguments = fast.Network([4, 3, 3], seed=0), {"alpha": 0.1, "epochs": 2, "batch_size": size, "seed": 4}
    for rows in (6, 6, 6, 3, 6, 1, 1, 6):
        x, y = random.normal(size=(rows, 4)), random.uniform(size=(rows, 3))
        strided = np.repeat(x, 2, axis=0)[::2]
        for samples in (x, x.tolist(), strided, x.astype(np.float32)):
            other = net.copy()
            net.train(samples, y, **arguments)
            other.train(samples, y, **arguments)
            assert net.parameters.tobytes() == other.parameters.tobytes()


def test_samples_that_are_parameters_are_copied_every_time(fast: Backend) -> None:
    net = fast.Network([4, 4, 3], seed=0)
    for _ in range(4):
        other = net.copy()
        x = net.weights[0]
        given = x.copy()
        net.train(x, Y[:4], alpha=0.5, epochs=3)
        other.train(given, Y[:4], alpha=0.5, epochs=3)
        assert net.parameters.tobytes() == other.parameters.tobytes()


def test_targets_out_of_reach_give_a_warning_in_each_call(fast: Backend) -> None:
    net, y = fast.Network([4, 3, 3], seed=0), Y.copy()
    for _ in range(3):
        net.train(X, y, alpha=0.1, epochs=1)
    y[0, 0] = 2.0
    for _ in range(3):
        with pytest.warns(samenet.UnreachableTargetsWarning):
            net.train(X, y, alpha=0.1, epochs=1)


def test_weights_that_have_changed_since(fast: Backend) -> None:
    net, weights = fast.Network([4, 3, 3], seed=0), np.arange(6.0)
    for _ in range(3):
        for changed in (1.0, 7.0):
            weights[2] = changed
            other = net.copy()
            for _ in range(2):
                net.train(X, Y, alpha=0.1, epochs=1, sample_weight=weights)
                other.train(X, Y, alpha=0.1, epochs=1, sample_weight=weights.tolist())
                assert net.parameters.tobytes() == other.parameters.tobytes()
    listed: list[Any] = weights.tolist()
    for changed in (1.0, 7.0, 7, True, 0.0):
        weights[2] = listed[2] = changed
        other = net.copy()
        net.train(X, Y, alpha=0.1, epochs=1, sample_weight=listed)
        other.train(X, Y, alpha=0.1, epochs=1, sample_weight=weights)
        assert net.parameters.tobytes() == other.parameters.tobytes()
    weights[2], theta = np.nan, net.parameters.copy()
    for wrong in (weights, weights.tolist(), [*listed[:5], -np.inf], weights):
        with pytest.raises(ValueError, match="^sample_weight: expected finite numbers"):
            net.train(X, Y, alpha=0.1, epochs=1, sample_weight=wrong)
    with pytest.raises(TypeError, match="^sample_weight: "):
        net.train(X, Y, alpha=0.1, epochs=1, sample_weight=["1"] * 6)
    assert net.parameters.tobytes() == theta.tobytes()
    net.train(X, Y, alpha=0.1, epochs=1)
    other = net.copy()
    for one, given in ((net, {}), (other, {"sample_weight": None})):
        one.train(X, Y, alpha=0.1, epochs=1, **given)
    assert net.parameters.tobytes() == other.parameters.tobytes()


@pytest.mark.parametrize("masks", [{}, {"dropout": np.full(3, 0.5)}, {"drop_connect": (0.5, 0.5)}], ids=str)
def test_draws_from_a_seed_and_from_its_stream_are_the_same(masks: dict[str, Any]) -> None:
    given: dict[str, Any] = {"dropout": np.empty(0), "dtype": "float64", **masks}
    draws, others = (Draws(seed, 6, True, **given) for seed in (3, np.random.default_rng(3)))
    assert draws.dropout == others.dropout or draws.dropout.key == others.dropout.key
    assert draws.drop_connect == others.drop_connect or draws.drop_connect.key == others.drop_connect.key
    copied = pickle.loads(pickle.dumps(draws))
    orders = [one.epochs(2).tolist() for one in (draws, copied, others)]
    assert orders[0] == orders[1] == orders[2]
    assert draws.random.bit_generator.state == others.random.bit_generator.state
    keys = {Draws(None, 6, True, np.full(3, 0.5), "float64").dropout.key for _ in range(5)}
    assert len(keys) == 5
    assert all(0 <= key < 2**63 for key in keys)


def test_nothing_keeps_the_samples(fast: Backend) -> None:
    net = fast.Network([4, 3, 3], seed=0)
    x, y, weights = X.copy(), Y.copy(), np.arange(6.0)
    for given in ({}, {"sample_weight": weights}):
        for _ in range(3):
            net.train(x, y, alpha=0.1, epochs=1, **given)
    watched = [weakref.ref(array) for array in (x, y, weights)]
    del x, y, weights, given
    gc.collect()
    assert [found() for found in watched] == [None] * 3


def test_threads_that_train_networks_of_their_own(fast: Backend) -> None:
    def trained(seed: int) -> bytes:
        net, random = fast.Network([4, 5, 3], seed=seed), np.random.default_rng(seed)
        x, y = random.normal(size=(6, 4)), random.uniform(size=(6, 3))
        for step, resume in itertools.product(range(20), (False, True)):
            net.train(x, y, alpha=0.1, epochs=1 + step % 2, optimizer="momentum", resume=resume)
        return bytes(net.parameters.tobytes())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(trained, range(8))) == [trained(seed) for seed in range(8)]
