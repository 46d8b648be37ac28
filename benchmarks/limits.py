"""The peak performance of the machine, and the minimum time that a case could take on it.

    limit = call + multiply-adds / peak + sigmoids * exp / threads

where peak is the rate of a large matrix product in NumPy, exp the time of NumPy's exponential for one element of an
array that stays in the cache (a sigmoid needs one, and more), and call the cost of calling a compiled function with one
array argument from Python. Multiply-adds and sigmoids are counted by `work`. All are measured with the given number of
threads; the time of exponentials is divided by it, because NumPy's exponential uses one thread. Memory traffic is
ignored, so a limit may be unreachable; bandwidth is measured separately.
"""

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

_SIDE, _ELEMENTS, _MEMORY = 1024, 4096, 1 << 24  # a matrix's side, a vector in the cache, one far too large for it


def least(call: Callable[[], object], times: int, number: int = 1) -> float:
    """Seconds per call: the minimum over `times` samples of `number` calls."""
    call()
    best = np.inf
    for _ in range(times):
        begin = time.perf_counter()
        for _ in range(number):
            call()
        best = min(best, time.perf_counter() - begin)
    return best / number


def machine(quick: bool = False) -> dict[str, Any]:
    """Multiply-adds per second, seconds per exponential, bytes per second read from memory, seconds per call."""
    import numba

    times = 3 if quick else 10
    peak, exp = {}, {}
    for dtype in ("float64", "float32"):
        a, out = np.ones((_SIDE, _SIDE), dtype), np.empty((_SIDE, _SIDE), dtype)
        peak[dtype] = _SIDE**3 / least(lambda a=a, out=out: np.dot(a, a, out), times)  # type: ignore[misc]
        z = np.linspace(-8, 8, _ELEMENTS, dtype=dtype)
        out = np.empty_like(z)
        exp[dtype] = least(lambda z=z, out=out: np.exp(z, out), times, 200) / _ELEMENTS  # type: ignore[misc]
    far = np.ones(_MEMORY)
    read = far.nbytes / least(lambda: np.dot(far, far), times)
    first = numba.njit(lambda x: x[0])
    argument = np.ones(3)
    call = least(lambda: [first(argument) for _ in range(1000)], times, 10) / 1000
    return {"multiply_adds_per_second": peak, "exp_seconds": exp, "read_bytes_per_second": read, "call_seconds": call}


def limit(work: dict[str, float], dtype: str, threads: int, of: dict[str, Any]) -> float:
    """The minimum seconds for this work on a machine, see above."""
    arithmetic = work["multiply_adds"] / float(of["multiply_adds_per_second"][dtype])
    return float(of["call_seconds"]) + arithmetic + work["sigmoids"] * float(of["exp_seconds"][dtype]) / threads


def median(several: list[dict[str, Any]]) -> dict[str, Any]:
    """The medians over several processes."""
    first = several[0]
    return {
        key: median([one[key] for one in several])
        if isinstance(value, dict)
        else float(np.median([one[key] for one in several]))
        for key, value in first.items()
    }


def products(sizes: Sequence[int]) -> int:
    """Multiply-adds of a forward pass for one sample."""
    return sum(a * b for a, b in pairwise(sizes))


def work(sizes: Sequence[int], samples: int, updates: int = 0, *, backward: bool = False) -> dict[str, float]:
    """Multiply-adds and sigmoids for this many samples: a forward pass, a gradient, or a gradient with this many
    updates.

    Let P = sum n_in n_out over the layers. A forward pass takes P per sample. A backward pass takes P for the gradient
    with respect to the weights, and P without its first term for that with respect to the layers. Each update takes P.
    There is one sigmoid for each sample and each node after the input.
    """
    P = products(sizes)
    each = 3 * P - sizes[0] * sizes[1] if backward or updates else P
    return {"multiply_adds": float(samples * each + updates * P), "sigmoids": float(samples * sum(sizes[1:]))}
