"""The connection to a scheduler of Dask's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from samenet.validation import checks


@contextmanager
def connected(client: Any) -> Iterator[Any]:
    """The client given, one for an address, which is closed again, or the current one for None.

    Raises ValueError or TypeError, naming the argument, if it is neither; ImportError without Dask.
    """
    try:
        import distributed
    except ImportError as error:
        raise ImportError(
            f"samenet.distributed needs Dask: pip install samenet[distributed] ({error})", name="distributed"
        ) from None
    if client is None:
        try:
            client = distributed.get_client()
        except ValueError:
            raise ValueError(
                "client: expected a dask.distributed.Client, or a scheduler's address, where none is current, got None"
            ) from None
    if isinstance(client, str):
        try:
            opened = distributed.Client(client)
        except Exception as error:
            raise ValueError(f"client: expected the address of a scheduler, got {client!r} ({error})") from None
        with opened:
            yield opened
    elif isinstance(client, distributed.Client) and not client.asynchronous:
        yield client
    else:
        raise TypeError(
            "client: expected a dask.distributed.Client that is not asynchronous, or an address, "
            f"got {checks.short(client)}"
        )


def compute(client: Any, values: Any) -> Any:
    """What delayed values are, computed by the workers; the first error of a task is raised here."""
    return client.gather(client.compute(values, optimize_graph=False), direct=False)
