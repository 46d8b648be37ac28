"""The networks of one call of `train_many`, with their checked options: trained in groups, on several threads.

The first of the networks keeps what was checked for the next call with the same networks and options, as users make who
have their own batches: that call checks its samples alone.
"""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat
from operator import is_
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet import schedules
from samenet.backends import prepared
from samenet.model import Model
from samenet.model.functions import MADE_FOR
from samenet.model.initialize import Scheme, initialize, initialize_each
from samenet.network import Network
from samenet.training import alike
from samenet.training.interrupts import deferred_interrupt
from samenet.training.joint import Together
from samenet.training.options import Options
from samenet.training.reach import limits_of, unreachable
from samenet.training.reporting import ReportOfMany
from samenet.training.run import Release, train_under
from samenet.training.settings import Settings, are_constant
from samenet.training.together import run_together
from samenet.validation import arrays, checks
from samenet.validation.weights import sample_weight


class Task(NamedTuple):
    """Networks to train."""

    trained: list[Network]
    models: list[Model]
    planned: list[Options]  # of each network
    owners: dict[int, int]  # whose these are, by id
    numbers: list[Any]  # the seeds
    groups: list[Sequence[int]]  # trained in one call each
    threads: int
    report: ReportOfMany
    together: list[Together]  # each group
    cost: Any = None
    pattern: Network | None = None  # of networks that are made when they are trained, by this scheme
    init: Scheme = "glorot"


_CALLED = "alpha", True  # an option, and whether it is a function


class _Last(NamedTuple):
    """What was checked for the last call."""

    are_same: Callable[[list[Any]], bool]  # whether a list has its networks
    have_same_seeds: Callable[[list[Any]], bool]  # whether a list has the same objects as seeds
    models: list[Model]
    seeds: Any  # a range, if that was given
    numbers: list[Any]
    options: dict[str, Any]
    threads: int
    settings: Settings
    samples: Callable[..., Any]  # see `samenet.backends.prepared`
    rows: int
    batch_size: int
    dropout: NDArray[np.float64]
    weights: NDArray[np.float64] | None  # of the samples
    groups: list[Sequence[int]]
    together: list[Together]

    def has_seeds(self, seeds: Any) -> bool:
        """Whether these are the seeds, known to be valid."""
        if isinstance(seeds, range):
            return bool(self.seeds == seeds)
        if seeds is None:
            return self.numbers.count(None) == len(self.numbers)
        if type(seeds) is not list or len(seeds) != len(self.numbers):
            return False
        return self.have_same_seeds(seeds) or (alike.are_numbers(seeds) and seeds == self.numbers)


def keep(task: Task, seeds: Any, options: dict[str, Any]) -> None:
    """Keep what was checked, if all networks are trained together, with options that cannot change."""
    plan, models, are_together = task.planned[0], task.models, min(map(len, task.groups), default=0) > 1
    is_usual = task.pattern is task.cost is None and task.report.is_empty
    # Weights are compared, and functions of the epoch are called.
    others = [
        value for name, value in options.items() if name != "sample_weight" and (name, callable(value)) != _CALLED
    ]
    if are_together and is_usual and are_constant((*others,)):
        backend, first, rows = task.trained[0].backend, models[0], len(plan.X)
        these = backend.MANY.These(task.trained), backend.MANY.These(task.numbers)
        limits = limits_of(None if first.cost_function in MADE_FOR else first.activations[-1])
        samples = prepared.samples(first, backend, rows, limits, False)
        given = models, seeds if isinstance(seeds, range) else None, [*task.numbers], options, task.threads
        of_all = plan.settings, samples, rows, plan.batch_size, plan.dropout, plan.sample_weight, task.groups
        first.prepared[_Last] = _Last._make((these[0].are_in, these[1].are_in, *given, *of_all, task.together))


def again(networks: Any, X: Any, Y: Any, seeds: Any, options: dict[str, Any]) -> Task | list[Network] | None:
    """Train as in the last call if networks and options are the same, and the samples are valid and as many.

    Returns the networks, trained; or the task to do so, if that call trained several groups; otherwise None, with
    nothing changed.
    """
    if type(networks) is not list or not networks or not isinstance(networks[0], Network):
        return None
    last: _Last | None = networks[0].model.prepared.get(_Last)
    if last is None or not last.are_same(networks) or not last.has_seeds(seeds):
        return None
    if not ([*options] == [*last.options] and all(map(is_, options.values(), last.options.values()))):
        return None
    trained, together = [*networks], last.together
    if not all(map(Together.is_ready, together, repeat(trained), last.groups)):
        return None
    model, settings, number = last.models[0], last.settings, len(trained)
    found = last.samples(X, Y)
    if found is None or not (X.flags.owndata and Y.flags.owndata):
        try:
            x, y = model.labelled(X, Y, settings.reduction)
        except (TypeError, ValueError):  # raised again with the network's number
            return None
        is_apart = arrays.is_apart(x, X) and arrays.is_apart(y, Y)
        if len(x) != last.rows or not is_apart or unreachable(model.activations[-1], y):
            return None
        found = x, y
    x, y = found
    if options.get("sample_weight") is not None:
        try:
            weights = sample_weight(options["sample_weight"], last.rows, settings.reduction, model.dtype)
        except (TypeError, ValueError):
            return None
        if weights is not last.weights:  # they have changed
            return None
    if len(together) == 1 and schedules.is_pure(settings.alpha):
        with deferred_interrupt() as release:
            if alike.again(trained, trained[0].backend, together[0], x, y, release):
                return trained
    plan, report = (
        Options(x, y, settings, last.batch_size, last.numbers[0], False),
        ReportOfMany(number, False, False),
    )
    plan.dropout, plan.sample_weight = last.dropout, last.weights
    plan.has_others = last.dropout.size > 0 or last.weights is not None
    planned, owners = [plan] * number, {id(plan): 0}
    return Task(trained, last.models, planned, owners, last.numbers, last.groups, last.threads, report, together)


def are_ready(models: Sequence[Model], seeds: Sequence[Any]) -> bool:
    """Whether no network will be refused for its seed or for parameters that cannot be written to."""
    if not alike.are_numbers(seeds) or min((seed for seed in seeds if seed is not None), default=0) < 0:
        return False
    try:
        for model in {id(model): model for model in models}.values():  # a pattern is the model of all
            model.theta.check_writable()
    except ValueError:
        return False
    return True


def run(task: Task) -> tuple[list[Network], dict[int, Exception], list[int]]:
    """Train; returns the networks, the exceptions of those that failed, by number, and the numbers of those that
    diverged."""
    trained, models, planned, owners, numbers, groups, threads, report, together, cost, pattern, init = task
    failed: dict[int, Exception] = {}
    alone: list[int] = []  # those not trained together with others

    def train(group: Sequence[int], of_group: Together, release: Release) -> None:
        if pattern is not None:
            for i, new in zip(group, _several_like(pattern, init, [numbers[i] for i in group]), strict=True):
                trained[i], models[i] = new, new.model.with_cost(cost)
        rest, plan = group, planned[group[0]]
        of_each: dict[int, schedules.Called] = {}  # what a user's schedule returned, network by network
        if len(group) > 1 and not schedules.is_pure(alpha := plan.settings.alpha):
            assert alpha is not None
            of_each = {i: schedules.called(alpha, plan.settings.epochs) for i in group}
            plan = plan.with_schedule(of_each[group[0]])
        found = [*of_each.values()]
        is_one = not found or (found[0].error is None and found.count(found[0]) == len(found))
        if len(group) > 1 and is_one:
            nets, of_nets, seeds = trained, models, numbers
            if len(group) < len(trained):
                nets, of_nets = [trained[i] for i in group], [models[i] for i in group]
                seeds = [numbers[i] for i in group]
            left = alike.train(nets, of_nets, nets[0].backend, plan, seeds, release, of_group)
            rest = [group[place] for place in left]
            if not report.is_empty:
                for i in group:
                    if i not in rest:
                        report.end_of(i, trained[i].history, None)
        alone.extend(rest)
        for i in rest:
            net, model, plan = trained[i], models[i], planned[i]
            plan = plan if owners[id(plan)] == i else plan.for_another(model, numbers[i])
            plan = plan.with_schedule(of_each[i]) if i in of_each else plan
            if threads > 1:
                model = copy.copy(model)
                model.threads = 1
            try:
                train_under(net, model, net.backend, plan, release)
            except Exception as error:
                failed[i] = error
            net.training_state = None
            report.end_of(i, net.history, failed.get(i))

    with report:
        for number, error in run_together([*map(partial, repeat(train), groups, together)], threads).items():
            failed |= dict.fromkeys(groups[number], error)
    failed = dict(sorted(failed.items()))
    if failed and pattern is not None:
        trained = [copy.copy(net) if net is pattern else net for net in trained]
    histories = {i: trained[i].history for i in sorted(alone) if i not in failed}
    diverged = [i for i, history in histories.items() if history is not None and history.diverged_at is not None]
    return trained, failed, diverged


def _several_like(pattern: Network, init: Scheme, seeds: Sequence[Any]) -> list[Network]:
    """New networks with the settings of the pattern."""
    made = type(pattern)
    if made.__init__ is not Network.__init__:
        settings = {**pattern.model.settings, "dtype": pattern.dtype, "threads": pattern.threads}
        return [made(pattern.sizes, init=init, seed=seed, **settings) for seed in seeds]
    models = pattern.model.several(len(seeds))
    streams = [checks.generator("seed", seed) for seed in seeds]
    if len(seeds) > 1:
        initialize_each([model.theta for model in models], init, streams)
    else:
        initialize(models[0].theta, init, streams[0])
    found = [object.__new__(made) for _ in seeds]
    for new, model in zip(found, models, strict=True):
        vars(new).update(model=model, history=None)
    return found
