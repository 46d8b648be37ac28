"""Tutorial 000's claims about time, compared with our measurements."""

from benchmarks.report.model import Case, Record
from benchmarks.report.tables import LABELS, NONE, Table, label, seconds, times
from samenet.compare.cases import LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS
from samenet.compare.timing import Ratio
from samenet.output.formats import digits, duration

ONE = "one sample"
SMALL, FOUR_LAYERS, LARGE = "3-3-1", "3-3-3-1", "100-100-50-10"

# Seconds printed in the tutorial: its loops over arrays, and its matrix version.
PRINTED: dict[str, dict[str, float]] = {
    SMALL: {LOOPS_OVER_ARRAYS: 40e-6},
    FOUR_LAYERS: {LOOPS_OVER_ARRAYS: 70e-6, "numpy": 46e-6},
    LARGE: {LOOPS_OVER_ARRAYS: 41e-3, "numpy": 84e-6},
}


def table(record: Record) -> Table:
    """The tutorial's times and ours, side by side."""
    headings = (
        "network",
        "tutorial: loops",
        "tutorial: matrices",
        "tutorial: gain",
        *LABELS.values(),
        "arrays / NumPy",
    )
    rows = []
    for network, printed in PRINTED.items():
        loops, matrices = printed[LOOPS_OVER_ARRAYS], printed.get("numpy")
        gain = f"{duration(loops - matrices)}, {digits(loops / matrices)}x" if matrices else NONE
        case = record.case(network, ONE)
        ours = [seconds(case, name) if case else NONE for name in LABELS]
        ratio = times(case.ratio(LOOPS_OVER_ARRAYS, "numpy")) if case else NONE
        rows.append((network, _short(loops), _short(matrices), gain, *ours, ratio))
    return Table(headings, rows)


def _short(value: float | None) -> str:
    """As the tutorial prints it: 40 us."""
    return NONE if value is None else f"{value * 1e6:.0f} us" if value < 1e-3 else f"{value * 1e3:.0f} ms"


def answers(record: Record) -> list[str]:
    """A paragraph for each claim."""
    return [_fold(record.case(LARGE, ONE)), _gain(record.case(FOUR_LAYERS, ONE)), _growth(record), _vectors(record)]


def _fold(case: Case | None) -> str:
    begin = f"**“500 fold”** ({LARGE}: 41 ms by loops, 84 us by matrices, which is 488x). "
    arrays, lists = (case.ratio(n, "numpy") if case else None for n in (LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS))
    if case is None or arrays is None:
        return begin + "Not measured here."
    text = f"Here loops over arrays, like the tutorial's, take {times(arrays)} times as long as NumPy"
    text += f": {_against(arrays, 488)}."
    if lists:
        text += f" The same loops over lists take {times(lists)} times as long."
        price = times(case.ratio(LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS))
        text += f" So reading arrays one number at a time costs a factor of {price}."
    numba = case.ratio(LOOPS_OVER_ARRAYS, "numba")
    if numba:
        text += f" The loops over arrays take {times(numba)} times as long as Numba."
    return begin + text.replace("x [", " [")


def _against(ratio: Ratio, printed: float) -> str:
    if ratio.low <= printed <= ratio.high:
        return "it agrees within the interval"
    return f"{digits(ratio.estimate / printed)} times the tutorial's {digits(printed)}"


def _gain(case: Case | None) -> str:
    begin = f"**“A 24 us gain”** ({FOUR_LAYERS}: 70 us by loops, 46 us by matrices, which is 1.52x). "
    ratio = case.ratio(LOOPS_OVER_ARRAYS, "numpy") if case else None
    if case is None or ratio is None:
        return begin + "Not measured here."
    parts = []
    for name in (LOOPS_OVER_ARRAYS, LOOPS_OVER_LISTS):
        if (gain := case.ratio(name, "numpy")) is not None:
            difference = case.median(name) - case.median("numpy")
            word = "gains" if difference > 0 else "loses"
            parts.append(
                f"against {label(name)} NumPy {word} {duration(abs(difference))} "
                f"({seconds(case, name)} - {seconds(case, 'numpy')}; {times(gain)})"
            )
    return begin + "Here " + ", ".join(parts) + "."


def _growth(record: Record) -> str:
    begin = "**One more layer** (loops: 40 us with three layers, 70 us with four, which is 1.75x). "
    small, larger = record.case(SMALL, ONE), record.case(FOUR_LAYERS, ONE)
    if small is None or larger is None:
        return begin + "Not measured here."
    shown = [
        n for n in LABELS if n in small.rows and n in larger.rows and small.rows[n].speed_up and larger.rows[n].speed_up
    ]
    parts = [f"{label(n)} {digits(larger.median(n) / small.median(n))}x" for n in shown]
    return begin + "Here, by medians: " + ", ".join(parts) + "."


def _vectors(record: Record) -> str:
    """Where NumPy loses to plain loops, and where it wins, one sample at a time."""
    won: list[str] = []
    lost: list[str] = []
    tied: list[str] = []
    for case in (c for c in record.cases if c.operation == ONE):
        ratio = case.ratio(LOOPS_OVER_LISTS, "numpy")
        if ratio:
            kind = won if ratio.low > 1 else lost if ratio.high < 1 else tied
            kind.append(f"{case.network} ({times(ratio)})")
    text = "**“Vectors are faster than loops.”** One sample at a time, against loops over lists"
    parts = [f"{how} on {', '.join(some)}" for how, some in _kinds(won, lost, tied) if some]
    return f"{text}: {'; '.join(parts) or 'not measured here'}. The table has loops over arrays too."


def _kinds(won: list[str], lost: list[str], tied: list[str]) -> list[tuple[str, list[str]]]:
    return [("NumPy is slower", lost), ("there is no significant difference", tied), ("NumPy is faster", won)]
