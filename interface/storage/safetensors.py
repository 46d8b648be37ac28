"""The safetensors format: the length of a header, the header in JSON, and the numbers of all arrays.

This follows the format's short documentation, without the package `safetensors`, which can read such a file, too. The
description is the entry "samenet" of "__metadata__".
Source: https://huggingface.co/docs/safetensors, "Format".
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from samenet.storage.contents import ARRAYS, TEXT_BYTES, Member, Unreadable, little, parsed

_DTYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8"}
_HEADER_BYTES = 2 * TEXT_BYTES + 128 * ARRAYS  # the description is JSON in a string, so quotes take two bytes


def write(file: Path, text: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a description and arrays; equal contents give equal bytes."""
    names, end = {dtype: name for name, dtype in _DTYPES.items()}, 0
    header: dict[str, Any] = {"__metadata__": {"samenet": text}}
    for name, array in arrays.items():
        dtype = names[array.dtype.newbyteorder("<").str]
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": [end, end := end + array.nbytes]}
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)  # so that the numbers are aligned
    with file.open("wb") as out:
        out.write(len(head).to_bytes(8, "little") + head)
        for array in arrays.values():
            out.write(little(array).data)


def table(file: BinaryIO, size: int) -> tuple[bytes, dict[str, Member]]:
    """The description, and the positions of the arrays, which must fill the rest of the file."""
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if length > _HEADER_BYTES:
        raise Unreadable(f"its header has {length} bytes, and a network's has at most {_HEADER_BYTES}")
    if length > size - 8:
        raise Unreadable("it is truncated: its header is longer than the file")
    header = parsed(file.read(length), "its header")
    text = header.pop("__metadata__", None)
    text = text.get("samenet") if isinstance(text, dict) else None
    if not isinstance(text, str):
        raise Unreadable("it is not a network of samenet's: its metadata have no 'samenet'")
    members, spans = {}, []
    for name, entry in header.items():
        shape, (start, end) = _entry(name, entry)
        spans.append((start, end))
        members[name] = Member(_DTYPES.get(entry["dtype"], entry["dtype"]), shape, 8 + length + start)
    place = 0
    for start, end in sorted(spans):
        if start != place:
            raise Unreadable("it is damaged: its arrays overlap, or leave a gap")
        place = end
    if place != size - 8 - length:
        state = "truncated" if place > size - 8 - length else "longer than its arrays"
        raise Unreadable(f"it is {state}: its header lists {place} bytes of numbers, the file has {size - 8 - length}")
    return text.encode(errors="surrogatepass"), members


def _entry(name: str, entry: Any) -> tuple[tuple[int, ...], tuple[int, int]]:
    """The shape of an array, and the start and end of its numbers."""
    try:
        dtype, shape, (start, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        whole = all(type(n) is int and 0 <= n < 1 << 62 for n in (*shape, start, end))
        fits = whole and isinstance(dtype, str) and len(shape) <= 32
    except (TypeError, KeyError, ValueError):
        fits = False
    if not fits:
        raise Unreadable(f"it is damaged: its header has no dtype, shape and place for {name!r:.60}")
    if dtype in _DTYPES and end - start != int(_DTYPES[dtype][2]) * math.prod(shape):
        raise Unreadable(f"{name!r:.60} is {dtype} {shape}, but has {end - start} bytes")
    return shape, (start, end)
