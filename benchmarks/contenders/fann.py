"""FANN, a C library, through ctypes: doublefann for float64, fann for float32 (`apt-get install libfann-dev`).

Its sigmoid is 1 / (1 + exp(-2 s z)), the logistic function for steepness s = 1/2. Training clips outputs to
[0.01, 0.99] when it computes slopes, so answers agree where nothing saturates. Every node has a bias.
A forward pass calls `fann_run` once per sample, since there are no batches. Training makes one call per batch.
Source: fann.h, fann_data.h and fann_train.h of FANN 2.2.
"""

import ctypes
import re
import tempfile
from ctypes import util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import by_address
from benchmarks.by_address import addresses, by_node, keeping
from benchmarks.contenders import Peer, Way
from benchmarks.problem import Array, Call, Descent, Forward, flat
from samenet.network import Network

_SIGMOID, _LINEAR_ERROR, _INCREMENTAL, _BATCH = 3, 0, 0, 1
_OFF = 1e-3  # the effect on a parameter, in a few updates, of clipped slopes in saturated nodes and of a float32 rate
_LIBRARIES = {"float64": "doublefann", "float32": "fann"}


class _Data(ctypes.Structure):
    """struct fann_train_data, whose rows are in NumPy's memory."""

    _fields_ = (
        ("error_number", ctypes.c_int),
        ("error_log", ctypes.c_void_p),
        ("error_text", ctypes.c_char_p),
        ("num_data", ctypes.c_uint),
        ("num_input", ctypes.c_uint),
        ("num_output", ctypes.c_uint),
        ("input", ctypes.c_void_p),
        ("output", ctypes.c_void_p),
    )


def _missing() -> str:
    """Why it cannot take part."""
    lacking = [name for name in _LIBRARIES.values() if util.find_library(name) is None]
    return f"no shared library {' and '.join(lacking)}" if lacking else ""


@cache
def _library(dtype: str) -> Any:
    library = ctypes.CDLL(util.find_library(_LIBRARIES[dtype]))
    pointer, number, real = ctypes.c_void_p, ctypes.c_uint, ctypes.c_float
    for name, result, arguments in (
        ("fann_create_standard_array", pointer, (number, ctypes.POINTER(number))),
        ("fann_create_from_file", pointer, (ctypes.c_char_p,)),
        ("fann_save", ctypes.c_int, (pointer, ctypes.c_char_p)),
        ("fann_copy", pointer, (pointer,)),
        ("fann_destroy", None, (pointer,)),
        ("fann_run", pointer, (pointer, pointer)),
        ("fann_train_epoch", real, (pointer, pointer)),
        ("fann_set_activation_function_hidden", None, (pointer, ctypes.c_int)),
        ("fann_set_activation_function_output", None, (pointer, ctypes.c_int)),
        ("fann_set_train_error_function", None, (pointer, ctypes.c_int)),
        ("fann_set_training_algorithm", None, (pointer, ctypes.c_int)),
        ("fann_set_learning_rate", None, (pointer, real)),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class _Ann:
    """A FANN network, freed along with this object."""

    def __init__(self, library: Any, pointer: int) -> None:
        self.library, self.pointer = library, pointer

    def __del__(self) -> None:
        self.library.fann_destroy(self.pointer)

    def copy(self) -> "_Ann":
        """A copy with the same parameters."""
        return _Ann(self.library, self.library.fann_copy(self.pointer))

    def saved(self) -> str:
        """The text that FANN writes to a file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "net"
            self.library.fann_save(self.pointer, bytes(path))
            return path.read_text(encoding="ascii")


# A saved network has "(neuron, weight)" for each connection: for each node its weights, then its bias.
_CONNECTION = re.compile(r"\((\d+), ([^)]+)\)")
_BEFORE = "connections (connected_to_neuron, weight)="


def _ordered(network: Network) -> Array:
    """samenet's parameters in FANN's order."""
    return np.concatenate([np.column_stack(pair).ravel() for pair in zip(network.weights, network.biases, strict=True)])


def _made(network: Network) -> _Ann:
    """A FANN network with samenet's parameters, loaded from a file, because setting each one takes a search."""
    library = _library(network.dtype.name)
    sizes = (ctypes.c_uint * len(network.sizes))(*network.sizes)
    empty = _Ann(library, library.fann_create_standard_array(len(sizes), sizes))
    library.fann_set_activation_function_hidden(empty.pointer, _SIGMOID)
    library.fann_set_activation_function_output(empty.pointer, _SIGMOID)
    library.fann_set_train_error_function(empty.pointer, _LINEAR_ERROR)
    head, connections = empty.saved().split(_BEFORE)
    numbers = iter(_ordered(network).tolist())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net"
        filled = _CONNECTION.sub(lambda found: f"({found[1]}, {next(numbers):.20e})", connections)
        path.write_text(head + _BEFORE + filled, encoding="ascii")
        return _Ann(library, library.fann_create_from_file(bytes(path)))


def _parameters(network: Network, ann: _Ann) -> Array:
    """FANN's parameters in samenet's order."""
    numbers = [float(found[2]) for found in _CONNECTION.finditer(ann.saved().split(_BEFORE)[1])]
    return flat(network, *by_node(network, np.array(numbers), first=False))


def _forward(task: Forward) -> Call:
    ann = _made(task.network)
    return by_address.forward(task, ann.library.fann_run, ann.pointer, ann)


def _descent(task: Descent) -> Call | str:
    if not task.network.bias:
        return "each of its nodes has a bias"
    ann, m = _made(task.network), task.batch_size
    rate = task.alpha if task.reduction == "mean" else task.alpha * m  # a float32; 1/4 is exact, 1/10 is not
    at_once = len(task.X) if m == 1 else m  # incremental training makes a whole pass in one call
    X, Y = addresses(task.X), addresses(task.Y)
    batches = [
        _Data(0, None, None, at_once, *task.network.sizes[:: len(task.network.sizes) - 1])
        for _ in range(0, len(X), at_once)
    ]
    for i, data in enumerate(batches):
        data.input, data.output = (a[i * at_once :].ctypes.data for a in (X, Y))
    places = [ctypes.addressof(data) for data in batches]

    def run() -> _Ann:
        trained = ann.copy()
        library, pointer = trained.library, trained.pointer
        # A copy has the default algorithm, whatever the original had.
        library.fann_set_training_algorithm(pointer, _INCREMENTAL if m == 1 else _BATCH)
        library.fann_set_learning_rate(pointer, rate)
        epoch = library.fann_train_epoch
        for _ in range(task.passes):
            for place in places:
                epoch(pointer, place)
        return trained

    def read(trained: _Ann) -> Array:
        return _parameters(task.network, trained)

    call = keeping(run, task, X, Y, batches)
    return Call(call, read) if m == 1 else Call(call, read, _OFF, f"slopes clipped; looser: {_OFF}")


NAME = "FANN"
PEER = Peer(NAME, {NAME: Way(_forward, _descent, "#CC79A7", "h")}, threaded=False, absent=_missing)
