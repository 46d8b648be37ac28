"""The drawing of a network has its nodes, its weights and their signs."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import samenet
from samenet import draw_network
from samenet.fast.numpy import Network


def drawn(net: samenet.Network, **settings: bool | int) -> Axes:
    axes = Figure().add_subplot()
    draw_network(axes, net, **settings)
    return axes


def words(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_nodes_and_weights() -> None:
    net = Network([2, 3, 1], weights=[[[1.0, -2.0], [3.0, -4.0], [5.0, -6.0]], [[0.5, 0.25, -0.125]]])
    axes = drawn(net, numbers=True)
    assert sorted(words(axes)) == sorted(
        ["x1", "x2", "h1", "h2", "h3", "h1", "1", "-2", "3", "-4", "5", "-6", "0.5", "0.25", "-0.125"]
    )
    assert len(axes.lines) == 9
    widths = {line.get_linewidth(): to_hex(line.get_color()) for line in axes.lines}
    assert widths[max(widths)] == "#d55e00", "the largest is -6, and orange"
    assert sum(colour == "#0072b2" for colour in (to_hex(line.get_color()) for line in axes.lines)) == 5


def test_biases_come_from_a_node_that_is_1() -> None:
    net = Network([2, 3, 1], seed=0)
    axes = drawn(net, biases=True)
    assert words(axes).count("+1") == 2
    assert len(axes.lines) == net.parameters.size
    assert words(drawn(Network([2, 3, 1], bias=False, seed=0), biases=True)).count("+1") == 0


def test_a_wide_layer_is_cut_short() -> None:
    axes = drawn(Network([64, 30, 2], seed=0), most=4)
    assert [word for word in words(axes) if word.startswith("...")] == ["... 64", "... 30"]
    assert len(axes.lines) == 4 * 4 + 4 * 2


def test_weights_of_zero_are_drawn_too() -> None:
    net = Network([2, 1], weights=[[[0.0, 0.0]]])
    assert all(np.isfinite(line.get_linewidth()) for line in drawn(net, biases=True).lines)


@pytest.mark.parametrize(("argument", "value"), [("most", 0), ("biases", 1), ("numbers", "yes")])
def test_what_is_refused(argument: str, value: object) -> None:
    with pytest.raises((ValueError, TypeError), match=argument):
        draw_network(Figure().add_subplot(), Network([2, 1], seed=0), **{argument: value})
