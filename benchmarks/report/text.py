"""results/README.md, tables.md beside the record, and README's table: text made from a record."""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.catalogue import SINGLE, TWO_THREADS, entry
from benchmarks.report import claims, peers, prose, scaling, tables, techniques
from benchmarks.report.model import Case, Outcome, Record, newest
from benchmarks.report.tables import label, times
from samenet.compare.cases import LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS

MEASURE, REPORT = "python -m benchmarks run", "python -m benchmarks report"

_PAIRS = {
    "NumPy and Numba, with one thread each": ("numpy", "numba"),
    "Numba on one thread and on two": ("numba", TWO_THREADS),
    "Numba in float64 and in float32": ("numba", SINGLE),
}

HOW_TO_READ = """\
- **median, min, spread**: every process that took part has a median over its rounds; median is the median of those, min
  the least of all. A round times every contender once, in an order drawn anew; spread is half of the interquartile
  range within a process. Each sample lasts at least 3 ms, over as many calls as that takes. Trust the median; min is
  what an undisturbed machine could do.
- **speed-up, and every ratio**: a process has the median over its rounds of the ratio within a round, since what slows
  a round down slows all of its contenders. What is printed is the geometric mean over processes, in brackets its 95 %
  interval by Student's t: where a process has its memory changes a ratio by some per cent, so that it is processes
  that are repeated. Ratios hold on a machine whose times do not, and the quotient of two medians may differ from them.
  1x is what the others are relative to, the first of a case.
- **A/A**: the last contender of a case takes part twice; its ratio to itself should be 1. This is the noise floor.
- **error / allowed**: the largest difference from the reference and the bound derived for it, at the entry where they
  are closest. **FAIL** stands in place of every time of a contender whose answer was wrong, which is not timed.
- **what is timed**: a call from Python with everything warm. Weights, samples and their conversion are made before.
  NumPy and Numba include the library's check of its input, on every call; the loops are bare functions without it.
- **what is not measured**: several threads and float32 (one, and float64, but in the lines of scaling), other
  processors, energy, and calls while others load the machine. Times of compiling and importing stand apart."""


def where(record: Record) -> str:
    """Machine, date and commit in one line."""
    around = record.environment
    return f"{record.machine}, {around['python']}, {around['utc'][:10]}, commit `{around['commit'] or 'unknown'}`"


def region(record: Record) -> str:
    """README's table and the sentences about it: what stands between its two marks."""
    shown = tables.compact(selected(record.cases))
    note = (
        "Times are medians. Numba over the loops: how many times longer the loops over arrays, the tutorial's, take, "
        "the geometric mean over processes of ratios paired within rounds, which is not the quotient of the medians, "
        "with a 95 % interval; \\* over lists, where arrays were not timed. Worst error / allowed: 1 would be as far "
        "from the reference as the derived bound lets an answer be."
    )
    link = (
        "All cases, the tutorial's claims one by one, and how to read this: [results](results/README.md). `make bench`"
    )
    source = f"{where(record)}{', a quick run' if record.quick else ''}. {link} measures again."
    return f"\n{shown.markdown()}\n{note}\n\n{prose.sentences(record)}\n\n{source}\n"


def selected(cases: Iterable[Case]) -> list[Case]:
    """Those that README's table has."""
    return [c for c in cases if (one := entry(c.network, c.operation)) is not None and one.shown]


def environment(record: Record) -> tables.Table:
    """What the times depend on."""
    around = record.environment
    threads = sorted({value or "not set" for value in around["threads"].values()})
    rows = [
        ("processor", record.machine),
        ("system", around["system"]),
        ("Python", around["python"]),
        *((name, around[key] or "none") for name, key in [("NumPy", "numpy"), ("BLAS", "blas"), ("Numba", "numba")]),
        ("SciPy", around["scipy"] or "none"),
        ("threads of each library", ", ".join(threads)),
        ("samenet", f"{around['samenet']}, commit {around['commit'] or 'unknown'} (+: with changes)"),
        ("date", around["utc"]),
        ("processes, one after the other", str(record.repeats)),
    ]
    return tables.Table(("", ""), rows, words=2)


def reference_wins(record: Record) -> str:
    """The cases in which plain loops over lists beat a fast backend, or cannot be told apart from it."""
    lines = []
    for case in (*record.cases, *record.sweeps):
        for name in ("numpy", "numba"):
            ratio = case.ratio(name, LOOPS_OVER_LISTS)
            if ratio and not ratio.high < 1:
                verdict = "take longer than" if ratio.low > 1 else "cannot be told apart from"
                lines.append(f"- {case}: {label(name)} {verdict} loops over lists, {times(ratio)}")
    return "\n".join(line.replace("NumPy take", "NumPy takes").replace("Numba take", "Numba takes") for line in lines)


def noise(record: Record) -> str:
    """How many of the A/A intervals contain 1, and those that do not, by name."""
    cases = [case for case in (*record.cases, *record.sweeps) if case.noise and case.noise.has_interval]
    off = [c for c in cases if c.noise and not c.noise.low <= 1 <= c.noise.high]
    count = f"{len(cases) - len(off)} of {len(cases)} A/A intervals contain 1"
    if not off:
        return f"{count}."
    named = "\n".join(f"- {case}: {tables.near_one(case.noise)}" for case in off if case.noise)
    return (
        f"{count}; of 95 % intervals, one in twenty does not by chance. Those that do not, where "
        f"ratios closer to 1 than this mean nothing:\n\n{named}"
    )


def report(record: Record) -> str:
    """results/README.md."""
    folder, pairs = record.folder.name, [(LOOPS_OVER_ARRAYS, "numpy"), (LOOPS_OVER_LISTS, "numpy")]
    pairs += [(LOOPS_OVER_ARRAYS, "numba"), (LOOPS_OVER_LISTS, "numba"), ("numpy", "numba")]
    quick = (
        "\n**A quick run of a few cases**, without intervals where it was one process: do not quote it.\n"
        if record.quick
        else ""
    )
    sections = {
        "Where and when": environment(record).markdown(),
        "How to read it": HOW_TO_READ,
        "The tutorial's figures and ours": claims.table(record).markdown()
        + "\nTutorial 000 prints its times without the machine. One sample at a time, medians.\n\n"
        + "\n".join(f"- {answer}" for answer in claims.answers(record)),
        "Speed-up over the loops": _picture(folder, "speed-up", "Speed-ups over the loops, case by case")
        + "\nHow many times longer the first takes than the second:\n\n"
        + tables.ratios(record.cases, pairs).markdown(),
        "Width and batch": _picture(folder, "heat-map", "Numba's speed-up over NumPy by width and batch")
        + "\nA width-width-10 network, forward. Above 1, Numba is faster.",
        "Scaling": "\n".join(
            _picture(folder, f"scaling-{along}", f"Time against {along}, on logarithmic axes")
            for along in ("width", "depth", "batch")
        )
        + "\nThe slope is the power that time grows with, fitted over the points from the largest down to a sixteenth "
        "of it; a call that costs the same whatever its size has slope 0, the arithmetic has 2 in width and 1 in depth "
        "and batch. Dotted: the least time for the arithmetic, in float64 on one thread. Upright: where kernels "
        "change their way of working. Rounds are few where a call is slow, at least five.\n\n"
        + scaling.growth(record.sweeps).markdown()
        + "".join(
            f"\n{what}, by the interval of their ratio:\n\n{told}\n"
            for what, pair in _PAIRS.items()
            if (told := scaling.crossings(record.sweeps, *pair))
        ),
        "Where the reference wins": reference_wins(record) or "In no case that was measured.",
        "All cases": _picture(folder, "times", "Median times, case by case")
        + "\n"
        + tables.everything(record.cases).markdown(),
        "Noise": noise(record),
        "Compiling and importing": tables.first_calls(record).markdown()
        + "\nFirst calls on 64-30-10, in that order, in a new process; what one compiles, the next finds compiled. "
        "NumPy and the reference compile nothing.\n\n" + tables.imports(record).markdown(),
        "When Numba has paid": "Calls after which Numba has made up for its first calls of all kinds, compiled with "
        "nothing cached or loaded from its cache, against NumPy; never, where NumPy is as fast.\n\n"
        + tables.break_even(record).markdown(),
        **_beside(record.folder.parent),
        "History": "asv times this repository's commits: its results are in [asv](asv), `asv publish` and "
        "`asv preview` show them. `make page` builds one page of all this that can be filtered, with that history.",
    }
    body = "\n\n".join(f"## {title}\n\n{text.strip()}" for title, text in sections.items())
    return (
        f"# What was measured\n\n{where(record)}. Made by `{REPORT}` from\n"
        f"[comparison.json]({folder}/comparison.json), which `{MEASURE}` writes; do not edit.\n"
        f"{quick if record.quick else ''}\n{body}\n"
    )


def _beside(results: Path) -> dict[str, str]:
    """The sections on other libraries and on techniques, if `make peers` and `make techniques` have run."""
    outcome, gains = newest(results, "peers.json"), newest(results, "techniques.json")
    found = {"Beside other libraries": peers.mention(Outcome.read(outcome))} if outcome else {}
    return found | ({"What each technique gains": techniques.mention(gains)} if gains else {})


def _picture(folder: str, name: str, words: str) -> str:
    return f"![{words}]({folder}/{name}.png)\n"


def markdown_tables(record: Record) -> str:
    """tables.md: every measurement of the folder, the sweeps too."""
    return (
        f"# Tables\n\n{where(record)}. How to read them: [the report](../README.md).\n\n"
        f"## Cases\n\n{tables.everything(record.cases).markdown()}\n"
        f"## Sweeps\n\n{tables.everything(record.sweeps).markdown()}\n"
        f"## Noise\n\n{tables.noise((*record.cases, *record.sweeps)).markdown()}"
    )
