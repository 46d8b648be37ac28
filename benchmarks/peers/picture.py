"""The picture of a run: a line for each case, a mark for each contender, at its time over samenet's."""

from functools import partial
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from peers import fann, genann, jaxed, lean, onnx_runtime, ours, pytorch, scikit, tutorial
from peers.outcome import Outcome
from samenet.output import files

_FONT = 13

# Colours that stay apart for the colour-blind (Okabe and Ito), one a library, and a marker for each contender.
STYLES = {
    ours.NUMBA: ("#009E73", "^"),
    ours.NUMPY: ("#009E73", "o"),
    ours.LOOPS: ("#009E73", "s"),
    tutorial.NAME: ("#E69F00", "s"),
    lean.NAME: ("#E69F00", "o"),
    scikit.NAME: ("#F0E442", "D"),
    pytorch.EAGER: ("#D55E00", "v"),
    pytorch.SCRIPT: ("#D55E00", "*"),
    jaxed.NAME: ("#0072B2", "P"),
    onnx_runtime.NAME: ("#56B4E9", "X"),
    fann.NAME: ("#CC79A7", "h"),
    genann.TABLE: ("#666666", "<"),
    genann.EXACT: ("#666666", ">"),
}
_OTHER = ("#000000", "p")


def figure(outcome: Outcome) -> Figure:
    """Ratios on a logarithmic axis: right of the line samenet is faster, left of it the other."""
    settings = outcome.settings
    with matplotlib.rc_context({"font.size": _FONT, "axes.spines.top": False, "axes.spines.right": False}):
        made = Figure(figsize=(12, 0.42 * len(settings) + 2.4), layout="constrained")
        axes = made.add_subplot()
    for name in dict.fromkeys(name for s in settings for name in s.case.rows):
        found = [(y, r) for y, s in enumerate(settings) if (r := s.ratio(name)) is not None]
        if found:
            colour, marker = STYLES.get(name, _OTHER)
            places = [y for y, _ in found]
            axes.hlines(places, [r.low for _, r in found], [r.high for _, r in found], color=colour, linewidth=2.5)
            middle = [r.estimate for _, r in found]
            axes.scatter(
                middle,
                places,
                color=colour,
                marker=marker,
                s=95,
                edgecolors="black",
                linewidths=0.6,
                label=name,
                zorder=3,
            )
    limits = [(s.limit / s.case.median(s.ours), y) for y, s in enumerate(settings) if s.case.median(s.ours) > 0]
    if limits:
        at, lines = zip(*limits, strict=True)
        axes.scatter(at, lines, color="black", marker="|", s=160, linewidths=2.5, label="the machine's limit", zorder=2)
    for y, s in enumerate(settings):
        if failed := [name for name, row in s.case.rows.items() if not row.ok]:
            text = f"FAIL: {', '.join(failed)} "
            axes.text(1, y, text, transform=axes.get_yaxis_transform(), ha="right", va="center", color="#D55E00")
    axes.axvline(1, color="#333333", linewidth=1.8)
    axes.set_xscale("log")
    estimates = [r.estimate for s in settings for name in s.case.rows if (r := s.ratio(name)) is not None]
    shown = [*estimates, *(x for x, _ in limits if x > 0), 1.0]
    axes.set_xlim(min(shown) / 1.6, max(shown) * 1.6)  # an interval of a few processes may be wider than the page
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks(range(len(settings)), [str(s) for s in settings])
    axes.set_ylim(len(settings) - 0.4, -0.6)
    axes.grid(axis="both", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.set_xlabel("time / samenet's: left of 1x the other is faster")
    if axes.collections:
        made.legend(loc="outside upper center", ncols=5, frameon=False, fontsize=_FONT, handletextpad=0.2)
    return made


def draw(folder: Path) -> Path:
    """Draw peers.png beside peers.json."""
    path = folder / "peers.png"
    files.write(path, partial(figure(Outcome.read(folder)).savefig, dpi=110, metadata={"Software": None}))
    return path
