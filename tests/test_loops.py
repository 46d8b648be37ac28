"""Every loop runs more than twice here, its last pass a partial one: layers, batches, epochs, blocks, parts.

Two iterations cannot distinguish `start += n` from `start = n`. And if a layer fills its registers, no padding can hide
that a number is missing.
"""

import itertools
import sys
import threading
from types import SimpleNamespace
from typing import Any

import agreement
import numba
import numpy as np
import pytest
from agreement import PAIRS, Backend, Descent, Pair, Rule
from children import HANGS, printed
from generated import FEATURES, WIDTHS, again, load
from inputs import COMBINATIONS, Case, Functions, mostly_zero

import samenet
from samenet.fast.description import NO_DROP_CONNECT, NO_NUMBERS, NO_SAMPLER, layout
from samenet.fast.description import objective as _objective
from samenet.fast.kernels import evaluation, forward, packing, parallel, training
from samenet.fast.kernels.codegen.vector import REGISTER
from samenet.fast.numba import _NO_RULE
from samenet.fast.workspace import packed_workspace, workspace
from samenet.optimizers import Adam, Momentum, Nesterov, RMSProp
from samenet.testing import tolerance

PLAIN_KERNELS = True

BLOCKS = 3 * forward.most_rows((3, 4, 2)) + 37  # rows
DEEP = (5, 7, 4, 6, 3, 2)  # four hidden layers, no two of the same width
RULES = [
    Rule(dropout=True),
    Rule(Momentum(0.9), dropout=True),
    Rule(drop_connect=True),
    Rule(Momentum(0.9), clip_norm=0.05, dropout=True, drop_connect=True),
    Rule(Nesterov(0.5), clip_value=0.02, clip_norm=0.05),
    Rule(RMSProp()),
    Rule(Adam(), clip_norm=0.05),
]


def both(pair: Pair, case: Case) -> tuple[Any, Any]:
    return case.network(pair.backend.Network), case.network(pair.trusted.Network)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_many_hidden_layers(pair: Pair, bias: bool, record: Any) -> None:
    case = Case(DEEP, 13, bias, functions=Functions("tanh", l1=0.02, l2=0.1))
    for name, comparison in agreement.forward(*both(pair, case), case.X):
        record(name, comparison)
    for masks in ((None, None), (case.dropout, None), (None, case.drop_connect)):
        for name, comparison in agreement.gradient(*both(pair, case), case.X, case.Y, *masks):
            record(name, comparison)


@pytest.mark.parametrize("functions", COMBINATIONS, ids=str)
@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_many_outputs(pair: Pair, functions: Functions, record: Any) -> None:
    """For every activation and cost: two outputs are too few for the loops over a row."""
    case = Case((4, 3, 5), 3, functions=functions)
    for name, comparison in agreement.forward(*both(pair, case), case.X):
        record(name, comparison)
    for name, comparison in agreement.gradient(*both(pair, case), case.X, case.Y):
        record(name, comparison)


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("pair", PAIRS, ids=str)
@pytest.mark.parametrize("size", [7, pytest.param(12, marks=pytest.mark.compiled)])
def test_many_batches_and_epochs(size: int, pair: Pair, rule: Rule, record: Any) -> None:
    """29 samples are 7, 7, 7, 7 and 1; or 12, 12 and 5, of which `tiny_network` trains the last if it is alone."""
    case, steps = Case(DEEP, 29, functions=Functions("tanh")), Descent(size, epochs=4, rule=rule)
    for name, comparison in agreement.ruled(*both(pair, case), case.X, case.Y, steps, case.masks):
        record(name, comparison)
    for name, comparison in agreement.ruled_at_once(both(pair, case)[0], case.X, case.Y, steps, case.masks):
        record(name, comparison)


@pytest.mark.parametrize(("sizes", "rows"), [((3, 4, 2), BLOCKS), ((20, 24, 3), 533)], ids=["one part", "parts"])
@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_many_blocks_and_parts(pair: Pair, sizes: tuple[int, ...], rows: int, record: Any) -> None:
    """Three blocks and a bit; and of the larger network four parts, none a multiple of a block."""
    case = Case(sizes, rows)
    if sizes != (3, 4, 2):
        assert training.parts_of(rows, case.network(pair.backend.Network).parameters.size) == 4
    for name, comparison in agreement.forward(*both(pair, case), case.X):
        record(name, comparison)
    for name, comparison in agreement.gradient(*both(pair, case), case.X, case.Y, *case.masks):
        record(name, comparison)
    steps = Descent(rows, epochs=3)
    for name, comparison in agreement.lockstep(*both(pair, case), case.X, case.Y, steps):
        record(name, comparison)
    steps = Descent(rows, epochs=3, rule=Rule(drop_connect=True))
    for name, comparison in agreement.ruled(*both(pair, case), case.X, case.Y, steps, case.masks):
        record(name, comparison)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.counted
def test_a_last_batch_of_fewer_rows_than_parts(fast: Backend, weighted: bool) -> None:
    """Parts without rows have no gradient: not that of the previous batch, and no block of 0 rows."""
    case = Case((20, 24, 3), 257)
    weights = np.arange(257) / 7 if weighted else None
    net, hand = case.network(fast.Network), case.network(fast.Network)
    assert training.parts_of(256, net.parameters.size) == 2
    net.train(case.X, case.Y, alpha=0.5, epochs=2, batch_size=256, shuffle=False, sample_weight=weights)
    for rows in (slice(256), slice(256, 257)) * 2:
        own = None if weights is None else weights[rows]
        hand.parameters -= 0.5 * hand.gradient(case.X[rows], case.Y[rows], sample_weight=own)[1].flat
    np.testing.assert_allclose(net.parameters, hand.parameters, rtol=1e-10, atol=1e-12)


# Layers of 8 and 16 numbers fill the registers of every processor in either dtype; 7 and 17 do not.
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", [(16, 16), (3, 16, 16), (16, 8, 16), (7, 17, 7)], ids=str)
@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_layers_that_fill_registers(pair: Pair, sizes: tuple[int, ...], dtype: str, bias: bool, record: Any) -> None:
    """With every rule, the last weight and the last bias are updated and clipped like all others."""
    for penalty, rule in (
        ({}, Rule()),
        ({"l1": 0.02, "l2": 0.1}, Rule()),
        ({}, Rule(Momentum(0.9))),
        ({}, Rule(Nesterov(0.9))),
        ({}, Rule(RMSProp())),
        ({}, Rule(Adam())),
        ({}, Rule(clip_value=1e-3)),
        ({}, Rule(clip_norm=1e-2)),
        ({"l2": 0.1}, Rule(drop_connect=True)),
    ):
        case = Case(sizes, 5, bias, dtype, functions=Functions(**penalty))  # type: ignore[arg-type]
        networks = both(pair, case)
        steps = Descent(5, epochs=1, rule=rule)
        for name, comparison in agreement.ruled(*networks, case.X, case.Y, steps, case.masks):
            record(name, comparison)
        for trusted in networks[1:]:
            moved = trusted.copy()
            agreement.run_updates(moved, case.X, case.Y, alpha=0.5, batch_size=5, **rule.settings(moved))
            assert moved.parameters[-1] != trusted.parameters[-1], "the last one has a step to miss"


@pytest.mark.parametrize("change", [{"activations": ("softplus", "sigmoid")}, {"cost_function": "huber"}], ids=str)
def test_what_has_no_branch_in_registers_is_not_trained_there(change: dict[str, Any]) -> None:
    """It would be treated as something else."""
    from samenet.fast.kernels import tiny_network

    model = samenet.backend("numba").Network([2, 3, 1]).model
    known = {name: getattr(model, name) for name in ("sizes", "dtype", "activations", "cost_function")}
    assert tiny_network.fits(SimpleNamespace(**known), 1)
    assert not tiny_network.fits(SimpleNamespace(**known | change), 1)


def test_which_networks_are_trained_in_registers() -> None:
    """Those with little work per update, whatever their activations and costs."""
    from samenet.fast.kernels import sparse_input, tiny_network
    from samenet.fast.kernels.codegen import vector

    lanes = vector.REGISTER // 8

    def fits(batch_size: int, sizes: list[int], has_state: bool = False, **settings: Any) -> bool:
        model = samenet.backend("numba").Network(sizes, seed=0, **settings).model
        return tiny_network.fits(model, batch_size, has_state)

    half = min(tiny_network._INPUTS, tiny_network._ONLINE // 2 // lanes * lanes)
    assert fits(1, [half - 1, lanes, 1])
    assert not fits(1, [tiny_network._INPUTS + 1, lanes, 1])
    assert fits(1, [lanes] * (tiny_network._ONLINE // lanes + 1))
    assert not fits(1, [lanes] * (tiny_network._ONLINE // lanes + 2))
    assert fits(1, [lanes] * (tiny_network._WITH_STATE // lanes + 1), has_state=True)
    assert not fits(1, [lanes] * (tiny_network._WITH_STATE // lanes + 2), has_state=True)
    many = sparse_input.LEAST
    assert fits(1, [many - 1, 4 * lanes, 1], has_state=True)
    assert not fits(1, [many, 4 * lanes, 1], has_state=True)
    (work, row), more = tiny_network._BATCH, tiny_network._LOGARITHMS
    most = work // (row + 3 + lanes)
    for batch_size, settings in itertools.product((most, most + 1), ({}, {"l1": 0.1}, {"activation": "tanh"})):
        assert fits(batch_size, [3, lanes, 1], **settings) is (batch_size == most)
    fewer = work // (row + 3 + lanes + more)
    for batch_size, settings in itertools.product(
        (fewer, fewer + 1),
        ({"activation": ["softmax", "sigmoid"]}, {"activation": ["tanh", "sigmoid"], "cost": "binary_cross_entropy"}),
    ):
        assert fits(batch_size, [3, lanes, 1], **settings) is (batch_size == fewer)
    narrower = work // (row + 3 + 2 * lanes)
    for batch_size in (narrower, narrower + 1):  # 32 bits: twice as many nodes to a register
        assert fits(batch_size, [3, 2 * lanes, 1], dtype="float32") is (batch_size == narrower)
    work, row = tiny_network._LINEAR
    for k, cost in ((1, "squared_error"), (lanes, "squared_error"), (1, "binary_cross_entropy")):
        linear = work // (row + 3 + more * (cost != "squared_error"))
        for batch_size in (linear, linear + 1):
            assert fits(batch_size, [3, k], cost=cost) is (batch_size == linear)


# --------------------------------------------------------------------------------------------------- narrow layers


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.compiled
def test_every_number_of_nodes_and_many_of_rows(dtype: str) -> None:
    """In linear models and narrow first layers: products have separate code for each number of nodes."""
    random = np.random.default_rng(0)
    for n, k, more in itertools.product((1, 5, 33, 70), (*range(1, 10), 12, 13), ((), (2,))):
        one, other = (samenet.backend(name).Network([n, k, *more], seed=1, dtype=dtype) for name in ("numba", "numpy"))
        for rows in (5, 17, 133):
            X, Y = random.normal(size=(rows, n)).astype(dtype), random.random((rows, (k, *more)[-1])).astype(dtype)
            found, expected = (net.gradient(X, Y)[1].flat for net in (one, other))
            allowed = tolerance.gradient(other.model, X, Y)[1].flat
            assert tolerance.compare(found, expected, allowed).ok, (n, k, more, rows)


_FEW_NODES = """
import numpy as np, samenet
for k in range(1, 10):
    net = samenet.backend("numba").Network([40, k, 2], seed=0)
    X = np.random.default_rng(k).random((8, 40))
    found, expected = (on.gradient(X, X[:, :2])[1].flat for on in (net, net.on("numpy")))
    assert np.allclose(found, expected, rtol=1e-12, atol=1e-12), k
"""


@pytest.mark.parametrize("width", FEATURES)
@pytest.mark.without_jit
def test_few_nodes_have_room_whatever_registers_there_are(width: int) -> None:
    """As plain Python, which compiled code is not, kernels notice what is written past the end of an array."""
    printed(_FEW_NODES, NUMBA_DISABLE_JIT="1", NUMBA_CPU_FEATURES=FEATURES[width] or "+sse2")


@pytest.mark.parametrize("rule", [samenet.optimizers.Descent(), Nesterov(), Adam()], ids=lambda rule: rule.name)
@pytest.mark.parametrize("sizes", [(33, 1), (70, 5, 2), (16, 3)], ids=str)
@pytest.mark.compiled
def test_rows_have_the_same_bits_wherever_they_lie(sizes: tuple[int, ...], rule: Any) -> None:
    """In place, and gathered."""
    random = np.random.default_rng(0)
    X, Y = random.normal(size=(150, sizes[0])), random.random((150, sizes[-1]))
    found, epochs = [], 9
    for order, calls in ((None, 1), (None, epochs), (np.tile(np.arange(150), (epochs, 1)), 1)):
        backend = samenet.backend("numba")
        model = backend.Network(sizes, seed=1).model
        state = rule.state(model.theta)
        for _ in range(calls):
            count = epochs // calls if order is None else 1
            given = {"alpha": 0.1, "batch_size": 50, "epochs": count, "order": order, "state": state}
            backend.run_updates(model, X, Y, rule, **given)
        found.append(model.theta.flat)
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


# ------------------------------------------------------------------------------------------- products of wide layers


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`products` as plain Python, whose panels assert that they are asked for what the compiled ones have."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    codegen = ("compiling", "vector", "memory", "microkernels", "packed", "transpose")
    for name in (*(f"codegen.{name}" for name in codegen), "gemm"):
        module = again(name)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        package, _, last = module.__name__.rpartition(".")
        monkeypatch.setattr(sys.modules[package], last, module)
    lanes, most = module.REGISTER // 8, module.microkernels.NR
    written: list[tuple[int, int]] = []

    def panel(A: Any, B: Any, S: Any, C: Any, i: int, registers: int, last: int, used: Any = None) -> None:
        assert 1 <= registers <= most
        assert 1 <= last <= lanes
        end = i + (registers - 1) * lanes + last
        assert end <= min(B.shape[1], C.shape[1])
        written.append((registers, A.shape[1]))
        terms = slice(None) if used is None else used[1 : used[0] + 1]
        C[:, i:end] = S[:, i:end] + A[:, terms] @ B[terms, i:end]

    monkeypatch.setattr(module, "multiply_panel", panel)
    monkeypatch.setattr(module, "multiply_panel_indexed", panel)
    module.written = written
    return module


@pytest.mark.parametrize("t", [1, 255, 256, 257, 512, 700])
@pytest.mark.parametrize("k", [1, 7, 8, 9, 32, 33, 48, 56, 57, 199, 200, 201, 207, 208, 209, 429])
@pytest.mark.without_jit
@pytest.mark.uncounted
def test_products_are_cut_into_panels(plain: Any, k: int, t: int) -> None:
    random = np.random.default_rng(k)
    for m, s_rows, turned in ((1, False, False), (1, True, True), (5, False, True), (5, True, False)):  # every two
        A, B = random.integers(-9, 10, (m, t)) * 1.0, random.integers(-9, 10, (t, k)) * 1.0
        S = random.integers(-9, 10, (m if s_rows else 1, k)) * 1.0
        C, expected = np.full((m, k), np.nan), S + A @ B
        plain.written.clear()
        B = np.ascontiguousarray(B.T).T if turned else B
        plain.product(A, B, S, C)
        assert np.array_equal(C, expected)
        if not plain.written:  # operands are packed, or each result is one product
            assert k >= 200 or B.strides[1] != B.itemsize or t == 1 in (k, m)
            continue
        assert {terms for _, terms in plain.written} == {t}
        registers = [n for n, _ in plain.written]
        assert max(registers) - min(registers) <= 1, "about as many in each"
    used = np.array([2, 0, t - 1], np.int32)
    A, B = random.integers(-9, 10, (5, t)) * 1.0, random.integers(-9, 10, (t, k)) * 1.0
    C = np.full((5, k), np.nan)
    plain.product_indexed(A, B, S[:1], C, used)
    assert np.array_equal(C, S[:1] + A[:, [0, t - 1]] @ B[[0, t - 1]])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", [(600, 215, 3), (5, 429, 201, 2), (300, 256)], ids=str)
@pytest.mark.compiled  # as plain Python, `test_mutants` has such layers, of fewer nodes
def test_wide_layers(sizes: tuple[int, ...], dtype: str, record: Any) -> None:
    """Several panels of columns, and several blocks of terms, forward and backward."""
    case = Case(sizes, 9, dtype=dtype)
    networks = case.network(samenet.backend("numba").Network), case.network(samenet.backend("numpy").Network)
    for name, comparison in agreement.forward(*networks, case.X):
        record(name, comparison)
    for name, comparison in agreement.gradient(*networks, case.X, case.Y):
        record(name, comparison)
    for name, comparison in agreement.gradient(*networks, case.X, case.Y, *case.masks):
        record(name, comparison)


# -------------------------------------------------------------------------------------------------- zeros in the input


@pytest.mark.parametrize("rule", [Rule(), Rule(Momentum(0.9)), Rule(clip_value=1e300)], ids=str)
@pytest.mark.parametrize("l2", [0.0, 1e-9])
@pytest.mark.parametrize("weights", [None, (1, 1, 1, 1, 0, 0, 1, 1)], ids=str)
def test_zeros_count_beside_weights_that_became_infinite(
    fast: Backend, l2: float, rule: Rule, weights: tuple[int, ...] | None
) -> None:
    """After one step a weight is infinite; samples that come later have a zero there, and 0 times infinity is NaN."""
    ends = []
    for name in (fast.name, "reference"):
        net = samenet.backend(name).Network([140, 3], activation="identity", seed=0, l2=l2)
        X = np.zeros((8, 140))
        X[:, 0] = 1.0
        X[2:4, 7] = 1e200  # the second batch of two makes the weights at 7 infinite
        start = net.copy()
        seen = []
        for epochs in (1, 2, 3):
            net = start.copy()
            settings = rule.settings(net) | {"alpha": 1.0, "batch_size": 2, "epochs": epochs}
            if weights is not None:
                settings["sample_weight"] = np.array(weights, float)
            with np.errstate(all="ignore"):
                agreement.run_updates(net, X, np.zeros((8, 3)), **settings)
            seen.append(np.isfinite(net.parameters))
        ends.append(seen)
    assert np.array_equal(*ends)
    assert not np.all(ends[0])


@pytest.mark.parametrize("width", WIDTHS)
def test_zeros_are_skipped_from_a_quarter_of_them_on(width: int) -> None:
    sparse_input, n = load(width).sparse_input, 128
    used = np.zeros(sparse_input.list_length(n), np.int32)

    def skipped(X: Any, weights: Any) -> bool:
        return bool(sparse_input.are_zeros_skipped(X, np.empty((len(X), 3)), weights, used, np.zeros(4, np.int64)))

    for zeros, skips in ((0, False), (31, False), (32, True), (33, True), (127, True)):
        for rows in (1, 33, 70):
            X = np.ones((rows, n))
            X[:, :zeros] = 0
            assert skipped(X, np.ones(3)) == skips
            if skips:
                assert used[1 : used[0] + 1].tolist() == list(range(zeros, n))
                for weight in (np.nan, np.inf):
                    assert not skipped(X, np.array([1.0, weight]))
    first_row_alone = np.ones((9, n))
    first_row_alone[0, 1:] = 0
    assert not skipped(first_row_alone, np.ones(3))


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_many_lists_of_zeros(pair: Pair, record: Any) -> None:
    """101 rows are not a multiple of those of a list, nor 140 inputs of what is looked at together."""
    case = Case((140, 3, 2), 101)
    X = mostly_zero(case.X)
    X[100:, 100:110] = 1.0  # in the last list alone
    for name, comparison in agreement.gradient(*both(pair, case), X, case.Y):
        record(name, comparison)
    for size in (101, 40, 30):
        for name, comparison in agreement.lockstep(*both(pair, case), X, case.Y, Descent(size)):
            record(name, comparison)


@pytest.mark.parametrize("sizes", [(140, 210, 2), (140, 199, 2), (127, 210, 2), (127, 199, 2)], ids=str)
def test_zeros_before_a_wide_layer(sizes: tuple[int, ...], record: Any) -> None:
    """On both sides of the sizes from which zeros are looked for, and from which weights are packed."""
    case = Case(sizes, 9)
    networks = case.network(samenet.backend("numba").Network), case.network(samenet.backend("numpy").Network)
    X = mostly_zero(case.X)
    for name, comparison in agreement.forward(*networks, X):
        record(name, comparison)
    for name, comparison in agreement.gradient(*networks, X, case.Y):
        record(name, comparison)
    for name, comparison in agreement.lockstep(*networks, X, case.Y, Descent(4)):
        record(name, comparison)


# ---------------------------------------------------------------------------------------- a coordinator and its helpers


def queue_for(tasks: int) -> Any:
    """A queue whose first task another thread has claimed."""
    queue = np.zeros(parallel._TURNS + tasks, np.int64)
    queue[parallel._CLAIMED] = 1
    return queue


def evaluate(*given: Any) -> Any:
    """The kernel, without factors of the rows."""
    return evaluation.evaluate(*given, np.empty(0))


def run_updates(theta: Any, P: Any, kinds: Any, bias: bool, *given: Any) -> Any:
    """In float64, without DropConnect and sample weights."""
    return training.run_updates((theta, P, kinds, bias), *given, NO_DROP_CONNECT[8], NO_NUMBERS, NO_SAMPLER)


def held_back(work: Any, arguments: tuple[Any, ...], tasks: int, complete: Any) -> Any:
    """work(*arguments, queue, True) while another thread owns the first result and finishes last; returns the result.

    complete(): makes the other thread's result.
    """
    queue, answer = queue_for(tasks), []
    assert parallel.own(queue, 0, 0)
    leader = threading.Thread(target=lambda: answer.append(work(*arguments, queue, True)), daemon=True)
    leader.start()
    while leader.is_alive() and queue[parallel._DONE] < tasks - 1:
        leader.join(0.001)
    leader.join(0.05)
    assert leader.is_alive(), "it waits for the ticket that it has not done itself"
    complete()
    parallel.finish_task(queue)
    leader.join(HANGS)
    return answer[0]


def abandoned(work: Any, arguments: tuple[Any, ...], tasks: int, complete: Any) -> Any:
    """The same, but the other thread never finishes the first task; a late result must be ignored."""
    queue, answer = queue_for(tasks), []
    leader = threading.Thread(target=lambda: answer.append(work(*arguments, queue, True)), daemon=True)
    leader.start()
    leader.join(HANGS)
    assert not leader.is_alive(), "it takes the task over"
    assert not parallel.own(queue, 0, 0)
    assert queue[parallel._DONE] == queue[parallel._ADDED] == tasks
    return answer[0]


@pytest.mark.parametrize("other", [held_back, abandoned])
def test_the_coordinator_and_a_slow_helper_of_predict(other: Any) -> None:
    case = Case((3, 4, 2), BLOCKS)
    net, trusted = case.network(samenet.backend("numba").Network), case.network(samenet.backend("reference").Network)
    X, Y = case.X.copy(), case.Y.copy()
    values, out = np.full(4, np.nan), np.full((BLOCKS, 2), np.nan)

    def complete() -> None:
        first = slice(0, forward.most_rows(case.sizes))
        out[first] = trusted.predict(X[first])
        values[0] = trusted.cost(X[first], Y[first], reduction="sum")

    model = net.parameters, packed_workspace(net.model), layout(net.model), True, _objective(net.model)
    cost, _ = other(evaluate, (*model, X, Y, 1.0, out, values), 4, complete)
    assert cost == pytest.approx(trusted.cost(X, Y, reduction="sum"), rel=1e-12)
    np.testing.assert_allclose(out, trusted.predict(X), rtol=1e-12)


def test_a_late_helper_writes_nothing() -> None:
    """It has claimed a task that the coordinator took over and finished, so its result is dropped."""
    net = samenet.backend("numba").Network([3, 4, 2], seed=0)
    X, Y = np.ones((BLOCKS, 3)), np.ones((BLOCKS, 2))
    model = net.parameters, packed_workspace(net.model), layout(net.model), True, _objective(net.model)
    values, out, G, costs = (
        np.full(4, 7.0),
        np.full((BLOCKS, 2), 7.0),
        np.full((1, packed_workspace(net.model).size), 7.0),
        [7.0],
    )
    state = np.empty((0, net.parameters.size))
    data = X, Y, np.empty((0, 0), np.int64), (np.empty(0, np.int64), np.empty(0), 0, 0)
    for work, arguments, tasks in (
        (evaluate, (*model, X, Y, 1.0, out, values), 4),
        (
            run_updates,
            (*model, data, (BLOCKS, False), np.empty(0), _NO_RULE, state, np.array(costs), G, values),
            1,
        ),
    ):
        queue = np.zeros(parallel._TURNS + tasks, np.int64)
        parallel.add_tasks(queue, tasks)
        assert all(parallel.own(queue, slot, 0) for slot in range(tasks))
        helper = threading.Thread(target=work, args=(*arguments, queue, False), daemon=True)
        helper.start()
        while helper.is_alive() and queue[parallel._CLAIMED] < tasks:
            helper.join(0.001)
        queue[parallel._CLOSED] = 1
        helper.join(HANGS)
        assert queue[parallel._DONE] == 0
    for left in (values, out, G):
        assert (left == 7).all()


@pytest.mark.parametrize("parameters", [2_000, 131_071, 131_072, 10**7])
def test_a_batch_of_a_thousand_rows_has_parts_for_several_threads(parameters: int) -> None:
    """An even number, so that two threads have as much to do."""
    assert training.parts_of(1000, parameters) in (2, 4, 6, 8)


def test_a_helper_looks_at_the_weights_of_each_update() -> None:
    """A zero input is not skipped if its weight became infinite in the previous update."""
    net = samenet.backend("numba").Network([300, 4, 2], activation="identity", seed=0)
    X, Y = np.zeros((512, 300)), np.ones((512, 2))
    X[:, 0] = 1.0
    parts = training.parts_of(len(X), net.parameters.size)
    assert parts > 1
    P, G, values = packed_workspace(net.model), np.zeros((parts, packed_workspace(net.model).size)), np.zeros(parts)
    P[:] = 0.01
    data = X, Y, np.empty((0, 0), np.int64), (np.empty(0, np.int64), np.empty(0), 0, 0)
    arguments = (*(net.parameters, P, layout(net.model), True, _objective(net.model), data, (len(X), False)),)
    state = np.empty((0, net.parameters.size))
    queue = np.zeros(parallel._TURNS + parts, np.int64)
    work = (*arguments, np.ones(2), _NO_RULE, state, np.empty(2), G, values, queue, False)
    helper = threading.Thread(target=run_updates, args=work, daemon=True)
    helper.start()
    for update, is_finite in ((1, True), (2, False)):
        parallel.add_tasks(queue, parts)
        while helper.is_alive() and queue[parallel._DONE] < update * parts:
            helper.join(0.001)
        assert np.isfinite(values).all() == is_finite
        P[packing.row_length(4, 8) :][0] = np.inf  # the weight of the second input, which is 0 in every row
    queue[parallel._CLOSED] = 1
    helper.join(HANGS)


@pytest.mark.parametrize("other", [held_back, abandoned])
@pytest.mark.uncounted
def test_the_coordinator_and_a_slow_helper_of_a_gradient(other: Any) -> None:
    case = Case((20, 24, 3), 421)
    net, trusted = case.network(samenet.backend("numba").Network), case.network(samenet.backend("reference").Network)
    X, Y = case.X.copy(), case.Y.copy()
    parts = training.parts_of(421, net.parameters.size)
    G, values, costs = workspace(net.model, parts).G, np.full(parts, np.nan), np.empty(1)
    first = slice(0, 421 // parts)
    theta = net.parameters.copy()
    value, slope = trusted.gradient(X[first], Y[first], reduction="sum")

    def complete() -> None:
        values[0], place = value, 0
        for W, b in zip(slope.weights, slope.biases, strict=True):
            for row in (*W.T, b):  # as kernels have them
                G[0, place : place + len(b)] = row
                place += packing.row_length(len(b), REGISTER // G.itemsize)

    model = theta, packed_workspace(net.model), layout(net.model), True, _objective(net.model)
    data = X, Y, np.empty((0, 0), np.int64), (np.empty(0, np.int64), np.empty(0), 0, 0)
    state = np.empty((0, theta.size))
    arguments = (*model, data, (421, False), np.empty(0), _NO_RULE, state, costs, G, values)
    other(run_updates, arguments, parts, complete)
    expected = trusted.gradient(X, Y, reduction="sum")
    assert costs[0] == pytest.approx(expected[0], rel=1e-12)
    np.testing.assert_allclose(theta, expected[1].flat, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("sizes", [(3, 2, 3, 2), (1, 2, 1, 2, 1, 2)])
def test_small_networks_of_many_layers(sizes: tuple[int, ...], bias: bool) -> None:
    """Mistakes in offsets from layer to layer show from the third layer on."""
    from samenet.fast.kernels import tiny_network

    nets = [
        samenet.backend(name).Network(sizes, bias=bias, activation="tanh", init="normal", seed=3)
        for name in ("numpy", "numba")
    ]
    assert tiny_network.fits(nets[1].model, 2)
    random = np.random.default_rng(0)
    X, Y = random.normal(size=(5, sizes[0])), random.random((5, sizes[-1]))
    begin = nets[0].parameters.copy()
    for net in nets:
        net.train(X, Y, alpha=0.5, epochs=3, batch_size=2, shuffle=False)
    assert (nets[0].parameters != begin).all()
    np.testing.assert_allclose(nets[1].parameters, nets[0].parameters, rtol=1e-9, atol=1e-12)
