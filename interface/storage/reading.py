"""A model from a file, if the file is right to the last bit.

Whatever a file says, only its tables, a few MiB at most, are in memory until its arrays have been found to lie within
it, to be those of the network that it describes, finite, and of the right checksum; for that they are read once in
small parts. `save` replaces a file by another one, and so does not change one that is being read.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from samenet.model import Model
from samenet.storage import npz, safetensors
from samenet.storage.contents import Member, Unreadable, arrays_of, begin_checksum, model_of, parsed, to_native
from samenet.validation import checks, paths
from samenet.validation.finite import all_finite

_PART = 1 << 20  # bytes that are checked at a time


def read(path: str | os.PathLike[str], limit: int) -> Model:
    """The model in a file; raises ValueError, naming the path, with the reason why a file is not read."""
    return read_with_table(path, limit)[0]


def read_with_table(path: str | os.PathLike[str], limit: int) -> tuple[Model, Any]:
    """The model in a file, and what stands there for "table", unchecked, or None; raises as `read` does."""
    name = paths.path("path", path)
    most = checks.integer("limit", limit, least=1)
    if not stat.S_ISREG(os.stat(name).st_mode):  # before it is opened: opening a pipe waits for its other end
        raise OSError(f"{name!r} is not a regular file")
    try:
        with Path(name).open("rb") as file:
            return _read(file, os.fstat(file.fileno()).st_size, most)
    except Unreadable as reason:
        shown = checks.short(os.path.basename(name))
        raise ValueError(f"path: expected a network saved by samenet, got {shown}: {reason}") from None


def _read(file: BinaryIO, size: int, most: int) -> tuple[Model, Any]:
    start = file.read(9)
    if start[:4] == npz.MAGIC:
        text, members = npz.table(file, size)
    elif start[8:] == b"{":
        text, members = safetensors.table(file, size)
    else:
        raise Unreadable("it is empty" if size == 0 else "it is neither an npz nor a safetensors file")
    said = parsed(text, "its description")
    model = model_of(said, members, size, most)
    _check(file, said, members, model)
    for name, array in arrays_of(model).items():
        file.seek(members[name].start)
        if file.readinto(array.reshape(-1).view(np.uint8).data) < array.nbytes:  # type: ignore[attr-defined]
            raise Unreadable("it has become shorter")
        to_native(array)
    return model, said.get("table")


def _check(file: BinaryIO, said: Mapping[str, Any], members: Mapping[str, Member], model: Model) -> None:
    """The arrays in the file are finite, and are those that the description was written with."""
    checksum = begin_checksum(said)
    dtype = model.dtype.newbyteorder("<")
    for name, array in arrays_of(model).items():
        for part in _parts(file, members[name].start, array.nbytes):
            checksum.update(part)
            if not all_finite(np.frombuffer(part, dtype).astype(model.dtype, copy=False)):
                raise Unreadable(f"{name} has NaN or infinity in it")
    if checksum.hexdigest() != said.get("sha256"):
        raise Unreadable("it is damaged: its checksum is of other numbers or settings")


def _parts(file: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    """So many bytes of a file, in parts that hold whole numbers."""
    file.seek(start)
    while length:
        part = file.read(min(length, _PART))
        if len(part) < min(length, _PART):
            raise Unreadable("it has become shorter")
        length -= len(part)
        yield part
