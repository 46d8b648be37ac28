"""One process of `peers`: cases with a number of threads, their contenders checked, then timed interleaved."""

import multiprocessing
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

from benchmarks import draw
from benchmarks.catalogue import PEERS
from benchmarks.contenders import registered
from benchmarks.expected import Expected, few
from benchmarks.inputs import mnist
from benchmarks.kinds import PeerCase
from benchmarks.limits import machine, work
from benchmarks.measure import say
from benchmarks.problem import Array, Call, Descent, Forward, Gradient, Many, Task, ready
from samenet.compare import timing
from samenet.compare.cases import Case, Contender
from samenet.compare.measurement import Result, measure
from samenet.testing.tolerance import Comparison

# Seconds per call: only a part of a longer task is timed.
_LONGEST_BATCH, _LONGEST_TRAINING, _LONGEST_OF_A_KIND = 0.1, 0.15, 0.25

Make = Callable[[Any], Call | str]


class Draw(NamedTuple):
    """Settings drawn at random in place of the catalogue's: how many, none for the catalogue; and the seed."""

    number: int = 0
    seed: int = 0

    @property
    def name(self) -> str:
        """Of the files that it is written to."""
        return f"drawn-{self.seed}" if self.number else "peers"

    def cases(self) -> Sequence[PeerCase]:
        """What is measured."""
        return draw.cases(*self) if self.number else PEERS


CATALOGUE = Draw()


class Answer(NamedTuple):
    """An answer to be checked, and the error that is always allowed for its contender."""

    values: Array
    looser: float


def contenders(task: Task, kind: str = "") -> dict[str, tuple[str, Make]]:
    """For each contender, by name: its peer, and the function that makes its call. Only peers that are installed and
    use the threads.

    For a kind of settings, ways that are never the fastest are left out.
    """
    here = [peer for peer in registered() if not peer.missing() and (task.threads == 1 or peer.threaded)]
    found = [(name, peer, way) for peer in here for name, way in peer.ways.items()]
    return {name: (peer.name, way.make) for name, peer, way in found if not (kind and way.model)}


def part(make: Make, task: Task) -> Task:
    """The whole task, or its first tenth, hundredth or less, so that a call does not take too long."""
    tried = task.part(max(10, task.amount // 1000))
    call = ready(make(tried))
    call.run()
    whole = timing.first_call(call.run) * task.amount / tried.amount
    longest = _LONGEST_BATCH if isinstance(task, Forward) else _LONGEST_TRAINING
    return next((task.part(max(1, task.amount // n)) for n in (1, 10, 100) if whole / n <= longest), tried)


def tenth(make: Make, task: Task) -> Task:
    """A task of a kind, which takes most contenders some milliseconds, or a tenth of it for slow contenders.

    Batches and many networks are not divided, because a part of them is a different computation; nor are calls of which
    the contender cannot do a tenth.
    """
    if not isinstance(task, Descent):
        return task
    call = ready(make(task))
    call.run()
    if timing.first_call(call.run) <= _LONGEST_OF_A_KIND:
        return task
    part = task.part(max(1, task.amount // 10))
    return task if isinstance(make(part), str) else part


def case(one: PeerCase, task: Task) -> tuple[Case, dict[str, str], dict[str, str]]:
    """The case with its contenders; the reasons why others do not take part; and notes on each for the reader."""
    taking_part, left_out, notes = [], {}, {}
    small = few(task)
    for name, (peer, make) in contenders(task, one.kind).items():
        checked = make(small)
        if isinstance(checked, str):
            left_out[name] = checked
            continue
        some = tenth(make, task) if one.kind else part(make, task)
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


def work_counted(task: Task, counted: int) -> dict[str, float]:
    """The work of a case: a forward pass, or the updates for which its time is reported."""
    sizes = task.network.sizes
    if isinstance(task, Forward | Gradient):
        return work(sizes, task.amount, backward=isinstance(task, Gradient))
    counted = counted or task.amount
    return work(sizes, counted * (task.one if isinstance(task, Many) else task).batch_size, counted)


def setting(one: PeerCase, dtype: str, threads: int, seconds: float, quick: bool) -> dict[str, Any]:
    """One case in one dtype with a number of threads."""
    say(f"{one}, {dtype}, threads: {threads}")
    task = one.task(quick, dtype, threads)
    made, left_out, notes = case(one, task)
    about = {"network": one.network, "operation": one.operation, "kind": one.kind, "dtype": dtype, "threads": threads}
    about |= {"left_out": left_out, "notes": notes, "work": work_counted(task, one.counted)}
    return {**about, **as_json(measure(made, seconds))}


def settings(
    wanted: Sequence[tuple[int, str]], seconds: float, quick: bool, drawn: Draw = CATALOGUE
) -> list[dict[str, Any]]:
    """Settings by their places among the cases and dtypes, with one thread, each in a process of its own.

    On Linux that is a copy of this one, which has imported the libraries and done nothing else: that takes longer than
    a setting. Elsewhere libraries may not survive a copy.
    """
    for peer in registered():
        if peer.module and not peer.missing():
            import_module(peer.module)
    copies = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    found = []
    for place, dtype in wanted:
        receiver, sender = copies.Pipe(duplex=False)
        copy = copies.Process(target=_send, args=(sender, drawn, place, dtype, seconds, quick))
        copy.start()
        sender.close()
        try:
            found.append(receiver.recv())
        except EOFError:
            raise RuntimeError(f"the process of {drawn.cases()[place]}, {dtype} ended without an answer") from None
        finally:
            copy.join()
    return found


def _send(sender: Any, drawn: Draw, place: int, dtype: str, seconds: float, quick: bool) -> None:
    sender.send(setting(drawn.cases()[place], dtype, 1, seconds, quick))


def chosen(quick: bool, only: Sequence[str], kinds: bool, drawn: Draw = CATALOGUE) -> list[int]:
    """The places among the cases of those of a kind, or of the others, whose names have one of these words."""
    named = [(i, one, f"{one.kind} {one}".replace(",", " ").split()) for i, one in enumerate(drawn.cases())]
    of = [(i, one, words) for i, one, words in named if bool(one.kind) is kinds and (one.quick or not quick)]
    return [i for i, one, words in of if not only or one.kind in only or not set(only).isdisjoint(words)]


def measured(
    threads: int, seconds: float, quick: bool, only: Sequence[str] = (), drawn: Draw = CATALOGUE
) -> dict[str, Any]:
    """Every case that is not of a kind, with this number of threads, in its dtypes, and the machine's limits."""
    limits = machine(threads, quick)
    cases = [drawn.cases()[i] for i in chosen(quick, only, kinds=False, drawn=drawn)]
    found = [
        setting(one, dtype, threads, seconds, quick)
        for one in cases
        if threads == 1 or one.threads
        for dtype in one.dtypes(quick)
    ]
    return {"cases": found, "machine": limits, "images": mnist()[0] if cases else ""}
