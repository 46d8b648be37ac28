"""samenet: Numba, NumPy, and the reference's loops where a call takes less than a second."""

import math
from collections import deque
from functools import partial
from itertools import repeat
from operator import setitem
from typing import Any

import numpy as np

import samenet
from benchmarks.contenders import ACTIVATIONS, EVERYTHING, Peer, Way
from benchmarks.limits import products
from benchmarks.problem import SEED, Array, Call, Descent, Forward, Gradient, Many
from samenet.backends import backend
from samenet.compare.timing import Prepared
from samenet.network import Network
from samenet.schedules import InverseTime

PREDICTOR, NUMBA, NUMPY, LOOPS = "samenet Numba, predictor", "samenet Numba", "samenet NumPy", "samenet loops"

_LOOPS_UP_TO = 4_000_000  # multiply-adds per call


def _ready(network: Network, name: str, threads: int) -> Network:
    other = network.on(name)
    other.threads = threads
    return other


def _predictor(task: Forward) -> Call | str:
    if task.x.ndim > 1:
        return "a predictor takes one sample"
    network = _ready(task.network, "numba", task.threads)
    predict, out = network.predictor(), np.empty(network.sizes[-1], network.dtype)
    return Call(partial(predict, task.x, out), np.array, note="unchecked, into an array that is given")


def _predict(name: str, task: Forward) -> Call:
    return Call(partial(_ready(task.network, name, task.threads).predict, task.x), np.asarray)


def _gradient(name: str, task: Gradient) -> Call:
    return Call(partial(_ready(task.network, name, task.threads).gradient, task.X, task.Y), with_cost)


def with_cost(found: tuple[float, Any]) -> Array:
    """The gradient, and behind it the cost."""
    cost, slope = found
    return np.append(slope.flat, slope.flat.dtype.type(cost))


def _settings(task: Descent) -> dict[str, Any]:
    """The arguments of `train`."""
    return {
        "alpha": InverseTime(task.alpha, task.decay) if task.decay else task.alpha,
        "epochs": task.passes,
        "batch_size": task.batch_size,
        "reduction": task.reduction,
        "optimizer": task.rule,
        "dropout": task.dropout,
        "drop_connect": task.drop_connect,
        "clip_value": task.clip_value if task.clip_value < math.inf else None,
        "clip_norm": task.clip_norm if task.clip_norm < math.inf else None,
        "sample_weight": task.weights,
        "shuffle": task.shuffle,
        "seed": SEED,
        "record_every": 0,
    }


def _trained(network: Network, task: Descent, settings: dict[str, Any]) -> Array:
    network.parameters[:] = task.network.parameters  # unchecked, as every contender begins
    network.train(task.X, task.Y, **settings)
    return network.parameters


def _train(name: str, task: Descent) -> Call:
    return Call(partial(_trained, _ready(task.network, name, task.threads), task, _settings(task)), np.array)


def _train_many(name: str, task: Many) -> Call:
    """All at once by `train_many` if available, else one after the other, from the same weights in every call.

    Networks are trained in place, so they get these weights before each call. The time of that does not count: peers
    leave the weights as they are, and return others.
    """
    trained, tasks = [_ready(network, name, task.threads) for network in task.networks], task.each()
    parameters, starts = [network.parameters for network in trained], [network.parameters for network in task.networks]
    at_once: Any = getattr(samenet, "train_many", None)
    settings = {key: value for key, value in _settings(task.one).items() if key != "seed"}

    def prepare() -> None:
        deque(map(setitem, parameters, repeat(slice(None)), starts), 0)

    def run() -> list[Network]:
        if at_once is None:
            for network, one in zip(trained, tasks, strict=True):
                network.train(one.X, one.Y, **_settings(one))
            return trained
        at_once(trained, task.one.X, task.one.Y, seeds=[SEED] * len(trained), **settings)
        return trained

    note = "train_many" if at_once else "one after the other"
    return Call(
        Prepared(prepare, run), lambda networks: np.array([network.parameters for network in networks]), note=note
    )


_TOO_LONG = "the loops would take more than a second"


def _loops(task: Forward) -> Call | str:
    if len(task.rows) * products(task.network.sizes) > _LOOPS_UP_TO or task.threads > 1:
        return _TOO_LONG
    weights, biases = ([a.tolist() for a in arrays] for arrays in (task.network.weights, task.network.biases))
    forward_sample, samples = backend("reference").forward_sample, task.rows.tolist()

    def run() -> Any:
        return [forward_sample(weights, biases, sample)[-1] for sample in samples]

    return Call(run, lambda outputs: np.array(outputs, task.x.dtype).reshape(*task.x.shape[:-1], -1))


def _loop_training(task: Descent) -> Call | str:
    if 3 * task.batch_size * products(task.network.sizes) > _LOOPS_UP_TO / 1000 or task.threads > 1:
        return _TOO_LONG
    return _train("reference", task)


def _way(name: str, marker: str) -> Way:
    forward, descent, many, gradient = (partial(f, name) for f in (_predict, _train, _train_many, _gradient))
    return Way(forward, descent, "#009E73", marker, many, gradient, EVERYTHING)


PEER = Peer(
    "samenet",
    {
        # The first that can run a task is the baseline.
        PREDICTOR: Way(_predictor, "a predictor does not train", takes=ACTIVATIONS),
        NUMBA: _way("numba", "^"),
        NUMPY: _way("numpy", "o"),
        LOOPS: Way(_loops, _loop_training, "#009E73", "s", model=True),
    },
    module="numba",  # its import time, to compare with the time to the first answer
    distributions=("samenet", "numpy", "numba", "scipy"),
)
