"""Tables from files (CSV, parquet, npz), and data sets by name."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from samenet.cli.tabular.csv_files import CELLS, CsvSource
from samenet.cli.tabular.errors import TableError, short
from samenet.cli.tabular.part import Part
from samenet.cli.tabular.source import Source
from samenet.data.library import scikit_learn

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
DATA_SETS = ("breast-cancer", "diabetes", "digits", "iris", "wine")
TARGET = "target"  # the target's name in a data set


def is_csv(path: str) -> bool:
    """Whether a table is CSV, so that the CSV options apply."""
    return path == "-" or path.lower().endswith(CSV_SUFFIXES)


def open_table(path: str, delimiter: str | None = None, header: bool | None = None) -> Source:
    """A table, given by its path, "-" for CSV from standard input, or the name of a data set.

    delimiter, header: for CSV, detected if not given. Raises TableError, OSError, and ImportError if a package is
    missing. Nothing in a file is executed.
    """
    if is_csv(path):
        if path.lower().endswith(".tsv"):
            delimiter = delimiter or "\t"
        return CsvSource(path, delimiter, header)
    if path.lower().endswith((".parquet", ".pq")):
        return _parquet(path)
    if path.lower().endswith(".npz"):
        return _npz(path)
    if path in DATA_SETS:
        return _data_set(path)
    known = (
        f"a file that ends in {', '.join(CSV_SUFFIXES)}, .parquet or .npz, - for CSV from standard input, or a data set"
    )
    raise TableError(f"expected {known} ({', '.join(DATA_SETS)}), got {short(path)}")


class ArraySource(Source):
    """A table in memory: an array for each column, numbers or texts."""

    def __init__(self, name: str, columns: Mapping[str, Any]) -> None:
        self.name, self.names, self.has_header, self._columns = name, list(columns), True, columns
        if not columns:
            raise TableError(f"{name}: expected a table, got no columns")

    def parts(self) -> Iterator[Part]:
        """The rows, in parts."""
        rows, size = len(self._columns[self.names[0]]), max(1, CELLS // len(self.names))
        for start in range(0, rows, size):
            columns = {name: column[start : start + size] for name, column in self._columns.items()}
            yield Part(self.name, "row", columns, range(start + 1, min(rows, start + size) + 1))


class Unusable(Sequence[str]):
    """A column of neither numbers nor texts, which raises an error only when it is used."""

    def __init__(self, reason: str, rows: int) -> None:
        self.reason, self.rows = reason, rows

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, place: Any) -> Any:
        return self if isinstance(place, slice) else self._refuse()

    def __iter__(self) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise TableError(self.reason)


def _plain(where: str, values: np.ndarray[Any, Any]) -> Any:
    """A column of an array: float64, or a list of texts."""
    if values.dtype.kind in "iuf":
        return values.astype(np.float64)
    if values.dtype.kind in "bU":
        return [str(value).strip() for value in values.tolist()]
    return Unusable(f"{where}: expected numbers or texts, got {values.dtype}", len(values))


def _npz(path: str) -> Source:
    """Arrays with the same number of rows: (m,) is a column with its name, (m, n) are columns NAME1, NAME2, ..."""
    name = Path(path).name
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: _array(file, key) for key in file.files} if isinstance(file, np.lib.npyio.NpzFile) else {}
    except OSError:
        raise
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, NotImplementedError, SyntaxError) as error:
        raise TableError(
            f"{name}: expected arrays that numpy.savez wrote, got a file that cannot be read ({error})"
        ) from None
    if "samenet" in arrays:
        raise TableError(f"{name}: expected a table, got a network")
    tables = {key: array for key, array in arrays.items() if array is not None and array.ndim in (1, 2)}
    rows = {len(array) for array in tables.values()} or {1}
    if len(rows) > 1:
        shapes = ", ".join(f"{key} {array.shape}" for key, array in tables.items())
        raise TableError(f"{name}: expected arrays with the same number of rows, got {shapes}")
    columns: dict[str, Any] = {}
    for key, array in arrays.items():
        where = f"{name}, array {short(key)}"
        if key not in tables:
            got = "Python objects" if array is None else array.shape
            found = {key: Unusable(f"{where}: expected shape (m,) or (m, n), got {got}", *rows)}
        else:
            several = enumerate(array.T, 1) if array.ndim == 2 else [("", array)]
            found = {f"{key}{i}": _plain(where, column) for i, column in several}
        if twice := found.keys() & columns.keys():
            raise TableError(f"{name}: expected distinct column names, got {short(min(twice))} twice")
        columns |= found
    return ArraySource(name, columns)


def _array(file: Any, key: str) -> Any:
    """An array in a file; None for an object array, which is not read because that could execute code."""
    try:
        return file[key]
    except ValueError as error:
        if "allow_pickle" in str(error):
            return None
        raise


def _parquet(path: str) -> Source:
    try:
        from pyarrow import ArrowException, parquet, types
    except ImportError as error:
        raise ImportError('parquet needs pyarrow; install it with: pip install "samenet[parquet]"') from error
    name = Path(path).name
    if not Path(path).is_file():
        Path(path).open("rb").close()  # raises the system's own error
    try:
        table = parquet.read_table(path)
    except (ArrowException, OSError) as error:
        raise TableError(f"{name}: expected a table in parquet, got a file that cannot be read ({error})") from None
    columns: dict[str, Any] = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        if field.name in columns:
            raise TableError(f"{name}: expected distinct column names, got {short(field.name)} twice")
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        if not _is_plain(kind, types):
            reason = f"{name}, column {short(field.name)}: expected numbers or texts, got {kind}"
            columns[field.name] = Unusable(reason, len(column))
            continue
        values = column.to_pylist()
        if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
            columns[field.name] = np.array([np.nan if value is None else float(value) for value in values])
        else:
            columns[field.name] = ["" if value is None else str(value).strip() for value in values]
    return ArraySource(name, columns)


def _is_plain(kind: Any, types: Any) -> bool:
    """Whether values of an Arrow type are numbers or can be written as text."""
    of_bytes = types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    return not (of_bytes or types.is_nested(kind))


def _data_set(name: str) -> Source:
    found = getattr(scikit_learn().datasets, f"load_{name.replace('-', '_')}")()
    columns: dict[str, Any] = {str(key): column for key, column in zip(found.feature_names, found.data.T, strict=True)}
    names: Any = getattr(found, "target_names", None)
    is_named = names is not None and names.dtype.kind == "U"
    target = [str(names[k]) for k in found.target] if is_named else np.asarray(found.target, np.float64)
    return ArraySource(name, columns | {TARGET: target})
