"""Going on: what `resume` and `checkpoint` of `Network.train` ask for, checked before anything is changed."""

import errno
import os
from typing import Any

import numpy as np

from samenet.backends import MODULES
from samenet.model import Model
from samenet.optimizers import UpdateRule
from samenet.storage import streams
from samenet.training import restoring
from samenet.training.checkpoint import Checkpoint, is_same_file
from samenet.training.options import MOST_EPOCHS, Options, Trained
from samenet.training.sampling import is_stream
from samenet.training.state import Kept, Short, TrainingState
from samenet.validation import checks, paths


def prepare(options: Options, user: Trained, network: Model, model: Model, backend: Any, given: dict[str, Any]) -> None:
    """Check the arguments, and add to the options what they ask for.

    network, model: the network's model, and the same with the cost that is minimised. given: the arguments by name.
    """
    resume, path, every = given["resume"], given["checkpoint"], given["every"]
    goes_on = checks.flag("resume", resume) if isinstance(resume, bool | np.bool_) else None
    resume = paths.path("resume", resume, "True, False or the path of a checkpoint") if goes_on is None else None
    if every is not None and path is None:
        raise ValueError(f"every: expected none without a checkpoint, got {checks.short(every)}")
    if path is None and goes_on is False:
        return
    if not isinstance(options.settings.optimizer, UpdateRule):
        name, value = ("checkpoint", path) if goes_on is False else ("resume", given["resume"])
        raise ValueError(
            f"{name}: expected none for {options.settings.optimizer}, which keeps no state to go on from, got "
            f"{checks.short(value)}"
        )
    if options.unchecked:
        options.check_samples()
    backend_name = next((name for name, module in MODULES.items() if module == backend.__name__), backend.__name__)
    checkpoint = None
    if path is not None:
        checkpoint = Checkpoint(path, every, options, network, model.cost_function, backend_name)
    saved = None
    if goes_on:
        saved = _of_network(options, user, model)
    elif resume is not None and os.path.exists(resume):
        saved = restoring.read(resume, options, network, model.cost_function, backend_name)
        options.completes = True
    elif resume is not None and not (checkpoint is not None and is_same_file(resume, checkpoint.path)):
        raise FileNotFoundError(errno.ENOENT, "resume: there is no such checkpoint", resume)
    if saved is not None:
        begins = saved.began if options.completes else saved.history.epochs_done
        if begins + options.settings.epochs > MOST_EPOCHS:
            raise ValueError(
                f"epochs: expected at most {MOST_EPOCHS - begins} after the {begins} that were done, got "
                f"{options.settings.epochs}"
            )
        _give_stream(options, saved)
    options.saved, options.checkpoint = saved, checkpoint


def _of_network(options: Options, user: Trained, model: Model) -> TrainingState:
    """The state that the network's last training has left, if it fits the options."""
    saved = user.training_state
    if saved is None:
        raise ValueError(
            "resume: expected a network whose last training can go on, got True for one that was not trained here (copies "
            "and loaded networks were not), was trained by train_many or by a method without a state to go on from, or "
            "was left in the middle of an update"
        )
    saved = saved.whole() if isinstance(saved, Short) else saved
    now = Kept.of(options.settings, len(options.X), options.batch_size, model.cost_function)
    if now != saved.kept:
        for name, text in saved.kept.texts().items():
            if text != now.texts()[name]:
                raise ValueError(f"{name}: expected {text} to go on from the last training, got {now.texts()[name]}")
    if not _fits(options.seed, saved):
        raise ValueError(
            f"seed: expected none, or that of the last training, whose random numbers go on, got "
            f"{checks.short(options.seed)}"
        )
    return saved


def _fits(seed: Any, saved: TrainingState) -> bool:
    """Whether this is the seed of the earlier training, or its stream in the state in which that has left it."""
    if seed is None or seed is saved.seed:
        return True
    if not is_stream(seed):
        return not is_stream(saved.seed) and saved.seed is not None and int(seed) == int(saved.seed)
    if not is_stream(saved.seed) or streams.kind(seed) != streams.kind(saved.seed):
        return False
    return streams.state(seed) == streams.state(saved.seed)


def _give_stream(options: Options, saved: TrainingState) -> None:
    """From now on, a stream that the user has given is drawn from, in the state of the one that is saved."""
    seed, draws = options.seed, saved.draws
    if not is_stream(seed):
        options.seed = saved.seed if seed is None else seed
        return
    if draws is None:
        return
    own = draws.python_random or draws.random
    if own is not seed:
        streams.take_over(seed, own)
        if draws.python_random is not None:
            draws.python_random = seed
        else:
            draws.random = seed
