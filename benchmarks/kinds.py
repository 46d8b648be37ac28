"""The kinds of settings that people train with, besides the tutorials' cases: every option, near all size limits.

Each line is a case, measured in both dtypes, on one thread, each in a new process, because a process that has already
freed large arrays hides the cost of allocating them. Rows are shuffled in each pass, except for full batches and many
networks.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from benchmarks import inputs
from benchmarks.problem import Task, cast
from samenet.compare.cases import title


@dataclass(frozen=True)
class PeerCase:
    """A case of `peers`.

    make     the task, in float64 on one thread; its argument is whether the run is a quick one
    counted  the number of updates for which the time is reported; 0 for a forward pass, and for all updates of a task
    threads  whether there is a batch to divide between threads
    single   whether it is also measured in float32
    kind     the kind of settings that it belongs to, "" for the cases of the tutorials
    quick    whether a quick run has it, too
    only     the dtype that it is measured in, "" for the usual ones
    """

    network: str
    operation: str
    make: Callable[[bool], Task]
    counted: int = 0
    threads: bool = True
    single: bool = True
    kind: str = ""
    quick: bool = True
    only: str = ""

    def __str__(self) -> str:
        return f"{self.network}, {self.operation}"

    def task(self, quick: bool, dtype: str, threads: int) -> Task:
        """The task in a dtype, for this number of threads."""
        return cast(self.make(quick), dtype, threads)

    def dtypes(self, quick: bool) -> tuple[str, ...]:
        """The dtypes in which it is measured; a quick run of a kind has one."""
        if self.only:
            return (self.only,)
        return ("float64", "float32") if self.single and not (quick and self.kind) else ("float64",)


Sizes = tuple[int, ...]
TINY, SMALL, MIDDLE, DIGITS, IMAGES = (4, 8, 3), (13, 32, 32, 1), (10, 64, 64, 1), (64, 100, 10), (784, 128, 10)
DEEP, PIXELS = (20, 100, 100, 100, 2), (784, 32, 784)
_SHAPES: tuple[tuple[Sizes, int, int], ...] = (  # with the number of rows, and the batch size
    (TINY, 160, 1),
    (TINY, 160, 16),
    (SMALL, 480, 8),
    (MIDDLE, 960, 32),
    (DIGITS, 960, 32),
    (IMAGES, 960, 32),
)
RULES = ("descent", "momentum", "nesterov", "rmsprop", "adam")
ROWS = (2, 4, 8, 12, 13, 16, 32, 64)
WIDE = (256, 512, 1024, 2048)
LIMITS = (8, 9, 16, 17, 32, 33)  # nodes on both sides of what fits into registers
MANY = "many networks"


def _case(kind: str, sizes: Sizes, operation: str, make: Callable[[], Task], quick: bool = False) -> PeerCase:
    return PeerCase(title(sizes), operation, lambda _: make(), threads=False, kind=kind, quick=quick)


def _training(
    kind: str,
    sizes: Sizes,
    rows: int,
    size: int,
    what: str,
    rule: str = "descent",
    quick: bool = False,
    **given: object,
) -> PeerCase:
    """Training with batches of this size; `given` are the settings of `inputs.training`."""
    by = "online" if size == 1 else "full batch" if size == rows else f"by {size}"
    make: Callable[[], Task] = partial(inputs.training, sizes, rows, size, rule, **given)  # type: ignore[arg-type]
    return _case(kind, sizes, f"{what}, {by}", make, quick)


def _forward(kind: str, sizes: Sizes, rows: int, hidden: str = "sigmoid", output: str = "sigmoid") -> PeerCase:
    what = "" if hidden == output == "sigmoid" else f", {hidden} and {output}"
    return _case(kind, sizes, f"batch of {rows}{what}", partial(inputs.batch, sizes, rows, hidden, output))


def _rules() -> Iterable[PeerCase]:
    for rule in RULES:
        for sizes, rows, size in _SHAPES:
            quick = (rule, sizes, size) in (("adam", MIDDLE, 32), ("momentum", TINY, 1))
            yield _training("update rules", sizes, rows, size, rule, rule, quick)


def _penalties() -> Iterable[PeerCase]:
    for penalty in ("l1", "l2"):
        for sizes, rows, size in ((TINY, 160, 16), ((64, 30, 10), 960, 10), (IMAGES, 960, 32)):
            quick = (penalty, sizes) == ("l2", TINY)
            yield _training("penalties", sizes, rows, size, penalty, quick=quick, **{penalty: 1e-4})


def _costs() -> Iterable[PeerCase]:
    for cost in ("binary_cross_entropy", "cross_entropy"):
        what = cost.replace("_", " ")
        output: Sizes = PIXELS if cost == "binary_cross_entropy" else IMAGES
        for sizes, rows, size in ((TINY, 160, 1), (TINY, 160, 16), (DEEP, 960, 32), (output, 960, 32)):
            quick = (cost, size) == ("cross_entropy", 16)
            yield _training("costs", sizes, rows, size, what, quick=quick, cost=cost)
        yield _training("costs", DIGITS, 960, 32, f"{what}, adam", "adam", hidden="relu", cost=cost)
    for hidden, output_name in (("relu", "softmax"), ("tanh", "identity")):
        for sizes in (TINY, DEEP, IMAGES):
            yield _forward("costs", sizes, 1000, hidden, output_name)


def _regression() -> Iterable[PeerCase]:
    for rule in ("descent", "adam"):
        for sizes, rows, size in (((4, 8, 1), 160, 16), (SMALL, 480, 32), (MIDDLE, 960, 32)):
            quick = (rule, sizes) == ("adam", SMALL)
            yield _training(
                "regression", sizes, rows, size, f"{rule} to numbers", rule, quick, hidden="tanh", output="identity"
            )


def _dropout() -> Iterable[PeerCase]:
    for sizes, rows, size in ((TINY, 160, 16), (DIGITS, 960, 32), (IMAGES, 960, 32)):
        yield _training("dropout", sizes, rows, size, "dropout", quick=sizes == TINY, hidden="relu", dropout=0.5)


def _normalization() -> Iterable[PeerCase]:
    for sizes, rows, size, rule in (
        (TINY, 160, 16, "descent"),
        (SMALL, 512, 256, "adam"),
        (DIGITS, 960, 32, "momentum"),
        (DEEP, 960, 32, "adam"),
        (IMAGES, 960, 32, "descent"),
    ):
        given: dict[str, Any] = {"hidden": "relu", "batch_normalization": True}
        what = f"batch normalization, {rule}"
        yield _training("batch normalization", sizes, rows, size, what, rule, sizes == TINY, **given)


def _drop_connect() -> Iterable[PeerCase]:
    for sizes, rows, size in ((TINY, 160, 1), (TINY, 160, 16), (DIGITS, 960, 32), (IMAGES, 960, 32)):
        quick = (sizes, size) == (TINY, 16)
        yield _training("DropConnect", sizes, rows, size, "DropConnect", quick=quick, hidden="relu", drop_connect=0.5)


_MORE: dict[str, dict[str, Any]] = {  # clipped to less than most entries, or most norms
    "clipped values": {"clip_value": 1e-3},
    "clipped norms": {"clip_norm": 1e-2},
    "learning rates that fall": {"decay": 0.1},
    "sample weights": {"weighted": True},
}


def _clipping_rates_and_weights() -> Iterable[PeerCase]:
    for words, given in _MORE.items():
        for sizes, rows, size, rule in ((TINY, 160, 16, "descent"), (DIGITS, 960, 32, "adam")):
            quick = (words, sizes) == ("sample weights", TINY)
            yield _training("clipping, rates, weights", sizes, rows, size, f"{rule}, {words}", rule, quick, **given)


def _many() -> Iterable[PeerCase]:
    for count, sizes, rows, size, rule in (
        (1000, TINY, 160, 160, "descent"),
        (1000, TINY, 160, 160, "adam"),
        (100, TINY, 160, 16, "descent"),
        (100, TINY, 160, 16, "adam"),
        (100, (10, 20, 1), 160, 16, "momentum"),
    ):
        passes = 20 if size == rows else 2
        operation = f"{count:,} networks, {rule}, {'full batch' if size == rows else f'by {size}'}"
        make = partial(inputs.many, count, sizes, rows, size, rule, passes)
        yield _case(MANY, sizes, operation, make, quick=(count, rule) == (100, "adam"))


def _small_batches() -> Iterable[PeerCase]:
    for sizes in (TINY, SMALL, DEEP, IMAGES):
        for rows in ROWS:
            yield _training("small batches", sizes, 10 * rows, rows, "10 batches", quick=(sizes, rows) == (SMALL, 12))
            yield _forward("small batches", sizes, rows)


def _single_calls() -> Iterable[PeerCase]:
    """One pass per call, with one update or a few, so that the overhead of a call counts as much as the updates."""
    for sizes, rows, size, rule in (
        (TINY, 16, 16, "descent"),
        (TINY, 16, 4, "descent"),
        (TINY, 16, 16, "adam"),
        ((10, 8, 8, 1), 16, 16, "momentum"),
        (SMALL, 32, 32, "adam"),
    ):
        by = "full batch" if size == rows else f"by {size}"
        make = partial(_one_pass, sizes, rows, size, rule)
        yield _case("single calls", sizes, f"one pass, {rule}, {by}", make, quick=(sizes, rule) == (TINY, "adam"))


def _one_pass(sizes: Sizes, rows: int, size: int, rule: str) -> Task:
    return replace(inputs.training(sizes, rows, size, rule), passes=1)


def _wide() -> Iterable[PeerCase]:
    for width in WIDE:
        yield _training("wide layers", (width,) * 3, 128, 128, "descent", quick=width == 256)
        yield _forward("wide layers", (width,) * 3, 128)


def _limits() -> Iterable[PeerCase]:
    for width in LIMITS:
        for size, rule in ((1, "descent"), (16, "descent"), (17, "descent"), (1, "adam")):
            quick = (width, size, rule) == (9, 1, "descent")
            yield _training("limits of tiny networks", (10, width, 3), 20 * size, size, rule, rule, quick)


KINDS = (
    *(*_rules(), *_penalties(), *_costs(), *_regression(), *_dropout()),
    *(*_normalization(), *_drop_connect(), *_clipping_rates_and_weights()),
    *(*_many(), *_small_batches(), *_single_calls(), *_wide(), *_limits()),
)
