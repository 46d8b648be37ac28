"""Checks of the form of a backend's results: type, shapes and dtype, before any number is compared."""

from collections.abc import Sequence
from typing import Any

import numpy as np


class Broken(Exception):
    """A call that gave no valid answer.

    function  the function that was called
    kind      "raised", "form" or "hangs"
    text      a description of what happened
    hint      the most likely mistake, if it can be identified
    """

    def __init__(self, function: str, kind: str, text: str, cause: BaseException | None = None, hint: str = "") -> None:
        super().__init__(f"{function}: {text}")
        text = printable(text)
        self.function, self.kind, self.text, self.cause, self.hint = function, kind, text, cause, hint


def printable(value: object) -> str:
    """Text on one line, without unprintable characters; works for an object whose `str` raises."""
    try:
        text = " ".join(str(value).split())
    except Exception:
        return f"a {type(value).__name__} that cannot be printed"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def check(function: str, result: Any, model: Any, x: Any, named: dict[str, Any]) -> None:
    """Raise Broken for a result that does not have the form required by the contract."""
    if function == "feed_forward":
        _layers(result, model, x)
    elif function in ("predict", "fast_predict"):
        _array(function, "the output", result, (*np.shape(x)[:-1], model.sizes[-1]), model.dtype)
    elif function == "evaluate":
        cost, output = _pair(function, result, "(cost, output)")
        _number(function, cost)
        _array(function, "the output", output, (len(x), model.sizes[-1]), model.dtype)
    elif function == "gradient":
        cost, slope = _pair(function, result, "(cost, gradient)")
        _number(function, cost)
        _gradient(slope, model)
    elif function == "run_updates":
        _costs(result, x, named)


def shaped(name: str, given: Any, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """The result of an exercise's function, as an array of this shape; raises ValueError for another shape."""
    if np.shape(given) != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {np.shape(given)}")
    return np.asarray(given)


def _layers(result: Any, model: Any, x: Any) -> None:
    sizes = model.sizes
    if isinstance(result, np.ndarray) and result.dtype != object and result.ndim <= np.ndim(x):
        hint = "only the output is returned: return [x, h2, ..., hL]"
        raise _form("feed_forward", f"the activations of {len(sizes)} layers, in a list", _shown(result), hint)
    if not isinstance(result, Sequence | np.ndarray) or isinstance(result, str):
        raise _form("feed_forward", f"a list of {len(sizes)} arrays", _shown(result))
    if len(result) != len(sizes):
        hint = ""
        if not model.bias and len(result) == 1:
            hint = "model.biases is empty in a network without biases, and a zip with it ends at once"
        elif len(result) == len(sizes) - 1:
            hint = "the input layer is left out: the list begins with x itself"
        raise _form("feed_forward", f"a list of {len(sizes)} arrays", f"one of {len(result)}", hint)
    for layer, (h, n) in enumerate(zip(result, sizes, strict=True)):
        _array("feed_forward", f"h[{layer}]", h, (*np.shape(x)[:-1], n), model.dtype)


def _array(function: str, what: str, value: Any, shape: tuple[int, ...], dtype: Any) -> None:
    try:
        given = np.asarray(value)
    except Exception as error:
        raise _form(function, f"{what} of shape {shape}", f"{_shown(value)} ({error})") from error
    if given.dtype.kind not in "fiub":
        raise _form(function, f"{what} as real numbers", f"dtype {given.dtype}" if given.size else "nothing")
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray:  # such as a masked array
        raise _form(function, f"{what} as a plain array", f"a {type(value).__name__}")
    if given.shape != shape:
        hint = ""
        if len(shape) == 2 and given.shape == shape[::-1]:
            hint = "the result is transposed: samples are rows"
        raise _form(function, f"{what} of shape {shape}", f"shape {given.shape}", hint)
    if isinstance(value, np.ndarray | np.generic) and given.dtype != dtype:
        raise _form(function, f"{what} as {dtype}, the network's dtype", f"{given.dtype}", _of_dtype(dtype))


def _of_dtype(dtype: Any) -> str:
    return f"numbers become another dtype on the way: make arrays of model.dtype ({dtype}), or use .astype(model.dtype)"


def _pair(function: str, result: Any, expected: str) -> Any:
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise _form(function, f"a pair {expected}", _shown(result))
    return result


def _number(function: str, value: Any) -> None:
    if np.ndim(value) != 0 or np.asarray(value).dtype.kind not in "fiu":
        raise _form(function, "the cost as one number", _shown(value))


def _gradient(slope: Any, model: Any) -> None:
    if not hasattr(slope, "weights") or not hasattr(slope, "biases"):
        hint = "fill model.theta.empty_like(), which has .weights and .biases, and return it"
        raise _form("gradient", "a gradient with .weights and .biases", _shown(slope), hint)
    for name in ("weights", "biases"):
        given, expected = getattr(slope, name), getattr(model, name)
        if len(given) != len(expected):
            raise _form("gradient", f"{len(expected)} {name}", f"{len(given)}")
        for layer, (g, of) in enumerate(zip(given, expected, strict=True)):
            _array("gradient", f"{name}[{layer}]", g, of.shape, model.dtype)


def _costs(result: Any, X: Any, named: dict[str, Any]) -> None:
    order, size = named.get("order"), named.get("batch_size") or len(X)
    epochs, m = (named.get("epochs", 1), len(X)) if order is None else (len(order), len(order[0]))
    updates = epochs * -(-m // size)
    try:
        given = np.asarray(result, np.float64)
    except (TypeError, ValueError) as error:
        raise _form("run_updates", f"the costs before its {updates} updates", _shown(result)) from error
    if result is None or given.shape != (updates,):
        hint = ""
        if given.ndim == 1 and 0 < len(given) == epochs < updates:
            hint = "a cost for each epoch, where each update has one"
        elif given.ndim == 1 and len(given) == epochs * (m // size) < updates:
            hint = "the last, partial batch is left out"
        elif given.ndim == 1 and len(given) == epochs * min(size, m):
            hint = "batch_size is the size of a batch, not the number of batches"
        got = "None" if result is None else f"shape {given.shape}"
        raise _form("run_updates", f"the costs before its {updates} updates", got, hint)


_INSTEAD = {
    "None": "nothing is returned: a return is missing",
    "a generator": "yield in place of return",
    "a coroutine": "async def in place of def",
}


def _form(function: str, expected: str, got: str, hint: str = "") -> Broken:
    hint = hint or _INSTEAD.get(got, "")
    return Broken(function, "form", f"expected {expected}, got {got}", None, hint)


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return "None" if value is None else f"a {type(value).__name__}"
