"""Fitting by "adam" and "sgd": the epochs, their records, and the rules that end training."""

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from samenet.backends.dropout import Dropout
from samenet.backends.objective import Objective
from samenet.estimators.samples import Samples
from samenet.estimators.settings import Settings
from samenet.estimators.steps import Steps
from samenet.estimators.weights import Weights, share, some
from samenet.stopping import StopTraining
from samenet.training.interrupts import deferred_interrupt
from samenet.validation.finite import all_finite

Array = NDArray[Any]


class Fit:
    """One call of `fit`, or, with `once`, of `partial_fit`, which is one epoch; it sets the estimator's attributes.

    estimator  has a `network_` to be trained in place; `_score_of(output, Y)`, and `_strata(Y)`, the classes by which a
               split is stratified, or None
    random     the stream of orders, splits and masks, a numpy.random.RandomState
    """

    def __init__(
        self,
        estimator: Any,
        settings: Settings,
        samples: Samples,
        Y: Array,
        weights: Weights | None,
        random: np.random.RandomState,
        once: bool,
    ) -> None:
        self.estimator, self.settings, self.random, self.once = estimator, settings, random, once
        self.model, self.backend = estimator.network_.model, estimator.network_.backend
        self.held: tuple[Samples, Array, Weights | None] | None = None
        if settings.early_stopping:
            trained, held = self._split(samples, Y)
            self.held = (
                samples.select(held),
                Y[held],
                some(weights, held, "among the samples that early_stopping holds out"),
            )
            weights = some(weights, trained, "among the samples that early_stopping leaves to train on")
            samples, Y = samples.select(trained), np.ascontiguousarray(Y[trained])
        self._begin_watching()
        outputs = 1 if estimator._is_classifier else Y.shape[1]
        self.outputs, self.samples = outputs, samples
        self.steps = Steps(
            *(self.model, self.backend, settings, samples, Y, weights),
            *(estimator._memory if once else None, outputs),
            *(self._dropout(), estimator.t_),
        )

    def _split(self, samples: Samples, Y: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The numbers of the samples to train on, and of those to hold out; stratified if possible."""
        m, fraction = len(samples), self.settings.validation_fraction
        held = math.ceil(fraction * m)
        if not 2 <= held < m:
            raise ValueError(
                f"validation_fraction: expected a part of at least 2 of {m} samples, and not all of them, got "
                f"{fraction:g}, which is {held}"
            )
        strata = self.estimator._strata(Y)
        if strata is not None:
            counts = np.unique(strata, return_counts=True)[1]
            if counts.min() < 2 or min(held, m - held) < len(counts):
                strata = None  # a class has too few samples for both parts
        stream: Any = self.random
        if self.once:  # so that every call holds out the same samples of the same data
            if self.estimator._split_seed is None:
                self.estimator._split_seed = int(self.random.randint(2**31 - 1))
            stream = self.estimator._split_seed
        parts: Any = train_test_split(np.arange(m), test_size=fraction, random_state=stream, stratify=strata)
        return parts[0], parts[1]

    def _dropout(self) -> Dropout | None:
        """The masks of the hidden nodes, with one key for all calls, so that no mask is used twice."""
        if not self.settings.dropout:
            return None
        if self.estimator._dropout_key is None:
            self.estimator._dropout_key = int(self.random.randint(2**63, dtype=np.uint64))
        p = np.repeat(self.settings.dropout, self.model.sizes[1:-1])
        return Dropout.of(p, self.model.dtype, self.estimator._dropout_key)

    def _begin_watching(self) -> None:
        """Prepare the attributes that decide when training ends, unless an earlier call did."""
        estimator = self.estimator
        if self.settings.early_stopping and estimator.validation_scores_ is None:
            estimator.validation_scores_, estimator.best_validation_score_ = [], -np.inf
            estimator.validation_loss_curve_, estimator.best_loss_ = [], None
            estimator._no_improvement_count, estimator._best = 0, self.model.theta.flat.copy()
        elif not self.settings.early_stopping and estimator.best_loss_ is None:
            estimator.validation_scores_ = estimator.best_validation_score_ = estimator._best = None
            estimator.validation_loss_curve_, estimator.best_loss_ = None, np.inf
            estimator._no_improvement_count = 0

    def run(self) -> None:
        """Train until the loss or the score no longer improves, a callback ends it, or `max_iter` epochs are done."""
        estimator, settings = self.estimator, self.settings
        order = np.arange(len(self.samples))
        estimator.n_iter_, estimator.stopped_by_ = 0, None
        try:
            with deferred_interrupt() as release:
                for _ in range(1 if self.once else settings.max_iter):
                    if settings.shuffle:
                        shuffled = np.arange(len(order))
                        self.random.shuffle(shuffled)  # draws as sklearn.utils.shuffle does
                        order = order[shuffled]
                    loss = self.steps.epoch(order, release)
                    if not all_finite(self.model.theta.flat):
                        raise ValueError(
                            "Solver produced non-finite parameter weights. The input data may contain large values "
                            "and need to be preprocessed."
                        )
                    self._record(loss)
                    if estimator.stopped_by_ is not None:
                        break
        except KeyboardInterrupt:
            estimator.stopped_by_ = "interrupt"
            warnings.warn("Training interrupted by user.", stacklevel=4)
        estimator._memory = self.steps.memory
        if settings.early_stopping and (not self.once or estimator.stopped_by_ == "validation score"):
            self.model.theta.flat[:] = estimator._best
            estimator._no_improvement_count = 0 if self.once else estimator._no_improvement_count
        if not self.once and estimator.stopped_by_ is None:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached and the optimization hasn't "
                "converged yet.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _record(self, loss: float) -> None:
        """After an epoch: record it, adapt the learning rate, and say whether training ends, and why."""
        estimator, settings = self.estimator, self.settings
        estimator.n_iter_ += 1
        estimator.t_ += len(self.samples)
        estimator.loss_ = loss
        estimator.loss_curve_.append(loss)
        if settings.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {loss:.8f}")
        self._count_improvements()
        if settings.solver == "sgd" and settings.learning_rate == "invscaling":
            self.steps.rate = settings.learning_rate_init / (estimator.t_ + 1) ** settings.power_t
        if estimator._no_improvement_count > settings.n_iter_no_change:
            self._end_or_slow_down()
        try:
            for callback in settings.callbacks:
                callback(estimator)
        except StopTraining as reason:
            if estimator.stopped_by_ is None:
                estimator.stopped_by_ = f"callback: {reason}" if str(reason) else "callback"

    def _count_improvements(self) -> None:
        """Count the epochs since the loss, or with early stopping the score, improved by at least tol."""
        estimator, tol = self.estimator, self.settings.tol
        if self.held is None:
            estimator._no_improvement_count = (
                estimator._no_improvement_count + 1 if estimator.loss_ > estimator.best_loss_ - tol else 0
            )
            estimator.best_loss_ = min(estimator.best_loss_, estimator.loss_)
            return
        samples, Y, weights = self.held
        cost, output = 0.0, np.empty_like(Y)
        for rows, X in samples.blocks():
            w = None if weights is None else weights[rows]
            value, output[rows] = Objective(self.model, self.backend, X, Y[rows], "mean", w).evaluate()
            cost += value * share(weights, rows, len(Y)) / self.outputs
        score = estimator._score_of(output, Y, weights) if all_finite(output) else np.nan
        estimator.validation_loss_curve_.append(cost)
        estimator.validation_scores_.append(score)
        if self.settings.verbose:
            print(f"Validation score: {score:f}")
        failed = score < estimator.best_validation_score_ + tol
        estimator._no_improvement_count = estimator._no_improvement_count + 1 if failed else 0
        if score > estimator.best_validation_score_:
            estimator.best_validation_score_ = score
            estimator._best = self.model.theta.flat.copy()

    def _end_or_slow_down(self) -> None:
        settings, what = self.settings, "Validation score" if self.held else "Training loss"
        message = (
            f"{what} did not improve more than tol={settings.tol:f} for {settings.n_iter_no_change} consecutive epochs."
        )
        if settings.solver == "sgd" and settings.learning_rate == "adaptive" and self.steps.rate > 1e-6:
            self.steps.rate /= 5.0
            self.estimator._no_improvement_count = 0
            message += f" Setting learning rate to {self.steps.rate:f}"
        else:
            self.estimator.stopped_by_ = what.lower()
            message += " Stopping."
        if settings.verbose:
            print(message)
