"""Updates that are taken in NumPy, from the gradients of a backend: what RMSProp and Adam need.

The same on every backend but for the rounding of the gradient, and in the network's dtype.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samenet.training.sampling import Masks, Orders

if TYPE_CHECKING:
    from samenet.network import Network

Array = NDArray[Any]
Step = Callable[[Array, float], Array]  # (gradient, alpha) -> what theta is lessened by


def clip(g: Array, clip_value: float, clip_norm: float) -> Array:
    """Each entry of g cut to +-clip_value; then g scaled to the length clip_norm, if it is longer. In place.

    As `samenet.reference.descent.clip`, in whole arrays, which the NumPy backend uses too.
    Source: R. Pascanu, T. Mikolov, Y. Bengio, On the difficulty of training recurrent neural networks (2013), 3.2.
    """
    if clip_value < math.inf:
        np.clip(g, -clip_value, clip_value, out=g)
    if clip_norm < math.inf:
        length, largest = math.sqrt(np.vdot(g, g)), 1.0
        if not 0 < length < math.inf:  # the squares overflowed, or all underflowed
            entry = float(np.abs(g).max())
            if 0 < entry < math.inf:
                length, largest = math.sqrt(np.vdot(g / entry, g / entry)), entry
        if length > clip_norm / largest:
            g /= largest
            g *= clip_norm / length
    return g


def slope(network: "Network", X: Array, Y: Array, reduction: str, masks: Masks) -> tuple[float, Array]:
    """The cost and the flat gradient of a batch, from whatever backend; X and Y were checked."""
    with_masks = {} if masks is None else {"masks": masks}
    cost, g = network.backend.gradient(network, X, Y, reduction, **with_masks)
    if isinstance(getattr(g, "flat", None), np.ndarray):
        return cost, g.flat
    arrays = network.theta.empty_like()
    arrays.fill(g.weights, g.biases)
    return cost, arrays.flat


def descend(
    network: "Network",
    X: Array,
    Y: Array,
    *,
    step: Step,
    alpha: Any,
    batch_size: int,
    order: Orders = None,
    passes: int = 1,
    reduction: str = "mean",
    masks: Masks = None,
    clip_value: float = math.inf,
    clip_norm: float = math.inf,
) -> NDArray[np.float64]:
    """Many updates theta := theta - step(g, alpha), in place; else as a backend's `descend`.

    alpha: a number, or one for each pass; order: (passes, m); masks: (passes, m, hidden), by position in the order.
    Returns the cost of each batch before its update.
    """
    alphas = np.broadcast_to(np.asarray(alpha, np.float64), passes).tolist()
    m = len(X) if order is None else order.shape[1]
    costs = []
    for visit in range(passes):
        for start in range(0, m, batch_size):
            part = slice(start, start + batch_size)
            rows: Any = part if order is None else order[visit, part]
            kept = None if masks is None else masks[visit, part]
            cost, g = slope(network, X[rows], Y[rows], reduction, kept)
            network.theta.flat[:] -= step(clip(g, clip_value, clip_norm), alphas[visit])
            costs.append(cost)
    return np.array(costs)
