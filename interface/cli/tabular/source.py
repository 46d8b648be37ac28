"""The interface of all tables: a name, named columns, and rows that are read in parts."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Self

from samenet.cli.tabular.part import Part


class Source(ABC):
    """A table that is read once, from beginning to end; used in a `with` statement, which closes it.

    name        the name of the table, for messages
    names       the names of the columns
    has_header  whether the columns have names; otherwise they are named by their numbers from 1
    """

    name: str
    names: list[str]
    has_header: bool

    @abstractmethod
    def parts(self) -> Iterator[Part]:
        """The rows, in parts."""

    def close(self) -> None:  # noqa: B027 - there may be nothing
        """Close the file, if there is one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
