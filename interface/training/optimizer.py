"""What all optimizers have."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from samenet.network import Network
    from samenet.training.options import Settings


Release = Callable[[], None]  # lets a Ctrl-C through that was held back


class Optimizer(ABC):
    """What all optimizers have."""

    @property
    @abstractmethod
    def takes_steps(self) -> bool:
        """Whether it follows alpha, batches, dropout and clipping."""

    @abstractmethod
    def train(self, network: "Network", settings: "Settings", release: Release) -> None:
        """Train in place."""
