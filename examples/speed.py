"""Tutorial 000, section 3: the forward pass of one sample, timed by loops and by matrices."""

import timeit
from collections.abc import Callable
from functools import partial
from typing import Any

import samenet
from samenet.examples.report import Report, Settings, run_as_script
from samenet.reference.forward import forward_sample

SHOWS = "the time for one sample with loops over arrays, with NumPy and with the chosen backend"
IDS = ("A07",)

# The tutorial's microseconds: by loops, by matrices.
NETWORKS: dict[tuple[int, ...], tuple[float | None, float | None]] = {
    (3, 3, 1): (40, None),
    (3, 3, 3, 1): (70, 46),
    (100, 100, 50, 10): (41_000, 84),
}


def microseconds(call: Callable[[], object], quick: bool) -> float:
    """The shortest mean of several rounds: other load on the machine only ever adds to a time."""
    timer = timeit.Timer(call)
    if quick:
        return 1e6 * timer.timeit(1)
    number, _ = timer.autorange()
    return 1e6 * min(timer.repeat(5, max(1, number // 4))) / max(1, number // 4)


def run(settings: Settings) -> Report:
    """Time three networks; as in the tutorial, the loops (the reference's) run over NumPy arrays.

    These are the backends' bare functions, without the input checks of a network's methods.
    """
    report = Report()
    for sizes, (looped, matrix) in NETWORKS.items():
        net = settings.network(list(sizes), seed=settings.stream())
        x: Any = settings.stream().standard_normal(sizes[0])  # the loops read an array as they do a list
        name = "-".join(map(str, sizes))
        times = [
            microseconds(partial(forward_sample, net.weights, net.biases, x), settings.quick),
            microseconds(partial(samenet.backend("numpy").predict, net.model, x), settings.quick),
            microseconds(partial(net.backend.predict, net.model, x), settings.quick),
        ]
        report.row(f"{name}: loops over arrays, us", times[0], looped, digits=3, timed=True)
        report.row(f"{name}: matrices in NumPy, us", times[1], matrix, digits=3, timed=True)
        report.row(f"{name}: {settings.backend}, us", times[2], digits=3, timed=True)
        ratio = looped / matrix if looped and matrix else None
        report.row(
            f"{name}: time of the loops / time of the matrices", times[0] / times[1], ratio, digits=3, timed=True
        )
    report.note(
        f"The tutorial says '500 fold' for the large network; here the factor is {times[0] / times[1]:.0f}. On small "
        "networks, the overhead of calling NumPy outweighs the few multiplications."
    )
    report.note(
        "`samenet compare` measures this more carefully: it checks the answers, interleaves the contenders and "
        "computes confidence intervals."
    )
    return report


if __name__ == "__main__":
    run_as_script(__file__)
