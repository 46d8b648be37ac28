"""Samples in partitions, each on the worker that Dask chooses."""

import os
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.distributed import work
from samenet.distributed.clients import compute
from samenet.model import Model
from samenet.validation import checks, paths

_KEPT = 0.4  # of the workers' memory: what partitions may take there


class Files(NamedTuple):
    """npz files with arrays X and Y, a partition each."""

    paths: tuple[str, ...]


def read(files: Iterable[str | os.PathLike[str]]) -> Files:
    """Partitions from npz files, which the workers read: `train(net, read(files), None, ...)`.

    files: paths, which every worker can open, of files with the arrays X (m, n_in) and Y (m, n_out), as
    `numpy.savez(path, X=X, Y=Y)` writes them. A file is read again for every sum if all do not fit into memory.
    Raises ValueError or TypeError for anything but paths, and for none; what is wrong with a file, `train` says.
    """
    given = checks.listed("files", files, "a list of paths")
    if not given:
        raise ValueError("files: expected at least one path, got none")
    return Files(tuple(os.path.abspath(paths.path(f"files[{i}]", path)) for i, path in enumerate(given)))


class Partitions:
    """The partitions of a training, checked.

    parts   delayed values of `work.Part`; on the workers, if they are kept there
    starts  (partitions + 1,) the number of each partition's first row, and of rows in all
    largest max |Y|
    """

    def __init__(self, client: Any, X: Any, Y: Any, model: Model, keep: bool | None) -> None:
        """Raises ValueError or TypeError, naming the argument, or the partition, that is wrong."""
        import dask

        skeleton = dask.delayed(model, traverse=False)
        if isinstance(X, Files):
            if Y is not None:
                raise ValueError(f"Y: expected None where X is files, which have their targets, got {checks.short(Y)}")
            part = dask.delayed(work.part_of_file, pure=False)
            self.parts = [part(i, path, skeleton) for i, path in enumerate(X.paths)]
        else:
            part = dask.delayed(work.part, pure=False)
            self.parts = [part(i, x, y, skeleton) for i, (x, y) in enumerate(_pairs(X, Y))]
        facts = dask.delayed(work.facts, pure=False)
        found: list[work.Facts] = compute(client, [facts(samples) for samples in self.parts])
        if keep if keep is not None else sum(one.bytes for one in found) < _KEPT * _memory(client):
            self.parts = list(client.persist(self.parts))
        self.starts: NDArray[np.int64] = np.array(list(accumulate((one.rows for one in found), initial=0)))
        self.largest = max(one.largest for one in found)

    def rows_of(self, batch: NDArray[np.int64]) -> Iterator[tuple[Any, int, NDArray[np.int64] | None]]:
        """The partitions that rows in ascending order lie in: (part, the first's place in the batch, rows of the part).

        The last is None for all rows of a part.
        """
        ends = np.searchsorted(batch, self.starts)
        for i, part in enumerate(self.parts):
            first, end = int(ends[i]), int(ends[i + 1])
            if first < end:
                whole = end - first == self.starts[i + 1] - self.starts[i]
                yield part, first, None if whole else batch[first:end] - self.starts[i]


def _pairs(X: Any, Y: Any) -> list[tuple[Any, Any]]:
    """The samples and the targets of each partition."""
    if hasattr(X, "to_delayed") != hasattr(Y, "to_delayed"):
        raise TypeError("Y: expected a Dask array where X is one, and a list of partitions where X is one")
    if not hasattr(X, "to_delayed"):
        both = checks.listed("X", X, "a Dask array, or a list of partitions"), checks.listed("Y", Y, "partitions")
        if not both[0] or len(both[0]) != len(both[1]):
            raise ValueError(
                f"Y: expected as many partitions as X has, at least 1, got {len(both[1])} for {len(both[0])}"
            )
        return list(zip(*both, strict=True))
    for name, array in (("X", X), ("Y", Y)):
        if not hasattr(array, "chunks") or array.ndim != 2:
            raise ValueError(f"{name}: expected a Dask array with two axes, got {checks.short(array)}")
    X, Y = X.rechunk({1: -1}), Y.rechunk({1: -1})
    if X.chunks[0] != Y.chunks[0] and not any(np.isnan([*X.chunks[0], *Y.chunks[0]])):
        if X.shape[0] != Y.shape[0]:
            raise ValueError(f"Y: expected as many rows as X, {X.shape[0]}, got {Y.shape[0]}")
        Y = Y.rechunk({0: X.chunks[0]})
    if X.numblocks[0] != Y.numblocks[0]:
        raise ValueError(f"Y: expected {X.numblocks[0]} blocks of rows, as X has, got {Y.numblocks[0]}")
    return list(zip(X.to_delayed().ravel(), Y.to_delayed().ravel(), strict=True))


def _memory(client: Any) -> float:
    """The bytes that all workers may use."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return float(sum(worker.get("memory_limit") or 0 for worker in workers))
