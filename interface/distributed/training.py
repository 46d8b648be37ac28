"""`samenet.distributed.train`: the training of `Network.train`, with samples on the workers of a Dask cluster."""

import inspect
from typing import Any

import numpy as np

from samenet.distributed.backend import DistributedBackend, Rows
from samenet.distributed.clients import connected
from samenet.distributed.partitions import Partitions
from samenet.history import History
from samenet.training.options import Options
from samenet.training.run import train as run
from samenet.training.trainable import Trainable
from samenet.validation import checks


def train(
    net: Trainable, X: Any, Y: Any, *, epochs: int, client: Any = None, keep: bool | None = None, **options: Any
) -> History:
    """Train a network in place, as `net.train(X, Y, epochs=epochs, **options)` does, on samples in partitions.

    X, Y     Dask arrays (m, n_in) and (m, n_out), of which each block of rows is a partition; or lists of partitions:
             arrays, delayed values or futures; or X from `read`, and Y None
    client   a `dask.distributed.Client`, or the address of a scheduler; None for the current client
    keep     whether partitions stay in the workers' memory between sums; None for as long as they fit into 40 % of it.
             Otherwise each is loaded, or computed, again for every sum, and no more than one for each thread of a
             worker is in memory
    options  those of `Network.train`, but for dropout in batches (see below), monitors and sampling

    theta, the rule's state and the order of samples are here; each update is a call of the scheduler, so batches should
    be large. A batch of several partitions takes its rows in ascending order: its masks of dropout are those of other
    samples than on one machine, unless it is the full batch.
    A worker that is lost costs the time to do its tasks again; results are the same bits.
    Returns the `History`, also available as `net.history`.
    Raises ValueError or TypeError, naming the argument, or the partition, for what `Network.train` does not take.
    """
    given = _given(net, epochs, options)
    model = net.model.with_cost(given["cost"])
    checks.choice("reduction", given["reduction"], ("mean", "sum"))
    if keep is not None:
        checks.flag("keep", keep)
    for name, nothing in (("monitors", ()), ("sampling", None)):
        if given[name] != nothing:
            raise ValueError(f"{name}: expected none in distributed training, got {checks.short(given[name])}")
    if model.theta.normalized:
        raise ValueError("net: expected a network without batch normalization, whose statistics are of whole batches")
    with connected(client) as client:
        partitions = Partitions(client, X, Y, model, keep)
        m = int(partitions.starts[-1])
        targets = np.broadcast_to(np.asarray(partitions.largest, model.dtype), (m, model.sizes[-1]))
        backend = DistributedBackend(client, partitions, net.backend)
        run(net, model, backend, Options.checked(model, Rows.all(m), targets, given))
    assert net.history is not None
    return net.history


def _given(net: Trainable, epochs: Any, options: dict[str, Any]) -> dict[str, Any]:
    """All arguments of `Network.train` by their names."""
    signature = inspect.signature(type(net).train)
    try:
        bound = signature.bind(net, None, None, epochs=epochs, **options)
    except TypeError as error:
        raise TypeError(f"options: expected those of Network.train: {error}") from None
    bound.apply_defaults()
    return dict(bound.arguments)
