"""`samenet.train_many`: parallel training of many independent networks."""

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike

from samenet.model.initialize import SCHEMES, Scheme
from samenet.network import Network
from samenet.training import alike, divergence
from samenet.training.options import Options
from samenet.training.reach import unreachable, warn_unreachable
from samenet.training.reporting import ReportOfMany
from samenet.training.run import train_under
from samenet.training.settings import by_name
from samenet.training.together import run_together
from samenet.validation import checks


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
        what = f"{len(failed)} of {len(networks)} trainings failed, {_named(failed)}; the others are done"
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
    thread, so a callback or a schedule may be called from several threads. Networks on the reference gain nothing from
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
    pattern = networks if isinstance(networks, Network) else None
    if pattern is None:
        trained = _distinct(cast("Iterable[Network]", networks))
        numbers = [None] * len(trained) if seeds is None else _listed("seeds", seeds)
        if len(numbers) != len(trained):
            raise ValueError(f"seeds: expected {len(trained)}, one for each network, got {len(numbers)}")
    else:
        if seeds is None:
            raise ValueError("seeds: expected one for each new network, got None and one network")
        checks.choice("init", init, SCHEMES)
        numbers = _listed("seeds", seeds)
        trained = [pattern] * len(numbers)  # replaced by new networks below
    given, of_X, of_Y = _arguments(options), _each("X", X, len(trained)), _each("Y", Y, len(trained))
    validation = _validation(given["validation"], len(trained))
    shown = checks.flag("verbose", given["verbose"]), checks.flag_or("progress", given["progress"], "always")
    report = ReportOfMany(len(trained), *shown)
    given |= {"verbose": False, "progress": False}  # of each training
    outside: dict[int, str] = {}  # the first network of each kind with unreachable targets, by number
    weights = given["sample_weight"]
    of_weights = None if weights is None else _each("sample_weight", weights, len(trained), rank=2)
    known: dict[Any, Any] = {}  # samples already checked for a kind of network
    # The options of the first network of a kind, and whether each network needs its own check.
    plans: dict[Any, tuple[Options | None, bool]] = {}
    planned = []
    for i, (network, seed) in enumerate(zip(trained, numbers, strict=True)):
        try:
            if pattern is not None:
                checks.seed(f"seeds[{i}]", seed)
            model = network.model.with_cost(given["cost"])
            key = of_X and i, of_Y and i, model.sizes[0], model.sizes[-1], model.dtype, model.cost_function
            if key not in known:
                samples = X if of_X is None else of_X[i], Y if of_Y is None else of_Y[i]
                known[key] = model.labelled(*samples, given["reduction"])
            x, y = known[key]
            held = validation[i] if isinstance(validation, list) else validation
            given["sample_weight"] = weights if of_weights is None else of_weights[i]
            like = (of_weights and i, *key, id(held), model.sizes[1:-1], model.activations[-1], model.theta.normalized)
            first, each_by_itself = plans.get(like, (None, True))
            if first is not None and not each_by_itself:
                plan = first.for_another(model, seed)
            else:
                its = {**given, "seed": seed, "validation": held}
                plan = Options.checked(model, x, y, by_name(its), warns=False)
            if first is None:
                plans[like] = plan, bool(plan.stop) or not all(v.flags.owndata for v in (x, y, *plan.held))
                if found := unreachable(model.activations[-1], y, plan.sample_weight):
                    outside[i] = found
            planned.append(plan)
        except (TypeError, ValueError) as refusal:
            refusal.add_note(f"in train_many, for networks[{i}]")
            raise
    if outside:
        warn_unreachable(f"in train_many, for {_named(outside)}, {next(iter(outside.values()))}")
    threads = max((network.threads for network in trained), default=1)
    streams = [id(seed) for seed in numbers if not (seed is None or isinstance(seed, int | np.integer))]
    threads = threads if len(set(streams)) == len(streams) else 1
    if pattern is not None:
        trained = [copy.copy(pattern) for _ in numbers]
    failed: dict[int, Exception] = {}

    def train(group: Sequence[int], release: Callable[[], None]) -> None:
        if pattern is not None:
            for i in group:
                trained[i] = _like(pattern, init, numbers[i])
        alone = group
        if len(group) > 1:
            nets = [trained[i] for i in group]
            models = [net.model.with_cost(given["cost"]) for net in nets]
            left = alike.train(nets, models, nets[0].backend, [planned[i] for i in group], release)
            alone = [group[place] for place in left]
            for i in group:
                if i not in alone:
                    report.end_of(i, trained[i].history, None)
        for i in alone:
            net = trained[i]
            model = net.model.with_cost(given["cost"])
            if threads > 1:
                model = copy.copy(model)
                model.threads = 1
            try:
                train_under(net, model, net.backend, planned[i], release)
            except Exception as error:
                failed[i] = error
            net.training_state = None
            report.end_of(i, net.history, failed.get(i))

    models = [network.model.with_cost(given["cost"]) for network in trained]
    groups = alike.groups(models, [network.backend for network in trained], planned, threads)
    with report:
        for number, error in run_together([partial(train, group) for group in groups], threads).items():
            failed |= dict.fromkeys(groups[number], error)
    failed = dict(sorted(failed.items()))
    histories = {i: net.history for i, net in enumerate(trained) if i not in failed and net.history is not None}
    diverged = [i for i, history in histories.items() if history.diverged_at is not None]
    if diverged:
        divergence.warn(f"{len(diverged)} of {len(trained)} networks do, {_named(diverged)}")
    for i, error in failed.items():
        error.add_note(f"in train_many, for networks[{i}]")
    if failed:
        raise TrainingErrors(trained, failed)
    return trained


def _like(pattern: Network, init: Scheme, seed: Any) -> Network:
    settings = {**pattern.model.settings, "dtype": pattern.dtype, "threads": pattern.threads}
    return type(pattern)(pattern.sizes, init=init, seed=seed, **settings)


def _arguments(options: dict[str, Any]) -> dict[str, Any]:
    """All arguments of `Network.train`, by name; TypeError for others."""
    known = {
        name: parameter.default
        for name, parameter in inspect.signature(Network.train).parameters.items()
        if name not in ("self", "X", "Y", "seed")
    }
    for name, value in options.items():
        checks.choice("train_many", name, known)
        if name in ("resume", "checkpoint", "every") and value is not known[name]:
            raise ValueError(
                f"{name}: expected none in train_many, which keeps nothing to go on from, got {value!r:.60}"
            )
    missing = [name for name, default in known.items() if default is inspect.Parameter.empty and name not in options]
    if missing:
        raise TypeError(f"train_many: expected {', '.join(missing)} to be given")
    return {**known, **options}


def _listed(name: str, value: Iterable[Any]) -> list[Any]:
    if isinstance(value, str | bytes | bytearray | memoryview | AbstractSet | Mapping):
        raise TypeError(f"{name}: expected a list, got {checks.short(value)} ({type(value).__name__})")
    try:
        return list(value)
    except Exception:
        raise TypeError(f"{name}: expected a list, got {checks.short(value)} ({type(value).__name__})") from None


def _distinct(networks: Iterable[Any]) -> list[Network]:
    found = _listed("networks", networks)
    places: dict[int, int] = {}
    for i, network in enumerate(found):
        if not isinstance(network, Network):
            raise TypeError(
                f"networks[{i}]: expected a Network, got {checks.short(network)} ({type(network).__name__})"
            )
        if places.setdefault(id(network), i) != i:
            raise ValueError(f"networks[{i}]: expected each network once, got networks[{places[id(network)]}] again")
    return found


def _validation(value: Any, count: int) -> Any:
    """The validation set of all networks, or a list with that of each."""
    if not (isinstance(value, tuple | list) and len(value) == 2 and 3 in map(_rank, value)):
        return value
    X, Y = (_each("validation", part, count) or [part] * count for part in value)
    return list(zip(X, Y, strict=True))


def _each(name: str, value: Any, count: int, rank: int = 3) -> list[Any] | None:
    """The separate values of each network, or None if all share one."""
    if _rank(value) != rank:
        return None
    given = list(value) if isinstance(value, list | tuple) else np.asarray(value)
    if isinstance(given, np.ndarray) and given.ndim != rank:  # a sparse matrix is refused on conversion
        return None
    if len(given) != count:
        what = "matrices" if rank == 3 else "vectors"
        raise ValueError(f"{name}: expected {count} {what}, one for each network, got {len(given)}")
    return list(given)


def _rank(value: Any) -> int:
    """The number of dimensions, judging by the first items."""
    try:
        rank = getattr(value, "ndim", None)
    except Exception:  # a user-defined class, refused on conversion
        return 0
    if isinstance(rank, int):
        return rank
    return 1 + _rank(value[0]) if isinstance(value, list | tuple) and value else int(checks.is_listing(value))


def _named(numbers: Iterable[int]) -> str:
    """Networks by their numbers, the first few of many."""
    places = [f"networks[{i}]" for i in numbers]
    return ", ".join(places[:5]) + (f" and {len(places) - 5} more" if len(places) > 5 else "")
