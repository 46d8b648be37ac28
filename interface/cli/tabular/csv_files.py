"""CSV tables of any length, read in parts, so with little memory, from a file or from standard input."""

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from samenet.cli.tabular.errors import TableError, short
from samenet.cli.tabular.part import Part, is_missing, numbers_or_nan
from samenet.cli.tabular.source import Source
from samenet.output.formats import counted

CELLS = 1 << 16  # cells in a part
_DELIMITERS = ",;\t|"
Row = tuple[int, list[str]]


class CsvSource(Source):
    """A CSV table, which can be read once.

    If has_header is not given, it is detected: a header has a cell that is not a number above one that is, or no number
    at all. Without a header, columns are named by their numbers from 1.
    """

    def __init__(self, path: str, delimiter: str | None = None, header: bool | None = None) -> None:
        self.name = "standard input" if path == "-" else Path(path).name
        self._file, self._is_own = _opened(path), path != "-"
        try:
            self._begin(delimiter, header)
        except BaseException:
            self.close()
            raise

    def _begin(self, delimiter: str | None, header: bool | None) -> None:
        self._rows = self._read(delimiter)
        first = next(self._rows, None)
        if first is None:
            raise TableError(f"{self.name}: expected a table, got an empty file")
        second = next(self._rows, None)
        self.has_header = _is_header(first[1], second[1] if second else None) if header is None else header
        kept = [second] if self.has_header else [first, second]
        self._rows = chain((row for row in kept if row is not None), self._rows)
        numbers = [str(n) for n in range(1, len(first[1]) + 1)]
        self.names = [name or n for name, n in zip(first[1], numbers, strict=True)] if self.has_header else numbers
        twice = next((name for name, n in Counter(self.names).items() if n > 1), None)
        if twice is not None:
            raise TableError(f"{self.name}: expected distinct column names, got {short(twice)} twice")

    def parts(self) -> Iterator[Part]:
        """The rows, in parts."""
        size = max(1, CELLS // len(self.names))
        while rows := list(islice(self._rows, size)):
            cells = zip(*(row for _, row in rows), strict=True)
            yield Part(self.name, "line", dict(zip(self.names, cells, strict=True)), [line for line, _ in rows])

    def close(self) -> None:
        """Close the file."""
        if self._is_own:
            self._file.close()

    def _read(self, delimiter: str | None) -> Iterator[Row]:
        """Rows with their line numbers, all of the same width, cells stripped of spaces; empty lines are skipped."""
        try:
            start, before = self._file.readline(), 0
            while not start.strip():
                if not start:
                    return
                start, before = self._file.readline(), before + 1
            lines = chain([start], self._file)
            reader = csv.reader(lines, delimiter=delimiter or _delimiter(start), strict=True, skipinitialspace=True)
            width = None
            for row in reader:
                if not row or (len(row) == 1 and not row[0].strip() and width != 1):
                    continue
                width = width or len(row)
                if len(row) != width:
                    where = f"{self.name}, line {before + reader.line_num}"
                    raise TableError(f"{where}: expected {counted(width, 'cell')} as in the first row, got {len(row)}")
                yield before + reader.line_num, [cell.strip() for cell in row]
        except csv.Error as error:
            raise TableError(
                f"{self.name}, line {before + reader.line_num}: expected CSV, got an invalid row ({error})"
            ) from None
        except UnicodeDecodeError as error:
            raise TableError(
                f"{self.name}: expected text in UTF-8, got the byte {error.object[error.start]:#04x}"
            ) from None


def _opened(path: str) -> TextIO:
    if path != "-":
        return open(path, encoding="utf-8-sig", newline="")
    binary = getattr(sys.stdin, "buffer", None)
    return sys.stdin if binary is None else io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")


def _delimiter(line: str) -> str:
    """The delimiter that occurs most often outside quotes in a line; a comma if none does."""
    outside = "".join(line.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


def _is_header(first: list[str], second: list[str] | None) -> bool:
    """Whether a first row has names: it has no number, or a text above a number."""
    are_numbers = (numbers_or_nan(first) == numbers_or_nan(first)).tolist()
    if not any(are_numbers):
        return True
    below = (numbers_or_nan(second) == numbers_or_nan(second)).tolist() if second else []
    return any(not a and b and not is_missing(cell) for a, b, cell in zip(are_numbers, below, first, strict=False))
