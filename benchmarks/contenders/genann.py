"""genann, a C library, through ctypes, from the shared library that SAMENET_GENANN names.

It is one file: `cc -O3 -shared -fPIC genann.c -lm -o libgenann.so`.

Its sigmoid is a table of 4096 values on [-15, 15] with nearest-neighbour lookup: the error is at most
1/4 * 15/4096 = 0.00092, and later layers multiply it by their weights. "exact" uses its exact sigmoid instead. It
trains online only, all of its hidden layers have the same width, and biases are subtracted.
Source: genann.h and genann.c, https://github.com/codeplea/genann
"""

import ctypes
import os
from functools import cache, partial
from typing import Any

import numpy as np

from benchmarks import by_address
from benchmarks.by_address import addresses, by_node, keeping
from benchmarks.contenders import Peer, Way
from benchmarks.problem import Array, Call, Descent, Forward, flat
from samenet.network import Network

VARIABLE = "SAMENET_GENANN"
TABLE, EXACT = "genann, table", "genann, exact"

_OFF = 0.02  # the allowed effect of the table on an output, or on a parameter after a few updates


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


def _missing() -> str:
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
    """A genann network with samenet's parameters, freed along with this object."""

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
    """samenet's parameters in genann's order: for each node its bias, with opposite sign, then its weights."""
    pairs = zip(network.biases, network.weights, strict=True)
    return np.concatenate([np.column_stack([-b, W]).ravel() for b, W in pairs])


def _parameters(network: Network, numbers: Array) -> Array:
    weights, biases = by_node(network, numbers, first=True)
    return flat(network, weights, [-b for b in biases])


def _cannot(network: Network) -> str:
    if network.dtype != np.float64:
        return "it has float64 only"
    if not network.bias:
        return "each of its nodes has a bias"
    if len(set(network.sizes[1:-1])) > 1:
        return "its hidden layers are all of one width"
    return ""


def _off(exact: bool) -> tuple[float, str]:
    """The error allowed for the table, and the note about it."""
    return (0.0, "") if exact else (_OFF, f"; looser: {_OFF}")


def _forward(exact: bool, task: Forward) -> Call | str:
    if reason := _cannot(task.network):
        return reason
    owned = _Owned(task.network, exact)
    return by_address.forward(task, owned.library.genann_run, owned.ann, owned, *_off(exact))


def _descent(exact: bool, task: Descent) -> Call | str:
    if reason := _cannot(task.network):
        return reason
    if task.batch_size > 1:
        return "it trains online only"
    owned = _Owned(task.network, exact)
    samples = list(zip(addresses(task.X).tolist(), addresses(task.Y).tolist(), strict=True))

    def run() -> Array:
        owned.weights[:] = owned.begin
        train, ann, alpha = owned.library.genann_train, owned.ann, task.alpha
        for _ in range(task.passes):
            for x, y in samples:
                train(ann, x, y, alpha)
        return owned.weights

    looser, note = _off(exact)
    read = partial(_parameters, task.network)
    return Call(keeping(run, task), read, looser, f"ctypes, a call a sample{note}")


PEER = Peer(
    "genann",
    {
        TABLE: Way(partial(_forward, False), partial(_descent, False), "#666666", "<"),
        EXACT: Way(partial(_forward, True), partial(_descent, True), "#666666", ">"),
    },
    threaded=False,
    absent=_missing,
)
