"""File paths, rejected if the system could not even look them up."""

import errno
import os
from typing import Any

from samenet.validation import checks


def path(name: str, value: Any, expected: str = "the path of a file") -> str:
    """A path that the system can look up, as str, with a leading `~` expanded; the file need not exist.

    Raises TypeError for anything but a str or an `os.PathLike` of one, ValueError for an empty path and for one that
    cannot be a path: with a NUL or a lone surrogate, or longer than the system allows.
    """
    given = f"{checks.short(value)} ({type(value).__name__})"
    try:
        result = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    except Exception as error:
        raise TypeError(f"{name}: expected {expected}, got {given}: {error}") from None
    if not isinstance(result, str):
        raise TypeError(f"{name}: expected {expected}, got {given}")
    result = os.path.expanduser(result)
    if not result:
        raise ValueError(f"{name}: expected {expected}, got an empty one")
    try:
        os.stat(result)
    except ValueError as error:
        raise ValueError(f"{name}: expected {expected}, got {checks.short(result)} ({error})") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ValueError(f"{name}: expected {expected}, got one of {len(result)} characters, too long") from None
    return result
