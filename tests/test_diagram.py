"""The drawing of a network shows its nodes, its weights and their signs."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import samenet
from samenet import plot
from samenet.fast.numpy import Network

ON_NUMPY = True  # what is given no backend


def drawn(net: samenet.Network, **settings: bool | int) -> Axes:
    return plot.network(net, **settings)


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
        plot.network(Network([2, 1], seed=0), **{argument: value})


def test_everything_has_its_place() -> None:
    """Layers from left to right, vertically centred, with a dotted node of value 1 above them."""
    weights, biases = [[[1.0, -2.0], [3.0, -4.0], [5.0, -8.0]], [[0.5, 0.25, -0.125]]], [[0.0, 6.0, -7.0], [2.0]]
    net = Network([2, 3, 1], weights=weights, biases=biases)
    axes = drawn(net, biases=True, numbers=True)
    places = {"x1": (0, 0.5), "x2": (0, -0.5), "h1": (1, 1.0), "h2": (1, 0.0), "h3": (1, -1.0), "+1": (0, 1.5)}
    outputs = {"h1": (2, 0.0), "+1": (1, 2.0)}
    nodes = [(name, place) for found in (places, outputs) for name, place in found.items()]
    labels = {(text.get_text(), text.get_position()) for text in axes.texts}
    assert set(nodes) <= labels
    assert {tuple(circle.get_offsets()[0]) for circle in axes.collections} == {place for _, place in nodes}
    dotted = {tuple(c.get_offsets()[0]) for c in axes.collections if c.get_linestyle()[0][1] is not None}
    assert dotted == {(0, 1.5), (1, 2.0)}
    lines = {}  # from and to: width and colour
    for drawn_line in axes.lines:
        ends = tuple(zip(*drawn_line.get_data(), strict=True))
        lines[ends] = drawn_line.get_linewidth(), to_hex(drawn_line.get_color())
    expected = {}
    for layer, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        below = [places["x1"], places["x2"]] if layer == 0 else [places["h1"], places["h2"], places["h3"]]
        above = [places["h1"], places["h2"], places["h3"]] if layer == 0 else [outputs["h1"]]
        for i, end in enumerate(above):
            one = places["+1"] if layer == 0 else outputs["+1"]
            for start, w in (*zip(below, W[i], strict=True), (one, b[i])):
                expected[start, end] = 0.4 + 2.2 * abs(w) / 8, "#0072b2" if w >= 0 else "#d55e00"
    assert lines == expected
    dashed = {line for line, (_, colour) in lines.items() if colour == "#d55e00"}
    assert dashed == {tuple(zip(*one.get_data(), strict=True)) for one in axes.lines if one.get_linestyle() != "-"}
    for (start, end), (width, _) in lines.items():
        (near,) = [
            (text, x, y)
            for text, (x, y) in labels
            if (text, (x, y)) not in nodes
            and start[0] < x < end[0]
            and y == pytest.approx(start[1] + (x - start[0]) * (end[1] - start[1]))
            and abs(float(text)) / 8 == pytest.approx((width - 0.4) / 2.2)
        ]
        assert 0.25 < near[1] - start[0] < 0.75
    assert axes.get_xlim() == pytest.approx((-0.4, 2.4))
    assert axes.get_ylim() == pytest.approx((-2.1, 2.5))
    assert drawn(net).get_ylim() == pytest.approx((-2.1, 1.7))
    assert not axes.axison


def test_numbers_of_crossing_lines_lie_apart() -> None:
    axes = drawn(Network([2, 2], bias=False, weights=[[[1.0, 2.0], [3.0, 4.0]]]), numbers=True)
    at = {text.get_text(): text.get_position()[0] for text in axes.texts}
    assert [at[number] for number in "1234"] == pytest.approx([0.3, 0.7, 0.7, 0.3])


def test_dots_stand_below_the_last_node_that_is_drawn() -> None:
    for n, most in ((3, 2), (9, 8)):
        axes = drawn(Network([n, 1], seed=0), most=most)
        (dots,) = [text for text in axes.texts if text.get_text() == f"... {n}"]
        assert dots.get_position() == pytest.approx((0, (most - 1) / 2 - most + 0.25))
    assert not any("..." in word for word in words(drawn(Network([8, 1], seed=0))))
    assert "... 9" in words(drawn(Network([9, 1], seed=0))), "eight, unless more are asked for"


def test_the_former_name_draws_the_same_with_a_warning() -> None:
    net, axes = Network([2, 3, 1], seed=0), Figure().add_subplot()
    with pytest.warns(DeprecationWarning, match=r"samenet\.plot\.network"):
        samenet.draw_network(axes, net, biases=True)
    assert words(axes) == words(plot.network(net, biases=True))


def test_no_number_covers_another_or_a_node() -> None:
    """Even where many lines cross, in a 2-3-2 network with biases."""
    for seed in range(4):
        axes = drawn(Network([2, 3, 2], seed=seed, init="normal"), biases=True, numbers=True)
        axes.figure.canvas.draw()
        boxes = [text.get_window_extent() for text in axes.texts]
        assert not [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]
