"""All commands, and how a command ends: its exit status, and one line on standard error if there is an error."""

import io
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from samenet import __version__
from samenet.cli import (
    advise,
    check,
    compare,
    demo,
    docs,
    evaluate,
    examples,
    exercises,
    export,
    info,
    predict,
    train,
    warmup,
)
from samenet.cli.tabular.errors import TableError
from samenet.compare import environment
from samenet.output.formats import printable

FAILED, USAGE, UNDONE, INTERRUPTED, CLOSED = 1, 2, 3, 130, 141


class Ended(Exception):
    """A command ended; the argument is the reason. Raised where typer would end the process in its own way."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(reason)
        self.reason = reason


@contextmanager
def _ending() -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, EOFError, OSError) as error:
        raise Ended(error) from error


class Group(TyperGroup):
    """All commands."""

    def make_context(self, *given: Any, **named: Any) -> Any:
        """Read the options before the command, or print the help."""
        with _ending():
            return super().make_context(*given, **named)


class Command(TyperCommand):
    """A command."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        params: list[Any] = self.params
        for param in params:
            param.show_default = False  # the help text states the default itself

    def make_context(self, *given: Any, **named: Any) -> Any:
        """Read its options, or print its help."""
        with _ending():
            return super().make_context(*given, **named)

    def invoke(self, ctx: Any) -> Any:
        """Run it."""
        with _ending():
            return super().invoke(ctx)


class Several(Command):
    """A command whose repeatable options also take several values: `--sizes 3-2 4-2`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the option before every further value."""
        several = {name for p in self.params if getattr(p, "multiple", False) for name in p.opts}
        given: list[str] = []
        option, values = "", 0
        for text in args:
            if text.startswith("--"):
                option, _, value = text.partition("=")
                option, values = option if option in several else "", int(bool(value))
            elif option:
                given += [option] if values else []
                values += 1
            given.append(text)
        return super().parse_args(ctx, given)


app = typer.Typer(
    cls=Group,
    rich_markup_mode=None,  # plain text, the same in a terminal, in a pipe and in a file
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


def _version(asked: bool) -> None:
    if asked:
        print(f"samenet {__version__}")
        raise typer.Exit


@app.callback()
def _samenet(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """One small neural network, three backends: train it on a table, use it, measure it.

    Exit status: 0 done, 1 a check failed, 2 bad usage, 3 failure, 130 stopped by Ctrl-C. An error is one line on
    standard error, which begins with the command and "error:".
    """


for _command in (
    *(compare.compare, train.train, predict.predict, evaluate.evaluate, check.check, advise.advise),
    *(warmup.warmup, info.info, examples.examples, export.export, docs.docs, exercises.exercises, demo.demo),
):
    app.command(cls=Several if _command in (compare.compare, advise.advise, check.check) else Command)(_command)


def run(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    given = list(sys.argv[1:] if argv is None else argv)
    _open_streams()
    name = f"samenet {given[0]}" if given and given[0] in _names() else "samenet"
    environment.set_threads(1)  # before NumPy is imported, so that sums do not depend on the cores
    try:
        status = _ran(given, name)
        sys.stdout.flush()
        return status
    except TyperException as error:
        return _tell(name, "error", _usage(error), USAGE)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the rest is flushed there at exit
        return CLOSED
    except TableError as error:
        return _tell(name, "error", error, UNDONE)
    except ImportError as error:  # no matplotlib for a figure
        return _tell(name, "error", error, UNDONE)
    except OSError as error:  # no data file, a full disk
        about = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else error.strerror or error
        return _tell(name, "error", about, UNDONE)
    except MemoryError as error:
        return _tell(name, "error", str(error) or "not enough memory", UNDONE)
    except (KeyboardInterrupt, typer.Abort, EOFError):
        print("stopped", file=sys.stderr)
        return INTERRUPTED


def _open_streams() -> None:
    """If a stream was closed before the program began (`>&-`), replace it with one that discards its output.

    Characters that standard output cannot encode are written as escapes.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8")  # noqa: SIM115 - until the end
            setattr(sys, name, nowhere)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _ran(given: list[str], name: str) -> int:
    """Run a command, with warnings as one line each; raises what the command raises."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: print(_line(name, "warning", message), file=sys.stderr)
        try:
            status = typer.main.get_command(app).main(args=given, prog_name="samenet", standalone_mode=False)
        except Ended as ended:
            raise ended.reason from None
    return int(status or 0)


def _names() -> set[str]:
    return set(getattr(typer.main.get_command(app), "commands", ()))


def _tell(name: str, kind: str, message: object, status: int = 0) -> int:
    """Print one line on standard error; returns the status."""
    print(_line(name, kind, message), file=sys.stderr)
    return status


def _line(name: str, kind: str, message: object) -> str:
    return printable(f"{name}: {kind}: {' '.join(str(message).split())}")


def _usage(error: TyperException) -> str:
    """The message for a wrong command line: `--option: expected ..., got ...`."""
    text = error.format_message().removeprefix("Invalid value: ")
    text = "missing command; see --help" if text == "Missing command." else text
    before, _, message = text.partition(": ")
    if before.startswith("Invalid value for "):
        return f"{before.removeprefix('Invalid value for ').strip(chr(39))}: {message}"
    is_name = text.startswith("-") or before.isupper()  # the name of an option or an argument
    return text if is_name else text[:1].lower() + text[1:].rstrip(".")
