"""Digests of every backend's answers, to show that a change alters no bit of them.

    python tests/hardening/fingerprint.py                  # a line for each backend, dtype and kind of answer
    python tests/hardening/fingerprint.py --against FILE   # compare with what an earlier run printed into FILE

They cover shapes on both sides of every switch between kernels, every pair of activations with every compatible cost,
penalties, no bias, both dtypes, batch sizes, every optimizer, masks, clipping, momentum and mostly-zero inputs.
Digests depend on the processor and on library versions: compare only runs on the same machine.
"""

import argparse
import hashlib
import itertools
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import samenet
from samenet.model.functions import ACTIVATIONS, COSTS, MADE_FOR
from samenet.optimizers import OPTIMIZERS, UpdateRule

SMALL = ((3, 1), (3, 4, 1), (2, 3, 2), (5, 7, 3, 2), (9, 8, 5, 4, 3))
LARGE = ((64, 30, 10), (100, 90, 50, 10), (13, 260, 5))
ROWS = (1, 2, 5, 12, 13, 64, 131)
EXTRAS: tuple[dict[str, Any], ...] = (
    *({}, {"dropout": 0.3}, {"clip_value": 0.01}, {"clip_norm": 0.05}),
    *({"drop_connect": 0.3},),
)


def functions() -> Iterator[dict[str, Any]]:
    """Every compatible hidden activation, output activation and cost."""
    for hidden, cost in itertools.product(ACTIVATIONS, COSTS):
        for output in [MADE_FOR[cost]] if cost in MADE_FOR else ACTIVATIONS:
            yield {"hidden": hidden, "output": output, "cost": cost}


def network(cls: Any, sizes: tuple[int, ...], dtype: str, hidden: str, output: str, **settings: Any) -> Any:
    """A network whose weights have both signs and are scaled by fan-in, and whose biases are nonzero."""
    net = cls(sizes, activation=[hidden] * (len(sizes) - 2) + [output], dtype=dtype, seed=0, **settings)
    net.parameters = np.random.default_rng(len(sizes)).normal(0, max(sizes) ** -0.5, net.parameters.size)
    return net


def samples(sizes: tuple[int, ...], rows: int, dtype: str, zeros: bool) -> tuple[Any, Any]:
    """Samples, and probabilities as targets."""
    random = np.random.default_rng([rows, *sizes])
    X, Y = random.normal(size=(rows, sizes[0])), random.random((rows, sizes[-1]))
    X[random.random(X.shape) < 0.8 * zeros] = 0
    return X.astype(dtype), Y.astype(dtype)


def answers(cls: Any, dtype: str, shapes: Any, rows: tuple[int, ...], light: bool) -> Iterator[tuple[str, Any]]:
    """Pairs of the name and the array of each answer."""
    for sizes, how in itertools.product(shapes, functions()):
        if sizes[-1] == 1 and how["output"] == "softmax":
            continue
        for m, zeros in itertools.product(rows[::3] if sizes in LARGE else rows, (False, True)):
            net = network(cls, sizes, dtype, l2=0.1 * (m % 2), l1=0.1 * (m % 5 == 2), bias=m % 3 > 0, **how)
            X, Y = samples(sizes, m, dtype, zeros)
            yield "predict", net.predict(X)
            yield "predict", net.predict(X[0])
            yield "predictor", net.predictor()(X[0])
            for layer in net.feed_forward(X):
                yield "feed_forward", layer
            yield "cost", net.cost(X, Y)
            cost, g = net.gradient(X, Y, reduction="sum")
            yield "gradient", cost
            yield "gradient", g.flat
            net.train(X, Y, alpha=0.001, epochs=2, batch_size=1 + m // 3, seed=m)
            yield "train", net.parameters
            yield "train", net.history.cost
    for sizes, optimizer, extra in itertools.product(shapes, OPTIMIZERS, EXTRAS):
        stepwise = issubclass(OPTIMIZERS[optimizer], UpdateRule)
        if (extra and not stepwise) or (light and extra):
            continue
        if optimizer == "bfgs" and sizes in LARGE:  # its dense matrix grows with the square of the parameters
            continue
        if "dropout" in extra and len(sizes) == 2:
            continue
        for batch in (None, 1, 10) if stepwise else (None,):
            net = network(cls, sizes, dtype, "tanh", "sigmoid", cost="binary_cross_entropy")
            X, Y = samples(sizes, 23, dtype, zeros=batch == 10)
            options = {"alpha": 0.01, "batch_size": batch, "seed": 1, **extra} if stepwise else {}
            net.train(X, Y, epochs=3, optimizer=optimizer, monitors=["mean_norm"], **options)
            yield optimizer, net.parameters
            yield optimizer, net.history.cost


def digests(name: str, dtype: str) -> dict[str, str]:
    """For every operation of a backend, the digest of all of its answers."""
    light = name == "reference"  # the loops are slow, and run a smaller part
    shapes, rows = (SMALL, ROWS[:4]) if light else (SMALL + LARGE, ROWS)
    found: dict[str, Any] = {}
    for kind, values in answers(samenet.backend(name).Network, dtype, shapes, rows, light):
        found.setdefault(kind, hashlib.sha256()).update(np.ascontiguousarray(values).tobytes())
    return {kind: digest.hexdigest()[:16] for kind, digest in found.items()}


def main() -> int:
    """Print the digests, and compare them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="what an earlier run printed")
    parser.add_argument("--backend", choices=samenet.backends(), action="append", help="these alone")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = []
    for name, dtype in itertools.product(given.backend or samenet.backends(), ("float64", "float32")):
        for kind, digest in digests(name, dtype).items():
            lines.append(f"{name:10} {dtype} {kind:13} {digest}")
            print(lines[-1], flush=True)
    if given.against is None:
        return 0
    before = given.against.read_text().splitlines()
    changed = [line for line in lines if line not in before]
    print(f"{len(lines) - len(changed)} of {len(lines)} digests are the same", *changed, sep="\n")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
