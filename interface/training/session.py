"""One training run of a network: what is recorded, and what ended it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import stopping
from samenet.history import History
from samenet.model import Model
from samenet.stopping import StopTraining
from samenet.training.options import Options, Trained


class Training:
    """A training run that starts from the model's current parameters and has its own history.

    user     the network passed to callbacks, which holds the history; it shares the model's parameters
    backend  a module that implements the contract
    """

    def __init__(self, user: Trained, model: Model, backend: Any, options: Options) -> None:
        self.user, self.model, self.backend, self.options = user, model, backend, options
        self.objective = options.objective(model, backend)
        self.earlier = user.history
        self.history = user.history = History(tuple(options.monitors))
        self.watches: list[stopping.Watch] = []

    def run(self, descend: Callable[..., None], *given: Any) -> None:
        """Call descend(*given), under the stop rules."""
        if self.options.settings.epochs == 0:
            return
        source: object = None
        try:
            for rule in self.options.stop:
                source = rule
                self.watches.append(rule.watch(self.objective, self.history))
            source = "StopTraining"  # raised by anything else, such as a signal handler
            descend(*given)
        except StopTraining as reason:
            self.check_samples()
            self.note(source, reason)
            self._close()
            raise
        self._close()

    def check_samples(self) -> None:
        """If X has not been checked, do so; if it is not finite, put back what was before, and raise ValueError."""
        if self.options.unchecked:
            try:
                self.options.check_samples()
            except ValueError:
                self.user.history = self.earlier
                raise

    def _close(self) -> None:
        for watch in self.watches:
            watch.close()

    def note(self, source: object, reason: StopTraining) -> None:
        """Record in the history what raised `StopTraining`, unless already recorded."""
        self.history.stop(source, reason)

    @property
    def has_epoch_hooks(self) -> bool:
        """Whether a callback or a stop rule must run after every epoch."""
        return self.options.callback is not None or bool(self.watches)

    def record(self) -> None:
        """If the state before the next epoch is to be recorded, do so, by a forward pass."""
        epoch, every = self.history.epochs_done, self.options.settings.record_every
        if every > 0 and epoch % every == 0:
            cost, output = self.objective.evaluate()
            self.record_state(epoch, cost, output if self.options.monitors else None)

    def record_state(self, epoch: int, cost: float, output: NDArray[Any] | None) -> None:
        """Record the state before an epoch; the output is needed for monitors only."""
        values = {} if output is None else {name: f(output) for name, f in self.options.monitors.items()}
        self.history.record(epoch, cost, values)

    def output(self) -> NDArray[Any] | None:
        """The output for all samples, if a monitor needs it."""
        if not self.options.monitors:
            return None
        with np.errstate(all="ignore"):
            return np.asarray(self.backend.predict(self.model, self.options.X), self.model.dtype)

    def should_stop(self) -> bool:
        """After an epoch, call the callback and the stop rules; the rule that ends training is noted in the history."""
        source: object = "callback"
        try:
            if self.options.callback is not None:
                self.options.callback(self.user, self.history)
            for source, watch in zip(self.options.stop, self.watches, strict=True):
                if watch.ends():
                    self.history.stopped_by = str(source)
                    return True
        except StopTraining as reason:
            self.note(source, reason)
            raise
        return False
