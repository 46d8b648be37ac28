"""Training from several initial weights: the best is kept."""

import math
from typing import TYPE_CHECKING

from samenet.initialize import initialize

if TYPE_CHECKING:
    from samenet.network import Network
    from samenet.optimizers import MultiStart, Release
    from samenet.training import Settings


def best_of(plan: "MultiStart", network: "Network", settings: "Settings", release: "Release") -> None:
    """Train from every start; the network is left with the weights and the history of the best one.

    Whatever ends it early, what was reached until then takes part in the choice.
    """
    theta = network.theta.flat
    kept, kept_history, least, costs = theta.copy(), settings.user.history, math.inf, list[float]()
    failure: FloatingPointError | None = None
    trained = False  # whether `kept` is the end of a start
    try:
        for _ in range(plan.starts):
            initialize(network.theta, plan.init, settings.random)
            diverged = False
            try:
                plan.optimizer.train(network, settings, release)
            except FloatingPointError as error:
                failure, diverged = error, True
            finally:
                cost = math.inf if diverged else network.cost(settings.X, settings.Y, reduction=settings.reduction)
                costs.append(cost)
                if not diverged and (not trained or cost < least):
                    kept[:], kept_history, least, trained = theta, settings.user.history, cost, True
            if settings.user.history is not None and settings.user.history.stopped_by == "callback":
                break
    finally:
        theta[:] = kept
        if trained:
            settings.user.history = kept_history
        if settings.user.history is not None:
            settings.user.history.starts = tuple(costs)
    if failure is not None and not trained:
        raise failure
