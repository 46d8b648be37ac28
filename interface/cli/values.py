"""The values of options: text from the command line, checked and converted; BadParameter states what was expected."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from samenet.backends import known_backends
from samenet.output import files


def shown(text: str) -> str:
    """An argument as messages show it: its repr, cut to one short line."""
    found = repr(text)
    return found if len(found) <= 60 else found[:57] + "..."


def _whole(text: str) -> int:
    """A whole number; -1 for any other text, and for a number with more digits than Python reads."""
    return int(text) if text.isdecimal() and len(text) <= 1000 else -1


def expected(what: str, text: str, why: object = "") -> typer.BadParameter:
    """The error for a value of an option."""
    return typer.BadParameter(f"expected {what}, got {shown(text)}" + (f": {why}" if why else ""))


def sizes(text: str) -> list[int]:
    """The sizes of all layers, such as 784-30-10."""
    found = list(map(_whole, text.split("-")))
    if len(found) < 2 or min(found) < 1:
        raise expected("layer sizes such as 784-30-10", text)
    return found


def hidden(text: str) -> list[int]:
    """The sizes of the hidden layers, such as 64-32; 0 for none."""
    found = list(map(_whole, text.split("-")))
    if found == [0]:
        return []
    if min(found) < 1:
        raise expected("sizes of hidden layers such as 32 or 64-32, or 0 for none", text)
    return found


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if _whole(text) < 1:
        raise expected("a whole number of at least 1", text)
    return int(text)


def count(text: str) -> int:
    """A whole number of at least 0."""
    if _whole(text) < 0:
        raise expected("a whole number of at least 0", text)
    return int(text)


def seed(text: str) -> int:
    """A seed of the random numbers."""
    if not 0 <= _whole(text) < 2**32:
        raise expected(f"a whole number from 0 to {2**32 - 1}", text)
    return int(text)


def number(text: str) -> float:
    """A finite number."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise expected("a number", text)
    return found


def above_0(text: str) -> float:
    """A finite number above 0."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        raise expected("a number above 0", text)
    return found


def at_least_0(text: str) -> float:
    """A finite number of at least 0."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise expected("a number of at least 0", text)
    return found


def share(text: str) -> float:
    """A number from 0, and below 1."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < 1:
        raise expected("a number from 0 to less than 1, such as 0.2", text)
    return found


def one_of(text: str, known: Sequence[str]) -> str:
    """One of these names; the message suggests the nearest."""
    if text not in known:
        from samenet.validation.names import suggestion

        names = ", ".join(map(repr, known))
        raise typer.BadParameter(f"invalid choice: {shown(text)} (choose from {names}){suggestion(text, known)}")
    return text


def backend(text: str) -> str:
    """The name of a backend."""
    return one_of(text, known_backends())


def folder(text: str) -> Path:
    """A folder, which need not exist."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # the home folder of an unknown user
        raise expected("a folder", text, error) from None


def writable(text: str) -> Path:
    """A file that can be written, checked before anything takes time."""
    try:
        path = Path(text).expanduser()
        files.check_writable(path)
    except (OSError, RuntimeError, ValueError) as error:  # an unknown home folder, a character not allowed in names
        raise expected("a file that can be written", text, getattr(error, "strerror", None) or error) from None
    return path


def picture(text: str) -> Path:
    """A file for a figure that can be written."""
    if not text.lower().endswith((".png", ".svg", ".pdf")):
        raise expected("a name that ends in .png, .svg or .pdf", text)
    return writable(text)


def notebook(text: str) -> Path:
    """A file for a notebook that can be written."""
    if not text.lower().endswith(".ipynb") or Path(text).stem.startswith("."):
        raise expected("a name that ends in .ipynb", text)
    return writable(text)


def network(text: str) -> Path:
    """A file for a network that can be written."""
    if not text.lower().endswith((".npz", ".safetensors")) or Path(text).stem.startswith("."):
        raise expected("a name that ends in .npz or .safetensors", text)
    return writable(text)


def delimiter(text: str) -> str:
    """The character that separates the cells of a row."""
    found = {"tab": "\t", "comma": ",", "semicolon": ";", "space": " "}.get(text, text.replace("\\t", "\t"))
    if len(found) != 1 or found in '\r\n"\0' or not found.isascii():
        raise expected("one character, such as ';', or tab", text)
    return found


def given(options: Mapping[str, Any]) -> str:
    """Those of the options that were given, for an error message."""
    return ", ".join(name for name, value in options.items() if value is not None and value is not False)


def refusal(text: str) -> typer.BadParameter:
    """The error for options that exclude each other, in a sentence."""
    return typer.BadParameter(text)
