"""What a file says of a network, in either format: a description, and its arrays by name.

The description is an object in JSON:

==========  ====================================================================================================
"format"    "samenet network"
"version"   1: of this description; a file with a higher number is not read
"samenet"   the version of samenet that wrote it
"sizes"     the number of nodes in each layer, the input layer first
"dtype"     "float64" or "float32"
"settings"  the other settings of the network by name; one that is not known here is of a newer samenet
"table"     optional: what `samenet.cli.tabular` knows of columns and classes, an object with a version of its own
"training"  of a checkpoint alone: what `samenet.training.checkpoint` has to say of the training
"sha256"    the checksum of all of the above, as JSON with sorted keys, followed by the numbers of the arrays in order
==========  ====================================================================================================

The arrays are W1, b1, W2, b2, ..., where W1 (n_out, n_in) and b1 (n_out,) lead to the second layer, little-endian and
row by row. A layer with batch normalization also has gamma (n_out,), and running (2, n_out), its means and variances.
In a checkpoint the names of others begin with "training.", and come after these, in alphabetical order. In other files
the random stream and the history are not saved; in none the number of threads.
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
# No file has more than this: 5,000 layers with biases. Tables are read only up to the size that these need.
ARRAYS, TEXT_BYTES = 10_000, 1 << 19

# What a model has for each layer after the first, or for none, and what its arrays are called in a file.
_LETTERS = {"weights": "W", "biases": "b", "gammas": "gamma", "running": "running"}
_OF_TRAINING = "training."


class Unreadable(Exception):
    """Why a file is not read."""


class Member(NamedTuple):
    """An array in a file: dtype, as NumPy writes it, shape, and where its numbers begin."""

    dtype: str
    shape: tuple[int, ...]
    start: int


def arrays_of(model: Model) -> dict[str, NDArray[Any]]:
    """The arrays that make up a model, by the names that they have in a file: views."""
    found = {}
    for attribute, letter in _LETTERS.items():
        for layer, array in enumerate(getattr(model, attribute, ()), 1):
            if array.size:
                found[f"{letter}{layer}"] = array
    return found


def little(array: NDArray[Any]) -> NDArray[Any]:
    """The array as files have it, C-contiguous and little-endian."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def of_training(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Arrays of a training, by the names that they have in a checkpoint."""
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
    """An object in JSON."""
    try:
        found = json.loads(text.decode())
    except (ValueError, RecursionError) as error:  # integers of more digits than Python reads, too
        raise Unreadable(f"{what} is no JSON ({type(error).__name__})") from None
    if not isinstance(found, dict):
        raise Unreadable(f"{what} is no object, but a {type(found).__name__}")
    return found


def model_of(said: Mapping[str, Any], members: Mapping[str, Member], size: int, most: int) -> Model:
    """A model as described, uninitialised, whose arrays are those of a file of `size` bytes; `most` bytes at most."""
    _check_version(said)
    sizes, settings, dtype = said.get("sizes"), said.get("settings"), said.get("dtype")
    if not isinstance(settings, dict) or not isinstance(sizes, list) or dtype not in ("float64", "float32"):
        raise Unreadable("its description has no sizes, no settings, or no dtype of float64 or float32")
    if unknown := settings.keys() - Model((1, 1)).settings.keys():
        names = ", ".join(map(repr, sorted(unknown)))
        raise Unreadable(f"it has settings that this samenet does not know ({checks.short(names)}): a newer one's")
    if len(sizes) > len(members) + 1:
        raise Unreadable(f"it has {len(members)} arrays for {len(sizes)} layers")
    try:
        needed = Parameters.count(checks.sizes(sizes), settings.get("bias", True) is True) * np.dtype(dtype).itemsize
        if needed > min(size, most):
            which = f"it has {size}" if needed > size else f"at most {most} are taken (see limit)"
            raise Unreadable(f"its sizes need {checks.short(needed)} bytes, and {which}")
        model = Model(sizes, dtype=dtype, **settings)
    except (ValueError, TypeError) as error:
        raise Unreadable(f"its description is wrong, or a newer samenet's: {error}") from None
    _check_members(arrays_of(model), members)
    return model


def training_of(
    said: Mapping[str, Any], members: Mapping[str, Member]
) -> tuple[dict[str, Any] | None, dict[str, Member]]:
    """What a checkpoint says of the training, and its arrays; None, and none, for another file."""
    training = said.get("training")
    if not isinstance(training, dict):
        return None, {}
    found = {name.removeprefix(_OF_TRAINING): members[name] for name in sorted(members) if _is_of_training(name)}
    return training, found


def of_model(said: Mapping[str, Any], members: Mapping[str, Member]) -> dict[str, Member]:
    """The arrays of a file but for those of a training."""
    is_checkpoint = isinstance(said.get("training"), dict)
    return {name: member for name, member in members.items() if not (is_checkpoint and _is_of_training(name))}


def _is_of_training(name: str) -> bool:
    return name.startswith(_OF_TRAINING)


def _check_version(said: Mapping[str, Any]) -> None:
    if said.get("format") != FORMAT:
        raise Unreadable("it is not a network of samenet's")
    version = said.get("version")
    if type(version) is not int or version < 1:
        raise Unreadable(f"it has no version, but {checks.short(version)}")
    if version > VERSION:
        by = checks.short(said.get("samenet"))
        raise Unreadable(f"its format is version {checks.short(version)}, by samenet {by}; this reads up to {VERSION}")


def _check_members(expected: Mapping[str, NDArray[Any]], members: Mapping[str, Member]) -> None:
    """The file has the arrays of the model, each with its dtype and shape, and no others."""
    if missing := expected.keys() - members.keys():
        raise Unreadable(f"it lacks {checks.short(min(missing))}, one of {len(expected)} arrays")
    if others := members.keys() - expected.keys():
        raise Unreadable(f"it has an array that no such network has, {checks.short(min(others))}")
    for name, array in expected.items():
        wanted, found = (array.dtype.newbyteorder("<").str, array.shape), members[name][:2]
        if found != wanted:
            raise Unreadable(f"{name} is {found[0]} {checks.short(found[1])}, not {wanted[0]} {wanted[1]}")


def to_native(array: NDArray[Any]) -> None:
    """Little-endian numbers, as they were read into an array, as numbers of this machine; in place."""
    if sys.byteorder == "big":
        array.byteswap(inplace=True)
