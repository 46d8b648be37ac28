"""A short training in one call of the backend, without what `loop` prepares for a long one.

The result is that of the loop, to the bit: what is computed does not depend on how it is split into calls.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from samenet import schedules
from samenet.history import History
from samenet.model import Model
from samenet.optimizers import UpdateRule
from samenet.stopping import StopTraining
from samenet.training import divergence, loop, sampling
from samenet.training.options import Options, Trained
from samenet.training.sampling import Draws
from samenet.validation.finite import all_finite


def is_short(model: Model, backend: Any, options: Options) -> bool:
    """Whether a training takes no longer than one call should, and has nothing to do between its updates."""
    settings, m, size = options.settings, len(options.X), options.batch_size
    if options.callback is not None or options.stop or options.monitors or settings.epochs == 0:
        return False
    if not isinstance(settings.optimizer, UpdateRule) or type(settings.alpha) is not schedules.Constant:
        return False
    if settings.record_every > 0 and (size < m or settings.dropout):  # which takes forward passes
        return False
    # What was drawn must be drawn again if the loop has to do it.
    if (size < m or settings.dropout) and sampling.is_stream(options.seed):
        return False
    if settings.shuffle and size < m and settings.epochs * m > sampling.MOST_DRAWN:
        return False
    return loop.seconds_of(backend, model, settings.epochs * -(-m // size), size) <= loop.CALL_SECONDS


def train(user: Trained, model: Model, backend: Any, options: Options, release: Callable[[], None]) -> bool:
    """Train if it is short; returns whether that was done.

    If weights did not stay finite, or the cost has grown so that `divergence` must look at it, nothing has changed, and
    the loop has to do it all.
    """
    if not is_short(model, backend, options):
        return False
    settings, theta, size = options.settings, model.theta.flat, options.batch_size
    before, order, arguments = theta.copy(), None, settings.clipping
    if (settings.shuffle and size < len(options.X)) or settings.dropout:
        draws = Draws(options.random, len(options.X), settings.shuffle, options.dropout, model.dtype)
        options.stream = None  # the loop begins anew
        order = draws.epochs(settings.epochs) if size < len(options.X) else None
        if draws.dropout is not None:
            arguments = {**arguments, "dropout": draws.dropout.after(0)}
    history = user.history = History()
    with np.errstate(all="ignore"):
        costs = backend.run_updates(
            *(model, options.X, options.Y, settings.optimizer),
            alpha=settings.alpha.alpha,  # type: ignore[union-attr]
            **{"batch_size": size, "order": order, "epochs": settings.epochs, "reduction": settings.reduction},
            **arguments,
        )
    costs = np.asarray(costs)
    if not all_finite(theta) or not divergence.is_harmless(costs, size, settings.reduction):
        theta[:] = before
        return False
    if settings.record_every > 0:
        history.record_costs(0, costs, settings.record_every)
    history.epochs_done = settings.epochs
    try:
        release()
    except StopTraining as reason:
        history.stop("StopTraining", reason)
    return True
