"""How often each weight reverses direction while a network learns.

    count = DirectionChanges(net, X, Y, reduction="sum")
    net.train(X, Y, alpha=10, epochs=60_000, reduction="sum", callback=count)
    count.changes.weights, count.total

A step that is too long jumps over the minimum, and the next one jumps back: the weight changes direction.
Source: tutorial 004 (docs/sources.md), part 2.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet.model.functions import Reduction
from samenet.network import Network
from samenet.training.history import History
from samenet.validation import arrays, checks


class DirectionChanges:
    """A callback for `Network.train` that counts, for every weight and bias, how often its direction changes.

    net, X, Y, reduction: the network and its training samples, as for `net.gradient`; create it just before training.

    The direction of an update is up if -dJ/dw > 0, else down, even if the gradient is zero. Every update whose
    direction differs from that of the previous one is counted. The gradient is that on all of X and Y, once per epoch;
    in full-batch descent it is the gradient of the update itself.

    changes  the counts, as `Parameters` of integers: `.weights` (n_out, n_in), `.biases` and `.flat`
    total    the sum of the counts
    """

    def __init__(self, net: Network, X: ArrayLike, Y: ArrayLike, *, reduction: Reduction = "mean") -> None:
        if not isinstance(net, Network):
            raise TypeError(f"net: expected a Network, got {checks.short(net)} ({type(net).__name__})")
        self._given = (*arrays.labelled(X, Y, net.sizes[0], net.sizes[-1], net.dtype), reduction)  # converted once
        self._next = self._up(net)
        self._last: NDArray[np.bool_] | None = None
        self.changes = net.model.theta.like(np.zeros(net.parameters.size, np.int64))

    @property
    def total(self) -> int:
        """The number of changes in all parameters together."""
        return int(self.changes.flat.sum())

    def _up(self, net: Network) -> Any:
        X, Y, reduction = self._given
        # Not computed from differences of weights, because a tiny update of a large weight may be lost in rounding.
        return net.gradient(X, Y, reduction=reduction)[1].flat < 0

    def __call__(self, net: Network, history: History) -> None:
        """Count the update just made; the gradient after it gives the direction of the next, if there is one."""
        if not isinstance(net, Network) or not net.model.theta.is_like(self.changes):
            raise TypeError(f"net: expected the Network whose directions are counted, got {checks.short(net)}")
        if self._last is not None:
            self.changes.flat += self._next != self._last
        self._last, self._next = self._next, self._up(net)
