"""A network to try parameters on: what the tools change instead of the user's own."""

import copy
from typing import Any

import numpy as np

from samenet.network import Network
from samenet.parameters import Parameters
from samenet.validation import checks


def probe(net: Any) -> Network:
    """A float64 copy of a network whose parameters may be written over; all else about it is as in `net`.

    Float64, because a difference of two costs of float32 has hardly a digit left.
    """
    if not isinstance(net, Network):
        raise TypeError(f"net: expected a Network, got {checks.short(net)} ({type(net).__name__})")
    other = copy.copy(net)  # not `net.copy()`, so that a subclass, or a method replaced, stays what it is
    other.theta = Parameters.holding(net.sizes, net.bias, net.parameters.astype(np.float64))
    return other
