"""Writing files under a temporary name that is then renamed, so that a file is either complete or absent."""

import argparse
import errno
import os
import stat
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

_PREFIX = ".samenet-"  # of temporary files
_LARGEST_FILE = 1 << 20  # bytes; the command line writes no larger file


def write(path: Path, fill: Callable[[Path], object], durable: bool = False) -> None:
    """Let `fill` write a temporary file beside `path`, with the same suffix, then replace `path` with it.

    If `path` is a link, the file that it points to is replaced. durable: wait for the disk, so that the file survives a
    power failure. Raises OSError, naming the path; also for a device, a pipe or a folder, which are never replaced.
    """
    path = _target(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path), suffix=path.suffix)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None  # not the temporary name
    os.close(handle)
    temporary = Path(name)
    try:
        fill(temporary)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp creates files that only their owner can read
        if durable:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        os.replace(temporary, path)
        if durable and hasattr(os, "O_DIRECTORY"):  # the folder holds the new name
            folder = os.open(path.parent, os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None and error.filename in (name, temporary, None):
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


def _target(path: Path) -> Path:
    """The file that a path leads to, which need not exist; OSError for a loop of links, and for anything but a file."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return path.resolve()
    path = path.resolve()
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(f"{str(path)!r} is not a regular file")  # a device: it would be replaced
    return path


def _prefix(path: Path) -> str:
    """The prefix of the temporary files for this path."""
    return f"{_PREFIX}{zlib.crc32(os.fsencode(path.name)):08x}-"


def remove_left(path: Path) -> None:
    """Remove temporary files for this path that a killed process has left."""
    path = _target(path)
    for left in path.parent.glob(f"{_prefix(path)}*"):
        left.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8."""
    write(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def check_writable(path: Path) -> None:
    """Check that `write` will succeed, before minutes of work whose result could not be written.

    Changes nothing. Raises OSError for a missing or read-only folder, a name that the system rejects, a full disk, a
    file without write permission, and anything that is not a file.
    """
    path = _target(path)
    if path.exists() and not (path.stat().st_mode & 0o222 and os.access(path, os.W_OK)):
        raise PermissionError(f"{str(path)!r} is read-only")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r}")
    try:
        with tempfile.TemporaryFile(dir=path.parent, prefix=_PREFIX, suffix=path.suffix) as file:
            file.write(b"\0" * _LARGEST_FILE)
            file.flush()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None  # not the temporary name


def check_writable_folder(folder: Path, names: tuple[str, ...] = ()) -> None:
    """Create a folder if it is missing, and check that files of these names can be written in it; raises OSError."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{str(folder)!r} is not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or ("file",):
        check_writable(folder / name)


def writable_or_exit(parser: argparse.ArgumentParser, folder: Path, *names: str) -> Path:
    """The folder, after `check_writable_folder`; if that raises, the parser exits with the reason."""
    try:
        check_writable_folder(folder, names)
    except OSError as error:
        parser.error(f"expected a folder that can be written to, got {str(folder)!r}: {error}")
    return folder
