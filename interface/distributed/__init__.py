"""Training on several machines with Dask: gradients summed over partitions of the samples, and parallel searches.

    from dask.distributed import Client, LocalCluster
    from samenet import distributed

    client = Client(LocalCluster(n_workers=4))       # or Client("tcp://scheduler:8786")
    distributed.train(net, X, Y, client=client, epochs=100, alpha=0.1, optimizer="adam")
    trials = distributed.search([64, 30, 10], X, Y, {"alpha": [0.1, 0.3]}, validation=(X2, Y2), client=client, ...)

X and Y are Dask arrays, or lists of partitions: arrays, delayed values, futures, or files read by `distributed.read`.

The cost of a batch is a sum over its samples. The network's own backend computes each partition's part of the cost, and
of its gradient, on the worker that holds the partition. The parts are added in a tree whose shape depends only on the
number of partitions. So the same partitions give the same bits on any number of workers, and differ from training on
one machine only by the rounding of that sum. Everything else, such as orders, schedules, histories and stop rules, is
as in `Network.train`.

It needs the extra `distributed`: `pip install samenet[distributed]`.
"""

from samenet.distributed.partitions import read
from samenet.distributed.search import Trial, search
from samenet.distributed.training import train

__all__ = ["Trial", "read", "search", "train"]
