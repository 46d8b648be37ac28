"""The peak performance of the machine, and about the least time that a case could take on it.

    limit = call + multiply-adds / peak + sigmoids * exp / threads

where peak is the rate of multiply-adds in vector registers with the given number of threads, exp the time of NumPy's
exponential for one element of an array that stays in the cache (a sigmoid needs one, and more), and call the cost of
calling a compiled function with one array argument from Python. Multiply-adds and sigmoids are counted by `work`.
Memory traffic is ignored, so a limit may be unreachable; bandwidth is measured separately. Samenet's own exponential
takes less time than NumPy's, so a limit of little but sigmoids may be undercut.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

_STEPS, _SUMS = 100_000, 12  # multiply-adds one after the other; side by side, enough to hide their latency
_ELEMENTS, _MEMORY = 4096, 1 << 24  # a vector in the cache, one far too large for it


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


@cache
def _multiply_adds() -> Callable[..., None]:
    """f(x, steps): in every step a multiply-add of each lane of `_SUMS` registers of x."""
    import numba

    from samenet.fast.kernels.codegen.generated import generated
    from samenet.fast.kernels.codegen.vector import REGISTER

    def write(vb: Any, x: Any, steps: Any) -> None:
        places = [vb.at(vb.start(x), vb.long(i * REGISTER)) for i in range(_SUMS)]
        half, sums = vb.broadcast_load(places[0]), [vb.variable(vb.load(place)) for place in places]
        with vb.for_range(steps):
            for one in sums:
                one.value = vb.multiply_add(one.value, half, half)
        for one, place in zip(sums, places, strict=True):
            vb.store(one.value, place)

    run = generated(lambda x, steps: None, write)
    return numba.njit(nogil=True)(lambda x, steps: run(x, steps))  # type: ignore[no-any-return]


def _peak(dtype: str, threads: int, times: int) -> float:
    """Multiply-adds per second in so many threads."""
    from samenet.fast.kernels.codegen.vector import REGISTER

    run, several = _multiply_adds(), [np.full(_SUMS * REGISTER, 0.5, dtype) for _ in range(threads)]
    each = _STEPS * _SUMS * REGISTER // np.dtype(dtype).itemsize
    with ThreadPoolExecutor(threads) as pool:
        return threads * each / least(lambda: [*pool.map(lambda x: run(x, _STEPS), several)], times)


def machine(threads: int = 1, quick: bool = False) -> dict[str, Any]:
    """Multiply-adds per second, seconds per exponential, bytes per second read from memory, seconds per call."""
    import numba

    times = 3 if quick else 10
    peak, exp = {}, {}
    for dtype in ("float64", "float32"):
        peak[dtype] = _peak(dtype, threads, times)
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
