"""The quality of predictions, accumulated part by part: accuracy and figures for each class, or R2 and errors."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.cli.tabular.columns import Number
from samenet.cli.tabular.preparation import Classes

Floats = NDArray[np.float64]


class ClassFigures:
    """The confusion matrix: rows are the true classes, columns the predicted ones."""

    def __init__(self, target: Classes) -> None:
        self.target = target
        self.confusion = np.zeros((len(target.values), len(target.values)), np.int64)

    def add(self, Y: Floats, outputs: NDArray[Any]) -> None:
        """Add rows, with their targets and the network's outputs, both (m, width)."""
        np.add.at(self.confusion, (self.target.chosen(Y), self.target.chosen(outputs)), 1)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self.confusion.sum())

    @property
    def score(self) -> float:
        """The accuracy: the share of rows whose class is right."""
        return float(np.trace(self.confusion) / self.rows)

    def as_json(self) -> dict[str, Any]:
        """Plain values; null where a class has no rows to divide by.

        precision = right / predicted, recall = right / true, f1 = 2 right / (predicted + true).
        """
        right, true, predicted = np.diag(self.confusion), self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        classes = [
            {
                "class": text,
                "rows": int(t),
                "precision": _ratio(r, p),
                "recall": _ratio(r, t),
                "f1": _ratio(2 * r, p + t),
            }
            for text, r, t, p in zip(self.target.texts, right, true, predicted, strict=True)
        ]
        return {
            "task": "classification",
            "rows": self.rows,
            "accuracy": self.score,
            "classes": classes,
            "confusion": self.confusion.tolist(),
        }


def _ratio(part: Any, whole: Any) -> float | None:
    return float(part / whole) if whole else None


def finite_or_none(value: float) -> float | None:
    """A number for JSON, which has neither infinity nor NaN."""
    return value if math.isfinite(value) else None


class NumberFigures:
    """The errors of numbers, in the units of the target; the sums are of scaled targets.

    R2 = 1 - sum (y - h)^2 / sum (y - mean y)^2, by means that are merged part by part.
    Source: T. Chan, G. Golub, R. LeVeque, Updating formulae and a pairwise algorithm for computing sample variances
    (1979).
    """

    def __init__(self, target: Number) -> None:
        self.target, self.rows = target, 0
        self._mean = self._spread = self._squares = self._absolute = 0.0

    def add(self, Y: Floats, outputs: NDArray[Any]) -> None:
        """Add rows, with their targets and the network's outputs, both (m, 1) and scaled."""
        n, total = len(Y), self.rows + len(Y)
        with np.errstate(all="ignore"):  # sums that overflow are infinite or NaN
            y, error = Y[:, 0], outputs[:, 0] - Y[:, 0]
            mean = y.mean()
            moved = mean - self._mean
            self._spread += float(((y - mean) ** 2).sum() + moved**2 * self.rows * n / total)
            self._mean += float(moved * n / total)
            self._squares += float((error**2).sum())
            self._absolute += float(abs(error).sum())
        self.rows = total

    @property
    def score(self) -> float:
        """R2; NaN if all targets are equal, or if a sum is beyond the range of numbers."""
        return 1 - self._squares / self._spread if 0 < self._spread < math.inf else math.nan

    def as_json(self) -> dict[str, Any]:
        """Plain values; null for an R2 of targets that are all equal, and for figures beyond the range of numbers."""
        return {
            "task": "regression",
            "rows": self.rows,
            "r2": finite_or_none(self.score),
            "root_mean_squared_error": finite_or_none(math.sqrt(self._squares / self.rows) * self.target.scale),
            "mean_absolute_error": finite_or_none(self._absolute / self.rows * self.target.scale),
        }


Figures = ClassFigures | NumberFigures


def figures(target: Classes | Number) -> Figures:
    """The figures for predictions of this kind of target."""
    return ClassFigures(target) if isinstance(target, Classes) else NumberFigures(target)
