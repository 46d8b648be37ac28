"""results/README.md, tables.md and README's table, generated from a record."""

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
- **median, min, spread**: median is the median over processes of each process's median over rounds, min the overall
  minimum. A round times every contender once, in random order; spread is half of the interquartile range within a
  process. Each sample lasts at least 3 ms, over as many calls as that takes. Trust the median; min is what an
  undisturbed machine could do.
- **speed-up, and every ratio**: the ratio of a process is the median over rounds of the ratio within a round, since
  whatever slows a round down slows all of its contenders. Printed is the geometric mean over processes, with its 95 %
  interval (Student's t) in brackets: memory placement changes a ratio by a few per cent from one process to another, so
  processes are repeated. Ratios are reproducible on machines where times are not, and may differ from the quotient of
  two medians. 1x marks the baseline, the first contender of a case.
- **A/A**: the last contender of a case takes part twice; its ratio to itself should be 1. This is the noise floor.
- **error / allowed**: the largest error relative to the reference and the bound derived for it, at the entry where they
  are closest. **FAIL** replaces all times of a contender with a wrong answer, which is not timed.
- **what is timed**: a warm call from Python. Weights and samples are created and converted before. NumPy and Numba
  include the library's input checks, on every call; the loops are bare functions without them.
- **what is not measured**: other processors, energy, and calls on a loaded machine; several threads and float32 are
  measured only under Scaling. Compile and import times are listed separately."""


def where(record: Record) -> str:
    """Machine, date and commit in one line."""
    around = record.environment
    return f"{record.machine}, {around['python']}, {around['utc'][:10]}, commit `{around['commit'] or 'unknown'}`"


def region(record: Record) -> str:
    """README's table and the sentences about it, which are between its two markers."""
    shown = tables.compact(selected(record.cases))
    note = (
        "Times are medians. *Numba over the loops* is the time of the loops over arrays, which are like the "
        "tutorial's, divided by Numba's; \\* marks the loops over lists, where arrays were not timed. It is the "
        "geometric mean, over processes, of ratios within rounds, with its 95 % interval, and so not the quotient of "
        "the medians. *Worst error / allowed* would be 1 for an answer as far from the reference as the derived bound "
        "allows."
    )
    link = "All cases, each of the tutorial's claims, and how to read this: [results](results/README.md). `make bench`"
    source = f"{where(record)}{', a quick run' if record.quick else ''}. {link} repeats the measurements."
    return f"\n{shown.markdown()}\n{note}\n\n{prose.sentences(record)}\n\n{source}\n"


def selected(cases: Iterable[Case]) -> list[Case]:
    """The cases in README's table."""
    return [c for c in cases if (one := entry(c.network, c.operation)) is not None and one.shown]


def environment(record: Record) -> tables.Table:
    """What the times depend on: the machine and the versions."""
    around = record.environment
    threads = sorted({value or "not set" for value in around["threads"].values()})
    rows = [
        ("processor", record.machine),
        ("system", around["system"]),
        ("Python", around["python"]),
        *((name, around[key] or "none") for name, key in [("NumPy", "numpy"), ("BLAS", "blas"), ("Numba", "numba")]),
        ("SciPy", around["scipy"] or "none"),
        ("threads of each library", ", ".join(threads)),
        ("samenet", f"{around['samenet']}, commit {around['commit'] or 'unknown'} (+: with uncommitted changes)"),
        ("date", around["utc"]),
        ("processes, one after the other", str(record.repeats)),
    ]
    return tables.Table(("", ""), rows, words=2)


def reference_wins(record: Record) -> str:
    """The cases in which plain loops over lists are faster than a fast backend, or indistinguishable from it."""
    lines = []
    for case in (*record.cases, *record.sweeps):
        for name in ("numpy", "numba"):
            ratio = case.ratio(name, LOOPS_OVER_LISTS)
            if ratio and not ratio.high < 1:
                verdict = "takes longer than" if ratio.low > 1 else "is not significantly faster than"
                lines.append(f"- {case}: {label(name)} {verdict} loops over lists, {times(ratio)}")
    return "\n".join(lines)


def noise(record: Record) -> str:
    """How many of the A/A intervals contain 1, and a list of those that do not."""
    cases = [case for case in (*record.cases, *record.sweeps) if case.noise and case.noise.has_interval]
    off = [c for c in cases if c.noise and not c.noise.low <= 1 <= c.noise.high]
    count = f"{len(cases) - len(off)} of {len(cases)} A/A intervals contain 1"
    if not off:
        return f"{count}."
    named = "\n".join(f"- {case}: {tables.near_one(case.noise)}" for case in off if case.noise)
    return (
        f"{count}; by chance, one in twenty 95 % intervals does not. In those that do not, ratios "
        f"closer to 1 than this mean nothing:\n\n{named}"
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
        + "\nTutorial 000 does not name its machine. One sample at a time, medians.\n\n"
        + "\n".join(f"- {answer}" for answer in claims.answers(record)),
        "Speed-up over the loops": _picture(folder, "speed-up", "Speed-ups over the loops, case by case")
        + "\nThe time of the first divided by the time of the second:\n\n"
        + tables.ratios(record.cases, pairs).markdown(),
        "Width and batch": _picture(folder, "heat-map", "Numba's speed-up over NumPy by width and batch")
        + "\nA width-width-10 network, forward. Above 1, Numba is faster.",
        "Scaling": "\n".join(
            _picture(folder, f"scaling-{along}", f"Time against {along}, on logarithmic axes")
            for along in ("width", "depth", "batch")
        )
        + "\nThe slope is the exponent of the growth of time, fitted over the points from the largest down to a "
        "sixteenth of it; constant time has slope 0, the arithmetic has 2 in width and 1 in depth and batch. Dotted: "
        "the arithmetic at the peak rate, with NumPy's exponential, in float64 on one thread. Vertical: the sizes at "
        "which kernels change. "
        "Slow calls have few rounds, at least five.\n\n"
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
        + "\nFirst calls on 64-30-10, in that order, in a new process; each reuses what the ones before compiled. "
        "NumPy and the reference compile nothing.\n\n" + tables.imports(record).markdown(),
        "When Numba breaks even": "The number of calls after which Numba has made up for its first calls of all kinds, "
        'compiled or loaded from its cache, compared with NumPy, or "never" where NumPy is as fast.\n\n'
        + tables.break_even(record).markdown(),
        **_beside(record.folder.parent),
        "History": "asv times this repository's commits: its results are in `results/asv`, and `asv publish` and "
        "`asv preview` show them. `make page` builds a web page of all this with filters, and with that history.",
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
    """tables.md: every measurement of the folder, including the sweeps."""
    return (
        f"# Tables\n\n{where(record)}. How to read them: [the report](../README.md).\n\n"
        f"## Cases\n\n{tables.everything(record.cases).markdown()}\n"
        f"## Sweeps\n\n{tables.everything(record.sweeps).markdown()}\n"
        f"## Noise\n\n{tables.noise((*record.cases, *record.sweeps)).markdown()}"
    )
