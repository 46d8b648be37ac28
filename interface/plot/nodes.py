"""A network as a drawing: a circle for each node, a line for each weight."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from samenet.network import Network
from samenet.plot.style import COLOURS, canvas, check_axes
from samenet.validation import checks

_POSITIVE: tuple[str, Any] = COLOURS[0], "-"
_NEGATIVE: tuple[str, Any] = COLOURS[1], (0, (4, 1.5))


def network(
    net: Network, *, biases: bool = False, numbers: bool = False, most: int = 8, ax: Axes | None = None
) -> Axes:
    """Draw a network, the input layer on the left; returns the axes.

    Lines are blue for positive weights, orange and dashed for negative ones, and wider for larger weights.
    biases   draw them as tutorial 000 does: as weights from an extra node of each layer that is always 1
    numbers  write each weight beside its line, for networks of a few nodes
    most     the largest number of nodes drawn per layer; dots stand for the rest
    """
    check_axes(ax)
    if not isinstance(net, Network):
        raise TypeError(f"net: expected a Network, got {checks.short(net)} ({type(net).__name__})")
    biases, numbers = checks.flag("biases", biases) and net.bias, checks.flag("numbers", numbers)
    most = checks.integer("most", most, least=1)
    shown = [min(n, most) for n in net.sizes]
    largest = max(float(abs(net.parameters).max(initial=0.0)), 1e-300)
    axes = canvas(ax, 1.6 * len(shown) + 0.8, 0.55 * max(shown) + 1.4).axes

    def y(layer: int, node: int) -> float:
        return (shown[layer] - 1) / 2 - node

    def line(layer: int, start: float, end: float, weight: float, place: float) -> None:
        """Draw a line from a node of the previous layer to one of this layer."""
        colour, dashes = _POSITIVE if weight >= 0 else _NEGATIVE
        width = 0.4 + 2.2 * abs(weight) / largest
        axes.plot([layer - 1, layer], [start, end], color=colour, linestyle=dashes, linewidth=width, zorder=1)
        if numbers:
            at = (layer - 1 + place, start + place * (end - start))
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
            axes.text(*at, f"{weight:.3g}", ha="center", va="center", fontsize="small", bbox=box, zorder=2)

    def node(layer: int, height: float, text: str, dotted: bool = False) -> None:
        outline = ":" if dotted else "-"
        axes.scatter([layer], [height], s=500, facecolor="white", edgecolor="black", linestyle=outline, zorder=3)
        axes.text(layer, height, text, ha="center", va="center", zorder=4)

    for layer, (W, kept) in enumerate(zip(net.weights, shown[1:], strict=True), start=1):
        for i in range(kept):
            for j in range(shown[layer - 1]):
                place = 0.3 + 0.4 * ((i + j) % 2)  # so that the numbers of crossing lines lie apart
                line(layer, y(layer - 1, j), y(layer, i), float(W[i, j]), place)
            if biases:
                line(layer, y(layer - 1, -1), y(layer, i), float(net.biases[layer - 1][i]), 0.5)
    for layer, (n, kept) in enumerate(zip(net.sizes, shown, strict=True)):
        name = "x" if layer == 0 else "h"
        for i in range(kept):
            node(layer, y(layer, i), f"{name}{i + 1}")
        if n > kept:
            axes.text(layer, y(layer, kept) + 0.25, f"... {n}", ha="center", va="center")
        if biases and layer < len(shown) - 1:
            node(layer, y(layer, -1), "+1", dotted=True)
    axes.set_xlim(-0.4, len(shown) - 0.6)
    axes.set_ylim(-max(shown) / 2 - 0.6, max(shown) / 2 + (1.0 if biases else 0.2))
    axes.axis("off")
    if not numbers:
        signs = [Line2D([], [], color=colour, linestyle=dashes) for colour, dashes in (_POSITIVE, _NEGATIVE)]
        where: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "ncols": 2, "frameon": False}
        axes.legend(signs, ["weight > 0", "weight < 0"], **where)
    return axes
