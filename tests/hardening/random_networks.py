"""Random networks: reference, NumPy and Numba within the derived bound, for any mix of options.

    python tests/hardening/random_networks.py --networks 10000 --seed 0
    python tests/hardening/random_networks.py --networks 1 --seed 4711        one that was reported

For each network, every two backends are compared in the activations, predict, the cost, the gradient and five updates
by each rule, each update from the same parameters and state. Two of three networks have numbers near 1; the others have
scales from 1e-30 to 1e30, or at the limits of their dtype. Prints the worst observed / allowed of each, and the seed
that reproduces it; comparisons without a bound, where a number may overflow, are counted. With --exact N, small ones
among the first N networks are also compared with decimal arithmetic of 60 digits; with --climb N, a search from each of
N networks changes one number at a time, as long as observed / allowed does not decrease.
Exit status 1 if a difference is larger than allowed.
"""

import argparse
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from problems import Compared, Problem, against_exact, climb, comparisons, draw

from samenet.testing.tolerance import Comparison

_SMALL = 14


def problem(seed: int) -> Problem:
    """The network of a seed."""
    return draw(np.random.default_rng(seed), wild=seed % 3 == 2)


def is_small(one: Problem) -> bool:
    """Whether decimal arithmetic takes only a moment."""
    return max(one.sizes) <= _SMALL and one.rows <= _SMALL


def searched(one: Problem) -> Compared:
    """The comparisons that a search maximises."""
    if is_small(one):
        yield from comparisons(one, updates=1)
        yield from against_exact(one)


class Figures:
    """The worst of each kind of comparison."""

    def __init__(self) -> None:
        self.worst: dict[str, tuple[float, int, Comparison]] = {}
        self.counts, self.unbounded, self.failures = Counter[str](), Counter[str](), 0

    def add(self, seed: int, found: Compared) -> None:
        """Add the comparisons of a seed."""
        for name, comparison in found:
            if not comparison.bounded:
                self.unbounded[name] += 1
                continue
            self.counts[name] += 1
            if not comparison.ok:
                self.failures += 1
                print(f"FAIL {name}, --seed {seed}: {comparison}", flush=True)
            if comparison.ratio > self.worst.get(name, (-1.0,))[0]:
                self.worst[name] = comparison.ratio, seed, comparison

    def print(self) -> None:
        """A line for each kind."""
        for name, (ratio, seed, comparison) in self.worst.items():
            print(
                f"{name:15} {ratio:9.2e} = {comparison!s:>17}  --seed {seed:<7} worst of {self.counts[name]:8}, "
                f"{self.unbounded[name]} more without a bound"
            )


def main(arguments: list[str] | None = None) -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=0, help="of the first network; each next one has the next seed")
    parser.add_argument("--exact", type=int, default=0, help="so many against decimal numbers")
    parser.add_argument("--climb", type=int, default=0, help="so many searches")
    parser.add_argument("--steps", type=int, default=60, help="changes tried in each search")
    given: Any = parser.parse_args(arguments)
    figures = Figures()
    for seed in range(given.seed, given.seed + given.networks):
        one = problem(seed)
        figures.add(seed, comparisons(one))
        if seed - given.seed < given.exact and is_small(one):
            figures.add(seed, against_exact(one))
    for seed in range(given.seed, given.seed + given.climb):
        ratio, one, name, comparison = climb(seed, given.steps, searched)
        figures.add(seed, [(f"climb: {name}", comparison)] if name else [])
        if ratio > 1:
            print(one)
    print(f"{given.networks} networks from seed {given.seed}: worst observed / allowed of each")
    figures.print()
    print(f"{figures.failures} differences are larger than allowed")
    return 1 if figures.failures else 0


if __name__ == "__main__":
    sys.exit(main())
