"""How time grows with width, depth and batch: the lines through a record's sweeps, and their slopes."""

from collections.abc import Sequence

import numpy as np
from record import Case
from tables import names


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The power of x that y grows with: the slope of the straight line through their logarithms."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def lines(points: Sequence[Case], along: str) -> dict[tuple[str, str], tuple[list[float], list[float]]]:
    """Lines of time along width, depth or batch, by contender and what is held, as ("numpy", "batch 1")."""
    grid = [p for p in points if getattr(p, along) is not None and (along == "depth" or p.width is not None)]
    other = {"width": "batch", "batch": "width", "depth": "batch"}[along]
    held = sorted({getattr(p, other) for p in grid})
    found = {}
    for value in [held[0], held[-1]] if len(held) > 1 else held:
        some = sorted((p for p in grid if getattr(p, other) == value), key=lambda p: getattr(p, along))
        for name in names(some):
            timed = [(float(getattr(p, along)), p.median(name)) for p in some if p.median(name) > 0]
            if len(timed) > 2:
                x, y = zip(*timed, strict=True)
                found[name, f"{other} {value}"] = list(x), list(y)
    return found
