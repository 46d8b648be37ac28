"""Mutation testing: the code is changed in one small place at a time, and the tests must fail.

    python tests/hardening/mutants.py --sample 300 --seed 1          # as `make mutants`
    python tests/hardening/mutants.py --sample 60 --files 'interface/training/*.py'

Each mutation (see `changes.py`) is made in a copy of the tree, never in the tree itself. First all tests run once
without the JIT, in that copy, to record which lines each of them runs; then, for each mutant, those that run its line,
until one fails. Mutants of code that generates instructions also run compiled. Survivors are printed, and the exit
status is 1 if fewer than 97 % of the mutants were killed, not counting equivalent ones, which `equivalents.toml` lists.
"""

import argparse
import fnmatch
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import coverage

sys.path.insert(0, str(Path(__file__).parent))
from changes import Change, changes
from inside import NOTHING_CHANGED

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("interface", "reference", "fast")
# Code for the compiler, or for several threads: without the JIT, plain functions run in its place.
_CODEGEN = ("compiling", "vector", "generated", "microkernels", "registers")
_NAMES = (*(f"codegen/{name}" for name in _CODEGEN), "parallel", "sparse_input", "backward", "inference")
COMPILED = [f"fast/kernels/{name}.py" for name in _NAMES]
COMPILED_TESTS = ["tests/test_contract.py", "tests/test_predictor.py", "tests/test_same_bits.py"]
TARGET = 0.97


# --- the copy, and pytest in it ---------------------------------------------------------------------------------------


class Tree:
    """A copy of all files that git knows or would add, with a package `samenet` that is found before any other."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root, self.site = folder, folder / "tree", folder / "site"
        shutil.rmtree(folder, ignore_errors=True)
        names = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
        )
        for name in filter(None, names.stdout.split("\0")):
            if (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.root / name)
        packages = tomllib.loads((self.root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
        for package, place in sorted(packages.items()):
            target = self.site / package.replace(".", "/")
            if len(package.split(".")) == 1:  # a folder of links, so that others can stand in it
                target.mkdir(parents=True)
                for path in (self.root / place).iterdir():
                    (target / path.name).symlink_to(path)
            elif not target.exists():
                target.symlink_to(self.root / place)

    def start(self, arguments: list[str], fds: tuple[int, ...] = (), **environ: str) -> subprocess.Popen[bytes]:
        """Start pytest, which writes to the file `log`."""
        paths = os.pathsep.join([str(self.site), str(Path(__file__).parent)])
        env = os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"} | environ
        command = [sys.executable, "-m", "pytest", "-q", "-p", "inside", "-p", "no:cacheprovider", *arguments]
        with (self.folder / "log").open("a") as log:
            return subprocess.Popen(
                command, cwd=self.root, env=env, pass_fds=fds, stdout=log, stderr=log, start_new_session=True
            )

    def pytest(self, arguments: list[str], limit: float, **environ: str) -> int | None:
        """Run pytest; returns its exit status, or None if it exceeded the time limit."""
        child = self.start(arguments, **environ)
        try:
            return child.wait(limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if child.returncode is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


class Server:
    """A pytest process that has loaded all tests, and runs some in a child with one mutation; see `inside.py`."""

    def __init__(self, tree: Tree) -> None:
        (read, self.requests), (self.answers, write) = os.pipe(), os.pipe()
        arguments = ["-m", "not compiled", "-s", "tests"]
        serve = f"{read},{write}"
        self.process = tree.start(arguments, (read, write), NUMBA_DISABLE_JIT="1", MUTANTS_SERVE=serve)
        os.close(read)
        os.close(write)
        self.lines = os.fdopen(self.answers)
        assert self.lines.readline() == "ready\n", (tree.folder / "log").read_text()

    def run(self, path: Path, text: str, tests: list[str], limit: float) -> int:
        """The status of a run of these tests with another text of a file: 0 if all passed."""
        request = {"file": str(path), "text": text, "tests": tests, "limit": limit}
        os.write(self.requests, (json.dumps(request) + "\n").encode())
        return int(self.lines.readline())

    def stop(self) -> None:
        os.close(self.requests)
        self.process.wait()


class Tests:
    """The lines that each test runs."""

    def __init__(self, tree: Tree, again: bool) -> None:
        self.tree, self.record = tree, ROOT / "build" / "mutants.coverage"
        if again or not self.record.exists():
            print("once all tests, to see which lines each of them runs", flush=True)
            self.record.parent.mkdir(exist_ok=True)
            self.record.unlink(missing_ok=True)
            tree.pytest(["-m", "not compiled", "tests"], 3600, NUMBA_DISABLE_JIT="1", MUTANTS_RECORD=str(self.record))
        self.seconds = json.loads(Path(f"{self.record}.json").read_text())
        if len(self.seconds) < 1000:
            raise SystemExit(f"only {len(self.seconds)} tests pass without any mistake: see {tree.folder / 'log'}")
        self.data = coverage.CoverageData(str(self.record))
        self.data.read()
        self.files = {Path(name).relative_to(tree.root).as_posix(): name for name in self.data.measured_files()}
        self.by_line: dict[str, dict[int, list[str]]] = {}

    def of(self, change: Change, budget: float) -> list[list[str]]:
        """The tests that run a mutation's lines, or, if these are few, the file's lines: the nearest first."""
        if change.file not in self.files:
            return []
        if change.file not in self.by_line:
            self.by_line[change.file] = self.data.contexts_by_lineno(self.files[change.file])
        by_line = self.by_line[change.file]
        first, last = change.lines if change.function else (0, -1)
        tests = {test for line in range(first, last + 1) for test in by_line.get(line, [])} & self.seconds.keys()
        wider: set[str] = set()
        if len(tests) < 10:  # the line runs when its file is loaded, or its result was cached
            wider = {test for line in by_line.values() for test in line} & self.seconds.keys() - tests
        return [part for some in (tests, wider) for part in self._parts(some, budget) if part]

    def is_loading(self, change: Change) -> bool:
        """Whether its lines also run when modules are loaded."""
        return any(
            "" in self.by_line[change.file].get(line, []) for line in range(change.lines[0], change.lines[1] + 1)
        )

    def _parts(self, tests: set[str], budget: float) -> Iterator[list[str]]:
        """As many tests as the budget allows: one of each test function, all of the nearest two files, another of each,
        ...

        The nearest files are those with the largest share of their tests among these, because they test this code.
        """
        turns: Counter[str] = Counter()
        turn = {}
        for test in sorted(tests, key=self.seconds.__getitem__):
            turns[test.split("[")[0]] += 1
            turn[test] = turns[test.split("[")[0]]
        covering, whole = (Counter(test.split("::")[0] for test in some) for some in (tests, self.seconds))
        near = sorted(covering, key=lambda file: covering[file] / whole[file], reverse=True)

        def place(test: str) -> tuple[bool, int, float]:
            return turn[test] > 1 and test.split("::")[0] not in near[:2], turn[test], self.seconds[test]

        files: dict[str, list[str]] = {file: [] for file in near}
        for test in sorted(tests, key=place):
            budget -= self.seconds[test]
            if budget > 0:
                files[test.split("::")[0]].append(test)
        for part in (near[:2], near[2:6], near[6:]):  # because collecting the tests of many files takes seconds
            yield sorted((test for file in part for test in files[file]), key=place)


def survives(change: Change, tree: Tree, tests: Tests, server: Server | None, budget: float, limit: float) -> str:
    """ "" if the mutation was noticed, else how it survived."""
    path = tree.root / change.file
    text = path.read_text(encoding="utf-8")
    changed, parts = change.applied(text), tests.of(change, budget)
    try:
        if server and parts and change.function:
            status = server.run(path, changed, [test for part in parts for test in part], limit)
            if status not in (0, NOTHING_CHANGED):
                return ""
            if status == NOTHING_CHANGED or tests.is_loading(change):
                server = None
        path.write_text(changed, encoding="utf-8")
        if not server or not change.function:
            for number, part in enumerate(parts):
                names = tree.folder / f"tests{number}.json"
                names.write_text(json.dumps(part))
                given = ["-x", *dict.fromkeys(test.split("::")[0] for test in part)]
                if tree.pytest(given, limit, NUMBA_DISABLE_JIT="1", MUTANTS_TESTS=str(names)) != 0:
                    return ""
        if change.file in COMPILED:
            cache = tree.folder / "cache"
            status = tree.pytest(["-x", "-k", "numba", *COMPILED_TESTS], 3 * limit, NUMBA_CACHE_DIR=str(cache))  # type: ignore[assignment]
            shutil.rmtree(cache, ignore_errors=True)
            return "" if status != 0 else "compiled, too"
        return "without the JIT" if parts else "no test runs it"
    finally:
        path.write_text(text, encoding="utf-8")


# --- the command ------------------------------------------------------------------------------------------------------


def is_equivalent(change: Change, known: dict[str, list[dict[str, str]]]) -> bool:
    """Whether it is in the list, by its lines or as one of a kind."""
    names = ("file", "function", "before", "after")
    if any(all(_is_like(getattr(change, name), entry[name]) for name in names) for entry in known["equivalent"]):
        return True
    return any(fnmatch.fnmatch(change.file, kind["file"]) and _is_of(change, kind) for kind in known["kind"])


def outdated(known: dict[str, list[dict[str, str]]], every: Sequence[Change]) -> list[dict[str, str]]:
    """The entries of the list that match no mutation, because the code that they are about has changed."""
    entries = [(entry, {"equivalent": [entry], "kind": []}) for entry in known["equivalent"]]
    entries += [(kind, {"equivalent": [], "kind": [kind]}) for kind in known["kind"]]
    return [entry for entry, alone in entries if not any(is_equivalent(change, alone) for change in every)]


def _is_of(change: Change, kind: dict[str, str]) -> bool:
    """Whether the mutation only replaces one fragment by another, ignoring parentheses and spaces."""
    before, after, old, new = (_bare(text) for text in (change.before, change.after, kind["before"], kind["after"]))
    at = before.find(old)
    while at >= 0:
        if before[:at] + new + before[at + len(old) :] == after:
            return True
        at = before.find(old, at + 1)
    return False


def _bare(text: str) -> str:
    return text.translate(dict.fromkeys(map(ord, "() ")))


def _is_like(text: str, entry: str) -> bool:
    """Whether they are equal; an entry that ends in three dots matches everything that begins with it."""
    return text.startswith(entry[:-3]) if entry.endswith("...") else text == entry


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=300, help="how many mistakes (default: 300)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="which (default: any)")
    parser.add_argument("--files", nargs="+", default=[], help="patterns of paths (default: all code)")
    parser.add_argument(
        "--seconds", type=float, default=120.0, help="of tests for a mistake, as measured (default: 120)"
    )
    parser.add_argument("--limit", type=float, default=240.0, help="seconds until a run has failed (default: 240)")
    parser.add_argument("--keep-map", action="store_true", help="do not see again which lines each test runs")
    parser.add_argument("--verbose", action="store_true", help="print how long each mistake took")
    parser.add_argument(
        "--list-equivalents", action="store_true", help="print the mistakes that change nothing, and stop"
    )
    options = parser.parse_args()
    known = tomllib.loads((Path(__file__).parent / "equivalents.toml").read_text(encoding="utf-8"))
    files = sorted(path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    files = [file for file in files if not options.files or any(fnmatch.fnmatch(file, p) for p in options.files)]
    every = [change for file in files for change in changes(ROOT, file)]
    for entry in [] if options.files else outdated(known, every):
        print("{file}: remove from the list what is no longer in the code: {before}".format(**entry))
    if options.list_equivalents:
        for entry in known["equivalent"]:
            print("{file}: {function}\n  - {before}\n  + {after}\n  {reason}".format(**entry))
        for kind in known["kind"]:
            print("{file}: all of\n  - {before}\n  + {after}\n  {reason}".format(**kind))
        return 0
    chosen = random.Random(options.seed).sample(every, min(options.sample, len(every)))
    print(f"{len(chosen)} of {len(every)} mistakes in {len(files)} files, --seed {options.seed}", flush=True)
    tree = Tree(ROOT / "build" / "mutants")
    tests = Tests(tree, not options.keep_map)
    server = Server(tree)
    noticed, equivalent, times, begin = 0, 0, [], time.perf_counter()
    for number, change in enumerate(chosen, 1):
        if is_equivalent(change, known):
            equivalent += 1
            continue
        start = time.perf_counter()
        how = survives(change, tree, tests, server, options.seconds, options.limit)
        times.append(time.perf_counter() - start)
        noticed += not how
        if options.verbose:
            print(f"{number}: {times[-1]:.1f} s, {change.file}:{change.lines[0]} {'lives' if how else ''}", flush=True)
        if how:
            print(f"{number}: {change.file}:{change.lines[0]} {change.function} ({how})", flush=True)
            print(f"  - {change.before}\n  + {change.after}", flush=True)
    server.stop()
    count, minutes = max(len(times), 1), (time.perf_counter() - begin) / 60
    print(f"{noticed} of {len(times)} noticed ({noticed / count:.1%}); {equivalent} more change nothing")
    print(f"{sorted([0.0, *times])[-(count // 2) - 1]:.1f} s each in the median, {minutes:.0f} minutes in all")
    return 0 if noticed >= TARGET * count else 1


if __name__ == "__main__":
    sys.exit(main())
