"""Random networks with any mix of options, and every comparison of the backends' answers with the allowed error.

`draw` gives a tame network, with numbers near 1, or a wild one, with scales from 1e-30 to 1e30, half of them with one
scale at the limits of the dtype. `Problem.changed` takes one step from it, for a search that climbs towards the worst
observed / allowed.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import exact
import numpy as np
from inputs import masks, weight_masks
from numpy.typing import NDArray

import samenet
from samenet.backends.dropout import DropConnect, Dropout
from samenet.backends.objective import Objective
from samenet.model.functions import ACTIVATIONS, COSTS, MADE_FOR
from samenet.optimizers import UPDATE_RULES
from samenet.testing import bounds, tolerance
from samenet.testing.tolerance import Comparison, compare

Array = NDArray[Any]
Compared = Iterator[tuple[str, Comparison]]

NAMES = tuple(samenet.backends())
PAIRS = tuple(itertools.combinations(NAMES, 2))
SCALES = ("biases", "inputs", "targets", "alpha")
RULES = {rule.name: rule for rule in UPDATE_RULES}


@dataclass(frozen=True)
class Problem:
    """A network, samples and an update, as numbers that can be changed one by one. Scales are powers of ten."""

    seed: int  # of the numbers themselves
    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    cost: str
    bias: bool
    dtype: str
    rows: int
    reduction: str
    weights: tuple[float, ...]  # scales, a layer each
    biases: float
    inputs: float
    targets: float
    zeros: float  # the share of inputs that are 0
    alpha: float
    l1: float  # scales; -inf for none
    l2: float
    momentum: float
    decay: float
    epsilon: float  # a scale; -inf for 0
    clip_value: float  # scales; inf for none
    clip_norm: float
    dropout: float
    drop_connect: float
    spread: float = 0.0  # of the logarithms of the sample weights; 0 for no weights

    def network(self, name: str) -> Any:
        """The network on a backend."""
        random = np.random.default_rng(self.seed)
        layers = list(itertools.pairwise(self.sizes))
        weights = [
            _numbers(random, (k, n), scale, self.dtype) / self.type(math.sqrt(n))
            for (n, k), scale in zip(layers, self.weights, strict=True)
        ]
        biases = [_numbers(random, (k,), self.biases, self.dtype) for _, k in layers] if self.bias else None
        return samenet.backend(name).Network(
            self.sizes,
            activation=self.activations,
            cost=self.cost,
            bias=self.bias,
            dtype=self.dtype,
            l1=10.0**self.l1,
            l2=10.0**self.l2,
            weights=weights,
            biases=biases,
        )

    @property
    def type(self) -> Any:
        """The dtype as a function."""
        return np.dtype(self.dtype).type

    def samples(self) -> tuple[Array, Array, Dropout | None, DropConnect | None]:
        """X, Y, dropout and DropConnect."""
        random = np.random.default_rng([self.seed, 1])
        X = _numbers(random, (self.rows, self.sizes[0]), self.inputs, self.dtype)
        X[random.random(X.shape) < self.zeros] = 0
        shape = self.rows, self.sizes[-1]
        if self.cost not in MADE_FOR:
            Y = _numbers(random, shape, self.targets, self.dtype)
        elif random.random() < 0.5:
            Y = np.eye(shape[1], dtype=self.dtype)[random.integers(0, shape[1], shape[0])]
        else:
            Y = random.random(shape).astype(self.dtype)
        hidden, dtype = sum(self.sizes[1:-1]), np.dtype(self.dtype)
        of_nodes = of_weights = None
        if self.dropout and hidden:
            of_nodes = Dropout.of(np.full(hidden, self.dropout), dtype, self.seed)
        if self.drop_connect:
            of_weights = DropConnect.of(np.full(len(self.weights), self.drop_connect), dtype, self.seed)
        return X, Y, of_nodes, of_weights

    def sample_weight(self) -> Array | None:
        """The sample weights, some of which are 0."""
        if not self.spread:
            return None
        random = np.random.default_rng([self.seed, 4])
        weights = random.lognormal(0, self.spread, self.rows) * (random.random(self.rows) < 0.8)
        return weights.astype(self.dtype).astype(np.float64)

    def clipping(self) -> dict[str, float]:
        """The arguments of an update."""
        return {"clip_value": 10.0**self.clip_value, "clip_norm": 10.0**self.clip_norm}

    def changed(self, random: np.random.Generator) -> "Problem":
        """A copy with one number changed."""
        other = draw(random, wild=True)
        kind = random.integers(12)
        if kind == 0:
            return replace(self, seed=int(random.integers(2**31)))
        if kind == 1:
            return replace(self, rows=max(1, self.rows + int(random.integers(-2, 3))))
        if kind == 2:
            names = "bias", "dtype", "reduction", "momentum", "decay", "epsilon", "dropout", "drop_connect", "zeros"
            names = (*names, "spread")
            return self._with(str(random.choice(names)), other)
        if kind == 3:
            names = "clip_value", "clip_norm", "l1", "l2"
            return self._with(str(random.choice(names)), other)
        if kind == 4:
            hidden = map(str, random.choice(ACTIVATIONS, len(self.sizes) - 2))
            return replace(self, activations=(*hidden, self.activations[-1]))._moderate()
        if kind == 5:
            cost = str(random.choice(COSTS))
            output = _output(cost, random)
            return replace(self, cost=cost, activations=(*self.activations[:-1], output))._moderate()
        if kind == 6:
            sizes = [max(1, n + int(random.integers(-1, 2))) for n in self.sizes]
            return replace(self, sizes=tuple(sizes))._moderate()
        step = random.normal(0, random.choice([0.03, 0.5, 5.0]))
        name = str(random.choice(["weights", *SCALES]))
        if name == "weights":
            weights = list(self.weights)
            weights[random.integers(len(weights))] += step
            return replace(self, weights=tuple(weights))._moderate()
        return replace(self, **{name: getattr(self, name) + step})._moderate()

    def _moderate(self) -> "Problem":
        """A copy with scales that the dtype can represent, and no softmax of one node, which would always be 1."""
        sizes, limits = list(self.sizes), (-42, 36) if self.dtype == "float32" else (-320, 305)
        for layer, name in enumerate(self.activations, start=1):
            sizes[layer] = max(2, sizes[layer]) if name == "softmax" else sizes[layer]
        return replace(
            self,
            sizes=tuple(sizes),
            weights=tuple(float(np.clip(w, *limits)) for w in self.weights),
            **{name: float(np.clip(getattr(self, name), *limits)) for name in SCALES},
        )

    def _at_an_edge(self, random: np.random.Generator) -> "Problem":
        """A copy with products at the overflow or underflow limits of the dtype, or at the limits of exp."""
        info = np.finfo(self.dtype)
        ends = info.tiny, info.smallest_subnormal, info.max, info.eps, math.log(info.max)
        edge = math.log10(random.choice(ends)) + float(random.normal(0, 2))
        layer = random.integers(len(self.weights) + 2)
        if layer >= len(self.weights):
            return replace(self, **{str(random.choice(SCALES)): edge})._moderate()
        weights = list(self.weights)
        weights[layer] = edge - (self.inputs if layer == 0 else 0.0)
        return replace(self, weights=tuple(weights))._moderate()

    def _with(self, name: str, other: "Problem") -> "Problem":
        return replace(self, **{name: getattr(other, name)})


def _numbers(random: np.random.Generator, shape: tuple[int, ...], scale: float, dtype: str) -> Array:
    return (random.normal(size=shape) * 10.0**scale).astype(dtype)


def _output(cost: str, random: np.random.Generator) -> str:
    """An activation of the output layer that is compatible with a cost."""
    return MADE_FOR.get(cost) or str(random.choice(ACTIVATIONS))


def draw(random: np.random.Generator, wild: bool) -> Problem:
    """A network with up to 8 layers of weights and few nodes; occasionally with many nodes, or many samples."""
    layers = int(random.integers(1, 9) if random.random() < 0.3 else random.integers(1, 4))
    sizes = random.integers(1, 10, layers + 1)
    rows = int(random.integers(1, 14))
    if random.random() < 0.03:
        place = random.integers(3)
        if place == 0:
            sizes = np.array([random.integers(120, 200), *sizes[1:3]])  # zeros among the inputs may be skipped
        elif place == 1:
            sizes = np.array([random.integers(1, 5), random.integers(190, 230), random.integers(1, 5)])
        else:
            rows = int(random.integers(100, 270))
            sizes = sizes[:3]
    cost = str(random.choice(COSTS))
    layers = len(sizes) - 1
    hidden = map(str, random.choice(ACTIVATIONS, layers - 1))
    activations = (*hidden, _output(cost, random))

    def scale(width: float) -> float:
        if not wild:
            return float(random.uniform(-1, 0.5))
        return float(random.uniform(-30, 30) if random.random() < 0.3 else random.normal(0, width))

    def maybe(share: float, value: float, otherwise: float) -> float:
        return value if random.random() < share else otherwise

    problem = Problem(
        seed=int(random.integers(2**31)),
        sizes=tuple(map(int, sizes)),
        activations=activations,
        cost=cost,
        bias=bool(random.random() < 0.7),
        dtype=str(random.choice(["float64", "float32"])),
        rows=rows,
        reduction=str(random.choice(["mean", "sum"])),
        weights=tuple(scale(2.0) for _ in range(layers)),
        biases=scale(2.0),
        inputs=scale(2.0),
        targets=scale(2.0),
        zeros=maybe(0.3, random.random(), 0.0),
        alpha=scale(2.0),
        l1=maybe(0.2, scale(2.0), -math.inf),
        l2=maybe(0.2, scale(2.0), -math.inf),
        momentum=float(random.choice([0.0, 0.5, 0.9, 0.99])),
        decay=float(random.choice([0.5, 0.9, 0.999])),
        epsilon=float(random.choice([-8.0, -3.0, -math.inf])),
        clip_value=maybe(0.2, scale(4.0), math.inf),
        clip_norm=maybe(0.2, scale(4.0), math.inf),
        dropout=maybe(0.3, float(random.uniform(0.1, 0.9)), 0.0),
        drop_connect=0.0,
    )._moderate()
    own = np.random.default_rng([problem.seed, 3])  # does not change the networks drawn for a seed
    if own.random() < 0.3:
        problem = replace(problem, drop_connect=float(own.uniform(0.1, 0.9)))
    if own.random() < 0.3:
        problem = replace(problem, spread=float(own.choice([0.5, 2.0, 20.0] if wild else [0.5, 2.0])))
    return problem._at_an_edge(random) if wild and random.random() < 0.5 else problem


def comparisons(problem: Problem, updates: int = 5) -> Compared:
    """Predictions, cost, gradient and this many updates by every rule, for every two backends."""
    with np.errstate(all="ignore"):  # numbers that overflow do so in every backend
        yield from _forward(problem)
        yield from _gradient(problem)
        for rule in RULES if updates else ():
            yield from _updates(problem, rule, updates)


def _pairs(name: str, answers: dict[str, Any], allowed: Any, dtype: Any = None) -> Compared:
    for trusted, backend in PAIRS:
        yield name, compare(answers[backend], answers[trusted], allowed, dtype)


def _forward(problem: Problem) -> Compared:
    nets = {name: problem.network(name) for name in NAMES}
    X, Y, *_ = problem.samples()
    allowed = tolerance.forward(nets["reference"].model, X)
    layers = {name: net.feed_forward(X) for name, net in nets.items()}
    for l, limit in enumerate(allowed):
        yield from _pairs("activations", {name: h[l] for name, h in layers.items()}, limit, problem.dtype)
    yield from _pairs("predict", {name: net.predict(X) for name, net in nets.items()}, allowed[-1], problem.dtype)
    answers = {name: net.predictor()(X[0]) for name, net in nets.items()}
    yield from _pairs("predict", answers, allowed[-1][0], problem.dtype)
    # As computed by the backend: `Network.cost` is infinite by definition where a sum would be too large.
    weights = problem.sample_weight()
    objectives = {n: Objective(net.model, net.backend, X, Y, problem.reduction, weights) for n, net in nets.items()}
    costs = {name: objective.evaluate()[0] for name, objective in objectives.items()}
    limit = tolerance.gradient(nets["reference"].model, X, Y, problem.reduction, None, None, weights)[0]
    yield from _pairs("cost", costs, limit)


def _slope(
    net: Any, X: Array, Y: Array, reduction: str, *options: Dropout | DropConnect | Array | None
) -> tuple[float, Array]:
    cost, lists = net.backend.gradient(net.model, X.copy(), Y.copy(), reduction, *options)
    slope = net.model.theta.empty_like()
    slope.fill(lists.weights, lists.biases)
    return cost, slope.flat


def _seen(problem: Problem) -> tuple[Array | None, list[Array] | None, Array | None]:
    """The masks of nodes and of weights, and the sample weights."""
    _, _, dropout, drop_connect = problem.samples()
    return masks(dropout, problem.rows), weight_masks(drop_connect, problem.sizes), problem.sample_weight()


def _gradient(problem: Problem) -> Compared:
    X, Y, *left_out = problem.samples()
    cost_allowed, allowed = tolerance.gradient(
        problem.network("reference").model, X, Y, problem.reduction, *_seen(problem)
    )
    options = *left_out, problem.sample_weight()
    found = {name: _slope(problem.network(name), X, Y, problem.reduction, *options) for name in NAMES}
    yield from _pairs("cost", {name: cost for name, (cost, _) in found.items()}, cost_allowed)
    yield from _pairs("gradient", {name: slope for name, (_, slope) in found.items()}, allowed.flat, problem.dtype)


def _updates(problem: Problem, rule: str, updates: int) -> Compared:
    """Each update separately: every backend starts from the parameters and the state of the reference."""
    X, Y, dropout, drop_connect = problem.samples()
    nets = {name: problem.network(name) for name in NAMES}
    alpha = 10.0**problem.alpha
    constants = dict.fromkeys(("beta", "beta1"), problem.momentum) | dict.fromkeys(("decay", "beta2"), problem.decay)
    constants["epsilon"] = 10.0**problem.epsilon
    way = RULES[rule](**{field.name: constants[field.name] for field in fields(RULES[rule])})
    states = {name: way.state(net.model.theta) for name, net in nets.items()}
    trusted, state = nets["reference"], states["reference"]
    settings = {"reduction": problem.reduction, **problem.clipping()}
    seen, of_weights, weights = _seen(problem)
    for _ in range(updates):
        if not np.isfinite(trusted.parameters).all():  # there training stops
            return
        for name in NAMES[1:]:
            nets[name].parameters[:] = trusted.parameters
            states[name].values[:], states[name].t = state.values, state.t
        bound = {"masks": seen, "weight_masks": of_weights, "rule": way, "state": state, **problem.clipping()}
        limits = tolerance.step(trusted.model, X, Y, alpha, problem.reduction, sample_weight=weights, **bound)
        for name, net in nets.items():
            own = {"dropout": dropout, "drop_connect": drop_connect, "batch_size": len(X), "alpha": alpha, **settings}
            own["sample_weight"] = weights
            net.backend.run_updates(net.model, X.copy(), Y.copy(), way, state=states[name], **own)
        yield from _pairs(rule, {name: net.parameters for name, net in nets.items()}, limits[0], problem.dtype)
        if rule in ("momentum", "nesterov"):
            yield from _pairs(
                "velocity", {name: one.values[0] for name, one in states.items()}, limits[1], problem.dtype
            )


def against_exact(problem: Problem) -> Compared:
    """Every backend separately against the network in decimal arithmetic, with half of the bound allowed.

    The value computed with the bound itself, in float64, is checked in the same way.
    """
    X, Y, *left_out = problem.samples()
    seen, net = _seen(problem), problem.network("reference")
    with np.errstate(all="ignore"):
        outputs, cost, slope = exact.run(net, X, Y, problem.reduction, *seen)
        allowed = tolerance.forward(net.model, X)[-1] / 2
        cost_allowed, slope_allowed = tolerance.gradient(net.model, X, Y, problem.reduction, *seen)
        value, pieces = bounds.backward(net.model, X, Y, problem.reduction, *seen[:2], None, seen[2])
        flat = np.concatenate([piece.value.ravel() for piece in pieces])
        found = [(bounds.forward(net.model, X).layers[-1].value, float(value.value), flat)]
        for name in NAMES:
            one = problem.network(name)
            found.append((one.predict(X), *_slope(one, X, Y, problem.reduction, *left_out, seen[2])))
        for output, own_cost, own_slope in found:
            yield "exact output", compare(exact.distance(output, outputs), np.zeros(allowed.size), allowed.ravel())
            yield "exact cost", compare(exact.distance(own_cost, cost), np.zeros(1), cost_allowed / 2)
            limits = slope_allowed.flat / 2
            yield "exact gradient", compare(exact.distance(own_slope, slope), np.zeros(limits.size), limits)


def climb(seed: int, steps: int, measured: Any) -> tuple[float, Problem, str, Comparison]:
    """Climb from a wild network: keep a change if observed / allowed does not decrease; returns the worst, and where it
    is.

    measured: a function of a problem, such as `comparisons`.
    """
    random = np.random.default_rng(seed)

    def worst(problem: Problem) -> tuple[float, Problem, str, Comparison]:
        ends = [(c.ratio, problem, name, c) for name, c in measured(problem) if c.bounded]
        return max(ends, key=lambda end: end[0], default=(-1.0, problem, "", Comparison(0.0, 0.0)))

    best = worst(draw(random, wild=True))
    for _ in range(steps):
        other = worst(best[1].changed(random))
        if other[0] >= best[0]:
            best = other
    return best
