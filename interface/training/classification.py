"""How outputs become classes, for `Network.classify` and the accuracy monitors.

The class of a single node depends on the activation of the output layer; h exactly at the threshold is the lower class:

==========  ============  =========  ===================================================================
output      threshold     classes    targets that accuracy accepts as classes
==========  ============  =========  ===================================================================
"sigmoid"   h > 1/2       0 and 1    0 and 1; or two values a and 1 - a between them, such as .1 and .9
"tanh"      h > 0         -1 and 1   -1 and 1; or two values -a and a between them, such as -.9 and .9
others      none: "identity" and "relu" are for regression; `Network` rejects a softmax of one node
==========  ============  =========  ===================================================================

The class of several competing nodes is the index of the largest output, the first one in case of a tie.

`classify` has no targets, so `labels` says whether nodes compete.

==========  =====================  =================================  ========================================
labels      one output             several outputs                    shape for (m, n_in), and for (n_in,)
==========  =====================  =================================  ========================================
"auto"      by its threshold       the largest; ValueError for        (m,), and a number
                                   "identity" and "relu"
"one"       by its threshold       the largest                        (m,), and a number
"several"   by its threshold       each by its threshold; ValueError  (m, n_out), and (n_out,)
                                   for "softmax"
==========  =====================  =================================  ========================================

For the monitors, the targets Y (m, n_out) decide:

"accuracy"         if every row of Y has one class, the share of samples whose largest output is at the position of the
                   largest target, whatever the activation and the cost; else "subset_accuracy". Rows have one class if
                   n_out > 1 and all are one-hot (in 0 and 1, -1 and 1, or two values as above), or all are
                   probability distributions with a unique maximum
"subset_accuracy"  the share of samples with every output on the right side of its threshold
"label_accuracy"   the share of correct outputs among all m n_out of them: 1 minus the Hamming loss

Each raises ValueError before training begins if it is meaningless: for targets that are not classes, and for outputs
without a threshold unless every row of Y has one class. Source for the two multi-label monitors: G. Tsoumakas and
I. Katakis, Multi-label classification: an overview (2007), section 4.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from samenet.validation import checks

Array = NDArray[Any]

Accuracy = Literal["accuracy", "subset_accuracy", "label_accuracy"]
Labels = Literal["auto", "one", "several"]

ACCURACIES: tuple[Accuracy, ...] = get_args(Accuracy)
LABELS: tuple[Labels, ...] = get_args(Labels)

# The two classes of a node; the threshold is their midpoint.
_CLASSES = {"sigmoid": (0, 1), "tanh": (-1, 1)}
_SUM_TOLERANCE = 1e-5  # for sums such as .1 + .9, in float32 too
_FEW = 1 << 14  # up to this many bytes of targets, comparing them takes less time than examining them again


def labels_of(labels: Any, activation: str, n_out: int) -> Callable[[Array], Any]:
    """A function from outputs (..., n_out) to classes, int64, as tabulated; ValueError where there are no classes."""
    labels = checks.choice("labels", labels, LABELS)
    if labels == "several" or n_out == 1:
        if activation not in _CLASSES:
            raise ValueError(
                f"labels: expected an output layer of 'sigmoid' or 'tanh', whose nodes have a threshold, to go with "
                f"{labels!r} and {n_out} output{'s' if n_out > 1 else ''}, got {activation!r}"
            )
        return lambda output: _by_threshold(output if labels == "several" else output[..., 0], activation)
    if labels == "auto" and activation not in (*_CLASSES, "softmax"):
        raise ValueError(
            f"labels: expected 'one' (for one-hot targets) with an output layer of {activation!r}, whose outputs are "
            f"otherwise numbers, not classes, got {labels!r}"
        )
    return lambda output: output.argmax(axis=-1)


def accuracy(name: str, activation: str, Y: Array) -> Callable[[Array], float]:
    """The monitor for these targets, as a function of the outputs (m, n_out); ValueError if it is meaningless."""
    if Y.nbytes <= _FEW:
        return _of_equal(name, activation, Y.tobytes(), Y.shape, Y.dtype)
    return _accuracy(name, activation, Y)


@lru_cache(32)
def _of_equal(
    name: str, activation: str, targets: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Callable[[Array], float]:
    """`accuracy`, with a cache: training in many short calls passes the same targets again and again."""
    return _accuracy(name, activation, np.frombuffer(targets, dtype).reshape(shape))


def _accuracy(name: str, activation: str, Y: Array) -> Callable[[Array], float]:
    if name == "accuracy" and _has_one_class_per_row(Y):
        classes = Y.argmax(axis=1)
        return lambda output: _share(output.argmax(axis=1) == classes)
    _refuse(name, activation, Y)
    low, high = _CLASSES[activation]
    threshold = (low + high) / 2
    labels = threshold < Y
    if name == "label_accuracy" or Y.shape[1] == 1:
        return lambda output: _share((threshold < output) == labels)
    return lambda output: _share(((threshold < output) == labels).all(axis=1))


def _share(correct: Array) -> float:
    """The share of true values; `mean` takes longer."""
    return np.count_nonzero(correct) / correct.size


def _by_threshold(output: Array, activation: str) -> Any:
    low, high = _CLASSES[activation]
    return np.where((low + high) / 2 < output, np.int64(high), np.int64(low))[()]


def _has_one_class_per_row(Y: Array) -> bool:
    if Y.shape[1] == 1:
        return False
    largest = Y.max(axis=1, keepdims=True)
    if not ((largest == Y).sum(axis=1) == 1).all():
        return False
    is_one_hot = _is_two_valued(Y) and any(_are_coded(Y, *classes) for classes in _CLASSES.values())
    return is_one_hot or bool(Y.min() >= 0 and (np.abs(Y.sum(axis=1) - 1) < _SUM_TOLERANCE).all())


def _is_two_valued(Y: Array) -> bool:
    return bool(((Y.min() == Y) | (Y.max() == Y)).all())


def _are_coded(Y: Array, low: int, high: int) -> bool:
    """Whether targets encode two classes: as low and high, or as two values between and equally far from them."""
    least, most = float(Y.min()), float(Y.max())
    if least < low or most > high or not _is_two_valued(Y):
        return False
    if least in (low, high) and most in (low, high):
        return True
    return least < most and abs(least + most - (low + high)) < _SUM_TOLERANCE


def _refuse(name: str, activation: str, Y: Array) -> None:
    """Reject targets that are not classes of single nodes; one class per row was ruled out before."""
    may_compete = name == "accuracy" and Y.shape[1] > 1
    if activation in _CLASSES:
        if _are_coded(Y, *_CLASSES[activation]):
            return
        low, high = _CLASSES[activation]
        expected = f"{low} and {high} as targets of {activation!r}{', or one-hot rows,' if may_compete else ''}"
        got = f"{Y[(low != Y) & (high != Y)][0]:g} in Y"
    elif may_compete:
        expected = f"one class in every row of Y with an output layer of {activation!r}"
        is_one_hot = ((Y == 1).sum(axis=1) == 1) & ((Y == 0).sum(axis=1) == Y.shape[1] - 1)
        got = checks.short(Y[~is_one_hot][0].tolist())
    else:
        expected, got = "an output layer of 'sigmoid' or 'tanh', whose nodes have a threshold", repr(activation)
    raise ValueError(
        f"monitors: expected {expected} for {name!r}, got {got}; for regression, use 'mean_absolute_error'"
    )
