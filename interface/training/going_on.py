"""Resuming training: `resume`, `checkpoint` and `every` of `Network.train`.

=================  ===================================================================================================
`resume=True`      continue training in the same process: 50 epochs and 50 more give the same bits as 100 epochs
`checkpoint=path`  write the state of training to a file: at the beginning, every `every` seconds, and at the end
`resume=path`      complete the call of `train` that wrote this checkpoint, with the same bits as if it had not been
                   interrupted, however and whenever it ended: by SIGKILL, a power failure, Ctrl-C or an exception
=================  ===================================================================================================

    net.train(X, Y, alpha=0.1, epochs=50, optimizer="adam", batch_size=32, seed=0)
    net.train(X, Y, alpha=0.1, epochs=50, optimizer="adam", batch_size=32, resume=True)

    # A program that can be killed at any moment and is then started again, without a change:
    net.train(X, Y, alpha=0.1, epochs=100, optimizer="adam", seed=0, checkpoint="net.npz", resume="net.npz")

Resumed training continues with the optimizer's state, the random numbers (and so the orders and masks), the epoch
numbers (for `alpha`, `record_every` and masks), the weights of adaptive sampling, the watch for divergence, the stop
rules, and the history: a new history has the records of all parts, and the earlier one is not changed. `epochs` is the
number of epochs of the new call.

resume=True. The optimizer, the number of samples, `batch_size`, `cost`, `reduction`, `shuffle`, `sampling`, `dropout`,
`drop_connect`, `monitors`, and whether there is a validation set, must be as in the last call; otherwise a ValueError
names the argument. `seed` must be left out, or be the same. Everything else may change: `alpha`, the values of the
samples, the callback, clipping, sample weights, `threads`, and the network's parameters. A stop rule continues if its
str() and its place in the list are unchanged; any other rule starts anew. If a rule has restored the best parameters,
training continues from those of the last update, unless the parameters were changed since. A rule that has ended
training ends it again, unless the next epoch is better. Training can be resumed after Ctrl-C, even in the middle of an
epoch, after `StopTraining`, after an exception of a callback or a schedule, and after a FloatingPointError, from the
state before the epoch that failed (for example with a smaller `alpha`), as after anything else that interrupted an
update. Pickled and deep copies can resume if the network can, because they have its history; `copy()`, `on(backend)`
and `samenet.load` give networks without a history that start anew. SciPy's methods, `MultiStart` and `train_many` keep
no state to resume from.

resume=path. The network must have the sizes, settings and dtype of the one in the file, whose parameters it takes over.
X, Y and all arguments that affect the result must be those of the interrupted call, as far as they can be compared; the
code of functions cannot. `epochs` may be larger than it was. A Generator, RandomState or `random.Random` given as the
seed is set to the saved state. A call that had completed does not train further, but gives the same weights and history
again. If the file does not exist, training begins if `checkpoint` is the same path; otherwise FileNotFoundError is
raised.

A checkpoint is written after an epoch, never within one, and under a temporary name that is then renamed. So it is
never half written, and after a kill, at most the work of `every` seconds and one epoch is repeated. `samenet.load`
reads it as a network. It holds the history and 2 to 5 vectors of the size of the parameters (such as the optimizer's
state, the parameters before training, and the best ones of a rule). Writing takes as long as the disk takes:
milliseconds for some 10,000 parameters, a tenth of a second for a million; by default, a checkpoint is written every 60
seconds. The samples are read once for a checksum. Without these arguments, training only keeps the same state in
memory.
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
from samenet.training.state import Kept, Left, TrainingState
from samenet.validation import checks, paths


def prepare(options: Options, user: Trained, network: Model, model: Model, backend: Any, given: dict[str, Any]) -> None:
    """Check `resume`, `checkpoint` and `every`, and add what they ask for to the options.

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
            f"{name}: expected none for {options.settings.optimizer}, which keeps no state to resume from, got "
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
                f"epochs: expected at least the {done - begins} that were done before the checkpoint, got {epochs}"
            )
        if begins + epochs > MOST_EPOCHS:
            raise ValueError(
                f"epochs: expected at most {MOST_EPOCHS - begins} after the {begins} that were done, got {epochs}"
            )
        _give_stream(options, saved)
    options.saved, options.checkpoint = saved, checkpoint


def _of_network(options: Options, user: Trained, model: Model) -> TrainingState:
    """The state left by the network's last training, if it fits the options."""
    saved: TrainingState | Left | None = user.training_state
    if saved is None:
        raise ValueError(
            "resume: expected a network whose last training can be resumed, got True for one that has not been trained "
            "since it was made, copied or loaded, or was last trained by train_many or by an optimizer that keeps no "
            "state, or was interrupted while it drew random numbers"
        )
    if isinstance(saved, tuple):
        saved = user.training_state = TrainingState.of(*saved)  # with the orders of an update that is undone
    now = Kept.of_options(options, model.cost_function)
    if now != saved.kept:
        for name, text in saved.kept.texts().items():
            if text != now.texts()[name]:
                raise ValueError(f"{name}: expected {text} as in the last training, got {now.texts()[name]}")
    if not _fits(options.seed, saved):
        raise ValueError(
            f"seed: expected none, or that of the last training, whose random numbers continue, got "
            f"{checks.short(options.seed)}"
        )
    return saved


def _fits(seed: Any, saved: TrainingState) -> bool:
    """Whether this is the seed of the earlier training, or its stream in the state after that training."""
    if seed is None or seed is saved.seed:
        return True
    if not is_stream(seed):
        return not is_stream(saved.seed) and saved.seed is not None and int(seed) == int(saved.seed)
    if not is_stream(saved.seed) or streams.kind(seed) != streams.kind(saved.seed):
        return False
    return streams.state(seed) == streams.state(saved.seed)


def _give_stream(options: Options, saved: TrainingState) -> None:
    """Use the stream that the user has given from now on, set to the state of the saved one."""
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
