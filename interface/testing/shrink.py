"""The smallest network that shows a mistake, searched for by Hypothesis: few nodes, few samples, simple numbers."""

import contextlib
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.model.functions import MADE_FOR
from samenet.testing.forms import Broken
from samenet.testing.inputs import Case
from samenet.testing.parts import Part

_SECONDS = 4.0  # after this time, the network found is small enough
_EXAMPLES = 60
Kind = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Small(Case):
    """A case with given numbers: multiples of 1/4."""

    given: tuple[list[NDArray[Any]], list[NDArray[Any]], NDArray[Any], NDArray[Any]] | None = None

    @property
    def arrays(self) -> tuple[list[NDArray[Any]], list[NDArray[Any]], NDArray[Any], NDArray[Any]]:
        """Weights, biases, samples and targets."""
        assert self.given is not None
        return self.given


def is_installed() -> bool:
    """Whether Hypothesis can be imported."""
    try:
        import hypothesis  # noqa: F401
    except ImportError:
        return False
    return True


def smallest(part: Part, cls: Any, trusted: Any, kind: Kind | None = None) -> Small | None:
    """A small network on which a part fails; None without Hypothesis, and if none is found.

    kind: the kind of failure, see `kind_of_failure`; any kind if None.
    """
    if not is_installed():
        return None
    from hypothesis import HealthCheck, Phase, find, settings

    ends, failed = time.monotonic() + _SECONDS, list[Small]()

    def fails(case: Small) -> bool:
        if time.monotonic() > ends:
            raise _Enough
        found = kind_of_failure(part, cls, trusted, case)
        if found is None or kind not in (None, found):
            return False
        failed.append(case)
        return True

    options = settings(
        max_examples=_EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    with contextlib.suppress(
        Exception, _Enough
    ):  # such as no example, or one that does not fail when it is tried again
        find(_networks(part), fails, settings=options)
    return min(failed, key=_size, default=None)


class _Enough(KeyboardInterrupt):
    """The time is over; Hypothesis does not catch this exception."""


def _size(case: Small) -> tuple[int, float]:
    """The size of a case: the number of its numbers, then their magnitude; among equals, the last is the simplest."""
    weights, biases, X, Y = case.arrays
    arrays = (*weights, *biases, X, Y)
    return sum(array.size for array in arrays), float(sum(np.abs(array).sum() for array in arrays))


def kind_of_failure(part: Part, cls: Any, trusted: Any, case: Case) -> Kind | None:
    """The first failure on a network, in a word or two; None if there is none."""
    try:
        for answer in part.run(cls, trusted, case):
            if not answer.comparison.ok and answer.comparison.bounded:
                return "wrong", answer.name.partition("[")[0]
    except Broken as broken:
        return broken.kind, broken.function if broken.cause is None else type(broken.cause).__name__
    except Exception:
        return None  # not offered, or a network that the suite itself cannot handle
    return None


def _networks(part: Part) -> Any:
    """A Hypothesis strategy for networks like those of a part."""
    from hypothesis import strategies as st

    functions = list(dict.fromkeys(case.functions for case in part.cases))
    dtype = part.cases[0].dtype
    biases = sorted({case.bias for case in part.cases})

    @st.composite
    def networks(draw: Any) -> Small:
        like = draw(st.sampled_from(functions))
        sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
        names = like.settings(len(sizes))["activation"]
        sizes = [sizes[0], *(max(n, 2) if name == "softmax" else n for n, name in zip(sizes[1:], names, strict=True))]
        rows, bias = draw(st.integers(1, 4)), draw(st.sampled_from(biases))

        def array(*shape: int, least: int = -8, most: int = 8) -> NDArray[Any]:
            size = int(np.prod(shape))
            values = draw(st.lists(st.integers(least, most), min_size=size, max_size=size))
            made: NDArray[Any] = np.array(values, dtype).reshape(shape) / np.dtype(dtype).type(4)
            return made

        layers = list(zip(sizes[1:], sizes, strict=False))
        weights = [array(k, n) for k, n in layers]
        vectors = [array(k) for k, _ in layers] if bias else []
        targets = (0, 4) if like.cost in MADE_FOR else (-8, 8)
        given = weights, vectors, array(rows, sizes[0]), array(rows, sizes[-1], least=targets[0], most=targets[1])
        return Small(tuple(sizes), rows, bias, dtype, 0, like, given)

    return networks()
