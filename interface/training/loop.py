"""The loop over epochs, split into backend calls of about 50 ms each, so that Ctrl-C takes effect soon.

With many weights, calls take longer. The result does not depend on the split: orders, masks and learning rates belong
to epochs, and an optimizer's state persists between calls.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import schedules
from samenet.backends import prepared
from samenet.backends.adaptive import Sampler
from samenet.model import Model
from samenet.optimizers import UpdateRule
from samenet.stopping import StopTraining
from samenet.training import divergence
from samenet.training.history import NOTHING
from samenet.training.sampling import Draws, Orders
from samenet.training.session import Training
from samenet.training.state import Partial, Snapshot
from samenet.validation.finite import all_finite

CALL_SECONDS = 0.05
_LARGE = 8 * 2**20  # bytes that an update changes; if there are more, calls are longer, as their snapshots take longer
_GROWTH = 16  # the largest factor between the numbers of updates of two calls
_SECONDS = 1e-4, 1.25e-7  # that backends take at most, for an update, and for a sample and a byte of parameters
_MASK = 4  # the samples for which an update takes as long as for its mask of weights


def seconds_of(backend: Any, model: Model, updates: int, batch_size: int, masks_weights: bool = False) -> float:
    """An upper estimate of the time for this many updates; a backend may give a better one as `SECONDS`."""
    an_update, each = getattr(backend, "SECONDS", _SECONDS)
    rows = batch_size + _MASK * masks_weights
    return float(updates * (an_update + each * rows * model.theta.flat.nbytes))


class Loop:
    """Training by an update rule, which takes one step per batch.

    Attributes with a default value here are set only where they differ.
    """

    ahead: Orders = None  # orders already drawn for the next epochs, and for one that has begun
    partial: Partial | None = None  # the position within an epoch, between its calls
    is_sound = True  # whether training can resume from here: not in the middle of a call
    draws: Draws | None = None
    sampler: Sampler | None = None
    updates, call_seconds = 1, CALL_SECONDS  # of the next backend call: how many, and how long it may take
    has_begun = False  # whether a snapshot was made
    saved: tuple[NDArray[Any], NDArray[Any] | None] | None = None  # memory for snapshots after the first
    others: Mapping[str, Any] = NOTHING  # arguments of calls, besides the masks
    schedule_error: Exception | None = None  # raised by the schedule when it was called ahead of time

    def __init__(self, training: Training, rule: UpdateRule, draws: Draws | None = None) -> None:
        options = training.options
        settings, model, saved = options.settings, training.model, options.saved
        rows, batch_size, theta, constant = len(options.X), options.batch_size, model.theta, settings.alpha
        self.training, self.options, self.settings, self.model, self.rule = training, options, settings, model, rule
        self.history, self.batch_size, self.batches = training.history, batch_size, -(-rows // batch_size)
        self.state = rule.state(theta) if saved is None else saved.optimizer(rule, theta)
        self.constant = constant.alpha if type(constant) is schedules.Constant else None  # the learning rate
        # The gradient of all samples does not depend on their order.
        shuffled, sampling = settings.shuffle and batch_size < rows, settings.sampling
        if draws is not None or (saved is not None and saved.draws is not None):
            self.draws = draws or saved.draws
        elif shuffled or settings.has_masks or sampling is not None or options.checkpoint is not None:
            self.draws = options.draws(model.dtype, shuffled)
        if sampling is not None:
            self.sampler = Sampler.of(sampling.rate, sampling.floor, rows) if saved is None else saved.sampler
            self.others = {"sampler": self.sampler}
        # A full-batch update returns the cost to record, unless masks or batch normalization change it. With monitors
        # or mini-batches, recording needs an extra forward pass.
        is_plain = not (settings.has_masks or theta.normalized or options.monitors)
        self.updates_return_cost = is_plain and batch_size == rows
        self.divergence = divergence.Watch(training.objective, batch_size, options.warns)
        if self.batches > 1 or settings.epochs > 1:
            seconds = seconds_of(training.backend, model, 1, batch_size, bool(settings.drop_connect))
            nbytes = theta.everything.nbytes + rule.state_arrays * theta.flat.nbytes
            self.call_seconds = CALL_SECONDS * max(1.0, nbytes / _LARGE)
            self.updates = max(1, int(self.call_seconds / seconds))
        arguments = batch_size, settings.arguments, options.sample_weight
        self.run_updates = prepared.updates(model, training.backend, rule, *arguments)
        if saved is not None:
            self.divergence.go_on(saved.first, saved.largest, saved.suspicious, saved.is_done)
            self.ahead, self.partial = saved.ahead, saved.partial

    def run(self, release: Callable[[], None]) -> None:
        """Train until all epochs are done, the callback or a stop rule ends it, or Ctrl-C is pressed."""
        training, history, checkpoint = self.training, self.history, self.options.checkpoint
        every = self.settings.record_every
        if checkpoint is not None:
            checkpoint.begin(self)
        if training.hooks_begun is not None and training.should_stop():  # after the training that is resumed
            return
        has_hooks, measures = training.has_epoch_hooks, training.validation is not None or not self.updates_return_cost
        while (done := history.epochs_done) < training.end:
            stop = done + 1 if has_hooks else training.end
            if measures and every > 0:
                stop = min(stop, done + every - done % every)
                if done % every == 0 and not self._is_recorded:
                    (training.measure if self.updates_return_cost else training.record)()
            while history.epochs_done < stop:
                self._advance(stop)
                if checkpoint is not None:
                    checkpoint.save_if_due(self)
                release()
            if not has_hooks:
                training.hooks_begun = None
            elif training.should_stop():
                return

    @property
    def _is_recorded(self) -> bool:
        """Whether the state before the next epoch was recorded before training was resumed."""
        return self.partial is not None or self.history.is_recorded(self.history.epochs_done)

    def _advance(self, stop: int) -> None:
        """Train towards epoch `stop`, in one backend call."""
        if self.updates < self.batches or self.partial is not None:
            self._advance_within_epoch()
            return
        epochs = min(stop - self.history.epochs_done, self.updates // self.batches)
        if self.draws is not None:
            epochs = min(epochs, self.draws.epochs_at_once)
        alphas = self._alphas(epochs if self.ahead is None else min(epochs, len(self.ahead)))
        self._call(self.options.X, self.options.Y, alphas, self._orders(len(alphas)))

    def _orders(self, epochs: int) -> Orders:
        """The orders of the next epochs: those drawn for an earlier call, or new ones."""
        if self.draws is None:
            return None
        if self.ahead is None:
            self.is_sound = False  # until they are stored
            self.ahead = self.draws.epochs(epochs)
            self.is_sound = True
        return None if self.ahead is None else self.ahead[:epochs]

    def _alphas(self, epochs: int) -> NDArray[np.float64]:
        """The learning rates of the next epochs, at least one: up to the first epoch for which the schedule raises.

        That error is kept and raised when its epoch comes, since a schedule with side effects must not be called twice.
        """
        if self.constant is not None:  # fast path: a small network trains thousands of epochs per call
            constant = np.empty(epochs)
            constant.fill(self.constant)
            return constant
        schedule = self.settings.alpha
        alphas: list[float] = []
        assert schedule is not None
        while len(alphas) < epochs and self.schedule_error is None:
            try:
                alphas.append(schedules.rate(schedule, self.history.epochs_done + len(alphas)))
            except Exception as error:
                self.schedule_error = error
        if self.schedule_error is not None and not alphas:
            if isinstance(self.schedule_error, StopTraining):
                self.training.note("alpha", self.schedule_error)
            raise self.schedule_error
        return np.array(alphas)

    def _advance_within_epoch(self) -> None:
        """Train in one backend call towards the end of an epoch, which it may not reach."""
        X, Y, m = self.options.X, self.options.Y, len(self.options.X)
        if self.partial is None:
            start, alphas, order = 0, self._alphas(1), self._orders(1)
            before = self._snapshot()
        else:
            start, alphas, before = self.partial
            order = self._orders(1)
        end = min(m, start + self.updates * self.batch_size)
        if order is None and self.options.sample_weight is not None:  # weights of all rows of X
            order = np.arange(m).reshape(1, m)
        if order is None:
            self._call(X[start:end], Y[start:end], alphas, None, start, end, before)
        else:
            self._call(X, Y, alphas, order[:, start:end], start, end, before)

    def _snapshot(self) -> Snapshot:
        """A copy of everything that an update changes.

        The first snapshot is the state before training. Later ones share their memory, because allocating new pages
        takes longer than filling them.
        """
        state, everything = self.state, self.model.theta.everything
        sampler = None if self.sampler is None else self.sampler.copy()
        if not self.has_begun and self.options.saved is None:
            self.has_begun = True
            return self.divergence.initial_theta, state.values.copy() if state.count else None, state.t, sampler
        if self.saved is None:
            self.saved = np.empty_like(everything), np.empty_like(state.values) if state.count else None
        theta, values = self.saved
        theta[:] = everything
        if values is not None:
            values[:] = state.values
        return theta, values, state.t, sampler

    def _check_samples(self, is_well: bool, ends_epoch: bool) -> None:
        """Check X by the weights: finite after all rows were used, they show that X is finite; in doubt, examine X."""
        everything = self.model.theta.everything
        if not is_well:
            before, everything[:] = everything.copy(), self.divergence.initial_theta
            self.training.check_samples()
            everything[:] = before
        elif ends_epoch:
            self.options.unchecked = False

    def _restore(self, theta: NDArray[Any], values: NDArray[Any] | None, t: int, sampler: Sampler | None) -> None:
        self.model.theta.everything[:], self.state.t = theta, t
        if values is not None:
            self.state.values[:] = values
        if self.sampler is not None and sampler is not None:
            self.sampler.restore(sampler)

    def _call(
        self,
        X: NDArray[Any],
        Y: NDArray[Any],
        alphas: NDArray[np.float64],
        order: Orders,
        start: int = 0,
        end: int | None = None,
        before: Snapshot | None = None,
    ) -> None:
        """Run updates in one backend call, check that weights are finite, record costs, and size the next call.

        start, end: how many samples of the epoch are done before and after the call; for whole epochs, 0 and None.
        before: the snapshot taken before the epoch. An exception during the call, such as a second Ctrl-C, may have
        interrupted an update; then the snapshot is restored, and training can resume from there.
        """
        model, history, epochs = self.model, self.history, len(alphas)
        before, done, length = before or self._snapshot(), history.epochs_done, history.length
        try:
            self.is_sound = False
            ends_epoch = end is None or end == len(self.options.X)
            others = self.others
            if self.settings.has_masks:
                assert self.draws is not None
                others = {**others, **self.draws.masks(history.epochs_done, start)}
            began = time.perf_counter()
            costs = self.run_updates(X, Y, self.state, alphas, order, **others)
            seconds = time.perf_counter() - began
            finite = self.state.is_finite
            if finite is None:
                finite = all_finite(model.theta.everything)
            suspicious = self.divergence.suspects(costs)
            if self.options.unchecked:
                self._check_samples(finite and not suspicious, ends_epoch)
            if epochs > 1 and (suspicious or not finite):  # repeat epoch by epoch, to find the one that diverged
                self._restore(*before)
                for epoch in range(epochs):
                    one = slice(epoch, epoch + 1)
                    own_order = None if order is None else order[one]
                    self._call(X, Y, alphas[one], own_order)
                return
            if suspicious:
                self.divergence.suspicious.append(costs)
            if not finite:
                self._restore(*before)
                self.partial, self.is_sound = None, True
                if not all_finite(model.theta.everything):
                    raise FloatingPointError(f"the weights were infinite or NaN before epoch {history.epochs_done}")
                self.divergence.overflow(history)
                raise FloatingPointError(
                    f"the weights became infinite or NaN in epoch {history.epochs_done} (alpha = {alphas[0]:g}); "
                    "they were restored to their values before it. Try a smaller alpha"
                )
            if self.updates_return_cost:
                self.training.record_costs(costs)
            self.training.alpha = alphas.item(-1)
            history.epochs_done += epochs if ends_epoch else 0
            if ends_epoch:
                self.ahead = None if self.ahead is None or len(self.ahead) == epochs else self.ahead[epochs:]
                self.partial, self.training.hooks_begun, self.is_sound = None, 0, True
                if self.divergence.suspicious:
                    self.divergence.end_epoch(history)
            elif end is not None:
                self.partial = Partial(end, alphas, before)
                self.is_sound = True
        except BaseException:
            if not self.is_sound:
                self._restore(*before)
                history.epochs_done = done
                history.cut(length)
                self.partial, self.is_sound = None, True
            raise
        if history.epochs_done >= self.training.end:
            return
        updates = int(len(costs) * min(_GROWTH, self.call_seconds / max(seconds, 1e-9)))
        if seconds < self.call_seconds / 2:  # never fewer updates: a call may be short because a record was due
            self.updates = max(self.updates, updates)
        elif seconds > 2 * self.call_seconds:
            self.updates = max(1, updates)
