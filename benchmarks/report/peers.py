"""peers.md, and its summary in results/README.md, generated from peers.json alone."""

import math
from pathlib import Path

from benchmarks.report import kinds
from benchmarks.report.model import Outcome, Setting
from benchmarks.report.tables import NONE, Table, error, near_one, seconds, times
from samenet.compare.timing import Ratio
from samenet.output import files
from samenet.output.formats import counted, digits, duration

HOW_TO_READ = """\
- **time**: of one warm call from Python, the median over processes of the median over rounds. Data are in the library's
  own format: its arrays or tensors are created before the call, and its answer is not converted.
- **/ samenet**: the contender's time divided by samenet's, paired within rounds: the geometric mean over processes of
  the median over rounds, with its 95 % interval over processes (Student's t) in brackets; a single process has none.
  **Below 1, the other is faster.**
  samenet is its Numba backend, with `net.predictor()` for one sample, otherwise `predict` and `train`.
- Contenders are compared in the same dtype with the same number of threads; single-threaded ones take part only in
  cases with one thread.
- **error / allowed**: the largest error relative to the reference's loops, and the bound derived for it, at the entry
  where they are closest; of outputs, or of all parameters after a few updates. Looser bounds are noted. **FAIL**
  replaces the time of a wrong answer, which is not timed.
- **limit**: the time of the arithmetic at the peak rate of multiply-adds, plus NumPy's exponential for every sigmoid
  and the call of a compiled function; with a faster exponential, less is possible. Zeros in the input count as work:
  the limit is for dense input.
- For long tasks, only the first part is timed, and the time is scaled up; a note says which part.
- **Kinds of settings**: each in processes of its own, with one thread; the time of a call with all of its updates, over
  the same shuffled passes. A word such as dropout names what a contender lacks; **no** is explained below the table.
  A library that draws its own dropout masks is checked only for the shape and dtype of its answer, and for NaN."""

VERDICTS = {
    "slower": "**samenet is slower**",
    "same": "no significant difference (the interval contains 1, or without one, the ratio is within 5 % of 1)",
    "faster": "samenet is faster",
}


def verdict(ratio: Ratio) -> str:
    """Whether samenet is "faster", "slower" or the "same", from the other's time over samenet's and its interval.

    A single process gives no interval; then the ratio alone decides, as in the counts by kind.
    """
    if not ratio.has_interval:
        return {"ahead": "faster", "even": "same", "behind": "slower"}[kinds.verdict(ratio.estimate)]
    return "faster" if ratio.low > 1 else "slower" if ratio.high < 1 else "same"


def summary(settings: tuple[Setting, ...]) -> Table:
    """A row for every case, dtype and number of threads: samenet, the best of the others, the machine's limit."""
    measured = ("samenet", "error / allowed", "best other's time", "best other / samenet", "limit", "samenet / limit")
    rows = []
    for s in settings:
        ours, best = s.case.rows[s.ours], s.best
        over_limit = ours.median / s.limit
        rows.append(
            (
                str(s.case),
                s.dtype,
                str(s.threads),
                best or NONE,
                seconds(s.case, s.ours),
                error(ours),
                seconds(s.case, best) if best else NONE,
                times(s.ratio(best)) if best else NONE,
                duration(s.limit),
                NONE if math.isnan(over_limit) else f"{digits(over_limit)}x",
            )
        )
    return Table(("case", "dtype", "threads", "best other", *measured), rows, words=4)


def whole(s: Setting) -> Table:
    """Every contender of one setting, samenet first, then by time."""
    rest = sorted((name for name in s.case.rows if name != s.ours), key=lambda name: _order(s.case.median(name)))
    rows = []
    for name in (s.ours, *rest):
        ratio = "1x" if name == s.ours and s.case.rows[name].ok else times(s.ratio(name))
        rows.append((name, s.notes.get(name, ""), seconds(s.case, name), ratio, error(s.case.rows[name])))
    return Table(("contender", "note", "time", "/ samenet", "error / allowed"), rows, words=2)


def noise(s: Setting) -> str:
    """The ratio of the last contender of a setting to itself, which should be 1."""
    return f"A/A, the last contender timed against itself: {near_one(s.case.noise)}." if s.case.noise else ""


def _order(value: float) -> float:
    return math.inf if math.isnan(value) else value


def standings(settings: tuple[Setting, ...]) -> str:
    """Where samenet is faster or slower than the best other in the tutorials' cases; and all wrong answers."""
    found_by: dict[str, list[str]] = {kind: [] for kind in VERDICTS}
    cases = [s for s in settings if not s.kind]
    for s in cases:
        if s.best and (ratio := s.ratio(s.best)) is not None:
            found_by[verdict(ratio)].append(f"{s}: {s.best}, {times(ratio)}")
    lines = [
        f"In the {len(cases)} settings of the tutorials' cases, compared with the best other contender, by the "
        "interval of the ratio, or by the ratio alone where it has no interval:",
        "",
    ]
    for kind, found in found_by.items():
        lines += [f"- {VERDICTS[kind]} in {len(found)}{':' if found else '.'}", *(f"  - {one}" for one in found)]
    failed = [f"{s}: {name}" for s in settings for name, row in s.case.rows.items() if not row.ok]
    return "\n".join([*lines, f"- wrong answers: {'; '.join(failed) or 'none'}."])


def absent(outcome: Outcome) -> str:
    """The libraries that are absent, or took no part in some cases, and why."""
    lines = [f"- {name}: absent, {reason}" for name, reason in outcome.content["absent"].items()]
    cases: dict[tuple[str, str], list[str]] = {}
    for s in outcome.tutorials:
        for name, reason in s.left_out.items():
            if not name.startswith("samenet") and str(s.case) not in cases.setdefault((name, reason), []):
                cases[name, reason].append(str(s.case))
    names: dict[tuple[str, str], list[str]] = {}
    for (name, reason), found in cases.items():
        names.setdefault((reason, "; ".join(found)), []).append(name)
    return "\n".join([*lines, *(f"- {' and '.join(who)}: {why} ({of})" for (why, of), who in names.items())])


def machine(outcome: Outcome) -> Table:
    """The peak performance of the machine, by the number of threads."""
    rows = []
    for threads, of in outcome.content["machine"].items():
        peak, exp = of["multiply_adds_per_second"], of["exp_seconds"]
        flops = (f"{digits(2 * peak[dtype] / 1e9)} GFLOP/s" for dtype in ("float64", "float32"))
        element = (duration(exp[dtype]) for dtype in ("float64", "float32"))
        rows.append(
            (
                threads,
                *flops,
                *element,
                f"{digits(of['read_bytes_per_second'] / 1e9)} GB/s",
                duration(of["call_seconds"]),
            )
        )
    headings = (
        "threads",
        "multiply-adds, float64",
        "float32",
        "exp, float64",
        "float32",
        "memory read",
        "compiled call",
    )
    return Table(headings, rows)


def once(outcome: Outcome) -> Table:
    """What is measured once per process: imports, compiling, memory."""
    found = outcome.content["once"]
    imports, kernels, memory = found["import_seconds"], found["kernels"], found["memory"]
    added, data = memory["added_bytes"], memory["data_bytes"]
    over = found["first_answer_seconds"] - imports["numba"]
    rows = [
        ("import samenet's Numba backend and get a first answer, all cached", duration(found["first_answer_seconds"])),
        ("the same, minus importing Numba alone", duration(over) if over > 0 else f"-{duration(-over)}"),
        *((f"import {name}", duration(s)) for name, s in imports.items()),
        ("first calls of all kinds, nothing cached", duration(kernels["cold_seconds"])),
        ("kernels compiled by them", str(kernels["kernels"])),
        ("further kernels compiled for another depth and width", str(kernels["more_for_another_shape"])),
        ("memory added by training on MNIST, relative to its data", f"{digits(100 * added / data)} %"),
    ]
    return Table(("", ""), rows)


def where(outcome: Outcome) -> str:
    """Machine, date, commit and versions."""
    around = outcome.content["environment"]
    packages = ", ".join(f"{name} {number}" for name, number in around["packages"].items() if number)
    n = outcome.content["repeats"]
    images = f" Images: {outcome.content['images']}." if outcome.content["images"] else ""
    busy = " Times are CPU time, not elapsed time." if outcome.content.get("busy") else ""
    quick = " **A quick run: do not quote it.**" if outcome.content["quick"] else ""
    return (
        f"{around['processor']}, {counted(around['cores'], 'core')}, {around['python']}, {around['utc'][:10]}, commit "
        f"`{around['commit'] or 'unknown'}`, {n} process{'es' if n > 1 else ''} for each number of threads.{quick} "
        f"{packages}.{images}{busy}"
    )


def drawn(outcome: Outcome) -> str:
    """The page of settings drawn at random: all in which samenet is not ahead, and a table of each kind."""
    settings, (count, seed) = outcome.settings, outcome.content["draw"].values()
    told = kinds.told(settings, max(kinds.WORST, kinds.not_ahead(settings)))
    failed = [f"{s}: {name}" for s in settings for name, row in s.case.rows.items() if not row.ok]
    sections = {
        "How to read it": HOW_TO_READ,
        "Where samenet stands": f"{told}\n\nWrong answers: {'; '.join(failed) or 'none'}.",
        "The machine": machine(outcome).markdown(),
        **kinds.sections(settings),
    }
    command = f"python -m benchmarks peers --draw {count} --seed {seed}"
    return _titled("samenet and its peers, on settings drawn at random", outcome, command, sections)


def page(outcome: Outcome) -> str:
    """peers.md."""
    sections = {
        "How to read it": HOW_TO_READ,
        "Where samenet stands": _standing(outcome, "kinds.png"),
        "Case by case": "![The others' times divided by samenet's](peers.png)\n\n"
        + summary(outcome.tutorials).markdown(),
        "Contenders left out": absent(outcome) or "None.",
        "The machine": machine(outcome).markdown(),
        "Once per process": once(outcome).markdown(),
    }
    sections |= kinds.sections(outcome.settings)
    sections |= {str(s): f"{whole(s).markdown()}\n{noise(s)}" for s in outcome.tutorials}
    return _titled("samenet and its peers", outcome, "make peers", sections)


def _titled(title: str, outcome: Outcome, command: str, sections: dict[str, str]) -> str:
    body = "\n\n".join(f"## {title}\n\n{text.strip()}" for title, text in sections.items())
    return f"# {title}\n\n{where(outcome)} Made by `{command}`; do not edit.\n\n{body}\n"


def in_short(outcome: Outcome) -> str:
    """A paragraph of the front page: who was compared, and how often samenet is ahead."""
    ways = [name for s in outcome.settings for name in s.others if not name.startswith("samenet")]
    libraries = ", ".join(sorted({name.split(",")[0] for name in ways}, key=str.lower))
    pages = f"[by kind](results/README.md#beside-other-libraries), [all](results/{outcome.folder.name}/peers.md)"
    return (
        f"Other libraries ({libraries}) ran in the same processes, with the same dtype and number of threads, and "
        f"their answers were checked first. {kinds.in_words(outcome.settings)} The settings: {pages}; `make peers` "
        "repeats them."
    )


def mention(outcome: Outcome) -> str:
    """A section of results/README.md."""
    folder = outcome.folder.name
    return (
        f"{_standing(outcome, f'{folder}/kinds.png')}\n\n"
        f"![The others' times divided by samenet's]({folder}/peers.png)\n\n"
        f"Every case, contender and error: [peers.md]({folder}/peers.md), by `make peers`."
    )


def _standing(outcome: Outcome, picture: str) -> str:
    """By kind, and in the tutorials' cases."""
    shown = f"![The best other's time divided by samenet's, a dot for each setting, by kind]({picture})"
    return f"{kinds.told(outcome.settings)}\n{shown}\n\n{standings(outcome.settings)}"


def write(folder: Path, name: str = "peers") -> list[Path]:
    """Write peers.md beside peers.json, or the page of a run of another name beside its own."""
    path, outcome = folder / f"{name}.md", Outcome.read(folder, name)
    files.write_text(path, drawn(outcome) if "draw" in outcome.content else page(outcome))
    return [path]
