"""`samenet.distributed.train`: training as by `Network.train`, with samples on the workers of a Dask cluster."""

import inspect
from typing import Any

from samenet.distributed.backend import DistributedBackend
from samenet.distributed.clients import connected
from samenet.distributed.partitions import Partitions
from samenet.distributed.rows import rows, targets
from samenet.model.functions import REDUCTIONS
from samenet.training.going_on import prepare
from samenet.training.history import History
from samenet.training.options import Options, apart
from samenet.training.run import train as run
from samenet.training.settings import by_name
from samenet.training.trainable import Trainable
from samenet.validation import checks


def train(
    net: Trainable, X: Any, Y: Any, *, epochs: int, client: Any = None, keep: bool | None = None, **options: Any
) -> History:
    """Train a network in place, as `net.train(X, Y, epochs=epochs, **options)` does, on samples in partitions.

    X, Y     Dask arrays (m, n_in) and (m, n_out), in which each block of rows is a partition, even of unknown size;
             Dask data frames; lists of partitions: arrays, delayed values or futures; or X from `read`, and Y None
    client   a `dask.distributed.Client`, a cluster, or the address of a scheduler; None for the current client
    keep     whether partitions stay in the workers' memory between sums; None: if they fit into 40 % of it. Otherwise
             each is loaded, or computed, again for every sum: of files, one per thread of a worker is in memory at a
             time; of values that Dask computes, a few
    options  those of `Network.train`. sample_weight has the same partitions as X. Not offered are monitors, sampling,
             and networks with batch normalization, which need whole batches

    theta, the rule's state and the order of samples stay in this process. Each update is a call of the scheduler, so
    batches should be large. A batch takes its rows in ascending order, so unless it is the full batch, samples have
    other dropout masks than on one machine. A validation set stays in this process and is measured here. If a worker is
    lost, its tasks are repeated, with the same bits. This requires that partitions can be computed again, which is the
    case for all except futures of scattered data.
    Returns the `History`, also available as `net.history`.
    Raises ValueError or TypeError, naming the argument, or the partition, for what `Network.train` does not take;
    ConnectionError if the scheduler is gone: then the network has the parameters of the last update.
    """
    given = _given(net, epochs, options)
    model = net.model.with_cost(given["cost"])
    reduction = checks.choice("reduction", given["reduction"], REDUCTIONS)
    if keep is not None:
        checks.flag("keep", keep)
    goes_on = given["resume"] is not False or given["checkpoint"] is not None or given["every"] is not None
    with connected(client) as client:
        samples = X, Y, given["sample_weight"]
        partitions = Partitions(client, samples, model, net.backend.__name__, reduction, keep, goes_on)
        m, (of_X, of_Y) = int(partitions.starts[-1]), partitions.checksums
        standing = rows(m, of_X), targets(m, model.sizes[-1], partitions.largest, of_Y)
        checked = Options.checked(
            model, *apart(model.theta, *standing), by_name(given | {"sample_weight": partitions.weights})
        )
        if goes_on:
            prepare(checked, net, net.model, model, net.backend, given)
        run(net, model, DistributedBackend(client, partitions, net.backend), checked)
    assert net.history is not None
    return net.history


def _given(net: Any, epochs: Any, options: dict[str, Any]) -> dict[str, Any]:
    """All arguments of `Network.train` by their names.

    Raises ValueError or TypeError for arguments that are not offered or are invalid, before the samples are examined,
    which takes long.
    """
    if not isinstance(net, Trainable):
        raise TypeError(f"net: expected a Network, got {checks.short(net)} ({type(net).__name__})")
    signature = inspect.signature(type(net).train)
    try:
        bound = signature.bind(net, None, None, epochs=epochs, **options)
    except TypeError as error:
        raise TypeError(f"options: expected those of Network.train: {error}") from None
    bound.apply_defaults()
    given = dict(bound.arguments)
    for name, nothing in (("monitors", ()), ("sampling", None)):
        if given[name] not in (nothing, []):
            raise ValueError(f"{name}: expected none in distributed training, got {checks.short(given[name])}")
    given["monitors"] = ()
    if net.model.theta.normalized:
        raise ValueError("net: expected a network without batch normalization, whose statistics are of whole batches")
    return given
