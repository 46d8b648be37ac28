"""Times that can be compared: contenders interleaved in one process, and ratios with an interval.

The speed of a shared machine changes from second to second. So every round times each contender once, in a new random
order, and a ratio is the median of the ratios within rounds: whatever slows a round down slows all of its contenders.
An untimed call comes first, so that no contender benefits from data that the previous one left in the caches.
"""

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]

clock = time.perf_counter  # or `time.process_time`, where the machine has other work to do
_SAMPLE = 0.003  # the least duration of one sample, in seconds: shorter calls are repeated to fill it
_ONCE_SLOW = 0.3  # seconds up to which a call that takes as long as a sample is timed again
_ROUNDS = (5, 51)


class Ratio(NamedTuple):
    """A typical ratio of paired times, and its 95 % interval; both ends are NaN for a single pair."""

    estimate: float
    low: float
    high: float

    @property
    def has_interval(self) -> bool:
        """Whether there were enough rounds for an interval."""
        return not math.isnan(self.low)

    def as_json(self) -> dict[str, float | None]:
        """Plain values for a file: null for missing ends."""
        low, high = (self.low, self.high) if self.has_interval else (None, None)
        return {"estimate": self.estimate, "low": low, "high": high}


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Prepared(NamedTuple):
    """A call before which something has to be done, whose time does not count."""

    prepare: Callable[[], object]
    call: Callable[[], object]

    def __call__(self) -> object:
        """Do both."""
        self.prepare()
        return self.call()


def _sample(call: Callable[[], object], number: int) -> float:
    """Seconds per call, over `number` calls."""
    repeats = range(number)
    if isinstance(call, Prepared):
        seconds = 0.0
        for _ in repeats:
            call.prepare()
            begin = clock()
            call.call()
            seconds += clock() - begin
        return seconds / number
    begin = clock()
    for _ in repeats:
        call()
    return (clock() - begin) / number


class Failed(Exception):
    """A contender raised while it was timed; `name` is its name, and the cause what it raised."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def first_call(call: Callable[[], object]) -> float:
    """Seconds of one call, which for a compiled backend includes compiling, or loading cached kernels."""
    return _sample(call, 1)


def interleave(contenders: Mapping[str, Callable[[], object]], seconds: float = 3.0) -> dict[str, Seconds]:
    """Seconds per call of every contender, one number per round; equal indices belong to the same round.

    contenders  callables without arguments, warm: call each once before
    seconds     roughly how long all rounds take together; at least 5 rounds, at most 51

    Raises `Failed` if one of them raises.
    """

    def sample(name: str, number: int) -> float:
        try:
            return _sample(contenders[name], number)
        except (Exception, SystemExit) as error:
            raise Failed(name) from error

    with _no_garbage_collection():
        numbers, round_seconds = {}, 0.0
        for name in contenders:
            number, took = 1, sample(name, 1)
            if _SAMPLE <= took < _ONCE_SLOW:  # a call may be slow once: one that loads a kernel, or is interrupted
                took = min(sample(name, 1) for _ in range(3))
            while number * took < _SAMPLE and number < 1 << 20:
                number = max(2 * number, round(_SAMPLE / max(took, 1e-9)))
                took = sample(name, number)
            numbers[name] = number
            round_seconds += number * took
        rounds = int(np.clip(seconds / round_seconds, *_ROUNDS))
        times: dict[str, list[float]] = {name: [] for name in contenders}
        orders = np.random.default_rng()  # unseeded: intervals over processes should include the effect of the order
        for _ in range(rounds):
            for name in orders.permutation(list(contenders)):
                if numbers[name] > 1:  # warm the caches; a call as long as a sample warms them itself
                    sample(name, 1)
                times[name].append(sample(name, numbers[name]))
    return {name: np.array(samples) for name, samples in times.items()}


def ratio(slow: Seconds, fast: Seconds) -> Ratio:
    """How many times as long `slow` takes as `fast`: the median over rounds, with its bootstrap interval.

    A single round has no interval.
    """
    from scipy.stats import bootstrap

    ratios = slow / fast
    if len(ratios) == 1:
        return Ratio(float(ratios[0]), math.nan, math.nan)
    if np.ptp(ratios) == 0:
        return Ratio(float(ratios[0]), float(ratios[0]), float(ratios[0]))
    interval = bootstrap((ratios,), np.median, method="percentile", n_resamples=2000, rng=0).confidence_interval
    return Ratio(float(np.median(ratios)), float(interval.low), float(interval.high))
