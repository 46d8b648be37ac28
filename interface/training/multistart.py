"""Training from several initial weights, keeping the best result."""

import math
from collections.abc import Callable

from samenet.backends.objective import Objective
from samenet.initialize import initialize
from samenet.optimizers import MultiStart, Optimizer
from samenet.stopping import StopTraining
from samenet.training import divergence
from samenet.training.options import Options, Trained
from samenet.training.sampling import numpy_stream


def best_of(
    plan: MultiStart, user: Trained, objective: Objective, options: Options, train: Callable[[Optimizer], None]
) -> None:
    """Train from every start, and leave the network with the weights and the history of the best.

    If training ends early, the start under way is compared like the others, with the weights it reached.
    """
    theta, stream = objective.model.theta.flat, numpy_stream(options.random)
    best, best_history, least, costs = theta.copy(), user.history, math.inf, list[float]()
    failure: FloatingPointError | None = None
    trained = False  # whether `best` is the result of a start
    ended_by: str | None = None  # what ended the whole
    try:
        for _ in range(plan.starts):
            initialize(objective.model.theta, plan.init, stream)
            diverged = False
            try:
                train(plan.optimizer)
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
