"""`samenet exercises`: the list; `start NAME` writes a file to fill in; `check FILE` grades it."""

from pathlib import Path

from rich.console import Console

from samenet.output import files
from samenet.output.console import console as standard_output
from samenet.output.formats import digits, duration
from samenet.testing.exercises.catalogue import EXERCISES, find
from samenet.testing.exercises.grading import Grade, grade


def listing() -> int:
    """Print the exercises, in order; returns the exit status."""
    console = standard_output()
    width = max(map(len, EXERCISES))
    for exercise in EXERCISES.values():
        line = f"{exercise.name:{width}}  {'*' * exercise.level:3}  {exercise.title} (tutorial {exercise.tutorial})"
        console.print(line, markup=False)
    console.print("\nsamenet exercises start NAME writes a file to fill in, samenet exercises check FILE grades it.")
    return 0


def file_of(name: str) -> str:
    """The name of the file of an exercise. Raises ValueError for an unknown name."""
    return f"{find(name).name.replace('-', '_')}.py"


def start(name: str, path: Path) -> int:
    """Write the file of an exercise. Raises ValueError for an unknown name."""
    exercise = find(name)
    files.write_text(path, exercise.text())
    standard_output().print(
        f"{path}: {exercise.title}. Read it, fill it in, and then: samenet exercises check {path}", markup=False
    )
    return 0


def check(path: Path) -> int:
    """Grade a file, and print the result; returns the exit status, 1 if the exercise is not solved.

    Raises ValueError for a file that is not an exercise, OSError for one that cannot be read.
    """
    console = standard_output()
    with Console(stderr=True).status(str(path)):
        found = grade(path)
    _show(console, found)
    return 0 if found.done else 1


def _show(console: Console, found: Grade) -> None:
    name = found.exercise.name
    if not found.begun:
        reasons = [part.reason for part in found.report.parts]
        reason = next((reason for reason in reasons if not reason.endswith("NotImplementedError")), "")
        console.print(f"{name}: nothing to grade yet" + (f": {reason}" if reason else ""), markup=False)
        return
    console.print(f"{name}: {'done' if found.done else 'not yet'}", style="bold", markup=False)
    for part in found.report.parts:
        word = {"passed": "ok", "failed": "FAIL", "generic": "FAIL"}.get(part.status, "-")
        notes = f"{part.answers} answers right" if part.status == "passed" and found.is_written else part.reason
        console.print(f"{word:5} {part.name:22} {notes}".rstrip(), markup=False)
        for line in part.failure.lines() if part.failure is not None else []:
            console.print(f"      {line.replace('most likely: ', 'hint: ')}", markup=False)
    times = found.times
    if times:
        gain = digits(times["reference"] / times["yours"])
        yours, loops, ours = (duration(times[who]) for who in ("yours", "reference", "samenet"))
        shown = f"time  yours {yours}, the reference's loops {loops} ({gain} times yours), samenet's NumPy {ours}"
        console.print(shown, markup=False)
    if times and not found.is_fast:
        console.print(f"      hint: it must be {found.exercise.faster:g} times as fast as the loops", markup=False)
    if found.done:
        names = [*EXERCISES, ""]
        following = names[names.index(name) + 1]
        console.print(f"Next: samenet exercises start {following}" if following else "That was the last one.")
