"""Networks that are trained together: what the next call may rely on, and the histories of the last.

A network that has joined says so when something changes on which the next call would rely: it was trained by itself,
has another model, or has new views of its parameters. Its history is made when it is first asked for.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, count, repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.training.history import History

MOST = 1 << 19  # bytes of the records of all networks, which each of them keeps


class Results(NamedTuple):
    """The costs before the recorded epochs, (networks, records): epochs that are multiples of `every`, or none if that
    is 0.
    """

    epochs: int
    costs: NDArray[np.float64]
    every: int
    made: dict[int, History]  # by the network's place

    def of(self, place: int) -> History:
        """The history of a network: the same object for each call."""
        if place not in self.made:
            (history,) = History.of_several(self.epochs, self.costs[place : place + 1], self.every)
            return self.made.setdefault(place, history)
        return self.made[place]


class Joint:
    """The networks of one call, as each of them knows it: of the others, it keeps nothing but records."""

    results: Results | None = None  # None until the networks have joined

    def __init__(self) -> None:
        self.is_whole = True  # whether nothing has changed that networks tell of, besides the following
        self.has_new_views = True  # of their parameters, since these were found

    def of(self, place: int) -> History:
        """The history of the network in this place."""
        assert self.results is not None
        return self.results.of(place)

    def ended(self, users: Sequence[Any], results: Results) -> Iterator[None]:
        """Changes that give the results to all networks, and let them join if they have not.

        No signal is delivered during any of them, as none runs Python code. What does is done here, and has no effect
        by itself.
        """
        changes: Iterator[None] = map(setattr, [self], ["results"], [results])
        if self.results is not None:
            return changes
        for user in users:
            user.model.theta.join(self)
        return chain(
            changes,
            map(setattr, users, repeat("place"), count()),
            map(setattr, users, repeat("joint"), repeat(self)),
            map(setattr, users, repeat("training_state"), repeat(None)),
        )


class Together:
    """What the next call with the same networks may use again.

    joint    what the networks know
    where    their parameters, as the backend finds them
    updates  the updates of all of them, prepared, see `samenet.training.alike`
    drawn    random draws that take little memory, see `samenet.training.alike`
    """

    def __init__(self) -> None:
        self.joint = Joint()
        self.where: Any = None
        self.updates: Any = None
        self.drawn: dict[str, Any] = {}

    def is_ready(self, networks: Sequence[Any], group: Sequence[int]) -> bool:
        """Whether these of the networks, which have joined, are unchanged, and may be written to."""
        joint = self.joint
        if joint.results is None or not joint.is_whole:
            return False
        if joint.has_new_views:
            joint.has_new_views = False
            self.where = networks[0].backend.MANY.Where([networks[i].model for i in group])
        return bool(self.where.are_writable())
