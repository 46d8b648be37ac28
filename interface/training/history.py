"""The history: the values that training recorded."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from samenet.validation import checks

Array = NDArray[Any]
NOTHING: Mapping[str, float] = {}
_STATE = attrgetter("epochs_done", "stopped_by", "diverged_at", "best_epoch", "starts", "_epochs")
_NO_EPOCHS, _NO_VALUES = array("q"), array("d")


class History(Mapping[str, NDArray[np.float64]]):
    """The cost and the requested monitors before each recorded epoch: a mapping from their names to arrays (records,).

        history["cost"], history["accuracy"], list(history), dict(history), pandas.DataFrame(dict(history))

    It belongs to one call of `train`: the next call creates a new one and does not change this one. As for any mapping,
    len(history) is the number of names; the number of recorded epochs is len(history.cost). Two histories are equal if
    everything in them is equal.

    epochs       the numbers of the recorded epochs, counted from 0
    cost         the cost over all samples, which training minimises, before each of them
    epochs_done  the number of completed epochs
    stopped_by   what ended training early, or None: "callback" or "alpha" if that raised `StopTraining`, the str() of a
                 stop rule, or the message of scipy's optimizer
    diverged_at  the number of completed epochs when a `DivergenceWarning` was issued, or None
    best_epoch   with `stopping.Patience`: the number of completed epochs at the lowest validation cost
    validation_curve  with `stopping.Patience`: the validation cost before training and after each epoch, or None
    starts       with `optimizers.MultiStart`: the cost after each start, infinity for one that diverged

    With `train(validation=(X, Y))` there is also "validation_cost", the same cost with its penalties on those samples,
    and the value of each monitor on them, such as "validation_accuracy", before each recorded epoch.

    Monitors, over m samples: mean_norm is (1/m) sum ||y - h||, the plain norm, which tutorial 000 prints as its
    average cost; mean_absolute_error is the mean of |y - h| over samples and outputs (tutorial 004); accuracy,
    subset_accuracy and label_accuracy are defined in `samenet.training.classification`.
    """

    # Set in a history only where they differ.
    epochs_done = 0
    stopped_by: str | None = None
    diverged_at: int | None = None
    best_epoch: int | None = None
    starts: tuple[float, ...] = ()
    _curve: "array[float] | None" = None

    def __init__(self, monitors: Sequence[str] = ()) -> None:
        # Python's own arrays: they grow like lists, accept many numbers at once, and are faster to copy than lists.
        self._epochs = _NO_EPOCHS[:]
        self._values = {"cost": _NO_VALUES[:]}
        if type(monitors) is not tuple or monitors:
            names = ["cost", *checks.listed("monitors", monitors, "a list of names")]
            if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
                raise ValueError(
                    f"monitors: expected names, each once and none of them 'cost', got {checks.short(monitors)}"
                )
            self._values = {name: array("d") for name in names}

    @classmethod
    def recording(cls, names: Sequence[str]) -> Self:
        """A history that also records what has these names, which were checked."""
        history = cls()
        for name in names:
            history._values[name] = _NO_VALUES[:]
        return history

    @classmethod
    def of_several(cls, epochs: int, costs: NDArray[np.float64], every: int) -> list[Self]:
        """The histories of several runs of this many epochs, from the costs before those that are multiples of `every`,
        (runs, records), or none if it is 0.
        """
        numbers, new = array("q", range(0, epochs, every) if every else ()), object.__new__
        found, rows, count = [new(cls) for _ in costs], array("d", costs.tobytes()), len(numbers)
        for i, one in enumerate(found):
            one.epochs_done, one._epochs = epochs, numbers  # which does not change any more
            one._values = {"cost": rows[i * count : (i + 1) * count]}
        return found

    @property
    def epochs(self) -> NDArray[np.int64]:
        """The numbers of the recorded epochs."""
        return np.array(self._epochs, np.int64)

    @property
    def cost(self) -> NDArray[np.float64]:
        """The cost before each recorded epoch."""
        return self["cost"]

    @property
    def validation_curve(self) -> NDArray[np.float64] | None:
        """The validation cost before training and after each epoch, as `stopping.Patience` saw it."""
        return None if self._curve is None else np.array(self._curve, np.float64)

    def begin_validation_curve(self, cost: float) -> "array[float]":
        """Begin the curve with the cost before training; returns the array to which later costs are appended."""
        self._curve = array("d", [cost])
        return self._curve

    def continue_validation_curve(self, costs: Array | None) -> None:
        """Replace the costs of the curve by those of an earlier part of the training."""
        if self._curve is not None and costs is not None:
            self._curve[:] = array("d", costs.tolist())

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        if name not in self._values:
            raise KeyError(f"{name!r} was not recorded; recorded were {', '.join(self._values)}")
        return np.array(self._values[name], np.float64)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, History):
            return NotImplemented
        mine, others = ((*_STATE(history), list(history)) for history in (self, other))
        if mine != others or (self._curve is None) != (other._curve is None):
            return False
        same = [np.array_equal(self[name], other[name], equal_nan=True) for name in self]
        return all(same) and np.array_equal(self._curve or (), other._curve or (), equal_nan=True)

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Self:
        other = object.__new__(type(self))  # a copy that does not change, even if it was made in a callback
        vars(other).update(vars(self), _epochs=self._epochs[:])
        other._values = {name: values[:] for name, values in self._values.items()}
        other._curve = None if self._curve is None else self._curve[:]
        return other

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {value:.6g}" for name, value in self.latest().items())
        ended = f"; stopped by {self.stopped_by}" if self.stopped_by is not None else ""
        return (
            f"History({self.epochs_done} epochs done, {len(self._epochs)} recorded of {', '.join(self)}"
            f"{'; last: ' + last if last else ''}{ended})"
        )

    def is_recorded(self, epoch: int) -> bool:
        """Whether the last record is the state before this epoch."""
        return bool(self._epochs) and self._epochs[-1] == epoch

    @property
    def length(self) -> int:
        """The number of recorded epochs."""
        return len(self._epochs)

    def cut(self, length: int) -> None:
        """Keep only the first `length` records."""
        del self._epochs[length:]
        for values in self._values.values():
            del values[length:]

    def fill(self, epochs: Array, records: Array) -> None:
        """Fill in records from a file: the numbers of their epochs, and for each name its values, (names, records)."""
        self._epochs.frombytes(epochs.astype(np.int64).tobytes())
        for values, row in zip(self._values.values(), records, strict=True):
            values.frombytes(row.astype(np.float64).tobytes())

    def latest(self) -> dict[str, float]:
        """The values of the last recorded epoch, by name."""
        return {name: values[-1] for name, values in self._values.items() if values}

    def records(self, first: int = 0) -> Iterator[tuple[int, dict[str, float]]]:
        """The recorded epochs from the `first` on, and their values by name."""
        for i in range(first, len(self._epochs)):
            yield self._epochs[i], {name: values[i] for name, values in self._values.items()}

    def stop(self, source: object, reason: Exception) -> None:
        """Record what raised `StopTraining`, unless already recorded."""
        if self.stopped_by is None:
            self.stopped_by = f"{source}: {reason}" if str(reason) else str(source)

    def record(self, epoch: int, cost: float, watched: Mapping[str, float]) -> None:
        """Record the state before an epoch: the cost, and the value of each monitor."""
        length = self.length
        try:
            self._epochs.append(epoch)
            for name, values in self._values.items():
                values.append(cost if name == "cost" else watched[name])
        except BaseException:  # such as Ctrl-C
            self.cut(length)
            raise

    def record_each(self, epochs: Sequence[int], costs: Sequence[float]) -> None:
        """Record the costs before these epochs."""
        self._epochs.extend(epochs)
        self._values["cost"].extend(costs)

    def record_costs(self, epoch: int, costs: Array, every: int, watched: Mapping[str, float] = NOTHING) -> None:
        """Record the costs before many epochs, beginning with this one, at multiples of `every`.

        watched: the monitors' values, if only one epoch is recorded.
        """
        first = -epoch % every
        if len(costs) == 1 and first == 0:
            self._epochs.append(epoch)
            self._values["cost"].append(costs.item())
        else:
            if len(costs) > 32:
                self._epochs.frombytes(np.arange(epoch + first, epoch + len(costs), every, dtype=np.int64).tobytes())
            else:
                self._epochs.extend(range(epoch + first, epoch + len(costs), every))
            self._values["cost"].frombytes(costs[first::every].astype(np.float64).tobytes())
        for name, value in watched.items():
            self._values[name].append(value)
