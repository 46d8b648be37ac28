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


def train(user: Trained, model: Model, backend: Any, options: Options, release: Callable[[], None]) -> bool:
    """Train if it is short and nothing has to be done between its updates; returns whether it was.

    If it was not, or weights did not stay finite, or the cost has grown so that `divergence` must look at it, nothing
    has changed, and the loop has to do it all.
    """
    settings, m = options.settings, len(options.X)
    rule, epochs, every, batch_size = settings.optimizer, settings.epochs, settings.record_every, options.batch_size
    is_full = batch_size == m
    shuffled = settings.shuffle and not is_full
    if (
        not isinstance(rule, UpdateRule)
        or type(settings.alpha) is not schedules.Constant
        or epochs == 0
        or settings.dropout
        or (every > 0 and not is_full)
        or options.monitors
        or options.callback is not None
        or options.stop
        or (
            shuffled and (epochs * m > sampling.MOST_DRAWN or sampling.is_stream(options.seed))
        )  # a stream cannot draw again
        or loop.seconds_of(backend, model, epochs * -(-m // batch_size), batch_size) > loop.CALL_SECONDS
    ):
        return False
    theta = model.theta.flat
    before, order = theta.copy(), None
    if shuffled:
        order, _ = Draws(options.random, m, True, options.dropout, model.dtype).epochs(epochs)
        options.stream = None  # the loop begins anew
    with np.errstate(all="ignore"):
        costs = backend.run_updates(
            *(model, options.X, options.Y, rule),
            alpha=settings.alpha.alpha,
            batch_size=batch_size,
            order=order,
            epochs=epochs,
            reduction=settings.reduction,
            **settings.clipping,
        )
    costs = np.asarray(costs)
    if not all_finite(theta) or not divergence.is_harmless(costs, batch_size, settings.reduction):
        theta[:] = before
        return False
    history = user.history = History()
    if every > 0:
        history.record_costs(0, costs, every)
    history.epochs_done = epochs
    try:
        release()
    except StopTraining as reason:
        history.stop("StopTraining", reason)
    return True
