"""One training run of a network: its records, its callback and stop rules, and its end."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import stopping
from samenet.model import Model
from samenet.stopping import StopTraining
from samenet.training.history import NOTHING, History
from samenet.training.options import Options, Trained
from samenet.training.validation_set import ValidationObjective


class Training:
    """A training run that starts from the model's current parameters and has its own history.

    user     the network passed to callbacks, which holds the history; it shares the model's parameters
    backend  a module that implements the contract

    Attributes with a default value here are set only where they differ.
    """

    validation: ValidationObjective | None = None
    hooks_begun: int | None = None  # hooks called after the last epoch (callback, rules); None for all
    last: NDArray[Any] | None = None  # the parameters of the last update, if rules restored others
    is_over = is_refused = False  # whether it ended before it began; whether its samples were refused
    alpha: float | None = None  # the learning rate of the last epoch
    measured: Mapping[str, float] = NOTHING  # on the validation set, to be recorded with the next cost

    def __init__(self, user: Trained, model: Model, backend: Any, options: Options) -> None:
        options.X, options.Y = options.X[:], options.Y[:]  # whose shapes a callback cannot change
        self.user, self.model, self.backend, self.options = user, model, backend, options
        self.objective = options.objective(model, backend)
        if options.validation is not None:
            self.validation = self.objective.validation = options.validation.objective(self.objective)
        saved, own = options.saved, vars(user)  # which takes less time than the property
        if "joint" in own:
            user.leave()  # type: ignore[attr-defined]
        self.earlier = own["history"], user.training_state
        self.history = History.recording(options.recorded) if saved is None else copy.copy(saved.history)
        own["history"], user.training_state = self.history, None
        self.began = saved.began if options.completes else self.history.epochs_done
        self.end = self.began + options.settings.epochs  # the number of epochs done at the end
        self.watches: list[stopping.Watch] = []
        if options.report is not None:
            options.report.begin(self)

    def run(self, descend: Callable[..., None], *given: Any) -> None:
        """Call descend(*given), under the stop rules."""
        before = self.model.theta.everything.copy() if self.options.completes else None
        if not self._begins():
            self.is_over = True
            return
        source: object = None
        try:
            for place, rule in enumerate(self.options.stop):
                source = rule
                self.watches.append(self._watch(place, rule, before))
            source = "StopTraining"  # raised by anything else, such as a signal handler
            descend(*given)
        except StopTraining as reason:
            self.check_samples()
            self.note(source, reason)
            self._close()
            raise
        except BaseException:
            self._close(failed=True)
            raise
        else:
            self._close()
        finally:
            if not self.is_refused:
                self.user.history = self.history  # a callback may have trained the network, or set another one

    def _watch(self, place: int, rule: stopping.Rule, before: NDArray[Any] | None) -> stopping.Watch:
        """Start or resume watching by a rule; before: the parameters to restore if a checkpoint does not fit it."""
        saved = self.options.saved
        if saved is None:
            return rule.watch(self.objective, self.history)
        try:
            watch: stopping.Watch = saved.watch(place, rule, self.objective, self.history)
        except ValueError:
            if before is not None:
                self.model.theta.everything[:] = before
                self._refuse()
            raise
        return watch

    def _begins(self) -> bool:
        """Whether there is anything to do: not if a checkpoint is resumed whose call had ended."""
        saved = self.options.saved
        if saved is None:
            return self.end > 0
        everything = self.model.theta.everything
        if self.options.completes:
            everything[:] = saved.theta
            has_ended = self.history.stopped_by is not None or (
                self.history.epochs_done >= self.end and saved.hooks_begun is None
            )
        else:
            has_ended = self.history.epochs_done >= self.end
        if not has_ended:
            self.history.stopped_by, self.hooks_begun = None, saved.hooks_begun
            saved.put_back(everything)
        return not has_ended

    def check_samples(self) -> None:
        """Check X if it has not been checked; if not finite, restore the state before training and raise ValueError."""
        if self.options.unchecked:
            try:
                self.options.check_samples()
            except ValueError:
                self._refuse()
                raise

    def _refuse(self) -> None:
        """Restore the network's history and the state from which it could resume."""
        self.user.history, self.user.training_state = self.earlier
        self.is_refused = True

    def _close(self, failed: bool = False) -> None:
        if not self.watches:
            return
        closing = [watch.failed if failed else watch.close for watch in self.watches]
        if closing.count(stopping.nothing) == len(closing):
            return
        everything = self.model.theta.everything
        last = everything.copy()
        for close in closing:
            close()
        if last.tobytes() != everything.tobytes():
            self.last = last

    def note(self, source: object, reason: StopTraining) -> None:
        """Record in the history what raised `StopTraining`, unless already recorded."""
        self.history.stop(source, reason)

    @property
    def has_epoch_hooks(self) -> bool:
        """Whether a callback or a stop rule must run after every epoch."""
        return self.options.callback is not None or bool(self.watches)

    @property
    def is_record_due(self) -> bool:
        """Whether the state before the next epoch is to be recorded."""
        every = self.options.settings.record_every
        return every > 0 and self.history.epochs_done % every == 0

    def record(self) -> None:
        """If the state before the next epoch is to be recorded, record it, by a forward pass."""
        if self.is_record_due:
            objective = self.objective
            cost, output = objective.evaluate() if self.options.monitors else (objective.plain_cost(), None)
            self.record_state(self.history.epochs_done, cost, output)

    def measure(self) -> None:
        """If the next update returns a cost to be recorded, measure the validation set, to be recorded with it."""
        if self.validation is not None and self.is_record_due:
            self.measured = self.validation.measure()

    def record_costs(self, costs: NDArray[Any]) -> None:
        """Record the costs before the next epochs, as updates returned them."""
        every = self.options.settings.record_every
        if every > 0:
            self.history.record_costs(self.history.epochs_done, costs, every, self.measured)
            self.measured = NOTHING

    def record_state(self, epoch: int, cost: float, output: NDArray[Any] | None) -> None:
        """Record the state before an epoch; the output is needed for monitors only."""
        values = {} if output is None else {name: f(output) for name, f in self.options.monitors.items()}
        values |= {} if self.validation is None else self.validation.measure()
        self.history.record(epoch, cost, values)

    def output(self) -> NDArray[Any] | None:
        """The output for all samples, if a monitor needs it."""
        if not self.options.monitors:
            return None
        with np.errstate(all="ignore"):
            return np.asarray(self.backend.predict(self.model, self.options.X), self.model.dtype)

    def should_stop(self) -> bool:
        """After an epoch, call the callback and the stop rules; the rule that ends training is noted in the history.

        When training is resumed, those that were already called after this epoch are skipped.
        """
        source: object = "callback"
        try:
            if self.hooks_begun == 0:
                self.hooks_begun = 1
                if self.options.callback is not None:
                    self.options.callback(self.user, self.history)
            while self.hooks_begun is not None and self.hooks_begun <= len(self.watches):
                place = self.hooks_begun - 1
                self.hooks_begun += 1
                source = self.options.stop[place]
                try:
                    ends = self.watches[place].ends()
                except Exception:
                    raise
                except BaseException:  # Ctrl-C, which is not the rule's error: the rule runs when training resumes
                    self.hooks_begun = place + 1
                    raise
                if ends:
                    self.history.stopped_by = str(source)
                    return True
        except StopTraining as reason:
            self.note(source, reason)
            raise
        self.hooks_begun = None
        return False
