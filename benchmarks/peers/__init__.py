"""`python -m benchmarks peers`: compare samenet's Numba backend with other libraries; write peers.json.

All libraries run the same cases in the same run, and every answer is checked first. The cases run in new processes,
alternating between one thread and two; then each setting of a kind (kinds.py) runs in separate processes, with one
thread. With --draw, settings drawn at random (draw.py) in place of all of these, into drawn-SEED.json, .md and .png.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import chain
from typing import Any

from benchmarks import contenders, fresh, measure
from benchmarks.contenders import registered
from benchmarks.limits import limit, median
from benchmarks.measure import Json, say
from benchmarks.peers import process
from benchmarks.report import figures
from benchmarks.report import kinds as of_kinds
from benchmarks.report import peers as text
from benchmarks.report.model import Outcome, Setting
from samenet.compare import environment, timing

THREADS = (1, 2)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def install(names: Sequence[str]) -> int:
    """Install the requirements of the named contenders, or of all, separately, so that a missing one does not affect
    the others.

    This uses pip, which takes the newest version from any index.
    """
    for peer in registered():
        if peer.requires and (not names or peer.name in names):
            say(f"installing {' '.join(peer.requires)}")
            if subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", *peer.requires]):
                say(f"without {peer.name}")
    return 0


def _set_threads(threads: int) -> None:
    """Set the variables for a new process, whose libraries read them when they load."""
    environment.set_threads(threads)
    contenders.set_variables(threads)


def passes(number: int, given: Sequence[object], of: Sequence[int] = THREADS) -> dict[int, list[Json]]:
    """The measurements of this many processes for each number of threads, alternating, by number of threads."""
    found: dict[int, list[Json]] = {threads: [] for threads in of}
    for i in range(number):
        for threads in of:
            say(f"process {i + 1} of {number}, threads: {threads}")
            _set_threads(threads)
            found[threads].append(measure.in_process("peers", "--process", threads, *given))
    return found


def kinds(number: int, given: Sequence[object], settings: Sequence[tuple[int, str]]) -> list[list[Json]]:
    """The measurements of this many processes for each setting; all settings run once before any runs again."""
    _set_threads(1)
    found: list[list[Json]] = []
    for i in range(number):
        say(f"process {i + 1} of {number} for each of {len(settings)} settings")
        found.append(measure.in_process("peers", "--settings", json.dumps(settings), *given))
    return found


def again(found: Sequence[list[Json]], ratio: float, measured: Callable[[list[int]], list[list[Json]]]) -> None:
    """Measure those below a ratio once more, by their places; the second time counts, whatever it says."""
    first = [of_kinds.ratio(Setting.read({**case, "limit_seconds": 0.0})) for case in measure.combine(found)]
    below = [i for i, estimate in enumerate(first) if estimate is not None and estimate < ratio]
    if below:
        for process_found, second in zip(found, measured(below), strict=True):
            for i, case in zip(below, second, strict=True):
                process_found[i] = {**case, "first_ratio": first[i]}


def together(several: dict[int, list[Json]], kinds: Sequence[list[Json]] = ()) -> Json:
    """The combined measurements: medians and intervals over processes, and the limit of every case."""
    limits = {threads: median([one["machine"] for one in found]) for threads, found in several.items()}
    combined = [measure.combine([one["cases"] for one in found]) for found in several.values()]
    cases = [
        {**case, "limit_seconds": limit(case["work"], case["dtype"], case["threads"], limits[case["threads"]])}
        for case in (*chain(*combined), *measure.combine(kinds))
    ]
    return {"cases": cases, "machine": limits, "images": several[THREADS[0]][0]["images"]}


def main(given: Sequence[str]) -> int:
    """Measure, write peers.json, peers.md and peers.png; returns 1 if a contender of samenet's was wrong."""
    parser = measure.parser("peers", __doc__, "one short process of each, to see that it works")
    parser.add_argument("--seconds", type=float, default=1.0, help="roughly what the timing of a case takes")
    parser.add_argument("--repeats", type=int, default=3, help="processes of each number of threads")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="WORD",
        help="cases with one of these words, as in: adam wide; with --install, libraries",
    )
    parser.add_argument("--draw", type=int, default=0, metavar="COUNT", help="so many settings drawn at random instead")
    parser.add_argument("--seed", type=int, default=0, help="of the settings that are drawn")
    parser.add_argument("--at", type=int, nargs="+", metavar="NO", help="of the settings that are drawn, these alone")
    parser.add_argument(
        "--again", type=float, default=0.0, metavar="RATIO", help="measure settings below it once more, which counts"
    )
    parser.add_argument(
        "--busy", action="store_true", help="count the processor's time: for a machine that has other work to do"
    )
    parser.add_argument("--settings", type=json.loads, help=argparse.SUPPRESS)  # be what starts the processes of these
    parser.add_argument("--process", type=int, choices=THREADS, help="be one of the processes, with so many threads")
    parser.add_argument("--install", action="store_true", help="install the other libraries here, and do no more")
    options = parser.parse_args(given)
    drawn = process.Draw(options.draw, options.seed)
    if options.busy:
        timing.clock = time.process_time
    if options.settings is not None:
        print(json.dumps(process.settings(options.settings, options.seconds, options.quick, drawn)))
        return 0
    if options.process:
        found = process.measured(options.process, options.seconds, options.quick, options.only, drawn)
        print(json.dumps(found))
        return 0
    if options.install:
        return install(options.only)
    if options.draw < 0 or options.seed < 0:
        name, least = ("--draw", 1) if options.draw < 0 else ("--seed", 0)
        parser.error(f"{name}: expected {least} or more")
    if options.draw and options.into is None:
        parser.error("--draw: expected --into, a folder of its own")
    if bad := [place for place in options.at or () if not 0 <= place < options.draw]:
        parser.error(f"--at: expected numbers from 0 to below --draw, got {bad[0]}")
    environment.set_threads(1)
    name = drawn.name
    run = measure.Run(parser, options.into, *(f"{name}.{kind}" for kind in ("json", "md", "png")), "kinds.png")
    repeats, seconds = (1, 0.1) if options.quick else (options.repeats, options.seconds)
    every = registered()
    absent = {peer.name: reason for peer in every if (reason := peer.missing())}
    for peer in every:
        if peer.name in absent:
            how = "; python -m benchmarks peers --install may install it" if peer.requires else ""
            say(f"{peer.name} is absent: {absent[peer.name]}{how}")
    packages = sorted({package for peer in every for package in peer.distributions})
    run.environment["packages"] = {package: _version(package) for package in packages}
    modules = [peer.module for peer in every if peer.module and find_spec(peer.module.partition(".")[0])]
    given = [
        "--seconds",
        seconds,
        *(["--quick"] if options.quick else []),
        "--draw",
        drawn.number,
        "--seed",
        drawn.seed,
    ]
    given += ["--busy"] if options.busy else []
    words = ["--only", *options.only] if options.only else []
    settings = [
        (i, dtype)
        for i in process.chosen(options.quick, options.only, kinds=True, drawn=drawn)
        if options.at is None or i in options.at
        for dtype in drawn.cases()[i].dtypes(options.quick)
    ]
    several = passes(repeats, [*given, *words], THREADS[:1] if drawn.number else THREADS)
    found = kinds(repeats, given, settings)
    again(found, options.again, lambda places: kinds(repeats, given, [settings[i] for i in places]))
    content: dict[str, Any] = {"absent": absent, "busy": options.busy, **together(several, found)}
    _set_threads(1)
    if drawn.number:
        content["draw"] = drawn._asdict()
    else:
        content["once"] = fresh.once(modules, options.quick)
    folder = run.write(options.quick, repeats, **content)
    for path in (*text.write(folder, name), *figures.draw_peers(folder, name)):
        print(path)
    print(of_kinds.in_words(Outcome.read(folder, name).settings))
    return 0 if measure.all_right(content["cases"], "samenet") else 1
