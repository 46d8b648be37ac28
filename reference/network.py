"""The user's `Network` on the reference loops. Only this module, loaded on demand, needs NumPy."""

from types import ModuleType
from typing import ClassVar

import samenet.reference
from samenet import network as interface


class Network(interface.Network):
    """The network on the reference loops."""

    backend: ClassVar[ModuleType] = samenet.reference
