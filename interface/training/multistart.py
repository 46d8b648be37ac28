"""Training from several initial weights, keeping the best result."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from samenet import schedules
from samenet.backends.objective import Objective
from samenet.model import Model
from samenet.model.initialize import initialize
from samenet.optimizers import MultiStart, Optimizer
from samenet.stopping import StopTraining
from samenet.training import divergence
from samenet.training.history import History
from samenet.training.options import Options, Trained
from samenet.training.sampling import numpy_stream
from samenet.training.together import run_together

Release = Callable[[], None]
Train = Callable[[Optimizer, Trained, Model, Release], None]


@dataclass
class _Start:
    """Takes the place of the network, which has only one history, while several starts are trained at once."""

    history: History | None = None
    training_state: Any = None


def _are_independent(options: Options, optimizer: Optimizer) -> bool:
    """Whether starts are independent: they share no random stream, and call nothing that may end all of them."""
    settings = options.settings
    draws = settings.has_masks or (settings.shuffle and options.batch_size < len(options.X))
    is_plain = settings.alpha is None or type(settings.alpha) is schedules.Constant
    return is_plain and not (draws or options.is_watched)


def _best_of_together(
    plan: MultiStart, user: Trained, objective: Objective, options: Options, train: Train, release: Release
) -> None:
    """As `best_of`, several starts at a time, with the same bits as one after the other."""
    stream, starts, models = numpy_stream(options.random), [], []
    for _ in range(plan.starts):
        starts.append(_Start())
        models.append(objective.model.holding(objective.model.theta.everything))
        models[-1].threads = 1
        initialize(models[-1].theta, plan.init, stream)

    def task(start: _Start, model: Model) -> Callable[[Release], None]:
        return lambda release: train(plan.optimizer, start, model, release)

    failed: dict[int, Exception] = {}
    try:
        tasks = [task(start, model) for start, model in zip(starts, models, strict=True)]
        failed = run_together(tasks, objective.model.threads, release)
    finally:
        costs, best = list[float](), None
        for i, (start, model) in enumerate(zip(starts, models, strict=True)):
            if start.history is not None:  # it has begun
                diverged = isinstance(failed.get(i), FloatingPointError)
                costs.append(math.inf if diverged else replace(objective, model=model).cost())
                user.history = start.history if best is None else user.history
                if not diverged and (best is None or costs[-1] < costs[best]):
                    best = len(costs) - 1
                    objective.model.theta.everything[:], user.history = model.theta.everything, start.history
        if user.history is not None:
            user.history.starts = tuple(costs)
    others = [error for error in failed.values() if best is None or not isinstance(error, FloatingPointError)]
    if others:
        raise others[-1] if best is None else others[0]
    assert user.history is not None
    assert best is not None
    if user.history.diverged_at is not None:
        divergence.warn(f"the best of {len(costs)} starts ends at a cost of {costs[best]:.3g}")


def best_of(
    plan: MultiStart, user: Trained, objective: Objective, options: Options, train: Train, release: Release
) -> None:
    """Train from every start, and leave the network with the weights and the history of the best.

    If training ends early, the start under way is compared like the others, with the weights it reached.
    """
    if objective.model.threads > 1 and plan.starts > 1 and _are_independent(options, plan.optimizer):
        _best_of_together(plan, user, objective, options, train, release)
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
