"""`python -m benchmarks techniques`: time each technique on and off in pairs of processes; write techniques.json."""

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.measure import say
from benchmarks.report import techniques
from benchmarks.techniques import TECHNIQUES
from benchmarks.techniques.cases import one_process
from benchmarks.techniques.pair import Process, copy, is_cold, sides, timed, together
from samenet.compare import environment

COMPILED_AT_ONCE = 2


def measured(chosen: list[Any], number: int, seconds: float) -> list[dict[str, Any]]:
    """Every technique in `number` pairs of processes; all of them once before any a second time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packages: dict[Any, Path] = {}
        for changes in [(), *(t.changes for t in chosen)]:
            if changes not in packages:
                packages[changes] = copy(folder / str(len(packages)), changes)
        places = {t: (packages[()], packages[t.changes]) for t in chosen}

        needed: dict[Path, set[str]] = {package: set() for package in packages.values()}
        for technique in chosen:
            for _, package, case in sides(technique, *places[technique]):
                if not is_cold(case):
                    needed[package].add(case)

        def compile_all(package: Path) -> None:
            for case in sorted(needed[package]):
                with Process(package, case) as process:
                    process.ready()

        say(f"compiling the package and {len(packages) - 1} changed ones")
        with ThreadPoolExecutor(COMPILED_AT_ONCE) as pool:
            list(pool.map(compile_all, needed))
        pairs: dict[Any, list[Any]] = {t: [] for t in chosen}
        for i in range(number):
            for technique in chosen:
                if i and is_cold(technique.case):
                    continue  # compiling takes a minute, and a difference of a few per cent would be noise anyway
                say(f"{i + 1} of {number}: {technique.name}")
                pairs[technique].append(timed(technique, *places[technique], seconds))
        return [together(technique, found) for technique, found in pairs.items()]


def main(given: Sequence[str]) -> int:
    """Measure, write techniques.json and techniques.md; returns 1 if an answer was wrong."""
    parser = measure.parser("techniques", __doc__, "one pair of processes, without recompiling")
    parser.add_argument("--only", default="", help="only techniques with this text in their names")
    parser.add_argument("--process", help="run as one of the processes, for a case")
    options = parser.parse_args(given)
    if options.process:
        one_process(options.process)
        return 0
    environment.set_threads(1)  # for the subprocesses: libraries loaded here have already read their variables
    chosen = [
        t for t in TECHNIQUES if options.only in t.name and not (options.quick and not options.only and t.changes)
    ]
    if not chosen:
        parser.error(f"--only {options.only!r}: no technique has that in its name")
    number, seconds = (1, 0.2) if options.quick else (5, 1.0)
    run = measure.Run(parser, options.into, "techniques.json", "techniques.md")
    found = measured(chosen, number, seconds)
    for path in techniques.write(run.write(options.quick, number, techniques=found)):
        print(path)
    return 0 if measure.all_right(found) else 1
