"""genann, in C, by ctypes, from the shared library that SAMENET_GENANN names.

It is one file: `cc -O3 -shared -fPIC genann.c -lm -o libgenann.so`.

Its sigmoid is a table of 4096 values on [-15, 15], read at the nearest: off by at most 1/4 * 15/4096 = 0.00092, which a
layer above multiplies by its weights. "exact" is its own exact sigmoid instead. It trains online only, and its hidden
layers are all of one width. It subtracts biases.
Source: genann.h and genann.c, https://github.com/codeplea/genann
"""

import ctypes
import os
from functools import cache, partial
from typing import Any

import numpy as np

from peers.problem import Array, Call, Descent, Forward, keeping
from samenet.network import Network

NAME = "genann"
PACKAGES = ()
THREADED = False
VARIABLE = "SAMENET_GENANN"
TABLE, EXACT = "genann, table", "genann, exact"

_OFF = 0.02  # what the table may do to an output, or to a parameter in a few updates


class _Ann(ctypes.Structure):
    """struct genann."""

    _fields_ = (
        ("inputs", ctypes.c_int),
        ("hidden_layers", ctypes.c_int),
        ("hidden", ctypes.c_int),
        ("outputs", ctypes.c_int),
        ("activation_hidden", ctypes.c_void_p),
        ("activation_output", ctypes.c_void_p),
        ("total_weights", ctypes.c_int),
        ("total_neurons", ctypes.c_int),
        ("weight", ctypes.POINTER(ctypes.c_double)),
        ("output", ctypes.POINTER(ctypes.c_double)),
        ("delta", ctypes.POINTER(ctypes.c_double)),
    )


def missing() -> str:
    """Why it cannot take part."""
    path = os.environ.get(VARIABLE)
    if not path:
        return f"{VARIABLE} names no shared library"
    try:
        ctypes.CDLL(path)
    except OSError as error:
        return str(error)
    return ""


@cache
def _library() -> Any:
    library = ctypes.CDLL(os.environ[VARIABLE])
    ann, pointer = ctypes.POINTER(_Ann), ctypes.c_void_p
    library.genann_init.restype, library.genann_init.argtypes = ann, (ctypes.c_int,) * 4
    library.genann_free.restype, library.genann_free.argtypes = None, (ann,)
    library.genann_run.restype, library.genann_run.argtypes = pointer, (ann, pointer)
    library.genann_train.restype = None
    library.genann_train.argtypes = (ann, pointer, pointer, ctypes.c_double)
    return library


class _Owned:
    """A network of genann's with samenet's numbers, which is freed with its owner."""

    def __init__(self, network: Network, exact: bool) -> None:
        self.library, sizes = _library(), network.sizes
        self.ann = self.library.genann_init(sizes[0], len(sizes) - 2, sizes[1] if len(sizes) > 2 else 0, sizes[-1])
        found = self.ann.contents
        self.weights = np.ctypeslib.as_array(found.weight, (found.total_weights,))
        self.begin = _ordered(network)
        self.weights[:] = self.begin
        if exact:
            function = ctypes.cast(self.library.genann_act_sigmoid, ctypes.c_void_p)
            found.activation_hidden = found.activation_output = function.value

    def __del__(self) -> None:
        self.library.genann_free(self.ann)


def _ordered(network: Network) -> Array:
    """samenet's numbers in genann's order: of each node its bias, which is subtracted, then its weights."""
    pairs = zip(network.biases, network.weights, strict=True)
    return np.concatenate([np.column_stack([-b, W]).ravel() for b, W in pairs])


def _parameters(network: Network, numbers: Array) -> Array:
    theta, start = network.model.theta.empty_like(), 0
    for W, b in zip(theta.weights, theta.biases, strict=True):
        rows = numbers[start : start + W.size + b.size].reshape(len(W), -1)
        b[:], W[:] = -rows[:, 0], rows[:, 1:]
        start += rows.size
    return theta.flat


def _cannot(network: Network) -> str:
    if network.dtype != np.float64:
        return "it has float64 only"
    if not network.bias:
        return "each of its nodes has a bias"
    if len(set(network.sizes[1:-1])) > 1:
        return "its hidden layers are all of one width"
    return ""


def _addresses(rows: Array) -> list[int]:
    return (rows.ctypes.data + rows.strides[0] * np.arange(len(rows), dtype=np.uintp)).tolist()


def _call(run: Any, read: Any, exact: bool) -> Call:
    note = "ctypes, a call a sample"
    return Call(run, read, 0.0, note) if exact else Call(run, read, _OFF, f"{note}; looser: {_OFF}")


def _forward(exact: bool, task: Forward) -> Call | str:
    if reason := _cannot(task.network):
        return reason
    owned, n, rows = _Owned(task.network, exact), task.network.sizes[-1], task.rows
    outputs = np.empty((len(rows), n))
    places = list(zip(_addresses(rows), _addresses(outputs), strict=True))
    run_one, ann, one, move = owned.library.genann_run, owned.ann, places[0][0], ctypes.memmove
    single = task.x.ndim == 1

    def run() -> None:
        for given, place in places:
            move(place, run_one(ann, given), 8 * n)

    def read(found: Any) -> Array:
        if single:
            move(outputs.ctypes.data, found, 8 * n)
        return outputs.reshape(*task.x.shape[:-1], -1).copy()

    call = partial(run_one, ann, one) if single else run
    return _call(keeping(call, owned, rows, outputs), read, exact)


def _descent(exact: bool, task: Descent) -> Call | str:
    if reason := _cannot(task.network):
        return reason
    if task.batch_size > 1:
        return "it trains online only"
    owned, samples = _Owned(task.network, exact), list(zip(_addresses(task.X), _addresses(task.Y), strict=True))

    def run() -> Array:
        owned.weights[:] = owned.begin
        train, ann, alpha = owned.library.genann_train, owned.ann, task.alpha
        for _ in range(task.passes):
            for x, y in samples:
                train(ann, x, y, alpha)
        return owned.weights

    return _call(keeping(run, task), lambda numbers: _parameters(task.network, numbers), exact)


FORWARD = {TABLE: partial(_forward, False), EXACT: partial(_forward, True)}
DESCENT = {TABLE: partial(_descent, False), EXACT: partial(_descent, True)}
