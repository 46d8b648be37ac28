"""What each technique of the Numba backend gains: the package with and without it, timed alternately.

A technique is turned off in a copy of the package, by replacing lines of its source, or by another call if it is the
caller's choice. This module lists all of them, with their lines. The catalogue has the timed cases, `cases.py` how they
are run, `pair.py` the two processes, `command.py` the command.
"""

from dataclasses import dataclass

from samenet.testing.mutation import replaced

WITH, WITHOUT = "with", "without"  # the names of the two sides


@dataclass(frozen=True)
class Change:
    """A fragment that one of the project's files contains exactly once, and its replacement without the technique.

    It is found as those of mutants are, see `samenet.testing.mutation`: spaces and line breaks do not matter.
    """

    file: str
    old: str
    new: str

    def apply(self, source: str) -> str:
        """The source without the technique. Raises ValueError unless `old` is in it exactly once."""
        return replaced(self.old, self.new, {self.file: source})[self.file]


@dataclass(frozen=True)
class Technique:
    """A technique that makes the backend faster.

    case     the timed case, by its name in `catalogue.TECHNIQUES`
    without  the case timed without the technique, if that is another call
    changes  the changes of the source that turn it off, if any
    """

    name: str
    what: str
    case: str
    changes: tuple[Change, ...] = ()
    without: str = ""


_KERNELS = "fast/kernels"
_SMALL = (
    Change(
        f"{_KERNELS}/tiny_network.py",
        "    sizes, lanes = model.sizes,",
        "    return False\n    sizes, lanes = model.sizes,",
    ),
)
_LOOP_OF_EXP = """\
import math


@kernel("contract")
def _sigmoids(out, a, shift):
    for i in range(a.size):
        out[i] = 1.0 / (1.0 + math.exp(shift - a[i]))


_tanhs = elementwise(tanh)
"""

TECHNIQUES = (
    Technique(
        "registers of 64 bytes",
        "The processor's widest registers, where the compiler by itself takes 32 bytes.",
        "batch",
        (Change(f"{_KERNELS}/codegen/vector.py", "REGISTER = 64 if has", "REGISTER = 32 if has"),),
    ),
    Technique(
        "tiles of 6 x 4 registers",
        "A product keeps its partial sums in 24 registers; without, in 4.",
        "batch",
        (Change(f"{_KERNELS}/codegen/microkernels.py", "NR = (6, 4) if REGISTERS == 32 else (4, 3)", "NR = 4, 1"),),
    ),
    Technique(
        "narrow layers packed once",
        "W^T is packed once for a call or an update; without, every product packs its own panels.",
        "full batch",
        (Change(f"{_KERNELS}/gemm.py", "WIDE = 200", "WIDE = 0"),),
    ),
    Technique(
        "blocks of rows through all layers",
        "64 samples go through all layers while their activations are in the cache; without, all samples at once.",
        "batch",
        (Change(f"{_KERNELS}/lanes.py", "_ROWS = 64", "_ROWS = 1 << 30"),),
    ),
    Technique(
        "vectorized exp",
        "The exponential is a polynomial on registers; without, a loop that calls math.exp.",
        "batch",
        (
            Change(
                f"{_KERNELS}/activations.py",
                "_sigmoids, _tanhs = (elementwise(f) for f in (sigmoid, tanh))\n",
                _LOOP_OF_EXP,
            ),
        ),
    ),
    Technique(
        "zeros of the input skipped",
        "The first layer multiplies only the nonzero inputs, forward and backward; without, a dense product.",
        "mini-batches of images",
        (Change(f"{_KERNELS}/sparse_input.py", "LEAST = 128", "LEAST = 1 << 60"),),
    ),
    Technique(
        "zeros of the input skipped, forward",
        "The first layer multiplies only the inputs that are nonzero in a few rows; without, a dense product.",
        "images",
        (Change(f"{_KERNELS}/sparse_input.py", "LEAST = 128", "LEAST = 1 << 60"),),
    ),
    Technique(
        "rows prefetched",
        "The next rows are prefetched into the cache while others are multiplied.",
        "many inputs",
        (
            Change(
                f"{_KERNELS}/codegen/microkernels.py",
                "for line in range(0, rows * vb.size, _LINE) if used is not None or rows > 4 else ():",
                "for line in ():",
            ),
        ),
    ),
    Technique(
        "gradient and step fused",
        "One pass over the weights whose input is nonzero in the batch; without, a gradient and a step of all weights.",
        "mini-batches of images",
        (
            Change(
                f"{_KERNELS}/training.py",
                "at_once = alphas[: alphas.size if is_at_once else 0]",
                "at_once = alphas[:0]",
            ),
        ),
    ),
    Technique(
        "networks in registers, full batch",
        "Layers stay in a few registers from the input to the step; without, the general kernels.",
        "11 lines",
        _SMALL,
    ),
    Technique("networks in registers, online", "The same with one sample per update.", "online", _SMALL),
    Technique(
        "parameters at a cache line",
        "theta begins at a multiple of 64 bytes; without, 16 bytes further, where large arrays usually begin.",
        "one sample",
        (
            Change(
                "interface/model/parameters.py",
                "start = -address % _LINE",
                "start = (16 - address) % _LINE",
            ),
        ),
    ),
    Technique(
        "one kernel for many updates, tiny",
        "All updates are one compiled call; without, each is a call.",
        "11 lines",
        without="11 lines, a call an update",
    ),
    Technique(
        "one kernel for many updates",
        "The same with mini-batches of 10.",
        "mini-batches of 64",
        without="mini-batches of 64, a call an update",
    ),
    Technique(
        "few nodes of many inputs",
        "A first layer of few nodes has inputs in the lanes; without, nodes, which leave most lanes empty.",
        "few nodes",
        (Change(f"{_KERNELS}/narrow.py", "return 4 * k <= 3 * lanes and", "return n < 0 and"),),
    ),
    Technique(
        "a short loop for few nodes",
        "A linear model is trained in its own loop, which copies no rows; without, in the loop for all networks.",
        "linear model",
        (Change(f"{_KERNELS}/few_nodes.py", "return len(sizes) == 2 and", "return len(sizes) < 2 and"),),
    ),
    Technique(
        "one pass over the weights",
        "For few rows, errors, gradient and step in one pass; without, a pass for each, and the gradient is stored.",
        "updates of few rows",
        (Change(f"{_KERNELS}/backward.py", "can_step and of_theta and few", "m < 0"),),
    ),
    Technique(
        "weights transposed in registers",
        "A single update of few rows reads weights where they are; without, a transposed copy is made first.",
        "updates of few rows",
        (Change(f"{_KERNELS}/training.py", "is_unpacked = is_at_once and", "is_unpacked = l1 < 0 and"),),
    ),
    Technique(
        "one sample without checks",
        "`net.predictor()`, which checks only types, into a given array; without, `net.predict`.",
        "one tiny sample, predictor",
        without="one tiny sample",
    ),
    Technique(
        "two threads, forward",
        "Two threads share the blocks of rows; without, one thread.",
        "batch, 2 threads",
        without="batch",
    ),
    Technique(
        "two threads, gradient",
        "Two threads share the parts of the batch; without, one thread.",
        "full batch, 2 threads",
        without="full batch",
    ),
    Technique(
        "float32, forward", "Twice as many numbers in a register; without, float64.", "batch, float32", without="batch"
    ),
    Technique("float32, gradient", "The same for a gradient and a step.", "full batch, float32", without="full batch"),
    Technique(
        "external kernels",
        "A kernel is compiled once and called by its symbol; without, it is compiled into every caller.",
        "compiling",
        (
            Change(
                f"{_KERNELS}/codegen/compiling.py",
                "        if _is_off():\n            return function\n        named = _External(",
                "        return kernel(*flags)(function)\n        named = _External(",
            ),
        ),
    ),
)
