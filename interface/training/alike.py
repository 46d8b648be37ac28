"""Short training of several similar networks in one call of the backend, with the same bits as one after the other.

Networks are similar if they differ only in parameters and seeds. A backend that supports this has a module `MANY` with
two functions: at_once(model, batch_size), the number of networks that it trains together, 0 if none; and
run_updates(models, X, Y, rule, ...), see `samenet.fast.many_networks`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samenet.backends.objective import overflow_ignored
from samenet.model import Model
from samenet.stopping import StopTraining
from samenet.training import divergence, loop, short
from samenet.training.history import History
from samenet.training.options import Options, Trained
from samenet.training.sampling import is_stream

_CALLS = 8  # groups that the backend trains together, in one call
_ARGUMENTS = {"reduction", "alpha", "clip_value"}  # the arguments of `run_updates` that `MANY.run_updates` takes, too


def _together(model: Model, backend: Any, options: Options) -> tuple[int, int]:
    """How many networks like this the backend trains together, 0 if none; and how many such groups per call."""
    settings, many = options.settings, getattr(backend, "MANY", None)
    if many is None or settings.has_masks or settings.sampling is not None or options.sample_weight is not None:
        return 0, 0
    if not _ARGUMENTS.issuperset(settings.arguments):
        return 0, 0
    if not short.is_short(model, backend, options):
        return 0, 0
    together: int = many.at_once(model, options.batch_size)
    updates = settings.epochs * -(-len(options.X) // options.batch_size)
    seconds = together * loop.seconds_of(backend, model, updates, options.batch_size)
    return together, max(1, min(_CALLS, int(loop.CALL_SECONDS / max(seconds, 1e-9))))


def groups(
    models: Sequence[Model], backends: Sequence[Any], planned: Sequence[Options], threads: int
) -> list[list[int]]:
    """Lists of the indices of networks that are trained together, or of a single one."""
    of_kind: dict[Any, list[list[int]]] = {}  # lists of similar networks
    for i, (model, backend, options) in enumerate(zip(models, backends, planned, strict=True)):
        theta = model.theta
        kind = id(backend), theta.sizes, theta.bias, model.activations, model.cost_function, model.l1, model.l2
        samples = id(options.X), id(options.Y), id(options.sample_weight)
        lists = of_kind.setdefault((*kind, theta.flat.dtype, *samples), [])
        for alike in lists:
            settings = planned[alike[0]].settings
            if settings is options.settings or settings == options.settings:
                alike.append(i)
                break
        else:
            lists.append([i])
    found = []
    for alike in (alike for lists in of_kind.values() for alike in lists):
        together, calls = _together(models[alike[0]], backends[alike[0]], planned[alike[0]])
        # Several networks may share a stream that the user gave; they have to draw from it one after the other.
        fit = [i for i in alike if together and not is_stream(planned[i].seed)]
        step = max(1, together * min(calls, -(-len(fit) // max(1, together * threads))))
        parts = [fit[start : start + step] for start in range(0, len(fit), step)]
        found += [part for part in parts if 2 * len(part) > together]  # in fewer, most lanes would be idle
        grouped = {i for part in found for i in part}
        found += [[i] for i in alike if i not in grouped]
    return sorted(found)


def train(
    users: Sequence[Trained],
    models: Sequence[Model],
    backend: Any,
    planned: Sequence[Options],
    release: Callable[[], None],
) -> list[int]:
    """Train similar networks; returns the indices of those that were left unchanged and have to be trained alone.

    These are the networks whose weights did not stay finite, or whose costs `divergence` must examine, as in `short`.
    """
    options = planned[0]
    settings, X, Y, size = options.settings, options.X, options.Y, options.batch_size
    returns_cost, every = size == len(X), settings.record_every
    orders: list[Any] | None = None
    if settings.shuffle and not returns_cost:
        draws = (one.draws(models[0].dtype, shuffled=True) for one in planned)
        orders = [one.epochs(settings.epochs) for one in draws]
    with overflow_ignored(backend):
        thetas, costs, recorded = backend.MANY.run_updates(
            *(models, X, Y, settings.optimizer),
            **settings.arguments,
            **{"batch_size": size, "orders": orders, "epochs": settings.epochs},
            record_every=0 if returns_cost else every,
        )
    finite, left = np.isfinite(thetas).all(axis=1).tolist(), list[int]()
    harmless = divergence.are_harmless(costs, size, settings.reduction)
    for i, (user, model, one) in enumerate(zip(users, models, planned, strict=True)):
        if not (finite[i] and harmless[i]):
            left.append(i)
            one.stream = None  # it starts its draws again
            continue
        history, flat = History(), model.theta.flat
        if every > 0:
            history.record_costs(0, costs[i] if returns_cost else np.repeat(recorded[i], every), every)
        history.epochs_done = settings.epochs
        # Between these there is no call, during which a second Ctrl-C could be raised.
        flat[:] = thetas[i]
        user.history, user.training_state = history, None
    try:
        release()
    except StopTraining as reason:
        for i, user in enumerate(users):
            if i not in left and user.history is not None:
                user.history.stop("StopTraining", reason)
    return left
