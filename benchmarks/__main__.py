"""The one command. What a subcommand needs is imported by it alone: `matrix` needs Python and nothing else."""

import argparse
import runpy
import sys
from collections.abc import Sequence
from importlib import import_module

from benchmarks import ROOT

COMMANDS = {
    "run": "measure every case of the catalogue on every backend, and write comparison.json",
    "report": "write the tables, figures and texts about what was measured, or the page for a browser",
    "peers": "measure the other libraries beside samenet, and write peers.json, .md and .png",
    "techniques": "measure what each technique of the Numba backend gains, and write techniques.json and .md",
    "matrix": "run the contract's tests on other versions, Pythons and processors, and print a table",
}


def main(given: Sequence[str]) -> int:
    """Hand the rest of the command line to a subcommand; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="What samenet takes, and what is told of it.",
        epilog="\n".join(["commands:", *(f"  {name:11} {what}" for name, what in COMMANDS.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command", help="one of those below; each has a --help")
    command, rest = parser.parse_args(given[:1]).command, list(given[1:])
    if command == "matrix":  # a script of the tests, which needs nothing but Python
        sys.argv = ["python -m benchmarks matrix", *rest]
        runpy.run_path(str(ROOT / "tests" / "hardening" / "matrix.py"), run_name="__main__")
        return 0  # not reached: it exits by itself
    module = {"report": "report.write", "techniques": "techniques.command"}.get(command, command)
    return int(import_module(f"benchmarks.{module}").main(rest))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
