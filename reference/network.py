"""What a user calls on the reference loops. This module alone, loaded when it is asked for, needs NumPy."""

from types import ModuleType
from typing import ClassVar

import samenet.reference
from samenet import network as interface


class Network(interface.Network):
    """The network on the reference loops; everything about it is said in `samenet.network.Network`."""

    backend: ClassVar[ModuleType] = samenet.reference
