"""What a user calls on the reference loops. This module alone, loaded when it is asked for, needs NumPy."""

from functools import partial
from types import ModuleType
from typing import ClassVar

import samenet.reference
from samenet import network as interface
from samenet import one_sample


class Network(interface.Network):
    """The network on the reference loops; everything about it is said in `samenet.network.Network`."""

    backend: ClassVar[ModuleType] = samenet.reference


def predictor(network: interface.Network) -> one_sample.Predictor:
    """A function for one sample; see `samenet.network.Network.predictor`. Its answer is that of `predict`."""
    return partial(one_sample.predict, network)
