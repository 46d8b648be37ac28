"""Training with the chosen optimizer."""

import copy
from collections.abc import Callable
from typing import Any

from samenet.model import Model
from samenet.optimizers import Minimizer, MultiStart, Optimizer, UpdateRule
from samenet.stopping import StopTraining
from samenet.training import multistart, scipy_methods, short
from samenet.training.interrupts import deferred_interrupt
from samenet.training.loop import Loop
from samenet.training.options import Options, Trained
from samenet.training.session import Training
from samenet.training.state import leave
from samenet.training.watched import Watched, plan

Release = Callable[[], None]  # delivers a deferred Ctrl-C


def train(user: Trained, model: Model, backend: Any, options: Options) -> None:
    """Train in place; Ctrl-C is deferred until the current update is done.

    user: the network passed to callbacks, which holds the history. backend: a module that implements the contract.
    """
    # StopTraining is suppressed twice: the user's Ctrl-C handler may raise it, too, inside the `with` block or at its
    # end.
    try:
        with deferred_interrupt() as release:
            train_under(user, model, backend, options, release)
    except StopTraining:
        pass


def train_under(user: Trained, model: Model, backend: Any, options: Options, release: Release) -> None:
    """Train in place, where the caller has already deferred Ctrl-C."""
    try:
        if options.report is not None:
            with options.report as report:
                release = report.following(release)
                descend(options.settings.optimizer, user, model, backend, options, release)
        elif options.is_watched or not short.train(user, model, backend, options, release):
            descend(options.settings.optimizer, user, model, backend, options, release)
    except StopTraining:
        pass


def descend(
    optimizer: Optimizer, user: Trained, model: Model, backend: Any, options: Options, release: Release
) -> None:
    """Train with this optimizer: dispatch on its type."""
    if isinstance(optimizer, UpdateRule):
        training = Training(user, model, backend, options)
        planned = plan(model, backend, options, optimizer)
        loop = Loop(training, optimizer) if planned is None else Watched(training, optimizer, planned)
        try:
            training.run(loop.run, release)
        finally:
            leave(loop)
    elif isinstance(optimizer, MultiStart):
        quiet = copy.copy(options)
        quiet.warns, quiet.stream = False, options.random  # `best_of` warns if the best start diverged
        quiet.last = None  # each start has a model of its own
        objective = options.objective(model, backend)

        def train_one(inner: Optimizer, user: Trained, model: Model, release: Release) -> None:
            descend(inner, user, model, backend, quiet, release)

        try:
            multistart.best_of(optimizer, user, objective, options, train_one, release)
        finally:
            user.training_state = None  # it belongs to the last start
    elif isinstance(optimizer, Minimizer):
        scipy_methods.check_memory(optimizer, model.theta.flat.size)
        training = Training(user, model, backend, options)
        training.run(scipy_methods.minimize, training, optimizer, release)
    else:
        raise TypeError(f"optimizer: expected one of samenet.optimizers, got {type(optimizer).__name__}")
