"""Prediction from a user's input: checked, converted if necessary, with an optional fast path per backend.

A small network computes its output in less time than Python takes to check the input. So a backend may provide

    fast_predict(model, otherwise, one) -> f(x, out=None)

f returns the output layer if x and `out` need no conversion: they are C-contiguous, aligned, writable arrays of the
model's dtype, and x is finite and has the right width. In all other cases it returns otherwise(x, out). If `one`, x is
one sample (n_in,), and f need not check it for NaN and infinity; otherwise x may also be a batch (m, n_in), and there
is no `out`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet.model import Model
from samenet.validation import arrays


class Predictor(Protocol):
    """The output layer for one sample: (n_in,) -> (n_out,), as a new array or in `out`; see `Network.predictor`."""

    def __call__(self, x: ArrayLike, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """The activations of the output layer."""


def as_array(values: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """A backend's output, possibly nested lists, as an array."""
    if type(values) is np.ndarray and values.shape == shape and values.dtype == dtype:
        return values
    with np.errstate(all="ignore"):  # as the reference's outputs may in float32
        return np.asarray(values, dtype).reshape(shape)


def for_samples(model: Model, backend: Any) -> Callable[[Any], NDArray[Any]]:
    """f(X): the implementation of `Network.predict`."""
    f: Callable[[Any], NDArray[Any]] = backend.fast_predict(model, partial(_samples, model, backend), False)
    return f


def for_one(model: Model, backend: Any) -> Predictor:
    """f(x, out=None): what `Network.predictor` returns."""
    f: Predictor = backend.fast_predict(model, partial(_one, model, backend), True)
    return f


def _samples(model: Model, backend: Any, X: Any) -> NDArray[Any]:
    """Predict one sample or a batch, after checking all of it."""
    X = arrays.samples("X", X, model.sizes[0], model.dtype)
    output = backend.predict(model, X)
    if type(output) is np.ndarray:
        return output
    return as_array(output, (*X.shape[:-1], model.sizes[-1]), model.dtype)


def _one(model: Model, backend: Any, x: Any, out: Any = None) -> NDArray[Any]:
    """Predict one sample: x is checked and converted, though NaN and infinity are allowed; `out` is checked.

    Raises ValueError or TypeError, naming x or out. `out` is written last, so it may share memory with x.
    """
    x = arrays.sample("x", x, model.sizes[0], model.dtype)
    if out is not None:
        arrays.check_out("out", out, model.sizes[-1], model.dtype)
    output = backend.predict(model, x)
    with np.errstate(all="ignore"):  # the reference's outputs may overflow or underflow in float32
        answer = np.asarray(output, model.dtype)
    if out is None:
        return answer
    out[:] = answer
    return out  # type: ignore[no-any-return]
