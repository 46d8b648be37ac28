"""`samenet exercises`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from samenet.cli import replacing, values


def exercises(
    task: Annotated[
        str | None,
        typer.Argument(
            parser=partial(values.one_of, known=("start", "check")),
            metavar="start|check",
            help="Start: write the file of an exercise. Check: run and grade one.  [default: list them]",
        ),
    ] = None,
    which: Annotated[
        str | None, typer.Argument(metavar="NAME|FILE", help="The exercise to start, or the file to grade.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(parser=values.writable, metavar="FILE", help="With start: the file.  [default: ./NAME.py]"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="With start: replace the file if it exists.")] = False,
) -> int:
    """Do graded exercises that follow the tutorials.

    Each is a file to fill in, from the sigmoid to bugs to find. Your solution is checked like a backend, with hints,
    and timed. Exits with 1 if a graded exercise is not solved.
    """
    from samenet.testing.exercises import command

    if task != "start" and (given := values.given({"--output": output, "--force": force})):
        raise values.refusal(f"{given} is only for start")
    if task is None:
        return command.listing()
    if which is None:
        raise values.refusal(f"{task}: expected {'a NAME' if task == 'start' else 'a FILE'}, got none")
    try:
        if task == "check":
            return command.check(Path(which))
        path = output or values.writable(command.file_of(which))
        replacing.check_new("--output", path, force)
        return command.start(which, path)
    except ValueError as error:
        raise values.refusal(str(error)) from None
