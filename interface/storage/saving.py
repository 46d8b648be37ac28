"""A model into a file."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samenet.model import Model
from samenet.output import files
from samenet.storage import npz, safetensors
from samenet.storage.contents import ARRAYS, arrays_of, describe
from samenet.validation import arrays, checks, paths

_WRITERS = {".npz": npz.write, ".safetensors": safetensors.write}


def save(model: Model, path: str | os.PathLike[str], table: Mapping[str, Any] | None = None) -> None:
    """Write a model to a file, in the format that its name ends in.

    table: what goes with it into the description, see `contents`.
    """
    name = Path(paths.path("path", path))
    writer = _WRITERS.get(name.suffix.lower())
    if writer is None:
        raise ValueError(f"path: expected a name that ends in {' or '.join(_WRITERS)}, got {checks.short(str(name))}")
    numbers = arrays_of(model)
    if len(numbers) > ARRAYS:
        raise ValueError(f"network: expected at most {ARRAYS} arrays in a file, got {len(numbers)}")
    for array_name, array in numbers.items():
        arrays.finite(array_name, array)
    text = describe(model, numbers, table)
    files.write(name, lambda temporary: writer(temporary, text, numbers))
