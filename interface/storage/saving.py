"""Saving a model, or a checkpoint of its training, in a file."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from samenet.model import Model
from samenet.output import files
from samenet.storage import npz, safetensors
from samenet.storage.contents import ARRAYS, arrays_of, describe, of_training
from samenet.validation import arrays, checks, paths

_WRITERS = {".npz": npz.write, ".safetensors": safetensors.write}


def writer_of(name: str, path: str | os.PathLike[str]) -> Path:
    """The path of a file to be written, whose suffix determines the format; `name` is that of the argument."""
    found = Path(paths.path(name, path))
    if found.suffix.lower() not in _WRITERS:
        ends = " or ".join(_WRITERS)
        raise ValueError(f"{name}: expected a name that ends in {ends}, got {checks.short(str(found))}")
    return found


def save(
    model: Model,
    path: str | os.PathLike[str],
    table: Mapping[str, Any] | None = None,
    *,
    training: Mapping[str, Any] | None = None,
    others: Mapping[str, NDArray[Any]] | None = None,
) -> None:
    """Write a model to a file, in the format that its name ends in.

    table: an optional entry of the description, see `contents`.
    training, others: for a checkpoint, its entries for the training state, and their arrays.
    """
    name = writer_of("path", path)
    numbers = arrays_of(model)
    for array_name, array in numbers.items():
        arrays.finite(array_name, array)
    numbers |= of_training(others or {})
    if len(numbers) > ARRAYS:
        raise ValueError(f"network: expected at most {ARRAYS} arrays in a file, got {len(numbers)}")
    text = describe(model, numbers, table, training)
    writer = _WRITERS[name.suffix.lower()]
    try:
        files.write(name, lambda temporary: writer(temporary, text, numbers), durable=True)
    except FileNotFoundError:  # another call that began with this checkpoint removed the temporary file as a leftover
        files.write(name, lambda temporary: writer(temporary, text, numbers), durable=True)
