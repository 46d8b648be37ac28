"""Training from several initial weights: the best is kept."""

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
    """Train from every start; the network is left with the weights and the history of the best one.

    Whatever ends it early, what was reached until then takes part in the choice.
    """
    theta, stream = objective.model.theta.flat, numpy_stream(options.random)
    kept, kept_history, least, costs = theta.copy(), user.history, math.inf, list[float]()
    failure: FloatingPointError | None = None
    trained = False  # whether `kept` is the end of a start
    ended_by: str | None = None  # who ended the whole
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
                    kept[:], kept_history, least, trained = theta, user.history, cost, True
            if ended_by is not None:
                break
    finally:
        theta[:] = kept
        if trained:
            user.history = kept_history
        if user.history is not None:
            user.history.starts = tuple(costs)
            user.history.stopped_by = ended_by or user.history.stopped_by
    if failure is not None and not trained:
        raise failure
    if kept_history is not None and kept_history.diverged_at is not None:
        divergence.warn(f"the best of {len(costs)} starts ends at a cost of {least:.3g}")
