"""Training in short epochs: each is one call of the backend; between two, something is called or measured.

It does what `loop` does, without what that does for longer epochs, for divergence, and for training that is resumed. An
epoch that turns out to need any of this is undone, and the loop goes on from there.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet import schedules
from samenet.backends import prepared
from samenet.model import Model
from samenet.optimizers import UpdateRule
from samenet.training import divergence, loop
from samenet.training.loop import Loop
from samenet.training.options import Options
from samenet.training.sampling import Draws, Orders
from samenet.training.session import Training
from samenet.training.state import Partial
from samenet.validation.finite import all_finite


class Plan(NamedTuple):
    """What all calls of `train` with the same arguments have in common."""

    shuffled: bool
    has_masks: bool
    returns_cost: bool  # whether an update returns the cost to record
    alphas: NDArray[np.float64] | None  # of one epoch, if all have the same
    updates: Callable[..., Any]  # see `samenet.backends.prepared`


def plan(model: Model, backend: Any, options: Options, rule: UpdateRule) -> Plan | None:
    """The plan, if every epoch is to be one call of the backend, and takes no longer than one should."""
    settings, last = options.settings, options.last
    if options.saved is not None or options.checkpoint is not None or options.unchecked:
        return None
    if settings.epochs != 1 and not (schedules.is_pure(settings.alpha) and _end_calls(options)):
        return None
    if options.sample_weight is not None:  # which may change
        last = None
    if last is not None and last.plan is not None:
        return last.plan  # type: ignore[no-any-return]
    size, rows, alpha = options.batch_size, len(options.X), settings.alpha
    seconds = loop.seconds_of(backend, model, -(-rows // size), size, bool(settings.drop_connect))
    if seconds > loop.CALL_SECONDS or settings.sampling is not None:
        return None
    shuffled, has_masks = settings.shuffle and size < rows, settings.has_masks
    updates = prepared.updates(model, backend, rule, size, settings.arguments, options.sample_weight)
    returns_cost = size == rows and not (has_masks or model.theta.normalized or options.monitors)
    alphas = np.array([alpha.alpha]) if type(alpha) is schedules.Constant else None
    found = Plan(shuffled, has_masks, returns_cost, alphas, updates)
    if last is not None:
        last.plan = found
    return found


def _end_calls(options: Options) -> bool:
    """Whether something is called or measured between any two epochs."""
    measures = options.validation is not None or options.monitors
    return bool(options.callback is not None or options.stop or (measures and options.settings.record_every == 1))


class Watched:
    """Training by an update rule in short epochs, in place of a `Loop`, whose attributes have the same names."""

    ahead: Orders = None
    draws: Draws | None = None
    partial: Partial | None = None
    sampler, is_sound = None, True
    alpha: float | None = None  # the last one of a schedule that was called
    schedule_error: Exception | None = None

    def __init__(self, training: Training, rule: UpdateRule, plan: Plan) -> None:
        options, theta = training.options, training.model.theta
        self.training, self.options, self.rule, self.plan, self.state = training, options, rule, plan, rule.state(theta)
        self.divergence = divergence.Watch(training.objective, options.batch_size, options.warns)
        if plan.shuffled or plan.has_masks:
            self.draws = options.draws(theta.flat.dtype, plan.shuffled)

    def run(self, release: Callable[[], None]) -> None:
        """Train until all epochs are done, the callback or a stop rule ends it, or Ctrl-C is pressed."""
        training, history = self.training, self.training.history
        has_hooks, returns_cost = training.has_epoch_hooks, self.plan.returns_cost
        measures = training.validation is not None or not returns_cost
        while history.epochs_done < training.end:
            if measures:
                (training.measure if returns_cost else training.record)()
            if not self._makes_epoch():
                self._loop(release)
                return
            release()
            if not has_hooks:
                training.hooks_begun = None
            elif training.should_stop():
                return

    def _makes_epoch(self) -> bool:
        """Make an epoch in one call; False, with nothing changed, if the loop has to make it.

        After an exception, such as that of a second Ctrl-C, nothing has changed either.
        """
        training, options, state, alphas = self.training, self.options, self.state, self.plan.alphas
        history, everything = training.history, training.model.theta.everything
        done, length = history.epochs_done, history.length
        if alphas is None:
            try:
                self.alpha = schedules.rate(options.settings.alpha, done)  # type: ignore[arg-type]
            except Exception as error:
                self.schedule_error = error
                return False
            alphas = np.array([self.alpha])
        if self.draws is not None and self.ahead is None:
            self.is_sound = False  # until they are stored
            self.ahead = self.draws.epochs(1)
            self.is_sound = True
        before, values, t, is_made = everything.copy(), state.values.copy() if state.count else None, state.t, False
        try:
            masks = self.draws.masks(done) if self.plan.has_masks and self.draws is not None else {}
            costs = self.plan.updates(options.X, options.Y, state, alphas, self.ahead, **masks)
            finite = all_finite(everything) if state.is_finite is None else state.is_finite
            if finite and not self.divergence.suspects(costs):
                if self.plan.returns_cost:
                    training.record_costs(costs)
                training.alpha = alphas.item(0)
                history.epochs_done = done + 1
                self.ahead, training.hooks_begun, is_made = None, 0, True
        finally:
            if not is_made:
                everything[:], state.t, history.epochs_done = before, t, done
                if values is not None:
                    state.values[:] = values
                history.cut(length)
        return is_made

    def _loop(self, release: Callable[[], None]) -> None:
        """Go on in the loop, before an epoch."""
        going_on = Loop(self.training, self.rule, self.draws)
        going_on.state, going_on.divergence = self.state, self.divergence
        going_on.ahead, going_on.has_begun = self.ahead, True
        going_on.schedule_error = self.schedule_error
        if self.alpha is not None and self.options.settings.epochs == 1:
            going_on.constant = self.alpha  # a user's schedule is called only once
        try:
            going_on.run(release)
        finally:
            self.ahead, self.partial, self.is_sound = going_on.ahead, going_on.partial, going_on.is_sound
