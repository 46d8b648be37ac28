"""One training run of a network: what is recorded, and what ended it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import stopping
from samenet.backends.objective import Objective
from samenet.history import History
from samenet.model import Model
from samenet.stopping import StopTraining
from samenet.training.options import Options, Trained


class Training:
    """A training run that starts from the model's current parameters and has its own history.

    user     the network that callbacks see and that keeps the history; its parameters are those of the model
    backend  a module that implements the contract
    """

    def __init__(self, user: Trained, model: Model, backend: Any, options: Options) -> None:
        self.user, self.model, self.backend, self.options = user, model, backend, options
        self.objective = Objective(model, backend, options.X, options.Y, options.reduction)
        self.history = user.history = History(tuple(options.monitors))
        self.watches: list[stopping.Watch] = []

    def run(self, descend: Callable[..., None], *given: Any) -> None:
        """Let an optimizer descend, by descend(*given), watched by the stop rules."""
        if self.options.epochs == 0:
            return
        who: object = None
        try:
            for rule in self.options.stop:
                who = rule
                self.watches.append(rule.watch(self.objective, self.history))
            who = "StopTraining"  # whoever else can raise it, such as a handler of signals
            descend(*given)
        except StopTraining as reason:
            self.note(who, reason)
            self._close()
            raise
        self._close()

    def _close(self) -> None:
        for watch in self.watches:
            watch.close()

    def note(self, who: object, reason: StopTraining) -> None:
        """Record in the history what raised `StopTraining`, unless already known; the exception goes on to `train`."""
        if self.history.stopped_by is None:
            self.history.stopped_by = f"{who}: {reason}" if str(reason) else str(who)

    @property
    def asks_every_epoch(self) -> bool:
        """Whether a callback or a stop rule must run after every epoch."""
        return self.options.callback is not None or bool(self.watches)

    def record(self) -> None:
        """Record the state before the next epoch, by a forward pass, if it is one that is recorded."""
        epoch, every = self.history.epochs_done, self.options.record_every
        if every > 0 and epoch % every == 0:
            cost, output = self.objective.evaluate()
            self.note_state(epoch, cost, output if self.options.monitors else None)

    def note_state(self, epoch: int, cost: float, output: NDArray[Any] | None) -> None:
        """Note the state before an epoch; the output is needed for monitors only."""
        watched = {} if output is None else {name: of(output) for name, of in self.options.monitors.items()}
        self.history.record(epoch, cost, watched)

    def output(self) -> NDArray[Any] | None:
        """The output for all samples, if a monitor needs it."""
        if not self.options.monitors:
            return None
        with np.errstate(all="ignore"):
            return np.asarray(self.backend.predict(self.model, self.options.X), self.model.dtype)

    def should_stop(self) -> bool:
        """Call the callback and ask the rules after an epoch; the history notes which rule ended the training."""
        who: object = "callback"
        try:
            if self.options.callback is not None:
                self.options.callback(self.user, self.history)
            for who, watch in zip(self.options.stop, self.watches, strict=True):
                if watch.ends():
                    self.history.stopped_by = str(who)
                    return True
        except StopTraining as reason:
            self.note(who, reason)
            raise
        return False
