"""Bars on a logarithmic axis: times, and speed-ups."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from samenet.output.formats import digits, duration
from samenet.study.plot.style import COLOURS, HATCHES, Canvas, canvas, check_axes
from samenet.validation import checks

Ratio = float | tuple[float, float, float]


def times(cases: Mapping[str, Mapping[str, float | None]], *, ax: Axes | None = None) -> Axes:
    """Draw a bar for every time, case by case; returns the axes.

    cases  for each case, by its name, the seconds of each contender; None for one whose answer was wrong: FAIL

    >>> axes = times({"64-30-10, one sample": {"numpy": 7.5e-6, "numba": 0.87e-6}})
    """
    check_axes(ax)
    checked = _checked(cases)
    made = _bars(checked, duration, ax)
    made.label("seconds, logarithmic; shorter is better")
    return made.axes


def speed_ups(cases: Mapping[str, Mapping[str, Ratio | None]], *, ax: Axes | None = None) -> Axes:
    """Draw a bar for every speed-up, case by case, from a line at 1; returns the axes.

    cases  for each case, by its name, how many times as fast each contender is: a number, or (low, estimate, high) with
           the ends of its interval; None for one whose answer was wrong: FAIL

    >>> axes = speed_ups({"one sample": {"NumPy": 70.0, "Numba": (596.0, 602.0, 609.0)}})
    """
    check_axes(ax)
    checked = _checked(cases, intervals=True)
    made = _bars(checked, lambda ratio: f"{digits(ratio)}x", ax, base=1.0)
    made.axes.axvline(1, color="black", linewidth=1.2)
    made.label("times as fast, logarithmic; longer is better")
    return made.axes


_Bars = dict[str, dict[str, tuple[float, float, float] | None]]


def _checked(cases: Any, intervals: bool = False) -> _Bars:
    """For each case and contender: low, estimate, high, or None."""
    if not isinstance(cases, Mapping) or not all(isinstance(group, Mapping) for group in cases.values()):
        raise TypeError(f"cases: expected for each case a mapping of names to numbers, got {checks.short(cases)}")
    found: _Bars = {}
    for case, group in cases.items():
        bars = found.setdefault(str(case), {})
        for name, value in group.items():
            where = f"cases[{case!r}][{name!r}]"
            listed = checks.listed(where, value, "a number") if intervals and checks.is_listing(value) else [value] * 3
            if len(listed) != 3:
                raise ValueError(f"{where}: expected (low, estimate, high), got {checks.short(value)}")
            if value is None:
                bars[str(name)] = None
                continue
            low, middle, high = (checks.number(where, item, positive=True) for item in listed)
            if not low <= middle <= high:
                raise ValueError(f"{where}: expected low <= estimate <= high, got {checks.short(value)}")
            bars[str(name)] = low, middle, high
    if not any(found.values()):
        raise ValueError(f"cases: expected at least one case with a number, got {checks.short(cases)}")
    return found


def _bars(cases: _Bars, text: Any, ax: Axes | None, base: float | None = None) -> Canvas:
    """A title, and a bar for each contender, for every case; each contender has its colour and its hatching."""
    rows = sum(len(group) + 1.4 for group in cases.values())
    made = canvas(ax, 7.0, 0.34 * rows + 0.9)
    axes, looks = made.axes, {name: k for k, name in enumerate(dict.fromkeys(n for g in cases.values() for n in g))}
    ends = [end for group in cases.values() for bar in group.values() if bar is not None for end in bar]
    ends += [] if base is None and ends else [1.0]
    start = min(ends) / (3 if base is None else 1)
    y, ticks, names = 0.0, [], []
    for case, group in cases.items():
        title: Any = {
            "fontsize": made.font,
            "weight": "bold",
            "va": "center",
            "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        }
        axes.text(0.01, y, case, transform=axes.get_yaxis_transform(), **title)
        y += 1
        for name, bar in group.items():
            k = looks[name]
            if bar is None:
                axes.text(start, y, " FAIL", fontsize=made.font, va="center")
            else:
                low, middle, high = bar
                left = 0.0 if base is None else base  # on a logarithmic axis, 0 is at the far left
                look: Any = {"color": COLOURS[k % len(COLOURS)], "hatch": HATCHES[k % len(HATCHES)]}
                axes.barh(y, middle - left, left=left, height=0.82, edgecolor="white", **look)
                if low < high:
                    axes.hlines(y, low, high, color="black", linewidth=2)
                axes.text(max(high, left), y, f" {text(middle)}", fontsize=made.font, va="center")
            ticks.append(y)
            names.append(name)
            y += 1
        y += 0.4
    axes.set_xscale("log")
    axes.set_xlim(start, max(ends) * (max(ends) / start) ** 0.25 * 1.5)  # with room for the longest bar's text
    axes.set_ylim(y - 0.6, -0.8)
    axes.set_yticks(ticks, names)
    axes.spines[["top", "right"]].set_visible(False)
    return made
