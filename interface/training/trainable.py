"""`Network.train`: the options of training, documented, and the call that trains."""

import os
import random
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from samenet.model import HasModel
from samenet.model.functions import Cost, Reduction
from samenet.optimizers import Optimizer, OptimizerName
from samenet.schedules import Schedule
from samenet.stopping import Rule
from samenet.training.adaptive_sampling import AdaptiveSampling, SamplingName
from samenet.training.history import History
from samenet.training.joint import Joint
from samenet.training.monitors import Monitor
from samenet.training.options import Callback, Options
from samenet.training.run import train
from samenet.training.short import again

Seed = int | np.random.Generator | np.random.RandomState | None


class Trainable(HasModel):
    """The base of `Network` for training: it has a model, and a backend that computes its gradients."""

    backend: ClassVar[ModuleType]
    training_state: Any = None  # the state for `resume=True`
    joint: Joint | None = None  # the networks with which this one was trained last, if it was not trained alone
    place: int  # among these

    @property
    def history(self) -> History | None:
        """What the last training recorded, or None before training."""
        return vars(self)["history"] if self.joint is None else self.joint.of(self.place)

    @history.setter
    def history(self, history: History | None) -> None:
        if self.joint is not None:
            self.leave()
        vars(self)["history"] = history

    def leave(self) -> None:
        """Have a history of its own from now on, at first the same one."""
        if self.joint is not None:
            vars(self)["history"], self.joint.is_whole = self.history, False
            del self.joint

    def train(
        self,
        X: ArrayLike,
        Y: ArrayLike,
        *,
        alpha: float | Schedule | None = None,
        epochs: int,
        batch_size: int | None = None,
        shuffle: bool = True,
        seed: Seed | random.Random = None,
        cost: Cost | None = None,
        reduction: Reduction = "mean",
        monitors: Monitor | Iterable[Monitor] = (),
        record_every: int = 1,
        callback: Callback | None = None,
        optimizer: OptimizerName | Optimizer = "descent",
        stop: Rule | Iterable[Rule] | None = None,
        dropout: float | Sequence[float] = 0.0,
        drop_connect: float | Sequence[float] = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        sampling: SamplingName | AdaptiveSampling | None = None,
        sample_weight: ArrayLike | None = None,
        resume: bool | str | os.PathLike[str] = False,
        checkpoint: str | os.PathLike[str] | None = None,
        every: float | None = None,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
        verbose: bool = False,
        progress: bool | Literal["always"] = False,
    ) -> History:
        """Gradient descent, in place: theta := theta - alpha dJ/dtheta for every batch of every epoch.

        X: (m, n_in), Y: (m, n_out), m >= 1.
        alpha         the learning rate, or a function that returns it for each epoch, see `samenet.schedules`; not
                      allowed for "bfgs", "lbfgs" and "cg"
        batch_size    None for full batch, 1 for online, else mini-batches; the last, partial batch is used
        shuffle       whether each epoch visits the samples in a new random order; a full batch has no order
        seed          for orders and masks, as for the network; or a `random.Random`, which shuffles the same list
                      again in each epoch, as tutorial 001's program does
        cost          the name of a cost to use instead of the network's
        reduction     "mean" divides the gradient by the size of the batch, "sum" does not
        monitors      what to record besides the cost: "mean_norm", "mean_absolute_error", "accuracy" (of targets that
                      are classes, see `samenet.training.classification`), "subset_accuracy", "label_accuracy"
        record_every  the interval in epochs between records, the first before epoch 0; 0 for none; in mini-batch
                      training each takes a forward pass over all samples
        callback      called as callback(network, history) after every epoch; its return value is ignored; it can raise
                      `samenet.StopTraining` to end training
        optimizer     "descent", "momentum", "nesterov", "rmsprop", "adam", "bfgs", "lbfgs", "cg", or an object with
                      settings of its own, see `samenet.optimizers`
        stop          rules that end training early, see `samenet.stopping`
        dropout       the probability that a hidden node is dropped in an update, drawn independently for each sample:
                      one number for all hidden layers, or one for each; not used for recorded costs or in `predict`
        drop_connect  likewise for weights: one number for all matrices, or one for each, the output layer's too; all
                      samples of a batch have one mask; biases stay. The masks: `samenet.backends.dropout`
        clip_value    clip each entry of the gradient to within +-clip_value
        clip_norm     then scale the gradient down to this 2-norm if its own is larger
        sampling      None for every row once in each epoch; "adaptive", or a `samenet.AdaptiveSampling`, for batches of
                      rows drawn by importance, which is learned from the norms of their gradients
        sample_weight (m,), at least 0: with w_s for sample s, the cost of a batch is sum w_s J_s / sum w_s for the
                      "mean" and sum w_s J_s for the "sum"; penalties are added once, as without weights. If all
                      weights of a batch are 0, its cost is the penalties alone. Recorded costs, stop rules and SciPy's
                      methods use this cost; monitors, the cost of `Patience`, and the statistics of batch
                      normalization count all samples equally. Not allowed with `sampling`. If all weights are equal,
                      the mean has the same bits as without weights
        validation    samples and targets (X, Y) that are measured, not trained on: each record also has their
                      "validation_cost", the cost that training minimises, penalties included, and each monitor, as
                      "validation_accuracy"; each record takes a forward pass over them. `stop=Patience()` uses them
        verbose       whether to print a line for each record, and one at the end
        progress      whether to show a bar, on standard error or in a notebook: the epochs, the cost, the validation
                      cost, the learning rate and the time left. A file or a pipe gets nothing, or with "always" a line
                      for each tenth
        resume        True to continue where the last call ended, with the optimizer's state, random numbers, stop
                      rules, history and epoch numbers; or the path of a checkpoint, to complete the call that wrote
                      it. What may change, and all other rules: `samenet.training.going_on`
        checkpoint    the path of a file, .npz or .safetensors, from which training can resume after it was killed
        every         seconds between checkpoints, 60 if not given; each is written after an epoch

        Without `resume`, a second call continues from the current weights, but counts epochs from 0 again and resets
        the state of optimizers and stop rules (velocities, means, the least cost), and what sampling has learned.
        Returns a `History`, also available as `network.history`. Ctrl-C stops after the current update; weights and
        history are kept, and KeyboardInterrupt is raised. A second Ctrl-C stops at once and undoes the current epoch,
        or the whole call if it takes only milliseconds. Raises FloatingPointError, naming the epoch, if weights are or
        become infinite or NaN; before that, a cost that grows without bound gives one `samenet.DivergenceWarning`.
        Targets that the output layer cannot reach, such as 5 for a sigmoid, give one
        `samenet.UnreachableTargetsWarning`.
        """
        # Building a tuple is faster than building a dictionary of all arguments.
        chosen = reduction, alpha, epochs, batch_size, shuffle, monitors, record_every, optimizer, dropout
        more = clip_value, clip_norm, drop_connect, sampling, verbose, progress
        others = seed, callback, stop, validation, sample_weight
        given = chosen + more + others
        model = self.model.with_cost(cost)
        begins = resume is False and checkpoint is None and every is None
        if begins:
            history = again(self, model, self.backend, X, Y, given)
            if history is not None:
                return history
        options = Options.of(model, X, Y, given, self.backend)
        if not begins:
            from samenet.training.going_on import prepare  # only when needed: it loads the modules for files

            asked = {"resume": resume, "checkpoint": checkpoint, "every": every}
            prepare(options, self, self.model, model, self.backend, asked)
        train(self, model, self.backend, options)
        history = self.history
        assert history is not None
        return history
