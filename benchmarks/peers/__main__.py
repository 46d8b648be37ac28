"""The run: fresh processes with one thread and with two by turns, put together and written to results/.

python benchmarks/peers [--quick] [--into FOLDER]
"""

import argparse
import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != HERE]
sys.path.append(str(HERE.parent))  # last: it holds folders named asv and pytest

from samenet.compare import environment  # noqa: E402

# Beside those that samenet's environment names: XLA, which JAX runs on, reads this one.
XLA_THREADS = "NPROC"
THREADS = (1, 2)
MODULES = ("numba", "sklearn.neural_network", "torch", "jax", "onnxruntime")


def one_process(threads: int, seconds: float, quick: bool) -> None:
    """Print what this process measures; libraries read these variables when they load, so they are set first."""
    environment.set_threads(threads)
    os.environ[XLA_THREADS] = str(threads)
    os.environ["ORT_LOGGING_LEVEL"] = "3"  # errors only
    from peers.process import measured

    print(json.dumps(measured(threads, seconds, quick)))


def passes(number: int, seconds: float, quick: bool) -> dict[int, list[dict[str, Any]]]:
    """What so many processes of each number of threads measure, by turns, by the number of threads."""
    found: dict[int, list[dict[str, Any]]] = {threads: [] for threads in THREADS}
    for i in range(number):
        for threads in THREADS:
            print(f"process {i + 1} of {number}, threads: {threads}", file=sys.stderr, flush=True)
            command = [sys.executable, str(HERE), "--process", str(threads), "--seconds", str(seconds)]
            done = subprocess.run(
                [*command, *(["--quick"] if quick else [])], check=True, stdout=subprocess.PIPE, text=True
            )
            # A library may print too; ours is the last line.
            found[threads].append(json.loads(done.stdout.splitlines()[-1]))
    return found


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def together(several: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    """Everything that processes measured: medians and intervals over them, and the limit of every case."""
    from combine import combine

    from peers.limits import limit, median

    limits = {threads: median([one["machine"] for one in found]) for threads, found in several.items()}
    cases = []
    for threads, found in several.items():
        for case in combine([one["cases"] for one in found]):
            cases.append({**case, "limit_seconds": limit(case["work"], case["dtype"], threads, limits[threads])})
    return {"cases": cases, "machine": limits, "images": found[0]["images"]}


def main() -> int:
    """Measure, write peers.json, peers.md and peers.png; returns 1 if a contender of samenet's was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one process of each, to see that it works")
    parser.add_argument("--into", type=Path, help="the folder to write to, results/MACHINE-DATE unless given")
    parser.add_argument("--seconds", type=float, default=1.0, help="roughly what the timing of a case takes")
    parser.add_argument("--repeats", type=int, default=3, help="processes of each number of threads")
    parser.add_argument("--process", type=int, choices=THREADS, help="be one of the processes, with so many threads")
    options = parser.parse_args()
    if options.process:
        one_process(options.process, options.seconds, options.quick)
        return 0
    environment.set_threads(1)
    import processes
    from measure import folder_name

    from peers import picture, registered, text
    from peers.once import once
    from samenet.output import files

    repeats, seconds = (1, 0.1) if options.quick else (options.repeats, options.seconds)
    peers = registered()
    absent = {peer.NAME: reason for peer in peers if (reason := peer.missing())}
    for name, reason in absent.items():
        print(f"{name} is absent: {reason}", file=sys.stderr)
    around = environment.describe()
    root, written = HERE.parent.parent, ("peers.json", "peers.md", "peers.png")
    folder = files.writable_or_exit(parser, options.into or root / "results" / folder_name(around), *written)
    packages = sorted({package for peer in peers for package in peer.PACKAGES})
    content = {
        "environment": {
            **around,
            "commit": processes.version_of_source(root),
            "packages": {package: _version(package) for package in packages},
        },
        "quick": options.quick,
        "repeats": repeats,
        "absent": absent,
        **together(passes(repeats, seconds, options.quick)),
        "once": once([m for m in MODULES if _here(m)], options.quick),
    }
    files.write_text(folder / "peers.json", json.dumps(content, indent=1) + "\n")
    for path in (*text.write(folder), picture.draw(folder)):
        print(path)
    wrong = [row["name"] for case in content["cases"] for row in case["rows"] if not row["ok"]]
    return 1 if any(name.startswith("samenet") for name in wrong) else 0


def _here(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module.partition(".")[0]) is not None


if __name__ == "__main__":
    sys.exit(main())
