"""Divergence: a cost that grows without bound, named while it is still a number."""

import copy
import math
import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samenet.parameters import Parameters

if TYPE_CHECKING:
    from samenet.descent.training import Settings
    from samenet.history import History
    from samenet.network import Network

_GROWTH = 1e6
_MOST = 1e24  # in units of the scale; a training that begins beyond it is taken to have diverged in an earlier call


class DivergenceWarning(RuntimeWarning):
    """A training diverges: its cost is a million times what it should be at most. Given once in a call of `train`.

    With J0 the cost of all samples when the training began, J their cost now, and s = 1 + n_out max |Y|^2 (m times that
    for reduction="sum"), it is given after the first epoch with

        J > 10^6 max(s, min(J0, 10^24 s))

    which weights of a finite size reach long before they overflow, and which a training that only is noisy does not: it
    is J over all samples that counts, not that of a batch. s stands for a J0 that was small by luck, and its 10^24 for a
    J0 that is large because an earlier call had diverged. J is computed only after a batch whose cost was as large, so
    that a step too long in the very last update is not seen, and a cost that is infinite from the start says nothing.
    `history.diverged_at` is the number of epochs that were done. The training goes on; `FloatingPointError` is raised if
    weights overflow, in the same epoch or in a later one. BFGS and its like never let the cost grow.

    With `optimizers.MultiStart` it is given at the end, if the start that is kept diverged.
    """


class Watch:
    """Looks out for divergence in one training, at the price of a comparison for each call of a backend."""

    def __init__(self, network: "Network", settings: "Settings") -> None:
        self.network, self.settings = network, settings
        self.begin = network.theta.flat.copy()
        self.largest = math.nan  # what the cost of a batch may be without a closer look; nan before the first
        self.doubts: list[NDArray[np.float64]] = []  # suspicious costs of the epoch at hand
        self.at_rest = False  # when there is nothing left to be said

    def suspects(self, costs: NDArray[np.float64]) -> bool:
        """Whether one of these costs, of batches, is so large that the cost of all samples must be looked at."""
        if self.at_rest:
            return False
        if math.isnan(self.largest):
            rows = self.settings.batch_size if self.settings.reduction == "sum" else 1
            self.largest = _bound(float(costs[0]), rows)
        worst = costs[0] if len(costs) == 1 else costs.max()
        return not worst < self.largest  # NaN is suspect, too

    def end_epoch(self, history: "History") -> None:
        """Look at the cost of all samples, if there is reason to, and give the warning if it meets the definition."""
        if not self.doubts:
            return
        self.doubts.clear()
        Y, m = self.settings.Y, len(self.settings.Y)
        y = max(float(Y.max()), -float(Y.min()))
        scale = (1 + Y.shape[1] * y * y) * (m if self.settings.reduction == "sum" else 1)
        first, now = self._cost(self.begin), self._cost(self.network.theta.flat)
        self.at_rest = not math.isfinite(first)
        self.largest = max(10 * self.largest, now)  # so that it looks a few times at most
        if not self.at_rest and not now <= _bound(first, scale):
            self._say(history, now)

    def overflow(self, history: "History") -> None:
        """Give the warning, if a cost of the epoch whose weights overflowed was as large while it was still a number."""
        largest = max((float(cost) for costs in self.doubts for cost in costs if math.isfinite(cost)), default=0.0)
        self.doubts.clear()
        if largest >= self.largest:
            self._say(history, largest)

    def _say(self, history: "History", cost: float) -> None:
        self.at_rest, history.diverged_at = True, history.epochs_done
        if self.settings.warns:
            warn(history.epochs_done, cost)

    def _cost(self, theta: NDArray[Any]) -> float:
        # By a twin: other threads may be reading the network.
        s, twin, own = self.settings, copy.copy(self.network), self.network.theta
        twin.theta = Parameters.holding(own.sizes, own.bias, theta)
        with np.errstate(all="ignore"):
            return float(twin.backend.evaluate(twin, s.X, s.Y, s.reduction)[0])


def _bound(first: float, scale: float) -> float:
    return _GROWTH * max(scale, min(first, _MOST * scale))


def warn(epochs: int, cost: float) -> None:
    """Give the warning, at the line outside of samenet that this is called from."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "samenet":
        frame, level = frame.f_back, level + 1
    warnings.warn(
        f"the training diverges: after epoch {epochs - 1} the cost of all samples is {cost:.3g}; try a smaller alpha, "
        "or inputs and targets scaled to a size of about 1",
        DivergenceWarning,
        stacklevel=level,
    )
