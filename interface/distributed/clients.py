"""The connection to a Dask scheduler."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from samenet.validation import checks


@contextmanager
def connected(client: Any) -> Iterator[Any]:
    """The given client; for a cluster or an address, a new client, which is closed at the end; for None, the current
    one.

    Raises ValueError or TypeError, naming the argument, if there is no client; ImportError without Dask.
    """
    try:
        import dask.array
        import distributed
    except ImportError as error:
        raise ImportError(
            f"samenet.distributed needs Dask: pip install samenet[distributed] ({error})", name="distributed"
        ) from None
    del dask
    if client is None:
        try:
            client = distributed.get_client()
        except ValueError:
            raise ValueError(
                "client: expected a dask.distributed.Client, or a scheduler's address, where none is current, got None"
            ) from None
    if isinstance(client, str | distributed.deploy.Cluster):
        try:
            opened = distributed.Client(client, set_as_default=False)
        except Exception as error:
            raise ValueError(
                f"client: expected the address of a scheduler, got {checks.short(client)} ({error})"
            ) from None
        with opened:
            yield opened
    elif isinstance(client, distributed.Client) and not client.asynchronous:
        if client.status != "running":
            raise ValueError(f"client: expected one that is connected to a scheduler, got one that is {client.status}")
        yield client
    else:
        raise TypeError(
            "client: expected a dask.distributed.Client that is not asynchronous, a cluster, or an address, "
            f"got {checks.short(client)} ({type(client).__name__})"
        )


def compute(client: Any, values: Any, each: str = "") -> Any:
    """The results of delayed values, computed by the workers; the first error of a task is raised here.

    each: what each value of a list belongs to, if errors should give the number of the one that failed.

    Raises ConnectionError if the scheduler is gone, and RuntimeError if a task kills its workers, or if data that
    cannot be computed again is lost with a worker.
    """
    import distributed
    from distributed.client import CancelledError
    from distributed.scheduler import KilledWorker

    try:
        futures = client.compute(values, optimize_graph=False)
        if each:
            with client.as_current():
                distributed.wait(futures)
            _raise_first(futures, each)
        return client.gather(futures, direct=False)
    except KilledWorker as error:
        raise RuntimeError(
            "X: the workers that were given a task died of it, one after the other; a partition may be larger than "
            f"the memory of a worker ({error})"
        ) from error
    except CancelledError as error:
        if client.status == "running":
            raise RuntimeError(
                "X: a partition was lost with its worker, and cannot be computed again, as scattered data cannot; "
                f"give delayed values, a Dask array, or files ({error})"
            ) from error
        raise _lost(error) from error
    except Exception as error:
        if client.status == "running":
            raise
        raise _lost(error) from error


def _raise_first(futures: Any, each: str) -> None:
    """Raise the error of the first failed future among those that are done."""
    from distributed.scheduler import KilledWorker

    for i, future in enumerate(futures):
        if future.status == "error":
            error = future.exception()
            is_clear = str(error).startswith((each, "net:"))
            if is_clear or isinstance(error, KilledWorker):
                raise error
            raise ValueError(f"{each} {i}: {type(error).__name__}: {error}") from error


def _lost(error: BaseException) -> ConnectionError:
    return ConnectionError(
        f"client: the connection to the scheduler was lost ({type(error).__name__}: {error}); the network has the "
        "parameters of the last update"
    )
