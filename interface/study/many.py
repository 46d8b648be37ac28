"""`samenet.train_many`: parallel training of many independent networks."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import starmap
from operator import attrgetter
from typing import Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike

from samenet.model.initialize import SCHEMES, Scheme
from samenet.network import Network
from samenet.study.given import arguments, distinct, each, listed, named, validation_sets
from samenet.study.tasks import Task, again, are_ready, keep, run
from samenet.training import alike, divergence
from samenet.training.joint import Together
from samenet.training.options import Options, apart
from samenet.training.reach import unreachable, warn_unreachable
from samenet.training.reporting import ReportOfMany
from samenet.training.settings import by_name
from samenet.validation import checks
from samenet.validation.arrays import is_apart

_MODEL, _KIND, _THREADS = attrgetter("model"), attrgetter("kind"), attrgetter("threads")


class TrainingErrors(ExceptionGroup[Exception]):
    """The training of some networks failed; the others were trained as if nothing had happened.

    networks    all networks, as `train_many` would have returned them; one that failed is as `Network.train` leaves it
    failed      the exceptions, by the numbers of the networks
    exceptions  the same errors, each with a note that names the network
    """

    networks: list[Network]
    failed: dict[int, Exception]

    def __new__(cls, networks: list[Network], failed: dict[int, Exception]) -> Self:
        """A group of these errors."""
        what = f"{len(failed)} of {len(networks)} training runs failed, {named(failed)}; the others are done"
        group = super().__new__(cls, what, [*failed.values()])
        group.networks, group.failed = networks, failed
        return group

    def derive(self, excs: Sequence[Exception]) -> "TrainingErrors":  # type: ignore[override]
        """A group of some of these errors, with the same networks."""
        chosen = {id(error) for error in excs}
        return TrainingErrors(self.networks, {i: error for i, error in self.failed.items() if id(error) in chosen})


def train_many(
    networks: Network | Iterable[Network],
    X: ArrayLike | Sequence[ArrayLike],
    Y: ArrayLike | Sequence[ArrayLike],
    *,
    seeds: Iterable[Any] | None = None,
    init: Scheme = "glorot",
    **options: Any,
) -> list[Network]:
    """Train many networks, with the same bits as training one after the other.

    networks  a list, which may mix sizes, settings, dtypes and backends: each is trained in place, as by

                  for net, seed in zip(networks, seeds):
                      net.train(X, Y, seed=seed, **options)

              or one network, as a pattern for new ones, one for each seed, and not trained itself: as by

                  for seed in seeds:
                      net = Network(sizes, init=init, seed=seed, ...)  # with the settings of the pattern
                      net.train(X, Y, seed=seed, **options)

    X, Y      the samples and the targets of all networks, (m, n_in) and (m, n_out); or separate ones for each network:
              (networks, m, n_in), or a list of matrices, which may differ in their numbers of rows
    sample_weight  as for `Network.train`, for all networks; or for each network, (networks, m), or a list of vectors
    seeds     the `seed` of each network; by default, each network has its own stream
    init      the initialization scheme of new networks, see `samenet.model.initialize`
    options   the other arguments of `Network.train`; X and Y of a `validation` set may also be separate for each
              network; `verbose` prints a line for each trained network, and the bar of `progress` counts networks

    Returns the networks, in the order of the list or of the seeds, each with its `history`.

    The number of networks that are trained at the same time is the largest `threads` among them; each is trained in one
    thread, so a callback or a schedule may be called from several threads. A schedule that is a function may be called
    for several networks, one after the other, before these are trained. Networks on the reference gain nothing from
    it. Networks that draw from the same stream, an object that occurs twice in `seeds`, are not trained at the same
    time.

    Arguments are checked before training: ValueError or TypeError as from `Network.train`, with a note that names the
    network. A network whose training fails does not affect the others: when all have ended, one `TrainingErrors` names
    those that failed, and holds all networks. Likewise, one `DivergenceWarning` at the end names those that diverged.
    `StopTraining` ends only the training in which it is raised. Ctrl-C ends all training after the current updates.

    >>> from samenet import train_many
    >>> from samenet.fast.numpy import Network
    >>> nets = train_many(Network([2, 1]), [[0, 1], [1, 0]], [[1], [0]], seeds=range(3), alpha=1.0, epochs=100)
    >>> [len(net.history.cost) for net in nets]
    [100, 100, 100]
    """
    done = again(networks, X, Y, seeds, options)
    if done is not None:
        return done if isinstance(done, list) else _trained(done)
    pattern = networks if isinstance(networks, Network) else None
    if pattern is None:
        trained = distinct(cast("Iterable[Network]", networks))
        numbers = [None] * len(trained) if seeds is None else listed("seeds", seeds)
        if len(numbers) != len(trained):
            raise ValueError(f"seeds: expected {len(trained)}, one for each network, got {len(numbers)}")
    else:
        if seeds is None:
            raise ValueError("seeds: expected one for each new network, got None and one network")
        checks.choice("init", init, SCHEMES)
        numbers = listed("seeds", seeds)
        trained = [pattern] * len(numbers)  # replaced by new networks below
    given, of_X, of_Y = arguments(options), each("X", X, len(trained)), each("Y", Y, len(trained))
    validation = validation_sets(given["validation"], len(trained))
    shown = checks.flag("verbose", given["verbose"]), checks.flag_or("progress", given["progress"], "always")
    report = ReportOfMany(len(trained), *shown)
    given |= {"verbose": False, "progress": False}  # of each training
    outside: dict[int, str] = {}  # the first network of each kind with unreachable targets, by number
    weights = given["sample_weight"]
    of_weights = None if weights is None else each("sample_weight", weights, len(trained), rank=2)
    models = [*map(_MODEL, trained)]
    if given["cost"] is not None:
        with suppress(TypeError, ValueError):  # raised again below, for the first network that refuses it
            models = [model.with_cost(given["cost"]) for model in models]
    known: dict[Any, Any] = {}  # samples already checked for a kind of network
    # The options of the first network of a kind, and whether each network needs its own check.
    plans: dict[Any, tuple[Options | None, bool]] = {}
    plan, each_by_itself = None, True
    planned: list[Options] = []  # of each network
    owners: dict[int, int] = {}  # whose they are, by id
    of_all = of_X is of_Y is of_weights is None and not isinstance(validation, list) and are_ready(models, numbers)
    kinds = [*map(_KIND, models)]
    for i, (network, seed) in enumerate(zip(trained, numbers, strict=True)):
        if i == 1 and of_all and not each_by_itself and kinds.count(kinds[0]) == len(kinds):
            planned *= len(kinds)
            break
        try:
            if pattern is not None:
                checks.seed(f"seeds[{i}]", seed)
            model = network.model.with_cost(given["cost"])
            key = of_X and i, of_Y and i, model.sizes[0], model.sizes[-1], model.dtype, model.cost_function
            samples = X if of_X is None else of_X[i], Y if of_Y is None else of_Y[i]
            if key not in known:
                known[key] = model.labelled(*samples, given["reduction"])
            x, y = known[key]
            held = validation[i] if isinstance(validation, list) else validation
            given["sample_weight"] = weights if of_weights is None else of_weights[i]
            like = (of_weights and i, *key, id(held), model.sizes[1:-1], model.activations[-1], model.theta.normalized)
            first, each_by_itself = plans.get(like, (None, True))
            if first is not None and not each_by_itself:
                plan = first if of_all else first.for_another(model, seed)
            else:
                its = {**given, "seed": seed, "validation": held}
                plan = Options.checked(model, *apart(model.theta, x, y), by_name(its), warns=False)
            if first is None:
                arrays_of_all = zip((x, y, *plan.held), (*samples, *(() if held is None else held)), strict=False)
                each_by_itself = bool(plan.stop) or not all(starmap(is_apart, arrays_of_all))
                plans[like] = plan, each_by_itself
                if found := unreachable(model.activations[-1], y, plan.sample_weight):
                    outside[i] = found
            owners.setdefault(id(plan), i)
            planned.append(plan)
        except (TypeError, ValueError) as refusal:
            refusal.add_note(f"in train_many, for networks[{i}]")
            raise
    if outside:
        warn_unreachable(f"in train_many, for {named(outside)}, {next(iter(outside.values()))}")
    threads = max(map(_THREADS, models), default=1)
    if threads > 1 and not alike.are_numbers(numbers):
        streams = [id(seed) for seed in numbers if not (seed is None or isinstance(seed, int | np.integer))]
        threads = threads if len(set(streams)) == len(streams) else 1
    similar = alike.similar(models, [network.backend for network in trained], planned)
    groups = alike.groups(similar, numbers, threads)
    of_groups, of_new = (threads, report, [Together() for _ in groups]), (given["cost"], pattern, init)
    task = Task(trained, models, planned, owners, numbers, groups, *of_groups, *of_new)
    if of_all and not each_by_itself:
        keep(task, seeds, options)
    return _trained(task)


def _trained(task: Task) -> list[Network]:
    """Train the networks; warn of those that diverged, and raise if any failed."""
    trained, failed, diverged = run(task)
    if diverged:
        divergence.warn(f"{len(diverged)} of {len(trained)} networks do, {named(diverged)}")
    for i, error in failed.items():
        error.add_note(f"in train_many, for networks[{i}]")
    if failed:
        raise TrainingErrors(trained, failed)
    return trained
