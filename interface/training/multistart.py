"""Training from several initial weights: the best is kept."""

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from samenet.initialize import SCHEMES, initialize
from samenet.stopping import StopTraining
from samenet.training import divergence
from samenet.training.optimizer import Optimizer, Release
from samenet.training.rules import Descent
from samenet.training.sampling import numpy_stream
from samenet.validation import checks

if TYPE_CHECKING:
    from samenet.network import Network
    from samenet.training.options import Settings


@dataclass(frozen=True)
class MultiStart(Optimizer):
    """Train from several initial weights and keep the network that ends with the least cost.

    starts     how many; each begins with new weights, drawn from the seed's stream before what the training draws
    optimizer  that of each start, by name or object
    init       the scheme of the weights, see `samenet.initialize`

    Each start trains for all epochs. A start that diverges does not count; if all do, the weights are as they were
    and the error is raised. The history is that of the start that was kept, and its `starts` has the costs of all.
    `StopTraining`, or Ctrl-C, ends the whole; a stop rule ends the start at hand. `stopped_by` is who ended the whole,
    and if no one did, who ended the start that was kept.
    """

    starts: int
    optimizer: Any = field(default_factory=Descent)
    init: str = "glorot"

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", checks.integer("starts", self.starts, least=1))
        checks.choice("init", self.init, SCHEMES)
        from samenet.optimizers import optimizer

        inner = optimizer(self.optimizer)
        if isinstance(inner, MultiStart):
            raise TypeError("optimizer: expected one of a single start, got a MultiStart inside another")
        object.__setattr__(self, "optimizer", inner)

    @property
    def takes_steps(self) -> bool:
        """As the optimizer inside."""
        return bool(self.optimizer.takes_steps)

    def train(self, network: "Network", settings: "Settings", release: Release) -> None:
        """Train from every start."""
        best_of(self, network, settings, release)


def best_of(plan: MultiStart, network: "Network", settings: "Settings", release: Release) -> None:
    """Train from every start; the network is left with the weights and the history of the best one.

    Whatever ends it early, what was reached until then takes part in the choice.
    """
    settings = replace(settings, warns=False)  # one start may well diverge
    theta, stream = network.theta.flat, numpy_stream(settings.random)
    kept, kept_history, least, costs = theta.copy(), settings.user.history, math.inf, list[float]()
    failure: FloatingPointError | None = None
    trained = False  # whether `kept` is the end of a start
    ended_by: str | None = None  # who ended the whole
    try:
        for _ in range(plan.starts):
            initialize(network.theta, plan.init, stream)
            diverged = False
            try:
                plan.optimizer.train(network, settings, release)
            except FloatingPointError as error:
                failure, diverged = error, True
            except StopTraining:
                assert settings.user.history is not None
                ended_by = settings.user.history.stopped_by
            finally:
                cost = math.inf if diverged else network.cost(settings.X, settings.Y, reduction=settings.reduction)
                costs.append(cost)
                if not diverged and (not trained or cost < least):
                    kept[:], kept_history, least, trained = theta, settings.user.history, cost, True
            if ended_by is not None:
                break
    finally:
        theta[:] = kept
        if trained:
            settings.user.history = kept_history
        if settings.user.history is not None:
            settings.user.history.starts = tuple(costs)
            settings.user.history.stopped_by = ended_by or settings.user.history.stopped_by
    if failure is not None and not trained:
        raise failure
    if kept_history is not None and kept_history.diverged_at is not None:
        divergence.warn(f"the best of {len(costs)} starts ends at a cost of {least:.3g}")
