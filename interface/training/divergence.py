"""Divergence: a cost that grows without bound, named while it is still a number."""

import math
import sys
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends.objective import Objective
from samenet.history import History

_GROWTH = 1e6
_MOST = 1e24  # in units of the scale; a training that begins beyond it is taken to have diverged in an earlier call


class DivergenceWarning(RuntimeWarning):
    """A training diverges: its cost is a million times what it may have been in the beginning.

    With J0 the cost of all samples when the training began, J their cost now, and s = 1 + n_out max |Y|^2 (times m for
    reduction="sum"), the warning is given after the first epoch with

        J > 10^6 max(s, min(J0, 10^24 s))

    and once in a call of `train`. Weights come to that long before they overflow; noise does not, since J is over all
    samples, not of a batch. s is for a J0 that was small by luck, and 10^24 s for one that is large because an earlier
    call had diverged. If weights overflow in that very epoch, so that there is no J, the cost of a batch counts.

    J is worked out only after a batch with a cost as large: what the very last update does is not seen. Where targets
    are so large that their squares overflow, the cost says nothing. BFGS and its like never let the cost grow. With
    `optimizers.MultiStart` the warning comes at the end, if the start that is kept diverged.

    `history.diverged_at` is the number of epochs that were done. The training goes on: to make it stop there, turn the
    warning into an error, by `warnings.simplefilter("error", samenet.DivergenceWarning)`.
    """


class Watch:
    """Looks out for divergence in one training, at the price of a comparison for each call of a backend."""

    def __init__(self, objective: Objective, batch_size: int, warns: bool) -> None:
        self.objective, self.batch_size, self.warns = objective, batch_size, warns
        self.begin = objective.model.theta.flat.copy()
        self.largest = math.nan  # what the cost of a batch may be without a closer look; nan before the first
        self.doubts: list[NDArray[np.float64]] = []  # suspicious costs of the epoch at hand
        self.at_rest = False  # when there is nothing left to be said

    def suspects(self, costs: NDArray[np.float64]) -> bool:
        """Whether one of these batch costs is so large that the cost of all samples must be computed."""
        if self.at_rest:
            return False
        if math.isnan(self.largest):
            rows = self.batch_size if self.objective.reduction == "sum" else 1
            self.largest = _bound(costs.item(0), rows)
        worst: float = costs.item(costs.argmax())  # three times as fast as `max`; a NaN is the largest, and suspect
        return not worst < self.largest

    def end_epoch(self, history: History) -> None:
        """Compute the cost of all samples, if a batch was suspicious, and warn if it meets the definition."""
        if not self.doubts:
            return
        self.doubts.clear()
        limit, cost = self._limit(), self._cost(self.objective.model.theta.flat)
        self.largest = max(10 * self.largest, cost)  # so that it looks a few times at most
        if not cost <= limit and not self.at_rest:
            self._say(history, f"after epoch {history.epochs_done - 1} the cost of all samples is {_in_words(cost)}")

    def overflow(self, history: History) -> None:
        """Give the warning, if the epoch whose weights overflowed had a cost as large that still was a number."""
        cost = max((float(cost) for costs in self.doubts for cost in costs if math.isfinite(cost)), default=0.0)
        self.doubts.clear()
        if cost > self._limit() and not self.at_rest:
            self._say(history, f"in epoch {history.epochs_done} the cost of a batch is {cost:.3g}")

    def _limit(self) -> float:
        Y, m = self.objective.Y, len(self.objective.Y)
        y = float(np.abs(Y).max())
        first = self._cost(self.begin)
        scale = (1 + Y.shape[1] * y * y) * (m if self.objective.reduction == "sum" else 1)
        self.at_rest |= not math.isfinite(first) and scale > float(np.finfo(self.objective.model.dtype).max)
        return _bound(first, scale)

    def _say(self, history: History, what: str) -> None:
        self.at_rest, history.diverged_at = True, history.epochs_done
        if self.warns:
            warn(what)

    def _cost(self, theta: NDArray[Any]) -> float:
        # By a twin: other threads may be reading the network.
        return replace(self.objective, model=self.objective.model.holding(theta)).evaluate()[0]


def _in_words(cost: float) -> str:
    return f"{cost:.3g}" if math.isfinite(cost) else "no longer a number" if math.isnan(cost) else "infinite"


def _bound(first: float, scale: float) -> float:
    return _GROWTH * max(scale, min(first, _MOST * scale))


def warn(what: str) -> None:
    """Give the warning, at the line outside of samenet that this is called from."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "samenet":
        frame, level = frame.f_back, level + 1
    advice = "try a smaller alpha, or inputs and targets scaled to a size of about 1"
    warnings.warn(f"the training diverges: {what}; {advice}", DivergenceWarning, stacklevel=level)
