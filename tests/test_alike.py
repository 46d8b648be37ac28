"""Similar networks trained together in the lanes of registers: the same bits as one after the other."""

import itertools
import signal
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numba import config

import samenet
from samenet import train_many
from samenet.fast import description, many_networks
from samenet.fast.kernels import many_networks as kernels
from samenet.fast.numba import Network
from samenet.model.functions import ACTIVATIONS, COSTS, MADE_FOR
from samenet.optimizers import UPDATE_RULES, Adam, RMSProp

RANDOM = np.random.default_rng(0)
SLOW = pytest.mark.compiled  # with plain kernels, one of each kind is enough
RULES = [rule(epsilon=1e-6) if rule in (Adam, RMSProp) else rule() for rule in UPDATE_RULES]
# Sizes, activations and cost: every activation hidden and at the end, every cost, one layer and several.
KINDS: list[tuple[Any, ...]] = [
    ((4, 8, 3), "sigmoid", "squared_error"),
    ((10, 20, 1), ["tanh", "identity"], "sum_of_squares"),
    ((5, 9, 17, 2), ["relu", "identity", "tanh"], "squared_error"),
    ((20, 30, 40), ["sigmoid", "softmax"], "cross_entropy"),
    ((40, 33, 2), ["relu", "softmax"], "squared_error"),
    ((100, 13), "relu", "squared_error"),
    ((7, 12, 3), ["tanh", "sigmoid"], "binary_cross_entropy"),
    ((70, 1), "sigmoid", "binary_cross_entropy"),  # the first layer is narrow here and in the next two
    ((33, 4, 2), ["tanh", "identity"], "squared_error"),
    ((150, 6, 3), ["relu", "softmax"], "cross_entropy"),
    ((6, 1, 5), "sigmoid", "squared_error"),
    ((9, 17, 5), "softmax", "sum_of_squares"),
    ((6, 11, 31, 4), ["softmax", "tanh", "softmax"], "cross_entropy"),
]


def samples(sizes: tuple[int, ...], m: int) -> tuple[Any, Any]:
    X, labels = RANDOM.normal(size=(m, sizes[0])), RANDOM.integers(0, sizes[-1], m)
    return X, np.eye(sizes[-1])[labels] if sizes[-1] > 1 else RANDOM.random((m, 1))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of networks in each call of the kernel."""
    found: list[int] = []
    prepared = many_networks.prepared

    def counted(first: Any, number: int, *given: Any, **named: Any) -> Any:
        run = prepared(first, number, *given, **named)

        def run_and_count(*given: Any, **drawn: Any) -> Any:
            found.append(number)
            return run(*given, **drawn)

        return run_and_count

    monkeypatch.setattr(many_networks, "prepared", counted)
    return found


def one_by_one(networks: list[Any], X: Any, Y: Any, seeds: Any, **settings: Any) -> None:
    for net, seed in zip(networks, seeds, strict=True):
        net.train(X, Y, seed=seed, **settings)


def same(some: list[Any], others: list[Any]) -> bool:
    if config.DISABLE_JIT:  # plain kernels sum in NumPy's order; in float32, training amplifies the difference
        return all(
            np.allclose(a.parameters, b.parameters, rtol=1e-3, atol=1e-4 if a.dtype == np.float64 else 5e-3)
            and np.allclose(a.history.cost, b.history.cost, rtol=1e-3)
            and a.history.epochs.tolist() == b.history.epochs.tolist()
            for a, b in zip(some, others, strict=True)
        )
    return all(
        a.parameters.tobytes() == b.parameters.tobytes()
        and a.history == b.history
        and a.history.cost.tobytes() == b.history.cost.tobytes()
        for a, b in zip(some, others, strict=True)
    )


def by_kind(kinds: Sequence[tuple[Any, ...]]) -> Callable[[Any], Any]:
    """Parametrize a test by these kinds of networks and by dtype; all but the first in float64 are slow."""
    each = [pytest.param(kind, marks=SLOW if i else ()) for i, kind in enumerate(kinds)]

    def decorated(test: Any) -> Any:
        of_each = pytest.mark.parametrize("kind", each, ids=lambda kind: "-".join(map(str, kind[0])))(test)
        return pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=SLOW)])(of_each)

    return decorated


@by_kind(KINDS)
def test_the_bits_are_those_of_one_after_the_other(kind: Any, dtype: str, calls: list[int]) -> None:
    sizes, activation, cost = kind
    lanes = kernels.lanes_of(np.dtype(dtype))
    ways = itertools.cycle(
        [
            {"batch_size": 16, "record_every": 0},
            {"batch_size": 37, "shuffle": False, "record_every": 2, "reduction": "sum", "clip_norm": 0.5},
            {"record_every": 1},
            {"batch_size": 160, "record_every": 1, "clip_value": 1e-4},
            {"batch_size": 60, "record_every": 3, "clip_norm": 0.05, "clip_value": 0.02},
        ]
    )
    counts, taken = itertools.cycle([lanes, lanes + 3, 2 * lanes + 1, lanes - 1]), 0
    for rule, way, count, bias in zip(RULES, ways, counts, itertools.cycle([True, False]), strict=False):
        X, Y = samples(sizes, 165)
        settings = {"alpha": 0.01, "epochs": 4, "optimizer": rule, **way}
        given = {"activation": activation, "cost": cost, "dtype": dtype, "bias": bias}
        networks = [Network(list(sizes), seed=i, **given) for i in range(count)]
        expected = [net.copy() for net in networks]
        one_by_one(expected, X, Y, range(count), **settings)
        calls.clear()
        train_many(networks, X, Y, seeds=range(count), **settings)
        assert same(networks, expected)
        taken += len(calls) > 0
    assert taken == len(RULES)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", [(64, 5), (100, 1), (12, 2), (40, 3, 2), (20, 30, 4)])
def test_batches_of_several_blocks(sizes: tuple[int, ...], dtype: str, in_lanes: list[int]) -> None:
    """A partial batch may have larger blocks than a whole one, since the blocks of a batch are as equal as possible."""
    X, Y = samples(sizes, 230)
    networks = [Network(list(sizes), seed=i, dtype=dtype) for i in range(kernels.lanes_of(np.dtype(dtype)))]
    expected, settings = [net.copy() for net in networks], {"alpha": 0.02, "epochs": 2, "batch_size": 130}
    one_by_one(expected, X, Y, range(len(networks)), **settings)
    train_many(networks, X, Y, seeds=range(len(networks)), **settings)
    assert same(networks, expected)
    assert in_lanes


WEIGHTS = np.where(np.arange(50) % 7 == 3, 0.0, RANDOM.random(50) + 0.5)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rows", [1, 30])
def test_norms_of_some_networks_whose_squares_overflow_or_vanish(dtype: str, rows: int, in_lanes: list[int]) -> None:
    large, normal, small = (1e160, 1e-290, 1e-170) if dtype == "float64" else (1e21, 1e-33, 1e-18)
    kinds = itertools.product((([3, 2, 2], "descent"), ([4, 20, 3], "momentum"), ([40, 2], "descent")), (large, 1.0))
    for (sizes, rule), size in kinds:  # of X
        X, Y = size * RANDOM.normal(size=(rows, sizes[0])), np.zeros((rows, sizes[-1]))
        networks = [Network(sizes, seed=i, activation="identity", dtype=dtype) for i in range(20)]
        for i, net in enumerate(networks):
            factor = (1.0, small)[i % 2] if size == 1.0 else (1 / size, normal)[i % 2]
            for weights in net.weights[: 1 if size > 1.0 else None]:
                weights *= factor
        expected = [net.copy() for net in networks]
        settings: dict[str, Any] = {"alpha": 0.3 / size, "epochs": 1, "optimizer": rule, "record_every": 0}
        one_by_one(expected, X, Y, range(20), clip_norm=0.5, **settings)
        train_many(networks, X, Y, seeds=range(20), clip_norm=0.5, **settings)
        assert same(networks, expected)
    assert len(in_lanes) == 6


# Settings with which networks are trained in a single call: some one after the other, where the lanes would give other
# bits, such as with samples of weight 0.
IN_TURN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"sizes": [200, 3]}, {"optimizer": "momentum"}),
    ({"sizes": [4, 33, 3], "activation": ["softmax", "sigmoid"]}, {"record_every": 0}),
    ({}, {"clip_norm": 0.1}),
    ({}, {"clip_norm": 0.1, "dropout": 0.4}),
    ({}, {"clip_norm": 0.1, "dropout": 0.4, "batch_size": 1, "record_every": 0}),
    ({"l2": 0.1, "dtype": "float32"}, {"clip_norm": 0.1, "batch_size": 7, "optimizer": "rmsprop", "shuffle": False}),
    ({"sizes": [4, 3, 2, 3]}, {"clip_norm": 1.0, "batch_size": 2, "epochs": 5, "record_every": 3}),
    ({}, {"drop_connect": 0.1}),
    ({}, {"alpha": lambda epoch: 0.1 / (1 + epoch), "drop_connect": 0.1}),
    ({}, {"sample_weight": WEIGHTS}),
    ({"sizes": [4, 20, 3]}, {"drop_connect": (0.5, 0.2), "optimizer": "adam", "record_every": 3, "epochs": 5}),
    ({}, {"drop_connect": 0.3, "dropout": 0.4, "batch_size": 2, "record_every": 0, "shuffle": False}),
    ({}, {"drop_connect": 0.3, "dropout": 0.4, "sample_weight": WEIGHTS, "reduction": "sum", "alpha": 0.01}),
    ({}, {"sample_weight": WEIGHTS, "dropout": 0.4, "batch_size": 2, "record_every": 2, "epochs": 3}),
    ({"sizes": [5, 3]}, {"sample_weight": WEIGHTS, "optimizer": "momentum", "batch_size": None}),
    ({"sizes": [3, 2, 3], "dtype": "float32"}, {"sample_weight": tuple(WEIGHTS), "batch_size": 3, "clip_norm": 0.1}),
    ({"sizes": [3, 2, 3], "dtype": "float32", "l1": 0.1}, {"drop_connect": 0.3, "batch_size": 1}),
]
# Settings that are trained alone, because something has to happen between updates, or no kernel takes them.
ALONE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"batch_normalization": True}, {}),
    ({"sizes": [4, 300, 300, 3]}, {"epochs": 1, "batch_size": None}),
    ({}, {"sampling": "adaptive"}),
    ({}, {"callback": lambda net, history: None}),
    ({}, {"monitors": ["mean_norm"]}),
    ({}, {"optimizer": "lbfgs", "alpha": None, "batch_size": None}),
    ({}, {"stop": samenet.stopping.CostChange(1e-9)}),
]


def check_same(kind: dict[str, Any], way: dict[str, Any], seeds: list[int]) -> None:
    kind = {"sizes": [4, 8, 3], **kind}
    X, Y = samples((kind["sizes"][0], 3), 50)
    networks = [Network(seed=i, **kind) for i in range(len(seeds))]
    expected = [net.copy() for net in networks]
    settings = {"alpha": 0.1, "epochs": 2, "batch_size": 20, **way}
    one_by_one(expected, X, Y, seeds, **settings)
    train_many(networks, X, Y, seeds=seeds, **settings)
    assert same(networks, expected)


@pytest.mark.parametrize("number", [pytest.param(i, marks=SLOW if i >= 5 else ()) for i in range(len(IN_TURN))])
@pytest.mark.parametrize(
    "seeds", [pytest.param([*range(20)], id="seeds"), pytest.param([5] * 20, id="one seed", marks=SLOW)]
)
def test_what_is_trained_in_turn(number: int, seeds: list[int], calls: list[int]) -> None:
    check_same(*IN_TURN[number], seeds)
    assert calls == [20]


class Schedule:
    """A function that counts its calls, and may return other values, or raise, in some of them."""

    def __init__(self, raises: int = -1, changes: int = -1) -> None:
        self.calls: list[int] = []
        self.raises, self.changes = raises, changes

    def __call__(self, epoch: int) -> float:
        self.calls.append(epoch)
        if len(self.calls) - 1 == self.raises:
            raise KeyError("no such epoch")
        return 0.2 if len(self.calls) - 1 == self.changes else 0.1 / (1 + epoch)


@pytest.mark.parametrize("sizes", [[4, 8, 3], [2, 3, 3]])
@pytest.mark.parametrize("given", [{}, {"raises": 13}, {"changes": 26}], ids=str)
def test_functions_are_called_as_often_as_one_after_the_other(
    sizes: list[int], given: dict[str, int], calls: list[int]
) -> None:
    X, Y = samples((sizes[0], sizes[-1]), 50)
    networks = [Network(sizes, seed=i) for i in range(20)]
    networks[7].parameters = networks[7].parameters + 1e200  # trained alone
    expected, of_one, of_many = [net.copy() for net in networks], Schedule(**given), Schedule(**given)
    settings: dict[str, Any] = {"epochs": 4, "batch_size": 20, "optimizer": "adam"}
    failed, of_all = {}, {}
    for i, net in enumerate(expected):
        try:
            net.train(X, Y, alpha=of_one, seed=i, **settings)
        except (KeyError, FloatingPointError) as error:
            failed[i] = type(error)
    try:
        train_many(networks, X, Y, alpha=of_many, seeds=range(20), **settings)
    except samenet.TrainingErrors as errors:
        of_all = {i: type(error) for i, error in errors.failed.items()}
    assert of_all == failed
    assert same(networks, expected)
    assert of_many.calls == of_one.calls
    assert calls == ([] if given else [20])


@pytest.mark.compiled
@pytest.mark.parametrize("number", range(len(ALONE)))
def test_what_is_trained_alone(number: int, calls: list[int]) -> None:
    check_same(*ALONE[number], [*range(20)])
    assert calls == []


# Networks so small that each alone would be trained in registers: sums over a register of 2 to 16 nodes, or several.
TINY: list[tuple[list[int], Any, str]] = [
    ([2, 1], "sigmoid", "squared_error"),
    ([14, 7], "relu", "sum_of_squares"),
    ([3, 2, 1, 2], ["tanh", "identity", "sigmoid"], "squared_error"),
    ([1, 5, 1], ["tanh", "identity"], "sum_of_squares"),
    ([5, 9, 4], ["relu", "tanh"], "squared_error"),
    ([6, 20, 17, 2], ["sigmoid", "tanh", "sigmoid"], "squared_error"),
    ([4, 6, 3], ["tanh", "softmax"], "cross_entropy"),
    ([3, 19], "softmax", "cross_entropy"),
    ([4, 5, 3], ["tanh", "sigmoid"], "binary_cross_entropy"),
    ([6, 20, 18], ["relu", "sigmoid"], "binary_cross_entropy"),
    ([4, 6, 3], ["tanh", "softmax"], "squared_error"),
    ([3, 19, 5], "softmax", "sum_of_squares"),
]


@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=SLOW)])
@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=SLOW if sum(kind[0]) > 25 else ()) for kind in TINY],
    ids=lambda kind: "-".join(map(str, kind[0])),
)
def test_tiny_networks_fill_the_lanes(kind: Any, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (sizes, activation, cost), across = kind, list[int]()
    run, lanes = kernels.run_updates, kernels.lanes_of(np.dtype(dtype))

    def noted(first: int, *given: Any) -> Any:
        across.append(first)
        return run(first, *given)

    monkeypatch.setitem(description._codes, (run, np.dtype(dtype)), noted)
    ways = [
        {"batch_size": 1, "record_every": 0},
        {"batch_size": 1, "shuffle": False, "clip_value": 1e-3},
        {"batch_size": 3, "record_every": 0, "reduction": "sum", "clip_norm": 0.3},
        {"epochs": 5, "shuffle": False, "batch_size": 2, "record_every": 2, "clip_norm": 0.05},
        {"record_every": 2},
    ]
    for rule, way, bias in zip(RULES, ways, itertools.cycle([True, True, False]), strict=False):
        X, Y = samples((sizes[0], sizes[-1]), 8 if "batch_size" in way else 3)
        given = {"activation": activation, "cost": cost, "dtype": dtype, "bias": bias}
        networks = [Network(sizes, seed=i, **given) for i in range(lanes + 3)]
        expected = [net.copy() for net in networks]
        settings = {"alpha": 0.05, "epochs": 3, "optimizer": rule, **way}
        one_by_one(expected, X, Y, range(lanes + 3), **settings)
        train_many(networks, X, Y, seeds=range(lanes + 3), **settings)
        assert same(networks, expected)
    assert across.count(0) <= len(ways) - 2  # the others are tiny
    assert max(across) == min(lanes, max(16 // np.dtype(dtype).itemsize, 1 << (max(sizes[1:]) - 1).bit_length()))


@pytest.fixture
def in_lanes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of networks in each call that trained some in the lanes."""
    found: list[int] = []
    run = kernels.run_updates

    def noted(across: int, vectors: Any, *given: Any) -> Any:
        found.append(len(vectors))
        return run(across, vectors, *given)

    for dtype in ("float32", "float64"):
        monkeypatch.setitem(description._codes, (run, np.dtype(dtype)), noted)
    return found


# Networks, tiny ones or not, for each cost; weights of one batch are rounded where their sum is no power of 2.
WEIGHED: list[tuple[list[int], str, str]] = [
    ([4, 6, 5], "tanh", "squared_error"),
    ([2, 1], "sigmoid", "sum_of_squares"),
    ([4, 19, 5], "sigmoid", "binary_cross_entropy"),
    ([3, 31, 5], "softmax", "cross_entropy"),
    ([4, 12, 5], "softmax", "squared_error"),
]
WAYS: list[dict[str, Any]] = [
    {"batch_size": 3, "record_every": 2, "clip_norm": 0.2},
    {"batch_size": 1, "record_every": 0, "reduction": "sum", "shuffle": False},
    {"record_every": 1, "clip_value": 0.1},
    {"batch_size": 20, "record_every": 1, "optimizer": "adam"},
]


@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=SLOW)])
@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=SLOW if i > 1 else ()) for i, kind in enumerate(WEIGHED)],
    ids=lambda kind: "-".join(map(str, kind[0])),
)
@pytest.mark.parametrize("seed", [None, pytest.param(5, marks=SLOW)])
def test_weights_of_samples_and_masks_of_weights(kind: Any, dtype: str, seed: int | None, in_lanes: list[int]) -> None:
    (sizes, output, cost), weights = kind, RANDOM.random(50) + 0.1
    X, Y = RANDOM.normal(size=(50, sizes[0])), RANDOM.random((50, sizes[-1]))
    given: dict[str, Any] = {"activation": ["relu"] * (len(sizes) - 2) + [output], "cost": cost, "dtype": dtype}
    options: list[dict[str, Any]] = [
        {"sample_weight": weights},
        {"drop_connect": 0.3},
        {"drop_connect": [0.0, 0.5][3 - len(sizes) :], "sample_weight": weights},
        {"sample_weight": 3.0 * weights, **({"dropout": 0.4} if len(sizes) > 2 else {})},
    ]
    penalties: list[dict[str, float]] = [{}, {"l1": 0.01, "l2": 0.05}]
    few = 1 if config.DISABLE_JIT else None  # plain kernels are slow
    for way, penalty, more in itertools.product(WAYS[:few], penalties[:few], options):
        networks = [Network(sizes, seed=i, bias="optimizer" not in way, **given, **penalty) for i in range(17)]
        expected, seeds = [net.copy() for net in networks], [seed or i for i in range(17)]
        settings = {"alpha": 0.005, "epochs": 3, **way, **more}
        one_by_one(expected, X, Y, seeds, **settings)
        train_many(networks, X, Y, seeds=seeds, **settings)
        assert same(networks, expected)
    assert len(in_lanes) >= (4 if few else 16)  # most of them


@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=SLOW)])
@pytest.mark.parametrize("penalty", [{"l1": 0.02, "l2": 0.1}, pytest.param({"l2": 0.1}, marks=SLOW)], ids=str)
@pytest.mark.parametrize("size", [pytest.param(1, marks=SLOW), 3, pytest.param(50, marks=SLOW)])
@pytest.mark.parametrize("bias", [True, pytest.param(False, marks=SLOW)])
@pytest.mark.parametrize(
    "sizes", [[4, 6, 5], *(pytest.param(sizes, marks=SLOW) for sizes in ([4, 19, 5], [40, 3, 5], [70, 2], [9, 17, 30]))]
)
def test_penalties(sizes: list[int], penalty: Any, size: int, bias: bool, dtype: str, in_lanes: list[int]) -> None:
    """Targets that are no classes, and a batch size that is no power of 2, so that their products are rounded."""
    X, Y = RANDOM.normal(size=(50, sizes[0])), RANDOM.random((50, sizes[-1]))
    given: dict[str, Any] = {"dtype": dtype, "bias": bias, **penalty}
    ways = [("cross_entropy", "softmax", 2, 1), ("squared_error", "tanh", 3, 2), ("squared_error", "sigmoid", 1, 0)]
    for (cost, output, epochs, every), rule in zip(ways, RULES[1:], strict=False):
        kind = {"activation": ["sigmoid"] * (len(sizes) - 2) + [output], "cost": cost, **given}
        networks = [Network(sizes, seed=i, **kind) for i in range(18)]
        expected = [net.copy() for net in networks]
        settings = {"alpha": 0.05, "epochs": epochs, "batch_size": size, "optimizer": rule, "record_every": every}
        one_by_one(expected, X, Y, range(18), **settings)
        train_many(networks, X, Y, seeds=range(18), **settings)
        assert same(networks, expected)
    assert min(in_lanes) >= 16
    assert len(in_lanes) == 3


@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=SLOW)])
@pytest.mark.parametrize(("sizes", "penalty"), [([47, 7], {"l1": 2.0}), ([9, 7], {"l1": 1.0, "l2": 2.0})])
def test_penalties_of_few_rows(sizes: list[int], penalty: Any, dtype: str) -> None:
    """One network's gradient, step and penalties are one pass over the weights; here its costs are recorded."""
    X, Y = RANDOM.normal(size=(24, sizes[0])), RANDOM.random((24, sizes[-1]))
    for rows, rule in itertools.product((17, 24), RULES):
        networks = [Network(sizes, seed=i, dtype=dtype, activation="identity", **penalty) for i in range(32)]
        expected, settings = [net.copy() for net in networks], {"alpha": 0.01, "epochs": 3, "optimizer": rule}
        one_by_one(expected, X[:rows], Y[:rows], range(32), **settings)
        train_many(networks, X[:rows], Y[:rows], seeds=range(32), **settings)
        assert same(networks, expected)


# Networks whose batches are those of `tiny_network`, or of `training`; with a first layer that is narrow.
DROPPED: list[tuple[list[int], Any, str]] = [
    ([4, 6, 3], ["tanh", "sigmoid"], "binary_cross_entropy"),
    ([3, 5, 9, 4], ["relu", "sigmoid", "softmax"], "cross_entropy"),
    ([40, 3, 20, 2], ["sigmoid", "tanh", "identity"], "squared_error"),
    ([3, 5, 9, 4], ["softmax", "softmax", "softmax"], "sum_of_squares"),
]


@by_kind(DROPPED)
def test_dropout_and_schedules(kind: Any, dtype: str, in_lanes: list[int]) -> None:
    """In a second call too; with a probability for each layer, seeds that differ or not, and several pieces of rows."""
    sizes, activation, cost = kind
    count, dropout = kernels.lanes_of(np.dtype(dtype)) + 3, [0.2, 0.5][: len(sizes) - 2]
    ways: list[dict[str, Any]] = [
        {"batch_size": 1, "record_every": 0},
        {"batch_size": 60, "alpha": samenet.schedules.StepDecay(0.005, 0.5, 2)},
        {"batch_size": 50, "shuffle": False, "reduction": "sum"},
        {"batch_size": 165, "alpha": samenet.schedules.Cosine(0.01, 4), "record_every": 3},
    ]
    for rule, way, bias in zip(RULES, ways, itertools.cycle([True, False]), strict=False):
        X, Y = samples((sizes[0], sizes[-1]), 165 if way["batch_size"] > 1 else 30)
        given = {"activation": activation, "cost": cost, "dtype": dtype, "bias": bias}
        networks = [Network(sizes, seed=i, **given) for i in range(count)]
        expected = [net.copy() for net in networks]
        settings = {"alpha": 0.003, "epochs": 4, "optimizer": rule, "dropout": dropout, **way}
        for seeds in ([*range(count)], [7] * count, [7] * count):
            one_by_one(expected, X, Y, seeds, **settings)
            train_many(networks, X, Y, seeds=seeds, **settings)
            assert same(networks, expected)
    assert len(in_lanes) == 3 * len(ways)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore:training diverges")
def test_random_kinds_and_options(seed: int, dtype: str, in_lanes: list[int]) -> None:
    """Networks of every activation and cost, with several options at once; most of them are trained in lanes."""
    random = np.random.default_rng(seed)

    def one_of(*values: Any) -> Any:
        return values[random.integers(len(values))]

    for _ in range(15):
        sizes = [int(np.exp(random.uniform(0.7, 3.7))) for _ in range(random.integers(2, 5))]
        cost, m = one_of(*COSTS, "squared_error"), int(random.integers(2, 50))
        output = MADE_FOR.get(cost) or one_of(*ACTIVATIONS, "softmax")
        kind = {"activation": [*(one_of(*ACTIVATIONS) for _ in sizes[2:]), output], "cost": cost, "dtype": dtype}
        kind |= {"bias": one_of(True, False), **one_of({}, {}, {"l1": 0.01}, {"l2": 0.1})}
        settings = {"batch_size": min(m, one_of(1, 3, 7, 16, m)), "record_every": one_of(0, 1, 2), "epochs": 3}
        settings |= {"optimizer": one_of(*RULES), "reduction": one_of("mean", "sum"), "shuffle": one_of(True, False)}
        settings |= one_of({}, {}, {"clip_norm": 0.1}, {"clip_value": 0.01, "clip_norm": 0.1})
        settings |= one_of({}, {}, {"drop_connect": 0.3}, {"dropout": 0.3} if len(sizes) > 2 else {})
        settings |= one_of({}, {"sample_weight": random.random(m) + 0.1})
        X, Y = random.normal(size=(m, sizes[0])), random.random((m, sizes[-1]))
        count, one_seed = one_of(16, 17, 19), one_of(True, False)
        networks, seeds = [Network(sizes, seed=i, **kind) for i in range(count)], [i * one_seed for i in range(count)]
        expected = [net.copy() for net in networks]
        one_by_one(expected, X, Y, seeds, alpha=0.01, **settings)
        train_many(networks, X, Y, seeds=seeds, alpha=0.01, **settings)
        assert same(networks, expected), (sizes, kind, settings)
    assert len(in_lanes) > 7


@pytest.mark.compiled
@pytest.mark.parametrize("penalty", [{}, {"l1": 0.01, "l2": 0.02}], ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_clipped_norms_of_tiny_networks_with_dropout(dtype: str, penalty: Any, in_lanes: list[int]) -> None:
    """A tiny network with masks is trained in the widest registers, and its squares are added in their order."""
    for sizes, rule in itertools.product(([3, 4, 2], [2, 2, 1], [5, 3, 3, 2]), ("descent", "adam")):
        X, Y = RANDOM.normal(size=(24, sizes[0])), RANDOM.random((24, sizes[-1]))
        networks = [Network(sizes, seed=i, dtype=dtype, **penalty) for i in range(35)]
        expected = [net.copy() for net in networks]
        settings: dict[str, Any] = {"alpha": 0.3, "epochs": 3, "batch_size": 3, "optimizer": rule}
        settings |= {"dropout": 0.2, "clip_norm": 0.05, "record_every": 0}
        one_by_one(expected, X, Y, range(35), **settings)
        train_many(networks, X, Y, seeds=range(35), **settings)
        assert same(networks, expected)
    assert len(in_lanes) == 6


@pytest.mark.compiled
def test_recorded_costs_of_tiny_networks_are_those_of_one_after_the_other(in_lanes: list[int]) -> None:
    X, Y = RANDOM.normal(size=(18, 5)), RANDOM.random((18, 1))
    for activation, dtype in itertools.product(["sigmoid", "tanh", "identity"], ["float32", "float64"]):
        networks = [Network([5, 1], seed=i, activation=activation, dtype=dtype) for i in range(36)]
        expected = [net.copy() for net in networks]
        settings: dict[str, Any] = {"alpha": 0.3, "epochs": 9, "batch_size": 9, "optimizer": "adam"}
        one_by_one(expected, X, Y, range(36), **settings)
        train_many(networks, X, Y, seeds=range(36), **settings)
        assert same(networks, expected)
    assert len(in_lanes) == 6


@pytest.mark.compiled
@pytest.mark.parametrize("threads", [1, 2])
def test_kinds_are_told_apart(threads: int, calls: list[int]) -> None:
    X, Y = samples((4, 8, 3), 50)
    kinds: list[dict[str, Any]] = [
        {},
        {"activation": "tanh"},
        {"bias": False},
        {"dtype": "float32"},
        {"cost": "sum_of_squares"},
        {"sizes": [4, 9, 3]},
        {"l2": 0.1},
    ]
    made = [Network(**{"sizes": [4, 8, 3], **kind}, seed=i, threads=threads) for i in range(18) for kind in kinds]
    made += [samenet.backend("numpy").Network([4, 8, 3], seed=1)]
    expected = [net.copy() for net in made]
    one_by_one(expected, X, Y, range(len(made)), alpha=0.1, epochs=2, batch_size=20)
    train_many(made, X, Y, seeds=range(len(made)), alpha=0.1, epochs=2, batch_size=20)
    assert same(made, expected)
    assert sum(calls) == 18 * len(kinds)


def test_the_same_samples_or_other_ones(calls: list[int]) -> None:
    some, others = samples((4, 8, 3), 50), samples((4, 8, 3), 50)
    networks = [Network([4, 8, 3], seed=i) for i in range(32)]
    expected = [net.copy() for net in networks]
    for i, net in enumerate(expected):
        net.train(*(some if i % 2 else others), alpha=0.1, epochs=2, batch_size=20, seed=i)
    given = [some if i % 2 else others for i in range(32)]
    X, Y = ([pair[k] for pair in given] for k in (0, 1))
    train_many(networks, X, Y, seeds=range(32), alpha=0.1, epochs=2, batch_size=20)
    assert same(networks, expected)


def test_those_that_diverge_or_share_a_stream_are_trained_alone(calls: list[int]) -> None:
    X, Y = samples((4, 8, 3), 50)

    def made() -> list[Any]:
        networks = [Network([4, 8, 3], seed=i, activation="identity") for i in range(24)]
        for i in (3, 11):
            networks[i].parameters = networks[i].parameters * 30
        return networks

    def seeds() -> list[Any]:
        stream = np.random.default_rng(5)
        return [stream if i in (4, 7) else np.random.default_rng(i) if i == 9 else i for i in range(24)]

    settings: dict[str, Any] = {"alpha": 0.3, "epochs": 1, "batch_size": 20}
    expected, networks, of_one = made(), made(), seeds()
    with pytest.warns(samenet.DivergenceWarning):
        one_by_one(expected, X, Y, of_one, **settings)
    of_many = seeds()
    with pytest.warns(samenet.DivergenceWarning, match=r"of 24 networks do"):
        train_many(networks, X, Y, seeds=of_many, **settings)
    assert same(networks, expected)
    assert {i for i, net in enumerate(networks) if net.history.diverged_at is not None} >= {3, 11}
    for a, b in zip(of_one, of_many, strict=True):
        if isinstance(a, np.random.Generator):
            assert a.bit_generator.state == b.bit_generator.state
    assert sum(calls) == 21


def test_a_handler_of_ctrl_c_may_end_them(calls: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def handler(signum: int, frame: Any) -> None:
        raise samenet.StopTraining("enough")

    def prepared(*given: Any, **named: Any) -> Any:
        run = prepare(*given, **named)

        def run_and_interrupt(*given: Any, **drawn: Any) -> Any:
            if interrupts:
                signal.raise_signal(signal.SIGINT)
            return run(*given, **drawn)

        return run_and_interrupt

    X, Y = samples((4, 8, 3), 50)
    networks, settings = [Network([4, 8, 3], seed=i) for i in range(8)], {"alpha": 0.1, "epochs": 1, "batch_size": 20}
    prepare, interrupts = many_networks.prepared, [True]
    monkeypatch.setattr(many_networks, "prepared", prepared)
    before = signal.signal(signal.SIGINT, handler)
    try:
        for count in (1, 2):  # the second call finds what the first one checked
            train_many(networks, X, Y, seeds=range(8), **settings)
            assert calls == [8] * count
            assert {net.history.stopped_by for net in networks} == {"StopTraining: enough"}
    finally:
        signal.signal(signal.SIGINT, before)
    interrupts.clear()
    train_many(networks, X, Y, seeds=range(8), **settings)
    assert {net.history.stopped_by for net in networks} == {None}


def test_a_failure_leaves_the_network_as_it_was_and_the_others_done(calls: list[int]) -> None:
    X, Y = samples((4, 8, 3), 50)
    networks = [Network([4, 8, 3], seed=i, activation="identity") for i in range(16)]
    networks[5].parameters = np.full(networks[5].parameters.size, 1e200)
    expected = [net.copy() for net in networks]
    with pytest.raises(samenet.TrainingErrors) as raised:
        train_many(networks, X, Y, seeds=range(16), alpha=0.1, epochs=2, batch_size=20)
    assert [*raised.value.failed] == [5]
    assert networks[5].parameters.tobytes() == expected[5].parameters.tobytes()
    one_by_one([net for i, net in enumerate(expected) if i != 5], X, Y, [i for i in range(16) if i != 5], alpha=0.1,
               epochs=2, batch_size=20)  # fmt: skip
    assert same([*networks[:5], *networks[6:]], [*expected[:5], *expected[6:]])
    assert calls == [16]


def test_one_that_cannot_be_trained_so_is_told_in_the_same_words() -> None:
    """Each network is checked, whether or not its options are those of another."""
    X, Y = samples((4, 8, 3), 50)
    networks = [Network([4, 8, 3], seed=i) for i in range(16)]
    networks[9].model.theta.flat.flags.writeable = False
    with pytest.raises(ValueError, match="parameters") as raised:
        train_many(networks, X, Y, alpha=0.1, epochs=2, batch_size=20)
    assert raised.value.__notes__ == ["in train_many, for networks[9]"]
    with pytest.raises(ValueError, match="seed"):
        train_many([Network([4, 8, 3]) for _ in range(4)], X, Y, seeds=[0, 1, -1, 2], alpha=0.1, epochs=2)
    with pytest.raises(ValueError, match="batch_size: expected batches of at least 2") as refused:
        train_many(
            [Network([4, 8, 3]), Network([4, 8, 3], batch_normalization=True)], X, Y, alpha=0.1, epochs=1, batch_size=7
        )
    assert refused.value.__notes__ == ["in train_many, for networks[1]"]
