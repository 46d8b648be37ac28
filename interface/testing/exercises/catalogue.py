"""The exercises: the subject of each, the functions that its file must define, and the parts that grade it."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from samenet.validation import checks

MARK = "# samenet exercise: "


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    level     1 for a first function, to 3 for compiled code and whole backends
    tutorial  the number of the tutorial that it goes with
    title     its subject, in one line
    defines   the functions that the file must have
    parts     the parts of the suite that grade it
    timed     the function of the contract whose time is shown
    faster    how many times as fast as the reference it must be; 0 for no requirement
    """

    name: str
    level: int
    tutorial: str
    title: str
    defines: tuple[str, ...]
    parts: tuple[str, ...]
    timed: str = "feed_forward"
    faster: float = 0.0

    def text(self) -> str:
        """The file to fill in."""
        task = files("samenet.testing.exercises") / "tasks" / f"{self.name.replace('-', '_')}.py"
        return f"{MARK}{self.name}\n{task.read_text('utf-8')}"


_ALL = (
    Exercise("sigmoid", 1, "000", "the sigmoid of a number", ("sigmoid",), ("feed_forward", "saturation")),
    Exercise("feed-forward-loops", 1, "000", "feed-forward with loops", ("feed_forward",), ("feed_forward",)),
    Exercise(
        *("feed-forward-arrays", 2, "000", "feed-forward of many samples, vectorised", ("feed_forward",)),
        ("feed_forward",),
        faster=3.0,
    ),
    Exercise(
        *("activations", 1, "002", "tanh, relu and softmax", ("tanh", "relu", "softmax")),
        ("activations", "saturation", "NaN and infinity"),
    ),
    Exercise("output-delta", 1, "000", "delta of the output layer", ("output_delta",), ("gradient",), "gradient"),
    Exercise("hidden-delta", 2, "000", "delta of a hidden layer", ("hidden_delta",), ("gradient",), "gradient"),
    Exercise(
        *("weight-gradient", 2, "000", "the gradient of weights and biases", ("weight_gradient",)),
        *(("gradient", "finite differences"), "gradient"),
    ),
    Exercise("update", 1, "000", "a step of gradient descent", ("update",), ("descent",), "run_updates"),
    Exercise("mini-batches", 2, "001", "which samples an update uses", ("batches",), ("epochs",), "run_updates"),
    Exercise(
        *("softmax-cross-entropy", 2, "002", "softmax with the cross-entropy", ("softmax", "cost", "delta")),
        *(("evaluate", "activations and costs", "saturation"), "gradient"),
    ),
    Exercise("momentum", 2, "001", "descent with a velocity", ("momentum",), ("momentum",), "run_updates"),
    Exercise("compile-it", 3, "000", "the loops, compiled with Numba", ("layer",), ("feed_forward",), faster=3.0),
    Exercise(
        *("find-the-bug", 3, "003", "a wrong gradient", ("feed_forward", "gradient")),
        *(("feed_forward", "gradient"), "gradient"),
    ),
    Exercise(
        *("find-the-bug-in-training", 3, "001", "training that forgets", ("feed_forward", "gradient", "run_updates")),
        *(("gradient", "descent", "momentum", "epochs"), "run_updates"),
    ),
)
EXERCISES = {exercise.name: exercise for exercise in _ALL}


def find(name: str) -> Exercise:
    """The exercise with this name. Raises ValueError for an unknown name, suggesting the nearest."""
    others = {exercise.replace("-", "_"): exercise for exercise in EXERCISES}
    return EXERCISES[checks.choice("name", others.get(name, name) if isinstance(name, str) else name, EXERCISES)]


def of_file(path: Path) -> Exercise:
    """The exercise of a file, by its first line. Raises ValueError if there is none, OSError for a missing file."""
    with open(path, encoding="utf-8", errors="replace") as file:
        first = file.readline(200).strip()
    if not first.startswith(MARK):
        raise ValueError(
            f"file: expected one that `samenet exercises start NAME` wrote, whose first line is "
            f"'{MARK}NAME', got {checks.short(first)} in {path.name}"
        )
    return find(first.removeprefix(MARK).strip())
