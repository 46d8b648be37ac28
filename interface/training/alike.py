"""Short training of several similar networks in one call of the backend, with the same bits as one after the other.

Networks are similar if they differ only in parameters and seeds. A backend that supports this has a module `MANY` with
at_once(model, batch_size), the number of networks that it trains together, 0 if it trains none in one call; and
prepared(model, number, rows, rule, limit, ...), Where(models) and These(objects), see `samenet.fast.many_networks`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, compress, repeat
from operator import attrgetter, itemgetter, setitem
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet import schedules
from samenet.backends.dropout import Dropout
from samenet.backends.weighing import overflow_ignored, weighing
from samenet.model import Model
from samenet.stopping import StopTraining
from samenet.training import divergence, loop, short
from samenet.training.history import History
from samenet.training.joint import MOST, Joint, Results, Together
from samenet.training.options import Options, Trained
from samenet.training.sampling import Draws, is_stream, key_of

_MOST, _FEW = 2**22, 2**20  # bytes of the parameters of the networks in one call; of orders that are kept
# The parts of a call of `loop.CALL_SECONDS` that are long enough to share. A thread whose processor is busy takes fewer
# of them, so these are the fewest in all, and the most for each other thread.
_OF_CALL, _FEWEST, _PARTS = 25, 4, 8
# The arguments of `run_updates` that `MANY.prepared` takes, too.
_ARGUMENTS = {"reduction", "clip_value", "clip_norm"}
_NUMBERS = frozenset((int, type(None)))
_INTEGERS = frozenset((int,))
_KIND = attrgetter("kind")
Release = Callable[[], None]


class Similar(NamedTuple):
    """Networks that differ only in parameters and seeds: their numbers, and the options of the first."""

    numbers: Sequence[int]
    model: Model
    backend: Any
    options: Options


def similar(models: Sequence[Model], backends: Sequence[Any], planned: Sequence[Options]) -> list[Similar]:
    """All networks, by those that are similar."""
    kinds = [*map(_KIND, models)]
    of_kind: dict[Any, list[list[int]]] = {}
    if kinds and all(values.count(values[0]) == len(values) for values in (kinds, backends, planned)):
        return [Similar(range(len(kinds)), models[0], backends[0], planned[0])]
    last: tuple[Any, ...] = None, None, None
    alike: list[int] = []
    for i, (model, backend, options) in enumerate(zip(models, backends, planned, strict=True)):
        kind, of_one, plan = last
        if plan is options and kind is model.kind and of_one is backend:
            alike.append(i)
            continue
        last = model.kind, backend, options
        samples = id(options.X), id(options.Y), id(options.sample_weight)
        lists = of_kind.setdefault((id(backend), model.kind, *samples), [])
        for alike in lists:
            settings = planned[alike[0]].settings
            if settings is options.settings or settings == options.settings:
                alike.append(i)
                break
        else:
            lists.append(alike := [i])
    found = [alike for lists in of_kind.values() for alike in lists]
    return [Similar(alike, models[alike[0]], backends[alike[0]], planned[alike[0]]) for alike in found]


def _together(model: Model, backend: Any, options: Options) -> tuple[int, int]:
    """How many networks like this the backend trains together, 0 if none; and how many such groups per call."""
    settings, many = options.settings, getattr(backend, "MANY", None)
    if many is None or settings.sampling is not None:
        return 0, 0
    if not _ARGUMENTS.issuperset(settings.arguments):
        return 0, 0
    if not schedules.is_pure(settings.alpha):  # called when the networks are trained
        options = options.with_schedule(schedules.constant(1.0))
    if not short.is_short(model, backend, options) or schedules.rates(options.settings.alpha, settings.epochs) is None:
        return 0, 0
    together: int = many.at_once(model, options.batch_size, bool(settings.drop_connect))
    updates = settings.epochs * -(-len(options.X) // options.batch_size)
    seconds = loop.seconds_of(backend, model, updates, together * options.batch_size, bool(settings.drop_connect))
    most = min(loop.CALL_SECONDS / max(seconds, 1e-9), _MOST / max(1, together * model.theta.flat.nbytes))
    return together, max(1, int(most))


def are_numbers(seeds: Sequence[Any]) -> bool:
    """Whether none of the seeds is a stream; maybe False if none is."""
    return _NUMBERS.issuperset(map(type, seeds))


def groups(kinds: Iterable[Similar], seeds: Sequence[Any], threads: int) -> list[Sequence[int]]:
    """The numbers of the networks that are trained in one call, or of a single one; threads do not pay for a few short
    calls.
    """
    found: list[Sequence[int]] = []
    for numbers, *kind in kinds:
        together, calls = _together(*kind)
        # Several networks may share a stream that the user gave; they have to draw from it one after the other.
        fit: Sequence[int] = []
        if together:
            fit = numbers if are_numbers(seeds) else [i for i in numbers if not is_stream(seeds[i])]
        pieces = -(-len(fit) // max(1, together))
        parts = min(_PARTS * (threads - 1), _OF_CALL * pieces // max(1, calls))
        parts = 1 if parts < _FEWEST else parts - parts % min(threads, parts)
        step = max(1, together * min(calls, -(-pieces // max(1, parts))))
        found += [fit[start : start + step] for start in range(0, len(fit), step)]
        if len(fit) < len(numbers):
            alone = set(numbers).difference(fit)
            found += [[i] for i in numbers if i in alone]
    return sorted(found, key=itemgetter(0))


def _drawn(options: Options, seeds: Sequence[Any], dtype: Any, shuffled: bool) -> dict[str, Any]:
    """The random draws of all networks, as arguments of `Updates.make`; see `samenet.fast.many_networks.prepared`."""
    settings, dropout, given = options.settings, options.dropout, dict[str, Any]()
    if type(seeds[0]) is int and seeds.count(seeds[0]) == len(seeds):
        seeds = seeds[:1]
    if shuffled:
        drawn = (Draws(seed, len(options.X), True, dropout, dtype, settings.drop_connect) for seed in seeds)
        given["orders"] = np.array([draws.epochs(settings.epochs) for draws in drawn])
    if settings.has_masks:
        thresholds, factors, *_ = Dropout.of(dropout, np.dtype(dtype), 0)
        given["dropout"] = thresholds, factors, np.array([*map(key_of, seeds)], np.int64)
    return given


class Updates(NamedTuple):
    """The updates of similar networks, prepared for this call and the next."""

    run: Callable[..., tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64], bool]]  # of the backend
    alpha: Any  # the schedule
    scale: float  # of the costs, see `divergence.scale_of`
    epochs: int
    every: int
    returns_cost: bool  # whether an update returns the cost to record
    is_shuffled: bool
    draws: bool  # whether random numbers are drawn

    @classmethod
    def of(cls, model: Model, number: int, backend: Any, options: Options) -> "Updates":
        """Those of so many models like this one."""
        settings, size, rows = options.settings, options.batch_size, len(options.X)
        returns_cost, every = size == rows and not settings.has_masks, min(settings.record_every, settings.epochs)
        weights = options.sample_weight
        scale = divergence.scale_of(size, weights, settings.reduction)
        alphas = schedules.rates(settings.alpha, settings.epochs)
        given = {"alphas": alphas, "batch_size": size, **settings.arguments}
        given |= {"record_every": 0 if returns_cost else every, "returns_costs": returns_cost and every > 0}
        given["evaluate"] = weighing(backend, "evaluate", weights)
        if weights is not None:
            given["weights"] = weights
        if settings.drop_connect:
            given["drop_connect"] = settings.drop_connect
        of_all = number, rows, settings.optimizer, divergence.least_bound(scale)
        run = backend.MANY.prepared(model, *of_all, **given)
        is_shuffled = settings.shuffle and size < rows
        draws = is_shuffled or settings.has_masks
        return cls(run, settings.alpha, scale, settings.epochs, every, returns_cost, is_shuffled, draws)

    def make(self, backend: Any, *given: Any, **drawn: Any) -> tuple[NDArray[Any], NDArray[np.float64], Results, bool]:
        """New parameters, all costs, the results, and whether all is well; given: where, X, Y."""
        with overflow_ignored(backend):
            thetas, costs, records, is_well = self.run(*given, **drawn)
        if self.returns_cost and self.every:
            records = np.ascontiguousarray(costs[:, :: self.every])
        return thetas, costs, Results(self.epochs, records, self.every, {}), is_well


def again(users: Sequence[Trained], backend: Any, together: Together, X: Any, Y: Any, release: Release) -> bool:
    """Train networks that have joined as in the last call; returns False, with nothing changed, if that call's
    preparations are not enough.
    """
    updates, where, drawn = together.updates, together.where, together.drawn
    if updates.draws and not drawn:
        return False
    thetas, _, results, is_well = updates.make(backend, where, X, Y, **drawn)
    if not is_well:
        return False
    _end(users, chain(map(where.write, [thetas]), together.joint.ended(users, results)), release)
    return True


def train(
    users: Sequence[Trained],
    models: Sequence[Model],
    backend: Any,
    options: Options,
    seeds: Sequence[Any],
    release: Release,
    together: Together,
) -> list[int]:
    """Train similar networks; returns the indices of those that were left unchanged and have to be trained alone.

    These are the networks whose weights did not stay finite, or whose costs `divergence` must examine, as in `short`.
    """
    joint, drawn, left = together.joint, together.drawn, list[int]()
    where = together.where = together.where or backend.MANY.Where(models)
    updates = together.updates
    if updates is None or updates.alpha != options.settings.alpha:  # a function may return other values than before
        updates = together.updates = Updates.of(models[0], len(models), backend, options)
    if updates.draws and not drawn:
        drawn = _drawn(options, seeds, models[0].dtype, updates.is_shuffled)
        is_little = not updates.is_shuffled or drawn["orders"].nbytes <= _FEW
        if is_little and _INTEGERS.issuperset(map(type, seeds)):
            together.drawn = drawn
    thetas, costs, results, are_all = updates.make(backend, where, options.X, options.Y, **drawn)
    if not are_all:
        is_well = divergence.are_harmless(costs, updates.scale) & np.isfinite(thetas).all(axis=1)
        left = [i for i, well in enumerate(is_well) if not well]
        users, models = [*compress(users, is_well)], [*compress(models, is_well)]
        thetas, results = thetas[is_well], results._replace(costs=results.costs[is_well])
        where, joint.is_whole, joint = backend.MANY.Where(models), False, Joint()
    if not users:
        return left
    if results.costs.nbytes <= MOST:
        changes = joint.ended(users, results)
    else:
        for user in users:
            user.leave()  # type: ignore[attr-defined]
        histories = map(setitem, map(vars, users), repeat("history"), History.of_several(*results[:3]))
        changes = chain(histories, map(setattr, users, repeat("training_state"), repeat(None)))
    _end(users, chain(map(where.write, [thetas]), changes), release)
    return left


def _end(users: Sequence[Trained], changes: Iterable[None], release: Release) -> None:
    """Make these changes, and deliver a Ctrl-C."""
    deque(changes, 0)  # one call, during which no second Ctrl-C can be raised
    try:
        release()
    except StopTraining as reason:
        for user in users:
            assert user.history is not None
            user.history.stop("StopTraining", reason)
