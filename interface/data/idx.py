"""IDX, the file format of MNIST: a header of sizes, then the numbers, row by row and big-endian."""

import gzip
import math
import os
import struct
import zlib
from io import BufferedIOBase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.validation import checks, paths

PICKLE = "a pickle, which is not read: unpickling runs whatever code it holds"
_GZIP = b"\x1f\x8b"
_DEFLATE_LIMIT = 1032  # the most bytes that a byte of gzip data unpacks to: 258 bytes take at least two bits
_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """The array in one IDX file, plain or compressed by gzip, in this machine's byte order.

    The file: two zero bytes, the code of the dtype (uint8, int8, int16, int32, float32 or float64), the number of
    dimensions; each size as an unsigned 32-bit integer; the numbers; all of it big-endian, and nothing after it.

    Raises ValueError, naming the file, if it is anything else: a different header, more or fewer bytes than its sizes
    say, or damage by gzip's own checksum. Sizes that the file cannot hold are rejected before memory is allocated.
    Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits, "File formats".
    """
    name = paths.path("path", path)
    with open(name, "rb") as raw:
        packed = raw.read(2) == _GZIP
        raw.seek(0)
        length = os.fstat(raw.fileno()).st_size
        if not packed:
            return _read(raw, name, length)
        try:
            with gzip.GzipFile(fileobj=raw) as unpacked:
                return _read(unpacked, name, _DEFLATE_LIMIT * length)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(f"{name}: expected an intact gzip file, got a damaged one ({error})") from error


def _read(file: BufferedIOBase, name: str, most: int) -> NDArray[Any]:
    """The array in a stream that holds at most this many bytes."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES or not 1 <= magic[3] <= 32:
        kind = f", {PICKLE}" if magic[:1] == b"\x80" and b"\1" < magic[1:2] < b"\x10" else ""
        raise ValueError(
            f"{name}: expected an IDX file: 00 00, a dtype, a rank, ...; got {magic.hex(' ') or 'nothing'}{kind}"
        )
    dtype, rank = np.dtype(_DTYPES[magic[2]]), magic[3]
    header = file.read(4 * rank)
    if len(header) < 4 * rank:
        raise ValueError(f"{name}: expected {rank} sizes of 4 bytes, got {len(header)} bytes")
    shape = struct.unpack(f">{rank}I", header)
    declared = math.prod(shape) * dtype.itemsize
    if declared > most:  # before allocating memory for a size that may be damaged
        raise ValueError(f"{name}: expected {declared} bytes for its sizes {shape}, got a file that holds fewer")
    with checks.fits(name, shape):
        values = np.empty(shape, dtype)
    found = _fill(file, values.reshape(-1).view(np.uint8).data)
    if found < declared:
        raise ValueError(f"{name}: expected {declared} bytes for its sizes {shape}, got {found}")
    if file.read(1):  # at the end of the file, gzip verifies its checksum
        raise ValueError(f"{name}: expected {declared} bytes for its sizes {shape}, got more")
    return values.astype(dtype.newbyteorder("="), copy=False)


def _fill(file: BufferedIOBase, buffer: memoryview) -> int:
    """Read until the buffer is full or the file ends; returns the number of bytes read."""
    found = 0
    while found < len(buffer) and (more := file.readinto(buffer[found:])):
        found += more
    return found
