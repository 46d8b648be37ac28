"""One answer of a backend with the expected one: the unit of every comparison of the suite."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from samenet.testing.tolerance import Comparison, compare


@dataclass(eq=False)
class Answer:
    """A backend's answer, by name; it unpacks as (name, comparison).

    got, expected  numbers or arrays, copied, because an array that a backend returns may change later
    allowed        the allowed difference, of the same shape or one number
    dtype          the required dtype of `got`, if any
    detail         distinguishes this answer from others with the same name
    """

    name: str
    got: Any
    expected: Any
    allowed: Any
    dtype: DTypeLike | None = None
    detail: str = ""
    comparison: Comparison = field(init=False)

    def __post_init__(self) -> None:
        self.comparison = compare(self.got, self.expected, self.allowed, self.dtype)
        self.got, self.expected = np.array(self.got), np.array(self.expected)

    def __iter__(self) -> Iterator[Any]:
        yield self.name
        yield self.comparison


Compared = Iterator[Answer]
