"""A short training in one call of the backend, without what `loop` prepares for a long one.

The result is that of the loop, to the bit: what is computed does not depend on how it is split into calls.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from samenet import schedules
from samenet.backends.objective import overflow_ignored
from samenet.history import History
from samenet.model import Model
from samenet.optimizers import UpdateRule
from samenet.stopping import StopTraining
from samenet.training import divergence, loop, sampling
from samenet.training.options import Options, Trained
from samenet.training.sampling import Draws
from samenet.validation.finite import all_finite


def is_short(model: Model, backend: Any, options: Options) -> bool:
    """Whether a training takes no longer than one call should, and nothing of a user's runs between its updates."""
    settings, m, size = options.settings, len(options.X), options.batch_size
    if options.callback is not None or options.stop or options.monitors or options.unchecked or settings.epochs == 0:
        return False
    if not isinstance(settings.optimizer, UpdateRule) or type(settings.alpha) is not schedules.Constant:
        return False
    if _draws(options):
        if sampling.is_stream(options.seed) and not isinstance(options.seed, np.random.Generator):
            return False
        if settings.epochs * m > sampling.MOST_DRAWN:
            return False
    return loop.seconds_of(backend, model, settings.epochs * -(-m // size), size) <= loop.CALL_SECONDS


def _draws(options: Options) -> bool:
    """Whether random numbers are drawn."""
    return bool(options.settings.dropout) or (options.settings.shuffle and options.batch_size < len(options.X))


def train(user: Trained, model: Model, backend: Any, options: Options, release: Callable[[], None]) -> bool:
    """Train if it is short; returns whether that was done.

    If weights did not stay finite, or the cost has grown so that `divergence` must look at it, nothing has changed, and
    the loop has to do it all.
    """
    if not is_short(model, backend, options):
        return False
    settings, theta, X, Y = options.settings, model.theta.flat, options.X, options.Y
    epochs, every, is_full = settings.epochs, settings.record_every, options.batch_size == len(X)
    before, history, order, drawn = theta.copy(), History(), None, None
    arguments: dict[str, Any] = {"batch_size": options.batch_size, "reduction": settings.reduction}
    arguments.update(settings.clipping, alpha=settings.alpha.alpha)  # type: ignore[union-attr]
    if _draws(options):
        if isinstance(options.seed, np.random.Generator):
            drawn = options.seed.bit_generator.state
        draws = Draws(options.random, len(X), settings.shuffle and not is_full, options.dropout, model.dtype)
        options.stream, order, dropout = None, draws.epochs(epochs), draws.dropout
    else:
        dropout = None
    user.history = history
    costs_come_along = is_full and dropout is None
    step = epochs if costs_come_along or every == 0 else every
    if step < epochs:
        arguments["state"] = settings.optimizer.state(model.theta)  # type: ignore[attr-defined]
    parts = []
    with overflow_ignored(backend):
        for start in range(0, epochs, step):
            if not costs_come_along and every > 0:
                history.record(start, float(backend.evaluate(model, X, Y, settings.reduction)[0]), {})
            if dropout is not None:
                arguments["dropout"] = dropout.after(start * len(X))
            count = min(step, epochs - start)
            rows = None if order is None else order[start : start + count]
            costs = backend.run_updates(model, X, Y, settings.optimizer, order=rows, epochs=count, **arguments)
            parts.append(np.asarray(costs))
    costs = parts[0] if len(parts) == 1 else np.concatenate(parts)
    if not all_finite(theta) or not divergence.is_harmless(costs, options.batch_size, settings.reduction):
        theta[:] = before
        if drawn is not None:
            options.seed.bit_generator.state = drawn
        return False
    if costs_come_along and every > 0:
        history.record_costs(0, costs, every)
    history.epochs_done = epochs
    try:
        release()
    except StopTraining as reason:
        history.stop("StopTraining", reason)
    return True
