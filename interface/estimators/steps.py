"""Epochs with the steps of scikit-learn's estimators, on the contract of a backend."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends.dropout import Dropout
from samenet.backends.weighing import overflow_ignored
from samenet.estimators.samples import Samples
from samenet.estimators.settings import Settings
from samenet.estimators.weights import Weights
from samenet.model import Model
from samenet.optimizers import Adam, Descent, Momentum, Nesterov, State, UpdateRule
from samenet.training.loop import CALL_SECONDS, seconds_of

Array = NDArray[Any]

# An update number so large that beta^t is 0 for every beta < 1, so Adam's bias correction has no effect; see `Steps`.
_LATE = 1 << 62


@dataclass
class Memory:
    """The state of an optimizer between calls: its state arrays, its number of updates, its learning rate."""

    rule: str
    values: Array
    t: int
    learning_rate: float
    learning_rate_init: float


def rule_of(settings: Settings) -> UpdateRule:
    """samenet's update rule for a solver."""
    if settings.solver == "adam":
        return Adam(settings.beta_1, settings.beta_2, settings.epsilon)
    if settings.momentum == 0:
        return Descent()
    return (Nesterov if settings.nesterovs_momentum else Momentum)(settings.momentum)


def penalty(model: Model) -> float:
    """The model's penalty, l2/2 sum W^2."""
    return 0.5 * model.l2 * sum(float(np.vdot(W, W)) for W in model.weights)


def shown(cost: float, penalty: float, outputs: int) -> float:
    """The loss that scikit-learn shows: the cost's mean over the outputs of a regression, plus the penalty."""
    return (cost - penalty) / outputs + penalty if outputs > 1 else cost


class Steps:
    """Steps from batch to batch.

    For a batch of b samples, with J the mean of their costs and g the gradient of J + alpha / (2 b) sum W^2:

    "sgd"   v := momentum v - rate g;  theta := theta + v, or with Nesterov's momentum theta + momentum v - rate g
    "adam"  m := beta_1 m + (1 - beta_1) g;  v := beta_2 v + (1 - beta_2) g^2;
            theta := theta - rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)

    samenet's own Adam adds epsilon to the root of the bias-corrected v. The two agree where beta^t is 0, so we set the
    rule's update number to a very large one, and put the bias correction into the rate. In samenet, a learning rate
    belongs to an epoch, so each batch is one of the epochs of a call. A last, smaller batch has a larger penalty, and
    so a call of its own. If samples have weights, every batch has a call of its own: the mean is weighted, and b is the
    sum of the weights; if all are 0, the batch has no penalty either.
    Source: D. P. Kingma and J. Ba, Adam: a method for stochastic optimization (2015), the end of section 2.

    outputs  the number of outputs by which the shown cost is divided, see `shown`
    dropout  the masks, or None; seen: the number of samples already trained on
    """

    def __init__(
        self,
        model: Model,
        backend: Any,
        settings: Settings,
        samples: Samples,
        Y: Array,
        weights: Weights | None,
        memory: Memory | None,
        outputs: int,
        dropout: Dropout | None,
        seen: int,
    ) -> None:
        self.model, self.backend, self.settings = model, backend, settings
        self.samples, self.Y, self.weights = samples, Y, weights
        self.outputs, self.dropout, self.seen = outputs, dropout, seen
        self.size = settings.batch(len(samples))
        self.whole = model.with_penalty(settings.alpha / self.size)
        rest = len(samples) % self.size
        self.last = model.with_penalty(settings.alpha / rest) if rest else self.whole
        self.rule = rule_of(settings)
        self.state: State = self.rule.state(model.theta)
        self.t, self.rate = 0, settings.learning_rate_init
        if memory is not None and (memory.rule, memory.values.shape) == (self.rule.name, self.state.values.shape):
            self.state.values[:], self.t = memory.values, memory.t
            if memory.learning_rate_init == settings.learning_rate_init:
                self.rate = memory.learning_rate
        self.batches = max(1, int(CALL_SECONDS / seconds_of(backend, model, 1, self.size)))  # in a call
        if samples.is_sparse:
            self.batches = max(1, min(self.batches, samples.most_rows // self.size))
        self.shows_mean = outputs > 1 and settings.alpha > 0
        if self.shows_mean:
            self.batches = 1  # the penalty must be known before each update
        if weights is not None and settings.alpha > 0:
            self.batches = 1  # each has a penalty of its own

    @property
    def memory(self) -> Memory:
        """The state from which the next call continues."""
        return Memory(self.rule.name, self.state.values, self.t, self.rate, self.settings.learning_rate_init)

    def epoch(self, order: NDArray[np.int64], release: Callable[[], None]) -> float:
        """Make the steps of an epoch in this order; returns the mean over the samples of their costs before each step.

        release is called between backend calls; it may raise KeyboardInterrupt.
        """
        end, total = len(order) - len(order) % self.size, 0.0
        for start in range(0, end, self.batches * self.size):
            rows = order[start : min(end, start + self.batches * self.size)]
            total += self.size * self._updates(self.whole, rows.reshape(-1, self.size))
            release()
        if end < len(order):
            total += (len(order) - end) * self._updates(self.last, order[end:].reshape(1, -1))
            release()
        return total / len(order)

    def _updates(self, model: Model, rows: NDArray[np.int64]) -> float:
        """One update for each row of row numbers; returns the sum of the costs."""
        X, Y, weights, order = self.samples.X, self.Y, self.weights, rows
        if weights is not None and self.settings.alpha > 0:
            amount = float(weights[rows].sum())
            model = self.model.with_penalty(self.settings.alpha / amount if amount > 0 else 0.0)
        if self.samples.is_sparse:
            X, Y = self.samples.rows(rows.ravel()), Y[rows.ravel()]
            weights = None if weights is None else weights[rows.ravel()]
            order = np.arange(rows.size).reshape(rows.shape)
        before = penalty(model) if self.shows_mean else 0.0
        options: dict[str, Any] = {} if self.dropout is None else {"dropout": self.dropout.after(self.seen)}
        options |= {} if weights is None else {"sample_weight": weights}
        self.state.t = _LATE
        with overflow_ignored(self.backend):
            costs = self.backend.run_updates(
                *(model, X, Y, self.rule),
                alpha=self._rates(len(rows)),
                batch_size=rows.shape[1],
                order=order,
                epochs=len(rows),
                state=self.state,
                **options,
            )
        self.t += len(rows)
        self.seen += rows.size
        return shown(float(np.sum(costs)), before, self.outputs)

    def _rates(self, updates: int) -> NDArray[np.float64]:
        """The learning rate of each of the next updates."""
        rates = np.full(updates, self.rate)
        if self.settings.solver == "adam":
            t = np.arange(self.t + 1, self.t + updates + 1, dtype=np.float64)
            rates *= np.sqrt(1 - self.settings.beta_2**t) / (1 - self.settings.beta_1**t)
        return rates
