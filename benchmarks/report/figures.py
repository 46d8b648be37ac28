"""The figures of the report: median times, speed-ups, heat map, scaling, and the ratio of peers' times to samenet's."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from benchmarks import contenders
from benchmarks.catalogue import way
from benchmarks.report import kinds
from benchmarks.report.model import Case, Outcome, Record
from benchmarks.report.scaling import limits, lines, slope
from benchmarks.report.tables import NONE, label, names
from samenet.compare.cases import LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS
from samenet.output import files
from samenet.output.formats import digits, duration

DIVERGING = ("#D55E00", "#F7F7F7", "#0072B2")  # slower, the same, faster
_FONT, _SMALLER = 14, 13


def draw(record: Record, few: Sequence[Case]) -> list[Path]:
    """All pictures, beside the record; and compare.png, a few cases for README, one folder above."""
    made = {record.folder.parent / "compare.png": times(few)} if few else {}
    made[record.folder / "times.png"] = times(record.cases)
    made[record.folder / "speed-up.png"] = speed_ups(record.cases)
    made[record.folder / "heat-map.png"] = heat_map(record.grid)
    for along in ("width", "depth", "batch"):
        made[record.folder / f"scaling-{along}.png"] = scaling(record, along)
    return [_save(path, figure) for path, figure in made.items()]


def _save(path: Path, figure: Figure) -> Path:
    files.write(path, partial(figure.savefig, dpi=110, metadata={"Software": None}))
    return path


def _figure(height: float, width: float = 9, font: int = _FONT) -> tuple[Figure, Axes]:
    with matplotlib.rc_context({"font.size": font, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.add_subplot()


def _log(axis: matplotlib.axis.Axis, form: Callable[[float], str]) -> None:
    """Plain labels at the ticks of a logarithmic axis."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: form(value)))
    axis.set_minor_locator(NullLocator())


def _unit(seconds: float) -> str:
    """A round time: 10 us.

    >>> _unit(1e-5), _unit(0.001)
    ('10 us', '1 ms')
    """
    number, unit = duration(seconds).split()
    return f"{float(number):g} {unit}"


def _dots(
    axes: Axes,
    points: dict[str, dict[int, tuple[float, float, float]]],
    look: Callable[[str], tuple[str, str, str]],
    bar: dict[str, Any],
    dot: dict[str, Any],
) -> None:
    """Of each contender, by the line that it stands on: low, middle, high. `look` has its label, colour and marker."""
    for name, found in points.items():
        if found:
            text, colour, marker = look(name)
            places, (low, middle, high) = list(found), np.array(list(found.values())).T
            axes.hlines(places, low, high, color=colour, **bar)
            axes.scatter(middle, places, color=colour, marker=marker, label=text, zorder=3, **dot)


def _lines(figure: Figure, axes: Axes, titles: list[str], failed: list[list[str]], columns: int, font: int) -> None:
    """A row for each case, FAIL where an answer was wrong, a logarithmic axis, and the legend."""
    for y, names_of_one in enumerate(failed):
        if names_of_one:
            text = f"FAIL: {', '.join(names_of_one)} "
            style: dict[str, Any] = {"color": DIVERGING[0], "weight": "bold", "backgroundcolor": "white"}
            axes.text(1, y, text, transform=axes.get_yaxis_transform(), ha="right", va="center", **style)
    _rows(axes, titles)
    if axes.collections:
        figure.legend(loc="outside upper center", ncols=columns, frameon=False, fontsize=font, handletextpad=0.2)


def _rows(axes: Axes, titles: list[str]) -> None:
    """A row for each title, and a logarithmic axis."""
    axes.set_xscale("log")
    axes.set_yticks(range(len(titles)), titles)
    axes.set_ylim(len(titles) - 0.4, -0.6)
    axes.grid(axis="both", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)


def _cases(
    cases: Sequence[Case], point: Callable[[Case, str], tuple[float, float, float] | None]
) -> tuple[Figure, Axes]:
    """A row per case, a marker per contender, with its interval."""
    figure, axes = _figure(0.42 * len(cases) + 1.6)
    shown = names(cases)
    points = {n: {y: p for y, case in enumerate(cases) if (p := point(case, n)) is not None} for n in shown}

    def look(name: str) -> tuple[str, str, str]:
        return label(name), way(name).colour, way(name).marker

    _dots(axes, points, look, {"linewidth": 3, "alpha": 0.6}, {"s": 75})
    failed = [[label(row.name) for row in case.rows.values() if not row.ok] for case in cases]
    _lines(figure, axes, [str(case) for case in cases], failed, len(shown), _FONT)
    return figure, axes


def times(cases: Sequence[Case]) -> Figure:
    """The times of all contenders, case by case, from minimum to median."""

    def point(case: Case, name: str) -> tuple[float, float, float] | None:
        row = case.rows.get(name)
        return (row.minimum, row.median, row.median) if row and row.speed_up else None

    figure, axes = _cases(cases, point)
    axes.set_xlabel("median time, logarithmic; further left is better")
    _log(axes.xaxis, _unit)
    return figure


def speed_ups(cases: Sequence[Case]) -> Figure:
    """The speed-ups over the loops over arrays, or over lists where arrays were not timed."""

    def point(case: Case, name: str) -> tuple[float, float, float] | None:
        ratio = case.ratio(LOOPS_OVER_ARRAYS, name) or case.ratio(LOOPS_OVER_LISTS, name)
        return None if ratio is None or name == case.baseline else (ratio.low, ratio.estimate, ratio.high)

    loops = [case for case in cases if any(point(case, name) for name in case.rows)]
    figure, axes = _cases(loops, point)
    over_lists = [LOOPS_OVER_ARRAYS not in case.rows for case in loops]
    axes.set_yticklabels([f"{case}{' *' if mark else ''}" for case, mark in zip(loops, over_lists, strict=True)])
    axes.axvline(1, color="#333333", linewidth=1.5)
    axes.set_xlabel("times as fast as loops over arrays (*: over lists)")
    _log(axes.xaxis, lambda value: f"{value:g}x")
    return figure


def heat_map(points: Sequence[Case], slow: str = "numpy", fast: str = "numba") -> Figure:
    """The speed-up of one backend over another by width and batch, in colours that diverge at 1."""
    widths, batches = sorted({p.width or 0 for p in points}), sorted({p.batch or 0 for p in points})
    values = np.full((len(widths), len(batches)), np.nan)
    failed = np.zeros(values.shape, bool)
    for p in points:
        place = widths.index(p.width or 0), batches.index(p.batch or 0)
        failed[place] = any(name in p.rows and not p.rows[name].ok for name in (slow, fast))
        if ratio := p.ratio(slow, fast):
            values[place] = ratio.estimate
    logs = np.log10(values)
    most = max(np.nanmax(np.abs(logs)), 0.05) if np.isfinite(logs).any() else 1.0
    figure, axes = _figure(6.0)
    colours = LinearSegmentedColormap.from_list("parting", DIVERGING)
    image = axes.imshow(logs, cmap=colours, vmin=-most, vmax=most, aspect="auto", origin="lower")
    for (i, j), value in np.ndenumerate(values):
        dark = abs(logs[i, j]) > 0.62 * most
        text = "FAIL" if failed[i, j] else f"{digits(value)}x" if np.isfinite(value) else NONE
        axes.text(j, i, text, ha="center", va="center", fontsize=20, color="white" if dark else "black")
    axes.set_xticks(range(len(batches)), [f"{m}" for m in batches])
    axes.set_yticks(range(len(widths)), [f"{w}" for w in widths])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("batch: samples a call")
    axes.set_ylabel("width: units a layer")
    axes.set_title(f"Forward, width-width-10: {label(slow)}'s time / {label(fast)}'s", fontsize=16, loc="left", pad=12)
    bar = figure.colorbar(image, ax=axes, pad=0.02)
    most_doubled = int(most / np.log10(2))
    doubled = range(-most_doubled, most_doubled + 1)
    bar.set_ticks([power * np.log10(2) for power in doubled], labels=[f"{2.0**power:g}x" for power in doubled])
    bar.outline.set_visible(False)
    return figure


def scaling(record: Record, along: str) -> Figure:
    """Time against width, depth or batch, on logarithmic axes, with the slope of each line at its large end.

    Thin dotted lines: the limit of `benchmarks.limits`; vertical lines: the sizes at which Numba switches kernels.
    """
    figure, axes = _figure(8.5)
    found = lines(record.sweeps, along)
    held = list(dict.fromkeys(what for _, what in found))
    for (name, what), (x, y) in found.items():
        axes.plot(
            x,
            y,
            color=way(name).colour,
            marker=way(name).marker,
            markersize=7,
            linewidth=2,
            linestyle="-" if what == held[0] else "--",
            label=f"{label(name)}, {what}: slope {slope(x, y):.2f}",
        )
    for x, y in limits(record.sweeps, along):
        axes.plot(x, y, color="#333333", linewidth=1, linestyle=":")
    for switch in record.switches.get(along, []) if found else []:
        axes.axvline(switch["at"], color="#999999", linewidth=1)
        style = {"rotation": 90, "fontsize": 10, "ha": "right", "va": "bottom", "color": "#555555"}
        axes.text(
            switch["at"], 0.01, f"{switch['at']}: {switch['what']}", transform=axes.get_xaxis_transform(), **style
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    _log(axes.xaxis, lambda value: f"{value:g}")
    _log(axes.yaxis, _unit)
    axes.set_xlabel(
        {"width": "width: units a layer (width-width-10)", "batch": "batch: samples a call"}.get(
            along, "layers of 64 units after the input"
        )
    )
    axes.set_ylabel("median time of a call")
    axes.grid(color="#dddddd", linewidth=0.8)
    if found:
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=10, handlelength=3)
    return figure


def beside(outcome: Outcome) -> Figure:
    """Ratios on a logarithmic axis: right of the line samenet is faster, left of it the other."""
    settings, ways = outcome.tutorials, contenders.ways(contenders.registered())
    figure, axes = _figure(0.42 * len(settings) + 2.4, 12, _SMALLER)
    points: dict[str, dict[int, tuple[float, float, float]]] = {}
    for y, s in enumerate(settings):
        for name in s.case.rows:
            of_name = points.setdefault(name, {})
            if (r := s.ratio(name)) is not None:
                of_name[y] = r.low, r.estimate, r.high

    def look(name: str) -> tuple[str, str, str]:
        return (name, ways[name].colour, ways[name].marker) if name in ways else (name, "#000000", "p")

    _dots(axes, points, look, {"linewidth": 2.5}, {"s": 95, "edgecolors": "black", "linewidths": 0.6})
    limits = [(s.limit / s.case.median(s.ours), y) for y, s in enumerate(settings) if s.case.median(s.ours) > 0]
    if limits:
        at, places = zip(*limits, strict=True)
        style: dict[str, Any] = {"marker": "|", "s": 160, "linewidths": 2.5, "label": "the machine's limit"}
        axes.scatter(at, places, color="black", zorder=2, **style)
    axes.axvline(1, color="#333333", linewidth=1.8)
    failed = [[name for name, row in s.case.rows.items() if not row.ok] for s in settings]
    _lines(figure, axes, [str(s) for s in settings], failed, 5, _SMALLER)
    shown = [*(p[1] for found in points.values() for p in found.values()), *(x for x, _ in limits if x > 0), 1.0]
    axes.set_xlim(min(shown) / 1.6, max(shown) * 1.6)  # an interval of a few processes may be wider than the page
    _log(axes.xaxis, lambda value: f"{value:g}x")
    axes.set_xlabel("time / samenet Numba's time; left of 1x, the other is faster")
    return figure


def by_kind(outcome: Outcome) -> Figure:
    """A dot for each setting, a line for each kind: the best other's ratio; left of 1, the other is faster."""
    found = kinds.by_kind(outcome.settings)
    figure, axes = _figure(0.55 * len(found) + 1.6, 12, _SMALLER)
    for y, settings in enumerate(found.values()):
        values = sorted(value for s in settings if (value := kinds.ratio(s)) is not None)
        colours = [DIVERGING[0] if kinds.verdict(value) == "behind" else DIVERGING[2] for value in values]
        places = y + np.linspace(-0.25, 0.25, len(values)) if len(values) > 1 else [y] * len(values)
        axes.scatter(values, places, c=colours, s=30, alpha=0.8)
    axes.axvline(1, color="#333333", linewidth=1.8)
    _rows(axes, [f"{name} ({len(settings)})" for name, settings in found.items()])
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))  # most ratios are within a factor of ten
    _log(axes.xaxis, lambda value: f"{value:g}x")
    axes.set_xlabel("best other's time / samenet's time, a dot for each setting; left of 1x, the other is faster")
    return figure


def draw_peers(folder: Path, name: str = "peers") -> list[Path]:
    """Draw peers.png and kinds.png beside peers.json; of settings drawn at random, their kinds alone."""
    outcome = Outcome.read(folder, name)
    if "draw" in outcome.content:
        return [_save(folder / f"{name}.png", by_kind(outcome))]
    return [_save(folder / "peers.png", beside(outcome)), _save(folder / "kinds.png", by_kind(outcome))]
