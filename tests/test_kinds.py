"""The kinds of settings that `peers` measures: every option is checked before it is timed, and losses are reported."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_inputs import content as small_record

import samenet
from benchmarks import contenders, inputs, limits
from benchmarks import kinds as catalogue
from benchmarks.catalogue import PEERS
from benchmarks.contenders import Way, jaxed, lean, ours, pytorch, scikit
from benchmarks.expected import Expected, few
from benchmarks.kinds import KINDS, PeerCase
from benchmarks.peers import process
from benchmarks.problem import SEED, Call, Descent, Forward, Gradient, Many, Task, cast, features, ready
from benchmarks.report import figures, kinds, page
from benchmarks.report import peers as text
from benchmarks.report.model import Outcome, Record, Setting
from samenet.compare import timing

pytestmark = pytest.mark.compiled  # the same without the JIT
WITHOUT_MORE = [module.PEER for module in (ours, lean, scikit)]  # peers that need only samenet's own extras
SIZES, BINARY = (5, 4, 3), "binary_cross_entropy"

training = partial(inputs.training, SIZES, 12, 4)


def gradient(**given: Any) -> Gradient:
    task = training(**given)
    return Gradient(task.network, task.X, task.Y)


TASKS: dict[str, Callable[[], Task]] = {
    **{rule: partial(training, rule) for rule in catalogue.RULES},
    "online": partial(inputs.training, SIZES, 9, 1, "adam"),
    "full batch": partial(inputs.training, SIZES, 12, 12, "momentum"),
    "l1": partial(training, l1=0.05),
    "l2": partial(training, l2=0.05),
    "both penalties": partial(training, "nesterov", l1=0.02, l2=0.05),
    "binary cross-entropy": partial(training, cost="binary_cross_entropy", l2=0.05),
    "one label": partial(inputs.training, (5, 4, 1), 12, 4, cost="binary_cross_entropy"),
    "cross-entropy": partial(training, "adam", cost="cross_entropy", hidden="relu"),
    "regression": partial(training, "adam", hidden="tanh", output="identity"),
    "dropout": partial(training, "adam", hidden="relu", dropout=0.5),
    "batch normalization": partial(training, "adam", hidden="relu", batch_normalization=True, l2=0.05),
    "DropConnect": partial(training, hidden="relu", drop_connect=0.5),
    "both masks": partial(training, dropout=0.2, drop_connect=0.5),
    "clipped values": partial(training, "momentum", clip_value=0.01),
    "clipped norms": partial(training, "momentum", clip_norm=0.05),
    "falling rates": partial(inputs.training, SIZES, 12, 12, "adam", decay=0.5),
    "sample weights": partial(training, cost="cross_entropy", weighted=True),
    "weights of labels": partial(training, "adam", cost="binary_cross_entropy", weighted=True, decay=0.5),
    "images": partial(inputs.training, (784, 3, 2), 6, 2),
    "many": partial(inputs.many, 5, SIZES, 12, 12, "descent", 3),
    "many by mini-batches": partial(inputs.many, 5, SIZES, 12, 4, "adam", 2),
    "gradient": lambda: gradient(),
    "gradient with l1": lambda: gradient(hidden="relu", output="identity", l1=0.05),
    "gradient with l2": lambda: gradient(cost="cross_entropy", hidden="tanh", l2=0.05),
    "gradient of labels": lambda: gradient(cost="binary_cross_entropy", l1=0.02, l2=0.05),
    "relu and softmax": partial(inputs.batch, SIZES, 23, "relu", "softmax"),
    "tanh and identity": partial(inputs.batch, SIZES, 23, "tanh", "identity"),
}


def make(peer: contenders.Peer, task: Task) -> dict[str, Call]:
    """The contenders of a peer that can do a task."""
    made = {name: way.make(task) for name, way in peer.ways.items()}
    return {name: call for name, call in made.items() if isinstance(call, Call)}


# The catalogue


def test_every_kind_that_people_train_in_is_there():
    assert PEERS[-len(KINDS) :] == KINDS
    assert max(Counter(f"{one}" for one in KINDS).values()) == 1, "each name stands for one case"
    tasks = {one: one.make(False) for one in KINDS if one.kind not in ("wide layers", catalogue.MANY)}
    trained = [task for task in tasks.values() if isinstance(task, Descent)]
    assert {task.rule for task in trained} == set(catalogue.RULES)
    for rule in catalogue.RULES:
        assert {1, 8, 16, 32} <= {task.batch_size for task in trained if task.rule == rule}
    assert {task.network.model.cost_function for task in trained} == {
        "squared_error",
        "binary_cross_entropy",
        "cross_entropy",
    }
    models = [task.network.model for task in trained]
    assert any(m.l1 for m in models)
    assert any(m.l2 for m in models)
    assert any(m.activations[-1] == "identity" for m in models)
    assert any(task.dropout for task in trained)
    assert {"batch_normalization", "drop_connect", "clip_value", "clip_norm", "decay", "weights"} <= {
        feature for task in trained for feature in features(task)
    }
    of_small = [task for one, task in tasks.items() if one.kind == "small batches"]
    assert {task.batch_size for task in of_small if isinstance(task, Descent)} == set(catalogue.ROWS)
    assert {len(task.rows) for task in of_small if isinstance(task, Forward)} == set(catalogue.ROWS)
    assert {one.network for one in KINDS if one.kind == "limits of tiny networks"} == {
        f"10-{width}-3" for width in (8, 9, 16, 17, 32, 33)
    }
    for one in KINDS:
        assert one.kind
        assert one.dtypes(quick=False) == ("float64", "float32")
        assert not one.threads


def test_a_quick_run_has_one_of_every_kind():
    quick = [one for one in KINDS if one.quick]
    assert {one.kind for one in quick} == {one.kind for one in KINDS}
    assert len(quick) <= 15
    assert {one.dtypes(quick=True) for one in quick} == {("float64",)}


def test_what_a_call_has_to_do_is_bounded():
    for sizes, rows, size in (((4, 8, 3), 160, 1), ((784, 128, 10), 960, 32)):
        task = inputs.training(sizes, rows, size)
        assert task.amount <= 320
        assert limits.work(sizes, task.amount * size, task.amount)["multiply_adds"] < 2 * inputs._WORK
    assert inputs.training((512, 512, 512), 128, 128).passes == 2


def test_cases_are_chosen_by_words():
    def names(*only: str, quick: bool = False) -> set[str]:
        return {f"{PEERS[i].kind}: {PEERS[i]}" for i in process.chosen(quick, only, kinds=True)}

    assert len(names()) == len(KINDS)
    assert all("adam" in name for name in names("adam"))
    assert "update rules: 4-8-3, adam, online" in names("adam")
    assert {name.partition(":")[0] for name in names("wide layers")} == {"wide layers"}
    assert names("wide layers", quick=True) < names("wide layers")
    assert not set(process.chosen(False, (), kinds=True)) & set(process.chosen(False, (), kinds=False))
    assert [str(PEERS[i]) for i in process.chosen(False, ["2-3-2"], kinds=False)] == ["2-3-2, online, 60,000 samples"]


def test_a_task_in_other_numbers_keeps_its_settings():
    task = cast(TASKS["both penalties"](), "float32", 1)
    assert (task.network.model.l1, task.network.model.l2, task.network.dtype) == (0.02, 0.05, np.float32)
    many = cast(TASKS["many"](), "float32", 1)
    assert isinstance(many, Many)
    assert {network.dtype for network in many.networks} == {np.dtype(np.float32)}
    assert many.one.X.dtype == np.float32
    assert (many.amount, many.part(7).amount, many.part(1).amount) == (15, 6, 3)


# The features of a task


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("gradient", []),
        ("gradient of labels", ["binary_cross_entropy", "l1", "l2"]),
        ("descent", ["shuffle"]),
        ("full batch", ["momentum"]),
        ("both penalties", ["nesterov", "l1", "l2", "shuffle"]),
        ("cross-entropy", ["relu", "softmax", "cross_entropy", "adam", "shuffle"]),
        ("dropout", ["relu", "adam", "dropout", "shuffle"]),
        ("batch normalization", ["relu", "adam", "l2", "shuffle", "batch_normalization"]),
        ("both masks", ["dropout", "shuffle", "drop_connect"]),
        ("clipped values", ["momentum", "shuffle", "clip_value"]),
        ("clipped norms", ["momentum", "shuffle", "clip_norm"]),
        ("falling rates", ["adam", "decay"]),
        ("weights of labels", ["binary_cross_entropy", "adam", "shuffle", "decay", "weights"]),
        ("many", []),
        ("tanh and identity", ["tanh", "identity"]),
    ],
)
def test_what_a_library_has_to_have(what, words):
    assert features(TASKS[what]()) == words


def test_what_a_way_lacks_is_told_in_a_word():
    task = TASKS["both penalties"]()
    way = Way("no", lambda task: "called", takes=frozenset({"nesterov", "shuffle", "l2"}))
    assert way.make(task) == "l1"
    assert replace(way, takes=frozenset({"nesterov", "shuffle", "l2", "l1"})).make(task) == "called"
    assert way.make(TASKS["many"]()) == "many"
    assert way.make(TASKS["relu and softmax"]()) == "no"


# The answers

# Only `make peers` installs other libraries, and checks each answer before it is timed. If they are installed, these
# tests run on them, too.
HERE = [peer for peer in contenders.registered() if not peer.missing()]


def test_contenders_that_need_nothing_but_the_tests_own_packages_are_here():
    assert {ours.PEER.name, lean.PEER.name, scikit.PEER.name} <= {peer.name for peer in HERE}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("what", TASKS)
@pytest.mark.parametrize("peer", HERE, ids=lambda peer: peer.name)
def test_every_contender_that_is_here_gives_the_reference_s_answer(peer, what, dtype):
    task = cast(TASKS[what](), dtype, 1)
    expected = Expected(task)
    for name, call in make(peer, few(task)).items():
        for _ in range(2):  # the second call begins where the first did
            comparison = expected.compare(call.read(call.run()), call.looser)
            assert comparison.ok, f"{name}: {comparison}"


def test_who_takes_part():
    assert make(ours.PEER, TASKS["dropout"]()).keys() == {ours.NUMBA, ours.NUMPY}
    assert make(ours.PEER, TASKS["many"]()).keys() == {ours.NUMBA, ours.NUMPY}
    assert make(ours.PEER, TASKS["gradient"]()).keys() == {ours.NUMBA, ours.NUMPY}
    assert make(lean.PEER, TASKS["gradient"]())
    assert not make(lean.PEER, TASKS["gradient of labels"]())
    for what in ("l2", "l1", "rmsprop", "dropout", "many", "adam", "gradient of labels", "weights of labels"):
        assert not make(scikit.PEER, TASKS[what]()), "its sigmoids have no squared error"
    for what in ("binary cross-entropy", "cross-entropy", "one label", "regression", "relu and softmax"):
        assert make(scikit.PEER, TASKS[what]()), what
    for lacking in (inputs.training((5, 4, 3), 2, 2, cost="cross_entropy"), inputs.training((5, 1), 1, 1, cost=BINARY)):
        assert scikit.PEER.ways[scikit.NAME].make(lacking) == "it fits rows that have every class"
    for what in ("momentum", "l2", "dropout", "many"):
        assert not make(lean.PEER, TASKS[what]())
        for peer in (jaxed.PEER, pytorch.PEER):
            assert peer.missing() or make(peer, TASKS[what]())


@pytest.mark.parametrize("what", [name for name, make in TASKS.items() if isinstance(make(), Descent)])
@pytest.mark.parametrize("peer", HERE, ids=lambda peer: peer.name)
def test_what_is_timed_is_the_training_that_is_meant(peer, what):
    task = replace(TASKS[what](), passes=3)
    assert isinstance(task, Descent)
    network = task.network.on("numpy")
    network.train(task.X, task.Y, **ours._settings(task))
    assert np.abs(network.parameters - task.network.parameters).max() > 1e-4
    for name, call in make(peer, task).items():
        if not np.isinf(call.looser) and name != scikit.NAME:  # whose orders are its own
            np.testing.assert_allclose(call.read(call.run()), network.parameters, rtol=0, atol=1e-9, err_msg=name)


def test_orders_are_those_that_samenet_draws():
    for masks in ({}, {"dropout": 0.5}, {"drop_connect": 0.5}):
        task = replace(training("descent"), passes=2, **masks)
        random = np.random.default_rng(SEED)
        if masks:
            random.integers(2**63)
        assert task.orders().tolist() == np.array([random.permutation(12) for _ in range(2)]).reshape(-1, 4).tolist()
    whole = replace(task, shuffle=False).orders()
    assert whole.tolist() == [list(range(i, i + 4)) for i in (0, 4, 8, 0, 4, 8)]


def wrong_network(task: Any, **settings: float) -> Any:
    network = task.network
    model = {**network.model.settings, **settings}
    other = type(network)(network.sizes, weights=network.weights, biases=network.biases, **model)
    return replace(task, network=other)


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        ("nesterov", lambda task: replace(task, rule="momentum")),
        ("momentum", lambda task: replace(task, rule="descent")),
        ("adam", lambda task: replace(task, rule="rmsprop")),
        ("adam", lambda task: replace(task, alpha=task.alpha * (1 + 1e-9))),
        ("rmsprop", lambda task: replace(task, alpha=task.alpha * (1 + 1e-9))),
        ("adam", lambda task: replace(task, shuffle=False)),
        ("l1", partial(wrong_network, l1=0.0)),
        ("l2", partial(wrong_network, l2=0.0501)),
        ("l2", partial(wrong_network, l1=0.05, l2=0.0)),
        ("binary cross-entropy", partial(wrong_network, cost="squared_error")),
        ("dropout", lambda task: replace(task, dropout=0.0)),
        ("dropout", lambda task: replace(task, dropout=0.4)),
        ("batch normalization", partial(wrong_network, batch_normalization=False)),
        ("DropConnect", lambda task: replace(task, drop_connect=0.4)),
        ("DropConnect", lambda task: replace(task, drop_connect=0.0)),
        ("both masks", lambda task: replace(task, dropout=0.0)),
        ("clipped values", lambda task: replace(task, clip_value=0.0101)),
        ("clipped norms", lambda task: replace(task, clip_norm=0.0505)),
        ("falling rates", lambda task: replace(task, decay=0.51)),
        ("sample weights", lambda task: replace(task, weights=None)),
        ("sample weights", lambda task: replace(task, weights=task.weights[::-1])),
        ("gradient with l1", partial(wrong_network, l1=0.0501)),
        ("gradient with l2", partial(wrong_network, l2=0.0501)),
        ("gradient", lambda task: replace(task, Y=task.Y[::-1])),
        ("gradient", lambda task: replace(task, X=task.X[1:], Y=task.Y[1:])),
        ("many", lambda task: replace(task, networks=task.networks[::-1])),
        ("many", lambda task: replace(task, networks=task.networks[:1] * 3)),
        ("many by mini-batches", lambda task: replace(task, one=replace(task.one, rule="rmsprop"))),
    ],
)
def test_a_wrong_setting_is_noticed(what, wrong):
    task = TASKS[what]()
    small = few(task)
    for given, ok in ((small, True), (wrong(small), False)):
        call = ready(ours.PEER.ways[ours.NUMPY].make(given))
        assert Expected(task).compare(call.read(call.run()), 0.0).ok is ok


def test_large_networks_are_checked_by_numpy(monkeypatch):
    tasks = [
        cast(TASKS[what](), "float64", 1)
        for what in ("adam", "gradient of labels", "cross-entropy", "dropout", "many", "relu and softmax")
    ]
    by_loops = [Expected(task) for task in tasks]
    monkeypatch.setattr("benchmarks.expected._LOOPS_UP_TO", 0)
    for task, loops in zip(tasks, by_loops, strict=True):
        by_numpy = Expected(task)
        np.testing.assert_allclose(by_numpy.values, loops.values, rtol=0, atol=1e-12)
        np.testing.assert_allclose(by_numpy.allowed, loops.allowed, rtol=1e-3)


def test_masks_of_its_own_are_compared_by_shape_and_dtype():
    expected = Expected(TASKS["dropout"]())
    other = expected.values + 1.0
    assert expected.compare(other, np.inf).ok
    assert not expected.compare(other, 0.0).ok
    for spoilt in (other * np.nan, other[:-1], other.astype(np.float32), other + np.inf):
        assert not expected.compare(spoilt, np.inf).ok


def test_jax_has_the_rules_of_optax():
    jax: Any = pytest.importorskip("jax")
    optax: Any = pytest.importorskip("optax")
    jax.config.update("jax_enable_x64", True)
    theirs = {
        "descent": optax.sgd(0.1),
        "momentum": optax.sgd(0.1, momentum=0.9),
        "nesterov": optax.sgd(0.1, momentum=0.9, nesterov=True),
        "rmsprop": optax.rmsprop(0.1, decay=0.9, eps=1e-8, eps_in_sqrt=False),
        "adam": optax.adam(0.1),
    }
    for name, optimizer in theirs.items():
        states, step = jaxed.rule(jax, name, 0.1)
        p = q = jax.numpy.array([0.3, -0.2, 0.1])
        state, kept = (jax.numpy.zeros(3),) * states, optimizer.init(q)
        for t in (1, 2, 3):
            p, state = step(p, p * p - t, state, jax.numpy.float64(t))
            moved, kept = optimizer.update(q * q - t, kept, q)
            q = optax.apply_updates(q, moved)
        np.testing.assert_allclose(p, q, rtol=1e-12, err_msg=name)


def test_many_networks_are_trained_at_once_where_samenet_can(monkeypatch):
    task = TASKS["many by mini-batches"]()
    called = []

    def train_many(networks: list[samenet.Network], X: Any, Y: Any, *, seeds: list[int], **settings: Any) -> None:
        called.append(len(networks))
        for network, seed in zip(networks, seeds, strict=True):
            network.train(X, Y, seed=seed, **settings)

    monkeypatch.setattr(samenet, "train_many", train_many, raising=False)
    call = ready(ours.PEER.ways[ours.NUMBA].make(few(task)))
    assert Expected(task).compare(call.read(call.run()), 0.0).ok
    assert called == [3]
    assert call.note == "train_many"
    monkeypatch.setattr(samenet, "train_many", None)
    assert ready(ours.PEER.ways[ours.NUMBA].make(few(task))).note == "one after the other"


# From processes to the page


@pytest.fixture(scope="module")
def settings() -> list[dict[str, Any]]:
    """Three settings, as a process of each measures them."""
    cases = [
        PeerCase("5-4-3", "adam, by 4", lambda _: training("adam"), threads=False, kind="update rules"),
        PeerCase("5-4-3", "cross entropy", lambda _: TASKS["cross-entropy"](), threads=False, kind="costs"),
        PeerCase("5-4-3", "batch of 23", lambda _: inputs.batch(SIZES, 23), threads=False, kind="costs"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "_SAMPLE", 1e-5)
        patch.setattr(timing, "_ROUNDS", (3, 3))
        patch.setattr(process, "registered", lambda: WITHOUT_MORE)
        found = [process.setting(one, "float64", 1, 0.01, quick=True) for one in cases]
    return [{**json.loads(json.dumps(one)), "limit_seconds": 1e-9} for one in found]


def with_ratios(settings: list[dict[str, Any]], *estimates: float) -> tuple[Setting, ...]:
    """The settings, with these ratios of all others' times to samenet's."""
    found = []
    for one, estimate in zip(settings, estimates, strict=True):
        ratios = [r | {"estimate": estimate, "low": estimate, "high": estimate} for r in one["ratios"]]
        found.append(Setting.read(one | {"ratios": ratios}))
    return tuple(found)


def test_what_a_process_of_a_setting_measures(settings):
    first, second, third = map(Setting.read, settings)
    assert [s.kind for s in (first, second, third)] == ["update rules", "costs", "costs"]
    assert first.ours == ours.NUMBA
    assert first.others == [ours.NUMPY], "the NumPy backend is one of the others in a kind"
    assert set(second.others) == {ours.NUMPY, scikit.NAME}
    assert set(third.others) == {ours.NUMPY, scikit.NAME, lean.NAME}
    assert ours.LOOPS not in third.case.rows
    assert first.left_out[lean.NAME] == "adam"
    assert first.left_out[scikit.NAME] == scikit.REASON
    assert replace(third, kind="").others == [name for name in third.others if name != ours.NUMPY]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process is new, and knows the catalogue's cases alone")
@pytest.mark.filterwarnings("ignore:os.fork", "ignore:This process")  # by JAX or Python, if a test has started threads
def test_every_setting_has_a_process_of_its_own(monkeypatch):
    def given(one: PeerCase, *others: Any) -> dict[str, Any]:
        if one.network == "0":
            os._exit(3)
        return {"process": os.getpid(), "given": [one.network, *others]}

    monkeypatch.setattr(process, "registered", list)
    monkeypatch.setattr(process, "setting", given)
    cases = [PeerCase(name, "", lambda _: training("adam"), threads=False) for name in ("0", "5-4-3")]
    monkeypatch.setattr(process, "PEERS", cases)
    found = process.settings([(1, "float64"), (1, "float32")], 0.5, quick=True)
    assert [one["given"] for one in found] == [["5-4-3", dtype, 1, 0.5, True] for dtype in ("float64", "float32")]
    assert len({os.getpid(), *(one["process"] for one in found)}) == 3
    with pytest.raises(RuntimeError, match="the process of 0, .*, float64 ended without an answer"):
        process.settings([(0, "float64")], 0.5, quick=True)


def test_a_slow_contender_is_timed_in_part(settings, monkeypatch):
    task = replace(training("adam"), passes=20)
    make = ours.PEER.ways[ours.NUMPY].make
    assert process.tenth(make, task).amount == 60
    monkeypatch.setattr(process, "_LONGEST_OF_A_KIND", 0.0)
    assert process.tenth(make, task).amount == 6
    for what in ("many", "relu and softmax", "gradient"):
        assert process.tenth(make, TASKS[what]()).amount == TASKS[what]().amount
    assert process.tenth(lambda given: "no" if given.amount < 60 else make(given), task) is task
    assert {row["name"]: row["timed"]["median_seconds"] > 0 for row in settings[0]["rows"]}[ours.NUMBA]


def test_a_setting_is_ahead_even_or_behind():
    assert [kinds.verdict(x) for x in (0.5, 0.95, 0.953, 1.0, 1.05, 1.051, 3.0)] == [
        *("behind", "behind", "even", "even", "even", "ahead", "ahead")
    ]


def test_losses_are_counted_as_wins_are(settings):
    found = with_ratios(settings, 0.5, 1.0, 3.0)
    rows = kinds.counts(found).rows
    assert rows[0] == ("update rules", "1", "0", "0", "1", "0.500x", "0.500x")
    assert rows[1] == ("costs", "2", "1", "1", "0", "2.00x", "1.00x")
    assert rows[2] == ("**all**", "3", "1", "1", "1", "1.00x", "0.500x")
    told = kinds.told(found)
    assert "in each of 3 settings, samenet is ahead in 1, even in 1 (within 5 %) and **behind in 1**" in told
    assert "has a median of 1.00x and a minimum of 0.500x" in told
    worst = kinds.worst_settings(found).rows
    assert [row[0] for row in worst] == ["5-4-3, adam, by 4", "5-4-3, cross entropy", "5-4-3, batch of 23"]
    assert worst[0][1:3] == ("update rules", ours.NUMPY)
    assert len(kinds.worst_settings(found * 5).rows) == 10


def test_a_wrong_answer_has_no_ratio(settings):
    spoilt = json.loads(json.dumps(settings))
    for row in spoilt[0]["rows"]:
        row["ok"] = row["name"] != ours.NUMBA
    found = with_ratios(spoilt, 0.5, 1.0, 3.0)
    assert kinds.ratio(found[0]) is None
    assert kinds.counts(found).rows[-1][1] == "2"
    assert "FAIL" in kinds.table(found[:1]).markdown()


def test_the_table_of_a_kind_says_why_a_contender_is_not_there(settings):
    found = with_ratios(settings, 0.5, 1.0, 3.0)
    table = kinds.table(found)
    assert table.headings == ("setting", "samenet", ours.NUMPY, scikit.NAME, lean.NAME, "worst error / allowed")
    cells = [dict(zip(table.headings, row, strict=True)) for row in table.rows]
    assert (cells[0][lean.NAME], cells[0][scikit.NAME]) == ("adam", "no")
    assert cells[1][lean.NAME] == "relu"
    assert cells[1][scikit.NAME].startswith("1.00x")
    assert f"- {scikit.NAME}: {scikit.REASON}" in kinds.left_out(found).splitlines()
    assert f"- {lean.NAME}, in no setting: adam" in kinds.left_out(found[:1]).splitlines()


@pytest.fixture
def outcome(settings: list[dict[str, Any]], tmp_path: Path) -> Outcome:
    around = {"processor": "p", "cores": 2, "python": "CPython", "utc": "2026-11-21T06:15:59+00:00", "commit": "c0ffee"}
    content = {"environment": around | {"packages": {}}, "quick": True, "repeats": 1, "absent": {}, "images": "none"}
    once = {
        "first_answer_seconds": 0.5,
        "import_seconds": {"numba": 0.3},
        "kernels": {"cold_seconds": 12.0, "kernels": 20, "more_for_another_shape": 0},
        "memory": {"data_bytes": 4000, "added_bytes": 1000},
    }
    folder = tmp_path / "results" / "machine"
    folder.mkdir(parents=True)
    (folder / "peers.json").write_text(json.dumps(content | {"cases": settings, "machine": {}, "once": once}))
    return Outcome.read(folder)


def test_the_texts_and_the_figure_of_a_run(outcome):
    whole, short = text.page(outcome), text.mention(outcome)
    assert outcome.tutorials == ()
    for line in ("## Update rules", "## Costs", "in each of 3 settings", "The settings with the lowest ratios (3):"):
        assert line in whole
    assert "(kinds.png)" in whole
    assert "(machine/kinds.png)" in short
    assert kinds.in_words(outcome.settings) in short
    assert [path.name for path in figures.draw_peers(outcome.folder)] == ["peers.png", "kinds.png"]


def test_the_page_for_a_browser_has_them(outcome):
    (outcome.folder / "comparison.json").write_text(json.dumps(small_record()))
    made = page.page(Record.read(outcome.folder), outcome.folder)
    assert 'id="beside"' in made
    assert "<strong>behind in " in made
    assert "5-4-3, adam, by 4" in made
    (outcome.folder / "peers.json").unlink()
    assert 'id="beside"' not in page.page(Record.read(outcome.folder), outcome.folder)
