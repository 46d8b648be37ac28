"""Whether numbers stayed finite."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def all_finite(values: NDArray[Any]) -> bool:
    """Whether there is no NaN or infinity; the sum of squares answers at once unless it overflowed by itself."""
    return math.isfinite(np.vdot(values, values)) or bool(np.isfinite(values).all())
