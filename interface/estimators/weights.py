"""The sample weights of a fit: those of the caller, times those of the samples' classes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.validation import checks
from samenet.validation.weights import checked

Weights = NDArray[np.float64]


def of_samples(value: Any, rows: int) -> Weights | None:
    """Weights (rows,), checked; a number is the weight of every sample. None for None, and if all are 1."""
    if value is None:
        return None
    one = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    weights = checked(np.full(rows, value) if one else value, rows, np.dtype(np.float64))
    return None if (weights == 1).all() else weights.copy()


def of_classes(class_weight: Any, labels: list[Any], classes: NDArray[np.int64], weights: Weights | None) -> Weights:
    """The weight of every sample's class, (m,).

    class_weight: "balanced" for sum w / (K sum w over the samples of the class), with K classes and the weights w; or a
    dictionary from labels to numbers, in which those that are not named have 1.
    classes: the index of every sample's label in labels.
    """
    if isinstance(class_weight, Mapping):
        unknown = [label for label in class_weight if label not in labels]
        if unknown and not all(label in class_weight for label in labels):  # else it may be missing in a fold
            raise ValueError(
                f"class_weight: expected weights of {checks.short(labels)}, got one of {checks.short(unknown[0])}"
            )
        known = [label for label in labels if label in class_weight]
        found = {label: checks.number(f"class_weight[{label!r}]", class_weight[label], least=0.0) for label in known}
        return np.array([found.get(label, 1.0) for label in labels])[classes]
    if not isinstance(class_weight, str):
        raise TypeError(
            "class_weight: expected None, 'balanced' or a dictionary from labels to weights, got "
            f"{checks.short(class_weight)} ({type(class_weight).__name__})"
        )
    checks.choice("class_weight", class_weight, ("balanced",))
    counts = np.bincount(classes, weights, minlength=len(labels))
    with np.errstate(all="ignore"):  # for a class without samples or weight, which no sample uses
        factors = np.where(counts > 0, counts.sum() / (len(labels) * counts), 0.0)
    return factors[classes]


def share(weights: Weights | None, rows: slice, m: int) -> float:
    """The weight of the mean over some of the m samples in the mean over all."""
    if weights is None:
        return len(range(*rows.indices(m))) / m
    return float(weights[rows].sum() / weights.sum())


def some(weights: Weights | None, chosen: Any, of: str) -> Weights | None:
    """The weights of some samples, checked: not all 0, with a finite sum. ValueError says which samples these are."""
    if weights is None:
        return None
    found: Weights = weights[chosen]
    if not found.any():
        raise ValueError(f"sample_weight: expected at least one weight that is not zero {of}")
    with np.errstate(all="ignore"):
        if not np.isfinite(found.sum()):
            raise ValueError(f"sample_weight: expected weights whose sum is finite {of}")
    return found
