"""A guarded backend: its functions, with a record of everything they do that the contract forbids.

If a function raises, returns a result of the wrong form, or ends the process (SystemExit), `Broken` is raised, with the
reason; for NotImplementedError, `NotOffered`. If a function changes anything that is not its own, the change is undone,
so that one mistake is reported only once, and not again wherever its effects show.
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
    """The backend raised NotImplementedError: it does not support this."""


class Stopped(BaseException):
    """Raised in a thread that has to end because a call took too long."""


class Guard:
    """The guarded functions of a backend.

    module      the guarded backend, for a `Network`
    Network     the class
    own         the names of the functions that the backend itself has
    noted       the violations of the contract, by kind: descriptions
    entering    called with a description of each call before it begins, for time limits
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
        self._process, self._forked = os.getpid(), mmap.mmap(-1, 1)  # shared between processes
        self._passed_on = threading.local()

    def takes(self, function: str, *parameters: str) -> bool:
        """Whether a function of the backend has all these parameters; True for a function that the backend lacks."""
        if function not in self.own:
            return True
        try:
            known = inspect.signature(getattr(self.backend, function)).parameters.values()
        except (TypeError, ValueError):  # an extension's function without a signature
            return True
        names = {p.name for p in known if p.kind is not inspect.Parameter.VAR_POSITIONAL}
        return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known) or names.issuperset(parameters)

    def _fast_predict(self, model: Any, otherwise: Any, one: bool) -> Any:
        def passed_on(*given: Any) -> Any:
            self._passed_on.yes = True  # the result does not come from the backend
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
        """End this process if it is the backend's fork: otherwise, the suite would run in both, and fork again."""
        if os.getpid() != self._process:
            self._forked[0] = 1
            os._exit(0)
        if self._forked[0]:
            self.note("forks", "it forks its process, and the copy returns, too")

    def _fixed(self, name: str, given: Any, named: Any, model: Any) -> list[tuple[str, NDArray[Any], NDArray[Any]]]:
        """The arrays that a call must not change, with copies."""
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
        """Record a violation; only the first of each kind is kept."""
        self.noted.setdefault(kind, text)


def _is_own(backend: Any, name: str) -> bool:
    """Whether a backend has its own function, not the one of `samenet.backends.generic`."""
    function = getattr(backend, name, None)
    return callable(function) and getattr(getattr(function, "func", function), "__module__", "") != _GENERIC


_GENERIC = "samenet.backends.generic"
# The folders of code that is of no interest to the author of a backend.
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
