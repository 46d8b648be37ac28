"""The contract's tests, compiled, with the oldest and newest versions, and with code for other processors.

    python tests/hardening/matrix.py

The oldest versions are the lower bounds in pyproject.toml, or the first release for that Python if that is later; the
newest are what pip finds. Each cell has its own virtual environment outside the tree, with a wheel of the tree, and its
own Numba cache. A processor is a target of Numba: the code uses its instructions, and runs here. Prints a table; exit
status 1 if a cell fails. Bits: digests of what the reference and Numba train, which are equal between Pythons and
versions if every bit is.
"""

import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
FIRST = {("numpy", "3.13"): "2.1.2"}  # the first release that we support there
TESTS = (
    *("agreement", "caching", "concurrency", "contract", "golden", "inputs", "kernels", "predictor", "properties"),
    *("refusals", "same_bits", "training", "uninterrupted"),
)
NEEDED = (
    *(
        "pytest",
        "pytest-benchmark",
        "hypothesis",
        "pandas",
        "matplotlib",
        "scikit-learn",
        "threadpoolctl",
        "typer>=0.29",
    ),
)
_BASIC = "+64bit,+cmov,+cx8,+fxsr,+mmx,+sse,+sse2"
_NEHALEM = f"{_BASIC},+sse3,+ssse3,+sse4.1,+sse4.2,+cx16,+popcnt,+sahf"
_HASWELL = f"{_NEHALEM},+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+xsave"
PROCESSORS = {
    "this one": {},
    "haswell": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": _HASWELL},
    "nehalem": {"NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": _NEHALEM},
    "generic": {"NUMBA_CPU_NAME": "generic"},
}


@dataclass(frozen=True)
class Cell:
    """One column of versions, on one Python, for one processor."""

    python: str
    versions: str
    processor: str = "this one"

    def __str__(self) -> str:
        return f"{self.python} {self.versions} {self.processor}"


CELLS = (
    *(Cell(python, versions) for python in PYTHONS for versions in ("oldest", "newest")),
    *(Cell("3.11", "oldest", processor) for processor in ("haswell", "nehalem")),
    *(Cell("3.13", "newest", processor) for processor in ("haswell", "nehalem", "generic")),
)


def interpreter(version: str) -> str | None:
    """The path of this Python: on PATH, or from pyenv."""
    root = os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))
    found = [path for path in sorted(glob.glob(f"{root}/versions/{version}.*/bin/python")) if os.access(path, os.X_OK)]
    return found[-1] if found else shutil.which(f"python{version}")


def requirements(cell: Cell) -> list[str]:
    """The packages that pip installs besides the wheel: its requirements, at their lower bounds for the oldest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    if cell.versions == "newest":
        return list(project["dependencies"])
    oldest = []
    for line in project["dependencies"]:
        name, bound = re.fullmatch(r"([\w-]+)>=([\d.]+).*", line).groups()  # type: ignore[union-attr]
        bound = FIRST.get((name, cell.python), bound)
        oldest.append(f"{name}=={bound}")
    return oldest


def clean() -> dict[str, str]:
    """The environment without variables that affect Python or Numba."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("NUMBA_", "PYTHON"))}


def run(command: list[str], where: Path, log: Path, **environment: str) -> int:
    with log.open("a") as file:
        file.write(f"$ {' '.join(command)}\n")
        file.flush()
        return subprocess.run(command, cwd=where, env=clean() | environment, stdout=file, stderr=file).returncode


def copy_tree(into: Path) -> None:
    """A copy of the tree as it is now, with new files; tests run from it, so that later edits do not matter."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, into / name)


_VERSIONS = (
    "import sys, numpy, numba, scipy; print(sys.version.split()[0], *(m.__version__ for m in (numpy, numba, scipy)))"
)
# A digest of the parameters after training on each backend, to check whether cells that should agree to the bit do.
_BITS = """
import hashlib, numpy, samenet
random = numpy.random.RandomState(0)
W, X, Y = [random.rand(20, 9) - 0.5, random.rand(3, 20) - 0.5], random.rand(40, 9), random.rand(40, 3)
for name in ("reference", "numba"):
    digest = hashlib.sha256()
    for activation in ("sigmoid", "tanh"):
        net = samenet.backend(name).Network([9, 20, 3], weights=W, activation=activation)
        net.train(X, Y, alpha=0.5, epochs=20, batch_size=7, shuffle=False)
        digest.update(net.parameters.tobytes())
    print(digest.hexdigest()[:6])
"""


def environment(cell: Cell, tree: Path, into: Path) -> tuple[Path, list[str]] | str:
    """The Python of a cell's virtual environment and its versions, or why there is none."""
    base = interpreter(cell.python)
    if base is None:
        return "no such Python here"
    folder = into / f"{cell.python}-{cell.versions}"
    python, log = folder / "bin" / "python", into / f"{cell.python}-{cell.versions}.log"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--prefer-binary"]
        if run([base, "-m", "venv", str(folder)], into, log) or run([*pip, *requirements(cell), *NEEDED], into, log):
            return f"not installed, see {log}"
        (folder / "ready").touch()
    again = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", str(tree)]
    if run(again, into, log):
        return f"not installed, see {log}"
    versions = subprocess.run([python, "-c", _VERSIONS], capture_output=True, text=True, check=True).stdout.split()
    return python, versions


def measure(cell: Cell, tests: list[str], pytest: list[str], tree: Path, into: Path) -> tuple[str, bool]:
    """The row of a cell, and whether all tests passed."""
    made = environment(cell, tree, into)
    if isinstance(made, str):
        return f"| {cell.python} | {cell.versions} | | | | {cell.processor} | | {made} | | | |", False
    python, versions = made
    name = str(cell).replace(" ", "-")
    log, xml, cache = into / f"{name}.log", into / f"{name}.xml", into / f"{name}-cache"
    log.unlink(missing_ok=True)
    xml.unlink(missing_ok=True)
    shutil.rmtree(cache, ignore_errors=True)
    files = [f"tests/test_{test}.py" for test in tests]
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={xml}", *files, *pytest]
    begun = time.monotonic()
    around = {"NUMBA_CACHE_DIR": str(cache), **PROCESSORS[cell.processor]}
    bits = subprocess.run([python, "-c", _BITS], cwd=into, env=clean() | around, capture_output=True, text=True).stdout
    status = run(command, tree, log, **around)
    seconds = time.monotonic() - begun
    shutil.rmtree(cache, ignore_errors=True)
    if xml.exists():
        suite = ElementTree.parse(xml).getroot()[0]
        bad, skipped = (int(suite.get("failures", 0)) + int(suite.get("errors", 0))), int(suite.get("skipped", 0))
        counts = f"{int(suite.get('tests', 0)) - bad - skipped} | {bad} | {skipped}"
    else:
        counts = f"ended with {status} | | "
    about = [versions[0], cell.versions, *versions[1:], cell.processor, " ".join(bits.split())]
    row = f"| {' | '.join(about)} | {counts} | {seconds:.0f} s |"
    return row, status == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cells whose name has this, such as '3.13 oldest' or 'nehalem'")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="names of test files: agreement, golden, ...")
    parser.add_argument("--into", type=Path, help="keep environments and logs in this folder, and use them again")
    given, pytest = parser.parse_known_args()  # unknown arguments are for pytest
    into = given.into or Path(tempfile.mkdtemp(prefix="samenet-matrix-"))
    into = into.resolve()
    into.mkdir(parents=True, exist_ok=True)
    tree, ok = into / "tree", True
    shutil.rmtree(tree, ignore_errors=True)
    copy_tree(tree)
    print("| Python | versions | NumPy | Numba | SciPy | processor | bits | passed | failed | skipped | time |")
    print("| --- | --- | --- | --- | --- | --- | --- | ---: | ---: | ---: | ---: |", flush=True)
    for cell in CELLS:
        if given.only in str(cell):
            row, well = measure(cell, list(given.tests), pytest, tree, into)
            ok &= well
            print(row, flush=True)
    if given.into is None and ok:
        shutil.rmtree(into)
    else:
        print(f"\nlogs: {into}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
