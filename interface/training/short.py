"""A short training in one call of the backend, without what `loop` prepares for a long one.

The result is that of the loop, to the bit: what is computed does not depend on how it is split into calls.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends.objective import overflow_ignored
from samenet.backends.weighing import weighing
from samenet.model import Model
from samenet.optimizers import State
from samenet.stopping import StopTraining
from samenet.training import divergence, loop, sampling
from samenet.training.history import History
from samenet.training.options import Options, Trained
from samenet.training.sampling import Draws
from samenet.validation.finite import all_finite


def is_short(model: Model, backend: Any, options: Options) -> bool:
    """Whether a training takes no longer than one call should, and nothing of a user's runs between its updates."""
    settings, m, size = options.settings, len(options.X), options.batch_size
    if not settings.is_simple or options.unchecked or options.saved is not None or options.checkpoint is not None:
        return False
    if options.is_watched:
        return False
    if _draws(options):
        if sampling.is_stream(options.seed) and not isinstance(options.seed, np.random.Generator):
            return False
        if settings.epochs * m > sampling.MOST_DRAWN:
            return False
    updates, masks_weights = settings.epochs * -(-m // size), bool(settings.drop_connect)
    return loop.seconds_of(backend, model, updates, size, masks_weights) <= loop.CALL_SECONDS


def _draws(options: Options) -> bool:
    """Whether random numbers are drawn."""
    settings = options.settings
    return (settings.shuffle and options.batch_size < len(options.X)) or settings.has_masks


def train(user: Trained, model: Model, backend: Any, options: Options, release: Callable[[], None]) -> bool:
    """Train if it is short; returns whether that was done.

    If weights did not stay finite, or the cost has grown so that `divergence` must look at it, nothing has changed, and
    the loop has to do it all.
    """
    if not is_short(model, backend, options):
        return False
    settings, theta, size = options.settings, model.theta.everything, options.batch_size
    before, history, drawn, draws = theta.copy(), History(), None, None
    state = settings.optimizer.state(model.theta)  # type: ignore[attr-defined]
    user.history, user.training_state = history, None
    returns_cost = size == len(options.X) and not settings.has_masks and not model.theta.normalized
    weights = options.sample_weight
    run_updates = backend.run_updates if weights is None else weighing(backend, "run_updates", weights)
    with overflow_ignored(backend):
        if returns_cost:
            arguments = {"batch_size": size, "epochs": settings.epochs, "state": state, **settings.arguments}
            costs = np.asarray(run_updates(model, options.X, options.Y, settings.optimizer, **arguments))
            if settings.record_every > 0:
                history.record_costs(0, costs, settings.record_every)
        else:
            if isinstance(options.seed, np.random.Generator):
                drawn = options.seed.bit_generator.state
            costs, draws = _by_batches(model, backend, options, history, state)
    amount = size if weights is None else divergence.amount_of(size, weights)
    if not all_finite(theta) or not divergence.is_harmless(costs, amount, settings.reduction):
        theta[:], options.stream = before, None  # the loop begins anew
        if drawn is not None:
            options.seed.bit_generator.state = drawn
        return False
    history.epochs_done = settings.epochs
    cost, first_cost = model.cost_function, costs.item(0)
    left = options.seed, state.values, state.t, draws, history, before
    user.training_state = settings, len(options.X), size, cost, first_cost, amount, *left
    try:
        release()
    except StopTraining as reason:
        history.stop("StopTraining", reason)
    return True


def _by_batches(
    model: Model, backend: Any, options: Options, history: History, state: State
) -> tuple[NDArray[np.float64], Draws | None]:
    """All updates, with a forward pass before each epoch that is recorded; returns their costs, and what was drawn."""
    settings, X, Y, epochs = options.settings, options.X, options.Y, options.settings.epochs
    arguments, order = {"batch_size": options.batch_size, "state": state, **settings.arguments}, None
    draws = None
    if _draws(options):
        shuffled = settings.shuffle and options.batch_size < len(X)
        draws = options.draws(model.dtype, shuffled)
        order = draws.epochs(epochs)
    step = settings.record_every or epochs
    evaluate, run_updates = (weighing(backend, f, options.sample_weight) for f in ("evaluate", "run_updates"))
    costs = []
    for start in range(0, epochs, step):
        if settings.record_every > 0:
            history.record(start, float(evaluate(model, X, Y, settings.reduction)[0]), {})
        if draws is not None:
            arguments |= draws.masks(start)
        count = min(step, epochs - start)
        rows = None if order is None else order[start : start + count]
        costs.append(run_updates(model, X, Y, settings.optimizer, order=rows, epochs=count, **arguments))
    return np.asarray(costs[0]) if len(costs) == 1 else np.concatenate(costs), draws
