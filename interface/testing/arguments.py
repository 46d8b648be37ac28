"""The arguments of `samenet check` and `samenet exercises`."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any


def add(commands: Any, number: Callable[[str], float], file: Callable[[str], Any]) -> None:
    """Add the commands to a parser's; number and file: what its options are read by."""
    check = commands.add_parser(
        "check",
        help="whether a backend, such as a file with a function feed_forward, keeps to the contract",
        description="Check a backend against the reference, within derived bounds, and report each part: passed, "
        "failed (with the most likely mistake), or not offered. FILE is run. Exits with 1 if anything failed.",
    )
    check.add_argument("backend", metavar="FILE", help="a Python file, or the name of a backend or a module")
    check.add_argument("--level", choices=("standard", "thorough"), default="standard", help="default: standard")
    check.add_argument("--parts", nargs="+", metavar="PART", help="these parts alone, such as feed_forward")
    check.add_argument(
        "--time-limit", type=number, metavar="S", help="seconds a call may take; default: 60 for a file, else 600"
    )
    check.add_argument("--no-shrink", action="store_true", help="do not look for the smallest network that fails")
    check.add_argument("--json", type=file, metavar="FILE", help="write the report as JSON")
    exercises = commands.add_parser(
        "exercises",
        help="graded exercises along the tutorials; without more, list them",
        description="List the exercises, write the file of one to fill in, or grade one, which is run.",
    )
    tasks = exercises.add_subparsers(dest="task", metavar="start NAME | check FILE")
    begin = tasks.add_parser("start", help="write the file of an exercise, to fill in")
    begin.add_argument("name", metavar="NAME", help="which one")
    begin.add_argument("--output", type=file, metavar="FILE", help="default: NAME.py, here")
    grade = tasks.add_parser("check", help="grade a file")
    grade.add_argument("file", type=Path, metavar="FILE", help="that `start` wrote")


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    if options.command == "exercises":
        return _exercises(parser, options)
    from samenet.testing import command

    settings = {"level": options.level, "parts": options.parts, "time_limit": options.time_limit}
    try:
        return command.check(options.backend, shrinks=not options.no_shrink, json_file=options.json, **settings)
    except ValueError as error:
        parser.error(str(error))


def _exercises(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    from samenet.testing.exercises import command

    try:
        if options.task == "start":
            return command.start(options.name, options.output)
        return command.check(options.file) if options.task == "check" else command.listing()
    except ValueError as error:
        parser.error(str(error))
