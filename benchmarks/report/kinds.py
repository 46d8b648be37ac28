"""In how many settings samenet is ahead, even or behind, by kind; the worst settings; and a table of each kind.

A setting is judged by the time of the best other contender over samenet's; within 5 % of 1, it is even. samenet means
its Numba backend; in the settings of a kind, its NumPy backend is one of the others.
"""

from collections.abc import Iterable, Sequence
from statistics import median

from benchmarks.report.model import Setting
from benchmarks.report.tables import NONE, Table, seconds, times, worst
from samenet.output.formats import digits

EVEN, WORST = 1.05, 10
TUTORIALS = "the tutorials' cases"
VERDICTS = ("ahead", "even", "behind")


def ratio(s: Setting) -> float | None:
    """The best other's time over samenet's; None if one of them was not timed."""
    found = s.ratio(s.best) if s.best else None
    return None if found is None else found.estimate


def verdict(estimate: float) -> str:
    """Whether samenet is ahead, even or behind."""
    return "ahead" if estimate > EVEN else "behind" if estimate < 1 / EVEN else "even"


def by_kind(settings: Iterable[Setting]) -> dict[str, list[Setting]]:
    """The settings of each kind, in the catalogue's order."""
    found: dict[str, list[Setting]] = {}
    for s in settings:
        found.setdefault(s.kind or TUTORIALS, []).append(s)
    return found


def _known(settings: Iterable[Setting]) -> list[tuple[float, Setting]]:
    return [(value, s) for s in settings if (value := ratio(s)) is not None]


def _row(name: str, settings: Sequence[Setting]) -> tuple[str, ...]:
    values = [value for value, _ in _known(settings)]
    verdicts = [verdict(value) for value in values]
    numbers = [digits(function(values)) + "x" if values else NONE for function in (median, min)]
    return name, str(len(values)), *(str(verdicts.count(v)) for v in VERDICTS), *numbers


def counts(settings: Sequence[Setting]) -> Table:
    """How often samenet is ahead, even or behind, with the median and the lowest ratio: by kind, and in total."""
    kinds = by_kind(settings)
    rows = [_row(name, found) for name, found in kinds.items()]
    headings = ("best other's time / samenet's time", "settings", *VERDICTS, "median", "minimum")
    return Table(headings, [*rows, *([_row("**all**", settings)] if len(rows) > 1 else [])])


def worst_settings(settings: Sequence[Setting], number: int = WORST) -> Table:
    """The settings with the lowest ratios, whether or not samenet is behind in them."""
    found = sorted(_known(settings), key=lambda pair: pair[0])[:number]
    rows = [(str(s), s.kind or TUTORIALS, s.best or NONE, times(s.ratio(s.best or ""))) for _, s in found]
    return Table(("setting", "kind", "best other", "best other / samenet"), rows, words=3)


def not_ahead(settings: Sequence[Setting]) -> int:
    """In how many samenet is even or behind."""
    return sum(verdict(value) != "ahead" for value, _ in _known(settings))


def in_words(settings: Sequence[Setting]) -> str:
    """The counts of all, in two sentences."""
    _, number, ahead, even, behind, middle, least = _row("", settings)
    return (
        f"Compared with the best other contender in each of {number} settings, samenet is ahead in {ahead}, even in "
        f"{even} (within 5 %) and **behind in {behind}**. The ratio of the best other's time to samenet's has a median "
        f"of {middle} and a minimum of {least}."
    )


def told(settings: Sequence[Setting], number: int = WORST) -> str:
    """The sentences, the counts by kind, and the settings with the lowest ratios, ten or as many as are told."""
    worst_ones = worst_settings(settings, number)
    return (
        f"{in_words(settings)}\n\n{counts(settings).markdown()}\n"
        f"The settings with the lowest ratios ({len(worst_ones.rows)}):\n\n"
        f"{worst_ones.markdown()}"
    )


def _short(reason: str) -> str:
    return "no" if " " in reason else reason


def table(settings: Sequence[Setting]) -> Table:
    """The settings of a kind: samenet's time, and each other's time over it, or in one word the reason for none."""
    names = list(dict.fromkeys(name for s in settings for name in s.others))
    rows = []
    for s in settings:
        cells = [
            "FAIL"
            if name in s.case.rows and not s.case.rows[name].ok
            else times(s.ratio(name))
            if name in s.case.rows
            else _short(s.left_out.get(name, "absent"))
            for name in names
        ]
        rows.append((str(s), seconds(s.case, s.ours), *cells, worst(s.case)))
    return Table(("setting", "samenet", *names, "worst error / allowed"), rows)


def left_out(settings: Sequence[Setting]) -> str:
    """Which contenders take part in no setting of a kind, and the meaning of "no"."""
    here = {name for s in settings for name in s.case.rows}
    reasons: dict[str, list[str]] = {}
    for s in settings:
        for name, reason in s.left_out.items():
            known = reasons.setdefault(name, [])
            if not name.startswith("samenet") and reason not in known and (name not in here or " " in reason):
                known.append(reason)
    lines = [
        f"- {name}{'' if name in here else ', in no setting'}: {'; '.join(known)}"
        for name, known in reasons.items()
        if known
    ]
    notes = dict.fromkeys(f"- {name}: {note}" for s in settings for name, note in s.notes.items())
    return "\n".join([*lines, *notes])


def sections(settings: Sequence[Setting]) -> dict[str, str]:
    """A section of peers.md for each kind."""
    found = by_kind(s for s in settings if s.kind)
    return {kind[0].upper() + kind[1:]: f"{table(of).markdown()}\n{left_out(of)}".strip() for kind, of in found.items()}
