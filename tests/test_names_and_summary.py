"""Type checkers know exactly the accepted names; a network as a table; help on every backend."""

import inspect
from collections.abc import Iterable
from typing import Any, get_args

import pytest
from agreement import Backend

import samenet
from samenet import optimizers
from samenet.estimators import settings
from samenet.model import functions, initialize
from samenet.output.summary import HEADINGS
from samenet.study import downhill, error_surface
from samenet.training import adaptive_sampling, classification, monitors
from samenet.validation import checks

NAMES = {
    "activation": (functions.Activation, functions.ACTIVATIONS),
    "cost": (functions.Cost, functions.COSTS),
    "reduction": (functions.Reduction, functions.REDUCTIONS),
    "init": (initialize.Scheme, initialize.SCHEMES),
    "labels": (classification.Labels, classification.LABELS),
    "optimizer": (optimizers.OptimizerName, optimizers.OPTIMIZERS),
    "sampling": (adaptive_sampling.SamplingName, adaptive_sampling.SAMPLING),
    "activation of estimators": (settings.HiddenActivation, settings.ACTIVATIONS),
    "solver": (settings.Solver, settings.SOLVERS),
    "learning_rate": (settings.Schedule, settings.SCHEDULES),
    "measure": (error_surface.Measure, ("cost", *error_surface._MEASURES)),
    "rule": (downhill.Rule, ("slope", "sign")),
}


@pytest.mark.without_jit
@pytest.mark.parametrize(("literal", "known"), NAMES.values(), ids=NAMES)
def test_type_checkers_know_the_names_that_are_accepted(literal: Any, known: Iterable[str]) -> None:
    assert get_args(literal) == tuple(known)


@pytest.mark.without_jit
def test_monitors_and_dtypes_are_known_to_type_checkers() -> None:
    names = [name for part in get_args(monitors.Monitor) for name in get_args(part)]
    assert tuple(names) == monitors.MONITORS
    texts = [part for part in get_args(checks.DType) if get_args(part) and isinstance(get_args(part)[0], str)]
    assert [checks.dtype(name).name for part in texts for name in get_args(part)] == ["float64", "float32"]


def test_help_shows_the_whole_docstring(backend: Backend) -> None:
    text = inspect.getdoc(backend.Network)
    assert text is not None
    assert text.startswith("The network on ")
    assert inspect.cleandoc(samenet.Network.__doc__ or "") in text

    class Own(backend.Network):  # type: ignore[name-defined, misc]
        """A network of my own."""

    assert Own.__doc__ == "A network of my own."


def test_summary(backend: Backend) -> None:
    net = backend.Network([3, 4, 2], activation=["tanh", "softmax"], seed=0, dtype="float32")
    lines = str(net.summary()).splitlines()
    assert lines == [
        f"Network on {backend.module.__name__}",
        "layer  nodes  activation  weights  biases  parameters",
        "-----------------------------------------------------",
        "    1      3  input",
        "    2      4  tanh          4 x 3       4          16",
        "    3      2  softmax       2 x 4       2          10",
        "-----------------------------------------------------",
        "26 parameters of float32, 104 bytes; cost: squared_error",
    ]
    assert repr(net.summary()) == "\n".join(lines)


@pytest.mark.without_jit
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("normalized", [False, [True, False]])
def test_the_rows_of_a_summary_add_up(bias: bool, normalized: Any) -> None:
    net = samenet.backend("numpy").Network([300, 41, 6, 1], bias=bias, batch_normalization=normalized, seed=0)
    summary = net.summary()
    table = [dict(zip(summary.headings, row, strict=True)) for row in summary.rows]
    assert [row["nodes"] for row in table] == ["300", "41", "6", "1"]
    assert sum(int(row["parameters"].replace(",", "")) for row in table[1:]) == net.parameters.size
    assert ("biases" in summary.headings) == bias
    assert [row.get("normalized", "") for row in table] == (["", "yes", "", ""] if normalized else [""] * 4)
    assert set(summary.headings) <= set(HEADINGS)


@pytest.mark.without_jit
def test_a_notebook_shows_the_same_cells() -> None:
    class Angled(samenet.backend("numpy").Network):  # type: ignore[name-defined, misc]
        """A class whose name must be escaped in HTML."""

    Angled.__name__ = "<b>"
    net = Angled([3, 4, 2], seed=0)
    html = net._repr_html_()
    assert html == net.summary()._repr_html_()
    assert [html.count(f"<{tag}>") for tag in ("tr", "th", "td", "b")] == [4, 6, 18, 0]
    for cell in ("4 x 3", "sigmoid", "&lt;b&gt; on samenet.fast.numpy", net.summary().note):
        assert f">{cell}" in html
