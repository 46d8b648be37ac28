"""`python -m benchmarks peers`: compare samenet's Numba backend with other libraries; write peers.json.

The same cases in the same run, every answer checked first. New processes, alternating between one thread and two; then
each setting of a kind (kinds.py) in processes of its own, with one thread.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import chain
from typing import Any

from benchmarks import contenders, fresh, measure
from benchmarks.catalogue import PEERS
from benchmarks.contenders import registered
from benchmarks.limits import limit, median
from benchmarks.measure import Json, say
from benchmarks.peers import process
from benchmarks.report import figures
from benchmarks.report import peers as text
from benchmarks.report.kinds import in_words
from benchmarks.report.model import Outcome
from samenet.compare import environment

THREADS = (1, 2)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def install(names: Sequence[str]) -> int:
    """Install what the named contenders require, or all, each by itself: the others run without one that is not there.

    With pip, which takes the newest that any index has.
    """
    for peer in registered():
        if peer.requires and (not names or peer.name in names):
            say(f"installing {' '.join(peer.requires)}")
            if subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", *peer.requires]):
                say(f"without {peer.name}")
    return 0


def _set_threads(threads: int) -> None:
    """For a process to come, whose libraries read them when they load."""
    environment.set_threads(threads)
    contenders.set_variables(threads)


def passes(number: int, given: Sequence[object]) -> dict[int, list[Json]]:
    """What so many processes of each number of threads measure, by turns, by the number of threads."""
    found: dict[int, list[Json]] = {threads: [] for threads in THREADS}
    for i in range(number):
        for threads in THREADS:
            say(f"process {i + 1} of {number}, threads: {threads}")
            _set_threads(threads)
            found[threads].append(measure.in_process("peers", "--process", threads, *given))
    return found


def kinds(number: int, given: Sequence[object], settings: Sequence[tuple[int, str]]) -> list[list[Json]]:
    """What so many processes of each setting measure, all settings before any again."""
    _set_threads(1)
    found: list[list[Json]] = []
    for i in range(number):
        say(f"process {i + 1} of {number} for each of {len(settings)} settings")
        found.append(measure.in_process("peers", "--settings", json.dumps(settings), *given))
    return found


def together(several: dict[int, list[Json]], of_kinds: Sequence[list[Json]] = ()) -> Json:
    """Everything that processes measured: medians and intervals over them, and the limit of every case."""
    limits = {threads: median([one["machine"] for one in found]) for threads, found in several.items()}
    combined = [measure.combine([one["cases"] for one in found]) for found in several.values()]
    cases = [
        {**case, "limit_seconds": limit(case["work"], case["dtype"], case["threads"], limits[case["threads"]])}
        for case in (*chain(*combined), *measure.combine(of_kinds))
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
        help="cases with one of these words, as in: adam wide",
    )
    parser.add_argument("--settings", type=json.loads, help=argparse.SUPPRESS)  # be what starts the processes of these
    parser.add_argument("--process", type=int, choices=THREADS, help="be one of the processes, with so many threads")
    parser.add_argument("--install", action="store_true", help="install the other libraries here, and do no more")
    options = parser.parse_args(given)
    if options.settings is not None:
        print(json.dumps(process.settings(options.settings, options.seconds, options.quick)))
        return 0
    if options.process:
        print(json.dumps(process.measured(options.process, options.seconds, options.quick, options.only)))
        return 0
    if options.install:
        return install(options.only)
    environment.set_threads(1)
    run = measure.Run(parser, options.into, "peers.json", "peers.md", "peers.png", "kinds.png")
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
    given = ["--seconds", seconds, *(["--quick"] if options.quick else [])]
    words = ["--only", *options.only] if options.only else []
    settings = [
        (i, dtype)
        for i in process.chosen(options.quick, options.only, kinds=True)
        for dtype in PEERS[i].dtypes(options.quick)
    ]
    found = together(passes(repeats, [*given, *words]), kinds(repeats, given, settings))
    content: dict[str, Any] = {"absent": absent, **found}
    _set_threads(1)
    folder = run.write(options.quick, repeats, **content, once=fresh.once(modules, options.quick))
    for path in (*text.write(folder), *figures.draw_peers(folder)):
        print(path)
    print(in_words(Outcome.read(folder).settings))
    return 0 if measure.all_right(content["cases"], "samenet") else 1
