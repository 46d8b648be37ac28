"""The exercises: right and wrong solutions are distinguished, with a hint, and no solution is shown."""

import re
from pathlib import Path
from typing import Any

import pytest
from solutions import SOLUTIONS, report, solved

from samenet.__main__ import main
from samenet.testing.exercises import adapters, catalogue, grading
from samenet.testing.exercises.catalogue import EXERCISES, MARK
from samenet.testing.parts import PARTS
from samenet.testing.report import Report

pytestmark = pytest.mark.without_jit
INTERPRETED = [name for name in EXERCISES if name != "compile-it"]


def test_there_is_a_solution_of_each() -> None:
    assert list(SOLUTIONS) == list(EXERCISES) == list(adapters.ADAPTERS)
    assert len(EXERCISES) >= 12
    assert all(set(exercise.parts) <= {part.name for part in PARTS} for exercise in EXERCISES.values())
    assert {exercise.level for exercise in EXERCISES.values()} == {1, 2, 3}


@pytest.mark.parametrize("name", INTERPRETED)
def test_the_solution_passes_and_what_is_given_does_not(name: str) -> None:
    exercise = EXERCISES[name]
    given = exercise.text()
    assert given.startswith(f"{MARK}{name}\n")
    assert all(f"def {function}(" in given for function in exercise.defines)
    grade = grading.Grade(exercise, report(name, solved(name, given)))
    assert grade.begun, str(grade.report)
    assert grade.done or exercise.faster, str(grade.report)
    assert {part.status for part in grade.report.parts} == {"passed"}, str(grade.report)
    before = grading.Grade(exercise, report(name, given))
    assert not before.done
    assert before.begun == name.startswith("find-the-bug")


WRONG = {
    "hidden-delta": ("    return delta @ W", "without the slope f'(z)"),
    "output-delta": ("    return (Y - H) * H * (1 - H)", "wrong sign"),
    "weight-gradient": ("    return H.T @ delta, delta.sum(axis=0)", "transposed"),
    "update": ("    theta -= alpha * g\n    return theta", "not its own"),
    "mini-batches": (
        "    return [order[s : s + batch_size] for s in range(0, len(order) - batch_size + 1, batch_size)]",
        "partial batch",
    ),
    "momentum": ("    v = beta * v + alpha * g\n    return theta - v, v", "the other sign"),
    "sigmoid": ("    return 1 / (1 + math.exp(-z))", "overflows"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_gets_a_hint(name: str) -> None:
    written, hint = WRONG[name]
    found = report(name, EXERCISES[name].text().replace("    raise NotImplementedError", written))
    assert not found.ok
    hints = [part.failure.mistake for part in found.parts if part.failure is not None]
    assert any(hint in told for told in hints), hints


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("Z.max(axis=-1, keepdims=True)", "Z.max()", "largest z of each sample before exp"),
        ("e.sum(axis=-1, keepdims=True)", "e.sum()", "a sum for each row"),
    ],
)
def test_a_softmax_of_all_samples_at_once_gets_a_hint(old: str, new: str, hint: str) -> None:
    found = report("activations", solved("activations", EXERCISES["activations"].text()).replace(old, new))
    assert hint in str(found)


def test_a_function_that_returns_nothing_is_told() -> None:
    found = report("sigmoid", EXERCISES["sigmoid"].text().replace("raise NotImplementedError", "math.exp(-abs(z))"))
    assert "sigmoid returned None: is a `return` missing?\n" in f"{found}\n"


def test_the_report_names_the_learner_s_line() -> None:
    text = EXERCISES["sigmoid"].text().replace("    raise NotImplementedError", "    return 1 / 0")
    assert "ZeroDivisionError: division by zero in sigmoid, line" in str(report("sigmoid", text))


def test_from_the_list_to_the_grade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    assert main(["exercises"]) == 0
    printed = capsys.readouterr().out
    assert all(re.search(rf"^{name} +\*+ ", printed, re.MULTILINE) for name in EXERCISES)
    assert main(["exercises", "start", "feed-forward-arrays"]) == 0
    path = tmp_path / "feed_forward_arrays.py"
    text = path.read_text("utf-8")
    assert text == EXERCISES["feed-forward-arrays"].text()
    assert main(["exercises", "check", str(path)]) == 1
    assert "feed-forward-arrays: nothing to grade yet\n" in capsys.readouterr().out
    path.write_text(solved("feed-forward-arrays", text), "utf-8")
    assert main(["exercises", "check", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "feed-forward-arrays: done" in printed
    assert re.search(r"^time  yours [\d.]+ .s, the reference's loops [\d.]+ ms \([\d.]+ times yours\)", printed, re.M)
    assert "Next: samenet exercises start activations" in printed
    assert "@ W.T" not in printed, "no solution is printed"
    assert main(["exercises", "start", "feed-forward-arrays"]) == 2
    assert "exists; --force replaces it" in capsys.readouterr().err
    assert path.read_text("utf-8") != text, "an existing file is left alone"


def test_what_is_written_in_part_is_not_done() -> None:
    (old, new), *_ = SOLUTIONS["activations"]
    grade = grading.Grade(
        EXERCISES["activations"], report("activations", EXERCISES["activations"].text().replace(old, new))
    )
    assert not grade.done
    assert not grade.is_written


def test_a_vectorised_exercise_must_be_fast() -> None:
    grade = grading.Grade(EXERCISES["feed-forward-arrays"], Report("", ""), {"yours": 1.0, "reference": 2.0})
    assert not grade.is_fast
    grade.times["yours"] = 0.1
    assert grade.is_fast


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ("x = 1", "whose first line is"),
        (f"{MARK}sigmod", "did you mean 'sigmoid'"),
        ("\0" * 300, "whose first line is"),
    ],
)
def test_files_of_no_exercise(first: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.py"
    path.write_text(first + "\n")
    assert main(["exercises", "check", str(path)]) == 2
    assert told in capsys.readouterr().err
    assert main(["exercises", "check", str(tmp_path / "absent.py")]) == 3


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["begin"], "invalid choice: 'begin'"),
        (["start"], "start: expected a NAME, got none"),
        (["check"], "check: expected a FILE, got none"),
        (["start", "sigmod"], "did you mean 'sigmoid'"),
        (["check", "x.py", "--output", "y.py"], "--output is only for start"),
    ],
)
def test_what_the_command_refuses(given: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exercises", *given]) == 2
    assert told in capsys.readouterr().err


def test_a_function_that_is_gone_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"{MARK}softmax-cross-entropy\ndef softmax(Z): pass\n")
    (part,) = grading.grade(path).report.parts
    assert part.failure is not None
    assert "mine.py has no function cost, delta" in part.failure.got


def test_names_are_found_in_either_spelling() -> None:
    assert catalogue.find("feed_forward_loops") is catalogue.find("feed-forward-loops")
    wrong: Any
    for wrong, error in (("momentun", ValueError), (3, TypeError), (None, TypeError)):
        with pytest.raises(error, match="name: expected one of 'sigmoid'"):
            catalogue.find(wrong)
