"""One process of `peers`: every case with a number of threads, its contenders checked, then timed interleaved."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from benchmarks.catalogue import PEERS, PeerCase
from benchmarks.contenders import registered
from benchmarks.expected import Expected, few
from benchmarks.inputs import mnist
from benchmarks.limits import machine, work
from benchmarks.measure import say
from benchmarks.problem import Array, Call, Descent, Forward, ready
from samenet.compare import timing
from samenet.compare.cases import Case, Contender
from samenet.compare.measurement import Result, measure
from samenet.testing.tolerance import Comparison

# Seconds per call: only a part of a longer task is timed.
_LONGEST_BATCH, _LONGEST_TRAINING = 0.1, 0.15

Make = Callable[[Any], Call | str]


class Answer(NamedTuple):
    """What is checked, and the error that is always allowed for its contender."""

    values: Array
    looser: float


def contenders(task: Forward | Descent) -> dict[str, tuple[str, Make]]:
    """By the name of each contender: its peer, and what makes it. Only of peers that are here and use the threads."""
    here = [peer for peer in registered() if not peer.missing() and (task.threads == 1 or peer.threaded)]
    return {name: (peer.name, way.make) for peer in here for name, way in peer.ways.items()}


def part(make: Make, task: Forward | Descent) -> Forward | Descent:
    """The whole task, or its first tenth, hundredth or less, so that a call does not take too long."""
    tried = task.part(max(10, task.amount // 1000))
    call = ready(make(tried))
    call.run()
    whole = timing.first_call(call.run) * task.amount / tried.amount
    longest = _LONGEST_BATCH if isinstance(task, Forward) else _LONGEST_TRAINING
    return next((task.part(max(1, task.amount // n)) for n in (1, 10, 100) if whole / n <= longest), tried)


def case(one: PeerCase, task: Forward | Descent) -> tuple[Case, dict[str, str], dict[str, str]]:
    """The case with its contenders; why others do not take part; what a reader has to know of each."""
    taking_part, left_out, notes = [], {}, {}
    small = few(task)
    for name, (peer, make) in contenders(task).items():
        checked = make(small)
        if isinstance(checked, str):
            left_out[name] = checked
            continue
        some = part(make, task)
        call, share = ready(make(some)), some.amount / (one.counted or task.amount)
        notes[name] = checked.note
        if share < 1:
            text = f"1/{round(1 / share)} of it was timed"
            notes[name] = f"{checked.note}; {text}" if checked.note else text
        taking_part.append(Contender(name, peer, call.run, partial(_answer, checked), share))
    expected = Expected(task)

    def check(answer: Answer) -> Comparison:
        return expected.compare(*answer)

    title = f"{one.network}, {one.operation}"
    return Case(title, tuple(taking_part), check), left_out, {n: text for n, text in notes.items() if text}


def _answer(call: Call) -> Answer:
    return Answer(call.read(call.run()), call.looser)


def as_json(result: Result) -> dict[str, Any]:
    """A result, with the ratio of every contender's time to that of the first, samenet's."""
    base = result.rows[0]
    ratios = [
        {"slow": row.name, "fast": base.name, **timing.ratio(row.seconds, base.seconds).as_json()}
        for row in result.rows[1:]
        if row.seconds is not None and base.seconds is not None
    ]
    noise = None if result.noise is None else result.noise._asdict()
    return {"title": result.title, "rows": [row.as_json() for row in result.rows], "ratios": ratios, "noise": noise}


def work_counted(task: Forward | Descent, counted: int) -> dict[str, float]:
    """The work of a case: a forward pass, or as many updates as its time is reported for."""
    sizes = task.network.sizes
    return work(sizes, task.amount) if isinstance(task, Forward) else work(sizes, counted * task.batch_size, counted)


def measured(threads: int, seconds: float, quick: bool) -> dict[str, Any]:
    """Every case with a number of threads, in float64 and float32, and the machine's limits."""
    limits = machine(quick)
    found = []
    for one in PEERS:
        if threads > 1 and not one.threads:
            continue
        for dtype in ("float64", "float32") if one.single else ("float64",):
            say(f"{one.network}, {one.operation}, {dtype}, threads: {threads}")
            task = one.task(quick, dtype, threads)
            made, left_out, notes = case(one, task)
            about = {"network": one.network, "operation": one.operation, "dtype": dtype, "threads": threads}
            about |= {"left_out": left_out, "notes": notes, "work": work_counted(task, one.counted)}
            found.append({**about, **as_json(measure(made, seconds))})
    return {"cases": found, "machine": limits, "images": mnist()[0]}
