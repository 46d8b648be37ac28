"""Short training, prepared once for all calls with the same arguments, without what `loop` does for long training.

Users who make their own batches call `train` with the same arguments over and over. The model keeps the prepared
training, so that the next call only checks its samples and makes its updates. The result is bit-identical to that of
the loop, because it does not depend on how updates are split into calls.
"""

import copy
from collections.abc import Callable
from contextlib import suppress
from operator import is_
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet import schedules
from samenet.backends import prepared
from samenet.model import Model
from samenet.model.functions import MADE_FOR
from samenet.optimizers import State
from samenet.stopping import StopTraining
from samenet.training import divergence, loop, sampling
from samenet.training.history import History
from samenet.training.options import Options, Trained, apart
from samenet.training.reach import is_reachable, limits_of
from samenet.training.sampling import Draws, Orders
from samenet.training.settings import Given, Settings, are_constant, are_same, differ_in_alpha, frozen, settings_of
from samenet.training.state import TrainingState
from samenet.validation.finite import all_finite
from samenet.validation.weights import sample_weight


class Short(NamedTuple):
    """A short training call, prepared: its checked arguments, without the samples."""

    backend: Any
    functions: tuple[Any, Any]  # of the backend: another one may have been put in the place of one of them
    given: Given  # the arguments of `train` but the last, the weights, which may change
    settings: Settings
    rows: int  # of X
    batch_size: int
    seed: Any  # as it was given
    weights: NDArray[np.float64] | None  # of the samples
    dropout: NDArray[np.float64]  # as in `Options`
    scale: float  # of its costs, see `divergence.scale_of`
    is_open: bool  # whether the weights are finite afterwards only if X was
    limited: str | None  # the activation whose range the targets may not leave
    draws: bool  # whether random numbers are drawn
    returns_cost: bool  # whether an update returns the cost to record
    alphas: NDArray[np.float64] | None  # of each epoch; None if a schedule has no value for one of them
    cost: Callable[..., float]  # these three: see `samenet.backends.prepared`
    updates: Callable[..., Any]
    samples: Callable[..., Any] | None  # None until the second call: most networks are trained once


def is_short(model: Model, backend: Any, options: Options) -> bool:
    """Whether training takes no longer than one call should, and no user code runs between its updates."""
    settings, m, size = options.settings, len(options.X), options.batch_size
    if not settings.is_simple or options.is_watched or options.checkpoint is not None:
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


def _prepare(model: Model, backend: Any, options: Options) -> Short:
    """The prepared training with these options: that of the last call, or a new one, for the next call."""
    last: Short | None = model.prepared.get(Short)
    given, settings, rows, size = options.given, options.settings, len(options.X), options.batch_size
    weights = options.sample_weight
    is_like = last is not None and last.rows == rows and last.weights is weights and _is_of(last, backend)
    if last is not None and is_like and given and (all(map(is_, last.given, given)) or are_same(last.given, given)):
        return last
    given = frozen(given)
    has_masks, is_normalized = settings.has_masks, bool(model.theta.normalized)
    arguments = size, settings.arguments, weights
    short = Short(
        *(backend, (backend.run_updates, backend.evaluate), given[:-1], settings, rows, size),
        *(given[-5] if given else options.seed, weights, options.dropout),
        divergence.scale_of(size, weights, settings.reduction),
        options.unchecked,
        None if model.cost_function in MADE_FOR else model.activations[-1],
        _draws(options),
        size >= rows and not (has_masks or is_normalized),
        schedules.rates(settings.alpha, settings.epochs),
        prepared.cost(model, backend, settings.reduction, weights),
        prepared.updates(model, backend, settings.optimizer, *arguments),
        None,
    )
    if short.alphas is not None and given and are_constant(given[:-1]):
        model.prepared[Short] = short
    return short


def _is_of(short: Short, backend: Any) -> bool:
    return short.backend is backend and short.functions == (backend.run_updates, backend.evaluate)


def again(user: Trained, model: Model, backend: Any, X: Any, Y: Any, given: Given) -> History | None:
    """Train as in the previous call, if its arguments were the same except for the samples; returns the history.

    If it is None, nothing has changed. Raises ValueError or TypeError for invalid samples. Deferring Ctrl-C would take
    longer than an update of a tiny network: after an exception, the updates, which it has undone, are made again, and
    then it is raised.
    """
    short: Short | None = model.prepared.get(Short)
    if short is None or not _is_of(short, backend):
        return None
    is_same = all(map(is_, short.given, given)) or are_same(short.given, given)
    if not (is_same or differ_in_alpha(short.given, given[:-1])):
        return None
    if short.samples is None:
        limits = limits_of(short.limited)
        samples = prepared.samples(model, backend, short.rows, limits, short.is_open)
        short = model.prepared[Short] = short._replace(samples=samples)
    found = short.samples(X, Y)  # type: ignore[misc]
    if found is not None:
        X, Y = found
        model.theta.check_writable()
    else:
        X, Y = model.labelled(X, Y, given[0], not short.is_open)
        if len(X) != short.rows or (short.limited is not None and not is_reachable(short.limited, Y)):
            return None
        X, Y = apart(model.theta, X, Y)
    weights = given[-1] if given[-1] is None else sample_weight(given[-1], short.rows, given[0], model.dtype)
    if weights is not short.weights:  # they may have changed
        return None
    if not is_same:
        settings = settings_of(len(model.sizes) - 2, *given[:-5])
        alphas = schedules.rates(settings.alpha, settings.epochs)
        short = model.prepared[Short] = short._replace(given=given[:-1], settings=settings, alphas=alphas)
    own = user.__dict__  # found faster than by the property
    if "joint" in own:
        user.leave()  # type: ignore[attr-defined]
    earlier = own["history"]
    try:
        return _train(short, user, model, X, Y)
    except BaseException as error:  # of the handler of a signal, which is called at any moment
        if user.history is earlier:  # a second exception, such as that of another Ctrl-C, does not wait
            with suppress(StopTraining):
                _train(short, user, model, X, Y)
        if not isinstance(error, StopTraining):
            raise
        history = user.history if user.history is not earlier else History()
        assert history is not None
        history.stop("StopTraining", error)
        user.history = history
        return history


def train(user: Trained, model: Model, backend: Any, options: Options, release: Callable[[], None]) -> bool:
    """Train if training is short; returns whether it did.

    If weights did not stay finite, or the cost has grown so much that `divergence` must examine it, nothing has
    changed, and the loop has to do all of it.
    """
    saved = options.saved
    if not is_short(model, backend, options) or (saved is not None and not goes_on(saved, options)):
        return False
    short = _prepare(model, backend, options)
    if saved is not None and type(options.settings.alpha) is not schedules.Constant:
        settings = options.settings
        alphas = schedules.rates(settings.alpha, settings.epochs, saved.history.epochs_done)
        short = short._replace(alphas=alphas)
    if short.alphas is None:
        return False
    if "joint" in vars(user):
        user.leave()  # type: ignore[attr-defined]
    history = _train(short, user, model, options.X, options.Y, saved, options.seed)
    if history is None:
        if options.unchecked:
            options.check_samples()
        return False
    try:
        release()
    except StopTraining as reason:
        history.stop("StopTraining", reason)
    return True


def goes_on(saved: TrainingState, options: Options) -> bool:
    """Whether training can be resumed here: it ended between two epochs, without stop rules or suspicious costs.

    The loop handles all other cases.
    """
    is_between = saved.is_between_epochs and saved.hooks_begun is None and saved.last is None
    is_unsuspected = not (saved.is_done or saved.suspicious)
    has_draws = saved.draws is not None or not _draws(options)
    is_next = not (options.completes or saved.history.is_recorded(saved.history.epochs_done))
    return is_between and is_unsuspected and has_draws and is_next


def _train(
    short: Short,
    user: Trained,
    model: Model,
    X: NDArray[Any],
    Y: NDArray[Any],
    saved: TrainingState | None = None,
    seed: Any = None,
) -> History | None:
    """Make all updates and return the history; None, with nothing changed, if the loop has to examine the costs.

    After an exception, nothing has changed either. seed: with `saved`, the seed of its random numbers.
    """
    settings, everything = short.settings, model.theta.everything
    rule, every = settings.optimizer, settings.record_every
    before, earlier, is_done = everything.copy(), (user.__dict__["history"], user.training_state), False
    drawn = values = draws = None
    order: Any = None
    kept: dict[str, Any] = {}
    if saved is None:
        state, history = rule.state(model.theta), History()  # type: ignore[attr-defined]
    else:
        state, history = saved.optimizer(rule, model.theta), copy.copy(saved.history)  # type: ignore[arg-type]
        values, kept = state.values.copy(), vars(saved).copy()
    began = history.epochs_done
    try:
        if short.draws:
            if saved is not None:
                draws = order = saved.draws  # for orders being drawn
            else:
                drawn = short.seed.bit_generator.state if isinstance(short.seed, np.random.Generator) else None
                draws = _new_draws(short, model.dtype)
            order = draws.epochs(settings.epochs)  # type: ignore[union-attr]
        if short.returns_cost:
            costs = short.updates(X, Y, state, short.alphas)
            if every > 0:
                history.record_costs(began, costs, every)
        else:
            costs = _by_epochs(short, X, Y, history, state, draws, order)
        if saved is None:
            is_harmless = divergence.is_harmless(costs, short.scale)
        else:
            is_harmless = divergence.worst(costs) < saved.largest
        if not (is_harmless and (all_finite(everything) if state.is_finite is None else state.is_finite)):
            return None
        history.epochs_done = began + settings.epochs
        user.__dict__["history"] = history
        if saved is None:
            left = None, (costs.item(0), short.scale), short.seed, state, draws, history, before
            user.training_state = settings, short.rows, short.batch_size, model.cost_function, *left
        else:
            history.stopped_by = None
            user.training_state = saved.after(seed, state.t, history, began)
        is_done = True
    finally:
        if not is_done:  # the loop starts again; or there was an exception, such as a second Ctrl-C
            everything[:] = before
            user.history, user.training_state = earlier
            if saved is not None:
                state.values[:] = values
                vars(saved).update(kept, ahead=None if order is draws else order)
                if order is draws is not None:  # the random numbers drawn are lost, so that training cannot resume
                    user.training_state = None
            elif drawn is not None:
                short.seed.bit_generator.state = drawn
    return history


def _new_draws(short: Short, dtype: Any) -> Draws:
    settings, random = short.settings, short.seed
    shuffled = settings.shuffle and short.batch_size < short.rows
    return Draws(random, short.rows, shuffled, short.dropout, dtype, settings.drop_connect, short.batch_size)


def _by_epochs(
    short: Short, X: NDArray[Any], Y: NDArray[Any], history: History, state: State, draws: Draws | None, order: Orders
) -> NDArray[np.float64]:
    """Make all updates, with a forward pass before each recorded epoch."""
    every, began, has_masks = short.settings.record_every, history.epochs_done, short.settings.has_masks
    alphas = short.alphas
    assert alphas is not None
    start, end = began, began + short.settings.epochs
    costs: list[NDArray[np.float64]] = []
    epochs: list[int] = []
    recorded: list[float] = []
    while start < end:
        stop = min(end, start + every - start % every) if every > 0 else end
        if every > 0 and start % every == 0:
            epochs.append(start)
            recorded.append(short.cost(X, Y))
        masks = draws.masks(start) if has_masks and draws is not None else {}
        rows = None if order is None else order[start - began : stop - began]
        costs.append(short.updates(X, Y, state, alphas[start - began : stop - began], rows, **masks))
        start = stop
    history.record_each(epochs, recorded)
    return costs[0] if len(costs) == 1 else np.concatenate(costs)
