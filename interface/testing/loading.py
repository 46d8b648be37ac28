"""Loading a backend that a user gives as a module, a file, the name of a backend, or the name of a module."""

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from samenet.backends import backend, known_backends
from samenet.backends.plugins import adopt
from samenet.validation.checks import short
from samenet.validation.names import nearest


def spelled(given: Any) -> str | None:
    """The text that identifies a backend in another process: a file's full path, or a name; None for a module itself.

    Raises ValueError for a missing file and for an unknown name, TypeError for anything else.
    """
    if isinstance(given, ModuleType) or callable(getattr(given, "feed_forward", None)):
        return None
    if not isinstance(given, str | os.PathLike):
        raise TypeError(
            f"backend: expected a module, a file or a name, got {short(given)} ({type(given).__name__}), which has no "
            "function feed_forward"
        )
    text = os.fspath(given)
    if not isinstance(text, str) or not text or "\0" in text:
        raise ValueError(f"backend: expected a file or a name, got {short(given)}")
    if isinstance(given, os.PathLike) or text.endswith(".py") or os.sep in text:
        path = Path(text).expanduser()
        if not path.is_file():
            raise ValueError(f"backend: expected a Python file, got {short(text)}, where there is none")
        return str(path.resolve())
    if text in known_backends() or _is_importable(text):
        return text
    near = f"{text}.py" if Path(f"{text}.py").is_file() else nearest(text, known_backends())
    hint = f"; did you mean {near!r}?" if near else ""
    names = ", ".join(map(repr, known_backends()))
    raise ValueError(f"backend: expected one of {names}, a module or a file, got {short(text)}{hint}")


def _is_importable(name: str) -> bool:
    """Whether such a module, or its package, exists; nothing is imported."""
    try:
        return importlib.util.find_spec(name.partition(".")[0]) is not None
    except (ImportError, ValueError):  # not a valid name
        return False


def load(text: str) -> Any:
    """The module that `spelled` names. This executes a file's code."""
    if text in known_backends():
        return backend(text)
    if not text.endswith(".py") and os.sep not in text:
        return adopt(importlib.import_module(text))
    return adopt(execute(text))


def execute(text: str) -> Any:
    """The module of a file; it can import modules from its own folder, as when it is run as a script."""
    path = Path(text)
    name = f"samenet_checked_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is not a file of Python source, which ends in .py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # last, so that a random.py there does not shadow the standard library's
    spec.loader.exec_module(module)
    return module
