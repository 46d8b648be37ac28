"""Optimizers: every update against an equivalent formula, and training to the tutorials' numbers.

Momentum is compared with its recursion written as a sum, Nesterov's with the point and look-ahead of the original form,
Adam and RMSProp with sums over all gradients so far.
"""

import math
import signal
import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.optimize
from agreement import Backend, Pair
from numpy.random import RandomState

import samenet
from samenet import optimizers
from samenet.model.initialize import initialize
from samenet.optimizers import BFGS, CG, LBFGS, Adam, Descent, Momentum, MultiStart, Nesterov, RMSProp
from samenet.schedules import InverseTime
from samenet.stopping import CostChange, StopTraining
from samenet.testing import tolerance
from samenet.testing.tolerance import compare
from samenet.training import loop as loops
from samenet.training import scipy_methods
from samenet.training.loop import Loop
from samenet.training.options import Options
from samenet.training.session import Training
from samenet.training.settings import by_name

SIZES = [3, 4, 2]
M = 7
X = np.random.default_rng(0).normal(size=(M, 3))
Y = np.random.default_rng(1).random((M, 2))
STEPWISE = [rule() for rule in optimizers.UPDATE_RULES]
MINIMIZING = [BFGS(), LBFGS(), CG()]


def make(backend: Backend, **others: Any) -> Any:
    return backend.Network(SIZES, **({"seed": 2} | others))


def batches(size: int, epochs: int) -> list[Any]:
    return [slice(start, start + size) for _ in range(epochs) for start in range(0, M, size)]


def theta_by_sums(way: Any, begin: np.ndarray, slope: Any, count: int, alpha: float) -> np.ndarray:
    """theta after `count` updates, where slope(theta, i) is the gradient of batch i; no recursion in the means."""
    theta, x, v, G = begin.copy(), begin.copy(), np.zeros_like(begin), []
    for t in range(1, count + 1):
        if isinstance(way, Nesterov):  # x moves by v; the gradient is that of the look ahead, which is the network
            v = way.beta * v - alpha * slope(x + way.beta * v, t - 1)
            x = x + v
            theta = x + way.beta * v
            continue
        G.append(slope(theta, t - 1))
        if isinstance(way, Momentum):
            theta = theta - alpha * sum(way.beta ** (t - i) * G[i - 1] for i in range(1, t + 1))
        elif isinstance(way, RMSProp):
            s = (1 - way.decay) * sum(way.decay ** (t - i) * G[i - 1] ** 2 for i in range(1, t + 1))
            theta = theta - alpha * G[-1] / (s**0.5 + way.epsilon)
        elif isinstance(way, Adam):
            w1 = [way.beta1 ** (t - i) for i in range(1, t + 1)]  # the bias correction makes means of these weights
            w2 = [way.beta2 ** (t - i) for i in range(1, t + 1)]
            m = sum(w * g for w, g in zip(w1, G, strict=True)) / math.fsum(w1)
            s = sum(w * g * g for w, g in zip(w2, G, strict=True)) / math.fsum(w2)
            theta = theta - alpha * m / (s**0.5 + way.epsilon)
        else:
            theta = theta - alpha * G[-1]
    return theta


def stop_after(epochs: int) -> Any:
    def callback(network: Any, history: Any) -> None:
        if history.epochs_done == epochs:
            raise StopTraining

    return callback


# ----------------------------------------------------------------------------------------------------- the updates


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize(
    "way",
    [*STEPWISE, Momentum(0.5), Nesterov(0.3), RMSProp(0.5, 1e-3), Adam(0.5, 0.7, 0.1), Momentum(0.0), Adam(0.0, 0.0)],
    ids=str,
)
def test_updates_are_those_of_the_equations(backend: Backend, way: Any, size: int, reduction: str) -> None:
    net, probe, alpha, epochs = make(backend), make(backend), 0.03, 3
    visits = batches(size, epochs)

    def slope(theta: np.ndarray, number: int) -> np.ndarray:
        probe.parameters = theta
        rows = visits[number]
        return probe.gradient(X[rows], Y[rows], reduction=reduction)[1].flat  # type: ignore[no-any-return]

    expected = theta_by_sums(way, net.parameters.copy(), slope, len(visits), alpha)
    assert not np.allclose(expected, net.parameters, rtol=1e-3)
    net.train(X, Y, alpha=alpha, epochs=epochs, batch_size=size, shuffle=False, reduction=reduction, optimizer=way)
    np.testing.assert_allclose(net.parameters, expected, rtol=1e-10, atol=1e-12)


def test_optimizers_differ_from_each_other(backend: Backend) -> None:
    ends = []
    for way in STEPWISE:
        net = make(backend)
        net.train(X, Y, alpha=0.03, epochs=3, batch_size=3, shuffle=False, optimizer=way)
        ends.append(net.parameters.copy())
    assert all(not np.allclose(a, b, rtol=1e-4) for i, a in enumerate(ends) for b in ends[:i])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("way", [Adam(), RMSProp(), Adam(epsilon=1e-3), RMSProp(0.5, 1e-3)], ids=str)
def test_backends_agree_in_the_first_step(pair: Pair, way: Any, dtype: Any, record: Any) -> None:
    """Without state, the step is alpha g / (c |g| + epsilon), with c = 1 for Adam and sqrt(1 - decay) for RMSProp.

    Its derivative is epsilon / (c |g| + epsilon)^2, so a gradient that differs by dg changes it by at most dg times the
    derivative at |g| - dg, or at 0. Near g = 0, it is ill-conditioned, by 1/epsilon, and so is the bound. To this are
    added the roundings of at most 12 operations on the step, and those of storing theta.
    """
    net, trusted = make(pair.backend, dtype=dtype), make(pair.trusted, dtype=dtype)
    alpha, before = 0.05, net.parameters.astype(np.float64)
    g = trusted.gradient(X, Y)[1].flat.astype(np.float64)
    dg = tolerance.gradient(trusted.model, X, Y)[1].flat
    c = 1.0 if isinstance(way, Adam) else math.sqrt(1 - way.decay)
    step = alpha * np.abs(g) / (c * np.abs(g) + way.epsilon)
    moved = alpha * dg * way.epsilon / (c * np.maximum(np.abs(g) - dg, 0) + way.epsilon) ** 2
    u = float(np.finfo(dtype).eps) / 2
    allowed = moved + 2 * (12 * u * (step + moved) + 2 * u * (np.abs(before) + step))
    for n in (net, trusted):
        n.train(X, Y, alpha=alpha, epochs=1, optimizer=way)
    assert np.abs(trusted.parameters - before).max() > 0.04
    record(f"first step of {way.__class__.__name__}", compare(net.parameters, trusted.parameters, allowed, dtype))


@pytest.mark.parametrize("way", STEPWISE, ids=str)
def test_float32_stays_float32(backend: Backend, way: Any) -> None:
    net, wide = make(backend, dtype=np.float32), make(backend)
    wide.parameters = net.parameters
    assert way.state(net.model.theta).values.dtype == np.float32
    for n in (net, wide):
        n.train(X, Y, alpha=0.01, epochs=3, batch_size=3, shuffle=False, optimizer=way)
    assert net.parameters.dtype == np.float32
    np.testing.assert_allclose(net.parameters, wide.parameters, rtol=1e-3, atol=1e-4)


def test_names_are_the_optimizers_with_their_usual_settings(backend: Backend) -> None:
    names = {"descent": Descent, "momentum": Momentum, "nesterov": Nesterov, "rmsprop": RMSProp, "adam": Adam}
    assert names | {"bfgs": BFGS, "lbfgs": LBFGS, "cg": CG} | optimizers.OPTIMIZERS == optimizers.OPTIMIZERS
    ways = dict(zip(optimizers.OPTIMIZERS, [*STEPWISE, *MINIMIZING], strict=True))
    for name, way in ways.items():
        a, b, alpha = make(backend), make(backend), {"alpha": 0.1} if way.takes_steps else {}
        a.train(X, Y, epochs=3, optimizer=name, **alpha)
        b.train(X, Y, epochs=3, optimizer=way, **alpha)
        assert a == b


def test_state_is_reset_in_each_call(backend: Backend) -> None:
    net, probe = make(backend), make(backend)
    for _ in range(2):
        net.train(X, Y, alpha=0.1, epochs=1, optimizer="adam")
        g = probe.gradient(X, Y)[1].flat
        probe.parameters -= 0.1 * g / (abs(g) + 1e-8)  # the first step, both times
    np.testing.assert_allclose(net.parameters, probe.parameters, rtol=1e-9)


@pytest.mark.parametrize("rule", STEPWISE, ids=lambda rule: rule.name)
def test_a_backend_that_is_given_no_state_begins_with_zeros(backend: Backend, rule: Any) -> None:
    without, given = make(backend), make(backend)
    how = {"alpha": 0.1, "batch_size": 3, "epochs": 2}
    costs = without.backend.run_updates(without.model, X, Y, rule, **how)
    state = rule.state(given.model.theta)
    assert list(costs) == list(given.backend.run_updates(given.model, X, Y, rule, state=state, **how))
    assert without == given
    assert state.t == 6


@pytest.mark.counted
def test_a_parameter_without_slope_stays_where_it_is(backend: Backend) -> None:
    for way in (Adam(epsilon=0.0), RMSProp(epsilon=0.0)):
        net = backend.Network([2, 1], weights=[[[0.3, 0.4]]], biases=[[0.1]])
        net.train([[0.0, 1.0]], [[1.0]], alpha=0.1, epochs=3, optimizer=way)
        assert net.weights[0][0, 0] == 0.3
        assert net.weights[0][0, 1] > 0.5


@pytest.mark.parametrize("way", STEPWISE, ids=str)
def test_the_answer_does_not_depend_on_how_epochs_are_cut(
    backend: Backend, way: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = []
    for seconds in (1e-12, 1e12):
        monkeypatch.setattr(loops, "CALL_SECONDS", seconds)
        for size in (2, 7):
            net = make(backend)
            net.train(
                *(X, Y),
                alpha=InverseTime(0.1, 0.5),
                epochs=9,
                batch_size=size,
                seed=4,
                record_every=4,
                optimizer=way,
                dropout=0.3,
                drop_connect=0.2,
                clip_value=0.05,
                clip_norm=0.1,
            )
            assert net.history.epochs_done == 9
            ends.append((net.parameters.tobytes(), net.history.cost.tobytes()))
    assert ends[:2] == ends[2:]


@pytest.mark.parametrize("way", [Momentum(), Nesterov(), RMSProp(), Adam()], ids=str)
@pytest.mark.parametrize("seconds", [1e-12, 1e12], ids=["short calls", "long calls"])
def test_weights_and_state_are_put_back_when_weights_overflow(
    backend: Backend, way: Any, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "CALL_SECONDS", seconds)

    def training(alpha: Any, epochs: int) -> tuple[Any, Any, Any]:
        net = make(backend, activation="identity")
        given = dict(
            **{"alpha": alpha, "epochs": epochs, "batch_size": 3, "shuffle": False, "seed": 0},
            **{"reduction": "mean", "monitors": (), "record_every": 0, "callback": None, "optimizer": way},
            **{"stop": None, "dropout": 0.0, "drop_connect": 0.0, "clip_value": None, "clip_norm": None},
            **{"sampling": None, "validation": None, "verbose": False, "progress": False, "sample_weight": None},
        )
        loop = Loop(Training(net, net.model, net.backend, Options.of(net.model, X, Y, by_name(given))), way)
        return net, loop.state, loop

    net, state, run = training(lambda epoch: 0.1 if epoch < 2 else np.finfo(float).max, 20)
    with pytest.raises(FloatingPointError, match="in epoch 2"):
        run.run(lambda: None)
    assert net.history.epochs_done == 2
    other, expected, run = training(0.1, 2)
    run.run(lambda: None)
    assert net.parameters.tobytes() == other.parameters.tobytes() != make(backend).parameters.tobytes()
    assert state.values.tobytes() == expected.values.tobytes()
    assert state.values.any()
    assert state.t == expected.t > 0


# ------------------------------------------------------------------------------------------------- SciPy's methods


@pytest.mark.parametrize(("way", "method"), [(BFGS(1e-3), "BFGS"), (LBFGS(1e-3, 5), "L-BFGS-B"), (CG(1e-3), "CG")])
def test_scipy_is_given_the_cost_and_the_gradient(backend: Backend, way: Any, method: str) -> None:
    net, probe = make(backend), make(backend)
    seen = [net.cost(X, Y, reduction="sum")]

    def function(theta: np.ndarray) -> tuple[float, np.ndarray]:
        probe.parameters = theta
        cost, slope = probe.gradient(X, Y, reduction="sum")
        return cost, slope.flat

    options: dict[str, Any] = {"gtol": 1e-3, "maxiter": 100}
    if method == "L-BFGS-B":
        options |= {"maxcor": 5, "ftol": 0.0}
    expected = scipy.optimize.minimize(function, net.parameters.copy(), jac=True, method=method, options=options)
    history = net.train(
        X,
        Y,
        epochs=100,
        reduction="sum",
        optimizer=way,
        callback=lambda n, h: seen.append(n.cost(X, Y, reduction="sum")),
    )
    assert net.parameters.tobytes() == expected.x.tobytes()
    assert 5 < history.epochs_done == expected.nit < 100
    assert history.stopped_by == expected.message
    np.testing.assert_allclose(history.cost, seen[:-1], rtol=1e-12)
    assert np.abs(net.gradient(X, Y, reduction="sum")[1].flat).max() <= 1e-3


@pytest.mark.parametrize("way", MINIMIZING, ids=str)
def test_scipy_stops_after_the_epochs(backend: Backend, way: Any) -> None:
    net, other = make(backend), make(backend)
    history = net.train(X, Y, epochs=4, optimizer=way, record_every=3, monitors="mean_norm")
    assert (history.epochs_done, history.stopped_by, history.epochs.tolist()) == (4, None, [0, 3])
    assert len(history["mean_norm"]) == 2
    whole = other.train(X, Y, epochs=9, optimizer=way, callback=stop_after(4))
    assert net == other
    assert (whole.epochs_done, whole.stopped_by, len(whole.cost)) == (4, "callback", 4)
    np.testing.assert_allclose(history.cost, whole.cost[[0, 3]], rtol=1e-12)
    h = make(backend).predict(X)
    assert history["mean_norm"][0] == pytest.approx(sum(np.linalg.norm(Y - h, axis=1)) / M)
    assert net.train(X, Y, epochs=0, optimizer=way).epochs_done == 0
    assert net == other


@pytest.mark.parametrize("way", MINIMIZING, ids=str)
def test_scipy_and_a_stop_rule(backend: Backend, way: Any) -> None:
    net = make(backend)
    history = net.train(X, Y, epochs=200, optimizer=way, stop=CostChange(1e-4))
    assert history.stopped_by == "CostChange(least=0.0001)"
    drops = -np.diff([*history.cost, net.cost(X, Y)])
    assert drops[-1] < 1e-4
    assert (drops[:-1] >= 1e-4).all()


def test_scipy_on_float32_goes_through_float64(backend: Backend) -> None:
    net, wide = make(backend, dtype=np.float32), make(backend)
    wide.parameters = net.parameters
    for n in (net, wide):
        n.train(X.astype(np.float32), Y.astype(np.float32), epochs=20, optimizer="bfgs")
    assert net.parameters.dtype == np.float32
    assert net.parameters.tobytes() == wide.parameters.astype(np.float32).tobytes()


@pytest.mark.parametrize("way", MINIMIZING, ids=str)
def test_ctrl_c_leaves_scipys_last_iterate(backend: Backend, way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net, iterates, calls, module, handler = make(backend), [], [0], backend.module, signal.getsignal(signal.SIGINT)

    class Interrupting:
        def __getattr__(self, attribute: str) -> Any:
            return getattr(module, attribute)

        @staticmethod
        def gradient(*arguments: Any) -> Any:
            calls[0] += 1
            if calls[0] == 9:
                signal.raise_signal(signal.SIGINT)
            return module.gradient(*arguments)

    monkeypatch.setattr(type(net), "backend", Interrupting())
    with pytest.raises(KeyboardInterrupt):
        net.train(X, Y, epochs=50, optimizer=way, callback=lambda n, h: iterates.append(n.parameters.copy()))
    assert calls[0] == 9
    assert 2 <= net.history.epochs_done == len(iterates) == len(net.history.cost) <= 9
    assert np.array_equal(net.parameters, iterates[-1])
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize("way", MINIMIZING, ids=str)
def test_a_cost_that_is_not_finite_changes_nothing(backend: Backend, way: Any) -> None:
    net = make(backend)
    before = net.parameters.tobytes()
    with pytest.raises(FloatingPointError, match="epoch 0"):
        net.train(X, 1e200 * Y, epochs=5, optimizer=way)
    assert net.parameters.tobytes() == before


@pytest.mark.parametrize("way", [*MINIMIZING, MultiStart(2, "bfgs")], ids=str)
@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("alpha", 0.1), ("batch_size", 2), ("clip_value", 1), ("clip_norm", 1), ("sampling", "adaptive")),
        *(("dropout", [0.1]), ("drop_connect", [0.1, 0.0])),
    ],
)
def test_what_scipy_has_no_use_for_is_refused(backend: Backend, way: Any, argument: str, value: Any) -> None:
    net = make(backend)
    before, history = net.parameters.tobytes(), net.history
    with pytest.raises(ValueError, match=rf"^{argument}: expected none for "):
        net.train(X, Y, epochs=5, optimizer=way, **{argument: value})
    assert net.parameters.tobytes() == before
    assert net.history is history


@pytest.mark.parametrize("way", ["bfgs", "lbfgs", "cg"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_samples_of_float32_are_converted_in_blocks(
    backend: Backend, way: str, reduction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = []
    for rows in (M, 1, 2):
        monkeypatch.setattr(scipy_methods, "_BLOCK", rows * (X.shape[1] + Y.shape[1]) + 1)
        net = make(backend, dtype=np.float32, l1=0.003, l2=0.01)
        history = net.train(X, Y, epochs=4, optimizer=way, reduction=reduction)
        ends.append((history.cost, net.parameters))
    for cost, parameters in ends[1:]:
        np.testing.assert_allclose(cost, ends[0][0], rtol=1e-12)
        np.testing.assert_allclose(parameters, ends[0][1], rtol=1e-5, atol=1e-6)


def test_samples_of_float32_are_not_copied_to_float64() -> None:
    net = samenet.backend("numpy").Network([50, 2], dtype="float32", seed=0)
    X, Y = np.ones((200_000, 50), np.float32), np.ones((200_000, 2), np.float32)
    net.train(X[:9], Y[:9], epochs=1, optimizer="lbfgs")
    tracemalloc.start()
    net.train(X, Y, epochs=2, optimizer="lbfgs")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < X.nbytes, "their copy would take twice as much"


def test_iterates_that_float32_cannot_hold(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    def far(function: Any, theta: np.ndarray, callback: Any, **others: Any) -> None:
        function(theta)
        for size in (1e37, 1e39):
            callback(scipy.optimize.OptimizeResult(x=np.full_like(theta, size), fun=0.1))

    monkeypatch.setattr(scipy.optimize, "minimize", far)
    net = make(backend, dtype=np.float32)
    with pytest.raises(FloatingPointError, match="in epoch 1"):
        net.train(X, Y, epochs=50, optimizer="bfgs")
    assert np.array_equal(net.parameters, np.full_like(net.parameters, 1e37))
    assert net.history.epochs_done == 1


@pytest.mark.parametrize("way", [Descent(), Adam(), BFGS(), MultiStart(2), MultiStart(2, CG())], ids=str)
def test_another_cost_is_minimised_and_the_users_network_is_seen(backend: Backend, way: Any) -> None:
    net, other, alpha = make(backend), make(backend, cost="sum_of_squares"), {"alpha": 0.1} if way.takes_steps else {}

    def callback(network: Any, history: Any) -> None:
        assert network is net
        assert history is net.history

    net.train(X, Y, epochs=4, cost="sum_of_squares", seed=0, optimizer=way, callback=callback, **alpha)
    other.train(X, Y, epochs=4, seed=0, optimizer=way, **alpha)
    assert net.parameters.tobytes() == other.parameters.tobytes()
    assert net.cost_function == "squared_error"
    assert net.history.cost.tolist() == pytest.approx(other.history.cost.tolist(), rel=1e-12)


# ----------------------------------------------------------------------------------- tutorial 003: hours and marks

HOURS = np.array([[3.0, 5.0], [5.0, 1.0], [10.0, 2.0]])
SCALED, MARKS = HOURS / HOURS.max(axis=0), np.array([[0.75], [0.82], [0.93]])
# seed: J at the start, the marks that BFGS predicts for (8, 3), J after 10 000 descents and after 10 000 single steps
TUTORIAL = {
    0: (0.05214963371099622, 90.69, 7.319e-07, 2.079e-04),
    1: (0.046669258768349486, 91.61, 4.360e-10, 6.752e-06),
    2: (0.238454871922793, 91.04, 4.902e-08, 1.881e-05),
    3: (0.2893677254053929, 91.15, 4.948e-06, 1.202e-03),
    4: (0.17488871530390376, 97.08, 2.683e-07, 6.096e-05),
}


def tutorial(backend: Backend, seed: int) -> Any:
    net = backend.Network([2, 3, 1], bias=False, init="normal_in_out", seed=RandomState(seed))
    assert net.cost(SCALED, MARKS, reduction="sum") == pytest.approx(TUTORIAL[seed][0], rel=1e-14)
    return net


@pytest.mark.parametrize("seed", TUTORIAL)
def test_bfgs_learns_the_marks(backend: Backend, seed: int) -> None:
    net = tutorial(backend, seed)
    history = net.train(SCALED, MARKS, epochs=200, reduction="sum", optimizer="bfgs")
    assert net.cost(SCALED, MARKS, reduction="sum") < 4e-10
    assert "successfully" in history.stopped_by
    assert 100 * net.predict([0.8, 0.6])[0] == pytest.approx(TUTORIAL[seed][1], abs=0.02)


@pytest.mark.compiled  # 10 000 updates
@pytest.mark.parametrize("seed", TUTORIAL)
def test_descent_learns_the_marks(fast: Backend, seed: int) -> None:
    net = tutorial(fast, seed)
    net.train(SCALED, MARKS, alpha=3, epochs=10_000, reduction="sum", record_every=0)
    assert net.cost(SCALED, MARKS, reduction="sum") == pytest.approx(TUTORIAL[seed][2], rel=1e-3)
    net = tutorial(fast, seed)
    net.train(SCALED, MARKS, alpha=3, epochs=3333, batch_size=1, shuffle=False, record_every=0)
    net.train(SCALED[0], MARKS[0], alpha=3, epochs=1)  # 3 * 3333 + 1
    assert net.cost(SCALED, MARKS, reduction="sum") == pytest.approx(TUTORIAL[seed][3], rel=1e-3)


# --------------------------------------------------------------------------------------------------- many starts


def ends_by_hand(backend: Backend, starts: int, init: str, seed: int, **training: Any) -> list[Any]:
    random, nets = np.random.default_rng(seed), []
    for _ in range(starts):
        net = make(backend)
        initialize(net.model.theta, init, random)
        net.train(X, Y, seed=random, **training)
        nets.append(net)
    return nets


def test_many_starts_keep_the_best(backend: Backend) -> None:
    training = {"alpha": 2.0, "epochs": 5, "batch_size": 3, "optimizer": "momentum"}
    nets = ends_by_hand(backend, 4, "normal", 8, **training)
    costs = [net.cost(X, Y) for net in nets]
    best = nets[int(np.argmin(costs))]
    assert best not in (nets[0], nets[-1]), "something to choose"
    net = make(backend)
    history = net.train(X, Y, seed=8, **(training | {"optimizer": MultiStart(4, "momentum", "normal")}))
    assert net == best
    assert history is net.history
    assert history.starts == tuple(costs)
    assert history.cost.tolist() == best.history.cost.tolist()
    assert history.epochs_done == 5


def test_many_starts_of_bfgs(backend: Backend) -> None:
    nets = ends_by_hand(backend, 3, "glorot", 0, epochs=6, optimizer="bfgs")
    net = make(backend)
    history = net.train(X, Y, epochs=6, seed=0, optimizer=MultiStart(3, BFGS()))
    assert net == min(nets, key=lambda n: n.cost(X, Y))
    assert len(set(history.starts)) == 3


def test_the_callback_ends_all_starts(backend: Backend) -> None:
    net, seen = make(backend), []

    def callback(network: Any, history: Any) -> None:
        assert network is net
        assert history is net.history
        seen.append(history.epochs_done)
        if len(seen) == 5:
            raise StopTraining

    history = net.train(X, Y, alpha=0.1, epochs=3, seed=0, optimizer=MultiStart(4), callback=callback)
    assert seen == [1, 2, 3, 1, 2]
    assert len(history.starts) == 2
    assert history.stopped_by == "callback", "whichever start was kept"
    assert net.cost(X, Y) == min(history.starts)


def test_starts_that_diverge_do_not_count(backend: Backend) -> None:
    net = make(backend)
    before = net.parameters.tobytes()
    with pytest.raises(FloatingPointError):
        net.train(X, 1e20 * Y, alpha=1e308, epochs=2, seed=0, optimizer=MultiStart(3))
    assert net.parameters.tobytes() == before
    epochs = []

    def alpha(epoch: int) -> float:
        epochs.append(epoch)
        return 1e307 if len(epochs) == 3 else 1e-22  # in the second start, each of two epochs

    history = net.train(X, 1e20 * Y, alpha=alpha, epochs=2, seed=0, optimizer=MultiStart(3), callback=lambda *_: None)
    assert [math.isinf(cost) for cost in history.starts] == [False, True, False]
    assert history.epochs_done == 2
    assert net.cost(X, 1e20 * Y) == min(history.starts)


def test_ctrl_c_keeps_the_best_of_what_was_reached(backend: Backend) -> None:
    net, ends = make(backend), []

    def callback(network: Any, history: Any) -> None:
        ends.append(network.cost(X, Y))
        if len(ends) == 5:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        net.train(X, Y, alpha=0.1, epochs=3, seed=0, optimizer=MultiStart(4), callback=callback)
    assert len(net.history.starts) == 2 <= len(ends) - 3
    assert net.cost(X, Y) == min(net.history.starts)


# ------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("cls", "argument", "value", "error"),
    [
        *[(cls, "beta", v, ValueError) for cls in (Momentum, Nesterov) for v in (1.0, -0.1, math.nan, math.inf)],
        *[(cls, "beta", v, TypeError) for cls in (Momentum, Nesterov) for v in ("0.9", None, True)],
        (RMSProp, "decay", 1, ValueError),
        (RMSProp, "epsilon", -1e-8, ValueError),
        (Adam, "beta1", 1.0, ValueError),
        (Adam, "beta2", -1, ValueError),
        (Adam, "epsilon", "small", TypeError),
        *[(cls, "tolerance", v, ValueError) for cls in (BFGS, LBFGS, CG) for v in (0, -1, math.nan)],
        (LBFGS, "memory", 0, ValueError),
        (LBFGS, "memory", 2.0, TypeError),
    ],
)
def test_settings_that_are_refused(cls: Any, argument: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"^{argument}: expected"):
        cls(**{argument: value})


def test_optimizers_that_are_refused(backend: Backend) -> None:
    net = make(backend)
    before = net.parameters.tobytes()
    for value, error, words in (
        ("adm", ValueError, "did you mean 'adam'"),
        ("", ValueError, "'descent'"),
        (Adam, TypeError, "'descent'"),
        (None, TypeError, "'descent'"),
        (len, TypeError, "'descent'"),
    ):
        with pytest.raises(error, match=f"^optimizer: expected .*{words}"):
            net.train(X, Y, alpha=0.1, epochs=1, optimizer=value)
    for words, call in {
        "starts: .* at least 1": lambda: MultiStart(0),
        "starts: .* integer": lambda: MultiStart(2.0),  # type: ignore[arg-type]
        "init: .*'glorot'": lambda: MultiStart(2, init="glorrot"),
        "optimizer: .*'descent'": lambda: MultiStart(2, "adm"),
        "optimizer: .* inside another": lambda: MultiStart(2, MultiStart(2)),
    }.items():
        with pytest.raises((ValueError, TypeError), match=f"^{words}"):
            call()
    with pytest.raises(TypeError, match="^alpha: expected a number"):
        net.train(X, Y, epochs=1)
    assert net.parameters.tobytes() == before
    assert net.history is None


def test_settings_are_frozen_values() -> None:
    assert Adam() == Adam(0.9, 0.999, 1e-8) != Adam(0.8)
    assert Momentum() != Nesterov()
    assert str(Momentum()) == "Momentum(beta=0.9)"
    with pytest.raises(AttributeError):
        Adam().beta1 = 0.5  # type: ignore[misc]


@pytest.mark.parametrize("optimizer", [rule.name for rule in optimizers.UPDATE_RULES])
@pytest.mark.parametrize(
    ("dtype", "size"), [("float32", 1e30), ("float32", 1e-30), ("float64", 1e200), ("float64", 1e-200)]
)
@pytest.mark.counted
def test_the_norm_is_clipped_where_squares_leave_the_range(
    backend: Backend, optimizer: str, dtype: str, size: float
) -> None:
    """A slope along (1, 2): shortened to the norm `limit`, or unchanged if that is longer."""
    scale = 1.0 if hasattr(optimizers.optimizer(optimizer), "epsilon") else max(size, 1.0) * 1e-3
    for limit in (1e-3 * size, 1e3 * size):
        nets = []
        for clip_norm in (limit, None):
            net = backend.Network([2, 1], activation="identity", bias=False, weights=[[[0, 0]]], dtype=dtype)
            X = np.array([[size, 2 * size]])
            if clip_norm is None and limit < size:  # by hand
                X = X * (limit / (size * 5**0.5))
            net.train(X, [[1]], alpha=1 / scale, epochs=1, optimizer=optimizer, clip_norm=clip_norm)
            nets.append(net.parameters.astype(float))
        assert np.allclose(*nets, rtol=1e-5, atol=0), (limit, nets)


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": MultiStart(6, "bfgs"), "epochs": 12},
        {"optimizer": MultiStart(5, Adam(), "normal"), "alpha": 0.01, "epochs": 9, "monitors": ["mean_norm"]},
        {"optimizer": MultiStart(5), "alpha": 0.5, "epochs": 9, "batch_size": 2, "shuffle": False},
        {"optimizer": MultiStart(5), "alpha": 0.5, "epochs": 9, "batch_size": 2},
        {"optimizer": MultiStart(3), "alpha": 0.5, "epochs": 9, "stop": CostChange(1e-2)},
        {"optimizer": MultiStart(3), "alpha": InverseTime(0.5, 0.1), "epochs": 9, "dropout": 0.5},
        {"optimizer": MultiStart(3), "alpha": 0.5, "epochs": 9, "drop_connect": 0.5},
    ],
    ids=str,
)
def test_starts_on_several_threads_end_like_those_on_one(backend: Backend, options: dict[str, Any]) -> None:
    ends = []
    for threads in (1, 2, 9):
        net, stream = make(backend), np.random.default_rng(3)
        net.threads = threads
        net.train(X, Y, seed=stream, **options)
        assert net.threads == threads
        ends.append((net.parameters.tobytes(), net.history, stream.random()))
    assert ends[0] == ends[1] == ends[2]
    assert len(ends[0][1].starts) == options["optimizer"].starts


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", [(3, 4, 2), (40, 70, 2)], ids=str)
def test_a_state_without_slope_decays_to_0_and_not_to_a_number_that_is_slow(sizes: Any, dtype: str) -> None:
    tiny = np.finfo(dtype).tiny
    for rule, ends in (
        *((rule, True) for rule in (Momentum(), Nesterov(), RMSProp(), Adam(beta2=0.9))),
        *((rule, False) for rule in (RMSProp(epsilon=0.0), Adam(beta2=0.9, epsilon=0.0))),  # beside 0 it would matter
    ):
        net = samenet.backend("numba").Network(sizes, activation="identity", dtype=dtype)
        net.parameters = np.zeros(net.parameters.size, dtype)
        state = rule.state(net.model.theta)
        state.values[:] = tiny
        X, Y = np.ones((5, sizes[0]), dtype), np.zeros((5, 2), dtype)
        net.backend.run_updates(net.model, X, Y, rule, alpha=0.0, batch_size=5, state=state)
        assert (state.values == 0).all() if ends else (state.values > 0).all(), rule


@pytest.mark.compiled
def test_starts_that_overflow_on_several_threads(backend: Backend) -> None:
    for alpha, some in ((1.0, True), (10.0, False)):
        ends: list[Any] = []
        for threads in (1, 2):
            net = backend.Network([3, 4, 2], activation=["relu", "identity"], threads=threads, seed=0)
            before = net.parameters.copy()
            error = None
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    net.train(X, Y, alpha=alpha, epochs=100, optimizer=MultiStart(6, init="normal"), seed=1)
            except FloatingPointError as raised:
                error = str(raised)
                assert net.parameters.tobytes() == before.tobytes()
            ends.append((net.parameters.tobytes(), error, net.history and net.history.starts))
        assert ends[0] == ends[1]
        assert (ends[0][1] is None) is some
        if some:
            assert len({math.isinf(cost) for cost in ends[0][2]}) == 2
