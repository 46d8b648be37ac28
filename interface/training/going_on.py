"""Going on with a training: `resume`, `checkpoint` and `every` of `Network.train`.

=================  ===================================================================================================
`resume=True`      the next part of a training, in the same process: 50 epochs and 50 more are 100 epochs, to the bit
`checkpoint=path`  writes what a training can go on from: at its beginning, every `every` seconds, and at its end
`resume=path`      completes the call of `train` that wrote this checkpoint, to the bits that it would have ended with,
                   when and however it was ended: by SIGKILL, by a power failure, by Ctrl-C, by an exception
=================  ===================================================================================================

    net.train(X, Y, alpha=0.1, epochs=50, optimizer="adam", batch_size=32, seed=0)
    net.train(X, Y, alpha=0.1, epochs=50, optimizer="adam", batch_size=32, resume=True)

    # A program that can be killed at any moment and is then started again, without a change:
    net.train(X, Y, alpha=0.1, epochs=100, optimizer="adam", seed=0, checkpoint="net.npz", resume="net.npz")

What goes on are the optimizer's state, the random numbers (with them the orders and masks), the numbers of epochs (for
`alpha`, `record_every` and masks), what sampling has learned, the watch for divergence, stop rules, and the history: a
new one has the records of all parts, and the earlier one stays as it is. `epochs` is the number of epochs of the call.

resume=True. The optimizer, the number of samples, `batch_size`, `cost`, `reduction`, `shuffle`, `sampling`, `dropout`,
`drop_connect`, `monitors`, and whether there is a validation set, are as in the last call; ValueError names one that is
not. `seed` is left out, or the same. Everything else may change: `alpha`, the samples themselves, the callback,
clipping, weights of samples, `threads`, and the network's parameters, from which the optimizer's state then goes on. A
stop rule goes on if it is as it was, by its str() and its place in the list; another one begins. Where a rule has put
back the best parameters, training goes on from those of the last update, unless they were changed since; a rule that
has ended a training ends it again, unless the next epoch is better. Training goes on after Ctrl-C, in the middle of an
epoch, too, after `StopTraining`, after an exception of a callback or a schedule, and after a FloatingPointError, from
before the epoch that failed: with a smaller `alpha`; from there, too, after whatever else has ended an update half way.
Pickled and deep copies can go on where the network could, as they have its history; `copy()`, `on(backend)` and
`samenet.load` give networks that begin anew, without one. SciPy's methods, `MultiStart` and `train_many` keep nothing
to go on from.

resume=path. The network has the sizes, settings and dtype of the one in the file, and takes over its parameters; X, Y
and all arguments that make a difference are those of the call that is completed, as far as they can be compared: not
the code of functions. `epochs` can be larger than it was. A Generator, RandomState or `random.Random` given as the seed
is put into the state of the one that was. A call that had ended is not trained further, but gives the same weights and
history again. If there is no such file, and `checkpoint` is the same path, training begins; else FileNotFoundError.

A checkpoint is written after an epoch, not in the middle of one, under another name, which then becomes the file's: it
is never half written, and after a kill at most the work of `every` seconds and of an epoch is repeated. `samenet.load`
reads it as the network that it is of. It holds the parameters 2 to 5 times (the optimizer's state, those before the
training, the best ones of a rule), and the history. Writing one takes as long as the disk does: milliseconds for some
10,000 parameters, a tenth of a second for a million, where 60 seconds is what lies between two. The samples are read
once for a checksum. Without these arguments, a training leaves the same in memory, and does nothing else for it.
"""

import errno
import os
from typing import Any

import numpy as np

from samenet.backends import EXTRAS, MODULES
from samenet.model import Model
from samenet.optimizers import UpdateRule
from samenet.storage import streams
from samenet.training import restoring
from samenet.training.checkpoint import Checkpoint, is_same_file
from samenet.training.options import Options, Trained
from samenet.training.sampling import is_stream
from samenet.training.settings import MOST_EPOCHS
from samenet.training.state import Kept, TrainingState
from samenet.validation import checks, paths


def prepare(options: Options, user: Trained, network: Model, model: Model, backend: Any, given: dict[str, Any]) -> None:
    """Check the arguments, and add to the options what they ask for.

    network, model: the network's model, and the same with the cost that is minimised. given: these three, by name.
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
    backend_name, checkpoint = "", None
    if path is not None or resume is not None:
        names = {module: name for name, module in (MODULES | EXTRAS).items()}
        backend_name = names.get(backend.__name__, backend.__name__)
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
        done = saved.history.epochs_done
        begins = saved.began if options.completes else done
        epochs = options.settings.epochs
        if begins + epochs < done:
            raise ValueError(
                f"epochs: expected at least the {done - begins} that the checkpoint is after, got {epochs}"
            )
        if begins + epochs > MOST_EPOCHS:
            raise ValueError(
                f"epochs: expected at most {MOST_EPOCHS - begins} after the {begins} that were done, got {epochs}"
            )
        _give_stream(options, saved)
    options.saved, options.checkpoint = saved, checkpoint


def _of_network(options: Options, user: Trained, model: Model) -> TrainingState:
    """The state that the network's last training has left, if it fits the options."""
    saved = user.training_state
    if saved is None:
        raise ValueError(
            "resume: expected a network whose last training can go on, got True for one that was not trained yet, as "
            "copies and loaded networks are; or by train_many, or by an optimizer without a state to go on from; or "
            "whose training was broken off as it drew random numbers"
        )
    saved = TrainingState.of_short(*saved) if isinstance(saved, tuple) else saved
    now = Kept.of_options(options, model.cost_function)
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
