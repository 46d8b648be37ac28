"""What every table has: a name, columns with names, and rows that are read in parts."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Self

from samenet.cli.tabular.part import Part


class Source(ABC):
    """A table that is read once, from beginning to end; used in a `with` statement, which closes it.

    name        for messages
    names       of the columns
    has_header  whether columns have names of their own, not the numbers from 1
    """

    name: str
    names: list[str]
    has_header: bool

    @abstractmethod
    def parts(self) -> Iterator[Part]:
        """The rows, some at a time."""

    def close(self) -> None:  # noqa: B027 - there may be nothing
        """Release what is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
