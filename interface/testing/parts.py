"""The parts of the suite: the answers that each compares, on which networks, and of which function.

A part is a generator of answers: the backend's, the reference's, and the allowed difference. It is given two `Network`
classes, the backend's and the reference's, and a case.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from samenet.model.functions import ACTIVATIONS
from samenet.optimizers import Adam, Descent, Momentum, Nesterov, RMSProp, UpdateRule
from samenet.testing import agreement, behaviour, sampled_updates, tolerance, updates
from samenet.testing.answers import Answer, Compared
from samenet.testing.combinations import CASES, NEEDS, combined
from samenet.testing.inputs import Case, Functions, sample_weights
from samenet.testing.updates import Rule

LEVELS = ("standard", "thorough")
Run = Callable[[Any, Any, Case], Compared]


@dataclass(frozen=True)
class Part:
    """One part of the suite.

    function   the function of the contract that it tests
    run        the generator of the answers
    cases      the networks, the smallest first; `thorough` has more
    needs      parameters that the function must take; without them, the part is not offered
    like       other parts, whose mutants it should catch, too
    shrinks    whether a smaller network that fails may be searched for
    tells      whether its answers identify a mistake
    """

    name: str
    function: str
    run: Run
    cases: tuple[Case, ...]
    needs: tuple[str, ...] = ()
    like: tuple[str, ...] = ()
    shrinks: bool = True
    tells: bool = True

    def chosen(self, level: str) -> tuple[Case, ...]:
        """The cases of a level."""
        return self.cases if level == "standard" else (*self.cases, *(_larger(case) for case in self.cases[-2:]))


def _larger(case: Case) -> Case:
    """The same functions in a larger network, with more samples than a block of a fast backend."""
    return Case((9, 8, 5, 4, 3)[: max(3, len(case.sizes))], 37, case.bias, case.dtype, 1, case.functions)


def _activations(cls: Any, trusted: Any, case: Case) -> Compared:
    return agreement.activations(case.network(cls), case.network(trusted), case.X)


def _predictions(cls: Any, trusted: Any, case: Case) -> Compared:
    X = case.X.copy()  # a copy, because the fast path does not take read-only arrays
    net, expected = case.network(cls), case.network(trusted).predict(X)
    yield from agreement.predictions(net, case.network(trusted), X)
    allowed = tolerance.forward(net.model, X)[-1]
    yield Answer("prediction", net.backend.predict(net.model, X), expected, allowed)
    yield Answer("prediction of one sample", net.predictor()(X[0]), expected[0], allowed[0], net.dtype)


def _costs(cls: Any, trusted: Any, case: Case) -> Compared:
    return agreement.costs(case.network(cls), case.network(trusted), case.X, case.Y)


def _slopes(cls: Any, trusted: Any, case: Case) -> Compared:
    return agreement.slopes(case.network(cls), case.network(trusted), case.X, case.Y)


def _penalized(cls: Any, trusted: Any, case: Case) -> Compared:
    yield from _slopes(cls, trusted, case)
    networks = case.network(cls), case.network(trusted)
    for network in networks:  # where |w| has no slope: sign(0) is 0
        network.weights[0][0, :2] = 0.0, -0.0
    yield from agreement.slopes(*networks, case.X, case.Y)


def _each(runs: tuple[Run, ...], cls: Any, trusted: Any, case: Case) -> Compared:
    for run in runs:
        yield from run(cls, trusted, case)


def _masked(nodes: bool, weights: bool, cls: Any, trusted: Any, case: Case) -> Compared:
    net, its = case.network(cls), case.network(trusted)
    for first in (0, 2):
        of_nodes = case.dropout.after(first) if nodes else None
        yield from agreement.slopes(
            net, its, case.X, case.Y, of_nodes, case.drop_connect.after(first) if weights else None
        )
    if case.rows > 1:  # masks continue from batch to batch, and from epoch to epoch
        rule = Rule(dropout=nodes, drop_connect=weights)
        descent = updates.Descent(case.rows // 2 + 1, epochs=2, rule=rule)
        yield from updates.ruled(net, its, case.X, case.Y, descent, case.masks)
        yield from updates.ruled_at_once(net, case.X, case.Y, descent, case.masks)


def _weighted(cls: Any, trusted: Any, case: Case) -> Compared:
    weights = sample_weights(case.rows)
    networks = case.network(cls), case.network(trusted)
    yield from agreement.gradient(*networks, case.X, case.Y, sample_weight=weights)
    for rule in (Rule(), Rule(Momentum(0.9))):
        descent = updates.Descent(case.rows // 2 + 1, 2, True, "mean", 0.2, rule)
        yield from updates.ruled(*networks, case.X, case.Y, descent, case.masks, weights)
        yield from updates.ruled_at_once(networks[0], case.X, case.Y, descent, case.masks, weights)
    if case.functions.hidden == "relu":  # a sample of weight 0 is left out, even if not finite
        far, Y = case.X.copy(), case.Y.copy()
        far[weights == 0], Y[weights == 0] = 1e300, -1.7e308
        moved = [network.copy() for network in networks]
        for network in moved:
            network.weights[0][:] *= 1e10
            network.weights[1][:] *= 1e-10
        with np.errstate(all="ignore"):
            yield from agreement.gradient(moved[0], moved[1], far, Y, sample_weight=weights)
    if hasattr(cls.backend, "NORMALIZES") and case.rows > 1:  # a batch of one sample has no variance
        settings: dict[str, Any] = {"init": "normal", "seed": 1, "batch_normalization": True}
        normal = [one(case.sizes, **settings) for one in (cls, trusted)]
        yield from agreement.normalized(normal[0], normal[1], case.X, case.Y, sample_weight=weights)
    ends = [network.copy() for network in networks]
    none = np.zeros(case.rows)
    none[-1] = 1.0  # so that a batch may have no weight at all
    for one in ends:
        updates.run_updates(one, case.X, case.Y, alpha=0.1, batch_size=2, sample_weight=none)
    yield Answer("updates of batches without weight", ends[0].parameters, ends[1].parameters, 1e-12)


def _by(rule: Rule, cls: Any, trusted: Any, case: Case) -> Compared:
    networks = case.network(cls), case.network(trusted)
    descent = updates.Descent(max(1, case.rows - 1), epochs=2, alpha=0.4, rule=rule)
    yield from updates.ruled(*networks, case.X, case.Y, descent, case.masks)


def _epochs(cls: Any, trusted: Any, case: Case) -> Compared:
    networks = case.network(cls), case.network(trusted)
    size = case.rows // 2 + 1 if case.rows > 2 else 1
    for descent in (updates.Descent(size, 2), updates.Descent(size, 3, True), updates.Descent(size, 2, False, "sum")):
        yield from updates.lockstep(*networks, case.X, case.Y, descent)
    yield from updates.free_run(*networks, case.X, case.Y, updates.Descent(size, 2, True))
    for rule in (Rule(), Rule(Momentum(0.9))):
        one_call = updates.Descent(size, epochs=2, rule=rule)
        yield from updates.ruled_at_once(networks[0], case.X, case.Y, one_call, case.masks)
    yield from updates.schedule(*networks, case.X, case.Y, [0.5, 0.1, 0.9])


def _sampled(cls: Any, trusted: Any, case: Case) -> Compared:
    networks = case.network(cls), case.network(trusted)
    size = max(1, case.rows // 2 - 1)
    for reduction in ("mean", "sum"):
        descent = updates.Descent(size, 1, False, reduction, 0.1)
        yield from sampled_updates.sampled(*networks, case.X, case.Y, descent, case.masks)
    yield from sampled_updates.sampled_at_once(networks[0], case.X, case.Y, updates.Descent(size, 2), case.masks)


FIRST = (
    *(Case((3, 2), 2), Case((4, 3, 2), 3), Case((3, 1), 1), Case((4, 5, 3, 2), 4), Case((4, 3, 2), 3, bias=False)),
    Case((3, 3, 3), 3),  # square, so that a wrong transpose has the right shape
)
_DEEP = (4, 3, 5, 2)


def _of(functions: Iterable[Functions], sizes: tuple[int, ...] = _DEEP, rows: int = 3) -> tuple[Case, ...]:
    return tuple(Case(sizes, rows, functions=some) for some in functions)


_ACTIVATIONS = (
    Functions("tanh", "identity"),
    Functions("relu", "tanh"),
    Functions("identity", "softmax"),
    Functions("softmax", "relu"),
    Functions("tanh", "sigmoid", first="relu"),
)
_COSTS = (
    Functions(),
    Functions("tanh", "identity", "sum_of_squares"),
    Functions("sigmoid", "sigmoid", "binary_cross_entropy"),
    Functions("sigmoid", "softmax", "cross_entropy"),
    Functions("sigmoid", "sigmoid", l2=0.3),
    Functions("sigmoid", "sigmoid", l1=0.2),
)
_BOTH = (
    *(some for some in _COSTS[1:4]),
    Functions("relu", "tanh"),
    Functions("tanh", "softmax"),
    Functions("softmax", "relu", "sum_of_squares"),
    Functions("relu", "sigmoid", "binary_cross_entropy", first="tanh"),
)
_WEIGHTED = (*_of((Functions("relu", "identity", "sum_of_squares"), _BOTH[2]), (4, 3, 2), 13), Case((4, 3, 2), 70))
_FAR_OUT = (
    Functions(),
    *(Functions("sigmoid", name) for name in ACTIVATIONS if name not in ("sigmoid", "softmax")),
    Functions("sigmoid", "sigmoid", "binary_cross_entropy"),
    Functions("sigmoid", "softmax", "cross_entropy"),
)
_NOT_FINITE = tuple(Functions(name) for name in ACTIVATIONS)
# More nodes, samples and layers than a block or a buffer of a fast backend, each in a network that is otherwise small.
_LARGE = (
    *(Case(sizes, 2) for sizes in ((1030, 3), (3, 1030), (2, 1030, 2), (3, 4, 5) * 8)),
    *(Case((4, 3, 2), 1030), Case((70, 70), 5), Case((17, 33, 9, 65, 5), 21)),
)
_TRAINED = (Case((4, 3, 2), 4), Case((3, 5, 2), 4, functions=Functions("tanh", "identity")))
_FLOAT32 = tuple(Case(case.sizes, case.rows, case.bias, "float32") for case in FIRST[:4])


def _rule(name: str, *rules: UpdateRule) -> Part:
    def run(cls: Any, trusted: Any, case: Case) -> Compared:
        for rule in rules:
            yield from _by(Rule(rule), cls, trusted, case)

    return Part(name, "run_updates", run, _TRAINED, ("state",))


def _clipped(cls: Any, trusted: Any, case: Case) -> Compared:
    for rule in (Rule(clip_value=0.02), Rule(clip_norm=0.05), Rule(clip_norm=50.0), Rule(Momentum(), 0.02, 0.05)):
        yield from _by(rule, cls, trusted, case)


def _float32(cls: Any, trusted: Any, case: Case) -> Compared:
    yield from _each((_activations, _predictions, _slopes), cls, trusted, case)
    yield from _by(Rule(Momentum()), cls, trusted, case)


def _late(cls: Any, trusted: Any, case: Case) -> Compared:
    """Updates after many others, by every rule, and many in one call."""
    networks = case.network(cls), case.network(trusted)
    for optimizer in (Descent(), Momentum(), Nesterov(), RMSProp(), Adam(0.7, 0.9, 1e-2), Adam(epsilon=1e-2)):
        rule = Rule(optimizer)
        for before in (10, 100, 1000, 100_000):
            descent = updates.Descent(case.rows, alpha=0.1, rule=rule)
            yield from updates.ruled(*networks, case.X, case.Y, descent, case.masks, before=before)
        many = updates.Descent(2, 130, True, alpha=0.01, rule=rule)
        yield from updates.ruled_at_once(networks[0], case.X, case.Y, many, case.masks)


_GRADIENT = ("gradient", "activations and costs", "penalties")
PARTS = (
    Part("feed_forward", "feed_forward", _activations, FIRST),
    Part("activations", "feed_forward", _activations, _of(_ACTIVATIONS)),
    Part("predict", "predict", _predictions, (*FIRST[1:], *_of(_ACTIVATIONS[-1:]))),
    Part("evaluate", "evaluate", _costs, (Case((4, 3, 2), 3), *_of(_COSTS), *_of(_COSTS, rows=1))),
    Part("gradient", "gradient", _slopes, FIRST),
    Part("activations and costs", "gradient", _slopes, (*_of(_BOTH, rows=1), *_of(_BOTH))),
    Part("penalties", "gradient", _penalized, _of(_COSTS[4:], (4, 3, 2))),
    Part(
        "finite differences",
        "gradient",
        behaviour.differences,
        (Case((4, 3, 2), 3), *_of(_COSTS[1:], (4, 3, 2)), *_of(_BOTH[3:5], (3, 4, 2))),
        like=_GRADIENT,
        tells=False,
    ),
    Part("large networks", "feed_forward", partial(_each, (_activations, _predictions)), _LARGE, shrinks=False),
    Part("large gradients", "gradient", partial(_each, (_costs, _slopes)), _LARGE, shrinks=False),
    Part("dropout", "gradient", partial(_masked, True, False), _of(_COSTS[:2]), ("dropout",)),
    Part("DropConnect", "gradient", partial(_masked, False, True), _of(_COSTS[3:5]), ("drop_connect",)),
    Part("sample weights", "gradient", _weighted, _WEIGHTED, ("sample_weight",)),
    _rule("descent", Descent()),
    _rule("momentum", Momentum(0.9), Momentum(0.3)),
    _rule("nesterov", Nesterov(0.9), Nesterov(0.3)),
    _rule("rmsprop", RMSProp(0.8, 1e-2), RMSProp(0.6, 0.1)),
    _rule("adam", Adam(0.7, 0.9, 1e-2), Adam(0.5, 0.8, 0.1)),
    Part("clipping", "run_updates", _clipped, _TRAINED, ("clip_value", "clip_norm", "state")),
    Part(
        "epochs",
        "run_updates",
        _epochs,
        (Case((3, 2), 5), Case((4, 3, 2), 7), Case((3, 3, 3), 7)),
        ("order", "epochs", "reduction"),
    ),
    Part("late updates", "run_updates", _late, (Case((4, 3, 2), 4),), ("order", "epochs", "state")),
    Part(
        "adaptive sampling",
        "run_updates",
        _sampled,
        (Case((3, 4, 2), 11), *_of([Functions("tanh", "softmax", "cross_entropy", 0.2, 0.1)], (4, 5, 3, 2), 23)),
        ("sampler", "order"),
        shrinks=False,
    ),
    Part("combinations", "run_updates", combined, CASES, NEEDS, shrinks=False, tells=False),
    Part("batch normalization", "gradient", behaviour.normalized, (Case((4, 5, 3, 2), 7),), shrinks=False),
    Part("saturation", "feed_forward", behaviour.saturated, _of(_FAR_OUT, (1, 5), 1), shrinks=False),
    Part("NaN and infinity", "feed_forward", behaviour.not_finite, _of(_NOT_FINITE, (4, 3, 2), 6), shrinks=False),
    Part("inputs", "predict", behaviour.layouts, (Case((4, 3, 2), 6),), shrinks=False),
    Part("float32", "gradient", _float32, _FLOAT32, like=("feed_forward", "gradient")),
    Part("threads", "predict", behaviour.threads, (Case((5, 7, 3, 2), 9),), shrinks=False),
    Part("repeatability", "predict", behaviour.repeated, (Case((5, 7, 3, 2), 9),), shrinks=False),
    Part("bad input", "predict", behaviour.refused, (Case((4, 3, 2), 6),), shrinks=False),
    Part("side effects", "feed_forward", behaviour.side_effects, (Case((4, 5, 3, 2), 4),), shrinks=False),
)
