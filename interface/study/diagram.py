"""The former name of `samenet.plot.network`."""

import warnings
from typing import TYPE_CHECKING

from samenet.network import Network

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_network(axes: "Axes", net: Network, *, biases: bool = False, numbers: bool = False, most: int = 8) -> None:
    """Draw a network on matplotlib axes. Deprecated: use `samenet.plot.network`, which has the same options."""
    warnings.warn(
        "samenet.draw_network(axes, net) is deprecated, and will be removed in 0.4: use "
        "samenet.plot.network(net, ax=axes)",
        DeprecationWarning,
        stacklevel=2,
    )
    from samenet.study.plot import network

    network(net, biases=biases, numbers=numbers, most=most, ax=axes)
