"""Samples in partitions, each on the worker that Dask chooses."""

import math
import os
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.distributed import work
from samenet.distributed.clients import compute
from samenet.distributed.given import triples
from samenet.model import Model
from samenet.training.reach import warn_unreachable
from samenet.validation import checks, paths

Array = NDArray[Any]
_KEPT = 0.4  # the share of the workers' memory that partitions may take


class Files(NamedTuple):
    """npz files, one for each partition."""

    paths: tuple[str, ...]


def read(files: Iterable[str | os.PathLike[str]]) -> Files:
    """Partitions from npz files, which the workers read: `train(net, read(files), None, ...)`.

    files: paths, which every worker can open, of files with the arrays X (m, n_in) and Y (m, n_out), as
    `numpy.savez(path, X=X, Y=Y)` writes them, and sample_weight (m,) in all of them if samples have weights. If they do
    not all fit into memory, each file is read again for every sum; see `keep` of `train`. Raises ValueError or
    TypeError for anything but paths, and for an empty list; `train` reports errors in files.
    """
    given = checks.listed("files", files, "a list of paths")
    if not given:
        raise ValueError("files: expected at least one path, got none")
    return Files(tuple(os.path.abspath(paths.path(f"files[{i}]", path)) for i, path in enumerate(given)))


class Partitions:
    """The partitions of a training run, checked; empty ones are left out.

    parts      files, or delayed values of `work.Part`; on the workers, if they are kept there
    starts     (partitions + 1,) the number of each partition's first row, and the total number of rows
    largest    max |Y|
    weights    (rows,) of all samples, or None
    checksums  of the partitions of X and of Y, if asked for
    """

    def __init__(
        self,
        client: Any,
        samples: tuple[Any, Any, Any],
        model: Model,
        backend: str,
        reduction: str,
        keep: bool | None = None,
        checksums: bool = False,
    ) -> None:
        """Raises ValueError or TypeError, naming the invalid argument or partition."""
        import dask

        self.of_training = backend, model.dtype, reduction
        shared, X = self.shared(model), samples[0]
        if isinstance(X, Files):
            for name, value in (("Y", samples[1]), ("sample_weight", samples[2])):
                if value is not None:
                    raise ValueError(
                        f"{name}: expected None where X is files, which have it, got {checks.short(value)}"
                    )
            parts: list[Any] = [work.File(i, path) for i, path in enumerate(X.paths)]
        else:
            part = dask.delayed(work.part, pure=False)
            parts = [part(i, *one, shared) for i, one in enumerate(triples(*samples))]
        facts = dask.delayed(work.facts, pure=False)
        found: list[work.Facts] = compute(client, [facts(one, shared, checksums) for one in parts], "partition")
        if all(one.rows == 0 for one in found):
            raise ValueError("X: expected at least one sample, got partitions without rows")
        parts = [part for part, one in zip(parts, found, strict=True) if one.rows]
        found = [one for one in found if one.rows]
        if keep if keep is not None else sum(one.bytes for one in found) < _KEPT * _memory(client):
            if isinstance(X, Files):
                parts = [dask.delayed(work.part_of_file, pure=False)(file, shared) for file in parts]
            parts = list(client.persist(parts))
        self.parts = parts
        self.starts: NDArray[np.int64] = np.array(list(accumulate((one.rows for one in found), initial=0)))
        self.largest = max(one.largest for one in found)
        self.weights = _weights([one.weights for one in found])
        self.checksums = [[one.sums[i] for one in found if one.sums] for i in (0, 1)] if checksums else [None, None]
        if text := next((f"partition {i}, {one.unreachable}" for i, one in enumerate(found) if one.unreachable), None):
            warn_unreachable(text)

    def shared(self, model: Model) -> Any:
        """The common arguments of all tasks, as one task on which the others depend."""
        import dask

        return dask.delayed(work.Shared(model, *self.of_training), traverse=False)

    def rows_of(self, batch: Array) -> Iterator[tuple[Any, int, NDArray[np.int64] | None]]:
        """The partitions that contain `Rows`: (part, position of its first row in the sorted batch, its rows).

        The rows are None for all rows of a part.
        """
        starts = self.starts
        if len(batch) == starts[-1]:
            yield from ((part, int(first), None) for part, first in zip(self.parts, starts, strict=False))
            return
        rows = np.sort(np.asarray(batch)[:, 0].astype(np.int64))
        ends = np.searchsorted(rows, starts)
        for i, part in enumerate(self.parts):
            first, end = int(ends[i]), int(ends[i + 1])
            if first < end:
                whole = end - first == starts[i + 1] - starts[i]
                yield part, first, None if whole else rows[first:end] - starts[i]


def _weights(found: list[Array | None]) -> Array | None:
    """The weights of all samples, or None."""
    given = [one for one in found if one is not None]
    if given and len(given) < len(found):
        which = next(i for i, one in enumerate(found) if one is None)
        raise ValueError(f"partition {which}: expected sample_weight, which other partitions have, got none")
    return np.concatenate(given) if given else None


def _memory(client: Any) -> float:
    """The bytes that all workers may use."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return float(sum(worker.get("memory_limit") or math.inf for worker in workers))
