"""The measurements and report of `python -m benchmarks estimators`: scores on the same splits, and which is better."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import estimators
from benchmarks.estimators import DATA_SETS, OURS, THEIRS, DataSet
from benchmarks.report import estimators as text

pytestmark = pytest.mark.without_jit


def made(scores: list[tuple[float, float]], seconds: list[tuple[float, float]]) -> dict[str, Any]:
    """A data set with these scores and times of scikit-learn's estimator and ours, a pair for each seed."""
    seeds = [
        {name: {"score": score[k], "seconds": second[k], "epochs": 3} for k, name in enumerate((THEIRS, OURS))}
        for score, second in zip(scores, seconds, strict=True)
    ]
    return {"name": "a", "samples": 8, "inputs": 2, "classes": 3, "seeds": seeds}


def test_nine_data_sets() -> None:
    assert len({one.name for one in DATA_SETS}) == 9
    assert {one.is_classes for one in DATA_SETS} == {True, False}


@pytest.mark.parametrize("name", ["iris", "diabetes"])
def test_both_are_fitted_to_the_same_and_score_the_same(name: str) -> None:
    (data_set,) = (one for one in DATA_SETS if one.name == name)
    X, y = data_set.load()
    few = DataSet(name, lambda: (X[::4], y[::4]), data_set.is_classes)
    found = estimators.measured(few, [0, 1], "numpy")
    assert (found["samples"], found["inputs"], found["classes"]) == (
        len(X[::4]),
        X.shape[1],
        3 if name == "iris" else None,
    )
    for seed in found["seeds"]:
        assert seed[OURS]["score"] == pytest.approx(seed[THEIRS]["score"], abs=1e-6)
        assert seed[OURS]["epochs"] == seed[THEIRS]["epochs"]
        assert seed[OURS]["seconds"] > 0
    assert found["seeds"][0][OURS]["score"] != found["seeds"][1][OURS]["score"]


def test_the_difference_has_its_interval() -> None:
    o = estimators.outcome(made([(0.5, 0.6), (0.5, 0.4), (0.5, 0.5)], [(2.0, 1.0), (3.0, 1.0), (0.5, 1.0)]))
    assert o["scores"] == pytest.approx({THEIRS: 0.5, OURS: 0.5})
    assert o["difference"] == pytest.approx(0)
    assert o["interval"] == pytest.approx(4.302653 * 0.1 / 3**0.5, rel=1e-6)
    assert o["is_equal"]
    assert o["same"] == 1
    assert o["seconds"] == {THEIRS: 2.0, OURS: 1.0}
    assert (o["ratio"], o["least_ratio"]) == (2.0, 0.5)
    worse = estimators.outcome(made([(0.5, 0.4), (0.6, 0.5), (0.7, 0.61)], [(1.0, 1.0)] * 3))
    assert not worse["is_equal"]
    one = estimators.outcome(made([(0.5, 0.5)], [(1.0, 1.0)]))
    assert one["is_equal"]
    assert not estimators.outcome(made([(0.5, 0.4)], [(1.0, 1.0)]))["is_equal"]


@pytest.mark.parametrize(("load", "is_said"), [(None, False), (0.1, False), (3.0, True)])
def test_the_table_says_what_differs_and_whether_the_machine_was_busy(
    load: float | None, is_said: bool, tmp_path: Path
) -> None:
    around = {"processor": "A", "cores": 2, "python": "P", "utc": "2026-11-26T", "commit": None}
    sets = [made([(0.5, 0.4)], [(0.4, 0.1)]), made([(0.5, 0.5)], [(0.4, 0.1)])]
    content = {"environment": around, "quick": False, "repeats": 1, "backend": "numba", "load": load, "data_sets": sets}
    (tmp_path / "estimators.json").write_text(json.dumps(content))
    (page,) = text.write(tmp_path)
    lines = page.read_text("utf-8").splitlines()
    assert any("load average" in line for line in lines) is is_said
    first, second = (line for line in lines if line.startswith("| a |"))
    assert "DIFFERS" in first
    assert "DIFFERS" not in second
    assert "| 400 ms | 100 ms | 4.00x | 4.00x |" in second


def test_the_exit_code_says_whether_all_is_equal_and_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for sets, code in (([(0.5, 0.5)], 0), ([(0.5, 0.4)], 1)):
        monkeypatch.setattr(estimators, "measured", lambda *given, sets=sets: made(sets, [(2.0, 1.0)]))
        monkeypatch.setattr(estimators.environment, "set_threads", lambda threads: None)
        assert estimators.main(["--quick", "--into", str(tmp_path)]) == code
    assert (tmp_path / "estimators.md").exists()
