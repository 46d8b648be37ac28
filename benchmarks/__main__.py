"""The one command. Subcommands are imported lazily: `matrix` needs only Python."""

import argparse
import runpy
import sys
from collections.abc import Sequence
from importlib import import_module

from benchmarks import ROOT

COMMANDS = {
    "run": "measure every case of the catalogue on every backend, and write comparison.json",
    "report": "write the tables, figures and text about the measurements, or the web page",
    "peers": "measure samenet and other libraries, and write peers.json, .md and .png",
    "techniques": "measure what each technique of the Numba backend gains, and write techniques.json and .md",
    "estimators": "scores and times of the estimators beside scikit-learn's own, and write estimators.json and .md",
    "calls": "measure what Python takes in front of the compiled kernels, for every option of `train`, and print it",
    "matrix": "run the contract's tests with other versions, Pythons and processors, and print a table",
}


def main(given: Sequence[str]) -> int:
    """Pass the rest of the command line to a subcommand; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Benchmarks of samenet, and their report.",
        epilog="\n".join(["commands:", *(f"  {name:11} {what}" for name, what in COMMANDS.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command", help="one of those below; each has --help")
    command, rest = parser.parse_args(given[:1]).command, list(given[1:])
    if command == "matrix":  # a script in tests/, which needs only Python
        sys.argv = ["python -m benchmarks matrix", *rest]
        runpy.run_path(str(ROOT / "tests" / "hardening" / "matrix.py"), run_name="__main__")
        return 0  # not reached: the script exits
    module = {"report": "report.write", "techniques": "techniques.command"}.get(command, command)
    return int(import_module(f"benchmarks.{module}").main(rest))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
