"""A learner's backend: feed-forward and backpropagation in plain NumPy. The rest is samenet's.

samenet check examples/backends/plain_numpy.py
"""

import numpy as np


def softmax(z):
    """exp(z) over its sum, for each sample; the largest z is subtracted first, so that nothing overflows."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


ACTIVATIONS = {
    "sigmoid": lambda z: np.exp(-np.logaddexp(0, -z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "identity": np.array,
    "softmax": softmax,
}
SLOPES = {"sigmoid": lambda h: h * (1 - h), "tanh": lambda h: (1 - h) * (1 + h), "identity": np.ones_like}


def feed_forward(model, x):
    """The activations of every layer: h = f(W h + b), for one sample or for rows of samples."""
    if not {*model.activations} <= ACTIVATIONS.keys():
        raise NotImplementedError(f"{', '.join(ACTIVATIONS)} alone")
    h = [x]
    for l, W in enumerate(model.weights):
        z = h[-1] @ W.T
        if model.bias:
            z = z + model.biases[l]
        h.append(ACTIVATIONS[model.activations[l]](z))
    return h


def gradient(model, X, Y, reduction="mean"):
    """The cost 1/2 ||y - h||^2 and its gradient, by backpropagation."""
    if model.cost_function != "squared_error" or model.l1 or model.l2 or not {*model.activations} <= SLOPES.keys():
        raise NotImplementedError("the squared error of smooth activations alone, without penalties")
    share = 1 / len(X) if reduction == "mean" else 1
    h, g = feed_forward(model, X), model.theta.empty_like()
    delta = share * (h[-1] - Y) * SLOPES[model.activations[-1]](h[-1])
    for l in reversed(range(len(model.weights))):
        g.weights[l][:] = delta.T @ h[l]
        if model.bias:
            g.biases[l][:] = delta.sum(axis=0)
        if l > 0:
            delta = delta @ model.weights[l] * SLOPES[model.activations[l - 1]](h[l])
    return 0.5 * share * float(((Y - h[-1]) ** 2).sum()), g
