"""A network as a drawing: a circle for each node, a line for each weight."""

from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from samenet.network import Network
from samenet.study.plot.style import COLOURS, canvas, check_axes
from samenet.validation import checks

_POSITIVE: tuple[str, Any] = COLOURS[0], "-"
_NEGATIVE: tuple[str, Any] = COLOURS[1], (0, (4, 1.5))


_WIDTH, _HEIGHT = 0.06, 0.28  # the width of a character, and the height of a number


class _Number(NamedTuple):
    """A number on a line: the heights of the line, the text, and its preferred position along the line, from 0 to 1."""

    start: float
    end: float
    text: str
    wish: float

    def at(self, place: float) -> float:
        """The height at a position."""
        return self.start + place * (self.end - self.start)


def _places(numbers: list[_Number]) -> list[float]:
    """The position of each number along its line: the preferred one, or the nearest one where it covers no other
    number.

    If there is none, it is the position where it covers the least. Positions are adjusted in several rounds.
    """
    found = [number.wish for number in numbers]

    def room(n: int, place: float) -> float:
        at, size = numbers[n].at(place), len(numbers[n].text)
        return min(
            (
                max(
                    2 * abs(place - found[o]) / (_WIDTH * (size + len(other.text))),
                    abs(at - other.at(found[o])) / _HEIGHT,
                )
                for o, other in enumerate(numbers)
                if o != n
            ),
            default=1.0,
        )

    for _ in range(10):
        for n, number in enumerate(numbers):
            least = min(0.5, 0.12 + _WIDTH * len(number.text) / 2)  # closer, it would cover the node
            inside = (p for p in (number.wish, *(k / 50 for k in range(51))) if least <= p <= 1 - least)
            near = sorted(inside, key=lambda p: abs(p - number.wish)) or [0.5]
            free = next((p for p in near if room(n, p) >= 1), None)
            found[n] = max(near, key=lambda p: room(n, p)) if free is None else free
    return found


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
    written: list[list[_Number]] = [[] for _ in shown]
    axes = canvas(ax, 1.6 * len(shown) + 0.8, 0.55 * max(shown) + 1.4).axes

    def y(layer: int, node: int) -> float:
        return (shown[layer] - 1) / 2 - node

    def line(layer: int, start: float, end: float, weight: float, wish: float) -> None:
        """Draw a line from a node of the previous layer to one of this layer."""
        colour, dashes = _POSITIVE if weight >= 0 else _NEGATIVE
        width = 0.4 + 2.2 * abs(weight) / largest
        axes.plot([layer - 1, layer], [start, end], color=colour, linestyle=dashes, linewidth=width, zorder=1)
        written[layer].append(_Number(start, end, f"{weight:.3g}", wish))

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
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    for layer, those in enumerate(written if numbers else []):
        for number, place in zip(those, _places(those), strict=True):
            at = (layer - 1 + place, number.at(place))
            axes.text(*at, number.text, ha="center", va="center", fontsize="small", bbox=box, zorder=2)
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
