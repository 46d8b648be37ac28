"""A network and its preparation in one file."""

import json
import os

from samenet.cli.tabular.errors import TableError
from samenet.cli.tabular.preparation import Preparation
from samenet.model import Model
from samenet.network import Network
from samenet.storage.contents import TEXT_BYTES
from samenet.storage.loading import network_of
from samenet.storage.reading import read_with_table
from samenet.storage.saving import save as save_model

LIMIT = 1 << 31  # bytes of parameters
_MOST = TEXT_BYTES - (1 << 14)  # bytes for the description of columns; the rest is for that of the network


def check(preparation: Preparation, source: str) -> None:
    """Raise TableError for a preparation that is too large for a file; called before training."""
    size = len(json.dumps(preparation.as_json()))
    if size > _MOST:
        raise TableError(
            f"{source}: expected names of columns, texts and classes that take at most {_MOST} bytes in a file, got "
            f"{size} for {len(preparation.inputs)} columns"
        )


def save(network: Network, preparation: Preparation, path: str | os.PathLike[str]) -> None:
    """Write both to a file, from which `samenet.load` can read the network alone; raises TableError or OSError."""
    try:
        save_model(network.model, path, preparation.as_json())
    except ValueError as error:  # more than the file format allows
        raise TableError(str(error).removeprefix("path: ")) from None


def read(path: str | os.PathLike[str]) -> tuple[Model, Preparation | None]:
    """The model in a file, and its preparation, or None if it was saved without one.

    Raises TableError, with the reason, for a file that is refused; OSError for one that cannot be read.
    """
    try:
        model, said = read_with_table(path, LIMIT)
    except ValueError as error:
        raise TableError(str(error).removeprefix("path: ")) from None
    if said is None:
        return model, None
    try:
        return model, Preparation.from_json(said, model)
    except TableError as error:
        shown = repr(os.path.basename(path))
        raise TableError(f"expected a network saved by samenet, got {shown}: {error}") from None


def load(path: str | os.PathLike[str], backend: str) -> tuple[Network, Preparation | None]:
    """The network on a backend, and its preparation; raises as `read` does."""
    model, preparation = read(path)
    return network_of(model, backend), preparation
