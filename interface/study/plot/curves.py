"""Curves over the epochs of training."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from samenet.study.plot.style import COLOURS, DASHES, MARKERS, canvas, check_axes, numbers
from samenet.training.history import History
from samenet.validation import checks

_VALIDATION = "validation_"


def history(
    history: History | Mapping[str, ArrayLike],
    names: str | Iterable[str] | None = None,
    *,
    log: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw what training recorded over its epochs; returns the axes.

    history  the result of `net.train`; or a mapping of names to curves, each a list of numbers that begins with epoch
             0, such as {"loss": estimator.loss_curve_}
    names    the curves to draw; if None, the cost and the validation cost of a History, or all curves of a mapping
    log      whether the vertical axis is logarithmic, which cannot show numbers that are not above 0

    A curve "validation_NAME" has the colour of NAME's, dashed and with hollow markers. A vertical line marks the best
    epoch, if the history has one. Numbers that are not finite are left out.
    """
    check_axes(ax)
    curves = _curves(history, names)
    is_log, best = checks.flag("log", log), getattr(history, "best_epoch", None)
    if is_log and not any((y > 0).any() for _, y in curves.values()):
        raise ValueError("log: expected False for curves without a number above 0, got True")
    made = canvas(ax)
    axes, looks = made.axes, dict[str, int]()
    for name, (x, y) in curves.items():
        main = name.removeprefix(_VALIDATION)
        is_validation = name != main and main in curves
        k = looks.setdefault(main if is_validation else name, len(looks))
        dashes = "--" if is_validation else "-" if any(_VALIDATION + n in curves for n in curves) else DASHES[k % 4]
        axes.plot(
            *(x, y),
            color=COLOURS[k % len(COLOURS)],
            linestyle=dashes,
            marker=MARKERS[k % len(MARKERS)],
            markevery=max(1, len(x) // 8),
            markerfacecolor="white" if is_validation else COLOURS[k % len(COLOURS)],
            label=name.replace("_", " "),
        )
    if best is not None:
        axes.axvline(best, color="black", linestyle=":", label="best epoch")
    if is_log:
        axes.set_yscale("log")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    one = next(iter(curves)).replace("_", " ") if len(curves) == 1 else ""
    made.label("epoch", one or ("cost" if all(name.endswith("cost") for name in curves) else ""))
    if len(curves) > 1 or best is not None:
        made.legend()
    return axes


def _curves(history: Any, names: Any) -> dict[str, tuple[NDArray[Any], NDArray[np.float64]]]:
    """The epochs and the values of each chosen curve."""
    if not isinstance(history, Mapping):
        kind = type(history).__name__
        raise TypeError(f"history: expected a History, or names and curves, got {checks.short(history)} ({kind})")
    known = list(history)
    if unnamed := [name for name in known if not isinstance(name, str)]:
        raise TypeError(f"history: expected names that are texts, got {checks.short(unnamed[0])}")
    if names is None:
        is_ours = isinstance(history, History)
        chosen = [name for name in ("cost", "validation_cost") if name in known] if is_ours else known
    else:
        given = [names] if isinstance(names, str) else checks.listed("names", names, "names of curves")
        chosen = [checks.choice("names", name, known) for name in given]
    if not chosen:
        raise ValueError(f"names: expected at least one curve, got {checks.short(names)} of {checks.short(history)}")
    found = {}
    for name in chosen:
        y = numbers(f"history[{name!r}]", history[name], 1)
        x = np.asarray(history.epochs if isinstance(history, History) else np.arange(len(y)))
        if len(x) != len(y):
            raise ValueError(f"history[{name!r}]: expected {len(x)} values, one for each epoch, got {len(y)}")
        found[name] = x, y
    return found
