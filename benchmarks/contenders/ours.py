"""samenet: Numba, NumPy, and the reference's loops where a call takes less than a second."""

from functools import partial
from typing import Any

import numpy as np

from benchmarks.contenders import Peer, Way
from benchmarks.limits import products
from benchmarks.problem import Array, Call, Descent, Forward
from samenet.backends import backend
from samenet.network import Network

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


def _trained(network: Network, task: Descent) -> Array:
    network.parameters = task.network.parameters
    network.train(
        task.X,
        task.Y,
        alpha=task.alpha,
        epochs=task.passes,
        batch_size=task.batch_size,
        reduction=task.reduction,
        shuffle=False,
        record_every=0,
    )
    return network.parameters


def _train(name: str, task: Descent) -> Call:
    return Call(partial(_trained, _ready(task.network, name, task.threads), task), np.array)


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


PEER = Peer(
    "samenet",
    {
        PREDICTOR: Way(_predictor, "a predictor does not train"),  # the first that can run a task is the baseline
        NUMBA: Way(partial(_predict, "numba"), partial(_train, "numba"), "#009E73", "^"),
        NUMPY: Way(partial(_predict, "numpy"), partial(_train, "numpy"), "#009E73", "o"),
        LOOPS: Way(_loops, _loop_training, "#009E73", "s"),
    },
    module="numba",  # its import time, to compare with the time to the first answer
    distributions=("samenet", "numpy", "numba", "scipy"),
)
