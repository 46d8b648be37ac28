"""Settings of `peers` drawn at random: the same for a seed, valid, bounded, of every kind; and their page."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import draw, limits, peers
from benchmarks.contenders import lean, ours, scikit
from benchmarks.expected import Expected, few
from benchmarks.kinds import MANY, RULES, PeerCase
from benchmarks.peers import process
from benchmarks.problem import Descent, Forward, Gradient, Many, Task, features, ready
from benchmarks.report import figures
from benchmarks.report import peers as text
from benchmarks.report.model import Outcome
from samenet.compare import timing

pytestmark = pytest.mark.compiled  # the same without the JIT
CASES = draw.cases(240, 5)


def name(one: PeerCase) -> tuple[str, ...]:
    return one.kind, str(one), one.only


def task(one: PeerCase) -> Task:
    return one.task(False, *one.dtypes(False), 1)


# The draw


def test_a_setting_is_that_of_its_place_and_seed():
    assert [name(one) for one in draw.cases(30, 5)] == [name(one) for one in CASES[:30]]
    drawn_twice = [one.make(False) for one in (draw.cases(1, 5)[0], CASES[0])]
    first, second = (given.network.parameters for given in drawn_twice)
    np.testing.assert_array_equal(first, second)
    assert not {name(one)[1] for one in draw.cases(30, 6)} & {name(one)[1] for one in CASES}
    assert max(Counter(str(one) for one in CASES).values()) == 1


def test_a_dozen_has_every_kind():
    assert Counter(one.kind for one in draw.cases(12, 0)) == Counter(draw.TURNS)
    assert set(draw.TURNS) == set(draw.KINDS)
    assert Counter(draw.TURNS)[MANY] == 1


def test_every_size_and_option_is_drawn():
    tasks = {one: one.make(False) for one in CASES}
    sizes = [given.network.sizes for given in tasks.values()]
    assert {len(given) for given in sizes} == {2, 3, 4, 5}
    assert max(given[0] for given in sizes) <= draw.INPUTS
    for low, high in ((1, 2), (5, 10), (50, 100), (500, 1100)):
        assert any(low <= n <= high for given in sizes for n in given[1:])
    assert max(n for given in sizes for n in given) <= draw.WIDEST
    trained = [given for given in tasks.values() if isinstance(given, Descent)]
    models = [given.network.model for given in (*trained, *(g for g in tasks.values() if isinstance(g, Gradient)))]
    assert {given.rule for given in trained} == set(RULES)
    assert {m.cost_function for m in models} == {"squared_error", "binary_cross_entropy", "cross_entropy"}
    assert {m.activations[0] for m in models if len(m.sizes) > 2} == {"sigmoid", "tanh", "relu"}
    assert {m.activations[-1] for m in models} == {"sigmoid", "tanh", "identity", "softmax"}
    assert any(m.l1 for m in models)
    assert any(m.l2 for m in models)
    assert {0.0, 0.2, 0.5} == {given.dropout for given in trained}
    assert {"batch_normalization", "drop_connect", "clip_value", "clip_norm", "decay", "weights"} <= {
        feature for given in trained for feature in features(given)
    }
    assert {one.only for one in CASES} == {"float64", "float32"}
    rows = [given.batch_size for given in trained]
    assert min(rows) == 1
    assert max(rows) > 500


def work(given: Task) -> float:
    """Multiply-adds of a call, or of a pass in it."""
    if isinstance(given, Forward):
        return len(given.rows) * limits.products(given.network.sizes)
    one = given.one if isinstance(given, Many) else given
    networks = len(given.networks) if isinstance(given, Many) else 1
    return 3.0 * networks * len(one.X) * limits.products(one.network.sizes)


def test_what_a_setting_has_to_do_is_bounded():
    for one in CASES:
        given = one.make(False)
        assert work(given) <= draw._WORK * (2 if isinstance(given, Descent) else 1) or given.amount <= 2, one
        if isinstance(given, Many):
            assert given.amount <= 2 * draw._UPDATES
        elif isinstance(given, Descent):
            assert len(given.X) <= draw.ROWS
            assert given.amount <= 2 * draw.ROWS


def test_the_title_says_what_is_done():
    for one in CASES:
        given = one.make(False)
        if isinstance(given, Gradient):
            assert f"gradient of {len(given.X)}, " in one.operation
        if isinstance(given, Many):
            assert one.operation.startswith(f"{len(given.networks)} networks, {given.one.rule}, by ")
        if not isinstance(given, Descent):
            continue
        assert one.operation.startswith(f"{given.rule}, ")
        assert one.kind == (
            "single update"
            if given.amount == 1
            else {1: "online", len(given.X): "full batch"}.get(given.batch_size, "mini-batches")
        )
        assert given.shuffle == (given.batch_size < len(given.X))
        for word, used in (
            *(("l1", given.network.model.l1), ("l2", given.network.model.l2), ("dropout", given.dropout)),
            *(("normalized", given.network.model.batch_normalization), ("DropConnect", given.drop_connect)),
            *(("clipped values", given.clip_value < np.inf), ("clipped norms", given.clip_norm < np.inf)),
            *(("falling rates", given.decay), ("sample weights", given.weights is not None)),
        ):
            assert (f", {word}" in one.operation) == bool(used), one


@pytest.mark.parametrize("place", range(12))
def test_every_setting_can_be_given_to_samenet(place):
    one = CASES[place]
    small = few(task(one))
    expected = Expected(small)
    for peer in (ours.PEER, lean.PEER, scikit.PEER):
        for way in peer.ways.values():
            if not way.model and not isinstance(call := way.make(small), str):
                assert expected.compare(call.read(call.run()), call.looser).ok
    call = ready(ours.PEER.ways[ours.NUMBA].make(small))
    assert expected.compare(call.read(call.run()), 0.0).ok


# The command


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring made short, in this process, by the peers that need nothing else."""
    monkeypatch.setattr(timing, "clock", timing.clock)  # which --busy changes
    monkeypatch.setattr(timing, "_SAMPLE", 1e-5)
    monkeypatch.setattr(timing, "_ROUNDS", (3, 3))
    monkeypatch.setattr(process, "registered", lambda: [ours.PEER, lean.PEER])
    monkeypatch.setattr(
        process,
        "machine",
        lambda threads, quick: {
            "multiply_adds_per_second": {"float64": 1e9, "float32": 2e9},
            "exp_seconds": {"float64": 1e-9, "float32": 1e-9},
            "read_bytes_per_second": 1e9,
            "call_seconds": 1e-7,
        },
    )
    monkeypatch.setattr(peers, "_set_threads", lambda threads: None)
    monkeypatch.setattr(peers.environment, "set_threads", lambda threads: None)


def in_this_process(*given: object) -> Any:
    """What a process of the command prints."""
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.print", lambda *texts, **to: lines.append(" ".join(map(str, texts))))
        assert peers.main([*map(str, given[1:])]) == 0
    return json.loads(lines[-1])


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *given: str) -> dict[str, Any]:
    asked = []

    def settings(wanted: Any, seconds: float, quick: bool, drawn: process.Draw) -> list[dict[str, Any]]:
        asked.append([place for place, _ in wanted])
        return [process.setting(drawn.cases()[place], dtype, 1, seconds, quick) for place, dtype in wanted]

    monkeypatch.setattr(process, "settings", settings)
    monkeypatch.setattr(peers.measure, "in_process", in_this_process)
    assert peers.main(["--draw", "12", "--seed", "5", "--quick", "--into", str(folder), *given]) == 0
    content: dict[str, Any] = json.loads((folder / "drawn-5.json").read_text())
    return {**content, "asked": asked}


def test_a_run_is_written_beside_no_other(short, monkeypatch, tmp_path, capsys):
    content = run(monkeypatch, tmp_path, "--at", "1", "2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drawn-5.json", "drawn-5.md", "drawn-5.png"]
    assert content["draw"] == {"number": 12, "seed": 5}
    assert "once" not in content
    assert content["asked"] == [[1, 2]]
    found = [(case["kind"], f"{case['network']}, {case['operation']}", case["dtype"]) for case in content["cases"]]
    assert found == [name(one) for one in CASES[1:3]]
    page = text.drawn(Outcome.read(tmp_path, "drawn-5"))
    assert (tmp_path / "drawn-5.md").read_text(encoding="utf-8") == page
    assert "`python -m benchmarks peers --draw 12 --seed 5`" in page
    for line in ("## Gradients", "## Batches forward", "in each of 2 settings", "Wrong answers: none."):
        assert line in page
    assert "in each of 2 settings" in capsys.readouterr().out
    assert figures.draw_peers(tmp_path, "drawn-5") == [tmp_path / "drawn-5.png"]


def test_settings_below_a_ratio_are_measured_once_more(short, monkeypatch, tmp_path):
    content = run(monkeypatch, tmp_path, "--at", "1", "2", "--again", "1e9", "--busy")
    assert content["asked"] == [[1, 2], [1, 2]]
    assert all(case["first_ratio"] > 0 for case in content["cases"])
    assert content["busy"]
    content = run(monkeypatch, tmp_path, "--at", "1", "--again", "1e-9")
    assert content["asked"] == [[1]]
    assert "first_ratio" not in content["cases"][0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--draw", "5"], "--draw: expected --into"),
        (["--draw", "5", "--into", "x", "--at", "4", "5"], "--at: expected numbers from 0 to below --draw, got 5"),
        (["--draw", "-1", "--into", "x"], "--draw: expected 1 or more"),
        (["--draw", "5", "--seed", "-1", "--into", "x"], "--seed: expected 0 or more"),
        (["--at", "4"], "--at: expected numbers from 0 to below --draw, got 4"),
    ],
)
def test_what_cannot_be_drawn_is_refused(given, message, capsys):
    with pytest.raises(SystemExit):
        peers.main(given)
    assert message in capsys.readouterr().err
