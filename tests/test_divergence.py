"""Divergence is reported once, while weights and cost are still finite; merely noisy training gives no warning."""

import math
import random
import warnings
from typing import Any

import numpy as np
import pytest
from agreement import Backend

import samenet
from samenet.optimizers import MultiStart
from samenet.storage import streams
from samenet.training import divergence, loop, short
from samenet.training.divergence import DivergenceWarning
from samenet.validation import overflow

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(20, 3))
Y = X @ RANDOM.normal(size=(3, 2))
# Ways to diverge: too large a step, with any optimizer.
WAYS: list[dict[str, Any]] = [
    {"alpha": 2.0},
    {"alpha": 2.0, "batch_size": 6},
    {"alpha": 0.6, "batch_size": 1},
    {"alpha": 2.0, "optimizer": "momentum", "batch_size": 6},
    {"alpha": 2.0, "optimizer": "nesterov"},
    {"alpha": 1e6, "optimizer": "rmsprop"},
    {"alpha": 1e6, "optimizer": "adam", "batch_size": 6},
    {"alpha": 0.5, "reduction": "sum"},
    {"alpha": 2.0, "dropout": 0.2},
    {"alpha": 2.0, "drop_connect": 0.2},
]


def make(backend: Backend, activation: Any = ("tanh", "identity"), **settings: Any) -> Any:
    return backend.Network([3, 4, 2], activation=activation, seed=1, **settings)


def training(net: Any, X: Any = X, Y: Any = Y, **settings: Any) -> tuple[list[str], FloatingPointError | None]:
    """Train; the warnings given, and the error."""
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        try:
            net.train(X, Y, **({"epochs": 25, "seed": 0} | settings))
            error = None
        except FloatingPointError as raised:
            error = raised
    assert all(warning.category is DivergenceWarning for warning in given)
    assert all(warning.filename == __file__ for warning in given), "at the user's line"
    return [str(warning.message) for warning in given], error


@pytest.mark.compiled
@pytest.mark.parametrize(("dtype", "record_every"), [(np.float64, 0), (np.float32, 1)])
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_it_is_named_once_before_the_weights_overflow(
    backend: Backend, way: dict[str, Any], dtype: Any, record_every: int
) -> None:
    net = make(backend, dtype=dtype)
    said, error = training(net, **way, record_every=record_every)
    assert len(said) == 1
    assert said[0].startswith("training diverges: ")
    assert "try a smaller alpha" in said[0]
    assert np.isfinite(net.parameters).all()
    at = net.history.diverged_at
    assert at is not None
    assert at <= net.history.epochs_done
    assert error is None or at <= net.history.epochs_done
    assert f"epoch {at - 1} " in said[0] or f"in epoch {at} " in said[0]


@pytest.mark.compiled
@pytest.mark.parametrize("seconds", [1e-12, 1e12], ids=["short calls", "long calls"])
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_it_is_the_first_epoch_that_meets_the_definition(
    backend: Backend, way: dict[str, Any], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    reduction = way.get("reduction", "mean")
    net, costs = make(backend), []
    first = net.cost(X, Y, reduction=reduction)
    scale = (1 + 2 * np.abs(Y).max() ** 2) * (len(X) if reduction == "sum" else 1)
    training(net, **way, callback=lambda n, h: costs.append(n.cost(X, Y, reduction=reduction)))
    expected = next(k for k, cost in enumerate(costs) if cost > 1e6 * max(first, scale))
    monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
    other = make(backend)
    said, _ = training(other, **way)
    # The epoch after it at the latest: a batch must have shown it.
    assert other.history.diverged_at in (expected + 1, expected + 2)
    found = other.history.diverged_at
    assert said[0].startswith(
        f"training diverges: after epoch {found - 1} the cost over all samples is {costs[found - 1]:.3g}; "
    )
    assert other.parameters.tobytes() == net.parameters.tobytes(), "what is computed is the same"


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        (np.random.RandomState, {"alpha": 2.0, "batch_size": 6}),
        (np.random.default_rng, {"alpha": 2.0, "batch_size": 6, "dropout": 0.2}),
        (random.Random, {"alpha": 2.0, "dropout": 0.2, "record_every": 4}),
        (np.random.default_rng, {"alpha": 1e300, "batch_size": 6, "optimizer": "momentum"}),  # the weights overflow
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_short_training_that_is_begun_anew_draws_the_same(
    backend: Backend, kind: Any, way: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CALL_SECONDS", 1e12)
    attempts, train = [], short.train
    monkeypatch.setattr(short, "train", lambda *given: attempts.append(train(*given)) or attempts[-1])
    ends = []
    for is_short in (True, False):
        if not is_short:
            monkeypatch.setattr(short, "is_short", lambda *given: False)
        net, stream = make(backend), kind(7)
        said, error = training(net, **way, seed=stream)
        ends.append((net.parameters.tobytes(), net.history, streams.state(stream), said, str(error)))
    assert attempts == [False, False]
    assert ends[0] == ends[1]


@pytest.mark.compiled
def test_weights_that_overflow_in_the_very_epoch(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    many, targets = np.tile(X, (20, 1)), np.tile(Y, (20, 1))
    for seconds in (1e-12, 1e12):
        monkeypatch.setattr(loop, "CALL_SECONDS", seconds)
        net = make(backend, "identity")
        before = net.parameters.tobytes()
        said, error = training(net, many, targets, alpha=0.8, batch_size=5)
        assert error is not None
        assert said[0].startswith("training diverges: in epoch 0 the cost of a batch is ")
        assert len(said) == 1
        assert net.history.diverged_at == 0
        assert net.parameters.tobytes() == before


DOORS: dict[str, dict[str, Any]] = {
    "short": {},
    "in batches": {"batch_size": 2, "dropout": 0.1},
    "with a callback": {"callback": lambda *_: None},
    "SciPy": {"alpha": None, "optimizer": "lbfgs"},
}


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("door", DOORS)
def test_weights_that_are_not_finite_before_training(backend: Backend, door: str, value: float) -> None:
    net = make(backend)
    net.weights[0][0, 0] = value
    before = net.parameters.tobytes()
    given = {"alpha": 0.1, "epochs": 3, "seed": 0, **DOORS[door]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # training does not diverge
        with pytest.raises(FloatingPointError, match="^the weights(,.*| were infinite or NaN before) epoch 0"):
            net.train(X, Y, **given)
    assert net.parameters.tobytes() == before


def test_weights_that_a_callback_makes_infinite(backend: Backend) -> None:
    def write(network: Any, history: Any) -> None:
        if history.epochs_done == 2:
            network.weights[0][0, 0] = math.inf

    net = make(backend)
    with pytest.raises(FloatingPointError, match="before epoch 2$"):
        net.train(X, Y, alpha=0.1, epochs=5, callback=write)


def test_a_training_in_many_calls_is_named_in_one_of_them(backend: Backend) -> None:
    net, said = make(backend), []
    for _ in range(200):
        some, error = training(net, alpha=2.0, epochs=1)
        said += [(net.cost(X, Y), *some)] if some else []
        if said or error:
            break
    assert error is None
    assert len(said) == 1
    assert said[0][0] < 1e45


def test_penalties_that_make_weights_grow(backend: Backend) -> None:
    said, _ = training(make(backend, "sigmoid", l2=30.0), Y=np.full_like(Y, 0.5), alpha=0.1, epochs=90)
    assert len(said) == 1


@pytest.mark.parametrize("alpha", [1, 10, 500])
def test_cross_entropy(backend: Backend, alpha: float) -> None:
    activation = ["identity", "identity", "softmax"]
    net = backend.Network([3, 4, 4, 2], activation=activation, cost="cross_entropy", seed=3)
    labels = np.random.default_rng(1).integers(0, 2, len(X))  # which nothing can tell
    said, _ = training(net, X * 3, np.eye(2)[labels], alpha=alpha, batch_size=2)
    assert len(said) == 1


def test_it_can_be_made_an_error(backend: Backend) -> None:
    net = make(backend)
    with warnings.catch_warnings():
        warnings.simplefilter("error", samenet.DivergenceWarning)
        with pytest.raises(DivergenceWarning, match="diverges: after epoch"):
            net.train(X, Y, alpha=2.0, epochs=500)
    assert np.isfinite(net.parameters).all()
    assert 0 < net.history.epochs_done == net.history.diverged_at < 30
    assert len(net.history.cost) == net.history.epochs_done


def test_of_many_starts_it_is_the_one_kept_that_counts(backend: Backend) -> None:
    calls = []

    def alpha(epoch: int) -> float:
        calls.append(epoch)
        return 2.0 if len(calls) <= 30 else 0.01

    net = make(backend)
    said, error = training(net, alpha=alpha, epochs=30, optimizer=MultiStart(2))
    assert error is None
    assert net.history.starts[0] > 1e6 > net.history.starts[1]
    assert said == [], "the first start diverged, and was not kept"
    said, error = training(net, alpha=2.0, epochs=30, optimizer=MultiStart(2))
    assert error is None
    assert len(said) == 1
    assert "the best of 2 starts ends at a cost of" in said[0]


# ------------------------------------------------------------------------------------------------ no false alarms


def quiet(net: Any, X: Any, Y: Any, **settings: Any) -> None:
    with warnings.catch_warnings(action="error"):
        warnings.simplefilter("ignore", samenet.UnreachableTargetsWarning)
        history = net.train(X, Y, **({"seed": 0} | settings))
    assert history.diverged_at is None


def test_a_sample_among_others_that_is_far_off(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """The costs of batches differ by 10^16 from the start, but the cost of all samples falls."""
    far, targets = X.copy() * 1e-3, Y.copy()
    far[7], targets[7] = 1e7, 1e-3
    net = backend.Network([3, 2], activation="identity", seed=0)
    costs = [net.cost(far[s], targets[s]) for s in range(20)]
    assert max(costs) > 1e12 * sorted(costs)[-2]
    looks: list[Any] = []
    cost = divergence.Watch._cost
    monkeypatch.setattr(divergence.Watch, "_cost", lambda *given: looks.append(1) or cost(*given))
    quiet(net, far, targets, alpha=1e-16, epochs=90, batch_size=1)
    quiet(net, far, targets, alpha=1e-16, epochs=90, batch_size=1, shuffle=False, reduction="sum", record_every=0)
    assert 2 <= len(looks) <= 30, "it looks closer, and not every time"


def test_a_beginning_that_was_perfect(backend: Backend) -> None:
    net = backend.Network([3, 2], activation="identity", seed=0)
    quiet(net, X, net.predict(X), alpha=0.1, epochs=5)  # J0 is 0
    quiet(
        net, X, net.predict(X) + 1e-9, alpha=0.1, epochs=5, optimizer="adam"
    )  # J0 is 10^-18, and J a moment later 0.01
    quiet(net, X, np.zeros_like(Y), alpha=0.1, epochs=50, optimizer="adam", batch_size=3)


def test_inputs_and_targets_of_any_size(backend: Backend) -> None:
    for size in (1e-150, 1e-9, 1.0, 1e9, 1e30):
        net = backend.Network([3, 2], activation="identity", seed=0)
        quiet(net, X, Y * size, alpha=0.1, epochs=5, batch_size=4)
        net = backend.Network([3, 2], activation="identity", seed=0)
        quiet(net, X * min(size, 1e9), Y, alpha=0.1 / max(1.0, min(size, 1e9) ** 2), epochs=5, batch_size=4)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_below_a_million_times_the_size_of_the_targets(backend: Backend, reduction: str) -> None:
    """From a tiny cost up to the limit, by a factor of about 2 per epoch."""
    net, costs = backend.Network([3, 2], activation="identity", seed=0), []
    targets, way = net.predict(X) + 1e-6, {"reduction": reduction, "alpha": 1.8 if reduction == "mean" else 0.09}
    alarm = 1e6 * (1 + 2 * np.abs(targets).max() ** 2) * (20 if reduction == "sum" else 1)
    look = {"callback": lambda n, h: costs.append(n.cost(X, targets, reduction=reduction))}
    training(net.copy(), X, targets, epochs=100, **way, **look)
    last = next(k for k, cost in enumerate(costs) if cost > alarm)  # so many epochs before it
    assert 20 < last < 90
    assert 1 < costs[last] / costs[last - 1] < 3
    quiet(net.copy(), X, targets, epochs=last, **way)
    assert len(training(net, X, targets, epochs=last + 2, **way)[0]) == 1
    assert last < net.history.diverged_at <= last + 2


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("size", [None, 1, 7])
def test_a_noisy_training_that_learns(backend: Backend, size: int | None, reduction: str) -> None:
    for activation in ("sigmoid", ["relu", "identity"], ["tanh", "identity"]):
        net = make(backend, activation)
        quiet(net, X, Y, alpha=0.05 if size == 1 else 0.01, epochs=9, batch_size=size, reduction=reduction)


def test_a_jump_that_is_taken_back(backend: Backend) -> None:
    """One long step up and back, in an epoch with a large alpha: no warning for a factor of 1000."""
    net = backend.Network([3, 2], activation="identity", seed=0)
    quiet(net, X, Y, alpha=lambda epoch: 20.0 if epoch == 3 else 0.3, epochs=60)
    assert net.history.cost.max() > 10 * net.history.cost[0]
    assert net.history.cost[-1] < net.history.cost[0]


def test_weights_that_were_far_away_when_it_began(backend: Backend) -> None:
    for size, dtype in ((1e20, np.float64), (1e200, np.float64), (1e20, np.float32)):
        net = backend.Network([3, 2], activation="identity", seed=0, dtype=dtype)
        net.parameters *= size
        assert len(training(net, alpha=1e-30, epochs=2)[0]) == 1


def test_targets_whose_squares_overflow_say_nothing(backend: Backend) -> None:
    quiet(make(backend, "sigmoid", dtype=np.float32), X, Y * 1e25, alpha=1e-25, epochs=3)
    net = make(backend, "sigmoid")
    quiet(net, X, Y * 1e200, alpha=1e-200, epochs=3)
    quiet(net, X, Y * 1e200, alpha=1e-200, epochs=3, batch_size=1)
    assert math.isinf(net.cost(X, Y * 1e200))


def test_other_threads_never_see_the_weights_of_the_beginning(backend: Backend, monkeypatch: Any) -> None:
    """The initial cost is recomputed with a copy of the weights."""
    net, seen = make(backend), []
    begin = net.parameters.copy()
    cost = divergence.Watch._cost

    def looking(self: Any, theta: Any) -> float:
        result = cost(self, theta)
        seen.append(np.array_equal(net.parameters, begin))
        return result

    monkeypatch.setattr(divergence.Watch, "_cost", looking)
    assert len(training(net, alpha=2.0)[0]) == 1
    assert seen == [False, False]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_target_that_has_a_gradient_is_so_with_either_sign(sign: int, dtype: str) -> None:
    limit = overflow._LARGEST_TARGET[np.dtype(dtype).itemsize]
    for factor, has in ((1, True), (2, False)):
        Y = np.array([[1.0, -1.0], [0.0, sign * factor * limit]], dtype)
        assert overflow.has_gradient(math.inf, Y) is has
        assert overflow.has_gradient(1.0, Y)


@pytest.mark.parametrize(
    ("cost", "words"), [(math.nan, "is no longer a number;"), (math.inf, "is infinite;"), (1.25e30, "is 1.25e+30;")]
)
def test_the_warning_says_what_the_cost_is(cost: float, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    costs = iter([1.0, cost])
    monkeypatch.setattr(divergence.Watch, "_cost", lambda self, theta: next(costs, cost))
    monkeypatch.setattr(divergence.Watch, "suspects", lambda self, given: True)
    monkeypatch.setattr(divergence, "is_harmless", lambda *given: False)
    said, _ = training(make(samenet.backend("numpy")), alpha=0.1, epochs=3)
    assert [words in text for text in said] == [True]
