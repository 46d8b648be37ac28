"""The run: every technique on and off, in several pairs of processes, written to results/.

python benchmarks/techniques [--quick] [--only WORDS] [--into FOLDER]
"""

import argparse
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != HERE]
sys.path.append(str(HERE.parent))  # last: it holds folders named asv and pytest

from samenet.compare import environment  # noqa: E402

COMPILED_AT_ONCE = 2


def one_process(case: str) -> None:
    """Get a case ready, say how that went, then for each line, a number, print the seconds of so many calls."""
    import gc

    import samenet
    from techniques.cases import Ready

    ready = Ready(case)
    found = ready.comparison
    about = {"ok": found.ok, "observed": found.observed, "allowed": found.allowed, "problem": found.problem}
    about |= {"first_call": ready.first_call, "package": str(Path(samenet.__file__).parent)}
    print(json.dumps(about), flush=True)
    gc.disable()
    for line in sys.stdin:
        print(ready.seconds(int(line)), flush=True)


def measured(chosen: list[Any], number: int, seconds: float) -> list[dict[str, Any]]:
    """Every technique in so many pairs of processes; all of them once before any a second time."""
    from techniques.pair import CASES, Process, copy, sides, timed, together

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
                if not CASES[case].first:
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
                if i and CASES[technique.case].first:
                    continue  # to compile takes a minute, and cannot be told from chance by a few per cent anyway
                say(f"{i + 1} of {number}: {technique.name}")
                pairs[technique].append(timed(technique, *places[technique], seconds))
        return [together(technique, found) for technique, found in pairs.items()]


def say(text: str) -> None:
    """Progress, to the side of the output."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Measure, write techniques.json and techniques.md; returns 1 if an answer was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one pair of processes, nothing compiled anew")
    parser.add_argument("--only", default="", help="the techniques with these words in their names")
    parser.add_argument("--into", type=Path, help="the folder to write to, results/MACHINE-DATE unless given")
    parser.add_argument("--process", help="be one of the processes, for a case")
    options = parser.parse_args()
    environment.set_threads(1)
    if options.process:
        one_process(options.process)
        return 0
    import processes
    from measure import folder_name

    from samenet.output import files
    from techniques import ROOT, TECHNIQUES, text

    chosen = [
        t for t in TECHNIQUES if options.only in t.name and not (options.quick and not options.only and t.changes)
    ]
    if not chosen:
        parser.error(f"--only {options.only!r}: no technique has that in its name")
    number, seconds = (1, 0.2) if options.quick else (3, 1.0)
    around = environment.describe()
    written = ("techniques.json", "techniques.md")
    folder = files.writable_or_exit(parser, options.into or ROOT / "results" / folder_name(around), *written)
    found = measured(chosen, number, seconds)
    content = {
        "environment": {**around, "commit": processes.version_of_source(ROOT)},
        "quick": options.quick,
        "repeats": number,
        "techniques": found,
    }
    files.write_text(folder / "techniques.json", json.dumps(content, indent=1) + "\n")
    for path in text.write(folder):
        print(path)
    return 0 if all(row["ok"] for one in found for row in one["rows"]) else 1


if __name__ == "__main__":
    sys.exit(main())
