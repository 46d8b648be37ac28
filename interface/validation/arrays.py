"""Checks of a user's arrays: each is converted to the form that every backend works on, or rejected.

As in `samenet.validation.checks`, errors name the argument, and input is never written to.
"""

from collections.abc import Sequence
from itertools import chain
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.validation.checks import Float, listed, short
from samenet.validation.containers import has_masked, is_sparse
from samenet.validation.finite import all_finite

_LIST = frozenset((list,))


def is_ready(value: Any, dtype: Float) -> bool:
    """Whether an array needs no conversion: exactly an ndarray, of this dtype, C-contiguous, aligned and writable.

    Read-only arrays are copied, since kernels would have to be compiled again for them.
    """
    return type(value) is np.ndarray and value.dtype == dtype and value.flags.carray


def is_apart(found: NDArray[Any], given: Any) -> bool:
    """Whether a converted array is a copy, or a view of a given one that owns its memory: not a view of parameters."""
    is_view = found.base is given
    return bool(found.flags.owndata or (is_view and given.flags.owndata))


def check_unmasked(name: str, value: Any) -> None:
    """Refuse masked entries: converted to an array, they would be the numbers under the mask."""
    if has_masked(value):
        got = "a masked array" if isinstance(value, np.ma.MaskedArray) else f"a {type(value).__name__}"
        raise ValueError(f"{name}: expected numbers only, got {got} with masked entries")


def plain(name: str, value: Any) -> NDArray[Any]:
    """The value as a NumPy array of any dtype."""
    check_unmasked(name, value)
    if is_sparse(value):
        raise TypeError(f"{name}: expected an array of numbers, got a sparse {type(value).__name__}; use .toarray()")
    try:
        found = np.asarray(value)
        return found if type(value) is list else found[...]  # `__array__` may return an array that is still in use
    except ValueError:
        raise ValueError(f"{name}: expected rows of equal length, got {short(value)}") from None
    except Exception as error:
        raise TypeError(f"{name}: expected an array of numbers, got {type(value).__name__} ({error})") from error


def array(name: str, value: Any, dtype: Float) -> NDArray[Any]:
    """An array of real numbers in the form that every backend works on; copied only if necessary.

    Never the array that was given, but a view of it, because other threads, callbacks and schedules might change its
    shape or dtype afterwards.
    """
    if type(value) is np.ndarray:
        value = value[...]
    if is_ready(value, dtype):
        return value  # type: ignore[no-any-return]
    if type(value) is np.ndarray and value.dtype.kind in "biuf":  # holds numbers, and nothing else
        if value.dtype == dtype or value.dtype.kind in "biu":
            return np.array(value, dtype, order="C")
        with np.errstate(all="ignore"):
            return np.array(value, dtype, order="C")
    found = _converted_before(value, dtype) if type(value) is list else None
    if found is not None:
        return found
    given = plain(name, value)
    if is_ready(given, dtype):  # such as a list of numbers
        return _remembered(value, given)
    with np.errstate(all="ignore"):  # numbers that are too large become infinite, signalling NaNs become quiet
        if given.dtype.kind == "O":  # such as a data frame with columns of several types, or integers beyond 64 bits
            given = _from_objects(name, value, given, dtype)
        if given.dtype.kind not in "biuf":
            raise TypeError(f"{name}: expected real numbers, got {short(value)} ({given.dtype})")
        found = np.array(given, dtype, order="C")
        return found if given.dtype != np.float64 else _remembered(value, found)


_FEW_LISTED = 4096  # up to this many numbers in lists, comparing them with the last ones is faster than converting them
_ids: tuple[int, ...] = ()  # of the last lists that were converted
_listed: tuple[tuple[list[Any], NDArray[Any]], ...] = ()  # copies of those that were converted again, and the results


def _converted_before(value: list[Any], dtype: Float) -> NDArray[Any] | None:
    """The array that an equal list, or list of lists, was converted to, if it was one of the last; otherwise None.

    Lists are found to be equal at once where they contain the same objects. The type of their sum shows that all of
    these are numbers of Python's own: a `Decimal` may equal a float, but is not accepted. The sum cannot overflow.
    """
    is_nested = bool(value) and type(value[0]) is list
    if len(value) > _FEW_LISTED or (is_nested and not _LIST.issuperset(map(type, value))):
        return None
    try:
        for before, found in _listed:
            if found.dtype == dtype and value == before:
                total = sum(chain.from_iterable(value) if is_nested else value)
                return found.copy() if type(total) is float else None
    except Exception:  # of a user's type
        pass
    return None


def _remembered(value: Any, found: NDArray[Any]) -> NDArray[Any]:
    """The array; if it was made of few floats in a list, or in lists in a list, they are kept the second time."""
    global _ids, _listed
    if type(value) is list and 0 < found.size <= _FEW_LISTED:
        is_again, _ids = id(value) in _ids, (id(value), *_ids[:3])
        is_nested = found.ndim == 2 and _LIST.issuperset(map(type, value))
        if is_again and (is_nested or found.ndim == 1) and np.vdot(found, found) < np.inf:
            _listed = ([row[:] for row in value] if is_nested else value[:], found.copy()), *_listed[:3]
    return found


def _from_objects(name: str, value: Any, given: NDArray[Any], dtype: Float) -> NDArray[np.float64]:
    """Real numbers of any type as float64."""
    if not all(isinstance(v, Real) and not isinstance(v, np.timedelta64) for v in given.flat):
        hint = "; use .toarray()" if any(map(is_sparse, given.flat)) else ""
        hint = "; use .collect()" if hasattr(type(value), "collect") else hint  # a query of Polars
        raise TypeError(f"{name}: expected real numbers, got {short(value)} ({type(value).__name__}){hint}")
    try:
        return given.astype(np.float64)
    except OverflowError:
        raise ValueError(f"{name}: expected finite numbers, got one too large for {dtype}") from None
    except Exception as error:  # from a user-defined number
        raise TypeError(f"{name}: expected real numbers, got {short(value)} ({error})") from None


def finite(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Reject NaN and infinity."""
    if not all_finite(values):
        index = tuple(map(int, np.argwhere(~np.isfinite(values))[0]))
        raise ValueError(
            f"{name}: expected finite numbers, got {values[index]} at {name}{list(index)} as {values.dtype}"
        )
    return values


_FEW = 256  # up to this many numbers, comparing them with the last ones is faster than checking them
_finite: tuple[Any, ...] = ()  # the last two X and Y that were found to be finite, if small, and their dtypes


def _check_finite(X: NDArray[Any] | None, Y: NDArray[Any]) -> None:
    """Reject NaN and infinity in X, if it is given, and in Y."""
    global _finite
    few = None
    if Y.size <= _FEW and (X is None or X.size <= _FEW):
        few = None if X is None else X.tobytes(), Y.tobytes(), Y.dtype
        if few in _finite:  # of training, or of a validation set
            return
    if X is not None:
        finite("X", X)
    finite("Y", Y)
    if few is not None:
        _finite = few, *_finite[:1]


def samples(name: str, value: Any, n: int, dtype: Float) -> NDArray[Any]:
    """One sample (n,) or a batch (m, n), where m may be 0."""
    X = array(name, value, dtype)
    if X.ndim not in (1, 2) or X.shape[-1] != n:
        raise ValueError(f"{name}: expected shape ({n},) or (m, {n}), got {X.shape}")
    return finite(name, X)


def sample(name: str, value: Any, n: int, dtype: Float) -> NDArray[Any]:
    """One sample (n,), which may contain NaN and infinity."""
    x = array(name, value, dtype)
    if x.shape != (n,):
        raise ValueError(f"{name}: expected shape ({n},), got {x.shape}")
    return x


def check_out(name: str, value: Any, n: int, dtype: Float) -> None:
    """An output array (n,), which cannot be converted: shape, dtype and memory layout must be exactly as required."""
    if type(value) is not np.ndarray:
        raise TypeError(f"{name}: expected a numpy.ndarray to write into, got {short(value)} ({type(value).__name__})")
    if value.dtype != dtype:
        raise TypeError(f"{name}: expected an array of {dtype} to write into, got {value.dtype}")
    if value.shape != (n,):
        raise ValueError(f"{name}: expected shape ({n},), got {value.shape}")
    if not value.flags.carray:
        got = "a read-only array" if not value.flags.writeable else f"strides {value.strides}, or unaligned"
        raise ValueError(f"{name}: expected a C-contiguous, writable array, got {got}")


def labelled(
    X: Any, Y: Any, n_in: int, n_out: int, dtype: Float, checks_X: bool = True
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Samples and targets as (m, n_in) and (m, n_out) with m >= 1; one sample becomes a batch of one.

    Without `checks_X`, X may have NaN and infinity.
    """
    # Most arrays need no conversion, and so no call; for the views, see `array`.
    X = X[...] if type(X) is np.ndarray else X
    if not (type(X) is np.ndarray and X.dtype == dtype and X.flags.carray):
        X = array("X", X, dtype)
    shape = X.shape
    rank = len(shape)
    if rank not in (1, 2) or shape[-1] != n_in:
        raise ValueError(f"X: expected shape ({n_in},) or (m, {n_in}), got {shape}")
    if shape[0] == 0:
        raise ValueError(f"X: expected at least one sample, got shape {shape}")
    given = Y
    Y = Y[...] if type(Y) is np.ndarray else Y
    if not (type(Y) is np.ndarray and Y.dtype == dtype and Y.flags.carray):
        Y = array("Y", Y, dtype)
    expected = (shape[0], n_out) if rank == 2 else (n_out,)
    if Y.shape != expected:
        hint = ""
        if Y.shape == shape[:1] and rank == 2:
            column = "Y.reshape(-1, 1)" if isinstance(given, np.ndarray) else "[[y] for y in Y]"
            hint = f"; use {column}" if n_out == 1 else "; see samenet.data.one_hot for class labels"
        raise ValueError(f"Y: expected shape {expected} to go with X of shape {shape}, got {Y.shape}{hint}")
    _check_finite(X if checks_X else None, Y)
    return (X, Y) if rank == 2 else (X.reshape(1, n_in), Y.reshape(1, n_out))


def matrices(name: str, values: Any, shapes: Sequence[tuple[int, ...]], dtype: Float) -> list[NDArray[Any]]:
    """Finite arrays of the given shapes, one for each layer after the first."""
    given = listed(name, values, f"a list of {len(shapes)} arrays")
    if len(given) != len(shapes):
        raise ValueError(f"{name}: expected {len(shapes)} arrays, of shapes {list(shapes)}, got {len(given)}")
    result = []
    for i, (value, shape) in enumerate(zip(given, shapes, strict=True)):
        item = value if is_ready(value, dtype) else array(f"{name}[{i}]", value, dtype)
        if item.shape != shape:
            raise ValueError(
                f"{name}[{i}]: expected shape {shape} (n_out, n_in), got {item.shape}"
                if len(shape) == 2
                else f"{name}[{i}]: expected shape {shape}, got {item.shape}"
            )
        result.append(item if all_finite(item) else finite(f"{name}[{i}]", item))
    return result
