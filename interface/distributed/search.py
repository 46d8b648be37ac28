"""`samenet.distributed.search`: many parallel training runs, over settings and seeds."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from samenet import stopping
from samenet.backends import backend as find_backend
from samenet.backends.objective import Objective
from samenet.distributed.clients import compute, connected
from samenet.network import Network
from samenet.validation import checks

_OF_NETWORK = ("activation", "bias", "cost", "l1", "l2", "init", "dtype", "batch_normalization")
_NOT_OFFERED = frozenset(("seed", "resume", "checkpoint", "every", "verbose", "progress"))


class Trial(NamedTuple):
    """One training run: its settings and seed, its cost on the validation set, and the network; or its error.

    If it failed, the cost is infinite, the network is None, and `error` is the text of the error.
    """

    settings: dict[str, Any]
    seed: int
    cost: float
    network: Network | None
    error: str | None = None


def search(
    sizes: Sequence[int],
    X: Any,
    Y: Any,
    grid: Mapping[str, Sequence[Any]],
    *,
    validation: tuple[Any, Any],
    seeds: Iterable[int] = (0,),
    backend: str = "numba",
    client: Any = None,
    **settings: Any,
) -> list[Trial]:
    """Train a network for every combination of the grid's settings and every seed, each on one worker.

    sizes       the sizes of all networks, unless "sizes" is a name in the grid
    X, Y        samples and targets, as for `Network.train`: each worker has all of them
    grid        names of settings of `Network` or of `Network.train`, each with its values
    validation  samples and targets; trials are compared by their cost on them, without penalties. Stop rules such as
                Patience() use them, too
    seeds       seeds for initial weights, orders and masks
    backend     the backend of all networks, by name
    client      a `dask.distributed.Client`, a cluster, or the address of a scheduler; None for the current client
    settings    settings of all trials, such as epochs=100; those that report on one training run, or write it to a
                file, are not offered

    Returns the trials, lowest cost first; trials with equal costs are in the order of the grid.
    Raises ValueError or TypeError, naming the argument, before anything is trained.
    """
    for name in _NOT_OFFERED.intersection((*settings, *(grid if isinstance(grid, Mapping) else ()))):
        hint = "; use seeds" if name == "seed" else ""
        raise ValueError(f"{name}: expected none in a search, whose training runs are simultaneous{hint}")
    combined = [settings | dict(zip(grid, values, strict=True)) for values in _values(grid)]
    numbers = [checks.integer("seeds", seed, least=0) for seed in checks.listed("seeds", seeds, "a list of ints")]
    if not numbers:
        raise ValueError("seeds: expected at least one, got none")
    samples = (X, Y), validation
    for one in combined:  # before training, so that nothing is trained if anything is wrong
        network, options = _network(backend, sizes, one, numbers[0], validation)
        _check(network, samples, options)
    import dask

    with connected(client) as client:
        everywhere = dask.delayed(samples, traverse=False)
        task = dask.delayed(_trial, pure=False)
        trials = [task(backend, sizes, one, seed, everywhere) for one in combined for seed in numbers]
        found: list[Trial] = compute(client, trials)
    return sorted(found, key=lambda trial: trial.cost)


def _values(grid: Mapping[str, Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Every combination of the grid's values."""
    if not isinstance(grid, Mapping):
        raise TypeError(f"grid: expected values by the names of settings, got {checks.short(grid)}")
    values = [checks.listed(f"grid[{name!r}]", of, "a list of values") for name, of in grid.items()]
    combined = list(itertools.product(*values))
    if not combined:
        raise ValueError(f"grid: expected at least one value for each name, got {checks.short(grid)}")
    return combined


def _network(
    backend: str, sizes: Any, settings: dict[str, Any], seed: int, validation: Any
) -> tuple[Network, dict[str, Any]]:
    """The network with these settings, and the settings that are for `Network.train`."""
    others = {name: value for name, value in settings.items() if name not in (*_OF_NETWORK, "sizes")}
    if any(rule.needs_validation for rule in stopping.rules(others.get("stop"))):
        others["validation"] = validation
    own = {name: settings[name] for name in _OF_NETWORK if name in settings}
    cls: type[Network] = find_backend(backend).Network
    return cls(settings.get("sizes", sizes), seed=seed, **own), others | {"seed": seed}


def _check(network: Network, samples: Any, options: dict[str, Any]) -> None:
    """Raise ValueError or TypeError for samples or options that do not fit."""
    (X, Y), validation = samples
    for name, both in (("validation", validation), ("X, Y", (X, Y))):
        if not isinstance(both, tuple) or len(both) != 2:
            raise TypeError(f"{name}: expected a pair of samples and targets, got {checks.short(both)}")
        try:
            network.model.labelled(*both)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}: {error}" if name == "validation" else str(error)) from None
    if "epochs" not in options:
        raise TypeError("epochs: expected the number of epochs, got none")
    network.train(X, Y, **options | {"epochs": 0 * checks.integer("epochs", options["epochs"], least=0)})


def _trial(backend: str, sizes: Any, settings: dict[str, Any], seed: int, samples: Any) -> Trial:
    """One training run, on a worker."""
    (X, Y), validation = samples
    network, options = _network(backend, sizes, settings, seed, validation)
    try:
        network.train(X, Y, **options)
    except (ValueError, FloatingPointError, MemoryError) as error:
        return Trial(settings, seed, math.inf, None, str(error))
    network.history = None
    return Trial(
        settings,
        seed,
        Objective(network.model.without_penalties(), network.backend, *network.model.labelled(*validation)).cost(),
        network,
    )
