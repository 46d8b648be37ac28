"""Helpers for C libraries called through ctypes: data are passed by address, one sample per call."""

import ctypes
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.problem import Array, Call, Forward
from samenet.network import Network


def by_node(network: Network, numbers: Array, first: bool) -> tuple[list[Array], list[Array]]:
    """Parameters stored node by node, weights and bias (first or last), as views: matrices and vectors."""
    weights, biases, start = [], [], 0
    for W in network.weights:
        rows = numbers[start : start + W.size + len(W)].reshape(len(W), -1)
        biases.append(rows[:, 0 if first else -1])
        weights.append(rows[:, 1:] if first else rows[:, :-1])
        start += rows.size
    return weights, biases


def addresses(rows: Array) -> Array:
    """The address of each row."""
    return rows.ctypes.data + rows.strides[0] * np.arange(len(rows), dtype=np.uintp)


def keeping(run: Callable[..., Any], *owners: Any) -> Callable[[], Any]:
    """`run`, with references that keep alive the objects it knows only by address."""
    call = partial(run)
    call.owners = owners  # type: ignore[attr-defined]
    return call


def forward(task: Forward, run_one: Any, pointer: Any, owner: object, looser: float = 0.0, note: str = "") -> Call:
    """A forward pass by `run_one(pointer, address of a sample)`, which returns the address of the library's output."""
    rows, move, single = task.rows, ctypes.memmove, task.x.ndim == 1
    outputs = np.empty((len(rows), task.network.sizes[-1]), rows.dtype)
    size = outputs.strides[0]
    places = list(zip(addresses(rows).tolist(), addresses(outputs).tolist(), strict=True))

    def run() -> None:
        for given, place in places:
            move(place, run_one(pointer, given), size)

    def read(found: Any) -> Array:
        if single:
            move(outputs.ctypes.data, found, size)
        return outputs.reshape(*task.x.shape[:-1], -1).copy()

    call = partial(run_one, pointer, places[0][0]) if single else run
    return Call(keeping(call, owner, rows, outputs), read, looser, f"ctypes, a call a sample{note}")
