"""Every picture shows what it is given, tells things apart without colour, and refuses what it cannot draw."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import matplotlib
import numpy as np
import pytest
from children import printed
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import samenet
from samenet import downhill, plot
from samenet.fast.numpy import Network
from samenet.study.error_surface import Surface
from samenet.study.plot import style

pytestmark = pytest.mark.without_jit

X, Y = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([[1.0], [0.0], [1.0]])
GRID = np.linspace(-2, 2, 9)
BOWL = Surface((0, 3), (GRID, GRID[:5]), GRID[:, None] ** 2 + (GRID[None, :5] + 1) ** 2, 0.0)
CURVE = Surface((2,), (GRID,), (GRID - 1) ** 2, 0.0)


def trained() -> samenet.History:
    return Network([2, 3, 1], seed=0).train(X, Y, alpha=1.0, epochs=20, record_every=2, monitors=["accuracy"])


PICTURES: dict[str, Callable[..., Axes]] = {
    "history": lambda **given: plot.history(trained(), **given),
    "network": lambda **given: plot.network(Network([2, 3, 1], seed=0), **given),
    "digits": lambda **given: plot.digits(np.arange(32.0).reshape(2, 16), [1, 2], [1, 3], **given),
    "confusion_matrix": lambda **given: plot.confusion_matrix([0, 1, 1], [0, 1, 0], **given),
    "activations": lambda **given: plot.activations(Network([2, 3, 1], seed=0), X, **given),
    "error_surface": lambda **given: plot.error_surface(BOWL, **given),
    "times": lambda **given: plot.times({"a": {"b": 1.0}}, **given),
    "speed_ups": lambda **given: plot.speed_ups({"a": {"b": 2.0}}, **given),
    "heat_map": lambda **given: plot.heat_map([[1.0, 2.0]], ["a"], ["b", "c"], **given),
}


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


@pytest.fixture(autouse=True)
def nothing_global_changes() -> Iterator[None]:
    before = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_every_picture_is_tested() -> None:
    assert set(PICTURES) == set(plot.__all__)


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.uncounted
def test_axes_are_taken_and_returned(name: str) -> None:
    axes = Figure().add_subplot()
    assert PICTURES[name](ax=axes) is axes
    assert axes.has_data() or axes.texts
    new = PICTURES[name]()
    assert isinstance(new, Axes)
    assert new.figure is not axes.figure
    new.figure.canvas.draw()  # a layout that does not fit warns, which is an error here


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("bad", [1, "axes", [], Figure()], ids=str)
def test_what_is_no_axes_is_refused(name: str, bad: object) -> None:
    with pytest.raises(TypeError, match=r"^ax: expected matplotlib axes or None, got"):
        PICTURES[name](ax=bad)


@pytest.mark.parametrize("name", PICTURES)
def test_text_is_legible_at_half_size(name: str) -> None:
    axes = PICTURES[name]()
    words = [
        *axes.texts,
        *axes.get_xticklabels(),
        *axes.get_yticklabels(),
        axes.xaxis.label,
        axes.yaxis.label,
        axes.title,
    ]
    sizes = [word.get_fontsize() for word in words if word.get_text()]
    least = 10 if name in ("network", "digits") else style.FONT
    assert sizes
    assert min(sizes) >= least
    assert axes.figure.get_figwidth() <= 9


REFUSED: dict[str, tuple[type[Exception], str, Callable[[], object]]] = {
    "no history": (TypeError, "history", lambda: plot.history([1.0, 2.0])),
    "no network's history": (TypeError, "history", lambda: plot.history(Network([2, 1]).history)),
    "numbered curves": (TypeError, "history", lambda: plot.history({1: [1.0]})),
    "nothing recorded": (ValueError, r"history\['cost'\]", lambda: plot.history(samenet.History())),
    "unknown curve": (ValueError, "names.*did you mean 'accuracy'", lambda: plot.history(trained(), ["acuracy"])),
    "no curves": (ValueError, "names", lambda: plot.history({})),
    "none chosen": (ValueError, "names", lambda: plot.history(trained(), [])),
    "a matrix": (ValueError, r"history\['a'\]", lambda: plot.history({"a": [[1.0]]})),
    "texts": (TypeError, r"history\['a'\]", lambda: plot.history({"a": ["x"]})),
    "log": (TypeError, "log", lambda: plot.history(trained(), log=1)),
    "net": (TypeError, "net", lambda: plot.network("net")),
    "no square": (ValueError, "shape", lambda: plot.digits(np.ones((2, 8)))),
    "another shape": (ValueError, "shape", lambda: plot.digits(np.ones((2, 8)), shape=(3, 3))),
    "one side": (ValueError, "shape", lambda: plot.digits(np.ones((2, 8)), shape=[8])),
    "many images": (ValueError, "X: expected at most", lambda: plot.digits(np.ones((401, 4)))),
    "no images": (ValueError, "X", lambda: plot.digits(np.ones((0, 4)))),
    "one image": (ValueError, "X", lambda: plot.digits(np.ones(4))),
    "blank images": (ValueError, "X", lambda: plot.digits(np.full((1, 4), np.nan))),
    "columns": (ValueError, "columns", lambda: plot.digits(np.ones((1, 4)), columns=0)),
    "fewer classes": (ValueError, "y", lambda: plot.digits(np.ones((2, 4)), [1])),
    "one-hot": (ValueError, "y", lambda: plot.confusion_matrix(np.eye(2), np.eye(2))),
    "fewer predicted": (ValueError, "predicted", lambda: plot.confusion_matrix([0, 1], [0])),
    "fractions": (TypeError, "predicted", lambda: plot.confusion_matrix([0, 1], [0.5, 1.0])),
    "NaN": (TypeError, "y", lambda: plot.confusion_matrix([np.nan, 1], [0, 1])),
    "mixed": (TypeError, "predicted", lambda: plot.confusion_matrix(["a", "b"], [0, 1])),
    "a class too few": (ValueError, "predicted.*got 2", lambda: plot.confusion_matrix([0, 1], [0, 2], classes=[0, 1])),
    "a class twice": (ValueError, "classes", lambda: plot.confusion_matrix([0, 1], [0, 1], classes=[0, 1, 1])),
    "normalize": (TypeError, "normalize", lambda: plot.confusion_matrix([0], [0], normalize="yes")),
    "narrow": (ValueError, "X", lambda: plot.activations(Network([3, 2, 1]), X)),
    "no samples": (ValueError, "X", lambda: plot.activations(Network([2, 2, 1]), np.ones((0, 2)))),
    "many samples": (ValueError, "X", lambda: plot.activations(Network([2, 2, 1]), np.ones((2001, 2)))),
    "output": (TypeError, "output", lambda: plot.activations(Network([2, 2, 1]), X, output=1)),
    "no surface": (TypeError, "surface", lambda: plot.error_surface(GRID)),
    "three": (
        ValueError,
        "surface",
        lambda: plot.error_surface(Surface((0, 1, 2), (GRID,) * 3, np.ones((9,) * 3), 0.0)),
    ),
    "one value": (ValueError, "surface", lambda: plot.error_surface(Surface((0,), (GRID[:1],), np.ones(1), 0.0))),
    "twice": (ValueError, "surface", lambda: plot.error_surface(Surface((0,), (GRID * 0,), GRID, 0.0))),
    "not finite": (ValueError, "surface", lambda: plot.error_surface(Surface((0,), (GRID,), GRID + np.inf, 0.0))),
    "flat path": (ValueError, "path", lambda: plot.error_surface(BOWL, [1.0, 2.0])),
    "endless path": (ValueError, "path", lambda: plot.error_surface(CURVE, [1.0, np.inf])),
    "no path": (ValueError, "path", lambda: plot.error_surface(CURVE, [])),
    "no cases": (ValueError, "cases", lambda: plot.times({})),
    "a list": (TypeError, "cases", lambda: plot.times([1.0])),
    "times": (TypeError, "cases", lambda: plot.times({"a": 1.0})),
    "zero": (ValueError, r"cases\['a'\]\['b'\]", lambda: plot.times({"a": {"b": 0.0}})),
    "an interval": (TypeError, r"cases\['a'\]\['b'\]", lambda: plot.times({"a": {"b": (1.0, 2.0, 3.0)}})),
    "two ends": (ValueError, r"cases\['a'\]\['b'\]", lambda: plot.speed_ups({"a": {"b": (1.0, 2.0)}})),
    "wrong order": (ValueError, r"cases\['a'\]\['b'\]", lambda: plot.speed_ups({"a": {"b": (2.0, 1.0, 3.0)}})),
    "below 0": (ValueError, "ratios", lambda: plot.heat_map([[-1.0]], ["a"], ["b"])),
    "rows": (ValueError, "rows", lambda: plot.heat_map([[1.0]], ["a", "b"], ["c"])),
    "columns of a map": (TypeError, "columns", lambda: plot.heat_map([[1.0]], ["a"], "b")),
    "title": (TypeError, "title", lambda: plot.heat_map([[1.0]], ["a"], ["b"], title=1)),
}


@pytest.mark.parametrize(("error", "said", "call"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(error: type[Exception], said: str, call: Callable[[], object]) -> None:
    with pytest.raises(error, match=f"^{said}"):
        call()


@pytest.mark.parametrize("curve", [[0.0, 0.0], [-1.0, -2.0], [np.nan, 0.0]])
def test_a_logarithmic_axis_needs_a_number_above_0(curve: list[float]) -> None:
    axes = Figure().add_subplot()
    with pytest.raises(ValueError, match="^log: expected False for curves without a number above 0, got True"):
        plot.history({"loss": curve}, log=True, ax=axes)
    assert not axes.has_data()
    plot.history({"loss": curve, "other": [1.0]}, log=True, ax=axes)


def test_nothing_is_drawn_by_a_call_that_is_refused() -> None:
    axes = Figure().add_subplot()
    with pytest.raises(ValueError, match="predicted"):
        plot.confusion_matrix([0, 1], [0], ax=axes)
    assert not axes.has_data()
    assert not axes.texts


# ------------------------------------------------------------------------------------------------- what is in them


def test_curves_are_of_what_was_recorded() -> None:
    history = trained()
    (line,) = plot.history(history).lines
    np.testing.assert_array_equal(line.get_xdata(), history.epochs)
    np.testing.assert_array_equal(line.get_ydata(), history.cost)
    both = plot.history(history, ["cost", "accuracy"])
    assert [line.get_label() for line in both.lines] == ["cost", "accuracy"]
    assert [t.get_text() for t in both.get_legend().get_texts()] == ["cost", "accuracy"]


def test_a_validation_curve_goes_with_its_training_curve() -> None:
    curves = {"cost": [3.0, 2.0], "validation_cost": [4.0, np.inf], "accuracy": [0.5, 0.6], "other": [1.0]}
    cost, validation, accuracy, other = plot.history(curves).lines
    assert cost.get_color() == validation.get_color()
    assert cost.get_marker() == validation.get_marker()
    assert (cost.get_linestyle(), validation.get_linestyle()) == ("-", "--")
    assert to_hex(validation.get_markerfacecolor()) == "#ffffff"
    assert validation.get_label() == "validation cost"
    assert np.isnan(validation.get_ydata()[1]), "what is not finite is left out"
    assert len({line.get_color() for line in (cost, accuracy, other)}) == 3
    assert len({line.get_marker() for line in (cost, accuracy, other)}) == 3


def test_the_best_epoch_is_marked() -> None:
    history = trained()
    history.best_epoch = 7
    axes = plot.history(history, log=True)
    assert list(axes.lines[-1].get_xdata()) == [7, 7]
    assert axes.get_yscale() == "log"


def test_many_curves_differ_in_more_than_colour() -> None:
    lines = plot.history({f"curve {k}": [1.0, 2.0] for k in range(14)}).lines
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == 14


def test_digits_have_their_classes_and_wrong_ones_a_frame() -> None:
    images = np.random.default_rng(0).random((5, 6))
    axes = plot.digits(images, [1, 2, 3, 4, 5], ["1", "2", "9", "4", "5"], shape=(2, 3), columns=4)
    assert [image.get_array().tolist() for image in axes.images] == images.reshape(5, 2, 3).tolist()
    assert len({image.get_extent()[0] for image in axes.images}) == 4
    frames = [(patch.get_linewidth(), to_hex(patch.get_edgecolor())) for patch in axes.patches]
    assert frames == [(2.5, "#d55e00")] * 5, "texts are other classes than numbers"
    axes = plot.digits(images.reshape(5, 2, 3), [1, 2, 3, 4, 5], [1, 2, 9, 4, 5])
    assert texts(axes) == ["1", "2", "9, not 3", "4", "5"]
    assert [patch.get_linewidth() for patch in axes.patches] == [0.5, 0.5, 2.5, 0.5, 0.5]
    assert not texts(plot.digits(images, shape=(3, 2)))
    assert texts(plot.digits(images, predicted=list("abcde"), shape=(3, 2))) == list("abcde")


@pytest.mark.parametrize("normalize", [False, True])
def test_a_confusion_matrix_counts(normalize: bool) -> None:
    y, predicted = ["cat", "cat", "cat", "cat", "dog"], ["cat", "cat", "cat", "dog", "dog"]
    axes = plot.confusion_matrix(y, predicted, normalize=normalize, classes=["dog", "cat", "eel"])
    expected = np.array([[1, 0, 0], [1, 3, 0], [0, 0, 0]])
    drawn = np.asarray(axes.images[0].get_array())
    np.testing.assert_allclose(drawn, expected / [[1], [4], [1]] if normalize else expected)
    assert texts(axes) == (["1", "0", "0", ".25", ".75", "0"] if normalize else list("100130")) + ["0"] * 3
    assert [label.get_text() for label in axes.get_yticklabels()] == ["dog", "cat", "eel"]
    assert axes.get_title() == "80.0 % right"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")


def test_a_confusion_matrix_of_many_classes_has_no_numbers() -> None:
    axes = plot.confusion_matrix(np.arange(100), np.arange(100.0))
    assert not axes.texts
    assert len(axes.get_xticks()) <= 30


def test_activations_are_those_of_the_hidden_layers() -> None:
    net = Network([2, 3, 4, 1], activation=["tanh", "sigmoid", "sigmoid"], seed=0)
    axes = plot.activations(net, X, ["b", "a", "b"])
    drawn = np.asarray(axes.images[0].get_array().filled(np.nan))
    _, first, second, _ = net.feed_forward(X[[1, 0, 2]])
    np.testing.assert_array_equal(drawn, np.concatenate([first, np.full((3, 1), np.nan), second], axis=1))
    assert [t.get_text() for t in axes.get_xticklabels()] == ["layer 2\ntanh, 3", "layer 3\nsigmoid, 4"]
    assert list(axes.get_yticks()) == [0, 1.5]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["a", "b"]
    low, high = axes.images[0].get_clim()
    assert low == -high, "0 is in the middle of the colours where there are negative numbers"
    assert plot.activations(Network([2, 3, 1], seed=0), X[0]).images[0].get_clim()[0] == 0
    assert plot.activations(Network([2, 1], seed=0), X).images[0].get_array().shape == (3, 1)
    assert plot.activations(net, X, output=True).images[0].get_array().shape == (3, 10)


def test_contours_of_a_surface_with_its_path() -> None:
    path = downhill(lambda x: 2 * (x - np.array([0.0, -1.0])), [1.5, -2.0], alpha=0.2)
    axes = plot.error_surface(BOWL, path)
    lines = {line.get_label(): np.transpose(line.get_data()).tolist() for line in axes.lines}
    assert lines["path"] == path.points.tolist()
    assert lines["start"] == path.points[:1].tolist()
    assert lines["end"] == path.points[-1:].tolist()
    assert lines["lowest"] == [[0.0, -1.0]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("parameter 0", "parameter 3")


def test_a_curve_and_a_surface_in_space() -> None:
    axes = plot.error_surface(CURVE, [-1.0, 0.25])
    lines = {line.get_label(): np.transpose(line.get_data()).tolist() for line in axes.lines}
    assert lines["path"] == [[-1.0, 4.0], [0.25, 0.625]], "between points of the grid, on the line between them"
    assert lines["lowest"] == [[1.0, 0.0]]
    space = Figure().add_subplot(projection="3d")
    plot.error_surface(BOWL, [[1.0, -1.0], [9.0, 9.0]], ax=space)
    space.figure.canvas.draw()
    assert space.get_zlabel() == "error"


def test_a_grid_in_any_order_is_the_same_surface() -> None:
    axes = plot.error_surface(Surface((2,), (GRID[::-1],), (GRID[::-1] - 1) ** 2, 0.0))
    np.testing.assert_array_equal(axes.lines[0].get_data(), [GRID, (GRID - 1) ** 2])


def test_bars_have_their_lengths_and_hatchings() -> None:
    axes = plot.speed_ups({"a": {"x": 4.0, "y": (2.0, 3.0, 5.0), "z": None}, "b": {"y": 0.5}})
    assert [sorted((bar.get_x(), bar.get_x() + bar.get_width())) for bar in axes.patches] == [[1, 4], [1, 3], [0.5, 1]]
    assert [bar.get_hatch() for bar in axes.patches] == ["", "///", "///"]
    assert [text.strip() for text in texts(axes)] == ["a", "4.00x", "3.00x", "FAIL", "b", "0.500x"]
    (interval,) = axes.collections
    assert interval.get_segments()[0][:, 0].tolist() == [2.0, 5.0]
    assert axes.get_xlim()[0] <= 0.5
    assert axes.get_xlim()[1] > 5


def test_a_heat_map_parts_at_1() -> None:
    axes = plot.heat_map([[0.5, 1.0], [2.0, np.nan]], [1, 2], ["a", "b"], xlabel="x", ylabel="y", title="t")
    assert texts(axes) == ["0.500x", "1.00x", "2.00x", "-"]
    drawn = axes.images[0]
    low, high = drawn.get_clim()
    assert low == -high
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("x", "y", "t")


@pytest.mark.parametrize(
    ("colour", "text"), [("white", "black"), ("black", "white"), ("yellow", "black"), ("navy", "white")]
)
def test_text_is_legible_on_its_background(colour: str, text: str) -> None:
    assert style.text_on(matplotlib.colors.to_rgba(colour)) == text


def contrast(first: str, second: str) -> float:
    """The ratio of two colours' luminances, by WCAG 2."""

    def luminance(colour: str) -> Any:
        r, g, b = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in matplotlib.colors.to_rgb(colour)
        )
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    lights = sorted((luminance(first), luminance(second)))
    return float((lights[1] + 0.05) / (lights[0] + 0.05))


def test_colours_stand_out_on_white() -> None:
    assert min(contrast(colour, "white") for colour in style.COLOURS) > 1.9
    assert min(contrast(colour, "white") for colour in style.COLOURS[:4]) > 2.8


def test_without_matplotlib_the_extra_is_named() -> None:
    code = """
    import sys
    sys.modules["matplotlib"] = None
    import samenet
    try:
        samenet.plot
    except ImportError as error:
        print(error)
    samenet.backend("numpy").Network([2, 1])
    """
    import textwrap

    told = printed(textwrap.dedent(code))
    assert told.strip() == 'pictures need matplotlib; install it with: pip install "samenet[plot]"'
