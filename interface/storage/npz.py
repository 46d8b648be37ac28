"""The npz format: NumPy arrays, each a member of an uncompressed zip archive.

`numpy.load(path, allow_pickle=False)` reads such a file, and `bytes(file["samenet"])` is the description. We do not
read it with `zipfile` and `numpy.load`, because they allocate as much memory as a damaged or malicious file asks for.
We read only what `numpy.savez` writes: uncompressed members, each an array with a header of version 1.0.
Sources: PKWARE, APPNOTE.TXT, .ZIP File Format Specification, sections 4.3.7, 4.3.12 and 4.3.16; NumPy, NEP 1.
"""

import math
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from samenet.storage.contents import ARRAYS, TEXT_BYTES, Member, Unreadable, little

MAGIC = b"PK\3\4"
_DESCRIPTION = "samenet"
_LARGEST = 1 << 31  # bytes of the arrays; more would need the 64-bit extensions of zip
_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
_TABLE_BYTES = (ARRAYS + 1) * (_CENTRAL.size + 64)
_HEADER_BYTES = 1 << 12
_SHAPE = rb"(?:\d{1,18}(?:, \d{1,18}){0,31},?)?"
_HEADER = re.compile(
    rb"\{'descr': '([<>|=]?\w{1,12})', 'fortran_order': False, 'shape': \((" + _SHAPE + rb")\), \} *\n"
)


def write(file: Path, text: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a description and arrays; equal contents give equal bytes."""
    if sum(array.nbytes for array in arrays.values()) > _LARGEST:
        raise ValueError(f"path: expected .safetensors for parameters of more than {_LARGEST} bytes, got .npz")
    members = {_DESCRIPTION: np.frombuffer(text.encode(), np.uint8), **arrays}
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in members.items():
            # By default, a ZipInfo has a fixed time and no compression.
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:
                np.lib.format.write_array(member, little(array), (1, 0), allow_pickle=False)


def table(file: BinaryIO, size: int) -> tuple[bytes, dict[str, Member]]:
    """The description, and the positions of the arrays, all of which lie within the file."""
    members = {}
    for name, (start, length) in _members(file, size).items():
        member = _array(file, name, start, length)
        if not name.endswith(".npy"):
            raise Unreadable(f"it has a member that is not an array, {name!r:.60}")
        members[name.removesuffix(".npy")] = member
    described = members.pop(_DESCRIPTION, None)
    if described is None:
        raise Unreadable("it is not a network of samenet's: it has no member 'samenet'")
    if described.dtype != "|u1" or len(described.shape) != 1 or described.shape[0] > TEXT_BYTES:
        raise Unreadable(
            f"its description is {described.dtype} {described.shape}, not text of {TEXT_BYTES} bytes at most"
        )
    return _at(file, described.start, described.shape[0]), members


def _at(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    found = file.read(length)
    if len(found) < length:
        raise Unreadable("it is truncated")
    return found


def _members(file: BinaryIO, size: int) -> dict[str, tuple[int, int]]:
    """The offset and the length of each member of the archive."""
    if size < _END.size:
        raise Unreadable("it is truncated")
    mark, disk, first_disk, here, number, length, start, comment = _END.unpack(_at(file, size - _END.size, _END.size))
    if mark != b"PK\5\6" or comment:
        raise Unreadable("it is truncated, or something follows it: its last bytes are not the end of a zip archive")
    if disk or first_disk or here != number or number > ARRAYS + 1 or length > _TABLE_BYTES:
        raise Unreadable(f"its table of members has {number} entries in {length} bytes, more than a network needs")
    if start + length + _END.size != size:
        raise Unreadable("it is damaged: its table of members is not at its end")
    entries, found, place = _at(file, start, length), dict[str, tuple[int, int]](), 0
    for _ in range(number):
        if place + _CENTRAL.size > length:
            raise Unreadable("it is damaged: its table of members is cut off")
        mark, _, _, flags, method, _, _, _, packed, unpacked, *rest, local = _CENTRAL.unpack_from(entries, place)
        if mark != b"PK\1\2":
            raise Unreadable("it is damaged: its table of members has an invalid entry")
        lengths = rest[:3]  # of the name, the extra field and the comment
        place += _CENTRAL.size
        name = entries[place : place + lengths[0]].decode("latin-1")
        place += sum(lengths)
        if flags & 1 or method or packed != unpacked:
            raise Unreadable(f"its member {name!r:.60} is compressed or encrypted, as samenet never writes it")
        begin = local + _LOCAL.size
        mark, *_, name_length, extra = _LOCAL.unpack(_at(file, local, _LOCAL.size))
        if mark != MAGIC or _at(file, begin, name_length).decode("latin-1") != name or name in found:
            raise Unreadable(f"it is damaged: {name!r:.60} is not where its table of members says, or occurs twice")
        begin += name_length + extra
        if begin + unpacked > start:
            raise Unreadable(f"it is damaged: {name!r:.60} is longer than the file")
        found[name] = begin, unpacked
    if place != length:
        raise Unreadable("it is damaged: its table of members is longer than its members")
    return found


def _array(file: BinaryIO, name: str, start: int, length: int) -> Member:
    """The array of a member, from its header; its numbers must fill the rest of the member."""
    head = _at(file, start, min(length, 10))
    if len(head) < 10 or head[:8] != b"\x93NUMPY\1\0":
        raise Unreadable(f"its member {name!r:.60} is not an array in version 1.0 of NumPy's format")
    size = int.from_bytes(head[8:], "little")
    if size > min(_HEADER_BYTES, length - 10):
        raise Unreadable(f"{name!r:.60} has a header of {size} bytes, more than an array of numbers has")
    header = _at(file, start + 10, size)
    found = _HEADER.fullmatch(header)
    if found is None:
        raise Unreadable(f"{name!r:.60} is not an array of numbers in C order; its header is {header!r:.60}")
    shape = tuple(int(n) for n in re.findall(rb"\d+", found[2]))
    descr = found[1].decode()
    itemsize = int(digits[0]) if (digits := re.findall(r"\d+$", descr)) else 0
    if math.prod(shape) * itemsize != length - 10 - size:
        raise Unreadable(f"{name!r:.60} is {descr} {shape}, but has {length - 10 - size} bytes")
    return Member(descr, shape, start + 10 + size)
