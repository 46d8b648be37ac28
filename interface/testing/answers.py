"""One answer of a backend beside the one that is expected: what every comparison of the suite is made of."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from samenet.testing.tolerance import Comparison, compare


@dataclass(eq=False)
class Answer:
    """What a backend gave, by the name of what was asked; it unpacks as (name, comparison).

    got, expected  numbers or arrays, copied, since what a backend returns may change later
    allowed        how far they may differ, of the same shape or one number
    dtype          that `got` must have, if it must
    detail         what else tells this answer from others of the name
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
