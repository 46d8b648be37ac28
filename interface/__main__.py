"""The command line: `samenet compare`, or `python -m samenet compare`; see `samenet.cli`."""

import importlib
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    try:
        try:
            importlib.import_module("typer")
        except ImportError:
            needed = 'the command line needs typer; install it with: pip install "samenet[cli]"'
            print(f"samenet: error: {needed}", file=sys.stderr)
            return 3
        from samenet.cli import application
    except KeyboardInterrupt:  # Ctrl-C before the command has started
        print("stopped", file=sys.stderr)
        return 130
    return application.run(argv)


if __name__ == "__main__":
    sys.exit(main())
