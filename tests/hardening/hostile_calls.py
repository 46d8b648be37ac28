"""Invalid calls of every public entry point on every backend: rejected alike, by argument name, without side effects.

    python tests/hardening/hostile_calls.py --calls 100000 --seed 0

In each call, one or two arguments are drawn from values that no caller should pass; the known properties of a value
decide whether it is valid there. Every backend must accept or reject each call accordingly. A rejected call must raise
a ValueError or a TypeError that names the argument (or an error that the entry point documents), and must not change
parameters, history, the random stream or the arguments. There must be no warnings. Calls run in child processes, so
that a crash is noticed. Prints the number of calls of each entry point; exit status 1 if anything is wrong.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from hostile_entries import ENTRIES, SIZES, Entry, right

import samenet

A_PROCESS = 2000  # draws in each child


def network(name: str, dtype: Any) -> Any:
    net = samenet.backend(name).Network(SIZES, seed=1, dtype=dtype)
    net.history = "kept"
    return net


def content(value: Any) -> Any:
    """The contents of an argument, to check whether a call has changed it."""
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return np.ndarray.tobytes(value)
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state)
    if isinstance(value, np.random.RandomState):
        return repr(value.get_state())
    if isinstance(value, random.Random):
        return value.getstate()
    return None


def outcome(entry: Entry, net: Any, given: dict[str, Any]) -> Exception | None:
    """The exception that a call raised, or None."""
    try:
        entry.call(net, **given) if entry.by_network else entry.call(**given)
    except Exception as error:
        return error
    return None


def wrong_with(entry: Entry, error: Exception | None, bad: list[str]) -> str:
    """What is wrong with the outcome of a call; empty if it is right."""
    if error is None:
        return f"taken, with a wrong {' and '.join(bad)}" if bad else ""
    message = f"{type(error).__name__}: {error}"
    if isinstance(error, entry.also):
        return f"{message}, for a wrong {' and '.join(bad)}" if bad else ""
    if not bad:
        return f"refused, though right: {message}"
    if type(error) not in (ValueError, TypeError):
        return message
    names = "|".join(entry.says.get(name, name) for name in bad)
    if not re.match(rf"[^:]*\b({names})\b[^:]*: expected", str(error)):
        return f"no name: {message}"
    return "" if len(message) < 600 else f"a message of {len(message)} letters: {message:.80}"


def attempt(chance: random.Random, names: list[str]) -> tuple[str, int, list[str]]:
    """One draw, on every backend: the entry point, the number of calls, and what is wrong."""
    label = chance.choice(list(ENTRIES))
    entry = ENTRIES[label]
    dtype = np.dtype(chance.choice([np.float64, np.float32]) if entry.by_network else np.float64)
    chosen = chance.sample(list(entry.arguments), min(len(entry.arguments), chance.choice([1, 1, 1, 2])))
    state, found, verdicts = chance.getstate(), list[str](), dict[str, str]()
    for name in names if entry.by_network else [""]:
        chance.setstate(state)  # the same values for each, as new objects
        drawn = {argument: entry.arguments[argument](chance, dtype) for argument in chosen}
        bad = [argument for argument, (_, _, good) in drawn.items() if not good]
        given = right(label) | {argument: value for argument, (value, _, _) in drawn.items()}
        if entry.by_network and "out" in given and isinstance(given["out"], np.ndarray) and "out" not in bad:
            given["out"] = given["out"].astype(dtype)
        net = network(name, dtype) if name else None
        before = [content(value) for value in given.values()]
        theta = None if net is None else net.parameters.tobytes()
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            error = outcome(entry, net, given)
        # The messages must be equal except for the addresses of objects.
        verdicts[name] = "taken" if error is None else re.sub("0x[0-9A-Fa-f.]+", "", f"{type(error).__name__}: {error}")
        what = f"{label}({', '.join(f'{a}: {t[1]}' for a, t in drawn.items())}) {name} {dtype}"
        wrong = wrong_with(entry, error, bad)
        found += [f"{what}: {wrong}"] if wrong else []
        unexpected = [w for w in warned if w.category is not samenet.UnreachableTargetsWarning]  # of targets like 1e300
        found += [f"{what}: warns: {w.message}" for w in unexpected[:1]]
        after = [content(value) for value in given.values()]
        for argument, value, a, b in zip(given, given.values(), before, after, strict=True):
            if a != b and (bad or (isinstance(value, np.ndarray) and argument != "out")):
                found.append(f"{what}: {argument} was changed")
        if bad and net is not None and (net.parameters.tobytes() != theta or net.history != "kept"):
            found.append(f"{what}: the network was changed")
    if len(bad) > 1:  # which of two errors is reported may differ
        verdicts = {name: verdict if verdict == "taken" else "refused" for name, verdict in verdicts.items()}
    if len(set(verdicts.values())) > 1:
        found.append(f"{label}: not alike: {verdicts}")
    return label, len(verdicts), found


def child(seed: int, draws: int, names: list[str], progress: Path) -> dict[str, Any]:
    """This many draws from a seed, one after the other."""
    done, failures = Counter[str](), list[str]()
    with progress.open("w") as file:
        for number in range(draws):
            file.seek(0)
            file.write(f"{number:10}")
            file.flush()
            label, calls, found = attempt(random.Random(f"{seed} {number}"), names)
            done[label] += calls
            failures += [f"{number}: {text}" for text in found]
    return {"done": done, "failures": failures}


def main(arguments: list[str] | None = None) -> int:
    """Make the calls, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=100_000, help="at least this many, over all backends")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backends", nargs="+", default=list(samenet.backends()))
    parser.add_argument("--draw", type=int, help="only this draw of this seed, as a failure names them")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.draw is not None:
        print(*attempt(random.Random(f"{given.seed} {given.draw}"), given.backends), sep="\n")
        return 0
    if given.child:
        draws, progress = given.child
        print(json.dumps(child(given.seed, int(draws), given.backends, Path(progress))))
        return 0
    begin, done, failed, seed = time.perf_counter(), Counter[str](), 0, given.seed * 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        progress = Path(folder) / "progress"
        while done.total() < given.calls:
            draws = min(A_PROCESS, (given.calls - done.total()) // 2 + 10)  # some need only one backend
            own = ["--child", str(draws), str(progress), "--seed", str(seed), "--backends", *given.backends]
            ended = subprocess.run(
                [sys.executable, Path(__file__), *own],
                capture_output=True,
                text=True,
                timeout=3600,
                env=dict(os.environ),
            )
            if ended.returncode:
                failed += 1
                place = f"--seed {seed} --draw {progress.read_text()}"
                print(f"{place}: ended with {ended.returncode}\n{ended.stderr[-2000:]}")
                break
            found = json.loads(ended.stdout)
            done.update(found["done"])
            failed += len(found["failures"])
            for text in found["failures"]:
                print(f"--seed {seed} --draw {text}"[:600])
            seed += 1
    width = max(map(len, ENTRIES))
    print("\n".join(f"{label:{width}} {done[label]:8}" for label in ENTRIES))
    print(f"{done.total()} calls of {len(ENTRIES)} entries in {time.perf_counter() - begin:.0f} s, {failed} failures")
    print(f"again: python tests/hardening/{Path(__file__).name} --calls {given.calls} --seed {given.seed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
