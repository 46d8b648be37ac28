"""Epochs, cut into calls of the backend: each about 50 ms long, so that Ctrl-C is answered soon.

What is computed does not depend on the cuts: orders, masks and learning rates belong to epochs, and whatever state an
optimizer has stays in its arrays from call to call.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import schedules
from samenet.optimizers import UpdateRule
from samenet.stopping import StopTraining
from samenet.training import divergence
from samenet.training.sampling import Draws, Masks, Orders
from samenet.training.session import Training
from samenet.validation.finite import all_finite

_SECONDS_A_CALL = 0.05
_GROWTH = 16  # the first call is of one update, which is long enough in the loops; few calls should be as short as that


class Loop:
    """Training by an update rule, which takes a step from each batch."""

    def __init__(self, training: Training, rule: UpdateRule) -> None:
        options = training.options
        self.training, self.options, self.history = training, options, training.history
        self.model, self.rule, self.state = training.model, rule, rule.state(training.model.theta)
        self.batch_size = options.batch_size
        full_batch = options.batch_size == len(options.X)
        # The gradient of all samples does not depend on their order.
        shuffled = options.shuffle and not full_batch
        self.draws = Draws(options.random, len(options.X), shuffled, options.dropout, self.model.dtype)
        # The cost of a full batch comes with its update, unless nodes are left out in it; anything else that is
        # recorded takes a forward pass.
        self.costs_come_along = full_batch and not options.monitors and options.dropout.size == 0
        self.divergence = divergence.Watch(training.objective, options.batch_size, options.warns)
        self.updates = 1  # in the next call of the backend
        self.before = np.empty_like(training.model.theta.flat), np.empty_like(self.state.values)
        self.refusal: Exception | None = None  # what the schedule raised, asked ahead, instead of the next rate

    def run(self, release: Callable[[], None]) -> None:
        """Train until the epochs are done, the callback or a rule ends it, or Ctrl-C is pressed."""
        while self.history.epochs_done < self.options.epochs:
            if not self.costs_come_along:
                self.training.record()
            for _ in self._advance(self._next_stop()):
                release()
            if self.training.should_stop():
                return

    def _next_stop(self) -> int:
        done, every = self.history.epochs_done, self.options.record_every
        if self.training.asks_every_epoch:
            return done + 1
        if every > 0 and not self.costs_come_along:
            return min(self.options.epochs, done + every - done % every)
        return self.options.epochs

    def _advance(self, stop: int) -> Iterator[None]:
        """Epochs up to `stop`, a backend call at a time."""
        X, Y, m, history = self.options.X, self.options.Y, len(self.options.X), self.history
        an_epoch = -(-m // self.batch_size)
        while history.epochs_done < stop:
            if self.updates < an_epoch or (an_epoch > 1 and self.draws.rows_at_once < m):
                yield from self._one_epoch_in_parts()
                continue
            epochs = min(stop - history.epochs_done, self.updates // an_epoch, self.draws.epochs_at_once)
            alphas = self._alphas(epochs)
            orders, masks = self.draws.epochs(len(alphas))
            self._call(X, Y, alphas, orders, masks)
            yield

    def _alphas(self, epochs: int) -> NDArray[np.float64]:
        """The learning rates of the next epochs: of one at least, and up to one that the schedule has none for.

        What it raised for that one is raised when its turn has come: it is not asked again, since it may answer once.
        """
        schedule, alphas = self.options.alpha, list[float]()
        assert schedule is not None
        if isinstance(schedule, schedules.Constant):  # a small network does thousands of epochs a call
            return np.full(epochs, schedule.alpha)
        while len(alphas) < epochs and self.refusal is None:
            try:
                alphas.append(schedules.rate(schedule, self.history.epochs_done + len(alphas)))
            except Exception as error:
                self.refusal = error
        if self.refusal is not None and not alphas:
            if isinstance(self.refusal, StopTraining):
                self.training.note("alpha", self.refusal)
            raise self.refusal
        return np.array(alphas)

    def _one_epoch_in_parts(self) -> Iterator[None]:
        X, Y, m, done = self.options.X, self.options.Y, len(self.options.X), 0
        alphas, order = self._alphas(1), self.draws.order()
        most = max(1, self.draws.rows_at_once // self.batch_size)
        before = self._kept()
        while done < m:
            rows = slice(done, min(m, done + min(self.updates, most) * self.batch_size))
            done = rows.stop
            masks = self.draws.masks(rows.stop - rows.start)
            try:
                if order is None:
                    self._call(X[rows], Y[rows], alphas, None, masks, done == m, before)
                else:
                    self._call(X, Y, alphas, order[:, rows], masks, done == m, before)
            except FloatingPointError:
                self._put_back(*before)  # undone as a whole, however the epoch was cut into calls
                raise
            yield

    def _kept(self) -> tuple[NDArray[Any], NDArray[Any], int]:
        """What an update changes, as it is now, in the same memory each time: new memory of many MB takes longer."""
        theta, values = self.before
        theta[:], values[:] = self.model.theta.flat, self.state.values
        return theta, values, self.state.t

    def _put_back(self, theta: NDArray[Any], values: NDArray[Any], t: int) -> None:
        self.model.theta.flat[:], self.state.values[:], self.state.t = theta, values, t

    def _call(
        self,
        X: NDArray[Any],
        Y: NDArray[Any],
        alphas: NDArray[np.float64],
        order: Orders,
        masks: Masks,
        ends_epoch: bool = True,
        before: tuple[NDArray[Any], NDArray[Any], int] | None = None,
    ) -> None:
        """Updates in one call of the backend; then finite weights or an error, the record, the length of the next."""
        model, history, options = self.model, self.history, self.options
        epochs = len(alphas)
        before = before or self._kept()
        named: dict[str, Any] = {"reduction": options.reduction, "state": self.state, **options.clipping}
        if masks is not None:
            named["masks"] = masks
        alpha = float(alphas[0]) if alphas.min() == alphas.max() else alphas
        named |= {"alpha": alpha, "batch_size": self.batch_size, "order": order, "epochs": epochs}
        begin = time.perf_counter()
        with np.errstate(all="ignore"):  # weights that overflow are reported below, in the same way by every backend
            costs = np.asarray(self.training.backend.run_updates(model, X, Y, self.rule, **named))
        seconds = time.perf_counter() - begin
        finite, suspicious = all_finite(model.theta.flat), self.divergence.suspects(costs)
        if epochs > 1 and (suspicious or not finite):  # again, epoch by epoch, to find the one that diverged
            self._put_back(*before)
            for epoch in range(epochs):
                one = slice(epoch, epoch + 1)
                own_order = None if order is None else order[one]
                self._call(X, Y, alphas[one], own_order, None if masks is None else masks[one])
            return
        if suspicious:
            self.divergence.doubts.append(costs)
        if not finite:
            self._put_back(*before)
            self.divergence.overflow(history)
            raise FloatingPointError(
                f"the weights did not stay finite in epoch {history.epochs_done} (alpha = {alphas[0]:g}); "
                "they are left as they were before it. Try a smaller alpha"
            )
        if self.costs_come_along and options.record_every > 0:
            history.record_costs(history.epochs_done, costs, options.record_every)
        history.epochs_done += epochs if ends_epoch else 0
        if ends_epoch:
            self.divergence.end_epoch(history)
        fitting = int(len(costs) * min(_GROWTH, _SECONDS_A_CALL / max(seconds, 1e-9)))
        if seconds < _SECONDS_A_CALL / 2:  # a call that was cut short does not make the next one shorter
            self.updates = max(self.updates, fitting)
        elif seconds > 2 * _SECONDS_A_CALL:
            self.updates = max(1, fitting)
