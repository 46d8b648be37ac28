"""Repeated calls of `train` for a few updates, where only the samples differ from the call before.

Users who make their own batches call `train` with the same arguments over and over. The model remembers the checked
arguments, so that the next call only checks its samples and makes its updates.
"""

from contextlib import suppress
from operator import is_
from typing import Any

from samenet.model import Model
from samenet.stopping import StopTraining
from samenet.training.history import History
from samenet.training.options import Trained, apart
from samenet.training.reach import is_reachable
from samenet.training.settings import Given, differ_in_alpha
from samenet.training.short import Known, known


def train(user: Trained, model: Model, backend: Any, X: Any, Y: Any, given: Given) -> History | None:
    """Train as in the previous call, if its arguments were the same; returns the history.

    If it is None, nothing has changed. Raises ValueError or TypeError for invalid samples. Deferring Ctrl-C would take
    longer than an update of a tiny network: after an exception, the updates, which it has undone, are made again, and
    then it is raised.
    """
    last: Known | None = model.prepared.get(Known)
    if last is None or last.backend is not backend:
        return None
    is_same = all(map(is_, last.given, given))
    if not (is_same or differ_in_alpha(last.given, given)):
        return None
    found = last.samples(X, Y)
    if found is not None:
        X, Y = found
        model.theta.check_writable()
    else:
        X, Y = model.labelled(X, Y, given[0], not last.is_open)
        if len(X) != last.rows or (last.limited is not None and not is_reachable(last.limited, Y)):
            return None
        X, Y = apart(model.theta, X, Y)
    if not is_same:
        last = model.prepared[Known] = known(model, backend, last.options(given, X, Y))
    earlier = user.history
    try:
        return last.train(user, model, X, Y)
    except BaseException as error:  # of the handler of a signal, which is called at any moment
        if user.history is earlier:  # a second exception, such as that of another Ctrl-C, does not wait
            with suppress(StopTraining):
                last.train(user, model, X, Y)
        if not isinstance(error, StopTraining):
            raise
        history = user.history if user.history is not earlier else History()
        assert history is not None
        history.stop("StopTraining", error)
        user.history = history
        return history
