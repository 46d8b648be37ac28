"""Divergence: a cost that grows without bound, reported while it is still finite."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends.objective import Objective
from samenet.training.history import History
from samenet.validation import warning

_GROWTH = 1e6
_MOST = 1e24  # in units of the scale; if training starts above it, we assume that an earlier call diverged


class DivergenceWarning(RuntimeWarning):
    """Training diverges: the cost is a million times as large as could be expected at the start.

    With J0 the cost over all samples when training started, J the cost now, and s = 1 + n_out max |Y|^2 (times m, or
    the sum of the weights of samples, for reduction="sum"), the warning is given after the first epoch with

        J > 10^6 max(s, min(J0, 10^24 s))

    and at most once per call of `train`. Diverging weights reach this long before they overflow; noise does not, since
    J is over all samples, not one batch. s covers a J0 that is small by chance, and 10^24 s one that is large because
    an earlier call diverged. If weights overflow within that epoch, so that J does not exist, a batch's cost is used.

    J is computed only after a batch whose cost is that large, so the effect of the very last update is not seen. Where
    the squares of targets overflow, divergence cannot be detected. With the methods of SciPy the cost never grows. With
    `optimizers.MultiStart` the warning comes at the end, if the start that is kept diverged.

    `history.diverged_at` is the number of epochs done by then. Training continues; to stop it there, turn the warning
    into an error: `warnings.simplefilter("error", samenet.DivergenceWarning)`.
    """


class Watch:
    """Detects divergence in one training run, at the cost of one comparison per backend call."""

    largest = math.nan  # batch costs below it are not suspicious; NaN until the first call
    is_done = False  # the warning was given, or divergence cannot be detected

    def __init__(self, objective: Objective, batch_size: int, warns: bool) -> None:
        self.objective, self.batch_size, self.warns = objective, batch_size, warns
        self.initial_theta = objective.model.theta.everything.copy()
        self.suspicious: list[NDArray[np.float64]] = []  # batch costs of the current epoch

    def go_on(self, first: NDArray[Any], largest: float, suspicious: list[NDArray[np.float64]], is_done: bool) -> None:
        """Take over the state of the watch of an earlier part of the training."""
        self.initial_theta, self.largest, self.suspicious, self.is_done = first, largest, suspicious, is_done

    def suspects(self, costs: NDArray[np.float64]) -> bool:
        """Whether one of these batch costs is so large that the cost over all samples must be computed."""
        if self.is_done:
            return False
        if self.largest != self.largest:
            self.largest = first_bound(costs.item(0), self._scale(self.batch_size))
        return not (costs.item() if costs.size == 1 else worst(costs)) < self.largest  # true for NaN

    def end_epoch(self, history: History) -> None:
        """If a batch was suspicious, compute the cost over all samples and warn if it exceeds the limit."""
        self.suspicious.clear()
        limit, cost = self._limit(), self._cost(self.objective.model.theta.everything)
        self.largest = max(10 * self.largest, cost)  # so that this happens only a few times
        if not cost <= limit and not self.is_done:
            self._report(history, f"after epoch {history.epochs_done - 1} the cost over all samples is {_text(cost)}")

    def overflow(self, history: History) -> None:
        """Warn if, in the epoch whose weights overflowed, a batch's cost was finite and exceeded the limit."""
        cost = max((float(cost) for costs in self.suspicious for cost in costs if math.isfinite(cost)), default=0.0)
        self.suspicious.clear()
        if cost > self._limit() and not self.is_done:
            self._report(history, f"in epoch {history.epochs_done} the cost of a batch is {cost:.3g}")

    def _scale(self, rows: int) -> float:
        return scale_of(rows, self.objective.sample_weight, self.objective.reduction)

    def _limit(self) -> float:
        Y = self.objective.targets
        y = float(np.abs(Y).max())
        first = self._cost(self.initial_theta)
        scale = (1 + Y.shape[1] * y * y) * self._scale(len(self.objective.Y))
        self.is_done |= not math.isfinite(first) and scale > float(np.finfo(self.objective.model.dtype).max)
        return first_bound(first, scale)

    def _report(self, history: History, what: str) -> None:
        self.is_done, history.diverged_at = True, history.epochs_done
        if self.warns:
            warn(what)

    def _cost(self, theta: NDArray[Any]) -> float:
        # On a copy: other threads may be reading the network.
        return replace(self.objective, model=self.objective.model.holding(theta)).evaluate()[0]


def _text(cost: float) -> str:
    return f"{cost:.3g}" if math.isfinite(cost) else "no longer a number" if math.isnan(cost) else "infinite"


def scale_of(rows: int, sample_weight: NDArray[np.float64] | None, reduction: str) -> float:
    """What the costs of this many samples are compared with: 1 for the mean; for the sum their number, times the mean
    of all weights.
    """
    if reduction != "sum":
        return 1
    return rows if sample_weight is None else rows * float(sample_weight.mean())


def is_harmless(costs: NDArray[np.float64], scale: float) -> bool:
    """Whether none of the batch costs of a training run, from its first on, is suspicious; scale: see `scale_of`."""
    largest = costs.item() if costs.size == 1 else worst(costs)
    return largest < _GROWTH * scale or largest < first_bound(costs.item(0), scale)  # the second is at least the first


def are_harmless(costs: NDArray[np.float64], scale: float) -> NDArray[np.bool]:
    """As `is_harmless`, for several training runs, one for each row of costs."""
    bounds = _GROWTH * np.maximum(scale, np.minimum(costs[:, 0], _MOST * scale))
    harmless: NDArray[np.bool] = costs.max(axis=1) < bounds  # false for NaN
    return harmless


def least_bound(scale: float) -> float:
    """A limit below which all costs are harmless, whatever the first."""
    return _GROWTH * scale


def worst(costs: NDArray[np.float64]) -> float:
    """The largest cost; NaN if there is one."""
    found: float = costs.item(costs.argmax())  # three times as fast as `max`
    return found


def first_bound(first: float, scale: float) -> float:
    """The initial limit, from the first batch cost: batch costs below it are not suspicious."""
    return _GROWTH * (min(first, _MOST * scale) if first > scale else scale)


def warn(what: str) -> None:
    """Give the warning."""
    advice = "try a smaller alpha, or inputs and targets scaled to a size of about 1"
    warning.warn(f"training diverges: {what}; {advice}", DivergenceWarning)
