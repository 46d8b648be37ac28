"""Short training in one call of the backend, without the preparations of `loop` for long training.

The result is bit-identical to that of the loop, because it does not depend on how updates are split into calls.
"""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.backends.objective import overflow_ignored
from samenet.backends.weighing import weighing
from samenet.model import Model
from samenet.model.functions import MADE_FOR
from samenet.optimizers import State
from samenet.stopping import StopTraining
from samenet.training import divergence, loop, sampling
from samenet.training.history import History
from samenet.training.options import Options, Trained
from samenet.training.reach import limits_of
from samenet.training.sampling import Draws, Orders
from samenet.training.settings import Given, Settings, settings_of
from samenet.training.state import TrainingState
from samenet.validation.finite import all_finite


class Known(NamedTuple):
    """The checked arguments of a short training call, without its samples, for the next calls with the same."""

    backend: Any
    given: Given  # the arguments of `train`, which have the same values at any time
    rows: int  # of X
    is_open: bool  # whether the weights are finite afterwards only if X was
    limited: str | None  # the activation whose range the targets may not leave
    options: Callable[..., Options]  # options(given, X, Y): of other arguments, which differ only in alpha
    samples: Callable[..., Any]  # samples(X, Y): both, if a backend has found them to be right as they are, or None
    train: Callable[..., History | None]  # train(user, model, X, Y); None, with nothing changed, if the loop has to


def known(model: Model, backend: Any, options: Options) -> Known:
    """The checked arguments of a short training call.

    The FAST of a backend, see `samenet.backends.costs`, may have two functions for `run_updates`. fast_samples(model,
    rows, limits) returns `samples`, which accepts only X and Y that need no conversion, of so many rows, finite, apart
    in memory from the parameters, with targets within the limits and the range of the cost; fast_updates(model, rule,
    **arguments of `run_updates`) returns `updates` for a full batch. Both return None for models without a faster way.
    """
    rows, limited = len(options.X), None if model.cost_function in MADE_FOR else model.activations[-1]
    make = getattr(backend, "FAST", {}).get(backend.run_updates, _no_fast)
    samples = make[0](model, rows, limits_of(limited)) or _nothing
    if _is_usual(model, options):
        train = partial(_updated, _full_batch(model, backend, options, make[1]))
    else:
        train = partial(_again, backend, partial(Options.again, options.made, options.dropout))
    size, seed, dropout = options.batch_size, options.seed, options.dropout
    renewed = partial(_renewed, len(model.sizes) - 2, size, seed, dropout, options.unchecked)
    return Known(backend, options.given, rows, options.unchecked, limited, renewed, samples, train)


def _renewed(hidden: int, size: int, seed: Any, dropout: Any, unchecked: bool, given: Given, X: Any, Y: Any) -> Options:
    """The options of these arguments, for samples that have been checked."""
    options = Options.again((settings_of(hidden, *given[:-5]), size, seed), dropout, X, Y)
    options.given, options.unchecked = given, unchecked
    return options


def _nothing(*_: Any, **__: Any) -> None:
    """For a backend without fast paths."""


_no_fast = _nothing, _nothing


def _again(backend: Any, options_of: Callable[..., Options], user: Trained, model: Model, X: Any, Y: Any) -> Any:
    with overflow_ignored(backend):
        return _with_options(user, model, backend, options_of(X, Y))


class _FullBatch(NamedTuple):
    """Full-batch updates without masks, where each returns the cost to record."""

    updates: Callable[..., Any]  # updates(model, X, Y, state): makes all of them
    settings: Settings
    seed: Any
    rows: int
    amount: float  # the weight of the batch, see `divergence.amount_of`


def _full_batch(model: Model, backend: Any, options: Options, make: Callable[..., Any] = _nothing) -> _FullBatch:
    settings, rows, weights = options.settings, len(options.X), options.sample_weight
    arguments = {"batch_size": rows, "epochs": settings.epochs, **settings.arguments}
    amount = rows if weights is None else divergence.amount_of(rows, weights)
    updates = make(model, settings.optimizer, **arguments)
    if updates is None:
        run_updates = weighing(backend, "run_updates", weights)
        updates = partial(_updates, backend, run_updates, settings.optimizer, arguments)
    return _FullBatch(updates, settings, options.seed, rows, amount)


def _updates(
    backend: Any, run_updates: Any, rule: Any, arguments: Any, model: Model, X: Any, Y: Any, state: Any
) -> Any:
    with overflow_ignored(backend):
        return np.asarray(run_updates(model, X, Y, rule, state=state, **arguments))


def is_short(model: Model, backend: Any, options: Options) -> bool:
    """Whether training takes no longer than one call should, and no user code runs between its updates."""
    if options.checkpoint is not None:
        return False
    if options.is_short is None:
        options.is_short = _is_short(model, backend, options)
        if options.is_short and options.remember(model):
            model.prepared[Known] = known(model, backend, options)
    return options.is_short


def _is_short(model: Model, backend: Any, options: Options) -> bool:
    settings, m, size = options.settings, len(options.X), options.batch_size
    if not settings.is_simple or options.is_watched:
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
    return settings.has_masks or (settings.shuffle and options.batch_size < len(options.X))


def goes_on(saved: TrainingState, options: Options) -> bool:
    """Whether training can be resumed here: it ended between two epochs, without stop rules or suspicious costs.

    The loop handles all other cases.
    """
    is_between = saved.is_between_epochs and saved.hooks_begun is None and saved.last is None
    is_unsuspected = not (saved.is_done or saved.suspicious)
    has_draws = saved.draws is not None or not _draws(options)
    is_next = not (options.completes or saved.history.is_recorded(saved.history.epochs_done))
    return is_between and is_unsuspected and has_draws and is_next


def train(user: Trained, model: Model, backend: Any, options: Options, release: Callable[[], None]) -> bool:
    """Train if training is short; returns whether it did.

    If weights did not stay finite, or the cost has grown so much that `divergence` must examine it, nothing has
    changed, and the loop has to do all of it.
    """
    saved = options.saved
    if not is_short(model, backend, options) or (saved is not None and not goes_on(saved, options)):
        return False
    with overflow_ignored(backend):
        history = _trained(user, model, backend, options)
    if history is None:
        if options.unchecked:
            options.check_samples()
        return False
    try:
        release()
    except StopTraining as reason:
        history.stop("StopTraining", reason)
    return True


def _trained(user: Trained, model: Model, backend: Any, options: Options) -> History | None:
    """Train; full-batch updates return the costs to record. None, with nothing changed, if the loop has to train."""
    if _is_usual(model, options) and options.saved is None:
        return _updated(_full_batch(model, backend, options), user, model, options.X, options.Y)
    return _with_options(user, model, backend, options)


def _is_usual(model: Model, options: Options) -> bool:
    """Whether updates are full-batch, and each returns the cost to record."""
    is_full_batch = options.batch_size >= len(options.X)
    return is_full_batch and not (options.settings.has_masks or model.theta.normalized)


def _updated(known: _FullBatch, user: Trained, model: Model, X: NDArray[Any], Y: NDArray[Any]) -> History | None:
    """Make all updates and return the history; None, with nothing changed, if the loop has to examine the costs.

    After an exception, nothing has changed either.
    """
    updates, settings, seed, rows, amount = known
    everything, reduction = model.theta.everything, settings.reduction
    before, earlier = everything.copy(), (user.history, user.training_state)
    state = settings.optimizer.state(model.theta)  # type: ignore[attr-defined]
    try:
        costs = updates(model, X, Y, state)
        if not (_stays_finite(state, everything) and divergence.is_harmless(costs, amount, reduction)):
            everything[:] = before
            return None
        history = History()
        if settings.record_every > 0:
            history.record_costs(0, costs, settings.record_every)
        history.epochs_done = settings.epochs
        user.history = history
        left = costs.item(0), amount, seed, state, None, history, before
        user.training_state = settings, rows, rows, model.cost_function, *left
    except BaseException:  # such as a second Ctrl-C, possibly in the middle of an update
        everything[:] = before
        user.history, user.training_state = earlier
        raise
    return history


def _with_options(user: Trained, model: Model, backend: Any, options: Options) -> History | None:
    """As `_trained`, with batches, with masks, or resuming."""
    settings, saved, weights = options.settings, options.saved, options.sample_weight
    rule, size, everything = settings.optimizer, options.batch_size, model.theta.everything
    before, earlier, order = everything.copy(), (user.history, user.training_state), None
    if saved is None:
        state, history = rule.state(model.theta), History()  # type: ignore[attr-defined]
    else:
        state, history = saved.optimizer(rule, model.theta), copy.copy(saved.history)
        values = state.values.copy()
    began, is_done = history.epochs_done, False
    drawn = options.seed.bit_generator.state if isinstance(options.seed, np.random.Generator) else None
    try:
        user.history, user.training_state = history, None
        draws, order = _drawn(model, options)
        costs = _by_batches(model, backend, options, history, state, draws, order)
        amount = size if weights is None else divergence.amount_of(size, weights)
        if saved is None:
            is_harmless = divergence.is_harmless(costs, amount, settings.reduction)
        else:
            is_harmless = divergence.worst(costs) < saved.largest
        if not (is_harmless and _stays_finite(state, everything)):
            return None
        history.epochs_done += settings.epochs
        if saved is None:
            left = options.seed, state, draws, history, before
            user.training_state = settings, len(options.X), size, model.cost_function, costs.item(0), amount, *left
        else:
            history.stopped_by = None
            user.training_state = saved.after(options.seed, state.t, history, began)
        is_done = True
    finally:
        if not is_done:  # the loop starts again; or there was an exception, such as a second Ctrl-C
            everything[:], options.stream = before, None
            user.history, user.training_state = earlier
            if saved is not None:
                state.values[:], saved.ahead = values, order
            elif drawn is not None:
                options.seed.bit_generator.state = drawn
    return history


def _stays_finite(state: State, everything: NDArray[Any]) -> bool:
    """Whether all parameters are finite after the updates of this state."""
    return all_finite(everything) if state.is_finite is None else state.is_finite


def _drawn(model: Model, options: Options) -> tuple[Draws | None, Orders]:
    """The draws, and the orders drawn for all epochs."""
    if not _draws(options):
        return None, None
    shuffled = options.settings.shuffle and options.batch_size < len(options.X)
    draws = options.draws(model.dtype, shuffled) if options.saved is None else options.saved.draws
    return draws, draws.epochs(options.settings.epochs)


def _by_batches(
    model: Model, backend: Any, options: Options, history: History, state: State, draws: Draws | None, order: Orders
) -> NDArray[np.float64]:
    """Make all updates, with a forward pass before each recorded epoch unless the updates return its cost."""
    settings, X, Y, every = options.settings, options.X, options.Y, options.settings.record_every
    arguments = {"batch_size": options.batch_size, "state": state, **settings.arguments}
    run_updates = weighing(backend, "run_updates", options.sample_weight)
    began = start = history.epochs_done
    end, costs = began + settings.epochs, []
    returns_cost = options.batch_size == len(X) and not (settings.has_masks or model.theta.normalized)
    while start < end:
        stop = end if every == 0 or returns_cost else min(end, start + every - start % every)
        if every > 0 and start % every == 0 and not returns_cost:
            evaluate = weighing(backend, "evaluate", options.sample_weight)
            history.record(start, float(evaluate(model, X, Y, settings.reduction)[0]), {})
        if draws is not None:
            arguments |= draws.masks(start)
        rows = None if order is None else order[start - began : stop - began]
        costs.append(run_updates(model, X, Y, settings.optimizer, order=rows, epochs=stop - start, **arguments))
        start = stop
    found = np.asarray(costs[0]) if len(costs) == 1 else np.concatenate(costs)
    if every > 0 and returns_cost:
        history.record_costs(began, found, every)
    return found
