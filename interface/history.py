"""What training recorded."""

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def _mean_norm(output: Array, Y: Array) -> float:
    return float(np.linalg.norm(Y - output, axis=1).mean())


def _mean_absolute_error(output: Array, Y: Array) -> float:
    return float(np.abs(Y - output).mean())


def _accuracy(output: Array, Y: Array) -> float:
    return float((output.argmax(axis=1) == Y.argmax(axis=1)).mean())


# What can be watched beside the cost, as a function of the output activations and the targets, both (m, n_out).
MONITORS: dict[str, Callable[[Array, Array], float]] = {
    "mean_norm": _mean_norm,
    "mean_absolute_error": _mean_absolute_error,
    "accuracy": _accuracy,
}


class History:
    """The cost, and the monitors asked for, before each recorded epoch.

    epochs       the numbers of the recorded epochs, counted from 0
    cost         the cost on all samples before each of them: what the training minimises
    epochs_done  how many epochs are complete
    stopped_by   what ended the training before its epochs were done, None if nothing did: "callback", the text of a
                 stop rule, or the message of scipy's optimizer
    best_epoch   with `stopping.Patience`: how many epochs were done at the least cost of its samples
    starts       with `optimizers.MultiStart`: the cost after each start, infinity for one that diverged
    history["mean_norm"], ["mean_absolute_error"], ["accuracy"]: a monitor, if it was asked for; ["cost"] works too

    Monitors, over m samples: mean_norm is (1/m) sum ||y - h||, the plain norm, which tutorial 000 prints as its
    average cost; mean_absolute_error is the mean of |y - h| over samples and outputs (tutorial 004); accuracy is the
    share of samples whose largest output is that of the largest target.
    """

    def __init__(self, monitors: tuple[str, ...] = ()) -> None:
        self.epochs_done = 0
        self.stopped_by: str | None = None
        self.best_epoch: int | None = None
        self.starts: tuple[float, ...] = ()
        # Python's own arrays, which grow as lists do and take many numbers at once.
        self._epochs = array("q")
        self._values = {name: array("d") for name in ("cost", *monitors)}

    @property
    def epochs(self) -> NDArray[np.int64]:
        """The numbers of the recorded epochs."""
        return np.array(self._epochs, np.int64)

    @property
    def cost(self) -> NDArray[np.float64]:
        """The cost before each recorded epoch."""
        return self["cost"]

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        if name not in self._values:
            raise KeyError(f"{name!r} was not recorded; recorded were {', '.join(self._values)}")
        return np.array(self._values[name], np.float64)

    def __len__(self) -> int:
        return len(self._epochs)

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {values[-1]:.6g}" for name, values in self._values.items() if values)
        return f"History({self.epochs_done} epochs done, {len(self)} recorded{'; last: ' + last if last else ''})"

    def record(self, epoch: int, cost: float, output: Array | None, Y: Array) -> None:
        """Note the state before an epoch; `output` is needed for monitors only."""
        self._epochs.append(epoch)
        self._values["cost"].append(cost)
        for name, values in self._values.items():
            if name != "cost" and output is not None:
                values.append(MONITORS[name](output, Y))

    def record_costs(self, epoch: int, costs: Array, every: int) -> None:
        """Note the costs before many epochs that begin with this one, those that are a multiple of `every`."""
        numbers = np.arange(epoch, epoch + len(costs), dtype=np.int64)
        first = -epoch % every
        self._epochs.frombytes(numbers[first::every].tobytes())
        self._values["cost"].frombytes(costs[first::every].astype(np.float64).tobytes())
