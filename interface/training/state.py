"""The state that training leaves so that it can be resumed: of its optimizer, its random draws and its stop rules."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.backends.adaptive import Sampler
from samenet.backends.objective import Objective
from samenet.model.parameters import Parameters
from samenet.optimizers import State, UpdateRule
from samenet.schedules import is_pure
from samenet.stopping import CostChange, GradientNorm, Patience, Rule, Watch
from samenet.training import divergence
from samenet.training.history import History
from samenet.training.options import Options
from samenet.training.sampling import Draws, Orders
from samenet.training.settings import Settings

Array = NDArray[Any]


Snapshot = tuple[Array, Array | None, int, Sampler | None]  # theta, the rule's state if it has any, t, the sampler's


class Partial(NamedTuple):
    """The position within an epoch at which training ended, and the state before that epoch."""

    done: int  # samples
    alphas: NDArray[np.float64]
    before: Snapshot


class Kept(NamedTuple):
    """The arguments of `train` that must stay the same when training is resumed."""

    rows: int
    batch_size: int
    cost: str
    reduction: str
    optimizer: Any
    shuffle: bool
    sampling: Any
    dropout: tuple[float, ...]
    drop_connect: tuple[float, ...]
    monitors: tuple[str, ...]
    validation: str

    @classmethod
    def of(cls, settings: Settings, rows: int, batch_size: int, cost: str, validation: Any = None) -> "Kept":
        """The arguments of a training run with these settings."""
        s = settings
        return cls(
            *(rows, batch_size, cost, s.reduction, s.optimizer, s.shuffle, s.sampling, s.dropout, s.drop_connect),
            *(s.monitors, "None" if validation is None else "a validation set"),
        )

    @classmethod
    def of_options(cls, options: Options, cost: str) -> "Kept":
        """The arguments of a training run with these options."""
        return cls.of(options.settings, len(options.X), options.batch_size, cost, options.validation)

    def texts(self) -> dict[str, str]:
        """Their values by the names of the arguments, as text."""
        found = {name: str(value) for name, value in self._asdict().items() if name != "rows"}
        return {"X": f"{self.rows} samples", **found}


@dataclass(eq=False)
class TrainingState:
    """The state of training by an update rule. It has no samples and no user functions, so it can be pickled.

    kept         the arguments that must stay the same; seed: the seed that its stream was made from
    values, t    the optimizer's `State`
    draws        its random stream and the definition of the masks; None if nothing was drawn
    first        the parameters before training; largest, suspicious, is_done: see `divergence.Watch`
    rules        str() of each stop rule, and the state of its watch
    hooks_begun  how many of the callback and the rules were called after the last epoch; None for all
    ahead        orders that were drawn and not used
    last, left   if rules restored other parameters: those of the last update, and the restored ones
    began        the number of epochs done when the call of `train` began
    theta        for a checkpoint: the parameters
    """

    kept: Kept
    seed: Any
    values: Array
    t: int
    draws: Draws | None
    history: History
    first: Array
    largest: float
    suspicious: list[NDArray[np.float64]] = field(default_factory=list)
    is_done: bool = False
    sampler: Sampler | None = None
    rules: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    hooks_begun: int | None = None
    ahead: Orders = None
    partial: Partial | None = None
    last: Array | None = None
    left: Array | None = None
    began: int = 0
    theta: Array | None = None

    def optimizer(self, rule: UpdateRule, theta: Parameters) -> State:
        """The optimizer's state."""
        state = rule.state(theta)
        state.values, state.t = self.values, self.t
        return state

    def put_back(self, everything: Array) -> None:
        """If rules restored other parameters, set those of the last update again, unless the user changed them."""
        if self.last is not None and self.left is not None and np.array_equal(everything, self.left):
            everything[:] = self.last

    def watch(self, place: int, rule: Rule, objective: Objective, history: History) -> Watch:
        """Watch by a rule: a rule with the same str() as before continues; others start anew."""
        before, curve = history.best_epoch, history.validation_curve
        watch = rule.watch(objective, history)
        if place < len(self.rules):
            text, state = self.rules[place]
            if text == str(rule) and state.keys() != watch.state.keys() and self.theta is not None:
                raise ValueError(
                    f"resume: expected {text} to remember {[*watch.state]}, got a checkpoint with {[*state]}"
                )
            if text == str(rule) and state.keys() == watch.state.keys():
                history.best_epoch = before
                history.continue_validation_curve(curve)
                for name, value in state.items():
                    watch.state[name] = value.copy() if isinstance(value, np.ndarray) else value
        return watch

    def after(self, seed: Any, t: int, history: History, began: int) -> "TrainingState":
        """The state after resuming from this one without stop rules; it shares `values`, updated in place."""
        self.seed, self.t, self.history, self.began, self.rules = seed, t, history, began, []
        return self

    @property
    def is_between_epochs(self) -> bool:
        """Whether training ended after an epoch, with nothing drawn for the next."""
        return self.partial is None and self.ahead is None

    @classmethod
    def of(
        cls,
        settings: Settings,
        rows: int,
        batch_size: int,
        cost: str,
        validation: Any,
        largest: Any,
        seed: Any,
        state: State,
        draws: Draws | None,
        history: History,
        first: Array,
        *others: Any,
    ) -> "TrainingState":
        """The state from what training left for it, as `Left`; it is made only when needed.

        state: of the optimizer's rule; largest: or the arguments of `divergence.first_bound`; others: from suspicious.
        """
        kept = Kept.of(settings, rows, batch_size, cost, validation)
        largest = divergence.first_bound(*largest) if type(largest) is tuple else largest
        made = cls(kept, seed, state.values, state.t, draws, history, first, largest, *others)
        made.rules = [(str(rule), remembered) for rule, remembered in made.rules]
        return made


def _named(rule: Rule) -> Rule | str:
    """Its str(), or the rule itself if that does not change, and holds no samples: it is made when needed."""
    is_plain = type(rule) is CostChange or type(rule) is GradientNorm or (type(rule) is Patience and rule.X is None)
    return rule if is_plain else str(rule)


Left = tuple[Any, ...]  # the arguments of `TrainingState.of`


def left_by(loop: Any) -> Left | None:
    """What a `Loop` leaves for a `TrainingState`, or None if it ended in the middle of a call."""
    training, options, watched = loop.training, loop.options, loop.divergence
    if not loop.is_sound or training.is_refused:
        return None
    rules, left = [], None
    if training.watches:
        pairs = zip(options.stop, training.watches, strict=False)
        rules = [(_named(rule), watch.state) for rule, watch in pairs]
        left = None if training.last is None else training.model.theta.everything.copy()
    validation, settings = None if options.validation is None else True, options.settings
    if not (settings.is_open or is_pure(settings.alpha)):
        settings = settings._replace(alpha=None)  # a function of the user's
    return (
        *(settings, len(options.X), options.batch_size, training.model.cost_function, validation),
        *(watched.largest, options.seed, loop.state, loop.draws, training.history, watched.initial_theta),
        *(watched.suspicious, watched.is_done, loop.sampler, rules, training.hooks_begun, loop.ahead, loop.partial),
        *(training.last, left, training.began),
    )


def leave(loop: Any) -> None:
    """At the end of training, however it ended, give its state to the network and write the last checkpoint."""
    training, options = loop.training, loop.options
    if training.is_over and options.saved is not None:
        training.user.training_state = options.saved
    elif not training.is_refused:
        training.user.training_state = left = left_by(loop)
        if options.checkpoint is not None and left is not None:
            options.checkpoint.end(TrainingState.of(*left))
