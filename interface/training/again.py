"""Repeated calls of `train` for a few full-batch updates, where only the samples differ from the call before.

Users who make their own batches call `train` with the same arguments over and over. The model remembers the checked
arguments, so that the next call only checks its samples and makes its updates.
"""

from collections.abc import Callable
from operator import is_
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.backends.objective import overflow_ignored
from samenet.model import Model
from samenet.model.functions import MADE_FOR
from samenet.stopping import StopTraining
from samenet.training import divergence
from samenet.training.history import History
from samenet.training.interrupts import deferred_interrupt
from samenet.training.options import Options, Trained, apart
from samenet.training.reach import is_reachable
from samenet.training.settings import Given, Settings
from samenet.validation.finite import all_finite


class Known(NamedTuple):
    """The checked arguments of a training call, without its samples."""

    given: Given  # the arguments of `train`, which have the same values at any time
    rows: int  # of X
    is_open: bool  # whether the weights are finite afterwards only if X was
    limited: str | None  # the activation whose range the targets may not leave
    settings: Settings
    seed: Any
    amount: float  # the weight of the batch, see `divergence.amount_of`
    arguments: dict[str, Any]  # of the backend's `run_updates`


def known(model: Model, options: Options) -> Known:
    """The checked arguments of a short full-batch training call without masks."""
    rows, settings, cost = len(options.X), options.settings, model.cost_function
    limited = None if cost in MADE_FOR else model.activations[-1]
    weights, arguments = options.sample_weight, {"batch_size": rows, "epochs": settings.epochs, **settings.arguments}
    amount = rows if weights is None else divergence.amount_of(rows, weights)
    return Known(options.given, rows, options.unchecked, limited, settings, options.seed, amount, arguments)


def train(user: Trained, model: Model, backend: Any, X: Any, Y: Any, given: Given) -> bool:
    """Train as in the previous call, if its arguments were the same; returns whether it trained.

    If it did not, nothing has changed. Raises ValueError or TypeError for invalid samples.
    """
    last: Known | None = model.prepared.get(Known)
    if last is None or not all(map(is_, last.given, given)):
        return False
    X, Y = model.labelled(X, Y, given[0], not last.is_open)
    if len(X) != last.rows or (last.limited is not None and not is_reachable(last.limited, Y)):
        return False
    X, Y = apart(model.theta, X, Y)
    # StopTraining is suppressed twice: the user's Ctrl-C handler may raise it, too, inside the `with` block or at its
    # end.
    try:
        with deferred_interrupt() as release:
            if hasattr(backend, "QUIET"):
                history = updated(user, model, backend.run_updates, X, Y, last)
            else:
                with overflow_ignored(backend):
                    history = updated(user, model, backend.run_updates, X, Y, last)
            if history is None:
                return False
            try:
                release()
            except StopTraining as reason:
                history.stop("StopTraining", reason)
    except StopTraining:
        pass
    return True


def updated(
    user: Trained, model: Model, run_updates: Callable[..., Any], X: NDArray[Any], Y: NDArray[Any], known: Known
) -> History | None:
    """Make all updates and return the costs to record; None, with nothing changed, if the loop has to examine them.

    After an exception, nothing has changed either.
    """
    settings, everything = known.settings, model.theta.everything
    rule, before = settings.optimizer, everything.copy()
    earlier, history = (user.history, user.training_state), History()
    try:
        user.history, user.training_state = history, None
        state = rule.state(model.theta)  # type: ignore[attr-defined]
        costs = np.asarray(run_updates(model, X, Y, rule, state=state, **known.arguments))
        is_finite = all_finite(everything) if state.is_finite is None else state.is_finite
        if not (divergence.is_harmless(costs, known.amount, settings.reduction) and is_finite):
            everything[:] = before
            user.history, user.training_state = earlier
            return None
        if settings.record_every > 0:
            history.record_costs(0, costs, settings.record_every)
        history.epochs_done = settings.epochs
        left = known.seed, state.values, state.t, None, history, before
        user.training_state = settings, known.rows, known.rows, model.cost_function, costs.item(0), known.amount, *left
        return history
    except BaseException:  # such as a second Ctrl-C, possibly in the middle of an update
        everything[:] = before
        user.history, user.training_state = earlier
        raise
