"""The contents of a network file, in either format: a description, and the arrays by name.

The description is a JSON object:

==========  ====================================================================================================
"format"    "samenet network"
"version"   1: the version of this description; a file with a higher number is not read
"samenet"   the version of samenet that wrote it
"sizes"     the number of nodes in each layer, the input layer first
"dtype"     "float64" or "float32"
"settings"  the other settings of the network by name; an unknown one belongs to a newer samenet
"table"     optional: the columns and classes for `samenet.cli.tabular`, an object with a version of its own
"training"  only in a checkpoint: the entries of `samenet.training.checkpoint`
"sha256"    the checksum of all of the above, as JSON with sorted keys, followed by the numbers of the arrays in order
==========  ====================================================================================================

The arrays are W1, b1, W2, b2, ..., where W1 (n_out, n_in) and b1 (n_out,) lead to the second layer, little-endian and
row by row. A layer with batch normalization also has gamma (n_out,), and running (2, n_out), its means and variances. A
checkpoint has further arrays, whose names begin with "training."; they come after the others, in alphabetical order.
Only checkpoints save the random stream and the history; no file saves the number of threads.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet import __version__
from samenet.model import Model
from samenet.model.parameters import Parameters
from samenet.validation import checks

FORMAT, VERSION = "samenet network", 1
# The maximum number of arrays in a file: 5,000 layers with biases. Larger tables of arrays are not read.
ARRAYS, TEXT_BYTES = 10_000, 1 << 19

# The attributes of a model with an array for each layer after the first, or none, and the arrays' names in a file.
_LETTERS = {"weights": "W", "biases": "b", "gammas": "gamma", "running": "running"}
_OF_TRAINING = "training."


class Unreadable(Exception):
    """The reason why a file is not read."""


class Member(NamedTuple):
    """An array in a file: its dtype in NumPy's notation, its shape, and the offset of its numbers."""

    dtype: str
    shape: tuple[int, ...]
    start: int


def arrays_of(model: Model) -> dict[str, NDArray[Any]]:
    """The arrays of a model, as views, by their names in a file."""
    found = {}
    for attribute, letter in _LETTERS.items():
        for layer, array in enumerate(getattr(model, attribute, ()), 1):
            if array.size:
                found[f"{letter}{layer}"] = array
    return found


def little(array: NDArray[Any]) -> NDArray[Any]:
    """The array as it is stored in files: C-contiguous and little-endian."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def of_training(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays of the training state, by their names in a checkpoint."""
    return {f"{_OF_TRAINING}{name}": arrays[name] for name in sorted(arrays)}


def describe(
    model: Model,
    arrays: Mapping[str, NDArray[Any]],
    table: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> str:
    """The description of a model, or of a checkpoint of its training, with these arrays.

    Raises ValueError for a table that is too large.
    """
    said = {
        **{"format": FORMAT, "version": VERSION, "samenet": __version__},
        **{"sizes": model.sizes, "dtype": model.dtype.name, "settings": model.settings},
        **({} if table is None else {"table": table}),
    }
    if training is not None:
        said["training"] = training
    checksum = begin_checksum(said)
    for array in arrays.values():
        checksum.update(little(array).data)
    text = json.dumps(said | {"sha256": checksum.hexdigest()})
    if table is not None and len(text) > TEXT_BYTES:
        raise ValueError(f"table: expected names and classes of at most {TEXT_BYTES} bytes, got {len(text)}")
    return text


def begin_checksum(said: Mapping[str, Any]) -> Any:
    """The checksum of a description, to be updated with the numbers of the arrays."""
    text = json.dumps({key: value for key, value in said.items() if key != "sha256"}, sort_keys=True)
    return hashlib.sha256(text.encode())


def parsed(text: bytes, what: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        found = json.loads(text.decode())
    except (ValueError, RecursionError) as error:  # also for integers with more digits than Python reads
        raise Unreadable(f"{what} is not JSON ({type(error).__name__})") from None
    if not isinstance(found, dict):
        raise Unreadable(f"{what} is not an object, but a {type(found).__name__}")
    return found


def model_of(said: Mapping[str, Any], members: Mapping[str, Member], size: int, most: int) -> Model:
    """The described model, uninitialised, if its arrays match those of a file of `size` bytes; at most `most` bytes."""
    _check_version(said)
    sizes, settings, dtype = said.get("sizes"), said.get("settings"), said.get("dtype")
    if not isinstance(settings, dict) or not isinstance(sizes, list) or dtype not in ("float64", "float32"):
        raise Unreadable("its description has no sizes, no settings, or no dtype of float64 or float32")
    if unknown := settings.keys() - Model((1, 1)).settings.keys():
        names = ", ".join(map(repr, sorted(unknown)))
        raise Unreadable(f"it has settings that this version of samenet does not know: {checks.short(names)}")
    if len(sizes) > len(members) + 1:
        raise Unreadable(f"it has {len(members)} arrays for {len(sizes)} layers")
    try:
        needed = Parameters.count(checks.sizes(sizes), settings.get("bias", True) is True) * np.dtype(dtype).itemsize
        if needed > min(size, most):
            which = f"it has {size}" if needed > size else f"at most {most} are allowed (see limit)"
            raise Unreadable(f"its sizes need {checks.short(needed)} bytes, and {which}")
        model = Model(sizes, dtype=dtype, **settings)
    except (ValueError, TypeError) as error:
        raise Unreadable(f"its description is invalid, or that of a newer samenet: {error}") from None
    _check_members(arrays_of(model), members)
    return model


def training_of(
    said: Mapping[str, Any], members: Mapping[str, Member]
) -> tuple[dict[str, Any] | None, dict[str, Member]]:
    """The entries of a checkpoint for the training state, and its arrays; None and no arrays for other files."""
    training = said.get("training")
    if not isinstance(training, dict):
        return None, {}
    found = {name.removeprefix(_OF_TRAINING): members[name] for name in sorted(members) if _is_of_training(name)}
    return training, found


def of_model(said: Mapping[str, Any], members: Mapping[str, Member]) -> dict[str, Member]:
    """The arrays of a file except those of the training state."""
    is_checkpoint = isinstance(said.get("training"), dict)
    return {name: member for name, member in members.items() if not (is_checkpoint and _is_of_training(name))}


def _is_of_training(name: str) -> bool:
    return name.startswith(_OF_TRAINING)


def _check_version(said: Mapping[str, Any]) -> None:
    if said.get("format") != FORMAT:
        raise Unreadable("it is not a network of samenet's")
    version = said.get("version")
    if type(version) is not int or version < 1:
        raise Unreadable(f"its version is {checks.short(version)}, not an integer of at least 1")
    if version > VERSION:
        by = checks.short(said.get("samenet"))
        raise Unreadable(f"its format is version {checks.short(version)}, by samenet {by}; this reads up to {VERSION}")


def _check_members(expected: Mapping[str, NDArray[Any]], members: Mapping[str, Member]) -> None:
    """Check that the file has the arrays of the model, each with its dtype and shape, and no others."""
    if missing := expected.keys() - members.keys():
        raise Unreadable(f"it lacks {checks.short(min(missing))}, one of {len(expected)} arrays")
    if others := members.keys() - expected.keys():
        raise Unreadable(f"it has an array that this network does not have, {checks.short(min(others))}")
    for name, array in expected.items():
        wanted, found = (array.dtype.newbyteorder("<").str, array.shape), members[name][:2]
        if found != wanted:
            raise Unreadable(f"{name} is {found[0]} {checks.short(found[1])}, not {wanted[0]} {wanted[1]}")


def to_native(array: NDArray[Any]) -> None:
    """Convert little-endian numbers that were read into an array to this machine's byte order, in place."""
    if sys.byteorder == "big":
        array.byteswap(inplace=True)
