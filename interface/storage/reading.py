"""Reading a model from a file, if the file is correct to the last bit.

Whatever a file says, at first only its tables, at most a few MiB, are read into memory. Then its arrays are checked:
they must lie within the file, belong to the network that it describes, be finite, and match the checksum, for which
they are read once in small parts. Only then are they loaded. `save` replaces a file by a new one, so it never changes a
file that is being read.
"""

import math
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from samenet.model import Model
from samenet.storage import npz, safetensors
from samenet.storage.contents import (
    Member,
    Unreadable,
    arrays_of,
    begin_checksum,
    model_of,
    of_model,
    parsed,
    to_native,
    training_of,
)
from samenet.validation import checks, paths
from samenet.validation.finite import all_finite

T = TypeVar("T")
_PART = 1 << 20  # bytes that are checked at a time
_OTHERS = ("<f8", "<f4", "<i8")  # dtypes of the arrays of a training state


Wanted = Callable[[dict[str, Any], Model], Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]]


class Checkpoint(NamedTuple):
    """A model from a checkpoint, the file's entries for the training state, and its arrays by name."""

    model: Model
    training: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def read(path: str | os.PathLike[str], limit: int) -> Model:
    """The model in a file; raises ValueError, naming the path, with the reason why a file is not read."""
    return read_with_table(path, limit)[0]


def read_with_table(path: str | os.PathLike[str], limit: int) -> tuple[Model, Any]:
    """The model in a file, and its entry "table", unchecked, or None; raises as `read` does."""
    most = checks.integer("limit", limit, least=1)
    model, said, _ = _opened("path", path, "a network saved by samenet", lambda file, size: _read(file, size, most))
    return model, said.get("table")


def read_checkpoint(name: str, path: str | os.PathLike[str], limit: int, wanted: Wanted) -> Checkpoint:
    """The contents of a checkpoint; raises ValueError, naming the argument, with the reason why it is not read.

    wanted: returns dtype and shape of each array of the training state, or raises Unreadable or ValueError if this is
    not the training to resume.
    """

    def read_all(file: BinaryIO, size: int) -> Checkpoint:
        model, said, members = _read(file, size, limit, wanted)
        training = said.get("training")
        if not isinstance(training, dict):
            raise Unreadable("it is a network without a training run")
        found = {}
        for array_name, member in members.items():
            found[array_name] = np.empty(member.shape, member.dtype)
            _fill(file, member, found[array_name])
        return Checkpoint(model, training, found)

    return _opened(name, path, "a checkpoint of a training run", read_all)


def _opened(name: str, path: Any, expected: str, read: Callable[[BinaryIO, int], T]) -> T:
    where = paths.path(name, path)
    if not stat.S_ISREG(os.stat(where).st_mode):  # opening a pipe would wait for its other end
        raise OSError(f"{where!r} is not a regular file")
    try:
        with Path(where).open("rb") as file:
            return read(file, os.fstat(file.fileno()).st_size)
    except Unreadable as reason:
        shown = checks.short(os.path.basename(where))
        raise ValueError(f"{name}: expected {expected}, got {shown}: {reason}") from None


def _read(
    file: BinaryIO, size: int, most: int, wanted: Wanted | None = None
) -> tuple[Model, dict[str, Any], dict[str, Member]]:
    """The model, the file's description, and in a checkpoint, the positions of the arrays of the training state."""
    start = file.read(9)
    if start[:4] == npz.MAGIC:
        text, members = npz.table(file, size)
    elif start[8:] == b"{":
        text, members = safetensors.table(file, size)
    else:
        raise Unreadable("it is empty" if size == 0 else "it is neither an npz nor a safetensors file")
    said = parsed(text, "its description")
    model = model_of(said, of_model(said, members), size, most)
    training, others = training_of(said, members)
    for name, member in others.items():
        needed = math.prod(member.shape) * int(member.dtype[2:]) if member.dtype in _OTHERS else most + 1
        if needed > most:
            raise Unreadable(f"it has {name:.60}, {member.dtype} {checks.short(member.shape)}, which is not supported")
    if wanted is not None and training is not None:
        _check_training(wanted(training, model), others)
    _check(file, said, members, model, others)
    for name, array in arrays_of(model).items():
        _fill(file, members[name], array)
    return model, said, others


def _check_training(
    expected: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]], members: Mapping[str, Member]
) -> None:
    """Check that the file has the arrays of the training state, each with its dtype and shape, and no others."""
    found = {name: (member.dtype, member.shape) for name, member in members.items()}
    wanted = {name: (dtype.newbyteorder("<").str, shape) for name, (dtype, shape) in expected.items()}
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            raise Unreadable(
                f"in its training, {name:.60} is {checks.short(found.get(name))}, not {checks.short(wanted.get(name))}"
            )


def _fill(file: BinaryIO, member: Member, array: NDArray[Any]) -> None:
    """Read an array."""
    file.seek(member.start)
    if array.size and file.readinto(array.reshape(-1).view(np.uint8).data) < array.nbytes:  # type: ignore[attr-defined]
        raise Unreadable("it has become shorter")
    to_native(array)


def _check(
    file: BinaryIO,
    said: Mapping[str, Any],
    members: Mapping[str, Member],
    model: Model,
    others: Mapping[str, Member],
) -> None:
    """Check that the arrays match the description's checksum, and that the model's are finite."""
    checksum = begin_checksum(said)
    dtype = model.dtype.newbyteorder("<")
    for name, array in arrays_of(model).items():
        for part in _parts(file, members[name].start, array.nbytes):
            checksum.update(part)
            if not all_finite(np.frombuffer(part, dtype).astype(model.dtype, copy=False)):
                raise Unreadable(f"{name} has NaN or infinity in it")
    for member in others.values():
        for part in _parts(file, member.start, math.prod(member.shape) * int(member.dtype[2:])):
            checksum.update(part)
    if checksum.hexdigest() != said.get("sha256"):
        raise Unreadable("it is damaged: its checksum does not match its numbers and settings")


def _parts(file: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    """This many bytes of a file, in parts that hold whole numbers."""
    file.seek(start)
    while length:
        part = file.read(min(length, _PART))
        if len(part) < min(length, _PART):
            raise Unreadable("it has become shorter")
        length -= len(part)
        yield part
