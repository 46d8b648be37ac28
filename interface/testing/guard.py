"""A backend under watch: its functions, with everything noted that the contract does not allow them to do.

A function that raises, returns something of the wrong form, or ends the process (SystemExit) gives `Broken`, with the
reason; one that says NotImplementedError, `NotOffered`. What it changes that is not its own is put back, so that one
mistake is reported once, and not again wherever its traces show.
"""

import inspect
import mmap
import os
import sysconfig
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends.plugins import network_on
from samenet.testing import forms
from samenet.testing.forms import Broken, printable

FUNCTIONS = ("feed_forward", "predict", "evaluate", "gradient", "run_updates")
_COPIED = ("SECONDS", "QUIET", "SPREADS_NAN", "NORMALIZES", "WEIGHS")


class NotOffered(Exception):
    """The backend says that it does not do this: NotImplementedError."""


class Stopped(BaseException):
    """Raised in a thread that has to end, since a call took too long."""


class Guard:
    """A backend's functions under watch.

    module      what a `Network` may have as its backend
    Network     the class
    own         the names of the functions that the backend has itself
    noted       what it does that it should not, by kind: text for people
    entering    called with what is about to be called, for who watches the time
    """

    def __init__(self, backend: Any, entering: Callable[[str], None] = lambda what: None) -> None:
        self.backend, self.entering = backend, entering
        self.noted: dict[str, str] = {}
        self.own = tuple(name for name in FUNCTIONS if _is_own(backend, name))
        self.module: Any = ModuleType(getattr(backend, "__name__", type(backend).__name__))
        for name in _COPIED:
            if hasattr(backend, name):
                setattr(self.module, name, getattr(backend, name))
        for name in self.own:
            setattr(self.module, name, self._watched(name, getattr(backend, name)))
        if _is_own(backend, "fast_predict"):
            vars(self.module)["fast_predict"] = self._fast_predict
        self.Network = network_on(self.module)
        self._process, self._forked = os.getpid(), mmap.mmap(-1, 1)  # which processes share
        self._passed_on = threading.local()

    def takes(self, function: str, *parameters: str) -> bool:
        """Whether a function of the backend has all these parameters; True for a function that it leaves to samenet."""
        if function not in self.own:
            return True
        try:
            known = inspect.signature(getattr(self.backend, function)).parameters.values()
        except (TypeError, ValueError):  # a function without a signature, of an extension
            return True
        names = {p.name for p in known if p.kind is not inspect.Parameter.VAR_POSITIONAL}
        return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known) or names.issuperset(parameters)

    def _fast_predict(self, model: Any, otherwise: Any, one: bool) -> Any:
        def passed_on(*given: Any) -> Any:
            self._passed_on.yes = True  # what comes back is no answer of the backend's
            return otherwise(*given)

        f = self.backend.fast_predict(model, passed_on, one)
        return otherwise if f is passed_on else self._watched("fast_predict", f, model)

    def _watched(self, name: str, function: Any, of: Any = None) -> Any:
        def watched(*given: Any, **named: Any) -> Any:
            model = given[0] if of is None else of
            self.entering(f"{name} of a network {'-'.join(map(str, model.sizes))}")
            self._passed_on.yes = False
            fixed, handling = self._fixed(name, given, named, model), np.geterr()
            try:
                result = function(*given, **named)
            except (Stopped, Broken):
                raise
            except NotImplementedError as error:
                raise NotOffered(printable(error)) from error
            except BaseException as error:
                if self._passed_on.yes:
                    raise
                raise Broken(name, "raised", _told(error), error) from error
            finally:
                self._end_copies()
                self._put_back(name, fixed)
                if np.geterr() != handling:
                    self.note("handling", f"{name} changes NumPy's error handling")
                    np.seterr(**handling)
            if not self._passed_on.yes:
                forms.check(name, result, model, given[0 if of is not None else 1], named)
            self.entering("")
            return result

        return watched

    def _end_copies(self) -> None:
        """End this process if the backend has forked it: the suite would run in both, and double with each call."""
        if os.getpid() != self._process:
            self._forked[0] = 1
            os._exit(0)
        if self._forked[0]:
            self.note("forks", "it forks its process, and the copy returns, too")

    def _fixed(self, name: str, given: Any, named: Any, model: Any) -> list[tuple[str, NDArray[Any], NDArray[Any]]]:
        """The arrays that a call must leave as they are, with copies."""
        arrays = [a for a in (*given, *named.values()) if isinstance(a, np.ndarray)]
        out = named.get("out", given[1] if name == "fast_predict" and len(given) > 1 else None)
        found = [("its input", a, a.copy()) for a in arrays if a is not out]
        if name != "run_updates":
            found.append(("the network's weights", model.theta.everything, model.theta.everything.copy()))
        return found

    def _put_back(self, name: str, fixed: list[tuple[str, NDArray[Any], NDArray[Any]]]) -> None:
        for what, array, before in fixed:
            if array.tobytes() != before.tobytes():
                self.note("changes", f"{name} changes {what}")
                if array.flags.writeable and array.shape == before.shape:
                    array[...] = before

    def note(self, kind: str, text: str) -> None:
        """Keep the first of each kind."""
        self.noted.setdefault(kind, text)


def _is_own(backend: Any, name: str) -> bool:
    """Whether a backend has a function itself, not from `samenet.backends.generic`."""
    function = getattr(backend, name, None)
    return callable(function) and getattr(getattr(function, "func", function), "__module__", "") != _GENERIC


_GENERIC = "samenet.backends.generic"
# Where lines stand that nobody who writes a backend wants to be told of.
_HERE = str(Path(__file__).parent)
_PLACES = str(Path(__file__).parents[1]), str(Path(np.__file__).parents[1])
_LIBRARIES = (*_PLACES, sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), "<")


def _told(error: BaseException) -> str:
    """An exception in one line, with the last line of the backend's own code that it passed."""
    kind = type(error).__name__
    text = printable(error)[:300]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_HERE)]
    theirs = [frame for frame in frames if not frame.filename.startswith(_LIBRARIES)]
    last = (theirs or frames)[-1:]
    where = f" in {last[0].name}, line {last[0].lineno}" + (f": {last[0].line}" if last[0].line else "") if last else ""
    return f"{kind}{': ' + text if text else ''}{where}"
