"""Unusual arrays, in random order, at every entry point of every backend: same answers as with plain arrays.

    python tests/hardening/arrays_in_sequence.py --processes 20 --calls 2000 --seed 0

The dispatch of a call must not depend on earlier calls. Numba's dispatchers remember types for the whole process, so
each sequence runs in a fresh process. The same numbers are passed byte-swapped, unaligned, strided, read-only, as
subclasses, and so on; so is `out`, which is rejected unless it is a plain array. Exit status 1 if an answer differs.
"""

import argparse
import json
import os
import pickle
import random
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import samenet

SIZES = (3, 4, 2)
Array = np.ndarray
_GRID = np.random.default_rng(0).integers(-6, 7, (5, 3)) / 4  # numbers that every kind below holds exactly
_TARGETS = np.random.default_rng(1).integers(0, 5, (5, 2)) / 4


class Liar(np.ndarray):
    """A subclass that claims to be a plain array, and ignores NumPy's protocols."""

    dtype = property(lambda self: np.dtype(np.float64))
    shape = property(lambda self: (3,))

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("not by me")

    __array_ufunc__ = __array_function__ = __eq__ = __len__ = __getitem__ = _refuse
    __hash__ = None  # type: ignore[assignment]


class Holder:
    """An object with `__array__`."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return self.values


class Interface:
    """An object with `__array_interface__`."""

    def __init__(self, values: Array) -> None:
        self.values = values
        self.__array_interface__ = values.__array_interface__


def unaligned(v: Array) -> Array:
    room = np.zeros(v.nbytes + 8, np.uint8)
    start = (1 - room.ctypes.data) % 8
    result = room[start : start + v.nbytes].view(v.dtype).reshape(v.shape)
    result[...] = v
    assert not result.flags.aligned
    return result


def swapped(v: Array) -> Array:
    return v.astype(v.dtype.newbyteorder())


def read_only(v: Array) -> Array:
    result = v.copy()
    result.flags.writeable = False
    return result


def strided(v: Array) -> Array:
    room = np.zeros([2 * n for n in v.shape], v.dtype)
    result = room[(slice(None, None, 2),) * v.ndim]
    result[...] = v
    return result


def backwards(v: Array) -> Array:
    return v[..., ::-1].copy()[..., ::-1]


def on_disk(v: Array, mode: str = "r") -> Array:
    with tempfile.NamedTemporaryFile() as file:
        file.write(v.tobytes())
        file.flush()
        return np.memmap(file.name, v.dtype, mode, shape=v.shape)


def noted(v: Array) -> Array:
    return v.astype(np.dtype(v.dtype.str, metadata={"unit": "m"}))


def field(v: Array) -> Array:
    records = np.zeros(v.shape, [("a", "u1"), ("b", v.dtype)])
    records["b"] = v
    return records["b"]


def masked(v: Array) -> Array:
    return np.ma.array(v, mask=False)


# Kinds of arrays that hold the same numbers; those in PLAIN may be written into.
PLAIN: dict[str, Callable[[Array], Any]] = {
    "plain": np.copy,
    "unpickled": lambda v: pickle.loads(pickle.dumps(v)),
    "with a note": noted,
    "in the middle": lambda v: np.concatenate([v, v, v])[len(v) : 2 * len(v)],
    "Fortran-ordered and back": lambda v: np.asfortranarray(v).copy("C"),
}
ODD: dict[str, Callable[[Array], Any]] = {
    "swapped": swapped,
    "unaligned": unaligned,
    "unaligned, swapped": lambda v: unaligned(swapped(v)),
    "read-only": read_only,
    "read-only, unaligned": lambda v: read_only_view(unaligned(v)),
    "read-only, swapped": lambda v: read_only_view(swapped(v)),
    "strided": strided,
    "strided, swapped": lambda v: strided(swapped(v)),
    "backwards": backwards,
    "a field": field,
    "Fortran-ordered": lambda v: np.asfortranarray(v) if v.ndim == 2 else strided(v),
    "memmap": on_disk,
    "memmap, copy on write": lambda v: on_disk(v, "c"),
    "memmap, swapped": lambda v: on_disk(swapped(v)),
    "masked nowhere": masked,
    "masked nowhere, swapped": lambda v: masked(swapped(v)),
    "recarray": lambda v: v.copy().view(np.recarray),
    "a liar": lambda v: v.copy().view(Liar),
    "a swapped liar": lambda v: swapped(v).view(Liar),
    "an unaligned liar": lambda v: unaligned(v).view(Liar),
}
OTHERS: dict[str, Callable[[Array], Any]] = {
    "list": np.ndarray.tolist,
    "half": lambda v: v.astype(np.float16),
    "single": lambda v: v.astype(np.float32),
    "double": lambda v: v.astype(np.float64),
    "long": lambda v: v.astype(np.longdouble),
    "swapped half": lambda v: v.astype(np.float16).astype(">f2"),
    "objects": lambda v: v.astype(object),
    "memoryview": lambda v: memoryview(v.copy()),
    "by __array__": lambda v: Holder(swapped(v)),
    "by its address": lambda v: Interface(unaligned(v)),
    "list of arrays": lambda v: list(v.copy()) if v.ndim == 2 else [np.array(x) for x in v],
}
KINDS = PLAIN | ODD | OTHERS


def read_only_view(v: Array) -> Array:
    v.flags.writeable = False
    return v


def rows(v: Any) -> Any:
    return v.tobytes() if isinstance(v, np.ndarray) else repr(v)


def _trained(net: Any, **settings: Any) -> Any:
    net = net.copy()
    net.train(alpha=0.5, epochs=2, **settings)
    return net.parameters


def _assigned(net: Any, values: Any) -> Any:
    net = net.copy()
    net.parameters = values
    return net.parameters


_THETA = np.random.default_rng(2).integers(-8, 9, 26) / 8

# name: the numbers, and the call with them in some form
ENTRIES: dict[str, tuple[Array, Callable[[Any, Any, Any], Any]]] = {
    "predict one": (_GRID[0], lambda net, f, v: net.predict(v)),
    "predict": (_GRID, lambda net, f, v: net.predict(v)),
    "predictor": (_GRID[0], lambda net, f, v: f(v)),
    "predictor again": (_GRID[1], lambda net, f, v: f(v)),
    "feed_forward": (_GRID, lambda net, f, v: net.feed_forward(v)[-1]),
    "classify": (_GRID, lambda net, f, v: net.classify(v)),
    "cost X": (_GRID, lambda net, f, v: net.cost(v, _TARGETS)),
    "cost Y": (_TARGETS, lambda net, f, v: net.cost(_GRID, v)),
    "gradient X": (_GRID, lambda net, f, v: net.gradient(v, _TARGETS)[1].flat),
    "gradient Y": (_TARGETS, lambda net, f, v: net.gradient(_GRID, v)[1].flat),
    "train X": (_GRID, lambda net, f, v: _trained(net, X=v, Y=_TARGETS)),
    "train Y": (_TARGETS, lambda net, f, v: _trained(net, X=_GRID, Y=v)),
    "parameters": (_THETA, lambda net, f, v: _assigned(net, v)),
    "weights": (
        _THETA[:12].reshape(4, 3),
        lambda net, f, v: type(net)(SIZES, weights=[v, _THETA[12:20].reshape(2, 4)], dtype=net.dtype).parameters,
    ),
}


def out_refused(f: Any, kind: str, x: Any, dtype: Any) -> str:
    """What is wrong with a predictor's treatment of an `out` of this kind; empty if it is right."""
    out = KINDS[kind](np.array([0.25, 0.5], dtype))
    before = rows(np.asarray(out)) if isinstance(out, np.ndarray) else None
    try:
        answer = f(x, out)
    except (TypeError, ValueError) as error:
        if kind in PLAIN or KINDS[kind] is OTHERS.get("single" if dtype == np.float32 else "double"):
            return f"refused: {error}"
        changed = before is not None and rows(np.asarray(out)) != before
        return "written into, and refused" if changed else "" if str(error).startswith("out: ") else f"{error}"
    if kind in ODD or not isinstance(out, np.ndarray) or out.dtype != dtype:
        return "taken"
    return "" if answer is out and rows(out) == rows(f(x.copy())) else "other numbers"


def sequence(seed: int, calls: int, names: list[str]) -> dict[str, Any]:
    """Calls in random order; the failures, and the number of calls of each backend."""
    draw, failures, done = random.Random(seed), list[str](), Counter[str]()
    nets = {(n, d): samenet.backend(n).Network(SIZES, seed=3, dtype=d) for n in names for d in (np.float64, np.float32)}
    predictors = {key: net.predictor() for key, net in nets.items()}
    seen: dict[Any, tuple[str, Any]] = {}
    kept = {key: {} for key in nets}  # arrays that are used again after their flags changed
    for number in range(calls):
        key = draw.choice(list(nets))
        entry, kind = draw.choice(list(ENTRIES)), draw.choice(list(KINDS))
        net, f, place = nets[key], predictors[key], f"{key[0]} {np.dtype(key[1])}"
        done[key[0]] += 1
        if draw.random() < 0.2:
            wrong = out_refused(f, kind, draw.choice([np.copy, swapped])(_GRID[0].astype(key[1])), np.dtype(key[1]))
            if wrong:
                failures.append(f"call {number}: {place}: out, {kind}: {wrong}")
            continue
        numbers, call = ENTRIES[entry]
        value = KINDS[kind](numbers.astype(key[1]))
        if kind == "plain" and draw.random() < 0.5:  # the same object, now of this kind and now of that
            value = kept[key].setdefault(entry, value)
            value.flags.writeable = draw.random() < 0.5
        try:
            answer = rows(call(net, f, value))
        except Exception as error:
            failures.append(f"call {number}: {place}: {entry}, {kind}: {type(error).__name__}: {error}")
            continue
        before, expected = seen.setdefault((*key, entry), (kind, answer))
        if answer != expected:
            failures.append(f"call {number}: {place}: {entry}: {kind} differs from {before}")
    for (name, dtype, entry), (kind, answer) in seen.items():
        numbers, call = ENTRIES[entry]
        if rows(call(nets[name, dtype], predictors[name, dtype], numbers.astype(dtype))) != answer:
            failures.append(f"at the end: {name} {np.dtype(dtype)}: {entry}: {kind} differs from plain")
    return {"failures": failures, "done": done}


def main(arguments: list[str] | None = None) -> int:
    """Run sequences, each in a separate process, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=20, help="fresh processes, each with its own seed")
    parser.add_argument("--calls", type=int, default=2000, help="calls in each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backends", nargs="+", default=list(samenet.backends()))
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.child:
        with warnings.catch_warnings(action="error" if not os.environ.get("NUMBA_DISABLE_JIT") else "ignore"):
            print(json.dumps(sequence(given.seed, given.calls, given.backends)))
        return 0
    total, failed = Counter[str](), 0
    for seed in range(given.seed, given.seed + given.processes):
        own = ["--child", "--seed", str(seed), "--calls", str(given.calls), "--backends", *given.backends]
        child = subprocess.run([sys.executable, Path(__file__), *own], capture_output=True, text=True)
        if child.returncode:
            failed += 1
            print(f"seed {seed}: ended with {child.returncode}\n{child.stderr[-2000:]}")
            continue
        found = json.loads(child.stdout)
        total.update(found["done"])
        for failure in found["failures"][:10]:
            print(f"seed {seed}: {failure}")
        failed += len(found["failures"])
    print(f"{total.total()} calls ({', '.join(f'{n} {k}' for n, k in total.items())}), {failed} failures;")
    print(
        f"again: python tests/hardening/{Path(__file__).name} --processes {given.processes} --calls {given.calls} "
        f"--seed {given.seed}"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
