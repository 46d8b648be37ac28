"""NumPy at its leanest: whole batches, arrays allocated once, every operation with an output array.

A large batch is processed in blocks, so that each layer finds the output of the one before in the cache.
"""

from collections.abc import Callable

import numpy as np

from benchmarks.contenders import Peer, Way
from benchmarks.problem import Array, Call, Descent, Forward, Gradient
from samenet.network import Network

_BLOCK = 512


def _sigmoid(z: Array) -> None:
    np.negative(z, z)
    np.exp(z, z)
    z += 1
    np.reciprocal(z, z)


def _forward(task: Forward) -> Call:
    weights, biases = [W.T for W in task.network.weights], task.network.biases
    x, block = task.x, min(_BLOCK, len(task.rows))
    hidden = [np.empty((block, W.shape[1]), W.dtype) for W in weights[:-1]]
    output = np.empty((len(task.rows), task.network.sizes[-1]), x.dtype)
    pieces = []  # for each block: its input, and the output array of every layer
    for start in range(0, len(output), block):
        end = min(start + block, len(output))
        layers = [*(h[: end - start] for h in hidden), output[start:end]]
        pieces.append((task.rows[start:end], list(zip(weights, biases, layers, strict=True))))

    def run() -> Array:
        for h, steps in pieces:
            for W, b, z in steps:
                np.dot(h, W, z)
                z += b
                _sigmoid(z)
                h = z
        return output

    return Call(run, lambda h: h.reshape(*x.shape[:-1], -1).copy(), note="into an array that is made once")


def _backpropagation(theta: Network, g: Network, m: int) -> Callable[[Array, Array], Array]:
    """From m samples to their outputs; it writes the gradient of the sum of the costs into g."""
    H, D, S = ([np.empty((m, n), theta.dtype) for n in theta.sizes[1:]] for _ in range(3))
    ones, last = np.ones(m, theta.dtype), len(H) - 1

    def run(x: Array, y: Array) -> Array:
        h = x
        for i, (W, z) in enumerate(zip(theta.weights, H, strict=True)):
            np.dot(h, W.T, z)
            if theta.bias:
                z += theta.biases[i]
            _sigmoid(z)
            h = z
        np.subtract(H[last], y, D[last])
        for i in range(last, -1, -1):
            h, delta, s = H[i], D[i], S[i]
            np.subtract(1, h, s)
            s *= h
            delta *= s
            np.dot(delta.T, H[i - 1] if i else x, g.weights[i])
            if theta.bias:
                np.dot(ones, delta, g.biases[i])
            if i:
                np.dot(delta, theta.weights[i], D[i - 1])
        return H[last]

    return run


def _gradient(task: Gradient) -> Call:
    m, g = len(task.X), task.network.copy()
    backpropagate, errors = _backpropagation(task.network, g, m), np.empty_like(task.Y)
    slope, share = g.parameters, task.network.dtype.type(1 / m)

    def run() -> tuple[Array, Array]:
        np.subtract(backpropagate(task.X, task.Y), task.Y, errors)
        np.multiply(slope, share, slope)
        return slope, 0.5 * share * np.vdot(errors, errors)

    return Call(run, lambda found: np.append(*found), note="into an array that is made once")


def _descent(task: Descent) -> Call:
    network, m = task.network, task.batch_size
    theta, g = network.copy(), network.copy()  # each stores its parameters in one vector
    flat, slope, rate = theta.parameters, g.parameters, network.dtype.type(task.rate)
    backpropagate = _backpropagation(theta, g, m)

    def run() -> Array:
        flat[:] = network.parameters
        for _ in range(task.passes):
            for start in range(0, len(task.X), m):
                backpropagate(task.X[start : start + m], task.Y[start : start + m])
                np.multiply(slope, rate, slope)
                np.subtract(flat, slope, flat)
        return flat

    return Call(run, np.array)


NAME = "NumPy, lean"
# Its threads are those of BLAS.
PEER = Peer(NAME, {NAME: Way(_forward, _descent, "#E69F00", "o", gradient=_gradient)}, distributions=("numpy",))
