"""Training from several initial weights, keeping the best result."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from samenet import schedules
from samenet.backends.objective import Objective
from samenet.model import Model
from samenet.model.initialize import initialize
from samenet.optimizers import MultiStart, Optimizer, UpdateRule
from samenet.stopping import StopTraining
from samenet.training import alike, divergence
from samenet.training.history import History
from samenet.training.joint import Together
from samenet.training.options import Options, Trained
from samenet.training.sampling import numpy_stream
from samenet.training.together import run_together

Release = Callable[[], None]
Train = Callable[[Optimizer, Trained, Model, Release], None]


class _Ended(BaseException):
    """Ends all starts; the cause is the exception to raise, such as one of the user's handler of Ctrl-C."""


def _groups(plan: MultiStart, model: Model, backend: Any, options: Options) -> tuple[list[Sequence[int]], Options]:
    """The numbers of the starts that are trained in one call each, and their options; none if starts are to be trained
    one after the other: if they share a random stream, or call something that may end all of them.
    """
    settings, alpha = options.settings, options.settings.alpha
    each: list[Sequence[int]] = [range(i, i + 1) for i in range(plan.starts)]
    draws = settings.has_masks or (settings.shuffle and options.batch_size < len(options.X))
    if draws or options.is_watched:
        return [], options
    if isinstance(plan.optimizer, UpdateRule) and alpha is not None and schedules.is_pure(alpha):
        options = options.with_schedule(alpha, plan.optimizer)
        kind = alike.Similar(range(plan.starts), model, backend, options)
        groups = alike.groups([kind], [None] * plan.starts, model.threads)
        if len(groups) < plan.starts:
            return groups, options
    is_plain = alpha is None or type(alpha) is schedules.Constant
    return each if is_plain and min(model.threads, plan.starts) > 1 else [], options


def _best_of_groups(
    groups: list[Sequence[int]],
    plan: MultiStart,
    user: Trained,
    objective: Objective,
    options: Options,
    train: Train,
    release: Release,
) -> None:
    """As `best_of`, several starts at a time, with the same bits as one after the other."""
    theta, stream = objective.model.theta.everything, numpy_stream(options.random)
    models, starts = objective.model.several(plan.starts), list[Any]()
    for model in models:
        model.threads = 1
        initialize(model.theta, plan.init, stream)
        starts.append(object.__new__(type(user)))  # a network: the user's has only one history
        vars(starts[-1]).update(model=model, history=None)
    failed: dict[int, FloatingPointError] = {}

    def train_group(group: Sequence[int], release: Release) -> None:
        left = group
        try:
            if len(group) > 1:
                several = [starts[i] for i in group], [models[i] for i in group], objective.backend, options
                left = [group[place] for place in alike.train(*several, [None] * len(group), release, Together())]
            for i in left:
                try:
                    train(plan.optimizer, starts[i], models[i], release)
                except FloatingPointError as error:
                    failed[i] = error
        except Exception as error:
            raise _Ended from error

    def release_or_end() -> None:
        try:
            release()
        except Exception as error:
            raise _Ended from error

    ended_by: BaseException | None = None
    try:
        run_together([partial(train_group, group) for group in groups], objective.model.threads, release_or_end)
    except _Ended as end:
        ended_by = end.__cause__
    finally:
        costs, of_one = dict[int, float](), replace(objective, model=objective.model.holding(theta))
        for i, (start, model) in enumerate(zip(starts, models, strict=True)):
            if start.joint is not None or start.history is not None:  # it has begun
                of_one.model.theta.everything[:] = model.theta.everything
                costs[i] = math.inf if i in failed else of_one.cost()
        best = min((i for i in costs if i not in failed), key=costs.__getitem__, default=None)
        last = max(costs, default=None) if best is None else best
        history: History = History() if last is None else starts[last].history
        history.starts = tuple(costs.values())
        if isinstance(ended_by, StopTraining):
            history.stopped_by = None
            history.stop("StopTraining", ended_by)
        theta[:], user.history = theta if best is None else models[best].theta.everything, history
    if ended_by is not None and not isinstance(ended_by, StopTraining):
        raise ended_by
    if best is None and failed:
        raise failed[max(failed)]
    if best is not None and history.diverged_at is not None:
        divergence.warn(f"the best of {len(costs)} starts ends at a cost of {costs[best]:.3g}")


def best_of(
    plan: MultiStart, user: Trained, objective: Objective, options: Options, train: Train, release: Release
) -> None:
    """Train from every start, and leave the network with the weights and the history of the best.

    If training ends early, the start under way is compared like the others, with the weights it reached.
    """
    groups, of_start = _groups(plan, objective.model, objective.backend, options)
    if groups:
        _best_of_groups(groups, plan, user, objective, of_start, train, release)
        return
    theta, stream = objective.model.theta.everything, numpy_stream(options.random)
    best, best_history, least, costs = theta.copy(), user.history, math.inf, list[float]()
    failure: FloatingPointError | None = None
    trained = False  # whether `best` is the result of a start
    ended_by: str | None = None  # what ended all training
    try:
        for _ in range(plan.starts):
            initialize(objective.model.theta, plan.init, stream)
            diverged = False
            try:
                train(plan.optimizer, user, objective.model, release)
            except FloatingPointError as error:
                failure, diverged = error, True
            except StopTraining:
                assert user.history is not None
                ended_by = user.history.stopped_by
            finally:
                cost = math.inf if diverged else objective.cost()
                costs.append(cost)
                if not diverged and (not trained or cost < least):
                    best[:], best_history, least, trained = theta, user.history, cost, True
            if ended_by is not None:
                break
    finally:
        theta[:] = best
        if trained:
            user.history = best_history
        if user.history is not None:
            user.history.starts = tuple(costs)
            user.history.stopped_by = ended_by or user.history.stopped_by
    if failure is not None and not trained:
        raise failure
    if best_history is not None and best_history.diverged_at is not None:
        divergence.warn(f"the best of {len(costs)} starts ends at a cost of {least:.3g}")
